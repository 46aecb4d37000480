/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/kset.h"

#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "tests/unit/tap.h"

static const ntk_mac_t low = { { 0, 0, 0, 0, 0, 1 } };
static const ntk_mac_t high = { { 2, 0, 0, 0, 0, 0 } };

/* Keys in their order: kind first, then every member that a key has. */
static const struct kobj ordered[] = {
	{ .kind = KOBJ_NS },
	{ .kind = KOBJ_DEV },
	{ .kind = KOBJ_DEV, .dev = 1 },
	{ .kind = KOBJ_ADDR, .dev = 0, .addr = 9 },
	{ .kind = KOBJ_ADDR, .dev = KOBJ_LO, .addr = 1 },
	{ .kind = KOBJ_NEIGH, .addr = 1 },
	{ .kind = KOBJ_ROUTE, .addr = 0x0a000000, .len = 8 },
	{ .kind = KOBJ_ROUTE, .addr = 0x0a000000, .len = 9 },
	{ .kind = KOBJ_ROUTE, .addr = 0x0a000010, .len = 8 },
	{ .kind = KOBJ_ROUTE, .mac = { { 0, 0, 0, 0, 0, 1 } }, .addr = 1, .len = 32 },
	{ .kind = KOBJ_ROUTE, .mac = { { 2, 0, 0, 0, 0, 0 } }, .addr = 0, .len = 32 },
	{ .kind = KOBJ_MARK, .mac = { { 0, 0, 0, 0, 0, 1 } } },
	{ .kind = KOBJ_RULE },
	{ .kind = KOBJ_NAT, .nat = PRIV_NAT_SOURCE, .addr = 7, .len = 1 },
	{ .kind = KOBJ_NAT, .nat = PRIV_NAT_MAP_OUT, .addr = 1, .len = 1, .match_src = 3 },
	{ .kind = KOBJ_NAT, .nat = PRIV_NAT_MAP_OUT, .addr = 1, .len = 1, .match_src = 3, .src_len = 2 },
};
enum { N = sizeof(ordered) / sizeof(ordered[0]) };

static int
sign(int x)
{
	return (x > 0) - (x < 0);
}

static void
test_cmp(void)
{
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			CU_ASSERT_EQUAL(sign(kobj_cmp(&ordered[i], &ordered[j])), sign(i - j));
}

static void
test_value(void)
{
	const struct kobj a = { .kind = KOBJ_ROUTE, .type = 1, .via_dev = 1, .to_len = 1, .via = 1,
		.src = 1 };
	struct kobj b = a;

	b.addr = 5;
	CU_ASSERT_TRUE(kobj_same_value(&a, &b));
	b = a, b.type = 2;
	CU_ASSERT_FALSE(kobj_same_value(&a, &b));
	b = a, b.via_dev = 2;
	CU_ASSERT_FALSE(kobj_same_value(&a, &b));
	b = a, b.to_len = 2;
	CU_ASSERT_FALSE(kobj_same_value(&a, &b));
	b = a, b.via = 2;
	CU_ASSERT_FALSE(kobj_same_value(&a, &b));
	b = a, b.src = 2;
	CU_ASSERT_FALSE(kobj_same_value(&a, &b));
}

/* Adds the ordered objects in some order. */
static void
shuffled(struct kset *s, uint64_t seed)
{
	struct kobj v[N];
	struct rng r;

	memcpy(v, ordered, sizeof(v));
	rng_init(&r, seed);
	for (uint32_t i = N; i > 1; i--) {
		uint32_t j = rng_below(&r, i);
		struct kobj o = v[i - 1];

		v[i - 1] = v[j];
		v[j] = o;
	}
	kset_init(s);
	for (size_t i = 0; i < N; i++)
		kset_add(s, &v[i]);
}

static void
test_sort_and_find(void)
{
	const struct kobj absent = { .kind = KOBJ_ADDR, .dev = 3 };
	struct kset s, t;

	for (uint64_t seed = 0; seed < 20; seed++) {
		shuffled(&s, seed);
		CU_ASSERT_TRUE(kset_sort(&s));
		for (size_t i = 0; i < N; i++) {
			CU_ASSERT_EQUAL(kobj_cmp(&s.v[i], &ordered[i]), 0);
			CU_ASSERT_PTR_EQUAL(kset_find(&s, &ordered[i]), &s.v[i]);
		}
		CU_ASSERT_PTR_NULL(kset_find(&s, &absent));
		shuffled(&t, seed + 100);
		CU_ASSERT_TRUE(kset_sort(&t));
		CU_ASSERT_TRUE(kset_equal(&s, &t));
		t.v[4].src++;
		CU_ASSERT_FALSE(kset_equal(&s, &t));
		t.v[4].src--;
		t.n--;
		CU_ASSERT_FALSE(kset_equal(&s, &t));
		kset_free(&s);
		kset_free(&t);
	}
	kset_init(&s);
	CU_ASSERT_TRUE(kset_sort(&s));
	CU_ASSERT_PTR_NULL(kset_find(&s, &absent));
}

static void
test_twice(void)
{
	struct kset s;

	shuffled(&s, 1);
	kset_add(&s, &ordered[7]);
	CU_ASSERT_FALSE(kset_sort(&s));
	kset_empty(&s);
	CU_ASSERT_TRUE(kset_sort(&s));
	CU_ASSERT_EQUAL(s.n, 0);
	kset_free(&s);
}

static void
test_macs_keep_their_order(void)
{
	struct kset s, copy;
	struct kobj o = { .kind = KOBJ_MARK, .mac = high };

	kset_init(&s);
	kset_add(&s, &o);
	o.mac = low;
	kset_add(&s, &o);
	o.kind = KOBJ_RULE;
	o.mac = high;
	kset_add(&s, &o);
	o.mac = KOBJ_NTK;
	kset_add(&s, &o);
	CU_ASSERT_TRUE(kset_sort(&s));
	CU_ASSERT_TRUE(kset_copy(&copy, &s));
	kset_empty(&s);
	CU_ASSERT_EQUAL(s.n_macs, 0);
	kset_swap(&s, &copy);
	CU_ASSERT_EQUAL(copy.n, 0);
	CU_ASSERT_EQUAL_FATAL(s.n_macs, 2);
	CU_ASSERT_EQUAL(mac_cmp(s.macs[0], high), 0);
	CU_ASSERT_EQUAL(mac_cmp(s.macs[1], low), 0);
	kset_free(&s);
	kset_free(&copy);
}

static void
test_limit(void)
{
	struct kset s;

	kset_init(&s);
	for (uint32_t i = 0; i <= KSET_OBJECTS; i++)
		kset_add(&s, &(struct kobj){ .kind = KOBJ_ROUTE, .addr = i, .len = 32 });
	CU_ASSERT_TRUE(s.failed);
	CU_ASSERT_EQUAL(s.n, KSET_OBJECTS);
	CU_ASSERT_FALSE(kset_sort(&s));
	kset_free(&s);
	CU_ASSERT_FALSE(s.failed);
}

static void
test_copy_of_nothing(void)
{
	struct kset s, copy;

	kset_init(&s);
	CU_ASSERT_TRUE(kset_copy(&copy, &s));
	CU_ASSERT_EQUAL(copy.n, 0);
	kset_add(&copy, &ordered[0]);
	kset_add(&copy, &ordered[11]);
	CU_ASSERT_TRUE(kset_sort(&copy));
	CU_ASSERT_EQUAL(copy.n, 2);
	kset_free(&copy);
	kset_free(&s);
}

static void
test_print(void)
{
	static const struct {
		struct kobj o;
		const char *text;
	} cases[] = {
		{ { .kind = KOBJ_NS }, "namespace" },
		{ { .kind = KOBJ_DEV, .dev = 2 }, "dev 2" },
		{ { .kind = KOBJ_ADDR, .dev = KOBJ_LO, .addr = 0x0a000020 }, "address 10.0.0.32 dev lo" },
		{ { .kind = KOBJ_NEIGH, .addr = 0xa9fe1bda, .src = 0xa9fe5edf },
			"neighbour 169.254.27.218 dev 0 src 169.254.94.223" },
		{ { .kind = KOBJ_ROUTE, .addr = 0x0a000000, .len = 29,
			.type = PRIV_ROUTE_UNREACHABLE }, "route ntk 10.0.0.0/29 unreachable" },
		{ { .kind = KOBJ_ROUTE, .mac = { { 0, 0x16, 0x3e, 0x5b, 0x78, 0xd5 } },
			.addr = 0x0a000000, .len = 29, .type = PRIV_ROUTE_BLACKHOLE },
			"route 00:16:3e:5b:78:d5 10.0.0.0/29 blackhole" },
		{ { .kind = KOBJ_ROUTE, .addr = 0x0a000010, .len = 30, .type = PRIV_ROUTE_UNICAST,
			.via_dev = 1, .via = 0xa9fe1bda }, "route ntk 10.0.0.16/30 via 169.254.27.218 dev 1" },
		{ { .kind = KOBJ_ROUTE, .addr = 0x0a000010, .len = 30, .type = PRIV_ROUTE_UNICAST,
			.via_dev = 1, .via = 0xa9fe1bda, .src = 0x0a000012 },
			"route ntk 10.0.0.16/30 via 169.254.27.218 dev 1 src 10.0.0.18" },
		{ { .kind = KOBJ_MARK, .mac = { { 0, 0x16, 0x3e, 0x5b, 0x78, 0xd5 } } },
			"mark 00:16:3e:5b:78:d5" },
		{ { .kind = KOBJ_RULE }, "rule ntk" },
		{ { .kind = KOBJ_NAT, .nat = PRIV_NAT_SOURCE, .addr = 0x0a000040, .len = 27,
			.via = 0x0a000012, .to_len = 32 }, "source-nat to 10.0.0.64/27 as 10.0.0.18" },
		{ { .kind = KOBJ_NAT, .nat = PRIV_NAT_MAP_IN, .addr = 0x0a000032, .len = 31,
			.via = 0x0a000028, .to_len = 31 }, "map-in 10.0.0.50/31 to 10.0.0.40/31" },
		{ { .kind = KOBJ_NAT, .nat = PRIV_NAT_MAP_OUT, .match_src = 0x0a000028, .src_len = 31,
			.addr = 0x0a000030, .len = 30, .via = 0x0a000032, .to_len = 31 },
			"map-out 10.0.0.40/31 to 10.0.0.48/30 as 10.0.0.50/31" },
		{ { .kind = 77 }, "?" },
	};
	char buf[KOBJ_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_STRING_EQUAL(kobj_print(&cases[i].o, buf), cases[i].text);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "keys have an order", test_cmp },
		{ "values are compared without the key", test_value },
		{ "sorts and finds", test_sort_and_find },
		{ "a key that stands twice", test_twice },
		{ "MACs keep the order of their appearance", test_macs_keep_their_order },
		{ "has a limit", test_limit },
		{ "copies nothing", test_copy_of_nothing },
		{ "prints", test_print },
	};

	return TAP_RUN(tests);
}
