/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_NBHBED_H
#define NTK_TESTS_UNIT_NBHBED_H

/*
 * A test bed: a few neighbourhood objects whose datagrams and connections travel between
 * interfaces in virtual time, with delay, loss, copies and another order; a kernel that takes
 * its time; operators.  Everything that is sent is written to bytes and read again.  After
 * every call the invariants of the object are checked, and that its actions come in an order
 * that a caller can carry out; what is wrong first stands in `wrong`.
 *
 * Uses no test framework: the fuzz target links it, too.
 */

#include "ntkd/core/nbh/int.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	BED_NODES = 8,
	BED_NICS = BED_NODES * NBH_DEVS,
	BED_EVENTS = 4096,	/* bytes of an event log */
};

/* An arc as its actions tell of it. */
struct nbed_arc {
	uint32_t arc;
	uint32_t connection;
	unsigned dev;
	ntk_mac_t mac;
	ntk_ip_t peer;
	uint32_t node;
	uint64_t cost;
	uint64_t changed;	/* when last, 0 never */
	bool route;		/* the kernel has it */
	bool wanted;		/* the kernel shall have it */
	bool up;		/* between added and removing */
	bool removing;
};

struct nbed_nic {
	ntk_mac_t mac;
	ntk_ip_t address;	/* to be given at nic_up, or 0; then what it has */
	bool has_address;	/* the kernel has it */
	bool sees[BED_NICS];	/* hears what it sends */
};

struct nbed_node {
	struct nbh *n;		/* NULL: not running */
	struct nbh_params p;
	struct rng rng;
	uint64_t offset;	/* its clock is ahead of the bed's */
	uint32_t id;		/* wanted NeighborhoodNodeID, 0: its own choice */
	uint32_t life;		/* one more for each start: old events do not reach it */
	uint64_t tick;		/* when its deadline is in the queue, NEVER */
	bool no_routes;		/* the kernel refuses neighbour routes */
	bool no_addresses;
	struct nbed_arc *arc;	/* by number */
	size_t n_arcs, arcs_size;
	unsigned added, changed, removing, removed, refused, conflicts, connects, hellos;
	uint64_t added_at;	/* the last one */
	uint64_t removed_at;
	enum nbh_why why;	/* of the last removal */
	bool usable;
	char events[BED_EVENTS];	/* "A(dev,cost) C… R… -… " */
};

struct nbed_event;
struct nbed_stream;

struct bed {
	uint64_t now;
	struct rng rng;
	/* The links.  Times in µs, chances in one of 1000. */
	uint64_t delay_min, delay_max;	/* one way; drawn for each packet */
	uint64_t kernel_max;
	unsigned loss, copies, connect_fails;
	bool deaf;		/* no datagram arrives */
	bool martian;		/* as Linux does: none arrives from an address that the receiver has itself */
	struct nbed_node node[BED_NODES];
	struct nbed_nic nic[BED_NICS];
	struct nbed_event *event;	/* a heap by time and number */
	size_t n_events, events_size;
	uint64_t n_made;
	struct nbed_stream *stream;
	size_t n_streams, streams_size;
	uint64_t datagrams, bytes, calls;
	char wrong[300];
};

void nbed_init(struct bed *b, uint64_t seed);
void nbed_free(struct bed *b);

static inline unsigned
nbed_nic_of(unsigned node, unsigned dev)
{
	return node * NBH_DEVS + dev;
}

/* Node X gets ready to run (automatic mode, defaults); change its params before nbed_start(). */
void nbed_node(struct bed *b, unsigned x, uint32_t id);
void nbed_start(struct bed *b, unsigned x);		/* no interface is up yet */
void nbed_kill(struct bed *b, unsigned x, bool silently);	/* else its kernel closes connections */
void nbed_stop(struct bed *b, unsigned x);		/* in good order */

/* Interfaces that hear each other; or not any more. */
void nbed_join(struct bed *b, unsigned nic_a, unsigned nic_b, bool joined);
/* All interfaces of the nodes in the set NODES (bits), devs 0 to DEVS - 1, in one segment. */
void nbed_segment(struct bed *b, uint32_t nodes, unsigned devs);

void nbed_up(struct bed *b, unsigned x, unsigned dev);
void nbed_down(struct bed *b, unsigned x, unsigned dev);
void nbed_gone(struct bed *b, unsigned x, unsigned dev);
void nbed_carrier(struct bed *b, unsigned x, unsigned dev, bool up);
enum nbh_wanted nbed_want(struct bed *b, unsigned x, unsigned dev, unsigned nic);
enum nbh_wanted nbed_unwant(struct bed *b, unsigned x, unsigned dev, unsigned nic);
bool nbed_remove(struct bed *b, unsigned x, uint32_t arc, bool usable);

/* A hello that somebody forged: H as heard by node X on DEV. */
void nbed_forge(struct bed *b, unsigned x, unsigned dev, const struct peer_hello *h);

/* A connection and its other end in the hands of a test: accepted by X on DEV, from PEER. */
uint32_t nbed_accept(struct bed *b, unsigned x, unsigned dev, ntk_ip_t peer);
void nbed_say(struct bed *b, unsigned x, uint32_t connection, enum peer_kind kind, uint32_t call,
    uint8_t called, const struct peer_msg *m, uint8_t error);
void nbed_hang_up(struct bed *b, unsigned x, uint32_t connection);

void nbed_run(struct bed *b, uint64_t us);
/* Runs until DONE says so, at most so long; whether it did. */
typedef bool nbed_done(const struct bed *b, void *arg);
bool nbed_until(struct bed *b, uint64_t us, nbed_done *done, void *arg);

size_t nbed_arcs(const struct bed *b, unsigned x);	/* that are up */
/* The arc of X on DEV with the interface NIC, NULL when it is not up. */
const struct nbed_arc *nbed_arc(const struct bed *b, unsigned x, unsigned dev, unsigned nic);
size_t nbed_routes(const struct bed *b, unsigned x);
struct nbh_entry nbed_entry(const struct bed *b, unsigned x, unsigned dev, unsigned nic);

#ifdef __cplusplus
}
#endif

#endif
