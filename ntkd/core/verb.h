/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_VERB_H
#define NTKD_CORE_VERB_H

/*
 * The operator's verbs of manual mode (spec/manual-mode): checked arguments, in the order of
 * proto/ctlmsg.tab, become calls of the node.  The same for whoever takes the operator's words: the control
 * socket, and the simulator's scenario files.
 */

#include "ntkd/core/node.h"
#include "proto/ctlmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

struct verb_result {
	bool noted;		/* add_real_arc: was accepted already */
	bool removable;		/* check_connectivity */
	size_t removed;		/* remove_outer_arcs */
};

/* Is VERB one of those that node_verb() carries out? */
bool node_verb_is_known(enum ctl_verb_id verb);

/*
 * Carries VERB out on N, of configuration C, at NOW, µs of the node's clock.  ARGS are checked (ctl_check()),
 * one for each argument of the verb, and with what they point to the caller's.  False with ERR: its code is one
 * of spec/manual-mode 3, its field names the argument, and nothing has changed.  R is zero but for what the
 * verb tells.  The answer to a phase 1 and to remove_identity is complete only when the kernel has answered
 * (node_phase_1(), node_remove()).
 */
bool node_verb(struct node *n, const struct conf *c, uint64_t now, enum ctl_verb_id verb,
    const struct ctl_value *args, struct verb_result *r, struct node_error *err);

#ifdef __cplusplus
}
#endif

#endif
