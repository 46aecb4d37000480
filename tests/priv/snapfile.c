/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/snap.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "tests/priv/claim.h"

enum { DEPTH = 8 };

/* FNV-1a over a file: enough to see that it changed. */
static uint64_t
content_hash(const char *path, size_t *len)
{
	uint64_t h = 0xcbf29ce484222325U;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint8_t buf[4096];
	ssize_t n;

	*len = 0;
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		*len += (size_t)n;
		for (ssize_t i = 0; i < n; i++)
			h = (h ^ buf[i]) * 0x100000001b3U;
	}
	if (fd >= 0)
		close(fd);
	return h;
}

static bool
is_namespace(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && st.f_type == NSFS_MAGIC;
}

static void
file_add(struct snap *s, const char *path, const struct stat *st)
{
	bool ns = S_ISREG(st->st_mode) && is_namespace(path);
	enum snap_owner owner = S_ISDIR(st->st_mode) ? SNAP_FOREIGN : claim_file(path, ns);
	char target[PATH_MAX] = "";
	size_t len = 0;
	uint64_t hash = 0;

	if (ns) {
		snap_add(s, owner, "file %s namespace %ju %o %u:%u", path, (uintmax_t)st->st_ino,
		    st->st_mode, st->st_uid, st->st_gid);
		return;
	}
	if (S_ISLNK(st->st_mode) && readlink(path, target, sizeof(target) - 1) < 0)
		strcpy(target, "?");
	if (S_ISREG(st->st_mode))
		hash = content_hash(path, &len);
	snap_add(s, owner, "file %s %o %u:%u %zu %016jx %s", path, st->st_mode, st->st_uid,
	    st->st_gid, len, (uintmax_t)hash, target);
}

static void
walk(struct snap *s, const char *path, unsigned depth)
{
	char below[PATH_MAX];
	const struct dirent *e;
	struct stat st;
	DIR *d = depth < DEPTH ? opendir(path) : NULL;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		if (lstat(below, &st) != 0)
			continue;
		file_add(s, below, &st);
		if (S_ISDIR(st.st_mode))
			walk(s, below, depth + 1);
	}
	if (d != NULL)
		closedir(d);
}

void
snap_files(struct snap *s)
{
	walk(s, "/run", 0);
	walk(s, "/etc/iproute2", 0);
}
