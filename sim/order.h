/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_ORDER_H
#define NTK_SIM_ORDER_H

/*
 * Nodes in the order of their addresses, the highest level first: so every g-node, of whatever
 * level, is one run of them.
 */

#include "sim/world.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A and B are in one g-node of LEVEL. */
bool order_share(const struct world *w, uint32_t a, uint32_t b, unsigned level);

/* Node NODE lies in the g-node that FROM names C. */
bool order_lies_in(const struct world *w, uint32_t from, struct coord c, uint32_t node);

/* Sorts the N nodes at V. */
void order_nodes(const struct world *w, uint32_t *v, uint32_t n);

/*
 * The run of those of the N sorted nodes at V that lie in the g-node that FROM names C: its
 * length, and in FIRST where it begins.
 */
uint32_t order_run(const struct world *w, const uint32_t *v, uint32_t n, uint32_t from,
    struct coord c, uint32_t *first);

#ifdef __cplusplus
}
#endif

#endif
