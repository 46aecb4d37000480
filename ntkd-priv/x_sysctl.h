/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_X_SYSCTL_H
#define NTKD_PRIV_X_SYSCTL_H

/*
 * Settings below /proc/sys/net: noting them in the journal, switching forwarding on,
 * and putting back what the journal remembers.
 *
 * ip_forward is not one value: switching it sets `forwarding` of all, default and
 * every interface, and all.accept_redirects.  All of these are noted before.
 */

#include "ntkd-priv/journal.h"
#include "ntkd-priv/ledger.h"

/* Writes the two values of a namespace into the one in which the process is.  errno or 0. */
int x_sysctl_enable(void);

/* Looks whether they are still so; writes them again (RIGHT false) if not.  errno or 0. */
int x_sysctl_check(bool *right);

/* Notes those of the default namespace, and what depends on them, then writes them. */
int x_sysctl_prepare(struct nl_sock *rt);

/* Notes "ipv4/conf/NAME/WHAT" of interface IFINDEX as KIND.  errno or 0. */
int x_sysctl_note(enum journal_kind kind, int ifindex, const char *name, const char *what);

/*
 * Puts back what was noted as KIND: JOURNAL_FORWARDING by x_sysctl_prepare(),
 * JOURNAL_INTERFACE when interface IFINDEX was prepared (0: of every one).  What cannot be put
 * back is logged, and stays in the journal.
 */
void x_sysctl_restore(const struct ledger *l, enum journal_kind kind, int ifindex);

#endif
