/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A received ETP, from the sender's point of view to ours (spec/qspn 4.9). */
#include <string.h>

#include "ntkd/core/qspn/int.h"

static struct coord
hop_read(const struct peer_hop *h)
{
	return (struct coord){ h->level, h->pos };
}

struct fingerprint
fingerprint_read(unsigned levels, const struct peer_fp *f)
{
	struct fingerprint out = { .id = f->id, .level = f->level, .levels = (uint8_t)levels };

	memcpy(out.v, f->eld.v, f->eld.n * sizeof(out.v[0]));
	if (f->seed.n > 0)
		memcpy(out.v + f->eld.n, f->seed.v, f->seed.n * sizeof(out.v[0]));
	return out;
}

void
cands_dead(struct qspn *q, struct cands *c, const struct path *p)
{
	struct path *dead = path_scratch(q, p->n);

	if (dead == NULL)
		return;
	memcpy(dead->hops, p->hops, p->n * sizeof(p->hops[0]));
	dead->cost = COST_DEAD;
	dead->fp = p->fp;
	dead->nodes = p->nodes;
	dead->arc = p->arc;
	cands_add(q, c, dead);
}

void
cands_as_is(struct qspn *q, struct cands *c, const struct path *p)
{
	size_t n = c->n;

	cands_dead(q, c, p);
	if (c->n == n)
		return;
	c->v[n]->cost = p->cost;
	c->v[n]->told = p->told;
}

/* A copy with another number of nodes inside. */
static void
cands_nodes(struct qspn *q, struct cands *c, const struct path *p, uint32_t nodes)
{
	size_t n = c->n;

	cands_as_is(q, c, p);
	if (c->n > n)
		c->v[n]->nodes = nodes;
}

static bool
begins(const struct path *p, const struct arc *a, const struct coord *first)
{
	return p->arc == a && (first == NULL || coord_equal(p->hops[0].to, *first));
}

/* Dead copies of the paths known through A: those whose first hop is FIRST, unless it is NULL. */
static void
retire(struct qspn *q, const struct arc *a, const struct coord *first, struct cands *c)
{
	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			const struct dest *d = q->level[l].v[i];

			for (size_t j = 0; j < d->n; j++)
				if (begins(d->v[j], a, first))
					cands_dead(q, c, d->v[j]);
		}
	for (size_t i = 0; i < q->n_spares; i++)
		if (begins(q->spare[i], a, first))
			cands_dead(q, c, q->spare[i]);
}

/* P as it is with the neighbour at its new position, and as dear as it was. */
static void
follow_one(struct qspn *q, const struct path *p, struct coord at, struct cands *c)
{
	struct path *now = path_has(p, at) ? NULL : path_scratch(q, p->n);
	struct fingerprint f = p->fp->f;

	if (now == NULL)
		return;
	if (p->n == 1 && is_virtual(q, at))
		fingerprint_set_eld(&f, at.level - f.level, FP_NULL);
	now->fp = fps_take(&q->fps, &f);
	if (now->fp == NULL) {
		q->failed = true;
		return;
	}
	memcpy(now->hops, p->hops, p->n * sizeof(p->hops[0]));
	now->hops[0].to = at;
	now->cost = p->cost;
	now->told = p->told;
	now->nodes = p->nodes;
	now->arc = p->arc;
	cands_add(q, c, now);
	fps_drop(&q->fps, now->fp);
}

/*
 * A neighbour who changes its position (spec/qspn 3.8, 3.9) goes on forwarding: what leads through it stays
 * what it was, under the new position, until the full notice says what it is now.  What may come before
 * that, a request or news, tells the position and not the paths: all of them would be gone until then.
 */
static void
follow(struct qspn *q, const struct arc *a, const struct coord *old, struct cands *c)
{
	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			const struct dest *d = q->level[l].v[i];

			for (size_t j = 0; j < d->n; j++)
				if (begins(d->v[j], a, old))
					follow_one(q, d->v[j], a->at, c);
		}
}

/* The one-hop path over A to AT, dead, if it is stored (what A6 replaces by retire()). */
static void
retire_one(struct qspn *q, const struct arc *a, struct coord at, struct cands *c)
{
	const struct dest *d = map_find(q, at);

	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (d->v[i]->arc == a && d->v[i]->n == 1)
			cands_dead(q, c, d->v[i]);
}

void
arc_learn_peer(struct qspn *q, struct arc *a, const struct naddr *peer, bool tells_all,
    struct cands *c)
{
	struct coord old = a->at;
	bool was_known = a->known;

	a->peer = *peer;
	a->known = true;
	naddr_coord(q->topo, &q->me, peer, &a->at);
	if (was_known && coord_equal(old, a->at))
		return;
	q->unserved = true;
	if (!was_known)
		return;
	if (!amended(q, QSPN_A6_RETIRE)) {
		retire_one(q, a, old, c);
		return;
	}
	retire(q, a, &old, c);
	if (!tells_all && old.level == a->at.level)
		follow(q, a, &old, c);
}

/* Index of the first hop of level L or above. */
static size_t
outside(const struct peer_hop *v, size_t n, unsigned l)
{
	size_t i = 0;

	while (i < n && v[i].level < l)
		i++;
	return i;
}

static struct path *
path_start(struct qspn *q, struct arc *a, size_t n, struct fpref *fp, uint32_t nodes)
{
	struct path *p = path_scratch(q, n);

	if (p == NULL)
		return NULL;
	p->hops[0] = (struct qspn_hop){ a->at, a->id };
	p->arc = a;
	p->fp = fp;
	p->nodes = nodes;
	return p;
}

/* Grouping and acyclic rule on one path (steps 6 and 7). */
static void
revise_path(struct qspn *q, struct arc *a, const struct peer_path *m, struct fpref *fp,
    struct cands *c)
{
	size_t skip = outside(m->hops.v, m->hops.n, a->at.level);
	size_t n = 1 + m->hops.n - skip;
	struct path *p;

	for (size_t i = skip; i < m->hops.n; i++)
		if (is_us(q, hop_read(&m->hops.v[i])))
			return;
	p = path_start(q, a, n, fp, m->nodes);
	if (p == NULL)
		return;
	for (size_t i = 1; i < n; i++) {
		p->hops[i].to = hop_read(&m->hops.v[skip + i - 1]);
		p->hops[i].id = m->arcs.v[skip + i - 1];
	}
	cost_read(m->cost_kind, m->cost, &p->cost);
	p->told = p->cost;
	cands_add(q, c, p);
}

/* Steps 5 to 7 and 10. */
static void
revise_paths(struct qspn *q, struct arc *a, const struct peer_etp *m, struct cands *c)
{
	struct fpref **fp = scratch_take(&q->scratch, (m->reports.n + 1U) * sizeof(fp[0]));

	if (fp == NULL) {
		q->failed = true;
		return;
	}
	memset(fp, 0, m->reports.n * sizeof(fp[0]));
	for (size_t i = 0; i < m->paths.n && !q->failed; i++) {
		const struct peer_path *p = &m->paths.v[i];
		struct fpref **f = &fp[p->fp];

		if ((p->ignore >> a->at.level & 1) != 0)
			continue;
		if (*f == NULL) {
			struct fingerprint g = fingerprint_read(q->levels, &m->reports.v[p->fp]);

			*f = fps_take(&q->fps, &g);
		}
		if (*f == NULL)
			q->failed = true;
		else
			revise_path(q, a, p, *f, c);
	}
	for (size_t i = 0; i < m->reports.n; i++)
		if (fp[i] != NULL)
			fps_drop(&q->fps, fp[i]);
}

/* Those through a coordinate that the neighbour has given up are retired, whatever is told of them. */
static bool
is_marked(const struct path *p, const struct arc *a, uint32_t sum)
{
	return p->arc == a && p->n > 1 && coord_equal(p->hops[0].to, a->at) &&
	    path_sum(p, 1) == sum;
}

/* The path known through A that M means, NULL when there is none (any more). */
static const struct path *
marked(const struct qspn *q, const struct arc *a, const struct peer_mark *m)
{
	struct coord to = hop_read(&m->to);
	const struct dest *d = map_find(q, to);

	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (is_marked(d->v[i], a, m->sum))
			return d->v[i];
	for (size_t i = spare_first(q, to); i < q->n_spares; i++) {
		if (!coord_equal(path_end(q->spare[i]), to))
			break;
		if (is_marked(q->spare[i], a, m->sum))
			return q->spare[i];
	}
	return NULL;
}

/* A28: what is told of paths by their marks. */
static void
revise_marks(struct qspn *q, const struct arc *a, const struct peer_etp *m, struct cands *c)
{
	for (size_t i = 0; i < m->gone.n; i++) {
		const struct path *p = marked(q, a, &m->gone.v[i]);

		if (p != NULL)
			cands_dead(q, c, p);
	}
	for (size_t i = 0; i < m->insides.n; i++) {
		const struct path *p = marked(q, a, &m->insides.v[i].path);

		if (p != NULL)
			cands_nodes(q, c, p, m->insides.v[i].nodes);
	}
}

/* Step 8: the path to the sender itself. */
static void
intrinsic(struct qspn *q, struct arc *a, const struct peer_etp *m, struct cands *c)
{
	size_t i = m->fps.n == 1 ? 0 : a->at.level;
	struct fingerprint g = fingerprint_read(q->levels, &m->fps.v[i]);
	struct fpref *fp = fps_take(&q->fps, &g);

	if (fp == NULL) {
		q->failed = true;
		return;
	}
	cands_add(q, c, path_start(q, a, 1, fp, m->nodes.v[i]));
	fps_drop(&q->fps, fp);
}

/* Steps 3 and 4: the ETP's own hops, grouped; false when we are among them. */
static bool
revise_hops(const struct qspn *q, const struct arc *a, const struct peer_hop_list *m,
    struct coord *hops, size_t *n)
{
	bool acyclic = true;

	*n = 0;
	hops[(*n)++] = a->at;
	for (size_t i = outside(m->v, m->n, a->at.level); i < m->n; i++) {
		hops[*n] = hop_read(&m->v[i]);
		acyclic = acyclic && !is_us(q, hops[*n]);
		(*n)++;
	}
	return acyclic;
}

bool
revise(struct qspn *q, struct arc *a, const struct peer_etp *m, const struct naddr *sender,
    struct cands *c, struct coord *hops, size_t *n_hops)
{
	arc_learn_peer(q, a, sender, m->full, c);
	if (!revise_hops(q, a, &m->hops, hops, n_hops)) {
		if (!amended(q, QSPN_A2_CYCLIC))
			return false;
		*n_hops = 1;
	}
	/* The dead copies come first: of equal paths the last one counts. */
	if (m->full)
		retire(q, a, NULL, c);
	revise_marks(q, a, m, c);
	revise_paths(q, a, m, c);
	intrinsic(q, a, m, c);
	return true;
}
