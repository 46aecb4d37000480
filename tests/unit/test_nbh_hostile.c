/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile node in the segment: invented neighbours, connections that stall, floods, and what
 * no sane node says.  Other arcs are unaffected, memory and log are bounded.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/nbhbed.h"
#include "tests/unit/tap.h"

static struct bed b;

/* Three nodes with their arcs; all else comes from outside. */
static void
begin(void)
{
	nbed_init(&b, 41);
	for (unsigned x = 0; x < 3; x++) {
		nbed_node(&b, x, 1001 + x);
		nbed_start(&b, x);
	}
	nbed_segment(&b, 7, 1);
	for (unsigned x = 0; x < 3; x++)
		nbed_up(&b, x, 0);
	nbed_run(&b, 15 * SECOND);
	for (unsigned x = 0; x < 3; x++)
		CU_ASSERT_EQUAL_FATAL(nbed_arcs(&b, x), 2);
}

/* The arcs of before are there, and were all the time. */
static void
end(void)
{
	for (unsigned x = 0; x < 3; x++) {
		for (unsigned y = 0; y < 3; y++)
			if (y != x) {
				const struct nbed_arc *c = nbed_arc(&b, x, 0, nbed_nic_of(y, 0));

				CU_ASSERT_PTR_NOT_NULL(c);
				CU_ASSERT_TRUE(c == NULL || c->arc <= 2);
			}
	}
	CU_ASSERT_STRING_EQUAL(b.wrong, "");
	if (b.wrong[0] != '\0')
		tap_note("%s", b.wrong);
	nbed_free(&b);
}

static uint32_t
draw(uint32_t n)
{
	return rng_below(&b.rng, n);
}

/* Neighbour K of an invented crowd, who hears and wants us. */
static struct peer_hello
invented(uint32_t k, struct peer_heard *us)
{
	const struct nic *c = &b.node[0].n->nic[0];
	struct peer_hello h = { .node = 10000 + k, .mac = { 2, 0, 0, (uint8_t)(k >> 16),
		(uint8_t)(k >> 8), (uint8_t)k },
		.address = 0xa9fe0101 + (k / 250 % 250 << 8) + k % 250, .interval = 1000,
		.timestamp = (uint32_t)b.now, .heard = { us, 1 } };

	*us = (struct peer_heard){ .node = 1001, .timestamp = c->stamps[0],
		.received = h.timestamp, .flags = PEER_HEARD_WANT };
	memcpy(us->mac, c->mac.b, 6);
	return h;
}

/* 10,000 of them, for a minute. */
static void
test_invented(void)
{
	struct peer_heard us;
	struct nbh *n;
	unsigned hellos, refused;
	uint64_t from;

	begin();
	n = b.node[0].n;
	hellos = b.node[0].hellos;
	refused = b.node[0].refused;
	from = b.now;
	for (unsigned i = 0; i < 20000; i++) {
		struct peer_hello h = invented(i % 10000, &us);

		nbed_forge(&b, 0, 0, &h);
		nbed_run(&b, 3 * MS);
		CU_ASSERT_TRUE(n->n_connections <= 2 + 2 * (size_t)b.node[0].p.max_opening);
	}
	CU_ASSERT_TRUE(nbh_entries(n) <= 256);
	CU_ASSERT_TRUE(nbh_entries(n) > 200);
	CU_ASSERT_TRUE(nbh_stats(n)->refused[NBH_R_ENTRIES] > 15000);
	/* At most 6 datagrams each second and 20 out of turn. */
	CU_ASSERT_TRUE(b.node[0].hellos - hellos < 26 * 66);
	CU_ASSERT_TRUE(b.node[0].refused - refused < 15);
	tap_note("20000 hellos of 10000 neighbours: %zu entries, %u hellos, %u lines, %u connects in "
	    "%.0f s", nbh_entries(n), b.node[0].hellos - hellos, b.node[0].refused - refused,
	    b.node[0].connects, (double)(b.now - from) / 1e6);
	/* When it is over all of them go. */
	nbed_run(&b, 10 * SECOND);
	CU_ASSERT_EQUAL(nbh_entries(n), 2);
	CU_ASSERT_EQUAL(n->wanted, 2);
	end();
}

/* A neighbour that comes while some invented ones are there still gets its arc. */
static void
test_newcomer(void)
{
	struct peer_heard us;
	uint64_t from;

	begin();
	nbed_node(&b, 3, 500);
	nbed_segment(&b, 15, 1);
	b.node[3].p.automatic = true;
	for (unsigned i = 0; i < 1500; i++) {
		struct peer_hello h = invented(i % 200, &us);

		nbed_forge(&b, 0, 0, &h);
		nbed_run(&b, 5 * MS);
	}
	from = b.now;
	nbed_start(&b, 3);
	nbed_up(&b, 3, 0);
	for (unsigned i = 0; i < 60 * 200 && nbed_arc(&b, 0, 0, nbed_nic_of(3, 0)) == NULL; i++) {
		struct peer_hello h = invented(i % 200, &us);

		nbed_forge(&b, 0, 0, &h);
		nbed_run(&b, 5 * MS);
	}
	CU_ASSERT_PTR_NOT_NULL(nbed_arc(&b, 0, 0, nbed_nic_of(3, 0)));
	tap_note("among 200 invented neighbours a new one has its arc after %.1f s",
	    (double)(b.now - from) / 1e6);
	nbed_run(&b, 10 * SECOND);
	end();
}

/* Connections that say nothing, from one neighbour and from many addresses. */
static void
test_stalls(void)
{
	struct peer_heard us;
	size_t most = 0;

	begin();
	/* Lower ids than ours, so that it is theirs to connect. */
	for (unsigned k = 0; k < 100; k++) {
		struct peer_hello h = invented(k, &us);

		h.node = 1 + k;
		h.interval = 60000;
		nbed_forge(&b, 0, 0, &h);
	}
	nbed_run(&b, SECOND);
	for (unsigned i = 0; i < 4000; i++) {
		struct peer_hello h = invented(draw(100), &us);

		nbed_accept(&b, 0, 0, h.address);
		nbed_accept(&b, 0, 0, 0xa9fe0000 + draw(65536));
		most = b.node[0].n->n_connections > most ? b.node[0].n->n_connections : most;
		nbed_run(&b, 500);
	}
	CU_ASSERT_TRUE(most <= 2 + (size_t)b.node[0].p.max_opening);
	CU_ASSERT_TRUE(nbh_stats(b.node[0].n)->refused[NBH_R_HALF_OPEN] > 1000);
	CU_ASSERT_TRUE(nbh_stats(b.node[0].n)->refused[NBH_R_STRANGER] > 1000);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(b.node[0].n->n_connections, 2);
	end();
}

/* --- nonsense ------------------------------ */

static ntk_ip_t
any_address(void)
{
	switch (draw(4)) {
	case 0:
		return b.nic[nbed_nic_of(draw(3), 0)].address;
	case 1:
		return draw(UINT32_MAX);
	default:
		return 0xa9fe0000 + draw(65536);
	}
}

static uint32_t
any_node(void)
{
	return draw(2) != 0 ? 1001 + draw(4) : 1 + draw(PEER_NODE_MAX);
}

static void
any_mac(uint8_t mac[6])
{
	const ntk_mac_t m = { { 2, 0, 0, 0, 0, (uint8_t)draw(64) } };

	memcpy(mac, draw(3) == 0 ? b.nic[nbed_nic_of(draw(3), draw(2))].mac.b : m.b, 6);
}

/*
 * Hellos that are valid to the letter and make no sense, against node 0.  It has the lowest of the
 * real ids; those below are left to the test of conflicts, as whoever has them may move us.
 */
static void
test_absurd_hellos(void)
{
	begin();
	for (unsigned i = 0; i < 20000; i++) {
		struct peer_heard heard[PEER_HEARD];
		struct peer_hello h = { .node = any_node(), .address = any_address(),
			.interval = (uint16_t)(100 + draw(59901)), .timestamp = draw(UINT32_MAX),
			.heard = { heard, (uint16_t)draw(PEER_HEARD + 1) } };

		if (h.node < 1001)
			h.node += 2000;
		any_mac(h.mac);
		for (unsigned k = 0; k < h.heard.n; k++) {
			heard[k] = (struct peer_heard){ .node = any_node(),
				.timestamp = b.node[0].n->nic[0].stamps[draw(STAMPS)] + draw(2),
				.received = h.timestamp - draw(3000000), .flags = draw(2) != 0 };
			any_mac(heard[k].mac);
		}
		/* What is said in the name of a real neighbour it would have to be this one. */
		if (h.address == b.nic[nbed_nic_of(h.node - 1001 < 3 ? h.node - 1001 : 0, 0)].address)
			continue;
		nbed_forge(&b, 0, 0, &h);
		if (i % 100 == 0)
			nbed_run(&b, draw(100000));
	}
	nbed_run(&b, 300 * SECOND);
	CU_ASSERT_EQUAL(nbh_entries(b.node[0].n), 2);
	end();
}

/* Messages of every kind over connections of their own. */
static void
test_absurd_talk(void)
{
	struct peer_heard us;
	struct peer_hello h;

	begin();
	for (unsigned i = 0; i < 5000; i++) {
		struct peer_msg m = { .type = (uint8_t)(1 + draw(5)) };
		uint32_t c;

		if (i % 100 == 0) {
			h = invented(i / 100 % 5, &us);
			h.node = 1 + i / 100 % 5;
			nbed_forge(&b, 0, 0, &h);
		}
		c = nbed_accept(&b, 0, 0, h.address);
		if (m.type == PEER_open) {
			m.open = (struct peer_open){ .protocol = PEER_VERSION, .node = h.node,
				.address = h.address, .peer_node = 1001,
				.peer_address = b.nic[0].address, .range = 0x0a000000, .range_len = 8,
				.gexp = { b.node[0].p.topo.gexp, b.node[0].p.topo.levels } };
			memcpy(m.open.mac, h.mac, 6);
			memcpy(m.open.peer_mac, b.nic[0].mac.b, 6);
			if (draw(4) == 0)
				m.open.peer_node = any_node();
		}
		for (unsigned k = 0; k < 3; k++) {
			nbed_say(&b, 0, c, (enum peer_kind)(draw(8)), draw(4), m.type,
			    draw(4) != 0 ? &m : NULL, (uint8_t)draw(10));
			nbed_say(&b, 0, c + draw(5), PEER_CALL, draw(4), m.type, &m, 0);
		}
		if (draw(3) == 0)
			nbed_hang_up(&b, 0, c);
		nbed_run(&b, draw(20000));
	}
	nbed_run(&b, 300 * SECOND);
	CU_ASSERT_EQUAL(b.node[0].n->n_connections, 2);
	end();
}

/* One that answers every OPEN with a refusal, and floods us with its wish. */
static void
test_refuser(void)
{
	struct peer_heard us;
	unsigned connects;

	begin();
	connects = b.node[0].connects;
	for (unsigned i = 0; i < 15000; i++) {
		struct peer_hello h = invented(1, &us);
		struct nbh_entry e;
		const ntk_mac_t mac = { { 2, 0, 0, 0, 0, 1 } };

		us.flags = i % 2;	/* changes its mind all the time */
		nbed_forge(&b, 0, 0, &h);
		nbh_entry_find(b.node[0].n, 0, mac, &e);
		if (e.state == NBH_OPENING)
			nbed_hang_up(&b, 0, e.connection);
		nbed_run(&b, 2 * MS);
	}
	CU_ASSERT_TRUE(b.node[0].connects - connects > 5);
	CU_ASSERT_TRUE(b.node[0].connects - connects <= 61);
	nbed_run(&b, 10 * SECOND);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "ten thousand invented neighbours", test_invented },
		{ "a newcomer among invented neighbours", test_newcomer },
		{ "connections that say nothing", test_stalls },
		{ "absurd hellos", test_absurd_hellos },
		{ "absurd talk", test_absurd_talk },
		{ "one that wants and refuses", test_refuser },
	};
	return TAP_RUN(tests);
}
