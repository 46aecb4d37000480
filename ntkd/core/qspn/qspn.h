/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_QSPN_QSPN_H
#define NTKD_CORE_QSPN_QSPN_H

/*
 * QSPN: the routing module (spec/qspn, profile R).
 *
 * One manager per identity.  A manager learns, for every g-node that is visible from
 * its address, a few cheap and mutually disjoint paths, from the ETPs that it
 * exchanges with the neighbours at the other ends of its arcs, and from nothing else.
 *
 * No I/O: the time is an argument of every call that may need it (µs on a monotonic
 * clock, never going back between calls), randomness comes from the generator handed
 * over at creation, and everything a call causes is appended to the list of actions
 * given to it (out.h).  Same inputs, same actions, byte for byte.  A caller runs
 * qspn_tick() when the time of qspn_deadline() has come.
 *
 * Arcs are numbered by the caller: a number names one arc of this manager for as
 * long as it exists, and is not 0.  The module assumes that the node at the other
 * end belongs to the same network (spec 1.12).
 *
 * Memory: a manager that runs out of it stops for good (every later call does
 * nothing, qspn_failed() is true) and everything it owns is still freed by
 * qspn_free(): half a map would be a wrong map.
 */

#include "common/rng.h"
#include "common/topo.h"
#include "ntkd/core/qspn/fingerprint.h"
#include "ntkd/core/qspn/out.h"
#include "proto/peermsg.h"

#ifdef __cplusplus
extern "C" {
#endif

struct qspn;

/* Amendments that may be switched off, to show the difference (profile O: none of them). */
enum qspn_amendment {
	QSPN_A1_CLOSURE = 1 << 0,	/* all paths of a destination that got worse are told */
	QSPN_A2_CYCLIC = 1 << 1,	/* an ETP that went in a circle is not thrown away */
	QSPN_A3_SENDER = 1 << 2,	/* the sender hears of side effects of its own ETP */
	QSPN_A4_PACING = 1 << 3,
	QSPN_A5_NUMBERS = 1 << 4,
	QSPN_A6_RETIRE = 1 << 5,	/* a changed coordinate retires the paths through the old one */
	QSPN_A9_EXPOSURE = 1 << 6,
	QSPN_A11_SCOPE = 1 << 7,
	QSPN_A14_WHOLE = 1 << 8,	/* whole fingerprints are compared, not their ids alone */
	QSPN_A15_SWEEP = 1 << 9,
	/*
	 * Not in the specification: a new path with a younger fingerprint than others report is
	 * told with the split flood, not at once (announce.c says why).
	 */
	QSPN_A25_HOLD = 1 << 10,
	/*
	 * Nor is this: a path is of no use outside when one to the same destination, stored before
	 * it, looks the same from there; not when a better way to its exit is known (spec 4.17).
	 * By that rule all paths to a destination may be of no use outside, and what was told is
	 * withdrawn in messages that those outside ignore (compose.c).
	 */
	QSPN_A26_OUTSIDE = 1 << 11,
	/*
	 * Nor this: of each arc every path told to each destination is remembered, selected or not,
	 * and while hops of it are unknown.  What was put aside is selected from (spec 4.11) when
	 * something kept got worse, when it would be the cheapest of all, or when nothing else leads
	 * around a neighbour.  Otherwise what a neighbour has told, and does not repeat, is lost to
	 * who needs it later (spare.c).
	 */
	QSPN_A27_SPARE = 1 << 12,
	/*
	 * Nor this: with pacing, a path that is dead, or about which nothing changed but the nodes
	 * inside its destination, is told by its mark: destination and sum of its arcs.
	 */
	QSPN_A28_MARKS = 1 << 13,
	/*
	 * Nor this, which rests on A26 and A27: neighbours remember, so what got worse is told alone
	 * (A1 tells all paths to its destination), and nobody is asked when an arc of ours ends or
	 * changes its cost (spec 4.3, 4.4).
	 */
	QSPN_A29_MEMORY = 1 << 14,
	/*
	 * Nor this: a path that got dearer by as much as the arc over which it was told is always
	 * recorded.  What a neighbour believes then never is so wrong that packets go round (update.c).
	 */
	QSPN_A30_DEARER = 1 << 15,
	/*
	 * Nor this: a path that reports a younger fingerprint than others do is hidden (spec 4.14) when
	 * that has lasted for 10 s, the shortest time in which a split is confirmed (spec 4.15), and
	 * until then is as good as they are.  When the oldest member of a g-node goes the good paths
	 * are the first to say so (map.c).
	 */
	QSPN_A31_PATIENCE = 1 << 16,
	/*
	 * Nor this: virtual destinations, which A8 does not count, take part in who is oldest.  To A7
	 * they are younger than all others; where there are no others (connectivity identities
	 * are all that is left of a g-node) each would take itself for the oldest, and the g-node
	 * would seem split (own.c).
	 */
	QSPN_A32_ALL_VIRTUAL = 1 << 17,
	QSPN_PROFILE_R = (1 << 18) - 1,
	/* No amendment: the documents' side of A11, a path through every adjacent g-node. */
	QSPN_X_INCLUSIVE = 1 << 18,
};

/* What all managers of a process share; constant while they live.  qspn_params_default(). */
struct qspn_params {
	struct topo topo;
	uint32_t amendments;		/* QSPN_PROFILE_R but for experiments */
	uint16_t max_paths;		/* spec 5: 5 */
	uint32_t max_common_ratio;	/* millionths: 600000 */
	uint64_t arc_timeout;		/* µs: 10 s */
	uint64_t pacing;		/* µs: of partial ETPs (A4), 30 ms; 0: at the end of each call */
	bool pacing_first;		/* the first change after a quiet time goes out at once */
	uint64_t periodic;		/* µs: 600 s, plus up to 10 % */
	/* Limits, with what happens at each. */
	uint16_t max_arcs;		/* another is refused */
	/* Stored for one destination (dear optional ones go first), and remembered of one arc. */
	uint16_t max_paths_dest;
	uint16_t max_hops;		/* of one path, at most PEER_HOPS: longer ones are not taken */
	uint32_t max_dests;		/* of one level: further positions are not taken */
	uint16_t max_paths_all;		/* stored and put aside in all; an ETP with more is refused */
	uint16_t max_splits;		/* suspicions timed at once: others wait for the next report */
};

/* The values of spec 5, and limits that no healthy network of T reaches. */
void qspn_params_default(struct qspn_params *p, const struct topo *t);

/* --- life ------------------------------------------------------------------- */

/*
 * The first identity of a system (spec 3.2): a network of its own, bootstrapped at once.
 * FP0 is the fingerprint of level 0.  Also for worlds whose addresses are given from
 * the start.  P must outlive the manager; RNG is copied.  NULL: memory is exhausted.
 */
struct qspn *qspn_create_net(const struct qspn_params *p, const struct rng *rng, uint64_t now,
    const struct naddr *address, const struct fingerprint *fp0, struct qspn_out *out);

/* An arc to a neighbour that enters or migrates with us. */
struct qspn_internal_arc {
	uint32_t arc;		/* of the new identity */
	uint32_t prev;		/* the arc of the old identity that it duplicates */
	uint64_t cost;		/* µs */
	struct naddr peer;	/* the neighbour's new address */
};

struct qspn_external_arc {
	uint32_t arc;
	uint64_t cost;		/* µs */
};

/* Spec 3.3 and 3.4: what a new identity is made from. */
struct qspn_entry {
	struct naddr address;
	struct fingerprint fp0;		/* same id as before, new elderships */
	unsigned guest_level;		/* k: of the g-node that enters, 0 a single node */
	unsigned host_level;		/* hl: of the g-node that is entered, k < hl <= levels */
	const struct qspn_internal_arc *internal;
	size_t n_internal;
	const struct qspn_external_arc *external;
	size_t n_external;
};

/*
 * The manager of a new identity whose g-node of level k enters another network, or
 * migrates within its own (the same constructor: a migration passes all outer arcs).
 * PREV is read only, and must still have its arcs.  Bootstraps (spec 3.6): queries about
 * levels from k up are refused until QSPN_BOOTSTRAPPED.  NULL: memory is exhausted, or an
 * entry that breaks a precondition (ERR, static, then tells which; NULL for memory).
 */
struct qspn *qspn_enter_net(const struct qspn_params *p, const struct rng *rng, uint64_t now,
    const struct qspn *prev, const struct qspn_entry *entry, struct qspn_out *out,
    const char **err);

/* Everything stops: timers, pending requests; late answers are ignored (A21). */
void qspn_free(struct qspn *q);

bool qspn_failed(const struct qspn *q);

/* --- time ------------------------------------------------------------------- */

/* When qspn_tick() shall be called, UINT64_MAX for never. */
uint64_t qspn_deadline(const struct qspn *q);
void qspn_tick(struct qspn *q, uint64_t now, struct qspn_out *out);

/*
 * True when nothing is under way but periodic things: no request open, nothing to be told, no
 * timer that runs once (a suspected split counts for its 10 s).
 */
bool qspn_is_quiet(const struct qspn *q);

/* --- arcs (spec 4.2 to 4.4) ---------------------------------------------------- */

/* COST in µs, 1 to 2^48.  False: known already (unknown, for the others), or max_arcs is reached. */
bool qspn_arc_add(struct qspn *q, uint64_t now, uint32_t arc, uint64_t cost, struct qspn_out *out);
bool qspn_arc_changed(struct qspn *q, uint64_t now, uint32_t arc, uint64_t cost,
    struct qspn_out *out);
bool qspn_arc_remove(struct qspn *q, uint64_t now, uint32_t arc, struct qspn_out *out);

/* --- messages ----------------------------------------------------------------- */

/*
 * A message came over ARC.  Calls (a request for a full ETP) are answered by an action
 * with the same CALL; of others CALL is ignored.  What lies, within the format, is refused with a
 * counted reason (counters), and changes nothing but that the arc is given up with
 * QSPN_ARC_REMOVED (spec 4.8).  M stays the caller's.
 */
void qspn_receive(struct qspn *q, uint64_t now, uint32_t arc, uint32_t call,
    const struct peer_msg *m, struct qspn_out *out);

/* How a call that an action asked for has ended. */
enum qspn_outcome {
	QSPN_ANSWERED,		/* M is the answer */
	QSPN_BUSY,		/* "bootstrap in progress" */
	QSPN_LINK_FAILED,	/* it could not be delivered */
	QSPN_PEER_FAILED,	/* delivered, answered with an error or with nonsense */
};
void qspn_answer(struct qspn *q, uint64_t now, uint32_t arc, uint32_t call,
    enum qspn_outcome outcome, const struct peer_msg *m, struct qspn_out *out);

/* A notice that an action asked for could not be sent (spec 4.18). */
void qspn_send_failed(struct qspn *q, uint64_t now, uint32_t arc, bool link, struct qspn_out *out);

/* --- commands (spec 3.8 to 3.13) ------------------------------------------------ */

/*
 * An operation of our g-node of level LEVEL has been prepared: members change their
 * common position one after the other from now on (spec 3.8, last paragraph), until 10 s after
 * our own change; for 60 s when that does not come.
 */
void qspn_operation_prepared(struct qspn *q, uint64_t now, unsigned level);

/*
 * Our position at level FROM - 1 becomes the virtual one POS; we support levels FROM to TO
 * from now on.  False, and nothing changes, when a precondition does not hold.
 */
bool qspn_make_connectivity(struct qspn *q, uint64_t now, unsigned from, unsigned to, uint32_t pos,
    struct qspn_out *out);

/* The virtual position at LEVEL becomes the reserved real one.  As above. */
bool qspn_make_real(struct qspn *q, uint64_t now, unsigned level, uint32_t pos, int32_t eldership,
    struct qspn_out *out);

void qspn_remove_outer_arcs(struct qspn *q, uint64_t now, struct qspn_out *out);

/*
 * Can our connectivity g-node of level FROM - 1, FROM being the level of one of its ranges,
 * go without splitting a g-node that it supports (spec 3.11)?
 */
bool qspn_check_connectivity(const struct qspn *q, unsigned from);

/*
 * Dismissal (spec 3.12).  Prepare: our connectivity g-node of level LEVEL shall go; its
 * members are told, and QSPN_REMOVE_IDENTITY comes 10 s later (at once when we are
 * its only member).  Destroy: tells the neighbours outside that we are gone; the caller
 * frees the manager afterwards.
 */
void qspn_prepare_destroy(struct qspn *q, uint64_t now, unsigned level, struct qspn_out *out);
void qspn_destroy(struct qspn *q, uint64_t now, struct qspn_out *out);

void qspn_exit_network(struct qspn *q, uint64_t now, unsigned level, struct qspn_out *out);

/* --- queries (spec 6) ------------------------------------------------------------ */

const struct naddr *qspn_address(const struct qspn *q);
bool qspn_is_bootstrapped(const struct qspn *q);

/* Ranges of a connectivity identity: the smallest from and the greatest to; 0, 0 for a main one. */
void qspn_range(const struct qspn *q, unsigned *from, unsigned *to);

/* True when one of its ranges begins at level FROM. */
bool qspn_supports(const struct qspn *q, unsigned from);

/* Arcs in ascending order of their numbers. */
struct qspn_arc_info {
	uint32_t arc;
	uint64_t cost;		/* µs */
	bool known;		/* PEER is: an ETP or a request came over it */
	struct naddr peer;
};
size_t qspn_arcs(const struct qspn *q);
struct qspn_arc_info qspn_arc_at(const struct qspn *q, size_t i);
bool qspn_arc_find(const struct qspn *q, uint32_t arc, struct qspn_arc_info *out);

/*
 * Real destinations of LEVEL in ascending order of position: fills up to SIZE of POS, returns
 * how many there are; 0 while LEVEL is refused (bootstrap).
 */
size_t qspn_destinations(const struct qspn *q, unsigned level, uint32_t *pos, size_t size);
bool qspn_is_known(const struct qspn *q, struct coord d);

/* Destination data (spec 4.16); false when unknown or refused. */
bool qspn_destination(const struct qspn *q, struct coord d, struct fingerprint *fp, uint32_t *nodes);

/* A path as others may see it; HOPS points into the manager, valid until it is changed. */
struct qspn_path {
	uint32_t arc;			/* ours */
	uint64_t cost;			/* µs, our arc included */
	uint32_t nodes_inside;		/* of the destination, as told along this path */
	const struct qspn_hop *hops;	/* the last one is the destination */
	size_t n_hops;
};
struct qspn_hop {
	struct coord to;
	uint32_t id;		/* of the arc that leads there, chosen on its near side */
};

/* Paths to D with the valid fingerprint, cheapest first: fills up to SIZE, returns how many there are. */
size_t qspn_paths(const struct qspn *q, struct coord d, struct qspn_path *v, size_t size);

/* The cheapest of them; that does not touch AVOID (a neighbour's maximum distinct g-node). */
bool qspn_best(const struct qspn *q, struct coord d, struct qspn_path *out);
bool qspn_best_avoiding(const struct qspn *q, struct coord d, struct coord avoid,
    struct qspn_path *out);

/* Own g-nodes, LEVEL up to levels (that of the network); false while refused. */
bool qspn_fingerprint(const struct qspn *q, unsigned level, struct fingerprint *fp);
bool qspn_nodes_inside(const struct qspn *q, unsigned level, uint32_t *nodes);

/* --- statistics ------------------------------------------------------------------ */

/* Why a message was refused (spec 4.8 and the numbers above). */
enum qspn_refusal {
	QSPN_BAD_TOPOLOGY,	/* rule 1 */
	QSPN_BAD_SENDER,	/* 2: our own address; or not the one of this arc's neighbour */
	QSPN_BAD_HOPS,		/* 3: levels, positions, order */
	QSPN_BAD_PATH,		/* 4: empty, or hops and arcs of different length */
	QSPN_BAD_FINGERPRINT,	/* 5, 8, 9 */
	QSPN_BAD_IGNORE,	/* 6, 7 */
	QSPN_BAD_LIST,		/* 8: fewer elements than levels; counts that cannot be */
	QSPN_BAD_REPEAT,	/* 10: a coordinate twice, or the sender's own */
	QSPN_BAD_COST,		/* 11, or a sum that cannot be */
	QSPN_BAD_SIZE,		/* more than a limit allows */
	QSPN_BAD_ANSWER,	/* an answer that is no full ETP; a message that asks for nothing */
	QSPN_REFUSALS,
};
const char *qspn_refusal_name(enum qspn_refusal r);

struct qspn_stats {
	uint64_t etps_in, etps_full_in, etps_out, etps_full_out, paths_out;
	uint64_t requests_in, requests_out;
	uint64_t old_numbers;		/* ETPs older than one processed before (A5) */
	uint64_t refused[QSPN_REFUSALS];
	uint64_t updates;		/* map updates that changed something */
};
const struct qspn_stats *qspn_stats(const struct qspn *q);

/*
 * Now held: bytes of all kinds, stored paths (hidden ones included), paths put aside (A27),
 * destinations (virtual ones too).
 */
struct qspn_size {
	size_t bytes;
	size_t paths;
	size_t spares;
	size_t destinations;
};
struct qspn_size qspn_size(const struct qspn *q);

/*
 * Checks what must hold between any two calls (tests, simulator, fuzzers): sorted and
 * complete indices, no dead path stored, no path through ourselves or through an unknown hop
 * (A15), exposed exactly the paths that may be seen (A9, A31), own fingerprints and counts those
 * of spec 4.16, counted references and limits.
 * True; or false with a sentence in WHY.
 */
bool qspn_invariant(const struct qspn *q, char *why, size_t why_size);

/*
 * Checks what must hold between the managers at the two ends of a link when nothing is under way
 * (tests, simulator): each path that HEARER remembers from its arc ITS_ARC is told by TELLER
 * over ARC as it is now, but for what is not significant; each destination that TELLER tells
 * of is known to HEARER, and at least one of these paths remembered (A27); TELLER's own g-node is
 * remembered as it is.  What A1 to A6, A15 and A25 to A27 are for: without one of them it need not
 * hold.  No limit may have been reached.
 * True; or false with a sentence in WHY.
 */
bool qspn_agree(const struct qspn *teller, uint32_t arc, const struct qspn *hearer,
    uint32_t its_arc, char *why, size_t why_size);

#ifdef __cplusplus
}
#endif

#endif
