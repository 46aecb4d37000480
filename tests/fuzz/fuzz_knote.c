/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifications of the kernel.  The first byte chooses socket and namespace; the rest is the
 * datagram.  The same bytes always get the same verdict, and what the helper sent is never news.
 * What is known of the managed interfaces from them changes by news that fit together.
 */
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/io/knote.h"
#include "ntkd/io/nics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct knote_rules rules = {
	.helper = 4711,
	.protocol = 15,
	.tables = { 251, 200 },
	.more_tables = { 10000, 11023 },
	.rule_priority = 1000,
	.devs = { 3, 7 },
	.n_devs = 2,
};

static void
require(bool what)
{
	if (!what)
		abort();
}

/* Has all messages come from PORT. */
static void
from_port(uint8_t *buf, size_t len, uint32_t port)
{
	struct nlmsghdr h;

	for (size_t at = 0; at < len && len - at >= sizeof(h); ) {
		memcpy(&h, buf + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len - at)
			return;
		h.nlmsg_pid = port;
		memcpy(buf + at, &h, sizeof(h));
		at += NLMSG_ALIGN((size_t)h.nlmsg_len);
	}
}

/* What was told of each interface last. */
static struct nic_state last[2];

static void
on_nic(size_t nic, enum nic_news news, const struct nic_state *now, void *arg)
{
	(void)arg;
	require(nic < 2);
	require((news == NIC_GONE) == !now->present && (news == NIC_UP) == nic_is_usable(now));
	/* Gone is what was there; and there is no way to another one but by that. */
	require(news != NIC_GONE || last[nic].present);
	require(!now->present || !last[nic].present || (last[nic].ifindex == now->ifindex &&
	    mac_cmp(last[nic].mac, now->mac) == 0));
	require(news != NIC_UP || !nic_is_usable(&last[nic]));
	last[nic] = *now;
}

static void
read_nics(const uint8_t *buf, size_t len)
{
	static const struct conf conf = { .interfaces = { { "eth1" }, { "eth2" } }, .n_interfaces = 2 };
	_Alignas(struct nlmsghdr) uint8_t ask[NICS_REQUEST];
	struct nics n;

	memset(last, 0, sizeof(last));
	nics_init(&n, &conf, on_nic, NULL);
	require(nics_ask(&n, ask) > 0);
	for (unsigned i = 0; i < 3; i++)
		if (nics_read(&n, buf, len))
			require(n.seq == 0 && nics_ask(&n, ask) > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct knote_links links, before;
	int protocol = size > 0 && (data[0] & 1) != 0 ? NETLINK_NETFILTER : NETLINK_ROUTE;
	int32_t nsid = size > 0 && (data[0] & 2) != 0 ? 3 : KNOTE_HERE;
	size_t len = size > 0 ? size - 1 : 0;
	uint8_t *buf = malloc(len > 0 ? len : 1);
	struct knote one, two;

	require(buf != NULL);
	if (len > 0)
		memcpy(buf, data + 1, len);
	before = links;
	one = knote_read(&rules, &links, protocol, nsid, buf, len);
	links = before;
	two = knote_read(&rules, &links, protocol, nsid, buf, len);
	require(one.what == two.what && one.why == two.why);
	require((one.what == KNOTE_NOTHING) == (one.why == NULL));
	read_nics(buf, len);
	from_port(buf, len, rules.helper);
	require(knote_read(&rules, &links, protocol, nsid, buf, len).what == KNOTE_NOTHING);
	free(buf);
	return 0;
}
