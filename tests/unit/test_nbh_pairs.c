/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several interfaces (spec/neighborhood 10, scenarios M of 15.2), who is wanted (19.5), and the
 * operator's wishes.
 */
#include <string.h>

#include "tests/unit/nbhbed.h"
#include "tests/unit/tap.h"

static struct bed b;

static void
begin(unsigned nodes, bool automatic)
{
	nbed_init(&b, 21);
	for (unsigned x = 0; x < nodes; x++) {
		nbed_node(&b, x, 1001 + x);
		b.node[x].p.automatic = automatic;
		nbed_start(&b, x);
	}
}

static void
up(unsigned nodes, unsigned devs)
{
	for (unsigned x = 0; x < nodes; x++)
		for (unsigned dev = 0; dev < devs; dev++)
			nbed_up(&b, x, dev);
}

static void
end(void)
{
	CU_ASSERT_STRING_EQUAL(b.wrong, "");
	if (b.wrong[0] != '\0')
		tap_note("%s", b.wrong);
	nbed_free(&b);
}

/* --- M ------------------------------ */

static void
test_m1(void)
{
	begin(2, true);
	nbed_segment(&b, 3, 2);
	up(2, 2);
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_EQUAL(b.node[0].added, 2);
	CU_ASSERT_EQUAL(b.node[1].added, 2);
	CU_ASSERT_EQUAL(b.node[0].removed + b.node[1].removed, 0);
	/* The pairs that are left are ready and nothing else, and cost no place. */
	CU_ASSERT_EQUAL(nbh_entries(b.node[1].n), 4);
	CU_ASSERT_EQUAL(b.node[1].n->wanted, 2);
	CU_ASSERT_EQUAL(b.node[0].n->wanted, 2);
	end();
}

static void
test_m2(void)
{
	begin(1, true);
	nbed_segment(&b, 1, 2);
	up(1, 2);
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_EQUAL(b.node[0].added, 0);
	CU_ASSERT_EQUAL(nbh_entries(b.node[0].n), 0);
	CU_ASSERT_TRUE(nbh_stats(b.node[0].n)->refused[NBH_R_OWN] > 5);
	CU_ASSERT_EQUAL(b.node[0].refused, 0);
	end();
}

/* eth0 in one segment, wlan0 with radio visibility 0-1-2. */
static void
test_m3(void)
{
	begin(3, true);
	nbed_segment(&b, 7, 1);
	nbed_join(&b, nbed_nic_of(0, 1), nbed_nic_of(1, 1), true);
	nbed_join(&b, nbed_nic_of(1, 1), nbed_nic_of(2, 1), true);
	up(3, 2);
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 3);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 4);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 2), 3);
	end();
}

/* eth0 in one segment, eth1 in another; 1 stops managing eth1. */
static void
test_m4(void)
{
	begin(3, true);
	for (unsigned dev = 0; dev < 2; dev++)
		for (unsigned x = 0; x < 3; x++)
			for (unsigned y = 0; y < x; y++)
				nbed_join(&b, nbed_nic_of(x, dev), nbed_nic_of(y, dev), true);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 0, 1);
	nbed_run(&b, 300 * MS);
	nbed_up(&b, 1, 0);
	nbed_up(&b, 1, 1);
	nbed_run(&b, 2700 * MS);
	CU_ASSERT_EQUAL(b.node[0].added, 2);
	nbed_down(&b, 0, 1);
	nbed_run(&b, 50 * MS);
	CU_ASSERT_EQUAL(b.node[1].removed, 1);
	CU_ASSERT_EQUAL(b.node[1].why, NBH_WHY_PEER);
	CU_ASSERT_EQUAL(b.node[0].why, NBH_WHY_NIC);
	CU_ASSERT_TRUE(b.node[0].usable);
	CU_ASSERT_PTR_NULL(nbed_arc(&b, 1, 1, nbed_nic_of(0, 1)));
	nbed_run(&b, 750 * MS);
	nbed_up(&b, 2, 0);
	nbed_up(&b, 2, 1);
	nbed_run(&b, 10 * SECOND);
	CU_ASSERT_EQUAL(b.node[0].added, 3);
	CU_ASSERT_EQUAL(b.node[1].added, 4);
	CU_ASSERT_EQUAL(b.node[2].added, 3);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 2);
	end();
}

static void
test_m5(void)
{
	/* Whichever leads. */
	for (unsigned c = 0; c < 2; c++) {
		begin(2, true);
		nbed_segment(&b, 3, 2);
		nbed_up(&b, c, 0);
		nbed_up(&b, c, 1);
		nbed_up(&b, 1 - c, 0);
		nbed_run(&b, 60 * SECOND);
		CU_ASSERT_EQUAL(b.node[0].added, 1);
		CU_ASSERT_EQUAL(b.node[1].added, 1);
		end();
	}
}

static void
test_m6(void)
{
	begin(2, true);
	nbed_segment(&b, 3, 3);
	up(2, 3);
	nbed_run(&b, 60 * SECOND);
	CU_ASSERT_EQUAL(b.node[0].added, 3);
	CU_ASSERT_EQUAL(b.node[1].added, 3);
	end();
}

/* The arc of a pair goes: another pair takes its place, with an interface that has come free. */
static void
test_again(void)
{
	begin(2, true);
	nbed_segment(&b, 3, 2);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	nbed_up(&b, 1, 1);
	nbed_run(&b, 5 * SECOND);
	for (unsigned i = 0; i < 10; i++) {
		unsigned used = nbed_arc(&b, 1, 0, nbed_nic_of(0, 0)) != NULL ? 0 : 1;

		CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 1);
		nbed_carrier(&b, 1, used, false);
		nbed_run(&b, 6 * SECOND);
		CU_ASSERT_PTR_NOT_NULL(nbed_arc(&b, 1, 1 - used, nbed_nic_of(0, 0)));
		CU_ASSERT_PTR_NOT_NULL(nbed_arc(&b, 0, 0, nbed_nic_of(1, 1 - used)));
		nbed_carrier(&b, 1, used, true);
		nbed_run(&b, 5 * SECOND);
	}
	end();
}

/*
 * A pair whose connections come to nothing is put aside, and the other pair of the same
 * interface is tried.
 */
static void
test_put_aside(void)
{
	begin(2, true);
	nbed_segment(&b, 3, 2);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	nbed_up(&b, 1, 1);
	b.connect_fails = 1000;
	nbed_run(&b, 9 * SECOND);
	CU_ASSERT_TRUE(nbed_entry(&b, 0, 0, nbed_nic_of(1, 0)).state >= NBH_WANTED);
	CU_ASSERT_EQUAL(nbed_entry(&b, 0, 0, nbed_nic_of(1, 1)).state, NBH_READY);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_entry(&b, 0, 0, nbed_nic_of(1, 0)).state, NBH_READY);
	CU_ASSERT_TRUE(nbed_entry(&b, 0, 0, nbed_nic_of(1, 1)).state >= NBH_WANTED);
	b.connect_fails = 0;
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_PTR_NOT_NULL(nbed_arc(&b, 0, 0, nbed_nic_of(1, 1)));
	end();
}

/* A pair on an interface that is being lost, or with a node that is gone, takes no place. */
static void
test_no_replacement(void)
{
	for (unsigned how = 0; how < 2; how++) {
		unsigned connects;

		begin(2, true);
		nbed_segment(&b, 3, 2);
		nbed_up(&b, 0, 0);
		nbed_up(&b, 1, 0);
		nbed_up(&b, 1, 1);
		nbed_run(&b, 15 * SECOND);
		CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
		connects = b.node[0].connects;
		if (how == 0) {
			nbed_carrier(&b, 0, 0, false);
		} else {
			/* Of both interfaces the last hello is of the same moment. */
			b.deaf = true;
			nbed_run(&b, 2 * SECOND);
			for (unsigned i = 0; i < 2; i++) {
				b.node[0].n->nic[0].v[i]->heard = b.node[0].n->now;
				b.node[0].n->nic[0].v[i]->listed = b.node[0].n->now;
			}
			nbed_kill(&b, 1, true);
			nbed_run(&b, 10 * SECOND);
		}
		CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 0);
		CU_ASSERT_EQUAL(b.node[0].connects, connects);
		end();
	}
}

/* One MAC heard on two of our interfaces, whose node agrees to everything: one arc (R3). */
static void
test_one_mac(void)
{
	struct peer_heard us = { .node = 1001, .flags = PEER_HEARD_WANT };
	struct peer_hello h = { .node = 9000, .mac = { 2, 0, 0, 0, 0, 9 }, .address = 0xa9fe0909,
		.interval = 1000, .heard = { &us, 1 } };

	begin(1, true);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 0, 1);
	nbed_run(&b, 100 * MS);
	for (unsigned i = 0; i < 20; i++) {
		unsigned dev = i % 2;

		us.timestamp = b.node[0].n->nic[dev].stamps[0];
		h.timestamp = us.received = (uint32_t)b.now;
		memcpy(us.mac, b.nic[nbed_nic_of(0, dev)].mac.b, 6);
		nbed_forge(&b, 0, dev, &h);
		CU_ASSERT_EQUAL(b.node[0].connects, 1);
		nbed_run(&b, 50 * MS);
	}
	end();
}

/* One that leads and one that follows, each put aside at its own time, still meet. */
static void
test_out_of_step(void)
{
	for (unsigned i = 0; i < 40; i++) {
		begin(2, true);
		nbed_segment(&b, 3, 1);
		up(2, 1);
		b.connect_fails = 1000;
		nbed_run(&b, 10 * SECOND);
		/* Its wish is shifted against the other's by up to 40 s. */
		nbed_carrier(&b, i % 2, 0, false);
		nbed_run(&b, i * SECOND);
		nbed_carrier(&b, i % 2, 0, true);
		nbed_run(&b, 100 * SECOND);
		b.connect_fails = 0;
		nbed_run(&b, 45 * SECOND);
		CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
		CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 1);
		end();
	}
}

/* The one that follows has no room at first; when it has, the one that leads does not wait. */
static void
test_new_wish(void)
{
	uint64_t from;

	begin(3, true);
	nbed_join(&b, nbed_nic_of(0, 0), nbed_nic_of(1, 0), true);
	nbed_join(&b, nbed_nic_of(1, 0), nbed_nic_of(2, 0), true);
	b.node[1].p.max_arcs = 1;
	nbed_up(&b, 1, 0);
	nbed_up(&b, 2, 0);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 2), 1);
	nbed_up(&b, 0, 0);
	nbed_run(&b, 14 * SECOND);
	/* It has given up by now, for half a minute. */
	CU_ASSERT_EQUAL(nbed_entry(&b, 0, 0, nbed_nic_of(1, 0)).state, NBH_READY);
	nbed_kill(&b, 2, false);
	from = b.now;
	nbed_run(&b, 10 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 1);
	CU_ASSERT_TRUE(b.node[0].added_at - from < 5 * SECOND);
	end();
}

/* --- the operator ------------------------------ */

static void
test_wishes(void)
{
	const unsigned a0 = nbed_nic_of(0, 0), b0 = nbed_nic_of(1, 0), c0 = nbed_nic_of(2, 0);
	unsigned dev;
	ntk_mac_t mac;

	begin(3, false);
	nbed_segment(&b, 7, 1);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, b0), NBH_WANT_UNKNOWN);
	nbed_run(&b, 3 * SECOND);
	/* They hear each other, and that is all. */
	CU_ASSERT_EQUAL(nbed_entry(&b, 0, 0, b0).state, NBH_READY);
	CU_ASSERT_EQUAL(nbed_routes(&b, 0) + b.node[0].connects, 0);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, c0), NBH_WANT_UNKNOWN);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 1, b0), NBH_WANT_UNKNOWN);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, NBH_DEVS, b0), NBH_WANT_UNKNOWN);
	CU_ASSERT_EQUAL(nbed_unwant(&b, 0, 0, b0), NBH_WANT_UNKNOWN);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, b0), NBH_WANT_DONE);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, b0), NBH_WANT_ALREADY);
	CU_ASSERT_EQUAL(nbh_wishes(b.node[0].n), 1);
	CU_ASSERT_TRUE(nbh_wish_at(b.node[0].n, 0, &dev, &mac));
	CU_ASSERT_TRUE(dev == 0 && mac_cmp(mac, b.nic[b0].mac) == 0);
	CU_ASSERT_FALSE(nbh_wish_at(b.node[0].n, 1, &dev, &mac));
	/* Accepted at one end only: nothing in the kernel, for however long. */
	nbed_run(&b, 100 * SECOND);
	CU_ASSERT_EQUAL(nbed_entry(&b, 0, 0, b0).state, NBH_WANTED);
	CU_ASSERT_EQUAL(b.node[0].connects, 0);
	CU_ASSERT_EQUAL(nbed_routes(&b, 0) + nbed_routes(&b, 1), 0);
	CU_ASSERT_EQUAL(nbed_want(&b, 1, 0, a0), NBH_WANT_DONE);
	nbed_run(&b, 200 * MS);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 1);
	/* Lasts over losses: of the connection, of the neighbour, of the interface. */
	nbed_hang_up(&b, 0, nbed_arc(&b, 0, 0, b0)->connection);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	nbed_join(&b, a0, b0, false);
	nbed_run(&b, 10 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 0);
	CU_ASSERT_EQUAL(nbh_wishes(b.node[0].n), 1);
	nbed_join(&b, a0, b0, true);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	nbed_gone(&b, 0, 0);
	nbed_run(&b, 10 * SECOND);
	nbed_up(&b, 0, 0);
	nbed_run(&b, 6 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 1);
	/* Taken back without an arc. */
	nbed_join(&b, a0, b0, false);
	nbed_run(&b, 10 * SECOND);
	CU_ASSERT_EQUAL(nbed_unwant(&b, 0, 0, b0), NBH_WANT_DONE);
	nbed_join(&b, a0, b0, true);
	nbed_run(&b, 10 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 0);
	end();
}

/* A pair that shares an end with another one to the same node is refused. */
static void
test_conflict(void)
{
	begin(2, false);
	nbed_segment(&b, 3, 2);
	up(2, 2);
	nbed_run(&b, 3 * SECOND);
	for (unsigned x = 0; x < 2; x++) {
		const unsigned y0 = nbed_nic_of(1 - x, 0), y1 = nbed_nic_of(1 - x, 1);

		CU_ASSERT_EQUAL(nbed_want(&b, x, x, y0), NBH_WANT_DONE);
		CU_ASSERT_EQUAL(nbed_want(&b, x, 1 - x, y0), NBH_WANT_CONFLICT);
		CU_ASSERT_EQUAL(nbed_want(&b, x, x, y1), NBH_WANT_CONFLICT);
		CU_ASSERT_EQUAL(nbed_want(&b, x, 1 - x, y1), NBH_WANT_DONE);
	}
	/* One wants 0-0 and 1-1, the other 1-0 and 0-1: there is no arc. */
	nbed_run(&b, 60 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0) + nbed_arcs(&b, 1), 0);
	for (unsigned dev = 0; dev < 2; dev++)
		CU_ASSERT_EQUAL(nbed_unwant(&b, 1, dev, nbed_nic_of(0, 1 - dev)), NBH_WANT_DONE);
	for (unsigned dev = 0; dev < 2; dev++)
		CU_ASSERT_EQUAL(nbed_want(&b, 1, dev, nbed_nic_of(0, dev)), NBH_WANT_DONE);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 2);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 2);
	end();
}

/* Also when the other pair cannot be heard now, or has no route. */
static void
test_conflict_with_absent(void)
{
	const unsigned b0 = nbed_nic_of(1, 0), b1 = nbed_nic_of(1, 1);

	begin(2, false);
	nbed_segment(&b, 3, 2);
	up(2, 2);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, b0), NBH_WANT_DONE);
	nbed_join(&b, nbed_nic_of(0, 0), b0, false);
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_EQUAL(nbed_entry(&b, 0, 0, b0).entry, 0);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 1, b0), NBH_WANT_CONFLICT);
	nbed_join(&b, nbed_nic_of(0, 0), b0, true);
	nbed_run(&b, 3 * SECOND);
	b.node[0].no_routes = true;
	CU_ASSERT_EQUAL(nbed_want(&b, 1, 0, nbed_nic_of(0, 0)), NBH_WANT_DONE);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_entry(&b, 0, 0, b0).state, NBH_READY);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, b1), NBH_WANT_CONFLICT);
	b.node[0].no_routes = false;
	nbed_run(&b, 40 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	/* The follower wants it already: it comes at once, not with the next hello. */
	CU_ASSERT_EQUAL(nbed_unwant(&b, 0, 0, b0), NBH_WANT_DONE);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, b0), NBH_WANT_DONE);
	CU_ASSERT_EQUAL(nbed_entry(&b, 0, 0, b0).state, NBH_OPENING);
	end();
}

/* Who does not hear us cannot be wanted. */
static void
test_not_mutual(void)
{
	begin(2, false);
	b.nic[nbed_nic_of(1, 0)].sees[nbed_nic_of(0, 0)] = true;
	up(2, 1);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_entry(&b, 0, 0, nbed_nic_of(1, 0)).state, NBH_HEARD);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, nbed_nic_of(1, 0)), NBH_WANT_UNKNOWN);
	CU_ASSERT_EQUAL(nbh_wishes(b.node[0].n), 0);
	end();
}

static void
test_limits(void)
{
	begin(4, false);
	nbed_segment(&b, 15, 1);
	b.node[0].p.max_wishes = 2;
	b.node[1].p.max_arcs = 2;
	up(4, 1);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, nbed_nic_of(1, 0)), NBH_WANT_DONE);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, nbed_nic_of(2, 0)), NBH_WANT_DONE);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, nbed_nic_of(3, 0)), NBH_WANT_FULL);
	CU_ASSERT_EQUAL(nbed_want(&b, 1, 0, nbed_nic_of(0, 0)), NBH_WANT_DONE);
	CU_ASSERT_EQUAL(nbed_want(&b, 1, 0, nbed_nic_of(2, 0)), NBH_WANT_DONE);
	CU_ASSERT_EQUAL(nbed_want(&b, 1, 0, nbed_nic_of(3, 0)), NBH_WANT_FULL);
	CU_ASSERT_EQUAL(nbed_unwant(&b, 1, 0, nbed_nic_of(2, 0)), NBH_WANT_DONE);
	CU_ASSERT_EQUAL(nbed_want(&b, 1, 0, nbed_nic_of(3, 0)), NBH_WANT_DONE);
	end();
}

/* What is the operator's to say in automatic mode: nothing. */
static void
test_mode(void)
{
	begin(2, true);
	nbed_segment(&b, 3, 1);
	up(2, 1);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_want(&b, 0, 0, nbed_nic_of(1, 0)), NBH_WANT_MODE);
	CU_ASSERT_EQUAL(nbed_unwant(&b, 0, 0, nbed_nic_of(1, 0)), NBH_WANT_MODE);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	end();
}

/* max_arcs in automatic mode: as many as there is room for, and others when there is. */
static void
test_full(void)
{
	begin(6, true);
	nbed_segment(&b, 63, 1);
	b.node[5].p.max_arcs = 3;
	b.node[0].p.max_arcs = 2;
	up(6, 1);
	nbed_run(&b, 200 * SECOND);
	CU_ASSERT_TRUE(nbed_arcs(&b, 5) >= 2 && nbed_arcs(&b, 5) <= 3);
	CU_ASSERT_TRUE(nbed_arcs(&b, 0) >= 1 && nbed_arcs(&b, 0) <= 2);
	for (unsigned x = 1; x < 5; x++)
		CU_ASSERT_TRUE(nbed_arcs(&b, x) >= 3);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "M1: two interfaces each", test_m1 },
		{ "M2: none with oneself", test_m2 },
		{ "M3: cable and radio", test_m3 },
		{ "M4: an interface is given up", test_m4 },
		{ "M5: two and one", test_m5 },
		{ "M6: three each", test_m6 },
		{ "another pair takes the place", test_again },
		{ "a pair is put aside", test_put_aside },
		{ "nothing takes the place", test_no_replacement },
		{ "one MAC on two interfaces", test_one_mac },
		{ "put aside out of step", test_out_of_step },
		{ "a new wish of the neighbour", test_new_wish },
		{ "wishes", test_wishes },
		{ "pairs that share an end", test_conflict },
		{ "pairs that share an end with an absent one", test_conflict_with_absent },
		{ "heard one way only", test_not_mutual },
		{ "limits of wishes", test_limits },
		{ "automatic mode", test_mode },
		{ "full nodes", test_full },
	};
	return TAP_RUN(tests);
}
