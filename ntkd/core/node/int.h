/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_NODE_INT_H
#define NTKD_CORE_NODE_INT_H

/*
 * Inside of the assembly.  Who calls whom: system.c takes what comes from outside and, when it has been
 * dealt with, settle()s; modules' reports are carried out by on_nbh.c, on_ident.c and on_qspn.c, which never
 * call the module whose reports they carry out: that is put off as a task.
 */

#include "ntkd/core/node.h"
#include "ntkd/kernel/wanted.h"

enum {
	NAMESPACES = NODE_IDENTITIES + 1,	/* numbers 0 … 63; 0 is the main identity's */
	SECOND = 1000000,			/* µs */
	RETRY_FIRST = SECOND,			/* until a refused state is tried again … */
	RETRY_LAST = 60 * SECOND,		/* … twice as long each time, up to this */
	CALL_LIMIT = 15 * SECOND,		/* for the answer to a QSPN request */
	LATE = 256,			/* of those that are remembered */
};

#define NEVER UINT64_MAX

/* What the kernel has not answered yet, of identities whose facts come from state files or the configuration. */
enum change {
	CHANGE_NONE,
	CHANGE_MAKE,		/* the identity is new */
	CHANGE_REPLACE,		/* it has new facts; the former ones are in `before` */
	CHANGE_REMOVE,
};

/* What a namespace is for. */
enum place {
	PLACE_FREE,
	PLACE_IDENTITY,		/* an identity lives there */
	PLACE_MAKING,		/* one will: it is being made */
	PLACE_DROPPING,		/* one did: it is being removed */
};

/* What is known of a qspn-arc besides what QSPN and ident.h know. */
struct qarc {
	uint32_t number;	/* of the identity-arc, and for QSPN */
	uint32_t arc;
	bool in_qspn;		/* else closing: QSPN has forgotten it */
	bool known;		/* when closing: its peer was known */
	struct naddr peer;
};

struct operation;

/* A namespace, and the identity in it; at the number of the namespace. */
struct identity {
	enum place place;
	/* --- the identity, when PLACE_IDENTITY */
	bool main;
	bool loaded;
	bool before_loaded;
	unsigned index;
	uint32_t id;
	bool has_from;
	unsigned from;
	uint32_t file_ns;
	uint32_t before_file_ns;
	enum change change;
	bool change_asked;		/* the kernel was asked for it: not for what was wanted before */
	struct facts facts;
	struct facts before;
	struct qspn *qspn;
	uint64_t born;			/* µs */
	uint32_t shadow;		/* NodeID whose paths serve here until the duplication is complete, 0: none */
	bool virtual_level;		/* its address for the kernel has VIRTUAL_POS at LEVEL already */
	uint8_t level;
	uint32_t virtual_pos;
	bool leaving;			/* dismissed */
	bool doomed;			/* shall be dismissed as soon as its duplication is over */
	bool left;			/* by an entry: it goes alone, whatever it supports */
	bool completing;		/* its new namespace is being filled: then ident_ns_complete() */
	struct qarc *qarcs;		/* by number */
	size_t n_qarcs, qarcs_size;
	/* --- what the kernel is asked for */
	bool dirty;			/* facts may have changed since WANT was computed */
	bool asked;			/* a state was handed out and not answered */
	bool ready;			/* WANT waits to be handed out */
	uint64_t next_seq, asked_seq;	/* numbers of the state that waits and the one asked for, 0: none */
	struct kset want;
	struct kset last;		/* what was handed out last */
	uint64_t retry;			/* when a refused state is tried again */
	uint64_t patience;
};

struct route {
	uint32_t arc;
	unsigned dev;
	ntk_mac_t mac;
	ntk_ip_t peer;
	bool wanted;		/* the kernel has not answered */
	bool answered, ok;	/* it has, and the neighbourhood is about to hear it */
};

/* The operator's cost of a pair. */
struct wish {
	unsigned dev;
	ntk_mac_t mac;
	uint32_t cost;
};

struct operation {
	bool enter;
	unsigned identity;	/* index of the old one */
	uint32_t old, made;	/* NodeIDs */
	unsigned made_index;
	enum node_op_state state;
	bool complete;		/* step 4 of spec/manual-mode 5.3 is done */
	bool placed;		/* phase 2 is done, or there is none */
	bool waits;
	uint32_t number;
	uint32_t after;
	uint8_t guest, host;
	struct naddr address;	/* of the new identity, as long as it waits at the temporary position when it does */
	int32_t eld[TOPO_LEVELS];	/* its elderships, index is the level; those below guest are the old identity's */
	uint32_t position;	/* at level host - 1 */
	int32_t eldership;
	uint32_t connectivity;	/* position of the old identity at level guest */
	uint32_t *arcs;		/* numbers of identity-arcs */
	size_t n_arcs;
	uint64_t handover;	/* when the old identity goes, or its outer arcs; NEVER: not set */
};

/* A message that waits for its identity or arc. */
struct held {
	uint32_t arc;
	uint32_t call;
	uint32_t source, destination;
	uint8_t type;
	uint64_t until;
	uint8_t *bytes;		/* its body */
	size_t n;
};

/* An answer to a call of QSPN is awaited. */
struct question {
	uint64_t token;
	uint32_t id;		/* of the identity that asked */
	uint32_t number;	/* over which identity-arc */
	uint32_t call;		/* as QSPN calls it */
};

/* What must not be done while a module's reports are carried out. */
enum task_kind {
	TASK_ARC_REMOVE,	/* arc */
	TASK_IARC_REMOVE,	/* arc, id, other: the peer */
	TASK_DISMISS,		/* id */
	TASK_ROUTE,		/* arc: nbh_route_done() */
	TASK_COMPLETED,		/* ns: ident_ns_complete() */
};
struct task {
	enum task_kind kind;
	uint32_t arc;
	uint32_t id, other;
	unsigned ns;
};

/* Something for node_next(), with what keeps its message. */
struct outgoing {
	struct node_action a;
	uint64_t after;		/* states up to this number have been answered before */
	struct peer_msg *own;	/* free()d */
	struct qspn_msg *shared;
};

/* An identity-arc over which a request waited in vain: its neighbour has given it up, and perhaps it is back. */
struct late {
	uint32_t id, peer;
	unsigned dev;
	ntk_mac_t mac;		/* of the neighbour */
	uint64_t until;
};

struct node {
	const struct conf *conf;
	struct wanted_settings settings;
	struct rng rng;
	uint64_t now;
	uint64_t seq;			/* of states for the kernel */
	bool failed;

	struct nbh_params nbh_params;
	struct nbh *nbh;
	struct ident_params ident_params;
	struct ident *ident;
	struct qspn_params qspn_params;

	struct identity ids[NAMESPACES];
	size_t n;			/* identities */
	struct route *routes;
	size_t n_routes, routes_size;
	struct wish *wishes;
	size_t n_wishes, wishes_size;
	struct operation *ops;		/* oldest first */
	size_t n_ops, ops_size;
	struct held *held;		/* oldest first */
	size_t n_held, held_size;
	struct question *questions;
	size_t n_questions, questions_size;
	uint64_t tokens;
	struct task *tasks;
	size_t n_tasks, tasks_size;
	struct late *late;
	size_t n_late, late_size;
	struct outgoing *queue;		/* from FIRST on */
	size_t n_queue, queue_size, first;
	struct outgoing given;		/* by the last node_next() */
	bool has_dev[CONF_INTERFACES];	/* the default namespace has it, or shall */
	ntk_ip_t linklocal[CONF_INTERFACES];
};

#define TOPO(n) (&(n)->settings.map.topo)

/* --- system.c --------------------------------------------------------------------- */

void fail(struct node_error *err, const char *code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool fail_memory(struct node_error *err);

/* Room for one more element; NULL, and the node has failed, when memory is exhausted. */
void *more(struct node *n, void *v, size_t count, size_t *size, size_t element);

struct identity *identity_by_id(struct node *n, uint32_t id);
struct identity *identity_by_index(struct node *n, unsigned index);
unsigned identity_ns(const struct node *n, const struct identity *id);
unsigned next_by_index(const struct node *n, unsigned from);	/* a namespace; NAMESPACES: none */
void identity_end(struct node *n, unsigned ns);
void indices_print(const struct node *n, char *buf, size_t size);
bool manual_only(const struct node *n, struct node_error *err);

/* A link-local that nobody has, nor a neighbour in F. */
bool linklocal_draw(struct node *n, const struct facts *f, ntk_ip_t *out);

/* The identity INDEX for a verb that works on a live one; NULL with ERR. */
struct identity *identity_for_verb(struct node *n, unsigned index, struct node_error *err);

/* Carries out everything that what was done led to; at the end of every call from outside. */
void settle(struct node *n);
void task_add(struct node *n, struct task t);

/* --- load.c: identities from state files --------------------------------------------- */

void commit_or_undo(struct node *n, unsigned ns, bool ok);

/* --- want.c: from facts to states ------------------------------------------------------- */

void dirty(struct node *n, struct identity *id);
void dirty_all(struct node *n);
void want_numbers(struct node *n);		/* gives states that wait their numbers */
bool want_settled(const struct node *n, uint64_t seq);	/* states up to SEQ were answered */
uint64_t want_deadline(const struct node *n);

/* --- facts.c ------------------------------------------------------------------------------ */

bool facts_of(struct node *n, struct identity *id, struct facts *out);

/* --- queue.c: what goes out ------------------------------------------------------------------ */

struct outgoing *queue_add(struct node *n, enum node_action_kind kind);
struct node_event *story_add(struct node *n, enum node_event_kind kind);
/* on_ident.c, on_qspn.c: the same of an identity-arc, and of the address that ID's QSPN manager has now. */
void iarc_event(struct node *n, enum node_event_kind kind, const struct ident_iarc *a);
void address_event(struct node *n, const struct identity *id);
void queue_number(struct node *n, uint64_t seq);	/* what came since the last call waits for SEQ */
void queue_free(struct node *n);

/* --- on_nbh.c, on_ident.c, on_qspn.c: their reports -------------------------------------------------- */

void nbh_carry_out(struct node *n, struct nbh_out *out);
void route_done(struct node *n, uint32_t arc, struct nbh_out *out);
void ident_carry_out(struct node *n, struct ident_out *out);
/*
 * Namespace NS could not be made: true when that was with an interface that has gone since, and it shall be
 * made with those that are left.
 */
bool ns_make_again(struct node *n, unsigned ns);
void qspn_carry_out(struct node *n, struct identity *id, struct qspn_out *out);

struct qarc *qarc_find(struct identity *id, uint32_t number);
bool qarc_add(struct node *n, struct identity *id, uint32_t number, uint32_t arc);
void qarc_drop(struct identity *id, uint32_t number);

/* The cost of a qspn-arc over ARC, µs. */
uint64_t arc_cost(struct node *n, uint32_t arc);
void arc_cost_changed(struct node *n, uint32_t arc);

/* Makes the identity-arc a qspn-arc; false when QSPN refused it. */
bool qspn_begin_arc(struct node *n, struct identity *id, const struct ident_iarc *a);

/* A goes, or is gone: QSPN forgets it. */
void qspn_end_arc(struct node *n, struct identity *id, const struct ident_iarc *a);

/* --- deliver.c: messages ----------------------------------------------------------------------- */

bool held_offer(struct node *n);	/* those whose identity-arc has appeared; true when there were any */
void held_tick(struct node *n);
uint64_t held_deadline(const struct node *n);
void held_drop_arc(struct node *n, uint32_t arc);
void questions_drop(struct node *n, uint32_t id, uint32_t number);	/* NUMBER 0: all of ID */

/* Was a request to identity ID from PEER (0: anybody) at MAC refused lately, because nobody had added the arc? */
bool was_late(const struct node *n, uint32_t id, uint32_t peer, unsigned dev, ntk_mac_t mac);

/* --- duplicate.c, operation.c ------------------------------------------------------------------ */

struct operation *operation_find(struct node *n, unsigned index, uint32_t number);
struct operation *operation_of(struct node *n, uint32_t migration, uint32_t old);	/* running ones */
struct operation *operation_made(struct node *n, uint32_t made);
void operation_state(struct node *n, struct operation *op, enum node_op_state s, const char *why);
void operation_free(struct operation *op);
void operations_forget(struct node *n, uint32_t made);
void operations_sweep(struct node *n);
uint64_t operations_deadline(const struct node *n);
void operations_tick(struct node *n);

void duplicated(struct node *n, const struct ident_action *a);
void completed(struct node *n, const struct ident_action *a);
void given_up(struct node *n, const struct ident_action *a);
void presence(struct node *n, struct identity *id);
void bootstrapped(struct node *n, struct identity *id, bool timed_out);

/* Ends a connectivity identity: neighbours are told, its namespace goes (spec/daemon 12). */
void dismiss(struct node *n, struct identity *id);

/* remove_identity of one that no file made. */
bool remove_connectivity(struct node *n, unsigned index, struct node_error *err);

#endif
