/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_IDENTBED_H
#define NTK_TESTS_UNIT_IDENTBED_H

/*
 * A test bed: a few systems with identities, whose calls travel over arcs and whose kernels
 * answer in virtual time.  Messages of one arc and direction keep their order, everything else
 * may overtake. Every message is encoded and decoded again; after every call of a manager its
 * invariants are checked, and the first that does not hold is kept in `why`.
 *
 * Systems are called a, b, c, …, identities by system and index: a0 is the first of a.  Places,
 * which MAC and link-local of a peer name, are R for a real interface and P0, P1, … for the
 * first, second, … namespace that was made by the peer's system.
 */

#include "ntkd/core/ident/ident.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	IBED_SYSTEMS = 8,
	IBED_LINKS = 24,
	IBED_TEXT = 8192,
	IBED_PLACES = 256,	/* namespaces made by a system */
	IBED_NAMES = 512,	/* identities of all systems, gone ones too */
};

/* µs, random between the two. */
struct ibed_pace {
	uint64_t net_min, net_max;
	uint64_t kernel_min, kernel_max;
	unsigned refuse;	/* of 1000 namespaces the kernel refuses so many */
};

struct ibed_link {
	unsigned system[2];
	unsigned dev[2];
	uint32_t arc[2];	/* 0: this end has no arc */
	bool up;
	uint32_t life;		/* counts how often it was cut: what is older arrives nowhere */
	uint64_t last[2];	/* when the last message towards this end arrives */
};

struct ibed_system {
	struct ident *x;
	ntk_mac_t mac[CONF_INTERFACES];		/* real */
	ntk_ip_t linklocal[CONF_INTERFACES];
	unsigned n_places;
	struct ibed_place {
		unsigned ns;
		bool gone;
		struct ident_nic nic[CONF_INTERFACES];
	} place[IBED_PLACES];
	uint32_t next_arc;
	bool dead;		/* answers nothing, arcs stay */
	bool kernel_stopped;	/* answers wait for ibed_kernel() */
	uint64_t sent_last;	/* messages keep the order of decisions */
	char log[IBED_TEXT];	/* what was signalled, since ibed_forget() */
	unsigned calls[16];	/* sent, by message type */
	unsigned complete, settled, given_up, removed, without_nics, broken;
};

struct ibed {
	struct ident_params p;
	struct ibed_pace pace;
	struct rng rng;
	uint64_t now;
	struct ibed_system s[IBED_SYSTEMS];
	unsigned n;
	struct ibed_link link[IBED_LINKS];
	unsigned n_links;
	bool relink;		/* a broken link comes again after a while */
	bool crowded;		/* few link-locals are free, and nobody knows which others use */
	uint32_t name_id[IBED_NAMES];
	char name[IBED_NAMES][8];
	unsigned n_names;
	struct ibed_event *event;	/* a heap */
	size_t n_events, events_size;
	uint64_t seq;
	uint64_t messages;
	struct ibed_dup {	/* what was duplicated, in the order in which it was */
		unsigned s;
		uint32_t migration, old, made;
	} dup[IBED_NAMES];
	unsigned n_dups;
	char why[512];		/* the first thing that was wrong, "" */
};

/* SYSTEMS of them, without devices.  Aborts when memory is exhausted, as all of this does. */
struct ibed *ibed_new(unsigned systems, uint64_t seed, const struct ibed_pace *pace);
void ibed_free(struct ibed *b);

void ibed_dev_add(struct ibed *b, unsigned s, unsigned dev);
void ibed_dev_remove(struct ibed *b, unsigned s, unsigned dev);

/*
 * Joins two devices (which are made if need be): an arc, at once at both ends; its number as a
 * link.
 */
unsigned ibed_link(struct ibed *b, unsigned s, unsigned s_dev, unsigned t, unsigned t_dev);

/* The connection fails: calls end, arcs go a little later, each end for itself. */
void ibed_cut(struct ibed *b, unsigned link);
void ibed_again(struct ibed *b, unsigned link);	/* a cut one comes up again */

/* Commands by index of the identity. */
enum ident_result ibed_prepare(struct ibed *b, unsigned s, uint32_t index, uint32_t migration);
enum ident_result ibed_duplicate(struct ibed *b, unsigned s, uint32_t index, uint32_t migration);
enum ident_result ibed_remove(struct ibed *b, unsigned s, uint32_t index);
enum ident_result ibed_iarc_remove(struct ibed *b, unsigned link, unsigned s, const char *id,
    const char *peer);
/* The same at a later time. */
void ibed_duplicate_at(struct ibed *b, uint64_t when, unsigned s, uint32_t index,
    uint32_t migration);

void ibed_kernel(struct ibed *b, unsigned s);	/* it answers again */

/* Runs until UNTIL (µs). */
void ibed_run(struct ibed *b, uint64_t until);
/*
 * Runs until nothing is under way; false when that is not so after LIMIT µs, or something was
 * wrong.
 */
bool ibed_rest(struct ibed *b, uint64_t limit);

/* Invariants 5 to 7 of spec 3.3 at both ends of all arcs; false with b->why.  At rest. */
bool ibed_check(struct ibed *b);

/* "a0", "?" for an unknown NodeID; the NodeID of "a0", 0. */
const char *ibed_name(const struct ibed *b, uint32_t id);
uint32_t ibed_id(const struct ibed *b, const char *name);

/*
 * What there is at S, valid until the next call: identity-arcs as "a0-b0@P0 a1-b0@R* ", sorted by
 * identity and index, * for principal ones, ~ for closing ones.
 */
const char *ibed_state(struct ibed *b, unsigned s);
/* Neighbour routes in the namespace of identity INDEX of S: "bR cP0 ". */
const char *ibed_routes(struct ibed *b, unsigned s, uint32_t index);
/* "a0:1 a1:0* ": namespaces by the places of S, R the default one: "a0@P0 a1@R* ". */
const char *ibed_places(struct ibed *b, unsigned s);

/*
 * What was signalled: "added a1-b0@R(a0-b0) changed a0-b0@P0 removing … removed … broken ";
 * forgets it.
 */
const char *ibed_log(struct ibed *b, unsigned s);
void ibed_forget(struct ibed *b);

#ifdef __cplusplus
}
#endif

#endif
