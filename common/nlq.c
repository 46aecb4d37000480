/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/nlq.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/must.h"

enum {
	RECEIVE_SIZE = 65536,
	ANSWERED = NLQ_NO_STEP - 1,	/* in the place of a step's number */
	ERRNO_MAX = 4095,	/* the kernel has none above */
	MESSAGE_SIZE = 1024,	/* more than any of ours; libnl would clear a page for each */
};

static bool
option_set(const struct nl_sock *sk, int level, int option, int value)
{
	return setsockopt(nl_socket_get_fd(sk), level, option, &value, sizeof(value)) == 0;
}

/*
 * FORCE: the system's limit on buffers is for those without CAP_NET_ADMIN.  Inside a user
 * namespace nobody has that in the kernel's eyes: there the limit holds, and is enough
 * for batches of NLQ_BATCH.
 */
static bool
buffer_set(const struct nl_sock *sk, int forced, int limited, int size)
{
	static bool told;

	if (option_set(sk, SOL_SOCKET, forced, size))
		return true;
	if (errno != EPERM || !option_set(sk, SOL_SOCKET, limited, size))
		return false;
	if (!told)
		log_warnx("netlink", "buffers are limited (net.core.rmem_max, wmem_max), as in a user "
		    "namespace: a very large change of nftables may be refused");
	told = true;
	return true;
}

struct nl_sock *
nlq_open(int protocol, int buffer)
{
	struct nl_sock *sk = must(nl_socket_alloc());

	nlmsg_set_default_size(MESSAGE_SIZE);
	nl_socket_set_local_port(sk, 0);
	if (nl_connect(sk, protocol) == 0 &&
	    buffer_set(sk, SO_RCVBUFFORCE, SO_RCVBUF, buffer) &&
	    buffer_set(sk, SO_SNDBUFFORCE, SO_SNDBUF, buffer) &&
	    option_set(sk, SOL_NETLINK, NETLINK_EXT_ACK, 1) &&
	    option_set(sk, SOL_NETLINK, NETLINK_CAP_ACK, 1))
		return sk;
	nl_socket_free(sk);
	return NULL;
}

struct nl_msg *
nlq_message(int type, int flags, const void *head, size_t len)
{
	struct nl_msg *m = must(nlmsg_alloc_simple(type, flags));

	must_be(nlmsg_append(m, (void *)(uintptr_t)head, len, NLMSG_ALIGNTO) == 0);
	return m;
}

void
nlq_put_u8(struct nl_msg *m, int type, uint8_t value)
{
	must_be(nla_put_u8(m, type, value) == 0);
}

void
nlq_put_u32(struct nl_msg *m, int type, uint32_t value)
{
	must_be(nla_put_u32(m, type, value) == 0);
}

/* --- collecting -------------------------------------------------------------- */

void *
nlq_room(struct nlq *q, size_t size)
{
	size_t want = q->len + NLMSG_ALIGN(size);

	if (want > q->size) {
		q->size = want * 2;
		q->buf = must(realloc(q->buf, q->size));
	}
	return memset(q->buf + q->len, 0, NLMSG_ALIGN(size));
}

void
nlq_take(struct nlq *q, uint32_t step)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(q->buf + q->len);

	if (q->n == q->n_size) {
		q->n_size = q->n_size != 0 ? q->n_size * 2 : NLQ_BATCH;
		q->steps = must(realloc(q->steps, q->n_size * sizeof(*q->steps)));
	}
	nlh->nlmsg_flags |= NLM_F_REQUEST;
	nlh->nlmsg_seq = q->seq + (uint32_t)q->n;
	q->steps[q->n++] = step;
	q->len += NLMSG_ALIGN(nlh->nlmsg_len);
}

void
nlq_add(struct nlq *q, struct nl_msg *m, uint32_t step)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(m);

	memcpy(nlq_room(q, nlh->nlmsg_len), nlh, nlh->nlmsg_len);
	nlq_take(q, step);
	nlmsg_free(m);
}

void
nlq_drop(struct nlq *q)
{
	q->seq += (uint32_t)q->n;
	q->len = 0;
	q->n = 0;
}

void
nlq_free(struct nlq *q)
{
	free(q->buf);
	free(q->steps);
	memset(q, 0, sizeof(*q));
}

/* --- sending, and what the kernel says ------------------------------------------ */

/* The next messages that go out together: where they begin, and how many bytes and answers. */
struct part {
	uint8_t *at;
	size_t len;
	size_t waiting;
};

/* The part that begins with message FIRST at AT; returns the message behind it. */
static size_t
part_cut(const struct nlq *q, size_t first, bool ack_each, struct part *p)
{
	size_t i = first;

	p->len = p->waiting = 0;
	for (; i < q->n && (!ack_each || i < first + NLQ_BATCH); i++) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(p->at + p->len);

		if (ack_each || i + 2 == q->n) {
			nlh->nlmsg_flags |= NLM_F_ACK;
			p->waiting++;
		}
		p->len += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return i;
}

/* What an NLMSG_ERROR says; its error is 0 for an acknowledgement. */
static void
error_read(struct nlmsghdr *nlh, struct nlq_error *out)
{
	const struct nlmsgerr *e = nlmsg_data(nlh);
	struct nlattr *text = NULL;

	memset(out, 0, sizeof(*out));
	out->error = EPROTO;
	if (nlmsg_datalen(nlh) >= (int)sizeof(*e) && e->error <= 0 && e->error >= -ERRNO_MAX)
		out->error = -e->error;
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) != 0 && (nlh->nlmsg_flags & NLM_F_CAPPED) != 0)
		text = nlmsg_find_attr(nlh, sizeof(*e), NLMSGERR_ATTR_MSG);
	if (text != NULL)
		snprintf(out->text, sizeof(out->text), "%.*s", nla_len(text),
		    (const char *)nla_data(text));
}

/* What nlq_send() has heard so far. */
struct hearing {
	struct nlq *q;
	size_t waiting;		/* acknowledgements still to come */
	nlq_done *done;
	void *arg;
	struct nlq_error first;
};

static void
answer_take(struct hearing *h, struct nlmsghdr *nlh)
{
	uint32_t i = nlh->nlmsg_seq - h->q->seq, step;
	struct nlq_error e;

	if (nlh->nlmsg_type != NLMSG_ERROR || i >= h->q->n || h->q->steps[i] == ANSWERED)
		return;
	step = h->q->steps[i];
	h->q->steps[i] = ANSWERED;
	error_read(nlh, &e);
	e.step = step;
	if (e.error != 0 && h->first.error == 0)
		h->first = e;
	if (h->waiting > 0)
		h->waiting--;
	if (h->done != NULL && step != NLQ_NO_STEP)
		h->done(h->arg, step, e.error != 0 ? &e : NULL);
}

/* Everything that waits on the socket: the kernel answered before sendmsg() returned. */
static void
answers_read(struct hearing *h)
{
	static uint8_t buf[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	ssize_t n;

	/* ENOBUFS tells that answers were dropped; those that were not still wait. */
	while ((n = recvfrom(nl_socket_get_fd(h->q->sk), buf, sizeof(buf), MSG_DONTWAIT,
	    (struct sockaddr *)&from, &from_len)) > 0 || (n < 0 && errno == ENOBUFS)) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)buf;

		for (int left = (int)n; n > 0 && from.nl_pid == 0 && nlmsg_ok(nlh, left); ) {
			answer_take(h, nlh);
			nlh = nlmsg_next(nlh, &left);
		}
	}
}

/* Whoever still waits for an answer is told that none will come. */
static void
silence_tell(struct hearing *h, const struct nlq_error *why)
{
	for (size_t i = 0; h->done != NULL && i < h->q->n; i++)
		if (h->q->steps[i] != ANSWERED && h->q->steps[i] != NLQ_NO_STEP)
			h->done(h->arg, h->q->steps[i], why);
}

int
nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg, struct nlq_error *err)
{
	struct hearing h = { .q = q, .done = done, .arg = arg };
	struct nlq_error silence = { EIO, true, NLQ_NO_STEP, "acknowledgements were lost" };
	struct part p = { .at = q->buf };
	bool lost = false;

	for (size_t i = 0; i < q->n; p.at += p.len) {
		i = part_cut(q, i, ack_each, &p);
		h.waiting = p.waiting;
		if (send(nl_socket_get_fd(q->sk), p.at, p.len, 0) == (ssize_t)p.len)
			answers_read(&h);
		else
			silence = (struct nlq_error){ errno, true, NLQ_NO_STEP, "" };
		lost = lost || h.waiting > 0;
	}
	if (lost && h.first.error == 0)
		h.first = silence;
	if (lost && ack_each)
		silence_tell(&h, &silence);
	nlq_drop(q);
	if (err != NULL)
		*err = h.first;
	return h.first.error;
}

int
nlq_request(struct nl_sock *sk, struct nl_msg *m, struct nlq_error *err)
{
	static struct nlq q;

	q.sk = sk;
	nlq_add(&q, m, NLQ_NO_STEP);
	return nlq_send(&q, true, NULL, NULL, err);
}

/* --- dumps --------------------------------------------------------------------- */

struct dump {
	nlq_each *each;
	void *arg;
};

static int
dump_message(struct nl_msg *m, void *arg)
{
	const struct dump *d = arg;

	d->each(nlmsg_hdr(m), d->arg);
	return NL_OK;
}

/* One attempt, for which M stays the caller's; as libnl tells it. */
static int
dump_try(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg)
{
	struct dump d = { each, arg };
	int n;

	nlmsg_hdr(m)->nlmsg_flags |= NLM_F_DUMP;
	nlmsg_hdr(m)->nlmsg_seq = NL_AUTO_SEQ;
	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, dump_message, &d);
	n = nl_send_auto(sk, m);
	if (n >= 0)
		n = nl_recvmsgs_default(sk);
	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	return n;
}

int
nlq_dump_once(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg)
{
	int n = dump_try(sk, m, each, arg);

	nlmsg_free(m);
	if (n >= 0)
		return 0;
	return n == -NLE_DUMP_INTR ? EAGAIN : n == -NLE_OBJ_NOTFOUND ? ENOENT : EIO;
}

int
nlq_dump(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg)
{
	int n = -NLE_DUMP_INTR;

	for (int i = 0; i < NLQ_DUMP_ATTEMPTS && n == -NLE_DUMP_INTR; i++)
		n = dump_try(sk, m, each, arg);
	nlmsg_free(m);
	if (n >= 0)
		return 0;
	log_warnx("netlink", "the kernel does not list its state: %s", nl_geterror(n));
	return EIO;
}
