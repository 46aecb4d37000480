/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/sandbox.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/*
 * By subject.  Opening files, making sockets, running programs, and changing credentials
 * are not here: all that is needed of them was done before.  Sockets towards
 * neighbours will get their own lines with the release that opens them.
 */
const struct sc_rule ntkd_sandbox_rules[] = {
	/* the event loop */
	SC_ALLOW(epoll_wait, "the event loop waits"),
	SC_ALLOW(epoll_pwait, "the event loop waits, where epoll_wait does not exist"),
	SC_ALLOW(epoll_pwait2, "the event loop waits, in newer libevent"),
	SC_ALLOW(epoll_ctl, "the event loop adds and removes descriptors"),
	SC_ALLOW(restart_syscall, "the kernel resumes a wait after a stop"),

	/* the helper, clients, the service manager, syslog */
	SC_ALLOW(read, "libevent's signal pipe"),
	SC_ALLOW(recvfrom, "answers of the helper; clients' requests; libevent's signal pipe"),
	SC_ALLOW_IF(recvmsg, "notifications of the kernel, with their namespace as control data", 1,
	    SC_EQ(2, MSG_DONTWAIT)),
	SC_ALLOW(write, "log lines; libevent's signal pipe; readiness of the background process"),
	SC_ALLOW(sendto, "requests to the helper; answers to clients; the service manager; syslog"),
	SC_ALLOW(accept4, "clients of the control socket"),
	SC_ALLOW(close, "ends a client's connection, and the helper's at the end"),
	SC_ALLOW_IF(getsockopt, "who a client is", 2, SC_EQ(1, SOL_SOCKET),
	    SC_EQ(2, SO_PEERCRED)),
	SC_ALLOW_IF(getsockopt, "which groups a client is in", 2, SC_EQ(1, SOL_SOCKET),
	    SC_EQ(2, SO_PEERGROUPS)),
	SC_ALLOW(dup2, "standard descriptors become /dev/null in the background"),
	SC_ALLOW(dup3, "the same, where dup2 does not exist"),
	SC_ERRNO_IF(socket, EPERM, "syslog tries to connect anew; its lines are lost then, not we",
	    1, SC_EQ(0, AF_UNIX)),

	/* memory; none of it executable */
	SC_ALLOW(brk, "memory"),
	SC_ALLOW_IF(mmap, "memory, not executable", 1, SC_MASK(2, PROT_EXEC, 0)),
	SC_ALLOW(munmap, "memory"),
	SC_ALLOW(mremap, "memory"),
	SC_ALLOW(madvise, "memory given back, where the C library's malloc is tuned to"),
	SC_ALLOW(sysinfo, "how much memory there is: the C library's sorting asks"),
	SC_ALLOW_IF(futex, "pthread_once() in libraries wakes whoever waits; we never wait", 1,
	    SC_MASK(1, ~(uint64_t)FUTEX_PRIVATE_FLAG, FUTEX_WAKE)),

	/* time, signals, the end */
	SC_ALLOW(clock_gettime, "time, where the kernel has no faster way"),
	SC_ALLOW(gettimeofday, "time of log lines, where the kernel has no faster way"),
	SC_ALLOW(time, "time of log lines, where the kernel has no faster way"),
	SC_ALLOW(rt_sigaction, "libevent's handlers at the end"),
	SC_ALLOW(rt_sigreturn, "return from a handler"),
	SC_ALLOW(rt_sigtimedwait, "waits for the helper's end, with a limit"),
	SC_ALLOW(wait4, "the helper's exit status"),
	SC_ALLOW(getpid, "process id in syslog lines"),
	SC_ALLOW(getrandom, "seeds inside the C library"),
	SC_ALLOW(exit_group, "the end"),
#ifdef SC_SANITIZED
	SC_ALLOW(sigaltstack, "the address sanitizer, in builds for testing only"),
	SC_ALLOW_IF(mprotect, "the same", 1, SC_MASK(2, PROT_EXEC, 0)),
	SC_ALLOW(rt_sigprocmask, "the same"),
#endif
};

const size_t ntkd_sandbox_n_rules = sizeof(ntkd_sandbox_rules) / sizeof(ntkd_sandbox_rules[0]);

bool
ntkd_sandbox_enter(enum sc_mode mode, const char **why)
{
	return scfilter_load(ntkd_sandbox_rules, ntkd_sandbox_n_rules, mode, why);
}
