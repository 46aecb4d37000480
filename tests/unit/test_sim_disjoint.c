/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The judge of disjointness: it has nothing against what managers show, and notices managers
 * that follow another rule and lists that were changed.
 */
#include "sim/disjoint.h"

#include <string.h>

#include "sim/check.h"
#include "sim/order.h"
#include "sim/place.h"
#include "tests/unit/tap.h"

enum {
	MOST = 64,		/* nodes, and paths */
	LIMIT = 60000000,	/* µs */
};

struct lab {
	struct world *w;
	struct disjoint d;
	struct naddr address[MOST];
};

/* A world at rest, whose managers keep what RATIO and PATHS allow (0: what is usual). */
static void
lab_make(struct lab *l, enum graph_shape shape, uint32_t n, const char *gsizes, uint64_t seed,
    uint32_t ratio, uint16_t paths)
{
	struct world_settings s = { .seed = seed, .latency = 1000, .cost_low = 100, .cost_high = 3000 };
	struct graph g;
	struct topo t;
	struct rng rng;
	char why[300];

	rng_init(&rng, seed);
	CU_ASSERT_TRUE_FATAL(topo_parse(gsizes, &t, why, sizeof(why)));
	CU_ASSERT_TRUE_FATAL(graph_make(&g, shape, n, 5, &rng));
	CU_ASSERT_TRUE_FATAL(place_nodes(&g, &t, l->address, why, sizeof(why)));
	qspn_params_default(&s.params, &t);
	s.params.max_common_ratio = ratio != 0 ? ratio : s.params.max_common_ratio;
	s.params.max_paths = paths != 0 ? paths : s.params.max_paths;
	l->w = world_new(&s, &g, l->address, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l->w);
	graph_free(&g);
	CU_ASSERT_TRUE_FATAL(world_rest(l->w, LIMIT, NULL, NULL));
	CU_ASSERT_TRUE_FATAL(disjoint_init(&l->d, l->w));
	CU_ASSERT_TRUE_FATAL(disjoint_read(&l->d));
}

static void
lab_free(struct lab *l)
{
	disjoint_free(&l->d);
	world_free(l->w);
}

static char why[300];

static enum disjoint_verdict
judge(const struct lab *l, uint32_t node, struct coord d, const struct qspn_path *v, size_t n)
{
	uint64_t compared = 0;

	why[0] = '\0';
	return disjoint_judge(&l->d, node, d, v, n, &compared, why, sizeof(why));
}

/* Judges all paths of all nodes: how many destinations with which verdict. */
static void
judge_all(const struct lab *l, unsigned count[4], uint64_t *compared)
{
	const struct topo *t = &l->w->settings.params.topo;

	*compared = 0;
	memset(count, 0, 4 * sizeof(count[0]));
	for (uint32_t node = 0; node < l->w->n_nodes; node++)
		for (uint8_t level = 0; level < t->levels; level++)
			for (uint32_t pos = 0; pos < topo_gsize(t, level); pos++) {
				struct qspn_path v[MOST];
				struct coord d = { level, pos };
				size_t n = qspn_paths(l->w->nodes[node].qspn, d, v, MOST);

				if (n != 0)
					count[disjoint_judge(&l->d, node, d, v, n, compared, why,
					    sizeof(why))]++;
			}
}

/* --- what is right ------------------------------------------------------------------------- */

static void
test_good(void)
{
	static const struct {
		enum graph_shape shape;
		uint32_t nodes;
		const char *gsizes;
	} worlds[] = {
		{ GRAPH_RANDOM, 30, "64" }, { GRAPH_GRID, 25, "64" }, { GRAPH_RING, 20, "32" },
		{ GRAPH_RANDOM, 40, "4.4.4.4" }, { GRAPH_GRID, 36, "8.8.4" },
	};

	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
		unsigned count[4];
		uint64_t compared;
		struct lab l;

		lab_make(&l, worlds[i].shape, worlds[i].nodes, worlds[i].gsizes, 7, 0, 0);
		/* What is late must have been brought in order by a periodic update. */
		world_run(l.w, l.w->now + 3 * l.w->settings.params.periodic);
		CU_ASSERT_TRUE_FATAL(world_rest(l.w, LIMIT, NULL, NULL));
		CU_ASSERT_TRUE_FATAL(disjoint_read(&l.d));
		judge_all(&l, count, &compared);
		tap_note("%u nodes, levels %s: %u destinations good, %u open, %u late, %u bad; %llu pairs "
		    "compared", worlds[i].nodes, worlds[i].gsizes, count[DISJOINT_GOOD],
		    count[DISJOINT_OPEN], count[DISJOINT_LATE], count[DISJOINT_BAD],
		    (unsigned long long)compared);
		CU_ASSERT_TRUE(count[DISJOINT_GOOD] > 100);
		CU_ASSERT_EQUAL(count[DISJOINT_OPEN], 0);
		CU_ASSERT_EQUAL(count[DISJOINT_LATE], 0);
		CU_ASSERT_EQUAL(count[DISJOINT_BAD], 0);
		CU_ASSERT_TRUE(worlds[i].shape == GRAPH_RING || compared > 20);
		lab_free(&l);
	}
}

/* --- managers that follow another rule --------------------------------------------------- */

/* Whatever two paths have in common, they are kept; or more of them. */
static void
other_rule(uint32_t ratio, uint16_t paths, const char *words)
{
	struct check c;
	struct lab l;

	lab_make(&l, GRAPH_RANDOM, 30, "64", 7, ratio, paths);
	CU_ASSERT_TRUE_FATAL(check_init(&c, l.w));
	/* By their own rule they are right, by that of the specification not. */
	CU_ASSERT_TRUE(check_rest(&c));
	c.disjoint.ratio = 600000;
	c.disjoint.max_paths = 5;
	CU_ASSERT_FALSE(check_rest(&c));
	tap_note("%s", c.why);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.why, words));
	check_free(&c);
	lab_free(&l);
}

static void
test_other_ratio(void)
{
	other_rule(1000000, 0, " in common, and nothing demands it");
}

static void
test_more_paths(void)
{
	other_rule(0, 9, " and 5 are allowed");
}

/* --- lists that were changed ------------------------------------------------------------- */

/* The first node and destination with at least MOST paths, the last of LEVEL. */
static size_t
some_paths(const struct lab *l, size_t least, uint8_t level, uint32_t *node, struct coord *d,
    struct qspn_path *v)
{
	const struct topo *t = &l->w->settings.params.topo;

	for (*node = 0; *node < l->w->n_nodes; ++*node)
		for (*d = (struct coord){ level, 0 }; d->pos < topo_gsize(t, level); d->pos++) {
			size_t n = qspn_paths(l->w->nodes[*node].qspn, *d, v, MOST);

			if (n >= least && v[0].n_hops > 1 && judge(l, *node, *d, v, n) == DISJOINT_GOOD)
				return n;
		}
	CU_FAIL_FATAL("no node has so many paths");
	return 0;
}

static void
changed(uint8_t level, const char *gsizes)
{
	struct qspn_hop hops[PEER_HOPS];
	struct qspn_path v[MOST];
	struct coord d;
	struct lab l;
	uint32_t node;
	size_t n;

	lab_make(&l, GRAPH_RANDOM, 30, gsizes, 7, 0, 0);
	n = some_paths(&l, 2, level, &node, &d, v);
	/* The same path once more, as if it were another one. */
	v[n] = v[n - 1];
	CU_ASSERT_NOT_EQUAL(judge(&l, node, d, v, n + 1), DISJOINT_GOOD);
	/* An arc by another name. */
	memcpy(hops, v[0].hops, v[0].n_hops * sizeof(hops[0]));
	v[0].hops = hops;
	CU_ASSERT_EQUAL(judge(&l, node, d, v, n), DISJOINT_GOOD);
	hops[v[0].n_hops - 1].id ^= 1;
	CU_ASSERT_EQUAL(judge(&l, node, d, v, n), DISJOINT_BAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no arc"));
	/* By the name of the arc before it: there it exists, but leads elsewhere. */
	hops[v[0].n_hops - 1].id = hops[v[0].n_hops - 2].id;
	CU_ASSERT_EQUAL(judge(&l, node, d, v, n), DISJOINT_BAD);
	memcpy(hops, qspn_best(l.w->nodes[node].qspn, d, &v[0]) ? v[0].hops : hops,
	    v[0].n_hops * sizeof(hops[0]));
	/* A hop is left out. */
	v[0].hops = hops + 1;
	v[0].n_hops--;
	CU_ASSERT_EQUAL(judge(&l, node, d, v, n), DISJOINT_BAD);
	v[0].hops = hops;
	v[0].n_hops++;
	/* It claims to leave by the arc of another path. */
	for (size_t i = 1; i < n; i++)
		if (v[i].arc != v[0].arc) {
			v[0].arc = v[i].arc;
			CU_ASSERT_EQUAL(judge(&l, node, d, v, n), DISJOINT_BAD);
			break;
		}
	lab_free(&l);
}

static void
test_changed(void)
{
	changed(0, "64");
	changed(1, "8.8");
}

/* All paths but those around one neighbour: where somebody offers one, that is noticed. */
static void
test_around_is_missing(void)
{
	unsigned missed = 0;
	struct lab l;

	lab_make(&l, GRAPH_RANDOM, 30, "64", 7, 0, 0);
	for (uint32_t node = 0; node < l.w->n_nodes; node++)
		for (uint32_t pos = 0; pos < 64; pos++) {
			struct qspn_path v[MOST];
			struct coord d = { 0, pos };
			size_t n = qspn_paths(l.w->nodes[node].qspn, d, v, MOST);

			if (n < 2 || judge(&l, node, d, v, n) != DISJOINT_GOOD)
				continue;
			/* The cheapest alone leads around no neighbour that it leads by. */
			if (judge(&l, node, d, v, 1) == DISJOINT_GOOD)
				continue;
			missed++;
			CU_ASSERT_EQUAL(judge(&l, node, d, v, 1), DISJOINT_OPEN);
			CU_ASSERT_PTR_NOT_NULL(strstr(why, "none leads around the neighbour's g-node"));
		}
	tap_note("%u destinations whose other paths were taken away, and missed", missed);
	CU_ASSERT_TRUE(missed > 50);
	lab_free(&l);
}

/* A link is gone and nobody was told: paths over it do not exist. */
static void
test_gone(void)
{
	unsigned count[4];
	uint64_t compared;
	struct lab l;

	lab_make(&l, GRAPH_GRID, 25, "64", 7, 0, 0);
	judge_all(&l, count, &compared);
	CU_ASSERT_EQUAL(count[DISJOINT_BAD], 0);
	l.w->links[12].connected = false;
	judge_all(&l, count, &compared);
	CU_ASSERT_TRUE(count[DISJOINT_BAD] > 20);
	lab_free(&l);
}

/* --- runs of nodes ----------------------------------------------------------------------- */

static void
test_order(void)
{
	uint32_t v[MOST], first;
	struct lab l;

	lab_make(&l, GRAPH_GRID, 36, "8.8.4", 7, 0, 0);
	for (uint32_t i = 0; i < 36; i++)
		v[i] = 35 - i;
	order_nodes(l.w, v, 36);
	for (uint32_t from = 0; from < 36; from++)
		for (uint8_t level = 0; level < 3; level++)
			for (uint32_t pos = 0; pos < 8; pos++) {
				struct coord c = { level, pos };
				uint32_t n = order_run(l.w, v, 36, from, c, &first), inside = 0;

				for (uint32_t i = 0; i < 36; i++) {
					bool lies = order_lies_in(l.w, from, c, v[i]);

					inside += lies;
					CU_ASSERT_EQUAL(lies, i >= first && i < first + n);
				}
				CU_ASSERT_EQUAL(n, inside);
			}
	lab_free(&l);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "what managers show is as disjoint as it must be", test_good },
		{ "managers that keep paths with too much in common are noticed", test_other_ratio },
		{ "managers that keep too many are noticed", test_more_paths },
		{ "a list that was changed is noticed", test_changed },
		{ "a path around a neighbour that is missing is noticed", test_around_is_missing },
		{ "a link that is gone is noticed", test_gone },
		{ "every g-node is one run of the order of addresses", test_order },
	};

	return TAP_RUN(tests);
}
