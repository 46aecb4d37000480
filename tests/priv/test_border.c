/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The border with a real ntkd-priv and a real kernel: what each verb does and
 * undoes, what is refused and then changes nothing, what ends the helper.
 *
 * "Nothing changed" always means that tests/integration/dump prints the same bytes.
 * Everything happens in a network and mount namespace of this process's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/priv/place.h"
#include "tests/unit/tap.h"

/* --- every verb, and its opposite ------------------------------------------ */

/* What takes away what OP made: the object H. */
static struct priv_op
opposite_of_making(const struct priv_op *op, uint32_t h)
{
	switch ((enum priv_op_type)op->type) {
	case PRIV_OP_ns_create:
		return (struct priv_op)OPV(ns_drop, h);
	case PRIV_OP_dev_create:
		return (struct priv_op)OPV(dev_drop, h);
	default:
		return (struct priv_op)OPV(peer_give, h);
	}
}

/*
 * OP changes something, OPPOSITE (NULL: what OP made is dropped) takes that back to the
 * byte; then OP again.
 */
static void
there_and_back(struct place *p, const struct priv_op *op, const struct priv_op *opposite)
{
	char *before = run_dump(), *after;
	struct priv_op drop;

	CU_ASSERT_FATAL(done(&p->c, op));
	if (opposite == NULL) {
		drop = opposite_of_making(op, client_made(&p->c, 0));
		opposite = &drop;
	}
	after = run_dump();
	CU_ASSERT_STRING_NOT_EQUAL(before, after);
	CU_ASSERT(done(&p->c, opposite));
	CU_ASSERT(unchanged(before, SETTLE_MS));
	CU_ASSERT_FATAL(done(&p->c, op));
	if (!priv_op_makes(op->type))
		CU_ASSERT(unchanged(after, SETTLE_MS));
	free(before);
	free(after);
}

static void
test_verbs_default(void)
{
	struct place p;
	uint32_t ns, eth1, peer;
	char *virgin;

	if (!usable)
		return not_usable();
	virgin = run_dump();
	if (!place_open(&p, NULL))
		return;
	ns = p.ns;
	eth1 = p.eth1;
	CU_ASSERT_FATAL(done(&p.c, OP(ns_prepare, ns)));
	CU_ASSERT_FATAL(done(&p.c, OP(dev_prepare, eth1)));
	there_and_back(&p, OP(addr_add, p.lo, NET(32)), OP(addr_drop, p.lo, NET(32)));
	there_and_back(&p, OP(addr_add, eth1, OWN_LL), OP(addr_drop, eth1, OWN_LL));
	there_and_back(&p, OP(addr_add, eth1, GLOBAL), OP(addr_drop, eth1, GLOBAL));
	there_and_back(&p, OP(addr_add, eth1, OTHER_LL), OP(addr_drop, eth1, OTHER_LL));
	there_and_back(&p, OP(neigh_set, eth1, PEER_LL, OWN_LL), OP(neigh_drop, eth1, PEER_LL));
	there_and_back(&p, OP(neigh_set, eth1, PEER_LL, OTHER_LL),
	    OP(neigh_set, eth1, PEER_LL, OWN_LL));
	there_and_back(&p, OP(peer_take, MAC_1), NULL);
	peer = client_made(&p.c, 0);
	CU_ASSERT_EQUAL(p.c.results[0].number, 250);
	/* The first mark makes our nftables table, which stays until the end. */
	CU_ASSERT(done(&p.c, OP(mark_on, ns, peer)) && done(&p.c, OP(mark_off, ns, peer)));
	there_and_back(&p, OP(mark_on, ns, peer), OP(mark_off, ns, peer));
	there_and_back(&p, OP(route_set, ns, peer, DST, UNREACHABLE, 0, 0, 0),
	    OP(route_drop, ns, peer, DST));
	there_and_back(&p, OP(route_set, ns, peer, DST, UNICAST, eth1, PEER_LL, 0),
	    OP(route_set, ns, peer, DST, UNREACHABLE, 0, 0, 0));
	there_and_back(&p, OP(route_set, ns, peer, DST, BLACKHOLE, 0, 0, 0),
	    OP(route_set, ns, peer, DST, UNICAST, eth1, PEER_LL, 0));
	there_and_back(&p, OP(route_set, ns, 0, DST, UNICAST, eth1, PEER_LL, GLOBAL),
	    OP(route_drop, ns, 0, DST));
	there_and_back(&p, OP(rule_on, ns, peer), OP(rule_off, ns, peer));
	there_and_back(&p, OP(rule_on, ns, 0), OP(rule_off, ns, 0));
	there_and_back(&p, OP(nat_set, ns, SOURCE_NAT, 0, 0, NET(64), 27, GLOBAL, 32),
	    OP(nat_drop, ns, SOURCE_NAT, 0, 0, NET(64), 27));
	/* kernel-state 4, the example of s = 1. */
	there_and_back(&p, OP(nat_set, ns, PRIV_NAT_MAP_IN, 0, 0, NET(50), 31, NET(40), 31),
	    OP(nat_drop, ns, PRIV_NAT_MAP_IN, 0, 0, NET(50), 31));
	there_and_back(&p, OP(nat_set, ns, PRIV_NAT_MAP_OUT, NET(40), 31, NET(48), 30,
	    NET(50), 31),
	    OP(nat_drop, ns, PRIV_NAT_MAP_OUT, NET(40), 31, NET(48), 30));
	CU_ASSERT(place_close(&p));
	CU_ASSERT(unchanged(virgin, SETTLE_MS));
	free(virgin);
}

static void
test_verbs_namespace(void)
{
	struct place p;
	uint32_t ns, dev, peer;
	char *virgin;

	if (!usable)
		return not_usable();
	virgin = run_dump();
	if (!place_open(&p, NULL))
		return;
	CU_ASSERT_FATAL(done(&p.c, OP(dev_prepare, p.eth1)));
	there_and_back(&p, OP(ns_create, 7), NULL);
	ns = client_made(&p.c, 0);
	CU_ASSERT_FATAL(done(&p.c, OP(dev_create, ns, p.eth1)));
	dev = client_made(&p.c, 0);
	CU_ASSERT_FATAL(done(&p.c, OP(dev_drop, dev)));
	CU_ASSERT_FATAL(done(&p.c, OP(dev_create, ns, p.eth1)));
	CU_ASSERT_NOT_EQUAL(client_made(&p.c, 0), dev);
	dev = client_made(&p.c, 0);
	CU_ASSERT(done(&p.c, OP(addr_add, dev, OWN_LL)));
	CU_ASSERT(done(&p.c, OP(neigh_set, dev, PEER_LL, OWN_LL)));
	CU_ASSERT(done(&p.c, OP(peer_take, MAC_1)));
	peer = client_made(&p.c, 0);
	CU_ASSERT(done(&p.c, OP(mark_on, ns, peer)));
	CU_ASSERT(done(&p.c, OP(route_set, ns, peer, DST, UNICAST, dev, PEER_LL, 0)));
	CU_ASSERT(done(&p.c, OP(rule_on, ns, peer)));
	CU_ASSERT(done(&p.c, OP(ns_drop, ns)));
	CU_ASSERT(done(&p.c, OP(peer_give, peer)));
	CU_ASSERT(place_close(&p));
	CU_ASSERT(unchanged(virgin, SETTLE_MS));
	free(virgin);
}

/* --- refused requests ------------------------------------------------------ */

struct refused {
	struct priv_op op;
	enum priv_reason reason;
	const char *field;	/* NULL: any */
};

static bool
is_refused(struct client *c, enum client_end end, enum priv_reason reason, const char *field)
{
	if (end == CLIENT_REFUSED && c->refusal.reason == (uint16_t)reason &&
	    (field == NULL || strcmp(field, c->refusal.field) == 0))
		return true;
	if (end == CLIENT_REFUSED)
		tap_note("refused for %s, field \"%s\", instead of %s, \"%s\"",
		    priv_reason_name(c->refusal.reason), c->refusal.field, priv_reason_name(reason),
		    field != NULL ? field : "");
	else
		tap_note("%s instead of refused for %s %s", end == CLIENT_DONE ? "done" : "gone",
		    priv_reason_name(reason), c->error);
	return false;
}

/* Each alone, in a place that is built; none changes anything, and the helper still serves. */
static void
all_refused(struct place *p, const struct refused *v, size_t n)
{
	char *before = run_dump(), text[400];

	for (size_t i = 0; i < n; i++) {
		bool ok = is_refused(&p->c, client_do(&p->c, &v[i].op), v[i].reason, v[i].field);

		ok &= strcmp(p->c.refusal.operation, priv_op_name(v[i].op.type)) == 0;
		ok &= unchanged(before, 0);
		if (!ok) {
			priv_op_print(&v[i].op, text, sizeof(text));
			tap_note("case %zu: %s", i, text);
		}
		CU_ASSERT(ok);
	}
	CU_ASSERT(done(&p->c, OP(route_set, p->ns, 0, DST, UNREACHABLE, 0, 0, 0)));
	free(before);
}
#define ALL_REFUSED(p, v)	all_refused((p), (v), sizeof(v) / sizeof((v)[0]))

static void
test_handles(void)
{
	struct place p;
	uint32_t stale_ns, stale_peer;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT(done(&p.c, OP(ns_create, 8)));
	stale_ns = client_made(&p.c, 0);
	CU_ASSERT(done(&p.c, OP(ns_drop, stale_ns)));
	CU_ASSERT(done(&p.c, OP(peer_take, MAC_2)));
	stale_peer = client_made(&p.c, 0);
	CU_ASSERT(done(&p.c, OP(peer_give, stale_peer)));
	CU_ASSERT(done(&p.c, OP(peer_take, MAC_2)));
	CU_ASSERT_NOT_EQUAL(client_made(&p.c, 0), stale_peer);
	{
		const struct refused v[] = {
			{ OPV(dev_create, stale_ns, p.eth1), PRIV_R_HANDLE, "ns" },
			{ OPV(ns_drop, stale_ns), PRIV_R_HANDLE, "ns" },
			{ OPV(peer_give, stale_peer), PRIV_R_HANDLE, "peer" },
			{ OPV(mark_on, p.ns, stale_peer), PRIV_R_HANDLE, "peer" },
			{ OPV(ns_drop, 0), PRIV_R_HANDLE, "ns" },
			{ OPV(ns_drop, PRIV_HANDLE(PRIV_H_NS, 1, 63)), PRIV_R_HANDLE, "ns" },
			{ OPV(ns_drop, PRIV_HANDLE(PRIV_H_NS, 1, 65535)), PRIV_R_HANDLE, "ns" },
			{ OPV(dev_prepare, PRIV_HANDLE(PRIV_H_DEV, 1, 65535)),
			    PRIV_R_HANDLE, "dev" },
			{ OPV(peer_give, PRIV_HANDLE(PRIV_H_PEER, 1, 65535)),
			    PRIV_R_HANDLE, "peer" },
			{ OPV(mark_on, PRIV_HANDLE_NEW(0), p.peer), PRIV_R_HANDLE, "ns" },
			{ OPV(ns_drop, PRIV_HANDLE_NEW(65535)), PRIV_R_HANDLE, "ns" },
			{ OPV(peer_give, 0), PRIV_R_HANDLE, "peer" },
			{ OPV(mark_on, p.ns, 0), PRIV_R_HANDLE, "peer" },
			{ OPV(ns_drop, p.eth1), PRIV_R_KIND, "ns" },
			{ OPV(dev_prepare, p.ns), PRIV_R_KIND, "dev" },
			{ OPV(dev_create, p.ns2, p.peer), PRIV_R_KIND, "parent" },
			{ OPV(peer_give, p.eth1), PRIV_R_KIND, "peer" },
			{ OPV(addr_add, p.peer, OWN_LL), PRIV_R_KIND, "dev" },
			{ OPV(ns_prepare, p.ns2), PRIV_R_PLACE, "ns" },
			{ OPV(ns_drop, p.ns), PRIV_R_PLACE, "ns" },
			{ OPV(dev_prepare, p.lo), PRIV_R_PLACE, "dev" },
			{ OPV(dev_prepare, p.dev2), PRIV_R_PLACE, "dev" },
			{ OPV(dev_create, p.ns, p.eth1), PRIV_R_PLACE, "ns" },
			{ OPV(dev_create, p.ns2, p.lo), PRIV_R_PLACE, "parent" },
			{ OPV(dev_create, p.ns2, p.dev2), PRIV_R_PLACE, "parent" },
			{ OPV(dev_drop, p.lo), PRIV_R_PLACE, "dev" },
			{ OPV(addr_add, p.dev2, GLOBAL), PRIV_R_PLACE, "addr" },
			{ OPV(route_set, p.ns2, 0, DST, BLACKHOLE, 0, 0, 0),
			    PRIV_R_PLACE, "peer" },
			{ OPV(rule_on, p.ns2, 0), PRIV_R_PLACE, "peer" },
			{ OPV(route_set, p.ns2, p.peer, DST, UNICAST, p.eth1, PEER_LL, 0),
			    PRIV_R_PLACE, "dev" },
			{ OPV(route_set, p.ns, p.peer, DST, UNICAST, p.dev2, PEER_LL, 0),
			    PRIV_R_PLACE, "dev" },
			{ OPV(nat_set, p.ns2, SOURCE_NAT, 0, 0, NET(64), 27, GLOBAL, 32),
			    PRIV_R_PLACE, "ns" },
		};

		ALL_REFUSED(&p, v);
	}
	CU_ASSERT(place_close(&p));
}

#define ROUTE(a, b, c, d, len) \
	OPV(route_set, p.ns, p.peer, IP(a, b, c, d), len, UNREACHABLE, 0, 0, 0)

static void
test_addresses(void)
{
	struct place p;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	{
		const struct refused v[] = {
			{ ROUTE(0, 0, 0, 0, 1), PRIV_R_RANGE, "dst" },
			{ ROUTE(10, 0, 0, 0, 8), PRIV_R_RANGE, "dst" },
			{ ROUTE(10, 0, 0, 0, 26), PRIV_R_RANGE, "dst" },
			{ ROUTE(8, 8, 8, 8, 32), PRIV_R_RANGE, "dst" },
			{ ROUTE(127, 0, 0, 1, 32), PRIV_R_RANGE, "dst" },
			{ ROUTE(169, 254, 69, 30, 32), PRIV_R_RANGE, "dst" },
			{ ROUTE(224, 0, 0, 0, 4), PRIV_R_RANGE, "dst" },
			{ ROUTE(255, 255, 255, 255, 32), PRIV_R_RANGE, "dst" },
			{ ROUTE(10, 0, 0, 32, 32), PRIV_R_RANGE, "dst" },
			{ ROUTE(10, 0, 0, 96, 32), PRIV_R_RANGE, "dst" },
			{ ROUTE(10, 0, 0, 42, 32), PRIV_R_RANGE, "dst" },
			{ ROUTE(10, 0, 0, 128, 32), PRIV_R_RANGE, "dst" },
			{ ROUTE(10, 0, 0, 48, 29), PRIV_R_RANGE, "dst" },
			{ ROUTE(10, 0, 0, 17, 30), PRIV_R_ALIGN, "dst" },
			{ ROUTE(10, 0, 0, 31, 31), PRIV_R_ALIGN, "dst" },
			{ OPV(addr_add, p.lo, NET(33)), PRIV_R_RANGE, "addr" },
			{ OPV(addr_add, p.lo, GLOBAL), PRIV_R_RANGE, "addr" },
			{ OPV(addr_add, p.lo, OWN_LL), PRIV_R_RANGE, "addr" },
			{ OPV(addr_add, p.eth1, NET(32)), PRIV_R_RANGE, "addr" },
			{ OPV(addr_add, p.eth1, IP(10, 0, 1, 0)), PRIV_R_RANGE, "addr" },
			{ OPV(addr_add, p.eth1, IP(192, 0, 2, 1)), PRIV_R_LINKLOCAL, "addr" },
			{ OPV(addr_add, p.eth1, IP(0, 0, 0, 0)), PRIV_R_LINKLOCAL, "addr" },
			{ OPV(addr_add, p.eth1, LL(0, 1)), PRIV_R_LINKLOCAL, "addr" },
			{ OPV(addr_add, p.eth1, LL(255, 1)), PRIV_R_LINKLOCAL, "addr" },
			{ OPV(addr_add, p.eth1, LL(169, 254)), PRIV_R_LINKLOCAL, "addr" },
			{ OPV(neigh_set, p.eth1, NET(16), OWN_LL), PRIV_R_LINKLOCAL, "peer" },
			{ OPV(neigh_set, p.eth1, LL(169, 254), OWN_LL), PRIV_R_LINKLOCAL, "peer" },
			{ OPV(neigh_set, p.eth1, IP(192, 0, 2, 1), OWN_LL),
			    PRIV_R_LINKLOCAL, "peer" },
			{ OPV(neigh_set, p.eth1, NOBODY_LL, OTHER_LL), PRIV_R_SOURCE, "src" },
			{ OPV(neigh_set, p.eth1, NOBODY_LL, GLOBAL), PRIV_R_SOURCE, "src" },
			{ OPV(neigh_set, p.eth1, NOBODY_LL, 0), PRIV_R_SOURCE, "src" },
			/* What the host routed before: 169.254.77.0/24 and 10.0.0.24/29. */
			{ OPV(addr_add, p.eth1, LL(77, 1)), PRIV_R_HOST, "addr" },
			{ OPV(neigh_set, p.eth1, LL(77, 9), OWN_LL), PRIV_R_HOST, "peer" },
			{ OPV(addr_add, p.eth1, NET(26)), PRIV_R_HOST, "addr" },
			{ ROUTE(10, 0, 0, 24, 29), PRIV_R_HOST, "dst" },
			{ ROUTE(10, 0, 0, 26, 32), PRIV_R_HOST, "dst" },
			{ ROUTE(10, 0, 0, 16, 28), PRIV_R_HOST, "dst" },
		};

		ALL_REFUSED(&p, v);
	}
	CU_ASSERT(place_close(&p));
}

static void
test_states(void)
{
	struct place p;
	uint32_t unused;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT(done(&p.c, OP(peer_take, MAC_2)));
	unused = client_made(&p.c, 0);
	{
		const struct refused v[] = {
			{ OPV(ns_prepare, p.ns), PRIV_R_EXISTS, NULL },
			{ OPV(dev_prepare, p.eth1), PRIV_R_EXISTS, NULL },
			{ OPV(dev_create, p.ns2, p.eth1), PRIV_R_EXISTS, "parent" },
			{ OPV(addr_add, p.eth1, GLOBAL), PRIV_R_EXISTS, NULL },
			{ OPV(peer_take, MAC_1), PRIV_R_EXISTS, "mac" },
			{ OPV(mark_on, p.ns, p.peer), PRIV_R_EXISTS, NULL },
			{ OPV(rule_on, p.ns, p.peer), PRIV_R_EXISTS, NULL },
			{ OPV(addr_drop, p.eth1, NET(20)), PRIV_R_ABSENT, NULL },
			{ OPV(addr_drop, p.eth2, GLOBAL), PRIV_R_ABSENT, NULL },
			{ OPV(addr_drop, p.lo, IP(127, 0, 0, 1)), PRIV_R_ABSENT, NULL },
			{ OPV(neigh_drop, p.eth1, NOBODY_LL), PRIV_R_ABSENT, NULL },
			{ OPV(neigh_drop, p.eth2, PEER_LL), PRIV_R_ABSENT, NULL },
			{ OPV(mark_off, p.ns, unused), PRIV_R_ABSENT, NULL },
			{ OPV(mark_off, p.ns2, p.peer), PRIV_R_ABSENT, NULL },
			{ OPV(rule_off, p.ns, unused), PRIV_R_ABSENT, NULL },
			{ OPV(rule_off, p.ns, 0), PRIV_R_ABSENT, NULL },
			{ OPV(route_drop, p.ns, p.peer, NET(0), 29), PRIV_R_ABSENT, NULL },
			{ OPV(route_drop, p.ns, unused, DST), PRIV_R_ABSENT, NULL },
			{ OPV(nat_drop, p.ns, SOURCE_NAT, 0, 0, NET(64), 28),
			    PRIV_R_ABSENT, NULL },
			{ OPV(peer_give, p.peer), PRIV_R_IN_USE, "peer" },
			{ OPV(dev_drop, p.dev2), PRIV_R_IN_USE, "dev" },
			{ OPV(dev_drop, p.eth1), PRIV_R_IN_USE, "dev" },
			{ OPV(dev_drop, p.eth2), PRIV_R_IN_USE, "dev" },
			{ OPV(route_set, p.ns, p.peer, DST, UNICAST, p.eth1, NOBODY_LL, 0),
			    PRIV_R_NEIGHBOUR, "via" },
			{ OPV(route_set, p.ns, p.peer, DST, UNICAST, p.eth2, PEER_LL, 0),
			    PRIV_R_NEIGHBOUR, "via" },
			{ OPV(route_set, p.ns, p.peer, DST, UNICAST, p.eth1, 0, 0),
			    PRIV_R_NEIGHBOUR, "via" },
			{ OPV(route_set, p.ns, 0, DST, UNICAST, p.eth1, PEER_LL, NET(20)),
			    PRIV_R_SOURCE, "src" },
			{ OPV(route_set, p.ns, p.peer, DST, UNREACHABLE, p.eth1, 0, 0),
			    PRIV_R_SHAPE, "dev" },
			{ OPV(route_set, p.ns, p.peer, DST, BLACKHOLE, 0, PEER_LL, 0),
			    PRIV_R_SHAPE, "via" },
			{ OPV(route_set, p.ns, p.peer, DST, BLACKHOLE, 0, 0, GLOBAL),
			    PRIV_R_SHAPE, "src" },
			{ OPV(nat_set, p.ns, SOURCE_NAT, NET(40), 31, NET(64), 27, GLOBAL, 32),
			    PRIV_R_SHAPE, "src" },
			{ OPV(nat_set, p.ns, SOURCE_NAT, 0, 0, NET(64), 27, GLOBAL, 31),
			    PRIV_R_SHAPE, "to_len" },
			{ OPV(nat_set, p.ns, SOURCE_NAT, 0, 0, NET(0), 27, GLOBAL, 32),
			    PRIV_R_RANGE, "dst" },
			{ OPV(nat_set, p.ns, SOURCE_NAT, 0, 0, IP(0, 0, 0, 0), 1, GLOBAL, 32),
			    PRIV_R_RANGE, "dst" },
			{ OPV(nat_set, p.ns, SOURCE_NAT, 0, 0, NET(64), 27, NET(20), 32),
			    PRIV_R_SOURCE, "to" },
			{ OPV(nat_set, p.ns, PRIV_NAT_MAP_IN, 0, 0, NET(50), 31, NET(16), 31),
			    PRIV_R_RANGE, "to" },
			{ OPV(nat_set, p.ns, PRIV_NAT_MAP_OUT, NET(16), 31, NET(48), 30,
			    NET(50), 31), PRIV_R_RANGE, "src" },
			{ OPV(nat_set, p.ns, PRIV_NAT_MAP_OUT, NET(40), 31, IP(8, 8, 8, 0), 24,
			    NET(50), 31), PRIV_R_RANGE, "dst" },
		};

		ALL_REFUSED(&p, v);
	}
	CU_ASSERT(place_close(&p));
}

/* What the configuration leaves out cannot be asked for. */
static void
refused_under(const char *override, const struct priv_op *op, const char *field, bool build)
{
	struct place p;
	char *before;

	if (!place_open(&p, override))
		return;
	if (build) {
		CU_ASSERT_FATAL(done(&p.c, OP(ns_prepare, p.ns)));
		CU_ASSERT_FATAL(done(&p.c, OP(dev_prepare, p.eth1)));
		CU_ASSERT_FATAL(done(&p.c, OP(addr_add, p.eth1, GLOBAL)));
	}
	before = run_dump();
	CU_ASSERT(is_refused(&p.c, client_do(&p.c, op), PRIV_R_CONFIG, field));
	CU_ASSERT(unchanged(before, 0));
	CU_ASSERT(place_close(&p));
	free(before);
}

static void
test_configuration(void)
{
	struct place p;

	/* Handles of the default namespace and its interfaces are the same in each life. */
	if (!place_open(&p, NULL))
		return;
	CU_ASSERT(place_close(&p));
	refused_under("anonymize-others=false", OP(nat_set, p.ns, SOURCE_NAT, 0, 0, NET(64), 27,
	    GLOBAL, 32), "kind", true);
	refused_under("accept-anonymous=false", OP(addr_add, p.eth1, NET(86)), "addr", true);
	refused_under("subnet-level=0", OP(nat_set, p.ns, PRIV_NAT_MAP_IN, 0, 0, NET(50), 31,
	    NET(40), 31), "kind", true);
}

/* --- limits ---------------------------------------------------------------- */

static void
test_limits(void)
{
	struct place p;
	unsigned peers = 0, spaces = 0;
	struct priv_op take = OPV(peer_take, MAC_1);

	if (!place_open(&p, "more-tables=10000-11023"))
		return;
	/* 50 numbers of the first range (251 is ntk's) and 1024 of the second. */
	while (client_do(&p.c, &take) == CLIENT_DONE) {
		CU_ASSERT_EQUAL(p.c.results[0].number,
		    peers < 51 ? 250 - peers : 10000 + peers - 51);
		peers++;
		take.peer_take.mac[4] = (uint8_t)(peers >> 8);
		take.peer_take.mac[5] = (uint8_t)peers;
	}
	CU_ASSERT_EQUAL(peers, 51 + 1024);
	CU_ASSERT(is_refused(&p.c, CLIENT_REFUSED, PRIV_R_EXHAUSTED, "mac"));
	CU_ASSERT_STRING_EQUAL(p.c.refusal.value, "00:16:3e:fd:04:33");
	while (client_do(&p.c, OP(ns_create, spaces)) == CLIENT_DONE)
		spaces++;
	CU_ASSERT_EQUAL(spaces, 63);
	CU_ASSERT(is_refused(&p.c, CLIENT_REFUSED, PRIV_R_LIMIT, "ns"));
	CU_ASSERT(is_refused(&p.c, client_do(&p.c, OP(ns_create, 1)), PRIV_R_LIMIT, "ns"));
	CU_ASSERT_EQUAL(system("test $(ip netns list | wc -l) -eq 63"), 0);
	CU_ASSERT(place_close(&p));
	CU_ASSERT_EQUAL(system("test $(ls /run/netns | wc -l) -eq 0"), 0);
}

/* As many operations, and as many objects made, as one transaction may have; and one more. */
static void
test_transaction_limits(void)
{
	struct priv_op take = OPV(peer_take, MAC_2);
	struct place p;
	char *before;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	before = run_dump();
	for (unsigned more = 0; more < 2; more++) {
		client_begin(&p.c);
		for (unsigned i = 0; i < PRIV_TXN_OPS + more; i++)
			client_add(&p.c, OP(route_set, p.ns, p.peer, DST,
			    i % 2 == 0 ? UNREACHABLE : BLACKHOLE, 0, 0, 0));
		if (more == 0) {
			CU_ASSERT_EQUAL(client_commit(&p.c, PRIV_REHEARSE), CLIENT_DONE);
		} else {
			CU_ASSERT(is_refused(&p.c, client_commit(&p.c, 0), PRIV_R_LIMIT, NULL));
			CU_ASSERT_EQUAL(p.c.refusal.op, PRIV_TXN_OPS);
		}
		CU_ASSERT(unchanged(before, 0));
	}
	client_begin(&p.c);
	for (unsigned i = 0; i <= PRIV_TXN_RESULTS; i++) {
		take.peer_take.mac[4] = (uint8_t)(i >> 8);
		take.peer_take.mac[5] = (uint8_t)i;
		client_add(&p.c, &take);
	}
	CU_ASSERT(is_refused(&p.c, client_commit(&p.c, 0), PRIV_R_LIMIT, NULL));
	CU_ASSERT_EQUAL(p.c.refusal.op, PRIV_TXN_RESULTS);
	CU_ASSERT(unchanged(before, 0));
	CU_ASSERT(place_close(&p));
	free(before);
}

/* --- transactions ---------------------------------------------------------- */

/* A whole identity in a namespace of its own: one transaction, handles of what it makes itself. */
static size_t
identity_ops(const struct place *p, struct priv_op *v)
{
	const uint32_t ns = PRIV_HANDLE_NEW(0), dev = PRIV_HANDLE_NEW(1), peer = PRIV_HANDLE_NEW(2);
	const struct priv_op ops[] = {
		OPV(ns_create, 9),
		OPV(dev_create, ns, p->eth2),
		OPV(addr_add, dev, OTHER_LL),
		OPV(neigh_set, dev, PEER_LL, OTHER_LL),
		OPV(peer_take, MAC_2),
		OPV(route_set, ns, peer, DST, UNICAST, dev, PEER_LL, 0),
		OPV(route_set, ns, peer, NET(0), 29, UNREACHABLE, 0, 0, 0),
		OPV(route_set, ns, peer, NET(48), 31, BLACKHOLE, 0, 0, 0),
		OPV(mark_on, ns, peer),
		OPV(rule_on, ns, peer),
		/* And changes of what was there before. */
		OPV(route_set, p->ns, p->peer, DST, BLACKHOLE, 0, 0, 0),
		OPV(route_set, p->ns, 0, DST, UNREACHABLE, 0, 0, 0),
		OPV(rule_off, p->ns, p->peer),
		OPV(mark_off, p->ns, p->peer),
		OPV(nat_drop, p->ns, SOURCE_NAT, 0, 0, NET(64), 27),
		OPV(addr_drop, p->eth1, GLOBAL),
	};

	memcpy(v, ops, sizeof(ops));
	return sizeof(ops) / sizeof(ops[0]);
}

static enum client_end
do_first(struct client *c, const struct priv_op *v, size_t n, const struct priv_op *bad,
    unsigned flags)
{
	client_begin(c);
	for (size_t i = 0; i < n; i++)
		client_add(c, &v[i]);
	if (bad != NULL)
		client_add(c, bad);
	return client_commit(c, flags);
}

/* Whichever operation is refused, nothing of those before it stands. */
static void
test_all_or_nothing(void)
{
	struct priv_op v[32];
	struct place p;
	char *before;
	size_t n;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	n = identity_ops(&p, v);
	before = run_dump();
	for (size_t k = 0; k <= n; k++) {
		const struct priv_op *bad = OP(route_set, p.ns, p.peer, IP(8, 8, 8, 8), 32,
		    UNREACHABLE, 0, 0, 0);

		CU_ASSERT(is_refused(&p.c, do_first(&p.c, v, k, bad, 0), PRIV_R_RANGE, "dst"));
		CU_ASSERT_EQUAL(p.c.refusal.op, k);
		CU_ASSERT(unchanged(before, SETTLE_MS));
	}
	CU_ASSERT_EQUAL(do_first(&p.c, v, n, NULL, 0), CLIENT_DONE);
	CU_ASSERT_EQUAL(p.c.n_results, 3);
	CU_ASSERT(changed(before));
	CU_ASSERT(place_close(&p));
	free(before);
}

/* The kernel's no counts as much as the policy's: a foreign route stands where ours should go. */
static void
test_kernel_refuses(void)
{
	struct priv_op v[32];
	struct place p;
	char *before;
	size_t n;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	n = identity_ops(&p, v);
	CU_ASSERT_EQUAL(system("ip route add blackhole 10.0.0.8/29 table 251 metric 1"), 0);
	before = run_dump();
	for (size_t k = 0; k <= n; k++) {
		const struct priv_op *bad = OP(route_set, p.ns, 0, NET(8), 29,
		    UNREACHABLE, 0, 0, 0);

		CU_ASSERT(is_refused(&p.c, do_first(&p.c, v, k, bad, 0), PRIV_R_KERNEL, NULL));
		CU_ASSERT_EQUAL(p.c.refusal.op, k);
		CU_ASSERT_EQUAL(p.c.refusal.error, EEXIST);
		CU_ASSERT(unchanged(before, SETTLE_MS));
	}
	CU_ASSERT(place_close(&p));
	free(before);
	CU_ASSERT_EQUAL(system("ip route del blackhole 10.0.0.8/29 table 251 metric 1"), 0);
}

/* Somebody else's in the place of ours stays as it is, whatever one transaction tries. */
static void
test_kernel_refuses_twice(void)
{
	struct place p;
	char *before;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT_EQUAL(system("ip route add unreachable 10.0.0.8/29 table 251 metric 1 &&"
	    " ip route add 169.254.69.31/32 dev eth1 metric 1 proto static &&"
	    " ip address add 10.0.0.21/32 dev eth1"), 0);
	before = run_dump();
	{
		const struct priv_op v[][2] = {
			{ OPV(route_set, p.ns, 0, NET(8), 29, BLACKHOLE, 0, 0, 0),
			    OPV(route_set, p.ns, 0, NET(8), 29, UNREACHABLE, 0, 0, 0) },
			{ OPV(route_set, p.ns, 0, NET(8), 29, BLACKHOLE, 0, 0, 0),
			    OPV(route_drop, p.ns, 0, NET(8), 29) },
			{ OPV(neigh_set, p.eth1, NOBODY_LL, OWN_LL),
			    OPV(neigh_set, p.eth1, NOBODY_LL, OWN_LL) },
			{ OPV(neigh_set, p.eth1, NOBODY_LL, OWN_LL),
			    OPV(neigh_drop, p.eth1, NOBODY_LL) },
			{ OPV(addr_add, p.eth1, NET(21)), OPV(addr_drop, p.eth1, NET(21)) },
		};

		for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
			CU_ASSERT(is_refused(&p.c, do_first(&p.c, v[i], 2, NULL, 0), PRIV_R_KERNEL,
			    NULL));
			CU_ASSERT_EQUAL(p.c.refusal.op, 0);
			CU_ASSERT_EQUAL(p.c.refusal.error, EEXIST);
			CU_ASSERT(unchanged(before, 0));
		}
	}
	CU_ASSERT(place_close(&p));
	free(before);
	CU_ASSERT_EQUAL(system("ip route del unreachable 10.0.0.8/29 table 251 metric 1 &&"
	    " ip route del 169.254.69.31/32 dev eth1 && ip address del 10.0.0.21/32 dev eth1"), 0);
}

static void
test_order(void)
{
	struct place p;
	char *before;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	before = run_dump();
	client_begin(&p.c);
	client_add(&p.c, OP(ns_drop, p.ns2));
	client_add(&p.c, OP(rule_off, p.ns, p.peer));
	CU_ASSERT(is_refused(&p.c, client_commit(&p.c, 0), PRIV_R_ORDER, NULL));
	CU_ASSERT(unchanged(before, SETTLE_MS));
	CU_ASSERT(done(&p.c, OP(ns_drop, p.ns2)));
	CU_ASSERT(place_close(&p));
	free(before);
}

static void
test_rehearsal(void)
{
	struct priv_op v[32];
	struct place p;
	char *before;
	size_t n;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	n = identity_ops(&p, v);
	before = run_dump();
	CU_ASSERT_EQUAL(do_first(&p.c, v, n, NULL, PRIV_REHEARSE), CLIENT_DONE);
	CU_ASSERT_EQUAL(p.c.n_results, 3);
	CU_ASSERT(unchanged(before, SETTLE_MS));
	CU_ASSERT(is_refused(&p.c, client_do(&p.c, OP(ns_drop, client_made(&p.c, 0))),
	    PRIV_R_HANDLE, "ns"));
	CU_ASSERT_EQUAL(do_first(&p.c, v, n, NULL, 0), CLIENT_DONE);
	CU_ASSERT(place_close(&p));
	free(before);
}

/* More routes than one message has room for. */
static void
test_parts(void)
{
	enum { TABLES = 200, PER_TABLE = 24 };
	struct place p;
	uint32_t peers[TABLES];
	struct priv_op take = OPV(peer_take, MAC_2);
	char *before;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	for (unsigned i = 0; i < TABLES; i++) {
		take.peer_take.mac[5] = (uint8_t)i;
		CU_ASSERT_FATAL(done(&p.c, &take));
		peers[i] = client_made(&p.c, 0);
	}
	before = run_dump();
	for (unsigned round = 0; round < 2; round++) {
		client_begin(&p.c);
		for (unsigned i = 0; i < TABLES * PER_TABLE; i++)
			client_add(&p.c, OP(route_set, p.ns, peers[i / PER_TABLE],
			    IP(10, 0, 0, i % PER_TABLE), 32, UNREACHABLE, 0, 0, 0));
		CU_ASSERT(p.c.count < TABLES * PER_TABLE);
		if (round == 0) {
			client_add(&p.c, OP(ns_prepare, p.ns));
			CU_ASSERT(is_refused(&p.c, client_commit(&p.c, 0), PRIV_R_EXISTS, NULL));
			CU_ASSERT_EQUAL(p.c.refusal.op, TABLES * PER_TABLE);
			CU_ASSERT(unchanged(before, 0));
		} else {
			CU_ASSERT_EQUAL(client_commit(&p.c, 0), CLIENT_DONE);
			CU_ASSERT_EQUAL(system("test $(ip route show table all proto ntk"
			    " type unreachable | wc -l) -eq 4800"), 0);
		}
	}
	CU_ASSERT(place_close(&p));
	free(before);
}

/* --- malformed messages ---------------------------------------------------- */

typedef void malformed(struct place *p, struct wr *w);

static void
op_into(struct wr *w, const struct priv_op *op)
{
	priv_op_write(op, w);
}

static void
bad_magic(struct place *p, struct wr *w)
{
	(void)p;
	client_frame(w, PRIV_APPLY, 99, 0, 0);
	w->start[0] ^= 1;
}

static void
bad_version(struct place *p, struct wr *w)
{
	(void)p;
	client_frame(w, PRIV_APPLY, 99, 0, 0);
	w->start[2]++;
}

static void
bad_type(struct place *p, struct wr *w)
{
	(void)p;
	client_frame(w, PRIV_WELCOME, 99, 0, 0);
}

static void
bad_flags(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_APPLY, 99, 0x80, 1);
	op_into(w, OP(rule_off, p->ns, p->peer));
}

static void
truncated_frame(struct place *p, struct wr *w)
{
	(void)p;
	client_frame(w, PRIV_APPLY, 99, 0, 0);
	w->len -= 3;
}

static void
truncated_op(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_APPLY, 99, 0, 1);
	op_into(w, OP(rule_off, p->ns, p->peer));
	w->len--;
}

static void
trailing_byte(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_APPLY, 99, 0, 1);
	op_into(w, OP(rule_off, p->ns, p->peer));
	wr_u8(w, 0);
}

static void
count_too_great(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_APPLY, 99, 0, 2);
	op_into(w, OP(rule_off, p->ns, p->peer));
}

static void
count_too_small(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_APPLY, 99, 0, 1);
	op_into(w, OP(rule_off, p->ns, p->peer));
	op_into(w, OP(mark_off, p->ns, p->peer));
}

static void
unknown_op(struct place *p, struct wr *w)
{
	(void)p;
	client_frame(w, PRIV_APPLY, 99, 0, 1);
	wr_u8(w, 200);
	wr_u32(w, 0);
}

static void
op_zero(struct place *p, struct wr *w)
{
	(void)p;
	client_frame(w, PRIV_APPLY, 99, 0, 1);
	wr_u8(w, 0);
}

static void
prefix_too_long(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_APPLY, 99, 0, 1);
	op_into(w, OP(route_drop, p->ns, p->peer, NET(16), 33));
}

static void
route_type_unknown(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_APPLY, 99, 0, 1);
	op_into(w, OP(route_set, p->ns, p->peer, DST, 4, 0, 0, 0));
}

static void
mac_multicast(struct place *p, struct wr *w)
{
	(void)p;
	client_frame(w, PRIV_APPLY, 99, 0, 1);
	op_into(w, OP(peer_take, { 1, 0, 0x5e, 0, 0, 1 }));
}

/* The second operation is malformed; the first, good, must not have been done either. */
static void
bad_behind_good(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_APPLY, 99, 0, 2);
	op_into(w, OP(route_set, p->ns, 0, NET(0), 29, UNREACHABLE, 0, 0, 0));
	wr_u8(w, 255);
}

/* Between the parts of a transaction. */
static void
hello_inside(struct place *p, struct wr *w)
{
	client_begin(&p->c);
	client_add(&p->c, OP(rule_on, p->ns, 0));
	client_part(&p->c);
	client_frame(w, PRIV_HELLO, 99, 0, 0);
}

static void
hello_with_records(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_HELLO, 99, 0, 1);
	op_into(w, OP(rule_off, p->ns, p->peer));
}

static void
one_byte(struct place *p, struct wr *w)
{
	(void)p;
	wr_u8(w, 0x4e);
}

static void
zeroes(struct place *p, struct wr *w)
{
	static const uint8_t nothing[4000];

	(void)p;
	wr_bytes(w, nothing, sizeof(nothing));
}

static void
nothing_at_all(struct place *p, struct wr *w)
{
	(void)p;
	(void)w;
}

/* Well formed, were it not for its length. */
static void
too_long(struct place *p, struct wr *w)
{
	uint16_t n = 0;

	client_frame(w, PRIV_APPLY, 99, 0, 0);
	for (; w->len <= PRIV_MSG_MAX; n++)
		op_into(w, OP(rule_off, p->ns, p->peer));
	wr_patch_u16(w, msg_wire_min(&priv_frame_desc) - sizeof(n), n);
}

static const struct {
	const char *name;
	malformed *make;
} malformations[] = {
	{ "wrong magic", bad_magic },
	{ "wrong version", bad_version },
	{ "an answer's type", bad_type },
	{ "unknown flag", bad_flags },
	{ "truncated frame", truncated_frame },
	{ "truncated operation", truncated_op },
	{ "a byte too much", trailing_byte },
	{ "count above what follows", count_too_great },
	{ "count below what follows", count_too_small },
	{ "unknown operation", unknown_op },
	{ "operation 0", op_zero },
	{ "prefix length 33", prefix_too_long },
	{ "unknown route type", route_type_unknown },
	{ "multicast hardware address", mac_multicast },
	{ "malformed behind good", bad_behind_good },
	{ "hello inside a transaction", hello_inside },
	{ "hello with records", hello_with_records },
	{ "one byte", one_byte },
	{ "zeroes", zeroes },
	{ "nothing at all", nothing_at_all },
	{ "more bytes than a message may have", too_long },
};

/* Sends it to a helper that has made things: it says nothing, undoes everything and ends. */
static void
ends_the_helper(const char *name, malformed *make, int fd)
{
	struct place p;
	static uint8_t buf[2 * PRIV_MSG_MAX];
	uint8_t answer[256];
	char *virgin = run_dump();
	struct wr w;
	int status;

	if (!place_open(&p, NULL) || !place_build(&p)) {
		free(virgin);
		return;
	}
	wr_init(&w, buf, sizeof(buf));
	make(&p, &w);
	CU_ASSERT(client_send_raw(&p.c, buf, w.len, fd));
	status = (int)client_receive(&p.c, answer, sizeof(answer));
	if (status != 0)
		tap_note("%s: %d bytes instead of the end", name, status);
	CU_ASSERT_EQUAL(status, 0);
	status = client_reap(&p.c);
	/* An empty message is how the end of the socket looks: that is no error. */
	if (!WIFEXITED(status) || (WEXITSTATUS(status) == 0) != (w.len == 0)) {
		tap_note("%s: wait status %d", name, status);
		CU_FAIL("wrong exit status");
	}
	if (!unchanged(virgin, SETTLE_MS)) {
		tap_note("%s: something is left", name);
		CU_FAIL("something is left");
	}
	free(virgin);
}

static void
test_malformed(void)
{
	if (!usable)
		return not_usable();
	for (size_t i = 0; i < sizeof(malformations) / sizeof(malformations[0]); i++)
		ends_the_helper(malformations[i].name, malformations[i].make, -1);
}

static void
well_formed(struct place *p, struct wr *w)
{
	client_frame(w, PRIV_APPLY, 99, 0, 1);
	op_into(w, OP(rule_off, p->ns, p->peer));
}

static void
test_descriptor(void)
{
	if (!usable)
		return not_usable();
	ends_the_helper("a descriptor attached", well_formed, STDOUT_FILENO);
}

static void
test_before_hello(void)
{
	const struct client_setup setup = setup_with(NULL);
	struct client c;
	uint8_t buf[256], answer[256];
	struct wr w;
	char *virgin;

	if (!usable)
		return not_usable();
	virgin = run_dump();
	CU_ASSERT_FATAL(client_start(&c, &setup));
	wr_init(&w, buf, sizeof(buf));
	client_frame(&w, PRIV_APPLY, 1, 0, 1);
	op_into(&w, OP(ns_prepare, PRIV_HANDLE(PRIV_H_NS, 0, 0)));
	CU_ASSERT(client_send_raw(&c, buf, w.len, -1));
	CU_ASSERT_EQUAL(client_receive(&c, answer, sizeof(answer)), 0);
	CU_ASSERT_NOT_EQUAL(client_reap(&c), 0);
	CU_ASSERT(unchanged(virgin, SETTLE_MS));
	free(virgin);
}

/* --- ends ------------------------------------------------------------------ */

static void
test_close_undoes(void)
{
	struct place p;
	char *virgin;

	if (!usable)
		return not_usable();
	virgin = run_dump();
	if (place_open(&p, NULL) && place_build(&p)) {
		/* In the middle of a transaction: its part that was sent does not count. */
		client_begin(&p.c);
		client_add(&p.c, OP(rule_on, p.ns, 0));
		{
			struct wr head;

			wr_init(&head, p.c.buf, sizeof(p.c.buf));
			client_frame(&head, PRIV_APPLY, p.c.seq, PRIV_MORE, 1);
			CU_ASSERT(client_send_raw(&p.c, p.c.buf, p.c.w.len, -1));
		}
		CU_ASSERT(place_close(&p));
		CU_ASSERT(unchanged(virgin, SETTLE_MS));
	}
	free(virgin);
}

/* Killed, it leaves everything; the next one takes it away before it serves, nothing foreign. */
static void
test_next_life(void)
{
	struct place p;
	char *virgin;

	if (!usable)
		return not_usable();
	CU_ASSERT_EQUAL(system("ip netns add foreign &&"
	    " ip route add blackhole 10.0.0.8/29 table 250 proto static &&"
	    " nft add table ip foreign && ip rule add pref 10000 fwmark 77 lookup 250 &&"
	    " ip address add 198.51.100.1/24 dev eth1"), 0);
	virgin = run_dump();
	if (place_open(&p, NULL) && place_build(&p)) {
		kill(p.c.pid, SIGKILL);
		CU_ASSERT(WIFSIGNALED(client_reap(&p.c)));
		CU_ASSERT(changed(virgin));
		CU_ASSERT_FATAL(place_open(&p, NULL));
		CU_ASSERT_EQUAL(system("test -z \"$(ip route show table all proto ntk)\" &&"
		    " test -z \"$(ip rule show | grep 'proto ntk')\" &&"
		    " test \"$(ip netns list | wc -l)\" -eq 1"), 0);
		CU_ASSERT(place_build(&p));
		CU_ASSERT(place_close(&p));
		CU_ASSERT(unchanged(virgin, SETTLE_MS));
	}
	CU_ASSERT_EQUAL(system("ip netns del foreign &&"
	    " ip route del blackhole 10.0.0.8/29 table 250 && nft delete table ip foreign &&"
	    " ip rule del pref 10000 fwmark 77 lookup 250 &&"
	    " ip address del 198.51.100.1/24 dev eth1"), 0);
	free(virgin);
}

/* --- what others do meanwhile ------------------------------------------------- */

/* Ends a transaction that should be done, and tells why when it is not. */
static void
commit_done(struct client *c)
{
	enum client_end end = client_commit(c, 0);

	CU_ASSERT_EQUAL(end, CLIENT_DONE);
	if (end == CLIENT_REFUSED)
		tap_note("operation %u: %s: %s %s %s", c->refusal.op,
		    priv_reason_name(c->refusal.reason), c->refusal.field, c->refusal.value,
		    c->refusal.text);
}

/* Destination I: global ones that the host leaves us, then anonymizing ones. */
static uint32_t
lost_dst(unsigned i)
{
	return i < 24 ? NET(i) : NET(64 + i - 24);
}

/* Routes that vanish with a link are gone, not an error, however many there are. */
static void
test_silent_losses(void)
{
	enum { ROUTES = 70 };	/* more than one batch */
	struct place p;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	client_begin(&p.c);
	for (unsigned i = 0; i < ROUTES; i++)
		client_add(&p.c, OP(route_set, p.ns, i % 2 * p.peer, lost_dst(i / 2), 32,
		    UNICAST, p.eth1, PEER_LL, 0));
	commit_done(&p.c);
	CU_ASSERT_EQUAL(system("ip link set eth1 down && ip link set eth1 up"), 0);
	client_begin(&p.c);
	for (unsigned i = 0; i < ROUTES; i++)
		client_add(&p.c, OP(route_drop, p.ns, i % 2 * p.peer, lost_dst(i / 2), 32));
	client_add(&p.c, OP(route_set, p.ns, 0, DST, UNREACHABLE, 0, 0, 0));
	commit_done(&p.c);
	CU_ASSERT(place_close(&p));
}

static bool
settings_are(const char *what)
{
	char command[400];

	snprintf(command, sizeof(command), "cd /proc/sys/net/ipv4 && test \"$(echo $(cat ip_forward"
	    " conf/eth1/forwarding conf/eth1/rp_filter conf/eth1/arp_ignore))\" = '%s'", what);
	return system(command) == 0;
}

/* Settings of the system and of an interface are put back each with what changed it. */
static void
test_settings_apart(void)
{
	struct place p;
	char *virgin;

	if (!usable)
		return not_usable();
	CU_ASSERT_EQUAL(system("cd /proc/sys/net/ipv4 && echo 0 >ip_forward &&"
	    " echo 2 >conf/eth1/rp_filter"), 0);
	virgin = run_dump();
	CU_ASSERT_FATAL(place_open(&p, NULL));
	CU_ASSERT(done(&p.c, OP(ns_prepare, p.ns)));
	CU_ASSERT(settings_are("1 1 2 0"));
	CU_ASSERT_EQUAL(do_first(&p.c, OP(dev_prepare, p.eth1), 1, NULL, PRIV_REHEARSE), CLIENT_DONE);
	CU_ASSERT(settings_are("1 1 2 0"));
	CU_ASSERT(place_close(&p));
	CU_ASSERT_FATAL(place_open(&p, NULL));
	CU_ASSERT(done(&p.c, OP(dev_prepare, p.eth1)));
	for (int i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(do_first(&p.c, OP(ns_prepare, p.ns), 1, NULL, PRIV_REHEARSE),
		    CLIENT_DONE);
	CU_ASSERT(settings_are("0 0 0 1"));
	/* What was rehearsed is settled: the journal holds labels and the interface. */
	CU_ASSERT_EQUAL(system("test $(stat -c %s /run/ntkd/journal) -le 1024"), 0);
	CU_ASSERT(place_close(&p));
	CU_ASSERT(unchanged(virgin, SETTLE_MS));
	CU_ASSERT_EQUAL(system("echo 0 >/proc/sys/net/ipv4/conf/eth1/rp_filter"), 0);
	free(virgin);
}

/* A firewall reload takes our table away; the next change brings all of it back. */
static void
test_flushed_ruleset(void)
{
	struct place p;
	uint32_t other;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT_EQUAL(system("nft flush ruleset"), 0);
	CU_ASSERT(done(&p.c, OP(peer_take, MAC_2)));
	other = client_made(&p.c, 0);
	CU_ASSERT(done(&p.c, OP(mark_on, p.ns, other)));
	CU_ASSERT_EQUAL(system("nft list map ip ntkd peers | grep -q 00:16:3e:fd:e2:aa &&"
	    " nft list map ip ntkd peers | grep -q 00:16:3e:3c:14:33 &&"
	    " nft list chain ip ntkd srcnat | grep -q 'snat to 10.0.0.22'"), 0);
	CU_ASSERT_EQUAL(system("nft flush ruleset"), 0);
	CU_ASSERT(done(&p.c, OP(mark_off, p.ns, other)));
	CU_ASSERT(done(&p.c, OP(peer_give, other)));
	CU_ASSERT_EQUAL(system("nft list map ip ntkd peers | grep -q 00:16:3e:fd:e2:aa"), 0);
	CU_ASSERT(place_close(&p));
}

/* What others lean on does not go first: the kernel would take them along. */
static void
test_leaning(void)
{
	struct place p;
	char *before;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	before = run_dump();
	CU_ASSERT(is_refused(&p.c, client_do(&p.c, OP(addr_drop, p.eth1, OWN_LL)), PRIV_R_IN_USE,
	    "addr"));
	CU_ASSERT(is_refused(&p.c, client_do(&p.c, OP(neigh_drop, p.eth1, PEER_LL)), PRIV_R_IN_USE,
	    "peer"));
	CU_ASSERT(done(&p.c, OP(route_set, p.ns, 0, DST, UNICAST, p.eth1, PEER_LL, GLOBAL)));
	CU_ASSERT(is_refused(&p.c, client_do(&p.c, OP(addr_drop, p.eth1, GLOBAL)), PRIV_R_IN_USE,
	    "addr"));
	/* While another interface has the address the kernel keeps the route. */
	CU_ASSERT(done(&p.c, OP(addr_add, p.eth2, GLOBAL)));
	CU_ASSERT(done(&p.c, OP(addr_drop, p.eth1, GLOBAL)));
	CU_ASSERT_EQUAL(system("test \"$(ip route show table 251 | grep -c 'src 10.0.0.22')\" = 1"), 0);
	CU_ASSERT(is_refused(&p.c, client_do(&p.c, OP(addr_drop, p.eth2, GLOBAL)), PRIV_R_IN_USE,
	    "addr"));
	CU_ASSERT(done(&p.c, OP(addr_add, p.eth1, GLOBAL)));
	CU_ASSERT(done(&p.c, OP(addr_drop, p.eth2, GLOBAL)));
	CU_ASSERT(done(&p.c, OP(route_drop, p.ns, 0, DST)));
	CU_ASSERT(unchanged(before, SETTLE_MS));
	CU_ASSERT(place_close(&p));
	free(before);
}

/*
 * Somebody else has the place of what a transaction makes, and the same transaction then removes
 * or replaces it: theirs stays, though the kernel would take address and route away.
 */
static void
test_made_and_removed(void)
{
	struct place p;
	char *before;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT_EQUAL(system("ip addr add 10.0.0.23/32 dev eth1 && "
	    "ip route add blackhole 10.0.0.8/29 table 251 metric 1"), 0);
	before = run_dump();
	client_begin(&p.c);
	client_add(&p.c, OP(addr_add, p.eth1, NET(23)));
	client_add(&p.c, OP(addr_drop, p.eth1, NET(23)));
	CU_ASSERT(is_refused(&p.c, client_commit(&p.c, 0), PRIV_R_KERNEL, NULL));
	CU_ASSERT_EQUAL(p.c.refusal.op, 0);
	CU_ASSERT(unchanged(before, SETTLE_MS));
	client_begin(&p.c);
	client_add(&p.c, OP(route_set, p.ns, 0, NET(8), 29, UNREACHABLE, 0, 0, 0));
	client_add(&p.c, OP(route_set, p.ns, 0, NET(8), 29, UNICAST, p.eth1, PEER_LL, 0));
	CU_ASSERT(is_refused(&p.c, client_commit(&p.c, 0), PRIV_R_KERNEL, NULL));
	CU_ASSERT_EQUAL(p.c.refusal.op, 0);
	CU_ASSERT(unchanged(before, SETTLE_MS));
	CU_ASSERT(place_close(&p));
	free(before);
	CU_ASSERT_EQUAL(system("ip addr del 10.0.0.23/32 dev eth1 && "
	    "ip route del blackhole 10.0.0.8/29 table 251 metric 1"), 0);
}

/* A neighbour behind eth1, and what it can do. */
#define NEAR_MAKE \
	"ip netns add near && ip link add link far1 name near netns near type macvlan mode bridge &&" \
	" ip -n near link set near up && ip -n near addr add 169.254.69.30/32 dev near &&" \
	" ip -n near route add 169.254.94.2 dev near"
#define NEAR_PING "ip netns exec near ping -q -c 1 -w 5 -W 1 169.254.94.2 >/dev/null 2>&1"

static bool
inside(int fd, const char *command)
{
	char text[300];

	snprintf(text, sizeof(text), "nsenter --net=/proc/%d/fd/%d %s", (int)getpid(), fd, command);
	return system(text) == 0;
}

/*
 * Somebody holds the namespace, whose name goes, either because KILLED took the life that made
 * it or because it was dropped: nobody is answered from it any more, and nothing can be sent.
 */
static void
held_namespace(bool killed)
{
	struct place p;
	int fd;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT(done(&p.c, OP(addr_add, p.dev2, OTHER_LL)));
	CU_ASSERT(done(&p.c, OP(neigh_set, p.dev2, PEER_LL, OTHER_LL)));
	CU_ASSERT_EQUAL(system(NEAR_MAKE), 0);
	fd = open("/run/netns/ntkv1", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(system(NEAR_PING), 0);
	CU_ASSERT(inside(fd, "ip route get 169.254.69.30 >/dev/null"));
	if (killed) {
		kill(p.c.pid, SIGKILL);
		client_reap(&p.c);
		CU_ASSERT_FATAL(place_open(&p, NULL));
	} else {
		CU_ASSERT(done(&p.c, OP(ns_drop, p.ns2)));
		/* Answered when all of the former has been done. */
		CU_ASSERT(done(&p.c, OP(ns_create, 8)));
	}
	CU_ASSERT(inside(fd, "ip -d link show ntkv1_0 | grep -q 'macvlan mode source'"));
	CU_ASSERT(inside(fd, "ip -4 addr show dev ntkv1_0 | { ! grep -q inet; }"));
	CU_ASSERT_FALSE(inside(fd, "ip route get 169.254.69.30 >/dev/null 2>&1"));
	CU_ASSERT_NOT_EQUAL(system(NEAR_PING), 0);
	CU_ASSERT_EQUAL(system("ip netns del near"), 0);
	close(fd);
	CU_ASSERT(place_close(&p));
}

static void
test_held_killed(void)
{
	held_namespace(true);
}

static void
test_held_dropped(void)
{
	held_namespace(false);
}

/* A life that was killed after it made a name and before it noted it. */
static void
test_unnoted_name(void)
{
	struct place p;
	char *virgin;

	if (!usable)
		return not_usable();
	virgin = run_dump();
	CU_ASSERT_EQUAL(system("touch /run/netns/ntkv1 && chown 64101:64101 /run/netns/ntkv1 &&"
	    " touch /run/netns/ntkv2"), 0);
	if (place_open(&p, NULL)) {
		CU_ASSERT(done(&p.c, OP(ns_create, 1)));
		CU_ASSERT_EQUAL(p.c.results[0].number, 1);
		/* Root's empty file is somebody else's. */
		CU_ASSERT(done(&p.c, OP(ns_create, 2)));
		CU_ASSERT_EQUAL(p.c.results[0].number, 3);
		CU_ASSERT(place_close(&p));
	}
	CU_ASSERT_EQUAL(system("test -f /run/netns/ntkv2 && rm /run/netns/ntkv2"), 0);
	CU_ASSERT(unchanged(virgin, SETTLE_MS));
	free(virgin);
}

/* A record of labels in the journal, as ntkd-priv/journal.h has it; with tables FIRST down to LAST. */
static bool
labels_forge(uint32_t protocol, uint32_t first, uint32_t last)
{
	const uint32_t record[30] = { 4, protocol, 0, 10000, [24] = first, [25] = last,
		[26] = 20000, [27] = 21000 };
	int fd = open("/run/ntkd/journal", O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, record, sizeof(record)) == (ssize_t)sizeof(record);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A damaged journal: labels that no configuration can have take nothing of others away. */
static void
test_damaged_labels(void)
{
	static const char look[] = "ip route show table 99 | grep -q '^blackhole 192.0.2.0/24'";
	static const struct {
		uint32_t protocol, first, last;
		bool stays;
	} cases[] = { { 4, 100, 90, true }, { 16, 255, 90, true }, { 0x110, 100, 90, true },
		{ 16, 98, 90, true }, { 16, 100, 90, false } };
	char command[200];
	struct place p;

	if (!usable)
		return not_usable();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(command, sizeof(command), "ip route replace blackhole 192.0.2.0/24 table 99"
		    " proto %u", (unsigned)cases[i].protocol & 0xff);
		CU_ASSERT_EQUAL(system(command), 0);
		CU_ASSERT(labels_forge(cases[i].protocol, cases[i].first, cases[i].last));
		if (!place_open(&p, NULL))
			return;
		CU_ASSERT_EQUAL(system(look) == 0, cases[i].stays);
		CU_ASSERT(place_close(&p));
	}
}

/* What is refused because of somebody else's object does not reach that by a second change. */
static void
test_second_change(void)
{
	struct place p;
	char *before;

	if (!place_open(&p, NULL) || !place_build(&p))
		return;
	CU_ASSERT_EQUAL(system("ip route add blackhole 10.0.0.8/29 table 251 metric 1 &&"
	    " ip address add 10.0.0.20/32 dev eth2"), 0);
	before = run_dump();
	{
		const struct priv_op routes[] = {
			OPV(route_set, p.ns, 0, NET(8), 29, UNREACHABLE, 0, 0, 0),
			OPV(route_set, p.ns, 0, NET(8), 29, BLACKHOLE, 0, 0, 0),
		};
		const struct priv_op addresses[] = {
			OPV(addr_add, p.eth2, NET(20)),
			OPV(addr_drop, p.eth2, NET(20)),
		};

		CU_ASSERT(is_refused(&p.c, do_first(&p.c, routes, 2, NULL, 0), PRIV_R_KERNEL, NULL));
		CU_ASSERT_EQUAL(p.c.refusal.op, 0);
		CU_ASSERT(unchanged(before, SETTLE_MS));
		CU_ASSERT(is_refused(&p.c, do_first(&p.c, addresses, 2, NULL, 0), PRIV_R_KERNEL,
		    NULL));
		CU_ASSERT_EQUAL(p.c.refusal.op, 0);
		CU_ASSERT(unchanged(before, SETTLE_MS));
	}
	CU_ASSERT(place_close(&p));
	free(before);
	CU_ASSERT_EQUAL(system("ip route del blackhole 10.0.0.8/29 table 251 metric 1 &&"
	    " ip address del 10.0.0.20/32 dev eth2"), 0);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "every verb of the default namespace, and its opposite", test_verbs_default },
		{ "every verb of a made namespace, and its end", test_verbs_namespace },
		{ "wrong handles, kinds and places are refused", test_handles },
		{ "addresses that are not ours are refused", test_addresses },
		{ "what does not fit the state is refused", test_states },
		{ "what the configuration leaves out is refused", test_configuration },
		{ "limits hold", test_limits },
		{ "limits of one transaction hold", test_transaction_limits },
		{ "one refused operation: nothing of its transaction stands", test_all_or_nothing },
		{ "the kernel refuses one: nothing of it stands", test_kernel_refuses },
		{ "and nothing that follows hits what stood in its place", test_kernel_refuses_twice },
		{ "nothing follows what must be last", test_order },
		{ "a rehearsal leaves nothing", test_rehearsal },
		{ "a transaction of several messages", test_parts },
		{ "a malformed message ends the helper and everything it made", test_malformed },
		{ "so does a descriptor", test_descriptor },
		{ "so does a request before hello", test_before_hello },
		{ "closing the socket undoes everything", test_close_undoes },
		{ "a new life removes what a killed one left, and nothing else", test_next_life },
		{ "routes that went with their link are no obstacle", test_silent_losses },
		{ "settings of system and interface are put back apart", test_settings_apart },
		{ "a flushed ruleset is written anew", test_flushed_ruleset },
		{ "what others lean on does not go first", test_leaning },
		{ "what is made and removed at once takes nobody's away", test_made_and_removed },
		{ "a killed life's namespace falls silent, whoever holds it", test_held_killed },
		{ "a dropped namespace falls silent, whoever holds it", test_held_dropped },
		{ "a name that was never noted is used again", test_unnoted_name },
		{ "a damaged journal takes nothing of others away", test_damaged_labels },
		{ "a second change in one transaction finds nothing of others", test_second_change },
	};

	place_stage();
	return TAP_RUN(tests);
}
