/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_REAP_H
#define NTKD_PRIV_REAP_H

/*
 * The start of a life: what a previous one left is found by its labels (routing
 * protocol number together with our tables and priorities, the comment of the
 * nftables table, the journal) and removed; then it is noted what the host routes
 * by itself.
 */

#include "ntkd-priv/policy.h"

/* Removes what is left; logs what it found.  errno of a dump that failed, or 0. */
int reap(struct ledger *l, const struct conf *c);

/*
 * At the end of a life, when nothing is in the ledger any more: names and labelled objects that are
 * still there.  Labels of which nothing is left need not be looked for by the next life.
 */
void reap_at_end(struct ledger *l);

/*
 * Fills H with the prefixes in C's range or in 169.254/16 (longer than that) that
 * the default namespace routes without us, unless towards a managed interface: what an
 * administrator gives that, beside us, is taken to be meant.  errno or 0;
 * ENOSPC when there are more than HOST_ROUTES.
 */
int host_look(struct ledger *l, const struct conf *c, struct host *h);

#endif
