/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/int.h"
#include "ntkd/kernel/grow.h"

/* Where the destination at POS is or belongs. */
static size_t
place(const struct dests *s, uint32_t pos)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->v[mid]->at.pos < pos)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct dest *
map_find(const struct qspn *q, struct coord c)
{
	const struct dests *s = &q->level[c.level];
	size_t at = place(s, c.pos);

	return at < s->n && s->v[at]->at.pos == c.pos ? s->v[at] : NULL;
}

struct dest *
map_add(struct qspn *q, struct coord c)
{
	struct dests *s = &q->level[c.level];
	size_t at = place(s, c.pos);
	struct dest **v = grow(s->v, s->n, 1, &s->size, sizeof(struct dest *));
	struct dest *d = v == NULL ? NULL : calloc(1, sizeof(*d));

	if (v != NULL)
		s->v = v;
	if (d == NULL) {
		q->failed = true;
		return NULL;
	}
	d->at = c;
	q->unused = true;
	memmove(v + at + 1, v + at, (s->n - at) * sizeof(struct dest *));
	v[at] = d;
	s->n++;
	return d;
}

void
map_remove(struct qspn *q, struct dest *d)
{
	struct dests *s = &q->level[d->at.level];
	size_t at = place(s, d->at.pos);

	split_forget(q, d->at);
	s->n--;
	memmove(s->v + at, s->v + at + 1, (s->n - at) * sizeof(struct dest *));
	q->unswept = true;
	free(d->v);
	free(d);
}

struct path *
map_same(const struct qspn *q, const struct path *p)
{
	const struct dest *d = map_find(q, path_end(p));

	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (path_same(d->v[i], p))
			return d->v[i];
	return NULL;
}

void
path_stored(struct qspn *q, struct path *p)
{
	p->stored = true;
	q->n_paths++;
	adjacent_count(q, p, true);
}

void
path_unstored(struct qspn *q, struct path *p)
{
	adjacent_count(q, p, false);
	q->n_paths--;
	p->stored = p->exposed = false;
	p->arc = NULL;
	path_drop(q, p);
}

bool
dest_set(struct qspn *q, struct dest *d, struct path **v, size_t n)
{
	if (n > d->size) {
		struct path **room = realloc(d->v, n * sizeof(struct path *));

		if (room == NULL) {
			q->failed = true;
			return false;
		}
		d->v = room;
		d->size = (uint16_t)n;
	}
	if (n > 0)
		memcpy(d->v, v, n * sizeof(struct path *));
	d->n = (uint16_t)n;
	return true;
}

/* The eldest fingerprint of those reported; of a single node that of its cheapest path. */
static struct fpref *
valid_fingerprint(const struct dest *d)
{
	struct fpref *best = d->v[0]->fp;

	for (size_t i = 1; i < d->n && d->at.level > 0; i++)
		if (d->v[i]->fp != best && fingerprint_elder(&d->v[i]->fp->f, &best->f) < 0)
			best = d->v[i]->fp;
	return best;
}

bool
dest_agrees(const struct dest *d, const struct path *p)
{
	return d->at.level == 0 || fingerprint_same(&p->fp->f, &d->fp->f);
}

/*
 * A31: a younger fingerprint hides a path when the disagreement has lasted for ten seconds, and not before.
 * When the oldest member of a g-node leaves, good paths report who is the oldest now before outdated ones do; if that
 * hid them, nothing but what is outdated would be left to send packets over, or nothing at all.
 */
bool
dest_shows(const struct qspn *q, const struct dest *d, const struct path *p)
{
	return dest_agrees(d, p) || (amended(q, QSPN_A31_PATIENCE) && !p->hidden);
}

void
dest_refresh(const struct qspn *q, struct dest *d)
{
	size_t i = 0;

	if (d->n == 0)
		return;
	d->fp = valid_fingerprint(d);
	while (!dest_agrees(d, d->v[i]))
		i++;
	d->nodes = d->v[i]->nodes;
	d->root = is_virtual(q, d->at) ? 0 : isqrt(UINT64_C(9) * d->nodes);
}

bool
path_is_blind(const struct qspn *q, const struct path *p)
{
	for (size_t i = 0; i + 1 < p->n; i++)
		if (map_find(q, p->hops[i].to) == NULL)
			return true;
	return false;
}
