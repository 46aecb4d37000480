/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fingerprints and node counts of our own g-nodes (spec/qspn 4.16 with A7, A8, A14). */
#include "ntkd/core/qspn/int.h"

/* Elderships of virtual levels are null whatever was handed out. */
void
own_level0(struct qspn *q)
{
	for (unsigned i = 0; i < q->levels; i++)
		if (!naddr_real_at(q->topo, &q->me, i))
			fingerprint_set_eld(&q->fp[0], i, FP_NULL);
	q->nodes[0] = naddr_real_at(q->topo, &q->me, 0);
}

/*
 * Virtual destinations are not counted (A8).  Who is oldest is asked of them as well (A32): the null eldership
 * they must have loses against every other (A7), and where there is no other they agree by their ids.
 */
static bool
is_candidate(const struct qspn *q, const struct dest *d)
{
	return !is_virtual(q, d->at) ||
	    (amended(q, QSPN_A32_ALL_VIRTUAL) && fingerprint_eld(&d->fp->f, 0) == FP_NULL);
}

bool
own_compute(const struct qspn *q, unsigned level, const struct fingerprint *below,
    uint32_t nodes_below, struct fingerprint *fp, uint32_t *nodes, struct scratch *s)
{
	const struct dests *siblings = &q->level[level - 1];
	const struct fingerprint **v = scratch_take(s, (siblings->n + 1) * sizeof(v[0]));
	bool is_null = !naddr_real_at(q->topo, &q->me, level - 1);
	uint64_t sum = is_null ? 0 : nodes_below;
	size_t n = 0;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < siblings->n; i++) {
		const struct dest *d = siblings->v[i];

		if (is_candidate(q, d))
			v[n++] = &d->fp->f;
		if (!is_virtual(q, d->at))
			sum += level == 1 ? 1 : d->nodes;
	}
	*fp = fingerprint_construct(below, is_null, v, n);
	/* A g-node of connectivity counts nothing, whatever is inside. */
	if (level < q->levels && !naddr_real_at(q->topo, &q->me, level))
		sum = 0;
	*nodes = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
	return true;
}

static void
refresh_fingerprint(struct qspn *q, unsigned level, const struct fingerprint *fp)
{
	bool equal = amended(q, QSPN_A14_WHOLE) ? fingerprint_equal(fp, &q->fp[level]) :
	    fingerprint_same(fp, &q->fp[level]);

	q->fp[level] = *fp;
	if (equal)
		return;
	q->news.own = true;
	act(q, QSPN_FINGERPRINT)->level = (uint8_t)level;
}

static void
refresh_nodes(struct qspn *q, unsigned level, uint32_t nodes)
{
	if (q->nodes[level] == nodes)
		return;
	q->nodes[level] = nodes;
	q->news.own = true;
	act(q, QSPN_NODES_INSIDE)->level = (uint8_t)level;
}

void
own_refresh(struct qspn *q)
{
	own_level0(q);
	for (unsigned i = 1; i <= q->levels && !q->failed; i++) {
		struct fingerprint fp;
		uint32_t nodes;

		if (!own_compute(q, i, &q->fp[i - 1], q->nodes[i - 1], &fp, &nodes, &q->scratch)) {
			q->failed = true;
			return;
		}
		refresh_fingerprint(q, i, &fp);
		refresh_nodes(q, i, nodes);
	}
}
