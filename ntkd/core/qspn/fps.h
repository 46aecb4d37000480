/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_QSPN_FPS_H
#define NTKD_CORE_QSPN_FPS_H

/*
 * The fingerprints that stored paths refer to.  Each is held once, however many paths
 * report it, and goes with the last of them.
 */

#include <stddef.h>

#include "ntkd/core/qspn/fingerprint.h"

#ifdef __cplusplus
extern "C" {
#endif

struct fpref {
	uint32_t refs;
	uint16_t index;		/* used while a message is composed */
	bool listed;
	struct fingerprint f;
};

struct fps {
	struct fpref **v;	/* sorted by fingerprint_cmp() */
	size_t n, size;
};

/* A reference to F, which is added when it is new; NULL when memory is exhausted. */
struct fpref *fps_take(struct fps *s, const struct fingerprint *f);

/* Gives a reference back. */
void fps_drop(struct fps *s, struct fpref *r);

/* Frees the set; nobody holds a reference any more. */
void fps_free(struct fps *s);

#ifdef __cplusplus
}
#endif

#endif
