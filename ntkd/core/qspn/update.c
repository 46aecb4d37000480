/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map update (spec/qspn 4.10). */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/int.h"

void
cands_add(struct qspn *q, struct cands *c, struct path *p)
{
	if (p == NULL)
		return;
	p->fp->refs++;
	if (c->n == c->size) {
		size_t size = c->size == 0 ? 64 : 2 * c->size;
		struct path **v = scratch_take(&q->scratch, size * sizeof(struct path *));

		if (v == NULL) {
			q->failed = true;
			fps_drop(&q->fps, p->fp);
			return;
		}
		if (c->n > 0)
			memcpy(v, c->v, c->n * sizeof(struct path *));
		c->v = v;
		c->size = size;
	}
	/* Until the map is updated the order of arrival stands here, for A20. */
	p->refs = (uint32_t)c->n;
	c->v[c->n++] = p;
}

void
cands_forget(struct qspn *q, struct cands *c)
{
	for (size_t i = 0; i < c->n; i++)
		fps_drop(&q->fps, c->v[i]->fp);
	c->n = 0;
}

static int
cand_cmp(const void *a, const void *b)
{
	const struct path *x = *(struct path *const *)a, *y = *(struct path *const *)b;
	int c = path_cmp(x, y);

	return c != 0 ? c : (x->refs > y->refs) - (x->refs < y->refs);
}

/* By destination; of equal paths the last one stays (A20). */
static void
cands_sort(struct qspn *q, struct cands *c)
{
	size_t n = 0;

	if (c->n > 1)
		qsort(c->v, c->n, sizeof(c->v[0]), cand_cmp);
	for (size_t i = 0; i < c->n; i++)
		if (i + 1 < c->n && path_same(c->v[i], c->v[i + 1]))
			fps_drop(&q->fps, c->v[i]->fp);
		else
			c->v[n++] = c->v[i];
	c->n = n;
}

/* The candidates for one destination. */
struct group {
	struct coord at;
	unsigned order;		/* hops of the destination's level in the cheapest one */
	struct path **v;
	size_t n;
};

static unsigned
group_order(const struct group *g)
{
	const struct path *best = g->v[0];
	unsigned n = 0;

	for (size_t i = 1; i < g->n; i++)
		if (path_total(g->v[i]) < path_total(best))
			best = g->v[i];
	for (size_t i = 0; i < best->n; i++)
		n += best->hops[i].to.level == g->at.level;
	return n;
}

/* Such that hops of a path are likely known when it is looked at. */
static int
group_cmp(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->at.level != y->at.level)
		return x->at.level < y->at.level ? -1 : 1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return (x->at.pos > y->at.pos) - (x->at.pos < y->at.pos);
}

static size_t
groups_make(const struct cands *c, struct group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct coord at = path_end(c->v[i]);

		if (n == 0 || !coord_equal(g[n - 1].at, at))
			g[n++] = (struct group){ .at = at, .v = &c->v[i] };
		g[n - 1].n++;
	}
	for (size_t i = 0; i < n; i++)
		g[i].order = group_order(&g[i]);
	qsort(g, n, sizeof(g[0]), group_cmp);
	return n;
}

/* One destination being updated. */
struct turn {
	struct qspn *q;
	struct dest *d;		/* NULL while it is unknown */
	struct coord at;
	const struct arc *changed;
	const struct around *around;
	struct choice *v;
	size_t n;
	size_t before;		/* stored paths */
	size_t spares;		/* paths put aside */
	bool worse;		/* a known path got worse or went: A1 */
};

static void
choice_add(struct turn *t, struct path *p, bool told)
{
	struct choice *c = &t->v[t->n];

	*c = (struct choice){ .p = p, .fresh = told && !p->spare, .told = told };
	c->weight = scratch_take(&t->q->scratch, p->n * sizeof(c->weight[0]));
	if (c->weight == NULL)
		t->q->failed = true;
	else
		t->n++;
}

/*
 * A30: P got dearer by as much as the arc over which it is told.
 *
 * With this no packet goes round at rest.  A node sends a packet for which it reckons with the cost f
 * by the arc c to a neighbour, who told it f - c.  What the neighbour reckons with is less than
 * c above that, else this node would have recorded it: less than f.  (It has the path of which
 * it told, or a cheaper one that looks the same, and that leads around this node.)  So what nodes
 * reckon with falls at each of them, and none comes twice.
 */
static bool
is_dearer(const struct qspn *q, const struct path *p, uint64_t cost)
{
	return amended(q, QSPN_A30_DEARER) && cost > p->cost && cost - p->cost >= p->arc->cost;
}

static bool
is_cost_relevant(const struct qspn *q, const struct path *p, uint64_t cost)
{
	return cost_is_significant(p->cost, cost) || is_dearer(q, p, cost);
}

static bool
is_relevant(const struct qspn *q, const struct path *old, const struct path *new_)
{
	bool fp = amended(q, QSPN_A14_WHOLE) ? old->fp == new_->fp :
	    fingerprint_same(&old->fp->f, &new_->fp->f);

	return !fp || is_cost_relevant(q, old, new_->cost) ||
	    nodes_is_significant(old->nodes, new_->nodes);
}

/*
 * Could a neighbour now prefer a path that it did not keep before (A1)?  Not because a path
 * got cheaper, nor because more nodes are behind it.
 */
static bool
is_worse(const struct qspn *q, const struct path *old, const struct path *new_)
{
	return (new_->cost > old->cost && is_cost_relevant(q, old, new_->cost)) ||
	    fingerprint_elder(&old->fp->f, &new_->fp->f) < 0;
}

/*
 * P takes over what NEW_ reports.  A cost that is greater, but not significantly, is refused as if it
 * had come alone, so that small changes add up until they are told (spec 1.6).
 */
static void
retell(struct qspn *q, struct path *p, const struct path *new_)
{
	if (!fingerprint_same(&p->fp->f, &new_->fp->f))
		p->hidden = false;
	new_->fp->refs++;
	fps_drop(&q->fps, p->fp);
	p->fp = new_->fp;
	if (new_->cost < p->cost || is_cost_relevant(q, p, new_->cost))
		p->cost = new_->cost;
	p->nodes = new_->nodes;
}

/* The same of one that is stored: others may want to hear of it. */
static void
renew(struct qspn *q, struct path *p, const struct path *new_)
{
	const struct fpref *fp = p->fp;
	uint64_t cost = p->cost;

	retell(q, p, new_);
	p->changed = p->fp == fp && p->cost == cost ? CHANGE_NODES : CHANGE_ANY;
}

/* Takes the candidate like P out of G. */
static struct path *
group_take(struct group *g, const struct path *p)
{
	for (size_t i = 0; i < g->n; i++) {
		struct path *c = g->v[i];

		if (path_same(c, p)) {
			/* The rest keeps its order; C stays in the list, to be given up at the end. */
			memmove(g->v + 1, g->v, i * sizeof(struct path *));
			g->v[0] = c;
			g->v++;
			g->n--;
			return c;
		}
	}
	return NULL;
}

static void
gather_stored(struct turn *t, struct group *g)
{
	for (size_t i = 0; t->d != NULL && i < t->d->n; i++) {
		struct path *p = t->d->v[i];
		const struct path *new_ = group_take(g, p);

		if (new_ != NULL)
			p->told = new_->told;
		if (new_ != NULL && is_relevant(t->q, p, new_)) {
			bool worse = is_worse(t->q, p, new_);

			renew(t->q, p, new_);
			p->changed |= worse ? CHANGE_WORSE : 0;
		}
		if (t->changed != NULL && p->arc == t->changed)
			p->changed |= CHANGE_ANY | CHANGE_WORSE;
		t->worse = t->worse || (p->changed & CHANGE_WORSE) != 0 || path_is_blind(t->q, p);
		choice_add(t, p, false);
	}
}

static void
gather_spares(struct turn *t, struct group *g)
{
	size_t first = spare_first(t->q, t->at);

	for (size_t i = 0; i < t->spares; i++) {
		struct path *p = t->q->spare[first + i];
		const struct path *new_ = group_take(g, p);

		/* As of what is stored: the neighbour reckons with what we recorded. */
		if (new_ != NULL)
			p->told = new_->told;
		if (new_ != NULL && is_relevant(t->q, p, new_))
			retell(t->q, p, new_);
		choice_add(t, p, new_ != NULL);
	}
}

/* May the destination be known? */
static bool
is_admitted(const struct turn *t)
{
	return t->d != NULL || t->q->level[t->at.level].n < t->q->p->max_dests;
}

/* Those that a limit forbids are not taken: they are as if they had never been told. */
static bool
has_room(const struct turn *t, const struct path *p)
{
	const struct qspn_params *l = t->q->p;
	size_t all = t->q->n_paths + t->q->n_spares + (t->n - t->before - t->spares);

	return p->n <= l->max_hops && all < l->max_paths_all && is_admitted(t);
}

static void
gather_fresh(struct turn *t, const struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->v[i]->cost != COST_DEAD && has_room(t, g->v[i]))
			choice_add(t, g->v[i], true);
}

static int
choice_cmp(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;

	if (x->total != y->total)
		return x->total < y->total ? -1 : 1;
	return path_cmp(x->p, y->p);
}

static void
bar_all(struct turn *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->v[i].barred = true;
}

static bool
turn_gather(struct turn *t, struct group *g)
{
	size_t most = t->before + t->spares + g->n;

	t->v = scratch_take(&t->q->scratch, (most + 1) * sizeof(t->v[0]));
	if (t->v == NULL) {
		t->q->failed = true;
		return false;
	}
	gather_stored(t, g);
	gather_spares(t, g);
	gather_fresh(t, g);
	for (size_t i = 0; i < t->n; i++)
		t->v[i].total = path_total(t->v[i].p);
	if (t->n > 1)
		qsort(t->v, t->n, sizeof(t->v[0]), choice_cmp);
	/* When something got worse everything that is remembered is looked at anew. */
	if (t->spares > 0 && !(t->worse && relies_on_memory(t->q)))
		spare_bar(t->q, t->around, t->v, t->n);
	if (!is_admitted(t))
		bar_all(t);
	return !t->q->failed;
}

/* The path of C was selected: as it is stored from now on. */
static struct path *
keep(struct turn *t, const struct choice *c)
{
	struct path *p = c->p;

	if (!c->fresh && !p->spare)
		return p;
	if (c->fresh)
		p = path_keep(t->q, p);
	else
		spare_take(t->q, p);
	if (p == NULL)
		return NULL;
	p->changed = CHANGE_ANY;
	p->held = true;
	p->hidden = false;
	path_stored(t->q, p);
	return p;
}

static void
put_aside(struct turn *t, struct path *p)
{
	p->blind = path_is_blind(t->q, p);
	if (!p->spare)
		spare_add(t->q, p);
}

/* A stored path that was not selected. */
static void
lose(struct turn *t, struct path *p, bool aside, struct tally *tally)
{
	struct arc *arc = p->arc;

	tally->removed = (uint16_t)(tally->removed + p->exposed);
	t->worse = t->worse || p->spoken;
	p->changed = 0;
	news_add(t->q, p, CHANGE_ANY | CHANGE_WORSE);
	p->refs += aside;
	path_unstored(t->q, p);
	if (!aside)
		return;
	p->arc = arc;
	put_aside(t, p);
}

/* The path of C was not selected. */
static void
leave_out(struct turn *t, const struct choice *c, struct tally *tally)
{
	struct path *p = c->p;

	if (!c->fresh && !p->spare) {
		lose(t, p, c->aside, tally);
		return;
	}
	if (c->aside) {
		p = c->fresh ? path_keep(t->q, p) : p;
		if (p != NULL)
			put_aside(t, p);
	} else if (!c->fresh) {
		spare_drop(t->q, p);
	}
}

/* Brings what was selected into the map. */
static void
turn_store(struct turn *t, struct tally *tally)
{
	struct path **v = scratch_take(&t->q->scratch, (t->n + 1) * sizeof(v[0]));
	size_t n = 0;

	if (v == NULL) {
		t->q->failed = true;
		return;
	}
	/* References move between the two lists; after a failure they are only freed. */
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].kept) {
			v[n] = keep(t, &t->v[i]);
			n += v[n] != NULL;
		} else {
			leave_out(t, &t->v[i], tally);
		}
	if (t->d == NULL && n > 0)
		t->d = map_add(t->q, t->at);
	if (t->d == NULL || !dest_set(t->q, t->d, v, n)) {
		for (size_t i = 0; i < n; i++)
			path_unstored(t->q, v[i]);
		if (t->d != NULL)
			t->d->n = 0;
	}
}

static void
turn_finish(struct turn *t, struct tally *tally, const uint64_t *ids, size_t n_ids)
{
	struct qspn *q = t->q;
	size_t after = t->d == NULL ? 0 : t->d->n;

	if (t->d != NULL && after == 0) {
		map_remove(q, t->d);
		t->d = NULL;
	}
	if (t->d != NULL) {
		dest_refresh(q, t->d);
		news_dest(q, t->d, t->worse);
		if (t->at.level > 0)
			split_check(q, t->d, ids, n_ids);
		expose_dest(q, t->d, tally);
		if (t->worse)
			news_close(q, t->d);
	}
	expose_signal(q, t->at, t->before, after, tally);
}

static size_t
spares_of(const struct qspn *q, struct coord at)
{
	size_t first = spare_first(q, at), i = first;

	while (i < q->n_spares && coord_equal(path_end(q->spare[i]), at))
		i++;
	return i - first;
}

static void
dest_update(struct qspn *q, struct group *g, const struct around *a, const struct arc *changed)
{
	struct turn t = { .q = q, .d = map_find(q, g->at), .at = g->at, .changed = changed,
	    .around = a };
	struct tally tally = { 0 };
	struct before was = select_before(t.d);
	uint64_t *ids;
	size_t n_ids = 0;

	t.before = t.d == NULL ? 0 : t.d->n;
	t.spares = spares_of(q, t.at);
	ids = scratch_take(&q->scratch, (t.before + 1) * sizeof(ids[0]));
	if (ids == NULL) {
		q->failed = true;
		return;
	}
	if (t.d != NULL)
		n_ids = split_ids(t.d, ids);
	if (!turn_gather(&t, g) || !select_paths(q, &was, g->at, a, t.v, t.n))
		return;
	spare_choose(q, t.v, t.n);
	turn_store(&t, &tally);
	if (!q->failed)
		turn_finish(&t, &tally, ids, n_ids);
}

/* The destination AT once more, of which nothing new is told. */
static void
dest_again(struct qspn *q, struct coord at, const struct around *a)
{
	struct group g = { .at = at };

	dest_update(q, &g, a, NULL);
}

static bool
has_blind(const struct qspn *q, const struct dest *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (path_is_blind(q, d->v[i]))
			return true;
	return false;
}

static void
sweep_once(struct qspn *q, const struct around *a)
{
	for (unsigned l = 0; l < q->levels; l++) {
		struct dests *s = &q->level[l];

		for (size_t i = 0; i < s->n && !q->failed; ) {
			size_t had = s->n;

			if (has_blind(q, s->v[i]))
				dest_again(q, s->v[i]->at, a);
			if (s->n == had)
				i++;
		}
	}
}

/* Spare paths that could not be used and can be now.  The update marks what it leaves aside. */
static void
use_once(struct qspn *q, const struct around *a)
{
	for (size_t i = 0; i < q->n_spares && !q->failed; ) {
		const struct path *p = q->spare[i];

		if (p->blind && !path_is_blind(q, p))
			dest_again(q, path_end(p), a);
		else
			i++;
	}
}

/* A neighbour's g-node is new: what is put aside may be all that leads around it. */
static void
serve_once(struct qspn *q, const struct around *a)
{
	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n && !q->failed; i++) {
			struct coord at = q->level[l].v[i]->at;

			if (spares_of(q, at) > 0)
				dest_again(q, at, a);
		}
}

/*
 * A15 and A27.  Each round of the first loop follows the loss of a destination, each of the
 * second one's arrival; and what arrives makes none go.
 */
void
map_sweep(struct qspn *q)
{
	struct around a;

	if ((!q->unswept && !q->unused && !q->unserved) || !around_make(q, &a))
		return;
	if (q->unserved)
		serve_once(q, &a);
	q->unserved = false;
	while (q->unswept && !q->failed && amended(q, QSPN_A15_SWEEP)) {
		q->unswept = false;
		sweep_once(q, &a);
	}
	while (q->unused && !q->failed) {
		q->unused = false;
		use_once(q, &a);
	}
}

void
map_update(struct qspn *q, struct cands *c, const struct arc *changed)
{
	size_t before = q->news.n;
	struct around a;
	struct group *g;
	size_t n;

	cands_sort(q, c);
	g = scratch_take(&q->scratch, (c->n + 1) * sizeof(g[0]));
	if (g == NULL)
		q->failed = true;
	if (!q->failed && c->n > 0 && around_make(q, &a)) {
		n = groups_make(c, g);
		for (size_t i = 0; i < n && !q->failed; i++)
			dest_update(q, &g[i], &a, changed);
	}
	if (!q->failed)
		map_sweep(q);
	cands_forget(q, c);
	q->stats.updates += q->news.n > before;
}

bool
through_arc(const struct qspn *q, const struct path *p, const void *arc)
{
	(void)q;
	return p->arc == arc;
}

void
map_drop(struct qspn *q, doomed_fn *doomed, const void *arg)
{
	struct cands c = { 0 };

	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			const struct dest *d = q->level[l].v[i];

			for (size_t j = 0; j < d->n; j++)
				if (doomed(q, d->v[j], arg))
					cands_dead(q, &c, d->v[j]);
		}
	for (size_t i = 0; i < q->n_spares; i++)
		if (doomed(q, q->spare[i], arg))
			cands_dead(q, &c, q->spare[i]);
	map_update(q, &c, NULL);
}
