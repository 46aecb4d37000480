/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map as lines, what is inside a g-node indented below it.
 */
#include <inttypes.h>

#include "ntkctl/fmt.h"
#include "ntkctl/map.h"

enum { INDENT = 2 };

static void
begin_line(FILE *out, const struct map *m, unsigned level, const char *name)
{
	fprintf(out, "%*s%s", (int)(INDENT * (m->topo.levels - level + 1)), "", name);
}

/* ", cost 30000 us by arc 0 over 2.0, 1 (2 paths)" */
static void
put_path(FILE *out, const struct map *m, const struct map_identity *id,
    const struct map_gnode *g)
{
	char name[TOPO_TEXT];

	fprintf(out, ", cost %" PRId64 " us", g->cost);
	if (g->arc >= 0)
		fprintf(out, " by arc %" PRId64, g->arc);
	for (size_t i = 0; i + 1 < g->n_hops; i++)
		fprintf(out, "%s%s", i == 0 ? " over " : ", ", map_name(m, id, g->hops[i], name));
	if (g->paths > 1)
		fprintf(out, " (%" PRId64 " paths)", g->paths);
}

static void
put_gnode(FILE *out, const struct map *m, const struct map_identity *id,
    const struct map_gnode *g)
{
	char name[TOPO_TEXT], count[MAP_LABEL];

	begin_line(out, m, g->at.level, map_name(m, id, g->at, name));
	if (g->nodes >= 0)
		fprintf(out, ": %s", map_count(g->nodes, count));
	else
		fputs(":", out);
	if (g->reached)
		put_path(out, m, id, g);
	else
		fputs(map_is_virtual(m, g->at) ? " virtual, no path" : " no path", out);
	fputs("\n", out);
}

static void put_inside(FILE *out, const struct map *m, const struct map_identity *id,
    unsigned level);

static void
put_own(FILE *out, const struct map *m, const struct map_identity *id, unsigned level)
{
	char name[TOPO_TEXT], count[MAP_LABEL];

	begin_line(out, m, level, map_name(m, id, map_own(id, level), name));
	map_count(id->nodes[level], count);
	if (level == 0)
		fputs(": this identity\n", out);
	else
		fprintf(out, ": own%s%s\n", count[0] != '\0' ? ", " : "", count);
	put_inside(out, m, id, level);
}

/* What the own g-node of LEVEL is made of, in the order of positions. */
static void
put_inside(FILE *out, const struct map *m, const struct map_identity *id, unsigned level)
{
	const struct map_gnode *v;
	size_t n, i = 0;

	if (level == 0)
		return;
	v = map_level(id, level - 1, &n);
	for (; i < n && v[i].at.pos < id->address.pos[level - 1]; i++)
		put_gnode(out, m, id, &v[i]);
	put_own(out, m, id, level - 1);
	for (; i < n; i++)
		put_gnode(out, m, id, &v[i]);
}

static void
put_arc(FILE *out, const struct map *m, const struct map_arc *a)
{
	char peer[TOPO_TEXT];

	fprintf(out, "    %" PRId64 ": ", a->index);
	fmt_text(out, a->dev);
	fputs(" to ", out);
	if (a->known)
		fprintf(out, "%s, ", naddr_print(&m->topo, &a->peer, peer));
	fmt_text(out, a->peer_mac);
	if (a->peer_linklocal[0] != '\0') {
		fputs(", ", out);
		fmt_text(out, a->peer_linklocal);
	}
	if (a->cost >= 0)
		fprintf(out, ", cost %" PRId64 " us", a->cost);
	fputs(a->closing ? ", closing\n" : a->known ? "\n" : a->qspn ? ", address not known yet\n" :
	    ", no paths exchanged\n", out);
}

static void
put_identity(FILE *out, const struct map *m, const struct map_identity *id)
{
	char title[MAP_LABEL], count[MAP_LABEL], topology[TOPO_TEXT];

	fmt_text(out, map_title(id, title));
	map_count(id->nodes[m->topo.levels], count);
	fprintf(out, "\n  network %s%s%s\n", topo_print(&m->topo, topology),
	    count[0] != '\0' ? ": " : "", count);
	put_inside(out, m, id, m->topo.levels);
	fputs(id->n_arcs > 0 ? "  arcs\n" : "  no arcs\n", out);
	for (size_t i = 0; i < id->n_arcs; i++)
		put_arc(out, m, &id->arcs[i]);
}

void
map_text(FILE *out, const struct map *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (i > 0)
			fputs("\n", out);
		put_identity(out, m, &m->v[i]);
	}
}
