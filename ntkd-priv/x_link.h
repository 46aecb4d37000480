/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_X_LINK_H
#define NTKD_PRIV_X_LINK_H

/*
 * Interfaces: what the kernel tells of them, their IPv4 settings (by netlink:
 * no file, no namespace to enter), and pseudo-interfaces (macvlan, mode private).
 */

#include "ntkd-priv/ledger.h"
#include "common/nlq.h"

struct rtnl_link;

struct link_facts {
	int ifindex;
	bool up;
	bool settings;		/* are as LINK_SETTINGS makes them */
	ntk_mac_t mac;
	char name[CONF_IFNAME];
};

/* By index, or by NAME when IFINDEX is 0.  Returns 0 or errno. */
int x_link_read(struct nl_sock *rt, int ifindex, const char *name, struct link_facts *out);

/*
 * Looks for lo and the interfaces of C by name.  Those with something of ours stay what they are,
 * whoever has their names; every other one gets a new handle, or none: it does not exist, or is
 * what another one still is.
 */
void x_link_find(struct ledger *l, const struct conf *c);

/* Calls EACH for every interface that RT can see, until it returns not 0.  0, that, or EIO. */
int x_link_each(struct nl_sock *rt, int (*each)(struct nl_sock *rt, struct rtnl_link *link));

/*
 * For x_link_each(): a pseudo-interface of ours, told by its name, hears nothing any more and has
 * no addresses and routes, whoever keeps its namespace.  Nothing is waited for.  Returns 0.
 */
int x_link_silence(struct nl_sock *rt, struct rtnl_link *link);

/* What shall become of an interface, in one message. */
enum {
	LINK_SETTINGS = 1,	/* rp_filter 0, arp_ignore 1, arp_announce 2 (spec/kernel-state 3) */
	LINK_UP = 2,
};

/* Does WHAT, and sets the alias unless it is NULL.  As nlq_request(). */
int x_link_set(struct nl_sock *rt, int ifindex, unsigned what, const char *alias,
    struct nlq_error *err);

/* Makes or restores what OBJ_DEV stands for; see x.h. */
int x_link_change(struct ledger *l, const struct change *ch, struct nlq_error *err);

#endif
