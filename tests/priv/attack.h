/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_ATTACK_H
#define NTK_TESTS_PRIV_ATTACK_H

/*
 * A taken-over ntkd at work: lives of the helper one after the other, what was sent and what
 * was answered, and the machine's state as it must be.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/rng.h"
#include "tests/priv/client.h"
#include "tests/priv/model.h"
#include "tests/priv/snap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is hostile about a request. */
enum attack_kind {
	ATTACK_VALID,		/* nothing: to get where the others bite */
	ATTACK_VALUE,		/* a value that the message table lets through */
	ATTACK_BOUNDS,		/* one that it does not */
	ATTACK_TRUNCATED,
	ATTACK_PADDED,
	ATTACK_FRAME,
	ATTACK_DESCRIPTORS,
	ATTACK_PHASE,
	ATTACK_TOO_MANY,
	ATTACK_UNREAD,
	ATTACK_REPEATED,
	ATTACK_RANDOM,
	ATTACK_KINDS,
};

enum { ATTACK_ERRORS = 256 };

struct attack {
	struct client c;
	bool open;
	bool knows_check;	/* this helper does */
	struct model m;
	struct rng rng;
	struct snap *all;	/* the machine as it must be; and the quick part of that */
	struct snap *quick;
	bool broken;		/* something was found that must not be: see the notes */
	/* tallies */
	uint64_t sent[ATTACK_KINDS];		/* requests: operations, or messages without any */
	uint64_t verdicts[PRIV_R_LAST + 1];	/* of transactions; PRIV_R_OK: done */
	uint64_t kernel_errors[ATTACK_ERRORS];	/* by errno, of PRIV_R_KERNEL */
	uint64_t checks;			/* answered */
	uint64_t hellos;			/* likewise, those that begin lives left out */
	uint64_t ended;				/* messages that ended a helper */
	uint64_t lives;
	uint64_t life_compared;
	uint64_t end_compared;
	uint64_t lines;				/* compared */
	uint64_t most_ours;			/* lines in one snapshot that were ours */
	uint64_t most_memory;			/* of a helper, bytes */
};

const char *attack_kind_name(enum attack_kind kind);

/* Notes it (printf-like), and that the attack succeeded. */
void attack_found(struct attack *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A helper in a new life, greeted or not; OVERRIDE of the configuration may be NULL. */
bool attack_open(struct attack *a, const char *override, bool greet);

/* Ends the life by closing the socket; the machine must be as before, in part or as a whole. */
void attack_close(struct attack *a, enum snap_scope scope);

/*
 * The same when WHAT was sent and not answered within a moment: it may wait to be read still,
 * and end the helper then.
 */
void attack_leave(struct attack *a, enum snap_scope scope, const char *what);

/* The same for a helper that must have ended by itself, at odds with what was sent: WHAT. */
void attack_ended(struct attack *a, enum snap_scope scope, const char *what);

/* In life: all but what is ours is as it must be. */
void attack_compare(struct attack *a, const char *what);

/* Notes the verdict of the transaction that was just committed. */
void attack_verdict(struct attack *a, enum client_end end);

/* One operation as a transaction, and what it does to the model. */
enum client_end attack_do(struct attack *a, enum attack_kind kind, const struct priv_op *op);

/* Up to N operations that build something and must succeed, in one transaction. */
void attack_build(struct attack *a, unsigned n);

/* A valid operation VERB, or else one that comes near. */
void attack_example(struct attack *a, uint8_t verb, struct priv_op *op);

/*
 * Asks for a check of namespace NS when the helper knows checks.  Nothing of ours may be found
 * missing or altered: nobody but us was there.
 */
void attack_check(struct attack *a, uint32_t ns);

/* Says hello once more: everything that stands keeps its handle. */
void attack_hello(struct attack *a);

/* The counts, as notes. */
void attack_tell(const struct attack *a);

#ifdef __cplusplus
}
#endif

#endif
