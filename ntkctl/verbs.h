/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKCTL_VERBS_H
#define NTKCTL_VERBS_H

/*
 * From the words of the command line to a request.
 */

#include <jansson.h>

#include "proto/ctlmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The request for V with N words, positions or key=value, checked as the daemon will
 * check them; files are read.  The caller releases it.  NULL with ERR when the words are wrong.
 */
json_t *verbs_request(const struct ctl_verb *v, char *const *words, size_t n,
    struct ctl_error *err);

/*
 * Reads the JSON object in FILE, "-" being standard input.  NULL with ERR, whose
 * message names file, line and column.
 */
json_t *verbs_read_object(const char *file, struct ctl_error *err);

#ifdef __cplusplus
}
#endif

#endif
