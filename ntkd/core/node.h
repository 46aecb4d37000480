/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_NODE_H
#define NTKD_CORE_NODE_H

/*
 * One system: its identities and what each wants of the kernel.  No I/O; time
 * and randomness are handed in.  What must be done is taken with
 * node_next_want() and answered with node_kernel_done().
 */

#include "common/conf.h"
#include "common/rng.h"
#include "ntkd/kernel/facts.h"
#include "ntkd/kernel/kset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct node;

enum { NODE_IDENTITIES = 63 };

enum node_state {
	NODE_STARTING,		/* its kernel state was asked for */
	NODE_RUNNING,
	NODE_LEAVING,		/* its namespace is being removed */
};

/* What may be shown of an identity.  FACTS is valid until the next call that changes the node. */
struct node_identity {
	unsigned index;		/* never used again */
	uint32_t id;		/* NodeID, random, not 0 */
	bool main;
	bool loaded;		/* its facts came from a state file */
	unsigned ns;		/* number for kernel.h: 0 for the main one */
	uint32_t file_ns;	/* the number the state file gave, 0 for the main one */
	enum node_state state;
	const struct facts *facts;
};

/*
 * A system of configuration C, which must outlive it, with one main identity:
 * at the configured address or a random one, link-locals drawn for each interface.
 * RNG is copied.  NULL when memory is exhausted.
 */
struct node *node_new(const struct conf *c, const struct rng *rng);
void node_free(struct node *n);

size_t node_identities(const struct node *n);			/* how many */
struct node_identity node_identity(const struct node *n, size_t i);	/* the i-th, by index */
bool node_find(const struct node *n, unsigned index, struct node_identity *out);

/* The identity whose namespace has number NS for kernel.h; false when there is none. */
bool node_find_ns(const struct node *n, unsigned ns, struct node_identity *out);

/* Codes of spec/manual-mode 3, "" when all is well. */
struct node_error {
	const char *code;	/* static: "mode", "unknown_identity", "wrong_address", … */
	char field[48];
	char message[240];
};

/*
 * load_state: takes the contents of F (its own link-locals are ignored: ours are
 * used).  FILE_NS tells loaded identities apart.  With F->main the main identity's
 * facts are replaced, else an identity is made in a new namespace, or replaced if one
 * loaded with the same FILE_NS exists.  True with INDEX; false with ERR, and nothing
 * changed.  Committed when the kernel has answered; undone when it refused.
 */
bool node_load(struct node *n, struct facts *f, uint32_t file_ns, unsigned *index, struct node_error *err);

/* remove_identity: a connectivity or loaded identity.  As node_load(). */
bool node_remove(struct node *n, unsigned index, struct node_error *err);

/*
 * The next namespace whose wanted state changed: false when there is none.  OUT is
 * empty before; an empty set afterwards means that the namespace shall go.
 */
bool node_next_want(struct node *n, unsigned *ns, struct kset *out, uint32_t *label);

/*
 * The kernel answered for NS.  Not OK: the change that caused it is undone (a
 * new identity disappears, a replaced one has its former facts again).
 */
void node_kernel_done(struct node *n, unsigned ns, bool ok);

#ifdef __cplusplus
}
#endif

#endif
