/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_PRIVFD_H
#define NTK_COMMON_PRIVFD_H

/*
 * What ntkd-priv finds open when ntkd has started it, while both were root.
 * Nothing else is open but 0, 1 and 2.
 *
 * ntkd has done before: the names directory is a shared mount of its own, group
 * helper's, mode 1775; the run directory belongs to the helper's user, mode 0755;
 * the journal is a regular file of root's, mode 0600, opened O_RDWR;
 * the sysctl directory is /proc/sys/net opened O_PATH.
 *
 * The command line is: ntkd-priv -l SINK -v LEVEL [-k kill|trap] [-o KEY=VALUE]…, SINK one of
 * stderr, priority, syslog (log.h), LEVEL a log_level_name().  The working
 * directory is the names directory, the environment is empty.
 */
enum priv_fd {
	PRIV_FD_SOCKET = 3,	/* SOCK_SEQPACKET to ntkd */
	PRIV_FD_CONFIG = 4,	/* the configuration, shared offset: pread() */
	PRIV_FD_NAMES = 5,	/* directory of namespace names, /run/netns */
	PRIV_FD_SYSCTL = 6,	/* /proc/sys/net */
	PRIV_FD_RUN = 7,	/* the helper's part of the run-time directory */
	PRIV_FD_JOURNAL = 8,	/* what a next life must put back */
	PRIV_FD_END = 9,
};

/* The file with names of tables, in the run directory. */
#define PRIV_TABLE_NAMES "rt_tables"

#endif
