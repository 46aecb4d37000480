/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_STARVE_H
#define NTK_TESTS_UNIT_STARVE_H

/*
 * Memory that runs out when the test wants it to.  The program is linked with --wrap for malloc,
 * calloc and realloc (starve_ldflags in Makefile.am), so these stand before the C library's.
 */

#include <stdbool.h>
#include <stdint.h>

/* The K-th allocation from now on fails, and no other; 0: none does.  Forgets what was before. */
void starve(uint64_t k);

/* Allocations succeed from now on; starved() still tells what was. */
void starve_end(void);

/* True when one has failed since starve(). */
bool starved(void);

#endif
