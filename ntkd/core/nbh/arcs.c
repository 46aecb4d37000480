/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Arcs: from the agreement of both ends to their removal (spec 12.2, 13, 19.4). */

#include "ntkd/core/nbh/int.h"

void
nb_arc_agree(struct nbh *n, struct entry *e)
{
	do
		n->last_arc++;
	while (n->last_arc == 0 || entry_of_arc(n, n->last_arc) != NULL);
	e->arc = n->last_arc;
	e->connection->deadline = NEVER;
	entry_state(n, e, NBH_AGREED);
	nb_act_entry(n, NBH_ROUTE_WANTED, e);
	/* Pairs that share an end with this one are no longer for us to want. */
	nb_decide(n, e->node);
}

static void
say_close(struct nbh *n, const struct entry *e, enum peer_close_reason reason)
{
	struct peer_msg *m = nb_message(n, PEER_close, 0, 0, NULL);

	if (m == NULL)
		return;
	m->close.reason = (uint8_t)reason;
	nb_act_connection(n, NBH_NOTICE, e->connection)->msg = m;
}

void
arc_alive(struct nbh *n, const struct entry *e, bool ask)
{
	struct peer_msg *m = nb_message(n, PEER_alive, 0, 0, NULL);

	if (m == NULL)
		return;
	m->alive.ask = ask;
	nb_act_connection(n, NBH_NOTICE, e->connection)->msg = m;
}

/* An arc that did not live long is not opened again at once. */
static void
judge_life(struct nbh *n, struct entry *e)
{
	if (n->now - e->up >= n->p->patience)
		e->failures = 0;
	else
		open_failed(n, e);
}

void
nb_arc_end(struct nbh *n, struct entry *e, bool usable, enum nbh_why why,
    enum peer_close_reason reason)
{
	const bool up = e->state == NBH_UP;
	struct nbh_action *a;

	if (e->state < NBH_AGREED)
		return;
	if (usable && e->connection != NULL)
		say_close(n, e, reason);
	if (up)
		nb_act_entry(n, NBH_ARC_REMOVING, e)->usable = usable;
	nb_act_entry(n, NBH_ROUTE_UNWANTED, e);
	if (e->connection != NULL)
		connection_close(n, e->connection);
	if (up) {
		a = nb_act_entry(n, NBH_ARC_REMOVED, e);
		a->usable = usable;
		a->why = why;
		n->stats.arcs_removed++;
		n->stats.removed[why]++;
		judge_life(n, e);
	} else {
		open_failed(n, e);
	}
	e->arc = 0;
	e->wanted = n->now;
	entry_state(n, e, NBH_WANTED);
}

bool
nbh_remove_arc(struct nbh *n, uint64_t now, uint32_t arc, bool usable, struct nbh_out *out)
{
	struct entry *e;

	if (!nb_begin(n, now, out))
		return false;
	e = entry_of_arc(n, arc);
	if (e != NULL) {
		nb_arc_end(n, e, usable, NBH_WHY_ORDER, PEER_CLOSE_ORDER);
		if (usable)
			e->aside = n->now + n->p->aside;
		nb_decide(n, e->node);
	}
	nb_end(n);
	return e != NULL;
}

/* --- the kernel's answer --------------------------------------------------------------- */

static void
answer_open(struct nbh *n, const struct connection *c, uint8_t error)
{
	struct nbh_action *a;
	struct peer_msg *m;

	if (error != 0) {
		a = nb_act_connection(n, NBH_ERROR, c);
		a->error = error;
	} else {
		m = nb_message(n, PEER_opened, 0, 0, NULL);
		if (m == NULL)
			return;
		m->opened.protocol = PEER_VERSION;
		m->opened.node = n->node;
		a = nb_act_connection(n, NBH_RESULT, c);
		a->msg = m;
	}
	a->call = c->call;
	a->called = PEER_open;
}

static void
arc_up(struct nbh *n, struct entry *e)
{
	if (!e->connection->ours)
		answer_open(n, e->connection, 0);
	e->connection->call = 0;
	e->up = n->now;
	e->quiet = 0;
	e->orphan = false;
	entry_state(n, e, NBH_UP);
	nbh_cost_settle(&e->cost);
	nb_act_entry(n, NBH_ARC_ADDED, e);
	n->stats.arcs_added++;
}

/* 16.1 f: somebody else has that route.  Both ends leave it alone for a while. */
static void
route_refused(struct nbh *n, struct entry *e)
{
	nb_refuse_entry(n, e, NBH_R_ROUTE);
	if (e->connection->ours)
		say_close(n, e, PEER_CLOSE_ORDER);
	else
		answer_open(n, e->connection, PEER_E_BUSY);
	connection_close(n, e->connection);
	e->arc = 0;
	e->wanted = n->now;
	e->barred = n->now + n->p->aside;
	entry_state(n, e, NBH_WANTED);
	nb_decide(n, e->node);
}

void
nbh_route_done(struct nbh *n, uint64_t now, uint32_t arc, bool ok, struct nbh_out *out)
{
	struct entry *e;

	if (!nb_begin(n, now, out))
		return;
	e = entry_of_arc(n, arc);
	if (e != NULL && e->state == NBH_AGREED && ok)
		arc_up(n, e);
	else if (e != NULL && e->state == NBH_AGREED)
		route_refused(n, e);
	nb_end(n);
}

/* --- cost ------------------------------------------------------------------------------------ */

void
nb_arc_cost(struct nbh *n, struct entry *e)
{
	if (e->state != NBH_UP || n->now < e->quiet || !nbh_cost_settle(&e->cost))
		return;
	e->quiet = n->now + n->p->changed;
	nb_act_entry(n, NBH_ARC_CHANGED, e);
	n->stats.arcs_changed++;
}
