/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_LEDGER_H
#define NTKD_PRIV_LEDGER_H

/*
 * What exists because of us.
 *
 * Everything the helper makes is an object with a key and a value, in the order
 * of making.  Every operation, its undo and the end of the helper are the same
 * thing: a change of one object from what it was to what it shall be.  So undo
 * is exact by construction: the same change the other way round.
 *
 * Namespaces, interfaces and neighbours have a slot besides, which holds what
 * the kernel calls them; the slot's index is in the objects, its generation in
 * the handles given to ntkd.
 */

#include <sys/queue.h>
#include <sys/types.h>

#include "common/conf.h"
#include "common/net.h"
#include "proto/privmsg.h"

struct nl_sock;

enum {
	LEDGER_NAMESPACES = 64,
	LEDGER_DEVS = 1 + CONF_INTERFACES + CONF_INTERFACES * (LEDGER_NAMESPACES - 1),
	LEDGER_PEERS = PRIV_PEERS + 1,	/* slot 0 is the table ntk */
	LEDGER_OBJECTS = 262144,	/* of all kinds */
	LEDGER_BUCKETS = 16384,
	DEV_LO = 0,			/* slots of devs: lo, then the configured interfaces */
	PEER_NTK = 0,
	NS_DEFAULT = 0,
};

enum obj_kind {
	OBJ_NS,		/* ns: prepared (default) or made */
	OBJ_DEV,	/* dev: prepared (real) or made (pseudo) */
	OBJ_PEER,	/* peer: has a table number */
	OBJ_ADDR,	/* dev, addr */
	OBJ_NEIGH,	/* dev, addr -> src */
	OBJ_ROUTE,	/* ns, peer, addr/len -> type, via_dev, via, src */
	OBJ_RULE,	/* ns, peer */
	OBJ_MARK,	/* ns, peer */
	OBJ_NAT,	/* ns, nat, match/match_len, addr/len -> via/to_len */
	OBJ_KINDS,
};

struct obj {
	/* key; members that a kind does not use are zero */
	uint8_t kind;
	uint8_t nat;		/* enum priv_nat_kind */
	uint8_t len;		/* bits */
	uint8_t match_len;	/* bits */
	uint16_t ns;
	uint16_t dev;
	uint16_t peer;
	uint16_t pad;
	ntk_ip_t addr;
	ntk_ip_t match;
	/* value */
	uint8_t type;		/* enum priv_route_type */
	uint8_t to_len;		/* bits */
	uint16_t via_dev;	/* of a route; OBJ_DEV: the real interface */
	ntk_ip_t via;		/* gateway; OBJ_NAT: what is put in */
	ntk_ip_t src;		/* preferred source */
	uint32_t number;	/* OBJ_NS: label; OBJ_PEER: table */
	uint16_t generation;	/* OBJ_PEER: of its handle, so that undo restores it */
	ntk_mac_t mac;		/* OBJ_PEER */
};

/* From what it was to what it shall be; a side that is not there is absence. */
struct change {
	bool has_from;
	bool has_to;
	struct obj from;
	struct obj to;
};

/* What namespaces, interfaces and neighbours have in common; first in each. */
struct slot {
	bool used;
	uint16_t generation;	/* of the last object in it, and so of its handle */
};

struct ns {
	struct slot slot;
	uint32_t number;	/* in its name */
	uint32_t id;		/* by which the default namespace calls it in notifications */
	int fd;			/* of the namespace itself */
	dev_t st_dev;		/* what its name must show before it is unmounted */
	ino_t st_ino;
	struct nl_sock *rt;	/* rtnetlink socket inside */
	struct nl_sock *nft;	/* nfnetlink socket inside */
	bool nft_table;		/* our table is there */
	bool nft_nat;		/* and its nat chains */
	bool nft_known;		/* nft_digest is of the table as we wrote it */
	uint64_t nft_digest;
	uint32_t translations;	/* OBJ_NAT in it */
	bool closing;		/* dropped, but not yet removed */
};

struct dev {
	struct slot slot;
	uint16_t ns;
	uint16_t parent;	/* slot of the real interface; itself when it is one */
	int ifindex;
	ntk_mac_t mac;
	char name[CONF_IFNAME];
	uint32_t objects;	/* that name it, pseudo-interfaces on it among them */
};

struct peer {
	struct slot slot;
	ntk_mac_t mac;
	uint32_t table;
	uint32_t objects;	/* that name it */
};

/* How check.h found an object in the kernel; a number of these, or 0 for not at all. */
enum node_found {
	NODE_SAME = 1,
	NODE_ALTERED = 2,	/* it carries our label, and something of it is different */
	NODE_FOREIGN = 4,	/* something of somebody else's is in its place */
};

struct node {
	struct obj obj;
	uint8_t found;		/* enum node_found; of the last check */
	TAILQ_ENTRY(node) order;
	LIST_ENTRY(node) bucket;
};
TAILQ_HEAD(node_list, node);
LIST_HEAD(node_bucket, node);

struct ledger {
	struct ns ns[LEDGER_NAMESPACES];
	struct dev dev[LEDGER_DEVS];
	struct peer peer[LEDGER_PEERS];
	uint32_t next_ns_number;
	uint64_t seed;			/* of the buckets: a hostile ntkd cannot choose collisions */
	uint32_t objects;
	struct node_list order;		/* oldest first */
	struct node_bucket bucket[LEDGER_BUCKETS];
};

/* Empties L, with the slots of the default namespace, lo and C's interfaces. */
void ledger_init(struct ledger *l, const struct conf *c);

/* The object with the key of O, or NULL; the same with what the ledger keeps beside it. */
const struct obj *ledger_find(const struct ledger *l, const struct obj *o);
struct node *ledger_find_node(const struct ledger *l, const struct obj *o);

/* Enters a change. */
void ledger_apply(struct ledger *l, const struct change *c);

/* C the other way round; the object that C is about, as it shall be, or was if it goes. */
struct change change_reversed(const struct change *c);
const struct obj *change_subject(const struct change *c);

/* True when A and B are the same object, with whatever values. */
bool obj_is_same(const struct obj *a, const struct obj *b);

/* Forgets everything in namespace NS but the namespace: the kernel removed it with it. */
void ledger_forget_ns(struct ledger *l, unsigned ns);

/*
 * Slots are named by kind of handle: PRIV_H_NS, PRIV_H_DEV, PRIV_H_PEER.  A free one that
 * may be given out, 0 when there is none (0 is never given out).
 */
unsigned ledger_free(const struct ledger *l, enum priv_handle_kind kind);

/* The handle of slot I; the slot that HANDLE names, -1 and WHY when there is none. */
uint32_t ledger_handle(const struct ledger *l, enum priv_handle_kind kind, unsigned i);
int ledger_find_handle(const struct ledger *l, enum priv_handle_kind kind, uint32_t handle,
    enum priv_reason *why);

/* Marks slot I used by a new object; its handle is a new one. */
void ledger_take(struct ledger *l, enum priv_handle_kind kind, unsigned i);

/*
 * Marks the slot of O free.  Handles that name it are stale at once, and stay so.
 * The default namespace and real interfaces keep theirs: x_link_find() frees those.
 */
void ledger_release(struct ledger *l, const struct obj *o);

/*
 * The table number that goes with slot PEER: downwards in the first range of C, then upwards in
 * the second (spec/kernel-state 7), so that the first free slot has the next free number; 0
 * when the ranges are at their end.
 */
uint32_t ledger_table(const struct conf *c, unsigned peer);

/* True for an interface of the configuration, false for a pseudo-interface and for lo. */
bool dev_is_real(unsigned i);

/* True when IFINDEX is that of an interface of the configuration. */
bool dev_is_managed(const struct ledger *l, int ifindex);

/* True when nothing of ours is on interface I of the default namespace, nor was it prepared. */
bool dev_is_free(const struct ledger *l, unsigned i);

#endif
