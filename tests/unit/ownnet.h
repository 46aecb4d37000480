/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_OWNNET_H
#define NTK_TESTS_UNIT_OWNNET_H

/*
 * A network namespace of the test's own, in which nobody else has port 60269: only the
 * loopback interface, up, with all of 127.0.0.0/8.  Without root a user namespace is made for it.
 */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Moves the process there, once; false, and the running test is skipped, where that is not allowed. */
bool ownnet_enter(void);

/* Runs the command (printf-like) there; true when it ended well. */
bool ownnet_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif

#endif
