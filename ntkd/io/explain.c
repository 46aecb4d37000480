/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb explain: what the kernel does with a packet to some address, in every
 * namespace, and why it was told to.  Looks where the kernel looks, in the same order
 * (own addresses, the table of the sender, ntk, main), in the state that was applied;
 * the reasons come from the facts that this state was made of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/io/explain.h"
#include "ntkd/io/value.h"
#include "ntkd/io/verbs.h"
#include "ntkd/kernel/wanted.h"

enum {
	WHY = 280,
	OTHERS = 16,		/* further paths that are told */
};

/* One packet in one namespace. */
struct packet {
	const struct daemon *d;
	struct node_identity id;
	ntk_ip_t asked;		/* destination as it arrives */
	ntk_ip_t to;		/* after prefix mapping */
	bool has_from;
	ntk_mac_t from;
	int arc;		/* the sender's, when its address is known; else -1 */
	const struct kset *have;
	const struct kset *want;
	const struct kobj *o;	/* what decides, NULL: nothing of ours */
	const char *state;
	bool has_class;
	struct map4_class class_;
	/* of a route whose destination is known */
	bool has_dst;
	struct coord dst;
	const struct facts_path *path;
	size_t paths;		/* known to the destination */
	int hop;		/* arc to the neighbour that it goes to next; -1: none, or not known */
};

/* --- where the kernel looks ------------------------------------------------ */

static bool
has_rule(const struct kset *s, ntk_mac_t mac)
{
	struct kobj rule = { .kind = KOBJ_RULE, .mac = mac };

	return kset_find(s, &rule) != NULL;
}

/* The longest prefix of MAC's table that holds TO. */
static const struct kobj *
route_find(const struct kset *s, ntk_mac_t mac, ntk_ip_t to)
{
	const struct kobj *best = NULL;

	if (!has_rule(s, mac))
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		const struct kobj *o = &s->v[i];
		ntk_prefix_t p = { o->addr, o->len };

		if (o->kind == KOBJ_ROUTE && mac_cmp(o->mac, mac) == 0 && prefix_has_ip(p, to) &&
		    (best == NULL || o->len > best->len))
			best = o;
	}
	return best;
}

/* The first object of KIND with address TO. */
static const struct kobj *
address_find(const struct kset *s, enum kobj_kind kind, ntk_ip_t to)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].kind == kind && s->v[i].addr == to)
			return &s->v[i];
	return NULL;
}

/* Own addresses come before all rules, ntk after those by mark, main last. */
static const struct kobj *
decides(const struct packet *p, const struct kset *s)
{
	const struct kobj *o = address_find(s, KOBJ_ADDR, p->to);

	if (o == NULL && p->has_from)
		o = route_find(s, p->from, p->to);
	if (o == NULL)
		o = route_find(s, KOBJ_NTK, p->to);
	if (o == NULL)
		o = address_find(s, KOBJ_NEIGH, p->to);
	return o;
}

static const char *
state_of(const struct kobj *have, const struct kobj *want)
{
	if (want == NULL)
		return "surplus";
	if (have == NULL)
		return "missing";
	return kobj_cmp(have, want) == 0 && kobj_same_value(have, want) ? "applied" : "different";
}

static void
packet_route(struct packet *p)
{
	const struct kobj *have = decides(p, p->have), *want = decides(p, p->want);

	p->o = have != NULL ? have : want;
	p->state = p->o != NULL ? state_of(have, want) : NULL;
	p->hop = -1;
	if (p->o != NULL && p->o->kind == KOBJ_NEIGH)
		p->hop = explain_hop(&p->id, p->o->dev, p->o->addr);
	else if (p->o != NULL && p->o->kind == KOBJ_ROUTE && p->o->type == PRIV_ROUTE_UNICAST)
		p->hop = explain_hop(&p->id, p->o->via_dev, p->o->via);
}

/* The translation of KIND that concerns destination TO. */
static const struct kobj *
nat_find(const struct kset *s, enum priv_nat_kind kind, ntk_ip_t to)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct kobj *o = &s->v[i];
		ntk_prefix_t p = { o->addr, o->len };

		if (o->kind == KOBJ_NAT && o->nat == kind && prefix_has_ip(p, to))
			return o;
	}
	return NULL;
}

/* Spec/kernel-state 4: what arrives is mapped before it is routed; our own is not. */
static void
packet_map(struct packet *p)
{
	const struct kobj *o = p->has_from ? nat_find(p->have, PRIV_NAT_MAP_IN, p->asked) : NULL;

	p->to = o != NULL ? o->via | (p->asked & ~prefix_mask(o->to_len)) : p->asked;
}

/* --- why ------------------------------------------------------------------- */

static bool
by_sender(const struct packet *p)
{
	return p->o != NULL && p->o->kind == KOBJ_ROUTE && mac_cmp(p->o->mac, KOBJ_NTK) != 0;
}

/* The maximum distinct g-node of the sender, when its table decides. */
static bool
packet_avoids(const struct packet *p, struct coord *avoid)
{
	const struct facts *f = p->id.facts;

	return by_sender(p) && p->arc >= 0 && naddr_coord(&p->d->conf.map.topo, &f->address,
	    &f->arcs[p->arc].peer, avoid);
}

/* Whether class and destination of the route are those of V. */
static bool
is_destination(const struct packet *p, const struct wanted_dst *v)
{
	return v->prefix.addr == p->o->addr && v->prefix.len == p->o->len;
}

/* Finds the g-node that the route leads to, and the paths there.  False without memory. */
static bool
packet_destination(struct packet *p, const struct wanted_settings *s)
{
	const struct facts *f = p->id.facts;
	size_t n = wanted_destinations(s, f, NULL, 0);
	struct wanted_dst *v = calloc(n + 1, sizeof(*v));

	if (v == NULL)
		return false;
	wanted_destinations(s, f, v, n);
	for (size_t i = 0; i < n && !p->has_dst; i++)
		if (is_destination(p, &v[i])) {
			p->has_dst = true;
			p->dst = v[i].dst;
		}
	free(v);
	for (size_t i = 0; p->has_dst && i < f->n_paths; i++)
		p->paths += coord_equal(f->paths[i].dst, p->dst);
	if (p->has_dst && (!by_sender(p) || p->arc >= 0))
		p->path = wanted_path(f, &p->d->conf.map.topo, p->dst, by_sender(p) ? p->arc : -1);
	return true;
}

/* The place of the path among those to its destination, best first, from 1. */
static size_t
path_rank(const struct packet *p)
{
	const struct facts *f = p->id.facts;
	size_t rank = 0;

	for (const struct facts_path *at = f->paths; at <= p->path; at++)
		rank += coord_equal(at->dst, p->dst);
	return rank;
}

static void
why_nothing(const struct packet *p, char *why)
{
	const struct map4 *m = &p->d->conf.map;
	const struct facts *f = p->id.facts;
	ntk_ip_t own;

	if (p->to != p->asked)
		snprintf(why, WHY, "for a host of the private subnet: the routes there are not ours");
	else if (!p->id.main)
		snprintf(why, WHY, p->has_from ? "no table: this neighbour has no known arc with the "
		    "identity" : "no table: nothing begins in this namespace, it only forwards");
	else if (!prefix_has_ip(m->range, p->to))
		snprintf(why, WHY, "outside the range of the network: the host's own routes decide");
	else if (p->has_class && map4_node(m, &f->address, p->class_, &own) && own == p->to)
		snprintf(why, WHY, "our own, but of a kind that the configuration does not accept: "
		    "the host's own routes decide");
	else
		snprintf(why, WHY, "no g-node that this identity can name has it: the host's own "
		    "routes decide");
}

static void
why_route(const struct packet *p, char *why)
{
	struct coord avoid;
	bool avoids = packet_avoids(p, &avoid);

	switch ((enum priv_route_type)p->o->type) {
	case PRIV_ROUTE_BLACKHOLE:
		snprintf(why, WHY, "internal to level %u, and the sender's g-node of that level is "
		    "not ours: it cannot mean a place in ours", p->class_.level);
		return;
	case PRIV_ROUTE_UNREACHABLE:
		if (p->paths == 0)
			snprintf(why, WHY, "no path to the g-node is known");
		else if (!avoids)
			snprintf(why, WHY, "the sender's address is not known");
		else
			snprintf(why, WHY, "every known path to the g-node (%zu) goes through the "
			    "sender's g-node", p->paths);
		return;
	case PRIV_ROUTE_UNICAST:
		snprintf(why, WHY, "number %zu of %zu known paths to the g-node: the best%s; told by the "
		    "neighbour that it goes to", path_rank(p), p->paths,
		    avoids ? " that does not go through the sender's g-node" : "");
		return;
	}
}

/* Why the kernel was told what it was told. */
static void
packet_why(const struct packet *p, char *why)
{
	if (p->o == NULL)
		why_nothing(p, why);
	else if (strcmp(p->state, "applied") != 0)
		snprintf(why, WHY, "the kernel is about to be told otherwise");
	else if (p->o->kind == KOBJ_ADDR)
		snprintf(why, WHY, p->o->dev == KOBJ_LO ? "the network's synonym of localhost" :
		    "an address of this system");
	else if (p->o->kind == KOBJ_NEIGH)
		snprintf(why, WHY, "a neighbour's link-local address: straight to it");
	else if (!p->has_dst || (p->o->type == PRIV_ROUTE_UNICAST && p->path == NULL))
		snprintf(why, WHY, "the facts that this route was made of are gone");
	else
		why_route(p, why);
}

/* --- as JSON ---------------------------------------------------------------- */

static bool
set(json_t *row, const char *key, json_t *value)
{
	return json_object_set_new(row, key, value) == 0;
}

static bool
set_number(json_t *row, const char *key, uint64_t number)
{
	return set(row, key, json_integer((json_int_t)number));
}

static const char *
type_of(const struct packet *p)
{
	if (p->o == NULL)
		return "none";
	if (p->o->kind == KOBJ_ROUTE)
		return value_route_type(p->o->type);
	return p->o->kind == KOBJ_ADDR ? "local" : "unicast";
}

/* The rule that leads to what decides: own addresses and what is not ours are in the kernel's own tables. */
static json_t *
json_rule(const struct packet *p)
{
	if (p->o == NULL)
		return p->id.main ? json_string("32766: from all lookup main") : NULL;
	if (p->o->kind == KOBJ_ADDR)
		return json_string("0: from all lookup local");
	if (p->o->kind == KOBJ_NEIGH)
		return json_string("32766: from all lookup main");
	return explain_rule(p->d, p->o->mac);
}

/* Table, prefix and type of a route, ours or a neighbour's own. */
static bool
row_route(json_t *row, const struct packet *p)
{
	const struct kobj *o = p->o;
	bool neighbour = o->kind == KOBJ_NEIGH, unicast = o->type == PRIV_ROUTE_UNICAST;
	char name[VALUE_TABLE_NAME];
	uint32_t table = neighbour ? VALUE_MAIN_TABLE : value_table_number(p->d, o->mac);

	return (table == 0 || set_number(row, "table", table)) &&
	    set(row, "name", json_string(neighbour ? "main" : value_table_name(o->mac, name))) &&
	    set(row, "prefix", value_prefix(o->addr, neighbour ? NTK_IP_BITS : o->len)) &&
	    (neighbour || !unicast || set(row, "via", value_ip(o->via))) &&
	    (o->src == 0 || set(row, "src", value_ip(o->src)));
}

/* By which interface it leaves. */
static bool
row_device(json_t *row, const struct packet *p)
{
	const struct kobj *o = p->o;
	bool neighbour = o->kind == KOBJ_NEIGH;
	uint8_t dev = neighbour ? o->dev : o->via_dev;
	json_t *members;
	bool ok;

	if (!neighbour && o->type != PRIV_ROUTE_UNICAST)
		return true;
	members = json_pack("{s:s, s:o*, s:o*}",
	    "dev", p->d->conf.interfaces[dev].name,
	    "ns_dev", value_device(p->d, &p->id, dev),
	    "mac", value_device_mac(p->d, &p->id, dev));
	ok = members != NULL && json_object_update(row, members) == 0;
	json_decref(members);
	return ok;
}

/* To whom. */
static bool
row_hop(json_t *row, const struct packet *p)
{
	const struct facts_arc *arc;

	if (p->hop < 0)
		return true;
	arc = &p->id.facts->arcs[p->hop];
	return set(row, "arc", json_integer(value_arc_index(p->d, &p->id, (size_t)p->hop))) &&
	    set(row, "peer_mac", value_mac(arc->peer_mac)) &&
	    set(row, "peer_linklocal", value_ip(arc->peer_linklocal)) &&
	    (!arc->known || set(row, "peer_address", value_naddr(&p->d->conf, &arc->peer)));
}

/* What becomes of source addresses on the way out. */
static bool
row_nat(json_t *row, const struct packet *p)
{
	const struct kobj *o = nat_find(p->have, PRIV_NAT_SOURCE, p->to);
	const struct kobj *subnet = nat_find(p->have, PRIV_NAT_MAP_OUT, p->to);

	if (p->o == NULL || p->o->kind != KOBJ_ROUTE || p->o->type != PRIV_ROUTE_UNICAST)
		return true;
	return (o == NULL || set(row, "source_nat", value_ip(o->via))) &&
	    (subnet == NULL || set(row, "subnet_nat", value_prefix(subnet->via, subnet->to_len)));
}

/* --- the other paths ------------------------------------------------------------- */

static bool
path_passes(const struct facts *f, const struct facts_path *path, struct coord at)
{
	for (uint32_t i = 0; i < path->n_hops; i++)
		if (coord_equal(f->hops[path->first_hop + i], at))
			return true;
	return false;
}

static const char *
why_not(const struct packet *p, const struct facts_path *path)
{
	struct coord avoid;

	if (packet_avoids(p, &avoid) && path_passes(p->id.facts, path, avoid))
		return "goes through the sender's g-node";
	if (p->o->type != PRIV_ROUTE_UNICAST || p->path == NULL)
		return "no path is used";
	return path->cost > p->path->cost ? "costs more" : "costs the same, and comes after";
}

static json_t *
json_other(const struct packet *p, const struct facts_path *path)
{
	const struct facts_arc *arc = &p->id.facts->arcs[path->arc];

	return json_pack("{s:I, s:s, s:o, s:o*, s:I, s:o, s:s}",
	    "arc", value_arc_index(p->d, &p->id, path->arc),
	    "dev", p->d->conf.interfaces[arc->dev].name,
	    "peer_linklocal", value_ip(arc->peer_linklocal),
	    "peer_address", arc->known ? value_naddr(&p->d->conf, &arc->peer) : NULL,
	    "cost", (json_int_t)path->cost,
	    "hops", value_hops(p->id.facts, path),
	    "why", why_not(p, path));
}

/* Those to the same destination that are not taken, best first. */
static bool
row_others(json_t *row, const struct packet *p)
{
	const struct facts *f = p->id.facts;
	const struct facts_path *taken = p->o->type == PRIV_ROUTE_UNICAST ? p->path : NULL;
	json_t *list = json_array();
	size_t n = 0;

	for (size_t i = 0; i < f->n_paths && n < OTHERS; i++)
		if (&f->paths[i] != taken && coord_equal(f->paths[i].dst, p->dst)) {
			value_add(&list, json_other(p, &f->paths[i]));
			n++;
		}
	if (n > 0 || list == NULL)
		return set(row, "others", list);
	json_decref(list);
	return true;
}

/* Destination g-node and paths; one as taken only where it is what the kernel was told. */
static bool
row_path(json_t *row, const struct packet *p)
{
	const struct facts *f = p->id.facts;
	struct coord avoid;
	bool taken = p->path != NULL && p->o->type == PRIV_ROUTE_UNICAST;

	return (!packet_avoids(p, &avoid) || set(row, "avoid", value_coord(avoid))) &&
	    (!p->has_dst || (set(row, "dst", value_coord(p->dst)) &&
	    set(row, "gnode", value_gnode(&p->d->conf, &f->address, p->dst)) &&
	    set_number(row, "paths", p->paths) && row_others(row, p))) &&
	    (!taken || (set(row, "hops", value_hops(f, p->path)) &&
	    set_number(row, "cost", p->path->cost)));
}

/* What the kernel was told; what is told of an own address is that it is one. */
static bool
row_told(json_t *row, const struct packet *p)
{
	json_t *rule = json_rule(p);

	if (rule != NULL && !set(row, "rule", rule))
		return false;
	return p->o == NULL || p->o->kind == KOBJ_ADDR || (row_route(row, p) && row_device(row, p) &&
	    row_hop(row, p));
}

static bool
row_address(json_t *row, const struct packet *p)
{
	return set(row, "address", value_ip(p->asked)) &&
	    (!p->has_class || set(row, "class", json_string(map4_kind_name(p->class_.kind)))) &&
	    (!p->has_class || p->class_.kind != MAP4_INTERNAL ||
	    set_number(row, "level", p->class_.level)) &&
	    (p->to == p->asked || set(row, "mapped", value_ip(p->to)));
}

/* NULL when memory is exhausted. */
static json_t *
packet_row(const struct packet *p)
{
	json_t *row = json_pack("{s:s, s:I, s:o, s:o*}", "about", "packet",
	    "identity", (json_int_t)p->id.index,
	    "identity_address", value_naddr(&p->d->conf, &p->id.facts->address),
	    "namespace", value_namespace(p->d, &p->id));
	char why[WHY];

	packet_why(p, why);
	if (row != NULL && row_address(row, p) && row_told(row, p) && row_nat(row, p) && row_path(row, p) &&
	    set(row, "type", json_string(type_of(p))) &&
	    (p->state == NULL || set(row, "state", json_string(p->state))) &&
	    set(row, "why", json_string(why)))
		return row;
	json_decref(row);
	return NULL;
}

/* The identity's known arc to the sender, -1: none. */
static int
arc_find(const struct facts *f, ntk_mac_t mac)
{
	for (size_t i = 0; i < f->n_arcs; i++)
		if (f->arcs[i].qspn && f->arcs[i].known && mac_cmp(f->arcs[i].peer_mac, mac) == 0)
			return (int)i;
	return -1;
}

/* Explains the packet in the namespace of ID. */
static json_t *
explain(struct packet *p, const struct node_identity *id)
{
	struct wanted_settings s = value_settings(&p->d->conf);
	json_t *row = NULL;
	struct kset want;

	kset_init(&want);
	p->id = *id;
	p->arc = p->has_from ? arc_find(id->facts, p->from) : -1;
	p->have = kernel_applied(p->d->kernel, id->ns);
	p->want = &want;
	packet_map(p);
	p->has_class = map4_classify(&s.map, p->asked, &p->class_);
	if (id->state == NODE_LEAVING || wanted_state(&s, id->facts, &want)) {
		packet_route(p);
		if (p->o == NULL || p->o->kind != KOBJ_ROUTE || packet_destination(p, &s))
			row = packet_row(p);
	}
	kset_free(&want);
	return row;
}

/* Says whom there is to ask for. */
static void
refuse_peer(struct answer *a, const char *field, const struct ctl_value *v)
{
	answer_refuse(a, "unknown_arc", field, "%.*s is no neighbour's address; show_neighborhood_arcs lists the "
	    "neighbours that are heard, show_identity_arcs those of an identity", (int)v->len, v->text);
}

/* Of the packets that C asks about, in every namespace; LIST becomes NULL when memory is exhausted. */
static void
explain_packets(const struct call *c, const ntk_mac_t *from, json_t **list)
{
	for (size_t i = 0; i < node_identities(c->d->node) && *list != NULL; i++) {
		struct node_identity id = node_identity(c->d->node, i);
		struct packet p = { .d = c->d, .asked = (ntk_ip_t)c->args[0].number };

		if (from != NULL) {
			p.has_from = true;
			p.from = *from;
		}
		value_add(list, explain(&p, &id));
	}
}

/* The sender.  A hardware address may be anybody's, a link-local one must be known to mean somebody. */
static bool
find_sender(const struct call *c, struct answer *a, ntk_mac_t *mac)
{
	struct explain_peer from = explain_peer(&c->args[1]);

	*mac = from.mac;
	if (from.by_mac || explain_find(c->d, &from, mac))
		return true;
	refuse_peer(a, "from", &c->args[1]);
	return false;
}

void
verb_explain(const struct call *c, struct answer *a)
{
	struct explain_peer peer = explain_peer(&c->args[0]);
	bool known = explain_find(c->d, &peer, NULL), has_from = c->args[1].given;
	ntk_mac_t from;
	json_t *list;

	if (peer.by_mac && has_from) {
		answer_refuse(a, "usage", "from", "explain: an IPv4 address is expected before it: what is told "
		    "of a neighbour does not depend on who sends");
		return;
	}
	if (peer.by_mac && !known) {
		refuse_peer(a, "address", &c->args[0]);
		return;
	}
	if (has_from && !find_sender(c, a, &from))
		return;
	list = json_array();
	if (!peer.by_mac)
		explain_packets(c, has_from ? &from : NULL, &list);
	if (known)
		explain_neighbour(c->d, &peer, &list);
	a->result = list;
}
