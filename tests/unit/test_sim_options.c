/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/options.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/tap.h"

enum { WORDS = 64 };

/* Reads a command line whose words are separated by blanks; TEXT's copy must outlive O. */
static bool
read_line(char *text, struct sim_options *o, char *why, size_t size)
{
	char *argv[WORDS], *save = NULL;
	int argc = 0;

	why[0] = '\0';
	for (char *w = strtok_r(text, " ", &save); w != NULL && argc < WORDS - 1;
	    w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	return options_read(argc, argv, o, why, size);
}

static void
test_defaults(void)
{
	struct sim_options o;
	char text[] = "ntk-sim", why[200];

	CU_ASSERT_TRUE_FATAL(read_line(text, &o, why, sizeof(why)));
	CU_ASSERT_EQUAL(o.shape, GRAPH_RANDOM);
	CU_ASSERT_EQUAL(o.nodes, 35);
	CU_ASSERT_EQUAL(o.world.seed, 1);
	CU_ASSERT_EQUAL(o.world.latency, 1000);
	CU_ASSERT_EQUAL(o.check, CHECK_REST);
	CU_ASSERT_TRUE(o.keep_whole);
	/* 4 * 35 fit into four levels of 4. */
	CU_ASSERT_EQUAL(o.topo.levels, 4);
	CU_ASSERT_EQUAL(o.world.params.topo.levels, 4);
	CU_ASSERT_EQUAL(o.world.params.amendments, QSPN_PROFILE_R);
}

/* What is printed, read again, prints the same. */
static void
test_round_trip(void)
{
	static const char *const lines[] = {
		"ntk-sim",
		"ntk-sim --topology clustered --nodes 64 --gsizes 4.4.8 --degree 2.5",
		"ntk-sim --seed 18446744073709551615 --latency 0.25 --jitter 3",
		"ntk-sim --costs 500-5000 --loss 0.5 --vanish 1 --twice 2 --overtake 3 --corrupt 100",
		"ntk-sim --events 77 --kinds cut,die --break --check all",
		"ntk-sim --pacing 0 --pacing-first no --max-paths 9 --without a1,a15 --check none",
		"ntk-sim --without o",
		"ntk-sim --scenario some/file",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[400], why[200], once[OPTIONS_TEXT], twice[OPTIONS_TEXT], copy[OPTIONS_TEXT];
		struct sim_options o, again;

		snprintf(text, sizeof(text), "%s", lines[i]);
		CU_ASSERT_TRUE_FATAL(read_line(text, &o, why, sizeof(why)));
		options_print(&o, o.events, once);
		snprintf(copy, sizeof(copy), "%s", once);
		CU_ASSERT_TRUE_FATAL(read_line(copy, &again, why, sizeof(why)));
		CU_ASSERT_STRING_EQUAL(once, options_print(&again, again.events, twice));
		CU_ASSERT_EQUAL(o.world.seed, again.world.seed);
		CU_ASSERT_EQUAL(o.world.params.amendments, again.world.params.amendments);
		CU_ASSERT_EQUAL(o.kinds, again.kinds);
		CU_ASSERT_EQUAL(o.keep_whole, again.keep_whole);
		CU_ASSERT_EQUAL(memcmp(&o.world.faults, &again.world.faults, sizeof(o.world.faults)), 0);
	}
}

/* A scenario of whole systems: which options fit, and the command that repeats it. */
static void
test_systems(void)
{
	static const struct {
		const char *line;
		const char *why;	/* "" when it fits */
	} fit[] = {
		{ "ntk-sim --scenario f --seed 7 --latency 2 --jitter 3 --loss 4.5 --twice 5 --limit 60 --json "
		    "--progress", "" },
		{ "ntk-sim --scenario f --seed 7 --events 0", "--events: it means nothing" },
		{ "ntk-sim --break --scenario f", "--break: it means nothing" },
		{ "ntk-sim --scenario f --vanish 1 --corrupt 1", "--vanish: it means nothing" },
	};

	for (size_t i = 0; i < sizeof(fit) / sizeof(fit[0]); i++) {
		char text[400], why[200] = "", once[OPTIONS_TEXT];
		struct sim_options o;

		snprintf(text, sizeof(text), "%s", fit[i].line);
		CU_ASSERT_TRUE_FATAL(read_line(text, &o, why, sizeof(why)));
		CU_ASSERT_EQUAL(options_fit_systems(&o, why, sizeof(why)), fit[i].why[0] == '\0');
		tap_complaint(i, why, fit[i].why, "");
		if (i == 0)
			CU_ASSERT_STRING_EQUAL(options_print_systems(&o, once), "ntk-sim --scenario f --seed 7 "
			    "--latency 2 --jitter 3 --loss 4.5 --twice 5 --limit 60");
	}
}

static void
test_errors(void)
{
	static const struct {
		const char *line;
		const char *why;
	} bad[] = {
		{ "ntk-sim --color", "--color: no such option" },
		{ "ntk-sim --nodes", "--nodes: it needs a value" },
		{ "ntk-sim here", "here: no argument is wanted" },
		{ "ntk-sim --topology star", "--topology star: shapes are line ring grid" },
		{ "ntk-sim --nodes 0", "--nodes 0: a number from 1 to 1048576 is wanted" },
		{ "ntk-sim --nodes 5x", "--nodes 5x: a number from 1" },
		{ "ntk-sim --gsizes 4.5", "--gsizes 4.5: " },
		{ "ntk-sim --degree -1", "--degree -1: a number from 0 to 1000 is wanted" },
		{ "ntk-sim --seed 18446744073709551616", "--seed 18446744073709551616: a number" },
		{ "ntk-sim --latency nan", "--latency nan: a number from 0" },
		{ "ntk-sim --costs 5", "--costs 5: two costs from 1 to 1000000000 are wanted" },
		{ "ntk-sim --costs 5-4", "--costs 5-4: two costs" },
		{ "ntk-sim --loss 101", "--loss 101: a number from 0 to 100 is wanted" },
		{ "ntk-sim --kinds cut,fly", "--kinds cut,fly: kinds are cut join cost" },
		{ "ntk-sim --pacing-first perhaps", "--pacing-first perhaps: yes or no is wanted" },
		{ "ntk-sim --max-paths 0", "--max-paths 0: a number from 1 to 100 is wanted" },
		{ "ntk-sim --without a99", "--without a99: amendments are a1" },
		{ "ntk-sim --check sometimes", "--check sometimes: all, rest or none is wanted" },
		{ "ntk-sim --limit x", "--limit x: a number from 0" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sim_options o;
		char text[200], why[200];

		snprintf(text, sizeof(text), "%s", bad[i].line);
		CU_ASSERT_FALSE(read_line(text, &o, why, sizeof(why)));
		tap_complaint(i, why, bad[i].why, "");
	}
}

/* Every option that the parser knows is in the help, and the other way round. */
static void
test_usage(void)
{
	static const char *const options[] = { "topology", "scenario", "nodes", "gsizes", "degree", "seed",
		"latency", "jitter", "costs", "loss", "vanish", "twice", "overtake", "corrupt", "events",
		"kinds", "break", "pacing", "pacing-first", "max-paths", "without", "check", "limit",
		"json", "dot", "svg", "progress", "shrink", "help", "version" };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char word[40], line[60], why[200];
		struct sim_options o;

		snprintf(word, sizeof(word), "--%s", options[i]);
		CU_ASSERT_PTR_NOT_NULL(strstr(options_usage, word));
		snprintf(line, sizeof(line), "ntk-sim --%s", options[i]);
		if (!read_line(line, &o, why, sizeof(why)))
			CU_ASSERT_PTR_NOT_NULL(strstr(why, "it needs a value"));
	}
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "defaults", test_defaults },
		{ "the command that repeats a run is read as it was written", test_round_trip },
		{ "of whole systems", test_systems },
		{ "every mistake is told with its option", test_errors },
		{ "the help lists what there is", test_usage },
	};

	return TAP_RUN(tests);
}
