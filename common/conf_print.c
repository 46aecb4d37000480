/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/conf_int.h"

static void
print_text(FILE *out, const char *key, const char *value)
{
	fprintf(out, "%s = \"%s\"\n", key, value);
}

static void
print_number(FILE *out, const char *key, uint32_t value)
{
	fprintf(out, "%s = %u\n", key, (unsigned)value);
}

static void
print_boolean(FILE *out, const char *key, bool value)
{
	fprintf(out, "%s = %s\n", key, value ? "true" : "false");
}

static void
print_tables(FILE *out, const char *key, struct conf_tables t)
{
	fprintf(out, "%s = \"%u-%u\"\n", key, (unsigned)t.first, (unsigned)t.last);
}

static void
print_network(const struct conf *c, FILE *out)
{
	char text[TOPO_TEXT], prefix[PREFIX_TEXT];

	print_text(out, "topology", topo_print(&c->map.topo, text));
	print_text(out, "range", prefix_print(c->map.range, prefix));
	if (c->has_address)
		print_text(out, "address", naddr_print(&c->map.topo, &c->address, text));
	print_text(out, "mode", c->mode == CONF_MANUAL ? "manual" : "auto");
}

/* Names of the usual characters stand as everybody writes them. */
static void
print_interface(FILE *out, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789._-";
	const char *quote = name[strspn(name, plain)] == '\0' ? "" : "\"";

	fprintf(out, "interface %s%s%s { }\n", quote, name, quote);
}

void
conf_print(const struct conf *c, FILE *out)
{
	print_network(c, out);
	for (size_t i = 0; i < c->n_interfaces; i++)
		print_interface(out, c->interfaces[i].name);
	print_boolean(out, "anonymize-others", c->anonymize_others);
	print_boolean(out, "accept-anonymous", c->accept_anonymous);
	print_number(out, "subnet-level", c->subnet_level);
	print_number(out, "max-paths", c->max_paths);
	print_text(out, "runtime-dir", c->runtime_dir);
	print_text(out, "control-socket", c->control_socket);
	print_text(out, "user", c->user);
	print_text(out, "helper-user", c->helper_user);
	print_number(out, "routing-protocol", c->routing_protocol);
	print_tables(out, "tables", c->tables);
	print_tables(out, "more-tables", c->more_tables);
	fprintf(out, "mark-mask = 0x%x\n", (unsigned)c->mark_mask);
	print_boolean(out, "allow-overlap", c->allow_overlap);
	print_number(out, "rule-priority", c->rule_priority);
	print_text(out, "control-group", c->control_group);
	print_text(out, "operator-group", c->operator_group);
	print_number(out, "radar-interval", c->radar_interval);
	print_number(out, "handover-delay", c->handover_delay);
}
