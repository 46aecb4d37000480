/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_FUZZ_FAKEX_H
#define NTK_TESTS_FUZZ_FAKEX_H

/*
 * The helper's executors without a kernel: this file's object is linked instead of x_*.o and
 * nlq.o, and defines what ntkd-priv/txn.c calls of them.  What would be in the kernel is a plain
 * list; an operation that does not fit it (removing what is not there, making what is) fails as
 * the kernel would refuse it, and one of them can be made to fail.
 *
 * Slots of the ledger are taken and released as the real executors do.
 */

#include "ntkd-priv/ledger.h"

/* The id of a namespace is its slot and this. */
enum { FAKEX_ID = 1000 };

enum fakex_failure {
	FAKEX_NONE,
	FAKEX_REFUSED,		/* the kernel says no */
	FAKEX_FOREIGN,		/* somebody else's object has the place */
	FAKEX_UNHEARD,		/* from there on things are done, but answers are lost */
	FAKEX_UNSENT,		/* the batch does not reach the kernel */
	FAKEX_FAILURES,
	/* Not for fuzzers: */
	FAKEX_GONE,		/* what it is about is not there any more */
};

/* What was asked of the executors besides single operations. */
struct fakex_counts {
	size_t batches;		/* of addresses, routes and rules */
	size_t commits;		/* of an nftables batch */
	size_t restored;	/* forwarding put back */
	size_t restored_among;	/* so many other things, the last time */
	size_t closed;		/* namespaces that wait to be closed */
	size_t tables;		/* nftables tables removed */
};

/* An empty kernel; L is the ledger of the helper under test.  While UNDOING nothing fails. */
void fakex_begin(struct ledger *l, const bool *undoing);
void fakex_end(void);

/* Operation K from now (0: the next) fails; FAKEX_NONE: none does.  What foreigners made goes. */
void fakex_fail(enum fakex_failure how, unsigned k);

/* True when a failure that was asked for has happened. */
bool fakex_has_failed(void);

/* Operations so far. */
size_t fakex_operations(void);

/* Since fakex_begin(). */
const struct fakex_counts *fakex_counts(void);

/* What the kernel holds; interfaces and namespaces too, but no neighbours. */
const struct obj *fakex_objects(size_t *n);

/* What the executors do to the slots of the ledger, for tests of the policy alone. */
void fakex_slots(struct ledger *l, const struct change *ch);

#endif
