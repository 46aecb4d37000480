/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/helper.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "ntkd/io/daemon.h"
#include "proto/privmsg.h"

struct helper {
	struct daemon *d;
	int fd;
	bool lost;		/* nothing more comes of it */
	struct event *readable;
	struct event *writable;	/* pending only while the socket is full */
	size_t out_len;		/* bytes in `out` that wait; 0: none */
	uint8_t out[PRIV_MSG_MAX];
	uint8_t in[PRIV_MSG_MAX];
};

/* The helper is gone or mad: either way it has undone, or will undo, everything. */
static void
lose(struct helper *h)
{
	h->lost = true;
	event_del(h->readable);
	event_del(h->writable);
	daemon_stop(h->d, 3);
}

/* Sends the waiting message.  False when it must wait, or never will be sent. */
static bool
send_out(struct helper *h)
{
	ssize_t n;

	do
		n = send(h->fd, h->out, h->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		h->out_len = 0;
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS) {
		event_add(h->writable, NULL);
		return false;
	}
	/* EPIPE: what ended it shows when its side is read. */
	if (errno != EPIPE && errno != ECONNRESET)
		log_warn("helper", "sending a request");
	return false;
}

void
helper_flush(struct helper *h)
{
	while (!h->lost) {
		if (h->out_len == 0)
			h->out_len = kernel_next(h->d->kernel, h->out);
		if (h->out_len == 0 || !send_out(h))
			return;
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;

	(void)fd;
	(void)what;
	daemon_pump(h->d);
}

/* Takes one message.  False when there is none now. */
static bool
receive(struct helper *h)
{
	struct msg_error err;
	/* No control buffer: a descriptor that should come along is not installed. */
	ssize_t n = recv(h->fd, h->in, sizeof(h->in), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0 && errno != ECONNRESET)
		log_warn("helper", "receiving an answer");
	if (n <= 0) {
		log_error("helper", "ntkd-priv ended, and without it nothing goes on; its own log "
		    "lines, if there are any, tell why");
		lose(h);
		return false;
	}
	if ((size_t)n > sizeof(h->in)) {
		log_error("helper", "an answer of %zd bytes is too long", n);
		lose(h);
		return false;
	}
	if (!kernel_answer(h->d->kernel, h->in, (size_t)n, &err)) {
		log_error("helper", "an answer makes no sense: %s %s %s (%llu)", err.message,
		    err.field, err.why, (unsigned long long)err.value);
		lose(h);
		return false;
	}
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;

	(void)fd;
	(void)what;
	while (receive(h))
		continue;
	daemon_pump(h->d);
}

struct helper *
helper_new(struct daemon *d, int fd)
{
	struct helper *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->d = d;
	h->fd = fd;
	h->readable = event_new(d->base, fd, EV_READ | EV_PERSIST, on_readable, h);
	h->writable = event_new(d->base, fd, EV_WRITE, on_writable, h);
	if (h->readable == NULL || h->writable == NULL || event_add(h->readable, NULL) != 0) {
		h->fd = -1;
		helper_free(h);
		return NULL;
	}
	return h;
}

void
helper_free(struct helper *h)
{
	if (h == NULL)
		return;
	if (h->readable != NULL)
		event_free(h->readable);
	if (h->writable != NULL)
		event_free(h->writable);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
}

bool
helper_signal_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0;
}

bool
helper_wait(pid_t pid, unsigned seconds, int *status)
{
	struct timespec left;
	uint64_t end = daemon_now() + seconds * UINT64_C(1000000), now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		now = daemon_now();
		if (now >= end)
			return false;
		left.tv_sec = (time_t)((end - now) / 1000000);
		left.tv_nsec = (long)((end - now) % 1000000) * 1000;
		(void)sigtimedwait(&set, NULL, &left);
	}
}
