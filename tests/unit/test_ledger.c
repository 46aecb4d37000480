/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger by itself: slots and their handles, objects with their counts and their
 * order, forgetting, table numbers.
 */
#include "ntkd-priv/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "tests/unit/tap.h"

enum {
	INTERFACES = 2,
	FIRST_PSEUDO = CONF_INTERFACES + 1,
	MANY = 3 * LEDGER_BUCKETS,
};

static struct ledger ledger;
static struct conf conf;

static const enum priv_handle_kind kinds[] = { PRIV_H_NS, PRIV_H_DEV, PRIV_H_PEER };

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void
book_clear(void)
{
	struct node *n;

	while ((n = TAILQ_FIRST(&ledger.order)) != NULL) {
		TAILQ_REMOVE(&ledger.order, n, order);
		free(n);
	}
}

/* An empty ledger, in memory that was used before. */
static void
book_open(void)
{
	if (ledger.order.tqh_last != NULL)
		book_clear();
	memset(&conf, 0, sizeof(conf));
	conf.n_interfaces = INTERFACES;
	memcpy(conf.interfaces[0].name, "eth1", sizeof("eth1"));
	memcpy(conf.interfaces[1].name, "a15-characters-", sizeof("a15-characters-"));
	conf.tables = (struct conf_tables){ 251, 248 };
	conf.more_tables = (struct conf_tables){ 1000, 1002 };
	memset(&ledger, 0xa5, sizeof(ledger));
	ledger_init(&ledger, &conf);
}

static void
enter(struct obj o)
{
	const struct change ch = { .has_to = true, .to = o };

	ledger_apply(&ledger, &ch);
}

static void
strike(struct obj o)
{
	const struct change ch = { .has_from = true, .from = o };

	ledger_apply(&ledger, &ch);
}

static const struct obj *
find(struct obj o)
{
	return ledger_find(&ledger, &o);
}

static size_t
length(void)
{
	const struct node *n;
	size_t count = 0;

	TAILQ_FOREACH(n, &ledger.order, order)
		count++;
	return count;
}

/* --- slots and handles --------------------------------------------------------- */

static void
test_start(void)
{
	book_open();
	for (unsigned i = 0; i < LEDGER_NAMESPACES; i++)
		CU_ASSERT_EQUAL(ledger.ns[i].slot.used, i == NS_DEFAULT);
	for (unsigned i = 0; i < LEDGER_PEERS; i++)
		CU_ASSERT_EQUAL(ledger.peer[i].slot.used, i == PEER_NTK);
	for (unsigned i = 0; i < LEDGER_DEVS; i++) {
		/* An interface is there when it was found, which is not the ledger's work. */
		CU_ASSERT_EQUAL(ledger.dev[i].slot.used, i == DEV_LO);
		CU_ASSERT_EQUAL(ledger.dev[i].ns, NS_DEFAULT);
		CU_ASSERT_EQUAL(ledger.dev[i].parent, i <= INTERFACES ? i : 0);
	}
	CU_ASSERT_STRING_EQUAL(ledger.dev[DEV_LO].name, "lo");
	CU_ASSERT_STRING_EQUAL(ledger.dev[1].name, "eth1");
	CU_ASSERT_STRING_EQUAL(ledger.dev[2].name, "a15-characters-");
	CU_ASSERT_STRING_EQUAL(ledger.dev[3].name, "");
	CU_ASSERT_EQUAL(ledger.peer[PEER_NTK].table, 251);
	CU_ASSERT_EQUAL(ledger.next_ns_number, 1);
	CU_ASSERT_EQUAL(ledger.objects, 0);
	CU_ASSERT_EQUAL(length(), 0);
	CU_ASSERT_PTR_NULL(find((struct obj){ .kind = OBJ_NS }));
}

static void
test_real(void)
{
	CU_ASSERT_FALSE(dev_is_real(DEV_LO));
	CU_ASSERT_TRUE(dev_is_real(1));
	CU_ASSERT_TRUE(dev_is_real(CONF_INTERFACES));
	CU_ASSERT_FALSE(dev_is_real(FIRST_PSEUDO));
}

static void
test_managed(void)
{
	book_open();
	/* 0 is nobody's index, and lo is not managed. */
	ledger.dev[DEV_LO].ifindex = 1;
	for (int i = 0; i < 2; i++)
		CU_ASSERT_FALSE(dev_is_managed(&ledger, i));
	for (unsigned i = 1; i <= CONF_INTERFACES; i++) {
		CU_ASSERT_FALSE(dev_is_managed(&ledger, 40 + (int)i));
		ledger.dev[i].ifindex = 40 + (int)i;
		CU_ASSERT_FALSE(dev_is_managed(&ledger, 40 + (int)i));
		ledger.dev[i].slot.used = true;
		CU_ASSERT_TRUE(dev_is_managed(&ledger, 40 + (int)i));
	}
	ledger.dev[FIRST_PSEUDO].ifindex = 90;
	ledger.dev[FIRST_PSEUDO].slot.used = true;
	CU_ASSERT_FALSE(dev_is_managed(&ledger, 90));
}

static void
test_free_interfaces(void)
{
	const struct obj prepared = { .kind = OBJ_DEV, .dev = 1 };
	const struct obj pseudo = { .kind = OBJ_DEV, .ns = 3, .dev = FIRST_PSEUDO, .via_dev = 2 };
	const struct obj addr = { .kind = OBJ_ADDR, .dev = 2, .addr = 5 };

	book_open();
	CU_ASSERT(dev_is_free(&ledger, 1) && dev_is_free(&ledger, 2));
	enter(prepared);
	CU_ASSERT(!dev_is_free(&ledger, 1) && dev_is_free(&ledger, 2));
	strike(prepared);
	CU_ASSERT_TRUE(dev_is_free(&ledger, 1));
	enter(addr);
	enter(pseudo);
	CU_ASSERT(dev_is_free(&ledger, 1) && !dev_is_free(&ledger, 2));
	strike(addr);
	CU_ASSERT_FALSE(dev_is_free(&ledger, 2));
	ledger_forget_ns(&ledger, 3);
	CU_ASSERT_TRUE(dev_is_free(&ledger, 2));
}

static const struct slot *
slot_of(enum priv_handle_kind kind, unsigned i)
{
	return kind == PRIV_H_NS ? &ledger.ns[i].slot : kind == PRIV_H_DEV ?
	    &ledger.dev[i].slot : &ledger.peer[i].slot;
}

static unsigned
first_of(enum priv_handle_kind kind)
{
	return kind == PRIV_H_DEV ? FIRST_PSEUDO : 1;
}

static unsigned
slots_of(enum priv_handle_kind kind)
{
	return kind == PRIV_H_NS ? LEDGER_NAMESPACES : kind == PRIV_H_DEV ? LEDGER_DEVS :
	    LEDGER_PEERS;
}

static struct obj
object_in(enum priv_handle_kind kind, unsigned i)
{
	return (struct obj){
		.kind = kind == PRIV_H_NS ? OBJ_NS : kind == PRIV_H_DEV ? OBJ_DEV : OBJ_PEER,
		.ns = (uint16_t)(kind == PRIV_H_NS ? i : 0),
		.dev = (uint16_t)(kind == PRIV_H_DEV ? i : 0),
		.peer = (uint16_t)(kind == PRIV_H_PEER ? i : 0),
	};
}

/* Slots are given out from the first on, and again when they are free, until there are none. */
static void
test_slots(void)
{
	for (size_t k = 0; k < KINDS; k++) {
		unsigned first = first_of(kinds[k]), n = slots_of(kinds[k]);
		struct obj o = object_in(kinds[k], first + 3);

		book_open();
		for (unsigned i = first; i < n; i++) {
			CU_ASSERT_EQUAL(ledger_free(&ledger, kinds[k]), i);
			ledger_take(&ledger, kinds[k], i);
			CU_ASSERT_TRUE(slot_of(kinds[k], i)->used);
		}
		/* Whatever lies in memory behind them. */
		ledger.dev[DEV_LO].slot.used = ledger.peer[PEER_NTK].slot.used = false;
		ledger.next_ns_number = 0;
		CU_ASSERT_EQUAL(ledger_free(&ledger, kinds[k]), 0);
		ledger_release(&ledger, &o);
		CU_ASSERT_EQUAL(ledger_free(&ledger, kinds[k]), first + 3);
		CU_ASSERT_TRUE(slot_of(kinds[k], first + 2)->used);
		CU_ASSERT_TRUE(slot_of(kinds[k], first + 4)->used);
	}
}

/* What a release must leave alone. */
static void
test_kept(void)
{
	struct obj o = { .kind = OBJ_NS };

	book_open();
	ledger_release(&ledger, &o);
	CU_ASSERT_TRUE(ledger.ns[NS_DEFAULT].slot.used);
	ledger.dev[1].slot.used = ledger.dev[CONF_INTERFACES].slot.used = true;
	o = (struct obj){ .kind = OBJ_DEV, .dev = 1 };
	ledger_release(&ledger, &o);
	o.dev = CONF_INTERFACES;
	ledger_release(&ledger, &o);
	CU_ASSERT_TRUE(ledger.dev[1].slot.used);
	CU_ASSERT_TRUE(ledger.dev[CONF_INTERFACES].slot.used);
	/* Objects that only lie in a slot do not free it. */
	ledger_take(&ledger, PRIV_H_NS, 1);
	ledger_take(&ledger, PRIV_H_DEV, FIRST_PSEUDO);
	ledger_take(&ledger, PRIV_H_PEER, 1);
	for (uint8_t kind = 0; kind < OBJ_KINDS; kind++) {
		if (kind == OBJ_NS || kind == OBJ_DEV || kind == OBJ_PEER)
			continue;
		o = (struct obj){ .kind = kind, .ns = 1, .dev = FIRST_PSEUDO, .peer = 1 };
		ledger_release(&ledger, &o);
	}
	/* Nor does one of another kind. */
	o = (struct obj){ .kind = OBJ_NS, .ns = 2, .dev = FIRST_PSEUDO, .peer = 1 };
	ledger_release(&ledger, &o);
	o = (struct obj){ .kind = OBJ_DEV, .ns = 1, .dev = FIRST_PSEUDO + 1, .peer = 1 };
	ledger_release(&ledger, &o);
	o = (struct obj){ .kind = OBJ_PEER, .ns = 1, .dev = FIRST_PSEUDO, .peer = 2 };
	ledger_release(&ledger, &o);
	CU_ASSERT_TRUE(ledger.ns[1].slot.used);
	CU_ASSERT_TRUE(ledger.dev[FIRST_PSEUDO].slot.used);
	CU_ASSERT_TRUE(ledger.peer[1].slot.used);
}

static void
no_handle(enum priv_handle_kind kind, uint32_t handle, enum priv_reason expected)
{
	enum priv_reason why = PRIV_R_OK;

	CU_ASSERT_EQUAL(ledger_find_handle(&ledger, kind, handle, &why), -1);
	CU_ASSERT_EQUAL(why, expected);
}

static void
test_handles(void)
{
	enum priv_reason why;

	book_open();
	CU_ASSERT_EQUAL(ledger_handle(&ledger, PRIV_H_NS, NS_DEFAULT), PRIV_HANDLE(PRIV_H_NS, 0, 0));
	CU_ASSERT_EQUAL(ledger_find_handle(&ledger, PRIV_H_NS, PRIV_HANDLE(PRIV_H_NS, 0, 0), &why), 0);
	CU_ASSERT_EQUAL(ledger_find_handle(&ledger, PRIV_H_DEV, PRIV_HANDLE(PRIV_H_DEV, 0, 0), &why), 0);
	for (size_t k = 0; k < KINDS; k++) {
		enum priv_handle_kind kind = kinds[k], other = kinds[(k + 1) % KINDS];
		unsigned last = slots_of(kind) - 1;

		ledger_take(&ledger, kind, last);
		CU_ASSERT_EQUAL(ledger_handle(&ledger, kind, last), PRIV_HANDLE(kind, 1, last));
		CU_ASSERT_EQUAL(ledger_find_handle(&ledger, kind, PRIV_HANDLE(kind, 1, last), &why),
		    (int)last);
		no_handle(kind, PRIV_HANDLE(kind, 0, last), PRIV_R_HANDLE);
		no_handle(kind, PRIV_HANDLE(kind, 2, last), PRIV_R_HANDLE);
		no_handle(kind, PRIV_HANDLE(kind, 1, last - 1), PRIV_R_HANDLE);
		/* A slot that is free, whatever its generation says. */
		no_handle(kind, PRIV_HANDLE(kind, 0, last - 1), PRIV_R_HANDLE);
		no_handle(kind, PRIV_HANDLE(kind, 0, last + 1), PRIV_R_HANDLE);
		no_handle(kind, PRIV_HANDLE(kind, 0xfff, 0xffff), PRIV_R_HANDLE);
		no_handle(kind, 0, PRIV_R_HANDLE);
		no_handle(kind, PRIV_HANDLE(PRIV_H_NONE, 1, last), PRIV_R_HANDLE);
		no_handle(kind, PRIV_HANDLE_NEW(0), PRIV_R_HANDLE);
		no_handle(kind, PRIV_HANDLE(other, 1, last), PRIV_R_KIND);
		no_handle(kind, PRIV_HANDLE(9, 1, last), PRIV_R_KIND);
	}
}

/* A handle that was given back stays dead, also when its slot is used again. */
static void
test_generations(void)
{
	for (size_t k = 0; k < KINDS; k++) {
		unsigned i = first_of(kinds[k]);
		struct obj o = object_in(kinds[k], i);
		uint32_t old[5];
		enum priv_reason why;

		book_open();
		for (size_t n = 0; n < 5; n++) {
			ledger_take(&ledger, kinds[k], i);
			old[n] = ledger_handle(&ledger, kinds[k], i);
			CU_ASSERT_EQUAL(ledger_find_handle(&ledger, kinds[k], old[n], &why), (int)i);
			for (size_t m = 0; m < n; m++)
				no_handle(kinds[k], old[m], PRIV_R_HANDLE);
			ledger_release(&ledger, &o);
			no_handle(kinds[k], old[n], PRIV_R_HANDLE);
		}
	}
}

/* --- objects -------------------------------------------------------------------- */

/* What one object counts: at its interface, at that of its gateway or below it, at its neighbour. */
static void
counts(uint8_t kind, uint8_t type, unsigned dev, unsigned via, unsigned peer)
{
	struct obj o = { .kind = kind, .type = type, .ns = 3, .dev = 20, .via_dev = 21, .peer = 4,
		.addr = 5 };

	book_open();
	enter(o);
	CU_ASSERT_EQUAL(ledger.objects, 1);
	CU_ASSERT_EQUAL(ledger.dev[20].objects, dev);
	CU_ASSERT_EQUAL(ledger.dev[21].objects, via);
	CU_ASSERT_EQUAL(ledger.peer[4].objects, peer);
	CU_ASSERT_EQUAL(ledger.ns[3].translations, kind == OBJ_NAT);
	CU_ASSERT_EQUAL(ledger.ns[NS_DEFAULT].translations, 0);
	strike(o);
	CU_ASSERT_EQUAL(ledger.objects, 0);
	CU_ASSERT_EQUAL(ledger.dev[20].objects, 0);
	CU_ASSERT_EQUAL(ledger.dev[21].objects, 0);
	CU_ASSERT_EQUAL(ledger.peer[4].objects, 0);
	CU_ASSERT_EQUAL(ledger.ns[3].translations, 0);
	CU_ASSERT_EQUAL(length(), 0);
	/* Once more: there is nothing to take away. */
	strike(o);
	CU_ASSERT_EQUAL(ledger.objects, 0);
}

static void
test_counts(void)
{
	counts(OBJ_NS, 0, 0, 0, 0);
	counts(OBJ_DEV, 0, 0, 1, 0);
	counts(OBJ_PEER, 0, 0, 0, 0);
	counts(OBJ_ADDR, 0, 1, 0, 0);
	counts(OBJ_NEIGH, 0, 1, 0, 0);
	counts(OBJ_ROUTE, PRIV_ROUTE_UNICAST, 0, 1, 1);
	counts(OBJ_ROUTE, PRIV_ROUTE_UNREACHABLE, 0, 0, 1);
	counts(OBJ_ROUTE, PRIV_ROUTE_BLACKHOLE, 0, 0, 1);
	counts(OBJ_RULE, 0, 0, 0, 1);
	counts(OBJ_MARK, 0, 0, 0, 1);
	counts(OBJ_NAT, 0, 0, 0, 0);
	counts(OBJ_NAT, PRIV_ROUTE_UNICAST, 0, 0, 0);
}

/* A new value takes the old one's place, in the counts too. */
static void
test_replacement(void)
{
	struct obj o = { .kind = OBJ_ROUTE, .ns = 1, .peer = 2, .addr = 9, .len = 30,
		.type = PRIV_ROUTE_UNICAST, .via_dev = 1, .via = 7 };

	book_open();
	enter(o);
	CU_ASSERT_EQUAL(ledger.dev[1].objects, 1);
	o.via_dev = 2;
	o.via = 8;
	enter(o);
	CU_ASSERT_EQUAL(ledger.dev[1].objects, 0);
	CU_ASSERT_EQUAL(ledger.dev[2].objects, 1);
	CU_ASSERT_EQUAL(find(o)->via, 8);
	o.type = PRIV_ROUTE_UNREACHABLE;
	enter(o);
	CU_ASSERT_EQUAL(ledger.dev[2].objects, 0);
	CU_ASSERT_EQUAL(ledger.peer[2].objects, 1);
	CU_ASSERT_EQUAL(ledger.objects, 1);
	CU_ASSERT_EQUAL(length(), 1);
}

/* Each member of the key tells objects apart, none of the value does. */
static void
test_keys(void)
{
	static const struct obj one = { OBJ_ROUTE, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		{ { 1, 1, 1, 1, 1, 1 } } };
	struct obj others[8], same = one;

	for (size_t i = 0; i < 8; i++)
		others[i] = one;
	others[0].kind = OBJ_NEIGH;
	others[1].nat = others[2].len = others[3].match_len = 2;
	others[4].ns = others[5].dev = others[6].peer = 2;
	others[7].addr = 2;
	book_open();
	enter(one);
	for (size_t i = 0; i < 8; i++)
		CU_ASSERT_PTR_NULL(find(others[i]));
	same.match = 2;
	CU_ASSERT_PTR_NULL(find(same));
	same = one;
	same.type = same.to_len = 3;
	same.via_dev = 3;
	same.via = same.src = same.number = 3;
	same.generation = 3;
	same.mac.b[5] = 3;
	CU_ASSERT_PTR_NOT_NULL_FATAL(find(same));
	CU_ASSERT_EQUAL(find(same)->number, 1);
}

/* More than there are buckets: all are found, and those taken away are not. */
static void
test_many(void)
{
	struct obj o = { .kind = OBJ_ROUTE, .len = 32, .type = PRIV_ROUTE_UNREACHABLE };
	size_t fullest = 0;

	book_open();
	for (ntk_ip_t i = 0; i < MANY; i++) {
		o.addr = 0x0a000000 + i;
		o.number = i;
		enter(o);
	}
	CU_ASSERT_EQUAL(ledger.objects, MANY);
	for (ntk_ip_t i = 0; i < MANY; i += 3) {
		o.addr = 0x0a000000 + i;
		strike(o);
	}
	CU_ASSERT_EQUAL(ledger.objects, MANY - MANY / 3);
	for (ntk_ip_t i = 0; i < MANY; i++) {
		o.addr = 0x0a000000 + i;
		CU_ASSERT_EQUAL(find(o) != NULL, i % 3 != 0);
		CU_ASSERT(find(o) == NULL || find(o)->number == i);
	}
	/* The requests of a session take time in proportion to their number, not its square. */
	for (size_t i = 0; i < LEDGER_BUCKETS; i++) {
		const struct node *n;
		size_t count = 0;

		LIST_FOREACH(n, &ledger.bucket[i], bucket)
			count++;
		fullest = count > fullest ? count : fullest;
	}
	CU_ASSERT(fullest < 24);
	book_clear();
	ledger.order.tqh_last = NULL;
}

/* Oldest first; a replacement keeps its place, what comes back comes last. */
static size_t
longest(void)
{
	size_t most = 0;

	for (size_t i = 0; i < LEDGER_BUCKETS; i++) {
		const struct node *n;
		size_t len = 0;

		LIST_FOREACH(n, &ledger.bucket[i], bucket)
			len++;
		most = len > most ? len : most;
	}
	return most;
}

/* Objects that differ in their high bits alone are spread as well, each process in its own way. */
static void
test_spread(void)
{
	struct obj o = { .kind = OBJ_ROUTE, .len = 12, .type = PRIV_ROUTE_UNREACHABLE };
	uint64_t seed;

	book_open();
	memcpy(&seed, (const void *)getauxval(AT_RANDOM), sizeof(seed));
	CU_ASSERT_EQUAL(ledger.seed, seed);
	for (ntk_ip_t i = 0; i < 4096; i++) {
		o.addr = i << 20;
		enter(o);
	}
	tap_note("4096 objects in %d buckets, at most %zu in one", LEDGER_BUCKETS, longest());
	CU_ASSERT(longest() < 64);
}

static void
test_order(void)
{
	static const ntk_ip_t expected[] = { 1, 3, 4, 2 };
	struct obj o = { .kind = OBJ_ADDR, .dev = 1 };
	const struct node *n;
	size_t i = 0;

	book_open();
	for (o.addr = 1; o.addr <= 4; o.addr++)
		enter(o);
	o.addr = 3;
	o.src = 77;
	enter(o);
	o.addr = 2;
	strike(o);
	enter(o);
	TAILQ_FOREACH(n, &ledger.order, order) {
		CU_ASSERT_FATAL(i < 4);
		CU_ASSERT_EQUAL(n->obj.addr, expected[i]);
		i++;
	}
	CU_ASSERT_EQUAL(i, 4);
}

static void
test_changes(void)
{
	const struct obj a = { .kind = OBJ_ADDR, .addr = 1 }, b = { .kind = OBJ_ADDR, .addr = 2 };
	const struct change comes = { .has_to = true, .to = a };
	const struct change goes = { .has_from = true, .from = a };
	const struct change turns = { true, true, a, b };
	struct change back;

	CU_ASSERT_PTR_EQUAL(change_subject(&comes), &comes.to);
	CU_ASSERT_PTR_EQUAL(change_subject(&goes), &goes.from);
	CU_ASSERT_PTR_EQUAL(change_subject(&turns), &turns.to);
	back = change_reversed(&comes);
	CU_ASSERT(back.has_from && !back.has_to && back.from.addr == 1);
	back = change_reversed(&goes);
	CU_ASSERT(!back.has_from && back.has_to && back.to.addr == 1);
	back = change_reversed(&turns);
	CU_ASSERT(back.has_from && back.has_to && back.from.addr == 2 && back.to.addr == 1);
}

/* --- forgetting ------------------------------------------------------------------ */

/* In namespace NS: itself, a pseudo-interface, and one object of every other kind. */
static void
furnish(uint16_t ns, uint16_t dev)
{
	ledger_take(&ledger, PRIV_H_NS, ns);
	ledger_take(&ledger, PRIV_H_DEV, dev);
	enter((struct obj){ .kind = OBJ_NS, .ns = ns });
	enter((struct obj){ .kind = OBJ_DEV, .ns = ns, .dev = dev, .via_dev = 1 });
	enter((struct obj){ .kind = OBJ_ADDR, .ns = ns, .dev = dev, .addr = 1 });
	enter((struct obj){ .kind = OBJ_NEIGH, .ns = ns, .dev = dev, .addr = 2, .src = 1 });
	enter((struct obj){ .kind = OBJ_ROUTE, .ns = ns, .peer = 1, .addr = 8, .len = 30,
		.type = PRIV_ROUTE_UNICAST, .via_dev = dev, .via = 2 });
	enter((struct obj){ .kind = OBJ_RULE, .ns = ns, .peer = 1 });
	enter((struct obj){ .kind = OBJ_MARK, .ns = ns, .peer = 1 });
	enter((struct obj){ .kind = OBJ_NAT, .ns = ns, .nat = PRIV_NAT_SOURCE });
}

static void
test_forgetting(void)
{
	enum { EACH = 8 };

	book_open();
	ledger_take(&ledger, PRIV_H_PEER, 1);
	enter((struct obj){ .kind = OBJ_PEER, .peer = 1 });
	furnish(1, FIRST_PSEUDO);
	furnish(2, FIRST_PSEUDO + 1);
	ledger_forget_ns(&ledger, 1);
	CU_ASSERT_EQUAL(ledger.objects, 1 + 1 + EACH);
	CU_ASSERT_EQUAL(length(), 1 + 1 + EACH);
	CU_ASSERT_EQUAL(ledger.dev[FIRST_PSEUDO].objects, 0);
	CU_ASSERT_EQUAL(ledger.dev[FIRST_PSEUDO + 1].objects, 3);
	CU_ASSERT_EQUAL(ledger.peer[1].objects, 3);
	/* The namespace itself stays, for whoever forgets it to strike out. */
	CU_ASSERT_PTR_NOT_NULL(find((struct obj){ .kind = OBJ_NS, .ns = 1 }));
	CU_ASSERT_TRUE(ledger.ns[1].slot.used);
	CU_ASSERT_FALSE(ledger.dev[FIRST_PSEUDO].slot.used);
	CU_ASSERT_TRUE(ledger.dev[FIRST_PSEUDO + 1].slot.used);
	CU_ASSERT_TRUE(ledger.peer[1].slot.used);
	/* Neighbours are the system's, in no namespace, though 0 stands there. */
	ledger_forget_ns(&ledger, 0);
	CU_ASSERT_PTR_NOT_NULL(find((struct obj){ .kind = OBJ_PEER, .peer = 1 }));
}

/* --- table numbers ---------------------------------------------------------------- */

/* Spec kernel-state 7: 250 down, then up in the second range; the highest free one first. */
static void
test_tables(void)
{
	static const uint32_t expected[] = { 251, 250, 249, 248, 1000, 1001, 1002, 0, 0 };

	book_open();
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		CU_ASSERT_EQUAL(ledger_table(&conf, i), expected[i]);
	CU_ASSERT_EQUAL(ledger_table(&conf, LEDGER_PEERS - 1), 0);
	CU_ASSERT_EQUAL(ledger.peer[PEER_NTK].table, 251);
	/* The first range may hold ntk's number alone, and lie beside or above the second. */
	conf.tables.first = conf.tables.last = 999;
	CU_ASSERT_EQUAL(ledger_table(&conf, 1), 1000);
	conf.more_tables.first = 500;
	CU_ASSERT_EQUAL(ledger_table(&conf, 1), 500);
	CU_ASSERT_EQUAL(ledger_table(&conf, 2), 501);
	/* To the last number that a table can have. */
	conf.more_tables.first = UINT32_MAX - 1;
	conf.more_tables.last = UINT32_MAX;
	CU_ASSERT_EQUAL(ledger_table(&conf, 2), UINT32_MAX);
	CU_ASSERT_EQUAL(ledger_table(&conf, 3), 0);
	book_clear();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "a new ledger: the default namespace, lo, the interfaces, ntk", test_start },
		{ "which interfaces are real", test_real },
		{ "indices of managed interfaces", test_managed },
		{ "interfaces that nothing is on", test_free_interfaces },
		{ "slots are given out from the first on, until there are none", test_slots },
		{ "some slots are never given back", test_kept },
		{ "a handle names its object and nothing else", test_handles },
		{ "a handle given back stays dead", test_generations },
		{ "every kind of object is counted at what it names", test_counts },
		{ "a new value takes the old one's place", test_replacement },
		{ "keys tell objects apart, values do not", test_keys },
		{ "many objects are all found, and soon", test_many },
		{ "objects with equal low bits are spread", test_spread },
		{ "the order is that of making", test_order },
		{ "changes and their reversal", test_changes },
		{ "a namespace's objects are forgotten, others are not", test_forgetting },
		{ "table numbers in the order of kernel-state 7", test_tables },
	};

	return TAP_RUN(tests);
}
