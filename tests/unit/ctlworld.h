/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_CTLWORLD_H
#define NTK_TESTS_UNIT_CTLWORLD_H

/*
 * A daemon around the control socket, in one process: the real node and kernel
 * objects, and a helper that answers every transaction as the test wishes without
 * touching anything.  The functions of ntkd/io/daemon.h are the world's own here.
 */

#include "ntkd/io/ctl.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/request.h"
#include "proto/privmsg.h"

enum { WORLD_WAITERS = 64 };

struct world {
	struct daemon d;	/* first: it leads back to its world */
	bool hold;		/* the helper takes its time: world_helper() */
	bool refuse;		/* the helper refuses transactions */
	bool stopped;
	struct {
		unsigned ns;
		daemon_waiter *what;
		void *arg;
	} waiters[WORLD_WAITERS];
	size_t n_waiters;
	daemon_operated *operated;	/* who waits for an operation */
	void *operated_arg;
	unsigned identity;
	uint32_t operation;
	uint32_t handles;	/* given out */
	uint32_t table;		/* the next number for a neighbour */
	struct priv_result results[PRIV_TXN_RESULTS];	/* of the transaction under way */
	uint16_t n_results;
	struct priv_checked checked;	/* what every check finds */
	struct priv_difference differences[PRIV_DIFFERENCES];
	size_t n_differences;
	size_t checks;			/* that were asked for */
	/* What the node wants of the network; NULL: nobody is out there, and what is said is lost. */
	void (*said)(struct world *w, const struct node_action *a);
	uint8_t held[PRIV_MSG_MAX];	/* the answer that is held back */
	size_t n_held;
};

/* A world with eth1 and eth2, in manual mode or not; the kernel has the main identity's state. */
bool world_begin(struct world *w, bool manual);
void world_end(struct world *w);

/* daemon_now() stands still, however slow the machine is, until world_end(); and goes on by US µs. */
void world_stop_clock(void);
void world_turn_clock(uint64_t us);

/* Lets the held helper answer. */
void world_helper(struct world *w);

#endif
