/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_NOTIFY_H
#define NTKD_IO_NOTIFY_H

/*
 * The service manager's notification socket, sd_notify(3): connected while paths
 * can still be reached, used afterwards.
 */

#ifdef __cplusplus
extern "C" {
#endif

/* Connects to ADDRESS (NOTIFY_SOCKET); "@" begins an abstract name.  -1 with errno. */
int notify_open(const char *address);

/* Sends TEXT ("READY=1"); nothing when FD is -1.  What fails is not worth stopping for. */
void notify_send(int fd, const char *text);

#ifdef __cplusplus
}
#endif

#endif
