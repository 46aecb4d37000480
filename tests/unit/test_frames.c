/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/frames.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

static uint8_t stream[1 << 16];
static size_t stream_len;
static struct frames frames;
static struct msg_arena arena;
static struct frames_msg msg;
static struct msg_error err;

static void
start(uint32_t body_max)
{
	frames_init(&frames, body_max);
	stream_len = 0;
}

static void
finish(void)
{
	frames_free(&frames);
	free(arena.buf);
	arena = (struct msg_arena){ .buf = NULL };
}

static void
append(const struct peer_frame *frame, const struct peer_msg *body, uint8_t error)
{
	struct wr w;

	wr_init(&w, stream + stream_len, sizeof(stream) - stream_len);
	frames_write(frame, body, error, &w);
	CU_ASSERT_TRUE_FATAL(wr_ok(&w));
	stream_len += w.len;
}

static const struct peer_msg destroy = { .type = PEER_destroy };
static const uint8_t gexps[] = { 1, 1, 2 };
static const uint32_t positions[] = { 1, 0, 3 };
static const struct peer_fp fingerprint = { .id = 9 };
static const struct peer_msg request = {
	.type = PEER_full_request,
	.full_request = { .requester = { { gexps, 3 }, { positions, 3 } } },
};

/* A message of every kind. */
static void
append_all(void)
{
	static const struct peer_msg prepare = {
		.type = PEER_prepare_destroy, .prepare_destroy = { .level = 3 },
	};
	static const struct peer_msg result = {
		.type = PEER_etp,
		.etp = {
			.incarnation = 1, .seq = 2, .sender = { { gexps, 3 }, { positions, 3 } },
			.fps = { &fingerprint, 1 },
			.nodes = { positions, 1 },
		},
	};

	append(&(struct peer_frame){ .type = PEER_prepare_destroy, .kind = PEER_NOTICE }, &prepare, 0);
	append(&(struct peer_frame){ .type = PEER_full_request, .kind = PEER_CALL, .call = 1,
	    .source = 2, .destination = 3 }, &request, 0);
	append(&(struct peer_frame){ .type = PEER_full_request, .kind = PEER_RESULT, .call = 5 },
	    &result, 0);
	append(&(struct peer_frame){ .type = PEER_full_request, .kind = PEER_ERROR, .call = 6 }, NULL,
	    PEER_E_BOOTSTRAP);
	append(&(struct peer_frame){ .type = PEER_full_request, .kind = PEER_WAIT, .call = 7 },
	    NULL, 0);
	append(&(struct peer_frame){ .type = PEER_destroy, .kind = PEER_NOTICE }, &destroy, 0);
}

static void
feed(const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t room;
		uint8_t *at = frames_room(&frames, &room);
		size_t n = len < room ? len : room;

		CU_ASSERT_TRUE_FATAL(at != NULL && room > 0);
		memcpy(at, data, n);
		frames_put(&frames, n);
		data += n;
		len -= n;
	}
}

static enum frames_next
next(void)
{
	return frames_next(&frames, &arena, &msg, &err);
}

static void
take_all(unsigned *n)
{
	static const uint8_t kinds[] = { PEER_NOTICE, PEER_CALL, PEER_RESULT, PEER_ERROR, PEER_WAIT,
		PEER_NOTICE };

	while (next() == FRAMES_MESSAGE) {
		CU_ASSERT_FATAL(*n < sizeof(kinds));
		CU_ASSERT_EQUAL(msg.frame.kind, kinds[*n]);
		switch ((*n)++) {
		case 0:
			CU_ASSERT_EQUAL(msg.body.prepare_destroy.level, 3);
			break;
		case 1:
			CU_ASSERT_EQUAL(msg.frame.source, 2);
			CU_ASSERT_EQUAL(msg.frame.destination, 3);
			CU_ASSERT_EQUAL(msg.body.full_request.requester.pos.v[2], 3);
			break;
		case 2:
			CU_ASSERT_EQUAL(msg.body.type, PEER_etp);
			CU_ASSERT_EQUAL(msg.body.etp.fps.v[0].id, 9);
			break;
		case 3:
			CU_ASSERT_EQUAL(msg.error, PEER_E_BOOTSTRAP);
			break;
		}
	}
}

/* Cut into two at every byte, and byte for byte. */
static void
test_pieces(void)
{
	size_t total;
	unsigned n;

	start(PEER_BODY_MAX);
	append_all();
	total = stream_len;
	CU_ASSERT(total > 6 * peer_frame_size());
	for (size_t cut = 0; cut <= total; cut++) {
		start(PEER_BODY_MAX);
		append_all();
		n = 0;
		feed(stream, cut);
		take_all(&n);
		feed(stream + cut, stream_len - cut);
		take_all(&n);
		CU_ASSERT_EQUAL(n, 6);
		CU_ASSERT_FALSE(frames_partial(&frames));
		finish();
	}
	start(PEER_BODY_MAX);
	append_all();
	n = 0;
	for (size_t i = 0; i < stream_len; i++) {
		feed(stream + i, 1);
		take_all(&n);
	}
	CU_ASSERT_EQUAL(n, 6);
	finish();
}

/* Changes the byte at AT of the last message, and reads it. */
static enum frames_next
with(size_t at, uint8_t value)
{
	frames_free(&frames);
	frames_init(&frames, PEER_BODY_MAX);
	stream[at] = value;
	feed(stream, stream_len);
	err.field = "";
	return next();
}

/* Where things are in a frame. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 2,
	AT_TYPE = 3,
	AT_KIND = 4,
	AT_CALL = 5,
	AT_LENGTH = 17,
	AT_BODY = 21,
};

static void
notice(void)
{
	stream_len = 0;
	append(&(struct peer_frame){ .type = PEER_destroy, .kind = PEER_NOTICE }, &destroy, 0);
	CU_ASSERT_EQUAL(peer_frame_size(), AT_BODY);
}

static void
call(uint8_t kind)
{
	stream_len = 0;
	append(&(struct peer_frame){ .type = PEER_full_request, .kind = kind, .call = 1 },
	    kind == PEER_CALL ? &request : NULL, PEER_E_MALFORMED);
}

#define BREAKS(what, field_) do { \
	CU_ASSERT_EQUAL(what, FRAMES_BROKEN); \
	CU_ASSERT_STRING_EQUAL(err.field, field_); \
	CU_ASSERT_EQUAL(next(), FRAMES_BROKEN); \
} while (0)

static void
test_broken(void)
{
	start(PEER_BODY_MAX);
	notice();
	CU_ASSERT_EQUAL(with(AT_BODY, 0), FRAMES_MESSAGE);
	BREAKS(with(AT_BODY, 1), "none");
	notice();
	BREAKS(with(AT_MAGIC, 0), "magic");
	notice();
	BREAKS(with(AT_VERSION, PEER_VERSION + 1), "version");
	notice();
	BREAKS(with(AT_TYPE, 250), "type");
	notice();
	BREAKS(with(AT_KIND, 0), "kind");
	notice();
	BREAKS(with(AT_KIND, 6), "kind");
	/* A notice has no number, and its type cannot be called. */
	notice();
	BREAKS(with(AT_CALL, 1), "call");
	notice();
	BREAKS(with(AT_KIND, PEER_CALL), "type");
	notice();
	BREAKS(with(AT_KIND, PEER_ERROR), "type");
	/* Longer than the limit, longer than the message. */
	notice();
	BREAKS(with(AT_LENGTH + 1, 0x11), "length");
	notice();
	BREAKS(with(AT_LENGTH + 3, 0), "none");
	stream_len = 0;
	append(&(struct peer_frame){ .type = PEER_destroy, .kind = PEER_NOTICE }, &destroy, 0);
	stream[stream_len++] = 0;
	BREAKS(with(AT_LENGTH + 3, 2), "");
	/* A call without a number; an error that is none, or longer; a wait with something in it. */
	call(PEER_CALL);
	CU_ASSERT_EQUAL(with(AT_KIND, PEER_CALL), FRAMES_MESSAGE);
	BREAKS(with(AT_CALL + 3, 0), "call");
	call(PEER_ERROR);
	CU_ASSERT_EQUAL(with(AT_KIND, PEER_ERROR), FRAMES_MESSAGE);
	BREAKS(with(AT_BODY, 0), "error");
	call(PEER_ERROR);
	BREAKS(with(AT_KIND, PEER_WAIT), "length");
	call(PEER_WAIT);
	BREAKS(with(AT_KIND, PEER_ERROR), "length");
	finish();
}

/* A broken one after good ones: these are delivered. */
static void
test_good_before_broken(void)
{
	start(PEER_BODY_MAX);
	append_all();
	memset(stream + stream_len, 0xff, 40);
	feed(stream, stream_len + 40);
	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(next(), FRAMES_MESSAGE);
	CU_ASSERT_EQUAL(next(), FRAMES_BROKEN);
	finish();
}

static void
test_large(void)
{
	start(1);
	append(&(struct peer_frame){ .type = PEER_destroy, .kind = PEER_NOTICE }, &destroy, 0);
	append(&(struct peer_frame){ .type = PEER_full_request, .kind = PEER_CALL, .call = 1 },
	    &request, 0);
	feed(stream, stream_len);
	CU_ASSERT_EQUAL(next(), FRAMES_MESSAGE);
	CU_ASSERT_EQUAL(next(), FRAMES_LARGE);
	CU_ASSERT_EQUAL(next(), FRAMES_LARGE);
	frames_limit(&frames, PEER_BODY_MAX);
	CU_ASSERT_EQUAL(next(), FRAMES_MESSAGE);
	CU_ASSERT_EQUAL(next(), FRAMES_NONE);
	finish();
}

/* A frame that promises a mebibyte takes no more memory than what came of it. */
static void
test_memory(void)
{
	static uint8_t zeroes[4096];
	size_t most = 0;

	start(PEER_BODY_MAX);
	CU_ASSERT_EQUAL(frames_memory(&frames), 0);
	append(&(struct peer_frame){ .type = PEER_etp, .kind = PEER_NOTICE }, &destroy, 0);
	stream[AT_LENGTH + 1] = 0x0f;
	feed(stream, AT_BODY);
	CU_ASSERT_EQUAL(next(), FRAMES_NONE);
	CU_ASSERT_TRUE(frames_partial(&frames));
	CU_ASSERT(frames_memory(&frames) <= 2 * FRAMES_STEP);
	for (unsigned i = 0; i < 200; i++) {
		feed(zeroes, sizeof(zeroes));
		CU_ASSERT_EQUAL(next(), FRAMES_NONE);
		most = frames_memory(&frames);
		CU_ASSERT(most <= 2 * (AT_BODY + (i + 1) * sizeof(zeroes)) + 2 * FRAMES_STEP);
	}
	CU_ASSERT(most > 200 * sizeof(zeroes));
	/* It is broken in the end; after a good one of that length the memory is given back. */
	finish();
	CU_ASSERT_EQUAL(frames_memory(&frames), 0);
}

static void
test_given_back(void)
{
	enum { PATHS = 8000 };
	static struct peer_path paths[PATHS];
	static uint8_t big[1 << 20];
	static struct peer_msg m;
	size_t room;
	struct wr w;

	m = (struct peer_msg){ .type = PEER_etp };
	m.etp.sender = request.full_request.requester;
	m.etp.fps = (struct peer_fp_list){ &fingerprint, 1 };
	m.etp.nodes = (struct peer_count_list){ positions, 1 };
	m.etp.paths = (struct peer_path_list){ paths, PATHS };
	start(PEER_BODY_MAX);
	wr_init(&w, big, sizeof(big));
	frames_write(&(struct peer_frame){ .type = PEER_etp, .kind = PEER_NOTICE }, &m, 0, &w);
	CU_ASSERT_TRUE_FATAL(wr_ok(&w));
	feed(big, w.len);
	CU_ASSERT_EQUAL(next(), FRAMES_MESSAGE);
	CU_ASSERT_EQUAL(msg.body.etp.paths.n, PATHS);
	CU_ASSERT(frames_memory(&frames) > 40000);
	CU_ASSERT_PTR_NOT_NULL(frames_room(&frames, &room));
	notice();
	feed(stream, stream_len);
	CU_ASSERT_EQUAL(next(), FRAMES_MESSAGE);
	finish();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "messages in pieces, cut at every byte", test_pieces },
		{ "what breaks a stream, and where the error is", test_broken },
		{ "what came before a broken message is delivered", test_good_before_broken },
		{ "a message above the limit waits", test_large },
		{ "memory grows with what was received", test_memory },
		{ "a large message, and a small one after it", test_given_back },
	};

	return TAP_RUN(tests);
}
