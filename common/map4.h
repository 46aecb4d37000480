/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_MAP4_H
#define NTK_COMMON_MAP4_H

/*
 * Netsukuku addresses as IP addresses (spec/kernel-state 2).
 *
 * Inside the range the two bits above the topology's bits say the kind; below
 * them position i lies at its shift.  Addresses internal to level k carry k in
 * the field of the highest level.  Everything is computed in ntk_ip_t with
 * NTK_IP_BITS, so that a wider word is all an IPv6 mapping would need.
 */

#include "common/net.h"
#include "common/topo.h"

#ifdef __cplusplus
extern "C" {
#endif

struct map4 {
	struct topo topo;
	ntk_prefix_t range;	/* the network's; topo_check()ed against its host bits */
};

enum map4_kind {
	MAP4_GLOBAL = 0,
	MAP4_INTERNAL = 1,
	MAP4_ANONYMIZING = 2,
	MAP4_RESERVED = 3,
};

/* A kind of address; LEVEL is k for MAP4_INTERNAL, 0 for the others. */
struct map4_class {
	enum map4_kind kind;
	uint8_t level;
};

/* "global", "internal", "anonymizing", "reserved"; static. */
const char *map4_kind_name(enum map4_kind kind);

/*
 * The address of node N of class C.  False when it does not exist: a position
 * it would carry is virtual, or internal to a level that is not 1 … l-1 (or does
 * not fit into its field, in loose topologies).
 */
bool map4_node(const struct map4 *m, const struct naddr *n, struct map4_class c, ntk_ip_t *out);

/*
 * The prefix of class C of the g-node DST seen from N.  False when it cannot be
 * expressed: DST's position is virtual, a position above it that the class
 * carries is virtual, or, for internal to k, DST's level is not below k.
 */
bool map4_gnode(const struct map4 *m, const struct naddr *n, struct coord dst,
    struct map4_class c, ntk_prefix_t *out);

/*
 * The prefix of class C of N's own g-node of LEVEL (0: N itself; l: the whole
 * network, all addresses of the class).  False as map4_gnode(); internal to k
 * needs LEVEL <= k.
 */
bool map4_own_gnode(const struct map4 *m, const struct naddr *n, unsigned level,
    struct map4_class c, ntk_prefix_t *out);

/* All addresses of class C: all globals, all anonymizing, all internal to k. */
bool map4_all(const struct map4 *m, struct map4_class c, ntk_prefix_t *out);

/* The network's synonym of localhost: internal to level 0. */
ntk_ip_t map4_localhost(const struct map4 *m);

/*
 * What ADDR is.  False when it is outside the range, of the reserved kind, above
 * the topology's bits, or an internal address that cannot exist.
 */
bool map4_classify(const struct map4 *m, ntk_ip_t addr, struct map4_class *c);

#ifdef __cplusplus
}
#endif

#endif
