/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream of a neighbour, in pieces: the first two bytes choose how it is cut and the limit on
 * bodies, the rest is the stream.  However it is cut, the same messages come out as from a reader
 * that has it all before it, up to the same end; and no more memory is held than what was received asks
 * for.  The messages are then given to the book of calls, whose counts must agree with a list.
 */
#include <string.h>

#include "ntkd/io/calls.h"
#include "ntkd/io/frames.h"
#include "tests/fuzz/fuzz.h"

enum { HEAD = 21 };	/* bytes of a frame */

/* What came out, in a form that can be compared: the frame, the error, the body written again. */
struct result {
	uint8_t *bytes;
	size_t len;
	size_t messages;
	enum frames_next end;
};

static void
result_put(struct result *r, const struct frames_msg *m)
{
	const struct peer_msg *body = m->frame.kind < PEER_ERROR ? &m->body : NULL;
	size_t size = HEAD + 1 + (body != NULL ? peer_msg_size(body) : 1);
	struct wr w;

	r->bytes = realloc(r->bytes, r->len + size);
	must(r->bytes != NULL);
	wr_init(&w, r->bytes + r->len, size);
	frames_write(&m->frame, body, m->error, &w);
	wr_u8(&w, m->body.type);
	must(wr_ok(&w));
	r->len += w.len;
	r->messages++;
}

/* --- the reader that has it all --------------------------------------------------- */

static uint32_t
u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The body of M, LEN bytes at AT. */
static bool
oracle_body(struct frames_msg *m, const uint8_t *at, struct msg_arena *a)
{
	uint8_t type = m->frame.type, answer = peer_answer_type(type);
	uint32_t len = m->frame.length;
	struct msg_error err;
	struct rd r;

	if ((m->frame.kind == PEER_NOTICE) != (m->frame.call == 0))
		return false;
	if (m->frame.kind != PEER_NOTICE && answer == 0)
		return false;
	if (m->frame.kind == PEER_WAIT)
		return len == 0;
	if (m->frame.kind == PEER_ERROR) {
		m->error = len == 1 ? at[0] : 0;
		return m->error != 0;
	}
	rd_init(&r, at, len);
	return peer_msg_read(m->frame.kind == PEER_RESULT ? answer : type, &r, a, &m->body, &err);
}

/* One message at the beginning of the LEN bytes at AT. */
static enum frames_next
oracle_one(const uint8_t *at, size_t len, uint32_t body_max, struct result *out, size_t *used)
{
	struct frames_msg m = { .error = 0 };
	struct msg_arena a;
	bool ok;

	if (len < HEAD)
		return FRAMES_NONE;
	m.frame = (struct peer_frame){ (uint16_t)(at[0] << 8 | at[1]), at[2], at[3], at[4], u32(at + 5),
		u32(at + 9), u32(at + 13), u32(at + 17) };
	if (m.frame.magic != 0x4e4b || m.frame.version != 1 || m.frame.type == 0 ||
	    m.frame.kind < 1 || m.frame.kind > 5 || m.frame.length > 1 << 20)
		return FRAMES_BROKEN;
	if (m.frame.length > body_max)
		return FRAMES_LARGE;
	if (len - HEAD < m.frame.length)
		return FRAMES_NONE;
	a = (struct msg_arena){ .size = (size_t)m.frame.length * PEER_EXPANSION + 256 };
	a.buf = malloc(a.size);
	must(a.buf != NULL);
	ok = oracle_body(&m, at + HEAD, &a);
	if (ok)
		result_put(out, &m);
	free(a.buf);
	*used = HEAD + m.frame.length;
	return ok ? FRAMES_MESSAGE : FRAMES_BROKEN;
}

static void
oracle(const uint8_t *data, size_t size, uint32_t body_max, struct result *out)
{
	size_t used = 0;

	for (size_t at = 0; ; at += used) {
		out->end = oracle_one(data + at, size - at, body_max, out, &used);
		if (out->end != FRAMES_MESSAGE)
			return;
	}
}

/* --- the book of calls ---------------------------------------------------------------- */

static void
book(struct calls *c, const struct frames_msg *m, size_t *open)
{
	struct call_in in = { m->frame.call, m->frame.type, m->frame.source, m->frame.destination };
	struct call_out ours = { .type = m->frame.type, .source = m->frame.destination,
		.destination = m->frame.source, .token = m->frame.call, .limit = m->frame.call };
	uint64_t token;
	bool was;

	switch (m->frame.kind) {
	case PEER_CALL:
		was = calls_owed(c, in.id) != NULL;
		must(calls_received(c, &in) == (!was && c->n_in < CALLS_OPEN) || c->n_in == CALLS_OPEN);
		must(calls_owed(c, in.id) != NULL || c->n_in == CALLS_OPEN);
		*open += calls_begin(c, &ours, 1000) != 0;
		break;
	case PEER_RESULT:
	case PEER_ERROR:
		*open -= calls_end(c, &in, false, 2000, &token) == CALLS_MATCH;
		(void)calls_answered(c, in.id);
		must(calls_owed(c, in.id) == NULL);
		break;
	case PEER_WAIT:
		(void)calls_end(c, &in, true, 2000, &token);
		break;
	default:
		break;
	}
	must(c->n_out == *open && *open <= CALLS_OPEN && c->n_in <= CALLS_OPEN);
}

static void
book_close(struct calls *c, size_t open)
{
	uint64_t last = 0, at, token;
	uint8_t type;

	while ((at = calls_deadline(c)) != CALLS_NEVER) {
		must(at >= last && open > 0);
		last = at;
		must(!calls_expire(c, at - 1, &type, &token) && calls_expire(c, at, &type, &token));
		open--;
	}
	must(open == 0);
	calls_free(c);
}

/* --- in pieces ------------------------------------------------------------------------- */

static void
take(struct frames *f, struct msg_arena *a, struct result *out, struct calls *c, size_t *open)
{
	struct msg_error err = { NULL, NULL, NULL, 0 };
	struct frames_msg m;

	while ((out->end = frames_next(f, a, &m, &err)) == FRAMES_MESSAGE) {
		result_put(out, &m);
		book(c, &m, open);
	}
	must(out->end != FRAMES_BROKEN || (err.message != NULL && err.why[0] != '\0'));
	must(out->end != FRAMES_NO_MEMORY);
}

static void
in_pieces(const uint8_t *data, size_t size, uint8_t cut, uint32_t body_max, struct result *out)
{
	struct msg_arena a = { .buf = NULL };
	uint32_t dice = cut;
	size_t room, n, open = 0, at = 0;
	struct frames f;
	struct calls c;

	frames_init(&f, body_max);
	calls_init(&c);
	take(&f, &a, out, &c, &open);
	while (at < size) {
		uint8_t *to = frames_room(&f, &room);

		must(to != NULL && room > 0);
		/* Whole, byte for byte, or as it comes. */
		dice = dice * 1664525 + 1013904223;
		n = cut == 0 ? room : cut == 1 ? 1 : 1 + (dice >> 24) % cut;
		n = n < room ? n : room;
		n = n < size - at ? n : size - at;
		memcpy(to, data + at, n);
		frames_put(&f, n);
		at += n;
		must(frames_memory(&f) <= 2 * at + 2 * FRAMES_STEP);
		take(&f, &a, out, &c, &open);
	}
	must(out->end == FRAMES_NONE || frames_partial(&f) || out->end == FRAMES_BROKEN);
	book_close(&c, open);
	frames_free(&f);
	free(a.buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result want = { .end = FRAMES_NONE }, have = { .end = FRAMES_NONE };
	uint32_t body_max;

	if (size < 2)
		return 0;
	body_max = data[1] == 0 ? PEER_BODY_MAX : data[1] * UINT32_C(8);
	oracle(data + 2, size - 2, body_max, &want);
	in_pieces(data + 2, size - 2, data[0], body_max, &have);
	must(want.end == have.end && want.messages == have.messages && want.len == have.len);
	must(want.len == 0 || memcmp(want.bytes, have.bytes, want.len) == 0);
	free(want.bytes);
	free(have.bytes);
	return 0;
}
