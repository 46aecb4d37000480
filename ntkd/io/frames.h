/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_FRAMES_H
#define NTKD_IO_FRAMES_H

/*
 * Messages of a stream: bytes in, in whatever pieces they come, one message after the other
 * out.  No socket, no time.
 *
 * A message is the frame of proto/peermsg.h and a body of as many bytes as the frame
 * says.  Memory grows with what was received, never with what a frame only promises, and is
 * given back after a large message.  A stream that is broken once (no frame of ours, a body
 * above PEER_BODY_MAX, a body that cannot be read) has no next message any more: where one would
 * begin nobody knows, or who sent it is not to be trusted.
 */

#include "proto/peermsg.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	FRAMES_STEP = 4096,	/* bytes asked for at a time; kept while a stream is quiet */
};

/* A message as it came. */
struct frames_msg {
	struct peer_frame frame;
	struct peer_msg body;	/* of calls, notices and results; see frames_decode() */
	uint8_t error;		/* of errors: enum peer_error, or a later release's */
};

struct frames {
	uint8_t *buf;
	size_t size;
	size_t begin;		/* bytes that were handed out already */
	size_t end;		/* bytes received */
	uint32_t body_max;
	bool broken;
};

/* Starts; nothing is allocated yet.  Messages with bodies above BODY_MAX are kept back. */
void frames_init(struct frames *f, uint32_t body_max);
void frames_free(struct frames *f);

/* Changes that limit. */
void frames_limit(struct frames *f, uint32_t body_max);

/*
 * Where to put what is received next: *ROOM bytes (at least 1) at the result, valid until
 * the next call.  NULL when memory is exhausted; F is as before then.
 */
uint8_t *frames_room(struct frames *f, size_t *room);

/* N bytes were put there. */
void frames_put(struct frames *f, size_t n);

enum frames_next {
	FRAMES_NONE,		/* the next message is not complete */
	FRAMES_MESSAGE,
	FRAMES_LARGE,		/* it is kept back, however much of it is there */
	FRAMES_BROKEN,		/* ERR tells why; from now on always */
	FRAMES_NO_MEMORY,	/* the message is still there: ask again later, or give up */
};

/*
 * The next message.  M's lists lie in A, which the caller lends: its memory grows as needed
 * (malloc()); M is valid until A or F is used again.
 */
enum frames_next frames_next(struct frames *f, struct msg_arena *a, struct frames_msg *m,
    struct msg_error *err);

/* True when a message has begun that is not complete. */
bool frames_partial(const struct frames *f);

/* Bytes of memory that F holds. */
size_t frames_memory(const struct frames *f);

/*
 * Decodes the body of M, whose frame is read, from R, which must be at its end afterwards:
 * for datagrams, too.  A's memory must suffice (PEER_EXPANSION times the bytes).  False with ERR.
 * Besides the table of each message it is checked that
 *   - calls have a number, and a type that has an answer; notices have no number;
 *   - an error is one byte, not 0; a wait is empty; both, and results, have the type of a call.
 */
bool frames_decode(struct frames_msg *m, struct rd *r, struct msg_arena *a, struct msg_error *err);

/*
 * Appends a message: FRAME, whose magic, version and length are filled in, and its body, BODY for
 * calls, notices and results (NULL else; its type need not be the frame's: that of an
 * answer is not).  W tells if it did not fit.
 */
void frames_write(const struct peer_frame *frame, const struct peer_msg *body, uint8_t error,
    struct wr *w);

#ifdef __cplusplus
}
#endif

#endif
