/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The border between ntkd and ntkd-priv, both ways: the input is one message.
 * What is accepted is valid, prints, and encodes to the very bytes it was read from;
 * what is refused names a field.  The input is read as a bare operation, too.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/privmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
check_error(const struct msg_error *err)
{
	check(err->message != NULL && err->field != NULL && err->why != NULL);
	check(err->message[0] != '\0' && err->field[0] != '\0' && err->why[0] != '\0');
}

/* The LEN bytes at FROM are what W holds. */
static void
check_same(const struct wr *w, const uint8_t *from, size_t len)
{
	check(wr_ok(w) && w->len == len && memcmp(w->start, from, len) == 0);
}

static void
check_print(int len, const char *text, size_t size)
{
	check(len > 0 && strlen(text) == ((size_t)len < size ? (size_t)len : size - 1));
	for (size_t i = 0; text[i] != '\0'; i++)
		check(text[i] >= 0x20 && text[i] <= 0x7e);
}

static bool
read_record(const struct msg_desc *d, struct rd *r, void *out)
{
	const uint8_t *start = r->at;
	uint8_t wire[1024];
	char text[64], whole[1024];
	struct msg_error err = { NULL, NULL, NULL, 0 };
	struct wr w;

	if (!msg_decode(d, r, out, &err)) {
		check_error(&err);
		return false;
	}
	check(msg_valid(d, out, &err));
	wr_init(&w, wire, sizeof(wire));
	msg_encode(d, out, &w);
	check_same(&w, start, (size_t)(r->at - start));
	check(w.len >= msg_wire_min(d) && w.len <= msg_wire_max(d));
	check_print(msg_print(d, out, text, sizeof(text)), text, sizeof(text));
	check_print(msg_print(d, out, whole, sizeof(whole)), whole, sizeof(whole));
	return true;
}

static bool
read_op(struct rd *r)
{
	const uint8_t *start = r->at;
	uint8_t wire[1024];
	char text[256];
	struct msg_error err = { NULL, NULL, NULL, 0 };
	struct priv_op op;
	struct wr w;

	if (!priv_op_read(r, &op, &err)) {
		check_error(&err);
		return false;
	}
	wr_init(&w, wire, sizeof(wire));
	priv_op_write(&op, &w);
	check_same(&w, start, (size_t)(r->at - start));
	check_print(priv_op_print(&op, text, sizeof(text)), text, sizeof(text));
	check(priv_op_name(op.type)[0] != '?');
	(void)priv_op_makes(op.type);
	(void)priv_op_is_last(op.type);
	return true;
}

/* The records behind the frame, as many as it says. */
static void
read_body(const struct priv_frame *f, struct rd *r)
{
	struct priv_welcome welcome;
	struct priv_interface interface;
	struct priv_result result;
	struct priv_refusal refusal;
	struct priv_check check_of;
	struct priv_checked checked;
	struct priv_difference difference;
	bool ok = f->type == PRIV_WELCOME ? read_record(&priv_welcome_desc, r, &welcome) :
	    f->type != PRIV_CHECKED || read_record(&priv_checked_desc, r, &checked);

	for (unsigned i = f->type == PRIV_CHECKED; ok && i < f->count; i++)
		switch (f->type) {
		case PRIV_APPLY:
			ok = read_op(r);
			break;
		case PRIV_WELCOME:
			ok = read_record(&priv_interface_desc, r, &interface);
			break;
		case PRIV_DONE:
			ok = read_record(&priv_result_desc, r, &result);
			break;
		case PRIV_CHECK:
			ok = read_record(&priv_check_desc, r, &check_of);
			break;
		case PRIV_CHECKED:
			ok = read_record(&priv_difference_desc, r, &difference);
			break;
		default:
			ok = false;
			break;
		}
	if (f->type == PRIV_REFUSED && read_record(&priv_refusal_desc, r, &refusal)) {
		check(priv_reason_name((enum priv_reason)refusal.reason)[0] != '?');
		check(priv_reason_text((enum priv_reason)refusal.reason)[0] != '?');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct priv_frame f;
	struct rd r;

	rd_init(&r, data, size);
	if (read_record(&priv_frame_desc, &r, &f))
		read_body(&f, &r);
	rd_init(&r, data, size);
	while (r.left != 0 && read_op(&r))
		;
	return 0;
}
