/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_DRIFT_H
#define NTKD_KERNEL_DRIFT_H

/*
 * When the kernel is compared with what was made in it (kernel-state 9).  The helper
 * compares and repairs; here it is only decided when each namespace is checked.
 *
 * A namespace is checked DRIFT_PERIOD after its last check.  It is checked earlier,
 *
 *  - DRIFT_GATHER after the first of some notifications that somebody changed
 *    something of ours, so that one script of an administrator is one check;
 *  - DRIFT_GATHER after a link event, because an interface that goes down loses its
 *    routes without a notification, and what could not be repaired while it was down can
 *    be when it is up;
 *  - at once when it is asked for;
 *  - DRIFT_WAIT_MIN after it was made, because notifications that came before the helper had told
 *    how they call it could not be understood;
 *  - after a while, when the last check could not repair something.
 *
 * Somebody who undoes each repair must not make us spend all our time: after a check that
 * had to repair, notifications wait DRIFT_WAIT_MIN, after the next such check twice that,
 * up to DRIFT_WAIT_MAX, until a whole period passed without a repair.  (They never cause
 * more than one check in DRIFT_WAIT_MIN, even if nothing is ever found.)  What a link event took
 * away is nobody's fight, so checks that it caused do not count, and it does not wait.
 * Failed repairs are tried again after a wait of their own that grows in the same way, and
 * begins anew at every link event and when nothing fails any more.
 *
 * Time is the caller's, µs, and does not go back.  No I/O, no memory of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ntkd/kernel/txn.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DRIFT_GATHER	UINT64_C(50000)
#define DRIFT_PERIOD	UINT64_C(60000000)
#define DRIFT_WAIT_MIN	UINT64_C(1000000)
#define DRIFT_WAIT_MAX	UINT64_C(64000000)
#define DRIFT_NEVER	UINT64_MAX

enum { DRIFT_ALL = KERNEL_NAMESPACES };		/* for NS: every namespace there is */

/* One namespace.  Times are DRIFT_NEVER when there is none. */
struct drift_space {
	bool present;
	bool running;		/* being checked */
	bool by_link;		/* the check that runs was caused by a link event */
	bool by_touch;		/* the same, by a notification */
	uint64_t periodic;	/* next check whatever happens */
	uint64_t touched;	/* first notification that no check has answered yet */
	uint64_t linked;	/* likewise a link event */
	uint64_t asked;
	uint64_t retry;		/* next attempt at what failed */
	uint64_t open;		/* notifications wait until then */
	uint64_t repaired;	/* when a repair was last necessary, link events apart */
	uint64_t wait;		/* of notifications; 0: none */
	uint64_t retry_wait;	/* of failed repairs; 0: none */
};

struct drift {
	uint64_t period;
	struct drift_space spaces[KERNEL_NAMESPACES];
};

/* No namespace is there.  PERIOD is DRIFT_PERIOD but in tests. */
void drift_init(struct drift *d, uint64_t period);

/* Namespace NS is there from now on; or goes.  Either may be told again. */
void drift_began(struct drift *d, unsigned ns, uint64_t now);
void drift_gone(struct drift *d, unsigned ns);

/* Somebody changed something in NS, or in DRIFT_ALL; a link of NS, or of DRIFT_ALL, came or went. */
void drift_touched(struct drift *d, unsigned ns, uint64_t now);
void drift_linked(struct drift *d, unsigned ns, uint64_t now);

/* NS, or DRIFT_ALL, shall be checked now. */
void drift_asked(struct drift *d, unsigned ns, uint64_t now);

/*
 * The namespace whose check is due by NOW and has been longest; it counts as being checked
 * from then on, until drift_checked().  False when none is due.
 */
bool drift_next(struct drift *d, uint64_t now, unsigned *ns);

/* When drift_next() should be called again, if nothing is told before; DRIFT_NEVER. */
uint64_t drift_deadline(const struct drift *d);

/*
 * The check of NS ended with FOUND.  A check that was refused is repeated after
 * DRIFT_WAIT_MIN, unless drift_gone() was or will be called.
 */
void drift_checked(struct drift *d, unsigned ns, const struct kernel_found *found, uint64_t now);

#ifdef __cplusplus
}
#endif

#endif
