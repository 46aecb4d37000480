/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's policy and ledger, without a kernel: what is allowed is entered as
 * the helper would, so that the next request meets it.
 */
#include "ntkd-priv/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

static const char config[] =
    "topology = \"4.2.2.2\"\n"
    "range = \"10.0.0.0/8\"\n"
    "interface eth1 { }\n"
    "interface eth2 { }\n"
    "accept-anonymous = true\n"
    "subnet-level = 1\n"
    "user = \"64100\"\n"
    "helper-user = \"64101\"\n";

/* Handles that need nothing to be known. */
#define NS0	PRIV_HANDLE(PRIV_H_NS, 0, NS_DEFAULT)
#define LO	PRIV_HANDLE(PRIV_H_DEV, 0, DEV_LO)
#define ETH1	PRIV_HANDLE(PRIV_H_DEV, 0, 1)
#define ETH2	PRIV_HANDLE(PRIV_H_DEV, 0, 2)
#define NTK	0U

#define IP(a, b, c, d) ((ntk_ip_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define OWN_LL	IP(169, 254, 1, 1)
#define PEER_LL	IP(169, 254, 1, 2)
#define GLOBAL	IP(10, 0, 0, 22)	/* 2.1.1.0 */

static struct conf conf;
static struct policy policy;
static struct ledger ledger;
static uint32_t made;		/* handle of what the last allowed operation made */

static void
court_clear(void)
{
	struct node *n;

	while ((n = TAILQ_FIRST(&ledger.order)) != NULL) {
		TAILQ_REMOVE(&ledger.order, n, order);
		free(n);
	}
}

/* An empty ledger: both interfaces exist, nothing is prepared. */
static void
court_open(const char *more)
{
	char text[1024], err[CONF_ERROR] = "";
	bool ok;

	snprintf(text, sizeof(text), "%s%s", config, more);
	ok = conf_parse(text, strlen(text), "test", NULL, 0, &conf, err);
	if (!ok)
		tap_note("%s", err);
	CU_ASSERT_FATAL(ok);
	if (ledger.order.tqh_last != NULL)
		court_clear();
	ledger_init(&ledger, &conf);
	ledger.dev[1].slot.used = true;
	ledger.dev[2].slot.used = true;
	memset(&policy, 0, sizeof(policy));
	policy.conf = &conf;
}

/* What the executors do to slots. */
static void
court_make(const struct change *ch)
{
	const struct obj *o = change_subject(ch);

	if (!ch->has_to) {
		ledger_release(&ledger, o);
		if (o->kind == OBJ_NS)
			ledger_forget_ns(&ledger, o->ns);
		return;
	}
	if (o->kind == OBJ_NS && o->ns != NS_DEFAULT) {
		ledger_take(&ledger, PRIV_H_NS, o->ns);
		made = ledger_handle(&ledger, PRIV_H_NS, o->ns);
	} else if (o->kind == OBJ_DEV && !dev_is_real(o->dev)) {
		ledger_take(&ledger, PRIV_H_DEV, o->dev);
		ledger.dev[o->dev].ns = o->ns;
		ledger.dev[o->dev].parent = o->via_dev;
		made = ledger_handle(&ledger, PRIV_H_DEV, o->dev);
	} else if (o->kind == OBJ_PEER) {
		ledger.peer[o->peer].slot = (struct slot){ true, o->generation };
		ledger.peer[o->peer].mac = o->mac;
		ledger.peer[o->peer].table = o->number;
		made = ledger_handle(&ledger, PRIV_H_PEER, o->peer);
	}
}

static struct ruling
judged(const struct priv_op *op)
{
	struct ruling r;

	policy_judge(&policy, &ledger, op, &r);
	return r;
}

/* The verdict on OP; what is allowed is entered. */
static enum priv_reason
ask(const struct priv_op *op)
{
	struct ruling r = judged(op);

	if (r.reason == PRIV_R_OK) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(r.field);
		CU_ASSERT_STRING_EQUAL(r.field, "");
		CU_ASSERT_TRUE(r.change.has_from || r.change.has_to);
		CU_ASSERT_EQUAL(r.change.has_from,
		    ledger_find(&ledger, change_subject(&r.change)) != NULL);
		ledger_apply(&ledger, &r.change);
		court_make(&r.change);
	}
	return r.reason;
}

#define OP(verb, ...) (&(struct priv_op){ .type = PRIV_OP_##verb, .verb = { __VA_ARGS__ } })
#define YES(verb, ...) CU_ASSERT_EQUAL(ask(OP(verb, __VA_ARGS__)), PRIV_R_OK)
/* Refused for WHY, because of FIELD, whose value is told. */
#define NO(why, field_, verb, ...) do { \
	const struct priv_op *op_ = OP(verb, __VA_ARGS__); \
	struct ruling r_ = judged(op_); \
	CU_ASSERT_EQUAL(r_.reason, PRIV_R_##why); \
	CU_ASSERT_STRING_EQUAL(r_.field, field_); \
	CU_ASSERT_TRUE(tells_value(&r_, op_)); \
	CU_ASSERT_FALSE(r_.change.has_to || r_.change.has_from); \
} while (0)

/* The value in R is that of its field in OP, or the limit that was met. */
static bool
tells_value(const struct ruling *r, const struct priv_op *op)
{
	const struct msg_desc *d = msg_find(priv_ops, priv_n_ops, op->type);
	uint32_t limit = op->type == PRIV_OP_ns_create ? LEDGER_NAMESPACES :
	    op->type == PRIV_OP_dev_create ? LEDGER_DEVS : LEDGER_OBJECTS;
	uint32_t value = 0;

	if (r->reason == PRIV_R_LIMIT)
		return r->value == limit && !r->value_is_ip;
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct msg_field *f = &d->fields[i];

		if (strcmp(f->name, r->field) != 0 || f->kind == MSG_MAC)
			continue;
		if (f->size == sizeof(uint8_t))
			value = *((const uint8_t *)&op->ns_prepare + f->offset);
		else
			memcpy(&value, (const uint8_t *)&op->ns_prepare + f->offset, sizeof(value));
		return r->value == value && r->value_is_ip == (f->kind == MSG_IP4);
	}
	return r->value == 0 && !r->value_is_ip;
}

static const uint8_t mac1[6] = { 0, 0x16, 0x3e, 0, 0, 1 };

static uint32_t
peer_take(uint8_t last)
{
	struct priv_op op = { .type = PRIV_OP_peer_take };

	memcpy(op.peer_take.mac, mac1, sizeof(mac1));
	op.peer_take.mac[5] = last;
	CU_ASSERT_EQUAL(ask(&op), PRIV_R_OK);
	return made;
}

/* eth1 prepared, with link-local, own global address and one neighbour. */
static void
court_settle(void)
{
	court_open("");
	YES(ns_prepare, NS0);
	YES(dev_prepare, ETH1);
	YES(addr_add, ETH1, OWN_LL);
	YES(addr_add, ETH1, GLOBAL);
	YES(neigh_set, ETH1, PEER_LL, OWN_LL);
}

static void
test_namespaces(void)
{
	uint32_t ns;

	court_open("");
	YES(ns_prepare, NS0);
	NO(EXISTS, "", ns_prepare, NS0);
	NO(PLACE, "ns", ns_drop, NS0);
	YES(ns_create, 7);
	ns = made;
	NO(PLACE, "ns", ns_prepare, ns);
	NO(HANDLE, "ns", ns_drop, ns + 1);
	NO(HANDLE, "ns", ns_drop, 0);
	NO(HANDLE, "ns", ns_drop, PRIV_HANDLE_NEW(0));
	NO(KIND, "ns", ns_drop, ETH1);
	NO(HANDLE, "ns", ns_drop, PRIV_HANDLE(PRIV_H_NS, 0, 0xffff));
	YES(ns_drop, ns);
	NO(HANDLE, "ns", ns_drop, ns);
	YES(ns_create, 7);
	CU_ASSERT_NOT_EQUAL(made, ns);
	NO(HANDLE, "ns", ns_drop, ns);
	for (int i = 2; i < LEDGER_NAMESPACES; i++)
		YES(ns_create, 1);
	NO(LIMIT, "ns", ns_create, 1);
}

static void
test_interfaces(void)
{
	uint32_t ns, dev;

	court_open("");
	YES(ns_create, 1);
	ns = made;
	NO(PLACE, "dev", dev_prepare, LO);
	NO(HANDLE, "dev", dev_prepare, PRIV_HANDLE(PRIV_H_DEV, 0, 3));
	YES(dev_prepare, ETH1);
	NO(EXISTS, "", dev_prepare, ETH1);
	NO(PLACE, "ns", dev_create, NS0, ETH1);
	NO(PLACE, "parent", dev_create, ns, LO);
	NO(KIND, "parent", dev_create, ns, ns);
	NO(HANDLE, "ns", dev_create, 0, ETH1);
	YES(dev_create, ns, ETH1);
	dev = made;
	NO(EXISTS, "parent", dev_create, ns, ETH1);
	NO(PLACE, "parent", dev_create, ns, dev);
	NO(PLACE, "dev", dev_prepare, dev);
	NO(PLACE, "dev", dev_drop, LO);
	NO(IN_USE, "dev", dev_drop, ETH1);
	YES(addr_add, dev, OWN_LL);
	NO(IN_USE, "dev", dev_drop, dev);
	YES(addr_drop, dev, OWN_LL);
	YES(dev_drop, dev);
	NO(HANDLE, "dev", dev_drop, dev);
	NO(HANDLE, "dev", addr_add, dev, OWN_LL);
	/* A real one, when nothing is on it; its handle stays. */
	YES(addr_add, ETH1, OWN_LL);
	NO(IN_USE, "dev", dev_drop, ETH1);
	YES(addr_drop, ETH1, OWN_LL);
	YES(dev_drop, ETH1);
	NO(ABSENT, "", dev_drop, ETH1);
	NO(ABSENT, "", dev_drop, ETH2);
	YES(dev_prepare, ETH1);
	/* One on each interface in each namespace, and again when it was removed. */
	YES(dev_create, ns, ETH1);
	CU_ASSERT_NOT_EQUAL(made, dev);
	YES(dev_create, ns, ETH2);
	NO(EXISTS, "parent", dev_create, ns, ETH2);
	YES(ns_create, 2);
	YES(dev_create, made, ETH1);
}

/* The last ones of everything there is a number for. */
static void
test_limits(void)
{
	struct priv_op take = { .type = PRIV_OP_peer_take, .peer_take = { { 2, 0, 0, 0, 0, 1 } } };
	uint32_t ns;

	court_open("more-tables = \"10000-16000\"\n");
	YES(ns_create, 1);
	ns = made;
	for (unsigned i = CONF_INTERFACES + 1; i < LEDGER_DEVS; i++)
		ledger.dev[i].slot.used = true;
	NO(LIMIT, "dev", dev_create, ns, ETH1);
	for (unsigned i = PEER_NTK + 1; i < LEDGER_PEERS; i++)
		ledger.peer[i].slot.used = true;
	CU_ASSERT_EQUAL(judged(&take).reason, PRIV_R_LIMIT);
	ledger.peer[LEDGER_PEERS - 1].slot.used = false;
	CU_ASSERT_EQUAL(judged(&take).reason, PRIV_R_OK);
	court_settle();
	ledger.objects = LEDGER_OBJECTS;
	NO(LIMIT, "", addr_add, ETH1, IP(169, 254, 1, 9));
	NO(LIMIT, "", rule_on, NS0, NTK);
	NO(LIMIT, "", route_set, NS0, NTK, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNICAST, ETH1,
	    PEER_LL, 0);
	/* A replacement needs no room, and what goes makes some. */
	YES(neigh_set, ETH1, PEER_LL, OWN_LL);
	YES(neigh_drop, ETH1, PEER_LL);
	YES(addr_add, ETH1, IP(169, 254, 1, 9));
	NO(LIMIT, "", neigh_set, ETH1, PEER_LL, OWN_LL);
}

/* An own address on the last interface there may be. */
static void
test_last_interface(void)
{
	const uint32_t last = PRIV_HANDLE(PRIV_H_DEV, 0, CONF_INTERFACES);

	court_settle();
	ledger.dev[CONF_INTERFACES].slot.used = true;
	YES(dev_prepare, last);
	NO(SOURCE, "src", route_set, NS0, NTK, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNICAST, ETH1,
	    PEER_LL, IP(10, 0, 0, 23));
	YES(addr_add, last, IP(10, 0, 0, 23));
	YES(route_set, NS0, NTK, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNICAST, ETH1, PEER_LL,
	    IP(10, 0, 0, 23));
}

static void
test_addresses(void)
{
	uint32_t ns, dev;

	court_open("");
	NO(ABSENT, "dev", addr_add, ETH1, OWN_LL);
	YES(dev_prepare, ETH1);
	YES(addr_add, LO, IP(10, 0, 0, 32));
	NO(RANGE, "addr", addr_add, LO, IP(127, 0, 0, 1));
	NO(RANGE, "addr", addr_add, LO, GLOBAL);
	NO(RANGE, "addr", addr_add, ETH1, IP(10, 0, 0, 32));
	NO(LINKLOCAL, "addr", addr_add, ETH1, IP(192, 168, 1, 1));
	NO(LINKLOCAL, "addr", addr_add, ETH1, IP(8, 8, 8, 8));
	NO(LINKLOCAL, "addr", addr_add, ETH1, 0);
	NO(LINKLOCAL, "addr", addr_add, ETH1, IP(255, 255, 255, 255));
	NO(LINKLOCAL, "addr", addr_add, ETH1, IP(169, 254, 0, 1));
	NO(LINKLOCAL, "addr", addr_add, ETH1, IP(169, 254, 255, 1));
	NO(LINKLOCAL, "addr", addr_add, ETH1, IP(169, 254, 169, 254));
	YES(addr_add, ETH1, OWN_LL);
	NO(EXISTS, "", addr_add, ETH1, OWN_LL);
	YES(addr_add, ETH1, GLOBAL);
	YES(addr_add, ETH1, IP(10, 0, 0, 86));		/* anonymizing */
	YES(addr_add, ETH1, IP(10, 0, 0, 62));		/* internal to 3 */
	NO(RANGE, "addr", addr_add, ETH1, IP(10, 0, 0, 96));	/* reserved kind */
	NO(RANGE, "addr", addr_add, ETH1, IP(10, 0, 0, 128));	/* above the topology */
	NO(RANGE, "addr", addr_add, ETH1, IP(10, 0, 0, 42));	/* internal, zeros between */
	YES(ns_create, 1);
	ns = made;
	YES(dev_create, ns, ETH1);
	dev = made;
	YES(addr_add, dev, OWN_LL);
	NO(PLACE, "addr", addr_add, dev, GLOBAL);
	NO(ABSENT, "", addr_drop, dev, GLOBAL);
	YES(addr_drop, ETH1, GLOBAL);
	NO(ABSENT, "", addr_drop, ETH1, GLOBAL);
}

static void
test_anonymous(void)
{
	court_open("");
	conf.accept_anonymous = false;
	YES(dev_prepare, ETH1);
	NO(CONFIG, "addr", addr_add, ETH1, IP(10, 0, 0, 86));
	YES(addr_add, ETH1, GLOBAL);
}

static void
test_host(void)
{
	court_open("");
	policy.host.n = 2;
	policy.host.v[0] = (ntk_prefix_t){ IP(169, 254, 7, 0), 24 };
	policy.host.v[1] = (ntk_prefix_t){ IP(10, 0, 0, 16), 30 };
	YES(dev_prepare, ETH1);
	YES(addr_add, ETH1, OWN_LL);
	NO(HOST, "addr", addr_add, ETH1, IP(169, 254, 7, 9));
	NO(HOST, "peer", neigh_set, ETH1, IP(169, 254, 7, 9), OWN_LL);
	NO(HOST, "addr", addr_add, ETH1, IP(10, 0, 0, 17));
	NO(HOST, "dst", route_set, NS0, NTK, IP(10, 0, 0, 16), 29, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	YES(route_set, NS0, NTK, IP(10, 0, 0, 20), 30, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	conf.allow_overlap = true;
	YES(addr_add, ETH1, IP(10, 0, 0, 17));
	NO(HOST, "addr", addr_add, ETH1, IP(169, 254, 7, 9));
}

static void
test_neighbours(void)
{
	court_settle();
	NO(LINKLOCAL, "peer", neigh_set, ETH1, IP(192, 168, 1, 1), OWN_LL);
	NO(LINKLOCAL, "peer", neigh_set, ETH1, IP(169, 254, 169, 254), OWN_LL);
	NO(LINKLOCAL, "peer", neigh_set, ETH1, IP(10, 0, 0, 23), OWN_LL);
	NO(SOURCE, "src", neigh_set, ETH1, PEER_LL, PEER_LL);
	NO(SOURCE, "src", neigh_set, ETH1, PEER_LL, GLOBAL);
	NO(SOURCE, "src", neigh_set, ETH1, PEER_LL, 0);
	NO(SOURCE, "src", neigh_set, ETH2, PEER_LL, OWN_LL);
	YES(addr_add, ETH1, IP(169, 254, 1, 9));
	YES(neigh_set, ETH1, PEER_LL, IP(169, 254, 1, 9));	/* a new source replaces */
	NO(ABSENT, "", neigh_drop, ETH2, PEER_LL);
	YES(neigh_drop, ETH1, PEER_LL);
	NO(ABSENT, "", neigh_drop, ETH1, PEER_LL);
}

static void
test_peers(void)
{
	uint32_t first, second;
	struct priv_op again = { .type = PRIV_OP_peer_take };

	court_settle();
	first = peer_take(1);
	CU_ASSERT_EQUAL(ledger.peer[PRIV_HANDLE_INDEX(first)].table, 250);
	memcpy(again.peer_take.mac, mac1, sizeof(mac1));
	CU_ASSERT_EQUAL(ask(&again), PRIV_R_EXISTS);
	second = peer_take(2);
	CU_ASSERT_EQUAL(ledger.peer[PRIV_HANDLE_INDEX(second)].table, 249);
	YES(mark_on, NS0, first);
	NO(EXISTS, "", mark_on, NS0, first);
	NO(IN_USE, "peer", peer_give, first);
	NO(HANDLE, "peer", mark_on, NS0, NTK);
	NO(HANDLE, "peer", peer_give, NTK);
	NO(KIND, "peer", peer_give, ETH1);
	YES(rule_on, NS0, first);
	YES(rule_on, NS0, NTK);
	NO(EXISTS, "", rule_on, NS0, NTK);
	YES(rule_off, NS0, first);
	NO(ABSENT, "", rule_off, NS0, first);
	YES(mark_off, NS0, first);
	NO(ABSENT, "", mark_off, NS0, first);
	/* The slot of ntk's table, named as if somebody had been given it. */
	NO(HANDLE, "peer", rule_on, NS0, PRIV_HANDLE(PRIV_H_PEER, 0, PEER_NTK));
	NO(HANDLE, "peer", peer_give, PRIV_HANDLE(PRIV_H_PEER, 0, PEER_NTK));
	YES(peer_give, first);
	NO(HANDLE, "peer", peer_give, first);
	NO(HANDLE, "peer", rule_on, NS0, first);
	CU_ASSERT_NOT_EQUAL(peer_take(1), first);
	YES(peer_give, made);
	/* The highest free number comes first, under a handle that was never given out. */
	CU_ASSERT_NOT_EQUAL(peer_take(3), first);
	CU_ASSERT_EQUAL(ledger.peer[PRIV_HANDLE_INDEX(made)].table, 250);
}

static void
test_exhaustion(void)
{
	struct priv_op op = { .type = PRIV_OP_peer_take, .peer_take = { { 2, 0, 0, 0, 0, 0 } } };

	court_open("");
	for (unsigned i = 0; i < 51 + 1024; i++) {
		op.peer_take.mac[4] = (uint8_t)(i >> 8);
		op.peer_take.mac[5] = (uint8_t)i;
		CU_ASSERT_EQUAL_FATAL(ask(&op), PRIV_R_OK);
		CU_ASSERT_EQUAL(ledger.peer[PRIV_HANDLE_INDEX(made)].table,
		    i < 51 ? 250 - i : 10000 + i - 51);
	}
	op.peer_take.mac[3] = 1;
	CU_ASSERT_EQUAL(judged(&op).reason, PRIV_R_EXHAUSTED);
}

static void
test_routes(void)
{
	const ntk_ip_t dst = IP(10, 0, 0, 16);
	uint32_t peer;

	court_settle();
	peer = peer_take(1);
	YES(route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	YES(route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNICAST, ETH1, PEER_LL, GLOBAL);
	YES(route_set, NS0, peer, dst, 30, PRIV_ROUTE_BLACKHOLE, 0, 0, 0);
	NO(ALIGN, "dst", route_set, NS0, NTK, dst + 1, 30, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, 0, 1, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, IP(10, 0, 0, 0), 8, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, IP(10, 0, 0, 0), 26, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, IP(10, 0, 0, 96), 27, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, IP(10, 0, 0, 32), 32, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, IP(10, 1, 0, 0), 16, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, IP(8, 8, 8, 8), 32, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, PEER_LL, 32, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(SHAPE, "dev", route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNREACHABLE, ETH1, 0, 0);
	NO(SHAPE, "via", route_set, NS0, NTK, dst, 30, PRIV_ROUTE_BLACKHOLE, 0, PEER_LL, 0);
	NO(SHAPE, "src", route_set, NS0, NTK, dst, 30, PRIV_ROUTE_BLACKHOLE, 0, 0, GLOBAL);
	NO(HANDLE, "dev", route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNICAST, 0, PEER_LL, 0);
	NO(NEIGHBOUR, "via", route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNICAST, ETH1, 0, 0);
	NO(NEIGHBOUR, "via", route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNICAST, ETH1, OWN_LL, 0);
	NO(NEIGHBOUR, "via", route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNICAST, ETH2, PEER_LL, 0);
	NO(SOURCE, "src", route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNICAST, ETH1, PEER_LL, GLOBAL + 1);
	YES(route_drop, NS0, NTK, dst, 30);
	NO(ABSENT, "", route_drop, NS0, NTK, dst, 30);
	NO(ABSENT, "", route_drop, NS0, peer, dst, 31);
	NO(HANDLE, "ns", route_drop, 0, peer, dst, 30);
	NO(KIND, "peer", route_drop, NS0, ETH1, dst, 30);
}

static void
test_foreign_namespace(void)
{
	uint32_t ns, dev, peer;

	court_settle();
	peer = peer_take(1);
	YES(ns_create, 1);
	ns = made;
	YES(dev_create, ns, ETH1);
	dev = made;
	NO(PLACE, "peer", route_set, ns, NTK, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(PLACE, "peer", rule_on, ns, NTK);
	NO(PLACE, "dev", route_set, ns, peer, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNICAST, ETH1,
	    PEER_LL, 0);
	NO(NEIGHBOUR, "via", route_set, ns, peer, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNICAST, dev,
	    PEER_LL, 0);
	YES(addr_add, dev, OWN_LL);
	YES(neigh_set, dev, PEER_LL, OWN_LL);
	YES(route_set, ns, peer, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNICAST, dev, PEER_LL, 0);
	NO(SOURCE, "src", route_set, ns, peer, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNICAST, dev,
	    PEER_LL, GLOBAL);
	NO(PLACE, "dev", route_set, NS0, peer, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNICAST, dev,
	    PEER_LL, 0);
	NO(PLACE, "ns", nat_set, ns, PRIV_NAT_SOURCE, 0, 0, IP(10, 0, 0, 64), 27, GLOBAL, 32);
}

static void
test_source_nat(void)
{
	const ntk_ip_t all = IP(10, 0, 0, 64);

	court_settle();
	YES(addr_add, ETH1, IP(10, 0, 0, 86));
	NO(SOURCE, "to", nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, all, 27, IP(10, 0, 0, 86), 32);
	NO(SHAPE, "src", nat_set, NS0, PRIV_NAT_SOURCE, GLOBAL, 32, all, 27, GLOBAL, 32);
	NO(SHAPE, "src", nat_set, NS0, PRIV_NAT_SOURCE, GLOBAL, 0, all, 27, GLOBAL, 32);
	NO(SHAPE, "src", nat_set, NS0, PRIV_NAT_SOURCE, 0, 8, all, 27, GLOBAL, 32);
	NO(HANDLE, "ns", nat_drop, 0, PRIV_NAT_SOURCE, 0, 0, all, 27);
	NO(RANGE, "dst", nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, IP(8, 8, 8, 8), 32, GLOBAL, 32);
	NO(RANGE, "dst", nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, all, 28, GLOBAL, 32);
	NO(RANGE, "dst", nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, IP(10, 0, 0, 0), 27, GLOBAL, 32);
	NO(SHAPE, "to_len", nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, all, 27, GLOBAL, 31);
	NO(SOURCE, "to", nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, all, 27, GLOBAL + 1, 32);
	NO(SOURCE, "to", nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, all, 27, OWN_LL, 32);
	YES(nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, all, 27, GLOBAL, 32);
	YES(nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, all, 27, GLOBAL, 32);
	YES(nat_drop, NS0, PRIV_NAT_SOURCE, 0, 0, all, 27);
	NO(ABSENT, "", nat_drop, NS0, PRIV_NAT_SOURCE, 0, 0, all, 27);
	conf.anonymize_others = false;
	NO(CONFIG, "kind", nat_set, NS0, PRIV_NAT_SOURCE, 0, 0, all, 27, GLOBAL, 32);
}

/* Spec kernel-state 4: s=1, address 2.1.1.0 in 4.2.2.2. */
static void
test_mapping(void)
{
	const ntk_ip_t own = IP(10, 0, 0, 40);

	court_settle();
	YES(nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 50), 31, own, 31);
	YES(nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 22), 31, own, 31);
	YES(nat_set, NS0, PRIV_NAT_MAP_OUT, own, 31, IP(10, 0, 0, 48), 30, IP(10, 0, 0, 50), 31);
	YES(nat_set, NS0, PRIV_NAT_MAP_OUT, own, 31, IP(10, 0, 0, 64), 27, IP(10, 0, 0, 22), 31);
	NO(SHAPE, "src", nat_set, NS0, PRIV_NAT_MAP_IN, own, 31, IP(10, 0, 0, 50), 31, own, 31);
	NO(SHAPE, "src", nat_set, NS0, PRIV_NAT_MAP_IN, own, 0, IP(10, 0, 0, 50), 31, own, 31);
	NO(SHAPE, "src", nat_set, NS0, PRIV_NAT_MAP_IN, 0, 31, IP(10, 0, 0, 50), 31, own, 31);
	NO(RANGE, "to", nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 50), 31, IP(10, 0, 0, 48), 31);
	NO(RANGE, "to", nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 50), 31, IP(192, 168, 0, 0), 31);
	NO(SHAPE, "to_len", nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 48), 30, own, 31);
	NO(RANGE, "dst", nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(8, 8, 8, 8), 31, own, 31);
	NO(RANGE, "src", nat_set, NS0, PRIV_NAT_MAP_OUT, IP(192, 168, 0, 0), 31, IP(10, 0, 0, 48), 30,
	    IP(10, 0, 0, 50), 31);
	NO(RANGE, "to", nat_set, NS0, PRIV_NAT_MAP_OUT, own, 31, IP(10, 0, 0, 48), 30,
	    IP(8, 8, 8, 8), 31);
	NO(SHAPE, "to_len", nat_set, NS0, PRIV_NAT_MAP_OUT, own, 31, IP(10, 0, 0, 48), 30,
	    IP(10, 0, 0, 50), 32);
	YES(nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 86), 31, own, 31);
	NO(RANGE, "to", nat_set, NS0, PRIV_NAT_MAP_OUT, own, 31, IP(10, 0, 0, 64), 27,
	    IP(10, 0, 0, 86), 31);
	conf.accept_anonymous = false;
	NO(CONFIG, "dst", nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 86), 31, own, 31);
	YES(nat_set, NS0, PRIV_NAT_MAP_OUT, own, 31, IP(10, 0, 0, 64), 27, IP(10, 0, 0, 22), 31);
	YES(nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 62), 31, own, 31);
	conf.accept_anonymous = true;
	/* The host routes the subnet behind it by itself: that is what the mapping is for. */
	policy.host.n = 1;
	policy.host.v[0] = (ntk_prefix_t){ own, 31 };
	YES(nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 50), 31, own, 31);
	policy.host.v[0] = (ntk_prefix_t){ IP(10, 0, 0, 50), 31 };
	NO(HOST, "dst", nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 50), 31, own, 31);
	NO(HOST, "to", nat_set, NS0, PRIV_NAT_MAP_OUT, own, 31, IP(10, 0, 0, 56), 29,
	    IP(10, 0, 0, 50), 31);
	policy.host.n = 0;
	conf.subnet_level = 0;
	NO(CONFIG, "kind", nat_set, NS0, PRIV_NAT_MAP_IN, 0, 0, IP(10, 0, 0, 50), 31, own, 31);
}

/* What lies behind us is the host's to route: no table of ours leads there. */
static void
test_subnet_routes(void)
{
	const ntk_ip_t own = IP(10, 0, 0, 40);

	court_settle();
	NO(RANGE, "dst", route_set, NS0, NTK, own, 31, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, own + 1, 32, PRIV_ROUTE_BLACKHOLE, 0, 0, 0);
	NO(RANGE, "dst", route_set, NS0, NTK, own, 31, PRIV_ROUTE_UNICAST, ETH1, PEER_LL, 0);
	YES(route_set, NS0, NTK, IP(10, 0, 0, 48), 31, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	conf.subnet_level = 0;
	YES(route_set, NS0, NTK, own, 31, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
}

/* Everything that is allowed can be taken back, and the ledger is then what it was. */
static void
test_reversal(void)
{
	struct priv_op op = *OP(route_set, NS0, NTK, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNREACHABLE, 0, 0, 0);
	struct ruling first, second;
	struct change back;
	uint32_t objects;

	court_settle();
	objects = ledger.objects;
	first = judged(&op);
	ledger_apply(&ledger, &first.change);
	op.route_set.type = PRIV_ROUTE_BLACKHOLE;
	second = judged(&op);
	CU_ASSERT(second.change.has_from && second.change.has_to);
	CU_ASSERT_EQUAL(second.change.from.type, PRIV_ROUTE_UNREACHABLE);
	ledger_apply(&ledger, &second.change);
	back = change_reversed(&second.change);
	ledger_apply(&ledger, &back);
	CU_ASSERT_EQUAL(ledger_find(&ledger, &first.change.to)->type, PRIV_ROUTE_UNREACHABLE);
	back = change_reversed(&first.change);
	ledger_apply(&ledger, &back);
	CU_ASSERT_PTR_NULL(ledger_find(&ledger, &first.change.to));
	CU_ASSERT_EQUAL(ledger.objects, objects);
}

/* A namespace that goes takes its objects along, and gives its neighbours free. */
static void
test_forgetting(void)
{
	uint32_t ns, dev, peer, objects;

	court_settle();
	peer = peer_take(1);
	objects = ledger.objects;
	YES(ns_create, 1);
	ns = made;
	YES(dev_create, ns, ETH1);
	dev = made;
	YES(addr_add, dev, OWN_LL);
	YES(neigh_set, dev, PEER_LL, OWN_LL);
	YES(mark_on, ns, peer);
	YES(rule_on, ns, peer);
	YES(route_set, ns, peer, IP(10, 0, 0, 16), 30, PRIV_ROUTE_UNICAST, dev, PEER_LL, 0);
	NO(IN_USE, "peer", peer_give, peer);
	YES(ns_drop, ns);
	CU_ASSERT_EQUAL(ledger.objects, objects);
	NO(HANDLE, "dev", addr_add, dev, OWN_LL);
	YES(peer_give, peer);
}

/* What others lean on goes after them, and nothing else has to wait. */
static void
test_leaning(void)
{
	const ntk_ip_t dst = IP(10, 0, 0, 16), other = IP(169, 254, 1, 3);
	uint32_t peer;

	court_settle();
	peer = peer_take(1);
	YES(addr_add, ETH1, IP(169, 254, 1, 9));
	YES(neigh_set, ETH1, other, OWN_LL);
	YES(route_set, NS0, peer, dst, 30, PRIV_ROUTE_UNICAST, ETH1, PEER_LL, 0);
	NO(IN_USE, "addr", addr_drop, ETH1, OWN_LL);
	NO(IN_USE, "peer", neigh_drop, ETH1, PEER_LL);
	/* A neighbour that no route goes through; addresses that nothing comes from. */
	YES(neigh_drop, ETH1, other);
	YES(addr_drop, ETH1, IP(169, 254, 1, 9));
	YES(addr_drop, ETH1, GLOBAL);
	YES(addr_add, ETH1, GLOBAL);
	/* A route of another type leans on nothing. */
	YES(route_set, NS0, peer, dst, 30, PRIV_ROUTE_BLACKHOLE, 0, 0, 0);
	YES(neigh_drop, ETH1, PEER_LL);
	YES(addr_drop, ETH1, OWN_LL);
	court_settle();
	YES(route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNICAST, ETH1, PEER_LL, GLOBAL);
	NO(IN_USE, "addr", addr_drop, ETH1, GLOBAL);
	/* It is content with the address wherever one is left. */
	YES(dev_prepare, ETH2);
	YES(addr_add, ETH2, GLOBAL);
	YES(addr_drop, ETH1, GLOBAL);
	NO(IN_USE, "addr", addr_drop, ETH2, GLOBAL);
	YES(route_drop, NS0, NTK, dst, 30);
	YES(addr_drop, ETH2, GLOBAL);
}

/* The same addresses on another interface, and in another namespace, are others. */
static void
test_leaning_elsewhere(void)
{
	const ntk_ip_t dst = IP(10, 0, 0, 16);
	uint32_t ns, dev, peer;

	court_settle();
	YES(dev_prepare, ETH2);
	YES(addr_add, ETH2, OWN_LL);
	YES(neigh_set, ETH2, PEER_LL, OWN_LL);
	YES(route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNICAST, ETH2, PEER_LL, 0);
	NO(IN_USE, "peer", neigh_drop, ETH2, PEER_LL);
	YES(neigh_drop, ETH1, PEER_LL);
	YES(addr_drop, ETH1, OWN_LL);
	court_settle();
	peer = peer_take(1);
	YES(ns_create, 1);
	ns = made;
	YES(dev_create, ns, ETH1);
	dev = made;
	YES(addr_add, dev, OWN_LL);
	YES(neigh_set, dev, PEER_LL, OWN_LL);
	YES(route_set, ns, peer, dst, 30, PRIV_ROUTE_UNICAST, dev, PEER_LL, 0);
	YES(neigh_drop, ETH1, PEER_LL);
	YES(addr_drop, ETH1, OWN_LL);
	NO(IN_USE, "peer", neigh_drop, dev, PEER_LL);
	NO(IN_USE, "addr", addr_drop, dev, OWN_LL);
	/* The source of a route in the default namespace. */
	YES(addr_add, ETH1, OWN_LL);
	YES(neigh_set, ETH1, PEER_LL, OWN_LL);
	YES(route_set, NS0, NTK, dst, 30, PRIV_ROUTE_UNICAST, ETH1, PEER_LL, OWN_LL);
	YES(route_drop, ns, peer, dst, 30);
	YES(neigh_drop, dev, PEER_LL);
	YES(addr_drop, dev, OWN_LL);
	/* The same address on two interfaces of a namespace; only one has a neighbour. */
	YES(addr_add, dev, IP(169, 254, 1, 9));
	YES(dev_prepare, ETH2);
	YES(dev_create, ns, ETH2);
	YES(addr_add, made, IP(169, 254, 1, 9));
	YES(neigh_set, made, PEER_LL, IP(169, 254, 1, 9));
	YES(addr_drop, dev, IP(169, 254, 1, 9));
	NO(IN_USE, "addr", addr_drop, made, IP(169, 254, 1, 9));
}

static void
test_unknown(void)
{
	const struct priv_op op = { .type = 250 };

	court_open("");
	CU_ASSERT_EQUAL(judged(&op).reason, PRIV_R_SHAPE);
	court_clear();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "namespaces: only its own, never the default one", test_namespaces },
		{ "interfaces: managed ones, and pseudo-interfaces on them", test_interfaces },
		{ "an own address on the last interface", test_last_interface },
		{ "limits: slots, table numbers, objects", test_limits },
		{ "own addresses: link-local, in the range, localhost on lo", test_addresses },
		{ "anonymizing addresses only where the configuration has them", test_anonymous },
		{ "nothing that the host routes by itself", test_host },
		{ "neighbour routes: link-local, from an own link-local", test_neighbours },
		{ "neighbours: numbers, marks, rules", test_peers },
		{ "table numbers in the order of kernel-state 7, until there are none", test_exhaustion },
		{ "routes: of the range, through neighbours, from own addresses", test_routes },
		{ "objects of different namespaces do not mix", test_foreign_namespace },
		{ "source NAT: from an own global address, to all anonymizing ones", test_source_nat },
		{ "prefix mapping: of the private subnet and nothing else", test_mapping },
		{ "no table leads into the private subnet", test_subnet_routes },
		{ "every change can be reversed", test_reversal },
		{ "a namespace takes its objects along", test_forgetting },
		{ "what others lean on goes after them", test_leaning },
		{ "what is elsewhere leans on nothing here", test_leaning_elsewhere },
		{ "an unknown operation is refused", test_unknown },
	};
	return TAP_RUN(tests);
}
