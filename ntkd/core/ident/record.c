/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Records of duplications: what tells a neighbour whether an identity of ours takes part in a
 * migration (spec 8.8).  One outlives its duplication, for neighbours that are late.
 */

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/ident/int.h"

struct record *
id_record_find(const struct ident *x, uint32_t migration, const struct identity *id)
{
	for (size_t i = 0; i < x->n_recs; i++)
		if (x->rec[i]->migration == migration && x->rec[i]->id == id)
			return x->rec[i];
	return NULL;
}

bool
id_record_is_ready(const struct record *r)
{
	return r->state == IDENT_EXCHANGING || r->state == IDENT_DONE;
}

bool
id_record_is_busy(const struct record *r)
{
	return r->state != IDENT_PREPARED && r->state != IDENT_DONE;
}

void
id_record_free(struct ident *x, struct record *r)
{
	size_t at = 0;

	while (x->rec[at] != r)
		at++;
	memmove(&x->rec[at], &x->rec[at + 1], (x->n_recs - at - 1) * sizeof(struct record *));
	x->n_recs--;
	free(r);
}

/* Neighbours that wait for it are answered that the identity does not take part. */
void
id_record_give_up(struct ident *x, struct record *r, bool expired)
{
	id_act_record(x, IDENT_GIVEN_UP, r)->expired = expired;
	id_record_free(x, r);
}

void
id_record_forget(struct ident *x, const struct identity *id)
{
	for (size_t i = x->n_recs; i-- > 0; ) {
		struct record *r = x->rec[i];

		if (r->id != id && r->made != id)
			continue;
		if (r->state == IDENT_PREPARED)
			id_record_give_up(x, r, false);
		else
			id_record_free(x, r);
	}
}

/* --- the end of a duplication ------------------------------------------------------ */

/* A neighbour that takes part has not had its own exchange with us answered yet. */
static bool
is_awaited(const struct ident *x, const struct record *r)
{
	for (size_t i = 0; i < x->n_arcs; i++) {
		const struct arc *a = x->arc[i];

		for (size_t k = 0; !a->broken && k < a->n; k++)
			if (a->iarc[k]->id == r->id && a->iarc[k]->part == r->migration &&
			    a->iarc[k]->asked != r->migration)
				return true;
	}
	return false;
}

static bool
is_exchanging(const struct ident *x, const struct record *r)
{
	for (size_t i = 0; i < x->n_arcs; i++)
		if (id_exchange_find(x->arc[i], r) != NULL)
			return true;
	return false;
}

/*
 * A neighbour that takes part had begun to ask when it answered, so within the time that is
 * given to an exchange it has asked, or its arc is gone.  Identities are not used anew before:
 * it would be asking about what they were.
 */
static uint64_t
patience(const struct ident *x, const struct record *r)
{
	return r->ended + x->p->exchange_cap + x->p->exchange;
}

static void
settle(struct ident *x, struct record *r)
{
	bool awaited;

	if (is_exchanging(x, r))
		return;
	if (r->ended == 0)
		r->ended = x->now;
	awaited = is_awaited(x, r);
	if (!r->complete && (!awaited || x->now >= r->ready + x->p->complete)) {
		r->complete = true;
		x->stats.duplications++;
		id_act_record(x, IDENT_COMPLETE, r);
	}
	if (!awaited || x->now >= patience(x, r)) {
		r->state = IDENT_DONE;
		id_act_record(x, IDENT_SETTLED, r);
		id_iarc_close_later(x, r->id);
		id_iarc_close_later(x, r->made);
	}
}

uint64_t
id_record_deadline(const struct ident *x, const struct record *r)
{
	if (!id_record_is_busy(r))
		return r->until;
	if (r->state != IDENT_EXCHANGING || r->ended == 0)
		return NEVER;
	return r->complete ? patience(x, r) : r->ready + x->p->complete;
}

void
id_record_settle(struct ident *x)
{
	for (size_t i = 0; i < x->n_recs; i++)
		if (x->rec[i]->state == IDENT_EXCHANGING)
			settle(x, x->rec[i]);
}

void
id_record_tick(struct ident *x)
{
	for (size_t i = x->n_recs; i-- > 0; ) {
		struct record *r = x->rec[i];

		if (x->now < r->until || id_record_is_busy(r))
			continue;
		if (r->state == IDENT_PREPARED)
			id_record_give_up(x, r, true);
		else
			id_record_free(x, r);
	}
}

/* --- commands ------------------------------------------------------------------------- */

static enum ident_result
record_make(struct ident *x, uint32_t migration, struct identity *id)
{
	struct record **v, *r;

	if (x->n_recs >= x->p->max_records)
		return IDENT_EXHAUSTED;
	v = id_room(x, x->rec, x->n_recs, &x->recs_size, sizeof(*v));
	r = calloc(1, sizeof(*r));
	if (v != NULL)
		x->rec = v;
	if (v == NULL || r == NULL) {
		x->failed = true;
		free(r);
		return IDENT_EXHAUSTED;
	}
	r->migration = migration;
	r->id = id;
	r->until = x->now + x->p->record_life;
	v[x->n_recs++] = r;
	return IDENT_OK;
}

enum ident_result
ident_prepare(struct ident *x, uint64_t now, uint32_t migration, uint32_t id, struct ident_out *out)
{
	struct identity *own = id_identity_find(x, id);
	struct record *r = own != NULL ? id_record_find(x, migration, own) : NULL;
	enum ident_result done = IDENT_OK;

	if (own == NULL)
		return IDENT_UNKNOWN_IDENTITY;
	if (migration == 0)
		return IDENT_INVALID;
	if (r == NULL && id_identity_is_busy(x, own))
		return IDENT_BUSY;
	if (!id_call_begin(x, now, out))
		return IDENT_EXHAUSTED;
	if (r != NULL)
		r->until = now + x->p->record_life;
	else
		done = record_make(x, migration, own);
	id_call_end(x);
	return done;
}

enum ident_result
ident_give_up(struct ident *x, uint64_t now, uint32_t migration, uint32_t id, struct ident_out *out)
{
	const struct identity *own = id_identity_find(x, id);
	struct record *r = own != NULL ? id_record_find(x, migration, own) : NULL;

	if (own == NULL)
		return IDENT_UNKNOWN_IDENTITY;
	if (r == NULL)
		return IDENT_UNKNOWN_OPERATION;
	if (r->state != IDENT_PREPARED)
		return IDENT_BUSY;
	if (id_call_begin(x, now, out)) {
		id_record_give_up(x, r, false);
		id_call_end(x);
	}
	return IDENT_OK;
}
