/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/netdump.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <string.h>

#include "common/nlq.h"
#include "ntkd/io/nics.h"

enum {
	ATTR_IFA_PROTO = 11,	/* IFA_PROTO, Linux 5.18 */
	BUFFER = 1 << 20,	/* of a netlink socket, bytes */
};

/* One dump: what it looks for and what it found. */
struct dump {
	const struct conf *conf;
	uint32_t *devs;
	const struct overlap_rules *rules;
	char *err;
	bool failed;		/* ERR says why; the rest of the dump is passed over */
};

static void
fail(struct dump *d, const char *name, const char *why)
{
	if (!d->failed)
		snprintf(d->err, CONF_ERROR, "interface %s: %s", name, why);
	d->failed = true;
}

/* Gives every message that answers a dump request of TYPE with HEAD (LEN bytes) to EACH. */
static bool
dump(int type, const void *head, size_t len, nlq_each *each, struct dump *d)
{
	struct nl_sock *sk = nlq_open(NETLINK_ROUTE, BUFFER);
	bool ok = sk != NULL && nlq_dump(sk, nlq_message(type, 0, head, len), each, d) == 0;

	if (!ok && !d->failed) {
		snprintf(d->err, CONF_ERROR, "the kernel does not answer over rtnetlink");
		d->failed = true;
	}
	nl_socket_free(sk);
	return !d->failed;
}

/* Attributes that are read; a message with one of another length is passed over. */
static struct nla_policy link_attrs[IFLA_MAX + 1] = {
	[IFLA_IFNAME] = { .type = NLA_STRING, .maxlen = IF_NAMESIZE },
};
static struct nla_policy addr_attrs[ATTR_IFA_PROTO + 1] = {
	[ATTR_IFA_PROTO] = { .type = NLA_U8 },
};
static struct nla_policy route_attrs[RTA_MAX + 1] = {
	[RTA_TABLE] = { .type = NLA_U32 },
	[RTA_OIF] = { .type = NLA_U32 },
};

static void
on_link(const struct nlmsghdr *nlh, void *arg)
{
	struct dump *d = arg;
	struct nlmsghdr *head = (struct nlmsghdr *)(uintptr_t)nlh;
	struct nlattr *tb[IFLA_MAX + 1];
	struct ifinfomsg *info = nlmsg_data(head);
	const char *name, *problem;

	if (head->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(head, sizeof(*info), tb, IFLA_MAX, link_attrs) < 0 || tb[IFLA_IFNAME] == NULL)
		return;
	name = nla_get_string(tb[IFLA_IFNAME]);
	for (size_t i = 0; i < d->conf->n_interfaces; i++) {
		if (strcmp(name, d->conf->interfaces[i].name) != 0)
			continue;
		d->devs[i] = (uint32_t)info->ifi_index;
		problem = nic_problem(info->ifi_type, info->ifi_flags, tb[IFLA_MASTER] != NULL);
		if (problem != NULL)
			fail(d, name, problem);
	}
}

bool
netdump_interfaces(const struct conf *c, uint32_t *devs, char *err)
{
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct dump d = { .conf = c, .devs = devs, .err = err };

	memset(devs, 0, sizeof(*devs) * CONF_INTERFACES);
	if (!dump(RTM_GETLINK, &head, sizeof(head), on_link, &d))
		return false;
	for (size_t i = 0; i < c->n_interfaces && !d.failed; i++)
		if (devs[i] != 0)
			return true;
	fail(&d, c->interfaces[0].name, c->n_interfaces == 1 ? "there is no such interface; "
	    "\"ip link\" lists those there are" : "there is no such interface, nor any other of the "
	    "configuration; \"ip link\" lists those there are");
	return !d.failed;
}

static void
overlaps(struct dump *d, const char *object, uint32_t dev)
{
	char name[IF_NAMESIZE], range[PREFIX_TEXT];

	if (d->failed)
		return;
	if (dev != 0 && if_indextoname(dev, name) == NULL)
		snprintf(name, sizeof(name), "%u", dev);
	snprintf(d->err, CONF_ERROR, "range %s overlaps the %s%s%s of this host: remove that, choose "
	    "another range, or set allow-overlap = true", prefix_print(d->rules->range, range),
	    object, dev != 0 ? " on interface " : "", dev != 0 ? name : "");
	d->failed = true;
}

static ntk_ip_t
attr_ip(const struct nlattr *a)
{
	return a != NULL && nla_len(a) == 4 ? ntohl(nla_get_u32(a)) : 0;
}

static void
on_addr(const struct nlmsghdr *nlh, void *arg)
{
	struct dump *d = arg;
	struct nlmsghdr *head = (struct nlmsghdr *)(uintptr_t)nlh;
	struct nlattr *tb[ATTR_IFA_PROTO + 1];
	struct ifaddrmsg *info = nlmsg_data(head);
	struct overlap_addr a;
	char text[OVERLAP_TEXT];

	if (d->failed || head->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse(head, sizeof(*info), tb, ATTR_IFA_PROTO, addr_attrs) < 0 ||
	    info->ifa_family != AF_INET || info->ifa_prefixlen > 32)
		return;
	a.dev = info->ifa_index;
	a.net.len = info->ifa_prefixlen;
	a.net.addr = attr_ip(tb[IFA_ADDRESS]) & prefix_mask(a.net.len);
	a.local = tb[IFA_LOCAL] != NULL ? attr_ip(tb[IFA_LOCAL]) : attr_ip(tb[IFA_ADDRESS]);
	a.protocol = tb[ATTR_IFA_PROTO] != NULL ? nla_get_u8(tb[ATTR_IFA_PROTO]) : 0;
	if (overlap_addr(d->rules, &a))
		overlaps(d, overlap_addr_print(&a, text), a.dev);
}

static void
devs_add(struct overlap_route *r, uint32_t dev)
{
	if (r->n_devs < OVERLAP_DEVS)
		r->devs[r->n_devs++] = dev;
}

static void
multipath_read(struct overlap_route *r, struct nlattr *a)
{
	struct rtnexthop *hop = nla_data(a);
	size_t left = (size_t)nla_len(a);

	while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
		size_t step = RTNH_ALIGN((size_t)hop->rtnh_len);

		devs_add(r, (uint32_t)hop->rtnh_ifindex);
		left = step < left ? left - step : 0;
		hop = RTNH_NEXT(hop);
	}
}

static void
on_route(const struct nlmsghdr *nlh, void *arg)
{
	struct dump *d = arg;
	struct nlmsghdr *head = (struct nlmsghdr *)(uintptr_t)nlh;
	struct nlattr *tb[RTA_MAX + 1];
	struct rtmsg *info = nlmsg_data(head);
	struct overlap_route r = { .n_devs = 0 };
	char text[OVERLAP_TEXT];

	if (d->failed || head->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(head, sizeof(*info), tb, RTA_MAX, route_attrs) < 0 ||
	    info->rtm_family != AF_INET || info->rtm_dst_len > 32)
		return;
	r.dst = (ntk_prefix_t){ attr_ip(tb[RTA_DST]), info->rtm_dst_len };
	r.table = tb[RTA_TABLE] != NULL ? nla_get_u32(tb[RTA_TABLE]) : info->rtm_table;
	r.protocol = info->rtm_protocol;
	if (tb[RTA_OIF] != NULL)
		devs_add(&r, nla_get_u32(tb[RTA_OIF]));
	if (tb[RTA_MULTIPATH] != NULL)
		multipath_read(&r, tb[RTA_MULTIPATH]);
	if (overlap_route(d->rules, &r))
		overlaps(d, overlap_route_print(&r, text), r.n_devs != 0 ? r.devs[0] : 0);
}

bool
netdump_overlap(const struct overlap_rules *r, char *err)
{
	struct ifaddrmsg addr = { .ifa_family = AF_INET };
	struct rtmsg route = { .rtm_family = AF_INET };
	struct dump d = { .rules = r, .err = err };

	return dump(RTM_GETADDR, &addr, sizeof(addr), on_addr, &d) &&
	    dump(RTM_GETROUTE, &route, sizeof(route), on_route, &d);
}
