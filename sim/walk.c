/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qfacts.h"
#include "ntkd/kernel/wanted.h"

enum { NO_END = 0xffff, DIGEST_PATHS = 128 };

struct walk_route {
	ntk_prefix_t dst;
	uint16_t end;		/* of the node, by which it leaves; NO_END: unreachable, blackhole */
	uint32_t longer;	/* routes before it in its table whose prefixes are longer */
};

/* Routes of one table, the longest prefixes first. */
struct walk_table {
	uint32_t first;
	uint32_t n;
	bool rule;		/* packets from the neighbour use it */
};

struct walk_node {
	ntk_ip_t *own;			/* addresses */
	uint32_t n_own;
	struct walk_route *routes;
	uint32_t n_routes;
	struct walk_table *tables;	/* ntk, then one for each end */
	uint64_t made_from;		/* digest of what they were made from */
};

const char *
walk_end_name(enum walk_end e)
{
	static const char *const names[WALK_ENDS] = { "reached", "loop", "wrong", "dead" };

	return names[e];
}

bool
walk_init(struct walk *k, const struct world *w)
{
	char why[200];

	memset(k, 0, sizeof(*k));
	k->w = w;
	k->map.topo = w->settings.params.topo;
	k->map.range = (ntk_prefix_t){ 0x0a000000, 8 };
	if (!topo_check(&k->map.topo, NTK_IP_BITS - k->map.range.len, true, why, sizeof(why)))
		return false;
	k->nodes = calloc(w->n_nodes + (size_t)1, sizeof(*k->nodes));
	k->visited = calloc(w->n_nodes + (size_t)1, sizeof(*k->visited));
	return k->nodes != NULL && k->visited != NULL;
}

static void
node_clear(struct walk_node *n)
{
	free(n->own);
	free(n->routes);
	free(n->tables);
	memset(n, 0, sizeof(*n));
}

void
walk_free(struct walk *k)
{
	for (uint32_t i = 0; k->nodes != NULL && i < k->w->n_nodes; i++)
		node_clear(&k->nodes[i]);
	free(k->nodes);
	free(k->visited);
	memset(k, 0, sizeof(*k));
}

/* --- from a manager to tables -------------------------------------------------------- */

/*
 * Names of what a neighbour has: its MAC from the number of our arc, its link-local from the
 * end.
 */
static ntk_mac_t
end_mac(uint32_t end)
{
	return (ntk_mac_t){ { 0x02, 0x4e, 0x4b, (uint8_t)(end >> 16), (uint8_t)(end >> 8),
		(uint8_t)end } };
}

static ntk_ip_t
end_linklocal(uint32_t end)
{
	return 0xa9fe0101 + (end / 250 << 8) + end % 250;
}

static uint32_t
end_of_mac(ntk_mac_t m)
{
	return (uint32_t)m.b[3] << 16 | (uint32_t)m.b[4] << 8 | m.b[5];
}

static uint32_t
end_of_linklocal(ntk_ip_t ip)
{
	uint32_t off = ip - 0xa9fe0101;

	return (off >> 8) * 250 + (off & 0xff);
}

static struct facts_arc
name_arc(uint32_t arc, void *arg)
{
	const struct world_node *n = arg;
	uint32_t i = 0;

	while (i < n->n_ends && n->ends[i].arc != arc)
		i++;
	return (struct facts_arc){ .dev = 0, .peer_mac = end_mac(i), .peer_linklocal = end_linklocal(i) };
}

static int
route_cmp(const void *a, const void *b)
{
	const struct walk_route *x = a, *y = b;

	if (x->dst.len != y->dst.len)
		return x->dst.len > y->dst.len ? -1 : 1;
	return (x->dst.addr > y->dst.addr) - (x->dst.addr < y->dst.addr);
}

/* The table that routes of MAC are in: 0 for ntk. */
static uint32_t
table_of(ntk_mac_t mac)
{
	return mac_cmp(mac, KOBJ_NTK) == 0 ? 0 : 1 + end_of_mac(mac);
}

/* Longest prefixes first; each route then knows where those of its length begin. */
static void
table_sort(struct walk_route *v, uint32_t n)
{
	qsort(v, n, sizeof(*v), route_cmp);
	for (uint32_t i = 0; i < n; i++)
		v[i].longer = i != 0 && v[i].dst.len == v[i - 1].dst.len ? v[i - 1].longer : i;
}

static bool
node_take(struct walk_node *n, const struct kset *s, uint32_t n_ends)
{
	uint32_t *count = calloc(n_ends + (size_t)2, sizeof(*count));

	n->own = malloc((s->n + 1) * sizeof(*n->own));
	n->routes = malloc((s->n + 1) * sizeof(*n->routes));
	n->tables = calloc(n_ends + (size_t)2, sizeof(*n->tables));
	if (count == NULL || n->own == NULL || n->routes == NULL || n->tables == NULL) {
		free(count);
		return false;
	}
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].kind == KOBJ_ROUTE)
			n->tables[table_of(s->v[i].mac)].n++;
	for (uint32_t t = 1; t <= n_ends; t++)
		n->tables[t].first = n->tables[t - 1].first + n->tables[t - 1].n;
	for (size_t i = 0; i < s->n; i++) {
		const struct kobj *o = &s->v[i];
		uint32_t t = table_of(o->mac);

		if (o->kind == KOBJ_ADDR && o->dev != KOBJ_LO)
			n->own[n->n_own++] = o->addr;
		if (o->kind == KOBJ_RULE)
			n->tables[t].rule = true;
		if (o->kind != KOBJ_ROUTE)
			continue;
		n->routes[n->tables[t].first + count[t]++] = (struct walk_route){
			{ o->addr, o->len }, o->type == PRIV_ROUTE_UNICAST ?
			(uint16_t)end_of_linklocal(o->via) : NO_END, 0 };
		n->n_routes++;
	}
	for (uint32_t t = 0; t <= n_ends; t++)
		table_sort(n->routes + n->tables[t].first, n->tables[t].n);
	free(count);
	return true;
}

static void
digest(uint64_t *sum, uint64_t v)
{
	*sum = (*sum ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	*sum ^= *sum >> 29;
}

static void
digest_path(uint64_t *sum, const struct qspn_path *p)
{
	digest(sum, (uint64_t)p->arc << 32 | p->n_hops);
	for (size_t i = 0; i < p->n_hops; i++)
		digest(sum, (uint64_t)p->hops[i].to.level << 32 | p->hops[i].to.pos);
}

/* Of everything that a manager's tables are made from: its arcs, and its paths in their order. */
static uint64_t
digest_of(const struct qspn *q, const struct topo *t)
{
	struct qspn_path v[DIGEST_PATHS];
	uint64_t sum = qspn_arcs(q);

	for (size_t i = 0; i < qspn_arcs(q); i++) {
		struct qspn_arc_info a = qspn_arc_at(q, i);

		digest(&sum, (uint64_t)a.arc << 1 | a.known);
		for (unsigned l = 0; a.known && l < t->levels; l++)
			digest(&sum, a.peer.pos[l]);
	}
	for (unsigned l = 0; l < t->levels; l++)
		for (uint32_t pos = 0; pos < topo_gsize(t, l); pos++) {
			size_t n = qspn_paths(q, (struct coord){ (uint8_t)l, pos }, v, DIGEST_PATHS);

			digest(&sum, n);
			for (size_t i = 0; i < n && i < DIGEST_PATHS; i++)
				digest_path(&sum, &v[i]);
		}
	return sum;
}

static bool
fail(char *why, size_t why_size, uint32_t node, const char *field, const char *text)
{
	snprintf(why, why_size, "node %u: %s %s", node, field, text);
	return false;
}

static bool
read_node(struct walk *k, uint32_t node, char *why, size_t why_size)
{
	const struct wanted_settings settings = { .map = k->map, .anonymize_others = true,
		.accept_anonymous = true };
	struct world_node *n = &k->w->nodes[node];
	struct facts_error err = { "", "memory is exhausted" };
	struct facts f;
	struct kset s;
	bool ok;

	node_clear(&k->nodes[node]);
	if (n->state == WORLD_NODE_DEAD)
		return true;
	facts_init(&f);
	kset_init(&s);
	f.has_dev[0] = true;
	f.linklocal[0] = 0xa9fefe01;
	ok = qfacts_make(n->qspn, &k->map.topo, true, name_arc, n, &f) &&
	    facts_check(&f, &k->map.topo, 1, &err) && wanted_state(&settings, &f, &s) &&
	    node_take(&k->nodes[node], &s, n->n_ends);
	facts_free(&f);
	kset_free(&s);
	if (ok && k->nodes[node].n_routes > k->routes_max)
		k->routes_max = k->nodes[node].n_routes;
	return ok || fail(why, why_size, node, err.field, err.text);
}

bool
walk_read_node(struct walk *k, uint32_t node, bool *changed, char *why, size_t why_size)
{
	const struct qspn *q = k->w->nodes[node].qspn;
	uint64_t sum = q != NULL ? digest_of(q, &k->map.topo) : 0;
	bool ok;

	*changed = sum != k->nodes[node].made_from || k->nodes[node].tables == NULL;
	if (!*changed)
		return true;
	ok = read_node(k, node, why, why_size);
	k->nodes[node].made_from = sum;
	return ok;
}

bool
walk_read(struct walk *k, char *why, size_t why_size)
{
	bool ok = true;

	k->routes_max = 0;
	for (uint32_t i = 0; ok && i < k->w->n_nodes; i++)
		ok = read_node(k, i, why, why_size);
	return ok;
}

/* --- a packet ------------------------------------------------------------------------- */

static bool
owns(const struct walk_node *n, ntk_ip_t addr)
{
	for (uint32_t i = 0; i < n->n_own; i++)
		if (n->own[i] == addr)
			return true;
	return false;
}

/* From the shortest prefixes' group up: each group is searched by halves. */
static uint16_t
lookup(const struct walk_node *n, uint32_t table, ntk_ip_t addr)
{
	const struct walk_route *v = n->routes + n->tables[table].first;
	uint16_t end = NO_END;

	for (uint32_t top = n->tables[table].n; top != 0; ) {
		uint32_t low = v[top - 1].longer, high = top;

		top = low;
		/* The last one that does not begin after ADDR. */
		while (high - low > 1) {
			uint32_t middle = low + (high - low) / 2;

			if (v[middle].dst.addr <= addr)
				low = middle;
			else
				high = middle;
		}
		if (prefix_has_ip(v[low].dst, addr))
			end = v[low].end;
	}
	return end;
}

/* Over which end of its own the node at the other side of END hears it; NO_END: it does not. */
static uint32_t
cross(const struct world *w, const struct world_end *end, uint32_t from)
{
	const struct world_link *l = &w->links[end->link];
	unsigned far = l->node[0] == from ? 1 : 0;
	const struct world_node *n = &w->nodes[end->node];

	if (!l->up || end->arc == 0 || end->connection != l->connection ||
	    n->state == WORLD_NODE_DEAD || n->ends[l->end[far]].arc == 0)
		return NO_END;
	return l->end[far];
}

enum walk_end
walk_packet(struct walk *k, uint32_t from, uint32_t to, struct map4_class c, unsigned *hops)
{
	const struct world *w = k->w;
	uint32_t node = from, table = 0, heard;
	uint16_t end;
	ntk_ip_t addr;

	*hops = 0;
	k->walks++;
	if (!map4_node(&k->map, &w->nodes[to].address, c, &addr))
		return WALK_DEAD;
	for (;;) {
		if (k->visited[node] == k->walks)
			return WALK_LOOP;
		k->visited[node] = k->walks;
		if (owns(&k->nodes[node], addr))
			return node == to ? WALK_REACHED : WALK_WRONG;
		if (k->nodes[node].tables == NULL)
			return WALK_DEAD;
		end = lookup(&k->nodes[node], table, addr);
		if (end == NO_END)
			return WALK_DEAD;
		heard = cross(w, &w->nodes[node].ends[end], node);
		if (heard == NO_END)
			return WALK_DEAD;
		node = w->nodes[node].ends[end].node;
		table = 1 + heard;
		if (k->nodes[node].tables == NULL || !k->nodes[node].tables[table].rule)
			table = 0;
		(*hops)++;
	}
}
