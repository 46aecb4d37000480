/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/frames.h"

#include <stdlib.h>
#include <string.h>

enum {
	KEPT = 16 * FRAMES_STEP,	/* memory above it is given back when it is empty */
};

void
frames_init(struct frames *f, uint32_t body_max)
{
	*f = (struct frames){ .body_max = body_max };
}

void
frames_free(struct frames *f)
{
	free(f->buf);
	*f = (struct frames){ .body_max = f->body_max };
}

void
frames_limit(struct frames *f, uint32_t body_max)
{
	f->body_max = body_max;
}

/* What was handed out makes room; a buffer that one large message needed is not kept for ever. */
static void
compact(struct frames *f)
{
	if (f->begin > 0 && f->end > f->begin)
		memmove(f->buf, f->buf + f->begin, f->end - f->begin);
	f->end -= f->begin;
	f->begin = 0;
	if (f->end == 0 && f->size > KEPT) {
		free(f->buf);
		f->buf = NULL;
		f->size = 0;
	}
}

uint8_t *
frames_room(struct frames *f, size_t *room)
{
	uint8_t *grown;
	size_t size;

	if (f->size - f->end < FRAMES_STEP)
		compact(f);
	if (f->size - f->end < FRAMES_STEP) {
		size = f->end * 2 > f->end + FRAMES_STEP ? f->end * 2 : f->end + FRAMES_STEP;
		grown = realloc(f->buf, size);
		if (grown == NULL)
			return NULL;
		f->buf = grown;
		f->size = size;
	}
	*room = f->size - f->end;
	return f->buf + f->end;
}

void
frames_put(struct frames *f, size_t n)
{
	f->end += n;
}

bool
frames_partial(const struct frames *f)
{
	return f->end > f->begin;
}

size_t
frames_memory(const struct frames *f)
{
	return f->size;
}

static bool
fail(struct msg_error *err, const char *message, const char *field, const char *why, uint64_t value)
{
	*err = (struct msg_error){ message, field, why, value };
	return false;
}

/* An error is one byte, a wait nothing. */
static bool
decode_refusal(struct frames_msg *m, struct rd *r, struct msg_error *err)
{
	bool is_error = m->frame.kind == PEER_ERROR;

	m->body.type = 0;
	m->error = is_error ? rd_u8(r) : 0;
	if (!rd_done(r))
		return fail(err, is_error ? "error" : "wait", "length", "not what it must be",
		    m->frame.length);
	if (is_error && m->error == 0)
		return fail(err, "error", "error", "below the minimum", 0);
	return true;
}

bool
frames_decode(struct frames_msg *m, struct rd *r, struct msg_arena *a, struct msg_error *err)
{
	const struct peer_frame *frame = &m->frame;
	uint8_t answer = peer_answer_type(frame->type);

	if (frame->kind == PEER_NOTICE) {
		if (frame->call != 0)
			return fail(err, "frame", "call", "a notice has none", frame->call);
		return peer_msg_read(frame->type, r, a, &m->body, err);
	}
	if (answer == 0)
		return fail(err, "frame", "type", "not one of a call", frame->type);
	if (frame->call == 0)
		return fail(err, "frame", "call", "below the minimum", 0);
	switch (frame->kind) {
	case PEER_CALL:
		return peer_msg_read(frame->type, r, a, &m->body, err);
	case PEER_RESULT:
		return peer_msg_read(answer, r, a, &m->body, err);
	default:
		return decode_refusal(m, r, err);
	}
}

static bool
arena_fit(struct msg_arena *a, size_t body)
{
	/* A message without a list needs none; and what is decoded is aligned. */
	size_t need = body * PEER_EXPANSION + 256;
	uint8_t *grown;

	if (need > a->size) {
		grown = realloc(a->buf, need);
		if (grown == NULL)
			return false;
		a->buf = grown;
		a->size = need;
	}
	a->used = 0;
	return true;
}

/* The frame, when it is there as a whole.  A bad one is known as soon as that. */
static enum frames_next
frame_read(struct frames *f, struct frames_msg *m, struct msg_error *err)
{
	struct rd r;

	if (f->end - f->begin < peer_frame_size())
		return FRAMES_NONE;
	rd_init(&r, f->buf + f->begin, f->end - f->begin);
	if (!msg_decode(&peer_frame_desc, &r, &m->frame, err))
		return FRAMES_BROKEN;
	if (m->frame.length > f->body_max)
		return FRAMES_LARGE;
	return r.left < m->frame.length ? FRAMES_NONE : FRAMES_MESSAGE;
}

enum frames_next
frames_next(struct frames *f, struct msg_arena *a, struct frames_msg *m, struct msg_error *err)
{
	enum frames_next next = FRAMES_BROKEN;
	struct rd r;

	if (f->broken) {
		fail(err, "stream", "", "broken before", 0);
		return FRAMES_BROKEN;
	}
	next = frame_read(f, m, err);
	if (next == FRAMES_MESSAGE && !arena_fit(a, m->frame.length))
		return FRAMES_NO_MEMORY;
	if (next == FRAMES_MESSAGE) {
		rd_init(&r, f->buf + f->begin + peer_frame_size(), m->frame.length);
		if (!frames_decode(m, &r, a, err))
			next = FRAMES_BROKEN;
		f->begin += peer_frame_size() + m->frame.length;
	}
	f->broken = next == FRAMES_BROKEN;
	return next;
}

void
frames_write(const struct peer_frame *frame, const struct peer_msg *body, uint8_t error, struct wr *w)
{
	struct peer_frame head = *frame;

	head.magic = PEER_MAGIC;
	head.version = PEER_VERSION;
	head.length = body != NULL ? (uint32_t)peer_msg_size(body) : head.kind == PEER_ERROR;
	msg_encode(&peer_frame_desc, &head, w);
	if (body != NULL)
		peer_msg_write(body, w);
	else if (head.kind == PEER_ERROR)
		wr_u8(w, error);
}
