/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spec/qspn 12, item 16: each notice of examples X4 to X7 is lost in turn, and the
 * periodic full ETP repairs the map.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/qspnbed.h"
#include "tests/unit/tap.h"

static struct bed b;

/* A course of events; what is lost is counted from its last one on. */
struct course {
	const char *name;
	void (*run)(uint64_t lost);
};

static void
build(const char *topo, const char *const *address, unsigned n, uint64_t pacing)
{
	bed_init(&b, topo, 70);
	b.p.amendments = QSPN_PROFILE_R;
	b.p.pacing = pacing;
	for (unsigned i = 0; i < n; i++)
		bed_plain(&b, (char)('1' + i), address[i]);
}

static void
last_event(uint64_t lost)
{
	CU_ASSERT_TRUE(bed_settle(&b));
	bed_forget(&b);
	b.drop = lost;
}

static void
ring(uint64_t lost, bool cut)
{
	static const char *const address[] = { "0", "1", "2", "3" };
	static const uint64_t cost[] = { 1000, 2000, 1500, 2500 };

	build("8", address, 4, 0);
	for (unsigned i = 0; i < 3; i++)
		bed_link(&b, i, i + 1, cost[i]);
	if (cut) {
		bed_link(&b, 3, 0, cost[3]);
		last_event(lost);
		bed_cut(&b, 0);
	} else {
		last_event(lost);
		bed_link(&b, 3, 0, cost[3]);
	}
}

static void
ring_closes(uint64_t lost)
{
	ring(lost, false);
}

static void
ring_breaks(uint64_t lost)
{
	ring(lost, true);
}

static void
two_levels(uint64_t lost)
{
	static const char *const address[] = { "0.0", "0.1", "0.2", "1.0", "1.1", "2.0" };

	build("4.4", address, 6, 10 * MS);
	bed_link(&b, 0, 1, 1000);
	bed_link(&b, 1, 2, 1000);
	bed_link(&b, 0, 2, 5000);
	bed_link(&b, 2, 3, 2000);
	bed_link(&b, 3, 4, 1500);
	bed_link(&b, 0, 5, 700);
	last_event(lost);
	bed_cut(&b, 1);
}

static void
tail(uint64_t lost)
{
	static const char *const address[] = { "0", "1", "2", "3", "4" };

	build("8", address, 5, 0);
	bed_link(&b, 0, 1, 1000);
	bed_link(&b, 1, 2, 1000);
	bed_link(&b, 0, 2, 1000);
	bed_link(&b, 0, 3, 1000);
	bed_link(&b, 3, 4, 1000);
	last_event(lost);
	bed_cut(&b, 2);
}

static void
disjoint(uint64_t lost)
{
	static const char *const address[] = { "0", "1", "2", "3", "4", "5", "6" };
	static const unsigned link[][3] = { { 0, 1, 50 }, { 1, 2, 50 }, { 2, 6, 50 }, { 1, 3, 55 },
	    { 3, 6, 55 }, { 1, 4, 50 }, { 4, 5, 35 }, { 5, 6, 35 }, { 4, 3, 25 }, { 3, 4, 15 } };

	build("8", address, 7, 0);
	for (unsigned i = 0; i < 10; i++)
		bed_link(&b, link[i][0], link[i][1], link[i][2]);
	last_event(lost);
	bed_cut(&b, 2);
}

/* All maps, one after the other. */
static char *
maps(void)
{
	static char all[8][BED_MAP];
	static unsigned turn;
	char *text = all[turn++ % 8];
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < b.n_nodes; i++)
		len += (size_t)snprintf(text + len, BED_MAP - len, "%c\n%s", b.node[i].name, bed_map(&b, i));
	return text;
}

static void
test_course(const struct course *c)
{
	char want[BED_MAP], *got;
	unsigned broken = 0;
	uint64_t n;

	c->run(0);
	CU_ASSERT_TRUE(bed_settle(&b));
	snprintf(want, sizeof(want), "%s", maps());
	n = b.n_sent;
	bed_free(&b);
	CU_ASSERT_TRUE(n > 3);
	for (uint64_t lost = 1; lost <= n; lost++) {
		c->run(lost);
		bed_run(&b, 20 * SECOND);
		broken += strcmp(maps(), want) != 0;
		/* Repaired step by step: as many rounds as the network is wide. */
		bed_run(&b, 4 * 660 * SECOND);
		got = maps();
		CU_ASSERT_STRING_EQUAL(got, want);
		if (strcmp(got, want) != 0)
			tap_note("%s, message %u lost:\n%s", c->name, (unsigned)lost, got);
		bed_free(&b);
	}
	tap_note("%s: %u messages, the loss of %u is felt", c->name, (unsigned)n, broken);
}

static void
test_loss(void)
{
	static const struct course courses[] = {
		{ "X4", ring_closes }, { "X5", disjoint }, { "X6", two_levels }, { "X7a", ring_breaks },
		{ "X7b", tail },
	};

	for (size_t i = 0; i < sizeof(courses) / sizeof(courses[0]); i++)
		test_course(&courses[i]);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "16: each message lost in turn, repaired by the periodic full ETP", test_loss },
	};
	return TAP_RUN(tests);
}
