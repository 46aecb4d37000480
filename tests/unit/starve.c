/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/starve.h"

#include <stdlib.h>

static uint64_t left;		/* allocations until one fails; 0: none does */
static bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void
starve(uint64_t k)
{
	failed = false;
	left = k;
}

void
starve_end(void)
{
	left = 0;
}

bool
starved(void)
{
	return failed;
}

static bool
fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	failed = true;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}
