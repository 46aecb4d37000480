/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/qspn/scratch.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

struct scratch_chunk {
	struct scratch_chunk *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

enum { CHUNK = 16 * 1024 };

static struct scratch_chunk *
chunk_new(size_t size)
{
	size_t room = size > CHUNK ? size : CHUNK;
	struct scratch_chunk *c = malloc(sizeof(*c) + room);

	if (c != NULL) {
		c->used = 0;
		c->size = room;
	}
	return c;
}

void *
scratch_take(struct scratch *s, size_t size)
{
	struct scratch_chunk *c = s->head;
	void *at;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	if (c == NULL || c->size - c->used < size) {
		c = chunk_new(size);
		if (c == NULL)
			return NULL;
		c->next = s->head;
		s->head = c;
	}
	at = c->bytes + c->used;
	c->used += size;
	return at;
}

void
scratch_free(struct scratch *s)
{
	while (s->head != NULL) {
		struct scratch_chunk *c = s->head;

		s->head = c->next;
		free(c);
	}
}
