/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_IDENT_INT_H
#define NTKD_CORE_IDENT_INT_H

/*
 * What the files of the identities module share: the state of a manager, and what each file
 * does for the others (names with id_, since the archive holds other modules too).  A public
 * function stores time and list of actions in the manager (id_call_begin()), so that those
 * below need not hand them on; id_call_end() draws what follows from the change wherever it was
 * made: waiting requests that can be answered, duplications that are complete, principal
 * identity-arcs that are missing.
 */

#include "ntkd/core/ident/ident.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NEVER UINT64_MAX
#define MS UINT64_C(1000)	/* µs */
#define SECOND (1000 * MS)

struct identity {
	uint32_t id;
	uint32_t index;
	uint32_t from;
	unsigned ns;
	uint32_t next_iarc;		/* index of the next identity-arc */
	size_t n_iarcs;
	bool leaving;
	uint64_t leave_at;		/* at the latest */
	struct ident_nic nic[CONF_INTERFACES];
};

enum closing {
	CLOSING_NO,
	CLOSING_LATER,	/* ordered while its identity was being duplicated: after that */
	CLOSING_LOST,	/* likewise, for its peer went where we cannot reach it */
	CLOSING_TOLD,	/* the neighbour was told */
	CLOSING_OVER,	/* of an identity that leaves: and sends nothing any more */
};

struct iarc {
	struct identity *id;
	struct arc *arc;
	uint32_t number;
	uint32_t index;
	uint32_t peer;
	uint32_t prev;
	uint32_t place_of;
	ntk_mac_t mac;
	ntk_ip_t linklocal;
	bool both;
	enum closing closing;
	uint32_t call;			/* by which the neighbour was told */
	uint64_t close_at;		/* at the latest */
	uint32_t owed;			/* the neighbour's call to be answered when its identity is gone, 0 none */
	/* Of a duplication of its identity: migrations, 0 none. */
	uint32_t copy_index;		/* kept free for its copy, UINT32_MAX none */
	uint32_t sent;			/* the neighbour was asked about it */
	uint32_t matched;		/* and answered */
	uint32_t part;			/* and takes part itself */
	uint32_t asked;			/* and has asked us, and was answered that we take part */
};

struct record {
	uint32_t migration;
	struct identity *id;
	struct identity *made;		/* NULL before it is there */
	enum ident_record_state state;
	unsigned ns;			/* where ID moves, or moved */
	struct ident_nic nic[CONF_INTERFACES];	/* there, until it moved */
	uint64_t until;
	uint64_t ready;			/* when the neighbours were asked */
	uint64_t ended;			/* when the last of them had answered, 0 not yet */
	bool complete;			/* told */
};

enum exchange_state {
	EXCHANGE_HELD,		/* the namespace is not complete yet, or others go ahead */
	EXCHANGE_SENT,		/* outstanding (spec 11.3) */
	EXCHANGE_AGAIN,		/* the neighbour is too busy */
};

struct exchange {
	struct record *rec;
	enum exchange_state state;
	uint32_t call;
	uint64_t cap;
	uint64_t limit;		/* of the call, or when to ask again */
};

/* A neighbour's duplication that waits for its answer. */
struct request {
	uint32_t call;
	uint32_t migration;
	uint32_t old, made;
	ntk_mac_t mac;
	ntk_ip_t linklocal;
	uint64_t wait_at;	/* when to tell that it waits */
	bool counted;		/* as deferred */
	size_t n;
	uint32_t peers[];
};

struct arc {
	uint32_t number;
	uint8_t dev;
	ntk_mac_t mac;
	ntk_ip_t linklocal;
	struct iarc **iarc;	/* in the order in which they came */
	size_t n, size;
	struct exchange **exchange;
	size_t n_exchanges, exchanges_size;
	struct request **request;	/* in the order in which they came */
	size_t n_requests, requests_size;
	uint32_t call;		/* "who is main", 0 none */
	uint32_t told;		/* who ours was then */
	uint64_t call_limit;
	uint64_t ask_at;	/* the principal identity-arc is missing */
	uint32_t claim;		/* the neighbour's main identity, as far as we heard, 0 */
	uint64_t stale_at;	/* the principal identity-arc leads to another: when to ask */
	uint32_t suspected;	/* the claim was this when we asked for that reason */
	bool broken;
	uint64_t broken_at;
};

enum ns_use {
	NS_FREE,
	NS_RESERVED,
	NS_MAKING,		/* for a record */
	NS_USED,
	NS_LEAVING,
};

struct ident {
	const struct ident_params *p;
	struct rng rng;
	ident_taken *taken;
	void *taken_arg;

	uint64_t now;		/* of this call */
	struct ident_out *out;
	struct ident_action lost;	/* where actions go for which there is no memory */
	bool failed;

	struct ident_nic dev[CONF_INTERFACES];	/* real interfaces */
	struct identity **id;	/* by index */
	size_t n_ids, ids_size;
	struct identity *main;
	struct arc **arc;	/* by number */
	size_t n_arcs, arcs_size;
	struct record **rec;	/* in the order in which they were prepared */
	size_t n_recs, recs_size;
	enum ns_use ns[IDENT_NAMESPACES];
	uint32_t ns_id[IDENT_NAMESPACES];	/* of the identity that left */

	uint32_t next_index;
	uint32_t last_number;
	uint32_t last_call;
	uint64_t deadline;	/* as of the end of the last call */
	struct ident_stats stats;
};

/* --- ident.c ------------------------------------------------------------------- */

/* Every public function that may change something does its work between these two. */
/* False: X has failed. */
bool id_call_begin(struct ident *x, uint64_t now, struct ident_out *out);
void id_call_end(struct ident *x);

/* Room for one more in V of N with SIZE; NULL: memory is exhausted, X has failed. */
void *id_room(struct ident *x, void *v, size_t n, size_t *size, size_t element);

/* --- out.c --------------------------------------------------------------------- */

struct ident_action *id_act(struct ident *x, enum ident_action_kind kind);

/* Calls and answers; M, made by id_message(), is taken and may be NULL (memory ran out). */
struct peer_msg *id_message(struct ident *x, uint8_t type, size_t extra, void **room);
uint32_t id_act_call(struct ident *x, uint32_t arc, struct peer_msg *m, uint64_t limit);
void id_act_result(struct ident *x, uint32_t arc, uint32_t call, struct peer_msg *m);
void id_act_error(struct ident *x, uint32_t arc, uint32_t call, enum peer_error error);
struct ident_action *id_act_iarc(struct ident *x, enum ident_action_kind kind,
    const struct iarc *i);
struct ident_action *id_act_record(struct ident *x, enum ident_action_kind kind,
    const struct record *r);

/* --- draw.c -------------------------------------------------------------------- */

uint32_t id_draw_id(struct ident *x);
bool id_draw_linklocal(struct ident *x, ntk_ip_t *out);

/* --- identity.c ------------------------------------------------------------------ */

struct identity *id_identity_find(const struct ident *x, uint32_t id);
struct identity *id_identity_make(struct ident *x);
bool id_identity_is_busy(const struct ident *x, const struct identity *id);
void id_identity_leave(struct ident *x, struct identity *id);
void id_identity_tick(struct ident *x);
unsigned id_ns_find(const struct ident *x);	/* a free number, 0 none */

/* --- arc.c ----------------------------------------------------------------------- */

struct arc *id_arc_find(const struct ident *x, uint32_t number);
void id_arc_free(struct arc *a);
void id_arc_end(struct ident *x, struct arc *a);	/* with its identity-arcs */
void id_arc_break(struct ident *x, struct arc *a);
void id_arc_tick(struct ident *x);

/* --- principal.c ------------------------------------------------------------------- */

struct iarc *id_principal_find(const struct ident *x, const struct arc *a);
bool id_principal_is(const struct ident *x, const struct iarc *i);
void id_principal_ask(struct ident *x, struct arc *a);
void id_principal_answered(struct ident *x, struct arc *a, enum ident_outcome outcome,
    uint32_t main);
void id_principal_asked(struct ident *x, struct arc *a, uint32_t call, uint32_t main);
void id_principal_tick(struct ident *x, struct arc *a);
void id_principal_ensure(struct ident *x, struct arc *a);
/* The neighbour's identity OLD became MADE: if it was the main one, that is now MADE. */
void id_principal_moved(struct arc *a, uint32_t old, uint32_t made);

/* --- iarc.c ------------------------------------------------------------------------- */

struct iarc *id_iarc_find(const struct arc *a, const struct identity *id, uint32_t peer);
struct ident_iarc id_iarc_info(const struct ident *x, const struct iarc *i);
size_t id_iarc_count(const struct arc *a, const struct identity *id);

/* True when MAC and LINKLOCAL may be those of a peer of ID on A; EXCEPT is not looked at. */
bool id_iarc_fits(const struct ident *x, const struct arc *a, const struct identity *id,
    ntk_mac_t mac, ntk_ip_t linklocal, const struct iarc *except);
bool id_iarc_has_room(const struct ident *x, const struct arc *a, const struct identity *id);

/* Appended without an action; its index is the next of its identity.  NULL: memory is exhausted. */
struct iarc *id_iarc_make(struct ident *x, struct arc *a, struct identity *id, uint32_t peer,
    ntk_mac_t mac, ntk_ip_t linklocal);
void id_iarc_set(struct ident *x, struct iarc *i, ntk_mac_t mac, ntk_ip_t linklocal,
    bool only_neighbour);	/* IDENT_IARC_CHANGED */
void id_iarc_free(struct iarc *i);				/* without an action */
void id_iarc_drop(struct ident *x, struct iarc *i);	/* removing, removed; fitting its state */
void id_iarc_drop_tell(struct ident *x, struct iarc *i);	/* and the neighbour is told */
void id_iarc_tell(struct ident *x, const struct arc *a, uint32_t id, uint32_t peer);
void id_iarc_close(struct ident *x, struct iarc *i);
void id_iarc_give_up(struct ident *x, struct iarc *i);
void id_iarc_close_later(struct ident *x, const struct identity *id);	/* those that had to wait */
void id_iarc_told(struct ident *x, struct iarc *i);	/* the neighbour answered, or did not */
void id_iarc_asked_away(struct ident *x, struct arc *a, uint32_t call, uint32_t from, uint32_t to);
void id_iarc_gone(struct ident *x, const struct arc *a, uint32_t call);	/* the answer to that */

/* --- record.c ------------------------------------------------------------------------ */

struct record *id_record_find(const struct ident *x, uint32_t migration, const struct identity *id);
bool id_record_is_ready(const struct record *r);
bool id_record_is_busy(const struct record *r);
void id_record_free(struct ident *x, struct record *r);
void id_record_give_up(struct ident *x, struct record *r, bool expired);
void id_record_forget(struct ident *x, const struct identity *id);	/* all of one that goes */
void id_record_settle(struct ident *x);
uint64_t id_record_deadline(const struct ident *x, const struct record *r);
void id_record_tick(struct ident *x);

/* --- exchange.c ----------------------------------------------------------------------- */

bool id_exchange_begin(struct ident *x, struct arc *a, struct record *r);	/* held */
void id_exchange_send(struct ident *x, struct arc *a, struct exchange *e);
void id_exchange_release(struct ident *x);	/* sends those that are held and may go */
struct exchange *id_exchange_find(const struct arc *a, const struct record *r);
void id_exchange_answered(struct ident *x, struct arc *a, struct exchange *e,
    const struct peer_matched *m);
void id_exchange_refused(struct ident *x, struct arc *a, struct exchange *e, uint8_t error);
void id_exchange_failed(struct ident *x, struct arc *a, struct exchange *e);
void id_exchange_waits(struct ident *x, struct exchange *e);
void id_exchange_free(struct arc *a, struct exchange *e);
void id_exchange_tick(struct ident *x, struct arc *a);

/* --- match.c -------------------------------------------------------------------------- */

void id_match_asked(struct ident *x, struct arc *a, uint32_t call,
    const struct peer_match_duplication *m);
void id_match_unknown(struct ident *x, uint32_t arc, uint32_t call,
    const struct peer_match_duplication *m);
void id_match_resume(struct ident *x);
void id_match_tick(struct ident *x, struct arc *a);

#ifdef __cplusplus
}
#endif

#endif
