/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random networks (spec/qspn 11 and 12, items 17 and 18), a small version of what the
 * simulator does: built link by link, then cuts, changes of cost, new links; after each, at
 * rest, every pair of nodes is looked at.  "Wrong" is a destination that is known but cannot
 * be reached, or the other way round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/qspnbed.h"
#include "tests/unit/tap.h"

static struct bed b;

struct count {
	unsigned checks, wrong, costly, dead_ends, loops, splits, nodes, disagree;
};

static uint32_t
draw(uint32_t n)
{
	return rng_below(&b.rng, n);
}

/* The cost is drawn after what the arguments took. */
static void
link_to(unsigned x, unsigned y)
{
	bed_link(&b, x, y, 500 + draw(4501));
}

/* --- the truth ------------------------------------------------------------------- */

/* The g-node of level 1 that a node is in; of a flat network there is one. */
static unsigned
group(unsigned n)
{
	return b.p.topo.levels > 1 ? b.node[n].q->me.pos[1] : 0;
}

/* A node, and the set of g-nodes left on the way there: they are not entered again. */
enum { GROUPS = 3, STATES = BED_NODES << GROUPS };
static uint64_t dist[STATES];
static unsigned hops[STATES];
static bool done[STATES];

static unsigned
nearest(unsigned n)
{
	unsigned best = STATES;

	for (unsigned i = 0; i < n; i++)
		if (!done[i] && dist[i] != COST_DEAD && (best == STATES || dist[i] < dist[best]))
			best = i;
	return best;
}

/* From state U over link K. */
static void
relax(unsigned u, const struct bed_link *k)
{
	unsigned x = u >> GROUPS, left = u & ((1U << GROUPS) - 1), v;
	unsigned y = k->node[0] == x ? k->node[1] : k->node[0];

	if (!k->up || (k->node[0] != x && k->node[1] != x) || (left >> group(y) & 1) != 0)
		return;
	if (group(x) != group(y))
		left |= 1U << group(x);
	v = y << GROUPS | left;
	if (dist[u] + k->cost >= dist[v])
		return;
	dist[v] = dist[u] + k->cost;
	hops[v] = hops[u] + 1;
}

/*
 * Cheapest way from S to the first node of a g-node that enters no g-node twice: COST_DEAD when
 * there is none; ARCS: how many links it has.
 */
static uint64_t
cheapest(unsigned s, const struct coord *d, unsigned *arcs)
{
	unsigned n = b.n_nodes << GROUPS;

	for (unsigned i = 0; i < n; i++) {
		dist[i] = COST_DEAD;
		done[i] = false;
	}
	dist[s << GROUPS] = hops[s << GROUPS] = 0;
	for (;;) {
		unsigned u = nearest(n);
		struct coord at;

		if (u == STATES)
			return COST_DEAD;
		done[u] = true;
		if (naddr_coord(&b.p.topo, &b.node[s].q->me, &b.node[u >> GROUPS].q->me, &at) &&
		    coord_equal(at, *d)) {
			*arcs = hops[u];
			return dist[u];
		}
		for (unsigned l = 0; l < b.n_links; l++)
			relax(u, &b.link[l]);
	}
}

/* (1 / 0.7)^(n - 1) times the truth: changes below the threshold are hidden by each node. */
static bool
within_bound(uint64_t stored, uint64_t truth, unsigned arcs)
{
	double bound = (double)truth;

	while (arcs-- > 1)
		bound /= 0.7;
	return (double)stored <= bound + 1;
}

static void
check_pair(struct count *c, unsigned s, unsigned t)
{
	struct coord d;
	struct qspn_path best;
	unsigned arcs = 0;
	uint64_t truth;
	bool known;

	naddr_coord(&b.p.topo, &b.node[s].q->me, &b.node[t].q->me, &d);
	truth = cheapest(s, &d, &arcs);
	known = qspn_best(b.node[s].q, d, &best);
	c->checks++;
	if (known != (truth != COST_DEAD)) {
		c->wrong++;
		if (c->wrong < 4 && (b.p.amendments & QSPN_A1_CLOSURE) != 0)
			tap_note("%c -> %c: known %d, truth %d", b.node[s].name, b.node[t].name, known,
			    truth != COST_DEAD);
	} else if (known && !within_bound(best.cost, truth, arcs)) {
		c->costly++;
	}
}

/* A packet by "best path for forwarding" (item 18). */
static void
walk(struct count *c, unsigned s, unsigned t)
{
	bool seen[BED_NODES] = { false };
	unsigned at = s, from = s;

	while (at != t) {
		struct coord d, back;
		struct qspn_path p;
		bool found;
		const struct bed_link *l;

		if (seen[at]) {
			c->loops++;
			return;
		}
		seen[at] = true;
		naddr_coord(&b.p.topo, &b.node[at].q->me, &b.node[t].q->me, &d);
		if (at == s)
			found = qspn_best(b.node[at].q, d, &p);
		else {
			naddr_coord(&b.p.topo, &b.node[at].q->me, &b.node[from].q->me, &back);
			found = qspn_best_avoiding(b.node[at].q, d, back, &p);
		}
		if (!found) {
			c->dead_ends++;
			return;
		}
		from = at;
		l = &b.link[(p.arc - 1) / 2];
		at = l->node[0] == at ? l->node[1] : l->node[0];
	}
}

static void
check_all(struct count *c)
{
	for (unsigned s = 0; s < b.n_nodes; s++)
		for (unsigned t = 0; t < b.n_nodes; t++) {
			struct coord d;
			struct qspn_path p;

			if (s == t)
				continue;
			check_pair(c, s, t);
			naddr_coord(&b.p.topo, &b.node[s].q->me, &b.node[t].q->me, &d);
			if (qspn_best(b.node[s].q, d, &p))
				walk(c, s, t);
		}
	if ((~b.p.amendments & QSPN_PROFILE_R & ~(uint32_t)QSPN_A4_PACING) == 0)
		c->disagree += !bed_agree(&b);
}

/* --- flat networks ------------------------------------------------------------------- */

static void
flat(struct count *c, uint64_t seed, uint32_t amendments, uint64_t pacing)
{
	enum { N = 10 };
	char address[4];

	bed_init(&b, "16", seed);
	b.p.amendments = amendments;
	b.p.pacing = pacing;
	for (unsigned i = 0; i < N; i++) {
		snprintf(address, sizeof(address), "%u", i);
		bed_plain(&b, (char)('a' + i), address);
		if (i > 0)
			link_to(i, draw(i));
		CU_ASSERT_TRUE(bed_settle(&b));
	}
	for (unsigned i = 0; i < 6; i++) {
		unsigned x = draw(N), y = draw(N - 1);

		bed_link(&b, x, y + (y >= x), 500 + draw(4501));
		CU_ASSERT_TRUE(bed_settle(&b));
	}
	check_all(c);
	for (unsigned i = 0; i < 6; i++) {
		unsigned l = draw(b.n_links);

		if (!b.link[l].up)
			continue;
		if (i % 3 == 2)
			bed_cost(&b, l, 500 + draw(4501));
		else
			bed_cut(&b, l);
		CU_ASSERT_TRUE(bed_settle(&b));
		check_all(c);
	}
	bed_free(&b);
}

static void
run_flat(uint32_t amendments, uint64_t pacing, unsigned n, struct count *c)
{
	*c = (struct count){ 0 };
	for (unsigned i = 0; i < n; i++)
		flat(c, 100 + i, amendments, pacing);
	tap_note("%u checks: %u wrong, %u above the bound, %u loops, %u dead ends", c->checks, c->wrong,
	    c->costly, c->loops, c->dead_ends);
}

static const uint32_t unpaced = QSPN_PROFILE_R & ~(uint32_t)QSPN_A4_PACING;

static void
all_right(const struct count *c)
{
	CU_ASSERT_EQUAL(c->wrong, 0);
	CU_ASSERT_EQUAL(c->costly, 0);
	CU_ASSERT_EQUAL(c->loops, 0);
	CU_ASSERT_EQUAL(c->dead_ends, 0);
	CU_ASSERT_EQUAL(c->disagree, 0);
	CU_ASSERT_TRUE(c->checks > 1000);
}

static void
test_flat(void)
{
	struct count c;

	run_flat(QSPN_PROFILE_R, 100 * MS, 30, &c);
	all_right(&c);
	run_flat(QSPN_PROFILE_R, 0, 15, &c);
	all_right(&c);
	run_flat(unpaced, 0, 15, &c);
	all_right(&c);
}

/* The checks above can find something: profile O loses destinations. */
static void
test_flat_original(void)
{
	struct count c;

	run_flat(0, 0, 30, &c);
	CU_ASSERT_TRUE(c.wrong > 0);
}

/* --- two levels: 3 g-nodes of 4 nodes, each connected in itself ------------------------- */

static bool
is_connected(unsigned g)
{
	bool in[4] = { true };
	unsigned n = 1;

	for (unsigned round = 0; round < 4; round++)
		for (unsigned l = 0; l < b.n_links; l++) {
			const struct bed_link *k = &b.link[l];
			unsigned x = k->node[0], y = k->node[1];

			if (!k->up || x / 4 != g || y / 4 != g || in[x % 4] == in[y % 4])
				continue;
			in[x % 4] = in[y % 4] = true;
			n++;
		}
	return n == 4;
}

static void
check_counts(struct count *c)
{
	for (unsigned i = 0; i < b.n_nodes; i++)
		c->nodes += b.node[i].q->nodes[1] != 4;
	for (unsigned i = 0; i < b.n_nodes; i++)
		c->splits += strstr(b.node[i].events, "split") != NULL;
}

static void
two_levels(struct count *c, uint64_t seed, uint32_t amendments, uint64_t pacing)
{
	char address[8];

	bed_init(&b, "4.4", seed);
	b.p.amendments = amendments;
	b.p.pacing = pacing;
	for (unsigned i = 0; i < 12; i++) {
		snprintf(address, sizeof(address), "%u.%u", i / 4, i % 4);
		bed_plain(&b, (char)('a' + i), address);
	}
	for (unsigned i = 0; i < 12; i++)
		if (i % 4 > 0)
			link_to(i, i - i % 4 + draw(i % 4));
	for (unsigned i = 0; i < 8; i++) {
		unsigned x = draw(12), y = draw(11);

		bed_link(&b, x, y + (y >= x), 500 + draw(4501));
	}
	CU_ASSERT_TRUE(bed_settle(&b));
	for (unsigned i = 0; i < 8; i++) {
		unsigned l = draw(b.n_links), x = draw(12), y = draw(11);

		bed_forget(&b);
		if (i % 3 == 0) {
			bed_link(&b, x, y + (y >= x), 500 + draw(4501));
		} else if (b.link[l].up && i % 3 == 1) {
			bed_cost(&b, l, 500 + draw(4501));
		} else if (b.link[l].up) {
			b.link[l].up = false;
			if (!is_connected(b.link[l].node[0] / 4) || !is_connected(b.link[l].node[1] / 4)) {
				b.link[l].up = true;
				continue;
			}
			bed_cut(&b, l);
		}
		CU_ASSERT_TRUE(bed_settle(&b));
		check_all(c);
		check_counts(c);
	}
	bed_free(&b);
}

static void
test_two_levels(void)
{
	static const uint64_t pacing[] = { 100 * MS, 0 };
	struct count c;

	for (size_t p = 0; p < 2; p++) {
		c = (struct count){ 0 };
		for (unsigned i = 0; i < 25; i++)
			two_levels(&c, 500 + i, QSPN_PROFILE_R, pacing[p]);
		tap_note("%u checks: %u wrong, %u above the bound, %u loops, %u dead ends, "
		    "%u wrong counts, %u false splits", c.checks, c.wrong, c.costly, c.loops,
		    c.dead_ends, c.nodes, c.splits);
		all_right(&c);
		CU_ASSERT_EQUAL(c.nodes, 0);
		CU_ASSERT_EQUAL(c.splits, 0);
	}
}

/* --- three levels, all links at once --------------------------------------------------- */

/* Destinations of which different fingerprints are reported, though no g-node is split. */
static unsigned
discordant(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b.n_nodes; i++)
		for (unsigned l = 0; l < b.p.topo.levels; l++)
			for (size_t k = 0; k < b.node[i].q->level[l].n; k++) {
				const struct dest *d = b.node[i].q->level[l].v[k];
				bool differ = false;

				for (size_t j = 0; j < d->n; j++)
					differ = differ || !fingerprint_same(&d->v[j]->fp->f, &d->fp->f);
				n += differ;
			}
	return n;
}

/* A grid of 8 x 8 whose squares of 2 x 2 and 4 x 4 are g-nodes. */
static unsigned
grid(uint64_t seed, uint32_t amendments)
{
	unsigned found;
	char address[16];

	bed_init(&b, "4.4.4", seed);
	b.p.amendments = amendments;
	b.checked = false;
	for (unsigned i = 0; i < 64; i++) {
		unsigned x = i % 8, y = i / 8;

		snprintf(address, sizeof(address), "%u.%u.%u", y / 4 * 2 + x / 4, y / 2 % 2 * 2 + x / 2 % 2,
		    y % 2 * 2 + x % 2);
		bed_plain(&b, (char)('0' + i), address);
	}
	for (unsigned i = 0; i < 64; i++) {
		if (i % 8 < 7)
			bed_link(&b, i, i + 1, 1000 + draw(9000));
		if (i < 56)
			bed_link(&b, i, i + 8, 1000 + draw(9000));
	}
	CU_ASSERT_TRUE(bed_settle(&b));
	found = discordant();
	bed_free(&b);
	return found;
}

/* Nobody keeps a report of who was the oldest once (A26). */
static void
test_grid(void)
{
	unsigned with = 0, without = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		with += grid(seed, QSPN_PROFILE_R);
		without += grid(seed, QSPN_PROFILE_R & ~(uint32_t)QSPN_A26_OUTSIDE);
	}
	tap_note("outdated fingerprints in %u tables, without A26 in %u", with, without);
	CU_ASSERT_EQUAL(with, 0);
	CU_ASSERT_TRUE(without > 0);
}

/* --- the same twice --------------------------------------------------------------------- */

/* FNV-1a of every ETP, in the order of sending, with its time. */
static uint64_t
hash(uint64_t seed)
{
	uint64_t h = UINT64_C(14695981039346656037);

	bed_init(&b, "4.4", seed);
	b.p.amendments = QSPN_PROFILE_R;
	b.record = true;
	for (unsigned i = 0; i < 12; i++) {
		char address[8];

		snprintf(address, sizeof(address), "%u.%u", i / 4, i % 4);
		bed_plain(&b, (char)('a' + i), address);
		if (i > 0)
			bed_link(&b, i, i - 1, 500 + draw(4501));
	}
	for (unsigned i = 0; i < 8; i++) {
		unsigned x = draw(4);		/* in this order */
		unsigned y = 4 + draw(8);

		link_to(x, y);
	}
	CU_ASSERT_TRUE(bed_settle(&b));
	bed_cut(&b, b.n_links - 1);
	CU_ASSERT_TRUE(bed_settle(&b));
	for (size_t i = 0; i < b.n_said; i++) {
		h = (h ^ b.said[i].when) * UINT64_C(1099511628211);
		for (const char *c = b.said[i].text; *c != '\0'; c++)
			h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
	}
	CU_ASSERT_TRUE(b.n_said > 50);
	bed_free(&b);
	return h;
}

static void
test_same(void)
{
	uint64_t h = hash(1);

	CU_ASSERT_EQUAL(hash(1), h);
	CU_ASSERT_NOT_EQUAL(hash(2), h);
	/* Whatever compiled it; another number belongs to another protocol. */
	tap_note("hash %llx", (unsigned long long)h);
	CU_ASSERT_EQUAL(h, UINT64_C(0xde42b2917fdc0a7d));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "flat networks: nothing wrong, bound on costs, forwarding (items 17, 18)", test_flat },
		{ "the same in profile O goes wrong", test_flat_original },
		{ "two levels: nothing wrong, no false split", test_two_levels },
		{ "the same seed, the same messages", test_same },
		{ "three levels: no outdated fingerprint at rest (A26)", test_grid },
	};
	return TAP_RUN(tests);
}
