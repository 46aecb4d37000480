/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_LOCK_H
#define NTKD_IO_LOCK_H

/*
 * One ntkd for each run-time directory, and no new one before the helper of the
 * one before has put everything back.
 */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Opens and locks the file "lock" in the directory DIR and writes our process id
 * into it.  Returns the descriptor, which holds the lock while it is open, or -1 with
 * ERR (CONF_ERROR bytes), which names the process that has it.
 */
int lock_take(int dir, char *err);

/*
 * Locks the open file FD (the journal), waiting up to SECONDS.  The lock belongs to
 * the open file, so it lasts until every process that inherited FD has closed it:
 * the helper has it as long as it lives.  False with ERR.
 */
bool lock_wait(int fd, unsigned seconds, char *err);

#ifdef __cplusplus
}
#endif

#endif
