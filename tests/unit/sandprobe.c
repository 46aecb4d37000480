/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/sandprobe.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
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

/* The same in development mode, with TO as standard error. */
static int
child_trap(const struct sandprobe *p, int (*call)(void), int to)
{
	const char *why;
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(to, STDERR_FILENO);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    !scfilter_load(p->rules, p->n, SC_TRAP, &why))
			leave(NO_FILTER);
		leave(call() == 0 ? DONE : FAILED);
	}
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT_FATAL(waitpid(pid, &status, 0) == pid);
	return status;
}

void
sandprobe_names(const struct sandprobe *p, int (*call)(void), const char *name)
{
	char have[200] = "", want[200];
	int ends[2], status;

	CU_ASSERT_FATAL(pipe(ends) == 0);
	status = child_trap(p, call, ends[1]);
	close(ends[1]);
	CU_ASSERT(read(ends[0], have, sizeof(have) - 1) > 0);
	close(ends[0]);
	snprintf(want, sizeof(want), "seccomp: forbidden system call %d %s\n",
	    seccomp_syscall_resolve_name(name), name);
	CU_ASSERT_STRING_EQUAL(have, want);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGSYS);
	have[strcspn(have, "\n")] = '\0';
	tap_note("%s", have);
}

#ifdef __x86_64__

enum { X32_BIT = 0x40000000, I386_GETPID = 20 };

static int
call_x32(void)
{
	return syscall(X32_BIT | SYS_getpid) < 0;
}

static int
call_i386(void)
{
	long result = I386_GETPID;

	__asm__ volatile ("int $0x80" : "+a"(result) : : "memory");
	return result < 0;
}

/* Does 32-bit code work at all here? */
static bool
has_i386(void)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		leave(call_i386() == 0 ? DONE : FAILED);
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT_FATAL(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == DONE;
}

void
sandprobe_other_doors(const struct sandprobe *p)
{
	sandprobe_dies(p, call_x32);
	if (has_i386())
		sandprobe_dies(p, call_i386);
	else
		tap_note("this kernel runs no 32-bit code: int 0x80 not tried");
}

#else

void
sandprobe_other_doors(const struct sandprobe *p)
{
	(void)p;
	tap_skip("only x86-64 has other doors");
}

#endif

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
