/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_NODEBED_H
#define NTK_TESTS_UNIT_NODEBED_H

/*
 * Whole systems in virtual time: the daemon's own node and kernel objects, a fake kernel each that
 * judges the order of every operation, and one broadcast domain between their interfaces.
 * Messages are encoded and decoded; those of one connection arrive in order.  Equal seeds give
 * equal courses.  It uses no test framework.
 */

#include "common/conf.h"
#include "ntkd/core/node.h"
#include "ntkd/kernel/txn.h"
#include "tests/unit/fakekern.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BED_SYSTEMS = 16 };

struct bed_event;

struct bed_system {
	const char *name;
	struct conf conf;
	struct node *node;		/* NULL: not running */
	struct kernel *kernel;
	struct fakekern *fake;
	ntk_mac_t mac[CONF_INTERFACES];
	ntk_ip_t address[CONF_INTERFACES];	/* listened on, 0: none */
	ntk_mac_t pseudo[KERNEL_NAMESPACES][CONF_INTERFACES];
	unsigned made;			/* pseudo-interfaces so far */
	uint32_t life;			/* of this run: what was sent to a former one is lost */
};

struct bed {
	struct bed_system sys[BED_SYSTEMS];
	size_t n;
	uint64_t now;			/* µs */
	uint64_t seq;
	struct rng rng;
	struct bed_event *v;		/* a heap */
	size_t n_events, size;
	struct bed_pipe *pipes;
	size_t n_pipes, pipes_size;
	size_t n_held;
	uint64_t latency;		/* µs, one way … */
	uint64_t jitter;		/* … and up to so much more */
	uint32_t loss;			/* of datagrams, per thousand */
	uint64_t kernel_delay;		/* µs until a transaction is answered, up to */
	bool talk;			/* events on standard output */
	const char *fault;		/* the first invariant or rule that broke, NULL: none */
	char why[256];
	uint64_t messages;
};

void bed_init(struct bed *b, uint64_t seed);
void bed_free(struct bed *b);

/* Adds a system, not running: configuration TEXT, its interfaces' MACs. Its index. */
size_t bed_add(struct bed *b, const char *name, const char *text, const ntk_mac_t *macs);

/* Starts system I; its interfaces are up at once.  False when memory is exhausted. */
bool bed_start(struct bed *b, size_t i);

/* Ends it without a word, as kill -9 does: its connections close. */
void bed_kill(struct bed *b, size_t i);

/* To be called after a verb was given to I: carries out what it led to. */
void bed_poke(struct bed *b, size_t i);

/* Goes on until UNTIL, µs. */
void bed_run(struct bed *b, uint64_t until);

/* Goes on until DONE, at most for LIMIT µs; false when it took longer or a fault was found. */
typedef bool bed_done(struct bed *b, void *arg);
bool bed_wait(struct bed *b, bed_done *done, void *arg, uint64_t limit);

#ifdef __cplusplus
}
#endif

#endif
