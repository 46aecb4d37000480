/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_QFACTS_H
#define NTKD_CORE_QFACTS_H

/*
 * The bridge from routing to the kernel: what a QSPN manager knows, as the facts from which
 * wanted state is computed (spec/kernel-state, ntkd/kernel/facts.h).
 */

#include "ntkd/core/qspn/qspn.h"
#include "ntkd/kernel/facts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the identity manager knows of an arc, and QSPN does not: device, MAC, link-local of the peer. */
typedef struct facts_arc qfacts_arc(uint32_t arc, void *arg);

/*
 * Fills F, which is initialised and empty, from Q, a manager in topology T: the address, the arcs in ascending order of
 * their numbers, each as ARC tells (ARC sets dev, peer_mac, peer_linklocal and closing; the
 * rest is filled in), and for every real destination all paths that others may see, best first.
 * The own link-locals and has_dev stay the caller's.  False when memory is exhausted or a limit of
 * facts.h is reached; F is then to be freed like any other.
 */
bool qfacts_make(const struct qspn *q, const struct topo *t, bool main, qfacts_arc *arc, void *arg,
    struct facts *f);

#ifdef __cplusplus
}
#endif

#endif
