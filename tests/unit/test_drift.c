/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/drift.h"

#include <string.h>

#include "common/rng.h"
#include "tests/unit/tap.h"

/* What happens, or must be so, at a time.  Times are in ms, the period is a minute. */
enum what {
	END,
	BEGAN,		/* of NS, as all that follow */
	GONE,
	TOUCHED,
	LINKED,
	ASKED,
	DUE,		/* its check begins now, and would not have 1 ms before */
	NOTHING,	/* no check is due now */
	RIGHT,		/* its check ends: all was right */
	REPAIRED,	/* … something was put back */
	REMOVED,	/* … something with our label was taken away */
	FAILED,		/* … something could not be put back */
	FOREIGN,	/* … somebody else's object is in the way */
	REFUSED,	/* … it was refused */
	QUIET,		/* no check is due before the time in `ms`, and one is then */
};

struct step {
	uint64_t ms;
	enum what what;
	unsigned ns;
};

struct sequence {
	const char *name;
	struct step steps[48];
};

static const struct sequence sequences[] = {
	{ "nothing but the period", {
		{ 0, BEGAN, 0 }, { 0, NOTHING, 0 }, { 1000, QUIET, 0 },
		{ 1000, DUE, 0 }, { 1000, NOTHING, 0 }, { 1030, RIGHT, 0 },
		{ 61030, QUIET, 0 }, { 61030, DUE, 0 }, { 61040, RIGHT, 0 },
		{ 121040, QUIET, 0 },
	} },
	{ "notifications are gathered", {
		{ 0, BEGAN, 0 }, { 100, TOUCHED, 0 }, { 120, TOUCHED, 0 }, { 149, TOUCHED, 0 },
		{ 150, DUE, 0 }, { 160, REPAIRED, 0 }, { 60160, QUIET, 0 },
	} },
	{ "who changes nothing that is ours causes a check a second", {
		{ 0, BEGAN, 0 }, { 100, TOUCHED, 0 }, { 150, DUE, 0 }, { 160, RIGHT, 0 },
		{ 170, TOUCHED, 0 }, { 1160, DUE, 0 }, { 1170, RIGHT, 0 },
		{ 1180, TOUCHED, 0 }, { 2170, DUE, 0 }, { 2180, RIGHT, 0 },
		{ 3200, TOUCHED, 0 }, { 3250, DUE, 0 },
	} },
	{ "a partner that fights waits, each time twice as long, to an end", {
		{ 0, BEGAN, 0 }, { 0, TOUCHED, 0 }, { 50, DUE, 0 }, { 50, REPAIRED, 0 },
		{ 60, TOUCHED, 0 }, { 1050, DUE, 0 }, { 1050, REPAIRED, 0 },
		{ 1060, TOUCHED, 0 }, { 3050, DUE, 0 }, { 3050, REPAIRED, 0 },
		{ 3060, TOUCHED, 0 }, { 7050, DUE, 0 }, { 7050, REMOVED, 0 },
		{ 7060, TOUCHED, 0 }, { 15050, DUE, 0 }, { 15050, REPAIRED, 0 },
		{ 15060, TOUCHED, 0 }, { 31050, DUE, 0 }, { 31050, REPAIRED, 0 },
		{ 31060, TOUCHED, 0 }, { 63050, DUE, 0 }, { 63050, REPAIRED, 0 },
		/* The period is shorter than the longest wait. */
		{ 63060, TOUCHED, 0 }, { 123050, DUE, 0 }, { 123050, REPAIRED, 0 },
	} },
	{ "what comes later than the wait does not wait", {
		{ 0, BEGAN, 0 }, { 0, TOUCHED, 0 }, { 50, DUE, 0 }, { 50, REPAIRED, 0 },
		{ 5000, TOUCHED, 0 }, { 5050, DUE, 0 }, { 5050, REPAIRED, 0 },
		{ 5060, TOUCHED, 0 }, { 7050, DUE, 0 },
	} },
	{ "a quiet period ends the fight", {
		{ 0, BEGAN, 0 }, { 0, TOUCHED, 0 }, { 50, DUE, 0 }, { 50, REPAIRED, 0 },
		{ 60, TOUCHED, 0 }, { 1050, DUE, 0 }, { 1050, REPAIRED, 0 },
		/* A check that finds nothing before that does not. */
		{ 30000, ASKED, 0 }, { 30000, DUE, 0 }, { 30000, RIGHT, 0 },
		{ 90000, DUE, 0 }, { 90000, RIGHT, 0 },
		{ 90010, TOUCHED, 0 }, { 90060, DUE, 0 }, { 90060, REPAIRED, 0 },
		{ 90070, TOUCHED, 0 }, { 91060, DUE, 0 }, { 91060, REPAIRED, 0 },
	} },
	{ "a fight goes on over checks that find nothing", {
		{ 0, BEGAN, 0 }, { 0, TOUCHED, 0 }, { 50, DUE, 0 }, { 50, REPAIRED, 0 },
		{ 60, TOUCHED, 0 }, { 1050, DUE, 0 }, { 1050, RIGHT, 0 },
		{ 1060, TOUCHED, 0 }, { 2050, DUE, 0 }, { 2050, REPAIRED, 0 },
		{ 2060, TOUCHED, 0 }, { 4050, DUE, 0 },
	} },
	{ "link events do not wait, and are nobody's fight", {
		{ 0, BEGAN, 0 }, { 0, TOUCHED, 0 }, { 50, DUE, 0 }, { 50, REPAIRED, 0 },
		{ 60, LINKED, 0 }, { 110, DUE, 0 }, { 110, REPAIRED, 0 },
		{ 120, LINKED, 0 }, { 170, DUE, 0 }, { 170, REPAIRED, 0 },
		{ 180, TOUCHED, 0 }, { 1050, DUE, 0 },
	} },
	{ "what failed is tried again, later each time, and at once after a link event", {
		{ 0, BEGAN, 0 }, { 0, LINKED, 0 }, { 50, DUE, 0 }, { 50, FAILED, 0 },
		{ 1050, QUIET, 0 }, { 1050, DUE, 0 }, { 1050, FAILED, 0 },
		{ 3050, QUIET, 0 }, { 3050, DUE, 0 }, { 3050, FAILED, 0 },
		{ 4000, LINKED, 0 }, { 4050, DUE, 0 }, { 4050, FAILED, 0 },
		{ 5050, QUIET, 0 }, { 5050, DUE, 0 }, { 5050, FAILED, 0 },
		{ 5060, LINKED, 0 }, { 5110, DUE, 0 }, { 5110, REPAIRED, 0 },
		{ 65110, QUIET, 0 },
	} },
	{ "what fails does not keep notifications waiting", {
		{ 0, BEGAN, 0 }, { 0, LINKED, 0 }, { 50, DUE, 0 }, { 50, FAILED, 0 },
		{ 60, TOUCHED, 0 }, { 110, DUE, 0 }, { 110, FAILED, 0 },
	} },
	{ "what is somebody else's is no reason to come back", {
		{ 0, BEGAN, 0 }, { 0, TOUCHED, 0 }, { 50, DUE, 0 }, { 50, FOREIGN, 0 },
		{ 60050, QUIET, 0 }, { 30000, TOUCHED, 0 }, { 30050, QUIET, 0 },
	} },
	{ "what is told while a check runs causes the next one", {
		{ 0, BEGAN, 0 }, { 0, TOUCHED, 0 }, { 50, DUE, 0 },
		{ 60, TOUCHED, 0 }, { 70, LINKED, 0 }, { 500, NOTHING, 0 },
		{ 500, RIGHT, 0 }, { 500, DUE, 0 }, { 510, RIGHT, 0 }, { 60510, QUIET, 0 },
	} },
	{ "namespaces do not disturb one another; who is due longest comes first", {
		{ 0, BEGAN, 0 }, { 0, BEGAN, 3 }, { 10, BEGAN, 5 },
		{ 20, TOUCHED, 5 }, { 30, TOUCHED, 3 }, { 70, DUE, 5 }, { 80, DUE, 3 },
		{ 90, REPAIRED, 3 }, { 100, REPAIRED, 5 }, { 100, NOTHING, 0 },
		{ 110, TOUCHED, 0 }, { 120, TOUCHED, 3 }, { 160, DUE, 0 }, { 170, RIGHT, 0 },
		{ 1090, DUE, 3 }, { 1090, RIGHT, 3 },
	} },
	{ "all of them at once", {
		{ 0, BEGAN, 0 }, { 0, BEGAN, 63 }, { 10, TOUCHED, DRIFT_ALL },
		{ 60, DUE, 0 }, { 60, DUE, 63 }, { 61, RIGHT, 63 }, { 61, RIGHT, 0 },
		{ 70, ASKED, DRIFT_ALL }, { 70, DUE, 0 }, { 70, DUE, 63 }, { 70, NOTHING, 0 },
	} },
	{ "what is not there is not checked", {
		{ 0, TOUCHED, 0 }, { 0, LINKED, DRIFT_ALL }, { 0, ASKED, 7 }, { 100000, NOTHING, 0 },
		{ 100000, BEGAN, 7 }, { 100010, TOUCHED, 7 }, { 100020, GONE, 7 },
		{ 900000, NOTHING, 0 },
	} },
	{ "a namespace goes while it is checked, and another takes its place", {
		{ 0, BEGAN, 2 }, { 0, TOUCHED, 2 }, { 50, DUE, 2 }, { 60, GONE, 2 },
		{ 70, BEGAN, 2 }, { 80, REPAIRED, 2 }, { 1070, QUIET, 0 },
	} },
	{ "a refused check comes again", {
		{ 0, BEGAN, 0 }, { 0, TOUCHED, 0 }, { 50, DUE, 0 }, { 60, REFUSED, 0 },
		{ 1060, DUE, 0 }, { 1060, RIGHT, 0 }, { 61060, QUIET, 0 },
	} },
	{ "a namespace told twice is one", {
		{ 0, BEGAN, 0 }, { 10, TOUCHED, 0 }, { 20, BEGAN, 0 }, { 60, DUE, 0 },
	} },
};

static void
finished(struct drift *d, const struct step *s)
{
	struct kernel_found f = { .ok = s->what != REFUSED };

	f.total.compared = 10;
	f.total.repaired = s->what == REPAIRED;
	f.total.removed = s->what == REMOVED;
	f.total.failed = s->what == FAILED;
	f.total.foreign = s->what == FOREIGN;
	drift_checked(d, s->ns, &f, s->ms * 1000);
}

static bool
step_run(struct drift *d, const struct step *s)
{
	uint64_t now = s->ms * 1000;
	unsigned ns = DRIFT_ALL;

	switch (s->what) {
	case BEGAN:
		drift_began(d, s->ns, now);
		return true;
	case GONE:
		drift_gone(d, s->ns);
		return true;
	case TOUCHED:
		drift_touched(d, s->ns, now);
		return true;
	case LINKED:
		drift_linked(d, s->ns, now);
		return true;
	case ASKED:
		drift_asked(d, s->ns, now);
		return true;
	case DUE:
		return drift_next(d, now, &ns) && ns == s->ns;
	case NOTHING:
		return !drift_next(d, now, &ns) && drift_deadline(d) > now;
	case QUIET:
		return drift_deadline(d) == now && !drift_next(d, now - 1, &ns);
	case RIGHT:
	case REPAIRED:
	case REMOVED:
	case FAILED:
	case FOREIGN:
	case REFUSED:
		finished(d, s);
		return true;
	case END:
		break;
	}
	return false;
}

/* A check that must begin at a time must not begin before it. */
static bool
is_not_early(const struct drift *d, const struct step *s, const struct step *before)
{
	struct drift copy = *d;
	unsigned ns;

	return s->what != DUE || before == NULL || before->ms == s->ms ||
	    !drift_next(&copy, s->ms * 1000 - 1, &ns);
}

static void
test_sequences(void)
{
	struct drift d;

	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		const struct step *s = sequences[i].steps;

		drift_init(&d, DRIFT_PERIOD);
		for (size_t n = 0; s[n].what != END; n++) {
			bool ok = is_not_early(&d, &s[n], n > 0 ? &s[n - 1] : NULL) &&
			    step_run(&d, &s[n]);

			CU_ASSERT_TRUE(ok);
			if (!ok) {
				tap_note("%s: step %zu, at %u ms", sequences[i].name, n,
				    (unsigned)s[n].ms);
				break;
			}
		}
	}
}

/*
 * Whatever happens: repairs that notifications caused come no faster than the waits allow, every
 * namespace is checked once a period, and the deadline is when the next check is due.
 */
static void
test_random(void)
{
	enum { SPACES = 3, STEPS = 200000, FIRST_TEN_SECONDS = 6 };
	uint64_t now = 0, last[SPACES] = { 0 }, deadline;
	unsigned repairs = 0, ns;
	struct rng r;
	struct drift d;

	rng_init(&r, 11);
	drift_init(&d, DRIFT_PERIOD);
	for (unsigned i = 0; i < SPACES; i++)
		drift_began(&d, i, 0);
	for (unsigned i = 0; i < STEPS; i++) {
		drift_touched(&d, rng_below(&r, SPACES), now);
		if (rng_below(&r, 500) == 0)
			drift_linked(&d, DRIFT_ALL, now);
		deadline = drift_deadline(&d);
		CU_ASSERT_EQUAL_FATAL(drift_next(&d, now, &ns), deadline <= now);
		if (deadline <= now) {
			struct kernel_found f = { .ok = rng_below(&r, 50) != 0 };
			bool link = d.spaces[ns].by_link;

			f.total.repaired = rng_below(&r, 4);
			f.total.failed = rng_below(&r, 20) == 0;
			CU_ASSERT_TRUE_FATAL(now - last[ns] <= DRIFT_PERIOD + DRIFT_WAIT_MIN);
			last[ns] = now;
			drift_checked(&d, ns, &f, now);
			repairs += f.ok && f.total.repaired > 0 && !link && now < 10000000;
			CU_ASSERT_TRUE_FATAL(d.spaces[ns].wait <= DRIFT_WAIT_MAX);
		}
		now += rng_below(&r, 10000);
	}
	tap_note("%u repairs in the first ten seconds of three fights", repairs);
	CU_ASSERT_TRUE(repairs <= SPACES * FIRST_TEN_SECONDS);
}

static void
test_same(void)
{
	struct drift a, b;
	unsigned ns;

	memset(&a, 0x55, sizeof(a));
	memset(&b, 0xaa, sizeof(b));
	drift_init(&a, DRIFT_PERIOD);
	drift_init(&b, DRIFT_PERIOD);
	CU_ASSERT_EQUAL(drift_deadline(&a), DRIFT_NEVER);
	drift_began(&a, 1, 5);
	drift_began(&b, 1, 5);
	drift_touched(&a, 1, 6);
	drift_touched(&b, DRIFT_ALL, 6);
	CU_ASSERT_EQUAL(drift_deadline(&a), drift_deadline(&b));
	CU_ASSERT_TRUE(drift_next(&a, 6 + DRIFT_GATHER, &ns) && ns == 1);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "courses of events", test_sequences },
		{ "a long fight at random times", test_random },
		{ "the same input gives the same", test_same },
	};

	return TAP_RUN(tests);
}
