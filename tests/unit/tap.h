/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_TAP_H
#define NTK_TESTS_UNIT_TAP_H

/*
 * Unit tests: functions with CUnit's assertions, run in order, reported as TAP
 * (the Test Anything Protocol), one line per function and one diagnostic line
 * per failed assertion.
 *
 *	int
 *	main(void)
 *	{
 *		static const struct tap_test tests[] = {
 *			{ "parses a topology", test_parse },
 *		};
 *		return TAP_RUN(tests);
 *	}
 */

#include <CUnit/CUnit.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tap_test {
	const char *name;
	void (*run)(void);
};

/*
 * Runs the N tests and returns the exit status of the program: 0 when none
 * failed, 1 when one did, 99 when the harness itself could not work.
 */
int tap_run(const struct tap_test *tests, size_t n);

#define TAP_RUN(tests_)	tap_run((tests_), sizeof(tests_) / sizeof((tests_)[0]))

/*
 * Marks the running test as skipped, for the reason WHY (printf-like).  An
 * assertion that failed in it still counts.  The caller returns afterwards.
 */
void tap_skip(const char *why, ...) __attribute__((format(printf, 1, 2)));

/* Prints one diagnostic line (printf-like), for the log of the test. */
void tap_note(const char *what, ...) __attribute__((format(printf, 1, 2)));

/*
 * Fails the running test unless the complaint IS begins with BEGIN and has PART in it, and notes all three and
 * which one of many it was: NTH, from 0.
 */
void tap_complaint(size_t nth, const char *is, const char *begin, const char *part);

/* Top of the source tree: NTK_SRCDIR of the environment, else ".". */
const char *tap_srcdir(void);

/*
 * Directory with the reference data of the specification: NTK_REFERENCE of the
 * environment, else ../shared/reference beside the source tree.  NULL when
 * there is none; a test that needs it then skips.
 */
const char *tap_reference(void);

#ifdef __cplusplus
}
#endif

#endif
