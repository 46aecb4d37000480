/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures of a world.  G-nodes of level 1 have a colour each, those of higher levels an
 * outline around their members (the convex hull, with room for the level).
 */
#include "sim/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1000, MARGIN = 60 };

struct point {
	double x;
	double y;
};

static const char *
name_of(const struct run *r, uint32_t node, char *buf)
{
	if (r->scenario.names != NULL)
		return r->scenario.names[node];
	snprintf(buf, 16, "%u", node);
	return buf;
}

/* The number of the g-node of LEVEL of NODE, the same for all its members. */
static uint64_t
gnode_number(const struct world *w, uint32_t node, unsigned level)
{
	uint64_t v = 0;

	for (unsigned i = w->settings.params.topo.levels; i-- > level; )
		v = v << w->settings.params.topo.gexp[i] | w->nodes[node].address.pos[i];
	return v;
}

/* A colour for a number: hues that are far apart for numbers that are near. */
static double
hue(uint64_t number)
{
	return fmod((double)(number % 100000) * 137.50776405, 360);
}

bool
report_dot(const struct run *r, FILE *f)
{
	const struct world *w = r->world;
	char name[16], address[TOPO_TEXT];

	fprintf(f, "graph network {\n\tlayout=neato;\n\toverlap=false;\n\tnode [style=filled, "
	    "fontname=\"sans-serif\"];\n");
	for (uint32_t i = 0; i < w->n_nodes; i++)
		fprintf(f, "\tn%u [label=\"%s\\n%s\", fillcolor=\"%.3f 0.4 1.0\"%s];\n", i,
		    name_of(r, i, name), naddr_print(&w->settings.params.topo, &w->nodes[i].address,
		    address), hue(gnode_number(w, i, 1)) / 360,
		    w->nodes[i].state == WORLD_NODE_UP ? "" : ", color=red, fontcolor=red");
	for (uint32_t i = 0; i < w->n_links; i++)
		fprintf(f, "\tn%u -- n%u [label=\"%llu\"%s];\n", w->links[i].node[0],
		    w->links[i].node[1], (unsigned long long)w->links[i].cost,
		    w->links[i].up ? "" : ", style=dotted");
	fprintf(f, "}\n");
	return fflush(f) == 0 && ferror(f) == 0;
}

/* --- the picture -------------------------------------------------------------------------- */

static struct point
place(const struct run *r, uint32_t node)
{
	const struct graph *g = r->o->scenario != NULL ? &r->scenario.graph : &r->graph;
	const double turn = 6.283185307179586;
	double x = g->xy[2 * (size_t)node], y = g->xy[2 * (size_t)node + 1];

	/* Scenarios say nothing of places: their nodes stand in a circle. */
	if (r->o->scenario != NULL) {
		x = 0.5 + 0.5 * cos(turn * node / g->n);
		y = 0.5 + 0.5 * sin(turn * node / g->n);
	}
	return (struct point){ MARGIN + x * (SIZE - 2 * MARGIN), MARGIN + y * (SIZE - 2 * MARGIN) };
}

static double
cross(struct point o, struct point a, struct point b)
{
	return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

static int
point_cmp(const void *a, const void *b)
{
	const struct point *p = a, *q = b;

	if (p->x < q->x || p->x > q->x)
		return p->x < q->x ? -1 : 1;
	return (p->y > q->y) - (p->y < q->y);
}

/* The convex hull of the N points at V (Andrew's monotone chain) to HULL, which has room for 2 N. */
static size_t
hull_make(struct point *v, size_t n, struct point *hull)
{
	size_t k = 0, lower;

	qsort(v, n, sizeof(*v), point_cmp);
	for (size_t i = 0; i < n; i++) {
		while (k >= 2 && cross(hull[k - 2], hull[k - 1], v[i]) <= 0)
			k--;
		hull[k++] = v[i];
	}
	lower = k + 1;
	for (size_t i = n - 1; i-- > 0; ) {
		while (k >= lower && cross(hull[k - 2], hull[k - 1], v[i]) <= 0)
			k--;
		hull[k++] = v[i];
	}
	return k > 1 ? k - 1 : k;
}

/* Around each member stand points of a small circle, so that the outline keeps its distance. */
static void
outline(const struct run *r, unsigned level, uint32_t first, struct point *v, struct point *hull,
    FILE *f)
{
	enum { AROUND = 12 };
	const double turn = 6.283185307179586, room = 9 + 7.0 * level;
	const struct world *w = r->world;
	uint64_t number = gnode_number(w, first, level);
	size_t n = 0, m;

	for (uint32_t i = first; i < w->n_nodes; i++) {
		struct point p = place(r, i);

		if (gnode_number(w, i, level) != number)
			continue;
		for (unsigned k = 0; k < AROUND; k++)
			v[n++] = (struct point){ p.x + room * cos(turn * k / AROUND),
				p.y + room * sin(turn * k / AROUND) };
	}
	m = hull_make(v, n, hull);
	fprintf(f, "<polygon class=\"g\" style=\"fill:hsl(%.0f,60%%,60%%);stroke:hsl(%.0f,50%%,40%%)\" "
	    "points=\"", hue(number), hue(number));
	for (size_t i = 0; i < m; i++)
		fprintf(f, "%.1f,%.1f ", hull[i].x, hull[i].y);
	fprintf(f, "\"/>\n");
}

static bool
is_first(const struct world *w, uint32_t node, unsigned level)
{
	for (uint32_t i = 0; i < node; i++)
		if (gnode_number(w, i, level) == gnode_number(w, node, level))
			return false;
	return true;
}

static bool
outlines(const struct run *r, FILE *f)
{
	const struct world *w = r->world;
	struct point *v = calloc(w->n_nodes * (size_t)12 + 1, sizeof(*v));
	struct point *hull = calloc(w->n_nodes * (size_t)24 + 2, sizeof(*hull));
	bool ok = v != NULL && hull != NULL;

	/* The largest first, so that the smaller ones lie upon them. */
	for (unsigned level = w->settings.params.topo.levels; ok && level-- > 1; )
		for (uint32_t i = 0; i < w->n_nodes; i++)
			if (is_first(w, i, level))
				outline(r, level, i, v, hull, f);
	free(v);
	free(hull);
	return ok;
}

static void
nodes_and_links(const struct run *r, FILE *f)
{
	const struct world *w = r->world;
	char name[16], address[TOPO_TEXT];

	for (uint32_t i = 0; i < w->n_links; i++) {
		struct point a = place(r, w->links[i].node[0]), b = place(r, w->links[i].node[1]);

		fprintf(f, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		    w->links[i].up ? "l" : "l c", a.x, a.y, b.x, b.y);
	}
	for (uint32_t i = 0; i < w->n_nodes; i++) {
		struct point p = place(r, i);

		naddr_print(&w->settings.params.topo, &w->nodes[i].address, address);
		fprintf(f, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>%s %s</title>"
		    "</circle>\n", w->nodes[i].state == WORLD_NODE_UP ? "n" : "n d", p.x, p.y,
		    name_of(r, i, name), address);
		if (w->n_nodes <= 150)
			fprintf(f, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", p.x + 7, p.y - 5, address);
	}
}

bool
report_svg(const struct run *r, FILE *f)
{
	bool ok;

	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
	    "viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n<style>.g{fill-opacity:.13;"
	    "stroke-width:1.5}.l{stroke:#555;stroke-width:1.2}.c{stroke-dasharray:2 5;stroke:#c33}"
	    ".n{fill:#fff;stroke:#222;stroke-width:1.5}.d{fill:#c33}text{font:11px sans-serif;"
	    "fill:#222}</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", SIZE, SIZE,
	    SIZE, SIZE);
	ok = outlines(r, f);
	nodes_and_links(r, f);
	fprintf(f, "</svg>\n");
	return ok && fflush(f) == 0 && ferror(f) == 0;
}
