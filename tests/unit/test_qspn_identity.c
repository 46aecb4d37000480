/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Examples X9 to X12 of spec/qspn 8, and 3.6 to 3.13: entering, migrating, connectivity. */
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

#define ELD2(a_, b_)	((const int32_t[]){ (a_), (b_) })
#define ELD3(a_, b_, c_)	((const int32_t[]){ (a_), (b_), (c_) })

/* --- X9 ------------------------------------------------------------------------ */

static void
test_x9(void)
{
	unsigned a, c, x, n, old, l[2];
	const struct qspn *q;
	uint32_t pos[4], nodes;
	struct fingerprint fp;

	bed_init(&b, "4.4", 30);
	a = bed_node(&b, '1', "0.0", 1, ELD2(0, 0));
	c = bed_node(&b, '3', "0.2", 3, ELD2(1, 0));
	x = bed_node(&b, '4', "1.0", 4, ELD2(0, 1));
	bed_link(&b, a, c, 1000);
	bed_link(&b, c, x, 2000);
	CU_ASSERT_TRUE(bed_settle(&b));
	old = bed_node(&b, 'o', "3.3", 9, ELD2(0, 0));
	n = bed_reserve(&b, '9');
	l[0] = bed_wire(&b, n, x, 500);
	l[1] = bed_wire(&b, n, c, 800);
	bed_forget(&b);
	b.record = true;
	bed_enter(&b, n, old, &(struct bed_entry){ .address = "0.3", .eld = ELD2(2, 0), .guest = 0,
	    .host = 1, .external = l, .n_external = 2 });
	bed_arc_add(&b, l[0], x);
	bed_arc_add(&b, l[1], c);
	q = b.node[n].q;
	/* Both ends ask; N refuses. */
	CU_ASSERT_FALSE(qspn_is_bootstrapped(q));
	CU_ASSERT_EQUAL(qspn_destinations(q, 0, pos, 4), 0);
	CU_ASSERT_TRUE(qspn_fingerprint(q, 0, &fp) && qspn_nodes_inside(q, 0, &nodes));
	CU_ASSERT_FALSE(qspn_fingerprint(q, 1, &fp) || qspn_nodes_inside(q, 1, &nodes));
	bed_run(&b, 600);
	/* X has answered from outside the host: discarded. */
	CU_ASSERT_FALSE(qspn_is_bootstrapped(q));
	CU_ASSERT_STRING_NOT_EQUAL(bed_said(&b, x, n, QSPN_RESULT, 0), "");
	is(bed_map(&b, n), "");
	CU_ASSERT_TRUE(bed_settle(&b));
	is(bed_said(&b, c, n, QSPN_RESULT, 0), "full node 0.2 fps 3,1 nn 1,2 hops \n"
	    "(0,0) / 31 / 1000 / fp 1 / nn 1 / FT\n(1,1) / 34 / 2000 / fp 4 / nn 1 / FF");
	is(b.node[n].events, "+(0,2) p(0,2)+1~0-0 +(0,0) p(0,0)+1~0-0 +(1,1) p(1,1)+1~0-0 "
	    "f1 n1 f2 n2 boot p(1,1)+1~0-0 present ");
	is(bed_ids(&b, n), "9,1,1");
	is(bed_nodes(&b, n), "1,3,4");
	for (unsigned i = 0; i < 2; i++)
		is(bed_said(&b, n, i == 0 ? x : c, QSPN_SEND, 0), "full node 0.3 fps 9,1 nn 1,3 hops \n"
		    "(0,2)(0,0) / 93,31 / 1800 / fp 1 / nn 1 / FT\n"
		    "(0,2) / 93 / 800 / fp 3 / nn 1 / FT\n"
		    "(1,1) / 94 / 500 / fp 4 / nn 1 / FF\n"
		    "(0,2)(1,1) / 93,34 / 2800 / fp 4 / nn 1 / FF");
	is(bed_paths(&b, x, 1, 0), "(1,0) / 49 / 500; (1,0) / 43 / 2000");
	is(bed_paths(&b, c, 0, 3), "(0,3) / 39 / 800");
	is(bed_paths(&b, c, 1, 1), "(0,3)(1,1) / 39,94 / 1300; (1,1) / 34 / 2000");
	is(bed_paths(&b, a, 0, 3), "(0,2)(0,3) / 13,39 / 1800");
	is(bed_paths(&b, a, 1, 1), "(0,2)(0,3)(1,1) / 13,39,94 / 2300; (0,2)(1,1) / 13,34 / 3000");
	bed_free(&b);
}

/* --- X10 -------------------------------------------------------------------------- */

enum { XA, XC, P, Q, P1, Q1 };

/* Before the exchange of X10: P' and Q' have been made. */
static void
gnode_enters(bool with_c, unsigned *cq)
{
	unsigned pq, pq1;

	bed_init(&b, "4.4", 31);
	bed_node(&b, '1', "0.0", 1, ELD2(0, 0));
	bed_node(&b, '3', "0.2", 3, ELD2(1, 0));
	bed_link(&b, XA, XC, 1000);
	bed_node(&b, '2', "3.0", 21, ELD2(0, 0));
	bed_node(&b, '8', "3.1", 22, ELD2(1, 0));
	pq = bed_link(&b, P, Q, 700);
	CU_ASSERT_TRUE(bed_settle(&b));
	bed_reserve(&b, '2');
	bed_reserve(&b, '8');
	pq1 = bed_wire(&b, P1, Q1, 700);
	*cq = bed_wire(&b, Q1, XC, 900);
	bed_forget(&b);
	b.record = true;
	bed_enter(&b, P1, P, &(struct bed_entry){ .address = "1.0", .eld = ELD2(0, 1), .guest = 1,
	    .host = 2, .internal = &(const unsigned[2]){ pq1, pq },
	    .internal_peer = &(const char *){ "1.1" }, .n_internal = 1 });
	bed_enter(&b, Q1, Q, &(struct bed_entry){ .address = "1.1", .eld = ELD2(1, 1), .guest = 1,
	    .host = 2, .internal = &(const unsigned[2]){ pq1, pq },
	    .internal_peer = &(const char *){ "1.0" }, .n_internal = 1, .external = cq,
	    .n_external = with_c });
}

static void
has_inherited(unsigned n, const char *map, const char *ids)
{
	const struct qspn *q = b.node[n].q;
	struct fingerprint fp;
	uint32_t nodes, pos;
	char buf[FP_TEXT];

	CU_ASSERT_FALSE(qspn_is_bootstrapped(q));
	is(bed_map(&b, n), map);
	is(bed_ids(&b, n), ids);
	is(bed_nodes(&b, n), "1,2,2");
	is(fingerprint_print(&q->fp[1], buf), "21 eld 1 seed 0");
	is(fingerprint_print(&q->fp[2], buf), "21 eld  seed 1,0");
	CU_ASSERT_EQUAL(qspn_destinations(q, 0, &pos, 1), 1);
	CU_ASSERT_EQUAL(qspn_destinations(q, 1, &pos, 1), 0);
	CU_ASSERT_TRUE(qspn_fingerprint(q, 1, &fp) && qspn_nodes_inside(q, 1, &nodes));
	CU_ASSERT_FALSE(qspn_fingerprint(q, 2, &fp) || qspn_nodes_inside(q, 2, &nodes));
}

static void
test_x10(void)
{
	unsigned cq;
	struct fingerprint fp;
	char buf[FP_TEXT];

	gnode_enters(true, &cq);
	has_inherited(P1, "(0,1) / 28 / 700\n", "21,21,21");
	has_inherited(Q1, "(0,0) / 82 / 700\n", "22,21,21");
	CU_ASSERT_TRUE(qspn_destination(b.node[P1].q, (struct coord){ 0, 1 }, &fp, NULL));
	is(fingerprint_print(&fp, buf), "22 eld 1,1 seed ");
	CU_ASSERT_TRUE(qspn_destination(b.node[Q1].q, (struct coord){ 0, 0 }, &fp, NULL));
	is(fingerprint_print(&fp, buf), "21 eld 0,1 seed ");
	bed_arc_add(&b, cq, XC);
	CU_ASSERT_TRUE(bed_settle(&b));
	is(bed_said(&b, XC, Q1, QSPN_RESULT, 0), "full node 0.2 fps 3,1 nn 1,2 hops ");
	is(bed_map(&b, Q1), "(0,0) / 82 / 700\n(1,0) / 83 / 900\n");
	is(bed_ids(&b, Q1), "22,21,1");
	is(bed_nodes(&b, Q1), "1,2,4");
	is(bed_said(&b, Q1, P1, QSPN_SEND, 0), "full node 1.1 fps 22,21 nn 1,2 hops \n"
	    "(0,0) / 82 / 700 / fp 21 / nn 1 / FT\n(1,0) / 83 / 900 / fp 1 / nn 2 / FF");
	is(bed_map(&b, P1), "(0,1) / 28 / 700\n(0,1)(1,0) / 28,83 / 1600\n");
	is(bed_ids(&b, P1), "21,21,1");
	is(bed_nodes(&b, P1), "1,2,4");
	is(bed_paths(&b, XC, 1, 1), "(1,1) / 38 / 900");
	is(bed_nodes(&b, XC), "1,2,4");
	is(bed_said(&b, XC, XA, QSPN_SEND, 0), "part node 0.2 fps 3,1 nn 1,2 hops (1,1)\n"
	    "(1,1) / 38 / 900 / fp 21 / nn 2 / FF");
	is(bed_paths(&b, XA, 1, 1), "(0,2)(1,1) / 13,38 / 1900");
	CU_ASSERT_EQUAL(b.node[P1].bootstrapped + b.node[Q1].bootstrapped, 2);
	CU_ASSERT_EQUAL(b.node[P1].timed_out + b.node[Q1].timed_out, 0);
	CU_ASSERT_EQUAL(b.node[P1].present + b.node[Q1].present, 2);
	bed_free(&b);
}

/* Nobody there: after max(10 s, 1000 x 700 us) they are a network of their own. */
static void
test_x10_alone(void)
{
	unsigned cq;

	gnode_enters(false, &cq);
	bed_run(&b, 10 * SECOND - 1);
	CU_ASSERT_FALSE(qspn_is_bootstrapped(b.node[P1].q) || qspn_is_bootstrapped(b.node[Q1].q));
	bed_run(&b, 1);
	CU_ASSERT_TRUE(qspn_is_bootstrapped(b.node[P1].q) && qspn_is_bootstrapped(b.node[Q1].q));
	CU_ASSERT_EQUAL(b.node[P1].timed_out + b.node[Q1].timed_out, 2);
	CU_ASSERT_TRUE(bed_settle(&b));
	is(bed_map(&b, P1), "(0,1) / 28 / 700\n");
	is(bed_nodes(&b, P1), "1,2,2");
	bed_free(&b);
}

/* What comes while entering (3.6): a message from inside that tells nothing of the host. */
static void
test_boot_reactive(void)
{
	unsigned cq;
	struct qspn *q;
	struct qspn_msg *m;
	struct item it;
	uint32_t arc;

	gnode_enters(true, &cq);
	/* An ETP of Q' that lists only (0,0); Q' may not send one by itself. */
	q = b.node[Q1].q;
	it = item_make(q, q->level[0].v[0]->v[0]);
	m = compose_etp(q, true, NULL, 0, &it, 1);
	arc = qspn_arc_at(b.node[P1].q, 0).arc;
	qspn_receive(b.node[P1].q, b.now, arc, 0, qspn_msg_get(m), bed_out(&b));
	qspn_msg_unref(m);
	bed_done(&b, P1);
	scratch_free(&q->scratch);
	CU_ASSERT_FALSE(qspn_is_bootstrapped(b.node[P1].q));
	is(bed_map(&b, P1), "(0,1) / 28 / 700\n");
	/* A request is refused. */
	m = compose_request(q);
	qspn_receive(b.node[P1].q, b.now, arc, 7, qspn_msg_get(m), bed_out(&b));
	qspn_msg_unref(m);
	CU_ASSERT_EQUAL(bed_out(&b)->n, 1);
	CU_ASSERT_TRUE(bed_out(&b)->v[0].kind == QSPN_RESULT && bed_out(&b)->v[0].msg == NULL &&
	    bed_out(&b)->v[0].call == 7);
	bed_out(&b)->n = 0;
	/* An arc changes: costs are right; one goes: its paths go, nothing is sent (A10). */
	qspn_arc_changed(b.node[P1].q, b.now, arc, 900, bed_out(&b));
	bed_done(&b, P1);
	is(bed_map(&b, P1), "(0,1) / 28 / 900\n");
	qspn_arc_remove(b.node[P1].q, b.now, arc, bed_out(&b));
	bed_done(&b, P1);
	is(bed_map(&b, P1), "");
	CU_ASSERT_EQUAL(b.node[P1].dest_removed, 1);
	CU_ASSERT_EQUAL(qspn_stats(b.node[P1].q)->etps_out, 0);
	CU_ASSERT_EQUAL(qspn_arcs(b.node[P1].q), 0);
	bed_free(&b);
}

static void
test_enter_refused(void)
{
	struct qspn_internal_arc in = { .arc = 5, .prev = 1, .cost = 10 };
	struct qspn_external_arc ex[2] = { { 6, 10 }, { 7, 10 } };
	struct qspn_entry good = { .guest_level = 1, .host_level = 2, .internal = &in,
	    .n_internal = 1, .external = ex, .n_external = 2 }, e;
	const char *err;
	struct qspn *q;
	unsigned a, c;

	bed_init(&b, "4.4", 32);
	a = bed_node(&b, 'a', "0.0", 1, ELD2(0, 0));
	c = bed_node(&b, 'c', "0.1", 2, ELD2(1, 0));
	bed_link(&b, a, c, 10);
	CU_ASSERT_TRUE(bed_settle(&b));
	good.fp0 = fingerprint_node(2, 1, ELD2(0, 1));
	good.address = (struct naddr){ { 0, 1 } };
	in.peer = (struct naddr){ { 1, 1 } };
#define REFUSED(change_) do {						\
	e = good;							\
	change_;							\
	q = qspn_enter_net(&b.p, &b.rng, b.now, b.node[a].q, &e, bed_out(&b), &err);	\
	CU_ASSERT_PTR_NULL(q);						\
	CU_ASSERT_PTR_NOT_NULL(err);					\
} while (0)
	REFUSED(e.host_level = 3);
	REFUSED(e.guest_level = 2);
	REFUSED(e.fp0.id = 0);
	REFUSED(e.fp0.level = 1);
	REFUSED(e.address.pos[0] = UINT32_C(1) << 31);
	REFUSED(e.address = in.peer);
	REFUSED(in.prev = 9);
	in.prev = 1;
	REFUSED(in.cost = 0);
	in.cost = 10;
	REFUSED(ex[1].arc = 6);
	REFUSED(ex[1].arc = 5);
	ex[1].arc = 7;
	REFUSED(ex[0].cost = UINT64_MAX);
	ex[0].cost = 10;
	REFUSED(e.n_external = 1000);
	q = qspn_enter_net(&b.p, &b.rng, b.now, b.node[a].q, &good, bed_out(&b), &err);
	CU_ASSERT_PTR_NOT_NULL(q);
	CU_ASSERT_PTR_NULL(err);
	qspn_free(q);
	bed_free(&b);
}

/* --- X11, X12 ------------------------------------------------------------------------ */

enum { AL, BE, GA, DE, MU, BB, OLD_E, EP, BN, GN, EN, OLD_L, LA };
static unsigned ab, bg, gd, dm, aB, gB, eb, eB;

static void
check_x11_before(void)
{
	is(bed_map(&b, AL), "(2,1) / ab / 1000\n");
	is(bed_nodes(&b, AL), "1,1,1,5");
	is(bed_ids(&b, AL), "1,1,1,1");
	is(bed_map(&b, BE), "(0,0) / bg / 1100\n(0,0)(1,0) / bg,gd / 2300\n(2,0) / ba / 1000\n");
	is(bed_nodes(&b, BE), "1,2,4,5");
	is(bed_ids(&b, BE), "2,2,2,1");
	is(bed_map(&b, GA), "(0,1) / gb / 1100\n(1,0) / gd / 1200\n(0,1)(2,0) / gb,ba / 2100\n");
	is(bed_ids(&b, GA), "3,2,2,1");
	is(bed_map(&b, DE), "(0,0) / dm / 1300\n(1,1) / dg / 1200\n(1,1)(2,0) / dg,ba / 3300\n");
	is(bed_ids(&b, DE), "4,4,2,1");
	is(bed_map(&b, MU), "(0,1) / md / 1300\n(0,1)(1,1) / md,dg / 2500\n"
	    "(0,1)(1,1)(2,0) / md,dg,ba / 4600\n");
	is(bed_nodes(&b, MU), "1,2,4,5");
	is(bed_ids(&b, MU), "5,4,2,1");
}

/*
 * Beta's new identity in 0.1. is made; the neighbours do not have its arcs yet.  Beta
 * becomes of connectivity at level 0, until its notice has been sent and processed.
 */
static void
beta_splits(void)
{
	unsigned ext[2];

	bed_reserve(&b, 'B');
	ext[0] = aB = bed_wire(&b, AL, BB, 1000);
	ext[1] = gB = bed_wire(&b, GA, BB, 1100);
	bed_enter(&b, BB, BE, &(struct bed_entry){ .address = "0.1.1", .eld = ELD3(1, 0, 0),
	    .guest = 0, .host = 1, .external = ext, .n_external = 2 });
	CU_ASSERT_TRUE(qspn_make_connectivity(b.node[BE].q, b.now, 1, 2, 2, bed_out(&b)));
	bed_done(&b, BE);
	is(bed_map(&b, BE), "(0,0) / bg / 1100\n(0,0)(1,0) / bg,gd / 2300\n(2,0) / ba / 1000\n");
	is(bed_ids(&b, BE), "2,3,3,1");
	is(bed_nodes(&b, BE), "0,1,3,4");
	bed_run(&b, 50 * MS - 1);
	is(bed_said(&b, BE, GA, QSPN_SEND, 0), "");
	bed_run(&b, 2 * MS);
}

static void
x11_start(uint32_t amendments)
{
	bed_init(&b, "2.2.2", 33);
	b.p.amendments = amendments;
	bed_node(&b, 'a', "0.1.0", 1, ELD3(0, 0, 0));
	bed_node(&b, 'b', "1.1.1", 2, ELD3(0, 0, 1));
	bed_node(&b, 'g', "1.1.0", 3, ELD3(1, 0, 1));
	bed_node(&b, 'd', "1.0.1", 4, ELD3(0, 1, 1));
	bed_node(&b, 'm', "1.0.0", 5, ELD3(1, 1, 1));
	ab = bed_link(&b, AL, BE, 1000);
	bg = bed_link(&b, BE, GA, 1100);
	gd = bed_link(&b, GA, DE, 1200);
	dm = bed_link(&b, DE, MU, 1300);
	CU_ASSERT_TRUE(bed_settle(&b));
	check_x11_before();
	bed_forget(&b);
	b.record = true;
	beta_splits();
}

static const uint32_t unpaced = QSPN_PROFILE_R & ~(uint32_t)QSPN_A4_PACING;

/* The new identity gets its arcs, and the old one loses the outer one. */
static void
x11_migrate(void)
{
	bed_arc_add(&b, aB, AL);
	bed_arc_add(&b, gB, GA);
	CU_ASSERT_TRUE(bed_settle(&b));
	CU_ASSERT_EQUAL(b.node[BB].present, 1);
	qspn_remove_outer_arcs(b.node[BE].q, b.now, bed_out(&b));
	bed_done(&b, BE);
	CU_ASSERT_EQUAL(b.node[BE].arcs_removed, 1);
	CU_ASSERT_EQUAL(b.node[BE].bad_links, 0);
	bed_arc_remove(&b, ab, AL);
	CU_ASSERT_TRUE(bed_settle(&b));
}

static void
check_x11_after(void)
{
	uint32_t nodes;

	is(bed_map(&b, AL), "(0,1) / aB / 1000\n(0,1)(2,1) / aB,Bg / 2100\n");
	CU_ASSERT_TRUE(qspn_destination(b.node[AL].q, (struct coord){ 2, 1 }, NULL, &nodes));
	CU_ASSERT_EQUAL(nodes, 3);
	is(bed_nodes(&b, AL), "1,2,2,5");
	is(bed_map(&b, BB), "(0,0) / Ba / 1000\n(2,1) / Bg / 1100\n");
	is(bed_nodes(&b, BB), "1,2,2,5");
	is(bed_map(&b, GA), "(0,2) / gb / 1100\n(1,0) / gd / 1200\n(2,0) / gB / 1100\n");
	is(bed_nodes(&b, GA), "1,1,3,5");
	is(bed_map(&b, BE), "(0,0) / bg / 1100\n(0,0)(1,0) / bg,gd / 2300\n(0,0)(2,0) / bg,gB / 2200\n");
	is(bed_nodes(&b, BE), "0,1,3,5");
	is(bed_map(&b, DE), "(0,0) / dm / 1300\n(1,1) / dg / 1200\n(1,1)(2,0) / dg,gB / 2300\n");
	is(bed_nodes(&b, DE), "1,2,3,5");
}

static void
x11_newcomer(void)
{
	unsigned ext[2];

	bed_node(&b, 'o', "0.0.0", 6, ELD3(0, 0, 0));
	bed_reserve(&b, 'e');
	ext[0] = eb = bed_wire(&b, EP, BE, 1400);
	ext[1] = eB = bed_wire(&b, EP, BB, 1400);
	bed_enter(&b, EP, OLD_E, &(struct bed_entry){ .address = "1.1.1", .eld = ELD3(2, 0, 1),
	    .guest = 0, .host = 1, .external = ext, .n_external = 2 });
	bed_arc_add(&b, eb, BE);
	bed_arc_add(&b, eB, BB);
	CU_ASSERT_TRUE(bed_settle(&b));
	bed_kill(&b, OLD_E);
}

static void
test_x11(void)
{
	uint32_t pos[2];
	char buf[FP_TEXT];

	x11_start(unpaced);
	is(bed_said(&b, BE, GA, QSPN_SEND, 0), "full node 1.1.2 fps 2,3,3 nn 0,1,3 hops (0,1)\n"
	    "(0,0) / bg / 1100 / fp 3 / nn 1 / FTT\n(0,0)(1,0) / bg,gd / 2300 / fp 4 / nn 2 / FFT\n"
	    "(2,0) / ba / 1000 / fp 1 / nn 1 / FFF");
	is(bed_said(&b, BE, AL, QSPN_SEND, 0), bed_said(&b, BE, GA, QSPN_SEND, 0));
	is(bed_map(&b, GA), "(0,2) / gb / 1100\n(1,0) / gd / 1200\n(0,2)(2,0) / gb,ba / 2100\n");
	is(bed_nodes(&b, GA), "1,1,3,4");
	is(fingerprint_print(&b.node[GA].q->fp[1], buf), "3 eld 0,1 seed 1");
	CU_ASSERT_EQUAL(qspn_destinations(b.node[GA].q, 0, pos, 2), 0);	/* virtual: not offered (A8) */
	CU_ASSERT_EQUAL(b.node[GA].dest_removed, 1);
	is(fingerprint_print(&b.node[BE].q->fp[0], buf), "2 eld null,0,1 seed ");
	x11_migrate();
	check_x11_after();
	CU_ASSERT_TRUE(qspn_check_connectivity(b.node[BE].q, 1));	/* A23 */
	x11_newcomer();
	is(bed_map(&b, EP), "(0,2)(0,0) / eb,bg / 2500\n(0,2) / eb / 1400\n"
	    "(0,2)(0,0)(1,0) / eb,bg,gd / 3700\n"
	    "(2,0) / eB / 1400; (0,2)(0,0)(2,0) / eb,bg,gB / 3600\n");
	is(bed_nodes(&b, EP), "1,2,4,6");
	is(bed_paths(&b, GA, 0, 1), "(0,2)(0,1) / gb,be / 2500");
	CU_ASSERT_FALSE(qspn_check_connectivity(b.node[BE].q, 1));
	bed_free(&b);
}

/* Without A6 the notice is empty, and a hop stays that nobody is. */
static void
test_x11_original(void)
{
	x11_start(unpaced & ~(uint32_t)QSPN_A6_RETIRE & ~(uint32_t)QSPN_A15_SWEEP);
	is(bed_said(&b, BE, GA, QSPN_SEND, 0), "part node 1.1.2 fps 2,3,3 nn 0,1,3 hops (0,1)");
	is(bed_map(&b, GA), "(0,2) / gb / 1100\n(1,0) / gd / 1200\n(0,1)(2,0) / gb,ba / 2100\n");
	bed_free(&b);
}

static void
virtual_member(unsigned n)
{
	CU_ASSERT_TRUE(qspn_make_connectivity(b.node[n].q, b.now, 2, 2, 2, bed_out(&b)));
	bed_done(&b, n);
}

/* The g-node {beta_i, gamma, epsilon} moves to 0.0. */
static void
x12_migrate(bool prepared)
{
	unsigned be1, bg1, eB1, gB1, gd1, lost = 0;
	const unsigned olds[] = { BE, GA, EP };
	unsigned ext[2];

	for (unsigned i = 0; i < 3 && prepared; i++)
		qspn_operation_prepared(b.node[olds[i]].q, b.now, 1);
	bed_reserve(&b, 'b');
	bed_reserve(&b, 'y');
	bed_reserve(&b, 'z');
	bg1 = bed_wire(&b, BN, GN, 1100);
	be1 = bed_wire(&b, BN, EN, 1400);
	gB1 = bed_wire(&b, GN, BB, 1100);
	gd1 = bed_wire(&b, GN, DE, 1200);
	eB1 = bed_wire(&b, EN, BB, 1400);
	bed_enter(&b, BN, BE, &(struct bed_entry){ .address = "0.0.2", .eld = ELD3(0, 1, 0),
	    .guest = 1, .host = 2, .internal = (const unsigned[][2]){ { bg1, bg }, { be1, eb } },
	    .internal_peer = (const char *[]){ "0.0.0", "0.0.1" }, .n_internal = 2 });
	ext[0] = gB1;
	ext[1] = gd1;
	bed_enter(&b, GN, GA, &(struct bed_entry){ .address = "0.0.0", .eld = ELD3(1, 1, 0),
	    .guest = 1, .host = 2, .internal = (const unsigned[][2]){ { bg1, bg } },
	    .internal_peer = (const char *[]){ "0.0.2" }, .n_internal = 1, .external = ext,
	    .n_external = 2 });
	bed_enter(&b, EN, EP, &(struct bed_entry){ .address = "0.0.1", .eld = ELD3(2, 1, 0),
	    .guest = 1, .host = 2, .internal = (const unsigned[][2]){ { be1, eb } },
	    .internal_peer = (const char *[]){ "0.0.2" }, .n_internal = 1, .external = &eB1,
	    .n_external = 1 });
	/* The members change one after the other, and lose no route between them meanwhile. */
	bed_forget(&b);
	for (unsigned i = 0; i < 3; i++) {
		virtual_member(olds[i]);
		bed_run(&b, 60 * MS);
		bed_cost(&b, bg, 1100);		/* so that they speak */
		bed_run(&b, 10 * MS);
	}
	for (unsigned i = 0; i < 3; i++) {
		lost += strstr(b.node[olds[i]].events, "-(0,") != NULL;
		CU_ASSERT_EQUAL(b.node[olds[i]].arcs_removed, 0);
	}
	CU_ASSERT_EQUAL(lost > 0, !prepared);
	if (!prepared)
		return;
	bed_arc_add(&b, gB1, BB);
	bed_arc_add(&b, gd1, DE);
	bed_arc_add(&b, eB1, BB);
	CU_ASSERT_TRUE(bed_settle(&b));
	for (unsigned i = 0; i < 3; i++) {
		qspn_remove_outer_arcs(b.node[olds[i]].q, b.now, bed_out(&b));
		bed_done(&b, olds[i]);
	}
	bed_arc_remove(&b, gB, BB);
	bed_arc_remove(&b, eB, BB);
	CU_ASSERT_TRUE(bed_settle(&b));
}

/* "(1,1) 1100 3900" and so on: destinations and totals. */
static const char *
totals(unsigned n)
{
	static char text[1000];
	size_t len = 0;
	const struct qspn *q = b.node[n].q;

	text[0] = '\0';
	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			const struct dest *d = q->level[l].v[i];

			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s(%u,%u)",
			    len > 0 ? " " : "", d->at.level, d->at.pos);
			for (size_t j = 0; j < d->n; j++)
				len += (size_t)snprintf(text + len, sizeof(text) - len, " %u",
				    (unsigned)path_total(d->v[j]));
		}
	return text;
}

static void
check_x12(void)
{
	char buf[FP_TEXT];
	unsigned from, to;
	static const unsigned in_1[] = { BE, GA, EP, DE, MU };

	is(totals(BN), "(0,0) 1100 (0,1) 1400 (1,1) 2200 2800 (2,1) 2300");
	is(bed_nodes(&b, BN), "0,2,4,6");
	is(totals(GN), "(0,1) 2500 (0,2) 1100 (1,1) 1100 3900 (2,1) 1200");
	is(bed_nodes(&b, GN), "1,2,4,6");
	is(totals(EN), "(0,0) 2500 (0,2) 1400 (1,1) 1400 3600 (2,1) 3700");
	is(bed_nodes(&b, EN), "1,2,4,6");
	is(totals(BB), "(0,0) 1000 (1,0) 1100 1400 (2,1) 2300 5100");
	is(bed_nodes(&b, BB), "1,2,4,6");
	is(totals(BE), "(0,0) 1100 (0,1) 1400 (1,0) 2300 (2,0) 3500");
	is(bed_nodes(&b, BE), "0,0,2,6");
	is(totals(GA), "(0,1) 2500 (0,2) 1100 (1,0) 1200 (2,0) 2400");
	is(bed_nodes(&b, GA), "1,0,2,6");
	is(totals(EP), "(0,0) 2500 (0,2) 1400 (1,0) 3700 (2,0) 4900");
	is(bed_nodes(&b, EP), "1,0,2,6");
	is(totals(DE), "(0,0) 1300 (1,2) 1200 (2,0) 1200");
	is(bed_nodes(&b, DE), "1,2,2,6");
	is(fingerprint_print(&b.node[GA].q->fp[1], buf), "3 eld null,1 seed 1");
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(b.node[in_1[i]].q->fp[2].id, 4);
	qspn_range(b.node[BE].q, &from, &to);
	CU_ASSERT_TRUE(from == 1 && to == 2);
	qspn_range(b.node[BN].q, &from, &to);
	CU_ASSERT_TRUE(from == 1 && to == 1);
	qspn_range(b.node[GN].q, &from, &to);
	CU_ASSERT_TRUE(from == 0 && to == 0);
}

static void
x12_newcomer(void)
{
	unsigned ext[2];

	bed_node(&b, 'o', "0.1.0", 7, ELD3(0, 0, 0));
	bed_reserve(&b, 'l');
	ext[0] = bed_wire(&b, LA, EP, 1500);
	ext[1] = bed_wire(&b, LA, EN, 1500);
	bed_enter(&b, LA, OLD_L, &(struct bed_entry){ .address = "1.1.0", .eld = ELD3(0, 2, 1),
	    .guest = 0, .host = 2, .external = ext, .n_external = 2 });
	bed_arc_add(&b, ext[0], EP);
	bed_arc_add(&b, ext[1], EN);
	CU_ASSERT_TRUE(bed_settle(&b));
	bed_kill(&b, OLD_L);
	bed_link(&b, EN, GN, 900);
	bed_link(&b, EP, GA, 900);
	CU_ASSERT_TRUE(bed_settle(&b));
}

/* The dismissal of {beta_ii}, checked with its members told (3.12). */
static void
x12_dismissal(void)
{
	/* Its own range has one member: nobody else is told, it goes at once. */
	bed_forget(&b);
	qspn_prepare_destroy(b.node[BE].q, b.now, 0, bed_out(&b));
	bed_done(&b, BE);
	bed_run(&b, 0);
	CU_ASSERT_EQUAL(b.node[BE].removed, 1);
	CU_ASSERT_EQUAL(b.node[GA].removed, 0);
	qspn_destroy(b.node[BE].q, b.now, bed_out(&b));
	bed_done(&b, BE);
	bed_run(&b, 2 * MS);
	/* Its neighbours leave the arc. */
	CU_ASSERT_TRUE(strstr(b.node[GA].events, "a ") != NULL);
	CU_ASSERT_TRUE(strstr(b.node[EP].events, "a ") != NULL);
	bed_kill(&b, BE);
	CU_ASSERT_TRUE(bed_settle(&b));
	/* The g-node of level 1, {gamma_i, epsilon_i}: each tells the other, once (A16). */
	bed_forget(&b);
	qspn_prepare_destroy(b.node[GA].q, b.now, 1, bed_out(&b));
	bed_done(&b, GA);
	bed_run(&b, 10 * SECOND - 1);
	CU_ASSERT_EQUAL(b.node[GA].removed + b.node[EP].removed, 0);
	bed_run(&b, 2 * MS);
	CU_ASSERT_TRUE(b.node[GA].removed == 1 && b.node[EP].removed == 1);
	bed_run(&b, 30 * SECOND);
	CU_ASSERT_TRUE(b.node[GA].removed == 1 && b.node[EP].removed == 1);
	/* A main identity ignores it. */
	qspn_prepare_destroy(b.node[DE].q, b.now, 0, bed_out(&b));
	bed_done(&b, DE);
	bed_run(&b, 11 * SECOND);
	CU_ASSERT_EQUAL(b.node[DE].removed, 0);
}

static void
test_x12(void)
{
	x11_start(unpaced);
	x11_migrate();
	x11_newcomer();
	x12_migrate(true);
	check_x12();
	x12_newcomer();
	CU_ASSERT_PTR_NOT_NULL(strstr(bed_paths(&b, BE, 1, 1), "(0,0)(0,1)(1,1)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(bed_paths(&b, BE, 1, 1), "/ 3500"));
	CU_ASSERT_PTR_NOT_NULL(strstr(bed_paths(&b, BE, 1, 0), "(0,1)(0,0)(1,0)"));
	CU_ASSERT_TRUE(qspn_check_connectivity(b.node[BE].q, 1));
	CU_ASSERT_TRUE(qspn_check_connectivity(b.node[BN].q, 1));
	CU_ASSERT_FALSE(qspn_check_connectivity(b.node[EP].q, 2));
	CU_ASSERT_FALSE(qspn_check_connectivity(b.node[GA].q, 2));
	x12_dismissal();
	bed_free(&b);
}

/* Members who were not told that an operation is under way take each other for outsiders. */
static void
test_unprepared(void)
{
	x11_start(unpaced);
	x11_migrate();
	x11_newcomer();
	x12_migrate(false);
	bed_free(&b);
}

/* --- 3.9: from a temporary virtual position to the real one ---------------------------- */

static void
test_make_real(void)
{
	unsigned a, c, n, old, l[2];

	bed_init(&b, "4.4", 34);
	b.p.amendments = QSPN_PROFILE_R;
	a = bed_node(&b, 'a', "0.0", 1, ELD2(0, 0));
	c = bed_node(&b, 'c', "0.1", 2, ELD2(1, 0));
	bed_link(&b, a, c, 1000);
	CU_ASSERT_TRUE(bed_settle(&b));
	old = bed_node(&b, 'o', "3.3", 9, ELD2(0, 0));
	n = bed_reserve(&b, 'n');
	l[0] = bed_wire(&b, n, a, 1000);
	l[1] = bed_wire(&b, n, c, 1500);
	bed_enter(&b, n, old, &(struct bed_entry){ .address = "0.6", .eld = ELD2(2, 0), .guest = 0,
	    .host = 1, .external = l, .n_external = 2 });
	bed_arc_add(&b, l[0], a);
	bed_arc_add(&b, l[1], c);
	CU_ASSERT_TRUE(bed_settle(&b));
	is(bed_paths(&b, a, 0, 6), "(0,6) / an / 1000; (0,1)(0,6) / ac,cn / 2500");
	is(bed_nodes(&b, a), "1,2,2");
	is(bed_nodes(&b, n), "0,2,2");
	bed_forget(&b);
	b.record = true;
	CU_ASSERT_FALSE(qspn_make_real(b.node[n].q, b.now, 0, 1, 2, bed_out(&b)));	/* taken */
	CU_ASSERT_TRUE(qspn_make_real(b.node[n].q, b.now, 0, 2, 2, bed_out(&b)));
	bed_done(&b, n);
	is(bed_nodes(&b, n), "1,3,3");
	CU_ASSERT_TRUE(bed_settle(&b));
	CU_ASSERT_PTR_NOT_NULL(strstr(bed_said(&b, n, a, QSPN_SEND, 0), "full node 0.2 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(bed_said(&b, n, a, QSPN_SEND, 0), "hops (0,6)"));
	is(bed_paths(&b, a, 0, 6), "");
	is(bed_paths(&b, a, 0, 2), "(0,2) / an / 1000; (0,1)(0,2) / ac,cn / 2500");
	is(bed_nodes(&b, a), "1,3,3");
	is(bed_nodes(&b, c), "1,3,3");
	CU_ASSERT_EQUAL(b.node[a].dest_removed, 1);
	CU_ASSERT_EQUAL(b.node[a].dest_added, 1);
	bed_free(&b);
}

/* A neighbour that leaves tells it; and one that tells us to go though it is outside. */
static void
test_destroy(void)
{
	struct peer_msg m = { .type = PEER_prepare_destroy };
	unsigned a, c, l;

	bed_init(&b, "4", 35);
	a = bed_plain(&b, 'a', "0");
	c = bed_plain(&b, 'c', "1");
	l = bed_link(&b, a, c, 1000);
	CU_ASSERT_TRUE(bed_settle(&b));
	qspn_destroy(b.node[c].q, b.now, bed_out(&b));
	bed_done(&b, c);
	CU_ASSERT_TRUE(bed_settle(&b));
	CU_ASSERT_EQUAL(b.node[a].arcs_removed, 1);
	CU_ASSERT_EQUAL(b.node[a].bad_links, 0);
	CU_ASSERT_EQUAL(b.node[a].dest_removed, 1);
	bed_free(&b);
	bed_init(&b, "4", 36);
	a = bed_plain(&b, 'a', "0");
	c = bed_plain(&b, 'c', "1");
	l = bed_link(&b, a, c, 1000);
	CU_ASSERT_TRUE(bed_settle(&b));
	CU_ASSERT_TRUE(qspn_make_connectivity(b.node[a].q, b.now, 1, 1, 7, bed_out(&b)));
	bed_done(&b, a);
	CU_ASSERT_TRUE(bed_settle(&b));
	for (m.prepare_destroy.level = 0; m.prepare_destroy.level < 3; m.prepare_destroy.level++)
		qspn_receive(b.node[a].q, b.now, bed_arc(&b, l, a), 0, &m, bed_out(&b));
	bed_done(&b, a);
	bed_run(&b, 20 * SECOND);
	CU_ASSERT_EQUAL(b.node[a].removed, 0);
	bed_free(&b);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "X9: a node enters, one neighbour is outside the host", test_x9 },
		{ "X10: a g-node of level 1 enters", test_x10 },
		{ "X10: with nobody there the bootstrap ends by itself (A17)", test_x10_alone },
		{ "what comes while entering (3.6, A10)", test_boot_reactive },
		{ "entries that break a precondition", test_enter_refused },
		{ "X11: a migration leaves a connectivity identity", test_x11 },
		{ "X11: the notice without A6", test_x11_original },
		{ "X12: a g-node migrates; may it go; dismissal", test_x12 },
		{ "3.8: members that were not told", test_unprepared },
		{ "3.9: a virtual position becomes real", test_make_real },
		{ "3.12: who may tell us to go", test_destroy },
	};
	return TAP_RUN(tests);
}
