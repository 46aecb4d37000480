/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_WORLD_H
#define NTK_SIM_WORLD_H

/*
 * A simulated world: nodes, each with the daemon's own QSPN manager, over invented links, in
 * virtual time.  Equal settings, graph and calls give the same course of events, to the
 * byte (world_hash()).
 *
 * A link is what one connection per arc gives (spec/neighborhood 19.6): messages of one
 * direction arrive in order, late when the network lost one and it had to be sent again.
 * Faults of the simulator go further than TCP would let them, to try the protocol:
 * notices that vanish, messages that come twice, overtake each other or have bytes changed.
 * A message that cannot be read ends the connection; both ends lose the arc and
 * get a new one WORLD_RECONNECT later, as long as the link is up.
 */

#include "common/topo.h"
#include "ntkd/core/qspn/qspn.h"
#include "sim/graph.h"
#include "sim/heap.h"

#ifdef __cplusplus
extern "C" {
#endif

struct world_event;	/* world.c */
struct world_bytes;

enum {
	WORLD_RESEND = 200000,		/* µs until a lost segment is sent again; doubles */
	WORLD_SILENCE = 3500000,	/* µs of hearing nothing end a connection (spec/neighborhood 19.7) */
	WORLD_RECONNECT = 1000000,	/* µs from the end of a connection to the next */
	WORLD_PER_CENT = 1000000,	/* probabilities are in millionths */
};

/* What links do to messages; probabilities in millionths. */
struct world_faults {
	uint32_t loss;		/* of a segment: it comes later */
	uint32_t vanish;	/* of a notice, for good */
	uint32_t twice;
	uint32_t overtake;	/* a message is held back, and later ones pass it */
	uint32_t corrupt;	/* a byte is changed */
};

struct world_settings {
	struct qspn_params params;
	uint64_t seed;
	uint64_t latency;	/* µs, one way */
	uint64_t jitter;	/* µs: added to each message, uniform from 0 */
	uint64_t cost_low;	/* µs: costs of links are drawn from here … */
	uint64_t cost_high;	/* … to here, each link the same both ways; 0: 2 * latency + 0 … 999 */
	struct world_faults faults;
};

enum world_node_state {
	WORLD_NODE_UP,
	WORLD_NODE_DEAD,
	WORLD_NODE_FROZEN,	/* hears and does nothing, loses nothing */
};

/* One end of a link, as its node knows it. */
struct world_end {
	uint32_t link;
	uint32_t node;		/* at the other end */
	uint32_t arc;		/* its number for the manager; 0: there is no arc */
	uint32_t connection;	/* of the link, for which the arc stands */
};

struct world_node {
	struct naddr address;
	struct fingerprint fp0;
	struct qspn *qspn;		/* NULL when dead */
	struct rng rng;			/* each node draws from its own */
	enum world_node_state state;
	bool busy;			/* its manager is not quiet */
	uint64_t armed;			/* time of the tick in the heap that counts; UINT64_MAX: none */
	uint32_t arcs_made;
	struct world_end *ends;
	uint32_t n_ends;
	struct world_event *held;	/* what came while it was frozen, oldest first */
	struct world_event **held_end;
};

struct world_link {
	uint32_t node[2];
	uint32_t end[2];	/* index in the node's ends */
	uint64_t cost;		/* µs */
	uint64_t latency;	/* µs */
	uint64_t last[2];	/* when the last message from node[i] arrives */
	uint32_t connection;	/* number of the present one; of former ones messages are lost */
	bool up;
	bool connected;		/* both ends have an arc */
};

/* What messages consist of. */
enum world_part {
	WORLD_HEADS,		/* frames, numbers, the sender's address and its own g-nodes */
	WORLD_PATHS,		/* told in whole */
	WORLD_REPORTS,		/* fingerprints that these refer to */
	WORLD_MARKS,		/* what is told of paths by their marks */
	WORLD_PARTS,
};

struct world_count {
	uint64_t messages;	/* sent, of all kinds */
	uint64_t bytes;		/* frames included */
	uint64_t part[WORLD_PARTS];	/* of these bytes */
	uint64_t bytes_full;	/* of these: full ETPs and requests of them */
	uint64_t etps;
	uint64_t vanished, resent, twice, overtaken, corrupted;
	uint64_t lost;		/* connections ended because of losses */
	uint64_t unreadable;	/* connections ended by what could not be read */
	uint64_t given_up;	/* arcs that a manager gave up */
	uint64_t events;	/* taken from the heap */
};

struct world;

/* Told of everything a manager reports (QSPN_SPLIT, …), after the world has acted on it. */
typedef void world_watch(struct world *w, uint32_t node, const struct qspn_action *a, void *arg);

/*
 * A lying node: called with each message that NODE is about to send to TO, decoded, before it is
 * written.  The hook may change *M, with lists in memory that stays valid until it is called
 * again; the world encodes what it leaves, which must be within the bounds of the message table.
 * False: the message is not sent at all.
 */
typedef bool world_tamper(struct world *w, uint32_t node, uint32_t to, struct peer_msg *m,
    void *arg);

struct world {
	struct world_settings settings;
	struct rng rng;			/* of links and faults */
	uint64_t now;			/* µs */
	uint64_t still_since;		/* µs: when a message last arrived, or a connection came or went */
	struct world_node *nodes;
	uint32_t n_nodes;
	struct world_link *links;
	uint32_t n_links;
	struct heap heap;
	uint64_t under_way;		/* messages and planned connections */
	uint32_t n_busy;		/* nodes */
	uint32_t last;			/* node whose manager was called last */
	struct world_count count;
	uint64_t hash;
	uint8_t *told;			/* of each node: it processed a message since it was last cleared */
	world_watch *watch;
	void *watch_arg;
	world_tamper *tamper;
	void *tamper_arg;
	bool failed;			/* memory ran out */
	struct qspn_out out;
	struct qspn_msg *last_msg;	/* the message written last, and its bytes: */
	struct world_bytes *last_bytes;	/* one message goes to many */
	struct msg_arena arena;		/* for the message being read */
};

/*
 * A world of the nodes of G at ADDRESS (G->n of them), all started and all linked at time 0;
 * elderships are positions (spec/qspn 3.2).  GIVEN, when not NULL, has the cost of each link of
 * G, and its latency where that is not 0.  S is copied.  NULL: memory is exhausted.
 */
struct world_given {
	uint64_t cost;		/* µs */
	uint64_t latency;	/* µs */
};
struct world *world_new(const struct world_settings *s, const struct graph *g,
    const struct naddr *address, const struct world_given *given);
void world_free(struct world *w);

/* --- what may happen to it, now ---------------------------------------------------- */

void world_link_down(struct world *w, uint32_t link);	/* both ends notice at once (carrier) */
void world_link_up(struct world *w, uint32_t link);
void world_link_cost(struct world *w, uint32_t link, uint64_t cost);
void world_node_die(struct world *w, uint32_t node);	/* its links go down with it */
void world_node_return(struct world *w, uint32_t node);	/* without memory of its former life */
void world_node_freeze(struct world *w, uint32_t node);
void world_node_thaw(struct world *w, uint32_t node);

/*
 * NODE sends the LEN bytes at BODY to the neighbour at end END of its links, as a message of
 * TYPE and KIND (enum peer_kind), with the number CALL where the kind has one.  Nothing happens
 * without a connection.
 */
void world_say(struct world *w, uint32_t node, uint32_t end, uint8_t kind, uint8_t type,
    uint32_t call, const uint8_t *body, size_t len);

/*
 * What the manager of NODE asked for, in a call that was given &w->out as its list of actions, is
 * done.  For calls that the world itself does not make.
 */
void world_acted(struct world *w, uint32_t node);

/* --- time -------------------------------------------------------------------------- */

/* Does what is due soonest; false when nothing ever will be. */
bool world_step(struct world *w);

/* Runs to time UNTIL, µs; things due at that time are done. */
void world_run(struct world *w, uint64_t until);

/*
 * Rest: no message under way, no connection planned, every manager quiet, so that
 * only periodic things are to come.  The last thing that managers wait for is often a suspicion
 * (10 s until two fingerprints of a g-node count as a split, spec/qspn 4.15), long after the last
 * message; it is waited for here, so that a wrong one shows, but since when the tables
 * are what they are is told by still_since.  Runs until rest, at most for LIMIT µs; false when that
 * did not suffice.  STEP, when not NULL, is called after every event and stops the run by false.
 */
bool world_is_at_rest(const struct world *w);
typedef bool world_stepped(struct world *w, void *arg);
bool world_rest(struct world *w, uint64_t limit, world_stepped *step, void *arg);

/* Of all events so far: what happened, where, when and with which bytes. */
uint64_t world_hash(const struct world *w);

#ifdef __cplusplus
}
#endif

#endif
