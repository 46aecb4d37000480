/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Entries: what is known of neighbours, and how it ends (spec 19.4, 19.7). */

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/nbh/int.h"
#include "ntkd/kernel/grow.h"

/* Where MAC is among the entries of C, or would be. */
static size_t
place(const struct nic *c, ntk_mac_t mac)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (mac_cmp(c->v[middle]->mac, mac) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct entry *
entry_find(const struct nbh *n, unsigned dev, ntk_mac_t mac)
{
	const struct nic *c = &n->nic[dev];
	size_t i = place(c, mac);

	return i < c->n && mac_cmp(c->v[i]->mac, mac) == 0 ? c->v[i] : NULL;
}

struct entry *
entry_at(const struct nbh *n, unsigned dev, ntk_ip_t address)
{
	const struct nic *c = &n->nic[dev];

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i]->address == address)
			return c->v[i];
	return NULL;
}

struct entry *
entry_of_arc(const struct nbh *n, uint32_t arc)
{
	if (arc == 0)
		return NULL;
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		for (size_t i = 0; i < n->nic[dev].n; i++)
			if (n->nic[dev].v[i]->arc == arc)
				return n->nic[dev].v[i];
	return NULL;
}

static bool
number_taken(const struct nbh *n, uint32_t number)
{
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		for (size_t i = 0; i < n->nic[dev].n; i++)
			if (n->nic[dev].v[i]->number == number)
				return true;
	return false;
}

struct entry *
entry_new(struct nbh *n, unsigned dev, const struct peer_hello *h, ntk_mac_t mac)
{
	struct nic *c = &n->nic[dev];
	size_t at = place(c, mac);
	struct entry **v = grow(c->v, c->n, 1, &c->size, sizeof(struct entry *));
	struct entry *e = v != NULL ? calloc(1, sizeof(*e)) : NULL;

	if (v != NULL)
		c->v = v;
	if (e == NULL) {
		nb_fail(n);
		return NULL;
	}
	do
		n->last_entry++;
	while (n->last_entry == 0 || number_taken(n, n->last_entry));
	*e = (struct entry){ .number = n->last_entry, .dev = dev, .mac = mac, .node = h->node,
		.address = h->address };
	memmove(c->v + at + 1, c->v + at, (c->n - at) * sizeof(c->v[0]));
	c->v[at] = e;
	c->n++;
	n->stats.entries_made++;
	hello_urge(n, e);
	return e;
}

void
entry_state(struct nbh *n, struct entry *e, enum nbh_state s)
{
	const bool before = e->state >= NBH_WANTED, after = s >= NBH_WANTED;

	e->state = s;
	if (before == after)
		return;
	if (after) {
		n->wanted++;
	} else {
		n->room = n->room || n->wanted >= n->p->max_arcs;
		n->wanted--;
	}
	hello_urge(n, e);
}

/* Ends what there is of a connection and an arc; HEARD or READY remains. */
static void
let_go(struct nbh *n, struct entry *e, enum nbh_state s, bool usable, enum nbh_why why)
{
	nb_arc_end(n, e, usable, why, PEER_CLOSE_LEAVING);
	if (e->connection != NULL)
		connection_close(n, e->connection);
	entry_state(n, e, s);
}

void
entry_drop(struct nbh *n, struct entry *e, bool usable, enum nbh_why why)
{
	struct nic *c = &n->nic[e->dev];
	const uint32_t node = e->node;
	size_t at = place(c, e->mac);

	let_go(n, e, NBH_HEARD, usable, why);
	memmove(c->v + at, c->v + at + 1, (c->n - at - 1) * sizeof(c->v[0]));
	c->n--;
	n->stats.entries_gone++;
	free(e);
	/* Its ends are free for other pairs. */
	nb_decide(n, node);
}

/* It does not list us any more. */
static void
unlisted(struct nbh *n, struct entry *e)
{
	let_go(n, e, NBH_HEARD, false, NBH_WHY_SILENT);
	nb_decide(n, e->node);
}

void
entry_settle(struct nbh *n, struct entry *e)
{
	if (e->state != NBH_HEARD || !e->cost.known)
		return;
	entry_state(n, e, NBH_READY);
	nb_decide(n, e->node);
}

/* --- time ---------------------------------------------------------------------------- */

static uint64_t
shown(const struct entry *e)
{
	return e->alive > e->heard ? e->alive : e->heard;
}

/*
 * When the neighbour is gone (19.7).  Hellos are broadcast, and radios do not repeat broadcasts
 * that were lost, as they do everything else: with every fifth lost an arc would not last
 * two minutes.  So an arc lives on while its other end answers over the connection; not for
 * ever, as then its cost is not known any more.
 */
static uint64_t
gone_at(const struct nbh *n, const struct entry *e)
{
	uint64_t at;

	if (e->state != NBH_UP || !n->p->ask)
		return e->heard + silence(e);
	at = shown(e) + silence(e);
	return at < e->heard + DEAF * silence(e) ? at : e->heard + DEAF * silence(e);
}

static uint64_t
ask_at(const struct nbh *n, const struct entry *e)
{
	const uint64_t interval = e->interval * MS, missed = shown(e) + 2 * interval;

	if (e->state != NBH_UP || !n->p->ask)
		return NEVER;
	return e->asked + interval > missed ? e->asked + interval : missed;
}

static uint64_t
listed_until(const struct entry *e)
{
	return e->state > NBH_HEARD && e->state < NBH_AGREED ? e->listed + silence(e) : NEVER;
}

/* Automatic mode: when the pair is put aside. */
static uint64_t
patience_until(const struct nbh *n, const struct entry *e)
{
	return n->p->automatic && (e->state == NBH_WANTED || e->state == NBH_OPENING) ?
	    e->wanted + n->p->patience : NEVER;
}

/* When a pair that must not be wanted may be again. */
static uint64_t
pardon_at(const struct nbh *n, const struct entry *e)
{
	uint64_t at = n->p->automatic && e->aside > e->barred ? e->aside : e->barred;

	return e->state == NBH_READY && at != 0 ? at : NEVER;
}

static bool
cost_is_due(const struct entry *e)
{
	struct nbh_cost c = e->cost;

	return e->state == NBH_UP && nbh_cost_settle(&c);
}

uint64_t
entry_deadline(const struct nbh *n, const struct entry *e)
{
	uint64_t when = gone_at(n, e), t = listed_until(e);

	if (t < when)
		when = t;
	t = patience_until(n, e);
	if (t < when)
		when = t;
	t = pardon_at(n, e);
	if (t < when)
		when = t;
	t = ask_at(n, e);
	if (t < when)
		when = t;
	if (cost_is_due(e) && e->quiet < when)
		when = e->quiet;
	return when;
}

static void
put_aside(struct nbh *n, struct entry *e)
{
	if (e->connection != NULL)
		connection_close(n, e->connection);
	e->aside = n->now + n->p->aside;
	entry_state(n, e, NBH_READY);
	nb_decide(n, e->node);
}

void
entry_tick(struct nbh *n, unsigned dev)
{
	struct nic *c = &n->nic[dev];

	for (size_t i = 0; i < c->n;) {
		struct entry *e = c->v[i];

		if (gone_at(n, e) <= n->now) {
			entry_drop(n, e, false, NBH_WHY_SILENT);
			continue;
		}
		if (listed_until(e) <= n->now)
			unlisted(n, e);
		if (patience_until(n, e) <= n->now)
			put_aside(n, e);
		if (pardon_at(n, e) <= n->now) {
			e->aside = e->barred = 0;
			nb_decide(n, e->node);
		}
		nb_arc_cost(n, e);
		if (ask_at(n, e) <= n->now) {
			e->asked = n->now;
			n->stats.asked++;
			arc_alive(n, e, true);
		}
		i++;
	}
}
