/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/ident/int.h"

enum {
	DRAWS = 4096,				/* attempts at a link-local nobody has */
	LINKLOCAL_NET = 0xa9fe0000,		/* 169.254.0.0 */
};

/* As an identity of ours, or of a neighbour. */
static bool
id_is_known(const struct ident *x, uint32_t id)
{
	if (id_identity_find(x, id) != NULL)
		return true;
	for (size_t i = 0; i < x->n_arcs; i++)
		for (size_t k = 0; k < x->arc[i]->n; k++)
			if (x->arc[i]->iarc[k]->peer == id)
				return true;
	return false;
}

uint32_t
id_draw_id(struct ident *x)
{
	uint32_t id;

	do
		id = 1 + rng_below(&x->rng, IDENT_ID_MAX);
	while (id_is_known(x, id));
	return id;
}

static bool
nics_have(const struct ident_nic *nic, ntk_ip_t linklocal)
{
	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		if (nic[d].present && nic[d].linklocal == linklocal)
			return true;
	return false;
}

/* By us in any namespace, or by a neighbour that we know (spec/neighborhood 16.1 b). */
static bool
linklocal_is_taken(const struct ident *x, ntk_ip_t linklocal)
{
	for (size_t i = 0; i < x->n_ids; i++)
		if (nics_have(x->id[i]->nic, linklocal))
			return true;
	for (size_t i = 0; i < x->n_recs; i++)
		if (x->rec[i]->state == IDENT_MAKING && nics_have(x->rec[i]->nic, linklocal))
			return true;
	for (size_t i = 0; i < x->n_arcs; i++) {
		const struct arc *a = x->arc[i];

		if (a->linklocal == linklocal)
			return true;
		for (size_t k = 0; k < a->n; k++)
			if (a->iarc[k]->linklocal == linklocal)
				return true;
	}
	return x->taken != NULL && x->taken(linklocal, x->taken_arg);
}

bool
id_draw_linklocal(struct ident *x, ntk_ip_t *out)
{
	for (unsigned i = 0; i < DRAWS; i++) {
		ntk_ip_t ip = LINKLOCAL_NET | rng_below(&x->rng, 65536);

		if (!linklocal_is_usable(ip) || linklocal_is_taken(x, ip))
			continue;
		*out = ip;
		return true;
	}
	return false;
}
