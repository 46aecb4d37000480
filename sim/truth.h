/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_TRUTH_H
#define NTK_SIM_TRUTH_H

/*
 * What is true of a simulated world, from its links alone: who is connected with whom, at
 * what cost.  The judge of what the managers came to believe.
 */

#include "sim/world.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TRUTH_FAR UINT64_MAX

struct truth {
	const struct world *w;
	uint64_t *cost;		/* µs, of each node from the source asked for last; TRUTH_FAR */
	uint32_t *links;	/* crossed by the cheapest way there */
	uint32_t *via;		/* the node before it on that way; itself at the source */
	struct heap heap;
	uint32_t *component;	/* of each node; UINT32_MAX when it is not up */
	bool whole;		/* every g-node is connected inside */
};

bool truth_init(struct truth *t, const struct world *w);
void truth_free(struct truth *t);

/* Looks at the links as they are now: components and `whole`.  False: memory is exhausted. */
bool truth_look(struct truth *t);

/*
 * The cheapest ways from FROM inside its g-node of LEVEL (levels: everywhere), over links
 * that are up between nodes that are up.  False: memory is exhausted.
 */
bool truth_ways(struct truth *t, uint32_t from, unsigned level);

/*
 * The cheapest way found last to a node of the g-node D (coordinates seen from the
 * source): its cost and its links, and whether it never comes back into a g-node that it left
 * (then a path vector can find it).  False when there is none.
 */
bool truth_to(const struct truth *t, uint32_t from, struct coord d, uint64_t *cost, uint32_t *links,
    bool *simple);

#ifdef __cplusplus
}
#endif

#endif
