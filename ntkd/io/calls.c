/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/calls.h"

#include <stdlib.h>

enum { FIRST_SIZE = 4 };

void
calls_init(struct calls *c)
{
	*c = (struct calls){ .n_out = 0 };
}

void
calls_free(struct calls *c)
{
	free(c->out);
	free(c->in);
	calls_init(c);
}

/* Room for one element of EACH bytes more in the N of *SIZE at V; NULL: there is none. */
static void *
grow(void *v, size_t n, size_t *size, size_t each)
{
	size_t more = *size == 0 ? FIRST_SIZE : *size * 2;
	void *grown;

	if (n < *size)
		return v;
	if (n >= CALLS_OPEN)
		return NULL;
	grown = realloc(v, more * each);
	if (grown != NULL)
		*size = more;
	return grown;
}

static struct call_out *
out_find(const struct calls *c, uint32_t id)
{
	for (size_t i = 0; i < c->n_out; i++)
		if (c->out[i].id == id)
			return &c->out[i];
	return NULL;
}

static struct call_in *
in_find(const struct calls *c, uint32_t id)
{
	for (size_t i = 0; i < c->n_in; i++)
		if (c->in[i].id == id)
			return &c->in[i];
	return NULL;
}

/* When LIMIT from NOW on is over. */
static uint64_t
after(uint64_t now, uint64_t limit)
{
	return limit < CALLS_NEVER - now ? now + limit : CALLS_NEVER;
}

uint32_t
calls_begin(struct calls *c, const struct call_out *o, uint64_t now)
{
	struct call_out *v = grow(c->out, c->n_out, &c->size_out, sizeof(*v));

	if (v == NULL)
		return 0;
	c->out = v;
	/* After 2^32 calls an old one could still be open. */
	do
		c->last_id = c->last_id == UINT32_MAX ? 1 : c->last_id + 1;
	while (out_find(c, c->last_id) != NULL);
	v[c->n_out] = *o;
	v[c->n_out].id = c->last_id;
	v[c->n_out].waits = 0;
	v[c->n_out++].deadline = after(now, o->limit);
	return c->last_id;
}

static void
out_remove(struct calls *c, struct call_out *o)
{
	*o = c->out[--c->n_out];
}

void
calls_forget(struct calls *c, uint32_t id)
{
	struct call_out *o = out_find(c, id);

	if (o != NULL)
		out_remove(c, o);
}

enum calls_match
calls_end(struct calls *c, const struct call_in *a, bool wait, uint64_t now, uint64_t *token)
{
	struct call_out *o = out_find(c, a->id);

	if (o == NULL)
		return CALLS_UNKNOWN;
	if (o->type != a->type || o->source != a->destination || o->destination != a->source ||
	    (wait && o->waits >= CALLS_WAITS))
		return CALLS_WRONG;
	if (wait) {
		o->waits++;
		o->deadline = after(now, o->limit);
		return CALLS_WAIT;
	}
	*token = o->token;
	out_remove(c, o);
	return CALLS_MATCH;
}

/* The one that is over first; of equal ones the older. */
static struct call_out *
out_first(const struct calls *c)
{
	struct call_out *first = NULL;

	for (size_t i = 0; i < c->n_out; i++) {
		struct call_out *o = &c->out[i];

		if (first == NULL || o->deadline < first->deadline ||
		    (o->deadline == first->deadline && o->id < first->id))
			first = o;
	}
	return first;
}

uint64_t
calls_deadline(const struct calls *c)
{
	const struct call_out *first = out_first(c);

	return first != NULL ? first->deadline : CALLS_NEVER;
}

bool
calls_expire(struct calls *c, uint64_t now, uint8_t *type, uint64_t *token)
{
	struct call_out *first = out_first(c);

	if (first == NULL || first->deadline > now)
		return false;
	*type = first->type;
	*token = first->token;
	out_remove(c, first);
	return true;
}

bool
calls_received(struct calls *c, const struct call_in *i)
{
	struct call_in *v;

	if (in_find(c, i->id) != NULL)
		return false;
	v = grow(c->in, c->n_in, &c->size_in, sizeof(*v));
	if (v == NULL)
		return false;
	c->in = v;
	v[c->n_in++] = *i;
	return true;
}

const struct call_in *
calls_owed(const struct calls *c, uint32_t id)
{
	return in_find(c, id);
}

bool
calls_answered(struct calls *c, uint32_t id)
{
	struct call_in *i = in_find(c, id);

	if (i == NULL)
		return false;
	*i = c->in[--c->n_in];
	return true;
}
