/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/pool.h"

#include <stdlib.h>
#include <string.h>

/* Addresses that are somebody else's, or nobody's. */
static const uint32_t addresses[] = {
	0x00000000, 0x00000001, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe,
	0x0a000000,	/* 10.0.0.0: the range itself */
	0x0affffff, 0x09ffffff, 0x0b000000,
	0x7f000001, 0x7f000000, 0x7fffffff,
	0xa9fea9fe,	/* 169.254.169.254: metadata of clouds */
	0xa9fe0001, 0xa9fe00ff, 0xa9feff01, 0xa9fefffe,	/* reserved by RFC 3927 */
	0xa9fe0000, 0xa9feffff, 0xa9fe4d01,		/* .77.1: the host's */
	0xa9fe5e09, 0xa9fe4563,				/* the host's on a managed interface */
	0xe0000001, 0xe0000000, 0xefffffff, 0xf0000000,	/* multicast, reserved */
	0xc0000202, 0xc0000201, 0xc0000263,		/* 192.0.2.2, its gateway, lo's */
	0xc6336401, 0xc6336400, 0xcb007100,		/* 198.51.100.1 of eth1, 203.0.113.0 */
	0x08080808, 0xac100000, 0xc0a80000,
	0x0a000018, 0x0a00001c, 0x0a000015, 0x0a000014,	/* 10.0.0.24/29, .28, .21, .20: the host's */
	0x0a00001f, 0x0a000020, 0x0a000021, 0x0a000028, 0x0a00002a, 0x0a000030, 0x0a000038,
	0x0a000040, 0x0a00005f, 0x0a000060, 0x0a00007f, 0x0a000080,	/* edges of the kinds */
};

static const uint64_t macs[] = {
	0x000000000000, 0x000000000001, 0xffffffffffff, 0x010000000000, 0x01005e000001,
	0x333300000001, 0x800000000000, 0x7fffffffffff, 0xfeffffffffff, 0x020000000099,
	0x000000000100,
};

static void
add(struct pool *p, uint64_t v)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i] == v)
			return;
	if (p->n < POOL_VALUES)
		p->v[p->n++] = v;
}

/* Around VALID, around the bounds, and at the edges of a word of BITS. */
static void
add_numbers(struct pool *p, const struct msg_field *f, uint64_t valid, unsigned bits)
{
	uint64_t all = (UINT64_C(1) << bits) - 1, sign = UINT64_C(1) << (bits - 1);
	const uint64_t v[] = { 0, 1, valid - 1, valid + 1, valid ^ sign, sign, sign - 1, sign + 1, all,
		all - 1, f->min - 1, f->min, f->max, f->max + 1 };

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		add(p, v[i] & all);
}

static void
add_handle_neighbours(struct pool *p, uint32_t h)
{
	enum priv_handle_kind kind = PRIV_HANDLE_KIND(h);
	unsigned generation = PRIV_HANDLE_GENERATION(h), index = PRIV_HANDLE_INDEX(h);

	for (unsigned k = 0; k < 16; k++)
		add(p, PRIV_HANDLE(k, generation, index));
	add(p, PRIV_HANDLE(kind, generation + 1, index));
	add(p, PRIV_HANDLE(kind, generation - 1, index));
	add(p, PRIV_HANDLE(kind, 0, index));
	add(p, PRIV_HANDLE(kind, 0xfff, index));
	for (unsigned bit = 0; bit < 16; bit++)
		add(p, PRIV_HANDLE(kind, generation, index ^ 1U << bit));
}

static void
add_handles(struct pool *p, uint32_t valid, const struct pool_handles *h)
{
	static const unsigned news[] = { 0, 1, 2, PRIV_TXN_RESULTS - 1, PRIV_TXN_RESULTS, 65535 };

	for (size_t i = 0; i < h->n; i++)
		add(p, h->v[i]);
	add_handle_neighbours(p, valid);
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		add(p, PRIV_HANDLE_NEW(news[i]));
		add(p, PRIV_HANDLE(PRIV_H_NEW, 1, news[i]));
	}
	/* Numbers of interfaces, as if they were handles. */
	for (unsigned i = 1; i <= 12; i++)
		add(p, i);
}

void
pool_fill(struct pool *p, const struct msg_field *f, uint64_t valid, const struct pool_handles *h)
{
	p->n = 0;
	switch (f->kind) {
	case MSG_U8:
		add_numbers(p, f, valid, 8);
		break;
	case MSG_U16:
		add_numbers(p, f, valid, 16);
		break;
	case MSG_U32:
	case MSG_S32:
		add_numbers(p, f, valid, 32);
		break;
	case MSG_IP4:
		add_numbers(p, f, valid, 32);
		for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
			add(p, addresses[i]);
		for (unsigned bit = 0; bit < 32; bit++)
			add(p, valid ^ UINT64_C(1) << bit);
		break;
	case MSG_HANDLE:
		add_numbers(p, f, valid, 32);
		add_handles(p, (uint32_t)valid, h);
		break;
	case MSG_MAC:
		for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++)
			add(p, macs[i]);
		for (unsigned bit = 0; bit < 48; bit += 5)
			add(p, valid ^ UINT64_C(1) << bit);
		break;
	case MSG_STR:
		break;
	case MSG_U64:
	case MSG_V32:
	case MSG_V64:
	case MSG_N32:
	case MSG_REC:
	case MSG_LIST:
		/* Kinds of other tables: an operation that has one needs hostile values here. */
		abort();
	}
}

uint64_t
pool_get(const struct msg_field *f, const void *body)
{
	const uint8_t *at = (const uint8_t *)body + f->offset;
	uint64_t v = 0;
	uint32_t word;
	uint16_t half;

	if (f->kind == MSG_U8)
		return *at;
	if (f->kind == MSG_U16) {
		memcpy(&half, at, sizeof(half));
		return half;
	}
	if (f->kind == MSG_MAC) {
		for (unsigned i = 0; i < 6; i++)
			v = v << 8 | at[i];
		return v;
	}
	memcpy(&word, at, sizeof(word));
	return word;
}

void
pool_set(const struct msg_field *f, void *body, uint64_t value)
{
	uint8_t *at = (uint8_t *)body + f->offset;
	uint32_t word = (uint32_t)value;
	uint16_t half = (uint16_t)value;

	if (f->kind == MSG_U8)
		*at = (uint8_t)value;
	else if (f->kind == MSG_U16)
		memcpy(at, &half, sizeof(half));
	else if (f->kind == MSG_MAC)
		for (unsigned i = 0; i < 6; i++)
			at[i] = (uint8_t)(value >> (40 - 8 * i));
	else if (f->kind != MSG_STR)
		memcpy(at, &word, sizeof(word));
}

void *
pool_body(struct priv_op *op)
{
	return &op->ns_prepare;
}

const struct msg_desc *
pool_desc(const struct priv_op *op)
{
	return msg_find(priv_ops, priv_n_ops, op->type);
}

bool
pool_passes(const struct priv_op *op)
{
	const struct msg_desc *d = pool_desc(op);
	struct msg_error err;

	return d != NULL && msg_valid(d, &op->ns_prepare, &err);
}
