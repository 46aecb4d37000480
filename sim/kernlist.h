/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_KERNLIST_H
#define NTK_SIM_KERNLIST_H

/*
 * Kernels compared with written lists of their state: one file for each namespace, a line for each object as
 * kobj_print() writes it, in any order.  What systems draw for themselves is called in a list as the script
 * says (struct script_listed).
 */

#include "sim/script.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Compares every namespace of every system that runs with PREFIX-SYSTEM-nK.txt, beside the script: K is 0 for
 * the default namespace, then 1, 2, … for those of its identities, in their order.  False with WHY when one
 * differs, or has no list, or a list has none.
 */
bool kernlist_compare(const struct script *s, const struct town *b, const char *prefix, char *why,
    size_t why_size);

#ifdef __cplusplus
}
#endif

#endif
