/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKCTL_TABLE_H
#define NTKCTL_TABLE_H

/*
 * Results for people: aligned columns in the order of ctlmsg.tab.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "proto/ctlmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Prints RESULT of verb V by its shape.  False when memory ends or it is not of that shape. */
bool table_result(FILE *out, const struct ctl_verb *v, const json_t *result);

/*
 * Prints an EVENT of verb V, which streams, as one line: its time, its name, what else it
 * tells as key=value, and its words.  False as above.
 */
bool table_event(FILE *out, const struct ctl_verb *v, const json_t *event);

#ifdef __cplusplus
}
#endif

#endif
