/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "ntkd/core/nbh/int.h"

static bool
wrong(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s", what);
	return false;
}

static bool
entry_is_sound(const struct nbh *n, const struct entry *e, char *why, size_t size)
{
	const struct connection *c = e->connection;

	if (e->node == n->node || e->node == 0)
		return wrong(why, size, "an entry of ourselves");
	if (e->state >= NBH_READY && !e->cost.known)
		return wrong(why, size, "ready without a round-trip time");
	if ((e->state >= NBH_OPENING) != (c != NULL))
		return wrong(why, size, "a connection that does not fit the state");
	if ((e->state >= NBH_AGREED) != (e->arc != 0))
		return wrong(why, size, "an arc that does not fit the state");
	if (c != NULL && (c->entry != e || c->dev != e->dev || c->peer != e->address ||
	    connection_find(n, c->number) != c))
		return wrong(why, size, "a connection of another entry");
	if (c != NULL && c->ours != we_lead(n, e))
		return wrong(why, size, "a connection made by the wrong end");
	if (e->arc != 0 && entry_of_arc(n, e->arc) != e)
		return wrong(why, size, "two arcs with one number");
	if (e->state >= NBH_WANTED && !n->p->automatic && !wish_has(n, e->dev, e->mac))
		return wrong(why, size, "wanted without a wish");
	if (e->state >= NBH_AGREED && pair_blocked(n, e, NBH_AGREED))
		return wrong(why, size, "two arcs with one node share an interface");
	if (e->state >= NBH_WANTED && (!n->p->automatic || we_lead(n, e)) &&
	    pair_blocked(n, e, NBH_WANTED))
		return wrong(why, size, "two wanted pairs with one node share an interface");
	return true;
}

/* R1, R2, 16.1 e: an entry and all others with its MAC or its address. */
static bool
entry_is_alone(const struct nbh *n, const struct entry *e, char *why, size_t size)
{
	for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
		const struct entry *m = entry_find(n, dev, e->mac), *a = entry_at(n, dev, e->address);

		if (m != NULL && (m->node != e->node || m->address != e->address))
			return wrong(why, size, "one MAC with two nodes or addresses");
		if (a != NULL && mac_cmp(a->mac, e->mac) != 0)
			return wrong(why, size, "one address with two MACs");
		if (n->nic[dev].managed && n->nic[dev].address == e->address)
			return wrong(why, size, "a neighbour with an address of ours");
	}
	return true;
}

static bool
nic_is_sound(const struct nbh *n, unsigned dev, char *why, size_t size)
{
	const struct nic *c = &n->nic[dev];

	if (c->n > n->p->max_entries)
		return wrong(why, size, "too many entries");
	if (c->n != 0 && !nic_active(c))
		return wrong(why, size, "entries of an interface that is not in use");
	if (c->ready && (!c->managed || !linklocal_is_usable(c->address)))
		return wrong(why, size, "an interface in use without an address");
	for (size_t i = 0; i < c->n; i++) {
		if (c->v[i]->dev != dev || (i != 0 && mac_cmp(c->v[i - 1]->mac, c->v[i]->mac) >= 0))
			return wrong(why, size, "entries out of order");
		if (!entry_is_sound(n, c->v[i], why, size) || !entry_is_alone(n, c->v[i], why, size))
			return false;
	}
	return true;
}

static bool
connections_are_sound(const struct nbh *n, char *why, size_t size)
{
	size_t waiting[NBH_DEVS] = { 0 }, opening[NBH_DEVS] = { 0 };

	for (size_t i = 0; i < n->n_connections; i++) {
		const struct connection *c = n->connection[i];

		if (i != 0 && n->connection[i - 1]->number >= c->number)
			return wrong(why, size, "connections out of order");
		if (c->entry != NULL && c->entry->connection != c)
			return wrong(why, size, "a connection that its entry does not know");
		if (c->entry == NULL && (c->ours || c->deadline == NEVER))
			return wrong(why, size, "a connection that nobody waits for");
		if (c->entry == NULL)
			waiting[c->dev]++;
		else if (c->entry->state == NBH_OPENING)
			opening[c->dev]++;
	}
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		if (waiting[dev] > n->p->max_opening || opening[dev] > n->p->max_opening)
			return wrong(why, size, "too many connections under way");
	return true;
}

bool
nbh_invariant(const struct nbh *n, char *why, size_t why_size)
{
	size_t wanted = 0;

	if (n->failed)
		return true;
	for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
		if (!nic_is_sound(n, dev, why, why_size))
			return false;
		for (size_t i = 0; i < n->nic[dev].n; i++)
			wanted += n->nic[dev].v[i]->state >= NBH_WANTED;
	}
	if (wanted != n->wanted || wanted > n->p->max_arcs || n->n_wishes > n->p->max_wishes)
		return wrong(why, why_size, "who is wanted was counted wrongly");
	return connections_are_sound(n, why, why_size);
}
