/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a ntkd could do without end, with a real ntkd-priv: it is refused when it comes too
 * often, nothing else is, and a moment later it is done again.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/priv/place.h"
#include "tests/unit/tap.h"

/* What ntkd-priv(8) promises, LIMITS OF RATES. */
enum {
	CHECK_BURST = 256,
	CHECK_RATE = 128,
	NS_BURST = 256,
	NS_RATE = 32,
	DEV_BURST = 2050,
	DEV_RATE = 512,
	FAR_TOO_OFTEN = 100000,
};

static const struct timespec second = { 1, 0 };

/* Does what may be refused for its rate; the end of it in the client. */
typedef enum client_end often(struct place *p);

/*
 * How often it passes until it is refused for its rate: BURST times, and at most RATE times
 * for each second that it took.
 */
static bool
rate_holds(struct place *p, often *what, unsigned burst, unsigned rate)
{
	struct timespec start, now;
	unsigned passed = 0, most;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (passed < FAR_TOO_OFTEN && (what(p) != CLIENT_REFUSED ||
	    p->c.refusal.reason != PRIV_R_RATE))
		passed++;
	clock_gettime(CLOCK_MONOTONIC, &now);
	most = burst + (unsigned)(now.tv_sec - start.tv_sec + 1) * rate;
	tap_note("%u passed; at once %u, %u a second", passed, burst, rate);
	return passed >= burst && passed <= most;
}

static enum client_end
check_once(struct place *p)
{
	return client_check(&p->c, p->ns);
}

static void
test_checks(void)
{
	struct place p;

	if (!place_open(&p, NULL))
		return;
	/* The hello was one of those that pass at once. */
	CU_ASSERT(rate_holds(&p, check_once, CHECK_BURST - 1, CHECK_RATE));
	CU_ASSERT_STRING_EQUAL(p.c.refusal.operation, "check");
	/* Others go on. */
	CU_ASSERT(done(&p.c, OP(ns_prepare, p.ns)));
	nanosleep(&second, NULL);
	CU_ASSERT_EQUAL(check_once(&p), CLIENT_DONE);
	CU_ASSERT(place_close(&p));
}

static enum client_end
namespace_once(struct place *p)
{
	enum client_end end = client_do(&p->c, OP(ns_create, 7));

	return end != CLIENT_DONE ? end : client_do(&p->c, OP(ns_drop, client_made(&p->c, 0)));
}

static void
test_namespaces(void)
{
	struct place p;

	if (!place_open(&p, NULL))
		return;
	CU_ASSERT(rate_holds(&p, namespace_once, NS_BURST, NS_RATE));
	CU_ASSERT_STRING_EQUAL(p.c.refusal.operation, "ns_create");
	CU_ASSERT_EQUAL(check_once(&p), CLIENT_DONE);
	nanosleep(&second, NULL);
	CU_ASSERT_EQUAL(namespace_once(&p), CLIENT_DONE);
	CU_ASSERT(place_close(&p));
}

/* Its real interface is gone, so that the kernel refuses at once. */
static enum client_end
device_once(struct place *p)
{
	return client_do(&p->c, OP(dev_create, p->ns2, p->eth2));
}

static void
test_devices(void)
{
	struct place p;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT_EQUAL(system("ip link del eth2"), 0);
	/* One of them was made with the place. */
	CU_ASSERT(rate_holds(&p, device_once, DEV_BURST - 1, DEV_RATE));
	CU_ASSERT_STRING_EQUAL(p.c.refusal.operation, "dev_create");
	nanosleep(&second, NULL);
	CU_ASSERT(device_once(&p) == CLIENT_REFUSED && p.c.refusal.reason == PRIV_R_KERNEL);
	CU_ASSERT(place_close(&p));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "checks", test_checks },
		{ "namespaces", test_namespaces },
		{ "pseudo-interfaces", test_devices },
	};

	place_stage();
	return TAP_RUN(tests);
}
