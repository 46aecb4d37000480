/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/tbf.h"

/* <syslog.h> has a facility of this name, which would hide our sink. */
#undef LOG_SYSLOG

enum {
	TEXT_MAX = 1024,	/* bytes of a line before escaping */
	LINE_MAX_OUT = 2048,	/* bytes of a line as written */
};

static struct {
	const char *name;
	enum log_sink sink;
	enum log_level level;
	log_hook *hook;
	void *hook_arg;
	struct tbf remote;
	bool remote_started;
	uint64_t suppressed;
} state = {
	.name = "ntkd",
	.sink = LOG_STDERR,
	.level = LOG_LEVEL_INFO,
};

static const struct {
	const char *name;
	int priority;		/* of syslog(3) and sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

_Static_assert(sizeof(levels) / sizeof(levels[0]) == LOG_LEVEL_DEBUG + 1, "a row for every level");

void
log_open(const char *name, enum log_sink sink, enum log_level level)
{
	if (state.sink == LOG_SYSLOG)
		closelog();
	state.name = name;
	state.sink = sink;
	state.level = level;
	state.remote_started = false;
	state.suppressed = 0;
	if (sink == LOG_SYSLOG)
		openlog(name, LOG_NDELAY | LOG_PID, LOG_DAEMON);
}

void
log_set_level(enum log_level level)
{
	state.level = level;
}

enum log_level
log_get_level(void)
{
	return state.level;
}

static const char *const sinks[] = {
	[LOG_STDERR] = "stderr",
	[LOG_STDERR_PRIORITY] = "priority",
	[LOG_SYSLOG] = "syslog",
};

const char *
log_sink_name(enum log_sink sink)
{
	return (unsigned)sink <= LOG_SYSLOG ? sinks[sink] : "?";
}

bool
log_sink_parse(const char *text, enum log_sink *sink)
{
	for (size_t i = 0; i <= LOG_SYSLOG; i++)
		if (strcmp(text, sinks[i]) == 0) {
			*sink = (enum log_sink)i;
			return true;
		}
	return false;
}

const char *
log_level_name(enum log_level level)
{
	return (unsigned)level <= LOG_LEVEL_DEBUG ? levels[level].name : "?";
}

bool
log_level_parse(const char *text, enum log_level *level)
{
	for (unsigned i = 0; i <= LOG_LEVEL_DEBUG; i++)
		if (strcmp(text, levels[i].name) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	return false;
}

void
log_set_hook(log_hook *hook, void *arg)
{
	state.hook = hook;
	state.hook_arg = arg;
}

uint64_t
log_suppressed(void)
{
	return state.suppressed;
}

char *
log_escape(const char *text, size_t len, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	if (size == 0)
		return out;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = c >= 0x20 && c <= 0x7e && c != '\\';

		if (at + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			out[at++] = (char)c;
			continue;
		}
		out[at++] = '\\';
		out[at++] = 'x';
		out[at++] = digits[c >> 4];
		out[at++] = digits[c & 15];
	}
	out[at] = '\0';
	return out;
}

/* One write, so that lines of two processes do not mix. */
static void
write_stderr(const char *line, size_t len)
{
	while (len != 0) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		line += n;
		len -= (size_t)n;
	}
}

static void
emit(enum log_level level, const char *line)
{
	char out[LINE_MAX_OUT + 64];
	int n;

	if (state.hook != NULL) {
		state.hook(level, line, state.hook_arg);
		return;
	}
	switch (state.sink) {
	case LOG_SYSLOG:
		syslog(levels[level].priority, "%s", line);
		return;
	case LOG_STDERR_PRIORITY:
		n = snprintf(out, sizeof(out), "<%d>%s\n", levels[level].priority, line);
		break;
	case LOG_STDERR:
	default:
		n = snprintf(out, sizeof(out), "%s: %s\n", state.name, line);
		break;
	}
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(out)) {
		n = (int)sizeof(out) - 1;
		out[n - 1] = '\n';
	}
	write_stderr(out, (size_t)n);
}

/* Composes "token: text", END appended, and writes it. */
static void __attribute__((format(printf, 4, 0)))
vlog(enum log_level level, const char *token, const char *end, const char *fmt, va_list ap)
{
	char text[TEXT_MAX], line[LINE_MAX_OUT];
	int saved = errno;
	size_t len;

	if (level > state.level)
		return;
	/* Whatever is too long, there is room for END. */
	snprintf(text, sizeof(text) - 256, "%s: ", token);
	len = strlen(text);
	vsnprintf(text + len, sizeof(text) - len - strlen(end), fmt, ap);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, "%s", end);
	emit(level, log_escape(text, strlen(text), line, sizeof(line)));
	errno = saved;
}

void
log_warn(const char *token, const char *fmt, ...)
{
	char end[128];
	int saved = errno;
	va_list ap;

	snprintf(end, sizeof(end), ": %s", strerror(saved));
	va_start(ap, fmt);
	vlog(LOG_LEVEL_WARNING, token, end, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
log_warnx(const char *token, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_WARNING, token, "", fmt, ap);
	va_end(ap);
}

void
log_info(const char *token, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_INFO, token, "", fmt, ap);
	va_end(ap);
}

void
log_debug(const char *token, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_DEBUG, token, "", fmt, ap);
	va_end(ap);
}

void
log_error(const char *token, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_ERROR, token, "", fmt, ap);
	va_end(ap);
}

void
log_remote(uint64_t now, const char *token, const char *fmt, ...)
{
	char end[64] = "";
	va_list ap;

	if (!state.remote_started)
		tbf_init(&state.remote, LOG_REMOTE_BURST, LOG_REMOTE_RATE, now);
	state.remote_started = true;
	if (!tbf_pass(&state.remote, now)) {
		state.suppressed++;
		return;
	}
	if (state.remote.refused != 0)
		snprintf(end, sizeof(end), " (%llu lines held back before this one)",
		    (unsigned long long)state.remote.refused);
	state.remote.refused = 0;
	va_start(ap, fmt);
	vlog(LOG_LEVEL_WARNING, token, end, fmt, ap);
	va_end(ap);
}
