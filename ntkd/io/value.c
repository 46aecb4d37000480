/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/value.h"

#include <stdio.h>
#include <stdlib.h>

enum { NS_NAME = 32 };	/* room for "ntkv" and two numbers */

/* Adds ITEM, which is taken.  A list that memory did not suffice for becomes NULL. */
void
value_add(json_t **list, json_t *item)
{
	if (*list == NULL) {
		json_decref(item);
	} else if (json_array_append_new(*list, item) != 0) {
		json_decref(*list);
		*list = NULL;
	}
}

json_t *
value_mac(ntk_mac_t mac)
{
	char text[MAC_TEXT];

	return json_string(mac_print(mac, text));
}

json_t *
value_ip(ntk_ip_t addr)
{
	char text[IP_TEXT];

	return json_string(ip_print(addr, text));
}

json_t *
value_prefix(ntk_ip_t addr, uint8_t len)
{
	ntk_prefix_t p = { addr, len };
	char text[PREFIX_TEXT];

	return json_string(prefix_print(p, text));
}

json_t *
value_naddr(const struct conf *c, const struct naddr *n)
{
	char text[TOPO_TEXT];

	return json_string(naddr_print(&c->map.topo, n, text));
}

json_t *
value_coord(struct coord c)
{
	return json_pack("[I, I]", (json_int_t)c.level, (json_int_t)c.pos);
}

json_t *
value_gnode(const struct conf *c, const struct naddr *address, struct coord at)
{
	char text[TOPO_TEXT];
	size_t n = 0;

	for (unsigned i = c->map.topo.levels; i-- > at.level && n < sizeof(text); )
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u", n > 0 ? "." : "",
		    (unsigned)(i == at.level ? at.pos : address->pos[i]));
	return json_string(text);
}

/* spec/kernel-state 7: tables are named by the neighbour's MAC in upper case. */
char *
value_table_name(ntk_mac_t mac, char buf[VALUE_TABLE_NAME])
{
	char text[MAC_TEXT];

	if (mac_cmp(mac, KOBJ_NTK) == 0)
		snprintf(buf, VALUE_TABLE_NAME, "ntk");
	else
		snprintf(buf, VALUE_TABLE_NAME, "ntk_from_%s", mac_print_upper(mac, text));
	return buf;
}

uint32_t
value_table_number(const struct daemon *d, ntk_mac_t mac)
{
	return mac_cmp(mac, KOBJ_NTK) == 0 ? d->conf.tables.first : kernel_table(d->kernel, mac);
}

/* A number for JSON, left out of the object (NULL) when it is 0. */
json_t *
value_unless_zero(uint32_t number)
{
	return number != 0 ? json_integer(number) : NULL;
}

/* What ip netns calls the namespace; NULL while it has no name. */
json_t *
value_namespace(const struct daemon *d, const struct node_identity *id)
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

json_t *
value_device(const struct daemon *d, const struct node_identity *id, unsigned dev)
{
	uint32_t number = kernel_ns_number(d->kernel, id->ns);
	char name[NS_NAME];

	if (id->main)
		return json_string(d->conf.interfaces[dev].name);
	if (number == 0 || !kernel_device(d->kernel, id->ns, dev).present)
		return NULL;
	snprintf(name, sizeof(name), "ntkv%u_%u", (unsigned)number, dev);
	return json_string(name);
}

json_t *
value_device_mac(const struct daemon *d, const struct node_identity *id, unsigned dev)
{
	struct kernel_dev k = kernel_device(d->kernel, id->ns, dev);

	return k.present ? value_mac(k.mac) : NULL;
}

const char *
value_route_type(uint8_t type)
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

json_t *
value_hops(const struct facts *f, const struct facts_path *p)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < p->n_hops; i++)
		value_add(&list, value_coord(f->hops[p->first_hop + i]));
	return list;
}

const char *
value_state(enum node_state state)
{
	switch (state) {
	case NODE_STARTING:
		return "starting";
	case NODE_BOOTSTRAP:
		return "bootstrap";
	case NODE_RUNNING:
		return "running";
	case NODE_LEAVING:
		return "leaving";
	}
	return "?";
}

json_t *
value_range(const struct qspn *q)
{
	unsigned from, to;
	char text[16];

	if (q == NULL)
		return NULL;
	qspn_range(q, &from, &to);
	if (from == 0)
		return NULL;
	snprintf(text, sizeof(text), "%u-%u", from, to);
	return json_string(text);
}

/* Of the own g-nodes, while they are known: during the bootstrap the higher ones are not. */
json_t *
value_inside(const struct qspn *q, const struct topo *t, bool fingerprints)
{
	json_t *list = q != NULL ? json_array() : NULL;

	for (unsigned i = 0; list != NULL && i <= t->levels; i++) {
		struct fingerprint fp;
		uint32_t nodes;

		if (fingerprints ? !qspn_fingerprint(q, i, &fp) : !qspn_nodes_inside(q, i, &nodes))
			break;
		value_add(&list, json_integer(fingerprints ? (json_int_t)fp.id : (json_int_t)nodes));
	}
	return list;
}

struct node_iarc *
value_identity_arcs(const struct node *n, const struct node_identity *id, size_t *count)
{
	const struct facts *f = id->facts;
	struct node_iarc *v;

	*count = id->loaded ? f->n_arcs : node_iarcs(n, id->index, NULL, 0);
	v = calloc(*count + 1, sizeof(*v));
	if (v != NULL && !id->loaded)
		node_iarcs(n, id->index, v, *count);
	for (size_t i = 0; v != NULL && id->loaded && i < f->n_arcs; i++)
		v[i] = (struct node_iarc){
			.index = (uint32_t)i,
			.dev = f->arcs[i].dev,
			.peer_mac = f->arcs[i].peer_mac,
			.peer_linklocal = f->arcs[i].peer_linklocal,
			.qspn = f->arcs[i].qspn,
			.known = f->arcs[i].known,
			.closing = f->arcs[i].closing,
			.peer_address = f->arcs[i].peer,
		};
	return v;
}

json_int_t
value_arc_index(const struct daemon *d, const struct node_identity *id, size_t n)
{
	const struct facts_arc *f = &id->facts->arcs[n];
	json_int_t index = (json_int_t)n;
	size_t count;
	struct node_iarc *v = value_identity_arcs(d->node, id, &count);

	for (size_t i = 0; v != NULL && i < count; i++)
		if (v[i].dev == f->dev && mac_cmp(v[i].peer_mac, f->peer_mac) == 0)
			index = (json_int_t)v[i].index;
	free(v);
	return index;
}

struct wanted_settings
value_settings(const struct conf *c)
{
	return (struct wanted_settings){
		.map = c->map,
		.anonymize_others = c->anonymize_others,
		.accept_anonymous = c->accept_anonymous,
		.subnet_level = c->subnet_level,
	};
}
