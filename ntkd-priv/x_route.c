/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/x_route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "common/nlq.h"

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
		.rtm_table = RT_TABLE_MAIN, .rtm_protocol = k->conf->routing_protocol,
		.rtm_scope = RT_SCOPE_LINK, .rtm_type = RTN_UNICAST };
	struct nl_msg *m = nlq_message(k->type, k->flags, &head, sizeof(head));

	put_ip(m, RTA_DST, o->addr);
	put_ip(m, RTA_PREFSRC, o->src);
	nlq_put_u32(m, RTA_OIF, (uint32_t)d->ifindex);
	nlq_put_u32(m, RTA_PRIORITY, d->parent);
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
		.rtm_table = RT_TABLE_UNSPEC, .rtm_protocol = k->conf->routing_protocol,
		.rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = types[o->type] };
	struct nl_msg *m = nlq_message(k->type, k->flags, &head, sizeof(head));

	put_ip(m, RTA_DST, o->addr);
	nlq_put_u32(m, RTA_TABLE, k->ledger->peer[o->peer].table);
	nlq_put_u32(m, RTA_PRIORITY, ROUTE_METRIC);
	if (o->type == PRIV_ROUTE_UNICAST) {
		put_ip(m, RTA_GATEWAY, o->via);
		nlq_put_u32(m, RTA_OIF, (uint32_t)k->ledger->dev[o->via_dev].ifindex);
	}
	if (o->src != 0)
		put_ip(m, RTA_PREFSRC, o->src);
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
	nlq_put_u8(m, FRA_PROTOCOL, k->conf->routing_protocol);
	if (o->peer != PEER_NTK) {
		nlq_put_u32(m, FRA_FWMARK, table);
		nlq_put_u32(m, FRA_FWMASK, k->conf->mark_mask);
	}
	return m;
}

static const struct {
	int make;
	int remove;
	struct nl_msg *(*message)(const struct maker *, const struct obj *);
} kinds[OBJ_KINDS] = {
	[OBJ_ADDR] = { RTM_NEWADDR, RTM_DELADDR, address_message },
	[OBJ_NEIGH] = { RTM_NEWROUTE, RTM_DELROUTE, neighbour_message },
	[OBJ_ROUTE] = { RTM_NEWROUTE, RTM_DELROUTE, route_message },
	[OBJ_RULE] = { RTM_NEWRULE, RTM_DELRULE, rule_message },
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

bool
x_route_is_gone(int error)
{
	return error == ESRCH || error == ENOENT || error == EADDRNOTAVAIL || error == ENODEV;
}
