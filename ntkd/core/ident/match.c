/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A neighbour's duplication, as the one that is asked (spec 8.11, 8.12, 11.3).  A request waits
 * here until it may be answered, and is then answered in one step with all that it changes.
 */

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/ident/int.h"

enum verdict {
	VERDICT_NOW,
	VERDICT_LATER,
	VERDICT_BUSY,		/* what it waits for may be waiting for its end */
	VERDICT_REFUSED,	/* a limit */
};

/* --- when (rules Q1 to Q3) ----------------------------------------------------------- */

static bool
has_peer(const struct request *q, uint32_t id)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->peers[i] == id)
			return true;
	return false;
}

/*
 * Q1: the neighbour has answered ours, for it knows our new identity, and its answer is still
 * under way.  Q2: of two that cross, the one of the smaller migration comes first.
 */
static bool
must_wait_for_ours(const struct arc *a, const struct request *q)
{
	for (size_t i = 0; i < a->n_exchanges; i++) {
		const struct record *r = a->exchange[i]->rec;

		if (a->exchange[i]->state != EXCHANGE_SENT)
			continue;
		if (r->migration < q->migration)
			return true;
		if (has_peer(q, r->made->id) && id_iarc_find(a, r->made, q->old) == NULL)
			return true;
	}
	return false;
}

static bool
is_asked_for(const struct iarc *i, const struct request *q)
{
	return i->peer == q->old && i->closing < CLOSING_TOLD;
}

/*
 * Q3.  An identity that takes part but cannot begin, because it is busy with another
 * duplication, could keep both systems waiting for each other: the neighbour shall end its call
 * and ask again.
 */
static enum verdict
judge_part(const struct ident *x, const struct iarc *i, const struct request *q)
{
	const struct record *r = id_record_find(x, q->migration, i->id);

	if (r == NULL || id_record_is_ready(r))
		return VERDICT_NOW;
	if (r->state == IDENT_PREPARED && id_identity_is_busy(x, i->id))
		return VERDICT_BUSY;
	return VERDICT_LATER;
}

static enum verdict
judge(const struct ident *x, const struct arc *a, const struct request *q)
{
	enum verdict v = VERDICT_NOW;

	if (must_wait_for_ours(a, q))
		return VERDICT_LATER;
	for (size_t i = 0; i < a->n && v == VERDICT_NOW; i++)
		if (is_asked_for(a->iarc[i], q))
			v = judge_part(x, a->iarc[i], q);
	for (size_t i = 0; i < a->n && v == VERDICT_NOW; i++)
		if (is_asked_for(a->iarc[i], q) &&
		    id_record_find(x, q->migration, a->iarc[i]->id) == NULL &&
		    id_iarc_find(a, a->iarc[i]->id, q->made) == NULL &&
		    !id_iarc_has_room(x, a, a->iarc[i]->id))
			v = VERDICT_REFUSED;
	return v;
}

/* --- what (rule Q4) --------------------------------------------------------------------- */

static void
participates(struct iarc *i, const struct record *r, struct peer_match *e)
{
	const struct ident_nic *nic = &i->id->nic[i->arc->dev];

	i->asked = r->migration;
	e->status = PEER_MATCH_MOVED;
	e->made = r->made->id;
	memcpy(e->mac, nic->mac.b, sizeof(e->mac));
	e->linklocal = nic->linklocal;
}

/*
 * The neighbour's old identity moved, ours did not (spec 8.12): its new one is where the old
 * one was. Where the new place cannot be ours, we are joined with the new one alone.
 */
static void
follow(struct ident *x, struct iarc *i, const struct request *q, struct peer_match *e)
{
	struct arc *a = i->arc;
	struct identity *id = i->id;
	const ntk_mac_t mac = i->mac;
	const ntk_ip_t linklocal = i->linklocal;
	const uint32_t place_of = i->number;

	e->status = PEER_MATCH_STAYED;
	if (id_iarc_find(a, id, q->made) != NULL)
		return;
	x->stats.neighbour_duplications++;
	if (id_iarc_fits(x, a, id, q->mac, q->linklocal, NULL)) {
		id_iarc_set(x, i, q->mac, q->linklocal, true);
	} else {
		x->stats.dropped++;
		e->status = PEER_MATCH_DROPPED;
		id_iarc_drop(x, i);
	}
	i = id_iarc_make(x, a, id, q->made, mac, linklocal);
	if (i == NULL)
		return;
	i->place_of = place_of;
	if (!id->leaving)
		id_act_iarc(x, IDENT_IARC_ADDED, i);
}

/* The identity with the lowest index from FROM on that is asked about; NULL: none. */
static struct iarc *
next_asked(const struct arc *a, const struct request *q, uint32_t from)
{
	struct iarc *best = NULL;

	for (size_t i = 0; i < a->n; i++)
		if (is_asked_for(a->iarc[i], q) && a->iarc[i]->id->index >= from &&
		    (best == NULL || a->iarc[i]->id->index < best->id->index))
			best = a->iarc[i];
	return best;
}

static bool
has_match(const struct peer_match *v, uint16_t n, uint32_t peer)
{
	for (uint16_t i = 0; i < n; i++)
		if (v[i].peer == peer)
			return true;
	return false;
}

static void
answer(struct ident *x, struct arc *a, const struct request *q)
{
	struct peer_match *v;
	struct peer_msg *m;
	struct iarc *i;
	uint32_t from = 0;
	uint16_t n = 0;
	void *where;

	m = id_message(x, PEER_matched, 2 * PEER_IDENTITIES * sizeof(*v), &where);
	if (m == NULL)
		return;
	v = where;
	id_principal_moved(a, q->old, q->made);
	while (n < PEER_IDENTITIES && (i = next_asked(a, q, from)) != NULL) {
		const struct record *r = id_record_find(x, q->migration, i->id);

		from = i->id->index + 1;
		v[n].peer = i->id->id;
		if (r != NULL)
			participates(i, r, &v[n]);
		else if (i->closing != CLOSING_LOST)	/* else it is as good as unknown */
			follow(x, i, q, &v[n]);
		n++;
	}
	for (size_t p = 0; p < q->n; p++)
		if (!has_match(v, n, q->peers[p]))
			v[n++] = (struct peer_match){ .peer = q->peers[p] };
	m->matched.matches.v = v;
	m->matched.matches.n = n;
	id_act_result(x, a->number, q->call, m);
}

/* --- requests ------------------------------------------------------------------------- */

static void
request_end(struct arc *a, size_t i)
{
	free(a->request[i]);
	memmove(&a->request[i], &a->request[i + 1],
	    (a->n_requests - i - 1) * sizeof(struct request *));
	a->n_requests--;
}

/* True when the I-th request of A is over. */
static bool
resume(struct ident *x, struct arc *a, size_t i)
{
	struct request *q = a->request[i];

	switch (judge(x, a, q)) {
	case VERDICT_NOW:
		answer(x, a, q);
		break;
	case VERDICT_BUSY:
		id_act_error(x, a->number, q->call, PEER_E_BUSY);
		break;
	case VERDICT_REFUSED:
		id_act_error(x, a->number, q->call, PEER_E_NOT_ACCEPTED);
		break;
	case VERDICT_LATER:
		x->stats.deferred += !q->counted;
		q->counted = true;
		return false;
	}
	request_end(a, i);
	return true;
}

/* An answer may be what another one waits for: from the first again. */
static void
resume_all(struct ident *x, struct arc *a)
{
	size_t i = 0;

	while (i < a->n_requests && !x->failed)
		i = resume(x, a, i) ? 0 : i + 1;
}

void
id_match_resume(struct ident *x)
{
	for (size_t i = 0; i < x->n_arcs; i++)
		if (!x->arc[i]->broken)
			resume_all(x, x->arc[i]);
}

static struct request *
request_make(struct ident *x, struct arc *a, uint32_t call, const struct peer_match_duplication *m)
{
	struct request **v = id_room(x, a->request, a->n_requests, &a->requests_size, sizeof(*v));
	struct request *q = calloc(1, sizeof(*q) + m->peers.n * sizeof(uint32_t));

	if (v != NULL)
		a->request = v;
	if (v == NULL || q == NULL) {
		x->failed = true;
		free(q);
		return NULL;
	}
	v[a->n_requests++] = q;
	q->call = call;
	q->migration = m->migration;
	q->old = m->old;
	q->made = m->made;
	memcpy(q->mac.b, m->mac, sizeof(q->mac.b));
	q->linklocal = m->linklocal;
	q->wait_at = x->now + x->p->wait;
	q->n = m->peers.n;
	memcpy(q->peers, m->peers.v, q->n * sizeof(uint32_t));
	return q;
}

/* It is answered, if it can be, by id_call_end(). */
void
id_match_asked(struct ident *x, struct arc *a, uint32_t call,
    const struct peer_match_duplication *m)
{
	if (m->old == m->made || !linklocal_is_usable(m->linklocal) ||
	    m->peers.n > PEER_IDENTITIES)
		id_act_error(x, a->number, call, PEER_E_MALFORMED);
	else if (a->broken)
		id_match_unknown(x, a->number, call, m);
	else if (a->n_requests >= x->p->max_deferred)
		id_act_error(x, a->number, call, PEER_E_BUSY);
	else
		request_make(x, a, call, m);
}

/* Over an arc that we do not know (any more): never a reason to call it broken (spec 14.5). */
void
id_match_unknown(struct ident *x, uint32_t arc, uint32_t call,
    const struct peer_match_duplication *m)
{
	size_t n = m->peers.n <= PEER_IDENTITIES ? m->peers.n : PEER_IDENTITIES;
	struct peer_msg *r;
	struct peer_match *v;
	void *where;

	r = id_message(x, PEER_matched, n * sizeof(*v), &where);
	if (r == NULL)
		return;
	v = where;
	for (size_t i = 0; i < n; i++)
		v[i].peer = m->peers.v[i];
	r->matched.matches.v = v;
	r->matched.matches.n = (uint16_t)n;
	id_act_result(x, arc, call, r);
}

void
id_match_tick(struct ident *x, struct arc *a)
{
	for (size_t i = 0; i < a->n_requests; i++) {
		struct request *q = a->request[i];
		struct ident_action *w;

		if (x->now < q->wait_at)
			continue;
		q->wait_at = x->now + x->p->wait;
		w = id_act(x, IDENT_WAIT);
		w->arc = a->number;
		w->call = q->call;
	}
}
