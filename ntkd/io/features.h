/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_FEATURES_H
#define NTKD_IO_FEATURES_H

/*
 * Whether this kernel can do what will be asked of it, found out at start by doing
 * it once (kernel_rehearse()), and told in words an administrator can act on.
 */

#include "common/conf.h"
#include "ntkd/kernel/kset.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A state of a connectivity identity's namespace that needs everything such a
 * state can hold: pseudo-interface on managed interface NIC, link-local, neighbour route, a
 * route of each type, mark and rule.  (What only the default namespace has, translation of
 * addresses above all, is tried with the main identity's own state.)  OUT is
 * initialised by the caller.  False when memory is exhausted.
 */
bool features_probe(const struct conf *c, unsigned nic, struct kset *out);

/*
 * Writes to BUF (FEATURES_TEXT bytes) which feature a refusal is about and what to
 * do; returns BUF, or NULL when the refusal is not one for want of a feature.
 */
enum { FEATURES_TEXT = 700 };
char *features_explain(const struct priv_refusal *r, char *buf);

#ifdef __cplusplus
}
#endif

#endif
