/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_MUST_H
#define NTKD_PRIV_MUST_H

/*
 * Returns P.  Without memory the helper ends at once, with a line in the log: code
 * that has no untested path for it is worth more than a last gasp, and the next life
 * cleans up what this one leaves (reap.h).
 */
void *must(void *p);

/* The same for conditions that only a lack of memory, or a bug, can break. */
void must_be(int condition);

#endif
