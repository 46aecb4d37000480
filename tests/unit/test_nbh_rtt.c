/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Round-trip times: the figures of spec/neighborhood 11.2, and 19.3. */
#include <string.h>

#include "tests/unit/nbhbed.h"
#include "tests/unit/tap.h"

/* --- smoothing (11.2) ------------------------------------------------------------------ */

struct step {
	uint32_t rtt;
	uint32_t smoothed;
	bool signal;
};

static void
follow(uint32_t first, const struct step *v, size_t n)
{
	struct nbh_cost c = { .known = false };

	nbh_cost_sample(&c, first);
	CU_ASSERT_EQUAL(c.smoothed, first);
	CU_ASSERT_EQUAL(c.official, first);
	CU_ASSERT_FALSE(nbh_cost_settle(&c));
	for (size_t i = 0; i < n; i++) {
		const uint32_t before = c.official;

		nbh_cost_sample(&c, v[i].rtt);
		CU_ASSERT_EQUAL(c.smoothed, v[i].smoothed);
		CU_ASSERT_EQUAL(nbh_cost_settle(&c), v[i].signal);
		CU_ASSERT_EQUAL(c.official, v[i].signal ? c.smoothed : before);
	}
}
#define FOLLOW(first, ...) do { \
	static const struct step steps[] = { __VA_ARGS__ }; \
	follow(first, steps, sizeof(steps) / sizeof(steps[0])); \
} while (0)

static void
test_rise(void)
{
	FOLLOW(1000, { 3000, 1200, false }, { 3000, 1380, false }, { 3000, 1542, false },
	    { 3000, 1687, false }, { 3000, 1818, false }, { 3000, 1936, false },
	    { 3000, 2042, true }, { 3000, 2137, false }, { 3000, 2223, false });
}

static void
test_fall(void)
{
	FOLLOW(1000, { 100, 700, false }, { 100, 500, false }, { 100, 367, true },
	    { 100, 278, false }, { 100, 219, false }, { 100, 180, true });
}

static void
test_spikes(void)
{
	FOLLOW(1000, { 20000, 2900, true }, { 1000, 2267, false }, { 1000, 1845, false },
	    { 1000, 1564, false }, { 1000, 1376, true });
	FOLLOW(1000, { 11001, 2000, false }, { 1000, 1667, false });
}

static void
test_truncation(void)
{
	FOLLOW(1000, { 1009, 1000, false }, { 1010, 1001, false }, { 998, 1000, false },
	    { 998, 1000, false }, { 997, 999, false });
	FOLLOW(934, { 934, 934, false }, { 1500, 990, false }, { 700, 894, false },
	    { 800, 863, false }, { 5000, 1276, false }, { 5000, 1648, false },
	    { 5000, 1983, true });
	/* The greatest and the least there are. */
	FOLLOW(1, { 2000000, 200000, true }, { 1, 133334, false });
}

/* --- measuring (19.3) ------------------------------------------------------------------ */

/*
 * One node alone, and hellos made by hand: node 1002 with MAC 0B on eth0, whose clock stands
 * at HIS when ours (as told in hellos) stands at OURS.
 */
static struct nbh_params params;
static struct nbh *n;
static struct nbh_out out;
static const ntk_mac_t mac_a = { { 0, 0x16, 0x3e, 0, 0, 0x0a } };
static const ntk_mac_t mac_b = { { 0, 0x16, 0x3e, 0, 0, 0x0b } };
static const ntk_ip_t address_a = 0xa9fe0a01, address_b = 0xa9fe1401;

/* The timestamp of the first hello among the actions. */
static uint32_t
stamp(void)
{
	for (size_t i = 0; i < out.n; i++)
		if (out.v[i].kind == NBH_HELLO)
			return out.v[i].msg->hello.timestamp;
	CU_FAIL_FATAL("no hello");
	return 0;
}

static uint32_t
begin(uint64_t now)
{
	struct topo t;
	struct rng rng;

	topo_default(&t);
	nbh_params_default(&params, &t, (ntk_prefix_t){ 0x0a000000, 8 });
	rng_init(&rng, 7);
	nbh_out_init(&out);
	n = nbh_create(&params, &rng);
	n->node = 1001;
	CU_ASSERT_TRUE_FATAL(nbh_nic_up(n, now, 0, "eth0", mac_a, address_a, &out));
	nbh_address_done(n, now, 0, address_a, true, &out);
	return stamp();
}

static void
end(void)
{
	nbh_out_free(&out);
	nbh_free(n);
}

/* b says at NOW: it is HIS now, we were heard when it was T2 and our timestamp was T1. */
static void
b_says(uint64_t now, uint32_t his, uint32_t t1, uint32_t t2)
{
	struct peer_heard us = { .node = 1001, .timestamp = t1, .received = t2 };
	struct peer_hello h = { .node = 1002, .address = address_b, .interval = 1000,
		.timestamp = his, .heard = { &us, 1 } };

	memcpy(us.mac, mac_a.b, 6);
	memcpy(h.mac, mac_b.b, 6);
	nbh_out_empty(&out);
	nbh_hello(n, now, 0, address_b, &mac_b, &h, &out);
}

static uint32_t
rtt(void)
{
	struct nbh_entry e;

	CU_ASSERT_TRUE_FATAL(nbh_entry_find(n, 0, mac_b, &e));
	CU_ASSERT_EQUAL(e.measured, e.state != NBH_HEARD);
	return e.measured ? e.rtt : 0;
}

static uint64_t
bad_echoes(void)
{
	return nbh_stats(n)->refused[NBH_R_ECHO];
}

/* What b took is not counted, and nobody's clock need be right. */
static void
test_measure(void)
{
	const uint64_t t0 = 5000000;
	uint32_t t1 = begin(t0);

	/* 900 µs on the way, 300 ms at b, 34 µs back. */
	b_says(t0 + 900 + 300000 + 34, 77000 + 300000, t1, 77000);
	CU_ASSERT_EQUAL(rtt(), 934);
	end();
	/* No time at all is 1 µs. */
	t1 = begin(t0);
	b_says(t0 + 500, 10500, t1, 10000);
	CU_ASSERT_EQUAL(rtt(), 1);
	end();
}

/* Both clocks go over 2^32 in between. */
static void
test_modulo(void)
{
	const uint64_t t0 = 5000000;
	uint32_t t1;

	n = NULL;
	t1 = begin(t0);
	b_says(t0 + 3000, 0x00000100, t1, 0xffffff00);
	CU_ASSERT_EQUAL(rtt(), 3000 - 0x200);
	end();
	/* Ours: the time at which our timestamps go over is found, and met. */
	t1 = begin(t0);
	{
		const uint64_t over = t0 + (uint32_t)(0 - t1) - 400;

		nbh_out_empty(&out);
		nbh_tick(n, over, &out);
		t1 = stamp();
		CU_ASSERT_EQUAL(t1, (uint32_t)-400);
		b_says(over + 1000, 555100, t1, 555000);
		CU_ASSERT_EQUAL(rtt(), 900);
	}
	end();
}

static void
test_refused(void)
{
	const uint64_t t0 = 5000000;
	uint32_t t1 = begin(t0);

	/* None of our timestamps. */
	b_says(t0 + 900, 1000, t1 + 1, 1000);
	CU_ASSERT_EQUAL(rtt(), 0);
	CU_ASSERT_EQUAL(bad_echoes(), 1);
	/* Held for longer than it was away. */
	b_says(t0 + 900, 2000, t1, 1000);
	CU_ASSERT_EQUAL(bad_echoes(), 2);
	/* Received after it was answered. */
	b_says(t0 + 900, 1000, t1, 1001);
	CU_ASSERT_EQUAL(bad_echoes(), 3);
	CU_ASSERT_EQUAL(rtt(), 0);
	/* More than 2 s; and just 2 s. */
	b_says(t0 + 2000001, 1002, t1, 1002);
	CU_ASSERT_EQUAL(bad_echoes(), 4);
	end();
	t1 = begin(t0);
	b_says(t0 + 2000000, 1000, t1, 1000);
	CU_ASSERT_EQUAL(rtt(), 2000000);
	end();
}

/* The last four timestamps count, the fifth is too old. */
static void
test_four(void)
{
	const uint64_t t0 = 5000000;
	uint32_t t1[6];
	uint64_t now = t0;

	t1[0] = begin(t0);
	for (unsigned i = 1; i < 6; i++) {
		now = nbh_deadline(n);
		nbh_out_empty(&out);
		nbh_tick(n, now, &out);
		t1[i] = stamp();
		CU_ASSERT_NOT_EQUAL(t1[i], t1[i - 1]);
	}
	b_says(now + 500, 9000, t1[1], 8000);
	CU_ASSERT_EQUAL(bad_echoes(), 1);
	CU_ASSERT_EQUAL(rtt(), 0);
	/* That was heard first now, so another hello went out; b held the last but three for long. */
	CU_ASSERT_NOT_EQUAL(stamp(), t1[5]);
	b_says(now + 600, 9001 + (t1[5] - t1[2]), t1[2], 9001);
	CU_ASSERT_EQUAL(bad_echoes(), 2);
	b_says(now + 700, 9001 + (t1[5] - t1[3]), t1[3], 9001);
	CU_ASSERT_EQUAL(rtt(), 700);
	end();
}

/* A copy of a hello that the network delivers much later is no measurement. */
static void
test_copies(void)
{
	const uint64_t t0 = 5000000;
	uint32_t t1 = begin(t0);

	b_says(t0 + 1000, 5000, t1, 5000);
	CU_ASSERT_EQUAL(rtt(), 1000);
	b_says(t0 + 900000, 5000, t1, 5000);
	CU_ASSERT_EQUAL(rtt(), 1000);
	CU_ASSERT_EQUAL(nbh_stats(n)->samples, 1);
	/* One that overtook another counts: its times belong together. */
	b_says(t0 + 900000, 5000 + 890000, t1, 5000);
	CU_ASSERT_EQUAL(nbh_stats(n)->samples, 2);
	CU_ASSERT_EQUAL(rtt(), 1000 + 9000 / 10);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "rise", test_rise },
		{ "fall", test_fall },
		{ "spikes", test_spikes },
		{ "truncation", test_truncation },
		{ "a round-trip time from timestamps", test_measure },
		{ "modulo 2^32", test_modulo },
		{ "timestamps that give none", test_refused },
		{ "the last four of our timestamps", test_four },
		{ "copies and overtaking", test_copies },
	};
	return TAP_RUN(tests);
}
