/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/ident/int.h"

struct identity *
id_identity_find(const struct ident *x, uint32_t id)
{
	for (size_t i = 0; i < x->n_ids; i++)
		if (x->id[i]->id == id)
			return x->id[i];
	return NULL;
}

/* With NodeID and index, and nothing else yet. */
struct identity *
id_identity_make(struct ident *x)
{
	struct identity **v = id_room(x, x->id, x->n_ids, &x->ids_size, sizeof(*v));
	struct identity *id = calloc(1, sizeof(*id));

	if (v != NULL)
		x->id = v;
	if (v == NULL || id == NULL) {
		x->failed = true;
		free(id);
		return NULL;
	}
	id->id = id_draw_id(x);
	id->index = x->next_index++;
	id->leave_at = NEVER;
	v[x->n_ids++] = id;
	return id;
}

bool
id_identity_is_busy(const struct ident *x, const struct identity *id)
{
	if (id->leaving)
		return true;
	for (size_t i = 0; i < x->n_recs; i++)
		if (id_record_is_busy(x->rec[i]) && (x->rec[i]->id == id || x->rec[i]->made == id))
			return true;
	return false;
}

unsigned
id_ns_find(const struct ident *x)
{
	for (unsigned ns = 1; ns < IDENT_NAMESPACES; ns++)
		if (x->ns[ns] == NS_FREE)
			return ns;
	return 0;
}

/* --- the end of one (spec 8.14) ---------------------------------------------------- */

/* The I-th of arc A when it is one of ID's that the neighbour has not been told of. */
static void
tell_all(struct ident *x, const struct identity *id, struct arc *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->iarc[i]->id == id && a->iarc[i]->closing < CLOSING_TOLD)
			id_iarc_close(x, a->iarc[i]);
}

void
id_identity_leave(struct ident *x, struct identity *id)
{
	id->leaving = true;
	id->leave_at = x->now + x->p->notify;
	for (size_t i = 0; i < x->n_arcs; i++)
		tell_all(x, id, x->arc[i]);
}

/* Neighbours that wait for it hear that nothing comes from ID any more. */
static void
iarcs_end(struct ident *x, const struct identity *id, struct arc *a)
{
	for (size_t i = a->n; i-- > 0; ) {
		if (a->iarc[i]->id != id)
			continue;
		if (a->iarc[i]->owed != 0)
			id_iarc_gone(x, a, a->iarc[i]->owed);
		id_iarc_free(a->iarc[i]);
	}
}

static void
identity_end(struct ident *x, struct identity *id)
{
	struct ident_action *a;
	size_t at = 0;

	for (size_t i = 0; i < x->n_arcs; i++)
		iarcs_end(x, id, x->arc[i]);
	id_record_forget(x, id);
	x->ns[id->ns] = NS_LEAVING;
	x->ns_id[id->ns] = id->id;
	a = id_act(x, IDENT_NS_DROP);
	a->ns = id->ns;
	a->id = id->id;
	id_act(x, IDENT_REMOVED)->id = id->id;
	while (x->id[at] != id)
		at++;
	memmove(&x->id[at], &x->id[at + 1], (x->n_ids - at - 1) * sizeof(struct identity *));
	x->n_ids--;
	free(id);
}

/* Does no neighbour send to ID any more? */
static bool
has_been_left(const struct ident *x, const struct identity *id)
{
	for (size_t i = 0; i < x->n_arcs; i++)
		for (size_t k = 0; k < x->arc[i]->n; k++)
			if (x->arc[i]->iarc[k]->id == id && x->arc[i]->iarc[k]->closing != CLOSING_OVER)
				return false;
	return true;
}

/* Those whose neighbours have all answered, or had their time. */
void
id_identity_tick(struct ident *x)
{
	for (size_t i = x->n_ids; i-- > 0; )
		if (x->id[i]->leaving && (has_been_left(x, x->id[i]) || x->now >= x->id[i]->leave_at))
			identity_end(x, x->id[i]);
}

enum ident_result
ident_remove(struct ident *x, uint64_t now, uint32_t id, struct ident_out *out)
{
	struct identity *own = id_identity_find(x, id);

	if (own == NULL)
		return IDENT_UNKNOWN_IDENTITY;
	if (own == x->main)
		return IDENT_IS_MAIN;
	if (id_identity_is_busy(x, own))
		return IDENT_BUSY;
	if (id_call_begin(x, now, out)) {
		id_identity_leave(x, own);
		id_call_end(x);
	}
	return IDENT_OK;
}

/* --- devices (spec 8.2) --------------------------------------------------------------- */

/*
 * Real interfaces may share a MAC (VLANs of one card do); link-locals are each one's own, and
 * pseudo-interfaces have nothing in common with anybody.
 */
static bool
nic_is_new(const struct ident *x, ntk_mac_t mac, ntk_ip_t linklocal)
{
	for (size_t i = 0; i < x->n_ids; i++)
		for (unsigned d = 0; d < CONF_INTERFACES; d++) {
			const struct ident_nic *nic = &x->id[i]->nic[d];

			if (nic->present && (nic->linklocal == linklocal ||
			    (x->id[i] != x->main && mac_cmp(nic->mac, mac) == 0)))
				return false;
		}
	for (size_t i = 0; i < x->n_recs; i++)
		for (unsigned d = 0; x->rec[i]->state == IDENT_MAKING && d < CONF_INTERFACES; d++)
			if (x->rec[i]->nic[d].present && x->rec[i]->nic[d].linklocal == linklocal)
				return false;
	return true;
}

bool
ident_dev_add(struct ident *x, uint64_t now, unsigned dev, ntk_mac_t mac, ntk_ip_t linklocal,
    struct ident_out *out)
{
	if (dev >= CONF_INTERFACES || x->dev[dev].present || !mac_is_unicast(mac) ||
	    !linklocal_is_usable(linklocal) || !nic_is_new(x, mac, linklocal) ||
	    !id_call_begin(x, now, out))
		return false;
	x->dev[dev] = (struct ident_nic){ true, mac, linklocal };
	x->main->nic[dev] = x->dev[dev];
	id_call_end(x);
	return true;
}

static bool
has_nics(const struct identity *id)
{
	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		if (id->nic[d].present)
			return true;
	return false;
}

static void
nic_remove(struct ident *x, struct identity *id, unsigned dev)
{
	bool had = id->nic[dev].present;

	id->nic[dev] = (struct ident_nic){ .present = false };
	if (had && id != x->main && !id->leaving && !has_nics(id))
		id_act(x, IDENT_WITHOUT_NICS)->id = id->id;
}

bool
ident_dev_remove(struct ident *x, uint64_t now, unsigned dev, struct ident_out *out)
{
	if (dev >= CONF_INTERFACES || !x->dev[dev].present || !id_call_begin(x, now, out))
		return false;
	for (size_t i = x->n_arcs; i-- > 0; )
		if (x->arc[i]->dev == dev)
			id_arc_end(x, x->arc[i]);
	for (size_t i = 0; i < x->n_ids; i++)
		nic_remove(x, x->id[i], dev);
	for (size_t i = 0; i < x->n_recs; i++)
		x->rec[i]->nic[dev] = (struct ident_nic){ .present = false };
	x->dev[dev] = (struct ident_nic){ .present = false };
	id_call_end(x);
	return true;
}

/* --- namespaces of others --------------------------------------------------------------- */

bool
ident_reserve(struct ident *x, unsigned *ns, uint32_t *index)
{
	unsigned n = id_ns_find(x);

	if (n == 0 || x->failed)
		return false;
	x->ns[n] = NS_RESERVED;
	*ns = n;
	*index = x->next_index++;
	return true;
}

void
ident_ns_gone(struct ident *x, uint64_t now, unsigned ns, struct ident_out *out)
{
	if (ns == 0 || ns >= IDENT_NAMESPACES ||
	    (x->ns[ns] != NS_LEAVING && x->ns[ns] != NS_RESERVED) || !id_call_begin(x, now, out))
		return;
	x->ns[ns] = NS_FREE;
	x->ns_id[ns] = 0;
	id_call_end(x);
}
