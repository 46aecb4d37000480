/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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
/* Let through by the filter; that the kernel then refuses it (no rights, no such descriptor) is no matter. */
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
DIES(execve, syscall(SYS_execve, path, no_words, no_words))
DIES(openat, syscall(SYS_openat, AT_FDCWD, path, O_RDONLY))
DIES(openat_names_write, syscall(SYS_openat, PRIV_FD_NAMES, "x", O_RDWR | O_CREAT, 0600))
DIES(openat_sysctl_create, syscall(SYS_openat, PRIV_FD_SYSCTL, "x", O_WRONLY | O_CREAT, 0600))
DIES(openat_journal, syscall(SYS_openat, PRIV_FD_JOURNAL, "x", O_RDONLY | O_CLOEXEC))
DIES(open, syscall(SYS_open, path, O_RDONLY))
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
DIES(chroot, syscall(SYS_chroot, "/"))
DIES(setuid, syscall(SYS_setuid, 0))
DIES(capset, syscall(SYS_capset, NULL, NULL))
DIES(prctl, syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0))
DIES(ptrace, syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0))
DIES(kill, syscall(SYS_kill, getpid(), 0))
DIES(bpf, syscall(SYS_bpf, 0, NULL, 0))
DIES(init_module, syscall(SYS_finit_module, -1, "", 0))
DIES(sethostname, syscall(SYS_sethostname, "x", 1))
DIES(chmod, syscall(SYS_fchmodat, AT_FDCWD, path, 0777))
DIES(chown, syscall(SYS_fchownat, AT_FDCWD, path, 0, 0, 0))
DIES(executable_map, syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
DIES(executable_protect, syscall(SYS_mprotect, NULL, 4096, PROT_READ | PROT_EXEC))
DIES(io_uring, syscall(SYS_io_uring_setup, 1, NULL))

PASSES(rtnetlink, syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE))
PASSES(nfnetlink, syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER))
PASSES(setns, syscall(SYS_setns, -1, CLONE_NEWNET))
PASSES(bind_mount, syscall(SYS_mount, "/nowhere", "/nowhere", NULL, MS_BIND, NULL))
PASSES(unmount, syscall(SYS_umount2, "/nowhere", MNT_DETACH | UMOUNT_NOFOLLOW))
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
test_list(void)
{
	sandprobe_list(probe(), "ntkd-priv");
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "lists what it allows, each with its reason", test_list },
#define T(name_, text_) { text_, test_##name_ }
		T(rtnetlink, "allows a rtnetlink socket"),
		T(nfnetlink, "allows a nfnetlink socket"),
		T(setns, "allows entering a network namespace"),
		T(bind_mount, "allows a bind mount"),
		T(unmount, "allows a lazy unmount that follows no link"),
		T(sysctl, "allows opening a setting"),
		T(syslog, "lets syslog fail to connect"),
		T(inet, "kills on an internet socket"),
		T(packet, "kills on a packet socket"),
		T(generic_netlink, "kills on another netlink protocol"),
		T(netlink_dgram, "kills on another type of netlink socket"),
		T(connect, "kills on connect"),
		T(setsockopt, "kills on other socket options"),
		T(execve, "kills on execve"),
		T(openat, "kills on opening a path"),
		T(openat_names_write, "kills on opening a name for writing"),
		T(openat_sysctl_create, "kills on creating below /proc/sys"),
		T(openat_journal, "kills on opening below the journal"),
		T(open, "kills on open"),
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
		T(chroot, "kills on chroot"),
		T(setuid, "kills on setuid"),
		T(capset, "kills on capset"),
		T(prctl, "kills on prctl"),
		T(ptrace, "kills on ptrace"),
		T(kill, "kills on kill"),
		T(bpf, "kills on bpf"),
		T(init_module, "kills on loading a module"),
		T(sethostname, "kills on sethostname"),
		T(chmod, "kills on chmod"),
		T(chown, "kills on chown"),
		T(executable_map, "kills on executable memory"),
		T(executable_protect, "kills on making memory executable"),
		T(io_uring, "kills on io_uring"),
#undef T
	};
	return TAP_RUN(tests);
}
