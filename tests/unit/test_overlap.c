/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/overlap.h"

#include <string.h>

#include "tests/unit/tap.h"

enum { ETH1 = 3, ETH2 = 4, DOCKER = 7, OURS = 15, STATIC = 4, KERNEL = 2, MAIN = 254 };

static ntk_prefix_t
prefix(const char *text)
{
	ntk_prefix_t p = { 0, 0 };

	if (!prefix_parse(text, &p))
		CU_FAIL_FATAL("a prefix of the test is wrong");
	return p;
}

static ntk_ip_t
ip(const char *text)
{
	ntk_ip_t a = 0;

	if (!ip_parse(text, &a))
		CU_FAIL_FATAL("an address of the test is wrong");
	return a;
}

static struct overlap_rules
rules(const char *range)
{
	return (struct overlap_rules){ .range = prefix(range), .protocol = OURS,
		.localhost = ip("10.0.0.32"), .managed = { ETH1, ETH2 }, .n_managed = 2 };
}

static const struct {
	const char *name;
	const char *range;
	const char *local;
	const char *net;
	uint32_t dev;
	uint8_t protocol;
	bool hit;
} addrs[] = {
	{ "inside, unmanaged", "10.0.0.0/8", "10.1.2.3", "10.1.2.0/24", DOCKER, 0, true },
	{ "inside, managed", "10.0.0.0/8", "10.1.2.3", "10.1.2.0/24", ETH1, 0, false },
	{ "inside, second managed", "10.0.0.0/8", "10.1.2.3", "10.1.2.0/24", ETH2, 0, false },
	{ "inside, left by us", "10.0.0.0/8", "10.0.0.33", "10.0.0.33/32", 1, OURS, false },
	{ "inside, of another program", "10.0.0.0/8", "10.0.0.33", "10.0.0.33/32", 1, 9, true },
	{ "synonym on lo without label", "10.0.0.0/8", "10.0.0.32", "10.0.0.32/32", 1, 0, false },
	{ "synonym elsewhere", "10.0.0.0/8", "10.0.0.32", "10.0.0.32/32", DOCKER, 0, true },
	{ "network around the synonym on lo", "10.0.0.0/8", "10.0.0.32", "10.0.0.32/27", 1, 0, true },
	{ "outside", "10.0.0.0/8", "192.168.1.1", "192.168.1.0/24", DOCKER, 0, false },
	{ "first address", "10.0.0.0/8", "10.0.0.0", "10.0.0.0/32", DOCKER, 0, true },
	{ "last address", "10.0.0.0/8", "10.255.255.255", "10.255.255.255/32", DOCKER, 0, true },
	{ "one before", "10.0.0.0/8", "9.255.255.255", "9.255.255.255/32", DOCKER, 0, false },
	{ "one behind", "10.0.0.0/8", "11.0.0.0", "11.0.0.0/32", DOCKER, 0, false },
	{ "address outside, network around", "10.3.0.0/16", "10.1.2.3", "10.0.0.0/8", DOCKER, 0, true },
	{ "peer inside", "10.0.0.0/8", "192.168.1.1", "10.9.9.9/32", DOCKER, 0, true },
	{ "local inside, peer outside", "10.0.0.0/8", "10.9.9.9", "192.168.1.1/32", DOCKER, 0, true },
	{ "loopback's usual one", "10.0.0.0/8", "127.0.0.1", "127.0.0.0/8", 1, 0, false },
};

static void
test_addrs(void)
{
	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		struct overlap_rules r = rules(addrs[i].range);
		struct overlap_addr a = { ip(addrs[i].local), prefix(addrs[i].net), addrs[i].dev,
			addrs[i].protocol };

		if (overlap_addr(&r, &a) != addrs[i].hit) {
			tap_note("%s", addrs[i].name);
			CU_FAIL("wrong verdict on an address");
		}
	}
}

static const struct {
	const char *name;
	const char *range;
	const char *dst;
	uint8_t protocol;
	uint32_t devs[OVERLAP_DEVS];
	size_t n_devs;
	bool hit;
} routes[] = {
	{ "inside", "10.0.0.0/8", "10.1.0.0/16", STATIC, { DOCKER }, 1, true },
	{ "the range itself", "10.0.0.0/8", "10.0.0.0/8", STATIC, { DOCKER }, 1, true },
	{ "wider", "10.3.0.0/16", "10.0.0.0/8", STATIC, { DOCKER }, 1, true },
	{ "outside", "10.0.0.0/8", "172.16.0.0/12", STATIC, { DOCKER }, 1, false },
	{ "default", "10.0.0.0/8", "0.0.0.0/0", STATIC, { DOCKER }, 1, false },
	{ "half of everything", "10.0.0.0/8", "0.0.0.0/1", STATIC, { DOCKER }, 1, false },
	{ "quarter of everything", "10.0.0.0/8", "0.0.0.0/2", STATIC, { DOCKER }, 1, true },
	{ "over a managed interface", "10.0.0.0/8", "10.1.0.0/16", STATIC, { ETH1 }, 1, false },
	{ "over both managed", "10.0.0.0/8", "10.1.0.0/16", STATIC, { ETH1, ETH2 }, 2, false },
	{ "over one managed of two", "10.0.0.0/8", "10.1.0.0/16", STATIC, { ETH1, DOCKER }, 2, true },
	{ "over more than are remembered", "10.0.0.0/8", "10.1.0.0/16", STATIC,
	    { ETH1, ETH1, ETH1, ETH1, ETH1, ETH1, ETH1, ETH1 }, OVERLAP_DEVS, true },
	{ "blackhole", "10.0.0.0/8", "10.0.0.0/8", STATIC, { 0 }, 0, true },
	{ "derived from an address", "10.0.0.0/8", "10.1.0.0/16", KERNEL, { DOCKER }, 1, false },
	{ "left by us", "10.0.0.0/8", "10.1.0.0/16", OURS, { DOCKER }, 1, false },
	{ "one host", "10.0.0.0/8", "10.255.255.255/32", STATIC, { DOCKER }, 1, true },
	{ "one host behind", "10.0.0.0/8", "11.0.0.0/32", STATIC, { DOCKER }, 1, false },
};

static void
test_routes(void)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct overlap_rules r = rules(routes[i].range);
		struct overlap_route route = { .dst = prefix(routes[i].dst), .table = MAIN,
			.protocol = routes[i].protocol, .n_devs = routes[i].n_devs };

		memcpy(route.devs, routes[i].devs, sizeof(route.devs));
		if (overlap_route(&r, &route) != routes[i].hit) {
			tap_note("%s", routes[i].name);
			CU_FAIL("wrong verdict on a route");
		}
	}
}

/* The private subnet 10.0.0.40/31 is the host's to route, and nothing around it. */
static void
test_subnet(void)
{
	static const struct {
		const char *local;
		const char *net;
		bool hit;
	} cases[] = {
		{ "10.0.0.40", "10.0.0.40/31", false },
		{ "10.0.0.41", "10.0.0.41/32", false },
		{ "10.0.0.41", "10.0.0.40/30", true },
		{ "10.0.0.42", "10.0.0.42/31", true },
		{ "10.0.0.39", "10.0.0.39/32", true },
		{ "192.168.1.1", "10.0.0.41/32", false },
		{ "10.0.0.40", "192.168.1.1/32", false },
		{ "10.0.0.40", "10.0.0.42/32", true },
	};
	struct overlap_rules r = rules("10.0.0.0/8");

	r.subnet = prefix("10.0.0.40/31");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlap_addr a = { ip(cases[i].local), prefix(cases[i].net), DOCKER, 0 };
		struct overlap_route route = { .dst = a.net, .table = MAIN, .protocol = STATIC,
			.devs = { DOCKER }, .n_devs = 1 };
		bool inside = prefix_overlaps(r.range, route.dst);

		r.has_subnet = true;
		CU_ASSERT_EQUAL(overlap_addr(&r, &a), cases[i].hit);
		CU_ASSERT_EQUAL(overlap_route(&r, &route), inside && !prefix_has(r.subnet, a.net));
		r.has_subnet = false;
		CU_ASSERT_TRUE(overlap_addr(&r, &a));
		CU_ASSERT_EQUAL(overlap_route(&r, &route), inside);
	}
}

static void
test_print(void)
{
	struct overlap_addr near = { ip("10.1.2.3"), prefix("10.1.2.0/24"), DOCKER, 0 };
	struct overlap_addr far = { ip("10.1.2.3"), prefix("192.168.1.1/32"), DOCKER, 0 };
	struct overlap_route route = { .dst = prefix("10.1.0.0/16"), .table = 100 };
	char text[OVERLAP_TEXT];

	CU_ASSERT_STRING_EQUAL(overlap_addr_print(&near, text), "address 10.1.2.3/24");
	CU_ASSERT_STRING_EQUAL(overlap_addr_print(&far, text),
	    "address 10.1.2.3 peer 192.168.1.1/32");
	CU_ASSERT_STRING_EQUAL(overlap_route_print(&route, text), "route 10.1.0.0/16 in table 100");
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "finds addresses in the range", test_addrs },
		{ "finds routes into the range", test_routes },
		{ "leaves the private subnet to the host", test_subnet },
		{ "names what it found", test_print },
	};

	return TAP_RUN(tests);
}
