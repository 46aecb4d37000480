/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/x_route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <string.h>

#include "common/nlq.h"
#include "ntkd-priv/label.h"

/*
 * Always the same metric, given explicitly: a route is replaced only by one of
 * equal metric, and "no metric" in a removal means "the first that matches".
 */
enum { ROUTE_METRIC = 1 };

/* What a message is made from. */
struct maker {
	const struct conf *conf;
	const struct ledger *ledger;
	int type;
	int flags;
};

static void
put_ip(struct nl_msg *m, int type, ntk_ip_t addr)
{
	nlq_put_u32(m, type, htonl(addr));
}

/* Spec kernel-state 3: link scope, so that ARP and broadcasts take the link-local. */
static uint8_t
address_scope(const struct obj *o)
{
	if (o->dev == DEV_LO)
		return RT_SCOPE_HOST;
	return linklocal_is_usable(o->addr) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

static struct nl_msg *
address_message(const struct maker *k, const struct obj *o)
{
	const struct ifaddrmsg head = { .ifa_family = AF_INET, .ifa_prefixlen = NTK_IP_BITS,
		.ifa_scope = address_scope(o),
		.ifa_index = (unsigned)k->ledger->dev[o->dev].ifindex };
	struct nl_msg *m = nlq_message(k->type, k->flags, &head, sizeof(head));

	put_ip(m, IFA_LOCAL, o->addr);
	put_ip(m, IFA_ADDRESS, o->addr);
	nlq_put_u8(m, IFA_PROTO, k->conf->routing_protocol);
	return m;
}

/* Each interface has its own metric: two may meet the same address behind them. */
static struct nl_msg *
neighbour_message(const struct maker *k, const struct obj *o)
{
	const struct dev *d = &k->ledger->dev[o->dev];
	const struct rtmsg head = { .rtm_family = AF_INET, .rtm_dst_len = NTK_IP_BITS,
		.rtm_protocol = k->conf->routing_protocol, .rtm_scope = RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST };
	struct nl_msg *m = nlq_message(k->type, k->flags, &head, sizeof(head));

	nlq_put_u32(m, RTA_TABLE, RT_TABLE_MAIN);
	put_ip(m, RTA_DST, o->addr);
	nlq_put_u32(m, RTA_PRIORITY, d->parent);
	put_ip(m, RTA_PREFSRC, o->src);
	nlq_put_u32(m, RTA_OIF, (uint32_t)d->ifindex);
	return m;
}

static struct nl_msg *
route_message(const struct maker *k, const struct obj *o)
{
	static const uint8_t types[] = {
		[PRIV_ROUTE_UNICAST] = RTN_UNICAST,
		[PRIV_ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
		[PRIV_ROUTE_BLACKHOLE] = RTN_BLACKHOLE,
	};
	const struct rtmsg head = { .rtm_family = AF_INET, .rtm_dst_len = o->len,
		.rtm_protocol = k->conf->routing_protocol, .rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = types[o->type] };
	struct nl_msg *m = nlq_message(k->type, k->flags, &head, sizeof(head));

	nlq_put_u32(m, RTA_TABLE, k->ledger->peer[o->peer].table);
	put_ip(m, RTA_DST, o->addr);
	nlq_put_u32(m, RTA_PRIORITY, ROUTE_METRIC);
	if (o->src != 0)
		put_ip(m, RTA_PREFSRC, o->src);
	if (o->type == PRIV_ROUTE_UNICAST) {
		put_ip(m, RTA_GATEWAY, o->via);
		nlq_put_u32(m, RTA_OIF, (uint32_t)k->ledger->dev[o->via_dev].ifindex);
	}
	return m;
}

static struct nl_msg *
rule_message(const struct maker *k, const struct obj *o)
{
	const struct fib_rule_hdr head = { .family = AF_INET, .action = FR_ACT_TO_TBL };
	struct nl_msg *m = nlq_message(k->type, k->flags, &head, sizeof(head));
	uint32_t table = k->ledger->peer[o->peer].table;

	nlq_put_u32(m, FRA_TABLE, table);
	nlq_put_u32(m, FRA_PRIORITY, k->conf->rule_priority + (o->peer == PEER_NTK));
	nlq_put_u32(m, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	nlq_put_u8(m, FRA_PROTOCOL, k->conf->routing_protocol);
	if (o->peer != PEER_NTK) {
		nlq_put_u32(m, FRA_FWMARK, table);
		nlq_put_u32(m, FRA_FWMASK, k->conf->mark_mask);
	}
	return m;
}

/* Of a head or of attributes: the bits of those that do not count in a comparison. */
#define BIT(n) (1U << (n))
#define HEAD(type, member) BIT(offsetof(struct type, member))

enum {
	ROUTE_IGNORED = HEAD(rtmsg, rtm_table) | HEAD(rtmsg, rtm_protocol) |
	    BIT(8) | BIT(9) | BIT(10) | BIT(11),	/* rtm_flags: whether the link is there */
	ADDRESS_IGNORED = BIT(IFA_LABEL) | BIT(IFA_FLAGS) | BIT(IFA_CACHEINFO) | BIT(IFA_PROTO),
};

static const struct {
	int make;
	int remove;
	struct nl_msg *(*message)(const struct maker *, const struct obj *);
	uint32_t head;			/* bytes */
	uint32_t head_ignored;
	uint32_t attrs_ignored;
} kinds[OBJ_KINDS] = {
	[OBJ_ADDR] = { RTM_NEWADDR, RTM_DELADDR, address_message, sizeof(struct ifaddrmsg),
	    HEAD(ifaddrmsg, ifa_flags), ADDRESS_IGNORED },
	[OBJ_NEIGH] = { RTM_NEWROUTE, RTM_DELROUTE, neighbour_message, sizeof(struct rtmsg),
	    ROUTE_IGNORED, 0 },
	[OBJ_ROUTE] = { RTM_NEWROUTE, RTM_DELROUTE, route_message, sizeof(struct rtmsg),
	    ROUTE_IGNORED, 0 },
	[OBJ_RULE] = { RTM_NEWRULE, RTM_DELRULE, rule_message, sizeof(struct fib_rule_hdr),
	    HEAD(fib_rule_hdr, table), BIT(FRA_PROTOCOL) },
};

bool
x_route_has(uint8_t kind)
{
	return kinds[kind].message != NULL;
}

struct nl_msg *
x_route_message(const struct conf *c, const struct ledger *l, const struct change *ch)
{
	const struct obj *o = change_subject(ch);
	const struct maker k = { c, l, ch->has_to ? kinds[o->kind].make : kinds[o->kind].remove,
		!ch->has_to ? 0 : NLM_F_CREATE | (ch->has_from ? NLM_F_REPLACE : NLM_F_EXCL) };

	return kinds[o->kind].message(&k, o);
}

/* --- what the kernel has -------------------------------------------------------- */

/* The interface in NS with this index, or on this real one; -1 when there is none. */
static int
dev_in(const struct ledger *l, unsigned ns, uint32_t ifindex, uint32_t parent)
{
	for (int i = 0; i < LEDGER_DEVS; i++) {
		const struct dev *d = &l->dev[i];

		if (d->slot.used && d->ns == ns && (ifindex != 0 ? (uint32_t)d->ifindex == ifindex :
		    d->parent == parent && i != DEV_LO))
			return i;
	}
	return -1;
}

static int
peer_of(const struct conf *c, const struct ledger *l, uint32_t table)
{
	if (label_table_is_ours(c, table))
		for (int i = 0; i < LEDGER_PEERS; i++)
			if (l->peer[i].slot.used && l->peer[i].table == table)
				return i;
	return -1;
}

/* The interface at which S lies; the table that it is in or leads to. */
static int
slot_of(const struct conf *c, const struct ledger *l, const struct seen *s, const struct obj *o)
{
	if (o->kind == OBJ_ADDR)
		return dev_in(l, o->ns, s->ifindex, 0);
	if (o->kind == OBJ_NEIGH)
		return s->len == NTK_IP_BITS && s->tos == 0 && s->priority - 1 < CONF_INTERFACES ?
		    dev_in(l, o->ns, 0, s->priority) : -1;
	if (o->kind == OBJ_ROUTE && (s->tos != 0 || s->priority != ROUTE_METRIC))
		return -1;
	return peer_of(c, l, s->table);
}

bool
x_route_place(const struct conf *c, const struct ledger *l, unsigned ns,
    const struct seen *s, struct obj *o)
{
	int slot;

	*o = (struct obj){ .kind = s->kind, .ns = (uint16_t)ns, .addr = s->addr };
	if (s->kind == OBJ_ROUTE && s->table == RT_TABLE_MAIN)
		o->kind = OBJ_NEIGH;
	if (o->kind == OBJ_ROUTE)
		o->len = s->len;
	slot = slot_of(c, l, s, o);
	if (o->kind == OBJ_ADDR || o->kind == OBJ_NEIGH)
		o->dev = (uint16_t)slot;
	else
		o->peer = (uint16_t)slot;
	return slot >= 0;
}

/* True when A has every attribute of B, with the same value. */
static bool
attributes_cover(const struct nlmsghdr *a, const struct nlmsghdr *b, uint8_t kind)
{
	int left = nlmsg_attrlen(b, (int)kinds[kind].head);

	for (struct nlattr *at = nlmsg_attrdata(b, (int)kinds[kind].head); nla_ok(at, left);
	    at = nla_next(at, &left)) {
		const struct nlattr *other;

		if (nla_type(at) < 32 && (kinds[kind].attrs_ignored & BIT(nla_type(at))) != 0)
			continue;
		other = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)a, (int)kinds[kind].head,
		    nla_type(at));
		if (other == NULL || nla_len(other) != nla_len(at) ||
		    memcmp(nla_data(other), nla_data(at), (size_t)nla_len(at)) != 0)
			return false;
	}
	return true;
}

static bool
is_same(const struct nlmsghdr *a, const struct nlmsghdr *b, uint8_t kind)
{
	const uint8_t *head_a = nlmsg_data(a), *head_b = nlmsg_data(b);
	size_t start = NLMSG_LENGTH(kinds[kind].head);

	for (unsigned i = 0; i < kinds[kind].head; i++)
		if (head_a[i] != head_b[i] && (kinds[kind].head_ignored & BIT(i)) == 0)
			return false;
	/* Routes have their attributes in the kernel's order: the usual case is a quick one. */
	if (a->nlmsg_len == b->nlmsg_len && memcmp((const uint8_t *)a + start,
	    (const uint8_t *)b + start, a->nlmsg_len - start) == 0)
		return true;
	return attributes_cover(a, b, kind) && attributes_cover(b, a, kind);
}

/* We say what we would have sent, and look whether that is what stands there. */
enum x_route_match
x_route_compare(const struct conf *c, const struct ledger *l, const struct obj *o,
    const struct nlmsghdr *nlh)
{
	const struct change ch = { .has_to = true, .to = *o };
	struct nl_msg *m = x_route_message(c, l, &ch);
	bool same = is_same(nlmsg_hdr(m), nlh, o->kind);

	nlmsg_free(m);
	if (o->kind == OBJ_ROUTE || o->kind == OBJ_NEIGH)
		return same ? X_ROUTE_SAME : X_ROUTE_ALTERED;
	if (!same)
		return X_ROUTE_OTHER;
	/* Replacing gives an address that will expire its endless life back. */
	return o->kind == OBJ_ADDR && (((const struct ifaddrmsg *)nlmsg_data(nlh))->ifa_flags &
	    IFA_F_PERMANENT) == 0 ? X_ROUTE_ALTERED : X_ROUTE_SAME;
}

bool
x_route_is_gone(int error)
{
	return error == ESRCH || error == ENOENT || error == EADDRNOTAVAIL || error == ENODEV;
}
