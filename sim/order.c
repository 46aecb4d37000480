/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/order.h"

#include <stdlib.h>

bool
order_share(const struct world *w, uint32_t a, uint32_t b, unsigned level)
{
	for (unsigned i = level; i < w->settings.params.topo.levels; i++)
		if (w->nodes[a].address.pos[i] != w->nodes[b].address.pos[i])
			return false;
	return true;
}

bool
order_lies_in(const struct world *w, uint32_t from, struct coord c, uint32_t node)
{
	return w->nodes[node].address.pos[c.level] == c.pos &&
	    order_share(w, from, node, c.level + 1U);
}

static int
node_cmp(const void *a, const void *b, void *arg)
{
	const struct world *w = arg;
	const struct naddr *x = &w->nodes[*(const uint32_t *)a].address;
	const struct naddr *y = &w->nodes[*(const uint32_t *)b].address;

	for (unsigned i = w->settings.params.topo.levels; i-- > 0; )
		if (x->pos[i] != y->pos[i])
			return x->pos[i] < y->pos[i] ? -1 : 1;
	return 0;
}

void
order_nodes(const struct world *w, uint32_t *v, uint32_t n)
{
	qsort_r(v, n, sizeof(*v), node_cmp, (void *)(uintptr_t)w);
}

/* Where NODE stands: before (-1), in (0) or behind (1) the g-node that FROM names C. */
static int
side_of(const struct world *w, uint32_t node, uint32_t from, struct coord c)
{
	const struct naddr *x = &w->nodes[node].address, *y = &w->nodes[from].address;

	for (unsigned i = w->settings.params.topo.levels; i-- > c.level; ) {
		uint32_t pos = i == c.level ? c.pos : y->pos[i];

		if (x->pos[i] != pos)
			return x->pos[i] < pos ? -1 : 1;
	}
	return 0;
}

/* The first of the nodes at V that stands at SIDE or behind. */
static uint32_t
first_at(const struct world *w, const uint32_t *v, uint32_t n, uint32_t from, struct coord c,
    int side)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (side_of(w, v[mid], from, c) < side)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t
order_run(const struct world *w, const uint32_t *v, uint32_t n, uint32_t from, struct coord c,
    uint32_t *first)
{
	*first = first_at(w, v, n, from, c, 0);
	return first_at(w, v, n, from, c, 1) - *first;
}
