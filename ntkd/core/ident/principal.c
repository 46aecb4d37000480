/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The principal identity-arc of an arc: the one that joins the two main identities.  It comes
 * with the answer to "who is main", passes on by itself when either end duplicates its main
 * identity, and is asked for again when it is missing (spec 8.3, 14.2, 14.3).
 */

#include "ntkd/core/ident/int.h"

bool
id_principal_is(const struct ident *x, const struct iarc *i)
{
	return i->id == x->main && i->linklocal == i->arc->linklocal;
}

struct iarc *
id_principal_find(const struct ident *x, const struct arc *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (id_principal_is(x, a->iarc[i]))
			return a->iarc[i];
	return NULL;
}

/*
 * An exchange on A, when it ends, will hand the principal identity-arc on to the present main
 * identity: until then it is that of the former one.
 */
static bool
is_under_way(const struct ident *x, const struct arc *a)
{
	for (size_t e = 0; e < a->n_exchanges; e++) {
		const struct record *r = a->exchange[e]->rec;

		for (size_t i = 0; r->made == x->main && i < a->n; i++)
			if (a->iarc[i]->id == r->id && a->iarc[i]->linklocal == a->linklocal &&
			    a->iarc[i]->matched != r->migration)
				return true;
	}
	return false;
}

void
id_principal_ask(struct ident *x, struct arc *a)
{
	struct peer_msg *m;

	a->ask_at = NEVER;
	if (a->broken || a->call != 0)
		return;
	m = id_message(x, PEER_get_main_id, 0, NULL);
	if (m == NULL)
		return;
	m->get_main_id.main = a->told = x->main->id;
	a->call = id_act_call(x, a->number, m, x->p->main_id);
	a->call_limit = x->now + x->p->main_id;
}

/*
 * What else of the main identity has this link-local or MAC on its device: an identity at another
 * neighbour that was there first.  An arc is checked by both ends, a claim by nobody.
 */
static bool
make_way(struct ident *x, struct arc *a)
{
	for (size_t i = 0; i < x->n_arcs; i++) {
		struct arc *b = x->arc[i];

		for (size_t k = b->n; k-- > 0; ) {
			struct iarc *o = b->iarc[k];

			if (o->id != x->main || (mac_cmp(o->mac, a->mac) != 0 &&
			    (b->dev != a->dev || o->linklocal != a->linklocal)))
				continue;
			if (id_principal_is(x, o))
				return false;
			x->stats.dropped++;
			id_iarc_drop_tell(x, o);
		}
	}
	return true;
}

static void
form(struct ident *x, struct arc *a, uint32_t main)
{
	struct iarc *i = id_iarc_find(a, x->main, main);

	/* Told of another place: it is where a main identity must be. */
	if (i != NULL)
		id_iarc_drop(x, i);
	if (!make_way(x, a) || !id_iarc_fits(x, a, x->main, a->mac, a->linklocal, NULL) ||
	    !id_iarc_has_room(x, a, x->main))
		return;
	i = id_iarc_make(x, a, x->main, main, a->mac, a->linklocal);
	if (i != NULL)
		id_act_iarc(x, IDENT_IARC_ADDED, i);
}

/*
 * P leads to another identity than the neighbour's main one.  When it did 15 s ago too it is a
 * remainder (spec 14.3): the neighbour duplicated before its end was formed, so it never told.
 */
static void
replace(struct ident *x, struct arc *a, struct iarc *p, uint32_t main)
{
	if (a->suspected != main || a->n_requests != 0 || a->n_exchanges != 0)
		return;
	x->stats.stale++;
	id_iarc_drop(x, p);
	form(x, a, main);
}

static void
answered(struct ident *x, struct arc *a, uint32_t main)
{
	struct iarc *p = id_principal_find(x, a);

	a->claim = main;
	if (p == NULL && !is_under_way(x, a))
		form(x, a, main);
	else if (p != NULL && p->closing == CLOSING_NO && p->peer != main)
		replace(x, a, p, main);
	a->suspected = 0;
	/* The neighbour forms its own with whom we said, who is not main any more. */
	if (a->told != x->main->id)
		id_principal_ask(x, a);
}

void
id_principal_answered(struct ident *x, struct arc *a, enum ident_outcome outcome, uint32_t main)
{
	a->call = 0;
	a->call_limit = NEVER;
	switch (outcome) {
	case IDENT_ANSWERED:
		answered(x, a, main);
		return;
	case IDENT_REFUSED:
		/* The link works (spec 14.6): id_call_end() sees that it is asked again. */
		return;
	case IDENT_LINK_FAILED:
		id_arc_break(x, a);
		return;
	}
}

void
id_principal_asked(struct ident *x, struct arc *a, uint32_t call, uint32_t main)
{
	struct peer_msg *m = id_message(x, PEER_main_id, 0, NULL);

	a->claim = main;
	if (m == NULL)
		return;
	m->main_id.main = x->main->id;
	id_act_result(x, a->number, call, m);
}

void
id_principal_moved(struct arc *a, uint32_t old, uint32_t made)
{
	if (a->claim == old)
		a->claim = made;
}

void
id_principal_tick(struct ident *x, struct arc *a)
{
	if (x->now >= a->call_limit) {
		id_principal_answered(x, a, IDENT_LINK_FAILED, 0);
		return;
	}
	if (x->now >= a->stale_at) {
		a->stale_at = NEVER;
		a->suspected = a->claim;
		id_principal_ask(x, a);
	}
	if (x->now >= a->ask_at)
		id_principal_ask(x, a);
}

/* P is there: does it lead where it should? */
static void
suspect(struct ident *x, struct arc *a, const struct iarc *p)
{
	if (a->claim == 0 || a->claim == p->peer || p->closing != CLOSING_NO)
		a->stale_at = NEVER;
	else if (a->stale_at == NEVER && a->call == 0)
		a->stale_at = x->now + x->p->stale;
}

void
id_principal_ensure(struct ident *x, struct arc *a)
{
	const struct iarc *p = a->broken ? NULL : id_principal_find(x, a);

	if (p != NULL)
		suspect(x, a, p);
	else
		a->stale_at = NEVER;
	if (a->broken || p != NULL || is_under_way(x, a))
		a->ask_at = NEVER;
	else if (a->call == 0 && a->ask_at == NEVER)
		a->ask_at = x->now + x->p->principal;
}
