/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to identities: spec/qspn 3.8 to 3.13. */
#include "ntkd/core/qspn/int.h"

static bool
touches_us(const struct qspn *q, const struct path *p, const void *arg)
{
	(void)arg;
	return path_touches_us(q, p);
}

/* Members of our g-node of LEVEL make the same change: what they report is rewritten here. */
static void
rewrite_path(struct qspn *q, struct path *p, unsigned level, int32_t eld)
{
	struct fingerprint f = p->fp->f;
	struct fpref *r;

	fingerprint_set_eld(&f, level - f.level, eld);
	r = fps_take(&q->fps, &f);
	if (r == NULL) {
		q->failed = true;
		return;
	}
	fps_drop(&q->fps, p->fp);
	p->fp = r;
}

static void
rewrite_elderships(struct qspn *q, unsigned level, int32_t eld)
{
	for (unsigned l = 0; l < level; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			struct dest *d = q->level[l].v[i];

			for (size_t j = 0; j < d->n; j++)
				rewrite_path(q, d->v[j], level, eld);
			dest_refresh(q, d);
		}
	for (size_t i = 0; i < q->n_spares; i++)
		if (path_end(q->spare[i]).level < level)
			rewrite_path(q, q->spare[i], level, eld);
}

/* Our position at LEVEL, and that of the neighbours who share it, becomes POS. */
static void
move(struct qspn *q, unsigned level, uint32_t pos, int32_t eld)
{
	q->notice = (struct coord){ (uint8_t)level, q->me.pos[level] };
	for (size_t i = 0; i < q->n_arcs; i++)
		if (q->arc[i]->known && q->arc[i]->at.level < level)
			q->arc[i]->peer.pos[level] = pos;
	q->me.pos[level] = pos;
	fingerprint_set_eld(&q->fp[0], level, eld);
	arcs_recoord(q);
	rewrite_elderships(q, level, eld);
	if (amended(q, QSPN_A6_RETIRE))
		map_drop(q, touches_us, NULL);
	own_refresh(q);
	/* Those inside see the same; those outside get the notice. */
	q->news.own = false;
	news_publish(q, NULL, NULL, 0);
	if (q->prepared == level + 1)
		timer_set(q, TIMER_OPERATION, 10 * SECOND);
	if (is_bootstrapped(q))
		timer_set(q, TIMER_NOTICE, 50 * MS);
}

static bool
is_outside_notice(const struct qspn *q, const struct arc *a)
{
	return a->known && (a->at.level > q->notice.level ||
	    (a->at.level == q->notice.level && a->at.pos != q->notice.pos));
}

void
identity_notice(struct qspn *q)
{
	struct coord at = q->notice;
	struct qspn_msg *m = amended(q, QSPN_A6_RETIRE) ? compose_full(q, &at, 1) :
	    compose_etp(q, false, &at, 1, NULL, 0);

	if (m == NULL)
		return;
	for (size_t i = 0; i < q->n_arcs; i++)
		if (is_outside_notice(q, q->arc[i]))
			send_etp(q, q->arc[i], m);
	qspn_msg_unref(m);
}

void
qspn_operation_prepared(struct qspn *q, uint64_t now, unsigned level)
{
	if (q->failed || level >= q->levels)
		return;
	q->now = now;
	q->prepared = level + 1;
	timer_set(q, TIMER_OPERATION, 60 * SECOND);
	deadline_refresh(q);
}

bool
qspn_make_connectivity(struct qspn *q, uint64_t now, unsigned from, unsigned to, uint32_t pos,
    struct qspn_out *out)
{
	struct coord new_ = { (uint8_t)(from - 1), pos };

	if (q->failed || from < 1 || from > to || to > q->levels || pos > TOPO_POS_MAX ||
	    !naddr_real(q->topo, &q->me, from - 1, q->levels) || !is_virtual(q, new_) ||
	    q->n_ranges == TOPO_LEVELS)
		return false;
	call_begin(q, now, out);
	q->ranges[q->n_ranges++] = (struct range){ (uint8_t)from, (uint8_t)to };
	move(q, from - 1, pos, FP_NULL);
	call_end(q);
	return true;
}

bool
qspn_make_real(struct qspn *q, uint64_t now, unsigned level, uint32_t pos, int32_t eldership,
    struct qspn_out *out)
{
	struct coord new_ = { (uint8_t)level, pos };

	if (q->failed || level >= q->levels || naddr_real_at(q->topo, &q->me, level) ||
	    pos > TOPO_POS_MAX || is_virtual(q, new_) || map_find(q, new_) != NULL || eldership < 0)
		return false;
	call_begin(q, now, out);
	move(q, level, pos, eldership);
	call_end(q);
	return true;
}

/* --- arcs that are not needed any more ------------------------------------------------- */

/* Gives up the arcs for which IS_OUT is true. */
static void
shed(struct qspn *q, bool (*is_out)(const struct qspn *q, const struct arc *a, unsigned level),
    unsigned level, void (*leave)(struct qspn *q, struct arc *a))
{
	for (size_t i = 0; i < q->n_arcs && !q->failed; )
		if (is_out(q, q->arc[i], level))
			leave(q, q->arc[i]);
		else
			i++;
}

static bool
is_outer(const struct qspn *q, const struct arc *a, unsigned to)
{
	return a->known ? a->at.level >= to : q->now - a->since > q->p->arc_timeout;
}

static void
leave_asking(struct qspn *q, struct arc *a)
{
	arc_fail(q, a, false);
}

void
qspn_remove_outer_arcs(struct qspn *q, uint64_t now, struct qspn_out *out)
{
	if (q->failed || q->n_ranges == 0)
		return;
	call_begin(q, now, out);
	shed(q, is_outer, q->ranges[q->n_ranges - 1].to, leave_asking);
	call_end(q);
}

static bool
is_reached_from_level(const struct qspn *q, const struct arc *a, unsigned level)
{
	(void)q;
	return a->known && a->at.level >= level;
}

static bool
is_for_level(const struct qspn *q, const struct path *p, const void *level)
{
	(void)q;
	return path_end(p).level >= *(const unsigned *)level;
}

static void
forget_levels(struct qspn *q, unsigned level)
{
	map_drop(q, is_for_level, &level);
	own_refresh(q);
	news_forget(q);
}

void
qspn_exit_network(struct qspn *q, uint64_t now, unsigned level, struct qspn_out *out)
{
	if (q->failed || level >= q->levels)
		return;
	call_begin(q, now, out);
	forget_levels(q, level);
	for (size_t i = 0; i < q->n_arcs && is_bootstrapped(q); i++)
		if (!is_reached_from_level(q, q->arc[i], level))
			send_full(q, q->arc[i]);
	shed(q, is_reached_from_level, level, arc_shed);
	call_end(q);
}

/* --- may we go? (spec 3.11) --------------------------------------------------------------- */

/* The g-node of LEVEL by which P leaves ours of that level. */
static bool
exit_of(const struct path *p, unsigned level, struct coord *c)
{
	for (size_t i = 0; i < p->n && p->hops[i].to.level <= level; i++)
		if (p->hops[i].to.level == level) {
			*c = p->hops[i].to;
			return true;
		}
	return false;
}

static bool
has_path_through(const struct dest *d, struct coord y)
{
	for (size_t i = 0; i < d->n; i++)
		if (path_has(d->v[i], y))
			return true;
	return false;
}

/* Can every destination of levels I to J - 1 be reached through Y, but Y itself? */
static bool
all_reached_through(const struct qspn *q, unsigned i, unsigned j, struct coord y)
{
	for (unsigned l = i; l < j; l++)
		for (size_t k = 0; k < q->level[l].n; k++) {
			const struct dest *x = q->level[l].v[k];

			if (!coord_equal(x->at, y) && !has_path_through(x, y))
				return false;
		}
	return true;
}

/* Every g-node by which paths to D leave ours of level I must reach all the others. */
static bool
exits_suffice(const struct qspn *q, const struct dest *d, unsigned i, unsigned j)
{
	for (size_t k = 0; k < d->n; k++) {
		struct coord y;

		if (exit_of(d->v[k], i, &y) && !all_reached_through(q, i, j, y))
			return false;
	}
	return true;
}

static unsigned
largest_to(const struct qspn *q)
{
	unsigned to = 0;

	for (unsigned i = 0; i < q->n_ranges; i++)
		if (q->ranges[i].to > to)
			to = q->ranges[i].to;
	return to;
}

bool
qspn_check_connectivity(const struct qspn *q, unsigned from)
{
	unsigned i = from - 1, j = largest_to(q);

	if (from == 0)
		return false;
	while (i < j && q->level[i].n == 0)
		i++;
	for (unsigned l = i; l < j; l++)
		for (size_t k = 0; k < q->level[l].n; k++)
			if (!exits_suffice(q, q->level[l].v[k], i, j))
				return false;
	return true;
}

/* --- dismissal (spec 3.12 with A16) ---------------------------------------------------------- */

static void
send_plain(struct qspn *q, const struct arc *a, struct qspn_msg *m)
{
	act_message(q, QSPN_SEND, a->number, 0, qspn_msg_ref(m));
}

static bool
has_range(const struct qspn *q, unsigned from)
{
	for (unsigned i = 0; i < q->n_ranges; i++)
		if (q->ranges[i].from == from)
			return true;
	return false;
}

/* Once per identity: tells the other members, and goes a little later. */
static void
prepare_destroy(struct qspn *q, unsigned level, bool was_told)
{
	struct qspn_msg *m;
	bool alone = true;

	if (q->dismissing || !has_range(q, level + 1))
		return;
	q->dismissing = true;
	m = compose_plain(q, PEER_prepare_destroy, (uint8_t)level);
	for (size_t i = 0; i < q->n_arcs && m != NULL; i++)
		if (q->arc[i]->known && q->arc[i]->at.level < level) {
			send_plain(q, q->arc[i], m);
			alone = false;
		}
	if (m != NULL)
		qspn_msg_unref(m);
	timer_set(q, TIMER_REMOVE, alone && !was_told ? 0 : 10 * SECOND);
}

void
identity_told_to_go(struct qspn *q, const struct arc *a, unsigned level)
{
	if (a->known && a->at.level < level)
		prepare_destroy(q, level, true);
}

void
qspn_prepare_destroy(struct qspn *q, uint64_t now, unsigned level, struct qspn_out *out)
{
	if (q->failed)
		return;
	call_begin(q, now, out);
	prepare_destroy(q, level, false);
	call_end(q);
}

void
identity_remove(struct qspn *q)
{
	act(q, QSPN_REMOVE_IDENTITY);
}

void
qspn_destroy(struct qspn *q, uint64_t now, struct qspn_out *out)
{
	unsigned from, to;
	struct qspn_msg *m;

	if (q->failed)
		return;
	call_begin(q, now, out);
	qspn_range(q, &from, &to);
	m = compose_plain(q, PEER_destroy, 0);
	for (size_t i = 0; i < q->n_arcs && m != NULL; i++)
		if (from == 0 || !q->arc[i]->known || q->arc[i]->at.level + 1U >= from)
			send_plain(q, q->arc[i], m);
	if (m != NULL)
		qspn_msg_unref(m);
	call_end(q);
}
