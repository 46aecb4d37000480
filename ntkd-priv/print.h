/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_PRINT_H
#define NTKD_PRIV_PRINT_H

/* Objects of the ledger, for people. */

#include "ntkd-priv/ledger.h"

enum { PRINT_OBJECT = 64 };	/* room for every object, NUL included */

/* "route", "neighbour route", …: at most 15 characters; static. */
const char *print_kind(uint8_t kind);

/* What object O is called: "10.0.0.16/30 table 250".  Cut at SIZE. */
void print_object(const struct ledger *l, const struct obj *o, char *buf, size_t size);

#endif
