/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/town.h"

#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"
#include "proto/rd.h"
#include "proto/wr.h"

enum { NS_NONE = KERNEL_NAMESPACES };

enum kind {
	EV_TICK,		/* a node's deadline */
	EV_KERNEL,		/* the answer to a transaction */
	EV_LISTENING,
	EV_DATAGRAM,
	EV_CONNECT,		/* arrives at the other end */
	EV_CONNECTED,
	EV_MESSAGE,
	EV_CLOSED,
	EV_LIMIT,		/* the time of a call is over */
};

struct town_event {
	uint64_t at;
	enum kind kind;
	size_t sys;
	uint32_t life;
	unsigned dev;
	ntk_ip_t ip;
	uint32_t pipe;
	unsigned ns;
	bool ok;
	/* a message */
	enum peer_kind peer_kind;
	uint8_t type;
	uint8_t error;
	uint32_t call, source, destination;
	uint8_t *bytes;
	size_t n;
};

/* A connection; end 0 connected, end 1 accepted. */
struct town_pipe {
	struct {
		size_t sys;
		uint32_t life;
		uint32_t connection;	/* 0: closed, or not yet accepted */
		unsigned dev;
		bool hold;
		uint64_t last;		/* when the last message to it arrives */
		struct town_event *held;	/* what came while it was not read */
		size_t n_held, held_size;
	} end[2];
	/* Calls under way, by their number on the wire: the token of whoever called, from END. */
	struct town_call {
		uint32_t number;
		uint64_t token;
		uint8_t type;
		unsigned end;
		uint64_t limit, deadline;	/* µs */
		bool late;		/* given up: the answer is not told any more */
	} *calls;
	size_t n_calls, calls_size;
	uint32_t numbers[2];
};

/* --- events --------------------------------------------------------------------------------- */

/* Copies E. */
static void
push(struct town *b, struct town_event e)
{
	struct town_event *copy = malloc(sizeof(*copy));

	if (copy == NULL || !heap_put(&b->heap, e.at, copy))
		abort();
	*copy = e;
}

/* --- the hash of everything that happens --------------------------------------------------------- */

static void
mix(struct town *b, uint64_t v)
{
	/* The finalizer of splitmix64 over a running value. */
	uint64_t z = (b->hash ^ v) + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	b->hash = z ^ z >> 31;
}

static void
mix_event(struct town *b, const struct town_event *e)
{
	mix(b, b->now);
	mix(b, (uint64_t)e->kind << 56 | (uint64_t)e->peer_kind << 48 | (uint64_t)e->type << 40 |
	    (uint64_t)e->error << 32 | (uint64_t)e->sys << 16 | e->dev << 8 | e->ns << 1 | e->ok);
	mix(b, (uint64_t)e->ip << 32 | e->call);
	mix(b, (uint64_t)e->source << 32 | e->destination);
	for (size_t i = 0; i < e->n; i++)
		mix(b, e->bytes[i]);
}

/* --- the way of messages ------------------------------------------------------------------------- */

static bool
chance(struct town *b, uint32_t millionths)
{
	return millionths > 0 && rng_below(&b->rng, TOWN_CHANCE) < millionths;
}

static uint64_t
delay(struct town *b, const struct town_segment *g)
{
	return g->latency + (g->jitter > 0 ? rng_below(&b->rng, (uint32_t)g->jitter) : 0);
}

/* Can anything come in or out there? */
static bool
is_plugged(const struct town *b, size_t i, unsigned dev)
{
	return !b->sys[i].cut && !b->sys[i].unplugged[dev];
}

static void
fault(struct town *b, size_t i, const char *what)
{
	if (b->fault != NULL)
		return;
	snprintf(b->why, sizeof(b->why), "%s at %llu µs: %s", b->sys[i].name,
	    (unsigned long long)b->now, what);
	b->fault = b->why;
}

/* --- systems ----------------------------------------------------------------------------------- */

void
town_init(struct town *b, uint64_t seed)
{
	memset(b, 0, sizeof(*b));
	rng_init(&b->rng, seed);
	heap_init(&b->heap);
	for (size_t i = 0; i < TOWN_SEGMENTS; i++)
		b->segment[i].latency = 500;
	b->now = 1000000;
}

static void
stop(struct town *b, size_t i)
{
	struct town_system *s = &b->sys[i];

	node_free(s->node);
	kernel_free(s->kernel);
	fakekern_free(s->fake);
	s->node = NULL;
	s->kernel = NULL;
	s->fake = NULL;
	s->life++;
	s->refusing = false;
	memset(s->address, 0, sizeof(s->address));
	memset(s->pseudo, 0, sizeof(s->pseudo));
}

void
town_free(struct town *b)
{
	for (size_t i = 0; i < b->n; i++)
		stop(b, i);
	for (size_t i = 0; i < b->heap.n; i++) {
		struct town_event *e = b->heap.v[i].what;

		free(e->bytes);
		free(e);
	}
	for (size_t i = 0; i < b->n_pipes; i++) {
		free(b->pipes[i].calls);
		for (unsigned e = 0; e < 2; e++) {
			for (size_t k = 0; k < b->pipes[i].end[e].n_held; k++)
				free(b->pipes[i].end[e].held[k].bytes);
			free(b->pipes[i].end[e].held);
		}
	}
	heap_free(&b->heap);
	free(b->pipes);
}

size_t
town_add(struct town *b, const char *name, const struct conf *c, const ntk_mac_t *macs)
{
	struct town_system *s = &b->sys[b->n];

	if (b->n == TOWN_SYSTEMS)
		abort();
	s->town = b;
	s->name = name;
	s->conf = *c;
	memcpy(s->mac, macs, c->n_interfaces * sizeof(*macs));
	return b->n++;
}

size_t
town_add_text(struct town *b, const char *name, const char *text, const ntk_mac_t *macs)
{
	char err[CONF_ERROR];
	struct conf c;

	if (!conf_parse(text, strlen(text), name, NULL, 0, &c, err)) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
	return town_add(b, name, &c, macs);
}

/* The kernel's answers are told by events, so that nothing runs inside anything. */
static void
answered(unsigned ns, const struct kernel_result *result, void *arg)
{
	struct town_system *s = arg;
	struct town *b = s->town;
	size_t i = (size_t)(s - b->sys);

	if (!result->ok && s->refuse > 0) {
		s->refuse--;
		s->refusing = false;
	} else if (!result->ok) {
		char text[KERNEL_REFUSAL_TEXT];

		fault(b, i, kernel_refusal_text(&result->refusal, text));
	}
	push(b, (struct town_event){ .kind = EV_KERNEL, .sys = i, .life = s->life,
	    .at = b->now + (b->kernel_delay > 0 ? rng_below(&b->rng, (uint32_t)b->kernel_delay) : 0),
	    .ns = ns, .ok = result->ok });
}

static void
operated(struct fakekern *fk, const struct priv_op *op, void *arg)
{
	struct town_system *s = arg;
	struct town *b = s->town;

	(void)fk;
	(void)op;
	b->count.operations++;
	b->changed = b->now;
	if (b->watch != NULL)
		b->watch(b, (size_t)(s - b->sys), b->watch_arg);
}

static void
kernel_run(struct town *b, size_t i)
{
	struct town_system *s = &b->sys[i];
	uint8_t in[PRIV_MSG_MAX], out[PRIV_MSG_MAX];
	struct msg_error err;
	size_t len;

	while ((len = kernel_next(s->kernel, in)) > 0) {
		int n;

		/* Once for each transaction, however many messages it takes. */
		if (s->refuse > 0 && !s->refusing)
			fakekern_refuse(s->fake, 0, PRIV_R_LIMIT);
		s->refusing = s->refuse > 0;
		n = fakekern_message(s->fake, in, len, out);
		if (n < 0 || (n > 0 && !kernel_answer(s->kernel, out, (size_t)n, &err))) {
			fault(b, i, "the helper and the daemon do not understand each other");
			return;
		}
	}
	if (fakekern_fault(s->fake) != NULL)
		fault(b, i, fakekern_fault(s->fake));
}

bool
town_start(struct town *b, size_t i)
{
	struct town_system *s = &b->sys[i];
	struct fakekern_setup setup = { .n_devs = s->conf.n_interfaces, .tables = s->conf.tables,
		.more_tables = s->conf.more_tables };
	struct rng rng;

	rng_init(&rng, rng_u64(&b->rng));
	s->node = node_new(&s->conf, &rng, b->now);
	s->fake = fakekern_new(&setup);
	s->kernel = kernel_new(s->conf.n_interfaces, answered, s);
	if (s->node == NULL || s->fake == NULL || s->kernel == NULL) {
		stop(b, i);
		return false;
	}
	fakekern_watch(s->fake, operated, s);
	town_poke(b, i);
	for (unsigned d = 0; d < s->conf.n_interfaces; d++) {
		if (s->unplugged[d])
			continue;
		node_nic_up(s->node, b->now, d, s->mac[d]);
		town_poke(b, i);
	}
	return true;
}

/* --- connections ---------------------------------------------------------------------------------- */

static struct town_pipe *
pipe_of(struct town *b, size_t sys, uint32_t connection, unsigned *end)
{
	for (size_t i = b->n_pipes; i-- > 0; )
		for (unsigned e = 0; e < 2; e++)
			if (b->pipes[i].end[e].sys == sys && b->pipes[i].end[e].connection == connection &&
			    b->pipes[i].end[e].life == b->sys[sys].life) {
				*end = e;
				return &b->pipes[i];
			}
	return NULL;
}

static const struct town_segment *
pipe_segment(const struct town *b, const struct town_pipe *p)
{
	return &b->segment[b->sys[p->end[0].sys].segment[p->end[0].dev]];
}

/* How much later a message comes because it was lost and sent again; TOWN_SILENCE: it never does. */
static uint64_t
resend_time(struct town *b, const struct town_segment *g)
{
	uint64_t t = 0, resend = TOWN_RESEND;

	while (t < TOWN_SILENCE && chance(b, g->loss)) {
		t += resend;
		resend *= 2;
		b->count.resent++;
	}
	return t < TOWN_SILENCE ? t : TOWN_SILENCE;
}

/* In order, whatever the jitter is. */
static uint64_t
arrival(struct town *b, struct town_pipe *p, unsigned to, uint64_t late)
{
	uint64_t at = b->now + late + delay(b, pipe_segment(b, p));

	if (at <= p->end[to].last)
		at = p->end[to].last + 1;
	p->end[to].last = at;
	return at;
}

static void
pipe_put(struct town *b, struct town_pipe *p, unsigned to, struct town_event e, uint64_t late)
{
	e.at = arrival(b, p, to, late);
	e.sys = p->end[to].sys;
	e.life = p->end[to].life;
	e.pipe = (uint32_t)(p - b->pipes);
	e.dev = to;		/* the end */
	push(b, e);
}

static void
pipe_event(struct town *b, struct town_pipe *p, unsigned to, struct town_event e)
{
	uint64_t late;

	if (!is_plugged(b, p->end[0].sys, p->end[0].dev) || !is_plugged(b, p->end[1].sys, p->end[1].dev)) {
		free(e.bytes);
		return;
	}
	late = resend_time(b, pipe_segment(b, p));
	if (late < TOWN_SILENCE) {
		pipe_put(b, p, to, e, late);
		return;
	}
	/* Neither end hears of the other any more: both give the connection up. */
	free(e.bytes);
	b->count.broken++;
	for (unsigned k = 0; k < 2; k++)
		pipe_put(b, p, k, (struct town_event){ .kind = EV_CLOSED }, TOWN_SILENCE);
}

static void
pipe_close(struct town *b, struct town_pipe *p, unsigned from)
{
	if (p->end[from].connection == 0)
		return;
	p->end[from].connection = 0;
	pipe_event(b, p, !from, (struct town_event){ .kind = EV_CLOSED });
}

void
town_kill(struct town *b, size_t i)
{
	for (size_t k = 0; k < b->n_pipes; k++)
		for (unsigned e = 0; e < 2; e++)
			if (b->pipes[k].end[e].sys == i && b->pipes[k].end[e].life == b->sys[i].life)
				pipe_close(b, &b->pipes[k], e);
	stop(b, i);
}

static void
do_connect(struct town *b, size_t i, const struct node_action *a)
{
	struct town_pipe *v = grow(b->pipes, b->n_pipes, 1, &b->pipes_size, sizeof(*v));
	size_t other = b->n;
	unsigned dev = 0;

	if (v == NULL)
		abort();
	b->pipes = v;
	for (size_t s = 0; s < b->n; s++)
		for (unsigned d = 0; d < CONF_INTERFACES; d++)
			if (b->sys[s].node != NULL && b->sys[s].address[d] == a->peer &&
			    b->sys[s].segment[d] == b->sys[i].segment[a->dev]) {
				other = s;
				dev = d;
			}
	v += b->n_pipes++;
	memset(v, 0, sizeof(*v));
	v->end[0].sys = i;
	v->end[0].life = b->sys[i].life;
	v->end[0].connection = a->connection;
	v->end[0].dev = a->dev;
	v->end[1].sys = other < b->n ? other : i;
	v->end[1].life = b->sys[v->end[1].sys].life;
	v->end[1].dev = other < b->n ? dev : a->dev;
	if (other < b->n)
		pipe_event(b, v, 1, (struct town_event){ .kind = EV_CONNECT, .ip = a->address });
	else
		pipe_event(b, v, 0, (struct town_event){ .kind = EV_CLOSED });
}

static uint8_t *
encode(const struct peer_msg *m, size_t *n)
{
	uint8_t *bytes;
	struct wr w;

	*n = peer_msg_size(m);
	bytes = malloc(*n + 1);
	if (bytes == NULL)
		abort();
	wr_init(&w, bytes, *n);
	peer_msg_write(m, &w);
	return bytes;
}

/* A call begins; its number on the wire. */
static uint32_t
begin_call(struct town *b, struct town_pipe *p, unsigned end, const struct node_action *a)
{
	struct town_call *v = grow(p->calls, p->n_calls, 1, &p->calls_size, sizeof(*v));
	struct town_event e = { .kind = EV_LIMIT, .at = b->now + a->limit, .sys = p->end[end].sys,
		.life = p->end[end].life, .pipe = (uint32_t)(p - b->pipes), .dev = end };

	if (v == NULL)
		abort();
	p->calls = v;
	e.call = ++p->numbers[end];
	v[p->n_calls++] = (struct town_call){ .number = e.call, .token = a->token, .type = a->msg->type,
		.end = end, .limit = a->limit, .deadline = e.at };
	push(b, e);
	return e.call;
}

static struct town_call *
call_at(struct town_pipe *p, unsigned end, uint32_t number)
{
	for (size_t i = 0; i < p->n_calls; i++)
		if (p->calls[i].number == number && p->calls[i].end == end)
			return &p->calls[i];
	return NULL;
}

static void
do_send(struct town *b, size_t i, const struct node_action *a, enum peer_kind kind)
{
	struct town_event e = { .kind = EV_MESSAGE, .peer_kind = kind, .call = a->call,
		.source = a->source, .destination = a->destination, .error = a->error };
	unsigned end;
	struct town_pipe *p = pipe_of(b, i, a->connection, &end);

	if (kind != PEER_CALL && kind != PEER_NOTICE && a->call >= TOWN_FORGED) {
		b->answer[b->n_answers % TOWN_ANSWERS].call = a->call;
		b->answer[b->n_answers % TOWN_ANSWERS].kind = kind;
		b->answer[b->n_answers++ % TOWN_ANSWERS].error = a->error;
		return;
	}
	if (p == NULL)
		return;
	b->count.messages++;
	b->count.bytes += peer_frame_size() + (a->msg == NULL);
	if (a->msg != NULL) {
		e.type = a->msg->type;
		e.bytes = encode(a->msg, &e.n);
		b->count.bytes += e.n;
	}
	if (kind == PEER_CALL)
		e.call = begin_call(b, p, end, a);
	pipe_event(b, p, !end, e);
}

/* One interface hears what SENDER says by A: never, once or twice. */
static void
hear(struct town *b, size_t sender, const struct node_action *a, size_t i, unsigned dev)
{
	const struct town_segment *g = &b->segment[b->sys[i].segment[dev]];
	struct town_event e = { .kind = EV_DATAGRAM, .sys = i, .life = b->sys[i].life, .dev = dev,
		.ip = a->address, .type = a->msg->type };

	if ((i == sender && dev == a->dev) || b->sys[i].node == NULL || !is_plugged(b, i, dev) ||
	    b->sys[i].segment[dev] != b->sys[sender].segment[a->dev])
		return;
	if (chance(b, g->loss)) {
		b->count.lost++;
		return;
	}
	for (bool again = true; again; ) {
		e.at = b->now + delay(b, g);
		e.bytes = encode(a->msg, &e.n);
		push(b, e);
		again = chance(b, g->twice);
		b->count.twice += again;
	}
}

static void
do_hello(struct town *b, size_t i, const struct node_action *a)
{
	b->count.datagrams++;
	b->count.bytes += peer_frame_size() + peer_msg_size(a->msg);
	if (!is_plugged(b, i, a->dev))
		return;
	for (size_t s = 0; s < b->n; s++)
		for (unsigned d = 0; d < b->sys[s].conf.n_interfaces; d++)
			hear(b, i, a, s, d);
}

/* --- what nodes want done ------------------------------------------------------------------------ */

static void
say(struct town *b, size_t i, const struct node_event *e)
{
	char mac[MAC_TEXT], ip[IP_TEXT];

	b->sys[i].events[e->kind]++;
	b->count.arcs_removed += e->kind == NODE_E_ARC_REMOVED;
	if (b->talk != NULL)
		fprintf(b->talk, "# %9.3f ms %-8s %s identity %u other %u number %llu %s %s %s\n",
		    (double)b->now / 1000, b->sys[i].name, node_event_name(e->kind), e->identity,
		    e->other, (unsigned long long)e->number, mac_print(e->mac, mac),
		    ip_print(e->peer, ip), e->text);
}

static void
do_hold(struct town *b, size_t i, const struct node_action *a)
{
	unsigned end;
	struct town_pipe *p = pipe_of(b, i, a->connection, &end);

	if (p != NULL)
		p->end[end].hold = a->hold;
}

static void
do_close(struct town *b, size_t i, const struct node_action *a)
{
	unsigned end;
	struct town_pipe *p = pipe_of(b, i, a->connection, &end);

	if (p != NULL)
		pipe_close(b, p, end);
}

static void
act(struct town *b, size_t i, const struct node_action *a)
{
	switch (a->kind) {
	case NODE_LISTEN:
		push(b, (struct town_event){ .kind = EV_LISTENING, .at = b->now, .sys = i,
		    .life = b->sys[i].life, .dev = a->dev, .ip = a->address });
		break;
	case NODE_UNLISTEN:
		b->sys[i].address[a->dev] = 0;
		break;
	case NODE_HELLO:
		do_hello(b, i, a);
		break;
	case NODE_CONNECT:
		do_connect(b, i, a);
		break;
	case NODE_HOLD:
		do_hold(b, i, a);
		break;
	case NODE_NOTICE:
		do_send(b, i, a, PEER_NOTICE);
		break;
	case NODE_CALL:
		do_send(b, i, a, PEER_CALL);
		break;
	case NODE_RESULT:
		do_send(b, i, a, PEER_RESULT);
		break;
	case NODE_ERROR:
		do_send(b, i, a, PEER_ERROR);
		break;
	case NODE_WAIT:
		do_send(b, i, a, PEER_WAIT);
		break;
	case NODE_CLOSE:
		do_close(b, i, a);
		break;
	case NODE_EVENT:
		say(b, i, &a->event);
		break;
	case NODE_KNOW:
	case NODE_CONFIRM:
		break;
	}
}

void
town_carrier(struct town *b, size_t i, unsigned dev, bool up)
{
	struct town_system *s = &b->sys[i];

	if (s->unplugged[dev] == !up)
		return;
	s->unplugged[dev] = !up;
	if (s->node == NULL)
		return;
	/* Of an interface that is known already the first does nothing. */
	if (up)
		node_nic_up(s->node, b->now, dev, s->mac[dev]);
	node_carrier(s->node, b->now, dev, up);
	town_poke(b, i);
}

void
town_poke(struct town *b, size_t i)
{
	struct town_system *s = &b->sys[i];
	struct node_action a;
	struct kset want;
	uint32_t label;
	unsigned ns;
	char why[200];

	kset_init(&want);
	while (node_next_want(s->node, &ns, &want, &label))
		kernel_want(s->kernel, ns, &want, label);
	kset_free(&want);
	kernel_run(b, i);
	while (node_next(s->node, &a))
		act(b, i, &a);
	if (node_failed(s->node))
		fault(b, i, "memory is exhausted");
	if (!node_invariant(s->node, why, sizeof(why)))
		fault(b, i, why);
	if (node_deadline(s->node) != UINT64_MAX)
		push(b, (struct town_event){ .kind = EV_TICK, .sys = i, .life = s->life,
		    .at = node_deadline(s->node) > b->now ? node_deadline(s->node) : b->now });
}

/* --- what happens -------------------------------------------------------------------------------- */

static const struct peer_msg *
decode(struct town *b, const struct town_event *e, struct peer_msg *m, uint8_t **memory)
{
	struct msg_arena arena = { .size = e->n * PEER_EXPANSION + 1 };
	struct msg_error err;
	struct rd r;

	*memory = NULL;
	if (e->bytes == NULL)
		return NULL;
	arena.buf = *memory = malloc(arena.size);
	if (arena.buf == NULL)
		abort();
	rd_init(&r, e->bytes, e->n);
	if (!peer_msg_read(e->type, &r, &arena, m, &err)) {
		char text[200];

		snprintf(text, sizeof(text), "a message of type %u that cannot be read: %s", e->type,
		    err.field != NULL ? err.field : "?");
		fault(b, e->sys, text);
		return NULL;
	}
	return m;
}

static void
on_answer(struct town *b, const struct town_event *e, uint32_t connection, const struct peer_msg *m)
{
	struct town_pipe *p = &b->pipes[e->pipe];
	struct town_call *at = call_at(p, e->dev, e->call), c;

	if (at == NULL) {
		fault(b, e->sys, "an answer that nobody awaits");
		return;
	}
	at->deadline = b->now + at->limit;
	c = *at;
	if (e->peer_kind != PEER_WAIT)
		*at = p->calls[--p->n_calls];
	if (!c.late)
		node_answered(b->sys[e->sys].node, b->now, connection, c.token, c.type,
		    e->peer_kind == PEER_RESULT ? NODE_ANSWERED :
		    e->peer_kind == PEER_ERROR ? NODE_REFUSED : NODE_PATIENCE, e->error, m);
}

static void
on_message(struct town *b, const struct town_event *e)
{
	uint32_t connection = b->pipes[e->pipe].end[e->dev].connection;
	const struct peer_msg *m;
	struct peer_msg space;
	uint8_t *memory;

	if (connection == 0)
		return;
	m = decode(b, e, &space, &memory);
	if (b->fault != NULL) {
		free(memory);
		return;
	}
	if (e->peer_kind == PEER_CALL || e->peer_kind == PEER_NOTICE)
		node_message(b->sys[e->sys].node, b->now, connection, e->call, e->source, e->destination, m);
	else
		on_answer(b, e, connection, m);
	free(memory);
}

/* Whoever asked for patience meanwhile has a later deadline. */
static void
on_limit(struct town *b, struct town_event *e)
{
	struct town_pipe *p = &b->pipes[e->pipe];
	struct town_call *c = call_at(p, e->dev, e->call);

	if (c == NULL || p->end[e->dev].connection == 0)
		return;
	if (c->deadline > b->now) {
		e->at = c->deadline;
		push(b, *e);
		return;
	}
	c->late = true;
	b->count.unanswered++;
	node_answered(b->sys[e->sys].node, b->now, p->end[e->dev].connection, c->token, c->type,
	    NODE_UNANSWERED, 0, NULL);
}

static void
on_connect(struct town *b, const struct town_event *e)
{
	struct town_pipe *p = &b->pipes[e->pipe];
	uint32_t connection = node_accepted(b->sys[e->sys].node, b->now, p->end[1].dev, e->ip);

	/* Whoever has given up meanwhile is accepted all the same: that it closed comes behind this. */
	p->end[1].connection = connection;
	if (p->end[0].connection == 0)
		return;
	pipe_event(b, p, 0, (struct town_event){ .kind = connection != 0 ? EV_CONNECTED : EV_CLOSED });
}

static void
on_closed(struct town *b, const struct town_event *e)
{
	struct town_pipe *p = &b->pipes[e->pipe];
	uint32_t connection = p->end[e->dev].connection;

	if (connection == 0)
		return;
	p->end[e->dev].connection = 0;
	node_closed(b->sys[e->sys].node, b->now, connection);
}

/* What comes over a pipe that is not read now waits, and what comes after it. */
static bool
hold_back(struct town *b, const struct town_event *e)
{
	struct town_event *v;
	struct town_pipe *p;

	if (e->kind != EV_MESSAGE && e->kind != EV_CLOSED)
		return false;
	p = &b->pipes[e->pipe];
	if (!p->end[e->dev].hold && p->end[e->dev].n_held == 0)
		return false;
	v = grow(p->end[e->dev].held, p->end[e->dev].n_held, 1, &p->end[e->dev].held_size, sizeof(*v));
	if (v == NULL)
		abort();
	p->end[e->dev].held = v;
	v[p->end[e->dev].n_held++] = *e;
	b->n_held++;
	return true;
}

/* The first that waits for a pipe which is read again. */
static bool
released(struct town *b, struct town_event *out)
{
	for (size_t i = 0; b->n_held > 0 && i < b->n_pipes; i++)
		for (unsigned e = 0; e < 2; e++) {
			struct town_pipe *p = &b->pipes[i];

			if (p->end[e].hold || p->end[e].n_held == 0)
				continue;
			*out = p->end[e].held[0];
			p->end[e].n_held--;
			b->n_held--;
			memmove(p->end[e].held, p->end[e].held + 1,
			    p->end[e].n_held * sizeof(*p->end[e].held));
			return true;
		}
	return false;
}

static void
on_kernel(struct town *b, const struct town_event *e)
{
	struct town_system *s = &b->sys[e->sys];

	for (unsigned d = 0; e->ns > 0 && d < s->conf.n_interfaces; d++)
		if (kernel_device(s->kernel, e->ns, d).present && s->pseudo[e->ns][d].b[0] == 0)
			s->pseudo[e->ns][d] = (ntk_mac_t){ { 0x4e, 0, (uint8_t)e->sys, (uint8_t)e->ns,
			    (uint8_t)(++s->made >> 8), (uint8_t)s->made } };
		else if (!kernel_device(s->kernel, e->ns, d).present)
			s->pseudo[e->ns][d] = (ntk_mac_t){ { 0 } };
	node_kernel_done(s->node, b->now, e->ns, e->ok, e->ns > 0 ? s->pseudo[e->ns] : s->mac);
}

static void
happen(struct town *b, struct town_event *e)
{
	struct town_system *s = &b->sys[e->sys];
	struct peer_msg space;
	const struct peer_msg *m;
	uint8_t *memory;

	switch (e->kind) {
	case EV_TICK:
		if (node_deadline(s->node) > b->now)
			return;
		node_tick(s->node, b->now);
		break;
	case EV_KERNEL:
		on_kernel(b, e);
		break;
	case EV_LISTENING:
		s->address[e->dev] = e->ip;
		node_listening(s->node, b->now, e->dev, e->ip, true);
		break;
	case EV_DATAGRAM:
		if (s->address[e->dev] == 0)
			return;
		m = decode(b, e, &space, &memory);
		if (m != NULL)
			node_datagram(s->node, b->now, e->dev, e->ip, m);
		free(memory);
		break;
	case EV_CONNECT:
		on_connect(b, e);
		break;
	case EV_CONNECTED:
		if (b->pipes[e->pipe].end[0].connection == 0)
			return;
		node_connected(s->node, b->now, b->pipes[e->pipe].end[0].connection);
		break;
	case EV_MESSAGE:
		on_message(b, e);
		break;
	case EV_CLOSED:
		on_closed(b, e);
		break;
	case EV_LIMIT:
		on_limit(b, e);
		break;
	}
	town_poke(b, e->sys);
}

/* The soonest event until UNTIL. */
static bool
due(struct town *b, uint64_t until, struct town_event *out)
{
	struct heap_event e;

	if (!heap_peek(&b->heap, &e) || e.at > until)
		return false;
	e = heap_take(&b->heap);
	*out = *(struct town_event *)e.what;
	free(e.what);
	return true;
}

static bool
step(struct town *b, uint64_t until)
{
	struct town_event e;
	bool again = released(b, &e);

	if (!again && !due(b, until, &e))
		return false;
	b->now = e.at > b->now ? e.at : b->now;
	if (b->sys[e.sys].node == NULL || e.life != b->sys[e.sys].life) {
		free(e.bytes);
		return true;
	}
	if (!again && hold_back(b, &e))
		return true;
	mix_event(b, &e);
	happen(b, &e);
	free(e.bytes);
	return true;
}

void
town_run(struct town *b, uint64_t until)
{
	while (b->fault == NULL && step(b, until))
		;
	if (b->now < until)
		b->now = until;
}

bool
town_wait(struct town *b, town_done *done, void *arg, uint64_t limit)
{
	uint64_t until = b->now + limit;

	while (b->fault == NULL && !done(b, arg))
		if (!step(b, until))
			return false;
	return b->fault == NULL;
}
