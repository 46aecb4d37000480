/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map for dot(1): own g-nodes are clusters, other ones nodes; a solid edge is an arc, a dashed one
 * joins g-nodes that a best path goes through one after the other.
 */
#include <inttypes.h>

#include "common/picture.h"
#include "ntkctl/map.h"

static void
put_gnode(FILE *out, const struct map *m, const struct map_identity *id,
    const struct map_gnode *g)
{
	char name[TOPO_TEXT], count[MAP_LABEL];

	map_name(m, id, g->at, name);
	map_count(g->nodes, count);
	fprintf(out, "\ti%" PRId64 "_%u_%" PRIu32 " [label=\"%s", id->index, g->at.level, g->at.pos,
	    name);
	if (count[0] != '\0')
		fprintf(out, "\\n%s", count);
	if (g->reached)
		fprintf(out, "\\n%" PRId64 " us", g->cost);
	fprintf(out, "\", fillcolor=\"%.3f 0.15 1.0\"%s];\n", picture_hue(g->at.pos + 1) / 360,
	    g->reached ? "" : ", style=\"filled,dashed\"");
}

static void
put_own(FILE *out, const struct map *m, const struct map_identity *id)
{
	char name[TOPO_TEXT];

	fprintf(out, "\ti%" PRId64 " [label=\"%s\", penwidth=2];\n", id->index,
	    map_name(m, id, map_own(id, 0), name));
}

/* The label of an own g-node; of the whole network with what the identity is. */
static void
put_label(FILE *out, const struct map *m, const struct map_identity *id, unsigned level)
{
	char name[TOPO_TEXT], title[MAP_LABEL], count[MAP_LABEL];

	map_count(id->nodes[level], count);
	fputs("\tlabel=\"", out);
	picture_dot(out, level < m->topo.levels ? map_name(m, id, map_own(id, level), name) :
	    map_title(id, title));
	fprintf(out, "%s%s\";\n", count[0] != '\0' ? ": " : "", count);
}

static void
put_clusters(FILE *out, const struct map *m, const struct map_identity *id)
{
	for (unsigned level = m->topo.levels; level > 0; level--) {
		const struct map_gnode *v;
		size_t n;

		fprintf(out, "\tsubgraph cluster_i%" PRId64 "_%u {\n", id->index, level);
		put_label(out, m, id, level);
		v = map_level(id, level - 1, &n);
		for (size_t i = 0; i < n; i++)
			put_gnode(out, m, id, &v[i]);
	}
	put_own(out, m, id);
	for (unsigned level = m->topo.levels; level > 0; level--)
		fputs("\t}\n", out);
}

/* Who is a neighbour but not, or not yet, of this network stands outside. */
static void
put_arc(FILE *out, const struct map_identity *id, size_t i)
{
	const struct map_arc *a = &id->arcs[i];

	if (!a->known) {
		fprintf(out, "\ti%" PRId64 "_arc%zu [label=\"", id->index, i);
		picture_dot(out, a->peer_mac);
		fprintf(out, "\", style=\"filled,dashed\"];\n\ti%" PRId64 " -- i%" PRId64 "_arc%zu",
		    id->index, id->index, i);
	} else
		fprintf(out, "\ti%" PRId64 " -- i%" PRId64 "_%u_%" PRIu32, id->index, id->index,
		    a->at.level, a->at.pos);
	fputs(" [label=\"", out);
	picture_dot(out, a->dev);
	if (a->cost >= 0)
		fprintf(out, "\\n%" PRId64 " us", a->cost);
	fprintf(out, "\"%s];\n", a->known && !a->closing ? "" : ", style=dotted");
}

static void
put_link(FILE *out, const struct map_identity *id, const struct map_link *l)
{
	fprintf(out, "\ti%" PRId64 "_%u_%" PRIu32 " -- i%" PRId64 "_%u_%" PRIu32
	    " [style=dashed, color=gray40];\n", id->index, l->a.level, l->a.pos, id->index, l->b.level,
	    l->b.pos);
}

void
map_dot(FILE *out, const struct map *m)
{
	fputs("graph map {\n\tfontname=\"sans-serif\";\n\tnode [shape=box, style=filled, "
	    "fillcolor=white, fontname=\"sans-serif\"];\n\tedge [fontname=\"sans-serif\", "
	    "fontsize=10];\n", out);
	for (size_t i = 0; i < m->n; i++) {
		const struct map_identity *id = &m->v[i];

		put_clusters(out, m, id);
		for (size_t k = 0; k < id->n_arcs; k++)
			put_arc(out, id, k);
		for (size_t k = 0; k < id->n_links; k++)
			put_link(out, id, &id->links[k]);
	}
	fputs("}\n", out);
}
