/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb show_counters: what each part has counted since the start.  What is refused is counted by
 * reason, so that an operator sees what somebody on the link does even where the log keeps silent.
 */
#include "common/log.h"
#include "ntkd/io/ctl.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/events.h"
#include "ntkd/io/value.h"
#include "ntkd/io/verbs.h"
#include "ntkd/io/watch.h"
#include "ntkd/io/wire.h"

/* Kernel objects that were applied, in all namespaces. */
static size_t
objects(const struct daemon *d)
{
	size_t n = 0;

	for (unsigned ns = 0; ns < KERNEL_NAMESPACES; ns++)
		n += kernel_applied(d->kernel, ns)->n;
	return n;
}

static json_t *
json_kernel(const struct daemon *d)
{
	struct kernel_counters k = kernel_counters(d->kernel);
	struct kmon_counters m = watch_counters(d->watch).notices;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "transactions", (json_int_t)k.transactions,
	    "operations", (json_int_t)k.operations,
	    "transactions_refused", (json_int_t)k.refused,
	    "objects", (json_int_t)objects(d),
	    "checks", (json_int_t)k.checks,
	    "checks_refused", (json_int_t)k.checks_refused,
	    "notices", (json_int_t)m.read,
	    "notices_lost", (json_int_t)m.lost,
	    "tables", (json_int_t)kernel_peers(d->kernel, NULL, 0));
}

static json_t *
json_control(const struct daemon *d)
{
	struct ctl_counters ctl = ctl_counters(d->ctl);
	struct events_counters e = events_counters(d->events);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "connected", (json_int_t)ctl.connected,
	    "clients", (json_int_t)ctl.clients,
	    "clients_refused", (json_int_t)ctl.clients_refused,
	    "requests", (json_int_t)ctl.requests,
	    "requests_refused", (json_int_t)ctl.requests_refused,
	    "listeners", (json_int_t)e.listeners,
	    "events", (json_int_t)e.events,
	    "events_lost", (json_int_t)e.lost,
	    "events_suppressed", (json_int_t)e.suppressed,
	    "log_suppressed", (json_int_t)(log_suppressed() + e.lines_held));
}

/* --- neighbours ------------------------------------------------------------------ */

static json_t *
json_neighbourhood(const struct nbh_stats *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "hellos_in", (json_int_t)s->hellos_in,
	    "hellos_out", (json_int_t)s->hellos_out,
	    "hellos_extra", (json_int_t)s->extra_out,
	    "round_trips", (json_int_t)s->samples,
	    "asked", (json_int_t)s->asked,
	    "neighbours_made", (json_int_t)s->entries_made,
	    "neighbours_gone", (json_int_t)s->entries_gone,
	    "arcs_made", (json_int_t)s->arcs_added,
	    "arcs_changed", (json_int_t)s->arcs_changed,
	    "arcs_gone", (json_int_t)s->arcs_removed,
	    "addresses", (json_int_t)s->addresses,
	    "opens_in", (json_int_t)s->opens_in,
	    "connects", (json_int_t)s->connects,
	    "accepts", (json_int_t)s->accepts);
}

static json_t *
json_refusals(const struct nbh_stats *s)
{
	json_t *list = json_array();

	for (int r = 0; r < NBH_REFUSALS; r++)
		value_add(&list, json_pack("{s:s, s:I, s:s}",
		    "reason", nbh_refusal_name((enum nbh_refusal)r),
		    "times", (json_int_t)s->refused[r],
		    "text", nbh_refusal_text((enum nbh_refusal)r)));
	return list;
}

static json_t *
json_arcs_lost(const struct nbh_stats *s)
{
	json_t *list = json_array();

	for (int w = 0; w <= NBH_WHY_LAST; w++)
		value_add(&list, json_pack("{s:s, s:I, s:s}",
		    "reason", nbh_why_name((enum nbh_why)w),
		    "times", (json_int_t)s->removed[w],
		    "text", nbh_why_text((enum nbh_why)w)));
	return list;
}

/* --- what goes over the wire -------------------------------------------------------- */

static json_t *
json_radar(const struct daemon *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->conf.n_interfaces; i++) {
		struct radar_counters r = wire_radar(d->wire, i);

		value_add(&list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		    "dev", d->conf.interfaces[i].name,
		    "heard", (json_int_t)r.heard,
		    "said", (json_int_t)r.said,
		    "unsaid", (json_int_t)r.unsaid,
		    "own", (json_int_t)r.own,
		    "dropped", (json_int_t)r.dropped,
		    "too_long", (json_int_t)r.too_long,
		    "no_frame", (json_int_t)r.no_frame,
		    "no_notice", (json_int_t)r.no_notice,
		    "malformed", (json_int_t)r.malformed,
		    "odd_source", (json_int_t)r.odd_source));
	}
	return list;
}

static json_t *
json_links(const struct link_counters *l)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
	    "s:I, s:I, s:I, s:I, s:I}",
	    "connections", (json_int_t)l->open,
	    "connections_made", (json_int_t)l->made,
	    "connections_accepted", (json_int_t)l->accepted,
	    "connections_unwanted", (json_int_t)l->unwanted,
	    "connections_turned_away", (json_int_t)l->turned_away,
	    "accepting_paused", (json_int_t)l->exhausted,
	    "messages_in", (json_int_t)l->messages_in,
	    "messages_out", (json_int_t)l->messages_out,
	    "bytes_in", (json_int_t)l->bytes_in,
	    "bytes_out", (json_int_t)l->bytes_out,
	    "messages_unreadable", (json_int_t)l->unreadable,
	    "answers_wrong", (json_int_t)l->wrong_answers,
	    "answers_late", (json_int_t)l->late,
	    "calls_unanswered", (json_int_t)l->timeouts,
	    "calls_too_many", (json_int_t)l->many_calls,
	    "reading_paused", (json_int_t)l->pauses,
	    "large_held", (json_int_t)l->held_large,
	    "queue_full", (json_int_t)l->queue_full,
	    "out_full", (json_int_t)l->out_full,
	    "in_full", (json_int_t)l->in_full,
	    "in_memory", (json_int_t)l->in_memory,
	    "out_memory", (json_int_t)l->out_memory);
}

static json_t *
json_ends(const struct link_counters *l)
{
	json_t *list = json_array();

	for (int r = 0; r < LINK_REASONS; r++)
		value_add(&list, json_pack("{s:s, s:I, s:s}",
		    "reason", link_reason_name((enum link_reason)r),
		    "times", (json_int_t)l->closed[r],
		    "text", link_reason_text((enum link_reason)r)));
	return list;
}

/* Adds the members of PART, which is taken, to ALL; false when memory is exhausted. */
static bool
join(json_t *all, json_t *part)
{
	bool ok = part != NULL && json_object_update(all, part) == 0;

	json_decref(part);
	return ok;
}

void
verb_show_counters(const struct call *c, struct answer *a)
{
	const struct nbh_stats *s = nbh_stats(node_nbh(c->d->node));
	struct link_counters l = wire_links(c->d->wire);
	json_t *all = json_object();

	if (all != NULL && join(all, json_kernel(c->d)) && join(all, json_control(c->d)) &&
	    join(all, json_neighbourhood(s)) && join(all, json_links(&l)) &&
	    join(all, json_pack("{s:o, s:o, s:o, s:o}",
	    "arcs_lost", json_arcs_lost(s),
	    "refusals", json_refusals(s),
	    "radar", json_radar(c->d),
	    "connections_ended", json_ends(&l)))) {
		a->result = all;
		return;
	}
	json_decref(all);
}
