/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/fakekern.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SPACES = 64,
	DEVS = 1 + CONF_INTERFACES * SPACES,	/* slot 0 is lo, then the real ones */
	PEERS = 4096,
	FAULT = 256,
};

/* An object, and how many others lean on it (routes via a neighbour). */
struct item {
	struct kobj o;
	size_t users;
	enum fakekern_harm harm;
};

/* An own address, wherever it is. */
struct own {
	ntk_ip_t addr;
	size_t holders;		/* interfaces that have it */
	size_t users;		/* objects that name it as source */
};

/* A table of routes in one namespace. */
struct table {
	ntk_mac_t mac;
	size_t routes;
	uint64_t turned;	/* transaction in which a route of it last changed or went */
	uint64_t opened;	/* transaction in which its rule came */
};

struct space {
	bool used;
	bool doomed;		/* dropped by the transaction under way */
	uint16_t generation;
	uint32_t number;
	void *tree;		/* of struct item, by key */
	size_t n;
	uint32_t litter;
	struct own *own;
	size_t n_own;
	struct table *tables;
	size_t n_tables;
	size_t last_table;	/* looked for last */
};

struct dev {
	bool used;
	bool doomed;
	uint16_t generation;
	size_t space;
	uint8_t index;		/* as in struct kobj */
	uint32_t ifindex;	/* of a real one; and who has its name now, 0: nobody */
	uint32_t named;
};

struct peer {
	bool used;
	bool doomed;
	uint16_t generation;
	ntk_mac_t mac;
	uint32_t table;
	size_t users;
};

/* How to undo one step. */
enum undo_kind {
	UNDO_OBJECT,		/* it was BEFORE, or was not there */
	UNDO_SPACE,
	UNDO_DEV,
	UNDO_PEER,
	UNDO_GIVE,
};

struct undo {
	enum undo_kind kind;
	size_t slot;
	bool had;
	struct kobj before;
};

struct fakekern {
	struct fakekern_setup setup;
	bool greeted;
	struct space spaces[SPACES];
	struct dev devs[DEVS];
	struct peer peers[PEERS];
	size_t top_peer;	/* above all that were ever used */
	uint32_t next_number;
	/* the transaction under way */
	uint64_t transaction;
	size_t n_ops;
	bool closed;		/* its last operation was one that nothing may follow */
	bool failed;
	struct priv_refusal refusal;
	struct undo *undo;
	size_t n_undo;
	size_t undo_size;
	struct priv_result results[PRIV_TXN_RESULTS];
	size_t n_results;
	void *touched;		/* tree of struct touched: objects it changed */
	/* told by tests */
	bool refuse;
	size_t refuse_at;
	enum priv_reason refuse_reason;
	bool refuse_check;
	enum priv_reason refuse_check_reason;
	fakekern_watcher *watch;
	void *watch_arg;
	char fault[FAULT];
};

struct touched {
	size_t space;
	struct kobj o;
};

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static int
item_cmp(const void *a, const void *b)
{
	return kobj_cmp(&((const struct item *)a)->o, &((const struct item *)b)->o);
}

static int
touched_cmp(const void *a, const void *b)
{
	const struct touched *x = a;
	const struct touched *y = b;

	return x->space != y->space ? (x->space > y->space) - (x->space < y->space) :
	    kobj_cmp(&x->o, &y->o);
}

static void
fault(struct fakekern *fk, const char *what, const struct kobj *o)
{
	char text[KOBJ_TEXT];

	if (fk->fault[0] == '\0')
		snprintf(fk->fault, sizeof(fk->fault), "operation %zu: %s: %s", fk->n_ops, what,
		    o != NULL ? kobj_print(o, text) : "");
}

/*
 * Refuses the operation; always false.  A daemon in order never meets any of these, but for
 * the end of the table numbers.
 */
static bool
refuse(struct fakekern *fk, enum priv_reason reason, const struct kobj *o)
{
	char text[KOBJ_TEXT];

	fk->failed = true;
	fk->refusal = (struct priv_refusal){ .op = (uint32_t)fk->n_ops, .reason = (uint16_t)reason };
	if (o != NULL)
		snprintf(fk->refusal.text, sizeof(fk->refusal.text), "%s", kobj_print(o, text));
	if (reason != PRIV_R_EXHAUSTED)
		fault(fk, priv_reason_text(reason), o);
	return false;
}

struct fakekern *
fakekern_new(const struct fakekern_setup *setup)
{
	struct fakekern *fk = calloc(1, sizeof(*fk));

	if (fk == NULL)
		return NULL;
	fk->setup = *setup;
	fk->next_number = 1;
	fk->transaction = 1;
	fk->top_peer = 1;
	fk->spaces[0].used = true;
	fk->devs[0] = (struct dev){ .used = true, .index = KOBJ_LO };
	for (size_t i = 0; i < setup->n_devs; i++)
		fk->devs[1 + i] = (struct dev){ .used = true, .index = (uint8_t)i,
			.ifindex = (uint32_t)(2 + i), .named = (uint32_t)(2 + i) };
	return fk;
}

static void
space_clear(struct space *s)
{
	tdestroy(s->tree, free);
	free(s->own);
	free(s->tables);
	*s = (struct space){ .generation = s->generation };
}

static void
transaction_clear(struct fakekern *fk)
{
	tdestroy(fk->touched, free);
	fk->touched = NULL;
	fk->n_undo = 0;
	fk->n_results = 0;
	fk->n_ops = 0;
	fk->closed = false;
	fk->failed = false;
	fk->transaction++;
}

void
fakekern_free(struct fakekern *fk)
{
	if (fk == NULL)
		return;
	for (size_t i = 0; i < SPACES; i++)
		space_clear(&fk->spaces[i]);
	transaction_clear(fk);
	free(fk->undo);
	free(fk);
}

void
fakekern_refuse(struct fakekern *fk, size_t k, enum priv_reason reason)
{
	fk->refuse = true;
	fk->refuse_at = k;
	fk->refuse_reason = reason;
}

void
fakekern_refuse_check(struct fakekern *fk, enum priv_reason reason)
{
	fk->refuse_check = true;
	fk->refuse_check_reason = reason;
}

const char *
fakekern_fault(const struct fakekern *fk)
{
	return fk->fault[0] != '\0' ? fk->fault : NULL;
}

void
fakekern_watch(struct fakekern *fk, fakekern_watcher *watch, void *arg)
{
	fk->watch = watch;
	fk->watch_arg = arg;
}

static struct item *
find(const struct space *s, const struct kobj *o)
{
	struct item key = { .o = *o };
	struct item **found = tfind(&key, &s->tree, item_cmp);

	return found != NULL ? *found : NULL;
}

static struct own *
own_find(struct space *s, ntk_ip_t addr)
{
	for (size_t i = 0; i < s->n_own; i++)
		if (s->own[i].addr == addr)
			return &s->own[i];
	return NULL;
}

static struct own *
own_get(struct space *s, ntk_ip_t addr)
{
	struct own *o = own_find(s, addr);

	if (o != NULL)
		return o;
	s->own = must(realloc(s->own, (s->n_own + 1) * sizeof(*s->own)));
	s->own[s->n_own] = (struct own){ .addr = addr };
	return &s->own[s->n_own++];
}

static struct table *
table_get(struct space *s, ntk_mac_t mac)
{
	if (s->last_table < s->n_tables && mac_cmp(s->tables[s->last_table].mac, mac) == 0)
		return &s->tables[s->last_table];
	for (size_t i = 0; i < s->n_tables; i++)
		if (mac_cmp(s->tables[i].mac, mac) == 0) {
			s->last_table = i;
			return &s->tables[i];
		}
	s->tables = must(realloc(s->tables, (s->n_tables + 1) * sizeof(*s->tables)));
	s->tables[s->n_tables] = (struct table){ .mac = mac };
	s->last_table = s->n_tables;
	return &s->tables[s->n_tables++];
}

static struct peer *
peer_by_mac(struct fakekern *fk, ntk_mac_t mac)
{
	for (size_t i = 1; i < fk->top_peer; i++)
		if (fk->peers[i].used && mac_cmp(fk->peers[i].mac, mac) == 0)
			return &fk->peers[i];
	return NULL;
}

/* The address that O names as its source, or 0. */
static ntk_ip_t
source_of(const struct kobj *o)
{
	if (o->kind == KOBJ_NAT)
		return o->nat == PRIV_NAT_SOURCE ? o->via : 0;
	return o->src;
}

static struct kobj
gateway_of(const struct kobj *o)
{
	return (struct kobj){ .kind = KOBJ_NEIGH, .dev = o->via_dev, .addr = o->via };
}

/* Counts O among the users of what it leans on (BY is 1 or -1). */
static void
lean(struct fakekern *fk, struct space *s, const struct kobj *o, int by)
{
	struct kobj gateway = gateway_of(o);
	struct item *neighbour = o->kind == KOBJ_ROUTE && o->type == PRIV_ROUTE_UNICAST ?
	    find(s, &gateway) : NULL;
	struct peer *peer = mac_cmp(o->mac, KOBJ_NTK) != 0 ? peer_by_mac(fk, o->mac) : NULL;

	if (neighbour != NULL)
		neighbour->users += (size_t)by;
	if (source_of(o) != 0)
		own_get(s, source_of(o))->users += (size_t)by;
	if (peer != NULL)
		peer->users += (size_t)by;
	if (o->kind == KOBJ_ADDR)
		own_get(s, o->addr)->holders += (size_t)by;
	if (o->kind == KOBJ_ROUTE)
		table_get(s, o->mac)->routes += (size_t)by;
}

/* Makes the object with O's key equal to O. */
static void
put(struct fakekern *fk, struct space *s, const struct kobj *o)
{
	struct item *i = find(s, o);

	if (i != NULL) {
		lean(fk, s, &i->o, -1);
		i->o = *o;
		i->harm = FAKEKERN_WHOLE;
	} else {
		i = must(calloc(1, sizeof(*i)));
		i->o = *o;
		must(tsearch(i, &s->tree, item_cmp));
		s->n++;
	}
	lean(fk, s, o, 1);
}

static void
take_away(struct fakekern *fk, struct space *s, const struct kobj *o)
{
	struct item *i = find(s, o);

	if (i == NULL)
		return;
	lean(fk, s, &i->o, -1);
	tdelete(i, &s->tree, item_cmp);
	free(i);
	s->n--;
}

static struct undo *
undo_new(struct fakekern *fk, enum undo_kind kind, size_t slot)
{
	if (fk->n_undo == fk->undo_size) {
		fk->undo_size = fk->undo_size == 0 ? 64 : fk->undo_size * 2;
		fk->undo = must(realloc(fk->undo, fk->undo_size * sizeof(*fk->undo)));
	}
	fk->undo[fk->n_undo] = (struct undo){ .kind = kind, .slot = slot };
	return &fk->undo[fk->n_undo++];
}

/*
 * Kernel-state 8.4 in its strongest form: within a transaction nothing is changed twice, so
 * nothing disappears that comes back.
 */
static void
touch(struct fakekern *fk, size_t slot, const struct kobj *o)
{
	struct touched *t = must(malloc(sizeof(*t)));
	struct touched **found;

	*t = (struct touched){ slot, *o };
	found = must(tsearch(t, &fk->touched, touched_cmp));
	if (*found == t)
		return;
	fault(fk, "changed twice in one transaction", o);
	free(t);
}

/* A change of one object, remembered. */
static void
change(struct fakekern *fk, size_t slot, const struct kobj *o, bool comes)
{
	struct space *s = &fk->spaces[slot];
	struct item *i = find(s, o);
	struct undo *u = undo_new(fk, UNDO_OBJECT, slot);

	u->had = i != NULL;
	u->before = i != NULL ? i->o : *o;
	touch(fk, slot, o);
	if (comes)
		put(fk, s, o);
	else
		take_away(fk, s, o);
}

/* --- handles --- */

/* A handle that this transaction's results name becomes the real one. */
static uint32_t
resolve(const struct fakekern *fk, uint32_t h)
{
	if (PRIV_HANDLE_KIND(h) != PRIV_H_NEW)
		return h;
	return PRIV_HANDLE_INDEX(h) < fk->n_results ?
	    fk->results[PRIV_HANDLE_INDEX(h)].handle : 0;
}

static bool
names(uint32_t h, enum priv_handle_kind kind, size_t slots)
{
	return PRIV_HANDLE_KIND(h) == kind && PRIV_HANDLE_INDEX(h) < slots;
}

static bool
get_space(struct fakekern *fk, uint32_t h, size_t *slot)
{
	uint32_t r = resolve(fk, h);

	*slot = PRIV_HANDLE_INDEX(r);
	if (!names(r, PRIV_H_NS, SPACES) || !fk->spaces[*slot].used ||
	    fk->spaces[*slot].generation != PRIV_HANDLE_GENERATION(r))
		return refuse(fk, PRIV_R_HANDLE, NULL);
	return true;
}

static bool
get_dev(struct fakekern *fk, uint32_t h, struct dev **dev)
{
	uint32_t r = resolve(fk, h);

	*dev = &fk->devs[PRIV_HANDLE_INDEX(r) < DEVS ? PRIV_HANDLE_INDEX(r) : 0];
	if (!names(r, PRIV_H_DEV, DEVS) || !(*dev)->used ||
	    (*dev)->generation != PRIV_HANDLE_GENERATION(r))
		return refuse(fk, PRIV_R_HANDLE, NULL);
	return true;
}

/* PEER is NULL for table ntk. */
static bool
get_peer(struct fakekern *fk, uint32_t h, ntk_mac_t *mac)
{
	uint32_t r = resolve(fk, h);
	struct peer *p = &fk->peers[PRIV_HANDLE_INDEX(r) < PEERS ? PRIV_HANDLE_INDEX(r) : 0];

	*mac = KOBJ_NTK;
	if (h == 0)
		return true;
	if (!names(r, PRIV_H_PEER, PEERS) || !p->used || p->doomed ||
	    p->generation != PRIV_HANDLE_GENERATION(r))
		return refuse(fk, PRIV_R_HANDLE, NULL);
	*mac = p->mac;
	return true;
}

static bool
result(struct fakekern *fk, uint32_t handle, uint32_t number, ntk_mac_t mac)
{
	struct priv_result *r = &fk->results[fk->n_results];

	if (fk->n_results == PRIV_TXN_RESULTS)
		return refuse(fk, PRIV_R_LIMIT, NULL);
	*r = (struct priv_result){ .handle = handle, .number = number,
		.id = PRIV_HANDLE_KIND(handle) == PRIV_H_NS ? number + FAKEKERN_ID : 0 };
	memcpy(r->mac, mac.b, sizeof(r->mac));
	fk->n_results++;
	return true;
}

/* --- operations --- */

static bool
has(const struct space *s, struct kobj o)
{
	return find(s, &o) != NULL;
}

static bool
comes_new(struct fakekern *fk, size_t slot, struct kobj o)
{
	if (find(&fk->spaces[slot], &o) != NULL)
		return refuse(fk, PRIV_R_EXISTS, &o);
	change(fk, slot, &o, true);
	return true;
}

static bool
goes(struct fakekern *fk, size_t slot, struct kobj o)
{
	if (find(&fk->spaces[slot], &o) == NULL)
		return refuse(fk, PRIV_R_ABSENT, &o);
	change(fk, slot, &o, false);
	return true;
}

static bool
ready(struct fakekern *fk, size_t slot)
{
	struct kobj ns = { .kind = KOBJ_NS };

	return has(&fk->spaces[slot], ns) || refuse(fk, PRIV_R_ORDER, &ns);
}

static bool
do_ns_prepare(struct fakekern *fk, const struct priv_op *op)
{
	size_t slot;

	if (!get_space(fk, op->ns_prepare.ns, &slot))
		return false;
	if (slot != 0)
		return refuse(fk, PRIV_R_KIND, NULL);
	return comes_new(fk, slot, (struct kobj){ .kind = KOBJ_NS });
}

static bool
do_ns_create(struct fakekern *fk, const struct priv_op *op)
{
	size_t slot = 1;
	struct space *s;

	(void)op;
	while (slot < SPACES && fk->spaces[slot].used)
		slot++;
	if (slot == SPACES)
		return refuse(fk, PRIV_R_LIMIT, NULL);
	s = &fk->spaces[slot];
	s->used = true;
	s->number = fk->next_number++;
	undo_new(fk, UNDO_SPACE, slot);
	change(fk, slot, &(struct kobj){ .kind = KOBJ_NS }, true);
	return result(fk, PRIV_HANDLE(PRIV_H_NS, s->generation, slot), s->number, KOBJ_NTK);
}

static bool
do_ns_drop(struct fakekern *fk, const struct priv_op *op)
{
	size_t slot;

	if (!get_space(fk, op->ns_drop.ns, &slot))
		return false;
	if (slot == 0)
		return refuse(fk, PRIV_R_KIND, NULL);
	fk->spaces[slot].doomed = true;
	return true;
}

static bool
do_dev_prepare(struct fakekern *fk, const struct priv_op *op)
{
	struct dev *d;

	if (!get_dev(fk, op->dev_prepare.dev, &d))
		return false;
	if (d->space != 0 || d->index == KOBJ_LO)
		return refuse(fk, PRIV_R_KIND, NULL);
	return ready(fk, 0) && comes_new(fk, 0, (struct kobj){ .kind = KOBJ_DEV, .dev = d->index });
}

static bool
do_dev_create(struct fakekern *fk, const struct priv_op *op)
{
	size_t slot;
	size_t at = 1 + fk->setup.n_devs;	/* a real one keeps its place while it is away */
	struct dev *parent;

	if (!get_space(fk, op->dev_create.ns, &slot) || !get_dev(fk, op->dev_create.parent, &parent))
		return false;
	if (slot == 0 || parent->space != 0 || parent->index == KOBJ_LO)
		return refuse(fk, PRIV_R_KIND, NULL);
	if (!ready(fk, slot) ||
	    !comes_new(fk, slot, (struct kobj){ .kind = KOBJ_DEV, .dev = parent->index }))
		return false;
	while (at < DEVS && fk->devs[at].used)
		at++;
	if (at == DEVS)
		return refuse(fk, PRIV_R_LIMIT, NULL);
	fk->devs[at].used = true;
	fk->devs[at].space = slot;
	fk->devs[at].index = parent->index;
	undo_new(fk, UNDO_DEV, at);
	return result(fk, PRIV_HANDLE(PRIV_H_DEV, fk->devs[at].generation, at),
	    (uint32_t)(100 + at), (ntk_mac_t){ { 2, 1, 0, 0, (uint8_t)(at >> 8), (uint8_t)at } });
}

/* Looks for objects on interface DEV; twalk_r() wants it as a structure. */
struct on_dev {
	uint8_t dev;
	bool found;
};

static void
on_dev_visit(const void *node, VISIT which, void *arg)
{
	const struct item *i = *(struct item *const *)node;
	struct on_dev *s = arg;

	if (which != postorder && which != leaf)
		return;
	if ((i->o.kind == KOBJ_ADDR || i->o.kind == KOBJ_NEIGH) && i->o.dev == s->dev)
		s->found = true;
	if (i->o.kind == KOBJ_ROUTE && i->o.type == PRIV_ROUTE_UNICAST && i->o.via_dev == s->dev)
		s->found = true;
}

static bool
has_pseudo(const struct fakekern *fk, uint8_t index)
{
	for (size_t i = 0; i < DEVS; i++)
		if (fk->devs[i].used && fk->devs[i].space != 0 && fk->devs[i].index == index)
			return true;
	return false;
}

static bool
do_dev_drop(struct fakekern *fk, const struct priv_op *op)
{
	struct dev *d;
	struct kobj o = { .kind = KOBJ_DEV };
	struct on_dev on = { .found = false };

	if (!get_dev(fk, op->dev_drop.dev, &d))
		return false;
	if (d->index == KOBJ_LO)
		return refuse(fk, PRIV_R_KIND, NULL);
	on.dev = o.dev = d->index;
	twalk_r(fk->spaces[d->space].tree, on_dev_visit, &on);
	if (on.found || (d->space == 0 && has_pseudo(fk, d->index)))
		return refuse(fk, PRIV_R_IN_USE, &o);
	d->doomed = d->space != 0;
	return goes(fk, d->space, o);
}

static bool
do_addr_add(struct fakekern *fk, const struct priv_op *op)
{
	struct dev *d;
	struct kobj dev = { .kind = KOBJ_DEV };

	if (!get_dev(fk, op->addr_add.dev, &d))
		return false;
	dev.dev = d->index;
	if (d->index != KOBJ_LO && !has(&fk->spaces[d->space], dev))
		return refuse(fk, PRIV_R_ORDER, &dev);
	return comes_new(fk, d->space, (struct kobj){ .kind = KOBJ_ADDR, .dev = d->index,
	    .addr = op->addr_add.addr });
}

static bool
do_addr_drop(struct fakekern *fk, const struct priv_op *op)
{
	struct dev *d;
	struct own *own;
	struct kobj o = { .kind = KOBJ_ADDR, .addr = op->addr_drop.addr };

	if (!get_dev(fk, op->addr_drop.dev, &d))
		return false;
	o.dev = d->index;
	own = own_find(&fk->spaces[d->space], o.addr);
	if (own != NULL && own->holders == 1 && own->users != 0)
		return refuse(fk, PRIV_R_IN_USE, &o);
	return goes(fk, d->space, o);
}

static bool
do_neigh_set(struct fakekern *fk, const struct priv_op *op)
{
	struct dev *d;
	struct kobj o = { .kind = KOBJ_NEIGH, .addr = op->neigh_set.peer, .src = op->neigh_set.src };
	struct kobj src = { .kind = KOBJ_ADDR, .addr = op->neigh_set.src };

	if (!get_dev(fk, op->neigh_set.dev, &d))
		return false;
	o.dev = src.dev = d->index;
	if (!linklocal_is_usable(o.addr))
		return refuse(fk, PRIV_R_LINKLOCAL, &o);
	if (!has(&fk->spaces[d->space], src))
		return refuse(fk, PRIV_R_SOURCE, &o);
	change(fk, d->space, &o, true);
	return true;
}

static bool
do_neigh_drop(struct fakekern *fk, const struct priv_op *op)
{
	struct dev *d;
	struct kobj o = { .kind = KOBJ_NEIGH, .addr = op->neigh_drop.peer };
	struct item *i;

	if (!get_dev(fk, op->neigh_drop.dev, &d))
		return false;
	o.dev = d->index;
	i = find(&fk->spaces[d->space], &o);
	if (i != NULL && i->users != 0)
		return refuse(fk, PRIV_R_IN_USE, &o);
	return goes(fk, d->space, o);
}

static size_t
free_peer(const struct fakekern *fk)
{
	size_t i = 1;

	while (i < PEERS && fk->peers[i].used)
		i++;
	return i;
}

static bool
table_is_free(const struct fakekern *fk, uint32_t table)
{
	for (size_t i = 1; i < fk->top_peer; i++)
		if (fk->peers[i].used && fk->peers[i].table == table)
			return false;
	return true;
}

/* Kernel-state 7: from one below ntk's down, then the second range up; 0: none is free. */
static uint32_t
free_table(const struct fakekern *fk)
{
	for (uint32_t t = fk->setup.tables.first - 1; t >= fk->setup.tables.last; t--)
		if (table_is_free(fk, t))
			return t;
	for (uint32_t t = fk->setup.more_tables.first; t <= fk->setup.more_tables.last; t++)
		if (t != 0 && table_is_free(fk, t))
			return t;
	return 0;
}

static bool
do_peer_take(struct fakekern *fk, const struct priv_op *op)
{
	ntk_mac_t mac;
	size_t slot = free_peer(fk);
	uint32_t table = free_table(fk);
	struct peer *p = &fk->peers[slot];

	memcpy(mac.b, op->peer_take.mac, sizeof(mac.b));
	if (peer_by_mac(fk, mac) != NULL)
		return refuse(fk, PRIV_R_EXISTS, NULL);
	if (slot == PEERS || table == 0)
		return refuse(fk, PRIV_R_EXHAUSTED, NULL);
	*p = (struct peer){ .used = true, .generation = p->generation, .mac = mac, .table = table };
	if (slot >= fk->top_peer)
		fk->top_peer = slot + 1;
	undo_new(fk, UNDO_PEER, slot);
	return result(fk, PRIV_HANDLE(PRIV_H_PEER, p->generation, slot), table, KOBJ_NTK);
}

static bool
do_peer_give(struct fakekern *fk, const struct priv_op *op)
{
	ntk_mac_t mac;
	struct peer *p;

	if (!get_peer(fk, op->peer_give.peer, &mac))
		return false;
	p = peer_by_mac(fk, mac);
	if (p == NULL)
		return refuse(fk, PRIV_R_HANDLE, NULL);
	if (p->users != 0)
		return refuse(fk, PRIV_R_IN_USE, NULL);
	p->doomed = true;
	undo_new(fk, UNDO_GIVE, (size_t)(p - fk->peers));
	return true;
}

static bool
do_mark(struct fakekern *fk, uint32_t ns, uint32_t peer, bool on)
{
	size_t slot;
	struct kobj o = { .kind = KOBJ_MARK };

	if (!get_space(fk, ns, &slot) || !get_peer(fk, peer, &o.mac))
		return false;
	if (peer == 0)
		return refuse(fk, PRIV_R_HANDLE, NULL);
	return ready(fk, slot) && (on ? comes_new(fk, slot, o) : goes(fk, slot, o));
}

static bool
do_mark_on(struct fakekern *fk, const struct priv_op *op)
{
	return do_mark(fk, op->mark_on.ns, op->mark_on.peer, true);
}

static bool
do_mark_off(struct fakekern *fk, const struct priv_op *op)
{
	return do_mark(fk, op->mark_off.ns, op->mark_off.peer, false);
}

/* Where does a packet go that this route sends: is the way there? */
static bool
route_leans_on_something(struct fakekern *fk, struct space *s, const struct kobj *o)
{
	struct own *own = own_find(s, o->src);

	if (o->type != PRIV_ROUTE_UNICAST)
		return (o->via == 0 && o->src == 0) || refuse(fk, PRIV_R_SHAPE, o);
	if (!has(s, gateway_of(o)))
		return refuse(fk, PRIV_R_NEIGHBOUR, o);
	if (o->src != 0 && (own == NULL || own->holders == 0))
		return refuse(fk, PRIV_R_SOURCE, o);
	return true;
}

static struct kobj
rule_of(ntk_mac_t mac)
{
	return (struct kobj){ .kind = KOBJ_RULE, .mac = mac };
}

static bool
do_route_set(struct fakekern *fk, const struct priv_op *op)
{
	const struct priv_route_set *r = &op->route_set;
	struct kobj o = { .kind = KOBJ_ROUTE, .addr = r->dst, .len = r->len, .type = r->type,
		.via = r->via, .src = r->src };
	struct table *t;
	struct dev *d;
	size_t slot;

	if (!get_space(fk, r->ns, &slot) || !get_peer(fk, r->peer, &o.mac) || !ready(fk, slot))
		return false;
	if (o.type == PRIV_ROUTE_UNICAST) {
		if (!get_dev(fk, r->dev, &d))
			return false;
		if (d->space != slot)
			return refuse(fk, PRIV_R_PLACE, &o);
		o.via_dev = d->index;
	}
	if ((o.addr & ~prefix_mask(o.len)) != 0)
		return refuse(fk, PRIV_R_ALIGN, &o);
	if (!route_leans_on_something(fk, &fk->spaces[slot], &o))
		return false;
	t = table_get(&fk->spaces[slot], o.mac);
	if (t->opened == fk->transaction)
		fault(fk, "a table is filled after its rule (kernel-state 8.1)", &o);
	t->turned = fk->transaction;
	change(fk, slot, &o, true);
	return true;
}

static bool
do_route_drop(struct fakekern *fk, const struct priv_op *op)
{
	const struct priv_route_drop *r = &op->route_drop;
	struct kobj o = { .kind = KOBJ_ROUTE, .addr = r->dst, .len = r->len };
	struct table *t;
	size_t slot;

	if (!get_space(fk, r->ns, &slot) || !get_peer(fk, r->peer, &o.mac) || !goes(fk, slot, o))
		return false;
	t = table_get(&fk->spaces[slot], o.mac);
	t->turned = fk->transaction;
	if (t->routes == 0 && has(&fk->spaces[slot], rule_of(o.mac)))
		fault(fk, "a table is emptied while a rule uses it (kernel-state 8.1)", &o);
	return true;
}

static bool
do_rule_on(struct fakekern *fk, const struct priv_op *op)
{
	struct kobj o = { .kind = KOBJ_RULE };
	struct table *t;
	size_t slot;

	if (!get_space(fk, op->rule_on.ns, &slot) || !get_peer(fk, op->rule_on.peer, &o.mac) ||
	    !ready(fk, slot))
		return false;
	t = table_get(&fk->spaces[slot], o.mac);
	if (t->routes == 0)
		fault(fk, "a rule comes before its table is filled (kernel-state 8.1)", &o);
	t->opened = fk->transaction;
	return comes_new(fk, slot, o);
}

static bool
do_rule_off(struct fakekern *fk, const struct priv_op *op)
{
	struct kobj o = { .kind = KOBJ_RULE };
	size_t slot;

	if (!get_space(fk, op->rule_off.ns, &slot) || !get_peer(fk, op->rule_off.peer, &o.mac))
		return false;
	if (table_get(&fk->spaces[slot], o.mac)->turned == fk->transaction)
		fault(fk, "a table changes before its rule goes (kernel-state 8.1)", &o);
	return goes(fk, slot, o);
}

static bool
do_nat_set(struct fakekern *fk, const struct priv_op *op)
{
	const struct priv_nat_set *n = &op->nat_set;
	struct kobj o = { .kind = KOBJ_NAT, .nat = n->kind, .match_src = n->src,
		.src_len = n->src_len, .addr = n->dst, .len = n->dst_len, .via = n->to,
		.to_len = n->to_len };
	struct own *own;
	size_t slot;

	if (!get_space(fk, n->ns, &slot) || !ready(fk, slot))
		return false;
	own = own_find(&fk->spaces[slot], o.via);
	if (o.nat == PRIV_NAT_SOURCE && (own == NULL || own->holders == 0))
		return refuse(fk, PRIV_R_SOURCE, &o);
	change(fk, slot, &o, true);
	return true;
}

static bool
do_nat_drop(struct fakekern *fk, const struct priv_op *op)
{
	const struct priv_nat_drop *n = &op->nat_drop;
	size_t slot;

	return get_space(fk, n->ns, &slot) && goes(fk, slot, (struct kobj){ .kind = KOBJ_NAT,
	    .nat = n->kind, .match_src = n->src, .src_len = n->src_len, .addr = n->dst,
	    .len = n->dst_len });
}

typedef bool executor(struct fakekern *fk, const struct priv_op *op);

static executor *const executors[] = {
#define OP(m, number, doc) [number] = do_##m,
#define OP_END(m)
#define U8(m, f, min, max, doc)
#define U16(m, f, min, max, doc)
#define U32(m, f, min, max, doc)
#define S32(m, f, doc)
#define IP4(m, f, doc)
#define HANDLE(m, f, doc)
#define MAC(m, f, min, doc)
#define STR(m, f, size, doc)
#define PRIV_WANT_OPS
#include "proto/privmsg.tab"
};

/* --- transactions --- */

static void
dev_clear(struct dev *d)
{
	*d = (struct dev){ .generation = (uint16_t)((d->generation + 1U) & 0xfffU) };
}

static void
peer_clear(struct peer *p)
{
	*p = (struct peer){ .generation = (uint16_t)((p->generation + 1U) & 0xfffU) };
}

static void
undo_one(struct fakekern *fk, const struct undo *u)
{
	switch (u->kind) {
	case UNDO_OBJECT:
		if (u->had)
			put(fk, &fk->spaces[u->slot], &u->before);
		else
			take_away(fk, &fk->spaces[u->slot], &u->before);
		break;
	case UNDO_SPACE:
		space_clear(&fk->spaces[u->slot]);
		break;
	case UNDO_DEV:
		dev_clear(&fk->devs[u->slot]);
		break;
	case UNDO_PEER:
		peer_clear(&fk->peers[u->slot]);
		break;
	case UNDO_GIVE:
		fk->peers[u->slot].doomed = false;
		break;
	}
}

static void
undo_all(struct fakekern *fk)
{
	while (fk->n_undo > 0)
		undo_one(fk, &fk->undo[--fk->n_undo]);
	for (size_t i = 0; i < SPACES; i++)
		fk->spaces[i].doomed = false;
	for (size_t i = 0; i < DEVS; i++)
		fk->devs[i].doomed = false;
}

/* Everything in the namespace goes with it. */
static void
space_visit(const void *node, VISIT which, void *arg)
{
	const struct item *i = *(struct item *const *)node;
	struct fakekern *fk = arg;
	struct peer *p;

	if (which != postorder && which != leaf)
		return;
	p = mac_cmp(i->o.mac, KOBJ_NTK) != 0 ? peer_by_mac(fk, i->o.mac) : NULL;
	if (p != NULL)
		p->users--;
}

static void
space_drop(struct fakekern *fk, size_t slot)
{
	struct space *s = &fk->spaces[slot];

	twalk_r(s->tree, space_visit, fk);
	for (size_t i = 0; i < DEVS; i++)
		if (fk->devs[i].used && fk->devs[i].space == slot)
			dev_clear(&fk->devs[i]);
	space_clear(s);
	s->generation = (uint16_t)((s->generation + 1U) & 0xfffU);
}

/* A rule selects what a mark marked. */
static void
rule_visit(const void *node, VISIT which, void *arg)
{
	const struct touched *t = *(struct touched *const *)node;
	struct fakekern *fk = arg;
	const struct space *s = &fk->spaces[t->space];
	struct kobj mark = { .kind = KOBJ_MARK, .mac = t->o.mac };

	if ((which != postorder && which != leaf) || mac_cmp(t->o.mac, KOBJ_NTK) == 0)
		return;
	if (has(s, rule_of(t->o.mac)) && !has(s, mark))
		fault(fk, "a rule without a mark is left", &t->o);
}

static void
commit(struct fakekern *fk)
{
	twalk_r(fk->touched, rule_visit, fk);
	for (size_t i = 0; i < SPACES; i++)
		if (fk->spaces[i].doomed)
			space_drop(fk, i);
	for (size_t i = 0; i < DEVS; i++)
		if (fk->devs[i].doomed)
			dev_clear(&fk->devs[i]);
	for (size_t i = 0; i < PEERS; i++)
		if (fk->peers[i].doomed)
			peer_clear(&fk->peers[i]);
}

static void
execute(struct fakekern *fk, const struct priv_op *op)
{
	if (fk->failed)
		return;
	if (fk->refuse && fk->n_ops == fk->refuse_at) {
		fk->refuse = false;
		fk->failed = true;
		fk->refusal = (struct priv_refusal){ .op = (uint32_t)fk->n_ops,
			.reason = (uint16_t)fk->refuse_reason, .text = "as the test asked" };
	} else if (fk->closed || fk->n_ops == PRIV_TXN_OPS) {
		refuse(fk, fk->closed ? PRIV_R_ORDER : PRIV_R_LIMIT, NULL);
	} else if (executors[op->type](fk, op) && fk->watch != NULL) {
		fk->watch(fk, op, fk->watch_arg);
	}
	if (fk->failed)
		snprintf(fk->refusal.operation, sizeof(fk->refusal.operation), "%s",
		    priv_op_name(op->type));
	fk->closed = priv_op_is_last(op->type);
	fk->n_ops++;
}

/* --- messages --- */

static int
malformed(struct fakekern *fk, const char *what)
{
	if (fk->fault[0] == '\0')
		snprintf(fk->fault, sizeof(fk->fault), "malformed message: %s", what);
	return -1;
}

static void
frame(struct wr *w, uint8_t type, uint32_t seq, size_t count)
{
	struct priv_frame f = { .magic = PRIV_MAGIC, .version = PRIV_VERSION, .type = type,
		.seq = seq, .count = (uint16_t)count };

	msg_encode(&priv_frame_desc, &f, w);
}

static bool
is_kept(const struct fakekern *fk, uint8_t index)
{
	return has(&fk->spaces[0], (struct kobj){ .kind = KOBJ_DEV, .dev = index }) ||
	    has_pseudo(fk, index);
}

/* Those that nothing is on become whoever has their names, unless that is another one still. */
static void
look(struct fakekern *fk)
{
	bool kept[DEVS] = { false };

	for (size_t i = 1; i <= fk->setup.n_devs; i++)
		kept[i] = is_kept(fk, fk->devs[i].index);
	for (size_t i = 1; i <= fk->setup.n_devs; i++) {
		struct dev *d = &fk->devs[i];
		bool taken = d->named == 0;

		for (size_t other = 1; other <= fk->setup.n_devs; other++)
			taken |= kept[other] && fk->devs[other].ifindex == d->named;
		if (kept[i])
			continue;
		d->generation = fk->greeted ? (uint16_t)((d->generation + 1U) & 0xfffU) : 0;
		d->used = !taken;
		d->ifindex = d->named;
	}
}

void
fakekern_name(struct fakekern *fk, size_t i, uint32_t ifindex)
{
	fk->devs[1 + i].named = ifindex;
}

static int
answer_hello(struct fakekern *fk, uint32_t seq, struct wr *w)
{
	struct priv_welcome welcome = { .ns = PRIV_HANDLE(PRIV_H_NS, fk->spaces[0].generation, 0) };

	look(fk);
	fk->greeted = true;
	frame(w, PRIV_WELCOME, seq, fk->setup.n_devs + 1);
	msg_encode(&priv_welcome_desc, &welcome, w);
	for (size_t i = 0; i <= fk->setup.n_devs; i++) {
		const struct dev *d = &fk->devs[i];
		struct priv_interface in = { .dev = 0 };

		if (d->used)
			in = (struct priv_interface){ PRIV_HANDLE(PRIV_H_DEV, d->generation, i),
				i == 0 ? 1 : d->ifindex, { 2, 0, 0, 0, 0, (uint8_t)i }, "" };
		snprintf(in.name, sizeof(in.name), i == 0 ? "lo" : "eth%zu", i);
		msg_encode(&priv_interface_desc, &in, w);
	}
	return (int)w->len;
}

static int
answer_apply(struct fakekern *fk, const struct priv_frame *f, struct wr *w)
{
	if (fk->failed) {
		frame(w, PRIV_REFUSED, f->seq, 0);
		msg_encode(&priv_refusal_desc, &fk->refusal, w);
	} else {
		frame(w, PRIV_DONE, f->seq, fk->n_results);
		for (size_t i = 0; i < fk->n_results; i++)
			msg_encode(&priv_result_desc, &fk->results[i], w);
	}
	if (fk->failed || (f->flags & PRIV_REHEARSE) != 0)
		undo_all(fk);
	else
		commit(fk);
	transaction_clear(fk);
	return (int)w->len;
}

/* --- checks --- */

/* What a check finds; the first PRIV_DIFFERENCES are told. */
struct check {
	struct priv_checked total;
	struct priv_difference v[PRIV_DIFFERENCES];
	size_t n;
};

static void
check_tell(struct check *c, enum priv_fate fate, const char *kind, const char *object)
{
	struct priv_difference *d = &c->v[c->n];

	if (c->n == PRIV_DIFFERENCES)
		return;
	c->n++;
	*d = (struct priv_difference){ .fate = (uint8_t)fate,
		.error = fate == PRIV_FATE_FAILED ? 100 : 0 };
	snprintf(d->kind, sizeof(d->kind), "%s", kind);
	snprintf(d->object, sizeof(d->object), "%s", object);
}

static void
check_visit(const void *node, VISIT which, void *arg)
{
	struct item *i = *(struct item *const *)node;
	struct check *c = arg;
	char text[KOBJ_TEXT];

	if (which != postorder && which != leaf)
		return;
	c->total.compared++;
	switch (i->harm) {
	case FAKEKERN_WHOLE:
		break;
	case FAKEKERN_LOST:
		i->harm = FAKEKERN_WHOLE;
		c->total.repaired++;
		check_tell(c, PRIV_FATE_REPAIRED, "object", kobj_print(&i->o, text));
		break;
	case FAKEKERN_STUCK:
		c->total.failed++;
		check_tell(c, PRIV_FATE_FAILED, "object", kobj_print(&i->o, text));
		break;
	case FAKEKERN_TAKEN:
		c->total.foreign++;
		check_tell(c, PRIV_FATE_FOREIGN, "object", kobj_print(&i->o, text));
		break;
	}
}

static int
refuse_check(const struct priv_frame *f, enum priv_reason reason, struct wr *w)
{
	struct priv_refusal r = { .reason = (uint16_t)reason, .operation = "check" };

	frame(w, PRIV_REFUSED, f->seq, 0);
	msg_encode(&priv_refusal_desc, &r, w);
	return (int)w->len;
}

static int
answer_check(struct fakekern *fk, const struct priv_frame *f, uint32_t ns, struct wr *w)
{
	struct check c = { .n = 0 };
	size_t slot = PRIV_HANDLE_INDEX(ns);
	struct space *s = &fk->spaces[slot < SPACES ? slot : 0];

	if (fk->refuse_check) {
		fk->refuse_check = false;
		return refuse_check(f, fk->refuse_check_reason, w);
	}
	if (!names(ns, PRIV_H_NS, SPACES) || !s->used || s->generation != PRIV_HANDLE_GENERATION(ns)) {
		fault(fk, "a check of a namespace that is not there", NULL);
		return refuse_check(f, PRIV_R_HANDLE, w);
	}
	twalk_r(s->tree, check_visit, &c);
	c.total.removed = s->litter;
	for (; s->litter > 0; s->litter--)
		check_tell(&c, PRIV_FATE_REMOVED, "object", "litter");
	frame(w, PRIV_CHECKED, f->seq, 1 + c.n);
	msg_encode(&priv_checked_desc, &c.total, w);
	for (size_t i = 0; i < c.n; i++)
		msg_encode(&priv_difference_desc, &c.v[i], w);
	return (int)w->len;
}

static int
message_check(struct fakekern *fk, const struct priv_frame *f, struct rd *r, struct wr *w)
{
	struct priv_check check;
	struct msg_error err;

	/* A part of a transaction leaves operations behind until the last one came. */
	if (f->count != 1 || fk->n_ops != 0 || !msg_decode(&priv_check_desc, r, &check, &err) ||
	    !rd_done(r))
		return malformed(fk, "check");
	return answer_check(fk, f, check.ns, w);
}

int
fakekern_message(struct fakekern *fk, const uint8_t *buf, size_t len, uint8_t *out)
{
	struct msg_error err;
	struct priv_frame f;
	struct priv_op op;
	struct rd r;
	struct wr w;

	rd_init(&r, buf, len);
	wr_init(&w, out, PRIV_MSG_MAX);
	if (len > PRIV_MSG_MAX || !msg_decode(&priv_frame_desc, &r, &f, &err))
		return malformed(fk, "frame");
	if (f.type == PRIV_HELLO)
		return fk->n_ops == 0 && rd_done(&r) ? answer_hello(fk, f.seq, &w) :
		    malformed(fk, "hello");
	if (f.type == PRIV_CHECK && fk->greeted)
		return message_check(fk, &f, &r, &w);
	if (f.type != PRIV_APPLY || !fk->greeted)
		return malformed(fk, "type");
	for (size_t i = 0; i < f.count; i++) {
		if (!priv_op_read(&r, &op, &err))
			return malformed(fk, err.field);
		execute(fk, &op);
	}
	if (!rd_done(&r))
		return malformed(fk, "left-over bytes");
	return (f.flags & PRIV_MORE) != 0 ? 0 : answer_apply(fk, &f, &w);
}

/* --- looking --- */

static const struct space *
space_by_number(const struct fakekern *fk, uint32_t number)
{
	for (size_t i = 0; i < SPACES; i++)
		if (fk->spaces[i].used && fk->spaces[i].number == number)
			return &fk->spaces[i];
	return NULL;
}

bool
fakekern_harm(struct fakekern *fk, uint32_t number, const struct kobj *o, enum fakekern_harm harm)
{
	const struct space *s = space_by_number(fk, number);
	struct item *i = s != NULL ? find(s, o) : NULL;

	if (i != NULL)
		i->harm = harm;
	return i != NULL;
}

void
fakekern_litter(struct fakekern *fk, uint32_t number, uint32_t n)
{
	for (size_t i = 0; i < SPACES; i++)
		if (fk->spaces[i].used && fk->spaces[i].number == number)
			fk->spaces[i].litter += n;
}

static void
state_visit(const void *node, VISIT which, void *arg)
{
	const struct item *i = *(struct item *const *)node;

	if ((which == postorder || which == leaf) && i->harm == FAKEKERN_WHOLE)
		kset_add(arg, &i->o);
}

bool
fakekern_state(const struct fakekern *fk, uint32_t number, struct kset *out)
{
	const struct space *s = space_by_number(fk, number);

	kset_empty(out);
	if (s == NULL)
		return false;
	twalk_r(s->tree, state_visit, out);
	return kset_sort(out);
}

bool
fakekern_find(const struct fakekern *fk, uint32_t number, const struct kobj *o, struct kobj *value)
{
	const struct space *s = space_by_number(fk, number);
	const struct item *i = s != NULL ? find(s, o) : NULL;

	if (i != NULL && value != NULL)
		*value = i->o;
	return i != NULL;
}

size_t
fakekern_namespaces(const struct fakekern *fk)
{
	size_t n = 0;

	for (size_t i = 1; i < SPACES; i++)
		n += fk->spaces[i].used;
	return n;
}

size_t
fakekern_peers(const struct fakekern *fk)
{
	size_t n = 0;

	for (size_t i = 1; i < fk->top_peer; i++)
		n += fk->peers[i].used;
	return n;
}

uint32_t
fakekern_table(const struct fakekern *fk, ntk_mac_t mac)
{
	for (size_t i = 1; i < fk->top_peer; i++)
		if (fk->peers[i].used && mac_cmp(fk->peers[i].mac, mac) == 0)
			return fk->peers[i].table;
	return 0;
}
