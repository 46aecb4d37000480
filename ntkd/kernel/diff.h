/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_DIFF_H
#define NTKD_KERNEL_DIFF_H

/*
 * From two states of a namespace to the changes that lead from one to the
 * other, in an order that opens no hole on the way (spec/kernel-state 8).
 */

#include "ntkd/kernel/kset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One object that comes (from NULL), goes (to NULL) or changes its value. */
struct kchange {
	const struct kobj *from;	/* in the first set */
	const struct kobj *to;		/* in the second */
};

struct kdiff {
	struct kchange *v;	/* owned; the objects are borrowed from the sets */
	size_t n;
};

/*
 * Compares the sorted sets HAVE and WANT and puts the changes into D, ordered
 * (order.c).  Both sets must outlive D.  False when memory is exhausted.
 *
 * Where WANT has no KOBJ_NS the whole namespace goes: then D holds that one
 * change and nothing else, since everything in it goes with it.  (The default
 * namespace has no such object to lose: see txn.h.)
 */
bool kdiff_make(struct kdiff *d, const struct kset *have, const struct kset *want);
void kdiff_free(struct kdiff *d);

/*
 * The step in which a change is made; changes of a lower step come first.  What
 * each step is for, and which rule of kernel-state 8 it keeps, stands in order.c.
 */
unsigned korder_step(const struct kchange *c);

/* Sorts the changes into an allowed order; equal steps keep the order of keys. */
void korder_sort(struct kchange *v, size_t n);

#ifdef __cplusplus
}
#endif

#endif
