/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_SANDBOX_H
#define NTKD_SANDBOX_H

/*
 * What the running daemon may still ask of the kernel.  (The names say whose: tests
 * link the helper's beside it.)
 */

#include "common/scfilter.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Descriptors: 32 clients, 512 connections with neighbours (link.h), three sockets for each of 16
 * interfaces, and what is open from the start.  Below 1024, which libraries may count on.
 */
enum { NTKD_SANDBOX_NOFILE = 640 };

extern const struct sc_rule ntkd_sandbox_rules[];
extern const size_t ntkd_sandbox_n_rules;

/*
 * Loads the rules: for good.  no_new_privs is set already.  False with WHY, static;
 * the caller must exit.
 */
bool ntkd_sandbox_enter(enum sc_mode mode, const char **why);

#ifdef __cplusplus
}
#endif

#endif
