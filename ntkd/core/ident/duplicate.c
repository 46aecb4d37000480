/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The local half of a duplication (spec 8.9): the kernel makes a namespace, then, in one step,
 * the new identity takes over what the old one had, and the old one moves.
 */

#include <string.h>

#include "ntkd/core/ident/int.h"

static struct record *
record_at(const struct ident *x, unsigned ns, enum ident_record_state state)
{
	for (size_t i = 0; i < x->n_recs; i++)
		if (x->rec[i]->state == state && x->rec[i]->ns == ns)
			return x->rec[i];
	return NULL;
}

/* --- the namespace ------------------------------------------------------------------ */

/* Those that are, and those that are being made. */
static size_t
identities_to_be(const struct ident *x)
{
	size_t n = x->n_ids;

	for (size_t i = 0; i < x->n_recs; i++)
		n += x->rec[i]->state == IDENT_MAKING;
	return n;
}

/* R is being made already, so that each link-local drawn is known for the next. */
static bool
linklocals_draw(struct ident *x, struct record *r)
{
	for (unsigned d = 0; d < CONF_INTERFACES; d++) {
		if (!r->id->nic[d].present)
			continue;
		if (!id_draw_linklocal(x, &r->nic[d].linklocal))
			return false;
		r->nic[d].present = true;
	}
	return true;
}

static enum ident_result
begin(struct ident *x, struct record *r, unsigned ns)
{
	struct ident_action *a;

	r->state = IDENT_MAKING;
	memset(r->nic, 0, sizeof(r->nic));
	if (!linklocals_draw(x, r)) {
		r->state = IDENT_PREPARED;
		return IDENT_EXHAUSTED;
	}
	r->ns = ns;
	x->ns[ns] = NS_MAKING;
	a = id_act(x, IDENT_NS_MAKE);
	a->ns = ns;
	a->id = r->id->id;
	a->migration = r->migration;
	return IDENT_OK;
}

enum ident_result
ident_duplicate(struct ident *x, uint64_t now, uint32_t migration, uint32_t id, uint32_t *made,
    struct ident_out *out)
{
	const struct identity *own = id_identity_find(x, id);
	struct record *r = own != NULL ? id_record_find(x, migration, own) : NULL;
	enum ident_result done;
	unsigned ns = id_ns_find(x);

	if (made != NULL)
		*made = r != NULL && r->made != NULL ? r->made->id : 0;
	if (own == NULL)
		return IDENT_UNKNOWN_IDENTITY;
	if (r == NULL)
		return IDENT_UNKNOWN_OPERATION;
	if (r->state != IDENT_PREPARED)
		return IDENT_OK;
	if (id_identity_is_busy(x, own))
		return IDENT_BUSY;
	if (ns == 0 || identities_to_be(x) >= x->p->max_identities || !id_call_begin(x, now, out))
		return IDENT_EXHAUSTED;
	done = begin(x, r, ns);
	id_call_end(x);
	return done;
}

void
ident_ns_refused(struct ident *x, uint64_t now, unsigned ns, struct ident_out *out)
{
	struct record *r = record_at(x, ns, IDENT_MAKING);

	if (r == NULL || !id_call_begin(x, now, out))
		return;
	x->ns[ns] = NS_FREE;
	id_record_give_up(x, r, false);
	id_call_end(x);
}

/* --- the exchange of places ------------------------------------------------------------ */

static bool
mac_is_known(const struct ident *x, ntk_mac_t mac)
{
	for (size_t i = 0; i < x->n_ids; i++)
		for (unsigned d = 0; d < CONF_INTERFACES; d++)
			if (x->id[i]->nic[d].present && mac_cmp(x->id[i]->nic[d].mac, mac) == 0)
				return true;
	for (size_t i = 0; i < x->n_arcs; i++) {
		if (mac_cmp(x->arc[i]->mac, mac) == 0)
			return true;
		for (size_t k = 0; k < x->arc[i]->n; k++)
			if (mac_cmp(x->arc[i]->iarc[k]->mac, mac) == 0)
				return true;
	}
	return false;
}

/* The kernel draws MACs at random and knows nobody else's. */
static bool
place_is_good(const struct ident *x, const struct record *r)
{
	for (unsigned d = 0; d < CONF_INTERFACES; d++) {
		if (!r->nic[d].present)
			continue;
		if (!mac_is_unicast(r->nic[d].mac) || mac_is_known(x, r->nic[d].mac))
			return false;
		for (unsigned o = 0; o < d; o++)
			if (r->nic[o].present && mac_cmp(r->nic[o].mac, r->nic[d].mac) == 0)
				return false;
	}
	return true;
}

/*
 * The copies come first among the identity-arcs of the new one, in the order of the old
 * (manual-mode 2).
 */
static uint32_t
rank(const struct ident *x, const struct iarc *i)
{
	uint32_t n = 0;

	for (size_t b = 0; b < x->n_arcs; b++)
		for (size_t k = 0; k < x->arc[b]->n; k++)
			n += x->arc[b]->iarc[k]->id == i->id &&
			    x->arc[b]->iarc[k]->index < i->index;
	return n;
}

static void
indices_keep(struct ident *x, const struct record *r)
{
	for (size_t b = 0; b < x->n_arcs; b++)
		for (size_t k = 0; k < x->arc[b]->n; k++)
			if (x->arc[b]->iarc[k]->id == r->id)
				x->arc[b]->iarc[k]->copy_index = rank(x, x->arc[b]->iarc[k]);
	r->made->next_iarc = (uint32_t)r->id->n_iarcs;
}

/*
 * On a device that came while the namespace was being made the old identity has nothing now:
 * the neighbour there will be joined with the new one.
 */
static void
leave_new_devices(struct ident *x, const struct record *r)
{
	for (size_t i = 0; i < x->n_arcs; i++) {
		struct arc *a = x->arc[i];

		for (size_t k = a->n; !r->id->nic[a->dev].present && k-- > 0; )
			if (a->iarc[k]->id == r->id)
				id_iarc_drop_tell(x, a->iarc[k]);
	}
}

static void
change_places(struct ident *x, struct record *r)
{
	struct identity *old = r->id, *made = r->made;

	made->from = old->id;
	made->ns = old->ns;
	memcpy(made->nic, old->nic, sizeof(made->nic));
	old->ns = r->ns;
	memcpy(old->nic, r->nic, sizeof(old->nic));
	x->ns[r->ns] = NS_USED;
	if (x->main == old)
		x->main = made;
}

static void
no_nics(struct ident *x, const struct identity *id)
{
	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		if (id->nic[d].present)
			return;
	id_act(x, IDENT_WITHOUT_NICS)->id = id->id;
}

static void
commit(struct ident *x, struct record *r)
{
	r->made = id_identity_make(x);
	if (r->made == NULL)
		return;
	change_places(x, r);
	r->state = IDENT_COMPLETING;
	id_act_record(x, IDENT_DUPLICATED, r);
	leave_new_devices(x, r);
	indices_keep(x, r);
	for (size_t i = 0; i < x->n_arcs; i++)
		if (id_iarc_count(x->arc[i], r->id) != 0 && !id_exchange_begin(x, x->arc[i], r))
			return;
	no_nics(x, r->id);
}

void
ident_ns_made(struct ident *x, uint64_t now, unsigned ns, const ntk_mac_t *mac,
    struct ident_out *out)
{
	struct record *r = record_at(x, ns, IDENT_MAKING);
	struct ident_action *a;

	if (r == NULL || !id_call_begin(x, now, out))
		return;
	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		if (r->nic[d].present)
			r->nic[d].mac = mac[d];
	if (place_is_good(x, r)) {
		commit(x, r);
	} else {
		a = id_act(x, IDENT_NS_DROP);
		a->ns = ns;
		a->id = r->id->id;
		x->ns[ns] = NS_LEAVING;
		x->ns_id[ns] = r->id->id;
		id_record_give_up(x, r, false);
	}
	id_call_end(x);
}

void
ident_ns_complete(struct ident *x, uint64_t now, unsigned ns, struct ident_out *out)
{
	struct record *r = record_at(x, ns, IDENT_COMPLETING);

	if (r == NULL || !id_call_begin(x, now, out))
		return;
	r->state = IDENT_EXCHANGING;
	r->ready = now;
	id_call_end(x);
}
