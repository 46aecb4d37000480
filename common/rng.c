/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/rng.h"

#include <stddef.h>

static uint64_t
rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

/* splitmix64: spreads a seed, 0 included, over all bits of a state. */
static uint64_t
spread(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void
rng_init(struct rng *r, uint64_t seed)
{
	for (size_t i = 0; i < 4; i++)
		r->s[i] = spread(&seed);
}

/* xoshiro256** */
uint64_t
rng_u64(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t out = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return out;
}

uint32_t
rng_below(struct rng *r, uint32_t n)
{
	/* The 2^32 mod n smallest draws would favour small results: draw again. */
	uint32_t biased = (uint32_t)(0U - n) % n;
	uint32_t v;

	do
		v = (uint32_t)(rng_u64(r) >> 32);
	while (v < biased);
	return v % n;
}
