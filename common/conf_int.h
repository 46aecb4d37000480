/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_CONF_INT_H
#define NTK_COMMON_CONF_INT_H

/*
 * Between the files of the configuration: conf.c judges values, conf_file.c
 * reads bytes and hands it keys and values as texts.  Nobody else includes this.
 */

#include "common/conf.h"

#ifdef __cplusplus
extern "C" {
#endif

enum conf_id {
#define KEY(id, name, kind, fallback, setter, member, min, max, allowed, remedy) CONF_ID_##id,
#include "common/conf.tab"
	CONF_IDS,
};

/* Where a value was given. */
enum conf_source {
	CONF_FROM_DEFAULT,
	CONF_FROM_FILE,
	CONF_FROM_OVERRIDE,
};

struct conf_place {
	enum conf_source source;
	unsigned line;		/* of the file, from 1; 0 where there is none */
};

/* A value as it was written and where; texts that are too long are refused, not cut. */
enum { CONF_VALUE = 288 };
struct conf_given {
	struct conf_place place;
	char text[CONF_VALUE];
};

/* A configuration on its way. */
struct conf_build {
	struct conf *c;		/* the caller's */
	const char *name;	/* of the file, for errors */
	char *err;		/* CONF_ERROR bytes; the first error stays */
	bool failed;
	struct conf_given given[CONF_IDS];
	unsigned interface_line[CONF_INTERFACES];	/* 0: from an override */
	char why[192];		/* a setter's reason, without the value */
};

/*
 * Takes one key with its value, checks the value by itself and stores it.  False,
 * with b->err, when it is wrong, unknown, or given twice in the file.
 */
bool conf_set(struct conf_build *b, const char *key, const char *value, struct conf_place place);

/*
 * Errors; all return false, and only the first of a build is kept.  conf_fail.c
 *
 * conf_why() keeps a setter's reason; conf_fail_value() writes it with the value
 * and its place, conf_fail_given() with the value that was given last.
 */
bool conf_why(struct conf_build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool conf_why_twice(struct conf_build *b, unsigned line);
bool conf_fail_value(struct conf_build *b, enum conf_id id, const char *value,
    struct conf_place place);
bool conf_fail_given(struct conf_build *b, enum conf_id id);

/* Writes that the text of -o is not KEY=VALUE; returns false. */
bool conf_fail_override(struct conf_build *b, const char *text);

/* Writes an error about the syntax, at LINE unless that is 0; returns false. */
bool conf_fail_syntax(struct conf_build *b, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes that KEY is none, with all that are; returns false. */
bool conf_fail_unknown(struct conf_build *b, const char *key, struct conf_place place);

/* Writes that the interface NAME is given twice; returns false. */
bool conf_fail_twice(struct conf_build *b, const char *name, struct conf_place place);

/* Reads the LEN bytes at TEXT and sets every key in them.  conf_file.c */
bool conf_file_parse(struct conf_build *b, const char *text, size_t len);

/*
 * Copies TEXT to CLEAN (LEN + 1 bytes, NUL included) with comments turned into
 * spaces, and refuses what libconfuse would pass over: bytes that are no text,
 * escapes, ${, quotes, comments and braces that do not end.  LINES gets the
 * lines of the first N opening braces.  conf_scan.c
 */
bool conf_scan(struct conf_build *b, const char *text, size_t len, char *clean, unsigned *lines,
    size_t n);

/* Stores the value of one key; false with b->why.  What to do when it is wrong.  conf_value.c */
bool conf_value_set(struct conf_build *b, enum conf_id id, const char *text);
const char *conf_remedy(enum conf_id id);

/* True when TEXT is a decimal number of 32 bits, which OUT gets. */
bool conf_number(const char *text, uint32_t *out);

#ifdef __cplusplus
}
#endif

#endif
