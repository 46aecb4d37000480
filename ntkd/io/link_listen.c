/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "ntkd/io/link_int.h"
#include "ntkd/io/peersock.h"

static bool
is_unconfirmed(const struct conn *c, size_t nic)
{
	return c->state == CONN_OPEN && c->accepted && !c->confirmed && c->ends.nic == nic;
}

/*
 * One more comes from PEER behind NIC: the oldest of too many goes.  Newer ones are worth more:
 * whoever is in earnest speaks within a round trip.
 */
static void
make_room(struct links *l, size_t nic, ntk_ip_t peer)
{
	struct conn *c, *oldest = NULL, *oldest_peer = NULL;
	size_t n = 0, n_peer = 0;

	TAILQ_FOREACH(c, &l->conns, entry) {
		if (!is_unconfirmed(c, nic))
			continue;
		n++;
		if (oldest == NULL)
			oldest = c;
		if (c->ends.peer != peer)
			continue;
		n_peer++;
		if (oldest_peer == NULL)
			oldest_peer = c;
	}
	if (n_peer >= LINK_UNCONFIRMED_PEER)
		conn_kill(oldest_peer, LINK_CROWDED, 0);
	else if (n >= LINK_UNCONFIRMED)
		conn_kill(oldest, LINK_CROWDED, 0);
}

/* A connection from PEER came as FD, which is taken. */
static void
welcome(struct listener *n, int fd, ntk_ip_t peer)
{
	struct links *l = n->l;
	size_t nic = (size_t)(n - l->listeners);
	struct link_ends ends = { .nic = nic, .local = n->addr, .peer = peer };
	uint64_t now = mono_now();
	struct conn *c;

	make_room(l, nic, peer);
	if (l->n_conns >= LINK_CONNECTIONS) {
		l->counters.turned_away++;
		close(fd);
		return;
	}
	c = conn_new(l, fd, &ends, CONN_OPEN);
	if (c == NULL)
		return;
	c->accepted = true;
	if (!conn_begin(c, now)) {
		conn_kill(c, LINK_MEMORY, 0);
		return;
	}
	c->number = l->handlers.accepted(&c->ends, now, l->arg);
	if (c->number != 0 && table_add(l, c)) {
		l->counters.accepted++;
		return;
	}
	c->number = 0;
	l->counters.unwanted++;
	conn_kill(c, LINK_ENDED, 0);
}

/* There is nothing to make a connection of, for the time being. */
static bool
is_exhausted(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* What has no descriptor would be there again at once, for ever. */
static void
rest(struct listener *n)
{
	const struct timeval tv = { LINK_ACCEPT_PAUSE_MS / 1000, LINK_ACCEPT_PAUSE_MS % 1000 * 1000 };

	event_del(n->acceptable);
	event_add(n->pause, &tv);
}

static void
on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *n = arg;
	ntk_ip_t peer;

	(void)what;
	/* A handler may close the listener, or open another one. */
	for (unsigned i = 0; i < LINK_ACCEPT && n->fd == fd; i++) {
		int got = peersock_accept(fd, &peer);

		if (got >= 0) {
			welcome(n, got, peer);
		} else if (is_exhausted(errno)) {
			log_remote(mono_now(), "link", "%s: a connection cannot be accepted: %s",
			    n->dev, strerror(errno));
			n->l->counters.exhausted++;
			rest(n);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

static void
on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct listener *n = arg;

	(void)fd;
	(void)what;
	event_add(n->acceptable, NULL);
}

void
listener_close(struct listener *n)
{
	if (n->acceptable != NULL)
		event_free(n->acceptable);
	if (n->pause != NULL)
		event_free(n->pause);
	if (n->fd >= 0)
		close(n->fd);
	*n = (struct listener){ .l = n->l, .fd = -1 };
}

static void
conns_end(struct links *l, size_t nic)
{
	struct conn *c;

	TAILQ_FOREACH(c, &l->conns, entry)
		if (c->ends.nic == nic)
			conn_kill(c, LINK_DEVICE, 0);
}

void
links_unlisten(struct links *l, size_t nic)
{
	listener_close(&l->listeners[nic]);
	conns_end(l, nic);
}

bool
links_listen(struct links *l, size_t nic, const char *dev, uint32_t ifindex, ntk_ip_t addr)
{
	struct peersock_nic sock = { ifindex, addr, LINK_TIMEOUT_MS };
	struct listener *n = &l->listeners[nic];
	int error;

	if (n->fd >= 0 && (n->ifindex != ifindex || n->addr != addr))
		conns_end(l, nic);
	listener_close(n);
	n->ifindex = ifindex;
	n->addr = addr;
	strncpy(n->dev, dev, sizeof(n->dev) - 1);
	n->fd = peersock_open(PEERSOCK_WAITING, &sock);
	if (n->fd < 0)
		return false;
	n->acceptable = event_new(l->base, n->fd, EV_READ | EV_PERSIST, on_acceptable, n);
	n->pause = evtimer_new(l->base, on_pause, n);
	if (n->acceptable != NULL && n->pause != NULL && event_add(n->acceptable, NULL) == 0)
		return true;
	error = ENOMEM;
	listener_close(n);
	errno = error;
	return false;
}

bool
links_listens(const struct links *l, size_t nic)
{
	return l->listeners[nic].fd >= 0;
}
