/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/scfilter.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Development only: says which call was stopped, then ends the process.  The
 * number goes out first with what is async-signal-safe; looking the name up is not,
 * which is why production kills without a handler.
 */
static void
on_trap(int sig, siginfo_t *info, void *context)
{
	static const char head[] = "seccomp: forbidden system call ";
	char digits[16];
	size_t n = sizeof(digits);
	int call = info->si_syscall;
	char *name;

	(void)sig;
	(void)context;
	do
		digits[--n] = (char)('0' + call % 10);
	while ((call /= 10) > 0 && n > 0);
	(void)!write(STDERR_FILENO, head, sizeof(head) - 1);
	(void)!write(STDERR_FILENO, digits + n, sizeof(digits) - n);
	name = seccomp_syscall_resolve_num_arch(info->si_arch, info->si_syscall);
	if (name != NULL) {
		(void)!write(STDERR_FILENO, " ", 1);
		(void)!write(STDERR_FILENO, name, strlen(name));
	}
	(void)!write(STDERR_FILENO, "\n", 1);
	_exit(128 + SIGSYS);
}

static bool
trap_install(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_trap;
	sa.sa_flags = SA_SIGINFO;
	return sigaction(SIGSYS, &sa, NULL) == 0;
}

static int
rule_add(scmp_filter_ctx ctx, const struct sc_rule *r)
{
	uint32_t action = r->error != 0 ? SCMP_ACT_ERRNO((unsigned)r->error) : SCMP_ACT_ALLOW;

	/* Negative numbers are calls that this architecture does not have. */
	if (r->call < 0)
		return 0;
	return seccomp_rule_add_array(ctx, action, r->call, r->n_args, r->args);
}

bool
scfilter_load(const struct sc_rule *rules, size_t n, enum sc_mode mode, const char **why)
{
	scmp_filter_ctx ctx;
	bool ok = false;

	*why = "cannot install the SIGSYS handler";
	if (mode == SC_TRAP && !trap_install())
		return false;
	*why = "cannot make a system call filter";
	ctx = seccomp_init(mode == SC_TRAP ? SCMP_ACT_TRAP : SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		return false;
	if (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
		goto out;
	*why = "a rule of the system call filter was not accepted";
	for (size_t i = 0; i < n; i++)
		if (rule_add(ctx, &rules[i]) != 0)
			goto out;
	*why = "the kernel did not take the system call filter";
	if (seccomp_load(ctx) != 0)
		goto out;
	ok = true;
out:
	seccomp_release(ctx);
	return ok;
}
