/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "ntkd/core/ident/int.h"

static const char *const result_names[] = {
	[IDENT_OK] = "ok",
	[IDENT_UNKNOWN_IDENTITY] = "unknown_identity",
	[IDENT_UNKNOWN_ARC] = "unknown_arc",
	[IDENT_UNKNOWN_OPERATION] = "unknown_operation",
	[IDENT_EXISTS] = "exists",
	[IDENT_BUSY] = "busy",
	[IDENT_IS_MAIN] = "is_main",
	[IDENT_EXHAUSTED] = "exhausted",
	[IDENT_INVALID] = "conflict",
};

const char *
ident_result_name(enum ident_result r)
{
	return (size_t)r < sizeof(result_names) / sizeof(result_names[0]) ? result_names[r] : "?";
}

const struct ident_stats *
ident_stats(const struct ident *x)
{
	return &x->stats;
}

/* --- identities -------------------------------------------------------------------- */

uint32_t
ident_main(const struct ident *x)
{
	return x->main->id;
}

static struct ident_identity
identity_info(const struct ident *x, const struct identity *id)
{
	return (struct ident_identity){
		.id = id->id,
		.index = id->index,
		.ns = id->ns,
		.main = id == x->main,
		.from = id->from,
		.busy = id_identity_is_busy(x, id),
		.leaving = id->leaving,
	};
}

size_t
ident_identities(const struct ident *x)
{
	return x->n_ids;
}

struct ident_identity
ident_identity_at(const struct ident *x, size_t i)
{
	if (i >= x->n_ids)
		return (struct ident_identity){ .id = 0 };
	return identity_info(x, x->id[i]);
}

bool
ident_find(const struct ident *x, uint32_t id, struct ident_identity *out)
{
	const struct identity *own = id_identity_find(x, id);

	if (own == NULL)
		return false;
	*out = identity_info(x, own);
	return true;
}

bool
ident_find_index(const struct ident *x, uint32_t index, struct ident_identity *out)
{
	for (size_t i = 0; i < x->n_ids; i++)
		if (x->id[i]->index == index) {
			*out = identity_info(x, x->id[i]);
			return true;
		}
	return false;
}

/* --- namespaces ---------------------------------------------------------------------- */

static bool
ns_of_identity(const struct ident *x, unsigned ns, struct ident_ns *out)
{
	for (size_t i = 0; i < x->n_ids; i++)
		if (x->id[i]->ns == ns) {
			out->id = x->id[i]->id;
			out->made = true;
			memcpy(out->nic, x->id[i]->nic, sizeof(out->nic));
			return true;
		}
	return false;
}

static bool
ns_of_record(const struct ident *x, unsigned ns, struct ident_ns *out)
{
	for (size_t i = 0; i < x->n_recs; i++)
		if (x->rec[i]->state == IDENT_MAKING && x->rec[i]->ns == ns) {
			out->id = x->rec[i]->id->id;
			memcpy(out->nic, x->rec[i]->nic, sizeof(out->nic));
			return true;
		}
	return false;
}

bool
ident_ns(const struct ident *x, unsigned ns, struct ident_ns *out)
{
	memset(out, 0, sizeof(*out));
	if (ns >= IDENT_NAMESPACES)
		return false;
	switch (x->ns[ns]) {
	case NS_FREE:
	case NS_RESERVED:
		return false;
	case NS_MAKING:
		return ns_of_record(x, ns, out);
	case NS_USED:
		return ns_of_identity(x, ns, out);
	case NS_LEAVING:
		out->id = x->ns_id[ns];
		out->made = out->leaving = true;
		return true;
	}
	return false;
}

bool
ident_nic(const struct ident *x, uint32_t id, unsigned dev, struct ident_nic *out)
{
	const struct identity *own = id_identity_find(x, id);

	if (own == NULL || dev >= CONF_INTERFACES || !own->nic[dev].present)
		return false;
	*out = own->nic[dev];
	return true;
}

/* --- arcs ------------------------------------------------------------------------------ */

static struct ident_arc
arc_info(const struct arc *a)
{
	return (struct ident_arc){ a->number, a->dev, a->mac, a->linklocal };
}

size_t
ident_arcs(const struct ident *x)
{
	return x->n_arcs;
}

struct ident_arc
ident_arc_at(const struct ident *x, size_t i)
{
	if (i >= x->n_arcs)
		return (struct ident_arc){ .arc = 0 };
	return arc_info(x->arc[i]);
}

bool
ident_arc_find(const struct ident *x, uint32_t arc, struct ident_arc *out)
{
	const struct arc *a = id_arc_find(x, arc);

	if (a == NULL)
		return false;
	*out = arc_info(a);
	return true;
}

/* --- identity-arcs ------------------------------------------------------------------------ */

/* Puts N at its place among the first SIZE of the COUNT that V has room for or would have. */
static void
iarc_insert(struct ident_iarc *v, size_t size, size_t count, struct ident_iarc n)
{
	size_t at = count < size ? count : size;

	while (at > 0 && v[at - 1].index > n.index) {
		if (at < size)
			v[at] = v[at - 1];
		at--;
	}
	if (at < size)
		v[at] = n;
}

size_t
ident_iarcs(const struct ident *x, uint32_t id, struct ident_iarc *v, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_arcs; i++)
		for (size_t k = 0; k < x->arc[i]->n; k++)
			if (x->arc[i]->iarc[k]->id->id == id)
				iarc_insert(v, size, n++, id_iarc_info(x, x->arc[i]->iarc[k]));
	return n;
}

bool
ident_iarc(const struct ident *x, uint32_t number, struct ident_iarc *out)
{
	for (size_t i = 0; i < x->n_arcs; i++)
		for (size_t k = 0; k < x->arc[i]->n; k++)
			if (x->arc[i]->iarc[k]->number == number) {
				*out = id_iarc_info(x, x->arc[i]->iarc[k]);
				return true;
			}
	return false;
}

bool
ident_iarc_between(const struct ident *x, uint32_t arc, uint32_t id, uint32_t peer,
    struct ident_iarc *out)
{
	const struct identity *own = id_identity_find(x, id);
	const struct arc *a = id_arc_find(x, arc);
	const struct iarc *i = own != NULL && a != NULL ? id_iarc_find(a, own, peer) : NULL;

	if (i == NULL)
		return false;
	*out = id_iarc_info(x, i);
	return true;
}

/* --- neighbours ------------------------------------------------------------------------------ */


static int
neighbour_cmp(struct ident_neighbour a, struct ident_neighbour b)
{
	if (a.dev != b.dev)
		return a.dev < b.dev ? -1 : 1;
	return a.linklocal < b.linklocal ? -1 : a.linklocal > b.linklocal;
}

/*
 * The smallest of what ID needs a route to that is greater than AFTER (NULL: of all); false:
 * none.
 */
static bool
neighbour_next(const struct ident *x, const struct identity *id,
    const struct ident_neighbour *after, struct ident_neighbour *out)
{
	bool found = false;

	for (size_t i = 0; i < x->n_arcs; i++) {
		const struct arc *a = x->arc[i];

		/* One more than identity-arcs: that of the arc itself. */
		for (size_t k = 0; k <= a->n; k++) {
			struct ident_neighbour n = { a->dev, a->linklocal };

			if (k == a->n ? id != x->main : a->iarc[k]->id != id)
				continue;
			if (k < a->n)
				n.linklocal = a->iarc[k]->linklocal;
			if ((after != NULL && neighbour_cmp(n, *after) <= 0) ||
			    (found && neighbour_cmp(n, *out) >= 0))
				continue;
			*out = n;
			found = true;
		}
	}
	return found;
}

size_t
ident_neighbours(const struct ident *x, uint32_t id, struct ident_neighbour *v, size_t size)
{
	const struct identity *own = id_identity_find(x, id);
	struct ident_neighbour last, next;
	size_t n = 0;

	if (own == NULL)
		return 0;
	while (neighbour_next(x, own, n != 0 ? &last : NULL, &next)) {
		last = next;
		if (n < size)
			v[n] = next;
		n++;
	}
	return n;
}

/* --- records --------------------------------------------------------------------------------- */

size_t
ident_records(const struct ident *x, struct ident_record *v, size_t size)
{
	for (size_t i = 0; i < x->n_recs && i < size; i++) {
		const struct record *r = x->rec[i];

		v[i] = (struct ident_record){
			.migration = r->migration,
			.id = r->id->id,
			.made = r->made != NULL ? r->made->id : 0,
			.state = r->state,
			.until = r->until,
		};
	}
	return x->n_recs;
}
