/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The identities module without memory: a course of calls in which the first, the second, the
 * third … allocation fails.  A manager that has failed does nothing more and is freed whole
 * (the sanitizers would tell of a leak).
 */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/ident/ident.h"
#include "tests/unit/starve.h"
#include "tests/unit/tap.h"

enum { SEC = 1000000, ARCS = 40, PEER = 1000 };

static struct ident *x;
static struct ident_out out;
static uint64_t now;

static ntk_mac_t
mac_of(unsigned n)
{
	return (ntk_mac_t){ { 2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

static ntk_ip_t
linklocal_of(unsigned n)
{
	return 0xa9fe0101 + (n / 200) * 256 + n % 200;
}

/* Every call that is open, answered as a neighbour would. */
static void
answer_all(void)
{
	/* Answers may lead to calls. */
	for (size_t i = 0; i < out.n; i++) {
		struct ident_action a = out.v[i];
		struct peer_msg m = { .type = PEER_iarc_gone };
		struct peer_match e[PEER_IDENTITIES];

		if (a.kind != IDENT_CALL)
			continue;
		if (a.msg->type == PEER_get_main_id) {
			m.type = PEER_main_id;
			m.main_id.main = PEER + a.arc;
		} else if (a.msg->type == PEER_match_duplication) {
			m.type = PEER_matched;
			m.matched.matches.v = e;
			m.matched.matches.n = a.msg->match_duplication.peers.n;
			for (size_t k = 0; k < m.matched.matches.n; k++) {
				e[k] = (struct peer_match){
				    .peer = a.msg->match_duplication.peers.v[k],
				    .status = (uint8_t)(1 + a.arc % 2), .made = 5000 + a.arc,
				    .mac = { 2, 1, 0, 0, 0, (uint8_t)a.arc },
				    .linklocal = linklocal_of(800 + a.arc) };
			}
		}
		ident_answer(x, now, a.arc, a.call, IDENT_ANSWERED, 0, &m, &out);
	}
	ident_out_empty(&out);
}

static void
receive_match(uint32_t arc, uint32_t migration)
{
	const uint32_t peers[] = { ident_main(x), 77 };
	struct peer_msg m = { .type = PEER_match_duplication };

	m.match_duplication = (struct peer_match_duplication){ .migration = migration,
	    .old = PEER + arc, .made = 3000 + arc, .mac = { 2, 2, 0, 0, 0, (uint8_t)arc },
	    .linklocal = linklocal_of(900 + arc), .peers = { peers, 2 } };
	ident_receive(x, now, arc, 9, &m, &out);
}

/* Every kind of call at least once, and every list long enough to grow. */
static void
course(void)
{
	ntk_mac_t mac[CONF_INTERFACES] = { { { 2, 9, 9, 9, 9, 9 } } };
	struct peer_msg m = { .type = PEER_get_main_id, .get_main_id = { 5 } };
	uint32_t old = ident_main(x), index;
	unsigned ns;

	ident_reserve(x, &ns, &index);
	ident_dev_add(x, now, 0, mac_of(1), linklocal_of(1), &out);
	for (uint32_t i = 1; i <= ARCS; i++)
		ident_arc_add(x, now, i, 0, mac_of(100 + i), linklocal_of(100 + i), &out);
	answer_all();
	ident_iarc_add(x, now, 1, old, 88, mac_of(700), linklocal_of(700), &out);
	for (uint32_t i = 1; i <= 40; i++)
		ident_prepare(x, now, i, old, &out);
	receive_match(3, 7);
	ident_duplicate(x, now, 7, old, NULL, &out);
	ident_ns_made(x, now, ns + 1, mac, &out);
	ident_ns_complete(x, now, ns + 1, &out);
	answer_all();
	receive_match(4, 1000);
	ident_receive(x, now, 5, 9, &m, &out);
	ident_receive(x, now, 500, 9, &m, &out);
	receive_match(500, 1);
	ident_iarc_remove(x, now, 1, ident_main(x), PEER + 1, true, &out);
	ident_tick(x, now += 20 * SEC, &out);
	answer_all();
	ident_tick(x, now += 80 * (uint64_t)SEC, &out);
	answer_all();
	ident_remove(x, now, old, &out);
	answer_all();
	ident_ns_gone(x, now, ns + 1, &out);
	ident_arc_remove(x, now, 6, &out);
	ident_dev_remove(x, now, 0, &out);
	ident_tick(x, now += 700 * (uint64_t)SEC, &out);
}

/* False when the course came to its end before the allocation K. */
static bool
run(uint64_t k)
{
	struct ident_params p;
	struct rng rng;
	size_t n;

	now = SEC;
	ident_params_default(&p);
	rng_init(&rng, 5);
	ident_out_init(&out);
	starve(k);
	x = ident_new(&p, &rng, NULL, NULL);
	if (x != NULL) {
		course();
		if (ident_failed(x)) {
			starve_end();
			n = out.n;
			course();
			CU_ASSERT_EQUAL(ident_deadline(x), UINT64_MAX);
			CU_ASSERT_TRUE(out.n <= n);
		}
	}
	starve_end();
	if (!starved()) {
		char why[200];

		CU_ASSERT_TRUE(ident_invariant(x, why, sizeof(why)));
		CU_ASSERT_EQUAL(ident_stats(x)->duplications, 1);
		CU_ASSERT_EQUAL(ident_identities(x), 1);
		CU_ASSERT_TRUE(ident_stats(x)->neighbour_duplications != 0);
	}
	CU_ASSERT_TRUE(x != NULL || starved());
	CU_ASSERT_TRUE(x == NULL || ident_failed(x) == starved());
	ident_free(x);
	ident_out_free(&out);
	return starved();
}

static void
test_memory(void)
{
	uint64_t k = 1;

	while (run(k))
		k++;
	tap_note("%u allocations, each failed once", (unsigned)k - 1);
	CU_ASSERT_TRUE(k > 300);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "memory fails once, anywhere", test_memory },
	};

	return TAP_RUN(tests);
}
