/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_NBH_NBH_H
#define NTKD_CORE_NBH_NBH_H

/*
 * The neighbourhood: which nodes can be heard over which of our interfaces, at what
 * round-trip time, and the arcs with them (spec/neighborhood, section 19 first).
 *
 * One object per system.  No I/O: the time is an argument of every call that may need it
 * (µs on a monotonic clock; one that is earlier than the last counts as the last), randomness
 * comes from the generator handed over at creation, and everything a call causes is appended
 * to the list of actions given to it.  Same inputs, same actions, byte for byte.  A caller
 * runs nbh_tick() when the time of nbh_deadline() has come.  It should hand over what its
 * sockets hold before that: a process that was stopped for a while takes its
 * neighbours for silent otherwise.
 *
 * Numbers.  Interfaces ("devs") are numbered by the caller: the index of the managed interface
 * in the configuration, below NBH_DEVS.  Entries, arcs and connections are numbered here, each kind
 * from 1 up; 0 is none, and a number is not used again.  Addresses are in host byte order,
 * MACs by value, costs and round-trip times in µs.
 *
 * An *entry* is what the radar knows of one interface of a neighbour, heard on one interface of
 * ours: (dev, MAC) is its key.  An *arc* is made from it when both ends want it.  In every pair
 * of nodes the one with the lower node id *leads*: it alone connects.
 *
 * What the caller has to do, with this module's part in capitals:
 *
 *   an interface is there   nbh_nic_up() → NBH_ADDRESS_WANTED → the kernel has the address, the
 *                           sockets are open → nbh_address_done() → NBH_HELLO, again and again
 *   a hello came            nbh_hello() → entries come and change; arcs may be opened
 *   we lead, both want      NBH_CONNECT → nbh_connected() → NBH_CALL (open) → nbh_receive() (opened)
 *                           → NBH_ROUTE_WANTED → nbh_route_done() → NBH_ARC_ADDED
 *   the other leads         nbh_accepted() → nbh_receive() (open) → NBH_ROUTE_WANTED →
 *                           nbh_route_done() → NBH_RESULT (opened), NBH_ARC_ADDED
 *   an arc ends             NBH_ARC_REMOVING, NBH_ROUTE_UNWANTED, NBH_CLOSE, NBH_ARC_REMOVED
 *
 * The one that leads may find messages of other modules right behind the answer to its open,
 * before its own kernel has the route: as long as nbh_connection() tells that the connection
 * is agreed but not up, the caller stops reading it.
 *
 * Memory: everything is bounded by nbh_params.  An object that runs out of it all the same
 * stops for good (every later call does nothing, nbh_failed() is true); nbh_free() still frees
 * all of it.
 */

#include "common/net.h"
#include "common/rng.h"
#include "common/topo.h"
#include "proto/peermsg.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nbh;

enum {
	NBH_DEVS = 16,		/* as many as a configuration can have */
	NBH_NAME = 16,		/* of an interface, NUL included */
	NBH_OPEN_CALL = 1,	/* the number of our call on a new connection; others begin behind it */
};

/* Constant while the object lives.  nbh_params_default(). */
struct nbh_params {
	struct topo topo;	/* told in OPEN: a neighbour with another one is refused */
	ntk_prefix_t range;	/* likewise */
	bool automatic;		/* wants every neighbour; else those of nbh_want() */
	uint32_t interval;	/* ms between hellos, 100 to 60000, each ±10 %: 1000 */
	bool ask;		/* who misses two hellos over an arc asks (ALIVE) over its connection, and
				   an answer counts as a hello: broadcasts are lost more easily */
	/* Times, µs. */
	uint64_t extra;		/* between hellos that are sent out of turn: 50 ms */
	uint64_t opening;	/* from connecting to the answer of OPEN; for an OPEN to come: 2 s */
	uint64_t patience;	/* automatic: a pair wanted so long in vain is put aside: 10 s */
	uint64_t aside;		/* so long: 30 s */
	uint64_t changed;	/* between NBH_ARC_CHANGED of one arc: 10 s */
	uint64_t address_hold;	/* between two changes of an address because of a conflict: 60 s */
	uint64_t log;		/* between two NBH_REFUSED of a kind on one interface: 60 s */
	/* Limits, with what happens at each. */
	uint16_t max_entries;	/* per interface: further neighbours are ignored, counted, told: 256 */
	uint16_t max_arcs;	/* entries that are wanted or more: others are not wanted: 1000 */
	uint16_t max_wishes;	/* nbh_want(): NBH_WANT_FULL: 1000 */
	uint16_t max_opening;	/* connections under way per interface and direction: 16; ours wait for
				   the next hello, of others the oldest is closed */
};

/* The values above; automatic. */
void nbh_params_default(struct nbh_params *p, const struct topo *t, ntk_prefix_t range);

/* --- actions -------------------------------------------------------------------- */

enum nbh_action_kind {
	/*
	 * The link-local ADDRESS shall be on DEV, with prefix length 32 and before all others
	 * (scope link).  nbh_address_done() when it is, and when the sockets are open: UDP bound
	 * to DEV and to 0.0.0.0, TCP listening on ADDRESS bound to DEV, both port 60269.
	 */
	NBH_ADDRESS_WANTED,
	/* ADDRESS is given up: sockets closed, and taken away unless the interface is gone. */
	NBH_ADDRESS_UNWANTED,
	/*
	 * MSG as a datagram to 255.255.255.255 on DEV, source ADDRESS, TTL 1: the frame (a notice,
	 * numbers and ids 0) and the body.
	 */
	NBH_HELLO,
	/*
	 * TCP on DEV from ADDRESS to PEER, as CONNECTION: nbh_connected() or nbh_closed().
	 * TCP_USER_TIMEOUT is SILENCE (µs).
	 */
	NBH_CONNECT,
	/* MSG over CONNECTION, whole node to whole node; CALL is its number, 0 for a notice. */
	NBH_CALL,		/* an OPEN; a result or error comes by nbh_receive() */
	NBH_NOTICE,
	NBH_RESULT,		/* MSG answers CALL */
	NBH_ERROR,		/* CALL is answered by ERROR; CALLED is its type */
	/* What was sent goes out, then CONNECTION is closed, and unknown here from now on. */
	NBH_CLOSE,
	/*
	 * The route to PEER, /32 by DEV with source ADDRESS, shall be in table main: nbh_route_done(ARC).
	 * For an arc in the making; the number is that of its life.
	 */
	NBH_ROUTE_WANTED,
	NBH_ROUTE_UNWANTED,	/* of ARC; it may still be under way */
	/* ARC is up: DEV, MAC, PEER, NODE, COST, CONNECTION tell of it.  The kernel has its route. */
	NBH_ARC_ADDED,
	NBH_ARC_CHANGED,	/* COST of ARC changed (spec 11.2), at most once every 10 s */
	/*
	 * ARC ends.  Everything that depends on its route goes before the next action is carried
	 * out.  USABLE: whether it is thought to still work.
	 */
	NBH_ARC_REMOVING,
	NBH_ARC_REMOVED,	/* everything of ARC is gone; WHY says why it ended */
	/*
	 * COUNT times since the last such action something was refused on DEV, or a limit reached:
	 * REFUSAL; NODE, MAC and PEER of the last one, where known.  For the log; rare already.
	 */
	NBH_REFUSED,
	/*
	 * ADDRESS of DEV is also used by MAC of NODE, a lower id (16.1 d), or by somebody else of whom that
	 * one tells: we give it up; for the log.
	 */
	NBH_CONFLICT,
};

/* Why an arc ended. */
enum nbh_why {
	NBH_WHY_ORDER,		/* nbh_remove_arc(), nbh_unwant() */
	NBH_WHY_SILENT,		/* no sign of life for 3.5 of the neighbour's intervals */
	NBH_WHY_CONNECTION,	/* its connection failed or was closed */
	NBH_WHY_PEER,		/* CLOSE was received */
	NBH_WHY_REOPENED,	/* the neighbour, which had lost it, opened it again */
	NBH_WHY_CARRIER,	/* of our interface */
	NBH_WHY_NIC,		/* our interface is given up or gone, or has another address */
	NBH_WHY_LAST = NBH_WHY_NIC,
};
const char *nbh_why_name(enum nbh_why w);	/* "silent", …: names of counters */
const char *nbh_why_text(enum nbh_why w);	/* a sentence's worth; both static */

/* Why something was refused or left undone; names of counters. */
enum nbh_refusal {
	/* Hellos. */
	NBH_R_OWN,		/* heard ourselves; never told */
	NBH_R_NIC,		/* the interface is not (yet) in use; never told */
	NBH_R_SOURCE,		/* sent from another address or MAC than it says */
	NBH_R_ADDRESS,		/* no link-local address that a node may have */
	NBH_R_OUR_MAC,		/* it has the MAC of an interface of ours */
	NBH_R_OUR_ADDRESS,	/* it has an address of ours, which stays (16.1 d) */
	NBH_R_TOLD_SHARED,	/* it says that somebody else has our address, which stays */
	NBH_R_NODE,		/* R1: the MAC belongs to another node id */
	NBH_R_MOVED,		/* R2: the MAC has another address */
	NBH_R_SHARED,		/* 16.1 e: the address belongs to another MAC */
	NBH_R_ENTRIES,		/* max_entries */
	NBH_R_ARCS,		/* max_arcs: a neighbour is not wanted */
	NBH_R_ECHO,		/* a timestamp that is none of our last, or no possible time; never told */
	/* Connections and what comes over them. */
	NBH_R_STRANGER,		/* from an address of no neighbour, or of one that we lead */
	NBH_R_HALF_OPEN,	/* max_opening */
	NBH_R_LATE,		/* no OPEN, or no answer to ours, in time */
	NBH_R_FAILED,		/* a connection of ours could not be made, or broke before the answer */
	NBH_R_SPEECH,		/* a message out of place, or that contradicts what is known */
	NBH_R_NOT_WANTED,	/* an OPEN of an arc that we do not want */
	NBH_R_BUSY,		/* an OPEN that another arc or a limit stands in the way of */
	NBH_R_FLAPS,		/* an OPEN too soon after an arc that came and went again and again */
	NBH_R_TOPOLOGY,		/* at either end: other topology or range */
	NBH_R_VERSION,		/* at either end: of the protocol */
	NBH_R_DECLINED,		/* our OPEN, for another reason */
	NBH_R_ROUTE,		/* the kernel did not take the neighbour route (16.1 f) */
	NBH_REFUSALS,
};
const char *nbh_refusal_name(enum nbh_refusal r);	/* "own_hello", …: names of counters */
const char *nbh_refusal_text(enum nbh_refusal r);	/* a sentence's worth; both static */

struct nbh_action {
	enum nbh_action_kind kind;
	unsigned dev;
	uint32_t arc;
	uint32_t connection;
	uint32_t call;
	ntk_ip_t address;		/* ours */
	ntk_ip_t peer;			/* the neighbour's */
	ntk_mac_t mac;			/* the neighbour's */
	uint32_t node;			/* the neighbour's id */
	uint64_t cost;			/* µs */
	uint64_t silence;		/* µs */
	uint64_t count;
	bool usable;
	enum nbh_why why;
	enum nbh_refusal refusal;
	uint8_t called;			/* enum peer_type */
	uint8_t error;			/* enum peer_error */
	struct peer_msg *msg;		/* the list's, with all that it points to */
};

/*
 * What shall be done, in this order.  The caller carries it out after the call returned and
 * before the next call of the same object.
 */
struct nbh_out {
	struct nbh_action *v;
	size_t n;
	size_t size;
	bool failed;		/* memory ran out */
};
void nbh_out_init(struct nbh_out *o);
void nbh_out_empty(struct nbh_out *o);	/* forgets the actions, keeps the room */
void nbh_out_free(struct nbh_out *o);

/* --- life ----------------------------------------------------------------------- */

/* Draws the node id.  P must outlive the object, RNG is copied.  NULL: memory is exhausted. */
struct nbh *nbh_create(const struct nbh_params *p, const struct rng *rng);
void nbh_free(struct nbh *n);
bool nbh_failed(const struct nbh *n);

/* NeighborhoodNodeID of this life: 1 to 2^31 - 2. */
uint32_t nbh_node(const struct nbh *n);

/* When nbh_tick() shall be called, UINT64_MAX for never. */
uint64_t nbh_deadline(const struct nbh *n);
void nbh_tick(struct nbh *n, uint64_t now, struct nbh_out *out);

/*
 * The daemon stops: nbh_nic_down() of all interfaces.  Its neighbours drop it at once when
 * the caller still sends what the actions say.
 */
void nbh_stop(struct nbh *n, uint64_t now, struct nbh_out *out);

/* --- interfaces ------------------------------------------------------------------- */

/*
 * DEV, called NAME and with hardware address MAC, is there, up, and has a carrier.  An address
 * is drawn for it (spec 16.1), or is ADDRESS when that is not 0, usable, and free as far as is
 * known here.  A DEV that is known with the same MAC: nothing happens.  With another MAC:
 * nbh_nic_gone() first.  False, and nothing happens: no such DEV, or MAC is that of another one or
 * not that of a station.
 */
bool nbh_nic_up(struct nbh *n, uint64_t now, unsigned dev, const char *name, ntk_mac_t mac,
    ntk_ip_t address, struct nbh_out *out);

/*
 * How NBH_ADDRESS_WANTED ended.  Not OK: the kernel did not take it, or the caller knows of
 * another use of it (identities in other namespaces); another one is drawn, 1 s later.
 * Of an address that is not the wanted one (any more) nothing is done.
 */
void nbh_address_done(struct nbh *n, uint64_t now, unsigned dev, ntk_ip_t address, bool ok,
    struct nbh_out *out);

/*
 * The carrier went or came back (a NIC that was set down and up counts as well).  Lost: its arcs
 * and entries are gone at once, without a word; its address stays.
 */
void nbh_carrier(struct nbh *n, uint64_t now, unsigned dev, bool up, struct nbh_out *out);

/* DEV is managed no more: neighbours are told (CLOSE). */
void nbh_nic_down(struct nbh *n, uint64_t now, unsigned dev, struct nbh_out *out);

/* DEV does not exist any more: the same without messages. */
void nbh_nic_gone(struct nbh *n, uint64_t now, unsigned dev, struct nbh_out *out);

/* --- from the network ---------------------------------------------------------------- */

/*
 * The hello H was received on DEV from the address SOURCE; SOURCE_MAC is NULL where the socket
 * does not tell.  H stays the caller's.
 */
void nbh_hello(struct nbh *n, uint64_t now, unsigned dev, ntk_ip_t source,
    const ntk_mac_t *source_mac, const struct peer_hello *h, struct nbh_out *out);

/*
 * A connection from PEER was accepted on DEV.  Returns its number; 0: it is refused, and the
 * caller closes it without reading from it.
 */
uint32_t nbh_accepted(struct nbh *n, uint64_t now, unsigned dev, ntk_ip_t peer,
    struct nbh_out *out);

/* NBH_CONNECT succeeded. */
void nbh_connected(struct nbh *n, uint64_t now, uint32_t connection, struct nbh_out *out);

/*
 * CONNECTION could not be made, was closed by the other side, failed, or broke a rule that the
 * caller watches over (frames, rates, queues).  It does not exist any more.
 */
void nbh_closed(struct nbh *n, uint64_t now, uint32_t connection, struct nbh_out *out);

/*
 * A message of this module (nbh_takes()) came over CONNECTION, whole node to whole node.  M is
 * the decoded body, NULL for an error or a wait; CALLED is the type in its frame, ERROR that of
 * an error.  M stays the caller's.  What is out of place ends the connection.
 */
void nbh_receive(struct nbh *n, uint64_t now, uint32_t connection, enum peer_kind kind,
    uint32_t call, uint8_t called, const struct peer_msg *m, uint8_t error, struct nbh_out *out);

/* True for the type in a frame when nbh_receive() is what takes the message. */
bool nbh_takes(uint8_t type);

/* --- from the kernel ------------------------------------------------------------------ */

/* How NBH_ROUTE_WANTED of ARC ended.  Not OK: the arc is not made; tried again 30 s later. */
void nbh_route_done(struct nbh *n, uint64_t now, uint32_t arc, bool ok, struct nbh_out *out);

/* --- from the operator and the other modules ---------------------------------------------- */

/* What became of an operator's wish (manual mode, spec 19.5). */
enum nbh_wanted {
	NBH_WANT_DONE,
	NBH_WANT_ALREADY,	/* nothing changed */
	NBH_WANT_UNKNOWN,	/* not heard, or not mutually; nbh_unwant(): not wanted */
	NBH_WANT_CONFLICT,	/* another wanted pair with that node has the interface or the MAC (10) */
	NBH_WANT_FULL,		/* max_wishes or max_arcs */
	NBH_WANT_MODE,		/* in automatic mode */
};

/*
 * The neighbour with MAC on DEV is wanted: lasts until nbh_unwant(), over losses of the arc, of
 * the neighbour and of the interface.
 */
enum nbh_wanted nbh_want(struct nbh *n, uint64_t now, unsigned dev, ntk_mac_t mac,
    struct nbh_out *out);

/* No longer; an arc ends as with nbh_remove_arc(…, true). */
enum nbh_wanted nbh_unwant(struct nbh *n, uint64_t now, unsigned dev, ntk_mac_t mac,
    struct nbh_out *out);

/*
 * remove_my_arc() (spec 12.2).  USABLE: CLOSE is sent, and in automatic mode the pair is put
 * aside; not: silently.  The wish stays either way, and the arc comes back by it.  False, and
 * nothing happens: no such arc (any more).
 */
bool nbh_remove_arc(struct nbh *n, uint64_t now, uint32_t arc, bool usable, struct nbh_out *out);

/* --- queries ---------------------------------------------------------------------------- */

enum nbh_state {
	NBH_HEARD,
	NBH_READY,		/* hears us too, and the round-trip time is known */
	NBH_WANTED,		/* by us */
	NBH_OPENING,		/* we connect, or wait for the answer to our OPEN */
	NBH_AGREED,		/* OPEN was answered, or will be: when the kernel has the route */
	NBH_UP,
	NBH_STATE_LAST = NBH_UP,
};
const char *nbh_state_name(enum nbh_state s);	/* "heard", …; static */

struct nbh_entry {
	uint32_t entry;		/* its number */
	unsigned dev;
	ntk_mac_t mac;
	uint32_t node;
	ntk_ip_t address;
	enum nbh_state state;
	bool leads;		/* the neighbour does, not we */
	bool peer_wants;	/* as its last hello that lists us says */
	bool measured;		/* rtt and cost are */
	uint32_t rtt;		/* smoothed, µs */
	uint32_t cost;		/* official (11.2), µs */
	uint32_t interval;	/* ms, the neighbour's */
	uint64_t heard;		/* when its last hello came, µs */
	uint32_t arc;		/* from AGREED on */
	uint32_t connection;	/* from OPENING on */
};

/* By dev, then by MAC.  show_neighborhood_arcs lists those from READY on. */
size_t nbh_entries(const struct nbh *n);
bool nbh_entry_at(const struct nbh *n, size_t i, struct nbh_entry *out);
bool nbh_entry_find(const struct nbh *n, unsigned dev, ntk_mac_t mac, struct nbh_entry *out);
bool nbh_arc_find(const struct nbh *n, uint32_t arc, struct nbh_entry *out);

/* Operator's wishes, by dev, then by MAC. */
size_t nbh_wishes(const struct nbh *n);
bool nbh_wish_at(const struct nbh *n, size_t i, unsigned *dev, ntk_mac_t *mac);

struct nbh_nic {
	char name[NBH_NAME];
	ntk_mac_t mac;
	ntk_ip_t address;	/* its own, or the one that is wanted */
	bool ready;		/* nbh_address_done() */
	bool carrier;
	size_t entries;
};
bool nbh_nic(const struct nbh *n, unsigned dev, struct nbh_nic *out);	/* false: not managed */

/* Is ADDRESS one of ours, or of an entry?  Others that draw addresses ask (spec 16.1 b). */
bool nbh_address_known(const struct nbh *n, ntk_ip_t address);

/* What a connection is for; an arc's messages are read when it is up only. */
enum nbh_connection_state {
	NBH_C_NONE,		/* no such connection (any more) */
	NBH_C_OPENING,		/* only messages of this module may come */
	NBH_C_AGREED,		/* nothing is read: what follows the answer waits for the kernel */
	NBH_C_UP,
};
/* ARC and SILENCE (µs, 3.5 of the neighbour's intervals: TCP_USER_TIMEOUT) may be NULL. */
enum nbh_connection_state nbh_connection(const struct nbh *n, uint32_t connection, uint32_t *arc,
    uint64_t *silence);

struct nbh_stats {
	uint64_t hellos_in, hellos_out, extra_out;
	uint64_t samples;		/* round-trip times used */
	uint64_t asked;			/* neighbours whose hellos were missing */
	uint64_t entries_made, entries_gone;
	uint64_t arcs_added, arcs_changed, arcs_removed;
	uint64_t removed[NBH_WHY_LAST + 1];	/* the arcs_removed, by why */
	uint64_t connects, accepts, opens_in;
	uint64_t addresses;		/* drawn */
	uint64_t refused[NBH_REFUSALS];
};
const struct nbh_stats *nbh_stats(const struct nbh *n);

/*
 * Checks what must hold between any two calls (tests, simulator, fuzzers): sorted entries,
 * limits, section 10, who counts against max_arcs, connections and arcs that belong together.
 * True; or false with a sentence in WHY.
 */
bool nbh_invariant(const struct nbh *n, char *why, size_t why_size);

/* --- smoothing (spec 11.2) ------------------------------------------------------------------ */

struct nbh_cost {
	uint32_t smoothed;	/* µs */
	uint32_t official;	/* µs */
	bool known;
};

/* One round-trip time, 1 to 2^31 - 1 µs: the smoothed one follows; the first makes both. */
void nbh_cost_sample(struct nbh_cost *c, uint32_t rtt);

/* Makes the smoothed one official when it is below half or above twice that; true then. */
bool nbh_cost_settle(struct nbh_cost *c);

#ifdef __cplusplus
}
#endif

#endif
