/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_CTL_H
#define NTKD_IO_CTL_H

/*
 * The control socket: one JSON object a line each way (INTERFACE; verbs in
 * proto/ctlmsg.tab).  Who may ask: root everything; members of control-group the reading
 * verbs, of operator-group the writing ones too; judged by the credentials that the
 * kernel tells of the connected peer (SO_PEERCRED, SO_PEERGROUPS), not by file modes alone.
 *
 * A client has one request under way and one answer unread; the next line is looked at when
 * the answer has left.  So a client costs at most one request and one answer.  Who
 * asked for events (events.h) is told them from then on, and asks nothing more.
 */

#include <event2/util.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/ctlmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

struct daemon;
struct ctl;

enum {
	CTL_CLIENTS = 32,		/* at once; more are closed with an error line */
	CTL_ROOT_CLIENTS = 4,		/* of them kept free for root */
	CTL_USER_CLIENTS = 8,		/* of one other user */
	CTL_READER_MAX = 4096,		/* bytes of one line of who may only read */
	CTL_IDLE_S = 60,		/* for a half-sent request, an unread answer, silence;
					   not for listeners */
	CTL_PAUSE_S = 1,		/* no accepting after descriptors ran out */
};

/* Who asks: credentials of a connected peer; the groups are borrowed. */
struct ctl_peer {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
};

/* What PEER may ask, by CONTROL and OPERATOR group ((gid_t)-1: none). */
enum ctl_access ctl_rights(const struct ctl_peer *peer, gid_t control, gid_t op);

/*
 * Makes the listening socket at PATH, mode, group and access list by CONTROL and OPERATOR
 * group (-1: none), with no moment in which others could connect (umask, and listening comes
 * last).  A socket that an earlier life left there is replaced; anything else is not.  As
 * root, before rights are dropped.
 * Returns the descriptor, or -1 with ERR (CONF_ERROR bytes).
 */
evutil_socket_t ctl_listen(const char *path, gid_t control, gid_t op, char *err);

/*
 * Serves FD in D's loop, and owns it from then on.  The caller stores the result in
 * D->ctl.  NULL when memory is exhausted; FD is then still the caller's.
 */
struct ctl *ctl_new(struct daemon *d, evutil_socket_t fd);

/* Closes all clients; waiting ones get an error answer first.  Sets D->ctl to NULL.  C may be NULL. */
void ctl_free(struct ctl *c);

/* Another time than CTL_IDLE_S for clients that come from now on, ms; for tests. */
void ctl_set_idle(struct ctl *c, unsigned ms);

/* Wakes the listeners: there is a new event.  C may be NULL. */
void ctl_tell(struct ctl *c);

struct ctl_counters {
	uint64_t connected;		/* now */
	uint64_t clients;		/* accepted */
	uint64_t clients_refused;	/* for want of rights or of room */
	uint64_t requests;		/* lines received */
	uint64_t requests_refused;	/* answered with an error */
};

/* Of C, zeroes for NULL. */
struct ctl_counters ctl_counters(const struct ctl *c);

#ifdef __cplusplus
}
#endif

#endif
