/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_WALK_H
#define NTK_SIM_WALK_H

/*
 * Where packets go in a simulated world: the tables that the daemon would put into each kernel
 * (QSPN's paths, made facts, made wanted state: the daemon's own code), and a packet that is
 * followed through them - table ntk where it starts, then on each node the table of the
 * neighbour it came from.
 */

#include "common/map4.h"
#include "sim/world.h"

#ifdef __cplusplus
extern "C" {
#endif

struct walk_node;

struct walk {
	const struct world *w;
	struct map4 map;
	struct walk_node *nodes;
	uint32_t *visited;	/* of each node: the last walk that came by */
	uint32_t walks;
	size_t routes_max;	/* of the busiest node, all tables together */
	bool failed;		/* memory ran out */
};

enum walk_end {
	WALK_REACHED,
	WALK_LOOP,		/* a node was met twice */
	WALK_WRONG,		/* taken in by a node that it was not meant for */
	WALK_DEAD,		/* unreachable, blackhole, or the link is down */
	WALK_ENDS,
};
const char *walk_end_name(enum walk_end e);

/*
 * The range addresses are taken from; loose topologies are allowed.  False: W's topology does
 * not fit.
 */
bool walk_init(struct walk *k, const struct world *w);

/*
 * Reads the tables of all nodes.  False with WHY when a node's facts or wanted state are not
 * what they must be (facts_check()).
 */
bool walk_read(struct walk *k, char *why, size_t why_size);

/*
 * Those of NODE alone, if its paths or arcs are others than when they were last read by this
 * function: *CHANGED tells.
 */
bool walk_read_node(struct walk *k, uint32_t node, bool *changed, char *why, size_t why_size);
void walk_free(struct walk *k);

/*
 * Sends a packet from FROM to the address of class C of TO.  *HOPS gets the number of links
 * crossed.  Nodes that are not up take nothing.
 */
enum walk_end walk_packet(struct walk *k, uint32_t from, uint32_t to, struct map4_class c,
    unsigned *hops);

#ifdef __cplusplus
}
#endif

#endif
