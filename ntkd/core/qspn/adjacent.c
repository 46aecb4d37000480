/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adjacent g-nodes (Z_i of spec/qspn 4.10): those by which stored paths leave our own
 * g-node of level i: a hop of level i that is the first one, or that follows one of a lower
 * level.  As levels never decrease along a path it enters at most one g-node of each
 * level so.  Counted while paths come and go, for a scan of all of them per message
 * would be the dearest thing done.
 */
#include <string.h>

#include "ntkd/core/qspn/int.h"
#include "ntkd/kernel/grow.h"

static size_t
place(const struct qspn *q, struct coord c)
{
	size_t low = 0, high = q->n_adj;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (coord_cmp(q->adj[mid].at, c) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
count(struct qspn *q, struct coord c, bool more)
{
	size_t at = place(q, c);
	bool found = at < q->n_adj && coord_equal(q->adj[at].at, c);

	if (!found) {
		struct adjacent *v = grow(q->adj, q->n_adj, 1, &q->adj_size, sizeof(*v));

		if (v == NULL) {
			q->failed = true;
			return;
		}
		q->adj = v;
		memmove(v + at + 1, v + at, (q->n_adj - at) * sizeof(*v));
		q->n_adj++;
		v[at] = (struct adjacent){ .at = c };
	}
	q->adj[at].n += more ? 1 : UINT32_MAX;
	if (q->adj[at].n > 0)
		return;
	q->n_adj--;
	memmove(q->adj + at, q->adj + at + 1, (q->n_adj - at) * sizeof(*q->adj));
}

void
adjacent_count(struct qspn *q, const struct path *p, bool more)
{
	for (size_t i = 0; i < p->n; i++)
		if (i == 0 || p->hops[i - 1].to.level < p->hops[i].to.level)
			count(q, p->hops[i].to, more);
}

/* Coordinates of the neighbours, each once. */
static size_t
near_fill(const struct qspn *q, struct coord *v)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_arcs; i++) {
		bool seen = !q->arc[i]->known;

		for (size_t j = 0; j < n && !seen; j++)
			seen = coord_equal(v[j], q->arc[i]->at);
		if (!seen)
			v[n++] = q->arc[i]->at;
	}
	return n;
}

bool
around_make(struct qspn *q, struct around *a)
{
	struct coord *near = scratch_take(&q->scratch, (q->n_arcs + 1) * sizeof(*near));
	struct coord *adj = scratch_take(&q->scratch, (q->n_adj + 1) * sizeof(*adj));

	if (near == NULL || adj == NULL) {
		q->failed = true;
		return false;
	}
	for (size_t i = 0; i < q->n_adj; i++)
		adj[i] = q->adj[i].at;
	*a = (struct around){ near, near_fill(q, near), adj, q->n_adj };
	return true;
}
