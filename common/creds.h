/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_CREDS_H
#define NTK_COMMON_CREDS_H

/*
 * Giving up rights, and reading back that they are gone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Becomes UID and GID without supplementary groups, keeps exactly the N
 * capabilities CAPS (CAP_NET_ADMIN, …) permitted and effective, none in the
 * inheritable, ambient and bounding sets, sets no_new_privs and makes the
 * process undumpable.  Then reads every one of these back.
 *
 * False with WHY (a sentence, static or in a static buffer) when anything
 * failed or does not read back as asked; the caller must exit.
 */
bool creds_drop(uid_t uid, gid_t gid, const int *caps, size_t n, const char **why);

/*
 * Sets soft and hard limits: processes 0 (no new ones), core 0, file size
 * FSIZE bytes (RLIM_INFINITY keeps it), descriptors NOFILE.  Reads them back.  As creds_drop() otherwise.
 */
bool creds_limit(uint64_t fsize, uint64_t nofile, const char **why);

#ifdef __cplusplus
}
#endif

#endif
