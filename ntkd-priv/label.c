/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/label.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

/* Of what is read here, addresses, routes and rules have the same numbers, or none. */
_Static_assert((int)RTA_DST == (int)FRA_DST && (int)RTA_TABLE == (int)FRA_TABLE &&
    (int)RTA_PRIORITY == (int)FRA_PRIORITY, "the numbers are the same");
enum { ATTRS = FRA_PROTOCOL };

static uint32_t
value_of(const struct nlattr *a, uint32_t fallback)
{
	return a != NULL ? nla_get_u32((struct nlattr *)(uintptr_t)a) : fallback;
}

static uint8_t
protocol_of(const struct nlattr *a)
{
	return a != NULL ? nla_get_u8((struct nlattr *)(uintptr_t)a) : 0;
}

/* The heads of routes and rules are alike, and that of an address begins so. */
bool
label_read(const struct nlmsghdr *nlh, struct seen *out)
{
	static struct nla_policy sizes[ATTRS + 1] = {
		[RTA_DST] = { .type = NLA_U32 }, [IFA_LOCAL] = { .type = NLA_U32 },
		[RTA_OIF] = { .type = NLA_U32 }, [RTA_PRIORITY] = { .type = NLA_U32 },
		[RTA_TABLE] = { .type = NLA_U32 }, [IFA_PROTO] = { .type = NLA_U8 },
		[FRA_PROTOCOL] = { .type = NLA_U8 },
	};
	bool address = nlh->nlmsg_type == RTM_NEWADDR, rule = nlh->nlmsg_type == RTM_NEWRULE;
	const struct rtmsg *r = nlmsg_data(nlh);
	struct nlattr *tb[ATTRS + 1];

	if ((!address && !rule && nlh->nlmsg_type != RTM_NEWROUTE) ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)nlh, address ? sizeof(struct ifaddrmsg) :
	    sizeof(*r), tb, ATTRS, sizes) < 0 || r->rtm_family != AF_INET)
		return false;
	*out = (struct seen){ .len = r->rtm_dst_len };
	if (address) {
		out->kind = OBJ_ADDR;
		out->addr = ntohl(value_of(tb[IFA_LOCAL], 0));
		out->ifindex = ((const struct ifaddrmsg *)nlmsg_data(nlh))->ifa_index;
		out->protocol = protocol_of(tb[IFA_PROTO]);
		return true;
	}
	out->kind = rule ? OBJ_RULE : OBJ_ROUTE;
	out->addr = ntohl(value_of(tb[RTA_DST], 0));
	out->tos = r->rtm_tos;
	out->table = value_of(tb[RTA_TABLE], r->rtm_table);
	out->priority = value_of(tb[RTA_PRIORITY], 0);
	out->ifindex = rule ? 0 : value_of(tb[RTA_OIF], 0);
	out->protocol = rule ? protocol_of(tb[FRA_PROTOCOL]) : r->rtm_protocol;
	return true;
}

bool
label_table_is_ours(const struct conf *c, uint32_t table)
{
	return (table <= c->tables.first && table >= c->tables.last) ||
	    (table >= c->more_tables.first && table <= c->more_tables.last);
}

bool
label_is_ours(const struct seen *s, const struct conf *c)
{
	bool alone = s->len == NTK_IP_BITS, linklocal = prefix_has_ip(label_linklocal, s->addr);

	if (s->protocol != c->routing_protocol)
		return false;
	if (s->kind == OBJ_ADDR)
		return alone && (linklocal || prefix_has_ip(c->map.range, s->addr));
	if (s->kind == OBJ_RULE)
		return s->priority == c->rule_priority || s->priority == c->rule_priority + 1;
	return s->table == RT_TABLE_MAIN ? alone && linklocal : label_table_is_ours(c, s->table);
}

void
label_print(const struct seen *s, char *buf, size_t size)
{
	char ip[IP_TEXT];

	ip_print(s->addr, ip);
	if (s->kind == OBJ_ADDR)
		snprintf(buf, size, "%s/%u", ip, s->len);
	else
		snprintf(buf, size, "%s/%u table %u", ip, s->len, s->table);
}

/* Each of the three heads begins with the family. */
struct nl_msg *
label_dump_request(int type)
{
	const struct rtmsg head = { .rtm_family = AF_INET };

	return nlq_message(type, 0, &head, type == RTM_GETADDR ? sizeof(struct ifaddrmsg) :
	    sizeof(head));
}

/* The dumped message, turned into a request: of each kind RTM_DEL follows RTM_NEW. */
void
label_remove_like(struct nlq *q, const struct nlmsghdr *nlh, uint32_t step)
{
	struct nlmsghdr *copy = nlq_room(q, nlh->nlmsg_len);

	memcpy(copy, nlh, nlh->nlmsg_len);
	copy->nlmsg_type++;
	copy->nlmsg_flags = 0;
	nlq_take(q, step);
}
