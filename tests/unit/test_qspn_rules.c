/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spec/qspn 12, items 2, 4, 5, 7 to 9 and 15 one by one, pacing (A4), numbers (A5), limits. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/qspnbed.h"
#include "tests/unit/tap.h"

static struct bed b;
static struct bed_etp e;
static unsigned n;
static struct qspn *q;

enum { ARC_1 = 1001, ARC_2 = 1003 };

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

/* A node with two arcs that the test plays: x (cost 1000) and y (2000); foreign arcs 5 to 19. */
static void
start(const char *topo, const char *address, uint32_t amendments)
{
	static const int32_t eld[TOPO_LEVELS] = { 0 };
	char id[4];

	bed_init(&b, topo, 60);
	b.p.amendments = amendments;
	b.record = true;
	n = bed_node(&b, 'r', address, 5, eld);
	q = b.node[n].q;
	qspn_arc_add(q, 0, ARC_1, 1000, bed_out(&b));
	qspn_arc_add(q, 0, ARC_2, 2000, bed_out(&b));
	bed_done(&b, n);
	name(arc_find(q, ARC_1)->id, "x");
	name(arc_find(q, ARC_2)->id, "y");
	for (uint32_t i = 5; i < 20; i++) {
		snprintf(id, sizeof(id), "%u", i);
		name(i, id);
	}
	bed_forget(&b);
}

static const uint32_t unpaced = QSPN_PROFILE_R & ~(uint32_t)QSPN_A4_PACING;
static const uint32_t asking = QSPN_PROFILE_R & ~(uint32_t)QSPN_A29_MEMORY;

/* --- 2 and 4: coordinates, revision ------------------------------------------------ */

static void
test_grouping(void)
{
	start("4.4.4", "0.0.0", unpaced);
	/* The sender is in another g-node of level 1: hops of level 0 and their arcs fall away. */
	bed_etp(&b, &e, "0.2.1", 66, false, 1);
	bed_etp_path(&b, &e, "0.2 0.3 1.1", "5 6 7", 300, 70, 1, 2);
	bed_etp_path(&b, &e, "0.2 0.3 1.1 2.3", "5 6 7 8", 900, 71, 1, 3);
	bed_etp_path(&b, &e, "0.2", "5", 100, 72, 1, 1);	/* of no use here: ignored */
	bed_etp_path(&b, &e, "0.2 1.3", "5 9", 100, 73, 1, 1)->ignore |= 2;	/* the same */
	bed_etp_path(&b, &e, "0.2 1.0 2.1", "5 9 10", 100, 74, 1, 1);	/* through us */
	bed_receive(&b, n, ARC_1, &e);
	is(bed_map(&b, n), "(1,2)(1,1) / x,7 / 1300\n(1,2) / x / 1000\n"
	    "(1,2)(1,1)(2,3) / x,7,8 / 1900\n");
	bed_free(&b);
	/* In another g-node of level 2: only what crosses level 2 is left. */
	start("4.4.4", "0.0.0", unpaced);
	bed_etp(&b, &e, "1.2.1", 66, false, 1);
	bed_etp_path(&b, &e, "0.2 1.3 2.2", "5 6 7", 300, 70, 1, 2);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_map(&b, n), "(2,1) / x / 1000\n(2,1)(2,2) / x,7 / 1300\n");
	bed_free(&b);
}

static void
test_full(void)
{
	start("16", "0", unpaced);
	bed_etp(&b, &e, "1", 61, false, 1);
	bed_etp_path(&b, &e, "0.2", "5", 300, 62, 1, 1);
	bed_etp_path(&b, &e, "0.3", "6", 300, 63, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	bed_etp(&b, &e, "4", 64, false, 1);
	bed_etp_path(&b, &e, "0.3", "7", 300, 63, 1, 1);
	bed_receive(&b, n, ARC_2, &e);
	is(bed_map(&b, n), "(0,1) / x / 1000\n(0,1)(0,2) / x,5 / 1300\n"
	    "(0,1)(0,3) / x,6 / 1300; (0,4)(0,3) / y,7 / 2300\n(0,4) / y / 2000\n");
	/* Not full: what it does not tell stays.  Full: it is dead, but only through that arc. */
	bed_etp(&b, &e, "1", 61, false, 2);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_paths(&b, n, 0, 2), "(0,1)(0,2) / x,5 / 1300");
	bed_forget(&b);
	bed_etp(&b, &e, "1", 61, true, 3);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_map(&b, n), "(0,1) / x / 1000\n(0,4)(0,3) / y,7 / 2300\n(0,4) / y / 2000\n");
	is(b.node[n].events, "p(0,2)+0~0-1 -(0,2) p(0,3)+0~0-1 n1 ");
	bed_free(&b);
}

/* Dead, and alive in the same message: the last one counts (A20). */
static void
test_twice(void)
{
	start("16", "0", unpaced);
	bed_etp(&b, &e, "1", 61, false, 1);
	bed_etp_path(&b, &e, "0.2", "5", COST_DEAD, 62, 1, 1);
	bed_etp_path(&b, &e, "0.2", "5", 300, 62, 1, 1);
	bed_etp_path(&b, &e, "0.3", "6", 300, 63, 1, 1);
	bed_etp_path(&b, &e, "0.3", "6", COST_DEAD, 63, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_map(&b, n), "(0,1) / x / 1000\n(0,1)(0,2) / x,5 / 1300\n");
	bed_free(&b);
}

/* An ETP that went through us: thrown away in profile O, taken in R (A2). */
static void
test_cyclic(void)
{
	for (int r = 0; r < 2; r++) {
		start("16", "0", r == 0 ? 0 : unpaced);
		bed_etp(&b, &e, "1", 61, false, 1);
		e.own_hops[0] = (struct peer_hop){ .level = 0, .pos = 3 };
		e.own_hops[1] = (struct peer_hop){ .level = 0, .pos = 0 };
		e.m->hops.n = 2;
		bed_etp_path(&b, &e, "0.2", "5", 300, 62, 1, 1);
		bed_receive(&b, n, ARC_1, &e);
		is(bed_map(&b, n), r == 0 ? "" : "(0,1) / x / 1000\n(0,1)(0,2) / x,5 / 1300\n");
		bed_free(&b);
	}
}

/*
 * The neighbour's coordinate changes: old paths go, whatever brings the news (A6), and what leads through it does
 * under the new one, until a full ETP says otherwise: a destination does not disappear on the way.
 */
static void
test_old_coordinate(void)
{
	for (int by_request = 0; by_request < 2; by_request++) {
		struct peer_msg m = { .type = PEER_full_request };

		start("16", "0", unpaced);
		bed_etp(&b, &e, "1", 61, false, 1);
		bed_etp_path(&b, &e, "0.2", "5", 300, 62, 1, 1);
		bed_receive(&b, n, ARC_1, &e);
		bed_etp(&b, &e, "20", 61, false, 2);
		m.full_request.requester = e.m->sender;
		if (by_request)
			qspn_receive(q, 1, ARC_1, 3, &m, bed_out(&b));
		else
			bed_receive(&b, n, ARC_1, &e);
		bed_done(&b, n);
		is(bed_map(&b, n), "(0,20)(0,2) / x,5 / 1300\n(0,20) / x / 1000\n");
		bed_etp(&b, &e, "20", 61, true, 3);
		bed_receive(&b, n, ARC_1, &e);
		is(bed_map(&b, n), "(0,20) / x / 1000\n");
		bed_free(&b);
	}
}

/* Members change one after the other: one that has not learns our new coordinate from outside. */
static void
test_late_member(void)
{
	start("4.4", "0.0", unpaced);
	bed_etp(&b, &e, "0.1", 61, false, 1);
	bed_receive(&b, n, ARC_1, &e);
	qspn_operation_prepared(q, 0, 1);
	CU_ASSERT_TRUE(qspn_make_connectivity(q, 0, 2, 2, 9, bed_out(&b)));
	bed_done(&b, n);
	bed_etp(&b, &e, "0.1", 61, false, 2);
	bed_etp_path(&b, &e, "1.2 1.9", "5 6", 300, 70, 1, 1);
	bed_etp_path(&b, &e, "1.2", "5", 300, 71, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_map(&b, n), "(0,1) / x / 1000\n(0,1)(1,2) / x,5 / 1300\n");
	CU_ASSERT_EQUAL(b.node[n].arcs_removed, 0);
	bed_free(&b);
}

/* --- 7: order of destinations -------------------------------------------------------- */

static void
test_order(void)
{
	start("16", "0", unpaced);
	bed_etp(&b, &e, "9", 61, false, 1);
	/* Hops that are destinations of the same message, told after those that need them. */
	bed_etp_path(&b, &e, "0.8 0.7 0.1", "5 6 7", 900, 62, 1, 1);
	bed_etp_path(&b, &e, "0.8 0.7", "5 6", 600, 63, 1, 1);
	bed_etp_path(&b, &e, "0.8", "5", 300, 64, 1, 1);
	bed_etp_path(&b, &e, "0.3 0.4", "8 9", 300, 65, 1, 1);	/* (0,3) is unknown */
	bed_receive(&b, n, ARC_1, &e);
	is(bed_map(&b, n), "(0,9)(0,8)(0,7)(0,1) / x,5,6,7 / 1900\n(0,9)(0,8)(0,7) / x,5,6 / 1600\n"
	    "(0,9)(0,8) / x,5 / 1300\n(0,9) / x / 1000\n");
	is(b.node[n].events, "+(0,9) p(0,9)+1~0-0 +(0,8) p(0,8)+1~0-0 +(0,7) p(0,7)+1~0-0 "
	    "+(0,1) p(0,1)+1~0-0 n1 ");
	/* A hop goes: so do the paths through it (A15). */
	bed_forget(&b);
	bed_etp(&b, &e, "9", 61, false, 2);
	bed_etp_path(&b, &e, "0.8", "5", COST_DEAD, 64, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_map(&b, n), "(0,9) / x / 1000\n");
	is(b.node[n].events, "p(0,8)+0~0-1 -(0,8) p(0,1)+0~0-1 -(0,1) p(0,7)+0~0-1 -(0,7) n1 ");
	bed_free(&b);
}

static void
test_order_levels(void)
{
	start("4.4", "0.0", unpaced);
	bed_etp(&b, &e, "0.1", 61, false, 1);
	bed_etp_path(&b, &e, "0.2 1.1", "5 6", 900, 62, 1, 1);
	bed_etp_path(&b, &e, "0.2", "5", 300, 63, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	is(b.node[n].events, "+(0,1) p(0,1)+1~0-0 +(0,2) p(0,2)+1~0-0 +(1,1) p(1,1)+1~0-0 "
	    "n1 n2 ");
	bed_free(&b);
}

/* --- 5: selection ----------------------------------------------------------------------- */

enum { MANY = 12 };

struct way {
	uint32_t hop[3];
	unsigned n;
	uint64_t fp;
};

/* Selects among ways to (LEVEL, 9), dearer one after the other; single nodes; "1" for what is kept. */
static const char *
selected(const struct way *w, unsigned k, unsigned level, const struct around *a)
{
	static char text[MANY + 1];
	static struct fpref fp[MANY];
	static uint32_t weight[MANY][4];
	struct choice c[MANY];
	struct before none = { .known = false };

	for (unsigned i = 0; i < k; i++) {
		struct path *p = path_scratch(q, w[i].n + 1);

		for (unsigned j = 0; j < w[i].n; j++)
			p->hops[j] = (struct qspn_hop){ { 0, w[i].hop[j] },
			    100 * (j > 0 ? w[i].hop[j - 1] : 50) + w[i].hop[j] };
		p->hops[w[i].n] = (struct qspn_hop){ { (uint8_t)level, 9 },
		    100 * (w[i].n > 0 ? w[i].hop[w[i].n - 1] : 50) + 9 };
		fp[i].f.id = w[i].fp;
		p->fp = &fp[i];
		c[i] = (struct choice){ .p = p, .total = i + 1, .weight = weight[i] };
		for (unsigned j = 0; j < w[i].n; j++)
			if (map_find(q, p->hops[j].to) == NULL)
				map_add(q, p->hops[j].to)->root = 3;
	}
	CU_ASSERT_TRUE(select_paths(q, &none, (struct coord){ (uint8_t)level, 9 }, a, c, k));
	for (unsigned i = 0; i < k; i++)
		text[i] = c[i].kept ? c[i].mandatory ? 'm' : '1' : '0';
	text[k] = '\0';
	scratch_free(&q->scratch);
	return text;
}

static void
test_mandatory(void)
{
	/* All through the same two hops: nothing is disjoint from the first. */
	static const struct way same[] = { { { 1, 2 }, 2, 70 }, { { 1, 2, 3 }, 3, 70 },
	    { { 1, 2, 4 }, 3, 70 }, { { 1, 2, 5 }, 3, 70 } };
	static const struct way prints[] = { { { 1, 2 }, 2, 70 }, { { 1, 2, 3 }, 3, 70 },
	    { { 1, 2, 4 }, 3, 71 }, { { 1, 2, 5 }, 3, 71 } };
	static const struct way many[] = { { { 1 }, 1, 70 }, { { 1, 2 }, 2, 71 }, { { 1, 3 }, 2, 72 },
	    { { 4 }, 1, 70 }, { { 5 }, 1, 70 }, { { 1, 6 }, 2, 73 } };
	const struct coord near[] = { { 0, 1 }, { 0, 3 } }, adj[] = { { 0, 4 }, { 1, 1 }, { 0, 2 } };
	const struct around bare = { NULL, 0, NULL, 0 }, nearby = { near, 2, NULL, 0 },
	    adjacent = { NULL, 0, adj, 3 };

	start("16.16", "15.15", unpaced);
	is(selected(same, 4, 1, &bare), "m000");
	is(selected(prints, 4, 1, &bare), "m0m0");	/* one for each fingerprint */
	/* One that avoids each neighbour: nobody avoids (0,1), the first avoids (0,3). */
	is(selected(same, 4, 1, &nearby), "m000");
	is(selected((const struct way[]){ { { 1, 3 }, 2, 70 }, { { 1, 3, 2 }, 3, 70 },
	    { { 3, 1 }, 2, 70 }, { { 1, 2 }, 2, 70 }, { { 2 }, 1, 70 } }, 5, 1, &nearby), "m01mm");
	/* One through each adjacent g-node: (0,4), and (0,2), which the first crosses already. */
	is(selected(same, 4, 1, &adjacent), "m0m0");
	is(selected(same, 4, 0, &adjacent), "m000");	/* not of level 0 for a single node */
	b.p.amendments |= QSPN_X_INCLUSIVE;
	is(selected(same, 4, 0, &adjacent), "m0m0");
	b.p.amendments = unpaced;
	/* Mandatory ones fill max_paths, and pass it. */
	b.p.max_paths = 3;
	is(selected(many, 6, 1, &bare), "mmm00m");
	b.p.max_paths = 4;
	is(selected(many, 6, 1, &bare), "mmm10m");
	/* At the limit for one destination the dearest go, those that nothing demands first. */
	b.p.max_paths_dest = 4;
	is(selected(many, 6, 1, &bare), "mmm00m");
	b.p.max_paths_dest = 2;
	is(selected(many, 6, 1, &bare), "mm0000");
	for (unsigned l = 0; l < 2; l++)
		while (q->level[l].n > 0)
			map_remove(q, q->level[l].v[0]);
	bed_free(&b);
}

/* --- 8: own g-nodes ------------------------------------------------------------------------ */

static void
test_own(void)
{
	char buf[FP_TEXT];

	start("4.4", "0.0", unpaced);
	bed_etp(&b, &e, "0.1", 3, false, 1);
	e.eld[0][0] = 0;		/* as old as we, smaller id: the elder (A13) */
	bed_etp_path(&b, &e, "0.2", "5", 300, 63, 1, 1);
	bed_etp_path(&b, &e, "0.7", "6", 300, 2, 1, 0);		/* virtual: neither counts nor wins (A8) */
	bed_etp_path(&b, &e, "1.1", "7", 300, 80, 1, 3);
	bed_etp_path(&b, &e, "1.9", "8", 300, 1, 0, 4);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_nodes(&b, n), "1,3,6");
	is(fingerprint_print(&q->fp[1], buf), "3 eld 0 seed 0");
	is(bed_ids(&b, n), "5,3,3");
	is(b.node[n].events, "+(0,1) p(0,1)+1~0-0 +(0,2) p(0,2)+1~0-0 +(0,7) p(0,7)+1~0-0 "
	    "+(1,1) p(1,1)+1~0-0 +(1,9) p(1,9)+1~0-0 f1 n1 f2 n2 ");
	/* Queries offer real ones only. */
	CU_ASSERT_EQUAL(qspn_destinations(q, 0, NULL, 0), 2);
	CU_ASSERT_EQUAL(qspn_destinations(q, 1, NULL, 0), 1);
	CU_ASSERT_TRUE(qspn_is_known(q, (struct coord){ 1, 9 }));
	/* The id stays, an eldership changes: recorded (A14). */
	bed_forget(&b);
	bed_etp(&b, &e, "0.1", 3, false, 2);
	e.eld[0][0] = 0;
	bed_etp_path(&b, &e, "1.1", "7", 300, 80, 2, 3);
	e.report_eld[0][0] = 7;
	bed_receive(&b, n, ARC_1, &e);
	is(b.node[n].events, "p(1,1)+0~1-0 ");
	CU_ASSERT_EQUAL(map_find(q, (struct coord){ 1, 1 })->fp->f.v[0], 7);
	bed_free(&b);
	start("4.4", "0.0", unpaced & ~(uint32_t)QSPN_A14_WHOLE);
	bed_etp(&b, &e, "0.1", 3, false, 1);
	bed_etp_path(&b, &e, "1.1", "7", 300, 80, 1, 3);
	bed_receive(&b, n, ARC_1, &e);
	bed_forget(&b);
	e.m->seq = 2;
	e.report_eld[0][0] = 7;
	bed_receive(&b, n, ARC_1, &e);
	is(b.node[n].events, "");
	bed_free(&b);
}

/* Who has a virtual position himself: the oldest is who is real, else who has the smallest id of all (A32). */
static void
test_own_virtual(void)
{
	start("4.4", "0.5", unpaced);
	is(bed_ids(&b, n), "5,5,5");
	bed_etp(&b, &e, "0.7", 3, false, 1);
	e.eld[0][0] = FP_NULL;
	bed_etp_path(&b, &e, "0.6", "5", 300, 2, 1, 0);		/* claims an eldership that it cannot have */
	bed_receive(&b, n, ARC_1, &e);
	is(bed_ids(&b, n), "5,3,3");
	is(bed_nodes(&b, n), "0,0,0");
	bed_etp(&b, &e, "0.7", 3, false, 2);
	e.eld[0][0] = FP_NULL;
	bed_etp_path(&b, &e, "0.2", "6", 300, 63, 1, 1);	/* real */
	bed_receive(&b, n, ARC_1, &e);
	is(bed_ids(&b, n), "5,63,63");
	is(bed_nodes(&b, n), "0,1,1");
	bed_free(&b);
	start("4.4", "0.5", unpaced & ~(uint32_t)QSPN_A32_ALL_VIRTUAL);
	bed_etp(&b, &e, "0.7", 3, false, 1);
	e.eld[0][0] = FP_NULL;
	bed_receive(&b, n, ARC_1, &e);
	is(bed_ids(&b, n), "5,5,5");
	bed_free(&b);
}

/* --- 9: exposure ----------------------------------------------------------------------------- */

static uint64_t seq;

/* The neighbour over ARC (0.1 or 0.2) tells of (1,1): id, seed, cost. */
static void
report(uint32_t arc, uint64_t cost, uint64_t id, int32_t seed, uint32_t nodes)
{
	bed_etp(&b, &e, arc == ARC_1 ? "0.1" : "0.2", arc, false, ++seq);
	bed_etp_path(&b, &e, "1.1", arc == ARC_1 ? "7" : "8", cost, id, seed, nodes);
	bed_receive(&b, n, arc, &e);
}

static const char *
after(uint32_t arc, uint64_t cost, uint64_t id, int32_t seed, uint32_t nodes)
{
	const char *end;

	bed_forget(&b);
	report(arc, cost, id, seed, nodes);
	end = strstr(b.node[n].events, "n2");
	if (end != NULL)
		b.node[n].events[end - b.node[n].events] = '\0';
	return b.node[n].events;
}

/* All timers up to WHEN. */
static void
tick_until(uint64_t when)
{
	while (qspn_deadline(q) <= when) {
		b.now = qspn_deadline(q);
		qspn_tick(q, b.now, bed_out(&b));
		bed_done(&b, n);
	}
	b.now = when;
}

static void
test_exposure(void)
{
	start("4.4", "0.0", unpaced & ~(uint32_t)QSPN_A31_PATIENCE);
	report(ARC_1, COST_DEAD, 80, 5, 3);
	report(ARC_2, COST_DEAD, 80, 5, 3);
	is(after(ARC_1, 300, 80, 5, 3), "+(1,1) p(1,1)+1~0-0 ");	/* new, valid */
	is(after(ARC_2, 300, 81, 6, 3), "");			/* new, younger: hidden */
	is(after(ARC_2, 900, 81, 6, 3), "");			/* hidden, changed */
	is(after(ARC_1, 900, 80, 5, 3), "p(1,1)+0~1-0 ");	/* shown, changed */
	is(after(ARC_2, 900, 82, 4, 3), "p(1,1)+1~0-1 ");	/* an elder one: they change places */
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 1900*; (0,2)(1,1) / y,8 / 2900");
	is(after(ARC_2, 900, 83, 7, 3), "p(1,1)+1~0-1 ");	/* and back, the other one unchanged */
	is(after(ARC_1, 900, 83, 7, 3), "p(1,1)+1~1-0 ");	/* both agree */
	is(after(ARC_1, COST_DEAD, 83, 7, 3), "p(1,1)+0~0-1 ");
	is(after(ARC_1, 900, 84, 8, 3), "");
	is(after(ARC_2, COST_DEAD, 83, 7, 3), "p(1,1)+1~0-1 ");	/* the last valid one goes */
	is(after(ARC_1, COST_DEAD, 84, 8, 3), "p(1,1)+0~0-1 -(1,1) ");
	/* An arc goes: only what was shown is signalled, the rest is looked at again. */
	report(ARC_1, 300, 80, 5, 3);
	report(ARC_2, 300, 81, 6, 3);
	bed_forget(&b);
	qspn_arc_remove(q, b.now, ARC_1, bed_out(&b));
	bed_done(&b, n);
	is(b.node[n].events, "p(0,1)+0~0-1 -(0,1) p(1,1)+1~0-1 n1 n2 ");
	bed_free(&b);
}

/*
 * With A31 as well: a younger report is as good as others until it has lasted for ten seconds,
 * from its first; from then on it is hidden, and shown again when nothing else is left, or another disagreement
 * begins.
 */
static void
test_exposure_patient(void)
{
	struct qspn_path p[3];
	const struct coord g = { 1, 1 };
	uint64_t began;

	start("4.4", "0.0", unpaced);
	report(ARC_1, 300, 80, 5, 3);
	began = b.now;
	is(after(ARC_2, 100, 81, 6, 3), "+(0,2) p(0,2)+1~0-0 p(1,1)+1~0-0 n1 ");
	is(after(ARC_2, 90, 81, 6, 3), "");		/* not significantly cheaper */
	is(after(ARC_2, 50, 81, 6, 3), "p(1,1)+0~1-0 ");
	CU_ASSERT_EQUAL(qspn_paths(q, g, p, 3), 2);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 1300; (0,2)(1,1) / y,8 / 2050");
	bed_forget(&b);
	tick_until(began + 10 * SECOND - 1);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 1300; (0,2)(1,1) / y,8 / 2050");
	tick_until(began + 10 * SECOND);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 1300; (0,2)(1,1) / y,8 / 2050*");
	CU_ASSERT_EQUAL(qspn_paths(q, g, p, 3), 1);
	is(after(ARC_2, 900, 81, 6, 3), "");		/* hidden, changed */
	is(after(ARC_2, 900, 82, 7, 3), "p(1,1)+1~0-0 ");	/* another one, and its time begins */
	is(after(ARC_2, 900, 80, 5, 3), "p(1,1)+0~1-0 ");	/* they agree */
	is(after(ARC_2, 900, 81, 6, 3), "p(1,1)+0~1-0 ");	/* again: anew */
	began = b.now;
	bed_forget(&b);
	tick_until(began + 10 * SECOND);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 1300; (0,2)(1,1) / y,8 / 2900*");
	/* The elder one goes. */
	is(after(ARC_1, COST_DEAD, 80, 5, 3), "p(1,1)+1~0-1 ");
	CU_ASSERT_EQUAL(q->n_splits, 0);
	bed_free(&b);
}

/* The same of a g-node TO, by way of the foreign arc LAST. */
static void
report_of(const char *to, uint32_t arc, const char *last, uint64_t cost, uint64_t id, int32_t seed)
{
	bed_etp(&b, &e, arc == ARC_1 ? "0.1" : "0.2", arc, false, ++seq);
	bed_etp_path(&b, &e, to, last, cost, id, seed, 3);
	bed_receive(&b, n, arc, &e);
}

/*
 * What is hidden stays so while that for which it is hidden is reported, whatever else is; another path that reports
 * the same is hidden with it.  And a disagreement that has lasted takes no room: others are timed though it lasts on.
 */
static void
test_hidden(void)
{
	start("4.4", "0.0", unpaced);
	b.p.max_splits = 1;
	report_of("1.1", ARC_1, "7", 300, 80, 5);
	report_of("1.1", ARC_2, "8", 100, 81, 6);
	tick_until(b.now + 10 * SECOND);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 1300; (0,2)(1,1) / y,8 / 2100*");
	CU_ASSERT_EQUAL(q->n_splits, 0);
	report_of("1.1", ARC_1, "9", 200, 81, 6);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,9 / 1200*; (0,1)(1,1) / x,7 / 1300; "
	    "(0,2)(1,1) / y,8 / 2100*");
	/* One that is older still hides nothing yet, and shows nothing. */
	report_of("1.1", ARC_1, "10", 400, 79, 4);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,9 / 1200*; (0,1)(1,1) / x,7 / 1300; "
	    "(0,1)(1,1) / x,10 / 1400; (0,2)(1,1) / y,8 / 2100*");
	report_of("1.1", ARC_1, "10", COST_DEAD, 79, 4);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,9 / 1200*; (0,1)(1,1) / x,7 / 1300; "
	    "(0,2)(1,1) / y,8 / 2100*");
	tick_until(b.now + 20 * SECOND);
	report_of("1.2", ARC_1, "11", 300, 90, 5);
	report_of("1.2", ARC_2, "12", 100, 91, 6);
	is(bed_paths(&b, n, 1, 2), "(0,1)(1,2) / x,11 / 1300; (0,2)(1,2) / y,12 / 2100");
	tick_until(b.now + 10 * SECOND);
	is(bed_paths(&b, n, 1, 2), "(0,1)(1,2) / x,11 / 1300; (0,2)(1,2) / y,12 / 2100*");
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,9 / 1200*; (0,1)(1,1) / x,7 / 1300; "
	    "(0,2)(1,1) / y,8 / 2100*");
	bed_free(&b);
}

/* Where paths are slow a split takes longer: 50 times what both cost.  Paths are hidden after ten seconds as elsewhere. */
static void
test_hidden_slow(void)
{
	uint64_t began;

	start("4.4", "0.0", unpaced);
	report_of("1.1", ARC_1, "7", 300000, 80, 5);
	report_of("1.1", ARC_2, "8", 300000, 81, 6);
	began = b.now;
	tick_until(began + 10 * SECOND - 1);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 301000; (0,2)(1,1) / y,8 / 302000");
	bed_forget(&b);
	tick_until(began + 10 * SECOND);
	is(b.node[n].events, "p(1,1)+0~0-1 ");
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 301000; (0,2)(1,1) / y,8 / 302000*");
	CU_ASSERT_EQUAL(q->n_splits, 1);
	CU_ASSERT_EQUAL(qspn_deadline(q), began + 50 * (uint64_t)(301000 + 302000));
	tick_until(qspn_deadline(q));
	CU_ASSERT_EQUAL(q->n_splits, 0);
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 301000; (0,2)(1,1) / y,8 / 302000*");
	bed_free(&b);
}

/* The path to (1,1) through ARC, NULL none. */
static const struct path *
stored(uint32_t arc)
{
	const struct dest *d = map_find(q, (struct coord){ 1, 1 });

	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (d->v[i]->arc->number == arc)
			return d->v[i];
	return NULL;
}

/*
 * A younger report is held back (A25) until the best of what neighbours were told has got worse: then it is all that
 * is left to them, and goes out with the bad news.
 */
static void
test_held(void)
{
	enum { ARC_3 = 1005 };

	start("4.4", "0.0", unpaced);
	qspn_arc_add(q, b.now, ARC_3, 9000, bed_out(&b));
	bed_done(&b, n);
	name(arc_find(q, ARC_3)->id, "z");
	bed_etp(&b, &e, "0.1", 3, false, 1);
	bed_etp_path(&b, &e, "1.1", "7", 3000, 80, 5, 3);
	bed_receive(&b, n, ARC_1, &e);
	bed_etp(&b, &e, "0.3", 6, false, 1);
	bed_etp_path(&b, &e, "1.1", "8", 300, 80, 5, 3);
	bed_receive(&b, n, ARC_3, &e);
	bed_etp(&b, &e, "0.2", 4, false, 1);
	bed_etp_path(&b, &e, "1.1", "9", 100, 81, 6, 3);
	bed_receive(&b, n, ARC_2, &e);
	is(bed_paths(&b, n, 1, 1), "(0,2)(1,1) / y,9 / 2100; (0,1)(1,1) / x,7 / 4000; (0,3)(1,1) / z,8 / 9300");
	CU_ASSERT_FALSE(stored(ARC_1)->held);
	CU_ASSERT_TRUE(stored(ARC_2)->held);
	/* What was told gets better: it waits on. */
	bed_etp(&b, &e, "0.1", 3, false, 2);
	bed_etp_path(&b, &e, "1.1", "7", 1000, 80, 5, 3);
	bed_receive(&b, n, ARC_1, &e);
	CU_ASSERT_TRUE(stored(ARC_2)->held);
	bed_etp(&b, &e, "0.1", 3, false, 3);
	bed_etp_path(&b, &e, "1.1", "7", COST_DEAD, 80, 5, 3);
	bed_receive(&b, n, ARC_1, &e);
	CU_ASSERT_PTR_NULL(stored(ARC_1));
	CU_ASSERT_FALSE(stored(ARC_2)->held);
	CU_ASSERT_FALSE(stored(ARC_3)->held);
	bed_free(&b);
}

/* Without A9: an unchanged path stays shown though it is not valid any more. */
static void
test_exposure_original(void)
{
	start("4.4", "0.0", unpaced & ~(uint32_t)QSPN_A9_EXPOSURE);
	report(ARC_1, 300, 80, 5, 3);
	is(after(ARC_2, 900, 82, 4, 3), "+(0,2) p(0,2)+1~0-0 p(1,1)+1~0-0 n1 ");
	is(bed_paths(&b, n, 1, 1), "(0,1)(1,1) / x,7 / 1300; (0,2)(1,1) / y,8 / 2900");
	bed_free(&b);
}

/* --- A4: pacing --------------------------------------------------------------------------------- */

static uint64_t
sent(void)
{
	return qspn_stats(q)->etps_out;
}

static void
news(uint64_t now, uint64_t cost, uint64_t number)
{
	b.now = now;
	bed_etp(&b, &e, "1", 61, false, number);
	bed_etp_path(&b, &e, "0.2", "5", cost, 62, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
}

static void
tick(uint64_t now)
{
	CU_ASSERT_TRUE(qspn_deadline(q) <= now);
	b.now = now;
	qspn_tick(q, now, bed_out(&b));
	bed_done(&b, n);
}

static void
settled(uint32_t arc, const char *address, uint64_t id)
{
	bed_etp(&b, &e, address, id, true, 1);
	qspn_answer(q, b.now, arc, arc_find(q, arc)->call, QSPN_ANSWERED, &e.msg, bed_out(&b));
	bed_done(&b, n);
}

static void
test_pacing(void)
{
	uint64_t was, t;

	for (int first = 0; first < 2; first++) {
		start("16", "0", QSPN_PROFILE_R);
		b.p.pacing = 100 * MS;
		b.p.pacing_first = first;
		settled(ARC_1, "1", 61);
		settled(ARC_2, "9", 69);
		b.now = SECOND;
		if (qspn_deadline(q) <= b.now)
			tick(b.now);
		was = sent();
		t = 10 * SECOND;
		news(t, 300, 2);
		/* Only the other neighbour can use it. */
		CU_ASSERT_EQUAL(sent() - was, (uint64_t)first);
		news(t + 10 * MS, 600, 3);
		news(t + 20 * MS, 900, 4);
		CU_ASSERT_EQUAL(sent() - was, (uint64_t)first);
		CU_ASSERT_EQUAL(qspn_deadline(q), t + 100 * MS);
		CU_ASSERT_FALSE(qspn_is_quiet(q));
		tick(t + 100 * MS);
		CU_ASSERT_EQUAL(sent() - was, 1U + first);
		CU_ASSERT_TRUE(qspn_is_quiet(q));
		/* It came and went: its end is told, in one line. */
		was = qspn_stats(q)->paths_out;
		news(t + 110 * MS, COST_DEAD, 5);
		news(t + 120 * MS, 300, 6);
		news(t + 130 * MS, COST_DEAD, 7);
		tick(qspn_deadline(q));
		CU_ASSERT_EQUAL(qspn_stats(q)->paths_out - was, 1);
		bed_free(&b);
	}
}

/* --- A28: marks ------------------------------------------------------------------------------ */

static struct peer_inside inside[2];
static struct peer_mark gone;

/* The neighbour at ARC tells of (1,1) by SUM: other nodes inside, or, with 0, that it is gone. */
static void
mark(uint32_t arc, const char *address, uint64_t id, uint64_t number, uint32_t sum, uint32_t nodes)
{
	bed_etp(&b, &e, address, id, false, number);
	gone = (struct peer_mark){ { 1, 1 }, sum };
	inside[0] = (struct peer_inside){ gone, nodes };
	e.m->insides.v = inside;
	e.m->insides.n = nodes > 0;
	e.m->gone.v = &gone;
	e.m->gone.n = nodes == 0;
	bed_receive(&b, n, arc, &e);
}

static uint32_t
nodes_of(unsigned level, uint32_t pos)
{
	struct fingerprint fp;
	uint32_t nodes = 0;

	qspn_destination(q, (struct coord){ (uint8_t)level, pos }, &fp, &nodes);
	return nodes;
}

static void
test_marks_heard(void)
{
	start("4.4", "0.0", unpaced);
	bed_etp(&b, &e, "0.1", 61, false, 1);
	bed_etp_path(&b, &e, "0.2", "5", 300, 62, 1, 1);
	bed_etp_path(&b, &e, "0.2 1.1", "5 6", 400, 63, 1, 2);
	bed_receive(&b, n, ARC_1, &e);
	/* Another one of the same sum, over the other arc. */
	bed_etp(&b, &e, "0.3", 69, false, 1);
	bed_etp_path(&b, &e, "1.1", "11", 500, 63, 1, 2);
	bed_receive(&b, n, ARC_2, &e);
	is(bed_paths(&b, n, 1, 1), "(0,1)(0,2)(1,1) / x,5,6 / 1400; (0,3)(1,1) / y,11 / 2500");
	CU_ASSERT_EQUAL(nodes_of(1, 1), 2);
	/* The dearer one alone, then the cheaper one; one that nobody knows. */
	mark(ARC_2, "0.3", 69, 2, 11, 4);
	CU_ASSERT_EQUAL(nodes_of(1, 1), 2);
	mark(ARC_1, "0.1", 61, 2, 11, 3);
	CU_ASSERT_EQUAL(nodes_of(1, 1), 3);
	mark(ARC_1, "0.1", 61, 3, 12, 1);
	mark(ARC_1, "0.1", 61, 4, 12, 0);
	CU_ASSERT_EQUAL(nodes_of(1, 1), 3);
	mark(ARC_1, "0.1", 61, 5, 11, 0);
	is(bed_paths(&b, n, 1, 1), "(0,3)(1,1) / y,11 / 2500");
	CU_ASSERT_EQUAL(nodes_of(1, 1), 4);
	/* What is told by a new coordinate is no news of paths through the old one. */
	mark(ARC_2, "0.7", 69, 3, 11, 2);
	is(bed_paths(&b, n, 1, 1), "(0,7)(1,1) / y,11 / 2500");
	CU_ASSERT_EQUAL(nodes_of(1, 1), 4);
	/* The path to the neighbour itself has none: that neighbour tells of itself. */
	mark(ARC_2, "0.7", 69, 4, 0, 0);
	is(bed_paths(&b, n, 0, 7), "(0,7) / y / 2000");
	bed_free(&b);
}

/* What goes out over ARC when pacing lets it; "" for nothing. */
static const char *
flushed(uint32_t arc)
{
	static char text[BED_MAP];

	text[0] = '\0';
	b.now = qspn_deadline(q);
	qspn_tick(q, b.now, bed_out(&b));
	for (size_t i = 0; i < bed_out(&b)->n; i++)
		if (bed_out(&b)->v[i].kind == QSPN_SEND && bed_out(&b)->v[i].arc == arc)
			bed_etp_print(&b, qspn_msg_get(bed_out(&b)->v[i].msg), text, sizeof(text));
	bed_done(&b, n);
	return text;
}

/* Two paths to (1,1) with so many NODES inside; ARCS are those of the second one. */
static void
two_paths(uint64_t number, const char *arcs, uint32_t nodes)
{
	bed_etp(&b, &e, "0.1", 61, false, number);
	bed_etp_path(&b, &e, "0.2", "5", 300, 62, 1, 1);
	bed_etp_path(&b, &e, "0.3", "10", 300, 64, 1, 1);
	bed_etp_path(&b, &e, "0.2 1.3", "5 7", 400, 65, 1, 1);
	bed_etp_path(&b, &e, "0.3 1.2", "10 9", 400, 66, 1, 1);
	bed_etp_path(&b, &e, "0.2 1.3 1.1", "5 7 8", 500, 63, 1, nodes);
	bed_etp_path(&b, &e, "0.3 1.2 1.1", arcs, 600, 63, 1, nodes);
	bed_receive(&b, n, ARC_1, &e);
}

/* A neighbour outside hears of the arcs that it sees: of (0,2)(1,3)(1,1) / 5,7,8 the sum is 15. */
static void
marks_told(const char *arcs, const char *more, const char *dead)
{
	start("4.4", "0.0", QSPN_PROFILE_R);
	b.p.pacing = 100 * MS;
	b.p.pacing_first = false;
	settled(ARC_1, "0.1", 61);
	settled(ARC_2, "2.0", 69);
	flushed(ARC_2);
	two_paths(2, arcs, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(flushed(ARC_2), "(1,3)(1,1)"));
	two_paths(3, arcs, 2);
	is(flushed(ARC_2), more);
	bed_etp(&b, &e, "0.1", 61, false, 4);
	bed_etp_path(&b, &e, "0.2 1.3 1.1", "5 7 8", COST_DEAD, 63, 1, 2);
	bed_receive(&b, n, ARC_1, &e);
	is(flushed(ARC_2), dead);
	bed_free(&b);
}

static void
test_marks_told(void)
{
	marks_told("10 9 5", "part node 0.0 fps 5 nn 4 hops \ninside (1,1) / 15 / nn 2",
	    "part node 0.0 fps 5 nn 4 hops \ngone (1,1) / 15");
	/* Both have the sum 15: a mark would not tell which one. */
	marks_told("10 9 6", "part node 0.0 fps 5 nn 4 hops \n"
	    "(0,1)(0,2)(1,3)(1,1) / x,5,7,8 / 1500 / fp 63 / nn 2 / FF",
	    "part node 0.0 fps 5 nn 4 hops \n"
	    "(0,1)(0,2)(1,3)(1,1) / x,5,7,8 / dead / fp 63 / nn 2 / FF");
}

static void
tells_of_2(uint32_t arc, const char *address, uint64_t id, const char *via, uint64_t cost)
{
	bed_etp(&b, &e, address, id, false, id + b.now);
	bed_etp_path(&b, &e, "0.2", via, cost, 62, 1, 1);
	bed_receive(&b, n, arc, &e);
}

/*
 * Three neighbours know node 2, and the cheapest way goes.  The others, which had it, hear of those
 * that are left again (A1), unless they remember them (A29); the one through which it led does not.
 */
static void
closed(uint32_t arc, bool misses_it, uint32_t amendments)
{
	enum { ARC_3 = 1005 };
	char want[200] = "";

	start("16", "0", amendments);
	b.p.pacing = 100 * MS;
	b.p.pacing_first = false;
	qspn_arc_add(q, 0, ARC_3, 3000, bed_out(&b));
	bed_done(&b, n);
	name(arc_find(q, ARC_3)->id, "z");
	if (misses_it)
		snprintf(want, sizeof(want), "part node 0 fps 5 nn 1 hops \n"
		    "%sgone (0,2) / %u", (amendments & QSPN_A29_MEMORY) != 0 ? "" :
		    "(0,3)(0,2) / z,7 / 3300 / fp 62 / nn 1 / F\n", arc_find(q, ARC_1)->id + 5);
	settled(ARC_1, "1", 61);
	settled(ARC_2, "9", 69);
	settled(ARC_3, "3", 63);
	flushed(arc);
	tells_of_2(ARC_1, "1", 61, "5", 300);
	tells_of_2(ARC_2, "9", 69, "6", 300);
	tells_of_2(ARC_3, "3", 63, "7", 300);
	CU_ASSERT_PTR_NOT_NULL(map_find(q, (struct coord){ 0, 2 }));
	CU_ASSERT_EQUAL(map_find(q, (struct coord){ 0, 2 })->n, 3);
	flushed(arc);
	tells_of_2(ARC_1, "1", 61, "5", COST_DEAD);
	is(flushed(arc), want);
	bed_free(&b);
}

static void
test_closed(void)
{
	for (unsigned r = 0; r < 2; r++) {
		closed(ARC_2, true, r == 0 ? asking : QSPN_PROFILE_R);
		closed(ARC_1, false, r == 0 ? asking : QSPN_PROFILE_R);
	}
}

/*
 * Two ways out of our g-node of level 1 by the same arc: the cheaper one is told outside and stands for
 * both (A26).  When it goes, or gets dearer than the other, the other one is told there, for the first
 * time.
 */
static void
stands_for(uint64_t cost, const char *outside)
{
	enum { ARC_3 = 1005 };

	start("4.4", "0.0", QSPN_PROFILE_R);
	b.p.pacing = 100 * MS;
	b.p.pacing_first = false;
	qspn_arc_add(q, 0, ARC_3, 3000, bed_out(&b));
	bed_done(&b, n);
	settled(ARC_1, "0.1", 61);
	settled(ARC_2, "0.2", 62);
	settled(ARC_3, "2.0", 69);
	flushed(ARC_3);
	bed_etp(&b, &e, "0.1", 61, false, 2);
	bed_etp_path(&b, &e, "0.3 1.1", "5 7", 300, 71, 1, 1);
	bed_etp_path(&b, &e, "0.3", "5", 100, 63, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	bed_etp(&b, &e, "0.2", 62, false, 2);
	bed_etp_path(&b, &e, "0.3 1.1", "6 7", 300, 71, 1, 1);
	bed_receive(&b, n, ARC_2, &e);
	is(flushed(ARC_3), "part node 0.0 fps 5 nn 4 hops \n"
	    "(0,1)(0,3)(1,1) / x,5,7 / 1300 / fp 71 / nn 1 / FF");
	bed_etp(&b, &e, "0.1", 61, false, 3);
	bed_etp_path(&b, &e, "0.3 1.1", "5 7", cost, 71, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	is(flushed(ARC_3), outside);
	bed_free(&b);
}

static void
test_stands_for(void)
{
	stands_for(COST_DEAD, "part node 0.0 fps 5 nn 4 hops \n"
	    "(0,2)(0,3)(1,1) / y,6,7 / 2300 / fp 71 / nn 1 / FF");
	stands_for(90000, "part node 0.0 fps 5 nn 4 hops \n"
	    "(0,2)(0,3)(1,1) / y,6,7 / 2300 / fp 71 / nn 1 / FF");
	/* Dearer, but still the first. */
	stands_for(900, "part node 0.0 fps 5 nn 4 hops \n"
	    "(0,1)(0,3)(1,1) / x,5,7 / 1900 / fp 71 / nn 1 / FF");
}

/* --- A30: dearer ---------------------------------------------------------------------------- */

static uint64_t
total_to(uint32_t pos)
{
	const struct dest *d = map_find(q, (struct coord){ 0, pos });

	return d == NULL ? 0 : path_total(d->v[0]);
}

/* The arc costs 1000.  What is dearer by less than that is not recorded. */
static void
test_dearer(void)
{
	start("16", "0", unpaced);
	news(1, 10000, 1);
	news(2, 10999, 2);
	CU_ASSERT_EQUAL(total_to(2), 11000);
	/* It adds up; and is less than the 43 % that are significant at any rate. */
	news(3, 11000, 3);
	CU_ASSERT_EQUAL(total_to(2), 12000);
	news(4, 11999, 4);
	CU_ASSERT_EQUAL(total_to(2), 12000);
	/* A cheaper arc, and what was told before is too much for it. */
	CU_ASSERT_TRUE(qspn_arc_changed(q, 5, ARC_1, 999, bed_out(&b)));
	bed_done(&b, n);
	CU_ASSERT_EQUAL(total_to(2), 999 + 11999);
	/* Cheaper is what is significant. */
	news(6, 9000, 5);
	CU_ASSERT_EQUAL(total_to(2), 999 + 11999);
	news(7, 8000, 6);
	CU_ASSERT_EQUAL(total_to(2), 999 + 8000);
	bed_free(&b);
	start("16", "0", unpaced & ~(uint32_t)QSPN_A30_DEARER);
	news(1, 10000, 1);
	news(2, 14000, 2);
	CU_ASSERT_EQUAL(total_to(2), 11000);
	bed_free(&b);
}

/* --- A5: numbers ----------------------------------------------------------------------------- */

static unsigned
asked(void)
{
	return (unsigned)qspn_stats(q)->requests_out;
}

static void
test_numbers(void)
{
	unsigned was;

	start("16", "0", unpaced);
	settled(ARC_1, "1", 61);
	settled(ARC_2, "9", 69);
	was = asked();
	news(SECOND, 300, 10);
	is(bed_paths(&b, n, 0, 2), "(0,1)(0,2) / x,5 / 1300");
	/* The same again is nothing, an older one is not taken, but the whole is asked for. */
	news(SECOND, COST_DEAD, 10);
	CU_ASSERT_EQUAL(asked(), was);
	news(SECOND, COST_DEAD, 9);
	is(bed_paths(&b, n, 0, 2), "(0,1)(0,2) / x,5 / 1300");
	CU_ASSERT_EQUAL(asked(), was + 1);
	bed_etp(&b, &e, "1", 61, true, 11);
	bed_etp_path(&b, &e, "0.2", "5", 310, 62, 1, 1);
	qspn_answer(q, SECOND, ARC_1, arc_find(q, ARC_1)->call, QSPN_ANSWERED, &e.msg, bed_out(&b));
	bed_done(&b, n);
	/* At most once a second. */
	news(SECOND + 10, COST_DEAD, 8);
	CU_ASSERT_EQUAL(asked(), was + 1);
	CU_ASSERT_EQUAL(qspn_deadline(q), 2 * SECOND);
	CU_ASSERT_FALSE(qspn_is_quiet(q));
	tick(2 * SECOND);
	CU_ASSERT_EQUAL(asked(), was + 2);
	/* Two answers in a row with old numbers: the number that they are compared with is wrong. */
	for (int late = 0; late < 2; late++) {
		bed_etp(&b, &e, "1", 61, true, 5);
		bed_etp_path(&b, &e, "0.2", "5", 900, 62, 1, 1);
		qspn_answer(q, b.now, ARC_1, arc_find(q, ARC_1)->call, QSPN_ANSWERED, &e.msg, bed_out(&b));
		bed_done(&b, n);
		is(bed_paths(&b, n, 0, 2), late == 0 ? "(0,1)(0,2) / x,5 / 1300" :
		    "(0,1)(0,2) / x,5 / 1900");
		if (late == 0)
			tick(3 * SECOND);
	}
	news(3 * SECOND, 300, 6);
	is(bed_paths(&b, n, 0, 2), "(0,1)(0,2) / x,5 / 1300");
	/* Another life of the neighbour counts anew. */
	bed_etp(&b, &e, "1", 61, false, 1);
	e.m->incarnation = 99;
	bed_etp_path(&b, &e, "0.2", "5", COST_DEAD, 62, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_paths(&b, n, 0, 2), "");
	CU_ASSERT_EQUAL(qspn_stats(q)->old_numbers, 5);
	bed_free(&b);
	/* Without A5 the older one is believed. */
	start("16", "0", unpaced & ~(uint32_t)QSPN_A5_NUMBERS);
	news(1, 300, 10);
	news(2, COST_DEAD, 9);
	is(bed_paths(&b, n, 0, 2), "");
	bed_free(&b);
}

/* --- 15: transport failures --------------------------------------------------------------------- */

static void
fails(enum qspn_outcome o, unsigned removed, unsigned bad, uint32_t amendments)
{
	bool asks = removed > 0 && (amendments & QSPN_A29_MEMORY) == 0;

	start("16", "0", amendments);
	settled(ARC_2, "9", 69);
	qspn_answer(q, 1, ARC_1, arc_find(q, ARC_1)->call, o, NULL, bed_out(&b));
	bed_done(&b, n);
	CU_ASSERT_EQUAL(b.node[n].arcs_removed, removed);
	CU_ASSERT_EQUAL(b.node[n].bad_links, bad);
	CU_ASSERT_EQUAL(arc_find(q, ARC_1) == NULL, removed > 0);
	/* The other one is asked what is left, unless that is remembered (A29). */
	CU_ASSERT_EQUAL(arc_find(q, ARC_2)->call != 0, asks);
	bed_free(&b);
}

static void
test_failures(void)
{
	for (unsigned r = 0; r < 2; r++) {
		fails(QSPN_BUSY, 0, 0, r == 0 ? asking : QSPN_PROFILE_R);
		fails(QSPN_LINK_FAILED, 1, 1, r == 0 ? asking : QSPN_PROFILE_R);
		fails(QSPN_PEER_FAILED, 1, 0, r == 0 ? asking : QSPN_PROFILE_R);
	}
	for (unsigned link = 0; link < 2; link++) {
		start("16", "0", unpaced);
		qspn_send_failed(q, 1, ARC_1, link != 0, bed_out(&b));
		bed_done(&b, n);
		CU_ASSERT_EQUAL(b.node[n].arcs_removed, 1);
		CU_ASSERT_EQUAL(b.node[n].bad_links, link);
		qspn_send_failed(q, 1, ARC_1, true, bed_out(&b));	/* it is gone already */
		bed_done(&b, n);
		CU_ASSERT_EQUAL(b.node[n].arcs_removed, 1);
		bed_free(&b);
	}
}

/* --- commands that are refused, arcs, limits ---------------------------------------------------------- */

static void
test_refused(void)
{
	start("4.4", "0.0", unpaced);
	CU_ASSERT_FALSE(qspn_arc_add(q, 0, ARC_1, 5, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_arc_add(q, 0, 0, 5, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_arc_add(q, 0, 77, 0, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_arc_add(q, 0, 77, COST_MAX + 1, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_arc_changed(q, 0, 77, 5, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_arc_changed(q, 0, ARC_1, 0, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_arc_remove(q, 0, 77, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_make_connectivity(q, 0, 0, 1, 5, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_make_connectivity(q, 0, 2, 1, 5, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_make_connectivity(q, 0, 1, 3, 5, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_make_connectivity(q, 0, 1, 1, 3, bed_out(&b)));		/* real */
	CU_ASSERT_FALSE(qspn_make_connectivity(q, 0, 1, 1, UINT32_MAX, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_make_real(q, 0, 0, 1, 1, bed_out(&b)));	/* is real already */
	CU_ASSERT_FALSE(qspn_make_real(q, 0, 2, 1, 1, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_check_connectivity(q, 0));
	qspn_remove_outer_arcs(q, 0, bed_out(&b));
	qspn_exit_network(q, 0, 2, bed_out(&b));
	CU_ASSERT_EQUAL(bed_out(&b)->n, 0);
	CU_ASSERT_TRUE(qspn_make_connectivity(q, 0, 1, 1, 5, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_make_connectivity(q, 0, 1, 1, 6, bed_out(&b)));	/* is virtual already */
	CU_ASSERT_FALSE(qspn_make_real(q, 0, 0, 4, 1, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_make_real(q, 0, 0, 1, -1, bed_out(&b)));
	bed_done(&b, n);
	bed_free(&b);
}

static void
test_arc_limits(void)
{
	start("16", "0", unpaced);
	b.p.max_arcs = 3;
	CU_ASSERT_TRUE(qspn_arc_add(q, 0, 55, 5, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_arc_add(q, 0, 56, 5, bed_out(&b)));
	b.p.max_arcs = UINT16_MAX;
	for (uint32_t i = 0; i < 253; i++)
		CU_ASSERT_TRUE(qspn_arc_add(q, 0, 2000 + i, 5, bed_out(&b)));
	CU_ASSERT_FALSE(qspn_arc_add(q, 0, 56, 5, bed_out(&b)));
	CU_ASSERT_EQUAL(qspn_arcs(q), 256);
	CU_ASSERT_TRUE(qspn_arc_remove(q, 0, 2100, bed_out(&b)));
	CU_ASSERT_TRUE(qspn_arc_add(q, 0, 56, 5, bed_out(&b)));
	bed_done(&b, n);
	bed_free(&b);
}

static void
test_map_limits(void)
{
	start("16", "0", unpaced);
	b.p.max_hops = 3;
	b.p.max_dests = 4;
	bed_etp(&b, &e, "1", 61, false, 1);
	bed_etp_path(&b, &e, "0.2", "5", 100, 62, 1, 1);
	bed_etp_path(&b, &e, "0.2 0.3", "5 6", 200, 63, 1, 1);
	bed_etp_path(&b, &e, "0.2 0.3 0.4", "5 6 7", 300, 64, 1, 1);	/* too long with ours */
	bed_etp_path(&b, &e, "0.2 0.70", "5 8", 400, 65, 1, 0);
	bed_etp_path(&b, &e, "0.2 0.71", "5 9", 500, 66, 1, 0);		/* too many */
	bed_receive(&b, n, ARC_1, &e);
	is(bed_map(&b, n), "(0,1) / x / 1000\n(0,1)(0,2) / x,5 / 1100\n"
	    "(0,1)(0,2)(0,3) / x,5,6 / 1200\n(0,1)(0,2)(0,70) / x,5,8 / 1400\n");
	/* All that may be stored is: nothing new, but what is there still changes. */
	b.p.max_dests = 100;
	b.p.max_paths_all = 4;
	bed_etp(&b, &e, "1", 61, false, 2);
	bed_etp_path(&b, &e, "0.5", "10", 100, 67, 1, 1);
	bed_etp_path(&b, &e, "0.2", "5", 500, 62, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_paths(&b, n, 0, 5), "");
	is(bed_paths(&b, n, 0, 2), "(0,1)(0,2) / x,5 / 1500");
	/* Room for one more, and two for the same destination. */
	b.p.max_paths_all = 5;
	bed_etp(&b, &e, "1", 61, false, 3);
	bed_etp_path(&b, &e, "0.5", "10", 100, 67, 1, 1);
	bed_etp_path(&b, &e, "0.5", "11", 200, 68, 1, 1);
	bed_receive(&b, n, ARC_1, &e);
	is(bed_paths(&b, n, 0, 5), "(0,1)(0,5) / x,10 / 1100");
	bed_free(&b);
}

/* More than can be remembered to be told: everybody gets a full ETP instead. */
static void
test_dirty_limit(void)
{
	uint64_t full;
	char hop[16];

	start("16", "0", QSPN_PROFILE_R);
	b.p.pacing_first = false;
	settled(ARC_1, "1", 61);
	settled(ARC_2, "9", 69);
	tick(qspn_deadline(q));
	b.p.max_paths_all = 6;
	full = qspn_stats(q)->etps_full_out;
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned alive = 0; alive < 2; alive++) {
			bed_etp(&b, &e, "1", 61, false, 10 + 2 * i + alive);
			snprintf(hop, sizeof(hop), "0.%u", 2 + i);
			for (unsigned k = 0; k < 2; k++) {
				char two[16];

				snprintf(two, sizeof(two), "%u", 5 + 2 * i + k);
				bed_etp_path(&b, &e, hop, two, alive == 0 ? 100 + k : COST_DEAD, 80 + k,
				    1, 1);
			}
			bed_receive(&b, n, ARC_1, &e);
		}
	}
	tick(qspn_deadline(q));
	CU_ASSERT_EQUAL(qspn_stats(q)->etps_full_out - full, 2);
	CU_ASSERT_TRUE(qspn_is_quiet(q));
	bed_free(&b);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "4: grouping of paths, ignored and cyclic ones", test_grouping },
		{ "4: what a full ETP does not tell is dead", test_full },
		{ "4: a path twice in one message (A20)", test_twice },
		{ "4: an ETP in a circle, profiles O and R (A2)", test_cyclic },
		{ "4: the neighbour's coordinate changes (A6)", test_old_coordinate },
		{ "3.8: a member that is late", test_late_member },
		{ "7: by hops of one level; unknown hops (A15)", test_order },
		{ "7: by level", test_order_levels },
		{ "5: what is mandatory, limits", test_mandatory },
		{ "8: own g-nodes (A8, A13, A14)", test_own },
		{ "8: own g-nodes of one who is virtual (A32)", test_own_virtual },
		{ "9: exposure in all transitions (A9)", test_exposure },
		{ "9: exposure before and after a split is confirmed (A31)", test_exposure_patient },
		{ "9: what is hidden stays so, and takes no room (A31)", test_hidden },
		{ "9: what is hidden where paths are slow (A31)", test_hidden_slow },
		{ "what is held back goes out when what was told gets worse (A25)", test_held },
		{ "9: exposure without A9", test_exposure_original },
		{ "pacing (A4)", test_pacing },
		{ "marks of paths, heard (A28)", test_marks_heard },
		{ "marks of paths, told (A28)", test_marks_told },
		{ "who hears of the other paths (A1, A29)", test_closed },
		{ "what another path stood for is told when that goes (A26, A29)", test_stands_for },
		{ "a path that gets dearer by its arc is recorded (A30)", test_dearer },
		{ "numbers of ETPs (A5)", test_numbers },
		{ "15: links and peers fail", test_failures },
		{ "calls that are refused", test_refused },
		{ "limit of arcs", test_arc_limits },
		{ "limits of the map", test_map_limits },
		{ "limit of what is to be told", test_dirty_limit },
	};
	return TAP_RUN(tests);
}
