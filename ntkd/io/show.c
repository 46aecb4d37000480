/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verbs that show.  Objects use the one vocabulary of INTERFACE; what is not
 * known is left out of its object.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/takeup.h"
#include "ntkd/io/value.h"
#include "ntkd/io/verbs.h"
#include "ntkd/io/watch.h"
#include "ntkd/kernel/wanted.h"

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

/* How many more neighbours can have a table of their own. */
static json_int_t
free_tables(const struct daemon *d)
{
	const struct conf *c = &d->conf;
	json_int_t n = (json_int_t)c->tables.first - c->tables.last + 1 +
	    c->more_tables.last - c->more_tables.first;

	return (n < PRIV_PEERS ? n : PRIV_PEERS) -
	    (json_int_t)kernel_peers(d->kernel, NULL, 0);
}

void
verb_status(const struct call *c, struct answer *a)
{
	const struct conf *conf = &c->d->conf;
	struct node_identity id = main_identity(c->d->node);
	struct watch_counters w = watch_counters(c->d->watch);
	json_int_t present = 0;
	char topology[TOPO_TEXT];

	for (size_t i = 0; i < conf->n_interfaces; i++)
		present += kernel_device(c->d->kernel, 0, i).present;
	a->result = json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:s, s:I, s:I, s:I, s:I, "
	    "s:I, s:I, s:I, s:I, s:I, s:s}",
	    "version", PACKAGE_VERSION,
	    "mode", conf->mode == CONF_MANUAL ? "manual" : "auto",
	    "topology", topo_print(&conf->map.topo, topology),
	    "range", value_prefix(conf->map.range.addr, conf->map.range.len),
	    "address", value_naddr(conf, &id.facts->address),
	    "uptime", (json_int_t)((daemon_now() - c->d->started) / 1000000),
	    "helper", helper_state(c->d->kernel),
	    "helper_pid", (json_int_t)c->d->helper_pid,
	    "identities", (json_int_t)node_identities(c->d->node),
	    "interfaces", present,
	    "free_tables", free_tables(c->d),
	    "checks", (json_int_t)w.checks,
	    "repaired", (json_int_t)w.repaired,
	    "removed", (json_int_t)w.removed,
	    "failed", (json_int_t)w.failed,
	    "foreign", (json_int_t)w.foreign,
	    "log", log_level_name(log_get_level()));
}

void
verb_show_handlednics(const struct call *c, struct answer *a)
{
	struct node_identity id = main_identity(c->d->node);
	json_t *list = json_array();

	for (size_t i = 0; i < c->d->conf.n_interfaces; i++) {
		struct nic_state nic = takeup_nic(c->d->takeup, i);
		char why[TAKEUP_WHY];

		value_add(&list, json_pack("{s:s, s:o*, s:o*, s:o*, s:s, s:s*}",
		    "dev", c->d->conf.interfaces[i].name,
		    "mac", nic.present ? value_mac(nic.mac) : NULL,
		    "linklocal", id.facts->has_dev[i] ? value_ip(id.facts->linklocal[i]) : NULL,
		    "ifindex", nic.present ? json_integer(nic.ifindex) : NULL,
		    "state", takeup_word(c->d->takeup, i),
		    "why", takeup_why(c->d->takeup, i, why)));
	}
	a->result = list;
}

/* "0.0.2", from the highest level down; null elderships are '-'. */
static json_t *
json_elderships(const struct qspn *q)
{
	char text[TOPO_TEXT] = "";
	struct fingerprint fp;
	size_t at = 0;

	if (q == NULL || !qspn_fingerprint(q, 0, &fp))
		return NULL;
	for (unsigned i = fp.levels; i-- > 0 && at < sizeof(text); ) {
		int32_t eld = fingerprint_eld(&fp, i);
		char one[16] = "-";

		if (eld != FP_NULL)
			snprintf(one, sizeof(one), "%d", eld);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at > 0 ? "." : "", one);
	}
	return json_string(text);
}

/* The operation that made the identity. */
static json_t *
json_made_by(const struct node *n, unsigned index)
{
	size_t count = node_operations(n, NULL, 0);
	struct node_operation *v = calloc(count + 1, sizeof(*v));
	json_t *json = NULL;

	if (v == NULL)
		return NULL;
	node_operations(n, v, count);
	for (size_t i = 0; i < count && json == NULL; i++)
		if (v[i].has_new && v[i].new_identity == index)
			json = json_integer((json_int_t)v[i].operation);
	free(v);
	return json;
}

void
verb_show_local_identities(const struct call *c, struct answer *a)
{
	const struct topo *t = &c->d->conf.map.topo;
	json_t *list = json_array();

	for (size_t i = 0; i < node_identities(c->d->node); i++) {
		struct node_identity id = node_identity(c->d->node, i);

		value_add(&list, json_pack("{s:I, s:I, s:b, s:o, s:o*, s:s, s:b, s:I, s:I, "
		    "s:o*, s:o*, s:o*, s:o*, s:o*, s:o*}",
		    "index", (json_int_t)id.index,
		    "nodeid", (json_int_t)id.id,
		    "main", id.main,
		    "address", value_naddr(&c->d->conf, &id.facts->address),
		    "namespace", value_namespace(c->d, &id),
		    "state", value_state(id.state),
		    "loaded", id.loaded,
		    "arcs", (json_int_t)id.facts->n_arcs,
		    "paths", (json_int_t)id.facts->n_paths,
		    "from", id.has_from ? json_integer(id.from) : NULL,
		    "operation", json_made_by(c->d->node, id.index),
		    "elderships", json_elderships(id.qspn),
		    "ranges", value_range(id.qspn),
		    "nodes_inside", value_inside(id.qspn, t, false),
		    "fingerprints", value_inside(id.qspn, t, true)));
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
		value_add(list, json_pack("{s:s, s:o*, s:o}",
		    "kind", map4_kind_name(kind),
		    "level", kind == MAP4_INTERNAL ? json_integer(level) : NULL,
		    "ip", value_ip(ip)));
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
		a->result = json_pack("{s:o, s:o*, s:o}",
		    "address", value_naddr(&c->d->conf, &id.facts->address),
		    "elderships", json_elderships(id.qspn),
		    "addresses", json_addresses(&c->d->conf, &id));
}

static bool
mac_has_rule(const struct daemon *d, unsigned ns, ntk_mac_t mac)
{
	struct kobj rule = { .kind = KOBJ_RULE, .mac = mac };

	return kset_find(kernel_applied(d->kernel, ns), &rule) != NULL;
}

static json_t *
json_identity_arc(const struct daemon *d, const struct node_identity *id,
    const struct node_iarc *arc)
{
	return json_pack("{s:I, s:I, s:s, s:o, s:o, s:b, s:o*, s:o*, s:b}",
	    "index", (json_int_t)arc->index,
	    "identity", (json_int_t)id->index,
	    "dev", d->conf.interfaces[arc->dev].name,
	    "peer_mac", value_mac(arc->peer_mac),
	    "peer_linklocal", value_ip(arc->peer_linklocal),
	    "qspn", arc->qspn,
	    "peer_address", arc->known ? value_naddr(&d->conf, &arc->peer_address) : NULL,
	    "table", value_unless_zero(kernel_table(d->kernel, arc->peer_mac)),
	    "rule", mac_has_rule(d, id->ns, arc->peer_mac));
}

void
verb_show_identity_arcs(const struct call *c, struct answer *a)
{
	struct node_identity id;
	struct node_iarc *v;
	size_t n;

	if (!verb_identity(c, a, &id))
		return;
	v = value_identity_arcs(c->d->node, &id, &n);
	a->result = v != NULL ? json_array() : NULL;
	for (size_t i = 0; v != NULL && i < n; i++)
		value_add(&a->result, json_identity_arc(c->d, &id, &v[i]));
	free(v);
}

static json_t *
json_qspn_arcs(const struct daemon *d, const struct node_identity *id)
{
	size_t n;
	struct node_iarc *v = value_identity_arcs(d->node, id, &n);
	json_t *list = v != NULL ? json_array() : NULL;

	for (size_t i = 0; v != NULL && i < n; i++)
		if (v[i].qspn)
			value_add(&list, json_pack("{s:I, s:s, s:o, s:o*, s:o*, s:b}",
			    "index", (json_int_t)v[i].index,
			    "dev", d->conf.interfaces[v[i].dev].name,
			    "peer_mac", value_mac(v[i].peer_mac),
			    "peer_address", v[i].known ? value_naddr(&d->conf, &v[i].peer_address) :
			    NULL,
			    "cost", v[i].cost > 0 ? json_integer((json_int_t)v[i].cost) : NULL,
			    "closing", v[i].closing));
	free(v);
	return list;
}

static json_t *
json_paths(const struct daemon *d, const struct node_identity *id)
{
	const struct facts *f = id->facts;
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_paths; i++) {
		const struct facts_path *p = &f->paths[i];
		bool best = i == 0 || !coord_equal(f->paths[i - 1].dst, p->dst);

		value_add(&list, json_pack("{s:o, s:b, s:I, s:I, s:o}",
		    "dst", value_coord(p->dst),
		    "best", best,
		    "arc", value_arc_index(d, id, p->arc),
		    "cost", (json_int_t)p->cost,
		    "hops", value_hops(f, p)));
	}
	return list;
}

void
verb_show_qspn_data(const struct call *c, struct answer *a)
{
	struct node_identity id;

	if (verb_identity(c, a, &id))
		a->result = json_pack("{s:o, s:o}",
		    "arcs", json_qspn_arcs(c->d, &id),
		    "paths", json_paths(c->d, &id));
}

static json_t *
json_route(const struct daemon *d, const struct kobj *o, const char *state)
{
	bool unicast = o->type == PRIV_ROUTE_UNICAST;
	char name[VALUE_TABLE_NAME];

	return json_pack("{s:o*, s:s, s:o, s:s, s:o*, s:s*, s:o*, s:s}",
	    "table", value_unless_zero(value_table_number(d, o->mac)),
	    "name", value_table_name(o->mac, name),
	    "prefix", value_prefix(o->addr, o->len),
	    "type", value_route_type(o->type),
	    "via", unicast ? value_ip(o->via) : NULL,
	    "dev", unicast ? d->conf.interfaces[o->via_dev].name : NULL,
	    "src", o->src != 0 ? value_ip(o->src) : NULL,
	    "state", state);
}

static json_t *
json_neighbour_route(const struct daemon *d, const struct kobj *o, const char *state)
{
	return json_pack("{s:i, s:s, s:o, s:s, s:s, s:o*, s:s}",
	    "table", VALUE_MAIN_TABLE,
	    "name", "main",
	    "prefix", value_prefix(o->addr, NTK_IP_BITS),
	    "type", "unicast",
	    "dev", d->conf.interfaces[o->dev].name,
	    "src", o->src != 0 ? value_ip(o->src) : NULL,
	    "state", state);
}

static void
routes_add(const struct daemon *d, json_t **list, const struct kobj *o, const char *state)
{
	if (o->kind == KOBJ_ROUTE)
		value_add(list, json_route(d, o, state));
	else if (o->kind == KOBJ_NEIGH)
		value_add(list, json_neighbour_route(d, o, state));
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
	struct wanted_settings settings = value_settings(&c->d->conf);
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
	char name[VALUE_TABLE_NAME];

	value_add(list, json_pack("{s:I, s:s, s:o*, s:o*}",
	    "table", (json_int_t)number,
	    "name", value_table_name(mac, name),
	    "mac", mac_cmp(mac, KOBJ_NTK) != 0 ? value_mac(mac) : NULL,
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
