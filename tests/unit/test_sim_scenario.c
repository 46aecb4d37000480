/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

#define WORLD "topology 4.4\nnode a 0.0\nnode b 0.1\nnode c 1.0\nlink b a 1000\nlink c a 500 2.5\n"

static bool
parse(struct scenario *s, const char *text, char *why, size_t size)
{
	memset(why, 0, size);
	return scenario_parse(s, "file", text, strlen(text), why, size);
}

static void
test_good(void)
{
	struct scenario s;
	char why[200];

	CU_ASSERT_TRUE_FATAL(parse(&s, "# a world\n\n" WORLD "\t rest # now\nrun 1.5\ncut c a\n"
	    "cost a b 77\njoin a c\ndie b\nreturn b\nfreeze c\nthaw c\nexpect reach a b\n"
	    "expect dead b c\nexpect cost c b 1500", why, sizeof(why)));
	CU_ASSERT_EQUAL(s.topo.levels, 2);
	CU_ASSERT_EQUAL(s.n_nodes, 3);
	CU_ASSERT_STRING_EQUAL(s.names[2], "c");
	CU_ASSERT_EQUAL(s.addresses[2].pos[1], 1);
	CU_ASSERT_EQUAL_FATAL(s.graph.n_links, 2);
	/* Sorted: a-b, a-c; costs follow. */
	CU_ASSERT_EQUAL(s.graph.links[1].b, 2);
	CU_ASSERT_EQUAL(s.given[0].cost, 1000);
	CU_ASSERT_EQUAL(s.given[0].latency, 0);
	CU_ASSERT_EQUAL(s.given[1].cost, 500);
	CU_ASSERT_EQUAL(s.given[1].latency, 2500);
	CU_ASSERT_EQUAL_FATAL(s.n_steps, 12);
	CU_ASSERT_EQUAL(s.steps[0].kind, STEP_REST);
	CU_ASSERT_EQUAL(s.steps[0].line, 9);
	CU_ASSERT_EQUAL(s.steps[1].value, 1500);
	CU_ASSERT_EQUAL(s.steps[2].event.kind, COURSE_CUT);
	CU_ASSERT_EQUAL(s.steps[2].event.what, 1);
	CU_ASSERT_EQUAL(s.steps[3].event.kind, COURSE_COST);
	CU_ASSERT_EQUAL(s.steps[3].event.what, 0);
	CU_ASSERT_EQUAL(s.steps[3].event.cost, 77);
	CU_ASSERT_EQUAL(s.steps[4].event.kind, COURSE_JOIN);
	CU_ASSERT_EQUAL(s.steps[5].event.kind, COURSE_DIE);
	CU_ASSERT_EQUAL(s.steps[5].event.what, 1);
	CU_ASSERT_EQUAL(s.steps[8].event.kind, COURSE_THAW);
	CU_ASSERT_EQUAL(s.steps[9].kind, STEP_EXPECT_REACH);
	CU_ASSERT_EQUAL(s.steps[10].kind, STEP_EXPECT_DEAD);
	CU_ASSERT_EQUAL(s.steps[10].b, 2);
	CU_ASSERT_EQUAL(s.steps[11].kind, STEP_EXPECT_COST);
	CU_ASSERT_EQUAL(s.steps[11].value, 1500);
	scenario_free(&s);
}

/* Every complaint, with the line it is about. */
static void
test_errors(void)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{ "", "file:1: there is no node" },
		{ "topology 4.4\n", "file:2: there is no node" },
		{ "node a 0.0\n", "file:1: the topology must stand above the first node" },
		{ "topology 4.4\ntopology 4.4\n", "file:2: the topology stands above already" },
		{ "topology 4.3\n", "file:1: " },
		{ "topology\n", "file:1: it is written: topology 4.2.2.2" },
		{ "sleep 5\n", "file:1: sleep: no such statement" },
		{ "rest a b c d e f\n", "file:1: too many words" },
		{ "rest now\n", "file:1: it is written: rest" },
		{ WORLD "node a 2.2\n", "file:7: a: this node stands above already" },
		{ WORLD "node d! 2.2\n", "file:7: d!: a name has up to 31 letters, digits, _ and -" },
		{ WORLD "node abcdefghijklmnopqrstuvwxyz123456 2.2\n",
		    "file:7: abcdefghijklmnopqrstuvwxyz123456: a name has up to 31 letters" },
		{ WORLD "node d 0.1\n", "file:7: 0.1: that is the address of b" },
		{ WORLD "node d 4.0\n", "file:7: " },
		{ WORLD "node d 1.0.0\n", "file:7: " },
		{ WORLD "link a d 5\n", "file:7: d: there is no such node above this line" },
		{ WORLD "link a a 5\n", "file:7: a link needs two nodes" },
		{ WORLD "link a b 5\n", "file:7: a and b are linked already" },
		{ WORLD "link b c 0\n", "file:7: 0: a number from 1 to 1000000000 is wanted" },
		{ WORLD "link b c -1\n", "file:7: -1: a number from 1 to 1000000000 is wanted" },
		{ WORLD "link b c 99999999999999999999\n",
		    "file:7: 99999999999999999999: a number from 1 to 1000000000 is wanted" },
		{ WORLD "link b c 5 x\n", "file:7: x: milliseconds are wanted, as 1500 or 2.5" },
		{ WORLD "link b c 5 nan\n", "file:7: nan: milliseconds are wanted" },
		{ WORLD "run -1\n", "file:7: -1: milliseconds are wanted" },
		{ WORLD "run 1e11\n", "file:7: 1e11: milliseconds are wanted" },
		{ WORLD "cut b c\n", "file:7: b and c are not linked above this line" },
		{ WORLD "cut a d\n", "file:7: d: there is no such node" },
		{ WORLD "cost a b x\n", "file:7: x: a number from 1 to 1000000000 is wanted" },
		{ WORLD "die d\n", "file:7: d: there is no such node" },
		{ WORLD "expect joy a b\n", "file:7: expect reach A B, expect dead A B or" },
		{ WORLD "expect reach a b 5\n", "file:7: expect reach A B, expect dead A B or" },
		{ WORLD "expect cost a b\n", "file:7: expect reach A B, expect dead A B or" },
		{ WORLD "expect cost a b 0\n", "file:7: 0: a number from 1 to" },
		{ WORLD "expect reach a d\n", "file:7: d: there is no such node" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct scenario s;
		char why[200];

		CU_ASSERT_FALSE(parse(&s, bad[i].text, why, sizeof(why)));
		CU_ASSERT_PTR_NULL(s.names);
		tap_complaint(i, why, bad[i].why, "");
	}
}

static void
test_bytes(void)
{
	struct scenario s;
	char why[200] = "", *line = malloc(700);

	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_FALSE(scenario_parse(&s, "f", "a\0b", 3, why, sizeof(why)));
	CU_ASSERT_STRING_EQUAL(why, "f:1: a zero byte");
	memset(line, ' ', 700);
	CU_ASSERT_FALSE(scenario_parse(&s, "f", line, 700, why, sizeof(why)));
	CU_ASSERT_STRING_EQUAL(why, "f:1: a line of more than 511 characters");
	free(line);
	CU_ASSERT_FALSE(scenario_read(&s, "/nonexistent/file", why, sizeof(why)));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "/nonexistent/file: No such file"));
	CU_ASSERT_FALSE(scenario_read(&s, "/", why, sizeof(why)));
	CU_ASSERT_STRING_EQUAL(why, "/: Is a directory");
}

/* One node more than there is room for. */
static void
test_limits(void)
{
	size_t size = 64 * (SCENARIO_NODES + 4), n = 0;
	struct scenario s;
	char why[200], *text = malloc(size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	n = (size_t)snprintf(text, size, "topology 128.128\n");
	for (unsigned i = 0; i <= SCENARIO_NODES; i++) {
		if (i == SCENARIO_NODES)
			CU_ASSERT_TRUE(scenario_parse(&s, "f", text, n, why, sizeof(why)));
		n += (size_t)snprintf(text + n, size - n, "node n%u %u.%u\n", i, i / 128, i % 128);
	}
	scenario_free(&s);
	CU_ASSERT_FALSE(scenario_parse(&s, "f", text, n, why, sizeof(why)));
	CU_ASSERT_STRING_EQUAL(why, "f:4098: more than 4096 nodes");
	free(text);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "every statement", test_good },
		{ "every mistake is told with its line", test_errors },
		{ "zero bytes, long lines, no file", test_bytes },
		{ "limits", test_limits },
	};

	return TAP_RUN(tests);
}
