/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_VERBS_H
#define NTKD_IO_VERBS_H

/*
 * One small function for each verb of proto/ctlmsg.tab.  Arguments are checked when it is called.
 */

#include "ntkd/core/node.h"
#include "ntkd/io/request.h"

struct daemon;

/* A request under way. */
struct call {
	struct daemon *d;
	const struct ctl_value *args;	/* in the order of the verb's arguments */
	const json_t *object;		/* of the CTL_OBJECT argument, borrowed */
};

/*
 * Runs a verb.  A is an empty answer; the verb sets its result, which may stay NULL
 * when memory is exhausted (request_run() tells by the verb's shape), or refuses.
 */
typedef void verb_function(const struct call *c, struct answer *a);

/* By enum ctl_verb_id. */
extern verb_function *const verbs[CTL_N_VERBS];

#define VERB(verb, access, mode, shape, doc) verb_function verb_##verb;
#include "proto/ctlmsg.tab"

/* The identity that argument 0 names; false with A refused when there is none. */
bool verb_identity(const struct call *c, struct answer *a, struct node_identity *id);

#endif
