/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/sandprobe.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/tap.h"

enum { DONE = 0, FAILED = 1, NO_FILTER = 2 };

static void __attribute__((noreturn))
leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

static int
child_run(const struct sandprobe *p, int (*call)(void))
{
	const char *why;
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    !scfilter_load(p->rules, p->n, SC_KILL, &why))
			leave(NO_FILTER);
		leave(call() == 0 ? DONE : FAILED);
	}
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT_FATAL(waitpid(pid, &status, 0) == pid);
	return status;
}

void
sandprobe_dies(const struct sandprobe *p, int (*call)(void))
{
	int status = child_run(p, call);

	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	if (!WIFSIGNALED(status))
		tap_note("ended with status %d", WEXITSTATUS(status));
}

void
sandprobe_lives(const struct sandprobe *p, int (*call)(void))
{
	int status = child_run(p, call);

	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == DONE);
	if (WIFSIGNALED(status))
		tap_note("killed by signal %d", WTERMSIG(status));
}

void
sandprobe_list(const struct sandprobe *p, const char *who)
{
	tap_note("%s may, in kill mode, after its start:", who);
	for (size_t i = 0; i < p->n; i++) {
		const struct sc_rule *r = &p->rules[i];

		CU_ASSERT(r->why != NULL && r->why[0] != '\0');
		CU_ASSERT(r->n_args <= SC_ARGS);
		tap_note("  %-16s %s%s%s", r->name, r->error != 0 ? "(fails) " : "",
		    r->n_args != 0 ? "(some arguments) " : "", r->why);
	}
	CU_ASSERT(p->n > 0 && p->n < 80);
}
