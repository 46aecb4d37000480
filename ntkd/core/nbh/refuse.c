/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/nbh/int.h"

/*
 * What was refused is counted always, and told rarely: whoever is on the link can
 * cause it as often as he likes.
 */

static const struct {
	const char *name;
	const char *text;
	bool told;
} refusals[] = {
	[NBH_R_OWN] = { "own_hello", "a hello of our own", false },
	[NBH_R_NIC] = { "interface_unused", "a hello on an interface that is not in use", false },
	[NBH_R_SOURCE] = { "source", "a hello that came from another address than it says", true },
	[NBH_R_ADDRESS] = { "address", "a hello with an address that no node may have", true },
	[NBH_R_OUR_MAC] = { "our_mac", "a neighbour has the hardware address of our interface", true },
	[NBH_R_OUR_ADDRESS] = { "our_address", "a neighbour uses our link-local address", true },
	[NBH_R_TOLD_SHARED] = { "told_shared", "a neighbour says that another interface uses our link-local "
	    "address", true },
	[NBH_R_NODE] = { "other_node", "another node claims a neighbour's hardware address", true },
	[NBH_R_MOVED] = { "other_address", "a neighbour's hardware address with another link-local "
	    "address", true },
	[NBH_R_SHARED] = { "shared_address", "another interface uses a neighbour's link-local address",
	    true },
	[NBH_R_ENTRIES] = { "entries", "too many neighbours on this interface", true },
	[NBH_R_ARCS] = { "arcs", "too many arcs: a neighbour is not wanted", true },
	[NBH_R_ECHO] = { "echo", "timestamps that give no round-trip time", false },
	[NBH_R_STRANGER] = { "stranger", "a connection from nobody who should connect", true },
	[NBH_R_HALF_OPEN] = { "half_open", "too many connections that say nothing", true },
	[NBH_R_LATE] = { "late", "a neighbour did not open an arc in time", true },
	[NBH_R_FAILED] = { "failed", "no connection to a neighbour", true },
	[NBH_R_SPEECH] = { "out_of_place", "a neighbour said what is out of place", true },
	[NBH_R_NOT_WANTED] = { "not_wanted", "a neighbour wants an arc that is not wanted here", true },
	[NBH_R_BUSY] = { "busy", "another arc stands in the way of one that a neighbour wants", true },
	[NBH_R_FLAPS] = { "flaps", "an arc that comes and goes has to wait", true },
	[NBH_R_TOPOLOGY] = { "topology", "a neighbour has another topology or range", true },
	[NBH_R_VERSION] = { "version", "a neighbour speaks another version of the protocol", true },
	[NBH_R_DECLINED] = { "declined", "a neighbour declined the arc that it wants", true },
	[NBH_R_ROUTE] = { "route", "the kernel did not take the route to a neighbour", true },
};
_Static_assert(sizeof(refusals) / sizeof(refusals[0]) == NBH_REFUSALS, "a name for each");

const char *
nbh_refusal_name(enum nbh_refusal r)
{
	return (unsigned)r < NBH_REFUSALS ? refusals[r].name : "?";
}

const char *
nbh_refusal_text(enum nbh_refusal r)
{
	return (unsigned)r < NBH_REFUSALS ? refusals[r].text : "?";
}

static void
tell(struct nbh *n, unsigned dev, enum nbh_refusal r)
{
	struct refused *f = &n->nic[dev].refused[r];
	struct nbh_action *a;

	if (f->count == 0 || n->now < f->quiet)
		return;
	a = nb_act(n, NBH_REFUSED);
	a->dev = dev;
	a->refusal = r;
	a->count = f->count;
	a->node = f->node;
	a->mac = f->mac;
	a->peer = f->peer;
	a->address = n->nic[dev].address;
	f->count = 0;
	f->quiet = n->now + n->p->log;
}

void
nb_refuse(struct nbh *n, unsigned dev, enum nbh_refusal r, uint32_t node, const ntk_mac_t *mac,
    ntk_ip_t peer)
{
	struct refused *f;

	n->stats.refused[r]++;
	if (!refusals[r].told || dev >= NBH_DEVS)
		return;
	f = &n->nic[dev].refused[r];
	f->count++;
	f->node = node;
	f->mac = mac != NULL ? *mac : (ntk_mac_t){ { 0 } };
	f->peer = peer;
	tell(n, dev, r);
}

void
nb_refuse_entry(struct nbh *n, const struct entry *e, enum nbh_refusal r)
{
	nb_refuse(n, e->dev, r, e->node, &e->mac, e->address);
}

void
nb_refuse_tick(struct nbh *n, unsigned dev)
{
	for (int r = 0; r < NBH_REFUSALS; r++)
		tell(n, dev, (enum nbh_refusal)r);
}

uint64_t
nb_refuse_deadline(const struct nic *c)
{
	uint64_t when = NEVER;

	for (int r = 0; r < NBH_REFUSALS; r++)
		if (c->refused[r].count != 0 && c->refused[r].quiet < when)
			when = c->refused[r].quiet;
	return when;
}
