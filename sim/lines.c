/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/lines.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
lines_bad(struct lines *r, const char *fmt, ...)
{
	int n = snprintf(r->why, r->why_size, "%s:%u: ", r->name, r->line);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < r->why_size)
		vsnprintf(r->why + n, r->why_size - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

/* --- words ------------------------------------------------------------------------------ */

bool
lines_number(struct lines *r, const char *word, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(word, &end, 10);
	return (word[0] >= '0' && word[0] <= '9' && *end == '\0' && errno == 0 && *out >= min &&
	    *out <= max) || lines_bad(r, "%.40s: a number from %llu to %llu is wanted", word,
	    (unsigned long long)min, (unsigned long long)max);
}

/* WORD with a fraction, from 0 to MAX, in parts of which one has SCALE. */
static bool
decimal(const char *word, double max, double scale, uint64_t *out)
{
	char *end;
	double v = strtod(word, &end);
	/* Signs, hexadecimals and "inf" are strtod(3)'s, not ours. */
	bool ok = strspn(word, "0123456789.e") == strlen(word) && end != word && *end == '\0' && v <= max;

	*out = ok ? (uint64_t)(v * scale + 0.5) : 0;
	return ok;
}

bool
lines_milliseconds(struct lines *r, const char *word, uint64_t *out)
{
	return decimal(word, 1e10, 1000, out) ||
	    lines_bad(r, "%.40s: milliseconds are wanted, as 1500 or 2.5, at most 1e10", word);
}

bool
lines_percent(struct lines *r, const char *word, uint32_t *out)
{
	uint64_t v;
	bool ok = decimal(word, 100, 10000, &v);

	*out = (uint32_t)v;
	return ok || lines_bad(r, "%.40s: percent are wanted, from 0 to 100", word);
}

bool
lines_name(struct lines *r, const char *word, size_t size)
{
	size_t len = strlen(word);

	return (len < size && strspn(word, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len) ||
	    lines_bad(r, "%.40s: a name has up to %zu letters, digits, _ and -", word, size - 1);
}

void *
lines_grow(void *v, size_t n, size_t *room, size_t size)
{
	size_t more = *room != 0 ? *room * 2 : 64;
	void *new;

	if (n < *room)
		return v;
	new = realloc(v, more * size);
	if (new != NULL)
		*room = more;
	return new;
}

/* --- lines -------------------------------------------------------------------------------- */

static bool
split(struct lines *r, char *line)
{
	char *at = line, *comment = strchr(line, '#');

	if (comment != NULL)
		*comment = '\0';
	r->n = 0;
	for (;;) {
		at += strspn(at, " \t\r");
		if (*at == '\0')
			return true;
		if (r->n == r->max)
			return lines_bad(r, "too many words");
		r->word[r->n++] = at;
		at += strcspn(at, " \t\r");
		if (*at != '\0')
			*at++ = '\0';
	}
}

/* Words are printed again, in complaints and as titles: nothing in them may move a cursor. */
static bool
is_text(struct lines *r, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == 0)
			return lines_bad(r, "a zero byte");
		if ((c < ' ' && c != '\t' && c != '\r') || c == 0x7f)
			return lines_bad(r, "byte 0x%02x, which is no text", c);
	}
	return true;
}

bool
lines_each(struct lines *r, const char *text, size_t len, lines_statement *statement, void *arg)
{
	char line[LINES_LENGTH];

	r->line = 1;
	for (size_t at = 0; at < len; r->line++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - text) - at : len - at;

		if (n >= sizeof(line))
			return lines_bad(r, "a line of more than %d characters", LINES_LENGTH - 1);
		if (!is_text(r, text + at, n))
			return false;
		memcpy(line, text + at, n);
		line[n] = '\0';
		if (!split(r, line) || (r->n != 0 && !statement(r, arg)))
			return false;
		at += n + 1;
	}
	return true;
}

/* --- files ---------------------------------------------------------------------------------- */

char *
lines_file(const char *file, size_t *len, char *why, size_t why_size)
{
	FILE *f = fopen(file, "rb");
	char *text = f != NULL ? malloc(LINES_FILE + 1) : NULL;

	*len = 0;
	if (text == NULL) {
		snprintf(why, why_size, "%s: %s", file, strerror(errno));
	} else {
		*len = fread(text, 1, LINES_FILE + 1, f);
		if (ferror(f) != 0 || *len > LINES_FILE) {
			snprintf(why, why_size, "%s: %s", file, *len > LINES_FILE ? "more than 16 MiB" :
			    strerror(errno));
			free(text);
			text = NULL;
		}
	}
	if (f != NULL)
		fclose(f);
	return text;
}
