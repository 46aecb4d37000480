/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/rd.h"

#include <string.h>

void
rd_init(struct rd *r, const void *data, size_t len)
{
	r->at = data;
	r->left = len;
	r->failed = false;
}

const uint8_t *
rd_take(struct rd *r, size_t len)
{
	const uint8_t *at = r->at;

	if (r->failed || len > r->left) {
		r->failed = true;
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return at;
}

/* Big-endian integer of LEN bytes. */
static uint64_t
rd_uint(struct rd *r, size_t len)
{
	const uint8_t *at = rd_take(r, len);
	uint64_t v = 0;

	for (size_t i = 0; at != NULL && i < len; i++)
		v = v << 8 | at[i];
	return v;
}

uint8_t
rd_u8(struct rd *r)
{
	return (uint8_t)rd_uint(r, 1);
}

uint16_t
rd_u16(struct rd *r)
{
	return (uint16_t)rd_uint(r, 2);
}

uint32_t
rd_u32(struct rd *r)
{
	return (uint32_t)rd_uint(r, 4);
}

uint64_t
rd_u64(struct rd *r)
{
	return rd_uint(r, 8);
}

bool
rd_var(struct rd *r, uint64_t *v)
{
	unsigned shift = 0;
	uint8_t b;

	*v = 0;
	do {
		b = rd_u8(r);
		if (r->failed) {
			*v = 0;
			return true;
		}
		/* The tenth byte holds the 64th bit alone. */
		if (shift == 63 && b > 1)
			return false;
		*v |= (uint64_t)(b & 0x7f) << shift;
		shift += 7;
	} while ((b & 0x80) != 0);
	return b != 0 || shift == 7;
}

void
rd_bytes(struct rd *r, void *out, size_t len)
{
	const uint8_t *at = rd_take(r, len);

	if (at != NULL)
		memcpy(out, at, len);
	else
		memset(out, 0, len);
}

bool
rd_done(const struct rd *r)
{
	return !r->failed && r->left == 0;
}
