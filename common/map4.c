/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/map4.h"

/*
 * spec/kernel-state 2.  The value below the kind bits is the same for every
 * class: some positions at their shifts and, for internal to k, k in the field
 * of the highest level.  So one function composes everything.
 */

static unsigned
all_bits(const struct map4 *m)
{
	return topo_shift(&m->topo, m->topo.levels);
}

/* Where the number of an internal address's level stands. */
static unsigned
top_shift(const struct map4 *m)
{
	return topo_shift(&m->topo, m->topo.levels - 1U);
}

/* True when addresses of class C exist at all; level 0 is the synonym of localhost. */
static bool
class_exists(const struct map4 *m, struct map4_class c)
{
	switch (c.kind) {
	case MAP4_GLOBAL:
	case MAP4_ANONYMIZING:
		return true;
	case MAP4_INTERNAL:
		return c.level < m->topo.levels &&
		    c.level < topo_gsize(&m->topo, m->topo.levels - 1U);
	case MAP4_RESERVED:
		break;
	}
	return false;
}

/* One more than the highest position that an address of class C carries. */
static unsigned
class_end(const struct map4 *m, struct map4_class c)
{
	return c.kind == MAP4_INTERNAL ? c.level : m->topo.levels;
}

/* The address of class C with no position in it. */
static ntk_ip_t
class_base(const struct map4 *m, struct map4_class c)
{
	ntk_ip_t v = (ntk_ip_t)c.kind << all_bits(m);

	if (c.kind == MAP4_INTERNAL)
		v |= (ntk_ip_t)c.level << top_shift(m);
	return m->range.addr | v;
}

static uint8_t
gnode_len(const struct map4 *m, unsigned level)
{
	return (uint8_t)(NTK_IP_BITS - topo_shift(&m->topo, level));
}

/* Positions LOW up to, not including, HIGH, at their shifts; all must be real. */
static ntk_ip_t
positions(const struct map4 *m, const struct naddr *n, unsigned low, unsigned high)
{
	ntk_ip_t v = 0;

	for (unsigned i = low; i < high; i++)
		v |= (ntk_ip_t)n->pos[i] << topo_shift(&m->topo, i);
	return v;
}

const char *
map4_kind_name(enum map4_kind kind)
{
	static const char *const names[] = {
		[MAP4_GLOBAL] = "global",
		[MAP4_INTERNAL] = "internal",
		[MAP4_ANONYMIZING] = "anonymizing",
		[MAP4_RESERVED] = "reserved",
	};

	return (unsigned)kind <= MAP4_RESERVED ? names[kind] : "?";
}

bool
map4_own_gnode(const struct map4 *m, const struct naddr *n, unsigned level,
    struct map4_class c, ntk_prefix_t *out)
{
	unsigned end = class_end(m, c);

	if (!class_exists(m, c) || (c.kind == MAP4_INTERNAL && c.level == 0))
		return false;
	if (level > end || !naddr_real(&m->topo, n, level, end))
		return false;
	out->addr = class_base(m, c) | positions(m, n, level, end);
	out->len = gnode_len(m, level);
	return true;
}

bool
map4_node(const struct map4 *m, const struct naddr *n, struct map4_class c, ntk_ip_t *out)
{
	ntk_prefix_t p;

	if (!map4_own_gnode(m, n, 0, c, &p))
		return false;
	*out = p.addr;
	return true;
}

bool
map4_gnode(const struct map4 *m, const struct naddr *n, struct coord dst,
    struct map4_class c, ntk_prefix_t *out)
{
	ntk_prefix_t above;

	if (dst.level >= class_end(m, c) || dst.pos >= topo_gsize(&m->topo, dst.level))
		return false;
	if (!map4_own_gnode(m, n, dst.level + 1U, c, &above))
		return false;
	out->addr = above.addr | (ntk_ip_t)dst.pos << topo_shift(&m->topo, dst.level);
	out->len = gnode_len(m, dst.level);
	return true;
}

bool
map4_all(const struct map4 *m, struct map4_class c, ntk_prefix_t *out)
{
	if (!class_exists(m, c))
		return false;
	out->addr = class_base(m, c);
	out->len = gnode_len(m, class_end(m, c));
	return true;
}

ntk_ip_t
map4_localhost(const struct map4 *m)
{
	return class_base(m, (struct map4_class){ MAP4_INTERNAL, 0 });
}

/* Reads the level out of VALUE, what an internal address has below its kind bits. */
static bool
internal_level(const struct map4 *m, ntk_ip_t value, struct map4_class *c)
{
	ntk_ip_t field = value >> top_shift(m);
	ntk_ip_t rest = value ^ field << top_shift(m);

	if (field >= m->topo.levels)
		return false;
	c->kind = MAP4_INTERNAL;
	c->level = (uint8_t)field;
	return rest >> topo_shift(&m->topo, c->level) == 0;
}

bool
map4_classify(const struct map4 *m, ntk_ip_t addr, struct map4_class *c)
{
	ntk_ip_t host = addr ^ m->range.addr;
	ntk_ip_t kind = host >> all_bits(m);
	ntk_ip_t value = host ^ kind << all_bits(m);

	if (!prefix_has_ip(m->range, addr))
		return false;
	switch (kind) {
	case MAP4_GLOBAL:
	case MAP4_ANONYMIZING:
		*c = (struct map4_class){ kind == MAP4_GLOBAL ? MAP4_GLOBAL : MAP4_ANONYMIZING, 0 };
		return true;
	case MAP4_INTERNAL:
		return internal_level(m, value, c);
	default:
		return false;
	}
}
