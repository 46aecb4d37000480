/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces and their link-local addresses (spec/neighborhood 8.2, 8.9, 16.1, 16.12, 19.7). */
#include <string.h>

#include "tests/unit/nbhbed.h"
#include "tests/unit/tap.h"

static struct bed b;

static void
begin(unsigned nodes)
{
	nbed_init(&b, 31);
	for (unsigned x = 0; x < nodes; x++) {
		nbed_node(&b, x, 1001 + x);
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

static ntk_ip_t
address(unsigned x, unsigned dev)
{
	struct nbh_nic c;

	return nbh_nic(b.node[x].n, dev, &c) ? c.address : 0;
}

/* Drawn in the range of 16.1 a, each another one, all over it. */
static void
test_draw(void)
{
	uint32_t low = UINT32_MAX, high = 0;

	for (unsigned i = 0; i < 300; i++) {
		nbed_init(&b, 1000 + i);
		nbed_node(&b, 0, 0);
		nbed_start(&b, 0);
		for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
			ntk_ip_t a;

			nbed_up(&b, 0, dev);
			a = address(0, dev);
			CU_ASSERT_TRUE(linklocal_is_usable(a));
			for (unsigned other = 0; other < dev; other++)
				CU_ASSERT_NOT_EQUAL(address(0, other), a);
			low = a < low ? a : low;
			high = a > high ? a : high;
		}
		end();
	}
	CU_ASSERT_TRUE(low >= 0xa9fe0101 && low < 0xa9fe0301);
	CU_ASSERT_TRUE(high <= 0xa9fefefe && high > 0xa9fefc00);
}

/* An address that is asked for is taken when it may be. */
static void
test_given(void)
{
	begin(1);
	b.nic[nbed_nic_of(0, 0)].address = 0xa9fe6001;
	b.nic[nbed_nic_of(0, 1)].address = 0xa9fe6001;	/* ours already */
	b.nic[nbed_nic_of(0, 2)].address = 0x0a000001;	/* no link-local */
	for (unsigned dev = 0; dev < 3; dev++)
		nbed_up(&b, 0, dev);
	CU_ASSERT_EQUAL(address(0, 0), 0xa9fe6001);
	CU_ASSERT_NOT_EQUAL(address(0, 1), 0xa9fe6001);
	CU_ASSERT_NOT_EQUAL(address(0, 1), 0);
	CU_ASSERT_TRUE(linklocal_is_usable(address(0, 2)));
	end();
}

/* The kernel does not take it: another one, a second later; no hello before. */
static void
test_not_taken(void)
{
	ntk_ip_t first;

	begin(1);
	b.node[0].no_addresses = true;
	nbed_up(&b, 0, 0);
	first = address(0, 0);
	nbed_run(&b, 10500 * MS);
	CU_ASSERT_EQUAL(nbh_stats(b.node[0].n)->addresses, 11);
	CU_ASSERT_EQUAL(b.node[0].hellos, 0);
	b.node[0].no_addresses = false;
	nbed_run(&b, 2 * SECOND);
	CU_ASSERT_NOT_EQUAL(address(0, 0), first);
	CU_ASSERT_TRUE(b.node[0].hellos >= 1);
	end();
}

static void
test_calls(void)
{
	struct nbh_out out;
	struct nbh_nic c;
	struct nbh *n;
	const ntk_mac_t group = { { 1, 0, 0, 0, 0, 1 } }, zero = { { 0 } };
	ntk_mac_t other = { { 2, 0, 0, 0, 0, 77 } };
	uint64_t addresses;

	begin(1);
	n = b.node[0].n;
	nbh_out_init(&out);
	CU_ASSERT_FALSE(nbh_nic(n, 0, &c));
	CU_ASSERT_FALSE(nbh_nic(n, NBH_DEVS, &c));
	CU_ASSERT_FALSE(nbh_nic_up(n, b.node[0].offset, 0, "x", group, 0, &out));
	CU_ASSERT_FALSE(nbh_nic_up(n, b.node[0].offset, 0, "x", zero, 0, &out));
	CU_ASSERT_FALSE(nbh_nic_up(n, b.node[0].offset, NBH_DEVS, "x", other, 0, &out));
	nbed_up(&b, 0, 0);
	/* The MAC of another one. */
	CU_ASSERT_FALSE(nbh_nic_up(n, b.node[0].offset, 1, "x", b.nic[0].mac, 0, &out));
	CU_ASSERT_EQUAL(out.n, 0);
	nbed_run(&b, SECOND);
	/* Known: nothing happens. */
	CU_ASSERT_TRUE(nbh_nic_up(n, b.now + b.node[0].offset, 0, "x", b.nic[0].mac, 0, &out));
	CU_ASSERT_EQUAL(out.n, 0);
	CU_ASSERT_TRUE(nbh_nic(n, 0, &c));
	CU_ASSERT_STRING_EQUAL(c.name, "eth");
	CU_ASSERT_TRUE(c.ready && c.carrier);
	/* Answers about addresses that are not awaited. */
	nbh_address_done(n, 0, 0, c.address, false, &out);
	nbh_address_done(n, 0, 0, c.address + 1, true, &out);
	nbh_address_done(n, 0, 5, 0, true, &out);
	nbh_address_done(n, 0, NBH_DEVS, c.address, true, &out);
	CU_ASSERT_EQUAL(out.n, 0);
	/* Another MAC: as if it had gone and come. */
	addresses = nbh_stats(n)->addresses;
	CU_ASSERT_TRUE(nbh_nic_up(n, 0, 0, "a-name-that-is-much-too-long", other, 0, &out));
	CU_ASSERT_EQUAL_FATAL(out.n, 2);
	CU_ASSERT_EQUAL(out.v[0].kind, NBH_ADDRESS_UNWANTED);
	CU_ASSERT_EQUAL(out.v[1].kind, NBH_ADDRESS_WANTED);
	CU_ASSERT_EQUAL(nbh_stats(n)->addresses, addresses + 1);
	CU_ASSERT_TRUE(nbh_nic(n, 0, &c));
	CU_ASSERT_EQUAL(strlen(c.name), NBH_NAME - 1);
	CU_ASSERT_FALSE(c.ready);
	/* Of what is not there. */
	nbh_out_empty(&out);
	nbh_nic_down(n, 0, 7, &out);
	nbh_nic_gone(n, 0, 7, &out);
	nbh_carrier(n, 0, 7, false, &out);
	nbh_nic_down(n, 0, NBH_DEVS, &out);
	nbh_nic_gone(n, 0, NBH_DEVS, &out);
	nbh_carrier(n, 0, NBH_DEVS, false, &out);
	CU_ASSERT_EQUAL(out.n, 0);
	nbh_out_free(&out);
	nbed_free(&b);
}

/* Carrier: acted on at once; the address stays; back with the first hello. */
static void
test_carrier(void)
{
	ntk_ip_t before;
	unsigned hellos;

	begin(3);
	for (unsigned x = 0; x < 3; x++)
		nbed_up(&b, x, 0);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 2);
	before = address(0, 0);
	nbed_carrier(&b, 0, 0, false);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 0);
	CU_ASSERT_EQUAL(nbed_routes(&b, 0), 0);
	CU_ASSERT_EQUAL(b.node[0].removed, 2);
	CU_ASSERT_EQUAL(b.node[0].why, NBH_WHY_CARRIER);
	CU_ASSERT_FALSE(b.node[0].usable);
	CU_ASSERT_EQUAL(nbh_entries(b.node[0].n), 0);
	CU_ASSERT_PTR_NULL(strstr(b.node[0].events, "close"));
	hellos = b.node[0].hellos;
	nbed_carrier(&b, 0, 0, false);
	nbed_run(&b, 10 * SECOND);
	CU_ASSERT_EQUAL(b.node[0].hellos, hellos);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 1);
	nbed_carrier(&b, 0, 0, true);
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT_EQUAL(address(0, 0), before);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 2);
	/* Lost before the kernel had the address: no hello until both are there. */
	nbed_gone(&b, 0, 0);
	hellos = b.node[0].hellos;
	nbed_up(&b, 0, 0);
	nbed_carrier(&b, 0, 0, false);
	nbed_run(&b, 2 * SECOND);
	CU_ASSERT_EQUAL(b.node[0].hellos, hellos);
	nbed_carrier(&b, 0, 0, true);
	CU_ASSERT_EQUAL(b.node[0].hellos, hellos + 1);
	end();
}

/* Connections that have not said whose they are go with their interface. */
static void
test_half_open(void)
{
	const struct peer_hello h = { .node = 5, .mac = { 2, 0, 0, 0, 0, 5 },
		.address = 0xa9fe0505, .interval = 1000 };

	for (unsigned how = 0; how < 3; how++) {
		begin(1);
		nbed_up(&b, 0, 0);
		nbed_run(&b, SECOND);
		nbed_forge(&b, 0, 0, &h);
		CU_ASSERT_NOT_EQUAL(nbed_accept(&b, 0, 0, h.address), 0);
		CU_ASSERT_EQUAL(b.node[0].n->n_connections, 1);
		if (how == 0)
			nbed_carrier(&b, 0, 0, false);
		else if (how == 1)
			nbed_down(&b, 0, 0);
		else
			nbed_gone(&b, 0, 0);
		CU_ASSERT_EQUAL(b.node[0].n->n_connections, 0);
		end();
	}
}

/* Gone in the middle of everything: nothing is left, whatever was under way. */
static void
test_gone(void)
{
	for (unsigned i = 0; i < 100; i++) {
		begin(3);
		nbed_segment(&b, 7, 2);
		for (unsigned x = 0; x < 3; x++) {
			nbed_up(&b, x, 0);
			nbed_up(&b, x, 1);
		}
		nbed_run(&b, i * 2000);
		nbed_gone(&b, 0, 0);
		nbed_gone(&b, 0, 0);
		nbed_down(&b, 1, 1);
		for (size_t k = 0; k < b.node[0].n_arcs; k++)
			CU_ASSERT_FALSE(b.node[0].arc[k].dev == 0 && b.node[0].arc[k].wanted);
		nbed_run(&b, 60 * SECOND);
		CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 2);
		CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 2);
		CU_ASSERT_EQUAL(nbed_arcs(&b, 2), 2);
		nbed_up(&b, 0, 0);
		nbed_up(&b, 1, 1);
		nbed_run(&b, 60 * SECOND);
		for (unsigned x = 0; x < 3; x++)
			CU_ASSERT_EQUAL(nbed_arcs(&b, x), 4);
		end();
	}
}

/* --- conflicts (16.1 d) ------------------------------ */

/* Two newcomers that drew the same: the higher id moves at once, the lower one stays. */
static void
test_conflict(void)
{
	begin(2);
	b.nic[nbed_nic_of(0, 0)].address = b.nic[nbed_nic_of(1, 0)].address = 0xa9fe6001;
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	nbed_run(&b, 4 * SECOND);
	CU_ASSERT_EQUAL(address(0, 0), 0xa9fe6001);
	CU_ASSERT_NOT_EQUAL(address(1, 0), 0xa9fe6001);
	CU_ASSERT_EQUAL(b.node[0].conflicts, 0);
	CU_ASSERT_EQUAL(b.node[1].conflicts, 1);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 1);
	end();
}

/*
 * Two segments with arcs grow together: the higher id moves when the other has said so for as
 * long as silence lasts; its arcs are closed in good order and come back.
 */
static void
test_conflict_with_arcs(void)
{
	uint64_t from;

	begin(4);
	for (unsigned x = 0; x < 2; x++)
		for (unsigned y = 2; y < 4; y++)
			nbed_join(&b, nbed_nic_of(x, 0), nbed_nic_of(y, 0), false);
	b.nic[nbed_nic_of(1, 0)].address = b.nic[nbed_nic_of(2, 0)].address = 0xa9fe6001;
	for (unsigned x = 0; x < 4; x++)
		nbed_up(&b, x, 0);
	nbed_run(&b, 5 * SECOND);
	nbed_segment(&b, 15, 1);
	from = b.now;
	nbed_run(&b, 20 * SECOND);
	CU_ASSERT_EQUAL(address(1, 0), 0xa9fe6001);
	CU_ASSERT_NOT_EQUAL(address(2, 0), 0xa9fe6001);
	CU_ASSERT_EQUAL(b.node[2].conflicts, 1);
	CU_ASSERT_EQUAL(b.node[1].conflicts, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.node[2].events, "close ~0u x -0 "));
	CU_ASSERT_TRUE(b.node[2].removed_at - from >= 3500 * MS);
	CU_ASSERT_TRUE(b.node[2].removed_at - from <= 6 * SECOND);
	for (unsigned x = 0; x < 4; x++)
		CU_ASSERT_EQUAL(nbed_arcs(&b, x), 3);
	end();
}

static struct peer_hello
claim(uint32_t node, ntk_ip_t address_)
{
	return (struct peer_hello){ .node = node, .mac = { 2, 0, 0, 0, 6, 6 },
		.address = address_, .interval = 1000 };
}

/* One datagram, or a burst, moves no interface with arcs; and nothing does twice in a minute. */
static void
test_forged_conflict(void)
{
	struct peer_hello h;
	ntk_ip_t before;

	begin(2);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	nbed_run(&b, 3 * SECOND);
	before = address(0, 0);
	h = claim(1, before);
	for (unsigned i = 0; i < 100; i++)
		nbed_forge(&b, 0, 0, &h);
	nbed_run(&b, 4 * SECOND);
	for (unsigned i = 0; i < 100; i++)
		nbed_forge(&b, 0, 0, &h);
	CU_ASSERT_EQUAL(address(0, 0), before);
	CU_ASSERT_EQUAL(b.node[0].removed, 0);
	CU_ASSERT_EQUAL(nbh_stats(b.node[0].n)->refused[NBH_R_OUR_ADDRESS], 200);
	CU_ASSERT_EQUAL(b.node[0].refused, 1);
	/* From higher ids never. */
	h = claim(5000, before);
	for (unsigned i = 0; i < 100; i++) {
		nbed_forge(&b, 0, 0, &h);
		nbed_run(&b, 100 * MS);
	}
	CU_ASSERT_EQUAL(address(0, 0), before);
	/* Different ones do not add up. */
	for (unsigned i = 0; i < 100; i++) {
		h = claim(1 + i % 2, before);
		nbed_forge(&b, 0, 0, &h);
		nbed_run(&b, 100 * MS);
	}
	CU_ASSERT_EQUAL(address(0, 0), before);
	/* Insisting: once. */
	for (unsigned i = 0; i < 500; i++) {
		h = claim(1, address(0, 0));
		nbed_forge(&b, 0, 0, &h);
		nbed_run(&b, 100 * MS);
	}
	CU_ASSERT_EQUAL(b.node[0].conflicts, 1);
	CU_ASSERT_NOT_EQUAL(address(0, 0), before);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 1);
	end();
}

/*
 * Heard on another interface than the one that has the address: the neighbour may not see it at
 * all, so we move, whoever leads.
 */
static void
test_conflict_elsewhere(void)
{
	begin(2);
	nbed_join(&b, nbed_nic_of(0, 0), nbed_nic_of(1, 0), false);
	nbed_join(&b, nbed_nic_of(0, 1), nbed_nic_of(1, 0), true);
	b.nic[nbed_nic_of(0, 0)].address = b.nic[nbed_nic_of(1, 0)].address = 0xa9fe6001;
	nbed_up(&b, 0, 0);
	nbed_up(&b, 0, 1);
	nbed_run(&b, SECOND);
	nbed_up(&b, 1, 0);
	nbed_run(&b, 4 * SECOND);
	CU_ASSERT_NOT_EQUAL(address(0, 0), 0xa9fe6001);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 1);
	CU_ASSERT_EQUAL(nbed_arcs(&b, 1), 1);
	end();
}

/* --- conflicts that the kernel hides --------------------------- */

/* Alone on a link two nodes with one address never hear each other: nothing can be done. */
static void
test_hidden_conflict(void)
{
	begin(2);
	b.martian = true;
	b.nic[nbed_nic_of(0, 0)].address = b.nic[nbed_nic_of(1, 0)].address = 0xa9fe6001;
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	nbed_run(&b, 60 * SECOND);
	CU_ASSERT_EQUAL(address(0, 0), address(1, 0));
	CU_ASSERT_EQUAL(nbed_arcs(&b, 0), 0);
	CU_ASSERT_EQUAL(nbh_entries(b.node[0].n), 0);
	end();
}

/* A third hears both and tells them: both are newcomers, and move. */
static void
test_told_newcomers(void)
{
	for (unsigned seed = 0; seed < 50; seed++) {
		nbed_init(&b, 500 + seed);
		for (unsigned x = 0; x < 3; x++) {
			nbed_node(&b, x, 1001 + x);
			nbed_start(&b, x);
			/* As in manual mode, where arcs take their time. */
			b.node[x].p.automatic = false;
		}
		nbed_segment(&b, 7, 1);
		b.martian = true;
		b.loss = 200;
		b.nic[nbed_nic_of(0, 0)].address = b.nic[nbed_nic_of(2, 0)].address = 0xa9fe6001;
		for (unsigned x = 0; x < 3; x++)
			nbed_up(&b, x, 0);
		nbed_run(&b, 20 * SECOND);
		CU_ASSERT_NOT_EQUAL(address(0, 0), address(2, 0));
		CU_ASSERT(b.node[0].conflicts + b.node[2].conflicts >= 1);
		CU_ASSERT_EQUAL(b.node[1].conflicts, 0);
		for (unsigned x = 0; x < 3; x++)
			CU_ASSERT_EQUAL(nbh_entries(b.node[x].n), 2);
		end();
	}
}

/* Whoever has arcs stays, the newcomer moves, whatever their ids; and then it is a neighbour of all. */
static void
test_told_newcomer(void)
{
	for (unsigned newcomer = 0; newcomer < 3; newcomer += 2) {
		unsigned old = 2 - newcomer;
		ntk_ip_t before;

		begin(3);
		b.martian = true;
		nbed_up(&b, old, 0);
		nbed_up(&b, 1, 0);
		nbed_run(&b, 3 * SECOND);
		CU_ASSERT_EQUAL(nbed_arcs(&b, old), 1);
		before = address(old, 0);
		b.nic[nbed_nic_of(newcomer, 0)].address = before;
		nbed_up(&b, newcomer, 0);
		CU_ASSERT_EQUAL(address(newcomer, 0), before);
		nbed_run(&b, 10 * SECOND);
		CU_ASSERT_EQUAL(address(old, 0), before);
		CU_ASSERT_NOT_EQUAL(address(newcomer, 0), before);
		CU_ASSERT_EQUAL(b.node[old].removed, 0);
		CU_ASSERT_EQUAL(b.node[old].conflicts, 0);
		CU_ASSERT_EQUAL(b.node[newcomer].conflicts, 1);
		for (unsigned x = 0; x < 3; x++)
			CU_ASSERT_EQUAL(nbed_arcs(&b, x), 2);
		/* The operators of both, and of who told them, hear of it. */
		CU_ASSERT(nbh_stats(b.node[old].n)->refused[NBH_R_TOLD_SHARED] >= 1);
		CU_ASSERT_EQUAL(b.node[old].refused, 1);
		CU_ASSERT(nbh_stats(b.node[1].n)->refused[NBH_R_SHARED] >= 1);
		end();
	}
}

/* Two segments with arcs grow together, and the kernel hides it: nobody moves, all say so. */
static void
test_told_with_arcs(void)
{
	begin(4);
	b.martian = true;
	for (unsigned x = 0; x < 2; x++)
		for (unsigned y = 2; y < 4; y++)
			nbed_join(&b, nbed_nic_of(x, 0), nbed_nic_of(y, 0), false);
	b.nic[nbed_nic_of(1, 0)].address = b.nic[nbed_nic_of(2, 0)].address = 0xa9fe6001;
	for (unsigned x = 0; x < 4; x++)
		nbed_up(&b, x, 0);
	nbed_run(&b, 5 * SECOND);
	nbed_segment(&b, 15, 1);
	nbed_run(&b, 20 * SECOND);
	for (unsigned x = 1; x < 3; x++) {
		CU_ASSERT_EQUAL(address(x, 0), 0xa9fe6001);
		CU_ASSERT_EQUAL(b.node[x].removed, 0);
		CU_ASSERT(nbh_stats(b.node[x].n)->refused[NBH_R_TOLD_SHARED] >= 1);
	}
	end();
}

/* A hello of NODE that lists the node X with FLAGS. */
static struct peer_hello
telling(unsigned x, struct peer_heard *us, uint8_t flags)
{
	struct peer_hello h = { .node = 77, .mac = { 2, 0, 0, 0, 7, 7 }, .address = 0xa9fe0707,
		.interval = 1000, .heard = { us, 1 } };

	*us = (struct peer_heard){ .node = nbh_node(b.node[x].n), .flags = flags };
	memcpy(us->mac, b.nic[nbed_nic_of(x, 0)].mac.b, sizeof(us->mac));
	return h;
}

/* Whoever says so without end moves nobody who has arcs, and others once a minute. */
static void
test_told_lies(void)
{
	struct peer_heard us;
	struct peer_hello h;
	ntk_ip_t before;

	begin(2);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	nbed_run(&b, 3 * SECOND);
	before = address(0, 0);
	for (unsigned i = 0; i < 1200; i++) {
		h = telling(0, &us, PEER_HEARD_SHARED | (i % 2 != 0 ? PEER_HEARD_REFUSED : 0));
		nbed_forge(&b, 0, 0, &h);
		nbed_run(&b, 100 * MS);
	}
	CU_ASSERT_EQUAL(address(0, 0), before);
	CU_ASSERT_EQUAL(b.node[0].removed, 0);
	CU_ASSERT_EQUAL(nbh_stats(b.node[0].n)->refused[NBH_R_TOLD_SHARED], 1200);
	CU_ASSERT(b.node[0].refused <= 3);
	end();
	begin(1);
	nbed_up(&b, 0, 0);
	nbed_run(&b, 3 * SECOND);
	for (unsigned i = 0; i < 1200; i++) {
		h = telling(0, &us, PEER_HEARD_SHARED | PEER_HEARD_REFUSED);
		nbed_forge(&b, 0, 0, &h);
		nbed_run(&b, 100 * MS);
	}
	/* At once, and at 60 s; the third would be at 120. */
	CU_ASSERT_EQUAL(b.node[0].conflicts, 2);
	end();
}

/* Who refuses us hears us, but is no neighbour that could have an arc. */
static void
test_told_refused(void)
{
	const ntk_mac_t mac = { { 2, 0, 0, 0, 7, 7 } };
	struct peer_heard us;
	struct peer_hello h;
	struct nbh_entry e;

	begin(2);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	nbed_run(&b, 3 * SECOND);
	h = telling(0, &us, PEER_HEARD_WANT | PEER_HEARD_REFUSED);
	nbed_forge(&b, 0, 0, &h);
	CU_ASSERT_EQUAL(nbh_entries(b.node[0].n), 2);
	CU_ASSERT_TRUE(nbh_entry_find(b.node[0].n, 0, mac, &e));
	CU_ASSERT_FALSE(e.peer_wants);
	h = telling(0, &us, PEER_HEARD_WANT);
	nbed_forge(&b, 0, 0, &h);
	CU_ASSERT_TRUE(nbh_entry_find(b.node[0].n, 0, mac, &e));
	CU_ASSERT_TRUE(e.peer_wants);
	end();
}

/* Invented ones with a neighbour's address are bounded: they fill no hello, and are forgotten. */
static void
test_many_rivals(void)
{
	unsigned datagrams;
	uint64_t bytes;

	begin(2);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	nbed_run(&b, 3 * SECOND);
	for (unsigned i = 0; i < 1000; i++) {
		struct peer_hello h = { .node = 5000 + i, .mac = { 2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i },
			.address = address(1, 0), .interval = 1000 };

		nbed_forge(&b, 0, 0, &h);
	}
	CU_ASSERT_EQUAL(nbh_entries(b.node[0].n), 1);
	datagrams = (unsigned)b.datagrams;
	bytes = b.bytes;
	nbed_run(&b, 3 * SECOND);
	CU_ASSERT((b.bytes - bytes) / (b.datagrams - datagrams) < 41 + 5 * 19);
	CU_ASSERT_EQUAL(b.node[1].removed, 0);
	nbed_run(&b, 2 * SECOND);
	datagrams = (unsigned)nbh_stats(b.node[1].n)->refused[NBH_R_TOLD_SHARED];
	CU_ASSERT(datagrams > 0);
	nbed_run(&b, 5 * SECOND);
	CU_ASSERT_EQUAL(nbh_stats(b.node[1].n)->refused[NBH_R_TOLD_SHARED], datagrams);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "addresses are drawn", test_draw },
		{ "an address is asked for", test_given },
		{ "the kernel does not take it", test_not_taken },
		{ "calls out of place", test_calls },
		{ "carrier", test_carrier },
		{ "connections of nobody", test_half_open },
		{ "gone at any moment", test_gone },
		{ "newcomers with one address", test_conflict },
		{ "segments that grow together", test_conflict_with_arcs },
		{ "forged conflicts", test_forged_conflict },
		{ "a conflict that the kernel hides, and nobody else sees", test_hidden_conflict },
		{ "newcomers are told", test_told_newcomers },
		{ "a newcomer is told", test_told_newcomer },
		{ "who has arcs is told", test_told_with_arcs },
		{ "lies about our address", test_told_lies },
		{ "who refuses us is no neighbour", test_told_refused },
		{ "many with a neighbour's address", test_many_rivals },
		{ "a conflict with another interface of ours", test_conflict_elsewhere },
	};
	return TAP_RUN(tests);
}
