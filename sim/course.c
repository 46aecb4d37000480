/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/course.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 400 };

static const char *const names[COURSE_KINDS] = { "cut", "join", "cost", "die", "return", "freeze",
	"thaw" };

const char *
course_kind_name(enum course_kind k)
{
	return names[k];
}

bool
course_kind_parse(const char *name, enum course_kind *k)
{
	for (unsigned i = 0; i < COURSE_KINDS; i++)
		if (strcmp(names[i], name) == 0) {
			*k = (enum course_kind)i;
			return true;
		}
	return false;
}

static bool
is_of_link(enum course_kind k)
{
	return k == COURSE_CUT || k == COURSE_JOIN || k == COURSE_COST;
}

char *
course_print(const struct world *w, const struct course_event *e, char *buf)
{
	const struct world_link *l = is_of_link(e->kind) ? &w->links[e->what] : NULL;

	if (l == NULL)
		snprintf(buf, COURSE_TEXT, "%s %u", names[e->kind], e->what);
	else if (e->kind == COURSE_COST)
		snprintf(buf, COURSE_TEXT, "%s %u-%u %llu", names[e->kind], l->node[0], l->node[1],
		    (unsigned long long)e->cost);
	else
		snprintf(buf, COURSE_TEXT, "%s %u-%u", names[e->kind], l->node[0], l->node[1]);
	return buf;
}

/* E can happen to the world as it is. */
static bool
makes_sense(const struct world *w, const struct course_event *e)
{
	switch (e->kind) {
	case COURSE_CUT:
	case COURSE_COST:
		return w->links[e->what].up;
	case COURSE_JOIN:
		return !w->links[e->what].up;
	case COURSE_DIE:
		return w->nodes[e->what].state != WORLD_NODE_DEAD;
	case COURSE_RETURN:
		return w->nodes[e->what].state == WORLD_NODE_DEAD;
	case COURSE_FREEZE:
		return w->nodes[e->what].state == WORLD_NODE_UP;
	case COURSE_THAW:
		return w->nodes[e->what].state == WORLD_NODE_FROZEN;
	case COURSE_KINDS:
		break;
	}
	return false;
}

bool
course_do(struct world *w, const struct course_event *e)
{
	if (!makes_sense(w, e))
		return false;
	switch (e->kind) {
	case COURSE_CUT:
		world_link_down(w, e->what);
		break;
	case COURSE_JOIN:
		world_link_up(w, e->what);
		break;
	case COURSE_COST:
		world_link_cost(w, e->what, e->cost);
		break;
	case COURSE_DIE:
		world_node_die(w, e->what);
		break;
	case COURSE_RETURN:
		world_node_return(w, e->what);
		break;
	case COURSE_FREEZE:
		world_node_freeze(w, e->what);
		break;
	case COURSE_THAW:
		world_node_thaw(w, e->what);
		break;
	case COURSE_KINDS:
		break;
	}
	return true;
}

/* All nodes that are up hang together, and those of each g-node. */
static bool
is_whole(struct world *w, struct truth *t)
{
	bool whole = truth_look(t) && t->whole;
	uint32_t first = UINT32_MAX;

	for (uint32_t i = 0; whole && i < w->n_nodes; i++) {
		if (w->nodes[i].state != WORLD_NODE_UP)
			continue;
		first = first == UINT32_MAX ? t->component[i] : first;
		whole = t->component[i] == first;
	}
	return whole && first != UINT32_MAX;
}

static bool
whole_without_link(struct world *w, struct truth *t, uint32_t link)
{
	bool connected = w->links[link].connected, whole;

	w->links[link].connected = false;
	whole = is_whole(w, t);
	w->links[link].connected = connected;
	return whole;
}

/* With NODE in state STATE; one that comes back is connected over its links that are up. */
static bool
whole_with_node(struct world *w, struct truth *t, uint32_t node, enum world_node_state state)
{
	struct world_node *n = &w->nodes[node];
	enum world_node_state was = n->state;
	bool *connected = calloc(n->n_ends + (size_t)1, sizeof(*connected)), whole;

	if (connected == NULL)
		return false;
	n->state = state;
	for (uint32_t i = 0; i < n->n_ends; i++) {
		struct world_link *l = &w->links[n->ends[i].link];

		connected[i] = l->connected;
		l->connected = state == WORLD_NODE_UP && l->up &&
		    w->nodes[n->ends[i].node].state == WORLD_NODE_UP;
	}
	whole = is_whole(w, t);
	for (uint32_t i = 0; i < n->n_ends; i++)
		w->links[n->ends[i].link].connected = connected[i];
	n->state = was;
	free(connected);
	return whole;
}

/*
 * Would the world be whole after E?  Tried on the links alone, which are put back: no manager
 * hears of it.
 */
static bool
stays_whole(struct world *w, struct truth *t, const struct course_event *e)
{
	switch (e->kind) {
	case COURSE_CUT:
		return whole_without_link(w, t, e->what);
	case COURSE_DIE:
	case COURSE_FREEZE:
		return whole_with_node(w, t, e->what, WORLD_NODE_DEAD);
	/* Links of its g-node may have been cut meanwhile. */
	case COURSE_RETURN:
	case COURSE_THAW:
		return whole_with_node(w, t, e->what, WORLD_NODE_UP);
	default:
		return true;
	}
}

bool
course_draw(struct world *w, struct truth *t, struct rng *rng, unsigned kinds, bool keep_whole,
    struct course_event *e)
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t n;

		e->kind = (enum course_kind)rng_below(rng, COURSE_KINDS);
		n = is_of_link(e->kind) ? w->n_links : w->n_nodes;
		if ((kinds >> e->kind & 1) == 0 || n == 0)
			continue;
		e->what = rng_below(rng, n);
		e->cost = 0;
		if (!makes_sense(w, e))
			continue;
		/* From a third of the present cost to three times as much. */
		if (e->kind == COURSE_COST)
			e->cost = w->links[e->what].cost / 3 + 1 +
			    rng_u64(rng) % (w->links[e->what].cost * 8 / 3 + 1);
		if (!keep_whole || stays_whole(w, t, e))
			return true;
	}
	return false;
}
