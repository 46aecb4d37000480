/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_SANDPROBE_H
#define NTK_TESTS_UNIT_SANDPROBE_H

/*
 * Tries system calls under a real filter, each in a child of its own.  Children end
 * through the system call itself: a sanitizer's or CUnit's way out would need more.
 */

#include "common/scfilter.h"

struct sandprobe {
	const struct sc_rule *rules;
	size_t n;
};

/* CALL must be killed by the filter; it must be let through and return 0. */
void sandprobe_dies(const struct sandprobe *p, int (*call)(void));
void sandprobe_lives(const struct sandprobe *p, int (*call)(void));

/* In development mode CALL ends the process, and the last line on standard error names it NAME. */
void sandprobe_names(const struct sandprobe *p, int (*call)(void), const char *name);

/*
 * Calls that enter the kernel by another door than the native one: 32-bit code, and x32.  On
 * other machines than x86-64, and kernels without that door, these tests are skipped.
 */
void sandprobe_other_doors(const struct sandprobe *p);

/*
 * Prints the rules as an auditor wants to see them, and checks that each has its
 * reason.  WHO heads the list.
 */
void sandprobe_list(const struct sandprobe *p, const char *who);

#endif
