/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/peermsg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/unit/tap.h"

enum { ROOM = 1 << 20 };

static uint8_t wire[ROOM], memory[PEER_EXPANSION * ROOM];

/* --- making messages that the tables allow ------------------------------------- */

struct maker {
	struct rng rng;
	uint8_t pool[ROOM];
	size_t used;
};

static void make(struct maker *k, const struct msg_desc *d, uint8_t *out, unsigned most);

static uint64_t
value(struct maker *k, const struct msg_field *f)
{
	uint64_t min = f->min, max = f->max;

	if (f->kind == MSG_N32)
		return (uint32_t)(rng_below(&k->rng, 5) - 1);
	if (f->kind == MSG_MAC)		/* never multicast */
		return (rng_u64(&k->rng) & UINT64_C(0xfeffffffffff)) | 1;
	switch (rng_below(&k->rng, 4)) {
	case 0:
		return min;
	case 1:
		return max;
	default:
		return max - min == UINT64_MAX ? rng_u64(&k->rng) :
		    min + rng_u64(&k->rng) % (max - min + 1);
	}
}

static void
make_list(struct maker *k, const struct msg_field *f, uint8_t *at, unsigned most)
{
	struct msg_list l = { NULL, 0 };
	uint64_t max = f->max < most ? f->max : most;
	size_t n = f->min + (max > f->min ? rng_below(&k->rng, (uint32_t)(max - f->min + 1)) : 0);
	uint8_t *v;

	k->used = (k->used + 15) / 16 * 16;
	v = k->pool + k->used;
	k->used += n * f->of->size;
	CU_ASSERT_FATAL(k->used <= sizeof(k->pool));
	for (size_t i = 0; i < n; i++)
		make(k, f->of, v + i * f->of->size, most);
	if (n != 0)
		l.v = v;
	l.n = (uint16_t)n;
	memcpy(at, &l, sizeof(l));
}

static void
store(const struct msg_field *f, void *at, uint64_t v)
{
	const uint8_t v8 = (uint8_t)v;
	const uint16_t v16 = (uint16_t)v;
	const uint32_t v32 = (uint32_t)v;
	uint8_t mac[6];
	const void *from = f->kind == MSG_MAC ? mac : f->size == 1 ? (const void *)&v8 : f->size == 2 ? (const void *)&v16 :
	    f->size == 4 ? (const void *)&v32 : &v;

	for (unsigned i = 0; i < sizeof(mac); i++)
		mac[i] = (uint8_t)(v >> (40 - 8 * i));
	memcpy(at, from, f->size);
	/* Of one station, and not zero. */
	if (f->kind == MSG_MAC)
		*(uint8_t *)at = (uint8_t)((v8 & ~1u) | 2);
}

/* A record that the table allows; lists of up to MOST elements. */
static void
make(struct maker *k, const struct msg_desc *d, uint8_t *out, unsigned most)
{
	memset(out, 0, d->size);
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct msg_field *f = &d->fields[i];

		if (f->kind == MSG_LIST) {
			make_list(k, f, out + f->offset, most);
		} else if (f->kind == MSG_REC) {
			make(k, f->of, out + f->offset, most);
		} else {
			store(f, out + f->offset, value(k, f));
		}
	}
}

static void
make_msg(struct maker *k, const struct msg_desc *d, struct peer_msg *m, unsigned most)
{
	k->used = 0;
	memset(m, 0, sizeof(*m));
	m->type = d->type;
	make(k, d, (uint8_t *)&m->etp, most);
}

/* Decodes from a block of exactly LEN bytes, so that a sanitizer sees reads past it. */
static bool
read_msg(uint8_t type, size_t len, struct peer_msg *m, struct msg_error *err)
{
	struct msg_arena a = { memory, sizeof(memory), 0 };
	uint8_t *copy = malloc(len + (len == 0));
	struct rd r;
	bool ok;

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	memcpy(copy, wire, len);
	rd_init(&r, copy, len);
	ok = peer_msg_read(type, &r, &a, m, err);
	CU_ASSERT_TRUE(a.used <= PEER_EXPANSION * (len + 16));
	free(copy);
	return ok;
}

static size_t
write_msg(const struct peer_msg *m)
{
	struct wr w;

	wr_init(&w, wire, sizeof(wire));
	peer_msg_write(m, &w);
	CU_ASSERT_TRUE_FATAL(wr_ok(&w));
	CU_ASSERT_EQUAL(w.len, peer_msg_size(m));
	return w.len;
}

/* --- tests ----------------------------------------------------------------------- */

static void
test_round(void)
{
	static struct maker k;
	static char before[1 << 20], after[1 << 20];

	rng_init(&k.rng, 1);
	for (size_t t = 0; t < peer_n_msgs; t++)
		for (unsigned i = 0; i < 300; i++) {
			struct peer_msg in, out;
			struct msg_error err;
			size_t len;

			make_msg(&k, &peer_msgs[t], &in, i < 200 ? 4 : 30);
			CU_ASSERT_TRUE(msg_valid(&peer_msgs[t], &in.etp, &err));
			len = write_msg(&in);
			CU_ASSERT_TRUE_FATAL(read_msg(in.type, len, &out, &err));
			CU_ASSERT_TRUE(peer_msg_print(&in, before, sizeof(before)) > 0);
			peer_msg_print(&out, after, sizeof(after));
			CU_ASSERT_STRING_EQUAL(before, after);
		}
}

/* Cut anywhere it is refused, and so is one byte more than there should be. */
static void
test_cut(void)
{
	static struct maker k;

	rng_init(&k.rng, 2);
	for (size_t t = 0; t < peer_n_msgs; t++)
		for (unsigned i = 0; i < 20; i++) {
			struct peer_msg in, out;
			struct msg_error err;
			size_t len;

			make_msg(&k, &peer_msgs[t], &in, 3);
			len = write_msg(&in);
			for (size_t cut = 0; cut < len; cut++) {
				CU_ASSERT_FALSE(read_msg(in.type, cut, &out, &err));
				CU_ASSERT_STRING_EQUAL(err.why, "truncated");
			}
			wire[len] = 0;
			CU_ASSERT_FALSE(read_msg(in.type, len + 1, &out, &err));
			CU_ASSERT_STRING_EQUAL(err.why, "bytes are left over");
		}
}

/* A full_request is two lists: the smallest message with what can go wrong in one. */
static bool
read_bytes(uint8_t type, const char *bytes, size_t len, struct peer_msg *m, struct msg_error *err)
{
	memcpy(wire, bytes, len);
	return read_msg(type, len, m, err);
}
#define READ(type, bytes, m, err) read_bytes(type, bytes, sizeof(bytes) - 1, m, err)

static void
refused(const char *bytes, size_t len, const char *message, const char *field, const char *why)
{
	struct peer_msg m;
	struct msg_error err;

	CU_ASSERT_FALSE_FATAL(read_bytes(PEER_full_request, bytes, len, &m, &err));
	CU_ASSERT_STRING_EQUAL(err.message, message);
	CU_ASSERT_STRING_EQUAL(err.field, field);
	CU_ASSERT_STRING_EQUAL(err.why, why);
}
#define REFUSED(bytes, message, field, why) refused(bytes, sizeof(bytes) - 1, message, field, why)

static void
test_vector(void)
{
	struct peer_msg m;
	struct msg_error err;

	/* 2.1 in a topology of 4.2: gexp 1, 2; pos 1, 2. */
	CU_ASSERT_TRUE_FATAL(READ(PEER_full_request, "\2\1\2\2\1\2", &m, &err));
	CU_ASSERT_EQUAL(m.full_request.requester.gexp.n, 2);
	CU_ASSERT_EQUAL(m.full_request.requester.gexp.v[1], 2);
	CU_ASSERT_EQUAL(m.full_request.requester.pos.n, 2);
	CU_ASSERT_EQUAL(m.full_request.requester.pos.v[0], 1);
	CU_ASSERT_EQUAL(m.full_request.requester.pos.v[1], 2);
	/* A virtual position of three bytes. */
	CU_ASSERT_TRUE_FATAL(READ(PEER_full_request, "\1\1\1\x80\x80\1", &m, &err));
	CU_ASSERT_EQUAL(m.full_request.requester.pos.v[0], 0x4000);
}

/* A hello with one neighbour in it (addresses and ids of spec/neighborhood 15). */
static void
test_hello(void)
{
	static const char bytes[] =
	    "\0\0\3\xe9\0\x16\x3e\0\0\x0a\xa9\xfe\x0a\1\3\xe8\0\0\0\7\1"
	    "\0\0\3\xea\0\x16\x3e\0\0\x0b\0\0\0\5\0\0\0\6\1";
	struct peer_msg m;
	struct msg_error err;

	CU_ASSERT_TRUE_FATAL(READ(PEER_hello, bytes, &m, &err));
	CU_ASSERT_EQUAL(m.hello.node, 1001);
	CU_ASSERT_EQUAL(memcmp(m.hello.mac, "\0\x16\x3e\0\0\x0a", 6), 0);
	CU_ASSERT_EQUAL(m.hello.address, 0xa9fe0a01);
	CU_ASSERT_EQUAL(m.hello.interval, 1000);
	CU_ASSERT_EQUAL(m.hello.timestamp, 7);
	CU_ASSERT_EQUAL_FATAL(m.hello.heard.n, 1);
	CU_ASSERT_EQUAL(m.hello.heard.v[0].node, 1002);
	CU_ASSERT_EQUAL(m.hello.heard.v[0].timestamp, 5);
	CU_ASSERT_EQUAL(m.hello.heard.v[0].received, 6);
	CU_ASSERT_EQUAL(m.hello.heard.v[0].flags, PEER_HEARD_WANT);
	CU_ASSERT_EQUAL(peer_msg_size(&m), sizeof(bytes) - 1);
}

static void
test_refused(void)
{
	REFUSED("\0\1\1", "addr", "gexp", "has a length that is not allowed");
	REFUSED("\x19", "addr", "gexp", "has a length that is not allowed");
	REFUSED("\2\1", "addr", "gexp", "truncated");
	REFUSED("\1\0", "gexp", "gexp", "below the minimum");
	REFUSED("\1\x11", "gexp", "gexp", "above the maximum");
	REFUSED("\x81\0\1\1\1", "addr", "gexp", "is not written in the shortest way");
	REFUSED("\1\1\1\x80\0", "pos", "pos", "is not written in the shortest way");
	REFUSED("\1\1\1\xff\xff\xff\xff\x08", "pos", "pos", "above the maximum");
	REFUSED("\1\1\1\xff\xff\xff\xff\x1f", "pos", "pos", "above the maximum");
	REFUSED("\1\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "pos", "pos",
	    "is not written in the shortest way");
}

static void
test_unknown(void)
{
	struct peer_msg m;
	struct msg_error err;
	char text[8] = "x";

	CU_ASSERT_FALSE(READ(200, "\1", &m, &err));
	CU_ASSERT_STRING_EQUAL(err.field, "type");
	CU_ASSERT_STRING_EQUAL(peer_msg_name(200), "?");
	CU_ASSERT_EQUAL(peer_msg_print(&m, text, sizeof(text)), 0);
	CU_ASSERT_STRING_EQUAL(text, "");
	CU_ASSERT_EQUAL(peer_answer_type(PEER_full_request), PEER_etp);
	CU_ASSERT_EQUAL(peer_answer_type(PEER_get_main_id), PEER_main_id);
	CU_ASSERT_EQUAL(peer_answer_type(PEER_match_duplication), PEER_matched);
	CU_ASSERT_EQUAL(peer_answer_type(PEER_iarc_removed), PEER_iarc_gone);
	CU_ASSERT_EQUAL(peer_answer_type(PEER_etp), 0);
	CU_ASSERT_EQUAL(peer_answer_type(PEER_open), PEER_opened);
	for (unsigned e = 0; e < 256; e++) {
		CU_ASSERT_TRUE(peer_error_text((uint8_t)e)[0] != '\0');
		CU_ASSERT_TRUE(peer_error_name((uint8_t)e)[0] != '\0');
	}
}

/* An eldership of none, and the greatest: they travel as 0 and 2^31. */
static void
test_eldership(void)
{
	static const int32_t elds[] = { -1, 0, INT32_MAX };
	const struct peer_fp in = { .id = UINT64_MAX, .level = 1, .eld = { elds, 3 } };
	struct msg_arena a = { memory, sizeof(memory), 0 };
	struct msg_error err;
	struct peer_fp out;
	struct wr w;
	struct rd r;

	wr_init(&w, wire, sizeof(wire));
	msg_encode(&peer_fp_desc, &in, &w);
	CU_ASSERT_EQUAL(w.len, 8 + 1 + 1 + 1 + 1 + 5 + 1);
	rd_init(&r, wire, w.len);
	CU_ASSERT_TRUE_FATAL(msg_decode_in(&peer_fp_desc, &r, &out, &a, &err));
	CU_ASSERT_TRUE(rd_done(&r));
	CU_ASSERT_EQUAL(memcmp(out.eld.v, elds, sizeof(elds)), 0);
	CU_ASSERT_EQUAL(out.id, UINT64_MAX);
	/* 2^31 + 1 would be more than an eldership can be. */
	memcpy(wire, "\0\0\0\0\0\0\0\1\0\1\x81\x80\x80\x80\x08\0", 16);
	rd_init(&r, wire, 16);
	CU_ASSERT_FALSE(msg_decode_in(&peer_fp_desc, &r, &out, &a, &err));
	CU_ASSERT_STRING_EQUAL(err.why, "above the maximum");
}

/* Memory that does not suffice is an error, never a smaller list; an empty one needs none. */
static void
test_arena(void)
{
	enum { ENOUGH = 24 };		/* two bytes, and two numbers of four where any object may lie */
	static const uint8_t bytes[] = { 2, 1, 2, 2, 1, 2 }, fp[8 + 1 + 1 + 1] = { 1 };
	struct msg_arena a = { memory, ENOUGH, 0 };
	struct peer_full_request out;
	struct peer_fp none;
	struct peer_msg m;
	struct msg_error err;
	struct rd r;

	for (size_t room = 0; room < ENOUGH; room++) {
		a = (struct msg_arena){ memory, room, 0 };
		rd_init(&r, bytes, sizeof(bytes));
		CU_ASSERT_FALSE(peer_msg_read(PEER_full_request, &r, &a, &m, &err));
		CU_ASSERT_STRING_EQUAL(err.why, "too large");
	}
	a = (struct msg_arena){ memory, ENOUGH, 0 };
	rd_init(&r, bytes, sizeof(bytes));
	CU_ASSERT_TRUE(peer_msg_read(PEER_full_request, &r, &a, &m, &err));
	CU_ASSERT_EQUAL(a.used, ENOUGH);
	rd_init(&r, bytes, sizeof(bytes));
	CU_ASSERT_FALSE(msg_decode(&peer_addr_desc, &r, &out, &err));
	CU_ASSERT_STRING_EQUAL(err.why, "too large");
	rd_init(&r, fp, sizeof(fp));
	CU_ASSERT_TRUE(msg_decode(&peer_fp_desc, &r, &none, &err));
	CU_ASSERT(none.eld.v == NULL && none.eld.n == 0 && rd_done(&r));
}

/* What is in memory is judged as what comes from the wire. */
static void
invalid(const struct msg_desc *d, const void *in, const char *field, const char *why)
{
	struct msg_error err = { "", "", "", 0 };

	CU_ASSERT_FALSE(msg_valid(d, in, &err));
	CU_ASSERT_STRING_EQUAL(err.field, field);
	CU_ASSERT_STRING_EQUAL(err.why, why);
}

static void
test_invalid(void)
{
	static const uint8_t one[PEER_LEVELS + 1] = { 1, 1 }, bad[] = { 0, 1 };
	static const uint32_t pos[] = { 0 };
	static const int32_t eld[] = { 0, -2 };
	const struct peer_fp fp = { .id = 1, .eld = { eld, 2 } };
	struct peer_full_request m = { { .gexp = { one, 2 }, .pos = { pos, 1 } } };
	const struct msg_desc *d = msg_find(peer_msgs, peer_n_msgs, PEER_full_request);
	struct msg_error err;

	CU_ASSERT_TRUE(msg_valid(d, &m, &err));
	m.requester.gexp.n = 0;
	invalid(d, &m, "gexp", "has a length that is not allowed");
	m.requester.gexp.n = PEER_LEVELS + 1;
	invalid(d, &m, "gexp", "has a length that is not allowed");
	m.requester.gexp.v = bad;
	m.requester.gexp.n = 2;
	invalid(d, &m, "gexp", "below the minimum");
	invalid(&peer_fp_desc, &fp, "eldership", "below the minimum");
}

static void
test_print(void)
{
	static const uint8_t gexp[] = { 1, 2 };
	static const uint32_t pos[] = { 3 };
	struct peer_msg m = { .type = PEER_full_request,
		.full_request.requester = { .gexp = { gexp, 2 }, .pos = { pos, 1 } } };
	char text[200];

	peer_msg_print(&m, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "full_request requester={addr gexp=[gexp gexp=1; gexp gexp=2] "
	    "pos=[pos pos=3]}");
	m.full_request.requester.pos.n = 0;
	peer_msg_print(&m, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "full_request requester={addr gexp=[gexp gexp=1; gexp gexp=2] "
	    "pos=[]}");
}

/* The most bytes that a list of up to MAX bytes has, and five such lists. */
static void
most(uint64_t max, size_t one, size_t five)
{
	const struct msg_field byte = { .kind = MSG_U8, .size = 1 };
	const struct msg_desc element = { .n_fields = 1, .fields = &byte };
	const struct msg_field bytes = { .kind = MSG_LIST, .max = max, .of = &element };
	const struct msg_desc list = { .n_fields = 1, .fields = &bytes };
	const struct msg_field lists = { .kind = MSG_LIST, .max = 5, .of = &list };
	const struct msg_desc all = { .n_fields = 1, .fields = &lists };

	CU_ASSERT_EQUAL(msg_wire_max(&list), one);
	CU_ASSERT_EQUAL(msg_wire_max(&all), five);
}

/* The count of a list takes three bytes at most. */
static void
test_most(void)
{
	const size_t fifth = (SIZE_MAX - 5) / 5;	/* exactly */

	CU_ASSERT_EQUAL(msg_wire_max(&peer_addr_desc), 3 + PEER_LEVELS + 3 + PEER_LEVELS * 5);
	most(0, 3, 3 + 5 * 3);
	most(7, 10, 3 + 5 * 10);
	most(fifth - 3, fifth, SIZE_MAX - 2);
	most(fifth - 2, fifth + 1, SIZE_MAX);
	most(SIZE_MAX, SIZE_MAX, SIZE_MAX);
}

static void
test_frame(void)
{
	const struct peer_frame f = { PEER_MAGIC, PEER_VERSION, PEER_etp, PEER_CALL, 7, 8, 9, 10 };
	struct msg_error err;
	struct peer_frame out;
	struct wr w;
	struct rd r;

	wr_init(&w, wire, sizeof(wire));
	msg_encode(&peer_frame_desc, &f, &w);
	CU_ASSERT_EQUAL(w.len, peer_frame_size());
	CU_ASSERT_EQUAL(memcmp(wire, "\x4e\x4b\1\x10\1\0\0\0\7\0\0\0\x8\0\0\0\x9\0\0\0\xa", w.len), 0);
	rd_init(&r, wire, w.len);
	CU_ASSERT_TRUE(msg_decode(&peer_frame_desc, &r, &out, &err));
	CU_ASSERT_EQUAL(out.length, 10);
	wire[17] = 1;
	rd_init(&r, wire, w.len);
	CU_ASSERT_FALSE(msg_decode(&peer_frame_desc, &r, &out, &err));
	CU_ASSERT_STRING_EQUAL(err.field, "length");
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "every message, written and read", test_round },
		{ "cut anywhere, or longer, it is refused", test_cut },
		{ "bytes and their meaning", test_vector },
		{ "a hello", test_hello },
		{ "each bound refuses, with its field", test_refused },
		{ "unknown types and errors", test_unknown },
		{ "elderships", test_eldership },
		{ "memory that does not suffice", test_arena },
		{ "what is wrong in memory", test_invalid },
		{ "records and lists in print", test_print },
		{ "the most bytes of lists", test_most },
		{ "the frame", test_frame },
	};

	return TAP_RUN(tests);
}
