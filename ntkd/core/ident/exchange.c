/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The exchange with the neighbour of an arc about an identity of ours that was duplicated, as the
 * caller (spec 8.10, 11.3).
 */

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/ident/int.h"

struct exchange *
id_exchange_find(const struct arc *a, const struct record *r)
{
	for (size_t i = 0; i < a->n_exchanges; i++)
		if (a->exchange[i]->rec == r)
			return a->exchange[i];
	return NULL;
}

bool
id_exchange_begin(struct ident *x, struct arc *a, struct record *r)
{
	struct exchange **v = id_room(x, a->exchange, a->n_exchanges, &a->exchanges_size,
	    sizeof(*v));
	struct exchange *e = calloc(1, sizeof(*e));

	if (v != NULL)
		a->exchange = v;
	if (v == NULL || e == NULL) {
		x->failed = true;
		free(e);
		return false;
	}
	e->rec = r;
	e->limit = e->cap = NEVER;
	v[a->n_exchanges++] = e;
	return true;
}

void
id_exchange_free(struct arc *a, struct exchange *e)
{
	size_t at = 0;

	while (a->exchange[at] != e)
		at++;
	memmove(&a->exchange[at], &a->exchange[at + 1],
	    (a->n_exchanges - at - 1) * sizeof(struct exchange *));
	a->n_exchanges--;
	free(e);
}

/* --- asking -------------------------------------------------------------------------- */

static bool
is_to_be_asked(const struct iarc *i, const struct record *r)
{
	return i->id == r->id && i->closing < CLOSING_TOLD && i->matched != r->migration;
}

/*
 * Fills PEERS with whom the neighbour is asked about; at most PEER_IDENTITIES, the rest is
 * asked next.
 */
static uint16_t
peers_ask(struct arc *a, const struct record *r, uint32_t *peers)
{
	uint16_t n = 0;

	for (size_t i = 0; i < a->n && n < PEER_IDENTITIES; i++) {
		if (!is_to_be_asked(a->iarc[i], r))
			continue;
		a->iarc[i]->sent = r->migration;
		peers[n++] = a->iarc[i]->peer;
	}
	return n;
}

static uint64_t
at_most(uint64_t when, uint64_t limit)
{
	return when < limit ? when : limit;
}

void
id_exchange_send(struct ident *x, struct arc *a, struct exchange *e)
{
	const struct record *r = e->rec;
	const struct ident_nic *nic = &r->id->nic[a->dev];
	struct peer_msg *m;
	uint16_t n;
	void *peers;

	if (a->broken) {
		id_exchange_failed(x, a, e);
		return;
	}
	m = id_message(x, PEER_match_duplication, PEER_IDENTITIES * sizeof(uint32_t), &peers);
	if (m == NULL)
		return;
	n = peers_ask(a, r, peers);
	if (n == 0) {
		free(m);
		id_exchange_free(a, e);
		return;
	}
	m->match_duplication = (struct peer_match_duplication){
		.migration = r->migration,
		.old = r->id->id,
		.made = r->made->id,
		.linklocal = nic->linklocal,
		.peers = { peers, n },
	};
	memcpy(m->match_duplication.mac, nic->mac.b, sizeof(m->match_duplication.mac));
	if (e->cap == NEVER)
		e->cap = x->now + x->p->exchange_cap;
	e->state = EXCHANGE_SENT;
	e->call = id_act_call(x, a->number, m, x->p->exchange);
	e->limit = at_most(x->now + x->p->exchange, e->cap);
}

static bool
leads_to_connectivity(const struct arc *a, const struct record *r)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->iarc[i]->id == r->id && a->iarc[i]->closing < CLOSING_TOLD &&
		    a->iarc[i]->linklocal != a->linklocal)
			return true;
	return false;
}

static bool
others_wait(const struct ident *x, const struct record *r)
{
	for (size_t i = 0; i < x->n_arcs && x->now < r->ready + x->p->ahead; i++)
		if (id_exchange_find(x->arc[i], r) != NULL && leads_to_connectivity(x->arc[i], r))
			return true;
	return false;
}

static void
release(struct ident *x, const struct record *r)
{
	bool wait = others_wait(x, r);

	for (size_t i = 0; i < x->n_arcs; i++) {
		struct exchange *e = id_exchange_find(x->arc[i], r);

		if (e == NULL || e->state != EXCHANGE_HELD)
			continue;
		if (wait && !leads_to_connectivity(x->arc[i], r))
			e->limit = r->ready + x->p->ahead;
		else
			id_exchange_send(x, x->arc[i], e);
	}
}

/*
 * Whoever is asked turns to where the old identity is now, which from then on sends to all its neighbours from
 * there.  A main identity forwards what comes from anywhere, one for connectivity only what comes from where it
 * knows its neighbours: it has to know first.
 */
void
id_exchange_release(struct ident *x)
{
	for (size_t i = 0; i < x->n_recs; i++)
		if (x->rec[i]->state == IDENT_EXCHANGING)
			release(x, x->rec[i]);
}

/* --- what became of one identity-arc ---------------------------------------------------- */

/*
 * The copy of W0 for the new identity, with PEER at the other end and what W0 had until now.
 * NULL when that cannot be.
 */
static struct iarc *
copy(struct ident *x, struct record *r, struct iarc *w0, uint32_t peer)
{
	uint32_t next = r->made->next_iarc;
	struct iarc *w1;

	if (!id_iarc_has_room(x, w0->arc, r->made) ||
	    !id_iarc_fits(x, w0->arc, r->made, w0->mac, w0->linklocal, NULL)) {
		x->stats.dropped++;
		id_iarc_tell(x, w0->arc, r->made->id, peer);
		return NULL;
	}
	w1 = id_iarc_make(x, w0->arc, r->made, peer, w0->mac, w0->linklocal);
	/* Its index was kept free for it, unless W0 is younger than the duplication. */
	if (w1 != NULL && w0->copy_index != UINT32_MAX) {
		w1->index = w0->copy_index;
		r->made->next_iarc = next;
	}
	return w1;
}

/* The neighbour has identity-arcs with the old and with the new one. */
static void
stayed(struct ident *x, struct record *r, struct iarc *w0)
{
	struct iarc *w1;

	if (id_iarc_find(w0->arc, r->made, w0->peer) != NULL)
		return;
	w1 = copy(x, r, w0, w0->peer);
	if (w1 == NULL)
		return;
	w1->prev = w0->number;
	id_act_iarc(x, IDENT_IARC_ADDED, w1);
}

/* Theirs went through the same: old with old, where that is now, and new with new. */
static void
moved(struct ident *x, struct record *r, struct iarc *w0, const struct peer_match *e)
{
	ntk_mac_t mac;
	struct iarc *w1;

	memcpy(mac.b, e->mac, sizeof(mac.b));
	w0->part = r->migration;
	id_principal_moved(w0->arc, e->peer, e->made);
	if (id_iarc_find(w0->arc, r->made, e->made) == NULL) {
		w1 = copy(x, r, w0, e->made);
		if (w1 != NULL) {
			w1->prev = w0->number;
			w1->both = true;
			id_act_iarc(x, IDENT_IARC_ADDED, w1);
		}
	}
	if (w0->linklocal == e->linklocal && mac_cmp(w0->mac, mac) == 0)
		return;
	if (id_iarc_fits(x, w0->arc, w0->id, mac, e->linklocal, w0)) {
		id_iarc_set(x, w0, mac, e->linklocal, false);
	} else {
		/* They may not have formed theirs yet. */
		x->stats.dropped++;
		id_iarc_give_up(x, w0);
	}
}

/* They have the new one only: ours with the old one ends. */
static void
dropped(struct ident *x, struct record *r, struct iarc *w0)
{
	stayed(x, r, w0);
	x->stats.dropped++;
	id_iarc_drop(x, w0);
}

/*
 * They have none with the old one.  Where it was the principal one they have not asked yet who
 * is main: they will hear the new one.
 */
static void
unknown(struct ident *x, struct record *r, struct iarc *w0)
{
	struct arc *a = w0->arc;
	bool principal = r->made == x->main && w0->linklocal == a->linklocal &&
	    id_principal_find(x, a) == NULL;
	uint32_t peer = w0->peer;
	struct iarc *w1;

	id_iarc_drop(x, w0);
	if (!principal || id_iarc_find(a, r->made, peer) != NULL ||
	    !id_iarc_has_room(x, a, r->made) ||
	    !id_iarc_fits(x, a, r->made, a->mac, a->linklocal, NULL))
		return;
	w1 = id_iarc_make(x, a, r->made, peer, a->mac, a->linklocal);
	if (w1 != NULL)
		id_act_iarc(x, IDENT_IARC_ADDED, w1);
}

static void
match(struct ident *x, struct arc *a, struct record *r, const struct peer_match *e)
{
	struct iarc *w0 = id_iarc_find(a, r->id, e->peer);

	if (w0 == NULL) {
		/* They changed something that we do not have: a remainder of older times. */
		if (e->status != PEER_MATCH_STAYED && e->status != PEER_MATCH_DROPPED)
			return;
		if (e->status == PEER_MATCH_STAYED)
			id_iarc_tell(x, a, r->id->id, e->peer);
		if (id_iarc_find(a, r->made, e->peer) == NULL)
			id_iarc_tell(x, a, r->made->id, e->peer);
		return;
	}
	w0->matched = r->migration;
	switch (e->status) {
	case PEER_MATCH_UNKNOWN:
		unknown(x, r, w0);
		return;
	case PEER_MATCH_STAYED:
		stayed(x, r, w0);
		return;
	case PEER_MATCH_MOVED:
		moved(x, r, w0, e);
		return;
	case PEER_MATCH_DROPPED:
		dropped(x, r, w0);
		return;
	}
}

/* --- answers -------------------------------------------------------------------------- */

static const struct peer_match *
match_of(const struct peer_matched *m, uint32_t peer)
{
	for (size_t i = 0; i < m->matches.n; i++)
		if (m->matches.v[i].peer == peer)
			return &m->matches.v[i];
	return NULL;
}

static bool
match_is_sound(const struct peer_match *e)
{
	ntk_mac_t mac;

	memcpy(mac.b, e->mac, sizeof(mac.b));
	return e->status != PEER_MATCH_MOVED ||
	    (e->made != 0 && e->made != e->peer && mac_is_unicast(mac) &&
	    linklocal_is_usable(e->linklocal));
}

/* Each peer once, and all that were asked about. */
static bool
answer_is_sound(const struct arc *a, const struct record *r, const struct peer_matched *m)
{
	for (size_t i = 0; i < m->matches.n; i++)
		if (!match_is_sound(&m->matches.v[i]) ||
		    match_of(m, m->matches.v[i].peer) != &m->matches.v[i])
			return false;
	for (size_t i = 0; i < a->n; i++)
		if (is_to_be_asked(a->iarc[i], r) && a->iarc[i]->sent == r->migration &&
		    match_of(m, a->iarc[i]->peer) == NULL)
			return false;
	return true;
}

/* Spec 11.3, last paragraph: as if nobody took part. */
static void
copy_all(struct ident *x, struct arc *a, struct record *r)
{
	for (size_t i = 0; i < a->n; i++) {
		struct iarc *w0 = a->iarc[i];

		if (!is_to_be_asked(w0, r))
			continue;
		w0->matched = r->migration;
		stayed(x, r, w0);
	}
}

void
id_exchange_answered(struct ident *x, struct arc *a, struct exchange *e,
    const struct peer_matched *m)
{
	struct record *r = e->rec;

	if (!answer_is_sound(a, r, m)) {
		id_exchange_failed(x, a, e);
		return;
	}
	e->call = 0;
	for (size_t i = 0; i < m->matches.n; i++)
		match(x, a, r, &m->matches.v[i]);
	/*
	 * Identity-arcs that came meanwhile: asked about as well; if there are none this ends
	 * it.
	 */
	id_exchange_send(x, a, e);
}

void
id_exchange_failed(struct ident *x, struct arc *a, struct exchange *e)
{
	copy_all(x, a, e->rec);
	id_exchange_free(a, e);
	id_arc_break(x, a);
}

/* An error proves that the link works (spec 14.6). */
void
id_exchange_refused(struct ident *x, struct arc *a, struct exchange *e, uint8_t error)
{
	if (error != PEER_E_BUSY) {
		x->stats.refused_out++;
		copy_all(x, a, e->rec);
		id_exchange_free(a, e);
		return;
	}
	x->stats.again++;
	e->state = EXCHANGE_AGAIN;
	e->call = 0;
	e->limit = at_most(x->now + x->p->again, e->cap);
}

void
id_exchange_waits(struct ident *x, struct exchange *e)
{
	e->limit = at_most(x->now + x->p->exchange, e->cap);
}

void
id_exchange_tick(struct ident *x, struct arc *a)
{
	for (size_t i = a->n_exchanges; i-- > 0; ) {
		struct exchange *e = a->exchange[i];

		if (a->broken || x->now < e->limit)
			continue;
		if (e->state == EXCHANGE_SENT || x->now >= e->cap)
			id_exchange_failed(x, a, e);
		else if (e->state == EXCHANGE_AGAIN)
			id_exchange_send(x, a, e);
		/* One that failed may have taken others with it. */
		if (i > a->n_exchanges)
			i = a->n_exchanges;
	}
}
