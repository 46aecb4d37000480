/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_QSPNBED_H
#define NTK_TESTS_UNIT_QSPNBED_H

/*
 * A test bed: a few QSPN managers whose messages travel over links in virtual time.
 * A message takes half the cost of its link (spec/qspn 8).  After every call the
 * invariants of the manager are checked.
 *
 * Nodes have names of one character.  The identifier that x chose for its arc to y is shown as
 * "xy"; of parallel links the later ones as "xy'", "xy''".
 */

#include "ntkd/core/qspn/int.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	BED_NODES = 80,
	BED_LINKS = 400,
	BED_MAP = 16384,	/* bytes of a printed map or message */
};

struct bed_link {
	unsigned node[2];
	uint64_t cost;
	uint64_t last[2];	/* when the last message by side arrives: links keep the order */
	bool up;
};

struct bed_node {
	char name;
	struct qspn *q;		/* NULL: not there (any more) */
	/* What was signalled, since bed_forget(). */
	unsigned bootstrapped, timed_out, present, fingerprints, nodes_inside, removed;
	unsigned arcs_removed, bad_links;
	unsigned dest_added, dest_removed;
	unsigned paths_added, paths_changed, paths_removed;
	char events[4096];	/* "+(0,1) p(0,1)+1 f1 n1 …" in their order */
};

/* A message that was sent. */
struct bed_said {
	uint64_t when;
	unsigned from, to;
	enum qspn_action_kind kind;
	char *text;
};

struct bed {
	struct qspn_params p;
	uint64_t now;
	struct rng rng;
	struct bed_node node[BED_NODES];
	unsigned n_nodes;
	struct bed_link link[BED_LINKS];
	unsigned n_links;
	struct bed_event *event;	/* a heap by time and number */
	size_t n_events, events_size;
	uint64_t n_made;
	bool record;			/* texts of messages */
	struct bed_said *said;
	size_t n_said, said_size;
	uint64_t n_sent;		/* ETPs in notices */
	uint64_t drop;			/* the number of one to lose, from 1 on */
	bool checked;			/* invariants after every call; on at first */
	bool broken;			/* one did not hold; told by an assertion already */
	struct { uint32_t id; char name[8]; } arc_name[2 * BED_LINKS];
	unsigned n_names;
};

/* A world of topology TOPO ("4.4", highest level first), with profile R but for pacing. */
void bed_init(struct bed *b, const char *topo, uint64_t seed);
void bed_free(struct bed *b);

/* A node that is a network of its own at ADDRESS ("1.0"); ELD: elderships, level 0 first. */
unsigned bed_node(struct bed *b, char name, const char *address, uint64_t id, const int32_t *eld);

/* Elderships are the positions. */
unsigned bed_plain(struct bed *b, char name, const char *address);

/* Room for a node that is made later. */
unsigned bed_reserve(struct bed *b, char name);

/* A link and both its arcs; without its arcs; takes it away at both ends; other cost at both. */
unsigned bed_link(struct bed *b, unsigned x, unsigned y, uint64_t cost);
unsigned bed_wire(struct bed *b, unsigned x, unsigned y, uint64_t cost);
void bed_arc_add(struct bed *b, unsigned link, unsigned node);
void bed_arc_remove(struct bed *b, unsigned link, unsigned node);
void bed_cut(struct bed *b, unsigned link);
void bed_cost(struct bed *b, unsigned link, uint64_t cost);
uint32_t bed_arc(const struct bed *b, unsigned link, unsigned node);

/* The node ends; its links stay without it. */
void bed_kill(struct bed *b, unsigned node);

/*
 * Node N (reserved) is made from PREV.  Internal links come in pairs: new link, old link,
 * the neighbour's new address follows from its old one.
 */
struct bed_entry {
	const char *address;
	const int32_t *eld;
	unsigned guest, host;
	const unsigned (*internal)[2];
	const char *const *internal_peer;
	size_t n_internal;
	const unsigned *external;
	size_t n_external;
};
void bed_enter(struct bed *b, unsigned n, unsigned prev, const struct bed_entry *e);

/* Runs for so long; until all is quiet, for at most 2000 s (false: it never was). */
void bed_run(struct bed *b, uint64_t us);
bool bed_settle(struct bed *b);

/* At rest: neighbours agree over all links that are up (qspn_agree()); else it is noted. */
bool bed_agree(const struct bed *b);

/* Takes what a direct call of N's manager wants done: for calls that the bed does not make. */
struct qspn_out *bed_out(struct bed *b);
void bed_done(struct bed *b, unsigned n);

/* Forgets signals and messages. */
void bed_forget(struct bed *b);

/*
 * The map of N: one line per destination, "(0,1): (0,2)(0,1) / 13,32 / 6000; …"; a
 * hidden path has a "*".  Valid until the next such call.
 */
const char *bed_map(struct bed *b, unsigned n);

/* One line of it: the paths of destination AT, "" when it is not known. */
const char *bed_paths(struct bed *b, unsigned n, unsigned level, uint32_t pos);

/* "1,2,4,5": own counts from level 0 on; "3,2,2,1": ids of own fingerprints. */
const char *bed_nodes(struct bed *b, unsigned n);
const char *bed_ids(struct bed *b, unsigned n);

/* The ETP of M as text. */
void bed_etp_print(struct bed *b, const struct peer_msg *m, char *buf, size_t size);

/* An ETP written by hand: valid, until a test changes what it points to. */
enum { BED_PATHS = 24, BED_HOPS = 16 };
struct bed_etp {
	struct peer_msg msg;
	struct peer_etp *m;		/* in it */
	uint8_t gexp[TOPO_LEVELS];
	uint32_t pos[TOPO_LEVELS];
	struct peer_fp fps[TOPO_LEVELS + 1];
	int32_t eld[TOPO_LEVELS + 1][TOPO_LEVELS], seed[TOPO_LEVELS + 1][TOPO_LEVELS];
	uint32_t nodes[TOPO_LEVELS + 1];
	struct peer_hop own_hops[BED_HOPS];
	struct peer_fp reports[BED_PATHS];
	struct peer_path paths[BED_PATHS];
	int32_t report_eld[BED_PATHS][TOPO_LEVELS], report_seed[BED_PATHS][TOPO_LEVELS];
	struct peer_hop hops[BED_PATHS][BED_HOPS];
	uint32_t arcs[BED_PATHS][BED_HOPS];
};

/* From the node with level-0 fingerprint ID at ADDRESS, alone in its g-nodes; elderships all 1. */
void bed_etp(const struct bed *b, struct bed_etp *e, const char *address, uint64_t id, bool full,
    uint64_t seq);

/*
 * Adds a path: HOPS "0.2 1.2" (level.position), ARCS "5 6", cost (COST_DEAD for a dead one),
 * id of the fingerprint, whose seeds are SEED, nodes; nothing is to be ignored but what must be.
 */
struct peer_path *bed_etp_path(const struct bed *b, struct bed_etp *e, const char *hops,
    const char *arcs, uint64_t cost, uint64_t fp, int32_t seed, uint32_t nodes);

/* N receives it over ARC. */
void bed_receive(struct bed *b, unsigned n, uint32_t arc, const struct bed_etp *e);

/* The Ith recorded message from X to Y of KIND, "" when there is none. */
const char *bed_said(struct bed *b, unsigned x, unsigned y, enum qspn_action_kind kind, unsigned i);

#ifdef __cplusplus
}
#endif

#endif
