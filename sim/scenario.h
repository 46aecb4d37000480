/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_SCENARIO_H
#define NTK_SIM_SCENARIO_H

/*
 * A written world and course of events (ntk-sim(1), SCENARIO FILES): one statement a line,
 * words separated by blanks, "#" begins a comment.
 *
 *	topology 4.2.2.2
 *	node alfa 3.1.1.0
 *	link alfa beta 9000		cost in microseconds, both ways
 *	link beta gamma 9000 2.5	and a latency of its own, ms
 *	rest				let everything come to rest
 *	run 1500			or so many ms pass
 *	cut alfa beta			join, cost A B MICROSECONDS
 *	die gamma			return, freeze, thaw
 *	expect reach alfa gamma		by every address both have in common
 *	expect dead alfa gamma		by none of them
 *	expect cost alfa gamma 18000	of the first path to the g-node that holds it
 */

#include "sim/course.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	SCENARIO_NODES = 4096,
	SCENARIO_STEPS = 65536,
	SCENARIO_NAME = 32,
};

enum step_kind {
	STEP_REST,
	STEP_RUN,		/* value: µs */
	STEP_EVENT,
	STEP_EXPECT_REACH,	/* a, b */
	STEP_EXPECT_DEAD,
	STEP_EXPECT_COST,	/* value: µs */
};

struct scenario_step {
	enum step_kind kind;
	unsigned line;
	struct course_event event;
	uint32_t a;
	uint32_t b;
	uint64_t value;
};

struct scenario_link {
	uint32_t a;
	uint32_t b;
	struct world_given given;
};

struct scenario {
	struct topo topo;
	char (*names)[SCENARIO_NAME];
	struct naddr *addresses;
	uint32_t n_nodes;
	struct graph graph;
	struct world_given *given;	/* costs and latencies, in the order of graph.links */
	struct scenario_step *steps;
	size_t n_steps;
};

/*
 * Reads TEXT of LEN bytes, called NAME in errors.  False with WHY, "NAME:LINE: what is wrong"; S is
 * then empty.
 */
bool scenario_parse(struct scenario *s, const char *name, const char *text, size_t len, char *why,
    size_t why_size);

/* The same from a file of at most 16 MiB. */
bool scenario_read(struct scenario *s, const char *file, char *why, size_t why_size);
void scenario_free(struct scenario *s);

#ifdef __cplusplus
}
#endif

#endif
