/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures of a world.  G-nodes are circles (layout.h), those of the highest level have a colour
 * each; links that leave their g-node of level 1 are darker.
 */
#include "common/picture.h"
#include "sim/layout.h"
#include "sim/report.h"

#include <math.h>
#include <stdlib.h>

enum { SIZE = 1000 };

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
		    address), picture_hue(gnode_number(w, i, 1)) / 360,
		    w->nodes[i].state == WORLD_NODE_UP ? "" : ", color=red, fontcolor=red");
	for (uint32_t i = 0; i < w->n_links; i++)
		fprintf(f, "\tn%u -- n%u [label=\"%llu\"%s];\n", w->links[i].node[0],
		    w->links[i].node[1], (unsigned long long)w->links[i].cost,
		    w->links[i].up ? "" : ", style=dotted");
	fprintf(f, "}\n");
	return fflush(f) == 0 && ferror(f) == 0;
}

/* --- the picture -------------------------------------------------------------------------- */

/* Scenarios say nothing of places: their nodes stand in a circle. */
static double *
directions(const struct run *r)
{
	uint32_t n = r->world->n_nodes;
	double *xy = malloc((2 * (size_t)n + 2) * sizeof(*xy));

	for (uint32_t i = 0; xy != NULL && i < n; i++) {
		const double *of_graph = r->graph.xy;
		double angle = 6.283185307179586 * i / n;

		xy[2 * (size_t)i] = of_graph != NULL ? of_graph[2 * (size_t)i] : 0.5 + 0.5 * cos(angle);
		xy[2 * (size_t)i + 1] = of_graph != NULL ? of_graph[2 * (size_t)i + 1] :
		    0.5 + 0.5 * sin(angle);
	}
	return xy;
}

/* A hue for each g-node of the highest level; in a flat network there is one. */
static double
hue_of(const struct world *w, uint32_t node)
{
	unsigned levels = w->settings.params.topo.levels;

	return picture_hue(levels > 1 ? w->nodes[node].address.pos[levels - 1] + 1 : 1);
}

static void
draw_circles(const struct run *r, const struct layout *l, FILE *f)
{
	char address[TOPO_TEXT];

	for (size_t i = 0; i < l->n_circles; i++) {
		const struct layout_circle *c = &l->circles[i];
		unsigned dots = 0;

		/* "3.1" of "3.1.0.2": the positions from the level up. */
		naddr_print(&r->world->settings.params.topo, &r->world->nodes[c->node].address, address);
		for (char *p = address; *p != '\0'; p++)
			if (*p == '.' && ++dots == r->world->settings.params.topo.levels - c->level)
				*p-- = '\0';
		fprintf(f, "<circle class=\"g\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" "
		    "style=\"fill:hsl(%.0f,70%%,55%%);stroke:hsl(%.0f,45%%,50%%)\"><title>%s</title>"
		    "</circle>\n", c->at.x, c->at.y, c->r, hue_of(r->world, c->node),
		    hue_of(r->world, c->node), address);
	}
}

/* The highest level of which the ends of a link are in different g-nodes. */
static unsigned
crosses(const struct world *w, const struct world_link *link)
{
	unsigned level = w->settings.params.topo.levels;

	while (level > 1 && w->nodes[link->node[0]].address.pos[level - 1] ==
	    w->nodes[link->node[1]].address.pos[level - 1])
		level--;
	return level;
}

static void
draw_links(const struct run *r, const struct layout *l, FILE *f)
{
	const struct world *w = r->world;

	for (uint32_t i = 0; i < w->n_links; i++) {
		struct layout_point a = l->node[w->links[i].node[0]], b = l->node[w->links[i].node[1]];

		fprintf(f, "<line class=\"%s%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		    crosses(w, &w->links[i]) > 1 ? "l" : "l i", w->links[i].up ? "" : " c", a.x, a.y,
		    b.x, b.y);
	}
}

static void
draw_nodes(const struct run *r, const struct layout *l, FILE *f)
{
	const struct world *w = r->world;
	char name[SCENARIO_NAME], address[TOPO_TEXT];

	for (uint32_t i = 0; i < w->n_nodes; i++) {
		struct layout_point p = l->node[i];

		naddr_print(&w->settings.params.topo, &w->nodes[i].address, address);
		fprintf(f, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" "
		    "style=\"stroke:hsl(%.0f,55%%,38%%)\"><title>%s %s</title></circle>\n"
		    "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
		    w->nodes[i].state == WORLD_NODE_UP ? "n" : "n d", p.x, p.y, LAYOUT_NODE - 3,
		    hue_of(w, i), name_of(r, i, name), address, p.x, p.y + 3,
		    r->scenario.names != NULL ? r->scenario.names[i] : address);
	}
}

bool
report_svg(const struct run *r, FILE *f)
{
	double *xy = directions(r);
	struct layout l;
	bool ok = xy != NULL && layout_make(&l, r->world, xy);

	if (ok) {
		struct picture_view v = { -l.extent, -l.extent, 2 * l.extent, 2 * l.extent };

		picture_svg_begin(f, v, SIZE, SIZE, ".g{fill-opacity:.12;stroke-width:1.2}"
		    ".l{stroke:#333;stroke-width:1.5;stroke-opacity:.75}.i{stroke:#888}"
		    ".c{stroke-dasharray:3 5;stroke:#c33}.n{fill:#fff;stroke-width:1.6}.d{fill:#f6b8b8}"
		    "text{font:8px sans-serif;text-anchor:middle;fill:#222}");
		draw_circles(r, &l, f);
		draw_links(r, &l, f);
		draw_nodes(r, &l, f);
		picture_svg_end(f);
		layout_free(&l);
	}
	free(xy);
	return ok && fflush(f) == 0 && ferror(f) == 0;
}
