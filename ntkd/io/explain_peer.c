/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb explain, asked about a neighbour: who hears it, how far the arc has come, and of each identity
 * what joins the two: the identity-arc with the (pseudo-)interface it uses, and what the kernel does with
 * packets that come over it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/io/explain.h"
#include "ntkd/io/value.h"
#include "ntkd/kernel/wanted.h"

enum { WHY = 240, RULE = 96 };

/* A neighbour that is asked about, and the identity that is looked at. */
struct asked {
	const struct daemon *d;
	const struct explain_peer *peer;
	struct node_identity id;
	const struct node_iarc *arc;
};

struct explain_peer
explain_peer(const struct ctl_value *v)
{
	struct explain_peer p = { .by_mac = v->is_mac, .linklocal = v->is_mac ? 0 : (ntk_ip_t)v->number };

	memcpy(p.mac.b, v->mac, sizeof(p.mac.b));
	return p;
}

static bool
is_it(const struct explain_peer *p, ntk_mac_t mac, ntk_ip_t linklocal)
{
	return p->by_mac ? mac_cmp(p->mac, mac) == 0 : p->linklocal == linklocal;
}

json_t *
explain_rule(const struct daemon *d, ntk_mac_t mac)
{
	bool ntk = mac_cmp(mac, KOBJ_NTK) == 0;
	char name[VALUE_TABLE_NAME], mark[RULE] = "", text[RULE + VALUE_TABLE_NAME + 32];

	if (!ntk)
		snprintf(mark, sizeof(mark), "fwmark 0x%x/0x%x ", (unsigned)kernel_table(d->kernel, mac),
		    (unsigned)d->conf.mark_mask);
	snprintf(text, sizeof(text), "%u: from all %slookup %s",
	    (unsigned)(d->conf.rule_priority + (ntk ? 1 : 0)), mark, value_table_name(mac, name));
	return json_string(text);
}

int
explain_hop(const struct node_identity *id, unsigned dev, ntk_ip_t linklocal)
{
	for (size_t i = 0; i < id->facts->n_arcs; i++)
		if (id->facts->arcs[i].dev == dev && id->facts->arcs[i].peer_linklocal == linklocal)
			return (int)i;
	return -1;
}

/* --- who it is ------------------------------------------------------------------ */

static bool
find_iarc(const struct daemon *d, const struct explain_peer *p, ntk_mac_t *mac)
{
	bool found = false;

	for (size_t i = 0; i < node_identities(d->node) && !found; i++) {
		struct node_identity id = node_identity(d->node, i);
		size_t n;
		struct node_iarc *v = value_identity_arcs(d->node, &id, &n);

		for (size_t k = 0; v != NULL && k < n && !found; k++)
			if (is_it(p, v[k].peer_mac, v[k].peer_linklocal)) {
				*mac = v[k].peer_mac;
				found = true;
			}
		free(v);
	}
	return found;
}

static bool
find_accepted(const struct daemon *d, const struct explain_peer *p, ntk_mac_t *mac)
{
	size_t n = node_real_arcs(d->node, NULL, 0);
	struct node_real_arc *v = calloc(n + 1, sizeof(*v));
	bool found = false;

	if (v != NULL)
		node_real_arcs(d->node, v, n);
	for (size_t i = 0; v != NULL && i < n && !found; i++)
		if (is_it(p, v[i].peer_mac, v[i].peer_linklocal)) {
			*mac = v[i].peer_mac;
			found = true;
		}
	free(v);
	return found;
}

bool
explain_find(const struct daemon *d, const struct explain_peer *p, ntk_mac_t *mac)
{
	struct nbh_entry e;
	ntk_mac_t found;

	if (mac == NULL)
		mac = &found;
	for (size_t i = 0; nbh_entry_at(node_nbh(d->node), i, &e); i++)
		if (is_it(p, e.mac, e.address)) {
			*mac = e.mac;
			return true;
		}
	return find_iarc(d, p, mac) || find_accepted(d, p, mac);
}

/* Is what is asked about one end of an identity-arc over ARC? */
static bool
is_over(const struct daemon *d, const struct explain_peer *p, uint32_t arc)
{
	bool found = false;

	for (size_t i = 0; arc != 0 && i < node_identities(d->node) && !found; i++) {
		struct node_identity id = node_identity(d->node, i);
		size_t n;
		struct node_iarc *v = value_identity_arcs(d->node, &id, &n);

		for (size_t k = 0; v != NULL && k < n && !found; k++)
			found = v[k].arc == arc && is_it(p, v[k].peer_mac, v[k].peer_linklocal);
		free(v);
	}
	return found;
}

/* --- the neighbour ----------------------------------------------------------------- */

static const char *
why_entry(const struct daemon *d, const struct nbh_entry *e)
{
	switch (e->state) {
	case NBH_HEARD:
		return "it is heard, and does not say that it hears us";
	case NBH_READY:
		return d->conf.mode == CONF_MANUAL ?
		    "both hear each other; no arc, as it was not accepted here (add_real_arc)" :
		    "both hear each other; no arc, as another pair of interfaces or a limit stands in its way";
	case NBH_WANTED:
		if (!e->peer_wants)
			return "an arc is wanted here, and not by the neighbour yet";
		return e->leads ? "both want an arc, and the neighbour is about to connect" :
		    "both want an arc, and we are about to connect";
	case NBH_OPENING:
		return "both want an arc, and a connection is being made";
	case NBH_AGREED:
		return "both ends agreed; the kernel is about to be given the route to it";
	case NBH_UP:
		return "there is an arc with it";
	}
	return "?";
}

static json_t *
json_entry(const struct daemon *d, const struct nbh_entry *e)
{
	struct node_identity id = { .main = true };
	uint64_t now = daemon_now();

	return json_pack("{s:s, s:s, s:o*, s:o, s:o, s:o*, s:s, s:b, s:I, s:s}",
	    "about", "neighbour",
	    "dev", d->conf.interfaces[e->dev].name,
	    "mac", value_device_mac(d, &id, e->dev),
	    "peer_mac", value_mac(e->mac),
	    "peer_linklocal", value_ip(e->address),
	    "cost", e->measured ? json_integer(e->cost) : NULL,
	    "arc_state", nbh_state_name(e->state),
	    "peer_wants", e->peer_wants,
	    "silent", (json_int_t)((now > e->heard ? now - e->heard : 0) / 1000),
	    "why", why_entry(d, e));
}

static void
add_entries(const struct daemon *d, const struct explain_peer *p, json_t **list)
{
	struct nbh_entry e;

	for (size_t i = 0; nbh_entry_at(node_nbh(d->node), i, &e); i++)
		if (is_it(p, e.mac, e.address) || is_over(d, p, e.arc))
			value_add(list, json_entry(d, &e));
}

/* Accepted, and not heard. */
static void
add_missing(const struct daemon *d, const struct explain_peer *p, json_t **list)
{
	size_t n = node_real_arcs(d->node, NULL, 0);
	struct node_real_arc *v = calloc(n + 1, sizeof(*v));
	struct nbh_entry e;

	if (v != NULL)
		node_real_arcs(d->node, v, n);
	else
		value_add(list, NULL);
	for (size_t i = 0; v != NULL && i < n; i++)
		if (is_it(p, v[i].peer_mac, v[i].peer_linklocal) &&
		    !nbh_entry_find(node_nbh(d->node), v[i].dev, v[i].peer_mac, &e))
			value_add(list, json_pack("{s:s, s:s, s:o, s:s, s:I, s:s}",
			    "about", "neighbour",
			    "dev", d->conf.interfaces[v[i].dev].name,
			    "peer_mac", value_mac(v[i].peer_mac),
			    "arc_state", "unheard",
			    "cost", (json_int_t)v[i].cost,
			    "why", "it was accepted here, and is not heard on this interface"));
	free(v);
}

/* --- its identity-arcs ---------------------------------------------------------------- */

static bool
has_object(const struct asked *a, enum kobj_kind kind)
{
	struct kobj key = { .kind = (uint8_t)kind, .mac = a->arc->peer_mac };

	return kset_find(kernel_applied(a->d->kernel, a->id.ns), &key) != NULL;
}

/* How many routes of TYPE its table has in the kernel. */
static json_int_t
routes(const struct asked *a, enum priv_route_type type)
{
	const struct kset *s = kernel_applied(a->d->kernel, a->id.ns);
	json_int_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].kind == KOBJ_ROUTE && s->v[i].type == type &&
		    mac_cmp(s->v[i].mac, a->arc->peer_mac) == 0;
	return n;
}

static bool
has_route(const struct asked *a)
{
	struct kobj key = { .kind = KOBJ_NEIGH, .dev = (uint8_t)a->arc->dev, .addr = a->arc->peer_linklocal };

	return kset_find(kernel_applied(a->d->kernel, a->id.ns), &key) != NULL;
}

/* Paths that begin with it. */
static json_int_t
paths(const struct asked *a)
{
	const struct facts *f = a->id.facts;
	int hop = explain_hop(&a->id, a->arc->dev, a->arc->peer_linklocal);
	json_int_t n = 0;

	for (size_t i = 0; i < f->n_paths; i++)
		n += f->paths[i].arc == hop;
	return n;
}

static const char *
why_iarc(const struct asked *a)
{
	if (!has_route(a))
		return "the kernel is about to be given the route to it";
	if (!a->arc->qspn)
		return "no paths are exchanged over it: the route to the neighbour is all there is";
	if (a->arc->closing)
		return "it is being given up: no path uses it, and its packets are served until the neighbour knows";
	if (!a->arc->known)
		return "the neighbour's address is not known yet: no rule leads to the table for its packets";
	if (!has_object(a, KOBJ_RULE))
		return "the kernel is about to be given the table and the rule for its packets";
	return "its packets are marked, and the rule sends them to its table: never back through its own g-node";
}

/* What serves the neighbour's packets; false when memory is exhausted. */
static bool
add_table(const struct asked *a, json_t *row)
{
	uint32_t table = kernel_table(a->d->kernel, a->arc->peer_mac);
	const struct topo *t = &a->d->conf.map.topo;
	char name[VALUE_TABLE_NAME], mark[RULE];
	struct coord avoid;
	json_t *more;
	bool ok;

	if (!a->arc->qspn || table == 0)
		return true;
	snprintf(mark, sizeof(mark), "0x%x/0x%x", (unsigned)table, (unsigned)a->d->conf.mark_mask);
	more = json_pack("{s:I, s:s, s:s*, s:o*, s:o*, s:I, s:I, s:I}",
	    "table", (json_int_t)table,
	    "name", value_table_name(a->arc->peer_mac, name),
	    "mark", has_object(a, KOBJ_MARK) ? mark : NULL,
	    "rule", has_object(a, KOBJ_RULE) ? explain_rule(a->d, a->arc->peer_mac) : NULL,
	    "avoid", a->arc->known && naddr_coord(t, &a->id.facts->address, &a->arc->peer_address, &avoid) ?
	    value_coord(avoid) : NULL,
	    "unicast", routes(a, PRIV_ROUTE_UNICAST),
	    "unreachable", routes(a, PRIV_ROUTE_UNREACHABLE),
	    "blackhole", routes(a, PRIV_ROUTE_BLACKHOLE));
	ok = more != NULL && json_object_update(row, more) == 0;
	json_decref(more);
	return ok;
}

static json_t *
json_iarc(const struct asked *a)
{
	const struct facts *f = a->id.facts;
	const struct node_iarc *arc = a->arc;
	json_t *row = json_pack("{s:s, s:I, s:o, s:o*, s:I, s:o*, s:o*, s:o*, s:o, s:o, s:o*, s:o*, s:b, s:b, s:o*, "
	    "s:I, s:s}",
	    "about", "identity_arc",
	    "identity", (json_int_t)a->id.index,
	    "identity_address", value_naddr(&a->d->conf, &f->address),
	    "namespace", value_namespace(a->d, &a->id),
	    "arc", (json_int_t)arc->index,
	    "dev", json_string(a->d->conf.interfaces[arc->dev].name),
	    "ns_dev", value_device(a->d, &a->id, arc->dev),
	    "mac", value_device_mac(a->d, &a->id, arc->dev),
	    "peer_mac", value_mac(arc->peer_mac),
	    "peer_linklocal", value_ip(arc->peer_linklocal),
	    "linklocal", f->has_dev[arc->dev] ? value_ip(f->linklocal[arc->dev]) : NULL,
	    "peer_address", arc->known ? value_naddr(&a->d->conf, &arc->peer_address) : NULL,
	    "qspn", arc->qspn,
	    "closing", arc->closing,
	    "cost", arc->cost > 0 ? json_integer((json_int_t)arc->cost) : NULL,
	    "paths", paths(a),
	    "why", why_iarc(a));

	if (row != NULL && !add_table(a, row)) {
		json_decref(row);
		row = NULL;
	}
	return row;
}

/* An identity-arc is meant by its own addresses at the far end, and by those of the arc that it is over. */
static bool
is_meant(const struct asked *a)
{
	struct nbh_entry e;

	return is_it(a->peer, a->arc->peer_mac, a->arc->peer_linklocal) ||
	    (a->arc->arc != 0 && nbh_arc_find(node_nbh(a->d->node), a->arc->arc, &e) &&
	    is_it(a->peer, e.mac, e.address));
}

static void
add_iarcs(struct asked *a, json_t **list)
{
	size_t n;
	struct node_iarc *v = value_identity_arcs(a->d->node, &a->id, &n);

	if (v == NULL)
		value_add(list, NULL);
	for (size_t i = 0; v != NULL && i < n; i++) {
		a->arc = &v[i];
		if (is_meant(a))
			value_add(list, json_iarc(a));
	}
	free(v);
}

void
explain_neighbour(const struct daemon *d, const struct explain_peer *p, json_t **list)
{
	struct asked a = { .d = d, .peer = p };

	add_entries(d, p, list);
	add_missing(d, p, list);
	for (size_t i = 0; i < node_identities(d->node); i++) {
		a.id = node_identity(d->node, i);
		add_iarcs(&a, list);
	}
}
