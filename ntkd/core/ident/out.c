/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/ident/out.h"

#include <stdlib.h>

#include "ntkd/core/ident/int.h"

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

struct ident_action *
id_act(struct ident *x, enum ident_action_kind kind)
{
	struct ident_out *o = x->out;
	struct ident_action *v = id_room(x, o->v, o->n, &o->size, sizeof(*v));

	if (v == NULL) {
		o->failed = true;
		return &x->lost;
	}
	o->v = v;
	v[o->n] = (struct ident_action){ .kind = kind };
	return &v[o->n++];
}

/* A message of TYPE with EXTRA bytes behind it, at ROOM (may be NULL), for its list. */
struct peer_msg *
id_message(struct ident *x, uint8_t type, size_t extra, void **where)
{
	struct peer_msg *m = calloc(1, sizeof(*m) + extra);

	if (m == NULL) {
		x->failed = true;
		return NULL;
	}
	m->type = type;
	if (where != NULL)
		*where = m + 1;
	return m;
}

static struct ident_action *
act_message(struct ident *x, enum ident_action_kind kind, uint32_t arc, uint32_t call,
    struct peer_msg *m)
{
	struct ident_action *a = id_act(x, kind);

	a->arc = arc;
	a->call = call;
	if (a == &x->lost)
		free(m);
	else
		a->msg = m;
	return a;
}

/* A number that no call of ours has that is still open. */
static uint32_t
call_number(struct ident *x)
{
	bool used;

	do {
		uint32_t n = ++x->last_call;

		used = n == 0;
		for (size_t i = 0; i < x->n_arcs && !used; i++) {
			const struct arc *a = x->arc[i];

			used = a->call == n;
			for (size_t k = 0; k < a->n_exchanges; k++)
				used = used || a->exchange[k]->call == n;
			for (size_t k = 0; k < a->n; k++)
				used = used || a->iarc[k]->call == n;
		}
	} while (used);
	return x->last_call;
}

uint32_t
id_act_call(struct ident *x, uint32_t arc, struct peer_msg *m, uint64_t limit)
{
	uint32_t call = call_number(x);

	if (m == NULL)
		return call;
	act_message(x, IDENT_CALL, arc, call, m)->limit = limit;
	x->stats.calls_out++;
	return call;
}

void
id_act_result(struct ident *x, uint32_t arc, uint32_t call, struct peer_msg *m)
{
	if (m != NULL)
		act_message(x, IDENT_RESULT, arc, call, m);
}

void
id_act_error(struct ident *x, uint32_t arc, uint32_t call, enum peer_error error)
{
	act_message(x, IDENT_ERROR, arc, call, NULL)->error = (uint8_t)error;
	if (error != PEER_E_BUSY)
		x->stats.refused_in++;
}

struct ident_action *
id_act_iarc(struct ident *x, enum ident_action_kind kind, const struct iarc *i)
{
	struct ident_action *a = id_act(x, kind);

	a->arc = i->arc->number;
	a->id = i->id->id;
	a->iarc = id_iarc_info(x, i);
	return a;
}

struct ident_action *
id_act_record(struct ident *x, enum ident_action_kind kind, const struct record *r)
{
	struct ident_action *a = id_act(x, kind);

	a->migration = r->migration;
	a->id = r->id->id;
	a->other = r->made != NULL ? r->made->id : 0;
	a->ns = r->ns;
	return a;
}
