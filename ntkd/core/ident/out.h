/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_IDENT_OUT_H
#define NTKD_CORE_IDENT_OUT_H

/*
 * What the identities module wants done or known: a list of actions in the order in which
 * they were decided.  The caller carries them out after the call returned and before the
 * next call of the module.
 *
 * Messages leave after the kernel has answered the transactions to which the same list leads
 * (spec/kernel-state 8.7), and those of one arc in the order in which they were
 * decided, over all lists: an answer that overtook an older message, or was overtaken, could
 * leave the two ends with different identity-arcs.
 */

#include "common/net.h"
#include "proto/peermsg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An identity-arc: identity ID of this system, identity PEER of the neighbour at ARC. */
struct ident_iarc {
	uint32_t number;	/* of this one among all of the system, not 0, not used again */
	uint32_t index;		/* within its identity, from 0 (spec/manual-mode 2) */
	uint32_t arc;
	uint32_t id;
	uint32_t peer;
	uint8_t dev;		/* of the arc: index of the managed interface */
	ntk_mac_t peer_mac;	/* of the (pseudo-)interface that PEER has on this arc */
	ntk_ip_t peer_linklocal;
	uint32_t prev;		/* the one that it was copied from when ID was made, else 0 */
	uint32_t place_of;	/* PEER came of the neighbour's migration, and is where the peer of this one was, else 0 */
	bool both;		/* with PREV: PEER was made in the same migration */
	bool principal;		/* joins the two main identities; its route is that of the arc */
	bool closing;		/* no path uses it; what serves packets stays */
};

enum ident_action_kind {
	/* Messages, all from whole node to whole node (0 to 0). */
	IDENT_CALL,		/* arc, call, msg, limit */
	IDENT_RESULT,		/* arc, call, msg: answers a call that was received */
	IDENT_ERROR,		/* arc, call, error: likewise */
	IDENT_WAIT,		/* arc, call: likewise, and another answer follows */

	/*
	 * Namespaces.  MAKE: ident_ns() tells its devices and link-locals, which shall be made and
	 * nothing else; ident_ns_made() or ident_ns_refused() follows.  DROP: namespace and
	 * devices shall go; ident_ns_gone() follows.
	 */
	IDENT_NS_MAKE,		/* ns, id: the identity that will move there */
	IDENT_NS_DROP,		/* ns, id */

	/* Identities.  */
	IDENT_DUPLICATED,	/* migration, id, other: OTHER was made, it has ID's former
				   namespace and is main if ID was; ID is in namespace ns,
				   which the caller completes; then ident_ns_complete() */
	IDENT_COMPLETE,		/* migration, id, other: our exchanges have ended, and those of
				   neighbours that take part, or these have had 10 s: the
				   inherited namespace may change */
	IDENT_SETTLED,		/* migration, id, other: neither is busy with it any more; with
				   IDENT_COMPLETE or after it */
	IDENT_GIVEN_UP,		/* migration, id, expired: not duplicated, the record is gone */
	IDENT_REMOVED,		/* id: gone; IDENT_NS_DROP came before */
	IDENT_WITHOUT_NICS,	/* id, not main: has no device left (spec 14.10) */

	/*
	 * Identity-arcs (spec 4.4), with IARC as it is now, or was.  REMOVING and REMOVED may
	 * stand in one list or apart, and then it is closing meanwhile: paths leave it with the
	 * first, its neighbour route goes with the second.  CHANGED has the former values in
	 * former_mac and former_linklocal.
	 */
	IDENT_IARC_ADDED,	/* iarc */
	IDENT_IARC_CHANGED,	/* iarc, only_neighbour: our identity was not duplicated with it */
	IDENT_IARC_REMOVING,	/* iarc: not ordered by the caller */
	IDENT_IARC_REMOVED,	/* iarc */

	IDENT_ARC_BROKEN,	/* arc: a call failed, the module has forgotten it (spec 8.13) */
};

struct ident_action {
	enum ident_action_kind kind;
	uint32_t arc;
	uint32_t call;
	struct peer_msg *msg;	/* the list's, one block of memory */
	uint64_t limit;		/* µs, anew after each wait: the module gives up by then */
	uint8_t error;		/* enum peer_error */
	unsigned ns;
	uint32_t migration;
	uint32_t id, other;
	bool expired;		/* of age, not by refusal or order */
	bool only_neighbour;
	struct ident_iarc iarc;
	ntk_mac_t former_mac;
	ntk_ip_t former_linklocal;
};

struct ident_out {
	struct ident_action *v;
	size_t n;
	size_t size;
	bool failed;		/* memory ran out: what was asked cannot be told */
};

void ident_out_init(struct ident_out *o);
void ident_out_free(struct ident_out *o);

/* Forgets the actions and their messages, keeps the room. */
void ident_out_empty(struct ident_out *o);

#ifdef __cplusplus
}
#endif

#endif
