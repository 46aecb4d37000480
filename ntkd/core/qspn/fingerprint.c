/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/qspn/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct fingerprint
fingerprint_node(unsigned levels, uint64_t id, const int32_t *eld)
{
	struct fingerprint f = { .id = id, .levels = (uint8_t)levels };

	for (unsigned i = 0; i < levels; i++)
		f.v[i] = eld[i];
	return f;
}

int32_t
fingerprint_eld(const struct fingerprint *f, unsigned i)
{
	return f->v[i];
}

int32_t
fingerprint_seed(const struct fingerprint *f, unsigned i)
{
	return f->v[f->levels - f->level + i];
}

void
fingerprint_set_eld(struct fingerprint *f, unsigned i, int32_t eld)
{
	f->v[i] = eld;
}

bool
fingerprint_same(const struct fingerprint *a, const struct fingerprint *b)
{
	return a->id == b->id;
}

bool
fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b)
{
	return fingerprint_cmp(a, b) == 0;
}

int
fingerprint_cmp(const struct fingerprint *a, const struct fingerprint *b)
{
	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	for (unsigned i = 0; i < a->levels; i++)
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	return 0;
}

/* An eldership as a number that grows with youth: null is younger than all (A7). */
static uint32_t
youth(int32_t eld)
{
	return eld < 0 ? UINT32_MAX : (uint32_t)eld;
}

static int
youth_cmp(int32_t a, int32_t b)
{
	return (youth(a) > youth(b)) - (youth(a) < youth(b));
}

static int
id_cmp(const struct fingerprint *a, const struct fingerprint *b)
{
	return (a->id > b->id) - (a->id < b->id);
}

int
fingerprint_elder(const struct fingerprint *a, const struct fingerprint *b)
{
	if (fingerprint_same(a, b))
		return 0;
	for (unsigned i = 0; i < a->level; i++) {
		int c = youth_cmp(fingerprint_seed(a, i), fingerprint_seed(b, i));

		if (c != 0)
			return c;
	}
	return id_cmp(a, b);
}

/* The older of two different siblings; ties go to the smaller id (A13). */
static bool
is_older(const struct fingerprint *a, int32_t a_eld, const struct fingerprint *b, int32_t b_eld)
{
	int c = youth_cmp(a_eld, b_eld);

	return c < 0 || (c == 0 && id_cmp(a, b) < 0);
}

struct fingerprint
fingerprint_construct(const struct fingerprint *f, bool is_null,
    const struct fingerprint *const *s, size_t n)
{
	struct fingerprint up = { .level = (uint8_t)(f->level + 1), .levels = f->levels };
	const struct fingerprint *winner = f;
	int32_t eld = is_null ? FP_NULL : f->v[0];
	unsigned n_eld = up.levels - up.level;

	for (size_t i = 0; i < n; i++)
		if (is_older(s[i], s[i]->v[0], winner, eld)) {
			winner = s[i];
			eld = winner->v[0];
		}
	up.id = winner->id;
	memcpy(up.v, f->v + 1, n_eld * sizeof(up.v[0]));
	up.v[n_eld] = eld;
	memcpy(up.v + n_eld + 1, winner->v + (winner->levels - winner->level),
	    winner->level * sizeof(up.v[0]));
	return up;
}

static size_t
list_print(const struct fingerprint *f, unsigned from, unsigned n, char *buf, size_t room)
{
	size_t len = 0;

	for (unsigned i = 0; i < n && len < room; i++)
		if (f->v[from + i] < 0)
			len += (size_t)snprintf(buf + len, room - len, "%snull", i ? "," : "");
		else
			len += (size_t)snprintf(buf + len, room - len, "%s%" PRId32, i ? "," : "",
			    f->v[from + i]);
	return len;
}

char *
fingerprint_print(const struct fingerprint *f, char *buf)
{
	unsigned n = f->levels - f->level;
	size_t len = (size_t)snprintf(buf, FP_TEXT, "%" PRIu64 " eld ", f->id);

	len += list_print(f, 0, n, buf + len, FP_TEXT - len);
	len += (size_t)snprintf(buf + len, FP_TEXT - len, " seed ");
	list_print(f, n, f->level, buf + len, FP_TEXT - len);
	return buf;
}
