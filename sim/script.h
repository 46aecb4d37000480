/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_SCRIPT_H
#define NTK_SIM_SCRIPT_H

/*
 * A scenario file of whole systems (ntk-sim(1), SYSTEMS): its first line is "systems".  What stands in it is
 * checked when it is read, the operator's words too, but for what only the course can tell.
 *
 *	systems
 *	set topology 4.2.2.2			as ntkd.conf(5), of the systems below
 *	segment street loss 5			a broadcast domain
 *	system alfa 3.0.1.0			with its first address
 *	interface alfa eth1 00:16:3e:fd:e2:aa street
 *	step p0 start				what the report tells by itself begins
 *	start all
 *	wait hear alfa beta			a condition comes true
 *	alfa: add_real_arc 00:… 00:… 10000	the operator's words (ntkctl(8))
 *	expect reach alfa beta			a condition is true now
 */

#include "proto/ctlmsg.h"
#include "sim/town.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	SCRIPT_NAME = 32,
	SCRIPT_SETTINGS = 16,
	SCRIPT_STEPS = 65536,
	SCRIPT_ALL = TOWN_SYSTEMS,	/* instead of a system: every one */
};

enum script_kind {
	SCRIPT_STEP,		/* text: its title */
	SCRIPT_START,		/* a, or all; value: within so many µs */
	SCRIPT_DIE,		/* a */
	SCRIPT_CARRIER,		/* a, dev; value: has one */
	SCRIPT_KERNEL,		/* value: µs that a transaction takes at most */
	SCRIPT_THINK,		/* value: µs that an operator waits at most before each word */
	SCRIPT_REFUSE,		/* a; value: transactions that its helper refuses */
	SCRIPT_TELL,		/* a; verb, words; code: it is to be refused so */
	SCRIPT_JOIN,		/* a, identity: its identity-arcs become qspn-arcs */
	SCRIPT_RUN,		/* value: µs */
	SCRIPT_REST,
	SCRIPT_WATCH,		/* a, b, ips */
	SCRIPT_UNWATCH,
	SCRIPT_WAIT,		/* a condition */
	SCRIPT_EXPECT,
};

enum script_condition {
	SCRIPT_HEAR,		/* a hears b on all interfaces */
	SCRIPT_ARCS,		/* a and b; value: how many arcs join them */
	SCRIPT_IARCS,		/* a, identity; value: how many identity-arcs it has */
	SCRIPT_IDENTITIES,	/* a; value: how many */
	SCRIPT_OPERATION,	/* a, identity, operation, state: so far at least */
	SCRIPT_ADDRESS,		/* a, identity, address */
	SCRIPT_REACH,		/* a, b; ips, or all that both have in common */
	SCRIPT_DEAD,
	SCRIPT_COST,		/* a, b; value: of the first path to the g-node where b is */
	SCRIPT_KERNELS,		/* text: beginning of the names of lists */
};

struct script_step {
	enum script_kind kind;
	enum script_condition condition;
	unsigned line;
	size_t a, b;
	unsigned dev;
	uint64_t value;
	uint32_t identity;
	uint32_t operation;
	enum node_op_state state;
	enum ctl_verb_id verb;
	struct naddr address;
	char *text;		/* of SCRIPT_TELL: words, each ended by a zero byte: the code, if there is one, */
	unsigned n_words;	/* the verb, its arguments */
	const char *code;	/* NULL: the words are to be accepted */
	ntk_ip_t *ips;
	size_t n_ips;
};

/* How lists of kernel state call what a system draws for itself; zeroes: as it is. */
struct script_listed {
	ntk_ip_t linklocal;
	ntk_ip_t connectivity_linklocal;
	ntk_mac_t connectivity_mac;
};

struct script_system {
	char name[SCRIPT_NAME];
	char address[TOPO_TEXT];
	size_t n_settings;		/* those above it */
	struct conf conf;		/* complete with the first interface */
	ntk_mac_t mac[CONF_INTERFACES];
	unsigned segment[CONF_INTERFACES];
	struct script_listed listed[CONF_INTERFACES];
	unsigned line;
};

struct script_segment {
	char name[SCRIPT_NAME];
	bool has_latency, has_jitter, has_loss, has_twice;	/* else as the command line says */
	struct town_segment given;
};

struct script {
	const char *name;		/* of the file; borrowed */
	struct topo topo;		/* of all systems */
	char *settings[SCRIPT_SETTINGS];	/* "KEY=VALUE" */
	size_t n_settings;
	struct script_segment *segments;	/* TOWN_SEGMENTS of them */
	size_t n_segments;
	struct script_system *systems;		/* TOWN_SYSTEMS of them */
	size_t n_systems;
	struct script_step *steps;
	size_t n_steps;
};

/* Is TEXT one?  Its first line that has words says so. */
bool script_is(const char *text, size_t len);

/* Reads TEXT.  False with WHY, "NAME:LINE: what is wrong"; S is then empty.  NAME is borrowed. */
bool script_parse(struct script *s, const char *name, const char *text, size_t len, char *why,
    size_t why_size);
void script_free(struct script *s);

#ifdef __cplusplus
}
#endif

#endif
