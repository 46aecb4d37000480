/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKCTL_MAP_H
#define NTKCTL_MAP_H

/*
 * The result of the verb map, read and drawn: the g-nodes that each identity knows, nested as its
 * address nests them, and its arcs.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/topo.h"

#ifdef __cplusplus
extern "C" {
#endif

enum map_form {
	MAP_TEXT,	/* for people: indented lines */
	MAP_DOT,	/* for dot(1) */
	MAP_SVG,
};

enum {
	MAP_IDENTITIES = 64,	/* more than a daemon has */
	MAP_ARCS = 4096,	/* of an identity, likewise */
	MAP_LABEL = TOPO_TEXT,	/* room for what map_count() and map_title() write, NUL included */
};

/*
 * Draws RESULT, which may be anything, to OUT.  False when it is not what the verb answers, or
 * memory is exhausted; nothing is printed then.
 */
bool map_print(FILE *out, enum map_form form, const json_t *result);

/* --- between the files that draw ------------------------------------------------------------ */

/* A g-node that is not one of the identity's own. */
struct map_gnode {
	struct coord at;
	bool reached;		/* a path is known, and so what follows */
	int64_t nodes;		/* -1: not known */
	int64_t paths;
	int64_t cost;		/* of the best one, µs */
	int64_t arc;		/* index of the identity-arc it begins with; -1: not known */
	struct coord *hops;	/* owned; the last is this g-node */
	size_t n_hops;
};

struct map_arc {
	int64_t index;
	const char *dev;	/* these three as they came: to be escaped */
	const char *peer_mac;
	const char *peer_linklocal;
	bool known;		/* paths are exchanged over it, and the neighbour's address is known */
	bool qspn;
	bool closing;
	struct naddr peer;
	struct coord at;	/* the neighbour's maximum distinct g-node, when known */
	int64_t cost;		/* µs; -1: not known */
};

/* Two g-nodes, one after the other on a best path. */
struct map_link {
	struct coord a;
	struct coord b;
};

struct map_identity {
	int64_t index;
	const char *ns;		/* these as they came, "" when unknown: to be escaped */
	const char *state;
	const char *ranges;
	struct naddr address;
	int64_t nodes[TOPO_LEVELS + 1];	/* of the own g-nodes; -1: not known */
	struct map_gnode *gnodes;	/* in the order of coord_cmp(), no two at one place */
	size_t n_gnodes;
	struct map_arc *arcs;
	size_t n_arcs;
	struct map_link *links;		/* no two the same */
	size_t n_links;
};

/* Texts are borrowed from the result. */
struct map {
	struct topo topo;
	struct map_identity v[MAP_IDENTITIES];
	size_t n;
};

/* M is to be freed in either case. */
bool map_read(struct map *m, const json_t *result);
void map_free(struct map *m);

/* The g-nodes of LEVEL: the first of them, and in COUNT how many there are. */
const struct map_gnode *map_level(const struct map_identity *id, unsigned level, size_t *count);

/* "2.1": the positions of the g-node at C from the highest level down.  BUF has TOPO_TEXT bytes. */
char *map_name(const struct map *m, const struct map_identity *id, struct coord c, char *buf);

/* The identity's own g-node of LEVEL, below the whole network. */
struct coord map_own(const struct map_identity *id, unsigned level);

/* Whether the position is virtual: of who moves, or keeps others connected. */
bool map_is_virtual(const struct map *m, struct coord c);

/* "1 node", "3 nodes", "" when N is not known.  BUF has MAP_LABEL bytes, as for the next. */
char *map_count(int64_t n, char *buf);

/* "identity 0, default, running": with nothing escaped; texts that are too long are cut. */
char *map_title(const struct map_identity *id, char *buf);

void map_text(FILE *out, const struct map *m);
void map_dot(FILE *out, const struct map *m);
/* False when memory is exhausted. */
bool map_svg(FILE *out, const struct map *m);

#ifdef __cplusplus
}
#endif

#endif
