/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/picture.h"

#include <math.h>

/* Steps of the golden angle. */
double
picture_hue(uint64_t number)
{
	return fmod((double)(number % 100000) * 137.50776405, 360);
}

/* As log_escape() does: a backslash too, so that an escape cannot be forged. */
static int
is_plain(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e && c != '\\';
}

void
picture_xml(FILE *f, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&#39;", f);
			break;
		default:
			fprintf(f, is_plain((unsigned char)*text) ? "%c" : "\\x%02x",
			    (unsigned char)*text);
		}
}

void
picture_dot(FILE *f, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '"')
			fputs("\\\"", f);
		else
			fprintf(f, is_plain((unsigned char)*text) ? "%c" : "\\\\x%02x",
			    (unsigned char)*text);
}

void
picture_svg_begin(FILE *f, struct picture_view v, unsigned width, unsigned height,
    const char *style)
{
	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "
	    "xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"%.0f %.0f %.0f %.0f\" width=\"%u\" "
	    "height=\"%u\">\n<style>%s</style>\n<rect x=\"%.0f\" y=\"%.0f\" width=\"100%%\" "
	    "height=\"100%%\" fill=\"#fff\"/>\n", v.x, v.y, v.width, v.height, width, height, style,
	    v.x, v.y);
}

void
picture_svg_end(FILE *f)
{
	fputs("</svg>\n", f);
}
