/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_SERVE_H
#define NTKD_PRIV_SERVE_H

#include "ntkd-priv/txn.h"

/*
 * Checks and hellos that pass at once, and a second afterwards.  There are at most
 * LEDGER_NAMESPACES namespaces: each may be checked twice a second for ever, and four times at
 * once after links went down and up.
 */
enum { SERVE_LOOK_BURST = 4 * LEDGER_NAMESPACES, SERVE_LOOK_RATE = 2 * LEDGER_NAMESPACES };

/*
 * Serves ntkd until its socket closes: one request at a time, blocking.  True when
 * it ended in order; false when a message was malformed (which no healthy ntkd sends)
 * or the socket failed.  The caller undoes everything, either way.
 */
bool serve(const struct conf *c, struct ledger *l, struct txn *t);

#endif
