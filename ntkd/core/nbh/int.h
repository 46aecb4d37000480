/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_NBH_INT_H
#define NTKD_CORE_NBH_INT_H

/*
 * What the files of the neighbourhood share: the state of an object, and what each file does
 * for the others.  A public function stores time and list of actions in the object
 * (nb_begin()), so that those below need not hand them on; nb_end() carries out what was
 * put off: decisions about who is wanted, and hellos.
 */

#include "ntkd/core/nbh/nbh.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NEVER UINT64_MAX
#define MS UINT64_C(1000)	/* µs */
#define SECOND (1000 * MS)

enum {
	STAMPS = 4,		/* timestamps of ours that may be echoed (spec 19.3) */
	NODE_ENTRIES = NBH_DEVS,	/* of one node on one interface: it has no more of its own */
	PEER_CONNECTIONS = 2,	/* from one address, without an OPEN yet */
	DRAWS = 100,		/* of an address, before we wait */
	FLAPS = 5,		/* short lives of an arc in a row, before the one that follows waits, too */
	DEAF = 10,		/* spans of silence that an arc outlives without any hello */
	RIVALS = 4,		/* on one interface, who are told that they have a neighbour's address */
};

struct connection;

struct entry {
	uint32_t number;
	unsigned dev;
	ntk_mac_t mac;
	uint32_t node;
	ntk_ip_t address;
	enum nbh_state state;
	uint32_t interval;	/* ms, the neighbour's */
	uint64_t heard;		/* its last hello */
	uint64_t listed;	/* the last one that lists us */
	uint64_t alive;		/* its last ALIVE */
	uint64_t asked;		/* our last one */
	bool peer_wants;	/* as that one said */
	bool orphan;		/* its connection broke: the next hello may show another node id */
	bool urgent;		/* goes into the next hello out of turn */
	uint32_t stamp;		/* of its last hello, as received */
	uint32_t stamp_at;	/* our clock then */
	uint32_t used[STAMPS];	/* stamps of hellos that gave a round-trip time, the last ones */
	uint8_t n_used;
	struct nbh_cost cost;
	uint64_t wanted;	/* since when, or since the arc was lost */
	uint64_t aside;		/* until when the pair is put aside */
	uint64_t barred;	/* the kernel refused its route: not wanted before, in any mode */
	uint64_t retry;		/* we do not connect before */
	uint8_t failures;	/* in a row */
	uint32_t arc;		/* 0 before AGREED */
	struct connection *connection;	/* NULL before OPENING */
	uint64_t up;		/* since when */
	uint64_t quiet;		/* no NBH_ARC_CHANGED before */
	uint64_t shared;	/* until when another interface counts as having its address, too */
};

/* An interface that has a neighbour's address, and is none for that reason. */
struct rival {
	uint32_t node;
	ntk_mac_t mac;
	uint64_t until;
};

struct connection {
	uint32_t number;
	unsigned dev;
	ntk_ip_t peer;
	bool ours;		/* we connect */
	bool connected;
	uint32_t call;		/* of the OPEN that we have to answer, 0 when it is answered */
	struct entry *entry;	/* NULL: accepted, and no OPEN yet */
	uint64_t deadline;	/* of what is awaited, NEVER */
};

/* What waits to be told of a refusal. */
struct refused {
	uint64_t count;
	uint64_t quiet;		/* not told before */
	uint32_t node;
	ntk_mac_t mac;
	ntk_ip_t peer;
};

struct nic {
	bool managed;
	bool ready;		/* the kernel has the address */
	bool carrier;
	char name[NBH_NAME];
	ntk_mac_t mac;
	ntk_ip_t address;	/* 0: none could be drawn yet */
	uint64_t draw;		/* when to draw one, NEVER */
	uint64_t hold;		/* no change because of a conflict before */
	uint32_t claim_node;	/* who says to have our address */
	uint64_t claim, claim_last;	/* since when, and when last */
	uint64_t hello;		/* when the next one is due, NEVER */
	uint64_t extra;		/* one out of turn, NEVER */
	uint64_t extra_last;	/* the next one not before that and params.extra */
	uint32_t stamps[STAMPS];	/* of our last hellos, newest first */
	uint8_t n_stamps;
	struct entry **v;	/* by MAC */
	size_t n, size;
	struct rival rival[RIVALS];
	struct refused refused[NBH_REFUSALS];
};

struct wish {
	unsigned dev;
	ntk_mac_t mac;
};

struct nbh {
	const struct nbh_params *p;
	struct rng rng;
	uint32_t node;
	uint32_t clock;		/* what our timestamps are ahead of the time */
	uint64_t now;		/* of this call */
	struct nbh_out *out;
	struct nbh_action lost;	/* where actions go for which there is no memory */
	bool failed;
	bool room;		/* max_arcs was reached, and one has become free */
	struct nic nic[NBH_DEVS];
	struct connection **connection;	/* by number */
	size_t n_connections, connections_size;
	struct wish *wish;	/* by dev and MAC */
	size_t n_wishes, wishes_size;
	size_t wanted;		/* entries from WANTED on */
	uint32_t last_entry, last_arc, last_connection;
	struct nbh_stats stats;
};

/* nbh.c */
bool nb_begin(struct nbh *n, uint64_t now, struct nbh_out *out);	/* false: it has failed */
void nb_end(struct nbh *n);
void nb_fail(struct nbh *n);		/* memory is exhausted */
uint32_t nb_clock(const struct nbh *n);
static inline bool
nic_active(const struct nic *c)
{
	return c->managed && c->ready && c->carrier;
}
static inline uint64_t
silence(const struct entry *e)
{
	return (uint64_t)e->interval * 3500;
}
static inline bool
we_lead(const struct nbh *n, const struct entry *e)
{
	return n->node < e->node;
}

/* actions.c: an action to be filled in; never NULL, but lost when memory is exhausted. */
struct nbh_action *nb_act(struct nbh *n, enum nbh_action_kind kind);
struct nbh_action *nb_act_entry(struct nbh *n, enum nbh_action_kind kind, const struct entry *e);
struct nbh_action *nb_act_connection(struct nbh *n, enum nbh_action_kind kind,
    const struct connection *c);
/* A message of TYPE with room for COUNT elements of SIZE bytes behind it; NULL: failed. */
struct peer_msg *nb_message(struct nbh *n, uint8_t type, size_t count, size_t size,
    void **elements);

/* refuse.c; MAC may be NULL, NODE and PEER 0. */
void nb_refuse(struct nbh *n, unsigned dev, enum nbh_refusal r, uint32_t node,
    const ntk_mac_t *mac, ntk_ip_t peer);
void nb_refuse_entry(struct nbh *n, const struct entry *e, enum nbh_refusal r);
void nb_refuse_tick(struct nbh *n, unsigned dev);
uint64_t nb_refuse_deadline(const struct nic *c);

/* nic.c */
void nic_start(struct nbh *n, unsigned dev, ntk_ip_t address);	/* draws one when it is 0 */
void nic_leave(struct nbh *n, unsigned dev, bool usable, enum nbh_why why);	/* entries, sockets */
void nic_tick(struct nbh *n, unsigned dev);
/* H has the address of AT, which is ours: true when H is to be ignored. */
void nic_conflict(struct nbh *n, unsigned dev, unsigned at, const struct peer_hello *h);
/* H, of a neighbour, says that somebody else has our address: true when it is given up, with all entries. */
bool nic_told_shared(struct nbh *n, unsigned dev, const struct peer_hello *h);
/* H, heard on DEV, has the address of E: both shall hear of it by our hellos. */
void nic_rival(struct nbh *n, unsigned dev, struct entry *e, const struct peer_hello *h);

/* hello.c */
void hello_start(struct nbh *n, unsigned dev);	/* the first is due at once */
void hello_stop(struct nbh *n, unsigned dev);
void hello_urge(struct nbh *n, struct entry *e);	/* the neighbour shall hear of a change soon */
void hello_due(struct nbh *n, unsigned dev);	/* sends what is due */

/* entry.c */
struct entry *entry_find(const struct nbh *n, unsigned dev, ntk_mac_t mac);
struct entry *entry_at(const struct nbh *n, unsigned dev, ntk_ip_t address);
struct entry *entry_of_arc(const struct nbh *n, uint32_t arc);
struct entry *entry_new(struct nbh *n, unsigned dev, const struct peer_hello *h, ntk_mac_t mac);
void entry_state(struct nbh *n, struct entry *e, enum nbh_state s);
/* It is forgotten, its arc ended; USABLE and WHY as for nb_arc_end(). */
void entry_drop(struct nbh *n, struct entry *e, bool usable, enum nbh_why why);
void entry_tick(struct nbh *n, unsigned dev);
uint64_t entry_deadline(const struct nbh *n, const struct entry *e);
void entry_settle(struct nbh *n, struct entry *e);	/* it lists us: READY, if it may be */

/* want.c */
bool wish_has(const struct nbh *n, unsigned dev, ntk_mac_t mac);
/* Is there another pair with E's node from state S on that shares an end with E (spec 10)? */
bool pair_blocked(const struct nbh *n, const struct entry *e, enum nbh_state s);
void nb_decide(struct nbh *n, uint32_t node);	/* which pairs with that node we want */
void nb_decide_all(struct nbh *n);

/* open.c */
struct connection *connection_find(const struct nbh *n, uint32_t number);
void connection_forget(struct nbh *n, struct connection *c);	/* it is gone already */
void connection_close(struct nbh *n, struct connection *c);	/* and told the caller */
void open_try(struct nbh *n, struct entry *e);	/* connects when that is our part */
void open_failed(struct nbh *n, struct entry *e);	/* back to WANTED, later again */
void open_tick(struct nbh *n);

/* arcs.c */
void nb_arc_agree(struct nbh *n, struct entry *e);		/* AGREED: asks for the route */
/* Ends what there is from AGREED on; E is WANTED then.  USABLE: CLOSE is sent, with REASON. */
void nb_arc_end(struct nbh *n, struct entry *e, bool usable, enum nbh_why why,
    enum peer_close_reason reason);
void nb_arc_cost(struct nbh *n, struct entry *e);		/* there may be a change to tell */
void arc_alive(struct nbh *n, const struct entry *e, bool ask);	/* says so */

#ifdef __cplusplus
}
#endif

#endif
