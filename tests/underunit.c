/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * underunit SETTINGS PROGRAM [ARGUMENT...] : runs the program under what a systemd unit takes
 * away, as far as a process can do that to itself.
 * underunit SETTINGS : tells of each setting whether that is so.
 *
 * SETTINGS is a file with the lines of the unit's section [Service]; SystemCallFilter= is
 * written out there as one line of names of calls (tests/under-unit does that).  The filters
 * are built as systemd.exec(5) tells: a call outside the list kills, the others fail.
 * A setting that is not known here ends it: somebody has to think about it.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Argument N compared with V; it has all bits of V. */
#define IS(n, op, v)	{ n, SCMP_CMP_##op, (scmp_datum_t)(v), 0 }
#define EQ(n, v)	IS(n, EQ, v)
#define HAS(n, v)	{ n, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(v), (scmp_datum_t)(v) }

typedef bool apply(const char *value);

static bool
yes(const char *value)
{
	return strcmp(value, "yes") == 0;
}

/* --- filters ------------------------------------------------------------------- */

/* Allows all but what is added to it. */
static scmp_filter_ctx
filter_new(uint32_t otherwise)
{
	scmp_filter_ctx f = seccomp_init(otherwise);

	if (f == NULL || seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0) != 0)
		exit(3);
	return f;
}

/* CALL fails with ERROR where all N comparisons hold; calls that do not exist here are passed over. */
static void
fails(scmp_filter_ctx f, int error, int call, unsigned n, const struct scmp_arg_cmp *args)
{
	if (call >= 0 && seccomp_rule_add_array(f, SCMP_ACT_ERRNO((unsigned)error), call, n,
	    args) != 0)
		exit(3);
}

#define FAILS(f, error, call, ...) do { \
	const struct scmp_arg_cmp args_[] = { __VA_ARGS__ }; \
	fails(f, error, SCMP_SYS(call), sizeof(args_) / sizeof(args_[0]), args_); \
} while (0)

static bool
filter_load(scmp_filter_ctx f)
{
	bool ok = seccomp_load(f) == 0;

	seccomp_release(f);
	return ok;
}

/* Only these calls; any other kills.  The list is long: names that are not known here do not exist. */
static bool
set_calls(const char *value)
{
	scmp_filter_ctx f = filter_new(SCMP_ACT_KILL_PROCESS);
	char *names = strdup(value), *at = names, *name;
	int call;

	while ((name = strsep(&at, " ")) != NULL) {
		call = seccomp_syscall_resolve_name(name);
		if (call >= 0 && seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 0) != 0)
			return false;
	}
	free(names);
	return filter_load(f);
}

/* libseccomp's filters kill on any other architecture by themselves. */
static bool
set_architectures(const char *value)
{
	return strcmp(value, "native") == 0;
}

static bool
set_families(const char *value)
{
	scmp_filter_ctx f = filter_new(SCMP_ACT_ALLOW);

	if (strcmp(value, "AF_UNIX AF_NETLINK AF_INET") != 0)
		return false;
	for (int family = 0; family < AF_MAX; family++)
		if (family != AF_UNIX && family != AF_NETLINK && family != AF_INET)
			FAILS(f, EAFNOSUPPORT, socket, EQ(0, family));
	FAILS(f, EAFNOSUPPORT, socket, IS(0, GE, AF_MAX));
	return filter_load(f);
}

static bool
set_namespaces(const char *value)
{
	static const int others[] = { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWPID,
		CLONE_NEWUSER, CLONE_NEWUTS };
	scmp_filter_ctx f = filter_new(SCMP_ACT_ALLOW);

	if (strcmp(value, "net") != 0)
		return false;
	fails(f, ENOSYS, SCMP_SYS(clone3), 0, NULL);
	FAILS(f, EPERM, setns, EQ(1, 0));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		FAILS(f, EPERM, unshare, HAS(0, others[i]));
		FAILS(f, EPERM, clone, HAS(0, others[i]));
		FAILS(f, EPERM, setns, HAS(1, others[i]));
	}
	return filter_load(f);
}

static bool
set_personality(const char *value)
{
	scmp_filter_ctx f = filter_new(SCMP_ACT_ALLOW);

	FAILS(f, EPERM, personality, IS(0, NE, 0));
	return yes(value) && filter_load(f);
}

static bool
set_write_execute(const char *value)
{
	scmp_filter_ctx f = filter_new(SCMP_ACT_ALLOW);

	FAILS(f, EPERM, mmap, HAS(2, PROT_EXEC | PROT_WRITE));
	FAILS(f, EPERM, mprotect, HAS(2, PROT_EXEC));
	FAILS(f, EPERM, pkey_mprotect, HAS(2, PROT_EXEC));
	FAILS(f, EPERM, shmat, HAS(2, SHM_EXEC));
	return yes(value) && filter_load(f);
}

static bool
set_realtime(const char *value)
{
	scmp_filter_ctx f = filter_new(SCMP_ACT_ALLOW);

	for (int policy = 0; policy <= 6; policy++)
		if (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)
			FAILS(f, EPERM, sched_setscheduler, EQ(1, policy));
	fails(f, EPERM, SCMP_SYS(sched_setattr), 0, NULL);
	return yes(value) && filter_load(f);
}

static bool
set_suid(const char *value)
{
	static const mode_t bits[] = { S_ISUID, S_ISGID };
	scmp_filter_ctx f = filter_new(SCMP_ACT_ALLOW);

	for (size_t i = 0; i < 2; i++) {
		FAILS(f, EPERM, chmod, HAS(1, bits[i]));
		FAILS(f, EPERM, fchmod, HAS(1, bits[i]));
		FAILS(f, EPERM, fchmodat, HAS(2, bits[i]));
		FAILS(f, EPERM, mkdir, HAS(1, bits[i]));
		FAILS(f, EPERM, mkdirat, HAS(2, bits[i]));
		FAILS(f, EPERM, mknod, HAS(1, bits[i]));
		FAILS(f, EPERM, mknodat, HAS(2, bits[i]));
		FAILS(f, EPERM, open, HAS(1, O_CREAT), HAS(2, bits[i]));
		FAILS(f, EPERM, openat, HAS(2, O_CREAT), HAS(3, bits[i]));
		FAILS(f, EPERM, creat, HAS(1, bits[i]));
	}
	fails(f, ENOSYS, SCMP_SYS(openat2), 0, NULL);
	return yes(value) && filter_load(f);
}

static bool
set_clock(const char *value)
{
	scmp_filter_ctx f = filter_new(SCMP_ACT_ALLOW);

	fails(f, EPERM, SCMP_SYS(clock_settime), 0, NULL);
	fails(f, EPERM, SCMP_SYS(clock_adjtime), 0, NULL);
	fails(f, EPERM, SCMP_SYS(adjtimex), 0, NULL);
	fails(f, EPERM, SCMP_SYS(settimeofday), 0, NULL);
	return yes(value) && filter_load(f);
}

/* --- the rest -------------------------------------------------------------------- */

static bool
set_capabilities(const char *value)
{
	char *names = strdup(value), *at = names, *name;
	int cap;

	capng_get_caps_process();
	capng_clear(CAPNG_SELECT_BOUNDS);
	while ((name = strsep(&at, " ")) != NULL) {
		cap = capng_name_to_capability(name + strlen("CAP_"));
		if (cap < 0 || capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, (unsigned)cap) != 0)
			return false;
	}
	free(names);
	return capng_apply(CAPNG_SELECT_BOUNDS) == 0;
}

static bool
set_new_privileges(const char *value)
{
	return yes(value) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool
set_mask(const char *value)
{
	umask((mode_t)strtoul(value, NULL, 8));
	return true;
}

static bool
limit(int what, const char *value)
{
	rlim_t n = strtoul(value, NULL, 10);
	const struct rlimit both = { n, n };

	return setrlimit((__rlimit_resource_t)what, &both) == 0;
}

static bool
set_core(const char *value)
{
	return limit(RLIMIT_CORE, value);
}

static bool
set_nofile(const char *value)
{
	return limit(RLIMIT_NOFILE, value);
}

static bool
set_memlock(const char *value)
{
	return limit(RLIMIT_MEMLOCK, value);
}

static bool
set_keyring(const char *value)
{
	return strcmp(value, "private") == 0 &&
	    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0;
}

/*
 * In the order in which they are applied: what changes the process first, then filters,
 * of which the list of calls comes last, since it takes away what the others need.
 */
static const struct setting {
	const char *key;
	apply *apply;		/* NULL: not possible without systemd */
	const char *why;
} settings[] = {
	{ "UMask", set_mask, "" },
	{ "KeyringMode", set_keyring, "" },
	{ "LimitCORE", set_core, "" },
	{ "LimitNOFILE", set_nofile, "" },
	{ "LimitMEMLOCK", set_memlock, "" },
	{ "CapabilityBoundingSet", set_capabilities, "" },
	{ "NoNewPrivileges", set_new_privileges, "" },
	{ "SystemCallArchitectures", set_architectures, "" },
	{ "RestrictAddressFamilies", set_families, "" },
	{ "RestrictNamespaces", set_namespaces, "" },
	{ "LockPersonality", set_personality, "" },
	{ "MemoryDenyWriteExecute", set_write_execute, "" },
	{ "RestrictRealtime", set_realtime, "" },
	{ "RestrictSUIDSGID", set_suid, "" },
	{ "ProtectClock", set_clock, "its calls; the list of devices needs a control group" },
	{ "SystemCallFilter", set_calls, "" },
	{ "DevicePolicy", NULL, "needs a control group" },
	{ "TasksMax", NULL, "needs a control group" },
	{ "Type", NULL, "the service manager's part" },
	{ "NotifyAccess", NULL, "the service manager's part" },
	{ "ExecStartPre", NULL, "the service manager's part" },
	{ "ExecStart", NULL, "the tests give the arguments" },
	{ "StandardOutput", NULL, "the tests read it" },
	{ "StandardError", NULL, "the tests read it" },
	{ "KillMode", NULL, "the service manager's part" },
	{ "KillSignal", NULL, "the service manager's part; the tests send the same one" },
	{ "TimeoutStopSec", NULL, "the service manager's part" },
	{ "TimeoutStartSec", NULL, "the service manager's part" },
	{ "Restart", NULL, "the service manager's part" },
	{ "RestartSec", NULL, "the service manager's part" },
	{ "RestartPreventExitStatus", NULL, "the service manager's part" },
};
enum { KNOWN = sizeof(settings) / sizeof(settings[0]) };

static char *values[KNOWN];

static bool
setting_read(char *line)
{
	char *value = strchr(line, '=');

	line[strcspn(line, "\n")] = '\0';
	if (value != NULL)
		*value++ = '\0';
	for (size_t i = 0; value != NULL && i < KNOWN; i++)
		if (strcmp(settings[i].key, line) == 0 && values[i] == NULL) {
			values[i] = strdup(value);
			return values[i] != NULL;
		}
	fprintf(stderr, "underunit: %s: unknown, or given twice\n", line);
	return false;
}

static bool
settings_read(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	bool ok = f != NULL;

	while (ok && getline(&line, &size, f) > 0)
		ok = setting_read(line);
	free(line);
	if (f != NULL)
		fclose(f);
	return ok;
}

static void
settings_tell(void)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (values[i] != NULL)
			printf("%-12s %s=%.60s%s%s\n", settings[i].apply != NULL ? "applied" :
			    "not applied", settings[i].key, values[i], settings[i].why[0] != '\0' ?
			    ": " : "", settings[i].why);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("usage: underunit SETTINGS [PROGRAM [ARGUMENT...]]\n", stderr);
		return 2;
	}
	if (!settings_read(argv[1]))
		return 3;
	if (argc == 2) {
		settings_tell();
		return 0;
	}
	for (size_t i = 0; i < KNOWN; i++)
		if (values[i] != NULL && settings[i].apply != NULL &&
		    !settings[i].apply(values[i])) {
			fprintf(stderr, "underunit: %s=%s: %s\n", settings[i].key, values[i],
			    strerror(errno));
			return 3;
		}
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 3;
}
