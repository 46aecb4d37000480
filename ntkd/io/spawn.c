/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ARGS_FIXED = 8,		/* name, three options with their values, NULL */
	FD_ABOVE = 64,		/* copies go above this, out of the way of the final numbers */
};

/* The argument vector, as privfd.h says; its strings are borrowed.  NULL: no memory. */
static const char **
args_make(const struct spawn *s)
{
	const char **args = calloc(ARGS_FIXED + 2 * s->n_overrides, sizeof(*args));
	size_t n = 0;

	if (args == NULL)
		return NULL;
	args[n++] = "ntkd-priv";
	args[n++] = "-l";
	args[n++] = log_sink_name(s->sink);
	args[n++] = "-v";
	args[n++] = log_level_name(s->level);
	args[n++] = "-k";
	args[n++] = s->filter == SC_TRAP ? "trap" : "kill";
	for (size_t i = 0; i < s->n_overrides; i++) {
		args[n++] = "-o";
		args[n++] = s->overrides[i].text;
	}
	return args;
}

/*
 * Puts the descriptors where the helper expects them, STATUS (above FD_ABOVE)
 * behind them.  Sources may have each other's numbers, so all are copied out of the way
 * first.
 */
static bool
child_descriptors(const struct spawn *s, int status)
{
	int high[PRIV_FD_END], out = s->sink == LOG_SYSLOG ? s->null : STDERR_FILENO;
	int null = fcntl(s->null, F_DUPFD_CLOEXEC, FD_ABOVE);

	out = fcntl(out, F_DUPFD_CLOEXEC, FD_ABOVE);
	if (null < 0 || out < 0)
		return false;
	for (int fd = PRIV_FD_SOCKET; fd < PRIV_FD_END; fd++) {
		high[fd] = fcntl(s->fds[fd], F_DUPFD_CLOEXEC, FD_ABOVE);
		if (high[fd] < 0)
			return false;
	}
	for (int fd = PRIV_FD_SOCKET; fd < PRIV_FD_END; fd++)
		if (dup2(high[fd], fd) < 0)
			return false;
	return dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2 &&
	    dup3(status, PRIV_FD_END, O_CLOEXEC) == PRIV_FD_END &&
	    close_range(PRIV_FD_END + 1, ~0U, 0) == 0;
}

/*
 * Nothing of the parent's signals, and a session of its own: a ^C on the terminal
 * is for ntkd, whose end is the helper's order to undo.
 */
static bool
child_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0 && setsid() >= 0;
}

static void __attribute__((noreturn))
child(const struct spawn *s, const char **args, int status)
{
	static char *const environment[] = { NULL };
	int error;

	status = fcntl(status, F_DUPFD_CLOEXEC, FD_ABOVE);
	if (status >= 0 && child_descriptors(s, status)) {
		status = PRIV_FD_END;
		if (child_signals() && fchdir(PRIV_FD_NAMES) == 0)
			execve(s->path, (char *const *)args, environment);
	}
	error = errno;
	(void)!write(status, &error, sizeof(error));
	_exit(127);
}

/* Waits until exec succeeded (the pipe closes itself) or told why not. */
static bool
child_started(int fd, pid_t pid, const struct spawn *s, char *err)
{
	int error = 0;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return true;
	snprintf(err, CONF_ERROR, "helper %s: %s; is ntkd installed completely? (--helper PATH)",
	    s->path, strerror(error));
	(void)waitpid(pid, NULL, 0);
	return false;
}

pid_t
spawn_helper(const struct spawn *s, char *err)
{
	const char **args = args_make(s);
	int fds[2] = { -1, -1 };
	pid_t pid = -1;

	if (args == NULL || pipe2(fds, O_CLOEXEC) != 0) {
		snprintf(err, CONF_ERROR, "starting the helper: %s", strerror(errno));
		goto out;
	}
	pid = fork();
	if (pid == 0)
		child(s, args, fds[1]);
	close(fds[1]);
	if (pid < 0)
		snprintf(err, CONF_ERROR, "starting the helper: %s", strerror(errno));
	else if (!child_started(fds[0], pid, s, err))
		pid = -1;
	close(fds[0]);
out:
	free(args);
	return pid;
}
