/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold between any two calls. */
#include <stdarg.h>
#include <stdio.h>

#include "ntkd/core/qspn/int.h"

/* Where the first thing that does not hold is told. */
struct fault {
	char *text;
	size_t size;
};

static bool __attribute__((format(printf, 2, 3)))
broken(struct fault *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->text, w->size, fmt, ap);
	va_end(ap);
	return false;
}

static bool
path_is_acyclic(const struct path *p)
{
	for (size_t i = 1; i < p->n; i++) {
		if (p->hops[i].to.level < p->hops[i - 1].to.level)
			return false;
		for (size_t j = 0; j < i; j++)
			if (coord_equal(p->hops[i].to, p->hops[j].to))
				return false;
	}
	return true;
}

static bool
hops_are_known(const struct qspn *q, const struct path *p)
{
	for (size_t i = 0; i + 1 < p->n; i++)
		if (map_find(q, p->hops[i].to) == NULL)
			return false;
	return true;
}

static bool
arc_is_ours(const struct qspn *q, const struct path *p)
{
	return p->arc != NULL && arc_find(q, p->arc->number) == p->arc &&
	    p->arc->known && p->arc->id == p->hops[0].id;
}

/* Paths that report the same are hidden all or none. */
static bool
is_hidden_as_others(const struct dest *d, const struct path *p)
{
	for (size_t i = 0; i < d->n; i++)
		if (fingerprint_same(&d->v[i]->fp->f, &p->fp->f) && d->v[i]->hidden != p->hidden)
			return false;
	return true;
}

static bool
check_path(const struct qspn *q, const struct dest *d, const struct path *p, struct fault *w)
{
	struct coord at = d->at;

	if (p->n < 1 || p->n > q->p->max_hops || !coord_equal(path_end(p), at) || !p->stored)
		return broken(w, "(%u,%u): a path that does not end there", at.level, at.pos);
	if (!arc_is_ours(q, p) || (amended(q, QSPN_A6_RETIRE) &&
	    !coord_equal(p->arc->at, p->hops[0].to)))
		return broken(w, "(%u,%u): a path through an arc that is not ours, or not to its "
		    "neighbour", at.level, at.pos);
	if (path_total(p) == COST_DEAD)
		return broken(w, "(%u,%u): a dead path is stored", at.level, at.pos);
	if (!path_is_acyclic(p) || (amended(q, QSPN_A6_RETIRE) && path_touches_us(q, p)))
		return broken(w, "(%u,%u): a path in a circle or through us", at.level, at.pos);
	if (amended(q, QSPN_A15_SWEEP) && !hops_are_known(q, p))
		return broken(w, "(%u,%u): a path through an unknown hop", at.level, at.pos);
	if (!is_hidden_as_others(d, p))
		return broken(w, "(%u,%u): a path hidden, and not one that reports the same", at.level, at.pos);
	if (amended(q, QSPN_A9_EXPOSURE) && p->exposed != dest_shows(q, d, p))
		return broken(w, "(%u,%u): a path exposed that is not valid, or the other way "
		    "round", at.level, at.pos);
	if (p->listed || p->changed || p->refs < 1)
		return broken(w, "(%u,%u): a mark of an update was left", at.level, at.pos);
	return true;
}

static bool
check_dest(const struct qspn *q, struct dest *d, struct fault *w)
{
	struct dest again = *d;

	if (d->n == 0 || d->n > q->p->max_paths_dest)
		return broken(w, "(%u,%u): %u paths", d->at.level, d->at.pos, d->n);
	for (size_t i = 0; i < d->n; i++) {
		if (!check_path(q, d, d->v[i], w))
			return false;
		if (i > 0 && path_total(d->v[i - 1]) > path_total(d->v[i]))
			return broken(w, "(%u,%u): paths not in the order of their costs",
			    d->at.level, d->at.pos);
		for (size_t j = 0; j < i; j++)
			if (path_same(d->v[i], d->v[j]))
				return broken(w, "(%u,%u): a path twice", d->at.level, d->at.pos);
	}
	dest_refresh(q, &again);
	if (again.fp != d->fp || again.nodes != d->nodes || again.root != d->root)
		return broken(w, "(%u,%u): outdated destination data", d->at.level, d->at.pos);
	return true;
}

static bool
check_map(const struct qspn *q, struct fault *w)
{
	size_t n = 0;

	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			struct dest *d = q->level[l].v[i];

			if (d->at.level != l ||
			    (i > 0 && q->level[l].v[i - 1]->at.pos >= d->at.pos))
				return broken(w, "level %u: destinations not in order", l);
			if (amended(q, QSPN_A6_RETIRE) && is_us(q, d->at))
				return broken(w, "(%u,%u): we are a destination", l, d->at.pos);
			if (!check_dest(q, d, w))
				return false;
			n += d->n;
		}
	return n == q->n_paths || broken(w, "%zu paths stored, %zu counted", n, q->n_paths);
}

/* Put aside: usable or not, but never what is stored. */
static bool
check_spare(const struct qspn *q, size_t i, struct fault *w)
{
	const struct path *p = q->spare[i];
	struct coord at = path_end(p);

	if (!p->spare || p->stored || p->exposed || p->changed || p->listed || p->refs < 1)
		return broken(w, "(%u,%u): a path put aside is marked otherwise", at.level, at.pos);
	if (i > 0 && path_cmp(q->spare[i - 1], p) >= 0)
		return broken(w, "(%u,%u): paths put aside are not in order", at.level, at.pos);
	if (map_same(q, p) != NULL)
		return broken(w, "(%u,%u): a path stored and put aside", at.level, at.pos);
	if (!arc_is_ours(q, p) || !path_is_acyclic(p) || path_total(p) == COST_DEAD)
		return broken(w, "(%u,%u): a path put aside is of no use", at.level, at.pos);
	if (amended(q, QSPN_A6_RETIRE) &&
	    (path_touches_us(q, p) || !coord_equal(p->arc->at, p->hops[0].to)))
		return broken(w, "(%u,%u): a path put aside that no neighbour tells",
		    at.level, at.pos);
	if (p->blind && !path_is_blind(q, p))
		return broken(w, "(%u,%u): a path put aside was not looked at again",
		    at.level, at.pos);
	return true;
}

/* Does a stored path to the destination of P, which is put aside, lead around AT as well? */
static bool
is_led_around(const struct qspn *q, const struct path *p, struct coord at)
{
	const struct dest *d = map_find(q, path_end(p));

	/* There was no room for it. */
	if (d == NULL || d->n == q->p->max_paths_dest)
		return true;
	for (size_t i = 0; i < d->n; i++)
		if (!path_has(d->v[i], at))
			return true;
	return false;
}

/* Nothing is put aside that leads around a neighbour around whom nothing stored leads. */
static bool
check_around(const struct qspn *q, const struct path *p, struct fault *w)
{
	struct coord to = path_end(p);

	for (size_t i = 0; i < q->n_arcs; i++) {
		struct coord at = q->arc[i]->at;

		if (q->arc[i]->known && !path_has(p, at) && !is_led_around(q, p, at))
			return broken(w, "(%u,%u): a path around (%u,%u) is put aside, and none is "
			    "stored", to.level, to.pos, at.level, at.pos);
	}
	return true;
}

static bool
check_spares(const struct qspn *q, struct fault *w)
{
	for (size_t i = 0; i < q->n_spares; i++)
		if (!check_spare(q, i, w) ||
		    (!path_is_blind(q, q->spare[i]) && !check_around(q, q->spare[i], w)))
			return false;
	return true;
}

static bool
check_arcs(const struct qspn *q, struct fault *w)
{
	for (size_t i = 0; i < q->n_arcs; i++) {
		const struct arc *a = q->arc[i];

		if (!arc_is_in(q->slots, a))
			return broken(w, "arc %u has no slot", a->number);
		for (size_t j = 0; j < i; j++)
			if (q->arc[j]->number >= a->number || q->arc[j]->id == a->id ||
			    q->arc[j]->slot == a->slot)
				return broken(w, "arcs %u and %u", q->arc[j]->number, a->number);
	}
	return true;
}

/* How many stored paths enter AT from a lower level. */
static size_t
entries(const struct qspn *q, struct coord at)
{
	size_t n = 0;

	for (unsigned l = at.level; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++)
			for (size_t j = 0; j < q->level[l].v[i]->n; j++) {
				const struct path *p = q->level[l].v[i]->v[j];
				size_t k = 0;

				while (k < p->n && p->hops[k].to.level < at.level)
					k++;
				n += k < p->n && coord_equal(p->hops[k].to, at);
			}
	return n;
}

static bool
check_counts(const struct qspn *q, struct fault *w)
{
	size_t refs = 0, held = q->n_paths + q->n_spares;

	for (size_t i = 0; i < q->n_adj; i++)
		if (q->adj[i].n != entries(q, q->adj[i].at))
			return broken(w, "(%u,%u): wrong count of adjacent g-nodes",
			    q->adj[i].at.level, q->adj[i].at.pos);
	for (size_t i = 0; i < q->fps.n; i++)
		refs += q->fps.v[i]->refs;
	for (size_t i = 0; i < q->n_dirty; i++)
		held += !q->dirty[i].p->stored && !q->dirty[i].p->spare;
	if (refs != held)
		return broken(w, "%zu references to fingerprints by %zu paths", refs, held);
	return true;
}

static bool
check_own(const struct qspn *q, struct fault *w)
{
	struct scratch s = { .head = NULL };
	bool good = true;

	for (unsigned i = 1; i <= q->levels && good; i++) {
		struct fingerprint fp;
		uint32_t nodes;

		if (!own_compute(q, i, &q->fp[i - 1], q->nodes[i - 1], &fp, &nodes, &s))
			break;
		if (!fingerprint_equal(&fp, &q->fp[i]) || nodes != q->nodes[i])
			good = broken(w, "outdated fingerprint or count of our g-node of level %u", i);
	}
	scratch_free(&s);
	return good;
}

static bool
check_limits(const struct qspn *q, struct fault *w)
{
	if (q->n_arcs > q->p->max_arcs || q->n_paths + q->n_spares > q->p->max_paths_all ||
	    q->n_dirty > q->p->max_paths_all || q->n_splits > q->p->max_splits)
		return broken(w, "a limit is passed");
	for (unsigned l = 0; l < q->levels; l++)
		if (q->level[l].n > q->p->max_dests)
			return broken(w, "level %u: too many destinations", l);
	if (q->news.n > 0 || q->out != NULL || q->scratch.head != NULL)
		return broken(w, "something of the last call was left");
	return true;
}

bool
qspn_invariant(const struct qspn *q, char *text, size_t size)
{
	struct fault w = { text, size };

	return q->failed || (check_arcs(q, &w) && check_map(q, &w) && check_spares(q, &w) &&
	    check_counts(q, &w) && check_own(q, &w) && check_limits(q, &w));
}
