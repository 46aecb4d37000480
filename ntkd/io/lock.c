/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/conf.h"

enum { WAIT_STEP_MS = 20 };

/* The process id that the holder wrote, 0 when there is none. */
static long
holder_read(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = 0;

	if (n <= 0 || sscanf(text, "%ld", &pid) != 1 || pid < 0)
		return 0;
	return pid;
}

static bool
holder_write(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

int
lock_take(int dir, char *err)
{
	int fd = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		snprintf(err, CONF_ERROR, "the file lock in runtime-dir: %s", strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			snprintf(err, CONF_ERROR, "another ntkd (process %ld) uses this "
			    "runtime-dir: stop it first", holder_read(fd));
		else
			snprintf(err, CONF_ERROR, "locking the file lock in runtime-dir: %s",
			    strerror(errno));
		close(fd);
		return -1;
	}
	if (!holder_write(fd)) {
		snprintf(err, CONF_ERROR, "writing the file lock in runtime-dir: %s",
		    strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

bool
lock_wait(int fd, unsigned seconds, char *err)
{
	const struct timespec step = { .tv_sec = 0, .tv_nsec = WAIT_STEP_MS * 1000000L };
	unsigned steps = seconds * 1000 / WAIT_STEP_MS;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			snprintf(err, CONF_ERROR, "locking the journal: %s", strerror(errno));
			return false;
		}
		if (steps-- == 0) {
			snprintf(err, CONF_ERROR, "the helper of an earlier ntkd still puts things "
			    "back after %u s: wait for ntkd-priv to end, then start again",
			    seconds);
			return false;
		}
		nanosleep(&step, NULL);
	}
	return true;
}
