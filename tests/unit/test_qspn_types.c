/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Costs, fingerprints, thresholds: spec/qspn 1.5, 1.6, 4.13, examples X1 and X17. */
#include <string.h>

#include "ntkd/core/qspn/int.h"
#include "tests/unit/tap.h"

static void
test_cost(void)
{
	static const uint64_t v[] = { COST_NULL, 1, 1000, COST_MAX, COST_DEAD };
	uint64_t cost, us;
	uint8_t kind;

	/* Null is below, dead above every measured cost. */
	for (size_t i = 0; i + 1 < 5; i++)
		CU_ASSERT_TRUE(v[i] < v[i + 1]);
	CU_ASSERT_EQUAL(cost_add(COST_NULL, 7), 7);
	CU_ASSERT_EQUAL(cost_add(7, COST_NULL), 7);
	CU_ASSERT_EQUAL(cost_add(COST_NULL, COST_NULL), COST_NULL);
	CU_ASSERT_EQUAL(cost_add(COST_DEAD, COST_NULL), COST_DEAD);
	CU_ASSERT_EQUAL(cost_add(7, COST_DEAD), COST_DEAD);
	CU_ASSERT_EQUAL(cost_add(COST_DEAD, COST_DEAD), COST_DEAD);
	CU_ASSERT_EQUAL(cost_add(3, 4), 7);
	CU_ASSERT_EQUAL(cost_add(COST_MAX, 1), COST_DEAD);
	CU_ASSERT_EQUAL(cost_add(COST_MAX - 1, 1), COST_MAX);
	for (size_t i = 0; i < 5; i++) {
		cost_write(v[i], &kind, &us);
		CU_ASSERT_TRUE(cost_read(kind, us, &cost) && cost == v[i]);
	}
	CU_ASSERT_FALSE(cost_read(PEER_COST_MEASURED, 0, &cost));
	CU_ASSERT_FALSE(cost_read(PEER_COST_MEASURED, COST_MAX + 1, &cost));
	CU_ASSERT_FALSE(cost_read(PEER_COST_MEASURED, UINT64_MAX, &cost));
	CU_ASSERT_FALSE(cost_read(3, 1, &cost));
}

static void
test_significant(void)
{
	CU_ASSERT_FALSE(cost_is_significant(2000, 2857));
	CU_ASSERT_TRUE(cost_is_significant(2000, 2858));
	CU_ASSERT_FALSE(cost_is_significant(2000, 1400));
	CU_ASSERT_TRUE(cost_is_significant(2000, 1399));
	CU_ASSERT_FALSE(cost_is_significant(COST_NULL, COST_NULL));
	CU_ASSERT_FALSE(cost_is_significant(COST_DEAD, COST_DEAD));
	CU_ASSERT_TRUE(cost_is_significant(COST_NULL, 1));
	CU_ASSERT_TRUE(cost_is_significant(1, COST_NULL));
	CU_ASSERT_TRUE(cost_is_significant(COST_DEAD, 1));
	CU_ASSERT_TRUE(cost_is_significant(1, COST_DEAD));
	CU_ASSERT_TRUE(cost_is_significant(COST_NULL, COST_DEAD));
	CU_ASSERT_FALSE(cost_is_significant(COST_MAX, COST_MAX));
	CU_ASSERT_FALSE(nodes_is_significant(10, 11));
	CU_ASSERT_TRUE(nodes_is_significant(10, 12));
	CU_ASSERT_FALSE(nodes_is_significant(10, 9));
	CU_ASSERT_TRUE(nodes_is_significant(10, 8));
	CU_ASSERT_FALSE(nodes_is_significant(12, 13));
	CU_ASSERT_TRUE(nodes_is_significant(0, 1));
	CU_ASSERT_FALSE(nodes_is_significant(UINT32_MAX, UINT32_MAX));
}

static void
is(const struct fingerprint *f, const char *text)
{
	char buf[FP_TEXT];

	CU_ASSERT_STRING_EQUAL(fingerprint_print(f, buf), text);
	if (strcmp(buf, text) != 0)
		tap_note("is %s, should be %s", buf, text);
}

static void
test_construct(void)
{
	struct fingerprint a = fingerprint_node(2, 100, (int32_t[]){ 0, 0 });
	struct fingerprint b = fingerprint_node(2, 200, (int32_t[]){ 1, 0 });
	struct fingerprint z = fingerprint_node(2, 6, (int32_t[]){ 0, 2 });
	const struct fingerprint *s[2] = { &a };
	struct fingerprint a1, b1, z1, z2, f;

	a1 = fingerprint_construct(&a, false, NULL, 0);
	is(&a1, "100 eld 0 seed 0");
	f = fingerprint_construct(&a1, false, NULL, 0);
	is(&f, "100 eld  seed 0,0");
	b1 = fingerprint_construct(&b, false, s, 1);
	is(&b1, "100 eld 0 seed 0");
	z1 = fingerprint_construct(&z, false, NULL, 0);
	is(&z1, "6 eld 2 seed 0");
	z2 = fingerprint_construct(&z1, false, NULL, 0);
	is(&z2, "6 eld  seed 2,0");
	s[0] = &a1;
	z2 = fingerprint_construct(&z1, false, s, 1);
	is(&z2, "100 eld  seed 0,0");
	/* A becomes of connectivity at level 0 (A7). */
	s[0] = &b;
	f = fingerprint_construct(&a, true, s, 1);
	is(&f, "200 eld 0 seed 1");
	f = fingerprint_construct(&b, false, NULL, 0);
	is(&f, "200 eld 0 seed 1");
	/* Alone, it still has a fingerprint; among nulls the smaller id. */
	f = fingerprint_construct(&a, true, NULL, 0);
	is(&f, "100 eld 0 seed null");
	fingerprint_set_eld(&b, 0, FP_NULL);
	f = fingerprint_construct(&a, true, s, 1);
	is(&f, "100 eld 0 seed null");
	/* Ties (A13). */
	b = fingerprint_node(2, 50, (int32_t[]){ 0, 0 });
	f = fingerprint_construct(&a, false, s, 1);
	is(&f, "50 eld 0 seed 0");
}

static struct fingerprint
seeded(uint64_t id, const int32_t *seed)
{
	struct fingerprint f = { .id = id, .level = 5, .levels = 6 };

	memcpy(f.v + 1, seed, 5 * sizeof(*seed));
	return f;
}

static void
test_compare(void)
{
	struct fingerprint x = seeded(11, (int32_t[]){ 0, 0, 0, 0, 0 });
	struct fingerprint y = seeded(12, (int32_t[]){ 0, 1, 0, 0, 0 });
	struct fingerprint n = seeded(13, (int32_t[]){ 0, FP_NULL, 0, 0, 0 });
	struct fingerprint t = seeded(9, (int32_t[]){ 0, 0, 0, 0, 0 });
	struct fingerprint again = x;

	CU_ASSERT_TRUE(fingerprint_elder(&x, &y) < 0);
	CU_ASSERT_TRUE(fingerprint_elder(&y, &x) > 0);
	CU_ASSERT_TRUE(fingerprint_elder(&y, &n) < 0);	/* null is the youngest */
	CU_ASSERT_TRUE(fingerprint_elder(&n, &x) > 0);
	CU_ASSERT_TRUE(fingerprint_elder(&t, &x) < 0);	/* a tie: the smaller id */
	CU_ASSERT_TRUE(fingerprint_elder(&x, &again) == 0);
	again.v[0] = 7;
	CU_ASSERT_TRUE(fingerprint_same(&x, &again));
	CU_ASSERT_FALSE(fingerprint_equal(&x, &again));
	CU_ASSERT_EQUAL(fingerprint_eld(&again, 0), 7);
	CU_ASSERT_EQUAL(fingerprint_seed(&y, 1), 1);
	CU_ASSERT_FALSE(fingerprint_same(&x, &y));
}

static void
test_isqrt(void)
{
	static const uint32_t w[][3] = { { 0, 0, 0 }, { 1, 1, 0 }, { 2, 2, 1 }, { 10, 4, 2 },
	    { 100, 15, 7 }, { 3000, 82, 41 } };

	CU_ASSERT_EQUAL(isqrt(0), 0);
	CU_ASSERT_EQUAL(isqrt(24), 4);
	CU_ASSERT_EQUAL(isqrt(25), 5);
	CU_ASSERT_EQUAL(isqrt(UINT64_C(9) * UINT32_MAX), 196607);
	CU_ASSERT_EQUAL(isqrt(UINT64_MAX), UINT32_MAX);
	for (size_t i = 0; i < sizeof(w) / sizeof(w[0]); i++) {
		CU_ASSERT_EQUAL(isqrt(UINT64_C(9) * w[i][0]) / 2, w[i][1]);
		CU_ASSERT_EQUAL(isqrt(UINT64_C(9) * w[i][0]) / 4, w[i][2]);
	}
}

static void
test_threshold(void)
{
	/* X17, in ten-thousandths. */
	static const uint32_t want[8][7] = {
		{ 6000, 5670, 5340, 4680, 3690, 3030, 2700 },
		{ 6000, 5610, 5220, 4440, 3270, 2490, 2100 },
		{ 6000, 5562, 5124, 4248, 2934, 2058, 1620 },
		{ 6000, 5520, 5040, 4080, 2640, 1680, 1200 },
		{ 6000, 5490, 4980, 3960, 2430, 1410, 901 },
		{ 6000, 5472, 4944, 3888, 2304, 1248, 721 },
		{ 6000, 5460, 4920, 3840, 2220, 1140, 601 },
		{ 6000, 5448, 4896, 3792, 2136, 1032, 481 },
	};
	static const uint32_t size[7][2] = { { 1, 9 }, { 10, 24 }, { 25, 74 }, { 75, 249 },
	    { 250, 749 }, { 750, 2999 }, { 3000, UINT32_MAX } };

	for (unsigned v = 1; v <= 8; v++)
		for (size_t s = 0; s < 7; s++)
			for (size_t e = 0; e < 2; e++) {
				uint32_t t = adapted_threshold(600000, v, size[s][e]);

				CU_ASSERT_EQUAL((t + 50) / 100, want[v - 1][s]);
			}
	CU_ASSERT_EQUAL(adapted_threshold(600000, 0, 100), adapted_threshold(600000, 8, 100));
	CU_ASSERT_EQUAL(adapted_threshold(600000, 50, 100), adapted_threshold(600000, 8, 100));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "costs: order, sums, both forms (1.6)", test_cost },
		{ "what is a significant change (1.6, 4.10)", test_significant },
		{ "X1: fingerprints of g-nodes, null is the youngest (A7), ties (A13)", test_construct },
		{ "X1: which report is the elder", test_compare },
		{ "weights by integer roots", test_isqrt },
		{ "X17: adapted threshold", test_threshold },
	};
	return TAP_RUN(tests);
}
