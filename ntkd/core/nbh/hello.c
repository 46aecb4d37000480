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
heard(const struct nbh *n, const struct entry *e)
{
	struct peer_heard h = { .node = e->node, .timestamp = e->stamp, .received = e->stamp_at,
		.flags = e->state >= NBH_WANTED ? PEER_HEARD_WANT : 0 };

	if (e->shared > n->now)
		h.flags |= PEER_HEARD_SHARED;
	memcpy(h.mac, e->mac.b, sizeof(h.mac));
	return h;
}

/* One that is no neighbour: it hears from us that its address is another's, and nothing else. */
static struct peer_heard
refused(const struct rival *r)
{
	struct peer_heard h = { .node = r->node, .flags = PEER_HEARD_SHARED | PEER_HEARD_REFUSED };

	memcpy(h.mac, r->mac.b, sizeof(h.mac));
	return h;
}

/* What goes into the next datagrams of an interface. */
struct listing {
	unsigned dev;
	struct peer_heard v[PEER_HEARD];
	size_t n;
	size_t datagrams;
};

/* One datagram that lists what L has. */
static void
send(struct nbh *n, struct listing *l)
{
	struct nic *c = &n->nic[l->dev];
	struct nbh_action *a;
	struct peer_msg *m;
	void *list;

	m = nb_message(n, PEER_hello, l->n, sizeof(struct peer_heard), &list);
	if (m == NULL)
		return;
	if (l->n != 0)
		memcpy(list, l->v, l->n * sizeof(l->v[0]));
	m->hello.node = n->node;
	memcpy(m->hello.mac, c->mac.b, sizeof(m->hello.mac));
	m->hello.address = c->address;
	m->hello.interval = (uint16_t)n->p->interval;
	m->hello.timestamp = nb_clock(n);
	m->hello.heard.v = l->n != 0 ? list : NULL;
	m->hello.heard.n = (uint16_t)l->n;
	a = nb_act(n, NBH_HELLO);
	a->dev = l->dev;
	a->address = c->address;
	a->msg = m;
	stamp_push(c, m->hello.timestamp);
	n->stats.hellos_out++;
	l->n = 0;
	l->datagrams++;
}

static void
list(struct nbh *n, struct listing *l, struct peer_heard h)
{
	if (l->n == PEER_HEARD)
		send(n, l);
	if (!n->failed)
		l->v[l->n++] = h;
}

static void
round_of_hellos(struct nbh *n, unsigned dev)
{
	struct nic *c = &n->nic[dev];
	const uint64_t interval = n->p->interval * MS;
	struct listing l = { .dev = dev };

	for (size_t i = 0; i < c->n; i++) {
		list(n, &l, heard(n, c->v[i]));
		c->v[i]->urgent = false;
	}
	for (unsigned i = 0; i < RIVALS; i++)
		if (c->rival[i].until > n->now)
			list(n, &l, refused(&c->rival[i]));
	if (l.n != 0 || l.datagrams == 0)
		send(n, &l);
	c->extra = NEVER;
	c->hello = n->now + interval * 9 / 10 +
	    rng_below(&n->rng, (uint32_t)(interval / 5 + 1));
}

/* Only what changed, one datagram; what does not fit waits for the next one. */
static void
extra_hello(struct nbh *n, unsigned dev)
{
	struct nic *c = &n->nic[dev];
	struct listing l = { .dev = dev };
	bool more = false;

	for (size_t i = 0; i < c->n; i++) {
		if (!c->v[i]->urgent)
			continue;
		if (l.n < PEER_HEARD) {
			l.v[l.n++] = heard(n, c->v[i]);
			c->v[i]->urgent = false;
		} else {
			more = true;
		}
	}
	c->extra = NEVER;
	if (l.n == 0)
		return;		/* they are gone */
	send(n, &l);
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
