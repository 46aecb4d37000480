/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_HEAP_H
#define NTK_SIM_HEAP_H

/*
 * What will happen, soonest first.  Two events of one time happen in the order in which
 * they were put in: that order is part of what a seed repeats.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heap_event {
	uint64_t at;		/* µs of virtual time */
	uint64_t order;		/* of putting in */
	void *what;		/* the owner's */
};

struct heap {
	struct heap_event *v;
	size_t n;
	size_t size;
	uint64_t next_order;
};

void heap_init(struct heap *h);
void heap_free(struct heap *h);	/* not what the events point to */

/* False: memory is exhausted. */
bool heap_put(struct heap *h, uint64_t at, void *what);

/* The soonest event, which stays; false when there is none. */
bool heap_peek(const struct heap *h, struct heap_event *e);

/* Takes the soonest event out; there must be one. */
struct heap_event heap_take(struct heap *h);

#ifdef __cplusplus
}
#endif

#endif
