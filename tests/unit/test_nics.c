/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/nics.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

#include "tests/unit/tap.h"

enum {
	LOWER_UP = 0x10000,
	ETHER = IFF_BROADCAST | IFF_MULTICAST,
	READY = ETHER | IFF_UP | IFF_RUNNING | LOWER_UP,
	ETH1 = 7,
	ETH2 = 8,
};

static struct nics nics;

/* What was told, in order. */
static struct {
	size_t nic;
	enum nic_news news;
	struct nic_state now;
} told[16];
static size_t n_told, looked;

static void
on_told(size_t nic, enum nic_news news, const struct nic_state *now, void *arg)
{
	CU_ASSERT_PTR_EQUAL(arg, &nics);
	CU_ASSERT_FATAL(n_told < sizeof(told) / sizeof(told[0]));
	told[n_told].nic = nic;
	told[n_told].news = news;
	told[n_told++].now = *now;
}

static void
start(void)
{
	static struct conf conf;

	conf = (struct conf){ .n_interfaces = 2 };
	strcpy(conf.interfaces[0].name, "eth1");
	strcpy(conf.interfaces[1].name, "eth2");
	nics_init(&nics, &conf, on_told, &nics);
	n_told = looked = 0;
}

static void
expect(size_t nic, enum nic_news news)
{
	CU_ASSERT_FATAL(looked < n_told);
	CU_ASSERT_EQUAL(told[looked].nic, nic);
	CU_ASSERT_EQUAL(told[looked].news, news);
	CU_ASSERT_EQUAL(news == NIC_UP, nic_is_usable(&told[looked].now));
	CU_ASSERT_EQUAL(news == NIC_GONE, !told[looked].now.present);
	looked++;
}

static void
nothing_more(void)
{
	CU_ASSERT_EQUAL(looked, n_told);
}

/* A datagram in the making. */
static _Alignas(struct nlmsghdr) uint8_t buf[4096];
static size_t len;
static struct nlmsghdr *last;

static void
message(int type, uint16_t flags, uint32_t seq, const void *head, size_t head_len)
{
	last = (struct nlmsghdr *)(void *)(buf + len);
	memset(last, 0, NLMSG_LENGTH(head_len));
	last->nlmsg_type = (uint16_t)type;
	last->nlmsg_flags = flags;
	last->nlmsg_seq = seq;
	last->nlmsg_len = (uint32_t)NLMSG_LENGTH(head_len);
	memcpy(NLMSG_DATA(last), head, head_len);
	len += NLMSG_ALIGN(last->nlmsg_len);
}

static void
attr(int type, const void *value, size_t value_len)
{
	struct rtattr *a = (struct rtattr *)(void *)(buf + len);

	memset(a, 0, RTA_SPACE(value_len));
	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(value_len);
	memcpy(RTA_DATA(a), value, value_len);
	len += RTA_ALIGN(a->rta_len);
	last->nlmsg_len = (uint32_t)(buf + len - (uint8_t *)last);
}

static void
link_put(int type, uint16_t flags, uint32_t seq, int index, const char *name, unsigned state)
{
	struct ifinfomsg info = { .ifi_index = index, .ifi_type = ARPHRD_ETHER, .ifi_flags = state };
	const uint8_t mac[6] = { 0, 0x16, 0x3e, 0, 0, (uint8_t)index };

	message(type, flags, seq, &info, sizeof(info));
	attr(IFLA_IFNAME, name, strlen(name) + 1);
	attr(IFLA_ADDRESS, mac, sizeof(mac));
}

static bool
give(void)
{
	bool ask = nics_read(&nics, buf, len);

	len = 0;
	return ask;
}

/* One notification. */
static void
link_is(int index, const char *name, unsigned state)
{
	link_put(RTM_NEWLINK, 0, 0, index, name, state);
	CU_ASSERT_FALSE(give());
}

static void
link_gone(int index, const char *name)
{
	link_put(RTM_DELLINK, 0, 0, index, name, 0);
	CU_ASSERT_FALSE(give());
}

static void
test_carrier(void)
{
	start();
	link_is(ETH1, "eth1", READY);
	expect(0, NIC_UP);
	CU_ASSERT_EQUAL(told[0].now.ifindex, ETH1);
	CU_ASSERT_EQUAL(told[0].now.mac.b[5], ETH1);
	link_is(ETH1, "eth1", READY | IFF_PROMISC);
	nothing_more();
	link_is(ETH1, "eth1", ETHER | IFF_UP);
	expect(0, NIC_DOWN);
	CU_ASSERT(told[1].now.up && !told[1].now.carrier);
	link_is(ETH1, "eth1", ETHER | IFF_UP);
	nothing_more();
	link_is(ETH1, "eth1", ETHER);
	expect(0, NIC_DOWN);
	CU_ASSERT_FALSE(told[2].now.up);
	/* A carrier, but it is not used yet (802.1X). */
	link_is(ETH1, "eth1", ETHER | IFF_UP | LOWER_UP);
	expect(0, NIC_DOWN);
	link_is(ETH1, "eth1", READY);
	expect(0, NIC_UP);
	nothing_more();
}

static void
test_gone(void)
{
	start();
	link_is(ETH1, "eth1", READY);
	link_is(ETH2, "eth2", ETHER);
	expect(0, NIC_UP);
	expect(1, NIC_DOWN);
	link_gone(ETH1, "eth1");
	expect(0, NIC_GONE);
	link_gone(ETH1, "eth1");
	nothing_more();
	/* Made again, under another number. */
	link_is(ETH1 + 10, "eth1", ETHER);
	expect(0, NIC_DOWN);
	link_is(ETH1 + 10, "eth1", READY);
	expect(0, NIC_UP);
	/* The end of the former one, told late, is none of this one. */
	link_gone(ETH1, "eth1");
	nothing_more();
	/* Of this one nothing was told: it is another one now. */
	link_is(ETH1 + 11, "eth1", READY);
	expect(0, NIC_GONE);
	expect(0, NIC_UP);
	nothing_more();
}

static void
test_renamed(void)
{
	start();
	link_is(ETH1, "eth1", READY);
	expect(0, NIC_UP);
	link_is(ETH1, "wan", READY);
	expect(0, NIC_GONE);
	link_is(ETH1, "eth2", READY);
	expect(1, NIC_UP);
	/* The two change places by way of a third name. */
	link_is(ETH2, "eth1", READY);
	expect(0, NIC_UP);
	link_is(ETH1, "tmp", READY);
	expect(1, NIC_GONE);
	link_is(ETH2, "eth2", READY);
	expect(0, NIC_GONE);
	expect(1, NIC_UP);
	link_is(ETH1, "eth1", READY);
	expect(0, NIC_UP);
	nothing_more();
}

static void
test_mac(void)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	start();
	link_is(ETH1, "eth1", READY);
	expect(0, NIC_UP);
	link_put(RTM_NEWLINK, 0, 0, ETH1, "eth1", READY);
	attr(IFLA_ADDRESS, mac, sizeof(mac));
	CU_ASSERT_FALSE(give());
	expect(0, NIC_GONE);
	expect(0, NIC_UP);
	CU_ASSERT_EQUAL(told[2].now.mac.b[0], 2);
	nothing_more();
}

/* A port of a bridge; something that is no Ethernet. */
static void
test_problem(void)
{
	const uint32_t master = 4;

	start();
	link_is(ETH1, "eth1", READY);
	expect(0, NIC_UP);
	link_put(RTM_NEWLINK, 0, 0, ETH1, "eth1", READY);
	attr(IFLA_MASTER, &master, sizeof(master));
	CU_ASSERT_FALSE(give());
	expect(0, NIC_DOWN);
	CU_ASSERT_PTR_NOT_NULL(strstr(told[1].now.problem, "bridge"));
	/* What the bridge tells of its port, with its family. */
	link_put(RTM_DELLINK, 0, 0, ETH1, "eth1", READY);
	((struct ifinfomsg *)NLMSG_DATA(last))->ifi_family = AF_BRIDGE;
	CU_ASSERT_FALSE(give());
	nothing_more();
	link_is(ETH1, "eth1", READY);
	expect(0, NIC_UP);
	CU_ASSERT_PTR_NULL(nic_problem(ARPHRD_ETHER, READY, false));
	CU_ASSERT_PTR_NOT_NULL(nic_problem(ARPHRD_ETHER, READY | IFF_LOOPBACK, false));
	CU_ASSERT_PTR_NOT_NULL(nic_problem(ARPHRD_NONE, READY, false));
	CU_ASSERT_PTR_NOT_NULL(nic_problem(ARPHRD_ETHER, READY | IFF_NOARP, false));
	CU_ASSERT_PTR_NOT_NULL(nic_problem(ARPHRD_ETHER, READY | IFF_POINTOPOINT, false));
	CU_ASSERT_PTR_NOT_NULL(nic_problem(ARPHRD_ETHER, READY & ~IFF_BROADCAST, false));
}

static uint32_t
ask(void)
{
	_Alignas(struct nlmsghdr) uint8_t out[NICS_REQUEST];
	const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)out;
	size_t n = nics_ask(&nics, out);

	CU_ASSERT_FATAL(n >= sizeof(*h));
	CU_ASSERT_EQUAL(h->nlmsg_len, n);
	CU_ASSERT_EQUAL(h->nlmsg_type, RTM_GETLINK);
	CU_ASSERT_EQUAL(h->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	return h->nlmsg_seq;
}

static bool
done(uint16_t flags, uint32_t seq)
{
	const int zero = 0;

	message(NLMSG_DONE, (uint16_t)(NLM_F_MULTI | flags), seq, &zero, sizeof(zero));
	return give();
}

static void
test_asked(void)
{
	_Alignas(struct nlmsghdr) uint8_t out[NICS_REQUEST];
	uint32_t seq;

	start();
	link_is(ETH1, "eth1", READY);
	link_is(ETH2, "eth2", READY);
	looked = n_told;
	/* What is not named is gone, at the end of the answer. */
	seq = ask();
	link_put(RTM_NEWLINK, NLM_F_MULTI, seq, 1, "lo", READY);
	link_put(RTM_NEWLINK, NLM_F_MULTI, seq, ETH2, "eth2", ETHER);
	CU_ASSERT_FALSE(give());
	expect(1, NIC_DOWN);
	nothing_more();
	CU_ASSERT_FALSE(done(0, seq + 1));
	nothing_more();
	CU_ASSERT_FALSE(done(0, seq));
	expect(0, NIC_GONE);
	nothing_more();
	CU_ASSERT_FALSE(done(0, seq));

	/* An answer that was interrupted says of nothing that it is gone, and is asked for again. */
	CU_ASSERT_NOT_EQUAL(ask(), seq);
	CU_ASSERT_TRUE(done(NLM_F_DUMP_INTR, seq + 1));
	nothing_more();
	/* So is one after whose question another one was to be asked. */
	seq = ask();
	CU_ASSERT_EQUAL(nics_ask(&nics, out), 0);
	CU_ASSERT_TRUE(done(0, seq));
	nothing_more();
	seq = ask();
	/* One that came in between counts as named. */
	link_is(ETH1, "eth1", READY);
	expect(0, NIC_UP);
	CU_ASSERT_FALSE(done(0, seq));
	expect(1, NIC_GONE);
	nothing_more();
}

static void
test_refused(void)
{
	const struct nlmsgerr refusal = { .error = -12 };
	uint32_t seq;

	start();
	link_is(ETH1, "eth1", READY);
	looked = n_told;
	seq = ask();
	message(NLMSG_ERROR, 0, seq, &refusal, sizeof(refusal));
	CU_ASSERT_FALSE(give());
	CU_ASSERT_TRUE(nics.failed);
	nothing_more();
	/* It can be asked again. */
	CU_ASSERT_NOT_EQUAL(ask(), seq);
	CU_ASSERT_FALSE(nics.failed);
	CU_ASSERT_FALSE(done(0, seq + 1));
	expect(0, NIC_GONE);
}

static void
test_odd(void)
{
	const struct ifinfomsg none = { .ifi_index = 0 }, no_name = { .ifi_index = ETH1 };
	const char long_name[40] = "eth1eth1eth1eth1eth1eth1";

	start();
	message(RTM_NEWLINK, 0, 0, &none, sizeof(none));
	attr(IFLA_IFNAME, "eth1", 5);
	message(RTM_NEWLINK, 0, 0, &no_name, sizeof(no_name));
	message(RTM_NEWLINK, 0, 0, &no_name, sizeof(no_name));
	attr(IFLA_IFNAME, long_name, sizeof(long_name));
	message(RTM_NEWLINK, 0, 0, &no_name, 4);
	/* An Ethernet without a hardware address cannot be. */
	link_put(RTM_NEWLINK, 0, 0, ETH1, "eth1", READY);
	attr(IFLA_ADDRESS, "x", 1);
	CU_ASSERT_FALSE(give());
	CU_ASSERT_FALSE(nics_read(&nics, buf, 0));
	nothing_more();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "carrier, up and down", test_carrier },
		{ "an interface that goes and is made again", test_gone },
		{ "interfaces that are renamed", test_renamed },
		{ "another hardware address is another interface", test_mac },
		{ "interfaces that cannot be used", test_problem },
		{ "what an answer does not name is gone", test_asked },
		{ "a question that is refused", test_refused },
		{ "messages that say nothing", test_odd },
	};

	return TAP_RUN(tests);
}
