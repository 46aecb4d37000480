/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_TOWN_H
#define NTK_SIM_TOWN_H

/*
 * Whole systems in virtual time: the daemon's own node and kernel objects, a fake kernel each that
 * judges the order of every operation, and segments, which are broadcast domains, between their
 * interfaces.  Messages are encoded and decoded; those of one connection arrive in order, later where
 * one was lost and had to be sent again.  Equal seeds and calls give equal courses, to the byte
 * (town.hash).  Memory that ends in the course of it ends the process.
 */

#include <stdio.h>

#include "common/conf.h"
#include "ntkd/core/node.h"
#include "ntkd/kernel/txn.h"
#include "sim/fakekern.h"
#include "sim/heap.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	TOWN_SYSTEMS = 32,
	TOWN_SEGMENTS = 64,
	TOWN_CHANCE = 1000000,		/* probabilities are in millionths */
	TOWN_RESEND = 200000,		/* µs until what a connection lost is sent again; doubles … */
	TOWN_SILENCE = 3500000,		/* … until so many µs have passed: both ends lose the connection */
};

struct town;
struct town_event;

/* What happens to messages between interfaces.  The first one is there from the beginning. */
struct town_segment {
	uint64_t latency;	/* µs, one way … */
	uint64_t jitter;	/* … and up to so much more */
	uint32_t loss;		/* of datagrams for good, of connections until they are sent again */
	uint32_t twice;		/* datagrams that come twice */
};

struct town_system {
	struct town *town;
	const char *name;
	struct conf conf;
	struct node *node;		/* NULL: not running */
	struct kernel *kernel;
	struct fakekern *fake;
	ntk_mac_t mac[CONF_INTERFACES];
	unsigned segment[CONF_INTERFACES];	/* 0 unless set after town_add() */
	bool unplugged[CONF_INTERFACES];	/* no carrier: see town_carrier() */
	ntk_ip_t address[CONF_INTERFACES];	/* listened on, 0: none */
	ntk_mac_t pseudo[KERNEL_NAMESPACES][CONF_INTERFACES];
	unsigned made;			/* pseudo-interfaces so far */
	uint32_t life;			/* of this run: what was sent to a former one is lost */
	bool cut;			/* nothing comes in or out: what is sent is lost */
	unsigned refuse;		/* so many transactions more are refused by its helper */
	bool refusing;			/* it was told to refuse the next one */
	unsigned events[NODE_EVENTS];	/* that it told */
};

/* Calls with such a number were forged by the test: their answers are kept for it and go nowhere. */
#define TOWN_FORGED UINT32_C(0x80000000)
enum { TOWN_ANSWERS = 256 };

struct town_count {
	uint64_t messages;	/* over connections */
	uint64_t datagrams;	/* said; each may be heard by many */
	uint64_t bytes;		/* of both, frames included */
	uint64_t lost;		/* datagrams that one interface did not hear */
	uint64_t twice;
	uint64_t resent;
	uint64_t broken;	/* connections that lost too much */
	uint64_t unanswered;	/* calls whose time was over */
	uint64_t arcs_removed;	/* ends of arcs */
	uint64_t operations;	/* of kernels */
};

/* Called after every operation that the kernel of system I did. */
typedef void town_watcher(struct town *b, size_t i, void *arg);

struct town {
	struct town_system sys[TOWN_SYSTEMS];
	size_t n;
	struct town_segment segment[TOWN_SEGMENTS];
	uint64_t now;			/* µs */
	struct rng rng;
	struct heap heap;
	struct town_pipe *pipes;
	size_t n_pipes, pipes_size;
	size_t n_held;
	uint64_t kernel_delay;		/* µs until a transaction is answered, up to */
	uint64_t changed;		/* when a kernel did its last operation */
	town_watcher *watch;
	void *watch_arg;
	struct town_count count;
	uint64_t hash;			/* of everything that happened: what, where, when, with which bytes */
	FILE *talk;			/* where events are told, NULL: nowhere */
	const char *fault;		/* the first invariant or rule that broke, NULL: none */
	char why[256];
	struct {
		uint32_t call;
		enum peer_kind kind;
		uint8_t error;
	} answer[TOWN_ANSWERS];	/* to forged calls, the last ones */
	size_t n_answers;
};

void town_init(struct town *b, uint64_t seed);
void town_free(struct town *b);

/*
 * Adds a system, not running: its configuration, its interfaces' MACs, which are copied; NAME is borrowed.
 * Returns its index.  There is room for TOWN_SYSTEMS; one more ends the process.
 */
size_t town_add(struct town *b, const char *name, const struct conf *c, const ntk_mac_t *macs);

/* The same with the text of a configuration, which must be right. */
size_t town_add_text(struct town *b, const char *name, const char *text, const ntk_mac_t *macs);

/*
 * Starts system I, which does not run; its interfaces are up at once, but for those without a carrier.  False
 * when memory is exhausted: it does not run.
 */
bool town_start(struct town *b, size_t i);

/* Ends it without a word, as kill -9 does: its connections close. */
void town_kill(struct town *b, size_t i);

/* Interface DEV of system I loses its carrier or has it again; what is on its way to it is lost. */
void town_carrier(struct town *b, size_t i, unsigned dev, bool up);

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
