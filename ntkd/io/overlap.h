/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_OVERLAP_H
#define NTKD_IO_OVERLAP_H

/*
 * Whether the network's range is in use on this host already: by an address or
 * a route that has nothing to do with Netsukuku.  Routes of ours would then take
 * traffic from a company network or a container bridge.  Pure: netdump.h brings the objects.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	OVERLAP_DEVS = 8,	/* interfaces remembered of a multipath route */
	OVERLAP_TEXT = 160,
	OVERLAP_LO = 1,		/* index of lo, in every network namespace */
};

struct overlap_rules {
	ntk_prefix_t range;
	bool has_subnet;
	ntk_prefix_t subnet;			/* the private one behind this node: the host's to route */
	uint8_t protocol;			/* label of what an earlier life of ours left */
	ntk_ip_t localhost;			/* the synonym on lo, which old kernels do not label */
	uint32_t managed[CONF_INTERFACES];	/* indices of the managed interfaces */
	size_t n_managed;
};

struct overlap_addr {
	ntk_ip_t local;
	ntk_prefix_t net;	/* the network, or the other end of a point-to-point link */
	uint32_t dev;		/* index of the interface */
	uint8_t protocol;	/* IFA_PROTO, 0 when the kernel does not tell */
};

struct overlap_route {
	ntk_prefix_t dst;
	uint32_t table;
	uint8_t protocol;	/* rtm_protocol */
	uint32_t devs[OVERLAP_DEVS];
	size_t n_devs;		/* 0: none (unreachable, blackhole); OVERLAP_DEVS: perhaps more */
};

/*
 * True when ADDR, on an interface that is not managed, lies in the range or its
 * network shares addresses with it; what lies in the private subnet is not counted.
 */
bool overlap_addr(const struct overlap_rules *r, const struct overlap_addr *addr);

/*
 * True when ROUTE shares addresses with the range.  Not counted: what leads over
 * managed interfaces only, default routes and their halves (lengths 0 and 1: every
 * more special route is meant to win over them), what the kernel derives from addresses,
 * what leads into the private subnet and nowhere else, and what carries our protocol.
 */
bool overlap_route(const struct overlap_rules *r, const struct overlap_route *route);

/*
 * "address 10.1.2.3/24", "route 10.1.0.0/16 in table 254".  BUF has OVERLAP_TEXT
 * bytes; returns BUF.
 */
char *overlap_addr_print(const struct overlap_addr *addr, char *buf);
char *overlap_route_print(const struct overlap_route *route, char *buf);

#ifdef __cplusplus
}
#endif

#endif
