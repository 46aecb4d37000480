/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "ntkd/core/nbh/int.h"
#include "ntkd/kernel/grow.h"

void
nbh_out_init(struct nbh_out *o)
{
	*o = (struct nbh_out){ .v = NULL };
}

void
nbh_out_empty(struct nbh_out *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->v[i].msg);
	o->n = 0;
	o->failed = false;
}

void
nbh_out_free(struct nbh_out *o)
{
	nbh_out_empty(o);
	free(o->v);
	nbh_out_init(o);
}

struct nbh_action *
nb_act(struct nbh *n, enum nbh_action_kind kind)
{
	struct nbh_out *o = n->out;
	struct nbh_action *v = grow(o->v, o->n, 1, &o->size, sizeof(*v));

	if (v == NULL) {
		nb_fail(n);
		/* What was to go out with an action that is lost is freed with the next one. */
		free(n->lost.msg);
		n->lost = (struct nbh_action){ .kind = kind };
		return &n->lost;
	}
	o->v = v;
	v[o->n] = (struct nbh_action){ .kind = kind };
	return &v[o->n++];
}

struct nbh_action *
nb_act_connection(struct nbh *n, enum nbh_action_kind kind, const struct connection *c)
{
	struct nbh_action *a = nb_act(n, kind);

	a->dev = c->dev;
	a->connection = c->number;
	a->address = n->nic[c->dev].address;
	a->peer = c->peer;
	if (c->entry != NULL) {
		a->mac = c->entry->mac;
		a->node = c->entry->node;
		a->silence = silence(c->entry);
	}
	return a;
}

struct nbh_action *
nb_act_entry(struct nbh *n, enum nbh_action_kind kind, const struct entry *e)
{
	struct nbh_action *a = nb_act(n, kind);

	a->dev = e->dev;
	a->arc = e->arc;
	a->connection = e->connection != NULL ? e->connection->number : 0;
	a->address = n->nic[e->dev].address;
	a->peer = e->address;
	a->mac = e->mac;
	a->node = e->node;
	a->cost = e->cost.official;
	a->silence = silence(e);
	return a;
}

struct peer_msg *
nb_message(struct nbh *n, uint8_t type, size_t count, size_t size, void **elements)
{
	struct peer_msg *m = calloc(1, sizeof(*m) + count * size);

	if (m == NULL) {
		nb_fail(n);
		return NULL;
	}
	m->type = type;
	if (elements != NULL)
		*elements = m + 1;
	return m;
}
