/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/qspn/out.h"

#include <stdlib.h>

#include "ntkd/core/qspn/int.h"
#include "ntkd/kernel/grow.h"

void
qspn_out_init(struct qspn_out *o)
{
	*o = (struct qspn_out){ .v = NULL };
}

void
qspn_out_empty(struct qspn_out *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].msg != NULL)
			qspn_msg_unref(o->v[i].msg);
	o->n = 0;
	o->failed = false;
}

void
qspn_out_free(struct qspn_out *o)
{
	qspn_out_empty(o);
	free(o->v);
	qspn_out_init(o);
}

struct qspn_action *
act(struct qspn *q, enum qspn_action_kind kind)
{
	struct qspn_out *o = q->out;
	struct qspn_action *v = grow(o->v, o->n, 1, &o->size, sizeof(*v));

	if (v == NULL) {
		o->failed = q->failed = true;
		return &q->lost;
	}
	o->v = v;
	v[o->n] = (struct qspn_action){ .kind = kind };
	return &v[o->n++];
}

void
act_message(struct qspn *q, enum qspn_action_kind kind, uint32_t arc, uint32_t call,
    struct qspn_msg *m)
{
	struct qspn_action *a = act(q, kind);

	if (a == &q->lost) {
		if (m != NULL)
			qspn_msg_unref(m);
		return;
	}
	a->arc = arc;
	a->call = call;
	a->msg = m;
}
