/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/policy.h"

#include <string.h>

/* What a judgement works with. */
struct bench {
	const struct policy *p;
	const struct ledger *l;
	struct ruling *out;
};

static bool
refuse(const struct bench *b, enum priv_reason reason, const char *field, uint32_t value)
{
	b->out->reason = reason;
	b->out->field = field;
	b->out->value = value;
	memset(&b->out->change, 0, sizeof(b->out->change));
	return false;
}

static bool
refuse_ip(const struct bench *b, enum priv_reason reason, const char *field, ntk_ip_t value)
{
	b->out->value_is_ip = true;
	return refuse(b, reason, field, value);
}

/* --- who is meant ---------------------------------------------------------- */

static bool
the_slot(const struct bench *b, enum priv_handle_kind kind, uint32_t handle, const char *field,
    uint16_t *slot)
{
	enum priv_reason why;
	int i = ledger_find_handle(b->l, kind, handle, &why);

	if (i < 0)
		return refuse(b, why, field, handle);
	*slot = (uint16_t)i;
	return true;
}

static bool
the_ns(const struct bench *b, uint32_t handle, uint16_t *ns)
{
	return the_slot(b, PRIV_H_NS, handle, "ns", ns);
}

/* One that is the default namespace, or that is not. */
static bool
the_ns_at(const struct bench *b, uint32_t handle, bool is_default, uint16_t *ns)
{
	return the_ns(b, handle, ns) && ((*ns == NS_DEFAULT) == is_default ||
	    refuse(b, PRIV_R_PLACE, "ns", handle));
}

/* An interface, and with it the namespace in which it lies. */
static bool
the_dev(const struct bench *b, uint32_t handle, struct obj *o)
{
	if (!the_slot(b, PRIV_H_DEV, handle, "dev", &o->dev))
		return false;
	o->ns = b->l->dev[o->dev].ns;
	return true;
}

/* Handle 0 means the table ntk, whose slot no handle names. */
static bool
the_peer(const struct bench *b, uint32_t handle, uint16_t *peer)
{
	*peer = PEER_NTK;
	if (handle == 0)
		return true;
	return the_slot(b, PRIV_H_PEER, handle, "peer", peer) &&
	    (*peer != PEER_NTK || refuse(b, PRIV_R_HANDLE, "peer", handle));
}

/* A namespace and a neighbour's table in it; ntk exists for the default one only. */
static bool
the_table(const struct bench *b, uint32_t ns_handle, uint32_t peer_handle, struct obj *o)
{
	if (!the_ns(b, ns_handle, &o->ns) || !the_peer(b, peer_handle, &o->peer))
		return false;
	if (o->peer == PEER_NTK && o->ns != NS_DEFAULT)
		return refuse(b, PRIV_R_PLACE, "peer", peer_handle);
	return true;
}

/* --- what may be done ------------------------------------------------------ */

/* O shall come.  One that is there already is replaced where MAY_REPLACE, else refused. */
static bool
come(const struct bench *b, const struct obj *o, bool may_replace)
{
	const struct obj *have = ledger_find(b->l, o);

	if (have != NULL && !may_replace)
		return refuse(b, PRIV_R_EXISTS, "", 0);
	if (have == NULL && b->l->objects >= LEDGER_OBJECTS)
		return refuse(b, PRIV_R_LIMIT, "", LEDGER_OBJECTS);
	b->out->change.has_from = have != NULL;
	if (have != NULL)
		b->out->change.from = *have;
	b->out->change.has_to = true;
	b->out->change.to = *o;
	return true;
}

/* The object with the key of O shall go. */
static bool
go(const struct bench *b, const struct obj *o)
{
	const struct obj *have = ledger_find(b->l, o);

	if (have == NULL)
		return refuse(b, PRIV_R_ABSENT, "", 0);
	b->out->change.has_from = true;
	b->out->change.from = *have;
	return true;
}

static bool
host_routes(const struct policy *p, ntk_prefix_t prefix)
{
	for (size_t i = 0; i < p->host.n; i++)
		if (prefix_overlaps(p->host.v[i], prefix))
			return true;
	return false;
}

static bool
is_free_linklocal(const struct bench *b, const char *field, ntk_ip_t addr)
{
	if (!linklocal_is_usable(addr))
		return refuse_ip(b, PRIV_R_LINKLOCAL, field, addr);
	if (host_routes(b->p, (ntk_prefix_t){ addr, NTK_IP_BITS }))
		return refuse_ip(b, PRIV_R_HOST, field, addr);
	return true;
}

/* All of PREFIX is destinations: global, anonymizing, or internal to one level above 0. */
static bool
is_destination(const struct bench *b, const char *field, ntk_prefix_t prefix)
{
	const struct map4 *m = &b->p->conf->map;
	struct map4_class c;
	ntk_prefix_t all;

	if (!prefix_is_aligned(prefix))
		return refuse_ip(b, PRIV_R_ALIGN, field, prefix.addr);
	if (!map4_classify(m, prefix.addr, &c) || (c.kind == MAP4_INTERNAL && c.level == 0) ||
	    !map4_all(m, c, &all) || !prefix_has(all, prefix))
		return refuse_ip(b, PRIV_R_RANGE, field, prefix.addr);
	if (!b->p->conf->allow_overlap && host_routes(b->p, prefix))
		return refuse_ip(b, PRIV_R_HOST, field, prefix.addr);
	return true;
}

/* ADDR is in the ledger as an address of ours on DEV. */
static bool
is_own_on(const struct bench *b, uint16_t dev, ntk_ip_t addr)
{
	struct obj o = { .kind = OBJ_ADDR, .ns = b->l->dev[dev].ns, .dev = dev, .addr = addr };

	return ledger_find(b->l, &o) != NULL;
}

/* ADDR is an own address on an interface of the default namespace other than DEV. */
static bool
is_own_besides(const struct bench *b, uint16_t dev, ntk_ip_t addr)
{
	for (uint16_t i = DEV_LO + 1; i <= CONF_INTERFACES; i++)
		if (i != dev && is_own_on(b, i, addr))
			return true;
	return false;
}

/* An interface that was prepared or made by us. */
static bool
is_ready(const struct bench *b, const char *field, uint32_t handle, uint16_t dev)
{
	struct obj o = { .kind = OBJ_DEV, .ns = b->l->dev[dev].ns, .dev = dev };

	if (ledger_find(b->l, &o) == NULL)
		return refuse(b, PRIV_R_ABSENT, field, handle);
	return true;
}

/* --- namespaces and interfaces --------------------------------------------- */

static bool
judge_ns_prepare(const struct bench *b, const struct priv_ns_prepare *q)
{
	struct obj o = { .kind = OBJ_NS };

	return the_ns_at(b, q->ns, true, &o.ns) && come(b, &o, false);
}

static bool
judge_ns_create(const struct bench *b, const struct priv_ns_create *q)
{
	struct obj o = { .kind = OBJ_NS, .ns = (uint16_t)ledger_free(b->l, PRIV_H_NS),
		.number = q->label };

	if (o.ns == NS_DEFAULT)
		return refuse(b, PRIV_R_LIMIT, "ns", LEDGER_NAMESPACES);
	return come(b, &o, false);
}

static bool
judge_ns_drop(const struct bench *b, const struct priv_ns_drop *q)
{
	struct obj o = { .kind = OBJ_NS };

	return the_ns_at(b, q->ns, false, &o.ns) && go(b, &o);
}

static bool
judge_dev_prepare(const struct bench *b, const struct priv_dev_prepare *q)
{
	struct obj o = { .kind = OBJ_DEV };

	if (!the_dev(b, q->dev, &o))
		return false;
	if (!dev_is_real(o.dev))
		return refuse(b, PRIV_R_PLACE, "dev", q->dev);
	return come(b, &o, false);
}

/* True when namespace NS has a pseudo-interface on PARENT. */
static bool
has_pseudo(const struct ledger *l, uint16_t ns, uint16_t parent)
{
	for (unsigned i = CONF_INTERFACES + 1; i < LEDGER_DEVS; i++)
		if (l->dev[i].slot.used && l->dev[i].ns == ns && l->dev[i].parent == parent)
			return true;
	return false;
}

static bool
judge_dev_create(const struct bench *b, const struct priv_dev_create *q)
{
	struct obj o = { .kind = OBJ_DEV, .dev = (uint16_t)ledger_free(b->l, PRIV_H_DEV) };
	uint16_t parent = DEV_LO;

	if (!the_ns(b, q->ns, &o.ns) ||
	    !the_slot(b, PRIV_H_DEV, q->parent, "parent", &parent) ||
	    !the_ns_at(b, q->ns, false, &o.ns))
		return false;
	if (!dev_is_real(parent))
		return refuse(b, PRIV_R_PLACE, "parent", q->parent);
	if (has_pseudo(b->l, o.ns, parent))
		return refuse(b, PRIV_R_EXISTS, "parent", q->parent);
	if (o.dev == DEV_LO)
		return refuse(b, PRIV_R_LIMIT, "dev", LEDGER_DEVS);
	o.via_dev = parent;
	return come(b, &o, false);
}

static bool
judge_dev_drop(const struct bench *b, const struct priv_dev_drop *q)
{
	struct obj o = { .kind = OBJ_DEV };

	if (!the_dev(b, q->dev, &o))
		return false;
	if (o.dev == DEV_LO)
		return refuse(b, PRIV_R_PLACE, "dev", q->dev);
	if (b->l->dev[o.dev].objects != 0)
		return refuse(b, PRIV_R_IN_USE, "dev", q->dev);
	return go(b, &o);
}

/* --- addresses and neighbour routes ---------------------------------------- */

/*
 * On lo the synonym of localhost; link-locals anywhere; addresses of the range
 * in the default namespace only, since a connectivity identity has none.
 */
static bool
is_own_address(const struct bench *b, uint16_t dev, ntk_ip_t addr)
{
	const struct conf *c = b->p->conf;
	struct map4_class class;

	if (dev == DEV_LO)
		return addr == map4_localhost(&c->map) || refuse_ip(b, PRIV_R_RANGE, "addr", addr);
	if (!prefix_has_ip(c->map.range, addr))
		return is_free_linklocal(b, "addr", addr);
	if (b->l->dev[dev].ns != NS_DEFAULT)
		return refuse_ip(b, PRIV_R_PLACE, "addr", addr);
	if (!is_destination(b, "addr", (ntk_prefix_t){ addr, NTK_IP_BITS }))
		return false;
	if (map4_classify(&c->map, addr, &class) && class.kind == MAP4_ANONYMIZING &&
	    !c->accept_anonymous)
		return refuse_ip(b, PRIV_R_CONFIG, "addr", addr);
	return true;
}

static bool
judge_addr_add(const struct bench *b, const struct priv_addr_add *q)
{
	struct obj o = { .kind = OBJ_ADDR, .addr = q->addr };

	if (!the_dev(b, q->dev, &o))
		return false;
	if (o.dev != DEV_LO && !is_ready(b, "dev", q->dev, o.dev))
		return false;
	return is_own_address(b, o.dev, q->addr) && come(b, &o, false);
}

/*
 * USER, a neighbour route or route, needs O, an address or neighbour route.  A route needs
 * an address on whatever interface: only the LAST one that has it counts.
 */
static bool
needs(const struct obj *user, const struct obj *o, bool last)
{
	if (user->ns != o->ns)
		return false;
	if (o->kind == OBJ_NEIGH)
		return user->kind == OBJ_ROUTE && user->type == PRIV_ROUTE_UNICAST &&
		    user->via_dev == o->dev && user->via == o->addr;
	return user->src == o->addr && ((user->kind == OBJ_ROUTE && last) ||
	    (user->kind == OBJ_NEIGH && user->dev == o->dev));
}

/*
 * Spec kernel-state 8, rules 2 and 3: what others lean on goes after them.  It is
 * checked here because the kernel would take those others along, silently, and undo
 * could not bring them back.
 */
static bool
judge_drop_at(const struct bench *b, uint8_t kind, uint32_t dev, ntk_ip_t addr)
{
	struct obj o = { .kind = kind, .addr = addr };
	const struct node *n;
	bool last;

	if (!the_dev(b, dev, &o) || !go(b, &o))
		return false;
	last = !is_own_besides(b, o.dev, addr);
	TAILQ_FOREACH(n, &b->l->order, order)
		if (needs(&n->obj, &o, last))
			return refuse_ip(b, PRIV_R_IN_USE, kind == OBJ_ADDR ? "addr" : "peer", addr);
	return true;
}

static bool
judge_neigh_set(const struct bench *b, const struct priv_neigh_set *q)
{
	struct obj o = { .kind = OBJ_NEIGH, .addr = q->peer, .src = q->src };

	if (!the_dev(b, q->dev, &o) || !is_free_linklocal(b, "peer", q->peer))
		return false;
	if (!linklocal_is_usable(q->src) || !is_own_on(b, o.dev, q->src))
		return refuse_ip(b, PRIV_R_SOURCE, "src", q->src);
	return come(b, &o, true);
}

/* --- neighbours: table numbers, marks, rules ------------------------------- */

static bool
judge_peer_take(const struct bench *b, const struct priv_peer_take *q)
{
	struct obj o = { .kind = OBJ_PEER, .peer = (uint16_t)ledger_free(b->l, PRIV_H_PEER) };

	memcpy(o.mac.b, q->mac, sizeof(o.mac.b));
	for (unsigned i = PEER_NTK + 1; i < LEDGER_PEERS; i++)
		if (b->l->peer[i].slot.used && mac_cmp(b->l->peer[i].mac, o.mac) == 0)
			return refuse(b, PRIV_R_EXISTS, "mac", 0);
	if (o.peer == PEER_NTK)
		return refuse(b, PRIV_R_LIMIT, "mac", 0);
	o.number = ledger_table(b->p->conf, o.peer);
	if (o.number == 0)
		return refuse(b, PRIV_R_EXHAUSTED, "mac", 0);
	o.generation = (uint16_t)(b->l->peer[o.peer].slot.generation + 1);
	return come(b, &o, false);
}

static bool
judge_peer_give(const struct bench *b, const struct priv_peer_give *q)
{
	struct obj o = { .kind = OBJ_PEER };

	if (!the_peer(b, q->peer, &o.peer))
		return false;
	if (o.peer == PEER_NTK)
		return refuse(b, PRIV_R_HANDLE, "peer", q->peer);
	if (b->l->peer[o.peer].objects != 0)
		return refuse(b, PRIV_R_IN_USE, "peer", q->peer);
	return go(b, &o);
}

/* A mark or rule, on or off.  Marks belong to neighbours; ntk is for packets without one. */
static bool
judge_switch(const struct bench *b, uint8_t kind, uint32_t ns, uint32_t peer, bool on)
{
	struct obj o = { .kind = kind };

	if (!the_table(b, ns, peer, &o))
		return false;
	if (kind == OBJ_MARK && o.peer == PEER_NTK)
		return refuse(b, PRIV_R_HANDLE, "peer", peer);
	return on ? come(b, &o, false) : go(b, &o);
}

/* --- routes ---------------------------------------------------------------- */

static bool
is_gateway(const struct bench *b, const struct priv_route_set *q, struct obj *o)
{
	struct obj neigh = { .kind = OBJ_NEIGH, .ns = o->ns, .addr = q->via };

	if (!the_slot(b, PRIV_H_DEV, q->dev, "dev", &o->via_dev))
		return false;
	if (b->l->dev[o->via_dev].ns != o->ns)
		return refuse(b, PRIV_R_PLACE, "dev", q->dev);
	neigh.dev = o->via_dev;
	if (ledger_find(b->l, &neigh) == NULL)
		return refuse_ip(b, PRIV_R_NEIGHBOUR, "via", q->via);
	if (q->src != 0 && (o->ns != NS_DEFAULT || !is_own_besides(b, DEV_LO, q->src)))
		return refuse_ip(b, PRIV_R_SOURCE, "src", q->src);
	return true;
}

/* Spec kernel-state 4: no table of ours leads into the private subnet, the host itself does. */
static bool
is_beyond_subnet(const struct bench *b, const struct priv_route_set *q)
{
	ntk_prefix_t subnet;

	if (conf_subnet(b->p->conf, &subnet) && prefix_has_ip(subnet, q->dst))
		return refuse_ip(b, PRIV_R_RANGE, "dst", q->dst);
	return true;
}

static bool
judge_route_set(const struct bench *b, const struct priv_route_set *q)
{
	struct obj o = { .kind = OBJ_ROUTE, .addr = q->dst, .len = q->len, .type = q->type,
		.via = q->via, .src = q->src };

	if (!the_table(b, q->ns, q->peer, &o) || !is_beyond_subnet(b, q) ||
	    !is_destination(b, "dst", (ntk_prefix_t){ q->dst, q->len }))
		return false;
	if (q->type == PRIV_ROUTE_UNICAST)
		return is_gateway(b, q, &o) && come(b, &o, true);
	if (q->dev != 0)
		return refuse(b, PRIV_R_SHAPE, "dev", q->dev);
	if (q->via != 0)
		return refuse_ip(b, PRIV_R_SHAPE, "via", q->via);
	if (q->src != 0)
		return refuse_ip(b, PRIV_R_SHAPE, "src", q->src);
	return come(b, &o, true);
}

static bool
judge_route_drop(const struct bench *b, const struct priv_route_drop *q)
{
	struct obj o = { .kind = OBJ_ROUTE, .addr = q->dst, .len = q->len };

	return the_table(b, q->ns, q->peer, &o) && go(b, &o);
}

/* --- address translation --------------------------------------------------- */

/* Spec kernel-state 4: everything anonymizing leaves with our own global address. */
static bool
is_source_nat(const struct bench *b, const struct priv_nat_set *q)
{
	const struct conf *c = b->p->conf;
	const struct map4_class anonymizing = { MAP4_ANONYMIZING, 0 };
	struct map4_class class;
	ntk_prefix_t all;

	if (!c->anonymize_others)
		return refuse(b, PRIV_R_CONFIG, "kind", q->kind);
	if (q->src != 0 || q->src_len != 0)
		return refuse_ip(b, PRIV_R_SHAPE, "src", q->src);
	if (!map4_all(&c->map, anonymizing, &all) ||
	    prefix_cmp(all, (ntk_prefix_t){ q->dst, q->dst_len }) != 0)
		return refuse_ip(b, PRIV_R_RANGE, "dst", q->dst);
	if (q->to_len != NTK_IP_BITS)
		return refuse(b, PRIV_R_SHAPE, "to_len", q->to_len);
	if (!map4_classify(&c->map, q->to, &class) || class.kind != MAP4_GLOBAL ||
	    !is_own_besides(b, DEV_LO, q->to))
		return refuse_ip(b, PRIV_R_SOURCE, "to", q->to);
	return true;
}

/* P is one of anonymizing addresses. */
static bool
is_anonymizing(const struct conf *c, ntk_prefix_t p)
{
	struct map4_class class;

	return map4_classify(&c->map, p.addr, &class) && class.kind == MAP4_ANONYMIZING;
}

/*
 * Towards the subnet the inner prefix is put in, away from it it is replaced.  It never shows
 * itself by an anonymizing one, and is only reached by it where that is accepted.
 */
static bool
is_mapping(const struct bench *b, const struct priv_nat_set *q)
{
	const struct conf *c = b->p->conf;
	const ntk_prefix_t src = { q->src, q->src_len }, dst = { q->dst, q->dst_len };
	const ntk_prefix_t to = { q->to, q->to_len };
	bool inwards = q->kind == PRIV_NAT_MAP_IN;
	ntk_prefix_t own;

	if (!conf_subnet(c, &own))
		return refuse(b, PRIV_R_CONFIG, "kind", q->kind);
	if (inwards && (q->src != 0 || q->src_len != 0))
		return refuse_ip(b, PRIV_R_SHAPE, "src", q->src);
	if (!inwards && prefix_cmp(src, own) != 0)
		return refuse_ip(b, PRIV_R_RANGE, "src", q->src);
	if (inwards && prefix_cmp(to, own) != 0)
		return refuse_ip(b, PRIV_R_RANGE, "to", q->to);
	if (to.len != own.len || (inwards && dst.len != own.len))
		return refuse(b, PRIV_R_SHAPE, "to_len", q->to_len);
	if (inwards && is_anonymizing(c, dst) && !c->accept_anonymous)
		return refuse_ip(b, PRIV_R_CONFIG, "dst", q->dst);
	if (is_anonymizing(c, to))
		return refuse_ip(b, PRIV_R_RANGE, "to", q->to);
	return is_destination(b, "dst", dst) && (inwards || is_destination(b, "to", to));
}

static bool
judge_nat_set(const struct bench *b, const struct priv_nat_set *q)
{
	struct obj o = { .kind = OBJ_NAT, .nat = q->kind, .match = q->src, .match_len = q->src_len,
		.addr = q->dst, .len = q->dst_len, .via = q->to, .to_len = q->to_len };

	return the_ns_at(b, q->ns, true, &o.ns) &&
	    (q->kind == PRIV_NAT_SOURCE ? is_source_nat(b, q) : is_mapping(b, q)) &&
	    come(b, &o, true);
}

static bool
judge_nat_drop(const struct bench *b, const struct priv_nat_drop *q)
{
	struct obj o = { .kind = OBJ_NAT, .nat = q->kind, .match = q->src, .match_len = q->src_len,
		.addr = q->dst, .len = q->dst_len };

	return the_ns(b, q->ns, &o.ns) && go(b, &o);
}

/* --- */

static bool
judge(const struct bench *b, const struct priv_op *op)
{
	switch ((enum priv_op_type)op->type) {
#define JUDGE(name) case PRIV_OP_##name: return judge_##name(b, &op->name)
	JUDGE(ns_prepare);
	JUDGE(ns_create);
	JUDGE(ns_drop);
	JUDGE(dev_prepare);
	JUDGE(dev_create);
	JUDGE(dev_drop);
	JUDGE(addr_add);
	JUDGE(neigh_set);
	JUDGE(peer_take);
	JUDGE(peer_give);
	JUDGE(route_set);
	JUDGE(route_drop);
	JUDGE(nat_set);
	JUDGE(nat_drop);
#undef JUDGE
#define SWITCH(name, kind, on) \
	case PRIV_OP_##name: return judge_switch(b, kind, op->name.ns, op->name.peer, on)
	SWITCH(mark_on, OBJ_MARK, true);
	SWITCH(mark_off, OBJ_MARK, false);
	SWITCH(rule_on, OBJ_RULE, true);
	SWITCH(rule_off, OBJ_RULE, false);
#undef SWITCH
	case PRIV_OP_addr_drop:
		return judge_drop_at(b, OBJ_ADDR, op->addr_drop.dev, op->addr_drop.addr);
	case PRIV_OP_neigh_drop:
		return judge_drop_at(b, OBJ_NEIGH, op->neigh_drop.dev, op->neigh_drop.peer);
	}
	return refuse(b, PRIV_R_SHAPE, "type", op->type);
}

void
policy_judge(const struct policy *p, const struct ledger *l, const struct priv_op *op,
    struct ruling *out)
{
	const struct bench b = { p, l, out };

	memset(out, 0, sizeof(*out));
	out->field = "";
	if (!judge(&b, op) && out->reason == PRIV_R_OK)
		out->reason = PRIV_R_SHAPE;
}
