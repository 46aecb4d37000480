/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_PICTURE_H
#define NTK_COMMON_PICTURE_H

/*
 * What programs that draw have in common: pictures as SVG, graphs for dot(1).  Texts may come from
 * anybody: nothing of them ends the string or element that they stand in.
 */

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A hue, 0 to 360: those of near numbers are far apart. */
double picture_hue(uint64_t number);

/* TEXT as XML character data or in an attribute; bytes that are not printable ASCII as \xNN. */
void picture_xml(FILE *f, const char *text);

/* TEXT within a quoted string of dot; bytes as above, but nothing is an escape of dot's. */
void picture_dot(FILE *f, const char *text);

/* What is shown of the plane, in its units. */
struct picture_view {
	double x;
	double y;
	double width;
	double height;
};

/*
 * Begins an SVG document on white ground, WIDTH by HEIGHT pixels; STYLE are rules of CSS and come from
 * the program alone.
 */
void picture_svg_begin(FILE *f, struct picture_view v, unsigned width, unsigned height,
    const char *style);
void picture_svg_end(FILE *f);

#ifdef __cplusplus
}
#endif

#endif
