/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	CHUNK = 65536,
	ANSWER_MAX = 64 << 20,	/* bytes; far above anything a healthy daemon says */
};

static void
explain(const char *path, int error, char *why)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		snprintf(why, CLIENT_ERROR, "no daemon answers at %s; start it as root: ntkd",
		    path);
		break;
	case EACCES:
	case EPERM:
		snprintf(why, CLIENT_ERROR, "not allowed to connect to %s; for root and members of "
		    "control-group or operator-group only", path);
		break;
	default:
		snprintf(why, CLIENT_ERROR, "cannot connect to %s: %s", path, strerror(error));
	}
}

int
client_connect(const char *path, char *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		explain(path, ENAMETOOLONG, why);
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	explain(path, error, why);
	errno = error;
	return -1;
}

/*
 * A daemon that refused at the door has hung up already; its reason can be read all
 * the same, so a failure here is none yet.
 */
static void
send_all(int fd, const char *line, size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		ssize_t n = send(fd, line + sent, len - sent, MSG_NOSIGNAL);

		if (n < 0)
			return;
		sent += (size_t)n;
	}
}

static bool
send_request(int fd, const json_t *request, char *why)
{
	char *line = json_dumps(request, JSON_COMPACT);
	size_t len;

	if (line == NULL) {
		snprintf(why, CLIENT_ERROR, "memory is exhausted");
		return false;
	}
	len = strlen(line);
	line[len] = '\n';	/* in the place of the NUL, which is not sent */
	send_all(fd, line, len + 1);
	free(line);
	return true;
}

void
client_input_free(struct client_input *in)
{
	free(in->buf);
	*in = (struct client_input){ 0 };
}

/* Receives once, making room first.  False with WHY when nothing came. */
static bool
input_more(int fd, struct client_input *in, char *why)
{
	ssize_t got;

	if (in->len == in->size) {
		size_t size = in->size + (in->size < CHUNK ? CHUNK : in->size);
		char *more = size <= ANSWER_MAX ? realloc(in->buf, size) : NULL;

		if (more == NULL) {
			snprintf(why, CLIENT_ERROR, "the answer is too long");
			return false;
		}
		in->buf = more;
		in->size = size;
	}
	got = recv(fd, in->buf + in->len, in->size - in->len, 0);
	if (got <= 0) {
		snprintf(why, CLIENT_ERROR, "the daemon went away without an answer");
		return false;
	}
	in->len += (size_t)got;
	return true;
}

/* Waits for a whole line; its length with the newline, 0 with WHY when there is none. */
static size_t
input_line(int fd, struct client_input *in, char *why)
{
	size_t seen = 0;

	for (;;) {
		const char *end = in->len > seen ? memchr(in->buf + seen, '\n', in->len - seen) :
		    NULL;

		if (end != NULL)
			return (size_t)(end - in->buf) + 1;
		seen = in->len;
		if (!input_more(fd, in, why))
			return 0;
	}
}

json_t *
client_next(int fd, struct client_input *in, char *why)
{
	size_t len = input_line(fd, in, why);
	json_error_t error;
	json_t *answer;

	if (len == 0)
		return NULL;
	answer = json_loadb(in->buf, len, JSON_REJECT_DUPLICATES, &error);
	in->len -= len;
	memmove(in->buf, in->buf + len, in->len);
	if (answer == NULL || !json_is_boolean(json_object_get(answer, "ok"))) {
		json_decref(answer);
		snprintf(why, CLIENT_ERROR, "the daemon's answer makes no sense");
		return NULL;
	}
	return answer;
}

json_t *
client_ask(int fd, struct client_input *in, const json_t *request, char *why)
{
	return send_request(fd, request, why) ? client_next(fd, in, why) : NULL;
}
