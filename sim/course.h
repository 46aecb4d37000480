/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_COURSE_H
#define NTK_SIM_COURSE_H

/*
 * What happens to a world: events drawn from a seed, or given.  Events are drawn for the world as
 * it is, so the list of those that were drawn is kept: it repeats a run, and it can be
 * shortened while a fault stays.
 */

#include "sim/truth.h"

#ifdef __cplusplus
extern "C" {
#endif

enum course_kind {
	COURSE_CUT,
	COURSE_JOIN,		/* a link that was cut */
	COURSE_COST,
	COURSE_DIE,
	COURSE_RETURN,
	COURSE_FREEZE,
	COURSE_THAW,
	COURSE_KINDS,
};
const char *course_kind_name(enum course_kind k);
bool course_kind_parse(const char *name, enum course_kind *k);

struct course_event {
	enum course_kind kind;
	uint32_t what;		/* link or node */
	uint64_t cost;		/* of COURSE_COST, µs */
};

/* "cut 3-7", "die 5": one line for people; returns BUF. */
enum { COURSE_TEXT = 80 };
char *course_print(const struct world *w, const struct course_event *e, char *buf);

/* Does E; false when it makes no sense now (a dead node dies again), and nothing happens. */
bool course_do(struct world *w, const struct course_event *e);

/*
 * Draws an event of one of KINDS (bits) that makes sense now; with KEEP_WHOLE only such after
 * which all nodes that are up hang together, and those of each g-node too.  T is used for that
 * and does not survive.  False when none was found.
 */
bool course_draw(struct world *w, struct truth *t, struct rng *rng, unsigned kinds, bool keep_whole,
    struct course_event *e);

#ifdef __cplusplus
}
#endif

#endif
