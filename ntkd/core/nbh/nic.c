/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Our interfaces and their addresses (spec 8.2, 8.9, 16.1, 16.12, 19.7). */

#include <stdio.h>
#include <string.h>

#include "ntkd/core/nbh/int.h"

/* --- addresses --------------------------------------------------------------------- */

static ntk_ip_t
draw(struct nbh *n)
{
	for (unsigned i = 0; i < DRAWS; i++) {
		uint32_t third = 1 + rng_below(&n->rng, 254), fourth = 1 + rng_below(&n->rng, 254);
		ntk_ip_t address = 0xa9fe0000 | third << 8 | fourth;

		if (linklocal_is_usable(address) && !nbh_address_known(n, address))
			return address;
	}
	return 0;
}

void
nic_start(struct nbh *n, unsigned dev, ntk_ip_t address)
{
	struct nic *c = &n->nic[dev];
	struct nbh_action *a;

	c->ready = false;
	c->claim_node = 0;
	c->draw = NEVER;
	c->extra_last = NEVER;
	if (address == 0)
		address = draw(n);
	c->address = address;
	if (address == 0) {
		c->draw = n->now + SECOND;
		return;
	}
	n->stats.addresses++;
	a = nb_act(n, NBH_ADDRESS_WANTED);
	a->dev = dev;
	a->address = address;
}

/* Connections that are no entry's yet. */
static void
close_strangers(struct nbh *n, unsigned dev)
{
	for (size_t i = n->n_connections; i-- > 0;)
		if (n->connection[i]->dev == dev && n->connection[i]->entry == NULL)
			connection_close(n, n->connection[i]);
}

static void
drop_entries(struct nbh *n, unsigned dev, bool usable, enum nbh_why why)
{
	struct nic *c = &n->nic[dev];

	while (c->n != 0)
		entry_drop(n, c->v[c->n - 1], usable, why);
	close_strangers(n, dev);
	memset(c->rival, 0, sizeof(c->rival));
}

void
nic_leave(struct nbh *n, unsigned dev, bool usable, enum nbh_why why)
{
	struct nic *c = &n->nic[dev];
	struct nbh_action *a;

	/* First of all, or what one entry leaves free another would take up. */
	c->ready = false;
	drop_entries(n, dev, usable, why);
	hello_stop(n, dev);
	c->draw = NEVER;
	if (c->address == 0)
		return;
	a = nb_act(n, NBH_ADDRESS_UNWANTED);
	a->dev = dev;
	a->address = c->address;
	c->address = 0;
}

static void
give_up_address(struct nbh *n, unsigned dev, const struct peer_hello *h)
{
	struct nic *c = &n->nic[dev];
	struct nbh_action *a = nb_act(n, NBH_CONFLICT);

	a->dev = dev;
	a->address = a->peer = c->address;
	a->node = h->node;
	memcpy(a->mac.b, h->mac, sizeof(a->mac.b));
	c->hold = n->now + n->p->address_hold;
	nic_leave(n, dev, true, NBH_WHY_NIC);
	nic_start(n, dev, 0);
}

static bool
has_arcs(const struct nic *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i]->state >= NBH_AGREED)
			return true;
	return false;
}

/*
 * Arcs are not given up because of one datagram: anybody could send it.  Who really has
 * our address says so for as long as it takes to be sure of a neighbour's silence.
 */
static bool
claim_stands(struct nbh *n, struct nic *c, const struct peer_hello *h)
{
	const uint64_t patience = (uint64_t)h->interval * 3500;

	if (c->claim_node != h->node || n->now - c->claim_last > patience) {
		c->claim_node = h->node;
		c->claim = n->now;
	}
	c->claim_last = n->now;
	return n->now - c->claim >= patience;
}

void
nic_conflict(struct nbh *n, unsigned dev, unsigned at, const struct peer_hello *h)
{
	struct nic *c = &n->nic[at];
	ntk_mac_t mac;

	memcpy(mac.b, h->mac, sizeof(mac.b));
	/*
	 * The lower id stays (16.1 d).  Heard on another interface of ours than the one that has
	 * the address, the neighbour may never see the conflict: then it is we who move.
	 */
	if ((dev == at && h->node > n->node) || n->now < c->hold ||
	    (has_arcs(c) && !claim_stands(n, c, h))) {
		nb_refuse(n, dev, NBH_R_OUR_ADDRESS, h->node, &mac, h->address);
		return;
	}
	give_up_address(n, at, h);
}

/*
 * The kernel drops what comes from an address of its own, so two nodes with one address do not hear each
 * other; whoever hears both says so to both (hello.c).  That is hearsay, and anybody can say it: who
 * has arcs on the interface keeps its address, and the newcomer, who has none yet, takes another.
 */
bool
nic_told_shared(struct nbh *n, unsigned dev, const struct peer_hello *h)
{
	struct nic *c = &n->nic[dev];
	ntk_mac_t mac;

	memcpy(mac.b, h->mac, sizeof(mac.b));
	if (has_arcs(c) || n->now < c->hold) {
		nb_refuse(n, dev, NBH_R_TOLD_SHARED, h->node, &mac, h->address);
		return false;
	}
	give_up_address(n, dev, h);
	return true;
}

/* Until when the sender of H counts as being there. */
static uint64_t
stays(const struct nbh *n, const struct peer_hello *h)
{
	return n->now + (uint64_t)h->interval * 3500;
}

void
nic_rival(struct nbh *n, unsigned dev, struct entry *e, const struct peer_hello *h)
{
	struct nic *c = &n->nic[dev];
	struct rival *free = NULL;
	ntk_mac_t mac;

	memcpy(mac.b, h->mac, sizeof(mac.b));
	e->shared = stays(n, h);
	for (unsigned i = 0; i < RIVALS; i++) {
		struct rival *r = &c->rival[i];

		if (r->until > n->now && mac_cmp(r->mac, mac) == 0) {
			free = r;
			break;
		}
		if (r->until <= n->now && free == NULL)
			free = r;
	}
	/* With too many it is as if they had not been heard: they are told when the others have gone. */
	if (free != NULL)
		*free = (struct rival){ h->node, mac, stays(n, h) };
}

/* --- calls --------------------------------------------------------------------------- */

static bool
mac_is_free(const struct nbh *n, unsigned dev, ntk_mac_t mac)
{
	for (unsigned i = 0; i < NBH_DEVS; i++)
		if (i != dev && n->nic[i].managed && mac_cmp(n->nic[i].mac, mac) == 0)
			return false;
	return mac_is_unicast(mac);
}

static void
forget(struct nic *c)
{
	c->managed = c->carrier = false;
	c->hold = 0;
}

bool
nbh_nic_up(struct nbh *n, uint64_t now, unsigned dev, const char *name, ntk_mac_t mac,
    ntk_ip_t address, struct nbh_out *out)
{
	struct nic *c = &n->nic[dev < NBH_DEVS ? dev : 0];

	if (dev >= NBH_DEVS || !mac_is_free(n, dev, mac) || !nb_begin(n, now, out))
		return false;
	if (c->managed && mac_cmp(c->mac, mac) == 0) {
		nb_end(n);
		return true;
	}
	if (c->managed) {
		nic_leave(n, dev, false, NBH_WHY_NIC);
		forget(c);
	}
	c->managed = c->carrier = true;
	c->mac = mac;
	snprintf(c->name, sizeof(c->name), "%s", name);
	if (!linklocal_is_usable(address) || nbh_address_known(n, address))
		address = 0;
	nic_start(n, dev, address);
	nb_end(n);
	return true;
}

void
nbh_address_done(struct nbh *n, uint64_t now, unsigned dev, ntk_ip_t address, bool ok,
    struct nbh_out *out)
{
	struct nic *c = &n->nic[dev < NBH_DEVS ? dev : 0];

	if (dev >= NBH_DEVS || !nb_begin(n, now, out))
		return;
	if (c->managed && !c->ready && c->address == address && address != 0) {
		c->ready = ok;
		if (ok) {
			hello_start(n, dev);
		} else {
			c->address = 0;
			c->draw = n->now + SECOND;
		}
	}
	nb_end(n);
}

void
nbh_carrier(struct nbh *n, uint64_t now, unsigned dev, bool up, struct nbh_out *out)
{
	struct nic *c = &n->nic[dev < NBH_DEVS ? dev : 0];

	if (dev >= NBH_DEVS || !nb_begin(n, now, out))
		return;
	if (c->managed && c->carrier != up) {
		c->carrier = up;
		if (up) {
			hello_start(n, dev);
		} else {
			drop_entries(n, dev, false, NBH_WHY_CARRIER);
			hello_stop(n, dev);
		}
	}
	nb_end(n);
}

static void
leave(struct nbh *n, unsigned dev, bool usable)
{
	if (!n->nic[dev].managed)
		return;
	nic_leave(n, dev, usable, NBH_WHY_NIC);
	forget(&n->nic[dev]);
}

void
nbh_nic_down(struct nbh *n, uint64_t now, unsigned dev, struct nbh_out *out)
{
	if (dev >= NBH_DEVS || !nb_begin(n, now, out))
		return;
	leave(n, dev, true);
	nb_end(n);
}

void
nbh_nic_gone(struct nbh *n, uint64_t now, unsigned dev, struct nbh_out *out)
{
	if (dev >= NBH_DEVS || !nb_begin(n, now, out))
		return;
	leave(n, dev, false);
	nb_end(n);
}

void
nbh_stop(struct nbh *n, uint64_t now, struct nbh_out *out)
{
	if (!nb_begin(n, now, out))
		return;
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		leave(n, dev, true);
	nb_end(n);
}

void
nic_tick(struct nbh *n, unsigned dev)
{
	if (n->nic[dev].draw <= n->now)
		nic_start(n, dev, 0);
}
