/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/truth.h"

#include <stdlib.h>
#include <string.h>

#include "sim/order.h"

bool
truth_init(struct truth *t, const struct world *w)
{
	memset(t, 0, sizeof(*t));
	t->w = w;
	heap_init(&t->heap);
	t->cost = malloc((w->n_nodes + (size_t)1) * sizeof(*t->cost));
	t->links = malloc((w->n_nodes + (size_t)1) * sizeof(*t->links));
	t->via = malloc((w->n_nodes + (size_t)1) * sizeof(*t->via));
	t->component = malloc((w->n_nodes + (size_t)1) * sizeof(*t->component));
	return t->cost != NULL && t->links != NULL && t->via != NULL && t->component != NULL;
}

void
truth_free(struct truth *t)
{
	free(t->cost);
	free(t->links);
	free(t->via);
	free(t->component);
	heap_free(&t->heap);
	memset(t, 0, sizeof(*t));
}

/* A link that carries messages, so that paths may lead over it. */
static bool
is_usable(const struct world *w, const struct world_end *end)
{
	return w->links[end->link].connected && w->nodes[end->node].state == WORLD_NODE_UP;
}

bool
truth_ways(struct truth *t, uint32_t from, unsigned level)
{
	const struct world *w = t->w;
	struct heap_event e;

	for (uint32_t i = 0; i < w->n_nodes; i++)
		t->cost[i] = TRUTH_FAR;
	t->cost[from] = 0;
	t->links[from] = 0;
	t->via[from] = from;
	if (!heap_put(&t->heap, 0, &t->cost[from]))
		return false;
	while (heap_peek(&t->heap, &e)) {
		uint32_t n = (uint32_t)((uint64_t *)heap_take(&t->heap).what - t->cost);

		if (e.at != t->cost[n])
			continue;
		for (uint32_t i = 0; i < w->nodes[n].n_ends; i++) {
			const struct world_end *end = &w->nodes[n].ends[i];
			uint64_t cost = t->cost[n] + w->links[end->link].cost;

			if (!is_usable(w, end) || cost >= t->cost[end->node] ||
			    !order_share(w, from, end->node, level))
				continue;
			t->cost[end->node] = cost;
			t->links[end->node] = t->links[n] + 1;
			t->via[end->node] = n;
			if (!heap_put(&t->heap, cost, &t->cost[end->node]))
				return false;
		}
	}
	return true;
}

/* Gives NUMBER to what hangs together with FROM inside its g-node of LEVEL. */
static void
fill(struct truth *t, uint32_t from, unsigned level, uint32_t number, uint32_t *stack)
{
	const struct world *w = t->w;
	uint32_t n = 1;

	stack[0] = from;
	t->component[from] = number;
	while (n != 0) {
		uint32_t node = stack[--n];

		for (uint32_t i = 0; i < w->nodes[node].n_ends; i++) {
			const struct world_end *end = &w->nodes[node].ends[i];

			if (!is_usable(w, end) || t->component[end->node] != UINT32_MAX ||
			    !order_share(w, from, end->node, level))
				continue;
			t->component[end->node] = number;
			stack[n++] = end->node;
		}
	}
}

/*
 * True when no g-node of LEVEL is in two pieces: in the order of addresses each comes in one
 * run.
 */
static bool
level_is_whole(struct truth *t, const uint32_t *order, uint32_t n, unsigned level, uint32_t *stack)
{
	uint32_t number = 0;
	bool whole = true;

	for (uint32_t i = 0; i < t->w->n_nodes; i++)
		t->component[i] = UINT32_MAX;
	for (uint32_t i = 0; i < n; i++) {
		if (t->component[order[i]] != UINT32_MAX)
			continue;
		whole = whole && (i == 0 || !order_share(t->w, order[i - 1], order[i], level));
		fill(t, order[i], level, number++, stack);
	}
	return whole;
}

bool
truth_look(struct truth *t)
{
	const struct world *w = t->w;
	uint32_t *order = malloc((w->n_nodes + (size_t)1) * sizeof(*order));
	uint32_t *stack = malloc((w->n_nodes + (size_t)1) * sizeof(*stack));
	bool ok = order != NULL && stack != NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; ok && i < w->n_nodes; i++)
		if (w->nodes[i].state == WORLD_NODE_UP)
			order[n++] = i;
	if (ok) {
		order_nodes(w, order, n);
		t->whole = true;
		/* The whole network last: its numbers are the components. */
		for (unsigned level = 1; level <= w->settings.params.topo.levels; level++)
			if (!level_is_whole(t, order, n, level, stack) &&
			    level < w->settings.params.topo.levels)
				t->whole = false;
	}
	free(order);
	free(stack);
	return ok;
}

/* The way to NODE never comes back into a g-node that it left. */
static bool
way_is_simple(const struct truth *t, uint32_t node)
{
	const struct world *w = t->w;

	for (uint32_t a = node; t->via[a] != a; a = t->via[a])
		for (unsigned level = 1; level < w->settings.params.topo.levels; level++) {
			uint32_t b = t->via[a];

			if (order_share(w, a, b, level))
				continue;
			/* A begins a stay in its g-node: no earlier node may lie in it. */
			for (; ; b = t->via[b]) {
				if (order_share(w, a, b, level))
					return false;
				if (t->via[b] == b)
					break;
			}
		}
	return true;
}

bool
truth_to(const struct truth *t, uint32_t from, struct coord d, uint64_t *cost, uint32_t *links,
    bool *simple)
{
	const struct world *w = t->w;
	uint32_t best = from;

	for (uint32_t i = 0; i < w->n_nodes; i++)
		if (t->cost[i] != TRUTH_FAR && order_lies_in(w, from, d, i) &&
		    (best == from || t->cost[i] < t->cost[best]))
			best = i;
	if (best == from)
		return false;
	*cost = t->cost[best];
	*links = t->links[best];
	*simple = way_is_simple(t, best);
	return true;
}
