/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/place.h"

enum {
	FAULTY = 20000000,	/* µs: so long a world with lasting faults has to come to rest */
};

static uint64_t
clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t
cpu_us(void)
{
	return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

static bool
fail(struct run *r, const char *why)
{
	if (r->why[0] == '\0')
		snprintf(r->why, sizeof(r->why), "%s", why);
	return false;
}

/* --- the world ------------------------------------------------------------------------- */

static bool
make_from_scenario(struct run *r, struct world_settings *s)
{
	const struct scenario *sc = &r->scenario;

	if (!scenario_read(&r->scenario, r->o->scenario, r->why, sizeof(r->why)))
		return false;
	s->params.topo = sc->topo;
	r->world = world_new(s, &sc->graph, sc->addresses, sc->given);
	return r->world != NULL || fail(r, "memory is exhausted");
}

static bool
make_from_shape(struct run *r, const struct world_settings *s)
{
	const struct sim_options *o = r->o;
	char why[CHECK_WHY];
	struct rng rng;

	rng_init(&rng, s->seed ^ UINT64_C(0x6772617068));
	r->addresses = calloc(o->nodes + (size_t)1, sizeof(*r->addresses));
	if (r->addresses == NULL || !graph_make(&r->graph, o->shape, o->nodes, o->degree, &rng))
		return fail(r, "memory is exhausted");
	if (!place_nodes(&r->graph, &o->topo, r->addresses, why, sizeof(why)))
		return fail(r, why);
	r->world = world_new(s, &r->graph, r->addresses, NULL);
	return r->world != NULL || fail(r, "memory is exhausted");
}

static bool
make(struct run *r)
{
	struct world_settings s = r->o->world;

	return r->o->scenario != NULL ? make_from_scenario(r, &s) : make_from_shape(r, &s);
}

static bool
has_lasting_faults(const struct world_faults *f)
{
	return (f->vanish | f->twice | f->overtake | f->corrupt) != 0;
}

/*
 * A split that is no split is an invariant broken; one of a g-node in pieces is what the
 * protocol is for.  Where news are lost for good a split may be seen that is none, until the
 * next periodic update: 10 s are much less than 600 s (spec/qspn 10.1 item 1).
 */
static void
on_action(struct world *w, uint32_t node, const struct qspn_action *a, void *arg)
{
	struct run *r = arg;

	if (a->kind != QSPN_SPLIT)
		return;
	if (!truth_look(&r->check.truth) || r->check.truth.whole) {
		r->splits++;
		if (has_lasting_faults(&r->o->world.faults))
			return;
		if (r->check.why[0] == '\0')
			snprintf(r->check.why, sizeof(r->check.why), "node %u reports at %llu us that "
			    "the g-node %u,%u is split, but none is", node, (unsigned long long)w->now,
			    a->dest.level, a->dest.pos);
		r->broken = true;
	} else {
		r->splits_true++;
	}
}

/* --- coming to rest ---------------------------------------------------------------------- */

struct progress {
	struct run *r;
	uint64_t next;		/* µs of real time */
	uint32_t events;	/* until the clock is looked at again */
};

static void
tell(struct progress *p)
{
	const struct world *w = p->r->world;
	uint64_t now;

	if (!p->r->o->progress || p->events++ % 1024 != 0)
		return;
	now = clock_us(CLOCK_MONOTONIC);
	if (now < p->next)
		return;
	if (p->next != 0)
		fprintf(stderr, "ntk-sim: %.3f s of virtual time, %llu messages, %u nodes busy, "
		    "event %u of %u\n", (double)w->now / 1e6, (unsigned long long)w->count.messages,
		    w->n_busy, p->r->n_events, p->r->o->events);
	p->next = now + 1000000;
}

static bool
after_step(struct world *w, void *arg)
{
	struct progress *p = arg;
	uint64_t start;
	bool ok;

	tell(p);
	if (p->r->o->check != CHECK_EVERY)
		return true;
	start = cpu_us();
	ok = check_event(&p->r->check, w->last);
	p->r->check_us += cpu_us() - start;
	return ok;
}

/*
 * False when an invariant broke on the way, or it never came to rest.  A world need not come to
 * rest while connections end and begin by themselves: each makes more messages, of which some
 * end another one.  settle() asks for it.
 */
static bool
come_to_rest(struct run *r)
{
	bool lasting = has_lasting_faults(&r->world->settings.faults);
	struct progress p = { r, 0, 0 };
	uint64_t limit = r->o->rest_limit;

	if (lasting && limit > FAULTY)
		limit = FAULTY;
	if (world_rest(r->world, limit, after_step, &p))
		return true;
	if (r->world->failed)
		return fail(r, "memory is exhausted");
	if (lasting && r->check.why[0] == '\0')
		return true;
	r->broken = true;
	if (r->check.why[0] == '\0')
		snprintf(r->check.why, sizeof(r->check.why), "no rest after %.0f s of virtual time",
		    (double)r->o->rest_limit / 1e6);
	return false;
}

/*
 * What was lost for good is repaired by the periodic full ETPs (spec/qspn 4.19): the world
 * is judged after two periods without faults.
 */
static bool
settle(struct run *r)
{
	struct world_settings *s = &r->world->settings;
	struct world_faults faults = s->faults;
	bool ok = true;

	if (!has_lasting_faults(&faults))
		return true;
	memset(&s->faults, 0, sizeof(s->faults));
	world_run(r->world, r->world->now + 3 * s->params.periodic);
	ok = come_to_rest(r);
	s->faults = faults;
	return ok;
}

static bool
judge(struct run *r)
{
	uint64_t start = cpu_us();
	bool ok = r->o->check == CHECK_NONE || check_rest(&r->check);

	r->check_us += cpu_us() - start;
	r->broken = r->broken || !ok;
	return ok;
}

/*
 * What only a periodic update brings in order (disjoint.h) must be so after it.  What the run
 * is said to have been ends before.
 */
static bool
judge_updated(struct run *r)
{
	const struct world_settings *s = &r->world->settings;
	uint64_t start = cpu_us(), before = r->check_us;
	bool ok = true;

	r->late = r->check.count.late;
	if (r->late == 0)
		return true;
	/* Else settle() has let them come already. */
	if (!has_lasting_faults(&s->faults)) {
		world_run(r->world, r->world->now + 3 * s->params.periodic);
		ok = come_to_rest(r);
	}
	r->check.updated = true;
	ok = ok && judge(r);
	r->check_us = before + cpu_us() - start;
	return ok;
}

/* --- what happens --------------------------------------------------------------------------- */

static bool
event_run(struct run *r, const struct course_event *e)
{
	struct world *w = r->world;
	struct run_event *cost = &r->events[r->n_events];
	struct world_count before = w->count;
	uint64_t start = w->now;

	memset(w->told, 0, w->n_nodes);
	memset(cost, 0, sizeof(*cost));
	cost->event = *e;
	if (!course_do(w, e))
		return true;
	r->n_events++;
	if (!come_to_rest(r))
		return false;
	cost->virtual_us = w->still_since > start ? w->still_since - start : 0;
	cost->messages = w->count.messages - before.messages;
	cost->bytes = w->count.bytes - before.bytes;
	for (uint32_t i = 0; i < w->n_nodes; i++)
		cost->nodes_told += w->told[i];
	return settle(r) && judge(r);
}

static bool
events_run(struct run *r, const struct course_event *given, uint32_t n)
{
	struct course_event e;
	struct rng rng;
	bool ok = true;

	rng_init(&rng, r->o->world.seed ^ UINT64_C(0x6576656e7473));
	for (uint32_t i = 0; ok && i < n; i++) {
		if (given != NULL)
			e = given[i];
		else if (!course_draw(r->world, &r->check.truth, &rng, r->o->kinds, r->o->keep_whole,
		    &e))
			break;
		ok = event_run(r, &e);
	}
	return ok;
}

/* --- the steps of a scenario ------------------------------------------------------------- */

static bool
unexpected(struct run *r, const struct scenario_step *step, const char *what, uint64_t value)
{
	snprintf(r->check.why, sizeof(r->check.why), "%s:%u: %s and %s: %s (%llu)", r->o->scenario,
	    step->line, r->scenario.names[step->a], r->scenario.names[step->b], what,
	    (unsigned long long)value);
	r->broken = true;
	return false;
}

static bool
expect(struct run *r, const struct scenario_step *step)
{
	struct world *w = r->world;
	const struct topo *t = &w->settings.params.topo;
	const struct world_node *a = &w->nodes[step->a], *b = &w->nodes[step->b];
	struct qspn_path best;
	struct coord d;
	unsigned reached, sent;

	if (!check_read(&r->check))
		return fail(r, r->check.why);
	check_pair(&r->check, step->a, step->b, &reached, &sent);
	if (step->kind == STEP_EXPECT_REACH)
		return reached == sent ||
		    unexpected(r, step, "packets that do not arrive", sent - reached);
	if (step->kind == STEP_EXPECT_DEAD)
		return reached == 0 || unexpected(r, step, "packets that arrive", reached);
	if (a->qspn == NULL || !naddr_coord(t, &a->address, &b->address, &d) ||
	    !qspn_best(a->qspn, d, &best))
		return unexpected(r, step, "no path", 0);
	return best.cost == step->value || unexpected(r, step, "the cost is another", best.cost);
}

static bool
step_run(struct run *r, const struct scenario_step *step)
{
	switch (step->kind) {
	case STEP_REST:
		return come_to_rest(r) && settle(r) && judge(r);
	case STEP_RUN:
		world_run(r->world, r->world->now + step->value);
		return true;
	case STEP_EVENT:
		course_do(r->world, &step->event);
		return true;
	case STEP_EXPECT_REACH:
	case STEP_EXPECT_DEAD:
	case STEP_EXPECT_COST:
		break;
	}
	return expect(r, step);
}

static bool
steps_run(struct run *r)
{
	bool ok = true;

	for (size_t i = 0; ok && i < r->scenario.n_steps; i++)
		ok = step_run(r, &r->scenario.steps[i]);
	return ok;
}

/* --- one run ----------------------------------------------------------------------------- */

static void
measure(struct run *r)
{
	for (uint32_t i = 0; i < r->world->n_nodes; i++) {
		struct qspn_size size;

		if (r->world->nodes[i].qspn == NULL)
			continue;
		size = qspn_size(r->world->nodes[i].qspn);
		r->bytes_held += size.bytes;
		r->paths += size.paths;
		r->destinations += size.destinations;
	}
}

static void
note_rest(struct run *r, uint64_t start)
{
	r->rest = (struct run_rest){ !r->broken, r->world->still_since,
		cpu_us() - start - r->check_us, r->world->count };
}

static bool
course(struct run *r, const struct course_event *given, uint32_t n, uint64_t start)
{
	bool ok;

	r->world->watch = on_action;
	r->world->watch_arg = r;
	ok = come_to_rest(r);
	note_rest(r, start);
	ok = ok && settle(r) && judge(r) && steps_run(r) && events_run(r, given, n);
	r->hash = world_hash(r->world);
	r->virtual_us = r->world->now;
	ok = ok && judge_updated(r);
	/* Routes are counted even where nothing is checked. */
	if (r->why[0] == '\0' && r->check.walk.routes_max == 0 && !r->broken)
		ok = walk_read(&r->check.walk, r->check.why, sizeof(r->check.why)) && ok;
	r->broken = r->broken || !ok;
	return r->why[0] == '\0';
}

bool
run_world(struct run *r, const struct sim_options *o, const struct course_event *given, uint32_t n)
{
	uint64_t start = cpu_us();

	memset(r, 0, sizeof(*r));
	r->o = o;
	if (given == NULL)
		n = o->events;
	r->events = calloc(n + (size_t)1, sizeof(*r->events));
	if (r->events == NULL)
		return fail(r, "memory is exhausted");
	if (!make(r))
		return false;
	if (!check_init(&r->check, r->world))
		return fail(r, "memory is exhausted, or the topology does not fit into 10.0.0.0/8");
	if (!course(r, given, n, start))
		return false;
	measure(r);
	r->cpu_us = cpu_us() - start - r->check_us;
	return true;
}

void
run_free(struct run *r)
{
	if (r->check.w != NULL)
		check_free(&r->check);
	world_free(r->world);
	scenario_free(&r->scenario);
	graph_free(&r->graph);
	free(r->addresses);
	free(r->events);
	memset(r, 0, sizeof(*r));
}

/* --- fewer events ------------------------------------------------------------------------ */

/* True when the N events at V break an invariant. */
static bool
still_breaks(const struct run *r, const struct course_event *v, uint32_t n)
{
	struct run again;
	bool broken = run_world(&again, r->o, v, n) && again.broken;

	run_free(&again);
	return broken;
}

/* V without the COUNT events at FROM. */
static void
without(const struct course_event *v, uint32_t n, uint32_t from, uint32_t count,
    struct course_event *out)
{
	memcpy(out, v, from * sizeof(*v));
	memcpy(out + from, v + from + count, (n - from - count) * sizeof(*v));
}

uint32_t
run_shrink(const struct run *r, struct course_event **out)
{
	uint32_t n = r->n_events;
	struct course_event *v = calloc(n + (size_t)1, sizeof(*v));
	struct course_event *less = calloc(n + (size_t)1, sizeof(*less));

	*out = v;
	for (uint32_t i = 0; v != NULL && i < n; i++)
		v[i] = r->events[i].event;
	/* Halves first, then smaller and smaller runs of events. */
	for (uint32_t count = n / 2; v != NULL && less != NULL && count != 0; count /= 2)
		for (uint32_t from = 0; from + count <= n; ) {
			without(v, n, from, count, less);
			if (still_breaks(r, less, n - count)) {
				n -= count;
				memcpy(v, less, n * sizeof(*v));
			} else {
				from += count;
			}
		}
	free(less);
	return n;
}
