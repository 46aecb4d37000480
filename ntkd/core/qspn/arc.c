/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arcs come, change and go (spec/qspn 4.2 to 4.4), and requests over them (4.7). */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/int.h"
#include "ntkd/kernel/grow.h"

static size_t
place(const struct qspn *q, uint32_t number)
{
	size_t low = 0, high = q->n_arcs;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (q->arc[mid]->number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct arc *
arc_find(const struct qspn *q, uint32_t number)
{
	size_t at = place(q, number);

	return at < q->n_arcs && q->arc[at]->number == number ? q->arc[at] : NULL;
}

/* A random identifier that no other arc of ours has. */
static uint32_t
draw_id(struct qspn *q)
{
	for (;;) {
		uint32_t id = (uint32_t)(rng_u64(&q->rng) >> 32);
		bool taken = id == 0;

		for (size_t i = 0; i < q->n_arcs && !taken; i++)
			taken = q->arc[i]->id == id;
		if (!taken)
			return id;
	}
}

static unsigned
free_slot(const struct qspn *q)
{
	unsigned slot = 0;

	while ((q->slots[slot / 64] >> slot % 64 & 1) != 0)
		slot++;
	return slot;
}

/* ID 0: a fresh one. */
struct arc *
arc_new(struct qspn *q, uint32_t number, uint64_t cost, uint32_t id)
{
	size_t at = place(q, number);
	struct arc **v = grow(q->arc, q->n_arcs, 1, &q->arcs_size, sizeof(struct arc *));
	struct arc *a = v == NULL ? NULL : malloc(sizeof(*a));

	if (v != NULL)
		q->arc = v;
	if (a == NULL) {
		q->failed = true;
		return NULL;
	}
	*a = (struct arc){ .number = number, .cost = cost, .since = q->now, .ask_at = NEVER,
	    .asked = NEVER };
	a->id = id != 0 ? id : draw_id(q);
	a->slot = (uint8_t)free_slot(q);
	q->slots[a->slot / 64] |= UINT64_C(1) << a->slot % 64;
	memmove(v + at + 1, v + at, (q->n_arcs - at) * sizeof(struct arc *));
	v[at] = a;
	q->n_arcs++;
	return a;
}

void
arc_free_all(struct qspn *q)
{
	for (size_t i = 0; i < q->n_arcs; i++)
		free(q->arc[i]);
	free(q->arc);
}

/* Our address changed. */
void
arcs_recoord(struct qspn *q)
{
	q->unserved = true;
	for (size_t i = 0; i < q->n_arcs; i++)
		if (q->arc[i]->known)
			naddr_coord(q->topo, &q->me, &q->arc[i]->peer, &q->arc[i]->at);
}

void
arc_ask(struct qspn *q, struct arc *a, enum why why)
{
	struct qspn_msg *m;

	a->why |= (uint8_t)why;
	a->ask_at = NEVER;
	if (a->call != 0)
		return;
	m = compose_request(q);
	if (m == NULL)
		return;
	q->last_call += q->last_call == UINT32_MAX ? 2 : 1;
	a->call = q->last_call;
	act_message(q, QSPN_CALL, a->number, a->call, m);
	q->stats.requests_out++;
}

/*
 * Neighbours may have told alternatives that were not worth keeping then.  Whoever kept them all the
 * same (A29) need not ask.
 */
static void
ask_all(struct qspn *q)
{
	if (relies_on_memory(q))
		return;
	for (size_t i = 0; i < q->n_arcs; i++)
		arc_ask(q, q->arc[i], WHY_NEWS);
}

static bool
is_cost(uint64_t cost)
{
	return cost >= 1 && cost <= COST_MAX;
}

bool
qspn_arc_add(struct qspn *q, uint64_t now, uint32_t number, uint64_t cost, struct qspn_out *out)
{
	struct arc *a;

	if (q->failed || number == 0 || !is_cost(cost) || arc_find(q, number) != NULL ||
	    q->n_arcs >= q->p->max_arcs || q->n_arcs >= ARC_SLOTS)
		return false;
	call_begin(q, now, out);
	a = arc_new(q, number, cost, 0);
	if (a != NULL && is_bootstrapped(q))
		arc_ask(q, a, WHY_ADDED);
	else if (a != NULL)
		boot_enqueue(q, number);
	call_end(q);
	return true;
}

/* P as it was told last. */
static void
cand_told(struct qspn *q, struct cands *c, const struct path *p)
{
	size_t n = c->n;

	cands_as_is(q, c, p);
	if (c->n > n)
		c->v[n]->cost = p->told;
}

/*
 * Copies of all paths through A: so each of their destinations is looked at, and by the arc as it is
 * now, what is to be recorded.
 */
static void
cands_through(struct qspn *q, const struct arc *a, struct cands *c)
{
	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			const struct dest *d = q->level[l].v[i];

			for (size_t j = 0; j < d->n; j++)
				if (d->v[j]->arc == a)
					cand_told(q, c, d->v[j]);
		}
	for (size_t i = 0; i < q->n_spares; i++)
		if (q->spare[i]->arc == a)
			cand_told(q, c, q->spare[i]);
}

bool
qspn_arc_changed(struct qspn *q, uint64_t now, uint32_t number, uint64_t cost,
    struct qspn_out *out)
{
	struct arc *a = arc_find(q, number);
	struct cands c = { 0 };

	if (q->failed || a == NULL || !is_cost(cost))
		return false;
	call_begin(q, now, out);
	a->cost = cost;
	cands_through(q, a, &c);
	map_update(q, &c, a);
	own_refresh(q);
	news_publish(q, NULL, NULL, 0);
	if (is_bootstrapped(q))
		ask_all(q);
	call_end(q);
	return true;
}

static void
arc_take_out(struct qspn *q, struct arc *a)
{
	size_t at = place(q, a->number);

	q->n_arcs--;
	memmove(q->arc + at, q->arc + at + 1, (q->n_arcs - at) * sizeof(struct arc *));
	q->slots[a->slot / 64] &= ~(UINT64_C(1) << a->slot % 64);
	arc_undirty(q, a);
}

/* Withdrawals first, then the questions (A22). */
void
arc_leave(struct qspn *q, struct arc *a, bool ask)
{
	bool boot = (a->why & WHY_BOOT) != 0;

	boot_dequeue(q, a->number);
	arc_take_out(q, a);
	map_drop(q, through_arc, a);
	free(a);
	own_refresh(q);
	news_publish(q, NULL, NULL, 0);
	if (ask && is_bootstrapped(q))
		ask_all(q);
	if (boot)
		boot_next(q);
}

static void
give_up(struct qspn *q, struct arc *a, bool bad_link, bool ask)
{
	struct qspn_action *x = act(q, QSPN_ARC_REMOVED);

	x->arc = a->number;
	x->bad_link = bad_link;
	arc_leave(q, a, ask);
}

void
arc_fail(struct qspn *q, struct arc *a, bool bad_link)
{
	give_up(q, a, bad_link, true);
}

void
arc_shed(struct qspn *q, struct arc *a)
{
	give_up(q, a, false, false);
}

bool
qspn_arc_remove(struct qspn *q, uint64_t now, uint32_t number, struct qspn_out *out)
{
	struct arc *a = arc_find(q, number);

	if (q->failed || a == NULL)
		return false;
	call_begin(q, now, out);
	arc_leave(q, a, true);
	call_end(q);
	return true;
}

void
qspn_send_failed(struct qspn *q, uint64_t now, uint32_t number, bool link, struct qspn_out *out)
{
	struct arc *a = arc_find(q, number);

	if (q->failed || a == NULL)
		return;
	call_begin(q, now, out);
	arc_fail(q, a, link);
	call_end(q);
}
