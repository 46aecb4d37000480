/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/stage.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	bool ok = f != NULL && fputs(text, f) >= 0;

	if (f != NULL && fclose(f) != 0)
		ok = false;
	return ok && chmod(path, 0644) == 0;
}

bool
stage_make(const char *commands, const char *path, const char *text)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("run", "/run", "tmpfs", 0, "mode=0755") < 0)
		return false;
	return system(commands) == 0 && write_file(path, text);
}

const char *
stage_helper(void)
{
	static char path[PATH_MAX];
	const char *given = getenv("NTK_HELPER"), *build = getenv("NTK_BUILD");
	char near[PATH_MAX];

	if (given != NULL && *given != '\0')
		return given;
	snprintf(near, sizeof(near), "%s/ntkd-priv/ntkd-priv", build != NULL ? build : ".");
	/* Absolute, because the helper is started from another directory. */
	return realpath(near, path) != NULL ? path : "ntkd-priv is not built";
}
