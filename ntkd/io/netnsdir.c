/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/netnsdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf.h"

#define NAMES_DIR "/run/netns"

static int
fail(char *err, const char *what, int fd)
{
	snprintf(err, CONF_ERROR, NAMES_DIR ": %s: %s", what, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
dir_open(void)
{
	return open(NAMES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/*
 * Sharing fails with EINVAL where the directory is no mount point; it is bound onto
 * itself then.  Without a mount of its own the first "ip netns add" of anybody would
 * put one over the directory we hold, and our names would be nobody's.
 */
static bool
mount_share(void)
{
	if (mount("", NAMES_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return true;
	if (errno != EINVAL)
		return false;
	return mount(NAMES_DIR, NAMES_DIR, "none", MS_BIND | MS_REC, NULL) == 0 &&
	    mount("", NAMES_DIR, "none", MS_SHARED | MS_REC, NULL) == 0;
}

int
netnsdir_open(gid_t helper, char *err)
{
	int lock, fd;

	if (mkdir(NAMES_DIR, 0755) != 0 && errno != EEXIST)
		return fail(err, "cannot make it", -1);
	/* iproute2 takes the same lock, so that two first users do not mount twice. */
	lock = dir_open();
	if (lock < 0)
		return fail(err, "cannot open it", -1);
	if (flock(lock, LOCK_EX) != 0)
		return fail(err, "cannot lock it", lock);
	if (!mount_share())
		return fail(err, "cannot make it a shared mount (in a container: allow mounting)",
		    lock);
	fd = dir_open();
	close(lock);
	if (fd < 0)
		return fail(err, "cannot open it", -1);
	if (fchown(fd, (uid_t)-1, helper) != 0 || fchmod(fd, 01775) != 0)
		return fail(err, "cannot give it to the helper's group", fd);
	return fd;
}
