/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operator's verbs of manual mode (spec/manual-mode), and what shows their course. */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/verb.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/value.h"
#include "ntkd/io/verbs.h"

/* What the verb is to the node; false with A refused. */
static bool
order(const struct call *c, struct answer *a, enum ctl_verb_id verb, struct verb_result *r)
{
	struct node_error err;

	if (node_verb(c->d->node, &c->d->conf, daemon_now(), verb, c->args, r, &err))
		return true;
	answer_refuse(a, err.code, err.field, "%s", err.message);
	return false;
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
	struct verb_result r;

	if (!order(c, a, CTL_VERB_add_real_arc, &r))
		return;
	a->result = r.noted ? json_pack("{s:s}", "note",
	    "was accepted already; its cost stays as it is") : json_object();
}

void
verb_change_real_arc(const struct call *c, struct answer *a)
{
	struct verb_result r;

	order(c, a, CTL_VERB_change_real_arc, &r);
}

void
verb_remove_real_arc(const struct call *c, struct answer *a)
{
	struct verb_result r;

	order(c, a, CTL_VERB_remove_real_arc, &r);
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

void
verb_prepare_enter_net_phase_1(const struct call *c, struct answer *a)
{
	struct verb_result r;

	order(c, a, CTL_VERB_prepare_enter_net_phase_1, &r);
}

void
verb_prepare_migrate_phase_1(const struct call *c, struct answer *a)
{
	struct verb_result r;

	order(c, a, CTL_VERB_prepare_migrate_phase_1, &r);
}

/* The answer comes when the identity has been duplicated, or could not be. */
static void
phase_1(const struct call *c, struct answer *a, enum ctl_verb_id verb)
{
	struct verb_result r;

	if (!order(c, a, verb, &r))
		return;
	a->operates = true;
	a->identity = number_arg(&c->args[0]);
	a->operation = number_arg(&c->args[1]);
	a->result = json_object();
}

void
verb_enter_net_phase_1(const struct call *c, struct answer *a)
{
	phase_1(c, a, CTL_VERB_enter_net_phase_1);
}

void
verb_migrate_phase_1(const struct call *c, struct answer *a)
{
	phase_1(c, a, CTL_VERB_migrate_phase_1);
}

void
verb_enter_net_phase_2(const struct call *c, struct answer *a)
{
	struct verb_result r;

	order(c, a, CTL_VERB_enter_net_phase_2, &r);
}

void
verb_migrate_phase_2(const struct call *c, struct answer *a)
{
	struct verb_result r;

	order(c, a, CTL_VERB_migrate_phase_2, &r);
}

/* --- identity-arcs and connectivity identities -------------------------------------------------------- */

void
verb_add_qspn_arc(const struct call *c, struct answer *a)
{
	struct verb_result r;

	order(c, a, CTL_VERB_add_qspn_arc, &r);
}

void
verb_remove_outer_arcs(const struct call *c, struct answer *a)
{
	struct verb_result r;

	if (order(c, a, CTL_VERB_remove_outer_arcs, &r))
		a->result = json_pack("{s:I}", "removed", (json_int_t)r.removed);
}

void
verb_check_connectivity(const struct call *c, struct answer *a)
{
	struct verb_result r;

	if (order(c, a, CTL_VERB_check_connectivity, &r))
		a->result = json_pack("{s:b}", "removable", r.removable);
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
