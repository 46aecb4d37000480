/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hellos, entries and their ends (spec/neighborhood 19.2, 19.4, 19.7). */
#include <string.h>

#include "tests/unit/nbhbed.h"
#include "tests/unit/tap.h"

static struct bed b;

/* --- a node alone, and hellos made by hand ------------------------------ */

static struct nbh_params params;
static struct nbh *n;
static struct nbh_out out;
static uint64_t now;
static uint32_t last_stamp;
static const ntk_mac_t mac_a = { { 0, 0x16, 0x3e, 0, 0, 0x0a } };
static const ntk_ip_t address_a = 0xa9fe0a01;

static void
look(void)
{
	char why[200];

	for (size_t i = 0; i < out.n; i++)
		if (out.v[i].kind == NBH_HELLO)
			last_stamp = out.v[i].msg->hello.timestamp;
	if (!nbh_invariant(n, why, sizeof(why))) {
		tap_note("%s", why);
		CU_FAIL("an invariant");
	}
}

static void
begin(bool automatic)
{
	struct topo t;
	struct rng rng;

	topo_default(&t);
	nbh_params_default(&params, &t, (ntk_prefix_t){ 0x0a000000, 8 });
	params.automatic = automatic;
	rng_init(&rng, 9);
	nbh_out_init(&out);
	n = nbh_create(&params, &rng);
	n->node = 1001;
	now = 1000000;
	nbh_nic_up(n, now, 0, "eth0", mac_a, address_a, &out);
	nbh_address_done(n, now, 0, address_a, true, &out);
	look();
}

static void
end(void)
{
	nbh_out_free(&out);
	nbh_free(n);
}

static unsigned
count(enum nbh_action_kind kind)
{
	unsigned found = 0;

	for (size_t i = 0; i < out.n; i++)
		found += out.v[i].kind == kind;
	return found;
}

static void
wait(uint64_t us)
{
	const uint64_t until = now + us;

	nbh_out_empty(&out);
	while (nbh_deadline(n) <= until) {
		if (nbh_deadline(n) > now)
			now = nbh_deadline(n);
		nbh_tick(n, now, &out);
		look();
	}
	now = until;
}

/* A hello of node 2000 + K, with MAC and address of its own; LISTS us, and WANTS the arc. */
static void
hello_of(unsigned k, uint16_t interval, bool lists, bool wants)
{
	struct peer_heard us = { .node = 1001, .timestamp = last_stamp,
		.received = (uint32_t)now, .flags = wants };
	struct peer_hello h = { .node = 2000 + k, .mac = { 2, 0, 0, 0, (uint8_t)(k >> 8), (uint8_t)k },
		.address = 0xa9fe0101 + (k / 200 << 8) + k % 200, .interval = interval,
		.timestamp = (uint32_t)now, .heard = { lists ? &us : NULL, lists } };

	memcpy(us.mac, mac_a.b, 6);
	nbh_out_empty(&out);
	nbh_hello(n, now, 0, h.address, NULL, &h, &out);
	look();
}

static struct nbh_entry
entry(unsigned k)
{
	const ntk_mac_t mac = { { 2, 0, 0, 0, (uint8_t)(k >> 8), (uint8_t)k } };
	struct nbh_entry e = { .entry = 0 };

	nbh_entry_find(n, 0, mac, &e);
	return e;
}

/* --- sending ------------------------------ */

static void
test_interval(void)
{
	uint64_t last, shortest = NEVER, longest = 0;

	begin(true);
	CU_ASSERT_EQUAL(count(NBH_HELLO), 1);
	CU_ASSERT_EQUAL(out.v[out.n - 1].address, address_a);
	CU_ASSERT_EQUAL(out.v[out.n - 1].msg->hello.interval, 1000);
	CU_ASSERT_EQUAL(out.v[out.n - 1].msg->hello.heard.n, 0);
	last = now;
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t next = nbh_deadline(n), gap = next - last;

		nbh_out_empty(&out);
		nbh_tick(n, next, &out);
		CU_ASSERT_EQUAL(count(NBH_HELLO), 1);
		shortest = gap < shortest ? gap : shortest;
		longest = gap > longest ? gap : longest;
		last = next;
	}
	CU_ASSERT_TRUE(shortest >= 900000 && shortest < 905000);
	CU_ASSERT_TRUE(longest <= 1100000 && longest > 1095000);
	/* A tick that comes too early does nothing, one that is late sends one hello. */
	nbh_out_empty(&out);
	nbh_tick(n, last + 1, &out);
	CU_ASSERT_EQUAL(out.n, 0);
	nbh_tick(n, last + 60 * SECOND, &out);
	CU_ASSERT_EQUAL(count(NBH_HELLO), 1);
	CU_ASSERT_TRUE(nbh_deadline(n) > last + 60 * SECOND);
	/* Time does not go back. */
	nbh_out_empty(&out);
	nbh_tick(n, last, &out);
	CU_ASSERT_EQUAL(out.n, 0);
	end();
}

/* What is new is told at once, but only once in 50 ms, and without what was told before. */
static void
test_extra(void)
{
	begin(false);
	hello_of(1, 1000, false, false);
	CU_ASSERT_EQUAL_FATAL(count(NBH_HELLO), 1);
	CU_ASSERT_EQUAL(out.v[0].msg->hello.heard.n, 1);
	CU_ASSERT_EQUAL(out.v[0].msg->hello.heard.v[0].node, 2001);
	CU_ASSERT_EQUAL(out.v[0].msg->hello.heard.v[0].timestamp, (uint32_t)now);
	CU_ASSERT_EQUAL(out.v[0].msg->hello.heard.v[0].flags, 0);
	now += 10000;
	hello_of(1, 1000, false, false);
	CU_ASSERT_EQUAL(out.n, 0);
	hello_of(2, 1000, false, false);
	hello_of(3, 1000, false, false);
	CU_ASSERT_EQUAL(out.n, 0);
	CU_ASSERT_EQUAL(nbh_deadline(n), now + 40000);
	wait(39999);
	CU_ASSERT_EQUAL(out.n, 0);
	wait(1);
	CU_ASSERT_EQUAL_FATAL(count(NBH_HELLO), 1);
	CU_ASSERT_EQUAL(out.v[0].msg->hello.heard.n, 2);
	CU_ASSERT_EQUAL(nbh_stats(n)->extra_out, 2);
	end();
}

/* 50 in one datagram; all within one round; no more than 256 are heard. */
static void
test_many(void)
{
	bool seen[256] = { false };
	unsigned listed = 0;

	begin(false);
	for (unsigned k = 0; k < 400; k++) {
		hello_of(k, 60000, false, false);
		now += 10;
	}
	CU_ASSERT_EQUAL(nbh_entries(n), 256);
	CU_ASSERT_EQUAL(nbh_stats(n)->refused[NBH_R_ENTRIES], 144);
	/* Told at the first one; the others are summed up a minute later. */
	wait(400000);
	CU_ASSERT_EQUAL(count(NBH_REFUSED), 0);
	CU_ASSERT_TRUE(nbh_stats(n)->extra_out >= 6);
	nbh_out_empty(&out);
	n->nic[0].hello = now + 1;
	wait(1);
	CU_ASSERT_EQUAL(count(NBH_HELLO), 6);
	for (size_t i = 0; i < out.n; i++) {
		const struct peer_heard_list *l = &out.v[i].msg->hello.heard;

		CU_ASSERT_TRUE(l->n <= PEER_HEARD);
		CU_ASSERT_EQUAL(out.v[i].msg->hello.timestamp, last_stamp);
		for (unsigned k = 0; k < l->n; k++) {
			CU_ASSERT_FALSE(seen[l->v[k].node - 2000]);
			seen[l->v[k].node - 2000] = true;
			listed++;
		}
	}
	CU_ASSERT_EQUAL(listed, 256);
	/* Its timestamps count as one. */
	CU_ASSERT_TRUE(n->nic[0].n_stamps == STAMPS && n->nic[0].stamps[0] != n->nic[0].stamps[1]);
	wait(60 * SECOND);
	CU_ASSERT_EQUAL(count(NBH_REFUSED), 1);
	for (size_t i = 0; i < out.n; i++)
		if (out.v[i].kind == NBH_REFUSED) {
			CU_ASSERT_EQUAL(out.v[i].refusal, NBH_R_ENTRIES);
			CU_ASSERT_EQUAL(out.v[i].count, 143);
			CU_ASSERT_EQUAL(out.v[i].node, 2399);
		}
	end();
}

/* A node has no more interfaces than we may have: who says otherwise takes no more places. */
static void
test_one_node(void)
{
	struct peer_hello h = { .node = 5000, .interval = 1000, .address = 0xa9fe0500 };

	begin(false);
	for (unsigned k = 1; k <= 40; k++) {
		h.address++;
		h.mac[0] = 2;
		h.mac[5] = (uint8_t)k;
		nbh_hello(n, now, 0, h.address, NULL, &h, &out);
	}
	look();
	CU_ASSERT_EQUAL(nbh_entries(n), NBH_DEVS);
	CU_ASSERT_EQUAL(nbh_stats(n)->refused[NBH_R_ENTRIES], 40 - NBH_DEVS);
	hello_of(100, 1000, false, false);
	CU_ASSERT_EQUAL(nbh_entries(n), NBH_DEVS + 1);
	end();
}

/* --- states ------------------------------ */

static void
test_states(void)
{
	begin(false);
	hello_of(1, 1000, false, false);
	CU_ASSERT_EQUAL(entry(1).state, NBH_HEARD);
	now += 500;
	hello_of(1, 1000, true, false);
	CU_ASSERT_EQUAL(entry(1).state, NBH_READY);
	CU_ASSERT_TRUE(entry(1).measured);
	/* Heard, but not listing us any more: back after 3.5 intervals. */
	for (unsigned i = 0; i < 34; i++) {
		wait(100000);
		hello_of(1, 1000, false, false);
		CU_ASSERT_EQUAL(entry(1).state, NBH_READY);
	}
	wait(100000);
	CU_ASSERT_EQUAL(entry(1).state, NBH_HEARD);
	/* Listed again: its round-trip time is known from before. */
	wait(1100000);
	hello_of(1, 1000, true, false);
	CU_ASSERT_EQUAL(entry(1).state, NBH_READY);
	end();
}

/* Silence is counted in the intervals of the one that is silent. */
static void
test_silence(void)
{
	begin(false);
	hello_of(1, 1000, true, false);
	hello_of(2, 100, true, false);
	hello_of(3, 4000, true, false);
	wait(349999);
	CU_ASSERT_EQUAL(nbh_entries(n), 3);
	wait(1);
	CU_ASSERT_EQUAL(nbh_entries(n), 2);
	CU_ASSERT_EQUAL(entry(2).entry, 0);
	wait(3150000 - 1);
	CU_ASSERT_EQUAL(nbh_entries(n), 2);
	wait(1);
	CU_ASSERT_EQUAL(nbh_entries(n), 1);
	/* It changes its interval: the new one counts. */
	hello_of(3, 200, true, false);
	wait(700000);
	CU_ASSERT_EQUAL(nbh_entries(n), 0);
	CU_ASSERT_EQUAL(nbh_stats(n)->entries_gone, 3);
	end();
}

/* An entry that comes again has another number. */
static void
test_numbers(void)
{
	uint32_t first;

	begin(false);
	hello_of(1, 1000, true, false);
	first = entry(1).entry;
	CU_ASSERT_NOT_EQUAL(first, 0);
	wait(4 * SECOND);
	hello_of(1, 1000, true, false);
	CU_ASSERT_NOT_EQUAL(entry(1).entry, 0);
	CU_ASSERT_NOT_EQUAL(entry(1).entry, first);
	/* At the end of the numbers those in use are passed over, and 0. */
	n->last_entry = UINT32_MAX - 1;
	hello_of(2, 1000, true, false);
	CU_ASSERT_EQUAL(entry(2).entry, UINT32_MAX);
	n->last_entry = entry(1).entry - 1;
	hello_of(3, 1000, true, false);
	CU_ASSERT_EQUAL(entry(3).entry, entry(1).entry + 1);
	n->last_entry = UINT32_MAX;
	hello_of(4, 1000, true, false);
	CU_ASSERT_EQUAL(entry(4).entry, 1);
	end();
}

/* --- what is refused ------------------------------ */

static struct peer_hello
good(void)
{
	return (struct peer_hello){ .node = 2001, .mac = { 2, 0, 0, 0, 0, 1 },
		.address = 0xa9fe0102, .interval = 1000, .timestamp = 1 };
}

static void
refused(enum nbh_refusal r, const struct peer_hello *h, ntk_ip_t source, const ntk_mac_t *mac)
{
	const uint64_t before = nbh_stats(n)->refused[r];
	const size_t entries = nbh_entries(n);

	nbh_out_empty(&out);
	nbh_hello(n, now, 0, source, mac, h, &out);
	look();
	CU_ASSERT_EQUAL(nbh_stats(n)->refused[r], before + 1);
	CU_ASSERT_EQUAL(nbh_entries(n), entries);
	CU_ASSERT_TRUE(nbh_refusal_name(r)[0] != '?' && nbh_refusal_text(r)[0] != '?');
}

static void
test_refusals(void)
{
	struct peer_hello h = good();
	const ntk_mac_t other = { { 2, 0, 0, 0, 0, 2 } };

	begin(false);
	refused(NBH_R_SOURCE, &h, h.address + 1, NULL);
	refused(NBH_R_SOURCE, &h, h.address, &other);
	h.node = 1001;
	refused(NBH_R_OWN, &h, h.address, NULL);
	h = good();
	h.address = 0x0a000001;
	refused(NBH_R_ADDRESS, &h, h.address, NULL);
	h.address = 0xa9fea9fe;
	refused(NBH_R_ADDRESS, &h, h.address, NULL);
	h = good();
	memcpy(h.mac, mac_a.b, 6);
	refused(NBH_R_OUR_MAC, &h, h.address, NULL);
	/* Now there is somebody at 0102 with MAC 1. */
	h = good();
	nbh_hello(n, now, 0, h.address, NULL, &h, &out);
	CU_ASSERT_EQUAL(nbh_entries(n), 1);
	h.node = 2002;
	refused(NBH_R_NODE, &h, h.address, NULL);
	h = good();
	h.address++;
	refused(NBH_R_MOVED, &h, h.address, NULL);
	h = good();
	h.mac[5] = 2;
	refused(NBH_R_SHARED, &h, h.address, NULL);
	/* Interfaces that are not there. */
	nbh_hello(n, now, 1, h.address, NULL, &h, &out);
	nbh_hello(n, now, NBH_DEVS, h.address, NULL, &h, &out);
	nbh_hello(n, now, UINT32_MAX, h.address, NULL, &h, &out);
	CU_ASSERT_EQUAL(nbh_stats(n)->refused[NBH_R_NIC], 3);
	CU_ASSERT_STRING_EQUAL(nbh_refusal_name(NBH_REFUSALS), "?");
	CU_ASSERT_STRING_EQUAL(nbh_refusal_text((enum nbh_refusal)-1), "?");
	end();
}

/* R1 and R2 are about other interfaces of ours, too; the same neighbour may be on several. */
static void
test_two_interfaces(void)
{
	struct peer_hello h = good();
	const ntk_mac_t mac_2 = { { 0, 0x16, 0x3e, 0, 1, 0x0a } };

	begin(false);
	nbh_nic_up(n, now, 1, "eth1", mac_2, address_a + 1, &out);
	nbh_address_done(n, now, 1, address_a + 1, true, &out);
	nbh_hello(n, now, 1, h.address, NULL, &h, &out);
	CU_ASSERT_EQUAL(nbh_entries(n), 1);
	h.node++;
	refused(NBH_R_NODE, &h, h.address, NULL);
	h = good();
	h.address++;
	refused(NBH_R_MOVED, &h, h.address, NULL);
	h = good();
	h.mac[5]++;
	refused(NBH_R_SHARED, &h, h.address, NULL);
	h = good();
	nbh_hello(n, now, 0, h.address, NULL, &h, &out);
	look();
	CU_ASSERT_EQUAL(nbh_entries(n), 2);
	CU_ASSERT_TRUE(nbh_address_known(n, h.address));
	CU_ASSERT_TRUE(nbh_address_known(n, address_a + 1));
	CU_ASSERT_FALSE(nbh_address_known(n, address_a + 2));
	end();
}

/* One kind of refusal is told once a minute, with how many there were. */
static void
test_log(void)
{
	struct peer_hello h = good();

	begin(false);
	for (unsigned i = 0; i < 1000; i++) {
		refused(NBH_R_SOURCE, &h, h.address + 1, NULL);
		CU_ASSERT_EQUAL(count(NBH_REFUSED), i == 0);
		now += 1000;
	}
	/* Others do not suffer from it. */
	h.address = 1;
	refused(NBH_R_ADDRESS, &h, h.address, NULL);
	CU_ASSERT_EQUAL(count(NBH_REFUSED), 1);
	wait(58 * SECOND);
	CU_ASSERT_EQUAL(count(NBH_REFUSED), 0);
	wait(2 * SECOND);
	CU_ASSERT_EQUAL_FATAL(count(NBH_REFUSED), 1);
	wait(600 * SECOND);
	CU_ASSERT_EQUAL(count(NBH_REFUSED), 0);
	/* Our own hellos and the like never are. */
	h = good();
	h.node = 1001;
	refused(NBH_R_OWN, &h, h.address, NULL);
	CU_ASSERT_EQUAL(count(NBH_REFUSED), 0);
	end();
}

/* --- loss ------------------------------ */

/* An hour with every fifth packet lost: how often an arc was. */
static unsigned
lost_arcs(bool ask)
{
	unsigned lost;

	nbed_init(&b, 5);
	b.loss = 200;
	for (unsigned x = 0; x < 2; x++) {
		nbed_node(&b, x, 0);
		b.node[x].p.ask = ask;
		nbed_start(&b, x);
	}
	nbed_segment(&b, 3, 1);
	nbed_up(&b, 0, 0);
	nbed_up(&b, 1, 0);
	nbed_run(&b, 3600 * SECOND);
	CU_ASSERT_STRING_EQUAL(b.wrong, "");
	lost = b.node[0].removed;
	if (ask)
		CU_ASSERT_TRUE(nbh_stats(b.node[0].n)->asked > 100);
	nbed_free(&b);
	return lost;
}

static void
test_loss(void)
{
	const unsigned without = lost_arcs(false), with = lost_arcs(true);

	tap_note("an hour with 20 %% of the packets lost: the arc was lost %u times, without asking "
	    "%u times", with, without);
	CU_ASSERT_TRUE(without > 10);
	CU_ASSERT_TRUE(with <= without / 10);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "intervals", test_interval },
		{ "hellos out of turn", test_extra },
		{ "many neighbours", test_many },
		{ "one node with many interfaces", test_one_node },
		{ "heard, ready, and back", test_states },
		{ "silence", test_silence },
		{ "numbers of entries", test_numbers },
		{ "each refusal", test_refusals },
		{ "two interfaces of ours", test_two_interfaces },
		{ "once a minute", test_log },
		{ "lost hellos", test_loss },
	};
	return TAP_RUN(tests);
}
