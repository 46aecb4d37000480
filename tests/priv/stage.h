/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_STAGE_H
#define NTK_TESTS_PRIV_STAGE_H

/* A network and mount namespace of this process's own, where a helper can be tried. */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Leaves the caller's namespaces: own network, own /run; then runs COMMANDS in a shell, and writes
 * the configuration TEXT to the file PATH.  False when that is not possible: no root, no right to
 * make namespaces, a command that fails.
 */
bool stage_make(const char *commands, const char *path, const char *text);

/*
 * The program ntkd-priv: NTK_HELPER of the environment, else that of the build tree
 * (NTK_BUILD of the environment, or the working directory).
 */
const char *stage_helper(void);

#ifdef __cplusplus
}
#endif

#endif
