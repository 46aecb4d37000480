/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/link.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/mono.h"
#include "ntkd/io/link_int.h"
#include "ntkd/io/peersock.h"

static const struct {
	const char *name;
	const char *text;
} reasons[LINK_REASONS] = {
	[LINK_ENDED] = { "ended", "the other end closed it" },
	[LINK_FAILED] = { "failed", "the kernel gave it up" },
	[LINK_NOT_MADE] = { "not_made", "it could not be made" },
	[LINK_MALFORMED] = { "malformed", "something came that no healthy neighbour sends" },
	[LINK_STALLED] = { "stalled", "a message was begun and not ended" },
	[LINK_SLOW] = { "slow", "the other end does not take what is sent" },
	[LINK_SILENT] = { "silent", "the two ends did not agree in time" },
	[LINK_CROWDED] = { "crowded", "given up for newer ones" },
	[LINK_DEVICE] = { "device", "the interface went, or has another address" },
	[LINK_MEMORY] = { "memory", "memory is exhausted" },
};

const char *
link_reason_name(enum link_reason reason)
{
	return reasons[reason].name;
}

const char *
link_reason_text(enum link_reason reason)
{
	return reasons[reason].text;
}

/* --- the table: by number -------------------------------------------------------- */

/* Where NUMBER is, or would be. */
static size_t
table_place(const struct links *l, uint32_t number)
{
	size_t low = 0, high = l->n_table;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->table[mid]->number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct conn *
table_find(const struct links *l, uint32_t number)
{
	size_t at = table_place(l, number);

	return at < l->n_table && l->table[at]->number == number ? l->table[at] : NULL;
}

/* The one called NUMBER, if anything may still be done with it. */
static struct conn *
living(const struct links *l, uint32_t number)
{
	struct conn *c = table_find(l, number);

	return c != NULL && c->state != CONN_DEAD ? c : NULL;
}

bool
table_add(struct links *l, struct conn *c)
{
	size_t at = table_place(l, c->number);

	if (l->n_table == LINK_CONNECTIONS || table_find(l, c->number) != NULL)
		return false;
	memmove(l->table + at + 1, l->table + at, (l->n_table - at) * sizeof(l->table[0]));
	l->table[at] = c;
	l->n_table++;
	return true;
}

void
table_remove(struct links *l, struct conn *c)
{
	size_t at = table_place(l, c->number);

	l->n_table--;
	memmove(l->table + at, l->table + at + 1, (l->n_table - at) * sizeof(l->table[0]));
	c->number = 0;
}

/* --- the end of connections ------------------------------------------------------- */

void
links_reap(struct links *l)
{
	event_active(l->reap, EV_TIMEOUT, 1);
}

static struct conn *
first_dead(struct links *l)
{
	struct conn *c;

	TAILQ_FOREACH(c, &l->conns, entry)
		if (c->state == CONN_DEAD)
			return c;
	return NULL;
}

/* Here nothing else is under way, so the dead can be freed. */
static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct links *l = arg;
	struct conn *c;

	(void)fd;
	(void)what;
	while ((c = first_dead(l)) != NULL) {
		uint32_t number = c->number;
		enum link_reason reason = c->reason;
		int error = c->error;

		if (number != 0)
			table_remove(l, c);
		conn_free(c);
		if (number == 0)
			continue;
		l->counters.closed[reason]++;
		l->handlers.closed(number, reason, error, mono_now(), l->arg);
	}
}

struct links *
links_new(struct event_base *base, const struct link_handlers *handlers, void *arg)
{
	struct links *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->base = base;
	l->handlers = *handlers;
	l->arg = arg;
	TAILQ_INIT(&l->conns);
	for (size_t i = 0; i < LINK_NICS; i++)
		l->listeners[i] = (struct listener){ .l = l, .fd = -1 };
	l->reap = evtimer_new(base, on_reap, l);
	if (l->reap == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
links_free(struct links *l)
{
	struct conn *c;

	if (l == NULL)
		return;
	while ((c = TAILQ_FIRST(&l->conns)) != NULL)
		conn_free(c);
	for (size_t i = 0; i < LINK_NICS; i++)
		listener_close(&l->listeners[i]);
	event_free(l->reap);
	free(l->arena.buf);
	free(l);
}

size_t
links_leaving(const struct links *l)
{
	struct conn *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &l->conns, entry)
		n += c->state == CONN_FLUSHING || c->state == CONN_DRAINING;
	return n;
}

/* --- what the core wants ------------------------------------------------------------ */

static bool
refuse(int error)
{
	errno = error;
	return false;
}

bool
link_connect(struct links *l, uint32_t conn, size_t nic, ntk_ip_t peer)
{
	struct listener *n = &l->listeners[nic];
	struct peersock_nic sock = { n->ifindex, n->addr, LINK_TIMEOUT_MS };
	struct link_ends ends = { .nic = nic, .local = n->addr, .peer = peer };
	struct conn *c;
	int fd, error;

	if (conn == 0 || table_find(l, conn) != NULL)
		return refuse(EEXIST);
	if (n->fd < 0)
		return refuse(ENODEV);
	if (l->n_conns >= LINK_CONNECTIONS)
		return refuse(EMFILE);
	fd = peersock_open(PEERSOCK_CALLING, &sock);
	if (fd < 0)
		return false;
	c = conn_new(l, fd, &ends, CONN_CONNECTING);
	if (c == NULL)
		return refuse(ENOMEM);
	if (!peersock_connect(fd, peer) || event_add(c->writable, NULL) != 0) {
		error = errno;
		conn_free(c);
		return refuse(error);
	}
	c->number = conn;
	table_add(l, c);
	conn_arm(c, c->since);
	return true;
}

bool
link_confirm(struct links *l, uint32_t conn, uint32_t timeout)
{
	struct conn *c = living(l, conn);

	return c != NULL && c->state == CONN_OPEN && conn_confirm(c, timeout);
}

bool
link_hold(struct links *l, uint32_t conn, bool hold)
{
	struct conn *c = living(l, conn);

	if (c == NULL || c->state != CONN_OPEN)
		return false;
	conn_hold(c, hold);
	return true;
}

bool
link_notice(struct links *l, uint32_t conn, uint32_t source, uint32_t destination,
    const struct peer_msg *m)
{
	struct peer_frame frame = { .type = m->type, .kind = PEER_NOTICE, .source = source,
		.destination = destination };
	struct conn *c = living(l, conn);

	return c != NULL && conn_send(c, &frame, m, 0);
}

bool
link_call(struct links *l, uint32_t conn, uint32_t source, uint32_t destination,
    const struct peer_msg *m, uint64_t token, uint32_t limit)
{
	struct peer_frame frame = { .type = m->type, .kind = PEER_CALL, .source = source,
		.destination = destination };
	struct call_out o = { .type = m->type, .source = source, .destination = destination,
		.token = token, .limit = limit * UINT64_C(1000) };
	struct conn *c = living(l, conn);
	uint64_t now = mono_now();

	if (c == NULL || c->state != CONN_OPEN || peer_answer_type(m->type) == 0)
		return false;
	frame.call = calls_begin(&c->calls, &o, now);
	if (frame.call == 0)
		return false;
	if (!conn_send(c, &frame, m, 0)) {
		calls_forget(&c->calls, frame.call);
		return false;
	}
	conn_arm(c, now);
	return true;
}

/* The frame that answers CALL; NULL when it is owed no answer. */
static struct conn *
answer_begin(struct links *l, uint32_t conn, uint32_t call, uint8_t kind, struct peer_frame *frame)
{
	struct conn *c = living(l, conn);
	const struct call_in *in = c != NULL ? calls_owed(&c->calls, call) : NULL;

	if (in == NULL)
		return NULL;
	*frame = (struct peer_frame){ .type = in->type, .kind = kind, .call = call,
		.source = in->destination, .destination = in->source };
	return c;
}

bool
link_result(struct links *l, uint32_t conn, uint32_t call, const struct peer_msg *m)
{
	struct peer_frame frame;
	struct conn *c = answer_begin(l, conn, call, PEER_RESULT, &frame);

	return c != NULL && peer_answer_type(frame.type) == m->type &&
	    conn_send(c, &frame, m, 0) && calls_answered(&c->calls, call);
}

bool
link_error(struct links *l, uint32_t conn, uint32_t call, uint8_t error)
{
	struct peer_frame frame;
	struct conn *c = answer_begin(l, conn, call, PEER_ERROR, &frame);

	return c != NULL && error != 0 && conn_send(c, &frame, NULL, error) &&
	    calls_answered(&c->calls, call);
}

bool
link_wait(struct links *l, uint32_t conn, uint32_t call)
{
	struct peer_frame frame;
	struct conn *c = answer_begin(l, conn, call, PEER_WAIT, &frame);

	return c != NULL && conn_send(c, &frame, NULL, 0);
}

bool
link_close(struct links *l, uint32_t conn, bool flush)
{
	struct conn *c = table_find(l, conn);
	bool lives = c != NULL && c->state != CONN_DEAD;

	if (c == NULL)
		return false;
	/* When it is dead already, this is in time to hear nothing of it. */
	table_remove(l, c);
	if (lives && flush && c->state == CONN_OPEN)
		conn_leave(c, mono_now());
	else if (lives)
		conn_kill(c, LINK_ENDED, 0);
	return true;
}

/* --- for those who look --------------------------------------------------------------- */

bool
links_info(const struct links *l, size_t n, struct link_info *out)
{
	const struct conn *c = n < l->n_table ? l->table[n] : NULL;

	if (c == NULL)
		return false;
	*out = (struct link_info){
		.conn = c->number, .ends = c->ends, .stands = c->state == CONN_OPEN,
		.confirmed = c->confirmed, .accepted = c->accepted, .paused = c->paused,
		.held = c->held, .queued = c->out_end - c->out_begin, .since = c->since,
		.messages_in = c->messages_in, .messages_out = c->messages_out,
		.bytes_in = c->bytes_in, .bytes_out = c->bytes_out, .calls_open = c->calls.n_out,
	};
	return true;
}

struct link_counters
links_counters(const struct links *l)
{
	struct link_counters out = l->counters;

	out.open = l->n_table;
	return out;
}
