/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/verb.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A verb and what it is given. */
struct order {
	struct node *n;
	const struct conf *c;
	uint64_t now;
	const struct ctl_value *v;
	struct verb_result *r;
	struct node_error *err;
};

static bool __attribute__((format(printf, 4, 5)))
refuse(const struct order *o, const char *code, const char *field, const char *fmt, ...)
{
	va_list ap;

	o->err->code = code;
	snprintf(o->err->field, sizeof(o->err->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(o->err->message, sizeof(o->err->message), fmt, ap);
	va_end(ap);
	return false;
}

static ntk_mac_t
mac_at(const struct order *o, unsigned i)
{
	ntk_mac_t mac;

	memcpy(mac.b, o->v[i].mac, sizeof(mac.b));
	return mac;
}

static uint32_t
number_at(const struct order *o, unsigned i)
{
	return (uint32_t)o->v[i].number;
}

/* --- arcs ------------------------------------------------------------------------------------ */

static bool
add_real_arc(const struct order *o)
{
	return node_add_real_arc(o->n, o->now, mac_at(o, 0), mac_at(o, 1), number_at(o, 2), &o->r->noted,
	    o->err);
}

static bool
change_real_arc(const struct order *o)
{
	return node_change_real_arc(o->n, o->now, mac_at(o, 0), mac_at(o, 1), number_at(o, 2), o->err);
}

static bool
remove_real_arc(const struct order *o)
{
	return node_remove_real_arc(o->n, o->now, mac_at(o, 0), mac_at(o, 1), o->err);
}

static bool
add_qspn_arc(const struct order *o)
{
	const struct ctl_value *dev = &o->v[1];

	for (unsigned i = 0; i < o->c->n_interfaces; i++)
		if (strlen(o->c->interfaces[i].name) == dev->len &&
		    memcmp(o->c->interfaces[i].name, dev->text, dev->len) == 0)
			return node_add_qspn_arc(o->n, o->now, number_at(o, 0), i, mac_at(o, 2), o->err);
	return refuse(o, "unknown_arc", "dev", "%.*s is not a managed interface; see show_handlednics",
	    (int)dev->len, dev->text);
}

/* --- operations ------------------------------------------------------------------------------- */

/* Lists longer than a topology can be are refused by their length (spec/manual-mode 5.1). */
static size_t
levels_at(const struct order *o, unsigned i, uint32_t out[TOPO_LEVELS])
{
	return ctl_numbers(&o->v[i], out, TOPO_LEVELS);
}

static bool
prepare(const struct order *o, bool enter)
{
	const unsigned rest = enter ? 12 : 11;
	struct node_plan p = {
		.enter = enter,
		.identity = number_at(o, 0),
		.guest_level = number_at(o, 1),
		.host_level = number_at(o, 2),
		.temporary_position = number_at(o, 5),
		.temporary_eldership = number_at(o, 6),
		.position = number_at(o, 7),
		.eldership = number_at(o, 8),
		.connectivity_position = number_at(o, 9),
		.connectivity_eldership = number_at(o, 10),
		.operation = number_at(o, rest),
		.waits = !o->v[rest + 1].null,
		.after = o->v[rest + 1].null ? 0 : number_at(o, rest + 1),
	};
	uint32_t *arcs = NULL;
	bool ok;

	p.n_host_address = levels_at(o, 3, p.host_address);
	p.n_host_elderships = levels_at(o, 4, p.host_elderships);
	if (enter) {
		p.n_arcs = ctl_numbers(&o->v[11], NULL, 0);
		arcs = calloc(p.n_arcs + 1, sizeof(*arcs));
		if (arcs == NULL)
			return refuse(o, "exhausted", "", "memory is exhausted");
		ctl_numbers(&o->v[11], arcs, p.n_arcs);
		p.arcs = arcs;
	}
	ok = node_prepare(o->n, o->now, &p, o->err);
	free(arcs);
	return ok;
}

static bool
prepare_enter_net_phase_1(const struct order *o)
{
	return prepare(o, true);
}

static bool
prepare_migrate_phase_1(const struct order *o)
{
	return prepare(o, false);
}

static bool
enter_net_phase_1(const struct order *o)
{
	return node_phase_1(o->n, o->now, true, number_at(o, 0), number_at(o, 1), o->err);
}

static bool
migrate_phase_1(const struct order *o)
{
	return node_phase_1(o->n, o->now, false, number_at(o, 0), number_at(o, 1), o->err);
}

static bool
enter_net_phase_2(const struct order *o)
{
	return node_phase_2(o->n, o->now, true, number_at(o, 0), number_at(o, 1), o->err);
}

static bool
migrate_phase_2(const struct order *o)
{
	return node_phase_2(o->n, o->now, false, number_at(o, 0), number_at(o, 1), o->err);
}

/* --- connectivity identities ------------------------------------------------------------------- */

static bool
remove_outer_arcs(const struct order *o)
{
	return node_remove_outer_arcs(o->n, o->now, number_at(o, 0), &o->r->removed, o->err);
}

static bool
check_connectivity(const struct order *o)
{
	return node_check_connectivity(o->n, number_at(o, 0), o->v[1].given, number_at(o, 1),
	    &o->r->removable, o->err);
}

static bool
remove_identity(const struct order *o)
{
	return node_remove(o->n, o->now, number_at(o, 0), o->err);
}

static bool (*const verbs[CTL_N_VERBS])(const struct order *) = {
	[CTL_VERB_add_real_arc] = add_real_arc,
	[CTL_VERB_change_real_arc] = change_real_arc,
	[CTL_VERB_remove_real_arc] = remove_real_arc,
	[CTL_VERB_prepare_enter_net_phase_1] = prepare_enter_net_phase_1,
	[CTL_VERB_enter_net_phase_1] = enter_net_phase_1,
	[CTL_VERB_enter_net_phase_2] = enter_net_phase_2,
	[CTL_VERB_prepare_migrate_phase_1] = prepare_migrate_phase_1,
	[CTL_VERB_migrate_phase_1] = migrate_phase_1,
	[CTL_VERB_migrate_phase_2] = migrate_phase_2,
	[CTL_VERB_add_qspn_arc] = add_qspn_arc,
	[CTL_VERB_remove_outer_arcs] = remove_outer_arcs,
	[CTL_VERB_check_connectivity] = check_connectivity,
	[CTL_VERB_remove_identity] = remove_identity,
};

bool
node_verb_is_known(enum ctl_verb_id verb)
{
	return verb < CTL_N_VERBS && verbs[verb] != NULL;
}

bool
node_verb(struct node *n, const struct conf *c, uint64_t now, enum ctl_verb_id verb,
    const struct ctl_value *args, struct verb_result *r, struct node_error *err)
{
	const struct order o = { n, c, now, args, r, err };

	memset(r, 0, sizeof(*r));
	memset(err, 0, sizeof(*err));
	err->code = "";
	if (!node_verb_is_known(verb))
		return refuse(&o, "usage", "verb", "it is none of manual mode");
	return verbs[verb](&o);
}
