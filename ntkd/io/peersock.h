/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_PEERSOCK_H
#define NTKD_IO_PEERSOCK_H

/*
 * Sockets towards neighbours, with all that is special about them (spec/neighborhood 19.2,
 * 19.6).  None needs a capability, so all are made when an interface comes up, in the sandbox:
 * at the start and whenever it comes back.  Each call here is one that ntkd/sandbox.c allows
 * with exactly these arguments.
 *
 * All are bound to their interface by its index (an interface renamed meanwhile is not mistaken
 * for another one), do not block, and close on exec.
 *
 *   hearing  UDP, bound to 255.255.255.255: the kernel then delivers broadcasts only.  A datagram
 *            to one of our addresses can come from far away, through routers; a broadcast cannot.
 *            So everything heard was sent on this link.
 *   speaking UDP, bound to the NIC address and connected to 255.255.255.255: that sets the source
 *            address of every datagram, without which the kernel takes the interface's first;
 *            control data (IP_PKTINFO) would do the same, but needs sendmsg(), which can pass
 *            descriptors and is forbidden for that.  It never receives anything.
 *   waiting  TCP, listens at the NIC address; what it accepts has all of its options.
 *   calling  TCP, from the NIC address and any port.
 *
 * TTL 1: nothing leaves the link, so nobody beyond it completes a connection.  SO_DONTROUTE: no
 * route is needed and none misleads (a default route through the same NIC would).
 */

#include "common/net.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	PEER_PORT = 60269,
	PEER_BACKLOG = 32,	/* connections that wait to be accepted, per NIC */
};

#define PEER_BROADCAST UINT32_C(0xffffffff)

enum peersock_kind {
	PEERSOCK_HEARING,
	PEERSOCK_SPEAKING,
	PEERSOCK_WAITING,
	PEERSOCK_CALLING,
};

/* The interface and what is set for its connections. */
struct peersock_nic {
	uint32_t ifindex;
	ntk_ip_t addr;		/* its NIC address, which it must have */
	uint32_t timeout;	/* as peersock_timeout() */
};

/*
 * A socket of KIND on NIC; -1 with errno (EADDRNOTAVAIL: we have not that address; EADDRINUSE:
 * somebody else has the port; EMFILE; ENODEV: no such interface, which is found out only when
 * something is to be sent: PEERSOCK_HEARING and _WAITING on one that is gone are merely silent).
 * PEERSOCK_CALLING is not connected yet.
 */
int peersock_open(enum peersock_kind kind, const struct peersock_nic *nic);

/*
 * Begins the connection of FD, PEERSOCK_CALLING, to PEER; it is writable when that ended.  False
 * with errno.
 */
bool peersock_connect(int fd, ntk_ip_t peer);

/*
 * What was sent over FD and is not acknowledged for TIMEOUT ms ends its connection.  False with
 * errno.
 */
bool peersock_timeout(int fd, uint32_t timeout);

/* How the connection of FD ended: 0 it stands, else errno. */
int peersock_error(int fd);

/*
 * Accepts a connection at FD, PEERSOCK_WAITING: its socket, and in PEER from whom; -1 with errno.
 */
int peersock_accept(int fd, ntk_ip_t *peer);

/*
 * One datagram heard at FD: its length and, in FROM and PORT, who says to have sent it; -1
 * with errno.  More than SIZE means that it was cut to SIZE bytes.
 */
int peersock_hear(int fd, uint8_t *buf, size_t size, ntk_ip_t *from, uint16_t *port);

/*
 * The hardware address that the kernel found for PEER on the interface called DEV: it sends
 * there what we send to PEER.  FD is any of these sockets.  False while it knows none.  A
 * datagram says nothing of it; a connection has always asked for it.
 */
bool peersock_mac(int fd, const char *dev, ntk_ip_t peer, ntk_mac_t *mac);

#ifdef __cplusplus
}
#endif

#endif
