/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_SNAP_H
#define NTK_TESTS_PRIV_SNAP_H

/*
 * Everything a machine has that the helper could touch, as sorted lines of text: of each
 * network namespace that can be named, the links with all attributes but counters and
 * timers, addresses, routes, rules and neighbours of all families, queueing disciplines,
 * the nftables ruleset, all of net.* sysctls; names of namespaces with inodes; files below
 * /run and /etc/iproute2 with contents, modes and owners.
 */

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whose a line is; tests/priv/claim.h says so. */
enum snap_owner {
	SNAP_FOREIGN,
	SNAP_OURS,		/* carries our label, and we may have such a thing */
	SNAP_SETTING,		/* a documented setting, at a value that we may give it */
	SNAP_SETTING_OTHER,	/* a documented setting at another value */
};

struct snap_line {
	char *text;
	enum snap_owner owner;
};

struct snap {
	struct snap_line *v;
	size_t n;
	size_t size;
};

enum snap_scope {
	SNAP_QUICK,	/* addresses, routes, rules, nftables, names of the present namespace */
	SNAP_ALL,
};

enum snap_rule {
	SNAP_STRICT,	/* byte for byte */
	SNAP_LIFE,	/* but for what is ours */
};

/* What the machine is like now; the caller frees it.  Ends the process when it cannot be read. */
struct snap *snap_take(enum snap_scope scope);
void snap_free(struct snap *s);

/* Told for each line of one side alone: SIGN is '-' or '+'. */
typedef void snap_difference(char sign, const char *text, void *arg);

/* The differences between BEFORE and NOW under RULE; EACH may be NULL. */
size_t snap_compare(const struct snap *before, const struct snap *now, enum snap_rule rule,
    snap_difference *each, void *arg);

/* Lines of S that are ours. */
size_t snap_ours(const struct snap *s);

/* Adds a line (printf-like) to S; for the parts of a snapshot. */
void snap_add(struct snap *s, enum snap_owner owner, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The part of one namespace, the present one; WHERE heads its lines, "" for the default one.
 * All of it is OURS, or where that is false and WHERE is "" what claim.h says.
 */
void snap_network(struct snap *s, const char *where, bool ours, enum snap_scope scope);

/* The part that belongs to no namespace: names and files. */
void snap_files(struct snap *s);

#ifdef __cplusplus
}
#endif

#endif
