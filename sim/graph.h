/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_GRAPH_H
#define NTK_SIM_GRAPH_H

/*
 * The shape of a simulated world: which nodes are linked, and where they stand for a
 * picture.  Made from a seed; equal arguments give equal graphs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/rng.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GRAPH_NODES = 1 << 20 };

enum graph_shape {
	GRAPH_LINE,
	GRAPH_RING,
	GRAPH_GRID,		/* as square as it gets, the last row may be short */
	GRAPH_TREE,		/* degree: children of a node, at least 1 */
	GRAPH_COMPLETE,
	GRAPH_RANDOM,		/* a random spanning tree, then random links up to the mean degree */
	GRAPH_GEOMETRIC,	/* points in a square, linked when near, radius from the mean degree */
	GRAPH_CLUSTERED,	/* dense groups, few links between neighbouring groups */
	GRAPH_SHAPES,
};

/* A link; nodes are numbered from 0, a < b. */
struct graph_link {
	uint32_t a;
	uint32_t b;
};

/* What a node touches: link number and the node at its other end. */
struct graph_end {
	uint32_t link;
	uint32_t node;
};

struct graph {
	uint32_t n;			/* nodes */
	struct graph_link *links;	/* sorted by a, then b; each once */
	size_t n_links;
	size_t links_size;
	double *xy;			/* 2 * n: place of each node in the unit square, for pictures alone */
	struct graph_end *ends;		/* of all nodes, one after the other */
	uint32_t *first;		/* n + 1: where those of each node begin in ends */
};

/* "ring", … and back; false for an unknown name. */
const char *graph_shape_name(enum graph_shape s);
bool graph_shape_parse(const char *name, enum graph_shape *s);

/*
 * Makes a connected graph of N nodes (1 to GRAPH_NODES).  DEGREE is the mean number of
 * links of a node where the shape leaves it open (0: 4).  False when memory is exhausted or
 * the links would be more than 2^31.
 */
bool graph_make(struct graph *g, enum graph_shape s, uint32_t n, double degree, struct rng *rng);

/*
 * An empty graph of N nodes, for scenarios; then links in any order (one that is there already
 * is ignored), then graph_finish(), which sorts and indexes.  False: memory is exhausted.
 */
bool graph_init(struct graph *g, uint32_t n);
bool graph_link(struct graph *g, uint32_t a, uint32_t b);
bool graph_finish(struct graph *g);
void graph_free(struct graph *g);

/* True when every node can be reached from node 0. */
bool graph_is_connected(const struct graph *g);

#ifdef __cplusplus
}
#endif

#endif
