/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/ident/int.h"

/* The first arc whose number is NUMBER or higher. */
static size_t
arc_place(const struct ident *x, uint32_t number)
{
	size_t low = 0, high = x->n_arcs;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (x->arc[mid]->number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct arc *
id_arc_find(const struct ident *x, uint32_t number)
{
	size_t at = arc_place(x, number);

	return at < x->n_arcs && x->arc[at]->number == number ? x->arc[at] : NULL;
}

void
id_arc_free(struct arc *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->iarc[i]);
	for (size_t i = 0; i < a->n_exchanges; i++)
		free(a->exchange[i]);
	for (size_t i = 0; i < a->n_requests; i++)
		free(a->request[i]);
	free(a->iarc);
	free(a->exchange);
	free(a->request);
	free(a);
}

/* Identity-arcs in the order of their identities, then of their own indices. */
static struct iarc *
next_of(const struct arc *a)
{
	struct iarc *best = NULL;

	for (size_t i = 0; i < a->n; i++)
		if (best == NULL || a->iarc[i]->id->index < best->id->index ||
		    (a->iarc[i]->id == best->id && a->iarc[i]->index < best->index))
			best = a->iarc[i];
	return best;
}

/* Nobody is told: there is no way to (spec 8.4). */
void
id_arc_end(struct ident *x, struct arc *a)
{
	size_t at = arc_place(x, a->number);

	while (a->n != 0)
		id_iarc_drop(x, next_of(a));
	memmove(&x->arc[at], &x->arc[at + 1], (x->n_arcs - at - 1) * sizeof(struct arc *));
	x->n_arcs--;
	id_arc_free(a);
}

/* Nothing is sent over it any more, and in a moment it is given up (spec 8.13). */
void
id_arc_break(struct ident *x, struct arc *a)
{
	if (a->broken)
		return;
	a->broken = true;
	a->broken_at = x->now + x->p->broken;
	a->call = 0;
	a->call_limit = a->ask_at = a->stale_at = NEVER;
	x->stats.broken++;
	for (size_t i = a->n_exchanges; i-- > 0; )
		if (i < a->n_exchanges && a->exchange[i]->state != EXCHANGE_HELD)
			id_exchange_failed(x, a, a->exchange[i]);
}

void
id_arc_tick(struct ident *x)
{
	for (size_t i = x->n_arcs; i-- > 0; ) {
		struct arc *a = x->arc[i];

		if (!a->broken) {
			id_principal_tick(x, a);
			id_exchange_tick(x, a);
			id_match_tick(x, a);
		}
		for (size_t k = a->n; k-- > 0; )
			if (a->iarc[k]->closing == CLOSING_TOLD && x->now >= a->iarc[k]->close_at)
				id_iarc_told(x, a->iarc[k]);
		if (a->broken && x->now >= a->broken_at) {
			uint32_t number = a->number;

			id_arc_end(x, a);
			id_act(x, IDENT_ARC_BROKEN)->arc = number;
		}
	}
}

/* --- commands ------------------------------------------------------------------------- */

/* Another arc with this neighbour's address, or with its interface. */
static bool
is_doubled(const struct ident *x, unsigned dev, ntk_mac_t mac, ntk_ip_t linklocal)
{
	for (size_t i = 0; i < x->n_arcs; i++)
		if (mac_cmp(x->arc[i]->mac, mac) == 0 ||
		    (x->arc[i]->dev == dev && x->arc[i]->linklocal == linklocal))
			return true;
	return false;
}

static bool
arc_can_be(const struct ident *x, uint32_t number, unsigned dev, ntk_mac_t mac, ntk_ip_t linklocal)
{
	if (number == 0 || id_arc_find(x, number) != NULL || x->n_arcs >= x->p->max_arcs)
		return false;
	if (dev >= CONF_INTERFACES || !x->dev[dev].present)
		return false;
	if (!mac_is_unicast(mac) || !linklocal_is_usable(linklocal))
		return false;
	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		if (x->dev[d].present && (mac_cmp(x->dev[d].mac, mac) == 0 ||
		    x->dev[d].linklocal == linklocal))
			return false;
	return !is_doubled(x, dev, mac, linklocal);
}

static struct arc *
arc_make(struct ident *x, uint32_t number)
{
	struct arc **v = id_room(x, x->arc, x->n_arcs, &x->arcs_size, sizeof(*v));
	struct arc *a = calloc(1, sizeof(*a));
	size_t at;

	if (v != NULL)
		x->arc = v;
	if (v == NULL || a == NULL) {
		x->failed = true;
		free(a);
		return NULL;
	}
	at = arc_place(x, number);
	memmove(&v[at + 1], &v[at], (x->n_arcs - at) * sizeof(struct arc *));
	v[at] = a;
	x->n_arcs++;
	a->number = number;
	a->call_limit = a->ask_at = a->stale_at = a->broken_at = NEVER;
	return a;
}

bool
ident_arc_add(struct ident *x, uint64_t now, uint32_t arc, unsigned dev, ntk_mac_t peer_mac,
    ntk_ip_t peer_linklocal, struct ident_out *out)
{
	struct arc *a;

	if (!arc_can_be(x, arc, dev, peer_mac, peer_linklocal) || !id_call_begin(x, now, out))
		return false;
	a = arc_make(x, arc);
	if (a != NULL) {
		a->dev = (uint8_t)dev;
		a->mac = peer_mac;
		a->linklocal = peer_linklocal;
		id_principal_ask(x, a);
	}
	id_call_end(x);
	return a != NULL;
}

bool
ident_arc_remove(struct ident *x, uint64_t now, uint32_t arc, struct ident_out *out)
{
	struct arc *a = id_arc_find(x, arc);

	if (a == NULL || !id_call_begin(x, now, out))
		return false;
	id_arc_end(x, a);
	id_call_end(x);
	return true;
}
