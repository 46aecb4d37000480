/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_CONF_H
#define NTK_COMMON_CONF_H

/*
 * The configuration: ntkd.conf(5).  ntkd and ntkd-priv each parse it, from one
 * open file, and each derives its own decisions from it.
 *
 * One table (conf_keys) tells every key's kind, bounds, default and remedy; the
 * parser, the overrides of -o, the canonical print and the test of the man page
 * read it.  libconfuse does the syntax only; values reach us as texts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "common/map4.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CONF_FILE_MAX = 65536,		/* bytes of a configuration file */
	CONF_INTERFACES = 16,		/* managed interfaces */
	CONF_PATH = 108,		/* bytes of a path, NUL included (sockaddr_un) */
	CONF_NAME = 33,			/* user and group names, NUL included */
	CONF_IFNAME = 16,		/* interface names, NUL included (IFNAMSIZ) */
	CONF_ERROR = 512,		/* bytes of an error text, NUL included */
};

enum conf_mode {
	CONF_AUTO,
	CONF_MANUAL,
};

/* Numbers handed out from FIRST down or up to LAST, both included. */
struct conf_tables {
	uint32_t first;
	uint32_t last;
};

struct conf_interface {
	char name[CONF_IFNAME];
};

struct conf {
	struct map4 map;		/* topology and range */
	bool has_address;		/* else one is drawn at start */
	struct naddr address;		/* real at every level */
	enum conf_mode mode;
	struct conf_interface interfaces[CONF_INTERFACES];	/* in the file's order */
	size_t n_interfaces;		/* at least 1 */
	bool anonymize_others;
	bool accept_anonymous;
	uint8_t subnet_level;		/* 0 … levels-1 */
	uint8_t max_paths;		/* per destination */
	char runtime_dir[CONF_PATH];
	char control_socket[CONF_PATH];
	char user[CONF_NAME];		/* as written: name or number */
	char helper_user[CONF_NAME];
	char control_group[CONF_NAME];	/* "" none */
	char operator_group[CONF_NAME];
	uint8_t routing_protocol;	/* rtm_protocol, 5 … 255 */
	struct conf_tables tables;	/* first is ntk's table; neighbours from first-1 down */
	struct conf_tables more_tables;	/* upwards, when those are used up */
	uint32_t mark_mask;		/* our bits of the packet mark, contiguous from bit 0 */
	bool allow_overlap;
	uint32_t rule_priority;		/* of rules by mark; ntk's has one more */
	uint32_t radar_interval;	/* ms */
	uint32_t handover_delay;	/* ms */
};

/* One "KEY=VALUE" of the command line. */
struct conf_override {
	const char *text;
};

/*
 * Reads the configuration from the open file FD (pread(), so that two processes
 * may share the descriptor), NAME being what errors call it.  FD must be a
 * regular file, owned by root, not writable by group or others, at most
 * CONF_FILE_MAX bytes; with CHECK_OWNER false (ntkd -t by somebody else) only
 * its kind and size are checked.  Then applies the N overrides, in order, and
 * checks what concerns several keys.
 *
 * Environment variables are not expanded: "${" in the file is an error.  The
 * caller nevertheless empties the environment first.
 *
 * True with C complete.  False with ERR (CONF_ERROR bytes) holding one line:
 * file, line, key, value, what is allowed, what to do.  C is then undefined.
 * Nothing is allocated that outlives the call.
 */
bool conf_read(int fd, const char *name, bool check_owner, const struct conf_override *overrides,
    size_t n, struct conf *c, char *err);

/* conf_read() from memory; for fuzzers and unit tests. */
bool conf_parse(const char *text, size_t len, const char *name, const struct conf_override *overrides,
    size_t n, struct conf *c, char *err);

/*
 * The private subnet of `subnet-level` as its own hosts call it, all that is internal to that
 * level (spec/kernel-state 4); false when the configuration has none.
 */
bool conf_subnet(const struct conf *c, ntk_prefix_t *out);

/* Writes C as a file that conf_read() reads back to the same C. */
void conf_print(const struct conf *c, FILE *out);

/*
 * Looks a user up, by name or number (which needs no entry in the list of users;
 * the group is then the same number).  False with ERR when there is none or when it is
 * root.  conf_group(): the group; "" gives (gid_t)-1.
 */
bool conf_user(const char *user, uid_t *uid, gid_t *gid, char *err);
bool conf_group(const char *group, gid_t *gid, char *err);

/* The table of keys, for documentation tests. */
struct conf_key {
	const char *name;
	const char *kind;	/* "topology", "number", "boolean", "text", … */
	const char *fallback;	/* default as it would be written; "" when absent is the default */
	const char *allowed;	/* what is allowed, in words, as errors print it */
};
extern const struct conf_key conf_keys[];
extern const size_t conf_n_keys;

#ifdef __cplusplus
}
#endif

#endif
