/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/nbhbed.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"

enum event_kind {
	TICK,
	DATAGRAM,	/* at nic */
	ARRIVE,		/* a connection is asked for at nic */
	MADE,		/* … and was made, seen from the side that asked */
	SAID,		/* a message on a stream, for side */
	ENDED,		/* the stream ended, for side */
	ROUTE,
	ADDRESS,
};

struct nbed_event {
	uint64_t when, number;
	enum event_kind kind;
	unsigned node;
	uint32_t life;
	unsigned nic;
	ntk_ip_t source;
	uint32_t arc;
	bool ok;
	size_t stream;
	unsigned side;
	uint32_t call;
	enum peer_kind peer_kind;
	uint8_t called, error;
	uint8_t *bytes;		/* a body */
	size_t len;
};

/* A TCP connection: side 0 asked for it. */
struct nbed_stream {
	unsigned nic[2];
	uint32_t life[2];
	uint32_t connection[2];	/* 0: not known (yet), or closed by that side */
	uint64_t last[2];	/* when the last message for a side arrives: the order is kept */
	bool ended[2];		/* nothing more is said to that side */
};

static void wrong(struct bed *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct nbed_node *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
wrong(struct bed *b, const char *fmt, ...)
{
	va_list ap;

	if (b->wrong[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(b->wrong, sizeof(b->wrong), fmt, ap);
	va_end(ap);
}

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* --- the queue ----------------------------------------------------------------------- */

static bool
sooner(const struct nbed_event *a, const struct nbed_event *b)
{
	return a->when != b->when ? a->when < b->when : a->number < b->number;
}

static struct nbed_event *
put(struct bed *b, uint64_t when, const struct nbed_event *e)
{
	size_t i = b->n_events;

	b->event = need(grow(b->event, b->n_events, 1, &b->events_size, sizeof(*e)));
	b->n_events++;
	b->event[i] = *e;
	b->event[i].when = when;
	b->event[i].number = b->n_made++;
	while (i != 0 && sooner(&b->event[i], &b->event[(i - 1) / 2])) {
		struct nbed_event t = b->event[i];

		b->event[i] = b->event[(i - 1) / 2];
		b->event[(i - 1) / 2] = t;
		i = (i - 1) / 2;
	}
	return &b->event[i];
}

static struct nbed_event
take(struct bed *b)
{
	struct nbed_event first = b->event[0];
	size_t i = 0;

	b->event[0] = b->event[--b->n_events];
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2; c++)
			if (c < b->n_events && sooner(&b->event[c], &b->event[least]))
				least = c;
		if (least == i)
			return first;
		struct nbed_event t = b->event[i];
		b->event[i] = b->event[least];
		b->event[least] = t;
		i = least;
	}
}

static bool
chance(struct bed *b, unsigned of_1000)
{
	return of_1000 != 0 && rng_below(&b->rng, 1000) < of_1000;
}

static uint64_t
travel(struct bed *b)
{
	return b->delay_min +
	    rng_below(&b->rng, (uint32_t)(b->delay_max - b->delay_min + 1));
}

/* --- bytes --------------------------------------------------------------------------- */

static uint8_t *
encode(struct bed *b, const struct peer_msg *m, size_t *len)
{
	struct wr w;
	uint8_t *bytes;
	const struct msg_desc *d = msg_find(peer_msgs, peer_n_msgs, m->type);
	struct msg_error err;

	if (d == NULL || !msg_valid(d, &m->etp, &err))
		wrong(b, "a message that is not valid");
	*len = peer_msg_size(m);
	bytes = need(malloc(*len + 1));
	wr_init(&w, bytes, *len);
	peer_msg_write(m, &w);
	return bytes;
}

/* NULL when there is no body. */
static struct peer_msg *
decode(struct bed *b, uint8_t type, const uint8_t *bytes, size_t len, uint8_t **memory)
{
	struct msg_arena a = { .size = PEER_EXPANSION * len + 256 };
	struct peer_msg *m = need(calloc(1, sizeof(*m)));
	struct msg_error err;
	struct rd r;

	a.buf = *memory = need(malloc(a.size));
	rd_init(&r, bytes, len);
	if (!peer_msg_read(type, &r, &a, m, &err))
		wrong(b, "%s.%s: %s", err.message, err.field, err.why);
	return m;
}

/* --- what an object wants done --------------------------------------------------------- */

static struct nbed_arc *
find_arc(struct nbed_node *x, uint32_t arc)
{
	for (size_t i = 0; i < x->n_arcs; i++)
		if (x->arc[i].arc == arc)
			return &x->arc[i];
	return NULL;
}

static void
note(struct nbed_node *x, const char *fmt, ...)
{
	size_t len = strlen(x->events);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->events + len, sizeof(x->events) - len, fmt, ap);
	va_end(ap);
}

static unsigned
node_index(const struct bed *b, const struct nbed_node *x)
{
	return (unsigned)(x - b->node);
}

static void
send_hello(struct bed *b, struct nbed_node *x, const struct nbh_action *a)
{
	unsigned from = nbed_nic_of(node_index(b, x), a->dev);
	struct nbed_event e = { .kind = DATAGRAM, .source = a->address };
	uint8_t *bytes;

	if (!b->nic[from].has_address || b->nic[from].address != a->address)
		wrong(b, "a hello from an address that the kernel does not have");
	x->hellos++;
	b->datagrams++;
	bytes = encode(b, a->msg, &e.len);
	b->bytes += e.len;
	for (unsigned to = 0; to < BED_NICS; to++) {
		if (b->deaf || !b->nic[from].sees[to] || b->node[to / NBH_DEVS].n == NULL)
			continue;
		e.nic = to;
		e.node = to / NBH_DEVS;
		e.life = b->node[e.node].life;
		for (unsigned n = chance(b, b->copies) ? 2 : 1; n != 0; n--) {
			if (chance(b, b->loss))
				continue;
			e.bytes = need(malloc(e.len + 1));
			memcpy(e.bytes, bytes, e.len);
			put(b, b->now + travel(b), &e);
		}
	}
	free(bytes);
}

static void
connect_to(struct bed *b, struct nbed_node *x, const struct nbh_action *a)
{
	unsigned from = nbed_nic_of(node_index(b, x), a->dev);
	struct nbed_stream *s;
	struct nbed_event e = { .kind = ARRIVE, .source = a->address, .stream = b->n_streams };

	x->connects++;
	if (a->silence == 0 || a->address != b->nic[from].address)
		wrong(b, "a connection from another address");
	b->stream = need(grow(b->stream, b->n_streams, 1, &b->streams_size, sizeof(*s)));
	s = &b->stream[b->n_streams++];
	*s = (struct nbed_stream){ .nic = { from, BED_NICS }, .life = { x->life, 0 },
		.connection = { a->connection, 0 } };
	for (unsigned to = 0; to < BED_NICS; to++)
		if (b->nic[from].sees[to] && b->nic[to].sees[from] && b->nic[to].has_address &&
		    b->nic[to].address == a->peer)
			s->nic[1] = e.nic = to;
	if (s->nic[1] == BED_NICS || chance(b, b->connect_fails))
		return;		/* nobody answers */
	e.node = e.nic / NBH_DEVS;
	e.life = s->life[1] = b->node[e.node].life;
	/* A lost SYN is sent again after a second. */
	put(b, b->now + travel(b) + (chance(b, b->loss) ? SECOND : 0), &e);
}

/* The stream on which node X has the connection; side tells which end X is. */
static struct nbed_stream *
stream_of(struct bed *b, const struct nbed_node *x, uint32_t connection, unsigned *side)
{
	for (size_t i = b->n_streams; i-- > 0;)
		for (*side = 0; *side < 2; ++*side) {
			struct nbed_stream *s = &b->stream[i];
			unsigned nic = s->nic[*side];

			if (nic != BED_NICS && nic / NBH_DEVS == node_index(b, x) &&
			    s->life[*side] == x->life && s->connection[*side] == connection)
				return s;
		}
	return NULL;
}

/* Something for the other side of S, behind all that was said before. */
static void
tell_other(struct bed *b, struct nbed_stream *s, unsigned side, struct nbed_event *e)
{
	unsigned to = 1 - side;
	uint64_t when = b->now + travel(b) + (chance(b, b->loss) ? 200 * MS : 0);

	if (s->nic[to] == BED_NICS || s->ended[to] || !b->nic[s->nic[side]].sees[s->nic[to]]) {
		free(e->bytes);
		return;
	}
	if (when < s->last[to])
		when = s->last[to];
	s->last[to] = when;
	s->ended[to] = e->kind == ENDED;
	e->stream = (size_t)(s - b->stream);
	e->side = to;
	e->node = s->nic[to] / NBH_DEVS;
	e->life = s->life[to];
	put(b, when, e);
}

static void
say(struct bed *b, struct nbed_node *x, const struct nbh_action *a)
{
	unsigned side;
	struct nbed_stream *s = stream_of(b, x, a->connection, &side);
	struct nbed_event e = { .kind = SAID, .call = a->call, .called = a->called,
		.error = a->error };

	e.peer_kind = a->kind == NBH_CALL ? PEER_CALL : a->kind == NBH_NOTICE ? PEER_NOTICE :
	    a->kind == NBH_RESULT ? PEER_RESULT : PEER_ERROR;
	if ((e.peer_kind == PEER_ERROR) != (a->msg == NULL))
		wrong(b, "a message without a body");
	if (a->msg != NULL) {
		if (a->kind == NBH_CALL || a->kind == NBH_NOTICE)
			e.called = a->msg->type;
		else if (a->msg->type != peer_answer_type(a->called))
			wrong(b, "an answer to another call");
		e.bytes = encode(b, a->msg, &e.len);
	}
	if (s == NULL)
		free(e.bytes);	/* the other end is a test's */
	else
		tell_other(b, s, side, &e);
}

static void
close_it(struct bed *b, struct nbed_node *x, uint32_t connection)
{
	unsigned side;
	struct nbed_stream *s = stream_of(b, x, connection, &side);
	struct nbed_event e = { .kind = ENDED };

	if (s == NULL)
		return;
	s->connection[side] = 0;
	tell_other(b, s, side, &e);
}

static uint64_t
kernel_time(struct bed *b)
{
	return 1 + rng_below(&b->rng, (uint32_t)b->kernel_max + 1);
}

static void
address_wanted(struct bed *b, struct nbed_node *x, const struct nbh_action *a)
{
	struct nbed_nic *c = &b->nic[nbed_nic_of(node_index(b, x), a->dev)];

	if (c->has_address)
		wrong(b, "a second address on an interface");
	if (!linklocal_is_usable(a->address))
		wrong(b, "an address that no node may have");
	c->address = a->address;
	put(b, b->now + kernel_time(b), &(struct nbed_event){ .kind = ADDRESS,
	    .nic = nbed_nic_of(node_index(b, x), a->dev), .node = node_index(b, x),
	    .life = x->life, .source = a->address, .ok = !x->no_addresses });
}

static void
address_unwanted(struct bed *b, struct nbed_node *x, const struct nbh_action *a)
{
	struct nbed_nic *c = &b->nic[nbed_nic_of(node_index(b, x), a->dev)];

	if (c->address != a->address)
		wrong(b, "an address is unwanted that was never wanted");
	for (size_t i = 0; i < x->n_arcs; i++)
		if (x->arc[i].dev == a->dev && x->arc[i].wanted)
			wrong(b, "an address goes before its routes");
	c->has_address = false;
	c->address = 0;
}

static void
route_wanted(struct bed *b, struct nbed_node *x, const struct nbh_action *a)
{
	struct nbed_arc *c;

	if (a->arc == 0 || find_arc(x, a->arc) != NULL)
		wrong(b, "a number of an arc was used again");
	x->arc = need(grow(x->arc, x->n_arcs, 1, &x->arcs_size, sizeof(*c)));
	c = &x->arc[x->n_arcs++];
	*c = (struct nbed_arc){ .arc = a->arc, .dev = a->dev, .mac = a->mac, .peer = a->peer,
		.node = a->node, .wanted = true };
	for (size_t i = 0; i + 1 < x->n_arcs; i++) {
		const struct nbed_arc *o = &x->arc[i];

		if (o->wanted && o->peer == a->peer)
			wrong(b, "two routes to one address");
		if (o->wanted && (mac_cmp(o->mac, a->mac) == 0 ||
		    (o->node == a->node && o->dev == a->dev)))
			wrong(b, "two arcs with one node share an interface");
	}
	put(b, b->now + kernel_time(b), &(struct nbed_event){ .kind = ROUTE, .arc = a->arc,
	    .node = node_index(b, x), .life = x->life, .ok = !x->no_routes });
}

static void
arc_action(struct bed *b, struct nbed_node *x, const struct nbh_action *a)
{
	struct nbed_arc *c = find_arc(x, a->arc);

	if (c == NULL) {
		wrong(b, "an action of an arc that nobody knows");
		return;
	}
	switch (a->kind) {
	case NBH_ROUTE_UNWANTED:
		if (!c->wanted || c->up)
			wrong(b, "a route is taken away out of turn");
		c->wanted = c->route = false;
		return;
	case NBH_ARC_ADDED:
		if (!c->route || c->up || c->removing)
			wrong(b, "arc_added out of turn");
		if (a->cost == 0 || a->connection == 0)
			wrong(b, "an arc without cost or connection");
		c->up = true;
		c->connection = a->connection;
		c->cost = a->cost;
		x->added++;
		x->added_at = b->now;
		note(x, "+%u ", a->dev);
		return;
	case NBH_ARC_CHANGED:
		if (!c->up)
			wrong(b, "arc_changed out of turn");
		if (c->changed != 0 && b->now - c->changed < x->p.changed)
			wrong(b, "arc_changed too often");
		if (2 * a->cost >= c->cost && a->cost <= 2 * c->cost)
			wrong(b, "arc_changed for nothing");
		c->changed = b->now;
		c->cost = a->cost;
		x->changed++;
		note(x, "=%u:%" PRIu64 " ", a->dev, a->cost);
		return;
	case NBH_ARC_REMOVING:
		if (!c->up)
			wrong(b, "arc_removing out of turn");
		c->up = false;
		c->removing = true;
		x->removing++;
		note(x, "~%u%s ", a->dev, a->usable ? "u" : "");
		return;
	case NBH_ARC_REMOVED:
		if (!c->removing || c->route)
			wrong(b, "arc_removed out of turn");
		c->removing = false;
		x->removed++;
		x->removed_at = b->now;
		x->why = a->why;
		x->usable = a->usable;
		note(x, "-%u ", a->dev);
		return;
	default:
		return;
	}
}

static void
carry_out(struct bed *b, struct nbed_node *x, const struct nbh_action *a)
{
	switch (a->kind) {
	case NBH_ADDRESS_WANTED:
		address_wanted(b, x, a);
		return;
	case NBH_ADDRESS_UNWANTED:
		address_unwanted(b, x, a);
		return;
	case NBH_HELLO:
		send_hello(b, x, a);
		return;
	case NBH_CONNECT:
		connect_to(b, x, a);
		return;
	case NBH_CALL:
	case NBH_NOTICE:
	case NBH_RESULT:
	case NBH_ERROR:
		if (a->kind == NBH_ERROR || (a->kind != NBH_CALL && a->msg->type != PEER_alive))
			note(x, "%s%s ", a->kind == NBH_ERROR ? "!" : "",
			    a->kind == NBH_ERROR ? peer_error_name(a->error) :
			    peer_msg_name(a->msg->type));
		say(b, x, a);
		return;
	case NBH_CLOSE:
		close_it(b, x, a->connection);
		return;
	case NBH_ROUTE_WANTED:
		note(x, "r ");
		route_wanted(b, x, a);
		return;
	case NBH_ROUTE_UNWANTED:
		note(x, "x ");
		arc_action(b, x, a);
		return;
	case NBH_ARC_ADDED:
	case NBH_ARC_CHANGED:
	case NBH_ARC_REMOVING:
	case NBH_ARC_REMOVED:
		arc_action(b, x, a);
		return;
	case NBH_REFUSED:
		x->refused++;
		return;
	case NBH_CONFLICT:
		x->conflicts++;
		return;
	}
}

/* --- calls ------------------------------------------------------------------------------ */

static void
schedule(struct bed *b, struct nbed_node *x)
{
	uint64_t when = nbh_deadline(x->n);

	if (when == NEVER)
		return;
	when -= x->offset;
	if (when < b->now)
		when = b->now;
	if (x->tick <= when)
		return;
	x->tick = when;
	put(b, when, &(struct nbed_event){ .kind = TICK, .node = node_index(b, x),
	    .life = x->life });
}

static uint64_t
clock_of(const struct bed *b, const struct nbed_node *x)
{
	return b->now + x->offset;
}

static void
after(struct bed *b, struct nbed_node *x, struct nbh_out *out)
{
	char why[200];

	if (nbh_failed(x->n) || out->failed)
		wrong(b, "it has failed");
	/* It takes long with many entries, so then not always. */
	b->calls++;
	if ((nbh_entries(x->n) < 32 || b->calls % 64 == 0) &&
	    !nbh_invariant(x->n, why, sizeof(why)))
		wrong(b, "node %u, %" PRIu64 " us: %s", node_index(b, x), b->now, why);
	for (size_t i = 0; i < out->n; i++)
		carry_out(b, x, &out->v[i]);
	nbh_out_free(out);
	schedule(b, x);
}

#define CALL(b, x, call) do { \
	struct nbh_out out; \
	nbh_out_init(&out); \
	call; \
	after(b, x, &out); \
} while (0)

void
nbed_init(struct bed *b, uint64_t seed)
{
	*b = (struct bed){ .delay_min = 200, .delay_max = 1000, .kernel_max = 2000 };
	rng_init(&b->rng, seed);
}

static void
stop_node(struct nbed_node *x)
{
	nbh_free(x->n);
	x->n = NULL;
	free(x->arc);
	x->arc = NULL;
	x->n_arcs = x->arcs_size = 0;
}

void
nbed_free(struct bed *b)
{
	for (unsigned x = 0; x < BED_NODES; x++)
		stop_node(&b->node[x]);
	while (b->n_events != 0)
		free(take(b).bytes);
	free(b->event);
	free(b->stream);
}

void
nbed_node(struct bed *b, unsigned x, uint32_t id)
{
	struct topo t;

	topo_default(&t);
	nbh_params_default(&b->node[x].p, &t, (ntk_prefix_t){ 0x0a000000, 8 });
	b->node[x].id = id;
	rng_init(&b->node[x].rng, rng_u64(&b->rng));
	b->node[x].offset = rng_u64(&b->rng) >> 20;
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		b->nic[nbed_nic_of(x, dev)].mac =
		    (ntk_mac_t){ { 0, 0x16, 0x3e, 0, (uint8_t)dev, (uint8_t)(10 + x) } };
}

void
nbed_start(struct bed *b, unsigned x)
{
	struct nbed_node *s = &b->node[x];

	s->life++;
	s->tick = NEVER;
	rng_u64(&s->rng);
	s->n = need(nbh_create(&s->p, &s->rng));
	if (s->id != 0)
		s->n->node = s->id;
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		b->nic[nbed_nic_of(x, dev)].has_address = false;
}

void
nbed_kill(struct bed *b, unsigned x, bool silently)
{
	for (size_t i = 0; i < b->n_streams; i++)
		for (unsigned side = 0; side < 2; side++) {
			struct nbed_stream *s = &b->stream[i];

			if (s->nic[side] == BED_NICS || s->nic[side] / NBH_DEVS != x ||
			    s->life[side] != b->node[x].life)
				continue;
			s->connection[side] = 0;
			if (!silently)
				tell_other(b, s, side, &(struct nbed_event){ .kind = ENDED });
		}
	stop_node(&b->node[x]);
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		b->nic[nbed_nic_of(x, dev)].has_address = false;
}

void
nbed_stop(struct bed *b, unsigned x)
{
	CALL(b, &b->node[x], nbh_stop(b->node[x].n, clock_of(b, &b->node[x]), &out));
	nbed_kill(b, x, false);
}

void
nbed_join(struct bed *b, unsigned nic_a, unsigned nic_b, bool joined)
{
	b->nic[nic_a].sees[nic_b] = b->nic[nic_b].sees[nic_a] = joined;
}

void
nbed_segment(struct bed *b, uint32_t nodes, unsigned devs)
{
	for (unsigned i = 0; i < BED_NICS; i++)
		for (unsigned j = 0; j < i; j++)
			if (i % NBH_DEVS < devs && j % NBH_DEVS < devs &&
			    (nodes >> i / NBH_DEVS & 1) != 0 && (nodes >> j / NBH_DEVS & 1) != 0)
				nbed_join(b, i, j, true);
}

void
nbed_up(struct bed *b, unsigned x, unsigned dev)
{
	struct nbed_node *s = &b->node[x];
	struct nbed_nic *c = &b->nic[nbed_nic_of(x, dev)];
	ntk_ip_t address = c->address;
	struct nbh_nic known;

	/* One that is known keeps what it has. */
	if (!nbh_nic(s->n, dev, &known))
		c->address = 0;
	CALL(b, s, if (!nbh_nic_up(s->n, clock_of(b, s), dev, "eth", c->mac, address, &out))
	    wrong(b, "an interface was not taken"));
}

void
nbed_down(struct bed *b, unsigned x, unsigned dev)
{
	struct nbed_node *s = &b->node[x];

	CALL(b, s, nbh_nic_down(s->n, clock_of(b, s), dev, &out));
}

void
nbed_gone(struct bed *b, unsigned x, unsigned dev)
{
	struct nbed_node *s = &b->node[x];

	CALL(b, s, nbh_nic_gone(s->n, clock_of(b, s), dev, &out));
}

void
nbed_carrier(struct bed *b, unsigned x, unsigned dev, bool up)
{
	struct nbed_node *s = &b->node[x];

	CALL(b, s, nbh_carrier(s->n, clock_of(b, s), dev, up, &out));
}

enum nbh_wanted
nbed_want(struct bed *b, unsigned x, unsigned dev, unsigned nic)
{
	struct nbed_node *s = &b->node[x];
	enum nbh_wanted w;

	CALL(b, s, w = nbh_want(s->n, clock_of(b, s), dev, b->nic[nic].mac, &out));
	return w;
}

enum nbh_wanted
nbed_unwant(struct bed *b, unsigned x, unsigned dev, unsigned nic)
{
	struct nbed_node *s = &b->node[x];
	enum nbh_wanted w;

	CALL(b, s, w = nbh_unwant(s->n, clock_of(b, s), dev, b->nic[nic].mac, &out));
	return w;
}

bool
nbed_remove(struct bed *b, unsigned x, uint32_t arc, bool usable)
{
	struct nbed_node *s = &b->node[x];
	bool ok;

	CALL(b, s, ok = nbh_remove_arc(s->n, clock_of(b, s), arc, usable, &out));
	return ok;
}

void
nbed_forge(struct bed *b, unsigned x, unsigned dev, const struct peer_hello *h)
{
	struct nbed_node *s = &b->node[x];

	CALL(b, s, nbh_hello(s->n, clock_of(b, s), dev, h->address, NULL, h, &out));
}

uint32_t
nbed_accept(struct bed *b, unsigned x, unsigned dev, ntk_ip_t peer)
{
	struct nbed_node *s = &b->node[x];
	uint32_t c;

	CALL(b, s, c = nbh_accepted(s->n, clock_of(b, s), dev, peer, &out));
	return c;
}

void
nbed_say(struct bed *b, unsigned x, uint32_t connection, enum peer_kind kind, uint32_t call,
    uint8_t called, const struct peer_msg *m, uint8_t error)
{
	struct nbed_node *s = &b->node[x];

	CALL(b, s, nbh_receive(s->n, clock_of(b, s), connection, kind, call, called, m, error,
	    &out));
}

void
nbed_hang_up(struct bed *b, unsigned x, uint32_t connection)
{
	struct nbed_node *s = &b->node[x];

	CALL(b, s, nbh_closed(s->n, clock_of(b, s), connection, &out));
}

/* --- events ----------------------------------------------------------------------------- */

static void
tick(struct bed *b, struct nbed_node *x)
{
	uint64_t now = clock_of(b, x);

	x->tick = NEVER;
	CALL(b, x, nbh_tick(x->n, now, &out));
	if (nbh_deadline(x->n) <= now)
		wrong(b, "a deadline that has passed already");
}

static void
arrive(struct bed *b, struct nbed_node *x, const struct nbed_event *e)
{
	struct nbed_stream *s = &b->stream[e->stream];
	uint32_t number;

	if (!b->nic[e->nic].has_address)
		return;
	CALL(b, x, number = nbh_accepted(x->n, clock_of(b, x), e->nic % NBH_DEVS, e->source, &out));
	/* Its kernel has made the connection in any case. */
	s = &b->stream[e->stream];
	s->connection[1] = number;
	s->last[1] = b->now;
	tell_other(b, s, 1, &(struct nbed_event){ .kind = MADE });
	if (number == 0)
		tell_other(b, s, 1, &(struct nbed_event){ .kind = ENDED });
}

static void
hear(struct bed *b, struct nbed_node *x, const struct nbed_event *e)
{
	const struct nbed_stream *s = &b->stream[e->stream];
	const uint32_t number = s->connection[e->side];
	uint8_t type = e->called, *memory = NULL;
	struct peer_msg *m = NULL;

	if (number == 0)
		return;		/* closed meanwhile */
	/* The one that leads does not read on before its kernel has answered. */
	if (s->nic[0] / NBH_DEVS == e->node && e->side == 0 &&
	    nbh_connection(x->n, number, NULL, NULL) == NBH_C_AGREED) {
		struct nbed_event *later = put(b, b->now + 1, e);

		if (e->bytes != NULL) {
			later->bytes = need(malloc(e->len + 1));
			memcpy(later->bytes, e->bytes, e->len);
		}
		return;
	}
	if (e->peer_kind == PEER_RESULT)
		type = peer_answer_type(type);
	if (e->bytes != NULL)
		m = decode(b, type, e->bytes, e->len, &memory);
	CALL(b, x, nbh_receive(x->n, clock_of(b, x), number, e->peer_kind, e->call, e->called, m,
	    e->error, &out));
	free(m);
	free(memory);
}

static void
datagram(struct bed *b, struct nbed_node *x, const struct nbed_event *e)
{
	uint8_t *memory;
	struct peer_msg *m;

	if (!b->nic[e->nic].has_address)
		return;		/* no socket yet */
	for (unsigned dev = 0; b->martian && dev < NBH_DEVS; dev++) {
		const struct nbed_nic *own = &b->nic[e->nic - e->nic % NBH_DEVS + dev];

		if (own->has_address && own->address == e->source)
			return;
	}
	m = decode(b, PEER_hello, e->bytes, e->len, &memory);
	CALL(b, x, nbh_hello(x->n, clock_of(b, x), e->nic % NBH_DEVS, e->source, NULL, &m->hello,
	    &out));
	free(m);
	free(memory);
}

static void
route(struct bed *b, struct nbed_node *x, const struct nbed_event *e)
{
	struct nbed_arc *c = find_arc(x, e->arc);

	if (!c->wanted)
		return;		/* it was never made, then */
	c->route = e->ok;
	c->wanted = e->ok;
	CALL(b, x, nbh_route_done(x->n, clock_of(b, x), e->arc, e->ok, &out));
}

static void
address(struct bed *b, struct nbed_node *x, const struct nbed_event *e)
{
	struct nbed_nic *c = &b->nic[e->nic];

	if (c->address != e->source || c->has_address)
		return;
	c->has_address = e->ok;
	if (!e->ok)
		c->address = 0;
	CALL(b, x, nbh_address_done(x->n, clock_of(b, x), e->nic % NBH_DEVS, e->source, e->ok,
	    &out));
}

static void
happen(struct bed *b, const struct nbed_event *e)
{
	struct nbed_node *x = &b->node[e->node];
	struct nbed_stream *s = b->n_streams != 0 ? &b->stream[e->stream] : NULL;
	uint32_t number;

	if (x->n == NULL || x->life != e->life)
		return;
	switch (e->kind) {
	case TICK:
		tick(b, x);
		return;
	case DATAGRAM:
		datagram(b, x, e);
		return;
	case ARRIVE:
		arrive(b, x, e);
		return;
	case MADE:
		if (s->connection[e->side] != 0)
			CALL(b, x, nbh_connected(x->n, clock_of(b, x), s->connection[e->side],
			    &out));
		return;
	case SAID:
		hear(b, x, e);
		return;
	case ENDED:
		number = s->connection[e->side];
		s->connection[e->side] = 0;
		s->ended[1 - e->side] = true;
		if (number != 0)
			CALL(b, x, nbh_closed(x->n, clock_of(b, x), number, &out));
		return;
	case ROUTE:
		route(b, x, e);
		return;
	case ADDRESS:
		address(b, x, e);
		return;
	}
}

bool
nbed_until(struct bed *b, uint64_t us, nbed_done *done, void *arg)
{
	const uint64_t end = b->now + us;

	for (;;) {
		struct nbed_event e;

		if (done != NULL && done(b, arg))
			return true;
		if (b->n_events == 0 || b->event[0].when > end)
			break;
		e = take(b);
		b->now = e.when;
		happen(b, &e);
		free(e.bytes);
	}
	b->now = end;
	return false;
}

void
nbed_run(struct bed *b, uint64_t us)
{
	nbed_until(b, us, NULL, NULL);
}

/* --- what there is ------------------------------------------------------------------------- */

size_t
nbed_arcs(const struct bed *b, unsigned x)
{
	size_t count = 0;

	for (size_t i = 0; i < b->node[x].n_arcs; i++)
		count += b->node[x].arc[i].up;
	return count;
}

const struct nbed_arc *
nbed_arc(const struct bed *b, unsigned x, unsigned dev, unsigned nic)
{
	for (size_t i = 0; i < b->node[x].n_arcs; i++) {
		const struct nbed_arc *c = &b->node[x].arc[i];

		if (c->up && c->dev == dev && mac_cmp(c->mac, b->nic[nic].mac) == 0)
			return c;
	}
	return NULL;
}

size_t
nbed_routes(const struct bed *b, unsigned x)
{
	size_t count = 0;

	for (size_t i = 0; i < b->node[x].n_arcs; i++)
		count += b->node[x].arc[i].route;
	return count;
}

struct nbh_entry
nbed_entry(const struct bed *b, unsigned x, unsigned dev, unsigned nic)
{
	struct nbh_entry e = { .entry = 0 };

	nbh_entry_find(b->node[x].n, dev, b->nic[nic].mac, &e);
	return e;
}
