/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_QSPN_COST_H
#define NTKD_CORE_QSPN_COST_H

/*
 * Costs (spec/qspn 1.6): null, measured in µs, dead.
 *
 * One number holds all three, so that comparing them is comparing numbers: null is 0,
 * a measured cost is at least 1, dead is above everything.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COST_NULL UINT64_C(0)
#define COST_MAX (UINT64_C(1) << 48)	/* greatest measured cost, 8.9 years */
#define COST_DEAD UINT64_MAX

/* A sum above COST_MAX is dead: nobody may be told a cost that he must refuse. */
uint64_t cost_add(uint64_t a, uint64_t b);

/* Is the change of an advertised cost from OLD to NEW worth recording?  Not symmetric. */
bool cost_is_significant(uint64_t old, uint64_t new_);

/* The same for a count of nodes: by more than 10 %. */
bool nodes_is_significant(uint32_t old, uint32_t new_);

/* From and to the pair of a message (enum peer_cost, µs); false for what cannot be. */
bool cost_read(uint8_t kind, uint64_t us, uint64_t *cost);
void cost_write(uint64_t cost, uint8_t *kind, uint64_t *us);

#ifdef __cplusplus
}
#endif

#endif
