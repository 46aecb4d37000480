/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which stored paths others may see, and the signals about it (spec/qspn 4.14 with A9).
 * Without A9 only paths that this update changed are looked at.
 */
#include "ntkd/core/qspn/int.h"

static void
bump(uint16_t *n)
{
	if (*n < UINT16_MAX)
		(*n)++;
}

static void
expose_path(const struct qspn *q, const struct dest *d, struct path *p, struct tally *t)
{
	bool was = p->exposed;

	p->exposed = dest_shows(q, d, p);
	if (p->exposed && !was)
		bump(&t->added);
	else if (!p->exposed && was)
		bump(&t->removed);
	else if (was && p->changed)
		bump(&t->changed);
}

void
expose_dest(const struct qspn *q, struct dest *d, struct tally *t)
{
	for (size_t i = 0; i < d->n; i++) {
		if (amended(q, QSPN_A9_EXPOSURE) || d->v[i]->changed)
			expose_path(q, d, d->v[i], t);
		d->v[i]->changed = 0;
	}
}

void
expose_signal(struct qspn *q, struct coord at, size_t before, size_t after, const struct tally *t)
{
	if (before == 0 && after > 0)
		act(q, QSPN_DEST_ADDED)->dest = at;
	if (t->added + t->changed + t->removed > 0) {
		struct qspn_action *a = act(q, QSPN_PATHS_CHANGED);

		a->dest = at;
		a->added = t->added;
		a->changed = t->changed;
		a->removed = t->removed;
	}
	if (before > 0 && after == 0)
		act(q, QSPN_DEST_REMOVED)->dest = at;
}
