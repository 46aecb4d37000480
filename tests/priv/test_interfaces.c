/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Managed interfaces that appear, vanish, are made again, get each other's names or go into
 * another namespace while the helper has something on them: ntkd lets them go and says hello
 * again.  Each time the host is afterwards as it would be without us.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/priv/place.h"
#include "tests/unit/tap.h"

/* Interface eth1 as it is at the end of each test; another eth1, of which nothing shall stay. */
#define MAKE_LAST	"ip link add eth1 index 901 address 02:00:00:00:09:01 type veth" \
	" peer name far1 index 902 address 02:00:00:00:09:02; ip link set far1 up; ip link set eth1 up; "
#define MAKE_FIRST	"ip link add eth1 index 911 address 02:00:00:00:09:11 type veth" \
	" peer name far1 index 912 address 02:00:00:00:09:12; ip link set far1 up; ip link set eth1 up; "
#define DELETE		"ip link del eth1; "
#define AWAY "ip link set eth1 down; ip link set eth1 name ethx; ip link set ethx up; "
#define BACK "ip link set ethx down; ip link set ethx name eth1; ip link set eth1 up; "
/* A dump before the carrier is there differs from every later one; so it does while IPv6 starts. */
#define SETTLE		"n=0; while ip -o link | grep -q LOWERLAYERDOWN; do [ $n -lt 500 ];" \
	" n=$((n + 1)); sleep 0.02; done; "

enum { LAST = 901, FIRST = 911 };

static void
run(const char *commands)
{
	char script[1024];

	snprintf(script, sizeof(script), "set -e; %s true", commands);
	CU_ASSERT_EQUAL_FATAL(system(script), 0);
}

static const struct priv_interface *
record(const struct client *c, const char *name)
{
	for (size_t i = 0; i < c->n_devs; i++)
		if (strcmp(c->devs[i].name, name) == 0)
			return &c->devs[i];
	CU_FAIL_FATAL("no such interface");
	return NULL;
}

/* What hello tells of NAME: that it is IFINDEX, or with 0 that there is none. */
static uint32_t
told(struct place *p, const char *name, uint32_t ifindex)
{
	const struct priv_interface *i;

	CU_ASSERT_FATAL(client_hello(&p->c));
	i = record(&p->c, name);
	CU_ASSERT_EQUAL(i->ifindex, ifindex);
	CU_ASSERT_EQUAL(i->dev != 0, ifindex != 0);
	return i->dev;
}

static uint32_t
index_of(const struct place *p, const char *name)
{
	return record(&p->c, name)->ifindex;
}

static bool
is_refused(struct client *c, const struct priv_op *op, enum priv_reason reason)
{
	enum client_end end = client_do(c, op);

	if (end == CLIENT_REFUSED && c->refusal.reason == (uint16_t)reason)
		return true;
	tap_note("%s: %s instead of %s", priv_op_name(op->type), end == CLIENT_DONE ? "done" :
	    priv_reason_name((enum priv_reason)c->refusal.reason), priv_reason_name(reason));
	return false;
}

/* Everything that place_build() put on eth1, and eth1. */
static void
let_go(struct place *p)
{
	struct client *c = &p->c;

	CU_ASSERT(is_refused(c, OP(dev_drop, p->eth1), PRIV_R_IN_USE));
	CU_ASSERT(done(c, OP(route_drop, p->ns, p->peer, DST)));
	CU_ASSERT(done(c, OP(nat_drop, p->ns, SOURCE_NAT, 0, 0, NET(64), 27)));
	CU_ASSERT(done(c, OP(neigh_drop, p->eth1, PEER_LL)));
	CU_ASSERT(done(c, OP(addr_drop, p->eth1, GLOBAL)));
	CU_ASSERT(done(c, OP(addr_drop, p->eth1, OWN_LL)));
	CU_ASSERT(done(c, OP(addr_drop, p->dev2, OWN_LL)));
	/* The pseudo-interface is on it still. */
	CU_ASSERT(is_refused(c, OP(dev_drop, p->eth1), PRIV_R_IN_USE));
	CU_ASSERT(done(c, OP(dev_drop, p->dev2)));
	CU_ASSERT(done(c, OP(dev_drop, p->eth1)));
}

/* Ledger and kernel agree: a check of both namespaces finds nothing. */
static void
agrees(struct place *p)
{
	const uint32_t spaces[] = { p->ns, p->ns2 };

	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(client_check(&p->c, spaces[i]), CLIENT_DONE);
		CU_ASSERT(p->c.checked.compared > 0);
		for (size_t d = 0; d < p->c.n_differences; d++)
			tap_note("%s %s", p->c.differences[d].kind, p->c.differences[d].object);
		CU_ASSERT_EQUAL(p->c.n_differences, 0);
	}
}

/* Eth1 is interface IFINDEX now, and has what place_build() put on the former one. */
static void
again(struct place *p, uint32_t ifindex)
{
	p->eth1 = told(p, "eth1", ifindex);
	CU_ASSERT(place_fill(p));
	agrees(p);
}

/* Ends the helper, after which the host is as COMMANDS alone would have left it. */
static void
ends_as(struct place *p, char *virgin)
{
	CU_ASSERT(place_close(p));
	CU_ASSERT(unchanged(virgin, SETTLE_MS));
	free(virgin);
}

/* The host with the last eth1, and after COMMANDS; then, with FIRST, with the other one. */
static char *
host(bool first, const char *commands)
{
	char *virgin;

	run(DELETE MAKE_LAST SETTLE);
	/* The order of IPv6 routes is that in which interfaces were set up. */
	run(commands);
	virgin = run_dump();
	if (first)
		run(DELETE MAKE_FIRST SETTLE);
	return virgin;
}

/* A helper with what place_build() makes, on the host that host() leaves; false when nothing is usable. */
static bool
begin(struct place *p, bool first, const char *commands, char **virgin)
{
	if (!usable) {
		not_usable();
		return false;
	}
	*virgin = host(first, commands);
	CU_ASSERT_FATAL(place_open(p, NULL) && place_build(p));
	return true;
}

static void
test_made_again(void)
{
	struct place p;
	uint32_t old;
	char *virgin;

	if (!begin(&p, true, "", &virgin))
		return;
	CU_ASSERT_EQUAL(index_of(&p, "eth1"), FIRST);
	old = p.eth1;
	run(DELETE MAKE_LAST SETTLE);
	/* Whoever has its name: it stays what it was until it is let go. */
	CU_ASSERT_EQUAL(told(&p, "eth1", FIRST), old);
	CU_ASSERT(is_refused(&p.c, OP(addr_add, p.eth1, NET(20)), PRIV_R_KERNEL));
	let_go(&p);
	CU_ASSERT(is_refused(&p.c, OP(dev_drop, p.eth1), PRIV_R_ABSENT));
	p.eth1 = told(&p, "eth1", LAST);
	CU_ASSERT_NOT_EQUAL(p.eth1, old);
	CU_ASSERT(is_refused(&p.c, OP(dev_prepare, old), PRIV_R_HANDLE));
	CU_ASSERT(is_refused(&p.c, OP(dev_create, p.ns2, old), PRIV_R_HANDLE));
	/* The other one was left alone. */
	CU_ASSERT_EQUAL(client_dev(&p.c, "eth2"), p.eth2);
	CU_ASSERT(place_fill(&p));
	agrees(&p);
	CU_ASSERT_EQUAL(told(&p, "eth1", LAST), p.eth1);
	ends_as(&p, virgin);
}

/* Nothing was let go: the end takes it as it comes. */
static void
test_end_between(void)
{
	struct place p;
	char *virgin;

	if (!begin(&p, true, "", &virgin))
		return;
	run(DELETE MAKE_LAST SETTLE);
	ends_as(&p, virgin);
}

static void
test_appears(void)
{
	const struct client_setup setup = setup_with(NULL);
	struct place p;
	char *virgin;

	if (!usable)
		return not_usable();
	virgin = host(false, "");
	run(DELETE);
	memset(&p, 0, sizeof(p));
	CU_ASSERT_FATAL(client_start(&p.c, &setup) && client_hello(&p.c));
	p.ns = p.c.welcome.ns;
	CU_ASSERT_EQUAL(client_dev(&p.c, "eth1"), 0);
	CU_ASSERT_NOT_EQUAL(client_dev(&p.c, "eth2"), 0);
	CU_ASSERT(done(&p.c, OP(ns_prepare, p.ns)));
	CU_ASSERT(is_refused(&p.c, OP(dev_prepare, PRIV_HANDLE(PRIV_H_DEV, 0, 1)), PRIV_R_HANDLE));
	told(&p, "eth1", 0);
	run(MAKE_LAST SETTLE);
	p.eth1 = told(&p, "eth1", LAST);
	CU_ASSERT(done(&p.c, OP(peer_take, MAC_1)));
	p.peer = client_made(&p.c, 0);
	CU_ASSERT(done(&p.c, OP(ns_create, 7)));
	p.ns2 = client_made(&p.c, 0);
	CU_ASSERT(place_fill(&p));
	agrees(&p);
	ends_as(&p, virgin);
}

/* Settings of NAME: rp_filter, arp_ignore, arp_announce. */
static bool
settings_are(const char *name, const char *what)
{
	char command[400];

	snprintf(command, sizeof(command), "cd /proc/sys/net/ipv4/conf/%s && test"
	    " \"$(echo $(cat rp_filter arp_ignore arp_announce))\" = '%s'", name, what);
	return system(command) == 0;
}

/* It keeps what it had before us, under its new name; who has the old one is another. */
static void
test_renamed(void)
{
	struct place p;
	char *virgin;

	if (!usable)
		return not_usable();
	virgin = host(true, "");
	run("echo 2 >/proc/sys/net/ipv4/conf/eth1/rp_filter; ");
	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT(settings_are("eth1", "0 1 2"));
	run(AWAY "ip link set far1 name farx; " MAKE_LAST SETTLE);
	CU_ASSERT(settings_are("ethx", "0 1 2"));
	let_go(&p);
	CU_ASSERT(settings_are("ethx", "2 0 0"));
	CU_ASSERT_EQUAL(system("ip -4 -o address show dev ethx | grep -q ."), 256);
	again(&p, LAST);
	CU_ASSERT(settings_are("ethx", "2 0 0"));
	run("ip link del ethx; ");
	ends_as(&p, virgin);
}

/* And back, while it was known by no name of ours. */
static void
test_renamed_back(void)
{
	struct place p;
	char *virgin;

	if (!begin(&p, false, AWAY BACK SETTLE, &virgin))
		return;
	run(AWAY);
	let_go(&p);
	told(&p, "eth1", 0);
	CU_ASSERT(is_refused(&p.c, OP(dev_prepare, p.eth1), PRIV_R_HANDLE));
	run(BACK SETTLE);
	again(&p, LAST);
	ends_as(&p, virgin);
}

#define SWAP "for i in eth1 eth2; do ip link set $i down; done; ip link set eth1 name ethx;" \
	" ip link set eth2 name eth1; ip link set ethx name eth2;" \
	" for i in eth1 eth2; do ip link set $i up; done; "

/* Each has the other's name: none is two interfaces at once. */
static void
test_swapped(void)
{
	struct place p;
	uint32_t other;
	char *virgin;

	if (!begin(&p, false, SWAP SWAP SETTLE, &virgin))
		return;
	other = index_of(&p, "eth2");
	run(SWAP SETTLE);
	CU_ASSERT_EQUAL(told(&p, "eth1", LAST), p.eth1);
	CU_ASSERT_EQUAL(told(&p, "eth2", other), p.eth2);
	let_go(&p);
	told(&p, "eth1", 0);
	CU_ASSERT_EQUAL(told(&p, "eth2", other), p.eth2);
	CU_ASSERT(done(&p.c, OP(addr_drop, p.eth2, OTHER_LL)));
	CU_ASSERT(done(&p.c, OP(dev_drop, p.eth2)));
	told(&p, "eth1", other);
	p.eth2 = told(&p, "eth2", LAST);
	p.eth1 = client_dev(&p.c, "eth1");
	CU_ASSERT(place_fill(&p));
	CU_ASSERT(done(&p.c, OP(dev_prepare, p.eth2)));
	CU_ASSERT(done(&p.c, OP(addr_add, p.eth2, OTHER_LL)));
	agrees(&p);
	/* Settings are those of interfaces, not of names. */
	run(SWAP SETTLE);
	ends_as(&p, virgin);
}

/* With pseudo-interfaces on it, which go on being there. */
static void
test_moved(void)
{
	struct place p;
	char *virgin;

	if (!begin(&p, true, "", &virgin))
		return;
	run("ip netns add away; ip link set eth1 netns away; ip link set far1 name farx; "
	    MAKE_LAST SETTLE);
	CU_ASSERT_EQUAL(told(&p, "eth1", FIRST), p.eth1);
	let_go(&p);
	again(&p, LAST);
	run("ip link del farx; ip netns del away; ");
	ends_as(&p, virgin);
}

/* As often as it likes: too often is refused, and nothing else comes of it. */
static void
test_too_often(void)
{
	enum { MANY = 2000 };
	unsigned refused = 0;
	struct place p;
	char *virgin;

	if (!begin(&p, false, "", &virgin))
		return;
	for (unsigned i = 0; i < MANY; i++)
		if (!client_hello(&p.c)) {
			CU_ASSERT_FATAL(p.c.refusal.reason == PRIV_R_RATE);
			CU_ASSERT_STRING_EQUAL(p.c.refusal.operation, "hello");
			refused++;
		}
	tap_note("%u of %u hellos were refused", refused, MANY);
	CU_ASSERT(refused > 0 && refused < MANY);
	CU_ASSERT(done(&p.c, OP(addr_add, p.eth1, NET(20))));
	ends_as(&p, virgin);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "an interface is removed and made again", test_made_again },
		{ "and the helper ends before it was told", test_end_between },
		{ "one appears that was not there at the start", test_appears },
		{ "one is renamed, and another gets its name", test_renamed },
		{ "one is renamed, and gets its name back", test_renamed_back },
		{ "two change names", test_swapped },
		{ "one moves to another namespace", test_moved },
		{ "a ntkd that asks for ever", test_too_often },
	};

	place_stage();
	return TAP_RUN(tests);
}
