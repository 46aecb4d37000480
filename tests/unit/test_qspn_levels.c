/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Examples X6, X14 and X15 of spec/qspn 8: several levels. */
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

static void
has(const char *text, const char *part)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(text, part));
	if (strstr(text, part) == NULL)
		tap_note("no %s in:\n%s", part, text);
}

#define PAIR(a_, b_)	((const int32_t[]){ (a_), (b_) })

enum { A, B, C, X, Y, OLD_Z, Z };
enum { AB, BC, AC, CX, XY, AZ };
static unsigned link_[6];

/* X6 before Z enters. */
static void
two_levels(uint32_t amendments)
{
	static const char *const address[] = { "0.0", "0.1", "0.2", "1.0", "1.1" };

	bed_init(&b, "4.4", 20);
	b.p.amendments = amendments;
	for (unsigned i = A; i <= Y; i++)
		bed_node(&b, (char)('1' + i), address[i], i + 1, PAIR(i < X ? i : i - X, i >= X));
	link_[AB] = bed_link(&b, A, B, 1000);
	link_[BC] = bed_link(&b, B, C, 1000);
	link_[AC] = bed_link(&b, A, C, 5000);
	link_[CX] = bed_link(&b, C, X, 2000);
	link_[XY] = bed_link(&b, X, Y, 1500);
	CU_ASSERT_TRUE(bed_settle(&b));
}

static void
z_enters(void)
{
	bed_node(&b, 'o', "3.3", 6, PAIR(0, 0));
	bed_reserve(&b, '6');
	link_[AZ] = bed_wire(&b, A, Z, 700);
	bed_forget(&b);
	b.record = true;
	bed_enter(&b, Z, OLD_Z, &(struct bed_entry){ .address = "2.0", .eld = PAIR(0, 2), .guest = 0,
	    .host = 2, .external = &link_[AZ], .n_external = 1 });
	bed_arc_add(&b, link_[AZ], A);
	CU_ASSERT_TRUE(bed_settle(&b));
}

static void
test_x6(void)
{
	two_levels(unpaced);
	is(bed_map(&b, A), "(0,1) / 12 / 1000; (0,2)(0,1) / 13,32 / 6000\n"
	    "(0,1)(0,2) / 12,23 / 2000; (0,2) / 13 / 5000\n"
	    "(0,1)(0,2)(1,1) / 12,23,34 / 4000; (0,2)(1,1) / 13,34 / 7000\n");
	is(bed_ids(&b, A), "1,1,1");
	is(bed_nodes(&b, A), "1,3,5");
	z_enters();
	is(bed_said(&b, A, Z, QSPN_RESULT, 0), "full node 0.0 fps 1,1 nn 1,3 hops \n"
	    "(0,1)(0,2)(1,1) / 12,23,34 / 4000 / fp 4 / nn 2 / FF\n"
	    "(0,2)(1,1) / 13,34 / 7000 / fp 4 / nn 2 / FT");
	is(bed_map(&b, Z), "(1,0) / 61 / 700\n(1,0)(1,1) / 61,34 / 4700\n");
	is(bed_nodes(&b, Z), "1,1,6");
	is(bed_ids(&b, Z), "6,6,1");
	/* What A tells of Z, and how far it goes. */
	is(bed_said(&b, A, B, QSPN_SEND, 0), "part node 0.0 fps 1,1 nn 1,3 hops (1,2)\n"
	    "(1,2) / 16 / 700 / fp 6 / nn 1 / FF");
	is(bed_said(&b, A, C, QSPN_SEND, 0), "part node 0.0 fps 1,1 nn 1,3 hops (1,2)\n"
	    "(1,2) / 16 / 700 / fp 6 / nn 1 / FF");
	is(bed_said(&b, C, X, QSPN_SEND, 0), "part node 0.2 fps 3,1 nn 1,3 hops (0,1)(0,0)(1,2)\n"
	    "(0,1)(0,0)(1,2) / 32,21,16 / 2700 / fp 6 / nn 1 / FF");
	has(bed_said(&b, C, X, QSPN_SEND, 1), "(0,0)(1,2) / 31,16 / 5700 / fp 6 / nn 1 / FT");
	is(bed_paths(&b, C, 1, 2), "(0,1)(0,0)(1,2) / 32,21,16 / 2700; (0,0)(1,2) / 31,16 / 5700");
	is(bed_paths(&b, X, 1, 2), "(1,0)(1,2) / 43,16 / 4700");
	is(bed_paths(&b, Y, 1, 2), "(0,0)(1,0)(1,2) / 54,43,16 / 6200");
	/* A full broadcast carries the paths inside, too. */
	bed_forget(&b);
	b.record = true;
	bed_run(&b, 700 * SECOND);
	has(bed_said(&b, A, Z, QSPN_SEND, 0), "(0,1) / 12 / 1000 / fp 2 / nn 1 / FT\n"
	    "(0,2)(0,1) / 13,32 / 6000 / fp 2 / nn 1 / FT\n"
	    "(0,1)(0,2) / 12,23 / 2000 / fp 3 / nn 1 / FT\n(0,2) / 13 / 5000 / fp 3 / nn 1 / FT\n");
	bed_free(&b);
}

static void
test_x6_cut_original(void)
{
	two_levels(0);
	z_enters();
	bed_forget(&b);
	b.record = true;
	bed_cut(&b, link_[BC]);
	bed_run(&b, 100 * MS);
	is(bed_said(&b, A, Z, QSPN_SEND, 0), "part node 0.0 fps 1,1 nn 1,3 hops (0,1)\n"
	    "(0,1)(0,2) / 12,23 / dead / fp 3 / nn 1 / FT\n"
	    "(0,1)(0,2)(1,1) / 12,23,34 / dead / fp 4 / nn 2 / FT");
	is(bed_paths(&b, Z, 1, 1), "(1,0)(1,1) / 61,34 / 4700");	/* wrong */
	is(bed_paths(&b, X, 1, 2), "(1,0)(1,2) / 43,16 / 4700");
	bed_run(&b, 700 * SECOND);
	is(bed_paths(&b, Z, 1, 1), "(1,0)(1,1) / 61,34 / 7700");
	bed_free(&b);
}

static void
x6_cut(uint32_t amendments)
{
	two_levels(amendments);
	z_enters();
	bed_forget(&b);
	b.record = true;
	bed_cut(&b, link_[BC]);
	CU_ASSERT_TRUE(bed_settle(&b));
	has(bed_said(&b, A, Z, QSPN_SEND, 0), "(0,2)(1,1) / 13,34 / 7000 / fp 4 / nn 2 / FF");
	is(bed_paths(&b, Z, 1, 1), "(1,0)(1,1) / 61,34 / 7700");
	has(b.node[Z].events, "p(1,1)+0~1-0 ");
	is(bed_paths(&b, X, 1, 2), "(1,0)(1,2) / 43,16 / 7700");
	bed_free(&b);
}

static void
test_x6_cut(void)
{
	x6_cut(unpaced);
	x6_cut(QSPN_PROFILE_R);
}

/* --- X15 ----------------------------------------------------------------------- */

static void
goes(struct coord to, const struct coord *from, uint32_t arc, uint64_t cost)
{
	struct qspn_path p;
	bool found = from == NULL ? qspn_best(b.node[A].q, to, &p) :
	    qspn_best_avoiding(b.node[A].q, to, *from, &p);

	CU_ASSERT_EQUAL(found, arc != 0);
	if (!found || arc == 0)
		return;
	CU_ASSERT_EQUAL(p.arc, arc);
	if (cost != 0)
		CU_ASSERT_EQUAL(p.cost, cost);
}

static void
test_x15(void)
{
	struct coord to_b = { 0, 1 }, to_c = { 0, 2 }, to_x = { 1, 1 }, to_z = { 1, 2 };
	uint32_t a12, a13, a16;

	two_levels(unpaced);
	z_enters();
	a12 = bed_arc(&b, link_[AB], A);
	a13 = bed_arc(&b, link_[AC], A);
	a16 = bed_arc(&b, link_[AZ], A);
	goes(to_b, NULL, a12, 1000);
	goes(to_b, &to_b, 0, 0);
	goes(to_b, &to_c, a12, 0);
	goes(to_b, &to_z, a12, 0);
	goes(to_c, NULL, a12, 2000);
	goes(to_c, &to_b, a13, 5000);
	goes(to_c, &to_c, 0, 0);
	goes(to_c, &to_z, a12, 2000);
	goes(to_x, NULL, a12, 4000);
	goes(to_x, &to_b, a13, 7000);
	goes(to_x, &to_c, 0, 0);
	goes(to_x, &to_z, a12, 4000);
	goes(to_z, NULL, a16, 700);
	goes(to_z, &to_b, a16, 700);
	goes(to_z, &to_c, a16, 700);
	goes(to_z, &to_z, 0, 0);
	bed_free(&b);
}

/* --- X14 --------------------------------------------------------------------------- */

static void
x14(uint32_t amendments, const char *at_6)
{
	static const uint32_t seen[] = { 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14 };
	/* Nodes 3, 4, 2, 1 in a ring; then 5 to 17 in a line behind 3. */
	static const char *const ring[] = { "0.0.0", "2.0.0", "1.0.0", "3.0.0" };
	static const char name[] = "34215", line_name[] = "56789ABCDEFGH";
	struct coord to = { 2, 0 };
	size_t n = 0;

	bed_init(&b, "4.4.4", 21);
	b.p.amendments = amendments;
	for (unsigned i = 0; i < 4; i++)
		bed_plain(&b, name[i], ring[i]);
	for (unsigned i = 0; i < 4; i++)
		bed_link(&b, i, (i + 1) % 4, 2000 + 10 * i);
	CU_ASSERT_TRUE(bed_settle(&b));
	bed_forget(&b);
	for (unsigned i = 0; i < 13; i++) {
		char address[16];
		struct qspn_path p;

		snprintf(address, sizeof(address), "0.%u.%u", (i + 1) / 4, (i + 1) % 4);
		bed_plain(&b, line_name[i], address);
		bed_link(&b, i == 0 ? 0 : 3 + i, 4 + i, 2000);
		CU_ASSERT_TRUE(bed_settle(&b));
		CU_ASSERT_TRUE_FATAL(qspn_best(b.node[1].q, to, &p) && p.n_hops == 1);
		/* The direct path of node 4, and each change of it. */
		if (n < 11 && p.nodes_inside == seen[n])
			n++;
		else
			CU_ASSERT_EQUAL(p.nodes_inside, seen[n - 1]);
	}
	CU_ASSERT_EQUAL(n, 11);
	is(bed_paths(&b, 4, 2, 1), "(0,0)(2,2)(2,1) / 53,34,42 / 6010; "
	    "(0,0)(2,3)(2,1) / 53,31,12 / 6050");
	is(bed_paths(&b, 5, 2, 1), at_6);
	bed_free(&b);
}

static void
test_x14(void)
{
	x14(unpaced, "(0,1)(0,0)(2,2)(2,1) / 65,53,34,42 / 8010");
	x14(unpaced | QSPN_X_INCLUSIVE, "(0,1)(0,0)(2,2)(2,1) / 65,53,34,42 / 8010; "
	    "(0,1)(0,0)(2,3)(2,1) / 65,53,31,12 / 8050");
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "X6: grouping rule and ignore_outside", test_x6 },
		{ "X6: an arc removed, stale in profile O", test_x6_cut_original },
		{ "X6: an arc removed, repaired by A1", test_x6_cut },
		{ "X14: threshold on node counts, both scopes of Z (A11)", test_x14 },
		{ "X15: best paths for forwarding", test_x15 },
	};
	return TAP_RUN(tests);
}
