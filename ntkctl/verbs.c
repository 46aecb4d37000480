/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkctl/verbs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* A file may hold blanks that the request will not. */
enum { FILE_MAX = 4 * CTL_REQUEST_MAX };

__attribute__((format(printf, 2, 3)))
static void
fail(struct ctl_error *err, const char *fmt, ...)
{
	char text[CTL_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_escape(text, strlen(text), err->message, sizeof(err->message));
}

/* All of F; NULL when it is longer than FILE_MAX, cannot be read, or memory ends. */
static char *
read_all(FILE *f, size_t *len)
{
	char *buf = malloc(FILE_MAX + 1);

	*len = buf != NULL ? fread(buf, 1, FILE_MAX + 1, f) : 0;
	if (buf != NULL && !ferror(f) && *len <= FILE_MAX)
		return buf;
	free(buf);
	return NULL;
}

static json_t *
parse_object(const char *name, const char *text, size_t len, struct ctl_error *err)
{
	json_error_t error;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (json == NULL) {
		fail(err, "%s:%d:%d: %s", name, error.line, error.column, error.text);
	} else if (!json_is_object(json)) {
		fail(err, "%s:1:1: a list where an object is expected", name);
		json_decref(json);
		return NULL;
	}
	return json;
}

json_t *
verbs_read_object(const char *file, struct ctl_error *err)
{
	bool standard = strcmp(file, "-") == 0;
	const char *name = standard ? "standard input" : file;
	FILE *f = standard ? stdin : fopen(file, "rbe");
	json_t *json = NULL;
	size_t len;
	char *text;

	snprintf(err->field, sizeof(err->field), "state");
	if (f == NULL) {
		fail(err, "%s: %s", name, strerror(errno));
		return NULL;
	}
	text = read_all(f, &len);
	if (text == NULL)
		fail(err, "%s: cannot be read, or is longer than %d bytes", name, FILE_MAX);
	else
		json = parse_object(name, text, len, err);
	free(text);
	if (!standard)
		fclose(f);
	return json;
}

/* The arguments as the request has them: an object of keys, or a list. */
static json_t *
request_args(const struct ctl_word *words, json_t *const *objects, size_t n)
{
	bool keys = n > 0 && words[0].key != NULL;
	json_t *args = keys ? json_object() : json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *value = objects[i] != NULL ? json_incref(objects[i]) :
		    json_stringn(words[i].text, words[i].len);
		char key[CTL_TEXT];

		snprintf(key, sizeof(key), "%.*s", (int)words[i].key_len, words[i].key);
		if (keys ? json_object_set_new(args, key, value) :
		    json_array_append_new(args, value)) {
			json_decref(args);
			return NULL;
		}
	}
	return args;
}

static bool
request_fits(const json_t *request, struct ctl_error *err)
{
	if (json_dumpb(request, NULL, 0, JSON_COMPACT) <= CTL_REQUEST_MAX)
		return true;
	fail(err, "the request would be longer than %d bytes", CTL_REQUEST_MAX);
	return false;
}

json_t *
verbs_request(const struct ctl_verb *v, char *const *texts, size_t n, struct ctl_error *err)
{
	struct ctl_word words[CTL_ARGS + 1] = { 0 };
	json_t *objects[CTL_ARGS + 1] = { NULL };
	struct ctl_values values;
	json_t *request = NULL;
	bool ok;

	if (n > CTL_ARGS)
		n = CTL_ARGS + 1;	/* one too many is enough to be refused */
	for (size_t i = 0; i < n; i++) {
		const struct ctl_arg *arg;

		ctl_word_split(texts[i], &words[i]);
		arg = ctl_word_arg(v, words, i);
		words[i].object = arg != NULL && arg->kind == CTL_OBJECT;
	}
	ok = ctl_check(v, words, n, &values, err);
	for (size_t i = 0; ok && i < n; i++)
		if (words[i].object) {
			objects[i] = verbs_read_object(words[i].text, err);
			ok = objects[i] != NULL;
		}
	if (ok) {
		request = json_pack("{s:s, s:o}", "verb", v->name, "args",
		    request_args(words, objects, n));
		if (request == NULL) {
			fail(err, "the arguments are not UTF-8, or memory is exhausted");
		} else if (!request_fits(request, err)) {
			json_decref(request);
			request = NULL;
		}
	}
	for (size_t i = 0; i < n; i++)
		json_decref(objects[i]);
	return request;
}
