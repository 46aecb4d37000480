/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_RUNDIR_H
#define NTKD_IO_RUNDIR_H

/*
 * The run-time directory: root's, readable by all; in it "empty", which becomes
 * the daemon's root directory, "priv", which belongs to the helper's user, and the
 * journal.  Everything is opened without following links.
 */

#include <stdbool.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Opens the directory PATH, made with mode 0755 if it is not there.  One that is
 * there must be root's and writable by nobody else.  Returns the descriptor, or -1
 * with ERR (CONF_ERROR bytes), as all functions here do.
 */
int rundir_open(const char *path, char *err);

/* Opens NAME in the directory DIR, made if it is not there, with exactly that owner and mode. */
int rundir_sub(int dir, const char *name, uid_t uid, gid_t gid, mode_t mode, char *err);

/* Opens the journal in DIR: a regular file of root's, mode 0600, for reading and appending. */
int rundir_journal(int dir, char *err);

/*
 * Makes the link that shows the names of our tables to iproute2: to the file
 * PRIV_TABLE_NAMES in "priv" of the run-time directory PATH (spec/kernel-state 7).  False with
 * ERR when it cannot be made or something else is in its place, which is left alone.
 */
bool rundir_publish_tables(const char *path, char *err);

#ifdef __cplusplus
}
#endif

#endif
