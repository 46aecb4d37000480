/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "ntkd/core/ident/int.h"

struct complaint {
	char *why;
	size_t size;
};

static bool __attribute__((format(printf, 2, 3)))
wrong(struct complaint *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, c->size, fmt, ap);
	va_end(ap);
	return false;
}

static bool
nic_is(const struct ident_nic *a, const struct ident_nic *b)
{
	return a->present == b->present && (!a->present ||
	    (a->linklocal == b->linklocal && mac_cmp(a->mac, b->mac) == 0));
}

/* Invariants 1 and 2 of spec 3.3. */
static bool
identities_hold(const struct ident *x, struct complaint *c)
{
	if (id_identity_find(x, x->main->id) != x->main || x->main->ns != 0)
		return wrong(c, "the main identity is not in the default namespace");
	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		if (!nic_is(&x->main->nic[d], &x->dev[d]))
			return wrong(c, "the main identity does not have real interface %u", d);
	for (size_t i = 0; i < x->n_ids; i++) {
		const struct identity *id = x->id[i];

		if (i > 0 && x->id[i - 1]->index >= id->index)
			return wrong(c, "identities are not in the order of their indices");
		if (id->id == 0 || id->id > IDENT_ID_MAX)
			return wrong(c, "identity %u is no NodeID", id->id);
		if (id->ns >= IDENT_NAMESPACES || x->ns[id->ns] != NS_USED)
			return wrong(c, "identity %u is in namespace %u", id->id, id->ns);
		for (size_t k = 0; k < i; k++)
			if (x->id[k]->ns == id->ns || x->id[k]->id == id->id)
				return wrong(c, "identities %u and %u share a namespace or a name",
				    id->id, x->id[k]->id);
	}
	return true;
}

static bool
namespaces_hold(const struct ident *x, struct complaint *c)
{
	struct ident_ns n;

	for (unsigned ns = 0; ns < IDENT_NAMESPACES; ns++)
		if (x->ns[ns] != NS_FREE && x->ns[ns] != NS_RESERVED && !ident_ns(x, ns, &n))
			return wrong(c, "namespace %u is nobody's", ns);
	return true;
}

/* No two of one system have the same link-local, and a MAC only real ones share. */
static bool
nics_hold(const struct ident *x, struct complaint *c)
{
	for (size_t i = 0; i < x->n_ids * CONF_INTERFACES; i++) {
		const struct ident_nic *a = &x->id[i / CONF_INTERFACES]->nic[i % CONF_INTERFACES];

		for (size_t k = 0; a->present && k < i; k++) {
			const struct ident_nic *b =
			    &x->id[k / CONF_INTERFACES]->nic[k % CONF_INTERFACES];

			bool real = x->id[i / CONF_INTERFACES] == x->main &&
			    x->id[k / CONF_INTERFACES] == x->main;

			if (b->present && (a->linklocal == b->linklocal ||
			    (!real && mac_cmp(a->mac, b->mac) == 0)))
				return wrong(c, "two interfaces have the same MAC or link-local");
		}
	}
	return true;
}

/* Of an identity that leaves all neighbours are told; only there one that asks has to wait for its answer. */
static bool
closing_holds(const struct iarc *i, struct complaint *c)
{
	if (i->id->leaving && i->closing < CLOSING_TOLD)
		return wrong(c, "identity-arc %u is of one that leaves, and its peer was not told", i->number);
	if (i->closing == CLOSING_OVER && (!i->id->leaving || i->call != 0 || i->close_at != NEVER))
		return wrong(c, "identity-arc %u is over, and awaits something", i->number);
	if (i->owed != 0 && i->closing != CLOSING_OVER)
		return wrong(c, "identity-arc %u owes an answer, and is not over", i->number);
	return true;
}

/* Invariants 3 and 4. */
static bool
iarc_holds(const struct ident *x, const struct iarc *i, struct complaint *c)
{
	if (id_identity_find(x, i->id->id) != i->id)
		return wrong(c, "identity-arc %u is of an identity that is gone", i->number);
	if (!i->id->nic[i->arc->dev].present)
		return wrong(c, "identity-arc %u is on a device its identity does not have",
		    i->number);
	if (i->peer == 0 || !mac_is_unicast(i->mac) || !linklocal_is_usable(i->linklocal))
		return wrong(c, "identity-arc %u has a peer that cannot be", i->number);
	if (!closing_holds(i, c))
		return false;
	for (size_t a = 0; a < x->n_arcs; a++)
		for (size_t k = 0; k < x->arc[a]->n; k++) {
			const struct iarc *o = x->arc[a]->iarc[k];

			if (o == i)
				continue;
			if (o->number == i->number)
				return wrong(c, "two identity-arcs have number %u", i->number);
			if (o->id != i->id)
				continue;
			if (o->index == i->index)
				return wrong(c, "two of %u have one index", i->id->id);
			if (o->arc == i->arc && o->peer == i->peer)
				return wrong(c, "%u has two with %u", i->id->id, i->peer);
			if (o->arc->dev == i->arc->dev && o->linklocal == i->linklocal)
				return wrong(c, "two peers of %u have one link-local", i->id->id);
			if (mac_cmp(o->mac, i->mac) == 0)
				return wrong(c, "two peers of %u have the same MAC", i->id->id);
		}
	return true;
}

static bool
arc_holds(const struct ident *x, const struct arc *a, struct complaint *c)
{
	if (!x->dev[a->dev].present)
		return wrong(c, "arc %u is on a device that is gone", a->number);
	for (size_t i = 0; i < a->n; i++)
		if (!iarc_holds(x, a->iarc[i], c))
			return false;
	for (size_t i = 0; i < x->n_ids; i++)
		if (id_iarc_count(a, x->id[i]) > x->p->max_peers)
			return wrong(c, "identity %u has too many peers on arc %u", x->id[i]->id,
			    a->number);
	if (a->n_requests > x->p->max_deferred)
		return wrong(c, "too many requests wait on arc %u", a->number);
	for (size_t i = 0; i < a->n_exchanges; i++)
		if (!id_record_is_busy(a->exchange[i]->rec))
			return wrong(c, "an exchange of no duplication on arc %u", a->number);
	return true;
}

static bool
arcs_hold(const struct ident *x, struct complaint *c)
{
	for (size_t i = 0; i < x->n_arcs; i++) {
		if (i > 0 && x->arc[i - 1]->number >= x->arc[i]->number)
			return wrong(c, "arcs are not in the order of their numbers");
		if (!arc_holds(x, x->arc[i], c))
			return false;
	}
	for (size_t i = 0; i < x->n_ids; i++) {
		size_t n = 0;

		for (size_t a = 0; a < x->n_arcs; a++)
			n += id_iarc_count(x->arc[a], x->id[i]);
		if (n != x->id[i]->n_iarcs || n > x->p->max_iarcs)
			return wrong(c, "identity %u has a wrong count", x->id[i]->id);
	}
	return true;
}

static bool
records_hold(const struct ident *x, struct complaint *c)
{
	if (x->n_recs > x->p->max_records)
		return wrong(c, "too many records");
	for (size_t i = 0; i < x->n_recs; i++) {
		const struct record *r = x->rec[i];

		if (id_identity_find(x, r->id->id) != r->id ||
		    (r->made != NULL && id_identity_find(x, r->made->id) != r->made))
			return wrong(c, "a record of an identity that is gone");
		if ((r->made != NULL) != (r->state >= IDENT_COMPLETING))
			return wrong(c, "a record without the identity that it made");
	}
	return true;
}

bool
ident_invariant(const struct ident *x, char *why, size_t why_size)
{
	struct complaint c = { why, why_size };

	if (why_size != 0)
		why[0] = '\0';
	return x->failed || (identities_hold(x, &c) && namespaces_hold(x, &c) && nics_hold(x, &c) &&
	    arcs_hold(x, &c) && records_hold(x, &c));
}
