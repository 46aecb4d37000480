/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_KERNEL_OPS_H
#define NTKD_KERNEL_OPS_H

/* A change of one object as an operation for the helper, with the helper's handles in it. */

#include "ntkd/kernel/diff.h"
#include "ntkd/kernel/peers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The handles of a namespace and of the interfaces in it, by `dev` of struct kobj; 0: none. */
struct kplace {
	uint32_t ns;
	uint32_t dev[UINT8_MAX + 1];
};

/* In which namespace the operations are done. */
struct kop_context {
	bool is_default;
	uint32_t label;			/* for a new namespace */
	const struct kplace *here;
	const struct kplace *real;	/* the default namespace: parents of pseudo-interfaces */
	const struct peers *peers;
};

/*
 * The operation that makes change C.  There is none that makes a real interface go: its
 * settings are put back when the helper ends (spec/kernel-state 3).  Handles that are not
 * there become 0, and the helper refuses.
 */
void kop_make(const struct kop_context *x, const struct kchange *c, struct priv_op *op);

#ifdef __cplusplus
}
#endif

#endif
