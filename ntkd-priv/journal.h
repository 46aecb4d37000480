/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_JOURNAL_H
#define NTKD_PRIV_JOURNAL_H

/*
 * What a next life must put back if this one is killed: settings, which carry no
 * label of ours; which namespace stands behind which of our names; and the labels
 * themselves, since the configuration may change in between.  Records of one size
 * are written before the change they are about; reading goes from the newest to
 * the oldest, since what was written last must be put back first.  A record cut
 * short by a crash is passed over: its change was never made.  A record is forgotten
 * when it is settled, and never before.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"

enum { JOURNAL_PATH = 64 };	/* "ipv4/conf/IFNAME/arp_announce", NUL included */

enum journal_kind {
	JOURNAL_GONE = 0,	/* settled; its place is free */
	JOURNAL_FORWARDING,	/* path, value; ifindex of the interface in the path, or 0 */
	JOURNAL_INTERFACE,	/* the same, of an interface that was prepared */
	JOURNAL_NAMESPACE,	/* value: number in the name; dev, ino */
	JOURNAL_LABELS,		/* value: protocol; rule_priority, tables, more_tables, range */
};

struct journal_record {
	uint32_t kind;
	uint32_t value;
	int32_t ifindex;
	uint32_t rule_priority;
	char path[JOURNAL_PATH];
	uint64_t dev;
	uint64_t ino;
	struct conf_tables tables;
	struct conf_tables more_tables;
	ntk_prefix_t range;
};

/* Writes R into the first free place.  False: errno. */
bool journal_add(const struct journal_record *r);

/*
 * Calls EACH for every record that is not settled, newest first.  Those for which it
 * returns true are settled: what they are about is as it was.
 */
typedef bool journal_each(const struct journal_record *r, void *arg);
void journal_walk(journal_each *each, void *arg);

#endif
