/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold between the two ends of an arc when nothing is under way: what a neighbour
 * outside may use has been told and is remembered, what it may not use any more has been
 * withdrawn, no destination that one end could tell is hidden from the other.  Costs are remembered as they
 * are, but for differences that are not significant, and less than what the arc costs (A30).
 *
 * Where it holds for all arcs, every node knows every destination that it is connected with.
 * Else there were an arc, of the lowest level possible, from one that does not know it to one
 * that does.  The latter tells something of it (of all the paths that look the same from outside
 * the first is told), unless all its paths go through the g-node of the former: then somebody
 * there knows it, and as that g-node is connected inside, there is such an arc of a lower level.
 */
#include <stdarg.h>
#include <stdio.h>

#include "ntkd/core/qspn/int.h"

/* TELLER and its arc, HEARER and its own, where the first thing that does not hold is told. */
struct ends {
	const struct qspn *teller, *hearer;
	const struct arc *out, *in;
	char *text;
	size_t size;
};

static bool __attribute__((format(printf, 3, 4)))
broken(struct ends *e, struct coord d, const char *fmt, ...)
{
	int n = snprintf(e->text, e->size, "arc %u, (%u,%u): ", e->in->number, d.level, d.pos);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < e->size)
		vsnprintf(e->text + n, e->size - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

/* Is B, of the hearer, the path A of the teller? */
static bool
is_of(const struct ends *e, const struct path *b, const struct path *a)
{
	size_t i = 0;

	while (i < a->n && a->hops[i].to.level < e->out->at.level)
		i++;
	if (a->n - i != b->n - 1U)
		return false;
	for (size_t j = 1; j < b->n; i++, j++)
		if (a->hops[i].id != b->hops[j].id || !coord_equal(a->hops[i].to, b->hops[j].to))
			return false;
	return true;
}

/* Is the hearer to know of P? */
static bool
is_told(const struct ends *e, struct path *p)
{
	struct item i = item_make(e->teller, p);

	return !i.dead && item_for(&i, e->out->at);
}

static bool
is_significant(const struct path *was, uint64_t cost, uint32_t nodes, const struct fingerprint *fp)
{
	return cost_is_significant(was->cost, cost) || nodes_is_significant(was->nodes, nodes) ||
	    (cost > was->cost && cost - was->cost >= was->arc->cost) ||
	    !fingerprint_equal(&was->fp->f, fp);
}

/* What B, the way to the teller itself, says of its g-node is what it says now. */
static bool
is_itself(struct ends *e, const struct path *b)
{
	const struct qspn *q = e->teller;
	unsigned l = e->out->at.level;

	return !is_significant(b, 0, q->nodes[l], &q->fp[l]) ||
	    broken(e, path_end(b), "the neighbour's g-node is remembered as it was");
}

/* B came over this arc: it is still told, and as it is remembered. */
static bool
is_still_told(struct ends *e, const struct path *b)
{
	const struct dest *d = map_find(e->teller, path_end(b));

	if (b->n == 1)
		return is_itself(e, b);
	for (size_t i = 0; d != NULL && i < d->n; i++) {
		struct path *a = d->v[i];

		if (is_of(e, b, a) && is_told(e, a))
			return !is_significant(b, path_total(a), a->nodes, &a->fp->f) ||
			    broken(e, d->at, "a path is remembered that is another now");
	}
	return broken(e, path_end(b), "a path is remembered that is not told any more");
}

static bool
check_remembered(struct ends *e)
{
	const struct qspn *q = e->hearer;

	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++)
			for (size_t j = 0; j < q->level[l].v[i]->n; j++) {
				const struct path *p = q->level[l].v[i]->v[j];

				if (p->arc == e->in && !is_still_told(e, p))
					return false;
			}
	for (size_t i = 0; i < q->n_spares; i++)
		if (q->spare[i]->arc == e->in && !is_still_told(e, q->spare[i]))
			return false;
	return true;
}

/* Does the hearer remember A, a path of the teller? */
static bool
is_remembered(const struct ends *e, const struct path *a)
{
	const struct qspn *q = e->hearer;
	struct coord at = path_end(a);
	const struct dest *d = map_find(q, at);

	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (d->v[i]->arc == e->in && is_of(e, d->v[i], a))
			return true;
	for (size_t i = spare_first(q, at); i < q->n_spares; i++) {
		if (!coord_equal(path_end(q->spare[i]), at))
			return false;
		if (q->spare[i]->arc == e->in && is_of(e, q->spare[i], a))
			return true;
	}
	return false;
}

/* Is it forgotten because of a limit? */
static bool
is_full(const struct qspn *q, const struct path *a)
{
	return a->n > q->p->max_hops || q->n_paths + q->n_spares >= q->p->max_paths_all;
}

/* Of what the teller has to D: what is of use to the hearer is known there. */
static bool
check_told_of(struct ends *e, const struct dest *d)
{
	bool told = false;

	for (size_t i = 0; i < d->n; i++) {
		if (!is_told(e, d->v[i]))
			continue;
		told = true;
		if (amended(e->hearer, QSPN_A27_SPARE) && !is_full(e->hearer, d->v[i]) &&
		    !is_remembered(e, d->v[i]))
			return broken(e, d->at, "a path is told that is not remembered");
	}
	return !told || map_find(e->hearer, d->at) != NULL ||
	    broken(e, d->at, "told, and not known");
}

/* The way to the teller itself. */
static bool
knows_teller(const struct ends *e)
{
	const struct dest *d = map_find(e->hearer, e->in->at);

	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (d->v[i]->arc == e->in && d->v[i]->n == 1)
			return true;
	for (size_t i = spare_first(e->hearer, e->in->at); i < e->hearer->n_spares; i++)
		if (e->hearer->spare[i]->arc == e->in && e->hearer->spare[i]->n == 1)
			return true;
	return false;
}

static bool
check_told(struct ends *e)
{
	const struct qspn *q = e->teller;

	if (!knows_teller(e) && amended(e->hearer, QSPN_A27_SPARE))
		return broken(e, e->in->at, "the neighbour itself is not remembered");
	for (unsigned l = e->out->at.level; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++)
			if (!check_told_of(e, q->level[l].v[i]))
				return false;
	return true;
}

bool
qspn_agree(const struct qspn *teller, uint32_t arc, const struct qspn *hearer,
    uint32_t its_arc, char *why, size_t size)
{
	struct ends e = { teller, hearer, arc_find(teller, arc), arc_find(hearer, its_arc), why, size };

	if (teller->failed || hearer->failed || e.out == NULL || e.in == NULL)
		return true;
	if (!e.out->known || !e.in->known) {
		snprintf(why, size, "arc %u: the neighbour is not known", its_arc);
		return false;
	}
	return check_remembered(&e) && check_told(&e);
}
