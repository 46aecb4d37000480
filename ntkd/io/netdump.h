/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_NETDUMP_H
#define NTKD_IO_NETDUMP_H

/* What rtnetlink tells of this host before ntkd touches it. */

#include <stdbool.h>

#include "common/conf.h"
#include "ntkd/io/overlap.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Finds the managed interfaces of C and puts their indices, in the
 * configuration's order, into DEVS (CONF_INTERFACES); 0 where there is none.  One must exist, and
 * all that do must be such that pseudo-interfaces can be made on them: Ethernet-like, with
 * broadcast and ARP, no port of a bridge or bond.  False with ERR (CONF_ERROR bytes).
 */
bool netdump_interfaces(const struct conf *c, uint32_t *devs, char *err);

/*
 * Looks through all addresses and the routes of all tables for what overlaps
 * the range.  True when nothing does; else false with ERR naming the object, its
 * interface and the remedy.
 */
bool netdump_overlap(const struct overlap_rules *r, char *err);

#ifdef __cplusplus
}
#endif

#endif
