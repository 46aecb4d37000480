/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_GROW_H
#define NTKD_KERNEL_GROW_H

/* Arrays that grow by doubling: the lists of this directory. */

#include <stddef.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Makes room for MORE elements of ELEMENT bytes behind the N in V, which has room
 * for *SIZE.  Returns where they are now, or NULL when memory is exhausted:
 * V and *SIZE are then as before.  Counts are bounded by the caller, far below overflow.
 */
static inline void *
grow(void *v, size_t n, size_t more, size_t *size, size_t element)
{
	size_t want = *size < 32 ? 32 : *size;
	void *moved;

	if (v != NULL && n + more <= *size)
		return v;
	while (want < n + more)
		want *= 2;
	moved = realloc(v, want * element);
	if (moved != NULL)
		*size = want;
	return moved;
}

#ifdef __cplusplus
}
#endif

#endif
