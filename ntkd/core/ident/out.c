/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/ident/out.h"

#include <stdlib.h>

void
ident_out_init(struct ident_out *o)
{
	*o = (struct ident_out){ .v = NULL };
}

void
ident_out_empty(struct ident_out *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->v[i].msg);
	o->n = 0;
	o->failed = false;
}

void
ident_out_free(struct ident_out *o)
{
	ident_out_empty(o);
	free(o->v);
	ident_out_init(o);
}
