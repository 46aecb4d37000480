/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_STREAM_H
#define NTK_TESTS_PRIV_STREAM_H

/*
 * A seeded random stream of operations, valid and half-valid, against a ledger that evolves:
 * in transactions of random size, some of them rehearsals, some in parts, with lives that end
 * by a malformed message.
 */

#include "tests/priv/attack.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sends at least REQUESTS operations that the helper judged, and compares about COMPARISONS times. */
void stream_run(struct attack *a, uint64_t requests, unsigned comparisons);

#ifdef __cplusplus
}
#endif

#endif
