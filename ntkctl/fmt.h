/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKCTL_FMT_H
#define NTKCTL_FMT_H

/*
 * Printing.  Whatever came from the daemon, and so perhaps from a neighbour, is
 * escaped: nothing but printable ASCII reaches a terminal.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A value as it stands in a table: "yes", "-" for none, "(2,0)" for coordinates.  Allocated;
 * NULL when memory is exhausted.
 */
char *fmt_cell(const json_t *value);

/* JSON on one line, with a newline. */
bool fmt_json(FILE *out, const json_t *value);

/* An object as a file for people: one member, or one object of a list, a line. */
bool fmt_state(FILE *out, const json_t *object);

/* TEXT escaped. */
void fmt_text(FILE *out, const char *text);

#ifdef __cplusplus
}
#endif

#endif
