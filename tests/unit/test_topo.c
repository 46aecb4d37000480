/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/topo.h"

#include <string.h>

#include "tests/unit/tap.h"

static char why[200];

static struct topo
parsed(const char *text)
{
	struct topo t;

	CU_ASSERT_TRUE(topo_parse(text, &t, why, sizeof(why)));
	return t;
}

static void
test_parse(void)
{
	struct topo t = parsed("4.16.256.256"), same = parsed("4.16.256.256");
	char buf[TOPO_TEXT];

	CU_ASSERT_EQUAL(t.levels, 4);
	CU_ASSERT_EQUAL(t.gexp[3], 2);
	CU_ASSERT_EQUAL(t.gexp[2], 4);
	CU_ASSERT_EQUAL(t.gexp[1], 8);
	CU_ASSERT_EQUAL(t.gexp[0], 8);
	CU_ASSERT_EQUAL(topo_gsize(&t, 2), 16);
	CU_ASSERT_EQUAL(topo_shift(&t, 0), 0);
	CU_ASSERT_EQUAL(topo_shift(&t, 1), 8);
	CU_ASSERT_EQUAL(topo_shift(&t, 3), 20);
	CU_ASSERT_EQUAL(topo_shift(&t, 4), 22);
	CU_ASSERT_STRING_EQUAL(topo_print(&t, buf), "4.16.256.256");
	CU_ASSERT_TRUE(topo_equal(&t, &same));
	same = parsed("4.16.256.128");
	CU_ASSERT_FALSE(topo_equal(&t, &same));
	same = parsed("16.256.256");
	CU_ASSERT_FALSE(topo_equal(&t, &same));
	t = parsed("65536");
	CU_ASSERT_EQUAL(topo_gsize(&t, 0), 65536);
}

static void
test_refuse(void)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
		{ "", "number 1" }, { ".", "number 1" }, { "4.", "number 2" }, { ".4", "number 1" },
		{ "4..2", "number 2" }, { "4.2.2.3", "level 0" }, { "1.2", "level 1" },
		{ "0", "level 0" },
		{ "131072.2", "level 1" }, { "4.2 ", "number 2" }, { " 4.2", "number 1" },
		{ "04.2", "begins with 0" }, { "4.-2", "number 2" }, { "4,2", "number 1" },
		{ "4.0x2", "number 2" }, { "99999999999999999999", "above" },
		{ "4.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2.2", "more than 24" },
		{ "2.2\n", "number 2" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct topo t;

		why[0] = '\0';
		CU_ASSERT_FALSE(topo_parse(bad[i].text, &t, why, sizeof(why)));
		if (strstr(why, bad[i].says) == NULL) {
			tap_note("%s: %s", bad[i].text, why);
			CU_FAIL("the reason names the place");
		}
	}
}

static void
test_check(void)
{
	struct topo t;

	topo_default(&t);
	CU_ASSERT_EQUAL(t.levels, 16);
	CU_ASSERT_EQUAL(topo_shift(&t, 16), 22);
	CU_ASSERT_TRUE(topo_check(&t, 24, false, why, sizeof(why)));
	CU_ASSERT_FALSE(topo_check(&t, 23, false, why, sizeof(why)));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "22 bits"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "the range has 23"));
	t = parsed("2.2");
	CU_ASSERT_TRUE(topo_check(&t, 4, false, why, sizeof(why)));
	CU_ASSERT_FALSE(topo_check(&t, 3, false, why, sizeof(why)));
	t = parsed("2.2.2");
	CU_ASSERT_FALSE(topo_check(&t, 24, false, why, sizeof(why)));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "highest level, 2"));
	CU_ASSERT_TRUE(topo_check(&t, 24, true, why, sizeof(why)));
	CU_ASSERT_FALSE(topo_check(&t, 4, true, why, sizeof(why)));
	t.gexp[1] = 0;
	CU_ASSERT_FALSE(topo_check(&t, 24, true, why, sizeof(why)));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "level 1"));
	t.gexp[1] = 17;
	CU_ASSERT_FALSE(topo_check(&t, 32, true, why, sizeof(why)));
	t.levels = 0;
	CU_ASSERT_FALSE(topo_check(&t, 24, true, why, sizeof(why)));
	t.levels = TOPO_LEVELS + 1;
	CU_ASSERT_FALSE(topo_check(&t, 24, true, why, sizeof(why)));
}

static void
test_address(void)
{
	static const char *const bad[] = {
		"", "2.1.1", "2.1.1.3.0", "2.1.1.", "2.1.1.x", "2.1.1.2147483648", "2.1.1.03",
		"2.1.1.-1",
	};
	struct topo t = parsed("4.2.2.2");
	struct naddr n, other;
	char buf[TOPO_TEXT];

	CU_ASSERT_TRUE(naddr_parse(&t, "2.1.1.3", &n, why, sizeof(why)));
	CU_ASSERT_EQUAL(n.pos[3], 2);
	CU_ASSERT_EQUAL(n.pos[0], 3);
	CU_ASSERT_STRING_EQUAL(naddr_print(&t, &n, buf), "2.1.1.3");
	CU_ASSERT_TRUE(naddr_parse(&t, "2.1.1.2147483647", &other, why, sizeof(why)));
	CU_ASSERT_EQUAL(other.pos[0], TOPO_POS_MAX);
	CU_ASSERT_FALSE(naddr_equal(&t, &n, &other));
	CU_ASSERT_TRUE(naddr_equal(&t, &n, &n));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(naddr_parse(&t, bad[i], &n, why, sizeof(why)));
}

/* The longest texts there are fit. */
static void
test_longest(void)
{
	struct topo t = { .levels = TOPO_LEVELS }, again;
	struct naddr n, same;
	char buf[TOPO_TEXT];

	for (unsigned i = 0; i < TOPO_LEVELS; i++) {
		t.gexp[i] = TOPO_GEXP;
		n.pos[i] = TOPO_POS_MAX;
	}
	CU_ASSERT_TRUE(topo_parse(topo_print(&t, buf), &again, why, sizeof(why)));
	CU_ASSERT_TRUE(topo_equal(&t, &again));
	CU_ASSERT_TRUE(naddr_parse(&t, naddr_print(&t, &n, buf), &same, why, sizeof(why)));
	CU_ASSERT_TRUE(naddr_equal(&t, &n, &same));
}

static void
test_virtual(void)
{
	struct topo t = parsed("4.2.2.2");
	struct naddr n;

	CU_ASSERT_TRUE(naddr_parse(&t, "2.1.1.0", &n, why, sizeof(why)));
	CU_ASSERT_EQUAL(naddr_highest_virtual(&t, &n), -1);
	CU_ASSERT_TRUE(naddr_real(&t, &n, 0, 4));
	CU_ASSERT_TRUE(naddr_parse(&t, "2.1.3.2", &n, why, sizeof(why)));
	CU_ASSERT_EQUAL(naddr_highest_virtual(&t, &n), 1);
	CU_ASSERT_FALSE(naddr_real_at(&t, &n, 0));
	CU_ASSERT_FALSE(naddr_real_at(&t, &n, 1));
	CU_ASSERT_TRUE(naddr_real_at(&t, &n, 2));
	CU_ASSERT_TRUE(naddr_real(&t, &n, 2, 4));
	CU_ASSERT_FALSE(naddr_real(&t, &n, 1, 4));
	CU_ASSERT_TRUE(naddr_real(&t, &n, 1, 1));
	CU_ASSERT_TRUE(naddr_parse(&t, "4.0.0.0", &n, why, sizeof(why)));
	CU_ASSERT_EQUAL(naddr_highest_virtual(&t, &n), 3);
}

static void
test_coord(void)
{
	struct topo t = parsed("4.2.2.2");
	struct naddr me, peer;
	struct coord c;

	CU_ASSERT_TRUE(naddr_parse(&t, "2.1.1.0", &me, why, sizeof(why)));
	CU_ASSERT_TRUE(naddr_parse(&t, "3.1.1.0", &peer, why, sizeof(why)));
	CU_ASSERT_TRUE(naddr_coord(&t, &me, &peer, &c));
	CU_ASSERT_TRUE(coord_equal(c, (struct coord){ 3, 3 }));
	CU_ASSERT_TRUE(naddr_parse(&t, "2.1.0.1", &peer, why, sizeof(why)));
	CU_ASSERT_TRUE(naddr_coord(&t, &me, &peer, &c));
	CU_ASSERT_TRUE(coord_equal(c, (struct coord){ 1, 0 }));
	CU_ASSERT_FALSE(naddr_coord(&t, &me, &me, &c));
	CU_ASSERT_FALSE(coord_equal((struct coord){ 1, 0 }, (struct coord){ 1, 1 }));
	CU_ASSERT_FALSE(coord_equal((struct coord){ 1, 0 }, (struct coord){ 0, 0 }));
	CU_ASSERT_TRUE(coord_cmp((struct coord){ 3, 9 }, (struct coord){ 1, 0 }) < 0);
	CU_ASSERT_TRUE(coord_cmp((struct coord){ 0, 0 }, (struct coord){ 1, 9 }) > 0);
	CU_ASSERT_TRUE(coord_cmp((struct coord){ 1, 0 }, (struct coord){ 1, TOPO_POS_MAX }) < 0);
	CU_ASSERT_EQUAL(coord_cmp((struct coord){ 1, 7 }, (struct coord){ 1, 7 }), 0);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "reads and prints a topology", test_parse },
		{ "refuses what is none and says where", test_refuse },
		{ "rules that depend on the range", test_check },
		{ "reads and prints addresses", test_address },
		{ "the longest texts fit", test_longest },
		{ "real and virtual positions", test_virtual },
		{ "coordinates", test_coord },
	};

	return TAP_RUN(tests);
}
