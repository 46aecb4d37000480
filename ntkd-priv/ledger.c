/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "common/must.h"

enum { KEY_SIZE = offsetof(struct obj, type) };

_Static_assert(KEY_SIZE % sizeof(uint32_t) == 0, "the key is made of words");

bool
dev_is_real(unsigned i)
{
	return i > DEV_LO && i <= CONF_INTERFACES;
}

bool
dev_is_managed(const struct ledger *l, int ifindex)
{
	for (unsigned i = DEV_LO + 1; i <= CONF_INTERFACES; i++)
		if (l->dev[i].slot.used && l->dev[i].ifindex == ifindex)
			return true;
	return false;
}

bool
dev_is_free(const struct ledger *l, unsigned i)
{
	const struct obj prepared = { .kind = OBJ_DEV, .ns = NS_DEFAULT, .dev = (uint16_t)i };

	return l->dev[i].objects == 0 && ledger_find(l, &prepared) == NULL;
}

void
ledger_init(struct ledger *l, const struct conf *c)
{
	/* Empties the buckets, too: the head of such a list is a pointer. */
	memset(l, 0, sizeof(*l));
	TAILQ_INIT(&l->order);
	/* Random bytes that the kernel gave this process at its start. */
	memcpy(&l->seed, (const void *)getauxval(AT_RANDOM), sizeof(l->seed));
	l->next_ns_number = 1;
	l->ns[NS_DEFAULT].slot.used = true;
	l->peer[PEER_NTK].slot.used = true;
	l->peer[PEER_NTK].table = c->tables.first;
	l->dev[DEV_LO].slot.used = true;
	memcpy(l->dev[DEV_LO].name, "lo", sizeof("lo"));
	for (size_t i = 0; i < c->n_interfaces; i++) {
		l->dev[i + 1].parent = (uint16_t)(i + 1);
		memcpy(l->dev[i + 1].name, c->interfaces[i].name, CONF_IFNAME);
	}
}

/* Over the words of the key, which holds no padding; who does not know the seed cannot aim. */
static size_t
bucket_of(const struct ledger *l, const struct obj *o)
{
	uint32_t words[KEY_SIZE / sizeof(uint32_t)];
	uint64_t h = l->seed;

	memcpy(words, o, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15U;
		h ^= h >> 32;
	}
	return h % LEDGER_BUCKETS;
}

bool
obj_is_same(const struct obj *a, const struct obj *b)
{
	return memcmp(a, b, KEY_SIZE) == 0;
}

struct node *
ledger_find_node(const struct ledger *l, const struct obj *o)
{
	struct node *n;

	LIST_FOREACH(n, &l->bucket[bucket_of(l, o)], bucket)
		if (obj_is_same(&n->obj, o))
			return n;
	return NULL;
}

const struct obj *
ledger_find(const struct ledger *l, const struct obj *o)
{
	const struct node *n = ledger_find_node(l, o);

	return n != NULL ? &n->obj : NULL;
}

/* Counts O in, or with BY -1 out, where it lies and by what it names. */
static void
count(struct ledger *l, const struct obj *o, uint32_t by)
{
	l->objects += by;
	if (o->kind == OBJ_NAT)
		l->ns[o->ns].translations += by;
	if (o->kind == OBJ_ADDR || o->kind == OBJ_NEIGH)
		l->dev[o->dev].objects += by;
	if (o->kind == OBJ_DEV || (o->kind == OBJ_ROUTE && o->type == PRIV_ROUTE_UNICAST))
		l->dev[o->via_dev].objects += by;
	if (o->kind == OBJ_ROUTE || o->kind == OBJ_RULE || o->kind == OBJ_MARK)
		l->peer[o->peer].objects += by;
}

static void
node_remove(struct ledger *l, struct node *n)
{
	count(l, &n->obj, (uint32_t)-1);
	TAILQ_REMOVE(&l->order, n, order);
	LIST_REMOVE(n, bucket);
	free(n);
}

void
ledger_apply(struct ledger *l, const struct change *c)
{
	struct node *n = ledger_find_node(l, change_subject(c));

	if (!c->has_to) {
		if (n != NULL)
			node_remove(l, n);
		return;
	}
	if (n == NULL) {
		n = must(calloc(1, sizeof(*n)));
		n->obj = c->to;
		TAILQ_INSERT_TAIL(&l->order, n, order);
		LIST_INSERT_HEAD(&l->bucket[bucket_of(l, &n->obj)], n, bucket);
	} else {
		count(l, &n->obj, (uint32_t)-1);
		n->obj = c->to;
	}
	count(l, &n->obj, 1);
}

const struct obj *
change_subject(const struct change *c)
{
	return c->has_to ? &c->to : &c->from;
}

struct change
change_reversed(const struct change *c)
{
	return (struct change){ c->has_to, c->has_from, c->to, c->from };
}

void
ledger_forget_ns(struct ledger *l, unsigned ns)
{
	struct node *n, *next;

	for (n = TAILQ_FIRST(&l->order); n != NULL; n = next) {
		next = TAILQ_NEXT(n, order);
		if (n->obj.kind == OBJ_NS || n->obj.kind == OBJ_PEER || n->obj.ns != ns)
			continue;
		if (n->obj.kind == OBJ_DEV)
			ledger_release(l, &n->obj);
		node_remove(l, n);
	}
}

/* --- slots and handles --------------------------------------------------------- */

/* Where the slots of a kind lie, and the first that may be given out. */
struct slots {
	const void *base;
	size_t size;
	unsigned first;
	unsigned n;
};

static struct slots
slots_of(const struct ledger *l, enum priv_handle_kind kind)
{
	if (kind == PRIV_H_NS)
		return (struct slots){ l->ns, sizeof(l->ns[0]), NS_DEFAULT + 1, LEDGER_NAMESPACES };
	if (kind == PRIV_H_DEV)
		return (struct slots){ l->dev, sizeof(l->dev[0]), CONF_INTERFACES + 1, LEDGER_DEVS };
	return (struct slots){ l->peer, sizeof(l->peer[0]), PEER_NTK + 1, LEDGER_PEERS };
}

static struct slot *
slot_at(const struct slots *s, unsigned i)
{
	return (struct slot *)((uintptr_t)s->base + i * s->size);
}

unsigned
ledger_free(const struct ledger *l, enum priv_handle_kind kind)
{
	struct slots s = slots_of(l, kind);

	for (unsigned i = s.first; i < s.n; i++)
		if (!slot_at(&s, i)->used)
			return i;
	return 0;
}

uint32_t
ledger_handle(const struct ledger *l, enum priv_handle_kind kind, unsigned i)
{
	struct slots s = slots_of(l, kind);

	return PRIV_HANDLE(kind, slot_at(&s, i)->generation, i);
}

int
ledger_find_handle(const struct ledger *l, enum priv_handle_kind kind, uint32_t handle,
    enum priv_reason *why)
{
	enum priv_handle_kind have = PRIV_HANDLE_KIND(handle);
	struct slots s = slots_of(l, kind);
	unsigned i = PRIV_HANDLE_INDEX(handle);

	*why = have == kind || have == PRIV_H_NEW || have == PRIV_H_NONE ? PRIV_R_HANDLE :
	    PRIV_R_KIND;
	if (have != kind || i >= s.n || !slot_at(&s, i)->used ||
	    ledger_handle(l, kind, i) != handle)
		return -1;
	return (int)i;
}

void
ledger_take(struct ledger *l, enum priv_handle_kind kind, unsigned i)
{
	struct slots s = slots_of(l, kind);

	slot_at(&s, i)->used = true;
	slot_at(&s, i)->generation++;
}

void
ledger_release(struct ledger *l, const struct obj *o)
{
	if (o->kind == OBJ_NS && o->ns != NS_DEFAULT)
		l->ns[o->ns].slot.used = false;
	if (o->kind == OBJ_DEV && !dev_is_real(o->dev))
		l->dev[o->dev].slot.used = false;
	if (o->kind == OBJ_PEER)
		l->peer[o->peer].slot.used = false;
}

/* --- table numbers ---------------------------------------------------------------- */

uint32_t
ledger_table(const struct conf *c, unsigned peer)
{
	uint32_t down = c->tables.first - c->tables.last;

	if (peer <= down)
		return c->tables.first - peer;
	return peer - down - 1 <= c->more_tables.last - c->more_tables.first ?
	    c->more_tables.first + peer - down - 1 : 0;
}
