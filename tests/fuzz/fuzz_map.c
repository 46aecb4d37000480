/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The map as a daemon tells it that is not healthy, or wants to do harm: whatever JSON the input is, what
 * is drawn is printable and, of a picture, well-formed; what is refused has printed nothing.
 */

#include <jansson.h>
#include <string.h>

#include "ntkctl/map.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/xmlcheck.h"

static void
check_printable(const char *text, size_t len)
{
	must(strlen(text) == len);
	for (size_t i = 0; i < len; i++)
		must((text[i] >= 0x20 && text[i] <= 0x7e) || text[i] == '\n' || text[i] == '\t');
}

static void
draw(enum map_form form, const json_t *json)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool ok;

	must(f != NULL);
	ok = map_print(f, form, json);
	must(fclose(f) == 0);
	must(ok || len == 0);
	check_printable(text, len);
	must(!ok || form != MAP_SVG || is_xml(text));
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);

	if (json == NULL)
		return 0;
	draw(MAP_TEXT, json);
	draw(MAP_DOT, json);
	draw(MAP_SVG, json);
	json_decref(json);
	return 0;
}
