/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of an identity, put together from QSPN, the identities module and the neighbourhood. */
#include "ntkd/core/node/int.h"

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qfacts.h"

/* Whose paths, seen by whom. */
struct view {
	struct node *n;
	struct identity *id;
	struct identity *of;	/* of the manager: ID itself, or the one it stands in for */
};

/*
 * The identity-arc of ID that was copied from NUMBER; false when the neighbour has not answered yet.
 * Until the duplication is complete the new identity forwards by the old one's paths, over
 * these.
 */
static bool
copied(const struct view *v, uint32_t number, struct ident_iarc *out)
{
	size_t size = ident_iarcs(v->n->ident, v->id->id, NULL, 0), n = 0;
	struct ident_iarc *list = calloc(size + 1, sizeof(*list));
	bool found = false;

	if (list == NULL) {
		v->n->failed = true;
		return false;
	}
	n = ident_iarcs(v->n->ident, v->id->id, list, size);
	for (size_t i = 0; i < n && i < size && !found; i++)
		if (list[i].prev == number) {
			*out = list[i];
			found = true;
		}
	free(list);
	return found;
}

static struct facts_arc
arc_facts(uint32_t number, void *arg)
{
	const struct view *v = arg;
	struct facts_arc a = { .dev = 0 };
	struct ident_iarc i;

	if (!(v->of != v->id && copied(v, number, &i)) && !ident_iarc(v->n->ident, number, &i))
		return a;
	a.dev = i.dev;
	a.peer_mac = i.peer_mac;
	a.peer_linklocal = i.peer_linklocal;
	return a;
}

static void
devices(struct node *n, const struct identity *id, struct facts *f)
{
	unsigned ns = identity_ns(n, id);

	for (unsigned d = 0; d < n->conf->n_interfaces; d++) {
		struct ident_nic nic = { .present = false };

		if (ns == 0) {
			f->has_dev[d] = n->has_dev[d];
			f->linklocal[d] = n->has_dev[d] ? n->linklocal[d] : 0;
		} else if (ident_nic(n->ident, id->id, d, &nic) && nic.present) {
			f->has_dev[d] = true;
			f->linklocal[d] = nic.linklocal;
		}
	}
}

/*
 * The address that the old identity is about to have (spec/manual-mode 5.3 step 2): so have the
 * neighbours that move with it.
 */
static void
go_virtual(const struct node *n, const struct identity *id, struct facts *f)
{
	struct coord at;

	if (!id->virtual_level)
		return;
	for (size_t i = 0; i < f->n_arcs; i++)
		if (f->arcs[i].known && naddr_coord(TOPO(n), &f->address, &f->arcs[i].peer, &at) &&
		    at.level < id->level)
			f->arcs[i].peer.pos[id->level] = id->virtual_pos;
	f->address.pos[id->level] = id->virtual_pos;
}

static bool
has_neighbour(const struct facts *f, uint8_t dev, ntk_ip_t linklocal)
{
	for (size_t i = 0; i < f->n_arcs; i++)
		if (f->arcs[i].dev == dev && f->arcs[i].peer_linklocal == linklocal)
			return true;
	return false;
}

/*
 * A connectivity namespace forwards what comes over qspn-arcs and nothing else.  A neighbour that migrates forwards by
 * its old identity's paths at first (spec/kernel-state 8.5), from where that one was: what comes from there is
 * served as before, until its new identity-arc is a qspn-arc itself.
 */
static bool
add_successor(const struct identity *id, const struct ident_iarc *i, struct facts *f)
{
	struct facts_arc a = { .dev = i->dev, .peer_mac = i->peer_mac, .peer_linklocal = i->peer_linklocal,
		.qspn = true, .closing = true, .known = true };
	struct qspn_arc_info was;

	if (id->main || i->place_of == 0 || id->qspn == NULL || has_neighbour(f, i->dev, i->peer_linklocal) ||
	    !qspn_arc_find(id->qspn, i->place_of, &was) || !was.known)
		return true;
	a.peer = was.peer;
	return facts_add_arc(f, &a);
}

static bool
add_neighbour(struct facts *f, uint8_t dev, ntk_mac_t mac, ntk_ip_t linklocal)
{
	struct facts_arc a = { .dev = dev, .peer_mac = mac, .peer_linklocal = linklocal };

	return has_neighbour(f, dev, linklocal) || facts_add_arc(f, &a);
}

/* Arcs that QSPN has forgotten and the neighbour has not (spec/kernel-state 8.8). */
static bool
add_closing(struct node *n, const struct identity *id, struct facts *f)
{
	struct ident_iarc i;

	for (size_t k = 0; k < id->n_qarcs; k++) {
		const struct qarc *q = &id->qarcs[k];
		struct facts_arc a = { .qspn = true, .closing = true };

		if (q->in_qspn || !ident_iarc(n->ident, q->number, &i) ||
		    has_neighbour(f, i.dev, i.peer_linklocal))
			continue;
		a.dev = i.dev;
		a.peer_mac = i.peer_mac;
		a.peer_linklocal = i.peer_linklocal;
		a.known = q->known;
		a.peer = q->peer;
		if (!facts_add_arc(f, &a))
			return false;
	}
	return true;
}

static bool
add_iarcs(struct node *n, const struct identity *id, struct facts *f)
{
	size_t size = ident_iarcs(n->ident, id->id, NULL, 0);
	struct ident_iarc *v = calloc(size + 1, sizeof(*v));
	bool ok = v != NULL;

	if (ok)
		ident_iarcs(n->ident, id->id, v, size);
	for (size_t i = 0; ok && i < size; i++)
		ok = add_successor(id, &v[i], f) &&
		    add_neighbour(f, v[i].dev, v[i].peer_mac, v[i].peer_linklocal);
	free(v);
	return ok;
}

/* The MAC of whoever has LINKLOCAL, as far as anybody here knows it. */
static ntk_mac_t
mac_of(const struct node *n, uint8_t dev, ntk_ip_t linklocal)
{
	struct nbh_entry e;

	for (size_t i = 0; i < nbh_entries(n->nbh); i++)
		if (nbh_entry_at(n->nbh, i, &e) && e.dev == dev && e.address == linklocal)
			return e.mac;
	return (ntk_mac_t){ { 0 } };
}

/* Routes that the identities module wants, or the neighbourhood for an arc in the making. */
static bool
add_routes(struct node *n, const struct identity *id, struct facts *f)
{
	size_t size = ident_neighbours(n->ident, id->id, NULL, 0);
	struct ident_neighbour *v = calloc(size + 1, sizeof(*v));
	bool ok = v != NULL;

	if (ok)
		ident_neighbours(n->ident, id->id, v, size);
	for (size_t i = 0; ok && i < size; i++)
		ok = add_neighbour(f, v[i].dev, mac_of(n, v[i].dev, v[i].linklocal), v[i].linklocal);
	for (size_t i = 0; ok && id->main && i < n->n_routes; i++)
		ok = add_neighbour(f, (uint8_t)n->routes[i].dev, n->routes[i].mac, n->routes[i].peer);
	free(v);
	return ok;
}

bool
facts_of(struct node *n, struct identity *id, struct facts *out)
{
	struct view v = { .n = n, .id = id, .of = id };
	bool ok = true;

	facts_init(out);
	if (id->leaving)
		return facts_copy(out, &id->facts);
	if (id->shadow != 0)
		v.of = identity_by_id(n, id->shadow);
	if (v.of != NULL && v.of->qspn != NULL)
		ok = qfacts_make(v.of->qspn, TOPO(n), id->main, arc_facts, &v, out);
	else
		out->address = id->facts.address;
	out->main = id->main;
	devices(n, id, out);
	go_virtual(n, id, out);
	ok = ok && add_closing(n, id, out) && add_iarcs(n, id, out) && add_routes(n, id, out);
	if (!ok) {
		facts_free(out);
		facts_init(out);
	}
	return ok;
}
