/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_REFUSE_H
#define NTK_TESTS_PRIV_REFUSE_H

/*
 * A kernel that refuses one thing.  tests/priv/refused-helper is ntkd-priv, linked from the
 * very objects that ship, with its calls into the kernel led through tests/priv/refuse.c.  What
 * shall be refused stands in a file that both map: nothing is said over the border, and no
 * line of the helper knows of it.
 *
 * A netlink message is refused by the kernel itself, since its type is spoilt on the
 * way; the errno of the answer is then put in.  Every other call fails before it is made.
 */

#include <stdint.h>

#define REFUSE_FILE "/run/refuse"

enum { REFUSE_WHAT = 64 };

struct refuse {
	uint32_t armed;		/* count, and refuse */
	uint32_t at;		/* the call or message to refuse, from 1; 0: none */
	uint32_t times;		/* so often, when the same is asked for again */
	int32_t error;		/* errno */
	uint32_t seen;		/* calls and messages so far */
	uint32_t hits;		/* refused so far */
	char what[REFUSE_WHAT];	/* the first of these */
	char only[REFUSE_WHAT];	/* not empty: refuse whatever begins so, from the start, always */
	uint64_t hash;		/* of the first refused; for the other program's own use */
};

#endif
