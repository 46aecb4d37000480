/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/wire.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ntkd/io/daemon.h"

enum { MS = 1000 };		/* µs */

struct wire {
	struct daemon *d;
	struct radar *radar;
	struct links *links;
	struct event *timer;		/* for node_deadline() */
	struct nic_state nic[CONF_INTERFACES];
};

/* --- what comes in -------------------------------------------------------------------------- */

static void
on_heard(const struct radar_heard *h, void *arg)
{
	struct wire *w = arg;

	node_datagram(w->d->node, h->now, (unsigned)h->nic, h->source, h->msg);
	daemon_pump(w->d);
}

static uint32_t
on_accepted(const struct link_ends *ends, uint64_t now, void *arg)
{
	struct wire *w = arg;
	uint32_t connection = node_accepted(w->d->node, now, (unsigned)ends->nic, ends->peer);

	/* What the node says over it comes later: link.h has no such connection before we return. */
	event_active(w->timer, EV_TIMEOUT, 0);
	return connection;
}

static void
on_connected(uint32_t conn, const struct link_ends *ends, uint64_t now, void *arg)
{
	struct wire *w = arg;

	(void)ends;
	node_connected(w->d->node, now, conn);
	daemon_pump(w->d);
}

static void
on_message(uint32_t conn, const struct link_message *m, uint64_t now, void *arg)
{
	struct wire *w = arg;

	node_message(w->d->node, now, conn, m->call, m->source, m->destination, m->msg);
	daemon_pump(w->d);
}

static void
on_answered(uint32_t conn, const struct link_answer *a, uint64_t now, void *arg)
{
	static const enum node_outcome outcomes[] = {
		[LINK_RESULT] = NODE_ANSWERED,
		[LINK_ERROR] = NODE_REFUSED,
		[LINK_WAITING] = NODE_PATIENCE,
		[LINK_TIMEOUT] = NODE_UNANSWERED,
	};
	struct wire *w = arg;

	node_answered(w->d->node, now, conn, a->token, a->type, outcomes[a->kind], a->error, a->msg);
	daemon_pump(w->d);
}

static void
on_closed(uint32_t conn, enum link_reason reason, int error, uint64_t now, void *arg)
{
	struct wire *w = arg;

	if (error != 0)
		log_debug("link", "connection %u: %s: %s", conn, link_reason_text(reason),
		    strerror(error));
	else
		log_debug("link", "connection %u: %s", conn, link_reason_text(reason));
	node_closed(w->d->node, now, conn);
	daemon_pump(w->d);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct wire *w = arg;

	(void)fd;
	(void)what;
	node_tick(w->d->node, daemon_now());
	daemon_pump(w->d);
}

void
wire_nic(struct wire *w, size_t nic, enum nic_news news, const struct nic_state *now)
{
	struct node *n = w->d->node;
	unsigned dev = (unsigned)nic;

	w->nic[nic] = *now;
	switch (news) {
	case NIC_UP:
		node_nic_up(n, daemon_now(), dev, now->mac);
		node_carrier(n, daemon_now(), dev, true);
		break;
	case NIC_DOWN:
		node_carrier(n, daemon_now(), dev, false);
		break;
	case NIC_GONE:
		node_nic_gone(n, daemon_now(), dev);
		break;
	}
	daemon_pump(w->d);
}

/* --- what goes out ----------------------------------------------------------------------------- */

static void
listen_on(struct wire *w, const struct node_action *a)
{
	const char *dev = w->d->conf.interfaces[a->dev].name;
	uint32_t ifindex = w->nic[a->dev].ifindex;
	bool ok = radar_open(w->radar, a->dev, dev, ifindex, a->address) &&
	    links_listen(w->links, a->dev, dev, ifindex, a->address);
	char ip[IP_TEXT];

	if (!ok) {
		log_warn("link", "cannot listen for neighbours on %s at %s", dev,
		    ip_print(a->address, ip));
		radar_close(w->radar, a->dev);
		links_unlisten(w->links, a->dev);
	}
	node_listening(w->d->node, daemon_now(), a->dev, a->address, ok);
}

static void
connect_to(struct wire *w, const struct node_action *a)
{
	if (!link_connect(w->links, a->connection, a->dev, a->peer))
		node_closed(w->d->node, daemon_now(), a->connection);
}

static uint32_t
ms(uint64_t us)
{
	return us / MS < UINT32_MAX ? (uint32_t)(us / MS) : UINT32_MAX;
}

void
wire_act(struct wire *w, const struct node_action *a)
{
	switch (a->kind) {
	case NODE_LISTEN:
		listen_on(w, a);
		break;
	case NODE_UNLISTEN:
		radar_close(w->radar, a->dev);
		links_unlisten(w->links, a->dev);
		break;
	case NODE_HELLO:
		if (!radar_say(w->radar, a->dev, a->msg))
			log_debug("radar", "%s: a hello was not sent: %s",
			    w->d->conf.interfaces[a->dev].name, strerror(errno));
		break;
	case NODE_KNOW:
		radar_know(w->radar, a->dev, a->peer, a->known);
		break;
	case NODE_CONNECT:
		connect_to(w, a);
		break;
	case NODE_CONFIRM:
		link_confirm(w->links, a->connection, ms(a->silence));
		break;
	case NODE_HOLD:
		link_hold(w->links, a->connection, a->hold);
		break;
	case NODE_NOTICE:
		link_notice(w->links, a->connection, a->source, a->destination, a->msg);
		break;
	case NODE_CALL:
		link_call(w->links, a->connection, a->source, a->destination, a->msg, a->token,
		    ms(a->limit));
		break;
	case NODE_RESULT:
		link_result(w->links, a->connection, a->call, a->msg);
		break;
	case NODE_ERROR:
		link_error(w->links, a->connection, a->call, a->error);
		break;
	case NODE_WAIT:
		link_wait(w->links, a->connection, a->call);
		break;
	case NODE_CLOSE:
		link_close(w->links, a->connection, true);
		break;
	case NODE_EVENT:
		break;
	}
}

void
wire_arm(struct wire *w)
{
	uint64_t at = node_deadline(w->d->node), now = daemon_now();
	uint64_t left = at > now ? at - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(left / 1000000),
		.tv_usec = (suseconds_t)(left % 1000000) };

	if (at == UINT64_MAX)
		evtimer_del(w->timer);
	else
		evtimer_add(w->timer, &tv);
}

/* --- life ------------------------------------------------------------------------------------------ */

struct wire *
wire_new(struct daemon *d)
{
	static const struct link_handlers handlers = {
		.accepted = on_accepted,
		.connected = on_connected,
		.message = on_message,
		.answered = on_answered,
		.closed = on_closed,
	};
	struct wire *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->d = d;
	w->radar = radar_new(d->base, on_heard, w);
	w->links = links_new(d->base, &handlers, w);
	w->timer = evtimer_new(d->base, on_timer, w);
	if (w->radar == NULL || w->links == NULL || w->timer == NULL) {
		wire_free(w);
		return NULL;
	}
	return w;
}

void
wire_free(struct wire *w)
{
	if (w == NULL)
		return;
	links_free(w->links);
	radar_free(w->radar);
	if (w->timer != NULL)
		event_free(w->timer);
	free(w);
}

size_t
wire_leaving(const struct wire *w)
{
	return links_leaving(w->links);
}

struct link_counters
wire_links(const struct wire *w)
{
	return links_counters(w->links);
}

struct radar_counters
wire_radar(const struct wire *w, size_t nic)
{
	return radar_counters(w->radar, nic);
}
