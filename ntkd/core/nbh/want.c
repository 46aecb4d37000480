/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which pairs of interfaces are wanted (spec 10, 19.5). */

#include <string.h>

#include "ntkd/core/nbh/int.h"
#include "ntkd/kernel/grow.h"

/* --- wishes of the operator --------------------------------------------------------- */

static int
wish_cmp(const struct wish *w, unsigned dev, ntk_mac_t mac)
{
	return w->dev != dev ? (w->dev < dev ? -1 : 1) : mac_cmp(w->mac, mac);
}

static size_t
place(const struct nbh *n, unsigned dev, ntk_mac_t mac)
{
	size_t low = 0, high = n->n_wishes;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (wish_cmp(&n->wish[middle], dev, mac) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
wish_has(const struct nbh *n, unsigned dev, ntk_mac_t mac)
{
	size_t i = place(n, dev, mac);

	return i < n->n_wishes && wish_cmp(&n->wish[i], dev, mac) == 0;
}

size_t
nbh_wishes(const struct nbh *n)
{
	return n->n_wishes;
}

bool
nbh_wish_at(const struct nbh *n, size_t i, unsigned *dev, ntk_mac_t *mac)
{
	if (i >= n->n_wishes)
		return false;
	*dev = n->wish[i].dev;
	*mac = n->wish[i].mac;
	return true;
}

/* --- decisions --------------------------------------------------------------------------- */

bool
pair_blocked(const struct nbh *n, const struct entry *e, enum nbh_state s)
{
	const struct nic *c = &n->nic[e->dev];

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i] != e && c->v[i]->node == e->node && c->v[i]->state >= s)
			return true;
	for (unsigned dev = 0; dev < NBH_DEVS; dev++) {
		const struct entry *f = dev != e->dev ? entry_find(n, dev, e->mac) : NULL;

		if (f != NULL && f->state >= s)
			return true;
	}
	return false;
}

static bool
is_wished(const struct nbh *n, const struct entry *e)
{
	if (e->barred > n->now)
		return false;
	return n->p->automatic ? e->aside <= n->now : wish_has(n, e->dev, e->mac);
}

/*
 * Of several pairs with one node the leader takes the first that is free at both ends.  Who
 * follows wants all that could still be, and so whichever the leader takes.
 */
static bool
is_free(const struct nbh *n, const struct entry *e)
{
	const bool chooses = !n->p->automatic || we_lead(n, e);

	return !pair_blocked(n, e, chooses ? NBH_WANTED : NBH_AGREED);
}

static void
drop_wanted(struct nbh *n, struct entry *e)
{
	if (e->state != NBH_WANTED && e->state != NBH_OPENING)
		return;
	if (is_wished(n, e) && !pair_blocked(n, e, NBH_AGREED))
		return;
	if (e->connection != NULL)
		connection_close(n, e->connection);
	entry_state(n, e, NBH_READY);
}

static void
take_wanted(struct nbh *n, struct entry *e)
{
	if (e->state != NBH_READY || !is_wished(n, e) || !is_free(n, e) ||
	    !nic_active(&n->nic[e->dev]) || e->listed + silence(e) <= n->now)
		return;
	if (n->wanted >= n->p->max_arcs) {
		nb_refuse_entry(n, e, NBH_R_ARCS);
		return;
	}
	e->wanted = n->now;
	e->aside = e->barred = 0;
	entry_state(n, e, NBH_WANTED);
	open_try(n, e);
}

typedef void each_fn(struct nbh *n, struct entry *e);

/* NODE 0: entries of every node. */
static void
each(struct nbh *n, uint32_t node, each_fn *fn)
{
	for (unsigned dev = 0; dev < NBH_DEVS; dev++)
		for (size_t i = 0; i < n->nic[dev].n; i++)
			if (node == 0 || n->nic[dev].v[i]->node == node)
				fn(n, n->nic[dev].v[i]);
}

void
nb_decide(struct nbh *n, uint32_t node)
{
	each(n, node, drop_wanted);
	each(n, node, take_wanted);
}

void
nb_decide_all(struct nbh *n)
{
	nb_decide(n, 0);
}

/* --- calls ---------------------------------------------------------------------------------- */

/* Is there another wish with E's node that shares an end with it? */
static bool
wish_conflicts(const struct nbh *n, const struct entry *e)
{
	for (size_t i = 0; i < n->n_wishes; i++) {
		const struct wish *w = &n->wish[i];
		const struct entry *f = entry_find(n, w->dev, w->mac);
		const bool same_mac = mac_cmp(w->mac, e->mac) == 0;

		if (same_mac && w->dev != e->dev)
			return true;
		if (!same_mac && w->dev == e->dev && f != NULL && f->node == e->node)
			return true;
	}
	return pair_blocked(n, e, NBH_WANTED);
}

static bool
wish_add(struct nbh *n, unsigned dev, ntk_mac_t mac)
{
	struct wish *v = grow(n->wish, n->n_wishes, 1, &n->wishes_size, sizeof(*v));
	size_t at = place(n, dev, mac);

	if (v == NULL) {
		nb_fail(n);
		return false;
	}
	n->wish = v;
	memmove(v + at + 1, v + at, (n->n_wishes - at) * sizeof(*v));
	v[at] = (struct wish){ dev, mac };
	n->n_wishes++;
	return true;
}

static enum nbh_wanted
want(struct nbh *n, unsigned dev, ntk_mac_t mac)
{
	const struct entry *e = dev < NBH_DEVS ? entry_find(n, dev, mac) : NULL;

	if (n->p->automatic)
		return NBH_WANT_MODE;
	if (dev < NBH_DEVS && wish_has(n, dev, mac))
		return NBH_WANT_ALREADY;
	if (e == NULL || e->state < NBH_READY)
		return NBH_WANT_UNKNOWN;
	if (wish_conflicts(n, e))
		return NBH_WANT_CONFLICT;
	if (n->n_wishes >= n->p->max_wishes || n->wanted >= n->p->max_arcs)
		return NBH_WANT_FULL;
	if (!wish_add(n, dev, mac))
		return NBH_WANT_FULL;
	nb_decide(n, e->node);
	return NBH_WANT_DONE;
}

enum nbh_wanted
nbh_want(struct nbh *n, uint64_t now, unsigned dev, ntk_mac_t mac, struct nbh_out *out)
{
	enum nbh_wanted w;

	if (!nb_begin(n, now, out))
		return NBH_WANT_UNKNOWN;
	w = want(n, dev, mac);
	nb_end(n);
	return w;
}

static void
wish_remove(struct nbh *n, unsigned dev, ntk_mac_t mac)
{
	size_t at = place(n, dev, mac);

	memmove(n->wish + at, n->wish + at + 1, (n->n_wishes - at - 1) * sizeof(n->wish[0]));
	n->n_wishes--;
}

enum nbh_wanted
nbh_unwant(struct nbh *n, uint64_t now, unsigned dev, ntk_mac_t mac, struct nbh_out *out)
{
	struct entry *e;

	if (n->p->automatic)
		return NBH_WANT_MODE;
	if (dev >= NBH_DEVS || !wish_has(n, dev, mac) || !nb_begin(n, now, out))
		return NBH_WANT_UNKNOWN;
	wish_remove(n, dev, mac);
	e = entry_find(n, dev, mac);
	if (e != NULL) {
		nb_arc_end(n, e, true, NBH_WHY_ORDER, PEER_CLOSE_ORDER);
		nb_decide(n, e->node);
	}
	nb_end(n);
	return NBH_WANT_DONE;
}
