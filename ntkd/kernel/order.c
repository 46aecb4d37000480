/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/diff.h"

#include <stdlib.h>

/*
 * The way from one state to another.  The end is a function of the facts; this
 * is the part that must open no hole and no loop on the way (spec/kernel-state 8).
 * First everything that others will lean on comes, from the ground up; then the
 * tables are turned over; then everything nobody leans on any more goes, from the
 * top down.
 *
 * The helper sends marks and translations as one batch at the end of a
 * transaction (an nftables batch is atomic); their places among the others tell
 * what they would lean on.
 */
enum step {
	NS_COMES,	/* 5a: before anything in it */
	DEV_COMES,
	ADDR_COMES,	/* 2: before routes that name it as source; before neighbour routes, too */
	NEIGH_SET,	/* 3: before routes via that neighbour; a new source replaces (4) */
	RULE_GOES,	/* 1: before its table is turned over or emptied: from here on its */
			/*    packets are treated as they will be when all is done */
	ROUTE_SET,	/* 4: one that changes is replaced, in its place; one that is new comes */
			/*    before any that goes, so every destination is always covered */
	NAT_SET,	/* after the own address it puts in */
	MARK_COMES,	/* without a rule a mark does nothing */
	RULE_COMES,	/* 1: after its table is filled */
	MARK_GOES,
	NAT_GOES,	/* before the own address it puts in */
	ROUTE_GOES,	/* 1: after the rule; 4: after those that cover its addresses now */
	NEIGH_GOES,	/* 3: after the routes via it; 8: an arc's paths left it events ago */
	ADDR_GOES,	/* 2: after the routes that named it */
	DEV_GOES,	/* after everything on it */
	NS_GOES,	/* with all that is in it */
};

static const struct {
	enum step comes;
	enum step changes;
	enum step goes;
} steps[] = {
	[KOBJ_NS] = { NS_COMES, NS_COMES, NS_GOES },
	[KOBJ_DEV] = { DEV_COMES, DEV_COMES, DEV_GOES },
	[KOBJ_ADDR] = { ADDR_COMES, ADDR_COMES, ADDR_GOES },
	[KOBJ_NEIGH] = { NEIGH_SET, NEIGH_SET, NEIGH_GOES },
	[KOBJ_ROUTE] = { ROUTE_SET, ROUTE_SET, ROUTE_GOES },
	[KOBJ_MARK] = { MARK_COMES, MARK_COMES, MARK_GOES },
	[KOBJ_RULE] = { RULE_COMES, RULE_COMES, RULE_GOES },
	[KOBJ_NAT] = { NAT_SET, NAT_SET, NAT_GOES },
};

_Static_assert(sizeof(steps) / sizeof(steps[0]) == KOBJ_NAT + 1, "a row for every kind");

unsigned
korder_step(const struct kchange *c)
{
	if (c->from == NULL)
		return steps[c->to->kind].comes;
	return c->to == NULL ? steps[c->from->kind].goes : steps[c->to->kind].changes;
}

static const struct kobj *
key_of(const struct kchange *c)
{
	return c->to != NULL ? c->to : c->from;
}

static int
cmp_changes(const void *a, const void *b)
{
	unsigned i = korder_step(a);
	unsigned j = korder_step(b);

	return i != j ? (i > j) - (i < j) : kobj_cmp(key_of(a), key_of(b));
}

void
korder_sort(struct kchange *v, size_t n)
{
	if (n != 0)
		qsort(v, n, sizeof(*v), cmp_changes);
}
