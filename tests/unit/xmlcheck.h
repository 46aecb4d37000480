/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_UNIT_XMLCHECK_H
#define NTK_TESTS_UNIT_XMLCHECK_H

#include <stdbool.h>

/*
 * Whether TEXT is a well-formed document: as much of XML as the project's pictures use, which are elements,
 * attributes in double quotes, text and the five references.
 */
bool is_xml(const char *text);

#endif
