/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_START_H
#define NTKD_IO_START_H

/*
 * The steps from a command line to a confined daemon.  main() lists them in order;
 * each says with a sentence why it could not be done.
 */

#include "common/log.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one step leaves for later ones.  Descriptors are -1 when they are not open. */
struct start {
	struct options options;
	struct conf conf;
	char notify[CONF_PATH];		/* NOTIFY_SOCKET, "" when there was none */
	bool background;
	enum log_sink sink;		/* once the daemon is ready; the helper's from its start */
	enum log_level level;
	uid_t uid, helper_uid;
	gid_t gid, helper_gid, control_gid, operator_gid;
	unsigned first_nic;		/* the first interface of the configuration that exists */
	int null;			/* /dev/null */
	int low;			/* keeps a number free for the helper's socket */
	int config;
	int notify_fd;
	int ready_fd;			/* to the parent that waits in the foreground */
	int rundir;
	int lock;
	int journal;
	int names;
	int sysctl;
	int priv;			/* the helper's part of the run-time directory */
	int empty;			/* what will be the root directory */
	int control;
	int helper;			/* our end */
	pid_t helper_pid;
	struct daemon *daemon;
};

void start_init(struct start *s, const struct options *o);

/* A step.  False with ERR (CONF_ERROR bytes): one line, what is wrong and what to do. */
typedef bool start_step(struct start *s, char *err);

start_step start_environment;	/* standard descriptors open, no variables, signals, logging */
start_step start_config;	/* reads the configuration */
start_step start_rights;	/* root? users and groups there, and different? */
start_step start_background;	/* service manager, background or foreground */
start_step start_lock;		/* run-time directory, no other ntkd, no helper of one */
start_step start_recover;	/* whatever an ntkd left that was killed is put back */
start_step start_host;		/* interfaces usable, range free */
start_step start_directories;	/* everything privfd.h promises to the helper */
start_step start_control;	/* control socket */
start_step start_helper;	/* fork and exec; from here on its descriptors are closed here */
start_step start_daemon;	/* loop, node, kernel: all that the sandbox will not allow */
start_step start_confine;	/* root directory, user, limits, system calls */

#ifdef __cplusplus
}
#endif

#endif
