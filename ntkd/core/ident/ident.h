/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_IDENT_IDENT_H
#define NTKD_CORE_IDENT_IDENT_H

/*
 * Identities: the nodes of the graph that this system is (spec/identities).
 *
 * One manager per system.  It makes the first identity, duplicates identities when the caller
 * says that they enter or migrate, and keeps the identity-arcs, which join an
 * identity here to one at a neighbour over an arc, the same at both ends while either end
 * duplicates and removes.  It knows nothing of Netsukuku addresses; when to do what is the
 * caller's matter.
 *
 * No I/O: the time is an argument of every call that may need it (µs on a monotonic clock,
 * never going back between calls), randomness comes from the generator handed over at
 * creation, and everything a call causes is appended to the list of actions given to it
 * (out.h).  Same inputs, same actions, byte for byte.  A caller runs ident_tick() when the
 * time of ident_deadline() has come.
 *
 * Numbers.  Arcs are the caller's: not 0, and a number names one arc for ever.  Devices are indices
 * of managed interfaces.  Identities have a NodeID, random, which neighbours know them by, and
 * an index, counted from 0.  Namespaces have the numbers of ntkd/kernel: 0 the default one.
 * Calls are numbered by who makes them: those in actions by the module, over all arcs; those
 * received by the caller, over each arc.
 *
 * The neighbour routes that an identity's namespace needs (spec 3.3 item 5) are not actions:
 * they follow from what is there, ident_neighbours() lists them, and the actions about
 * identity-arcs and ident_arc_add() and ident_arc_remove() tell when to look.
 *
 * Course of a duplication:
 *
 *   ident_prepare()		every member of what moves, before the next line at any
 *   ident_duplicate()		-> IDENT_NS_MAKE
 *   ident_ns_made()		-> IDENT_DUPLICATED: both have their namespaces and devices
 *   ident_ns_complete()	the neighbours hear of it, all arcs at once
 *   …				-> IDENT_IARC_ADDED, IDENT_IARC_CHANGED as they answer
 *   …				-> IDENT_COMPLETE, then IDENT_SETTLED
 *
 * MACs of pseudo-interfaces are what the kernel gave them, told by ident_ns_made(); their
 * link-locals are drawn here.
 *
 * Memory: a manager that runs out of it stops for good (every later call does nothing,
 * ident_failed() is true) and everything it owns is still freed by ident_free().
 */

#include "common/conf.h"
#include "common/net.h"
#include "common/rng.h"
#include "ntkd/core/ident/out.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ident;

enum {
	IDENT_NAMESPACES = 64,	/* numbers of namespaces, as KERNEL_NAMESPACES */
	IDENT_ID_MAX = 0x7ffffffe,	/* NodeIDs are 1 to this */
};

/* Constant while the manager lives.  ident_params_default(). */
struct ident_params {
	/* Times in µs (spec 7, 14). */
	uint64_t record_life;		/* of a record, and while it is used: 600 s */
	uint64_t exchange;		/* for the answer, anew with every wait: 10 s */
	uint64_t exchange_cap;		/* for all of it: 60 s */
	uint64_t wait;			/* a caller that must be patient is told so every 3 s */
	uint64_t again;			/* a neighbour that is busy is asked again: 500 ms */
	uint64_t ahead;			/* connectivity identities are asked ahead of others by at most: 4 s, see notify */
	uint64_t complete;		/* at most until IDENT_COMPLETE: 10 s */
	uint64_t main_id;		/* for the answer to "who is main": 10 s */
	/*
	 * For the answer to "removed": 4 s, longer than a connection lives over which nothing comes (3.5 s): what
	 * serves the neighbour's packets stays until it has answered, or has nothing to do with us any more.
	 */
	uint64_t notify;
	uint64_t broken;		/* until a broken arc is given up: 10 ms */
	uint64_t principal;		/* until a missing principal one is asked for: 1 s */
	uint64_t stale;			/* until one with a former peer is asked for: 15 s */
	/* Limits, with what happens at each. */
	uint16_t max_identities;	/* 64: IDENT_EXHAUSTED */
	uint16_t max_arcs;		/* 1000: not added */
	uint16_t max_records;		/* 256: IDENT_EXHAUSTED */
	uint16_t max_peers;		/* of an identity on an arc, 64: a duplication is refused */
	uint16_t max_iarcs;		/* of an identity, 1000: likewise; a principal one waits */
	uint16_t max_deferred;		/* duplications of an arc that wait for us, 64: "busy" */
};

void ident_params_default(struct ident_params *p);

/*
 * True when LINKLOCAL is used by somebody whom the module does not know: a neighbour that was
 * merely heard, an identity loaded from a file.
 */
typedef bool ident_taken(ntk_ip_t linklocal, void *arg);

/* --- life ------------------------------------------------------------------- */

/*
 * A system with one identity, main, index 0, in namespace 0, without devices (ident_dev_add()).
 * P must outlive it; RNG is copied; TAKEN with ARG is asked whenever a link-local is drawn, NULL:
 * nobody.  NULL: memory is exhausted.
 */
struct ident *ident_new(const struct ident_params *p, const struct rng *rng, ident_taken *taken,
    void *arg);
void ident_free(struct ident *x);

bool ident_failed(const struct ident *x);

/* --- time ------------------------------------------------------------------- */

/* When ident_tick() shall be called, UINT64_MAX for never. */
uint64_t ident_deadline(const struct ident *x);
void ident_tick(struct ident *x, uint64_t now, struct ident_out *out);

/* True when nothing is under way; records that only wait for their end do not count. */
bool ident_is_quiet(const struct ident *x);

/* --- devices (spec 8.2) -------------------------------------------------------- */

/*
 * Managed interface DEV came up with MAC and LINKLOCAL: the main identity has it from now on,
 * and no other.  False: it is there already, or a value cannot be: the link-local of another
 * interface of ours, the MAC of a pseudo-interface.
 */
bool ident_dev_add(struct ident *x, uint64_t now, unsigned dev, ntk_mac_t mac, ntk_ip_t linklocal,
    struct ident_out *out);

/*
 * It is gone, with the pseudo-interfaces of all identities on it (the caller wants them gone
 * from the namespaces) and with its arcs, as by ident_arc_remove().  False: it was not there.
 */
bool ident_dev_remove(struct ident *x, uint64_t now, unsigned dev, struct ident_out *out);

/* --- arcs (spec 8.3, 8.4) -------------------------------------------------------- */

/*
 * ARC came up: between our real interface DEV and the neighbour's with PEER_MAC and
 * PEER_LINKLOCAL.  The neighbour is asked for its main identity; with its answer the
 * principal identity-arc is there.  False: known already, no such device, max_arcs, or a value
 * cannot be: a MAC or link-local of ours, or of another arc's neighbour.
 */
bool ident_arc_add(struct ident *x, uint64_t now, uint32_t arc, unsigned dev, ntk_mac_t peer_mac,
    ntk_ip_t peer_linklocal, struct ident_out *out);

/* It is gone: its identity-arcs go, nobody is told.  False, and nothing done: unknown. */
bool ident_arc_remove(struct ident *x, uint64_t now, uint32_t arc, struct ident_out *out);

/* --- messages ----------------------------------------------------------------- */

/* True for types of messages that are this module's. */
bool ident_is_message(uint8_t type);

/*
 * A call M came over ARC with the neighbour's number CALL; it will be answered.  M stays the
 * caller's.
 */
void ident_receive(struct ident *x, uint64_t now, uint32_t arc, uint32_t call,
    const struct peer_msg *m, struct ident_out *out);

/* How a call that an action asked for has ended. */
enum ident_outcome {
	IDENT_ANSWERED,		/* M is the result */
	IDENT_REFUSED,		/* ERROR is what the neighbour answered */
	IDENT_LINK_FAILED,	/* not delivered, no answer in time, or one that is malformed */
};

/* Calls that are not open (any more) are ignored, so the order of events does not matter. */
void ident_answer(struct ident *x, uint64_t now, uint32_t arc, uint32_t call,
    enum ident_outcome outcome, uint8_t error, const struct peer_msg *m, struct ident_out *out);

/* The neighbour asks for patience. */
void ident_waiting(struct ident *x, uint64_t now, uint32_t arc, uint32_t call,
    struct ident_out *out);

/* --- duplication (spec 8.8 to 8.10) ------------------------------------------------ */

/* Answers of commands; all but IDENT_OK: nothing has changed.  Names as in spec/manual-mode 3. */
enum ident_result {
	IDENT_OK,
	IDENT_UNKNOWN_IDENTITY,
	IDENT_UNKNOWN_ARC,		/* no such arc, or no such identity-arc on it */
	IDENT_UNKNOWN_OPERATION,	/* not prepared */
	IDENT_EXISTS,
	IDENT_BUSY,			/* being duplicated or removed: again after IDENT_SETTLED */
	IDENT_IS_MAIN,
	IDENT_EXHAUSTED,		/* a limit, or no link-local is free */
	IDENT_INVALID,			/* a value cannot be, or is another neighbour's or ours */
};
const char *ident_result_name(enum ident_result r);	/* "unknown_identity"; static */

/*
 * Identity ID takes part in MIGRATION (not 0).  Once more for the same pair: its time begins anew.
 * Unused after record_life: IDENT_GIVEN_UP.
 */
enum ident_result ident_prepare(struct ident *x, uint64_t now, uint32_t migration, uint32_t id,
    struct ident_out *out);

/* Takes that back, as long as ident_duplicate() was not given: IDENT_GIVEN_UP. */
enum ident_result ident_give_up(struct ident *x, uint64_t now, uint32_t migration, uint32_t id,
    struct ident_out *out);

/*
 * Duplicates ID: IDENT_NS_MAKE.  Given again it changes nothing; MADE (may be NULL) is the NodeID
 * of the new identity, 0 before IDENT_DUPLICATED.
 */
enum ident_result ident_duplicate(struct ident *x, uint64_t now, uint32_t migration, uint32_t id,
    uint32_t *made, struct ident_out *out);

/*
 * Namespace NS was made; MAC, one for each managed interface (CONF_INTERFACES; those without a
 * device are ignored), are what the kernel gave the pseudo-interfaces.  A MAC that cannot be,
 * or is known already, ends the duplication as a refusal would, with IDENT_NS_DROP.
 */
void ident_ns_made(struct ident *x, uint64_t now, unsigned ns, const ntk_mac_t *mac,
    struct ident_out *out);

/* It was not, and nothing of it is left: IDENT_GIVEN_UP. */
void ident_ns_refused(struct ident *x, uint64_t now, unsigned ns, struct ident_out *out);

/*
 * NS has everything that the identity which moved there needs (spec/kernel-state 8.5 b), or
 * could not get it: there is no way back.
 */
void ident_ns_complete(struct ident *x, uint64_t now, unsigned ns, struct ident_out *out);

/* Namespace NS, for which IDENT_NS_DROP came, is gone: the number is free again. */
void ident_ns_gone(struct ident *x, uint64_t now, unsigned ns, struct ident_out *out);

/*
 * A namespace number and an identity index for an identity that is not the module's (load_state).
 * False: none is free.  ident_ns_gone() gives the number back.
 */
bool ident_reserve(struct ident *x, unsigned *ns, uint32_t *index);

/* --- identity-arcs and identities (spec 8.5, 8.6, 8.14) ------------------------------ */

/*
 * One by order; the neighbour must be ordered the same.  IDENT_EXISTS: with these values
 * already.
 */
enum ident_result ident_iarc_add(struct ident *x, uint64_t now, uint32_t arc, uint32_t id,
    uint32_t peer, ntk_mac_t peer_mac, ntk_ip_t peer_linklocal, struct ident_out *out);

/*
 * TELL: it is closing at once, the neighbour is told, and it is removed with the answer, at
 * most 4 s later.  While its identity is being duplicated the neighbour is told after
 * IDENT_SETTLED.  Else it is removed now.  A closing one: IDENT_OK, nothing changes.  A
 * principal one comes again while the arc is there (spec 14.2).
 */
enum ident_result ident_iarc_remove(struct ident *x, uint64_t now, uint32_t arc, uint32_t id,
    uint32_t peer, bool tell, struct ident_out *out);

/*
 * A connectivity identity goes.  What used it has been stopped.  The neighbours are told; with
 * their answers, at most 4 s later, IDENT_NS_DROP and IDENT_REMOVED.  Its identity-arcs are
 * closing meanwhile, and no action tells of their end.  A neighbour that asks the same of it is answered
 * then, and not at once: the identity carries what the others still send to it.
 */
enum ident_result ident_remove(struct ident *x, uint64_t now, uint32_t id, struct ident_out *out);

/* --- queries ---------------------------------------------------------------------- */

uint32_t ident_main(const struct ident *x);

struct ident_identity {
	uint32_t id;
	uint32_t index;
	unsigned ns;
	bool main;
	uint32_t from;		/* the identity that it was duplicated from, 0: none */
	bool busy;		/* see IDENT_BUSY */
	bool leaving;		/* ident_remove() was given */
};

/* Identities in the order of their indices. */
size_t ident_identities(const struct ident *x);
struct ident_identity ident_identity_at(const struct ident *x, size_t i);
bool ident_find(const struct ident *x, uint32_t id, struct ident_identity *out);
bool ident_find_index(const struct ident *x, uint32_t index, struct ident_identity *out);

/* What namespace NS has on each managed interface: (pseudo-)interface of the identity there. */
struct ident_nic {
	bool present;
	ntk_mac_t mac;		/* zeroes before ident_ns_made() */
	ntk_ip_t linklocal;
};
struct ident_ns {
	uint32_t id;		/* the identity there, or that will be there */
	bool made;		/* ident_ns_made() was given, or it is the default one */
	bool leaving;		/* IDENT_NS_DROP: devices are not listed any more */
	struct ident_nic nic[CONF_INTERFACES];
};
/* False: no identity has a namespace NS (a reserved one is not the module's). */
bool ident_ns(const struct ident *x, unsigned ns, struct ident_ns *out);

/* What identity ID has on DEV; false when it has nothing there (spec 4.3 get_pseudodev). */
bool ident_nic(const struct ident *x, uint32_t id, unsigned dev, struct ident_nic *out);

struct ident_arc {
	uint32_t arc;
	uint8_t dev;
	ntk_mac_t peer_mac;
	ntk_ip_t peer_linklocal;
};
/* Arcs in ascending order of their numbers. */
size_t ident_arcs(const struct ident *x);
struct ident_arc ident_arc_at(const struct ident *x, size_t i);
bool ident_arc_find(const struct ident *x, uint32_t arc, struct ident_arc *out);

/* Identity-arcs of ID, by index: fills up to SIZE of V, returns how many there are. */
size_t ident_iarcs(const struct ident *x, uint32_t id, struct ident_iarc *v, size_t size);
bool ident_iarc(const struct ident *x, uint32_t number, struct ident_iarc *out);

/*
 * That of ID with PEER over ARC: where a message from one to the other belongs (closing ones
 * too).
 */
bool ident_iarc_between(const struct ident *x, uint32_t arc, uint32_t id, uint32_t peer,
    struct ident_iarc *out);

/*
 * Link-locals to which the namespace of ID has a route, each through the identity's interface
 * on DEV: in the order of device and address, each once.  Fills up to SIZE of V, returns how
 * many there are.
 */
struct ident_neighbour {
	uint8_t dev;
	ntk_ip_t linklocal;
};
size_t ident_neighbours(const struct ident *x, uint32_t id, struct ident_neighbour *v, size_t size);

enum ident_record_state {
	IDENT_PREPARED,
	IDENT_MAKING,		/* the kernel was asked */
	IDENT_COMPLETING,	/* duplicated; the new namespace is being completed */
	IDENT_EXCHANGING,	/* the neighbours are asked */
	IDENT_DONE,		/* settled; late neighbours are still answered */
};
struct ident_record {
	uint32_t migration;
	uint32_t id;		/* the old identity */
	uint32_t made;		/* the new one, 0 before it is there */
	enum ident_record_state state;
	uint64_t until;		/* µs: when the record goes, if it is not in use then */
};
/*
 * Records in the order in which they were prepared: fills up to SIZE of V, returns how many
 * there are.
 */
size_t ident_records(const struct ident *x, struct ident_record *v, size_t size);

struct ident_stats {
	uint64_t calls_in, calls_out;
	uint64_t duplications;		/* of ours that were done */
	uint64_t neighbour_duplications;	/* over an arc, in which one of ours changed */
	uint64_t deferred;		/* calls that had to wait */
	uint64_t again;			/* exchanges that the neighbour was too busy for */
	uint64_t refused_in;		/* calls answered by an error: malformed, limits */
	uint64_t refused_out;		/* of ours that were, but for "busy" */
	uint64_t dropped;		/* identity-arcs that a link-local or MAC made impossible */
	uint64_t stale;			/* principal ones whose peer was replaced (spec 14.3) */
	uint64_t broken;		/* arcs */
};
const struct ident_stats *ident_stats(const struct ident *x);

/*
 * Checks what must hold between any two calls (tests, simulator, fuzzers): invariants 1 to 4 of
 * spec 3.3, sorted indices, limits, link-locals and MACs unique within each identity's device.
 * True; or false with a sentence in WHY.
 */
bool ident_invariant(const struct ident *x, char *why, size_t why_size);

#ifdef __cplusplus
}
#endif

#endif
