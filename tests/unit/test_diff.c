/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/diff.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/kerntest.h"
#include "tests/unit/tap.h"

static const char *const topologies[] = { "4.2.2.2", "8.4.2", "2.2", "4.2.4.2", "2" };
enum { TOPOLOGIES = sizeof(topologies) / sizeof(topologies[0]) };

static struct kobj
route(uint8_t mac, ntk_ip_t addr, uint8_t type)
{
	return (struct kobj){ .kind = KOBJ_ROUTE, .mac = { { 0, 0, 0, 0, 0, mac } }, .addr = addr,
		.len = 32, .type = type };
}

/* --- comparing --- */

static void
test_empty(void)
{
	struct kset a, b;
	struct kdiff d;

	kset_init(&a);
	kset_init(&b);
	CU_ASSERT_TRUE(kdiff_make(&d, &a, &b));
	CU_ASSERT_EQUAL(d.n, 0);
	kset_add(&a, &(struct kobj){ .kind = KOBJ_NS });
	kset_add(&b, &(struct kobj){ .kind = KOBJ_NS });
	CU_ASSERT_TRUE(kset_sort(&a) && kset_sort(&b));
	CU_ASSERT_TRUE(kdiff_make(&d, &a, &b));
	CU_ASSERT_EQUAL(d.n, 0);
	kdiff_free(&d);
	kset_free(&a);
	kset_free(&b);
}

static void
test_three_kinds(void)
{
	struct kset a, b;
	struct kdiff d;
	struct kobj old = route(1, 10, PRIV_ROUTE_BLACKHOLE);
	struct kobj was = route(1, 20, PRIV_ROUTE_BLACKHOLE);
	struct kobj is = route(1, 20, PRIV_ROUTE_UNREACHABLE);
	struct kobj new = route(2, 5, PRIV_ROUTE_BLACKHOLE);
	struct kobj same = route(3, 5, PRIV_ROUTE_BLACKHOLE);

	kset_init(&a);
	kset_init(&b);
	kset_add(&a, &(struct kobj){ .kind = KOBJ_NS });
	kset_add(&b, &(struct kobj){ .kind = KOBJ_NS });
	kset_add(&a, &old);
	kset_add(&a, &was);
	kset_add(&b, &is);
	kset_add(&b, &new);
	kset_add(&a, &same);
	kset_add(&b, &same);
	CU_ASSERT_TRUE(kset_sort(&a) && kset_sort(&b));
	CU_ASSERT_TRUE(kdiff_make(&d, &a, &b));
	CU_ASSERT_EQUAL_FATAL(d.n, 3);
	CU_ASSERT_EQUAL(d.v[0].from->addr, 20);
	CU_ASSERT_EQUAL(d.v[0].to->type, PRIV_ROUTE_UNREACHABLE);
	CU_ASSERT_PTR_NULL(d.v[1].from);
	CU_ASSERT_EQUAL(d.v[1].to->addr, 5);
	CU_ASSERT_EQUAL(d.v[2].from->addr, 10);
	CU_ASSERT_PTR_NULL(d.v[2].to);
	kdiff_free(&d);
	kset_free(&a);
	kset_free(&b);
}

/* A namespace goes whole, with one change. */
static void
test_namespace_goes(void)
{
	struct kset a, b;
	struct kdiff d;
	struct kobj r = route(1, 10, PRIV_ROUTE_BLACKHOLE);

	kset_init(&a);
	kset_init(&b);
	kset_add(&a, &(struct kobj){ .kind = KOBJ_NS });
	kset_add(&a, &r);
	CU_ASSERT_TRUE(kset_sort(&a));
	CU_ASSERT_TRUE(kdiff_make(&d, &a, &b));
	CU_ASSERT_EQUAL_FATAL(d.n, 1);
	CU_ASSERT_EQUAL(d.v[0].from->kind, KOBJ_NS);
	CU_ASSERT_PTR_NULL(d.v[0].to);
	kdiff_free(&d);
	kset_free(&a);
	kset_free(&b);
}

/* --- order --- */

/* The step of an object of KIND that comes ('+'), changes ('=') or goes ('-'). */
static unsigned
step(enum kobj_kind kind, char how)
{
	struct kobj o = { .kind = (uint8_t)kind };
	struct kchange c = { how != '+' ? &o : NULL, how != '-' ? &o : NULL };

	return korder_step(&c);
}

/* Kernel-state 8, rule by rule: what stands on the left comes first. */
static void
test_order(void)
{
	static const struct {
		enum kobj_kind first;
		char first_how;
		enum kobj_kind then;
		char then_how;
	} rules[] = {
		/* 1 */
		{ KOBJ_ROUTE, '+', KOBJ_RULE, '+' }, { KOBJ_ROUTE, '=', KOBJ_RULE, '+' },
		{ KOBJ_RULE, '-', KOBJ_ROUTE, '-' }, { KOBJ_RULE, '-', KOBJ_ROUTE, '=' },
		/* 2 */
		{ KOBJ_ADDR, '+', KOBJ_ROUTE, '+' }, { KOBJ_ADDR, '+', KOBJ_ROUTE, '=' },
		{ KOBJ_ROUTE, '-', KOBJ_ADDR, '-' }, { KOBJ_ROUTE, '=', KOBJ_ADDR, '-' },
		{ KOBJ_ADDR, '+', KOBJ_NEIGH, '+' }, { KOBJ_ADDR, '+', KOBJ_NEIGH, '=' },
		{ KOBJ_NEIGH, '=', KOBJ_ADDR, '-' }, { KOBJ_NEIGH, '-', KOBJ_ADDR, '-' },
		{ KOBJ_ADDR, '+', KOBJ_NAT, '+' }, { KOBJ_NAT, '=', KOBJ_ADDR, '-' },
		{ KOBJ_NAT, '-', KOBJ_ADDR, '-' },
		/* 3 */
		{ KOBJ_NEIGH, '+', KOBJ_ROUTE, '+' }, { KOBJ_NEIGH, '+', KOBJ_ROUTE, '=' },
		{ KOBJ_ROUTE, '-', KOBJ_NEIGH, '-' }, { KOBJ_ROUTE, '=', KOBJ_NEIGH, '-' },
		/* 4 */
		{ KOBJ_ROUTE, '+', KOBJ_ROUTE, '-' }, { KOBJ_ROUTE, '=', KOBJ_ROUTE, '-' },
		/* 5 and the rest */
		{ KOBJ_NS, '+', KOBJ_DEV, '+' }, { KOBJ_DEV, '+', KOBJ_ADDR, '+' },
		{ KOBJ_ADDR, '-', KOBJ_DEV, '-' }, { KOBJ_DEV, '-', KOBJ_NS, '-' },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		CU_ASSERT_TRUE(step(rules[i].first, rules[i].first_how) <
		    step(rules[i].then, rules[i].then_how));
}

/* --- walks from one invented state to another --- */

/* What the watcher compares with. */
struct walk {
	const struct kset *have;
	const struct kset *want;
	uint32_t number;
	size_t holes;
};

/* True when every route that table MAC has in S is there now. */
static bool
table_is_there(const struct fakekern *fk, uint32_t number, const struct kset *s, ntk_mac_t mac)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].kind != KOBJ_ROUTE || mac_cmp(s->v[i].mac, mac) != 0)
			continue;
		if (!fakekern_find(fk, number, &s->v[i], NULL))
			return false;
		any = true;
	}
	return any;
}

/*
 * Whenever a rule is there, its table covers all destinations of the old state or all
 * of the new one: so nothing that both can reach is ever out of reach.
 */
static void
watch(struct fakekern *fk, const struct priv_op *op, void *arg)
{
	struct walk *w = arg;
	const struct kset *sets[] = { w->have, w->want };

	(void)op;
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < sets[s]->n; i++) {
			const struct kobj *o = &sets[s]->v[i];

			if (o->kind != KOBJ_RULE || !fakekern_find(fk, w->number, o, NULL))
				continue;
			w->holes += !table_is_there(fk, w->number, w->have, o->mac) &&
			    !table_is_there(fk, w->number, w->want, o->mac);
		}
}

struct world {
	struct conf conf;
	struct wanted_settings settings;
	struct kset main, a, b;		/* of a main identity, and of two moments of another */
	struct facts old, new;
};

static void
world_make(struct world *w, struct rng *r)
{
	bool main = rng_below(r, 3) == 0;
	struct facts plain;
	struct facts_error err;

	memset(w, 0, sizeof(*w));
	kerntest_conf(&w->conf, topologies[rng_below(r, TOPOLOGIES)], 1 + rng_below(r, 3));
	w->conf.accept_anonymous = rng_below(r, 4) != 0;
	w->conf.subnet_level = (uint8_t)rng_below(r, w->conf.map.topo.levels);
	w->settings = kerntest_settings(&w->conf);
	kerntest_invent(r, &w->conf, true, &plain);
	kerntest_invent(r, &w->conf, main, &w->old);
	if (rng_below(r, 4) == 0)
		kerntest_invent(r, &w->conf, main, &w->new);
	else
		kerntest_vary(r, &w->conf, &w->old, &w->new);
	CU_ASSERT_TRUE(facts_check(&w->old, &w->conf.map.topo, w->conf.n_interfaces, &err));
	CU_ASSERT_TRUE(facts_check(&w->new, &w->conf.map.topo, w->conf.n_interfaces, &err));
	CU_ASSERT_TRUE(wanted_state(&w->settings, &plain, &w->main));
	CU_ASSERT_TRUE(wanted_state(&w->settings, &w->old, &w->a));
	CU_ASSERT_TRUE(wanted_state(&w->settings, &w->new, &w->b));
	facts_free(&plain);
}

static void
world_free(struct world *w)
{
	facts_free(&w->old);
	facts_free(&w->new);
	kset_free(&w->main);
	kset_free(&w->a);
	kset_free(&w->b);
}

/* Brings a namespace to the first state, to the second, and away; false when anything is wrong. */
static bool
walk(const struct world *w, bool closely)
{
	unsigned ns = w->old.main ? 0 : 1;
	struct walk watched = { &w->a, &w->b, 0, 0 };
	struct kset none;
	struct rig rig;
	bool ok;

	kset_init(&none);
	ok = rig_init(&rig, &w->conf);
	ok = ok && (ns == 0 || rig_bring(&rig, 0, &w->main));
	ok = ok && rig_bring(&rig, ns, &w->a) && rig_has(&rig, ns, &w->a);
	watched.number = kernel_ns_number(rig.kernel, ns);
	if (closely)
		fakekern_watch(rig.fake, watch, &watched);
	ok = ok && rig_bring(&rig, ns, &w->b) && rig_has(&rig, ns, &w->b);
	fakekern_watch(rig.fake, NULL, NULL);
	ok = ok && (ns == 0 || (rig_bring(&rig, ns, &none) && rig_has(&rig, ns, &none)));
	ok = ok && watched.holes == 0 && fakekern_fault(rig.fake) == NULL;
	if (!ok)
		tap_note("%s; %zu holes", fakekern_fault(rig.fake) != NULL ?
		    fakekern_fault(rig.fake) : "no fault", watched.holes);
	rig_free(&rig);
	return ok;
}

static void
walks(uint64_t first, uint64_t n, bool closely)
{
	for (uint64_t seed = first; seed < first + n; seed++) {
		struct world w;
		struct rng r;
		bool ok;

		rng_init(&r, seed);
		world_make(&w, &r);
		ok = walk(&w, closely);
		world_free(&w);
		if (!ok)
			tap_note("seed %llu", (unsigned long long)seed);
		CU_ASSERT_TRUE(ok);
		if (!ok)
			return;
	}
}

static void
test_walks(void)
{
	walks(1, 4000, false);
}

static void
test_walks_closely(void)
{
	walks(100000, 400, true);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "finds nothing between equal states", test_empty },
		{ "finds what comes, changes and goes", test_three_kinds },
		{ "a namespace goes whole", test_namespace_goes },
		{ "the order of steps keeps kernel-state 8", test_order },
		{ "4000 invented changes end where they should, in order", test_walks },
		{ "400 invented changes leave no hole after any operation", test_walks_closely },
	};

	return TAP_RUN(tests);
}
