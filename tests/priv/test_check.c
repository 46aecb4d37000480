/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drift with a real ntkd-priv and a real kernel: behind the helper's back each kind of
 * thing is taken away or altered; a check puts it back to the byte, tells of it, and
 * the next one finds nothing.  What is somebody else's stays.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/socket.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/nlq.h"
#include "tests/priv/place.h"
#include "tests/unit/tap.h"

/* How many of each fate a check tells. */
struct fates {
	uint32_t repaired;
	uint32_t failed;
	uint32_t removed;
	uint32_t foreign;
};

static bool
check_tells(struct place *p, uint32_t ns, struct fates want)
{
	const struct priv_checked *c = &p->c.checked;
	enum client_end end = client_check(&p->c, ns);

	if (end == CLIENT_DONE && c->repaired == want.repaired && c->failed == want.failed &&
	    c->removed == want.removed && c->foreign == want.foreign)
		return true;
	tap_note("end %d; compared %u, repaired %u, failed %u, removed %u, foreign %u", end,
	    c->compared, c->repaired, c->failed, c->removed, c->foreign);
	for (size_t i = 0; end == CLIENT_DONE && i < p->c.n_differences; i++)
		tap_note("%s %s: fate %u, %s", p->c.differences[i].kind, p->c.differences[i].object,
		    p->c.differences[i].fate, strerror(p->c.differences[i].error));
	return false;
}

static bool
told(const struct place *p, size_t i, enum priv_fate fate, const char *kind, const char *object)
{
	const struct priv_difference *d = &p->c.differences[i];

	if (i < p->c.n_differences && d->fate == fate && strcmp(d->kind, kind) == 0 &&
	    strcmp(d->object, object) == 0)
		return true;
	tap_note("told: fate %u, %s '%s'", d->fate, d->kind, d->object);
	return false;
}

/* A little of everything, in the default namespace and in one of ours. */
static bool
world_make(struct place *p)
{
	struct client *c = &p->c;
	bool ok = place_open(p, NULL) && place_build(p);

	ok = ok && done(c, OP(peer_take, MAC_2));
	CU_ASSERT_FATAL(ok);
	ok &= done(c, OP(mark_on, p->ns, client_made(c, 0)));
	ok &= done(c, OP(addr_add, p->lo, NET(32)));
	ok &= done(c, OP(route_set, p->ns, p->peer, NET(20), 30, UNREACHABLE, 0, 0, 0));
	ok &= done(c, OP(route_set, p->ns, 0, DST, UNICAST, p->eth1, PEER_LL, GLOBAL));
	ok &= done(c, OP(route_set, p->ns, 0, NET(20), 30, BLACKHOLE, 0, 0, 0));
	ok &= done(c, OP(rule_on, p->ns, 0));
	ok &= done(c, OP(neigh_set, p->dev2, PEER_LL, OWN_LL));
	ok &= done(c, OP(route_set, p->ns2, p->peer, DST, UNICAST, p->dev2, PEER_LL, 0));
	ok &= done(c, OP(rule_on, p->ns2, p->peer));
	ok &= done(c, OP(mark_on, p->ns2, p->peer));
	CU_ASSERT_FATAL(ok);
	/* The first check learns what our nftables look like. */
	ok &= check_tells(p, p->ns, (struct fates){ 0, 0, 0, 0 });
	ok &= check_tells(p, p->ns2, (struct fates){ 0, 0, 0, 0 });
	CU_ASSERT_FATAL(ok);
	return ok;
}

/* --- addresses with a label, which not every ip(8) can make ---------------------- */

/* Makes ADDR/32 on DEV, or changes what of it can be changed; LIFE is in seconds, or for ever. */
static int
address_put(const char *dev, uint32_t addr, uint8_t scope, uint8_t protocol, uint32_t life)
{
	const struct ifaddrmsg head = { .ifa_family = AF_INET, .ifa_prefixlen = 32,
		.ifa_scope = scope, .ifa_index = if_nametoindex(dev) };
	const struct ifa_cacheinfo info = { .ifa_prefered = life, .ifa_valid = life };
	struct nl_sock *sk = nlq_open(NETLINK_ROUTE, 1 << 16);
	struct nl_msg *m = nlq_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head,
	    sizeof(head));
	struct nlq_error err;
	int error;

	nlq_put_u32(m, IFA_LOCAL, htonl(addr));
	nlq_put_u32(m, IFA_ADDRESS, htonl(addr));
	nlq_put_u8(m, IFA_PROTO, protocol);
	nla_put(m, IFA_CACHEINFO, sizeof(info), &info);
	error = sk != NULL ? nlq_request(sk, m, &err) : errno;
	nl_socket_free(sk);
	return error;
}

enum { LABEL = 15, OTHER = 99, LINK_SCOPE = RT_SCOPE_LINK };
#define FOR_EVER UINT32_MAX

static int
address_expires(void)
{
	return address_put("eth1", GLOBAL, 0, LABEL, 1000);
}

static int
address_of_other_scope(void)
{
	return system("ip address del 10.0.0.22/32 dev eth1") ||
	    address_put("eth1", GLOBAL, LINK_SCOPE, LABEL, FOR_EVER);
}

static int
address_extra(void)
{
	return address_put("eth2", NET(9), 0, LABEL, FOR_EVER);
}

static int
address_of_others(void)
{
	return address_put("eth1", GLOBAL, 0, OTHER, FOR_EVER);
}

static int
address_of_ours(void)
{
	return address_put("eth1", GLOBAL, 0, LABEL, FOR_EVER);
}

/* --- one by one ------------------------------------------------------------- */

#define INSIDE "ip netns exec ntkv1 "
/* A route replaced by the same with something else. */
#define REPLACED(what) "ip route replace " what " table 250 proto ntk metric 1"

static const struct drift {
	const char *command;
	bool inside;		/* the namespace of ours */
	struct fates want;
	const char *kind;	/* of the first difference */
	const char *object;
} drifts[] = {
	{ "ip route del 10.0.0.16/30 table 250", false, { 1, 0, 0, 0 }, "route",
	    "10.0.0.16/30 table 250" },
	{ "ip route del blackhole 10.0.0.20/30 table 251", false, { 1, 0, 0, 0 }, "route",
	    "10.0.0.20/30 table 251" },
	{ "ip route flush table 250", false, { 2, 0, 0, 0 }, "route", "10.0.0.16/30 table 250" },
	{ "ip route add 169.254.1.1 dev eth2 &&"
	    REPLACED("10.0.0.16/30 via 169.254.1.1 dev eth2") " && ip route del 169.254.1.1 dev eth2",
	    false, { 1, 0, 0, 0 }, "route", "10.0.0.16/30 table 250" },
	{ REPLACED("unreachable 10.0.0.16/30"), false, { 1, 0, 0, 0 }, "route",
	    "10.0.0.16/30 table 250" },
	{ REPLACED("blackhole 10.0.0.20/30"), false, { 1, 0, 0, 0 }, "route",
	    "10.0.0.20/30 table 250" },
	{ REPLACED("10.0.0.16/30 via 169.254.69.30 dev eth1 src 10.0.0.22"), false, { 1, 0, 0, 0 },
	    "route", "10.0.0.16/30 table 250" },
	{ REPLACED("10.0.0.16/30 via 169.254.69.30 dev eth1 mtu 600"), false, { 1, 0, 0, 0 },
	    "route", "10.0.0.16/30 table 250" },
	/* A second one beside ours: whichever is found first, the right one stays alone. */
	{ "ip route append unreachable 10.0.0.16/30 table 250 proto ntk metric 1", false,
	    { 0, 0, 1, 0 }, "route", "10.0.0.16/30 table 250" },
	{ "ip route prepend unreachable 10.0.0.16/30 table 250 proto ntk metric 1", false,
	    { 1, 0, 1, 0 }, "route", "10.0.0.16/30 table 250" },
	{ "ip route del 169.254.69.30 dev eth1", false, { 1, 0, 0, 0 }, "neighbour route",
	    "169.254.69.30 dev eth1" },
	{ "ip route replace 169.254.69.30 dev eth2 src 169.254.94.2 metric 1 proto ntk", false,
	    { 1, 0, 0, 0 }, "neighbour route", "169.254.69.30 dev eth1" },
	{ "ip rule del pref 10001", false, { 1, 0, 0, 0 }, "rule", "table 251" },
	{ "ip rule del pref 10000 && ip rule add pref 10000 fwmark 250 lookup 250 proto ntk", false,
	    { 1, 0, 1, 0 }, "rule", "0.0.0.0/0 table 250" },
	{ "ip rule add pref 10000 not fwmark 250/0xff lookup 250 proto ntk", false, { 0, 0, 1, 0 },
	    "rule", "0.0.0.0/0 table 250" },
	{ "ip rule flush && ip rule add pref 32766 lookup main && ip rule add pref 32767 lookup default",
	    false, { 2, 0, 0, 0 }, "rule", "table 250" },
	{ "ip address del 10.0.0.32/32 dev lo", false, { 1, 0, 0, 0 }, "address",
	    "10.0.0.32 dev lo" },
	/* With the link-local go neighbour route and, in another table, nothing. */
	{ "ip address del 169.254.94.1/32 dev eth1", false, { 2, 0, 0, 0 }, "address",
	    "169.254.94.1 dev eth1" },
	/* All routes through it, without a word of the kernel's. */
	{ "ip link set eth1 down && ip link set eth1 up", false, { 3, 0, 0, 0 }, "neighbour route",
	    "169.254.69.30 dev eth1" },
	/* What carries our label and was not made here. */
	{ "ip route add unreachable 10.0.1.0/24 table 249 proto ntk && ip rule add pref 10000 lookup 77"
	    " proto ntk && ip route add 169.254.1.1 dev eth2 proto ntk", false, { 0, 0, 3, 0 },
	    "route", "10.0.1.0/24 table 249" },
	{ "nft delete table ip ntkd", false, { 1, 0, 0, 0 }, "nftables", "table ip ntkd" },
	{ "nft flush table ip ntkd", false, { 1, 0, 0, 0 }, "nftables", "table ip ntkd" },
	{ "nft flush ruleset", false, { 1, 0, 0, 0 }, "nftables", "table ip ntkd" },
	{ "nft delete element ip ntkd peers '{ 00:16:3e:fd:e2:aa }'", false, { 1, 0, 0, 0 },
	    "nftables", "table ip ntkd" },
	{ "nft add element ip ntkd peers '{ 00:16:3e:00:00:01 : goto peer_250 }'", false,
	    { 1, 0, 0, 0 }, "nftables", "table ip ntkd" },
	{ "nft flush chain ip ntkd peer_250 && nft add rule ip ntkd peer_250 meta mark set 7", false,
	    { 1, 0, 0, 0 }, "nftables", "table ip ntkd" },
	{ "nft insert rule ip ntkd prerouting accept", false, { 1, 0, 0, 0 }, "nftables",
	    "table ip ntkd" },
	{ "nft add chain ip ntkd prerouting '{ policy drop; }'", false, { 1, 0, 0, 0 }, "nftables",
	    "table ip ntkd" },
	{ "nft add table ip ntkd '{ flags dormant; }'", false, { 1, 0, 0, 0 }, "nftables",
	    "table ip ntkd" },
	{ "echo 0 >/proc/sys/net/ipv4/ip_forward", false, { 1, 0, 0, 0 }, "namespace", "forwarding" },
	{ "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter", false, { 1, 0, 0, 0 }, "namespace",
	    "forwarding" },
	{ "echo 2 >/proc/sys/net/ipv4/conf/eth1/rp_filter", false, { 1, 0, 0, 0 }, "interface",
	    "eth1" },
	{ "echo 0 >/proc/sys/net/ipv4/conf/eth2/arp_ignore;"
	    " echo 0 >/proc/sys/net/ipv4/conf/eth1/arp_announce", false, { 2, 0, 0, 0 }, "interface",
	    "eth1" },
	/* The same in a namespace of ours. */
	{ INSIDE "ip link set ntkv1_0 down", true, { 3, 0, 0, 0 }, "interface", "ntkv1_0" },
	{ INSIDE "ip link set lo down", true, { 1, 0, 0, 0 }, "interface", "lo" },
	{ INSIDE "sysctl -q net.ipv4.ip_forward=0", true, { 1, 0, 0, 0 }, "namespace", "forwarding" },
	{ INSIDE "sysctl -q net.ipv4.conf.ntkv1_0.arp_ignore=0", true, { 1, 0, 0, 0 }, "interface",
	    "ntkv1_0" },
	{ INSIDE "ip address flush dev ntkv1_0 && " INSIDE "ip rule del pref 10000", true, { 4, 0, 0, 0 },
	    "address", "169.254.94.1 dev ntkv1_0" },
	{ INSIDE "nft flush ruleset", true, { 1, 0, 0, 0 }, "nftables", "table ip ntkd" },
};

/* What no shell command does. */
static const struct {
	struct drift drift;
	int (*call)(void);
} calls[] = {
	{ { "an address that will expire", false, { 1, 0, 0, 0 }, "address", "10.0.0.22 dev eth1" },
	    address_expires },
	{ { "an address of another scope", false, { 1, 0, 1, 0 }, "address", "10.0.0.22/32" },
	    address_of_other_scope },
	{ { "an address with our label", false, { 0, 0, 1, 0 }, "address", "10.0.0.9/32" },
	    address_extra },
};

static void
drift_is_repaired(struct place *p, const struct drift *d, int (*call)(void))
{
	uint32_t ns = d->inside ? p->ns2 : p->ns;
	char *before = run_dump();
	bool ok = (call != NULL ? call() : system(d->command)) == 0 && changed(before);

	if (!ok)
		tap_note("changes nothing");
	/* Nothing happens by itself, and nothing in another namespace. */
	ok = ok && check_tells(p, d->inside ? p->ns : p->ns2, (struct fates){ 0, 0, 0, 0 });
	ok = ok && check_tells(p, ns, d->want) && told(p, 0, p->c.differences[0].fate, d->kind,
	    d->object);
	ok = ok && check_tells(p, ns, (struct fates){ 0, 0, 0, 0 }) && unchanged(before, SETTLE_MS);
	CU_ASSERT(ok);
	if (!ok)
		tap_note("after: %s", d->command);
	free(before);
}

static void
test_drift(void)
{
	struct place p;

	if (!usable)
		return not_usable();
	/* From the second time on this does not change the order of IPv6 routes any more. */
	CU_ASSERT_EQUAL(system("ip link set eth1 down && ip link set eth1 up"), 0);
	if (!world_make(&p))
		return;
	for (size_t i = 0; i < sizeof(drifts) / sizeof(drifts[0]); i++)
		drift_is_repaired(&p, &drifts[i], NULL);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		drift_is_repaired(&p, &calls[i].drift, calls[i].call);
	CU_ASSERT(place_close(&p));
}

/* The table is written anew only when it must be: handles tell. */
static void
test_table_stays(void)
{
	static const char note[] = "nft -a list table ip ntkd >/run/handles",
	    same[] = "nft -a list table ip ntkd | cmp -s - /run/handles";
	const struct fates none = { 0, 0, 0, 0 };
	struct place p;

	if (!usable)
		return not_usable();
	if (!world_make(&p))
		return;
	CU_ASSERT_EQUAL(system(note), 0);
	CU_ASSERT(check_tells(&p, p.ns, none));
	CU_ASSERT_EQUAL(system(same), 0);
	/* What others do with their own is no reason. */
	CU_ASSERT_EQUAL(system("nft add table ip other && nft add chain ip other ntkd"), 0);
	CU_ASSERT(check_tells(&p, p.ns, none));
	CU_ASSERT_EQUAL(system(same), 0);
	CU_ASSERT_EQUAL(system("nft delete table ip other"), 0);
	/* After a change of our own it is not known any more; then it is again. */
	CU_ASSERT(done(&p.c, OP(mark_off, p.ns, p.peer)));
	CU_ASSERT(check_tells(&p, p.ns, none));
	CU_ASSERT_NOT_EQUAL(system(same), 0);
	CU_ASSERT_EQUAL(system(note), 0);
	CU_ASSERT(check_tells(&p, p.ns, none));
	CU_ASSERT_EQUAL(system(same), 0);
	CU_ASSERT_EQUAL(system("rm /run/handles"), 0);
	CU_ASSERT(place_close(&p));
}

/* --- what is somebody else's -------------------------------------------------- */

static bool
foreign_stays(struct place *p, const char *make, const char *still, const char *take,
    struct fates want)
{
	char *before = run_dump();
	bool ok = system(make) == 0 && check_tells(p, p->ns, want) && system(still) == 0 &&
	    check_tells(p, p->ns, want) && system(still) == 0 && system(take) == 0;

	/* When it has gone, ours takes its place again. */
	ok = ok && client_check(&p->c, p->ns) == CLIENT_DONE && p->c.checked.foreign == 0 &&
	    p->c.checked.failed == 0 && unchanged(before, SETTLE_MS);
	if (!ok)
		tap_note("with: %s", make);
	free(before);
	return ok;
}

static void
test_foreign(void)
{
	struct place p;
	const struct fates none = { 0, 0, 0, 0 }, one = { 0, 0, 0, 1 };

	if (!usable)
		return not_usable();
	if (!world_make(&p))
		return;
	CU_ASSERT(foreign_stays(&p, "ip route add blackhole 10.0.0.8/29 table 250 proto static",
	    "ip route show table 250 | grep -q 'blackhole 10.0.0.8/29'",
	    "ip route del blackhole 10.0.0.8/29 table 250", none));
	CU_ASSERT(foreign_stays(&p, "ip route replace blackhole 10.0.0.16/30 table 250 metric 1",
	    "ip route show table 250 | grep -q 'blackhole 10.0.0.16/30'",
	    "ip route del blackhole 10.0.0.16/30 table 250", one));
	CU_ASSERT(foreign_stays(&p, "ip route prepend blackhole 10.0.0.16/30 table 250 metric 1",
	    "test $(ip route show table 250 10.0.0.16/30 | wc -l) -eq 2",
	    "ip route del blackhole 10.0.0.16/30 table 250", one));
	CU_ASSERT(foreign_stays(&p, "ip route replace 169.254.69.30 dev eth2 metric 1",
	    "ip route show 169.254.69.30 | grep -q eth2", "ip route del 169.254.69.30 dev eth2",
	    (struct fates){ 0, 0, 0, 1 }));
	CU_ASSERT(foreign_stays(&p, "ip rule add pref 10000 fwmark 77 lookup 250",
	    "ip -N rule | grep -q 'fwmark 0x4d lookup 250'", "ip rule del pref 10000 fwmark 77", none));
	CU_ASSERT(foreign_stays(&p, "ip rule del pref 10001 && ip rule add pref 10001 lookup 251",
	    "ip rule | grep '^10001' | grep -vq proto", "ip rule del pref 10001", one));
	CU_ASSERT(foreign_stays(&p, "nft delete table ip ntkd && nft add table ip ntkd &&"
	    " nft add chain ip ntkd mine", "nft list chain ip ntkd mine >/dev/null",
	    "nft delete table ip ntkd", one));
	/* An address whose label somebody changed. */
	CU_ASSERT_EQUAL(address_of_others(), 0);
	CU_ASSERT(check_tells(&p, p.ns, one) && told(&p, 0, PRIV_FATE_FOREIGN, "address",
	    "10.0.0.22 dev eth1"));
	CU_ASSERT_EQUAL(address_of_ours(), 0);
	CU_ASSERT(check_tells(&p, p.ns, none));
	CU_ASSERT(place_close(&p));
}

/* --- what cannot be put back now ---------------------------------------------- */

static void
test_failed(void)
{
	struct place p;
	char *before;

	if (!usable)
		return not_usable();
	if (!world_make(&p))
		return;
	before = run_dump();
	/* A real interface is its administrator's: down it stays down. */
	CU_ASSERT_EQUAL(system("ip link set eth1 down"), 0);
	CU_ASSERT(check_tells(&p, p.ns, (struct fates){ 0, 3, 0, 0 }));
	CU_ASSERT(told(&p, 0, PRIV_FATE_FAILED, "neighbour route", "169.254.69.30 dev eth1"));
	CU_ASSERT_EQUAL(p.c.differences[0].error, ENETDOWN);
	CU_ASSERT_EQUAL(system("ip -o link show eth1 | grep -q 'state DOWN' && ip link set eth1 up"), 0);
	CU_ASSERT(check_tells(&p, p.ns, (struct fates){ 3, 0, 0, 0 }));
	CU_ASSERT(unchanged(before, SETTLE_MS));
	/* A name that shows something else, or nothing. */
	CU_ASSERT_EQUAL(system("touch /run/other && mount -n --bind /run/other /run/netns/ntkv1"), 0);
	CU_ASSERT(check_tells(&p, p.ns2, (struct fates){ 0, 1, 0, 0 }));
	CU_ASSERT(told(&p, 0, PRIV_FATE_FAILED, "name", "ntkv1"));
	CU_ASSERT_EQUAL(p.c.differences[0].error, EEXIST);
	CU_ASSERT_EQUAL(system("umount -n /run/netns/ntkv1 && rm /run/other"), 0);
	CU_ASSERT(unchanged(before, SETTLE_MS));
	/* A pseudo-interface that is gone: it, its address, neighbour route and route. */
	CU_ASSERT_EQUAL(system(INSIDE "ip link del ntkv1_0"), 0);
	CU_ASSERT(check_tells(&p, p.ns2, (struct fates){ 0, 4, 0, 0 }));
	CU_ASSERT(told(&p, 0, PRIV_FATE_FAILED, "interface", "ntkv1_0"));
	CU_ASSERT_EQUAL(p.c.differences[0].error, ENODEV);
	CU_ASSERT_EQUAL(system("umount -n /run/netns/ntkv1 && rm /run/netns/ntkv1"), 0);
	CU_ASSERT(check_tells(&p, p.ns2, (struct fates){ 0, 5, 0, 0 }));
	CU_ASSERT(done(&p.c, OP(ns_drop, p.ns2)));
	CU_ASSERT(check_tells(&p, p.ns, (struct fates){ 0, 0, 0, 0 }));
	CU_ASSERT(place_close(&p));
	free(before);
}

/* --- many ------------------------------------------------------------------- */

/* More than one batch, more than what is told one by one. */
static void
test_many(void)
{
	enum { EXTRA = 1200, LOST = 200 };
	struct place p;
	char *before;
	FILE *f;

	if (!usable)
		return not_usable();
	if (!world_make(&p))
		return;
	client_begin(&p.c);
	for (unsigned i = 0; i < LOST; i++)
		client_add(&p.c, OP(route_set, p.ns, p.peer, i < 24 ? NET(i) : NET(64 + i % 32),
		    32, UNREACHABLE, 0, 0, 0));
	CU_ASSERT_EQUAL(client_commit(&p.c, 0), CLIENT_DONE);
	before = run_dump();
	CU_ASSERT_EQUAL(system("ip route flush table 250"), 0);
	CU_ASSERT(check_tells(&p, p.ns, (struct fates){ 24 + 32 + 2, 0, 0, 0 }));
	CU_ASSERT(unchanged(before, SETTLE_MS));
	f = popen("ip -batch -", "w");
	for (unsigned i = 0; i < EXTRA; i++)
		fprintf(f, "route add unreachable 10.1.%u.%u table 249 proto ntk\n", i / 256, i % 256);
	CU_ASSERT_EQUAL(pclose(f), 0);
	CU_ASSERT(check_tells(&p, p.ns, (struct fates){ 0, 0, EXTRA, 0 }));
	CU_ASSERT_EQUAL(p.c.n_differences, PRIV_DIFFERENCES);
	CU_ASSERT(told(&p, PRIV_DIFFERENCES - 1, PRIV_FATE_REMOVED, "route", "10.1.0.63/32 table 249"));
	CU_ASSERT(unchanged(before, SETTLE_MS));
	CU_ASSERT(place_close(&p));
	free(before);
}

/* --- notification ids ------------------------------------------------------- */

/* Namespace NUMBER is made, and the kernel calls it as the answer says; returns that. */
static uint32_t
id_of_next(struct place *p, uint32_t number)
{
	char command[80];

	CU_ASSERT(done(&p->c, OP(ns_create, 8)));
	CU_ASSERT_EQUAL(p->c.results[0].number, number);
	snprintf(command, sizeof(command), "ip netns list | grep -q '^ntkv%u (id: %u)$'",
	    (unsigned)number, (unsigned)p->c.results[0].id);
	CU_ASSERT_EQUAL(system(command), 0);
	return p->c.results[0].id;
}

/* Others have the numbers of ours as ids: ours get others. */
static void
test_ids(void)
{
	struct place p;
	uint32_t first, second;

	if (!usable)
		return not_usable();
	/* Those of the namespaces before may not be free yet. */
	CU_ASSERT_EQUAL(system("for i in 0 1 2 4; do ip netns add o$i; timeout 20 sh -c"
	    " \"until ip netns set o$i $i 2>/dev/null; do sleep 0.05; done\" || exit 1; done"), 0);
	if (!place_open(&p, NULL))
		return;
	first = id_of_next(&p, 1);
	second = id_of_next(&p, 2);
	CU_ASSERT(first == 3 && second == 5);
	CU_ASSERT(place_close(&p));
	CU_ASSERT_EQUAL(system("for i in 0 1 2 4; do ip netns del o$i; done"), 0);
}

/*
 * Addresses that carry our number and cannot be from us: outside the range, or with a network.
 * Neither a check nor a start takes them.
 */
static void
test_strange_addresses(void)
{
	struct place p;

	if (!usable)
		return not_usable();
	if (!place_open(&p, NULL))
		return;
	CU_ASSERT_EQUAL(address_put("eth2", 0xc0000207, 0, LABEL, FOR_EVER), 0);
	CU_ASSERT_EQUAL(address_put("eth2", NET(9), 0, LABEL, FOR_EVER), 0);
	CU_ASSERT(check_tells(&p, p.ns, (struct fates){ 0, 0, 1, 0 }));
	CU_ASSERT_EQUAL(address_put("eth2", NET(9), 0, LABEL, FOR_EVER), 0);
	kill(p.c.pid, SIGKILL);
	client_reap(&p.c);
	if (!place_open(&p, NULL))
		return;
	CU_ASSERT_EQUAL(system("ip address show dev eth2 | grep -q 192.0.2.7/32 &&"
	    " ! ip address show dev eth2 | grep -q 10.0.0.9/32"), 0);
	CU_ASSERT(place_close(&p));
	CU_ASSERT_EQUAL(system("ip address del 192.0.2.7/32 dev eth2"), 0);
}

/* --- what is refused ---------------------------------------------------------- */

static bool
check_is_refused(struct place *p, uint32_t ns, enum priv_reason reason)
{
	const struct priv_refusal *r = &p->c.refusal;

	return client_check(&p->c, ns) == CLIENT_REFUSED && r->reason == reason && r->op == 0 &&
	    r->error == 0 && strcmp(r->operation, "check") == 0 && strcmp(r->field, "ns") == 0;
}

static void
test_handles(void)
{
	struct place p;

	if (!usable)
		return not_usable();
	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT(check_is_refused(&p, 0, PRIV_R_HANDLE));
	CU_ASSERT(check_is_refused(&p, p.eth1, PRIV_R_KIND));
	CU_ASSERT(check_is_refused(&p, p.ns2 + 1, PRIV_R_HANDLE));
	CU_ASSERT(check_is_refused(&p, p.ns2 + 0x10000, PRIV_R_HANDLE));
	CU_ASSERT(check_is_refused(&p, PRIV_HANDLE_NEW(0), PRIV_R_HANDLE));
	CU_ASSERT(done(&p.c, OP(ns_drop, p.ns2)));
	CU_ASSERT(check_is_refused(&p, p.ns2, PRIV_R_HANDLE));
	CU_ASSERT(place_close(&p));
}

/* --- what ends the helper ----------------------------------------------------- */

/* Sends a check of COUNT with FLAGS and LEFT bytes left over (or, below 0, missing). */
static void
malformed(uint8_t flags, uint16_t count, int left, bool greeted, bool in_transaction)
{
	const struct client_setup setup = setup_with(NULL);
	uint8_t buf[64], answer[256];
	struct client c;
	struct wr w;

	CU_ASSERT_FATAL(client_start(&c, &setup));
	CU_ASSERT_FATAL(!greeted || client_hello(&c));
	if (in_transaction) {
		wr_init(&w, buf, sizeof(buf));
		client_frame(&w, PRIV_APPLY, 1, PRIV_MORE, 0);
		CU_ASSERT(client_send_raw(&c, buf, w.len, -1));
	}
	wr_init(&w, buf, sizeof(buf));
	client_frame(&w, PRIV_CHECK, 2, flags, count);
	wr_u32(&w, PRIV_HANDLE(PRIV_H_NS, 0, 0));
	wr_u32(&w, 0);
	CU_ASSERT(client_send_raw(&c, buf, (size_t)((int)w.len - 4 + left), -1));
	CU_ASSERT_EQUAL(client_receive(&c, answer, sizeof(answer)), 0);
	CU_ASSERT_NOT_EQUAL(client_reap(&c), 0);
}

static void
test_malformed(void)
{
	char *virgin;

	if (!usable)
		return not_usable();
	virgin = run_dump();
	malformed(0, 1, 0, false, false);
	malformed(0, 1, 0, true, true);
	malformed(0, 0, 0, true, false);
	malformed(0, 0, -4, true, false);
	malformed(0, 2, 4, true, false);
	malformed(PRIV_MORE, 1, 0, true, false);
	malformed(PRIV_REHEARSE, 1, 0, true, false);
	malformed(0, 1, 1, true, false);
	malformed(0, 1, -1, true, false);
	CU_ASSERT(unchanged(virgin, SETTLE_MS));
	free(virgin);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "what drifted is put back, whatever it is", test_drift },
		{ "the nftables table is written anew only if need be", test_table_stays },
		{ "what is somebody else's stays", test_foreign },
		{ "what cannot be put back now is told, and put back later", test_failed },
		{ "many at once", test_many },
		{ "wrong handles are refused", test_handles },
		{ "a namespace has an id that is nobody's, and it is told", test_ids },
		{ "an address that cannot be from us stays", test_strange_addresses },
		{ "a malformed check ends the helper", test_malformed },
	};

	place_stage();
	return TAP_RUN(tests);
}
