/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_FUZZ_OPGEN_H
#define NTK_TESTS_FUZZ_OPGEN_H

/*
 * From the bytes of a fuzzer to operations for the helper that have a chance: a byte
 * chooses among the handles that were given out (dead ones included), among addresses
 * that the configuration makes interesting, among few neighbours.  Some bytes
 * lead to anything at all.
 */

#include "common/conf.h"
#include "ntkd-priv/policy.h"
#include "proto/privmsg.h"

enum { OPGEN_HANDLES = 64, OPGEN_PREFIXES = 64 };

struct opgen {
	struct {
		uint32_t v[OPGEN_HANDLES];
		size_t n;
	} handles[PRIV_H_PEER + 1];		/* by kind; 0 is a neighbour's handle, too */
	ntk_prefix_t prefixes[OPGEN_PREFIXES];
	size_t n_prefixes;
};

/* Takes a configuration, and what the host routes, from R. */
void opgen_settings(struct rd *r, struct conf *c, struct host *h);

/* Starts with what C and H make interesting, and the handles of a fresh ledger L. */
void opgen_init(struct opgen *g, const struct conf *c, const struct host *h,
    const struct ledger *l);

/* HANDLE was given out. */
void opgen_note(struct opgen *g, uint32_t handle);

/* The next operation; false when it is malformed, which the decoder must have noticed. */
bool opgen_next(const struct opgen *g, struct rd *r, struct priv_op *op);

/* OP became whole on its way over the wire; aborts when it does not come back the same. */
bool opgen_is_valid(const struct priv_op *op);

#endif
