/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_LAYOUT_H
#define NTK_SIM_LAYOUT_H

/*
 * Where everything stands in a picture: each g-node is a circle, what is inside it stands on a ring
 * in that circle.  So no two overlap, whatever the links are.  A flat network stands as its graph.
 */

#include "sim/world.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LAYOUT_NODE = 17 };	/* radius of a node */

struct layout_point {
	double x;
	double y;
};

struct layout_circle {
	struct layout_point at;
	double r;
	unsigned level;
	uint32_t node;		/* one that is inside */
};

struct layout {
	struct layout_point *node;
	struct layout_circle *circles;	/* those of higher levels before what they contain */
	size_t n_circles;
	double extent;			/* all lies between -extent and extent */
};

/*
 * XY: places of the nodes in the unit square, which give the directions.  False: memory is
 * exhausted.
 */
bool layout_make(struct layout *l, const struct world *w, const double *xy);
void layout_free(struct layout *l);

#ifdef __cplusplus
}
#endif

#endif
