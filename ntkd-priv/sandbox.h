/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_SANDBOX_H
#define NTKD_PRIV_SANDBOX_H

#include <sys/types.h>

#include "common/scfilter.h"

/* The system calls that the helper may make, each with its reason. */
extern const struct sc_rule sandbox_rules[];
extern const size_t sandbox_n_rules;

/* Drops to UID and GID with the two capabilities, limits, filter.  False with WHY. */
bool sandbox_enter(uid_t uid, gid_t gid, enum sc_mode mode, const char **why);

#endif
