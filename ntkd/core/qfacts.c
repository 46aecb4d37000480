/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/qfacts.h"

#include <stdlib.h>

static bool
add_arcs(const struct qspn *q, qfacts_arc *arc, void *arg, struct facts *f)
{
	bool ok = true;

	for (size_t i = 0; ok && i < qspn_arcs(q); i++) {
		struct qspn_arc_info info = qspn_arc_at(q, i);
		struct facts_arc a = arc(info.arc, arg);

		a.qspn = true;
		a.known = info.known;
		if (info.known)
			a.peer = info.peer;
		ok = facts_add_arc(f, &a);
	}
	return ok;
}

/* The place of ARC among the manager's arcs, and so in the facts. */
static uint16_t
arc_index(const struct qspn *q, uint32_t arc)
{
	size_t low = 0, high = qspn_arcs(q);

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (qspn_arc_at(q, middle).arc <= arc)
			low = middle;
		else
			high = middle;
	}
	return (uint16_t)low;
}

static bool
add_path(const struct qspn *q, struct coord d, const struct qspn_path *p, struct facts *f)
{
	struct coord *hops = malloc(p->n_hops * sizeof(*hops));
	/* Facts have 32 bits for a cost; what is dearer is as good as endless. */
	uint32_t cost = p->cost < UINT32_MAX ? (uint32_t)p->cost : UINT32_MAX;
	bool ok = hops != NULL;

	for (size_t i = 0; ok && i < p->n_hops; i++)
		hops[i] = p->hops[i].to;
	ok = ok && facts_add_path(f, d, arc_index(q, p->arc), cost, hops, p->n_hops);
	free(hops);
	return ok;
}

static bool
add_destination(const struct qspn *q, struct coord d, struct facts *f)
{
	size_t n = qspn_paths(q, d, NULL, 0);
	struct qspn_path *v = malloc((n + 1) * sizeof(*v));
	bool ok = v != NULL;

	if (ok)
		qspn_paths(q, d, v, n);
	for (size_t i = 0; ok && i < n; i++)
		ok = add_path(q, d, &v[i], f);
	free(v);
	return ok;
}

static bool
add_level(const struct qspn *q, unsigned level, struct facts *f)
{
	size_t n = qspn_destinations(q, level, NULL, 0);
	uint32_t *pos = malloc((n + 1) * sizeof(*pos));
	bool ok = pos != NULL;

	if (ok)
		qspn_destinations(q, level, pos, n);
	for (size_t i = 0; ok && i < n; i++)
		ok = add_destination(q, (struct coord){ (uint8_t)level, pos[i] }, f);
	free(pos);
	return ok;
}

bool
qfacts_make(const struct qspn *q, const struct topo *t, bool main, qfacts_arc *arc, void *arg,
    struct facts *f)
{
	bool ok;

	f->main = main;
	f->address = *qspn_address(q);
	ok = add_arcs(q, arc, arg, f);
	for (unsigned level = 0; ok && level < t->levels; level++)
		ok = add_level(q, level, f);
	return ok;
}
