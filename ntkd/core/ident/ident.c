/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "ntkd/core/ident/int.h"
#include "ntkd/kernel/facts.h"
#include "ntkd/kernel/grow.h"

_Static_assert((int)IDENT_NAMESPACES == (int)PEER_IDENTITIES,
    "a list of peers holds all identities of a system");

void
ident_params_default(struct ident_params *p)
{
	*p = (struct ident_params){
		.record_life = 600 * SECOND,
		.exchange = 10 * SECOND,
		.exchange_cap = 60 * SECOND,
		.wait = 3 * SECOND,
		.again = 500 * MS,
		.ahead = 4 * SECOND,
		.complete = 10 * SECOND,
		.main_id = 10 * SECOND,
		.notify = 4 * SECOND,
		.broken = 10 * MS,
		.principal = 1 * SECOND,
		.stale = 15 * SECOND,
		.max_identities = IDENT_NAMESPACES,
		.max_arcs = 1000,
		.max_records = 256,
		.max_peers = PEER_IDENTITIES,
		.max_iarcs = FACTS_ARCS,
		.max_deferred = 64,
	};
}

void *
id_room(struct ident *x, void *v, size_t n, size_t *size, size_t element)
{
	void *moved = grow(v, n, 1, size, element);

	if (moved == NULL)
		x->failed = true;
	return moved;
}

/* --- life ----------------------------------------------------------------------------- */

struct ident *
ident_new(const struct ident_params *p, const struct rng *rng, ident_taken *taken, void *arg)
{
	struct ident *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->p = p;
	x->rng = *rng;
	x->taken = taken;
	x->taken_arg = arg;
	x->deadline = NEVER;
	x->ns[0] = NS_USED;
	x->main = id_identity_make(x);
	if (x->main == NULL) {
		ident_free(x);
		return NULL;
	}
	return x;
}

void
ident_free(struct ident *x)
{
	if (x == NULL)
		return;
	for (size_t i = 0; i < x->n_arcs; i++)
		id_arc_free(x->arc[i]);
	for (size_t i = 0; i < x->n_ids; i++)
		free(x->id[i]);
	for (size_t i = 0; i < x->n_recs; i++)
		free(x->rec[i]);
	free(x->arc);
	free(x->id);
	free(x->rec);
	free(x);
}

bool
ident_failed(const struct ident *x)
{
	return x->failed;
}

/* --- time ------------------------------------------------------------------------------- */

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
arc_deadline(const struct arc *a)
{
	uint64_t t = a->broken ? a->broken_at : NEVER;

	for (size_t i = 0; i < a->n; i++)
		if (a->iarc[i]->closing == CLOSING_TOLD)
			t = earlier(t, a->iarc[i]->close_at);
	if (a->broken)
		return t;
	t = earlier(earlier(t, a->call_limit), earlier(a->ask_at, a->stale_at));
	for (size_t i = 0; i < a->n_exchanges; i++)
		t = earlier(t, a->exchange[i]->limit);
	for (size_t i = 0; i < a->n_requests; i++)
		t = earlier(t, a->request[i]->wait_at);
	return t;
}

static uint64_t
deadline(const struct ident *x)
{
	uint64_t t = NEVER;

	for (size_t i = 0; i < x->n_arcs; i++)
		t = earlier(t, arc_deadline(x->arc[i]));
	for (size_t i = 0; i < x->n_recs; i++)
		t = earlier(t, id_record_deadline(x, x->rec[i]));
	for (size_t i = 0; i < x->n_ids; i++)
		if (x->id[i]->leaving)
			t = earlier(t, x->id[i]->leave_at);
	return t;
}

uint64_t
ident_deadline(const struct ident *x)
{
	return x->failed ? NEVER : x->deadline;
}

bool
id_call_begin(struct ident *x, uint64_t now, struct ident_out *out)
{
	if (x->failed)
		return false;
	x->now = now;
	x->out = out;
	return true;
}

void
id_call_end(struct ident *x)
{
	if (!x->failed) {
		id_identity_tick(x);
		id_match_resume(x);
		id_exchange_release(x);
		id_record_settle(x);
		/* One may settle when its time is long over. */
		id_record_tick(x);
		for (size_t i = 0; i < x->n_arcs; i++)
			id_principal_ensure(x, x->arc[i]);
	}
	x->deadline = deadline(x);
	x->out = NULL;
}

void
ident_tick(struct ident *x, uint64_t now, struct ident_out *out)
{
	if (!id_call_begin(x, now, out))
		return;
	id_arc_tick(x);
	id_record_tick(x);
	id_call_end(x);
}

static bool
arc_is_quiet(const struct arc *a)
{
	if (a->call != 0 || a->broken || a->ask_at != NEVER || a->stale_at != NEVER ||
	    a->n_exchanges != 0 || a->n_requests != 0)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->iarc[i]->closing != CLOSING_NO)
			return false;
	return true;
}

bool
ident_is_quiet(const struct ident *x)
{
	for (size_t i = 0; i < x->n_arcs; i++)
		if (!arc_is_quiet(x->arc[i]))
			return false;
	for (size_t i = 0; i < x->n_ids; i++)
		if (x->id[i]->leaving)
			return false;
	for (size_t i = 0; i < x->n_recs; i++)
		if (id_record_is_busy(x->rec[i]))
			return false;
	return true;
}
