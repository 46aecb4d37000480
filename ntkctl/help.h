/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKCTL_HELP_H
#define NTKCTL_HELP_H

#include <stdio.h>

#include "proto/ctlmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How to call ntkctl, and the verbs there are. */
void help_all(FILE *out);

/* All about one verb. */
void help_verb(FILE *out, const struct ctl_verb *v);

#ifdef __cplusplus
}
#endif

#endif
