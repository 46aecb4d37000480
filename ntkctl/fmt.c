/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkctl/fmt.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* One byte of text becomes four at most: \xNN. */
static char *
escaped(const char *text, size_t len)
{
	char *out = malloc(4 * len + 1);

	return out != NULL ? log_escape(text, len, out, 4 * len + 1) : NULL;
}

void
fmt_text(FILE *out, const char *text)
{
	char *safe = escaped(text, strlen(text));

	fputs(safe != NULL ? safe : "?", out);
	free(safe);
}

/* "cost 10000, hops (0,1)": an object in a list.  What is nested deeper is left out. */
static char *
cell_object(const json_t *object)
{
	char *text = NULL, *cell;
	const char *key, *comma = "";
	size_t size = 0;
	json_t *value;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	json_object_foreach((json_t *)object, key, value) {
		bool deep = json_is_array(value) && json_is_object(json_array_get(value, 0));

		cell = deep ? NULL : fmt_cell(value);
		fputs(comma, f);
		fmt_text(f, key);
		fprintf(f, " %s", cell != NULL ? cell : "...");
		free(cell);
		comma = ", ";
	}
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

/* Lists of numbers are coordinates; longer ones hold those, or objects. */
static char *
cell_list(const json_t *list)
{
	char *text = NULL, *item;
	size_t i, size = 0;
	bool plain = json_is_integer(json_array_get(list, 0)), objects = json_is_object(json_array_get(list, 0));
	const json_t *value;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	if (plain)
		fputc('(', f);
	json_array_foreach(list, i, value) {
		/* Only coordinates in a list: what is nested deeper is shown as JSON. */
		item = objects && json_is_object(value) ? cell_object(value) :
		    !plain && json_is_integer(json_array_get(value, 0)) ? cell_list(value) : NULL;
		if (i > 0)
			fputs(plain ? "," : objects ? "; " : " ", f);
		if (item != NULL) {
			fputs(item, f);
			free(item);
		} else {
			item = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
			if (item != NULL)
				fmt_text(f, item);
			free(item);
		}
	}
	if (plain)
		fputc(')', f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

char *
fmt_cell(const json_t *value)
{
	char *text, *safe;

	if (value == NULL)
		return strdup("-");
	switch (json_typeof(value)) {
	case JSON_NULL:
		return strdup("-");
	case JSON_TRUE:
		return strdup("yes");
	case JSON_FALSE:
		return strdup("no");
	case JSON_STRING:
		if (json_string_length(value) == 0)
			return strdup("-");
		return escaped(json_string_value(value), json_string_length(value));
	case JSON_ARRAY:
		return json_array_size(value) == 0 ? strdup("-") : cell_list(value);
	case JSON_INTEGER:
	case JSON_REAL:
	case JSON_OBJECT:
		break;
	}
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	safe = text != NULL ? escaped(text, strlen(text)) : NULL;
	free(text);
	return safe;
}

/* The library leaves DEL as it is; it can only stand in a string. */
static bool
put_json(FILE *out, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

	if (text == NULL)
		return false;
	for (const char *c = text; *c != '\0'; c++)
		if (*c == 0x7f)
			fputs("\\u007f", out);
		else
			fputc(*c, out);
	free(text);
	return true;
}

bool
fmt_json(FILE *out, const json_t *value)
{
	return put_json(out, value, JSON_COMPACT) && fputc('\n', out) != EOF;
}

static bool
put_list(FILE *out, const json_t *list)
{
	const json_t *value;
	bool ok = true;
	size_t i;

	fputc('[', out);
	json_array_foreach(list, i, value) {
		fputs(i == 0 ? "\n    " : ",\n    ", out);
		ok = put_json(out, value, 0) && ok;
	}
	fputs(i > 0 ? "\n  ]" : "]", out);
	return ok;
}

bool
fmt_state(FILE *out, const json_t *object)
{
	const char *key;
	json_t *value;
	bool ok = true, first = true;

	fputc('{', out);
	json_object_foreach((json_t *)object, key, value) {
		json_t *name = json_string(key);

		fputs(first ? "\n  " : ",\n  ", out);
		first = false;
		ok = name != NULL && put_json(out, name, 0) && ok;
		json_decref(name);
		fputs(": ", out);
		if (json_is_array(value))
			ok = put_list(out, value) && ok;
		else
			ok = put_json(out, value, 0) && ok;
	}
	fputs("\n}\n", out);
	return ok;
}
