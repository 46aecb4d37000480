/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two nodes that start at the same moment, with one, two or three interfaces each in one
 * segment, in random orders of everything that happens, with loss, copies and connections that
 * fail: they end with the right number of arcs, disjoint, the same at both ends, and
 * nothing moves any more (spec/neighborhood 10, 15.2 M1, M5, M6, and 16.2, which 19.5 replaces).
 *
 * NTK_NBH_ORDERS is how many orders of each shape are tried; "make nbh-orders" tries 10000.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/nbhbed.h"
#include "tests/unit/tap.h"

struct shape {
	unsigned devs[3];	/* interfaces of each node; 0: not there */
	unsigned arcs;		/* in all */
};

static struct bed b;

/* Does the other end of C, an arc of node X, have it, too? */
static bool
is_mutual(unsigned x, const struct nbed_arc *c)
{
	for (unsigned y = 0; y < BED_NODES; y++)
		for (unsigned dev = 0; dev < NBH_DEVS; dev++)
			if (y != x && mac_cmp(b.nic[nbed_nic_of(y, dev)].mac, c->mac) == 0)
				return nbed_arc(&b, y, dev, nbed_nic_of(x, c->dev)) != NULL;
	return false;
}

static bool
is_right(const struct bed *w, void *arg)
{
	const struct shape *s = arg;
	size_t ends = 0;

	for (unsigned x = 0; x < 3; x++)
		ends += w->node[x].n != NULL ? nbed_arcs(w, x) : 0;
	if (ends != 2 * s->arcs)
		return false;
	for (unsigned x = 0; x < 3; x++)
		for (size_t i = 0; i < w->node[x].n_arcs; i++)
			if (w->node[x].arc[i].up && !is_mutual(x, &w->node[x].arc[i]))
				return false;
	return true;
}

static uint64_t
below(uint32_t n)
{
	return rng_below(&b.rng, n);
}

/* The links of this order: from a quiet cable to a bad radio. */
static void
draw_links(void)
{
	b.delay_min = 50 + below(2000);
	b.delay_max = b.delay_min + below(below(2) != 0 ? 1000 : 80000);
	b.kernel_max = below(30000);
	b.loss = (unsigned)below(4) == 0 ? 0 : (unsigned)below(250);
	b.copies = (unsigned)below(200);
	b.connect_fails = (unsigned)below(250);
}

static uint64_t slowest;

/* NULL, or what went wrong. */
static const char *
try(const struct shape *shape, uint64_t seed)
{
	struct shape s = *shape;
	unsigned most = 0;
	uint64_t when;
	unsigned removed = 0;

	nbed_init(&b, seed);
	draw_links();
	for (unsigned x = 0; x < 3; x++) {
		if (s.devs[x] == 0)
			continue;
		nbed_node(&b, x, 0);
		nbed_start(&b, x);
		most = s.devs[x] > most ? s.devs[x] : most;
	}
	nbed_segment(&b, 7, most);
	for (unsigned dev = 0; dev < most; dev++)
		for (unsigned x = 0; x < 3; x++)
			if (dev < s.devs[x])
				nbed_up(&b, x, dev);
	if (!nbed_until(&b, 300 * SECOND, is_right, &s))
		return b.wrong[0] != '\0' ? b.wrong : "no matching within 300 s";
	when = b.now;
	if (when > slowest)
		slowest = when;
	for (unsigned x = 0; x < 3; x++)
		removed += b.node[x].removed;
	nbed_run(&b, 20 * SECOND);
	for (unsigned x = 0; x < 3; x++)
		removed -= b.node[x].removed;
	/* Three hellos lost in a row, and the answer too: that may happen. */
	if (b.loss == 0 && (!is_right(&b, &s) || removed != 0))
		return "the matching did not last";
	return b.wrong[0] != '\0' ? b.wrong : NULL;
}

static uint64_t
orders(void)
{
	const char *n = getenv("NTK_NBH_ORDERS");

	return n != NULL ? strtoull(n, NULL, 10) : 150;
}

static void
all_orders(const struct shape *s)
{
	slowest = 0;
	for (uint64_t seed = 1; seed <= orders(); seed++) {
		const char *what = try(s, seed);

		if (what != NULL) {
			tap_note("%u+%u+%u interfaces, seed %" PRIu64 ": %s", s->devs[0],
			    s->devs[1], s->devs[2], seed, what);
			CU_FAIL("an order that does not end right");
		}
		nbed_free(&b);
	}
	tap_note("%u+%u+%u interfaces: %" PRIu64 " orders, the slowest took %.1f s", s->devs[0],
	    s->devs[1], s->devs[2], orders(), (double)slowest / 1e6);
}

static void
test_one(void)
{
	all_orders(&(struct shape){ { 1, 1, 0 }, 1 });
}

static void
test_two(void)
{
	all_orders(&(struct shape){ { 2, 2, 0 }, 2 });
}

static void
test_three(void)
{
	all_orders(&(struct shape){ { 3, 3, 0 }, 3 });
}

static void
test_uneven(void)
{
	all_orders(&(struct shape){ { 2, 1, 0 }, 1 });
	all_orders(&(struct shape){ { 1, 3, 0 }, 1 });
}

static void
test_nodes(void)
{
	all_orders(&(struct shape){ { 2, 2, 2 }, 6 });
	all_orders(&(struct shape){ { 1, 1, 1 }, 3 });
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "one interface each", test_one },
		{ "two interfaces each", test_two },
		{ "three interfaces each", test_three },
		{ "more at one node", test_uneven },
		{ "three nodes", test_nodes },
	};
	return TAP_RUN(tests);
}
