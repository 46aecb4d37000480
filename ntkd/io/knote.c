/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/knote.h"

#include <arpa/inet.h>
#include <limits.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netconf.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

enum {
	LO_INDEX = 1,			/* in every namespace */
	ATTR_NFTA_TABLE = 1,		/* NFTA_{TABLE,CHAIN,RULE,SET,…}_TABLE: all the same */
	LINK_STATE = IFF_UP | IFF_RUNNING | 0x10000,	/* IFF_LOWER_UP, which net/if.h lacks */
	LINKLOCAL_NET = 0xa9fe0000,
};

/* The name that the helper gives to its table. */
static const char our_nft_table[] = "ntkd";

/* The datagram being read. */
struct reader {
	const struct knote_rules *rules;
	struct knote_links *links;
	int32_t nsid;
	struct knote found;
};

static void
find(struct reader *r, enum knote_what what, const char *why)
{
	if (r->found.what < what)
		r->found = (struct knote){ what, why };
}

static bool
is_here(const struct reader *r)
{
	return r->nsid == KNOTE_HERE;
}

static bool
is_helpers(const struct reader *r, const struct nlmsghdr *h)
{
	return (h->nlmsg_pid & KNOTE_PORT) == (r->rules->helper & KNOTE_PORT);
}

/* In a namespace that the helper made everything is ours. */
static bool
is_our_dev(const struct reader *r, uint32_t ifindex)
{
	if (!is_here(r) || ifindex == LO_INDEX)
		return true;
	for (size_t i = 0; i < r->rules->n_devs; i++)
		if (r->rules->devs[i] == ifindex)
			return true;
	return false;
}

static bool
is_our_table(const struct knote_rules *rules, uint32_t table)
{
	return (table <= rules->tables.first && table >= rules->tables.last) ||
	    (table >= rules->more_tables.first && table <= rules->more_tables.last);
}

/* The attribute TYPE of 32 bits, FALLBACK without it. */
static uint32_t
attr_u32(struct nlmsghdr *h, size_t head, int type, uint32_t fallback)
{
	const struct nlattr *a = nlmsg_find_attr(h, (int)head, type);

	return a != NULL && nla_len(a) == 4 ? nla_get_u32(a) : fallback;
}

/* Of table main the neighbour routes are ours, by label or by what stands in their place. */
static bool
is_our_main_route(const struct reader *r, struct nlmsghdr *h, const struct rtmsg *info)
{
	ntk_ip_t dst = ntohl(attr_u32(h, sizeof(*info), RTA_DST, 0));

	return info->rtm_protocol == r->rules->protocol ||
	    (info->rtm_dst_len == NTK_IP_BITS && (dst & prefix_mask(16)) == LINKLOCAL_NET);
}

static void
read_route(struct reader *r, struct nlmsghdr *h)
{
	const struct rtmsg *info = nlmsg_data(h);
	uint32_t table;

	if (!nlmsg_valid_hdr(h, sizeof(*info)) || is_helpers(r, h) || info->rtm_family != AF_INET)
		return;
	table = info->rtm_table;
	/* Larger numbers do not fit into the header. */
	if (table == RT_TABLE_COMPAT || table == RT_TABLE_UNSPEC)
		table = attr_u32(h, sizeof(*info), RTA_TABLE, table);
	if (table == RT_TABLE_MAIN ? is_our_main_route(r, h, info) : is_our_table(r->rules, table))
		find(r, KNOTE_TOUCHED, "route");
}

static void
read_rule(struct reader *r, struct nlmsghdr *h)
{
	const struct fib_rule_hdr *info = nlmsg_data(h);
	uint32_t priority, table;

	if (!nlmsg_valid_hdr(h, sizeof(*info)) || is_helpers(r, h) || info->family != AF_INET)
		return;
	priority = attr_u32(h, sizeof(*info), FRA_PRIORITY, 0);
	table = attr_u32(h, sizeof(*info), FRA_TABLE, info->table);
	if (!is_here(r) || priority - r->rules->rule_priority <= 1 || is_our_table(r->rules, table))
		find(r, KNOTE_TOUCHED, "rule");
}

static void
read_address(struct reader *r, struct nlmsghdr *h)
{
	const struct ifaddrmsg *info = nlmsg_data(h);

	if (nlmsg_valid_hdr(h, sizeof(*info)) && !is_helpers(r, h) &&
	    info->ifa_family == AF_INET && is_our_dev(r, info->ifa_index))
		find(r, KNOTE_TOUCHED, "address");
}

static void
read_netconf(struct reader *r, struct nlmsghdr *h)
{
	const struct netconfmsg *info = nlmsg_data(h);
	int32_t dev;

	if (!nlmsg_valid_hdr(h, sizeof(*info)) || is_helpers(r, h) || info->ncm_family != AF_INET)
		return;
	if (nlmsg_find_attr(h, sizeof(*info), NETCONFA_FORWARDING) == NULL &&
	    nlmsg_find_attr(h, sizeof(*info), NETCONFA_RP_FILTER) == NULL)
		return;
	dev = (int32_t)attr_u32(h, sizeof(*info), NETCONFA_IFINDEX, 0);
	if (dev == NETCONFA_IFINDEX_ALL || dev == NETCONFA_IFINDEX_DEFAULT ||
	    is_our_dev(r, (uint32_t)dev))
		find(r, KNOTE_TOUCHED, "setting");
}

/* Where the state of the interface is kept, whatever is there now. */
static struct knote_link *
link_place(const struct reader *r, uint32_t ifindex)
{
	return &r->links->v[(ifindex + (uint32_t)r->nsid * 31U) % KNOTE_LINKS];
}

/*
 * Interfaces are told about often, for reasons that do not concern us (statistics of a
 * wireless one, a monitor that listens); what matters is whether packets can go.  What
 * the helper did is remembered too, or the next change would look like none.
 */
static void
read_link(struct reader *r, struct nlmsghdr *h)
{
	const struct ifinfomsg *info = nlmsg_data(h);
	struct knote_link now = { .nsid = r->nsid };
	struct knote_link *last;
	bool same;

	if (!nlmsg_valid_hdr(h, sizeof(*info)) || info->ifi_family != AF_UNSPEC ||
	    info->ifi_index <= 0 || !is_our_dev(r, (uint32_t)info->ifi_index))
		return;
	now.ifindex = (uint32_t)info->ifi_index;
	now.flags = info->ifi_flags & LINK_STATE;
	last = link_place(r, now.ifindex);
	same = last->nsid == now.nsid && last->ifindex == now.ifindex && last->flags == now.flags;
	*last = h->nlmsg_type == RTM_DELLINK ? (struct knote_link){ .ifindex = 0 } : now;
	/* Part of an answer to a question of ours: what is, not what changed. */
	if ((h->nlmsg_flags & NLM_F_MULTI) != 0)
		return;
	if ((!same || h->nlmsg_type == RTM_DELLINK) && !is_helpers(r, h))
		find(r, KNOTE_LINKED, "link");
}

static void
read_rtnetlink(struct reader *r, struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		read_route(r, h);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		read_rule(r, h);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		read_address(r, h);
		break;
	case RTM_NEWNETCONF:
	case RTM_DELNETCONF:
		read_netconf(r, h);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		read_link(r, h);
		break;
	}
}

/* Tables, chains, rules, sets and elements all name their table first; generations do not. */
static void
read_nft(struct reader *r, struct nlmsghdr *h)
{
	const struct nlattr *name;

	if (NFNL_SUBSYS_ID(h->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    NFNL_MSG_TYPE(h->nlmsg_type) == NFT_MSG_NEWGEN || is_helpers(r, h) ||
	    !nlmsg_valid_hdr(h, sizeof(struct nfgenmsg)))
		return;
	name = nlmsg_find_attr(h, sizeof(struct nfgenmsg), ATTR_NFTA_TABLE);
	if (name != NULL && nla_len(name) == sizeof(our_nft_table) &&
	    memcmp(nla_data(name), our_nft_table, sizeof(our_nft_table)) == 0)
		find(r, KNOTE_TOUCHED, "nftables");
}

struct knote
knote_read(const struct knote_rules *rules, struct knote_links *links, int protocol,
    int32_t nsid, const void *buf, size_t len)
{
	struct reader r = { .rules = rules, .links = links, .nsid = nsid };
	struct nlmsghdr *h = (struct nlmsghdr *)(uintptr_t)buf;
	int left = len < INT_MAX ? (int)len : INT_MAX;

	for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		if (protocol == NETLINK_ROUTE)
			read_rtnetlink(&r, h);
		else
			read_nft(&r, h);
	}
	return r.found;
}
