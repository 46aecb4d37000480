/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb map: of every identity the g-nodes that it knows and its arcs, as flat lists: what is
 * inside what follows from the coordinates.
 */
#include <stdlib.h>

#include "ntkd/io/daemon.h"
#include "ntkd/io/value.h"
#include "ntkd/io/verbs.h"

/* An identity that tells what it knows. */
struct teller {
	const struct daemon *d;
	struct node_identity id;
	struct node_iarc *arcs;
	size_t n_arcs;
};

static json_t *
json_identity(const struct teller *t)
{
	const struct topo *topo = &t->d->conf.map.topo;

	return json_pack("{s:I, s:b, s:o, s:o*, s:s, s:o*, s:o*}",
	    "index", (json_int_t)t->id.index,
	    "main", t->id.main,
	    "address", value_naddr(&t->d->conf, &t->id.facts->address),
	    "namespace", value_namespace(t->d, &t->id),
	    "state", value_state(t->id.state),
	    "ranges", value_range(t->id.qspn),
	    "nodes_inside", value_inside(t->id.qspn, topo, false));
}

/* Only what paths are exchanged over has a cost, and may be given up. */
static json_t *
json_arc(const struct teller *t, const struct node_iarc *arc)
{
	return json_pack("{s:I, s:I, s:s, s:o, s:o, s:b, s:o*, s:o*, s:b}",
	    "identity", (json_int_t)t->id.index,
	    "index", (json_int_t)arc->index,
	    "dev", t->d->conf.interfaces[arc->dev].name,
	    "peer_mac", value_mac(arc->peer_mac),
	    "peer_linklocal", value_ip(arc->peer_linklocal),
	    "qspn", arc->qspn,
	    "peer_address", arc->known ? value_naddr(&t->d->conf, &arc->peer_address) : NULL,
	    "cost", arc->cost > 0 ? json_integer((json_int_t)arc->cost) : NULL,
	    "closing", arc->closing);
}

/* The number by which other verbs name the arc that path P begins with; NULL: it is gone already. */
static json_t *
json_arc_of(const struct teller *t, const struct facts_path *p)
{
	const struct facts_arc *f = &t->id.facts->arcs[p->arc];

	for (size_t i = 0; i < t->n_arcs; i++)
		if (t->arcs[i].dev == f->dev && mac_cmp(t->arcs[i].peer_mac, f->peer_mac) == 0)
			return json_integer((json_int_t)t->arcs[i].index);
	return NULL;
}

static json_t *
json_nodes(const struct qspn *q, struct coord dst)
{
	struct fingerprint fp;
	uint32_t nodes;

	return q != NULL && qspn_destination(q, dst, &fp, &nodes) ? json_integer(nodes) : NULL;
}

static json_t *
json_gnode(const struct teller *t, const struct facts_path *best, size_t paths)
{
	return json_pack("{s:I, s:o, s:o*, s:I, s:I, s:o*, s:o}",
	    "identity", (json_int_t)t->id.index,
	    "dst", value_coord(best->dst),
	    "nodes", json_nodes(t->id.qspn, best->dst),
	    "paths", (json_int_t)paths,
	    "cost", (json_int_t)best->cost,
	    "arc", json_arc_of(t, best),
	    "hops", value_hops(t->id.facts, best));
}

/* The best path comes first among those to one destination. */
static void
tell_gnodes(const struct teller *t, json_t **list)
{
	const struct facts *f = t->id.facts;
	size_t *order = facts_path_order(f), n;

	if (order == NULL) {
		json_decref(*list);
		*list = NULL;
		return;
	}
	for (size_t i = 0; i < f->n_paths; i += n) {
		const struct facts_path *best = &f->paths[order[i]];

		for (n = 1; i + n < f->n_paths && coord_equal(f->paths[order[i + n]].dst, best->dst); )
			n++;
		value_add(list, json_gnode(t, best, n));
	}
	free(order);
}

/* False when memory is exhausted. */
static bool
tell(struct teller *t, json_t **identities, json_t **gnodes, json_t **arcs)
{
	t->arcs = value_identity_arcs(t->d->node, &t->id, &t->n_arcs);
	if (t->arcs == NULL)
		return false;
	value_add(identities, json_identity(t));
	tell_gnodes(t, gnodes);
	for (size_t i = 0; i < t->n_arcs; i++)
		value_add(arcs, json_arc(t, &t->arcs[i]));
	free(t->arcs);
	return true;
}

void
verb_map(const struct call *c, struct answer *a)
{
	json_t *identities = json_array(), *gnodes = json_array(), *arcs = json_array();
	char topology[TOPO_TEXT];
	bool ok = true;

	for (size_t i = 0; ok && i < node_identities(c->d->node); i++) {
		struct teller t = { .d = c->d, .id = node_identity(c->d->node, i) };

		ok = tell(&t, &identities, &gnodes, &arcs);
	}
	if (!ok) {
		json_decref(arcs);
		arcs = NULL;
	}
	a->result = json_pack("{s:s, s:o, s:o, s:o}",
	    "topology", topo_print(&c->d->conf.map.topo, topology),
	    "identities", identities,
	    "gnodes", gnodes,
	    "arcs", arcs);
}
