/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_KNOTE_H
#define NTKD_IO_KNOTE_H

/*
 * What the kernel tells over its notification sockets: whether it concerns anything of
 * ours.  Bytes in, a verdict out; no socket.
 *
 * A message says what came or went, not whether it was right before: all that follows is a
 * check (drift.h), so a message too many costs a check and one too few is found a period
 * later.  Most messages are none of our business, and those are left quickly: a host may
 * load a million routes of BGP.
 *
 * Sources: rtnetlink(7), linux/rtnetlink.h, fib_rules.h, netconf.h, nf_tables.h; who is told
 * what was found by experiment (kernel 6.18).
 */

#include "common/conf.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	KNOTE_LINKS = 256,	/* interfaces whose state is remembered */
	KNOTE_HERE = -1,	/* for NSID: the default namespace */
	KNOTE_PORT = 0x3fffff,	/* bits of a port that are its owner's process id, the rest is libnl's */
};

/* What is ours. */
struct knote_rules {
	uint32_t helper;	/* its process id: what it changes is told with the port of its sockets */
	uint8_t protocol;	/* of our routes and rules */
	struct conf_tables tables;
	struct conf_tables more_tables;
	uint32_t rule_priority;	/* and one more */
	uint32_t devs[CONF_INTERFACES];	/* numbers of the managed interfaces of the default namespace */
	size_t n_devs;
};

/* The last known state of interfaces.  Zeroed at the start; forgetting one costs a check. */
struct knote_links {
	struct knote_link {
		int32_t nsid;
		uint32_t ifindex;	/* 0: nothing is kept here */
		uint32_t flags;
	} v[KNOTE_LINKS];
};

enum knote_what {
	KNOTE_NOTHING,
	KNOTE_TOUCHED,		/* somebody changed something that may be ours */
	KNOTE_LINKED,		/* a link came or went, and routes may have gone without a word */
};

struct knote {
	enum knote_what what;
	const char *why;	/* the kind of the first such object; static, NULL when nothing */
};

/*
 * Reads a datagram of LEN bytes at BUF, which is aligned for struct nlmsghdr, of NETLINK_ROUTE or
 * NETLINK_NETFILTER (PROTOCOL), from the namespace that is called NSID here.  Of
 * several messages in it the gravest counts.  Bytes that are no message are left over.
 */
struct knote knote_read(const struct knote_rules *rules, struct knote_links *links, int protocol,
    int32_t nsid, const void *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif
