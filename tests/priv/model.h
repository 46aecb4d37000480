/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_MODEL_H
#define NTK_TESTS_PRIV_MODEL_H

/*
 * What an attacker remembers of what stands, so that requests get past the first check: each
 * verb can be asked for so that it must succeed.  It is no second policy: it allows less.
 * Without pointers, so that an assignment keeps it for the case that a transaction fails.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/rng.h"
#include "proto/privmsg.h"
#include "tests/priv/client.h"
#include "tests/priv/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MODEL_THINGS = 640, MODEL_STALE = 24 };

enum model_kind {
	MODEL_NS,
	MODEL_DEV,
	MODEL_PEER,
	MODEL_ADDR,
	MODEL_NEIGH,
	MODEL_ROUTE,
	MODEL_RULE,
	MODEL_MARK,
	MODEL_NAT,
	MODEL_KINDS,
};

struct thing {
	/* key */
	uint32_t a;		/* handle of the namespace; of the interface; the object's own */
	uint32_t b;		/* handle of the peer */
	uint32_t addr;
	uint32_t match;
	uint8_t len;
	uint8_t match_len;
	uint8_t nat;
	uint8_t pad;
	/* value */
	uint32_t ns;		/* MODEL_DEV: where it is */
	uint32_t dev;		/* gateway's interface; MODEL_DEV: parent */
	uint32_t via;
	uint32_t src;
	uint64_t mac;
};

struct model {
	uint32_t ns;			/* handles of the default namespace and its interfaces */
	uint32_t lo;
	uint32_t eth[2];
	bool prepared;			/* the default namespace is */
	bool overlap;			/* the configuration lets us have what the host routes */
	unsigned made;			/* objects that this transaction made */
	size_t n[MODEL_KINDS];
	struct thing v[MODEL_KINDS][MODEL_THINGS];
	size_t n_stale;
	uint32_t stale[MODEL_STALE];	/* a ring of handles that were dropped */
};

/* Nothing stands, in the life whose welcome C has. */
void model_begin(struct model *m, const struct client *c, bool overlap);

/*
 * Another hello was answered: interfaces that nothing is on have new handles.  False when one has
 * that should not, or the reverse.
 */
bool model_greeted(struct model *m, const struct client *c);

/* An operation VERB that must succeed; false when there is none now. */
bool model_valid(const struct model *m, struct rng *r, uint8_t verb, struct priv_op *op);

/*
 * OP succeeds: notes what it does.  Objects it makes are called PRIV_HANDLE_NEW(n) until
 * model_settle() hears what the N results of the transaction call them.
 */
void model_apply(struct model *m, const struct priv_op *op);
void model_settle(struct model *m, const struct priv_result *results, size_t n);

/* All handles that stand or stood. */
void model_handles(const struct model *m, struct pool_handles *out);

#ifdef __cplusplus
}
#endif

#endif
