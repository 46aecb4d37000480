/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "ntkd/io/link_int.h"
#include "ntkd/io/peersock.h"

enum {
	OUT_FIRST = 4096,	/* bytes of a queue's first memory */
	OUT_KEPT = 65536,	/* memory above it is given back when it is empty */
	ARENA_KEPT = 1 << 18,	/* bytes to decode into that are kept between messages */
};

static uint64_t
ms(uint64_t n)
{
	return n * 1000;
}

/* --- time ---------------------------------------------------------------------- */

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
partial_limit(const struct conn *c)
{
	/* Meanwhile it is us who do not read. */
	if (c->partial == LINK_NEVER || c->paused || c->held || c->large)
		return LINK_NEVER;
	return c->partial + ms(LINK_MESSAGE_MS);
}

void
conn_arm(struct conn *c, uint64_t now)
{
	uint64_t at = earlier(c->limit, c->resume);
	struct timeval tv;

	if (c->state == CONN_DEAD)
		return;
	if (c->state == CONN_OPEN)
		at = earlier(earlier(at, partial_limit(c)), calls_deadline(&c->calls));
	if (at == LINK_NEVER) {
		event_del(c->timer);
		return;
	}
	at = at > now ? at - now : 0;
	tv.tv_sec = (time_t)(at / 1000000);
	tv.tv_usec = (suseconds_t)(at % 1000000);
	event_add(c->timer, &tv);
}

/* --- sending ------------------------------------------------------------------- */

static size_t
queued(const struct conn *c)
{
	return c->out_end - c->out_begin;
}

/* The bytes that were sent make room. */
static void
out_compact(struct conn *c)
{
	if (c->out_begin > 0 && queued(c) > 0)
		memmove(c->out, c->out + c->out_begin, queued(c));
	c->out_end -= c->out_begin;
	c->out_begin = 0;
	if (c->out_end == 0 && c->out_size > OUT_KEPT) {
		free(c->out);
		c->out = NULL;
		c->l->counters.out_memory -= c->out_size;
		c->out_size = 0;
	}
}

/* Makes room for MORE bytes behind what is queued; LINK_QUEUE bounds it. */
static bool
out_reserve(struct conn *c, size_t more)
{
	size_t size = c->out_size == 0 ? OUT_FIRST : c->out_size;
	uint8_t *grown;

	if (c->out_size - c->out_end >= more)
		return true;
	out_compact(c);
	while (size - c->out_end < more)
		size *= 2;
	if (size == c->out_size)
		return true;
	grown = realloc(c->out, size);
	if (grown == NULL)
		return false;
	c->l->counters.out_memory += size - c->out_size;
	c->out = grown;
	c->out_size = size;
	return true;
}

/* All together hold too much: whoever takes least of what is sent to it goes first. */
static void
out_total_keep(struct links *l)
{
	while (l->counters.out_memory > LINK_OUT_TOTAL) {
		struct conn *c, *most = NULL;

		TAILQ_FOREACH(c, &l->conns, entry)
			if (c->state != CONN_DEAD && (most == NULL || c->out_size > most->out_size))
				most = c;
		if (most == NULL)
			return;
		l->counters.out_full++;
		conn_kill(most, LINK_SLOW, 0);
	}
}

bool
conn_send(struct conn *c, const struct peer_frame *frame, const struct peer_msg *body, uint8_t error)
{
	size_t size = peer_frame_size() + (body != NULL ? peer_msg_size(body) : 1);
	struct wr w;

	if (c->state != CONN_OPEN || size > peer_frame_size() + PEER_BODY_MAX)
		return false;
	if (queued(c) + size > LINK_QUEUE) {
		c->l->counters.queue_full++;
		conn_kill(c, LINK_SLOW, 0);
		return false;
	}
	if (!out_reserve(c, size)) {
		conn_kill(c, LINK_MEMORY, 0);
		return false;
	}
	wr_init(&w, c->out + c->out_end, size);
	frames_write(frame, body, error, &w);
	c->out_end += w.len;
	c->messages_out++;
	c->l->counters.messages_out++;
	event_add(c->writable, NULL);
	out_total_keep(c->l);
	return c->state == CONN_OPEN;
}

/* All was sent, and the other end is told so. */
static void
sent_all(struct conn *c)
{
	event_del(c->writable);
	out_compact(c);
	if (c->state != CONN_FLUSHING)
		return;
	c->state = CONN_DRAINING;
	/* Closed with something unread it would be reset, and what was sent perhaps lost. */
	if (shutdown(c->fd, SHUT_WR) != 0 || event_add(c->readable, NULL) != 0)
		conn_kill(c, LINK_ENDED, 0);
}

static void
send_queued(struct conn *c)
{
	ssize_t n;

	while (queued(c) > 0) {
		n = send(c->fd, c->out + c->out_begin, queued(c), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR) {
			/* What it sent before it went is still there to be read. */
			if (c->state == CONN_OPEN && (errno == EPIPE || errno == ECONNRESET))
				event_del(c->writable);
			else
				conn_kill(c, LINK_FAILED, errno);
			return;
		}
		if (n > 0) {
			c->out_begin += (size_t)n;
			c->bytes_out += (uint64_t)n;
			c->l->counters.bytes_out += (uint64_t)n;
		}
	}
	sent_all(c);
}

void
conn_leave(struct conn *c, uint64_t now)
{
	c->state = CONN_FLUSHING;
	event_del(c->readable);
	c->resume = LINK_NEVER;
	c->limit = now + ms(LINK_FLUSH_MS);
	if (queued(c) > 0)
		event_add(c->writable, NULL);
	else
		sent_all(c);
	conn_arm(c, now);
}

/* --- receiving ----------------------------------------------------------------- */

static void
malformed(struct conn *c, uint64_t now, const struct msg_error *err, uint64_t *counter)
{
	char ip[IP_TEXT];

	(*counter)++;
	log_remote(now, "link", "%s: connection with %s closed: %s %s %s (%llu)",
	    c->l->listeners[c->ends.nic].dev, ip_print(c->ends.peer, ip), err->message, err->field,
	    err->why, (unsigned long long)err->value);
	conn_kill(c, LINK_MALFORMED, 0);
}

/* An answer to one of our calls. */
static void
deliver_answer(struct conn *c, const struct frames_msg *m, uint64_t now)
{
	static const struct msg_error wrong = { "frame", "call", "not answered in this way", 0 };
	struct call_in in = { m->frame.call, m->frame.type, m->frame.source, m->frame.destination };
	struct link_answer a = { .type = m->frame.type };

	switch (calls_end(&c->calls, &in, m->frame.kind == PEER_WAIT, now, &a.token)) {
	case CALLS_MATCH:
		a.kind = m->frame.kind == PEER_RESULT ? LINK_RESULT : LINK_ERROR;
		a.error = m->error;
		a.msg = a.kind == LINK_RESULT ? &m->body : NULL;
		c->l->handlers.answered(c->number, &a, now, c->l->arg);
		break;
	case CALLS_WAIT:
		a.kind = LINK_WAITING;
		c->l->handlers.answered(c->number, &a, now, c->l->arg);
		break;
	case CALLS_UNKNOWN:
		c->l->counters.late++;
		break;
	case CALLS_WRONG:
		malformed(c, now, &wrong, &c->l->counters.wrong_answers);
		break;
	}
}

static void
deliver(struct conn *c, const struct frames_msg *m, uint64_t now)
{
	static const struct msg_error many = { "frame", "call", "open already, or too many are", 0 };
	struct call_in in = { m->frame.call, m->frame.type, m->frame.source, m->frame.destination };
	struct link_message out = { m->frame.call, m->frame.source, m->frame.destination, &m->body };

	c->messages_in++;
	c->l->counters.messages_in++;
	if (m->frame.kind != PEER_CALL && m->frame.kind != PEER_NOTICE)
		deliver_answer(c, m, now);
	else if (m->frame.kind == PEER_CALL && !calls_received(&c->calls, &in))
		malformed(c, now, &many, &c->l->counters.many_calls);
	else
		c->l->handlers.message(c->number, &out, now, c->l->arg);
}

/*
 * May one more be taken in?  Too many a second: the kernel's buffer fills, and the sender has to
 * wait.
 */
static bool
may_deliver(struct conn *c, uint64_t now)
{
	if (c->paused || c->held || c->large)
		return false;
	if (c->token || tbf_pass(&c->rate, now)) {
		c->token = true;
		return true;
	}
	c->paused = true;
	c->resume = now + ms(LINK_PAUSE_MS);
	c->l->counters.pauses++;
	event_del(c->readable);
	return false;
}

/* One large message, which may need 12 MiB, is no reason to hold them for ever. */
static void
arena_trim(struct msg_arena *a)
{
	if (a->size <= ARENA_KEPT)
		return;
	free(a->buf);
	*a = (struct msg_arena){ .buf = NULL };
}

/* Hands over what is complete.  False when nothing more is to be read now. */
static bool
deliver_all(struct conn *c, uint64_t now)
{
	struct msg_error err = { "", "", "", 0 };
	struct frames_msg m;

	while (c->state == CONN_OPEN) {
		/* Asked before, so that a message taken out is never one too many. */
		if (!may_deliver(c, now))
			return false;
		switch (frames_next(&c->in, &c->l->arena, &m, &err)) {
		case FRAMES_MESSAGE:
			c->partial = LINK_NEVER;
			c->token = false;
			deliver(c, &m, now);
			arena_trim(&c->l->arena);
			break;
		case FRAMES_NONE:
			if (!frames_partial(&c->in))
				c->partial = LINK_NEVER;
			else if (c->partial == LINK_NEVER)
				c->partial = now;
			return true;
		case FRAMES_LARGE:
			c->large = true;
			c->l->counters.held_large++;
			event_del(c->readable);
			return false;
		case FRAMES_BROKEN:
			malformed(c, now, &err, &c->l->counters.unreadable);
			break;
		case FRAMES_NO_MEMORY:
			conn_kill(c, LINK_MEMORY, 0);
			break;
		}
	}
	return false;
}

/* All together hold too much: who began a message longest ago and did not end it goes first. */
static void
in_total_keep(struct links *l)
{
	while (l->counters.in_memory > LINK_IN_TOTAL) {
		struct conn *c, *first = NULL;

		TAILQ_FOREACH(c, &l->conns, entry)
			if (c->state != CONN_DEAD && frames_memory(&c->in) > FRAMES_STEP &&
			    (first == NULL || c->partial < first->partial))
				first = c;
		if (first == NULL)
			return;
		l->counters.in_full++;
		conn_kill(first, LINK_STALLED, 0);
	}
}

/* Receives once; false when there is nothing more now, or C is dead. */
static bool
receive(struct conn *c, uint64_t now, size_t *total)
{
	size_t before = frames_memory(&c->in), room;
	uint8_t *at = frames_room(&c->in, &room);
	ssize_t n;

	c->l->counters.in_memory += frames_memory(&c->in) - before;
	if (at == NULL) {
		conn_kill(c, LINK_MEMORY, 0);
		return false;
	}
	n = recv(c->fd, at, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		conn_kill(c, n == 0 ? LINK_ENDED : LINK_FAILED, n == 0 ? 0 : errno);
		return false;
	}
	frames_put(&c->in, (size_t)n);
	c->bytes_in += (uint64_t)n;
	c->l->counters.bytes_in += (uint64_t)n;
	*total += (size_t)n;
	if (!deliver_all(c, now))
		return false;
	in_total_keep(c->l);
	return c->state == CONN_OPEN && (size_t)n == room;
}

/* Nothing of it is wanted any more; its end is. */
static void
drain(struct conn *c)
{
	uint8_t buf[4096];
	size_t total = 0;
	ssize_t n;

	while ((n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0 && total < LINK_READ)
		total += (size_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_kill(c, LINK_ENDED, 0);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	uint64_t now = mono_now();
	size_t total = 0;

	(void)fd;
	(void)what;
	if (c->state == CONN_DRAINING)
		drain(c);
	else
		while (c->state == CONN_OPEN && total < LINK_READ && receive(c, now, &total))
			continue;
	conn_arm(c, now);
}

/* Goes on with what was received already. */
static void
read_on(struct conn *c, uint64_t now)
{
	if (c->state == CONN_OPEN && deliver_all(c, now) && c->state == CONN_OPEN)
		event_add(c->readable, NULL);
}

/* --- beginning ----------------------------------------------------------------- */

bool
conn_begin(struct conn *c, uint64_t now)
{
	c->state = CONN_OPEN;
	c->limit = now + ms(LINK_CONFIRM_MS);
	c->ends.has_mac = peersock_mac(c->fd, c->l->listeners[c->ends.nic].dev, c->ends.peer,
	    &c->ends.mac);
	conn_arm(c, now);
	return event_add(c->readable, NULL) == 0;
}

static void
connected(struct conn *c, uint64_t now)
{
	int error = peersock_error(c->fd);

	event_del(c->writable);
	if (error != 0) {
		conn_kill(c, LINK_NOT_MADE, error);
	} else if (!conn_begin(c, now)) {
		conn_kill(c, LINK_MEMORY, 0);
	} else {
		c->l->counters.made++;
		c->l->handlers.connected(c->number, &c->ends, now, c->l->arg);
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_CONNECTING)
		connected(c, mono_now());
	else
		send_queued(c);
}

/* Goes on reading, from the loop: we may be called by the handler of a message. */
static void
resume_soon(struct conn *c)
{
	if (c->held || c->large)
		return;
	if (!c->paused)
		c->resume = 0;
	conn_arm(c, mono_now());
}

bool
conn_confirm(struct conn *c, uint32_t timeout)
{
	if (!peersock_timeout(c->fd, timeout))
		return false;
	c->confirmed = true;
	c->large = false;
	c->limit = LINK_NEVER;
	frames_limit(&c->in, PEER_BODY_MAX);
	resume_soon(c);
	return true;
}

void
conn_hold(struct conn *c, bool hold)
{
	if (c->held == hold)
		return;
	c->held = hold;
	if (hold)
		event_del(c->readable);
	else
		resume_soon(c);
}

/* --- time is over --------------------------------------------------------------- */

static void
limit_over(struct conn *c)
{
	switch (c->state) {
	case CONN_CONNECTING:
		conn_kill(c, LINK_NOT_MADE, ETIMEDOUT);
		break;
	case CONN_OPEN:
		conn_kill(c, LINK_SILENT, 0);
		break;
	default:
		conn_kill(c, LINK_SLOW, 0);
		break;
	}
}

static void
calls_over(struct conn *c, uint64_t now)
{
	struct link_answer a = { .kind = LINK_TIMEOUT };

	while (c->state == CONN_OPEN && calls_expire(&c->calls, now, &a.type, &a.token)) {
		c->l->counters.timeouts++;
		c->l->handlers.answered(c->number, &a, now, c->l->arg);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	uint64_t now = mono_now();

	(void)fd;
	(void)what;
	if (c->limit <= now)
		limit_over(c);
	else if (c->state == CONN_OPEN && partial_limit(c) <= now)
		conn_kill(c, LINK_STALLED, 0);
	if (c->resume <= now) {
		/* The time of a message that waited for us begins anew. */
		c->partial = c->partial == LINK_NEVER ? LINK_NEVER : now;
		c->paused = false;
		c->resume = LINK_NEVER;
		read_on(c, now);
	}
	calls_over(c, now);
	conn_arm(c, now);
}

/* --- life and death -------------------------------------------------------------- */

void
conn_kill(struct conn *c, enum link_reason reason, int error)
{
	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_DEAD;
	c->reason = reason;
	c->error = error;
	event_del(c->readable);
	event_del(c->writable);
	event_del(c->timer);
	close(c->fd);
	c->fd = -1;
	c->l->counters.in_memory -= frames_memory(&c->in);
	c->l->counters.out_memory -= c->out_size;
	/* A handler may look at what lies in the input: that stays until the end. */
	free(c->out);
	c->out = NULL;
	c->out_size = c->out_begin = c->out_end = 0;
	links_reap(c->l);
}

void
conn_free(struct conn *c)
{
	TAILQ_REMOVE(&c->l->conns, c, entry);
	c->l->n_conns--;
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->fd >= 0)
		close(c->fd);
	frames_free(&c->in);
	free(c->out);
	calls_free(&c->calls);
	free(c);
}

struct conn *
conn_new(struct links *l, int fd, const struct link_ends *ends, enum conn_state state)
{
	struct conn *c = calloc(1, sizeof(*c));
	uint64_t now = mono_now();

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	*c = (struct conn){
		.l = l, .state = state, .ends = *ends, .fd = fd, .since = now,
		.limit = now + ms(LINK_CONNECT_MS), .resume = LINK_NEVER, .partial = LINK_NEVER,
	};
	TAILQ_INSERT_TAIL(&l->conns, c, entry);
	l->n_conns++;
	tbf_init(&c->rate, LINK_BURST, LINK_RATE, now);
	frames_init(&c->in, LINK_SMALL);
	calls_init(&c->calls);
	c->readable = event_new(l->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(l->base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->timer = evtimer_new(l->base, on_timer, c);
	if (c->readable != NULL && c->writable != NULL && c->timer != NULL)
		return c;
	conn_free(c);
	return NULL;
}
