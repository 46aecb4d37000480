/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/kset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"

void
kset_init(struct kset *s)
{
	memset(s, 0, sizeof(*s));
}

void
kset_free(struct kset *s)
{
	free(s->v);
	free(s->macs);
	kset_init(s);
}

void
kset_empty(struct kset *s)
{
	s->n = 0;
	s->n_macs = 0;
	s->failed = false;
}

void
kset_swap(struct kset *a, struct kset *b)
{
	struct kset was_a = *a;

	*a = *b;
	*b = was_a;
}

/* A copy of the N elements of SIZE bytes at V; one that is empty need not be NULL. */
static void *
copy_of(const void *v, size_t n, size_t size)
{
	void *copy = malloc(n != 0 ? n * size : 1);

	if (copy != NULL && n != 0)
		memcpy(copy, v, n * size);
	return copy;
}

bool
kset_copy(struct kset *out, const struct kset *in)
{
	*out = (struct kset){
		.v = copy_of(in->v, in->n, sizeof(*in->v)),
		.n = in->n,
		.size = in->n,
		.macs = copy_of(in->macs, in->n_macs, sizeof(*in->macs)),
		.n_macs = in->n_macs,
		.macs_size = in->n_macs,
		.failed = in->failed,
	};
	if (out->v != NULL && out->macs != NULL)
		return true;
	kset_free(out);
	return false;
}

/* The objects of one table come together, so the neighbour looked for is nearly always the last. */
static bool
has_mac(const struct kset *s, ntk_mac_t mac)
{
	for (size_t i = s->n_macs; i-- > 0; )
		if (mac_cmp(s->macs[i], mac) == 0)
			return true;
	return false;
}

static bool
note_mac(struct kset *s, ntk_mac_t mac)
{
	ntk_mac_t *macs;

	if (mac_cmp(mac, KOBJ_NTK) == 0 || has_mac(s, mac))
		return true;
	macs = grow(s->macs, s->n_macs, 1, &s->macs_size, sizeof(*macs));
	if (macs == NULL)
		return false;
	s->macs = macs;
	s->macs[s->n_macs++] = mac;
	return true;
}

void
kset_add(struct kset *s, const struct kobj *o)
{
	struct kobj *v;

	if (s->failed)
		return;
	v = s->n < KSET_OBJECTS ? grow(s->v, s->n, 1, &s->size, sizeof(*v)) : NULL;
	if (v != NULL) {
		s->v = v;
		s->v[s->n++] = *o;
	}
	s->failed = v == NULL || !note_mac(s, o->mac);
}

static int
cmp_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int
kobj_cmp(const struct kobj *a, const struct kobj *b)
{
	int c = cmp_u32(a->kind, b->kind);

	if (c == 0)
		c = mac_cmp(a->mac, b->mac);
	if (c == 0)
		c = cmp_u32(a->dev, b->dev);
	if (c == 0)
		c = cmp_u32(a->nat, b->nat);
	if (c == 0)
		c = cmp_u32(a->addr, b->addr);
	if (c == 0)
		c = cmp_u32(a->len, b->len);
	if (c == 0)
		c = cmp_u32(a->match_src, b->match_src);
	return c != 0 ? c : cmp_u32(a->src_len, b->src_len);
}

bool
kobj_same_value(const struct kobj *a, const struct kobj *b)
{
	return a->type == b->type && a->via_dev == b->via_dev && a->to_len == b->to_len &&
	    a->via == b->via && a->src == b->src;
}

static int
cmp_void(const void *a, const void *b)
{
	return kobj_cmp(a, b);
}

bool
kset_sort(struct kset *s)
{
	if (s->failed)
		return false;
	if (s->n != 0)
		qsort(s->v, s->n, sizeof(*s->v), cmp_void);
	for (size_t i = 1; i < s->n; i++)
		if (kobj_cmp(&s->v[i - 1], &s->v[i]) == 0)
			return false;
	return true;
}

bool
kset_equal(const struct kset *a, const struct kset *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (kobj_cmp(&a->v[i], &b->v[i]) != 0 || !kobj_same_value(&a->v[i], &b->v[i]))
			return false;
	return true;
}

const struct kobj *
kset_find(const struct kset *s, const struct kobj *o)
{
	return s->n != 0 ? bsearch(o, s->v, s->n, sizeof(*s->v), cmp_void) : NULL;
}

/* The texts of an object's members, made once for all kinds. */
struct texts {
	char dev[8];
	char via_dev[8];
	char table[MAC_TEXT];
	char addr[IP_TEXT];
	char dst[PREFIX_TEXT];
	char match_src[PREFIX_TEXT];
	char via[IP_TEXT];
	char to[PREFIX_TEXT];
	char src[IP_TEXT];
};

static void
dev_print(uint8_t dev, char *buf, size_t size)
{
	if (dev == KOBJ_LO)
		snprintf(buf, size, "lo");
	else
		snprintf(buf, size, "%u", (unsigned)dev);
}

static void
texts_make(const struct kobj *o, struct texts *t)
{
	dev_print(o->dev, t->dev, sizeof(t->dev));
	dev_print(o->via_dev, t->via_dev, sizeof(t->via_dev));
	if (mac_cmp(o->mac, KOBJ_NTK) == 0)
		snprintf(t->table, sizeof(t->table), "ntk");
	else
		mac_print(o->mac, t->table);
	ip_print(o->addr, t->addr);
	prefix_print((ntk_prefix_t){ o->addr, o->len }, t->dst);
	prefix_print((ntk_prefix_t){ o->match_src, o->src_len }, t->match_src);
	ip_print(o->via, t->via);
	prefix_print((ntk_prefix_t){ o->via, o->to_len }, t->to);
	ip_print(o->src, t->src);
}

static void
route_print(const struct kobj *o, const struct texts *t, char *buf)
{
	if (o->type != PRIV_ROUTE_UNICAST)
		snprintf(buf, KOBJ_TEXT, "route %s %s %s", t->table, t->dst,
		    o->type == PRIV_ROUTE_BLACKHOLE ? "blackhole" : "unreachable");
	else
		snprintf(buf, KOBJ_TEXT, "route %s %s via %s dev %s%s%s", t->table, t->dst,
		    t->via, t->via_dev, o->src != 0 ? " src " : "", o->src != 0 ? t->src : "");
}

static void
nat_print(const struct kobj *o, const struct texts *t, char *buf)
{
	switch (o->nat) {
	case PRIV_NAT_SOURCE:
		snprintf(buf, KOBJ_TEXT, "source-nat to %s as %s", t->dst, t->via);
		break;
	case PRIV_NAT_MAP_IN:
		snprintf(buf, KOBJ_TEXT, "map-in %s to %s", t->dst, t->to);
		break;
	default:
		snprintf(buf, KOBJ_TEXT, "map-out %s to %s as %s", t->match_src, t->dst, t->to);
		break;
	}
}

char *
kobj_print(const struct kobj *o, char *buf)
{
	struct texts t;

	texts_make(o, &t);
	switch (o->kind) {
	case KOBJ_NS:
		snprintf(buf, KOBJ_TEXT, "namespace");
		break;
	case KOBJ_DEV:
		snprintf(buf, KOBJ_TEXT, "dev %s", t.dev);
		break;
	case KOBJ_ADDR:
		snprintf(buf, KOBJ_TEXT, "address %s dev %s", t.addr, t.dev);
		break;
	case KOBJ_NEIGH:
		snprintf(buf, KOBJ_TEXT, "neighbour %s dev %s src %s", t.addr, t.dev, t.src);
		break;
	case KOBJ_ROUTE:
		route_print(o, &t, buf);
		break;
	case KOBJ_MARK:
		snprintf(buf, KOBJ_TEXT, "mark %s", t.table);
		break;
	case KOBJ_RULE:
		snprintf(buf, KOBJ_TEXT, "rule %s", t.table);
		break;
	case KOBJ_NAT:
		nat_print(o, &t, buf);
		break;
	default:
		snprintf(buf, KOBJ_TEXT, "?");
		break;
	}
	return buf;
}
