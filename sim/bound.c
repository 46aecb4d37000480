/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the destination back: value[now] of the members of one hop, made from value[then] of
 * the hop behind it.
 */
#include "sim/bound.h"

#include <stdlib.h>
#include <string.h>

#include "sim/order.h"

bool
bound_init(struct bound *b, const struct world *w)
{
	size_t n = w->n_nodes + (size_t)1;

	memset(b, 0, sizeof(*b));
	b->w = w;
	for (unsigned i = 0; i < 2; i++) {
		b->value[i] = malloc(n * sizeof(*b->value[i]));
		b->members[i] = malloc(n * sizeof(*b->members[i]));
		if (b->value[i] == NULL || b->members[i] == NULL)
			return false;
	}
	return true;
}

void
bound_free(struct bound *b)
{
	for (unsigned i = 0; i < 2; i++) {
		free(b->value[i]);
		free(b->members[i]);
	}
	memset(b, 0, sizeof(*b));
}

/* The members of C become those at hand, without values. */
static void
gather(struct bound *b, uint32_t from, struct coord c, uint64_t value)
{
	b->n_members[0] = 0;
	for (uint32_t i = 0; i < b->w->n_nodes; i++) {
		b->value[0][i] = BOUND_NONE;
		if (b->w->nodes[i].state != WORLD_NODE_UP || !order_lies_in(b->w, from, c, i))
			continue;
		b->value[0][i] = value;
		b->members[0][b->n_members[0]++] = i;
	}
}

static void
swap(struct bound *b)
{
	uint64_t *value = b->value[0];
	uint32_t *members = b->members[0];

	b->value[0] = b->value[1];
	b->value[1] = value;
	b->members[0] = b->members[1];
	b->members[1] = members;
	b->n_members[1] = b->n_members[0];
}

/* The least told cost at NODE when the news come over its links, from where VALUE is known. */
static uint64_t
over_links(const struct bound *b, uint32_t node, const uint64_t *value)
{
	const struct world_node *n = &b->w->nodes[node];
	uint64_t least = BOUND_NONE;

	for (uint32_t i = 0; i < n->n_ends; i++) {
		const struct world_link *l = &b->w->links[n->ends[i].link];
		uint64_t v = value[n->ends[i].node];

		if (!l->connected || v == BOUND_NONE)
			continue;
		v = l->cost + v * 7 / 10;
		least = v < least ? v : least;
	}
	return least;
}

/*
 * News wander inside the g-node at hand: one arc more each round.  Each round uses the values of
 * the round before alone (value[1] is free by now), so that rounds count arcs.
 */
static void
wander(struct bound *b)
{
	bool changed = true;

	for (uint32_t round = 1; changed && round < b->n_members[0]; round++) {
		changed = false;
		memcpy(b->value[1], b->value[0], b->w->n_nodes * sizeof(*b->value[1]));
		for (uint32_t i = 0; i < b->n_members[0]; i++) {
			uint32_t node = b->members[0][i];
			uint64_t v = over_links(b, node, b->value[1]);

			if (v >= b->value[0][node])
				continue;
			b->value[0][node] = v;
			changed = true;
		}
	}
}

/* The hop C stands before the one at hand and becomes it; false: no link joins the two. */
static bool
step_back(struct bound *b, uint32_t from, struct coord c)
{
	bool linked = false;

	swap(b);
	gather(b, from, c, BOUND_NONE);
	for (uint32_t i = 0; i < b->n_members[0]; i++) {
		uint32_t node = b->members[0][i];

		b->value[0][node] = over_links(b, node, b->value[1]);
		linked = linked || b->value[0][node] != BOUND_NONE;
	}
	if (linked && c.level > 0)
		wander(b);
	return linked;
}

uint64_t
bound_path(struct bound *b, uint32_t node, const struct qspn_path *p)
{
	const struct world_node *n = &b->w->nodes[node];
	const struct world_end *end = NULL;

	gather(b, node, p->hops[p->n_hops - 1].to, 0);
	for (size_t i = p->n_hops - 1; i-- > 0; )
		if (!step_back(b, node, p->hops[i].to))
			return BOUND_NONE;
	for (uint32_t i = 0; i < n->n_ends; i++)
		if (n->ends[i].arc == p->arc)
			end = &n->ends[i];
	if (end == NULL || !b->w->links[end->link].connected || b->value[0][end->node] == BOUND_NONE)
		return BOUND_NONE;
	return b->w->links[end->link].cost + b->value[0][end->node] * 7 / 10;
}
