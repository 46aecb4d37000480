/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

/* Ends the parent: with 0 when a byte comes, with the child's status when it ends first. */
static void __attribute__((noreturn))
parent_wait(int fd, pid_t child)
{
	char byte;
	ssize_t n;
	int status = 0;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(1);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int
daemonize_begin(void)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	child = fork();
	if (child < 0) {
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (child > 0) {
		close(fds[1]);
		parent_wait(fds[0], child);
	}
	close(fds[0]);
	(void)setsid();
	return fds[1];
}

void
daemonize_ready(int fd, int null_fd)
{
	for (int i = 0; i <= STDERR_FILENO; i++)
		(void)dup2(null_fd, i);
	(void)!write(fd, "", 1);
	close(fd);
}

void
daemonize_syslog(const char *name)
{
	openlog(name, LOG_NDELAY | LOG_PID, LOG_DAEMON);
}
