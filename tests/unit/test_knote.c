/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/knote.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netconf.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/rng.h"
#include "ntkd/io/kmon.h"
#include "tests/unit/tap.h"

enum {
	HELPER = 4711 + 200 * (KNOTE_PORT + 1),		/* a port as libnl makes them */
	SOMEBODY = 815,
	ETH1 = 7,		/* managed */
	ETH2 = 8,		/* not */
	IN_OURS = 3,		/* a namespace of ours */
	LOWER_UP = 0x10000,
};

static const struct knote_rules rules = {
	.helper = 4711,
	.protocol = 15,
	.tables = { 251, 200 },
	.more_tables = { 10000, 11023 },
	.rule_priority = 1000,
	.devs = { 3, ETH1 },
	.n_devs = 2,
};

static struct knote_links links;

/* A datagram in the making. */
static _Alignas(struct nlmsghdr) uint8_t buf[8192];
static size_t len;
static struct nlmsghdr *last;

static void
begin(void)
{
	memset(buf, 0, sizeof(buf));
	len = 0;
}

/* A message more, of TYPE from PORT. */
static void
message(int type, uint32_t port, const void *head, size_t head_len)
{
	last = (struct nlmsghdr *)(void *)(buf + len);
	last->nlmsg_type = (uint16_t)type;
	last->nlmsg_pid = port;
	last->nlmsg_len = (uint32_t)NLMSG_LENGTH(head_len);
	memcpy(NLMSG_DATA(last), head, head_len);
	len += NLMSG_ALIGN(last->nlmsg_len);
}

static void
attr(int type, const void *value, size_t value_len)
{
	struct rtattr *a = (struct rtattr *)(void *)(buf + len);

	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(value_len);
	memcpy(RTA_DATA(a), value, value_len);
	len += RTA_ALIGN(a->rta_len);
	last->nlmsg_len = (uint32_t)(buf + len - (uint8_t *)last);
}

static void
attr_u32(int type, uint32_t value)
{
	attr(type, &value, sizeof(value));
}

static enum knote_what
reads(int protocol, int32_t nsid)
{
	return knote_read(&rules, &links, protocol, nsid, buf, len).what;
}

static void
route(int type, uint32_t port, uint32_t table, uint8_t protocol, const char *dst, uint8_t dst_len)
{
	struct rtmsg m = { .rtm_family = AF_INET, .rtm_dst_len = dst_len, .rtm_protocol = protocol,
		.rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_COMPAT };
	struct in_addr ip;

	begin();
	message(type, port, &m, sizeof(m));
	attr_u32(RTA_TABLE, table);
	inet_aton(dst, &ip);
	attr(RTA_DST, &ip, sizeof(ip));
}

static const struct {
	int type;
	uint32_t port;
	uint32_t table;
	uint8_t protocol;
	const char *dst;
	uint8_t len;
	enum knote_what want;
} routes[] = {
	{ RTM_DELROUTE, SOMEBODY, 251, 15, "10.0.0.8", 29, KNOTE_TOUCHED },
	{ RTM_DELROUTE, 0, 250, 15, "10.0.0.8", 29, KNOTE_TOUCHED },
	{ RTM_NEWROUTE, SOMEBODY, 200, RTPROT_STATIC, "10.0.0.8", 29, KNOTE_TOUCHED },
	{ RTM_NEWROUTE, SOMEBODY, 10000, RTPROT_STATIC, "10.0.0.8", 29, KNOTE_TOUCHED },
	{ RTM_DELROUTE, SOMEBODY, 11023, 15, "10.0.0.8", 29, KNOTE_TOUCHED },
	{ RTM_DELROUTE, HELPER, 251, 15, "10.0.0.8", 29, KNOTE_NOTHING },
	{ RTM_DELROUTE, 4711, 251, 15, "10.0.0.8", 29, KNOTE_NOTHING },
	{ RTM_DELROUTE, HELPER + 1, 251, 15, "10.0.0.8", 29, KNOTE_TOUCHED },
	{ RTM_NEWROUTE, SOMEBODY, 199, RTPROT_BGP, "192.0.2.0", 24, KNOTE_NOTHING },
	{ RTM_NEWROUTE, SOMEBODY, 9999, RTPROT_BGP, "192.0.2.0", 24, KNOTE_NOTHING },
	{ RTM_NEWROUTE, SOMEBODY, 11024, RTPROT_BGP, "192.0.2.0", 24, KNOTE_NOTHING },
	{ RTM_NEWROUTE, SOMEBODY, RT_TABLE_MAIN, RTPROT_BGP, "192.0.2.0", 24, KNOTE_NOTHING },
	{ RTM_DELROUTE, SOMEBODY, RT_TABLE_MAIN, RTPROT_BGP, "192.0.2.1", 32, KNOTE_NOTHING },
	{ RTM_NEWROUTE, 0, RT_TABLE_LOCAL, RTPROT_KERNEL, "10.0.0.8", 32, KNOTE_NOTHING },
	{ RTM_DELROUTE, SOMEBODY, RT_TABLE_MAIN, 15, "169.254.1.1", 32, KNOTE_TOUCHED },
	{ RTM_NEWROUTE, SOMEBODY, RT_TABLE_MAIN, RTPROT_STATIC, "169.254.1.1", 32, KNOTE_TOUCHED },
	{ RTM_NEWROUTE, SOMEBODY, RT_TABLE_MAIN, RTPROT_STATIC, "169.254.0.0", 16, KNOTE_NOTHING },
	{ RTM_NEWROUTE, HELPER, RT_TABLE_MAIN, 15, "169.254.1.1", 32, KNOTE_NOTHING },
};

static void
test_routes(void)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		route(routes[i].type, routes[i].port, routes[i].table, routes[i].protocol,
		    routes[i].dst, routes[i].len);
		CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), routes[i].want);
		CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, IN_OURS), routes[i].want);
		CU_ASSERT_EQUAL(reads(NETLINK_NETFILTER, KNOTE_HERE), KNOTE_NOTHING);
	}
	route(RTM_DELROUTE, SOMEBODY, 251, 15, "10.0.0.8", 29);
	((struct rtmsg *)NLMSG_DATA(last))->rtm_family = AF_INET6;
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
}

/* The kernel's filter, here on another kind of socket, and the reader never contradict each other. */
static void
test_filter(void)
{
	int fds[2];
	uint8_t got[sizeof(buf)];
	size_t dropped = 0;

	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
	CU_ASSERT_TRUE_FATAL(kmon_filter(fds[1], &rules));
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		bool passed;

		route(routes[i].type, routes[i].port, routes[i].table, routes[i].protocol,
		    routes[i].dst, routes[i].len);
		CU_ASSERT_EQUAL_FATAL(send(fds[0], buf, len, 0), (ssize_t)len);
		passed = recv(fds[1], got, sizeof(got), MSG_DONTWAIT) == (ssize_t)len;
		CU_ASSERT_TRUE(passed || routes[i].want == KNOTE_NOTHING);
		dropped += !passed;
	}
	/* Of ten, three are left to the reader: two large tables, and one address in table main. */
	CU_ASSERT_EQUAL(dropped, 10 - 3);

	begin();
	message(RTM_NEWLINK, HELPER, &(struct ifinfomsg){ .ifi_index = ETH1 },
	    sizeof(struct ifinfomsg));
	CU_ASSERT_EQUAL_FATAL(send(fds[0], buf, len, 0), (ssize_t)len);
	CU_ASSERT_EQUAL(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), (ssize_t)len);
	close(fds[0]);
	close(fds[1]);
}

static void
rule(uint32_t port, uint32_t priority, uint32_t table)
{
	struct fib_rule_hdr m = { .family = AF_INET,
		.table = table < 256 ? (uint8_t)table : RT_TABLE_COMPAT };

	begin();
	message(RTM_DELRULE, port, &m, sizeof(m));
	if (priority != 0)
		attr_u32(FRA_PRIORITY, priority);
	attr_u32(FRA_TABLE, table);
}

static void
test_rules(void)
{
	rule(SOMEBODY, 1000, 250);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_TOUCHED);
	rule(SOMEBODY, 1001, RT_TABLE_MAIN);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_TOUCHED);
	rule(SOMEBODY, 5, 10001);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_TOUCHED);
	rule(SOMEBODY, 999, RT_TABLE_MAIN);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, IN_OURS), KNOTE_TOUCHED);
	rule(SOMEBODY, 1002, 100);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
	rule(SOMEBODY, 0, RT_TABLE_LOCAL);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
	rule(HELPER, 1000, 250);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
}

static void
test_addresses(void)
{
	static const struct {
		uint32_t dev;
		uint8_t family;
		uint32_t port;
		enum knote_what here;
		enum knote_what in_ours;
	} rows[] = {
		{ ETH1, AF_INET, SOMEBODY, KNOTE_TOUCHED, KNOTE_TOUCHED },
		{ 1, AF_INET, SOMEBODY, KNOTE_TOUCHED, KNOTE_TOUCHED },
		{ ETH2, AF_INET, SOMEBODY, KNOTE_NOTHING, KNOTE_TOUCHED },
		{ ETH1, AF_INET6, SOMEBODY, KNOTE_NOTHING, KNOTE_NOTHING },
		{ ETH1, AF_INET, HELPER, KNOTE_NOTHING, KNOTE_NOTHING },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ifaddrmsg m = { .ifa_family = rows[i].family, .ifa_index = rows[i].dev };

		begin();
		message(RTM_DELADDR, rows[i].port, &m, sizeof(m));
		CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), rows[i].here);
		CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, IN_OURS), rows[i].in_ours);
	}
}

static void
setting(int32_t dev, int what)
{
	struct netconfmsg m = { .ncm_family = AF_INET };

	begin();
	message(RTM_NEWNETCONF, 0, &m, sizeof(m));
	attr_u32(NETCONFA_IFINDEX, (uint32_t)dev);
	attr_u32(what, 0);
}

static void
test_settings(void)
{
	setting(NETCONFA_IFINDEX_ALL, NETCONFA_FORWARDING);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_TOUCHED);
	setting(ETH1, NETCONFA_RP_FILTER);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_TOUCHED);
	setting(ETH2, NETCONFA_RP_FILTER);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, IN_OURS), KNOTE_TOUCHED);
	setting(ETH1, NETCONFA_PROXY_NEIGH);
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
}

static enum knote_what
link_event(int type, uint32_t port, int32_t nsid, int dev, unsigned flags)
{
	struct ifinfomsg m = { .ifi_index = dev, .ifi_flags = flags };

	begin();
	message(type, port, &m, sizeof(m));
	return reads(NETLINK_ROUTE, nsid);
}

static void
test_links(void)
{
	const unsigned up = IFF_UP | IFF_RUNNING | LOWER_UP;

	memset(&links, 0, sizeof(links));
	/* Not known yet: it may have changed. */
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, 0, KNOTE_HERE, ETH1, up), KNOTE_LINKED);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, 0, KNOTE_HERE, ETH1, up), KNOTE_NOTHING);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, 0, KNOTE_HERE, ETH1, up | IFF_PROMISC), KNOTE_NOTHING);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, 0, KNOTE_HERE, ETH1, IFF_UP), KNOTE_LINKED);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, SOMEBODY, KNOTE_HERE, ETH1, 0), KNOTE_LINKED);
	/* The helper's own counts as known: what somebody does next is a change. */
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, HELPER, KNOTE_HERE, ETH1, up), KNOTE_NOTHING);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, SOMEBODY, KNOTE_HERE, ETH1, 0), KNOTE_LINKED);
	CU_ASSERT_EQUAL(link_event(RTM_DELLINK, SOMEBODY, KNOTE_HERE, ETH1, 0), KNOTE_LINKED);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, SOMEBODY, KNOTE_HERE, ETH1, 0), KNOTE_LINKED);
	/* Others' interfaces, and what bridges tell about theirs. */
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, 0, KNOTE_HERE, ETH2, up), KNOTE_NOTHING);
	CU_ASSERT_EQUAL(link_event(RTM_DELLINK, 0, KNOTE_HERE, ETH2, up), KNOTE_NOTHING);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, 0, KNOTE_HERE, -1, up), KNOTE_NOTHING);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, 0, IN_OURS, ETH2, up), KNOTE_LINKED);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, 0, IN_OURS, ETH2, up), KNOTE_NOTHING);
	CU_ASSERT_EQUAL(link_event(RTM_NEWLINK, 0, IN_OURS + 1, ETH2, up), KNOTE_LINKED);
	begin();
	message(RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_family = AF_BRIDGE, .ifi_index = ETH1 },
	    sizeof(struct ifinfomsg));
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
}

static void
nft(int type, uint32_t port, const char *table, size_t table_len)
{
	struct nfgenmsg m = { .nfgen_family = AF_INET };

	message(NFNL_SUBSYS_NFTABLES << 8 | type, port, &m, sizeof(m));
	if (table != NULL)
		attr(1, table, table_len);
}

static void
test_nft(void)
{
	static const int types[] = { NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN,
		NFT_MSG_DELCHAIN, NFT_MSG_NEWRULE, NFT_MSG_DELRULE, NFT_MSG_NEWSET, NFT_MSG_DELSET,
		NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		begin();
		nft(types[i], SOMEBODY, "ntkd", 5);
		CU_ASSERT_EQUAL(reads(NETLINK_NETFILTER, KNOTE_HERE), KNOTE_TOUCHED);
		CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
		begin();
		nft(types[i], SOMEBODY, "filter", 7);
		CU_ASSERT_EQUAL(reads(NETLINK_NETFILTER, KNOTE_HERE), KNOTE_NOTHING);
		begin();
		nft(types[i], HELPER, "ntkd", 5);
		CU_ASSERT_EQUAL(reads(NETLINK_NETFILTER, IN_OURS), KNOTE_NOTHING);
	}
	/* Several in one, the last of them ours; then the generation, which names no table. */
	begin();
	nft(NFT_MSG_DELTABLE, SOMEBODY, "filter", 7);
	nft(NFT_MSG_DELTABLE, SOMEBODY, "ntkd", 5);
	nft(NFT_MSG_NEWGEN, SOMEBODY, "\0\0\0\1", 4);
	CU_ASSERT_EQUAL(reads(NETLINK_NETFILTER, KNOTE_HERE), KNOTE_TOUCHED);
	begin();
	nft(NFT_MSG_NEWGEN, SOMEBODY, "ntkd", 5);
	CU_ASSERT_EQUAL(reads(NETLINK_NETFILTER, KNOTE_HERE), KNOTE_NOTHING);
	/* Not quite our name; no name; another subsystem. */
	begin();
	nft(NFT_MSG_DELTABLE, SOMEBODY, "ntkd", 4);
	nft(NFT_MSG_DELTABLE, SOMEBODY, "ntkd2", 6);
	nft(NFT_MSG_DELTABLE, SOMEBODY, NULL, 0);
	CU_ASSERT_EQUAL(reads(NETLINK_NETFILTER, KNOTE_HERE), KNOTE_NOTHING);
	last->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8;
	CU_ASSERT_EQUAL(reads(NETLINK_NETFILTER, KNOTE_HERE), KNOTE_NOTHING);
}

/* Of several the gravest counts. */
static void
test_several(void)
{
	struct ifaddrmsg a = { .ifa_family = AF_INET, .ifa_index = ETH1 };
	struct knote n;

	memset(&links, 0, sizeof(links));
	begin();
	message(RTM_NEWADDR, SOMEBODY, &a, sizeof(a));
	message(RTM_NEWLINK, 0, &(struct ifinfomsg){ .ifi_index = ETH1, .ifi_flags = IFF_UP },
	    sizeof(struct ifinfomsg));
	message(RTM_NEWADDR, SOMEBODY, &a, sizeof(a));
	n = knote_read(&rules, &links, NETLINK_ROUTE, KNOTE_HERE, buf, len);
	CU_ASSERT_EQUAL(n.what, KNOTE_LINKED);
	CU_ASSERT_STRING_EQUAL(n.why, "link");
	n = knote_read(&rules, &links, NETLINK_ROUTE, KNOTE_HERE, buf, 0);
	CU_ASSERT_EQUAL(n.what, KNOTE_NOTHING);
	CU_ASSERT_PTR_NULL(n.why);
}

/* Every length and every corruption of good messages, exactly in the memory they have. */
static void
hostile(int protocol, struct rng *r)
{
	for (size_t n = 0; n <= len; n++) {
		uint8_t *copy = malloc(n > 0 ? n : 1);

		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		memcpy(copy, buf, n);
		knote_read(&rules, &links, protocol, KNOTE_HERE, copy, n);
		for (unsigned k = 0; n > 0 && k < 50; k++) {
			size_t at = rng_below(r, (uint32_t)n);

			copy[at] = (uint8_t)rng_below(r, 256);
			knote_read(&rules, &links, protocol, IN_OURS, copy, n);
		}
		free(copy);
	}
}

static void
test_hostile(void)
{
	struct rng r;

	rng_init(&r, 3);
	route(RTM_DELROUTE, SOMEBODY, 10000, 15, "10.0.0.8", 29);
	hostile(NETLINK_ROUTE, &r);
	rule(SOMEBODY, 1000, 10000);
	hostile(NETLINK_ROUTE, &r);
	setting(ETH1, NETCONFA_FORWARDING);
	hostile(NETLINK_ROUTE, &r);
	begin();
	nft(NFT_MSG_DELTABLE, SOMEBODY, "filter", 7);
	nft(NFT_MSG_DELTABLE, SOMEBODY, "ntkd", 5);
	hostile(NETLINK_NETFILTER, &r);

	/* Cut short, a route in a large table says too little to be ours. */
	route(RTM_DELROUTE, SOMEBODY, 10000, 15, "10.0.0.8", 29);
	CU_ASSERT_EQUAL(knote_read(&rules, &links, NETLINK_ROUTE, KNOTE_HERE, buf, len - 1).what,
	    KNOTE_NOTHING);
	/* A length of none would never end. */
	((struct nlmsghdr *)(void *)buf)->nlmsg_len = 0;
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
	/* An attribute of another size is none. */
	route(RTM_DELROUTE, SOMEBODY, 10000, 15, "10.0.0.8", 29);
	((struct rtattr *)(void *)(buf + NLMSG_SPACE(sizeof(struct rtmsg))))->rta_len = 6;
	CU_ASSERT_EQUAL(reads(NETLINK_ROUTE, KNOTE_HERE), KNOTE_NOTHING);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "routes", test_routes },
		{ "what the kernel drops for us concerns nobody", test_filter },
		{ "rules", test_rules },
		{ "addresses", test_addresses },
		{ "settings", test_settings },
		{ "links", test_links },
		{ "nftables", test_nft },
		{ "several messages in one datagram", test_several },
		{ "bytes that are no message, and messages that are wrong", test_hostile },
	};

	return TAP_RUN(tests);
}
