/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_TOWNWALK_H
#define NTK_SIM_TOWNWALK_H

/*
 * The way of a packet through the fake kernels of a town, as they are at this moment: own addresses, rules
 * by marks, tables, neighbour routes, and whose interface the next link-local is.  It is taken at once, so
 * packets do not age on their way; translations are not followed.
 */

#include "sim/town.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TOWN_WALK_WHY = 256, TOWN_WALK_HOPS = 32 };

/*
 * Does a packet that system FROM sends arrive at system TO, which is to have address DST?  When it
 * does not WHY says where it ended and why.
 */
bool town_walk(const struct town *b, size_t from, size_t to, ntk_ip_t dst, char why[TOWN_WALK_WHY]);

#ifdef __cplusplus
}
#endif

#endif
