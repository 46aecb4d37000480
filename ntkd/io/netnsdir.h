/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_NETNSDIR_H
#define NTKD_IO_NETNSDIR_H

/*
 * The directory of namespace names, /run/netns, ready for a helper without root:
 * a shared mount of its own, as iproute2 makes it, and writable for the helper's group, with
 * the sticky bit.
 */

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Returns a descriptor of the directory, or -1 with ERR (CONF_ERROR bytes). */
int netnsdir_open(gid_t helper, char *err);

#ifdef __cplusplus
}
#endif

#endif
