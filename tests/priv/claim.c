/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/claim.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/priv/nldump.h"

enum { PROTOCOL = 15, OWN = 256, MANAGED = 2, LO = 1 };

static const char *const names[MANAGED] = { "eth1", "eth2" };
static uint32_t managed[MANAGED];

/* Addresses of ours that were met: the kernel makes a local route of each. */
static struct {
	uint32_t ifindex;
	uint32_t addr;
} own[OWN];
static size_t n_own;

void
claim_begin(void)
{
	for (size_t i = 0; i < MANAGED; i++)
		managed[i] = if_nametoindex(names[i]);
	n_own = 0;
}

bool
claim_managed(unsigned ifindex)
{
	return ifindex != 0 && (ifindex == managed[0] || ifindex == managed[1]);
}

/* RFC 3927 keeps the first and the last /24; the metadata service of clouds; our host's. */
static bool
is_linklocal(uint32_t a)
{
	return a >> 16 == 0xa9fe && (a >> 8 & 255) != 0 && (a >> 8 & 255) != 255 &&
	    a != 0xa9fea9fe && a >> 8 != 0xa9fe4d;
}

/* Global, anonymizing, internal to 1, 2, 3, each as a block. */
static bool
is_destination(uint32_t a, unsigned len)
{
	static const struct {
		uint32_t addr;
		unsigned len;
	} blocks[] = { { 0x0a000000, 27 }, { 0x0a000040, 27 }, { 0x0a000028, 31 },
		{ 0x0a000030, 30 }, { 0x0a000038, 29 } };

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (len >= blocks[i].len && (a ^ blocks[i].addr) >> (32 - blocks[i].len) == 0)
			return true;
	return false;
}

/* 10.0.0.40/31 is behind us: the host leads there, never a table of ours. */
static bool
is_subnet(uint32_t a)
{
	return a >> 1 == 0x0a000028U >> 1;
}

static bool
table_is_ours(uint32_t table)
{
	return (table >= 200 && table <= 251) || (table >= 10000 && table <= 11023);
}

/* --- objects --------------------------------------------------------------- */

struct view {
	const void *head;
	const uint8_t *attrs;
	size_t len;
};

static struct view
view_of(const struct nlmsghdr *nlh, size_t head)
{
	const uint8_t *data = NLMSG_DATA(nlh);
	size_t len = nlh->nlmsg_len - NLMSG_HDRLEN;

	return (struct view){ data, data + NLMSG_ALIGN(head),
		len > NLMSG_ALIGN(head) ? len - NLMSG_ALIGN(head) : 0 };
}

static uint32_t
ip_of(const struct view *v, unsigned type)
{
	return ntohl(nla_find_u32(v->attrs, v->len, type, 0));
}

static bool
byte_is(const struct view *v, unsigned type, uint8_t value)
{
	struct nla a;

	return nla_find(v->attrs, v->len, type, &a) && a.len == 1 && a.data[0] == value;
}

static bool
claim_address(const struct nlmsghdr *nlh)
{
	const struct view v = view_of(nlh, sizeof(struct ifaddrmsg));
	const struct ifaddrmsg *a = v.head;
	uint32_t addr = ip_of(&v, IFA_LOCAL);

	if (a->ifa_family != AF_INET || a->ifa_prefixlen != 32 || !byte_is(&v, IFA_PROTO, PROTOCOL))
		return false;
	if (a->ifa_index == LO ? addr != 0x0a000020 :
	    !claim_managed(a->ifa_index) || !(is_linklocal(addr) || is_destination(addr, 32)))
		return false;
	if (n_own == OWN)
		return false;
	own[n_own].ifindex = a->ifa_index;
	own[n_own++].addr = addr;
	return true;
}

/* The kernel's own doing when an address comes. */
static bool
is_local_of_ours(const struct rtmsg *r, uint32_t dst, uint32_t oif)
{
	if (r->rtm_type != RTN_LOCAL || r->rtm_protocol != RTPROT_KERNEL || r->rtm_dst_len != 32)
		return false;
	for (size_t i = 0; i < n_own; i++)
		if (own[i].addr == dst && own[i].ifindex == oif)
			return true;
	return false;
}

static bool
is_own(uint32_t addr)
{
	for (size_t i = 0; i < n_own; i++)
		if (own[i].addr == addr)
			return true;
	return false;
}

static bool
claim_route(const struct nlmsghdr *nlh)
{
	const struct view v = view_of(nlh, sizeof(struct rtmsg));
	const struct rtmsg *r = v.head;
	uint32_t table = nla_find_u32(v.attrs, v.len, RTA_TABLE, r->rtm_table);
	uint32_t oif = nla_find_u32(v.attrs, v.len, RTA_OIF, 0);
	uint32_t dst = ip_of(&v, RTA_DST), via = ip_of(&v, RTA_GATEWAY), src = ip_of(&v, RTA_PREFSRC);

	if (r->rtm_family != AF_INET)
		return false;
	if (table == RT_TABLE_LOCAL)
		return is_local_of_ours(r, dst, oif);
	if (r->rtm_protocol != PROTOCOL || r->rtm_tos != 0 || r->rtm_src_len != 0)
		return false;
	if (table == RT_TABLE_MAIN)
		return r->rtm_dst_len == 32 && is_linklocal(dst) && claim_managed(oif) && via == 0 &&
		    r->rtm_type == RTN_UNICAST && r->rtm_scope == RT_SCOPE_LINK && is_own(src);
	if (!table_is_ours(table) || !is_destination(dst, r->rtm_dst_len) || is_subnet(dst))
		return false;
	if (r->rtm_type == RTN_UNICAST)
		return claim_managed(oif) && is_linklocal(via) && (src == 0 || is_own(src));
	return (r->rtm_type == RTN_UNREACHABLE || r->rtm_type == RTN_BLACKHOLE) && via == 0 && src == 0;
}

static bool
claim_rule(const struct nlmsghdr *nlh)
{
	const struct view v = view_of(nlh, sizeof(struct fib_rule_hdr));
	const struct fib_rule_hdr *r = v.head;
	uint32_t priority = nla_find_u32(v.attrs, v.len, FRA_PRIORITY, 0);
	uint32_t table = nla_find_u32(v.attrs, v.len, FRA_TABLE, r->table);
	uint32_t mark = nla_find_u32(v.attrs, v.len, FRA_FWMARK, 0);

	if (r->family != AF_INET || !byte_is(&v, FRA_PROTOCOL, PROTOCOL) || r->src_len != 0 ||
	    r->dst_len != 0 || r->tos != 0 || r->action != FR_ACT_TO_TBL || !table_is_ours(table))
		return false;
	if (mark == 0)
		return priority == 10001 && table == 251;
	return priority == 10000 && mark == table &&
	    nla_find_u32(v.attrs, v.len, FRA_FWMASK, 0) == 0x3fff;
}

/* What a pseudo-interface of ours makes its parent listen to. */
static bool
claim_filter(const struct nlmsghdr *nlh)
{
	const struct ndmsg *n = NLMSG_DATA(nlh);

	return n->ndm_family == AF_BRIDGE && n->ndm_flags == NTF_SELF && n->ndm_state == NUD_PERMANENT &&
	    claim_managed((unsigned)n->ndm_ifindex);
}

bool
claim_message(const struct nlmsghdr *nlh)
{
	switch (nlh->nlmsg_type) {
	case RTM_NEWADDR:
		return claim_address(nlh);
	case RTM_NEWROUTE:
		return claim_route(nlh);
	case RTM_NEWRULE:
		return claim_rule(nlh);
	case RTM_NEWNEIGH:
		return claim_filter(nlh);
	default:
		return false;
	}
}

bool
claim_nft(unsigned family, const char *table)
{
	return family == 2 && strcmp(table, "ntkd") == 0;
}

/* --- settings and files ---------------------------------------------------- */

enum snap_owner
claim_sysctl(const char *path, const char *value)
{
	static const struct {
		const char *path;
		const char *value;
	} known[] = {
		{ "ipv4/ip_forward", "1" },
		{ "ipv4/conf/all/rp_filter", "0" },
		{ "ipv4/conf/all/accept_redirects", "0" },
		{ "ipv4/conf/eth1/rp_filter", "0" }, { "ipv4/conf/eth2/rp_filter", "0" },
		{ "ipv4/conf/eth1/arp_ignore", "1" }, { "ipv4/conf/eth2/arp_ignore", "1" },
		{ "ipv4/conf/eth1/arp_announce", "2" }, { "ipv4/conf/eth2/arp_announce", "2" },
	};
	const char *end = strrchr(path, '/');

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(path, known[i].path) == 0)
			return strcmp(value, known[i].value) == 0 ? SNAP_SETTING :
			    SNAP_SETTING_OTHER;
	/* With ip_forward the kernel sets those of all interfaces. */
	if (strncmp(path, "ipv4/conf/", 10) == 0 && end != NULL && strcmp(end, "/forwarding") == 0)
		return strcmp(value, "1") == 0 ? SNAP_SETTING : SNAP_SETTING_OTHER;
	return SNAP_FOREIGN;
}

enum snap_owner
claim_file(const char *path, bool is_namespace)
{
	unsigned number;
	int len = 0;

	if (strncmp(path, "/run/ntkd/", 10) == 0)
		return SNAP_SETTING;
	return is_namespace && sscanf(path, "/run/netns/ntkv%u%n", &number, &len) == 1 &&
	    path[len] == '\0' ? SNAP_OURS : SNAP_FOREIGN;
}
