/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel lists against what the ledger holds, without a kernel: whose place it
 * stands in, whether it is the same, whether it carries our label.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "common/nlq.h"
#include "ntkd-priv/label.h"
#include "ntkd-priv/x_route.h"
#include "tests/unit/tap.h"

enum {
	NS = 3,
	PSEUDO = CONF_INTERFACES + 1,
	PEER_SLOT = 7,
	IFINDEX = 44,
	OURS = 15,
	THEIRS = 4,
	TABLE = 250,
	RULES = 10000,
	MESSAGE = 512,
	GATEWAY = 0xa9fe451e,
	ROUTE_DST = 0x0a000010,
	OWN = 0xa9fe5e01,
};

static struct ledger ledger;
static struct conf conf;

static const struct obj objects[] = {
	{ .kind = OBJ_ADDR, .ns = NS, .dev = PSEUDO, .addr = OWN },
	{ .kind = OBJ_NEIGH, .ns = NS, .dev = PSEUDO, .addr = GATEWAY, .src = OWN },
	{ .kind = OBJ_ROUTE, .ns = NS, .peer = PEER_SLOT, .addr = ROUTE_DST, .len = 30,
	    .type = PRIV_ROUTE_UNICAST, .via_dev = PSEUDO, .via = GATEWAY },
	{ .kind = OBJ_RULE, .ns = NS, .peer = PEER_SLOT },
};

enum { ADDRESS, NEIGHBOUR, ROUTE, RULE, OBJECTS };

static void
setup(void)
{
	conf.routing_protocol = OURS;
	conf.rule_priority = RULES;
	conf.mark_mask = 0xff;
	conf.map.range = (ntk_prefix_t){ 0x0a000000, 8 };
	conf.tables = (struct conf_tables){ 251, 200 };
	conf.more_tables = (struct conf_tables){ 1000, 1999 };
	ledger_init(&ledger, &conf);
	ledger.ns[NS].slot.used = true;
	ledger.dev[PSEUDO] = (struct dev){ .slot = { true, 1 }, .ns = NS, .parent = 2,
		.ifindex = IFINDEX };
	ledger.peer[PEER_SLOT] = (struct peer){ .slot = { true, 1 }, .table = TABLE };
	for (size_t i = 0; i < OBJECTS; i++) {
		const struct change ch = { .has_to = true, .to = objects[i] };

		ledger_apply(&ledger, &ch);
	}
}

/* The message that makes object I, as the kernel would list the result. */
static struct nlmsghdr *
listed(size_t i)
{
	static _Alignas(struct nlmsghdr) uint8_t buf[MESSAGE];
	const struct change ch = { .has_to = true, .to = objects[i] };
	struct nl_msg *m = x_route_message(&conf, &ledger, &ch);

	memset(buf, 0, sizeof(buf));
	memcpy(buf, nlmsg_hdr(m), nlmsg_hdr(m)->nlmsg_len);
	nlmsg_free(m);
	if (objects[i].kind == OBJ_ADDR)
		((struct ifaddrmsg *)nlmsg_data((struct nlmsghdr *)buf))->ifa_flags = IFA_F_PERMANENT;
	return (struct nlmsghdr *)buf;
}

static size_t
head_of(size_t i)
{
	return i == ADDRESS ? sizeof(struct ifaddrmsg) : sizeof(struct rtmsg);
}

/* Another value for the attribute TYPE; the attribute itself, behind all others, if it has none. */
static struct nlmsghdr *
with(struct nlmsghdr *nlh, size_t i, int type, uint32_t value)
{
	struct nlattr *a = nlmsg_find_attr(nlh, (int)head_of(i), type);

	if (a == NULL) {
		a = (struct nlattr *)((uint8_t *)nlh + nlh->nlmsg_len);
		a->nla_len = (uint16_t)nla_attr_size(sizeof(value));
		a->nla_type = (uint16_t)type;
		nlh->nlmsg_len += (uint32_t)nla_total_size(sizeof(value));
	}
	memcpy(nla_data(a), &value, (size_t)nla_len(a));
	return nlh;
}

/* True when NLH stands in a place of namespace NS_, which is O's. */
static bool
stands(unsigned ns, const struct nlmsghdr *nlh, struct obj *o)
{
	struct seen s;

	return label_read(nlh, &s) && x_route_place(&conf, &ledger, ns, &s, o);
}

/* The node in whose place NLH stands, or NULL. */
static struct node *
place(const struct nlmsghdr *nlh)
{
	struct obj o;

	return stands(NS, nlh, &o) ? ledger_find_node(&ledger, &o) : NULL;
}

static bool
is_ours(const struct nlmsghdr *nlh)
{
	struct seen s;

	return label_read(nlh, &s) && label_is_ours(&s, &conf);
}

static const char *
text_of(const struct nlmsghdr *nlh)
{
	static char text[64];
	struct seen s;

	if (!label_read(nlh, &s))
		return "nothing";
	label_print(&s, text, sizeof(text));
	return text;
}

static bool
is(size_t i, const struct nlmsghdr *nlh, enum x_route_match match)
{
	return x_route_compare(&conf, &ledger, &objects[i], nlh) == match;
}

static void
test_same(void)
{
	for (size_t i = 0; i < OBJECTS; i++) {
		const struct nlmsghdr *nlh = listed(i);
		const struct node *n = place(nlh);

		CU_ASSERT(n != NULL && memcmp(&n->obj, &objects[i], sizeof(objects[i])) == 0);
		CU_ASSERT(is(i, nlh, X_ROUTE_SAME));
		CU_ASSERT(is_ours(nlh));
	}
	/* What the kernel adds by itself. */
	CU_ASSERT(is(ADDRESS, with(listed(ADDRESS), ADDRESS, IFA_FLAGS, 0x80), X_ROUTE_SAME));
	CU_ASSERT(is(ADDRESS, with(listed(ADDRESS), ADDRESS, IFA_LABEL, 7), X_ROUTE_SAME));
}

static void
test_altered(void)
{
	static const struct {
		size_t object;
		int type;
		uint32_t value;
		enum x_route_match match;
	} cases[] = {
		{ ROUTE, RTA_GATEWAY, 1, X_ROUTE_ALTERED },
		{ ROUTE, RTA_OIF, IFINDEX + 1, X_ROUTE_ALTERED },
		{ ROUTE, RTA_PREFSRC, 1, X_ROUTE_ALTERED },
		{ ROUTE, RTA_METRICS, 1, X_ROUTE_ALTERED },
		{ NEIGHBOUR, RTA_PREFSRC, 1, X_ROUTE_ALTERED },
		{ NEIGHBOUR, RTA_OIF, IFINDEX + 1, X_ROUTE_ALTERED },
		{ NEIGHBOUR, RTA_GATEWAY, 1, X_ROUTE_ALTERED },
		{ ADDRESS, IFA_ADDRESS, 1, X_ROUTE_OTHER },
		{ ADDRESS, IFA_BROADCAST, 1, X_ROUTE_OTHER },
		{ RULE, FRA_FWMARK, 1, X_ROUTE_OTHER },
		{ RULE, FRA_FWMASK, 1, X_ROUTE_OTHER },
		{ RULE, FRA_PRIORITY, RULES + 1, X_ROUTE_OTHER },
		{ RULE, FRA_SUPPRESS_PREFIXLEN, 1, X_ROUTE_OTHER },
		{ RULE, FRA_SRC, 1, X_ROUTE_OTHER },
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		const struct nlmsghdr *nlh = with(listed(cases[c].object), cases[c].object,
		    cases[c].type, cases[c].value);

		CU_ASSERT(is(cases[c].object, nlh, cases[c].match));
		if (!is(cases[c].object, nlh, cases[c].match))
			tap_note("object %zu, attribute %d", cases[c].object, cases[c].type);
	}
}

static void
test_altered_heads(void)
{
	struct nlmsghdr *nlh = listed(ROUTE);
	struct rtmsg *route = nlmsg_data(nlh);
	struct ifaddrmsg *address;
	struct fib_rule_hdr *rule;

	/* Its link is down: the kernel's business. */
	route->rtm_flags = RTNH_F_LINKDOWN;
	CU_ASSERT(is(ROUTE, nlh, X_ROUTE_SAME));
	route->rtm_type = RTN_BLACKHOLE;
	CU_ASSERT(is(ROUTE, nlh, X_ROUTE_ALTERED));
	route = nlmsg_data(nlh = listed(ROUTE));
	route->rtm_scope = RT_SCOPE_LINK;
	CU_ASSERT(is(ROUTE, nlh, X_ROUTE_ALTERED));
	/* An address that will expire can be given its life back; one of another scope cannot. */
	address = nlmsg_data(nlh = listed(ADDRESS));
	address->ifa_flags = 0;
	CU_ASSERT(is(ADDRESS, nlh, X_ROUTE_ALTERED));
	address = nlmsg_data(nlh = listed(ADDRESS));
	address->ifa_scope = RT_SCOPE_UNIVERSE;
	CU_ASSERT(is(ADDRESS, nlh, X_ROUTE_OTHER));
	address = nlmsg_data(nlh = listed(ADDRESS));
	address->ifa_prefixlen = 24;
	CU_ASSERT(is(ADDRESS, nlh, X_ROUTE_OTHER));
	rule = nlmsg_data(nlh = listed(RULE));
	rule->flags = FIB_RULE_INVERT;
	CU_ASSERT(is(RULE, nlh, X_ROUTE_OTHER));
	rule = nlmsg_data(nlh = listed(RULE));
	rule->action = FR_ACT_BLACKHOLE;
	CU_ASSERT(is(RULE, nlh, X_ROUTE_OTHER));
}

/* Where none of ours could stand. */
static void
test_no_place(void)
{
	struct nlmsghdr *nlh;
	struct rtmsg *route;

	CU_ASSERT_PTR_NULL(place(with(listed(ROUTE), ROUTE, RTA_PRIORITY, 2)));
	CU_ASSERT_PTR_NULL(place(with(listed(ROUTE), ROUTE, RTA_PRIORITY, 0)));
	CU_ASSERT_PTR_NULL(place(with(listed(ROUTE), ROUTE, RTA_TABLE, TABLE - 1)));
	CU_ASSERT_PTR_NULL(place(with(listed(ROUTE), ROUTE, RTA_TABLE, 252)));
	CU_ASSERT_PTR_NULL(place(with(listed(ROUTE), ROUTE, RTA_DST, 0)));
	CU_ASSERT_PTR_NULL(place(with(listed(NEIGHBOUR), NEIGHBOUR, RTA_PRIORITY, 1)));
	CU_ASSERT_PTR_NULL(place(with(listed(NEIGHBOUR), NEIGHBOUR, RTA_PRIORITY, 0)));
	CU_ASSERT_PTR_NULL(place(with(listed(RULE), RULE, FRA_TABLE, 254)));
	route = nlmsg_data(nlh = listed(ROUTE));
	route->rtm_tos = 4;
	CU_ASSERT_PTR_NULL(place(nlh));
	route = nlmsg_data(nlh = listed(ROUTE));
	route->rtm_dst_len = 31;
	CU_ASSERT_PTR_NULL(place(nlh));
	route = nlmsg_data(nlh = listed(NEIGHBOUR));
	route->rtm_dst_len = 31;
	CU_ASSERT_PTR_NULL(place(nlh));
	route = nlmsg_data(nlh = listed(ROUTE));
	route->rtm_family = AF_INET6;
	CU_ASSERT_PTR_NULL(place(nlh));
	((struct ifaddrmsg *)nlmsg_data(nlh = listed(ADDRESS)))->ifa_index = IFINDEX + 1;
	CU_ASSERT_PTR_NULL(place(nlh));
	(nlh = listed(RULE))->nlmsg_type = RTM_DELRULE;
	CU_ASSERT_PTR_NULL(place(nlh));
	(nlh = listed(ROUTE))->nlmsg_type = RTM_DELROUTE;
	CU_ASSERT_PTR_NULL(place(nlh));
	CU_ASSERT_PTR_NULL(place(with(listed(RULE), RULE, FRA_DST, htonl(ROUTE_DST))));
	/* The same interface number in another namespace is another interface. */
	ledger.dev[PSEUDO].ns = NS + 1;
	CU_ASSERT_PTR_NULL(place(listed(ADDRESS)));
	ledger.dev[PSEUDO].ns = NS;
}

static void
test_labels(void)
{
	struct nlmsghdr *nlh = listed(ROUTE);
	struct rtmsg *route = nlmsg_data(nlh);

	route->rtm_protocol = THEIRS;
	CU_ASSERT_FALSE(is_ours(nlh));
	/* A label is not compared: whose it is has been seen. */
	CU_ASSERT(is(ROUTE, nlh, X_ROUTE_SAME));
	CU_ASSERT_FALSE(is_ours(with(listed(ADDRESS), ADDRESS, IFA_PROTO, THEIRS)));
	CU_ASSERT_FALSE(is_ours(with(listed(RULE), RULE, FRA_PROTOCOL, THEIRS)));
	/* Our number elsewhere is not our label. */
	CU_ASSERT_FALSE(is_ours(with(listed(ROUTE), ROUTE, RTA_TABLE, 252)));
	CU_ASSERT_FALSE(is_ours(with(listed(ROUTE), ROUTE, RTA_TABLE, 199)));
	CU_ASSERT(is_ours(with(listed(ROUTE), ROUTE, RTA_TABLE, 1999)));
	CU_ASSERT_FALSE(is_ours(with(listed(ROUTE), ROUTE, RTA_TABLE, 2000)));
	CU_ASSERT_FALSE(is_ours(with(listed(ROUTE), ROUTE, RTA_TABLE, RT_TABLE_MAIN)));
	CU_ASSERT_FALSE(is_ours(with(listed(NEIGHBOUR), NEIGHBOUR, RTA_DST, htonl(ROUTE_DST))));
	CU_ASSERT_FALSE(is_ours(with(listed(RULE), RULE, FRA_PRIORITY, RULES - 1)));
	CU_ASSERT_FALSE(is_ours(with(listed(RULE), RULE, FRA_PRIORITY, RULES + 2)));
	/* Nor is it where we never put an address: outside the range, or with a network. */
	CU_ASSERT(is_ours(with(listed(ADDRESS), ADDRESS, IFA_LOCAL, htonl(ROUTE_DST))));
	CU_ASSERT_FALSE(is_ours(with(listed(ADDRESS), ADDRESS, IFA_LOCAL, htonl(0xc0a80001))));
	((struct ifaddrmsg *)nlmsg_data(nlh = listed(ADDRESS)))->ifa_prefixlen = 16;
	CU_ASSERT_FALSE(is_ours(nlh));
	(nlh = listed(RULE))->nlmsg_type = RTM_NEWLINK;
	CU_ASSERT_FALSE(is_ours(nlh));
}

/* Attributes that do not fit their message, or have another size, are none. */
static void
test_malformed(void)
{
	struct nlmsghdr *nlh = listed(ROUTE);
	struct nlattr *table = nlmsg_find_attr(nlh, (int)head_of(ROUTE), RTA_TABLE);
	struct seen s;

	CU_ASSERT(label_read(nlh, &s) && s.table == TABLE && s.priority == 1);
	table->nla_len = 6;
	CU_ASSERT_FALSE(label_read(nlh, &s));
	table->nla_len = 3;
	CU_ASSERT(label_read(nlh, &s) && s.table == 0 && s.priority == 0);
	table->nla_len = MESSAGE;
	CU_ASSERT(label_read(nlh, &s) && s.table == 0 && s.priority == 0);
	nlh->nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)) - 1;
	CU_ASSERT_FALSE(label_read(nlh, &s));
}

static void
test_text_and_removal(void)
{
	struct nlq q = { 0 };

	CU_ASSERT_STRING_EQUAL(text_of(listed(ROUTE)), "10.0.0.16/30 table 250");
	CU_ASSERT_STRING_EQUAL(text_of(listed(ADDRESS)), "169.254.94.1/32");
	label_remove_like(&q, listed(ROUTE), 5);
	CU_ASSERT_EQUAL(((struct nlmsghdr *)(void *)q.buf)->nlmsg_type, RTM_DELROUTE);
	CU_ASSERT_EQUAL(((struct nlmsghdr *)(void *)q.buf)->nlmsg_flags, NLM_F_REQUEST);
	CU_ASSERT_EQUAL(q.steps[0], 5);
	nlq_free(&q);
}

/* NLH stands in no place of namespace NS_. */
static void
no_place(unsigned ns, const struct nlmsghdr *nlh)
{
	struct obj o;

	CU_ASSERT_FALSE(stands(ns, nlh, &o));
}

/* The first and the last slots are found, and those that are not used are not. */
static void
test_slots(void)
{
	struct nlmsghdr *nlh;
	struct obj o;

	ledger.dev[DEV_LO].ifindex = 1;
	((struct ifaddrmsg *)nlmsg_data(nlh = listed(ADDRESS)))->ifa_index = 1;
	CU_ASSERT(stands(NS_DEFAULT, nlh, &o) && o.dev == DEV_LO);
	no_place(NS, nlh);
	ledger.dev[PSEUDO + 1] = (struct dev){ .ns = NS, .ifindex = 60 };
	((struct ifaddrmsg *)nlmsg_data(nlh = listed(ADDRESS)))->ifa_index = 60;
	no_place(NS, nlh);
	ledger.peer[PEER_SLOT + 1].table = 249;
	no_place(NS, with(listed(RULE), RULE, FRA_TABLE, 249));
	no_place(NS, with(listed(RULE), RULE, FRA_TABLE, 254));
	no_place(NS, with(listed(ROUTE), ROUTE, RTA_TABLE, 249));
	ledger.peer[PEER_NTK] = (struct peer){ .slot = { true, 0 }, .table = 251 };
	nlh = with(listed(RULE), RULE, FRA_TABLE, 251);
	CU_ASSERT(stands(NS, nlh, &o) && o.peer == PEER_NTK);
	nlh = with(listed(ROUTE), ROUTE, RTA_TABLE, 251);
	CU_ASSERT(stands(NS, nlh, &o) && o.peer == PEER_NTK);
	ledger.dev[PSEUDO].parent = CONF_INTERFACES;
	nlh = with(listed(NEIGHBOUR), NEIGHBOUR, RTA_PRIORITY, CONF_INTERFACES);
	CU_ASSERT(stands(NS, nlh, &o) && o.dev == PSEUDO);
	ledger.dev[PSEUDO].parent = 2;
	/* A rule is no neighbour route, however much it looks like one. */
	nlh = with(with(listed(RULE), RULE, FRA_TABLE, RT_TABLE_MAIN), RULE, FRA_PRIORITY, 2);
	((struct fib_rule_hdr *)nlmsg_data(nlh))->dst_len = 32;
	no_place(NS, nlh);
	/* Nor is what lies in memory behind the last interface one. */
	memcpy((uint8_t *)&ledger + offsetof(struct ledger, dev) + sizeof(ledger.dev),
	    &(struct dev){ .slot = { true, 1 }, .ns = NS, .ifindex = 61 }, sizeof(struct dev));
	((struct ifaddrmsg *)nlmsg_data(nlh = listed(ADDRESS)))->ifa_index = 61;
	no_place(NS, nlh);
	((struct rtmsg *)nlmsg_data(nlh = listed(ROUTE)))->rtm_tos = 4;
	no_place(NS, nlh);
	((struct rtmsg *)nlmsg_data(nlh = listed(NEIGHBOUR)))->rtm_dst_len = 31;
	no_place(NS, nlh);
	(nlh = listed(ADDRESS))->nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)) - 1;
	no_place(NS, nlh);
	CU_ASSERT_FALSE(is_ours(nlh));
	(nlh = listed(ROUTE))->nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)) - 1;
	no_place(NS, nlh);
	CU_ASSERT_FALSE(is_ours(nlh));
}

/* The kernel may tell attributes in another order; not fewer, longer, or with other numbers. */
static void
test_attributes(void)
{
	enum { FIRST = NLMSG_HDRLEN + sizeof(struct fib_rule_hdr) };
	uint8_t turned[MESSAGE];
	struct nlmsghdr *nlh = listed(RULE);
	struct nlattr *a = nlmsg_find_attr(nlh, (int)head_of(RULE), FRA_PROTOCOL);
	size_t size = (size_t)nla_total_size(nla_len(a)), before = (size_t)((uint8_t *)a -
	    ((uint8_t *)nlh + FIRST));
	struct seen s;

	memcpy(turned, a, size);
	memmove((uint8_t *)nlh + FIRST + size, (uint8_t *)nlh + FIRST, before);
	memcpy((uint8_t *)nlh + FIRST, turned, size);
	CU_ASSERT(is(RULE, nlh, X_ROUTE_SAME));
	((struct fib_rule_hdr *)nlmsg_data(nlh = listed(RULE)))->family = AF_INET6;
	CU_ASSERT(is(RULE, nlh, X_ROUTE_OTHER));
	nlh = listed(ROUTE);
	CU_ASSERT(label_read(nlh, &s) && s.ifindex == IFINDEX);
	nlh->nlmsg_len--;
	CU_ASSERT(label_read(nlh, &s) && s.ifindex == 0);
	nlh->nlmsg_len -= 7;
	CU_ASSERT(is(ROUTE, nlh, X_ROUTE_ALTERED));
	nlh = listed(ROUTE);
	nlmsg_find_attr(nlh, (int)head_of(ROUTE), RTA_OIF)->nla_len += 4;
	nlh->nlmsg_len += 4;
	CU_ASSERT(is(ROUTE, nlh, X_ROUTE_ALTERED));
	CU_ASSERT(is(ADDRESS, with(listed(ADDRESS), ADDRESS, 32, 1), X_ROUTE_OTHER));
	CU_ASSERT(is(ADDRESS, with(listed(ADDRESS), ADDRESS, 32 + IFA_LABEL, 1), X_ROUTE_OTHER));
	/* One without content, and one behind it; one that leads nowhere. */
	nlh = listed(RULE);
	a = (struct nlattr *)((uint8_t *)nlh + nlh->nlmsg_len);
	a->nla_len = NLA_HDRLEN;
	a->nla_type = FRA_TUN_ID;
	nlh->nlmsg_len += NLA_HDRLEN;
	with(nlh, RULE, FRA_DST, htonl(77));
	CU_ASSERT(label_read(nlh, &s) && s.addr == 77);
	a->nla_len = 0;
	CU_ASSERT(label_read(nlh, &s) && s.addr == 0);
}

static void
test_label_borders(void)
{
	struct nlmsghdr *nlh;
	struct nl_msg *m;

	CU_ASSERT(label_table_is_ours(&conf, 251) && label_table_is_ours(&conf, 200));
	CU_ASSERT(label_table_is_ours(&conf, 1000) && label_table_is_ours(&conf, 1999));
	CU_ASSERT(is_ours(with(listed(RULE), RULE, FRA_PRIORITY, RULES + 1)));
	((struct rtmsg *)nlmsg_data(nlh = listed(ROUTE)))->rtm_family = AF_INET6;
	CU_ASSERT_FALSE(is_ours(nlh));
	((struct rtmsg *)nlmsg_data(nlh = listed(NEIGHBOUR)))->rtm_dst_len = 31;
	CU_ASSERT_FALSE(is_ours(nlh));
	((struct fib_rule_hdr *)nlmsg_data(nlh = listed(RULE)))->family = AF_INET6;
	CU_ASSERT_FALSE(is_ours(nlh));
	((struct ifaddrmsg *)nlmsg_data(nlh = listed(ADDRESS)))->ifa_family = AF_INET6;
	CU_ASSERT_FALSE(is_ours(nlh));
	/* Without a label. */
	nlmsg_find_attr(nlh = listed(ADDRESS), (int)head_of(ADDRESS), IFA_PROTO)->nla_type = 99;
	CU_ASSERT_FALSE(is_ours(nlh));
	nlmsg_find_attr(nlh = listed(RULE), (int)head_of(RULE), FRA_PROTOCOL)->nla_type = 99;
	CU_ASSERT_FALSE(is_ours(nlh));
	m = label_dump_request(RTM_GETADDR);
	CU_ASSERT_EQUAL(nlmsg_datalen(nlmsg_hdr(m)), sizeof(struct ifaddrmsg));
	nlmsg_free(m);
	m = label_dump_request(RTM_GETROUTE);
	CU_ASSERT_EQUAL(nlmsg_datalen(nlmsg_hdr(m)), sizeof(struct rtmsg));
	nlmsg_free(m);
	CU_ASSERT(x_route_is_gone(ESRCH) && x_route_is_gone(ENOENT) && x_route_is_gone(ENODEV));
	CU_ASSERT(x_route_is_gone(EADDRNOTAVAIL) && !x_route_is_gone(EPERM));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "what was made is found, and is the same", test_same },
		{ "another attribute, or one more, is noticed", test_altered },
		{ "so is another head", test_altered_heads },
		{ "what stands elsewhere is in nobody's place", test_no_place },
		{ "our label, and what only looks like it", test_labels },
		{ "attributes are not read beyond their message", test_malformed },
		{ "text, and removal of what was listed", test_text_and_removal },
		{ "slots from the first to the last", test_slots },
		{ "attributes in another order, number and length", test_attributes },
		{ "borders of our label", test_label_borders },
	};

	setup();
	return TAP_RUN(tests);
}
