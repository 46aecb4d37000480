/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Life, time, and the frame around every call. */

#include "ntkd/core/nbh/nbh.h"

#include <stdlib.h>

#include "ntkd/core/nbh/int.h"

void
nbh_params_default(struct nbh_params *p, const struct topo *t, ntk_prefix_t range)
{
	*p = (struct nbh_params){
		.topo = *t,
		.range = range,
		.automatic = true,
		.interval = 1000,
		.ask = true,
		.extra = 50 * MS,
		.opening = 2 * SECOND,
		.patience = 10 * SECOND,
		.aside = 30 * SECOND,
		.changed = 10 * SECOND,
		.address_hold = 60 * SECOND,
		.log = 60 * SECOND,
		.max_entries = 256,
		.max_arcs = 1000,
		.max_wishes = 1000,
		.max_opening = 16,
	};
}

struct nbh *
nbh_create(const struct nbh_params *p, const struct rng *rng)
{
	struct nbh *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->p = p;
	n->rng = *rng;
	n->node = 1 + rng_below(&n->rng, PEER_NODE_MAX);
	/* Others need not know for how long this system has been running. */
	n->clock = (uint32_t)rng_u64(&n->rng);
	for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
		n->nic[dev].draw = NEVER;
		hello_stop(n, dev);
	}
	return n;
}

static void
nic_free(struct nic *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i]);
	free(c->v);
}

void
nbh_free(struct nbh *n)
{
	if (n == NULL)
		return;
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		nic_free(&n->nic[dev]);
	for (size_t i = 0; i < n->n_connections; i++)
		free(n->connection[i]);
	free(n->connection);
	free(n->wish);
	free(n->lost.msg);
	free(n);
}

bool
nbh_failed(const struct nbh *n)
{
	return n->failed;
}

uint32_t
nbh_node(const struct nbh *n)
{
	return n->node;
}

const struct nbh_stats *
nbh_stats(const struct nbh *n)
{
	return &n->stats;
}

void
nb_fail(struct nbh *n)
{
	n->failed = n->out->failed = true;
}

uint32_t
nb_clock(const struct nbh *n)
{
	return (uint32_t)n->now + n->clock;
}

bool
nb_begin(struct nbh *n, uint64_t now, struct nbh_out *out)
{
	if (n->failed)
		return false;
	if (now > n->now)
		n->now = now;
	n->out = out;
	return true;
}

void
nb_end(struct nbh *n)
{
	if (n->room) {
		n->room = false;
		nb_decide_all(n);
	}
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		hello_due(n, dev);
	n->out = NULL;
}

/* --- time ------------------------------------------------------------------------- */

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
nic_deadline(const struct nbh *n, const struct nic *c)
{
	uint64_t when = earlier(c->draw, nb_refuse_deadline(c));

	if (nic_active(c))
		when = earlier(when, earlier(c->hello, c->extra));
	for (size_t i = 0; i < c->n; i++)
		when = earlier(when, entry_deadline(n, c->v[i]));
	return when;
}

uint64_t
nbh_deadline(const struct nbh *n)
{
	uint64_t when = NEVER;

	if (n->failed)
		return NEVER;
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		when = earlier(when, nic_deadline(n, &n->nic[dev]));
	for (size_t i = 0; i < n->n_connections; i++)
		when = earlier(when, n->connection[i]->deadline);
	return when;
}

void
nbh_tick(struct nbh *n, uint64_t now, struct nbh_out *out)
{
	if (!nb_begin(n, now, out))
		return;
	open_tick(n);
	for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
		nic_tick(n, dev);
		entry_tick(n, dev);
		nb_refuse_tick(n, dev);
	}
	nb_end(n);
}
