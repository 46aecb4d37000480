/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>

#include "common/conf_int.h"

static bool __attribute__((format(printf, 2, 3)))
fail_user(char *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, CONF_ERROR, fmt, ap);
	va_end(ap);
	return false;
}

bool
conf_user(const char *user, uid_t *uid, gid_t *gid, char *err)
{
	const struct passwd *pw;
	uint32_t number;

	if (conf_number(user, &number)) {
		*uid = number;
		*gid = number;
	} else {
		errno = 0;
		pw = getpwnam(user);
		if (pw == NULL)
			return fail_user(err, "user \"%s\": %s; make a system user of this name or "
			    "name another one in ntkd.conf, by name or by number", user,
			    errno != 0 ? strerror(errno) : "there is no such user");
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	}
	if (*uid == 0 || *gid == 0)
		return fail_user(err, "user \"%s\": is root or in root's group; name another one "
		    "in ntkd.conf", user);
	if (*uid == (uid_t)-1 || *gid == (gid_t)-1)
		return fail_user(err, "user \"%s\": the number means nobody at all; name another "
		    "one in ntkd.conf", user);
	return true;
}

bool
conf_group(const char *group, gid_t *gid, char *err)
{
	const struct group *gr;
	uint32_t number;

	if (group[0] == '\0') {
		*gid = (gid_t)-1;
		return true;
	}
	if (conf_number(group, &number)) {
		*gid = number;
		return true;
	}
	errno = 0;
	gr = getgrnam(group);
	if (gr == NULL)
		return fail_user(err, "group \"%s\": %s; make it or name another one in ntkd.conf, "
		    "by name or by number", group,
		    errno != 0 ? strerror(errno) : "there is no such group");
	*gid = gr->gr_gid;
	return true;
}
