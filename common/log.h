/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_LOG_H
#define NTK_COMMON_LOG_H

/*
 * Log lines, one per event: "token: text".
 *
 * The token names the part of the program ("helper", "control", "config").
 * Lines go to standard error (with the sd-daemon(3) priority prefix "<N>" when
 * the service manager asked for it) or to syslog.  Every byte that is not
 * printable ASCII is written as \xNN, so nothing that came from outside can
 * forge a line or move a cursor.  What outsiders can cause is in a class of its
 * own, log_remote(), of which a token bucket lets few through and counts the rest.
 *
 * Single-threaded.  Not async-signal-safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_sink {
	LOG_STDERR,		/* plain lines with the program's name */
	LOG_STDERR_PRIORITY,	/* "<N>" in front, for the journal */
	LOG_SYSLOG,		/* facility daemon, opened at once (LOG_NDELAY) */
};

/* Names the program and opens the sink.  NAME must be static. */
void log_open(const char *name, enum log_sink sink, enum log_level level);

/* Only lines of LEVEL and graver are written. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* "error", "warning", "info", "debug" and back; false for other words. */
const char *log_level_name(enum log_level level);
bool log_level_parse(const char *text, enum log_level *level);

/* "stderr", "priority", "syslog" and back; false for other words. */
const char *log_sink_name(enum log_sink sink);
bool log_sink_parse(const char *text, enum log_sink *sink);

#define LOG_FORMAT __attribute__((format(printf, 2, 3)))

void log_warn(const char *token, const char *fmt, ...) LOG_FORMAT;	/* appends ": " and errno's text */
void log_warnx(const char *token, const char *fmt, ...) LOG_FORMAT;
void log_info(const char *token, const char *fmt, ...) LOG_FORMAT;
void log_debug(const char *token, const char *fmt, ...) LOG_FORMAT;
void log_error(const char *token, const char *fmt, ...) LOG_FORMAT;

/*
 * A warning that somebody outside caused.  At most LOG_REMOTE_BURST lines at
 * once and LOG_REMOTE_RATE a second afterwards over all tokens; the next line let
 * through tells how many were not.  NOW is the monotonic time, µs.
 */
enum { LOG_REMOTE_BURST = 20, LOG_REMOTE_RATE = 1 };
void log_remote(uint64_t now, const char *token, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Lines that log_remote() held back since the start. */
uint64_t log_suppressed(void);

/*
 * Copies TEXT to OUT (SIZE bytes, NUL included) with every byte outside 0x20 …
 * 0x7e, and the backslash, as \xNN; cuts at the end.  Returns OUT.
 */
char *log_escape(const char *text, size_t len, char *out, size_t size);

/* Receives every line instead of the sink; NULL puts the sink back.  For tests. */
typedef void log_hook(enum log_level level, const char *line, void *arg);
void log_set_hook(log_hook *hook, void *arg);

#ifdef __cplusplus
}
#endif

#endif
