/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
check_init(struct check *c, struct world *w)
{
	memset(c, 0, sizeof(*c));
	c->w = w;
	rng_init(&c->rng, w->settings.seed ^ UINT64_C(0x636865636b));
	return walk_init(&c->walk, w) && truth_init(&c->truth, w) && bound_init(&c->bound, w) &&
	    disjoint_init(&c->disjoint, w);
}

void
check_free(struct check *c)
{
	walk_free(&c->walk);
	truth_free(&c->truth);
	bound_free(&c->bound);
	disjoint_free(&c->disjoint);
}

static const struct topo *
topo_of(const struct check *c)
{
	return &c->w->settings.params.topo;
}

static bool __attribute__((format(printf, 2, 3)))
broken(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->why[0] == '\0') {
		va_start(ap, fmt);
		vsnprintf(c->why, sizeof(c->why), fmt, ap);
		va_end(ap);
	}
	return false;
}

static bool
is_up(const struct check *c, uint32_t node)
{
	return c->w->nodes[node].state == WORLD_NODE_UP;
}

/* --- packets ------------------------------------------------------------------------- */

/*
 * Kinds of addresses by which A and B know each other: global, anonymizing, internal to each
 * level of a g-node that holds both.  I counts from 0; false after the last.
 */
static bool
class_at(const struct check *c, uint32_t a, uint32_t b, unsigned i, struct map4_class *out)
{
	const struct topo *t = topo_of(c);
	const struct naddr *x = &c->w->nodes[a].address, *y = &c->w->nodes[b].address;
	unsigned common = t->levels;

	while (common != 0 && x->pos[common - 1] == y->pos[common - 1])
		common--;
	if (i < 2) {
		*out = (struct map4_class){ i == 0 ? MAP4_GLOBAL : MAP4_ANONYMIZING, 0 };
		return true;
	}
	*out = (struct map4_class){ MAP4_INTERNAL, (uint8_t)(common + i - 2) };
	return out->level != 0 && out->level < t->levels;
}

/* The address of class C exists: its level may not fit into its field in loose topologies. */
static bool
class_exists(const struct check *c, uint32_t node, struct map4_class class)
{
	ntk_ip_t addr;

	return map4_node(&c->walk.map, &c->w->nodes[node].address, class, &addr);
}

static bool
packet(struct check *c, uint32_t a, uint32_t b, struct map4_class class, bool at_rest)
{
	unsigned hops;
	enum walk_end end = walk_packet(&c->walk, a, b, class, &hops);
	char x[TOPO_TEXT], y[TOPO_TEXT];

	c->count.walks++;
	c->count.ends[end]++;
	if (end == WALK_REACHED || (!at_rest && end != WALK_WRONG)) {
		c->loops_on_the_way += !at_rest && end == WALK_LOOP;
		return true;
	}
	if (at_rest && end == WALK_DEAD && !c->truth.whole)
		return true;
	return broken(c, "a packet from node %u (%s) to the %s address of node %u (%s), level %u: %s "
	    "after %u links", a, naddr_print(topo_of(c), &c->w->nodes[a].address, x),
	    map4_kind_name(class.kind), b, naddr_print(topo_of(c), &c->w->nodes[b].address, y),
	    class.level, walk_end_name(end), hops);
}

static bool
pair(struct check *c, uint32_t a, uint32_t b, bool at_rest)
{
	struct map4_class class;
	bool ok = true;

	for (unsigned i = 0; class_at(c, a, b, i, &class); i++)
		if (class_exists(c, b, class))
			ok = packet(c, a, b, class, at_rest) && ok;
	return ok;
}

static bool
pair_at_rest(struct check *c, uint32_t a, uint32_t b)
{
	if (a == b || !is_up(c, a) || !is_up(c, b))
		return true;
	c->count.pairs++;
	if (c->truth.component[a] != c->truth.component[b])
		return true;
	c->count.reachable++;
	return pair(c, a, b, true);
}

static bool
pairs_at_rest(struct check *c)
{
	uint32_t n = c->w->n_nodes;
	bool ok = true;

	if (n <= CHECK_ALL_PAIRS) {
		for (uint32_t a = 0; a < n; a++)
			for (uint32_t b = 0; b < n; b++)
				ok = pair_at_rest(c, a, b) && ok;
		return ok;
	}
	for (uint32_t i = 0; i < CHECK_SAMPLE; i++) {
		uint32_t a = rng_below(&c->rng, n);

		ok = pair_at_rest(c, a, rng_below(&c->rng, n)) && ok;
	}
	return ok;
}

/* --- costs ----------------------------------------------------------------------------- */

/* COST * (10/7)^LINKS, as far as 64 bits go. */
static uint64_t
stretched(uint64_t cost, uint32_t links)
{
	for (uint32_t i = 0; i < links; i++) {
		if (cost > UINT64_MAX / 16)
			return UINT64_MAX;
		cost = (cost * 10 + 6) / 7;
	}
	return cost;
}

/* Every path to D exists, and costs at least what it must. */
static bool
destination_paths(struct check *c, uint32_t node, struct coord d)
{
	struct qspn_path v[CHECK_PATHS];
	size_t n = qspn_paths(c->w->nodes[node].qspn, d, v, CHECK_PATHS);
	bool ok = true;

	for (size_t i = 0; ok && i < n && i < CHECK_PATHS; i++) {
		uint64_t least = bound_path(&c->bound, node, &v[i]);

		c->count.paths++;
		if (least == BOUND_NONE)
			ok = broken(c, "node %u: path %zu to the g-node %u,%u does not exist", node,
			    i + 1, d.level, d.pos);
		else if (v[i].cost < least)
			ok = broken(c, "node %u: path %zu to the g-node %u,%u is told to cost only %llu, "
			    "but cannot cost less than %llu", node, i + 1, d.level, d.pos,
			    (unsigned long long)v[i].cost, (unsigned long long)least);
	}
	return ok;
}

/* The paths to D are as different as they have to be. */
static bool
destination_disjoint(struct check *c, uint32_t node, struct coord d)
{
	struct qspn_path v[CHECK_PATHS];
	size_t n = qspn_paths(c->w->nodes[node].qspn, d, v, CHECK_PATHS);
	enum disjoint_verdict verdict;
	char why[CHECK_WHY / 2];

	n = n < CHECK_PATHS ? n : CHECK_PATHS;
	verdict = disjoint_judge(&c->disjoint, node, d, v, n, &c->count.disjoint, why, sizeof(why));
	c->count.open += verdict == DISJOINT_OPEN;
	c->count.late += verdict == DISJOINT_LATE;
	/* Who does not remember what was told cannot know better. */
	if (verdict == DISJOINT_OPEN && (c->w->settings.params.amendments & QSPN_A27_SPARE) == 0)
		verdict = DISJOINT_GOOD;
	return verdict == DISJOINT_GOOD || (verdict == DISJOINT_LATE && !c->updated) ||
	    broken(c, "node %u, paths to the g-node %u,%u: %s", node, d.level, d.pos, why);
}

/* The first path against the cheapest way. */
static bool
destination_cost(struct check *c, uint32_t node, struct coord d, const struct qspn_path *best)
{
	uint64_t cost;
	uint32_t links;
	bool simple;

	truth_to(&c->truth, node, d, &cost, &links, &simple);
	if (!simple) {
		c->count.costs_incomparable++;
		return true;
	}
	c->count.costs++;
	if (best->cost * 1000 / cost > c->count.stretch)
		c->count.stretch = best->cost * 1000 / cost;
	return best->cost <= stretched(cost, links - 1) || broken(c, "node %u: the way to the g-node "
	    "%u,%u is told to cost %llu, the cheapest has %u links and costs %llu", node, d.level,
	    d.pos, (unsigned long long)best->cost, links, (unsigned long long)cost);
}

static bool
destination(struct check *c, uint32_t node, struct coord d)
{
	struct qspn_path best;
	bool known = qspn_best(c->w->nodes[node].qspn, d, &best);
	uint64_t cost;
	uint32_t links;
	bool simple;

	/* Of a torn g-node the younger islands are hidden, so one may seem far or gone. */
	if (!c->truth.whole)
		return destination_paths(c, node, d);
	if (!truth_to(&c->truth, node, d, &cost, &links, &simple))
		return !known || broken(c, "node %u knows a way to the g-node %u,%u, where nobody is "
		    "connected with it", node, d.level, d.pos);
	if (!known)
		return broken(c, "node %u knows no way to the g-node %u,%u", node, d.level, d.pos);
	return destination_paths(c, node, d) && destination_disjoint(c, node, d) &&
	    destination_cost(c, node, d, &best);
}

static bool
node_costs(struct check *c, uint32_t node)
{
	const struct topo *t = topo_of(c);
	bool ok = true;

	for (unsigned level = 0; level < t->levels; level++) {
		if (!truth_ways(&c->truth, node, level + 1)) {
			c->failed = true;
			return false;
		}
		for (uint32_t pos = 0; pos < topo_gsize(t, level); pos++)
			if (pos != c->w->nodes[node].address.pos[level])
				ok = destination(c, node, (struct coord){ (uint8_t)level, pos }) && ok;
	}
	return ok;
}

static bool
costs(struct check *c)
{
	uint32_t n = c->w->n_nodes;
	bool all = n <= CHECK_ALL_PAIRS, ok = true;

	for (uint32_t i = 0; i < (all ? n : CHECK_SAMPLE_SOURCES); i++) {
		uint32_t node = all ? i : rng_below(&c->rng, n);

		if (is_up(c, node))
			ok = node_costs(c, node) && ok;
	}
	return ok;
}

/* --- managers ---------------------------------------------------------------------------- */

static bool
manager(struct check *c, uint32_t node)
{
	const struct world_node *n = &c->w->nodes[node];
	char why[200];

	if (n->qspn == NULL || qspn_invariant(n->qspn, why, sizeof(why)))
		return true;
	return broken(c, "node %u: %s", node, why);
}

/* Nodes that are up, are connected with NODE and share its g-node of LEVEL. */
static uint32_t
members(const struct check *c, uint32_t node, unsigned level)
{
	const struct world *w = c->w;
	uint32_t count = 0;

	for (uint32_t i = 0; i < w->n_nodes; i++) {
		bool same = is_up(c, i) && c->truth.component[i] == c->truth.component[node];

		for (unsigned k = level; same && k < topo_of(c)->levels; k++)
			same = w->nodes[i].address.pos[k] == w->nodes[node].address.pos[k];
		count += same;
	}
	return count;
}

/*
 * What is told of g-nodes is stored only when it changed by more than a tenth (spec/qspn
 * 4.10), so the count of level k may be off by a tenth for each level above the first.
 */
static bool
node_counts(struct check *c, uint32_t node)
{
	uint32_t told, true_count;

	for (unsigned level = 1; c->truth.whole && level <= topo_of(c)->levels; level++) {
		double slack = 1;

		true_count = members(c, node, level);
		for (unsigned i = 1; i < level; i++)
			slack *= 1.12;
		if (!qspn_nodes_inside(c->w->nodes[node].qspn, level, &told) ||
		    told > true_count * slack + 0.5 || told < true_count / slack - 0.5)
			return broken(c, "node %u counts %u nodes in its g-node of level %u, which has %u",
			    node, told, level, true_count);
	}
	return true;
}

/* What the node at one end of a link knows is what the one at the other end tells it. */
static bool
neighbours(struct check *c, const struct world_link *l, unsigned side)
{
	uint32_t a = l->node[side], b = l->node[!side];
	const struct world_node *teller = &c->w->nodes[a], *hearer = &c->w->nodes[b];
	char why[200];

	if (!l->connected || !is_up(c, a) || !is_up(c, b) ||
	    qspn_agree(teller->qspn, teller->ends[l->end[side]].arc, hearer->qspn,
	    hearer->ends[l->end[!side]].arc, why, sizeof(why)))
		return true;
	return broken(c, "what node %u tells node %u: %s", a, b, why);
}

static bool
is_amended(const struct check *c)
{
	uint32_t all = QSPN_PROFILE_R;

	return (c->w->settings.params.amendments & all) == all;
}

static bool
managers_at_rest(struct check *c)
{
	uint32_t n = c->w->n_nodes;
	bool ok = true;

	for (uint32_t i = 0; i < n; i++)
		ok = manager(c, i) && ok;
	for (uint32_t i = 0; i < c->w->n_links && is_amended(c); i++)
		for (unsigned side = 0; side < 2; side++)
			ok = neighbours(c, &c->w->links[i], side) && ok;
	for (uint32_t i = 0; i < n; i++)
		if (is_up(c, i) && (n <= CHECK_ALL_PAIRS || rng_below(&c->rng, n) < CHECK_SAMPLE_SOURCES))
			ok = node_counts(c, i) && ok;
	return ok;
}

/* --- both ---------------------------------------------------------------------------------- */

bool
check_rest(struct check *c)
{
	bool ok;

	memset(&c->count, 0, sizeof(c->count));
	c->failed = c->failed || !truth_look(&c->truth) || !disjoint_read(&c->disjoint);
	if (c->failed)
		return broken(c, "memory is exhausted");
	ok = walk_read(&c->walk, c->why, sizeof(c->why));
	ok = ok && managers_at_rest(c);
	ok = ok && pairs_at_rest(c);
	return ok && costs(c);
}

bool
check_event(struct check *c, uint32_t node)
{
	const struct world_node *n = &c->w->nodes[node];
	bool changed = false, ok = manager(c, node) &&
	    walk_read_node(&c->walk, node, &changed, c->why, sizeof(c->why));

	/* What changed is this node's tables: packets that start here or next to here meet them. */
	for (uint32_t b = 0; changed && ok && b < c->w->n_nodes; b++) {
		if (!is_up(c, b) || !is_up(c, node))
			continue;
		ok = b == node || pair(c, node, b, false);
		for (uint32_t i = 0; ok && i < n->n_ends; i++)
			if (n->ends[i].node != b && is_up(c, n->ends[i].node))
				ok = pair(c, n->ends[i].node, b, false);
	}
	return ok;
}

bool
check_read(struct check *c)
{
	return walk_read(&c->walk, c->why, sizeof(c->why));
}

void
check_pair(struct check *c, uint32_t a, uint32_t b, unsigned *reached, unsigned *sent)
{
	struct map4_class class;
	unsigned hops;

	*reached = *sent = 0;
	for (unsigned i = 0; class_at(c, a, b, i, &class); i++) {
		if (!class_exists(c, b, class))
			continue;
		++*sent;
		*reached += walk_packet(&c->walk, a, b, class, &hops) == WALK_REACHED;
	}
}
