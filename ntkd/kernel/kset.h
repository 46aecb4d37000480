/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_KSET_H
#define NTKD_KERNEL_KSET_H

/*
 * Kernel state of one namespace as a sorted set of objects: the container in
 * which wanted and applied states are written and compared.
 *
 * An object is a key and a value.  The key says which object it is; two objects
 * with equal keys and different values are one object that changed.
 */

#include "common/net.h"
#include "proto/privmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

enum kobj_kind {
	KOBJ_NS,		/* the namespace itself: forwarding, lo up */
	KOBJ_DEV,		/* dev: real interface prepared, or pseudo-interface present */
	KOBJ_ADDR,		/* dev, addr: own address /32 */
	KOBJ_NEIGH,		/* dev, addr → src: neighbour route */
	KOBJ_ROUTE,		/* mac, addr/len → type, via_dev, via, src */
	KOBJ_MARK,		/* mac: packets from it are marked */
	KOBJ_RULE,		/* mac: packets with its mark use its table */
	KOBJ_NAT,		/* nat, src/src_len, addr/len → via/to_len: translation */
};

#define KOBJ_LO 0xffU		/* dev: lo */

enum {
	KSET_OBJECTS = 262144,	/* in one set: what the helper keeps of all namespaces together */
};

/* The table ntk where a table is named by its neighbour's MAC. */
#define KOBJ_NTK ((ntk_mac_t){ { 0, 0, 0, 0, 0, 0 } })

struct kobj {
	/* key; unused members are zero */
	uint8_t kind;		/* enum kobj_kind */
	uint8_t dev;		/* index of the managed interface, or KOBJ_LO */
	uint8_t nat;		/* enum priv_nat_kind */
	uint8_t len;		/* bits */
	uint8_t src_len;	/* bits */
	ntk_mac_t mac;		/* whose table, mark or rule; KOBJ_NTK */
	ntk_ip_t addr;		/* address, neighbour or destination */
	ntk_ip_t match_src;	/* of KOBJ_NAT */
	/* value; unused members are zero */
	uint8_t type;		/* enum priv_route_type */
	uint8_t via_dev;	/* of a unicast route */
	uint8_t to_len;		/* bits */
	ntk_ip_t via;		/* gateway; of KOBJ_NAT: the address or prefix put in */
	ntk_ip_t src;		/* preferred source, or 0 */
};

/*
 * MACS tells in which order the neighbours first appeared, which sorting would
 * lose: new ones are given their table numbers in this order (kernel-state 7).
 */
struct kset {
	struct kobj *v;		/* sorted by key once kset_sort() was called */
	size_t n;
	size_t size;
	ntk_mac_t *macs;	/* of the objects, each once, in the order of kset_add() */
	size_t n_macs;
	size_t macs_size;
	bool failed;		/* memory or KSET_OBJECTS ran out while adding; sticky */
};

void kset_init(struct kset *s);
void kset_free(struct kset *s);

/* Takes everything out of S and clears its failure; what it holds stays allocated. */
void kset_empty(struct kset *s);

/* Exchanges the contents of two sets. */
void kset_swap(struct kset *a, struct kset *b);

/* Deep copy; false when memory is exhausted. */
bool kset_copy(struct kset *out, const struct kset *in);

/* Appends a copy of O; failure shows in s->failed. */
void kset_add(struct kset *s, const struct kobj *o);

/* Sorts by key.  False when adding failed earlier or a key stands twice. */
bool kset_sort(struct kset *s);

/* True when A and B, sorted, hold the same objects with the same values. */
bool kset_equal(const struct kset *a, const struct kset *b);

/* The object with O's key in the sorted set S, or NULL. */
const struct kobj *kset_find(const struct kset *s, const struct kobj *o);

/* Order of keys, as memcmp(); equality of values. */
int kobj_cmp(const struct kobj *a, const struct kobj *b);
bool kobj_same_value(const struct kobj *a, const struct kobj *b);

/*
 * One line for people, "route ntk 10.0.0.0/29 unreachable"; returns BUF.
 * Interfaces are numbers, as in the configuration: "dev 0", "dev lo".
 */
enum { KOBJ_TEXT = 160 };
char *kobj_print(const struct kobj *o, char *buf);

#ifdef __cplusplus
}
#endif

#endif
