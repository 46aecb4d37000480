/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/map4.h"

#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "tests/unit/tap.h"

#define GLOBAL		((struct map4_class){ MAP4_GLOBAL, 0 })
#define ANONYMIZING	((struct map4_class){ MAP4_ANONYMIZING, 0 })
#define INTERNAL(k)	((struct map4_class){ MAP4_INTERNAL, (k) })

static struct map4
map_of(const char *topology, const char *range)
{
	struct map4 m;
	char why[200];

	CU_ASSERT_TRUE(topo_parse(topology, &m.topo, why, sizeof(why)));
	CU_ASSERT_TRUE(prefix_parse(range, &m.range));
	return m;
}

static struct naddr
addr_of(const struct map4 *m, const char *text)
{
	struct naddr n;
	char why[200];

	CU_ASSERT_TRUE(naddr_parse(&m->topo, text, &n, why, sizeof(why)));
	return n;
}

static void
same_text(const char *got, const char *want)
{
	if (strcmp(got, want) != 0) {
		tap_note("got %s, want %s", got, want);
		CU_FAIL("the address is the specified one");
	}
}

/* The node's address of class C is WANT; "-": it has none. */
static void
is_node(const struct map4 *m, const char *node, struct map4_class c, const char *want)
{
	struct naddr n = addr_of(m, node);
	struct map4_class back;
	ntk_ip_t addr;
	char buf[IP_TEXT];

	if (!map4_node(m, &n, c, &addr)) {
		same_text("-", want);
		return;
	}
	same_text(ip_print(addr, buf), want);
	CU_ASSERT_TRUE(map4_classify(m, addr, &back));
	CU_ASSERT_EQUAL(back.kind, c.kind);
	CU_ASSERT_EQUAL(back.level, c.level);
}

static void
is_gnode(const struct map4 *m, const char *node, uint8_t level, uint32_t pos, struct map4_class c,
    const char *want)
{
	struct naddr n = addr_of(m, node);
	ntk_prefix_t p;
	char buf[PREFIX_TEXT];

	if (map4_gnode(m, &n, (struct coord){ level, pos }, c, &p))
		same_text(prefix_print(p, buf), want);
	else
		same_text("-", want);
}

static void
is_own(const struct map4 *m, const char *node, unsigned level, struct map4_class c,
    const char *want)
{
	struct naddr n = addr_of(m, node);
	ntk_prefix_t p;
	char buf[PREFIX_TEXT];

	if (map4_own_gnode(m, &n, level, c, &p))
		same_text(prefix_print(p, buf), want);
	else
		same_text("-", want);
}

static void
is_all(const struct map4 *m, struct map4_class c, const char *want)
{
	ntk_prefix_t p;
	char buf[PREFIX_TEXT];

	if (map4_all(m, c, &p))
		same_text(prefix_print(p, buf), want);
	else
		same_text("-", want);
}

/* spec/kernel-state 2, first topology; spec/daemon 23.1 */
static void
test_large(void)
{
	struct map4 m = map_of("4.16.256.256", "10.0.0.0/8");
	char buf[IP_TEXT];

	is_node(&m, "3.10.123.45", GLOBAL, "10.58.123.45");
	is_node(&m, "3.10.123.45", ANONYMIZING, "10.186.123.45");
	is_node(&m, "3.10.123.45", INTERNAL(3), "10.122.123.45");
	is_node(&m, "3.10.123.45", INTERNAL(2), "10.96.123.45");
	is_node(&m, "3.10.123.45", INTERNAL(1), "10.80.0.45");
	CU_ASSERT_STRING_EQUAL(ip_print(map4_localhost(&m), buf), "10.64.0.0");
	is_node(&m, "3.10.67.89", GLOBAL, "10.58.67.89");
	is_node(&m, "3.10.67.89", INTERNAL(2), "10.96.67.89");
	is_node(&m, "2.10.237.242", GLOBAL, "10.42.237.242");
	is_gnode(&m, "3.10.123.45", 3, 2, GLOBAL, "10.32.0.0/12");
	is_gnode(&m, "3.10.123.45", 3, 2, INTERNAL(3), "-");
	is_gnode(&m, "3.10.123.45", 3, 2, ANONYMIZING, "10.160.0.0/12");
	is_gnode(&m, "3.10.123.45", 2, 5, GLOBAL, "10.53.0.0/16");
	is_gnode(&m, "3.10.123.45", 2, 5, INTERNAL(3), "10.117.0.0/16");
	is_gnode(&m, "3.10.123.45", 2, 5, INTERNAL(2), "-");
	is_gnode(&m, "3.10.123.45", 2, 5, ANONYMIZING, "10.181.0.0/16");
	is_gnode(&m, "3.10.123.45", 2, 1, GLOBAL, "10.49.0.0/16");
	is_gnode(&m, "3.10.123.45", 1, 67, GLOBAL, "10.58.67.0/24");
	is_gnode(&m, "3.10.123.45", 1, 67, INTERNAL(2), "10.96.67.0/24");
	is_gnode(&m, "3.10.123.45", 1, 67, INTERNAL(3), "10.122.67.0/24");
	is_gnode(&m, "3.10.123.45", 1, 67, ANONYMIZING, "10.186.67.0/24");
	is_gnode(&m, "3.10.123.45", 0, 7, GLOBAL, "10.58.123.7/32");
	is_gnode(&m, "3.10.123.45", 0, 7, INTERNAL(1), "10.80.0.7/32");
	is_gnode(&m, "3.10.123.45", 0, 7, INTERNAL(2), "10.96.123.7/32");
	is_gnode(&m, "3.10.123.45", 0, 7, INTERNAL(3), "10.122.123.7/32");
	is_gnode(&m, "3.10.123.45", 0, 7, ANONYMIZING, "10.186.123.7/32");
	is_all(&m, ANONYMIZING, "10.128.0.0/10");
	is_all(&m, GLOBAL, "10.0.0.0/10");
	is_own(&m, "3.10.67.89", 1, GLOBAL, "10.58.67.0/24");
	is_own(&m, "2.0.0.0", 3, GLOBAL, "10.32.0.0/12");
}

/* spec/kernel-state 2, second topology, and 4; spec/daemon 23.2, 23.3 */
static void
test_small(void)
{
	struct map4 m = map_of("4.2.2.2", "10.0.0.0/8");
	char buf[IP_TEXT];

	is_all(&m, GLOBAL, "10.0.0.0/27");
	is_all(&m, ANONYMIZING, "10.0.0.64/27");
	is_all(&m, INTERNAL(3), "10.0.0.56/29");
	is_all(&m, INTERNAL(2), "10.0.0.48/30");
	is_all(&m, INTERNAL(1), "10.0.0.40/31");
	is_all(&m, INTERNAL(0), "10.0.0.32/32");
	is_all(&m, INTERNAL(4), "-");
	is_all(&m, (struct map4_class){ MAP4_RESERVED, 0 }, "-");
	CU_ASSERT_STRING_EQUAL(ip_print(map4_localhost(&m), buf), "10.0.0.32");
	is_node(&m, "2.0.1.0", GLOBAL, "10.0.0.18");
	is_node(&m, "2.0.1.0", ANONYMIZING, "10.0.0.82");
	is_node(&m, "2.0.1.0", INTERNAL(1), "10.0.0.40");
	is_node(&m, "2.0.1.0", INTERNAL(2), "10.0.0.50");
	is_node(&m, "2.0.1.0", INTERNAL(3), "10.0.0.58");
	is_node(&m, "2.0.1.0", INTERNAL(0), "-");
	is_node(&m, "2.0.1.0", INTERNAL(4), "-");
	is_node(&m, "2.0.1.0", (struct map4_class){ MAP4_RESERVED, 0 }, "-");
	is_gnode(&m, "2.0.1.0", 3, 0, GLOBAL, "10.0.0.0/29");
	is_gnode(&m, "2.0.1.0", 3, 1, GLOBAL, "10.0.0.8/29");
	is_gnode(&m, "2.0.1.0", 3, 3, GLOBAL, "10.0.0.24/29");
	is_gnode(&m, "2.0.1.0", 2, 1, GLOBAL, "10.0.0.20/30");
	is_gnode(&m, "2.0.1.0", 2, 1, INTERNAL(3), "10.0.0.60/30");
	is_gnode(&m, "2.0.1.0", 1, 0, GLOBAL, "10.0.0.16/31");
	is_gnode(&m, "2.0.1.0", 1, 0, INTERNAL(2), "10.0.0.48/31");
	is_gnode(&m, "2.0.1.0", 1, 0, INTERNAL(3), "10.0.0.56/31");
	is_gnode(&m, "2.0.1.0", 0, 1, GLOBAL, "10.0.0.19/32");
	is_gnode(&m, "2.0.1.0", 0, 1, INTERNAL(1), "10.0.0.41/32");
	is_gnode(&m, "2.0.1.0", 0, 1, INTERNAL(2), "10.0.0.51/32");
	is_gnode(&m, "2.0.1.0", 0, 1, INTERNAL(3), "10.0.0.59/32");
}

/* spec/kernel-state 4, private subnet; spec/daemon 23.3 */
static void
test_subnet(void)
{
	struct map4 m = map_of("4.2.2.2", "10.0.0.0/8");

	is_own(&m, "2.1.1.0", 1, INTERNAL(1), "10.0.0.40/31");
	is_own(&m, "2.1.1.0", 1, INTERNAL(2), "10.0.0.50/31");
	is_own(&m, "2.1.1.0", 1, INTERNAL(3), "10.0.0.62/31");
	is_own(&m, "2.1.1.0", 1, GLOBAL, "10.0.0.22/31");
	is_own(&m, "2.1.1.0", 1, ANONYMIZING, "10.0.0.86/31");
	is_own(&m, "1.1.0.0", 2, INTERNAL(2), "10.0.0.48/30");
	is_own(&m, "1.1.0.0", 2, INTERNAL(3), "10.0.0.60/30");
	is_own(&m, "1.1.0.0", 3, INTERNAL(3), "10.0.0.56/29");
	is_own(&m, "1.1.0.0", 2, GLOBAL, "10.0.0.12/30");
	is_own(&m, "1.1.0.0", 4, GLOBAL, "10.0.0.0/27");
	is_own(&m, "1.1.0.0", 2, ANONYMIZING, "10.0.0.76/30");
	is_own(&m, "1.1.0.0", 4, ANONYMIZING, "10.0.0.64/27");
	is_own(&m, "2.0.1.0", 1, INTERNAL(1), "10.0.0.40/31");
	is_own(&m, "2.0.1.0", 1, INTERNAL(2), "10.0.0.50/31");
	is_own(&m, "2.0.1.0", 1, INTERNAL(3), "10.0.0.58/31");
	is_own(&m, "2.0.1.0", 2, INTERNAL(2), "10.0.0.48/30");
	is_own(&m, "2.0.1.0", 1, GLOBAL, "10.0.0.18/31");
	is_own(&m, "2.0.1.0", 1, ANONYMIZING, "10.0.0.82/31");
	is_own(&m, "2.0.1.0", 3, INTERNAL(2), "-");
	is_own(&m, "2.0.1.0", 0, INTERNAL(0), "-");
	is_own(&m, "2.0.1.0", 5, GLOBAL, "-");
}

static void
test_virtual(void)
{
	struct map4 m = map_of("4.2.2.2", "10.0.0.0/8");

	is_node(&m, "2.1.1.3", GLOBAL, "-");
	is_node(&m, "2.1.1.3", INTERNAL(1), "-");
	is_own(&m, "2.1.1.3", 1, GLOBAL, "10.0.0.22/31");
	is_gnode(&m, "2.1.1.3", 0, 0, GLOBAL, "10.0.0.22/32");
	is_gnode(&m, "2.1.1.3", 0, 1, INTERNAL(2), "10.0.0.51/32");
	is_gnode(&m, "2.1.1.3", 0, 2, GLOBAL, "-");
	is_node(&m, "2.1.3.0", INTERNAL(1), "10.0.0.40");
	is_node(&m, "2.1.3.0", INTERNAL(2), "-");
	is_gnode(&m, "2.1.3.0", 1, 0, INTERNAL(3), "10.0.0.60/31");
	is_gnode(&m, "2.1.3.0", 0, 0, INTERNAL(2), "-");
	is_gnode(&m, "5.1.1.0", 2, 0, GLOBAL, "-");
	is_gnode(&m, "5.1.1.0", 2, 0, INTERNAL(3), "10.0.0.56/30");
	is_gnode(&m, "2.1.1.0", 4, 0, GLOBAL, "-");
}

/* The base and the number of host bits come from the range. */
static void
test_ranges(void)
{
	struct map4 m = map_of("4.2.2.2", "192.168.7.128/25"), loose;
	struct map4_class c;

	is_node(&m, "2.0.1.0", GLOBAL, "192.168.7.146");
	is_node(&m, "2.0.1.0", ANONYMIZING, "192.168.7.210");
	CU_ASSERT_FALSE(map4_classify(&m, 0xc0a80700 + 127, &c));
	CU_ASSERT_TRUE(map4_classify(&m, 0xc0a80700 + 128, &c));
	CU_ASSERT_FALSE(map4_classify(&m, 0xc0a80800, &c));
	/* k must fit into its field: gsize(5) == 2 leaves k == 1. */
	loose = map_of("2.2.2.2.2.2", "10.0.0.0/8");
	is_node(&loose, "1.1.1.1.1.1", INTERNAL(1), "10.0.0.97");
	is_node(&loose, "1.1.1.1.1.1", INTERNAL(2), "-");
	is_all(&loose, INTERNAL(2), "-");
	/* One level: global and anonymizing only, and the synonym of localhost. */
	loose = map_of("2", "10.0.0.0/29");
	is_node(&loose, "1", GLOBAL, "10.0.0.1");
	is_node(&loose, "1", ANONYMIZING, "10.0.0.5");
	is_node(&loose, "1", INTERNAL(1), "-");
	CU_ASSERT_EQUAL(map4_localhost(&loose), 0x0a000002);
	CU_ASSERT_FALSE(map4_classify(&loose, 0x0a000003, &c));
}

/*
 * Every address of a small range: what is classified is exactly what nodes can
 * have, each by as many nodes as the positions that it leaves out allow.
 */
static void
test_exhaustive(void)
{
	struct map4 m = map_of("4.2.2.2", "10.1.0.0/24");
	unsigned nodes[256][MAP4_RESERVED][4] = { 0 };
	unsigned known = 0;

	for (uint32_t v = 0; v < 32; v++) {
		struct naddr n = { { v & 1, v >> 1 & 1, v >> 2 & 1, v >> 3 } };
		ntk_ip_t a;

		for (enum map4_kind kind = MAP4_GLOBAL; kind < MAP4_RESERVED; kind++)
			for (uint8_t k = 0; k < 4; k++)
				if ((kind == MAP4_INTERNAL || k == 0) &&
				    map4_node(&m, &n, (struct map4_class){ kind, k }, &a))
					nodes[a & 255][kind][k]++;
	}
	for (unsigned low = 0; low < 256; low++) {
		struct map4_class c;
		unsigned total = 0;

		for (unsigned i = 0; i < MAP4_RESERVED * 4; i++)
			total += nodes[low][i / 4][i % 4];
		if (!map4_classify(&m, 0x0a010000 + low, &c)) {
			CU_ASSERT_EQUAL(total, 0);
			continue;
		}
		known++;
		if (0x0a010000 + low == map4_localhost(&m))
			continue;
		CU_ASSERT_EQUAL(nodes[low][c.kind][c.level], total);
		CU_ASSERT_EQUAL(total, c.kind == MAP4_INTERNAL ? 32U >> c.level : 1U);
	}
	CU_ASSERT_EQUAL(known, 32 + 32 + 8 + 4 + 2 + 1);
}

/* A topology that some range can hold; its range. */
static void
random_map(struct rng *r, struct map4 *m)
{
	char why[200];
	uint8_t host_bits;

	do {
		memset(m, 0, sizeof(*m));
		m->topo.levels = (uint8_t)(1 + rng_below(r, TOPO_LEVELS));
		for (unsigned i = 0; i < m->topo.levels; i++)
			m->topo.gexp[i] = (uint8_t)(1 + rng_below(r, rng_below(r, 4) == 0 ? 8 : 2));
		host_bits = (uint8_t)(3 + rng_below(r, 29));
	} while (!topo_check(&m->topo, host_bits, rng_below(r, 2) == 0, why, sizeof(why)));
	m->range.len = (uint8_t)(NTK_IP_BITS - host_bits);
	m->range.addr = (ntk_ip_t)rng_u64(r) & prefix_mask(m->range.len);
}

/* All that can be said of one class of one node and one g-node. */
static void
check_class(const struct map4 *m, const struct naddr *n, struct coord dst, struct map4_class c,
    unsigned *seen)
{
	struct naddr other = *n;
	struct map4_class back;
	ntk_prefix_t all, own, p;
	ntk_ip_t addr, inside;

	if (!map4_node(m, n, c, &addr))
		return;
	(*seen)++;
	CU_ASSERT_TRUE(prefix_has_ip(m->range, addr));
	CU_ASSERT_TRUE(map4_classify(m, addr, &back));
	CU_ASSERT_TRUE(back.kind == c.kind && back.level == c.level);
	CU_ASSERT_TRUE(map4_all(m, c, &all) && prefix_has_ip(all, addr));
	if (!map4_gnode(m, n, dst, c, &p))
		return;
	other.pos[dst.level] = dst.pos;
	CU_ASSERT_TRUE(prefix_is_aligned(p) && prefix_has(all, p));
	CU_ASSERT_TRUE(map4_node(m, &other, c, &inside) && prefix_has_ip(p, inside));
	CU_ASSERT_EQUAL(prefix_has_ip(p, addr), dst.pos == n->pos[dst.level]);
	CU_ASSERT_TRUE(map4_own_gnode(m, &other, dst.level, c, &own));
	CU_ASSERT_EQUAL(prefix_cmp(own, p), 0);
}

static void
test_property(void)
{
	struct rng r;
	unsigned seen = 0;

	rng_init(&r, 20);
	for (unsigned round = 0; round < 20000; round++) {
		struct map4 m;
		struct naddr n = { 0 };
		struct coord dst;

		random_map(&r, &m);
		for (unsigned i = 0; i < m.topo.levels; i++)
			n.pos[i] = rng_below(&r, topo_gsize(&m.topo, i));
		dst.level = (uint8_t)rng_below(&r, m.topo.levels);
		dst.pos = rng_below(&r, topo_gsize(&m.topo, dst.level));
		check_class(&m, &n, dst, GLOBAL, &seen);
		check_class(&m, &n, dst, ANONYMIZING, &seen);
		for (uint8_t k = 0; k < m.topo.levels; k++)
			check_class(&m, &n, dst, INTERNAL(k), &seen);
	}
	CU_ASSERT_TRUE(seen > 40000);
}

static void
test_names(void)
{
	CU_ASSERT_STRING_EQUAL(map4_kind_name(MAP4_GLOBAL), "global");
	CU_ASSERT_STRING_EQUAL(map4_kind_name(MAP4_INTERNAL), "internal");
	CU_ASSERT_STRING_EQUAL(map4_kind_name(MAP4_ANONYMIZING), "anonymizing");
	CU_ASSERT_STRING_EQUAL(map4_kind_name(MAP4_RESERVED), "reserved");
	CU_ASSERT_STRING_EQUAL(map4_kind_name((enum map4_kind)4), "?");
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "worked values, 4.16.256.256", test_large },
		{ "worked values, 4.2.2.2", test_small },
		{ "worked values of private subnets", test_subnet },
		{ "virtual positions", test_virtual },
		{ "other ranges and topologies", test_ranges },
		{ "every address of a small range", test_exhaustive },
		{ "addresses of random topologies are classified back", test_property },
		{ "names of kinds", test_names },
	};

	return TAP_RUN(tests);
}
