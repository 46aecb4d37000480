/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKCTL_CLIENT_H
#define NTKCTL_CLIENT_H

/*
 * The other end of the daemon's control socket.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CLIENT_ERROR = 256 };

/* The default of control-socket, ntkd.conf(5). */
#define CLIENT_SOCKET "/run/ntkd/control"

/*
 * Connects to the socket at PATH.  Returns the descriptor; -1 with errno and WHY
 * (CLIENT_ERROR bytes), a sentence that says what to do.
 */
int client_connect(const char *path, char *why);

/*
 * Sends REQUEST and waits for its answer, an object that the caller releases.  NULL with WHY
 * when there is none.  A signal that was caught ends the waiting.
 */
json_t *client_ask(int fd, const json_t *request, char *why);

#ifdef __cplusplus
}
#endif

#endif
