/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_PLAYREPORT_H
#define NTK_SIM_PLAYREPORT_H

/* What became of a script, for people and for programs (ntk-sim(1), OUTPUT). */

#include <stdio.h>

#include "sim/play.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Of P, which was played; CPU_US is what it took.  False when F could not be written, or memory is exhausted:
 * what was written is not to be used then.
 */
bool playreport_text(const struct play *p, uint64_t cpu_us, FILE *f);
bool playreport_json(const struct play *p, uint64_t cpu_us, FILE *f);

#ifdef __cplusplus
}
#endif

#endif
