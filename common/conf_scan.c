/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/conf_int.h"

/*
 * libconfuse takes a file that ends inside a comment or a section for a whole
 * one, stops at a NUL, expands ${…}, and loses count of lines in comments.  So
 * the bytes are looked at before it sees them, and it never sees a comment.
 */

enum scan_state {
	SCAN_PLAIN,
	SCAN_QUOTE,		/* inside a text */
	SCAN_LINE,		/* behind # or // */
	SCAN_BLOCK,		/* between the marks of a C comment */
};

struct scan {
	struct conf_build *b;
	const char *at, *end;
	char *out;
	enum scan_state state;
	char quote;		/* the one that was opened */
	bool word;		/* inside a word, where // and the like are nothing special */
	unsigned line;
	unsigned section_line;	/* where the section began */
	unsigned comment_line;	/* where the comment began */
	unsigned *brace_lines;
	size_t n_brace_lines;
	size_t braces;		/* seen */
	bool in_section;
};

static char
next(const struct scan *s)
{
	return s->at + 1 < s->end ? s->at[1] : '\0';
}

/* Bytes that may stand nowhere, or nowhere but in comments. */
static bool
check_byte(struct scan *s)
{
	unsigned char c = (unsigned char)*s->at;
	bool comment = s->state == SCAN_LINE || s->state == SCAN_BLOCK;

	if (c == '\r')
		return conf_fail_syntax(s->b, s->line, "carriage return; allowed: lines that end "
		    "with a line feed alone; convert the file");
	if (c == 0x7f || (c < 0x20 && c != '\n' && c != '\t'))
		return conf_fail_syntax(s->b, s->line, "control character 0x%02x; allowed: text; "
		    "remove it", c);
	if (c == '$' && next(s) == '{')
		return conf_fail_syntax(s->b, s->line, "\"${\"; allowed: plain values; environment "
		    "variables are not expanded, write the value itself");
	if (comment)
		return true;
	if (c > 0x7e)
		return conf_fail_syntax(s->b, s->line, "byte 0x%02x; allowed: ASCII outside "
		    "comments; remove it", c);
	if (c == '\\')
		return conf_fail_syntax(s->b, s->line, "backslash; allowed: texts without escapes; "
		    "write the character itself");
	if (c == '|')
		return conf_fail_syntax(s->b, s->line, "\"|\"; allowed: letters, digits and the "
		    "characters that a value needs; remove it");
	return true;
}

static bool
open_brace(struct scan *s)
{
	if (s->in_section)
		return conf_fail_syntax(s->b, s->line, "section within the section of line %u; "
		    "allowed: sections one after another; close the first with }", s->section_line);
	s->in_section = true;
	s->section_line = s->line;
	if (s->braces < s->n_brace_lines)
		s->brace_lines[s->braces] = s->line;
	s->braces++;
	return true;
}

/* One byte outside quotes and comments; what is not copied becomes a space. */
static bool
scan_plain(struct scan *s)
{
	char c = *s->at;
	bool was_word = s->word;

	s->word = false;
	if (c == '#' || (!was_word && c == '/' && next(s) == '/')) {
		s->state = SCAN_LINE;
		return true;
	}
	if (!was_word && c == '/' && next(s) == '*') {
		s->state = SCAN_BLOCK;
		s->comment_line = s->line;
		s->at++;
		*++s->out = ' ';
		return true;
	}
	*s->out = c;
	switch (c) {
	case '"':
	case '\'':
		s->state = SCAN_QUOTE;
		s->quote = c;
		return true;
	case '{':
		return open_brace(s);
	case '}':
		if (!s->in_section)
			return conf_fail_syntax(s->b, s->line, "} without {; allowed: } at the end "
			    "of a section; remove it");
		s->in_section = false;
		return true;
	case '*':
		/* libconfuse would leave it out, silently. */
		return conf_fail_syntax(s->b, s->line, "\"*\" outside quotes; allowed: letters, "
		    "digits and the characters that a value needs; put the value in quotes");
	case ' ':
	case '\t':
	case '\n':
	case '=':
		return true;
	default:
		s->word = true;
		return true;
	}
}

/* One byte of the text; the caller moves on by one. */
static bool
scan_byte(struct scan *s)
{
	*s->out = *s->at == '\n' ? '\n' : ' ';
	switch (s->state) {
	case SCAN_PLAIN:
		return scan_plain(s);
	case SCAN_QUOTE:
		*s->out = *s->at;
		if (*s->at == '\n')
			return conf_fail_syntax(s->b, s->line, "quote that does not end on its "
			    "line; allowed: texts within one line; close it with %c", s->quote);
		if (*s->at == s->quote)
			s->state = SCAN_PLAIN;
		return true;
	case SCAN_LINE:
		if (*s->at == '\n')
			s->state = SCAN_PLAIN;
		return true;
	case SCAN_BLOCK:
		if (*s->at == '*' && next(s) == '/') {
			s->state = SCAN_PLAIN;
			s->at++;
			*++s->out = ' ';
		}
		return true;
	}
	return false;
}

/* What is still open when the text ends. */
static bool
check_end(struct scan *s)
{
	if (s->state == SCAN_QUOTE)
		return conf_fail_syntax(s->b, s->line, "quote that does not end, as in a file that "
		    "was cut off; allowed: texts within one line; close it with %c", s->quote);
	if (s->state == SCAN_BLOCK)
		return conf_fail_syntax(s->b, s->comment_line, "comment that does not end, as in "
		    "a file that was cut off; allowed: /* and */ in pairs; close it");
	if (s->in_section)
		return conf_fail_syntax(s->b, s->section_line, "section that does not end, as in "
		    "a file that was cut off; allowed: interface NAME { }; close it with }");
	return true;
}

bool
conf_scan(struct conf_build *b, const char *text, size_t len, char *clean, unsigned *lines,
    size_t n)
{
	struct scan s = {
		.b = b, .at = text, .end = text + len, .out = clean, .line = 1,
		.brace_lines = lines, .n_brace_lines = n,
	};

	for (; s.at < s.end; s.at++, s.out++) {
		if (!check_byte(&s) || !scan_byte(&s))
			return false;
		if (*s.at == '\n')
			s.line++;
	}
	*s.out = '\0';
	return check_end(&s);
}
