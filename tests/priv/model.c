/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/model.h"

#include <string.h>

/* More would only be more of the same. */
enum { SPACES = 4, PEERS = 48, ADDRESSES = 120, NEIGHBOURS = 200, ROUTES = 600, PICKS = 8 };

/* The configuration's destinations; see tests/priv/claim.h. */
static const struct block {
	uint32_t addr;
	uint8_t len;
} blocks[] = {
	{ 0x0a000000, 27 }, { 0x0a000040, 27 }, { 0x0a000028, 31 }, { 0x0a000030, 30 },
	{ 0x0a000038, 29 },
};

#define SUBNET		0x0a000028U	/* 10.0.0.40/31: the private subnet inside */
#define SUBNET_LEN	31
#define ANONYMIZING	0x0a000040U
#define ANONYMIZING_LEN	27
#define LOCALHOST	0x0a000020U
#define HOSTS		0x0a000018U	/* 10.0.0.24/29 is the host's */

static bool
is_hosts(uint32_t addr, unsigned len)
{
	unsigned shorter = len < 29 ? len : 29;

	return (addr ^ HOSTS) >> (32 - shorter) == 0;
}

/* --- things ---------------------------------------------------------------- */

static bool
same_key(const struct thing *x, const struct thing *y)
{
	return memcmp(x, y, offsetof(struct thing, ns)) == 0;
}

static struct thing *
find(struct model *m, enum model_kind kind, const struct thing *t)
{
	for (size_t i = 0; i < m->n[kind]; i++)
		if (same_key(&m->v[kind][i], t))
			return &m->v[kind][i];
	return NULL;
}

static bool
has(const struct model *m, enum model_kind kind, const struct thing *t)
{
	return find((struct model *)(uintptr_t)m, kind, t) != NULL;
}

static void
put(struct model *m, enum model_kind kind, const struct thing *t)
{
	struct thing *old = find(m, kind, t);

	if (old != NULL)
		*old = *t;
	else if (m->n[kind] < MODEL_THINGS)
		m->v[kind][m->n[kind]++] = *t;
}

static void
take_at(struct model *m, enum model_kind kind, size_t i)
{
	m->v[kind][i] = m->v[kind][--m->n[kind]];
}

static void
take(struct model *m, enum model_kind kind, const struct thing *t)
{
	struct thing *old = find(m, kind, t);

	if (old != NULL)
		take_at(m, kind, (size_t)(old - m->v[kind]));
}

static const struct thing *
pick(const struct model *m, struct rng *r, enum model_kind kind)
{
	return m->n[kind] == 0 ? NULL : &m->v[kind][rng_below(r, (uint32_t)m->n[kind])];
}

static bool
is_real(const struct model *m, uint32_t dev)
{
	return dev == m->eth[0] || dev == m->eth[1];
}

/* The namespace of an interface that is ready, or of lo. */
static uint32_t
ns_of(const struct model *m, uint32_t dev)
{
	for (size_t i = 0; i < m->n[MODEL_DEV]; i++)
		if (m->v[MODEL_DEV][i].a == dev)
			return m->v[MODEL_DEV][i].ns;
	return m->ns;
}

/* The default namespace in half of the cases. */
static uint32_t
any_ns(const struct model *m, struct rng *r)
{
	const struct thing *t = rng_below(r, 2) == 0 ? NULL : pick(m, r, MODEL_NS);

	return t != NULL ? t->a : m->ns;
}

static uint32_t
any_made(const struct model *m, struct rng *r)
{
	const struct thing *t = pick(m, r, MODEL_NS);

	return t != NULL ? t->a : 0;
}

/* --- values ---------------------------------------------------------------- */

static void
any_destination(struct rng *r, uint32_t *addr, uint8_t *len)
{
	const struct block *b = &blocks[rng_below(r, sizeof(blocks) / sizeof(blocks[0]))];
	uint32_t below = rng_below(r, 33U - b->len), host;

	*len = (uint8_t)(b->len + below);
	host = below == 0 ? 0 : rng_below(r, 1U << below) << (32 - *len);
	*addr = b->addr | host;
}

/* One that the host does not route, unless we may. */
static bool
free_destination(const struct model *m, struct rng *r, uint32_t *addr, uint8_t *len)
{
	any_destination(r, addr, len);
	return m->overlap || !is_hosts(*addr, *len);
}

static bool
is_subnet(uint32_t addr)
{
	return (addr ^ SUBNET) >> (32 - SUBNET_LEN) == 0;
}

static bool
is_anonymizing(uint32_t addr)
{
	return (addr ^ ANONYMIZING) >> (32 - ANONYMIZING_LEN) == 0;
}

static uint32_t
own_linklocal(struct rng *r)
{
	return 0xa9fe5e0a + rng_below(r, 40);	/* 169.254.94.10 and on */
}

/* --- operations that must succeed ------------------------------------------ */

typedef bool make(const struct model *m, struct rng *r, struct priv_op *op);

static bool
make_ns_prepare(const struct model *m, struct rng *r, struct priv_op *op)
{
	(void)r;
	op->ns_prepare.ns = m->ns;
	return !m->prepared;
}

static bool
make_ns_create(const struct model *m, struct rng *r, struct priv_op *op)
{
	op->ns_create.label = (uint32_t)rng_u64(r);
	return m->n[MODEL_NS] < SPACES;
}

static bool
make_ns_drop(const struct model *m, struct rng *r, struct priv_op *op)
{
	op->ns_drop.ns = any_made(m, r);
	return op->ns_drop.ns != 0;
}

static bool
make_dev_prepare(const struct model *m, struct rng *r, struct priv_op *op)
{
	op->dev_prepare.dev = m->eth[rng_below(r, 2)];
	return !has(m, MODEL_DEV, &(struct thing){ .a = op->dev_prepare.dev });
}

static bool
make_dev_create(const struct model *m, struct rng *r, struct priv_op *op)
{
	op->dev_create.ns = any_made(m, r);
	op->dev_create.parent = m->eth[rng_below(r, 2)];
	for (size_t i = 0; i < m->n[MODEL_DEV]; i++) {
		const struct thing *t = &m->v[MODEL_DEV][i];

		if (t->ns == op->dev_create.ns && t->dev == op->dev_create.parent)
			return false;
	}
	return op->dev_create.ns != 0;
}

/* True when something names interface DEV. */
static bool
dev_in_use(const struct model *m, uint32_t dev)
{
	for (int kind = MODEL_ADDR; kind <= MODEL_NEIGH; kind++)
		for (size_t i = 0; i < m->n[kind]; i++)
			if (m->v[kind][i].a == dev)
				return true;
	for (size_t i = 0; i < m->n[MODEL_ROUTE]; i++)
		if (m->v[MODEL_ROUTE][i].dev == dev)
			return true;
	for (size_t i = 0; i < m->n[MODEL_DEV]; i++)
		if (m->v[MODEL_DEV][i].dev == dev)
			return true;
	return false;
}

static bool
make_dev_drop(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_DEV);

	if (t == NULL || dev_in_use(m, t->a))
		return false;
	op->dev_drop.dev = t->a;
	return true;
}

static bool
make_addr_add(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_DEV);
	uint8_t len;

	if (rng_below(r, 40) == 0) {
		op->addr_add.dev = m->lo;
		op->addr_add.addr = LOCALHOST;
	} else if (t == NULL || m->n[MODEL_ADDR] >= ADDRESSES) {
		return false;
	} else {
		op->addr_add.dev = t->a;
		op->addr_add.addr = own_linklocal(r);
		if (is_real(m, t->a) && rng_below(r, 2) == 0) {
			any_destination(r, &op->addr_add.addr, &len);
			/* .21 is the host's on eth2: the kernel's to refuse. */
			if (!m->overlap && is_hosts(op->addr_add.addr, 32))
				return false;
		}
	}
	return !has(m, MODEL_ADDR, &(struct thing){ .a = op->addr_add.dev, .addr = op->addr_add.addr });
}

static bool
addr_in_use(const struct model *m, const struct thing *t)
{
	uint32_t ns = ns_of(m, t->a);

	for (size_t i = 0; i < m->n[MODEL_NEIGH]; i++)
		if (m->v[MODEL_NEIGH][i].a == t->a && m->v[MODEL_NEIGH][i].src == t->addr)
			return true;
	for (size_t i = 0; i < m->n[MODEL_ROUTE]; i++)
		if (m->v[MODEL_ROUTE][i].a == ns && m->v[MODEL_ROUTE][i].src == t->addr)
			return true;
	return false;
}

static bool
make_addr_drop(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_ADDR);

	if (t == NULL || addr_in_use(m, t))
		return false;
	op->addr_drop.dev = t->a;
	op->addr_drop.addr = t->addr;
	return true;
}

static bool
make_neigh_set(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_ADDR);

	if (t == NULL || t->addr >> 16 != 0xa9fe || m->n[MODEL_NEIGH] >= NEIGHBOURS)
		return false;
	op->neigh_set.dev = t->a;
	op->neigh_set.src = t->addr;
	op->neigh_set.peer = 0xa9fe4501 + rng_below(r, 60);	/* 169.254.69.1 and on */
	return true;
}

static bool
make_neigh_drop(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_NEIGH);

	for (size_t i = 0; t != NULL && i < m->n[MODEL_ROUTE]; i++)
		if (m->v[MODEL_ROUTE][i].dev == t->a && m->v[MODEL_ROUTE][i].via == t->addr)
			return false;
	if (t == NULL)
		return false;
	op->neigh_drop.dev = t->a;
	op->neigh_drop.peer = t->addr;
	return true;
}

static bool
make_peer_take(const struct model *m, struct rng *r, struct priv_op *op)
{
	uint64_t mac = 0x020000000000U | rng_below(r, 1U << 24);

	for (unsigned i = 0; i < 6; i++)
		op->peer_take.mac[i] = (uint8_t)(mac >> (40 - 8 * i));
	for (size_t i = 0; i < m->n[MODEL_PEER]; i++)
		if (m->v[MODEL_PEER][i].mac == mac)
			return false;
	return m->n[MODEL_PEER] < PEERS;
}

static bool
make_peer_give(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_PEER);

	for (int kind = MODEL_ROUTE; t != NULL && kind <= MODEL_MARK; kind++)
		for (size_t i = 0; i < m->n[kind]; i++)
			if (m->v[kind][i].b == t->a)
				return false;
	if (t == NULL)
		return false;
	op->peer_give.peer = t->a;
	return true;
}

/* A namespace and a peer in it; ntk, 0, in the default one only. */
static bool
any_table(const struct model *m, struct rng *r, bool ntk, struct thing *t)
{
	const struct thing *peer = pick(m, r, MODEL_PEER);

	*t = (struct thing){ .a = any_ns(m, r) };
	if (ntk && t->a == m->ns && rng_below(r, 4) == 0)
		return true;
	t->b = peer != NULL ? peer->a : 0;
	return peer != NULL;
}

static bool
make_mark_on(const struct model *m, struct rng *r, struct priv_op *op)
{
	struct thing t;

	if (!any_table(m, r, false, &t))
		return false;
	op->mark_on.ns = t.a;
	op->mark_on.peer = t.b;
	return !has(m, MODEL_MARK, &t);
}

static bool
make_mark_off(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_MARK);

	if (t == NULL)
		return false;
	op->mark_off.ns = t->a;
	op->mark_off.peer = t->b;
	return true;
}

/* A neighbour in the namespace of Q as gateway; a source where that may be. */
static bool
any_gateway(const struct model *m, struct rng *r, struct priv_route_set *q)
{
	const struct thing *t = NULL, *src;

	for (int i = 0; i < PICKS; i++) {
		t = pick(m, r, MODEL_NEIGH);
		if (t == NULL || ns_of(m, t->a) == q->ns)
			break;
		t = NULL;
	}
	if (t == NULL)
		return false;
	q->dev = t->a;
	q->via = t->addr;
	src = q->ns == m->ns && rng_below(r, 2) == 0 ? pick(m, r, MODEL_ADDR) : NULL;
	if (src != NULL && is_real(m, src->a))
		q->src = src->addr;
	return true;
}

static bool
make_route_set(const struct model *m, struct rng *r, struct priv_op *op)
{
	struct priv_route_set *q = &op->route_set;
	struct thing t;

	if (m->n[MODEL_ROUTE] >= ROUTES) {
		t = *pick(m, r, MODEL_ROUTE);	/* replaced */
		q->dst = t.addr;
		q->len = t.len;
	} else if (!any_table(m, r, true, &t) || !free_destination(m, r, &q->dst, &q->len) ||
	    is_subnet(q->dst)) {
		return false;
	}
	q->ns = t.a;
	q->peer = t.b;
	q->type = (uint8_t)(PRIV_ROUTE_UNICAST + rng_below(r, 3));
	return q->type != PRIV_ROUTE_UNICAST || any_gateway(m, r, q);
}

static bool
make_route_drop(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_ROUTE);

	if (t == NULL)
		return false;
	op->route_drop = (struct priv_route_drop){ t->a, t->b, t->addr, t->len };
	return true;
}

static bool
make_rule_on(const struct model *m, struct rng *r, struct priv_op *op)
{
	struct thing t;

	if (!any_table(m, r, true, &t))
		return false;
	op->rule_on.ns = t.a;
	op->rule_on.peer = t.b;
	return !has(m, MODEL_RULE, &t);
}

static bool
make_rule_off(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_RULE);

	if (t == NULL)
		return false;
	op->rule_off.ns = t->a;
	op->rule_off.peer = t->b;
	return true;
}

static bool
make_source_nat(const struct model *m, struct rng *r, struct priv_nat_set *q)
{
	const struct thing *t = pick(m, r, MODEL_ADDR);

	if (t == NULL || !is_real(m, t->a) || t->addr >> 5 != 0x0a000000U >> 5)
		return false;
	q->dst = ANONYMIZING;
	q->dst_len = 27;
	q->to = t->addr;
	q->to_len = 32;
	return true;
}

static bool
make_nat_set(const struct model *m, struct rng *r, struct priv_op *op)
{
	struct priv_nat_set *q = &op->nat_set;

	q->ns = m->ns;
	q->kind = (uint8_t)(PRIV_NAT_SOURCE + rng_below(r, 3));
	if (q->kind == PRIV_NAT_SOURCE)
		return make_source_nat(m, r, q);
	if (!free_destination(m, r, &q->dst, &q->dst_len))
		return false;
	q->to = SUBNET;
	q->to_len = SUBNET_LEN;
	if (q->kind == PRIV_NAT_MAP_IN)
		return q->dst_len == SUBNET_LEN;
	q->src = SUBNET;
	q->src_len = SUBNET_LEN;
	return free_destination(m, r, &q->to, &q->to_len) && q->to_len == SUBNET_LEN &&
	    !is_anonymizing(q->to);
}

static bool
make_nat_drop(const struct model *m, struct rng *r, struct priv_op *op)
{
	const struct thing *t = pick(m, r, MODEL_NAT);

	if (t == NULL)
		return false;
	op->nat_drop = (struct priv_nat_drop){ t->a, t->nat, t->match, t->match_len, t->addr, t->len };
	return true;
}

/* A verb that is new to the table and not here does not compile: see model_valid(). */
static make *
maker_of(enum priv_op_type verb)
{
	switch (verb) {
#define OP(name, number, doc) case PRIV_OP_##name: return make_##name;
#define OP_END(name)
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
#undef PRIV_WANT_OPS
	}
	return NULL;
}

bool
model_valid(const struct model *m, struct rng *r, uint8_t verb, struct priv_op *op)
{
	make *f = maker_of((enum priv_op_type)verb);

	memset(op, 0, sizeof(*op));
	op->type = verb;
	return f != NULL && f(m, r, op);
}

/* --- what they do ---------------------------------------------------------- */

static void
goes(struct model *m, uint32_t handle)
{
	m->stale[m->n_stale++ % MODEL_STALE] = handle;
}

/* With a namespace everything in it goes; with an interface nothing else. */
static void
drop_ns(struct model *m, uint32_t ns)
{
	for (int kind = MODEL_ADDR; kind < MODEL_KINDS; kind++)
		for (size_t i = m->n[kind]; i-- > 0; ) {
			const struct thing *t = &m->v[kind][i];

			if ((kind <= MODEL_NEIGH ? ns_of(m, t->a) : t->a) == ns)
				take_at(m, kind, i);
		}
	for (size_t i = m->n[MODEL_DEV]; i-- > 0; )
		if (m->v[MODEL_DEV][i].ns == ns) {
			goes(m, m->v[MODEL_DEV][i].a);
			take_at(m, MODEL_DEV, i);
		}
	goes(m, ns);
	take(m, MODEL_NS, &(struct thing){ .a = ns });
}

static uint32_t
new_handle(struct model *m)
{
	return PRIV_HANDLE_NEW(m->made++);
}

/* Handles of the same transaction were resolved when they were used: NEW(n) is the same. */
static void
apply_places(struct model *m, const struct priv_op *op)
{
	struct thing t = { 0 };

	switch (op->type) {
	case PRIV_OP_ns_prepare:
		m->prepared = true;
		break;
	case PRIV_OP_ns_create:
		t.a = new_handle(m);
		put(m, MODEL_NS, &t);
		break;
	case PRIV_OP_ns_drop:
		drop_ns(m, op->ns_drop.ns);
		break;
	case PRIV_OP_dev_prepare:
		t.a = op->dev_prepare.dev;
		t.ns = m->ns;
		put(m, MODEL_DEV, &t);
		break;
	case PRIV_OP_dev_create:
		t.a = new_handle(m);
		t.ns = op->dev_create.ns;
		t.dev = op->dev_create.parent;
		put(m, MODEL_DEV, &t);
		break;
	case PRIV_OP_dev_drop:
		take(m, MODEL_DEV, &(struct thing){ .a = op->dev_drop.dev });
		/* A real one's handle stays good. */
		if (!is_real(m, op->dev_drop.dev))
			goes(m, op->dev_drop.dev);
		break;
	case PRIV_OP_peer_take:
		t.a = new_handle(m);
		for (unsigned i = 0; i < 6; i++)
			t.mac = t.mac << 8 | op->peer_take.mac[i];
		put(m, MODEL_PEER, &t);
		break;
	case PRIV_OP_peer_give:
		take(m, MODEL_PEER, &(struct thing){ .a = op->peer_give.peer });
		goes(m, op->peer_give.peer);
		break;
	}
}

static void
apply_addresses(struct model *m, const struct priv_op *op)
{
	switch (op->type) {
	case PRIV_OP_addr_add:
		put(m, MODEL_ADDR, &(struct thing){ .a = op->addr_add.dev, .addr = op->addr_add.addr });
		break;
	case PRIV_OP_addr_drop:
		take(m, MODEL_ADDR, &(struct thing){ .a = op->addr_drop.dev,
		    .addr = op->addr_drop.addr });
		break;
	case PRIV_OP_neigh_set:
		put(m, MODEL_NEIGH, &(struct thing){ .a = op->neigh_set.dev,
		    .addr = op->neigh_set.peer, .src = op->neigh_set.src });
		break;
	case PRIV_OP_neigh_drop:
		take(m, MODEL_NEIGH, &(struct thing){ .a = op->neigh_drop.dev,
		    .addr = op->neigh_drop.peer });
		break;
	}
}

static void
apply_routes(struct model *m, const struct priv_op *op)
{
	const struct priv_route_set *q = &op->route_set;
	const struct priv_nat_set *n = &op->nat_set;
	const struct priv_nat_drop *d = &op->nat_drop;

	switch (op->type) {
	case PRIV_OP_mark_on:
		put(m, MODEL_MARK, &(struct thing){ .a = op->mark_on.ns, .b = op->mark_on.peer });
		break;
	case PRIV_OP_mark_off:
		take(m, MODEL_MARK, &(struct thing){ .a = op->mark_off.ns, .b = op->mark_off.peer });
		break;
	case PRIV_OP_rule_on:
		put(m, MODEL_RULE, &(struct thing){ .a = op->rule_on.ns, .b = op->rule_on.peer });
		break;
	case PRIV_OP_rule_off:
		take(m, MODEL_RULE, &(struct thing){ .a = op->rule_off.ns, .b = op->rule_off.peer });
		break;
	case PRIV_OP_route_set:
		put(m, MODEL_ROUTE, &(struct thing){ .a = q->ns, .b = q->peer, .addr = q->dst,
		    .len = q->len, .dev = q->dev, .via = q->via, .src = q->src });
		break;
	case PRIV_OP_route_drop:
		take(m, MODEL_ROUTE, &(struct thing){ .a = op->route_drop.ns, .b = op->route_drop.peer,
		    .addr = op->route_drop.dst, .len = op->route_drop.len });
		break;
	case PRIV_OP_nat_set:
		put(m, MODEL_NAT, &(struct thing){ .a = n->ns, .addr = n->dst, .match = n->src,
		    .len = n->dst_len, .match_len = n->src_len, .nat = n->kind });
		break;
	case PRIV_OP_nat_drop:
		take(m, MODEL_NAT, &(struct thing){ .a = d->ns, .addr = d->dst, .match = d->src,
		    .len = d->dst_len, .match_len = d->src_len, .nat = d->kind });
		break;
	}
}

void
model_apply(struct model *m, const struct priv_op *op)
{
	apply_places(m, op);
	apply_addresses(m, op);
	apply_routes(m, op);
}

static void
settle(uint32_t *h, const struct priv_result *results, size_t n)
{
	if (PRIV_HANDLE_KIND(*h) == PRIV_H_NEW && PRIV_HANDLE_INDEX(*h) < n)
		*h = results[PRIV_HANDLE_INDEX(*h)].handle;
}

void
model_settle(struct model *m, const struct priv_result *results, size_t n)
{
	for (int kind = 0; m->made != 0 && kind < MODEL_KINDS; kind++)
		for (size_t i = 0; i < m->n[kind]; i++) {
			struct thing *t = &m->v[kind][i];

			settle(&t->a, results, n);
			settle(&t->b, results, n);
			settle(&t->ns, results, n);
			settle(&t->dev, results, n);
		}
	for (size_t i = 0; i < MODEL_STALE; i++)
		settle(&m->stale[i], results, n);
	m->made = 0;
}

void
model_begin(struct model *m, const struct client *c, bool overlap)
{
	memset(m, 0, sizeof(*m));
	m->ns = c->welcome.ns;
	m->lo = client_dev(c, "lo");
	m->eth[0] = client_dev(c, "eth1");
	m->eth[1] = client_dev(c, "eth2");
	m->overlap = overlap;
}

/* A handle that is KEPT is HAVE, another one is new. */
static bool
handle_again(struct model *m, uint32_t *handle, uint32_t have, bool kept)
{
	bool ok = (have == *handle) == kept;

	if (have != *handle)
		goes(m, *handle);
	*handle = have;
	return ok;
}

bool
model_greeted(struct model *m, const struct client *c)
{
	bool kept[2], any = dev_in_use(m, m->lo), ok;

	for (int i = 0; i < 2; i++) {
		bool prepared = has(m, MODEL_DEV, &(struct thing){ .a = m->eth[i] });

		kept[i] = prepared || dev_in_use(m, m->eth[i]);
		any = any || prepared;
	}
	ok = handle_again(m, &m->lo, client_dev(c, "lo"), any);
	ok = handle_again(m, &m->eth[0], client_dev(c, "eth1"), kept[0]) && ok;
	return handle_again(m, &m->eth[1], client_dev(c, "eth2"), kept[1]) && ok;
}

void
model_handles(const struct model *m, struct pool_handles *out)
{
	const uint32_t fixed[] = { m->ns, m->lo, m->eth[0], m->eth[1] };

	memcpy(out->v, fixed, sizeof(fixed));
	out->n = sizeof(fixed) / sizeof(fixed[0]);
	for (int kind = MODEL_NS; kind <= MODEL_PEER; kind++)
		for (size_t i = 0; i < m->n[kind] && i < 32; i++)
			out->v[out->n++] = m->v[kind][i].a;
	for (size_t i = 0; i < MODEL_STALE; i++)
		if (m->stale[i] != 0)
			out->v[out->n++] = m->stale[i];
}
