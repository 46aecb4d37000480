/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/bound.h"
#include "sim/truth.h"

#include <stdlib.h>
#include <string.h>

#include "sim/course.h"
#include "sim/place.h"
#include "tests/unit/tap.h"

enum { N = 24 };

static struct world *
make(enum graph_shape s, uint32_t n, const char *gsizes, uint64_t seed)
{
	struct world_settings ws = { .seed = seed, .latency = 1000, .cost_low = 100, .cost_high = 3000 };
	struct naddr address[N];
	struct world *w = NULL;
	struct graph g;
	struct topo t;
	struct rng rng;
	char why[300];

	rng_init(&rng, seed);
	CU_ASSERT_TRUE_FATAL(topo_parse(gsizes, &t, why, sizeof(why)));
	CU_ASSERT_TRUE_FATAL(graph_make(&g, s, n, 3, &rng));
	CU_ASSERT_TRUE_FATAL(place_nodes(&g, &t, address, why, sizeof(why)));
	qspn_params_default(&ws.params, &t);
	/* The managers' topology must live as long as they do: the world holds the settings. */
	w = world_new(&ws, &g, address, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	graph_free(&g);
	return w;
}

static bool
share(const struct world *w, uint32_t a, uint32_t b, unsigned level)
{
	for (unsigned i = level; i < w->settings.params.topo.levels; i++)
		if (w->nodes[a].address.pos[i] != w->nodes[b].address.pos[i])
			return false;
	return true;
}

/* All distances inside g-nodes of LEVEL, by trying every node as a stage (Floyd and Warshall). */
static void
distances(const struct world *w, unsigned level, uint64_t d[N][N])
{
	for (uint32_t a = 0; a < w->n_nodes; a++)
		for (uint32_t b = 0; b < w->n_nodes; b++)
			d[a][b] = a == b && w->nodes[a].state == WORLD_NODE_UP ? 0 : TRUTH_FAR;
	for (uint32_t i = 0; i < w->n_links; i++) {
		const struct world_link *l = &w->links[i];
		uint32_t a = l->node[0], b = l->node[1];

		if (l->connected && w->nodes[a].state == WORLD_NODE_UP &&
		    w->nodes[b].state == WORLD_NODE_UP && share(w, a, b, level))
			d[a][b] = d[b][a] = l->cost;
	}
	for (uint32_t k = 0; k < w->n_nodes; k++)
		for (uint32_t a = 0; a < w->n_nodes; a++)
			for (uint32_t b = 0; b < w->n_nodes; b++)
				if (d[a][k] != TRUTH_FAR && d[k][b] != TRUTH_FAR &&
				    d[a][k] + d[k][b] < d[a][b])
					d[a][b] = d[a][k] + d[k][b];
}

static void
compare_ways(struct truth *t, const struct world *w)
{
	static uint64_t d[N][N];

	for (unsigned level = 1; level <= w->settings.params.topo.levels; level++) {
		distances(w, level, d);
		for (uint32_t a = 0; a < w->n_nodes; a++) {
			if (w->nodes[a].state != WORLD_NODE_UP)
				continue;
			CU_ASSERT_TRUE_FATAL(truth_ways(t, a, level));
			for (uint32_t b = 0; b < w->n_nodes; b++)
				CU_ASSERT_EQUAL(t->cost[b], d[a][b]);
		}
	}
}

/* Components, and whether any two nodes of a g-node that are up are connected inside it. */
static void
compare_look(struct truth *t, const struct world *w)
{
	static uint64_t d[N][N];
	unsigned levels = w->settings.params.topo.levels;
	bool whole = true;

	CU_ASSERT_TRUE_FATAL(truth_look(t));
	for (unsigned level = 1; level <= levels; level++) {
		distances(w, level, d);
		for (uint32_t a = 0; a < w->n_nodes; a++)
			for (uint32_t b = 0; b < w->n_nodes; b++) {
				if (w->nodes[a].state != WORLD_NODE_UP ||
				    w->nodes[b].state != WORLD_NODE_UP)
					continue;
				if (level < levels) {
					whole = whole && (!share(w, a, b, level) || d[a][b] != TRUTH_FAR);
					continue;
				}
				CU_ASSERT_EQUAL(t->component[a] == t->component[b],
				    d[a][b] != TRUTH_FAR);
			}
	}
	CU_ASSERT_EQUAL(t->whole, whole);
}

static void
test_brute_force(void)
{
	static const char *const gsizes[] = { "64", "8.8", "4.4.4", "4.2.2.4" };
	unsigned torn = 0;

	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct world *w = make(seed % 2 != 0 ? GRAPH_RANDOM : GRAPH_GRID, N - 4, gsizes[seed % 4],
		    seed);
		struct truth t;
		struct rng rng;

		CU_ASSERT_TRUE_FATAL(truth_init(&t, w));
		rng_init(&rng, seed);
		for (unsigned i = 0; i < 8; i++) {
			struct course_event e;

			compare_ways(&t, w);
			compare_look(&t, w);
			torn += !t.whole;
			CU_ASSERT_TRUE_FATAL(course_draw(w, &t, &rng, (1U << COURSE_KINDS) - 1, false, &e));
			course_do(w, &e);
		}
		truth_free(&t);
		world_free(w);
	}
	CU_ASSERT_TRUE(torn > 5 && torn < 90);
}

/*
 * Two g-nodes of two levels, costs 100, 200, 400:  0.0 - 0.1 - 1.0 - 1.1
 */
static struct world *
make_line(void)
{
	struct world_settings ws = { .seed = 1, .latency = 1000 };
	const struct world_given given[] = { { 100, 0 }, { 200, 0 }, { 400, 0 } };
	struct naddr address[4];
	struct world *w;
	struct graph g;
	struct topo t;
	char why[200];

	memset(address, 0, sizeof(address));
	CU_ASSERT_TRUE_FATAL(topo_parse("4.4", &t, why, sizeof(why)));
	CU_ASSERT_TRUE_FATAL(graph_init(&g, 4));
	for (uint32_t i = 0; i < 4; i++) {
		address[i].pos[0] = i % 2;
		address[i].pos[1] = i / 2;
		CU_ASSERT_TRUE_FATAL(i == 3 || graph_link(&g, i, i + 1));
	}
	CU_ASSERT_TRUE_FATAL(graph_finish(&g));
	qspn_params_default(&ws.params, &t);
	w = world_new(&ws, &g, address, given);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	graph_free(&g);
	return w;
}

static void
test_to(void)
{
	struct world *w = make_line();
	struct truth t;
	uint64_t cost = 0;
	uint32_t links = 0;
	bool simple = false;

	CU_ASSERT_TRUE_FATAL(truth_init(&t, w));
	CU_ASSERT_TRUE_FATAL(truth_ways(&t, 0, 2));
	CU_ASSERT_TRUE(truth_to(&t, 0, (struct coord){ 1, 1 }, &cost, &links, &simple));
	CU_ASSERT_EQUAL(cost, 300);
	CU_ASSERT_EQUAL(links, 2);
	CU_ASSERT_TRUE(simple);
	CU_ASSERT_FALSE(truth_to(&t, 0, (struct coord){ 1, 2 }, &cost, &links, &simple));
	/* Its own neighbour at level 0. */
	CU_ASSERT_TRUE(truth_to(&t, 0, (struct coord){ 0, 1 }, &cost, &links, &simple));
	CU_ASSERT_EQUAL(cost, 100);
	world_link_down(w, 1);
	CU_ASSERT_TRUE_FATAL(truth_ways(&t, 0, 2));
	CU_ASSERT_FALSE(truth_to(&t, 0, (struct coord){ 1, 1 }, &cost, &links, &simple));
	truth_free(&t);
	world_free(w);
}

/* The arc of NODE that leads to TO. */
static uint32_t
arc_to(const struct world *w, uint32_t node, uint32_t to)
{
	for (uint32_t i = 0; i < w->nodes[node].n_ends; i++)
		if (w->nodes[node].ends[i].node == to)
			return w->nodes[node].ends[i].arc;
	return 0;
}

static void
test_bound(void)
{
	struct world *w = make_line();
	struct qspn_hop near[] = { { { 0, 1 }, 1 } };
	struct qspn_hop far[] = { { { 0, 1 }, 1 }, { { 1, 1 }, 2 } };
	struct qspn_hop none[] = { { { 0, 1 }, 1 }, { { 1, 2 }, 2 } };
	struct qspn_path p = { .arc = arc_to(w, 0, 1), .hops = near, .n_hops = 1 };
	struct bound b;

	CU_ASSERT_TRUE_FATAL(bound_init(&b, w));
	CU_ASSERT_EQUAL(bound_path(&b, 0, &p), 100);
	p.hops = far;
	p.n_hops = 2;
	CU_ASSERT_EQUAL(bound_path(&b, 0, &p), 100 + 200 * 7 / 10);
	p.hops = none;
	CU_ASSERT_EQUAL(bound_path(&b, 0, &p), BOUND_NONE);
	p.hops = far;
	world_link_down(w, 1);
	CU_ASSERT_EQUAL(bound_path(&b, 0, &p), BOUND_NONE);
	bound_free(&b);
	world_free(w);
}

/* Through a g-node whose inside is hidden: a ring 0.0 - 1.0 - 1.1 - 1.2 - 2.0, and 1.0 - 1.2 dear. */
static void
test_bound_inside(void)
{
	struct world_settings ws = { .seed = 1, .latency = 1000 };
	const uint32_t ends[][2] = { { 0, 1 }, { 1, 2 }, { 1, 3 }, { 2, 3 }, { 3, 4 } };
	const struct world_given given[] = { { 1000, 0 }, { 1000, 0 }, { 9000, 0 }, { 1000, 0 },
		{ 1000, 0 } };
	const uint32_t pos[][2] = { { 0, 0 }, { 0, 1 }, { 1, 1 }, { 2, 1 }, { 0, 2 } };
	struct qspn_hop hops[] = { { { 1, 1 }, 1 }, { { 1, 2 }, 2 } };
	struct qspn_path p = { .hops = hops, .n_hops = 2 };
	struct naddr address[5];
	struct world *w;
	struct bound b;
	struct graph g;
	struct topo t;
	char why[200];

	memset(address, 0, sizeof(address));
	CU_ASSERT_TRUE_FATAL(topo_parse("4.4", &t, why, sizeof(why)));
	CU_ASSERT_TRUE_FATAL(graph_init(&g, 5));
	for (unsigned i = 0; i < 5; i++) {
		address[i].pos[0] = pos[i][0];
		address[i].pos[1] = pos[i][1];
		CU_ASSERT_TRUE_FATAL(graph_link(&g, ends[i][0], ends[i][1]));
	}
	CU_ASSERT_TRUE_FATAL(graph_finish(&g));
	qspn_params_default(&ws.params, &t);
	w = world_new(&ws, &g, address, given);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_TRUE_FATAL(bound_init(&b, w));
	p.arc = arc_to(w, 0, 1);
	/* 1000 + 7/10 (1000 + 7/10 (1000 + 7/10 1000)): by 1.1, two arcs inside. */
	CU_ASSERT_EQUAL(bound_path(&b, 0, &p), 1000 + 7 * (1000 + 7 * (1000 + 700) / 10) / 10);
	/* Without 1.1 the dear arc is the only one. */
	world_node_die(w, 2);
	CU_ASSERT_EQUAL(bound_path(&b, 0, &p), 1000 + 7 * (9000 + 700) / 10);
	bound_free(&b);
	world_free(w);
	graph_free(&g);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "ways, components and wholeness as brute force finds them", test_brute_force },
		{ "the cheapest way to a g-node", test_to },
		{ "what a path must cost at least, arc by arc", test_bound },
		{ "and through a g-node whose inside is hidden", test_bound_inside },
	};

	return TAP_RUN(tests);
}
