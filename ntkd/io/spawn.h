/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_SPAWN_H
#define NTKD_IO_SPAWN_H

/* Starting the helper: fork and exec with exactly what privfd.h describes. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/privfd.h"
#include "common/scfilter.h"

#ifdef __cplusplus
extern "C" {
#endif

struct spawn {
	const char *path;		/* the program */
	enum log_sink sink;
	enum log_level level;
	enum sc_mode filter;
	const struct conf_override *overrides;
	size_t n_overrides;
	int null;			/* /dev/null: its standard input, and output with LOG_SYSLOG */
	int fds[PRIV_FD_END];		/* at PRIV_FD_SOCKET and so on; below: unused */
};

/*
 * Starts it.  The descriptors stay open in the caller.  Returns its process id, or
 * -1 with ERR (CONF_ERROR bytes) when it could not be started, a failing exec included.
 */
pid_t spawn_helper(const struct spawn *s, char *err);

#ifdef __cplusplus
}
#endif

#endif
