/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_VERSION = 1 };

/* What reading shares; PATH is the place in the file that is being read. */
struct reader {
	const struct conf *c;
	struct facts *f;
	uint32_t *file_ns;
	const char **code;
	struct facts_error *err;
	char path[sizeof(((struct facts_error *)0)->field)];
	struct facts_arc arc;			/* being read */
	struct facts_path at;			/* path being read */
	struct coord *hops;			/* its hops, FACTS_HOPS of them */
	size_t n_hops;
};

/* Notes what is wrong at the present place; always false. */
static bool __attribute__((format(printf, 3, 4)))
fail(struct reader *r, const char *code, const char *fmt, ...)
{
	va_list ap;

	*r->code = code;
	snprintf(r->err->field, sizeof(r->err->field), "%s", r->path);
	va_start(ap, fmt);
	vsnprintf(r->err->text, sizeof(r->err->text), fmt, ap);
	va_end(ap);
	return false;
}

/* Goes to a place inside the present one; returns the way back, for leave(). */
static size_t __attribute__((format(printf, 2, 3)))
enter(struct reader *r, const char *fmt, ...)
{
	size_t back = strlen(r->path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->path + back, sizeof(r->path) - back, fmt, ap);
	va_end(ap);
	return back;
}

static void
leave(struct reader *r, size_t back)
{
	r->path[back] = '\0';
}

/* --- values --- */

static bool
read_number(struct reader *r, const json_t *v, json_int_t min, json_int_t max, json_int_t *out)
{
	*out = json_integer_value(v);
	if (!json_is_integer(v))
		return fail(r, "usage", "must be a whole number");
	if (*out < min || *out > max)
		return fail(r, "usage", "must be between %lld and %lld", (long long)min,
		    (long long)max);
	return true;
}

static bool
read_flag(struct reader *r, const json_t *v, bool *out)
{
	if (!json_is_boolean(v))
		return fail(r, "usage", "must be true or false");
	*out = json_is_true(v);
	return true;
}

/* A text without NUL inside: jansson lets them pass, C functions would not see the rest. */
static bool
read_text(struct reader *r, const json_t *v, const char **out)
{
	if (!json_is_string(v))
		return fail(r, "usage", "must be a text");
	*out = json_string_value(v);
	if (strlen(*out) != json_string_length(v))
		return fail(r, "usage", "holds a zero byte");
	return true;
}

static bool
read_address(struct reader *r, const json_t *v, struct naddr *out)
{
	char why[128];
	const char *text;

	if (!read_text(r, v, &text))
		return false;
	if (!naddr_parse(&r->c->map.topo, text, out, why, sizeof(why)))
		return fail(r, "wrong_address", "is no address: %s", why);
	return true;
}

/* A coordinate: [level, position]. */
static bool
read_coord(struct reader *r, const json_t *v, struct coord *out)
{
	json_int_t level, pos;

	if (!json_is_array(v) || json_array_size(v) != 2)
		return fail(r, "usage", "must be a pair: [level, position]");
	if (!read_number(r, json_array_get(v, 0), 0, r->c->map.topo.levels - 1, &level) ||
	    !read_number(r, json_array_get(v, 1), 0, TOPO_POS_MAX, &pos))
		return false;
	*out = (struct coord){ (uint8_t)level, (uint32_t)pos };
	return true;
}

/* --- objects and lists --- */

typedef bool read_value(struct reader *r, const json_t *v);

/* A key of an object, and what reads its value. */
struct key {
	const char *name;
	bool optional;
	read_value *read;
};

static bool
keys_have(const struct key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i].name, name) == 0)
			return true;
	return false;
}

/* The name of a key may be anything; only the beginning of a sane one is repeated. */
static bool
fail_key(struct reader *r, const char *name, const struct key *keys, size_t n)
{
	size_t sane = strspn(name, "abcdefghijklmnopqrstuvwxyz_-0123456789");
	char *text = r->err->text;

	fail(r, "usage", "has an unknown key \"%.*s\"; there are", (int)(sane < 32 ? sane : 32),
	    name);
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(r->err->text) - at, "%s %s", i > 0 ? "," : "",
		    keys[i].name);
	}
	return false;
}

static bool
read_no_other(struct reader *r, const json_t *v, const struct key *keys, size_t n)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)v, name, value)
		if (!keys_have(keys, n, name))
			return fail_key(r, name, keys, n);
	return true;
}

static bool
read_key(struct reader *r, const json_t *v, const struct key *key)
{
	const json_t *value = json_object_get(v, key->name);
	size_t back = enter(r, "%s%s", r->path[0] != '\0' ? "." : "", key->name);
	bool ok;

	if (value != NULL)
		ok = key->read(r, value);
	else
		ok = key->optional || fail(r, "usage", "is missing");
	leave(r, back);
	return ok;
}

static bool
read_object(struct reader *r, const json_t *v, const struct key *keys, size_t n)
{
	if (!json_is_object(v))
		return fail(r, "usage", "must be an object");
	if (!read_no_other(r, v, keys, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!read_key(r, v, &keys[i]))
			return false;
	return true;
}

#define READ_OBJECT(r, v, keys) read_object(r, v, keys, sizeof(keys) / sizeof((keys)[0]))

static bool
read_list(struct reader *r, const json_t *v, size_t max, read_value *read)
{
	bool ok = true;

	if (!json_is_array(v))
		return fail(r, "usage", "must be a list");
	if (json_array_size(v) > max)
		return fail(r, "usage", "has %zu entries; %zu are allowed", json_array_size(v), max);
	for (size_t i = 0; ok && i < json_array_size(v); i++) {
		size_t back = enter(r, "[%zu]", i);

		ok = read(r, json_array_get(v, i));
		leave(r, back);
	}
	return ok;
}

/* --- arcs --- */

static bool
read_dev(struct reader *r, const json_t *v)
{
	const char *name;

	if (!read_text(r, v, &name))
		return false;
	for (size_t i = 0; i < r->c->n_interfaces; i++)
		if (strcmp(r->c->interfaces[i].name, name) == 0) {
			r->arc.dev = (uint8_t)i;
			return true;
		}
	return fail(r, "unknown_arc", "is no managed interface; the configuration names those that "
	    "are");
}

static bool
read_peer_mac(struct reader *r, const json_t *v)
{
	const char *text;

	if (!read_text(r, v, &text))
		return false;
	return mac_parse(text, &r->arc.peer_mac) ||
	    fail(r, "usage", "is no hardware address like 00:16:3e:5b:78:d5");
}

static bool
read_peer_linklocal(struct reader *r, const json_t *v)
{
	const char *text;

	if (!read_text(r, v, &text))
		return false;
	return ip_parse(text, &r->arc.peer_linklocal) ||
	    fail(r, "usage", "is no IPv4 address like 169.254.94.223");
}

static bool
read_qspn(struct reader *r, const json_t *v)
{
	return read_flag(r, v, &r->arc.qspn);
}

static bool
read_closing(struct reader *r, const json_t *v)
{
	return read_flag(r, v, &r->arc.closing);
}

static bool
read_peer_address(struct reader *r, const json_t *v)
{
	r->arc.known = true;
	return read_address(r, v, &r->arc.peer);
}

static const struct key arc_keys[] = {
	{ "dev", false, read_dev },
	{ "peer_mac", false, read_peer_mac },
	{ "peer_linklocal", false, read_peer_linklocal },
	{ "qspn", false, read_qspn },
	{ "peer_address", true, read_peer_address },
	{ "closing", true, read_closing },
};

static bool
read_arc(struct reader *r, const json_t *v)
{
	memset(&r->arc, 0, sizeof(r->arc));
	if (!READ_OBJECT(r, v, arc_keys))
		return false;
	return facts_add_arc(r->f, &r->arc) || fail(r, "exhausted", "memory is exhausted");
}

/* --- paths --- */

static bool
read_dst(struct reader *r, const json_t *v)
{
	return read_coord(r, v, &r->at.dst);
}

static bool
read_path_arc(struct reader *r, const json_t *v)
{
	json_int_t arc;

	if (!read_number(r, v, 0, FACTS_ARCS - 1, &arc))
		return false;
	r->at.arc = (uint16_t)arc;
	return true;
}

static bool
read_hop(struct reader *r, const json_t *v)
{
	return read_coord(r, v, &r->hops[r->n_hops++]);
}

static bool
read_hops(struct reader *r, const json_t *v)
{
	return read_list(r, v, FACTS_HOPS, read_hop);
}

static bool
read_cost(struct reader *r, const json_t *v)
{
	json_int_t cost;

	if (!read_number(r, v, 1, UINT32_MAX, &cost))
		return false;
	r->at.cost = (uint32_t)cost;
	return true;
}

static const struct key path_keys[] = {
	{ "dst", false, read_dst },
	{ "arc", false, read_path_arc },
	{ "hops", false, read_hops },
	{ "cost", false, read_cost },
};

static bool
read_path(struct reader *r, const json_t *v)
{
	r->n_hops = 0;
	if (!READ_OBJECT(r, v, path_keys))
		return false;
	return facts_add_path(r->f, r->at.dst, r->at.arc, r->at.cost, r->hops, r->n_hops) ||
	    fail(r, "exhausted", "there is no room for so many hops");
}

/* --- the file --- */

static bool
read_version(struct reader *r, const json_t *v)
{
	json_int_t version;

	return read_number(r, v, STATE_VERSION, STATE_VERSION, &version);
}

static bool
read_topology(struct reader *r, const json_t *v)
{
	char ours[TOPO_TEXT];
	char why[128];
	const char *text;
	struct topo t;

	if (!read_text(r, v, &text))
		return false;
	if (!topo_parse(text, &t, why, sizeof(why)))
		return fail(r, "wrong_address", "is no topology: %s", why);
	if (!topo_equal(&t, &r->c->map.topo))
		return fail(r, "wrong_address", "is not ours, %s",
		    topo_print(&r->c->map.topo, ours));
	return true;
}

static bool
read_own_address(struct reader *r, const json_t *v)
{
	return read_address(r, v, &r->f->address);
}

static bool
read_main(struct reader *r, const json_t *v)
{
	return read_flag(r, v, &r->f->main);
}

static bool
read_namespace(struct reader *r, const json_t *v)
{
	json_int_t ns;

	if (!read_number(r, v, 0, UINT32_MAX, &ns))
		return false;
	if (r->f->main != (ns == 0))
		return fail(r, "usage", r->f->main ? "must be 0, since main is true" :
		    "must not be 0, since main is false");
	*r->file_ns = (uint32_t)ns;
	return true;
}

static bool
read_arcs(struct reader *r, const json_t *v)
{
	return read_list(r, v, FACTS_ARCS, read_arc);
}

static bool
read_paths(struct reader *r, const json_t *v)
{
	return read_list(r, v, FACTS_PATHS, read_path);
}

/* Keys are read in this order: `namespace` looks back at `main`. */
static const struct key file_keys[] = {
	{ "version", false, read_version },
	{ "topology", false, read_topology },
	{ "address", false, read_own_address },
	{ "main", false, read_main },
	{ "namespace", false, read_namespace },
	{ "arcs", false, read_arcs },
	{ "paths", false, read_paths },
};

/* What several values together must be; its errors speak of the same places. */
static bool
check(struct reader *r)
{
	if (facts_check(r->f, &r->c->map.topo, r->c->n_interfaces, r->err))
		return true;
	*r->code = strcmp(r->err->field, "address") == 0 ? "wrong_address" : "usage";
	return false;
}

bool
state_read(const json_t *json, const struct conf *c, struct facts *f, uint32_t *file_ns,
    const char **code, struct facts_error *err)
{
	struct reader r = { .c = c, .f = f, .file_ns = file_ns, .code = code, .err = err };
	bool ok;

	facts_init(f);
	*file_ns = 0;
	*code = "";
	*err = (struct facts_error){ .field = "" };
	for (size_t i = 0; i < c->n_interfaces; i++)
		f->has_dev[i] = true;
	r.hops = calloc(FACTS_HOPS, sizeof(*r.hops));
	ok = r.hops != NULL || fail(&r, "exhausted", "memory is exhausted");
	ok = ok && READ_OBJECT(&r, json, file_keys) && check(&r);
	free(r.hops);
	if (!ok)
		facts_free(f);
	return ok;
}

/* --- writing --- */

static json_t *
write_coord(struct coord c)
{
	return json_pack("[i, I]", (int)c.level, (json_int_t)c.pos);
}

/* Puts VALUE, a new reference or NULL, into OBJECT; false when memory is exhausted. */
static bool
put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *
write_arc(const struct conf *c, const struct facts_arc *a)
{
	char mac[MAC_TEXT], linklocal[IP_TEXT], address[TOPO_TEXT];
	json_t *o = json_pack("{s:s, s:s, s:s, s:b}", "dev", c->interfaces[a->dev].name,
	    "peer_mac", mac_print(a->peer_mac, mac), "peer_linklocal",
	    ip_print(a->peer_linklocal, linklocal), "qspn", a->qspn);
	bool ok = o != NULL;

	if (ok && a->known)
		ok = put(o, "peer_address",
		    json_string(naddr_print(&c->map.topo, &a->peer, address)));
	if (ok && a->closing)
		ok = put(o, "closing", json_true());
	if (!ok)
		json_decref(o);
	return ok ? o : NULL;
}

static json_t *
write_hops(const struct facts *f, const struct facts_path *p)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < p->n_hops; i++)
		ok = json_array_append_new(list, write_coord(f->hops[p->first_hop + i])) == 0;
	if (!ok)
		json_decref(list);
	return ok ? list : NULL;
}

static json_t *
write_path(const struct facts *f, const struct facts_path *p)
{
	return json_pack("{s:o, s:i, s:o, s:I}", "dst", write_coord(p->dst), "arc", (int)p->arc,
	    "hops", write_hops(f, p), "cost", (json_int_t)p->cost);
}

static bool
write_lists(const struct conf *c, const struct facts *f, json_t *arcs, json_t *paths)
{
	bool ok = arcs != NULL && paths != NULL;

	for (size_t i = 0; ok && i < f->n_arcs; i++)
		ok = json_array_append_new(arcs, write_arc(c, &f->arcs[i])) == 0;
	for (size_t i = 0; ok && i < f->n_paths; i++)
		ok = json_array_append_new(paths, write_path(f, &f->paths[i])) == 0;
	return ok;
}

json_t *
state_write(const struct conf *c, const struct facts *f, uint32_t file_ns)
{
	char topology[TOPO_TEXT], address[TOPO_TEXT];
	json_t *arcs = json_array();
	json_t *paths = json_array();
	json_t *o = NULL;

	if (write_lists(c, f, arcs, paths))
		o = json_pack("{s:i, s:s, s:s, s:b, s:I, s:O, s:O}", "version", STATE_VERSION,
		    "topology", topo_print(&c->map.topo, topology), "address",
		    naddr_print(&c->map.topo, &f->address, address), "main", f->main,
		    "namespace", (json_int_t)file_ns, "arcs", arcs, "paths", paths);
	json_decref(arcs);
	json_decref(paths);
	return o;
}
