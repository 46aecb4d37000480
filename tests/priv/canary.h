/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_CANARY_H
#define NTK_TESTS_PRIV_CANARY_H

/*
 * A machine full of other people's things, many of which look like ours: commands for
 * stage_make(), and the configuration that tests/priv/claim.h and model.h know.
 */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const char canary_commands[];
extern const char canary_config[];

/*
 * One change of each kind that the oracle must notice: DO, UNDO, and a word of the line that
 * it must tell.  Ended by NULL.
 */
struct canary_change {
	const char *apply;
	const char *undo;
	const char *told;
};

extern const struct canary_change canary_changes[];

/* Makes it: a shell command, or "address add|del ADDRESS INTERFACE" for one with our label. */
bool canary_run(const char *command);

/* Changes that look like ours and are allowed to us: noticed at the end, not in life. */
extern const struct canary_change canary_own_changes[];

#ifdef __cplusplus
}
#endif

#endif
