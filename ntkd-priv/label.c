/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/label.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

static const ntk_prefix_t linklocal = { 0xa9fe0000, 16 };

/* By hand: this is done several times for each route that the kernel lists. */
static const void *
attr(const struct nlmsghdr *nlh, size_t head, int type, size_t size)
{
	size_t at = NLMSG_LENGTH(head);

	while (at + RTA_LENGTH(0) <= nlh->nlmsg_len) {
		const struct rtattr *a = (const struct rtattr *)((uintptr_t)nlh + at);

		if (a->rta_len < RTA_LENGTH(0) || at + a->rta_len > nlh->nlmsg_len)
			return NULL;
		if (a->rta_type == type)
			return a->rta_len == RTA_LENGTH(size) ? RTA_DATA(a) : NULL;
		at += RTA_ALIGN(a->rta_len);
	}
	return NULL;
}

uint32_t
label_u32(const struct nlmsghdr *nlh, size_t head, int type, uint32_t fallback)
{
	const uint32_t *value = attr(nlh, head, type, sizeof(*value));

	return value != NULL ? *value : fallback;
}

bool
label_table_is_ours(const struct conf *c, uint32_t table)
{
	return (table <= c->tables.first && table >= c->tables.last) ||
	    (table >= c->more_tables.first && table <= c->more_tables.last);
}

static bool
route_is_ours(const struct nlmsghdr *nlh, const struct conf *c)
{
	const struct rtmsg *r = nlmsg_data(nlh);
	uint32_t table = label_u32(nlh, sizeof(*r), RTA_TABLE, r->rtm_table);
	ntk_ip_t dst = ntohl(label_u32(nlh, sizeof(*r), RTA_DST, 0));

	if (r->rtm_family != AF_INET || r->rtm_protocol != c->routing_protocol)
		return false;
	if (table == RT_TABLE_MAIN)
		return r->rtm_dst_len == NTK_IP_BITS && prefix_has_ip(linklocal, dst);
	return label_table_is_ours(c, table);
}

static bool
rule_is_ours(const struct nlmsghdr *nlh, const struct conf *c)
{
	const struct fib_rule_hdr *r = nlmsg_data(nlh);
	const uint8_t *protocol = attr(nlh, sizeof(*r), FRA_PROTOCOL, sizeof(*protocol));
	uint32_t priority = label_u32(nlh, sizeof(*r), FRA_PRIORITY, 0);

	return r->family == AF_INET && protocol != NULL &&
	    *protocol == c->routing_protocol &&
	    (priority == c->rule_priority || priority == c->rule_priority + 1);
}

static bool
address_is_ours(const struct nlmsghdr *nlh, const struct conf *c)
{
	const struct ifaddrmsg *a = nlmsg_data(nlh);
	const uint8_t *protocol = attr(nlh, sizeof(*a), IFA_PROTO, sizeof(*protocol));

	return a->ifa_family == AF_INET && protocol != NULL && *protocol == c->routing_protocol;
}

bool
label_is_ours(const struct nlmsghdr *nlh, const struct conf *c)
{
	/* The longest of the three heads: what is ours has attributes besides. */
	if (!nlmsg_valid_hdr(nlh, sizeof(struct rtmsg)))
		return false;
	switch (nlh->nlmsg_type) {
	case RTM_NEWADDR:
		return address_is_ours(nlh, c);
	case RTM_NEWROUTE:
		return route_is_ours(nlh, c);
	case RTM_NEWRULE:
		return rule_is_ours(nlh, c);
	default:
		return false;
	}
}

/* Address and table have the same numbers in all three; the length follows the family. */
void
label_print(const struct nlmsghdr *nlh, char *buf, size_t size)
{
	const struct rtmsg *r = nlmsg_data(nlh);
	bool has_table = nlh->nlmsg_type != RTM_NEWADDR;
	size_t head = has_table ? sizeof(*r) : sizeof(struct ifaddrmsg);
	char ip[IP_TEXT];

	_Static_assert((int)RTA_DST == (int)IFA_ADDRESS && (int)RTA_DST == (int)FRA_DST &&
	    (int)RTA_TABLE == (int)FRA_TABLE, "the numbers are the same");
	ip_print(ntohl(label_u32(nlh, head, RTA_DST, 0)), ip);
	if (has_table)
		snprintf(buf, size, "%s/%u table %u", ip, r->rtm_dst_len,
		    label_u32(nlh, head, RTA_TABLE, r->rtm_table));
	else
		snprintf(buf, size, "%s/%u", ip, r->rtm_dst_len);
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
