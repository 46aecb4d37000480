/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkctl/table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ntkctl/fmt.h"
#include "ntkctl/map.h"

enum {
	COLUMNS = 16,		/* most of one list */
	GAP = 2,
};

/* One list of a result, being laid out. */
struct table {
	const char *keys[COLUMNS];
	int width[COLUMNS];
	size_t n;
	char **cells;		/* row by row, owned */
	size_t rows;
};

static void
table_columns(struct table *t, const struct ctl_column *columns, const char *list)
{
	memset(t, 0, sizeof(*t));
	for (const struct ctl_column *c = columns; c->key != NULL; c++) {
		if (strcmp(c->list, list) != 0 || t->n == COLUMNS)
			continue;
		t->keys[t->n] = c->key;
		t->width[t->n++] = (int)strlen(c->key);
	}
}

static void
table_free(struct table *t)
{
	for (size_t i = 0; t->cells != NULL && i < t->rows * t->n; i++)
		free(t->cells[i]);
	free(t->cells);
}

static bool
table_fill(struct table *t, const json_t *list)
{
	t->rows = json_array_size(list);
	t->cells = calloc(t->rows * t->n + 1, sizeof(*t->cells));
	if (t->cells == NULL)
		return false;
	for (size_t i = 0; i < t->rows * t->n; i++) {
		size_t c = i % t->n;
		const json_t *row = json_array_get(list, i / t->n);

		t->cells[i] = fmt_cell(json_object_get(row, t->keys[c]));
		if (t->cells[i] == NULL)
			return false;
		if ((int)strlen(t->cells[i]) > t->width[c])
			t->width[c] = (int)strlen(t->cells[i]);
	}
	return true;
}

static void
table_print(FILE *out, const struct table *t)
{
	for (size_t c = 0; c < t->n; c++) {
		for (const char *k = t->keys[c]; *k != '\0'; k++)
			fputc(toupper((unsigned char)*k), out);
		if (c + 1 < t->n)
			fprintf(out, "%*s", t->width[c] - (int)strlen(t->keys[c]) + GAP, "");
	}
	fputc('\n', out);
	for (size_t i = 0; i < t->rows * t->n; i++)
		if ((i + 1) % t->n == 0)
			fprintf(out, "%s\n", t->cells[i]);
		else
			fprintf(out, "%-*s", t->width[i % t->n] + GAP, t->cells[i]);
}

static bool
print_list(FILE *out, const struct ctl_verb *v, const char *name, const json_t *list)
{
	struct table t;
	bool ok;

	if (!json_is_array(list))
		return false;
	if (json_array_size(list) == 0) {
		fputs("none\n", out);
		return true;
	}
	table_columns(&t, v->columns, name);
	ok = table_fill(&t, list);
	if (ok)
		table_print(out, &t);
	table_free(&t);
	return ok;
}

/* The members that are single values, one a line; with PRESENT only those that are there. */
static bool
print_members(FILE *out, const struct ctl_verb *v, const json_t *object, bool present)
{
	int width = 0;

	for (const struct ctl_column *c = v->columns; c->key != NULL; c++)
		if (c->list[0] == '\0' && (int)strlen(c->key) > width)
			width = (int)strlen(c->key);
	for (const struct ctl_column *c = v->columns; c->key != NULL; c++) {
		char *cell;

		if (c->list[0] != '\0' || (present && json_object_get(object, c->key) == NULL))
			continue;
		cell = fmt_cell(json_object_get(object, c->key));
		if (cell == NULL)
			return false;
		fprintf(out, "%-*s%s\n", width + GAP, c->key, cell);
		free(cell);
	}
	return true;
}

static bool
print_object(FILE *out, const struct ctl_verb *v, const json_t *object)
{
	const char *before = "";

	if (!json_is_object(object) || !print_members(out, v, object, false))
		return false;
	for (const struct ctl_column *c = v->columns; c->key != NULL; c++) {
		if (c->list[0] == '\0' || strcmp(c->list, before) == 0)
			continue;
		fprintf(out, "%s%s:\n", c == v->columns ? "" : "\n", c->list);
		if (!print_list(out, v, c->list, json_object_get(object, c->list)))
			return false;
		before = c->list;
	}
	return true;
}

/* The members of each that are there. */
static bool
print_records(FILE *out, const struct ctl_verb *v, const json_t *list)
{
	const json_t *object;
	size_t i;

	if (!json_is_array(list))
		return false;
	if (json_array_size(list) == 0)
		fputs("none\n", out);
	json_array_foreach(list, i, object) {
		if (i > 0)
			fputc('\n', out);
		if (!json_is_object(object) || !print_members(out, v, object, true))
			return false;
	}
	return true;
}

/* One value of an event; EVENT_NAME is padded, so that what follows stands below each other. */
static bool
print_event_member(FILE *out, const struct ctl_column *c, const json_t *value)
{
	enum { EVENT_NAME = 20 };
	char *cell = fmt_cell(value);

	if (cell == NULL)
		return false;
	if (strcmp(c->key, "time") == 0)
		fputs(cell, out);
	else if (strcmp(c->key, "event") == 0)
		fprintf(out, "  %-*s", EVENT_NAME, cell);
	else if (strcmp(c->key, "text") == 0)
		fprintf(out, " %s", cell);
	else
		fprintf(out, " %s=%s", c->key, cell);
	free(cell);
	return true;
}

bool
table_event(FILE *out, const struct ctl_verb *v, const json_t *event)
{
	if (!json_is_object(event))
		return false;
	for (const struct ctl_column *c = v->columns; c->key != NULL; c++) {
		const json_t *value = json_object_get(event, c->key);

		if (value != NULL && !print_event_member(out, c, value))
			return false;
	}
	fputc('\n', out);
	return true;
}

static bool
print_value(FILE *out, const struct ctl_verb *v, const json_t *object)
{
	char *cell = fmt_cell(json_object_get(object, v->columns[0].key));

	if (cell == NULL)
		return false;
	fprintf(out, "%s\n", cell);
	free(cell);
	return true;
}

bool
table_result(FILE *out, const struct ctl_verb *v, const json_t *result)
{
	switch (v->shape) {
	case CTL_NO_SHAPE:
		return true;
	case CTL_LIST_SHAPE:
		return print_list(out, v, "", result);
	case CTL_OBJECT_SHAPE:
		return print_object(out, v, result);
	case CTL_VALUE_SHAPE:
		return print_value(out, v, result);
	case CTL_RECORDS_SHAPE:
		return print_records(out, v, result);
	case CTL_MAP_SHAPE:
		return map_print(out, MAP_TEXT, result);
	case CTL_STREAM_SHAPE:
		return json_is_null(result);
	case CTL_JSON_SHAPE:
		return json_is_object(result) && fmt_state(out, result);
	}
	return false;
}
