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

/* What was received and not looked at yet; begins as { 0 }. */
struct client_input {
	char *buf;		/* owned */
	size_t len;
	size_t size;
};

void client_input_free(struct client_input *in);

/*
 * Sends REQUEST and waits for its answer, an object that the caller releases.  NULL with WHY
 * when there is none.  A signal that was caught ends the waiting.
 */
json_t *client_ask(int fd, struct client_input *in, const json_t *request, char *why);

/* Waits for another object: events after the answer.  As client_ask() otherwise. */
json_t *client_next(int fd, struct client_input *in, char *why);

#ifdef __cplusplus
}
#endif

#endif
