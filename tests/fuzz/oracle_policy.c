/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/oracle_policy.h"

#include <stdlib.h>
#include <string.h>

/* --- arithmetic of kernel-state 2, in 64 bits and without shortcuts ----------------- */

struct span {
	uint64_t first;
	uint64_t last;		/* included */
};

static struct span
span_of(uint64_t addr, unsigned len)
{
	uint64_t size = (uint64_t)1 << (32 - len);

	return (struct span){ addr, addr + size - 1 };
}

static bool
meet(struct span a, struct span b)
{
	return a.first <= b.last && b.first <= a.last;
}

static bool
within(struct span in, struct span out)
{
	return in.first >= out.first && in.last <= out.last;
}

static bool
same(struct span a, struct span b)
{
	return a.first == b.first && a.last == b.last;
}

/* Bits below position LEVEL. */
static unsigned
bits_below(const struct oracle *o, unsigned level)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < level; i++)
		sum += o->conf->map.topo.gexp[i];
	return sum;
}

static unsigned
levels(const struct oracle *o)
{
	return o->conf->map.topo.levels;
}

/* All addresses of a kind (0 global, 1 internal, 2 anonymizing); K for the internal ones. */
static struct span
all_of(const struct oracle *o, unsigned kind, unsigned k)
{
	unsigned bits = bits_below(o, levels(o));
	uint64_t first = o->conf->map.range.addr + ((uint64_t)kind << bits);

	if (kind != 1)
		return span_of(first, 32 - bits);
	first += (uint64_t)k << bits_below(o, levels(o) - 1);
	return span_of(first, 32 - bits_below(o, k));
}

/* Internal to K exists for 1 <= k <= l-1 and when k fits into its field. */
static bool
has_internal(const struct oracle *o, unsigned k)
{
	return k >= 1 && k + 1 <= levels(o) && k < 1U << o->conf->map.topo.gexp[levels(o) - 1];
}

static bool
is_destination(const struct oracle *o, struct span s)
{
	if (within(s, all_of(o, 0, 0)) || within(s, all_of(o, 2, 0)))
		return true;
	for (unsigned k = 1; k < levels(o); k++)
		if (has_internal(o, k) && within(s, all_of(o, 1, k)))
			return true;
	return false;
}

static uint64_t
localhost(const struct oracle *o)
{
	return o->conf->map.range.addr + ((uint64_t)1 << bits_below(o, levels(o)));
}

static bool
in_range(const struct oracle *o, ntk_ip_t addr)
{
	return within(span_of(addr, 32), span_of(o->conf->map.range.addr, o->conf->map.range.len));
}

/* RFC 3927 and ntkd-priv(8): neither the first nor the last /24, nor the clouds' own. */
static bool
is_linklocal(ntk_ip_t a)
{
	unsigned b0 = a >> 24, b1 = a >> 16 & 255, b2 = a >> 8 & 255, b3 = a & 255;

	return b0 == 169 && b1 == 254 && b2 >= 1 && b2 <= 254 && b3 >= 1 && b3 <= 254 &&
	    !(b2 == 169 && b3 == 254);
}

static bool
host_has(const struct oracle *o, struct span s)
{
	for (size_t i = 0; i < o->host->n; i++)
		if (meet(span_of(o->host->v[i].addr, o->host->v[i].len), s))
			return true;
	return false;
}

/* --- objects ------------------------------------------------------------------------ */

static bool
same_key(const struct obj *a, const struct obj *b)
{
	return a->kind == b->kind && a->nat == b->nat && a->len == b->len &&
	    a->match_len == b->match_len && a->ns == b->ns && a->dev == b->dev &&
	    a->peer == b->peer && a->addr == b->addr && a->match == b->match;
}

static const struct obj *
find(const struct oracle *o, const struct obj *key)
{
	for (size_t i = 0; i < o->n; i++)
		if (same_key(&o->v[i], key))
			return &o->v[i];
	return NULL;
}

static bool
exists(const struct oracle *o, struct obj key)
{
	return find(o, &key) != NULL;
}

static const struct oracle_handle *
by_index(const struct oracle *o, unsigned kind, unsigned index)
{
	for (size_t i = 0; i < o->n_handles; i++)
		if (o->handles[i].kind == kind && o->handles[i].index == index)
			return &o->handles[i];
	return NULL;
}

/* The lowest index from FIRST that nothing has; 0 when all below END are taken. */
static uint16_t
free_index(const struct oracle *o, unsigned kind, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++)
		if (by_index(o, kind, i) == NULL)
			return (uint16_t)i;
	return 0;
}

/* --- the judgement -------------------------------------------------------------------- */

/* One after the other the questions are asked; the first that is answered badly counts. */
struct inquiry {
	const struct oracle *o;
	struct ruling *out;
	bool over;
};

static void
object_to(struct inquiry *q, bool is_bad, enum priv_reason why, const char *field, uint32_t value,
    bool is_ip)
{
	if (q->over || !is_bad)
		return;
	q->over = true;
	q->out->reason = why;
	q->out->field = field;
	q->out->value = value;
	q->out->value_is_ip = is_ip;
}

static void
object_to_ip(struct inquiry *q, bool is_bad, enum priv_reason why, const char *field, ntk_ip_t ip)
{
	object_to(q, is_bad, why, field, ip, true);
}

static void
object_to_number(struct inquiry *q, bool is_bad, enum priv_reason why, const char *field,
    uint32_t value)
{
	object_to(q, is_bad, why, field, value, false);
}

/* Whom HANDLE names; a blank when nobody, and the inquiry is over. */
static struct oracle_handle
who(struct inquiry *q, enum priv_handle_kind kind, const char *field, uint32_t handle)
{
	static const struct oracle_handle blank;
	unsigned has = handle >> 28;

	for (size_t i = 0; i < q->o->n_handles; i++)
		if (q->o->handles[i].handle == handle && q->o->handles[i].kind == kind)
			return q->o->handles[i];
	object_to_number(q, has != kind && has != PRIV_H_NONE && has != PRIV_H_NEW, PRIV_R_KIND,
	    field, handle);
	object_to_number(q, true, PRIV_R_HANDLE, field, handle);
	return blank;
}

static struct oracle_handle
who_ns(struct inquiry *q, uint32_t handle)
{
	return who(q, PRIV_H_NS, "ns", handle);
}

static struct oracle_handle
who_dev(struct inquiry *q, uint32_t handle)
{
	return who(q, PRIV_H_DEV, "dev", handle);
}

/* 0 is the table ntk, which is nobody's. */
static struct oracle_handle
who_peer(struct inquiry *q, uint32_t handle)
{
	static const struct oracle_handle ntk;

	return handle == 0 ? ntk : who(q, PRIV_H_PEER, "peer", handle);
}

static void
comes(struct inquiry *q, struct obj to, bool may_replace)
{
	const struct obj *have = find(q->o, &to);

	object_to_number(q, have != NULL && !may_replace, PRIV_R_EXISTS, "", 0);
	if (q->over)
		return;
	q->out->change.has_to = true;
	q->out->change.to = to;
	q->out->change.has_from = have != NULL;
	if (have != NULL)
		q->out->change.from = *have;
}

static void
goes(struct inquiry *q, struct obj key)
{
	const struct obj *have = find(q->o, &key);

	object_to_number(q, have == NULL, PRIV_R_ABSENT, "", 0);
	if (q->over)
		return;
	q->out->change.has_from = true;
	q->out->change.from = *have;
}

/* An address that a neighbour may have, or an interface of ours. */
static void
must_be_linklocal(struct inquiry *q, const char *field, ntk_ip_t addr)
{
	object_to_ip(q, !is_linklocal(addr), PRIV_R_LINKLOCAL, field, addr);
	object_to_ip(q, host_has(q->o, span_of(addr, 32)), PRIV_R_HOST, field, addr);
}

static void
must_be_destination(struct inquiry *q, const char *field, ntk_ip_t addr, unsigned len)
{
	uint64_t size = (uint64_t)1 << (32 - len);

	object_to_ip(q, addr % size != 0, PRIV_R_ALIGN, field, addr);
	object_to_ip(q, !is_destination(q->o, span_of(addr, len)), PRIV_R_RANGE, field, addr);
	object_to_ip(q, !q->o->conf->allow_overlap && host_has(q->o, span_of(addr, len)), PRIV_R_HOST,
	    field, addr);
}

/* ADDR is ours on interface DEV of namespace NS. */
static bool
is_ours_on(const struct oracle *o, uint16_t ns, uint16_t dev, ntk_ip_t addr)
{
	return exists(o, (struct obj){ .kind = OBJ_ADDR, .ns = ns, .dev = dev, .addr = addr });
}

/* ADDR is ours on some interface of the default namespace, lo not counted. */
static bool
is_ours(const struct oracle *o, ntk_ip_t addr)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].kind == OBJ_ADDR && o->v[i].ns == NS_DEFAULT &&
		    o->v[i].dev != DEV_LO && o->v[i].addr == addr)
			return true;
	return false;
}

/* --- namespaces and interfaces --- */

static void
on_ns_prepare(struct inquiry *q, const struct priv_ns_prepare *m)
{
	struct oracle_handle ns = who_ns(q, m->ns);

	object_to_number(q, ns.index != NS_DEFAULT, PRIV_R_PLACE, "ns", m->ns);
	comes(q, (struct obj){ .kind = OBJ_NS }, false);
}

static void
on_ns_create(struct inquiry *q, const struct priv_ns_create *m)
{
	uint16_t index = free_index(q->o, PRIV_H_NS, 1, LEDGER_NAMESPACES);

	object_to_number(q, index == 0, PRIV_R_LIMIT, "ns", LEDGER_NAMESPACES);
	comes(q, (struct obj){ .kind = OBJ_NS, .ns = index, .number = m->label }, false);
}

static void
on_ns_drop(struct inquiry *q, const struct priv_ns_drop *m)
{
	struct oracle_handle ns = who_ns(q, m->ns);

	object_to_number(q, ns.index == NS_DEFAULT, PRIV_R_PLACE, "ns", m->ns);
	goes(q, (struct obj){ .kind = OBJ_NS, .ns = ns.index });
}

static void
on_dev_prepare(struct inquiry *q, const struct priv_dev_prepare *m)
{
	struct oracle_handle dev = who_dev(q, m->dev);

	object_to_number(q, !dev.real, PRIV_R_PLACE, "dev", m->dev);
	comes(q, (struct obj){ .kind = OBJ_DEV, .dev = dev.index }, false);
}

/* One pseudo-interface per managed interface and namespace (kernel-state 5). */
static bool
has_pseudo(const struct oracle *o, uint16_t ns, uint16_t parent)
{
	for (size_t i = 0; i < o->n_handles; i++)
		if (o->handles[i].kind == PRIV_H_DEV && o->handles[i].ns == ns &&
		    o->handles[i].parent == parent && !o->handles[i].real &&
		    o->handles[i].index != DEV_LO)
			return true;
	return false;
}

static void
on_dev_create(struct inquiry *q, const struct priv_dev_create *m)
{
	struct oracle_handle ns = who_ns(q, m->ns);
	struct oracle_handle parent = who(q, PRIV_H_DEV, "parent", m->parent);
	uint16_t index = free_index(q->o, PRIV_H_DEV, CONF_INTERFACES + 1, LEDGER_DEVS);

	object_to_number(q, ns.index == NS_DEFAULT, PRIV_R_PLACE, "ns", m->ns);
	object_to_number(q, !parent.real, PRIV_R_PLACE, "parent", m->parent);
	object_to_number(q, has_pseudo(q->o, ns.index, parent.index), PRIV_R_EXISTS, "parent",
	    m->parent);
	object_to_number(q, index == 0, PRIV_R_LIMIT, "dev", LEDGER_DEVS);
	comes(q, (struct obj){ .kind = OBJ_DEV, .ns = ns.index, .dev = index,
	    .via_dev = parent.index }, false);
}

/* Something lies on the interface, or leads through it, or it carries a pseudo-interface. */
static bool
dev_is_used(const struct oracle *o, uint16_t dev)
{
	for (size_t i = 0; i < o->n_handles; i++)
		if (o->handles[i].kind == PRIV_H_DEV && o->handles[i].index != DEV_LO &&
		    !o->handles[i].real && o->handles[i].parent == dev)
			return true;
	for (size_t i = 0; i < o->n; i++) {
		const struct obj *u = &o->v[i];

		if (((u->kind == OBJ_ADDR || u->kind == OBJ_NEIGH) && u->dev == dev) ||
		    (u->kind == OBJ_ROUTE && u->type == PRIV_ROUTE_UNICAST && u->via_dev == dev))
			return true;
	}
	return false;
}

static void
on_dev_drop(struct inquiry *q, const struct priv_dev_drop *m)
{
	struct oracle_handle dev = who_dev(q, m->dev);

	object_to_number(q, dev.index == DEV_LO, PRIV_R_PLACE, "dev", m->dev);
	object_to_number(q, dev_is_used(q->o, dev.index), PRIV_R_IN_USE, "dev", m->dev);
	goes(q, (struct obj){ .kind = OBJ_DEV, .ns = dev.ns, .dev = dev.index });
}

/* --- addresses and neighbour routes --- */

/* Prepared, or made by us. */
static bool
is_ready(const struct oracle *o, const struct oracle_handle *dev)
{
	return exists(o, (struct obj){ .kind = OBJ_DEV, .ns = dev->ns, .dev = dev->index });
}

static void
on_addr_add(struct inquiry *q, const struct priv_addr_add *m)
{
	struct oracle_handle dev = who_dev(q, m->dev);
	const struct oracle *o = q->o;

	if (dev.index == DEV_LO) {
		object_to_ip(q, m->addr != localhost(o), PRIV_R_RANGE, "addr", m->addr);
	} else {
		object_to_number(q, !is_ready(o, &dev), PRIV_R_ABSENT, "dev", m->dev);
		if (!in_range(o, m->addr)) {
			must_be_linklocal(q, "addr", m->addr);
		} else {
			object_to_ip(q, dev.ns != NS_DEFAULT, PRIV_R_PLACE, "addr", m->addr);
			must_be_destination(q, "addr", m->addr, 32);
			object_to_ip(q, !o->conf->accept_anonymous &&
			    within(span_of(m->addr, 32), all_of(o, 2, 0)), PRIV_R_CONFIG, "addr",
			    m->addr);
		}
	}
	comes(q, (struct obj){ .kind = OBJ_ADDR, .ns = dev.ns, .dev = dev.index, .addr = m->addr },
	    false);
}

/*
 * Kernel-state 8.2: own addresses go after the routes that name them as source.  Every
 * managed interface has them, and a route is content with any that remains.
 */
static bool
is_source(const struct oracle *o, uint16_t ns, uint16_t dev, ntk_ip_t addr)
{
	size_t holders = 0;

	for (size_t i = 0; i < o->n; i++)
		holders += o->v[i].kind == OBJ_ADDR && o->v[i].ns == ns && o->v[i].addr == addr;
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].ns == ns && o->v[i].src == addr &&
		    ((o->v[i].kind == OBJ_ROUTE && holders == 1) ||
		    (o->v[i].kind == OBJ_NEIGH && o->v[i].dev == dev)))
			return true;
	return false;
}

static void
on_addr_drop(struct inquiry *q, const struct priv_addr_drop *m)
{
	struct oracle_handle dev = who_dev(q, m->dev);

	goes(q, (struct obj){ .kind = OBJ_ADDR, .ns = dev.ns, .dev = dev.index, .addr = m->addr });
	object_to_ip(q, is_source(q->o, dev.ns, dev.index, m->addr), PRIV_R_IN_USE, "addr", m->addr);
}

static void
on_neigh_set(struct inquiry *q, const struct priv_neigh_set *m)
{
	struct oracle_handle dev = who_dev(q, m->dev);

	must_be_linklocal(q, "peer", m->peer);
	object_to_ip(q, !is_linklocal(m->src) || !is_ours_on(q->o, dev.ns, dev.index, m->src),
	    PRIV_R_SOURCE, "src", m->src);
	comes(q, (struct obj){ .kind = OBJ_NEIGH, .ns = dev.ns, .dev = dev.index, .addr = m->peer,
	    .src = m->src }, true);
}

/* Kernel-state 8.3: neighbour routes go after the routes via that neighbour. */
static bool
is_gateway(const struct oracle *o, uint16_t ns, uint16_t dev, ntk_ip_t peer)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].kind == OBJ_ROUTE && o->v[i].type == PRIV_ROUTE_UNICAST &&
		    o->v[i].ns == ns && o->v[i].via_dev == dev && o->v[i].via == peer)
			return true;
	return false;
}

static void
on_neigh_drop(struct inquiry *q, const struct priv_neigh_drop *m)
{
	struct oracle_handle dev = who_dev(q, m->dev);

	goes(q, (struct obj){ .kind = OBJ_NEIGH, .ns = dev.ns, .dev = dev.index, .addr = m->peer });
	object_to_ip(q, is_gateway(q->o, dev.ns, dev.index, m->peer), PRIV_R_IN_USE, "peer", m->peer);
}

/* --- neighbours --- */

static bool
table_is_free(const struct oracle *o, uint32_t table)
{
	for (size_t i = 0; i < o->n_handles; i++)
		if (o->handles[i].kind == PRIV_H_PEER && o->handles[i].table == table)
			return false;
	return true;
}

/* Kernel-state 7: below the first of the first range downwards, then the second upwards. */
static uint32_t
next_table(const struct oracle *o)
{
	const struct conf *c = o->conf;

	for (int64_t t = (int64_t)c->tables.first - 1; t >= c->tables.last; t--)
		if (table_is_free(o, (uint32_t)t))
			return (uint32_t)t;
	for (int64_t t = c->more_tables.first; t <= c->more_tables.last; t++)
		if (table_is_free(o, (uint32_t)t))
			return (uint32_t)t;
	return 0;
}

static bool
mac_is_known(const struct oracle *o, const uint8_t *mac)
{
	for (size_t i = 0; i < o->n_handles; i++)
		if (o->handles[i].kind == PRIV_H_PEER && memcmp(o->handles[i].mac.b, mac, 6) == 0)
			return true;
	return false;
}

static void
on_peer_take(struct inquiry *q, const struct priv_peer_take *m)
{
	uint16_t index = free_index(q->o, PRIV_H_PEER, 1, LEDGER_PEERS);
	struct obj to = { .kind = OBJ_PEER, .peer = index, .number = next_table(q->o),
		.generation = (uint16_t)(q->o->born[PRIV_H_PEER][index] + 1) };

	memcpy(to.mac.b, m->mac, sizeof(to.mac.b));
	object_to_number(q, mac_is_known(q->o, m->mac), PRIV_R_EXISTS, "mac", 0);
	object_to_number(q, index == 0, PRIV_R_LIMIT, "mac", 0);
	object_to_number(q, to.number == 0, PRIV_R_EXHAUSTED, "mac", 0);
	comes(q, to, false);
}

static bool
peer_is_used(const struct oracle *o, uint16_t peer)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].peer == peer && (o->v[i].kind == OBJ_ROUTE ||
		    o->v[i].kind == OBJ_MARK || o->v[i].kind == OBJ_RULE))
			return true;
	return false;
}

static void
on_peer_give(struct inquiry *q, const struct priv_peer_give *m)
{
	struct oracle_handle peer = who_peer(q, m->peer);

	object_to_number(q, m->peer == 0, PRIV_R_HANDLE, "peer", 0);
	object_to_number(q, peer_is_used(q->o, peer.index), PRIV_R_IN_USE, "peer", m->peer);
	goes(q, (struct obj){ .kind = OBJ_PEER, .peer = peer.index });
}

/* The key of something that belongs to a table; ntk is in the default namespace only. */
static struct obj
of_table(struct inquiry *q, uint8_t kind, uint32_t ns_handle, uint32_t peer_handle)
{
	struct oracle_handle ns = who_ns(q, ns_handle);
	struct oracle_handle peer = who_peer(q, peer_handle);

	object_to_number(q, peer_handle == 0 && ns.index != NS_DEFAULT, PRIV_R_PLACE, "peer", 0);
	return (struct obj){ .kind = kind, .ns = ns.index, .peer = peer.index };
}

static void
on_mark(struct inquiry *q, uint32_t ns, uint32_t peer, bool on)
{
	struct obj o = of_table(q, OBJ_MARK, ns, peer);

	object_to_number(q, peer == 0, PRIV_R_HANDLE, "peer", 0);
	if (on)
		comes(q, o, false);
	else
		goes(q, o);
}

static void
on_rule(struct inquiry *q, uint32_t ns, uint32_t peer, bool on)
{
	struct obj o = of_table(q, OBJ_RULE, ns, peer);

	if (on)
		comes(q, o, false);
	else
		goes(q, o);
}

/* --- routes --- */

static void
on_unicast(struct inquiry *q, const struct priv_route_set *m, struct obj *o)
{
	struct oracle_handle dev = who_dev(q, m->dev);

	object_to_number(q, dev.ns != o->ns, PRIV_R_PLACE, "dev", m->dev);
	object_to_ip(q, !exists(q->o, (struct obj){ .kind = OBJ_NEIGH, .ns = o->ns,
	    .dev = dev.index, .addr = m->via }), PRIV_R_NEIGHBOUR, "via", m->via);
	object_to_ip(q, m->src != 0 && (o->ns != NS_DEFAULT || !is_ours(q->o, m->src)),
	    PRIV_R_SOURCE, "src", m->src);
	o->via_dev = dev.index;
}

/* Kernel-state 4: destinations end at the subnet's level; what is inside is the host's to route. */
static bool
is_in_subnet(const struct oracle *o, ntk_ip_t addr)
{
	unsigned s = o->conf->subnet_level;

	return s != 0 && has_internal(o, s) && within(span_of(addr, 32), all_of(o, 1, s));
}

static void
on_route_set(struct inquiry *q, const struct priv_route_set *m)
{
	struct obj o = of_table(q, OBJ_ROUTE, m->ns, m->peer);

	object_to_ip(q, is_in_subnet(q->o, m->dst), PRIV_R_RANGE, "dst", m->dst);
	must_be_destination(q, "dst", m->dst, m->len);
	o.addr = m->dst;
	o.len = m->len;
	o.type = m->type;
	o.via = m->via;
	o.src = m->src;
	if (m->type == PRIV_ROUTE_UNICAST) {
		on_unicast(q, m, &o);
	} else {
		object_to_number(q, m->dev != 0, PRIV_R_SHAPE, "dev", m->dev);
		object_to_ip(q, m->via != 0, PRIV_R_SHAPE, "via", m->via);
		object_to_ip(q, m->src != 0, PRIV_R_SHAPE, "src", m->src);
	}
	comes(q, o, true);
}

static void
on_route_drop(struct inquiry *q, const struct priv_route_drop *m)
{
	struct obj o = of_table(q, OBJ_ROUTE, m->ns, m->peer);

	o.addr = m->dst;
	o.len = m->len;
	goes(q, o);
}

/* --- translations --- */

/* Kernel-state 4: the whole anonymizing range, to an own global address. */
static void
on_source_nat(struct inquiry *q, const struct priv_nat_set *m)
{
	const struct oracle *o = q->o;

	object_to_number(q, !o->conf->anonymize_others, PRIV_R_CONFIG, "kind", m->kind);
	object_to_ip(q, m->src != 0 || m->src_len != 0, PRIV_R_SHAPE, "src", m->src);
	object_to_ip(q, !same(span_of(m->dst, m->dst_len), all_of(o, 2, 0)), PRIV_R_RANGE, "dst",
	    m->dst);
	object_to_number(q, m->to_len != 32, PRIV_R_SHAPE, "to_len", m->to_len);
	object_to_ip(q, !within(span_of(m->to, 32), all_of(o, 0, 0)) || !is_ours(o, m->to),
	    PRIV_R_SOURCE, "to", m->to);
}

/*
 * Kernel-state 4: to or from own(s), keeping the host bits.  What leaves never shows an
 * anonymizing address, and none leads in but where anonymous contact is accepted.
 */
static void
on_mapping(struct inquiry *q, const struct priv_nat_set *m)
{
	const struct oracle *o = q->o;
	unsigned s = o->conf->subnet_level, len = 32 - bits_below(o, s);
	struct span own = all_of(o, 1, s);
	bool in = m->kind == PRIV_NAT_MAP_IN;

	object_to_number(q, s == 0 || !has_internal(o, s), PRIV_R_CONFIG, "kind", m->kind);
	if (in) {
		object_to_ip(q, m->src != 0 || m->src_len != 0, PRIV_R_SHAPE, "src", m->src);
		object_to_ip(q, !same(span_of(m->to, m->to_len), own), PRIV_R_RANGE, "to", m->to);
		object_to_number(q, m->dst_len != len, PRIV_R_SHAPE, "to_len", m->to_len);
	} else {
		object_to_ip(q, !same(span_of(m->src, m->src_len), own), PRIV_R_RANGE, "src", m->src);
		object_to_number(q, m->to_len != len, PRIV_R_SHAPE, "to_len", m->to_len);
	}
	object_to_ip(q, in && !o->conf->accept_anonymous &&
	    within(span_of(m->dst, 32), all_of(o, 2, 0)), PRIV_R_CONFIG, "dst", m->dst);
	object_to_ip(q, within(span_of(m->to, 32), all_of(o, 2, 0)), PRIV_R_RANGE, "to", m->to);
	must_be_destination(q, "dst", m->dst, m->dst_len);
	if (!in)
		must_be_destination(q, "to", m->to, m->to_len);
}

static void
on_nat_set(struct inquiry *q, const struct priv_nat_set *m)
{
	struct oracle_handle ns = who_ns(q, m->ns);

	object_to_number(q, ns.index != NS_DEFAULT, PRIV_R_PLACE, "ns", m->ns);
	if (m->kind == PRIV_NAT_SOURCE)
		on_source_nat(q, m);
	else
		on_mapping(q, m);
	comes(q, (struct obj){ .kind = OBJ_NAT, .nat = m->kind, .match = m->src,
	    .match_len = m->src_len, .addr = m->dst, .len = m->dst_len, .via = m->to,
	    .to_len = m->to_len }, true);
}

static void
on_nat_drop(struct inquiry *q, const struct priv_nat_drop *m)
{
	struct oracle_handle ns = who_ns(q, m->ns);

	goes(q, (struct obj){ .kind = OBJ_NAT, .ns = ns.index, .nat = m->kind, .match = m->src,
	    .match_len = m->src_len, .addr = m->dst, .len = m->dst_len });
}

/* --- */

static void
ask(struct inquiry *q, const struct priv_op *op)
{
	switch ((enum priv_op_type)op->type) {
	case PRIV_OP_ns_prepare:
		on_ns_prepare(q, &op->ns_prepare);
		break;
	case PRIV_OP_ns_create:
		on_ns_create(q, &op->ns_create);
		break;
	case PRIV_OP_ns_drop:
		on_ns_drop(q, &op->ns_drop);
		break;
	case PRIV_OP_dev_prepare:
		on_dev_prepare(q, &op->dev_prepare);
		break;
	case PRIV_OP_dev_create:
		on_dev_create(q, &op->dev_create);
		break;
	case PRIV_OP_dev_drop:
		on_dev_drop(q, &op->dev_drop);
		break;
	case PRIV_OP_addr_add:
		on_addr_add(q, &op->addr_add);
		break;
	case PRIV_OP_addr_drop:
		on_addr_drop(q, &op->addr_drop);
		break;
	case PRIV_OP_neigh_set:
		on_neigh_set(q, &op->neigh_set);
		break;
	case PRIV_OP_neigh_drop:
		on_neigh_drop(q, &op->neigh_drop);
		break;
	case PRIV_OP_peer_take:
		on_peer_take(q, &op->peer_take);
		break;
	case PRIV_OP_peer_give:
		on_peer_give(q, &op->peer_give);
		break;
	case PRIV_OP_mark_on:
		on_mark(q, op->mark_on.ns, op->mark_on.peer, true);
		break;
	case PRIV_OP_mark_off:
		on_mark(q, op->mark_off.ns, op->mark_off.peer, false);
		break;
	case PRIV_OP_route_set:
		on_route_set(q, &op->route_set);
		break;
	case PRIV_OP_route_drop:
		on_route_drop(q, &op->route_drop);
		break;
	case PRIV_OP_rule_on:
		on_rule(q, op->rule_on.ns, op->rule_on.peer, true);
		break;
	case PRIV_OP_rule_off:
		on_rule(q, op->rule_off.ns, op->rule_off.peer, false);
		break;
	case PRIV_OP_nat_set:
		on_nat_set(q, &op->nat_set);
		break;
	case PRIV_OP_nat_drop:
		on_nat_drop(q, &op->nat_drop);
		break;
	}
}

void
oracle_judge(const struct oracle *o, const struct priv_op *op, struct ruling *out)
{
	struct inquiry q = { .o = o, .out = out };

	memset(out, 0, sizeof(*out));
	out->field = "";
	ask(&q, op);
	if (q.over)
		memset(&out->change, 0, sizeof(out->change));
}

/* --- what was done -------------------------------------------------------------------- */

static void
handle_add(struct oracle *o, struct oracle_handle h)
{
	if (o->n_handles == ORACLE_HANDLES)
		abort();
	h.handle = (uint32_t)h.kind << 28 | (o->born[h.kind][h.index] & 0xfffU) << 16 | h.index;
	o->handles[o->n_handles++] = h;
}

static void
handle_remove(struct oracle *o, unsigned kind, unsigned index)
{
	for (size_t i = 0; i < o->n_handles; i++)
		if (o->handles[i].kind == kind && o->handles[i].index == index) {
			o->handles[i] = o->handles[--o->n_handles];
			return;
		}
	abort();
}

void
oracle_init(struct oracle *o, const struct conf *c, const struct host *h, unsigned present)
{
	memset(o->born, 0, sizeof(o->born));
	o->conf = c;
	o->host = h;
	o->n = o->n_handles = 0;
	handle_add(o, (struct oracle_handle){ .kind = PRIV_H_NS });
	handle_add(o, (struct oracle_handle){ .kind = PRIV_H_DEV });
	for (unsigned i = 0; i < c->n_interfaces; i++)
		if ((present >> i & 1) != 0)
			handle_add(o, (struct oracle_handle){ .kind = PRIV_H_DEV,
			    .index = (uint16_t)(i + 1), .parent = (uint16_t)(i + 1), .real = true });
}

static void
object_remove(struct oracle *o, size_t i)
{
	o->v[i] = o->v[--o->n];
}

/* With a namespace goes all that is in it, but neighbours belong to the whole system. */
static void
ns_empty(struct oracle *o, uint16_t ns)
{
	for (size_t i = o->n; i-- > 0; ) {
		if (o->v[i].ns != ns || o->v[i].kind == OBJ_PEER)
			continue;
		if (o->v[i].kind == OBJ_DEV)
			handle_remove(o, PRIV_H_DEV, o->v[i].dev);
		object_remove(o, i);
	}
}

static void
was_made(struct oracle *o, const struct obj *made)
{
	struct oracle_handle h = { .kind = 0 };

	if (made->kind == OBJ_NS && made->ns != NS_DEFAULT)
		h = (struct oracle_handle){ .kind = PRIV_H_NS, .index = made->ns };
	else if (made->kind == OBJ_DEV && made->ns != NS_DEFAULT)
		h = (struct oracle_handle){ .kind = PRIV_H_DEV, .index = made->dev, .ns = made->ns,
			.parent = made->via_dev };
	else if (made->kind == OBJ_PEER)
		h = (struct oracle_handle){ .kind = PRIV_H_PEER, .index = made->peer,
			.mac = made->mac, .table = made->number };
	if (h.kind == 0)
		return;
	o->born[h.kind][h.index]++;
	handle_add(o, h);
}

static void
was_removed(struct oracle *o, const struct obj *gone)
{
	if (gone->kind == OBJ_NS) {
		handle_remove(o, PRIV_H_NS, gone->ns);
		ns_empty(o, gone->ns);
	} else if (gone->kind == OBJ_DEV && gone->ns != NS_DEFAULT) {
		handle_remove(o, PRIV_H_DEV, gone->dev);
	} else if (gone->kind == OBJ_PEER) {
		handle_remove(o, PRIV_H_PEER, gone->peer);
	}
}

void
oracle_enter(struct oracle *o, const struct change *c)
{
	if (c->has_from)
		for (size_t i = 0; i < o->n; i++)
			if (same_key(&o->v[i], &c->from)) {
				object_remove(o, i);
				break;
			}
	if (c->has_to) {
		if (o->n == ORACLE_OBJECTS)
			abort();
		o->v[o->n++] = c->to;
		if (!c->has_from)
			was_made(o, &c->to);
	} else {
		was_removed(o, &c->from);
	}
}
