/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/creds.h"
#include "common/privfd.h"

/* Journal and names of tables stay far below; a hostile ntkd cannot fill the file system. */
enum { FILE_SIZE = 1 << 20, DESCRIPTORS = 256 };

#define NETLINK_RAW (SOCK_RAW | SOCK_CLOEXEC)
#define OPEN_READ (O_RDONLY | O_CLOEXEC)
#define OPEN_WRITE (O_WRONLY | O_CLOEXEC)

const struct sc_rule sandbox_rules[] = {
	/* the border */
	SC_ALLOW(recvmsg, "requests of ntkd; answers of netlink through libnl"),
	SC_ALLOW(recvfrom, "answers of netlink"),
	SC_ALLOW(sendto, "answers to ntkd; log lines to syslog"),
	SC_ALLOW(sendmsg, "requests to netlink"),
	/* netlink sockets of new namespaces */
	SC_ALLOW_IF(socket, "netlink socket in a new namespace", 3, SC_EQ(0, AF_NETLINK),
	    SC_EQ(1, NETLINK_RAW), SC_EQ(2, NETLINK_ROUTE)),
	SC_ALLOW_IF(socket, "nftables socket in a new namespace", 3, SC_EQ(0, AF_NETLINK),
	    SC_EQ(1, NETLINK_RAW), SC_EQ(2, NETLINK_NETFILTER)),
	SC_ERRNO_IF(socket, EACCES, "syslog() reconnecting: the line is lost, we live", 1,
	    SC_EQ(0, AF_UNIX)),
	SC_ALLOW(bind, "libnl binds its sockets"),
	SC_ALLOW(getsockname, "libnl reads its port back"),
	SC_ALLOW_IF(setsockopt, "receive buffers for acknowledgements", 2,
	    SC_EQ(1, SOL_SOCKET), SC_EQ(2, SO_RCVBUFFORCE)),
	SC_ALLOW_IF(setsockopt, "send buffers for nftables batches", 2,
	    SC_EQ(1, SOL_SOCKET), SC_EQ(2, SO_SNDBUFFORCE)),
	SC_ALLOW_IF(setsockopt, "libnl's default buffer", 2, SC_EQ(1, SOL_SOCKET),
	    SC_EQ(2, SO_SNDBUF)),
	SC_ALLOW_IF(setsockopt, "libnl's default buffer", 2, SC_EQ(1, SOL_SOCKET),
	    SC_EQ(2, SO_RCVBUF)),
	SC_ALLOW_IF(setsockopt, "the kernel's words in errors", 2, SC_EQ(1, SOL_NETLINK),
	    SC_EQ(2, NETLINK_EXT_ACK)),
	SC_ALLOW_IF(setsockopt, "errors without the request repeated", 2,
	    SC_EQ(1, SOL_NETLINK), SC_EQ(2, NETLINK_CAP_ACK)),
	SC_ALLOW_IF(ioctl, "the namespace behind a socket", 1, SC_EQ(1, SIOCGSKNS)),
	/* the four calls for which CAP_SYS_ADMIN is kept */
	SC_ALLOW_IF(unshare, "a new network namespace, nothing else", 1, SC_EQ(0, CLONE_NEWNET)),
	SC_ALLOW_IF(setns, "into a network namespace of ours, and back", 1, SC_EQ(1, CLONE_NEWNET)),
	SC_ALLOW_IF(mount, "binding a namespace to its name", 2, SC_EQ(3, MS_BIND), SC_EQ(4, 0)),
	SC_ALLOW_IF(umount2, "unbinding it", 1, SC_EQ(1, MNT_DETACH | UMOUNT_NOFOLLOW)),
	/* files, only through the four descriptors of the start */
	SC_ALLOW_IF(openat, "a new namespace name", 2, SC_EQ(0, PRIV_FD_NAMES),
	    SC_EQ(2, OPEN_READ | O_CREAT | O_EXCL | O_NOFOLLOW)),
	SC_ALLOW_IF(openat, "a namespace of a previous life", 2, SC_EQ(0, PRIV_FD_NAMES),
	    SC_EQ(2, OPEN_READ | O_NOFOLLOW | O_NONBLOCK)),
	SC_ALLOW_IF(openat, "reading a setting", 2, SC_EQ(0, PRIV_FD_SYSCTL),
	    SC_EQ(2, OPEN_READ)),
	SC_ALLOW_IF(openat, "writing a setting", 2, SC_EQ(0, PRIV_FD_SYSCTL),
	    SC_EQ(2, OPEN_WRITE)),
	SC_ALLOW_IF(openat, "names of tables", 2, SC_EQ(0, PRIV_FD_RUN),
	    SC_EQ(2, OPEN_WRITE | O_CREAT | O_TRUNC | O_NOFOLLOW)),
	SC_ALLOW_IF(renameat, "names of tables, put in place", 2, SC_EQ(0, PRIV_FD_RUN),
	    SC_EQ(2, PRIV_FD_RUN)),
	SC_ALLOW_IF(unlinkat, "removing the names of tables", 2, SC_EQ(0, PRIV_FD_RUN),
	    SC_EQ(2, 0)),
	SC_ALLOW_IF(unlinkat, "removing a namespace name", 2, SC_EQ(0, PRIV_FD_NAMES),
	    SC_EQ(2, 0)),
	SC_ALLOW_IF(newfstatat, "what a namespace name shows", 2, SC_EQ(0, PRIV_FD_NAMES),
	    SC_EQ(3, AT_SYMLINK_NOFOLLOW)),
	SC_ALLOW_IF(newfstatat, "fstat() of what is open", 1, SC_EQ(3, AT_EMPTY_PATH)),
	SC_ALLOW(fstat, "fstat() of older C libraries"),
	SC_ALLOW_IF(ftruncate, "cutting the journal", 1, SC_EQ(0, PRIV_FD_JOURNAL)),
	SC_ALLOW_IF(pread64, "reading the journal", 1, SC_EQ(0, PRIV_FD_JOURNAL)),
	SC_ALLOW_IF(pwrite64, "writing the journal", 1, SC_EQ(0, PRIV_FD_JOURNAL)),
	SC_ALLOW(read, "settings"),
	SC_ALLOW(write, "settings, names of tables, log lines on standard error"),
	SC_ALLOW(close, "what was opened"),
	/* the process itself */
	SC_ALLOW(brk, "memory"),
	SC_ALLOW_IF(mmap, "memory, never executable", 1, SC_MASK(2, PROT_EXEC, 0)),
	SC_ALLOW(munmap, "memory"),
	SC_ALLOW(mremap, "memory"),
	SC_ALLOW(clock_gettime, "the rate of log lines, where the vDSO cannot tell"),
	SC_ALLOW(geteuid, "whether the unbound name of a killed life is ours"),
	SC_ALLOW(getpid, "syslog() and libnl name the process"),
	SC_ALLOW(gettid, "abort()"),
	SC_ALLOW_IF(tgkill, "abort(): a bug ends the process", 1, SC_EQ(2, SIGABRT)),
	SC_ALLOW(rt_sigprocmask, "abort()"),
	SC_ALLOW(rt_sigaction, "abort()"),
	SC_ALLOW(restart_syscall, "after SIGSTOP and SIGCONT"),
	SC_ALLOW(exit_group, "the end"),
#ifdef SC_SANITIZED
	SC_ALLOW(sigaltstack, "the address sanitizer, in builds for testing only"),
	SC_ALLOW(madvise, "the same"),
#endif
};
const size_t sandbox_n_rules = sizeof(sandbox_rules) / sizeof(sandbox_rules[0]);

bool
sandbox_enter(uid_t uid, gid_t gid, enum sc_mode mode, const char **why)
{
	static const int caps[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN };
	struct stat log;
	/* A log that is a regular file may have grown larger already. */
	uint64_t size = fstat(STDERR_FILENO, &log) == 0 && S_ISREG(log.st_mode) ?
	    RLIM_INFINITY : FILE_SIZE;

	return creds_drop(uid, gid, caps, 2, why) && creds_limit(size, DESCRIPTORS, why) &&
	    scfilter_load(sandbox_rules, sandbox_n_rules, mode, why);
}
