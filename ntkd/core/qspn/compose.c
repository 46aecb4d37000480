/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Outgoing messages (spec/qspn 4.17): each is one piece of memory with everything it refers to. */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/int.h"

struct qspn_msg {
	uint32_t refs;
	struct peer_msg m;
};

struct qspn_msg *
qspn_msg_ref(struct qspn_msg *m)
{
	m->refs++;
	return m;
}

void
qspn_msg_unref(struct qspn_msg *m)
{
	if (--m->refs == 0)
		free(m);
}

const struct peer_msg *
qspn_msg_get(const struct qspn_msg *m)
{
	return &m->m;
}

/* Pieces taken from the memory behind a message. */
struct room {
	unsigned char *at;
};

static size_t
rounded(size_t size)
{
	return (size + 7) / 8 * 8;
}

static void *
room_take(struct room *r, size_t size)
{
	void *at = r->at;

	r->at += rounded(size);
	return at;
}

static struct qspn_msg *
message(struct qspn *q, uint8_t type, size_t more, struct room *r)
{
	struct qspn_msg *m = malloc(rounded(sizeof(*m)) + more);

	if (m == NULL) {
		q->failed = true;
		return NULL;
	}
	memset(m, 0, sizeof(*m));
	m->refs = 1;
	m->m.type = type;
	r->at = (unsigned char *)m + rounded(sizeof(*m));
	return m;
}

/* --- ignore_outside --------------------------------------------------------- */

/* Is the cheapest stored path to hop J of P by the arc that enters it the beginning of P? */
static bool
is_best_exit(const struct qspn *q, const struct path *p, size_t j)
{
	const struct dest *d = map_find(q, p->hops[j].to);
	const struct path *best = NULL;

	for (size_t i = 0; d != NULL && i < d->n; i++) {
		const struct path *b = d->v[i];

		if (!b->held && b->hops[b->n - 1].id == p->hops[j].id &&
		    (best == NULL || path_total(b) < path_total(best)))
			best = b;
	}
	if (best == NULL)
		return true;
	if (best->n != j + 1)
		return false;
	for (size_t i = 0; i <= j; i++)
		if (!coord_equal(best->hops[i].to, p->hops[i].to) ||
		    best->hops[i].id != p->hops[i].id)
			return false;
	return true;
}

/* The part of P outside our g-node of LEVEL: index of its first hop. */
static size_t
outside(const struct path *p, unsigned level)
{
	size_t j = 0;

	while (p->hops[j].to.level < level)
		j++;
	return j;
}

bool
look_same(const struct path *a, const struct path *b, unsigned level)
{
	size_t i = outside(a, level), j = outside(b, level);

	if (a->n - i != b->n - j)
		return false;
	for (; i < a->n; i++, j++)
		if (a->hops[i].id != b->hops[j].id || !coord_equal(a->hops[i].to, b->hops[j].to))
			return false;
	return true;
}

/* Spec 4.17 as it is: P is of use outside when it begins with the best way to its exit. */
static uint32_t
ignore_exits(const struct qspn *q, const struct path *p)
{
	unsigned end = path_end(p).level;
	uint32_t ignore = 0;
	size_t j = 0;
	bool bit = false;

	for (unsigned i = 1; i <= end; i++) {
		size_t was = j;

		j = outside(p, i);
		/* An arc of ours leads nowhere but to its own end: there is no better way to it. */
		if (j > 0 && j != was)
			bit = !is_best_exit(q, p, j);
		if (bit)
			ignore |= UINT32_C(1) << i;
	}
	return ignore;
}

/*
 * A26: is one stored before P, which therefore is no dearer, P itself to those outside our
 * g-node of LEVEL?  Of one that is gone: any.
 *
 * The rule of the specification compares P with the best way to its exit.  That may be a way which
 * is not stored as the beginning of a path to P's destination: then all the paths to it are of
 * no use outside, and it is lost there.  And it changes with the paths to other destinations: a
 * path that was told and is of no use any more was withdrawn by messages that its former users
 * were to ignore.  Of those that look the same from outside the first is always told; while it
 * is, what the others do is nobody's business, and when it goes or gets worse they are told (A1).
 */
static bool
is_surpassed(const struct qspn *q, const struct path *p, unsigned level)
{
	const struct dest *d = map_find(q, path_end(p));

	for (size_t i = 0; d != NULL && i < d->n && d->v[i] != p; i++)
		if (!d->v[i]->held && look_same(d->v[i], p, level))
			return true;
	return false;
}

static uint32_t
ignore_alike(const struct qspn *q, const struct path *p)
{
	unsigned end = path_end(p).level;
	uint32_t ignore = 0;

	for (unsigned i = 1; i <= end; i++)
		if (outside(p, i) > 0 && is_surpassed(q, p, i))
			ignore |= UINT32_C(1) << i;
	return ignore;
}

uint32_t
ignore_outside(const struct qspn *q, const struct path *p)
{
	uint32_t ignore = amended(q, QSPN_A26_OUTSIDE) ? ignore_alike(q, p) : ignore_exits(q, p);

	/* What is inside is nobody's business outside. */
	for (unsigned i = path_end(p).level + 1U; i < q->levels; i++)
		ignore |= UINT32_C(1) << i;
	return ignore;
}

struct item
item_make(const struct qspn *q, struct path *p)
{
	struct path *now = p->stored ? p : map_same(q, p);

	/* What nobody shall hear of yet is not there for them. */
	if (now == NULL || now->held)
		return (struct item){ .p = p, .dead = true, .ignore = ignore_outside(q, p) };
	return (struct item){ .p = now, .dead = path_total(now) == COST_DEAD,
	    .ignore = ignore_outside(q, now) };
}

bool
has_mark(const struct qspn *q, const struct arc *to, const struct path *p)
{
	const struct dest *d = map_find(q, path_end(p));
	unsigned level = to->at.level;
	uint32_t sum = path_sum(p, outside(p, level));

	for (size_t i = 0; d != NULL && i < d->n; i++) {
		const struct path *b = d->v[i];

		if (b != p && path_sum(b, outside(b, level)) == sum && !look_same(b, p, level))
			return false;
	}
	return to->known;
}

bool
item_for(const struct item *i, struct coord at)
{
	return !path_has(i->p, at) && path_end(i->p).level >= at.level &&
	    (i->ignore >> at.level & 1) == 0;
}

/* --- parts of messages --------------------------------------------------------- */

static size_t
addr_room(const struct qspn *q)
{
	return rounded(q->levels) + rounded(q->levels * sizeof(uint32_t));
}

static struct peer_addr
addr_write(const struct qspn *q, struct room *r)
{
	uint8_t *gexp = room_take(r, q->levels);
	uint32_t *pos = room_take(r, q->levels * sizeof(*pos));
	uint16_t n = (uint16_t)q->levels;

	memcpy(gexp, q->topo->gexp, q->levels);
	memcpy(pos, q->me.pos, q->levels * sizeof(*pos));
	return (struct peer_addr){ .gexp = { gexp, n }, .pos = { pos, n } };
}

static size_t
fp_room(const struct qspn *q)
{
	return q->levels * sizeof(int32_t) + 8;		/* two lists, each rounded up */
}

static struct peer_fp
fp_write(const struct fingerprint *f, struct room *r)
{
	uint16_t n_eld = (uint16_t)(f->levels - f->level);
	int32_t *eld = room_take(r, n_eld * sizeof(*eld));
	int32_t *seed = room_take(r, f->level * sizeof(*seed));

	memcpy(eld, f->v, n_eld * sizeof(*eld));
	memcpy(seed, f->v + n_eld, f->level * sizeof(*seed));
	return (struct peer_fp){ .id = f->id, .level = f->level, .eld = { eld, n_eld },
	    .seed = { seed, f->level } };
}

/* Our g-nodes: all, or the one that the neighbour behind TO sees. */
static void
own_write(const struct qspn *q, const struct arc *to, struct peer_etp *m, struct room *r)
{
	unsigned first = to == NULL ? 0 : to->at.level, n = to == NULL ? q->levels : 1;
	struct peer_fp *fps = room_take(r, n * sizeof(*fps));
	uint32_t *nodes = room_take(r, n * sizeof(*nodes));

	for (unsigned i = 0; i < n; i++)
		fps[i] = fp_write(&q->fp[first + i], r);
	memcpy(nodes, q->nodes + first, n * sizeof(*nodes));
	m->fps.v = fps;
	m->nodes.v = nodes;
	m->fps.n = m->nodes.n = (uint16_t)n;
}

static size_t
own_room(const struct qspn *q)
{
	return rounded(q->levels * sizeof(struct peer_fp)) +
	    rounded(q->levels * sizeof(uint32_t)) + q->levels * fp_room(q);
}

static void
hops_write(const struct coord *hops, size_t n, struct peer_etp *m, struct room *r)
{
	struct peer_hop *v = room_take(r, n * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = (struct peer_hop){ .level = hops[i].level, .pos = hops[i].pos };
	m->hops.v = v;
	m->hops.n = (uint16_t)n;
}

/* Numbers the fingerprints that the items refer to; how many there are. */
static size_t
reports_number(const struct item *v, size_t n)
{
	size_t n_fps = 0;

	for (size_t i = 0; i < n; i++)
		if (!v[i].brief && !v[i].p->fp->listed) {
			v[i].p->fp->listed = true;
			v[i].p->fp->index = (uint16_t)n_fps++;
		}
	return n_fps;
}

static void
reports_write(const struct item *v, size_t n, size_t n_fps, struct peer_etp *m, struct room *r)
{
	struct peer_fp *fps = room_take(r, n_fps * sizeof(*fps));

	for (size_t i = 0; i < n; i++) {
		struct fpref *f = v[i].p->fp;

		if (f->listed)
			fps[f->index] = fp_write(&f->f, r);
		f->listed = false;
	}
	m->reports.v = fps;
	m->reports.n = (uint16_t)n_fps;
}

static size_t
path_room(const struct path *p)
{
	return rounded(p->n * sizeof(struct peer_hop)) + rounded(p->n * sizeof(uint32_t));
}

static void
path_write(const struct item *i, struct peer_path *m, struct room *r)
{
	const struct path *p = i->p;
	struct peer_hop *hops = room_take(r, p->n * sizeof(*hops));
	uint32_t *arcs = room_take(r, p->n * sizeof(*arcs));

	for (size_t j = 0; j < p->n; j++) {
		hops[j].level = p->hops[j].to.level;
		hops[j].pos = p->hops[j].to.pos;
		arcs[j] = p->hops[j].id;
	}
	*m = (struct peer_path){ .hops = { hops, p->n }, .arcs = { arcs, p->n }, .fp = p->fp->index,
	    .nodes = p->nodes, .ignore = i->ignore };
	cost_write(i->dead ? COST_DEAD : path_total(p), &m->cost_kind, &m->cost);
}

/* I is told: where it is of use, the others that look the same are not what is known there any more. */
static void
note_told(const struct qspn *q, const struct item *i)
{
	const struct dest *d = map_find(q, path_end(i->p));
	unsigned end = path_end(i->p).level;

	i->p->spoken = true;
	i->p->told_at = ~i->ignore;
	for (size_t k = 0; end > 0 && d != NULL && k < d->n; k++) {
		if (d->v[k] == i->p || !look_same(d->v[k], i->p, end))
			continue;
		for (unsigned l = 1; l <= end; l++)
			if ((i->ignore >> l & 1) == 0 && look_same(d->v[k], i->p, l))
				d->v[k]->told_at &= ~(UINT32_C(1) << l);
	}
}

static void
paths_write(const struct qspn *q, const struct item *v, size_t n, struct peer_etp *m,
    struct room *r)
{
	struct peer_path *paths = room_take(r, n * sizeof(*paths));
	uint16_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i].brief)
			continue;
		path_write(&v[i], &paths[k++], r);
		note_told(q, &v[i]);
	}
	m->paths.v = paths;
	m->paths.n = k;
}

static struct peer_mark
mark_of(const struct path *p, unsigned level)
{
	struct coord to = path_end(p);

	return (struct peer_mark){ { to.level, to.pos }, path_sum(p, outside(p, level)) };
}

/* What the neighbour behind TO knows, and is told by marks; nothing without one (A28). */
static void
marks_write(const struct arc *to, const struct item *v, size_t n, struct peer_etp *m,
    struct room *r)
{
	struct peer_inside *insides = room_take(r, n * sizeof(*insides));
	struct peer_mark *gone = room_take(r, n * sizeof(*gone));
	uint16_t n_insides = 0, n_gone = 0;

	for (size_t i = 0; i < n && to != NULL; i++) {
		struct peer_mark mark;

		if (!v[i].brief)
			continue;
		mark = mark_of(v[i].p, to->at.level);
		if (v[i].dead)
			gone[n_gone++] = mark;
		else
			insides[n_insides++] = (struct peer_inside){ mark, v[i].p->nodes };
	}
	m->insides.v = insides;
	m->insides.n = n_insides;
	m->gone.v = gone;
	m->gone.n = n_gone;
}

/* --- messages ----------------------------------------------------------------- */

static size_t
etp_room(const struct qspn *q, size_t n_hops, const struct item *v, size_t n, size_t n_fps)
{
	size_t room = addr_room(q) + own_room(q) + rounded(n_hops * sizeof(struct peer_hop)) +
	    rounded(n_fps * sizeof(struct peer_fp)) + n_fps * fp_room(q) +
	    rounded(n * sizeof(struct peer_path)) + rounded(n * sizeof(struct peer_inside)) +
	    rounded(n * sizeof(struct peer_mark));

	for (size_t i = 0; i < n; i++)
		room += path_room(v[i].p);
	return room;
}

static struct qspn_msg *
compose(struct qspn *q, const struct arc *to, bool full, const struct coord *hops, size_t n_hops,
    const struct item *v, size_t n)
{
	size_t n_fps = reports_number(v, n);
	struct room r;
	struct qspn_msg *m = message(q, PEER_etp, etp_room(q, n_hops, v, n, n_fps), &r);
	struct peer_etp *e;

	if (m == NULL) {
		for (size_t i = 0; i < n; i++)
			v[i].p->fp->listed = false;
		return NULL;
	}
	e = &m->m.etp;
	e->incarnation = q->incarnation;
	e->seq = ++q->seq;
	e->full = full;
	e->sender = addr_write(q, &r);
	own_write(q, to, e, &r);
	hops_write(hops, n_hops, e, &r);
	reports_write(v, n, n_fps, e, &r);
	paths_write(q, v, n, e, &r);
	marks_write(to, v, n, e, &r);
	return m;
}

struct qspn_msg *
compose_etp(struct qspn *q, bool full, const struct coord *hops, size_t n_hops,
    const struct item *v, size_t n)
{
	return compose(q, NULL, full, hops, n_hops, v, n);
}

struct qspn_msg *
compose_change(struct qspn *q, const struct arc *to, const struct item *v, size_t n)
{
	return compose(q, to->known ? to : NULL, false, NULL, 0, v, n);
}

/* Everything stored, or what A may use (spec 4.6). */
static struct qspn_msg *
compose_stored(struct qspn *q, const struct arc *a, const struct coord *hops, size_t n_hops)
{
	struct item *v = scratch_take(&q->scratch, (q->n_paths + 1) * sizeof(*v));
	size_t n = 0;

	if (v == NULL) {
		q->failed = true;
		return NULL;
	}
	for (unsigned l = a == NULL ? 0 : a->at.level; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			const struct dest *d = q->level[l].v[i];

			for (size_t j = 0; j < d->n; j++)
				if (!d->v[j]->held && (a == NULL || !path_has(d->v[j], a->at)))
					v[n++] = item_make(q, d->v[j]);
		}
	return compose_etp(q, true, hops, n_hops, v, n);
}

struct qspn_msg *
compose_full(struct qspn *q, const struct coord *hops, size_t n_hops)
{
	return compose_stored(q, NULL, hops, n_hops);
}

struct qspn_msg *
compose_for(struct qspn *q, const struct arc *a)
{
	return compose_stored(q, a->known ? a : NULL, NULL, 0);
}

struct qspn_msg *
compose_plain(struct qspn *q, uint8_t type, uint8_t level)
{
	struct room r;
	struct qspn_msg *m = message(q, type, 0, &r);

	if (m != NULL && type == PEER_prepare_destroy)
		m->m.prepare_destroy.level = level;
	return m;
}

struct qspn_msg *
compose_request(struct qspn *q)
{
	struct room r;
	struct qspn_msg *m = message(q, PEER_full_request, addr_room(q), &r);

	if (m != NULL)
		m->m.full_request.requester = addr_write(q, &r);
	return m;
}
