/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_BOUND_H
#define NTK_SIM_BOUND_H

/*
 * The least cost that a path may truthfully be told to have.
 *
 * Changes that are not significant are not stored, so what a node stores of its
 * neighbour's total is at least 7/10 of it (spec/qspn 1.6).  News of a path with the arcs
 * c1, c2, c3, ... therefore arrive as at least c1 + 7/10 (c2 + 7/10 (c3 + ...)), each step rounded
 * down: a sharper form of spec/qspn 12 item 17.
 *
 * Inside a g-node of level 0 the way is known arc by arc.  A g-node of a higher level hides
 * its inside: there the least of that sum over all walks from its border to the next one
 * counts.  A walk that is simple has at most as many arcs inside as the g-node has nodes.  Walks
 * that meet a node twice are not excluded, so the bound may be lower than needed, never higher.
 */

#include "sim/world.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bound {
	const struct world *w;
	uint64_t *value[2];	/* of each node: least told cost from there on */
	uint32_t *members[2];	/* of the g-node at hand, and of the one behind it */
	uint32_t n_members[2];
};

#define BOUND_NONE UINT64_MAX

bool bound_init(struct bound *b, const struct world *w);
void bound_free(struct bound *b);

/*
 * The least cost of path P of NODE, BOUND_NONE when P does not exist: two hops that follow each
 * other, or NODE and the first one, have no link between nodes that are up.
 */
uint64_t bound_path(struct bound *b, uint32_t node, const struct qspn_path *p);

#ifdef __cplusplus
}
#endif

#endif
