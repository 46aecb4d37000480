/* SPDX-License-Identifier: GPL-2.0-or-later */
/* G-nodes that broke into islands (spec/qspn 4.15 with A12). */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/int.h"
#include "ntkd/kernel/grow.h"

size_t
split_ids(const struct dest *d, uint64_t *ids)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		bool seen = false;

		for (size_t j = 0; j < n && !seen; j++)
			seen = ids[j] == d->v[i]->fp->f.id;
		if (!seen)
			ids[n++] = d->v[i]->fp->f.id;
	}
	return n;
}

static const struct path *
cheapest_of(const struct dest *d, uint64_t id)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i]->fp->f.id == id)
			return d->v[i];
	return NULL;
}

/* How long two reports may differ: max(10 s, 50 x the sum of both costs). */
static uint64_t
patience(const struct dest *d, uint64_t elder, uint64_t younger)
{
	uint64_t sum = cost_add(path_total(cheapest_of(d, elder)),
	    path_total(cheapest_of(d, younger)));
	uint64_t wait = sum == COST_DEAD ? 50 * COST_MAX : 50 * sum;

	return wait > 10 * SECOND ? wait : 10 * SECOND;
}

static void
suspect(struct qspn *q, const struct dest *d, uint64_t elder, uint64_t younger)
{
	struct split *v;

	for (size_t i = 0; i < q->n_splits; i++)
		if (coord_equal(q->split[i].at, d->at) && q->split[i].elder == elder &&
		    q->split[i].younger == younger)
			return;
	if (q->n_splits >= q->p->max_splits)
		return;
	v = grow(q->split, q->n_splits, 1, &q->splits_size, sizeof(*v));
	if (v == NULL) {
		q->failed = true;
		return;
	}
	q->split = v;
	v[q->n_splits++] = (struct split){ d->at, elder, younger, q->now + 10 * SECOND,
	    q->now + patience(d, elder, younger) };
}

static void
flood_add(struct qspn *q, struct coord at)
{
	struct coord *v;

	for (size_t i = 0; i < q->n_flood; i++)
		if (coord_equal(q->flood[i], at))
			return;
	v = grow(q->flood, q->n_flood, 1, &q->flood_size, sizeof(*v));
	if (v == NULL) {
		q->failed = true;
		return;
	}
	q->flood = v;
	v[q->n_flood++] = at;
	if (q->timer[TIMER_FLOOD] == NEVER)
		timer_set(q, TIMER_FLOOD, 500 * MS);
}

static bool
is_among(uint64_t id, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == id)
			return true;
	return false;
}

/*
 * Suspicions of AT end with the disagreement: when it comes again it is another one, and has to last
 * as long again.
 */
static void
calm_down(struct qspn *q, struct coord at, const uint64_t *ids, size_t n_ids)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_splits; i++) {
		const struct split *s = &q->split[i];

		if (!coord_equal(s->at, at) ||
		    (is_among(s->elder, ids, n_ids) && is_among(s->younger, ids, n_ids)))
			q->split[n++] = *s;
	}
	q->n_splits = n;
}

void
split_forget(struct qspn *q, struct coord at)
{
	calm_down(q, at, NULL, 0);
}

/* Is a path to D hidden that reports what P does? */
static bool
is_known_as_younger(const struct dest *d, const struct path *p)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i]->hidden && fingerprint_same(&d->v[i]->fp->f, &p->fp->f))
			return true;
	return false;
}

/* What is hidden stays so while anything older is reported; new paths that report the same join it. */
static void
hide_again(struct dest *d)
{
	for (size_t i = 0; i < d->n; i++)
		d->v[i]->hidden = !dest_agrees(d, d->v[i]) && is_known_as_younger(d, d->v[i]);
}

void
split_check(struct qspn *q, struct dest *d, const uint64_t *before, size_t n)
{
	uint64_t *ids = scratch_take(&q->scratch, (d->n + 1U) * sizeof(ids[0]));
	size_t n_ids;

	if (ids == NULL) {
		q->failed = true;
		return;
	}
	n_ids = split_ids(d, ids);
	calm_down(q, d->at, ids, n_ids);
	hide_again(d);
	for (size_t i = 0; i < n_ids && n_ids > 1; i++) {
		if (!is_among(ids[i], before, n))
			flood_add(q, d->at);
		if (ids[i] != d->fp->f.id)
			suspect(q, d, d->fp->f.id, ids[i]);
	}
}

/* The destination, if its paths still report different fingerprints. */
static const struct dest *
discordant(const struct qspn *q, struct coord at)
{
	const struct dest *d = map_find(q, at);

	for (size_t i = 1; d != NULL && i < d->n; i++)
		if (!fingerprint_same(&d->v[i]->fp->f, &d->v[0]->fp->f))
			return d;
	return NULL;
}

/* All that is known of the destinations in B, to everybody. */
void
split_flood(struct qspn *q)
{
	size_t n = 0, max = 0;
	struct item *v;
	struct qspn_msg *m;

	for (size_t i = 0; i < q->n_flood; i++) {
		const struct dest *d = discordant(q, q->flood[i]);

		max += d == NULL ? 0 : d->n;
	}
	v = scratch_take(&q->scratch, (max + 1) * sizeof(v[0]));
	if (v == NULL)
		q->failed = true;
	for (size_t i = 0; i < q->n_flood && v != NULL; i++) {
		const struct dest *d = discordant(q, q->flood[i]);

		for (size_t j = 0; d != NULL && j < d->n; j++) {
			d->v[j]->held = false;
			v[n++] = item_make(q, d->v[j]);
		}
	}
	q->n_flood = 0;
	m = n == 0 ? NULL : compose_etp(q, false, NULL, 0, v, n);
	for (size_t i = 0; i < q->n_arcs && m != NULL; i++)
		send_etp(q, q->arc[i], m);
	if (m != NULL)
		qspn_msg_unref(m);
}

/* Does a path to D that begins with A report ID? */
static bool
reports(const struct dest *d, const struct arc *a, uint64_t id)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i]->arc == a && d->v[i]->n == 1 && d->v[i]->fp->f.id == id)
			return true;
	return false;
}

/* Those of us who are neighbours of the younger island tell of it. */
static void
report(struct qspn *q, const struct dest *d, const struct split *s)
{
	const struct path *young = cheapest_of(d, s->younger);

	for (size_t i = 0; i < q->n_arcs; i++)
		if (q->arc[i]->known && coord_equal(q->arc[i]->at, s->at) &&
		    reports(d, q->arc[i], s->younger)) {
			struct qspn_action *a = act(q, QSPN_SPLIT);

			a->arc = q->arc[i]->number;
			a->dest = s->at;
			a->fingerprint = young->fp->f;
		}
}

/*
 * Not when the split counts: that time depends on what paths cost here.  Neighbours have to turn to the elder island
 * together: while one prefers it and another one does not, packets may go round between them.
 */
static void
hide(struct qspn *q, struct dest *d, const struct split *s)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < d->n; i++)
		if (d->v[i]->fp->f.id == s->younger)
			d->v[i]->hidden = true;
	expose_dest(q, d, &t);
	expose_signal(q, d->at, d->n, d->n, &t);
}

/*
 * Both are still reported, else S would be forgotten.  Once it counts the next report times it again, for who is to
 * act on it may not have heard; until then it takes no room from others.
 */
static void
split_look(struct qspn *q, struct split *s)
{
	struct dest *d = map_find(q, s->at);

	if (s->when <= q->now)
		report(q, d, s);
	if (s->hide <= q->now) {
		hide(q, d, s);
		s->hide = NEVER;
	}
}

void
split_tick(struct qspn *q)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_splits; i++) {
		split_look(q, &q->split[i]);
		if (q->split[i].when > q->now)
			q->split[n++] = q->split[i];
	}
	q->n_splits = n;
}

uint64_t
split_deadline(const struct qspn *q)
{
	uint64_t when = NEVER;

	for (size_t i = 0; i < q->n_splits; i++) {
		const struct split *s = &q->split[i];
		uint64_t next = s->hide < s->when ? s->hide : s->when;

		if (next < when)
			when = next;
	}
	return when;
}
