/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/topo.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool __attribute__((format(printf, 3, 4)))
fail(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return false;
}

/* A dotted list as it stands in the text: the highest level first. */
struct list {
	uint32_t v[TOPO_LEVELS];
	unsigned n;
};

/*
 * Reads numbers joined by dots, at most MAX each.  Numbers with
 * a leading zero are refused: people who write them mean octal or a typing error.
 */
static bool
list_parse(const char *text, uint32_t max, struct list *l, char *why, size_t size)
{
	const char *p = text;

	for (l->n = 0; ; p++) {
		uint64_t v = 0;
		const char *start = p;

		if (l->n == TOPO_LEVELS)
			return fail(why, size, "more than %d numbers", TOPO_LEVELS);
		for (; *p >= '0' && *p <= '9' && v <= max; p++)
			v = v * 10 + (uint64_t)(*p - '0');
		if (p == start)
			return fail(why, size, "number %u from the left is missing or holds "
			    "something that is no digit", l->n + 1);
		if (v > max)
			return fail(why, size, "number %u from the left is above %u",
			    l->n + 1, (unsigned)max);
		if (*start == '0' && p - start > 1)
			return fail(why, size, "number %u from the left begins with 0", l->n + 1);
		l->v[l->n++] = (uint32_t)v;
		if (*p == '\0')
			return true;
		if (*p != '.')
			return fail(why, size, "number %u from the left is followed by something "
			    "that is neither a dot nor the end", l->n);
	}
}

/* The exponent of a power of two between 2 and 65536, else 0. */
static unsigned
gexp_of(uint32_t gsize)
{
	for (unsigned e = 1; e <= TOPO_GEXP; e++)
		if (gsize == UINT32_C(1) << e)
			return e;
	return 0;
}

bool
topo_parse(const char *text, struct topo *t, char *why, size_t why_size)
{
	struct list l;

	memset(t, 0, sizeof(*t));
	if (!list_parse(text, UINT32_MAX, &l, why, why_size))
		return false;
	for (unsigned i = 0; i < l.n; i++) {
		unsigned level = l.n - 1 - i;
		unsigned e = gexp_of(l.v[i]);

		if (e == 0)
			return fail(why, why_size, "size %u of level %u is no power of two "
			    "between 2 and 65536", (unsigned)l.v[i], level);
		t->gexp[level] = (uint8_t)e;
	}
	t->levels = (uint8_t)l.n;
	return true;
}

bool
topo_check(const struct topo *t, unsigned host_bits, bool loose, char *why, size_t why_size)
{
	unsigned bits, top;

	if (t->levels < 1 || t->levels > TOPO_LEVELS)
		return fail(why, why_size, "a topology has 1 to %d levels", TOPO_LEVELS);
	for (unsigned i = 0; i < t->levels; i++)
		if (t->gexp[i] < 1 || t->gexp[i] > TOPO_GEXP)
			return fail(why, why_size, "level %u does not have between 2 and 65536 "
			    "positions", i);
	bits = topo_shift(t, t->levels);
	if (bits + 2 > host_bits)
		return fail(why, why_size, "all levels together, 0 to %u, need %u bits, and 2 more "
		    "for the kind of address; the range has %u", t->levels - 1U, bits, host_bits);
	top = t->levels - 1U;
	if (!loose && topo_gsize(t, top) < t->levels)
		return fail(why, why_size, "the highest level, %u, has %u positions, but needs as "
		    "many as there are levels: %u", top, (unsigned)topo_gsize(t, top),
		    (unsigned)t->levels);
	return true;
}

void
topo_default(struct topo *t)
{
	memset(t, 0, sizeof(*t));
	t->levels = 16;
	for (unsigned i = 0; i < 15; i++)
		t->gexp[i] = i < 3 ? 2 : 1;
	t->gexp[15] = 4;
}

static char *
list_print(const struct list *l, char *buf)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < l->n && len < TOPO_TEXT; i++)
		len += (size_t)snprintf(buf + len, TOPO_TEXT - len, "%s%u", i != 0 ? "." : "",
		    (unsigned)l->v[i]);
	return buf;
}

char *
topo_print(const struct topo *t, char *buf)
{
	struct list l = { .n = t->levels };

	for (unsigned i = 0; i < l.n; i++)
		l.v[i] = topo_gsize(t, l.n - 1 - i);
	return list_print(&l, buf);
}

bool
topo_equal(const struct topo *a, const struct topo *b)
{
	return a->levels == b->levels && memcmp(a->gexp, b->gexp, a->levels) == 0;
}

uint32_t
topo_gsize(const struct topo *t, unsigned level)
{
	return UINT32_C(1) << t->gexp[level];
}

unsigned
topo_shift(const struct topo *t, unsigned level)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < level; i++)
		bits += t->gexp[i];
	return bits;
}

bool
naddr_parse(const struct topo *t, const char *text, struct naddr *n, char *why, size_t why_size)
{
	struct list l;

	memset(n, 0, sizeof(*n));
	if (!list_parse(text, TOPO_POS_MAX, &l, why, why_size))
		return false;
	if (l.n != t->levels)
		return fail(why, why_size, "has %u positions where the topology has %u levels",
		    l.n, (unsigned)t->levels);
	for (unsigned i = 0; i < l.n; i++)
		n->pos[l.n - 1 - i] = l.v[i];
	return true;
}

char *
naddr_print(const struct topo *t, const struct naddr *n, char *buf)
{
	struct list l = { .n = t->levels };

	for (unsigned i = 0; i < l.n; i++)
		l.v[i] = n->pos[l.n - 1 - i];
	return list_print(&l, buf);
}

bool
naddr_equal(const struct topo *t, const struct naddr *a, const struct naddr *b)
{
	struct coord c;

	return !naddr_coord(t, a, b, &c);
}

bool
naddr_real_at(const struct topo *t, const struct naddr *n, unsigned level)
{
	return n->pos[level] < topo_gsize(t, level);
}

bool
naddr_real(const struct topo *t, const struct naddr *n, unsigned low, unsigned high)
{
	for (unsigned i = low; i < high; i++)
		if (!naddr_real_at(t, n, i))
			return false;
	return true;
}

int
naddr_highest_virtual(const struct topo *t, const struct naddr *n)
{
	for (int i = t->levels - 1; i >= 0; i--)
		if (!naddr_real_at(t, n, (unsigned)i))
			return i;
	return -1;
}

bool
naddr_coord(const struct topo *t, const struct naddr *me, const struct naddr *peer, struct coord *c)
{
	for (unsigned i = t->levels; i-- > 0; )
		if (me->pos[i] != peer->pos[i]) {
			c->level = (uint8_t)i;
			c->pos = peer->pos[i];
			return true;
		}
	return false;
}

bool
coord_equal(struct coord a, struct coord b)
{
	return a.level == b.level && a.pos == b.pos;
}

int
coord_cmp(struct coord a, struct coord b)
{
	if (a.level != b.level)
		return a.level > b.level ? -1 : 1;
	return (a.pos > b.pos) - (a.pos < b.pos);
}
