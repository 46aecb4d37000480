/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/overlap.h"

#include <stdio.h>

enum {
	PROTOCOL_KERNEL = 2,	/* RTPROT_KERNEL */
	DEFAULT_LEN = 1,	/* routes up to this length count as default routes */
};

static bool
is_managed(const struct overlap_rules *r, uint32_t dev)
{
	/* One that is not there yet has number 0, as what leads nowhere. */
	for (size_t i = 0; dev != 0 && i < r->n_managed; i++)
		if (r->managed[i] == dev)
			return true;
	return false;
}

/* The private subnet is of the range, but the way to its hosts is the gateway's own affair. */
static bool
is_in_the_way(const struct overlap_rules *r, ntk_prefix_t p)
{
	return prefix_overlaps(r->range, p) && !(r->has_subnet && prefix_has(r->subnet, p));
}

bool
overlap_addr(const struct overlap_rules *r, const struct overlap_addr *addr)
{
	if (is_managed(r, addr->dev))
		return false;
	if (addr->protocol != 0 && addr->protocol == r->protocol)
		return false;
	if (addr->dev == OVERLAP_LO && addr->local == r->localhost && addr->net.len == NTK_IP_BITS)
		return false;
	return is_in_the_way(r, (ntk_prefix_t){ addr->local, NTK_IP_BITS }) ||
	    is_in_the_way(r, addr->net);
}

static bool
only_managed(const struct overlap_rules *r, const struct overlap_route *route)
{
	if (route->n_devs == 0 || route->n_devs == OVERLAP_DEVS)
		return false;
	for (size_t i = 0; i < route->n_devs; i++)
		if (!is_managed(r, route->devs[i]))
			return false;
	return true;
}

bool
overlap_route(const struct overlap_rules *r, const struct overlap_route *route)
{
	if (route->dst.len <= DEFAULT_LEN || route->protocol == PROTOCOL_KERNEL ||
	    route->protocol == r->protocol)
		return false;
	return is_in_the_way(r, route->dst) && !only_managed(r, route);
}

char *
overlap_addr_print(const struct overlap_addr *addr, char *buf)
{
	char ip[IP_TEXT], net[PREFIX_TEXT];

	if (prefix_has_ip(addr->net, addr->local))
		snprintf(buf, OVERLAP_TEXT, "address %s/%u", ip_print(addr->local, ip),
		    addr->net.len);
	else
		snprintf(buf, OVERLAP_TEXT, "address %s peer %s", ip_print(addr->local, ip),
		    prefix_print(addr->net, net));
	return buf;
}

char *
overlap_route_print(const struct overlap_route *route, char *buf)
{
	char dst[PREFIX_TEXT];

	snprintf(buf, OVERLAP_TEXT, "route %s in table %u", prefix_print(route->dst, dst),
	    route->table);
	return buf;
}
