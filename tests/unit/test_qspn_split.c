/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Examples X13a to X13c of spec/qspn 8: g-nodes that break, and leaving the network (3.13). */
#include <stdio.h>
#include <string.h>

#include "tests/unit/qspnbed.h"
#include "tests/unit/tap.h"

static struct bed b;
static const uint32_t unpaced = QSPN_PROFILE_R & ~(uint32_t)QSPN_A4_PACING;

static void
is(const char *text, const char *want)
{
	CU_ASSERT_STRING_EQUAL(text, want);
	if (strcmp(text, want) != 0)
		tap_note("is:\n%s\nshould be:\n%s", text, want);
}

static bool
saw(unsigned n, const char *event)
{
	return strstr(b.node[n].events, event) != NULL;
}

static unsigned
splits(unsigned n)
{
	unsigned k = 0;

	for (const char *p = b.node[n].events; (p = strstr(p, "split[")) != NULL; p++)
		k++;
	return k;
}

#define PAIR(a_, b_)	((const int32_t[]){ (a_), (b_) })

/* --- X13a -------------------------------------------------------------------- */

enum { NX, NY, NF, NW };

static bool
flooded(unsigned from, uint64_t when)
{
	for (size_t i = 0; i < b.n_said; i++)
		if (b.said[i].from == from && b.said[i].when == when &&
		    strstr(b.said[i].text, "hops \n") != NULL)
			return true;
	return false;
}

static void
test_x13a(void)
{
	uint64_t t;
	unsigned fw;
	struct qspn_path p[3];
	struct coord g = { 1, 1 };
	char want[100];

	bed_init(&b, "4.4", 40);
	b.p.amendments = unpaced & ~(uint32_t)QSPN_A31_PATIENCE;	/* the example hides at once */
	bed_node(&b, '1', "0.0", 1, PAIR(0, 0));
	bed_node(&b, '2', "0.1", 2, PAIR(1, 0));
	bed_node(&b, '3', "1.0", 3, PAIR(0, 1));
	bed_node(&b, '4', "1.1", 4, PAIR(1, 1));
	fw = bed_link(&b, NF, NW, 500);
	bed_link(&b, NX, NY, 1000);
	bed_link(&b, NX, NF, 1500);
	bed_link(&b, NY, NW, 1200);
	CU_ASSERT_TRUE(bed_settle(&b));
	is(bed_paths(&b, NX, 1, 1), "(1,1) / 13 / 1500; (0,1)(1,1) / 12,24 / 2200");
	is(bed_paths(&b, NY, 1, 1), "(1,1) / 24 / 1200; (0,0)(1,1) / 21,13 / 2500");
	bed_forget(&b);
	b.record = true;
	t = b.now;
	bed_cut(&b, fw);
	is(bed_ids(&b, NF), "3,3,1");
	is(bed_nodes(&b, NF), "1,1,3");
	is(bed_ids(&b, NW), "4,4,1");
	is(bed_nodes(&b, NW), "1,1,3");
	bed_run(&b, 599);
	is(b.node[NY].events, "");
	bed_run(&b, 1);
	CU_ASSERT_TRUE(saw(NY, "p(1,1)+0~0-1 "));
	is(bed_paths(&b, NY, 1, 1), "(1,1) / 24 / 1200*; (0,0)(1,1) / 21,13 / 2500");
	CU_ASSERT_EQUAL(qspn_paths(b.node[NY].q, g, p, 3), 1);
	bed_run(&b, 149);
	is(b.node[NX].events, "");
	bed_run(&b, 1);
	CU_ASSERT_TRUE(saw(NX, "p(1,1)+0~1-0 "));
	bed_run(&b, 350);
	is(bed_paths(&b, NX, 1, 1), "(1,1) / 13 / 1500; (0,1)(1,1) / 12,24 / 2200*");
	bed_run(&b, 9 * SECOND);
	CU_ASSERT_TRUE(flooded(NY, t + 500600));
	CU_ASSERT_TRUE(flooded(NX, t + 501100));
	CU_ASSERT_EQUAL(splits(NX) + splits(NY), 0);
	bed_run(&b, 5 * SECOND);
	snprintf(want, sizeof(want), "split[%llu 24 (1,1) 4] ", (unsigned long long)t + 10000600);
	CU_ASSERT_TRUE(saw(NY, want));
	CU_ASSERT_EQUAL(splits(NX), 0);
	CU_ASSERT_EQUAL(splits(NY), 1);
	is(bed_paths(&b, NY, 1, 1), "(1,1) / 24 / 1200*; (0,0)(1,1) / 21,13 / 2500");
	CU_ASSERT_TRUE(qspn_best(b.node[NY].q, g, p) && p->cost == 2500);
	/* The younger island leaves. */
	bed_forget(&b);
	qspn_exit_network(b.node[NW].q, b.now, 1, bed_out(&b));
	bed_done(&b, NW);
	is(bed_map(&b, NW), "");
	is(bed_ids(&b, NW), "4,4,4");
	is(bed_nodes(&b, NW), "1,1,1");
	CU_ASSERT_EQUAL(qspn_arcs(b.node[NW].q), 0);
	CU_ASSERT_EQUAL(b.node[NW].arcs_removed, 1);
	CU_ASSERT_EQUAL(b.node[NW].bad_links, 0);
	CU_ASSERT_EQUAL(b.node[NW].dest_removed, 1);
	bed_free(&b);
}

/* --- X13b ------------------------------------------------------------------------ */

static unsigned
node_at(const char *address)
{
	struct naddr a;
	char why[100];

	naddr_parse(&b.p.topo, address, &a, why, sizeof(why));
	for (unsigned i = 0; i < b.n_nodes; i++)
		if (naddr_equal(&b.p.topo, &b.node[i].q->me, &a))
			return i;
	CU_FAIL_FATAL("no such node");
	return 0;
}

static size_t
destinations(unsigned n)
{
	size_t k = 0;
	uint32_t pos;

	for (unsigned l = 0; l < b.p.topo.levels; l++)
		k += qspn_destinations(b.node[n].q, l, &pos, 1);
	return k;
}

static void
x13b(uint32_t amendments)
{
	static const char *const node[] = { "0.0.1", "0.0.2", "0.0.3", "0.0.5", "0.0.6", "0.0.7",
	    "0.1.2", "0.1.3", "0.1.4", "0.3.4", "0.3.5", "0.3.6", "0.3.7" };
	static const char *const link[][2] = {
		{ "0.0.6", "0.0.7" }, { "0.0.7", "0.0.1" }, { "0.0.1", "0.0.5" }, { "0.0.6", "0.0.2" },
		{ "0.0.7", "0.0.2" }, { "0.0.1", "0.0.3" }, { "0.0.2", "0.0.3" }, { "0.1.3", "0.1.4" },
		{ "0.1.4", "0.1.2" }, { "0.3.4", "0.3.5" }, { "0.3.5", "0.3.6" }, { "0.3.6", "0.3.7" },
		{ "0.0.7", "0.1.3" }, { "0.1.2", "0.3.4" }, { "0.0.5", "0.3.5" }, { "0.0.3", "0.3.7" },
	};
	unsigned l[16], n3, n5, n2;

	bed_init(&b, "4.4.8", 41);
	b.p.amendments = amendments;
	for (unsigned i = 0; i < 13; i++)
		bed_plain(&b, (char)('a' + i), node[i]);
	for (unsigned i = 0; i < 16; i++)
		l[i] = bed_link(&b, node_at(link[i][0]), node_at(link[i][1]), 2000 + i);
	CU_ASSERT_TRUE(bed_settle(&b));
	n3 = node_at("0.0.3");
	n5 = node_at("0.0.5");
	n2 = node_at("0.1.2");
	CU_ASSERT_EQUAL(b.node[node_at("0.3.4")].q->nodes[2], 13);
	CU_ASSERT_EQUAL(splits(n3) + splits(n5) + splits(n2), 0);
	bed_forget(&b);
	bed_cut(&b, l[9]);
	bed_run(&b, 9900 * MS);
	CU_ASSERT_EQUAL(splits(n3) + splits(n5) + splits(n2), 0);
	bed_run(&b, 400 * MS);
	CU_ASSERT_EQUAL(splits(n3), 1);
	CU_ASSERT_EQUAL(splits(n5), 1);
	CU_ASSERT_EQUAL(splits(n2), 0);
	CU_ASSERT_EQUAL(destinations(n3), 7);
	CU_ASSERT_EQUAL(destinations(n5), 7);
	CU_ASSERT_EQUAL(destinations(n2), 4);
	CU_ASSERT_EQUAL(b.node[node_at("0.3.4")].q->nodes[2], 10);
	CU_ASSERT_EQUAL(b.node[node_at("0.3.5")].q->nodes[2], 12);
	CU_ASSERT_TRUE(bed_settle(&b));
	for (unsigned i = 10; i < 13; i++) {
		qspn_exit_network(b.node[i].q, b.now, 1, bed_out(&b));
		bed_done(&b, i);
	}
	CU_ASSERT_TRUE(bed_settle(&b));
	for (unsigned i = 10; i < 13; i++)
		CU_ASSERT_EQUAL(destinations(i), 2);
	bed_free(&b);
}

static void
test_x13b(void)
{
	x13b(unpaced);
	x13b(QSPN_PROFILE_R);
	x13b(0);
}

/* --- X13c -------------------------------------------------------------------------- */

static void
x13c(uint32_t amendments)
{
	static const char *const address[] = { "12.1.0.0.1.0", "12.1.1.0.0.0", "3.1.1.0.0.0",
	    "2.1.0.0.1.0" };
	static const int32_t eld[][6] = { { 0 }, { 0, 0, 0, 1 }, { 0, 0, 0, 0, 0, 1 },
	    { 0, 0, 0, 0, 0, 2 } };
	unsigned ab;

	bed_init(&b, "16.2.2.2.2.2", 42);
	b.p.amendments = amendments;
	for (unsigned i = 0; i < 4; i++)
		bed_node(&b, (char)('a' + i), address[i], i + 1, eld[i]);
	ab = bed_link(&b, 0, 1, 647);
	bed_link(&b, 0, 2, 1360);
	bed_link(&b, 1, 3, 1238);
	bed_link(&b, 3, 2, 1090);
	CU_ASSERT_TRUE(bed_settle(&b));
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(b.node[i].q->fp[6].id, 1);
	bed_forget(&b);
	bed_cut(&b, ab);
	bed_run(&b, 9900 * MS);
	CU_ASSERT_EQUAL(splits(2) + splits(3), 0);
	/* The younger island elects itself (10.2 item 9). */
	CU_ASSERT_EQUAL(b.node[1].q->fp[6].id, 2);
	bed_run(&b, 400 * MS);
	CU_ASSERT_EQUAL(splits(3), 1);
	CU_ASSERT_EQUAL(splits(2), 0);
	CU_ASSERT_TRUE(saw(3, " (5,12) 2] "));
	bed_free(&b);
}

static void
test_x13c(void)
{
	x13c(unpaced);
	x13c(QSPN_PROFILE_R);
}

/* Only so many suspicions are timed; the next report brings the others back. */
static void
test_limit(void)
{
	unsigned fw;

	bed_init(&b, "4.4", 43);
	b.p.max_splits = 0;
	bed_node(&b, '1', "0.0", 1, PAIR(0, 0));
	bed_node(&b, '2', "0.1", 2, PAIR(1, 0));
	bed_node(&b, '3', "1.0", 3, PAIR(0, 1));
	bed_node(&b, '4', "1.1", 4, PAIR(1, 1));
	fw = bed_link(&b, NF, NW, 500);
	bed_link(&b, NX, NY, 1000);
	bed_link(&b, NX, NF, 1500);
	bed_link(&b, NY, NW, 1200);
	CU_ASSERT_TRUE(bed_settle(&b));
	bed_cut(&b, fw);
	bed_run(&b, 20 * SECOND);
	CU_ASSERT_EQUAL(splits(NY), 0);
	b.p.max_splits = 1;
	bed_run(&b, 700 * SECOND);
	CU_ASSERT_TRUE(splits(NY) > 0);
	bed_free(&b);
}

/* A g-node that breaks twice for 6 s is not split; when it lasts 10 s it is. */
static void
test_twice(void)
{
	unsigned fw;

	bed_init(&b, "4.4", 44);
	bed_node(&b, '1', "0.0", 1, PAIR(0, 0));
	bed_node(&b, '2', "0.1", 2, PAIR(1, 0));
	bed_node(&b, '3', "1.0", 3, PAIR(0, 1));
	bed_node(&b, '4', "1.1", 4, PAIR(1, 1));
	fw = bed_link(&b, NF, NW, 500);
	bed_link(&b, NX, NY, 1000);
	bed_link(&b, NX, NF, 1500);
	bed_link(&b, NY, NW, 1200);
	CU_ASSERT_TRUE(bed_settle(&b));
	bed_cut(&b, fw);
	bed_run(&b, 6 * SECOND);
	CU_ASSERT_EQUAL(b.node[NY].q->n_splits, 1);
	fw = bed_link(&b, NF, NW, 500);
	bed_run(&b, SECOND);
	CU_ASSERT_EQUAL(b.node[NY].q->n_splits, 0);
	bed_cut(&b, fw);
	bed_run(&b, 6 * SECOND);
	CU_ASSERT_EQUAL(splits(NY), 0);
	CU_ASSERT_EQUAL(b.node[NY].q->n_splits, 1);
	bed_run(&b, 5 * SECOND);
	CU_ASSERT_EQUAL(splits(NY), 1);
	bed_free(&b);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "X13a: a g-node of two breaks", test_x13a },
		{ "X13b: 13 nodes, who signals and who leaves", test_x13b },
		{ "X13c: six levels", test_x13c },
		{ "suspicions are bounded", test_limit },
		{ "what broke twice for a moment", test_twice },
	};
	return TAP_RUN(tests);
}
