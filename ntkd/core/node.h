/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_NODE_H
#define NTKD_CORE_NODE_H

/*
 * One system: the daemon's assembly of the modules (spec/daemon, spec/manual-mode), and what
 * each of its identities wants of the kernel.
 *
 * The neighbourhood (nbh.h) tells of arcs, the identities module (ident.h) of identities and
 * identity-arcs, one QSPN manager per identity of paths; here their reports become calls of
 * each other, facts (facts.h), wanted states, messages and answers to the operator.
 *
 * No I/O: the time is an argument (µs on a monotonic clock, never going back), randomness
 * comes from the generator handed over at creation.  Same inputs, same outputs, byte for byte.
 *
 * After every call the caller takes, until there is nothing more:
 *   node_next_want()	states for the kernel, each answered by node_kernel_done(), and
 *   node_next()	what goes to the network, in this order;
 * and calls node_tick() when the time of node_deadline() has come.
 *
 * Messages follow the kernel (spec/kernel-state 8.7): what one call makes the system say is given out by
 * node_next() when the states that the same call led to have been answered.  Hellos do not wait.
 */

#include "common/conf.h"
#include "common/rng.h"
#include "ntkd/core/ident/ident.h"
#include "ntkd/core/nbh/nbh.h"
#include "ntkd/core/qspn/qspn.h"
#include "ntkd/kernel/facts.h"
#include "ntkd/kernel/kset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct node;

enum {
	NODE_IDENTITIES = 63,
	NODE_OPERATIONS = 256,		/* records kept: the oldest ended one goes for a new one */
	NODE_HELD = 64,			/* messages of one arc that wait for what they are for (spec/neighborhood 19.6) */
	NODE_HELD_BYTES = 256 * 1024,	/* memory of those; the oldest is answered "not accepted" */
	NODE_HELD_TIME = 10000000,	/* µs that a message waits (spec/daemon 6.3) */
	NODE_LATE_TIME = 60000000,	/* µs for which too_late is remembered (spec/manual-mode 6) */
};

/* --- life -------------------------------------------------------------------- */

/*
 * A system of configuration C, which must outlive it, with one main identity:
 * at the configured address or a random one, link-locals drawn for each interface.
 * RNG is copied.  NULL when memory is exhausted.
 */
struct node *node_new(const struct conf *c, const struct rng *rng, uint64_t now);
void node_free(struct node *n);

/* True when memory ran out in the middle of something: the system must be made anew. */
bool node_failed(const struct node *n);

uint64_t node_deadline(const struct node *n);
void node_tick(struct node *n, uint64_t now);

/*
 * The daemon stops: neighbours are told.  What node_next() gives out afterwards shall be sent;
 * states of the kernel need not be waited for.
 */
void node_stop(struct node *n, uint64_t now);

/* --- what goes out --------------------------------------------------------------- */

enum node_action_kind {
	NODE_LISTEN,		/* sockets of DEV at ADDRESS shall be opened: node_listening() */
	NODE_UNLISTEN,		/* and closed, with all their connections; no node_closed() */
	NODE_HELLO,		/* MSG as a datagram by DEV, from ADDRESS */
	NODE_KNOW,		/* PEER is a neighbour behind DEV (KNOWN), or is none any more */
	NODE_CONNECT,		/* CONNECTION by DEV, ADDRESS to PEER: node_connected() or node_closed() */
	NODE_CONFIRM,		/* both ends agreed; unacknowledged for SILENCE µs it has failed */
	NODE_HOLD,		/* nothing of it shall be delivered, or (HOLD false) again */
	NODE_NOTICE,		/* MSG over CONNECTION from identity SOURCE to DESTINATION, 0: whole node */
	NODE_CALL,		/* likewise; TOKEN, LIMIT (µs): node_answered() */
	NODE_RESULT,		/* MSG answers CALL of the other end */
	NODE_ERROR,		/* ERROR (enum peer_error) does */
	NODE_WAIT,		/* asks for patience */
	NODE_CLOSE,		/* what was sent goes out, then CONNECTION is closed */
	NODE_EVENT,		/* something that people want to know of: node_event */
};

enum node_event_kind {
	NODE_E_ARC,		/* an arc is up; dev, mac, peer */
	NODE_E_ARC_REMOVED,	/* text: why */
	NODE_E_IDENTITY,	/* identity was made, from other */
	NODE_E_IDENTITY_REMOVED,	/* it is dismissed: its neighbours are told */
	NODE_E_NAMESPACE,	/* for identity, which will move there: number is that for kernel.h */
	NODE_E_GONE,		/* identity, with its namespace */
	NODE_E_ADDRESS,		/* identity has another one: text */
	NODE_E_HANDED_OVER,	/* identity has the namespace that it inherited for itself; text */
	NODE_E_OUTER,		/* identity has given up number arcs that lead out of what it keeps together */
	NODE_E_IARC,		/* identity-arc number of identity; dev, mac, peer */
	NODE_E_IARC_CHANGED,
	NODE_E_IARC_REMOVED,
	NODE_E_QARC,		/* paths are exchanged over that identity-arc from now on */
	NODE_E_QARC_REMOVED,	/* and no more */
	NODE_E_PRESENT,		/* identity is known to the network it entered */
	NODE_E_BOOTSTRAPPED,
	NODE_E_OPERATION,	/* operation of identity; text: its new state, or what went wrong */
	NODE_E_SPLIT,		/* identity; text */
	NODE_E_KERNEL,		/* identity: its state was refused, and is tried again */
	NODE_E_LINKLOCAL,	/* dev has another link-local now: a conflict */
	NODE_E_REFUSED,		/* dev: number times; text: what of neighbours was refused */
	NODE_EVENTS,
};
const char *node_event_name(enum node_event_kind k);	/* "arc", "operation", …; static */

struct node_event {
	enum node_event_kind kind;
	unsigned identity;	/* index */
	unsigned other;
	uint64_t number;	/* of an identity-arc, an operation; a count */
	unsigned dev;
	ntk_mac_t mac;		/* of the neighbour */
	ntk_ip_t peer;		/* its link-local */
	char text[160];
};

struct node_action {
	enum node_action_kind kind;
	unsigned dev;
	ntk_ip_t address;
	ntk_ip_t peer;
	bool known;
	bool hold;
	uint32_t connection;
	uint64_t silence;
	uint32_t call;
	uint32_t source, destination;
	uint64_t token;
	uint64_t limit;
	uint8_t error;
	const struct peer_msg *msg;	/* valid until the next node_next() */
	struct node_event event;
};

/* The next thing to do; false when there is none now. */
bool node_next(struct node *n, struct node_action *out);

/* --- from the network ------------------------------------------------------------- */

/* DEV, an index of the configuration, is there and up, with MAC; see nbh_nic_up(), nbh_carrier(). */
void node_nic_up(struct node *n, uint64_t now, unsigned dev, ntk_mac_t mac);
void node_carrier(struct node *n, uint64_t now, unsigned dev, bool up);
/* It is gone, or was never there: before the first state is asked for, every DEV is counted on. */
void node_nic_gone(struct node *n, uint64_t now, unsigned dev);

/* How NODE_LISTEN ended. */
void node_listening(struct node *n, uint64_t now, unsigned dev, ntk_ip_t address, bool ok);

/* A hello from SOURCE. M stays the caller's; what is no hello is ignored. */
void node_datagram(struct node *n, uint64_t now, unsigned dev, ntk_ip_t source,
    const struct peer_msg *m);

/* As nbh_accepted(): 0 when the connection is not wanted. */
uint32_t node_accepted(struct node *n, uint64_t now, unsigned dev, ntk_ip_t peer);
void node_connected(struct node *n, uint64_t now, uint32_t connection);
void node_closed(struct node *n, uint64_t now, uint32_t connection);

/* A notice (CALL 0) or a call came.  M stays the caller's. */
void node_message(struct node *n, uint64_t now, uint32_t connection, uint32_t call,
    uint32_t source, uint32_t destination, const struct peer_msg *m);

enum node_outcome {
	NODE_ANSWERED,		/* M is the result */
	NODE_REFUSED,		/* ERROR */
	NODE_UNANSWERED,	/* not in time */
	NODE_PATIENCE,		/* the other end needs longer; another answer follows */
};

/* How the call TOKEN, of TYPE, over CONNECTION ended. */
void node_answered(struct node *n, uint64_t now, uint32_t connection, uint64_t token,
    uint8_t type, enum node_outcome outcome, uint8_t error, const struct peer_msg *m);

/* --- to and from the kernel ----------------------------------------------------------- */

/*
 * The next namespace whose wanted state changed: false when there is none.  OUT is
 * empty before; an empty set afterwards means that the namespace shall go.
 */
bool node_next_want(struct node *n, unsigned *ns, struct kset *out, uint32_t *label);

/*
 * The state that node_next_want() gave for NS is in the kernel, or was refused.  MAC: what the kernel
 * gave the (pseudo-)interfaces of NS, CONF_INTERFACES of them, zeroes where there is none.
 */
void node_kernel_done(struct node *n, uint64_t now, unsigned ns, bool ok, const ntk_mac_t *mac);

/* --- identities ------------------------------------------------------------------------ */

enum node_state {
	NODE_STARTING,		/* its kernel state was asked for */
	NODE_BOOTSTRAP,		/* it enters a network and does not know it yet */
	NODE_RUNNING,
	NODE_LEAVING,		/* its namespace is being removed */
};

/* What may be shown of an identity.  FACTS and QSPN are valid until the next call that changes the node. */
struct node_identity {
	unsigned index;		/* never used again */
	uint32_t id;		/* NodeID, random, not 0 */
	bool main;
	bool loaded;		/* its facts came from a state file */
	bool has_from;
	unsigned from;		/* index of the identity it was duplicated from */
	unsigned ns;		/* number for kernel.h: 0 for the main one */
	uint32_t file_ns;	/* the number the state file gave, 0 for the main one */
	enum node_state state;
	const struct facts *facts;
	const struct qspn *qspn;	/* NULL: loaded, being made or leaving */
};

size_t node_identities(const struct node *n);			/* how many */
struct node_identity node_identity(const struct node *n, size_t i);	/* the i-th, by index */
bool node_find(const struct node *n, unsigned index, struct node_identity *out);

/* The identity whose namespace has number NS for kernel.h; false when there is none. */
bool node_find_ns(const struct node *n, unsigned ns, struct node_identity *out);

/* An identity-arc, for those who show it. */
struct node_iarc {
	uint32_t index;		/* within its identity (spec/manual-mode 2) */
	uint32_t peer;		/* NodeID */
	uint32_t arc;		/* of nbh.h, over which it is; 0: from a state file */
	unsigned dev;
	ntk_mac_t peer_mac;
	ntk_ip_t peer_linklocal;
	bool qspn;
	bool known;		/* PEER_ADDRESS is */
	bool closing;
	struct naddr peer_address;
	uint64_t cost;		/* µs, of a qspn-arc */
};

/* Those of identity INDEX, by index: fills up to SIZE of V, returns how many there are. */
size_t node_iarcs(const struct node *n, unsigned index, struct node_iarc *v, size_t size);

const struct nbh *node_nbh(const struct node *n);
const struct ident *node_ident(const struct node *n);

/* --- verbs (spec/manual-mode) ----------------------------------------------------------- */

/* Codes of spec/manual-mode 3, "" when all is well. */
struct node_error {
	const char *code;	/* static: "mode", "unknown_identity", "wrong_address", … */
	char field[48];
	char message[240];
};

/*
 * Verbs return true when they were accepted; false with ERR, and nothing has changed.
 */

/*
 * load_state: takes the contents of F (its own link-locals are ignored: ours are
 * used).  FILE_NS tells loaded identities apart.  With F->main the main identity's
 * facts are replaced, else an identity is made in a new namespace, or replaced if one
 * loaded with the same FILE_NS exists.  Committed when the kernel has answered; undone when it refused.
 */
bool node_load(struct node *n, struct facts *f, uint32_t file_ns, unsigned *index, struct node_error *err);

/* remove_identity: a loaded identity, or a connectivity identity (spec/manual-mode 7). */
bool node_remove(struct node *n, uint64_t now, unsigned index, struct node_error *err);

/* Section 4.  NOTED: add_real_arc() of a pair that was accepted already. */
bool node_add_real_arc(struct node *n, uint64_t now, ntk_mac_t mac, ntk_mac_t peer, uint32_t cost,
    bool *noted, struct node_error *err);
bool node_change_real_arc(struct node *n, uint64_t now, ntk_mac_t mac, ntk_mac_t peer, uint32_t cost,
    struct node_error *err);
bool node_remove_real_arc(struct node *n, uint64_t now, ntk_mac_t mac, ntk_mac_t peer,
    struct node_error *err);

/* An accepted pair; COST as the operator gave it, µs. */
struct node_real_arc {
	unsigned dev;
	ntk_mac_t peer_mac;
	uint32_t cost;
	bool up;
	ntk_ip_t peer_linklocal;	/* 0 while it is not heard */
};
size_t node_real_arcs(const struct node *n, struct node_real_arc *v, size_t size);

/* Section 5.1; lists are from the highest level down, as they are written. */
struct node_plan {
	bool enter;		/* else a migration */
	unsigned identity;
	uint32_t guest_level;
	uint32_t host_level;
	uint32_t host_address[TOPO_LEVELS];
	size_t n_host_address;
	uint32_t host_elderships[TOPO_LEVELS];
	size_t n_host_elderships;
	uint32_t temporary_position, temporary_eldership;
	uint32_t position, eldership;
	uint32_t connectivity_position, connectivity_eldership;
	const uint32_t *arcs;	/* indices of identity-arcs; the caller's */
	size_t n_arcs;
	uint32_t operation;
	bool waits;		/* AFTER is one */
	uint32_t after;
};
bool node_prepare(struct node *n, uint64_t now, const struct node_plan *p, struct node_error *err);

/*
 * Phase 1 (5.3): accepted when true; its answer is ready when the kernel has made the namespace: the
 * operation's state is then NODE_OP_RUNNING with new_index, or it is gone.
 */
bool node_phase_1(struct node *n, uint64_t now, bool enter, unsigned identity, uint32_t operation,
    struct node_error *err);
bool node_phase_2(struct node *n, uint64_t now, bool enter, unsigned identity, uint32_t operation,
    struct node_error *err);

enum node_op_state {
	NODE_OP_PREPARED,
	NODE_OP_MAKING,		/* phase 1: its namespace is being made */
	NODE_OP_RUNNING,
	NODE_OP_WAITING,	/* present at its temporary position: for phase 2 */
	NODE_OP_DONE,
	NODE_OP_FAILED,
	NODE_OP_STATES,
};
const char *node_op_state_name(enum node_op_state s);

struct node_operation {
	bool enter;
	unsigned identity;
	uint32_t operation;
	enum node_op_state state;
	bool waits;
	uint32_t after;
	bool has_new;
	unsigned new_identity;
};
size_t node_operations(const struct node *n, struct node_operation *v, size_t size);
bool node_operation(const struct node *n, unsigned identity, uint32_t operation, struct node_operation *out);

/* Section 6. */
bool node_add_qspn_arc(struct node *n, uint64_t now, unsigned identity, unsigned dev, ntk_mac_t peer,
    struct node_error *err);

/* Section 7.  HAS_LEVEL: the range with from = LEVEL, else the smallest. */
bool node_remove_outer_arcs(struct node *n, uint64_t now, unsigned identity, size_t *removed,
    struct node_error *err);
bool node_check_connectivity(struct node *n, unsigned identity, bool has_level, unsigned level,
    bool *removable, struct node_error *err);

/* Checks what must hold between any two calls; true, or false with a sentence in WHY. */
bool node_invariant(const struct node *n, char *why, size_t why_size);

#ifdef __cplusplus
}
#endif

#endif
