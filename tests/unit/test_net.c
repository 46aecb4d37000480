/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/net.h"

#include <string.h>

#include "tests/unit/tap.h"

static void
test_ip(void)
{
	static const struct {
		const char *text;
		ntk_ip_t addr;
	} good[] = {
		{ "0.0.0.0", 0 }, { "10.58.123.45", 0x0a3a7b2d }, { "255.255.255.255", 0xffffffff },
		{ "1.2.3.4", 0x01020304 },
	};
	static const char *const bad[] = {
		"", ".", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "01.2.3.4", "1.2.3.04",
		"256.1.1.1", "1.1.1.1000", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4/8", "-1.2.3.4",
		"1..2.3",
		"0x1.2.3.4", "1.2.3.a", "+1.2.3.4",
	};
	ntk_ip_t addr;
	char buf[IP_TEXT];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CU_ASSERT_TRUE(ip_parse(good[i].text, &addr));
		CU_ASSERT_EQUAL(addr, good[i].addr);
		CU_ASSERT_STRING_EQUAL(ip_print(addr, buf), good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		addr = 77;
		CU_ASSERT_FALSE(ip_parse(bad[i], &addr));
		CU_ASSERT_EQUAL(addr, 77);
	}
}

static void
test_prefix(void)
{
	static const char *const good[] = {
		"0.0.0.0/0", "10.0.0.0/8", "10.0.0.40/31", "10.0.0.41/32", "128.0.0.0/1",
		"255.255.255.255/32",
	};
	static const char *const bad[] = {
		"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/31", "10.0.0.0/08",
		"11.0.0.0/7", "10.0.0.0/8 ", "10.0.0/8", "10.0.0.0/-1", "1.0.0.0/0", "10.0.0.0/8/8",
		"10.0.0.0//8",
	};
	ntk_prefix_t p;
	char buf[PREFIX_TEXT];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CU_ASSERT_TRUE(prefix_parse(good[i], &p));
		CU_ASSERT_STRING_EQUAL(prefix_print(p, buf), good[i]);
		CU_ASSERT_TRUE(prefix_is_aligned(p));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(prefix_parse(bad[i], &p));
	CU_ASSERT_EQUAL(strlen("255.255.255.255/32") + 1, PREFIX_TEXT);
	CU_ASSERT_FALSE(prefix_is_aligned((ntk_prefix_t){ 0x0a000001, 31 }));
	CU_ASSERT_FALSE(prefix_is_aligned((ntk_prefix_t){ 1, 0 }));
	CU_ASSERT_FALSE(prefix_is_aligned((ntk_prefix_t){ 0, 33 }));
}

static void
test_masks(void)
{
	CU_ASSERT_EQUAL(prefix_mask(0), 0);
	CU_ASSERT_EQUAL(prefix_mask(1), 0x80000000);
	CU_ASSERT_EQUAL(prefix_mask(8), 0xff000000);
	CU_ASSERT_EQUAL(prefix_mask(31), 0xfffffffe);
	CU_ASSERT_EQUAL(prefix_mask(32), 0xffffffff);
}

/* Every pair of prefixes of a small space, against a comparison address by address. */
static void
test_contain(void)
{
	enum { BITS = 4, BASE = 32 - BITS };
	unsigned pairs = 0;

	for (uint8_t la = 0; la <= BITS; la++)
	for (uint8_t lb = 0; lb <= BITS; lb++)
	for (ntk_ip_t a = 0; a < 1U << BITS; a += 1U << (BITS - la))
	for (ntk_ip_t b = 0; b < 1U << BITS; b += 1U << (BITS - lb)) {
		ntk_prefix_t pa = { a, (uint8_t)(BASE + la) }, pb = { b, (uint8_t)(BASE + lb) };
		bool inside = true, common = false;

		for (ntk_ip_t x = 0; x < 1U << BITS; x++) {
			bool in_a = x >= a && x < a + (1U << (BITS - la));
			bool in_b = x >= b && x < b + (1U << (BITS - lb));

			CU_ASSERT_EQUAL(prefix_has_ip(pa, x), in_a);
			inside = inside && (in_a || !in_b);
			common = common || (in_a && in_b);
		}
		CU_ASSERT_EQUAL(prefix_has(pa, pb), inside);
		CU_ASSERT_EQUAL(prefix_overlaps(pa, pb), common);
		pairs++;
	}
	CU_ASSERT_EQUAL(pairs, 31 * 31);
}

static void
test_order(void)
{
	static const ntk_prefix_t sorted[] = {
		{ 0, 0 }, { 0x0a000000, 8 }, { 0x0a000000, 9 }, { 0x0a000001, 32 },
		{ 0xff000000, 8 },
	};
	size_t n = sizeof(sorted) / sizeof(sorted[0]);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			int want = (i > j) - (i < j);
			int got = prefix_cmp(sorted[i], sorted[j]);

			CU_ASSERT_EQUAL((got > 0) - (got < 0), want);
		}
}

static void
test_mac(void)
{
	static const char *const bad[] = {
		"", "00:16:3e:5b:78", "00:16:3e:5b:78:d5:", "00:16:3e:5b:78:d5:00",
		"0:16:3e:5b:78:d5",
		"00-16-3e-5b-78-d5", "00:16:3e:5b:78:dg", "00163e5b78d5", " 00:16:3e:5b:78:d5",
		"00:16:3e:5b:78:d5 ", "00:16:3e:5b:78:d", "00:16:3e:5b::d5",
	};
	ntk_mac_t mac, other;
	char buf[MAC_TEXT];

	CU_ASSERT_TRUE(mac_parse("00:16:3E:5b:78:d5", &mac));
	CU_ASSERT_STRING_EQUAL(mac_print(mac, buf), "00:16:3e:5b:78:d5");
	CU_ASSERT_STRING_EQUAL(mac_print_upper(mac, buf), "00:16:3E:5B:78:D5");
	CU_ASSERT_TRUE(mac_is_unicast(mac));
	CU_ASSERT_TRUE(mac_parse("00:16:3e:5b:78:d6", &other));
	CU_ASSERT_TRUE(mac_cmp(mac, other) < 0);
	CU_ASSERT_TRUE(mac_cmp(other, mac) > 0);
	CU_ASSERT_EQUAL(mac_cmp(mac, mac), 0);
	CU_ASSERT_TRUE(mac_parse("00:00:00:00:00:00", &mac));
	CU_ASSERT_FALSE(mac_is_unicast(mac));
	CU_ASSERT_TRUE(mac_parse("FF:ff:FF:ff:FF:ff", &mac));
	CU_ASSERT_FALSE(mac_is_unicast(mac));
	CU_ASSERT_TRUE(mac_parse("01:00:5e:00:00:01", &mac));
	CU_ASSERT_FALSE(mac_is_unicast(mac));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(mac_parse(bad[i], &mac));
}

static void
test_linklocal(void)
{
	static const struct {
		const char *text;
		bool usable;
	} cases[] = {
		{ "169.254.1.1", true }, { "169.254.254.254", true }, { "169.254.96.141", true },
		{ "169.254.0.1", false }, { "169.254.255.1", false }, { "169.254.1.0", false },
		{ "169.254.1.255", false }, { "169.254.169.254", false },
		{ "169.254.169.253", true },
		{ "169.254.168.254", true }, { "169.253.1.1", false }, { "170.254.1.1", false },
		{ "10.0.0.1", false }, { "0.0.0.0", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ntk_ip_t addr = 0;

		CU_ASSERT_TRUE(ip_parse(cases[i].text, &addr));
		CU_ASSERT_EQUAL(linklocal_is_usable(addr), cases[i].usable);
	}
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "reads and prints addresses", test_ip },
		{ "reads and prints prefixes", test_prefix },
		{ "masks of every length", test_masks },
		{ "contains and overlaps, against all addresses", test_contain },
		{ "orders prefixes", test_order },
		{ "reads, prints and orders hardware addresses", test_mac },
		{ "usable link-local addresses", test_linklocal },
	};

	return TAP_RUN(tests);
}
