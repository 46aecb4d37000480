/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a neighbour told is not forgotten (A27), what those outside may use is told (A26),
 * neighbours agree at rest, and a path around each neighbour is kept where one is told.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/qspnbed.h"
#include "tests/unit/tap.h"

static struct bed b;
static struct bed_etp e;
static unsigned n;
static struct qspn *q;

enum { ARC_1 = 1001, ARC_2 = 1003, ARC_3 = 1005 };

static const uint32_t unpaced = QSPN_PROFILE_R & ~(uint32_t)QSPN_A4_PACING;
static const uint32_t forgetful = QSPN_PROFILE_R & ~(uint32_t)(QSPN_A4_PACING | QSPN_A27_SPARE);

static void
is(const char *text, const char *want)
{
	CU_ASSERT_STRING_EQUAL(text, want);
	if (strcmp(text, want) != 0)
		tap_note("is:\n%s\nshould be:\n%s", text, want);
}

static void
name(uint32_t id, const char *text)
{
	b.arc_name[b.n_names].id = id;
	snprintf(b.arc_name[b.n_names++].name, sizeof(b.arc_name[0].name), "%s", text);
}

/* A node with three arcs that the test plays: x (cost 1000), y (2000), z (3000). */
static void
start(const char *topo, const char *address, uint32_t amendments)
{
	static const int32_t eld[TOPO_LEVELS] = { 0 };
	char id[4];

	bed_init(&b, topo, 60);
	b.p.amendments = amendments;
	n = bed_node(&b, 'r', address, 5, eld);
	q = b.node[n].q;
	qspn_arc_add(q, 0, ARC_1, 1000, bed_out(&b));
	qspn_arc_add(q, 0, ARC_2, 2000, bed_out(&b));
	qspn_arc_add(q, 0, ARC_3, 3000, bed_out(&b));
	bed_done(&b, n);
	name(arc_find(q, ARC_1)->id, "x");
	name(arc_find(q, ARC_2)->id, "y");
	name(arc_find(q, ARC_3)->id, "z");
	for (uint32_t i = 5; i < 20; i++) {
		snprintf(id, sizeof(id), "%u", i);
		name(i, id);
	}
	bed_forget(&b);
}

/* From the neighbour at ADDRESS over ARC: the one path, dead or alive. */
static void
tell(const char *address, uint32_t arc, uint64_t seq, const char *hops, const char *arcs,
    uint64_t cost, uint64_t fp)
{
	bed_etp(&b, &e, address, 60 + arc, false, seq);
	bed_etp_path(&b, &e, hops, arcs, cost, fp, 1, 1);
	bed_receive(&b, n, arc, &e);
}

/* --- A27: rules ------------------------------------------------------------------------ */

/* A path is told while a hop of it is unknown, and never again. */
static void
test_unknown_hop(void)
{
	for (unsigned r = 0; r < 2; r++) {
		start("16", "0", r == 0 ? forgetful : unpaced);
		tell("1", ARC_1, 1, "0.3 0.4", "8 9", 300, 64);
		is(bed_map(&b, n), "(0,1) / x / 1000\n");
		CU_ASSERT_EQUAL(qspn_size(q).spares, r);
		tell("2", ARC_2, 1, "0.3", "10", 300, 63);
		is(bed_paths(&b, n, 0, 4), r == 0 ? "" : "(0,1)(0,3)(0,4) / x,8,9 / 1300");
		CU_ASSERT_EQUAL(qspn_size(q).spares, 0);
		/* The hop goes and comes: nobody tells more than that. */
		tell("2", ARC_2, 2, "0.3", "10", COST_DEAD, 63);
		is(bed_paths(&b, n, 0, 4), "");
		CU_ASSERT_EQUAL(qspn_size(q).spares, r);
		tell("2", ARC_2, 3, "0.3", "10", 300, 63);
		is(bed_paths(&b, n, 0, 4), r == 0 ? "" : "(0,1)(0,3)(0,4) / x,8,9 / 1300");
		bed_free(&b);
	}
}

/* A hop that is known by a path that waits itself; deeper than one. */
static void
test_unknown_hops(void)
{
	start("16", "0", unpaced);
	tell("1", ARC_1, 1, "0.3 0.4 0.5", "8 9 10", 400, 65);
	tell("1", ARC_1, 2, "0.3 0.4", "8 9", 300, 64);
	CU_ASSERT_EQUAL(qspn_size(q).spares, 2);
	tell("2", ARC_2, 1, "0.3", "11", 300, 63);
	is(bed_map(&b, n), "(0,1) / x / 1000\n(0,2) / y / 2000\n(0,2)(0,3) / y,11 / 2300\n"
	    "(0,1)(0,3)(0,4) / x,8,9 / 1300\n(0,1)(0,3)(0,4)(0,5) / x,8,9,10 / 1400\n");
	CU_ASSERT_EQUAL(qspn_size(q).spares, 0);
	bed_free(&b);
}

/* Two neighbours offer outdated ways through the third, who has told the truth before. */
static void
outdated(uint32_t amendments)
{
	start("16", "0", amendments);
	bed_etp(&b, &e, "1", 61, false, 1);
	bed_etp_path(&b, &e, "0.5", "5", 300, 65, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	tell("2", ARC_2, 1, "0.1 0.5 0.9", "7 5 6", 500, 69);
	tell("3", ARC_3, 1, "0.1 0.5 0.9", "8 5 6", 500, 69);
	tell("1", ARC_1, 2, "0.5 0.9", "5 6", 90000, 69);
	is(bed_paths(&b, n, 0, 9), "(0,2)(0,1)(0,5)(0,9) / y,7,5,6 / 2500; "
	    "(0,3)(0,1)(0,5)(0,9) / z,8,5,6 / 3500");
}

static void
test_outdated(void)
{
	for (unsigned r = 0; r < 2; r++) {
		outdated(r == 0 ? forgetful : unpaced);
		CU_ASSERT_EQUAL(qspn_size(q).spares, r);
		tell("2", ARC_2, 2, "0.1 0.5 0.9", "7 5 6", COST_DEAD, 69);
		/* Something got worse, and all that is remembered is looked at anew. */
		is(bed_paths(&b, n, 0, 9), r == 0 ? "(0,3)(0,1)(0,5)(0,9) / z,8,5,6 / 3500" :
		    "(0,3)(0,1)(0,5)(0,9) / z,8,5,6 / 3500; (0,1)(0,5)(0,9) / x,5,6 / 91000");
		bed_forget(&b);
		tell("3", ARC_3, 2, "0.1 0.5 0.9", "8 5 6", COST_DEAD, 69);
		is(bed_paths(&b, n, 0, 9), r == 0 ? "" : "(0,1)(0,5)(0,9) / x,5,6 / 91000");
		is(b.node[n].events, r == 0 ? "p(0,9)+0~0-1 -(0,9) n1 " : "p(0,9)+0~0-1 ");
		CU_ASSERT_EQUAL(qspn_size(q).spares, 0);
		bed_free(&b);
	}
}

/* How many paths of ARC are put aside. */
static unsigned
aside(uint32_t arc)
{
	unsigned k = 0;

	for (size_t i = 0; i < q->n_spares; i++)
		k += q->spare[i]->arc->number == arc;
	return k;
}

/* What is put aside is kept up to date. */
static void
test_kept_up(void)
{
	outdated(unpaced);
	bed_forget(&b);
	/* News of it are nobody's business, but for the cheapest of all. */
	tell("1", ARC_1, 3, "0.5 0.9", "5 6", 80000, 69);
	CU_ASSERT_EQUAL(q->spare[0]->cost, 90000);	/* not significant */
	tell("1", ARC_1, 4, "0.5 0.9", "5 6", 50000, 69);
	is(b.node[n].events, "");
	CU_ASSERT_EQUAL(b.n_sent, 0);
	CU_ASSERT_EQUAL(q->spare[0]->cost, 50000);
	tell("1", ARC_1, 5, "0.5 0.9", "5 6", 200, 69);
	is(bed_paths(&b, n, 0, 9), "(0,1)(0,5)(0,9) / x,5,6 / 1200");
	/* Now the others are put aside. */
	CU_ASSERT_EQUAL(aside(ARC_1) + aside(ARC_2) + aside(ARC_3), 2);
	tell("3", ARC_3, 2, "0.1 0.5 0.9", "8 5 6", COST_DEAD, 69);
	CU_ASSERT_EQUAL(aside(ARC_3), 0);
	CU_ASSERT_EQUAL(aside(ARC_2), 1);
	bed_free(&b);
}

/* It is withdrawn, and goes with its arc. */
static void
test_withdrawn(void)
{
	outdated(unpaced);
	CU_ASSERT_EQUAL(aside(ARC_1), 1);
	tell("1", ARC_1, 3, "0.5 0.9", "5 6", COST_DEAD, 69);
	CU_ASSERT_EQUAL(aside(ARC_1), 0);
	bed_free(&b);
	/* A full ETP that does not mention it. */
	outdated(unpaced);
	bed_etp(&b, &e, "1", 61, true, 3);
	bed_receive(&b, n, ARC_1, &e);
	CU_ASSERT_EQUAL(aside(ARC_1), 0);
	bed_free(&b);
	/* The neighbour has another coordinate. */
	outdated(unpaced);
	bed_etp(&b, &e, "4", 61, false, 3);
	bed_receive(&b, n, ARC_1, &e);
	CU_ASSERT_EQUAL(aside(ARC_1), 0);
	bed_free(&b);
	/* The arc goes; another one: then it is needed. */
	outdated(unpaced);
	CU_ASSERT_TRUE(qspn_arc_remove(q, 1, ARC_1, bed_out(&b)));
	bed_done(&b, n);
	CU_ASSERT_EQUAL(aside(ARC_1), 0);
	/* The others wait for the hop that is unknown now. */
	CU_ASSERT_EQUAL(aside(ARC_2) + aside(ARC_3), 2);
	bed_free(&b);
	outdated(unpaced);
	CU_ASSERT_TRUE(qspn_arc_remove(q, 1, ARC_2, bed_out(&b)));
	CU_ASSERT_TRUE(qspn_arc_remove(q, 1, ARC_3, bed_out(&b)));
	bed_done(&b, n);
	is(bed_paths(&b, n, 0, 9), "(0,1)(0,5)(0,9) / x,5,6 / 91000");
	CU_ASSERT_EQUAL(qspn_size(q).spares, 0);
	bed_free(&b);
	/* Our arc to it gets cheaper than all. */
	outdated(unpaced);
	CU_ASSERT_TRUE(qspn_arc_changed(q, 1, ARC_2, 900000, bed_out(&b)));
	CU_ASSERT_TRUE(qspn_arc_changed(q, 1, ARC_3, 900000, bed_out(&b)));
	bed_done(&b, n);
	CU_ASSERT_EQUAL(map_find(q, (struct coord){ 0, 9 })->v[0]->arc, arc_find(q, ARC_1));
	bed_free(&b);
}

/* The limit is one for what is stored and what is put aside. */
static void
test_limit(void)
{
	start("16", "0", unpaced);
	b.p.max_paths_all = 4;
	tell("1", ARC_1, 1, "0.3 0.4", "8 9", 300, 64);
	tell("1", ARC_1, 2, "0.3 0.5", "8 10", 300, 65);
	tell("1", ARC_1, 3, "0.3 0.6", "8 11", 300, 66);
	tell("1", ARC_1, 4, "0.3 0.7", "8 12", 300, 67);
	CU_ASSERT_EQUAL(qspn_size(q).paths, 1);
	CU_ASSERT_EQUAL(qspn_size(q).spares, 3);
	CU_ASSERT_EQUAL(b.node[n].arcs_removed, 0);
	bed_free(&b);
	/* A destination for which there is no room stays unknown. */
	start("16", "0", unpaced);
	b.p.max_dests = 2;
	tell("1", ARC_1, 1, "0.3 0.4", "8 9", 300, 64);
	CU_ASSERT_EQUAL(qspn_size(q).spares, 1);
	tell("1", ARC_1, 2, "0.3", "8", 200, 63);
	is(bed_map(&b, n), "(0,1) / x / 1000\n(0,1)(0,3) / x,8 / 1200\n");
	bed_free(&b);
}

/* --- around neighbours --------------------------------------------------------------------- */

/* One path by y leads around x, and one by z and y is not worth keeping beside it. */
static void
around(uint32_t amendments)
{
	start("16", "0", amendments);
	b.p.max_paths = 2;
	tell("1", ARC_1, 1, "0.9", "5", 300, 69);
	tell("2", ARC_2, 1, "0.9", "6", 300, 69);
	tell("3", ARC_3, 1, "0.2 0.9", "7 6", 900, 69);
	is(bed_paths(&b, n, 0, 9), "(0,1)(0,9) / x,5 / 1300; (0,2)(0,9) / y,6 / 2300");
}

static void
test_around(void)
{
	for (unsigned r = 0; r < 2; r++) {
		around(r == 0 ? forgetful : unpaced);
		CU_ASSERT_EQUAL(aside(ARC_3), r);
		/* y leads elsewhere now; nobody says anything of z. */
		tell("2", ARC_2, 2, "0.9", "6", COST_DEAD, 69);
		is(bed_paths(&b, n, 0, 9), r == 0 ? "(0,1)(0,9) / x,5 / 1300" :
		    "(0,1)(0,9) / x,5 / 1300; (0,3)(0,2)(0,9) / z,7,6 / 3900");
		bed_free(&b);
	}
}

/* What is wrong is noticed. */
static void
test_around_noticed(void)
{
	struct dest *d;
	char why[200] = "";

	around(unpaced);
	CU_ASSERT_TRUE(qspn_invariant(q, why, sizeof(why)));
	d = map_find(q, (struct coord){ 0, 9 });
	d->n--;
	q->n_paths--;
	CU_ASSERT_FALSE(qspn_invariant(q, why, sizeof(why)));
	is(why, "(0,9): a path around (0,1) is put aside, and none is stored");
	d->n++;
	q->n_paths++;
	CU_ASSERT_TRUE(qspn_invariant(q, why, sizeof(why)));
	bed_free(&b);
}

/* What leads around a new neighbour was told before that one was there. */
static void
test_around_newcomer(void)
{
	for (unsigned r = 0; r < 2; r++) {
		start("16", "0", r == 0 ? forgetful : unpaced);
		b.p.max_paths = 1;
		bed_etp(&b, &e, "1", 61, false, 1);
		bed_etp_path(&b, &e, "0.3", "5", 100, 63, 1, 1);
		bed_etp_path(&b, &e, "0.4", "6", 100, 64, 1, 1);
		bed_receive(&b, n, ARC_1, &e);
		bed_etp(&b, &e, "1", 61, false, 2);
		bed_etp_path(&b, &e, "0.3 0.9", "5 7", 200, 69, 1, 1);
		bed_etp_path(&b, &e, "0.4 0.9", "6 8", 300, 69, 1, 1);
		bed_receive(&b, n, ARC_1, &e);
		is(bed_paths(&b, n, 0, 9), "(0,1)(0,3)(0,9) / x,5,7 / 1200");
		bed_etp(&b, &e, "3", 63, false, 1);
		bed_receive(&b, n, ARC_3, &e);
		is(bed_paths(&b, n, 0, 9), r == 0 ? "(0,1)(0,3)(0,9) / x,5,7 / 1200" :
		    "(0,1)(0,3)(0,9) / x,5,7 / 1200; (0,1)(0,4)(0,9) / x,6,8 / 1300");
		bed_free(&b);
	}
}

/* Of one arc so many paths to a destination are remembered as may be stored. */
static void
test_much(void)
{
	start("16", "0", unpaced);
	b.p.max_paths_dest = 4;
	bed_etp(&b, &e, "1", 61, false, 1);
	bed_etp_path(&b, &e, "0.3", "5", 100, 63, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	for (uint32_t i = 0; i < 8; i++) {
		char arcs[20];

		snprintf(arcs, sizeof(arcs), "5 %u", 8 + i);
		tell("1", ARC_1, 2 + i, "0.3 0.9", arcs, 200 + i, 69);
	}
	CU_ASSERT_EQUAL(map_find(q, (struct coord){ 0, 9 })->n + aside(ARC_1), 4);
	bed_free(&b);
}

/* --- A26 ----------------------------------------------------------------------------------- */

/*
 * The best way to the exit is by x; but of the g-node behind it y alone tells.  All there
 * is to it must be told outside.
 */
static void
test_exit(void)
{
	for (unsigned r = 0; r < 2; r++) {
		const struct dest *d;

		start("4.4", "0.0", r == 0 ? unpaced & ~(uint32_t)QSPN_A26_OUTSIDE : unpaced);
		bed_etp(&b, &e, "0.1", 61, false, 1);
		bed_etp_path(&b, &e, "0.2", "5", 400, 62, 1, 1);
		bed_etp_path(&b, &e, "0.2 1.1", "5 7", 600, 71, 1, 1);
		bed_receive(&b, n, ARC_1, &e);
		bed_etp(&b, &e, "0.2", 62, false, 1);
		bed_etp_path(&b, &e, "1.1", "7", 200, 71, 1, 1);
		bed_etp_path(&b, &e, "1.1 1.2", "7 8", 500, 72, 1, 1);
		bed_receive(&b, n, ARC_2, &e);
		is(bed_paths(&b, n, 1, 1), "(0,1)(0,2)(1,1) / x,5,7 / 1600; (0,2)(1,1) / y,7 / 2200");
		is(bed_paths(&b, n, 1, 2), "(0,2)(1,1)(1,2) / y,7,8 / 2500");
		d = map_find(q, (struct coord){ 1, 2 });
		CU_ASSERT_EQUAL(ignore_outside(q, d->v[0]), r == 0 ? 2 : 0);
		d = map_find(q, (struct coord){ 1, 1 });
		CU_ASSERT_EQUAL(ignore_outside(q, d->v[0]), 0);
		CU_ASSERT_EQUAL(ignore_outside(q, d->v[1]), 2);
		bed_free(&b);
	}
}

/* --- whole networks --------------------------------------------------------------------------- */

static unsigned
without_way_to(uint32_t pos)
{
	unsigned k = 0;

	for (unsigned i = 0; i < b.n_nodes; i++)
		k += b.node[i].q->me.pos[0] != pos &&
		    map_find(b.node[i].q, (struct coord){ 0, pos }) == NULL;
	return k;
}

static void
flat(unsigned nodes, uint32_t amendments)
{
	char address[4];

	bed_init(&b, "16", 7);
	b.p.amendments = amendments;
	for (unsigned i = 0; i < nodes; i++) {
		snprintf(address, sizeof(address), "%u", i);
		bed_plain(&b, (char)('a' + i), address);
	}
}

/*
 * From c the ways by e to i all end with the link ab; those by d are long.  When that link is
 * cut d has nothing to tell: it keeps two ways, and has no use for c's.
 */
static void
bottleneck(uint32_t amendments)
{
	flat(15, amendments);
	b.p.max_paths = 2;
	bed_link(&b, 0, 1, 1000);
	for (unsigned i = 4; i < 9; i++) {
		bed_link(&b, 2, i, 1000 + i);
		bed_link(&b, i, 1, 1000 + 2 * i);
	}
	bed_link(&b, 2, 3, 90000);
	for (unsigned i = 9; i < 15; i += 3) {
		bed_link(&b, 3, i, 9000);
		bed_link(&b, i, i + 1, 9000);
		bed_link(&b, i + 1, i + 2, 9000);
		bed_link(&b, i + 2, 0, 9000);
	}
	CU_ASSERT_TRUE(bed_settle(&b));
	CU_ASSERT_EQUAL(without_way_to(0), 0);
	bed_cut(&b, 0);
	CU_ASSERT_TRUE(bed_settle(&b));
}

static void
test_bottleneck(void)
{
	unsigned lost;

	bottleneck(QSPN_PROFILE_R & ~(uint32_t)QSPN_A27_SPARE);
	lost = without_way_to(0);
	tap_note("without A27 %u nodes lost a", lost);
	CU_ASSERT_TRUE(lost > 0);
	CU_ASSERT_FALSE(bed_agree(&b));
	bed_free(&b);
	bottleneck(QSPN_PROFILE_R);
	CU_ASSERT_EQUAL(without_way_to(0), 0);
	CU_ASSERT_TRUE(bed_agree(&b));
	bed_free(&b);
}

/* What does not hold at rest is noticed. */
static void
test_agree(void)
{
	struct path *p;

	flat(4, QSPN_PROFILE_R);
	for (unsigned i = 1; i < 4; i++)
		bed_link(&b, i - 1, i, 1000);
	CU_ASSERT_TRUE(bed_settle(&b));
	CU_ASSERT_TRUE(bed_agree(&b));
	p = map_find(b.node[3].q, (struct coord){ 0, 0 })->v[0];
	CU_ASSERT_EQUAL_FATAL(p->n, 3);
	p->cost *= 2;
	CU_ASSERT_FALSE(bed_agree(&b));
	p->cost /= 2;
	CU_ASSERT_TRUE(bed_agree(&b));
	p->nodes = 2;
	CU_ASSERT_FALSE(bed_agree(&b));
	p->nodes = 1;
	p->hops[2].id++;
	CU_ASSERT_FALSE(bed_agree(&b));
	p->hops[2].id--;
	CU_ASSERT_TRUE(bed_agree(&b));
	bed_free(&b);
}

/* A cost that is off by as much as the arc, and a path that was told and is not remembered. */
static void
test_agree_more(void)
{
	unsigned i = 0;
	struct path *p;

	flat(7, QSPN_PROFILE_R);
	for (i = 1; i < 7; i++)
		bed_link(&b, i - 1, i, 1000);
	CU_ASSERT_TRUE(bed_settle(&b));
	p = map_find(b.node[6].q, (struct coord){ 0, 0 })->v[0];
	CU_ASSERT_EQUAL_FATAL(p->cost, 5000);
	p->cost = 4001;
	CU_ASSERT_TRUE(bed_agree(&b));
	p->cost = 4000;
	CU_ASSERT_FALSE(bed_agree(&b));
	bed_free(&b);
	flat(6, QSPN_PROFILE_R);
	for (i = 1; i < 6; i++)
		for (unsigned k = 0; k < i; k++)
			bed_link(&b, i, k, 1000 + 10 * i + k);
	CU_ASSERT_TRUE(bed_settle(&b));
	CU_ASSERT_TRUE(bed_agree(&b));
	for (i = 0; i + 1 < b.n_nodes && b.node[i].q->n_spares == 0; )
		i++;
	CU_ASSERT_TRUE_FATAL(b.node[i].q->n_spares > 0);
	spare_drop(b.node[i].q, b.node[i].q->spare[0]);
	CU_ASSERT_FALSE(bed_agree(&b));
	bed_free(&b);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "A27: a path with an unknown hop is of use when the hop is known", test_unknown_hop },
		{ "A27: one after the other", test_unknown_hops },
		{ "A27: the truth is not forgotten for outdated ways", test_outdated },
		{ "A27: what is put aside is kept up to date", test_kept_up },
		{ "A27: it goes with what it came from", test_withdrawn },
		{ "A27: the limit", test_limit },
		{ "A27: the limit for one destination of one arc", test_much },
		{ "a path around each neighbour is taken from memory (A27)", test_around },
		{ "a path around a new neighbour is taken from memory (A27)", test_around_newcomer },
		{ "a manager without a path around a neighbour is noticed", test_around_noticed },
		{ "A26: all there is to a g-node is told outside", test_exit },
		{ "neighbours that do not agree are noticed", test_agree },
		{ "of costs and of all that is told", test_agree_more },
		{ "nobody loses what all kept ways lead to by one link (A27)", test_bottleneck },
	};
	return TAP_RUN(tests);
}
