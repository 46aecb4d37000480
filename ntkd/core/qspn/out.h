/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_QSPN_OUT_H
#define NTKD_CORE_QSPN_OUT_H

/*
 * What a QSPN manager wants done: a list of actions in the order in which they were
 * decided.  The caller carries them out after the call returned and before the next
 * call of the same manager (handlers never run inside an update: spec 10.3 item 22).
 */

#include "common/topo.h"
#include "ntkd/core/qspn/fingerprint.h"

#ifdef __cplusplus
extern "C" {
#endif

struct peer_msg;

/*
 * A composed message, shared by all actions that send it: it is the same for all
 * recipients (spec 4.17).  Counted references; immutable.
 */
struct qspn_msg;
struct qspn_msg *qspn_msg_ref(struct qspn_msg *m);
void qspn_msg_unref(struct qspn_msg *m);
const struct peer_msg *qspn_msg_get(const struct qspn_msg *m);

enum qspn_action_kind {
	QSPN_SEND,		/* msg over arc, a notice; failure: qspn_send_failed() */
	QSPN_CALL,		/* msg over arc, a call; its end: qspn_answer() with call */
	QSPN_RESULT,		/* msg over arc answers call; NULL: "bootstrap in progress" */
	QSPN_ERROR,		/* call over arc is answered "not accepted" */
	QSPN_ARC_REMOVED,	/* the module gave arc up; bad_link: the link itself failed */
	QSPN_BOOTSTRAPPED,	/* timed_out: nobody told of the network entered (A17) */
	QSPN_PRESENT,		/* presence_notified */
	QSPN_DEST_ADDED,	/* dest; before its first path */
	QSPN_DEST_REMOVED,
	QSPN_PATHS_CHANGED,	/* dest: exposed paths came, changed or went; read them anew */
	QSPN_FINGERPRINT,	/* own g-node of level changed */
	QSPN_NODES_INSIDE,	/* own g-node of level changed its count */
	QSPN_SPLIT,		/* the neighbour at arc is in a younger island of dest: fingerprint */
	QSPN_REMOVE_IDENTITY,	/* this connectivity identity is to be dropped */
};

struct qspn_action {
	enum qspn_action_kind kind;
	uint32_t arc;
	uint32_t call;
	struct qspn_msg *msg;		/* a reference of the list's */
	bool bad_link;
	bool timed_out;
	uint8_t level;
	struct coord dest;
	/* Spec 4.14: paths of dest since the last such action; for tests of its transitions. */
	uint16_t added, changed, removed;
	struct fingerprint fingerprint;
};

struct qspn_out {
	struct qspn_action *v;
	size_t n;
	size_t size;
	bool failed;		/* memory ran out: what was asked cannot be told */
};

void qspn_out_init(struct qspn_out *o);
void qspn_out_free(struct qspn_out *o);

/* Forgets the actions (and their references), keeps the room. */
void qspn_out_empty(struct qspn_out *o);

#ifdef __cplusplus
}
#endif

#endif
