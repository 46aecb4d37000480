/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/print.h"

#include <stdio.h>

const char *
print_kind(uint8_t kind)
{
	static const char *const kinds[OBJ_KINDS] = { [OBJ_NS] = "namespace", [OBJ_DEV] = "interface",
		[OBJ_PEER] = "neighbour", [OBJ_ADDR] = "address", [OBJ_NEIGH] = "neighbour route",
		[OBJ_ROUTE] = "route", [OBJ_RULE] = "rule", [OBJ_MARK] = "mark",
		[OBJ_NAT] = "translation" };

	return kinds[kind];
}

void
print_object(const struct ledger *l, const struct obj *o, char *buf, size_t size)
{
	char text[MAC_TEXT > IP_TEXT ? MAC_TEXT : IP_TEXT];

	switch ((enum obj_kind)o->kind) {
	case OBJ_ADDR:
	case OBJ_NEIGH:
		snprintf(buf, size, "%s dev %s", ip_print(o->addr, text), l->dev[o->dev].name);
		break;
	case OBJ_ROUTE:
		snprintf(buf, size, "%s/%u table %u", ip_print(o->addr, text), o->len,
		    l->peer[o->peer].table);
		break;
	case OBJ_RULE:
	case OBJ_MARK:
		snprintf(buf, size, "table %u", l->peer[o->peer].table);
		break;
	case OBJ_NAT:
		snprintf(buf, size, "%s/%u", ip_print(o->addr, text), o->len);
		break;
	case OBJ_DEV:
		snprintf(buf, size, "%s", l->dev[dev_is_real(o->dev) ? o->dev : o->via_dev].name);
		break;
	case OBJ_NS:
		snprintf(buf, size, "namespace %u", l->ns[o->ns].number);
		break;
	default:
		snprintf(buf, size, "%s", mac_print(o->mac, text));
	}
}
