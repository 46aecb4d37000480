/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"

void
facts_init(struct facts *f)
{
	memset(f, 0, sizeof(*f));
}

void
facts_free(struct facts *f)
{
	free(f->arcs);
	free(f->paths);
	free(f->hops);
	facts_init(f);
}

bool
facts_copy(struct facts *out, const struct facts *in)
{
	bool ok = true;

	*out = *in;
	out->arcs = NULL;
	out->paths = NULL;
	out->hops = NULL;
	out->n_arcs = out->n_paths = out->n_hops = 0;
	out->arcs_size = out->paths_size = out->hops_size = 0;
	for (size_t i = 0; ok && i < in->n_arcs; i++)
		ok = facts_add_arc(out, &in->arcs[i]);
	for (size_t i = 0; ok && i < in->n_paths; i++) {
		const struct facts_path *p = &in->paths[i];

		ok = facts_add_path(out, p->dst, p->arc, p->cost, in->hops + p->first_hop,
		    p->n_hops);
	}
	if (!ok)
		facts_free(out);
	return ok;
}

bool
facts_add_arc(struct facts *f, const struct facts_arc *arc)
{
	struct facts_arc *arcs;

	if (f->n_arcs >= FACTS_ARCS)
		return false;
	arcs = grow(f->arcs, f->n_arcs, 1, &f->arcs_size, sizeof(*arcs));
	if (arcs == NULL)
		return false;
	f->arcs = arcs;
	f->arcs[f->n_arcs++] = *arc;
	return true;
}

bool
facts_add_path(struct facts *f, struct coord dst, uint16_t arc, uint32_t cost,
    const struct coord *hops, size_t n_hops)
{
	struct facts_path *paths;
	struct coord *all;

	if (f->n_paths >= FACTS_PATHS || n_hops > FACTS_HOPS ||
	    n_hops > FACTS_HOPS_ALL - f->n_hops)
		return false;
	all = grow(f->hops, f->n_hops, n_hops, &f->hops_size, sizeof(*all));
	if (all == NULL)
		return false;
	f->hops = all;
	paths = grow(f->paths, f->n_paths, 1, &f->paths_size, sizeof(*paths));
	if (paths == NULL)
		return false;
	f->paths = paths;
	f->paths[f->n_paths++] = (struct facts_path){
		.dst = dst,
		.arc = arc,
		.cost = cost,
		.first_hop = (uint32_t)f->n_hops,
		.n_hops = (uint32_t)n_hops,
	};
	if (n_hops != 0)
		memcpy(f->hops + f->n_hops, hops, n_hops * sizeof(*hops));
	f->n_hops += n_hops;
	return true;
}

/* Sorts indices of paths: qsort_r()'s argument is the list they point into. */
static int
path_order_cmp(const void *a, const void *b, void *paths)
{
	size_t i = *(const size_t *)a;
	size_t j = *(const size_t *)b;
	const struct facts_path *p = paths;
	int c = coord_cmp(p[i].dst, p[j].dst);

	return c != 0 ? c : (i > j) - (i < j);
}

size_t *
facts_path_order(const struct facts *f)
{
	size_t *order = malloc((f->n_paths + 1) * sizeof(*order));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < f->n_paths; i++)
		order[i] = i;
	if (f->n_paths != 0)
		qsort_r(order, f->n_paths, sizeof(*order), path_order_cmp, f->paths);
	return order;
}

/* What the checks share. */
struct check {
	const struct facts *f;
	const struct topo *t;
	size_t n_interfaces;
	struct facts_error *err;
};

/* Notes that FIELD of the I-th element of LIST ("" without a list) is wrong; always false. */
static bool __attribute__((format(printf, 5, 6)))
wrong(const struct check *c, const char *list, size_t i, const char *field, const char *fmt, ...)
{
	struct facts_error *e = c->err;
	va_list ap;

	if (*list == '\0')
		snprintf(e->field, sizeof(e->field), "%s", field);
	else
		snprintf(e->field, sizeof(e->field), "%s[%zu].%s", list, i, field);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return false;
}

static bool
check_address(const struct check *c)
{
	const struct facts *f = c->f;
	unsigned virtual = 0;

	for (unsigned i = 0; i < c->t->levels; i++) {
		if (f->address.pos[i] > TOPO_POS_MAX)
			return wrong(c, "", 0, "address", "position of level %u is above %u", i,
			    TOPO_POS_MAX);
		virtual += !naddr_real_at(c->t, &f->address, i);
	}
	if (f->main && virtual > 1)
		return wrong(c, "", 0, "address", "%u positions are virtual; of a main identity's "
		    "one may be", virtual);
	if (!f->main && virtual == 0)
		return wrong(c, "", 0, "address", "no position is virtual; an identity that is not "
		    "main has one");
	return true;
}

static bool
check_own_interfaces(const struct check *c)
{
	const struct facts *f = c->f;

	for (size_t i = 0; i < CONF_INTERFACES; i++) {
		if (f->has_dev[i] && i >= c->n_interfaces)
			return wrong(c, "", 0, "interfaces", "interface %zu is not configured", i);
		if (f->linklocal[i] != 0 && !linklocal_is_usable(f->linklocal[i]))
			return wrong(c, "", 0, "linklocal", "that of interface %zu is not usable", i);
	}
	return true;
}

/* The arc as such, without the others. */
static bool
check_arc(const struct check *c, size_t i)
{
	const struct facts *f = c->f;
	const struct facts_arc *a = &f->arcs[i];

	if (a->dev >= c->n_interfaces || !f->has_dev[a->dev])
		return wrong(c, "arcs", i, "dev", "is no managed interface");
	if (!mac_is_unicast(a->peer_mac))
		return wrong(c, "arcs", i, "peer_mac", "no interface can have this address: it is "
		    "zero or multicast");
	if (!linklocal_is_usable(a->peer_linklocal))
		return wrong(c, "arcs", i, "peer_linklocal", "must be in 169.254.1.1 to "
		    "169.254.254.254, last number 1 to 254, and not 169.254.169.254");
	if (a->peer_linklocal == f->linklocal[a->dev])
		return wrong(c, "arcs", i, "peer_linklocal", "is our own on that interface");
	if (!a->qspn && (a->known || a->closing))
		return wrong(c, "arcs", i, a->known ? "peer_address" : "closing",
		    "only an arc with qspn true has it");
	return true;
}

static bool
check_arc_peer(const struct check *c, size_t i)
{
	const struct facts_arc *a = &c->f->arcs[i];

	if (!a->known)
		return true;
	for (unsigned level = 0; level < c->t->levels; level++)
		if (a->peer.pos[level] > TOPO_POS_MAX)
			return wrong(c, "arcs", i, "peer_address", "position of level %u is above "
			    "%u", level, TOPO_POS_MAX);
	if (naddr_equal(c->t, &c->f->address, &a->peer))
		return wrong(c, "arcs", i, "peer_address", "is our own address");
	return true;
}

/* No two arcs may want the same neighbour route, nor the same table. */
static bool
check_arc_pair(const struct check *c, size_t i, size_t j)
{
	const struct facts_arc *a = &c->f->arcs[i];
	const struct facts_arc *b = &c->f->arcs[j];

	if (a->dev == b->dev && a->peer_linklocal == b->peer_linklocal)
		return wrong(c, "arcs", i, "peer_linklocal", "is that of arcs[%zu] on the same "
		    "interface", j);
	if (a->qspn && b->qspn && mac_cmp(a->peer_mac, b->peer_mac) == 0)
		return wrong(c, "arcs", i, "peer_mac", "is that of arcs[%zu]; each arc with qspn "
		    "true has its own", j);
	return true;
}

static bool
check_arcs(const struct check *c)
{
	for (size_t i = 0; i < c->f->n_arcs; i++) {
		if (!check_arc(c, i) || !check_arc_peer(c, i))
			return false;
		for (size_t j = 0; j < i; j++)
			if (!check_arc_pair(c, i, j))
				return false;
	}
	return true;
}

/* What a destination or a hop must be: a g-node there can be, and not ours. */
static const char *
coord_fault(const struct check *c, struct coord g)
{
	if (g.level >= c->t->levels)
		return "has a level that the topology does not have";
	if (g.pos > TOPO_POS_MAX)
		return "has a position above 2147483647";
	if (g.pos == c->f->address.pos[g.level])
		return "is our own g-node";
	return NULL;
}

static bool
check_path_arc(const struct check *c, size_t i)
{
	const struct facts_path *p = &c->f->paths[i];
	const struct facts_arc *a;

	if (p->arc >= c->f->n_arcs)
		return wrong(c, "paths", i, "arc", "there are %zu arcs, the first has index 0",
		    c->f->n_arcs);
	a = &c->f->arcs[p->arc];
	if (!a->qspn || !a->known || a->closing)
		return wrong(c, "paths", i, "arc", "arcs[%u] %s; no path leads over it", p->arc,
		    !a->qspn ? "has qspn false" : !a->known ? "has no peer_address" : "is closing");
	return true;
}

static bool
check_hops(const struct check *c, size_t i)
{
	const struct facts_path *p = &c->f->paths[i];
	const struct coord *hops = c->f->hops + p->first_hop;
	const char *fault;

	for (size_t k = 0; k < p->n_hops; k++) {
		fault = coord_fault(c, hops[k]);
		if (fault != NULL)
			return wrong(c, "paths", i, "hops", "hop %zu %s", k, fault);
		if (k > 0 && hops[k].level < hops[k - 1].level)
			return wrong(c, "paths", i, "hops", "hop %zu has a lower level than the "
			    "one before: a path never returns to a g-node", k);
	}
	return true;
}

static bool
check_ends(const struct check *c, size_t i)
{
	const struct facts_path *p = &c->f->paths[i];
	const struct coord *hops = c->f->hops + p->first_hop;
	struct coord first;

	if (p->n_hops == 0)
		return wrong(c, "paths", i, "hops", "there is none; the last is the destination");
	if (!coord_equal(hops[p->n_hops - 1], p->dst))
		return wrong(c, "paths", i, "hops", "the last one is not the destination");
	if (!naddr_coord(c->t, &c->f->address, &c->f->arcs[p->arc].peer, &first) ||
	    !coord_equal(hops[0], first))
		return wrong(c, "paths", i, "hops", "the first must be the g-node of the neighbour "
		    "of arcs[%u] seen from us, [%u, %u]", p->arc, first.level, first.pos);
	return true;
}

static int
coord_void_cmp(const void *a, const void *b)
{
	return coord_cmp(*(const struct coord *)a, *(const struct coord *)b);
}

/* SCRATCH has room for the hops of one path. */
static bool
check_repeats(const struct check *c, size_t i, struct coord *scratch)
{
	const struct facts_path *p = &c->f->paths[i];

	memcpy(scratch, c->f->hops + p->first_hop, p->n_hops * sizeof(*scratch));
	qsort(scratch, p->n_hops, sizeof(*scratch), coord_void_cmp);
	for (size_t k = 1; k < p->n_hops; k++)
		if (coord_equal(scratch[k], scratch[k - 1]))
			return wrong(c, "paths", i, "hops", "[%u, %u] stands twice",
			    scratch[k].level, scratch[k].pos);
	return true;
}

static bool
check_path(const struct check *c, size_t i, struct coord *scratch)
{
	const struct facts_path *p = &c->f->paths[i];
	const char *fault = coord_fault(c, p->dst);

	if (fault != NULL)
		return wrong(c, "paths", i, "dst", "%s", fault);
	if (p->cost < 1)
		return wrong(c, "paths", i, "cost", "must be at least 1");
	return check_path_arc(c, i) && check_hops(c, i) && check_ends(c, i) &&
	    check_repeats(c, i, scratch);
}

static bool
check_best_first(const struct check *c, const size_t *order)
{
	const struct facts_path *p = c->f->paths;

	for (size_t k = 1; k < c->f->n_paths; k++) {
		size_t i = order[k];
		size_t before = order[k - 1];

		if (coord_equal(p[i].dst, p[before].dst) && p[i].cost < p[before].cost)
			return wrong(c, "paths", i, "cost", "is lower than that of paths[%zu] to "
			    "the same destination; the best comes first", before);
	}
	return true;
}

static bool
check_paths(const struct check *c)
{
	struct coord *scratch = malloc(FACTS_HOPS * sizeof(*scratch));
	size_t *order = facts_path_order(c->f);
	bool ok = scratch != NULL && order != NULL;

	if (!ok)
		wrong(c, "", 0, "paths", "memory is exhausted");
	for (size_t i = 0; ok && i < c->f->n_paths; i++)
		ok = check_path(c, i, scratch);
	ok = ok && check_best_first(c, order);
	free(scratch);
	free(order);
	return ok;
}

bool
facts_check(const struct facts *f, const struct topo *t, size_t n_interfaces,
    struct facts_error *err)
{
	struct check c = { f, t, n_interfaces, err };

	*err = (struct facts_error){ .field = "" };
	return check_address(&c) && check_own_interfaces(&c) && check_arcs(&c) && check_paths(&c);
}
