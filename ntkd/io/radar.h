/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_RADAR_H
#define NTKD_IO_RADAR_H

/*
 * Datagrams of neighbours we may have no connection with: one hearing and one speaking socket
 * (peersock.h) per managed interface.  A datagram is one message (frames.h), a notice from a
 * whole node to every whole node.
 *
 * Who sent it: the source address is told, and that the datagram was broadcast on this very
 * link. The source MAC is not: a UDP socket does not give it, and a packet socket would need
 * CAP_NET_RAW. So the MAC in a hello is a claim until there is a connection; then the kernel had
 * to find the neighbour's MAC by itself, and link.h tells it.
 *
 * Hostile input.  What cannot be read is counted by reason and told in the log, once a minute at
 * most.  RADAR_STRANGERS datagrams a second are read per interface, and the rest is dropped
 * unread, so that a flood costs little.  Neighbours that are known (radar_know()) have
 * RADAR_KNOWN a second each, of their own: the flood of somebody else does not silence them.
 * Whoever uses the address of a known one can use up that one's share; what it then says is
 * looked at by whoever gets it (spec/neighborhood 19.7, last row).
 */

#include "common/net.h"
#include "ntkd/io/frames.h"

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;
struct radar;

/* All limits of this module. */
enum {
	RADAR_NICS = 16,		/* interfaces, numbered as in the configuration */
	RADAR_DATAGRAM = 1472,		/* bytes, sent or accepted: one Ethernet frame */
	RADAR_STRANGERS = 2000,		/* datagrams a second from unknown sources, per interface */
	RADAR_STRANGERS_BURST = 500,
	RADAR_KNOWN = 50,		/* a second from each known one; 256 entries are 6 */
	RADAR_KNOWN_BURST = 50,
	RADAR_KNOWN_MAX = 256,		/* known ones per interface; more count as strangers */
	RADAR_AT_ONCE = 64,		/* read before others have their turn */
	RADAR_TOLD_SECONDS = 60,	/* between two lines about unreadable ones */
};

/*
 * A datagram: it came over interface NIC at NOW (monotonic, µs) from SOURCE.  M is valid during
 * the call. No other function of this header may be called that closes NIC.
 */
struct radar_heard {
	size_t nic;
	ntk_ip_t source;
	uint64_t now;
	const struct peer_msg *msg;
};
typedef void radar_hear(const struct radar_heard *heard, void *arg);

/* One in the loop BASE, without sockets; NULL when memory is exhausted. */
struct radar *radar_new(struct event_base *base, radar_hear *hear, void *arg);
void radar_free(struct radar *r);

/*
 * Opens the sockets of interface NIC, called DEV in the log: of index IFINDEX with the NIC
 * address ADDR. Sockets that were open there are closed first.  False with errno, and none is
 * open.
 */
bool radar_open(struct radar *r, size_t nic, const char *dev, uint32_t ifindex, ntk_ip_t addr);
void radar_close(struct radar *r, size_t nic);
bool radar_is_open(const struct radar *r, size_t nic);

/*
 * Broadcasts M over NIC.  False when it could not be sent: NIC is not open (ENODEV), M is too
 * long (EMSGSIZE) or the kernel refused (its errno: ENETDOWN, EINVAL when the address is gone,
 * EAGAIN when the queue is full).  Nothing is kept: the next hello comes soon.
 */
bool radar_say(struct radar *r, size_t nic, const struct peer_msg *m);

/*
 * SOURCE is a neighbour of ours behind NIC from now on, or no longer.  Closing NIC forgets all.
 */
void radar_know(struct radar *r, size_t nic, ntk_ip_t source, bool known);

/* Since the start, of one interface. */
struct radar_counters {
	uint64_t heard;		/* handed on */
	uint64_t said;
	uint64_t unsaid;	/* sending failed */
	uint64_t own;		/* our own broadcasts, which the kernel lets us hear */
	uint64_t dropped;	/* too many */
	uint64_t too_long;	/* above RADAR_DATAGRAM */
	uint64_t no_frame;	/* no frame of ours, or one of another version */
	uint64_t no_notice;	/* no notice from node to node, or of another length */
	uint64_t malformed;	/* a body that cannot be read */
	uint64_t odd_source;	/* from 0.0.0.0, a broadcast address, or another port */
};
struct radar_counters radar_counters(const struct radar *r, size_t nic);

#ifdef __cplusplus
}
#endif

#endif
