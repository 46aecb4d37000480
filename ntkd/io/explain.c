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

#include "ntkd/io/daemon.h"
#include "ntkd/io/value.h"
#include "ntkd/io/verbs.h"
#include "ntkd/kernel/wanted.h"

enum { WHY = 240 };

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
		snprintf(why, WHY, "number %zu of %zu known paths to the g-node: the best%s",
		    path_rank(p), p->paths,
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

/* Table, prefix and type of a route, ours or a neighbour's own. */
static bool
row_route(json_t *row, const struct packet *p)
{
	const struct kobj *o = p->o;
	bool neighbour = o->kind == KOBJ_NEIGH, unicast = o->type == PRIV_ROUTE_UNICAST;
	uint8_t dev = neighbour ? o->dev : o->via_dev;
	char name[VALUE_TABLE_NAME];
	uint32_t table = neighbour ? VALUE_MAIN_TABLE : value_table_number(p->d, o->mac);

	return (table == 0 || set_number(row, "table", table)) &&
	    set(row, "name", json_string(neighbour ? "main" : value_table_name(o->mac, name))) &&
	    set(row, "prefix", value_prefix(o->addr, neighbour ? NTK_IP_BITS : o->len)) &&
	    (neighbour || !unicast || set(row, "via", value_ip(o->via))) &&
	    ((!neighbour && !unicast) ||
	    set(row, "dev", json_string(p->d->conf.interfaces[dev].name))) &&
	    (o->src == 0 || set(row, "src", value_ip(o->src)));
}

static bool
row_nat(json_t *row, const struct packet *p)
{
	const struct kobj *o = nat_find(p->have, PRIV_NAT_SOURCE, p->to);

	return o == NULL || p->o == NULL || p->o->kind != KOBJ_ROUTE ||
	    p->o->type != PRIV_ROUTE_UNICAST || set(row, "source_nat", value_ip(o->via));
}

/* Destination g-node and path; the path only where it is what the kernel was told. */
static bool
row_path(json_t *row, const struct packet *p)
{
	struct coord avoid;
	bool taken = p->path != NULL && p->o->type == PRIV_ROUTE_UNICAST;

	return (!packet_avoids(p, &avoid) || set(row, "avoid", value_coord(avoid))) &&
	    (!p->has_dst || (set(row, "dst", value_coord(p->dst)) &&
	    set_number(row, "paths", p->paths))) &&
	    (!taken || (set_number(row, "arc", p->path->arc) &&
	    set(row, "hops", value_hops(p->id.facts, p->path)) &&
	    set_number(row, "cost", p->path->cost)));
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
	json_t *row = json_pack("{s:I, s:o*}", "identity", (json_int_t)p->id.index,
	    "namespace", value_namespace(p->d, &p->id));
	char why[WHY];

	packet_why(p, why);
	if (row != NULL && row_address(row, p) &&
	    (p->o == NULL || p->o->kind == KOBJ_ADDR || row_route(row, p)) &&
	    row_nat(row, p) && row_path(row, p) &&
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

void
verb_explain(const struct call *c, struct answer *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < node_identities(c->d->node); i++) {
		struct node_identity id = node_identity(c->d->node, i);
		struct packet p = {
			.d = c->d,
			.asked = (ntk_ip_t)c->args[0].number,
			.has_from = c->args[1].given,
		};
		json_t *row;

		memcpy(p.from.b, c->args[1].mac, sizeof(p.from.b));
		row = explain(&p, &id);
		if (row == NULL) {
			json_decref(list);
			return;
		}
		value_add(&list, row);
	}
	a->result = list;
}
