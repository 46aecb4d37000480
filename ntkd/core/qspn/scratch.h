/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_QSPN_SCRATCH_H
#define NTKD_CORE_QSPN_SCRATCH_H

/* Memory for the time of one call: taken piece by piece, given back at once. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct scratch_chunk;
struct scratch {
	struct scratch_chunk *head;
};

/* SIZE bytes, not zeroed, aligned for everything; NULL when memory is exhausted. */
void *scratch_take(struct scratch *s, size_t size);

void scratch_free(struct scratch *s);

#ifdef __cplusplus
}
#endif

#endif
