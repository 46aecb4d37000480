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

/* A member of the answer. */
struct number {
	const char *key;
	uint64_t value;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Adds the N numbers at V to ALL; false when memory is exhausted. */
static bool
put_numbers(json_t *all, const struct number *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (json_object_set_new(all, v[i].key, json_integer((json_int_t)v[i].value)) != 0)
			return false;
	return true;
}

/* How often something happened for a reason, to LIST. */
static void
add_reason(json_t **list, const char *reason, uint64_t times, const char *text)
{
	value_add(list, json_pack("{s:s, s:I, s:s}", "reason", reason, "times", (json_int_t)times, "text", text));
}

/* Kernel objects that were applied, in all namespaces. */
static size_t
objects(const struct daemon *d)
{
	size_t n = 0;

	for (unsigned ns = 0; ns < KERNEL_NAMESPACES; ns++)
		n += kernel_applied(d->kernel, ns)->n;
	return n;
}

static bool
put_kernel(json_t *all, const struct daemon *d)
{
	struct kernel_counters k = kernel_counters(d->kernel);
	struct kmon_counters m = watch_counters(d->watch).notices;
	const struct number v[] = {
		{ "transactions", k.transactions },
		{ "operations", k.operations },
		{ "transactions_refused", k.refused },
		{ "objects", objects(d) },
		{ "checks", k.checks },
		{ "checks_refused", k.checks_refused },
		{ "notices", m.read },
		{ "notices_lost", m.lost },
		{ "tables", kernel_peers(d->kernel, NULL, 0) },
	};

	return put_numbers(all, v, COUNT(v));
}

static bool
put_control(json_t *all, const struct daemon *d)
{
	struct ctl_counters ctl = ctl_counters(d->ctl);
	struct events_counters e = events_counters(d->events);
	const struct number v[] = {
		{ "connected", ctl.connected },
		{ "clients", ctl.clients },
		{ "clients_refused", ctl.clients_refused },
		{ "requests", ctl.requests },
		{ "requests_refused", ctl.requests_refused },
		{ "listeners", e.listeners },
		{ "events", e.events },
		{ "events_lost", e.lost },
		{ "events_suppressed", e.suppressed },
		{ "log_suppressed", log_suppressed() + e.lines_held },
	};

	return put_numbers(all, v, COUNT(v));
}

/* --- neighbours ------------------------------------------------------------------ */

static bool
put_neighbourhood(json_t *all, const struct nbh_stats *s)
{
	const struct number v[] = {
		{ "hellos_in", s->hellos_in },
		{ "hellos_out", s->hellos_out },
		{ "hellos_extra", s->extra_out },
		{ "round_trips", s->samples },
		{ "asked", s->asked },
		{ "neighbours_made", s->entries_made },
		{ "neighbours_gone", s->entries_gone },
		{ "arcs_made", s->arcs_added },
		{ "arcs_changed", s->arcs_changed },
		{ "arcs_gone", s->arcs_removed },
		{ "addresses", s->addresses },
		{ "opens_in", s->opens_in },
		{ "connects", s->connects },
		{ "accepts", s->accepts },
	};

	return put_numbers(all, v, COUNT(v));
}

static json_t *
json_refusals(const struct nbh_stats *s)
{
	json_t *list = json_array();

	for (int r = 0; r < NBH_REFUSALS; r++)
		add_reason(&list, nbh_refusal_name((enum nbh_refusal)r), s->refused[r],
		    nbh_refusal_text((enum nbh_refusal)r));
	return list;
}

static json_t *
json_arcs_lost(const struct nbh_stats *s)
{
	json_t *list = json_array();

	for (int w = 0; w <= NBH_WHY_LAST; w++)
		add_reason(&list, nbh_why_name((enum nbh_why)w), s->removed[w], nbh_why_text((enum nbh_why)w));
	return list;
}

/* --- what goes over the wire -------------------------------------------------------- */

static json_t *
json_nic(const struct daemon *d, size_t nic)
{
	struct radar_counters r = wire_radar(d->wire, nic);
	const struct number v[] = {
		{ "heard", r.heard },
		{ "said", r.said },
		{ "unsaid", r.unsaid },
		{ "own", r.own },
		{ "dropped", r.dropped },
		{ "too_long", r.too_long },
		{ "no_frame", r.no_frame },
		{ "no_notice", r.no_notice },
		{ "malformed", r.malformed },
		{ "odd_source", r.odd_source },
	};
	json_t *row = json_pack("{s:s}", "dev", d->conf.interfaces[nic].name);

	if (row == NULL || put_numbers(row, v, COUNT(v)))
		return row;
	json_decref(row);
	return NULL;
}

static json_t *
json_radar(const struct daemon *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->conf.n_interfaces; i++)
		value_add(&list, json_nic(d, i));
	return list;
}

static bool
put_links(json_t *all, const struct link_counters *l)
{
	const struct number v[] = {
		{ "connections", l->open },
		{ "connections_made", l->made },
		{ "connections_accepted", l->accepted },
		{ "connections_unwanted", l->unwanted },
		{ "connections_turned_away", l->turned_away },
		{ "accepting_paused", l->exhausted },
		{ "messages_in", l->messages_in },
		{ "messages_out", l->messages_out },
		{ "bytes_in", l->bytes_in },
		{ "bytes_out", l->bytes_out },
		{ "messages_unreadable", l->unreadable },
		{ "answers_wrong", l->wrong_answers },
		{ "answers_late", l->late },
		{ "calls_unanswered", l->timeouts },
		{ "calls_too_many", l->many_calls },
		{ "reading_paused", l->pauses },
		{ "large_held", l->held_large },
		{ "queue_full", l->queue_full },
		{ "out_full", l->out_full },
		{ "in_full", l->in_full },
		{ "in_memory", l->in_memory },
		{ "out_memory", l->out_memory },
	};

	return put_numbers(all, v, COUNT(v));
}

static json_t *
json_ends(const struct link_counters *l)
{
	json_t *list = json_array();

	for (int r = 0; r < LINK_REASONS; r++)
		add_reason(&list, link_reason_name((enum link_reason)r), l->closed[r],
		    link_reason_text((enum link_reason)r));
	return list;
}

/* Adds V, which is taken, to ALL as KEY; false when memory is exhausted. */
static bool
put_list(json_t *all, const char *key, json_t *v)
{
	return json_object_set_new(all, key, v) == 0;
}

void
verb_show_counters(const struct call *c, struct answer *a)
{
	const struct nbh_stats *s = nbh_stats(node_nbh(c->d->node));
	struct link_counters l = wire_links(c->d->wire);
	json_t *all = json_object();

	if (put_kernel(all, c->d) && put_control(all, c->d) && put_neighbourhood(all, s) && put_links(all, &l) &&
	    put_list(all, "arcs_lost", json_arcs_lost(s)) && put_list(all, "refusals", json_refusals(s)) &&
	    put_list(all, "radar", json_radar(c->d)) && put_list(all, "connections_ended", json_ends(&l)))
		a->result = all;
	else
		json_decref(all);
}
