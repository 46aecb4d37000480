/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_REPORT_H
#define NTK_SIM_REPORT_H

/* What a run found out, for people and for programs (ntk-sim(1), OUTPUT). */

#include <stdio.h>

#include "sim/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* False when F could not be written. */
bool report_text(const struct run *r, FILE *f);
bool report_json(const struct run *r, FILE *f);

/* The network with its g-nodes, as a dot graph; as a picture.  At most REPORT_DRAWN nodes. */
enum { REPORT_DRAWN = 5000 };
bool report_dot(const struct run *r, FILE *f);
bool report_svg(const struct run *r, FILE *f);

#ifdef __cplusplus
}
#endif

#endif
