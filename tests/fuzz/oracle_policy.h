/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_FUZZ_ORACLE_POLICY_H
#define NTK_TESTS_FUZZ_ORACLE_POLICY_H

/*
 * The policy of the helper a second time, slowly and in one list: written from the
 * specification of kernel state, the message table and the manual page, to be compared with
 * ntkd-priv/policy.c.  It shares nothing with that file but the words in which
 * both give their judgement, and uses neither the ledger nor the functions of common/.
 */

#include "ntkd-priv/policy.h"

enum { ORACLE_OBJECTS = 4096, ORACLE_HANDLES = 8192 };

/* A handle that was given out and lives. */
struct oracle_handle {
	uint32_t handle;
	uint16_t kind;
	uint16_t index;
	uint16_t ns;		/* of an interface: where it lies */
	uint16_t parent;	/* of a pseudo-interface */
	bool real;		/* an interface of the configuration */
	ntk_mac_t mac;		/* of a neighbour */
	uint32_t table;
};

struct oracle {
	const struct conf *conf;
	const struct host *host;
	struct obj v[ORACLE_OBJECTS];
	size_t n;
	struct oracle_handle handles[ORACLE_HANDLES];
	size_t n_handles;
	uint16_t born[PRIV_H_PEER + 1][LEDGER_PEERS];	/* how often an index was used */
};

/* The default namespace, lo, and those of C's interfaces that PRESENT (bit i: the i-th) says. */
void oracle_init(struct oracle *o, const struct conf *c, const struct host *h, unsigned present);

/* As policy_judge(). */
void oracle_judge(const struct oracle *o, const struct priv_op *op, struct ruling *out);

/* What was allowed was done. */
void oracle_enter(struct oracle *o, const struct change *c);

#endif
