/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/xmlcheck.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH = 8, NAME = 16 };

static const char *
reference(const char *p)
{
	static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(p, known[i], strlen(known[i])) == 0)
			return p + strlen(known[i]);
	return NULL;
}

/* ` name="value"` until what ends the tag; NULL when it is none. */
static const char *
attributes(const char *p)
{
	while (p != NULL && *p == ' ') {
		size_t len = strcspn(++p, "= />");

		p = len > 0 && p[len] == '=' && p[len + 1] == '"' ? p + len + 2 : NULL;
		while (p != NULL && *p != '"')
			p = *p == '&' ? reference(p) : *p == '\0' || *p == '<' ? NULL : p + 1;
		p = p != NULL ? p + 1 : NULL;
	}
	return p;
}

/* The elements that are open, and how many there were at the top. */
struct nest {
	char name[DEPTH][NAME];
	size_t depth;
	size_t roots;
};

static size_t
name_length(const char *p)
{
	return strspn(p, "abcdefghijklmnopqrstuvwxyz");
}

/* What follows "</name>", NULL when that is not the one to be closed. */
static const char *
closing(struct nest *n, const char *p)
{
	size_t len = name_length(p + 2);

	if (n->depth == 0)
		return NULL;
	n->depth--;
	return strlen(n->name[n->depth]) == len && memcmp(n->name[n->depth], p + 2, len) == 0 &&
	    p[2 + len] == '>' ? p + 3 + len : NULL;
}

/* What follows "<name ...>" or "<name .../>". */
static const char *
opening(struct nest *n, const char *p)
{
	size_t len = name_length(p + 1);

	if (len == 0 || len >= NAME || n->depth == DEPTH)
		return NULL;
	n->roots += n->depth == 0;
	snprintf(n->name[n->depth], NAME, "%.*s", (int)len, p + 1);
	p = attributes(p + 1 + len);
	if (p != NULL && strncmp(p, "/>", 2) == 0)
		return p + 2;
	n->depth++;
	return p != NULL && *p == '>' ? p + 1 : NULL;
}

static const char *
character(const struct nest *n, const char *p)
{
	if (n->depth == 0 && !isspace((unsigned char)*p))
		return NULL;
	return *p == '&' ? reference(p) : p + 1;
}

bool
is_xml(const char *text)
{
	static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
	const char *p = strncmp(text, head, sizeof(head) - 1) == 0 ? text + sizeof(head) - 1 : NULL;
	struct nest n = { .depth = 0 };

	while (p != NULL && *p != '\0')
		if (*p != '<')
			p = character(&n, p);
		else
			p = p[1] == '/' ? closing(&n, p) : opening(&n, p);
	return p != NULL && n.depth == 0 && n.roots == 1;
}
