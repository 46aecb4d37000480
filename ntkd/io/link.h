/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_LINK_H
#define NTKD_IO_LINK_H

/*
 * Connections with neighbours: one TCP connection per arc (spec/neighborhood 19.6), a listener
 * per managed interface.  Knows messages and who answers whom, nothing of what they mean.
 *
 * Who calls whom.  The core's actions become calls of the functions here; what happens on the
 * wire becomes calls of the handlers.  Handlers are called from the event loop only, never from
 * inside a function of this header, and may call every function of it but links_free().
 *
 * Numbers.  A connection has the number that the caller gave it: with link_connect(), or as the
 * result of the handler `accepted`.  It is free again after link_close(), or once `closed` was
 * called, which every other end leads to, exactly once.  In between, functions given a number
 * that is not open return false and do nothing.
 *
 * Order.  Messages of one connection are delivered in the order in which they were sent, all of
 * them until its end.  What is sent is handed to the kernel when the loop comes round, all
 * messages of one event together.
 *
 * Confirmation.  A connection begins unconfirmed: it must be confirmed (link_confirm()) within
 * LINK_CONFIRM_MS, once both ends agreed what it is for; until then messages above LINK_SMALL
 * are not taken in.  So whoever connects and is silent, or sends what is no OPEN, holds a few KiB
 * for two seconds.
 *
 * Limits, and what happens at each (all numbers are below).
 *   a message above 1 MiB, or one that cannot be read   closed, MALFORMED
 *   more than LINK_RATE messages a second               reading pauses; TCP slows the sender down
 *   more than LINK_QUEUE bytes wait to be sent          closed, SLOW
 *   a message begun and not ended in LINK_MESSAGE_MS    closed, STALLED
 *   more than CALLS_OPEN unanswered calls from there    closed, MALFORMED
 *   unconfirmed connections of one interface            the oldest one is closed, CROWDED; one
 *                                                       from the same address first
 *   LINK_CONNECTIONS                                    none is accepted, link_connect() refuses
 *   memory of all together: LINK_IN_TOTAL of messages   the one whose message is incomplete
 *   begun, LINK_OUT_TOTAL waiting to be sent            longest is closed, STALLED; the one with
 *                                                       most, SLOW
 *
 * What the kernel notices: an end that closed (ENDED), or reset, or does not acknowledge within
 * the timeout of the connection (FAILED with errno).  Silence on a connection with nothing under
 * way it does not notice: hellos tell (19.7).
 *
 * With core/nbh: NBH_CONNECT is link_connect(), NBH_CALL link_call() with the number of the call
 * as token (on a new connection the two count alike), NBH_CLOSE link_close() with FLUSH; an arc
 * that is AGREED is confirmed and held, one that is UP released.
 */

#include "common/net.h"
#include "ntkd/io/calls.h"
#include "ntkd/io/frames.h"

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;
struct links;

/* All limits of this module; those of calls are in calls.h, PEER_BODY_MAX in peermsg.h. */
enum {
	LINK_NICS = 16,			/* interfaces, numbered as in the configuration */
	LINK_CONNECTIONS = 512,		/* of all interfaces */
	LINK_QUEUE = 4 << 20,		/* bytes waiting to be sent, of one connection */
	LINK_OUT_TOTAL = 64 << 20,	/* of all */
	LINK_IN_TOTAL = 64 << 20,	/* bytes of memory for what was received, of all */
	LINK_RATE = 2000,		/* messages a second */
	LINK_BURST = 500,		/* messages at once */
	LINK_PAUSE_MS = 10,		/* until reading goes on */
	LINK_READ = 65536,		/* bytes read before others have their turn */
	LINK_SMALL = 4096,		/* bytes of a body, until confirmed */
	LINK_CONNECT_MS = 2000,		/* until a connection stands */
	LINK_CONFIRM_MS = 2000,		/* from there to its confirmation */
	LINK_TIMEOUT_MS = 4000,		/* what is sent is acknowledged within it, until confirmed */
	LINK_MESSAGE_MS = 60000,	/* from the first byte of a message to its last */
	LINK_FLUSH_MS = 2000,		/* for what is left to send when it is closed in good order */
	LINK_UNCONFIRMED = 32,		/* accepted connections of one interface */
	LINK_UNCONFIRMED_PEER = 2,	/* accepted connections from one address */
	LINK_ACCEPT = 16,		/* accepted before others have their turn */
	LINK_ACCEPT_PAUSE_MS = 1000,	/* no accepting after descriptors ran out */
};

/* Why a connection ended. */
enum link_reason {
	LINK_ENDED,		/* the other end closed it */
	LINK_FAILED,		/* the kernel gave it up: errno tells */
	LINK_NOT_MADE,		/* it never stood: errno; ETIMEDOUT after LINK_CONNECT_MS */
	LINK_MALFORMED,		/* something came that no healthy neighbour sends */
	LINK_STALLED,		/* a message was never completed */
	LINK_SLOW,		/* the other end does not take what is sent */
	LINK_SILENT,		/* not confirmed in time */
	LINK_CROWDED,		/* given up for a newer one */
	LINK_DEVICE,		/* links_unlisten() */
	LINK_MEMORY,		/* memory is exhausted */
	LINK_REASONS,
};

/* "ended", "slow", … and its sentence; static. */
const char *link_reason_name(enum link_reason reason);
const char *link_reason_text(enum link_reason reason);

/* Between whom a connection is. */
struct link_ends {
	size_t nic;
	ntk_ip_t local;		/* the NIC address */
	ntk_ip_t peer;
	/*
	 * The hardware address to which the kernel sends what goes to PEER, which it had to find by
	 * ARP for the connection to stand: what a hello says of it can be compared.  False when the
	 * kernel does not tell.
	 */
	bool has_mac;
	ntk_mac_t mac;
};

/* A call or a notice.  Valid during the handler. */
struct link_message {
	uint32_t call;		/* its number, to answer it with; 0: a notice */
	uint32_t source;	/* identities, 0: the whole node */
	uint32_t destination;
	const struct peer_msg *msg;
};

/* What became of a call of ours.  Valid during the handler. */
struct link_answer {
	enum link_answer_kind {
		LINK_RESULT,		/* msg */
		LINK_ERROR,		/* error */
		LINK_WAITING,		/* the other end asks for patience: another one follows */
		LINK_TIMEOUT,		/* no answer within the call's limit; a late one is dropped */
	} kind;
	uint64_t token;		/* as given to link_call() */
	uint8_t type;		/* of the call */
	uint8_t error;		/* enum peer_error */
	const struct peer_msg *msg;
};

/* NOW is monotonic time, µs; ARG as given to links_new(). */
struct link_handlers {
	/* Somebody connected.  The number it shall have, 0: it is not wanted, and closed. */
	uint32_t (*accepted)(const struct link_ends *ends, uint64_t now, void *arg);
	/* The connection CONN, asked for by link_connect(), stands. */
	void (*connected)(uint32_t conn, const struct link_ends *ends, uint64_t now, void *arg);
	void (*message)(uint32_t conn, const struct link_message *m, uint64_t now, void *arg);
	/* Not called for calls that are open when their connection ends. */
	void (*answered)(uint32_t conn, const struct link_answer *a, uint64_t now, void *arg);
	/* ERROR is an errno for FAILED and NOT_MADE, else 0. */
	void (*closed)(uint32_t conn, enum link_reason reason, int error, uint64_t now, void *arg);
};

/*
 * One in the loop BASE; no socket is open.  HANDLERS is copied.  NULL when memory is exhausted.
 */
struct links *links_new(struct event_base *base, const struct link_handlers *handlers, void *arg);

/* Closes everything without a word to anybody. */
void links_free(struct links *l);

/*
 * Connections that were closed with FLUSH and are still being sent to: what the end of a daemon
 * waits for.
 */
size_t links_leaving(const struct links *l);

/*
 * Interface NIC, called DEV, of index IFINDEX, has the NIC address ADDR: listens there.  What
 * listened there before is closed first, and its connections end (LINK_DEVICE) when index or
 * address differ.  False with errno (see peersock_open()): then nothing listens.
 */
bool links_listen(struct links *l, size_t nic, const char *dev, uint32_t ifindex, ntk_ip_t addr);

/* The interface went: ends all of its connections (LINK_DEVICE). */
void links_unlisten(struct links *l, size_t nic);
bool links_listens(const struct links *l, size_t nic);

/*
 * Begins a connection called CONN (not 0) to PEER behind NIC.  True: `connected` or `closed`
 * follows.  False with errno: nothing began (EEXIST: the number is open; ENODEV: NIC is not
 * listened on; EMFILE: too many).
 */
bool link_connect(struct links *l, uint32_t conn, size_t nic, ntk_ip_t peer);

/*
 * Both ends agreed.  TIMEOUT, ms: what was sent and is not acknowledged for so long ends the
 * connection (3.5 of the intervals of the other end).
 */
bool link_confirm(struct links *l, uint32_t conn, uint32_t timeout);

/*
 * HOLD: nothing more of it is delivered, from the next message on, its end included; what was
 * answered in time may be told to have taken too long.  Else it goes on, from the loop.
 */
bool link_hold(struct links *l, uint32_t conn, bool hold);

/*
 * Sends a notice, or a call that is answered within LIMIT ms (else `answered` says TIMEOUT),
 * from identity SOURCE to DESTINATION of the other end.  M is copied.  False: it was not sent.
 * When the queue was full, the connection ends by it.  Before a connection stands nothing can be
 * sent.
 */
bool link_notice(struct links *l, uint32_t conn, uint32_t source, uint32_t destination,
    const struct peer_msg *m);
bool link_call(struct links *l, uint32_t conn, uint32_t source, uint32_t destination,
    const struct peer_msg *m, uint64_t token, uint32_t limit);

/*
 * Answers the call that has number CALL in struct link_message: with M, with an error, or, as
 * often as needed before one of these, that it takes longer.  False: there is no such call, or
 * it was answered.
 */
bool link_result(struct links *l, uint32_t conn, uint32_t call, const struct peer_msg *m);
bool link_error(struct links *l, uint32_t conn, uint32_t call, uint8_t error);
bool link_wait(struct links *l, uint32_t conn, uint32_t call);

/*
 * Closes it; no handler is called for it any more, and the number is free.  With FLUSH the other
 * end gets all that was sent before, if it takes it within LINK_FLUSH_MS.
 */
bool link_close(struct links *l, uint32_t conn, bool flush);

/* One connection, for those who show it. */
struct link_info {
	uint32_t conn;
	struct link_ends ends;
	bool stands;
	bool confirmed;
	bool accepted;		/* the other end began it */
	bool paused;		/* too many messages a second */
	bool held;		/* link_hold() */
	size_t queued;		/* bytes waiting to be sent */
	uint64_t since;		/* monotonic, µs: when it was begun */
	uint64_t messages_in, messages_out;
	uint64_t bytes_in, bytes_out;
	size_t calls_open;	/* ours */
};

/* The N-th by number; false when there are not so many. */
bool links_info(const struct links *l, size_t n, struct link_info *out);

/* Since the start. */
struct link_counters {
	uint64_t made;			/* by link_connect(), those that stood */
	uint64_t accepted;
	uint64_t unwanted;		/* accepted() said 0 */
	uint64_t turned_away;		/* too many */
	uint64_t messages_in, messages_out;
	uint64_t bytes_in, bytes_out;
	uint64_t unreadable;		/* messages that ended their connection: not of the format */
	uint64_t wrong_answers;		/* likewise: to a call in another way than it can be answered */
	uint64_t many_calls;		/* likewise: CALLS_OPEN, or a number that is open */
	uint64_t held_large;		/* messages above LINK_SMALL that waited for the confirmation */
	uint64_t pauses;		/* of reading, at LINK_RATE */
	uint64_t exhausted;		/* pauses of accepting, for want of descriptors or memory */
	uint64_t queue_full;		/* connections ended at LINK_QUEUE */
	uint64_t out_full;		/* at LINK_OUT_TOTAL */
	uint64_t in_full;		/* at LINK_IN_TOTAL */
	uint64_t timeouts;		/* calls of ours that were not answered in time */
	uint64_t late;			/* answers that nobody awaited any more */
	uint64_t closed[LINK_REASONS];
	size_t open;			/* now */
	size_t in_memory, out_memory;	/* now, bytes */
};
struct link_counters links_counters(const struct links *l);

#ifdef __cplusplus
}
#endif

#endif
