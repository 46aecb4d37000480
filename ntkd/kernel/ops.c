/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/ops.h"

#include <string.h>

/* 0 means table ntk, so a neighbour that is not there becomes something else, and no handle. */
#define NO_PEER PRIV_HANDLE(PRIV_H_NONE, 0, 1)

static uint32_t
peer_handle(const struct kop_context *x, ntk_mac_t mac)
{
	const struct peer *p = peers_find(x->peers, mac);

	if (mac_cmp(mac, KOBJ_NTK) == 0)
		return 0;
	return p != NULL ? p->handle : NO_PEER;
}

/* Each fills OP for an object that comes or changes (COMES), or goes. */
typedef void maker(const struct kop_context *x, const struct kobj *o, bool comes,
    struct priv_op *op);

static void
make_ns(const struct kop_context *x, const struct kobj *o, bool comes, struct priv_op *op)
{
	(void)o;
	if (!comes) {
		op->type = PRIV_OP_ns_drop;
		op->ns_drop.ns = x->here->ns;
	} else if (x->is_default) {
		op->type = PRIV_OP_ns_prepare;
		op->ns_prepare.ns = x->here->ns;
	} else {
		op->type = PRIV_OP_ns_create;
		op->ns_create.label = x->label;
	}
}

static void
make_dev(const struct kop_context *x, const struct kobj *o, bool comes, struct priv_op *op)
{
	if (x->is_default && comes) {
		op->type = PRIV_OP_dev_prepare;
		op->dev_prepare.dev = x->here->dev[o->dev];
	} else if (comes) {
		op->type = PRIV_OP_dev_create;
		op->dev_create.ns = x->here->ns;
		op->dev_create.parent = x->real->dev[o->dev];
	} else {
		op->type = PRIV_OP_dev_drop;
		op->dev_drop.dev = x->here->dev[o->dev];
	}
}

static void
make_addr(const struct kop_context *x, const struct kobj *o, bool comes, struct priv_op *op)
{
	if (comes) {
		op->type = PRIV_OP_addr_add;
		op->addr_add.dev = x->here->dev[o->dev];
		op->addr_add.addr = o->addr;
	} else {
		op->type = PRIV_OP_addr_drop;
		op->addr_drop.dev = x->here->dev[o->dev];
		op->addr_drop.addr = o->addr;
	}
}

static void
make_neigh(const struct kop_context *x, const struct kobj *o, bool comes, struct priv_op *op)
{
	if (comes) {
		op->type = PRIV_OP_neigh_set;
		op->neigh_set.dev = x->here->dev[o->dev];
		op->neigh_set.peer = o->addr;
		op->neigh_set.src = o->src;
	} else {
		op->type = PRIV_OP_neigh_drop;
		op->neigh_drop.dev = x->here->dev[o->dev];
		op->neigh_drop.peer = o->addr;
	}
}

static void
make_route_set(const struct kop_context *x, const struct kobj *o, struct priv_op *op)
{
	op->type = PRIV_OP_route_set;
	op->route_set.ns = x->here->ns;
	op->route_set.peer = peer_handle(x, o->mac);
	op->route_set.dst = o->addr;
	op->route_set.len = o->len;
	op->route_set.type = o->type;
	op->route_set.via = o->via;
	op->route_set.src = o->src;
	if (o->type == PRIV_ROUTE_UNICAST)
		op->route_set.dev = x->here->dev[o->via_dev];
}

static void
make_route(const struct kop_context *x, const struct kobj *o, bool comes, struct priv_op *op)
{
	if (comes) {
		make_route_set(x, o, op);
		return;
	}
	op->type = PRIV_OP_route_drop;
	op->route_drop.ns = x->here->ns;
	op->route_drop.peer = peer_handle(x, o->mac);
	op->route_drop.dst = o->addr;
	op->route_drop.len = o->len;
}

static void
make_mark(const struct kop_context *x, const struct kobj *o, bool comes, struct priv_op *op)
{
	if (comes) {
		op->type = PRIV_OP_mark_on;
		op->mark_on.ns = x->here->ns;
		op->mark_on.peer = peer_handle(x, o->mac);
	} else {
		op->type = PRIV_OP_mark_off;
		op->mark_off.ns = x->here->ns;
		op->mark_off.peer = peer_handle(x, o->mac);
	}
}

static void
make_rule(const struct kop_context *x, const struct kobj *o, bool comes, struct priv_op *op)
{
	if (comes) {
		op->type = PRIV_OP_rule_on;
		op->rule_on.ns = x->here->ns;
		op->rule_on.peer = peer_handle(x, o->mac);
	} else {
		op->type = PRIV_OP_rule_off;
		op->rule_off.ns = x->here->ns;
		op->rule_off.peer = peer_handle(x, o->mac);
	}
}

static void
make_nat(const struct kop_context *x, const struct kobj *o, bool comes, struct priv_op *op)
{
	if (comes) {
		op->type = PRIV_OP_nat_set;
		op->nat_set = (struct priv_nat_set){ x->here->ns, o->nat, o->match_src,
			o->src_len, o->addr, o->len, o->via, o->to_len };
	} else {
		op->type = PRIV_OP_nat_drop;
		op->nat_drop = (struct priv_nat_drop){ x->here->ns, o->nat, o->match_src,
			o->src_len, o->addr, o->len };
	}
}

static maker *const makers[] = {
	[KOBJ_NS] = make_ns,
	[KOBJ_DEV] = make_dev,
	[KOBJ_ADDR] = make_addr,
	[KOBJ_NEIGH] = make_neigh,
	[KOBJ_ROUTE] = make_route,
	[KOBJ_MARK] = make_mark,
	[KOBJ_RULE] = make_rule,
	[KOBJ_NAT] = make_nat,
};

_Static_assert(sizeof(makers) / sizeof(makers[0]) == KOBJ_NAT + 1, "a maker for every kind");

void
kop_make(const struct kop_context *x, const struct kchange *c, struct priv_op *op)
{
	const struct kobj *o = c->to != NULL ? c->to : c->from;

	memset(op, 0, sizeof(*op));
	makers[o->kind](x, o, c->to != NULL, op);
}
