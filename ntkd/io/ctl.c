/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/ctl.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/events.h"
#include "ntkd/io/watch.h"
#include "ntkd/io/request.h"

enum {
	READ_CHUNK = 4096,
	PEER_GROUPS = 65536,	/* NGROUPS_MAX of the kernel */
};

struct client {
	TAILQ_ENTRY(client) entry;
	struct ctl *ctl;
	struct event *readable;
	struct event *writable;
	struct event *timer;
	evutil_socket_t fd;
	uid_t uid;
	enum ctl_access rights;
	char *in;		/* received, not looked at yet */
	size_t in_len;
	size_t in_size;
	size_t in_seen;		/* of it there is no newline in so many bytes */
	char *out;		/* the answer under way, NULL: none */
	size_t out_len;
	size_t out_sent;
	uint64_t waiting;	/* number of the wait, 0: none */
	struct answer answer;	/* held back meanwhile */
	bool stream;		/* asked for events: is told them from now on */
	struct events_place place;
	bool eof;		/* nothing more will come */
	bool last;		/* close when the answer has left */
};

struct ctl {
	struct daemon *d;
	struct event *listener;
	struct event *pause;
	evutil_socket_t fd;
	TAILQ_HEAD(, client) clients;
	size_t n_clients;
	uint64_t next_wait;
	struct timeval idle;
	struct ctl_counters counters;
};

struct ctl_counters
ctl_counters(const struct ctl *c)
{
	struct ctl_counters out = c != NULL ? c->counters : (struct ctl_counters){ 0 };

	out.connected = c != NULL ? c->n_clients : 0;
	return out;
}

void
ctl_set_idle(struct ctl *c, unsigned ms)
{
	c->idle.tv_sec = ms / 1000;
	c->idle.tv_usec = ms % 1000 * 1000;
}

static void
client_free(struct client *cl)
{
	TAILQ_REMOVE(&cl->ctl->clients, cl, entry);
	cl->ctl->n_clients--;
	if (cl->stream)
		events_leave(cl->ctl->d->events);
	if (cl->readable != NULL)
		event_free(cl->readable);
	if (cl->writable != NULL)
		event_free(cl->writable);
	if (cl->timer != NULL)
		event_free(cl->timer);
	if (cl->fd >= 0)
		close(cl->fd);
	answer_free(&cl->answer);
	free(cl->in);
	free(cl->out);
	free(cl);
}

/* Whatever comes next has this long. */
static void
client_timer(struct client *cl)
{
	event_add(cl->timer, &cl->ctl->idle);
}

/*
 * Waits for the next event, or sends it when the socket takes it.  No timer: a listener may
 * be silent for ever, and a slow one loses events, nobody else anything.
 */
static void
client_listen(struct client *cl)
{
	event_del(cl->timer);
	event_add(cl->readable, NULL);
	if (cl->in_len > 0)
		event_active(cl->readable, EV_READ, 1);
	if (events_pending(cl->ctl->d->events, &cl->place))
		event_add(cl->writable, NULL);
}

/*
 * Sends what the socket takes.  False when the client is gone: it is freed then.
 */
static bool
client_flush(struct client *cl)
{
	while (cl->out_sent < cl->out_len) {
		ssize_t n = send(cl->fd, cl->out + cl->out_sent, cl->out_len - cl->out_sent,
		    MSG_NOSIGNAL);

		if (n >= 0) {
			cl->out_sent += (size_t)n;
		} else if (errno == EAGAIN) {
			event_add(cl->writable, NULL);
			return true;
		} else if (errno != EINTR) {
			client_free(cl);
			return false;
		}
	}
	free(cl->out);
	cl->out = NULL;
	if (cl->last) {
		client_free(cl);
		return false;
	}
	if (cl->stream) {
		client_listen(cl);
		return true;
	}
	client_timer(cl);
	event_add(cl->readable, NULL);
	/* The next request may have been received already, or the end. */
	if (cl->in_len > 0 || cl->eof)
		event_active(cl->readable, EV_READ, 1);
	return true;
}

/* Sends A, which is released, to the client, which may be gone afterwards. */
static void
client_answer(struct client *cl, struct answer *a)
{
	struct daemon *d = cl->ctl->d;
	bool stop = a->stop;

	if (a->stream) {
		cl->stream = true;
		events_join(d->events, &cl->place);
	}
	cl->ctl->counters.requests_refused += a->code != NULL;
	cl->out = answer_print(a, &cl->out_len);
	cl->out_sent = 0;
	answer_free(a);
	if (cl->out == NULL) {
		log_warnx("control", "no memory for an answer");
		client_free(cl);
	} else {
		event_del(cl->readable);
		client_timer(cl);
		client_flush(cl);
	}
	if (stop)
		daemon_stop(d, 0);
}

static void
client_refuse(struct client *cl, const char *code, const char *message)
{
	struct answer a = { 0 };

	answer_refuse(&a, code, "", "%s", message);
	cl->last = true;
	client_answer(cl, &a);
}

/*
 * Whoever waits with NUMBER is looked up by it, since the client, or the whole of the control
 * socket, may be gone by now; it waits no longer.  NULL when it is gone.
 */
static struct client *
wait_end(struct daemon *d, uint64_t number)
{
	struct client *cl;

	if (d->ctl == NULL)
		return NULL;
	TAILQ_FOREACH(cl, &d->ctl->clients, entry)
		if (cl->waiting == number) {
			cl->waiting = 0;
			return cl;
		}
	return NULL;
}

/* The kernel has answered. */
static void
wait_done(struct daemon *d, const struct kernel_result *result, void *arg)
{
	struct client *cl = wait_end(d, (uintptr_t)arg);

	if (cl == NULL)
		return;
	answer_kernel(&cl->answer, result);
	client_answer(cl, &cl->answer);
}

/* Phase 1 is done: the answer is the new identity's index (spec/manual-mode 5.3). */
static void
operation_done(struct daemon *d, const struct node_operation *o, const char *why, void *arg)
{
	struct client *cl = wait_end(d, (uintptr_t)arg);

	if (cl == NULL)
		return;
	if (o == NULL)
		answer_refuse(&cl->answer, "kernel", "operation", "%s", why);
	else if (json_object_set_new(cl->answer.result, "index",
	    json_integer((json_int_t)o->new_identity)) != 0)
		answer_refuse(&cl->answer, "exhausted", "", "memory is exhausted; the operation goes on");
	client_answer(cl, &cl->answer);
}

/* Every namespace was checked; what was found is in the answer already. */
static void
check_done(struct daemon *d, bool ok, void *arg)
{
	struct client *cl = wait_end(d, (uintptr_t)arg);

	if (cl == NULL)
		return;
	if (!ok)
		answer_refuse(&cl->answer, "exhausted", "", "memory is exhausted");
	client_answer(cl, &cl->answer);
}

/* No timer runs meanwhile: the kernel answers or the helper is dead and we stop. */
static void
client_wait(struct client *cl, const struct answer *a)
{
	struct ctl *c = cl->ctl;

	cl->answer = *a;
	cl->waiting = ++c->next_wait;
	event_del(cl->readable);
	event_del(cl->timer);
	if (a->operates)
		daemon_wait_operation(c->d, a->identity, a->operation, operation_done,
		    (void *)(uintptr_t)cl->waiting);
	else if (!a->checks)
		daemon_wait_kernel(c->d, a->ns, wait_done, (void *)(uintptr_t)cl->waiting);
	else if (!watch_ask(c->d->watch, a->result, check_done, (void *)(uintptr_t)cl->waiting))
		check_done(c->d, false, (void *)(uintptr_t)cl->waiting);
}

static void
client_request(struct client *cl, size_t len)
{
	struct daemon *d = cl->ctl->d;
	struct answer a;

	cl->ctl->counters.requests++;
	request_run(d, cl->rights, cl->in, len, &a);
	if (a.code != NULL && strcmp(a.code, "denied") == 0) {
		log_remote(daemon_now(), "control", "user %u: %s", (unsigned)cl->uid, a.message);
		events_client(d, CTL_EVENT_client_denied, cl->uid, a.message);
	}
	cl->in_len -= len + 1;
	cl->in_seen = 0;
	if (cl->in_len > 0) {
		memmove(cl->in, cl->in + len + 1, cl->in_len);
	} else {
		free(cl->in);
		cl->in = NULL;
		cl->in_size = 0;
	}
	if (a.waits || a.checks || a.operates)
		client_wait(cl, &a);
	else
		client_answer(cl, &a);
	/* The client may be gone from here on. */
	daemon_pump(d);
}

/* The length of the first whole line, without its newline; -1: there is none. */
static ssize_t
client_line(struct client *cl)
{
	const char *end = cl->in_len > cl->in_seen ?
	    memchr(cl->in + cl->in_seen, '\n', cl->in_len - cl->in_seen) : NULL;

	cl->in_seen = cl->in_len;
	return end != NULL ? end - cl->in : -1;
}

static size_t
client_max(const struct client *cl)
{
	return cl->rights == CTL_WRITING ? CTL_REQUEST_MAX : CTL_READER_MAX;
}

/* Makes room for more input, up to a request and its newline. */
static bool
client_room(struct client *cl)
{
	size_t size = cl->in_size == 0 ? READ_CHUNK + 1 : cl->in_size * 2;
	char *in;

	if (cl->in_len < cl->in_size)
		return true;
	if (size > client_max(cl) + 1)
		size = client_max(cl) + 1;
	in = realloc(cl->in, size);
	if (in == NULL)
		return false;
	cl->in = in;
	cl->in_size = size;
	return true;
}

/* Reads once.  False when there is nothing new; the client may be gone then. */
static bool
client_receive(struct client *cl)
{
	ssize_t n;

	if (!client_room(cl)) {
		client_refuse(cl, "exhausted", "memory is exhausted");
		return false;
	}
	n = recv(cl->fd, cl->in + cl->in_len, cl->in_size - cl->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0) {
		client_free(cl);
		return false;
	}
	if (cl->in_len == 0)
		client_timer(cl);
	cl->in_len += (size_t)n;
	cl->eof = n == 0;
	return true;
}

static void
client_short(struct client *cl)
{
	char text[64];

	if (cl->in_len > client_max(cl)) {
		snprintf(text, sizeof(text), "a request longer than %zu bytes", client_max(cl));
		client_refuse(cl, "usage", text);
	} else if (cl->eof && cl->in_len > 0) {
		client_refuse(cl, "usage", "a request that does not end with a newline");
	} else if (cl->eof) {
		client_free(cl);
	}
}

/* A listener says nothing any more: this is its end, or a mistake. */
static void
listener_readable(struct client *cl)
{
	char byte;
	ssize_t n = cl->in_len > 0 ? 1 : recv(cl->fd, &byte, 1, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || cl->out != NULL) {
		client_free(cl);
		return;
	}
	client_refuse(cl, "usage", "on a connection that is told events nothing more is asked");
}

/*
 * One request at a time, so that nobody keeps the loop for himself.  Not called while an
 * answer is under way: the event is away then.
 */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *cl = arg;
	ssize_t len;

	(void)fd;
	(void)what;
	if (cl->stream) {
		listener_readable(cl);
		return;
	}
	len = client_line(cl);
	if (len < 0 && !cl->eof) {
		if (!client_receive(cl))
			return;
		len = client_line(cl);
	}
	if (len >= 0)
		client_request(cl, (size_t)len);
	else
		client_short(cl);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct client *cl = arg;

	(void)fd;
	(void)what;
	if (cl->stream && cl->out == NULL) {
		cl->out_sent = 0;
		cl->out = events_take(cl->ctl->d->events, &cl->place, &cl->out_len);
		/* Without memory it is tried again with the next event. */
		if (cl->out == NULL)
			return;
	}
	client_flush(cl);
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct client *cl = arg;

	(void)fd;
	(void)what;
	if (cl->out == NULL && cl->in_len > 0)
		client_refuse(cl, "usage", "the request was not complete in time");
	else
		client_free(cl);
}

/* --- who asks ------------------------------------------------------------- */

static bool
peer_is_member(const struct ctl_peer *peer, gid_t group)
{
	if (group == (gid_t)-1)
		return false;
	if (peer->gid == group)
		return true;
	for (size_t i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == group)
			return true;
	return false;
}

enum ctl_access
ctl_rights(const struct ctl_peer *peer, gid_t control, gid_t op)
{
	if (peer->uid == 0 || peer_is_member(peer, op))
		return CTL_WRITING;
	return peer_is_member(peer, control) ? CTL_READING : CTL_NOTHING;
}

/*
 * The supplementary groups that the peer had when it connected; allocated.  Returns how many;
 * what the kernel does not tell counts as none.
 */
static size_t
peer_groups(evutil_socket_t fd, gid_t **out)
{
	socklen_t len = 0;

	/* Too little room: it says how much is needed. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE ||
	    len > PEER_GROUPS * sizeof(gid_t))
		return 0;
	*out = malloc(len);
	if (*out == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, *out, &len) < 0)
		return 0;
	return len / sizeof(gid_t);
}

static enum ctl_access
fd_rights(const struct daemon *d, evutil_socket_t fd, uid_t *uid)
{
	struct ucred cred = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t len = sizeof(cred);
	struct ctl_peer peer;
	enum ctl_access rights = CTL_NOTHING;
	gid_t *groups = NULL;
	size_t n;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && len == sizeof(cred)) {
		n = peer_groups(fd, &groups);
		peer = (struct ctl_peer){ cred.uid, cred.gid, groups, n };
		rights = ctl_rights(&peer, d->control_gid, d->operator_gid);
	}
	*uid = cred.uid;
	free(groups);
	return rights;
}

/* --- accepting ------------------------------------------------------------ */

/* Why another client of UID is not let in, or NULL. */
static const char *
ctl_full(const struct ctl *c, uid_t uid)
{
	const struct client *cl;
	size_t n = 0;

	if (c->n_clients >= CTL_CLIENTS)
		return "too many clients of the control socket";
	if (uid == 0)
		return NULL;
	if (c->n_clients >= CTL_CLIENTS - CTL_ROOT_CLIENTS)
		return "too many clients of the control socket; the rest is kept for root";
	TAILQ_FOREACH(cl, &c->clients, entry)
		n += cl->uid == uid;
	return n >= CTL_USER_CLIENTS ? "this user has too many connections already" : NULL;
}

/* Tells who is not let in, as far as the socket takes it at once. */
static void
fd_refuse(struct ctl *c, evutil_socket_t fd, const char *code, const char *why)
{
	struct answer a = { 0 };
	size_t len, sent = 0;
	char *line;

	c->counters.clients_refused++;
	answer_refuse(&a, code, "", "%s", why);
	line = answer_print(&a, &len);
	while (line != NULL && sent < len) {
		ssize_t n = send(fd, line + sent, len - sent, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	free(line);
	close(fd);
}

static bool
client_new(struct ctl *c, evutil_socket_t fd, uid_t uid, enum ctl_access rights)
{
	struct client *cl = calloc(1, sizeof(*cl));

	if (cl == NULL)
		return false;
	cl->ctl = c;
	cl->fd = fd;
	cl->uid = uid;
	cl->rights = rights;
	TAILQ_INSERT_TAIL(&c->clients, cl, entry);
	c->n_clients++;
	cl->readable = event_new(c->d->base, fd, EV_READ | EV_PERSIST, on_readable, cl);
	cl->writable = event_new(c->d->base, fd, EV_WRITE, on_writable, cl);
	cl->timer = event_new(c->d->base, -1, 0, on_timeout, cl);
	if (cl->readable == NULL || cl->writable == NULL || cl->timer == NULL) {
		/* The descriptor is the caller's still. */
		cl->fd = -1;
		client_free(cl);
		return false;
	}
	c->counters.clients++;
	client_timer(cl);
	event_add(cl->readable, NULL);
	return true;
}

static void
ctl_admit(struct ctl *c, evutil_socket_t fd)
{
	uid_t uid;
	enum ctl_access rights = fd_rights(c->d, fd, &uid);
	const char *full;

	if (rights == CTL_NOTHING) {
		log_remote(daemon_now(), "control", "user %u is not allowed to ask", (unsigned)uid);
		events_client(c->d, CTL_EVENT_client_denied, uid, "is not allowed to ask");
		fd_refuse(c, fd, "denied",
		    "for root and members of control-group or operator-group only");
		return;
	}
	full = ctl_full(c, uid);
	if (full != NULL) {
		events_client(c->d, CTL_EVENT_client_full, uid, full);
		fd_refuse(c, fd, "exhausted", full);
	} else if (!client_new(c, fd, uid, rights)) {
		fd_refuse(c, fd, "exhausted", "memory is exhausted");
	}
}

/* Without descriptors or memory, accepting would fail again at once, for ever. */
static void
on_connection(evutil_socket_t listener, short what, void *arg)
{
	const struct timeval pause = { .tv_sec = CTL_PAUSE_S };
	evutil_socket_t fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct ctl *c = arg;

	(void)what;
	if (fd >= 0) {
		ctl_admit(c, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		log_remote(daemon_now(), "control", "accepting pauses: %s", strerror(errno));
		event_del(c->listener);
		event_add(c->pause, &pause);
	}
}

static void
on_pause_end(evutil_socket_t fd, short what, void *arg)
{
	struct ctl *c = arg;

	(void)fd;
	(void)what;
	event_add(c->listener, NULL);
}

struct ctl *
ctl_new(struct daemon *d, evutil_socket_t fd)
{
	struct ctl *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->d = d;
	c->fd = fd;
	c->idle.tv_sec = CTL_IDLE_S;
	TAILQ_INIT(&c->clients);
	d->events = events_new();
	c->listener = event_new(d->base, fd, EV_READ | EV_PERSIST, on_connection, c);
	c->pause = event_new(d->base, -1, 0, on_pause_end, c);
	if (d->events == NULL || c->listener == NULL || c->pause == NULL ||
	    event_add(c->listener, NULL) < 0) {
		c->fd = -1;
		ctl_free(c);
		return NULL;
	}
	return c;
}

void
ctl_tell(struct ctl *c)
{
	struct client *cl;

	if (c == NULL)
		return;
	TAILQ_FOREACH(cl, &c->clients, entry)
		if (cl->stream && cl->out == NULL)
			event_add(cl->writable, NULL);
}

/* Sends a listener what it still has to be told, as far as the socket takes it at once. */
static void
listener_drain(struct client *cl)
{
	while (cl->out != NULL || events_pending(cl->ctl->d->events, &cl->place)) {
		ssize_t n;

		if (cl->out == NULL) {
			cl->out_sent = 0;
			cl->out = events_take(cl->ctl->d->events, &cl->place, &cl->out_len);
		}
		if (cl->out == NULL)
			return;
		n = send(cl->fd, cl->out + cl->out_sent, cl->out_len - cl->out_sent, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		cl->out_sent += (size_t)n;
		if (cl->out_sent == cl->out_len) {
			free(cl->out);
			cl->out = NULL;
		}
	}
}

void
ctl_free(struct ctl *c)
{
	struct client *cl, *next;

	if (c == NULL)
		return;
	for (cl = TAILQ_FIRST(&c->clients); cl != NULL; cl = next) {
		next = TAILQ_NEXT(cl, entry);
		if (cl->stream)
			listener_drain(cl);
		if (cl->waiting == 0) {
			client_free(cl);
			continue;
		}
		/* Sent at once or not at all; frees the client unless it reads slowly. */
		cl->waiting = 0;
		client_refuse(cl, "kernel", "the daemon stops before the kernel has answered");
	}
	while ((cl = TAILQ_FIRST(&c->clients)) != NULL)
		client_free(cl);
	if (c->listener != NULL)
		event_free(c->listener);
	if (c->pause != NULL)
		event_free(c->pause);
	if (c->fd >= 0)
		close(c->fd);
	events_free(c->d->events);
	c->d->events = NULL;
	if (c->d->ctl == c)
		c->d->ctl = NULL;
	free(c);
}
