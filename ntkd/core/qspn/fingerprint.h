/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_QSPN_FINGERPRINT_H
#define NTKD_CORE_QSPN_FINGERPRINT_H

/*
 * Fingerprints: what identifies a g-node whatever its address, so that two pieces which
 * both claim the same address can be told apart (spec/qspn 1.5).
 *
 * A fingerprint of level L in a topology of l levels has l - L elderships (its own and
 * those of the g-nodes around it) and L seeds (those by which its id was inherited).
 * Smaller is older; null is younger than every number (amendment A7).
 */

#include "common/topo.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FP_NULL (-1)

struct fingerprint {
	uint64_t id;
	uint8_t level;
	uint8_t levels;		/* of the topology */
	int32_t v[TOPO_LEVELS];	/* eld[0] … eld[levels - level - 1], then seed[0] … seed[level - 1] */
};

/* A fingerprint of level 0: ID, not 0, and LEVELS elderships. */
struct fingerprint fingerprint_node(unsigned levels, uint64_t id, const int32_t *eld);

int32_t fingerprint_eld(const struct fingerprint *f, unsigned i);
int32_t fingerprint_seed(const struct fingerprint *f, unsigned i);

/* Sets eld[I]. */
void fingerprint_set_eld(struct fingerprint *f, unsigned i, int32_t eld);

/* "same" of spec 1.5: by id alone.  Whole fingerprints (A14).  Both of one level. */
bool fingerprint_same(const struct fingerprint *a, const struct fingerprint *b);
bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b);

/* Some total order of whole fingerprints, for sorted sets; says nothing about age. */
int fingerprint_cmp(const struct fingerprint *a, const struct fingerprint *b);

/*
 * Of two reports about one g-node: does A's id come from an older seed than B's?  Negative
 * when it does, positive when B's does, 0 when they are the same; ties go to the smaller id (A13).
 */
int fingerprint_elder(const struct fingerprint *a, const struct fingerprint *b);

/*
 * The fingerprint of the g-node one level up from own F (whose eldership counts as null
 * when IS_NULL) and those of the N siblings at S, all of F's level.
 */
struct fingerprint fingerprint_construct(const struct fingerprint *f, bool is_null,
    const struct fingerprint *const *s, size_t n);

/* "2864434397 eld 0,1 seed 0"; returns BUF. */
enum { FP_TEXT = 320 };
char *fingerprint_print(const struct fingerprint *f, char *buf);

#ifdef __cplusplus
}
#endif

#endif
