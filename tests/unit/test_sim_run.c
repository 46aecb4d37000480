/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

enum { WORDS = 64 };

static char words[400];

static void
options(const char *line, struct sim_options *o)
{
	char *argv[WORDS], *save = NULL, why[300];
	int argc = 0;

	snprintf(words, sizeof(words), "ntk-sim %s", line);
	for (char *w = strtok_r(words, " ", &save); w != NULL && argc < WORDS - 1;
	    w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	CU_ASSERT_TRUE_FATAL(options_read(argc, argv, o, why, sizeof(why)));
}

static void
run(const char *line, struct sim_options *o, struct run *r)
{
	options(line, o);
	if (!run_world(r, o, NULL, 0)) {
		tap_note("%s: %s", line, r->why);
		CU_FAIL_FATAL("the run could not be made");
	}
}

/* --- packets --------------------------------------------------------------------------- */

static const struct map4_class global = { MAP4_GLOBAL, 0 };

static void
test_walk(void)
{
	struct sim_options o;
	struct run r;
	struct walk *k = &r.check.walk;
	struct naddr a;
	unsigned hops = 0;

	run("--topology line --nodes 5 --gsizes 4.4", &o, &r);
	CU_ASSERT_FALSE_FATAL(r.broken);
	CU_ASSERT_EQUAL(walk_packet(k, 0, 4, global, &hops), WALK_REACHED);
	CU_ASSERT_EQUAL(hops, 4);
	CU_ASSERT_EQUAL(walk_packet(k, 3, 3, global, &hops), WALK_REACHED);
	CU_ASSERT_EQUAL(hops, 0);
	/* Whoever is at an address that is another's now takes what is sent there. */
	a = r.world->nodes[2].address;
	r.world->nodes[2].address = r.world->nodes[3].address;
	CU_ASSERT_EQUAL(walk_packet(k, 0, 2, global, &hops), WALK_WRONG);
	r.world->nodes[2].address = a;
	/* The link is cut, the tables that were read do not know. */
	world_link_down(r.world, 1);
	CU_ASSERT_EQUAL(walk_packet(k, 0, 4, global, &hops), WALK_DEAD);
	CU_ASSERT_EQUAL(hops, 1);
	CU_ASSERT_EQUAL(walk_packet(k, 0, 1, global, &hops), WALK_REACHED);
	run_free(&r);
}

/* Tables are made anew when something changed, and only then. */
static void
test_read_again(void)
{
	struct sim_options o;
	struct run r;
	struct walk *k = &r.check.walk;
	bool changed = false;
	char why[200];

	run("--topology ring --nodes 6 --gsizes 4.4", &o, &r);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(walk_read_node(k, 0, &changed, why, sizeof(why)));
		CU_ASSERT_EQUAL(changed, i == 0);
	}
	world_link_down(r.world, 0);
	CU_ASSERT_TRUE(walk_read_node(k, 0, &changed, why, sizeof(why)));
	CU_ASSERT_TRUE(changed);
	run_free(&r);
}

/* --- judgement --------------------------------------------------------------------------- */

static void
test_judge_refuses(void)
{
	struct sim_options o;
	struct run r;

	run("--topology grid --nodes 12 --gsizes 4.4.4", &o, &r);
	CU_ASSERT_FALSE_FATAL(r.broken);
	CU_ASSERT_TRUE(check_rest(&r.check));
	CU_ASSERT_EQUAL(r.check.count.reachable, 12 * 11);
	/* A link becomes much dearer, and nobody is told. */
	r.world->links[3].cost *= 100;
	CU_ASSERT_FALSE(check_rest(&r.check));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.check.why, "is told to cost only"));
	r.world->links[3].cost /= 100;
	/* Much cheaper. */
	r.check.why[0] = '\0';
	for (uint32_t i = 0; i < r.world->n_links; i++)
		r.world->links[i].cost = 1;
	CU_ASSERT_FALSE(check_rest(&r.check));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.check.why, "the cheapest has"));
	/* Cut, and nobody is told. */
	r.check.why[0] = '\0';
	r.world->links[0].connected = false;
	CU_ASSERT_FALSE(check_rest(&r.check));
	run_free(&r);
}

/* What the original protocol loses is noticed. */
static void
test_original(void)
{
	struct sim_options o;
	unsigned broken = 0;

	for (unsigned seed = 1; seed <= 5; seed++) {
		char line[200];
		struct run r;

		snprintf(line, sizeof(line), "--nodes 20 --gsizes 32 --events 8 --costs 500-5000 "
		    "--without o --seed %u", seed);
		run(line, &o, &r);
		broken += r.broken;
		run_free(&r);
	}
	CU_ASSERT_TRUE(broken > 0);
}

/*
 * Worlds that broke once: paths that nobody outside was told to give up, a g-node of which all
 * paths were of no use outside, destinations lost because what a neighbour told had been
 * forgotten, counts that were put aside otherwise than the neighbour reckoned, packets that went
 * round because small changes of costs were not told, no path around a neighbour.  Without the
 * amendment that repaired it some still do.
 */
static void
test_broke_once(void)
{
	static const struct {
		const char *line, *without;
	} world[] = {
		{ "--topology clustered --nodes 60 --gsizes 16.16 --seed 245 --latency 4 --events 2",
		    "a26" },
		{ "--topology geometric --nodes 59 --gsizes 8.8.4 --seed 362 --latency 16 --events 3",
		    NULL },
		{ "--topology geometric --nodes 58 --gsizes 8.8.4 --seed 639 --latency 7 --events 4",
		    "a27" },
		{ "--topology clustered --nodes 26 --gsizes 16.8 --seed 692 --latency 13 "
		    "--costs 500-5000 --loss 7 --events 4", "a27" },
		{ "--topology geometric --nodes 59 --gsizes 4.4.4.4 --degree 5 --seed 1845 --latency 11 "
		    "--costs 500-5000 --loss 18 --events 6 --pacing 100", NULL },
		{ "--topology clustered --nodes 17 --gsizes 128 --seed 16 --latency 20 --loss 16 "
		    "--events 3 --break", NULL },
		{ "--topology random --nodes 16 --gsizes 64 --degree 3 --seed 16 --costs 500-5000 "
		    "--events 30 --kinds cost", "a30" },
		{ "--topology geometric --nodes 40 --gsizes 8.8.4 --degree 5 --seed 62 "
		    "--costs 1000-2000 --events 30 --kinds cost", "a30" },
	};

	for (size_t i = 0; i < sizeof(world) / sizeof(world[0]); i++) {
		struct sim_options o;
		char line[300];
		struct run r;

		run(world[i].line, &o, &r);
		CU_ASSERT_FALSE(r.broken);
		if (r.broken)
			tap_note("%s: %s", world[i].line, r.check.why);
		run_free(&r);
		if (world[i].without == NULL)
			continue;
		snprintf(line, sizeof(line), "%s --without %s", world[i].line, world[i].without);
		run(line, &o, &r);
		CU_ASSERT_TRUE(r.broken);
		run_free(&r);
	}
}

/* --- events --------------------------------------------------------------------------------- */

static void
test_senseless(void)
{
	struct sim_options o;
	struct run r;

	run("--topology ring --nodes 6 --gsizes 4.4", &o, &r);
	CU_ASSERT_FALSE(course_do(r.world, &(struct course_event){ COURSE_JOIN, 0, 0 }));
	CU_ASSERT_FALSE(course_do(r.world, &(struct course_event){ COURSE_RETURN, 2, 0 }));
	CU_ASSERT_FALSE(course_do(r.world, &(struct course_event){ COURSE_THAW, 2, 0 }));
	CU_ASSERT_TRUE(course_do(r.world, &(struct course_event){ COURSE_DIE, 2, 0 }));
	CU_ASSERT_FALSE(course_do(r.world, &(struct course_event){ COURSE_DIE, 2, 0 }));
	CU_ASSERT_FALSE(course_do(r.world, &(struct course_event){ COURSE_FREEZE, 2, 0 }));
	CU_ASSERT_TRUE(course_do(r.world, &(struct course_event){ COURSE_RETURN, 2, 0 }));
	run_free(&r);
}

/* Asked for, no event tears a g-node; the world that is tried out is left as it was. */
static void
test_keeps_whole(void)
{
	struct sim_options o;
	struct rng rng;
	struct run r;

	run("--topology random --nodes 24 --gsizes 4.4.4 --seed 5", &o, &r);
	rng_init(&rng, 9);
	for (unsigned i = 0; i < 60; i++) {
		uint64_t hash = world_hash(r.world);
		struct course_event e;
		char text[COURSE_TEXT];

		if (!course_draw(r.world, &r.check.truth, &rng, (1U << COURSE_KINDS) - 1, true, &e))
			break;
		CU_ASSERT_EQUAL(world_hash(r.world), hash);
		CU_ASSERT_TRUE(course_do(r.world, &e));
		CU_ASSERT_TRUE(strlen(course_print(r.world, &e, text)) > 3);
		CU_ASSERT_TRUE_FATAL(truth_look(&r.check.truth));
		CU_ASSERT_TRUE(r.check.truth.whole);
	}
	run_free(&r);
}

static void
test_kinds(void)
{
	enum course_kind k;

	for (unsigned i = 0; i < COURSE_KINDS; i++) {
		CU_ASSERT_TRUE(course_kind_parse(course_kind_name((enum course_kind)i), &k));
		CU_ASSERT_EQUAL(k, i);
	}
	CU_ASSERT_FALSE(course_kind_parse("explode", &k));
}

/* Fewer events break the same, and given as they are they do it again. */
static void
test_shrink(void)
{
	struct sim_options o;
	bool found = false;

	for (unsigned seed = 1; seed <= 20 && !found; seed++) {
		struct course_event *v;
		char line[200];
		struct run r, again;
		uint32_t n;

		snprintf(line, sizeof(line), "--nodes 20 --gsizes 32 --events 12 --costs 500-5000 "
		    "--without o --seed %u", seed);
		run(line, &o, &r);
		if (!r.broken || r.n_events < 3) {
			run_free(&r);
			continue;
		}
		found = true;
		n = run_shrink(&r, &v);
		CU_ASSERT_PTR_NOT_NULL_FATAL(v);
		CU_ASSERT_TRUE(n >= 1 && n <= r.n_events);
		CU_ASSERT_TRUE(run_world(&again, &o, v, n));
		CU_ASSERT_TRUE(again.broken);
		run_free(&again);
		/* None can be spared. */
		for (uint32_t i = 0; i < n; i++) {
			struct course_event less[16];

			memcpy(less, v, i * sizeof(*v));
			memcpy(less + i, v + i + 1, (n - i - 1) * sizeof(*v));
			CU_ASSERT_TRUE(run_world(&again, &o, less, n - 1));
			CU_ASSERT_FALSE(again.broken);
			run_free(&again);
		}
		free(v);
		run_free(&r);
	}
	CU_ASSERT_TRUE(found);
}

/* --- repetition ------------------------------------------------------------------------------- */

static void
test_same_seed(void)
{
	static const char line[] = "--nodes 25 --seed 3 --loss 20 --jitter 5 --events 5 --check none";
	uint64_t hash[3];

	for (unsigned i = 0; i < 3; i++) {
		struct sim_options o;
		struct run r;

		run(i < 2 ? line : "--nodes 25 --seed 4 --loss 20 --jitter 5 --events 5 --check none", &o, &r);
		hash[i] = world_hash(r.world);
		run_free(&r);
	}
	CU_ASSERT_EQUAL(hash[0], hash[1]);
	CU_ASSERT_NOT_EQUAL(hash[0], hash[2]);
}

/* The parts of all messages are all bytes; marks need pacing, and are less than what they stand for. */
static void
test_parts(void)
{
	static const char *const line[] = { "--nodes 60 --seed 2 --check none",
	    "--nodes 60 --seed 2 --check none --without a28" };
	struct world_count c[2];

	for (unsigned i = 0; i < 2; i++) {
		struct sim_options o;
		struct run r;
		uint64_t sum = 0;

		run(line[i], &o, &r);
		c[i] = r.rest.count;
		for (int k = 0; k < WORLD_PARTS; k++)
			sum += c[i].part[k];
		CU_ASSERT_EQUAL(sum, c[i].bytes);
		CU_ASSERT_TRUE(c[i].bytes_full > 0 && c[i].bytes_full < c[i].bytes);
		CU_ASSERT_TRUE(c[i].part[WORLD_PATHS] > 0 && c[i].part[WORLD_REPORTS] > 0);
		run_free(&r);
	}
	CU_ASSERT_TRUE(c[0].part[WORLD_MARKS] > 0);
	CU_ASSERT_EQUAL(c[1].part[WORLD_MARKS], 0);
	CU_ASSERT_TRUE(c[0].bytes < c[1].bytes);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "packets arrive, end, and arrive at the wrong node", test_walk },
		{ "tables are read again when they changed", test_read_again },
		{ "the judge refuses costs that are too low or too high, and ways that are not there",
		    test_judge_refuses },
		{ "the original protocol breaks invariants", test_original },
		{ "worlds that broke once hold", test_broke_once },
		{ "events that make no sense do nothing", test_senseless },
		{ "events that keep g-nodes whole", test_keeps_whole },
		{ "names of events", test_kinds },
		{ "a list of events is shortened until none can be spared", test_shrink },
		{ "one seed, one course of events", test_same_seed },
		{ "bytes by part", test_parts },
	};

	return TAP_RUN(tests);
}
