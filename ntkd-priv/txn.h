/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_TXN_H
#define NTKD_PRIV_TXN_H

/*
 * A transaction: judge, do, note; and all of it back when one part fails.
 *
 * Operations become changes of ledger objects (policy.h).  A change is entered
 * in the ledger, then made: addresses, routes and rules in batches, nftables
 * in one batch per namespace at the end, the rest at once.  What was made is undone
 * by making the reversed changes in reverse order.
 */

#include "common/tbf.h"
#include "ntkd-priv/policy.h"
#include "ntkd-priv/x_nft.h"

/*
 * Namespaces and pseudo-interfaces that can be made at once, and a second afterwards:
 * all that there can be at all, several times over, so that no burst of migrations meets
 * the limit.  It is for a ntkd that makes and drops them in a loop, which would keep the kernel
 * busy taking namespaces down, outside of our time.
 */
enum {
	TXN_NS_BURST = 4 * LEDGER_NAMESPACES,
	TXN_NS_RATE = LEDGER_NAMESPACES / 2,
	TXN_DEV_BURST = 2 * LEDGER_DEVS,
	TXN_DEV_RATE = TXN_NS_RATE * CONF_INTERFACES,
};

enum step_state {
	STEP_PENDING,	/* collected, not sent */
	STEP_DONE,
	STEP_FAILED,
};

struct step {
	uint32_t op;	/* number of the operation */
	uint8_t type;	/* its kind */
	enum step_state state;
	struct change change;
};

struct txn {
	const struct policy *policy;
	struct ledger *ledger;
	struct nlq rt;			/* batch of the namespace it is for */
	struct nft_batch nft;
	struct step *steps;		/* owned */
	size_t n;
	size_t size;
	uint32_t ops;			/* seen so far */
	struct tbf namespaces;		/* how fast they are made */
	struct tbf devs;
	struct priv_result results[PRIV_TXN_RESULTS];
	uint32_t n_results;
	bool open;			/* more parts are to come */
	bool failed;
	bool undoing;
	bool last_seen;			/* nothing may follow */
	bool peers_changed;		/* the names of tables must be written anew */
	struct priv_refusal refusal;	/* when failed */
};

/* Transactions judged by P, on L; the limits of rates start full now. */
void txn_init(struct txn *t, const struct policy *p, struct ledger *l);

/* Starts an empty transaction. */
void txn_begin(struct txn *t);

/* Does OP, or skips it when the transaction has failed already. */
void txn_op(struct txn *t, struct priv_op *op);

/* Ends it: all stands, or (failed, or REHEARSE) nothing does. */
void txn_end(struct txn *t, bool rehearse);

/* Undoes everything in the ledger, newest first: the end of the helper. */
void txn_undo_all(struct txn *t);

#endif
