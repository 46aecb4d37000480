/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/calls.h"

#include "tests/unit/tap.h"

enum { TYPE = 17, OTHER = 2, LIMIT = 1000 };

static struct calls calls;
static uint64_t token;

static uint32_t
begin(uint64_t mark, uint64_t limit, uint64_t now)
{
	const struct call_out o = { .type = TYPE, .source = 3, .destination = 4, .token = mark,
		.limit = limit };

	return calls_begin(&calls, &o, now);
}

/* An answer as the other end sends it. */
static enum calls_match
answer(uint32_t id, uint8_t type, bool wait, uint64_t now)
{
	const struct call_in a = { id, type, 4, 3 };

	token = 0;
	return calls_end(&calls, &a, wait, now, &token);
}

static void
test_match(void)
{
	uint32_t a, b;

	calls_init(&calls);
	a = begin(71, LIMIT, 0);
	b = begin(72, LIMIT, 0);
	CU_ASSERT_EQUAL(a, 1);
	CU_ASSERT_EQUAL(b, 2);
	CU_ASSERT_EQUAL(answer(b, TYPE, false, 5), CALLS_MATCH);
	CU_ASSERT_EQUAL(token, 72);
	CU_ASSERT_EQUAL(answer(b, TYPE, false, 5), CALLS_UNKNOWN);
	CU_ASSERT_EQUAL(answer(3, TYPE, false, 5), CALLS_UNKNOWN);
	CU_ASSERT_EQUAL(answer(a, TYPE, false, 5), CALLS_MATCH);
	CU_ASSERT_EQUAL(token, 71);
	CU_ASSERT_EQUAL(calls_deadline(&calls), CALLS_NEVER);
	calls_free(&calls);
}

static void
test_wrong(void)
{
	const struct call_in from_elsewhere = { 1, TYPE, 5, 3 }, to_elsewhere = { 1, TYPE, 4, 5 };

	calls_init(&calls);
	CU_ASSERT_EQUAL(begin(1, LIMIT, 0), 1);
	CU_ASSERT_EQUAL(answer(1, OTHER, false, 0), CALLS_WRONG);
	CU_ASSERT_EQUAL(calls_end(&calls, &from_elsewhere, false, 0, &token), CALLS_WRONG);
	CU_ASSERT_EQUAL(calls_end(&calls, &to_elsewhere, false, 0, &token), CALLS_WRONG);
	/* It is still open. */
	CU_ASSERT_EQUAL(answer(1, TYPE, false, 0), CALLS_MATCH);
	calls_free(&calls);
}

static void
test_time(void)
{
	uint8_t type;

	calls_init(&calls);
	begin(1, 300, 100);
	begin(2, 200, 100);
	begin(3, 200, 100);
	begin(4, UINT64_MAX, 100);
	CU_ASSERT_EQUAL(calls_deadline(&calls), 300);
	CU_ASSERT_FALSE(calls_expire(&calls, 299, &type, &token));
	CU_ASSERT_TRUE(calls_expire(&calls, 300, &type, &token));
	CU_ASSERT_EQUAL(token, 2);
	CU_ASSERT_EQUAL(type, TYPE);
	CU_ASSERT_TRUE(calls_expire(&calls, 300, &type, &token));
	CU_ASSERT_EQUAL(token, 3);
	CU_ASSERT_FALSE(calls_expire(&calls, 300, &type, &token));
	CU_ASSERT_EQUAL(calls_deadline(&calls), 400);
	/* Late. */
	CU_ASSERT_EQUAL(answer(2, TYPE, false, 301), CALLS_UNKNOWN);
	CU_ASSERT_TRUE(calls_expire(&calls, 400, &type, &token));
	/* One without an end. */
	CU_ASSERT_EQUAL(calls_deadline(&calls), CALLS_NEVER);
	CU_ASSERT_FALSE(calls_expire(&calls, CALLS_NEVER - 1, &type, &token));
	calls_free(&calls);
}

static void
test_wait(void)
{
	uint8_t type;

	calls_init(&calls);
	begin(1, LIMIT, 0);
	CU_ASSERT_EQUAL(answer(1, TYPE, true, 900), CALLS_WAIT);
	CU_ASSERT_EQUAL(calls_deadline(&calls), 900 + LIMIT);
	CU_ASSERT_FALSE(calls_expire(&calls, LIMIT, &type, &token));
	CU_ASSERT_EQUAL(answer(1, OTHER, true, 900), CALLS_WRONG);
	CU_ASSERT_EQUAL(answer(2, TYPE, true, 900), CALLS_UNKNOWN);
	/* Nobody waits for ever. */
	for (unsigned i = 1; i < CALLS_WAITS; i++)
		CU_ASSERT_EQUAL(answer(1, TYPE, true, 900), CALLS_WAIT);
	CU_ASSERT_EQUAL(answer(1, TYPE, true, 900), CALLS_WRONG);
	CU_ASSERT_EQUAL(answer(1, TYPE, false, 900), CALLS_MATCH);
	calls_free(&calls);
}

static void
test_limit(void)
{
	calls_init(&calls);
	for (uint32_t i = 1; i <= CALLS_OPEN; i++) {
		const struct call_in in = { i, TYPE, 0, 0 };

		CU_ASSERT_EQUAL(begin(i, LIMIT, 0), i);
		CU_ASSERT_TRUE(calls_received(&calls, &in));
	}
	CU_ASSERT_EQUAL(begin(1, LIMIT, 0), 0);
	CU_ASSERT_FALSE(calls_received(&calls, &(struct call_in){ CALLS_OPEN + 1, TYPE, 0, 0 }));
	CU_ASSERT_TRUE(calls_answered(&calls, 7));
	CU_ASSERT_TRUE(calls_received(&calls, &(struct call_in){ CALLS_OPEN + 1, TYPE, 0, 0 }));
	calls_forget(&calls, 9);
	CU_ASSERT_EQUAL(answer(9, TYPE, false, 0), CALLS_UNKNOWN);
	CU_ASSERT_EQUAL(begin(1, LIMIT, 0), CALLS_OPEN + 1);
	calls_free(&calls);
}

/* Numbers go round, past 0 and past those that are open. */
static void
test_round(void)
{
	calls_init(&calls);
	CU_ASSERT_EQUAL(begin(1, LIMIT, 0), 1);
	calls.last_id = UINT32_MAX - 1;
	CU_ASSERT_EQUAL(begin(2, LIMIT, 0), UINT32_MAX);
	CU_ASSERT_EQUAL(begin(3, LIMIT, 0), 2);
	calls_free(&calls);
}

static void
test_owed(void)
{
	const struct call_in in = { 4711, TYPE, 8, 9 };

	calls_init(&calls);
	CU_ASSERT_PTR_NULL(calls_owed(&calls, 4711));
	CU_ASSERT_TRUE(calls_received(&calls, &in));
	CU_ASSERT_FALSE(calls_received(&calls, &in));
	CU_ASSERT_PTR_NOT_NULL_FATAL(calls_owed(&calls, 4711));
	CU_ASSERT_EQUAL(calls_owed(&calls, 4711)->source, 8);
	CU_ASSERT_TRUE(calls_answered(&calls, 4711));
	CU_ASSERT_FALSE(calls_answered(&calls, 4711));
	CU_ASSERT_PTR_NULL(calls_owed(&calls, 4711));
	calls_free(&calls);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "answers find their calls, in any order", test_match },
		{ "answers of another kind are wrong", test_wrong },
		{ "calls whose time is over, in the order of their ends", test_time },
		{ "waiting begins anew, not for ever", test_wait },
		{ "so many may be open, and no more", test_limit },
		{ "numbers go round", test_round },
		{ "what is owed is answered once", test_owed },
	};

	return TAP_RUN(tests);
}
