/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spec/qspn 4.8 with A19, example X16: what is refused, for which reason, and that nothing changes. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/qspnbed.h"
#include "tests/unit/tap.h"

static struct bed b;
static struct bed_etp e;

/* Changes that make a good message a bad one, or leave it good. */
static struct peer_path *
path(const char *hops, const char *arcs)
{
	return bed_etp_path(&b, &e, hops, arcs, 100, 77, 1, 1);
}

static void good(void) { }
static void own_address(void) { e.pos[0] = 0; }
static void four_levels(void) { e.m->sender.pos.n = e.m->sender.gexp.n = 4; }
static void two_levels(void) { e.m->sender.pos.n = e.m->sender.gexp.n = 2; }
static void few_sizes(void) { e.m->sender.gexp.n = 2; }
static void no_address(void) { e.m->sender.pos.n = e.m->sender.gexp.n = 0; }
static void other_size(void) { e.gexp[1] = 3; }
static void far_address(void) { e.pos[2] = TOPO_POS_MAX + 1U; }
static void level_decreases(void) { path("0.1 1.2 0.3", "5 6 7"); }
static void high_level(void) { e.paths[0].ignore = 0; e.hops[0][0].level = e.hops[0][1].level = 3; }
static void highest_level(void) { e.hops[0][1].level = 255; }
static void far_hop(void) { e.hops[0][0].pos = TOPO_POS_MAX + 1U; }
static void one_arc(void) { path("1.1 1.2", "5"); }
static void three_arcs(void) { path("1.1 1.2", "5 6 7"); }
static void no_hops(void) { path("1.1", "5")->hops.n = 0; }
static void nothing(void) { struct peer_path *p = path("1.1", "5"); p->hops.n = p->arcs.n = 0; }
static void arc_zero(void) { path("1.1 1.2", "5 0"); }
static void fp_level(void) { e.reports[0].level = 2; }
static void fp_other_level(void) { path("0.2", "5"); e.paths[0].fp = 1; }
static void fp_index(void) { e.paths[0].fp = 1; }
static void fp_far_index(void) { e.paths[0].fp = UINT16_MAX; }
static void ignore_low(void) { e.paths[0].ignore = 0; }
static void ignore_zero(void) { e.paths[0].ignore |= 1; }
static void ignore_beyond(void) { e.paths[0].ignore |= 8; }
static void ignore_more(void) { e.paths[0].ignore = 6; }
static void virtual_hop(void) { path("1.9", "5"); }
static void etp_hops(void)
{
	e.m->paths.n = 0;
	e.own_hops[0] = (struct peer_hop){ .level = 0, .pos = 2 };
	e.own_hops[1] = (struct peer_hop){ .level = 0, .pos = 1 };
	e.m->hops.n = 2;
}
static void etp_hops_decrease(void) { etp_hops(); e.own_hops[0].level = 1; }
static void etp_hops_level(void) { etp_hops(); e.own_hops[1].level = 3; }
static void etp_hops_pos(void) { etp_hops(); e.own_hops[1].pos = UINT32_MAX; }
static void few_fps(void) { e.m->fps.n = 2; }
static void no_fps(void) { e.m->fps.n = 0; }
static void one_more(void) { e.m->fps.n = e.m->nodes.n = 4; }
static void two_more(void) { e.m->fps.n = 5; }
static void few_nodes(void) { e.m->nodes.n = 2; }
static void fps_order(void) { e.fps[1].level = 0; }
static void few_elds(void) { e.fps[1].eld.n = 1; }
static void more_elds(void) { e.fps[0].eld.n = 4; }
static void few_seeds(void) { e.fps[2].seed.n = 0; }
static void id_zero(void) { e.fps[0].id = 0; }
static void eld_low(void) { e.eld[2][0] = e.eld[1][1] = e.eld[0][2] = -2; }
static void seed_low(void) { e.seed[1][0] = INT32_MIN; }
static void elds_disagree(void) { e.eld[1][0] = 5; }
static void eld_null(void) { e.eld[2][0] = e.eld[1][1] = e.eld[0][2] = FP_NULL; }
static void report_id(void) { e.reports[0].id = 0; }
static void report_level(void) { e.reports[0].level = 3; }
static void report_elds(void) { e.reports[0].eld.n = 0; }
static void report_seed(void) { e.report_seed[0][0] = -5; }
static void report_unused(void) { e.m->reports.n = 2; }
static void nodes_many(void) { e.nodes[0] = e.nodes[1] = e.nodes[2] = 2; }
static void nodes_more(void) { e.nodes[1] = e.nodes[2] = 5; }
static void nodes_fewer(void) { e.nodes[1] = 3; e.nodes[2] = 2; }
static void nodes_null(void) { e.nodes[1] = 0; }
static void path_nodes(void) { e.paths[0].nodes = 5; }
static void repeat(void) { path("0.2 0.3 0.2 1.1", "5 6 7 8"); }
static void repeat_high(void) { path("1.2 2.2 2.2", "5 6 7"); }
static void through_sender(void) { path("0.2 0.1 1.1", "5 6 7"); }
static void through_sender_high(void) { path("0.2 1.0 2.1", "5 6 7"); }
static void through_us(void) { path("0.0 1.1", "5 6"); }
static void cost_zero(void) { e.paths[0].cost = 0; }
static void cost_null(void) { e.paths[0].cost_kind = PEER_COST_NULL; }
static void cost_high(void) { e.paths[0].cost = COST_MAX + 1; }
static void cost_highest(void) { e.paths[0].cost = UINT64_MAX; }
static void cost_most(void) { e.paths[0].cost = COST_MAX; }
static void cost_kind(void) { e.paths[0].cost_kind = 3; }
static void cost_dead(void) { e.paths[0].cost_kind = PEER_COST_DEAD; }
static void many_paths(void)
{
	for (unsigned i = 0; i < 20; i++)
		path("0.2 1.1", "5 6");
}

enum { ACCEPTED = -1 };

static const struct {
	const char *name;
	void (*change)(void);
	int refusal;
} cases[] = {
	{ "good", good, ACCEPTED },
	{ "our own address", own_address, QSPN_BAD_SENDER },
	{ "4 levels", four_levels, QSPN_BAD_TOPOLOGY },
	{ "2 levels", two_levels, QSPN_BAD_TOPOLOGY },
	{ "fewer sizes than positions", few_sizes, QSPN_BAD_TOPOLOGY },
	{ "no address", no_address, QSPN_BAD_TOPOLOGY },
	{ "other gsize", other_size, QSPN_BAD_TOPOLOGY },
	{ "position above 2^31-1", far_address, QSPN_BAD_TOPOLOGY },
	{ "level decreases", level_decreases, QSPN_BAD_HOPS },
	{ "level 3 of 3", high_level, QSPN_BAD_HOPS },
	{ "level 255", highest_level, QSPN_BAD_HOPS },
	{ "hop above 2^31-1", far_hop, QSPN_BAD_HOPS },
	{ "fewer arcs than hops", one_arc, QSPN_BAD_PATH },
	{ "more arcs than hops", three_arcs, QSPN_BAD_PATH },
	{ "arcs without hops", no_hops, QSPN_BAD_PATH },
	{ "empty path", nothing, QSPN_BAD_PATH },
	{ "arc 0", arc_zero, QSPN_BAD_PATH },
	{ "fingerprint of level 2 for a hop of level 1", fp_level, QSPN_BAD_FINGERPRINT },
	{ "fingerprint of another path's level", fp_other_level, QSPN_BAD_FINGERPRINT },
	{ "fingerprint one beyond the list", fp_index, QSPN_BAD_FINGERPRINT },
	{ "fingerprint far beyond the list", fp_far_index, QSPN_BAD_FINGERPRINT },
	{ "ignore FFF", ignore_low, QSPN_BAD_IGNORE },
	{ "ignore TFT", ignore_zero, QSPN_BAD_IGNORE },
	{ "ignore of level 3", ignore_beyond, QSPN_BAD_IGNORE },
	{ "ignore FTT", ignore_more, ACCEPTED },
	{ "virtual hop", virtual_hop, ACCEPTED },
	{ "hops (0,2)(0,1), no path", etp_hops, ACCEPTED },
	{ "hops (1,2)(0,1)", etp_hops_decrease, QSPN_BAD_HOPS },
	{ "hops (0,2)(3,1)", etp_hops_level, QSPN_BAD_HOPS },
	{ "hops (0,2)(0,2^32-1)", etp_hops_pos, QSPN_BAD_HOPS },
	{ "fingerprints cut", few_fps, QSPN_BAD_LIST },
	{ "no fingerprints", no_fps, QSPN_BAD_LIST },
	{ "that of the network, too", one_more, ACCEPTED },
	{ "two more", two_more, QSPN_BAD_LIST },
	{ "counts cut", few_nodes, QSPN_BAD_LIST },
	{ "fingerprints not by level", fps_order, QSPN_BAD_FINGERPRINT },
	{ "elderships cut", few_elds, QSPN_BAD_FINGERPRINT },
	{ "more elderships", more_elds, QSPN_BAD_FINGERPRINT },
	{ "seeds cut", few_seeds, QSPN_BAD_FINGERPRINT },
	{ "id 0", id_zero, QSPN_BAD_FINGERPRINT },
	{ "eldership -2", eld_low, QSPN_BAD_FINGERPRINT },
	{ "seed below -1", seed_low, QSPN_BAD_FINGERPRINT },
	{ "elderships that disagree", elds_disagree, QSPN_BAD_FINGERPRINT },
	{ "null eldership", eld_null, ACCEPTED },
	{ "report with id 0", report_id, QSPN_BAD_FINGERPRINT },
	{ "report of level 3", report_level, QSPN_BAD_FINGERPRINT },
	{ "report with elderships cut", report_elds, QSPN_BAD_FINGERPRINT },
	{ "report with a seed below -1", report_seed, QSPN_BAD_FINGERPRINT },
	{ "an empty report that no path uses", report_unused, QSPN_BAD_FINGERPRINT },
	{ "a node of 2 nodes", nodes_many, QSPN_BAD_LIST },
	{ "5 nodes where 4 have room", nodes_more, QSPN_BAD_LIST },
	{ "fewer nodes in the greater g-node", nodes_fewer, QSPN_BAD_LIST },
	{ "no nodes in a g-node of connectivity", nodes_null, ACCEPTED },
	{ "5 nodes told by a path", path_nodes, QSPN_BAD_LIST },
	{ "a hop twice", repeat, QSPN_BAD_REPEAT },
	{ "a high hop twice in a row", repeat_high, QSPN_BAD_REPEAT },
	{ "through the sender", through_sender, QSPN_BAD_REPEAT },
	{ "through the sender's g-node", through_sender_high, QSPN_BAD_REPEAT },
	{ "through ourselves", through_us, ACCEPTED },
	{ "cost 0", cost_zero, QSPN_BAD_COST },
	{ "cost null", cost_null, QSPN_BAD_COST },
	{ "cost above 2^48", cost_high, QSPN_BAD_COST },
	{ "cost 2^64-1", cost_highest, QSPN_BAD_COST },
	{ "cost 2^48: dead with our arc's", cost_most, ACCEPTED },
	{ "unknown kind of cost", cost_kind, QSPN_BAD_COST },
	{ "a dead path", cost_dead, ACCEPTED },
	{ "more paths than allowed", many_paths, QSPN_BAD_SIZE },
};

/* A node 0.0.0 that knows 0.0.2 over arc 1001; arc 1003 leads to 0.0.1, which has not spoken. */
static unsigned
receiver(void)
{
	unsigned n;

	bed_init(&b, "4.4.4", 50);
	b.p.max_paths_all = 16;
	n = bed_node(&b, 'r', "0.0.0", 5, (const int32_t[]){ 0, 0, 0 });
	qspn_arc_add(b.node[n].q, 0, 1001, 1000, bed_out(&b));
	qspn_arc_add(b.node[n].q, 0, 1003, 1000, bed_out(&b));
	bed_done(&b, n);
	bed_etp(&b, &e, "0.0.2", 88, false, 1);
	bed_etp_path(&b, &e, "0.3", "9", 500, 99, 1, 1);
	bed_receive(&b, n, 1001, &e);
	bed_etp(&b, &e, "0.0.1", 66, false, 1);
	path("0.3 1.2", "5 6");
	return n;
}

static uint64_t
refusals(const struct qspn *q)
{
	uint64_t n = 0;

	for (int i = 0; i < QSPN_REFUSALS; i++)
		n += qspn_stats(q)->refused[i];
	return n;
}

static void
test_case(size_t i, bool as_answer)
{
	unsigned n = receiver();
	const struct qspn *q = b.node[n].q;
	char was[1000], err[200];
	bool refused;

	cases[i].change();
	snprintf(was, sizeof(was), "%s", bed_map(&b, n));
	if (as_answer) {
		e.m->full = 1;
		qspn_answer(b.node[n].q, 1, 1003, arc_find(q, 1003)->call, QSPN_ANSWERED, &e.msg,
		    bed_out(&b));
		bed_done(&b, n);
	} else {
		bed_receive(&b, n, 1003, &e);
	}
	refused = refusals(q) > 0;
	CU_ASSERT_EQUAL(refused, cases[i].refusal != ACCEPTED);
	if (cases[i].refusal != ACCEPTED) {
		CU_ASSERT_EQUAL(refusals(q), 1);
		CU_ASSERT_EQUAL(qspn_stats(q)->refused[cases[i].refusal], 1);
		CU_ASSERT_STRING_EQUAL(bed_map(&b, n), was);
		CU_ASSERT_PTR_NULL(arc_find(q, 1003));
		CU_ASSERT_EQUAL(b.node[n].arcs_removed, 1);
		CU_ASSERT_EQUAL(b.node[n].bad_links, 0);
	} else {
		CU_ASSERT_PTR_NOT_NULL(strstr(bed_map(&b, n), "(0,1) / ?? / 1000"));
		CU_ASSERT_PTR_NOT_NULL(arc_find(q, 1003));
	}
	if (refused != (cases[i].refusal != ACCEPTED) ||
	    (refused && qspn_stats(q)->refused[cases[i].refusal] != 1)) {
		err[0] = '\0';
		for (int r = 0; r < QSPN_REFUSALS; r++)
			if (qspn_stats(q)->refused[r] > 0)
				snprintf(err, sizeof(err), "%s", qspn_refusal_name(r));
		tap_note("%s: %s", cases[i].name, err[0] != '\0' ? err : "accepted");
	}
	bed_free(&b);
}

static void
test_etps(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_case(i, false);
}

static void
test_answers(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_case(i, true);
}

/* What was accepted is right: the good message's path, that through us, the one too dear. */
static void
test_taken(void)
{
	unsigned n = receiver();

	through_us();
	cost_dead();
	path("0.3 2.1", "5 6");
	e.paths[2].cost = COST_MAX - 1000;
	path("0.3 2.2", "5 7");
	e.paths[3].cost = COST_MAX - 999;
	bed_receive(&b, n, 1003, &e);
	CU_ASSERT_STRING_EQUAL(bed_map(&b, n), "(0,1) / ?? / 1000\n(0,2) / ?? / 1000\n"
	    "(0,2)(0,3) / ??,?? / 1500\n(0,1)(0,3)(2,1) / ??,??,?? / 281474976710656\n");
	bed_free(&b);
}

static struct peer_inside inside;
static struct peer_mark gone[20];

static void
mark(uint8_t level, uint32_t pos, uint32_t nodes)
{
	inside = (struct peer_inside){ { { level, pos }, 11 }, nodes };
	e.m->insides.v = &inside;
	e.m->insides.n = 1;
	gone[0] = inside.path;
	e.m->gone.v = gone;
	e.m->gone.n = nodes == 0;
}

static void mark_good(void) { mark(1, 2, 4); }
static void mark_level(void) { mark(3, 2, 1); }
static void mark_pos(void) { mark(1, TOPO_POS_MAX + 1U, 1); }
static void mark_nodes(void) { mark(1, 2, 5); }
static void mark_gone(void) { mark(1, 2, 0); }
static void mark_gone_level(void) { mark(3, 2, 0); e.m->insides.n = 0; }
static void mark_gone_pos(void) { mark(1, TOPO_POS_MAX + 1U, 0); e.m->insides.n = 0; }
static void mark_full(void) { mark(1, 2, 1); e.m->full = 1; }
static void mark_gone_full(void) { mark(1, 2, 0); e.m->insides.n = 0; e.m->full = 1; }
static void mark_many(void) { mark(1, 2, 0); e.m->gone.n = 20; }

/* A28; the good message's path to (1,2) is (0,3)(1,2) / 5,6. */
static void
test_marks(void)
{
	static const struct { void (*change)(void); int refusal; } v[] = {
		{ mark_good, ACCEPTED }, { mark_gone, ACCEPTED }, { mark_level, QSPN_BAD_HOPS },
		{ mark_pos, QSPN_BAD_HOPS }, { mark_nodes, QSPN_BAD_LIST },
		{ mark_gone_level, QSPN_BAD_HOPS }, { mark_gone_pos, QSPN_BAD_HOPS },
		{ mark_full, QSPN_BAD_LIST }, { mark_gone_full, QSPN_BAD_LIST },
		{ mark_many, QSPN_BAD_SIZE },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		unsigned n = receiver();
		const struct qspn *q = b.node[n].q;

		v[i].change();
		bed_receive(&b, n, 1003, &e);
		CU_ASSERT_EQUAL(refusals(q), v[i].refusal != ACCEPTED);
		if (v[i].refusal != ACCEPTED)
			CU_ASSERT_EQUAL(qspn_stats(q)->refused[v[i].refusal], 1);
		CU_ASSERT_EQUAL(arc_find(q, 1003) != NULL, v[i].refusal == ACCEPTED);
		CU_ASSERT_EQUAL(map_find(q, (struct coord){ 0, 1 }) != NULL, v[i].refusal == ACCEPTED);
		bed_free(&b);
	}
}

/* Leaves of the sender's g-nodes the one of LEVEL. */
static void
one_level(unsigned level)
{
	e.fps[0] = e.fps[level];
	e.nodes[0] = 1;
	e.m->fps.n = e.m->nodes.n = 1;
}

static void of_ours(void) { one_level(0); }
static void of_another(void) { one_level(1); }
static void of_the_network(void) { one_level(3); }
static void whole(void) { one_level(0); e.m->full = 1; }
static void more_counts(void) { one_level(0); e.m->nodes.n = 3; }
static void no_count(void) { one_level(0); e.m->nodes.n = 0; }
static void many_nodes(void) { one_level(0); e.nodes[0] = 2; }

/* What changed may come with the one g-node that we see; when it is another, all is asked for. */
static void
test_one(void)
{
	static const struct { void (*change)(void); int refusal; bool asks; } v[] = {
		{ of_ours, ACCEPTED, false }, { of_another, ACCEPTED, true },
		{ of_the_network, QSPN_BAD_FINGERPRINT, false }, { whole, QSPN_BAD_LIST, false },
		{ more_counts, QSPN_BAD_LIST, false }, { no_count, QSPN_BAD_LIST, false },
		{ many_nodes, QSPN_BAD_LIST, false },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		unsigned n = receiver();
		const struct qspn *q = b.node[n].q;
		bool refused = v[i].refusal != ACCEPTED;

		qspn_answer(b.node[n].q, 1, 1003, arc_find(q, 1003)->call, QSPN_BUSY, NULL, bed_out(&b));
		bed_done(&b, n);
		v[i].change();
		bed_receive(&b, n, 1003, &e);
		CU_ASSERT_EQUAL(refusals(q), refused);
		if (refused)
			CU_ASSERT_EQUAL(qspn_stats(q)->refused[v[i].refusal], 1);
		CU_ASSERT_EQUAL(arc_find(q, 1003) != NULL, !refused);
		CU_ASSERT_EQUAL(map_find(q, (struct coord){ 0, 1 }) != NULL, !refused && !v[i].asks);
		CU_ASSERT_EQUAL(!refused && arc_find(q, 1003)->call != 0, v[i].asks);
		bed_free(&b);
	}
}

/* The address of an arc's neighbour changes at one level at a time. */
static void
test_plausible(void)
{
	static const struct { const char *address; bool good; } v[] = {
		{ "0.0.1", true }, { "0.0.7", true }, { "0.5.1", true }, { "3.0.1", true },
		{ "0.1.2", false }, { "1.1.1", false }, { "0.0.0", false },
	};

	for (int request = 0; request < 2; request++)
		for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
			unsigned n = receiver();
			const struct qspn *q = b.node[n].q;
			struct peer_msg m = { .type = PEER_full_request };

			bed_receive(&b, n, 1003, &e);
			bed_etp(&b, &e, v[i].address, 66, false, 2);
			m.full_request.requester = e.m->sender;
			if (request == 0)
				bed_receive(&b, n, 1003, &e);
			else
				qspn_receive(b.node[n].q, 1, 1003, 4, &m, bed_out(&b));
			bed_done(&b, n);
			CU_ASSERT_EQUAL(qspn_stats(q)->refused[QSPN_BAD_SENDER], !v[i].good);
			CU_ASSERT_EQUAL(arc_find(q, 1003) != NULL, v[i].good);
			bed_free(&b);
		}
}

static void
test_other(void)
{
	unsigned n = receiver();
	struct qspn *q = b.node[n].q;
	struct peer_msg m = { .type = 200 };

	/* A message of no known type asks for nothing. */
	qspn_receive(q, 1, 1003, 0, &m, bed_out(&b));
	bed_done(&b, n);
	CU_ASSERT_EQUAL(qspn_stats(q)->refused[QSPN_BAD_ANSWER], 1);
	/* An unknown arc: calls are answered, the rest is nothing. */
	bed_receive(&b, n, 77, &e);
	m.type = PEER_full_request;
	m.full_request.requester = e.m->sender;
	qspn_receive(q, 1, 77, 9, &m, bed_out(&b));
	CU_ASSERT_EQUAL(bed_out(&b)->n, 1);
	CU_ASSERT_TRUE(bed_out(&b)->v[0].kind == QSPN_ERROR && bed_out(&b)->v[0].call == 9);
	bed_out(&b)->n = 0;
	/* Answers to what was not asked, and after the end. */
	qspn_answer(q, 1, 1003, 12345, QSPN_ANSWERED, &e.msg, bed_out(&b));
	qspn_answer(q, 1, 77, 1, QSPN_ANSWERED, &e.msg, bed_out(&b));
	qspn_answer(q, 1, 1003, 0, QSPN_LINK_FAILED, NULL, bed_out(&b));
	CU_ASSERT_EQUAL(bed_out(&b)->n, 0);
	CU_ASSERT_PTR_NOT_NULL(arc_find(q, 1003));
	/* An answer that is no full ETP, or no ETP. */
	qspn_answer(q, 1, 1003, arc_find(q, 1003)->call, QSPN_ANSWERED, &e.msg, bed_out(&b));
	bed_done(&b, n);
	CU_ASSERT_PTR_NULL(arc_find(q, 1003));
	m.type = PEER_destroy;
	qspn_answer(q, 1, 1001, arc_find(q, 1001)->call, QSPN_ANSWERED, &m, bed_out(&b));
	bed_done(&b, n);
	CU_ASSERT_PTR_NULL(arc_find(q, 1001));
	CU_ASSERT_EQUAL(qspn_stats(q)->refused[QSPN_BAD_ANSWER], 3);
	CU_ASSERT_EQUAL(b.node[n].bad_links, 0);
	for (int i = 0; i < QSPN_REFUSALS; i++)
		CU_ASSERT_STRING_NOT_EQUAL(qspn_refusal_name(i), "?");
	CU_ASSERT_STRING_EQUAL(qspn_refusal_name(QSPN_REFUSALS), "?");
	bed_free(&b);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "X16 and every rule of 4.8, for ETPs", test_etps },
		{ "the same for answers", test_answers },
		{ "what is taken of a good message", test_taken },
		{ "one g-node of the sender instead of all", test_one },
		{ "marks of paths (A28)", test_marks },
		{ "the sender's address fits the arc", test_plausible },
		{ "other messages and answers that nobody asked for", test_other },
	};
	return TAP_RUN(tests);
}
