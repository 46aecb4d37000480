/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_OPTIONS_H
#define NTK_SIM_OPTIONS_H

/* The command line of ntk-sim(1). */

#include "sim/course.h"
#include "sim/graph.h"
#include "sim/world.h"

#ifdef __cplusplus
extern "C" {
#endif

enum check_when {
	CHECK_NONE,
	CHECK_REST,
	CHECK_EVERY,	/* "all" */
};

struct sim_options {
	const char *scenario;		/* file, or NULL */
	enum graph_shape shape;
	uint32_t nodes;
	double degree;			/* 0: that of the shape */
	struct topo topo;
	bool has_topo;
	struct world_settings world;
	uint32_t events;
	unsigned kinds;			/* COURSE_… that may happen, as bits */
	bool keep_whole;		/* events leave every g-node connected */
	enum check_when check;
	uint64_t rest_limit;		/* µs of virtual time that coming to rest may take */
	bool json;
	bool dot;
	const char *svg;
	bool progress;
	bool shrink;
	bool help;
	bool version;
	const char *not_systems;	/* the first option that means nothing to whole systems, or NULL */
};

/*
 * Reads the command line.  False with WHY, one line, when it is wrong.  Topologies absent:
 * enough levels of 4 for four times the nodes.
 */
bool options_read(int argc, char **argv, struct sim_options *o, char *why, size_t why_size);

/* The command that runs O again, with the first EVENTS events; returns BUF. */
enum { OPTIONS_TEXT = 1024 };
char *options_print(const struct sim_options *o, uint32_t events, char *buf);

/*
 * Whether O, whose scenario is one of whole systems, has only options that mean something there; else false
 * with WHY, one line.
 */
bool options_fit_systems(const struct sim_options *o, char *why, size_t why_size);

/* The command that runs such a scenario again; returns BUF. */
char *options_print_systems(const struct sim_options *o, char *buf);

extern const char options_usage[];

#ifdef __cplusplus
}
#endif

#endif
