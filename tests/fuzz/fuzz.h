/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_FUZZ_FUZZ_H
#define NTK_TESTS_FUZZ_FUZZ_H

/* What fuzz targets share: the entry, and the way to say that something is wrong. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts, saying where, unless WHAT is true. */
#define must(what) \
	((what) ? (void)0 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what), abort()))

#endif
