/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/wanted.h"

#include <stdlib.h>

/* A destination with the paths to it: COUNT indices of paths, best first. */
struct target {
	struct wanted_dst dst;
	ntk_ip_t src;			/* preferred source in table ntk, 0: none */
	const size_t *paths;
	size_t count;
};

/* The work in hand. */
struct view {
	const struct wanted_settings *s;
	const struct facts *f;
	const struct topo *t;
	struct kset *out;
	struct wanted_dst *dsts;	/* owned */
	struct target *targets;		/* owned */
	size_t n_targets;
	size_t *order;			/* owned; of facts_path_order() */
};

/* A table of routes: ntk, or that of a neighbour. */
struct table {
	ntk_mac_t mac;
	bool ntk;
	bool known;		/* of a neighbour's: its address is known */
	struct coord avoid;	/* when known: its maximum distinct g-node */
};

/*
 * Classes of addresses in the order of kernel-state 4: global, anonymizing, internal to
 * l-1 down to 1.  I counts from 0; false after the last.
 */
static bool
class_at(const struct topo *t, unsigned i, struct map4_class *c)
{
	if (i == 0)
		*c = (struct map4_class){ MAP4_GLOBAL, 0 };
	else if (i == 1)
		*c = (struct map4_class){ MAP4_ANONYMIZING, 0 };
	else if (i <= t->levels)
		*c = (struct map4_class){ MAP4_INTERNAL, (uint8_t)(t->levels + 1 - i) };
	else
		return false;
	return true;
}

/*
 * The lowest level that has destinations.  Below `subnet level` hosts know nothing of
 * Netsukuku (kernel-state 4); a connectivity g-node is nobody's inside, so levels below the
 * highest virtual one have none (kernel-state 5).
 */
static unsigned
lowest_level(const struct wanted_settings *s, const struct facts *f)
{
	int virtual = naddr_highest_virtual(&s->map.topo, &f->address);

	if (f->main || virtual < s->subnet_level)
		return s->subnet_level;
	return (unsigned)virtual;
}

/* Appends the prefixes of DST to V from place N on; returns the new count. */
static size_t
add_prefixes(const struct wanted_settings *s, const struct facts *f, struct coord dst,
    struct wanted_dst *v, size_t n, size_t size)
{
	struct map4_class c;
	ntk_prefix_t p;

	for (unsigned i = 0; class_at(&s->map.topo, i, &c); i++) {
		if (!map4_gnode(&s->map, &f->address, dst, c, &p))
			continue;
		if (n < size)
			v[n] = (struct wanted_dst){ dst, c, p };
		n++;
	}
	return n;
}

size_t
wanted_destinations(const struct wanted_settings *s, const struct facts *f,
    struct wanted_dst *v, size_t size)
{
	const struct topo *t = &s->map.topo;
	unsigned lowest = lowest_level(s, f);
	size_t n = 0;

	for (unsigned level = t->levels; level-- > lowest; )
		for (uint32_t pos = 0; pos < topo_gsize(t, level); pos++)
			if (pos != f->address.pos[level])
				n = add_prefixes(s, f, (struct coord){ (uint8_t)level, pos },
				    v, n, size);
	return n;
}

static bool
path_avoids(const struct facts *f, const struct facts_path *p, struct coord avoid)
{
	const struct coord *hops = f->hops + p->first_hop;

	for (size_t i = 0; i < p->n_hops; i++)
		if (coord_equal(hops[i], avoid))
			return false;
	return true;
}

/* True when packets in table T may take path P. */
static bool
path_serves(const struct facts *f, const struct table *t, const struct facts_path *p)
{
	return t->ntk || (t->known && path_avoids(f, p, t->avoid));
}

/* The table of arc I, or ntk for -1. */
static struct table
table_of(const struct facts *f, const struct topo *topo, int i)
{
	struct table t = { .mac = KOBJ_NTK, .ntk = true };

	if (i < 0)
		return t;
	t.ntk = false;
	t.mac = f->arcs[i].peer_mac;
	t.known = f->arcs[i].known &&
	    naddr_coord(topo, &f->address, &f->arcs[i].peer, &t.avoid);
	return t;
}

const struct facts_path *
wanted_path(const struct facts *f, const struct topo *t, struct coord dst, int arc)
{
	struct table table = table_of(f, t, arc);

	for (size_t i = 0; i < f->n_paths; i++)
		if (coord_equal(f->paths[i].dst, dst) && path_serves(f, &table, &f->paths[i]))
			return &f->paths[i];
	return NULL;
}

/* The same for a target, which has its paths at hand. */
static const struct facts_path *
target_path(const struct facts *f, const struct table *t, const struct target *to)
{
	for (size_t i = 0; i < to->count; i++) {
		const struct facts_path *p = &f->paths[to->paths[i]];

		if (path_serves(f, t, p))
			return p;
	}
	return NULL;
}

/*
 * An address internal to level k names a place inside the sender's g-node of level k.
 * What comes from a neighbour whose g-node of that level is another one cannot
 * mean a place in ours (kernel-state 4).
 */
static bool
is_blackhole(const struct table *t, const struct target *to)
{
	return t->known && to->dst.class_.kind == MAP4_INTERNAL &&
	    to->dst.class_.level <= t->avoid.level;
}

static struct kobj
route_of(const struct facts *f, const struct table *t, const struct target *to)
{
	const struct facts_path *p = target_path(f, t, to);
	struct kobj o = {
		.kind = KOBJ_ROUTE,
		.mac = t->mac,
		.addr = to->dst.prefix.addr,
		.len = to->dst.prefix.len,
		.type = PRIV_ROUTE_UNREACHABLE,
	};

	if (is_blackhole(t, to)) {
		o.type = PRIV_ROUTE_BLACKHOLE;
	} else if (p != NULL) {
		o.type = PRIV_ROUTE_UNICAST;
		o.via_dev = f->arcs[p->arc].dev;
		o.via = f->arcs[p->arc].peer_linklocal;
		o.src = t->ntk ? to->src : 0;
	}
	return o;
}

static void
add(struct view *v, struct kobj o)
{
	kset_add(v->out, &o);
}

/* Every table has the same destinations. */
static void
add_table(struct view *v, const struct table *t)
{
	for (size_t i = 0; i < v->n_targets; i++)
		add(v, route_of(v->f, t, &v->targets[i]));
}

/* Kernel-state 4: the rule of a neighbour's table exists only while the arc is known. */
static void
add_neighbour_table(struct view *v, int arc)
{
	struct table t = table_of(v->f, v->t, arc);

	add_table(v, &t);
	add(v, (struct kobj){ .kind = KOBJ_MARK, .mac = t.mac });
	if (t.known)
		add(v, (struct kobj){ .kind = KOBJ_RULE, .mac = t.mac });
}

static void
add_ntk(struct view *v)
{
	struct table t = table_of(v->f, v->t, -1);

	add_table(v, &t);
	add(v, (struct kobj){ .kind = KOBJ_RULE, .mac = KOBJ_NTK });
}

static void
add_tables(struct view *v)
{
	if (v->f->main)
		add_ntk(v);
	for (size_t i = 0; i < v->f->n_arcs; i++)
		if (v->f->arcs[i].qspn)
			add_neighbour_table(v, (int)i);
}

/* Kernel-state 3 and 5: interfaces, each with its link-local. */
static void
add_interfaces(struct view *v)
{
	for (uint8_t i = 0; i < CONF_INTERFACES; i++) {
		if (!v->f->has_dev[i])
			continue;
		add(v, (struct kobj){ .kind = KOBJ_DEV, .dev = i });
		add(v, (struct kobj){ .kind = KOBJ_ADDR, .dev = i, .addr = v->f->linklocal[i] });
	}
}

static void
add_on_all_interfaces(struct view *v, ntk_ip_t addr)
{
	for (uint8_t i = 0; i < CONF_INTERFACES; i++)
		if (v->f->has_dev[i])
			add(v, (struct kobj){ .kind = KOBJ_ADDR, .dev = i, .addr = addr });
}

/* Kernel-state 4, own addresses; and the network's synonym of localhost. */
static void
add_addresses(struct view *v)
{
	struct map4_class c;
	ntk_ip_t addr;

	add(v, (struct kobj){ .kind = KOBJ_ADDR, .dev = KOBJ_LO,
	    .addr = map4_localhost(&v->s->map) });
	for (unsigned i = 0; class_at(v->t, i, &c); i++) {
		if (c.kind == MAP4_ANONYMIZING && !v->s->accept_anonymous)
			continue;
		if (map4_node(&v->s->map, &v->f->address, c, &addr))
			add_on_all_interfaces(v, addr);
	}
}

/* Kernel-state 6. */
static void
add_neighbours(struct view *v)
{
	for (size_t i = 0; i < v->f->n_arcs; i++) {
		const struct facts_arc *a = &v->f->arcs[i];

		add(v, (struct kobj){ .kind = KOBJ_NEIGH, .dev = a->dev,
		    .addr = a->peer_linklocal, .src = v->f->linklocal[a->dev] });
	}
}

/* Without any interface nobody has an address that could be lent. */
static bool
has_address(const struct view *v)
{
	for (uint8_t i = 0; i < CONF_INTERFACES; i++)
		if (v->f->has_dev[i])
			return true;
	return false;
}

/* Kernel-state 4, source NAT: we lend our address to those who do not show theirs. */
static void
add_source_nat(struct view *v)
{
	const struct map4 *m = &v->s->map;
	ntk_prefix_t dst;
	ntk_ip_t own;

	if (!v->s->anonymize_others || !has_address(v) ||
	    !map4_node(m, &v->f->address, (struct map4_class){ MAP4_GLOBAL, 0 }, &own) ||
	    !map4_all(m, (struct map4_class){ MAP4_ANONYMIZING, 0 }, &dst))
		return;
	add(v, (struct kobj){ .kind = KOBJ_NAT, .nat = PRIV_NAT_SOURCE, .addr = dst.addr,
	    .len = dst.len, .via = own, .to_len = NTK_IP_BITS });
}

/* From outside: destinations in the subnet's prefix OUTER become those its hosts know. */
static void
add_map_in(struct view *v, ntk_prefix_t outer, ntk_prefix_t own)
{
	add(v, (struct kobj){ .kind = KOBJ_NAT, .nat = PRIV_NAT_MAP_IN, .addr = outer.addr,
	    .len = outer.len, .via = own.addr, .to_len = own.len });
}

/* From inside: towards all addresses of a class the subnet appears as OUTER. */
static void
add_map_out(struct view *v, ntk_prefix_t own, struct map4_class towards, ntk_prefix_t outer)
{
	ntk_prefix_t dst;

	if (!map4_all(&v->s->map, towards, &dst))
		return;
	add(v, (struct kobj){ .kind = KOBJ_NAT, .nat = PRIV_NAT_MAP_OUT, .match_src = own.addr,
	    .src_len = own.len, .addr = dst.addr, .len = dst.len, .via = outer.addr,
	    .to_len = outer.len });
}

/*
 * The mapping of one class.  Who speaks to an anonymizing address is answered, as by
 * everybody, from the global one.
 */
static void
add_map(struct view *v, ntk_prefix_t own, struct map4_class c)
{
	struct map4_class shown = c;
	ntk_prefix_t outer;

	if (!map4_own_gnode(&v->s->map, &v->f->address, v->s->subnet_level, c, &outer))
		return;
	if (c.kind != MAP4_ANONYMIZING || v->s->accept_anonymous)
		add_map_in(v, outer, own);
	if (c.kind == MAP4_ANONYMIZING)
		shown.kind = MAP4_GLOBAL;
	if (map4_own_gnode(&v->s->map, &v->f->address, v->s->subnet_level, shown, &outer))
		add_map_out(v, own, c, outer);
}

/* Kernel-state 4, prefix mapping for a private subnet. */
static void
add_subnet(struct view *v)
{
	uint8_t level = v->s->subnet_level;
	struct map4_class c = { MAP4_INTERNAL, level };
	ntk_prefix_t own;

	if (level == 0 || !map4_all(&v->s->map, c, &own))
		return;
	for (unsigned i = 0; class_at(v->t, i, &c); i++)
		if (c.kind != MAP4_INTERNAL || c.level > level)
			add_map(v, own, c);
}

/* The own address that table ntk names as source for destinations of class C, or 0. */
static ntk_ip_t
source_for(const struct view *v, struct map4_class c)
{
	ntk_ip_t addr;

	if (c.kind == MAP4_ANONYMIZING)
		c.kind = MAP4_GLOBAL;
	return map4_node(&v->s->map, &v->f->address, c, &addr) ? addr : 0;
}

/* Moves *AT past the paths to destinations before DST; returns how many lead to DST. */
static size_t
paths_to(const struct view *v, struct coord dst, size_t *at)
{
	const struct facts *f = v->f;
	size_t end;

	while (*at < f->n_paths && coord_cmp(f->paths[v->order[*at]].dst, dst) < 0)
		++*at;
	for (end = *at; end < f->n_paths; end++)
		if (!coord_equal(f->paths[v->order[end]].dst, dst))
			break;
	return end - *at;
}

/* Destinations and ordered paths come in the same order, so one walk over both joins them. */
static void
targets_join(struct view *v)
{
	size_t at = 0;

	for (size_t i = 0; i < v->n_targets; i++) {
		struct target *to = &v->targets[i];

		to->dst = v->dsts[i];
		to->src = source_for(v, to->dst.class_);
		to->count = paths_to(v, to->dst.dst, &at);
		to->paths = v->order + at;
	}
}

static bool
targets_make(struct view *v)
{
	v->n_targets = wanted_destinations(v->s, v->f, NULL, 0);
	v->dsts = calloc(v->n_targets + 1, sizeof(*v->dsts));
	v->targets = calloc(v->n_targets + 1, sizeof(*v->targets));
	v->order = facts_path_order(v->f);
	if (v->dsts == NULL || v->targets == NULL || v->order == NULL)
		return false;
	wanted_destinations(v->s, v->f, v->dsts, v->n_targets);
	targets_join(v);
	return true;
}

/* Kernel-state 5: a connectivity identity only forwards, so it has none of this. */
static void
add_main_only(struct view *v)
{
	add_addresses(v);
	add_source_nat(v);
	add_subnet(v);
}

bool
wanted_state(const struct wanted_settings *s, const struct facts *f, struct kset *out)
{
	struct view v = { .s = s, .f = f, .t = &s->map.topo, .out = out };
	bool ok = targets_make(&v);

	kset_empty(out);
	if (ok) {
		add(&v, (struct kobj){ .kind = KOBJ_NS });
		add_interfaces(&v);
		add_neighbours(&v);
		add_tables(&v);
		if (f->main)
			add_main_only(&v);
		ok = kset_sort(out);
	}
	free(v.dsts);
	free(v.targets);
	free(v.order);
	return ok;
}
