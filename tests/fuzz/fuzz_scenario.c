/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Scenario files, of nodes and of whole systems: what is accepted must make a world that can be run and
 * judged without a crash; what is refused is refused with a line.  Long courses of events are cut short.
 * Whatever operators and accidents do, no node and no kernel may find itself unsound.
 */

#include <stdlib.h>
#include <string.h>

#include "sim/check.h"
#include "sim/play.h"
#include "sim/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	NODES = 12,		/* larger worlds are only read */
	LINKS = 24,
	STEPS = 12,
	EVENTS = 4000,		/* of a step: then the rest of it is left out */
	SYSTEMS = 4,
	INTERFACES = 6,		/* of all systems */
	STATEMENTS = 40,
	LONGEST = 3000000,	/* µs of one of them */
};

static void
must(bool what)
{
	if (!what)
		abort();
}

static void
run_some(struct world *w, uint64_t until)
{
	for (unsigned i = 0; i < EVENTS && w->now < until && !world_is_at_rest(w); i++)
		if (!world_step(w))
			return;
}

static void
step(const struct scenario *s, struct world *w, struct check *c, const struct scenario_step *step)
{
	unsigned reached, sent;

	must(step->a < s->n_nodes && step->b < s->n_nodes);
	switch (step->kind) {
	case STEP_REST:
		run_some(w, w->now + 60000000);
		if (world_is_at_rest(w))
			check_rest(c);
		break;
	case STEP_RUN:
		run_some(w, w->now + step->value);
		break;
	case STEP_EVENT:
		course_do(w, &step->event);
		break;
	case STEP_EXPECT_REACH:
	case STEP_EXPECT_DEAD:
	case STEP_EXPECT_COST:
		must(check_read(c));
		check_pair(c, step->a, step->b, &reached, &sent);
		must(reached <= sent);
		break;
	}
}

static void
run(const struct scenario *s)
{
	struct world_settings settings = { .seed = 1, .latency = 1000 };
	struct world *w;
	struct check c;

	qspn_params_default(&settings.params, &s->topo);
	w = world_new(&settings, &s->graph, s->addresses, s->given);
	must(w != NULL);
	/* The topology may not fit into the range: then there is nothing to walk. */
	if (check_init(&c, w))
		for (size_t i = 0; i < s->n_steps && i < STEPS; i++)
			step(s, w, &c, &s->steps[i]);
	must(!w->failed);
	check_free(&c);
	world_free(w);
}

/* --- whole systems ----------------------------------------------------------------------- */

static bool
is_small(const struct script *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_systems; i++)
		n += s->systems[i].conf.n_interfaces;
	return s->n_systems <= SYSTEMS && n <= INTERFACES && s->topo.levels <= 6;
}

static void
play(const struct script *s)
{
	const struct play_settings settings = { .seed = 1, .segment = { .latency = 1000 },
		.rest_limit = LONGEST, .longest = LONGEST };
	struct play p;

	must(play_open(&p, s, &settings));
	for (size_t i = 0; i < s->n_steps && i < STATEMENTS; i++) {
		const struct script_step *step = &s->steps[i];

		/* Files are not a fuzzer's business. */
		if (step->condition == SCRIPT_KERNELS)
			continue;
		play_step(&p, step);
		must(p.town->fault == NULL);
		/* What did not come true is no reason to end. */
		p.broken = false;
	}
	play_close(&p);
}

static int
systems(const char *text, size_t size)
{
	struct script s;
	char why[700] = "";

	if (!script_parse(&s, "f", text, size, why, sizeof(why))) {
		must(strncmp(why, "f:", 2) == 0 && why[2] >= '1' && why[2] <= '9' && s.systems == NULL);
		return 0;
	}
	must(s.n_systems > 0);
	if (is_small(&s))
		play(&s);
	script_free(&s);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario s;
	char why[200] = "";

	if (script_is((const char *)data, size))
		return systems((const char *)data, size);
	if (!scenario_parse(&s, "f", (const char *)data, size, why, sizeof(why))) {
		must(strncmp(why, "f:", 2) == 0 && why[2] >= '1' && why[2] <= '9' && s.names == NULL);
		return 0;
	}
	must(s.n_nodes > 0 && s.n_nodes == s.graph.n);
	for (size_t i = 0; i < s.graph.n_links; i++)
		must(s.given[i].cost != 0);
	if (s.n_nodes <= NODES && s.graph.n_links <= LINKS && s.topo.levels <= 6)
		run(&s);
	scenario_free(&s);
	return 0;
}
