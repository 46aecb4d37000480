/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/rng.h"

#include <stddef.h>

#include "tests/unit/tap.h"

/* The published algorithm from the state 1, 2, 3, 4, computed by hand for two steps. */
static void
test_known(void)
{
	struct rng r = { { 1, 2, 3, 4 } };

	/* rotl(2 * 5, 7) * 9 */
	CU_ASSERT_EQUAL(rng_u64(&r), 11520);
	/* s1 is now 2 ^ 3 ^ 1 = 0 */
	CU_ASSERT_EQUAL(rng_u64(&r), 0);
	CU_ASSERT_EQUAL(rng_u64(&r), 1509978240);
}

/* splitmix64 of seed 0 begins with these published values. */
static void
test_seed(void)
{
	struct rng r;

	rng_init(&r, 0);
	CU_ASSERT_EQUAL(r.s[0], UINT64_C(0xe220a8397b1dcdaf));
	CU_ASSERT_EQUAL(r.s[1], UINT64_C(0x6e789e6aa1b965f4));
	CU_ASSERT_EQUAL(r.s[2], UINT64_C(0x06c45d188009454f));
	CU_ASSERT_EQUAL(r.s[3], UINT64_C(0xf88bb8a8724c81ec));
}

static void
test_streams(void)
{
	struct rng a, b, c;
	unsigned equal = 0, differ = 0;

	rng_init(&a, 42);
	rng_init(&b, 42);
	rng_init(&c, 43);
	for (int i = 0; i < 1000; i++) {
		uint64_t v = rng_u64(&a);

		equal += v == rng_u64(&b);
		differ += v != rng_u64(&c);
	}
	CU_ASSERT_EQUAL(equal, 1000);
	CU_ASSERT_EQUAL(differ, 1000);
}

static void
test_below(void)
{
	static const uint32_t bounds[] = { 1, 2, 3, 7, 10, 64 };
	struct rng r;
	unsigned low = 0;

	rng_init(&r, 7);
	for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++) {
		uint32_t n = bounds[b], seen[64] = { 0 };

		for (uint32_t i = 0; i < 10000 * n; i++) {
			uint32_t v = rng_below(&r, n);

			CU_ASSERT_FATAL(v < n);
			seen[v]++;
		}
		/* Ten times the standard deviation of 100. */
		for (uint32_t i = 0; i < n; i++)
			CU_ASSERT_TRUE(seen[i] > 9000 && seen[i] < 11000);
	}
	/* Two thirds of 2^32: taking the remainder would give the lower half twice as often. */
	for (unsigned i = 0; i < 30000; i++)
		low += rng_below(&r, 0xaaaaaaaaU) < 0x55555555U;
	CU_ASSERT_TRUE(low > 14000 && low < 16000);
	CU_ASSERT_TRUE(rng_below(&r, UINT32_MAX) < UINT32_MAX);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "known values", test_known },
		{ "known seeds", test_seed },
		{ "equal seeds, equal streams", test_streams },
		{ "bounded numbers are uniform", test_below },
	};

	return TAP_RUN(tests);
}
