/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <string.h>

#include "common/conf_int.h"

/* Each kind of value by itself, and the table that says which key has which. */

struct rule {
	/* Stores TEXT; false with b->why when it is wrong. */
	bool (*set)(struct conf_build *b, const struct rule *r, const char *text);
	size_t offset;		/* of the member in struct conf */
	size_t size;
	uint32_t min;
	uint32_t max;
	const char *remedy;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    c == '.' || c == '-';
}

/* The digits of BASE from *AT on, which moves behind them; false when they exceed 32 bits. */
static bool
digits_read(const char **at, unsigned base, uint32_t *out)
{
	uint64_t v = 0;

	for (;; (*at)++) {
		char c = **at;
		unsigned digit;

		if (is_digit(c))
			digit = (unsigned)(c - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else if (base == 16 && c >= 'A' && c <= 'F')
			digit = (unsigned)(c - 'A') + 10;
		else
			break;
		v = v * base + digit;
		if (v > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)v;
	return true;
}

/* Reads one number that ends where TEXT does or, when DASH, at a '-'; moves *AT behind it. */
static bool
number_read(struct conf_build *b, const char **at, bool dash, uint32_t *out)
{
	const char *start = *at;
	bool hex = start[0] == '0' && (start[1] == 'x' || start[1] == 'X');

	if (*start == '\0')
		return conf_why(b, "a number is missing");
	if (*start == '-')
		return conf_why(b, "negative numbers are not allowed");
	if (start[0] == '0' && is_digit(start[1]))
		return conf_why(b, "leading zeroes are not allowed: they mean octal elsewhere");
	if (hex)
		start = *at += 2;
	if (!digits_read(at, hex ? 16 : 10, out))
		return conf_why(b, "above 4294967295");
	if (*at == start)
		return conf_why(b, "is no number");
	if (**at != '\0' && !(dash && **at == '-'))
		return conf_why(b, "something follows the number");
	return true;
}

/* A number between the bounds, each of which the message names. */
static bool
bounded_read(struct conf_build *b, const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	if (!number_read(b, &text, false, out))
		return false;
	if (*out < min)
		return conf_why(b, "below %u", (unsigned)min);
	if (*out > max)
		return conf_why(b, "above %u", (unsigned)max);
	return true;
}

static void *
member(struct conf_build *b, const struct rule *r)
{
	return (uint8_t *)b->c + r->offset;
}

/* Copies TEXT, which fits, and leaves zeroes behind it. */
static void
member_text(struct conf_build *b, const struct rule *r, const char *text)
{
	memset(member(b, r), 0, r->size);
	memcpy(member(b, r), text, strlen(text));
}

static bool
set_number(struct conf_build *b, const struct rule *r, const char *text)
{
	uint32_t v;

	if (!bounded_read(b, text, r->min, r->max, &v))
		return false;
	if (r->size == sizeof(uint8_t))
		*(uint8_t *)member(b, r) = (uint8_t)v;
	else
		memcpy(member(b, r), &v, sizeof(v));
	return true;
}

static bool
set_boolean(struct conf_build *b, const struct rule *r, const char *text)
{
	bool *out = member(b, r);

	if (strcmp(text, "true") == 0)
		*out = true;
	else if (strcmp(text, "false") == 0)
		*out = false;
	else
		return conf_why(b, "is neither true nor false");
	return true;
}

/*
 * What ntkd-priv finds with our number at start it takes for its own of an
 * earlier life: the numbers of other programs would cost them their routes.
 */
static bool
protocol_is_taken(uint32_t v)
{
	static const struct {
		uint8_t first, last;
	} taken[] = {
		{ 8, 14 }, { 16, 18 }, { 42, 42 }, { 99, 99 }, { 186, 189 }, { 192, 192 },
	};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (v >= taken[i].first && v <= taken[i].last)
			return true;
	return false;
}

static bool
set_protocol(struct conf_build *b, const struct rule *r, const char *text)
{
	uint32_t v;

	if (!bounded_read(b, text, r->min, r->max, &v))
		return false;
	if (protocol_is_taken(v))
		return conf_why(b, "belongs to another routing program");
	return set_number(b, r, text);
}

static bool
set_mask(struct conf_build *b, const struct rule *r, const char *text)
{
	uint32_t v;

	if (!bounded_read(b, text, r->min, r->max, &v))
		return false;
	if ((v & (v + 1)) != 0)
		return conf_why(b, "has a gap between its bits, or does not begin at the lowest");
	return set_number(b, r, text);
}

static bool
set_mode(struct conf_build *b, const struct rule *r, const char *text)
{
	(void)r;
	if (strcmp(text, "auto") == 0)
		b->c->mode = CONF_AUTO;
	else if (strcmp(text, "manual") == 0)
		b->c->mode = CONF_MANUAL;
	else
		return conf_why(b, "is no mode");
	return true;
}

static bool
set_topology(struct conf_build *b, const struct rule *r, const char *text)
{
	(void)r;
	return topo_parse(text, &b->c->map.topo, b->why, sizeof(b->why));
}

/* True when TEXT is a prefix but for bits below its length. */
static bool
has_host_bits(const char *text)
{
	char head[IP_TEXT];
	const char *slash = strchr(text, '/');
	ntk_prefix_t p = { 0, 0 };
	ntk_ip_t addr;
	size_t len = slash != NULL ? (size_t)(slash - text) : sizeof(head);
	char whole[PREFIX_TEXT + 1];

	if (len >= sizeof(head))
		return false;
	snprintf(head, sizeof(head), "%.*s", (int)len, text);
	snprintf(whole, sizeof(whole), "0.0.0.0%s", slash);
	return ip_parse(head, &addr) && prefix_parse(whole, &p);
}

static bool
set_range(struct conf_build *b, const struct rule *r, const char *text)
{
	static const struct {
		ntk_prefix_t prefix;
		const char *what;
	} forbidden[] = {
		{ { 0x00000000, 8 }, "0.0.0.0/8, which means this network" },
		{ { 0x7f000000, 8 }, "127.0.0.0/8, the loopback addresses" },
		{ { 0xa9fe0000, 16 }, "169.254.0.0/16, the link-local addresses" },
		{ { 0xe0000000, 4 }, "224.0.0.0/4, the multicast addresses" },
		{ { 0xf0000000, 4 }, "240.0.0.0/4, reserved and broadcast addresses" },
	};
	ntk_prefix_t p;

	if (!prefix_parse(text, &p)) {
		if (has_host_bits(text))
			return conf_why(b, "has bits set below its length");
		return conf_why(b, "is no prefix A.B.C.D/LENGTH");
	}
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (prefix_overlaps(p, forbidden[i].prefix))
			return conf_why(b, "overlaps %s", forbidden[i].what);
	if (p.len > r->max)
		return conf_why(b, "is too small for any topology");
	/* Member by member: configurations are compared byte for byte, padding included. */
	b->c->map.range.addr = p.addr;
	b->c->map.range.len = p.len;
	return true;
}

/* Only the shape; the rest needs the topology, which may stand further down. */
static bool
set_address(struct conf_build *b, const struct rule *r, const char *text)
{
	(void)r;
	for (size_t i = 0; text[i] != '\0'; i++)
		if (!is_digit(text[i]) && text[i] != '.')
			return conf_why(b, "holds something that is neither a digit nor a dot");
	return true;
}

/* True for the characters that every kernel interface takes and no place here treats specially. */
static bool
is_interface_char(char c)
{
	return c > ' ' && c <= '~' && strchr("/:%\"'\\$|{}", c) == NULL;
}

static bool
interface_check(struct conf_build *b, const char *name)
{
	static const char *const reserved[] = { "lo", ".", "..", "all", "default" };
	size_t len = strlen(name);

	if (len == 0)
		return conf_why(b, "is empty");
	if (len >= CONF_IFNAME)
		return conf_why(b, "is longer than %d characters", CONF_IFNAME - 1);
	for (size_t i = 0; i < len; i++)
		if (!is_interface_char(name[i]))
			return conf_why(b, "holds a character that no interface name may have");
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return conf_why(b, "is no interface that can be managed");
	return true;
}

static bool
set_interface(struct conf_build *b, const struct rule *r, const char *text)
{
	struct conf *c = b->c;

	(void)r;
	if (!interface_check(b, text))
		return false;
	for (size_t i = 0; i < c->n_interfaces; i++)
		if (strcmp(c->interfaces[i].name, text) == 0)
			return conf_why_twice(b, b->interface_line[i]);
	if (c->n_interfaces == CONF_INTERFACES)
		return conf_why(b, "is one more than %d", CONF_INTERFACES);
	memcpy(c->interfaces[c->n_interfaces].name, text, strlen(text));
	b->interface_line[c->n_interfaces] = b->given[CONF_ID_INTERFACE].place.line;
	c->n_interfaces++;
	return true;
}

static bool
is_path_char(char c)
{
	return is_word(c) || (c != '\0' && strchr("+@:,=/", c) != NULL);
}

/* The component from AT up to the next slash: not empty, not ".", not "..". */
static bool
component_check(struct conf_build *b, const char *at)
{
	size_t len = strcspn(at, "/");

	if (len == 0)
		return conf_why(b, "has an empty component");
	if (at[0] == '.' && (len == 1 || (len == 2 && at[1] == '.')))
		return conf_why(b, "has a component . or ..");
	return true;
}

static bool
set_path(struct conf_build *b, const struct rule *r, const char *text)
{
	size_t len = strlen(text);

	if (text[0] != '/')
		return conf_why(b, "is not absolute");
	if (len < r->min)
		return conf_why(b, "is the root directory");
	if (len > r->max)
		return conf_why(b, "is longer than %u bytes", (unsigned)r->max);
	for (size_t i = 0; i < len; i++) {
		if (!is_path_char(text[i]))
			return conf_why(b, "holds a character that is not allowed here");
		if (text[i] == '/' && !component_check(b, text + i + 1))
			return false;
	}
	member_text(b, r, text);
	return true;
}

/* A name, or a number of at least MIN; all digits mean a number. */
static bool
name_check(struct conf_build *b, const char *text, uint32_t min)
{
	uint32_t number;
	size_t len = strlen(text);

	if (len >= CONF_NAME)
		return conf_why(b, "is longer than %d characters", CONF_NAME - 1);
	if (text[strspn(text, "0123456789")] == '\0')
		return bounded_read(b, text, min, UINT32_MAX - 1, &number);
	if (text[0] == '-' || text[0] == '.' || is_digit(text[0]))
		return conf_why(b, "is neither a name nor a number");
	for (size_t i = 0; i < len; i++)
		if (!is_word(text[i]))
			return conf_why(b, "holds a character that no name may have");
	return true;
}

static bool
set_user(struct conf_build *b, const struct rule *r, const char *text)
{
	if (text[0] == '\0')
		return conf_why(b, "is empty");
	if (strcmp(text, "root") == 0 || strcmp(text, "0") == 0)
		return conf_why(b, "is root, who must not run this");
	if (!name_check(b, text, r->min))
		return false;
	member_text(b, r, text);
	return true;
}

static bool
set_group(struct conf_build *b, const struct rule *r, const char *text)
{
	if (text[0] != '\0' && !name_check(b, text, 0))
		return false;
	member_text(b, r, text);
	return true;
}

/* Reads "FIRST-LAST". */
static bool
tables_read(struct conf_build *b, const char *text, struct conf_tables *out)
{
	if (!number_read(b, &text, true, &out->first))
		return false;
	if (*text++ != '-')
		return conf_why(b, "is not of the form FIRST-LAST");
	return number_read(b, &text, false, &out->last);
}

/* The kernel's own tables: 0 unspecified, 253 default, 254 main, 255 local. */
static bool
tables_check(struct conf_build *b, uint32_t low, uint32_t high)
{
	if (low == 0)
		return conf_why(b, "contains 0, which is no table");
	if (low <= 255 && high >= 253)
		return conf_why(b, "contains 253, 254 or 255, the tables default, main and local");
	return true;
}

static bool
set_tables_down(struct conf_build *b, const struct rule *r, const char *text)
{
	struct conf_tables t;

	if (!tables_read(b, text, &t))
		return false;
	if (t.first <= t.last)
		return conf_why(b, "does not count down");
	if (!tables_check(b, t.last, t.first))
		return false;
	memcpy(member(b, r), &t, sizeof(t));
	return true;
}

static bool
set_tables_up(struct conf_build *b, const struct rule *r, const char *text)
{
	struct conf_tables t;

	if (!tables_read(b, text, &t))
		return false;
	if (t.first >= t.last)
		return conf_why(b, "does not count up");
	if (!tables_check(b, t.first, t.last))
		return false;
	if (t.last - t.first + 1 < r->min)
		return conf_why(b, "has %u numbers", (unsigned)(t.last - t.first + 1));
	memcpy(member(b, r), &t, sizeof(t));
	return true;
}

const struct conf_key conf_keys[] = {
#define KEY(id, name, kind, fallback, setter, member, min, max, allowed, remedy) \
	[CONF_ID_##id] = { name, kind, fallback, allowed },
#include "common/conf.tab"
};
const size_t conf_n_keys = CONF_IDS;

#define NO_MEMBER 0, 0
#define MEMBER(m) offsetof(struct conf, m), sizeof(((struct conf *)0)->m)

static const struct rule rules[] = {
#define KEY(id, name, kind, fallback, setter, member, min, max, allowed, remedy) \
	[CONF_ID_##id] = { setter, member, min, max, remedy },
#include "common/conf.tab"
};

_Static_assert(sizeof(conf_keys) / sizeof(conf_keys[0]) == CONF_IDS, "a row for every key");
_Static_assert(sizeof(rules) / sizeof(rules[0]) == CONF_IDS, "a rule for every key");

const char *
conf_remedy(enum conf_id id)
{
	return rules[id].remedy;
}

bool
conf_value_set(struct conf_build *b, enum conf_id id, const char *text)
{
	return rules[id].set(b, &rules[id], text);
}

bool
conf_number(const char *text, uint32_t *out)
{
	return is_digit(*text) && digits_read(&text, 10, out) && *text == '\0';
}
