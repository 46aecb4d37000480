/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new identity made from one that is there: it enters or migrates (spec/qspn 3.3 to 3.5). */
#include "ntkd/core/qspn/int.h"

/* --- preconditions ------------------------------------------------------------------ */

static const char *
judge_levels(const struct qspn_params *p, const struct qspn_entry *e)
{
	if (e->host_level > p->topo.levels)
		return "host level above the topology's levels";
	if (e->guest_level >= e->host_level)
		return "guest level not below host level";
	if (e->fp0.level != 0 || e->fp0.levels != p->topo.levels || e->fp0.id == 0)
		return "no fingerprint of level 0 of this topology";
	for (unsigned i = 0; i < p->topo.levels; i++)
		if (e->address.pos[i] > TOPO_POS_MAX)
			return "a position above 2^31 - 1";
	return NULL;
}

static bool
is_arc(uint32_t number, uint64_t cost)
{
	return number != 0 && cost >= 1 && cost <= COST_MAX;
}

/* Is NUMBER that of an arc of E before internal arc I, or external arc I when IN is false? */
static bool
is_repeated(const struct qspn_entry *e, uint32_t number, size_t i, bool in)
{
	size_t n_in = in ? i : e->n_internal;

	for (size_t j = 0; j < n_in; j++)
		if (e->internal[j].arc == number)
			return true;
	for (size_t j = 0; j < i && !in; j++)
		if (e->external[j].arc == number)
			return true;
	return false;
}

static const char *
judge_arcs(const struct qspn_params *p, const struct qspn *prev, const struct qspn_entry *e)
{
	size_t most = p->max_arcs < ARC_SLOTS ? p->max_arcs : ARC_SLOTS;

	if (e->n_internal > most || e->n_external > most - e->n_internal)
		return "more arcs than allowed";
	for (size_t i = 0; i < e->n_internal; i++) {
		const struct qspn_internal_arc *a = &e->internal[i];

		if (!is_arc(a->arc, a->cost) || is_repeated(e, a->arc, i, true))
			return "an internal arc with a bad or repeated number, or a bad cost";
		if (arc_find(prev, a->prev) == NULL)
			return "an internal arc that duplicates none of the old identity's";
		if (naddr_equal(&p->topo, &e->address, &a->peer))
			return "an internal arc to our own address";
	}
	for (size_t i = 0; i < e->n_external; i++)
		if (!is_arc(e->external[i].arc, e->external[i].cost) ||
		    is_repeated(e, e->external[i].arc, i, false))
			return "an external arc with a bad or repeated number, or a bad cost";
	return NULL;
}

static const char *
judge_range(const struct qspn *prev, unsigned guest)
{
	for (unsigned i = 0; i < prev->n_ranges; i++)
		if (prev->ranges[i].from <= guest)
			return NULL;
	return prev->n_ranges == 0 ? NULL : "a connectivity g-node of the guest's level or above";
}

/* --- what is taken over --------------------------------------------------------------- */

/* Ranges that begin inside the guest, up to its level. */
static void
copy_ranges(struct qspn *q, const struct qspn *prev, unsigned guest)
{
	for (unsigned i = 0; i < prev->n_ranges; i++) {
		struct range r = prev->ranges[i];

		if (r.from > guest)
			continue;
		if (r.to > guest)
			r.to = (uint8_t)guest;
		q->ranges[q->n_ranges++] = r;
	}
}

static void
add_arcs(struct qspn *q, const struct qspn *prev, const struct qspn_entry *e)
{
	for (size_t i = 0; i < e->n_internal && !q->failed; i++) {
		const struct qspn_internal_arc *in = &e->internal[i];
		struct arc *a = arc_new(q, in->arc, in->cost, arc_find(prev, in->prev)->id);

		if (a == NULL)
			return;
		a->known = true;
		a->peer = in->peer;
		naddr_coord(q->topo, &q->me, &a->peer, &a->at);
	}
	for (size_t i = 0; i < e->n_external && !q->failed; i++)
		arc_new(q, e->external[i].arc, e->external[i].cost, 0);
}

/* The new arc that stands for OLD. */
static struct arc *
counterpart(const struct qspn *q, const struct qspn_entry *e, const struct arc *old)
{
	for (size_t i = 0; i < e->n_internal; i++)
		if (e->internal[i].prev == old->number)
			return arc_find(q, e->internal[i].arc);
	return NULL;
}

/* The g-nodes from the guest's level up are others now, and so are their elderships. */
static struct fingerprint
moved_fingerprint(const struct qspn *q, const struct fingerprint *f, unsigned guest)
{
	struct fingerprint g = *f;

	for (unsigned t = guest > f->level ? guest : f->level; t < q->levels; t++)
		fingerprint_set_eld(&g, t - f->level, fingerprint_eld(&q->fp[0], t));
	return g;
}

static struct path *
copy_path(struct qspn *q, const struct qspn_entry *e, const struct path *old)
{
	struct arc *a = counterpart(q, e, old->arc);
	struct fingerprint f = moved_fingerprint(q, &old->fp->f, e->guest_level);
	struct path *p, *k;

	p = a == NULL ? NULL : path_scratch(q, old->n);
	if (p == NULL)
		return NULL;
	for (size_t i = 0; i < old->n; i++)
		p->hops[i] = old->hops[i];
	p->arc = a;
	p->cost = old->cost;
	p->told = old->told;
	p->nodes = old->nodes;
	p->fp = fps_take(&q->fps, &f);
	if (p->fp == NULL) {
		q->failed = true;
		return NULL;
	}
	k = path_keep(q, p);
	fps_drop(&q->fps, p->fp);
	/* The old identity told of it, and those inside took it over. */
	if (k != NULL)
		k->spoken = true;
	return k;
}

/* Costs may have moved: cheapest first again. */
static void
insert_sorted(struct path **v, size_t n, struct path *p)
{
	while (n > 0 && path_total(v[n - 1]) > path_total(p)) {
		v[n] = v[n - 1];
		n--;
	}
	v[n] = p;
}

/* What the old identity suspected is suspected anew, and known to all who have to know. */
static void
suspect_again(struct qspn *q, struct dest *d)
{
	uint64_t *ids = scratch_take(&q->scratch, d->n * sizeof(ids[0]));

	if (ids == NULL)
		q->failed = true;
	else if (d->at.level > 0)
		split_check(q, d, ids, split_ids(d, ids));
}

static void
copy_dest(struct qspn *q, const struct qspn_entry *e, const struct dest *old)
{
	struct path **v = scratch_take(&q->scratch, (old->n + 1U) * sizeof(struct path *));
	struct tally t = { 0 };
	struct dest *d;
	size_t n = 0;

	if (v == NULL) {
		q->failed = true;
		return;
	}
	for (size_t i = 0; i < old->n; i++) {
		struct path *p = copy_path(q, e, old->v[i]);

		if (p == NULL)
			continue;
		path_stored(q, p);
		insert_sorted(v, n++, p);
	}
	d = n == 0 ? NULL : map_add(q, old->at);
	if (d == NULL || !dest_set(q, d, v, n)) {
		for (size_t i = 0; i < n; i++)
			path_unstored(q, v[i]);
		return;
	}
	dest_refresh(q, d);
	suspect_again(q, d);
	for (size_t i = 0; i < n; i++)
		d->v[i]->changed = CHANGE_ANY;
	expose_dest(q, d, &t);
}

static void
copy_map(struct qspn *q, const struct qspn *prev, const struct qspn_entry *e)
{
	for (unsigned l = 0; l < e->guest_level; l++)
		for (size_t i = 0; i < prev->level[l].n && !q->failed; i++)
			copy_dest(q, e, prev->level[l].v[i]);
	q->unswept = true;	/* what had no counterpart was not copied */
	map_sweep(q);
	news_forget(q);
}

/* --- the constructor --------------------------------------------------------------------- */

/* What is so from the start is no event: nobody hears of it. */
static void
inherit(struct qspn *q, const struct qspn *prev, const struct qspn_entry *e)
{
	struct qspn_out *out = q->out, silent;

	qspn_out_init(&silent);
	q->out = &silent;
	own_level0(q);
	copy_ranges(q, prev, e->guest_level);
	add_arcs(q, prev, e);
	copy_map(q, prev, e);
	q->out = out;
	qspn_out_free(&silent);
	own_start(q);
}

static void
take_over(struct qspn *q, const struct qspn *prev, const struct qspn_entry *e)
{
	inherit(q, prev, e);
	q->guest = e->guest_level;
	q->host = e->host_level;
	q->boot = BOOT_ASKING;
	for (size_t i = 0; i < e->n_external; i++)
		boot_enqueue(q, e->external[i].arc);
	boot_start(q);
}

struct qspn *
qspn_enter_net(const struct qspn_params *p, const struct rng *rng, uint64_t now,
    const struct qspn *prev, const struct qspn_entry *e, struct qspn_out *out, const char **err)
{
	struct qspn *q;

	*err = NULL;
	/* Half a map would be a wrong map, and its paths may name arcs that are gone. */
	if (prev->failed)
		return NULL;
	*err = judge_levels(p, e);
	if (*err == NULL)
		*err = judge_arcs(p, prev, e);
	if (*err == NULL)
		*err = judge_range(prev, e->guest_level);
	q = *err != NULL ? NULL : qspn_new(p, rng, now, &e->address, &e->fp0);
	if (q == NULL)
		return NULL;
	call_begin(q, now, out);
	take_over(q, prev, e);
	call_end(q);
	if (!q->failed)
		return q;
	qspn_free(q);
	return NULL;
}
