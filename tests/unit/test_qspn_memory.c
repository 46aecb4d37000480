/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The routing core without memory: a course of calls in which the first, the second, the
 * third … allocation fails.  A manager that has failed does nothing more and is freed whole
 * (the sanitizers would tell of a leak).
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/qspnbed.h"
#include "tests/unit/starve.h"
#include "tests/unit/tap.h"

static struct bed b;
static struct bed_etp e;
static struct qspn_out out;

enum { ARC_1 = 1001, ARC_2 = 1003, ARC_3 = 1005 };

static void
etp(struct qspn *q, uint32_t arc, const char *address, uint64_t seq, uint64_t cost)
{
	bool full = seq % 2 == 0;

	bed_etp(&b, &e, address, arc, full, seq);
	bed_etp_path(&b, &e, "0.3", "5", cost, 62, 1, 1);
	bed_etp_path(&b, &e, "1.1", "6", cost, 70 + arc % 7, 1, 2);
	bed_etp_path(&b, &e, "0.3 1.1 1.2", "5 6 7", cost_add(cost, cost), 80, 1, 2);
	qspn_receive(q, b.now += MS, arc, 0, &e.msg, &out);
}

/* Every kind of call at least once. */
static void
course(struct qspn *q)
{
	struct qspn_msg *m;
	struct peer_msg request = { .type = PEER_full_request };
	struct arc *a;

	qspn_arc_add(q, b.now, ARC_1, 1000, &out);
	qspn_arc_add(q, b.now, ARC_2, 1500, &out);
	etp(q, ARC_1, "0.1", 1, 300);
	etp(q, ARC_2, "0.2", 2, 400);
	a = arc_find(q, ARC_1);
	bed_etp(&b, &e, "0.1", ARC_1, true, 4);
	if (a != NULL)
		qspn_answer(q, b.now, ARC_1, a->call, QSPN_ANSWERED, &e.msg, &out);
	request.full_request.requester = e.m->sender;
	qspn_receive(q, b.now, ARC_1, 7, &request, &out);
	etp(q, ARC_1, "0.1", 5, 900);
	qspn_tick(q, b.now += SECOND, &out);
	etp(q, ARC_2, "0.2", 3, COST_DEAD);	/* its number: the whole is asked for */
	etp(q, ARC_2, "0.2", 5, COST_DEAD);
	qspn_arc_changed(q, b.now, ARC_1, 2000, &out);
	qspn_arc_add(q, b.now, ARC_3, 1500, &out);
	qspn_make_connectivity(q, b.now, 1, 2, 9, &out);
	etp(q, ARC_2, "0.2", 6, 400);
	qspn_tick(q, b.now += 20 * SECOND, &out);
	qspn_arc_remove(q, b.now, ARC_1, &out);
	qspn_prepare_destroy(q, b.now, 0, &out);
	qspn_make_real(q, b.now, 0, 0, 3, &out);
	qspn_exit_network(q, b.now, 1, &out);
	qspn_destroy(q, b.now, &out);
	qspn_tick(q, b.now += 700 * SECOND, &out);
	m = compose_request(q);
	if (m != NULL)
		qspn_msg_unref(m);
}

static void
enter(struct qspn *q)
{
	struct qspn_internal_arc in = { .arc = 1, .prev = ARC_2, .cost = 1500,
	    .peer = { { 2, 3 } } };
	struct qspn_external_arc ex = { 2, 700 };
	struct qspn_entry entry = { .address = { { 0, 3 } }, .guest_level = 1, .host_level = 2,
	    .internal = &in, .n_internal = 1, .external = &ex, .n_external = 1 };
	const char *err;
	struct qspn *n;

	if (arc_find(q, ARC_2) == NULL)
		return;		/* it failed early */
	entry.fp0 = q->fp[0];
	n = qspn_enter_net(&b.p, &b.rng, b.now, q, &entry, &out, &err);
	CU_ASSERT_TRUE(n != NULL || err != NULL || starved());
	if (n != NULL)
		etp(n, 2, "1.1", 2, 500);
	qspn_free(n);
}

/* False when the course came to its end before the allocation K. */
static bool
run(uint64_t k)
{
	struct fingerprint fp = fingerprint_node(2, 5, (const int32_t[]){ 0, 0 });
	struct naddr me = { { 0, 0 } };
	size_t n;
	struct qspn *q;

	b.now = 0;
	qspn_out_init(&out);
	starve(k);
	q = qspn_create_net(&b.p, &b.rng, 0, &me, &fp, &out);
	if (q != NULL) {
		course(q);
		enter(q);
		n = out.n;
		if (qspn_failed(q)) {
			starve_end();
			course(q);
			CU_ASSERT_EQUAL(out.n, n);
			CU_ASSERT_EQUAL(qspn_deadline(q), UINT64_MAX);
		}
	}
	starve_end();
	if (!starved()) {
		CU_ASSERT_PTR_NOT_NULL(arc_find(q, ARC_2));
		CU_ASSERT_TRUE(qspn_stats(q)->updates > 4);
		for (int i = 0; i < QSPN_REFUSALS; i++)
			CU_ASSERT_EQUAL(qspn_stats(q)->refused[i], 0);
	}
	CU_ASSERT_TRUE(q != NULL || starved());
	CU_ASSERT_TRUE(q == NULL || !qspn_failed(q) || starved());
	qspn_free(q);
	qspn_out_free(&out);
	return starved();
}

static void
course_of(uint32_t amendments)
{
	uint64_t k = 1;

	bed_init(&b, "4.4", 80);
	b.p.amendments = amendments;
	while (run(k))
		k++;
	tap_note("%u allocations, each failed once", (unsigned)k - 1);
	CU_ASSERT_TRUE(k > 100);
	bed_free(&b);
}

static void
test_memory(void)
{
	course_of(QSPN_PROFILE_R);
	course_of(QSPN_PROFILE_R & ~(uint32_t)QSPN_A4_PACING);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "memory fails once, anywhere", test_memory },
	};
	return TAP_RUN(tests);
}
