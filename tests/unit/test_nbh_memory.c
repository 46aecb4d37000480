/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The neighbourhood without memory: a course of calls in which the first, the second, the third …
 * allocation fails.  An object that has failed does nothing more and is freed whole (the
 * sanitizers would tell of a leak).
 */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/nbh/int.h"
#include "tests/unit/starve.h"
#include "tests/unit/tap.h"

static struct nbh_params params;
static struct nbh_out out;
static uint64_t now;

static const ntk_mac_t mac_a = { { 0, 0x16, 0x3e, 0, 0, 0x0a } };

static void
hello_of(struct nbh *n, uint32_t node)
{
	struct peer_heard us = { .node = n->node, .timestamp = n->nic[0].stamps[0],
		.flags = PEER_HEARD_WANT };
	struct peer_hello h = { .node = node, .address = 0xa9fe0200 + node % 200 + 1,
		.mac = { 2, 0, 0, 0, (uint8_t)(node >> 8), (uint8_t)node }, .interval = 1000,
		.timestamp = (uint32_t)now, .heard = { &us, 1 } };

	us.received = h.timestamp;
	memcpy(us.mac, mac_a.b, 6);
	nbh_hello(n, now += 100, 0, h.address, NULL, &h, &out);
}

/* Node NODE leads: it connects and opens. */
static uint32_t
open_by(struct nbh *n, uint32_t node)
{
	struct peer_msg m = { .type = PEER_open, .open = { .protocol = PEER_VERSION, .node = node,
		.mac = { 2, 0, 0, 0, (uint8_t)(node >> 8), (uint8_t)node },
		.address = 0xa9fe0200 + node % 200 + 1, .peer_node = n->node,
		.peer_address = n->nic[0].address, .range = 0x0a000000, .range_len = 8,
		.gexp = { params.topo.gexp, params.topo.levels } } };
	uint32_t c = nbh_accepted(n, now, 0, m.open.address, &out);

	memcpy(m.open.peer_mac, mac_a.b, 6);
	nbh_receive(n, now, c, PEER_CALL, 1, PEER_open, &m, 0, &out);
	return c;
}

/* Every kind of call at least once. */
static void
course(struct nbh *n)
{
	const struct peer_msg ask = { .type = PEER_alive, .alive = { 1 } };
	const struct peer_msg opened = { .type = PEER_opened, .opened = { PEER_VERSION, 90000 } };
	uint32_t c;

	n->node = 50000;
	nbh_nic_up(n, now, 0, "eth0", mac_a, 0xa9fe0a01, &out);
	nbh_address_done(n, now, 0, 0xa9fe0a01, true, &out);
	for (uint32_t k = 1; k <= 40; k++)
		hello_of(n, k);
	c = open_by(n, 1);
	nbh_route_done(n, now, n->last_arc, true, &out);
	nbh_receive(n, now, c, PEER_NOTICE, 0, PEER_alive, &ask, 0, &out);
	nbh_tick(n, now += SECOND, &out);
	hello_of(n, 90000);
	nbh_connected(n, now, n->last_connection, &out);
	nbh_receive(n, now, n->last_connection, PEER_RESULT, NBH_OPEN_CALL, PEER_open, &opened, 0,
	    &out);
	nbh_route_done(n, now, n->last_arc, true, &out);
	nbh_remove_arc(n, now, n->last_arc, true, &out);
	open_by(n, 2);
	nbh_route_done(n, now, n->last_arc, false, &out);
	for (uint32_t k = 3; k <= 40; k++)
		open_by(n, k);
	nbh_closed(n, now, c, &out);
	nbh_tick(n, now += SECOND, &out);
	nbh_carrier(n, now, 0, false, &out);
	nbh_carrier(n, now, 0, true, &out);
	hello_of(n, 7);
	nbh_stop(n, now, &out);
	nbh_tick(n, now += 70 * SECOND, &out);
}

/* Wishes, in manual mode. */
static void
wishes(struct nbh *n)
{
	nbh_nic_up(n, now, 0, "eth0", mac_a, 0xa9fe0a01, &out);
	nbh_address_done(n, now, 0, 0xa9fe0a01, true, &out);
	for (uint32_t k = 1; k <= 40; k++) {
		const ntk_mac_t mac = { { 2, 0, 0, 0, 0, (uint8_t)k } };

		hello_of(n, k);
		nbh_want(n, now, 0, mac, &out);
		if (k % 3 == 0)
			nbh_unwant(n, now, 0, mac, &out);
	}
}

/* False when the course came to its end before the allocation K. */
static bool
run(uint64_t k, bool automatic)
{
	struct rng rng;
	struct topo t;
	struct nbh *n;
	char why[200];
	size_t told;

	topo_default(&t);
	nbh_params_default(&params, &t, (ntk_prefix_t){ 0x0a000000, 8 });
	params.automatic = automatic;
	rng_init(&rng, 3);
	now = SECOND;
	nbh_out_init(&out);
	starve(k);
	n = nbh_create(&params, &rng);
	if (n != NULL)
		automatic ? course(n) : wishes(n);
	starve_end();
	CU_ASSERT_TRUE(n != NULL || starved());
	if (n != NULL && starved()) {
		CU_ASSERT_TRUE(nbh_failed(n));
		told = out.n;
		automatic ? course(n) : wishes(n);
		CU_ASSERT_EQUAL(out.n, told);
		CU_ASSERT_EQUAL(nbh_deadline(n), UINT64_MAX);
		CU_ASSERT_FALSE(nbh_remove_arc(n, now, 1, true, &out));
	} else if (n != NULL) {
		CU_ASSERT_FALSE(nbh_failed(n));
		CU_ASSERT_TRUE(nbh_invariant(n, why, sizeof(why)));
		CU_ASSERT_TRUE(automatic ? nbh_stats(n)->arcs_added == 2 : nbh_wishes(n) == 27);
	}
	nbh_free(n);
	nbh_out_free(&out);
	return starved();
}

static void
test_memory(void)
{
	for (unsigned automatic = 0; automatic < 2; automatic++) {
		uint64_t k = 1;

		while (run(k, automatic != 0))
			k++;
		tap_note("%u allocations, each failed once", (unsigned)k - 1);
		CU_ASSERT_TRUE(k > 40);
	}
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "memory fails once, anywhere", test_memory },
	};
	return TAP_RUN(tests);
}
