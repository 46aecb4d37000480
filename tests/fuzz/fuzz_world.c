/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bytes are a course of events for six nodes in two levels: time, links, nodes, messages made up
 * by their neighbours (any bytes, or an ETP whose parts are drawn from the input), answers
 * nobody asked for, commands to managers, arcs that nobody has.  After each every manager must be
 * sound, and what it knows must make sound facts.  A course in which nobody made anything up must, at
 * its end, come to rest and hold every invariant of the simulator.
 */

#include <stdlib.h>
#include <string.h>

#include "sim/check.h"
#include "sim/course.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	NODES = 6,
	EVENTS = 24,		/* taken from the input */
	STEPS = 3000,		/* of the world, after one event */
	PATHS = 4,		/* of one ETP that is made up */
	HOPS = 4,
	STRANGE_ARC = 1000,	/* numbers from here on are given by commands alone */
};

struct input {
	const uint8_t *at;
	size_t left;
};

static void
must(bool what)
{
	if (!what)
		abort();
}

static uint8_t
byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static uint32_t
below(struct input *in, uint32_t n)
{
	return n != 0 ? byte(in) % n : 0;
}

/* --- what is made up ------------------------------------------------------------------- */

struct lie {
	struct peer_hop hops[PATHS][HOPS];
	uint32_t arcs[PATHS][HOPS];
	struct peer_path paths[PATHS];
	int32_t eld[4][2], seed[4][2];
	struct peer_fp fps[4];
	uint32_t nodes[3];
	struct peer_inside insides[2];
	struct peer_mark gone[2];
	uint8_t gexp[2];
	uint32_t pos[2];
};

static void
lie_fp(struct input *in, struct lie *l, unsigned i, uint8_t level, unsigned levels)
{
	for (unsigned k = 0; k < 2; k++) {
		l->eld[i][k] = (int32_t)below(in, 4);
		l->seed[i][k] = (int32_t)below(in, 4);
	}
	l->fps[i] = (struct peer_fp){ .id = 1 + below(in, 8), .level = level,
		.eld = { l->eld[i], (uint16_t)(levels - level) }, .seed = { l->seed[i], level } };
}

static void
lie_path(struct input *in, struct lie *l, unsigned i)
{
	uint8_t flags = byte(in);
	uint16_t n = (uint16_t)(1 + flags % HOPS);

	for (uint16_t k = 0; k < n; k++) {
		uint8_t b = byte(in);

		l->hops[i][k] = (struct peer_hop){ .level = b >> 4 & 1, .pos = b & 7 };
		l->arcs[i][k] = 1U + (b & 3);
	}
	l->paths[i] = (struct peer_path){ .hops = { l->hops[i], n }, .arcs = { l->arcs[i], n },
		.cost_kind = flags >> 4 & 3, .fp = flags >> 6 & 1 };
	/* One after the other: a corpus means the same to every compiler. */
	l->paths[i].cost = byte(in) * 16U;
	l->paths[i].nodes = 1 + below(in, 4);
	l->paths[i].ignore = below(in, 4) & 2;
	if (l->paths[i].cost_kind > PEER_COST_DEAD)
		l->paths[i].cost_kind = PEER_COST_MEASURED;
}

/* Of a path with one or two of the arcs that lie_path() makes up. */
static struct peer_mark
lie_mark(struct input *in)
{
	uint8_t b = byte(in);

	return (struct peer_mark){ { .level = b >> 3 & 1, .pos = b & 7 }, 1U + (b >> 4 & 7) };
}

static void
lie_marks(struct input *in, struct lie *l, struct peer_etp *m)
{
	uint8_t b = byte(in);

	for (unsigned i = 0; i < 2; i++) {
		l->insides[i] = (struct peer_inside){ lie_mark(in), below(in, 5) };
		l->gone[i] = lie_mark(in);
	}
	m->insides.v = l->insides;
	m->insides.n = b & 1 ? 1 + (b >> 1 & 1) : 0;
	m->gone.v = l->gone;
	m->gone.n = b & 4 ? 1 + (b >> 3 & 1) : 0;
}

/* An ETP of the right form: address and levels are NODE's, unless a byte says otherwise. */
static void
say_etp(struct input *in, struct world *w, uint32_t node, uint32_t end, uint8_t kind)
{
	const struct topo *t = &w->settings.params.topo;
	static uint8_t buf[1 << 14];
	struct lie l;
	struct peer_msg m = { .type = PEER_etp };
	uint16_t n_paths = (uint16_t)below(in, PATHS + 1);
	uint8_t flags = byte(in);
	struct wr out;

	memset(&l, 0, sizeof(l));
	for (unsigned i = 0; i < 2; i++) {
		l.gexp[i] = t->gexp[i];
		l.pos[i] = w->nodes[node].address.pos[i];
	}
	if ((flags & 1) != 0)
		l.pos[flags >> 1 & 1] = flags >> 2 & 7;
	for (unsigned i = 0; i < 3; i++) {
		lie_fp(in, &l, i, (uint8_t)i, 2);
		l.nodes[i] = 1 + below(in, 6);
	}
	lie_fp(in, &l, 3, (uint8_t)(flags >> 5 & 1), 2);
	for (unsigned i = 0; i < n_paths; i++)
		lie_path(in, &l, i);
	m.etp = (struct peer_etp){ .incarnation = flags >> 6, .seq = byte(in), .full = flags >> 4 & 1,
		.sender = { .gexp = { l.gexp, 2 }, .pos = { l.pos, 2 } }, .fps = { l.fps, 3 },
		.nodes = { l.nodes, 3 }, .reports = { l.fps + 2, 2 }, .paths = { l.paths, n_paths } };
	lie_marks(in, &l, &m.etp);
	wr_init(&out, buf, sizeof(buf));
	peer_msg_write(&m, &out);
	world_say(w, node, end, kind, PEER_etp, byte(in), buf, peer_msg_size(&m));
}

static void
say_bytes(struct input *in, struct world *w, uint32_t node, uint32_t end, uint8_t kind)
{
	uint8_t type = byte(in), call = byte(in);
	size_t len = byte(in);

	len = len < in->left ? len : in->left;
	world_say(w, node, end, kind, type, call, in->at, len);
	in->at += len;
	in->left -= len;
}

static void
say(struct input *in, struct world *w, bool raw)
{
	static const uint8_t kinds[] = { PEER_NOTICE, PEER_CALL, PEER_RESULT };
	uint32_t node = below(in, NODES), end;
	uint8_t kind = kinds[below(in, 3)];

	if (w->nodes[node].n_ends == 0)
		return;
	end = below(in, w->nodes[node].n_ends);
	if (raw)
		say_bytes(in, w, node, end, kind);
	else
		say_etp(in, w, node, end, kind);
}

/* --- what managers are told -------------------------------------------------------------- */

static void
command(struct input *in, struct world *w, uint32_t node)
{
	struct qspn *q = w->nodes[node].qspn;
	uint8_t what = byte(in), a = byte(in), b = byte(in);
	uint32_t arc = w->nodes[node].n_ends != 0 ? w->nodes[node].ends[0].arc : 0;

	switch (what % 12) {
	case 0:
		qspn_make_connectivity(q, w->now, a % 4, b % 4, 4 + (a >> 4), &w->out);
		break;
	case 1:
		qspn_make_real(q, w->now, a % 3, b % 5, 1 + (a >> 4), &w->out);
		break;
	case 2:
		qspn_remove_outer_arcs(q, w->now, &w->out);
		break;
	case 3:
		qspn_check_connectivity(q, a % 4);
		break;
	case 4:
		qspn_prepare_destroy(q, w->now, a % 3, &w->out);
		break;
	case 5:
		qspn_destroy(q, w->now, &w->out);
		break;
	case 6:
		qspn_exit_network(q, w->now, a % 3, &w->out);
		break;
	case 7:
		qspn_operation_prepared(q, w->now, a % 3);
		break;
	case 8:
		qspn_answer(q, w->now, arc, a, (enum qspn_outcome)(1 + b % 3), NULL, &w->out);
		break;
	case 9:
		qspn_send_failed(q, w->now, (a & 1) != 0 ? arc : a, (b & 1) != 0, &w->out);
		break;
	case 10:
		qspn_arc_add(q, w->now, (a & 1) != 0 ? arc : (uint32_t)STRANGE_ARC + a, 1 + b, &w->out);
		break;
	default:
		qspn_arc_remove(q, w->now, (uint32_t)STRANGE_ARC + a, &w->out);
		break;
	}
	world_acted(w, node);
}

/* --- what happens -------------------------------------------------------------------------- */

static void
happen(struct input *in, struct world *w)
{
	struct course_event e;

	e.kind = (enum course_kind)below(in, COURSE_KINDS);
	e.what = below(in, e.kind <= COURSE_COST ? w->n_links : NODES);
	e.cost = 1 + (uint64_t)byte(in) * byte(in);
	course_do(w, &e);
}

/* True when the event was one that may happen by itself. */
static bool
event(struct input *in, struct world *w)
{
	uint8_t kind = byte(in);
	uint64_t until = w->now + (uint64_t)byte(in) * 4000;
	uint32_t node;

	for (unsigned i = 0; i < STEPS && w->now < until && !world_is_at_rest(w); i++)
		if (!world_step(w))
			break;
	switch (kind % 8) {
	case 0:
	case 1:
	case 2:
		happen(in, w);
		return true;
	case 3:
	case 4:
		say(in, w, false);
		return false;
	case 5:
		say(in, w, true);
		return false;
	case 6:
		node = below(in, NODES);
		if (w->nodes[node].state == WORLD_NODE_UP)
			command(in, w, node);
		return false;
	default:
		return true;
	}
}

/* --- the oracle ------------------------------------------------------------------------------ */

/* An arc of a command: no link of the world stands behind it, so there are no facts about it. */
static bool
has_strange_arc(const struct qspn *q)
{
	for (size_t i = 0; i < qspn_arcs(q); i++)
		if (qspn_arc_at(q, i).arc >= STRANGE_ARC)
			return true;
	return false;
}

static void
all_sound(struct world *w, struct walk *k)
{
	bool changed;
	char why[300];

	must(!w->failed);
	for (uint32_t i = 0; i < NODES; i++) {
		const struct world_node *n = &w->nodes[i];

		if (n->qspn == NULL)
			continue;
		must(qspn_invariant(n->qspn, why, sizeof(why)));
		/* Who has a virtual position is no main identity, and has other facts. */
		if (qspn_is_bootstrapped(n->qspn) && !has_strange_arc(n->qspn) &&
		    naddr_equal(&k->map.topo, qspn_address(n->qspn), &n->address))
			must(walk_read_node(k, i, &changed, why, sizeof(why)));
	}
}

static struct world *
make(void)
{
	static const uint32_t ends[][2] = { { 0, 1 }, { 1, 2 }, { 0, 2 }, { 2, 3 }, { 3, 4 }, { 4, 5 },
		{ 0, 5 }, { 1, 4 } };
	struct world_settings s = { .seed = 1, .latency = 1000 };
	struct naddr address[NODES];
	struct world *w;
	struct graph g;
	struct topo t;
	char why[100];

	memset(address, 0, sizeof(address));
	must(topo_parse("4.4", &t, why, sizeof(why)) && graph_init(&g, NODES));
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		must(graph_link(&g, ends[i][0], ends[i][1]));
	must(graph_finish(&g));
	for (uint32_t i = 0; i < NODES; i++) {
		address[i].pos[0] = i % 3;
		address[i].pos[1] = i / 3;
	}
	qspn_params_default(&s.params, &t);
	w = world_new(&s, &g, address, NULL);
	must(w != NULL);
	graph_free(&g);
	return w;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world *w = make();
	struct check c;
	bool honest = true;

	must(check_init(&c, w));
	/* Most courses begin in a world at rest. */
	if ((byte(&in) & 3) != 0)
		world_rest(w, 60000000, NULL, NULL);
	for (unsigned i = 0; i < EVENTS && in.left != 0; i++) {
		honest = event(&in, w) && honest;
		all_sound(w, &c.walk);
	}
	if (honest)
		must(world_rest(w, UINT64_C(100000000), NULL, NULL) && check_rest(&c));
	check_free(&c);
	world_free(w);
	return 0;
}
