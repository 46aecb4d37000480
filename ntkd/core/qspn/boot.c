/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bootstrap phase and the way out of it (spec/qspn 3.6, 3.7 with A10, A17). */
#include <string.h>

#include "ntkd/core/qspn/int.h"
#include "ntkd/kernel/grow.h"

bool
is_bootstrapped(const struct qspn *q)
{
	return q->boot == BOOT_DONE || q->boot == BOOT_ROUND;
}

static void
queue_push(struct qspn *q, uint32_t number)
{
	uint32_t *v = grow(q->queue, q->n_queue, 1, &q->queue_size, sizeof(*v));

	if (v == NULL) {
		q->failed = true;
		return;
	}
	q->queue = v;
	v[q->n_queue++] = number;
}

static struct arc *
queue_pop(struct qspn *q)
{
	uint32_t number;

	if (q->n_queue == 0)
		return NULL;
	number = q->queue[0];
	q->n_queue--;
	memmove(q->queue, q->queue + 1, q->n_queue * sizeof(*q->queue));
	return arc_find(q, number);
}

void
boot_dequeue(struct qspn *q, uint32_t number)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_queue; i++)
		if (q->queue[i] != number)
			q->queue[n++] = q->queue[i];
	q->n_queue = n;
}

void
boot_enqueue(struct qspn *q, uint32_t number)
{
	queue_push(q, number);
	if (q->boot == BOOT_WAITING)
		boot_next(q);
}

/* Arcs whose peer is not known are the outer ones; they are queued by the caller. */
void
boot_start(struct qspn *q)
{
	q->boot = BOOT_ASKING;
	boot_next(q);
}

/* max(10 s, 1000 x the dearest of the best paths): what news may need to get here (A17). */
static uint64_t
patience(const struct qspn *q)
{
	uint64_t worst = 0;

	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			uint64_t total = path_total(q->level[l].v[i]->v[0]);

			if (total != COST_DEAD && total > worst)
				worst = total;
		}
	return worst * 1000 > 10 * SECOND ? worst * 1000 : 10 * SECOND;
}

/* The round is over: we present ourselves. */
static void
present(struct qspn *q)
{
	q->boot = BOOT_DONE;
	announce_full(q);
	dirty_clear(q);
	timer_set(q, TIMER_PRESENT, 1000 * MS);
}

/* The next question, or what comes after the last one. */
void
boot_next(struct qspn *q)
{
	struct arc *a = queue_pop(q);

	if (q->failed || q->boot == BOOT_DONE)
		return;
	if (a != NULL) {
		if (q->boot == BOOT_WAITING)
			q->boot = BOOT_ASKING;
		arc_ask(q, a, WHY_BOOT);
	} else if (q->boot == BOOT_ROUND) {
		present(q);
	} else {
		q->boot = BOOT_WAITING;
		if (q->timer[TIMER_BOOT] == NEVER)
			timer_set(q, TIMER_BOOT, patience(q));
	}
}

static void
leave(struct qspn *q, bool timed_out)
{
	q->boot = BOOT_ROUND;
	q->guest = q->levels;
	q->timer[TIMER_BOOT] = NEVER;
	act(q, QSPN_BOOTSTRAPPED)->timed_out = timed_out;
	periodic_start(q);
	q->n_queue = 0;
	for (size_t i = 0; i < q->n_arcs; i++) {
		q->arc[i]->why &= (uint8_t)~WHY_BOOT;
		queue_push(q, q->arc[i]->number);
	}
	boot_next(q);
}

void
boot_timeout(struct qspn *q)
{
	leave(q, true);
}

void
boot_answer(struct qspn *q, struct arc *a, const struct peer_etp *m, const struct naddr *sender)
{
	struct coord at;

	naddr_coord(q->topo, &q->me, sender, &at);
	if (at.level < q->guest || at.level >= q->host) {
		boot_next(q);
		return;
	}
	etp_process(q, a, m, sender, false);
	leave(q, false);
}

/* Does M tell a live path to the level that we need? */
static bool
tells_of_host(const struct qspn *q, const struct peer_etp *m)
{
	for (size_t i = 0; i < m->paths.n; i++) {
		const struct peer_path *p = &m->paths.v[i];

		if (p->hops.v[p->hops.n - 1].level == q->host - 1 &&
		    p->cost_kind != PEER_COST_DEAD)
			return true;
	}
	return false;
}

void
boot_etp(struct qspn *q, struct arc *a, const struct peer_etp *m, const struct naddr *sender)
{
	struct coord at;

	naddr_coord(q->topo, &q->me, sender, &at);
	if (at.level >= q->guest || !tells_of_host(q, m))
		return;
	etp_process(q, a, m, sender, false);
	leave(q, false);
}
