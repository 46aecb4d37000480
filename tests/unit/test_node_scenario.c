/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference scenario, p0 to p6 (reference/scenario.md, spec/manual-mode 10), by six systems that find
 * each other, exchange messages and move, on a fake kernel each: sim/scenarios/reference, on links, kernels and
 * by operators of every kind.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim/lines.h"
#include "sim/play.h"
#include "tests/unit/tap.h"

static struct script script;
static char file[512];

static void
read_script(void)
{
	char why[700] = "";
	size_t len;
	char *text;

	if (script.systems != NULL)
		return;
	snprintf(file, sizeof(file), "%s/sim/scenarios/reference", tap_srcdir());
	text = lines_file(file, &len, why, sizeof(why));
	if (text == NULL || !script_parse(&script, file, text, len, why, sizeof(why))) {
		tap_note("%s", why);
		CU_FAIL_FATAL("the scenario cannot be read");
	}
	free(text);
}

/* What the surroundings are like, each value up to so much. */
struct order {
	struct town_segment segment;
	uint64_t kernel, think;		/* µs */
	bool watched;			/* packets are followed */
};

/* All of it under O; false when it broke.  What the file says of the surroundings is left out. */
static bool
order_play(struct play *p, uint64_t seed, const struct order *o)
{
	const struct play_settings settings = { .seed = seed, .segment = o->segment,
		.rest_limit = 600 * UINT64_C(1000000), .longest = UINT64_MAX };
	bool ok = true;

	CU_ASSERT_TRUE_FATAL(play_open(p, &script, &settings));
	p->town->talk = getenv("NTK_TALK") != NULL ? stdout : NULL;
	p->town->kernel_delay = o->kernel;
	p->think = o->think;
	for (size_t i = 0; ok && i < script.n_steps; i++) {
		const struct script_step *step = &script.steps[i];

		if (step->kind != SCRIPT_KERNEL && step->kind != SCRIPT_THINK &&
		    (step->kind != SCRIPT_WATCH || o->watched))
			ok = play_step(p, step);
	}
	return ok;
}

static unsigned long
wanted(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : fallback;
}

static void
failed(const struct play *p, uint64_t seed)
{
	tap_note("seed %llu: %s", (unsigned long long)seed, p->why);
	CU_FAIL("an order that does not end as it must");
}

static void
test_scenario(void)
{
	const struct order o = { .segment = { .latency = 500 }, .watched = true };
	struct play p;

	read_script();
	if (!order_play(&p, 1, &o))
		failed(&p, 1);
	/* All of it was played. */
	CU_ASSERT_EQUAL(p.n_parts, 7);
	CU_ASSERT_TRUE(p.all.packets > 1000);
	play_close(&p);
}

/*
 * Other delays, messages lost, slow kernels: other orders, the same end states.  Where an arc was lost, because
 * too much was in a row, its qspn-arcs are the operator's business (spec/manual-mode 4): not judged.
 */
static void
test_orders(void)
{
	unsigned long n = wanted("NTK_ORDERS", 100), torn = 0;
	bool go_on = true;

	read_script();
	for (uint64_t seed = wanted("NTK_SEED", 1); go_on && seed <= n; seed++) {
		struct order o = { .kernel = 0 };
		struct rng rng;
		struct play p;

		rng_init(&rng, seed);
		o.segment.latency = 100 + rng_below(&rng, 5000);
		o.segment.jitter = 1 + rng_below(&rng, 40000);
		o.segment.loss = rng_below(&rng, 200000);
		o.segment.twice = rng_below(&rng, 100000);
		o.kernel = 1 + rng_below(&rng, 20000);
		if (!order_play(&p, seed, &o)) {
			if (p.town->count.arcs_removed > 0 && p.town->fault == NULL)
				torn++;
			else
				failed(&p, seed);
			go_on = p.town->count.arcs_removed > 0;
		}
		play_close(&p);
	}
	CU_ASSERT_TRUE(torn * 10 <= n);
	tap_note("%lu orders, %lu torn by losses", n, torn);
}

/* From quick systems on a quick link to slow ones on a slow link, and an operator who thinks. */
static void
test_nothing_lost(void)
{
	unsigned long n = wanted("NTK_WATCHED", 60);
	uint64_t packets = 0;
	bool go_on = true;

	read_script();
	for (uint64_t seed = 1; go_on && seed <= n; seed++) {
		struct order o = { .watched = true };
		struct rng rng;
		struct play p;
		uint32_t scale;

		rng_init(&rng, seed);
		scale = 1U << rng_below(&rng, 9);
		o.segment.latency = 20 * scale;
		o.segment.jitter = 1 + rng_below(&rng, 200 * scale);
		o.kernel = 1 + rng_below(&rng, 100 * scale);
		o.think = 1 + rng_below(&rng, 200000);
		if (!order_play(&p, seed, &o))
			failed(&p, seed);
		packets += p.all.packets;
		go_on = !p.broken || getenv("NTK_GO_ON") != NULL;
		play_close(&p);
	}
	CU_ASSERT_TRUE(packets > n * 1000);
	tap_note("%lu orders, %llu walks", n, (unsigned long long)packets);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "p0 to p6: every kernel as expected", test_scenario },
		{ "in random orders, with losses and slow kernels", test_orders },
		{ "nothing is lost at any moment of steps 4 and 6, in random orders", test_nothing_lost },
	};
	int failures = TAP_RUN(tests);

	script_free(&script);
	return failures;
}
