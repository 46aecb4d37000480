/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_LINK_INT_H
#define NTKD_IO_LINK_INT_H

/*
 * What the files of io/link share: link.c has the set of connections and the functions of
 * link.h, link_listen.c the listeners, link_conn.c one connection.
 *
 * A connection that ends is DEAD at once: its socket is closed and it does nothing any more.  It
 * is freed later from the loop, when nobody holds a pointer to it; `closed` is called then.
 */

#include <sys/queue.h>

#include "common/tbf.h"
#include "ntkd/io/link.h"

#ifdef __cplusplus
extern "C" {
#endif

struct event;

enum conn_state {
	CONN_CONNECTING,
	CONN_OPEN,
	CONN_FLUSHING,		/* closed by us: the rest is sent */
	CONN_DRAINING,		/* the rest was sent: waits for the other end to have it */
	CONN_DEAD,
};

struct conn {
	TAILQ_ENTRY(conn) entry;
	struct links *l;
	uint32_t number;	/* 0: nobody wants to hear of it any more */
	enum conn_state state;
	struct link_ends ends;
	int fd;
	struct event *readable;
	struct event *writable;
	struct event *timer;
	bool accepted;
	bool confirmed;
	bool paused;		/* until `resume`, when too many messages come */
	bool large;		/* a large message waits for the confirmation */
	bool held;		/* link_hold() */
	bool token;		/* one message more may pass */
	enum link_reason reason;
	int error;
	/* Times, µs; LINK_NEVER: none. */
	uint64_t since;
	uint64_t limit;		/* of connecting, being confirmed, or leaving */
	uint64_t resume;	/* reading */
	uint64_t partial;	/* when the message began that is not complete */
	struct tbf rate;
	struct frames in;
	uint8_t *out;		/* what waits to be sent: from out_begin to out_end */
	size_t out_size, out_begin, out_end;
	struct calls calls;
	uint64_t messages_in, messages_out, bytes_in, bytes_out;
};

#define LINK_NEVER CALLS_NEVER

struct listener {
	struct links *l;
	int fd;			/* -1: none */
	struct event *acceptable;
	struct event *pause;
	uint32_t ifindex;
	ntk_ip_t addr;
	char dev[16];
};

struct links {
	struct event_base *base;
	struct link_handlers handlers;
	void *arg;
	struct listener listeners[LINK_NICS];
	TAILQ_HEAD(, conn) conns;	/* all, oldest first */
	size_t n_conns;
	struct conn *table[LINK_CONNECTIONS];	/* those with a number, by it */
	size_t n_table;
	struct event *reap;
	struct msg_arena arena;
	struct link_counters counters;
};

/*
 * A connection of socket FD, which is taken, with ENDS; NULL when memory is exhausted (FD is
 * closed).
 */
struct conn *conn_new(struct links *l, int fd, const struct link_ends *ends, enum conn_state state);

/* It stands: reading begins.  False when memory is exhausted. */
bool conn_begin(struct conn *c, uint64_t now);

/* Ends it for REASON. */
void conn_kill(struct conn *c, enum link_reason reason, int error);

/* Frees a dead one. */
void conn_free(struct conn *c);

/* Queues a message; BODY is NULL for errors and waits.  False: it was not, and C may be dead. */
bool conn_send(struct conn *c, const struct peer_frame *frame, const struct peer_msg *body,
    uint8_t error);

/* Nothing more is read; what is queued is sent, then it ends. */
void conn_leave(struct conn *c, uint64_t now);

/* link_confirm() and link_hold(). */
bool conn_confirm(struct conn *c, uint32_t timeout);
void conn_hold(struct conn *c, bool hold);

/* Sets the timer to the next of the times above. */
void conn_arm(struct conn *c, uint64_t now);

/* The number of C is entered into the table, or taken out. */
bool table_add(struct links *l, struct conn *c);
void table_remove(struct links *l, struct conn *c);

/* Dead connections are freed when the loop comes round. */
void links_reap(struct links *l);

/* Closes the listener of NIC; its events too. */
void listener_close(struct listener *n);

#ifdef __cplusplus
}
#endif

#endif
