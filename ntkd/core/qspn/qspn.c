/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A manager as a whole: made, run by time, freed. */
#include "ntkd/core/qspn/qspn.h"

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/int.h"

void
qspn_params_default(struct qspn_params *p, const struct topo *t)
{
	*p = (struct qspn_params){
		.topo = *t,
		.amendments = QSPN_PROFILE_R,
		.max_paths = 5,
		.max_common_ratio = 600000,
		.arc_timeout = 10 * SECOND,
		.pacing = 30 * MS,
		.pacing_first = true,
		.periodic = 600 * SECOND,
		.max_arcs = ARC_SLOTS,
		.max_paths_dest = 64,
		.max_hops = PEER_HOPS,
		.max_dests = 65536,
		.max_paths_all = 16384,
		.max_splits = 64,
	};
}

void
call_begin(struct qspn *q, uint64_t now, struct qspn_out *out)
{
	q->now = now;
	q->out = out;
}

void
call_end(struct qspn *q)
{
	announce_end(q);
	scratch_free(&q->scratch);
	q->out = NULL;
	deadline_refresh(q);
}

void
timer_set(struct qspn *q, enum timer t, uint64_t after)
{
	q->timer[t] = q->now + after;
}

/* --- life -------------------------------------------------------------------------- */

static bool
allocate(struct qspn *q)
{
	q->level = calloc(q->levels, sizeof(*q->level));
	q->fp = calloc(q->levels + 1U, sizeof(*q->fp));
	q->nodes = calloc(q->levels + 1U, sizeof(*q->nodes));
	return q->level != NULL && q->fp != NULL && q->nodes != NULL;
}

struct qspn *
qspn_new(const struct qspn_params *p, const struct rng *rng, uint64_t now, const struct naddr *me,
    const struct fingerprint *fp0)
{
	struct qspn *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->p = p;
	q->topo = &p->topo;
	q->levels = q->guest = q->host = p->topo.levels;
	q->rng = *rng;
	q->now = now;
	q->flushed = NEVER;
	q->me = *me;
	for (int i = 0; i < TIMERS; i++)
		q->timer[i] = NEVER;
	if (!allocate(q)) {
		qspn_free(q);
		return NULL;
	}
	q->fp[0] = *fp0;
	q->incarnation = rng_u64(&q->rng);
	return q;
}

/* Own g-nodes as they are before anything is known: no event, nobody hears of it. */
void
own_start(struct qspn *q)
{
	struct qspn_out *out = q->out, silent;

	qspn_out_init(&silent);
	q->out = &silent;
	own_refresh(q);
	news_forget(q);
	q->out = out;
	qspn_out_free(&silent);
}

struct qspn *
qspn_create_net(const struct qspn_params *p, const struct rng *rng, uint64_t now,
    const struct naddr *address, const struct fingerprint *fp0, struct qspn_out *out)
{
	struct qspn *q = qspn_new(p, rng, now, address, fp0);

	if (q == NULL)
		return NULL;
	call_begin(q, now, out);
	own_start(q);
	act(q, QSPN_BOOTSTRAPPED);
	periodic_start(q);
	call_end(q);
	if (!q->failed)
		return q;
	qspn_free(q);
	return NULL;
}

static void
map_free(struct qspn *q)
{
	for (unsigned l = 0; l < q->levels && q->level != NULL; l++) {
		while (q->level[l].n > 0) {
			struct dest *d = q->level[l].v[q->level[l].n - 1];

			for (size_t i = 0; i < d->n; i++)
				path_unstored(q, d->v[i]);
			map_remove(q, d);
		}
		free(q->level[l].v);
	}
	free(q->level);
}

void
qspn_free(struct qspn *q)
{
	if (q == NULL)
		return;
	news_forget(q);
	dirty_clear(q);
	map_free(q);
	spare_free(q);
	arc_free_all(q);
	fps_free(&q->fps);
	scratch_free(&q->scratch);
	free(q->news.v);
	free(q->dirty);
	free(q->adj);
	free(q->fp);
	free(q->nodes);
	free(q->queue);
	free(q->flood);
	free(q->split);
	free(q);
}

bool
qspn_failed(const struct qspn *q)
{
	return q->failed;
}

/* --- time --------------------------------------------------------------------------- */

/* Every 600 s, and up to 10 % later, so that neighbours do not march in step. */
void
periodic_start(struct qspn *q)
{
	uint64_t jitter = q->p->periodic / 10;

	if (jitter > 0)
		jitter = rng_u64(&q->rng) % jitter;
	timer_set(q, TIMER_PERIODIC, q->p->periodic + jitter);
}

static void
periodic(struct qspn *q)
{
	announce_full(q);
	periodic_start(q);
}

static void
presence(struct qspn *q)
{
	act(q, QSPN_PRESENT);
}

static void
operation_over(struct qspn *q)
{
	q->prepared = 0;
}

static void (*const on_timer[TIMERS])(struct qspn *q) = {
	[TIMER_PERIODIC] = periodic,
	[TIMER_FLUSH] = announce_flush,
	[TIMER_BOOT] = boot_timeout,
	[TIMER_PRESENT] = presence,
	[TIMER_NOTICE] = identity_notice,
	[TIMER_FLOOD] = split_flood,
	[TIMER_REMOVE] = identity_remove,
	[TIMER_OPERATION] = operation_over,
};

static uint64_t
earliest(const struct qspn *q, int from)
{
	uint64_t when = split_deadline(q);

	for (int i = from; i < TIMERS; i++)
		if (q->timer[i] < when)
			when = q->timer[i];
	for (size_t i = 0; i < q->n_arcs; i++)
		if (q->arc[i]->ask_at < when)
			when = q->arc[i]->ask_at;
	return when;
}

void
deadline_refresh(struct qspn *q)
{
	q->deadline = earliest(q, 0);
}

uint64_t
qspn_deadline(const struct qspn *q)
{
	return q->failed ? NEVER : q->deadline;
}

void
qspn_tick(struct qspn *q, uint64_t now, struct qspn_out *out)
{
	if (q->failed)
		return;
	call_begin(q, now, out);
	for (int i = 0; i < TIMERS && !q->failed; i++)
		if (q->timer[i] <= now) {
			q->timer[i] = NEVER;
			on_timer[i](q);
		}
	split_tick(q);
	for (size_t i = 0; i < q->n_arcs && !q->failed; i++)
		if (q->arc[i]->ask_at <= now) {
			q->arc[i]->asked = now;
			arc_ask(q, q->arc[i], WHY_NEWS);
		}
	call_end(q);
}

static bool
is_asking(const struct qspn *q)
{
	for (size_t i = 0; i < q->n_arcs; i++)
		if (q->arc[i]->call != 0)
			return true;
	return false;
}

bool
qspn_is_quiet(const struct qspn *q)
{
	return q->failed || (q->boot == BOOT_DONE && !is_asking(q) && q->n_dirty == 0 &&
	    !q->dirty_own && !q->dirty_all && earliest(q, TIMER_OPERATION + 1) == NEVER);
}

/* --- how much there is -------------------------------------------------------------------- */

static void
dest_count(const struct dest *d, struct qspn_size *s)
{
	s->destinations++;
	s->paths += d->n;
	s->bytes += sizeof(*d) + d->size * sizeof(struct path *);
	for (size_t i = 0; i < d->n; i++)
		s->bytes += sizeof(struct path) + d->v[i]->n * sizeof(struct qspn_hop);
}

struct qspn_size
qspn_size(const struct qspn *q)
{
	struct qspn_size s = { .bytes = sizeof(*q) };

	for (unsigned l = 0; l < q->levels; l++) {
		s.bytes += sizeof(struct dests) + q->level[l].size * sizeof(struct dest *);
		for (size_t i = 0; i < q->level[l].n; i++)
			dest_count(q->level[l].v[i], &s);
	}
	for (size_t i = 0; i < q->n_spares; i++)
		s.bytes += sizeof(struct path) + q->spare[i]->n * sizeof(struct qspn_hop);
	s.bytes += q->spares_size * sizeof(struct path *);
	s.spares = q->n_spares;
	s.bytes += (q->levels + 1U) * (sizeof(*q->fp) + sizeof(*q->nodes));
	s.bytes += q->n_arcs * sizeof(struct arc) + q->arcs_size * sizeof(struct arc *);
	s.bytes += q->fps.n * sizeof(struct fpref) + q->fps.size * sizeof(struct fpref *);
	s.bytes += q->adj_size * sizeof(*q->adj) + q->news.size * sizeof(struct path *);
	s.bytes += q->dirty_size * sizeof(*q->dirty) + q->queue_size * sizeof(*q->queue);
	s.bytes += q->flood_size * sizeof(*q->flood) + q->splits_size * sizeof(*q->split);
	return s;
}
