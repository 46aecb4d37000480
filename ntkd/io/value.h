/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_VALUE_H
#define NTKD_IO_VALUE_H

/*
 * What we know, as JSON: the one vocabulary of INTERFACE for all verbs that show
 * something, and for events.  Functions that return JSON give it to the caller; NULL
 * when memory is exhausted, or where the text says so.
 */

#include <jansson.h>

#include "ntkd/io/daemon.h"
#include "ntkd/kernel/wanted.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	VALUE_MAIN_TABLE = 254,	/* RT_TABLE_MAIN: neighbour routes, spec/kernel-state 6 */
	VALUE_TABLE_NAME = 32,	/* room for "ntk_from_" and a hardware address */
};

/* Adds ITEM, which is taken.  A list that memory did not suffice for becomes NULL. */
void value_add(json_t **list, json_t *item);

json_t *value_mac(ntk_mac_t mac);
json_t *value_ip(ntk_ip_t addr);
json_t *value_prefix(ntk_ip_t addr, uint8_t len);
json_t *value_naddr(const struct conf *c, const struct naddr *n);
json_t *value_coord(struct coord c);
json_t *value_hops(const struct facts *f, const struct facts_path *p);

/* "2.1", the positions of the g-node at C as seen from ADDRESS, from the highest level down. */
json_t *value_gnode(const struct conf *c, const struct naddr *address, struct coord at);

/* "starting", "running", as show_local_identities tells it; static. */
const char *value_state(enum node_state state);

/* "1-2", the levels whose g-nodes Q keeps connected; NULL when there are none, or no Q. */
json_t *value_range(const struct qspn *q);

/*
 * A number for each own g-node of Q in topology T that is known, from level 0 up: how many nodes it has,
 * or its fingerprint.  NULL without Q.
 */
json_t *value_inside(const struct qspn *q, const struct topo *t, bool fingerprints);

/*
 * The identity-arcs of ID, be they live ones or of a state file: COUNT of them, to be free()d by the caller.
 * NULL when memory is exhausted.
 */
struct node_iarc *value_identity_arcs(const struct node *n, const struct node_identity *id,
    size_t *count);

/* Which of the identity-arcs of ID, as they are shown, the N-th of its facts is. */
json_int_t value_arc_index(const struct daemon *d, const struct node_identity *id, size_t n);

/* A number, left out of its object (NULL) when it is 0. */
json_t *value_unless_zero(uint32_t number);

/* What ip netns calls the namespace of ID; NULL while it has no name. */
json_t *value_namespace(const struct daemon *d, const struct node_identity *id);

/*
 * What managed interface DEV is to ID: itself, or the pseudo-interface on it ("ntkv1_0"), by its name and by
 * its hardware address; NULL while there is none.
 */
json_t *value_device(const struct daemon *d, const struct node_identity *id, unsigned dev);
json_t *value_device_mac(const struct daemon *d, const struct node_identity *id, unsigned dev);

/* The name and the number of MAC's table, KOBJ_NTK being ntk's; 0 while it has none. */
char *value_table_name(ntk_mac_t mac, char buf[VALUE_TABLE_NAME]);
uint32_t value_table_number(const struct daemon *d, ntk_mac_t mac);

/* "unicast", "unreachable", "blackhole"; static. */
const char *value_route_type(uint8_t type);

/* What the configuration contributes to wanted states. */
struct wanted_settings value_settings(const struct conf *c);

#ifdef __cplusplus
}
#endif

#endif
