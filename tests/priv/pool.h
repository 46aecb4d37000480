/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_POOL_H
#define NTK_TESTS_PRIV_POOL_H

/*
 * Hostile values for a field, made from its line in the message table: so a field of an
 * operation that does not exist yet is attacked as soon as it stands there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/privmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { POOL_VALUES = 512, POOL_HANDLES = 192 };

/* Handles that an attacker knows or guesses: live, dropped, of somebody else's interfaces. */
struct pool_handles {
	uint32_t v[POOL_HANDLES];
	size_t n;
};

struct pool {
	uint64_t v[POOL_VALUES];
	size_t n;
};

/*
 * Fills P with values for field F, whose valid value is VALID, within the bounds of the
 * table or not.  A hardware address is its 48 bits as a number.
 */
void pool_fill(struct pool *p, const struct msg_field *f, uint64_t valid,
    const struct pool_handles *h);

/* A field of the struct at BODY as such a number.  Strings are not fields of operations. */
uint64_t pool_get(const struct msg_field *f, const void *body);
void pool_set(const struct msg_field *f, void *body, uint64_t value);

/* The struct of OP's own fields, and its table; NULL for an unknown type. */
void *pool_body(struct priv_op *op);
const struct msg_desc *pool_desc(const struct priv_op *op);

/* True when the receiver's bounds let OP through. */
bool pool_passes(const struct priv_op *op);

#ifdef __cplusplus
}
#endif

#endif
