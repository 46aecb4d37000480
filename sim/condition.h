/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_CONDITION_H
#define NTK_SIM_CONDITION_H

/* What a script waits for or expects: is it so at this moment? */

#include "sim/script.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CONDITION_WHY = 512 };

/*
 * Is the condition of STEP, of script S, true in B?  False with WHY, a phrase that tells what is the case
 * instead.  Changes nothing.
 */
bool condition_holds(const struct script *s, const struct town *b, const struct script_step *step,
    char why[CONDITION_WHY]);

#ifdef __cplusplus
}
#endif

#endif
