/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_PEERS_H
#define NTKD_KERNEL_PEERS_H

/*
 * The neighbours that have table numbers (spec/kernel-state 7): what the helper
 * calls each and how many objects, in all namespaces, need it.
 */

#include "common/net.h"
#include "proto/privmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

struct peer {
	ntk_mac_t mac;
	uint32_t handle;	/* PRIV_HANDLE_NEW() while the transaction that takes it is under way */
	uint32_t table;		/* 0 until it was taken */
	size_t references;
	bool kept;		/* the helper refused to take it back: not asked again until used */
};

struct peers {
	struct peer *v;		/* owned; sorted by MAC */
	size_t n;
	size_t size;
};

void peers_free(struct peers *p);

/* The neighbour MAC, or NULL; valid until the next call that changes P. */
struct peer *peers_find(const struct peers *p, ntk_mac_t mac);

/* Enters MAC, which is not there, without handle and number.  False when memory is exhausted. */
bool peers_add(struct peers *p, ntk_mac_t mac);

void peers_remove(struct peers *p, ntk_mac_t mac);

/* Removes all that were entered but never got a number. */
void peers_remove_untaken(struct peers *p);

/* True when a neighbour has the table number. */
bool peers_have_table(const struct peers *p, uint32_t table);

#ifdef __cplusplus
}
#endif

#endif
