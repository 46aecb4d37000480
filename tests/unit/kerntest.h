/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_KERNTEST_H
#define NTK_TESTS_UNIT_KERNTEST_H

/*
 * What the tests of ntkd/kernel share: settings, invented facts, and a kernel
 * that talks to a fake one.  It uses no test framework, so fuzzers use it too.
 */

#include "common/rng.h"
#include "ntkd/kernel/txn.h"
#include "ntkd/kernel/wanted.h"
#include "sim/fakekern.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A configuration with TOPOLOGY, range 10.0.0.0/8, interfaces eth1 … ethN,
 * anonymous contact both ways, no private subnet, the default tables.  Aborts when
 * TOPOLOGY is none.
 */
void kerntest_conf(struct conf *c, const char *topology, size_t n_devs);

/* What of C concerns wanted states. */
struct wanted_settings kerntest_settings(const struct conf *c);

/*
 * Invents facts that pass facts_check(): few MACs, link-locals and positions to choose
 * from, so that two inventions share much.  F is initialised by the call.
 */
void kerntest_invent(struct rng *r, const struct conf *c, bool main, struct facts *f);

/* Invents facts that differ from those of OLD in some things; F is initialised by the call. */
void kerntest_vary(struct rng *r, const struct conf *c, const struct facts *old, struct facts *f);

/* A kernel and its fake, and what the kernel said was done. */
struct rig {
	struct kernel *kernel;
	struct fakekern *fake;
	size_t n_done;			/* answers so far */
	size_t n_refused;
	unsigned ns;			/* of the last one */
	struct kernel_result last;
	size_t n_checked;		/* checks that ended */
	unsigned checked_ns;		/* of the last one */
	struct kernel_found found;	/* likewise; its V is not valid any more */
	size_t n_looked;		/* answers to hellos but the first */
	size_t n_looked_refused;
	size_t messages;
	size_t transactions;
	bool failed;			/* an answer was not understood */
};

/* False when memory is exhausted. */
bool rig_init(struct rig *r, const struct conf *c);
void rig_free(struct rig *r);

/* Carries one message to the fake and its answer back; false when there was none. */
bool rig_step(struct rig *r);

/* Steps until nothing is left to do. */
void rig_run(struct rig *r);

/* Wants a copy of WANT for NS and runs; true when that was done. */
bool rig_bring(struct rig *r, unsigned ns, const struct kset *want);

/* True when NS is WANT, in the fake kernel as in what is thought to be applied. */
bool rig_has(const struct rig *r, unsigned ns, const struct kset *want);

#ifdef __cplusplus
}
#endif

#endif
