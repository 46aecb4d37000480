/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What may be shown. */

#include <string.h>

#include "ntkd/core/nbh/int.h"

const char *
nbh_state_name(enum nbh_state s)
{
	static const char *const names[] = { "heard", "ready", "wanted", "opening", "agreed", "up" };

	_Static_assert(sizeof(names) / sizeof(names[0]) == NBH_STATE_LAST + 1, "a name for each");
	return (unsigned)s <= NBH_STATE_LAST ? names[s] : "?";
}

static const struct {
	const char *name;
	const char *text;
} whys[] = {
	[NBH_WHY_ORDER] = { "order", "removed on order" },
	[NBH_WHY_SILENT] = { "silent", "the neighbour is silent" },
	[NBH_WHY_CONNECTION] = { "connection", "the connection is broken" },
	[NBH_WHY_PEER] = { "peer", "removed by the neighbour" },
	[NBH_WHY_REOPENED] = { "reopened", "opened anew by the neighbour" },
	[NBH_WHY_CARRIER] = { "carrier", "no carrier" },
	[NBH_WHY_NIC] = { "interface", "the interface is given up" },
};
_Static_assert(sizeof(whys) / sizeof(whys[0]) == NBH_WHY_LAST + 1, "a name for each");

const char *
nbh_why_name(enum nbh_why w)
{
	return (unsigned)w <= NBH_WHY_LAST ? whys[w].name : "?";
}

const char *
nbh_why_text(enum nbh_why w)
{
	return (unsigned)w <= NBH_WHY_LAST ? whys[w].text : "?";
}

static void
show(const struct nbh *n, const struct entry *e, struct nbh_entry *out)
{
	*out = (struct nbh_entry){
		.entry = e->number,
		.dev = e->dev,
		.mac = e->mac,
		.node = e->node,
		.address = e->address,
		.state = e->state,
		.leads = !we_lead(n, e),
		.peer_wants = e->peer_wants,
		.measured = e->cost.known,
		.rtt = e->cost.smoothed,
		.cost = e->cost.official,
		.interval = e->interval,
		.heard = e->heard,
		.arc = e->arc,
		.connection = e->connection != NULL ? e->connection->number : 0,
	};
}

size_t
nbh_entries(const struct nbh *n)
{
	size_t count = 0;

	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		count += n->nic[dev].n;
	return count;
}

bool
nbh_entry_at(const struct nbh *n, size_t i, struct nbh_entry *out)
{
	for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
		if (i < n->nic[dev].n) {
			show(n, n->nic[dev].v[i], out);
			return true;
		}
		i -= n->nic[dev].n;
	}
	return false;
}

bool
nbh_entry_find(const struct nbh *n, unsigned dev, ntk_mac_t mac, struct nbh_entry *out)
{
	const struct entry *e = dev < NBH_DEVS ? entry_find(n, dev, mac) : NULL;

	if (e != NULL)
		show(n, e, out);
	return e != NULL;
}

bool
nbh_arc_find(const struct nbh *n, uint32_t arc, struct nbh_entry *out)
{
	const struct entry *e = entry_of_arc(n, arc);

	if (e != NULL)
		show(n, e, out);
	return e != NULL;
}

bool
nbh_nic(const struct nbh *n, unsigned dev, struct nbh_nic *out)
{
	const struct nic *c = &n->nic[dev < NBH_DEVS ? dev : 0];

	if (dev >= NBH_DEVS || !c->managed)
		return false;
	*out = (struct nbh_nic){ .mac = c->mac, .address = c->address, .ready = c->ready,
		.carrier = c->carrier, .entries = c->n };
	memcpy(out->name, c->name, sizeof(out->name));
	return true;
}

bool
nbh_address_known(const struct nbh *n, ntk_ip_t address)
{
	for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
		if (n->nic[dev].managed && n->nic[dev].address == address)
			return true;
		if (entry_at(n, dev, address) != NULL)
			return true;
	}
	return false;
}

enum nbh_connection_state
nbh_connection(const struct nbh *n, uint32_t connection, uint32_t *arc, uint64_t *silent)
{
	const struct connection *c = connection_find(n, connection);
	const struct entry *e = c != NULL ? c->entry : NULL;

	/* Who said nothing yet is expected to have the usual interval. */
	if (silent != NULL)
		*silent = e != NULL ? silence(e) : n->p->interval * 3500;
	if (arc != NULL)
		*arc = e != NULL ? e->arc : 0;
	if (c == NULL)
		return NBH_C_NONE;
	if (e == NULL || e->state < NBH_AGREED)
		return NBH_C_OPENING;
	return e->state == NBH_UP ? NBH_C_UP : NBH_C_AGREED;
}
