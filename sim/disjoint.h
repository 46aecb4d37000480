/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_DISJOINT_H
#define NTK_SIM_DISJOINT_H

/*
 * Are the paths that a manager shows what it calls them (spec/qspn 4.11, 4.12)?  Each is put on
 * the links of the world: an arc that a path names must be one that leads from a node of the hop
 * before it to a node of the next, and what two paths have in common is counted in links, not
 * in names.  Only who chose which name is taken from managers; the rule is written here a
 * second time.
 *
 * A path to a destination, besides the first, must
 * - lead around a g-node of a neighbour that no cheaper one leads around, or
 * - lead through an adjacent g-node, of a level below that of the destination, that no cheaper one
 *   leads through, or
 * - be one of the first max_paths, and have no more in common with any cheaper one than the
 *   ratio allows.
 * A manager judges what it is told at the moment: when the nodes inside a g-node become more or
 * fewer, or it is adjacent no more, paths through it are not compared anew.  The next periodic
 * update brings that in order, so it is wrong only when it lasts longer.
 *
 * And where a neighbour offers a path around another neighbour's g-node, such a path must be
 * shown, if the manager remembers what it was told (A27).
 */

#include "sim/world.h"

#ifdef __cplusplus
extern "C" {
#endif

enum disjoint_verdict {
	DISJOINT_GOOD,
	DISJOINT_OPEN,		/* a path around a neighbour that is offered is not shown */
	DISJOINT_LATE,		/* must become good with the next periodic update */
	DISJOINT_BAD,
};

struct disjoint_name;

struct disjoint {
	const struct world *w;
	uint32_t ratio;			/* millionths, at most in common */
	uint32_t max_paths;
	struct disjoint_name *names;	/* of arcs, in the order of their ids */
	size_t n_names;
	uint32_t *order;		/* nodes that are up, in the order of their addresses */
	uint32_t n_order;
};

/* The rule is that of the world's settings; a caller may ask for another one afterwards. */
bool disjoint_init(struct disjoint *d, const struct world *w);
void disjoint_free(struct disjoint *d);

/* Learns by which names the managers call their arcs now.  False: memory is exhausted. */
bool disjoint_read(struct disjoint *d);

/*
 * Judges the N paths at V, cheapest first, that NODE shows to DEST; WHY gets a sentence about the
 * first that is not what it must be.  COMPARED counts pairs of paths whose links were compared.
 */
enum disjoint_verdict disjoint_judge(const struct disjoint *d, uint32_t node, struct coord dest,
    const struct qspn_path *v, size_t n, uint64_t *compared, char *why, size_t size);

#ifdef __cplusplus
}
#endif

#endif
