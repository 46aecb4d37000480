/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/townwalk.h"

#include <stdio.h>

#include "ntkd/kernel/kset.h"

/* Where a packet is: in a namespace of a system, from whom. */
struct place {
	size_t sys;
	unsigned ns;		/* as the daemon numbers them */
	uint32_t number;	/* as the helper does */
	bool own;		/* it starts here */
	ntk_mac_t from;
};

static bool
has(const struct town *b, const struct place *p, const struct kobj *o, struct kobj *value)
{
	return fakekern_find(b->sys[p->sys].fake, p->number, o, value);
}

static bool
has_on(const struct town *b, const struct place *p, ntk_ip_t addr, unsigned dev)
{
	struct kobj o = { .kind = KOBJ_ADDR, .dev = (uint8_t)dev, .addr = addr };

	return has(b, p, &o, NULL);
}

static bool
has_address(const struct town *b, const struct place *p, ntk_ip_t addr)
{
	for (unsigned d = 0; d < b->sys[p->sys].conf.n_interfaces; d++)
		if (has_on(b, p, addr, d))
			return true;
	return false;
}

/* The route to DST in the table of MAC. */
static bool
lookup(const struct town *b, const struct place *p, ntk_mac_t mac, ntk_ip_t dst, struct kobj *route)
{
	for (unsigned len = 33; len-- > 0; ) {
		struct kobj o = { .kind = KOBJ_ROUTE, .mac = mac, .addr = dst & prefix_mask((uint8_t)len),
			.len = (uint8_t)len };

		if (has(b, p, &o, route))
			return true;
	}
	return false;
}

/* The table that a packet's mark leads to, if it has a route; then ntk, which only the default namespace has. */
static bool
route(const struct town *b, const struct place *p, ntk_ip_t dst, struct kobj *r)
{
	struct kobj mark = { .kind = KOBJ_MARK, .mac = p->from }, rule = { .kind = KOBJ_RULE, .mac = p->from };

	return (!p->own && has(b, p, &mark, NULL) && has(b, p, &rule, NULL) &&
	    lookup(b, p, p->from, dst, r)) || lookup(b, p, KOBJ_NTK, dst, r);
}

static ntk_mac_t
mac_at(const struct town *b, const struct place *p, unsigned dev)
{
	return p->ns == 0 ? b->sys[p->sys].mac[dev] : b->sys[p->sys].pseudo[p->ns][dev];
}

/* Can a frame that leaves system I by DEV arrive at interface D of system K? */
static bool
is_linked(const struct town *b, size_t i, unsigned dev, size_t k, unsigned d)
{
	const struct town_system *s = &b->sys[i], *t = &b->sys[k];

	return s->segment[dev] == t->segment[d] && !s->unplugged[dev] && !t->unplugged[d] && !s->cut &&
	    !t->cut;
}

/* Whose address is ADDR on the segment that system I has at DEV? */
static bool
neighbour(const struct town *b, size_t i, unsigned dev, ntk_ip_t addr, struct place *out)
{
	for (size_t k = 0; k < b->n; k++)
		for (unsigned ns = 0; b->sys[k].node != NULL && ns < KERNEL_NAMESPACES; ns++) {
			struct place p = { .sys = k, .ns = ns,
				.number = ns == 0 ? 0 : kernel_ns_number(b->sys[k].kernel, ns) };

			for (unsigned d = 0; (ns == 0 || p.number != 0) && d < b->sys[k].conf.n_interfaces; d++)
				if (is_linked(b, i, dev, k, d) && has_on(b, &p, addr, d)) {
					*out = p;
					return true;
				}
		}
	return false;
}

static bool
end(const struct town *b, const struct place *p, const char *what, char *why)
{
	char mac[MAC_TEXT];

	snprintf(why, TOWN_WALK_WHY, "%s in namespace %u, from %s: %s", b->sys[p->sys].name, p->ns,
	    p->own ? "itself" : mac_print(p->from, mac), what);
	return false;
}

/* One hop; P is where it leads to. */
static bool
hop(const struct town *b, struct place *p, ntk_ip_t dst, char *why)
{
	struct place next;
	struct kobj r, neigh = { .kind = KOBJ_NEIGH };

	if (!route(b, p, dst, &r))
		return end(b, p, "no route", why);
	if (r.type != PRIV_ROUTE_UNICAST)
		return end(b, p, r.type == PRIV_ROUTE_BLACKHOLE ? "blackhole" : "unreachable", why);
	neigh.dev = r.via_dev;
	neigh.addr = r.via;
	if (!has(b, p, &neigh, NULL))
		return end(b, p, "no route to the gateway", why);
	if (!neighbour(b, p->sys, r.via_dev, r.via, &next))
		return end(b, p, "nobody has the gateway's address", why);
	next.from = mac_at(b, p, r.via_dev);
	*p = next;
	return true;
}

bool
town_walk(const struct town *b, size_t from, size_t to, ntk_ip_t dst, char why[TOWN_WALK_WHY])
{
	struct place p = { .sys = from, .own = true };

	if (b->sys[from].node == NULL)
		return end(b, &p, "it does not run", why);
	for (unsigned i = 0; i < TOWN_WALK_HOPS; i++) {
		if (has_address(b, &p, dst))
			return p.sys == to || end(b, &p, "not the right one", why);
		if (!hop(b, &p, dst, why))
			return false;
	}
	return end(b, &p, "round and round", why);
}
