/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queries (spec/qspn 6).  While entering, levels from the guest's up are refused. */
#include "ntkd/core/qspn/int.h"

const struct naddr *
qspn_address(const struct qspn *q)
{
	return &q->me;
}

bool
qspn_is_bootstrapped(const struct qspn *q)
{
	return is_bootstrapped(q);
}

void
qspn_range(const struct qspn *q, unsigned *from, unsigned *to)
{
	*from = *to = 0;
	for (unsigned i = 0; i < q->n_ranges; i++) {
		if (*from == 0 || q->ranges[i].from < *from)
			*from = q->ranges[i].from;
		if (q->ranges[i].to > *to)
			*to = q->ranges[i].to;
	}
}

bool
qspn_supports(const struct qspn *q, unsigned from)
{
	for (unsigned i = 0; i < q->n_ranges; i++)
		if (q->ranges[i].from == from)
			return true;
	return false;
}

size_t
qspn_arcs(const struct qspn *q)
{
	return q->n_arcs;
}

static struct qspn_arc_info
arc_info(const struct arc *a)
{
	return (struct qspn_arc_info){ a->number, a->cost, a->known, a->peer };
}

struct qspn_arc_info
qspn_arc_at(const struct qspn *q, size_t i)
{
	return arc_info(q->arc[i]);
}

bool
qspn_arc_find(const struct qspn *q, uint32_t number, struct qspn_arc_info *out)
{
	const struct arc *a = arc_find(q, number);

	if (a == NULL)
		return false;
	*out = arc_info(a);
	return true;
}

size_t
qspn_destinations(const struct qspn *q, unsigned level, uint32_t *pos, size_t size)
{
	size_t n = 0;

	if (level >= q->guest || level >= q->levels)
		return 0;
	for (size_t i = 0; i < q->level[level].n; i++) {
		struct coord at = q->level[level].v[i]->at;

		if (is_virtual(q, at))
			continue;
		if (n < size)
			pos[n] = at.pos;
		n++;
	}
	return n;
}

/* The destination that may be spoken of, or NULL. */
static const struct dest *
shown(const struct qspn *q, struct coord d)
{
	return d.level < q->levels && d.level < q->guest ? map_find(q, d) : NULL;
}

bool
qspn_is_known(const struct qspn *q, struct coord d)
{
	return shown(q, d) != NULL;
}

bool
qspn_destination(const struct qspn *q, struct coord at, struct fingerprint *fp, uint32_t *nodes)
{
	const struct dest *d = shown(q, at);

	if (d == NULL)
		return false;
	if (fp != NULL)
		*fp = d->fp->f;
	if (nodes != NULL)
		*nodes = d->nodes;
	return true;
}

static struct qspn_path
exported(const struct path *p)
{
	return (struct qspn_path){ p->arc->number, path_total(p), p->nodes, p->hops, p->n };
}

/* Paths are stored in the order of their cost, and sorted anew when an arc's changes. */
size_t
qspn_paths(const struct qspn *q, struct coord at, struct qspn_path *v, size_t size)
{
	const struct dest *d = shown(q, at);
	size_t n = 0;

	for (size_t i = 0; d != NULL && i < d->n; i++) {
		if (!dest_shows(q, d, d->v[i]))
			continue;
		if (n < size)
			v[n] = exported(d->v[i]);
		n++;
	}
	return n;
}

bool
qspn_best(const struct qspn *q, struct coord d, struct qspn_path *out)
{
	return qspn_paths(q, d, out, 1) > 0;
}

bool
qspn_best_avoiding(const struct qspn *q, struct coord at, struct coord avoid,
    struct qspn_path *out)
{
	const struct dest *d = shown(q, at);

	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (dest_shows(q, d, d->v[i]) && !path_has(d->v[i], avoid)) {
			*out = exported(d->v[i]);
			return true;
		}
	return false;
}

bool
qspn_fingerprint(const struct qspn *q, unsigned level, struct fingerprint *fp)
{
	if (level > q->guest || level > q->levels)
		return false;
	*fp = q->fp[level];
	return true;
}

bool
qspn_nodes_inside(const struct qspn *q, unsigned level, uint32_t *nodes)
{
	if (level > q->guest || level > q->levels)
		return false;
	*nodes = q->nodes[level];
	return true;
}

const struct qspn_stats *
qspn_stats(const struct qspn *q)
{
	return &q->stats;
}
