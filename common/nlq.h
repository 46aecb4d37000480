/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_NLQ_H
#define NTK_COMMON_NLQ_H

/*
 * Netlink requests, one or many at a time, with every error told.
 *
 * Messages are collected and sent in one sendmsg(); the kernel works them off
 * before that returns.  Each message carries the number of the step that it
 * belongs to; answers are matched by sequence number and must come from the
 * kernel.  (libnl's own error path loses errno: it is used for dumps only.)
 */

#include <linux/netlink.h>
#include <netlink/netlink.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	NLQ_BATCH = 64,			/* acknowledgements that surely fit the receive buffer */
	NLQ_DUMP_ATTEMPTS = 8,		/* of a list that changes while it is told */
	NLQ_TEXT = 160,			/* bytes of an error text, NUL included */
	NLQ_NO_STEP = UINT32_MAX >> 1,	/* a message that is no step */
};

/* What the kernel said: errno, and its sentence when it gave one. */
struct nlq_error {
	int error;
	bool unanswered;	/* it said nothing: the message may have been worked off, or not */
	uint32_t step;		/* of the message that it is about; may be NLQ_NO_STEP */
	char text[NLQ_TEXT];
};

struct nlq {
	struct nl_sock *sk;	/* where the collected messages shall go; borrowed */
	uint8_t *buf;		/* owned */
	size_t len;
	size_t size;
	uint32_t *steps;	/* owned; one for each message */
	size_t n;
	size_t n_size;
	uint32_t seq;		/* of the first message */
};

/* Told for each message that belongs to a step; ERR is NULL when it succeeded. */
typedef void nlq_done(void *arg, uint32_t step, const struct nlq_error *err);

/* Called for each message of a dump; the same object may be told twice. */
typedef void nlq_each(const struct nlmsghdr *nlh, void *arg);

/*
 * A socket of PROTOCOL in the calling process's present network namespace, with
 * extended acknowledgements and buffers of BUFFER bytes.  NULL on failure, errno set.
 */
struct nl_sock *nlq_open(int protocol, int buffer);

/* A message of TYPE that begins with the LEN bytes at HEAD; owned by the caller. */
struct nl_msg *nlq_message(int type, int flags, const void *head, size_t len);

/* Appends an attribute. */
void nlq_put_u8(struct nl_msg *m, int type, uint8_t value);
void nlq_put_u32(struct nl_msg *m, int type, uint32_t value);

/* Zeroed room for one message of up to SIZE bytes behind what was collected. */
void *nlq_room(struct nlq *q, size_t size);

/* Takes the message that was written to nlq_room(); its length is in its header. */
void nlq_take(struct nlq *q, uint32_t step);

/* Adds M, which is freed. */
void nlq_add(struct nlq *q, struct nl_msg *m, uint32_t step);

/*
 * Sends what was collected and empties Q.  With ACK_EACH every message is
 * acknowledged, and they go out NLQ_BATCH at a time; else the last but one alone and all at
 * once, which is right for nfnetlink: a batch there is done as a whole or not at all, and
 * DONE hears of what was answered only.  DONE may be NULL.  Returns 0, or the first errno
 * with ERR filled (when not NULL).
 */
int nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg, struct nlq_error *err);

/* Forgets what was collected; frees the buffers as well. */
void nlq_drop(struct nlq *q);
void nlq_free(struct nlq *q);

/* Sends M, which is freed, and waits for its end.  As nlq_send(). */
int nlq_request(struct nl_sock *sk, struct nl_msg *m, struct nlq_error *err);

/*
 * Asks for a dump with M, which is freed.  0; EAGAIN when what is listed changed
 * meanwhile, so that something may be missing or told twice; ENOENT when there is no such
 * list; else EIO.
 */
int nlq_dump_once(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg);

/*
 * Asks for a dump with M, which is freed; again when what is listed changed
 * meanwhile.  0, or EIO which is logged.
 */
int nlq_dump(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg);

#ifdef __cplusplus
}
#endif

#endif
