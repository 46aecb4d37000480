/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Examples X2 to X5, X7 and X8 of spec/qspn 8: few levels, given addresses. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/qspnbed.h"
#include "tests/unit/tap.h"

static struct bed b;

static void
is(const char *text, const char *want)
{
	CU_ASSERT_STRING_EQUAL(text, want);
	if (strcmp(text, want) != 0)
		tap_note("is:\n%s\nshould be:\n%s", text, want);
}

#define PAIR(a_, b_)	((const int32_t[]){ (a_), (b_) })

/* --- X2, X3 -------------------------------------------------------------------- */

/* B created the network, A enters its g-node of level 1: X2. */
static unsigned
two_nodes(unsigned *nb)
{
	unsigned old = bed_node(&b, 'o', "3.3", 100, PAIR(0, 0));
	unsigned na = bed_reserve(&b, '1'), l;

	*nb = bed_node(&b, '2', "0.0", 200, PAIR(0, 0));
	bed_forget(&b);
	b.record = true;
	l = bed_wire(&b, na, *nb, 2000);
	bed_enter(&b, na, old, &(struct bed_entry){ .address = "0.1", .eld = PAIR(1, 0), .guest = 0,
	    .host = 1, .external = &l, .n_external = 1 });
	bed_arc_add(&b, l, *nb);
	return na;
}

static void
test_x2(void)
{
	unsigned na, nb;
	uint64_t start;

	bed_init(&b, "4.4", 1);
	na = two_nodes(&nb);
	start = b.now;
	is(bed_map(&b, nb), "");
	CU_ASSERT_FALSE(qspn_is_bootstrapped(b.node[na].q));
	bed_run(&b, 100 * MS);
	is(bed_said(&b, nb, na, QSPN_RESULT, 0), "full node 0.0 fps 200,200 nn 1,1 hops ");
	is(b.node[na].events, "+(0,0) p(0,0)+1~0-0 f1 n1 f2 n2 boot ");
	is(bed_map(&b, na), "(0,0) / 12 / 2000\n");
	is(bed_nodes(&b, na), "1,2,2");
	is(bed_ids(&b, na), "100,200,200");
	is(bed_said(&b, nb, na, QSPN_RESULT, 1), "full node 0.0 fps 200,200 nn 1,1 hops ");
	is(bed_said(&b, na, nb, QSPN_SEND, 0), "full node 0.1 fps 100,200 nn 1,2 hops \n"
	    "(0,0) / 12 / 2000 / fp 200 / nn 1 / FT");
	is(b.node[nb].events, "+(0,1) p(0,1)+1~0-0 n1 n2 ");
	is(bed_map(&b, nb), "(0,1) / 21 / 2000\n");
	is(bed_said(&b, nb, na, QSPN_SEND, 0), "");
	/* 4 half ways for the questions, then a second. */
	bed_run(&b, start + 4 * MS + 1000 * MS - b.now - 1);
	CU_ASSERT_EQUAL(b.node[na].present, 0);
	bed_run(&b, 1);
	CU_ASSERT_EQUAL(b.node[na].present, 1);
	bed_free(&b);
}

static void
test_x3(void)
{
	static const char *const id[] = { "1", "2", "3" };
	unsigned n[3], l[2], old;

	(void)id;
	bed_init(&b, "4.4", 2);
	n[0] = bed_node(&b, '1', "0.0", 100, PAIR(0, 0));
	n[1] = bed_node(&b, '2', "0.1", 200, PAIR(1, 0));
	l[0] = bed_link(&b, n[0], n[1], 2000);
	CU_ASSERT_TRUE(bed_settle(&b));
	old = bed_node(&b, 'o', "3.3", 300, PAIR(0, 0));
	n[2] = bed_reserve(&b, '3');
	bed_forget(&b);
	b.record = true;
	l[1] = bed_wire(&b, n[1], n[2], 3000);
	bed_enter(&b, n[2], old, &(struct bed_entry){ .address = "0.2", .eld = PAIR(2, 0),
	    .guest = 0, .host = 1, .external = &l[1], .n_external = 1 });
	bed_arc_add(&b, l[1], n[1]);
	CU_ASSERT_TRUE(bed_settle(&b));
	is(bed_said(&b, n[1], n[2], QSPN_RESULT, 0), "full node 0.1 fps 200,100 nn 1,2 hops \n"
	    "(0,0) / 21 / 2000 / fp 100 / nn 1 / FT");
	is(bed_map(&b, n[2]), "(0,1)(0,0) / 32,21 / 5000\n(0,1) / 32 / 3000\n");
	is(bed_nodes(&b, n[2]), "1,3,3");
	is(bed_ids(&b, n[2]), "300,100,100");
	is(bed_said(&b, n[2], n[1], QSPN_SEND, 0), "full node 0.2 fps 300,100 nn 1,3 hops \n"
	    "(0,1)(0,0) / 32,21 / 5000 / fp 100 / nn 1 / FT\n"
	    "(0,1) / 32 / 3000 / fp 200 / nn 1 / FT");
	is(bed_map(&b, n[1]), "(0,0) / 21 / 2000\n(0,2) / 23 / 3000\n");
	is(bed_nodes(&b, n[1]), "1,3,3");
	is(bed_said(&b, n[1], n[0], QSPN_SEND, 0), "part node 0.1 fps 200,100 nn 1,3 hops (0,2)\n"
	    "(0,2) / 23 / 3000 / fp 300 / nn 1 / FT");
	is(bed_said(&b, n[1], n[2], QSPN_SEND, 0), "");
	is(bed_map(&b, n[0]), "(0,1) / 12 / 2000\n(0,1)(0,2) / 12,23 / 5000\n");
	is(bed_nodes(&b, n[0]), "1,3,3");
	is(bed_said(&b, n[0], n[1], QSPN_SEND, 0), "");
	bed_free(&b);
}

/* --- X4, X7a ---------------------------------------------------------------------- */

static const char *const ring_map[] = {
	"(0,1) / 12 / 1000; (0,3)(0,2)(0,1) / 14,43,32 / 6000\n"
	"(0,1)(0,2) / 12,23 / 3000; (0,3)(0,2) / 14,43 / 4000\n"
	"(0,3) / 14 / 2500; (0,1)(0,2)(0,3) / 12,23,34 / 4500\n",
	"(0,0) / 21 / 1000; (0,2)(0,3)(0,0) / 23,34,41 / 6000\n"
	"(0,2) / 23 / 2000; (0,0)(0,3)(0,2) / 21,14,43 / 5000\n"
	"(0,0)(0,3) / 21,14 / 3500; (0,2)(0,3) / 23,34 / 3500\n",
	"(0,1)(0,0) / 32,21 / 3000; (0,3)(0,0) / 34,41 / 4000\n"
	"(0,1) / 32 / 2000; (0,3)(0,0)(0,1) / 34,41,12 / 5000\n"
	"(0,3) / 34 / 1500; (0,1)(0,0)(0,3) / 32,21,14 / 5500\n",
	"(0,0) / 41 / 2500; (0,2)(0,1)(0,0) / 43,32,21 / 4500\n"
	"(0,0)(0,1) / 41,12 / 3500; (0,2)(0,1) / 43,32 / 3500\n"
	"(0,2) / 43 / 1500; (0,0)(0,1)(0,2) / 41,12,23 / 5500\n",
};

/* Links: 0-1, 1-2, 2-3, 3-0. */
static void
ring(unsigned *n, unsigned *l)
{
	static const uint64_t cost[] = { 1000, 2000, 1500, 2500 };

	for (unsigned i = 0; i < 4; i++)
		n[i] = bed_node(&b, (char)('1' + i), (const char *[]){ "0", "1", "2", "3" }[i], 10 + i,
		    &(int32_t){ (int32_t)i });
	for (unsigned i = 0; i < 4; i++) {
		l[i] = bed_link(&b, n[i], n[(i + 1) % 4], cost[i]);
		CU_ASSERT_TRUE(bed_settle(&b));
	}
}

static void
x4(uint32_t amendments, uint64_t pacing, const char *what)
{
	unsigned n[4], l[4];

	tap_note("%s", what);
	bed_init(&b, "8", 3);
	b.p.amendments = amendments;
	b.p.pacing = pacing;
	ring(n, l);
	for (unsigned i = 0; i < 4; i++) {
		is(bed_map(&b, n[i]), ring_map[i]);
		is(bed_nodes(&b, n[i]), "1,4");
	}
	bed_free(&b);
}

static const uint32_t unpaced = QSPN_PROFILE_R & ~(uint32_t)QSPN_A4_PACING;

static void
test_x4(void)
{
	x4(0, 0, "profile O");
	x4(unpaced, 0, "profile R");
	x4(QSPN_PROFILE_R, 0, "profile R, paced, 0");
	x4(QSPN_PROFILE_R, 100 * MS, "profile R, paced, 100 ms");
}

/* The messages when node 3 is the last to enter, profile O. */
static void
test_x4_messages(void)
{
	unsigned n[4], l[4], old;

	bed_init(&b, "8", 4);
	b.p.amendments = 0;
	for (unsigned i = 0; i < 3; i++)
		n[i] = bed_node(&b, (char)('1' + i), (const char *[]){ "0", "1", "2" }[i], 10 + i,
		    &(int32_t){ (int32_t)i });
	l[0] = bed_link(&b, n[0], n[1], 1000);
	l[1] = bed_link(&b, n[1], n[2], 2000);
	CU_ASSERT_TRUE(bed_settle(&b));
	old = bed_node(&b, 'o', "7", 13, &(int32_t){ 0 });
	n[3] = bed_reserve(&b, '4');
	/* Asked in this order: 2, then 0. */
	l[2] = bed_wire(&b, n[2], n[3], 1500);
	l[3] = bed_wire(&b, n[3], n[0], 2500);
	bed_forget(&b);
	b.record = true;
	bed_enter(&b, n[3], old, &(struct bed_entry){ .address = "3", .eld = &(int32_t){ 3 },
	    .guest = 0, .host = 1, .external = &l[2], .n_external = 2 });
	bed_arc_add(&b, l[2], n[2]);
	bed_arc_add(&b, l[3], n[0]);
	CU_ASSERT_TRUE(bed_settle(&b));
	for (unsigned i = 0; i < 4; i++)
		is(bed_map(&b, n[i]), ring_map[i]);
	is(bed_said(&b, n[3], n[2], QSPN_SEND, 0), "full node 3 fps 13 nn 1 hops \n"
	    "(0,0) / 41 / 2500 / fp 10 / nn 1 / F\n"
	    "(0,2)(0,1)(0,0) / 43,32,21 / 4500 / fp 10 / nn 1 / F\n"
	    "(0,0)(0,1) / 41,12 / 3500 / fp 11 / nn 1 / F\n"
	    "(0,2)(0,1) / 43,32 / 3500 / fp 11 / nn 1 / F\n"
	    "(0,2) / 43 / 1500 / fp 12 / nn 1 / F\n"
	    "(0,0)(0,1)(0,2) / 41,12,23 / 5500 / fp 12 / nn 1 / F");
	is(bed_said(&b, n[2], n[1], QSPN_SEND, 0), "part node 2 fps 12 nn 1 hops (0,3)\n"
	    "(0,3) / 34 / 1500 / fp 13 / nn 1 / F\n"
	    "(0,3)(0,0) / 34,41 / 4000 / fp 10 / nn 1 / F\n"
	    "(0,3)(0,0)(0,1) / 34,41,12 / 5000 / fp 11 / nn 1 / F");
	is(bed_said(&b, n[0], n[1], QSPN_SEND, 0), "part node 0 fps 10 nn 1 hops (0,3)\n"
	    "(0,3) / 14 / 2500 / fp 13 / nn 1 / F\n"
	    "(0,3)(0,2) / 14,43 / 4000 / fp 12 / nn 1 / F\n"
	    "(0,3)(0,2)(0,1) / 14,43,32 / 6000 / fp 11 / nn 1 / F");
	is(bed_said(&b, n[1], n[0], QSPN_SEND, 0), "part node 1 fps 11 nn 1 hops (0,2)(0,3)\n"
	    "(0,2)(0,3) / 23,34 / 3500 / fp 13 / nn 1 / F\n"
	    "(0,2)(0,3)(0,0) / 23,34,41 / 6000 / fp 10 / nn 1 / F");
	is(bed_said(&b, n[1], n[2], QSPN_SEND, 0), "part node 1 fps 11 nn 1 hops (0,0)(0,3)\n"
	    "(0,0)(0,3) / 21,14 / 3500 / fp 13 / nn 1 / F\n"
	    "(0,0)(0,3)(0,2) / 21,14,43 / 5000 / fp 12 / nn 1 / F");
	is(bed_said(&b, n[0], n[3], QSPN_SEND, 0), "part node 0 fps 10 nn 1 hops (0,1)(0,2)(0,3)\n"
	    "(0,1)(0,2)(0,3) / 12,23,34 / 4500 / fp 13 / nn 1 / F");
	is(bed_said(&b, n[2], n[3], QSPN_SEND, 0), "part node 2 fps 12 nn 1 hops (0,1)(0,0)(0,3)\n"
	    "(0,1)(0,0)(0,3) / 32,21,14 / 5500 / fp 13 / nn 1 / F");
	is(bed_said(&b, n[0], n[3], QSPN_SEND, 1), "");
	is(bed_said(&b, n[2], n[3], QSPN_SEND, 1), "");
	bed_free(&b);
}

/* The variant of the original's suite: four g-nodes of level 1 in a ring. */
static void
test_x4_suite(void)
{
	static const char *const address[] = { "2.0", "5.0", "3.0", "4.0" };
	unsigned n[4];
	const struct qspn *q;
	unsigned by_arc[2] = { 0, 0 };

	bed_init(&b, "8.2", 5);
	for (unsigned i = 0; i < 4; i++)
		n[i] = bed_plain(&b, (char)('1' + i), address[i]);
	for (unsigned i = 0; i < 4; i++)
		bed_link(&b, n[i], n[(i + 1) % 4], 2000 + 10 * i);
	CU_ASSERT_TRUE(bed_settle(&b));
	q = b.node[n[0]].q;
	for (uint32_t pos = 3; pos <= 5; pos++) {
		struct qspn_path p[5];

		CU_ASSERT_EQUAL(qspn_paths(q, (struct coord){ 1, pos }, p, 5), 2);
		for (unsigned i = 0; i < 2; i++)
			by_arc[p[i].arc == qspn_arc_at(q, 1).arc]++;
	}
	CU_ASSERT_EQUAL(by_arc[0], 3);
	CU_ASSERT_EQUAL(by_arc[1], 3);
	bed_free(&b);
}

static void
x7a(uint32_t amendments, const char *tells)
{
	static const char *const after[] = {
		"(0,3)(0,2)(0,1) / 14,43,32 / 6000\n(0,3)(0,2) / 14,43 / 4000\n(0,3) / 14 / 2500\n",
		"(0,2)(0,3)(0,0) / 23,34,41 / 6000\n(0,2) / 23 / 2000\n(0,2)(0,3) / 23,34 / 3500\n",
		"(0,3)(0,0) / 34,41 / 4000\n(0,1) / 32 / 2000\n(0,3) / 34 / 1500\n",
		"(0,0) / 41 / 2500\n(0,2)(0,1) / 43,32 / 3500\n(0,2) / 43 / 1500\n",
	};
	unsigned n[4], l[4];

	bed_init(&b, "8", 6);
	b.p.amendments = amendments;
	ring(n, l);
	bed_forget(&b);
	b.record = true;
	bed_cut(&b, l[0]);
	CU_ASSERT_EQUAL(b.node[n[0]].paths_removed, 3);
	CU_ASSERT_EQUAL(b.node[n[1]].paths_removed, 3);
	is(b.node[n[0]].events, "p(0,1)+0~0-1 p(0,2)+0~0-1 p(0,3)+0~0-1 ");
	CU_ASSERT_TRUE(bed_settle(&b));
	is(bed_said(&b, n[0], n[3], QSPN_SEND, 0), tells);
	for (unsigned i = 0; i < 4; i++) {
		is(bed_map(&b, n[i]), after[i]);
		CU_ASSERT_EQUAL(b.node[n[i]].dest_added + b.node[n[i]].dest_removed, 0);
		CU_ASSERT_EQUAL(b.node[n[i]].fingerprints, 0);
	}
	bed_free(&b);
}

static void
test_x7a(void)
{
	x7a(0, "part node 0 fps 10 nn 1 hops \n"
	    "(0,1) / 12 / dead / fp 11 / nn 1 / F\n"
	    "(0,1)(0,2) / 12,23 / dead / fp 12 / nn 1 / F\n"
	    "(0,1)(0,2)(0,3) / 12,23,34 / dead / fp 13 / nn 1 / F");
	x7a(unpaced, "part node 0 fps 10 nn 1 hops \n"
	    "(0,1) / 12 / dead / fp 11 / nn 1 / F\n"
	    "(0,3)(0,2)(0,1) / 14,43,32 / 6000 / fp 11 / nn 1 / F\n"
	    "(0,1)(0,2) / 12,23 / dead / fp 12 / nn 1 / F\n"
	    "(0,3)(0,2) / 14,43 / 4000 / fp 12 / nn 1 / F\n"
	    "(0,1)(0,2)(0,3) / 12,23,34 / dead / fp 13 / nn 1 / F\n"
	    "(0,3) / 14 / 2500 / fp 13 / nn 1 / F");
}

/* --- X5 --------------------------------------------------------------------------------- */

/*
 * One neighbour, B, tells A the five paths to G at once.  A B=1 C=2 D=3 E=4 F=5 G=6.
 */
static void
test_x5(void)
{
	static const struct { uint32_t hop[5]; size_t n; uint64_t cost; bool kept; } way[] = {
		{ { 1, 2, 6 }, 3, 150, true }, { { 1, 3, 6 }, 3, 160, true },
		{ { 1, 4, 5, 6 }, 4, 170, true }, { { 1, 4, 3, 6 }, 4, 180, false },
		{ { 1, 3, 4, 5, 6 }, 5, 190, false },
	};
	struct choice c[5];
	struct before none = { .known = false };
	struct coord near = { 0, 1 };
	struct around around = { &near, 1, NULL, 0 };
	uint32_t weight[5][5];
	unsigned a;
	struct qspn *q;
	struct fpref fp = { .refs = 1, .f = { .id = 60 } };

	bed_init(&b, "8", 7);
	b.p.max_common_ratio = 700000;
	a = bed_node(&b, 'A', "0", 1, &(int32_t){ 0 });
	q = b.node[a].q;
	for (uint32_t i = 1; i <= 5; i++) {
		struct dest *d = map_add(q, (struct coord){ 0, i });

		d->root = 3;	/* a single node */
	}
	for (size_t i = 0; i < 5; i++) {
		struct path *p = path_scratch(q, way[i].n);

		for (size_t j = 0; j < way[i].n; j++)
			p->hops[j] = (struct qspn_hop){ { 0, way[i].hop[j] },
			    10 * (j == 0 ? 9 : way[i].hop[j - 1]) + way[i].hop[j] };
		p->fp = &fp;
		c[i] = (struct choice){ .p = p, .total = way[i].cost, .weight = weight[i] };
	}
	CU_ASSERT_TRUE(select_paths(q, &none, (struct coord){ 0, 6 }, &around, c, 5));
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(c[i].kept, way[i].kept);
	CU_ASSERT_TRUE(c[0].mandatory);
	CU_ASSERT_FALSE(c[1].mandatory);
	/* An intermediate hop that is no destination. */
	map_remove(q, map_find(q, (struct coord){ 0, 2 }));
	for (size_t i = 0; i < 5; i++)
		c[i].kept = c[i].mandatory = false;
	CU_ASSERT_TRUE(select_paths(q, &none, (struct coord){ 0, 6 }, &around, c, 5));
	CU_ASSERT_FALSE(c[0].kept);
	CU_ASSERT_TRUE(c[1].kept && c[1].mandatory && c[2].kept);
	scratch_free(&q->scratch);
	bed_free(&b);
}

/* --- X7b ------------------------------------------------------------------------------------ */

static void
x7b(uint32_t amendments, const char *at_a, const char *at_v, const char *at_n, unsigned removed)
{
	unsigned a, w, d, v, n, l;

	bed_init(&b, "8", 8);
	b.p.amendments = amendments;
	a = bed_plain(&b, 'a', "0");
	w = bed_plain(&b, 'b', "1");
	d = bed_plain(&b, 'd', "2");
	v = bed_plain(&b, 'v', "3");
	n = bed_plain(&b, 'n', "4");
	bed_link(&b, a, w, 1000);
	bed_link(&b, w, d, 1000);
	l = bed_link(&b, a, d, 1000);
	bed_link(&b, a, v, 1000);
	bed_link(&b, v, n, 1000);
	CU_ASSERT_TRUE(bed_settle(&b));
	is(bed_paths(&b, a, 0, 2), "(0,2) / ad / 1000; (0,1)(0,2) / ab,bd / 2000");
	is(bed_paths(&b, v, 0, 2), "(0,0)(0,2) / va,ad / 2000");
	is(bed_paths(&b, n, 0, 2), "(0,3)(0,0)(0,2) / nv,va,ad / 3000");
	is(bed_nodes(&b, n), "1,5");
	bed_forget(&b);
	bed_cut(&b, l);
	bed_run(&b, 500 * MS);
	is(bed_paths(&b, a, 0, 2), at_a);
	is(bed_paths(&b, v, 0, 2), at_v);
	is(bed_paths(&b, n, 0, 2), at_n);
	CU_ASSERT_EQUAL(b.node[v].dest_removed, removed);
	CU_ASSERT_EQUAL(b.node[n].dest_removed, removed);
	is(bed_nodes(&b, v), removed ? "1,4" : "1,5");
	/* The periodic full ETP repairs it. */
	bed_run(&b, 700 * SECOND);
	is(bed_paths(&b, v, 0, 2), "(0,0)(0,1)(0,2) / va,ab,bd / 3000");
	is(bed_paths(&b, n, 0, 2), "(0,3)(0,0)(0,1)(0,2) / nv,va,ab,bd / 4000");
	bed_free(&b);
}

static void
test_x7b(void)
{
	x7b(0, "(0,1)(0,2) / ab,bd / 2000", "", "", 1);
	x7b(unpaced, "(0,1)(0,2) / ab,bd / 2000", "(0,0)(0,1)(0,2) / va,ab,bd / 3000",
	    "(0,3)(0,0)(0,1)(0,2) / nv,va,ab,bd / 4000", 0);
	x7b(QSPN_PROFILE_R, "(0,1)(0,2) / ab,bd / 2000", "(0,0)(0,1)(0,2) / va,ab,bd / 3000",
	    "(0,3)(0,0)(0,1)(0,2) / nv,va,ab,bd / 4000", 0);
}

/* --- X8 -------------------------------------------------------------------------------------- */

static uint64_t
total(unsigned n, uint32_t pos)
{
	const struct dest *d = map_find(b.node[n].q, (struct coord){ 0, pos });

	return d == NULL ? 0 : path_total(d->v[0]);
}

/* As the specification has it: A30 records more. */
static const uint32_t significant = unpaced & ~(uint32_t)QSPN_A30_DEARER;

static void
test_x8a(void)
{
	static const struct {
		uint64_t cost;
		uint64_t a[3], b, c, d;
		unsigned signals[4];
	} step[] = {
		{ 2600, { 2600, 5600, 6600 }, 2600, 5000, 6000, { 3, 1, 0, 0 } },
		{ 4000, { 4000, 7000, 8000 }, 4000, 7000, 6000, { 3, 1, 1, 0 } },
		{ 2900, { 2900, 5900, 6900 }, 2900, 7000, 6000, { 3, 1, 0, 0 } },
	};
	unsigned n[4], l;

	bed_init(&b, "8", 9);
	b.p.amendments = significant;
	for (unsigned i = 0; i < 4; i++)
		n[i] = bed_plain(&b, (char)('A' + i), (const char *[]){ "0", "1", "2", "3" }[i]);
	l = bed_link(&b, n[0], n[1], 2000);
	bed_link(&b, n[1], n[2], 3000);
	bed_link(&b, n[2], n[3], 1000);
	CU_ASSERT_TRUE(bed_settle(&b));
	for (size_t i = 0; i < 3; i++) {
		bed_forget(&b);
		b.record = true;
		bed_cost(&b, l, step[i].cost);
		CU_ASSERT_TRUE(bed_settle(&b));
		for (uint32_t d = 1; d <= 3; d++)
			CU_ASSERT_EQUAL(total(n[0], d), step[i].a[d - 1]);
		CU_ASSERT_EQUAL(total(n[1], 0), step[i].b);
		CU_ASSERT_EQUAL(total(n[2], 0), step[i].c);
		CU_ASSERT_EQUAL(total(n[3], 0), step[i].d);
		for (unsigned j = 0; j < 4; j++) {
			CU_ASSERT_EQUAL(b.node[n[j]].paths_changed, step[i].signals[j]);
			CU_ASSERT_EQUAL(b.node[n[j]].paths_added + b.node[n[j]].paths_removed, 0);
		}
		/* Both ends announce every change. */
		CU_ASSERT_STRING_NOT_EQUAL(bed_said(&b, n[0], n[1], QSPN_SEND, 0), "");
		CU_ASSERT_STRING_NOT_EQUAL(bed_said(&b, n[1], n[0], QSPN_SEND, 0), "");
		CU_ASSERT_STRING_NOT_EQUAL(bed_said(&b, n[1], n[2], QSPN_SEND, 0), "");
	}
	bed_free(&b);
}

static void
test_x8b(void)
{
	static const uint64_t cost[] = { 15000, 13000, 11000, 8000, 6000, 4000 };
	static const struct { unsigned node; size_t n; uint64_t total[6]; } want[] = {
		{ 8, 6, { 15000, 13000, 11000, 8000, 6000, 4000 } }, { 7, 3, { 21000, 14000, 10000 } },
		{ 6, 2, { 27000, 20000 } }, { 5, 1, { 33000 } }, { 4, 0, { 0 } }, { 3, 0, { 0 } },
		{ 2, 0, { 0 } }, { 1, 0, { 0 } },
	};
	uint64_t seen[10][6] = { { 0 } };
	size_t n_seen[10] = { 0 };
	unsigned n[10], l = 0;
	char address[4];

	bed_init(&b, "16", 10);
	b.p.amendments = significant;
	for (unsigned i = 1; i <= 9; i++) {
		snprintf(address, sizeof(address), "%u", i);
		n[i] = bed_plain(&b, (char)('0' + i), address);
		if (i > 1)
			l = bed_link(&b, n[i - 1], n[i], 6000);
	}
	CU_ASSERT_TRUE(bed_settle(&b));
	for (size_t c = 0; c < 6; c++) {
		uint64_t was[10];

		for (unsigned i = 1; i <= 8; i++)
			was[i] = total(n[i], 9);
		bed_cost(&b, l, cost[c]);
		CU_ASSERT_TRUE(bed_settle(&b));
		for (unsigned i = 1; i <= 8; i++)
			if (total(n[i], 9) != was[i])
				seen[i][n_seen[i]++] = total(n[i], 9);
	}
	for (size_t w = 0; w < sizeof(want) / sizeof(want[0]); w++) {
		unsigned i = want[w].node;

		CU_ASSERT_EQUAL(n_seen[i], want[w].n);
		CU_ASSERT_EQUAL(memcmp(seen[i], want[w].total, want[w].n * sizeof(uint64_t)), 0);
	}
	CU_ASSERT_EQUAL(total(n[8], 9), 4000);
	bed_free(&b);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "X2: a node enters a network of one", test_x2 },
		{ "X3: a line of three", test_x3 },
		{ "X4: a ring of four, in profiles O and R", test_x4 },
		{ "X4: every message when the fourth enters (profile O)", test_x4_messages },
		{ "X4: a ring of four g-nodes", test_x4_suite },
		{ "X5: disjointness", test_x5 },
		{ "X7a: an arc of the ring fails", test_x7a },
		{ "X7b: a destination lost in profile O, kept in R (A1)", test_x7b },
		{ "X8a: which changes of cost are told", test_x8a },
		{ "X8b: how far they are heard", test_x8b },
	};
	return TAP_RUN(tests);
}
