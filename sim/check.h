/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_CHECK_H
#define NTK_SIM_CHECK_H

/*
 * The invariants of a simulated world.
 *
 * At any moment: no packet is taken in by a node that it was not meant for; each manager
 * is sound in itself (qspn_invariant()), and what it knows makes sound facts.
 *
 * At rest, besides: no packet goes round; where the links connect two nodes (and every g-node is
 * connected inside), packets arrive, by every kind of address that both have in common; each
 * path that is told exists, and costs no less than bound.h says; the first one costs no more
 * than the cheapest way there, stretched by 10/7 for each node that the news passed (spec/qspn
 * 12 item 17); paths are as disjoint as they are called (disjoint.h); each own g-node counts as
 * many nodes as it has; and with all amendments, what a node knows from a neighbour is what that
 * neighbour tells (qspn_agree()).
 */

#include "sim/bound.h"
#include "sim/disjoint.h"
#include "sim/truth.h"
#include "sim/walk.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CHECK_ALL_PAIRS = 200,		/* up to so many nodes all pairs are walked; */
	CHECK_SAMPLE = 20000,		/* else so many, drawn from the seed */
	CHECK_SAMPLE_SOURCES = 40,	/* and for costs from so many nodes */
	CHECK_PATHS = 64,		/* to one destination; more are not compared */
	CHECK_WHY = 320,
};

struct check_count {
	uint64_t pairs;			/* ordered, of nodes that are up */
	uint64_t reachable;		/* of them: connected by links */
	uint64_t walks;			/* packets sent, all kinds of addresses */
	uint64_t ends[WALK_ENDS];
	uint64_t paths;			/* of all ranks, compared with what they cost at least */
	uint64_t disjoint;		/* pairs of paths whose links were compared */
	uint64_t open;			/* destinations without a path around a neighbour that is offered */
	uint64_t late;			/* destinations whose paths need the next periodic update */
	uint64_t costs;			/* first paths compared with the cheapest way */
	uint64_t costs_incomparable;	/* the true cheapest way re-enters a g-node */
	uint64_t stretch;		/* greatest told / true cost, in thousandths */
};

struct check {
	struct world *w;
	struct walk walk;
	struct truth truth;
	struct bound bound;
	struct disjoint disjoint;
	struct rng rng;			/* of samples */
	struct check_count count;	/* of the last check_rest() */
	bool updated;			/* periodic updates came since the last change: none may be late */
	uint64_t loops_on_the_way;	/* packets that went round while the world was not at rest */
	char why[CHECK_WHY];		/* the first invariant that broke */
	bool failed;			/* memory ran out */
};

bool check_init(struct check *c, struct world *w);
void check_free(struct check *c);

/* After an event that NODE took part in.  False with c->why when an invariant broke. */
bool check_event(struct check *c, uint32_t node);

/* Reads the tables of all nodes; false: those of some node cannot be read (c->why). */
bool check_read(struct check *c);

/*
 * Sends a packet from A to each address by which the two know each other, by the tables read
 * last; no invariant.
 */
void check_pair(struct check *c, uint32_t a, uint32_t b, unsigned *reached, unsigned *sent);

/* At rest. */
bool check_rest(struct check *c);

#ifdef __cplusplus
}
#endif

#endif
