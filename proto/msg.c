/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/msg.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool
fail(struct msg_error *err, const struct msg_desc *d, const struct msg_field *f,
    const char *why, uint64_t value)
{
	err->message = d->name;
	err->field = f->name;
	err->why = why;
	err->value = value;
	return false;
}

/* The value of an integer field; a MAC counts as the 48-bit number it is. */
static uint64_t
field_get(const struct msg_field *f, const void *msg)
{
	const uint8_t *at = (const uint8_t *)msg + f->offset;
	uint64_t v = 0;
	uint16_t v16;
	uint32_t v32;

	switch (f->kind) {
	case MSG_U8:
		return *at;
	case MSG_U16:
		memcpy(&v16, at, sizeof(v16));
		return v16;
	case MSG_U32:
	case MSG_S32:
	case MSG_IP4:
	case MSG_HANDLE:
	case MSG_V32:
	case MSG_N32:
		memcpy(&v32, at, sizeof(v32));
		return v32;
	case MSG_U64:
	case MSG_V64:
		memcpy(&v, at, sizeof(v));
		return v;
	case MSG_MAC:
		for (size_t i = 0; i < 6; i++)
			v = v << 8 | at[i];
		return v;
	case MSG_STR:
	case MSG_REC:
	case MSG_LIST:
		break;
	}
	return 0;
}

static struct msg_list
list_get(const struct msg_field *f, const void *msg)
{
	struct msg_list l;

	memcpy(&l, (const uint8_t *)msg + f->offset, sizeof(l));
	return l;
}

static const uint8_t *
list_at(const struct msg_field *f, const struct msg_list *l, size_t i)
{
	return (const uint8_t *)l->v + i * f->of->size;
}

static bool
str_valid(const struct msg_desc *d, const struct msg_field *f, const char *s,
    struct msg_error *err)
{
	size_t len = strnlen(s, f->size);

	if (len == f->size)
		return fail(err, d, f, "too long", len);
	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return fail(err, d, f, "holds a byte that is not printable",
			    (uint8_t)s[i]);
	return true;
}

static bool
list_valid(const struct msg_desc *d, const struct msg_field *f, const void *msg,
    struct msg_error *err)
{
	struct msg_list l = list_get(f, msg);

	if (l.n < f->min || l.n > f->max)
		return fail(err, d, f, "has a length that is not allowed", l.n);
	for (size_t i = 0; i < l.n; i++)
		if (!msg_valid(f->of, list_at(f, &l, i), err))
			return false;
	return true;
}

static bool
field_valid(const struct msg_desc *d, const struct msg_field *f, const void *msg,
    struct msg_error *err)
{
	uint64_t v = field_get(f, msg);

	if (f->kind == MSG_STR)
		return str_valid(d, f, (const char *)msg + f->offset, err);
	if (f->kind == MSG_REC)
		return msg_valid(f->of, (const uint8_t *)msg + f->offset, err);
	if (f->kind == MSG_LIST)
		return list_valid(d, f, msg, err);
	if (f->kind == MSG_S32)
		return true;
	if (f->kind == MSG_N32)
		return (int32_t)(uint32_t)v >= -1 || fail(err, d, f, "below the minimum", v);
	if (f->kind == MSG_MAC) {
		if (f->min != 0 && v == 0)
			return fail(err, d, f, "is all zeroes", v);
		if (f->min != 0 && (v >> 40 & 1) != 0)
			return fail(err, d, f, "is a multicast address", v);
		return true;
	}
	if (v < f->min)
		return fail(err, d, f, "below the minimum", v);
	if (v > f->max)
		return fail(err, d, f, "above the maximum", v);
	return true;
}

/* A string that does not fit its member makes the reader fail. */
static bool
str_decode(const struct msg_desc *d, const struct msg_field *f, struct rd *r, void *out,
    struct msg_error *err)
{
	size_t len = rd_u8(r);

	if (len >= f->size)
		return fail(err, d, f, "too long", len);
	rd_bytes(r, (uint8_t *)out + f->offset, len);
	if (strnlen((char *)out + f->offset, f->size) != len && !r->failed)
		return fail(err, d, f, "holds a byte that is not printable", 0);
	return true;
}

/* An integer of variable length that fits into FIELD; N32 travels as one more than it is. */
static bool
var_decode(const struct msg_desc *d, const struct msg_field *f, struct rd *r, void *at,
    struct msg_error *err)
{
	uint64_t v;
	uint32_t v32;

	if (!rd_var(r, &v))
		return fail(err, d, f, "is not written in the shortest way", 0);
	if (f->kind == MSG_V64) {
		memcpy(at, &v, sizeof(v));
		return true;
	}
	if (v > (f->kind == MSG_N32 ? (uint64_t)INT32_MAX + 1 : UINT32_MAX))
		return fail(err, d, f, "above the maximum", v);
	v32 = (uint32_t)v - (f->kind == MSG_N32);
	memcpy(at, &v32, sizeof(v32));
	return true;
}

/* Zeroed memory for N elements of SIZE bytes; NULL when A has no room, or there is none. */
static void *
arena_take(struct msg_arena *a, size_t n, size_t size)
{
	enum { ALIGN = _Alignof(max_align_t) };
	size_t used = a != NULL ? (a->used + ALIGN - 1) / ALIGN * ALIGN : 0;

	if (a == NULL || used > a->size || n > (a->size - used) / size)
		return NULL;
	a->used = used + n * size;
	return memset(a->buf + used, 0, n * size);
}

static bool
list_decode(const struct msg_desc *d, const struct msg_field *f, struct rd *r, void *at,
    struct msg_arena *a, struct msg_error *err)
{
	struct msg_list l = { NULL, 0 };
	uint64_t n;
	uint8_t *v;

	if (!rd_var(r, &n))
		return fail(err, d, f, "is not written in the shortest way", 0);
	if (r->failed)
		return fail(err, d, f, "truncated", 0);
	if (n < f->min || n > f->max)
		return fail(err, d, f, "has a length that is not allowed", n);
	if (n > r->left / msg_wire_min(f->of))
		return fail(err, d, f, "truncated", n);
	if (n == 0)
		return true;
	v = arena_take(a, (size_t)n, f->of->size);
	if (v == NULL)
		return fail(err, d, f, "too large", n);
	l.v = v;
	l.n = (uint16_t)n;
	for (size_t i = 0; i < n; i++)
		if (!msg_decode_in(f->of, r, v + i * f->of->size, a, err))
			return false;
	memcpy(at, &l, sizeof(l));
	return true;
}

static bool
field_decode(const struct msg_desc *d, const struct msg_field *f, struct rd *r, void *out,
    struct msg_arena *a, struct msg_error *err)
{
	uint8_t *at = (uint8_t *)out + f->offset;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (f->kind) {
	case MSG_U8:
		*at = rd_u8(r);
		break;
	case MSG_U16:
		v16 = rd_u16(r);
		memcpy(at, &v16, sizeof(v16));
		break;
	case MSG_U32:
	case MSG_S32:
	case MSG_IP4:
	case MSG_HANDLE:
		v32 = rd_u32(r);
		memcpy(at, &v32, sizeof(v32));
		break;
	case MSG_MAC:
		rd_bytes(r, at, 6);
		break;
	case MSG_STR:
		if (!str_decode(d, f, r, out, err))
			return false;
		break;
	case MSG_U64:
		v64 = rd_u64(r);
		memcpy(at, &v64, sizeof(v64));
		break;
	case MSG_V32:
	case MSG_V64:
	case MSG_N32:
		if (!var_decode(d, f, r, at, err))
			return false;
		break;
	case MSG_REC:
		return msg_decode_in(f->of, r, at, a, err);
	case MSG_LIST:
		return list_decode(d, f, r, at, a, err);
	}
	if (r->failed)
		return fail(err, d, f, "truncated", 0);
	return field_valid(d, f, out, err);
}

bool
msg_decode_in(const struct msg_desc *d, struct rd *r, void *out, struct msg_arena *a,
    struct msg_error *err)
{
	memset(out, 0, d->size);
	for (size_t i = 0; i < d->n_fields; i++)
		if (!field_decode(d, &d->fields[i], r, out, a, err))
			return false;
	return true;
}

bool
msg_decode(const struct msg_desc *d, struct rd *r, void *out, struct msg_error *err)
{
	return msg_decode_in(d, r, out, NULL, err);
}

bool
msg_valid(const struct msg_desc *d, const void *in, struct msg_error *err)
{
	for (size_t i = 0; i < d->n_fields; i++)
		if (!field_valid(d, &d->fields[i], in, err))
			return false;
	return true;
}

static void
list_encode(const struct msg_field *f, const void *in, struct wr *w)
{
	struct msg_list l = list_get(f, in);

	wr_var(w, l.n);
	for (size_t i = 0; i < l.n; i++)
		msg_encode(f->of, list_at(f, &l, i), w);
}

void
msg_encode(const struct msg_desc *d, const void *in, struct wr *w)
{
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct msg_field *f = &d->fields[i];
		const uint8_t *at = (const uint8_t *)in + f->offset;
		uint64_t v = field_get(f, in);
		size_t len;

		switch (f->kind) {
		case MSG_U8:
			wr_u8(w, (uint8_t)v);
			break;
		case MSG_U16:
			wr_u16(w, (uint16_t)v);
			break;
		case MSG_U32:
		case MSG_S32:
		case MSG_IP4:
		case MSG_HANDLE:
			wr_u32(w, (uint32_t)v);
			break;
		case MSG_MAC:
			wr_bytes(w, at, 6);
			break;
		case MSG_STR:
			len = strnlen((const char *)at, f->size - 1);
			wr_u8(w, (uint8_t)len);
			wr_bytes(w, at, len);
			break;
		case MSG_U64:
			wr_u64(w, v);
			break;
		case MSG_V32:
		case MSG_V64:
			wr_var(w, v);
			break;
		case MSG_N32:
			wr_var(w, (uint32_t)((uint32_t)v + 1));
			break;
		case MSG_REC:
			msg_encode(f->of, at, w);
			break;
		case MSG_LIST:
			list_encode(f, in, w);
			break;
		}
	}
}

/* Text that grows towards a bound, counting what did not fit. */
struct text {
	char *buf;
	size_t size;
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	size_t room = t->len < t->size ? t->size - t->len : 0;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room != 0 ? t->buf + t->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
}

static void record_print(struct text *t, const struct msg_desc *d, const void *in);

static void
list_print(struct text *t, const struct msg_field *f, const void *in)
{
	struct msg_list l = list_get(f, in);

	text_add(t, " %s=[", f->name);
	for (size_t i = 0; i < l.n; i++) {
		text_add(t, i != 0 ? "; " : "");
		record_print(t, f->of, list_at(f, &l, i));
	}
	text_add(t, "]");
}

static void
field_print(struct text *t, const struct msg_field *f, const void *in)
{
	const uint8_t *at = (const uint8_t *)in + f->offset;
	uint64_t v = field_get(f, in);

	switch (f->kind) {
	case MSG_U8:
	case MSG_U16:
	case MSG_U32:
	case MSG_U64:
	case MSG_V32:
	case MSG_V64:
		text_add(t, " %s=%llu", f->name, (unsigned long long)v);
		break;
	case MSG_S32:
	case MSG_N32:
		text_add(t, " %s=%d", f->name, (int)(int32_t)v);
		break;
	case MSG_IP4:
		text_add(t, " %s=%u.%u.%u.%u", f->name, (unsigned)(v >> 24 & 255),
		    (unsigned)(v >> 16 & 255), (unsigned)(v >> 8 & 255), (unsigned)(v & 255));
		break;
	case MSG_HANDLE:
		text_add(t, " %s=0x%08llx", f->name, (unsigned long long)v);
		break;
	case MSG_MAC:
		text_add(t, " %s=%02x:%02x:%02x:%02x:%02x:%02x", f->name, at[0], at[1],
		    at[2], at[3], at[4], at[5]);
		break;
	case MSG_STR:
		text_add(t, " %s=\"%.*s\"", f->name, (int)f->size, (const char *)at);
		break;
	case MSG_REC:
		text_add(t, " %s={", f->name);
		record_print(t, f->of, at);
		text_add(t, "}");
		break;
	case MSG_LIST:
		list_print(t, f, in);
		break;
	}
}

static void
record_print(struct text *t, const struct msg_desc *d, const void *in)
{
	text_add(t, "%s", d->name);
	for (size_t i = 0; i < d->n_fields; i++)
		field_print(t, &d->fields[i], in);
}

int
msg_print(const struct msg_desc *d, const void *in, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size, .len = 0 };

	record_print(&t, d, in);
	return (int)t.len;
}

static size_t
saturated_sum(size_t a, size_t b)
{
	return a < SIZE_MAX - b ? a + b : SIZE_MAX;
}

static size_t
field_wire_max(const struct msg_field *f)
{
	size_t one;

	switch (f->kind) {
	case MSG_V32:
	case MSG_N32:
		return 5;
	case MSG_V64:
		return 10;
	case MSG_REC:
		return msg_wire_max(f->of);
	case MSG_LIST:
		one = msg_wire_max(f->of);
		return f->max != 0 && one > (SIZE_MAX - 3) / f->max ? SIZE_MAX :
		    3 + (size_t)f->max * one;
	default:
		return f->size;
	}
}

static size_t
field_wire_min(const struct msg_field *f)
{
	switch (f->kind) {
	case MSG_STR:
	case MSG_V32:
	case MSG_V64:
	case MSG_N32:
		return 1;
	case MSG_REC:
		return msg_wire_min(f->of);
	case MSG_LIST:
		return 1 + (size_t)f->min * msg_wire_min(f->of);
	default:
		return f->size;
	}
}

size_t
msg_wire_min(const struct msg_desc *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_fields; i++)
		n += field_wire_min(&d->fields[i]);
	return n;
}

size_t
msg_wire_max(const struct msg_desc *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_fields; i++)
		n = saturated_sum(n, field_wire_max(&d->fields[i]));
	return n;
}

const struct msg_desc *
msg_find(const struct msg_desc *d, size_t n, uint8_t type)
{
	for (size_t i = 0; i < n; i++)
		if (d[i].type == type)
			return &d[i];
	return NULL;
}
