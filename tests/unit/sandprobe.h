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

/*
 * Prints the rules as an auditor wants to see them, and checks that each has its
 * reason.  WHO heads the list.
 */
void sandprobe_list(const struct sandprobe *p, const char *who);

#endif
