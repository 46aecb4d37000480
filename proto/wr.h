/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_PROTO_WR_H
#define NTK_PROTO_WR_H

/*
 * Bounded writer: the mirror of rd.h.  Errors are sticky: once something did
 * not fit, nothing more is written and wr_ok() is false.  Integers are given
 * in host byte order and written in network byte order.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wr {
	uint8_t *start;		/* the caller's buffer, NULL when only counting */
	size_t len;		/* bytes written */
	size_t size;		/* bytes there is room for */
	bool failed;		/* something did not fit */
};

/* Starts writing to the SIZE bytes at BUF, which must outlive W. */
void wr_init(struct wr *w, void *buf, size_t size);

/* Starts counting: everything fits and is written nowhere; W->len tells how much it was. */
void wr_count(struct wr *w);

void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_var(struct wr *w, uint64_t v);	/* as rd_var() reads it */
void wr_bytes(struct wr *w, const void *data, size_t len);

/* Overwrites the 16 bits at offset AT, which must have been written already. */
void wr_patch_u16(struct wr *w, size_t at, uint16_t v);

/* Bytes that still fit. */
size_t wr_room(const struct wr *w);

/* True when everything fitted. */
bool wr_ok(const struct wr *w);

#ifdef __cplusplus
}
#endif

#endif
