/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's comparison of ledger and kernel, on a kernel that is a list of messages: what is
 * sent to mend which difference, what is told of it, what is left alone.  Functions are replaced
 * by the linker (--wrap); that the real kernel takes it so is tests/priv/test_check's to show.
 */
#include "ntkd-priv/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/nlq.h"
#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_netns.h"
#include "ntkd-priv/x_nft.h"
#include "ntkd-priv/label.h"
#include "ntkd-priv/x_route.h"
#include "tests/unit/tap.h"

enum {
	NS = 3,
	REAL = 1,
	PSEUDO = CONF_INTERFACES + 1,
	PEER_SLOT = 7,
	OURS = 15,
	THEIRS = 4,
	MESSAGE = 256,
	MESSAGES = 2000,
	GATEWAY = 0xa9fe451e,
	OWN = 0xa9fe5e01,
	ROUTE_DST = 0x0a000010,
};

/* What the kernel lists in a namespace. */
struct entry {
	unsigned ns;
	_Alignas(struct nlmsghdr) uint8_t m[MESSAGE];
};

static struct ledger ledger;
static struct conf conf;
static struct findings found;
static char lines[4000];

static struct {
	struct entry v[MESSAGES];
	size_t n;
	size_t dumps;
	size_t interrupted;	/* so many dumps are interrupted behind their first half */
	int unlisted;		/* the errno with which they fail then */
	size_t sends;		/* that are not empty */
	size_t largest;		/* messages in one of them */
	int refusal;		/* what the kernel says to anything, or 0 */
	bool stubborn;		/* what is removed stays */
	struct link_facts link[CONF_IFNAME];	/* by index */
	unsigned set[CONF_IFNAME];
	int link_refusal;
	bool settings;
	int settings_error;
	int name_error;
	uint8_t nft_fate;
	int nft_error;
} k;

static char sockets[LEDGER_NAMESPACES];

static struct nl_sock *
socket_of(unsigned ns)
{
	return (struct nl_sock *)&sockets[ns];
}

static unsigned
ns_of(const struct nl_sock *sk)
{
	return (unsigned)((const char *)sk - sockets);
}

/* --- in the place of the helper's ------------------------------------------------ */

int __wrap_nlq_dump_once(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg);
int __wrap_nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg,
    struct nlq_error *err);
int __wrap_x_link_read(struct nl_sock *rt, int ifindex, const char *name, struct link_facts *out);
int __wrap_x_link_set(struct nl_sock *rt, int ifindex, unsigned what, const char *alias,
    struct nlq_error *err);
int __wrap_x_netns_settings_check(const struct ledger *l, unsigned ns, bool *right);
int __wrap_x_netns_name_look(const struct ns *n);
uint8_t __wrap_x_nft_check(const struct conf *c, struct ledger *l, unsigned ns, int *error);

static struct nlmsghdr *
message(struct entry *e)
{
	return (struct nlmsghdr *)e->m;
}

/* Changes K.v while a dump is under way only at its end. */
int
__wrap_nlq_dump_once(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg)
{
	int type = nlmsg_hdr(m)->nlmsg_type - (RTM_GETROUTE - RTM_NEWROUTE);
	bool interrupted = k.interrupted > 0;
	size_t end = interrupted ? (k.n + 1) / 2 : k.n;

	nlmsg_free(m);
	k.dumps++;
	for (size_t i = 0; i < end; i++)
		if (k.v[i].ns == ns_of(sk) && message(&k.v[i])->nlmsg_type == type)
			each(message(&k.v[i]), arg);
	k.interrupted -= interrupted;
	return interrupted ? EAGAIN : k.unlisted;
}

/* The key of what NLH tells of. */
static bool
place_of(unsigned ns, const struct nlmsghdr *nlh, struct obj *o)
{
	struct seen s;

	return label_read(nlh, &s) && x_route_place(&conf, &ledger, ns, &s, o);
}

static bool
is_same_place(const struct entry *e, unsigned ns, const struct nlmsghdr *nlh)
{
	struct obj a, b;

	return e->ns == ns && place_of(ns, (const struct nlmsghdr *)e->m, &a) &&
	    place_of(ns, nlh, &b) && memcmp(&a, &b, sizeof(a)) == 0;
}

static bool
is_like(const struct entry *e, unsigned ns, const struct nlmsghdr *nlh)
{
	const struct nlmsghdr *have = (const struct nlmsghdr *)e->m;

	return e->ns == ns && have->nlmsg_len == nlh->nlmsg_len &&
	    memcmp(nlmsg_data(have), nlmsg_data(nlh), nlh->nlmsg_len - NLMSG_HDRLEN) == 0;
}

static struct entry *
entry_put(unsigned ns, const struct nlmsghdr *nlh)
{
	struct entry *e = &k.v[k.n++];

	CU_ASSERT_FATAL(k.n <= MESSAGES && nlh->nlmsg_len < MESSAGE - 64);
	memset(e, 0, sizeof(*e));
	e->ns = ns;
	memcpy(e->m, nlh, nlh->nlmsg_len);
	return e;
}

/* Does what NLH asks for; 0 or errno. */
static int
request(unsigned ns, const struct nlmsghdr *nlh)
{
	bool removes = (nlh->nlmsg_type & 3) == 1, replaces = (nlh->nlmsg_flags & NLM_F_REPLACE) != 0;
	bool was = false;

	if (k.refusal != 0)
		return k.refusal;
	for (size_t i = k.n; i-- > 0 && !k.stubborn; )
		if (removes ? is_like(&k.v[i], ns, nlh) : is_same_place(&k.v[i], ns, nlh)) {
			was = true;
			if (removes || replaces)
				k.v[i] = k.v[--k.n];
			break;
		}
	if (!removes && was && !replaces)
		return EEXIST;
	if (!removes && nlh->nlmsg_type == RTM_NEWADDR)
		((struct ifaddrmsg *)nlmsg_data(message(entry_put(ns, nlh))))->ifa_flags = IFA_F_PERMANENT;
	else if (!removes)
		entry_put(ns, nlh);
	return removes && !was && !k.stubborn ? ESRCH : 0;
}

int
__wrap_nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg, struct nlq_error *err)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)q->buf;
	size_t n = q->n;

	CU_ASSERT(ack_each && done != NULL && err == NULL && q->sk != NULL);
	k.sends += n != 0;
	k.largest = n > k.largest ? n : k.largest;
	for (size_t i = 0; i < n; i++) {
		struct nlq_error e = { request(ns_of(q->sk), nlh), false, q->steps[i], "" };

		done(arg, q->steps[i], e.error != 0 ? &e : NULL);
		nlh = (const struct nlmsghdr *)((const void *)((const uint8_t *)nlh +
		    NLMSG_ALIGN(nlh->nlmsg_len)));
	}
	nlq_drop(q);
	return 0;
}

int
__wrap_x_link_read(struct nl_sock *rt, int ifindex, const char *name, struct link_facts *out)
{
	CU_ASSERT(rt != NULL && name == NULL);
	*out = k.link[ifindex];
	return out->ifindex != 0 ? 0 : ENODEV;
}

int
__wrap_x_link_set(struct nl_sock *rt, int ifindex, unsigned what, const char *alias,
    struct nlq_error *err)
{
	CU_ASSERT(rt != NULL && alias == NULL && err != NULL);
	k.set[ifindex] |= what;
	return k.link_refusal;
}

int
__wrap_x_netns_settings_check(const struct ledger *l, unsigned ns, bool *right)
{
	CU_ASSERT(l == &ledger && (ns == NS || ns == NS_DEFAULT));
	*right = k.settings;
	return k.settings_error;
}

int
__wrap_x_netns_name_look(const struct ns *n)
{
	CU_ASSERT(n == &ledger.ns[NS]);
	return k.name_error;
}

uint8_t
__wrap_x_nft_check(const struct conf *c, struct ledger *l, unsigned ns, int *error)
{
	CU_ASSERT(c == &conf && l == &ledger && (ns == NS || ns == NS_DEFAULT));
	*error = k.nft_error;
	return k.nft_fate;
}

/* --- the world ---------------------------------------------------------------------- */

static const struct obj objects[] = {
	{ .kind = OBJ_NS, .ns = NS_DEFAULT },
	{ .kind = OBJ_DEV, .ns = NS_DEFAULT, .dev = REAL },
	{ .kind = OBJ_ADDR, .ns = NS_DEFAULT, .dev = REAL, .addr = OWN + 1 },
	{ .kind = OBJ_PEER, .peer = PEER_SLOT },
	{ .kind = OBJ_NS, .ns = NS },
	{ .kind = OBJ_DEV, .ns = NS, .dev = PSEUDO, .via_dev = REAL },
	{ .kind = OBJ_ADDR, .ns = NS, .dev = PSEUDO, .addr = OWN },
	{ .kind = OBJ_NEIGH, .ns = NS, .dev = PSEUDO, .addr = GATEWAY, .src = OWN },
	{ .kind = OBJ_ROUTE, .ns = NS, .peer = PEER_SLOT, .addr = ROUTE_DST, .len = 30,
	    .type = PRIV_ROUTE_UNICAST, .via_dev = PSEUDO, .via = GATEWAY },
	{ .kind = OBJ_RULE, .ns = NS, .peer = PEER_SLOT },
};

enum { ADDRESS = 6, NEIGHBOUR, ROUTE, RULE, OBJECTS };

/* The object's message as the kernel lists it, in namespace NS_. */
static struct nlmsghdr *
listed(const struct obj *o, unsigned ns)
{
	const struct change ch = { .has_to = true, .to = *o };
	struct nl_msg *m = x_route_message(&conf, &ledger, &ch);
	struct entry *e = entry_put(ns, nlmsg_hdr(m));

	nlmsg_free(m);
	if (o->kind == OBJ_ADDR)
		((struct ifaddrmsg *)nlmsg_data(message(e)))->ifa_flags = IFA_F_PERMANENT;
	return message(e);
}

static void
kernel_fill(void)
{
	k.n = 0;
	for (size_t i = 0; i < OBJECTS; i++)
		if (x_route_has(objects[i].kind))
			listed(&objects[i], objects[i].ns);
}

static void
on_line(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	strncat(lines, line, sizeof(lines) - strlen(lines) - 2);
	strcat(lines, "\n");
}

/* Everything is as it should be. */
static void
begin(void)
{
	memset(&k, 0, sizeof(k));
	memset(&found, 0xff, sizeof(found));
	lines[0] = '\0';
	log_set_hook(on_line, NULL);
	conf.routing_protocol = OURS;
	conf.rule_priority = 10000;
	conf.mark_mask = 0xff;
	conf.tables = (struct conf_tables){ 251, 200 };
	conf.more_tables = (struct conf_tables){ 1000, 1999 };
	ledger_init(&ledger, &conf);
	ledger.ns[NS_DEFAULT].rt = socket_of(NS_DEFAULT);
	ledger.ns[NS].rt = socket_of(NS);
	ledger.ns[NS].slot.used = true;
	ledger.ns[NS].number = 5;
	ledger.dev[REAL] = (struct dev){ .slot = { true, 1 }, .parent = REAL, .ifindex = 2,
		.name = "eth1" };
	ledger.dev[PSEUDO] = (struct dev){ .slot = { true, 1 }, .ns = NS, .parent = 2, .ifindex = 4,
		.name = "ntkv5_0" };
	ledger.peer[PEER_SLOT] = (struct peer){ .slot = { true, 1 }, .table = 250 };
	for (size_t i = 0; i < OBJECTS; i++) {
		const struct change ch = { .has_to = true, .to = objects[i] };

		ledger_apply(&ledger, &ch);
	}
	for (int i = 1; i < 5; i++)
		k.link[i] = (struct link_facts){ .ifindex = i, .up = true, .settings = true };
	k.settings = true;
	kernel_fill();
}

static void
end(void)
{
	for (size_t i = OBJECTS; i-- > 0; ) {
		const struct change ch = { .has_from = true, .from = objects[i] };

		ledger_apply(&ledger, &ch);
	}
	CU_ASSERT_EQUAL(ledger.objects, 0);
	log_set_hook(NULL, NULL);
}

/* A look at NS_ finds so much. */
static void
tells(unsigned ns, uint32_t repaired, uint32_t failed, uint32_t removed, uint32_t foreign)
{
	const struct priv_checked *t = &found.totals;
	uint32_t all = repaired + failed + removed + foreign;

	check_namespace(&conf, &ledger, ns, &found);
	CU_ASSERT_EQUAL(t->compared, ns == NS ? 6 : 3);
	CU_ASSERT(t->repaired == repaired && t->failed == failed && t->removed == removed &&
	    t->foreign == foreign);
	CU_ASSERT_EQUAL(found.n, all < PRIV_DIFFERENCES ? all : PRIV_DIFFERENCES);
	if (t->repaired != repaired || t->failed != failed || t->removed != removed ||
	    t->foreign != foreign)
		tap_note("repaired %u, failed %u, removed %u, foreign %u", t->repaired, t->failed,
		    t->removed, t->foreign);
}

static void
difference(size_t i, enum priv_fate fate, int error, const char *kind, const char *object)
{
	const struct priv_difference *d = &found.v[i];

	CU_ASSERT(i < found.n);
	CU_ASSERT_EQUAL(d->fate, fate);
	CU_ASSERT_EQUAL(d->error, error);
	CU_ASSERT_STRING_EQUAL(d->kind, kind);
	CU_ASSERT_STRING_EQUAL(d->object, object);
	/* Nothing of the helper's memory goes out behind the words. */
	CU_ASSERT(d->kind[sizeof(d->kind) - 1] == 0 && d->object[sizeof(d->object) - 1] == 0);
}

/* The kernel lists what it listed in the beginning. */
static void
is_whole(void)
{
	size_t n = 0;
	static struct entry have[MESSAGES];
	size_t have_n = k.n;

	memcpy(have, k.v, have_n * sizeof(have[0]));
	kernel_fill();
	for (size_t i = 0; i < k.n; i++)
		for (size_t j = 0; j < have_n; j++)
			n += is_like(&have[j], k.v[i].ns, message(&k.v[i]));
	CU_ASSERT_EQUAL(have_n, k.n);
	CU_ASSERT_EQUAL(n, k.n);
}

/* The entry of object I, which is the only one in its place. */
static struct nlmsghdr *
entry_of(size_t i)
{
	struct obj o;

	for (size_t e = 0; e < k.n; e++)
		if (k.v[e].ns == objects[i].ns &&
		    place_of(k.v[e].ns, message(&k.v[e]), &o) &&
		    ledger_find(&ledger, &o) == ledger_find(&ledger, &objects[i]))
			return message(&k.v[e]);
	CU_FAIL_FATAL("not listed");
	return NULL;
}

static void
entry_drop(size_t i)
{
	struct nlmsghdr *nlh = entry_of(i);

	for (size_t e = 0; e < k.n; e++)
		if (message(&k.v[e]) == nlh)
			k.v[e] = k.v[--k.n];
}

static void
attr_set(struct nlmsghdr *nlh, size_t head, int type, uint32_t value)
{
	struct nlattr *a = nlmsg_find_attr(nlh, (int)head, type);

	CU_ASSERT_FATAL(a != NULL);
	memcpy(nla_data(a), &value, (size_t)nla_len(a));
}

/* --- tests -------------------------------------------------------------------------- */

static void
test_nothing(void)
{
	begin();
	tells(NS, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(k.dumps, 3);
	CU_ASSERT_EQUAL(k.sends, 0);
	tells(NS_DEFAULT, 0, 0, 0, 0);
	CU_ASSERT_STRING_EQUAL(lines, "");
	end();
}

static const struct {
	size_t object;
	const char *kind;
	const char *text;
} names[] = {
	{ ADDRESS, "address", "169.254.94.1 dev ntkv5_0" },
	{ NEIGHBOUR, "neighbour route", "169.254.69.30 dev ntkv5_0" },
	{ ROUTE, "route", "10.0.0.16/30 table 250" },
	{ RULE, "rule", "table 250" },
};

static void
test_lost(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		begin();
		entry_drop(names[i].object);
		tells(NS_DEFAULT, 0, 0, 0, 0);
		k.refusal = EPERM;
		tells(NS, 0, 1, 0, 0);
		difference(0, PRIV_FATE_FAILED, EPERM, names[i].kind, names[i].text);
		/* That something is gone is no success when it shall come. */
		k.refusal = ENODEV;
		tells(NS, 0, 1, 0, 0);
		difference(0, PRIV_FATE_FAILED, ENODEV, names[i].kind, names[i].text);
		/* It came between the look and the repair. */
		k.refusal = EEXIST;
		tells(NS, 0, 0, 0, 1);
		difference(0, PRIV_FATE_FOREIGN, 0, names[i].kind, names[i].text);
		k.refusal = 0;
		tells(NS, 1, 0, 0, 0);
		difference(0, PRIV_FATE_REPAIRED, 0, names[i].kind, names[i].text);
		tells(NS, 0, 0, 0, 0);
		is_whole();
		end();
	}
}

/* All at once: in the order in which they need each other. */
static void
test_all_lost(void)
{
	begin();
	k.n = 0;
	tells(NS, 4, 0, 0, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		difference(i, PRIV_FATE_REPAIRED, 0, names[i].kind, names[i].text);
	CU_ASSERT_EQUAL(k.sends, 4);
	tells(NS, 0, 0, 0, 0);
	tells(NS_DEFAULT, 1, 0, 0, 0);
	is_whole();
	end();
}

static void
test_altered(void)
{
	begin();
	attr_set(entry_of(ROUTE), sizeof(struct rtmsg), RTA_GATEWAY, 1);
	tells(NS, 1, 0, 0, 0);
	difference(0, PRIV_FATE_REPAIRED, 0, "route", "10.0.0.16/30 table 250");
	is_whole();
	((struct ifaddrmsg *)nlmsg_data(entry_of(ADDRESS)))->ifa_flags = 0;
	tells(NS, 1, 0, 0, 0);
	is_whole();
	end();
}

/* Somebody else's in the place of ours, beside ours, and where we have nothing. */
static void
test_foreign(void)
{
	struct nlmsghdr *other;

	begin();
	attr_set(entry_of(ROUTE), sizeof(struct rtmsg), RTA_GATEWAY, 1);
	((struct rtmsg *)nlmsg_data(entry_of(ROUTE)))->rtm_protocol = THEIRS;
	tells(NS, 0, 0, 0, 1);
	difference(0, PRIV_FATE_FOREIGN, 0, "route", "10.0.0.16/30 table 250");
	tells(NS, 0, 0, 0, 1);
	CU_ASSERT_EQUAL(k.sends, 0);
	/* Beside ours, and so on either side of it. */
	for (int side = 0; side < 2; side++) {
		kernel_fill();
		if (side == 1)
			entry_drop(ROUTE);
		other = listed(&objects[ROUTE], NS);
		((struct rtmsg *)nlmsg_data(other))->rtm_protocol = THEIRS;
		if (side == 1)
			listed(&objects[ROUTE], NS);
		tells(NS, 0, 0, 0, 1);
		CU_ASSERT_EQUAL(k.sends, 0);
		CU_ASSERT_EQUAL(k.n, 6);
	}
	kernel_fill();
	attr_set(other = listed(&objects[ROUTE], NS), sizeof(struct rtmsg), RTA_DST, 1);
	((struct rtmsg *)nlmsg_data(other))->rtm_protocol = THEIRS;
	attr_set(listed(&objects[RULE], NS), sizeof(struct rtmsg), FRA_PROTOCOL, THEIRS);
	attr_set(listed(&objects[RULE], NS), sizeof(struct rtmsg), FRA_FWMARK, 1);
	attr_set(message(&k.v[k.n - 1]), sizeof(struct rtmsg), FRA_PROTOCOL, THEIRS);
	tells(NS, 0, 0, 0, 1);
	difference(0, PRIV_FATE_FOREIGN, 0, "rule", "table 250");
	CU_ASSERT_EQUAL(k.sends, 0);
	end();
}

/* Ours by label, but not of this life; and a second one of the same place. */
static void
test_extra(void)
{
	struct nlmsghdr *nlh;

	begin();
	attr_set(listed(&objects[ROUTE], NS), sizeof(struct rtmsg), RTA_DST, 1);
	tells(NS, 0, 0, 1, 0);
	difference(0, PRIV_FATE_REMOVED, 0, "route", "1.0.0.0/30 table 250");
	is_whole();
	nlh = listed(&objects[ADDRESS], NS);
	attr_set(nlh, sizeof(struct ifaddrmsg), IFA_ADDRESS, 1);
	attr_set(nlh, sizeof(struct ifaddrmsg), IFA_LOCAL, 1);
	tells(NS, 0, 0, 1, 0);
	difference(0, PRIV_FATE_REMOVED, 0, "address", "1.0.0.0/32");
	is_whole();
	attr_set(listed(&objects[RULE], NS), sizeof(struct rtmsg), FRA_FWMARK, 1);
	tells(NS, 0, 0, 1, 0);
	difference(0, PRIV_FATE_REMOVED, 0, "rule", "0.0.0.0/0 table 250");
	is_whole();
	listed(&objects[ROUTE], NS);
	tells(NS, 0, 0, 1, 0);
	CU_ASSERT_EQUAL(k.n, 5);
	is_whole();
	/* An altered one first, then the right one: the second goes, the first is replaced. */
	entry_drop(ROUTE);
	attr_set(listed(&objects[ROUTE], NS), sizeof(struct rtmsg), RTA_GATEWAY, 1);
	listed(&objects[ROUTE], NS);
	tells(NS, 1, 0, 1, 0);
	is_whole();
	/* What the kernel has dropped meanwhile is gone as well; what it keeps is told. */
	for (int error = 1; error <= ESRCH; error += ESRCH - 1) {
		attr_set(listed(&objects[ROUTE], NS), sizeof(struct rtmsg), RTA_DST, 1);
		k.refusal = error;
		tells(NS, 0, error != ESRCH, error == ESRCH, 0);
		difference(0, error == ESRCH ? PRIV_FATE_REMOVED : PRIV_FATE_FAILED,
		    error == ESRCH ? 0 : error, "route", "1.0.0.0/30 table 250");
		kernel_fill();
	}
	k.refusal = EEXIST;
	attr_set(listed(&objects[ROUTE], NS), sizeof(struct rtmsg), RTA_DST, 1);
	tells(NS, 0, 1, 0, 0);
	end();
}

/* More than a batch holds, and more than are told one by one. */
static void
test_many(void)
{
	enum { MANY = 1100, LISTS = 3 };

	begin();
	for (uint32_t i = 1; i <= MANY; i++)
		attr_set(listed(&objects[ROUTE], NS), sizeof(struct rtmsg), RTA_DST, i);
	k.largest = 0;
	tells(NS, 0, 0, MANY, 0);
	CU_ASSERT_EQUAL(k.largest, MANY);
	CU_ASSERT_EQUAL(k.dumps, LISTS);
	difference(PRIV_DIFFERENCES - 1, PRIV_FATE_REMOVED, 0, "route", "64.0.0.0/30 table 250");
	is_whole();
	/* What does not go is not tried for ever. */
	k.stubborn = true;
	for (uint32_t i = 1; i <= MANY; i++)
		attr_set(listed(&objects[ROUTE], NS), sizeof(struct rtmsg), RTA_DST, i);
	k.dumps = 0;
	tells(NS, 0, 0, MANY, 0);
	CU_ASSERT_EQUAL(k.dumps, LISTS);
	end();
}

/* As many repairs as one batch holds, and some more. */
static void
test_many_lost(void)
{
	enum { MANY = NLQ_BATCH + 6 };
	struct obj o = objects[ROUTE];
	struct change ch = { .has_to = true };

	begin();
	for (uint32_t i = 0; i < MANY; i++) {
		o.addr = i << 8;
		ch.to = o;
		ledger_apply(&ledger, &ch);
	}
	check_namespace(&conf, &ledger, NS, &found);
	CU_ASSERT_EQUAL(found.totals.compared, 6 + MANY);
	CU_ASSERT_EQUAL(found.totals.repaired, MANY);
	CU_ASSERT(found.totals.failed == 0 && found.totals.foreign == 0);
	CU_ASSERT_EQUAL(found.n, PRIV_DIFFERENCES);
	CU_ASSERT_EQUAL(k.sends, 2);
	CU_ASSERT_EQUAL(k.largest, NLQ_BATCH);
	check_namespace(&conf, &ledger, NS, &found);
	CU_ASSERT_EQUAL(found.n, 0);
	for (uint32_t i = 0; i < MANY; i++) {
		o.addr = i << 8;
		ch = (struct change){ .has_from = true, .from = o };
		ledger_apply(&ledger, &ch);
	}
	end();
}

/* A dump that was interrupted counts for nothing. */
static void
test_interrupted(void)
{
	begin();
	attr_set(listed(&objects[ADDRESS], NS), sizeof(struct ifaddrmsg), IFA_LOCAL, 1);
	k.v[k.n] = k.v[0];
	k.v[0] = k.v[k.n - 1];
	k.v[k.n - 1] = k.v[k.n];
	k.interrupted = NLQ_DUMP_ATTEMPTS - 1;
	entry_drop(RULE);
	tells(NS, 1, 0, 1, 0);
	is_whole();
	k.dumps = 0;
	k.interrupted = NLQ_DUMP_ATTEMPTS;
	tells(NS, 0, 1, 0, 0);
	CU_ASSERT_EQUAL(k.dumps, NLQ_DUMP_ATTEMPTS + 2);
	difference(0, PRIV_FATE_FAILED, EAGAIN, "address", "cannot be listed");
	/* Nothing is put back that was only not listed. */
	k.unlisted = EIO;
	k.sends = 0;
	tells(NS, 0, 3, 0, 0);
	difference(1, PRIV_FATE_FAILED, EIO, "route", "cannot be listed");
	CU_ASSERT_EQUAL(k.sends, 0);
	/* Nor is it asked for again: only what changed meanwhile is. */
	k.dumps = 0;
	tells(NS, 0, 3, 0, 0);
	CU_ASSERT_EQUAL(k.dumps, 3);
	/* Nor is something counted that was listed before, and stays. */
	attr_set(listed(&objects[ADDRESS], NS), sizeof(struct ifaddrmsg), IFA_LOCAL, 1);
	tells(NS, 0, 3, 0, 0);
	CU_ASSERT_EQUAL(k.sends, 0);
	end();
}

static void
test_interfaces(void)
{
	begin();
	/* A real one that is down is so by its administrator. */
	k.link[2].up = k.link[4].up = false;
	tells(NS_DEFAULT, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(k.set[2], 0);
	tells(NS, 1, 0, 0, 0);
	difference(0, PRIV_FATE_REPAIRED, 0, "interface", "ntkv5_0");
	CU_ASSERT_EQUAL(k.set[4], LINK_UP);
	k.set[4] = 0;
	k.link[2].settings = k.link[4].settings = false;
	k.link[4].up = true;
	tells(NS_DEFAULT, 1, 0, 0, 0);
	difference(0, PRIV_FATE_REPAIRED, 0, "interface", "eth1");
	k.link_refusal = EPERM;
	tells(NS, 0, 1, 0, 0);
	difference(0, PRIV_FATE_FAILED, EPERM, "interface", "ntkv5_0");
	CU_ASSERT(k.set[2] == LINK_SETTINGS && k.set[4] == LINK_SETTINGS);
	k.set[4] = 0;
	k.link[4].ifindex = 0;
	tells(NS, 0, 1, 0, 0);
	difference(0, PRIV_FATE_FAILED, ENODEV, "interface", "ntkv5_0");
	CU_ASSERT_EQUAL(k.set[4], 0);
	end();
}

static void
test_namespaces(void)
{
	begin();
	k.settings = false;
	tells(NS_DEFAULT, 1, 0, 0, 0);
	difference(0, PRIV_FATE_REPAIRED, 0, "namespace", "forwarding");
	k.settings_error = EROFS;
	tells(NS, 0, 1, 0, 0);
	difference(0, PRIV_FATE_FAILED, EROFS, "namespace", "forwarding");
	k.settings = true;
	k.settings_error = 0;
	/* The default namespace's lo is not ours. */
	k.link[NETNS_LO].up = false;
	tells(NS_DEFAULT, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(k.set[NETNS_LO], 0);
	tells(NS, 1, 0, 0, 0);
	difference(0, PRIV_FATE_REPAIRED, 0, "interface", "lo");
	CU_ASSERT_EQUAL(k.set[NETNS_LO], LINK_UP);
	k.link_refusal = EPERM;
	tells(NS, 0, 1, 0, 0);
	k.link[NETNS_LO].ifindex = 0;
	tells(NS, 0, 0, 0, 0);
	k.name_error = EEXIST;
	tells(NS_DEFAULT, 0, 0, 0, 0);
	tells(NS, 0, 1, 0, 0);
	difference(0, PRIV_FATE_FAILED, EEXIST, "name", "ntkv5");
	k.name_error = 0;
	k.nft_fate = PRIV_FATE_FOREIGN;
	tells(NS, 0, 0, 0, 1);
	difference(0, PRIV_FATE_FOREIGN, 0, "nftables", X_NFT_TABLE);
	k.nft_fate = PRIV_FATE_FAILED;
	k.nft_error = EINVAL;
	tells(NS, 0, 1, 0, 0);
	difference(0, PRIV_FATE_FAILED, EINVAL, "nftables", X_NFT_TABLE);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "nothing is wrong: nothing is sent", test_nothing },
		{ "what is lost is put back, or it is told why not", test_lost },
		{ "everything is lost", test_all_lost },
		{ "what is altered is replaced", test_altered },
		{ "what is somebody else's stays", test_foreign },
		{ "what carries our label, but is not of this life, goes", test_extra },
		{ "very many such", test_many },
		{ "more repairs than a batch", test_many_lost },
		{ "a list that changes while it is told", test_interrupted },
		{ "interfaces", test_interfaces },
		{ "namespaces", test_namespaces },
	};

	return TAP_RUN(tests);
}
