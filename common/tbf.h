/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_TBF_H
#define NTK_COMMON_TBF_H

/* Token bucket: lets BURST through at once and RATE a second afterwards. */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tbf {
	uint64_t last;		/* µs, when tokens were last added */
	uint64_t tokens;	/* in millionths */
	uint32_t burst;
	uint32_t rate;		/* per second */
	uint64_t refused;	/* since the last that went through */
};

/* Starts full at monotonic time NOW, µs. */
void tbf_init(struct tbf *t, uint32_t burst, uint32_t rate, uint64_t now);

/*
 * True when one more may pass at NOW, µs; time that runs backwards adds nothing.
 * t->refused counts refusals; the caller clears it when it has told them.
 */
bool tbf_pass(struct tbf *t, uint64_t now);

#ifdef __cplusplus
}
#endif

#endif
