/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_LABEL_H
#define NTKD_PRIV_LABEL_H

/*
 * What carries our label: the routing protocol number, together with our tables,
 * priorities and the link-local range.  The messages are the kernel's, from a dump.
 */

#include "ntkd-priv/ledger.h"
#include "common/nlq.h"

/* The 32-bit attribute TYPE behind a head of HEAD bytes, as it lies there, or FALLBACK. */
uint32_t label_u32(const struct nlmsghdr *nlh, size_t head, int type, uint32_t fallback);

/* True for the numbers that the tables of configuration C may have. */
bool label_table_is_ours(const struct conf *c, uint32_t table);

/* True for an address, route or rule with the label of configuration C. */
bool label_is_ours(const struct nlmsghdr *nlh, const struct conf *c);

/* What NLH tells of, for people: "10.0.0.16/30 table 250". */
void label_print(const struct nlmsghdr *nlh, char *buf, size_t size);

/* A dump request of TYPE (RTM_GETADDR, RTM_GETROUTE, RTM_GETRULE) for IPv4. */
struct nl_msg *label_dump_request(int type);

/* Adds to Q, as STEP, the removal of exactly the object that NLH tells of. */
void label_remove_like(struct nlq *q, const struct nlmsghdr *nlh, uint32_t step);

#endif
