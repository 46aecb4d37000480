/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Connections, and how an arc is opened over one (spec 19.4, 19.6, 19.7). */

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/nbh/int.h"
#include "ntkd/kernel/grow.h"

/* --- the list --------------------------------------------------------------------------- */

static size_t
place(const struct nbh *n, uint32_t number)
{
	size_t low = 0, high = n->n_connections;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (n->connection[middle]->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct connection *
connection_find(const struct nbh *n, uint32_t number)
{
	size_t i = place(n, number);

	return i < n->n_connections && n->connection[i]->number == number ? n->connection[i] : NULL;
}

/* NULL: failed. */
static struct connection *
connection_new(struct nbh *n, unsigned dev, ntk_ip_t peer)
{
	struct connection **v = grow(n->connection, n->n_connections, 1, &n->connections_size,
	    sizeof(struct connection *));
	struct connection *c = v != NULL ? calloc(1, sizeof(*c)) : NULL;
	size_t at;

	if (v != NULL)
		n->connection = v;
	if (c == NULL) {
		nb_fail(n);
		return NULL;
	}
	do
		n->last_connection++;
	while (n->last_connection == 0 || connection_find(n, n->last_connection) != NULL);
	*c = (struct connection){ .number = n->last_connection, .dev = dev, .peer = peer,
		.deadline = n->now + n->p->opening };
	at = place(n, c->number);
	memmove(v + at + 1, v + at, (n->n_connections - at) * sizeof(v[0]));
	v[at] = c;
	n->n_connections++;
	return c;
}

void
connection_forget(struct nbh *n, struct connection *c)
{
	size_t at = place(n, c->number);

	if (c->entry != NULL)
		c->entry->connection = NULL;
	memmove(n->connection + at, n->connection + at + 1,
	    (n->n_connections - at - 1) * sizeof(n->connection[0]));
	n->n_connections--;
	free(c);
}

void
connection_close(struct nbh *n, struct connection *c)
{
	nb_act_connection(n, NBH_CLOSE, c);
	connection_forget(n, c);
}

/* --- we lead ------------------------------------------------------------------------------- */

static size_t
connecting(const struct nbh *n, unsigned dev)
{
	size_t count = 0;

	for (size_t i = 0; i < n->n_connections; i++) {
		const struct connection *c = n->connection[i];

		if (c->dev == dev && c->ours && c->entry->state == NBH_OPENING)
			count++;
	}
	return count;
}

void
open_try(struct nbh *n, struct entry *e)
{
	struct connection *c;

	if (e->state != NBH_WANTED || !e->peer_wants || !we_lead(n, e) || n->now < e->retry ||
	    connecting(n, e->dev) >= n->p->max_opening)
		return;
	c = connection_new(n, e->dev, e->address);
	if (c == NULL)
		return;
	c->ours = true;
	c->entry = e;
	e->connection = c;
	n->stats.connects++;
	entry_state(n, e, NBH_OPENING);
	nb_act_connection(n, NBH_CONNECT, c);
}

/*
 * The next hello is another chance, but who fails again and again keeps others from theirs:
 * after half an interval twice, then 1, 2, 4, 8 intervals.
 */
void
open_failed(struct nbh *n, struct entry *e)
{
	uint64_t wait = n->p->interval * MS / 2;

	if (e->failures < UINT8_MAX)
		e->failures++;
	if (e->failures > 2)
		wait <<= e->failures < 6 ? e->failures - 2 : 4;
	if (e->retry < n->now + wait)
		e->retry = n->now + wait;
	if (e->state == NBH_OPENING)
		entry_state(n, e, NBH_WANTED);
}

static struct peer_msg *
compose_open(struct nbh *n, const struct entry *e)
{
	const struct topo *t = &n->p->topo;
	void *gexp;
	struct peer_msg *m = nb_message(n, PEER_open, t->levels, 1, &gexp);

	if (m == NULL)
		return NULL;
	memcpy(gexp, t->gexp, t->levels);
	m->open = (struct peer_open){ .protocol = PEER_VERSION, .node = n->node,
		.address = n->nic[e->dev].address, .peer_node = e->node,
		.peer_address = e->address, .range = n->p->range.addr,
		.range_len = n->p->range.len, .gexp = { gexp, t->levels } };
	memcpy(m->open.mac, n->nic[e->dev].mac.b, sizeof(m->open.mac));
	memcpy(m->open.peer_mac, e->mac.b, sizeof(m->open.peer_mac));
	return m;
}

void
nbh_connected(struct nbh *n, uint64_t now, uint32_t connection, struct nbh_out *out)
{
	struct connection *c;
	struct nbh_action *a;
	struct peer_msg *m;

	if (!nb_begin(n, now, out))
		return;
	c = connection_find(n, connection);
	if (c != NULL && c->ours && !c->connected) {
		c->connected = true;
		m = compose_open(n, c->entry);
		if (m != NULL) {
			a = nb_act_connection(n, NBH_CALL, c);
			a->call = NBH_OPEN_CALL;
			a->msg = m;
		}
	}
	nb_end(n);
}

/* Our OPEN was declined. */
static void
declined(struct nbh *n, struct entry *e, uint8_t error)
{
	const bool other = error == PEER_E_TOPOLOGY || error == PEER_E_VERSION;

	nb_refuse_entry(n, e, error == PEER_E_TOPOLOGY ? NBH_R_TOPOLOGY :
	    error == PEER_E_VERSION ? NBH_R_VERSION : NBH_R_DECLINED);
	if (error == PEER_E_NOT_WANTED)
		e->peer_wants = false;
	/* That will not have changed by the next hello. */
	if (other)
		e->retry = n->now + n->p->aside;
	connection_close(n, e->connection);
	open_failed(n, e);
}

/* --- what is out of place ------------------------------------------------------------------- */

static void
out_of_place(struct nbh *n, struct connection *c)
{
	struct entry *e = c->entry;

	if (e == NULL) {
		nb_refuse(n, c->dev, NBH_R_SPEECH, 0, NULL, c->peer);
		connection_close(n, c);
		return;
	}
	nb_refuse_entry(n, e, NBH_R_SPEECH);
	if (e->state == NBH_OPENING) {
		connection_close(n, c);
		open_failed(n, e);
	} else {
		nb_arc_end(n, e, false, NBH_WHY_CONNECTION, PEER_CLOSE_ORDER);
		nb_decide(n, e->node);
	}
}

static void
answered(struct nbh *n, struct connection *c, enum peer_kind kind, uint32_t call, uint8_t called,
    const struct peer_msg *m, uint8_t error)
{
	struct entry *e = c->entry;

	if (!c->connected || called != PEER_open || call != NBH_OPEN_CALL)
		out_of_place(n, c);
	else if (kind == PEER_ERROR)
		declined(n, e, error);
	else if (kind != PEER_RESULT || m == NULL || m->type != PEER_opened ||
	    m->opened.node != e->node)
		out_of_place(n, c);
	else if (m->opened.protocol != PEER_VERSION)
		declined(n, e, PEER_E_VERSION);
	else
		nb_arc_agree(n, e);
}

/* --- the neighbour leads -------------------------------------------------------------------- */

static bool
is_waiting(const struct connection *c, unsigned dev)
{
	return c->entry == NULL && c->dev == dev;
}

/* Makes room for one more on DEV from PEER: the oldest that say nothing go. */
static void
make_room(struct nbh *n, unsigned dev, ntk_ip_t peer)
{
	struct connection *oldest = NULL, *of_peer = NULL;
	size_t count = 0, count_peer = 0;

	for (size_t i = n->n_connections; i-- > 0;) {
		struct connection *c = n->connection[i];

		if (!is_waiting(c, dev))
			continue;
		count++;
		if (oldest == NULL || c->deadline <= oldest->deadline)
			oldest = c;
		if (c->peer != peer)
			continue;
		count_peer++;
		if (of_peer == NULL || c->deadline <= of_peer->deadline)
			of_peer = c;
	}
	if (count_peer >= PEER_CONNECTIONS)
		oldest = of_peer;
	else if (count < n->p->max_opening)
		return;
	nb_refuse(n, dev, NBH_R_HALF_OPEN, 0, NULL, oldest->peer);
	connection_close(n, oldest);
}

uint32_t
nbh_accepted(struct nbh *n, uint64_t now, unsigned dev, ntk_ip_t peer, struct nbh_out *out)
{
	const struct entry *e;
	struct connection *c = NULL;

	if (dev >= NBH_DEVS || !nb_begin(n, now, out))
		return 0;
	e = entry_at(n, dev, peer);
	if (!nic_active(&n->nic[dev]) || e == NULL || we_lead(n, e)) {
		nb_refuse(n, dev, NBH_R_STRANGER, 0, NULL, peer);
	} else {
		make_room(n, dev, peer);
		c = connection_new(n, dev, peer);
		n->stats.accepts++;
	}
	nb_end(n);
	return c != NULL ? c->number : 0;
}

static bool
topology_fits(const struct nbh *n, const struct peer_open *o)
{
	const struct topo *t = &n->p->topo;

	return o->gexp.n == t->levels && memcmp(o->gexp.v, t->gexp, t->levels) == 0 &&
	    o->range == n->p->range.addr && o->range_len == n->p->range.len;
}

/* The entry that O is about, if O says the truth about both ends. */
static struct entry *
entry_meant(const struct nbh *n, const struct connection *c, const struct peer_open *o)
{
	const struct nic *nic = &n->nic[c->dev];
	struct entry *e;
	ntk_mac_t mac;

	memcpy(mac.b, o->mac, sizeof(mac.b));
	e = entry_find(n, c->dev, mac);
	if (o->peer_node != n->node || o->peer_address != nic->address ||
	    memcmp(o->peer_mac, nic->mac.b, sizeof(o->peer_mac)) != 0 || o->address != c->peer)
		return NULL;
	return e != NULL && e->node == o->node && e->address == o->address && !we_lead(n, e) ?
	    e : NULL;
}

/* 0: the arc shall be; else an enum peer_error. */
static uint8_t
judge(struct nbh *n, const struct connection *c, const struct peer_open *o, struct entry *e)
{
	if (o->protocol != PEER_VERSION) {
		nb_refuse(n, c->dev, NBH_R_VERSION, o->node, NULL, c->peer);
		return PEER_E_VERSION;
	}
	if (e == NULL) {
		nb_refuse(n, c->dev, NBH_R_SPEECH, o->node, NULL, c->peer);
		return PEER_E_NOT_ACCEPTED;
	}
	if (!topology_fits(n, o)) {
		nb_refuse_entry(n, e, NBH_R_TOPOLOGY);
		return PEER_E_TOPOLOGY;
	}
	if (pair_blocked(n, e, NBH_AGREED)) {
		nb_refuse_entry(n, e, NBH_R_BUSY);
		return PEER_E_BUSY;
	}
	if (e->state < NBH_WANTED) {
		nb_refuse_entry(n, e, NBH_R_NOT_WANTED);
		return PEER_E_NOT_WANTED;
	}
	/*
	 * An arc that came and went so often is not worth a change of routes at any time: who leads
	 * waits as long by itself.
	 */
	if (e->failures >= FLAPS && n->now < e->retry) {
		nb_refuse_entry(n, e, NBH_R_FLAPS);
		return PEER_E_BUSY;
	}
	return 0;
}

static void
opened_by_peer(struct nbh *n, struct connection *c, uint32_t call, const struct peer_open *o)
{
	struct entry *e = entry_meant(n, c, o);
	uint8_t error = judge(n, c, o, e);
	struct nbh_action *a;

	n->stats.opens_in++;
	if (error != 0) {
		a = nb_act_connection(n, NBH_ERROR, c);
		a->call = call;
		a->called = PEER_open;
		a->error = error;
		connection_close(n, c);
		return;
	}
	/* The neighbour has lost the arc that we still have (19.4). */
	nb_arc_end(n, e, false, NBH_WHY_REOPENED, PEER_CLOSE_ORDER);
	c->entry = e;
	c->call = call;
	e->connection = c;
	nb_arc_agree(n, e);
}

/* --- messages and ends ----------------------------------------------------------------------- */

static void
closed_by_peer(struct nbh *n, struct entry *e, uint8_t reason)
{
	e->peer_wants = false;
	if (reason == PEER_CLOSE_LEAVING) {
		entry_drop(n, e, false, NBH_WHY_PEER);
		return;
	}
	nb_arc_end(n, e, false, NBH_WHY_PEER, PEER_CLOSE_ORDER);
	e->aside = n->now + n->p->aside;
	nb_decide(n, e->node);
}

static void
shows_life(struct nbh *n, struct entry *e, bool asks)
{
	e->alive = n->now;
	if (asks)
		arc_alive(n, e, false);
}

bool
nbh_takes(uint8_t type)
{
	return type >= PEER_hello && type <= PEER_alive;
}

void
nbh_receive(struct nbh *n, uint64_t now, uint32_t connection, enum peer_kind kind, uint32_t call,
    uint8_t called, const struct peer_msg *m, uint8_t error, struct nbh_out *out)
{
	struct connection *c;

	if (!nb_begin(n, now, out))
		return;
	c = connection_find(n, connection);
	if (c == NULL)
		;	/* closed meanwhile */
	else if (c->entry == NULL && kind == PEER_CALL && m != NULL && m->type == PEER_open)
		opened_by_peer(n, c, call, &m->open);
	else if (c->entry == NULL)
		out_of_place(n, c);
	else if (c->entry->state == NBH_OPENING)
		answered(n, c, kind, call, called, m, error);
	else if (kind == PEER_NOTICE && m != NULL && m->type == PEER_close)
		closed_by_peer(n, c->entry, m->close.reason);
	else if (kind == PEER_NOTICE && m != NULL && m->type == PEER_alive)
		shows_life(n, c->entry, m->alive.ask != 0);
	else
		out_of_place(n, c);
	nb_end(n);
}

/* The whole node may have restarted: its other interfaces may show another id soon, too. */
static void
orphan(struct nbh *n, uint32_t node)
{
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		for (size_t i = 0; i < n->nic[dev].n; i++) {
			struct entry *e = n->nic[dev].v[i];

			if (e->node == node && e->state < NBH_AGREED)
				e->orphan = true;
		}
}

static void
broken(struct nbh *n, struct connection *c)
{
	struct entry *e = c->entry;

	connection_forget(n, c);
	if (e == NULL)
		return;
	if (e->state == NBH_OPENING) {
		nb_refuse_entry(n, e, NBH_R_FAILED);
		open_failed(n, e);
		return;
	}
	nb_arc_end(n, e, false, NBH_WHY_CONNECTION, PEER_CLOSE_ORDER);
	orphan(n, e->node);
	nb_decide(n, e->node);
}

void
nbh_closed(struct nbh *n, uint64_t now, uint32_t connection, struct nbh_out *out)
{
	struct connection *c;

	if (!nb_begin(n, now, out))
		return;
	c = connection_find(n, connection);
	if (c != NULL)
		broken(n, c);
	nb_end(n);
}

static void
too_late(struct nbh *n, struct connection *c)
{
	struct entry *e = c->entry;

	if (e == NULL)
		nb_refuse(n, c->dev, NBH_R_LATE, 0, NULL, c->peer);
	else
		nb_refuse_entry(n, e, NBH_R_LATE);
	connection_close(n, c);
	if (e != NULL)
		open_failed(n, e);
}

void
open_tick(struct nbh *n)
{
	for (size_t i = n->n_connections; i-- > 0;)
		if (n->connection[i]->deadline <= n->now)
			too_late(n, n->connection[i]);
}
