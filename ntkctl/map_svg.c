/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map as a picture.  Each own g-node is a frame; in it stand the frame of the next lower level,
 * and below that or beside it, whichever makes the smaller picture, the other g-nodes of that level
 * as boxes, each with its arcs.  So the picture grows by a little with each level.  Who is a
 * neighbour but not, or not yet, of this network stands below the frames.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture.h"
#include "ntkctl/map.h"

/* In pixels. */
enum {
	CHAR = 7,		/* width of a character: a little more than at size 11 */
	LINE = 14,		/* height of a line */
	PAD = 16,		/* between what stands in a frame, and around it */
	HEAD = 20,		/* of a frame, for its name */
	BOX_LINES = 3,		/* name, nodes, cost; then its arcs */
	BOX_ARCS = 4,		/* told in one box; then that there are more */
	BEND = 28,		/* how far a curve goes aside */
	FRAME_TEXT = TOPO_TEXT + MAP_LABEL + 4,	/* bytes for the name of a frame, NUL included */
	DEV = 20,		/* characters shown of the name of an interface */
	CUT = 40,		/* characters shown of a text that is the daemon's */
	ASIDE = 8,		/* between curves to one box */
};

static const char style[] =
    ".f{fill-opacity:.35;stroke-width:1.2}.g{stroke-width:1.2}.v{stroke-dasharray:4 3}"
    ".o{fill:#fff;stroke:#222;stroke-width:2}.a{stroke:#222;stroke-width:1.6}"
    ".l{stroke:#888;stroke-width:1.2;stroke-dasharray:5 4}.c{stroke-dasharray:2 3}path{fill:none}"
    "text{font:11px monospace;fill:#222}.h{font-weight:bold}.m{text-anchor:middle}";

struct rect {
	double x, y, w, h;
};

/* The other g-nodes of one level, as a grid. */
struct grid {
	double w, h;		/* of one box */
	size_t cols;
	size_t rows;
	bool beside;		/* of the inner frame; else below it */
};

struct drawing {
	FILE *out;
	const struct map *m;
	const struct map_identity *id;
	struct rect frame[TOPO_LEVELS + 1];	/* of the own g-nodes; 0: of the identity */
	struct grid grid[TOPO_LEVELS];		/* of the g-nodes of each level */
	struct rect *box;			/* of each g-node */
	struct rect *outside;			/* of the neighbour of each arc that is not known */
};

static double
text_width(size_t chars)
{
	return (double)chars * CHAR + 2.0 * PAD;
}

static char *
cost_text(const struct map_gnode *g, char *buf)
{
	snprintf(buf, MAP_LABEL, "best %" PRId64 " us", g->cost);
	return buf;
}

static double
max(double a, double b)
{
	return a > b ? a : b;
}

/* --- how large, from the identity outwards ----------------------------------------------------- */

static double
grid_width(const struct grid *g)
{
	return (double)g->cols * (g->w + PAD) - PAD;
}

static double
grid_height(const struct grid *g)
{
	return (double)g->rows * (g->h + PAD) - PAD;
}

/* "eth1 10000 us" */
static char *
arc_text(const struct map_arc *a, char *buf)
{
	snprintf(buf, MAP_LABEL, "%.*s", DEV, a->dev);
	if (a->cost >= 0)
		snprintf(buf, MAP_LABEL, "%.*s %" PRId64 " us", DEV, a->dev, a->cost);
	return buf;
}

/* The greater of MOST and the length of TEXT. */
static size_t
longer(size_t most, const char *text)
{
	size_t len = strlen(text);

	return len > most ? len : most;
}

static double
box_width(const struct drawing *d, unsigned level)
{
	size_t n, most = sizeof("more arcs") - 1;
	const struct map_gnode *v = map_level(d->id, level, &n);
	char text[MAP_LABEL];

	for (size_t i = 0; i < n; i++) {
		most = longer(most, map_name(d->m, d->id, v[i].at, text));
		most = longer(most, map_count(v[i].nodes, text));
		if (v[i].reached)
			most = longer(most, cost_text(&v[i], text));
	}
	for (size_t i = 0; i < d->id->n_arcs; i++)
		if (d->id->arcs[i].known && d->id->arcs[i].at.level == level)
			most = longer(most, arc_text(&d->id->arcs[i], text));
	return text_width(most);
}

/* How many arcs before the I-th lead to the same g-node. */
static size_t
same_before(const struct drawing *d, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; d->id->arcs[i].known && k < i; k++)
		n += d->id->arcs[k].known && coord_equal(d->id->arcs[k].at, d->id->arcs[i].at);
	return n;
}

/* Room for the arcs of the g-node that has the most. */
static double
box_height(const struct drawing *d, unsigned level)
{
	size_t most = 0;

	for (size_t i = 0; i < d->id->n_arcs; i++)
		if (d->id->arcs[i].known && d->id->arcs[i].at.level == level &&
		    same_before(d, i) >= most)
			most = same_before(d, i) + 1;
	if (most > BOX_ARCS)
		most = BOX_ARCS + 1;
	return (BOX_LINES + (double)most) * LINE + 6;
}

/* Boxes N of G as long in one direction as what they stand at, or as makes them a square. */
static struct grid
grid_make(struct grid g, size_t n, const struct rect *inner, bool beside)
{
	double side = sqrt((double)n * (g.w + PAD) * (g.h + PAD));
	double room = beside ? max(inner->h, side) / (g.h + PAD) : max(inner->w, side) / (g.w + PAD);
	size_t along = n == 0 || room < 1 ? 1 : room < (double)n ? (size_t)room : n;
	size_t across = (n + along - 1) / along;

	g.beside = beside;
	g.cols = beside ? across : along;
	g.rows = beside ? along : across;
	return g;
}

/* What holds INNER and the boxes of G. */
static struct rect
frame_size(const struct grid *g, size_t n, const struct rect *inner)
{
	struct rect r = { .w = inner->w + 2.0 * PAD, .h = inner->h + HEAD + PAD };

	if (n > 0 && g->beside) {
		r.w += grid_width(g) + PAD;
		r.h = max(inner->h, grid_height(g)) + HEAD + PAD;
	} else if (n > 0) {
		r.w = max(inner->w, grid_width(g)) + 2.0 * PAD;
		r.h += grid_height(g) + PAD;
	}
	return r;
}

/* The text on top of a frame, which is at least as wide. */
static char *
frame_text(const struct drawing *d, unsigned level, char buf[FRAME_TEXT])
{
	char name[TOPO_TEXT], count[MAP_LABEL];

	if (level < d->m->topo.levels)
		map_name(d->m, d->id, map_own(d->id, level), name);
	map_count(d->id->nodes[level], count);
	snprintf(buf, FRAME_TEXT, "%s%s%s", level < d->m->topo.levels ? name : "network",
	    level > 0 && count[0] != '\0' ? ": " : "", level > 0 ? count : "");
	return buf;
}

static void
measure(struct drawing *d)
{
	char text[FRAME_TEXT];

	d->frame[0].w = text_width(strlen(frame_text(d, 0, text)));
	d->frame[0].h = 2.0 * LINE;
	for (unsigned level = 0; level < d->m->topo.levels; level++) {
		struct grid g = { .w = box_width(d, level), .h = box_height(d, level) };
		const struct rect *inner = &d->frame[level];
		struct grid below, beside;
		struct rect b, s;
		size_t n;

		map_level(d->id, level, &n);
		below = grid_make(g, n, inner, false);
		beside = grid_make(g, n, inner, true);
		b = frame_size(&below, n, inner);
		s = frame_size(&beside, n, inner);
		d->grid[level] = max(b.w, b.h) <= max(s.w, s.h) ? below : beside;
		d->frame[level + 1] = max(b.w, b.h) <= max(s.w, s.h) ? b : s;
		frame_text(d, level + 1, text);
		d->frame[level + 1].w = max(d->frame[level + 1].w, text_width(strlen(text)));
	}
}

/* --- where, from the network inwards ------------------------------------------------------------ */

static void
place_level(struct drawing *d, unsigned level)
{
	const struct grid *g = &d->grid[level];
	struct rect *inner = &d->frame[level];
	double x, y;
	size_t n, first = (size_t)(map_level(d->id, level, &n) - d->id->gnodes);

	inner->x = d->frame[level + 1].x + PAD;
	inner->y = d->frame[level + 1].y + HEAD;
	x = inner->x + (g->beside ? inner->w + PAD : 0);
	y = inner->y + (g->beside ? 0 : inner->h + PAD);
	for (size_t i = 0; i < n; i++)
		d->box[first + i] = (struct rect){ x + (double)(i % g->cols) * (g->w + PAD),
			y + (double)(i / g->cols) * (g->h + PAD), g->w, g->h };
}

static double
outside_width(const struct map_arc *a)
{
	char text[MAP_LABEL];
	size_t most = longer(sizeof("no paths exchanged") - 1, arc_text(a, text)), len =
	    strnlen(a->peer_mac, CUT);

	return text_width(len > most ? len : most);
}

/* Below the network, side by side; returns where they end. */
static double
place_outside(struct drawing *d)
{
	const struct rect *all = &d->frame[d->m->topo.levels];
	const double h = BOX_LINES * LINE + 6;
	double x = all->x, y = all->y + all->h + PAD, end = all->y + all->h;

	for (size_t i = 0; i < d->id->n_arcs; i++) {
		double w = outside_width(&d->id->arcs[i]);

		if (d->id->arcs[i].known)
			continue;
		if (x > all->x && x + w > all->x + all->w) {
			x = all->x;
			y += h + PAD;
		}
		d->outside[i] = (struct rect){ x, y, w, h };
		x += w + PAD;
		end = y + h;
	}
	return end;
}

/* --- drawing ------------------------------------------------------------------------------------ */

static double
middle_x(const struct rect *r)
{
	return r->x + r->w / 2;
}

static double
middle_y(const struct rect *r)
{
	return r->y + r->h / 2;
}

/* HUE below 0: as the class says. */
static void
put_rect(const struct drawing *d, const struct rect *r, const char *class_, double hue)
{
	fprintf(d->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"5\"",
	    class_, r->x, r->y, r->w, r->h);
	if (hue >= 0)
		fprintf(d->out, " style=\"fill:hsl(%.0f,60%%,88%%);stroke:hsl(%.0f,45%%,45%%)\"", hue, hue);
	fputs("/>\n", d->out);
}

static void
put_text(const struct drawing *d, const char *class_, double x, double y, const char *text)
{
	fprintf(d->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class_, x, y);
	picture_xml(d->out, text);
	fputs("</text>\n", d->out);
}

/*
 * A curve, which lies behind the boxes: straight between what stands side by side; else out at the
 * right side and back in there, so that it is seen beside what stands between.
 */
static void
put_curve(const struct drawing *d, const char *class_, const struct rect *from,
    const struct rect *to, double aside)
{
	bool left = to->x + to->w <= from->x;
	const struct rect *a = left ? to : from, *b = left ? from : to;
	bool right = b->x >= a->x + a->w;
	double bend = BEND + aside, ax = a->x + a->w, bx = right ? b->x : b->x + b->w;
	double ay = middle_y(a), by = middle_y(b) + aside / 2;

	fprintf(d->out, "<path class=\"%s\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\"/>\n", class_,
	    ax, ay, ax + bend, ay, right ? bx - bend : bx + bend, by, bx, by);
}

static void
put_frames(const struct drawing *d)
{
	char text[FRAME_TEXT];

	for (unsigned level = d->m->topo.levels; level > 0; level--) {
		const struct rect *r = &d->frame[level];

		put_rect(d, r, "f", picture_hue(level < d->m->topo.levels ?
		    d->id->address.pos[level] + 1ULL : 0));
		put_text(d, "h", r->x + PAD, r->y + LINE, frame_text(d, level, text));
	}
}

static void
put_gnode(const struct drawing *d, const struct map_gnode *g, const struct rect *r)
{
	char text[MAP_LABEL];
	double y = r->y + LINE;

	put_rect(d, r, g->reached ? "g" : "g v", picture_hue(g->at.pos + 1ULL));
	put_text(d, "h m", middle_x(r), y, map_name(d->m, d->id, g->at, text));
	if (g->nodes >= 0)
		put_text(d, "m", middle_x(r), y + LINE, map_count(g->nodes, text));
	else if (map_is_virtual(d->m, g->at))
		put_text(d, "m", middle_x(r), y + LINE, "virtual");
	put_text(d, "m", middle_x(r), y + 2.0 * LINE, g->reached ? cost_text(g, text) : "no path");
}

static struct rect *
box_of(const struct drawing *d, struct coord c)
{
	size_t n;
	const struct map_gnode *v = map_level(d->id, c.level, &n);
	size_t low = 0, high = n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (v[middle].at.pos <= c.pos)
			low = middle;
		else
			high = middle;
	}
	return &d->box[(size_t)(v - d->id->gnodes) + low];
}

static const struct rect *
arc_end(const struct drawing *d, size_t i)
{
	return d->id->arcs[i].known ? box_of(d, d->id->arcs[i].at) : &d->outside[i];
}

static void
put_curves(const struct drawing *d)
{
	for (size_t i = 0; i < d->id->n_links; i++)
		put_curve(d, "l", box_of(d, d->id->links[i].a), box_of(d, d->id->links[i].b), 0);
	for (size_t i = 0; i < d->id->n_arcs; i++)
		put_curve(d, d->id->arcs[i].known && !d->id->arcs[i].closing ? "a" : "a c", &d->frame[0],
		    arc_end(d, i), (double)same_before(d, i) * ASIDE);
}

static void
put_cut(const struct drawing *d, const char *class_, double x, double y, const char *text)
{
	char cut[MAP_LABEL];

	snprintf(cut, sizeof(cut), "%.*s", CUT, text);
	put_text(d, class_, x, y, cut);
}

/* In the box that it leads to. */
static void
put_arc_text(const struct drawing *d, size_t i)
{
	const struct rect *end = arc_end(d, i);
	size_t before = same_before(d, i);
	char text[MAP_LABEL];

	if (!d->id->arcs[i].known)
		put_text(d, "m", middle_x(end), end->y + 3.0 * LINE, arc_text(&d->id->arcs[i], text));
	else if (before <= BOX_ARCS)
		put_text(d, "m", middle_x(end), end->y + (BOX_LINES + 1 + (double)before) * LINE,
		    before < BOX_ARCS ? arc_text(&d->id->arcs[i], text) : "more arcs");
}

static void
put_boxes(const struct drawing *d)
{
	char text[FRAME_TEXT];

	for (size_t i = 0; i < d->id->n_gnodes; i++)
		put_gnode(d, &d->id->gnodes[i], &d->box[i]);
	put_rect(d, &d->frame[0], "o", -1);
	put_text(d, "h m", middle_x(&d->frame[0]), middle_y(&d->frame[0]) + 4,
	    frame_text(d, 0, text));
	for (size_t i = 0; i < d->id->n_arcs; i++) {
		const struct rect *r = &d->outside[i];

		if (d->id->arcs[i].known)
			continue;
		put_rect(d, r, "o c", -1);
		put_cut(d, "m", middle_x(r), r->y + LINE, d->id->arcs[i].peer_mac);
		put_text(d, "m", middle_x(r), r->y + 2.0 * LINE, d->id->arcs[i].qspn ?
		    "address not known" : "no paths exchanged");
	}
	for (size_t i = 0; i < d->id->n_arcs; i++)
		put_arc_text(d, i);
}

static void
put_identity(const struct drawing *d)
{
	const struct rect *all = &d->frame[d->m->topo.levels];
	char title[MAP_LABEL];

	put_text(d, "h", all->x, all->y - LINE / 2.0, map_title(d->id, title));
	put_frames(d);
	put_curves(d);
	put_boxes(d);
}

/* --- all identities, one below the other ----------------------------------------------------- */

static bool
drawing_begin(struct drawing *d, FILE *out, const struct map *m, const struct map_identity *id,
    double *y)
{
	memset(d, 0, sizeof(*d));
	d->out = out;
	d->m = m;
	d->id = id;
	d->box = calloc(id->n_gnodes + 1, sizeof(*d->box));
	d->outside = calloc(id->n_arcs + 1, sizeof(*d->outside));
	if (d->box == NULL || d->outside == NULL)
		return false;
	measure(d);
	d->frame[m->topo.levels].x = PAD;
	d->frame[m->topo.levels].y = *y + 2.0 * LINE;
	for (unsigned level = m->topo.levels; level-- > 0; )
		place_level(d, level);
	*y = place_outside(d) + PAD;
	return true;
}

static void
drawing_end(struct drawing *d)
{
	free(d->box);
	free(d->outside);
}

/* How wide is what D has drawn. */
static double
right_end(const struct drawing *d)
{
	const struct rect *all = &d->frame[d->m->topo.levels];
	char title[MAP_LABEL];
	double end = max(all->x + all->w, text_width(strlen(map_title(d->id, title))));

	for (size_t i = 0; i < d->id->n_arcs; i++)
		end = max(end, d->outside[i].x + d->outside[i].w);
	return end + PAD;
}

bool
map_svg(FILE *out, const struct map *m)
{
	struct drawing *v = calloc(m->n + 1, sizeof(*v));
	double width = 4.0 * PAD, y = 0;
	bool ok = v != NULL;
	size_t n = 0;

	for (; ok && n < m->n; n++) {
		ok = drawing_begin(&v[n], out, m, &m->v[n], &y);
		width = ok ? max(width, right_end(&v[n])) : width;
	}
	if (ok) {
		struct picture_view view = { 0, 0, width, y + PAD };

		picture_svg_begin(out, view, (unsigned)width, (unsigned)(y + PAD), style);
		for (size_t i = 0; i < n; i++)
			put_identity(&v[i]);
		picture_svg_end(out);
	}
	for (size_t i = 0; i < n; i++)
		drawing_end(&v[i]);
	free(v);
	return ok;
}
