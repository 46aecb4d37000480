/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One lying node among fifty.  It forwards packets by true tables, as a node does whose operator
 * changed nothing but what it tells.  Honest pairs that have a way without it must keep their
 * packets and their paths around it, but for lies that cannot be seen: ntk-sim(1), LIES.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check.h"
#include "sim/place.h"
#include "tests/unit/tap.h"

enum {
	NODES = 50,
	HOPS = 4,
	PATHS = 512,
	FPS = 64,
	LIMIT = 60000000,	/* µs */
};

struct lab {
	struct world *w;
	struct check c;
	struct graph g;
	struct naddr address[NODES];
	uint32_t liar;
	bool rested;
	uint64_t lies;
	/* Memory for what the liar says. */
	struct peer_path paths[PATHS];
	struct peer_fp fps[FPS];
	struct peer_hop hops[HOPS];
	uint32_t arcs[HOPS];
	int32_t eld[PEER_LEVELS];
};

/* Components without a node: its links are taken away for the look, and put back. */
static void
look_without(struct lab *l, uint32_t node)
{
	l->w->nodes[node].state = WORLD_NODE_DEAD;
	CU_ASSERT_TRUE_FATAL(truth_look(&l->c.truth));
	l->w->nodes[node].state = WORLD_NODE_UP;
}

/*
 * The liar is the node with most links among those without which every g-node is still connected
 * inside: else its neighbours in a g-node have no honest path to each other that the protocol could keep.
 */
static void
choose_liar(struct lab *l)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < NODES; i++) {
		if (l->w->nodes[i].n_ends <= most)
			continue;
		look_without(l, i);
		if (!l->c.truth.whole)
			continue;
		most = l->w->nodes[i].n_ends;
		l->liar = i;
	}
	CU_ASSERT_TRUE_FATAL(most > 2);
}

static void
lab_make(struct lab *l, const char *sizes, uint64_t seed, world_tamper *lie)
{
	struct world_settings s = { .seed = seed, .latency = 1000 };
	struct topo t;
	struct rng rng;
	char why[300];

	memset(l, 0, sizeof(*l));
	rng_init(&rng, seed);
	CU_ASSERT_TRUE_FATAL(topo_parse(sizes, &t, why, sizeof(why)));
	CU_ASSERT_TRUE_FATAL(graph_make(&l->g, GRAPH_RANDOM, NODES, 5, &rng));
	CU_ASSERT_TRUE_FATAL(place_nodes(&l->g, &t, l->address, why, sizeof(why)));
	qspn_params_default(&s.params, &t);
	l->w = world_new(&s, &l->g, l->address, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l->w);
	l->w->tamper = lie;
	l->w->tamper_arg = l;
	CU_ASSERT_TRUE_FATAL(check_init(&l->c, l->w));
	choose_liar(l);
	l->rested = world_rest(l->w, LIMIT, NULL, NULL);
}

static void
lab_free(struct lab *l)
{
	check_free(&l->c);
	world_free(l->w);
	graph_free(&l->g);
}

/* --- what happens to honest pairs ------------------------------------------------------- */

struct outcome {
	bool rested;
	unsigned pairs;		/* honest, with a way on which the liar does not lie */
	unsigned reached;	/* packets arrive, by every address */
	unsigned lost_by_liar;	/* they do not, and one passed the liar on its way */
	unsigned to_its_gnodes;	/* they do not, and the destination is in one with the liar, not the source */
	unsigned around;	/* a path is known that cannot touch the liar */
	unsigned near;		/* pairs from a neighbour of the liar */
	unsigned near_around;
	uint64_t refused;	/* messages, by honest nodes */
};

static bool
touches_liar(const struct lab *l, uint32_t from, const struct qspn_path *p)
{
	const struct topo *t = &l->w->settings.params.topo;
	struct coord liar;

	naddr_coord(t, &l->address[from], &l->address[l->liar], &liar);
	for (size_t i = 0; i < p->n_hops; i++)
		if (p->hops[i].to.level == liar.level && p->hops[i].to.pos == liar.pos)
			return true;
	return false;
}

static bool
knows_around(const struct lab *l, uint32_t a, uint32_t b)
{
	struct qspn_path v[64];
	struct coord d;
	size_t n;

	naddr_coord(&l->w->settings.params.topo, &l->address[a], &l->address[b], &d);
	n = qspn_paths(l->w->nodes[a].qspn, d, v, 64);
	for (size_t i = 0; i < n && i < 64; i++)
		if (!touches_liar(l, a, &v[i]))
			return true;
	return false;
}

/* A packet from A to the global address of B comes by the liar. */
static bool
passes_liar(struct lab *l, uint32_t a, uint32_t b)
{
	unsigned hops;

	walk_packet(&l->c.walk, a, b, (struct map4_class){ MAP4_GLOBAL, 0 }, &hops);
	return l->c.walk.visited[l->liar] == l->c.walk.walks;
}

/* A sees B and the liar as one g-node. */
static bool
sees_with_liar(const struct lab *l, uint32_t a, uint32_t b)
{
	const struct topo *t = &l->w->settings.params.topo;
	struct coord x, y;

	return naddr_coord(t, &l->address[a], &l->address[b], &x) &&
	    naddr_coord(t, &l->address[a], &l->address[l->liar], &y) && x.level == y.level &&
	    x.pos == y.pos;
}

static bool
is_near(const struct lab *l, uint32_t a)
{
	for (uint32_t i = 0; i < l->w->nodes[a].n_ends; i++)
		if (l->w->nodes[a].ends[i].node == l->liar)
			return true;
	return false;
}

static struct outcome
look(struct lab *l)
{
	struct outcome o = { .rested = l->rested };

	look_without(l, l->liar);
	CU_ASSERT_TRUE_FATAL(check_read(&l->c));
	for (uint32_t a = 0; a < NODES; a++)
		for (uint32_t b = 0; b < NODES; b++) {
			unsigned reached, sent;

			if (a == b || a == l->liar || b == l->liar ||
			    l->c.truth.component[a] != l->c.truth.component[b])
				continue;
			check_pair(&l->c, a, b, &reached, &sent);
			o.pairs++;
			o.reached += reached == sent;
			o.lost_by_liar += reached != sent && passes_liar(l, a, b);
			o.to_its_gnodes += reached != sent && !passes_liar(l, a, b) &&
			    sees_with_liar(l, a, b);
			o.around += knows_around(l, a, b);
			o.near += is_near(l, a);
			o.near_around += is_near(l, a) && knows_around(l, a, b);
		}
	for (uint32_t i = 0; i < NODES; i++)
		for (unsigned k = 0; i != l->liar && k < QSPN_REFUSALS; k++)
			o.refused += qspn_stats(l->w->nodes[i].qspn)->refused[k];
	return o;
}

static struct outcome
with(const char *name, const char *sizes, world_tamper *lie, uint64_t *lies)
{
	struct lab *l = malloc(sizeof(*l));
	struct outcome o;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	lab_make(l, sizes, 3, lie);
	o = look(l);
	*lies = l->lies;
	tap_note("%s, levels %s: %llu lies; of %u honest pairs %u reach, %u know a way around; of %u from "
	    "its neighbours %u do; %llu messages refused%s", name, sizes, (unsigned long long)l->lies,
	    o.pairs, o.reached, o.around, o.near, o.near_around, (unsigned long long)o.refused,
	    o.rested ? "" : "; no rest");
	lab_free(l);
	free(l);
	return o;
}

static bool
tell_truth(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m, void *arg)
{
	(void)w, (void)node, (void)to, (void)m, (void)arg;
	return true;
}

/* The liar's ETPs, with paths and fingerprints in memory that may be written. */
static bool
is_etp(struct lab *l, uint32_t node, struct peer_msg *m)
{
	if (node != l->liar || m->type != PEER_etp || m->etp.paths.n > PATHS || m->etp.fps.n > FPS ||
	    m->etp.reports.n >= FPS)
		return false;
	memcpy(l->paths, m->etp.paths.v, m->etp.paths.n * sizeof(l->paths[0]));
	m->etp.paths.v = l->paths;
	l->lies++;
	return true;
}

/* --- lies that cannot be seen -------------------------------------------------------------- */

/* Everything costs 1. */
static bool
all_is_cheap(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m, void *arg)
{
	struct lab *l = arg;

	(void)w, (void)to;
	if (!is_etp(l, node, m))
		return true;
	for (uint16_t i = 0; i < m->etp.paths.n; i++)
		if (l->paths[i].cost_kind == PEER_COST_MEASURED)
			l->paths[i].cost = 1;
	return true;
}

/* Nothing is told but what the connection needs: requests are answered by an empty whole. */
static bool
silent(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m, void *arg)
{
	struct lab *l = arg;

	(void)w, (void)to;
	if (!is_etp(l, node, m))
		return true;
	m->etp.paths.n = 0;
	return m->etp.full != 0;
}

/* The smallest g-node next to the liar that does not exist. */
static struct coord
nobody(const struct lab *l)
{
	const struct topo *t = &l->w->settings.params.topo;
	struct coord d;

	for (uint8_t level = 0; level < t->levels; level++)
		for (uint32_t pos = 0; pos < topo_gsize(t, level); pos++) {
			bool free_ = pos != l->address[l->liar].pos[level];

			for (uint32_t i = 0; free_ && i < NODES; i++)
				free_ = !naddr_coord(t, &l->address[l->liar], &l->address[i], &d) ||
				    d.level != level || d.pos != pos;
			if (free_)
				return (struct coord){ level, pos };
		}
	CU_FAIL_FATAL("every g-node exists");
	return (struct coord){ 0, 0 };
}

/* A neighbour that is not there. */
static bool
invented(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m, void *arg)
{
	const struct topo *t = &w->settings.params.topo;
	struct lab *l = arg;
	struct coord c = nobody(l);
	uint16_t n;

	(void)to;
	if (!is_etp(l, node, m) || m->etp.paths.n == PATHS)
		return true;
	n = m->etp.paths.n;
	memcpy(l->fps, m->etp.reports.v, m->etp.reports.n * sizeof(l->fps[0]));
	memset(l->eld, 0, sizeof(l->eld));
	l->fps[m->etp.reports.n] = (struct peer_fp){ .id = 4711, .level = c.level,
		.eld = { l->eld, (uint16_t)(t->levels - c.level) }, .seed = { l->eld, c.level } };
	l->hops[0] = (struct peer_hop){ .level = c.level, .pos = c.pos };
	l->arcs[0] = 12345;
	l->paths[n] = (struct peer_path){ .hops = { l->hops, 1 }, .arcs = { l->arcs, 1 },
		.cost_kind = PEER_COST_MEASURED, .cost = 5, .fp = m->etp.reports.n, .nodes = 1,
		.ignore = ((UINT32_C(1) << t->levels) - 1) & ~((UINT32_C(2) << c.level) - 1) };
	m->etp.reports.v = l->fps;
	m->etp.reports.n++;
	m->etp.paths.n = (uint16_t)(n + 1);
	return true;
}

/* Fingerprints of its g-nodes have the id of somebody else. */
static bool
other_name(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m, void *arg)
{
	struct lab *l = arg;

	(void)w, (void)to;
	if (!is_etp(l, node, m))
		return true;
	memcpy(l->fps, m->etp.fps.v, m->etp.fps.n * sizeof(l->fps[0]));
	for (uint16_t i = 0; i < m->etp.fps.n; i++)
		l->fps[i].id ^= 0x5555;
	m->etp.fps.v = l->fps;
	return true;
}

/* Its g-nodes are the eldest there can be, by another name. */
static bool
eldest(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m, void *arg)
{
	struct lab *l = arg;

	if (!other_name(w, node, to, m, arg) || node != l->liar || m->type != PEER_etp)
		return true;
	memset(l->eld, 0, sizeof(l->eld));
	for (uint16_t i = 0; i < m->etp.fps.n; i++) {
		l->fps[i].eld.v = l->eld;
		l->fps[i].seed.v = l->eld;
	}
	return true;
}

/* What there is to lose: of topology I, when nobody lies. */
static const char *const gsizes[] = { "64", "4.4.4.4" };
static struct outcome honest[2];

static void
test_honest(void)
{
	uint64_t lies;

	for (unsigned i = 0; i < 2; i++) {
		honest[i] = with("nobody lies", gsizes[i], tell_truth, &lies);
		CU_ASSERT_TRUE(honest[i].pairs > 2000);
		CU_ASSERT_TRUE(honest[i].rested);
		CU_ASSERT_EQUAL(honest[i].reached, honest[i].pairs);
		CU_ASSERT_EQUAL(honest[i].refused, 0);
		/* Where its g-node of a higher level is seen, all of that counts as the liar. */
		CU_ASSERT_TRUE(honest[i].around * 100 >= honest[i].pairs * 75);
	}
}

/*
 * Nobody can see that a cost is wrong.  The liar draws traffic; what it forwards by true tables may
 * come back to it, drawn again, so that packets are lost by it and by it alone.  Some know no path
 * around it any more, since all that they are told leads by it.  Some networks never come to rest:
 * preferences that are no sum of costs need not agree (pacing bounds what that costs).
 */
static void
test_cheap(void)
{
	uint64_t lies;

	for (unsigned i = 0; i < 2; i++) {
		struct outcome o = with("all costs 1", gsizes[i], all_is_cheap, &lies);

		CU_ASSERT_TRUE(lies > 0);
		CU_ASSERT_TRUE(!o.rested || o.reached + o.lost_by_liar == o.pairs);
		CU_ASSERT_TRUE(o.reached * 100 >= o.pairs * 90);
	}
}

static void
loses_nothing(const char *name, world_tamper *lie)
{
	uint64_t lies;

	for (unsigned i = 0; i < 2; i++) {
		struct outcome o = with(name, gsizes[i], lie, &lies);

		CU_ASSERT_TRUE(lies > 0);
		CU_ASSERT_TRUE(o.rested);
		CU_ASSERT_EQUAL(o.reached, o.pairs);
		CU_ASSERT_TRUE(o.around >= honest[i].around);
	}
}

/*
 * Elderships are trusted.  Who claims to be of the eldest makes the true fingerprint of its own g-nodes look
 * like that of a younger island: from outside, paths to these g-nodes may be hidden but for those by the
 * liar.  Everything else is kept.
 */
static void
test_eldest(void)
{
	uint64_t lies;

	for (unsigned i = 0; i < 2; i++) {
		struct outcome o = with("the eldest of all", gsizes[i], eldest, &lies);

		CU_ASSERT_TRUE(lies > 0);
		CU_ASSERT_EQUAL(o.reached + o.lost_by_liar + o.to_its_gnodes, o.pairs);
	}
}

static void
test_silent(void)
{
	loses_nothing("silence", silent);
}

static void
test_invented(void)
{
	loses_nothing("a neighbour that is not there", invented);
}

static void
test_other_name(void)
{
	loses_nothing("other fingerprints", other_name);
}

/* --- lies that are seen: the arc is given up, again and again, and the rest goes on ------------ */

/* Its paths lead through the receiver. */
static bool
through_you(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m, void *arg)
{
	struct lab *l = arg;
	struct coord me;

	if (!is_etp(l, node, m) || m->etp.paths.n == 0)
		return true;
	/* The sender's own coordinate stands in its path: nobody may say that. */
	naddr_coord(&w->settings.params.topo, &l->address[to], &l->address[l->liar], &me);
	l->hops[0] = (struct peer_hop){ .level = 0, .pos = l->address[l->liar].pos[0] };
	l->arcs[0] = 77;
	l->paths[0].hops.v = l->hops;
	l->paths[0].arcs.v = l->arcs;
	l->paths[0].hops.n = l->paths[0].arcs.n = 1;
	return true;
}

/* It speaks as if it were somebody else. */
static bool
other_address(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m, void *arg)
{
	struct lab *l = arg;

	(void)w;
	if (!is_etp(l, node, m))
		return true;
	m->etp.sender.pos.v = l->address[to].pos;
	return true;
}

/* A liar that is refused never comes to rest: after a while the others are looked at. */
static void
refused(const char *name, world_tamper *lie)
{
	struct lab *l = malloc(sizeof(*l));
	struct outcome o;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	lab_make(l, "4.4.4.4", 3, tell_truth);
	l->w->tamper = lie;
	world_run(l->w, l->w->now + 700000000);		/* a periodic update in between */
	o = look(l);
	tap_note("%s: %llu lies; of %u honest pairs %u reach, %u know a way around; %llu messages refused",
	    name, (unsigned long long)l->lies, o.pairs, o.reached, o.around,
	    (unsigned long long)o.refused);
	CU_ASSERT_TRUE(l->lies > 0);
	CU_ASSERT_TRUE(o.refused > 0);
	/* Its arcs come and go each second: what is with it at the moment may be lost. */
	CU_ASSERT_EQUAL(o.reached + o.lost_by_liar, o.pairs);
	CU_ASSERT_TRUE(o.around >= honest[1].around);
	lab_free(l);
	free(l);
}

static void
test_refused(void)
{
	refused("paths through itself", through_you);
	refused("another's address", other_address);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "nobody lies", test_honest },
		{ "everything costs 1: packets are lost by the liar alone", test_cheap },
		{ "the eldest of all: only its own g-nodes suffer", test_eldest },
		{ "silence: no packet and no way is lost", test_silent },
		{ "a neighbour that is not there: no packet and no way is lost", test_invented },
		{ "other fingerprints: no packet and no way is lost", test_other_name },
		{ "what cannot be true is refused, and the others go on", test_refused },
	};

	return TAP_RUN(tests);
}
