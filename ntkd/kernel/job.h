/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_JOB_H
#define NTKD_KERNEL_JOB_H

/*
 * What stands behind txn.h: the kernel's parts, and the job in hand.  A job brings
 * one namespace to a state, checks it, or gives table numbers back; job.c plans it,
 * cuts it into transactions and takes their ends, answer.c reads the helper's answers,
 * txn.c does what others see.
 */

#include "ntkd/kernel/ops.h"
#include "ntkd/kernel/peers.h"
#include "ntkd/kernel/txn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A state that waits to be brought about; TICKET is its place in the queue. */
struct slot {
	bool waiting;
	uint64_t ticket;
	uint32_t label;
	struct kset state;
};

struct space {
	struct kplace place;
	uint32_t number;			/* in the helper's name for it */
	uint32_t id;				/* by which notifications call it */
	struct kernel_dev dev[UINT8_MAX + 1];
	struct kset applied;
	struct slot want;
	struct slot trial;			/* a rehearsal */
	struct slot check;			/* its state stays empty */
};

enum job_kind {
	JOB_NONE,
	JOB_STATE,
	JOB_REHEARSAL,
	JOB_GIVE,		/* of table numbers nobody needs any more */
	JOB_LET_GO,		/* of a managed interface that nothing is on any more */
	JOB_CHECK,		/* one message, which counts as its one operation */
};

/*
 * What is being done.  Its operations are numbered: first one for each of MACS,
 * which are taken (or given), then one for each change of DIFF, whose objects lie in
 * GOAL and in what was applied when the job began.  Those below DONE are done; up to
 * END reaches the transaction under way; those below SENT have been sent.
 */
struct job {
	enum job_kind kind;
	unsigned ns;
	uint32_t label;
	struct kset goal;
	struct kset then;	/* applied when the transaction under way is done */
	struct kset base;	/* applied when the job began, once it had a second transaction */
	ntk_mac_t *macs;	/* owned */
	size_t n_macs;
	struct kdiff diff;
	size_t done;
	size_t end;
	size_t sent;
	uint8_t let_go;		/* the interface */
	uint32_t results;	/* objects made by what was sent of this transaction */
	bool has_base;
	bool retreating;	/* refused for the reason WHY: on the way back to BASE */
	struct priv_refusal why;
};

enum phase {
	PHASE_SILENT,
	PHASE_GREETING,		/* hello was sent */
	PHASE_UP,
	PHASE_LOOKING,		/* another hello was sent */
};

/* A managed interface that has gone, or has become another one. */
enum leaving {
	LEAVING_NOT,
	LEAVING_WANTED,
	LEAVING_REFUSED,	/* waits for something else to change */
};

struct kernel {
	size_t n_devs;
	kernel_done *done;
	void *arg;
	kernel_checked *checked;
	void *checked_arg;
	kernel_looked *looked;
	void *looked_arg;
	bool look;		/* the helper shall be asked which interfaces there are */
	enum leaving leaving[UINT8_MAX + 1];
	enum phase phase;
	uint32_t seq;
	uint64_t tickets;
	struct space spaces[KERNEL_NAMESPACES];
	struct peers peers;
	struct job job;
	struct kernel_counters counters;
	struct priv_result results[PRIV_TXN_RESULTS];	/* of the answer being read */
	struct priv_difference differences[PRIV_DIFFERENCES];	/* likewise */
};

/* Begins the next job; false when there is none.  It may have ended on the spot. */
bool job_begin(struct kernel *k);

/* True when something of ours is on managed interface I, in whatever namespace, or it was prepared. */
bool job_has_dev(const struct kernel *k, size_t i);

/* The check under way came to FOUND. */
void job_checked(struct kernel *k, const struct kernel_found *found);

/* Frees what the job holds; none remains. */
void job_clear(struct job *j);

/* Number of operations of the job, and operation I. */
size_t job_n_ops(const struct job *j);
void job_op(const struct kernel *k, size_t i, struct priv_op *op);

/* Where the handle is kept of what operation I makes. */
uint32_t *job_made_handle(struct kernel *k, size_t i);

/* The transaction under way is done, all of it, and its results are entered. */
void job_advance(struct kernel *k);

/*
 * The job cannot go on.  When earlier transactions of it stand, they are walked back;
 * when that fails too, what stands stays, and is what is applied.
 */
void job_fail(struct kernel *k, const struct priv_refusal *why);

#ifdef __cplusplus
}
#endif

#endif
