/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/privfd.h"
#include "tests/unit/sandprobe.h"
#include "tests/unit/tap.h"

static const struct sandprobe *
probe(void)
{
	static struct sandprobe p;

	p = (struct sandprobe){ sandbox_rules, sandbox_n_rules };
	return &p;
}

#define DIES(name_, what_) \
	static int call_##name_(void) { return (what_) < 0; } \
	static void test_##name_(void) { sandprobe_dies(probe(), call_##name_); }
/* Let through by the filter; that the kernel may refuse it then (no rights) is no matter. */
#define PASSES(name_, what_) \
	static int call_##name_(void) { (void)(what_); return 0; } \
	static void test_##name_(void) { sandprobe_lives(probe(), call_##name_); }

static char path[] = "/dev/null";
static char *const no_words[] = { NULL };
static char byte;

DIES(inet, syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0))
DIES(packet, syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0))
DIES(generic_netlink, syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC))
DIES(netlink_dgram, syscall(SYS_socket, AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_ROUTE))
DIES(connect, syscall(SYS_connect, -1, NULL, 0))
DIES(setsockopt, syscall(SYS_setsockopt, -1, SOL_SOCKET, SO_MARK, &byte, 1))
DIES(openat, syscall(SYS_openat, AT_FDCWD, path, O_RDONLY))
DIES(openat_names_write, syscall(SYS_openat, PRIV_FD_NAMES, "x", O_RDWR | O_CREAT, 0600))
DIES(openat_sysctl_create, syscall(SYS_openat, PRIV_FD_SYSCTL, "x", O_WRONLY | O_CREAT, 0600))
DIES(openat_journal, syscall(SYS_openat, PRIV_FD_JOURNAL, "x", O_RDONLY | O_CLOEXEC))
DIES(unlink_elsewhere, syscall(SYS_unlinkat, AT_FDCWD, "/nowhere/at/all", 0))
DIES(unlink_directory, syscall(SYS_unlinkat, PRIV_FD_NAMES, "x", AT_REMOVEDIR))
DIES(rename_out, syscall(SYS_renameat, PRIV_FD_RUN, "x", AT_FDCWD, "y"))
DIES(clone, syscall(SYS_clone, 17, 0, 0, 0, 0))
DIES(unshare_mount, syscall(SYS_unshare, CLONE_NEWNS))
DIES(unshare_user, syscall(SYS_unshare, CLONE_NEWNET | CLONE_NEWUSER))
DIES(setns_any, syscall(SYS_setns, -1, 0))
DIES(mount_tmpfs, syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0, NULL))
DIES(mount_recursive, syscall(SYS_mount, "none", "/nowhere", NULL, MS_BIND | MS_REC, NULL))
DIES(mount_data, syscall(SYS_mount, "none", "/nowhere", NULL, MS_BIND, "data"))
DIES(umount_force, syscall(SYS_umount2, "/nowhere", MNT_FORCE))
DIES(umount_follow, syscall(SYS_umount2, "/nowhere", MNT_DETACH))
DIES(init_module, syscall(SYS_finit_module, -1, "", 0))
DIES(sethostname, syscall(SYS_sethostname, "x", 1))
DIES(openat2, syscall(SYS_openat2, PRIV_FD_SYSCTL, path, NULL, 0))
DIES(tgkill, syscall(SYS_tgkill, 1, 1, SIGKILL))
DIES(sigreturn, syscall(SYS_rt_sigreturn))
DIES(accept, syscall(SYS_accept4, -1, NULL, NULL, 0))
DIES(netlink_nonblock, syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
    NETLINK_ROUTE))
DIES(audit, syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT))
DIES(setns_user, syscall(SYS_setns, -1, CLONE_NEWUSER))
DIES(setns_mount, syscall(SYS_setns, -1, CLONE_NEWNS))
DIES(setns_both, syscall(SYS_setns, -1, CLONE_NEWNET | CLONE_NEWNS))
DIES(mount_remount, syscall(SYS_mount, "none", "/", NULL, MS_BIND | MS_REMOUNT, NULL))
DIES(mount_shared, syscall(SYS_mount, "none", "/", NULL, MS_SHARED, NULL))
DIES(mount_move, syscall(SYS_mount, "/", "/nowhere", NULL, MS_MOVE, NULL))
DIES(ftruncate, syscall(SYS_ftruncate, STDOUT_FILENO, 0))
DIES(pwrite, syscall(SYS_pwrite64, STDOUT_FILENO, &byte, 0, 0))
DIES(link, syscall(SYS_linkat, PRIV_FD_RUN, "x", PRIV_FD_RUN, "y", 0))
DIES(symlink, syscall(SYS_symlinkat, "x", PRIV_FD_RUN, "y"))
DIES(mkdir, syscall(SYS_mkdirat, PRIV_FD_RUN, "x", 0700))
DIES(mknod, syscall(SYS_mknodat, PRIV_FD_RUN, "x", S_IFCHR | 0600, 0))
DIES(setgroups, syscall(SYS_setgroups, 0, NULL))
DIES(ioctl, syscall(SYS_ioctl, 0, TIOCSTI, &byte))
#define FORBIDDEN(name_, text_, call_) DIES(name_, call_)
#include "tests/unit/forbidden.tab"
#undef FORBIDDEN

PASSES(rtnetlink, syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE))
PASSES(nfnetlink, syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER))
PASSES(setns, syscall(SYS_setns, -1, CLONE_NEWNET))
PASSES(bind_mount, syscall(SYS_mount, "/nowhere", "/nowhere", NULL, MS_BIND, NULL))
PASSES(unmount, syscall(SYS_umount2, "/nowhere", MNT_DETACH | UMOUNT_NOFOLLOW))
PASSES(abort, syscall(SYS_tgkill, -1, 1, SIGABRT))
PASSES(sysctl, syscall(SYS_openat, PRIV_FD_SYSCTL, "ipv4/nothing", O_RDONLY | O_CLOEXEC))

static int
call_syslog(void)
{
	return !(syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0) < 0 && errno == EACCES);
}

static void
test_syslog(void)
{
	sandprobe_lives(probe(), call_syslog);
}

static void
test_trap(void)
{
	sandprobe_names(probe(), call_inet, "socket");
	sandprobe_names(probe(), call_openat, "openat");
	sandprobe_names(probe(), call_unshare_user, "unshare");
}

static void
test_doors(void)
{
	sandprobe_other_doors(probe());
}

static void
test_list(void)
{
	sandprobe_list(probe(), "ntkd-priv");
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "lists what it allows, each with its reason", test_list },
		{ "in development mode a forbidden call is named", test_trap },
		{ "kills on calls through another door: 32 bits, x32", test_doors },
#define T(name_, text_) { text_, test_##name_ }
		T(rtnetlink, "allows a rtnetlink socket"),
		T(nfnetlink, "allows a nfnetlink socket"),
		T(setns, "allows entering a network namespace"),
		T(bind_mount, "allows a bind mount"),
		T(unmount, "allows a lazy unmount that follows no link"),
		T(abort, "allows the signal of abort()"),
		T(sysctl, "allows opening a setting"),
		T(syslog, "lets syslog fail to connect"),
		T(inet, "kills on an internet socket"),
		T(packet, "kills on a packet socket"),
		T(generic_netlink, "kills on another netlink protocol"),
		T(netlink_dgram, "kills on another type of netlink socket"),
		T(connect, "kills on connect"),
		T(setsockopt, "kills on other socket options"),
		T(openat, "kills on opening a path"),
		T(openat_names_write, "kills on opening a name for writing"),
		T(openat_sysctl_create, "kills on creating below /proc/sys"),
		T(openat_journal, "kills on opening below the journal"),
		T(unlink_elsewhere, "kills on removing a path elsewhere"),
		T(unlink_directory, "kills on removing a directory"),
		T(rename_out, "kills on renaming to elsewhere"),
		T(clone, "kills on a new process"),
		T(unshare_mount, "kills on a new mount namespace"),
		T(unshare_user, "kills on a new user namespace beside"),
		T(setns_any, "kills on entering any other namespace"),
		T(mount_tmpfs, "kills on mounting a file system"),
		T(mount_recursive, "kills on a recursive bind mount"),
		T(mount_data, "kills on a bind mount with data"),
		T(umount_force, "kills on a forced unmount"),
		T(umount_follow, "kills on an unmount that follows links"),
		T(init_module, "kills on loading a module"),
		T(sethostname, "kills on sethostname"),
		T(openat2, "kills on openat2"),
		T(sigreturn, "kills on a return from a handler: there are none"),
		T(tgkill, "kills on tgkill with another signal than abort()'s"),
		T(accept, "kills on accepting a connection"),
		T(netlink_nonblock, "kills on a netlink socket of another kind"),
		T(audit, "kills on an audit socket"),
		T(setns_user, "kills on entering a user namespace"),
		T(setns_mount, "kills on entering a mount namespace"),
		T(setns_both, "kills on entering two namespaces at once"),
		T(mount_remount, "kills on a remount"),
		T(mount_shared, "kills on sharing mounts"),
		T(mount_move, "kills on moving a mount by mount()"),
		T(ftruncate, "kills on cutting another file"),
		T(pwrite, "kills on pwrite to another file"),
		T(link, "kills on a link"),
		T(symlink, "kills on a symbolic link"),
		T(mkdir, "kills on a directory"),
		T(mknod, "kills on a device"),
		T(setgroups, "kills on setgroups"),
		T(ioctl, "kills on other ioctls"),
#define FORBIDDEN(name_, text_, call_) T(name_, text_),
#include "tests/unit/forbidden.tab"
#undef FORBIDDEN
#undef T
	};
	return TAP_RUN(tests);
}
