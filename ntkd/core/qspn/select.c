/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which paths to a destination are kept (spec/qspn 4.11 to 4.13); integers only. */
#include <string.h>

#include "ntkd/core/qspn/int.h"

uint32_t
isqrt(uint64_t n)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1)
		if ((root | bit) * (root | bit) <= n)
			root |= bit;
	return (uint32_t)root;
}

uint32_t
adapted_threshold(uint32_t max_ratio, unsigned gateways, uint32_t size)
{
	static const uint8_t lambda[] = { 8, 45, 35, 27, 20, 15, 12, 10, 8 };	/* hundredths */
	static const struct {
		uint32_t below;
		uint32_t share;		/* of 10,000 */
	} step[] = { { 10, 10000 }, { 25, 9000 }, { 75, 8000 }, { 250, 6000 }, { 750, 3000 },
	    { 3000, 1000 } };
	uint64_t e = (uint64_t)max_ratio * lambda[gateways > 8 ? 8 : gateways] / 100;
	uint64_t g = 1;

	for (size_t i = sizeof(step) / sizeof(step[0]); i-- > 0; )
		if (size < step[i].below)
			g = step[i].share;
	return (uint32_t)((max_ratio - e) * g / 10000 + e);
}

/* Distinct arcs of the paths to D that report its fingerprint. */
static unsigned
gateways(const struct dest *d)
{
	unsigned n = 0;

	for (size_t i = 0; i < d->n; i++) {
		bool seen = !dest_agrees(d, d->v[i]);

		for (size_t j = 0; j < i && !seen; j++)
			seen = d->v[j]->hops[0].id == d->v[i]->hops[0].id && dest_agrees(d, d->v[j]);
		n += !seen;
	}
	return n;
}

struct before
select_before(const struct dest *d)
{
	if (d == NULL)
		return (struct before){ .known = false };
	return (struct before){ true, gateways(d), d->nodes };
}

/* What selecting for one destination needs to know. */
struct work {
	struct coord at;
	struct choice **kept;
	size_t n_kept;
	uint64_t *ids;		/* F_d */
	size_t n_ids;
	bool *near_done;	/* taken out of V_nd */
	bool *adj_done;		/* taken out of Z1_d */
	const struct around *a;
	uint32_t threshold;
	uint32_t end_weight;	/* of the destination itself */
};

/* Weighs the hops of C but the last; false when one of them is no known destination. */
static bool
weigh(const struct qspn *q, struct choice *c)
{
	for (size_t i = 0; i + 1 < c->p->n; i++) {
		const struct dest *h = map_find(q, c->p->hops[i].to);

		if (h == NULL)
			return false;
		c->weight[i] = h->root / 2;
	}
	return true;
}

static bool
is_new_fingerprint(struct work *w, const struct path *p)
{
	for (size_t i = 0; i < w->n_ids; i++)
		if (w->ids[i] == p->fp->f.id)
			return false;
	w->ids[w->n_ids++] = p->fp->f.id;
	return true;
}

/* Does P avoid neighbours that no path kept so far avoids?  They are done then. */
static bool
avoids_more(struct work *w, const struct path *p)
{
	bool any = false;

	for (size_t i = 0; i < w->a->n_near; i++)
		if (!w->near_done[i] && !path_has(p, w->a->near[i]))
			any = w->near_done[i] = true;
	return any;
}

/* Does P go through adjacent g-nodes that no path kept so far goes through? */
static bool
crosses_more(struct work *w, const struct path *p)
{
	bool any = false;

	for (size_t i = 0; i < w->a->n_adj; i++)
		if (!w->adj_done[i] && path_has(p, w->a->adj[i]))
			any = w->adj_done[i] = true;
	return any;
}

static bool
is_mandatory(struct work *w, const struct path *p)
{
	bool fp = is_new_fingerprint(w, p);
	bool avoids = avoids_more(w, p);
	bool crosses = crosses_more(w, p);

	return fp || avoids || crosses;
}

/* How much of hop I of the kept path P2, of WEIGHT, path P1 has in common. */
static uint32_t
common_of(const struct path *p1, const struct path *p2, size_t i, uint32_t weight)
{
	bool in, out;

	if (weight == 0 || !path_has(p1, p2->hops[i].to))
		return 0;
	in = path_has_arc(p1, p2->hops[i].id);
	out = path_has_arc(p1, p2->hops[i + 1].id);
	if (in && out)
		return weight;
	return in || out ? (weight + 1) / 2 : 0;
}

/* Spec 4.12. */
static bool
is_disjoint(const struct work *w, const struct path *p1, const struct choice *kept)
{
	const struct path *p2 = kept->p;
	uint64_t total = 0, common = 0;

	for (size_t i = 0; i + 1 < p2->n; i++) {
		total += kept->weight[i];
		common += common_of(p1, p2, i, kept->weight[i]);
	}
	total += w->end_weight;
	if (w->end_weight > 0 && path_has_arc(p1, p2->hops[p2->n - 1].id))
		common += w->end_weight;
	return total == 0 || common * 1000000 <= total * w->threshold;
}

static bool
is_disjoint_from_all(const struct work *w, const struct path *p)
{
	for (size_t i = 0; i < w->n_kept; i++)
		if (!is_disjoint(w, p, w->kept[i]))
			return false;
	return true;
}

/* floor(0.75 * sqrt(nodes)), less 1 for the single node everything has. */
static uint32_t
destination_weight(uint32_t nodes)
{
	uint32_t w = isqrt(UINT64_C(9) * nodes) / 4;

	return w > 0 ? w - 1 : 0;
}

/* Z1_d: levels below that of D, or up to it (A11). */
static bool
is_in_scope(const struct qspn *q, struct coord adj, struct coord at)
{
	bool inclusive = amended(q, QSPN_X_INCLUSIVE) ||
	    (amended(q, QSPN_A11_SCOPE) && q->n_ranges > 0);

	return inclusive ? adj.level <= at.level : adj.level < at.level;
}

static bool
work_start(struct qspn *q, struct work *w, const struct before *b, struct coord at,
    const struct around *a, size_t n)
{
	*w = (struct work){ .at = at, .a = a, .threshold = q->p->max_common_ratio };
	w->kept = scratch_take(&q->scratch, (n + 1) * sizeof(struct choice *));
	w->ids = scratch_take(&q->scratch, (n + 1) * sizeof(w->ids[0]));
	w->near_done = scratch_take(&q->scratch, a->n_near + 1);
	w->adj_done = scratch_take(&q->scratch, a->n_adj + 1);
	if (w->kept == NULL || w->ids == NULL || w->near_done == NULL || w->adj_done == NULL) {
		q->failed = true;
		return false;
	}
	memset(w->near_done, 0, a->n_near);
	for (size_t i = 0; i < a->n_adj; i++)
		w->adj_done[i] = !is_in_scope(q, a->adj[i], at);
	if (b->known && at.level > 0)
		w->end_weight = destination_weight(b->nodes);
	if (b->known && (q->boot == BOOT_DONE || q->boot == BOOT_ROUND))
		w->threshold = adapted_threshold(w->threshold, b->gateways, b->nodes);
	return true;
}

/* At the limit the dearest go, those that nothing demands first. */
static void
thin_out(struct work *w, size_t limit)
{
	size_t n = w->n_kept;

	for (int demanded = 0; demanded <= 1; demanded++)
		for (size_t i = w->n_kept; i-- > 1 && n > limit; )
			if (w->kept[i]->kept && w->kept[i]->mandatory == (demanded != 0)) {
				w->kept[i]->kept = false;
				n--;
			}
}

bool
select_paths(struct qspn *q, const struct before *b, struct coord at, const struct around *a,
    struct choice *v, size_t n)
{
	struct work w;

	if (!work_start(q, &w, b, at, a, n))
		return false;
	/* What a liar tells beyond any use is not even looked at: the dearest come last. */
	for (size_t i = 0; i < n && v[i].total != COST_DEAD &&
	    w.n_kept < 2U * q->p->max_paths_dest; i++) {
		struct choice *c = &v[i];

		if (c->barred || !weigh(q, c))
			continue;
		c->mandatory = is_mandatory(&w, c->p);
		c->kept = c->mandatory || (w.n_kept < q->p->max_paths &&
		    is_disjoint_from_all(&w, c->p));
		if (c->kept)
			w.kept[w.n_kept++] = c;
	}
	thin_out(&w, q->p->max_paths_dest);
	return true;
}
