/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Random orders: two to six systems, some migrations at once, each of one identity or of many, with
 * random delays of messages and kernels, refusals, removals, and connections that fail.  At rest
 * the invariants of spec 3.3 hold at both ends of every arc; where nothing was removed or failed
 * the identity-arcs are exactly those that spec 2 and 11.1 ask for.
 *
 * NTK_IDENT_ORDERS tells how many orders of each kind (300), NTK_IDENT_SEED the first seed (1).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/identbed.h"
#include "tests/unit/tap.h"

enum {
	PAIRS = 4096,
	MOST_IDENTITIES = 7,	/* of a system */
};

/* What may happen besides migrations. */
enum kind {
	KIND_PURE,		/* nothing */
	KIND_REFUSALS,		/* kernels refuse */
	KIND_REMOVALS,		/* identities and identity-arcs are removed */
	KIND_LOSSES,		/* all of it, and connections fail */
	KIND_CROWDED,		/* neighbours draw the same link-locals */
};

struct world {
	struct ibed *b;
	struct rng rng;
	enum kind kind;
	uint32_t migration;
};

static struct ident_stats total;
static uint64_t messages, duplications;

static uint32_t
below(struct world *w, uint32_t n)
{
	return rng_below(&w->rng, n);
}

/* --- a network ---------------------------------------------------------------------- */

/* Both ends' devices are not joined with each other's systems yet (spec/neighborhood 10). */
static bool
can_link(const struct ibed *b, unsigned s, unsigned sd, unsigned t, unsigned td)
{
	for (unsigned l = 0; l < b->n_links; l++)
		for (unsigned side = 0; side < 2; side++) {
			const struct ibed_link *k = &b->link[l];

			if (k->system[side] == s && k->system[1 - side] == t &&
			    (k->dev[side] == sd || k->dev[1 - side] == td))
				return false;
		}
	return s != t;
}

static struct ibed_pace
random_pace(struct world *w)
{
	static const uint64_t net[] = { 1000, 20000, 300000, 1000000 };
	static const uint64_t kernel[] = { 100, 5000, 200000, 1000000 };

	return (struct ibed_pace){
		.net_min = 100,
		.net_max = net[below(w, 4)],
		.kernel_min = 50,
		.kernel_max = kernel[below(w, 4)],
		.refuse = w->kind == KIND_REFUSALS || w->kind == KIND_LOSSES ? 150 : 0,
	};
}

static void
world_make(struct world *w, uint64_t seed, enum kind kind)
{
	unsigned n, extra;
	struct ibed_pace pace;

	rng_init(&w->rng, seed);
	w->kind = kind;
	w->migration = 0;
	n = 2 + below(w, 5);
	pace = random_pace(w);
	w->b = ibed_new(n, seed * 1000003 + (unsigned)kind, &pace);
	w->b->relink = kind == KIND_LOSSES;
	w->b->crowded = kind == KIND_CROWDED;
	for (unsigned s = 1; s < n; s++)
		ibed_link(w->b, below(w, s), 0, s, 0);
	extra = below(w, n + 2);
	for (unsigned i = 0; i < extra; i++) {
		unsigned s = below(w, n), t = below(w, n), sd = below(w, 2), td = below(w, 2);

		if (can_link(w->b, s, sd, t, td))
			ibed_link(w->b, s, sd, t, td);
	}
}

/* --- what happens there --------------------------------------------------------------- */

/* Prepared or being duplicated. */
static bool
takes_part(const struct ibed *b, unsigned s, uint32_t id)
{
	struct ident_record v[64];
	size_t n = ident_records(b->s[s].x, v, 64);

	for (size_t i = 0; i < n && i < 64; i++)
		if (v[i].id == id && v[i].state != IDENT_DONE)
			return true;
	return false;
}

static uint32_t
new_migration(struct world *w)
{
	/* Both orders of ids and of times. */
	return 1 + (++w->migration * 40503u + below(w, 1000) * 2654435761u) % 1000000000u;
}

static void
migrate(struct world *w)
{
	uint32_t m = new_migration(w);
	unsigned share = 1 + below(w, 4);	/* single ones, or nearly everybody */
	uint64_t spread = below(w, 2) != 0 ? 4000000 : 300000;
	struct ident_identity id;

	for (unsigned s = 0; s < w->b->n; s++) {
		struct ident *x = w->b->s[s].x;

		for (size_t i = 0; i < ident_identities(x); i++) {
			id = ident_identity_at(x, i);
			/*
			 * Two migrations of one identity at once: they go one after the other, and
			 * neighbours that take them in another order lose their arc in the end.
			 */
			if (takes_part(w->b, s, id.id) &&
			    (w->kind != KIND_LOSSES || below(w, 3) != 0))
				continue;
			if (below(w, 5) >= share ||
			    ident_identities(x) >= MOST_IDENTITIES ||
			    ibed_prepare(w->b, s, id.index, m) != IDENT_OK)
				continue;
			ibed_duplicate_at(w->b, w->b->now + below(w, (uint32_t)spread), s,
			    id.index, m);
		}
	}
}

static void
remove_identity(struct world *w)
{
	unsigned s = below(w, w->b->n);
	struct ident *x = w->b->s[s].x;
	struct ident_identity id =
	    ident_identity_at(x, below(w, (uint32_t)ident_identities(x)));

	if (!id.main && !takes_part(w->b, s, id.id))
		ibed_remove(w->b, s, id.index);
}

static void
remove_iarc(struct world *w)
{
	unsigned l = below(w, w->b->n_links), side = below(w, 2);
	unsigned s = w->b->link[l].system[side];
	struct ident *x = w->b->s[s].x;
	static struct ident_iarc v[256];
	struct ident_identity id =
	    ident_identity_at(x, below(w, (uint32_t)ident_identities(x)));
	size_t n = ident_iarcs(x, id.id, v, 256);
	struct ident_iarc *i = n != 0 ? &v[below(w, (uint32_t)(n < 256 ? n : 256))] : NULL;
	char peer[8];

	if (i == NULL || i->arc != w->b->link[l].arc[side])
		return;
	snprintf(peer, sizeof(peer), "%s", ibed_name(w->b, i->peer));
	ibed_iarc_remove(w->b, l, s, ibed_name(w->b, i->id), peer);
}

static bool
may_remove(const struct world *w)
{
	return w->kind == KIND_REMOVALS || w->kind == KIND_LOSSES;
}

static void
something(struct world *w)
{
	switch (below(w, 8)) {
	case 0:
	case 1:
		if (may_remove(w))
			remove_identity(w);
		return;
	case 2:
		if (may_remove(w))
			remove_iarc(w);
		return;
	case 3:
		if (w->kind == KIND_LOSSES)
			ibed_cut(w->b, below(w, w->b->n_links));
		return;
	default:
		migrate(w);
		return;
	}
}

/* --- what should be there --------------------------------------------------------------- */

struct pairs {
	size_t n;
	struct pair {
		uint32_t id[2];
	} v[PAIRS];
};

static bool
pairs_have(const struct pairs *p, uint32_t a, uint32_t b)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].id[0] == a && p->v[i].id[1] == b)
			return true;
	return false;
}

static void
pairs_add(struct pairs *p, uint32_t a, uint32_t b)
{
	CU_ASSERT_FATAL(p->n < PAIRS);
	p->v[p->n++] = (struct pair){ { a, b } };
}

/* The duplication of ID of system S in migration M; NULL: it took no part. */
static const struct ibed_dup *
dup_of(const struct ibed *b, unsigned s, uint32_t m, uint32_t id)
{
	for (unsigned i = 0; i < b->n_dups; i++)
		if (b->dup[i].s == s && b->dup[i].migration == m && b->dup[i].old == id)
			return &b->dup[i];
	return NULL;
}

/*
 * Spec 2: what duplication D of an identity at END of the pairs adds, the other ends being at
 * T.  Where both take part the later one adds.
 */
static void
pairs_duplicate(struct pairs *p, const struct ibed *b, const struct ibed_dup *d, unsigned end,
    unsigned t)
{
	size_t n = p->n;

	for (size_t i = 0; i < n; i++) {
		const struct ibed_dup *o = dup_of(b, t, d->migration, p->v[i].id[1 - end]);
		uint32_t other = o != NULL ? o->made : p->v[i].id[1 - end];

		if (p->v[i].id[end] == d->old && (o == NULL || o < d))
			pairs_add(p, end == 0 ? d->made : other, end == 0 ? other : d->made);
	}
}

static const char *
judge_link(const struct ibed *b, unsigned l, const struct pair *first)
{
	static char why[200];
	static struct pairs want;
	static struct ident_iarc v[512];
	const struct ibed_link *k = &b->link[l];
	struct ident *x = b->s[k->system[0]].x;
	size_t have = 0;

	want.n = 0;
	pairs_add(&want, first->id[0], first->id[1]);
	for (unsigned i = 0; i < b->n_dups; i++)
		for (unsigned end = 0; end < 2; end++)
			if (b->dup[i].s == k->system[end])
				pairs_duplicate(&want, b, &b->dup[i], end, k->system[1 - end]);
	for (size_t i = 0; i < ident_identities(x); i++) {
		size_t n = ident_iarcs(x, ident_identity_at(x, i).id, v, 512);

		for (size_t q = 0; q < n && q < 512; q++) {
			if (v[q].arc != k->arc[0])
				continue;
			have++;
			if (pairs_have(&want, v[q].id, v[q].peer))
				continue;
			snprintf(why, sizeof(why), "link %u: %s-", l, ibed_name(b, v[q].id));
			snprintf(why + strlen(why), sizeof(why) - strlen(why), "%s should not be",
			    ibed_name(b, v[q].peer));
			return why;
		}
	}
	if (have == want.n)
		return NULL;
	snprintf(why, sizeof(why), "link %u has %zu identity-arcs of %zu", l, have, want.n);
	return why;
}

/* --- one order ----------------------------------------------------------------------------- */

static void
count(const struct world *w)
{
	for (unsigned s = 0; s < w->b->n; s++) {
		const struct ident_stats *t = ident_stats(w->b->s[s].x);

		total.deferred += t->deferred;
		total.again += t->again;
		total.dropped += t->dropped;
		total.stale += t->stale;
		total.broken += t->broken;
		total.refused_in += t->refused_in;
		total.neighbour_duplications += t->neighbour_duplications;
	}
	messages += w->b->messages;
	duplications += w->b->n_dups;
}

static const char *
order(struct world *w)
{
	struct ibed *b = w->b;
	struct pair first[IBED_LINKS];
	unsigned n = 2 + below(w, 7);

	if (w->kind <= KIND_REFUSALS && !ibed_rest(b, 60000000))
		return b->why;
	for (unsigned l = 0; l < b->n_links; l++)
		for (unsigned side = 0; side < 2; side++)
			first[l].id[side] = ident_main(b->s[b->link[l].system[side]].x);
	for (unsigned i = 0; i < n; i++) {
		something(w);
		ibed_run(b, b->now + below(w, below(w, 3) == 0 ? 12000000 : 1500000));
	}
	if (!ibed_rest(b, 400000000) || !ibed_check(b))
		return b->why;
	for (unsigned l = 0; w->kind <= KIND_REFUSALS && l < b->n_links; l++) {
		const char *why = judge_link(b, l, &first[l]);

		if (why != NULL)
			return why;
	}
	for (unsigned s = 0; w->kind <= KIND_REFUSALS && s < b->n; s++)
		if (b->s[s].broken != 0)
			return "an arc was given up";
	return NULL;
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
	const char *v = getenv(name);

	return v != NULL && v[0] != '\0' ? strtoull(v, NULL, 10) : otherwise;
}

/* For whoever looks for the reason of a failure: one seed, all that was signalled. */
static void
tell(struct world *w)
{
	for (unsigned s = 0; s < w->b->n; s++) {
		tap_note("%c: %s", 'a' + (int)s, ibed_state(w->b, s));
		tap_note("   %s", ibed_log(w->b, s));
	}
	for (unsigned i = 0; i < w->b->n_dups; i++) {
		char made[8];

		snprintf(made, sizeof(made), "%s", ibed_name(w->b, w->b->dup[i].made));
		tap_note("%u: %s -> %s", w->b->dup[i].migration,
		    ibed_name(w->b, w->b->dup[i].old), made);
	}
}

static void
orders(enum kind kind)
{
	uint64_t n = setting("NTK_IDENT_ORDERS", 300), seed = setting("NTK_IDENT_SEED", 1);
	unsigned failures = 0;
	struct world w;

	total = (struct ident_stats){ .calls_in = 0 };
	messages = duplications = 0;
	for (uint64_t i = 0; i < n && failures < 5; i++) {
		const char *why;

		world_make(&w, seed + i, kind);
		why = order(&w);
		if (why != NULL) {
			failures++;
			tap_note("seed %llu: %s", (unsigned long long)(seed + i), why);
			if (n == 1)
				tell(&w);
		}
		count(&w);
		ibed_free(w.b);
	}
	CU_ASSERT_EQUAL(failures, 0);
	tap_note("%llu orders, %llu duplications, %llu messages; deferred %llu, again %llu, "
	    "followed %llu, stale %llu, dropped %llu, broken %llu, refused %llu",
	    (unsigned long long)n, (unsigned long long)duplications, (unsigned long long)messages,
	    (unsigned long long)total.deferred, (unsigned long long)total.again,
	    (unsigned long long)total.neighbour_duplications, (unsigned long long)total.stale,
	    (unsigned long long)total.dropped, (unsigned long long)total.broken,
	    (unsigned long long)total.refused_in);
	/* What makes the orders worth running did occur. */
	CU_ASSERT_TRUE(n < 100 || (duplications > n && total.deferred != 0 &&
	    total.neighbour_duplications != 0));
	if (kind == KIND_LOSSES)
		CU_ASSERT_TRUE(n < 100 || (total.again != 0 && total.broken != 0 &&
		    total.stale != 0));
	if (kind == KIND_CROWDED)
		CU_ASSERT_TRUE(n < 100 || total.dropped != 0);
}

static void
test_pure(void)
{
	orders(KIND_PURE);
}

static void
test_crowded(void)
{
	orders(KIND_CROWDED);
}

static void
test_refusals(void)
{
	orders(KIND_REFUSALS);
}

static void
test_removals(void)
{
	orders(KIND_REMOVALS);
}

static void
test_losses(void)
{
	orders(KIND_LOSSES);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "migrations in any order", test_pure },
		{ "migrations, some of which the kernel refuses", test_refusals },
		{ "migrations and removals", test_removals },
		{ "migrations, removals and failing connections", test_losses },
		{ "migrations among neighbours with the same link-locals", test_crowded },
	};

	return TAP_RUN(tests);
}
