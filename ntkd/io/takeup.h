/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_TAKEUP_H
#define NTKD_IO_TAKEUP_H

/*
 * Which of the managed interfaces the node has, while they come, go, and change their names.
 *
 * The kernel tells (nics.h).  What has gone is taken from the node at once; the helper lets it go when
 * nothing is on it any more, which the node's states see to (kernel_let_go()).  What has come is
 * given to the node when the helper has found it (kernel_look()), and not before the one that had its
 * name is let go.  One on which the node cannot work (nic_problem()) is not given to it, nor one with the
 * hardware address of another that it has: the first that came is used, in the order of the configuration at
 * the start, and the other one when that has gone or has another address.
 */

#include "ntkd/io/daemon.h"
#include "ntkd/io/nics.h"

#ifdef __cplusplus
extern "C" {
#endif

struct takeup;

enum {
	TAKEUP_RETRY = 1,		/* s: what the helper has not found is looked for again */
	TAKEUP_PATIENCE = 5,		/* so often, before people are told that it does not go on */
	TAKEUP_WHY = 256,
	TAKEUP_LINES = 64,		/* of the log, at once, about each interface; one a second afterwards */
};

/* For D, whose loop and kernel object exist; NULL when memory is exhausted. */
struct takeup *takeup_new(struct daemon *d);
void takeup_free(struct takeup *t);

/*
 * The helper has told for the first time which interfaces there are: the node, which counts on all of them,
 * hears which are missing.  To be called before it is asked for its first state.
 */
void takeup_begin(struct takeup *t);

/* From now on the kernel is listened to.  False when it tells nothing. */
bool takeup_watch(struct takeup *t);

/* Managed interface NIC as the kernel told last; as the helper found it where the kernel tells nothing. */
struct nic_state takeup_nic(const struct takeup *t, size_t nic);

/* Its state in a word, for show_handlednics and events; static. */
const char *takeup_word(const struct takeup *t, size_t nic);

/*
 * Why one that is there is unfit or waiting, and what to do, as a phrase that its name begins: BUF.  NULL for
 * one of any other state.
 */
const char *takeup_why(const struct takeup *t, size_t nic, char buf[TAKEUP_WHY]);

#ifdef __cplusplus
}
#endif

#endif
