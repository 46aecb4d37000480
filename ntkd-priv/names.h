/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_NAMES_H
#define NTKD_PRIV_NAMES_H

/*
 * Names of our tables for people who read `ip rule` and `ip route`: "ntk", and
 * "ntk_from_" with the neighbour's MAC in upper case (spec/kernel-state 7).  The
 * file is written whole and renamed into place.  Nothing depends on it, so what
 * goes wrong here is only logged.
 */

#include "ntkd-priv/ledger.h"

void names_write(const struct ledger *l);
void names_remove(void);

#endif
