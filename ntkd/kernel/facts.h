/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_FACTS_H
#define NTKD_KERNEL_FACTS_H

/*
 * What is known of one identity: all that its namespace's kernel state depends
 * on (spec/kernel-state).  Facts come from QSPN and the identity manager, or from a state
 * file (load_state); wanted.h turns them into kernel state.
 *
 * Plain data without pointers into anything else.  Lists are owned by the
 * facts; facts_free() releases them.
 */

#include "common/conf.h"
#include "common/net.h"
#include "common/topo.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	FACTS_ARCS = 1000,		/* spec/daemon 21: max arcs */
	FACTS_PATHS = 65536,		/* over all destinations */
	FACTS_HOPS = 4096,		/* of one path */
	FACTS_HOPS_ALL = 1048576,	/* of all paths together */
};

/* An identity-arc. */
struct facts_arc {
	uint8_t dev;		/* index of the managed interface in the configuration */
	ntk_mac_t peer_mac;
	ntk_ip_t peer_linklocal;
	bool qspn;		/* QSPN uses it; false: neighbour route only */
	bool known;		/* the peer's address is known */
	bool closing;		/* QSPN forgot it, the neighbour has not confirmed yet */
	struct naddr peer;	/* when known */
};

/* A path: through ARC, then these g-nodes, seen from the identity. */
struct facts_path {
	struct coord dst;
	uint16_t arc;		/* index into arcs */
	uint32_t cost;		/* µs */
	uint32_t first_hop;	/* index into hops */
	uint32_t n_hops;	/* the last hop is dst */
};

struct facts {
	bool main;		/* the identity of the default namespace */
	struct naddr address;
	bool has_dev[CONF_INTERFACES];		/* managed interfaces the identity has */
	ntk_ip_t linklocal[CONF_INTERFACES];	/* own; of the pseudo-interface when not main */
	struct facts_arc *arcs;
	size_t n_arcs;
	size_t arcs_size;
	struct facts_path *paths;	/* those of one destination: best first */
	size_t n_paths;
	size_t paths_size;
	struct coord *hops;		/* of all paths, one after the other */
	size_t n_hops;
	size_t hops_size;
};

/* An error in facts: where, in the words of the state file. */
struct facts_error {
	char field[48];		/* "arcs[2].peer_mac", "paths[0].hops" */
	char text[160];		/* what is wrong and what is allowed */
};

void facts_init(struct facts *f);
void facts_free(struct facts *f);

/* Deep copy; false when memory is exhausted (OUT is then empty). */
bool facts_copy(struct facts *out, const struct facts *in);

/* Appends; false when memory is exhausted or a limit above is reached. */
bool facts_add_arc(struct facts *f, const struct facts_arc *arc);
bool facts_add_path(struct facts *f, struct coord dst, uint16_t arc, uint32_t cost,
    const struct coord *hops, size_t n_hops);

/*
 * The indices of all paths, those of one destination together and in their
 * order, destinations in the order of coord_cmp(): N_PATHS numbers to be
 * free()d.  NULL when memory is exhausted.
 */
size_t *facts_path_order(const struct facts *f);

/*
 * Checks everything that wanted.h relies on:
 *  - the address: a main identity may have one virtual position at most (while it
 *    waits to enter), a connectivity identity has at least one;
 *  - arcs: on interfaces the identity has, unicast MACs, usable link-locals, no two
 *    neighbours with one link-local on an interface, each qspn-arc with a MAC of its
 *    own, peers that differ from us; only qspn-arcs are known or closing;
 *  - paths: over known qspn-arcs that are not closing, to g-nodes of the topology (or
 *    virtual ones) that are not our own, best first; hops that begin with the
 *    arc's maximum distinct g-node, end with the destination, do not repeat
 *    and whose levels never decrease (spec/qspn 2);
 *  - costs of at least 1.
 * Own link-locals of 0 are let pass: a state file has none, they are set before wanted
 * state is computed.  False with ERR; its field names the place.
 */
bool facts_check(const struct facts *f, const struct topo *t, size_t n_interfaces,
    struct facts_error *err);

#ifdef __cplusplus
}
#endif

#endif
