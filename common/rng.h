/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_RNG_H
#define NTK_COMMON_RNG_H

/*
 * The random source that is handed to protocol code: deterministic from its
 * seed (xoshiro256**, seeded through splitmix64; both public domain algorithms).
 * Not for keys.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rng {
	uint64_t s[4];
};

/* Any seed will do; equal seeds give equal streams. */
void rng_init(struct rng *r, uint64_t seed);

uint64_t rng_u64(struct rng *r);

/* Uniform in 0 … N-1, without bias; N >= 1. */
uint32_t rng_below(struct rng *r, uint32_t n);

#ifdef __cplusplus
}
#endif

#endif
