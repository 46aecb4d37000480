/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ntkd/io/peersock.h"
#include "tests/unit/ownnet.h"
#include "tests/unit/sandprobe.h"
#include "tests/unit/tap.h"

static const struct sandprobe *
probe(void)
{
	static struct sandprobe p;

	p = (struct sandprobe){ ntkd_sandbox_rules, ntkd_sandbox_n_rules };
	return &p;
}

#define DIES(name_, what_) \
	static int call_##name_(void) { return (what_) < 0; } \
	static void test_##name_(void) { sandprobe_dies(probe(), call_##name_); }
#define LIVES(name_, what_) \
	static int call_##name_(void) { return (what_) < 0; } \
	static void test_##name_(void) { sandprobe_lives(probe(), call_##name_); }

static char path[] = "/dev/null";
static char *const no_words[] = { NULL };
static struct timespec some_time;
static const gid_t group_zero;
static char byte;
static uint32_t word;
static struct sockaddr_storage place;

enum {
	PLACE_IN = sizeof(struct sockaddr_in),
	NEIGHBOUR = SOCK_CLOEXEC | SOCK_NONBLOCK,
};

/* System calls by number, so that the C library cannot take another way. */
DIES(packet, syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0))
DIES(inet, syscall(SYS_socket, AF_INET, SOCK_STREAM, 0))
DIES(inet_raw, syscall(SYS_socket, AF_INET, SOCK_RAW | NEIGHBOUR, IPPROTO_ICMP))
DIES(inet_protocol, syscall(SYS_socket, AF_INET, SOCK_STREAM | NEIGHBOUR, IPPROTO_SCTP))
DIES(inet6, syscall(SYS_socket, AF_INET6, SOCK_DGRAM | NEIGHBOUR, 0))
DIES(netlink, syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0))
DIES(connect, syscall(SYS_connect, -1, &place, PLACE_IN + 1))
DIES(bind, syscall(SYS_bind, -1, &place, PLACE_IN + 1))
DIES(listen, syscall(SYS_listen, -1, 1))
DIES(setsockopt, syscall(SYS_setsockopt, -1, SOL_SOCKET, SO_MARK, &byte, 1))
DIES(device_by_name, syscall(SYS_setsockopt, -1, SOL_SOCKET, SO_BINDTODEVICE, &byte, 1))
DIES(socket_filter, syscall(SYS_setsockopt, -1, SOL_SOCKET, SO_ATTACH_FILTER, &byte, 1))
DIES(ip_option, syscall(SYS_setsockopt, -1, IPPROTO_IP, IP_TRANSPARENT, &byte, 1))
/* The same number at another level: SOL_SOCKET has SO_TYPE, IPPROTO_TCP has TCP_NODELAY. */
DIES(tcp_option, syscall(SYS_setsockopt, -1, IPPROTO_TCP, TCP_CONGESTION, &byte, 1))
DIES(udp_option, syscall(SYS_setsockopt, -1, IPPROTO_UDP, 1, &byte, 1))
DIES(shut_reading, syscall(SYS_shutdown, -1, SHUT_RD))
DIES(arp_set, syscall(SYS_ioctl, -1, SIOCSARP, &byte))
DIES(getsockopt, syscall(SYS_getsockopt, -1, SOL_SOCKET, SO_TYPE, &byte, &byte))
DIES(openat, syscall(SYS_openat, AT_FDCWD, path, O_RDONLY))
DIES(openat2, syscall(SYS_openat2, AT_FDCWD, path, NULL, 0))
DIES(unlinkat, syscall(SYS_unlinkat, AT_FDCWD, "/nowhere/at/all", 0))
DIES(stat_path, syscall(SYS_newfstatat, AT_FDCWD, path, &byte, 0))
DIES(clone, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
DIES(unshare, syscall(SYS_unshare, CLONE_NEWNET))
DIES(setns, syscall(SYS_setns, -1, CLONE_NEWNET))
DIES(mount, syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0, NULL))
DIES(setgroups, syscall(SYS_setgroups, 0, &group_zero))
DIES(ioctl, syscall(SYS_ioctl, 0, TIOCSTI, &byte))
DIES(recvmsg, syscall(SYS_recvmsg, -1, NULL, 0))
DIES(sendmsg, syscall(SYS_sendmsg, -1, NULL, 0))
#ifndef SC_SANITIZED
DIES(protect, syscall(SYS_mprotect, NULL, 4096, PROT_READ))
#endif
DIES(futex, syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0))
DIES(tgkill, syscall(SYS_tgkill, 1, 1, 0))
DIES(unshare_user, syscall(SYS_unshare, CLONE_NEWUSER))
DIES(module, syscall(SYS_finit_module, -1, "", 0))
DIES(umount, syscall(SYS_umount2, "/nowhere", 0))
#define FORBIDDEN(name_, text_, call_) DIES(name_, call_)
#include "tests/unit/forbidden.tab"
#undef FORBIDDEN

/* Fails instead: a lost syslog is no reason to die. */
static int
call_syslog(void)
{
	return !(syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0) < 0 && errno == EPERM);
}

static void
test_syslog(void)
{
	sandprobe_lives(probe(), call_syslog);
}

/* What the loop does, with descriptors made beforehand. */
static int loop_pair[2], loop_epoll;

static int
call_loop(void)
{
	struct epoll_event ev = { .events = EPOLLIN };

	if (syscall(SYS_epoll_ctl, loop_epoll, EPOLL_CTL_ADD, loop_pair[0], &ev) != 0 ||
	    syscall(SYS_sendto, loop_pair[1], "x", 1, MSG_NOSIGNAL, NULL, 0) != 1 ||
	    syscall(SYS_epoll_pwait, loop_epoll, &ev, 1, 1000, NULL, 8) != 1 ||
	    syscall(SYS_recvfrom, loop_pair[0], &byte, 1, 0, NULL, NULL) != 1 || byte != 'x' ||
	    syscall(SYS_write, loop_pair[1], "y", 1) != 1 ||
	    syscall(SYS_read, loop_pair[0], &byte, 1) != 1 || byte != 'y')
		return 1;
	return syscall(SYS_close, loop_pair[0]) != 0;
}

static void
test_loop(void)
{
	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, loop_pair) == 0);
	loop_epoll = epoll_create1(0);
	CU_ASSERT_FATAL(loop_epoll >= 0);
	sandprobe_lives(probe(), call_loop);
	close(loop_epoll);
	close(loop_pair[0]);
	close(loop_pair[1]);
}

static int
call_memory(void)
{
	void *at = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 1;
	at = mremap(at, 65536, 131072, MREMAP_MAYMOVE);
	return at == MAP_FAILED || munmap(at, 131072) != 0;
}

static void
test_memory(void)
{
	sandprobe_lives(probe(), call_memory);
}

LIVES(peer, syscall(SYS_getsockopt, -1, SOL_SOCKET, SO_PEERCRED, &byte, &byte) < 0 &&
    errno == EBADF ? 0 : -1)
LIVES(notice, syscall(SYS_recvmsg, -1, NULL, MSG_DONTWAIT) < 0 && errno == EBADF ? 0 : -1)
/* A system of one, with itself for a neighbour: what is told to the kernel is the same. */
static int
call_neighbour(void)
{
	struct peersock_nic nic = { 1, INADDR_LOOPBACK, 1000 };
	int hearing = peersock_open(PEERSOCK_HEARING, &nic);
	int speaking = peersock_open(PEERSOCK_SPEAKING, &nic);
	int waiting = peersock_open(PEERSOCK_WAITING, &nic);
	int calling = peersock_open(PEERSOCK_CALLING, &nic);
	uint16_t port;
	ntk_ip_t from;
	ntk_mac_t mac;
	int got;

	if (hearing < 0 || speaking < 0 || waiting < 0 || calling < 0 ||
	    !peersock_connect(calling, nic.addr))
		return 1;
	if (send(speaking, "x", 1, MSG_NOSIGNAL) != 1 ||
	    peersock_hear(hearing, (uint8_t *)&byte, 1, &from, &port) != 1 || byte != 'x' ||
	    from != nic.addr || port != PEER_PORT)
		return 2;
	got = peersock_accept(waiting, &from);
	if (got < 0 || from != nic.addr || peersock_error(calling) != 0)
		return 3;
	/* Loopback has no hardware addresses. */
	if (peersock_mac(got, "lo", from, &mac) || shutdown(calling, SHUT_WR) != 0)
		return 4;
	return recv(got, &byte, 1, 0) != 0;
}

static void
test_neighbour(void)
{
	if (!ownnet_enter())
		return;
	sandprobe_lives(probe(), call_neighbour);
}

LIVES(wait, syscall(SYS_wait4, -1, NULL, WNOHANG, NULL) < 0 && errno == ECHILD ? 0 : -1)
LIVES(wake, syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0))
LIVES(clock, syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &some_time))

static void
test_trap(void)
{
	sandprobe_names(probe(), call_packet, "socket");
	sandprobe_names(probe(), call_openat, "openat");
	sandprobe_names(probe(), call_mount, "mount");
}

static void
test_doors(void)
{
	sandprobe_other_doors(probe());
}

static void
test_list(void)
{
	sandprobe_list(probe(), "ntkd");
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "lists what it allows, each with its reason", test_list },
		{ "in development mode a forbidden call is named", test_trap },
		{ "kills on calls through another door: 32 bits, x32", test_doors },
#define T(name_, text_) { text_, test_##name_ }
		T(loop, "allows what the event loop does"),
		T(memory, "allows memory that is not executable"),
		T(peer, "allows asking who a client is"),
		T(notice, "allows reading the kernel's notifications"),
		T(wait, "allows waiting for the helper"),
		T(wake, "allows waking threads, of which there are none"),
		T(clock, "allows reading the clock"),
		T(syslog, "lets syslog fail to connect"),
		T(packet, "kills on a packet socket"),
		T(neighbour, "allows sockets towards neighbours"),
		T(inet, "kills on an internet socket that would block"),
		T(inet_raw, "kills on a raw socket"),
		T(inet_protocol, "kills on other protocols"),
		T(inet6, "kills on an IPv6 socket"),
		T(netlink, "kills on a netlink socket"),
		T(connect, "kills on connect to what is no IPv4 address"),
		T(bind, "kills on bind to what is no IPv4 address"),
		T(listen, "kills on listen with another backlog"),
		T(setsockopt, "kills on marking packets"),
		T(device_by_name, "kills on binding to a device by name"),
		T(socket_filter, "kills on a socket filter"),
		T(ip_option, "kills on speaking with the address of others"),
		T(tcp_option, "kills on other options of TCP"),
		T(udp_option, "kills on options of UDP"),
		T(shut_reading, "kills on other ways to shut a socket"),
		T(arp_set, "kills on changing what is known of neighbours"),
		T(getsockopt, "kills on other socket options"),
		T(openat, "kills on openat"),
		T(openat2, "kills on openat2"),
		T(unlinkat, "kills on unlinkat"),
		T(stat_path, "kills on stat of a path"),
		T(clone, "kills on clone"),
		T(unshare, "kills on unshare"),
		T(setns, "kills on setns"),
		T(mount, "kills on mount"),
		T(setgroups, "kills on setgroups"),
#ifndef SC_SANITIZED	/* the address sanitizer protects memory of its own */
		T(protect, "kills on changing what memory is for"),
#endif
		T(futex, "kills on waiting for another thread"),
		T(ioctl, "kills on ioctl of a terminal"),
		T(recvmsg, "kills on recvmsg where it is not for notifications"),
		T(sendmsg, "kills on sendmsg, which can pass descriptors"),
		T(tgkill, "kills on tgkill"),
		T(unshare_user, "kills on a new user namespace"),
		T(module, "kills on loading a module"),
		T(umount, "kills on umount"),
#define FORBIDDEN(name_, text_, call_) T(name_, text_),
#include "tests/unit/forbidden.tab"
#undef FORBIDDEN
#undef T
	};

	return TAP_RUN(tests);
}
