/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/wanted.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ntkd/kernel/diff.h"
#include "tests/unit/kerntest.h"
#include "tests/unit/tap.h"

static struct conf conf;
static struct facts f;
static struct kset s;

/* --- making facts --- */

static struct naddr
address(const char *text)
{
	struct naddr n;
	char why[128];

	CU_ASSERT_TRUE_FATAL(naddr_parse(&conf.map.topo, text, &n, why, sizeof(why)));
	return n;
}

/* An identity at TEXT on eth1 with link-local 169.254.10.1. */
static void
begin(const char *text, bool main)
{
	facts_init(&f);
	f.main = main;
	f.address = address(text);
	f.has_dev[0] = true;
	f.linklocal[0] = 0xa9fe0a01;
}

/* A qspn-arc to a neighbour with MAC 02:…:N, link-local 169.254.20.N, at PEER (NULL: unknown). */
static uint16_t
arc(uint8_t n, const char *peer)
{
	struct facts_arc a = { .peer_mac = { { 2, 0, 0, 0, 0, n } },
		.peer_linklocal = 0xa9fe1400U + n, .qspn = true, .known = peer != NULL };

	if (peer != NULL)
		a.peer = address(peer);
	CU_ASSERT_TRUE(facts_add_arc(&f, &a));
	return (uint16_t)(f.n_arcs - 1);
}

/* A path over arc I through N hops, given as level and position each. */
static void
path(uint16_t i, uint32_t cost, size_t n, ...)
{
	struct coord hops[8];
	va_list ap;

	va_start(ap, n);
	for (size_t k = 0; k < n; k++) {
		hops[k].level = (uint8_t)va_arg(ap, unsigned);
		hops[k].pos = va_arg(ap, unsigned);
	}
	va_end(ap);
	CU_ASSERT_TRUE(facts_add_path(&f, hops[n - 1], i, cost, hops, n));
}

/* Computes the wanted state of the facts into S. */
static void
compute(void)
{
	struct wanted_settings settings = kerntest_settings(&conf);
	struct facts_error err;

	if (!facts_check(&f, &conf.map.topo, conf.n_interfaces, &err))
		tap_note("%s: %s", err.field, err.text);
	CU_ASSERT_TRUE(facts_check(&f, &conf.map.topo, conf.n_interfaces, &err));
	CU_ASSERT_TRUE(wanted_state(&settings, &f, &s));
}

static void
end(void)
{
	kset_free(&s);
	facts_free(&f);
	kerntest_conf(&conf, "4.2.2.2", 1);
}

/* --- looking at states --- */

static bool
has(const char *line)
{
	char text[KOBJ_TEXT];

	for (size_t i = 0; i < s.n; i++)
		if (strcmp(kobj_print(&s.v[i], text), line) == 0)
			return true;
	return false;
}

/* Objects whose line begins with START. */
static size_t
count(const char *start)
{
	char text[KOBJ_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += strncmp(kobj_print(&s.v[i], text), start, strlen(start)) == 0;
	return n;
}

#define HAS(line)	CU_ASSERT_TRUE(has(line))
#define HAS_NOT(line)	CU_ASSERT_FALSE(has(line))

/* --- kernel-state 3 and 4 --- */

static void
test_alone(void)
{
	begin("2.1.1.0", true);
	compute();
	HAS("namespace");
	HAS("dev 0");
	HAS("address 169.254.10.1 dev 0");
	HAS("address 10.0.0.32 dev lo");
	HAS("address 10.0.0.22 dev 0");
	HAS("address 10.0.0.86 dev 0");
	HAS("address 10.0.0.62 dev 0");
	HAS("address 10.0.0.50 dev 0");
	HAS("address 10.0.0.40 dev 0");
	CU_ASSERT_EQUAL(count("address"), 7);
	CU_ASSERT_EQUAL(count("route ntk"), 18);
	CU_ASSERT_EQUAL(count("route"), 18);
	HAS("rule ntk");
	HAS("source-nat to 10.0.0.64/27 as 10.0.0.22");
	CU_ASSERT_EQUAL(s.n, 1 + 1 + 7 + 18 + 1 + 1);
	end();
}

/* The checks of kernel-state 2, as own addresses and destinations. */
static void
test_large_topology(void)
{
	kerntest_conf(&conf, "4.16.256.256", 1);
	begin("3.10.123.45", true);
	compute();
	HAS("address 10.58.123.45 dev 0");
	HAS("address 10.186.123.45 dev 0");
	HAS("address 10.122.123.45 dev 0");
	HAS("address 10.96.123.45 dev 0");
	HAS("address 10.80.0.45 dev 0");
	HAS("route ntk 10.49.0.0/16 unreachable");
	HAS("route ntk 10.58.67.0/24 unreachable");
	HAS("route ntk 10.96.67.0/24 unreachable");
	HAS("route ntk 10.122.67.0/24 unreachable");
	HAS("route ntk 10.186.67.0/24 unreachable");
	HAS("route ntk 10.32.0.0/12 unreachable");
	HAS("source-nat to 10.128.0.0/10 as 10.58.123.45");
	CU_ASSERT_EQUAL(count("route ntk"), 3 * 2 + 15 * 3 + 255 * 4 + 255 * 5);
	end();
}

static void
test_every_interface(void)
{
	kerntest_conf(&conf, "4.2.2.2", 3);
	begin("2.1.1.0", true);
	f.has_dev[2] = true;
	f.linklocal[2] = 0xa9fe0a03;
	compute();
	HAS("address 10.0.0.22 dev 0");
	HAS("address 10.0.0.22 dev 2");
	HAS("address 169.254.10.3 dev 2");
	CU_ASSERT_EQUAL(count("address"), 2 * 6 + 1);
	CU_ASSERT_EQUAL(count("dev"), 2);
	end();
}

static void
test_settings(void)
{
	conf.accept_anonymous = false;
	begin("2.1.1.0", true);
	compute();
	HAS_NOT("address 10.0.0.86 dev 0");
	HAS("source-nat to 10.0.0.64/27 as 10.0.0.22");
	CU_ASSERT_EQUAL(count("route ntk"), 18);
	end();

	conf.anonymize_others = false;
	begin("2.1.1.0", true);
	compute();
	HAS("address 10.0.0.86 dev 0");
	CU_ASSERT_EQUAL(count("source-nat"), 0);
	end();
}

/* An own address exists only when every position it uses is real; routes then go without source. */
static void
test_virtual_lowest(void)
{
	begin("2.1.1.2", true);
	path(arc(1, "2.1.1.0"), 1, 1, 0, 0);
	compute();
	CU_ASSERT_EQUAL(count("address"), 2);
	CU_ASSERT_EQUAL(count("source-nat"), 0);
	HAS("route ntk 10.0.0.22/32 via 169.254.20.1 dev 0");
	HAS("route ntk 10.0.0.40/32 via 169.254.20.1 dev 0");
	HAS("route ntk 10.0.0.41/32 unreachable");
	CU_ASSERT_EQUAL(count("route ntk"), 23);
	end();
}

static void
test_virtual_middle(void)
{
	begin("2.1.3.0", true);
	path(arc(1, "2.1.3.1"), 1, 1, 0, 1);
	path(arc(2, "2.1.0.1"), 1, 1, 1, 0);
	compute();
	/* Only internal to 1 does not carry the position of level 1. */
	HAS("address 10.0.0.40 dev 0");
	CU_ASSERT_EQUAL(count("address 10."), 2);
	/* Level 0 can be expressed inside level 1 only; every position of level 1 is a destination. */
	HAS("route ntk 10.0.0.41/32 via 169.254.20.1 dev 0 src 10.0.0.40");
	HAS("route ntk 10.0.0.20/31 via 169.254.20.2 dev 0");
	HAS("route ntk 10.0.0.48/31 via 169.254.20.2 dev 0");
	HAS("route ntk 10.0.0.22/31 unreachable");
	HAS("route ntk 10.0.0.50/31 unreachable");
	CU_ASSERT_EQUAL(count("route ntk"), 3 * 2 + 3 + 2 * 4 + 1);
	end();
}

static void
test_sources(void)
{
	begin("2.1.1.0", true);
	path(arc(1, "2.1.1.1"), 1, 1, 0, 1);
	compute();
	HAS("route ntk 10.0.0.23/32 via 169.254.20.1 dev 0 src 10.0.0.22");	/* global */
	HAS("route ntk 10.0.0.87/32 via 169.254.20.1 dev 0 src 10.0.0.22");	/* anonymizing */
	HAS("route ntk 10.0.0.63/32 via 169.254.20.1 dev 0 src 10.0.0.62");	/* internal to 3 */
	HAS("route ntk 10.0.0.51/32 via 169.254.20.1 dev 0 src 10.0.0.50");
	HAS("route ntk 10.0.0.41/32 via 169.254.20.1 dev 0 src 10.0.0.40");
	/* The neighbour's own table never leads back to it. */
	HAS("route 02:00:00:00:00:01 10.0.0.23/32 unreachable");
	end();
}

/* --- neighbours' tables --- */

static void
test_best_path(void)
{
	uint16_t a, b;

	begin("2.1.1.0", true);
	a = arc(1, "2.1.1.1");
	b = arc(2, "2.1.0.1");
	path(a, 10, 2, 0, 1, 2, 0);
	path(b, 20, 2, 1, 0, 2, 0);
	compute();
	HAS("route ntk 10.0.0.16/30 via 169.254.20.1 dev 0 src 10.0.0.22");
	HAS("route 02:00:00:00:00:01 10.0.0.16/30 via 169.254.20.2 dev 0");
	HAS("route 02:00:00:00:00:02 10.0.0.16/30 via 169.254.20.1 dev 0");
	CU_ASSERT_PTR_EQUAL(wanted_path(&f, &conf.map.topo, (struct coord){ 2, 0 }, -1), &f.paths[0]);
	CU_ASSERT_PTR_EQUAL(wanted_path(&f, &conf.map.topo, (struct coord){ 2, 0 }, 0), &f.paths[1]);
	CU_ASSERT_PTR_EQUAL(wanted_path(&f, &conf.map.topo, (struct coord){ 2, 0 }, 1), &f.paths[0]);
	CU_ASSERT_PTR_NULL(wanted_path(&f, &conf.map.topo, (struct coord){ 3, 0 }, -1));
	end();
}

/* A path may begin elsewhere and still pass through the neighbour's g-node. */
static void
test_detour_through_it(void)
{
	uint16_t a, b;

	begin("2.1.1.0", true);
	a = arc(1, "2.1.1.1");
	b = arc(2, "2.1.0.1");
	path(a, 10, 3, 0, 1, 1, 0, 2, 0);
	path(b, 20, 2, 1, 0, 2, 0);
	compute();
	HAS("route ntk 10.0.0.16/30 via 169.254.20.1 dev 0 src 10.0.0.22");
	HAS("route 02:00:00:00:00:02 10.0.0.16/30 unreachable");
	HAS("route 02:00:00:00:00:01 10.0.0.16/30 via 169.254.20.2 dev 0");
	end();
}

/* Internal to k, with k not above the level of the neighbour's g-node, cannot be meant for us. */
static void
test_blackholes(void)
{
	uint16_t a;

	begin("2.1.1.0", true);
	a = arc(1, "2.1.1.1");
	arc(2, "2.1.0.1");
	arc(3, "2.0.1.1");
	arc(4, "1.1.1.1");
	path(a, 10, 1, 0, 1);
	compute();
	/* level 0: nothing is a blackhole */
	CU_ASSERT_EQUAL(count("route 02:00:00:00:00:01"), 18);
	HAS_NOT("route 02:00:00:00:00:01 10.0.0.41/32 blackhole");
	/* level 1 */
	HAS("route 02:00:00:00:00:02 10.0.0.41/32 blackhole");
	HAS("route 02:00:00:00:00:02 10.0.0.51/32 via 169.254.20.1 dev 0");
	HAS("route 02:00:00:00:00:02 10.0.0.63/32 via 169.254.20.1 dev 0");
	/* level 2 */
	HAS("route 02:00:00:00:00:03 10.0.0.41/32 blackhole");
	HAS("route 02:00:00:00:00:03 10.0.0.51/32 blackhole");
	HAS("route 02:00:00:00:00:03 10.0.0.48/31 blackhole");
	HAS("route 02:00:00:00:00:03 10.0.0.63/32 via 169.254.20.1 dev 0");
	/* level 3: everything internal */
	HAS("route 02:00:00:00:00:04 10.0.0.41/32 blackhole");
	HAS("route 02:00:00:00:00:04 10.0.0.51/32 blackhole");
	HAS("route 02:00:00:00:00:04 10.0.0.63/32 blackhole");
	HAS("route 02:00:00:00:00:04 10.0.0.56/30 blackhole");
	HAS("route 02:00:00:00:00:04 10.0.0.23/32 via 169.254.20.1 dev 0");
	HAS("route 02:00:00:00:00:04 10.0.0.87/32 via 169.254.20.1 dev 0");
	end();
}

/* Not known: a mark and a table of nothing but unreachable, no rule. */
static void
test_unknown_arc(void)
{
	begin("2.1.1.0", true);
	path(arc(1, "2.1.1.1"), 10, 1, 0, 1);
	arc(2, NULL);
	compute();
	HAS("mark 02:00:00:00:00:02");
	HAS_NOT("rule 02:00:00:00:00:02");
	HAS("neighbour 169.254.20.2 dev 0 src 169.254.10.1");
	CU_ASSERT_EQUAL(count("route 02:00:00:00:00:02"), 18);
	HAS("route 02:00:00:00:00:02 10.0.0.23/32 unreachable");
	HAS("route 02:00:00:00:00:02 10.0.0.41/32 unreachable");
	CU_ASSERT_PTR_NULL(wanted_path(&f, &conf.map.topo, (struct coord){ 0, 1 }, 1));
	end();
}

/* A closing arc keeps everything that serves what comes over it. */
static void
test_closing_arc(void)
{
	begin("2.1.1.0", true);
	path(arc(1, "2.1.1.1"), 10, 1, 0, 1);
	arc(2, "2.1.0.1");
	f.arcs[1].closing = true;
	compute();
	HAS("mark 02:00:00:00:00:02");
	HAS("rule 02:00:00:00:00:02");
	HAS("neighbour 169.254.20.2 dev 0 src 169.254.10.1");
	HAS("route 02:00:00:00:00:02 10.0.0.23/32 via 169.254.20.1 dev 0");
	HAS("route 02:00:00:00:00:02 10.0.0.41/32 blackhole");
	HAS("route ntk 10.0.0.20/31 unreachable");
	end();
}

/* An identity-arc that QSPN does not use is a neighbour and no more. */
static void
test_plain_arc(void)
{
	begin("2.1.1.0", true);
	arc(1, NULL);
	f.arcs[0].qspn = false;
	compute();
	HAS("neighbour 169.254.20.1 dev 0 src 169.254.10.1");
	CU_ASSERT_EQUAL(count("mark"), 0);
	CU_ASSERT_EQUAL(count("route"), 18);
	CU_ASSERT_EQUAL(s.n_macs, 0);
	end();
}

/* Paths to virtual g-nodes are known, but there is no address to reach them by. */
static void
test_virtual_destination(void)
{
	begin("2.1.1.0", true);
	path(arc(1, "2.1.1.3"), 10, 1, 0, 3);
	path(0, 20, 2, 0, 3, 0, 1);
	compute();
	CU_ASSERT_EQUAL(count("route ntk"), 18);
	HAS("route ntk 10.0.0.23/32 via 169.254.20.1 dev 0 src 10.0.0.22");
	end();
}

static void
test_order_of_neighbours(void)
{
	begin("2.1.1.0", true);
	arc(9, "2.1.1.1");
	arc(1, NULL);
	arc(5, "2.1.0.1");
	compute();
	CU_ASSERT_EQUAL_FATAL(s.n_macs, 3);
	CU_ASSERT_EQUAL(s.macs[0].b[5], 9);
	CU_ASSERT_EQUAL(s.macs[1].b[5], 1);
	CU_ASSERT_EQUAL(s.macs[2].b[5], 5);
	end();
}

/* --- a private subnet --- */

/* The example of kernel-state 4. */
static void
test_subnet(void)
{
	conf.subnet_level = 1;
	begin("2.1.1.0", true);
	compute();
	HAS("map-in 10.0.0.50/31 to 10.0.0.40/31");
	HAS("map-in 10.0.0.62/31 to 10.0.0.40/31");
	HAS("map-in 10.0.0.22/31 to 10.0.0.40/31");
	HAS("map-in 10.0.0.86/31 to 10.0.0.40/31");
	CU_ASSERT_EQUAL(count("map-in"), 4);
	HAS("map-out 10.0.0.40/31 to 10.0.0.48/30 as 10.0.0.50/31");
	HAS("map-out 10.0.0.40/31 to 10.0.0.56/29 as 10.0.0.62/31");
	HAS("map-out 10.0.0.40/31 to 10.0.0.0/27 as 10.0.0.22/31");
	HAS("map-out 10.0.0.40/31 to 10.0.0.64/27 as 10.0.0.22/31");
	CU_ASSERT_EQUAL(count("map-out"), 4);
	HAS("source-nat to 10.0.0.64/27 as 10.0.0.22");
	/* Destinations stop at level 1. */
	CU_ASSERT_EQUAL(count("route ntk"), 3 * 2 + 3 + 4);
	HAS_NOT("route ntk 10.0.0.23/32 unreachable");
	end();
}

static void
test_subnet_without_anonymous(void)
{
	conf.subnet_level = 1;
	conf.accept_anonymous = false;
	begin("2.1.1.0", true);
	compute();
	HAS_NOT("map-in 10.0.0.86/31 to 10.0.0.40/31");
	CU_ASSERT_EQUAL(count("map-in"), 3);
	HAS("map-out 10.0.0.40/31 to 10.0.0.64/27 as 10.0.0.22/31");
	CU_ASSERT_EQUAL(count("map-out"), 4);
	end();
}

/* Whatever a prefix carries must be real: here level 2 is not, so only internal to 2 is left. */
static void
test_subnet_virtual(void)
{
	conf.subnet_level = 1;
	begin("2.3.1.0", true);
	compute();
	HAS("map-in 10.0.0.50/31 to 10.0.0.40/31");
	HAS("map-out 10.0.0.40/31 to 10.0.0.48/30 as 10.0.0.50/31");
	CU_ASSERT_EQUAL(count("map-"), 2);
	CU_ASSERT_EQUAL(count("source-nat"), 0);
	end();

	/* Virtual inside the subnet: its prefixes do not carry that position. */
	conf.subnet_level = 1;
	begin("2.1.1.2", true);
	compute();
	CU_ASSERT_EQUAL(count("map-"), 8);
	CU_ASSERT_EQUAL(count("source-nat"), 0);
	end();
}

static void
test_subnet_of_highest_level(void)
{
	conf.subnet_level = 3;
	begin("2.1.1.0", true);
	compute();
	HAS("map-in 10.0.0.16/29 to 10.0.0.56/29");
	HAS("map-in 10.0.0.80/29 to 10.0.0.56/29");
	HAS("map-out 10.0.0.56/29 to 10.0.0.0/27 as 10.0.0.16/29");
	HAS("map-out 10.0.0.56/29 to 10.0.0.64/27 as 10.0.0.16/29");
	CU_ASSERT_EQUAL(count("map-"), 4);
	CU_ASSERT_EQUAL(count("route ntk"), 3 * 2);
	end();
}

/* --- connectivity identities --- */

static void
test_connectivity(void)
{
	conf.subnet_level = 0;
	begin("2.1.1.3", false);
	path(arc(1, "2.1.1.0"), 10, 1, 0, 0);
	compute();
	HAS("namespace");
	HAS("dev 0");
	HAS("neighbour 169.254.20.1 dev 0 src 169.254.10.1");
	CU_ASSERT_EQUAL(count("address"), 1);
	CU_ASSERT_EQUAL(count("route ntk"), 0);
	HAS_NOT("rule ntk");
	HAS("rule 02:00:00:00:00:01");
	CU_ASSERT_EQUAL(count("source-nat"), 0);
	CU_ASSERT_EQUAL(count("route 02:00:00:00:00:01"), 23);
	end();
}

/* Destinations stop at the highest virtual level. */
static void
test_connectivity_levels(void)
{
	begin("2.1.3.0", false);
	arc(1, "2.1.1.0");
	compute();
	CU_ASSERT_EQUAL(count("route 02"), 3 * 2 + 3 + 2 * 4);
	HAS_NOT("route 02:00:00:00:00:01 10.0.0.41/32 blackhole");
	end();

	begin("4.1.1.0", false);
	arc(1, "2.1.1.0");
	compute();
	CU_ASSERT_EQUAL(count("route 02"), 4 * 2);
	end();

	begin("2.3.1.2", false);
	arc(1, "2.1.1.0");
	compute();
	CU_ASSERT_EQUAL(count("route 02"), 3 * 2 + 2 * 3);
	end();

	conf.subnet_level = 2;
	begin("2.1.3.0", false);
	arc(1, "2.1.1.0");
	compute();
	CU_ASSERT_EQUAL(count("route 02"), 3 * 2 + 3);
	CU_ASSERT_EQUAL(count("map-"), 0);
	end();
}

/* --- the whole --- */

static void
test_destinations(void)
{
	struct wanted_settings settings = kerntest_settings(&conf);
	struct wanted_dst v[32];
	char text[PREFIX_TEXT];

	begin("2.1.1.3", false);
	CU_ASSERT_EQUAL(wanted_destinations(&settings, &f, NULL, 0), 23);
	CU_ASSERT_EQUAL(wanted_destinations(&settings, &f, v, 2), 23);
	CU_ASSERT_EQUAL(wanted_destinations(&settings, &f, v, 32), 23);
	CU_ASSERT_STRING_EQUAL(prefix_print(v[0].prefix, text), "10.0.0.0/29");
	CU_ASSERT_STRING_EQUAL(prefix_print(v[1].prefix, text), "10.0.0.64/29");
	CU_ASSERT_EQUAL(v[1].class_.kind, MAP4_ANONYMIZING);
	CU_ASSERT_STRING_EQUAL(prefix_print(v[6].prefix, text), "10.0.0.16/30");
	CU_ASSERT_STRING_EQUAL(prefix_print(v[8].prefix, text), "10.0.0.56/30");
	CU_ASSERT_EQUAL(v[8].class_.level, 3);
	CU_ASSERT_EQUAL(v[8].dst.level, 2);
	CU_ASSERT_STRING_EQUAL(prefix_print(v[22].prefix, text), "10.0.0.41/32");
	end();
}

/* The order in which paths to different destinations stand does not matter, nor what OUT held. */
static void
test_same_again(void)
{
	struct kset first;
	uint16_t a, b;

	begin("2.1.1.0", true);
	a = arc(1, "2.1.1.1");
	b = arc(2, "2.1.0.1");
	path(a, 5, 1, 0, 1);
	path(a, 10, 2, 0, 1, 2, 0);
	path(b, 20, 2, 1, 0, 2, 0);
	compute();
	CU_ASSERT_TRUE(kset_copy(&first, &s));
	f.n_paths = f.n_hops = 0;
	path(a, 10, 2, 0, 1, 2, 0);
	path(a, 5, 1, 0, 1);
	path(b, 20, 2, 1, 0, 2, 0);
	compute();
	CU_ASSERT_TRUE(kset_equal(&first, &s));
	kset_free(&first);
	end();
}

/* What wanted_path() tells is what the tables hold. */
static void
test_explained(void)
{
	struct wanted_settings settings = kerntest_settings(&conf);
	struct wanted_dst v[32];
	struct rng r;
	size_t n, checked = 0;

	for (uint64_t seed = 0; seed < 200; seed++) {
		rng_init(&r, seed);
		kerntest_invent(&r, &conf, seed % 2 == 0, &f);
		compute();
		n = wanted_destinations(&settings, &f, v, 32);
		for (int a = f.main ? -1 : 0; a < (int)f.n_arcs; a++)
			for (size_t i = 0; i < n && (a < 0 || f.arcs[a].qspn); i++) {
				const struct facts_path *p = wanted_path(&f, &conf.map.topo,
				    v[i].dst, a);
				struct kobj key = { .kind = KOBJ_ROUTE,
					.mac = a < 0 ? KOBJ_NTK : f.arcs[a].peer_mac,
					.addr = v[i].prefix.addr, .len = v[i].prefix.len };
				const struct kobj *o = kset_find(&s, &key);

				CU_ASSERT_PTR_NOT_NULL_FATAL(o);
				if (o->type == PRIV_ROUTE_BLACKHOLE)
					continue;
				CU_ASSERT_EQUAL(o->type == PRIV_ROUTE_UNICAST, p != NULL);
				CU_ASSERT_TRUE(p == NULL ||
				    o->via == f.arcs[p->arc].peer_linklocal);
				checked++;
			}
		end();
	}
	CU_ASSERT_TRUE(checked > 5000);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Fifty neighbours and a path to every destination in the largest topology. */
static void
test_fast_enough(void)
{
	enum { NEIGHBOURS = 50 };
	struct kset other;
	struct kdiff d;
	double t0, t1, t2;
	char text[32];

	kerntest_conf(&conf, "4.16.256.256", 1);
	begin("3.10.123.45", true);
	for (unsigned i = 0; i < NEIGHBOURS; i++) {
		snprintf(text, sizeof(text), "3.10.123.%u", 100 + i);
		path(arc((uint8_t)(1 + i), text), 1, 1, 0U, 100 + i);
	}
	for (unsigned level = 0; level < 4; level++)
		for (unsigned pos = 0; pos < topo_gsize(&conf.map.topo, level); pos++)
			if (pos != f.address.pos[level] &&
			    (level > 0 || pos < 100 || pos >= 100 + NEIGHBOURS))
				path((uint16_t)(pos % NEIGHBOURS), 5, 2, 0U,
				    100 + pos % NEIGHBOURS, level, pos);
	t0 = now();
	compute();
	t1 = now();
	CU_ASSERT_EQUAL(count("route"), 51U * 2346U);
	CU_ASSERT_TRUE(kset_copy(&other, &s));
	for (size_t i = 0; i < other.n; i += 100)
		other.v[i].src ^= 1;
	t2 = now();
	CU_ASSERT_TRUE(kdiff_make(&d, &s, &other));
	tap_note("%zu objects wanted in %.0f ms, compared in %.1f ms (%zu changes)", s.n,
	    (t1 - t0) * 1e3, (now() - t2) * 1e3, d.n);
	CU_ASSERT_EQUAL(d.n, (s.n + 99) / 100);
	CU_ASSERT_TRUE(t1 - t0 < 2);
	kdiff_free(&d);
	kset_free(&other);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "an identity alone", test_alone },
		{ "addresses of a large topology", test_large_topology },
		{ "own addresses on every interface", test_every_interface },
		{ "settings", test_settings },
		{ "virtual at the lowest level", test_virtual_lowest },
		{ "virtual at a middle level", test_virtual_middle },
		{ "sources", test_sources },
		{ "the best path, and the best for a neighbour", test_best_path },
		{ "a detour through the neighbour's g-node", test_detour_through_it },
		{ "blackholes", test_blackholes },
		{ "an arc that is not known", test_unknown_arc },
		{ "a closing arc", test_closing_arc },
		{ "an arc that QSPN does not use", test_plain_arc },
		{ "a virtual destination", test_virtual_destination },
		{ "neighbours in the order of the arcs", test_order_of_neighbours },
		{ "a private subnet", test_subnet },
		{ "a private subnet without anonymous contact", test_subnet_without_anonymous },
		{ "a private subnet and virtual positions", test_subnet_virtual },
		{ "a private subnet of the highest level", test_subnet_of_highest_level },
		{ "a connectivity identity", test_connectivity },
		{ "a connectivity identity's levels", test_connectivity_levels },
		{ "destinations", test_destinations },
		{ "the same facts give the same state", test_same_again },
		{ "paths explain the tables", test_explained },
		{ "fast enough", test_fast_enough },
	};

	kerntest_conf(&conf, "4.2.2.2", 1);
	kset_init(&s);
	return TAP_RUN(tests);
}
