/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "ntkd/core/ident/int.h"

bool
ident_is_message(uint8_t type)
{
	return type >= PEER_get_main_id && type <= PEER_iarc_gone;
}

/* --- calls of neighbours -------------------------------------------------------------- */

/* The caller is told what is true of an arc that is not here: nothing (spec 14.5). */
static void
receive_nowhere(struct ident *x, uint32_t arc, uint32_t call, const struct peer_msg *m)
{
	struct peer_msg *r;

	switch (m->type) {
	case PEER_get_main_id:
		r = id_message(x, PEER_main_id, 0, NULL);
		if (r != NULL)
			r->main_id.main = x->main->id;
		id_act_result(x, arc, call, r);
		return;
	case PEER_match_duplication:
		id_match_unknown(x, arc, call, &m->match_duplication);
		return;
	case PEER_iarc_removed:
		id_act_result(x, arc, call, id_message(x, PEER_iarc_gone, 0, NULL));
		return;
	}
	id_act_error(x, arc, call, PEER_E_MALFORMED);
}

static void
receive(struct ident *x, struct arc *a, uint32_t call, const struct peer_msg *m)
{
	switch (m->type) {
	case PEER_get_main_id:
		id_principal_asked(x, a, call, m->get_main_id.main);
		return;
	case PEER_match_duplication:
		id_match_asked(x, a, call, &m->match_duplication);
		return;
	case PEER_iarc_removed:
		id_iarc_asked_away(x, a, call, m->iarc_removed.from, m->iarc_removed.to);
		return;
	}
	id_act_error(x, a->number, call, PEER_E_MALFORMED);
}

void
ident_receive(struct ident *x, uint64_t now, uint32_t arc, uint32_t call, const struct peer_msg *m,
    struct ident_out *out)
{
	struct arc *a = id_arc_find(x, arc);

	if (!id_call_begin(x, now, out))
		return;
	x->stats.calls_in++;
	if (a == NULL)
		receive_nowhere(x, arc, call, m);
	else
		receive(x, a, call, m);
	id_call_end(x);
}

/* --- answers to ours -------------------------------------------------------------------- */

static struct exchange *
exchange_of_call(const struct arc *a, uint32_t call)
{
	for (size_t i = 0; i < a->n_exchanges; i++)
		if (a->exchange[i]->call == call)
			return a->exchange[i];
	return NULL;
}

static struct iarc *
iarc_of_call(const struct arc *a, uint32_t call)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->iarc[i]->call == call)
			return a->iarc[i];
	return NULL;
}

/* A result of another type than that of the call is malformed. */
static enum ident_outcome
outcome_of(enum ident_outcome outcome, uint8_t type, const struct peer_msg *m)
{
	if (outcome == IDENT_ANSWERED && (m == NULL || m->type != type))
		return IDENT_LINK_FAILED;
	return outcome;
}

static void
answer_exchange(struct ident *x, struct arc *a, struct exchange *e, enum ident_outcome outcome,
    uint8_t error, const struct peer_msg *m)
{
	switch (outcome_of(outcome, PEER_matched, m)) {
	case IDENT_ANSWERED:
		id_exchange_answered(x, a, e, &m->matched);
		return;
	case IDENT_REFUSED:
		id_exchange_refused(x, a, e, error);
		return;
	case IDENT_LINK_FAILED:
		id_exchange_failed(x, a, e);
		return;
	}
}

static void
answer_principal(struct ident *x, struct arc *a, enum ident_outcome outcome,
    const struct peer_msg *m)
{
	outcome = outcome_of(outcome, PEER_main_id, m);
	id_principal_answered(x, a, outcome, outcome == IDENT_ANSWERED ? m->main_id.main : 0);
}

static void
answer(struct ident *x, struct arc *a, uint32_t call, enum ident_outcome outcome, uint8_t error,
    const struct peer_msg *m)
{
	struct exchange *e = exchange_of_call(a, call);
	struct iarc *i = iarc_of_call(a, call);

	if (a->call == call)
		answer_principal(x, a, outcome, m);
	else if (e != NULL)
		answer_exchange(x, a, e, outcome, error, m);
	else if (i != NULL)
		id_iarc_told(x, i);	/* whatever came (spec 8.6) */
}

void
ident_answer(struct ident *x, uint64_t now, uint32_t arc, uint32_t call,
    enum ident_outcome outcome, uint8_t error, const struct peer_msg *m, struct ident_out *out)
{
	struct arc *a = id_arc_find(x, arc);

	if (a == NULL || call == 0 || !id_call_begin(x, now, out))
		return;
	answer(x, a, call, outcome, error, m);
	id_call_end(x);
}

void
ident_waiting(struct ident *x, uint64_t now, uint32_t arc, uint32_t call, struct ident_out *out)
{
	struct arc *a = id_arc_find(x, arc);
	struct exchange *e = a != NULL && call != 0 ? exchange_of_call(a, call) : NULL;

	/* The other calls need nobody's patience: what they ask for is known at once. */
	if (e == NULL || !id_call_begin(x, now, out))
		return;
	id_exchange_waits(x, e);
	id_call_end(x);
}
