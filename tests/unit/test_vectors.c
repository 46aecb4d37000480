/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The test vectors of tests/vectors, whose format is in ntkd-protocol(7): what is written from a
 * meaning are the bytes, what is read from the bytes is the meaning, and what must be refused is,
 * for the reason that stands there.  The bytes were made by another implementation
 * (tests/make-vectors).
 */

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/peermsg.h"
#include "tests/unit/tap.h"

enum {
	ROOM = 1 << 16,
	POOL = 1 << 20,
	TEXT = 400,
};

static uint8_t wire[ROOM], memory[POOL], pool[POOL];
static size_t pool_used;

static bool
is_element(const struct msg_desc *d)
{
	return d->type == 0 && d->n_fields == 1 && strcmp(d->name, d->fields[0].name) == 0;
}

/* --- a meaning becomes a message -------------------------------------------------------- */

static bool from_json(const struct msg_desc *d, const json_t *j, uint8_t *out);

static void
store(const struct msg_field *f, uint8_t *at, uint64_t v)
{
	const uint8_t v8 = (uint8_t)v;
	const uint16_t v16 = (uint16_t)v;
	const uint32_t v32 = (uint32_t)v;
	const void *from = f->size == 1 ? (const void *)&v8 : f->size == 2 ? (const void *)&v16 :
	    f->size == 4 ? (const void *)&v32 : &v;

	memcpy(at, from, f->size);
}

static bool
list_from_json(const struct msg_field *f, const json_t *j, uint8_t *at)
{
	struct msg_list l = { NULL, (uint16_t)json_array_size(j) };
	uint8_t *v;

	pool_used = (pool_used + 15) / 16 * 16;
	v = pool + pool_used;
	pool_used += l.n * f->of->size;
	if (!json_is_array(j) || pool_used > sizeof(pool))
		return false;
	for (size_t i = 0; i < l.n; i++)
		if (!from_json(f->of, json_array_get(j, i), v + i * f->of->size))
			return false;
	l.v = l.n != 0 ? v : NULL;
	memcpy(at, &l, sizeof(l));
	return true;
}

static bool
text_from_json(const struct msg_field *f, const char *s, uint8_t *at)
{
	unsigned b[6];
	char end;

	if (f->kind == MSG_STR && strlen(s) < f->size) {
		memcpy(at, s, strlen(s) + 1);
		return true;
	}
	if (f->kind == MSG_MAC && sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3],
	    &b[4], &b[5], &end) == 6) {
		for (size_t i = 0; i < 6; i++)
			at[i] = (uint8_t)b[i];
		return true;
	}
	if (f->kind == MSG_IP4 && sscanf(s, "%u.%u.%u.%u%c", &b[0], &b[1], &b[2], &b[3], &end) == 4) {
		store(f, at, b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]);
		return true;
	}
	if (f->kind == MSG_U64 || f->kind == MSG_V64) {
		store(f, at, strtoull(s, NULL, 10));
		return true;
	}
	return false;
}

static bool
field_from_json(const struct msg_field *f, const json_t *j, uint8_t *at)
{
	if (f->kind == MSG_LIST)
		return list_from_json(f, j, at);
	if (f->kind == MSG_REC)
		return from_json(f->of, j, at);
	if (json_is_string(j))
		return text_from_json(f, json_string_value(j), at);
	store(f, at, (uint64_t)json_integer_value(j));
	return json_is_integer(j);
}

/* False when J is not a meaning of D: a field is missing, another is there, or of another kind. */
static bool
from_json(const struct msg_desc *d, const json_t *j, uint8_t *out)
{
	memset(out, 0, d->size);
	if (is_element(d))
		return field_from_json(&d->fields[0], j, out);
	if (json_object_size(j) != d->n_fields)
		return false;
	for (size_t i = 0; i < d->n_fields; i++)
		if (!field_from_json(&d->fields[i], json_object_get(j, d->fields[i].name),
		    out + d->fields[i].offset))
			return false;
	return true;
}

/* --- the table against which all is read ---------------------------------------------------- */

static const struct msg_desc *
find(const char *name)
{
	for (size_t i = 0; i < peer_n_parts; i++)
		if (strcmp(peer_parts[i]->name, name) == 0)
			return peer_parts[i];
	for (size_t i = 0; i < peer_n_msgs; i++)
		if (strcmp(peer_msgs[i].name, name) == 0)
			return &peer_msgs[i];
	return NULL;
}

/* Decodes a block of exactly LEN bytes as one D and nothing more, as peer_msg_read() does. */
static bool
read_one(const struct msg_desc *d, const uint8_t *data, size_t len, uint8_t *out,
    struct msg_error *err)
{
	struct msg_arena a = { memory, sizeof(memory), 0 };
	uint8_t *copy = malloc(len + (len == 0));
	struct rd r;
	bool ok;

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	memcpy(copy, data, len);
	rd_init(&r, copy, len);
	ok = msg_decode_in(d, &r, out, &a, err);
	if (ok && !rd_done(&r)) {
		*err = (struct msg_error){ d->name, "", "bytes are left over", 0 };
		ok = false;
	}
	free(copy);
	return ok;
}

static size_t
from_hex(const char *hex, uint8_t *out, size_t size)
{
	size_t n = strlen(hex) / 2;
	unsigned b;

	CU_ASSERT_TRUE_FATAL(strlen(hex) % 2 == 0 && n <= size);
	for (size_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL_FATAL(sscanf(hex + 2 * i, "%2x", &b), 1);
		out[i] = (uint8_t)b;
	}
	return n;
}

/* --- one vector -------------------------------------------------------------------------- */

static const char *
text_of(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static void
complain(const struct msg_desc *d, const json_t *v, const char *what)
{
	tap_note("%s, \"%s\": %s", d->name, text_of(v, "name"), what);
	CU_FAIL("a vector does not hold");
}

/* DATA means MEANING, and the other way round. */
static void
accepted(const struct msg_desc *d, const json_t *v, const json_t *meaning, const uint8_t *data,
    size_t len)
{
	static uint8_t in[POOL], out[POOL], back[ROOM];
	static char x[1 << 20], y[1 << 20];
	char why[TEXT];
	struct msg_error err;
	struct wr w;

	pool_used = 0;
	CU_ASSERT_TRUE_FATAL(d->size <= sizeof(in));
	if (!from_json(d, meaning, in)) {
		complain(d, v, "the meaning has not the fields of the table");
		return;
	}
	wr_init(&w, back, sizeof(back));
	msg_encode(d, in, &w);
	if (!wr_ok(&w) || w.len != len || memcmp(back, data, len) != 0)
		complain(d, v, "the meaning is written in other bytes");
	if (!msg_valid(d, in, &err))
		complain(d, v, "the meaning is not within the bounds");
	if (!read_one(d, data, len, out, &err)) {
		snprintf(why, sizeof(why), "refused: %s %s %s", err.message, err.field, err.why);
		complain(d, v, why);
		return;
	}
	msg_print(d, in, x, sizeof(x));
	msg_print(d, out, y, sizeof(y));
	if (strcmp(x, y) != 0)
		complain(d, v, "the bytes mean something else");
}

static void
refused(const struct msg_desc *d, const json_t *v, const json_t *what, const uint8_t *data,
    size_t len)
{
	static uint8_t out[POOL];
	struct msg_error err;
	char why[TEXT];

	if (read_one(d, data, len, out, &err)) {
		complain(d, v, "it was read");
		return;
	}
	if (strcmp(err.message, text_of(what, "in")) == 0 &&
	    strcmp(err.field, text_of(what, "field")) == 0 && strcmp(err.why, text_of(what, "why")) == 0)
		return;
	snprintf(why, sizeof(why), "refused by %s %s for \"%s\"", err.message, err.field, err.why);
	complain(d, v, why);
}

static json_t *
load(const char *name)
{
	char path[4096];
	json_error_t err;
	json_t *j;

	snprintf(path, sizeof(path), "%s/tests/vectors/%s.json", tap_srcdir(), name);
	j = json_load_file(path, JSON_REJECT_DUPLICATES, &err);
	if (j == NULL)
		tap_note("%s, line %d: %s (\"make vectors\" writes it)", path, err.line, err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	CU_ASSERT_TRUE_FATAL(json_array_size(json_object_get(j, "vectors")) > 0);
	return j;
}

struct tally {
	unsigned accepted;
	unsigned refused;
};

static struct tally
check_file(const struct msg_desc *d, const char *kind)
{
	json_t *file = load(d->name), *list = json_object_get(file, "vectors");
	struct tally n = { 0, 0 };

	CU_ASSERT_STRING_EQUAL(text_of(file, kind), d->name);
	if (d->type != 0)
		CU_ASSERT_EQUAL(json_integer_value(json_object_get(file, "number")), d->type);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i), *what = json_object_get(v, "refused");
		size_t len = from_hex(text_of(v, "bytes"), wire, sizeof(wire));

		if (what != NULL) {
			refused(d, v, what, wire, len);
			n.refused++;
		} else {
			accepted(d, v, json_object_get(v, "meaning"), wire, len);
			n.accepted++;
		}
	}
	json_decref(file);
	return n;
}

/* --- tests ------------------------------------------------------------------------------- */

static void
test_parts(void)
{
	struct tally all = { 0, 0 };

	for (size_t i = 0; i < peer_n_parts; i++) {
		struct tally n = check_file(peer_parts[i], is_element(peer_parts[i]) ? "element" : "record");

		CU_ASSERT_TRUE(n.accepted > 0 && n.refused > 0);
		all.accepted += n.accepted;
		all.refused += n.refused;
	}
	tap_note("%zu elements and records: %u accepted, %u refused", peer_n_parts, all.accepted,
	    all.refused);
}

static void
test_messages(void)
{
	struct tally all = { 0, 0 };

	for (size_t i = 0; i < peer_n_msgs; i++) {
		struct tally n = check_file(&peer_msgs[i], "message");

		CU_ASSERT_TRUE(n.accepted > 0 && n.refused > 0);
		all.accepted += n.accepted;
		all.refused += n.refused;
	}
	tap_note("%zu messages: %u accepted, %u refused", peer_n_msgs, all.accepted, all.refused);
}

/* The body that follows frame F is what the vector says. */
static void
check_body(const struct peer_frame *f, const json_t *v, const uint8_t *body)
{
	const char *error = json_string_value(json_object_get(v, "error"));
	const struct msg_desc *d;

	CU_ASSERT_EQUAL(error != NULL, f->kind == PEER_ERROR);
	if (f->kind == PEER_ERROR) {
		CU_ASSERT_EQUAL_FATAL(f->length, 1);
		CU_ASSERT_STRING_EQUAL(peer_error_name(body[0]), error);
		return;
	}
	if (f->kind == PEER_WAIT) {
		CU_ASSERT_EQUAL(f->length, 0);
		return;
	}
	d = find(text_of(v, "message"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(d->type, f->kind == PEER_RESULT ? peer_answer_type(f->type) : f->type);
	accepted(d, v, json_object_get(v, "meaning"), body, f->length);
}

static void
test_packets(void)
{
	json_t *file = load("packets"), *list = json_object_get(file, "vectors");
	unsigned kinds = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		size_t len = from_hex(text_of(v, "bytes"), wire, sizeof(wire)), head = peer_frame_size();
		struct peer_frame f;
		struct msg_error err;
		struct rd r;

		CU_ASSERT_TRUE_FATAL(len >= head);
		accepted(&peer_frame_desc, v, json_object_get(v, "frame"), wire, head);
		rd_init(&r, wire, head);
		CU_ASSERT_TRUE_FATAL(msg_decode(&peer_frame_desc, &r, &f, &err));
		CU_ASSERT_EQUAL_FATAL(f.length, len - head);
		check_body(&f, v, wire + head);
		kinds |= 1U << f.kind;
	}
	CU_ASSERT_EQUAL(kinds, 0x3e);		/* each kind was there */
	json_decref(file);
}

/* No file is left of a message that is no more. */
static void
test_no_other(void)
{
	char path[4096];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/tests/vectors", tap_srcdir());
	dir = opendir(path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	while ((e = readdir(dir)) != NULL) {
		char name[64] = "";

		if (e->d_name[0] == '.' || strcmp(e->d_name, "packets.json") == 0)
			continue;
		sscanf(e->d_name, "%63[^.].json", name);
		if (find(name) == NULL) {
			tap_note("%s/%s is of nothing in the tables", path, e->d_name);
			CU_FAIL("a file that nobody reads");
		}
	}
	closedir(dir);
}

/* A vector that does not hold is noticed: each kind of difference once, on a copy. */
static void
test_notices(void)
{
	static uint8_t out[POOL];
	json_t *meaning = json_pack("{s[ii] s[ii]}", "gexp", 1, 2, "pos", 1, 2);
	json_t *more = json_pack("{s[ii] s[ii] si}", "gexp", 1, 2, "pos", 1, 2, "x", 1);
	json_t *other = json_pack("{s[ii] s[is]}", "gexp", 1, 2, "pos", 1, "2");
	struct msg_error err;
	struct wr w;

	pool_used = 0;
	CU_ASSERT_TRUE_FATAL(from_json(&peer_addr_desc, meaning, out));
	wr_init(&w, wire, sizeof(wire));
	msg_encode(&peer_addr_desc, out, &w);
	CU_ASSERT_EQUAL(w.len, 6);
	CU_ASSERT_EQUAL(memcmp(wire, "\2\1\2\2\1\2", 6), 0);
	CU_ASSERT_FALSE(from_json(&peer_addr_desc, more, out));
	CU_ASSERT_FALSE(from_json(&peer_addr_desc, other, out));
	CU_ASSERT_FALSE(read_one(&peer_addr_desc, wire, 5, out, &err));
	CU_ASSERT_FALSE(read_one(&peer_addr_desc, (const uint8_t *)"\1\1\1\1\1", 5, out, &err));
	CU_ASSERT_STRING_EQUAL(err.why, "bytes are left over");
	json_decref(meaning);
	json_decref(more);
	json_decref(other);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "elements and records", test_parts },
		{ "messages", test_messages },
		{ "packets: frames and bodies of every kind", test_packets },
		{ "every file is of something", test_no_other },
		{ "what is no meaning of a table is noticed", test_notices },
	};

	return TAP_RUN(tests);
}
