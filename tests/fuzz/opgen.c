/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/opgen.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/kerntest.h"

/* --- configuration ------------------------------------------------------------ */

void
opgen_settings(struct rd *r, struct conf *c, struct host *h)
{
	static const char *const topologies[] = { "4.2.2.2", "16.4", "2", "4.16.256.256",
		"8.2.2.2.2.2", "4.16.16", "2.2", "4.4.4" };
	static const ntk_prefix_t hosts[] = { { 0x0a000010, 28 }, { 0x0a000000, 8 },
		{ 0xa9fe0100, 24 }, { 0xa9fe0103, 32 }, { 0x0a800000, 9 }, { 0x0a000016, 32 },
		{ 0xac100000, 28 } };
	uint8_t topology = rd_u8(r), devs = rd_u8(r), flags = rd_u8(r), n;

	kerntest_conf(c, topologies[topology % 8], 1 + devs % 3U);
	c->anonymize_others = (flags & 1) == 0;
	c->accept_anonymous = (flags & 2) == 0;
	c->allow_overlap = (flags & 4) != 0;
	c->subnet_level = (flags & 8) != 0 ? (uint8_t)((flags >> 6) % c->map.topo.levels) : 0;
	if ((flags & 16) != 0) {
		c->tables = (struct conf_tables){ 251, 249 };
		c->more_tables = (struct conf_tables){ 10000, 10001 };
	}
	if ((flags & 32) != 0 && topo_shift(&c->map.topo, c->map.topo.levels) + 2 <= 20)
		c->map.range = (ntk_prefix_t){ 0xac100000, 12 };
	c->mark_mask = 0x3fff;
	c->routing_protocol = 84;
	c->rule_priority = 20000;
	h->n = 0;
	for (n = rd_u8(r) % 4; n > 0; n--)
		h->v[h->n++] = hosts[rd_u8(r) % 7];
}

/* --- what may be named ---------------------------------------------------------- */

static void
prefix_note(struct opgen *g, ntk_prefix_t p)
{
	must(g->n_prefixes < OPGEN_PREFIXES);
	g->prefixes[g->n_prefixes++] = p;
}

void
opgen_note(struct opgen *g, uint32_t handle)
{
	enum priv_handle_kind kind = PRIV_HANDLE_KIND(handle);

	if (kind <= PRIV_H_PEER && g->handles[kind].n < OPGEN_HANDLES)
		g->handles[kind].v[g->handles[kind].n++] = handle;
}

void
opgen_init(struct opgen *g, const struct conf *c, const struct host *h, const struct ledger *l)
{
	struct map4_class class;
	ntk_prefix_t p;

	memset(g, 0, sizeof(*g));
	g->handles[PRIV_H_PEER].n = 1;
	opgen_note(g, ledger_handle(l, PRIV_H_NS, NS_DEFAULT));
	for (unsigned i = 0; i <= c->n_interfaces; i++)
		opgen_note(g, ledger_handle(l, PRIV_H_DEV, i));
	prefix_note(g, c->map.range);
	prefix_note(g, (ntk_prefix_t){ map4_localhost(&c->map), 32 });
	for (unsigned kind = MAP4_GLOBAL; kind <= MAP4_RESERVED; kind++)
		for (unsigned k = 0; k < c->map.topo.levels; k++) {
			class = (struct map4_class){ (enum map4_kind)kind, (uint8_t)k };
			if ((kind == MAP4_INTERNAL || k == 0) && map4_all(&c->map, class, &p))
				prefix_note(g, p);
		}
	for (size_t i = 0; i < h->n; i++)
		prefix_note(g, h->v[i]);
}

/* --- fields ----------------------------------------------------------------------- */

static uint32_t
any_handle(const struct opgen *g, struct rd *r, const char *field)
{
	enum priv_handle_kind kind = strcmp(field, "ns") == 0 ? PRIV_H_NS :
	    strcmp(field, "peer") == 0 ? PRIV_H_PEER : PRIV_H_DEV;
	uint8_t b = rd_u8(r);

	if (b >= 0xf0)
		return rd_u32(r);
	if (b >= 0xe0)
		return PRIV_HANDLE(PRIV_H_NEW, b == 0xef, b & 7);
	if (b >= 0xd0)
		kind = (enum priv_handle_kind)(b % (PRIV_H_PEER + 1));
	return g->handles[kind].n != 0 ? g->handles[kind].v[b % g->handles[kind].n] : 0;
}

/* A length that goes with it lands in *LEN. */
static ntk_ip_t
any_ip(const struct opgen *g, struct rd *r, uint8_t *len)
{
	uint8_t b = rd_u8(r);
	const ntk_prefix_t *p = &g->prefixes[(b & 0x3f) % g->n_prefixes];

	*len = b == 0 ? 0 : 32;
	switch (b >> 6) {
	case 0:
		return b == 0 ? 0 : 0xa9fe0100U + (b & 0x0fU) + ((b & 0x30U) << 4);
	case 1:
		*len = p->len;
		return p->addr;
	case 2:
		return p->addr + (rd_u8(r) & ~prefix_mask(p->len));
	}
	*len = rd_u8(r) % 33;
	if (b < 0xf8)
		return (p->addr + (rd_u32(r) & ~prefix_mask(p->len))) & prefix_mask(*len);
	return rd_u32(r);
}

static void
any_mac(struct rd *r, uint8_t *mac)
{
	uint8_t b = rd_u8(r);

	memset(mac, 0, sizeof(ntk_mac_t));
	mac[0] = 2;
	mac[5] = b & 7;
	if (b >= 0xfc)
		rd_bytes(r, mac, sizeof(ntk_mac_t));
}

static bool
ends_with_len(const char *name)
{
	size_t n = strlen(name);

	return n >= 3 && strcmp(name + n - 3, "len") == 0;
}

/* LEN is what the last address came with. */
static void
any_field(const struct opgen *g, struct rd *r, const struct msg_field *f, uint8_t *at, uint8_t *len)
{
	uint32_t word;
	uint8_t b;

	switch (f->kind) {
	case MSG_HANDLE:
		word = any_handle(g, r, f->name);
		memcpy(at, &word, sizeof(word));
		break;
	case MSG_IP4:
		word = any_ip(g, r, len);
		memcpy(at, &word, sizeof(word));
		break;
	case MSG_U32:
		word = rd_u8(r);
		memcpy(at, &word, sizeof(word));
		break;
	case MSG_MAC:
		any_mac(r, at);
		break;
	default:
		b = rd_u8(r);
		must(f->kind == MSG_U8);
		*at = b >= 0xf0 ? b : ends_with_len(f->name) ? b >= 0x80 ? b & 0x3f : *len : b % 5;
	}
}

bool
opgen_is_valid(const struct priv_op *op)
{
	uint8_t wire[128];
	struct priv_op back;
	struct msg_error err = { NULL, NULL, NULL, 0 };
	struct wr w;
	struct rd r;

	wr_init(&w, wire, sizeof(wire));
	priv_op_write(op, &w);
	if (!wr_ok(&w))
		return false;
	rd_init(&r, wire, w.len);
	if (!priv_op_read(&r, &back, &err)) {
		must(err.field != NULL && err.field[0] != '\0' && err.why[0] != '\0');
		return false;
	}
	must(rd_done(&r) && back.type == op->type);
	must(memcmp(&back.ns_prepare, &op->ns_prepare,
	    msg_find(priv_ops, priv_n_ops, op->type)->size) == 0);
	return true;
}

bool
opgen_next(const struct opgen *g, struct rd *r, struct priv_op *op)
{
	const struct msg_desc *d = &priv_ops[rd_u8(r) % priv_n_ops];
	uint8_t len = 0;

	memset(op, 0, sizeof(*op));
	op->type = d->type;
	for (size_t i = 0; i < d->n_fields; i++)
		any_field(g, r, &d->fields[i], (uint8_t *)&op->ns_prepare + d->fields[i].offset, &len);
	return opgen_is_valid(op);
}
