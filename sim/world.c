/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

/* The body of a message, shared by all deliveries of it. */
struct world_bytes {
	uint32_t refs;
	uint32_t len;
	uint32_t part[WORLD_PARTS];	/* of what the message consists; heads without the frame */
	bool full;			/* it is a full ETP, or asks for one */
	uint8_t data[];
};

enum event_kind {
	EVENT_TICK,		/* node */
	EVENT_DELIVER,		/* link, from, connection, …, bytes */
	EVENT_CONNECT,		/* link, connection */
	EVENT_SILENCE,		/* link, connection: a frozen node is given up */
	EVENT_LOST,		/* link, connection: too much was lost on it */
};

struct world_event {
	struct world_event *next;	/* in the queue of a frozen node */
	enum event_kind kind;
	uint32_t node;
	uint32_t link;
	uint32_t connection;
	uint8_t from;			/* end of the link that sent */
	uint8_t peer_kind;		/* enum peer_kind */
	uint8_t type;
	uint8_t error;			/* enum peer_error */
	uint32_t call;
	struct world_bytes *bytes;	/* of PEER_ERROR: NULL */
};

/* --- the hash of everything that happens --------------------------------------------- */

static void
mix(struct world *w, uint64_t v)
{
	/* The finalizer of splitmix64 over a running value. */
	uint64_t z = (w->hash ^ v) + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	w->hash = z ^ z >> 31;
}

static void
mix_bytes(struct world *w, const uint8_t *data, size_t len)
{
	uint64_t v = len;

	for (size_t i = 0; i < len; i++) {
		v = v << 8 | data[i];
		if (i % 7 == 6) {
			mix(w, v);
			v = 0;
		}
	}
	mix(w, v);
}

static void
mix_event(struct world *w, const struct world_event *e)
{
	mix(w, w->now);
	mix(w, (uint64_t)e->kind << 56 | (uint64_t)e->peer_kind << 48 | (uint64_t)e->type << 40 |
	    (uint64_t)e->from << 32 | (e->kind == EVENT_TICK ? e->node : e->link));
	if (e->bytes != NULL)
		mix_bytes(w, e->bytes->data, e->bytes->len);
}

uint64_t
world_hash(const struct world *w)
{
	return w->hash;
}

/* --- bytes and events ------------------------------------------------------------------ */

static void
bytes_unref(struct world_bytes *b)
{
	if (b != NULL && --b->refs == 0)
		free(b);
}

static uint32_t
records_size(const struct msg_desc *d, const void *v, size_t n, size_t size)
{
	struct wr w;

	wr_count(&w);
	for (size_t i = 0; i < n; i++)
		msg_encode(d, (const uint8_t *)v + i * size, &w);
	return (uint32_t)w.len;
}

static void
parts_measure(struct world_bytes *b, const struct peer_msg *m)
{
	const struct peer_etp *e = &m->etp;

	memset(b->part, 0, sizeof(b->part));
	b->part[WORLD_HEADS] = b->len;
	b->full = m->type == PEER_full_request || (m->type == PEER_etp && e->full);
	if (m->type != PEER_etp)
		return;
	b->part[WORLD_PATHS] = records_size(&peer_path_desc, e->paths.v, e->paths.n,
	    sizeof(*e->paths.v));
	b->part[WORLD_REPORTS] = records_size(&peer_fp_desc, e->reports.v, e->reports.n,
	    sizeof(*e->reports.v));
	b->part[WORLD_MARKS] = records_size(&peer_inside_desc, e->insides.v, e->insides.n,
	    sizeof(*e->insides.v)) + records_size(&peer_mark_desc, e->gone.v, e->gone.n,
	    sizeof(*e->gone.v));
	for (int i = WORLD_HEADS + 1; i < WORLD_PARTS; i++)
		b->part[WORLD_HEADS] -= b->part[i];
}

static struct world_bytes *
bytes_new(const struct peer_msg *m)
{
	size_t len = peer_msg_size(m);
	struct world_bytes *b = malloc(sizeof(*b) + len);
	struct wr w;

	if (b == NULL)
		return NULL;
	b->refs = 1;
	b->len = (uint32_t)len;
	wr_init(&w, b->data, len);
	peer_msg_write(m, &w);
	parts_measure(b, m);
	return b;
}

/* A reference to the bytes of M; those of the last message are kept, since one goes to many. */
static struct world_bytes *
bytes_of(struct world *w, struct qspn_msg *m)
{
	if (w->last_msg != m) {
		if (w->last_msg != NULL)
			qspn_msg_unref(w->last_msg);
		bytes_unref(w->last_bytes);
		w->last_msg = qspn_msg_ref(m);
		w->last_bytes = bytes_new(qspn_msg_get(m));
	}
	if (w->last_bytes == NULL)
		w->failed = true;
	else
		w->last_bytes->refs++;
	return w->last_bytes;
}

static void
event_free(struct world_event *e)
{
	bytes_unref(e->bytes);
	free(e);
}

/* Copies E into the heap; takes its reference to the bytes. */
static void
event_put(struct world *w, uint64_t at, const struct world_event *e)
{
	struct world_event *copy = malloc(sizeof(*copy));

	if (copy != NULL && heap_put(&w->heap, at, copy)) {
		*copy = *e;
		copy->next = NULL;
		w->under_way += e->kind != EVENT_TICK;
		return;
	}
	free(copy);
	bytes_unref(e->bytes);
	w->failed = true;
}

static bool
chance(struct world *w, uint32_t millionths)
{
	return millionths != 0 && rng_below(&w->rng, WORLD_PER_CENT) < millionths;
}

/* --- links -------------------------------------------------------------------------------- */

/* Which end of link L node N is. */
static unsigned
side(const struct world_link *l, uint32_t n)
{
	return l->node[0] == n ? 0 : 1;
}

static uint64_t
travel_time(struct world *w, const struct world_link *l)
{
	uint64_t t = l->latency;

	if (w->settings.jitter != 0)
		t += rng_u64(&w->rng) % (w->settings.jitter + 1);
	return t;
}

/*
 * How much later a message comes because it was lost and sent again; WORLD_SILENCE: it never
 * does.
 */
static uint64_t
resend_time(struct world *w)
{
	uint64_t t = 0, resend = WORLD_RESEND;

	while (t < WORLD_SILENCE && chance(w, w->settings.faults.loss)) {
		t += resend;
		resend *= 2;
		w->count.resent++;
	}
	return t < WORLD_SILENCE ? t : WORLD_SILENCE;
}

/* Neither end hears of the other any more: both give the connection up. */
static void
connection_lost(struct world *w, uint32_t link)
{
	const struct world_event e = { .kind = EVENT_LOST, .link = link,
		.connection = w->links[link].connection };

	w->count.lost++;
	event_put(w, w->now + WORLD_SILENCE, &e);
}

static struct world_bytes *
corrupted(struct world *w, struct world_bytes *b)
{
	struct world_bytes *c;

	if (b == NULL || b->len == 0 || !chance(w, w->settings.faults.corrupt))
		return b;
	c = malloc(sizeof(*c) + b->len);
	if (c == NULL) {
		w->failed = true;
		return b;
	}
	memcpy(c, b, sizeof(*c) + b->len);
	c->refs = 1;
	c->data[rng_below(&w->rng, b->len)] ^= (uint8_t)(1 + rng_below(&w->rng, 255));
	w->count.corrupted++;
	bytes_unref(b);
	return c;
}

static void
count_message(struct world *w, const struct world_event *e)
{
	struct world_count *c = &w->count;
	uint64_t head = peer_frame_size() + (e->bytes == NULL);

	c->messages++;
	c->bytes += head;
	c->part[WORLD_HEADS] += head;
	c->etps += e->type == PEER_etp || e->peer_kind == PEER_RESULT;
	if (e->bytes == NULL)
		return;
	c->bytes += e->bytes->len;
	c->bytes_full += e->bytes->full ? head + e->bytes->len : 0;
	for (int i = 0; i < WORLD_PARTS; i++)
		c->part[i] += e->bytes->part[i];
}

/* Sends E, whose message is filled in, over link LINK from its end FROM. */
static void
transmit(struct world *w, uint32_t link, unsigned from, struct world_event *e)
{
	struct world_link *l = &w->links[link];
	uint64_t late = resend_time(w), at = w->now + travel_time(w, l) + late;

	count_message(w, e);
	e->kind = EVENT_DELIVER;
	e->link = link;
	e->connection = l->connection;
	e->from = (uint8_t)from;
	if (late == WORLD_SILENCE) {
		bytes_unref(e->bytes);
		connection_lost(w, link);
		return;
	}
	if (e->peer_kind == PEER_NOTICE && chance(w, w->settings.faults.vanish)) {
		w->count.vanished++;
		bytes_unref(e->bytes);
		return;
	}
	if (chance(w, w->settings.faults.overtake)) {
		at += 1 + rng_u64(&w->rng) % (4 * l->latency + 1000);
		w->count.overtaken++;
	} else {
		at = at > l->last[from] ? at : l->last[from];
		l->last[from] = at;
	}
	e->bytes = corrupted(w, e->bytes);
	if (e->peer_kind == PEER_NOTICE && chance(w, w->settings.faults.twice)) {
		w->count.twice++;
		e->bytes->refs++;
		event_put(w, at + travel_time(w, l), e);
	}
	event_put(w, at, e);
}

/* --- what managers want done ------------------------------------------------------------- */

static void disconnect(struct world *w, uint32_t link);
static void act(struct world *w, uint32_t node);

static struct world_end *
end_of_arc(struct world_node *n, uint32_t arc)
{
	for (uint32_t i = 0; i < n->n_ends; i++)
		if (n->ends[i].arc == arc)
			return &n->ends[i];
	return NULL;
}

/* The bytes of M, or of what NODE makes of it for the node at END; NULL: nothing is sent. */
static struct world_bytes *
bytes_to_send(struct world *w, uint32_t node, const struct world_end *end, struct qspn_msg *m)
{
	struct peer_msg other;
	struct world_bytes *b;

	if (w->tamper == NULL)
		return bytes_of(w, m);
	other = *qspn_msg_get(m);
	if (!w->tamper(w, node, end->node, &other, w->tamper_arg))
		return NULL;
	b = bytes_new(&other);
	w->failed = w->failed || b == NULL;
	return b;
}

static void
send_action(struct world *w, uint32_t node, const struct qspn_action *a)
{
	const struct world_end *end = end_of_arc(&w->nodes[node], a->arc);
	struct world_event e = { .call = a->call };

	if (end == NULL || end->connection != w->links[end->link].connection)
		return;
	e.peer_kind = a->kind == QSPN_SEND ? PEER_NOTICE : a->kind == QSPN_CALL ? PEER_CALL :
	    a->kind == QSPN_RESULT && a->msg != NULL ? PEER_RESULT : PEER_ERROR;
	if (e.peer_kind == PEER_ERROR)
		e.error = a->kind == QSPN_RESULT ? PEER_E_BOOTSTRAP : PEER_E_NOT_ACCEPTED;
	if (a->msg != NULL) {
		e.type = qspn_msg_get(a->msg)->type;
		e.bytes = bytes_to_send(w, node, end, a->msg);
		if (e.bytes == NULL)
			return;
	}
	transmit(w, end->link, side(&w->links[end->link], node), &e);
}

/* The manager gave an arc up by itself; the other end hears of it. */
static void
arc_given_up(struct world *w, uint32_t node, uint32_t arc)
{
	struct world_end *end = end_of_arc(&w->nodes[node], arc);

	w->count.given_up++;
	if (end == NULL)
		return;
	end->arc = 0;
	if (end->connection == w->links[end->link].connection)
		disconnect(w, end->link);
}

static void
action_do(struct world *w, uint32_t node, const struct qspn_action *a)
{
	switch (a->kind) {
	case QSPN_SEND:
	case QSPN_CALL:
	case QSPN_RESULT:
	case QSPN_ERROR:
		send_action(w, node, a);
		break;
	case QSPN_ARC_REMOVED:
		arc_given_up(w, node, a->arc);
		break;
	default:
		break;
	}
	if (w->watch != NULL)
		w->watch(w, node, a, w->watch_arg);
}

/* The next tick of the manager of NODE, and whether it is quiet. */
static void
arm(struct world *w, uint32_t node)
{
	struct world_node *n = &w->nodes[node];
	const struct world_event e = { .kind = EVENT_TICK, .node = node };
	uint64_t at = n->qspn != NULL ? qspn_deadline(n->qspn) : UINT64_MAX;
	bool busy = n->qspn != NULL && n->state == WORLD_NODE_UP && !qspn_is_quiet(n->qspn);

	if (n->qspn != NULL && qspn_failed(n->qspn))
		w->failed = true;
	w->n_busy = w->n_busy - n->busy + busy;
	n->busy = busy;
	at = at > w->now || at == UINT64_MAX ? at : w->now;
	if (n->state != WORLD_NODE_UP || at >= n->armed)
		return;
	n->armed = at;
	event_put(w, at, &e);
}

/*
 * Does what the manager of NODE asked for in the call that just returned.  Others may be called
 * meanwhile, so the list is taken out of their way.
 */
static void
act(struct world *w, uint32_t node)
{
	struct qspn_out mine = w->out;

	qspn_out_init(&w->out);
	w->last = node;
	if (mine.failed)
		w->failed = true;
	for (size_t i = 0; i < mine.n; i++)
		action_do(w, node, &mine.v[i]);
	qspn_out_empty(&mine);
	if (w->out.v == NULL)
		w->out = mine;
	else
		qspn_out_free(&mine);
	arm(w, node);
}

void
world_acted(struct world *w, uint32_t node)
{
	act(w, node);
}

void
world_say(struct world *w, uint32_t node, uint32_t end, uint8_t kind, uint8_t type, uint32_t call,
    const uint8_t *body, size_t len)
{
	const struct world_end *at = &w->nodes[node].ends[end];
	struct world_event e = { .peer_kind = kind, .type = type, .call = call };

	if (at->arc == 0 || at->connection != w->links[at->link].connection)
		return;
	e.bytes = malloc(sizeof(*e.bytes) + len);
	if (e.bytes == NULL) {
		w->failed = true;
		return;
	}
	*e.bytes = (struct world_bytes){ .refs = 1, .len = (uint32_t)len };
	e.bytes->part[WORLD_HEADS] = (uint32_t)len;
	memcpy(e.bytes->data, body, len);
	transmit(w, at->link, side(&w->links[at->link], node), &e);
}

/* --- connections ------------------------------------------------------------------------- */

static bool
may_connect(const struct world *w, const struct world_link *l)
{
	return l->up && !l->connected && w->nodes[l->node[0]].state == WORLD_NODE_UP &&
	    w->nodes[l->node[1]].state == WORLD_NODE_UP;
}

static void
end_connect(struct world *w, uint32_t link, unsigned i)
{
	struct world_link *l = &w->links[link];
	struct world_node *n = &w->nodes[l->node[i]];
	struct world_end *end = &n->ends[l->end[i]];

	if (!l->connected)
		return;
	end->arc = ++n->arcs_made;
	end->connection = l->connection;
	if (qspn_arc_add(n->qspn, w->now, end->arc, l->cost, &w->out)) {
		act(w, l->node[i]);
		return;
	}
	end->arc = 0;
	act(w, l->node[i]);
	disconnect(w, link);
}

static void
connect(struct world *w, uint32_t link)
{
	struct world_link *l = &w->links[link];

	if (!may_connect(w, l))
		return;
	l->connected = true;
	l->connection++;
	w->still_since = w->now;
	l->last[0] = l->last[1] = w->now;
	end_connect(w, link, 0);
	end_connect(w, link, 1);
}

static void
connect_later(struct world *w, uint32_t link, uint64_t delay)
{
	const struct world_event e = { .kind = EVENT_CONNECT, .link = link,
		.connection = w->links[link].connection };

	event_put(w, w->now + delay, &e);
}

/* A frozen node notices when it thaws. */
static void
end_disconnect(struct world *w, uint32_t link, unsigned i)
{
	struct world_link *l = &w->links[link];
	struct world_node *n = &w->nodes[l->node[i]];
	struct world_end *end = &n->ends[l->end[i]];
	uint32_t arc = end->arc;

	if (arc == 0 || n->state != WORLD_NODE_UP)
		return;
	end->arc = 0;
	qspn_arc_remove(n->qspn, w->now, arc, &w->out);
	act(w, l->node[i]);
}

static void
disconnect(struct world *w, uint32_t link)
{
	struct world_link *l = &w->links[link];

	if (!l->connected)
		return;
	l->connected = false;
	l->connection++;
	w->still_since = w->now;
	end_disconnect(w, link, 0);
	end_disconnect(w, link, 1);
	if (may_connect(w, l))
		connect_later(w, link, WORLD_RECONNECT);
}

/* --- what happens ------------------------------------------------------------------------ */

void
world_link_down(struct world *w, uint32_t link)
{
	w->links[link].up = false;
	disconnect(w, link);
}

void
world_link_up(struct world *w, uint32_t link)
{
	w->links[link].up = true;
	connect(w, link);
}

void
world_link_cost(struct world *w, uint32_t link, uint64_t cost)
{
	struct world_link *l = &w->links[link];

	l->cost = cost;
	for (unsigned i = 0; i < 2 && l->connected; i++) {
		struct world_node *n = &w->nodes[l->node[i]];
		uint32_t arc = n->ends[l->end[i]].arc;

		if (arc == 0 || n->state != WORLD_NODE_UP)
			continue;
		qspn_arc_changed(n->qspn, w->now, arc, cost, &w->out);
		act(w, l->node[i]);
	}
}

static void
held_drop(struct world_node *n)
{
	while (n->held != NULL) {
		struct world_event *e = n->held;

		n->held = e->next;
		event_free(e);
	}
	n->held_end = &n->held;
}

void
world_node_die(struct world *w, uint32_t node)
{
	struct world_node *n = &w->nodes[node];

	if (n->state == WORLD_NODE_DEAD)
		return;
	n->state = WORLD_NODE_DEAD;
	held_drop(n);
	for (uint32_t i = 0; i < n->n_ends; i++)
		n->ends[i].arc = 0;
	qspn_free(n->qspn);
	n->qspn = NULL;
	n->armed = UINT64_MAX;
	arm(w, node);
	/* Its kernel closes the connections. */
	for (uint32_t i = 0; i < n->n_ends; i++)
		disconnect(w, n->ends[i].link);
}

static bool
node_start(struct world *w, uint32_t node)
{
	struct world_node *n = &w->nodes[node];
	struct rng rng;

	rng_init(&rng, rng_u64(&n->rng));
	n->qspn = qspn_create_net(&w->settings.params, &rng, w->now, &n->address, &n->fp0, &w->out);
	if (n->qspn == NULL) {
		w->failed = true;
		return false;
	}
	n->state = WORLD_NODE_UP;
	act(w, node);
	return true;
}

void
world_node_return(struct world *w, uint32_t node)
{
	struct world_node *n = &w->nodes[node];

	if (n->state != WORLD_NODE_DEAD || !node_start(w, node))
		return;
	for (uint32_t i = 0; i < n->n_ends; i++)
		connect(w, n->ends[i].link);
}

void
world_node_freeze(struct world *w, uint32_t node)
{
	struct world_node *n = &w->nodes[node];

	if (n->state != WORLD_NODE_UP)
		return;
	n->state = WORLD_NODE_FROZEN;
	n->armed = UINT64_MAX;
	arm(w, node);
	for (uint32_t i = 0; i < n->n_ends; i++) {
		const struct world_event e = { .kind = EVENT_SILENCE, .node = node,
			.link = n->ends[i].link,
			.connection = w->links[n->ends[i].link].connection };

		event_put(w, w->now + WORLD_SILENCE, &e);
	}
}

static void deliver(struct world *w, struct world_event *e);

void
world_node_thaw(struct world *w, uint32_t node)
{
	struct world_node *n = &w->nodes[node];

	if (n->state != WORLD_NODE_FROZEN)
		return;
	n->state = WORLD_NODE_UP;
	for (uint32_t i = 0; i < n->n_ends; i++) {
		struct world_end *end = &n->ends[i];
		uint32_t arc = end->arc;

		if (arc == 0 || end->connection == w->links[end->link].connection)
			continue;
		end->arc = 0;
		qspn_arc_remove(n->qspn, w->now, arc, &w->out);
		act(w, node);
	}
	while (n->held != NULL && n->state == WORLD_NODE_UP) {
		struct world_event *e = n->held;

		n->held = e->next;
		if (n->held == NULL)
			n->held_end = &n->held;
		deliver(w, e);
		event_free(e);
	}
	for (uint32_t i = 0; i < n->n_ends; i++)
		connect(w, n->ends[i].link);
	arm(w, node);
}

/* --- time -------------------------------------------------------------------------------- */

/* Memory for a message of LEN bytes on the wire. */
static bool
arena_ready(struct world *w, size_t len)
{
	size_t size = PEER_EXPANSION * len + 256;

	w->arena.used = 0;
	if (size <= w->arena.size)
		return true;
	free(w->arena.buf);
	w->arena.buf = malloc(size);
	w->arena.size = w->arena.buf != NULL ? size : 0;
	w->failed = w->failed || w->arena.buf == NULL;
	return w->arena.buf != NULL;
}

static void
deliver_error(struct world *w, struct world_node *n, uint32_t arc, const struct world_event *e)
{
	qspn_answer(n->qspn, w->now, arc, e->call, e->error == PEER_E_BOOTSTRAP ? QSPN_BUSY :
	    QSPN_PEER_FAILED, NULL, &w->out);
}

/* Gives the message of E to its receiver, if the connection that brought it still stands. */
static void
deliver(struct world *w, struct world_event *e)
{
	const struct world_link *l = &w->links[e->link];
	uint32_t node = l->node[1 - e->from];
	struct world_node *n = &w->nodes[node];
	uint32_t arc = n->ends[l->end[1 - e->from]].arc;
	struct peer_msg m;
	struct msg_error err;
	struct rd r;

	if (e->connection != l->connection || arc == 0 || n->qspn == NULL)
		return;
	w->told[node] = 1;
	if (e->bytes == NULL) {
		deliver_error(w, n, arc, e);
		act(w, node);
		return;
	}
	if (!arena_ready(w, e->bytes->len))
		return;
	rd_init(&r, e->bytes->data, e->bytes->len);
	if (!peer_msg_read(e->type, &r, &w->arena, &m, &err)) {
		w->count.unreadable++;
		disconnect(w, e->link);
		return;
	}
	if (e->peer_kind == PEER_RESULT)
		qspn_answer(n->qspn, w->now, arc, e->call, QSPN_ANSWERED, &m, &w->out);
	else
		qspn_receive(n->qspn, w->now, arc, e->call, &m, &w->out);
	act(w, node);
}

/* Keeps E for a frozen receiver; false when it is not frozen. */
static bool
hold(struct world *w, struct world_event *e)
{
	const struct world_link *l = &w->links[e->link];
	struct world_node *n = &w->nodes[l->node[1 - e->from]];

	if (n->state != WORLD_NODE_FROZEN)
		return false;
	*n->held_end = e;
	n->held_end = &e->next;
	return true;
}

static void
tick(struct world *w, const struct world_event *e)
{
	struct world_node *n = &w->nodes[e->node];

	if (n->state != WORLD_NODE_UP || n->armed != w->now)
		return;
	n->armed = UINT64_MAX;
	qspn_tick(n->qspn, w->now, &w->out);
	act(w, e->node);
}

static void
silence(struct world *w, const struct world_event *e)
{
	if (w->nodes[e->node].state == WORLD_NODE_FROZEN &&
	    w->links[e->link].connection == e->connection)
		disconnect(w, e->link);
}

bool
world_step(struct world *w)
{
	struct heap_event h;
	struct world_event *e;

	if (w->failed || !heap_peek(&w->heap, &h))
		return false;
	h = heap_take(&w->heap);
	e = h.what;
	w->now = h.at;
	w->count.events++;
	w->under_way -= e->kind != EVENT_TICK;
	mix_event(w, e);
	if (e->kind == EVENT_DELIVER) {
		w->still_since = w->now;
		if (hold(w, e))
			return true;
		deliver(w, e);
	} else if (e->kind == EVENT_TICK) {
		tick(w, e);
	} else if (e->kind == EVENT_SILENCE) {
		silence(w, e);
	} else if (e->kind == EVENT_LOST) {
		if (w->links[e->link].connection == e->connection)
			disconnect(w, e->link);
	} else if (w->links[e->link].connection == e->connection) {
		connect(w, e->link);
	}
	event_free(e);
	return true;
}

void
world_run(struct world *w, uint64_t until)
{
	struct heap_event h;

	while (!w->failed && heap_peek(&w->heap, &h) && h.at <= until)
		world_step(w);
	w->now = until;
}

bool
world_is_at_rest(const struct world *w)
{
	return w->under_way == 0 && w->n_busy == 0;
}

bool
world_rest(struct world *w, uint64_t limit, world_stepped *step, void *arg)
{
	uint64_t end = w->now + limit;
	struct heap_event h;

	while (!world_is_at_rest(w)) {
		if (!heap_peek(&w->heap, &h) || h.at > end || !world_step(w))
			return false;
		if (step != NULL && !step(w, arg))
			return false;
	}
	return true;
}

/* --- making one -------------------------------------------------------------------------- */

static uint64_t
link_cost(struct world *w)
{
	const struct world_settings *s = &w->settings;
	uint64_t low = s->cost_low, high = s->cost_high;

	if (high == 0) {
		low = 2 * s->latency + 1;
		high = low + 999;
	}
	return low + rng_u64(&w->rng) % (high - low + 1);
}

static bool
links_make(struct world *w, const struct graph *g, const struct world_given *given)
{
	w->n_links = (uint32_t)g->n_links;
	w->links = calloc(g->n_links + 1, sizeof(*w->links));
	for (uint32_t i = 0; w->links != NULL && i < w->n_links; i++) {
		struct world_link *l = &w->links[i];

		*l = (struct world_link){ .node = { g->links[i].a, g->links[i].b },
			.cost = given != NULL ? given[i].cost : link_cost(w),
			.latency = given != NULL && given[i].latency != 0 ? given[i].latency :
			w->settings.latency, .up = true };
	}
	return w->links != NULL;
}

static bool
ends_make(struct world *w, const struct graph *g, uint32_t node)
{
	struct world_node *n = &w->nodes[node];

	n->n_ends = g->first[node + 1] - g->first[node];
	n->ends = calloc(n->n_ends + (size_t)1, sizeof(*n->ends));
	for (uint32_t i = 0; n->ends != NULL && i < n->n_ends; i++) {
		const struct graph_end *end = &g->ends[g->first[node] + i];
		struct world_link *l = &w->links[end->link];

		n->ends[i] = (struct world_end){ .link = end->link, .node = end->node };
		l->end[side(l, node)] = i;
	}
	return n->ends != NULL;
}

static bool
node_make(struct world *w, const struct graph *g, const struct naddr *address, uint32_t node)
{
	const struct topo *t = &w->settings.params.topo;
	struct world_node *n = &w->nodes[node];
	int32_t eld[TOPO_LEVELS];
	uint64_t id;

	n->held_end = &n->held;
	n->armed = UINT64_MAX;
	n->state = WORLD_NODE_DEAD;
	n->address = *address;
	rng_init(&n->rng, rng_u64(&w->rng));
	for (unsigned i = 0; i < t->levels; i++)
		eld[i] = (int32_t)address->pos[i];
	do
		id = rng_u64(&n->rng);
	while (id == 0);
	n->fp0 = fingerprint_node(t->levels, id, eld);
	return ends_make(w, g, node);
}

static bool
world_make(struct world *w, const struct graph *g, const struct naddr *address,
    const struct world_given *given)
{
	bool ok = links_make(w, g, given);

	w->nodes = calloc(g->n + (size_t)1, sizeof(*w->nodes));
	w->told = calloc(g->n + (size_t)1, 1);
	ok = ok && w->nodes != NULL && w->told != NULL;
	w->n_nodes = ok ? g->n : 0;
	for (uint32_t i = 0; ok && i < w->n_nodes; i++)
		ok = node_make(w, g, &address[i], i);
	for (uint32_t i = 0; ok && i < w->n_nodes; i++)
		ok = node_start(w, i);
	for (uint32_t i = 0; ok && i < w->n_links; i++)
		connect(w, i);
	return ok && !w->failed;
}

struct world *
world_new(const struct world_settings *s, const struct graph *g, const struct naddr *address,
    const struct world_given *given)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->settings = *s;
	rng_init(&w->rng, s->seed);
	heap_init(&w->heap);
	qspn_out_init(&w->out);
	if (world_make(w, g, address, given))
		return w;
	world_free(w);
	return NULL;
}

void
world_free(struct world *w)
{
	if (w == NULL)
		return;
	while (w->heap.n != 0)
		event_free(heap_take(&w->heap).what);
	heap_free(&w->heap);
	for (uint32_t i = 0; i < w->n_nodes; i++) {
		held_drop(&w->nodes[i]);
		qspn_free(w->nodes[i].qspn);
		free(w->nodes[i].ends);
	}
	if (w->last_msg != NULL)
		qspn_msg_unref(w->last_msg);
	bytes_unref(w->last_bytes);
	qspn_out_free(&w->out);
	free(w->nodes);
	free(w->links);
	free(w->told);
	free(w->arena.buf);
	free(w);
}
