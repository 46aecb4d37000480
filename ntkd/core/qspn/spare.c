/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spare paths (QSPN_A27_SPARE): what a neighbour tells and the selection does not keep.
 *
 * A neighbour tells a path once, and again only when something of its own gets worse (A1).
 * Whoever forgets what was not worth keeping loses the destination when all that was kept
 * dies of something that the neighbour has no part in: two neighbours offer each other's
 * outdated way while the third, whose ways those were, has told of the dearer one already;
 * five ways end with one and the same link; a hop is unknown for a moment.  So of each arc
 * the cheapest path to each destination is remembered: kept, or put aside here.  One whose
 * hops are all known goes before a cheaper one that could not be used.
 *
 * A spare path is nobody's business: not told, not counted, not shown.  It is looked at again
 * with its destination, and when a hop of it becomes known.
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

/* Marks the first usable one (or first of all, when BLIND) of each arc that is not in SET. */
static void
mark(const struct qspn *q, struct choice *v, size_t n, bool blind, uint64_t *set)
{
	for (size_t i = 0; i < n && v[i].total != COST_DEAD; i++) {
		const struct arc *a = v[i].p->arc;

		if (arc_is_in(set, a) || (!blind && !v[i].kept && path_is_blind(q, v[i].p)))
			continue;
		v[i].aside = !v[i].kept;
		set[a->slot / 64] |= UINT64_C(1) << a->slot % 64;
	}
}

/*
 * Only the cheapest one is needed, and only when it would be the cheapest of all.  What else is
 * kept depends on what others keep; were spare paths asked again and again whether they
 * fit in now, neighbours would take turns for ever.
 */
void
spare_bar(const struct qspn *q, struct choice *v, size_t n, bool any)
{
	struct choice *spare = NULL;
	size_t i = 0;

	for (; i < n && v[i].total != COST_DEAD; i++) {
		bool blind = path_is_blind(q, v[i].p);

		v[i].barred = v[i].p->spare;
		if (!v[i].barred && !blind)
			break;
		if (v[i].barred && !blind && spare == NULL)
			spare = &v[i];
	}
	if (spare != NULL && any && (i == n || spare->total < v[i].total))
		spare->barred = false;
	for (; i < n; i++)
		v[i].barred = v[i].p->spare;
}

void
spare_choose(const struct qspn *q, struct choice *v, size_t n)
{
	uint64_t set[ARC_WORDS] = { 0 };

	if (!amended(q, QSPN_A27_SPARE))
		return;
	mark(q, v, n, false, set);
	mark(q, v, n, true, set);
}
