/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_NODE_TOKEN_H
#define NTKD_CORE_NODE_TOKEN_H

/*
 * Tokens of calls, by which their answers find who made them: the kind of module in the
 * highest byte, its own number of the call below.
 */

#include <stdint.h>

enum token_module {
	TOKEN_NBH = 1,
	TOKEN_IDENT = 2,
	TOKEN_QSPN = 3,
};

static inline uint64_t
token_make(enum token_module module, uint64_t number)
{
	return (uint64_t)module << 56 | number;
}

static inline uint64_t
token_nbh(uint32_t call)
{
	return token_make(TOKEN_NBH, call);
}

static inline unsigned
token_module(uint64_t token)
{
	return (unsigned)(token >> 56);
}

static inline uint64_t
token_number(uint64_t token)
{
	return token & UINT64_C(0xffffffffffffff);
}

#endif
