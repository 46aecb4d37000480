/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_CLAIM_H
#define NTK_TESTS_PRIV_CLAIM_H

/*
 * What may be there because of us, in the default namespace, told from what the manual
 * pages promise for the topology 4.2.2.2 in 10.0.0.0/8.  Labelled as ours is not enough: the
 * value must be one that a hostile ntkd is allowed to obtain.
 */

#include <linux/netlink.h>
#include <stdbool.h>

#include "tests/priv/snap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The managed interfaces; looked up again when they were made anew. */
void claim_begin(void);

/* A message of a dump of addresses, routes, rules or neighbours.  Addresses must come first. */
bool claim_message(const struct nlmsghdr *nlh);

/* A message of a dump of nftables, NULL-terminated name of its table and its family. */
bool claim_nft(unsigned family, const char *table);

/* A sysctl below net/, and its value. */
enum snap_owner claim_sysctl(const char *path, const char *value);

/* A path of a thing that is not a directory. */
enum snap_owner claim_file(const char *path, bool is_namespace);

/* True for an interface that the configuration names. */
bool claim_managed(unsigned ifindex);

#ifdef __cplusplus
}
#endif

#endif
