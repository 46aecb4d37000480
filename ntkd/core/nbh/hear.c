/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Hellos that we hear (spec 8.3, 16.1, 19.2 to 19.4). */

#include <string.h>

#include "ntkd/core/nbh/int.h"

enum { RTT_MAX = 2000000 };	/* µs */

/* --- may it be? ---------------------------------------------------------------------- */

/* The interface of ours that has ADDRESS, or MAC; NBH_DEVS: none. */
static unsigned
our_address(const struct nbh *n, ntk_ip_t address)
{
	unsigned dev = 0;

	while (dev < NBH_DEVS && !(n->nic[dev].managed && n->nic[dev].address == address))
		dev++;
	return dev;
}

static unsigned
our_mac(const struct nbh *n, ntk_mac_t mac)
{
	unsigned dev = 0;

	while (dev < NBH_DEVS && !(n->nic[dev].managed && mac_cmp(n->nic[dev].mac, mac) == 0))
		dev++;
	return dev;
}

/*
 * R1 and R2: a MAC has one node id and one address, wherever it is heard.  A neighbour that
 * has restarted may have others once its connection broke (19.7).
 */
static bool
mac_is_its(struct nbh *n, unsigned on, const struct peer_hello *h, ntk_mac_t mac)
{
	for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
		struct entry *e = entry_find(n, dev, mac);

		if (e == NULL || (e->node == h->node && e->address == h->address))
			continue;
		if (e->orphan && e->state < NBH_AGREED) {
			entry_drop(n, e, false, NBH_WHY_CONNECTION);
			continue;
		}
		nb_refuse(n, on, e->node != h->node ? NBH_R_NODE : NBH_R_MOVED, h->node, &mac,
		    h->address);
		return false;
	}
	return true;
}

/* 16.1 e: no two MACs have the same address. */
static bool
address_is_its(struct nbh *n, unsigned on, const struct peer_hello *h, ntk_mac_t mac)
{
	for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
		struct entry *e = entry_at(n, dev, h->address);

		if (e != NULL && mac_cmp(e->mac, mac) != 0) {
			nic_rival(n, on, e, h);
			nb_refuse(n, on, NBH_R_SHARED, h->node, &mac, h->address);
			return false;
		}
	}
	return true;
}

static bool
there_is_room(struct nbh *n, unsigned dev, const struct peer_hello *h, ntk_mac_t mac)
{
	const struct nic *c = &n->nic[dev];
	size_t same = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i]->node == h->node)
			same++;
	if (c->n < n->p->max_entries && same < NODE_ENTRIES)
		return true;
	nb_refuse(n, dev, NBH_R_ENTRIES, h->node, &mac, h->address);
	return false;
}

/* What H says of its sender is possible, and it is not ourselves. */
static bool
sender_is_possible(struct nbh *n, unsigned dev, ntk_ip_t source, const ntk_mac_t *source_mac,
    const struct peer_hello *h, ntk_mac_t mac)
{
	enum nbh_refusal r;

	if (h->node == n->node)
		r = NBH_R_OWN;
	else if (source != h->address || (source_mac != NULL && mac_cmp(*source_mac, mac) != 0))
		r = NBH_R_SOURCE;
	else if (!linklocal_is_usable(h->address))
		r = NBH_R_ADDRESS;
	else if (our_mac(n, mac) != NBH_DEVS)
		r = NBH_R_OUR_MAC;
	else
		return true;
	nb_refuse(n, dev, r, h->node, &mac, h->address);
	return false;
}

/* --- what it says ---------------------------------------------------------------------- */

static bool
was_used(const struct entry *e, uint32_t stamp)
{
	for (unsigned i = 0; i < e->n_used; i++)
		if (e->used[i] == stamp)
			return true;
	return false;
}

static void
use(struct entry *e, uint32_t stamp)
{
	memmove(e->used + 1, e->used, (STAMPS - 1) * sizeof(e->used[0]));
	e->used[0] = stamp;
	if (e->n_used < STAMPS)
		e->n_used++;
}

static bool
is_stamp(const struct nic *c, uint32_t stamp)
{
	for (unsigned i = 0; i < c->n_stamps; i++)
		if (c->stamps[i] == stamp)
			return true;
	return false;
}

/* Spec 19.3, all modulo 2^32.  A copy of a hello that the network made says nothing new. */
static void
measure(struct nbh *n, struct entry *e, const struct peer_hello *h, const struct peer_heard *us)
{
	const uint32_t held = h->timestamp - us->received;
	const uint32_t rtt = nb_clock(n) - us->timestamp - held;

	if (was_used(e, h->timestamp))
		return;
	if (!is_stamp(&n->nic[e->dev], us->timestamp) || held > INT32_MAX || rtt > RTT_MAX) {
		nb_refuse_entry(n, e, NBH_R_ECHO);
		return;
	}
	use(e, h->timestamp);
	n->stats.samples++;
	nbh_cost_sample(&e->cost, rtt != 0 ? rtt : 1);
	if (e->state != NBH_UP)
		nbh_cost_settle(&e->cost);
	else
		nb_arc_cost(n, e);
}

static const struct peer_heard *
find_us(const struct nbh *n, unsigned dev, const struct peer_hello *h)
{
	for (size_t i = 0; i < h->heard.n; i++) {
		const struct peer_heard *p = &h->heard.v[i];

		if (p->node == n->node && memcmp(p->mac, n->nic[dev].mac.b, sizeof(p->mac)) == 0)
			return p;
	}
	return NULL;
}

static void
listed(struct nbh *n, struct entry *e, const struct peer_hello *h, const struct peer_heard *us)
{
	const bool wants = (us->flags & PEER_HEARD_WANT) != 0;
	const bool new_wish = wants && !e->peer_wants;

	e->listed = n->now;
	e->peer_wants = wants;
	measure(n, e, h, us);
	/*
	 * A pair that was put aside is taken up when the neighbour begins to want it; by the one
	 * that follows whenever the leader does, or the two would wait for each other by turns.
	 */
	if ((new_wish || (wants && !we_lead(n, e))) && e->aside > n->now) {
		e->aside = 0;
		nb_decide(n, e->node);
	}
	entry_settle(n, e);
	open_try(n, e);
}

static void
hear(struct nbh *n, unsigned dev, const struct peer_hello *h, ntk_mac_t mac)
{
	struct entry *e = entry_find(n, dev, mac);
	const struct peer_heard *us;

	if (e == NULL && there_is_room(n, dev, h, mac))
		e = entry_new(n, dev, h, mac);
	if (e == NULL)
		return;
	e->heard = n->now;
	e->interval = h->interval;
	e->orphan = false;
	e->stamp = h->timestamp;
	e->stamp_at = nb_clock(n);
	us = find_us(n, dev, h);
	if (us == NULL || ((us->flags & PEER_HEARD_SHARED) && nic_told_shared(n, dev, h)))
		return;
	/* Who refuses us hears us, and is no neighbour. */
	if (!(us->flags & PEER_HEARD_REFUSED))
		listed(n, e, h, us);
}

void
nbh_hello(struct nbh *n, uint64_t now, unsigned dev, ntk_ip_t source, const ntk_mac_t *source_mac,
    const struct peer_hello *h, struct nbh_out *out)
{
	ntk_mac_t mac;
	unsigned at;

	if (!nb_begin(n, now, out))
		return;
	n->stats.hellos_in++;
	memcpy(mac.b, h->mac, sizeof(mac.b));
	at = our_address(n, h->address);
	if (dev >= NBH_DEVS || !nic_active(&n->nic[dev]))
		nb_refuse(n, dev, NBH_R_NIC, 0, NULL, 0);
	else if (!sender_is_possible(n, dev, source, source_mac, h, mac))
		;
	else if (at != NBH_DEVS)
		nic_conflict(n, dev, at, h);
	else if (mac_is_its(n, dev, h, mac) && address_is_its(n, dev, h, mac))
		hear(n, dev, h, mac);
	nb_end(n);
}
