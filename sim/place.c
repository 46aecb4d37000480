/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A g-node is cut into the g-nodes inside it along a spanning tree: subtrees that have
 * reached the size aimed at become pieces.  Pieces that touch are then joined, the
 * smallest first, until there are no more than positions.  Even pieces are tried first: they
 * leave room in each.  Where a piece turns out not to be divisible, the next way of cutting
 * is tried, and the next root of the tree, within a budget.
 */
#include "sim/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX

enum {
	ROOTS = 12,		/* of the spanning tree of one g-node */
	BUDGET = 400,		/* cuts tried, for each node of the world */
};

struct placing {
	const struct graph *g;
	const struct topo *t;
	struct naddr *address;
	uint32_t *nodes;	/* all nodes, those of one g-node together */
	uint32_t *scratch;
	uint32_t *piece;	/* of each node, inside the g-node at hand */
	uint32_t *parent;	/* in the spanning tree */
	uint32_t *weight;	/* of what hangs on a node and was not cut yet */
	uint32_t *size;		/* of each piece */
	uint32_t *join;		/* the piece that a piece was joined to, itself when it was not */
	uint32_t *mark;		/* the g-node that a node is in, as a running number */
	uint32_t marks;
	uint64_t budget;
	char *why;
	size_t why_size;
};

/* Nodes that a g-node of LEVEL has room for. */
static uint64_t
capacity(const struct topo *t, unsigned level)
{
	return UINT64_C(1) << topo_shift(t, level);
}

/*
 * Brings the N nodes at NODES into the order of a breadth-first walk, with parents.  Shallow
 * trees have subtrees of every size, so that cuts come near the size aimed at.
 */
static void
tree_make(struct placing *p, uint32_t *nodes, uint32_t n, uint32_t root)
{
	const struct graph *g = p->g;
	uint32_t gnode = ++p->marks, end = 1;

	for (uint32_t i = 0; i < n; i++) {
		p->mark[nodes[i]] = gnode;
		p->parent[nodes[i]] = NOWHERE;
	}
	p->scratch[0] = root;
	p->mark[root] = ++p->marks;
	for (uint32_t i = 0; i < end; i++) {
		uint32_t node = p->scratch[i];

		for (uint32_t e = g->first[node]; e < g->first[node + 1]; e++) {
			uint32_t other = g->ends[e].node;

			if (p->mark[other] != gnode)
				continue;
			p->mark[other] = p->marks;
			p->parent[other] = node;
			p->scratch[end++] = other;
		}
	}
	memcpy(nodes, p->scratch, n * sizeof(*nodes));
}

/* Cuts what has reached AIM, children before parents; returns the number of pieces. */
static uint32_t
tree_cut(struct placing *p, const uint32_t *nodes, uint32_t n, uint64_t aim, uint64_t most)
{
	uint32_t pieces = 0;

	for (uint32_t i = 0; i < n; i++)
		p->weight[nodes[i]] = 1;
	/* A node that is cut off begins a piece; the others join that of their parent. */
	for (uint32_t i = n; i-- > 0; ) {
		uint32_t node = nodes[i], up = p->parent[node];
		uint64_t together = up != NOWHERE ? (uint64_t)p->weight[up] + p->weight[node] : 0;

		p->piece[node] = NOWHERE;
		if (up != NOWHERE && p->weight[node] < aim && together <= most)
			p->weight[up] += p->weight[node];
		else
			p->piece[node] = pieces++;
	}
	for (uint32_t i = 0; i < n; i++)
		if (p->piece[nodes[i]] == NOWHERE)
			p->piece[nodes[i]] = p->piece[p->parent[nodes[i]]];
	return pieces;
}

static uint32_t
joined(const struct placing *p, uint32_t piece)
{
	while (p->join[piece] != piece)
		piece = p->join[piece];
	return piece;
}

/* The smallest piece that touches PIECE and fits with it into MOST nodes; NOWHERE: none. */
static uint32_t
neighbour_to_join(const struct placing *p, const uint32_t *nodes, uint32_t n, uint32_t piece,
    uint64_t most)
{
	const struct graph *g = p->g;
	uint32_t best = NOWHERE;

	for (uint32_t i = 0; i < n; i++) {
		if (joined(p, p->piece[nodes[i]]) != piece)
			continue;
		for (uint32_t e = g->first[nodes[i]]; e < g->first[nodes[i] + 1]; e++) {
			uint32_t other = g->ends[e].node, q;

			if (p->mark[other] != p->mark[nodes[i]])
				continue;
			q = joined(p, p->piece[other]);
			if (q != piece && (uint64_t)p->size[q] + p->size[piece] <= most &&
			    (best == NOWHERE || p->size[q] < p->size[best] ||
			    (p->size[q] == p->size[best] && q < best)))
				best = q;
		}
	}
	return best;
}

/* The smallest piece that can be joined with a neighbour, which is *WITH. */
static uint32_t
piece_to_join(struct placing *p, const uint32_t *nodes, uint32_t n, uint32_t pieces,
    uint64_t most, uint32_t *with)
{
	for (;;) {
		uint32_t best = NOWHERE;

		for (uint32_t i = 0; i < pieces; i++)
			if (p->join[i] == i && p->weight[i] == 0 &&
			    (best == NOWHERE || p->size[i] < p->size[best]))
				best = i;
		if (best == NOWHERE)
			return NOWHERE;
		*with = neighbour_to_join(p, nodes, n, best, most);
		if (*with != NOWHERE)
			return best;
		/* It will not fit later either: pieces only grow. */
		p->weight[best] = 1;
	}
}

/* Joins pieces until there are WANTED at most; returns how many are left. */
static uint32_t
pieces_join(struct placing *p, const uint32_t *nodes, uint32_t n, uint32_t pieces, uint32_t wanted,
    uint64_t most)
{
	uint32_t left = pieces;

	for (uint32_t i = 0; i < pieces; i++) {
		p->join[i] = i;
		p->size[i] = 0;
		p->weight[i] = 0;	/* 1: cannot be joined */
	}
	for (uint32_t i = 0; i < n; i++)
		p->size[p->piece[nodes[i]]]++;
	while (left > wanted) {
		uint32_t with, piece = piece_to_join(p, nodes, n, pieces, most, &with);

		if (piece == NOWHERE)
			break;
		p->join[piece] = with;
		p->size[with] += p->size[piece];
		left--;
	}
	return left;
}

static bool
fail(struct placing *p, unsigned level, uint32_t n, uint32_t left)
{
	snprintf(p->why, p->why_size, "a g-node of level %u with %u nodes falls into %u connected "
	    "parts of at most %llu nodes, but has only %u positions; give more or larger levels",
	    level, n, left, (unsigned long long)capacity(p->t, level - 1),
	    topo_gsize(p->t, level - 1));
	return false;
}

struct part {
	uint32_t first;		/* its smallest node */
	uint32_t piece;
};

static int
part_cmp(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Numbers the pieces by their smallest nodes: piece[node] becomes a position. */
static bool
positions_give(struct placing *p, const uint32_t *nodes, uint32_t n, uint32_t pieces)
{
	struct part *parts = malloc((pieces + (size_t)1) * sizeof(*parts));
	uint32_t *at = malloc((pieces + (size_t)1) * sizeof(*at));
	bool ok = parts != NULL && at != NULL;

	for (uint32_t i = 0; ok && i < pieces; i++)
		parts[i] = (struct part){ NOWHERE, i };
	for (uint32_t i = 0; ok && i < n; i++) {
		struct part *part = &parts[joined(p, p->piece[nodes[i]])];

		part->first = nodes[i] < part->first ? nodes[i] : part->first;
	}
	if (ok) {
		qsort(parts, pieces, sizeof(*parts), part_cmp);
		for (uint32_t i = 0; i < pieces; i++)
			at[parts[i].piece] = i;
		for (uint32_t i = 0; i < n; i++)
			p->piece[nodes[i]] = at[joined(p, p->piece[nodes[i]])];
	} else {
		snprintf(p->why, p->why_size, "memory is exhausted");
	}
	free(parts);
	free(at);
	return ok;
}

/*
 * Cuts the N nodes at NODES into pieces near AIM, at most MOST; false: not into so few
 * positions.
 */
static bool
gnode_cut(struct placing *p, const uint32_t *nodes, uint32_t n, unsigned level, uint64_t aim,
    uint64_t most)
{
	uint32_t positions = topo_gsize(p->t, level - 1);
	uint32_t pieces = tree_cut(p, nodes, n, aim, most);
	uint32_t left = pieces_join(p, nodes, n, pieces, positions, most);

	return left <= positions ? positions_give(p, nodes, n, pieces) :
	    fail(p, level, n, left);
}

/* Sorts the N nodes at NODES by their pieces, and starts what each piece contains. */
static void
sort_by_piece(struct placing *p, uint32_t *nodes, uint32_t n, uint32_t positions)
{
	uint32_t end = 0;

	for (uint32_t pos = 0; pos < positions && end < n; pos++)
		for (uint32_t i = 0; i < n; i++)
			if (p->piece[nodes[i]] == pos)
				p->scratch[end++] = nodes[i];
	memcpy(nodes, p->scratch, n * sizeof(*nodes));
}

static bool gnode_place(struct placing *p, uint32_t *nodes, uint32_t n, unsigned level);

/* The nodes were cut: their positions are noted, and each piece is placed. */
static bool
pieces_place(struct placing *p, uint32_t *nodes, uint32_t n, unsigned level)
{
	uint32_t end;

	for (uint32_t i = 0; i < n; i++)
		p->address[nodes[i]].pos[level - 1] = p->piece[nodes[i]];
	sort_by_piece(p, nodes, n, topo_gsize(p->t, level - 1));
	for (uint32_t start = 0; start < n; start = end) {
		uint32_t pos = p->address[nodes[start]].pos[level - 1];

		for (end = start; end < n && p->address[nodes[end]].pos[level - 1] == pos; end++)
			continue;
		if (!gnode_place(p, nodes + start, end - start, level - 1))
			return false;
	}
	return true;
}

/*
 * With one spanning tree: sizes from even ones up to the greatest possible, finer cuts each
 * time.
 */
static bool
gnode_try(struct placing *p, uint32_t *nodes, uint32_t n, unsigned level)
{
	uint32_t positions = topo_gsize(p->t, level - 1), root = nodes[0];
	uint64_t even = (n + (uint64_t)positions - 1) / positions, most = capacity(p->t, level - 1);

	for (uint64_t size = even; ; size += (size + 3) / 4) {
		size = size < most ? size : most;
		for (uint64_t aim = size; aim >= 1 && p->budget != 0; aim -= (aim + 2) / 3) {
			p->budget--;
			tree_make(p, nodes, n, root);
			if (gnode_cut(p, nodes, n, level, aim, size) &&
			    pieces_place(p, nodes, n, level))
				return true;
		}
		if (size == most || p->budget == 0)
			return false;
	}
}

/* Depth is the number of levels. */
static bool
gnode_place(struct placing *p, uint32_t *nodes, uint32_t n, unsigned level)
{
	if (level == 0 || n == 0)
		return true;
	if (n > capacity(p->t, level))
		return false;
	/* First from the last node of a walk, which lies at the rim. */
	tree_make(p, nodes, n, nodes[0]);
	for (uint32_t i = 0; i < ROOTS && i < n; i++) {
		uint32_t at = (uint32_t)((uint64_t)(n - 1) * (ROOTS - 1 - i) / (ROOTS - 1));
		uint32_t root = nodes[at];

		nodes[at] = nodes[0];
		nodes[0] = root;
		if (gnode_try(p, nodes, n, level))
			return true;
		if (p->budget == 0)
			return false;
		tree_make(p, nodes, n, nodes[0]);
	}
	return false;
}

bool
place_nodes(const struct graph *g, const struct topo *t, struct naddr *address, char *why,
    size_t why_size)
{
	enum { ARRAYS = 8 };
	size_t n = (size_t)g->n + 1;
	uint32_t *block = calloc(n * ARRAYS, sizeof(*block));
	struct placing p = { .g = g, .t = t, .address = address, .why = why, .why_size = why_size };
	bool ok;

	memset(address, 0, g->n * sizeof(*address));
	if (block == NULL) {
		snprintf(why, why_size, "memory is exhausted");
		return false;
	}
	p.nodes = block;
	p.scratch = block + n;
	p.piece = block + 2 * n;
	p.parent = block + 3 * n;
	p.weight = block + 4 * n;
	p.size = block + 5 * n;
	p.join = block + 6 * n;
	p.mark = block + 7 * n;
	for (uint32_t i = 0; i < g->n; i++)
		p.nodes[i] = i;
	p.budget = (uint64_t)BUDGET * (g->n + 16);
	ok = capacity(t, t->levels) >= g->n;
	if (!ok)
		snprintf(why, why_size, "%u nodes do not fit into %llu addresses", g->n,
		    (unsigned long long)capacity(t, t->levels));
	ok = ok && gnode_place(&p, p.nodes, g->n, t->levels);
	free(block);
	return ok;
}
