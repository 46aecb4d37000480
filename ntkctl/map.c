/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkctl/map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A list that grows; FAILED when memory is exhausted. */
struct grower {
	struct coord *v;
	size_t n;
	size_t size;
	bool failed;
};

static void
grow(struct grower *g, struct coord c)
{
	if (g->n == g->size) {
		size_t size = g->size > 0 ? 2 * g->size : 64;
		struct coord *v = reallocarray(g->v, size, sizeof(*v));

		if (v == NULL) {
			g->failed = true;
			return;
		}
		g->v = v;
		g->size = size;
	}
	g->v[g->n++] = c;
}

/* --- single values ----------------------------------------------------------------------- */

/* Absent is -1; false when it is there and no number from 0 up. */
static bool
read_number(const json_t *object, const char *key, int64_t *out)
{
	const json_t *value = json_object_get(object, key);

	*out = value != NULL ? (int64_t)json_integer_value(value) : -1;
	return value == NULL || (json_is_integer(value) && *out >= 0);
}

/* Absent is "". */
static const char *
read_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static bool
read_address(const struct map *m, const json_t *object, const char *key, struct naddr *out)
{
	char why[256];

	return naddr_parse(&m->topo, read_text(object, key), out, why, sizeof(why));
}

static bool
read_coord(const struct map *m, const json_t *value, struct coord *c)
{
	json_int_t level = json_integer_value(json_array_get(value, 0));
	json_int_t pos = json_integer_value(json_array_get(value, 1));

	if (json_array_size(value) != 2 || !json_is_integer(json_array_get(value, 0)) ||
	    !json_is_integer(json_array_get(value, 1)) || level < 0 || level >= m->topo.levels ||
	    pos < 0 || pos > TOPO_POS_MAX)
		return false;
	*c = (struct coord){ (uint8_t)level, (uint32_t)pos };
	return true;
}

/* --- g-nodes and arcs ---------------------------------------------------------------------- */

static bool
read_hops(const struct map *m, const json_t *list, struct map_gnode *g)
{
	size_t n = json_array_size(list);

	g->hops = calloc(n + 1, sizeof(*g->hops));
	if (g->hops == NULL)
		return false;
	for (; g->n_hops < n; g->n_hops++)
		if (!read_coord(m, json_array_get(list, g->n_hops), &g->hops[g->n_hops]))
			return false;
	return n > 0 && coord_equal(g->hops[n - 1], g->at);
}

static bool
read_gnode(const struct map *m, const json_t *object, struct map_gnode *g)
{
	g->reached = true;
	return read_coord(m, json_object_get(object, "dst"), &g->at) &&
	    read_number(object, "nodes", &g->nodes) && read_number(object, "paths", &g->paths) &&
	    read_number(object, "cost", &g->cost) && read_number(object, "arc", &g->arc) &&
	    g->paths > 0 && g->cost > 0 && read_hops(m, json_object_get(object, "hops"), g);
}

static bool
read_arc(const struct map *m, const struct map_identity *id, const json_t *object,
    struct map_arc *a)
{
	a->dev = read_text(object, "dev");
	a->peer_mac = read_text(object, "peer_mac");
	a->peer_linklocal = read_text(object, "peer_linklocal");
	a->qspn = json_is_true(json_object_get(object, "qspn"));
	a->closing = json_is_true(json_object_get(object, "closing"));
	a->known = a->qspn && json_object_get(object, "peer_address") != NULL;
	if (a->known && !read_address(m, object, "peer_address", &a->peer))
		return false;
	a->known = a->known && naddr_coord(&m->topo, &id->address, &a->peer, &a->at);
	return read_number(object, "index", &a->index) && a->index >= 0 &&
	    read_number(object, "cost", &a->cost);
}

/* How many of LIST are of the identity with this index. */
static size_t
count_of(const json_t *list, int64_t identity)
{
	const json_t *object;
	size_t i, n = 0;

	json_array_foreach(list, i, object)
		n += json_integer_value(json_object_get(object, "identity")) == identity;
	return n;
}

static bool
read_gnodes(const struct map *m, const json_t *list, struct map_identity *id)
{
	const json_t *object;
	size_t i;

	id->gnodes = calloc(count_of(list, id->index) + 1, sizeof(*id->gnodes));
	if (id->gnodes == NULL)
		return false;
	json_array_foreach(list, i, object)
		if (json_integer_value(json_object_get(object, "identity")) == id->index &&
		    !read_gnode(m, object, &id->gnodes[id->n_gnodes++]))
			return false;
	return true;
}

static bool
read_arcs(const struct map *m, const json_t *list, struct map_identity *id)
{
	const json_t *object;
	size_t i;

	if (count_of(list, id->index) > MAP_ARCS)
		return false;
	id->arcs = calloc(count_of(list, id->index) + 1, sizeof(*id->arcs));
	if (id->arcs == NULL)
		return false;
	json_array_foreach(list, i, object)
		if (json_integer_value(json_object_get(object, "identity")) == id->index &&
		    !read_arc(m, id, object, &id->arcs[id->n_arcs++]))
			return false;
	return true;
}

/* --- what is touched only -------------------------------------------------------------------- */

static int
gnode_cmp(const void *a, const void *b)
{
	return coord_cmp(((const struct map_gnode *)a)->at, ((const struct map_gnode *)b)->at);
}

static int
place_cmp(const void *a, const void *b)
{
	return coord_cmp(*(const struct coord *)a, *(const struct coord *)b);
}

static bool
has_gnode(const struct map_identity *id, size_t n, struct coord c)
{
	struct map_gnode key = { .at = c };

	return n > 0 && bsearch(&key, id->gnodes, n, sizeof(key), gnode_cmp) != NULL;
}

/* Ends of arcs and hops that no path leads to: virtual ones, and what is known only in part yet. */
static void
find_touched(const struct map_identity *id, struct grower *g)
{
	for (size_t i = 0; i < id->n_arcs; i++)
		if (id->arcs[i].known && !has_gnode(id, id->n_gnodes, id->arcs[i].at))
			grow(g, id->arcs[i].at);
	for (size_t i = 0; i < id->n_gnodes; i++)
		for (size_t k = 0; k < id->gnodes[i].n_hops; k++)
			if (!has_gnode(id, id->n_gnodes, id->gnodes[i].hops[k]))
				grow(g, id->gnodes[i].hops[k]);
	if (g->n > 0)
		qsort(g->v, g->n, sizeof(*g->v), place_cmp);
}

/* The g-nodes are sorted, and stay so. */
static bool
add_touched(struct map_identity *id)
{
	struct grower g = { 0 };
	struct map_gnode *v;

	find_touched(id, &g);
	v = g.failed ? NULL : reallocarray(id->gnodes, id->n_gnodes + g.n + 1, sizeof(*v));
	if (v != NULL) {
		id->gnodes = v;
		for (size_t i = 0; i < g.n; i++)
			if (i == 0 || !coord_equal(g.v[i - 1], g.v[i]))
				v[id->n_gnodes++] = (struct map_gnode){ .at = g.v[i], .nodes = -1,
					.arc = -1 };
		qsort(v, id->n_gnodes, sizeof(*v), gnode_cmp);
	}
	free(g.v);
	return v != NULL;
}

static int
link_cmp(const void *a, const void *b)
{
	const struct map_link *x = a, *y = b;
	int order = coord_cmp(x->a, y->a);

	return order != 0 ? order : coord_cmp(x->b, y->b);
}

static bool
find_links(struct map_identity *id)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < id->n_gnodes; i++)
		n += id->gnodes[i].n_hops;
	id->links = calloc(n + 1, sizeof(*id->links));
	if (id->links == NULL)
		return false;
	n = 0;
	for (size_t i = 0; i < id->n_gnodes; i++)
		for (size_t k = 1; k < id->gnodes[i].n_hops; k++) {
			struct coord a = id->gnodes[i].hops[k - 1], b = id->gnodes[i].hops[k];

			id->links[n++] = coord_cmp(a, b) < 0 ? (struct map_link){ a, b } :
			    (struct map_link){ b, a };
		}
	qsort(id->links, n, sizeof(*id->links), link_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || link_cmp(&id->links[kept - 1], &id->links[i]) != 0)
			id->links[kept++] = id->links[i];
	id->n_links = kept;
	return true;
}

/* --- all of it ------------------------------------------------------------------------------- */

static bool
no_gnode_twice(const struct map_identity *id)
{
	for (size_t i = 1; i < id->n_gnodes; i++)
		if (gnode_cmp(&id->gnodes[i - 1], &id->gnodes[i]) == 0)
			return false;
	return true;
}

static bool
read_identity(const struct map *m, const json_t *object, struct map_identity *id)
{
	const json_t *nodes = json_object_get(object, "nodes_inside");

	id->ns = read_text(object, "namespace");
	id->state = read_text(object, "state");
	id->ranges = read_text(object, "ranges");
	for (unsigned i = 0; i <= m->topo.levels; i++)
		id->nodes[i] = json_is_integer(json_array_get(nodes, i)) ?
		    (int64_t)json_integer_value(json_array_get(nodes, i)) : -1;
	return read_number(object, "index", &id->index) && id->index >= 0 &&
	    read_address(m, object, "address", &id->address);
}

bool
map_read(struct map *m, const json_t *result)
{
	const json_t *list = json_object_get(result, "identities");
	const json_t *gnodes = json_object_get(result, "gnodes");
	const json_t *arcs = json_object_get(result, "arcs");
	const json_t *object;
	char why[256];
	size_t i;

	memset(m, 0, sizeof(*m));
	if (!json_is_array(list) || !json_is_array(gnodes) || !json_is_array(arcs) ||
	    json_array_size(list) > MAP_IDENTITIES ||
	    !topo_parse(read_text(result, "topology"), &m->topo, why, sizeof(why)))
		return false;
	json_array_foreach(list, i, object) {
		struct map_identity *id = &m->v[m->n++];

		if (!read_identity(m, object, id) || !read_gnodes(m, gnodes, id) ||
		    !read_arcs(m, arcs, id))
			return false;
		qsort(id->gnodes, id->n_gnodes, sizeof(*id->gnodes), gnode_cmp);
		if (!no_gnode_twice(id) || !add_touched(id) || !find_links(id))
			return false;
	}
	return true;
}

void
map_free(struct map *m)
{
	for (size_t i = 0; i < m->n; i++) {
		for (size_t k = 0; k < m->v[i].n_gnodes; k++)
			free(m->v[i].gnodes[k].hops);
		free(m->v[i].gnodes);
		free(m->v[i].arcs);
		free(m->v[i].links);
	}
	m->n = 0;
}

/* --- for those who draw -------------------------------------------------------------------- */

const struct map_gnode *
map_level(const struct map_identity *id, unsigned level, size_t *count)
{
	size_t first = 0, end;

	while (first < id->n_gnodes && id->gnodes[first].at.level > level)
		first++;
	for (end = first; end < id->n_gnodes && id->gnodes[end].at.level == level; )
		end++;
	*count = end - first;
	return &id->gnodes[first];
}

char *
map_name(const struct map *m, const struct map_identity *id, struct coord c, char *buf)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned i = m->topo.levels; i-- > c.level && at < TOPO_TEXT; )
		at += (size_t)snprintf(buf + at, TOPO_TEXT - at, "%s%" PRIu32, at > 0 ? "." : "",
		    i > c.level ? id->address.pos[i] : c.pos);
	return buf;
}

struct coord
map_own(const struct map_identity *id, unsigned level)
{
	return (struct coord){ (uint8_t)level, id->address.pos[level] };
}

bool
map_is_virtual(const struct map *m, struct coord c)
{
	return c.pos >= topo_gsize(&m->topo, c.level);
}

char *
map_count(int64_t n, char *buf)
{
	buf[0] = '\0';
	if (n >= 0)
		snprintf(buf, MAP_LABEL, "%" PRId64 " node%s", n, n == 1 ? "" : "s");
	return buf;
}

char *
map_title(const struct map_identity *id, char *buf)
{
	snprintf(buf, MAP_LABEL, "identity %" PRId64 "%s%.40s%s%.20s%s%.20s", id->index,
	    id->ns[0] != '\0' ? ", " : "", id->ns, id->state[0] != '\0' ? ", " : "", id->state,
	    id->ranges[0] != '\0' ? ", keeps levels " : "", id->ranges);
	return buf;
}

bool
map_print(FILE *out, enum map_form form, const json_t *result)
{
	struct map m;
	bool ok = map_read(&m, result);

	if (ok && form == MAP_TEXT)
		map_text(out, &m);
	else if (ok && form == MAP_DOT)
		map_dot(out, &m);
	else if (ok)
		ok = map_svg(out, &m);
	map_free(&m);
	return ok;
}
