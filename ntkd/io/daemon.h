/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_DAEMON_H
#define NTKD_IO_DAEMON_H

/*
 * The running daemon: what the parts of io/ share.  One object, made by main()
 * after all rights are gone; parts get it as their argument and never keep globals.
 */

#include <stdint.h>

#include "common/conf.h"
#include "ntkd/core/node.h"
#include "ntkd/io/kmon.h"
#include "ntkd/kernel/txn.h"

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;
struct helper;		/* helper.h */
struct ctl;		/* ctl.h */
struct events;		/* events.h */
struct takeup;		/* takeup.h */
struct watch;		/* watch.h */
struct wire;		/* wire.h */

struct daemon {
	struct conf conf;
	struct node *node;
	struct kernel *kernel;
	struct event_base *base;
	struct helper *helper;
	struct ctl *ctl;
	struct takeup *takeup;
	struct watch *watch;
	struct wire *wire;
	struct events *events;	/* there is one as long as ctl */
	uint64_t started;	/* monotonic, µs */
	int exit_status;	/* of main() once the loop ends */
	gid_t control_gid;	/* of control-group, (gid_t)-1: none */
	gid_t operator_gid;
	pid_t helper_pid;
};

/* Monotonic time, µs. */
uint64_t daemon_now(void);

/* Carries wanted states from the node to the kernel and requests to the helper; after every event. */
void daemon_pump(struct daemon *d);

/* Ends the loop; main() then stops cleanly with STATUS. */
void daemon_stop(struct daemon *d, int status);

/*
 * Waits for the end of the transaction that brings NS to the state last wanted:
 * WHAT is called once with the result, from the loop.  For verbs that answer
 * when the kernel has.
 */
typedef void daemon_waiter(struct daemon *d, const struct kernel_result *result, void *arg);
void daemon_wait_kernel(struct daemon *d, unsigned ns, daemon_waiter *what, void *arg);

/*
 * Waits for phase 1 of OPERATION of IDENTITY to be done: WHAT is called once, from the loop, with the
 * operation, or with NULL and the reason when it was given up.
 */
typedef void daemon_operated(struct daemon *d, const struct node_operation *o, const char *why, void *arg);
void daemon_wait_operation(struct daemon *d, unsigned identity, uint32_t operation,
    daemon_operated *what, void *arg);

/*
 * What main() hands over: descriptors made while it was root.  TELL is called when
 * the state of the daemon changes in a way that others wait for.
 */
enum daemon_news {
	DAEMON_READY,		/* the kernel has the main identity's state, clients are served */
	DAEMON_STOPPING,
};

struct daemon_setup {
	const struct conf *conf;	/* copied */
	unsigned first_nic;	/* the first managed interface that exists */
	struct rng rng;
	int helper_fd;		/* non-blocking; taken, as the other descriptors are */
	int control_fd;
	int notice_fds[KMON_SOCKETS];	/* -1: none */
	struct knote_rules notices;	/* without interfaces */
	pid_t helper_pid;
	gid_t control_gid;
	gid_t operator_gid;
	void (*tell)(enum daemon_news news, void *arg);
	void *arg;
};

/*
 * Makes everything the loop needs, so that the sandbox need not allow it: to be
 * called before the rights are dropped.  NULL when memory is exhausted.  SIGCHLD is blocked then.
 */
struct daemon *daemon_new(const struct daemon_setup *s);

/*
 * Probes the kernel, brings it to the main identity's state, serves until
 * stopped, lets the helper undo everything.  Returns the exit status of ntkd(8).
 */
int daemon_run(struct daemon *d);

void daemon_free(struct daemon *d);

#ifdef __cplusplus
}
#endif

#endif
