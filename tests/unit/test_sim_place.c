/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/place.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

/* True when all nodes that agree with node I from LEVEL up hang together. */
static bool
gnode_is_connected(const struct graph *g, const struct topo *t, const struct naddr *a, uint32_t i,
    unsigned level, uint32_t *queue, uint8_t *seen)
{
	uint32_t end = 1, members = 0;

	memset(seen, 0, g->n);
	for (uint32_t k = 0; k < g->n; k++)
		members += memcmp(&a[k].pos[level], &a[i].pos[level],
		    (t->levels - level) * sizeof(a[k].pos[0])) == 0;
	queue[0] = i;
	seen[i] = 1;
	for (uint32_t q = 0; q < end; q++)
		for (uint32_t e = g->first[queue[q]]; e < g->first[queue[q] + 1]; e++) {
			uint32_t k = g->ends[e].node;

			if (seen[k] == 0 && memcmp(&a[k].pos[level], &a[i].pos[level],
			    (t->levels - level) * sizeof(a[k].pos[0])) == 0) {
				seen[k] = 1;
				queue[end++] = k;
			}
		}
	return end == members;
}

static void
check(enum graph_shape s, uint32_t n, double degree, const char *gsizes, uint64_t seed)
{
	struct rng rng;
	struct graph g;
	struct topo t;
	char why[300] = "";
	struct naddr *a = calloc(n, sizeof(*a));
	uint32_t *queue = malloc(n * sizeof(*queue));
	uint8_t *seen = malloc(n);
	bool ok;

	CU_ASSERT_TRUE_FATAL(a != NULL && queue != NULL && seen != NULL);
	rng_init(&rng, seed);
	CU_ASSERT_TRUE_FATAL(topo_parse(gsizes, &t, why, sizeof(why)));
	CU_ASSERT_TRUE_FATAL(graph_make(&g, s, n, degree, &rng));
	CU_ASSERT_TRUE(graph_is_connected(&g));
	ok = place_nodes(&g, &t, a, why, sizeof(why));
	CU_ASSERT_TRUE(ok);
	if (!ok)
		tap_note("%s of %u in %s, seed %llu: %s", graph_shape_name(s), n, gsizes,
		    (unsigned long long)seed, why);
	for (uint32_t i = 0; ok && i < n; i++) {
		CU_ASSERT_TRUE(naddr_real(&t, &a[i], 0, t.levels));
		for (uint32_t k = 0; k < i; k++)
			CU_ASSERT_FALSE(naddr_equal(&t, &a[i], &a[k]));
		for (unsigned level = 1; level < t.levels; level++)
			CU_ASSERT_TRUE(gnode_is_connected(&g, &t, a, i, level, queue, seen));
	}
	graph_free(&g);
	free(a);
	free(queue);
	free(seen);
}

static void
test_shapes(void)
{
	for (uint64_t seed = 0; seed < 5; seed++)
		for (unsigned s = 0; s < GRAPH_SHAPES; s++) {
			check((enum graph_shape)s, 1, 4, "2.2", seed);
			check((enum graph_shape)s, 2, 4, "2.2", seed);
			check((enum graph_shape)s, 13, 4, "4.4.4", seed);
			check((enum graph_shape)s, 35, 4, "64", seed);
			check((enum graph_shape)s, 100, 4, "4.4.4.4.4.4", seed);
		}
}

/* The author's second case: 35 nodes in six levels of one bit; and full worlds where that is possible. */
static void
test_tight(void)
{
	for (uint64_t seed = 0; seed < 20; seed++)
		check(GRAPH_RANDOM, 35, 5, "2.2.2.2.2.2", seed);
	check(GRAPH_LINE, 64, 0, "4.4.4", 0);
	check(GRAPH_RING, 64, 0, "2.2.2.2.2.2", 0);
	check(GRAPH_COMPLETE, 64, 0, "8.8", 0);
}

static void
test_impossible(void)
{
	struct rng rng;
	struct graph g;
	struct topo t;
	struct naddr a[20];
	char why[300] = "";

	rng_init(&rng, 1);
	CU_ASSERT_TRUE(topo_parse("4.4", &t, why, sizeof(why)));
	CU_ASSERT_TRUE_FATAL(graph_make(&g, GRAPH_LINE, 20, 0, &rng));
	CU_ASSERT_FALSE(place_nodes(&g, &t, a, why, sizeof(why)));
	CU_ASSERT_STRING_EQUAL(why, "20 nodes do not fit into 16 addresses");
	graph_free(&g);
	/* A star: each leaf is a g-node of its own, whatever the level. */
	CU_ASSERT_TRUE_FATAL(graph_make(&g, GRAPH_TREE, 12, 12, &rng));
	CU_ASSERT_FALSE(place_nodes(&g, &t, a, why, sizeof(why)));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "connected parts"));
	graph_free(&g);
}

static void
test_same_seed(void)
{
	struct graph g[2];

	for (int i = 0; i < 2; i++) {
		struct rng rng;

		rng_init(&rng, 7);
		CU_ASSERT_TRUE_FATAL(graph_make(&g[i], GRAPH_GEOMETRIC, 200, 6, &rng));
	}
	CU_ASSERT_EQUAL_FATAL(g[0].n_links, g[1].n_links);
	CU_ASSERT_EQUAL(memcmp(g[0].links, g[1].links, g[0].n_links * sizeof(g[0].links[0])), 0);
	CU_ASSERT_TRUE(g[0].n_links > 400 && g[0].n_links < 800);
	graph_free(&g[0]);
	graph_free(&g[1]);
}

static void
test_names(void)
{
	enum graph_shape s;

	for (unsigned i = 0; i < GRAPH_SHAPES; i++) {
		CU_ASSERT_TRUE(graph_shape_parse(graph_shape_name((enum graph_shape)i), &s));
		CU_ASSERT_EQUAL(s, i);
	}
	CU_ASSERT_FALSE(graph_shape_parse("star", &s));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "every g-node is connected, in every shape", test_shapes },
		{ "worlds with little room", test_tight },
		{ "what cannot be placed is told", test_impossible },
		{ "one seed, one graph", test_same_seed },
		{ "names of shapes", test_names },
	};

	return TAP_RUN(tests);
}
