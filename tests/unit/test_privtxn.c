/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's transactions on a kernel that is a list (tests/fuzz/fakex.h): limits, and
 * what cannot be undone.  That ledger and kernel agree whatever fails is fuzz_txn's to test.
 */
#include "ntkd-priv/txn.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
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

static void
hear(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	told += strncmp(line, "undo:", strlen("undo:")) == 0;
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

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "operations of one transaction", test_operations },
		{ "objects that one transaction makes", test_results },
		{ "namespaces and interfaces in a second", test_rate },
		{ "an undo that the kernel refuses", test_undo_fails },
		{ "marks that the kernel refuses", test_marks_refused },
	};

	return TAP_RUN(tests);
}
