/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/tbf.h"

#include "tests/unit/tap.h"

enum { SECOND = 1000000 };

/* How many of N pass at NOW. */
static unsigned
pass(struct tbf *t, uint64_t now, unsigned n)
{
	unsigned passed = 0;

	while (n-- > 0)
		passed += tbf_pass(t, now);
	return passed;
}

static void
test_burst(void)
{
	struct tbf t;

	tbf_init(&t, 20, 1, 5 * SECOND);
	CU_ASSERT_EQUAL(pass(&t, 5 * SECOND, 100), 20);
	CU_ASSERT_EQUAL(t.refused, 80);
	CU_ASSERT_EQUAL(pass(&t, 6 * SECOND - 1, 1), 0);
	CU_ASSERT_EQUAL(pass(&t, 6 * SECOND, 10), 1);
	CU_ASSERT_EQUAL(t.refused, 90);
	CU_ASSERT_EQUAL(pass(&t, 9 * SECOND, 10), 3);
}

/* However finely time is cut, the rate is the same. */
static void
test_rate(void)
{
	struct tbf t;
	unsigned passed = 0;

	tbf_init(&t, 3, 7, 0);
	CU_ASSERT_EQUAL(pass(&t, 0, 3), 3);
	for (uint64_t now = 0; now <= 10 * SECOND; now += 333)
		passed += tbf_pass(&t, now);
	CU_ASSERT_EQUAL(passed, 69);
}

static void
test_limits(void)
{
	struct tbf t;

	tbf_init(&t, UINT32_MAX, UINT32_MAX, 0);
	CU_ASSERT_EQUAL(pass(&t, UINT64_MAX, 1000), 1000);
	tbf_init(&t, 2, UINT32_MAX, 0);
	CU_ASSERT_EQUAL(pass(&t, 0, 5), 2);
	CU_ASSERT_EQUAL(pass(&t, UINT64_MAX, 5), 2);
	tbf_init(&t, 2, 0, 0);
	CU_ASSERT_EQUAL(pass(&t, 0, 5), 2);
	CU_ASSERT_EQUAL(pass(&t, UINT64_MAX, 5), 0);
	tbf_init(&t, 0, 9, 0);
	CU_ASSERT_EQUAL(pass(&t, UINT64_MAX, 5), 0);
}

static void
test_backwards(void)
{
	struct tbf t;

	tbf_init(&t, 1, 1, 10 * SECOND);
	CU_ASSERT_TRUE(tbf_pass(&t, 10 * SECOND));
	CU_ASSERT_FALSE(tbf_pass(&t, 5 * SECOND));
	CU_ASSERT_FALSE(tbf_pass(&t, 10 * SECOND));
	CU_ASSERT_FALSE(tbf_pass(&t, 10 * SECOND + SECOND / 2));
	CU_ASSERT_TRUE(tbf_pass(&t, 11 * SECOND));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "lets a burst through, then the rate", test_burst },
		{ "keeps the rate however time is cut", test_rate },
		{ "extreme numbers", test_limits },
		{ "time that runs backwards adds nothing", test_backwards },
	};

	return TAP_RUN(tests);
}
