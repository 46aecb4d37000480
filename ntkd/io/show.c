/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verbs that show.  Objects use the one vocabulary of INTERFACE; what is not
 * known is left out of its object.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "ntkd/io/ctl.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/verbs.h"
#include "ntkd/kernel/wanted.h"

enum {
	MAIN_TABLE = 254,	/* RT_TABLE_MAIN: neighbour routes, spec/kernel-state 6 */
	TABLE_NAME = 32,	/* room for "ntk_from_" and a hardware address */
	NS_NAME = 16,		/* room for "ntkv" and a number */
};

/* Adds ITEM, which is taken.  A list that memory did not suffice for becomes NULL. */
static void
list_add(json_t **list, json_t *item)
{
	if (*list == NULL) {
		json_decref(item);
	} else if (json_array_append_new(*list, item) != 0) {
		json_decref(*list);
		*list = NULL;
	}
}

static json_t *
json_mac(ntk_mac_t mac)
{
	char text[MAC_TEXT];

	return json_string(mac_print(mac, text));
}

static json_t *
json_ip(ntk_ip_t addr)
{
	char text[IP_TEXT];

	return json_string(ip_print(addr, text));
}

static json_t *
json_prefix(ntk_ip_t addr, uint8_t len)
{
	ntk_prefix_t p = { addr, len };
	char text[PREFIX_TEXT];

	return json_string(prefix_print(p, text));
}

static json_t *
json_naddr(const struct conf *c, const struct naddr *n)
{
	char text[TOPO_TEXT];

	return json_string(naddr_print(&c->map.topo, n, text));
}

static json_t *
json_coord(struct coord c)
{
	return json_pack("[I, I]", (json_int_t)c.level, (json_int_t)c.pos);
}

/* spec/kernel-state 7: tables are named by the neighbour's MAC in upper case. */
static char *
table_name(ntk_mac_t mac, char buf[TABLE_NAME])
{
	char text[MAC_TEXT];

	if (mac_cmp(mac, KOBJ_NTK) == 0)
		snprintf(buf, TABLE_NAME, "ntk");
	else
		snprintf(buf, TABLE_NAME, "ntk_from_%s", mac_print_upper(mac, text));
	return buf;
}

static uint32_t
table_number(const struct daemon *d, ntk_mac_t mac)
{
	return mac_cmp(mac, KOBJ_NTK) == 0 ? d->conf.tables.first : kernel_table(d->kernel, mac);
}

/* A number for JSON, left out of the object (NULL) when it is 0. */
static json_t *
json_unless_zero(uint32_t number)
{
	return number != 0 ? json_integer(number) : NULL;
}

/* The identity of the default namespace: there always is one. */
static struct node_identity
main_identity(const struct node *n)
{
	struct node_identity id = node_identity(n, 0);

	for (size_t i = 1; !id.main && i < node_identities(n); i++)
		id = node_identity(n, i);
	return id;
}

static const char *
helper_state(const struct kernel *k)
{
	if (!kernel_is_up(k))
		return "starting";
	return kernel_is_busy(k) ? "busy" : "idle";
}

void
verb_status(const struct call *c, struct answer *a)
{
	const struct conf *conf = &c->d->conf;
	struct node_identity id = main_identity(c->d->node);
	json_int_t present = 0;
	char topology[TOPO_TEXT];

	for (size_t i = 0; i < conf->n_interfaces; i++)
		present += kernel_device(c->d->kernel, 0, i).present;
	a->result = json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:s, s:I, s:I, s:I, s:s}",
	    "version", PACKAGE_VERSION,
	    "mode", conf->mode == CONF_MANUAL ? "manual" : "auto",
	    "topology", topo_print(&conf->map.topo, topology),
	    "range", json_prefix(conf->map.range.addr, conf->map.range.len),
	    "address", json_naddr(conf, &id.facts->address),
	    "uptime", (json_int_t)((daemon_now() - c->d->started) / 1000000),
	    "helper", helper_state(c->d->kernel),
	    "helper_pid", (json_int_t)c->d->helper_pid,
	    "identities", (json_int_t)node_identities(c->d->node),
	    "interfaces", present,
	    "log", log_level_name(log_get_level()));
}

void
verb_show_handlednics(const struct call *c, struct answer *a)
{
	struct node_identity id = main_identity(c->d->node);
	json_t *list = json_array();

	for (size_t i = 0; i < c->d->conf.n_interfaces; i++) {
		struct kernel_dev dev = kernel_device(c->d->kernel, 0, i);

		list_add(&list, json_pack("{s:s, s:o*, s:o*, s:o*}",
		    "dev", c->d->conf.interfaces[i].name,
		    "mac", dev.present ? json_mac(dev.mac) : NULL,
		    "linklocal", id.facts->has_dev[i] ? json_ip(id.facts->linklocal[i]) : NULL,
		    "ifindex", dev.present ? json_integer(dev.ifindex) : NULL));
	}
	a->result = list;
}

static const char *
state_name(enum node_state state)
{
	switch (state) {
	case NODE_STARTING:
		return "starting";
	case NODE_RUNNING:
		return "running";
	case NODE_LEAVING:
		return "leaving";
	}
	return "?";
}

/* What ip netns calls the namespace; NULL while it has no name. */
static json_t *
json_namespace(const struct daemon *d, const struct node_identity *id)
{
	uint32_t number = kernel_ns_number(d->kernel, id->ns);
	char name[NS_NAME];

	if (id->main)
		return json_string("default");
	if (number == 0)
		return NULL;
	snprintf(name, sizeof(name), "ntkv%u", (unsigned)number);
	return json_string(name);
}

void
verb_show_local_identities(const struct call *c, struct answer *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < node_identities(c->d->node); i++) {
		struct node_identity id = node_identity(c->d->node, i);

		list_add(&list, json_pack("{s:I, s:I, s:b, s:o, s:o*, s:s, s:b, s:I, s:I}",
		    "index", (json_int_t)id.index,
		    "nodeid", (json_int_t)id.id,
		    "main", id.main,
		    "address", json_naddr(&c->d->conf, &id.facts->address),
		    "namespace", json_namespace(c->d, &id),
		    "state", state_name(id.state),
		    "loaded", id.loaded,
		    "arcs", (json_int_t)id.facts->n_arcs,
		    "paths", (json_int_t)id.facts->n_paths));
	}
	a->result = list;
}

static void
addresses_add(json_t **list, const struct map4 *m, const struct naddr *n, enum map4_kind kind,
    uint8_t level)
{
	struct map4_class class_ = { kind, level };
	ntk_ip_t ip;

	if (map4_node(m, n, class_, &ip))
		list_add(list, json_pack("{s:s, s:o*, s:o}",
		    "kind", map4_kind_name(kind),
		    "level", kind == MAP4_INTERNAL ? json_integer(level) : NULL,
		    "ip", json_ip(ip)));
}

/* spec/kernel-state 4 and 5: only the main identity has own addresses. */
static json_t *
json_addresses(const struct conf *c, const struct node_identity *id)
{
	const struct naddr *n = &id->facts->address;
	json_t *list = json_array();

	if (!id->main)
		return list;
	addresses_add(&list, &c->map, n, MAP4_GLOBAL, 0);
	if (c->accept_anonymous)
		addresses_add(&list, &c->map, n, MAP4_ANONYMIZING, 0);
	for (uint8_t k = c->map.topo.levels; k-- > 1; )
		addresses_add(&list, &c->map, n, MAP4_INTERNAL, k);
	return list;
}

void
verb_show_ntkaddress(const struct call *c, struct answer *a)
{
	struct node_identity id;

	if (verb_identity(c, a, &id))
		a->result = json_pack("{s:o, s:o}",
		    "address", json_naddr(&c->d->conf, &id.facts->address),
		    "addresses", json_addresses(&c->d->conf, &id));
}

static bool
arc_has_rule(const struct daemon *d, unsigned ns, const struct facts_arc *arc)
{
	struct kobj rule = { .kind = KOBJ_RULE, .mac = arc->peer_mac };

	return kset_find(kernel_applied(d->kernel, ns), &rule) != NULL;
}

void
verb_show_identity_arcs(const struct call *c, struct answer *a)
{
	struct node_identity id;
	json_t *list;

	if (!verb_identity(c, a, &id))
		return;
	list = json_array();
	for (size_t i = 0; i < id.facts->n_arcs; i++) {
		const struct facts_arc *arc = &id.facts->arcs[i];

		list_add(&list, json_pack("{s:I, s:I, s:s, s:o, s:o, s:b, s:o*, s:o*, s:b}",
		    "index", (json_int_t)i,
		    "identity", (json_int_t)id.index,
		    "dev", c->d->conf.interfaces[arc->dev].name,
		    "peer_mac", json_mac(arc->peer_mac),
		    "peer_linklocal", json_ip(arc->peer_linklocal),
		    "qspn", arc->qspn,
		    "peer_address", arc->known ? json_naddr(&c->d->conf, &arc->peer) : NULL,
		    "table", json_unless_zero(kernel_table(c->d->kernel, arc->peer_mac)),
		    "rule", arc_has_rule(c->d, id.ns, arc)));
	}
	a->result = list;
}

static json_t *
json_qspn_arcs(const struct conf *c, const struct facts *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_arcs; i++) {
		const struct facts_arc *arc = &f->arcs[i];

		if (arc->qspn)
			list_add(&list, json_pack("{s:I, s:s, s:o, s:o*, s:b}",
			    "index", (json_int_t)i,
			    "dev", c->interfaces[arc->dev].name,
			    "peer_mac", json_mac(arc->peer_mac),
			    "peer_address", arc->known ? json_naddr(c, &arc->peer) : NULL,
			    "closing", arc->closing));
	}
	return list;
}

static json_t *
json_hops(const struct facts *f, const struct facts_path *p)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < p->n_hops; i++)
		list_add(&list, json_coord(f->hops[p->first_hop + i]));
	return list;
}

static json_t *
json_paths(const struct facts *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_paths; i++) {
		const struct facts_path *p = &f->paths[i];
		bool best = i == 0 || !coord_equal(f->paths[i - 1].dst, p->dst);

		list_add(&list, json_pack("{s:o, s:b, s:I, s:I, s:o}",
		    "dst", json_coord(p->dst),
		    "best", best,
		    "arc", (json_int_t)p->arc,
		    "cost", (json_int_t)p->cost,
		    "hops", json_hops(f, p)));
	}
	return list;
}

void
verb_show_qspn_data(const struct call *c, struct answer *a)
{
	struct node_identity id;

	if (verb_identity(c, a, &id))
		a->result = json_pack("{s:o, s:o}",
		    "arcs", json_qspn_arcs(&c->d->conf, id.facts),
		    "paths", json_paths(id.facts));
}

static const char *
route_type_name(uint8_t type)
{
	switch ((enum priv_route_type)type) {
	case PRIV_ROUTE_UNICAST:
		return "unicast";
	case PRIV_ROUTE_UNREACHABLE:
		return "unreachable";
	case PRIV_ROUTE_BLACKHOLE:
		return "blackhole";
	}
	return "?";
}

static json_t *
json_route(const struct daemon *d, const struct kobj *o, const char *state)
{
	bool unicast = o->type == PRIV_ROUTE_UNICAST;
	char name[TABLE_NAME];

	return json_pack("{s:o*, s:s, s:o, s:s, s:o*, s:s*, s:o*, s:s}",
	    "table", json_unless_zero(table_number(d, o->mac)),
	    "name", table_name(o->mac, name),
	    "prefix", json_prefix(o->addr, o->len),
	    "type", route_type_name(o->type),
	    "via", unicast ? json_ip(o->via) : NULL,
	    "dev", unicast ? d->conf.interfaces[o->via_dev].name : NULL,
	    "src", o->src != 0 ? json_ip(o->src) : NULL,
	    "state", state);
}

static json_t *
json_neighbour_route(const struct daemon *d, const struct kobj *o, const char *state)
{
	return json_pack("{s:i, s:s, s:o, s:s, s:s, s:o*, s:s}",
	    "table", MAIN_TABLE,
	    "name", "main",
	    "prefix", json_prefix(o->addr, NTK_IP_BITS),
	    "type", "unicast",
	    "dev", d->conf.interfaces[o->dev].name,
	    "src", o->src != 0 ? json_ip(o->src) : NULL,
	    "state", state);
}

static void
routes_add(const struct daemon *d, json_t **list, const struct kobj *o, const char *state)
{
	if (o->kind == KOBJ_ROUTE)
		list_add(list, json_route(d, o, state));
	else if (o->kind == KOBJ_NEIGH)
		list_add(list, json_neighbour_route(d, o, state));
}

/* Both sets are sorted: one walk over the two finds what each lacks. */
static json_t *
json_routes(const struct daemon *d, const struct kset *have, const struct kset *want)
{
	json_t *list = json_array();
	size_t h = 0, w = 0;

	while (h < have->n || w < want->n) {
		int order = h == have->n ? 1 : w == want->n ? -1 :
		    kobj_cmp(&have->v[h], &want->v[w]);

		if (order < 0)
			routes_add(d, &list, &have->v[h], "surplus");
		else if (order > 0)
			routes_add(d, &list, &want->v[w], "missing");
		else
			routes_add(d, &list, &want->v[w],
			    kobj_same_value(&have->v[h], &want->v[w]) ? "applied" : "different");
		h += order <= 0;
		w += order >= 0;
	}
	return list;
}

void
verb_show_routes(const struct call *c, struct answer *a)
{
	const struct conf *conf = &c->d->conf;
	const struct wanted_settings settings = {
		.map = conf->map,
		.anonymize_others = conf->anonymize_others,
		.accept_anonymous = conf->accept_anonymous,
		.subnet_level = conf->subnet_level,
	};
	struct node_identity id;
	struct kset want;

	if (!verb_identity(c, a, &id))
		return;
	kset_init(&want);
	if (id.state == NODE_LEAVING || wanted_state(&settings, id.facts, &want))
		a->result = json_routes(c->d, kernel_applied(c->d->kernel, id.ns), &want);
	kset_free(&want);
}

static void
tables_add(json_t **list, uint32_t number, ntk_mac_t mac, const size_t *references)
{
	char name[TABLE_NAME];

	list_add(list, json_pack("{s:I, s:s, s:o*, s:o*}",
	    "table", (json_int_t)number,
	    "name", table_name(mac, name),
	    "mac", mac_cmp(mac, KOBJ_NTK) != 0 ? json_mac(mac) : NULL,
	    "references", references != NULL ? json_integer((json_int_t)*references) : NULL));
}

void
verb_show_tables(const struct call *c, struct answer *a)
{
	size_t n = kernel_peers(c->d->kernel, NULL, 0);
	struct kernel_peer *v = calloc(n + 1, sizeof(*v));
	json_t *list = json_array();

	if (v == NULL) {
		json_decref(list);
		return;
	}
	kernel_peers(c->d->kernel, v, n);
	tables_add(&list, c->d->conf.tables.first, KOBJ_NTK, NULL);
	for (size_t i = 0; i < n; i++)
		tables_add(&list, v[i].table, v[i].mac, &v[i].references);
	free(v);
	a->result = list;
}

void
verb_show_counters(const struct call *c, struct answer *a)
{
	struct kernel_counters k = kernel_counters(c->d->kernel);
	struct ctl_counters ctl = ctl_counters(c->d->ctl);

	a->result = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "transactions", (json_int_t)k.transactions,
	    "operations", (json_int_t)k.operations,
	    "transactions_refused", (json_int_t)k.refused,
	    "clients", (json_int_t)ctl.clients,
	    "clients_refused", (json_int_t)ctl.clients_refused,
	    "requests", (json_int_t)ctl.requests,
	    "requests_refused", (json_int_t)ctl.requests_refused,
	    "log_suppressed", (json_int_t)log_suppressed());
}
