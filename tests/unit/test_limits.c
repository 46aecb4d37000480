/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second wall: the limits that both processes set, each tried with no system call
 * filter in front of it, and with the rights that the process has.
 */
#include "common/creds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/tap.h"

enum {
	NOBODY = 64100,		/* a user of the tests */
	FILE_SIZE = 4096,
	DESCRIPTORS = 16,
	DONE = 0, OTHERWISE = 1, NO_LIMITS = 2,
};

static const int helper_caps[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN };

/* Runs CALL in a child with N of the helper's capabilities, limited or not; its wait status. */
static int
child_run(int (*call)(void), size_t n_caps, bool limited)
{
	const char *why = "";
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (!creds_drop(NOBODY, NOBODY, helper_caps, n_caps, &why) ||
		    (limited && !creds_limit(FILE_SIZE, DESCRIPTORS, &why))) {
			tap_note("%s", why);
			_exit(NO_LIMITS);
		}
		_exit(call() == 0 ? DONE : OTHERWISE);
	}
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT_FATAL(waitpid(pid, &status, 0) == pid);
	return status;
}

/* CALL says whether the limit stopped it: with limits it does, without them it does not. */
static void
stops(int (*call)(void), size_t n_caps)
{
	int status = child_run(call, n_caps, true);

	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == DONE);
	status = child_run(call, n_caps, false);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == OTHERWISE);
}

static bool
usable(void)
{
	if (geteuid() == 0)
		return true;
	tap_skip("needs root, whose rights it gives up");
	return false;
}

static int
no_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return !(pid < 0 && errno == EAGAIN);
}

static void
test_processes(void)
{
	if (usable())
		stops(no_process, 0);
}

/*
 * The kernel lets CAP_SYS_ADMIN pass this limit, so of the helper's two walls only the filter
 * stands here.  Should a kernel do otherwise, good; then the manual page may say more.
 */
static void
test_helper_processes(void)
{
	int status;

	if (!usable())
		return;
	status = child_run(no_process, 2, true);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == OTHERWISE);
	tap_note("with CAP_SYS_ADMIN the limit of processes is no limit: it is the filter that holds");
}

static int file = -1;

static int
no_long_file(void)
{
	char byte = 'x';

	signal(SIGXFSZ, SIG_IGN);
	return !(pwrite(file, &byte, 1, FILE_SIZE - 1) == 1 &&
	    pwrite(file, &byte, 1, FILE_SIZE) < 0 && errno == EFBIG);
}

static void
test_file_size(void)
{
	char path[] = "/tmp/ntk-limits.XXXXXX";

	if (!usable())
		return;
	file = mkstemp(path);
	CU_ASSERT_FATAL(file >= 0);
	unlink(path);
	stops(no_long_file, 0);
	stops(no_long_file, 2);
	close(file);
}

static int
few_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd < DESCRIPTORS);
	return !(fd < 0 && errno == EMFILE);
}

static void
test_descriptors(void)
{
	if (!usable())
		return;
	stops(few_descriptors, 0);
	stops(few_descriptors, 2);
}

/* A crash in a directory where everybody may write; true when a core file came of it. */
static bool
leaves_core(bool limited)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	const char *why;
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (setrlimit(RLIMIT_CORE, &all) != 0 ||
		    (limited && !creds_limit(RLIM_INFINITY, DESCRIPTORS, &why)))
			_exit(NO_LIMITS);
		signal(SIGABRT, SIG_DFL);
		kill(getpid(), SIGABRT);
		_exit(OTHERWISE);
	}
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT_FATAL(waitpid(pid, &status, 0) == pid);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	return WCOREDUMP(status);
}

static void
test_core(void)
{
	char dir[] = "/tmp/ntk-limits.XXXXXX", command[64], pattern = '|';
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
	bool known = fd >= 0 && read(fd, &pattern, 1) == 1;

	if (fd >= 0)
		close(fd);
	if (!usable())
		return;
	if (!known || pattern == '|' || pattern == '/') {
		tap_skip("cores of this system go elsewhere");
		return;
	}
	CU_ASSERT_FATAL(mkdtemp(dir) != NULL && chdir(dir) == 0);
	if (leaves_core(false)) {
		CU_ASSERT_FALSE(leaves_core(true));
	} else {
		tap_skip("this kernel writes no cores at all");
	}
	CU_ASSERT_FATAL(chdir("/") == 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CU_ASSERT_EQUAL(system(command), 0);
}

static int
not_dumpable(void)
{
	return access("/proc/self/environ", R_OK) == 0;
}

/* A core by way of a program is not bound by the limit, but by this. */
static void
test_dumpable(void)
{
	int status;

	if (!usable())
		return;
	status = child_run(not_dumpable, 0, true);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == DONE);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "without a filter: no new process", test_processes },
		{ "without a filter: the helper's right passes that limit", test_helper_processes },
		{ "without a filter: no file longer than allowed", test_file_size },
		{ "without a filter: no descriptor more than allowed", test_descriptors },
		{ "without a filter: no core file", test_core },
		{ "without a filter: no way to dump the process", test_dumpable },
	};

	return TAP_RUN(tests);
}
