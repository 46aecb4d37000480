/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operator's verbs of manual mode (spec/manual-mode), and what shows their course. */
#include <stdlib.h>
#include <string.h>

#include "ntkd/io/daemon.h"
#include "ntkd/io/value.h"
#include "ntkd/io/verbs.h"

static void
refuse(struct answer *a, const struct node_error *err)
{
	answer_refuse(a, err->code, err->field, "%s", err->message);
}

static ntk_mac_t
mac_arg(const struct ctl_value *v)
{
	ntk_mac_t mac;

	memcpy(mac.b, v->mac, sizeof(mac.b));
	return mac;
}

static unsigned
number_arg(const struct ctl_value *v)
{
	return (unsigned)v->number;
}

/* --- arcs ------------------------------------------------------------------------------------ */

static json_t *
own_mac(const struct daemon *d, unsigned dev)
{
	struct nbh_nic nic;

	return nbh_nic(node_nbh(d->node), dev, &nic) ? value_mac(nic.mac) : NULL;
}

static bool
is_accepted(const struct node *n, const struct nbh_entry *e)
{
	size_t count = node_real_arcs(n, NULL, 0);
	struct node_real_arc *v = calloc(count + 1, sizeof(*v));
	bool accepted = false;

	if (v != NULL)
		node_real_arcs(n, v, count);
	for (size_t i = 0; v != NULL && i < count; i++)
		accepted = accepted || (v[i].dev == e->dev && mac_cmp(v[i].peer_mac, e->mac) == 0);
	free(v);
	return accepted;
}

void
verb_show_neighborhood_arcs(const struct call *c, struct answer *a)
{
	const struct nbh *nbh = node_nbh(c->d->node);
	json_t *list = json_array();
	struct nbh_entry e;

	for (size_t i = 0; nbh_entry_at(nbh, i, &e); i++)
		if (e.state >= NBH_READY)
			value_add(&list, json_pack("{s:s, s:o*, s:o, s:o, s:I, s:b, s:s}",
			    "dev", c->d->conf.interfaces[e.dev].name,
			    "mac", own_mac(c->d, e.dev),
			    "peer_mac", value_mac(e.mac),
			    "peer_linklocal", value_ip(e.address),
			    "cost", (json_int_t)e.cost,
			    "accepted", is_accepted(c->d->node, &e) ||
			    (c->d->conf.mode != CONF_MANUAL && e.state >= NBH_WANTED),
			    "state", nbh_state_name(e.state)));
	a->result = list;
}

/* In automatic mode nobody accepts by hand: the arcs that there are. */
static json_t *
arcs_by_themselves(const struct daemon *d)
{
	const struct nbh *nbh = node_nbh(d->node);
	json_t *list = json_array();
	struct nbh_entry e;

	for (size_t i = 0; nbh_entry_at(nbh, i, &e); i++)
		if (e.state == NBH_UP)
			value_add(&list, json_pack("{s:s, s:o*, s:o, s:o, s:I, s:s}",
			    "dev", d->conf.interfaces[e.dev].name,
			    "mac", own_mac(d, e.dev),
			    "peer_mac", value_mac(e.mac),
			    "peer_linklocal", value_ip(e.address),
			    "cost", (json_int_t)e.cost,
			    "state", "up"));
	return list;
}

void
verb_show_real_arcs(const struct call *c, struct answer *a)
{
	size_t n = node_real_arcs(c->d->node, NULL, 0);
	struct node_real_arc *v = calloc(n + 1, sizeof(*v));
	json_t *list = NULL;

	if (v == NULL)
		return;
	if (c->d->conf.mode != CONF_MANUAL) {
		a->result = arcs_by_themselves(c->d);
		free(v);
		return;
	}
	list = json_array();
	node_real_arcs(c->d->node, v, n);
	for (size_t i = 0; i < n; i++)
		value_add(&list, json_pack("{s:s, s:o*, s:o, s:o*, s:I, s:s}",
		    "dev", c->d->conf.interfaces[v[i].dev].name,
		    "mac", own_mac(c->d, v[i].dev),
		    "peer_mac", value_mac(v[i].peer_mac),
		    "peer_linklocal", v[i].peer_linklocal != 0 ? value_ip(v[i].peer_linklocal) : NULL,
		    "cost", (json_int_t)v[i].cost,
		    "state", v[i].up ? "up" : "waiting"));
	free(v);
	a->result = list;
}

void
verb_add_real_arc(const struct call *c, struct answer *a)
{
	struct node_error err;
	bool noted;

	if (!node_add_real_arc(c->d->node, daemon_now(), mac_arg(&c->args[0]), mac_arg(&c->args[1]),
	    (uint32_t)c->args[2].number, &noted, &err))
		refuse(a, &err);
	else if (noted)
		a->result = json_pack("{s:s}", "note", "was accepted already; its cost stays as it is");
	else
		a->result = json_object();
}

void
verb_change_real_arc(const struct call *c, struct answer *a)
{
	struct node_error err;

	if (!node_change_real_arc(c->d->node, daemon_now(), mac_arg(&c->args[0]),
	    mac_arg(&c->args[1]), (uint32_t)c->args[2].number, &err))
		refuse(a, &err);
}

void
verb_remove_real_arc(const struct call *c, struct answer *a)
{
	struct node_error err;

	if (!node_remove_real_arc(c->d->node, daemon_now(), mac_arg(&c->args[0]),
	    mac_arg(&c->args[1]), &err))
		refuse(a, &err);
}

/* --- operations --------------------------------------------------------------------------------- */

static json_t *
json_operation(const struct node_operation *o)
{
	return json_pack("{s:I, s:I, s:s, s:s, s:o*, s:o*}",
	    "identity", (json_int_t)o->identity,
	    "operation", (json_int_t)o->operation,
	    "kind", o->enter ? "enter" : "migrate",
	    "state", node_op_state_name(o->state),
	    "after", o->waits ? json_integer((json_int_t)o->after) : NULL,
	    "new_identity", o->has_new ? json_integer((json_int_t)o->new_identity) : NULL);
}

void
verb_show_operations(const struct call *c, struct answer *a)
{
	size_t n = node_operations(c->d->node, NULL, 0);
	struct node_operation *v = calloc(n + 1, sizeof(*v));
	json_t *list = v != NULL ? json_array() : NULL;

	if (v != NULL)
		node_operations(c->d->node, v, n);
	for (size_t i = 0; v != NULL && i < n; i++)
		value_add(&list, json_operation(&v[i]));
	free(v);
	a->result = list;
}

/* Lists longer than a topology can be are refused by their length (spec/manual-mode 5.1). */
static size_t
levels_arg(const struct ctl_value *v, uint32_t out[TOPO_LEVELS])
{
	return ctl_numbers(v, out, TOPO_LEVELS);
}

static void
prepare(const struct call *c, struct answer *a, bool enter)
{
	const struct ctl_value *v = c->args, *rest = &v[enter ? 12 : 11];
	struct node_plan p = {
		.enter = enter,
		.identity = number_arg(&v[0]),
		.guest_level = number_arg(&v[1]),
		.host_level = number_arg(&v[2]),
		.temporary_position = number_arg(&v[5]),
		.temporary_eldership = number_arg(&v[6]),
		.position = number_arg(&v[7]),
		.eldership = number_arg(&v[8]),
		.connectivity_position = number_arg(&v[9]),
		.connectivity_eldership = number_arg(&v[10]),
		.operation = number_arg(&rest[0]),
		.waits = !rest[1].null,
		.after = rest[1].null ? 0 : number_arg(&rest[1]),
	};
	struct node_error err;
	uint32_t *arcs = NULL;

	p.n_host_address = levels_arg(&v[3], p.host_address);
	p.n_host_elderships = levels_arg(&v[4], p.host_elderships);
	if (enter) {
		p.n_arcs = ctl_numbers(&v[11], NULL, 0);
		arcs = calloc(p.n_arcs + 1, sizeof(*arcs));
		if (arcs == NULL) {
			answer_refuse(a, "exhausted", "", "memory is exhausted");
			return;
		}
		ctl_numbers(&v[11], arcs, p.n_arcs);
		p.arcs = arcs;
	}
	if (!node_prepare(c->d->node, daemon_now(), &p, &err))
		refuse(a, &err);
	free(arcs);
}

void
verb_prepare_enter_net_phase_1(const struct call *c, struct answer *a)
{
	prepare(c, a, true);
}

void
verb_prepare_migrate_phase_1(const struct call *c, struct answer *a)
{
	prepare(c, a, false);
}

/* The answer comes when the identity has been duplicated, or could not be. */
static void
phase_1(const struct call *c, struct answer *a, bool enter)
{
	struct node_error err;

	if (!node_phase_1(c->d->node, daemon_now(), enter, number_arg(&c->args[0]),
	    number_arg(&c->args[1]), &err)) {
		refuse(a, &err);
		return;
	}
	a->operates = true;
	a->identity = number_arg(&c->args[0]);
	a->operation = number_arg(&c->args[1]);
	a->result = json_object();
}

void
verb_enter_net_phase_1(const struct call *c, struct answer *a)
{
	phase_1(c, a, true);
}

void
verb_migrate_phase_1(const struct call *c, struct answer *a)
{
	phase_1(c, a, false);
}

static void
phase_2(const struct call *c, struct answer *a, bool enter)
{
	struct node_error err;

	if (!node_phase_2(c->d->node, daemon_now(), enter, number_arg(&c->args[0]),
	    number_arg(&c->args[1]), &err))
		refuse(a, &err);
}

void
verb_enter_net_phase_2(const struct call *c, struct answer *a)
{
	phase_2(c, a, true);
}

void
verb_migrate_phase_2(const struct call *c, struct answer *a)
{
	phase_2(c, a, false);
}

/* --- identity-arcs and connectivity identities -------------------------------------------------------- */

static bool
dev_arg(const struct daemon *d, const struct ctl_value *v, unsigned *dev, struct answer *a)
{
	for (unsigned i = 0; i < d->conf.n_interfaces; i++)
		if (strlen(d->conf.interfaces[i].name) == v->len &&
		    memcmp(d->conf.interfaces[i].name, v->text, v->len) == 0) {
			*dev = i;
			return true;
		}
	answer_refuse(a, "unknown_arc", "dev", "%.*s is not a managed interface; see show_handlednics",
	    (int)v->len, v->text);
	return false;
}

void
verb_add_qspn_arc(const struct call *c, struct answer *a)
{
	struct node_error err;
	unsigned dev;

	if (dev_arg(c->d, &c->args[1], &dev, a) &&
	    !node_add_qspn_arc(c->d->node, daemon_now(), number_arg(&c->args[0]), dev,
	    mac_arg(&c->args[2]), &err))
		refuse(a, &err);
}

void
verb_remove_outer_arcs(const struct call *c, struct answer *a)
{
	struct node_error err;
	size_t removed;

	if (!node_remove_outer_arcs(c->d->node, daemon_now(), number_arg(&c->args[0]), &removed,
	    &err))
		refuse(a, &err);
	else
		a->result = json_pack("{s:I}", "removed", (json_int_t)removed);
}

void
verb_check_connectivity(const struct call *c, struct answer *a)
{
	struct node_error err;
	bool removable;

	if (!node_check_connectivity(c->d->node, number_arg(&c->args[0]), c->args[1].given,
	    number_arg(&c->args[1]), &removable, &err))
		refuse(a, &err);
	else
		a->result = json_pack("{s:b}", "removable", removable);
}

/* A check of every namespace covers the one that was asked for. */
void
verb_update_all_routes(const struct call *c, struct answer *a)
{
	struct node_identity id;

	if (!verb_identity(c, a, &id))
		return;
	a->result = json_pack("{s:[], s:[]}", "namespaces", "differences");
	a->checks = true;
}
