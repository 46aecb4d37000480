/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "proto/privmsg.h"
#include "tests/unit/tap.h"

/* Every record there is, the operations first. */
enum { OTHERS = 5, RECORD_MAX = 512 };

static const struct msg_desc *
record(size_t i)
{
	static const struct msg_desc *const others[OTHERS] = {
		&priv_frame_desc, &priv_welcome_desc, &priv_interface_desc, &priv_result_desc,
		&priv_refusal_desc,
	};

	if (i < priv_n_ops)
		return &priv_ops[i];
	return i < priv_n_ops + OTHERS ? others[i - priv_n_ops] : NULL;
}

static bool
is_integer(const struct msg_field *f)
{
	return f->kind != MSG_MAC && f->kind != MSG_STR;
}

static uint64_t
kind_max(const struct msg_field *f)
{
	return f->size == 1 ? UINT8_MAX : f->size == 2 ? UINT16_MAX : UINT32_MAX;
}

static void
put(const struct msg_field *f, void *msg, uint64_t v)
{
	uint8_t *at = (uint8_t *)msg + f->offset;
	uint8_t v8 = (uint8_t)v;
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;
	const void *from = f->size == 1 ? (void *)&v8 : f->size == 2 ? (void *)&v16 : (void *)&v32;

	memcpy(at, from, f->size);
}

/* A value that the table allows: the smallest, the greatest, or some other. */
static void
fill_field(struct rng *r, const struct msg_field *f, void *msg, int which)
{
	uint8_t *at = (uint8_t *)msg + f->offset;
	uint64_t max = f->max < kind_max(f) ? f->max : kind_max(f);
	size_t len;

	if (is_integer(f)) {
		put(f, msg, which == 0 ? f->min : which == 1 ? max :
		    f->min + rng_u64(r) % (max - f->min + 1));
		return;
	}
	if (f->kind == MSG_MAC) {
		for (size_t i = 0; i < f->size; i++)
			at[i] = which == 0 ? 0 : which == 1 ? 0xfe : (uint8_t)rng_u64(r);
		at[0] &= 0xfe;
		at[5] |= 1;
		return;
	}
	memset(at, 0, f->size);
	len = which == 0 ? 0 : which == 1 ? f->size - 1 : rng_below(r, (uint32_t)f->size);
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(0x20 + rng_below(r, 0x5f));
}

static void
fill(struct rng *r, const struct msg_desc *d, void *msg, int which)
{
	memset(msg, 0, d->size);
	for (size_t i = 0; i < d->n_fields; i++)
		fill_field(r, &d->fields[i], msg, which);
}

/* Decodes from a block of exactly LEN bytes, so that a sanitizer sees reads past it. */
static bool
decode(const struct msg_desc *d, const uint8_t *wire, size_t len, void *out, struct msg_error *err,
    size_t *left)
{
	uint8_t *copy = malloc(len + (len == 0));
	struct rd r;
	bool ok;

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	memcpy(copy, wire, len);
	rd_init(&r, copy, len);
	ok = msg_decode(d, &r, out, err);
	*left = r.left;
	free(copy);
	return ok;
}

static size_t
encode(const struct msg_desc *d, const void *msg, uint8_t *wire)
{
	struct wr w;

	wr_init(&w, wire, RECORD_MAX);
	msg_encode(d, msg, &w);
	CU_ASSERT_TRUE_FATAL(wr_ok(&w));
	return w.len;
}

static void
test_round(void)
{
	struct rng r;
	const struct msg_desc *d;

	rng_init(&r, 1);
	for (size_t i = 0; (d = record(i)) != NULL; i++) {
		CU_ASSERT_FATAL(d->size <= RECORD_MAX);
		for (int which = 0; which < 100; which++) {
			uint8_t in[RECORD_MAX], out[RECORD_MAX], wire[RECORD_MAX];
			struct msg_error err;
			size_t len, left;

			fill(&r, d, in, which);
			CU_ASSERT_TRUE(msg_valid(d, in, &err));
			len = encode(d, in, wire);
			CU_ASSERT_TRUE(decode(d, wire, len, out, &err, &left));
			CU_ASSERT_EQUAL(left, 0);
			CU_ASSERT_EQUAL(memcmp(in, out, d->size), 0);
			if (which == 0)
				CU_ASSERT_EQUAL(len, msg_wire_min(d));
			if (which == 1)
				CU_ASSERT_EQUAL(len, msg_wire_max(d));
		}
	}
	CU_ASSERT_EQUAL(priv_n_ops, 20);
}

/* Cut anywhere it is refused, with the field where it ends; what follows it is left alone. */
static void
test_truncated(void)
{
	struct rng r;
	const struct msg_desc *d;

	rng_init(&r, 2);
	for (size_t i = 0; (d = record(i)) != NULL; i++)
		for (int which = 0; which < 4; which++) {
			uint8_t in[RECORD_MAX], out[RECORD_MAX], wire[RECORD_MAX + 1];
			struct msg_error err;
			size_t len, left;

			fill(&r, d, in, which);
			len = encode(d, in, wire);
			for (size_t cut = 0; cut < len; cut++) {
				CU_ASSERT_FALSE(decode(d, wire, cut, out, &err, &left));
				CU_ASSERT_STRING_EQUAL(err.why, "truncated");
				CU_ASSERT_PTR_EQUAL(err.message, d->name);
				CU_ASSERT_NOT_EQUAL(err.field[0], '\0');
			}
			wire[len] = 0x5a;
			CU_ASSERT_TRUE(decode(d, wire, len + 1, out, &err, &left));
			CU_ASSERT_EQUAL(left, 1);
		}
}

/* MSG with one wrong field is refused, on the wire and in memory, and the error names the field. */
static void
refuses(const struct msg_desc *d, const struct msg_field *f, const void *msg, const char *why,
    uint64_t value)
{
	uint8_t wire[RECORD_MAX], out[RECORD_MAX];
	static const struct msg_error none = { "", "", "", 0 };
	struct msg_error err = none;
	size_t left;

	CU_ASSERT_FALSE(msg_valid(d, msg, &err));
	CU_ASSERT_PTR_EQUAL(err.field, f->name);
	CU_ASSERT_STRING_EQUAL(err.why, why);
	CU_ASSERT_EQUAL(err.value, value);
	err = none;
	CU_ASSERT_FALSE(decode(d, wire, encode(d, msg, wire), out, &err, &left));
	CU_ASSERT_PTR_EQUAL(err.message, d->name);
	CU_ASSERT_PTR_EQUAL(err.field, f->name);
	CU_ASSERT_STRING_EQUAL(err.why, why);
	CU_ASSERT_EQUAL(err.value, value);
}

static void
test_bounds(void)
{
	struct rng r;
	const struct msg_desc *d;
	unsigned below = 0, above = 0;

	rng_init(&r, 3);
	for (size_t i = 0; (d = record(i)) != NULL; i++)
		for (size_t j = 0; j < d->n_fields; j++) {
			const struct msg_field *f = &d->fields[j];
			uint8_t msg[RECORD_MAX];

			if (!is_integer(f))
				continue;
			CU_ASSERT_TRUE(f->min <= f->max);
			fill(&r, d, msg, 2);
			if (f->min > 0) {
				put(f, msg, f->min - 1);
				refuses(d, f, msg, "below the minimum", f->min - 1);
				below++;
			}
			if (f->max < kind_max(f)) {
				put(f, msg, f->max + 1);
				refuses(d, f, msg, "above the maximum", f->max + 1);
				above++;
			}
		}
	/* magic, version, frame type, reason, and in the operations len, type, kind, … */
	CU_ASSERT_TRUE(below >= 12);
	CU_ASSERT_TRUE(above >= 14);
}

static void
test_macs(void)
{
	const struct msg_desc *d = msg_find(priv_ops, priv_n_ops, PRIV_OP_peer_take);
	const struct msg_field *f = &d->fields[0];
	struct priv_peer_take zero = { { 0 } };
	struct priv_peer_take multicast = { { 0x01, 0, 0x5e, 0, 0, 1 } };
	struct priv_peer_take broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct priv_interface any = { .name = "eth1" };
	struct msg_error err;

	CU_ASSERT_EQUAL(f->kind, MSG_MAC);
	refuses(d, f, &zero, "is all zeroes", 0);
	refuses(d, f, &multicast, "is a multicast address", UINT64_C(0x01005e000001));
	refuses(d, f, &broadcast, "is a multicast address", UINT64_C(0xffffffffffff));
	/* Where zeroes are allowed, as for an interface that does not exist. */
	CU_ASSERT_TRUE(msg_valid(&priv_interface_desc, &any, &err));
	/* Of the kernel's own interfaces any is told. */
	memcpy(any.mac, multicast.mac, sizeof(any.mac));
	CU_ASSERT_TRUE(msg_valid(&priv_interface_desc, &any, &err));
}

static void
test_strings(void)
{
	const struct msg_desc *d = &priv_interface_desc;
	const struct msg_field *f = &d->fields[d->n_fields - 1];
	static const unsigned char bad[] = { 0x01, 0x1f, '\n', 0x7f, 0x80, 0xff };
	struct priv_interface msg = { .dev = 1 };
	uint8_t wire[RECORD_MAX], out[RECORD_MAX];
	struct msg_error err;
	size_t len, left;

	CU_ASSERT_EQUAL(f->kind, MSG_STR);
	for (size_t i = 0; i < sizeof(bad); i++) {
		snprintf(msg.name, sizeof(msg.name), "eth%c", bad[i]);
		refuses(d, f, &msg, "holds a byte that is not printable", bad[i]);
		snprintf(msg.name, sizeof(msg.name), "%ceth", bad[i]);
		refuses(d, f, &msg, "holds a byte that is not printable", bad[i]);
	}
	memset(msg.name, 'x', sizeof(msg.name));
	CU_ASSERT_FALSE(msg_valid(d, &msg, &err));
	CU_ASSERT_STRING_EQUAL(err.why, "too long");
	/* A text without an end is cut, not followed into the next member. */
	len = encode(d, &msg, wire);
	CU_ASSERT_EQUAL(len, msg_wire_max(d));
	/* A length that does not fit, a NUL within. */
	snprintf(msg.name, sizeof(msg.name), "eth1");
	len = encode(d, &msg, wire);
	wire[len - 5] = sizeof(msg.name);
	CU_ASSERT_FALSE(decode(d, wire, len, out, &err, &left));
	CU_ASSERT_STRING_EQUAL(err.why, "too long");
	CU_ASSERT_EQUAL(err.value, sizeof(msg.name));
	wire[len - 5] = 4;
	wire[len - 2] = 0;
	CU_ASSERT_FALSE(decode(d, wire, len, out, &err, &left));
	CU_ASSERT_PTR_EQUAL(err.field, f->name);
	wire[len - 1] = 0;
	CU_ASSERT_FALSE(decode(d, wire, len, out, &err, &left));
}

static void
test_ops(void)
{
	uint8_t seen[256] = { 0 }, wire[RECORD_MAX];
	struct rng r;

	rng_init(&r, 4);
	for (size_t i = 0; i < priv_n_ops; i++) {
		const struct msg_desc *d = &priv_ops[i];
		struct priv_op op, back;
		struct msg_error err;
		struct rd rd;
		struct wr w;

		CU_ASSERT_EQUAL(seen[d->type]++, 0);
		CU_ASSERT_STRING_EQUAL(priv_op_name(d->type), d->name);
		memset(&op, 0, sizeof(op));
		op.type = d->type;
		fill(&r, d, &op.ns_prepare, 2);
		wr_init(&w, wire, sizeof(wire));
		priv_op_write(&op, &w);
		CU_ASSERT_TRUE(wr_ok(&w));
		CU_ASSERT_EQUAL(wire[0], d->type);
		rd_init(&rd, wire, w.len);
		CU_ASSERT_TRUE(priv_op_read(&rd, &back, &err));
		CU_ASSERT_TRUE(rd_done(&rd));
		CU_ASSERT_EQUAL(memcmp(&op, &back, sizeof(op)), 0);
		/* One byte less room, and it does not fit. */
		wr_init(&w, wire, w.len - 1);
		priv_op_write(&op, &w);
		CU_ASSERT_FALSE(wr_ok(&w));
	}
}

static void
test_unknown(void)
{
	for (unsigned type = 0; type < 256; type++) {
		uint8_t wire[64] = { (uint8_t)type };
		struct priv_op op;
		struct msg_error err;
		struct rd rd;
		struct wr w;
		char text[80];

		if (msg_find(priv_ops, priv_n_ops, (uint8_t)type) != NULL)
			continue;
		rd_init(&rd, wire, sizeof(wire));
		CU_ASSERT_FALSE(priv_op_read(&rd, &op, &err));
		CU_ASSERT_STRING_EQUAL(err.field, "type");
		CU_ASSERT_STRING_EQUAL(err.why, "unknown");
		CU_ASSERT_EQUAL(err.value, type);
		CU_ASSERT_STRING_EQUAL(priv_op_name((uint8_t)type), "?");
		op.type = (uint8_t)type;
		wr_init(&w, wire, sizeof(wire));
		priv_op_write(&op, &w);
		CU_ASSERT_FALSE(wr_ok(&w));
		CU_ASSERT_EQUAL(priv_op_print(&op, text, sizeof(text)), 0);
		CU_ASSERT_STRING_EQUAL(text, "");
		CU_ASSERT_EQUAL(priv_op_print(&op, NULL, 0), 0);
	}
}

static void
test_empty(void)
{
	struct priv_op op;
	struct msg_error err;
	struct rd rd;

	rd_init(&rd, "", 0);
	CU_ASSERT_FALSE(priv_op_read(&rd, &op, &err));
	CU_ASSERT_STRING_EQUAL(err.why, "truncated");
}

static void
test_print(void)
{
	static const char whole[] = "route_set ns=0x10010002 peer=0x00000000 dst=10.0.0.40 len=31 "
	    "type=1 dev=0x20000007 via=169.254.94.223 src=0.0.0.0";
	struct priv_op op = { .type = PRIV_OP_route_set, .route_set = {
		.ns = PRIV_HANDLE(PRIV_H_NS, 1, 2), .dst = 0x0a000028, .len = 31,
		.type = PRIV_ROUTE_UNICAST, .dev = PRIV_HANDLE(PRIV_H_DEV, 0, 7), .via = 0xa9fe5edf,
	} };
	struct priv_refusal no = {
		.op = 3, .reason = PRIV_R_RANGE, .error = -22, .operation = "route_set",
		.field = "dst", .value = "8.8.8.8/32", .text = "",
	};
	struct priv_peer_take peer = { { 0x00, 0x16, 0x3e, 0x5b, 0x78, 0xd5 } };
	char text[256];

	CU_ASSERT_EQUAL(priv_op_print(&op, text, sizeof(text)), sizeof(whole) - 1);
	CU_ASSERT_STRING_EQUAL(text, whole);
	for (size_t size = 1; size < sizeof(whole); size++) {
		memset(text, '!', sizeof(text));
		CU_ASSERT_EQUAL(priv_op_print(&op, text, size), sizeof(whole) - 1);
		CU_ASSERT_EQUAL(strlen(text), size - 1);
		CU_ASSERT_EQUAL(strncmp(text, whole, size - 1), 0);
		CU_ASSERT_EQUAL(text[size], '!');
	}
	CU_ASSERT_EQUAL(priv_op_print(&op, NULL, 0), sizeof(whole) - 1);
	msg_print(&priv_refusal_desc, &no, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "refusal op=3 reason=4 error=-22 operation=\"route_set\" "
	    "field=\"dst\" value=\"8.8.8.8/32\" text=\"\"");
	msg_print(msg_find(priv_ops, priv_n_ops, PRIV_OP_peer_take), &peer, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "peer_take mac=00:16:3e:5b:78:d5");
}

static void
test_reader(void)
{
	static const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 };
	uint8_t three[3];
	struct rd r;

	rd_init(&r, data, sizeof(data));
	CU_ASSERT_EQUAL(rd_u8(&r), 1);
	CU_ASSERT_EQUAL(rd_u16(&r), 0x0203);
	CU_ASSERT_EQUAL(rd_u32(&r), 0x04050607);
	CU_ASSERT_EQUAL(rd_u64(&r), UINT64_C(0x08090a0b0c0d0e0f));
	CU_ASSERT_FALSE(rd_done(&r));
	CU_ASSERT_EQUAL(r.left, 2);
	/* One more than there is: nothing is read, and it stays failed. */
	rd_bytes(&r, three, sizeof(three));
	CU_ASSERT_EQUAL(three[0] | three[1] | three[2], 0);
	CU_ASSERT_EQUAL(rd_u8(&r), 0);
	CU_ASSERT_PTR_NULL(rd_take(&r, 0));
	CU_ASSERT_FALSE(rd_done(&r));
	rd_init(&r, data, 2);
	CU_ASSERT_PTR_NULL(rd_take(&r, SIZE_MAX));
	rd_init(&r, data, 2);
	CU_ASSERT_PTR_EQUAL(rd_take(&r, 2), data);
	CU_ASSERT_TRUE(rd_done(&r));
	CU_ASSERT_EQUAL(rd_u32(&r), 0);
	CU_ASSERT_FALSE(rd_done(&r));
}

/* The greatest integer of variable length is read; one bit more is none, nor is what is cut off. */
static void
test_variable(void)
{
	uint8_t data[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 };
	uint64_t v = 7;
	struct rd r;

	rd_init(&r, data, sizeof(data));
	CU_ASSERT_TRUE(rd_var(&r, &v));
	CU_ASSERT(v == UINT64_MAX && rd_done(&r));
	rd_init(&r, data, sizeof(data) - 1);
	CU_ASSERT_TRUE(rd_var(&r, &v));
	CU_ASSERT(v == 0 && r.failed);
	data[sizeof(data) - 1] = 2;
	rd_init(&r, data, sizeof(data));
	CU_ASSERT_FALSE(rd_var(&r, &v));
	/* Shorter it would be the same. */
	data[sizeof(data) - 1] = 0;
	rd_init(&r, data, sizeof(data));
	CU_ASSERT_FALSE(rd_var(&r, &v));
}

static void
test_writer(void)
{
	uint8_t buf[16] = { 0 };
	struct wr w;

	wr_init(&w, buf, 15);
	wr_u8(&w, 1);
	wr_u16(&w, 0x0203);
	wr_u32(&w, 0x04050607);
	CU_ASSERT_EQUAL(wr_room(&w), 8);
	wr_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
	CU_ASSERT_TRUE(wr_ok(&w));
	for (uint8_t i = 0; i < 15; i++)
		CU_ASSERT_EQUAL(buf[i], i + 1);
	wr_patch_u16(&w, 13, 0xaabb);
	CU_ASSERT_TRUE(wr_ok(&w));
	CU_ASSERT_EQUAL(buf[14], 0xbb);
	wr_bytes(&w, NULL, 0);
	CU_ASSERT_TRUE(wr_ok(&w));
	wr_u8(&w, 1);
	CU_ASSERT_FALSE(wr_ok(&w));
	CU_ASSERT_EQUAL(wr_room(&w), 0);
	CU_ASSERT_EQUAL(w.len, 15);
	CU_ASSERT_EQUAL(buf[15], 0);
	/* What does not fit whole is not written at all. */
	wr_init(&w, buf, 3);
	wr_u32(&w, 0xffffffff);
	CU_ASSERT_FALSE(wr_ok(&w));
	CU_ASSERT_EQUAL(buf[0], 1);
	wr_init(&w, buf, 3);
	wr_u16(&w, 7);
	wr_patch_u16(&w, 1, 9);
	CU_ASSERT_FALSE(wr_ok(&w));
	CU_ASSERT_EQUAL(buf[1], 7);
}

static void
test_reasons(void)
{
	for (int i = PRIV_R_OK; i <= PRIV_R_LAST; i++) {
		const char *name = priv_reason_name((enum priv_reason)i);

		CU_ASSERT_TRUE(name[0] >= 'a' && name[0] <= 'z');
		CU_ASSERT_TRUE(strlen(priv_reason_text((enum priv_reason)i)) > 5);
		for (int j = PRIV_R_OK; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(priv_reason_name((enum priv_reason)j), name);
	}
	CU_ASSERT_STRING_EQUAL(priv_reason_name((enum priv_reason)(PRIV_R_LAST + 1)), "?");
	CU_ASSERT_STRING_EQUAL(priv_reason_text((enum priv_reason)(PRIV_R_LAST + 1)), "?");
}

static void
test_handles(void)
{
	uint32_t h = PRIV_HANDLE(PRIV_H_PEER, 0xabc, 0x1234);

	CU_ASSERT_EQUAL(h, 0x3abc1234);
	CU_ASSERT_EQUAL(PRIV_HANDLE_KIND(h), PRIV_H_PEER);
	CU_ASSERT_EQUAL(PRIV_HANDLE_GENERATION(h), 0xabc);
	CU_ASSERT_EQUAL(PRIV_HANDLE_INDEX(h), 0x1234);
	CU_ASSERT_EQUAL(PRIV_HANDLE_KIND(PRIV_HANDLE_NEW(5)), PRIV_H_NEW);
	CU_ASSERT_EQUAL(PRIV_HANDLE_INDEX(PRIV_HANDLE_NEW(5)), 5);
	CU_ASSERT_TRUE(priv_op_makes(PRIV_OP_peer_take));
	CU_ASSERT_TRUE(priv_op_makes(PRIV_OP_ns_create));
	CU_ASSERT_TRUE(priv_op_makes(PRIV_OP_dev_create));
	CU_ASSERT_FALSE(priv_op_makes(PRIV_OP_route_set));
	CU_ASSERT_TRUE(priv_op_is_last(PRIV_OP_ns_drop));
	CU_ASSERT_TRUE(priv_op_is_last(PRIV_OP_dev_drop));
	CU_ASSERT_FALSE(priv_op_is_last(PRIV_OP_ns_create));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "every record encodes and decodes", test_round },
		{ "cut anywhere it is refused", test_truncated },
		{ "every field's bounds", test_bounds },
		{ "hardware addresses", test_macs },
		{ "strings", test_strings },
		{ "every operation encodes and decodes", test_ops },
		{ "unknown operations", test_unknown },
		{ "no operation at all", test_empty },
		{ "prints", test_print },
		{ "reader", test_reader },
		{ "integers of variable length", test_variable },
		{ "writer", test_writer },
		{ "reasons", test_reasons },
		{ "handles", test_handles },
	};

	return TAP_RUN(tests);
}
