/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_WIRE_H
#define NTKD_IO_WIRE_H

/*
 * Between the node and the network: what node_next() gives out becomes datagrams (radar.h) and
 * connections (link.h), and what comes in becomes calls of the node.  It decides nothing.
 *
 * Whatever comes in ends with daemon_pump(), which calls wire_act() with what the node wants done
 * and wire_arm() when it has nothing more.
 */

#include "ntkd/core/node.h"
#include "ntkd/io/link.h"
#include "ntkd/io/nics.h"
#include "ntkd/io/radar.h"

#ifdef __cplusplus
extern "C" {
#endif

struct daemon;
struct wire;

/* One in D's loop; nothing is open.  NULL when memory is exhausted. */
struct wire *wire_new(struct daemon *d);
void wire_free(struct wire *w);

/* Carries A out.  Events (NODE_EVENT) are not for it. */
void wire_act(struct wire *w, const struct node_action *a);

/* Has the node's deadline served. */
void wire_arm(struct wire *w);

/* An interface came, went, or lost its carrier (nics.h). */
void wire_nic(struct wire *w, size_t nic, enum nic_news news, const struct nic_state *now);

/* Connections that still send what they were given before they were closed. */
size_t wire_leaving(const struct wire *w);

/* Zeroes for NULL. */
struct link_counters wire_links(const struct wire *w);
struct radar_counters wire_radar(const struct wire *w, size_t nic);

#ifdef __cplusplus
}
#endif

#endif
