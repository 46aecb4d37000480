/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making the listening socket: the one part of the control socket that runs as root.
 */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/conf.h"
#include "ntkd/io/ctl.h"

enum { BACKLOG = 16 };

static int
fail(char *err, const char *path, const char *what)
{
	snprintf(err, CONF_ERROR, "control-socket %s: %s: %s", path, what, strerror(errno));
	return -1;
}

/*
 * Removes the socket of an earlier life.  That nobody serves it any more is known
 * from the instance's lock.
 */
static int
path_clear(const char *path, char *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(err, path, "cannot look at it");
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, CONF_ERROR, "control-socket %s: something that is no socket is in "
		    "the way; remove it or choose another path", path);
		return -1;
	}
	return unlink(path) < 0 ? fail(err, path, "cannot remove the old one") : 0;
}

/*
 * Lets members of CONTROL connect too, besides the group that the file has: an access list, since a
 * file has one group only.
 */
static int
path_second_group(const char *path, gid_t control)
{
	enum { RW = ACL_READ | ACL_WRITE };
	const struct {
		struct posix_acl_xattr_header head;
		struct posix_acl_xattr_entry entries[5];
	} acl = {
		{ htole32(POSIX_ACL_XATTR_VERSION) },
		{
			{ htole16(ACL_USER_OBJ), htole16(RW), htole32(ACL_UNDEFINED_ID) },
			{ htole16(ACL_GROUP_OBJ), htole16(RW), htole32(ACL_UNDEFINED_ID) },
			{ htole16(ACL_GROUP), htole16(RW), htole32(control) },
			{ htole16(ACL_MASK), htole16(RW), htole32(ACL_UNDEFINED_ID) },
			{ htole16(ACL_OTHER), htole16(0), htole32(ACL_UNDEFINED_ID) },
		},
	};

	static_assert(sizeof(acl) == sizeof(acl.head) + sizeof(acl.entries), "no padding");
	return setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0);
}

/*
 * File modes are the outer fence.  Where two groups may connect and the file system has no
 * access lists, everybody may, and is sent away by his credentials.
 */
static int
path_rights(const char *path, gid_t control, gid_t op, char *err)
{
	bool both = control != (gid_t)-1 && op != (gid_t)-1 && control != op;
	gid_t group = op != (gid_t)-1 ? op : control;

	if (group == (gid_t)-1)
		return 0;
	if (lchown(path, (uid_t)-1, group) < 0)
		return fail(err, path, "cannot give it to its group");
	if (chmod(path, 0660) < 0)
		return fail(err, path, "cannot set its mode");
	if (both && path_second_group(path, control) < 0 &&
	    (errno != EOPNOTSUPP || chmod(path, 0666) < 0))
		return fail(err, path, "cannot let its second group connect");
	return 0;
}

static int
fd_bind(int fd, const char *path, char *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t old;
	int rc;

	memcpy(addr.sun_path, path, strlen(path));
	old = umask(0177);
	rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(old);
	return rc < 0 ? fail(err, path, "cannot bind") : 0;
}

/* The parser's hash seed, while random bytes can still be asked for. */
static void
json_seed(void)
{
	size_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
		json_object_seed(seed);
}

evutil_socket_t
ctl_listen(const char *path, gid_t control, gid_t op, char *err)
{
	size_t len = strlen(path);
	int fd = -1;

	json_seed();
	if (len == 0 || len >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		snprintf(err, CONF_ERROR, "control-socket: a path of %zu bytes; "
		    "1 to %zu are allowed", len, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
		return -1;
	}
	if (path_clear(path, err) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(err, path, "cannot make a socket");
	if (fd_bind(fd, path, err) < 0) {
		close(fd);
		return -1;
	}
	if (path_rights(path, control, op, err) < 0) {
		unlink(path);
		close(fd);
		return -1;
	}
	if (listen(fd, BACKLOG) < 0) {
		fail(err, path, "cannot listen");
		unlink(path);
		close(fd);
		return -1;
	}
	return fd;
}
