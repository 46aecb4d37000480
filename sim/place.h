/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_PLACE_H
#define NTK_SIM_PLACE_H

/*
 * Addresses for a given graph such that every g-node is connected inside, which is
 * what the protocol assumes of a network that grew by itself.
 */

#include "common/topo.h"
#include "sim/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Gives each node of G, which is connected, an address of T: ADDRESS has room for G->n.  A
 * g-node is a connected piece of the graph; pieces of one g-node have the positions
 * 0, 1, … in the order of their smallest nodes.  Deterministic.  False when no way was
 * found (WHY tells: more levels, larger ones or fewer nodes help) or memory is exhausted.
 */
bool place_nodes(const struct graph *g, const struct topo *t, struct naddr *address, char *why,
    size_t why_size);

#ifdef __cplusplus
}
#endif

#endif
