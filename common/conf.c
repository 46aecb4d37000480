/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/conf.h"

#include <stdlib.h>
#include <string.h>

#include "common/conf_int.h"

/* Which value counts, and what concerns several keys at once. */

_Static_assert((int)CONF_VALUE > (int)TOPO_TEXT, "room for every value");

static bool
key_find(const char *name, enum conf_id *id)
{
	for (unsigned i = 0; i < CONF_IDS; i++)
		if (strcmp(conf_keys[i].name, name) == 0) {
			*id = (enum conf_id)i;
			return true;
		}
	return false;
}

bool
conf_set(struct conf_build *b, const char *key, const char *value, struct conf_place place)
{
	struct conf_given *g;
	enum conf_id id;

	if (!key_find(key, &id))
		return conf_fail_unknown(b, key, place);
	g = &b->given[id];
	if (place.source == CONF_FROM_FILE && g->place.source == CONF_FROM_FILE &&
	    id != CONF_ID_INTERFACE) {
		conf_why_twice(b, g->place.line);
		return conf_fail_value(b, id, value, place);
	}
	if (strlen(value) >= sizeof(g->text)) {
		conf_why(b, "is longer than any value");
		return conf_fail_value(b, id, value, place);
	}
	g->place = place;
	memset(g->text, 0, sizeof(g->text));
	memcpy(g->text, value, strlen(value));
	if (!conf_value_set(b, id, value))
		return conf_fail_value(b, id, value, place);
	return true;
}

static void
set_defaults(struct conf_build *b)
{
	for (unsigned i = 0; i < CONF_IDS; i++)
		if (i != CONF_ID_INTERFACE)
			conf_set(b, conf_keys[i].name, conf_keys[i].fallback,
			    (struct conf_place){ CONF_FROM_DEFAULT, 0 });
}

static bool
set_override(struct conf_build *b, const char *text)
{
	struct conf_place place = { CONF_FROM_OVERRIDE, 0 };
	const char *equal = strchr(text, '=');
	size_t len = equal != NULL ? (size_t)(equal - text) : 0;
	char key[32];

	if (len == 0 || len >= sizeof(key))
		return conf_fail_override(b, text);
	memcpy(key, text, len);
	key[len] = '\0';
	return conf_set(b, key, equal + 1, place);
}

/* Of two keys that do not go together, the one to blame: what somebody wrote before a default. */
static enum conf_id
blame(const struct conf_build *b, enum conf_id first, enum conf_id second)
{
	if (b->given[first].place.source == CONF_FROM_DEFAULT &&
	    b->given[second].place.source != CONF_FROM_DEFAULT)
		return second;
	return first;
}

static bool
check_topology(struct conf_build *b)
{
	const struct map4 *m = &b->c->map;
	unsigned host_bits = (unsigned)NTK_IP_BITS - m->range.len;

	if (topo_check(&m->topo, host_bits, false, b->why, sizeof(b->why)))
		return true;
	return conf_fail_given(b, blame(b, CONF_ID_TOPOLOGY, CONF_ID_RANGE));
}

static bool
check_address(struct conf_build *b)
{
	const char *text = b->given[CONF_ID_ADDRESS].text;
	const struct topo *t = &b->c->map.topo;
	struct naddr n;
	int level;

	if (text[0] == '\0')
		return true;
	if (!naddr_parse(t, text, &n, b->why, sizeof(b->why)))
		return conf_fail_given(b, CONF_ID_ADDRESS);
	level = naddr_highest_virtual(t, &n);
	if (level >= 0) {
		conf_why(b, "position %u of level %d is not below the level's size %u",
		    (unsigned)n.pos[level], level, (unsigned)topo_gsize(t, (unsigned)level));
		return conf_fail_given(b, CONF_ID_ADDRESS);
	}
	b->c->address = n;
	b->c->has_address = true;
	return true;
}

static bool
check_subnet_level(struct conf_build *b)
{
	if (b->c->subnet_level < b->c->map.topo.levels)
		return true;
	conf_why(b, "the topology has the levels 0 to %u", b->c->map.topo.levels - 1U);
	return conf_fail_given(b, CONF_ID_SUBNET_LEVEL);
}

static bool
check_tables(struct conf_build *b)
{
	const struct conf *c = b->c;

	if (c->more_tables.first <= c->tables.first && c->more_tables.last >= c->tables.last) {
		conf_why(b, "tables and more-tables share numbers");
		return conf_fail_given(b, blame(b, CONF_ID_MORE_TABLES, CONF_ID_TABLES));
	}
	if (c->tables.first > c->mark_mask) {
		conf_why(b, "number %u does not fit into mark-mask 0x%x",
		    (unsigned)c->tables.first, (unsigned)c->mark_mask);
		return conf_fail_given(b, blame(b, CONF_ID_TABLES, CONF_ID_MARK_MASK));
	}
	if (c->more_tables.last > c->mark_mask) {
		conf_why(b, "number %u does not fit into mark-mask 0x%x",
		    (unsigned)c->more_tables.last, (unsigned)c->mark_mask);
		return conf_fail_given(b, blame(b, CONF_ID_MORE_TABLES, CONF_ID_MARK_MASK));
	}
	return true;
}

static bool
check_users(struct conf_build *b)
{
	if (strcmp(b->c->user, b->c->helper_user) != 0)
		return true;
	conf_why(b, "user and helper-user are the same, and processes of one user may signal "
	    "each other");
	return conf_fail_given(b, blame(b, CONF_ID_HELPER_USER, CONF_ID_USER));
}

/* The socket follows the directory unless it was given itself. */
static bool
check_paths(struct conf_build *b)
{
	struct conf *c = b->c;

	if (b->given[CONF_ID_CONTROL_SOCKET].place.source == CONF_FROM_DEFAULT) {
		memset(c->control_socket, 0, sizeof(c->control_socket));
		snprintf(c->control_socket, sizeof(c->control_socket), "%.*s/control",
		    CONF_PATH - 10, c->runtime_dir);
	}
	if (strcmp(c->runtime_dir, c->control_socket) != 0)
		return true;
	conf_why(b, "is runtime-dir itself");
	return conf_fail_given(b, CONF_ID_CONTROL_SOCKET);
}

static bool
check_interfaces(struct conf_build *b)
{
	struct conf_place file = { CONF_FROM_FILE, 0 };

	if (b->c->n_interfaces != 0)
		return true;
	conf_why(b, "none is given");
	return conf_fail_value(b, CONF_ID_INTERFACE, NULL, file);
}

static bool
check_all(struct conf_build *b)
{
	return check_topology(b) && check_address(b) && check_subnet_level(b) && check_tables(b) &&
	    check_users(b) && check_paths(b) && check_interfaces(b);
}

bool
conf_parse(const char *text, size_t len, const char *name, const struct conf_override *overrides,
    size_t n, struct conf *c, char *err)
{
	struct conf_build *b = calloc(1, sizeof(*b));
	bool ok;

	memset(c, 0, sizeof(*c));
	err[0] = '\0';
	if (b == NULL) {
		snprintf(err, CONF_ERROR, "%s: not enough memory", name);
		return false;
	}
	b->c = c;
	b->name = name;
	b->err = err;
	set_defaults(b);
	ok = conf_file_parse(b, text, len);
	for (size_t i = 0; ok && i < n; i++)
		ok = set_override(b, overrides[i].text);
	ok = ok && check_all(b);
	free(b);
	return ok;
}

bool
conf_subnet(const struct conf *c, ntk_prefix_t *out)
{
	const struct map4_class class = { MAP4_INTERNAL, c->subnet_level };

	return c->subnet_level != 0 && map4_all(&c->map, class, out);
}
