/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/ctlmsg.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Arguments and columns: arrays of each verb, ended by an empty row. */
#define VERB(verb, access, mode, shape, doc) static const struct ctl_arg verb##_args[] = {
#define ARG(verb, key, kind, min, max, need, choices, doc) \
	{ key, doc, kind, need, min, max, choices },
#define VERB_END(verb) { NULL, NULL, CTL_NUMBER, CTL_NEEDED, 0, 0, NULL } }; \
	static_assert(sizeof(verb##_args) / sizeof(verb##_args[0]) <= CTL_ARGS + 1, "too many");
#include "proto/ctlmsg.tab"

#define VERB(verb, access, mode, shape, doc) static const struct ctl_column verb##_columns[] = {
#define COLUMN(verb, list, key, doc) { list, key, doc },
#define VERB_END(verb) { NULL, NULL, NULL } };
#include "proto/ctlmsg.tab"

const struct ctl_verb ctl_verbs[CTL_N_VERBS] = {
#define VERB(verb, access, mode, shape, doc) \
	{ #verb, doc, access, mode, shape, verb##_args, verb##_columns },
#include "proto/ctlmsg.tab"
};

const struct ctl_event ctl_events[CTL_N_EVENTS] = {
#define EVENT(event, doc) { #event, doc },
#include "proto/ctlmsg.tab"
};

const struct ctl_verb *
ctl_verb_find(const char *name)
{
	for (size_t i = 0; i < CTL_N_VERBS; i++)
		if (strcmp(ctl_verbs[i].name, name) == 0)
			return &ctl_verbs[i];
	return NULL;
}

size_t
ctl_verb_n_args(const struct ctl_verb *v)
{
	size_t n = 0;

	while (v->args[n].key != NULL)
		n++;
	return n;
}

static size_t
usage_put(const char *text, bool upper, char *buf, size_t size, size_t at)
{
	for (const char *c = text; *c != '\0' && at + 1 < size; c++)
		buf[at++] = upper && *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	return at;
}

/* A key as help and usage lines show it: "peer-mac" is PEER-MAC. */
static size_t
usage_put_arg(const struct ctl_arg *a, char *buf, size_t size, size_t at)
{
	bool optional = a->need != CTL_NEEDED;

	at = usage_put(optional ? " [" : " ", false, buf, size, at);
	if (a->need == CTL_PHRASE) {
		at = usage_put(a->key, false, buf, size, at);
		at = usage_put(a->kind == CTL_MAC ? " mac" : a->kind == CTL_IP_OR_MAC ? " address" :
		    " value", true, buf, size, at);
	} else {
		at = usage_put(a->key, true, buf, size, at);
	}
	return usage_put(optional ? "]" : "", false, buf, size, at);
}

char *
ctl_verb_usage(const struct ctl_verb *v, char *buf, size_t size)
{
	size_t at = 0;

	for (const char *c = v->name; *c != '\0' && at + 1 < size; c++)
		buf[at++] = *c;
	for (const struct ctl_arg *a = v->args; a->key != NULL; a++)
		at = usage_put_arg(a, buf, size, at);
	buf[at] = '\0';
	return buf;
}

void
ctl_word_split(const char *text, struct ctl_word *w)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz-");

	memset(w, 0, sizeof(*w));
	w->text = text;
	if (n > 0 && text[n] == '=') {
		w->key = text;
		w->key_len = n;
		w->text = text + n + 1;
	}
	w->len = strlen(w->text);
}

/* What word_index() says of a word that is no argument. */
enum { WORD_UNKNOWN = -1, WORD_PHRASE = -2 };

/* True when W, in the place of argument K, is only the word that announces it. */
static bool
word_announces(const struct ctl_verb *v, size_t k, const struct ctl_word *w)
{
	const struct ctl_arg *a = &v->args[k];

	return a->need == CTL_PHRASE && !w->object && strlen(a->key) == w->len &&
	    memcmp(a->key, w->text, w->len) == 0;
}

/* The same as word_index() for a word without a key. */
static int
word_position(const struct ctl_verb *v, const struct ctl_word *words, size_t i)
{
	size_t n = ctl_verb_n_args(v), k = 0;
	bool announced = false;

	for (size_t j = 0; k < n; j++) {
		bool announces = !announced && word_announces(v, k, &words[j]);

		if (j == i)
			return announces ? WORD_PHRASE : (int)k;
		announced = announces;
		k += !announces;
	}
	return WORD_UNKNOWN;
}

/* Index of the argument of V that word I stands for, or one of the above. */
static int
word_index(const struct ctl_verb *v, const struct ctl_word *words, size_t i)
{
	const struct ctl_word *w = &words[i];
	int n = (int)ctl_verb_n_args(v);

	if (w->key == NULL)
		return word_position(v, words, i);
	for (int k = 0; k < n; k++)
		if (strlen(v->args[k].key) == w->key_len
		    && memcmp(v->args[k].key, w->key, w->key_len) == 0)
			return k;
	return WORD_UNKNOWN;
}

const struct ctl_arg *
ctl_word_arg(const struct ctl_verb *v, const struct ctl_word *words, size_t i)
{
	int k = word_index(v, words, i);

	return k < 0 ? NULL : &v->args[k];
}

/* Text from outside for a message: its beginning, as printable ASCII. */
static char *
quote(const char *text, size_t len, char *buf, size_t size)
{
	size_t n = len < size - 4 ? len : size - 4;

	for (size_t i = 0; i < n; i++)
		buf[i] = text[i] >= 0x20 && text[i] <= 0x7e ? text[i] : '?';
	memcpy(buf + n, "...", 4);
	if (n == len)
		buf[n] = '\0';
	return buf;
}

__attribute__((format(printf, 3, 4)))
static bool
refuse(struct ctl_error *err, const char *field, const char *fmt, ...)
{
	va_list ap;

	snprintf(err->field, sizeof(err->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	return false;
}

/* Refuses a value: says what it was and what is expected. */
__attribute__((format(printf, 4, 5)))
static bool
refuse_value(struct ctl_error *err, const struct ctl_arg *a, const struct ctl_word *w,
    const char *fmt, ...)
{
	char expected[128], value[48];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(expected, sizeof(expected), fmt, ap);
	va_end(ap);
	if (w->object)
		return refuse(err, a->key, "an object where %s is expected", expected);
	return refuse(err, a->key, "\"%s\" where %s is expected",
	    quote(w->text, w->len, value, sizeof(value)), expected);
}

/*
 * Reads decimal digits up to END into *OUT, and advances *AT.  False when there is
 * none, or when the number is above MAX.
 */
static bool
digits(const char **at, const char *end, uint64_t max, uint64_t *out)
{
	const char *begin = *at;
	uint64_t v = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
		uint64_t digit = (uint64_t)(**at - '0');

		if (v > (max - digit) / 10 || digit > max)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return *at > begin;
}

static bool
check_number(const struct ctl_arg *a, const struct ctl_word *w, struct ctl_value *out)
{
	const char *at = w->text;

	return digits(&at, w->text + w->len, a->max, &out->number)
	    && at == w->text + w->len && out->number >= a->min;
}

static bool
check_choice(const struct ctl_arg *a, const struct ctl_word *w, struct ctl_value *out)
{
	const char *at = a->choices;

	for (out->number = 0;; out->number++) {
		size_t n = strcspn(at, "|");

		if (n == w->len && memcmp(at, w->text, n) == 0)
			return true;
		if (at[n] == '\0')
			return false;
		at += n + 1;
	}
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
check_mac(const struct ctl_word *w, struct ctl_value *out)
{
	if (w->len != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		const char *at = w->text + 3 * i;
		int high = hex(at[0]), low = hex(at[1]);

		if (high < 0 || low < 0 || (i < 5 && at[2] != ':'))
			return false;
		out->mac[i] = (uint8_t)(high << 4 | low);
	}
	out->is_mac = true;
	return true;
}

static bool
check_ip(const struct ctl_word *w, struct ctl_value *out)
{
	const char *at = w->text, *end = w->text + w->len;

	out->number = 0;
	for (int i = 0; i < 4; i++) {
		const char *begin = at;
		uint64_t octet;

		if (!digits(&at, end, 255, &octet) || (*begin == '0' && at > begin + 1))
			return false;
		out->number = out->number << 8 | octet;
		if (i < 3 && (at == end || *at++ != '.'))
			return false;
	}
	return at == end;
}

/* Numbers from AT to END, joined by BY; true when they are nothing else, and one at least. */
static bool
check_numbers(const struct ctl_arg *a, const char *at, const char *end, char by)
{
	uint64_t number;

	for (;;) {
		if (!digits(&at, end, a->max, &number) || number < a->min)
			return false;
		if (at == end)
			return true;
		if (*at++ != by)
			return false;
	}
}

static bool
check_list(const struct ctl_arg *a, const struct ctl_word *w)
{
	const char *at = w->text, *end = w->text + w->len;

	if (w->len < 2 || at[0] != '[' || end[-1] != ']')
		return false;
	return w->len == 2 || check_numbers(a, at + 1, end - 1, ',');
}

static bool
check_levels(const struct ctl_arg *a, const struct ctl_word *w)
{
	return (w->len == 1 && w->text[0] == '-') ||
	    check_numbers(a, w->text, w->text + w->len, '.');
}

static bool
check_nullable(const struct ctl_arg *a, const struct ctl_word *w, struct ctl_value *out)
{
	out->null = w->len == 4 && memcmp(w->text, "null", 4) == 0;
	return out->null || check_number(a, w, out);
}

static bool
check_dev(const struct ctl_word *w)
{
	if (w->len < 1 || w->len > CTL_DEV_MAX)
		return false;
	for (size_t i = 0; i < w->len; i++)
		if (w->text[i] <= ' ' || w->text[i] > '~' || w->text[i] == '/')
			return false;
	return true;
}

size_t
ctl_numbers(const struct ctl_value *v, uint32_t *out, size_t size)
{
	const char *at = v->text, *end = v->text + v->len;
	size_t n = 0;
	uint64_t number;

	while (at < end) {
		if (*at < '0' || *at > '9') {
			at++;
			continue;
		}
		if (!digits(&at, end, UINT32_MAX, &number))
			break;
		if (n < size)
			out[n] = (uint32_t)number;
		n++;
	}
	return n;
}

static bool
check_value(const struct ctl_arg *a, const struct ctl_word *w, struct ctl_value *out,
    struct ctl_error *err)
{
	if (a->kind == CTL_OBJECT)
		return w->object || refuse_value(err, a, w, "an object");
	switch (a->kind) {
	case CTL_NUMBER:
		if (!w->object && check_number(a, w, out))
			return true;
		return refuse_value(err, a, w, "a number from %llu to %llu",
		    (unsigned long long)a->min, (unsigned long long)a->max);
	case CTL_CHOICE:
		if (!w->object && check_choice(a, w, out))
			return true;
		return refuse_value(err, a, w, "one of %s", a->choices);
	case CTL_MAC:
		if (!w->object && check_mac(w, out))
			return true;
		return refuse_value(err, a, w, "a hardware address like 00:16:3e:5b:78:d5");
	case CTL_IP:
		if (!w->object && check_ip(w, out))
			return true;
		return refuse_value(err, a, w, "an IPv4 address like 10.0.0.40");
	case CTL_IP_OR_MAC:
		if (!w->object && (check_mac(w, out) || check_ip(w, out)))
			return true;
		return refuse_value(err, a, w, "an IPv4 address like 10.0.0.40, or a hardware address "
		    "like 00:16:3e:5b:78:d5");
	case CTL_LIST:
		if (!w->object && check_list(a, w))
			return true;
		return refuse_value(err, a, w, "a list like [0,3] of numbers from %llu to %llu",
		    (unsigned long long)a->min, (unsigned long long)a->max);
	case CTL_LEVELS:
		if (!w->object && check_levels(a, w))
			return true;
		return refuse_value(err, a, w, "numbers like 2.1.1 from the highest level down, "
		    "or - for none");
	case CTL_NULLABLE:
		if (!w->object && check_nullable(a, w, out))
			return true;
		return refuse_value(err, a, w, "a number from %llu to %llu, or null",
		    (unsigned long long)a->min, (unsigned long long)a->max);
	case CTL_DEV:
		if (!w->object && check_dev(w))
			return true;
		return refuse_value(err, a, w, "the name of an interface");
	case CTL_OBJECT:
		break;
	}
	return false;
}

/* Word I does not stand for any argument: says which there are. */
static bool
refuse_word(struct ctl_error *err, const struct ctl_verb *v, const struct ctl_word *w)
{
	char key[48], usage[CTL_TEXT / 2];

	ctl_verb_usage(v, usage, sizeof(usage));
	if (w->key == NULL)
		return refuse(err, "args", "too many arguments; expected: %s", usage);
	return refuse(err, quote(w->key, w->key_len, key, sizeof(key)),
	    "unknown key; expected: %s", usage);
}

/* Word W announces an argument that does not follow. */
static bool
refuse_announced(struct ctl_error *err, const struct ctl_verb *v, const struct ctl_word *w)
{
	char key[48], usage[CTL_TEXT / 2];

	return refuse(err, quote(w->text, w->len, key, sizeof(key)),
	    "nothing stands after it; expected: %s", ctl_verb_usage(v, usage, sizeof(usage)));
}

bool
ctl_check(const struct ctl_verb *v, const struct ctl_word *words, size_t n,
    struct ctl_values *out, struct ctl_error *err)
{
	char usage[CTL_TEXT / 2];

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		int k = word_index(v, words, i);
		const struct ctl_arg *a;

		if (k == WORD_PHRASE && i + 1 < n)
			continue;
		if (k == WORD_PHRASE)
			return refuse_announced(err, v, &words[i]);
		if (k < 0)
			return refuse_word(err, v, &words[i]);
		a = &v->args[k];
		if ((words[i].key == NULL) != (words[0].key == NULL))
			return refuse(err, a->key, "positions and key=value are not mixed");
		if (out->v[k].given)
			return refuse(err, a->key, "given twice");
		if (!check_value(a, &words[i], &out->v[k], err))
			return false;
		out->v[k].given = true;
		out->v[k].word = i;
		out->v[k].text = words[i].text;
		out->v[k].len = words[i].len;
	}
	for (size_t k = 0; v->args[k].key != NULL; k++)
		if (v->args[k].need == CTL_NEEDED && !out->v[k].given)
			return refuse(err, v->args[k].key, "missing; expected: %s",
			    ctl_verb_usage(v, usage, sizeof(usage)));
	return true;
}
