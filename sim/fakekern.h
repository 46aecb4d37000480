/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_FAKEKERN_H
#define NTK_SIM_FAKEKERN_H

/*
 * A kernel with its helper, in memory: takes the messages that ntkd-priv takes and
 * gives the answers it would give, handles, generations and table numbers included;
 * a transaction happens whole or not at all.
 *
 * After every single operation it judges the order of things by spec/kernel-state 8.
 * The first operation that breaks a rule is kept as the fault, which
 * stays whatever happens later; so do messages that no healthy daemon sends.
 * For unit tests, fuzzers and the simulator; it uses no test framework.  Memory that ends after
 * fakekern_new() ends the process.
 */

#include "common/conf.h"
#include "ntkd/kernel/kset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct fakekern;

/* The id of a namespace is its number and this. */
enum { FAKEKERN_ID = 100 };

struct fakekern_setup {
	size_t n_devs;				/* managed interfaces, all present at first */
	struct conf_tables tables;		/* as in the configuration */
	struct conf_tables more_tables;
};

/* NULL when memory is exhausted. */
struct fakekern *fakekern_new(const struct fakekern_setup *setup);
void fakekern_free(struct fakekern *fk);

/*
 * Takes one message and writes the answer to OUT (PRIV_MSG_MAX bytes).  Returns its
 * length, 0 when more parts of a transaction must come first, -1 when the message is
 * malformed: a real helper would undo everything and exit.
 */
int fakekern_message(struct fakekern *fk, const uint8_t *buf, size_t len, uint8_t *out);

/* The next transaction that reaches operation K is refused there, for REASON. */
void fakekern_refuse(struct fakekern *fk, size_t k, enum priv_reason reason);

/*
 * Somebody else touches an object that was made here.  Changing or removing it with an
 * operation heals it, as a check does where that can be.  False when there is none with O's key.
 */
enum fakekern_harm {
	FAKEKERN_WHOLE,
	FAKEKERN_LOST,		/* a check puts it back */
	FAKEKERN_STUCK,		/* it is lost, and a check fails to put it back */
	FAKEKERN_TAKEN,		/* somebody else's stands in its place, which a check leaves alone */
};
bool fakekern_harm(struct fakekern *fk, uint32_t number, const struct kobj *o,
    enum fakekern_harm harm);

/* N objects more with our label that were not made here: the next check removes them. */
void fakekern_litter(struct fakekern *fk, uint32_t number, uint32_t n);

/*
 * The name of managed interface I is IFINDEX's from now on, 0: nobody's.  At the start they are numbers
 * 2, 3, and so on.
 */
void fakekern_name(struct fakekern *fk, size_t i, uint32_t ifindex);

/* The next check is refused for REASON. */
void fakekern_refuse_check(struct fakekern *fk, enum priv_reason reason);

/* The first rule that was broken, as a sentence; NULL when none was. */
const char *fakekern_fault(const struct fakekern *fk);

/* Has WATCH called after every operation that was done, with ARG.  NULL: none any more. */
typedef void fakekern_watcher(struct fakekern *fk, const struct priv_op *op, void *arg);
void fakekern_watch(struct fakekern *fk, fakekern_watcher *watch, void *arg);

/*
 * What is in the namespace with NUMBER in its name (0: the default one), but for what was
 * harmed: fills OUT, sorted, which the caller initialised.  False when there is none or memory is exhausted.
 */
bool fakekern_state(const struct fakekern *fk, uint32_t number, struct kset *out);

/* True when the namespace holds an object with the key of O; VALUE gets it unless NULL. */
bool fakekern_find(const struct fakekern *fk, uint32_t number, const struct kobj *o,
    struct kobj *value);

/* Namespaces, the default one not counted; neighbours that have a table number. */
size_t fakekern_namespaces(const struct fakekern *fk);
size_t fakekern_peers(const struct fakekern *fk);

/* The table number of MAC, 0 when it has none. */
uint32_t fakekern_table(const struct fakekern *fk, ntk_mac_t mac);

#ifdef __cplusplus
}
#endif

#endif
