/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * News stay where they matter: a change of a link inside a g-node of level 1 is unheard outside its
 * g-node of level 2, unless a path that is visible there changes.
 *
 * What is visible outside is read from the managers at the border of the g-node of level 2,
 * before and after each change: the paths that they tell their neighbours outside, as those
 * read them, and what they say of the g-node itself.  Where both are equal, no ETP may have
 * gone to anybody outside; where they differ, somebody must have been told.  Nor is anybody outside
 * asked (A29).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check.h"
#include "sim/order.h"
#include "sim/place.h"
#include "tests/unit/tap.h"

enum {
	NODES = 48,
	PATHS = 64,
	VIEW = 1 << 19,		/* characters */
	LIMIT = 60000000,	/* µs */
	LEVEL = 2,		/* of the g-node outside which nothing is heard */
};

struct lab {
	struct world *w;
	struct truth truth;
	uint32_t inside;	/* a node of the g-node of level 2 where the change is */
	unsigned news;		/* ETPs to nodes outside it */
	unsigned questions;	/* calls to them */
	char before[VIEW], after[VIEW];
};

static const struct topo *
topo_of(const struct lab *l)
{
	return &l->w->settings.params.topo;
}

static bool
is_inside(const struct lab *l, uint32_t node)
{
	return order_share(l->w, node, l->inside, LEVEL);
}

/* Told of every message that is sent. */
static bool
count(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m, void *arg)
{
	struct lab *l = arg;

	(void)w, (void)node;
	if (!is_inside(l, to)) {
		l->news += m->type == PEER_etp;
		l->questions += m->type == PEER_full_request;
	}
	return true;
}

/* --- what is visible outside -------------------------------------------------------------- */

static size_t __attribute__((format(printf, 3, 4)))
add(char *view, size_t at, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(view + at, VIEW - at, fmt, ap);
	va_end(ap);
	CU_ASSERT_TRUE_FATAL(n > 0 && at + (size_t)n < VIEW);
	return at + (size_t)n;
}

/* The first hop of PATH outside the g-node of LEVEL of whoever has it. */
static size_t
outside(const struct qspn_path *path, unsigned level)
{
	size_t i = 0;

	while (path->hops[i].to.level < level)
		i++;
	return i;
}

/* Those outside the g-node of LEVEL pass the last of N paths over: a cheaper one looks the same. */
static bool
is_ignored(const struct qspn_path *v, size_t n, unsigned level)
{
	const struct qspn_path *p = &v[n - 1];
	size_t j = outside(p, level);

	for (size_t i = 0; i + 1 < n; i++) {
		size_t k = outside(&v[i], level);
		bool same = v[i].n_hops - k == p->n_hops - j;

		for (size_t h = j; same && h < p->n_hops; h++, k++)
			same = v[i].hops[k].id == p->hops[h].id;
		if (same)
			return true;
	}
	return false;
}

/* The paths of NODE to D as a neighbour that sees it in a g-node of level I reads them. */
static size_t
add_paths(const struct lab *l, uint32_t node, struct coord d, unsigned level, char *view, size_t at)
{
	struct qspn_path v[PATHS];
	size_t n = qspn_paths(l->w->nodes[node].qspn, d, v, PATHS);

	CU_ASSERT_TRUE_FATAL(n <= PATHS);
	for (size_t i = 0; i < n; i++) {
		if (is_ignored(v, i + 1, level))
			continue;
		at = add(view, at, "to %u,%u", d.level, d.pos);
		for (size_t k = 0; k < v[i].n_hops; k++)
			if (v[i].hops[k].to.level >= level)
				at = add(view, at, " %u,%u by %u", v[i].hops[k].to.level,
				    v[i].hops[k].to.pos, v[i].hops[k].id);
		at = add(view, at, ": %llu, %u nodes\n", (unsigned long long)v[i].cost,
		    v[i].nodes_inside);
	}
	return at;
}

static size_t
add_border(const struct lab *l, uint32_t node, unsigned level, char *view, size_t at)
{
	const struct qspn *q = l->w->nodes[node].qspn;
	struct fingerprint fp;
	uint32_t nodes = 0;

	CU_ASSERT_TRUE_FATAL(qspn_fingerprint(q, level, &fp) && qspn_nodes_inside(q, level, &nodes));
	at = add(view, at, "node %u, level %u, id %llu, %u nodes\n", node, level,
	    (unsigned long long)fp.id, nodes);
	for (uint8_t i = (uint8_t)level; i < topo_of(l)->levels; i++)
		for (uint32_t pos = 0; pos < topo_gsize(topo_of(l), i); pos++)
			at = add_paths(l, node, (struct coord){ i, pos }, level, view, at);
	return at;
}

static void
look(const struct lab *l, char *view)
{
	const struct world *w = l->w;
	struct coord c;
	size_t at = 0;

	view[0] = '\0';
	for (uint32_t i = 0; i < w->n_nodes; i++)
		for (uint32_t k = 0; is_inside(l, i) && k < w->nodes[i].n_ends; k++) {
			uint32_t other = w->nodes[i].ends[k].node;

			if (is_inside(l, other))
				continue;
			CU_ASSERT_TRUE_FATAL(naddr_coord(topo_of(l), &w->nodes[other].address,
			    &w->nodes[i].address, &c));
			at = add_border(l, i, c.level, view, at);
		}
}

/* --- changes ----------------------------------------------------------------------------- */

static void
rest(struct lab *l)
{
	CU_ASSERT_TRUE_FATAL(world_rest(l->w, LIMIT, NULL, NULL));
}

struct sums {
	unsigned changes;
	unsigned quiet;		/* nothing visible changed */
	unsigned seen;		/* something did */
	unsigned news;		/* ETPs outside, of those */
};

/* The change has been made: who heard of it? */
static void
judge(struct lab *l, struct sums *s, const char *what, uint32_t link)
{
	bool same;

	rest(l);
	look(l, l->after);
	same = strcmp(l->before, l->after) == 0;
	s->changes++;
	s->quiet += same;
	s->seen += !same;
	s->news += l->news;
	if (same && l->news != 0)
		tap_note("%s of link %u: %u ETPs went outside, and what is visible there is as before", what,
		    link, l->news);
	CU_ASSERT_TRUE(!same || l->news == 0);
	CU_ASSERT_EQUAL(l->questions, 0);
	memcpy(l->before, l->after, sizeof(l->before));
	l->news = l->questions = 0;
}

static bool
stays_whole(struct lab *l, uint32_t link)
{
	l->w->links[link].connected = false;
	CU_ASSERT_TRUE_FATAL(truth_look(&l->truth));
	l->w->links[link].connected = true;
	return l->truth.whole;
}

/* Dearer, cheaper again, cut and joined. */
static void
change(struct lab *l, uint32_t link, struct sums *s)
{
	uint64_t cost = l->w->links[link].cost;

	l->inside = l->w->links[link].node[0];
	l->news = l->questions = 0;
	look(l, l->before);
	world_link_cost(l->w, link, 3 * cost);
	judge(l, s, "a higher cost", link);
	world_link_cost(l->w, link, cost);
	judge(l, s, "a lower cost", link);
	if (!stays_whole(l, link))
		return;
	world_link_down(l->w, link);
	judge(l, s, "the end", link);
	world_link_up(l->w, link);
	judge(l, s, "the return", link);
}

static void
lab_make(struct lab *l, enum graph_shape shape, uint64_t seed)
{
	struct world_settings s = { .seed = seed, .latency = 1000, .cost_low = 500, .cost_high = 3000 };
	struct naddr address[NODES];
	struct graph g;
	struct topo t;
	struct rng rng;
	char why[300];

	rng_init(&rng, seed);
	CU_ASSERT_TRUE_FATAL(topo_parse("4.4.8", &t, why, sizeof(why)));
	CU_ASSERT_TRUE_FATAL(graph_make(&g, shape, NODES, 5, &rng));
	CU_ASSERT_TRUE_FATAL(place_nodes(&g, &t, address, why, sizeof(why)));
	qspn_params_default(&s.params, &t);
	l->w = world_new(&s, &g, address, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l->w);
	graph_free(&g);
	CU_ASSERT_TRUE_FATAL(truth_init(&l->truth, l->w));
	rest(l);
	l->w->tamper = count;
	l->w->tamper_arg = l;
}

static void
test_quiet(void)
{
	static const enum graph_shape shapes[] = { GRAPH_CLUSTERED, GRAPH_RANDOM, GRAPH_GRID };
	struct sums all = { 0, 0, 0, 0 };
	struct lab *l = calloc(1, sizeof(*l));

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	for (size_t i = 0; i < 3; i++) {
		struct sums s = { 0, 0, 0, 0 };

		lab_make(l, shapes[i], 3);
		for (uint32_t k = 0; k < l->w->n_links; k++)
			if (order_share(l->w, l->w->links[k].node[0], l->w->links[k].node[1], 1))
				change(l, k, &s);
		tap_note("%s: %u changes inside g-nodes of level 1; %u left what is visible outside "
		    "level 2 as it was, %u did not (%u ETPs outside)", graph_shape_name(shapes[i]),
		    s.changes, s.quiet, s.seen, s.news);
		all.quiet += s.quiet;
		all.seen += s.seen;
		all.news += s.news;
		truth_free(&l->truth);
		world_free(l->w);
	}
	free(l);
	/* Both happened. */
	CU_ASSERT_TRUE(all.quiet > 30);
	CU_ASSERT_TRUE(all.seen > 20);
	CU_ASSERT_TRUE(all.news > 20);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "a change in a g-node of level 1 is unheard outside level 2 when nothing visible "
		    "changes", test_quiet },
	};

	return TAP_RUN(tests);
}
