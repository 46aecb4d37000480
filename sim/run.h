/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_RUN_H
#define NTK_SIM_RUN_H

/* One run of the simulator: a world is made, comes to rest, things happen to it, it is judged. */

#include "sim/check.h"
#include "sim/options.h"
#include "sim/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one event after the first rest cost, until the next. */
struct run_event {
	struct course_event event;
	uint64_t virtual_us;
	uint64_t messages;
	uint64_t bytes;
	uint32_t nodes_told;	/* heard a message */
};

/* At the first rest, or at the end when there was none. */
struct run_rest {
	bool reached;
	uint64_t virtual_us;
	uint64_t cpu_us;
	struct world_count count;
};

struct run {
	const struct sim_options *o;
	struct scenario scenario;	/* when there is one */
	struct graph graph;		/* else */
	struct naddr *addresses;
	struct world *world;
	struct check check;
	struct run_rest rest;
	struct run_event *events;
	uint32_t n_events;
	uint64_t cpu_us;		/* of everything but the checks */
	uint64_t check_us;
	uint64_t splits;		/* reported while no g-node was torn apart */
	uint64_t splits_true;		/* reported otherwise */
	uint64_t late;		/* check_count.late of the judgement after the last event */
	uint64_t hash;		/* world_hash() then, */
	uint64_t virtual_us;	/* and the time */
	uint64_t bytes_held;		/* by all managers, at the end */
	uint64_t paths, destinations;
	bool broken;			/* an invariant broke: check.why */
	char why[CHECK_WHY];		/* the run itself failed */
};

/*
 * Runs O.  GIVEN, when not NULL, are N events to use instead of drawing them (those that make
 * no sense are passed over).  False when the run could not be made (r->why); whether all
 * invariants held is told by r->broken.
 */
bool run_world(struct run *r, const struct sim_options *o, const struct course_event *given,
    uint32_t n);
void run_free(struct run *r);

/*
 * Looks for a shorter list of events with which an invariant still breaks, starting from those
 * of R, which broke.  Returns their number; V (free() it) gets them.  NULL in V: memory is
 * exhausted.
 */
uint32_t run_shrink(const struct run *r, struct course_event **v);

#ifdef __cplusplus
}
#endif

#endif
