/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/privfd.h"

#define TABLES_DIR	"/etc/iproute2/rt_tables.d"
#define TABLES_LINK	TABLES_DIR "/ntkd.conf"

enum {
	DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
	JOURNAL_MAX = 1 << 20,	/* bytes; the helper's limit on files (ntkd-priv/sandbox.c) */
};

static int
fail(char *err, const char *what, const char *why, int fd)
{
	snprintf(err, CONF_ERROR, "%s: %s", what, why);
	if (fd >= 0)
		close(fd);
	return -1;
}

int
rundir_open(const char *path, char *err)
{
	struct stat st;
	char what[CONF_PATH + 16];
	int fd;

	snprintf(what, sizeof(what), "runtime-dir %s", path);
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return fail(err, what, errno == ENOENT ?
		    "the directory above it does not exist: make it" : strerror(errno), -1);
	fd = open(path, DIR_FLAGS);
	if (fd < 0)
		return fail(err, what, strerror(errno), -1);
	if (fstat(fd, &st) != 0)
		return fail(err, what, strerror(errno), fd);
	if (st.st_uid != 0)
		return fail(err, what, "must belong to root: chown it, or use another one", fd);
	if ((st.st_mode & 022) != 0)
		return fail(err, what, "must not be writable by group or others: chmod 0755 it, "
		    "or use another one", fd);
	return fd;
}

int
rundir_sub(int dir, const char *name, uid_t uid, gid_t gid, mode_t mode, char *err)
{
	char what[64];
	int fd;

	snprintf(what, sizeof(what), "the directory %s in runtime-dir", name);
	if (mkdirat(dir, name, mode) != 0 && errno != EEXIST)
		return fail(err, what, strerror(errno), -1);
	fd = openat(dir, name, DIR_FLAGS);
	if (fd < 0)
		return fail(err, what, strerror(errno), -1);
	if (fchown(fd, uid, gid) != 0 || fchmod(fd, mode) != 0)
		return fail(err, what, strerror(errno), fd);
	return fd;
}

int
rundir_journal(int dir, char *err)
{
	static const char what[] = "the file journal in runtime-dir";
	struct stat st;
	int fd = openat(dir, "journal", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK, 0600);

	if (fd < 0)
		return fail(err, what, strerror(errno), -1);
	if (fstat(fd, &st) != 0)
		return fail(err, what, strerror(errno), fd);
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_nlink != 1)
		return fail(err, what, "is not a regular file of root's with one name: "
		    "move it away", fd);
	if (st.st_size > JOURNAL_MAX)
		return fail(err, what, "is larger than a helper may make it, so it is none of ours: "
		    "move it away", fd);
	if (fchmod(fd, 0600) != 0)
		return fail(err, what, strerror(errno), fd);
	return fd;
}

/* A link of ours already, from this life or an earlier one? */
static bool
tables_link_is(const char *target)
{
	char have[CONF_PATH + 32];
	ssize_t n = readlink(TABLES_LINK, have, sizeof(have));

	return n >= 0 && (size_t)n == strlen(target) && memcmp(have, target, (size_t)n) == 0;
}

bool
rundir_publish_tables(const char *path, char *err)
{
	char target[CONF_PATH + 32];

	snprintf(target, sizeof(target), "%s/priv/%s", path, PRIV_TABLE_NAMES);
	if (symlink(target, TABLES_LINK) == 0)
		return true;
	if (errno == ENOENT) {
		/* Newer iproute2 keeps its own files elsewhere, but still looks here. */
		(void)mkdir("/etc/iproute2", 0755);
		(void)mkdir(TABLES_DIR, 0755);
		if (symlink(target, TABLES_LINK) == 0)
			return true;
	}
	if (errno != EEXIST) {
		snprintf(err, CONF_ERROR, TABLES_LINK ": %s", strerror(errno));
		return false;
	}
	if (tables_link_is(target))
		return true;
	snprintf(err, CONF_ERROR, TABLES_LINK " is not a link to %s: remove it", target);
	return false;
}
