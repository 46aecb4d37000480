/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spare paths (QSPN_A27_SPARE): what a neighbour tells and the selection does not keep.
 *
 * A neighbour tells a path once, and again only when something of it changes.  Whoever forgets
 * what was not worth keeping loses the destination when all that was kept dies of something that
 * the neighbour has no part in: two neighbours offer each other's outdated way while the third,
 * whose ways those were, has told of the dearer one already; five ways end with one and the same
 * link; a hop is unknown for a moment.  Or it keeps the destination, but no way around the neighbour
 * that the packets come from.  So everything told over each arc is remembered, as many paths to
 * one destination as may be stored: kept, or put aside here.  Those whose hops are all known go before
 * cheaper ones that could not be used.
 *
 * A spare path is nobody's business: not told, not counted, not shown.  It is looked at again when a
 * hop of it becomes known, and with its destination: when something kept got worse it is a
 * candidate like all others; else when it would be the cheapest of all, or when nothing else leads
 * around a neighbour.
 */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/int.h"
#include "ntkd/kernel/grow.h"

/* Where P is or belongs. */
static size_t
place(const struct qspn *q, const struct path *p)
{
	size_t low = 0, high = q->n_spares;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (path_cmp(q->spare[mid], p) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* As path_cmp() orders them: lower levels first. */
static bool
is_before(struct coord a, struct coord b)
{
	return a.level != b.level ? a.level < b.level : a.pos < b.pos;
}

size_t
spare_first(const struct qspn *q, struct coord at)
{
	size_t low = 0, high = q->n_spares;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (is_before(path_end(q->spare[mid]), at))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
spare_add(struct qspn *q, struct path *p)
{
	size_t at = place(q, p);
	struct path **v = grow(q->spare, q->n_spares, 1, &q->spares_size, sizeof(struct path *));

	if (v == NULL) {
		q->failed = true;
		p->arc = NULL;
		path_drop(q, p);
		return;
	}
	q->spare = v;
	memmove(v + at + 1, v + at, (q->n_spares - at) * sizeof(struct path *));
	v[at] = p;
	p->spare = true;
	q->n_spares++;
}

void
spare_take(struct qspn *q, struct path *p)
{
	size_t at = place(q, p);

	q->n_spares--;
	memmove(q->spare + at, q->spare + at + 1, (q->n_spares - at) * sizeof(struct path *));
	p->spare = false;
}

void
spare_drop(struct qspn *q, struct path *p)
{
	spare_take(q, p);
	p->arc = NULL;
	path_drop(q, p);
}

void
spare_free(struct qspn *q)
{
	for (size_t i = 0; i < q->n_spares; i++)
		path_drop(q, q->spare[i]);
	free(q->spare);
}

/* --- which ones ------------------------------------------------------------------ */

/* Marks those that are usable (or all, when BLIND), up to the limit for each arc: SET counts. */
static void
mark(const struct qspn *q, struct choice *v, size_t n, bool blind, uint16_t *set)
{
	for (size_t i = 0; i < n && v[i].total != COST_DEAD; i++) {
		unsigned slot = v[i].p->arc->slot;

		if (v[i].kept || v[i].aside || set[slot] >= q->p->max_paths_dest ||
		    (!blind && path_is_blind(q, v[i].p)))
			continue;
		v[i].aside = true;
		set[slot]++;
	}
}

void
spare_choose(const struct qspn *q, struct choice *v, size_t n)
{
	uint16_t set[ARC_SLOTS] = { 0 };

	if (!amended(q, QSPN_A27_SPARE))
		return;
	for (size_t i = 0; i < n; i++)
		if (v[i].kept)
			set[v[i].p->arc->slot]++;
	mark(q, v, n, false, set);
	mark(q, v, n, true, set);
}

/* The cheapest one, when it would be the cheapest of all. */
static void
unbar_best(const struct qspn *q, struct choice *v, size_t n)
{
	for (size_t i = 0; i < n && v[i].total != COST_DEAD; i++) {
		if (path_is_blind(q, v[i].p))
			continue;
		v[i].barred = false;
		return;
	}
}

/* Those that lead around neighbours that nothing else leads around. */
static void
unbar_around(const struct qspn *q, const struct around *a, struct choice *v, size_t n, bool *done)
{
	for (unsigned barred = 0; barred < 2; barred++)
		for (size_t i = 0; i < n && v[i].total != COST_DEAD; i++) {
			bool any = false;

			if (v[i].barred != (barred != 0) || path_is_blind(q, v[i].p))
				continue;
			for (size_t k = 0; k < a->n_near; k++)
				if (!done[k] && !path_has(v[i].p, a->near[k]))
					any = done[k] = true;
			v[i].barred = v[i].barred && !any;
		}
}

/*
 * Nothing kept got worse.  What is kept besides the cheapest and those that lead around neighbours
 * depends on what others keep; were spare paths asked again and again whether they fit in now,
 * neighbours would take turns for ever.
 */
void
spare_bar(struct qspn *q, const struct around *a, struct choice *v, size_t n)
{
	bool *done = scratch_take(&q->scratch, a->n_near + 1);

	if (done == NULL) {
		q->failed = true;
		return;
	}
	memset(done, 0, a->n_near + 1);
	for (size_t i = 0; i < n; i++)
		v[i].barred = v[i].p->spare && !v[i].told;
	unbar_best(q, v, n);
	unbar_around(q, a, v, n, done);
}
