/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_X_NETNS_H
#define NTKD_PRIV_X_NETNS_H

/*
 * Network namespaces: the four things for which CAP_SYS_ADMIN is kept.
 *
 * A namespace is made, bound to a name of ours in the names directory
 * ("ntkv1", "ntkv2", …: `ip netns` shows them to the administrator) and from
 * then on reached through the descriptor and the netlink sockets opened inside it:
 * it is entered at its making, and when a check looks at its settings.
 *
 * In the default namespace it gets an id, so that sockets of ntkd hear of its changes
 * (NETLINK_LISTEN_ALL_NSID): its number, or a later one when others have that.
 */

#include "ntkd-priv/ledger.h"
#include "common/nlq.h"

/* Names of namespaces and of the pseudo-interfaces in them begin with this. */
#define NETNS_PREFIX "ntkv"

enum { NETNS_NAME = 16 };	/* room for a name, NUL included */

/* Opens the default namespace, in which the process is; 0 or errno. */
int x_netns_open_default(struct ledger *l);

/*
 * Makes what OBJ_NS stands for in other namespaces, or has it removed: by x_netns_close(),
 * before the slot is used again.  0 or errno.
 */
int x_netns_change(struct ledger *l, const struct change *ch, struct nlq_error *err);

enum { NETNS_LO = 1 };	/* index of lo in every namespace */

/* Writes the name of the namespace with NUMBER; NAME has NETNS_NAME bytes. */
void x_netns_name(uint32_t number, char *name);

/* 0 when the name of N still shows it; else ENOENT or EEXIST. */
int x_netns_name_look(const struct ns *n);

/* As x_sysctl_check(), for namespace NS of L. */
int x_netns_settings_check(const struct ledger *l, unsigned ns, bool *right);

/*
 * Removes what shall be removed.  Apart, because taking interfaces down waits for the kernel
 * (several ms each), and nothing of it can fail: the caller of a drop need not wait for it.
 */
void x_netns_close(struct ledger *l);

/*
 * Removes the name of namespace NUMBER if what it shows is the namespace (DEV, INO), or an
 * empty file of our own; anything else that stands there is somebody else's.  True
 * when it is gone; else what is in the way is logged.
 */
bool x_netns_remove_name(uint32_t number, dev_t dev, ino_t ino);

/*
 * Silences our pseudo-interfaces in the namespace (DEV, INO) of a previous life, if the
 * name NUMBER still shows it.
 */
void x_netns_silence_former(const struct ledger *l, uint32_t number, dev_t dev, ino_t ino);

#endif
