/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/kerntest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MACS = 8,		/* to choose from */
	LINKLOCALS = 8,
	ARCS = 6,		/* at most */
	PATHS = 24,
};

void
kerntest_conf(struct conf *c, const char *topology, size_t n_devs)
{
	char why[128];

	memset(c, 0, sizeof(*c));
	if (!topo_parse(topology, &c->map.topo, why, sizeof(why)))
		abort();
	c->map.range = (ntk_prefix_t){ 10U << 24, 8 };
	c->mode = CONF_MANUAL;
	c->n_interfaces = n_devs;
	for (size_t i = 0; i < n_devs; i++)
		snprintf(c->interfaces[i].name, sizeof(c->interfaces[i].name), "eth%u",
		    (unsigned)(i + 1) % 100);
	c->anonymize_others = true;
	c->accept_anonymous = true;
	c->max_paths = 5;
	c->tables = (struct conf_tables){ 251, 200 };
	c->more_tables = (struct conf_tables){ 10000, 11023 };
}

struct wanted_settings
kerntest_settings(const struct conf *c)
{
	return (struct wanted_settings){ c->map, c->anonymize_others, c->accept_anonymous,
		c->subnet_level };
}

static bool
chance(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

/* --- inventing facts --- */

static uint32_t
invent_real(struct rng *r, const struct topo *t, unsigned level)
{
	return rng_below(r, topo_gsize(t, level));
}

static uint32_t
invent_pos(struct rng *r, const struct topo *t, unsigned level, uint32_t percent_virtual)
{
	return invent_real(r, t, level) + (chance(r, percent_virtual) ? topo_gsize(t, level) : 0);
}

static void
invent_address(struct rng *r, const struct topo *t, struct facts *f)
{
	unsigned level = rng_below(r, t->levels);

	memset(&f->address, 0, sizeof(f->address));
	for (unsigned i = 0; i < t->levels; i++)
		f->address.pos[i] = invent_pos(r, t, i, f->main ? 0 : 10);
	if (!f->main || chance(r, 15))
		f->address.pos[level] = topo_gsize(t, level) + rng_below(r, 3);
}

static void
invent_interfaces(struct rng *r, const struct conf *c, struct facts *f)
{
	for (size_t i = 0; i < c->n_interfaces; i++) {
		f->has_dev[i] = i == 0 || chance(r, 85);
		f->linklocal[i] = f->has_dev[i] ?
		    0xa9fe0a01 + (ntk_ip_t)i + (chance(r, 10) ? 0x20 : 0) : 0;
	}
}

/* Neighbours mostly share our higher positions, or there would be nothing but the highest level. */
static void
invent_peer(struct rng *r, const struct topo *t, const struct facts *f, struct naddr *peer)
{
	unsigned level = rng_below(r, t->levels);

	*peer = f->address;
	for (unsigned i = 0; i < level; i++)
		peer->pos[i] = invent_pos(r, t, i, 10);
	do
		peer->pos[level] = invent_pos(r, t, level, 10);
	while (peer->pos[level] == f->address.pos[level]);
}

static bool
arc_fits(const struct facts *f, const struct facts_arc *a)
{
	for (size_t i = 0; i < f->n_arcs; i++)
		if ((f->arcs[i].dev == a->dev &&
		    f->arcs[i].peer_linklocal == a->peer_linklocal) ||
		    (f->arcs[i].qspn && a->qspn &&
		    mac_cmp(f->arcs[i].peer_mac, a->peer_mac) == 0))
			return false;
	return f->has_dev[a->dev];
}

static void
invent_arc(struct rng *r, const struct conf *c, struct facts *f)
{
	struct facts_arc a = {
		.dev = (uint8_t)rng_below(r, (uint32_t)c->n_interfaces),
		.peer_mac = { { 2, 0xaa, 0, 0, 0, (uint8_t)rng_below(r, MACS) } },
		.peer_linklocal = 0xa9fe1401 + rng_below(r, LINKLOCALS),
		.qspn = chance(r, 80),
	};

	a.known = a.qspn && chance(r, 80);
	a.closing = a.qspn && chance(r, 10);
	if (a.known)
		invent_peer(r, &c->map.topo, f, &a.peer);
	if (arc_fits(f, &a) && !facts_add_arc(f, &a))
		abort();
}

static bool
arc_leads(const struct facts_arc *a)
{
	return a->qspn && a->known && !a->closing;
}

/* Appends a g-node of LEVEL to the N hops at H unless it is ours or stands there; the new count. */
static size_t
invent_hop(struct rng *r, const struct topo *t, const struct facts *f, unsigned level,
    struct coord *h, size_t n)
{
	struct coord hop = { (uint8_t)level, invent_pos(r, t, level, 8) };

	if (hop.pos == f->address.pos[level])
		return n;
	for (size_t i = 0; i < n; i++)
		if (coord_equal(h[i], hop))
			return n;
	h[n] = hop;
	return n + 1;
}

static bool
path_of(const struct facts *f, struct coord dst, uint32_t *cost)
{
	bool found = false;

	for (size_t i = 0; i < f->n_paths; i++)
		if (coord_equal(f->paths[i].dst, dst)) {
			*cost = f->paths[i].cost;
			found = true;
		}
	return found;
}

/* A path over a random arc, through up to three more g-nodes; each costs more than the last. */
static void
invent_path(struct rng *r, const struct conf *c, struct facts *f)
{
	const struct topo *t = &c->map.topo;
	uint16_t arc = (uint16_t)rng_below(r, (uint32_t)f->n_arcs);
	struct coord hops[4];
	uint32_t cost = 0;
	size_t n = 1;

	if (!arc_leads(&f->arcs[arc]) ||
	    !naddr_coord(t, &f->address, &f->arcs[arc].peer, &hops[0]))
		return;
	for (uint32_t more = rng_below(r, 4); more > 0; more--) {
		unsigned level = hops[n - 1].level;

		level += rng_below(r, t->levels - level);
		n = invent_hop(r, t, f, level, hops, n);
	}
	path_of(f, hops[n - 1], &cost);
	if (!facts_add_path(f, hops[n - 1], arc, cost + 1 + rng_below(r, 1000), hops, n))
		abort();
}

static void
invent_paths(struct rng *r, const struct conf *c, struct facts *f)
{
	for (uint32_t n = rng_below(r, PATHS); f->n_arcs > 0 && n > 0; n--)
		invent_path(r, c, f);
}

void
kerntest_invent(struct rng *r, const struct conf *c, bool main, struct facts *f)
{
	facts_init(f);
	f->main = main;
	invent_address(r, &c->map.topo, f);
	invent_interfaces(r, c, f);
	for (uint32_t n = rng_below(r, ARCS + 1); n > 0; n--)
		invent_arc(r, c, f);
	invent_paths(r, c, f);
}

/* What may happen to an arc between two moments; false when it goes. */
static bool
vary_arc(struct rng *r, const struct conf *c, const struct facts *f, struct facts_arc *a)
{
	struct coord seen;

	if (chance(r, 15) || !f->has_dev[a->dev])
		return false;
	if (chance(r, 10))
		a->peer_linklocal = 0xa9fe1401 + rng_below(r, LINKLOCALS);
	if (chance(r, 10))
		a->peer_mac.b[5] = (uint8_t)rng_below(r, MACS);
	if (chance(r, 15))
		a->known = a->qspn && !a->known;
	if (chance(r, 10))
		a->closing = a->qspn && !a->closing;
	if (a->known && (chance(r, 30) || !naddr_coord(&c->map.topo, &f->address, &a->peer, &seen)))
		invent_peer(r, &c->map.topo, f, &a->peer);
	return arc_fits(f, a);
}

void
kerntest_vary(struct rng *r, const struct conf *c, const struct facts *old, struct facts *f)
{
	facts_init(f);
	f->main = old->main;
	f->address = old->address;
	memcpy(f->has_dev, old->has_dev, sizeof(f->has_dev));
	memcpy(f->linklocal, old->linklocal, sizeof(f->linklocal));
	if (chance(r, 30))
		invent_address(r, &c->map.topo, f);
	if (chance(r, 15))
		invent_interfaces(r, c, f);
	for (size_t i = 0; i < old->n_arcs; i++) {
		struct facts_arc a = old->arcs[i];

		if (vary_arc(r, c, f, &a) && !facts_add_arc(f, &a))
			abort();
	}
	if (chance(r, 50))
		invent_arc(r, c, f);
	invent_paths(r, c, f);
}

/* --- the rig --- */

static void
rig_done(unsigned ns, const struct kernel_result *result, void *arg)
{
	struct rig *r = arg;

	r->n_done++;
	r->n_refused += !result->ok;
	r->ns = ns;
	r->last = *result;
}

static void
rig_checked(unsigned ns, const struct kernel_found *found, void *arg)
{
	struct rig *r = arg;

	r->n_checked++;
	r->checked_ns = ns;
	r->found = *found;
	r->found.v = NULL;
}

static void
rig_looked(bool ok, void *arg)
{
	struct rig *r = arg;

	r->n_looked++;
	r->n_looked_refused += !ok;
}

bool
rig_init(struct rig *r, const struct conf *c)
{
	struct fakekern_setup setup = { c->n_interfaces, c->tables, c->more_tables };

	memset(r, 0, sizeof(*r));
	r->kernel = kernel_new(c->n_interfaces, rig_done, r);
	r->fake = fakekern_new(&setup);
	if (r->kernel == NULL || r->fake == NULL)
		return false;
	kernel_on_checked(r->kernel, rig_checked, r);
	kernel_on_looked(r->kernel, rig_looked, r);
	return true;
}

void
rig_free(struct rig *r)
{
	kernel_free(r->kernel);
	fakekern_free(r->fake);
	memset(r, 0, sizeof(*r));
}

bool
rig_step(struct rig *r)
{
	static uint8_t request[PRIV_MSG_MAX];
	static uint8_t answer[PRIV_MSG_MAX];
	struct msg_error err;
	size_t len = r->failed ? 0 : kernel_next(r->kernel, request);
	int n;

	if (len == 0)
		return false;
	r->messages++;
	n = fakekern_message(r->fake, request, len, answer);
	if (n != 0)
		r->transactions++;
	if (n < 0 || (n > 0 && !kernel_answer(r->kernel, answer, (size_t)n, &err)))
		r->failed = true;
	return true;
}

void
rig_run(struct rig *r)
{
	while (rig_step(r))
		;
}

bool
rig_bring(struct rig *r, unsigned ns, const struct kset *want)
{
	struct kset copy;
	size_t before = r->n_done;

	if (!kset_copy(&copy, want))
		return false;
	kernel_want(r->kernel, ns, &copy, 7);
	rig_run(r);
	return !r->failed && r->n_done == before + 1 && r->ns == ns && r->last.ok;
}

/* Real interfaces stay prepared: adds those of APPLIED to a copy of WANT. */
static bool
keep_interfaces(struct kset *out, const struct kset *want, const struct kset *applied)
{
	if (!kset_copy(out, want))
		return false;
	for (size_t i = 0; i < applied->n; i++)
		if (applied->v[i].kind == KOBJ_DEV && kset_find(want, &applied->v[i]) == NULL)
			kset_add(out, &applied->v[i]);
	return kset_sort(out);
}

bool
rig_has(const struct rig *r, unsigned ns, const struct kset *want)
{
	const struct kset *applied = kernel_applied(r->kernel, ns);
	uint32_t number = kernel_ns_number(r->kernel, ns);
	struct kset there, all;
	bool same;

	if (ns != 0 && number == 0)
		return want->n == 0 && applied->n == 0;
	kset_init(&there);
	kset_init(&all);
	same = ns == 0 ? keep_interfaces(&all, want, applied) : kset_copy(&all, want);
	same = same && fakekern_state(r->fake, number, &there) && kset_equal(&there, &all) &&
	    kset_equal(applied, &all);
	kset_free(&there);
	kset_free(&all);
	return same;
}
