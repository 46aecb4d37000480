/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_TXN_H
#define NTKD_KERNEL_TXN_H

/*
 * From changes to the helper's transactions and back: the kernel as the daemon
 * knows it.
 *
 * A `kernel` holds, for every namespace, the state that was last applied and the
 * state that is wanted, and what the helper calls things (handles).  It does no
 * I/O: kernel_next() gives the bytes of the next request, kernel_answer() takes
 * the bytes of an answer.  At most one transaction is under way; wanted states
 * that change meanwhile are compared again afterwards, so what is applied only
 * ever lags, it never goes astray.  The same object drives the helper in the
 * daemon and a fake kernel in the simulator and the tests.
 *
 * A check has the helper compare a namespace with what was made in it and make it so
 * again.  Nothing that is held here changes by it.
 *
 * Namespaces are served in the order in which kernel_want() asked for them.  What does
 * not fit into one transaction (PRIV_TXN_OPS operations; nothing after a removed
 * pseudo-interface) becomes several, each of which leaves an allowed state; when one of
 * them is refused the way is walked back, so that all of it was done or nothing.
 *
 * Table numbers (kernel-state 7): a neighbour's MAC is taken with its first
 * object and given back, in a transaction of its own, after the one that removed the
 * last, unless a wanted state that waits needs it again.
 */

#include "common/conf.h"
#include "ntkd/kernel/diff.h"
#include "ntkd/kernel/kset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kernel;

enum { KERNEL_NAMESPACES = 64 };	/* the default one and those of connectivity identities */

/* An interface as the helper introduced it; index as in the configuration. */
struct kernel_dev {
	bool present;
	uint32_t ifindex;
	ntk_mac_t mac;
};

/* A transaction's end, told to whoever asked for it. */
struct kernel_result {
	bool ok;
	struct priv_refusal refusal;	/* when not ok; see kernel_refusal_text() */
};

/* NS is the number of the namespace, 0 the default one.  ARG as given to kernel_new(). */
typedef void kernel_done(unsigned ns, const struct kernel_result *result, void *arg);

/*
 * A kernel for N_DEVS managed interfaces.  DONE is called from kernel_answer(), or from
 * kernel_next() when there was nothing to do or nothing could be sent, once for
 * every wanted state that was begun: when the namespace has it, or when it was refused.
 * A refused namespace keeps its applied state, and its wanted state goes back to that
 * until kernel_want() is called again.  A refusal may be our own (memory, a namespace that
 * may not go): its operation is then empty.  NULL when memory is exhausted.
 */
struct kernel *kernel_new(size_t n_devs, kernel_done *done, void *arg);
void kernel_free(struct kernel *k);

/*
 * Sets the wanted state of namespace NS (below KERNEL_NAMESPACES); takes the
 * contents of WANT, sorted, which is empty afterwards.  An empty set removes the
 * namespace (not allowed for 0).  LABEL is shown inside a new namespace.  Answered by DONE,
 * also when there was nothing to do (then from the next kernel_next()).  A state that
 * was not begun yet is replaced, and the two are answered once.
 */
void kernel_want(struct kernel *k, unsigned ns, struct kset *want, uint32_t label);

/*
 * Asks for a rehearsal of WANT for namespace NS: done and undone at once, DONE is
 * called, nothing changes.  Takes the contents of WANT, sorted.  Rehearsals asked for
 * before the first kernel_want() come before it.  What needs several transactions cannot
 * be rehearsed.
 */
void kernel_rehearse(struct kernel *k, unsigned ns, struct kset *want);

/*
 * What a check of a namespace came to.  V holds the first N differences and is valid
 * during the call; their fates and TOTAL agree.
 */
struct kernel_found {
	bool ok;
	struct priv_refusal refusal;	/* when not ok: too often, or the namespace is gone */
	struct priv_checked total;
	const struct priv_difference *v;
	size_t n;
};
typedef void kernel_checked(unsigned ns, const struct kernel_found *found, void *arg);

/* Has WHAT called for the end of every check, from kernel_answer() or kernel_next().  NULL: nothing. */
void kernel_on_checked(struct kernel *k, kernel_checked *what, void *arg);

/*
 * Asks for a check of namespace NS (below KERNEL_NAMESPACES), in turn with states; once
 * more while it waits changes nothing.  Answered once: not OK, with a refusal of
 * our own (PRIV_R_ABSENT), when NS has no namespace by the time it would begin.
 */
void kernel_check(struct kernel *k, unsigned ns);

/*
 * Interface I of the configuration has gone, or is another one now: it counts as absent at once.  When no
 * namespace has anything on it any more, which is for the wanted states to see to, the helper is told
 * to let it go, and then asked which interfaces there are.
 */
void kernel_let_go(struct kernel *k, size_t i);

/*
 * Asks the helper which interfaces there are, when nothing is under way.  Those on which something is stay
 * what they were.  WHAT is called from kernel_answer() whenever that was answered; OK is false when it was
 * asked too often, and should be asked again later.
 */
void kernel_look(struct kernel *k);
typedef void kernel_looked(bool ok, void *arg);
void kernel_on_looked(struct kernel *k, kernel_looked *what, void *arg);

/*
 * Writes the next message for the helper to BUF (PRIV_MSG_MAX bytes) and returns
 * its length; 0 when there is nothing to send now.  The first message is hello.
 * A large transaction is several messages: call again until 0.
 */
size_t kernel_next(struct kernel *k, uint8_t *buf);

/*
 * Takes one answer of LEN bytes.  False when it is not a valid answer to what was sent
 * (ERR then tells); the helper must not be trusted any further then.
 */
bool kernel_answer(struct kernel *k, const uint8_t *buf, size_t len, struct msg_error *err);

/* True when hello was answered. */
bool kernel_is_up(const struct kernel *k);

/* True when a request waits for its answer. */
bool kernel_is_busy(const struct kernel *k);

/* Interface I of the configuration in namespace NS; zeroes where there is none. */
struct kernel_dev kernel_device(const struct kernel *k, unsigned ns, size_t i);

/* The number in the helper's name of namespace NS ("ntkv3"), 0 when it has none. */
uint32_t kernel_ns_number(const struct kernel *k, unsigned ns);

/*
 * The namespace that the kernel's notifications call ID; KERNEL_NAMESPACES when it is none of
 * those that the helper made.
 */
unsigned kernel_ns_called(const struct kernel *k, uint32_t id);

/* The table number of MAC (KOBJ_NTK: 0, the caller knows it), 0 when it has none. */
uint32_t kernel_table(const struct kernel *k, ntk_mac_t mac);

/* MACs that have numbers: fills up to SIZE of V, returns how many there are. */
struct kernel_peer {
	ntk_mac_t mac;
	uint32_t table;
	size_t references;	/* objects that need it, in all namespaces */
};
size_t kernel_peers(const struct kernel *k, struct kernel_peer *v, size_t size);

/* The applied state of NS; valid until the next call that takes K. */
const struct kset *kernel_applied(const struct kernel *k, unsigned ns);

struct kernel_counters {
	uint64_t transactions;
	uint64_t operations;
	uint64_t refused;
	uint64_t checks;	/* answered by the helper */
	uint64_t checks_refused;
};
struct kernel_counters kernel_counters(const struct kernel *k);

/* The refusal as a sentence: operation, object, reason, the kernel's words; returns BUF. */
enum { KERNEL_REFUSAL_TEXT = 400 };
char *kernel_refusal_text(const struct priv_refusal *r, char *buf);

#ifdef __cplusplus
}
#endif

#endif
