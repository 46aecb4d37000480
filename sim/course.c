/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/course.h"

#include <stdio.h>
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

/*
 * Would the world be whole after E?  Tried on the links alone, which are put back: no
 * manager hears of it.
 */
static bool
stays_whole(struct world *w, struct truth *t, const struct course_event *e)
{
	enum world_node_state state = WORLD_NODE_UP;
	bool connected = false, whole;
	uint32_t first = UINT32_MAX;

	if (e->kind == COURSE_CUT) {
		connected = w->links[e->what].connected;
		w->links[e->what].connected = false;
	} else if (e->kind == COURSE_DIE || e->kind == COURSE_FREEZE) {
		state = w->nodes[e->what].state;
		w->nodes[e->what].state = WORLD_NODE_DEAD;
	} else {
		return true;
	}
	whole = truth_look(t) && t->whole;
	for (uint32_t i = 0; whole && i < w->n_nodes; i++) {
		if (w->nodes[i].state != WORLD_NODE_UP)
			continue;
		first = first == UINT32_MAX ? t->component[i] : first;
		whole = t->component[i] == first;
	}
	if (e->kind == COURSE_CUT)
		w->links[e->what].connected = connected;
	else
		w->nodes[e->what].state = state;
	return whole && first != UINT32_MAX;
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
