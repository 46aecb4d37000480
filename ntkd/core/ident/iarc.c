/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/ident/int.h"

struct iarc *
id_iarc_find(const struct arc *a, const struct identity *id, uint32_t peer)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->iarc[i]->id == id && a->iarc[i]->peer == peer)
			return a->iarc[i];
	return NULL;
}

size_t
id_iarc_count(const struct arc *a, const struct identity *id)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->iarc[i]->id == id;
	return n;
}

struct ident_iarc
id_iarc_info(const struct ident *x, const struct iarc *i)
{
	return (struct ident_iarc){
		.number = i->number,
		.index = i->index,
		.arc = i->arc->number,
		.id = i->id->id,
		.peer = i->peer,
		.dev = i->arc->dev,
		.peer_mac = i->mac,
		.peer_linklocal = i->linklocal,
		.prev = i->prev,
		.place_of = i->place_of,
		.both = i->both,
		.principal = id_principal_is(x, i),
		.closing = i->closing != CLOSING_NO,
	};
}

/* --- what may be in one ---------------------------------------------------------- */

static bool
is_own(const struct ident_nic *nic, ntk_mac_t mac, ntk_ip_t linklocal)
{
	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		if (nic[d].present &&
		    (nic[d].linklocal == linklocal || mac_cmp(nic[d].mac, mac) == 0))
			return true;
	return false;
}

static bool
is_ours(const struct ident *x, ntk_mac_t mac, ntk_ip_t linklocal)
{
	for (size_t i = 0; i < x->n_ids; i++)
		if (is_own(x->id[i]->nic, mac, linklocal))
			return true;
	for (size_t i = 0; i < x->n_recs; i++)
		if (x->rec[i]->state == IDENT_MAKING && is_own(x->rec[i]->nic, mac, linklocal))
			return true;
	return false;
}

/* A MAC selects a table of its identity, a link-local a route on its identity's device. */
static bool
collides(const struct iarc *i, unsigned dev, ntk_mac_t mac, ntk_ip_t linklocal)
{
	return mac_cmp(i->mac, mac) == 0 || (i->arc->dev == dev && i->linklocal == linklocal);
}

/* ID was just made, and I of the old one is still to be copied to it. */
static bool
will_be_of(const struct ident *x, const struct iarc *i, const struct identity *id)
{
	for (size_t k = 0; k < x->n_recs; k++)
		if (x->rec[k]->made == id && x->rec[k]->id == i->id &&
		    i->matched != x->rec[k]->migration &&
		    id_exchange_find(i->arc, x->rec[k]) != NULL)
			return true;
	return false;
}

bool
id_iarc_fits(const struct ident *x, const struct arc *a, const struct identity *id, ntk_mac_t mac,
    ntk_ip_t linklocal, const struct iarc *except)
{
	if (!mac_is_unicast(mac) || !linklocal_is_usable(linklocal) || is_ours(x, mac, linklocal))
		return false;
	for (size_t i = 0; i < x->n_arcs; i++) {
		const struct arc *b = x->arc[i];

		/* The real interface of a neighbour: nobody else may claim it. */
		if (b != a && b->dev == a->dev && b->linklocal == linklocal)
			return false;
		for (size_t k = 0; k < b->n; k++)
			if (b->iarc[k] != except &&
			    collides(b->iarc[k], a->dev, mac, linklocal) &&
			    (b->iarc[k]->id == id || will_be_of(x, b->iarc[k], id)))
				return false;
	}
	return true;
}

bool
id_iarc_has_room(const struct ident *x, const struct arc *a, const struct identity *id)
{
	return id_iarc_count(a, id) < x->p->max_peers && id->n_iarcs < x->p->max_iarcs;
}

/* --- making, changing -------------------------------------------------------------- */

static bool
number_is_used(const struct ident *x, uint32_t number)
{
	for (size_t i = 0; i < x->n_arcs; i++)
		for (size_t k = 0; k < x->arc[i]->n; k++)
			if (x->arc[i]->iarc[k]->number == number)
				return true;
	return false;
}

struct iarc *
id_iarc_make(struct ident *x, struct arc *a, struct identity *id, uint32_t peer, ntk_mac_t mac,
    ntk_ip_t linklocal)
{
	struct iarc **v = id_room(x, a->iarc, a->n, &a->size, sizeof(*v));
	struct iarc *i = calloc(1, sizeof(*i));

	if (v != NULL)
		a->iarc = v;
	if (v == NULL || i == NULL) {
		x->failed = true;
		free(i);
		return NULL;
	}
	do
		x->last_number++;
	while (x->last_number == 0 || number_is_used(x, x->last_number));
	i->id = id;
	i->arc = a;
	i->number = x->last_number;
	i->index = id->next_iarc++;
	i->peer = peer;
	i->mac = mac;
	i->linklocal = linklocal;
	i->copy_index = UINT32_MAX;
	i->close_at = NEVER;
	id->n_iarcs++;
	v[a->n++] = i;
	return i;
}

void
id_iarc_set(struct ident *x, struct iarc *i, ntk_mac_t mac, ntk_ip_t linklocal, bool only_neighbour)
{
	const ntk_mac_t former_mac = i->mac;
	const ntk_ip_t former_linklocal = i->linklocal;
	struct ident_action *a;

	i->mac = mac;
	i->linklocal = linklocal;
	if (i->id->leaving)
		return;
	a = id_act_iarc(x, IDENT_IARC_CHANGED, i);
	a->only_neighbour = only_neighbour;
	a->former_mac = former_mac;
	a->former_linklocal = former_linklocal;
}

/* --- removing ------------------------------------------------------------------------ */

void
id_iarc_free(struct iarc *i)
{
	struct arc *a = i->arc;
	size_t at = 0;

	while (a->iarc[at] != i)
		at++;
	memmove(&a->iarc[at], &a->iarc[at + 1], (a->n - at - 1) * sizeof(*a->iarc));
	a->n--;
	i->id->n_iarcs--;
	free(i);
}

/*
 * Who ordered the end of it knows: nothing is said before (spec 4.4).  Of an identity that
 * leaves nothing is said at all.
 */
void
id_iarc_drop(struct ident *x, struct iarc *i)
{
	if (!i->id->leaving) {
		if (i->closing == CLOSING_NO)
			id_act_iarc(x, IDENT_IARC_REMOVING, i);
		id_act_iarc(x, IDENT_IARC_REMOVED, i);
	}
	id_iarc_free(i);
}

/* The answer is not awaited: nothing depends on it. */
void
id_iarc_tell(struct ident *x, const struct arc *a, uint32_t id, uint32_t peer)
{
	struct peer_msg *m;

	if (a->broken)
		return;
	m = id_message(x, PEER_iarc_removed, 0, NULL);
	if (m == NULL)
		return;
	m->iarc_removed = (struct peer_iarc_removed){ .from = id, .to = peer };
	id_act_call(x, a->number, m, x->p->notify);
}

void
id_iarc_drop_tell(struct ident *x, struct iarc *i)
{
	const struct arc *a = i->arc;
	const uint32_t id = i->id->id, peer = i->peer;

	id_iarc_drop(x, i);
	id_iarc_tell(x, a, id, peer);
}

/*
 * In a duplication both ends of an identity-arc may form its copy each by itself: whoever hears
 * of the end of one before it has formed it would form it nevertheless.
 */
static bool
may_be_formed_yet(const struct ident *x, const struct iarc *i)
{
	for (size_t k = 0; k < x->n_recs; k++) {
		const struct record *r = x->rec[k];

		if ((r->id == i->id || r->made == i->id) && id_record_is_busy(r) && r->made != NULL)
			return true;
	}
	return false;
}

void
id_iarc_close(struct ident *x, struct iarc *i)
{
	struct peer_msg *m;

	if (may_be_formed_yet(x, i)) {
		i->closing = CLOSING_LATER;
		return;
	}
	i->closing = CLOSING_TOLD;
	i->close_at = i->arc->broken_at;
	if (i->arc->broken)
		return;
	i->close_at = x->now + x->p->notify;
	m = id_message(x, PEER_iarc_removed, 0, NULL);
	if (m == NULL)
		return;
	m->iarc_removed = (struct peer_iarc_removed){ .from = i->id->id, .to = i->peer };
	i->call = id_act_call(x, i->arc->number, m, x->p->notify);
}

/* The caller did not order it, and hears that it is closing. */
void
id_iarc_give_up(struct ident *x, struct iarc *i)
{
	if (i->closing != CLOSING_NO)
		return;
	id_act_iarc(x, IDENT_IARC_REMOVING, i);
	id_iarc_close(x, i);
	if (i->closing == CLOSING_LATER)
		i->closing = CLOSING_LOST;
}

static bool
is_delayed(const struct iarc *i)
{
	return i->closing == CLOSING_LATER || i->closing == CLOSING_LOST;
}

void
id_iarc_close_later(struct ident *x, const struct identity *id)
{
	for (size_t i = 0; i < x->n_arcs; i++)
		for (size_t k = 0; k < x->arc[i]->n; k++)
			if (x->arc[i]->iarc[k]->id == id && is_delayed(x->arc[i]->iarc[k]))
				id_iarc_close(x, x->arc[i]->iarc[k]);
}

/* Of an identity that leaves it stays until all its neighbours send nothing any more. */
void
id_iarc_told(struct ident *x, struct iarc *i)
{
	if (!i->id->leaving) {
		id_iarc_drop(x, i);
		return;
	}
	i->closing = CLOSING_OVER;
	i->call = 0;
	i->close_at = NEVER;
}

void
id_iarc_gone(struct ident *x, const struct arc *a, uint32_t call)
{
	id_act_result(x, a->number, call, id_message(x, PEER_iarc_gone, 0, NULL));
}

/*
 * Whoever tells us sends nothing over it any more.  It may be an identity that leaves and carries on what others
 * send to it until they have turned away, too: then we hear of that by the answer to our own call, and what serves
 * such packets stays until then.
 */
void
id_iarc_asked_away(struct ident *x, struct arc *a, uint32_t call, uint32_t from, uint32_t to)
{
	const struct identity *id = id_identity_find(x, to);
	struct iarc *i = id != NULL ? id_iarc_find(a, id, from) : NULL;

	if (i != NULL && i->id->leaving) {
		if (i->owed != 0)
			id_iarc_gone(x, a, i->owed);
		id_iarc_told(x, i);
		i->owed = call;
		return;
	}
	if (i != NULL && i->call == 0)
		id_iarc_drop(x, i);
	id_iarc_gone(x, a, call);
}

/* --- orders ---------------------------------------------------------------------------- */

enum ident_result
ident_iarc_add(struct ident *x, uint64_t now, uint32_t arc, uint32_t id, uint32_t peer,
    ntk_mac_t peer_mac, ntk_ip_t peer_linklocal, struct ident_out *out)
{
	struct arc *a = id_arc_find(x, arc);
	struct identity *own = id_identity_find(x, id);
	struct iarc *i;

	if (own == NULL)
		return IDENT_UNKNOWN_IDENTITY;
	if (a == NULL || a->broken || !own->nic[a->dev].present)
		return IDENT_UNKNOWN_ARC;
	if (own->leaving)
		return IDENT_BUSY;
	i = id_iarc_find(a, own, peer);
	if (i != NULL && i->closing != CLOSING_NO)
		return IDENT_BUSY;
	if (i != NULL && i->linklocal == peer_linklocal && mac_cmp(i->mac, peer_mac) == 0)
		return IDENT_EXISTS;
	if (peer == 0 || !id_iarc_fits(x, a, own, peer_mac, peer_linklocal, i))
		return IDENT_INVALID;
	if (i == NULL && !id_iarc_has_room(x, a, own))
		return IDENT_EXHAUSTED;
	if (!id_call_begin(x, now, out))
		return IDENT_EXHAUSTED;
	if (i != NULL)
		id_iarc_set(x, i, peer_mac, peer_linklocal, true);
	else if ((i = id_iarc_make(x, a, own, peer, peer_mac, peer_linklocal)) != NULL)
		id_act_iarc(x, IDENT_IARC_ADDED, i);
	id_call_end(x);
	return i != NULL ? IDENT_OK : IDENT_EXHAUSTED;
}

enum ident_result
ident_iarc_remove(struct ident *x, uint64_t now, uint32_t arc, uint32_t id, uint32_t peer,
    bool tell, struct ident_out *out)
{
	struct arc *a = id_arc_find(x, arc);
	struct identity *own = id_identity_find(x, id);
	struct iarc *i = a != NULL && own != NULL ? id_iarc_find(a, own, peer) : NULL;

	if (own == NULL)
		return IDENT_UNKNOWN_IDENTITY;
	if (i == NULL)
		return IDENT_UNKNOWN_ARC;
	if (own->leaving)
		return IDENT_BUSY;
	if ((tell && i->closing != CLOSING_NO) || !id_call_begin(x, now, out))
		return IDENT_OK;
	if (tell) {
		id_iarc_close(x, i);
	} else {
		/* Ordered, as a closing one. */
		i->closing = CLOSING_TOLD;
		id_iarc_drop(x, i);
	}
	id_call_end(x);
	return IDENT_OK;
}
