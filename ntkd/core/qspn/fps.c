/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/qspn/fps.h"

#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"

/* Where F is or belongs. */
static size_t
place(const struct fps *s, const struct fingerprint *f, bool *found)
{
	size_t low = 0, high = s->n;

	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = fingerprint_cmp(&s->v[mid]->f, f);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct fpref *
insert(struct fps *s, size_t at, const struct fingerprint *f)
{
	struct fpref **v = grow(s->v, s->n, 1, &s->size, sizeof(struct fpref *));
	struct fpref *r;

	if (v == NULL)
		return NULL;
	s->v = v;
	r = malloc(sizeof(*r));
	if (r == NULL)
		return NULL;
	*r = (struct fpref){ .refs = 1, .f = *f };
	memmove(v + at + 1, v + at, (s->n - at) * sizeof(struct fpref *));
	v[at] = r;
	s->n++;
	return r;
}

struct fpref *
fps_take(struct fps *s, const struct fingerprint *f)
{
	bool found;
	size_t at = place(s, f, &found);

	if (!found)
		return insert(s, at, f);
	s->v[at]->refs++;
	return s->v[at];
}

void
fps_drop(struct fps *s, struct fpref *r)
{
	bool found;
	size_t at;

	if (r == NULL || --r->refs > 0)
		return;
	at = place(s, &r->f, &found);
	s->n--;
	memmove(s->v + at, s->v + at + 1, (s->n - at) * sizeof(struct fpref *));
	free(r);
}

void
fps_free(struct fps *s)
{
	free(s->v);
	*s = (struct fps){ .v = NULL };
}
