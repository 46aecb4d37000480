/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/int.h"

static size_t
path_size(size_t n)
{
	return sizeof(struct path) + n * sizeof(struct qspn_hop);
}

struct path *
path_scratch(struct qspn *q, size_t n)
{
	struct path *p = scratch_take(&q->scratch, path_size(n));

	if (p == NULL) {
		q->failed = true;
		return NULL;
	}
	memset(p, 0, sizeof(*p));
	p->n = (uint16_t)n;
	return p;
}

struct path *
path_keep(struct qspn *q, const struct path *p)
{
	struct path *k = malloc(path_size(p->n));

	if (k == NULL) {
		q->failed = true;
		return NULL;
	}
	memcpy(k, p, path_size(p->n));
	k->refs = 1;
	k->fp->refs++;
	k->stored = k->exposed = k->listed = k->held = k->spoken = false;
	k->spare = k->blind = false;
	k->changed = k->news = 0;
	k->told_at = 0;
	k->hidden = false;
	return k;
}

void
path_drop(struct qspn *q, struct path *p)
{
	if (--p->refs > 0)
		return;
	fps_drop(&q->fps, p->fp);
	free(p);
}

uint64_t
path_total(const struct path *p)
{
	return cost_add(p->arc->cost, p->cost);
}

struct coord
path_end(const struct path *p)
{
	return p->hops[p->n - 1].to;
}

bool
path_has(const struct path *p, struct coord c)
{
	for (size_t i = 0; i < p->n; i++)
		if (coord_equal(p->hops[i].to, c))
			return true;
	return false;
}

bool
path_has_arc(const struct path *p, uint32_t id)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->hops[i].id == id)
			return true;
	return false;
}

uint32_t
path_sum(const struct path *p, size_t first)
{
	uint32_t sum = 0;

	for (size_t i = first; i < p->n; i++)
		sum += p->hops[i].id;
	return sum;
}

static int
number_cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* As path_cmp(), of two with equal numbers of hops. */
static int
hops_cmp(const struct path *a, const struct path *b)
{
	int c = 0;

	for (size_t i = 0; i < a->n && c == 0; i++) {
		c = number_cmp(a->hops[i].to.level, b->hops[i].to.level);
		if (c == 0)
			c = number_cmp(a->hops[i].to.pos, b->hops[i].to.pos);
	}
	for (size_t i = 0; i < a->n && c == 0; i++)
		c = number_cmp(a->hops[i].id, b->hops[i].id);
	return c;
}

bool
path_same(const struct path *a, const struct path *b)
{
	return a->n == b->n && a->hops[a->n - 1].id == b->hops[a->n - 1].id && hops_cmp(a, b) == 0;
}

int
path_cmp(const struct path *a, const struct path *b)
{
	struct coord x = path_end(a), y = path_end(b);

	if (x.level != y.level)
		return number_cmp(x.level, y.level);
	if (x.pos != y.pos)
		return number_cmp(x.pos, y.pos);
	if (a->n != b->n)
		return number_cmp(a->n, b->n);
	return hops_cmp(a, b);
}

bool
is_us(const struct qspn *q, struct coord c)
{
	return q->me.pos[c.level] == c.pos;
}

bool
is_virtual(const struct qspn *q, struct coord c)
{
	return c.pos >= topo_gsize(q->topo, c.level);
}

bool
path_touches_us(const struct qspn *q, const struct path *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (is_us(q, p->hops[i].to))
			return true;
	return false;
}
