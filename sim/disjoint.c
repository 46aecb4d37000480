/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/disjoint.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/order.h"

enum {
	PATHS = 64,		/* of a neighbour, to one destination */
	AROUND = 256,		/* g-nodes of neighbours, or adjacent ones */
};

/* The manager of NODE calls its arc at end END of its links ID. */
struct disjoint_name {
	uint32_t id;
	uint32_t node;
	uint32_t end;
};

bool
disjoint_init(struct disjoint *d, const struct world *w)
{
	memset(d, 0, sizeof(*d));
	d->w = w;
	d->ratio = w->settings.params.max_common_ratio;
	d->max_paths = w->settings.params.max_paths;
	/* Each link has a name at each end. */
	d->names = malloc((2 * (size_t)w->n_links + 1) * sizeof(*d->names));
	d->order = malloc((w->n_nodes + (size_t)1) * sizeof(*d->order));
	return d->names != NULL && d->order != NULL;
}

void
disjoint_free(struct disjoint *d)
{
	free(d->names);
	free(d->order);
	memset(d, 0, sizeof(*d));
}

static const struct topo *
topo_of(const struct disjoint *d)
{
	return &d->w->settings.params.topo;
}

static bool
is_up(const struct disjoint *d, uint32_t node)
{
	return d->w->nodes[node].state == WORLD_NODE_UP;
}

static bool
is_linked(const struct disjoint *d, const struct world_end *end)
{
	return end->arc != 0 && d->w->links[end->link].connected && is_up(d, end->node);
}

/* --- names of arcs --------------------------------------------------------------------- */

static void
learn(struct disjoint *d, uint32_t node, const struct qspn_path *p, size_t first)
{
	const struct world_node *n = &d->w->nodes[node];

	for (uint32_t i = 0; i < n->n_ends; i++) {
		size_t k = first;

		if (n->ends[i].arc != p->arc || !is_linked(d, &n->ends[i]))
			continue;
		while (k < d->n_names && d->names[k].end != i)
			k++;
		if (k == d->n_names)
			d->names[d->n_names++] = (struct disjoint_name){ p->hops[0].id, node, i };
	}
}

/* An arc that is in no path of its own node is in nobody else's. */
static bool
read_node(struct disjoint *d, uint32_t node)
{
	const struct qspn *q = d->w->nodes[node].qspn;
	size_t first = d->n_names;

	for (unsigned level = 0; level < topo_of(d)->levels; level++) {
		size_t n = qspn_destinations(q, level, NULL, 0);
		uint32_t *pos = malloc((n + 1) * sizeof(*pos));

		if (pos == NULL)
			return false;
		qspn_destinations(q, level, pos, n);
		for (size_t i = 0; i < n; i++) {
			struct qspn_path v[PATHS];
			const struct coord to = { (uint8_t)level, pos[i] };
			size_t k = qspn_paths(q, to, v, PATHS);

			for (size_t j = 0; j < k && j < PATHS; j++)
				learn(d, node, &v[j], first);
		}
		free(pos);
	}
	return true;
}

static int
name_cmp(const void *a, const void *b)
{
	const struct disjoint_name *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

bool
disjoint_read(struct disjoint *d)
{
	bool ok = true;

	d->n_names = d->n_order = 0;
	for (uint32_t i = 0; ok && i < d->w->n_nodes; i++) {
		if (!is_up(d, i))
			continue;
		d->order[d->n_order++] = i;
		ok = read_node(d, i);
	}
	qsort(d->names, d->n_names, sizeof(*d->names), name_cmp);
	order_nodes(d->w, d->order, d->n_order);
	return ok;
}

static const struct disjoint_name *
first_named(const struct disjoint *d, uint32_t id)
{
	size_t low = 0, high = d->n_names;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->names[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return &d->names[low];
}

/* --- a path on the links ----------------------------------------------------------------- */

/*
 * A path, and to each of its hops the way over one link: twice the number of the link, and one more
 * in the direction from its second node to its first.  The two directions of a link have
 * different names and count as different ways.
 */
struct laid {
	const struct qspn_path *p;
	uint32_t *way;
};

/* The way that the path names as the one to hop I, or UINT32_MAX. */
static uint32_t
way_to(const struct disjoint *d, uint32_t node, const struct qspn_path *p, size_t i)
{
	const struct disjoint_name *end = d->names + d->n_names;

	for (const struct disjoint_name *k = first_named(d, p->hops[i].id); k < end &&
	    k->id == p->hops[i].id; k++) {
		const struct world_end *e = &d->w->nodes[k->node].ends[k->end];

		if (i == 0 ? k->node != node || e->arc != p->arc :
		    !order_lies_in(d->w, node, p->hops[i - 1].to, k->node))
			continue;
		if (is_linked(d, e) && order_lies_in(d->w, node, p->hops[i].to, e->node))
			return 2 * e->link + (d->w->links[e->link].node[1] == k->node);
	}
	return UINT32_MAX;
}

static bool
lay(const struct disjoint *d, uint32_t node, struct laid *l, char *why, size_t size)
{
	for (size_t i = 0; i < l->p->n_hops; i++) {
		l->way[i] = way_to(d, node, l->p, i);
		if (l->way[i] != UINT32_MAX)
			continue;
		snprintf(why, size, "no arc %u leads to hop %zu of %zu, the g-node %u,%u",
		    l->p->hops[i].id, i + 1, l->p->n_hops, l->p->hops[i].to.level,
		    l->p->hops[i].to.pos);
		return false;
	}
	return true;
}

/* As NODE counts them: that is what its rule weighs by. */
static uint32_t
nodes_told(const struct disjoint *d, uint32_t node, struct coord c)
{
	uint32_t nodes = 0;

	qspn_destination(d->w->nodes[node].qspn, c, NULL, &nodes);
	return nodes;
}

/*
 * What NODE counts in the g-node C.  Changes of less than a tenth are not recorded, by C's own
 * nodes nor by others, for each level.
 */
static bool
counts_rightly(const struct disjoint *d, uint32_t node, struct coord c, char *why, size_t size)
{
	uint32_t first, is = order_run(d->w, d->order, d->n_order, node, c, &first);
	uint32_t told = nodes_told(d, node, c);
	double slack = pow(1.12, c.level);

	if (told <= is * slack + 0.5 && told >= is / slack - 0.5)
		return true;
	snprintf(why, size, "it counts %u nodes in the g-node %u,%u, which has %u", told, c.level,
	    c.pos, is);
	return false;
}

static bool
touches(const struct qspn_path *p, struct coord c)
{
	for (size_t i = 0; i < p->n_hops; i++)
		if (coord_equal(p->hops[i].to, c))
			return true;
	return false;
}

static bool
uses(const struct laid *l, uint32_t way)
{
	for (size_t i = 0; i < l->p->n_hops; i++)
		if (l->way[i] == way)
			return true;
	return false;
}

/* --- what two have in common ---------------------------------------------------------------- */

/* In millionths, how much of the hops of path B the path A has too. */
static uint32_t
common(const struct disjoint *d, uint32_t node, const struct laid *a, const struct laid *b)
{
	size_t last = b->p->n_hops - 1;
	uint64_t total = 0, shared = 0;
	double weight;

	for (size_t i = 0; i < last; i++) {
		uint64_t w = (uint64_t)(1.5 * sqrt(nodes_told(d, node, b->p->hops[i].to)));
		unsigned sides = 0;

		total += w;
		if (touches(a->p, b->p->hops[i].to))
			sides = (unsigned)uses(a, b->way[i]) + (unsigned)uses(a, b->way[i + 1]);
		shared += sides == 2 ? w : sides == 1 ? (w + 1) / 2 : 0;
	}
	if (b->p->hops[last].to.level > 0) {
		weight = floor(0.75 * sqrt(nodes_told(d, node, b->p->hops[last].to)));
		weight = weight > 0 ? weight - 1 : 0;
		total += (uint64_t)weight;
		shared += uses(a, b->way[last]) ? (uint64_t)weight : 0;
	}
	return total == 0 ? 0 : (uint32_t)((shared * 1000000 + total - 1) / total);
}

/* --- g-nodes around ---------------------------------------------------------------------- */

struct around {
	struct coord v[AROUND];
	bool done[AROUND];
	size_t n;
};

static void
around_add(struct around *a, struct coord c)
{
	for (size_t i = 0; i < a->n; i++)
		if (coord_equal(a->v[i], c))
			return;
	if (a->n < AROUND)
		a->v[a->n++] = c;
}

/* The g-nodes in which NODE sees its neighbours. */
static void
neighbours(const struct disjoint *d, uint32_t node, struct around *a)
{
	const struct world_node *n = &d->w->nodes[node];
	struct coord c;

	memset(a, 0, sizeof(*a));
	for (uint32_t i = 0; i < n->n_ends; i++)
		if (is_linked(d, &n->ends[i]) && naddr_coord(topo_of(d), &n->address,
		    &d->w->nodes[n->ends[i].node].address, &c))
			around_add(a, c);
}

/* The g-nodes of levels below LEVEL that have a link to the g-node of their level around NODE. */
static void
adjacent(const struct disjoint *d, uint32_t node, unsigned level, struct around *a)
{
	memset(a, 0, sizeof(*a));
	for (uint32_t i = 0; i < d->n_order; i++) {
		uint32_t m = d->order[i];

		if (!order_share(d->w, node, m, level))
			continue;
		for (uint32_t k = 0; k < d->w->nodes[m].n_ends; k++) {
			const struct world_end *e = &d->w->nodes[m].ends[k];
			struct coord c;

			if (is_linked(d, e) && naddr_coord(topo_of(d), &d->w->nodes[node].address,
			    &d->w->nodes[e->node].address, &c) && c.level < level &&
			    order_share(d->w, node, m, c.level))
				around_add(a, c);
		}
	}
}

/* Marks what P leads around (THROUGH: leads through) and no path before it did; was there any? */
static bool
serves(struct around *a, const struct qspn_path *p, bool through)
{
	bool any = false;

	for (size_t i = 0; i < a->n; i++)
		if (!a->done[i] && touches(p, a->v[i]) == through)
			any = a->done[i] = true;
	return any;
}

/* --- what neighbours offer --------------------------------------------------------------- */

/* The first hop of P outside the g-node of LEVEL of whoever has it. */
static size_t
outside(const struct qspn_path *p, unsigned level)
{
	size_t i = 0;

	while (p->hops[i].to.level < level)
		i++;
	return i;
}

/*
 * Those outside the g-node of LEVEL do not use the last of the N paths at V, all to one
 * destination: a cheaper one looks the same from there.
 */
static bool
is_ignored(const struct qspn_path *v, size_t n, unsigned level)
{
	const struct qspn_path *p = &v[n - 1];
	size_t j = outside(p, level);

	for (size_t i = 0; level > 0 && i + 1 < n; i++) {
		size_t k = outside(&v[i], level);
		bool same = v[i].n_hops - k == p->n_hops - j;

		for (size_t h = j; same && h < p->n_hops; h++, k++)
			same = v[i].hops[k].id == p->hops[h].id &&
			    coord_equal(v[i].hops[k].to, p->hops[h].to);
		if (same)
			return true;
	}
	return false;
}

/* NODE could use path P of a neighbour, which it sees in C, and it leads around AVOID. */
static bool
is_offered(const struct disjoint *d, uint32_t node, struct coord c, const struct qspn_path *p,
    struct coord avoid)
{
	const struct world_node *n = &d->w->nodes[node];

	for (size_t i = 0; i < p->n_hops; i++) {
		struct coord h = p->hops[i].to;

		if (h.level < c.level)
			continue;
		if (h.pos == n->address.pos[h.level] || coord_equal(h, avoid) ||
		    (i + 1 < p->n_hops && !qspn_is_known(n->qspn, h)))
			return false;
	}
	return true;
}

/* A neighbour that offers a path to DEST around AVOID, or NULL. */
static const struct world_end *
offer(const struct disjoint *d, uint32_t node, struct coord dest, struct coord avoid)
{
	const struct world_node *n = &d->w->nodes[node];

	for (uint32_t i = 0; i < n->n_ends; i++) {
		const struct world_end *e = &n->ends[i];
		struct qspn_path v[PATHS];
		struct coord c;
		size_t k;

		if (!is_linked(d, e) || !naddr_coord(topo_of(d), &n->address,
		    &d->w->nodes[e->node].address, &c) || coord_equal(c, avoid) ||
		    c.level > dest.level)
			continue;
		if (coord_equal(c, dest))
			return e;
		if (!qspn_is_known(n->qspn, c))
			continue;
		k = qspn_paths(d->w->nodes[e->node].qspn, dest, v, PATHS);
		for (size_t j = 0; j < k && j < PATHS; j++)
			if (!is_ignored(v, j + 1, c.level) && is_offered(d, node, c, &v[j], avoid))
				return e;
	}
	return NULL;
}

/* --- judgement --------------------------------------------------------------------------- */

static enum disjoint_verdict __attribute__((format(printf, 4, 5)))
judge(enum disjoint_verdict v, char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return v;
}

/*
 * Path I, which nothing demands.  On the way to a node of one's own g-node of level 1 that is
 * final; else it may have been demanded by a g-node that was adjacent, or differed by counts that
 * were others.
 */
static enum disjoint_verdict
judge_optional(const struct disjoint *d, uint32_t node, const struct laid *l, size_t i,
    uint64_t *compared, char *why, size_t size)
{
	bool final = l[i].p->hops[l[i].p->n_hops - 1].to.level == 0;
	enum disjoint_verdict wrong = final ? DISJOINT_BAD : DISJOINT_LATE;

	if (i >= d->max_paths)
		return judge(wrong, why, size, "nothing demands path %zu, and %u are allowed",
		    i + 1, d->max_paths);
	for (size_t j = 0; j < i; j++) {
		uint32_t share = common(d, node, &l[i], &l[j]);

		++*compared;
		if (share > d->ratio)
			return judge(wrong, why, size,
			    "path %zu has %u.%03u of path %zu in common, and nothing demands it",
			    i + 1, share / 1000000, share / 1000 % 1000, j + 1);
	}
	return DISJOINT_GOOD;
}

/* No path leads around a g-node of NEAR that is not done: nobody offers one either? */
static enum disjoint_verdict
judge_offers(const struct disjoint *d, uint32_t node, struct coord dest, const struct around *near,
    char *why, size_t size)
{
	for (size_t i = 0; i < near->n; i++) {
		const struct world_end *e = near->done[i] || coord_equal(near->v[i], dest) ? NULL :
		    offer(d, node, dest, near->v[i]);

		if (e != NULL)
			return judge(DISJOINT_OPEN, why, size, "none leads around the neighbour's "
			    "g-node %u,%u, but node %u offers one", near->v[i].level,
			    near->v[i].pos, e->node);
	}
	return DISJOINT_GOOD;
}

static enum disjoint_verdict
judge_laid(const struct disjoint *d, uint32_t node, struct coord dest, const struct laid *l,
    size_t n, uint64_t *compared, char *why, size_t size)
{
	enum disjoint_verdict worst = DISJOINT_GOOD;
	struct around near, adj;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < l[i].p->n_hops; k++)
			if (!counts_rightly(d, node, l[i].p->hops[k].to, why, size))
				return DISJOINT_LATE;
	neighbours(d, node, &near);
	adjacent(d, node, dest.level, &adj);
	for (size_t i = 0; i < n && worst == DISJOINT_GOOD; i++) {
		bool around = serves(&near, l[i].p, false), through = serves(&adj, l[i].p, true);

		if (i > 0 && !around && !through)
			worst = judge_optional(d, node, l, i, compared, why, size);
	}
	return worst != DISJOINT_GOOD ? worst : judge_offers(d, node, dest, &near, why, size);
}

enum disjoint_verdict
disjoint_judge(const struct disjoint *d, uint32_t node, struct coord dest,
    const struct qspn_path *v, size_t n, uint64_t *compared, char *why, size_t size)
{
	enum disjoint_verdict worst = DISJOINT_GOOD;
	struct laid l[PATHS];
	uint32_t *ways;

	n = n < PATHS ? n : PATHS;
	ways = malloc((n * PEER_HOPS + 1) * sizeof(*ways));
	if (ways == NULL)
		return judge(DISJOINT_BAD, why, size, "memory is exhausted");
	for (size_t i = 0; i < n && worst == DISJOINT_GOOD; i++) {
		l[i] = (struct laid){ &v[i], ways + i * PEER_HOPS };
		if (!lay(d, node, &l[i], why, size))
			worst = DISJOINT_BAD;
	}
	if (worst == DISJOINT_GOOD)
		worst = judge_laid(d, node, dest, l, n, compared, why, size);
	free(ways);
	return worst;
}
