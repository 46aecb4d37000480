/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is told what, and when (spec/qspn 4.1 with A1, A3, A4).
 *
 * What an event changed is collected as its news.  With pacing the news become dirty
 * paths, each with the set of arcs over which they are to be told; a flush sends what is
 * true then.  Without pacing they go out at once as one message for everybody.
 *
 * Hidden paths that are new wait for the split flood (QSPN_A25_HOLD).  While a network
 * finds out who is the oldest, reports with the former fingerprint are still on their way,
 * and as one path is kept for each fingerprint, a path that reports the former one
 * is kept however long it is.  Told at once it would be kept by the next node for the same
 * reason, and so on through all the longer ways there are, until each of them is overtaken by
 * the truth: with a few hundred nodes that is nine tenths of all that is sent.  A split
 * lasts; what is still reported half a second later is told then.  And when something that was
 * told gets worse the cheapest is not held back any longer: neighbours may have nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/int.h"
#include "ntkd/kernel/grow.h"

/* --- news ------------------------------------------------------------------ */

void
news_add(struct qspn *q, struct path *p, unsigned what)
{
	struct path **v;

	p->news = (uint8_t)((p->listed ? p->news : 0) | what);
	if (p->listed)
		return;
	v = grow(q->news.v, q->news.n, 1, &q->news.size, sizeof(struct path *));
	if (v == NULL) {
		q->failed = true;
		return;
	}
	q->news.v = v;
	v[q->news.n++] = p;
	p->listed = true;
	p->refs++;
}

void
news_dest(struct qspn *q, const struct dest *d, bool worse)
{
	for (size_t i = 0; i < d->n; i++) {
		struct path *p = d->v[i];

		if (p->held && (!amended(q, QSPN_A25_HOLD) || dest_agrees(d, p) || (worse && i == 0))) {
			p->held = false;
			news_add(q, p, CHANGE_ANY);
		} else if (p->changed != 0 && !p->held) {
			news_add(q, p, p->changed);
		}
	}
}

void
news_close(struct qspn *q, const struct dest *d)
{
	for (size_t i = 0; i < d->n && amended(q, QSPN_A1_CLOSURE); i++)
		if (!d->v[i]->held)
			news_add(q, d->v[i], CHANGE_CLOSED);
}

void
news_forget(struct qspn *q)
{
	for (size_t i = 0; i < q->news.n; i++) {
		q->news.v[i]->listed = false;
		path_drop(q, q->news.v[i]);
	}
	q->news.n = 0;
	q->news.own = false;
}

/* --- sending ------------------------------------------------------------------ */

/*
 * Of our g-nodes a neighbour learns from the ETP itself only the one that it sees, and of
 * that it records what is significant (spec 4.10).  What it holds is followed here, so that
 * nothing is sent that would be forgotten at once.
 */
static bool
has_been_told(const struct qspn *q, const struct arc *a)
{
	return a->known && a->told && a->told_level == a->at.level &&
	    !nodes_is_significant(a->told_nodes, q->nodes[a->told_level]) &&
	    fingerprint_equal(&a->told_fp, &q->fp[a->told_level]);
}

void
told(struct qspn *q, struct arc *a, const struct qspn_msg *m)
{
	const struct peer_etp *e = &qspn_msg_get(m)->etp;

	if (!has_been_told(q, a) && a->known) {
		a->told_level = a->at.level;
		a->told_nodes = q->nodes[a->told_level];
		a->told_fp = q->fp[a->told_level];
	}
	a->told = a->known;
	q->stats.etps_out++;
	q->stats.etps_full_out += e->full;
	q->stats.paths_out += (uint64_t)e->paths.n + e->insides.n + e->gone.n;
	if (e->full)
		arc_undirty(q, a);
}

void
send_etp(struct qspn *q, struct arc *a, struct qspn_msg *m)
{
	act_message(q, QSPN_SEND, a->number, 0, qspn_msg_ref(m));
	told(q, a, m);
}

/* Sends M, whose only reference it takes, over the arcs but EXCEPT. */
static void
send_all(struct qspn *q, struct qspn_msg *m, const struct arc *except)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < q->n_arcs; i++)
		if (q->arc[i] != except)
			send_etp(q, q->arc[i], m);
	qspn_msg_unref(m);
}

void
announce_full(struct qspn *q)
{
	if (q->n_arcs > 0)
		send_all(q, compose_full(q, NULL, 0), NULL);
}

void
send_full(struct qspn *q, struct arc *a)
{
	struct qspn_msg *m = compose_for(q, a);

	if (m == NULL)
		return;
	send_etp(q, a, m);
	qspn_msg_unref(m);
}

/*
 * A path that is gone because we have become one of its hops ourselves: nobody accepts
 * it from us (spec 4.8 rule 10), and the full ETP about our new address retires it.
 */
static bool
is_unspeakable(const struct qspn *q, const struct item *i)
{
	return i->dead && path_touches_us(q, i->p);
}

/* What the N paths at P are now, as far as it can be told. */
static size_t
items_make(const struct qspn *q, struct item *v, struct path *const *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		v[k] = item_make(q, p[i]);
		k += !is_unspeakable(q, &v[k]);
	}
	return k;
}

/* --- at once ------------------------------------------------------------------ */

/* A3: what concerns the sender itself. */
static void
send_back(struct qspn *q, struct arc *from, const struct item *v, size_t n)
{
	struct item *w = scratch_take(&q->scratch, (n + 1) * sizeof(*w));
	struct coord at = from->at;
	struct qspn_msg *m;
	size_t k = 0;

	if (w == NULL) {
		q->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!path_has(v[i].p, at) && (v[i].ignore >> at.level & 1) == 0)
			w[k++] = v[i];
	m = k == 0 ? NULL : compose_etp(q, false, &at, 1, w, k);
	if (m == NULL)
		return;
	send_etp(q, from, m);
	qspn_msg_unref(m);
}

static void
send_news(struct qspn *q, const struct arc *from, const struct coord *hops, size_t n_hops)
{
	struct item *v = scratch_take(&q->scratch, (q->news.n + 1) * sizeof(*v));
	size_t n;

	if (v == NULL) {
		q->failed = true;
		return;
	}
	n = items_make(q, v, q->news.v, q->news.n);
	if (n == 0 && !q->news.own)
		return;
	if (q->n_arcs > (from != NULL))
		send_all(q, compose_etp(q, false, hops, n_hops, v, n), from);
	if (from != NULL && amended(q, QSPN_A3_SENDER))
		send_back(q, arc_find(q, from->number), v, n);
}

/* --- pacing ----------------------------------------------------------------- */

/* Arcs to be told: not those that get a full ETP soon. */
static void
audience(const struct qspn *q, const struct arc *from, uint64_t *set)
{
	memset(set, 0, ARC_WORDS * sizeof(*set));
	for (size_t i = 0; i < q->n_arcs; i++) {
		const struct arc *a = q->arc[i];

		if ((a->why & WHY_ADDED) != 0 || (a == from && !amended(q, QSPN_A3_SENDER)))
			continue;
		set[a->slot / 64] |= UINT64_C(1) << a->slot % 64;
	}
}

bool
arc_is_in(const uint64_t *set, const struct arc *a)
{
	return (set[a->slot / 64] >> a->slot % 64 & 1) != 0;
}

static size_t
dirty_place(const struct qspn *q, const struct path *p)
{
	size_t low = 0, high = q->n_dirty;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (path_cmp(q->dirty[mid].p, p) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
dirty_insert(struct qspn *q, size_t at, struct path *p, const uint64_t *set)
{
	struct dirty *v = grow(q->dirty, q->n_dirty, 1, &q->dirty_size, sizeof(*v));

	if (v == NULL) {
		q->failed = true;
		return;
	}
	q->dirty = v;
	memmove(v + at + 1, v + at, (q->n_dirty - at) * sizeof(*v));
	v[at] = (struct dirty){ .p = p, .news = p->news };
	memcpy(v[at].arcs, set, sizeof(v[at].arcs));
	p->refs++;
	q->n_dirty++;
}

static void
dirty_add(struct qspn *q, struct path *p, const uint64_t *set)
{
	size_t at = dirty_place(q, p);

	if (at == q->n_dirty || path_cmp(q->dirty[at].p, p) != 0) {
		if (q->n_dirty >= q->p->max_paths_all)
			q->dirty_all = true;
		else
			dirty_insert(q, at, p, set);
		return;
	}
	q->dirty[at].news |= p->news;
	for (size_t i = 0; i < ARC_WORDS; i++)
		q->dirty[at].arcs[i] |= set[i];
	if (q->dirty[at].p == p)
		return;
	p->refs++;
	p->spoken = p->spoken || q->dirty[at].p->spoken;
	p->told_at |= q->dirty[at].p->told_at;
	path_drop(q, q->dirty[at].p);
	q->dirty[at].p = p;
}

void
dirty_clear(struct qspn *q)
{
	for (size_t i = 0; i < q->n_dirty; i++)
		path_drop(q, q->dirty[i].p);
	q->n_dirty = 0;
	q->dirty_own = q->dirty_all = false;
}

void
arc_undirty(struct qspn *q, const struct arc *a)
{
	for (size_t i = 0; i < q->n_dirty; i++)
		q->dirty[i].arcs[a->slot / 64] &= ~(UINT64_C(1) << a->slot % 64);
}

/* It came and went between two flushes: nobody was told of it. */
static bool
is_unheard_of(const struct item *i)
{
	return i->dead && !i->p->spoken;
}

/* Before the neighbour has spoken everything may be of use to it. */
static bool
is_of_use(const struct arc *a, const struct item *i)
{
	return !a->known || item_for(i, a->at);
}

/*
 * Did the path of I, which got worse or went, matter to the neighbour behind A?  Not when it led through
 * that neighbour, nor when another one stood for it there.
 */
static bool
mattered(const struct arc *a, const struct item *i)
{
	return !a->known || ((i->told_at >> a->at.level & 1) != 0 && !path_has(i->p, a->at) &&
	    path_end(i->p).level >= a->at.level);
}

/* The items for one destination. */
struct group {
	const struct item *v;
	size_t n;
};

/* Those from the first of the N at V on. */
static struct group
group_of(const struct item *v, size_t n)
{
	size_t i = 1;

	while (i < n && coord_equal(path_end(v[i].p), path_end(v[0].p)))
		i++;
	return (struct group){ v, i };
}

/*
 * Something of G got worse that mattered to A.  Is it told of I as well, of which there is nothing
 * new?  When A remembers (A29), only if what got worse stood for it there (A26); else it may have
 * let it go (A1).
 */
static bool
is_closed(const struct qspn *q, const struct arc *a, const struct group *g, const struct item *i)
{
	bool memory = relies_on_memory(q) && a->known;

	for (size_t k = 0; k < g->n; k++)
		if ((g->v[k].news & CHANGE_WORSE) != 0 && mattered(a, &g->v[k]) &&
		    (!memory || look_same(g->v[k].p, i->p, a->at.level)))
			return true;
	return false;
}

/* I, of G, as A is to be told; false when it is not. */
static bool
tells(const struct qspn *q, const struct arc *a, const struct group *g, const struct item *i,
    struct item *out)
{
	bool whole = (i->news & CHANGE_ANY) != 0;

	if (is_unspeakable(q, i) || is_unheard_of(i) || !is_of_use(a, i))
		return false;
	whole = whole || ((i->news & CHANGE_CLOSED) != 0 && is_closed(q, a, g, i));
	if (!whole && (i->news & CHANGE_NODES) == 0)
		return false;
	*out = *i;
	out->brief = amended(q, QSPN_A28_MARKS) && i->p->spoken && (i->dead || !whole) &&
	    has_mark(q, a, i->p);
	return true;
}

/* What A is to be told of the dirty paths, whose items are at ALL. */
static void
flush_arc(struct qspn *q, struct arc *a, const struct item *all, struct item *v)
{
	struct qspn_msg *m;
	struct group g = { all, 0 };
	size_t n = 0;

	for (size_t i = 0; i < q->n_dirty; i++) {
		if (all + i == g.v + g.n)
			g = group_of(all + i, q->n_dirty - i);
		n += arc_is_in(q->dirty[i].arcs, a) && tells(q, a, &g, &all[i], &v[n]);
	}
	if (n == 0 && ((a->why & WHY_ADDED) != 0 || !q->dirty_own || has_been_told(q, a)))
		return;
	m = compose_change(q, a, v, n);
	if (m == NULL)
		return;
	send_etp(q, a, m);
	qspn_msg_unref(m);
}

static struct item
dirty_item(const struct qspn *q, const struct dirty *d)
{
	struct item i = item_make(q, d->p);

	i.news = d->news;
	i.told_at = d->p->told_at;
	return i;
}

void
announce_flush(struct qspn *q)
{
	struct item *all = scratch_take(&q->scratch, (q->n_dirty + 1) * sizeof(*all));
	struct item *v = scratch_take(&q->scratch, (q->n_dirty + 1) * sizeof(*v));

	q->timer[TIMER_FLUSH] = NEVER;
	q->flushed = q->now;
	if (all == NULL || v == NULL) {
		q->failed = true;
		return;
	}
	for (size_t i = 0; i < q->n_dirty; i++)
		all[i] = dirty_item(q, &q->dirty[i]);
	if (q->dirty_all)
		announce_full(q);
	for (size_t i = 0; i < q->n_arcs && !q->dirty_all; i++)
		flush_arc(q, q->arc[i], all, v);
	dirty_clear(q);
}

static void
news_to_dirty(struct qspn *q, const struct arc *from)
{
	uint64_t set[ARC_WORDS];

	audience(q, from, set);
	for (size_t i = 0; i < q->news.n; i++)
		dirty_add(q, q->news.v[i], set);
	q->dirty_own = q->dirty_own || q->news.own;
}

void
news_publish(struct qspn *q, const struct arc *from, const struct coord *hops, size_t n_hops)
{
	bool any = q->news.n > 0 || q->news.own;

	if (any && !q->failed && is_bootstrapped(q) && q->n_arcs > 0) {
		if (amended(q, QSPN_A4_PACING))
			news_to_dirty(q, from);
		else
			send_news(q, from, hops, n_hops);
	}
	news_forget(q);
}

void
announce_end(struct qspn *q)
{
	uint64_t pacing = q->p->pacing;
	bool idle = q->flushed == NEVER || q->now - q->flushed >= pacing;

	if ((q->n_dirty == 0 && !q->dirty_own && !q->dirty_all) || q->failed)
		return;
	if (pacing == 0 || (q->p->pacing_first && idle && q->timer[TIMER_FLUSH] == NEVER))
		announce_flush(q);
	else if (q->timer[TIMER_FLUSH] == NEVER)
		q->timer[TIMER_FLUSH] = (q->p->pacing_first ? q->flushed : q->now) + pacing;
}
