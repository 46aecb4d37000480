/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_POLICY_H
#define NTKD_PRIV_POLICY_H

/*
 * The only place that says yes.
 *
 * A pure function of what root configured, what the host routed before we came,
 * what is in the ledger, and the request.  It reads no clock, calls no kernel and
 * changes nothing, so it can be tested exhaustively and fuzzed.
 *
 * What a wholly hostile ntkd can obtain is what this file allows: addresses and
 * routes of the configured range in our own tables, link-local addresses and
 * neighbour routes on managed interfaces, marks in our bits, pseudo-interfaces and
 * namespaces of our own making, forwarding switched on.
 */

#include "ntkd-priv/ledger.h"

enum { HOST_ROUTES = 256 };

/* Prefixes inside the range or 169.254/16 that the host routed before we came. */
struct host {
	size_t n;
	ntk_prefix_t v[HOST_ROUTES];
};

struct policy {
	const struct conf *conf;
	struct host host;
};

struct ruling {
	enum priv_reason reason;	/* PRIV_R_OK: allowed */
	const char *field;		/* static; what was wrong, "" for the whole */
	uint32_t value;			/* of that field */
	bool value_is_ip;		/* how to print it */
	struct change change;		/* what to do, when allowed */
};

/*
 * Judges OP, whose fields have passed the bounds of the message table and whose
 * references to objects of the same transaction are already handles.
 */
void policy_judge(const struct policy *p, const struct ledger *l, const struct priv_op *op,
    struct ruling *out);

#endif
