/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/wr.h"

#include <string.h>

void
wr_init(struct wr *w, void *buf, size_t size)
{
	w->start = buf;
	w->len = 0;
	w->size = size;
	w->failed = false;
}

void
wr_count(struct wr *w)
{
	wr_init(w, NULL, SIZE_MAX);
}

size_t
wr_room(const struct wr *w)
{
	return w->failed ? 0 : w->size - w->len;
}

void
wr_bytes(struct wr *w, const void *data, size_t len)
{
	if (w->failed || len > w->size - w->len) {
		w->failed = true;
		return;
	}
	if (len != 0 && w->start != NULL)
		memcpy(w->start + w->len, data, len);
	w->len += len;
}

/* Big-endian integer of LEN bytes. */
static void
wr_uint(struct wr *w, uint64_t v, size_t len)
{
	uint8_t b[8];

	for (size_t i = 0; i < len; i++)
		b[i] = (uint8_t)(v >> 8 * (len - 1 - i));
	wr_bytes(w, b, len);
}

void
wr_u8(struct wr *w, uint8_t v)
{
	wr_uint(w, v, 1);
}

void
wr_u16(struct wr *w, uint16_t v)
{
	wr_uint(w, v, 2);
}

void
wr_u32(struct wr *w, uint32_t v)
{
	wr_uint(w, v, 4);
}

void
wr_u64(struct wr *w, uint64_t v)
{
	wr_uint(w, v, 8);
}

void
wr_var(struct wr *w, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		wr_u8(w, (uint8_t)(v | 0x80));
	wr_u8(w, (uint8_t)v);
}

void
wr_patch_u16(struct wr *w, size_t at, uint16_t v)
{
	if (w->failed || w->start == NULL || at + 2 > w->len) {
		w->failed = true;
		return;
	}
	w->start[at] = (uint8_t)(v >> 8);
	w->start[at + 1] = (uint8_t)v;
}

bool
wr_ok(const struct wr *w)
{
	return !w->failed;
}
