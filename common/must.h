/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_MUST_H
#define NTK_COMMON_MUST_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Returns P.  Without memory the process ends at once, with a line in the log.  For
 * ntkd-priv, where code without untested paths is worth more than a last gasp and
 * the next life cleans up what this one leaves, and for what ntkd does before it
 * has anything to lose.
 */
void *must(void *p);

/* The same for conditions that only a lack of memory, or a bug, can break. */
void must_be(int condition);

#ifdef __cplusplus
}
#endif

#endif
