/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_EVENTS_H
#define NTKD_IO_EVENTS_H

/*
 * What happens, for clients that asked to be told (the verb events).
 *
 * The newest EVENTS_KEPT events are kept, once for all listeners; each listener has a
 * place among them.  Who reads so slowly that its place is gone goes on with the oldest that
 * is kept, and is told how many it missed.  So a listener costs the event it is being sent,
 * whatever it does, and never holds up anything.  While nobody listens nothing is kept.
 */

#include "ntkd/io/daemon.h"
#include "proto/ctlmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	EVENTS_KEPT = 256,
	/* Of those that outsiders can cause. */
	EVENTS_REMOTE_BURST = 20,
	EVENTS_REMOTE_RATE = 1,		/* a second */
	/* Lines of the log about arcs and identity-arcs, which neighbours make come and go; per interface. */
	EVENTS_LINES_BURST = 256,
	EVENTS_LINES_RATE = 1,		/* a second */
	EVENTS_TOLD_SECONDS = 60,	/* between two lines about those held back */
};

struct events;

/* NULL when memory is exhausted. */
struct events *events_new(void);
void events_free(struct events *e);

/* What becomes of a change of namespace NS; to be called before the node is told. */
void events_kernel(struct daemon *d, unsigned ns, const struct kernel_result *result);

/* What the node tells; it is written to the log as well. */
void events_node(struct daemon *d, const struct node_event *e);

/*
 * One more line for the log about what neighbours behind interface DEV make come and go: may it be
 * written?  Who flaps shall not fill the disk, nor hide what happens at other interfaces.
 */
bool events_may_log(struct daemon *d, unsigned dev);

/* Somebody was refused: WHICH is client_denied or client_full. */
void events_client(struct daemon *d, enum ctl_event_id which, uid_t user, const char *text);

/* The kernel was not as it shall be in namespace NS: TEXT says what was found and done. */
void events_drift(struct daemon *d, unsigned ns, const char *text);

/* Managed interface NIC came, went or changed; STATE as in show_handlednics. */
void events_nic(struct daemon *d, size_t nic, const char *state);

/* Something of the daemon itself: log_changed, stopping. */
void events_daemon(struct daemon *d, enum ctl_event_id which, const char *text);

/* A listener's place. */
struct events_place {
	uint64_t next;
	uint64_t lost;		/* to be told before the next event */
};

/* A listener comes: it is told what happens from now on.  And goes. */
void events_join(struct events *e, struct events_place *at);
void events_leave(struct events *e);

/* True when there is something to tell at AT. */
bool events_pending(const struct events *e, const struct events_place *at);

/*
 * The next line for the listener at AT, newline included, allocated by malloc(); LEN its length.
 * NULL when there is none, or no memory for it: then it counts as lost.
 */
char *events_take(struct events *e, struct events_place *at, size_t *len);

struct events_counters {
	uint64_t listeners;	/* now */
	uint64_t events;	/* kept for listeners */
	uint64_t lost;		/* by slow ones, together */
	uint64_t suppressed;	/* caused by outsiders too often */
	uint64_t lines_held;	/* of the log, not written */
};

/* Of E, zeroes for NULL. */
struct events_counters events_counters(const struct events *e);

#ifdef __cplusplus
}
#endif

#endif
