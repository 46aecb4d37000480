/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/sandbox.h"

#include <errno.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "ntkd/io/peersock.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

#define NEIGHBOUR_SOCKET(kind, why) \
	SC_ALLOW_IF(socket, why, 3, SC_EQ(0, AF_INET), \
	    SC_EQ(1, (kind) | SOCK_CLOEXEC | SOCK_NONBLOCK), SC_EQ(2, 0))
#define NEIGHBOUR_OPTION(level, option, why) \
	SC_ALLOW_IF(setsockopt, why, 2, SC_EQ(1, level), SC_EQ(2, option))

/*
 * By subject.  Opening files, running programs, and changing credentials are not here: all
 * that is needed of them was done before.  Sockets are made towards neighbours only, of two
 * kinds, since interfaces come and go.  A filter does not see addresses: whoever takes
 * this process over can speak IPv4 with anybody, as any process without rights can.
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
	SC_ALLOW(recvfrom, "answers of the helper; clients; neighbours; libevent's signal pipe"),
	SC_ALLOW_IF(recvmsg, "notifications of the kernel, with their namespace as control data", 1,
	    SC_EQ(2, MSG_DONTWAIT)),
	SC_ALLOW(write, "log lines; libevent's signal pipe; readiness of the background process"),
	SC_ALLOW(sendto, "to the helper, clients, neighbours, the service manager, syslog, and the "
	    "kernel: which links there are"),
	SC_ALLOW(accept4, "clients of the control socket; connections of neighbours"),
	SC_ALLOW(close, "ends a client's or neighbour's connection, and the helper's at the end"),
	SC_ALLOW_IF(getsockopt, "who a client is", 2, SC_EQ(1, SOL_SOCKET),
	    SC_EQ(2, SO_PEERCRED)),
	SC_ALLOW_IF(getsockopt, "which groups a client is in", 2, SC_EQ(1, SOL_SOCKET),
	    SC_EQ(2, SO_PEERGROUPS)),
	SC_ALLOW(dup2, "standard descriptors become /dev/null in the background"),
	SC_ALLOW(dup3, "the same, where dup2 does not exist"),
	SC_ERRNO_IF(socket, EPERM, "syslog tries to connect anew; its lines are lost then, not we",
	    1, SC_EQ(0, AF_UNIX)),

	/* neighbours: peersock.h */
	NEIGHBOUR_SOCKET(SOCK_DGRAM, "broadcasts on an interface that came up"),
	NEIGHBOUR_SOCKET(SOCK_STREAM, "connections over an interface that came up"),
	NEIGHBOUR_OPTION(SOL_SOCKET, SO_BINDTOIFINDEX, "a socket for one interface"),
	NEIGHBOUR_OPTION(SOL_SOCKET, SO_BROADCAST, "hellos are broadcast"),
	NEIGHBOUR_OPTION(SOL_SOCKET, SO_DONTROUTE, "no route leads to neighbours, and none misleads"),
	NEIGHBOUR_OPTION(SOL_SOCKET, SO_REUSEADDR, "an interface comes back soon after it went"),
	NEIGHBOUR_OPTION(IPPROTO_IP, IP_TTL, "what is for neighbours stays on the link"),
	NEIGHBOUR_OPTION(IPPROTO_TCP, TCP_NODELAY, "messages leave at once"),
	NEIGHBOUR_OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT, "a neighbour that died is noticed"),
	SC_ALLOW_IF(bind, "the source address of what is sent, and where to listen", 1,
	    SC_EQ(2, sizeof(struct sockaddr_in))),
	SC_ALLOW_IF(connect, "a neighbour; hellos are for everybody on the link", 1,
	    SC_EQ(2, sizeof(struct sockaddr_in))),
	SC_ALLOW_IF(listen, "connections of neighbours", 1, SC_EQ(1, PEER_BACKLOG)),
	SC_ALLOW_IF(getsockopt, "whether a connection stands", 2, SC_EQ(1, SOL_SOCKET),
	    SC_EQ(2, SO_ERROR)),
	SC_ALLOW_IF(shutdown, "a connection is closed when all was sent", 1, SC_EQ(1, SHUT_WR)),
	SC_ALLOW_IF(ioctl, "the hardware address that the kernel found for a neighbour", 1,
	    SC_EQ(1, SIOCGARP)),

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
