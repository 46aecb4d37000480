/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/tbf.h"

/* One token in the unit of tbf.tokens: then µs times a rate in 1/s needs no division. */
#define TOKEN UINT64_C(1000000)

void
tbf_init(struct tbf *t, uint32_t burst, uint32_t rate, uint64_t now)
{
	t->last = now;
	t->tokens = burst * TOKEN;
	t->burst = burst;
	t->rate = rate;
	t->refused = 0;
}

/* Adds what has grown since the last call, without overflow however long ago that was. */
static void
fill(struct tbf *t, uint64_t now)
{
	uint64_t full = t->burst * TOKEN;

	if (now <= t->last)
		return;
	if (t->rate != 0 && now - t->last > (full - t->tokens) / t->rate)
		t->tokens = full;
	else
		t->tokens += (now - t->last) * t->rate;
	t->last = now;
}

bool
tbf_pass(struct tbf *t, uint64_t now)
{
	fill(t, now);
	if (t->tokens < TOKEN) {
		t->refused++;
		return false;
	}
	t->tokens -= TOKEN;
	return true;
}
