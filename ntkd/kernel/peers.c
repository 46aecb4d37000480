/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/peers.h"

#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"

void
peers_free(struct peers *p)
{
	free(p->v);
	*p = (struct peers){ .v = NULL };
}

/* The first place whose MAC is not lower than MAC. */
static size_t
place_of(const struct peers *p, ntk_mac_t mac)
{
	size_t low = 0;
	size_t high = p->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mac_cmp(p->v[middle].mac, mac) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct peer *
peers_find(const struct peers *p, ntk_mac_t mac)
{
	size_t i = place_of(p, mac);

	return i < p->n && mac_cmp(p->v[i].mac, mac) == 0 ? &p->v[i] : NULL;
}

bool
peers_add(struct peers *p, ntk_mac_t mac)
{
	size_t i = place_of(p, mac);
	struct peer *v = grow(p->v, p->n, 1, &p->size, sizeof(*v));

	if (v == NULL)
		return false;
	p->v = v;
	memmove(&v[i + 1], &v[i], (p->n - i) * sizeof(*v));
	v[i] = (struct peer){ .mac = mac };
	p->n++;
	return true;
}

void
peers_remove(struct peers *p, ntk_mac_t mac)
{
	struct peer *gone = peers_find(p, mac);

	if (gone == NULL)
		return;
	p->n--;
	memmove(gone, gone + 1, (size_t)(p->v + p->n - gone) * sizeof(*gone));
}

void
peers_remove_untaken(struct peers *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].table != 0)
			p->v[n++] = p->v[i];
	p->n = n;
}

bool
peers_have_table(const struct peers *p, uint32_t table)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].table == table)
			return true;
	return false;
}
