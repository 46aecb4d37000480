/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/verbs.h"

/* Room for a decimal int64_t, NUL included. */
enum { INTEGER_TEXT = 24 };

/* A request taken apart. */
struct request {
	json_t *json;		/* owned; what follows is borrowed from it */
	const struct ctl_verb *verb;
	const json_t *args;	/* list or object, NULL: none given */
	struct ctl_word words[CTL_ARGS + 1];	/* one more: too many is seen by ctl_check() */
	char numbers[CTL_ARGS + 1][INTEGER_TEXT];
	const json_t *objects[CTL_ARGS + 1];
	size_t n;
	struct ctl_values values;
};

void
answer_refuse(struct answer *a, const char *code, const char *field, const char *fmt, ...)
{
	char text[sizeof(a->message)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_decref(a->result);
	a->result = NULL;
	a->code = code;
	a->waits = false;
	a->checks = false;
	a->operates = false;
	log_escape(field, strlen(field), a->field, sizeof(a->field));
	log_escape(text, strlen(text), a->message, sizeof(a->message));
}

/* spec/manual-mode 3: used-up numbers have a code of their own. */
void
answer_kernel(struct answer *a, const struct kernel_result *result)
{
	enum priv_reason reason = (enum priv_reason)result->refusal.reason;
	char text[KERNEL_REFUSAL_TEXT];
	bool used_up;

	a->waits = false;
	if (result->ok)
		return;
	kernel_refusal_text(&result->refusal, text);
	used_up = reason == PRIV_R_EXHAUSTED || reason == PRIV_R_LIMIT;
	answer_refuse(a, used_up ? "exhausted" : "kernel", result->refusal.field, "%s", text);
}

static json_t *
answer_json(const struct answer *a)
{
	if (a->code != NULL)
		return json_pack("{s:b, s:{s:s, s:s, s:s}}", "ok", 0, "error", "code", a->code,
		    "message", a->message, "field", a->field);
	return json_pack("{s:b, s:O?}", "ok", 1, "result", a->result);
}

char *
answer_print(const struct answer *a, size_t *len)
{
	json_t *json = answer_json(a);
	size_t size = json != NULL ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
	char *line = size > 0 ? malloc(size + 1) : NULL;

	*len = 0;
	if (line != NULL) {
		json_dumpb(json, line, size, JSON_COMPACT);
		line[size] = '\n';
		*len = size + 1;
	}
	json_decref(json);
	return line;
}

void
answer_free(struct answer *a)
{
	json_decref(a->result);
	a->result = NULL;
}

/*
 * Looks over the bytes before the parser does: it would recurse as deep as the
 * brackets are nested.
 */
static bool
line_check(const char *line, size_t len, struct answer *a)
{
	bool string = false;
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = line[i];

		if (c == '\0') {
			answer_refuse(a, "usage", "", "a NUL byte in the request");
			return false;
		}
		if (string && c == '\\' && i + 1 < len && line[i + 1] != '\0')
			i++;
		else if (c == '"')
			string = !string;
		else if (!string && (c == '[' || c == '{') && ++depth > REQUEST_DEPTH) {
			answer_refuse(a, "usage", "", "nested more than %d deep", REQUEST_DEPTH);
			return false;
		} else if (!string && (c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return true;
}

static bool
request_parse(struct request *r, const char *line, size_t len, struct answer *a)
{
	json_error_t error;

	if (!line_check(line, len, a))
		return false;
	r->json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (r->json == NULL) {
		answer_refuse(a, "usage", "", "not a JSON object: %s at byte %d", error.text,
		    error.position);
		return false;
	}
	if (!json_is_object(r->json)) {
		answer_refuse(a, "usage", "", "a list where an object is expected");
		return false;
	}
	return true;
}

/* Names the verbs there are, for who asked for another. */
static void
refuse_verb(struct answer *a, const char *name)
{
	char list[256] = "";
	size_t at = 0;

	for (size_t i = 0; i < CTL_N_VERBS; i++) {
		int n = snprintf(list + at, sizeof(list) - at, " %s", ctl_verbs[i].name);

		if (n < 0 || (size_t)n >= sizeof(list) - at)
			break;
		at += (size_t)n;
	}
	answer_refuse(a, "usage", "verb", "unknown verb \"%.40s\"; there are:%s", name, list);
}

/* The members of the request: verb, args and no other. */
static bool
request_members(struct request *r, struct answer *a)
{
	const json_t *verb = json_object_get(r->json, "verb");
	const char *key;
	json_t *value;

	json_object_foreach(r->json, key, value)
		if (strcmp(key, "verb") != 0 && strcmp(key, "args") != 0) {
			answer_refuse(a, "usage", key, "unknown key; expected: verb, args");
			return false;
		}
	if (!json_is_string(verb)) {
		answer_refuse(a, "usage", "verb", "missing or not a string");
		return false;
	}
	r->args = json_object_get(r->json, "args");
	if (r->args != NULL && !json_is_array(r->args) && !json_is_object(r->args)) {
		answer_refuse(a, "usage", "args", "neither a list nor an object");
		return false;
	}
	r->verb = ctl_verb_find(json_string_value(verb));
	if (r->verb == NULL)
		refuse_verb(a, json_string_value(verb));
	return r->verb != NULL;
}

static bool
request_allowed(struct daemon *d, const struct ctl_verb *v, enum ctl_access rights,
    struct answer *a)
{
	if (v->access > rights) {
		answer_refuse(a, "denied", "verb", "%s is for root and members of %s", v->name,
		    v->access == CTL_WRITING ? "operator-group" :
		    "control-group or operator-group");
		return false;
	}
	if (v->mode == CTL_MANUAL_MODE && d->conf.mode != CONF_MANUAL) {
		answer_refuse(a, "mode", "verb", "%s exists in manual mode only", v->name);
		return false;
	}
	return true;
}

/* Adds an argument as a word.  Integers count as their digits. */
static bool
request_word(struct request *r, const char *key, const json_t *value, struct answer *a)
{
	struct ctl_word *w = &r->words[r->n];

	if (r->n == CTL_ARGS + 1)
		return true;	/* the one before is one too many already */
	w->key = key;
	w->key_len = key != NULL ? strlen(key) : 0;
	r->objects[r->n] = value;
	switch (json_typeof(value)) {
	case JSON_STRING:
		w->text = json_string_value(value);
		w->len = json_string_length(value);
		break;
	case JSON_INTEGER:
		w->text = r->numbers[r->n];
		w->len = (size_t)snprintf(r->numbers[r->n], INTEGER_TEXT, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
		break;
	case JSON_OBJECT:
		w->object = true;
		break;
	case JSON_ARRAY:
	case JSON_REAL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		answer_refuse(a, "usage", key != NULL ? key : "args",
		    "arguments are strings, integers or an object");
		return false;
	}
	r->n++;
	return true;
}

static bool
request_words(struct request *r, struct answer *a)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_array(r->args)) {
		json_array_foreach(r->args, i, value)
			if (!request_word(r, NULL, value, a))
				return false;
	} else if (r->args != NULL) {
		json_object_foreach((json_t *)r->args, key, value)
			if (!request_word(r, key, value, a))
				return false;
	}
	return true;
}

static bool
request_args(struct request *r, struct answer *a)
{
	struct ctl_error err;

	if (!request_words(r, a))
		return false;
	if (!ctl_check(r->verb, r->words, r->n, &r->values, &err)) {
		answer_refuse(a, "usage", err.field, "%s: %s", r->verb->name, err.message);
		return false;
	}
	return true;
}

/* The object among the checked arguments: a verb has one at most. */
static const json_t *
request_object(const struct request *r)
{
	for (size_t k = 0; r->verb->args[k].key != NULL; k++)
		if (r->verb->args[k].kind == CTL_OBJECT && r->values.v[k].given)
			return r->objects[r->values.v[k].word];
	return NULL;
}

static void
request_call(struct daemon *d, const struct request *r, struct answer *a)
{
	struct call c = { .d = d, .args = r->values.v, .object = request_object(r) };

	verbs[r->verb - ctl_verbs](&c, a);
	if (a->code == NULL && a->result == NULL && r->verb->shape != CTL_NO_SHAPE &&
	    r->verb->shape != CTL_STREAM_SHAPE)
		answer_refuse(a, "exhausted", "", "memory is exhausted");
}

void
request_run(struct daemon *d, enum ctl_access rights, const char *line, size_t len,
    struct answer *a)
{
	struct request r;

	memset(a, 0, sizeof(*a));
	memset(&r, 0, sizeof(r));
	if (request_parse(&r, line, len, a) && request_members(&r, a)
	    && request_allowed(d, r.verb, rights, a) && request_args(&r, a))
		request_call(d, &r, a);
	json_decref(r.json);
}
