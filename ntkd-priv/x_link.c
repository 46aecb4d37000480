/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/x_link.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet.h>
#include <netlink/route/link/macvlan.h>
#include <stdio.h>
#include <string.h>

#include "common/must.h"
#include "ntkd-priv/x_netns.h"
#include "ntkd-priv/x_sysctl.h"

/* Spec kernel-state 3, as netlink and as files. */
static const struct {
	int which;
	uint32_t value;
	const char *name;
} settings[] = {
	{ IPV4_DEVCONF_RP_FILTER, 0, "rp_filter" },
	{ IPV4_DEVCONF_ARP_IGNORE, 1, "arp_ignore" },
	{ IPV4_DEVCONF_ARP_ANNOUNCE, 2, "arp_announce" },
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

static bool
settings_are_right(struct rtnl_link *link)
{
	uint32_t value;

	for (size_t i = 0; i < SETTINGS; i++)
		if (rtnl_link_inet_get_conf(link, (unsigned)settings[i].which, &value) != 0 ||
		    value != settings[i].value)
			return false;
	return true;
}

int
x_link_read(struct nl_sock *rt, int ifindex, const char *name, struct link_facts *out)
{
	struct rtnl_link *link = NULL;
	struct nl_addr *mac;
	int n;

	memset(out, 0, sizeof(*out));
	n = rtnl_link_get_kernel(rt, ifindex, ifindex != 0 ? NULL : name, &link);
	/* An answer without a link counts as success there. */
	if (link == NULL)
		return n == -NLE_NODEV || n == -NLE_OBJ_NOTFOUND ? ENODEV :
		    n == -NLE_NOMEM ? ENOMEM : EIO;
	out->ifindex = rtnl_link_get_ifindex(link);
	out->up = (rtnl_link_get_flags(link) & IFF_UP) != 0;
	out->settings = settings_are_right(link);
	mac = rtnl_link_get_addr(link);
	if (mac != NULL && nl_addr_get_len(mac) == sizeof(out->mac.b))
		memcpy(out->mac.b, nl_addr_get_binary_addr(mac), sizeof(out->mac.b));
	snprintf(out->name, sizeof(out->name), "%s", rtnl_link_get_name(link));
	rtnl_link_put(link);
	return 0;
}

void
x_link_find(struct ledger *l, const struct conf *c)
{
	struct link_facts f;

	for (unsigned i = DEV_LO; i <= c->n_interfaces; i++)
		l->dev[i].slot.used = !dev_is_free(l, i);
	for (unsigned i = DEV_LO; i <= c->n_interfaces; i++) {
		struct dev *d = &l->dev[i];

		if (d->slot.used || x_link_read(l->ns[NS_DEFAULT].rt, 0, d->name, &f) != 0 ||
		    dev_is_managed(l, f.ifindex))
			continue;
		ledger_take(l, PRIV_H_DEV, i);
		d->ifindex = f.ifindex;
		d->mac = f.mac;
	}
}

int
x_link_each(struct nl_sock *rt, int (*each)(struct nl_sock *rt, struct rtnl_link *link))
{
	struct nl_cache *links;
	int error = 0;

	if (rt == NULL || rtnl_link_alloc_cache(rt, AF_UNSPEC, &links) != 0)
		return EIO;
	for (struct nl_object *o = nl_cache_get_first(links); o != NULL && error == 0;
	    o = nl_cache_get_next(o))
		error = each(rt, nl_object_priv(o));
	nl_cache_free(links);
	return error;
}

/* IFLA_AF_SPEC { AF_INET { IFLA_INET_CONF { which = value … } } } */
static void
settings_put(struct nl_msg *m)
{
	struct nlattr *spec = must(nla_nest_start(m, IFLA_AF_SPEC));
	struct nlattr *inet = must(nla_nest_start(m, AF_INET));
	struct nlattr *conf = must(nla_nest_start(m, IFLA_INET_CONF));

	for (size_t i = 0; i < SETTINGS; i++)
		nlq_put_u32(m, settings[i].which, settings[i].value);
	nla_nest_end(m, conf);
	nla_nest_end(m, inet);
	nla_nest_end(m, spec);
}

int
x_link_set(struct nl_sock *rt, int ifindex, unsigned what, const char *alias,
    struct nlq_error *err)
{
	const unsigned up = (what & LINK_UP) != 0 ? IFF_UP : 0;
	const struct ifinfomsg head = { .ifi_index = ifindex, .ifi_flags = up, .ifi_change = up };
	struct nl_msg *m = nlq_message(RTM_SETLINK, 0, &head, sizeof(head));

	if ((what & LINK_SETTINGS) != 0)
		settings_put(m);
	if (alias != NULL)
		must_be(nla_put_string(m, IFLA_IFALIAS, alias) == 0);
	return nlq_request(rt, m, err);
}

/*
 * In this mode it hears nobody but the senders that were named to it, and without an address the
 * kernel drops its routes.  Taking it down would wait for all that is under way, 10 ms for each.
 */
int
x_link_silence(struct nl_sock *rt, struct rtnl_link *link)
{
	const struct ifaddrmsg any = { .ifa_family = AF_INET,
		.ifa_index = (unsigned)rtnl_link_get_ifindex(link) };
	struct rtnl_link *deaf;
	struct nlq_error err;
	struct nl_msg *m;

	if (strncmp(rtnl_link_get_name(link), NETNS_PREFIX, strlen(NETNS_PREFIX)) != 0)
		return 0;
	deaf = must(rtnl_link_macvlan_alloc());
	rtnl_link_macvlan_set_mode(deaf, MACVLAN_MODE_SOURCE);
	must_be(rtnl_link_build_change_request(link, deaf, 0, &m) == 0);
	rtnl_link_put(deaf);
	nlq_request(rt, m, &err);
	while (nlq_request(rt, nlq_message(RTM_DELADDR, 0, &any, sizeof(any)), &err) == 0)
		;
	return 0;
}

static int
fail(struct nlq_error *err, int error, const char *text)
{
	err->error = error;
	snprintf(err->text, sizeof(err->text), "%s", text);
	return error;
}

static int
real_prepare(struct ledger *l, struct dev *d, struct nlq_error *err)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (x_sysctl_note(JOURNAL_INTERFACE, d->ifindex, d->name, settings[i].name) != 0)
			return fail(err, errno, "cannot note the interface's settings");
	return x_link_set(l->ns[NS_DEFAULT].rt, d->ifindex, LINK_SETTINGS | LINK_UP, NULL, err);
}

/* Makes D in its namespace; down, since settings cannot come with this message. */
static int
macvlan_request(struct ledger *l, const struct dev *d, struct nlq_error *err)
{
	struct rtnl_link *link = must(rtnl_link_macvlan_alloc());
	struct nl_msg *m;

	rtnl_link_set_link(link, l->dev[d->parent].ifindex);
	rtnl_link_set_name(link, d->name);
	rtnl_link_set_ns_fd(link, l->ns[d->ns].fd);
	rtnl_link_macvlan_set_mode(link, MACVLAN_MODE_PRIVATE);
	must_be(rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &m) == 0);
	rtnl_link_put(link);
	return nlq_request(l->ns[NS_DEFAULT].rt, m, err);
}

static int
pseudo_make(struct ledger *l, const struct obj *o, struct nlq_error *err)
{
	struct dev *d = &l->dev[o->dev];
	struct nl_sock *rt = l->ns[o->ns].rt;
	struct link_facts f;
	int error;

	*d = (struct dev){ .slot = d->slot, .ns = o->ns, .parent = o->via_dev };
	ledger_take(l, PRIV_H_DEV, o->dev);
	snprintf(d->name, sizeof(d->name), NETNS_PREFIX "%u_%u", l->ns[o->ns].number,
	    (unsigned)(o->via_dev - 1));
	error = macvlan_request(l, d, err);
	if (error != 0)
		return error;
	error = x_link_read(rt, 0, d->name, &f);
	if (error != 0)
		return fail(err, error, "the new pseudo-interface cannot be found");
	d->ifindex = f.ifindex;
	d->mac = f.mac;
	return x_link_set(rt, d->ifindex, LINK_SETTINGS | LINK_UP, l->dev[d->parent].name,
	    err);
}

static int
pseudo_remove(struct ledger *l, const struct obj *o, struct nlq_error *err)
{
	const struct dev *d = &l->dev[o->dev];
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC, .ifi_index = d->ifindex };
	int error = 0;

	if (d->ifindex != 0)
		error = nlq_request(l->ns[d->ns].rt, nlq_message(RTM_DELLINK, 0, &head,
		    sizeof(head)), err);
	if (error != 0 && error != ENODEV)
		return error;
	ledger_release(l, o);
	return 0;
}

int
x_link_change(struct ledger *l, const struct change *ch, struct nlq_error *err)
{
	const struct obj *o = change_subject(ch);
	struct nlq_error ignored;
	int error;

	if (dev_is_real(o->dev)) {
		error = ch->has_to ? real_prepare(l, &l->dev[o->dev], err) : 0;
		if (!ch->has_to || error != 0)
			x_sysctl_restore(l, JOURNAL_INTERFACE, l->dev[o->dev].ifindex);
		return error;
	}
	if (!ch->has_to)
		return pseudo_remove(l, o, err);
	error = pseudo_make(l, o, err);
	if (error != 0)
		pseudo_remove(l, o, &ignored);
	return error;
}
