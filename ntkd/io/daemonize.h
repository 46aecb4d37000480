/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_DAEMONIZE_H
#define NTKD_IO_DAEMONIZE_H

/*
 * Going into the background, for starts without a service manager.  The parent
 * stays until the daemon is ready or has failed, and passes its exit status on, so that
 * whoever ran the command knows.
 */

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Forks.  Returns in the child only: a descriptor for daemonize_ready().  -1 in
 * the only process when it failed (errno).
 */
int daemonize_begin(void);

/*
 * The daemon is ready: standard descriptors become NULL_FD (/dev/null) and the
 * parent exits with 0.
 */
void daemonize_ready(int fd, int null_fd);

/*
 * Connects to syslog while its socket can still be reached, under NAME (static);
 * log_open() finds the connection there later.
 */
void daemonize_syslog(const char *name);

#ifdef __cplusplus
}
#endif

#endif
