/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Hellos that we send (spec 19.2). */

#include <string.h>

#include "ntkd/core/nbh/int.h"

static void
stamp_push(struct nic *c, uint32_t stamp)
{
	/* All datagrams of one moment carry the same one. */
	if (c->n_stamps != 0 && c->stamps[0] == stamp)
		return;
	memmove(c->stamps + 1, c->stamps, (STAMPS - 1) * sizeof(c->stamps[0]));
	c->stamps[0] = stamp;
	if (c->n_stamps < STAMPS)
		c->n_stamps++;
}

static struct peer_heard
heard(const struct entry *e)
{
	struct peer_heard h = { .node = e->node, .timestamp = e->stamp, .received = e->stamp_at,
		.flags = e->state >= NBH_WANTED ? PEER_HEARD_WANT : 0 };

	memcpy(h.mac, e->mac.b, sizeof(h.mac));
	return h;
}

/* One datagram that lists the N entries at V. */
static void
send(struct nbh *n, unsigned dev, struct entry *const *v, size_t count)
{
	struct nic *c = &n->nic[dev];
	struct nbh_action *a;
	struct peer_msg *m;
	void *list;

	m = nb_message(n, PEER_hello, count, sizeof(struct peer_heard), &list);
	if (m == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		((struct peer_heard *)list)[i] = heard(v[i]);
		v[i]->urgent = false;
	}
	m->hello.node = n->node;
	memcpy(m->hello.mac, c->mac.b, sizeof(m->hello.mac));
	m->hello.address = c->address;
	m->hello.interval = (uint16_t)n->p->interval;
	m->hello.timestamp = nb_clock(n);
	m->hello.heard.v = count != 0 ? list : NULL;
	m->hello.heard.n = (uint16_t)count;
	a = nb_act(n, NBH_HELLO);
	a->dev = dev;
	a->address = c->address;
	a->msg = m;
	stamp_push(c, m->hello.timestamp);
	n->stats.hellos_out++;
}

static void
round_of_hellos(struct nbh *n, unsigned dev)
{
	struct nic *c = &n->nic[dev];
	const uint64_t interval = n->p->interval * MS;
	size_t i = 0;

	do {
		size_t count = c->n - i < PEER_HEARD ? c->n - i : PEER_HEARD;

		send(n, dev, count != 0 ? c->v + i : NULL, count);
		i += count;
	} while (i < c->n);
	c->extra = NEVER;
	c->hello = n->now + interval * 9 / 10 +
	    rng_below(&n->rng, (uint32_t)(interval / 5 + 1));
}

/* Only what changed, one datagram; what does not fit waits for the next one. */
static void
extra_hello(struct nbh *n, unsigned dev)
{
	struct nic *c = &n->nic[dev];
	struct entry *v[PEER_HEARD];
	size_t count = 0;
	bool more = false;

	for (size_t i = 0; i < c->n; i++) {
		if (!c->v[i]->urgent)
			continue;
		if (count < PEER_HEARD)
			v[count++] = c->v[i];
		else
			more = true;
	}
	c->extra = NEVER;
	if (count == 0)
		return;		/* they are gone */
	send(n, dev, v, count);
	c->extra_last = n->now;
	n->stats.extra_out++;
	if (more)
		c->extra = n->now + n->p->extra;
}

void
hello_due(struct nbh *n, unsigned dev)
{
	struct nic *c = &n->nic[dev];

	if (!nic_active(c))
		return;
	if (c->hello <= n->now)
		round_of_hellos(n, dev);
	else if (c->extra <= n->now)
		extra_hello(n, dev);
}

void
hello_urge(struct nbh *n, struct entry *e)
{
	struct nic *c = &n->nic[e->dev];
	uint64_t earliest = c->extra_last == NEVER ? n->now : c->extra_last + n->p->extra;

	e->urgent = true;
	if (c->extra == NEVER)
		c->extra = earliest > n->now ? earliest : n->now;
}

void
hello_start(struct nbh *n, unsigned dev)
{
	struct nic *c = &n->nic[dev];

	c->hello = n->now;
	c->extra = NEVER;
}

void
hello_stop(struct nbh *n, unsigned dev)
{
	struct nic *c = &n->nic[dev];

	c->hello = c->extra = NEVER;
}
