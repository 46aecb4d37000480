/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/nics.h"

#include <limits.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

enum {
	LOWER_UP = 0x10000,	/* IFF_LOWER_UP, which net/if.h lacks */
	MAC_BYTES = 6,
};

/* Statistics are long, and nobody here reads them. */
#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

const char *
nic_problem(uint16_t type, uint32_t flags, bool is_port)
{
	if ((flags & IFF_LOOPBACK) != 0)
		return "is the loopback interface: name one that leads to neighbours";
	if (type != ARPHRD_ETHER || (flags & IFF_BROADCAST) == 0 ||
	    (flags & (IFF_NOARP | IFF_POINTOPOINT)) != 0)
		return "is not an Ethernet-like interface with broadcast and ARP; Netsukuku tells "
		    "neighbours by their hardware addresses";
	if (is_port)
		return "is a port of a bridge, bond or VRF: name that one, or take the interface "
		    "out of it";
	return NULL;
}

bool
nic_is_usable(const struct nic_state *s)
{
	return s->present && s->up && s->carrier && s->problem == NULL;
}

void
nics_init(struct nics *n, const struct conf *c, nics_told *tell, void *arg)
{
	memset(n, 0, sizeof(*n));
	n->n = c->n_interfaces;
	for (size_t i = 0; i < n->n; i++)
		memcpy(n->v[i].name, c->interfaces[i].name, sizeof(n->v[i].name));
	n->tell = tell;
	n->arg = arg;
}

size_t
nics_ask(struct nics *n, void *buf)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
		struct rtattr attr;
		uint32_t mask;
	} ask = {
		.head = { sizeof(ask), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 0, 0 },
		.info = { .ifi_family = AF_UNSPEC },
		.attr = { RTA_LENGTH(sizeof(ask.mask)), IFLA_EXT_MASK },
		.mask = RTEXT_FILTER_SKIP_STATS,
	};

	_Static_assert(sizeof(ask) <= NICS_REQUEST, "a question fits");
	if (n->seq != 0) {
		n->again = true;
		return 0;
	}
	n->last_seq = n->last_seq == UINT32_MAX ? 1 : n->last_seq + 1;
	n->seq = ask.head.nlmsg_seq = n->last_seq;
	n->again = n->failed = false;
	for (size_t i = 0; i < n->n; i++)
		n->v[i].seen = false;
	memcpy(buf, &ask, sizeof(ask));
	return sizeof(ask);
}

static void
gone(struct nics *n, struct nic *v)
{
	if (!v->now.present)
		return;
	v->now = (struct nic_state){ .present = false };
	n->tell((size_t)(v - n->v), NIC_GONE, &v->now, n->arg);
}

static void
changed(struct nics *n, struct nic *v, const struct nic_state *now)
{
	bool usable, was;

	if (v->now.ifindex != now->ifindex || mac_cmp(v->now.mac, now->mac) != 0)
		gone(n, v);
	was = nic_is_usable(&v->now);
	usable = nic_is_usable(now);
	/* Not yet usable is news, too, and so is another reason. */
	if (usable == was && v->now.present && v->now.up == now->up &&
	    v->now.carrier == now->carrier && v->now.problem == now->problem)
		return;
	v->now = *now;
	n->tell((size_t)(v - n->v), usable ? NIC_UP : NIC_DOWN, &v->now, n->arg);
}

/* Attributes that are read; a message with one of another kind is passed over. */
static struct nla_policy attrs[IFLA_MAX + 1] = {
	[IFLA_IFNAME] = { .type = NLA_STRING, .maxlen = IF_NAMESIZE },
};

static void
read_link(struct nics *n, struct nlmsghdr *h)
{
	const struct ifinfomsg *info = nlmsg_data(h);
	struct nlattr *tb[IFLA_MAX + 1];
	struct nic_state now = { .present = true };
	const char *name;

	/* Bridges tell of their ports in the same messages, with a family. */
	if (nlmsg_parse(h, sizeof(*info), tb, IFLA_MAX, attrs) < 0 || tb[IFLA_IFNAME] == NULL ||
	    info->ifi_family != AF_UNSPEC || info->ifi_index <= 0)
		return;
	name = nla_get_string(tb[IFLA_IFNAME]);
	now.ifindex = (uint32_t)info->ifi_index;
	now.up = (info->ifi_flags & IFF_UP) != 0;
	now.carrier = (info->ifi_flags & IFF_RUNNING) != 0 && (info->ifi_flags & LOWER_UP) != 0;
	now.problem = nic_problem(info->ifi_type, info->ifi_flags, tb[IFLA_MASTER] != NULL);
	if (tb[IFLA_ADDRESS] != NULL && nla_len(tb[IFLA_ADDRESS]) == MAC_BYTES)
		memcpy(now.mac.b, nla_data(tb[IFLA_ADDRESS]), MAC_BYTES);
	else if (now.problem == NULL)
		return;
	for (size_t i = 0; i < n->n; i++) {
		struct nic *v = &n->v[i];
		bool named = strcmp(v->name, name) == 0;

		v->seen = v->seen || named;
		if (h->nlmsg_type == RTM_DELLINK || !named) {
			if (v->now.ifindex == now.ifindex)
				gone(n, v);
		} else {
			changed(n, v, &now);
		}
	}
}

/* The question was answered; what was not named is not there. */
static void
answered(struct nics *n)
{
	n->seq = 0;
	/* The list that was interrupted may lack what is there. */
	for (size_t i = 0; i < n->n && !n->again; i++)
		if (!n->v[i].seen)
			gone(n, &n->v[i]);
}

static bool
is_answer(const struct nics *n, const struct nlmsghdr *h)
{
	return n->seq != 0 && h->nlmsg_seq == n->seq;
}

bool
nics_read(struct nics *n, const void *buf, size_t len)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(uintptr_t)buf;
	int left = len < INT_MAX ? (int)len : INT_MAX;
	bool over = false;

	for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		if (is_answer(n, h) && (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
			n->again = true;
		if (h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_DELLINK) {
			read_link(n, h);
		} else if (is_answer(n, h) && h->nlmsg_type == NLMSG_DONE) {
			answered(n);
			over = true;
		} else if (is_answer(n, h) && h->nlmsg_type == NLMSG_ERROR) {
			n->seq = 0;
			n->failed = true;
		}
	}
	return over && n->again;
}
