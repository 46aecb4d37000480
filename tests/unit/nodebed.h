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

enum { TOWN_SYSTEMS = 16 };

struct town_event;

struct town_system {
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
	bool cut;			/* nothing comes in or out: what is sent is lost */
	unsigned refuse;		/* so many transactions more are refused by its helper */
	unsigned events[NODE_EVENTS];	/* that it told */
};

/* Calls with such a number were forged by the test: their answers are kept for it and go nowhere. */
#define TOWN_FORGED UINT32_C(0x80000000)
enum { TOWN_ANSWERS = 256 };

struct town {
	struct town_system sys[TOWN_SYSTEMS];
	size_t n;
	uint64_t now;			/* µs */
	uint64_t seq;
	struct rng rng;
	struct town_event *v;		/* a heap */
	size_t n_events, size;
	struct town_pipe *pipes;
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
	struct {
		uint32_t call;
		enum peer_kind kind;
		uint8_t error;
	} answer[TOWN_ANSWERS];	/* to forged calls, the last ones */
	size_t n_answers;
};

void town_init(struct town *b, uint64_t seed);
void town_free(struct town *b);

/* Adds a system, not running: configuration TEXT, its interfaces' MACs. Its index. */
size_t town_add(struct town *b, const char *name, const char *text, const ntk_mac_t *macs);

/* Starts system I; its interfaces are up at once.  False when memory is exhausted. */
bool town_start(struct town *b, size_t i);

/* Ends it without a word, as kill -9 does: its connections close. */
void town_kill(struct town *b, size_t i);

/* To be called after a verb was given to I: carries out what it led to. */
void town_poke(struct town *b, size_t i);

/* Goes on until UNTIL, µs. */
void town_run(struct town *b, uint64_t until);

/* Goes on until DONE, at most for LIMIT µs; false when it took longer or a fault was found. */
typedef bool town_done(struct town *b, void *arg);
bool town_wait(struct town *b, town_done *done, void *arg, uint64_t limit);

#ifdef __cplusplus
}
#endif

#endif
