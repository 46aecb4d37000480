/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_LABEL_H
#define NTKD_PRIV_LABEL_H

/*
 * What the kernel lists, and whether it carries our label: the routing protocol number,
 * together with our tables, priorities and ranges.
 */

#include "ntkd-priv/ledger.h"
#include "common/nlq.h"

static const ntk_prefix_t label_linklocal = { 0xa9fe0000, 16 };

/* An address, route or rule, as far as its place and its label go. */
struct seen {
	uint8_t kind;		/* OBJ_ADDR, OBJ_RULE, or OBJ_ROUTE: of neighbour routes, too */
	uint8_t len;		/* bits */
	uint8_t tos;
	uint8_t protocol;	/* 0: it tells none */
	ntk_ip_t addr;		/* or destination */
	uint32_t table;
	uint32_t priority;	/* metric of a route */
	uint32_t ifindex;	/* of an address or route */
};

/* Reads the kernel's message NLH (of a dump).  False when it is none of these, or not of IPv4. */
bool label_read(const struct nlmsghdr *nlh, struct seen *out);

/* True for the numbers that the tables of configuration C may have. */
bool label_table_is_ours(const struct conf *c, uint32_t table);

/* True when S has the label of configuration C, and is something that is made with it. */
bool label_is_ours(const struct seen *s, const struct conf *c);

/* S for people: "10.0.0.16/30 table 250". */
void label_print(const struct seen *s, char *buf, size_t size);

/* A dump request of TYPE (RTM_GETADDR, RTM_GETROUTE, RTM_GETRULE) for IPv4. */
struct nl_msg *label_dump_request(int type);

/* Adds to Q, as STEP, the removal of exactly the object that NLH tells of. */
void label_remove_like(struct nlq *q, const struct nlmsghdr *nlh, uint32_t step);

#endif
