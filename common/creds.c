/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/creds.h"

#include <cap-ng.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool
fail(const char **why, const char *text)
{
	*why = text;
	return false;
}

/* The capability sets as the kernel tells them; /proc may be out of reach by now. */
static bool
caps_read(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };

	return syscall(SYS_capget, &head, data) == 0;
}

static bool
caps_verify(const int *caps, size_t n, const char **why)
{
	struct __user_cap_data_struct have[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	uint32_t want[2] = { 0, 0 };

	for (size_t i = 0; i < n; i++)
		want[CAP_TO_INDEX(caps[i])] |= CAP_TO_MASK(caps[i]);
	if (!caps_read(have))
		return fail(why, "cannot read the capability sets back");
	for (size_t i = 0; i < 2; i++) {
		if (have[i].permitted != want[i])
			return fail(why, "the permitted capabilities are not those asked for");
		if (have[i].effective != want[i])
			return fail(why, "the effective capabilities are not those asked for");
		if (have[i].inheritable != 0)
			return fail(why, "inheritable capabilities are left");
	}
	/* The kernel answers EINVAL behind the last capability that it knows. */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 0)
			return fail(why, "the capability bounding set is not empty");
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) != 0)
			return fail(why, "ambient capabilities are left");
	}
	return true;
}

static bool
ids_verify(uid_t uid, gid_t gid, const char **why)
{
	uid_t ru, eu, su;
	gid_t rg, eg, sg;

	if (getresuid(&ru, &eu, &su) != 0 || ru != uid || eu != uid || su != uid)
		return fail(why, "the user is not the one asked for");
	if (getresgid(&rg, &eg, &sg) != 0 || rg != gid || eg != gid || sg != gid)
		return fail(why, "the group is not the one asked for");
	if (getgroups(0, NULL) != 0)
		return fail(why, "supplementary groups are left");
	return true;
}

bool
creds_drop(uid_t uid, gid_t gid, const int *caps, size_t n, const char **why)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < n; i++)
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
		    (unsigned)caps[i]) != 0)
			return fail(why, "a capability is unknown to libcap-ng");
	if (capng_change_id((int)uid, (int)gid, (capng_flags_t)(CAPNG_DROP_SUPP_GRP |
	    CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT)) != 0)
		return fail(why, "cannot change the user or drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return fail(why, "cannot set no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return fail(why, "cannot make the process undumpable");
	return ids_verify(uid, gid, why) && caps_verify(caps, n, why);
}

static bool
limit_set(int what, uint64_t value)
{
	struct rlimit want = { .rlim_cur = value, .rlim_max = value }, have;

	return setrlimit((__rlimit_resource_t)what, &want) == 0 &&
	    getrlimit((__rlimit_resource_t)what, &have) == 0 &&
	    have.rlim_cur == value && have.rlim_max == value;
}

bool
creds_limit(uint64_t fsize, uint64_t nofile, const char **why)
{
	if (!limit_set(RLIMIT_CORE, 0))
		return fail(why, "cannot limit core files");
	if (!limit_set(RLIMIT_NPROC, 0))
		return fail(why, "cannot limit processes");
	if (fsize != RLIM_INFINITY && !limit_set(RLIMIT_FSIZE, fsize))
		return fail(why, "cannot limit the size of files");
	if (!limit_set(RLIMIT_NOFILE, nofile))
		return fail(why, "cannot limit descriptors");
	return true;
}
