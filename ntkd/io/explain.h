/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_EXPLAIN_H
#define NTKD_IO_EXPLAIN_H

/*
 * What the two halves of the verb explain share: explain.c tells of packets, explain_peer.c of
 * neighbours.
 */

#include <jansson.h>

#include "ntkd/io/daemon.h"
#include "proto/ctlmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A neighbour as an operator names it: by a hardware address, or by a link-local one. */
struct explain_peer {
	bool by_mac;
	ntk_mac_t mac;
	ntk_ip_t linklocal;
};

/* The one that V names, a checked argument of kind CTL_IP_OR_MAC. */
struct explain_peer explain_peer(const struct ctl_value *v);

/*
 * True when somebody is heard, accepted or has an identity-arc under that address: MAC, which may be
 * NULL, is then its hardware address.  A link-local address that several have, on different interfaces, is
 * the first one's.  False, too, when memory is exhausted.
 */
bool explain_find(const struct daemon *d, const struct explain_peer *p, ntk_mac_t *mac);

/*
 * Adds to LIST, which becomes NULL when memory is exhausted, what is known of the neighbour: a row for
 * each interface that hears it or shall, and one for each identity-arc.
 */
void explain_neighbour(const struct daemon *d, const struct explain_peer *p, json_t **list);

/*
 * The rule by which the kernel gets to MAC's table, as ip(8) shows it: "10000: from all fwmark
 * 0xfa/0x3fff lookup ntk_from_00:16:3E:5B:78:D5".  KOBJ_NTK is ntk's.  NULL without memory.
 */
json_t *explain_rule(const struct daemon *d, ntk_mac_t mac);

/* Which of the facts of ID is the identity-arc to LINKLOCAL by DEV; -1: none. */
int explain_hop(const struct node_identity *id, unsigned dev, ntk_ip_t linklocal);

#ifdef __cplusplus
}
#endif

#endif
