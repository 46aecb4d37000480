/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <string.h>

#include "common/conf_int.h"
#include "common/log.h"

/*
 * One line for every error: where, key, value, what is wrong, what is allowed,
 * what to do.  Whatever came from outside is escaped and cut.
 */

/* Text that grows towards a bound. */
struct text {
	char *buf;
	size_t size;
	size_t len;
};

static void __attribute__((format(printf, 2, 0)))
text_vadd(struct text *t, const char *fmt, va_list ap)
{
	int n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);

	if (n < 0)
		return;
	t->len += (size_t)n;
	if (t->len >= t->size)
		t->len = t->size - 1;
}

static void __attribute__((format(printf, 2, 3)))
text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vadd(t, fmt, ap);
	va_end(ap);
}

/* Adds VALUE, escaped, and cut where it is long. */
static void
text_add_escaped(struct text *t, const char *value)
{
	enum { SHOWN = 56 };
	char shown[4 * SHOWN + 1];
	size_t len = strlen(value);

	log_escape(value, len > SHOWN ? SHOWN : len, shown, sizeof(shown));
	text_add(t, "%s%s", shown, len > SHOWN ? "..." : "");
}

/* "ntkd.conf:12: ", "option -o: ", "ntkd.conf: " */
static void
text_add_place(struct text *t, const struct conf_build *b, struct conf_place place)
{
	enum { SHOWN = 120 };
	char shown[SHOWN + 1];
	size_t len = strlen(b->name);

	if (place.source == CONF_FROM_OVERRIDE) {
		text_add(t, "option -o: ");
		return;
	}
	log_escape(len > SHOWN ? b->name + len - SHOWN : b->name, len > SHOWN ? SHOWN : len, shown,
	    sizeof(shown));
	if (place.line != 0)
		text_add(t, "%s:%u: ", shown, place.line);
	else
		text_add(t, "%s: ", shown);
}

/* Starts the error text, unless there is one already. */
static bool
fail_begin(struct conf_build *b, struct text *t, struct conf_place place)
{
	*t = (struct text){ b->err, CONF_ERROR, 0 };
	if (b->failed)
		return false;
	b->failed = true;
	text_add_place(t, b, place);
	return true;
}

bool
conf_fail_value(struct conf_build *b, enum conf_id id, const char *value, struct conf_place place)
{
	struct text t;

	if (!fail_begin(b, &t, place))
		return false;
	text_add(&t, "%s", conf_keys[id].name);
	if (value != NULL) {
		text_add(&t, " = \"");
		text_add_escaped(&t, value);
		text_add(&t, "\"%s", place.source == CONF_FROM_DEFAULT ? " (the default)" : "");
	}
	text_add(&t, ": %s; allowed: %s; %s", b->why, conf_keys[id].allowed, conf_remedy(id));
	return false;
}

bool
conf_fail_given(struct conf_build *b, enum conf_id id)
{
	return conf_fail_value(b, id, b->given[id].text, b->given[id].place);
}

bool
conf_fail_syntax(struct conf_build *b, unsigned line, const char *fmt, ...)
{
	struct conf_place place = { CONF_FROM_FILE, line };
	struct text t;
	va_list ap;

	if (!fail_begin(b, &t, place))
		return false;
	va_start(ap, fmt);
	text_vadd(&t, fmt, ap);
	va_end(ap);
	return false;
}

bool
conf_fail_override(struct conf_build *b, const char *text)
{
	struct text t;

	if (!fail_begin(b, &t, (struct conf_place){ CONF_FROM_OVERRIDE, 0 }))
		return false;
	text_add(&t, "\"");
	text_add_escaped(&t, text);
	text_add(&t, "\": no key and value; allowed: KEY=VALUE; ntkd.conf(5) lists the keys");
	return false;
}

bool
conf_fail_unknown(struct conf_build *b, const char *key, struct conf_place place)
{
	struct text t;

	if (!fail_begin(b, &t, place))
		return false;
	text_add(&t, "unknown key \"");
	text_add_escaped(&t, key);
	text_add(&t, "\"; allowed:");
	for (size_t i = 0; i < CONF_IDS; i++)
		text_add(&t, " %s", conf_keys[i].name);
	return false;
}

bool
conf_why(struct conf_build *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	return false;
}

bool
conf_why_twice(struct conf_build *b, unsigned line)
{
	if (line != 0)
		return conf_why(b, "given twice, first on line %u", line);
	return conf_why(b, "given twice");
}

bool
conf_fail_twice(struct conf_build *b, const char *name, struct conf_place place)
{
	conf_why_twice(b, 0);
	for (size_t i = 0; i < b->c->n_interfaces; i++)
		if (strcmp(b->c->interfaces[i].name, name) == 0)
			conf_why_twice(b, b->interface_line[i]);
	return conf_fail_value(b, CONF_ID_INTERFACE, name, place);
}
