/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the neighbourhood reports, and costs (spec/daemon 7.1). */
#include "ntkd/core/node/int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/node/token.h"
#include "ntkd/kernel/grow.h"

/* --- routes for arcs in the making ------------------------------------------------------ */

static struct route *
route_find(struct node *n, uint32_t arc)
{
	for (size_t i = 0; i < n->n_routes; i++)
		if (n->routes[i].arc == arc)
			return &n->routes[i];
	return NULL;
}

static void
route_add(struct node *n, const struct nbh_action *a)
{
	struct route *v = more(n, n->routes, n->n_routes, &n->routes_size, sizeof(*v));

	if (v == NULL)
		return;
	n->routes = v;
	v[n->n_routes++] = (struct route){ .arc = a->arc, .dev = a->dev, .mac = a->mac,
		.peer = a->peer, .wanted = true };
	if (n->ids[0].loaded) {		/* what a file made of it has no neighbours of ours */
		v[n->n_routes - 1].wanted = false;
		v[n->n_routes - 1].answered = true;
		task_add(n, (struct task){ .kind = TASK_ROUTE, .arc = a->arc });
	}
	dirty(n, &n->ids[0]);
}

static void
route_drop(struct node *n, uint32_t arc)
{
	struct route *r = route_find(n, arc);

	if (r == NULL)
		return;
	n->n_routes--;
	memmove(r, r + 1, (size_t)(&n->routes[n->n_routes] - r) * sizeof(*r));
	dirty(n, &n->ids[0]);
}

void
route_done(struct node *n, uint32_t arc, struct nbh_out *out)
{
	struct route *r = route_find(n, arc);
	bool ok;

	if (r == NULL || !r->answered)
		return;
	r->answered = false;
	ok = r->ok;
	if (!ok)
		route_drop(n, arc);
	nbh_route_done(n->nbh, n->now, arc, ok, out);
}

/* --- costs ---------------------------------------------------------------------------------- */

static const struct wish *
wish_of(const struct node *n, const struct nbh_entry *e)
{
	for (size_t i = 0; i < n->n_wishes; i++)
		if (n->wishes[i].dev == e->dev && mac_cmp(n->wishes[i].mac, e->mac) == 0)
			return &n->wishes[i];
	return NULL;
}

/*
 * The operator's, or what was measured and a little more, which is the same as long as the arc lives, so
 * that two paths hardly ever cost the same (spec/daemon 4.4).
 */
uint64_t
arc_cost(struct node *n, uint32_t arc)
{
	const struct wish *w;
	struct nbh_entry e;

	if (!nbh_arc_find(n->nbh, arc, &e))
		return 1;
	w = n->conf->mode == CONF_MANUAL ? wish_of(n, &e) : NULL;
	if (w != NULL)
		return w->cost;
	return (uint64_t)e.cost + (arc * UINT64_C(2654435761) >> 7) % 1000 + (e.cost == 0);
}

void
arc_cost_changed(struct node *n, uint32_t arc)
{
	for (unsigned ns = next_by_index(n, 0); ns < NAMESPACES;
	    ns = next_by_index(n, n->ids[ns].index + 1)) {
		struct identity *id = &n->ids[ns];
		struct qspn_out out;

		qspn_out_init(&out);
		for (size_t i = 0; id->qspn != NULL && i < id->n_qarcs; i++)
			if (id->qarcs[i].arc == arc && id->qarcs[i].in_qspn)
				qspn_arc_changed(id->qspn, n->now, id->qarcs[i].number,
				    arc_cost(n, arc), &out);
		qspn_carry_out(n, id, &out);
		qspn_out_free(&out);
	}
}

/* --- reports ---------------------------------------------------------------------------------- */

static void
take_message(struct outgoing *o, struct nbh_action *a)
{
	o->own = a->msg;
	a->msg = NULL;
}

static void
on_address(struct node *n, const struct nbh_action *a)
{
	struct outgoing *o;

	if (!n->has_dev[a->dev] || n->linklocal[a->dev] != a->address) {
		n->has_dev[a->dev] = true;
		n->linklocal[a->dev] = a->address;
		dirty(n, &n->ids[0]);
	}
	/* Waits, as everything does, until the kernel has the address. */
	o = queue_add(n, NODE_LISTEN);
	o->a.dev = a->dev;
	o->a.address = a->address;
}

static void
on_no_address(struct node *n, const struct nbh_action *a)
{
	struct ident_out out;

	queue_add(n, NODE_UNLISTEN)->a.dev = a->dev;
	n->has_dev[a->dev] = false;
	dirty_all(n);
	ident_out_init(&out);
	ident_dev_remove(n->ident, n->now, a->dev, &out);
	ident_carry_out(n, &out);
	ident_out_free(&out);
}

/* What is added to the queue moves what is there: each is filled in before the next is added. */
static void
arc_event(struct node *n, enum node_event_kind kind, const struct nbh_action *a, const char *text)
{
	struct node_event *e = story_add(n, kind);

	e->dev = a->dev;
	e->mac = a->mac;
	e->peer = a->peer;
	snprintf(e->text, sizeof(e->text), "%s", text);
}

static void
on_arc(struct node *n, const struct nbh_action *a)
{
	struct ident_out out;
	struct outgoing *o;

	arc_event(n, NODE_E_ARC, a, "");
	o = queue_add(n, NODE_KNOW);
	o->a.dev = a->dev;
	o->a.peer = a->peer;
	o->a.known = true;
	o = queue_add(n, NODE_HOLD);
	o->a.connection = a->connection;
	ident_out_init(&out);
	ident_arc_add(n->ident, n->now, a->arc, a->dev, a->mac, a->peer, &out);
	ident_carry_out(n, &out);
	ident_out_free(&out);
}

static void
on_arc_removing(struct node *n, const struct nbh_action *a)
{
	struct ident_out out;

	ident_out_init(&out);
	ident_arc_remove(n->ident, n->now, a->arc, &out);
	ident_carry_out(n, &out);
	ident_out_free(&out);
	held_drop_arc(n, a->arc);
}

static void
on_arc_removed(struct node *n, const struct nbh_action *a)
{
	struct outgoing *o;

	arc_event(n, NODE_E_ARC_REMOVED, a, nbh_why_text(a->why));
	o = queue_add(n, NODE_KNOW);
	o->a.dev = a->dev;
	o->a.peer = a->peer;
}

/* The arc is agreed: the connection stays, and is read when the kernel has the route. */
static void
on_route(struct node *n, const struct nbh_action *a)
{
	struct outgoing *o = queue_add(n, NODE_CONFIRM);

	o->a.connection = a->connection;
	o->a.silence = a->silence;
	o = queue_add(n, NODE_HOLD);
	o->a.connection = a->connection;
	o->a.hold = true;
	route_add(n, a);
}

static void
on_refused(struct node *n, const struct nbh_action *a)
{
	struct node_event *e = story_add(n, NODE_E_REFUSED);

	e->dev = a->dev;
	e->mac = a->mac;
	e->peer = a->peer;
	e->number = a->count;
	snprintf(e->text, sizeof(e->text), "%s", nbh_refusal_text(a->refusal));
}

static void
send(struct node *n, enum node_action_kind kind, struct nbh_action *a)
{
	struct outgoing *o = queue_add(n, kind);

	o->a.dev = a->dev;
	o->a.address = a->address;
	o->a.peer = a->peer;
	o->a.connection = a->connection;
	o->a.call = a->call;
	o->a.error = a->error;
	o->a.silence = a->silence;
	o->a.token = token_nbh(a->call);
	o->a.limit = n->nbh_params.opening;
	take_message(o, a);
}

static void
carry_out(struct node *n, struct nbh_action *a)
{
	switch (a->kind) {
	case NBH_ADDRESS_WANTED:
		on_address(n, a);
		break;
	case NBH_ADDRESS_UNWANTED:
		on_no_address(n, a);
		break;
	case NBH_HELLO:
		send(n, NODE_HELLO, a);
		break;
	case NBH_CONNECT:
		send(n, NODE_CONNECT, a);
		break;
	case NBH_CALL:
		send(n, NODE_CALL, a);
		break;
	case NBH_NOTICE:
		send(n, NODE_NOTICE, a);
		break;
	case NBH_RESULT:
		send(n, NODE_RESULT, a);
		break;
	case NBH_ERROR:
		send(n, NODE_ERROR, a);
		break;
	case NBH_CLOSE:
		send(n, NODE_CLOSE, a);
		break;
	case NBH_ROUTE_WANTED:
		on_route(n, a);
		break;
	case NBH_ROUTE_UNWANTED:
		route_drop(n, a->arc);
		break;
	case NBH_ARC_ADDED:
		on_arc(n, a);
		break;
	case NBH_ARC_CHANGED:
		if (n->conf->mode != CONF_MANUAL)
			arc_cost_changed(n, a->arc);
		break;
	case NBH_ARC_REMOVING:
		on_arc_removing(n, a);
		break;
	case NBH_ARC_REMOVED:
		on_arc_removed(n, a);
		break;
	case NBH_REFUSED:
		on_refused(n, a);
		break;
	case NBH_CONFLICT:
		story_add(n, NODE_E_LINKLOCAL)->dev = a->dev;
		break;
	}
}

void
nbh_carry_out(struct node *n, struct nbh_out *out)
{
	n->failed = n->failed || out->failed;
	for (size_t i = 0; i < out->n; i++)
		carry_out(n, &out->v[i]);
	nbh_out_empty(out);
}

/* --- verbs of spec/manual-mode 4 ----------------------------------------------------------------- */

/* The interface with MAC; false with ERR. */
static bool
dev_of(const struct node *n, ntk_mac_t mac, unsigned *dev, struct node_error *err)
{
	char text[MAC_TEXT], list[200] = "";
	size_t len = 0;
	struct nbh_nic nic;

	for (unsigned d = 0; d < n->conf->n_interfaces; d++) {
		if (!nbh_nic(n->nbh, d, &nic))
			continue;
		if (mac_cmp(nic.mac, mac) == 0) {
			*dev = d;
			return true;
		}
		if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
			    len == 0 ? "" : ", ", mac_print(nic.mac, text));
	}
	fail(err, "unknown_arc", "mac", "no managed interface has %s; there are %s",
	    mac_print(mac, text), list);
	return false;
}

static bool
wanted_error(enum nbh_wanted w, ntk_mac_t peer, struct node_error *err)
{
	char text[MAC_TEXT];

	switch (w) {
	case NBH_WANT_DONE:
	case NBH_WANT_ALREADY:
		return true;
	case NBH_WANT_UNKNOWN:
		fail(err, "unknown_arc", "peer-mac", "no neighbour %s that hears us too is heard by this "
		    "interface; see show_neighborhood_arcs", mac_print(peer, text));
		break;
	case NBH_WANT_CONFLICT:
		fail(err, "conflict", "peer-mac", "another arc to the same node has this interface or "
		    "that of the neighbour");
		break;
	case NBH_WANT_FULL:
		fail(err, "exhausted", "", "no more arcs can be accepted");
		break;
	case NBH_WANT_MODE:
		fail(err, "mode", "", "this verb exists in manual mode only");
		break;
	}
	return false;
}

static size_t
wish_find(const struct node *n, unsigned dev, ntk_mac_t peer)
{
	size_t i = 0;

	while (i < n->n_wishes &&
	    (n->wishes[i].dev != dev || mac_cmp(n->wishes[i].mac, peer) != 0))
		i++;
	return i;
}

static bool
cost_ok(uint32_t cost, struct node_error *err)
{
	if (cost >= 1 && cost <= INT32_MAX)
		return true;
	fail(err, "usage", "cost", "must be 1 to 2147483647 microseconds");
	return false;
}

bool
node_add_real_arc(struct node *n, uint64_t now, ntk_mac_t mac, ntk_mac_t peer, uint32_t cost,
    bool *noted, struct node_error *err)
{
	enum nbh_wanted w;
	struct nbh_out out;
	struct wish *v;
	unsigned dev;
	bool ok;

	*err = (struct node_error){ .code = "" };
	*noted = false;
	if (!manual_only(n, err) || !cost_ok(cost, err) || !dev_of(n, mac, &dev, err))
		return false;
	/* The cost is there before the arc can be. */
	v = grow(n->wishes, n->n_wishes, 1, &n->wishes_size, sizeof(*v));
	if (v == NULL)
		return fail_memory(err);
	n->wishes = v;
	if (now > n->now)
		n->now = now;
	nbh_out_init(&out);
	w = nbh_want(n->nbh, n->now, dev, peer, &out);
	ok = wanted_error(w, peer, err);
	*noted = w == NBH_WANT_ALREADY;
	if (w == NBH_WANT_DONE)
		v[n->n_wishes++] = (struct wish){ .dev = dev, .mac = peer, .cost = cost };
	nbh_carry_out(n, &out);
	nbh_out_free(&out);
	settle(n);
	return ok;
}

static bool
accepted(struct node *n, ntk_mac_t mac, ntk_mac_t peer, size_t *wish, struct node_error *err)
{
	char text[MAC_TEXT];
	unsigned dev;

	*err = (struct node_error){ .code = "" };
	if (!manual_only(n, err) || !dev_of(n, mac, &dev, err))
		return false;
	*wish = wish_find(n, dev, peer);
	if (*wish < n->n_wishes)
		return true;
	fail(err, "unknown_arc", "peer-mac", "no arc with %s was accepted on this interface; see "
	    "show_real_arcs", mac_print(peer, text));
	return false;
}

bool
node_change_real_arc(struct node *n, uint64_t now, ntk_mac_t mac, ntk_mac_t peer, uint32_t cost,
    struct node_error *err)
{
	struct nbh_entry e;
	size_t i;

	if (!accepted(n, mac, peer, &i, err) || !cost_ok(cost, err))
		return false;
	if (now > n->now)
		n->now = now;
	n->wishes[i].cost = cost;
	if (nbh_entry_find(n->nbh, n->wishes[i].dev, peer, &e) && e.arc != 0)
		arc_cost_changed(n, e.arc);
	settle(n);
	return true;
}

bool
node_remove_real_arc(struct node *n, uint64_t now, ntk_mac_t mac, ntk_mac_t peer,
    struct node_error *err)
{
	struct nbh_out out;
	unsigned dev;
	size_t i;

	if (!accepted(n, mac, peer, &i, err))
		return false;
	if (now > n->now)
		n->now = now;
	dev = n->wishes[i].dev;
	nbh_out_init(&out);
	nbh_unwant(n->nbh, n->now, dev, peer, &out);
	nbh_carry_out(n, &out);
	nbh_out_free(&out);
	n->n_wishes--;
	memmove(&n->wishes[i], &n->wishes[i + 1], (n->n_wishes - i) * sizeof(*n->wishes));
	settle(n);
	return true;
}

size_t
node_real_arcs(const struct node *n, struct node_real_arc *v, size_t size)
{
	for (size_t i = 0; i < n->n_wishes && i < size; i++) {
		const struct wish *w = &n->wishes[i];
		struct nbh_entry e;

		v[i] = (struct node_real_arc){ .dev = w->dev, .peer_mac = w->mac, .cost = w->cost };
		if (!nbh_entry_find(n->nbh, w->dev, w->mac, &e))
			continue;
		v[i].up = e.state == NBH_UP;
		v[i].peer_linklocal = e.address;
	}
	return n->n_wishes;
}
