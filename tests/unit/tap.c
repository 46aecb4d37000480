/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TAP_PASS = 0, TAP_FAIL = 1, TAP_ERROR = 99 };

/* CUnit's callbacks carry no argument of ours, so what they count lies here. */
static struct {
	unsigned number;		/* of the test that runs, from 1 */
	unsigned failed;
	const char *name;
	char skip[200];
} now;

void
tap_skip(const char *why, ...)
{
	va_list ap;

	va_start(ap, why);
	vsnprintf(now.skip, sizeof(now.skip), why, ap);
	va_end(ap);
}

void
tap_note(const char *what, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, what);
	vprintf(what, ap);
	va_end(ap);
	putchar('\n');
}

void
tap_complaint(size_t nth, const char *is, const char *begin, const char *part)
{
	if (strncmp(is, begin, strlen(begin)) == 0 && strstr(is, part) != NULL)
		return;
	CU_FAIL("another complaint");
	tap_note("%zu: \"%s\" instead of \"%s...%s\"", nth, is, begin, part);
}

const char *
tap_srcdir(void)
{
	const char *dir = getenv("NTK_SRCDIR");

	return dir != NULL && *dir != '\0' ? dir : ".";
}

const char *
tap_reference(void)
{
	static char path[PATH_MAX];
	const char *dir = getenv("NTK_REFERENCE");
	struct stat st;

	if (dir == NULL || *dir == '\0') {
		snprintf(path, sizeof(path), "%s/../shared/reference", tap_srcdir());
		dir = path;
	}
	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) ? dir : NULL;
}

static void
test_start(const CU_pTest test, const CU_pSuite suite)
{
	(void)suite;
	now.number++;
	now.name = test->pName;
	now.skip[0] = '\0';
}

static void
test_complete(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
	(void)test;
	(void)suite;
	printf("%s %u - %s", failures != NULL ? "not ok" : "ok", now.number, now.name);
	if (failures == NULL && now.skip[0] != '\0')
		printf(" # SKIP %s", now.skip);
	putchar('\n');
	for (CU_pFailureRecord f = failures; f != NULL; f = f->pNext)
		printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
	now.failed += failures != NULL;
	fflush(stdout);
}

/* One suite per test: CUnit wants names to be unique within a suite, we do not. */
static bool
add_test(const struct tap_test *test, size_t i)
{
	char suite_name[32];
	CU_pSuite suite;

	snprintf(suite_name, sizeof(suite_name), "%zu", i);
	suite = CU_add_suite(suite_name, NULL, NULL);
	return suite != NULL && CU_add_test(suite, test->name, test->run) != NULL;
}

int
tap_run(const struct tap_test *tests, size_t n)
{
	int status = TAP_ERROR;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		goto out;
	for (size_t i = 0; i < n; i++)
		if (!add_test(&tests[i], i))
			goto out;
	printf("1..%zu\n", n);
	CU_set_test_start_handler(test_start);
	CU_set_test_complete_handler(test_complete);
	if (CU_run_all_tests() != CUE_SUCCESS || now.number != n)
		goto out;
	status = now.failed > 0 ? TAP_FAIL : TAP_PASS;
out:
	if (status == TAP_ERROR)
		printf("Bail out! %s\n", CU_get_error_msg());
	CU_cleanup_registry();
	return status;
}
