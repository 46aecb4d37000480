/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/heap.h"

#include <stdlib.h>

#include "common/rng.h"
#include "tests/unit/tap.h"

static void
test_empty(void)
{
	struct heap h;
	struct heap_event e;

	heap_init(&h);
	CU_ASSERT_FALSE(heap_peek(&h, &e));
	heap_free(&h);
	CU_ASSERT_PTR_NULL(h.v);
}

/* Many events at few times: each time's come out as they were put in. */
static void
test_order(void)
{
	enum { N = 5000, TIMES = 37 };
	struct heap h;
	struct rng rng;
	uint64_t last = 0;
	uintptr_t last_what = 0;
	static uint64_t at[N];

	rng_init(&rng, 5);
	heap_init(&h);
	for (uintptr_t i = 0; i < N; i++) {
		at[i] = rng_below(&rng, TIMES);
		CU_ASSERT_TRUE_FATAL(heap_put(&h, at[i], (void *)(i + 1)));
	}
	for (unsigned i = 0; i < N; i++) {
		struct heap_event peeked, e;
		uintptr_t what;

		CU_ASSERT_TRUE_FATAL(heap_peek(&h, &peeked));
		e = heap_take(&h);
		what = (uintptr_t)e.what;
		CU_ASSERT_PTR_EQUAL(peeked.what, e.what);
		CU_ASSERT_EQUAL(e.at, at[what - 1]);
		CU_ASSERT_TRUE(i == 0 || e.at > last || (e.at == last && what > last_what));
		last = e.at;
		last_what = what;
	}
	CU_ASSERT_EQUAL(h.n, 0);
	heap_free(&h);
}

/* As the simulator uses it: what is put in while others are taken out. */
static void
test_mixed(void)
{
	struct heap h;
	struct rng rng;
	uint64_t now = 0, taken = 0;

	rng_init(&rng, 6);
	heap_init(&h);
	for (unsigned i = 0; i < 20000; i++) {
		if (h.n == 0 || rng_below(&rng, 3) != 0 || i < 100) {
			CU_ASSERT_TRUE_FATAL(heap_put(&h, now + rng_below(&rng, 50), NULL));
			continue;
		}
		struct heap_event e = heap_take(&h);

		CU_ASSERT_TRUE(e.at >= now);
		now = e.at;
		taken++;
	}
	CU_ASSERT_TRUE(taken > 5000);
	while (h.n != 0) {
		struct heap_event e = heap_take(&h);

		CU_ASSERT_TRUE(e.at >= now);
		now = e.at;
	}
	heap_free(&h);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "an empty heap", test_empty },
		{ "by time, then by order of putting in", test_order },
		{ "never back in time while more is put in", test_mixed },
	};

	return TAP_RUN(tests);
}
