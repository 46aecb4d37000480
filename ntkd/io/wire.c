/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/wire.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/events.h"

enum {
	MS = 1000,		/* µs */
	TOLD = 60 * 1000 * MS,
};

struct wire {
	struct daemon *d;
	struct radar *radar;
	struct links *links;
	struct event *timer;		/* for node_deadline() */
	struct nic_state nic[CONF_INTERFACES];
	uint64_t deaf[CONF_INTERFACES];	/* when it was told that it is not listened there, µs; 0: never */
	uint64_t mute[CONF_INTERFACES];	/* the same of hellos that were not sent */
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

/* What the arc will be said to have ended by tells no more than that its connection did. */
static void
tell_closed(struct wire *w, uint32_t conn, enum link_reason reason, int error)
{
	const char *colon = error != 0 ? ": " : "", *cause = error != 0 ? strerror(error) : "";
	const struct nbh *nbh = node_nbh(w->d->node);
	char mac[MAC_TEXT], ip[IP_TEXT];
	struct nbh_entry e;
	uint32_t arc;

	if (nbh_connection(nbh, conn, &arc, NULL) == NBH_C_UP && nbh_arc_find(nbh, arc, &e) &&
	    events_may_log(w->d, e.dev))
		log_info("neighbour", "%s: the connection with %s %s ended: %s%s%s",
		    w->d->conf.interfaces[e.dev].name, mac_print(e.mac, mac), ip_print(e.address, ip),
		    link_reason_text(reason), colon, cause);
	else
		log_debug("link", "connection %u: %s%s%s", conn, link_reason_text(reason), colon, cause);
}

static void
on_closed(uint32_t conn, enum link_reason reason, int error, uint64_t now, void *arg)
{
	struct wire *w = arg;

	tell_closed(w, conn, reason, error);
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

/* What fails may fail every second: true once a minute, by when it was told last. */
static bool
is_news(uint64_t *told)
{
	uint64_t now = daemon_now();

	if (*told != 0 && now - *told < TOLD)
		return false;
	*told = now;
	return true;
}

/* Whom we do not say hello drops our arcs. */
static void
tell_mute(struct wire *w, unsigned dev, int error)
{
	if (is_news(&w->mute[dev]))
		log_warnx("radar", "%s: a hello cannot be sent: %s%s; told once a minute",
		    w->d->conf.interfaces[dev].name, strerror(error), error == ENOBUFS ?
		    " (with many neighbours: net.ipv4.neigh.default.gc_thresh3)" : "");
}

static void
tell_deaf(struct wire *w, const struct node_action *a, int error)
{
	char ip[IP_TEXT];

	if (!is_news(&w->deaf[a->dev]))
		return;
	log_warnx("link", "cannot listen for neighbours on %s at %s: %s; tried again with other addresses, "
	    "and told once a minute", w->d->conf.interfaces[a->dev].name, ip_print(a->address, ip),
	    strerror(error));
}

static void
listen_on(struct wire *w, const struct node_action *a)
{
	const char *dev = w->d->conf.interfaces[a->dev].name;
	uint32_t ifindex = w->nic[a->dev].ifindex;
	bool ok = radar_open(w->radar, a->dev, dev, ifindex, a->address) &&
	    links_listen(w->links, a->dev, dev, ifindex, a->address);
	int error = errno;

	if (!ok) {
		tell_deaf(w, a, error);
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
			tell_mute(w, a->dev, errno);
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
	return w != NULL ? links_counters(w->links) : (struct link_counters){ 0 };
}

struct radar_counters
wire_radar(const struct wire *w, size_t nic)
{
	return w != NULL ? radar_counters(w->radar, nic) : (struct radar_counters){ 0 };
}
