/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_X_ROUTE_H
#define NTKD_PRIV_X_ROUTE_H

/*
 * Addresses, neighbour routes, routes and rules as rtnetlink messages.
 *
 * Every object carries our protocol number; metrics, priorities, tables and
 * marks are put in here, never taken from ntkd.  REPLACE is used only for what
 * is in the ledger, since it would take a foreign route away too.
 */

#include "ntkd-priv/ledger.h"

struct nl_msg;
struct nlmsghdr;
struct seen;

/* True for the kinds that x_route_message() knows. */
bool x_route_has(uint8_t kind);

/*
 * The message that makes change CH come true in the namespace of the object.
 * Owned by the caller.
 */
struct nl_msg *x_route_message(const struct conf *c, const struct ledger *l, const struct change *ch);

/*
 * The object of namespace NS in whose place S stands (label.h), as far as it is a key: O, for
 * ledger_find_node().  False when none of ours could stand there.
 */
bool x_route_place(const struct conf *c, const struct ledger *l, unsigned ns,
    const struct seen *s, struct obj *o);

/* How the kernel's NLH compares with object O, in everything but its label. */
enum x_route_match {
	X_ROUTE_SAME,
	X_ROUTE_ALTERED,	/* a change from O to O replaces it */
	X_ROUTE_OTHER,		/* something else; both may stand beside each other */
};
enum x_route_match x_route_compare(const struct conf *c, const struct ledger *l,
    const struct obj *o, const struct nlmsghdr *nlh);

/* True when ERROR of a removal only says that the object is gone already. */
bool x_route_is_gone(int error);

#endif
