/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/tbf.h"
#include "ntkd/io/ctl.h"
#include "ntkd/io/value.h"

enum { TIME = 64 };		/* room for a date, however far away */

struct events {
	char *line[EVENTS_KEPT];	/* owned; number N at N % EVENTS_KEPT; NULL: no memory */
	uint64_t next;			/* number of the next event */
	uint64_t operations;		/* of the helper, when a state was answered last */
	struct tbf remote;
	struct lines {
		struct tbf share;
		uint64_t held;		/* since it was told */
		uint64_t told;		/* when, µs; 0: never */
	} lines[CONF_INTERFACES];
	struct events_counters counters;
};

struct events *
events_new(void)
{
	struct events *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	tbf_init(&e->remote, EVENTS_REMOTE_BURST, EVENTS_REMOTE_RATE, daemon_now());
	for (size_t i = 0; i < CONF_INTERFACES; i++)
		tbf_init(&e->lines[i].share, EVENTS_LINES_BURST, EVENTS_LINES_RATE, daemon_now());
	return e;
}

static void
events_forget(struct events *e)
{
	for (size_t i = 0; i < EVENTS_KEPT; i++) {
		free(e->line[i]);
		e->line[i] = NULL;
	}
}

void
events_free(struct events *e)
{
	if (e == NULL)
		return;
	events_forget(e);
	free(e);
}

struct events_counters
events_counters(const struct events *e)
{
	return e != NULL ? e->counters : (struct events_counters){ 0 };
}

/* "2025-10-01T12:00:00.123Z" */
static char *
time_print(char buf[TIME])
{
	struct timespec t;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &t);
	n = gmtime_r(&t.tv_sec, &tm) != NULL ?
	    strftime(buf, TIME - sizeof(".123Z"), "%Y-%m-%dT%H:%M:%S", &tm) : 0;
	snprintf(buf + n, TIME - n, ".%03ldZ", t.tv_nsec / 1000000);
	return buf;
}

/* The line that tells of the event with MEMBERS, which are taken; NULL without memory. */
static char *
line_print(enum ctl_event_id which, json_t *members)
{
	char text[TIME];
	json_t *json = json_pack("{s:b, s:{s:s, s:s}}", "ok", 1, "result",
	    "time", time_print(text), "event", ctl_events[which].name);
	char *line = NULL;
	size_t size;

	if (json != NULL && members != NULL &&
	    json_object_update(json_object_get(json, "result"), members) == 0) {
		size = json_dumpb(json, NULL, 0, JSON_COMPACT);
		line = malloc(size + 2);
		if (line != NULL) {
			json_dumpb(json, line, size, JSON_COMPACT);
			memcpy(line + size, "\n", 2);
		}
	}
	json_decref(json);
	json_decref(members);
	return line;
}

/* Keeps the event for all listeners; MEMBERS, taken, may be NULL for want of memory. */
static void
event_keep(struct daemon *d, enum ctl_event_id which, json_t *members)
{
	struct events *e = d->events;
	char **place = &e->line[e->next % EVENTS_KEPT];

	free(*place);
	*place = line_print(which, members);
	e->next++;
	e->counters.events++;
	ctl_tell(d->ctl);
}

static bool
somebody_listens(const struct daemon *d)
{
	return d->events != NULL && d->events->counters.listeners > 0;
}

void
events_daemon(struct daemon *d, enum ctl_event_id which, const char *text)
{
	if (somebody_listens(d))
		event_keep(d, which, json_pack("{s:s}", "text", text));
}

void
events_client(struct daemon *d, enum ctl_event_id which, uid_t user, const char *text)
{
	if (!somebody_listens(d))
		return;
	if (tbf_pass(&d->events->remote, daemon_now()))
		event_keep(d, which, json_pack("{s:I, s:s}", "user", (json_int_t)user, "text", text));
	else
		d->events->counters.suppressed++;
}

static json_t *
json_identity(const struct daemon *d, const struct node_identity *id)
{
	return json_pack("{s:I, s:o, s:o*}",
	    "identity", (json_int_t)id->index,
	    "address", value_naddr(&d->conf, &id->facts->address),
	    "namespace", value_namespace(d, id));
}

static enum ctl_event_id
event_of(enum node_state before)
{
	switch (before) {
	case NODE_STARTING:
		return CTL_EVENT_identity_made;
	case NODE_LEAVING:
		return CTL_EVENT_identity_removed;
	case NODE_BOOTSTRAP:
	case NODE_RUNNING:
		break;
	}
	return CTL_EVENT_identity_changed;
}

/* WHICH, about an identity, in words. */
static void
identity_event(struct daemon *d, enum ctl_event_id which, const struct node_identity *id,
    const char *text)
{
	json_t *members = json_identity(d, id);

	if (members != NULL && json_object_set_new(members, "text", json_string(text)) != 0) {
		json_decref(members);
		members = NULL;
	}
	event_keep(d, which, members);
}

void
events_drift(struct daemon *d, unsigned ns, const char *text)
{
	struct node_identity id;

	if (somebody_listens(d) && node_find_ns(d->node, ns, &id))
		identity_event(d, CTL_EVENT_drift, &id, text);
}

/*
 * How many operations the helper has carried out since this was asked last: it is asked for one state at
 * a time, so they are that one's.
 */
static uint64_t
new_operations(struct daemon *d)
{
	uint64_t now = kernel_counters(d->kernel).operations, last = now;

	if (d->events != NULL) {
		last = d->events->operations;
		d->events->operations = now;
	}
	return now - last;
}

void
events_nic(struct daemon *d, size_t nic, const char *state)
{
	if (somebody_listens(d))
		event_keep(d, CTL_EVENT_interface, json_pack("{s:s, s:s}", "dev",
		    d->conf.interfaces[nic].name, "text", state));
}

void
events_kernel(struct daemon *d, unsigned ns, const struct kernel_result *result)
{
	uint64_t changes = new_operations(d);
	char text[KERNEL_REFUSAL_TEXT];
	struct node_identity id;
	json_t *members;

	if (!somebody_listens(d) || !node_find_ns(d->node, ns, &id))
		return;
	if (!result->ok) {
		identity_event(d, CTL_EVENT_transaction_refused, &id,
		    kernel_refusal_text(&result->refusal, text));
		return;
	}
	members = json_identity(d, &id);
	if (members != NULL && (json_object_set_new(members, "objects",
	    json_integer((json_int_t)kernel_applied(d->kernel, ns)->n)) != 0 ||
	    json_object_set_new(members, "changes", json_integer((json_int_t)changes)) != 0)) {
		json_decref(members);
		members = NULL;
	}
	event_keep(d, CTL_EVENT_transaction_done, members);
	event_keep(d, event_of(id.state), json_identity(d, &id));
}

/* --- what the node tells ------------------------------------------------------ */

static const enum ctl_event_id node_events[NODE_EVENTS] = {
	[NODE_E_ARC] = CTL_EVENT_arc,
	[NODE_E_ARC_REMOVED] = CTL_EVENT_arc_removed,
	[NODE_E_IDENTITY] = CTL_EVENT_identity,
	[NODE_E_IDENTITY_REMOVED] = CTL_EVENT_identity_leaving,
	[NODE_E_NAMESPACE] = CTL_EVENT_namespace_made,
	[NODE_E_GONE] = CTL_EVENT_identity_removed,
	[NODE_E_ADDRESS] = CTL_EVENT_address,
	[NODE_E_HANDED_OVER] = CTL_EVENT_handed_over,
	[NODE_E_OUTER] = CTL_EVENT_outer_arcs_removed,
	[NODE_E_IARC] = CTL_EVENT_identity_arc,
	[NODE_E_IARC_CHANGED] = CTL_EVENT_identity_arc_changed,
	[NODE_E_IARC_REMOVED] = CTL_EVENT_identity_arc_removed,
	[NODE_E_QARC] = CTL_EVENT_qspn_arc,
	[NODE_E_QARC_REMOVED] = CTL_EVENT_qspn_arc_removed,
	[NODE_E_PRESENT] = CTL_EVENT_present,
	[NODE_E_BOOTSTRAPPED] = CTL_EVENT_bootstrapped,
	[NODE_E_OPERATION] = CTL_EVENT_operation,
	[NODE_E_SPLIT] = CTL_EVENT_split,
	[NODE_E_KERNEL] = CTL_EVENT_refused_state,
	[NODE_E_LINKLOCAL] = CTL_EVENT_linklocal,
	[NODE_E_REFUSED] = CTL_EVENT_refused,
};

static bool
is_about_arc(enum node_event_kind k)
{
	return k == NODE_E_ARC || k == NODE_E_ARC_REMOVED || k == NODE_E_REFUSED ||
	    k == NODE_E_LINKLOCAL;
}

static bool
is_about_iarc(enum node_event_kind k)
{
	return k == NODE_E_IARC || k == NODE_E_IARC_CHANGED || k == NODE_E_IARC_REMOVED ||
	    k == NODE_E_QARC || k == NODE_E_QARC_REMOVED || k == NODE_E_SPLIT;
}

/* Of E: what it has, which depends on its kind. */
static json_t *
json_node_event(const struct daemon *d, const struct node_event *e)
{
	bool arc = is_about_arc(e->kind), iarc = is_about_iarc(e->kind);
	bool peer = (arc || iarc) && e->kind != NODE_E_LINKLOCAL;
	bool made = e->kind == NODE_E_IDENTITY || e->kind == NODE_E_OPERATION;
	bool from = e->kind == NODE_E_IDENTITY || e->kind == NODE_E_HANDED_OVER;
	bool counts = e->kind == NODE_E_REFUSED || e->kind == NODE_E_OUTER;
	const char *address = e->kind == NODE_E_ADDRESS ? e->text : NULL;

	return json_pack("{s:o*, s:s*, s:o*, s:o*, s:o*, s:o*, s:s*, s:o*, s:o*, s:o*, s:s*}",
	    "identity", arc ? NULL : json_integer(e->identity),
	    "address", address,
	    "namespace", e->kind == NODE_E_NAMESPACE ?
	    json_sprintf("ntkv%u", (unsigned)kernel_ns_number(d->kernel, (unsigned)e->number)) : NULL,
	    "from", from ? json_integer(e->other) : NULL,
	    "operation", made ? json_integer((json_int_t)e->number) : NULL,
	    "index", iarc ? json_integer((json_int_t)e->number) : NULL,
	    "dev", arc || iarc ? d->conf.interfaces[e->dev].name : NULL,
	    "peer_mac", peer ? value_mac(e->mac) : NULL,
	    "peer_linklocal", peer ? value_ip(e->peer) : NULL,
	    "times", counts ? json_integer((json_int_t)e->number) : NULL,
	    "text", e->text[0] != '\0' && address == NULL ? e->text : NULL);
}

bool
events_may_log(struct daemon *d, unsigned dev)
{
	struct lines *l = d->events != NULL ? &d->events->lines[dev] : NULL;
	uint64_t now = daemon_now();

	if (l == NULL || tbf_pass(&l->share, now))
		return true;
	d->events->counters.lines_held++;
	l->held++;
	if (l->told == 0 || now - l->told >= EVENTS_TOLD_SECONDS * UINT64_C(1000000)) {
		log_warnx("neighbour", "%s: arcs come and go so often that not all of it is written here "
		    "(%llu lines held back)", d->conf.interfaces[dev].name, (unsigned long long)l->held);
		l->told = now;
		l->held = 0;
	}
	return false;
}

static void
log_node_event(struct daemon *d, const struct node_event *e)
{
	const char *dev = d->conf.interfaces[e->dev].name, *name = node_event_name(e->kind);
	char mac[MAC_TEXT], ip[IP_TEXT];

	if (e->kind != NODE_E_REFUSED && (is_about_arc(e->kind) || is_about_iarc(e->kind)) &&
	    !events_may_log(d, e->dev))
		return;
	if (e->kind == NODE_E_REFUSED)
		log_remote(daemon_now(), "neighbour", "%s: %llu times refused, last %s %s: %s", dev,
		    (unsigned long long)e->number, mac_print(e->mac, mac), ip_print(e->peer, ip), e->text);
	else if (is_about_arc(e->kind))
		log_info("neighbour", "%s: %s %s %s%s%s", dev, name, mac_print(e->mac, mac),
		    ip_print(e->peer, ip), e->text[0] != '\0' ? ": " : "", e->text);
	else if (is_about_iarc(e->kind))
		log_info("identity", "%u: %s %llu, %s %s %s", e->identity, name,
		    (unsigned long long)e->number, dev, mac_print(e->mac, mac), ip_print(e->peer, ip));
	else if (e->kind == NODE_E_OPERATION || e->kind == NODE_E_IDENTITY)
		log_info("identity", "%u: %s %llu%s%s", e->identity, name,
		    (unsigned long long)e->number, e->text[0] != '\0' ? " is " : "", e->text);
	else
		log_info("identity", "%u: %s%s%s", e->identity, name, e->text[0] != '\0' ? ": " : "", e->text);
}

void
events_node(struct daemon *d, const struct node_event *e)
{
	log_node_event(d, e);
	if (!somebody_listens(d))
		return;
	if (e->kind == NODE_E_REFUSED && !tbf_pass(&d->events->remote, daemon_now()))
		d->events->counters.suppressed++;
	else
		event_keep(d, node_events[e->kind], json_node_event(d, e));
}

/* --- listeners -------------------------------------------------------------- */

void
events_join(struct events *e, struct events_place *at)
{
	*at = (struct events_place){ .next = e->next };
	e->counters.listeners++;
}

void
events_leave(struct events *e)
{
	if (--e->counters.listeners == 0)
		events_forget(e);
}

bool
events_pending(const struct events *e, const struct events_place *at)
{
	return at->next < e->next || at->lost > 0;
}

/* Moves AT to what is kept, counting what it lost. */
static void
place_catch_up(struct events *e, struct events_place *at)
{
	uint64_t oldest = e->next > EVENTS_KEPT ? e->next - EVENTS_KEPT : 0;
	uint64_t lost = at->next < oldest ? oldest - at->next : 0;

	at->next += lost;
	while (at->next < e->next && e->line[at->next % EVENTS_KEPT] == NULL) {
		at->next++;
		lost++;
	}
	at->lost += lost;
	e->counters.lost += lost;
}

char *
events_take(struct events *e, struct events_place *at, size_t *len)
{
	char *line = NULL;

	place_catch_up(e, at);
	if (at->lost > 0) {
		line = line_print(CTL_EVENT_lost, json_pack("{s:I}", "lost", (json_int_t)at->lost));
		if (line != NULL)
			at->lost = 0;
	} else if (at->next < e->next) {
		line = strdup(e->line[at->next % EVENTS_KEPT]);
		at->next++;
		if (line == NULL) {
			at->lost++;
			e->counters.lost++;
		}
	}
	*len = line != NULL ? strlen(line) : 0;
	return line;
}
