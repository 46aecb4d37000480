/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_TOPO_H
#define NTK_COMMON_TOPO_H

/*
 * Topology, Netsukuku addresses and coordinates (spec/kernel-state 1).
 *
 * Level 0 is a single node; a g-node of level i is made of g-nodes of level
 * i-1; level `levels` is the whole network.  Arrays are indexed by level; texts
 * are written from the highest level down: "4.2.2.2" has gexp[3] == 2.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	TOPO_LEVELS = 24,	/* more than any IPv4 range has room for */
	TOPO_GEXP = 16,		/* greatest exponent of one level (spec/daemon 2.2) */
	TOPO_TEXT = 272,	/* room for a printed topology or address, NUL included */
};

struct topo {
	uint8_t levels;			/* 1 to TOPO_LEVELS */
	uint8_t gexp[TOPO_LEVELS];	/* gsize(i) == 1 << gexp[i], 1 to TOPO_GEXP */
};

/* A Netsukuku address.  Position i is real below gsize(i), virtual from there to 2^31-1. */
struct naddr {
	uint32_t pos[TOPO_LEVELS];
};

/* A g-node seen from some address: the one of LEVEL at POS inside our own g-node of LEVEL + 1. */
struct coord {
	uint8_t level;
	uint32_t pos;
};

/* Greatest position, virtual ones included (spec/manual-mode 5.1). */
#define TOPO_POS_MAX 0x7fffffffU

/*
 * Reads "4.2.2.2" into T.  False when it is no list of powers of two between 2
 * and 65536 or has too many levels; WHY (WHY_SIZE bytes) then gets a sentence
 * that names the level.  Rules that depend on the range: topo_check().
 */
bool topo_parse(const char *text, struct topo *t, char *why, size_t why_size);

/*
 * The rules of spec/kernel-state 1 for a range with HOST_BITS host bits:
 * sum(gexp) <= host bits - 2, and gsize(l-1) >= l unless LOOSE (the simulator).
 * As topo_parse() otherwise.
 */
bool topo_check(const struct topo *t, unsigned host_bits, bool loose, char *why, size_t why_size);

/* The 16 levels that spec/daemon 2.3 finds best for 22 bits. */
void topo_default(struct topo *t);

/* Writes "4.2.2.2" to BUF (TOPO_TEXT bytes); returns BUF. */
char *topo_print(const struct topo *t, char *buf);

bool topo_equal(const struct topo *a, const struct topo *b);

/* Number of positions of LEVEL < levels. */
uint32_t topo_gsize(const struct topo *t, unsigned level);

/* Sum of gexp below LEVEL; LEVEL may be `levels`, then all bits. */
unsigned topo_shift(const struct topo *t, unsigned level);

/*
 * Reads "2.1.1.3": as many positions as levels, each at most TOPO_POS_MAX.  As
 * topo_parse() otherwise.
 */
bool naddr_parse(const struct topo *t, const char *text, struct naddr *n, char *why,
    size_t why_size);

/* Writes "2.1.1.3" to BUF (TOPO_TEXT bytes); returns BUF. */
char *naddr_print(const struct topo *t, const struct naddr *n, char *buf);

bool naddr_equal(const struct topo *t, const struct naddr *a, const struct naddr *b);

/* True when position LEVEL is real; when all positions from LOW up to, not including, HIGH are. */
bool naddr_real_at(const struct topo *t, const struct naddr *n, unsigned level);
bool naddr_real(const struct topo *t, const struct naddr *n, unsigned low, unsigned high);

/* The highest level at which N is virtual, or -1 when it is real. */
int naddr_highest_virtual(const struct topo *t, const struct naddr *n);

/*
 * The maximum distinct g-node of PEER seen from ME: the highest level at which
 * they differ, and the peer's position there.  False when they are equal.
 */
bool naddr_coord(const struct topo *t, const struct naddr *me, const struct naddr *peer,
    struct coord *c);

bool coord_equal(struct coord a, struct coord b);

/* Orders by level, highest first, then by position: the order of every list shown. */
int coord_cmp(struct coord a, struct coord b);

#ifdef __cplusplus
}
#endif

#endif
