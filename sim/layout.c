/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/order.h"

#define PI 3.14159265358979323846

enum {
	GAP = 5,		/* half of what is between two that stand on one ring */
	ROOM = 9,		/* between them and the circle around */
	SPREAD = 75,		/* a flat network: per node and direction */
};

/* What stands on one ring: a run of nodes in the order of addresses. */
struct part {
	uint32_t first;
	uint32_t n;
	double angle;
};

struct maker {
	struct layout *l;
	const struct world *w;
	const double *xy;
	uint32_t *order;
	bool failed;
};

/* Length of the run of nodes from FIRST, before END, that are in one g-node of LEVEL. */
static uint32_t
run_length(const struct maker *m, unsigned level, uint32_t first, uint32_t end)
{
	uint32_t i = first + 1;

	while (i < end && m->w->nodes[m->order[i]].address.pos[level] ==
	    m->w->nodes[m->order[first]].address.pos[level])
		i++;
	return i - first;
}

/* The ring on which K circles of radius R stand side by side. */
static double
ring(uint32_t k, double r)
{
	return k < 2 ? 0 : (r + GAP) / sin(PI / k);
}

/* The greatest radius of what is inside, and how many there are. */
static double radius(const struct maker *m, unsigned level, uint32_t first, uint32_t n);

static double
inside(const struct maker *m, unsigned level, uint32_t first, uint32_t n, uint32_t *k)
{
	double most = 0;
	uint32_t len;

	*k = 0;
	for (uint32_t i = first; i < first + n; i += len) {
		double r;

		len = run_length(m, level - 1, i, first + n);
		r = radius(m, level - 1, i, len);
		most = r > most ? r : most;
		++*k;
	}
	return most;
}

/* Of a g-node of LEVEL, the N nodes from FIRST; as deep as there are levels. */
static double
radius(const struct maker *m, unsigned level, uint32_t first, uint32_t n)
{
	uint32_t k;
	double r;

	if (level == 0)
		return LAYOUT_NODE;
	r = inside(m, level, first, n, &k);
	return ring(k, r) + r + ROOM;
}

static struct layout_point
mean(const struct maker *m, uint32_t first, uint32_t n)
{
	struct layout_point p = { 0, 0 };

	for (uint32_t i = first; i < first + n; i++) {
		p.x += m->xy[2 * (size_t)m->order[i]] / n;
		p.y += m->xy[2 * (size_t)m->order[i] + 1] / n;
	}
	return p;
}

static int
part_cmp(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->angle < y->angle || x->angle > y->angle)
		return x->angle < y->angle ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

/* How far the ring is turned so that each part stands as near its own direction as it gets. */
static double
turn(const struct part *v, uint32_t k)
{
	double x = 0, y = 0;

	for (uint32_t i = 0; i < k; i++) {
		x += cos(v[i].angle - 2 * PI * i / k);
		y += sin(v[i].angle - 2 * PI * i / k);
	}
	return atan2(y, x);
}

static void put(struct maker *m, unsigned level, uint32_t first, uint32_t n,
    struct layout_point at);

static void
put_parts(struct maker *m, unsigned level, uint32_t first, uint32_t n, struct layout_point at)
{
	struct layout_point center = mean(m, first, n);
	struct part *v = malloc(n * sizeof(*v));
	uint32_t k;
	double r = inside(m, level, first, n, &k), start;

	if (v == NULL) {
		m->failed = true;
		return;
	}
	k = 0;
	for (uint32_t i = first; i < first + n; i += v[k++].n) {
		struct layout_point p;

		v[k] = (struct part){ i, run_length(m, level - 1, i, first + n), 0 };
		p = mean(m, i, v[k].n);
		v[k].angle = atan2(p.y - center.y, p.x - center.x);
	}
	qsort(v, k, sizeof(*v), part_cmp);
	start = turn(v, k);
	r = ring(k, r);
	for (uint32_t i = 0; i < k; i++)
		put(m, level - 1, v[i].first, v[i].n, (struct layout_point){
		    at.x + r * cos(start + 2 * PI * i / k), at.y + r * sin(start + 2 * PI * i / k) });
	free(v);
}

static void
put(struct maker *m, unsigned level, uint32_t first, uint32_t n, struct layout_point at)
{
	struct layout *l = m->l;

	if (level == 0) {
		l->node[m->order[first]] = at;
		return;
	}
	if (level < m->w->settings.params.topo.levels)
		l->circles[l->n_circles++] = (struct layout_circle){ at, radius(m, level, first, n), level,
			m->order[first] };
	put_parts(m, level, first, n, at);
}

static void
put_flat(struct maker *m)
{
	double side = SPREAD * sqrt(m->w->n_nodes);

	for (uint32_t i = 0; i < m->w->n_nodes; i++)
		m->l->node[i] = (struct layout_point){ (m->xy[2 * (size_t)i] - 0.5) * side,
			(m->xy[2 * (size_t)i + 1] - 0.5) * side };
	m->l->extent = side / 2 + 2 * LAYOUT_NODE;
}

bool
layout_make(struct layout *l, const struct world *w, const double *xy)
{
	unsigned levels = w->settings.params.topo.levels;
	struct maker m = { .l = l, .w = w, .xy = xy };
	size_t n = w->n_nodes;

	memset(l, 0, sizeof(*l));
	m.order = malloc((n + 1) * sizeof(*m.order));
	l->node = calloc(n + 1, sizeof(*l->node));
	l->circles = calloc(n * levels + 1, sizeof(*l->circles));
	m.failed = m.order == NULL || l->node == NULL || l->circles == NULL;
	for (uint32_t i = 0; !m.failed && i < n; i++)
		m.order[i] = i;
	if (!m.failed && levels == 1)
		put_flat(&m);
	if (!m.failed && levels > 1) {
		order_nodes(w, m.order, w->n_nodes);
		l->extent = radius(&m, levels, 0, w->n_nodes);
		put(&m, levels, 0, w->n_nodes, (struct layout_point){ 0, 0 });
	}
	free(m.order);
	return !m.failed;
}

void
layout_free(struct layout *l)
{
	free(l->node);
	free(l->circles);
	memset(l, 0, sizeof(*l));
}
