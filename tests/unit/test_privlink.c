/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces as the helper reads, prepares, makes and removes them.  What is asked of the kernel
 * is answered by this test (--wrap); that the real one takes it so is tests/priv's to show.
 */
#include "ntkd-priv/x_link.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet.h>
#include <stdio.h>
#include <string.h>

#include "ntkd-priv/x_sysctl.h"
#include "tests/unit/tap.h"

enum { NS = 2, REAL = 1, PSEUDO = CONF_INTERFACES + 1, MADE = 44 };

static struct ledger ledger;
static char default_rt, inner_rt;	/* in the place of sockets */

static struct {
	struct rtnl_link *link;	/* what is read next; owned here */
	const char *only;	/* its name: others do not exist; NULL: whatever is asked for */
	int read_error;		/* of libnl */
	int asked;		/* index */
	char asked_name[CONF_IFNAME];
	int refused_type;	/* of the request that is refused */
	int error;
	unsigned made, removed, deleted, set;
	char alias[CONF_IFNAME];
	unsigned noted;
	unsigned note_fails;	/* from which on; 0: none */
	int restored;
	unsigned deaf;		/* interfaces */
	int addresses;		/* that MADE still has */
} k;

/* --- in the place of the kernel's --------------------------------------------------- */

int __wrap_rtnl_link_get_kernel(struct nl_sock *sk, int ifindex, const char *name,
    struct rtnl_link **out);
int __wrap_nlq_request(struct nl_sock *sk, struct nl_msg *m, struct nlq_error *err);
int __wrap_x_sysctl_note(enum journal_kind kind, int ifindex, const char *name, const char *what);
void __wrap_x_sysctl_restore(const struct ledger *l, enum journal_kind kind, int ifindex);

int
__wrap_rtnl_link_get_kernel(struct nl_sock *sk, int ifindex, const char *name,
    struct rtnl_link **out)
{
	CU_ASSERT((char *)sk == (k.only != NULL ? &default_rt : &inner_rt));
	k.asked = ifindex;
	snprintf(k.asked_name, sizeof(k.asked_name), "%s", name != NULL ? name : "");
	if (k.read_error != 0)
		return -k.read_error;
	if (k.only != NULL && strcmp(k.only, k.asked_name) != 0)
		return -NLE_NODEV;
	if (k.link != NULL)
		nl_object_get((struct nl_object *)k.link);
	*out = k.link;
	return 0;
}

static struct nlattr *
nested(struct nlattr *in, int type)
{
	return in != NULL ? nla_find(nla_data(in), nla_len(in), type) : NULL;
}

/* The mode that M asks for of a macvlan, 0 when it does not. */
static uint32_t
mode_of(struct nl_msg *m)
{
	struct nlattr *info = nlmsg_find_attr(nlmsg_hdr(m), sizeof(struct ifinfomsg), IFLA_LINKINFO);
	struct nlattr *kind = nested(info, IFLA_INFO_KIND);
	struct nlattr *mode = nested(nested(info, IFLA_INFO_DATA), IFLA_MACVLAN_MODE);

	return mode != NULL && kind != NULL && nla_strcmp(kind, "macvlan") == 0 ? nla_get_u32(mode) : 0;
}

/* The kernel removes one address of the interface, whichever, as long as there is one. */
static int
address_remove(struct nl_msg *m)
{
	const struct ifaddrmsg *head = nlmsg_data(nlmsg_hdr(m));

	CU_ASSERT(head->ifa_family == AF_INET && head->ifa_index == MADE);
	CU_ASSERT_EQUAL(nlmsg_attrlen(nlmsg_hdr(m), sizeof(*head)), 0);
	return k.addresses-- > 0 ? 0 : EADDRNOTAVAIL;
}

int
__wrap_nlq_request(struct nl_sock *sk, struct nl_msg *m, struct nlq_error *err)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(m);
	const struct ifinfomsg *head = nlmsg_data(nlh);
	struct nlattr *alias = nlmsg_find_attr(nlmsg_hdr(m), sizeof(*head), IFLA_IFALIAS);
	int error = nlh->nlmsg_type == k.refused_type ? k.error : 0;

	if (nlh->nlmsg_type == RTM_DELADDR)
		error = address_remove(m);
	if (mode_of(m) == MACVLAN_MODE_SOURCE && (char *)sk == &inner_rt) {
		CU_ASSERT(nlh->nlmsg_type == RTM_NEWLINK && (nlh->nlmsg_flags & NLM_F_CREATE) == 0);
		k.deaf |= 1U << (head->ifi_index - MADE);
	}
	k.made += nlh->nlmsg_type == RTM_NEWLINK && (char *)sk == &default_rt;
	k.deleted += nlh->nlmsg_type == RTM_DELLINK;
	k.removed += nlh->nlmsg_type == RTM_DELLINK && (char *)sk == &inner_rt &&
	    head->ifi_index == MADE;
	k.set += nlh->nlmsg_type == RTM_SETLINK && (head->ifi_flags & IFF_UP) != 0 &&
	    nlmsg_find_attr(nlmsg_hdr(m), sizeof(*head), IFLA_AF_SPEC) != NULL;
	if (alias != NULL)
		snprintf(k.alias, sizeof(k.alias), "%s", (const char *)nla_data(alias));
	nlmsg_free(m);
	err->error = error;
	return error;
}

int
__wrap_x_sysctl_note(enum journal_kind kind, int ifindex, const char *name, const char *what)
{
	static const char *const settings[] = { "rp_filter", "arp_ignore", "arp_announce" };

	CU_ASSERT(kind == JOURNAL_INTERFACE && ifindex == 7 && strcmp(name, "eth1") == 0);
	CU_ASSERT_STRING_EQUAL(what, settings[k.noted % 3]);
	errno = ENOSPC;
	return ++k.noted == k.note_fails ? ENOSPC : 0;
}

void
__wrap_x_sysctl_restore(const struct ledger *l, enum journal_kind kind, int ifindex)
{
	CU_ASSERT(l == &ledger && kind == JOURNAL_INTERFACE);
	k.restored = ifindex;
}

/* --- the stage ------------------------------------------------------------------------ */

static void
link_make(unsigned flags, size_t mac_len)
{
	static const uint8_t mac[8] = { 2, 0, 0, 0, 0, 9, 9, 9 };
	struct nl_addr *addr = nl_addr_build(AF_LLC, mac, mac_len);

	k.link = rtnl_link_alloc();
	rtnl_link_set_ifindex(k.link, MADE);
	rtnl_link_set_name(k.link, "ntkv9_0");
	rtnl_link_set_flags(k.link, flags);
	if (mac_len != 0)
		rtnl_link_set_addr(k.link, addr);
	nl_addr_put(addr);
	rtnl_link_inet_set_conf(k.link, IPV4_DEVCONF_RP_FILTER, 0);
	rtnl_link_inet_set_conf(k.link, IPV4_DEVCONF_ARP_IGNORE, 1);
	rtnl_link_inet_set_conf(k.link, IPV4_DEVCONF_ARP_ANNOUNCE, 2);
}

static void
begin(void)
{
	const struct conf conf = { .tables = { 251, 200 } };

	if (k.link != NULL)
		rtnl_link_put(k.link);
	memset(&k, 0, sizeof(k));
	ledger_init(&ledger, &conf);
	ledger.ns[NS_DEFAULT].rt = (struct nl_sock *)&default_rt;
	ledger.ns[NS].rt = (struct nl_sock *)&inner_rt;
	ledger.ns[NS].number = 9;
	ledger.dev[REAL] = (struct dev){ .slot = { true, 1 }, .parent = REAL, .ifindex = 7,
		.name = "eth1" };
	link_make(IFF_UP, 6);
}

static void
end(void)
{
	rtnl_link_put(k.link);
	k.link = NULL;
}

/* --- reading -------------------------------------------------------------------------- */

static int
reads(struct link_facts *f, int ifindex, const char *name)
{
	memset(f, 0xff, sizeof(*f));
	return x_link_read((struct nl_sock *)&inner_rt, ifindex, name, f);
}

static void
test_read(void)
{
	struct link_facts f;

	begin();
	CU_ASSERT_EQUAL(reads(&f, MADE, "ignored"), 0);
	CU_ASSERT(k.asked == MADE && k.asked_name[0] == '\0');
	CU_ASSERT(f.ifindex == MADE && f.up && f.settings && f.mac.b[0] == 2 && f.mac.b[5] == 9);
	CU_ASSERT_STRING_EQUAL(f.name, "ntkv9_0");
	CU_ASSERT_EQUAL(reads(&f, 0, "ntkv9_0"), 0);
	CU_ASSERT(k.asked == 0 && strcmp(k.asked_name, "ntkv9_0") == 0);
	/* Down; without an Ethernet address. */
	for (size_t len = 0; len <= 8; len += 4) {
		rtnl_link_put(k.link);
		link_make(IFF_RUNNING, len);
		CU_ASSERT_EQUAL(reads(&f, MADE, NULL), 0);
		CU_ASSERT(!f.up && f.mac.b[0] == 0 && f.mac.b[5] == 0);
	}
	end();
}

static void
test_read_settings(void)
{
	static const int settings[] = { IPV4_DEVCONF_RP_FILTER, IPV4_DEVCONF_ARP_IGNORE,
		IPV4_DEVCONF_ARP_ANNOUNCE };
	struct link_facts f;

	for (size_t i = 0; i < 3; i++) {
		begin();
		rtnl_link_inet_set_conf(k.link, (unsigned)settings[i], 5);
		CU_ASSERT_EQUAL(reads(&f, MADE, NULL), 0);
		CU_ASSERT_FALSE(f.settings);
	}
	/* None were told. */
	rtnl_link_put(k.link);
	k.link = rtnl_link_alloc();
	rtnl_link_set_name(k.link, "bare");
	CU_ASSERT_EQUAL(reads(&f, MADE, NULL), 0);
	CU_ASSERT(!f.settings && f.ifindex == 0);
	end();
}

static void
test_read_fails(void)
{
	static const int errors[][2] = { { NLE_NODEV, ENODEV }, { NLE_OBJ_NOTFOUND, ENODEV },
		{ NLE_NOMEM, ENOMEM }, { NLE_AGAIN, EIO } };
	struct link_facts f;

	begin();
	for (size_t i = 0; i < 4; i++) {
		k.read_error = errors[i][0];
		CU_ASSERT_EQUAL(reads(&f, MADE, NULL), errors[i][1]);
		CU_ASSERT(f.ifindex == 0 && !f.up && f.name[0] == '\0');
	}
	/* An answer without a link is no success. */
	k.read_error = 0;
	rtnl_link_put(k.link);
	k.link = NULL;
	CU_ASSERT_EQUAL(reads(&f, MADE, NULL), EIO);
}

/* --- finding -------------------------------------------------------------------------- */

/* The interface NAME is there now, as number IFINDEX, and no other one of ours. */
static void
finds(const char *name, int ifindex)
{
	const struct conf c = { .n_interfaces = 2 };

	k.only = name;
	rtnl_link_set_ifindex(k.link, ifindex);
	x_link_find(&ledger, &c);
}

/* Interface I of the ledger: not there (GENERATION 0), or so. */
static void
dev_is(unsigned i, uint16_t generation, int ifindex)
{
	const struct dev *d = &ledger.dev[i];

	CU_ASSERT_EQUAL(d->slot.used, generation != 0);
	if (generation == 0)
		return;
	CU_ASSERT(d->slot.generation == generation && d->ifindex == ifindex);
	CU_ASSERT(d->mac.b[0] == 2 && d->mac.b[5] == 9);
}

static void
enter(bool comes, uint8_t kind, uint16_t dev, uint16_t via_dev)
{
	const struct obj o = { .kind = kind, .dev = dev, .via_dev = via_dev };
	const struct change ch = { !comes, comes, o, o };

	ledger_apply(&ledger, &ch);
}

static void
test_find(void)
{
	begin();
	memcpy(ledger.dev[REAL + 1].name, "eth2", sizeof("eth2"));
	ledger.dev[REAL + 1].parent = REAL + 1;
	finds("eth2", 8);
	dev_is(DEV_LO, 0, 0);
	dev_is(REAL, 0, 0);
	dev_is(REAL + 1, 1, 8);
	/* Another handle each time, whoever it is. */
	finds("eth2", 8);
	dev_is(REAL + 1, 2, 8);
	finds("eth1", 9);
	dev_is(REAL, 2, 9);
	dev_is(REAL + 1, 0, 0);
	finds("lo", 1);
	dev_is(DEV_LO, 1, 1);
	/* What the kernel does not tell now is not there; interfaces that nobody wants are not looked at. */
	memcpy(ledger.dev[3].name, "eth3", sizeof("eth3"));
	finds("eth3", 10);
	dev_is(3, 0, 0);
	k.read_error = NLE_NOMEM;
	finds("eth1", 9);
	dev_is(REAL, 0, 0);
	end();
}

/* Whatever became of its name. */
static void
test_find_kept(void)
{
	begin();
	memcpy(ledger.dev[REAL + 1].name, "eth2", sizeof("eth2"));
	finds("eth1", 9);
	enter(true, OBJ_DEV, REAL, 0);
	finds("eth1", 10);
	dev_is(REAL, 2, 9);
	/* It has the other's name now: which is none until the first is given up. */
	finds("eth2", 9);
	dev_is(REAL, 2, 9);
	dev_is(REAL + 1, 0, 0);
	/* Not before the pseudo-interface on it is. */
	enter(true, OBJ_DEV, PSEUDO, REAL);
	enter(false, OBJ_DEV, REAL, 0);
	finds("eth2", 9);
	dev_is(REAL, 2, 9);
	dev_is(REAL + 1, 0, 0);
	enter(false, OBJ_DEV, PSEUDO, REAL);
	finds("eth2", 9);
	dev_is(REAL, 0, 0);
	dev_is(REAL + 1, 1, 9);
	end();
}

/* --- changing ------------------------------------------------------------------------- */

static int
change(bool to, uint16_t dev, struct nlq_error *err)
{
	const struct obj o = { .kind = OBJ_DEV, .ns = dev == REAL ? NS_DEFAULT : NS, .dev = dev,
		.via_dev = dev == REAL ? 0 : REAL };
	const struct change ch = { !to, to, to ? (struct obj){ 0 } : o, to ? o : (struct obj){ 0 } };

	memset(err, 0, sizeof(*err));
	return x_link_change(&ledger, &ch, err);
}

/* A real interface is changed only when all of it has been noted. */
static void
test_real(void)
{
	struct nlq_error err;

	begin();
	CU_ASSERT_EQUAL(change(true, REAL, &err), 0);
	CU_ASSERT(k.noted == 3 && k.set == 1 && k.alias[0] == '\0' && k.made == 0);
	CU_ASSERT_EQUAL(k.restored, 0);
	for (unsigned i = 1; i <= 3; i++) {
		k.noted = k.set = 0;
		k.note_fails = i;
		CU_ASSERT_EQUAL(change(true, REAL, &err), ENOSPC);
		CU_ASSERT_EQUAL(err.error, ENOSPC);
		CU_ASSERT_STRING_EQUAL(err.text, "cannot note the interface's settings");
		CU_ASSERT(k.noted == i && k.set == 0);
		/* Nothing of it is remembered for ever. */
		CU_ASSERT_EQUAL(k.restored, 7);
		k.restored = 0;
	}
	k.note_fails = 0;
	k.refused_type = RTM_SETLINK;
	k.error = EPERM;
	CU_ASSERT_EQUAL(change(true, REAL, &err), EPERM);
	CU_ASSERT_EQUAL(k.restored, 7);
	k.restored = 0;
	CU_ASSERT_EQUAL(change(false, REAL, &err), 0);
	CU_ASSERT(k.restored == 7 && k.removed == 0 && ledger.dev[REAL].slot.used);
	end();
}

static void
test_pseudo(void)
{
	const struct dev *d = &ledger.dev[PSEUDO];
	struct nlq_error err;

	begin();
	CU_ASSERT_EQUAL(change(true, PSEUDO, &err), 0);
	CU_ASSERT(k.made == 1 && k.set == 1 && k.noted == 0 && strcmp(k.alias, "eth1") == 0);
	CU_ASSERT(d->slot.used && d->ns == NS && d->parent == REAL && d->ifindex == MADE);
	CU_ASSERT(d->mac.b[0] == 2 && d->mac.b[5] == 9 && strcmp(d->name, "ntkv9_0") == 0);
	CU_ASSERT(k.asked == 0 && strcmp(k.asked_name, "ntkv9_0") == 0);
	/* What cannot be removed keeps its slot; what is gone does not. */
	k.refused_type = RTM_DELLINK;
	k.error = EBUSY;
	CU_ASSERT_EQUAL(change(false, PSEUDO, &err), EBUSY);
	CU_ASSERT(d->slot.used && k.removed == 1);
	k.error = ENODEV;
	CU_ASSERT_EQUAL(change(false, PSEUDO, &err), 0);
	CU_ASSERT(!d->slot.used && k.removed == 2 && k.restored == 0);
	end();
}

/* Nothing stays of what could be made only in part. */
static void
test_pseudo_fails(void)
{
	const struct dev *d = &ledger.dev[PSEUDO];
	struct nlq_error err;

	begin();
	k.refused_type = RTM_NEWLINK;
	k.error = EOPNOTSUPP;
	CU_ASSERT_EQUAL(change(true, PSEUDO, &err), EOPNOTSUPP);
	CU_ASSERT(!d->slot.used && k.removed == 0 && k.set == 0 && k.asked_name[0] == '\0');
	k.refused_type = RTM_SETLINK;
	CU_ASSERT_EQUAL(change(true, PSEUDO, &err), EOPNOTSUPP);
	CU_ASSERT(!d->slot.used && k.removed == 1);
	k.refused_type = 0;
	k.set = 0;
	k.read_error = NLE_NODEV;
	CU_ASSERT_EQUAL(change(true, PSEUDO, &err), ENODEV);
	CU_ASSERT_STRING_EQUAL(err.text, "the new pseudo-interface cannot be found");
	/* Without an index nothing is removed: index 0 is nobody's. */
	CU_ASSERT_EQUAL(k.deleted, 1);
	CU_ASSERT(err.error == ENODEV && !d->slot.used && k.removed == 1 && k.set == 0);
	end();
}

/* --- silencing ----------------------------------------------------------------------- */

static int
silences(int ifindex, const char *name)
{
	rtnl_link_set_ifindex(k.link, ifindex);
	rtnl_link_set_name(k.link, name);
	return x_link_silence((struct nl_sock *)&inner_rt, k.link);
}

static void
test_silence(void)
{
	static const char *const others[] = { "lo", "eth1", "ntk0", "xntkv9_0", "NTKV9_0", "" };

	begin();
	k.addresses = 3;
	for (int i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(silences(MADE + i, others[i]), 0);
	CU_ASSERT(k.deaf == 0 && k.addresses == 3 && k.set == 0 && k.deleted == 0);
	CU_ASSERT_EQUAL(silences(MADE, "ntkv9_0"), 0);
	CU_ASSERT(k.deaf == 1 && k.addresses == -1);
	/* Whatever the kernel says to the one, the other is tried, and the next interface's turn comes. */
	k.deaf = 0;
	k.addresses = 1;
	k.refused_type = RTM_NEWLINK;
	k.error = EPERM;
	CU_ASSERT_EQUAL(silences(MADE, "ntkv10_3"), 0);
	CU_ASSERT(k.deaf == 1 && k.addresses == -1);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "what is read of an interface", test_read },
		{ "settings that are not as they should be", test_read_settings },
		{ "an interface that cannot be read", test_read_fails },
		{ "interfaces are found by name", test_find },
		{ "what is in use stays what it was", test_find_kept },
		{ "a real interface", test_real },
		{ "a pseudo-interface", test_pseudo },
		{ "a pseudo-interface that cannot be made whole", test_pseudo_fails },
		{ "a pseudo-interface of a namespace that goes", test_silence },
	};

	return TAP_RUN(tests);
}
