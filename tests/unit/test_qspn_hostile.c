/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One manager, four neighbours that say and do what a random source tells them, mostly
 * within the format, in random order and with small limits: what must hold between any two calls
 * holds after each.  A failure names the seed.
 */
#include <stdio.h>

#include "tests/unit/qspnbed.h"
#include "tests/unit/tap.h"

static struct bed b;
static struct bed_etp e;
static struct rng r;
static struct qspn *q;
static uint64_t seq[4];

static uint32_t
draw(uint32_t n)
{
	return rng_below(&r, n);
}

static uint32_t
arc_of(unsigned neighbour)
{
	return 1001 + 2 * neighbour;
}

static void
start(uint64_t seed)
{
	static const int32_t eld[3] = { 0 };
	static const uint32_t amendments[] = { QSPN_PROFILE_R, QSPN_PROFILE_R,
	    QSPN_PROFILE_R & ~(uint32_t)QSPN_A4_PACING, 0 };

	rng_init(&r, seed);
	bed_init(&b, "4.4.4", seed);
	b.p.amendments = amendments[draw(4)];
	b.p.pacing = draw(2) * 10 * MS;
	if (draw(2) == 0) {
		b.p.max_paths_all = (uint16_t)(8 + draw(30));
		b.p.max_paths_dest = (uint16_t)(1 + draw(6));
		b.p.max_dests = 1 + draw(4);
		b.p.max_hops = (uint16_t)(1 + draw(5));
		b.p.max_splits = (uint16_t)draw(3);
	}
	q = b.node[bed_node(&b, 'r', "0.0.0", 5, eld)].q;
	for (unsigned i = 0; i < 4; i++)
		seq[i] = 0;
}

/* Some hops, most of them such as can be; the level of the last one. */
static unsigned
make_hops(struct peer_hop *h, uint32_t *arcs, unsigned n)
{
	unsigned level = draw(3) == 0 ? draw(2) : 0;

	for (unsigned i = 0; i < n; i++) {
		h[i].level = (uint8_t)level;
		h[i].pos = draw(20) == 0 ? draw(9) : draw(5);
		arcs[i] = 1 + draw(6);
		if (draw(3) == 0 && level < 2)
			level++;
	}
	if (draw(200) == 0)
		h[draw(n)].level = (uint8_t)draw(4);
	return h[n - 1].level;
}

static bool
can_be(const struct peer_hop *h, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (h[i].level < 3 && e.pos[h[i].level] == h[i].pos)
			return false;
		for (unsigned j = 0; j < i; j++)
			if (h[i].level == h[j].level && h[i].pos == h[j].pos)
				return false;
	}
	return true;
}

static void
make_path(unsigned i)
{
	struct peer_path *p = &e.paths[i];
	unsigned n = 1 + draw(4), level, tries = 0;

	do
		level = make_hops(e.hops[i], e.arcs[i], n);
	while (!can_be(e.hops[i], n) && tries++ < 30);
	*p = (struct peer_path){ .hops = { e.hops[i], (uint16_t)n }, .arcs = { e.arcs[i], (uint16_t)n },
	    .fp = i, .nodes = draw(level == 0 ? 2 : 4), .ignore = 7 & ~((2U << level) - 1) };
	cost_write(draw(4) == 0 ? COST_DEAD : 1 + draw(9000), &p->cost_kind, &p->cost);
	if (level > 0 && draw(4) == 0)
		p->ignore |= 2;
	for (unsigned t = 0; t < 3; t++)
		e.report_eld[i][t] = e.report_seed[i][t] = (int32_t)draw(4) - 1;
	e.reports[i] = (struct peer_fp){ .id = 60 + draw(6), .level = (uint8_t)level,
	    .eld = { e.report_eld[i], (uint16_t)(level < 3 ? 3 - level : 0) },
	    .seed = { e.report_seed[i], (uint16_t)level } };
	e.m->paths.n = e.m->reports.n = (uint16_t)(i + 1);
}

static struct peer_mark
make_mark(void)
{
	uint8_t level = (uint8_t)draw(draw(50) == 0 ? 4 : 3);

	return (struct peer_mark){ { level, draw(5) }, draw(16) };
}

/* Marks of paths, some of which are known; and one g-node of the sender instead of all. */
static void
make_brief(void)
{
	static struct peer_inside insides[3];
	static struct peer_mark gone[3];

	for (unsigned i = 0; i < 3; i++) {
		insides[i] = (struct peer_inside){ make_mark(), draw(5) };
		gone[i] = make_mark();
	}
	e.m->insides.v = insides;
	e.m->insides.n = (uint16_t)draw(4);
	e.m->gone.v = gone;
	e.m->gone.n = (uint16_t)draw(4);
	if (draw(3) > 0)
		return;
	e.fps[0] = e.fps[draw(3)];
	e.m->fps.n = e.m->nodes.n = 1;
}

/* An ETP of neighbour A, whose address may change. */
static void
make_etp(unsigned a)
{
	char address[16];
	unsigned n = draw(10);

	snprintf(address, sizeof(address), "%u.%u.%u", a == 3, a == 2,
	    a < 2 ? a + 1 : draw(30) == 0 ? 4U : 0U);
	bed_etp(&b, &e, address, 61 + a, draw(3) == 0, draw(15) == 0 ? seq[a] : ++seq[a]);
	for (unsigned i = 0; i < n; i++)
		make_path(i);
	if (draw(3) == 0 && (!e.m->full || draw(20) == 0))
		make_brief();
}

static void
answer(uint32_t arc, struct qspn_out *out)
{
	const struct arc *x = arc_find(q, arc);

	e.m->full = 1;
	if (x != NULL)
		qspn_answer(q, b.now, arc, x->call, draw(5) != 0 ? QSPN_ANSWERED :
		    (enum qspn_outcome)draw(4), &e.msg, out);
}

static void
command(struct qspn_out *out)
{
	switch (draw(5)) {
	case 0:
		qspn_make_connectivity(q, b.now, 1 + draw(2), 3, 4 + draw(3), out);
		break;
	case 1:
		qspn_make_real(q, b.now, draw(3), draw(4), (int32_t)draw(3), out);
		break;
	case 2:
		qspn_exit_network(q, b.now, draw(3), out);
		break;
	case 3:
		qspn_operation_prepared(q, b.now, draw(3));
		break;
	default:
		qspn_remove_outer_arcs(q, b.now, out);
	}
}

static void
step(void)
{
	unsigned a = draw(4);
	uint32_t arc = arc_of(a);
	struct qspn_out *out = bed_out(&b);
	struct peer_msg request = { .type = PEER_full_request };

	b.now += draw(50000);
	make_etp(a);
	request.full_request.requester = e.m->sender;
	if (draw(2) == 0)
		qspn_arc_add(q, b.now, arc, 1 + draw(5000), out);
	switch (draw(12)) {
	case 0:
		qspn_receive(q, b.now, arc, 3, &request, out);
		break;
	case 1:
		qspn_arc_changed(q, b.now, arc, 1 + draw(5000), out);
		break;
	case 2:
		qspn_arc_remove(q, b.now, arc, out);
		break;
	case 3:
		answer(arc, out);
		break;
	case 4:
		if (draw(5) == 0)
			command(out);
		qspn_check_connectivity(q, 1 + draw(2));
		break;
	default:
		qspn_receive(q, b.now, arc, 0, &e.msg, out);
	}
	if (qspn_deadline(q) <= b.now)
		qspn_tick(q, b.now, out);
	bed_done(&b, 0);
}

static void
test_hostile(void)
{
	uint64_t updates = 0, refused = 0;

	for (uint64_t seed = 1; seed <= 1500; seed++) {
		start(seed);
		for (unsigned i = 0; i < 60 && !b.broken; i++)
			step();
		if (b.broken)
			tap_note("seed %u", (unsigned)seed);
		updates += qspn_stats(q)->updates;
		for (int i = 0; i < QSPN_REFUSALS; i++)
			refused += qspn_stats(q)->refused[i];
		bed_free(&b);
	}
	tap_note("%u updates, %u messages refused", (unsigned)updates, (unsigned)refused);
	CU_ASSERT_TRUE(updates > 10000);
	CU_ASSERT_TRUE(refused > 100);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "four neighbours that say anything", test_hostile },
	};
	return TAP_RUN(tests);
}
