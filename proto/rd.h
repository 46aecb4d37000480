/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_PROTO_RD_H
#define NTK_PROTO_RD_H

/*
 * Bounded reader: the only place where received bytes are addressed.
 *
 * Errors are sticky.  After the first read past the end every further call
 * returns zeroes and leaves the reader failed, so a decoder may read a whole
 * record and ask once.  Integers on the wire are in network byte order; what
 * these functions return is in host byte order.  Nothing is allocated and
 * nothing is copied but by rd_bytes().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rd {
	const uint8_t *at;	/* next byte; borrowed from the caller */
	size_t left;		/* bytes not read yet */
	bool failed;		/* a read went past the end */
};

/* Starts reading LEN bytes at DATA, which must outlive R. */
void rd_init(struct rd *r, const void *data, size_t len);

/* The next integer, or 0 when R has failed. */
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);

/*
 * The next integer of variable length (LEB128: seven bits a byte, the lowest first, the
 * eighth set when more follow).  False when it is not written in the shortest way or has more
 * than 64 bits; true with 0 when R has failed.
 */
bool rd_var(struct rd *r, uint64_t *v);

/* Copies the next LEN bytes to OUT; all zeroes when R has failed. */
void rd_bytes(struct rd *r, void *out, size_t len);

/* A pointer to the next LEN bytes, which are skipped; NULL when R has failed. */
const uint8_t *rd_take(struct rd *r, size_t len);

/* True when everything was read and nothing went past the end. */
bool rd_done(const struct rd *r);

#ifdef __cplusplus
}
#endif

#endif
