/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's transactions on a kernel that is a list (tests/fuzz/fakex.h): limits, answers,
 * what goes out in one batch, what cannot be undone.  That ledger and kernel agree whatever
 * fails is fuzz_txn's to test.
 */
#include "ntkd-priv/txn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ntkd-priv/print.h"
#include "tests/fuzz/fakex.h"
#include "tests/unit/kerntest.h"
#include "tests/unit/tap.h"

#define NS0	PRIV_HANDLE(PRIV_H_NS, 0, NS_DEFAULT)
#define ETH1	PRIV_HANDLE(PRIV_H_DEV, 0, 1)
#define OP(verb, ...) (&(struct priv_op){ .type = PRIV_OP_##verb, .verb = { __VA_ARGS__ } })
#define DST	0x0a000010, 30		/* of topology 4.2.2.2 */

static struct conf conf;
static struct policy policy;
static struct ledger ledger;
static struct txn txn;
static const bool never;
static unsigned told;		/* lines about an undo that failed */
static char first_told[200];
static struct fakex_counts counted;

static void
hear(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	if (strncmp(line, "undo:", strlen("undo:")) != 0)
		return;
	if (told++ == 0)
		snprintf(first_told, sizeof(first_told), "%s", line);
}

/* An interface, prepared; nothing fails.  An undo fails as well as anything, if it is told to. */
static void
begin(void)
{
	log_set_hook(hear, NULL);
	told = 0;
	kerntest_conf(&conf, "4.2.2.2", 1);
	policy.conf = &conf;
	ledger_init(&ledger, &conf);
	ledger.dev[1].slot.used = true;
	txn_init(&txn, &policy, &ledger);
	fakex_begin(&ledger, &never);
	txn_begin(&txn);
	txn_op(&txn, OP(ns_prepare, NS0));
	txn_op(&txn, OP(dev_prepare, ETH1));
	txn_op(&txn, OP(addr_add, ETH1, 0xa9fe0101));
	txn_end(&txn, false);
	CU_ASSERT_FALSE(txn.failed);
}

static void
end(void)
{
	fakex_fail(FAKEX_NONE, 0);
	txn_undo_all(&txn);
	CU_ASSERT_EQUAL(ledger.objects, 0);
	free(txn.steps);
	nlq_free(&txn.rt);
	fakex_end();
	log_set_hook(NULL, NULL);
}

static size_t
things(void)
{
	size_t n;

	fakex_objects(&n);
	return n;
}

static void
refused(enum priv_reason reason, uint32_t op)
{
	CU_ASSERT_TRUE_FATAL(txn.failed);
	CU_ASSERT_EQUAL(txn.refusal.reason, reason);
	CU_ASSERT_EQUAL(txn.refusal.op, op);
}

/* As many operations as one transaction holds, and one more. */
static void
test_operations(void)
{
	for (int more = 0; more < 2; more++) {
		begin();
		txn_begin(&txn);
		for (unsigned i = 0; i < PRIV_TXN_OPS + (unsigned)more; i++)
			txn_op(&txn, OP(route_set, NS0, 0, DST, PRIV_ROUTE_UNREACHABLE + i % 2, 0, 0, 0));
		txn_end(&txn, false);
		CU_ASSERT_EQUAL(ledger.objects, 3 + (unsigned)!more);
		CU_ASSERT_EQUAL(things(), ledger.objects);
		/* So much room is not kept. */
		CU_ASSERT_EQUAL(txn.size, 0);
		if (more)
			refused(PRIV_R_LIMIT, PRIV_TXN_OPS);
		else
			CU_ASSERT_FALSE(txn.failed);
		end();
	}
}

static struct priv_op
peer_take(unsigned i)
{
	return (struct priv_op){ .type = PRIV_OP_peer_take,
		.peer_take = { { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } } };
}

/* As many objects as one answer tells, and one more. */
static void
test_results(void)
{
	struct priv_op op;

	for (unsigned more = 0; more < 2; more++) {
		begin();
		txn_begin(&txn);
		for (unsigned i = 0; i < PRIV_TXN_RESULTS + more; i++) {
			op = peer_take(i);
			txn_op(&txn, &op);
		}
		txn_end(&txn, false);
		if (more == 0) {
			CU_ASSERT_FALSE(txn.failed);
			CU_ASSERT_EQUAL(txn.n_results, PRIV_TXN_RESULTS);
			CU_ASSERT_EQUAL(ledger.objects, 3 + PRIV_TXN_RESULTS);
		} else {
			refused(PRIV_R_LIMIT, PRIV_TXN_RESULTS);
			CU_ASSERT_EQUAL(ledger.objects, 3);
		}
		end();
	}
}

/* A transaction that is taken back at once, so that only its rate can be in the way. */
static bool
rehearsed(bool with_dev)
{
	txn_begin(&txn);
	txn_op(&txn, OP(ns_create, 1));
	if (with_dev)
		txn_op(&txn, OP(dev_create, PRIV_HANDLE_NEW(0), ETH1));
	txn_end(&txn, true);
	CU_ASSERT_EQUAL(ledger.objects, 3);
	return !txn.failed;
}

/* The clock may add a few meanwhile, so that only the beginning is exact. */
static void
test_rate(void)
{
	unsigned n = 0;

	begin();
	while (n < 100 * TXN_NS_BURST && rehearsed(false))
		n++;
	CU_ASSERT_TRUE(n >= TXN_NS_BURST && n < 100 * TXN_NS_BURST);
	refused(PRIV_R_RATE, 0);
	tbf_init(&txn.namespaces, TXN_NS_BURST, TXN_NS_RATE, 0);
	tbf_init(&txn.devs, 2, 0, 0);
	CU_ASSERT_TRUE(rehearsed(true));
	CU_ASSERT_TRUE(rehearsed(true));
	CU_ASSERT_FALSE(rehearsed(true));
	refused(PRIV_R_RATE, 1);
	end();
}

/* Rehearses OP, whose undo is the second thing that happens and fails in the way HOW. */
static void
rehearse_in_vain(struct priv_op *op, enum fakex_failure how)
{
	unsigned before = told;

	txn_begin(&txn);
	fakex_fail(how, 1);
	txn_op(&txn, op);
	txn_end(&txn, true);
	CU_ASSERT_FALSE(txn.failed);
	CU_ASSERT_TRUE(fakex_has_failed());
	CU_ASSERT_EQUAL(told, before + 1);
}

/* What the kernel does not take back is told, and does not stop the rest. */
static void
test_undo_fails(void)
{
	struct priv_op take = peer_take(1);

	begin();
	txn_begin(&txn);
	txn_op(&txn, &take);
	txn_end(&txn, false);
	rehearse_in_vain(OP(rule_on, NS0, 0), FAKEX_REFUSED);
	rehearse_in_vain(OP(route_set, NS0, 0, DST, PRIV_ROUTE_BLACKHOLE, 0, 0, 0), FAKEX_UNSENT);
	rehearse_in_vain(OP(mark_on, NS0, txn.results[0].handle), FAKEX_REFUSED);
	rehearse_in_vain(OP(addr_add, ETH1, 0x0a000016), FAKEX_REFUSED);
	CU_ASSERT_EQUAL(ledger.objects, 4);
	/* What is left would be in the way of the rest of the test. */
	CU_ASSERT_EQUAL(things(), 3 + 4);
	fakex_begin(&ledger, &never);
	end();
}

/* The batch of marks is refused as a whole, and the kernel need not say at what. */
static void
test_marks_refused(void)
{
	static const enum fakex_failure how[] = { FAKEX_REFUSED, FAKEX_UNHEARD };
	struct priv_op take = peer_take(1);

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		begin();
		txn_begin(&txn);
		fakex_fail(how[i], 1);
		txn_op(&txn, &take);
		txn_op(&txn, OP(rule_on, NS0, 0));
		txn_op(&txn, OP(mark_on, NS0, PRIV_HANDLE_NEW(0)));
		txn_end(&txn, false);
		refused(PRIV_R_KERNEL, 2);
		CU_ASSERT_EQUAL(ledger.objects, 3);
		CU_ASSERT_EQUAL(things(), 3);
		end();
	}
}

/* --- answers --------------------------------------------------------------------- */

/* OP alone is refused, for its FIELD with VALUE. */
static void
refused_for(struct priv_op *op, const char *field, const char *value)
{
	txn_begin(&txn);
	txn_op(&txn, op);
	txn_end(&txn, false);
	CU_ASSERT_TRUE_FATAL(txn.failed);
	CU_ASSERT_STRING_EQUAL(txn.refusal.field, field);
	CU_ASSERT_STRING_EQUAL(txn.refusal.value, value);
}

static void
test_values(void)
{
	struct priv_op take = peer_take(1);

	begin();
	txn_begin(&txn);
	CU_ASSERT_TRUE(txn.open);
	txn_op(&txn, &take);
	CU_ASSERT_TRUE(txn.peers_changed);
	txn_end(&txn, false);
	refused_for(&take, "mac", "02:00:00:00:00:01");
	CU_ASSERT_FALSE(txn.peers_changed);
	refused_for(OP(addr_add, ETH1, 0x08080808), "addr", "8.8.8.8");
	/* Only what is a handle can name a result; what only looks so stays what it is. */
	txn_begin(&txn);
	take = peer_take(2);
	txn_op(&txn, &take);
	txn_op(&txn, OP(addr_add, ETH1, PRIV_HANDLE_NEW(0)));
	CU_ASSERT_TRUE_FATAL(txn.failed);
	CU_ASSERT_STRING_EQUAL(txn.refusal.value, "240.0.0.0");
	txn_end(&txn, false);
	refused_for(OP(rule_on, ETH1, 0), "ns", "0x20000001");
	end();
}

/* The first failure is the one that is answered, with all that the kernel said. */
static void
test_kernel_answer(void)
{
	static const enum fakex_failure how[] = { FAKEX_REFUSED, FAKEX_UNSENT };

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		begin();
		txn_begin(&txn);
		fakex_fail(how[i], 0);
		txn_op(&txn, OP(route_set, NS0, 0, DST, PRIV_ROUTE_BLACKHOLE, 0, 0, 0));
		txn_op(&txn, OP(rule_on, NS0, 0));
		txn_end(&txn, false);
		refused(PRIV_R_KERNEL, 0);
		CU_ASSERT_STRING_EQUAL(txn.refusal.operation, "route_set");
		CU_ASSERT_STRING_EQUAL(txn.refusal.value, "10.0.0.16/30 table 251");
		CU_ASSERT_STRING_EQUAL(txn.refusal.text, i == 0 ? "no \"route\"" : "");
		CU_ASSERT_EQUAL(txn.refusal.error, i == 0 ? EPERM : ENOBUFS);
		CU_ASSERT_EQUAL(told, 0);
		CU_ASSERT_FALSE(txn.undoing);
		CU_ASSERT_EQUAL(txn.n, 0);
		end();
	}
}

/* What is refused for itself is not refused for its place, and costs nothing. */
static void
test_reasons(void)
{
	struct priv_op take = peer_take(1);
	struct priv_op op;

	begin();
	txn_begin(&txn);
	txn_op(&txn, OP(ns_create, 1));
	CU_ASSERT_FALSE(txn.failed);
	txn_end(&txn, false);
	for (int itself = 0; itself < 2; itself++) {
		txn_begin(&txn);
		txn_op(&txn, OP(ns_drop, PRIV_HANDLE(PRIV_H_NS, ledger.ns[1].slot.generation, 1)));
		txn_op(&txn, OP(rule_on, itself ? ETH1 : NS0, 0));
		txn_op(&txn, OP(addr_add, ETH1, 0x08080808));
		txn_end(&txn, false);
		refused(itself ? PRIV_R_KIND : PRIV_R_ORDER, 1);
		CU_ASSERT_STRING_EQUAL(txn.refusal.field, itself ? "ns" : "");
		CU_ASSERT_STRING_EQUAL(txn.refusal.value, itself ? "0x20000001" : "");
		CU_ASSERT_TRUE(ledger.ns[1].slot.used);
	}
	tbf_init(&txn.devs, 1, 0, 0);
	refused_for(OP(dev_create, NS0, ETH1), "ns", "0x10000000");
	txn_begin(&txn);
	for (unsigned i = 0; i < PRIV_TXN_RESULTS; i++) {
		op = peer_take(i);
		txn_op(&txn, &op);
	}
	txn_op(&txn, OP(rule_on, NS0, 0));
	CU_ASSERT_FALSE(txn.failed);
	txn_op(&txn, &take);
	refused(PRIV_R_EXISTS, PRIV_TXN_RESULTS + 1);
	txn_end(&txn, false);
	tbf_init(&txn.devs, 0, 0, 0);
	refused_for(OP(dev_create, NS0, ETH1), "ns", "0x10000000");
	CU_ASSERT_EQUAL(txn.refusal.reason, PRIV_R_PLACE);
	end();
}

static void
result_is(unsigned i, uint32_t handle, uint32_t number, uint32_t id, uint64_t mac)
{
	const struct priv_result *r = &txn.results[i];
	uint64_t have = 0;

	for (size_t k = 0; k < sizeof(r->mac); k++)
		have = have << 8 | r->mac[k];
	CU_ASSERT_EQUAL(r->handle, handle);
	CU_ASSERT_EQUAL(r->number, number);
	CU_ASSERT_EQUAL(r->id, id);
	CU_ASSERT_EQUAL(have, mac);
}

/* What was made, however the places of the answer were used before. */
static void
test_answers(void)
{
	enum { DEV = CONF_INTERFACES + 1 };
	struct priv_op take[] = { peer_take(1), peer_take(2), peer_take(3), peer_take(4) };
	uint32_t slot;

	begin();
	txn_begin(&txn);
	for (size_t i = 0; i < 3; i++)
		txn_op(&txn, &take[i]);
	txn_end(&txn, false);
	/* A result is named by its place in this transaction, and by nothing else. */
	txn_begin(&txn);
	txn_op(&txn, &take[3]);
	txn_op(&txn, OP(mark_on, NS0, PRIV_HANDLE_NEW(1)));
	refused(PRIV_R_HANDLE, 1);
	txn_end(&txn, false);
	txn_begin(&txn);
	txn_op(&txn, &take[3]);
	txn_op(&txn, OP(mark_on, NS0, PRIV_HANDLE(PRIV_H_NEW, 1, 0)));
	refused(PRIV_R_HANDLE, 1);
	txn_end(&txn, false);
	txn_begin(&txn);
	txn_op(&txn, OP(ns_create, 1));
	txn_op(&txn, OP(dev_create, PRIV_HANDLE_NEW(0), ETH1));
	txn_op(&txn, &take[3]);
	txn_end(&txn, false);
	CU_ASSERT_FALSE(txn.failed);
	result_is(0, ledger_handle(&ledger, PRIV_H_NS, 1), 1, FAKEX_ID + 1, 0);
	result_is(1, ledger_handle(&ledger, PRIV_H_DEV, DEV), 100 + DEV, 0, 0x020000000100 + DEV);
	for (slot = 0; ledger.peer[slot].mac.b[5] != 4; slot++)
		;
	result_is(2, ledger_handle(&ledger, PRIV_H_PEER, (uint16_t)slot), ledger.peer[slot].table,
	    0, 0x020000000004);
	end();
}

/* --- what is gone already ------------------------------------------------------------- */

/* Does OPS (2 of them), of which the last one finds nothing, itself or when it is undone. */
static void
find_nothing(struct priv_op *first, struct priv_op *op, bool when_undone, bool minds)
{
	begin();
	txn_begin(&txn);
	txn_op(&txn, first);
	txn_end(&txn, false);
	CU_ASSERT_FALSE(txn.failed);
	txn_begin(&txn);
	fakex_fail(FAKEX_GONE, when_undone);
	txn_op(&txn, op);
	txn_end(&txn, when_undone);
	CU_ASSERT_EQUAL(txn.failed, minds && !when_undone);
	CU_ASSERT_EQUAL(told, minds && when_undone);
	fakex_begin(&ledger, &never);
	end();
}

static void
test_gone(void)
{
	for (int undone = 0; undone < 2; undone++) {
		/* Coming, changing, going. */
		find_nothing(OP(rule_on, NS0, 0),
		    OP(route_set, NS0, 0, DST, PRIV_ROUTE_BLACKHOLE, 0, 0, 0), undone, !undone);
		find_nothing(OP(route_set, NS0, 0, DST, PRIV_ROUTE_BLACKHOLE, 0, 0, 0),
		    OP(route_set, NS0, 0, DST, PRIV_ROUTE_UNREACHABLE, 0, 0, 0), undone, true);
		find_nothing(OP(route_set, NS0, 0, DST, PRIV_ROUTE_BLACKHOLE, 0, 0, 0),
		    OP(route_drop, NS0, 0, DST), undone, undone);
	}
}

/* Of an address whose answer came it is known that it is ours, whatever was lost behind it. */
static void
test_answered(void)
{
	begin();
	txn_begin(&txn);
	fakex_fail(FAKEX_UNHEARD, 1);
	txn_op(&txn, OP(addr_add, ETH1, 0x0a000016));
	txn_op(&txn, OP(rule_on, NS0, 0));
	txn_end(&txn, false);
	refused(PRIV_R_KERNEL, 1);
	CU_ASSERT_EQUAL(things(), 3);
	end();
}

/* An address may be somebody else's, who had it before, and stays; a rule of others is not removed. */
static void
test_unanswered(void)
{
	struct priv_op *ops[] = { OP(addr_add, ETH1, 0x0a000016), OP(rule_on, NS0, 0) };

	for (size_t i = 0; i < 2; i++) {
		begin();
		txn_begin(&txn);
		fakex_fail(FAKEX_UNHEARD, 0);
		txn_op(&txn, ops[i]);
		txn_end(&txn, false);
		refused(PRIV_R_KERNEL, 0);
		CU_ASSERT_EQUAL(ledger.objects, 3);
		CU_ASSERT_EQUAL(things(), i == 0 ? 4 : 3);
		fakex_begin(&ledger, &never);
		end();
	}
}

/* --- batches ------------------------------------------------------------------------- */

/* Takes N neighbours; their handles come as results 0 … N - 1. */
static void
take_peers(unsigned n)
{
	struct priv_op op;

	for (unsigned i = 0; i < n; i++) {
		op = peer_take(i + 1);
		txn_op(&txn, &op);
	}
}

/* Since the last question. */
static void
batches_are(size_t batches, size_t commits)
{
	const struct fakex_counts now = *fakex_counts();

	CU_ASSERT_EQUAL(now.batches - counted.batches, batches);
	CU_ASSERT_EQUAL(now.commits - counted.commits, commits);
	counted = now;
}

/* As much as possible goes out at once; what goes or changes something in a batch does not. */
static void
test_batches(void)
{
	begin();
	counted = *fakex_counts();
	txn_begin(&txn);
	take_peers(NLQ_BATCH + 1);
	for (unsigned i = 0; i < NLQ_BATCH; i++)
		txn_op(&txn, OP(rule_on, NS0, PRIV_HANDLE_NEW(i)));
	batches_are(0, 0);
	txn_op(&txn, OP(rule_on, NS0, PRIV_HANDLE_NEW(NLQ_BATCH)));
	batches_are(1, 0);
	for (unsigned i = 0; i < NLQ_BATCH; i++)
		txn_op(&txn, OP(mark_on, NS0, PRIV_HANDLE_NEW(i)));
	txn_op(&txn, OP(ns_create, 1));
	batches_are(1, 0);
	txn_op(&txn, OP(mark_on, NS0, PRIV_HANDLE_NEW(NLQ_BATCH)));
	txn_op(&txn, OP(rule_on, PRIV_HANDLE_NEW(NLQ_BATCH + 1), PRIV_HANDLE_NEW(0)));
	txn_op(&txn, OP(rule_on, PRIV_HANDLE_NEW(NLQ_BATCH + 1), PRIV_HANDLE_NEW(1)));
	txn_op(&txn, OP(rule_on, NS0, 0));
	batches_are(1, 0);
	txn_end(&txn, false);
	CU_ASSERT_FALSE(txn.failed);
	batches_are(1, 1);
	/* Something else may change while others come; what has just come must have. */
	txn_begin(&txn);
	txn_op(&txn, OP(route_set, NS0, 0, DST, PRIV_ROUTE_BLACKHOLE, 0, 0, 0));
	txn_op(&txn, OP(rule_off, NS0, 0));
	batches_are(0, 0);
	txn_op(&txn, OP(route_set, NS0, 0, DST, PRIV_ROUTE_UNREACHABLE, 0, 0, 0));
	batches_are(1, 0);
	txn_end(&txn, false);
	batches_are(1, 0);
	/* What goes and comes again may, whoever's has taken its place between the two. */
	txn_begin(&txn);
	txn_op(&txn, OP(route_drop, NS0, 0, DST));
	txn_op(&txn, OP(route_set, NS0, 0, DST, PRIV_ROUTE_UNREACHABLE, 0, 0, 0));
	batches_are(0, 0);
	txn_end(&txn, false);
	batches_are(1, 0);
	CU_ASSERT_FALSE(txn.failed);
	end();
}

/* What waits is refused before what cannot wait is done; and nothing more is sent then. */
static void
test_nothing_more(void)
{
	struct priv_op take = peer_take(1);
	size_t before, commits;

	begin();
	txn_begin(&txn);
	before = fakex_operations();
	commits = fakex_counts()->commits;
	fakex_fail(FAKEX_REFUSED, 0);
	txn_op(&txn, &take);
	txn_op(&txn, OP(mark_on, NS0, PRIV_HANDLE_NEW(0)));
	txn_op(&txn, OP(rule_on, NS0, 0));
	txn_op(&txn, OP(ns_create, 1));
	refused(PRIV_R_KERNEL, 2);
	CU_ASSERT_EQUAL(fakex_operations(), before + 1);
	txn_end(&txn, false);
	CU_ASSERT_EQUAL(fakex_operations(), before + 1);
	CU_ASSERT_EQUAL(fakex_counts()->commits, commits);
	CU_ASSERT_EQUAL(things(), 3);
	end();
}

/* The kernel names the change that it refuses, though it is not the last. */
static void
test_marks_named(void)
{
	static const enum fakex_failure how[] = { FAKEX_REFUSED, FAKEX_UNHEARD };

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		begin();
		txn_begin(&txn);
		fakex_fail(how[i], 2);
		take_peers(1);
		txn_op(&txn, OP(mark_on, NS0, PRIV_HANDLE_NEW(0)));
		txn_op(&txn, OP(rule_on, NS0, PRIV_HANDLE_NEW(0)));
		txn_op(&txn, OP(rule_on, NS0, 0));
		txn_end(&txn, false);
		refused(PRIV_R_KERNEL, i == 0 ? 1 : 3);
		CU_ASSERT_STRING_EQUAL(txn.refusal.value, i == 0 ? "table 250" : "table 251");
		end();
	}
}

/* As many steps as the list has room for; the last one comes at the end. */
static void
test_full_list(void)
{
	begin();
	txn_begin(&txn);
	txn_op(&txn, OP(ns_create, 1));
	txn_end(&txn, false);
	free(txn.steps);
	txn.steps = NULL;
	txn.size = 0;
	txn_begin(&txn);
	take_peers(NLQ_BATCH - 2);
	txn_op(&txn, OP(mark_on, NS0, PRIV_HANDLE_NEW(0)));
	txn_op(&txn, OP(ns_drop, PRIV_HANDLE(PRIV_H_NS, ledger.ns[1].slot.generation, 1)));
	CU_ASSERT_EQUAL(txn.n, txn.size);
	txn_end(&txn, false);
	CU_ASSERT_FALSE(txn.failed);
	CU_ASSERT_FALSE(ledger.ns[1].slot.used);
	/* So much room is kept, and even this. */
	CU_ASSERT_EQUAL(txn.size, NLQ_BATCH);
	txn_begin(&txn);
	for (unsigned i = 0; i < 1024; i++)
		txn_op(&txn, OP(route_set, NS0, 0, DST, PRIV_ROUTE_UNREACHABLE + i % 2, 0, 0, 0));
	txn_end(&txn, false);
	CU_ASSERT_EQUAL(txn.size, 1024);
	end();
}

/* --- beginning and end ----------------------------------------------------------------- */

/* The system's settings are put back when they could be made only in part. */
static void
test_not_prepared(void)
{
	begin();
	end();
	fakex_begin(&ledger, &never);
	log_set_hook(hear, NULL);
	txn_init(&txn, &policy, &ledger);
	fakex_fail(FAKEX_REFUSED, 0);
	txn_begin(&txn);
	txn_op(&txn, OP(ns_prepare, NS0));
	refused(PRIV_R_KERNEL, 0);
	CU_ASSERT_EQUAL(fakex_counts()->restored, 1);
	txn_end(&txn, false);
	end();
}

/* The end comes amid a transaction that has failed: somebody else's address stays. */
static void
test_end_amid(void)
{
	begin();
	txn_begin(&txn);
	fakex_fail(FAKEX_FOREIGN, 0);
	txn_op(&txn, OP(addr_add, ETH1, 0x0a000016));
	txn_op(&txn, OP(ns_create, 1));
	refused(PRIV_R_KERNEL, 0);
	txn_undo_all(&txn);
	CU_ASSERT_EQUAL(ledger.objects, 0);
	CU_ASSERT_EQUAL(things(), 0);
	CU_ASSERT_EQUAL(told, 0);
	end();
}

/* Namespaces go with what is in them, before all else; and the rest in batches. */
static void
test_end(void)
{
	size_t before, operations;

	begin();
	txn_begin(&txn);
	take_peers(NLQ_BATCH);
	txn_op(&txn, OP(ns_create, 1));
	for (unsigned i = 0; i < NLQ_BATCH; i++)
		txn_op(&txn, OP(rule_on, PRIV_HANDLE_NEW(NLQ_BATCH), PRIV_HANDLE_NEW(i)));
	for (unsigned i = 0; i < NLQ_BATCH; i++)
		txn_op(&txn, OP(rule_on, NS0, PRIV_HANDLE_NEW(i)));
	txn_end(&txn, false);
	CU_ASSERT_FALSE(txn.failed);
	free(txn.steps);
	txn.steps = NULL;
	txn.size = 0;
	before = fakex_counts()->batches;
	operations = fakex_operations();
	txn_undo_all(&txn);
	CU_ASSERT_EQUAL(ledger.objects, 0);
	CU_ASSERT_EQUAL(things(), 0);
	CU_ASSERT_EQUAL(told, 0);
	CU_ASSERT_EQUAL(fakex_counts()->closed, 1);
	CU_ASSERT_EQUAL(fakex_counts()->tables, 1);
	CU_ASSERT_EQUAL(txn.size, NLQ_BATCH);
	/* The rules, of which NLQ_BATCH - 1 share a list with the namespace; the address. */
	CU_ASSERT_EQUAL(fakex_counts()->batches - before, 3);
	/* The same, and the interface: nothing of the namespace. */
	CU_ASSERT_EQUAL(fakex_operations() - operations, NLQ_BATCH + 2);
	CU_ASSERT_EQUAL(fakex_counts()->restored_among, 0);
	end();
}

/* What cannot be removed at the end is told by its name, and the rest goes. */
static void
test_end_refused(void)
{
	begin();
	txn_begin(&txn);
	take_peers(1);
	txn_op(&txn, OP(rule_on, NS0, PRIV_HANDLE_NEW(0)));
	txn_op(&txn, OP(rule_on, NS0, 0));
	txn_end(&txn, false);
	fakex_fail(FAKEX_REFUSED, 0);
	txn_undo_all(&txn);
	CU_ASSERT_EQUAL(told, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(first_told, "rule table 251: "));
	CU_ASSERT_EQUAL(things(), 1);
	fakex_begin(&ledger, &never);
	end();
	/* Also when it was collected beside as much as the list holds. */
	begin();
	txn_begin(&txn);
	take_peers(NLQ_BATCH + 6);
	for (unsigned i = 0; i < NLQ_BATCH + 6; i++)
		txn_op(&txn, OP(rule_on, NS0, PRIV_HANDLE_NEW(i)));
	txn_op(&txn, OP(mark_on, NS0, PRIV_HANDLE_NEW(0)));
	txn_end(&txn, false);
	fakex_fail(FAKEX_REFUSED, NLQ_BATCH - 1);
	txn_undo_all(&txn);
	CU_ASSERT_EQUAL(told, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(first_told, "mark table 250: "));
	fakex_begin(&ledger, &never);
	end();
}

static void
printed(const struct obj *o, const char *want)
{
	char text[PRINT_OBJECT];

	print_object(&ledger, o, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, want);
}

static void
test_names(void)
{
	begin();
	printed(&(struct obj){ .kind = OBJ_NS, .ns = NS_DEFAULT }, "namespace 0");
	snprintf(ledger.dev[1].name, sizeof(ledger.dev[1].name), "eth1");
	printed(&(struct obj){ .kind = OBJ_DEV, .dev = 1 }, "eth1");
	/* A pseudo-interface by the real one on which it is. */
	printed(&(struct obj){ .kind = OBJ_DEV, .ns = 1, .dev = CONF_INTERFACES + 1, .via_dev = 1 },
	    "eth1");
	printed(&(struct obj){ .kind = OBJ_PEER, .mac = { { 2, 0, 0, 0, 0, 1 } } },
	    "02:00:00:00:00:01");
	printed(&(struct obj){ .kind = OBJ_ADDR, .dev = 1, .addr = 0x0a000016 }, "10.0.0.22 dev eth1");
	printed(&(struct obj){ .kind = OBJ_NEIGH, .dev = 1, .addr = 0x0a000016 }, "10.0.0.22 dev eth1");
	printed(&(struct obj){ .kind = OBJ_NAT, .addr = 0x0a000040, .len = 27 }, "10.0.0.64/27");
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "operations of one transaction", test_operations },
		{ "objects that one transaction makes", test_results },
		{ "namespaces and interfaces in a second", test_rate },
		{ "an undo that the kernel refuses", test_undo_fails },
		{ "marks that the kernel refuses", test_marks_refused },
		{ "a refusal names field and value", test_values },
		{ "the kernel's first refusal is the answer", test_kernel_answer },
		{ "what is wrong by itself is refused for that", test_reasons },
		{ "what was made is told", test_answers },
		{ "what is gone already", test_gone },
		{ "what was answered before answers were lost", test_answered },
		{ "an address that was not answered stays", test_unanswered },
		{ "batches are as large as may be", test_batches },
		{ "after a refusal nothing more is sent", test_nothing_more },
		{ "which of the marks is refused", test_marks_named },
		{ "a full list of steps", test_full_list },
		{ "a system that could not be prepared", test_not_prepared },
		{ "the end, amid a transaction that failed", test_end_amid },
		{ "the end takes namespaces as a whole", test_end },
		{ "the end tells what it cannot remove", test_end_refused },
		{ "what objects are called", test_names },
	};

	return TAP_RUN(tests);
}
