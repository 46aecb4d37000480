/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How arcs come and go between two or more nodes: the scenarios N, L and P of spec/neighborhood
 * 15 as changed by 19.8, and the worked order of 19.4.
 */
#include <inttypes.h>
#include <string.h>

#include "tests/unit/nbhbed.h"
#include "tests/unit/tap.h"

static struct bed b;

enum { A, B, C, D, E };

/* Nodes a 1001, b 1002, …, one interface each; all hear each other. */
static void
begin(unsigned nodes, bool automatic)
{
	nbed_init(&b, 11);
	for (unsigned x = 0; x < nodes; x++) {
		nbed_node(&b, x, 1001 + x);
		b.node[x].p.automatic = automatic;
		b.nic[nbed_nic_of(x, 0)].address = 0xa9fe0a01 + 0xa00 * x;
		nbed_start(&b, x);
	}
	nbed_segment(&b, (1U << nodes) - 1, 1);
}

static void
end(void)
{
	CU_ASSERT_STRING_EQUAL(b.wrong, "");
	if (b.wrong[0] != '\0')
		tap_note("%s", b.wrong);
	nbed_free(&b);
}

static unsigned
nic(unsigned x)
{
	return nbed_nic_of(x, 0);
}

static const struct nbed_arc *
arc(unsigned x, unsigned y)
{
	return nbed_arc(&b, x, 0, nic(y));
}

static enum nbh_state
state(unsigned x, unsigned y)
{
	return nbed_entry(&b, x, 0, nic(y)).state;
}

/* Events of X since the last look. */
static const char *
events(unsigned x)
{
	static char text[BED_EVENTS];

	strcpy(text, b.node[x].events);
	b.node[x].events[0] = '\0';
	return text;
}

static void
events_are(unsigned x, const char *expected)
{
	const char *e = events(x);

	CU_ASSERT_STRING_EQUAL(e, expected);
	if (strcmp(e, expected) != 0)
		tap_note("node %u: \"%s\"", x, e);
}

/* Both up, the arc between them too. */
static void
begin_with_arc(bool automatic)
{
	begin(2, automatic);
	nbed_up(&b, A, 0);
	nbed_up(&b, B, 0);
	nbed_run(&b, 2 * SECOND);
	if (!automatic) {
		CU_ASSERT_EQUAL(nbed_want(&b, A, 0, nic(B)), NBH_WANT_DONE);
		CU_ASSERT_EQUAL(nbed_want(&b, B, 0, nic(A)), NBH_WANT_DONE);
		nbed_run(&b, 2 * SECOND);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(arc(A, B));
	CU_ASSERT_PTR_NOT_NULL_FATAL(arc(B, A));
	events_are(A, "r +0 ");
	events_are(B, "r opened +0 ");
}

/* --- coming up ------------------------------ */

/* N1, and 19.4's worked order: a few round trips after the first hello. */
static void
test_n1(void)
{
	begin(2, true);
	nbed_up(&b, A, 0);
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_EQUAL(b.node[A].added, 0);
	CU_ASSERT_EQUAL(nbh_entries(b.node[A].n), 0);
	nbed_up(&b, B, 0);
	nbed_run(&b, 500 * MS);
	events_are(A, "r +0 ");
	events_are(B, "r opened +0 ");
	CU_ASSERT_EQUAL(nbed_routes(&b, A), 1);
	CU_ASSERT_EQUAL(nbed_routes(&b, B), 1);
	CU_ASSERT_EQUAL(arc(A, B)->peer, 0xa9fe1401);
	CU_ASSERT_EQUAL(arc(B, A)->peer, 0xa9fe0a01);
	/* Hello, hello, hello of ready; at most two times 50 ms of waiting; connect, open, routes. */
	CU_ASSERT_TRUE(b.node[A].added_at - 5 * SECOND < 150 * MS);
	CU_ASSERT_TRUE(b.node[B].added_at < b.node[A].added_at);
	CU_ASSERT_EQUAL(state(A, B), NBH_UP);
	CU_ASSERT_EQUAL(b.node[A].connects, 1);
	CU_ASSERT_EQUAL(b.node[B].connects, 0);
	/* Nothing more happens, but for costs. */
	nbed_run(&b, 600 * SECOND);
	CU_ASSERT_EQUAL(b.node[A].added + b.node[B].added, 2);
	CU_ASSERT_EQUAL(b.node[A].removed + b.node[B].removed, 0);
	CU_ASSERT_EQUAL(b.node[A].connects, 1);
	end();
}

static void
test_order(void)
{
	begin(2, true);
	b.delay_min = b.delay_max = 1000;
	nbed_up(&b, A, 0);
	nbed_run(&b, 5300 * MS);
	nbed_up(&b, B, 0);
	/* The address takes up to 2 ms, b's hello 1 ms: a hears it, and answers at once. */
	while (nbh_entries(b.node[A].n) == 0)
		nbed_run(&b, 100);
	CU_ASSERT_EQUAL(state(A, B), NBH_HEARD);
	nbed_run(&b, 1100);
	CU_ASSERT_EQUAL(state(B, A), NBH_WANTED);
	CU_ASSERT_EQUAL(nbed_entry(&b, B, 0, nic(A)).rtt, 2000);
	CU_ASSERT_TRUE(nbed_entry(&b, B, 0, nic(A)).leads);
	CU_ASSERT_EQUAL(state(A, B), NBH_HEARD);
	nbed_run(&b, 1100);
	CU_ASSERT_EQUAL(state(A, B), NBH_OPENING);
	CU_ASSERT_TRUE(nbed_entry(&b, A, 0, nic(B)).peer_wants);
	CU_ASSERT_FALSE(nbed_entry(&b, A, 0, nic(B)).leads);
	nbed_run(&b, 12 * MS);
	CU_ASSERT_EQUAL(state(A, B), NBH_UP);
	CU_ASSERT_EQUAL(state(B, A), NBH_UP);
	CU_ASSERT_EQUAL(arc(A, B)->cost, 2000);
	CU_ASSERT_EQUAL(arc(B, A)->cost, 2000);
	end();
}

/* N2: simultaneous; a loses nothing, one connection. */
static void
test_n2(void)
{
	begin(2, true);
	nbed_up(&b, A, 0);
	nbed_up(&b, B, 0);
	nbed_run(&b, 2 * SECOND);
	events_are(A, "r +0 ");
	events_are(B, "r opened +0 ");
	CU_ASSERT_EQUAL(b.node[A].connects, 1);
	end();
}

/* N3: a full node does not want; no route at either end.  A place becomes free: it does. */
static void
test_n3(void)
{
	for (unsigned full = A; full <= C; full += C) {
		begin(3, true);
		nbed_join(&b, nic(A), nic(C), false);
		if (full == C) {	/* roles swapped: the full one is b, which leads c */
			nbed_join(&b, nic(B), nic(C), true);
		}
		b.node[B].p.max_arcs = 1;
		nbed_up(&b, A, 0);
		nbed_up(&b, B, 0);
		nbed_run(&b, 2 * SECOND);
		CU_ASSERT_PTR_NOT_NULL(arc(B, A));
		nbed_up(&b, C, 0);
		nbed_run(&b, 60 * SECOND);
		CU_ASSERT_EQUAL(nbed_arcs(&b, B), 1);
		CU_ASSERT_EQUAL(nbed_arcs(&b, C), 0);
		CU_ASSERT_EQUAL(nbed_routes(&b, C), 0);
		CU_ASSERT_EQUAL(nbed_routes(&b, B), 1);
		CU_ASSERT_EQUAL(state(B, C), NBH_READY);
		CU_ASSERT_TRUE(nbh_stats(b.node[B].n)->refused[NBH_R_ARCS] != 0);
		CU_ASSERT_EQUAL(b.node[C].connects + b.node[B].connects, 0);
		nbed_kill(&b, A, false);
		nbed_run(&b, 60 * SECOND);
		CU_ASSERT_PTR_NOT_NULL(arc(B, C));
		CU_ASSERT_PTR_NOT_NULL(arc(C, B));
		end();
	}
}

/* N4: hellos of a neighbour with an arc change nothing. */
static void
test_n4(void)
{
	struct peer_hello h = { .node = 1002, .address = 0xa9fe1401, .interval = 1000,
		.timestamp = 1 };

	begin_with_arc(true);
	memcpy(h.mac, b.nic[nic(B)].mac.b, 6);
	for (unsigned i = 0; i < 100; i++)
		nbed_forge(&b, A, 0, &h);
	events_are(A, "");
	CU_ASSERT_EQUAL(nbh_entries(b.node[A].n), 1);
	end();
}

/* N5, N6: whatever is lost at the beginning, the arc is there within two intervals of its end. */
static void
test_n5(void)
{
	for (unsigned way = 0; way < 3; way++) {
		uint64_t from;

		begin(2, true);
		b.nic[nic(A)].sees[nic(B)] = way == 0;
		b.nic[nic(B)].sees[nic(A)] = way == 1;
		nbed_up(&b, A, 0);
		nbed_up(&b, B, 0);
		nbed_run(&b, 3200 * MS);
		CU_ASSERT_EQUAL(nbed_arcs(&b, A) + nbed_arcs(&b, B), 0);
		CU_ASSERT_EQUAL(nbed_routes(&b, A) + nbed_routes(&b, B), 0);
		nbed_join(&b, nic(A), nic(B), true);
		from = b.now;
		nbed_run(&b, 4 * SECOND);
		CU_ASSERT_PTR_NOT_NULL(arc(A, B));
		CU_ASSERT_TRUE(b.node[A].added_at - from < 2200 * MS);
		CU_ASSERT_TRUE(b.node[B].added_at - from < 2200 * MS);
		end();
	}
}

/* N7: a hello that lists another node, or another interface of ours, says nothing about us. */
static void
test_n7(void)
{
	struct peer_heard heard[2] = { { .node = 1009 }, { .node = 1001 } };
	struct peer_hello h = { .node = 1005, .mac = { 2, 0, 0, 0, 0, 5 }, .address = 0xa9fe3201,
		.interval = 1000, .heard = { heard, 2 } };

	begin(2, true);
	nbed_up(&b, A, 0);
	nbed_run(&b, 100 * MS);
	heard[0].timestamp = heard[1].timestamp = b.node[A].n->nic[0].stamps[0];
	memcpy(heard[0].mac, b.nic[nic(A)].mac.b, 6);
	memcpy(heard[1].mac, b.nic[nbed_nic_of(A, 1)].mac.b, 6);
	nbed_forge(&b, A, 0, &h);
	CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->samples, 0);
	CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->refused[NBH_R_ECHO], 0);
	end();
}

/* N8: the neighbour restarts.  Its kernel closes the connection: taken up at once. */
static void
test_n8_closed(void)
{
	uint64_t from;

	begin_with_arc(true);
	nbed_kill(&b, B, false);
	b.node[B].id = 2002;
	nbed_start(&b, B);
	nbed_up(&b, B, 0);
	from = b.now;
	nbed_run(&b, 3 * SECOND);
	events_are(A, "~0 x -0 r +0 ");
	CU_ASSERT_EQUAL(b.node[A].why, NBH_WHY_CONNECTION);
	CU_ASSERT_TRUE(b.node[A].removed_at - from < 10 * MS);
	CU_ASSERT_TRUE(b.node[A].added_at - from < 1500 * MS);
	CU_ASSERT_EQUAL(nbed_entry(&b, A, 0, nic(B)).node, 2002);
	end();
}

/* The power goes: the old id has to be silent for 3.5 intervals first. */
static void
test_n8_silent(void)
{
	uint64_t from;

	begin_with_arc(true);
	nbed_run(&b, 20 * SECOND);
	nbed_kill(&b, B, true);
	b.node[B].id = 2002;
	nbed_start(&b, B);
	nbed_up(&b, B, 0);
	from = b.now;
	nbed_run(&b, 2400 * MS);
	events_are(A, "");
	CU_ASSERT_PTR_NOT_NULL(arc(A, B));
	CU_ASSERT_TRUE(nbh_stats(b.node[A].n)->refused[NBH_R_NODE] >= 2);
	nbed_run(&b, 4 * SECOND);
	CU_ASSERT_EQUAL(b.node[A].why, NBH_WHY_SILENT);
	CU_ASSERT_TRUE(b.node[A].removed_at - from <= 3500 * MS);
	CU_ASSERT_TRUE(b.node[A].added_at - from < 6 * SECOND);
	CU_ASSERT_PTR_NOT_NULL(arc(A, B));
	CU_ASSERT_PTR_NOT_NULL(arc(B, A));
	end();
}

/* --- going ------------------------------ */

/* L1: a failure: no message; the wish stays, and the arc comes back. */
static void
test_l1(void)
{
	begin_with_arc(true);
	nbed_hang_up(&b, A, arc(A, B)->connection);
	events_are(A, "~0 x -0 ");
	CU_ASSERT_EQUAL(b.node[A].why, NBH_WHY_CONNECTION);
	CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->removed[NBH_WHY_CONNECTION], 1);
	CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->arcs_removed, 1);
	CU_ASSERT_FALSE(b.node[A].usable);
	CU_ASSERT_EQUAL(nbed_routes(&b, A), 0);
	/* To b it is an arc that was opened anew. */
	nbed_run(&b, 3 * SECOND);
	events_are(A, "r +0 ");
	events_are(B, "~0 x -0 r opened +0 ");
	CU_ASSERT_EQUAL(b.node[B].why, NBH_WHY_REOPENED);
	end();
}

/* L2: in good order: the neighbour is told, and says nothing back. */
static void
test_l2(void)
{
	begin_with_arc(false);
	CU_ASSERT_EQUAL(nbed_unwant(&b, A, 0, nic(B)), NBH_WANT_DONE);
	events_are(A, "close ~0u x -0 ");
	nbed_run(&b, 100 * MS);
	events_are(B, "~0 x -0 ");
	CU_ASSERT_EQUAL(b.node[B].why, NBH_WHY_PEER);
	CU_ASSERT_EQUAL(nbh_stats(b.node[B].n)->removed[NBH_WHY_PEER], 1);
	CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->removed[NBH_WHY_ORDER], 1);
	CU_ASSERT_EQUAL(nbed_routes(&b, A) + nbed_routes(&b, B), 0);
	CU_ASSERT_EQUAL(state(A, B), NBH_READY);
	CU_ASSERT_EQUAL(state(B, A), NBH_WANTED);
	/* b's wish lasts; the arc is back when a's operator wants it again. */
	nbed_run(&b, 100 * SECOND);
	CU_ASSERT_EQUAL(b.node[A].added, 1);
	CU_ASSERT_EQUAL(b.node[A].connects, 1);
	nbed_want(&b, A, 0, nic(B));
	nbed_run(&b, 2 * SECOND);
	CU_ASSERT_PTR_NOT_NULL(arc(A, B));
	CU_ASSERT_PTR_NOT_NULL(arc(B, A));
	end();
}

/* L5, L6: twice is once. */
static void
test_l5(void)
{
	uint32_t number;

	begin_with_arc(true);
	number = arc(A, B)->arc;
	CU_ASSERT_TRUE(nbed_remove(&b, A, number, true));
	CU_ASSERT_FALSE(nbed_remove(&b, A, number, true));
	CU_ASSERT_FALSE(nbed_remove(&b, A, 0, false));
	CU_ASSERT_FALSE(nbed_remove(&b, A, 999, false));
	events_are(A, "close ~0u x -0 ");
	/* Automatic mode: left alone for a while at both ends. */
	nbed_run(&b, 29 * SECOND);
	events_are(A, "");
	events_are(B, "~0 x -0 ");
	nbed_run(&b, 4 * SECOND);
	CU_ASSERT_PTR_NOT_NULL(arc(A, B));
	CU_ASSERT_NOT_EQUAL(arc(A, B)->arc, number);
	end();
}

/* An arc that others found useless comes back with a hello, later each time. */
static void
test_useless(void)
{
	unsigned before;

	begin_with_arc(true);
	for (unsigned i = 0; i < 20; i++) {
		while (arc(A, B) == NULL)
			nbed_run(&b, 100 * MS);
		nbed_remove(&b, A, arc(A, B)->arc, false);
	}
	/* 0.5 + 0.5 + 1 + 2 + 4 + 15 times 8 s, and up to a hello each. */
	CU_ASSERT_TRUE(b.now > 100 * SECOND);
	while (arc(A, B) == NULL)
		nbed_run(&b, 100 * MS);
	nbed_run(&b, 11 * SECOND);
	before = b.node[A].added;
	nbed_remove(&b, A, arc(A, B)->arc, false);
	nbed_run(&b, 2 * SECOND);
	CU_ASSERT_EQUAL(b.node[A].added, before + 1);
	end();
}

/* P1: five nodes; P7: one of them dies without a word. */
static void
test_p(void)
{
	static const unsigned links[][2] = { { A, B }, { B, C }, { A, C }, { B, E }, { A, D } };
	static const size_t arcs[] = { 3, 3, 2, 1, 1 };
	uint64_t from;

	begin(5, true);
	for (unsigned i = 0; i < 5; i++)
		for (unsigned j = 0; j < i; j++)
			nbed_join(&b, nic(i), nic(j), false);
	for (unsigned i = 0; i < 5; i++)
		nbed_join(&b, nic(links[i][0]), nic(links[i][1]), true);
	for (unsigned x = 0; x < 5; x++)
		nbed_up(&b, x, 0);
	nbed_run(&b, 3 * SECOND);
	for (unsigned x = 0; x < 5; x++) {
		CU_ASSERT_EQUAL(nbed_arcs(&b, x), arcs[x]);
		CU_ASSERT_EQUAL(nbed_routes(&b, x), arcs[x]);
	}
	for (unsigned i = 0; i < 50; i++) {
		/* At any moment between two hellos. */
		nbed_run(&b, 5 * SECOND + rng_below(&b.rng, 1000000));
		nbed_kill(&b, D, true);
		from = b.now;
		nbed_run(&b, 5 * SECOND);
		CU_ASSERT_PTR_NULL(arc(A, D));
		CU_ASSERT_EQUAL(b.node[A].why, NBH_WHY_SILENT);
		CU_ASSERT_TRUE(b.node[A].removed_at - from >= 2300 * MS);
		CU_ASSERT_TRUE(b.node[A].removed_at - from <= 4600 * MS);
		CU_ASSERT_EQUAL(nbed_arcs(&b, A), 2);
		b.node[D].id++;
		nbed_start(&b, D);
		nbed_up(&b, D, 0);
	}
	/* A killed process: its kernel tells. */
	nbed_run(&b, 5 * SECOND);
	nbed_kill(&b, D, false);
	from = b.now;
	nbed_run(&b, SECOND);
	CU_ASSERT_TRUE(b.node[A].removed_at - from <= b.delay_max);
	CU_ASSERT_EQUAL(nbed_arcs(&b, B), 3);
	end();
}

static void
test_stop(void)
{
	begin_with_arc(true);
	nbed_stop(&b, B);
	nbed_run(&b, 10 * MS);
	events_are(A, "~0 x -0 ");
	CU_ASSERT_EQUAL(b.node[A].why, NBH_WHY_PEER);
	CU_ASSERT_EQUAL(nbh_entries(b.node[A].n), 0);
	end();
}

/* --- opening ------------------------------ */

/* Another topology, another range: no arc, told once a minute, and not asked every second. */
static void
test_topology(void)
{
	char why[200];

	for (unsigned what = 0; what < 2; what++) {
		begin(2, true);
		if (what == 0) {
			CU_ASSERT_TRUE(topo_parse("4.4.2", &b.node[B].p.topo, why, sizeof(why)));
		} else {
			b.node[B].p.range = (ntk_prefix_t){ 0x0a000000, 9 };
		}
		nbed_up(&b, A, 0);
		nbed_up(&b, B, 0);
		nbed_run(&b, 300 * SECOND);
		CU_ASSERT_EQUAL(nbed_arcs(&b, A) + nbed_arcs(&b, B), 0);
		CU_ASSERT_EQUAL(nbed_routes(&b, A) + nbed_routes(&b, B), 0);
		CU_ASSERT_TRUE(b.node[A].connects >= 2 && b.node[A].connects <= 11);
		CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->refused[NBH_R_TOPOLOGY],
		    b.node[A].connects);
		CU_ASSERT_TRUE(b.node[A].refused <= 6);
		CU_ASSERT_PTR_NOT_NULL(strstr(b.node[B].events, "!topology "));
		end();
	}
}

/* The kernel does not take the route: the neighbour hears that it is not possible now. */
static void
test_route_refused(void)
{
	for (unsigned x = A; x <= B; x++) {
		begin(2, true);
		b.node[x].no_routes = true;
		nbed_up(&b, A, 0);
		nbed_up(&b, B, 0);
		nbed_run(&b, 20 * SECOND);
		CU_ASSERT_EQUAL(nbed_arcs(&b, A) + nbed_arcs(&b, B), 0);
		CU_ASSERT_EQUAL(nbed_routes(&b, A) + nbed_routes(&b, B), 0);
		CU_ASSERT_EQUAL(b.node[x].added, 0);
		CU_ASSERT_TRUE(nbh_stats(b.node[x].n)->refused[NBH_R_ROUTE] >= 1);
		CU_ASSERT_TRUE(nbh_stats(b.node[x].n)->refused[NBH_R_ROUTE] <= 2);
		b.node[x].no_routes = false;
		nbed_run(&b, 120 * SECOND);
		CU_ASSERT_PTR_NOT_NULL(arc(A, B));
		CU_ASSERT_PTR_NOT_NULL(arc(B, A));
		end();
	}
}

/* The kernel takes longer than the neighbour waits: nothing is left behind. */
static void
test_slow_kernel(void)
{
	begin(2, true);
	nbed_up(&b, A, 0);
	nbed_up(&b, B, 0);
	b.kernel_max = 8000000;
	nbed_run(&b, 200 * SECOND);
	b.kernel_max = 1000;
	nbed_run(&b, 60 * SECOND);
	CU_ASSERT_PTR_NOT_NULL(arc(A, B));
	CU_ASSERT_PTR_NOT_NULL(arc(B, A));
	CU_ASSERT_EQUAL(nbed_routes(&b, A), 1);
	CU_ASSERT_EQUAL(nbed_routes(&b, B), 1);
	end();
}

/* Nobody answers: given up after 2 s, tried again; put aside after 10 s, taken up 30 s later. */
static void
test_no_answer(void)
{
	begin(2, true);
	b.connect_fails = 1000;
	nbed_up(&b, A, 0);
	nbed_up(&b, B, 0);
	nbed_run(&b, 11 * SECOND);
	CU_ASSERT_TRUE(b.node[A].connects >= 3 && b.node[A].connects <= 5);
	CU_ASSERT_EQUAL(state(A, B), NBH_READY);
	CU_ASSERT_EQUAL(b.node[A].added, 0);
	CU_ASSERT_TRUE(nbh_stats(b.node[A].n)->refused[NBH_R_LATE] >= 3);
	nbed_run(&b, 28 * SECOND);
	CU_ASSERT_TRUE(b.node[A].connects <= 5);
	b.connect_fails = 0;
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_PTR_NOT_NULL(arc(A, B));
	end();
}

/* --- by hand: the follower ------------------------------ */

/* Node b alone; node 1001 is played by the test. */
static struct peer_open
open_of_a(void)
{
	const struct topo *t = &b.node[B].p.topo;
	struct peer_open o = { .protocol = PEER_VERSION, .node = 1001, .address = 0xa9fe0a01,
		.peer_node = 1002, .peer_address = 0xa9fe1401, .range = 0x0a000000, .range_len = 8,
		.gexp = { t->gexp, t->levels } };

	memcpy(o.mac, b.nic[nic(A)].mac.b, 6);
	memcpy(o.peer_mac, b.nic[nic(B)].mac.b, 6);
	return o;
}

static uint32_t late;	/* how much longer than it was they say that we were on the way, µs */

static void
a_says_hello(bool wants)
{
	struct peer_heard us = { .node = 1002, .timestamp = b.node[B].n->nic[0].stamps[0],
		.flags = wants };
	struct peer_hello h = { .node = 1001, .address = 0xa9fe0a01, .interval = 1000,
		.timestamp = (uint32_t)b.now, .heard = { &us, 1 } };

	/* As if it had been heard just before: the time since then was its way. */
	us.received = h.timestamp;
	if (late != 0) {
		h.interval = 60000;
		us.timestamp = b.node[B].n->nic[0].stamps[b.node[B].n->nic[0].n_stamps - 1];
		us.received -= (uint32_t)b.now + (uint32_t)b.node[B].offset +
		    b.node[B].n->clock - us.timestamp - late;
	}
	memcpy(us.mac, b.nic[nic(B)].mac.b, 6);
	memcpy(h.mac, b.nic[nic(A)].mac.b, 6);
	nbed_forge(&b, B, 0, &h);
}

static void
begin_by_hand(void)
{
	begin(2, true);
	nbed_up(&b, B, 0);
	nbed_run(&b, 10 * MS);
	a_says_hello(true);
	nbed_run(&b, 10 * MS);
	CU_ASSERT_EQUAL(state(B, A), NBH_WANTED);
}

static uint32_t
connect_as_a(void)
{
	uint32_t c = nbed_accept(&b, B, 0, 0xa9fe0a01);

	CU_ASSERT_NOT_EQUAL(c, 0);
	return c;
}

static void
open_as_a(uint32_t c, const struct peer_open *o)
{
	const struct peer_msg m = { .type = PEER_open, .open = *o };

	nbed_say(&b, B, c, PEER_CALL, 7, PEER_open, &m, 0);
}

static bool
is_there(uint32_t c)
{
	return nbh_connection(b.node[B].n, c, NULL, NULL) != NBH_C_NONE;
}

/* Everything in an OPEN is looked at. */
static void
test_open_lies(void)
{
	static const char *const answers[] = { "!version ", "!not_accepted ", "!not_accepted ",
		"!not_accepted ", "!not_accepted ", "!not_accepted ", "!not_accepted ",
		"!topology ", "!topology ", "!topology ", "!topology " };

	for (unsigned lie = 0; lie < 11; lie++) {
		struct peer_open o;
		uint32_t c;

		begin_by_hand();
		o = open_of_a();
		c = connect_as_a();
		o.protocol += lie == 0;
		o.node += lie == 1;
		o.mac[5] += lie == 2;
		o.address += lie == 3;
		o.peer_node += lie == 4;
		o.peer_mac[5] += lie == 5;
		o.peer_address += lie == 6;
		o.range += lie == 7;
		o.range_len += lie == 8;
		o.gexp.n -= lie == 9;
		if (lie == 10)
			o.gexp.v++;
		open_as_a(c, &o);
		events_are(B, answers[lie]);
		CU_ASSERT_FALSE(is_there(c));
		CU_ASSERT_EQUAL(state(B, A), NBH_WANTED);
		/* The truth is heard all the same. */
		o = open_of_a();
		open_as_a(connect_as_a(), &o);
		nbed_run(&b, 10 * MS);
		events_are(B, "r opened +0 ");
		end();
	}
}

/* Only the one that leads may connect, and only somebody known. */
static void
test_strangers(void)
{
	begin_by_hand();
	CU_ASSERT_EQUAL(nbed_accept(&b, B, 0, 0xa9fe0a02), 0);
	CU_ASSERT_EQUAL(nbed_accept(&b, B, 1, 0xa9fe0a01), 0);
	CU_ASSERT_EQUAL(nbed_accept(&b, B, NBH_DEVS, 0xa9fe0a01), 0);
	CU_ASSERT_EQUAL(nbh_stats(b.node[B].n)->refused[NBH_R_STRANGER], 2);
	end();
	begin(2, true);
	nbed_up(&b, A, 0);
	nbed_up(&b, B, 0);
	nbed_run(&b, SECOND);
	CU_ASSERT_EQUAL(nbed_accept(&b, A, 0, 0xa9fe1401), 0);
	CU_ASSERT_PTR_NOT_NULL(arc(A, B));
	end();
}

/* What is no OPEN, an OPEN that comes too late, a connection that ends: nothing remains. */
static void
test_no_open(void)
{
	struct peer_msg m = { .type = PEER_close, .close = { PEER_CLOSE_ORDER } };
	struct peer_open o;
	uint32_t c, d;

	begin_by_hand();
	o = open_of_a();
	c = connect_as_a();
	nbed_say(&b, B, c, PEER_NOTICE, 0, PEER_close, &m, 0);
	CU_ASSERT_FALSE(is_there(c));
	c = connect_as_a();
	nbed_say(&b, B, c, PEER_RESULT, 1, PEER_open, NULL, 0);
	CU_ASSERT_FALSE(is_there(c));
	c = connect_as_a();
	m = (struct peer_msg){ .type = PEER_open, .open = o };
	nbed_say(&b, B, c, PEER_NOTICE, 0, PEER_open, &m, 0);
	CU_ASSERT_FALSE(is_there(c));
	CU_ASSERT_EQUAL(nbh_stats(b.node[B].n)->refused[NBH_R_SPEECH], 3);
	/* It is none of ours. */
	c = connect_as_a();
	{
		struct nbh_out out;

		nbh_out_init(&out);
		nbh_connected(b.node[B].n, 0, c, &out);
		CU_ASSERT_EQUAL(out.n, 0);
		nbh_out_free(&out);
	}
	nbed_hang_up(&b, B, c);
	c = connect_as_a();
	nbed_run(&b, 1990 * MS);
	CU_ASSERT_TRUE(is_there(c));
	nbed_run(&b, 20 * MS);
	CU_ASSERT_FALSE(is_there(c));
	CU_ASSERT_EQUAL(nbh_stats(b.node[B].n)->refused[NBH_R_LATE], 1);
	open_as_a(c, &o);
	events_are(B, "");
	/* The third that says nothing takes the place of the first. */
	c = connect_as_a();
	d = connect_as_a();
	connect_as_a();
	CU_ASSERT_FALSE(is_there(c));
	CU_ASSERT_TRUE(is_there(d));
	nbed_hang_up(&b, B, d);
	CU_ASSERT_FALSE(is_there(d));
	nbed_hang_up(&b, B, d);
	nbed_hang_up(&b, B, 12345);
	end();
}

/* 19.4: an OPEN for an arc that is up: the neighbour lost it. */
static void
test_reopened(void)
{
	struct peer_open o;
	uint32_t c, d;

	begin_by_hand();
	o = open_of_a();
	c = connect_as_a();
	open_as_a(c, &o);
	nbed_run(&b, 10 * MS);
	events_are(B, "r opened +0 ");
	d = connect_as_a();
	open_as_a(d, &o);
	events_are(B, "~0 x -0 r ");
	CU_ASSERT_EQUAL(b.node[B].why, NBH_WHY_REOPENED);
	CU_ASSERT_FALSE(is_there(c));
	nbed_run(&b, 10 * MS);
	events_are(B, "opened +0 ");
	/* And before the kernel answered. */
	d = connect_as_a();
	open_as_a(d, &o);
	c = connect_as_a();
	open_as_a(c, &o);
	CU_ASSERT_FALSE(is_there(d));
	nbed_run(&b, 10 * MS);
	events_are(B, "~0 x -0 r x r opened +0 ");
	CU_ASSERT_EQUAL(nbed_routes(&b, B), 1);
	/* A second OPEN on one connection is out of place. */
	open_as_a(c, &o);
	events_are(B, "~0 x -0 ");
	CU_ASSERT_EQUAL(b.node[B].why, NBH_WHY_CONNECTION);
	end();
}

/* A leader that does not wait after short lives of its arc is told to; and heard again later. */
static void
test_flaps(void)
{
	struct peer_open o;
	uint32_t c;

	begin_by_hand();
	o = open_of_a();
	for (unsigned life = 0; life < 5; life++) {
		c = connect_as_a();
		open_as_a(c, &o);
		nbed_run(&b, 10 * MS);
		nbed_hang_up(&b, B, c);
		events_are(B, "r opened +0 ~0 x -0 ");
	}
	CU_ASSERT_EQUAL(nbh_stats(b.node[B].n)->refused[NBH_R_FLAPS], 0);
	/* What follows waits, and nothing is changed by asking. */
	for (unsigned i = 1; i <= 3; i++) {
		c = connect_as_a();
		open_as_a(c, &o);
		nbed_run(&b, 10 * MS);
		CU_ASSERT_EQUAL(nbh_stats(b.node[B].n)->refused[NBH_R_FLAPS], i);
		CU_ASSERT_FALSE(is_there(c));
	}
	events_are(B, "!busy !busy !busy ");
	CU_ASSERT_EQUAL(nbed_routes(&b, B), 0);
	end();
}

/* The connection goes while the kernel works: its answer comes too late, and is no matter. */
static void
test_gone_while_routing(void)
{
	struct peer_open o;
	uint32_t c;

	begin_by_hand();
	o = open_of_a();
	c = connect_as_a();
	open_as_a(c, &o);
	CU_ASSERT_EQUAL(state(B, A), NBH_AGREED);
	CU_ASSERT_EQUAL(nbh_connection(b.node[B].n, c, NULL, NULL), NBH_C_AGREED);
	nbed_hang_up(&b, B, c);
	CU_ASSERT_EQUAL(state(B, A), NBH_WANTED);
	nbed_run(&b, 100 * MS);
	events_are(B, "r x ");
	CU_ASSERT_EQUAL(nbed_routes(&b, B), 0);
	end();
}

/* An OPEN when the arc is not wanted. */
static void
test_not_wanted(void)
{
	struct peer_open o;

	begin(2, false);
	nbed_up(&b, B, 0);
	nbed_run(&b, 10 * MS);
	a_says_hello(true);
	o = open_of_a();
	open_as_a(connect_as_a(), &o);
	events_are(B, "!not_wanted ");
	CU_ASSERT_EQUAL(nbh_stats(b.node[B].n)->refused[NBH_R_NOT_WANTED], 1);
	end();
}

/* --- by hand: the leader ------------------------------ */

static const ntk_mac_t mac_z = { { 2, 0, 0, 0, 0, 9 } };

/* z, 9000, hears a and wants it. */
static void
z_says_hello(void)
{
	struct peer_heard us = { .node = 1001, .timestamp = b.node[A].n->nic[0].stamps[0],
		.received = (uint32_t)b.now, .flags = PEER_HEARD_WANT };
	struct peer_hello h = { .node = 9000, .address = 0xa9fe0909, .interval = 1000,
		.timestamp = us.received, .heard = { &us, 1 } };

	memcpy(us.mac, b.nic[nic(A)].mac.b, 6);
	memcpy(h.mac, mac_z.b, 6);
	nbed_forge(&b, A, 0, &h);
}

static struct nbh_entry
entry_z(void)
{
	struct nbh_entry e = { .entry = 0 };

	nbh_entry_find(b.node[A].n, 0, mac_z, &e);
	return e;
}

static void
connected(uint32_t c, size_t actions)
{
	struct nbh_out out;

	nbh_out_init(&out);
	nbh_connected(b.node[A].n, b.now + b.node[A].offset, c, &out);
	CU_ASSERT_EQUAL_FATAL(out.n, actions);
	if (actions != 0) {
		const struct peer_open *o = &out.v[0].msg->open;

		CU_ASSERT_EQUAL(out.v[0].kind, NBH_CALL);
		CU_ASSERT_EQUAL(out.v[0].call, NBH_OPEN_CALL);
		CU_ASSERT_EQUAL(out.v[0].connection, c);
		CU_ASSERT_TRUE(o->node == 1001 && o->peer_node == 9000);
		CU_ASSERT_TRUE(o->address == 0xa9fe0a01 && o->peer_address == 0xa9fe0909);
		CU_ASSERT_EQUAL(memcmp(o->mac, b.nic[nic(A)].mac.b, 6), 0);
		CU_ASSERT_EQUAL(memcmp(o->peer_mac, mac_z.b, 6), 0);
		CU_ASSERT_EQUAL(o->range, 0x0a000000);
		CU_ASSERT_EQUAL(o->gexp.n, b.node[A].p.topo.levels);
	}
	nbh_out_free(&out);
}

static uint32_t
begin_leading(void)
{
	begin(1, true);
	nbed_up(&b, A, 0);
	nbed_run(&b, 10 * MS);
	z_says_hello();
	CU_ASSERT_EQUAL(entry_z().state, NBH_OPENING);
	return entry_z().connection;
}

/* What z may answer, and what becomes of it. */
static void
test_answers(void)
{
	static const struct {
		enum peer_kind kind;
		uint32_t call;
		uint8_t called, error, type, protocol;
		uint32_t node;
		enum nbh_state state;
		enum nbh_refusal refusal;	/* NBH_REFUSALS: none */
		bool wants;
	} answers[] = {
		{ PEER_RESULT, 1, PEER_open, 0, PEER_opened, 1, 9000, NBH_AGREED, NBH_REFUSALS, true },
		{ PEER_RESULT, 1, PEER_open, 0, PEER_opened, 1, 9001, NBH_WANTED, NBH_R_SPEECH, true },
		{ PEER_RESULT, 1, PEER_open, 0, PEER_opened, 2, 9000, NBH_WANTED, NBH_R_VERSION, true },
		{ PEER_RESULT, 2, PEER_open, 0, PEER_opened, 1, 9000, NBH_WANTED, NBH_R_SPEECH, true },
		{ PEER_RESULT, 1, PEER_alive, 0, PEER_opened, 1, 9000, NBH_WANTED, NBH_R_SPEECH, true },
		{ PEER_RESULT, 1, PEER_open, 0, PEER_alive, 1, 9000, NBH_WANTED, NBH_R_SPEECH, true },
		{ PEER_RESULT, 1, PEER_open, 0, 0, 1, 9000, NBH_WANTED, NBH_R_SPEECH, true },
		{ PEER_NOTICE, 0, PEER_close, 0, PEER_close, 1, 9000, NBH_WANTED, NBH_R_SPEECH, true },
		{ PEER_WAIT, 1, PEER_open, 0, 0, 1, 9000, NBH_WANTED, NBH_R_SPEECH, true },
		{ PEER_CALL, 1, PEER_open, 0, PEER_open, 1, 9000, NBH_WANTED, NBH_R_SPEECH, true },
		{ PEER_ERROR, 1, PEER_open, PEER_E_NOT_WANTED, 0, 1, 9000, NBH_WANTED, NBH_R_DECLINED,
		    false },
		{ PEER_ERROR, 1, PEER_open, PEER_E_BUSY, 0, 1, 9000, NBH_WANTED, NBH_R_DECLINED, true },
		{ PEER_ERROR, 1, PEER_open, 200, 0, 1, 9000, NBH_WANTED, NBH_R_DECLINED, true },
		{ PEER_ERROR, 1, PEER_open, PEER_E_TOPOLOGY, 0, 1, 9000, NBH_WANTED, NBH_R_TOPOLOGY,
		    true },
		{ PEER_ERROR, 1, PEER_open, PEER_E_VERSION, 0, 1, 9000, NBH_WANTED, NBH_R_VERSION,
		    true },
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct peer_msg m = { .type = answers[i].type };
		uint32_t c = begin_leading();
		unsigned connects;

		if (m.type == PEER_opened)
			m.opened = (struct peer_opened){ answers[i].protocol, answers[i].node };
		connected(c, 1);
		nbed_say(&b, A, c, answers[i].kind, answers[i].call, answers[i].called,
		    m.type != 0 ? &m : NULL, answers[i].error);
		CU_ASSERT_EQUAL(entry_z().state, answers[i].state);
		CU_ASSERT_EQUAL(entry_z().peer_wants, answers[i].wants);
		CU_ASSERT_EQUAL(nbh_connection(b.node[A].n, c, NULL, NULL) != NBH_C_NONE,
		    answers[i].state == NBH_AGREED);
		for (int r = 0; r < NBH_REFUSALS; r++)
			CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->refused[r],
			    (enum nbh_refusal)r == answers[i].refusal);
		/* Not at once; but with the hello after that, unless it is of no use. */
		connects = b.node[A].connects;
		nbed_run(&b, 200 * MS);
		z_says_hello();
		CU_ASSERT_EQUAL(b.node[A].connects, connects);
		nbed_run(&b, 400 * MS);
		z_says_hello();
		CU_ASSERT_EQUAL(b.node[A].connects, connects + (answers[i].state != NBH_AGREED &&
		    answers[i].refusal != NBH_R_TOPOLOGY && answers[i].refusal != NBH_R_VERSION));
		end();
	}
}

/* An answer before the question, and a connection that is made twice. */
static void
test_connected(void)
{
	const struct peer_msg m = { .type = PEER_opened, .opened = { PEER_VERSION, 9000 } };
	uint32_t c = begin_leading();

	nbed_say(&b, A, c, PEER_RESULT, NBH_OPEN_CALL, PEER_open, &m, 0);
	CU_ASSERT_EQUAL(entry_z().state, NBH_WANTED);
	connected(c, 0);
	end();
	c = begin_leading();
	connected(c, 1);
	connected(c, 0);
	connected(c + 1, 0);
	nbed_say(&b, A, c, PEER_RESULT, NBH_OPEN_CALL, PEER_open, &m, 0);
	connected(c, 0);
	nbed_run(&b, 10 * MS);
	events_are(A, "r +0 ");
	CU_ASSERT_EQUAL(nbh_connection(b.node[A].n, c, NULL, NULL), NBH_C_UP);
	end();
}

/* --- claims (19.7) ------------------------------ */

/*
 * After a connection broke the neighbour may be another one, but only until it has been heard
 * as the one it was.
 */
static void
test_orphan(void)
{
	struct peer_hello h = { .node = 666, .address = 0xa9fe0a02, .interval = 1000 };

	for (unsigned heard = 0; heard < 2; heard++) {
		struct peer_open o;
		uint32_t c;

		begin_by_hand();
		o = open_of_a();
		c = connect_as_a();
		open_as_a(c, &o);
		nbed_run(&b, 10 * MS);
		nbed_hang_up(&b, B, c);
		if (heard != 0)
			a_says_hello(true);
		memcpy(h.mac, b.nic[nic(A)].mac.b, 6);
		nbed_forge(&b, B, 0, &h);
		CU_ASSERT_EQUAL(nbed_entry(&b, B, 0, nic(A)).node, heard != 0 ? 1001 : 666);
		CU_ASSERT_EQUAL(nbh_stats(b.node[B].n)->refused[NBH_R_NODE], heard);
		end();
	}
}

/* Others that say to be the neighbour of an arc are ignored and counted. */
static void
test_claims(void)
{
	struct peer_hello h = { .node = 666, .address = 0xa9fe1401, .interval = 100 };

	begin_with_arc(true);
	memcpy(h.mac, b.nic[nic(B)].mac.b, 6);
	for (unsigned i = 0; i < 200; i++) {
		h.node = i % 2 == 0 ? 666 : 1002;
		h.address = i % 2 == 0 ? 0xa9fe1401 : 0xa9fe1402;
		h.timestamp = (uint32_t)b.now;
		nbed_forge(&b, A, 0, &h);
		nbed_run(&b, 50 * MS);
	}
	events_are(A, "");
	events_are(B, "");
	CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->refused[NBH_R_NODE], 100);
	CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->refused[NBH_R_MOVED], 100);
	CU_ASSERT_EQUAL(b.node[A].refused, 2);
	/* Another MAC with the address of the neighbour. */
	h = (struct peer_hello){ .node = 667, .address = 0xa9fe1401, .interval = 1000,
		.mac = { 2, 0, 0, 0, 0, 1 } };
	nbed_forge(&b, A, 0, &h);
	CU_ASSERT_EQUAL(nbh_stats(b.node[A].n)->refused[NBH_R_SHARED], 1);
	CU_ASSERT_EQUAL(nbh_entries(b.node[A].n), 1);
	end();
}

/* --- costs ------------------------------ */

/* arc_changed at most once in 10 s; what is told then is what holds then (checked by the bed). */
static void
test_changes(void)
{
	uint64_t from;

	begin_with_arc(true);
	nbed_run(&b, 20 * SECOND);
	events(A);
	from = b.now;
	b.delay_min = b.delay_max = 50000;
	nbed_run(&b, 9 * SECOND);
	CU_ASSERT_EQUAL(b.node[A].changed, 1);
	nbed_run(&b, 100 * SECOND);
	tap_note("%u changes in %" PRIu64 " s: %s", b.node[A].changed, (b.now - from) / SECOND,
	    events(A));
	CU_ASSERT_TRUE(b.node[A].changed >= 2 && b.node[A].changed <= 11);
	CU_ASSERT_TRUE(arc(A, B)->cost > 50000);
	b.delay_min = b.delay_max = 500;
	nbed_run(&b, 100 * SECOND);
	CU_ASSERT_TRUE(arc(A, B)->cost < 2000);
	CU_ASSERT_EQUAL(arc(A, B)->cost, nbed_entry(&b, A, 0, nic(B)).cost);
	end();
}

/* What is not told because of the 10 s is told when they are over, without another hello. */
static void
test_change_waits(void)
{
	struct peer_open o;
	uint64_t from;

	late = 1000;
	begin_by_hand();
	o = open_of_a();
	open_as_a(connect_as_a(), &o);
	nbed_run(&b, 10 * MS);
	CU_ASSERT_EQUAL(arc(B, A)->cost, 1000);
	nbed_run(&b, 2 * SECOND);
	late = 100000;
	a_says_hello(true);
	from = b.now;
	CU_ASSERT_EQUAL(arc(B, A)->cost, 10900);
	nbed_run(&b, 10 * MS);
	for (unsigned i = 0; i < 4; i++) {
		nbed_run(&b, 10 * MS);
		a_says_hello(true);
	}
	CU_ASSERT_EQUAL(b.node[B].changed, 1);
	CU_ASSERT_TRUE(nbed_entry(&b, B, 0, nic(A)).rtt > 21800);
	nbed_run(&b, from + 10 * SECOND - b.now - 1);
	CU_ASSERT_EQUAL(b.node[B].changed, 1);
	nbed_run(&b, 1);
	CU_ASSERT_EQUAL(b.node[B].changed, 2);
	CU_ASSERT_EQUAL(arc(B, A)->cost, nbed_entry(&b, B, 0, nic(A)).rtt);
	late = 0;
	end();
}

/* --- alive ------------------------------ */

/*
 * Broadcasts do not come through any more, the connection does: the arc stays, but not for ever.
 */
static void
test_deaf(void)
{
	uint64_t from;

	begin_with_arc(true);
	nbed_run(&b, 20 * SECOND);
	events(A);
	b.deaf = true;
	from = b.now;
	nbed_run(&b, 30 * SECOND);
	CU_ASSERT_PTR_NOT_NULL(arc(A, B));
	CU_ASSERT_PTR_NOT_NULL(arc(B, A));
	nbed_run(&b, 10 * SECOND);
	CU_ASSERT_PTR_NULL(arc(A, B));
	CU_ASSERT_TRUE(b.node[A].removed_at - from > 33 * SECOND);
	CU_ASSERT_TRUE(b.node[A].removed_at - from <= 35 * SECOND + 10 * MS);
	CU_ASSERT_EQUAL(nbh_entries(b.node[A].n), 0);
	b.deaf = false;
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_PTR_NOT_NULL(arc(A, B));
	end();
}

/* Who does not answer is gone as fast as ever. */
static void
test_asked_in_vain(void)
{
	uint64_t from;

	begin_with_arc(true);
	nbed_run(&b, 20 * SECOND);
	nbed_join(&b, nic(A), nic(B), false);
	from = b.now;
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_PTR_NULL(arc(A, B));
	CU_ASSERT_PTR_NULL(arc(B, A));
	CU_ASSERT_TRUE(b.node[A].removed_at - from <= 3500 * MS);
	CU_ASSERT_TRUE(nbh_stats(b.node[A].n)->asked >= 1);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "N1: one after the other", test_n1 },
		{ "19.4: the worked order", test_order },
		{ "N2: at the same instant", test_n2 },
		{ "N3: a full node", test_n3 },
		{ "N4: hellos of a neighbour with an arc", test_n4 },
		{ "N5, N6: lost hellos", test_n5 },
		{ "N7: hellos about others", test_n7 },
		{ "N8: a neighbour restarts, its connection closes", test_n8_closed },
		{ "N8: a neighbour restarts after a loss of power", test_n8_silent },
		{ "L1: a broken connection", test_l1 },
		{ "L2: in good order", test_l2 },
		{ "L5, L6: twice", test_l5 },
		{ "an arc that is removed again and again", test_useless },
		{ "P1, P7: five nodes, one dies", test_p },
		{ "a node stops", test_stop },
		{ "another topology or range", test_topology },
		{ "the kernel refuses the route", test_route_refused },
		{ "the kernel is slow", test_slow_kernel },
		{ "nobody answers", test_no_answer },
		{ "lies in an OPEN", test_open_lies },
		{ "strangers", test_strangers },
		{ "no OPEN", test_no_open },
		{ "an OPEN for an arc that is up", test_reopened },
		{ "an arc that comes and goes", test_flaps },
		{ "gone while the kernel works", test_gone_while_routing },
		{ "an OPEN of an arc that is not wanted", test_not_wanted },
		{ "answers to our OPEN", test_answers },
		{ "connected out of turn", test_connected },
		{ "after a broken connection", test_orphan },
		{ "claims to be a neighbour", test_claims },
		{ "changes of cost", test_changes },
		{ "a change that waits", test_change_waits },
		{ "no broadcasts any more", test_deaf },
		{ "asked in vain", test_asked_in_vain },
	};
	return TAP_RUN(tests);
}
