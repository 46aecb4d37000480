/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_CHECK_H
#define NTKD_PRIV_CHECK_H

/*
 * The ledger of one namespace and what the kernel has there, compared and repaired.
 *
 * The ledger says what shall be there.  What is missing or altered is put back; what
 * carries our label and is not in the ledger is removed; what is somebody else's stays,
 * also where it stands in the place of one of ours.  The ledger does not change, so
 * that what cannot be put back now is tried again by the next check.
 *
 * Not put back: a real interface that is down (its administrator decides that), a namespace
 * or pseudo-interface that is gone (its handle would name another thing), the name of a
 * namespace.
 */

#include "ntkd-priv/ledger.h"

struct findings {
	struct priv_checked totals;
	struct priv_difference v[PRIV_DIFFERENCES];	/* the first of them */
	uint16_t n;
};

/* Checks namespace NS of L.  Nothing is logged here: the one who asked tells what was found. */
void check_namespace(const struct conf *c, struct ledger *l, unsigned ns, struct findings *out);

/*
 * The same for the addresses, routes and rules of the default namespace alone, by the labels of
 * any configuration C.  0, or why they cannot be listed.
 */
int check_labels(const struct conf *c, struct ledger *l, struct findings *out);

#endif
