/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/heap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void
heap_init(struct heap *h)
{
	memset(h, 0, sizeof(*h));
}

void
heap_free(struct heap *h)
{
	free(h->v);
	heap_init(h);
}

static bool
before(const struct heap_event *a, const struct heap_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

bool
heap_put(struct heap *h, uint64_t at, void *what)
{
	struct heap_event e = { at, h->next_order, what };
	size_t size = h->size != 0 ? h->size * 2 : 256, i = h->n;
	struct heap_event *v = h->v;

	if (h->n == h->size) {
		v = realloc(v, size * sizeof(*v));
		if (v == NULL)
			return false;
		h->v = v;
		h->size = size;
	}
	for (; i != 0 && before(&e, &v[(i - 1) / 2]); i = (i - 1) / 2)
		v[i] = v[(i - 1) / 2];
	v[i] = e;
	h->n++;
	h->next_order++;
	return true;
}

bool
heap_peek(const struct heap *h, struct heap_event *e)
{
	if (h->n == 0)
		return false;
	*e = h->v[0];
	return true;
}

struct heap_event
heap_take(struct heap *h)
{
	struct heap_event first, last;
	size_t i = 0, child;

	assert(h->n != 0);
	first = h->v[0];
	last = h->v[--h->n];
	for (; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && before(&h->v[child + 1], &h->v[child]))
			child++;
		if (before(&last, &h->v[child]))
			break;
		h->v[i] = h->v[child];
	}
	if (h->n != 0)
		h->v[i] = last;
	return first;
}
