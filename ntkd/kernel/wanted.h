/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_WANTED_H
#define NTKD_KERNEL_WANTED_H

/*
 * The function of spec/kernel-state 3 to 6: the facts of an identity and the
 * settings of the system -> the kernel state of the identity's namespace.
 */

#include "common/map4.h"
#include "ntkd/kernel/facts.h"
#include "ntkd/kernel/kset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the configuration contributes. */
struct wanted_settings {
	struct map4 map;
	bool anonymize_others;
	bool accept_anonymous;
	uint8_t subnet_level;	/* 0: no private subnet */
};

/*
 * Writes the wanted state of F's namespace to OUT, sorted; OUT is initialised
 * by the caller and emptied first.  F has passed facts_check() and has its own
 * link-locals.  False only when memory is exhausted or there would be more
 * than KSET_OBJECTS objects.
 */
bool wanted_state(const struct wanted_settings *s, const struct facts *f, struct kset *out);

/*
 * One destination of an identity, in the order of kernel-state 4: for each of
 * its prefixes the class and the prefix.  For show_… and explain.
 */
struct wanted_dst {
	struct coord dst;
	struct map4_class class_;
	ntk_prefix_t prefix;
};

/*
 * Lists the destinations of F in V (room for SIZE); returns how many there are,
 * which may be more than SIZE.
 */
size_t wanted_destinations(const struct wanted_settings *s, const struct facts *f,
    struct wanted_dst *v, size_t size);

/*
 * The path of F to DST that a table uses: the best, or for a neighbour's table the
 * best that avoids its maximum distinct g-node.  NULL when there is none, and in the
 * table of an arc that is not known.  ARC is the index of the arc whose table it is,
 * -1 for ntk.
 */
const struct facts_path *wanted_path(const struct facts *f, const struct topo *t,
    struct coord dst, int arc);

#ifdef __cplusplus
}
#endif

#endif
