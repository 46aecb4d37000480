/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/kerntest.h"
#include "tests/unit/tap.h"

static struct conf conf;
static struct facts f;

/* A main identity at 2.1.1.0 with a known arc to 2.1.1.1 and two paths over it. */
static void
begin(void)
{
	const struct facts_arc arc = { .peer_mac = { { 2, 0, 0, 0, 0, 1 } },
		.peer_linklocal = 0xa9fe1401, .qspn = true, .known = true,
		.peer = { { 1, 1, 1, 2 } } };
	const struct coord near[] = { { 0, 1 } };
	const struct coord far[] = { { 0, 1 }, { 1, 0 } };

	facts_init(&f);
	f.main = true;
	f.address = (struct naddr){ { 0, 1, 1, 2 } };
	f.has_dev[0] = f.has_dev[1] = true;
	f.linklocal[0] = 0xa9fe0a01;
	CU_ASSERT_TRUE(facts_add_arc(&f, &arc));
	CU_ASSERT_TRUE(facts_add_path(&f, near[0], 0, 10, near, 1));
	CU_ASSERT_TRUE(facts_add_path(&f, far[1], 0, 20, far, 2));
}

/* Adds a second arc, neighbour 2.1.0.0. */
static struct facts_arc *
second_arc(void)
{
	struct facts_arc arc = f.arcs[0];

	arc.peer_mac.b[5] = 2;
	arc.peer_linklocal = 0xa9fe1402;
	arc.peer = (struct naddr){ { 0, 0, 1, 2 } };
	CU_ASSERT_TRUE(facts_add_arc(&f, &arc));
	return &f.arcs[1];
}

/* Checks and forgets the facts; FIELD is where the error is, NULL for none. */
static void
finds(const char *field)
{
	struct facts_error err;
	bool ok = facts_check(&f, &conf.map.topo, conf.n_interfaces, &err);

	CU_ASSERT_EQUAL(ok, field == NULL);
	if (field != NULL) {
		CU_ASSERT_STRING_EQUAL(err.field, field);
		CU_ASSERT_NOT_EQUAL(err.text[0], '\0');
	} else if (!ok) {
		tap_note("%s: %s", err.field, err.text);
	}
	facts_free(&f);
}

static void
test_good(void)
{
	begin();
	finds(NULL);
	begin();
	second_arc();
	finds(NULL);
	begin();
	f.linklocal[0] = 0;
	finds(NULL);
	begin();
	facts_free(&f);
	f.main = true;
	finds(NULL);
}

static void
test_address(void)
{
	begin();
	f.address.pos[3] = TOPO_POS_MAX + 1U;
	finds("address");
	begin();
	f.address.pos[1] = 2;
	f.address.pos[3] = 4;
	finds("address");
	begin();
	f.main = false;
	finds("address");
	begin();
	f.main = false;
	f.address.pos[0] = 3;
	finds(NULL);
	begin();
	f.main = false;
	f.n_paths = 0;
	f.address.pos[0] = 3;
	f.address.pos[2] = 7;
	finds(NULL);
	begin();
	f.address.pos[0] = 3;		/* waiting to enter */
	finds(NULL);
}

static void
test_interfaces(void)
{
	begin();
	f.has_dev[conf.n_interfaces] = true;
	finds("interfaces");
	begin();
	f.linklocal[0] = 0xa9fea9fe;
	finds("linklocal");
	begin();
	f.linklocal[0] = 0x0a000001;
	finds("linklocal");
}

static void
test_arcs(void)
{
	begin();
	f.arcs[0].dev = 2;
	finds("arcs[0].dev");
	begin();
	f.arcs[0].dev = 200;
	finds("arcs[0].dev");
	begin();
	f.has_dev[0] = false;
	finds("arcs[0].dev");
	begin();
	f.arcs[0].peer_mac.b[0] = 1;
	finds("arcs[0].peer_mac");
	begin();
	memset(&f.arcs[0].peer_mac, 0, 6);
	finds("arcs[0].peer_mac");
	begin();
	f.arcs[0].peer_linklocal = 0xa9fe0001;
	finds("arcs[0].peer_linklocal");
	begin();
	f.arcs[0].peer_linklocal = f.linklocal[0];
	finds("arcs[0].peer_linklocal");
	begin();
	f.n_paths = 0;
	f.arcs[0].qspn = false;
	finds("arcs[0].peer_address");
	begin();
	f.n_paths = 0;
	f.arcs[0].qspn = f.arcs[0].known = false;
	f.arcs[0].closing = true;
	finds("arcs[0].closing");
	begin();
	f.n_paths = 0;
	f.arcs[0].qspn = f.arcs[0].known = false;
	finds(NULL);
	begin();
	f.arcs[0].peer = f.address;
	finds("arcs[0].peer_address");
	begin();
	f.arcs[0].peer.pos[2] = 0x80000000U;
	finds("arcs[0].peer_address");
}

static void
test_pairs_of_arcs(void)
{
	begin();
	second_arc()->peer_mac.b[5] = 1;
	finds("arcs[1].peer_mac");
	begin();
	second_arc()->peer_linklocal = f.arcs[0].peer_linklocal;
	finds("arcs[1].peer_linklocal");
	begin();
	second_arc()->dev = 1;
	f.arcs[1].peer_linklocal = f.arcs[0].peer_linklocal;
	finds(NULL);
	/* Without a table of its own an arc may share the MAC. */
	begin();
	second_arc()->peer_mac.b[5] = 1;
	f.arcs[1].qspn = f.arcs[1].known = false;
	finds(NULL);
}

static void
test_paths(void)
{
	begin();
	f.paths[0].cost = 0;
	finds("paths[0].cost");
	begin();
	f.paths[1].arc = 1;
	finds("paths[1].arc");
	begin();
	f.arcs[0].known = false;
	finds("paths[0].arc");
	begin();
	f.arcs[0].closing = true;
	finds("paths[0].arc");
	begin();
	f.paths[1].dst = (struct coord){ 4, 0 };
	finds("paths[1].dst");
	begin();
	f.paths[1].dst = (struct coord){ 1, 1 };
	finds("paths[1].dst");
	begin();
	f.paths[1].dst.pos = TOPO_POS_MAX + 1U;
	finds("paths[1].dst");
	begin();
	f.paths[1].dst = (struct coord){ 1, 2 };
	finds("paths[1].hops");
}

static void
test_hops(void)
{
	const struct coord down[] = { { 0, 1 }, { 2, 0 }, { 1, 0 } };
	const struct coord twice[] = { { 0, 1 }, { 0, 3 }, { 0, 1 } };
	const struct coord through_us[] = { { 0, 1 }, { 0, 0 }, { 1, 0 } };
	const struct coord unknown[] = { { 0, 1 }, { 4, 0 } };

	begin();
	f.paths[0].n_hops = 0;
	finds("paths[0].hops");
	begin();
	f.paths[1].first_hop++;
	f.paths[1].n_hops--;
	finds("paths[1].hops");		/* does not begin with the neighbour */
	begin();
	CU_ASSERT_TRUE(facts_add_path(&f, down[2], 0, 30, down, 3));
	finds("paths[2].hops");
	begin();
	CU_ASSERT_TRUE(facts_add_path(&f, twice[2], 0, 30, twice, 3));
	finds("paths[2].hops");
	begin();
	CU_ASSERT_TRUE(facts_add_path(&f, through_us[2], 0, 30, through_us, 3));
	finds("paths[2].hops");
	begin();
	CU_ASSERT_TRUE(facts_add_path(&f, f.paths[1].dst, 0, 30, unknown, 2));
	finds("paths[2].hops");
}

/* The best comes first among the paths of one destination, wherever they stand. */
static void
test_best_first(void)
{
	const struct coord longer[] = { { 0, 1 }, { 0, 2 }, { 1, 0 } };

	begin();
	CU_ASSERT_TRUE(facts_add_path(&f, longer[2], 0, 20, longer, 3));
	finds(NULL);
	begin();
	CU_ASSERT_TRUE(facts_add_path(&f, longer[2], 0, 19, longer, 3));
	finds("paths[2].cost");
}

static void
test_order(void)
{
	const struct coord dsts[] = { { 0, 5 }, { 1, 1 }, { 0, 2 }, { 1, 1 }, { 3, 0 }, { 0, 2 } };
	const size_t expected[] = { 4, 1, 3, 2, 5, 0 };
	size_t *order;

	facts_init(&f);
	for (size_t i = 0; i < 6; i++)
		CU_ASSERT_TRUE(facts_add_path(&f, dsts[i], 0, 1, &dsts[i], 1));
	order = facts_path_order(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(order);
	for (size_t i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(order[i], expected[i]);
	free(order);
	facts_free(&f);
	order = facts_path_order(&f);
	CU_ASSERT_PTR_NOT_NULL(order);
	free(order);
}

static void
test_limits(void)
{
	static struct coord hops[FACTS_HOPS + 1];
	const struct facts_arc arc = { .dev = 0 };
	size_t n = 0;

	facts_init(&f);
	while (facts_add_arc(&f, &arc))
		n++;
	CU_ASSERT_EQUAL(n, FACTS_ARCS);
	CU_ASSERT_FALSE(facts_add_path(&f, hops[0], 0, 1, hops, FACTS_HOPS + 1));
	for (n = 0; facts_add_path(&f, hops[0], 0, 1, hops, FACTS_HOPS); n++)
		;
	CU_ASSERT_EQUAL(n, FACTS_HOPS_ALL / FACTS_HOPS);
	facts_free(&f);
	for (n = 0; facts_add_path(&f, hops[0], 0, 1, hops, 1); n++)
		;
	CU_ASSERT_EQUAL(n, FACTS_PATHS);
	facts_free(&f);
}

static void
test_copy(void)
{
	struct facts copy;

	begin();
	CU_ASSERT_TRUE(facts_copy(&copy, &f));
	CU_ASSERT_EQUAL(copy.n_arcs, 1);
	CU_ASSERT_EQUAL(copy.n_paths, 2);
	CU_ASSERT_EQUAL(copy.n_hops, 3);
	CU_ASSERT_EQUAL(copy.linklocal[0], f.linklocal[0]);
	CU_ASSERT_PTR_NOT_EQUAL(copy.arcs, f.arcs);
	CU_ASSERT_EQUAL(memcmp(copy.paths, f.paths, 2 * sizeof(*f.paths)), 0);
	facts_free(&f);
	f = copy;
	finds(NULL);
}

/* Inventions of the other tests are facts, and both kinds of arcs and paths are among them. */
static void
test_inventions(void)
{
	size_t paths = 0, closing = 0, unknown = 0;
	struct rng r;

	rng_init(&r, 5);
	for (int i = 0; i < 300; i++) {
		struct facts varied;

		kerntest_invent(&r, &conf, i % 3 != 0, &f);
		kerntest_vary(&r, &conf, &f, &varied);
		finds(NULL);
		f = varied;
		paths += f.n_paths;
		for (size_t a = 0; a < f.n_arcs; a++) {
			closing += f.arcs[a].closing;
			unknown += f.arcs[a].qspn && !f.arcs[a].known;
		}
		finds(NULL);
	}
	CU_ASSERT_TRUE(paths > 300 && closing > 30 && unknown > 30);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "good facts", test_good },
		{ "addresses", test_address },
		{ "own interfaces", test_interfaces },
		{ "arcs", test_arcs },
		{ "pairs of arcs", test_pairs_of_arcs },
		{ "paths", test_paths },
		{ "hops", test_hops },
		{ "the best comes first", test_best_first },
		{ "order of paths", test_order },
		{ "limits", test_limits },
		{ "copies", test_copy },
		{ "invented facts are facts", test_inventions },
	};

	kerntest_conf(&conf, "4.2.2.2", 2);
	return TAP_RUN(tests);
}
