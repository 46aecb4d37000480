/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_LINES_H
#define NTK_SIM_LINES_H

/*
 * Scenario files as lines of words: one statement a line, words separated by blanks, "#" begins a comment.
 * What a statement means is its reader's business (scenario.h, script.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	LINES_WORDS = 24,
	LINES_LENGTH = 512,		/* of a line, its end included */
	LINES_FILE = 16 << 20,		/* bytes of a file */
};

struct lines {
	const char *name;	/* what errors call the file */
	unsigned line;		/* from 1 */
	char *why;
	size_t why_size;
	unsigned max;		/* words of a line, at most LINES_WORDS */
	char *word[LINES_WORDS];
	unsigned n;		/* words */
};

/* What is wrong with this line: always false, with why "NAME:LINE: …". */
bool lines_bad(struct lines *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Calls STATEMENT with each line that has words, which are valid until it returns.  False, with why, when
 * STATEMENT returned false, or a line is too long, has too many words, or bytes that are no text.
 */
typedef bool lines_statement(struct lines *r, void *arg);
bool lines_each(struct lines *r, const char *text, size_t len, lines_statement *statement, void *arg);

/*
 * WORD as a number; as milliseconds with a fraction, in µs; as percent with a fraction, in millionths.  False,
 * with why, when it is none of the range.
 */
bool lines_number(struct lines *r, const char *word, uint64_t min, uint64_t max, uint64_t *out);
bool lines_milliseconds(struct lines *r, const char *word, uint64_t *out);
bool lines_percent(struct lines *r, const char *word, uint32_t *out);

/* A name has up to SIZE - 1 letters, digits, _ and -. */
bool lines_name(struct lines *r, const char *word, size_t size);

/* Room for one more element of SIZE bytes in V, which has N and room for *ROOM; NULL: V stays. */
void *lines_grow(void *v, size_t n, size_t *room, size_t size);

/* A whole file of at most LINES_FILE bytes, to be freed; NULL with WHY. */
char *lines_file(const char *file, size_t *len, char *why, size_t why_size);

#ifdef __cplusplus
}
#endif

#endif
