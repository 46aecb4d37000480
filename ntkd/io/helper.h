/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_HELPER_H
#define NTKD_IO_HELPER_H

/*
 * The socket to ntkd-priv: carries the bytes that the kernel object (txn.h)
 * makes and takes.  Never blocks; the helper's end, or an answer that makes no sense,
 * stops the daemon with status 3.
 */

#include <stdbool.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct daemon;
struct helper;

/* Serves FD, which is non-blocking, in D's loop; takes FD.  NULL when memory is exhausted. */
struct helper *helper_new(struct daemon *d, int fd);

/* Sends what the kernel object has to say, as far as the socket takes it. */
void helper_flush(struct helper *h);

/* Closes the socket: the helper's order to undo everything and to end. */
void helper_free(struct helper *h);

/* Blocks SIGCHLD, which is only ever waited for.  False: errno. */
bool helper_signal_block(void);

/*
 * Waits up to SECONDS for the end of the helper PID, SIGCHLD being blocked.  True
 * with STATUS as of waitpid() when it ended.
 */
bool helper_wait(pid_t pid, unsigned seconds, int *status);

#ifdef __cplusplus
}
#endif

#endif
