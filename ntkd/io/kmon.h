/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_KMON_H
#define NTKD_IO_KMON_H

/*
 * The kernel's notifications: two sockets in the default namespace, opened while the process is
 * root, through which the kernel also tells what happens in the namespaces that the helper has
 * given an id (NETLINK_LISTEN_ALL_NSID asks for CAP_NET_BROADCAST when the socket is opened, and
 * for nothing later).  They keep no namespace alive.
 *
 * Over the first one the kernel is also asked which interfaces there are, whenever what it told
 * is not all: so what is known of the managed ones (nics.h) is never older than the queue of
 * that socket.
 */

#include "ntkd/io/knote.h"
#include "ntkd/io/nics.h"

#ifdef __cplusplus
extern "C" {
#endif

struct daemon;
struct kmon;

enum { KMON_SOCKETS = 2 };	/* NETLINK_ROUTE, NETLINK_NETFILTER */

/*
 * Opens both, FDS being -1 where that fails, which is logged: the timer then finds what is
 * not told.  RULES need no interfaces yet.
 */
void kmon_open(const struct knote_rules *rules, int fds[KMON_SOCKETS]);

/*
 * Has the kernel drop, before they reach socket FD, routes that the helper changes and those of
 * tables that are not ours: their loading wakes nobody.  False with errno.
 */
bool kmon_filter(int fd, const struct knote_rules *rules);

/* Something concerns namespace NS, or all of them (DRIFT_ALL of drift.h). */
typedef void kmon_told(struct daemon *d, unsigned ns, struct knote note);

/*
 * Serves FDS, which are taken, in D's loop from kmon_start() on.  NULL when memory is
 * exhausted; FDS are then still the caller's.
 */
struct kmon *kmon_new(struct daemon *d, const struct knote_rules *rules,
    const int fds[KMON_SOCKETS], kmon_told *tell);
void kmon_free(struct kmon *m);

/*
 * Has TELL called for all that happens to the managed interfaces from kmon_start() on; what is
 * there then is told first.  Before kmon_start().  Without that socket nothing is ever told, and
 * false is returned.
 */
bool kmon_on_nics(struct kmon *m, nics_told *tell, void *arg);

/* The helper has introduced the interfaces. */
void kmon_start(struct kmon *m);

/* Reads now what the kernel has told about interfaces up to now. */
void kmon_catch_up(struct kmon *m);

/* Managed interface NIC as it is known now; NULL before kmon_on_nics(). */
const struct nic_state *kmon_nic(const struct kmon *m, size_t nic);

struct kmon_counters {
	uint64_t read;		/* notifications that reached us */
	uint64_t lost;		/* times that the kernel had to drop some */
};

/* Of M, zeroes for NULL. */
struct kmon_counters kmon_counters(const struct kmon *m);

#ifdef __cplusplus
}
#endif

#endif
