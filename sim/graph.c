/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[GRAPH_SHAPES] = {
	[GRAPH_LINE] = "line", [GRAPH_RING] = "ring", [GRAPH_GRID] = "grid", [GRAPH_TREE] = "tree",
	[GRAPH_COMPLETE] = "complete", [GRAPH_RANDOM] = "random", [GRAPH_GEOMETRIC] = "geometric",
	[GRAPH_CLUSTERED] = "clustered",
};

const char *
graph_shape_name(enum graph_shape s)
{
	return names[s];
}

bool
graph_shape_parse(const char *name, enum graph_shape *s)
{
	for (unsigned i = 0; i < GRAPH_SHAPES; i++)
		if (strcmp(names[i], name) == 0) {
			*s = (enum graph_shape)i;
			return true;
		}
	return false;
}

bool
graph_init(struct graph *g, uint32_t n)
{
	memset(g, 0, sizeof(*g));
	g->n = n;
	g->xy = calloc((size_t)n * 2 + 1, sizeof(*g->xy));
	return g->xy != NULL;
}

void
graph_free(struct graph *g)
{
	free(g->links);
	free(g->xy);
	free(g->ends);
	free(g->first);
	memset(g, 0, sizeof(*g));
}

bool
graph_link(struct graph *g, uint32_t a, uint32_t b)
{
	size_t size = g->links_size != 0 ? g->links_size * 2 : 64;
	struct graph_link *links = g->links;

	if (a == b)
		return true;
	if (g->n_links == INT32_MAX)
		return false;
	if (g->n_links == g->links_size) {
		links = realloc(links, size * sizeof(*links));
		if (links == NULL)
			return false;
		g->links = links;
		g->links_size = size;
	}
	links[g->n_links++] = a < b ? (struct graph_link){ a, b } : (struct graph_link){ b, a };
	return true;
}

static int
link_cmp(const void *a, const void *b)
{
	const struct graph_link *x = a, *y = b;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return (x->b > y->b) - (x->b < y->b);
}

/* Sorts the links and drops those that stand twice. */
static void
links_sort(struct graph *g)
{
	size_t n = 0;

	if (g->n_links != 0)
		qsort(g->links, g->n_links, sizeof(*g->links), link_cmp);
	for (size_t i = 0; i < g->n_links; i++)
		if (n == 0 || link_cmp(&g->links[n - 1], &g->links[i]) != 0)
			g->links[n++] = g->links[i];
	g->n_links = n;
}

bool
graph_finish(struct graph *g)
{
	uint32_t *at;

	links_sort(g);
	free(g->ends);
	free(g->first);
	g->ends = malloc((g->n_links * 2 + 1) * sizeof(*g->ends));
	g->first = calloc((size_t)g->n + 2, sizeof(*g->first));
	at = malloc(((size_t)g->n + 1) * sizeof(*at));
	if (g->ends == NULL || g->first == NULL || at == NULL) {
		free(at);
		return false;
	}
	for (size_t i = 0; i < g->n_links; i++) {
		g->first[g->links[i].a + 1]++;
		g->first[g->links[i].b + 1]++;
	}
	for (uint32_t i = 0; i < g->n; i++)
		g->first[i + 1] += g->first[i];
	memcpy(at, g->first, (size_t)g->n * sizeof(*at));
	for (size_t i = 0; i < g->n_links; i++) {
		const struct graph_link l = g->links[i];

		g->ends[at[l.a]++] = (struct graph_end){ (uint32_t)i, l.b };
		g->ends[at[l.b]++] = (struct graph_end){ (uint32_t)i, l.a };
	}
	free(at);
	return true;
}

/* Numbers the component of each node, which is that of the smallest node in it; NULL: no memory. */
static uint32_t *
components(const struct graph *g)
{
	uint32_t *of = malloc(((size_t)g->n + 1) * sizeof(*of));

	if (of == NULL)
		return NULL;
	for (uint32_t i = 0; i < g->n; i++)
		of[i] = i;
	for (size_t i = 0; i < g->n_links; i++) {
		uint32_t a = g->links[i].a, b = g->links[i].b;

		while (of[a] != a)
			a = of[a] = of[of[a]];
		while (of[b] != b)
			b = of[b] = of[of[b]];
		if (a < b)
			of[b] = a;
		else
			of[a] = b;
	}
	for (uint32_t i = 0; i < g->n; i++)
		while (of[i] != of[of[i]])
			of[i] = of[of[i]];
	return of;
}

bool
graph_is_connected(const struct graph *g)
{
	uint32_t *of = components(g);
	bool ok = of != NULL;

	for (uint32_t i = 0; ok && i < g->n; i++)
		ok = of[i] == 0;
	free(of);
	return ok;
}

/* --- shapes ---------------------------------------------------------------------- */

/*
 * In [0, 1), of twenty bits: squares and their sums are exact then, so that no compiler can
 * come to another graph.
 */
static double
unit(struct rng *rng)
{
	return (double)(rng_u64(rng) >> 44) / (1 << 20);
}

static void
put(struct graph *g, uint32_t i, double x, double y)
{
	g->xy[2 * (size_t)i] = x;
	g->xy[2 * (size_t)i + 1] = y;
}

static double
distance2(const struct graph *g, uint32_t a, uint32_t b)
{
	double dx = g->xy[2 * (size_t)a] - g->xy[2 * (size_t)b];
	double dy = g->xy[2 * (size_t)a + 1] - g->xy[2 * (size_t)b + 1];

	return dx * dx + dy * dy;
}

static bool
make_line(struct graph *g, bool closed)
{
	const double turn = 6.283185307179586;
	bool ok = true;

	for (uint32_t i = 0; ok && i < g->n; i++) {
		double t = (double)i / g->n;

		if (closed)
			put(g, i, 0.5 + 0.48 * cos(turn * t), 0.5 + 0.48 * sin(turn * t));
		else
			put(g, i, t, 0.5);
		ok = i == 0 || graph_link(g, i - 1, i);
	}
	return ok && (!closed || g->n < 3 || graph_link(g, 0, g->n - 1));
}

static bool
make_grid(struct graph *g)
{
	uint32_t width = 1;
	bool ok = true;

	while ((uint64_t)width * width < g->n)
		width++;
	for (uint32_t i = 0; ok && i < g->n; i++) {
		put(g, i, (double)(i % width) / width, (double)(i / width) / width);
		ok = (i % width == 0 || graph_link(g, i - 1, i)) &&
		    (i < width || graph_link(g, i - width, i));
	}
	return ok;
}

static bool
make_tree(struct graph *g, uint32_t children)
{
	const double turn = 6.283185307179586;
	bool ok = true;

	for (uint32_t i = 0; ok && i < g->n; i++) {
		double r = 0.5 * log(i + 1.0) / log(g->n + 1.0), t = turn * 0.6180339887 * i;

		put(g, i, 0.5 + r * cos(t), 0.5 + r * sin(t));
		ok = i == 0 || graph_link(g, (i - 1) / children, i);
	}
	return ok;
}

static bool
make_complete(struct graph *g)
{
	bool ok = make_line(g, true);

	for (uint32_t i = 0; ok && i < g->n; i++)
		for (uint32_t k = i + 1; ok && k < g->n; k++)
			ok = graph_link(g, i, k);
	return ok;
}

static bool
make_random(struct graph *g, double degree, struct rng *rng)
{
	double wanted = degree * g->n / 2, most = (double)g->n * (g->n - 1.0) / 2;
	bool ok = true;

	for (uint32_t i = 0; i < g->n; i++)
		put(g, i, unit(rng), unit(rng));
	for (uint32_t i = 1; ok && i < g->n; i++)
		ok = graph_link(g, rng_below(rng, i), i);
	wanted = wanted < most ? wanted : most;
	for (double have = (double)g->n_links; ok && have < wanted; have++)
		ok = graph_link(g, rng_below(rng, g->n), rng_below(rng, g->n));
	return ok;
}

/* The points sorted into square cells as wide as the radius. */
struct cells {
	uint32_t width;
	uint32_t *first;	/* of each cell, in `nodes` */
	uint32_t *nodes;
};

static uint32_t
cell_of(const struct graph *g, const struct cells *c, uint32_t i)
{
	uint32_t x = (uint32_t)(g->xy[2 * (size_t)i] * c->width);
	uint32_t y = (uint32_t)(g->xy[2 * (size_t)i + 1] * c->width);

	return y * c->width + x;
}

static bool
cells_make(const struct graph *g, double radius, struct cells *c)
{
	uint32_t *at;

	c->width = radius < 1 ? (uint32_t)(1 / radius) : 1;
	c->width = c->width < 1024 ? c->width : 1024;
	c->first = calloc((size_t)c->width * c->width + 2, sizeof(*c->first));
	c->nodes = malloc(((size_t)g->n + 1) * sizeof(*c->nodes));
	at = malloc(((size_t)c->width * c->width + 1) * sizeof(*at));
	if (c->first == NULL || c->nodes == NULL || at == NULL) {
		free(at);
		return false;
	}
	for (uint32_t i = 0; i < g->n; i++)
		c->first[cell_of(g, c, i) + 1]++;
	for (size_t i = 0; i < (size_t)c->width * c->width; i++) {
		c->first[i + 1] += c->first[i];
		at[i] = c->first[i];
	}
	for (uint32_t i = 0; i < g->n; i++)
		c->nodes[at[cell_of(g, c, i)]++] = i;
	free(at);
	return true;
}

/* Links node I with those of cell (X, Y) that are near and have greater numbers. */
static bool
link_cell(struct graph *g, const struct cells *c, uint32_t i, int64_t x, int64_t y, double r2)
{
	size_t cell;
	bool ok = true;

	if (x < 0 || y < 0 || x >= c->width || y >= c->width)
		return true;
	cell = (size_t)y * c->width + (size_t)x;
	for (uint32_t k = c->first[cell]; ok && k < c->first[cell + 1]; k++)
		if (c->nodes[k] > i && distance2(g, i, c->nodes[k]) <= r2)
			ok = graph_link(g, i, c->nodes[k]);
	return ok;
}

static bool
link_near(struct graph *g, double radius)
{
	struct cells c = { 0, NULL, NULL };
	bool ok = cells_make(g, radius, &c);

	for (uint32_t i = 0; ok && i < g->n; i++) {
		int64_t x = cell_of(g, &c, i) % c.width, y = cell_of(g, &c, i) / c.width;

		for (int k = 0; ok && k < 9; k++)
			ok = link_cell(g, &c, i, x + k % 3 - 1, y + k / 3 - 1, radius * radius);
	}
	free(c.first);
	free(c.nodes);
	return ok;
}

/* Joins what is apart: each component to the nearest node of an earlier one. */
static bool
join_components(struct graph *g)
{
	uint32_t *of = components(g);
	bool ok = of != NULL;

	for (uint32_t i = 1; ok && i < g->n; i++) {
		uint32_t best = 0;

		if (of[i] != i)
			continue;
		for (uint32_t k = 1; k < i; k++)
			if (distance2(g, i, k) < distance2(g, i, best))
				best = k;
		ok = graph_link(g, best, i);
	}
	free(of);
	return ok;
}

static bool
make_geometric(struct graph *g, double degree, struct rng *rng)
{
	const double pi = 3.141592653589793;

	for (uint32_t i = 0; i < g->n; i++)
		put(g, i, unit(rng), unit(rng));
	return link_near(g, sqrt(degree / (pi * g->n))) && join_components(g);
}

/*
 * Groups of about eight stand on a grid; inside a group links are drawn up to the mean degree,
 * and each group is linked with those to its left and above, now and then twice.
 */
static bool
make_clustered(struct graph *g, double degree, struct rng *rng)
{
	enum { GROUP = 8 };
	uint32_t groups = (g->n + GROUP - 1) / GROUP, width = 1;
	bool ok = true;

	while ((uint64_t)width * width < groups)
		width++;
	for (uint32_t i = 0; ok && i < g->n; i++) {
		uint32_t group = i / GROUP, x = group % width, y = group / width;
		uint32_t start = group * GROUP, inside = i - start;

		put(g, i, (x + 0.15 + 0.7 * unit(rng)) / width, (y + 0.15 + 0.7 * unit(rng)) / width);
		ok = inside == 0 || graph_link(g, start + rng_below(rng, inside), i);
		for (double k = 1; ok && inside > 1 && k < degree / 2; k++)
			ok = graph_link(g, start + rng_below(rng, inside), i);
		if (ok && inside < 2 && x != 0)
			ok = graph_link(g, start - GROUP + rng_below(rng, GROUP), i);
		if (ok && inside < 2 && y != 0)
			ok = graph_link(g, start - GROUP * width + rng_below(rng, GROUP), i);
	}
	return ok;
}

static bool
make(struct graph *g, enum graph_shape s, double degree, struct rng *rng)
{
	switch (s) {
	case GRAPH_LINE:
		return make_line(g, false);
	case GRAPH_RING:
		return make_line(g, true);
	case GRAPH_GRID:
		return make_grid(g);
	case GRAPH_TREE:
		return make_tree(g, degree < 2 ? 1 : (uint32_t)degree - 1);
	case GRAPH_COMPLETE:
		return make_complete(g);
	case GRAPH_RANDOM:
		return make_random(g, degree, rng);
	case GRAPH_GEOMETRIC:
		return make_geometric(g, degree, rng);
	case GRAPH_CLUSTERED:
		return make_clustered(g, degree, rng);
	case GRAPH_SHAPES:
		break;
	}
	return false;
}

bool
graph_make(struct graph *g, enum graph_shape s, uint32_t n, double degree, struct rng *rng)
{
	if (graph_init(g, n) && make(g, s, degree > 0 ? degree : 4, rng) && graph_finish(g))
		return true;
	graph_free(g);
	return false;
}
