/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/tap.h"

static struct {
	unsigned n;
	enum log_level level;
	char line[4096];
} last;

static void
hook(enum log_level level, const char *line, void *arg)
{
	CU_ASSERT_PTR_EQUAL(arg, &last);
	last.n++;
	last.level = level;
	snprintf(last.line, sizeof(last.line), "%s", line);
}

static void
start(enum log_level level)
{
	log_open("test", LOG_STDERR, level);
	log_set_hook(hook, &last);
	memset(&last, 0, sizeof(last));
}

static void
test_lines(void)
{
	start(LOG_LEVEL_DEBUG);
	log_info("config", "read %s, %d keys", "ntkd.conf", 7);
	CU_ASSERT_STRING_EQUAL(last.line, "config: read ntkd.conf, 7 keys");
	CU_ASSERT_EQUAL(last.level, LOG_LEVEL_INFO);
	errno = ENOENT;
	log_warn("config", "%s", "ntkd.conf");
	CU_ASSERT_STRING_EQUAL(last.line, "config: ntkd.conf: No such file or directory");
	CU_ASSERT_EQUAL(last.level, LOG_LEVEL_WARNING);
	CU_ASSERT_EQUAL(errno, ENOENT);
	log_warnx("config", "odd");
	CU_ASSERT_STRING_EQUAL(last.line, "config: odd");
	CU_ASSERT_EQUAL(last.level, LOG_LEVEL_WARNING);
	log_error("helper", "gone");
	CU_ASSERT_STRING_EQUAL(last.line, "helper: gone");
	CU_ASSERT_EQUAL(last.level, LOG_LEVEL_ERROR);
	log_debug("helper", "sent");
	CU_ASSERT_EQUAL(last.level, LOG_LEVEL_DEBUG);
	CU_ASSERT_EQUAL(last.n, 5);
}

static void
test_levels(void)
{
	enum log_level level;

	start(LOG_LEVEL_WARNING);
	log_info("a", "b");
	log_debug("a", "b");
	CU_ASSERT_EQUAL(last.n, 0);
	log_warnx("a", "b");
	log_error("a", "b");
	CU_ASSERT_EQUAL(last.n, 2);
	log_set_level(LOG_LEVEL_ERROR);
	CU_ASSERT_EQUAL(log_get_level(), LOG_LEVEL_ERROR);
	log_warnx("a", "b");
	CU_ASSERT_EQUAL(last.n, 2);
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		CU_ASSERT_TRUE(log_level_parse(log_level_name((enum log_level)i), &level));
		CU_ASSERT_EQUAL(level, (enum log_level)i);
	}
	for (int i = LOG_STDERR; i <= LOG_SYSLOG; i++) {
		enum log_sink sink;

		CU_ASSERT_TRUE(log_sink_parse(log_sink_name((enum log_sink)i), &sink));
		CU_ASSERT_EQUAL(sink, (enum log_sink)i);
		CU_ASSERT_FALSE(log_sink_parse("", &sink));
	}
	CU_ASSERT_STRING_EQUAL(log_level_name(LOG_LEVEL_WARNING), "warning");
	CU_ASSERT_FALSE(log_level_parse("Error", &level));
	CU_ASSERT_FALSE(log_level_parse("", &level));
	CU_ASSERT_FALSE(log_level_parse("errors", &level));
}

static void
test_escape(void)
{
	static const char raw[] = "a\n\033[2J\\\x7f\xc3\xa4\0b~ ";
	char out[64];

	CU_ASSERT_STRING_EQUAL(log_escape(raw, sizeof(raw) - 1, out, sizeof(out)),
	    "a\\x0a\\x1b[2J\\x5c\\x7f\\xc3\\xa4\\x00b~ ");
	/* Cut between escapes, never within one. */
	CU_ASSERT_STRING_EQUAL(log_escape("abc\n", 4, out, 7), "abc");
	CU_ASSERT_STRING_EQUAL(log_escape("abc\n", 4, out, 8), "abc\\x0a");
	CU_ASSERT_STRING_EQUAL(log_escape("abcd", 4, out, 1), "");
	out[0] = 'x';
	log_escape("abcd", 4, out, 0);
	CU_ASSERT_EQUAL(out[0], 'x');
	start(LOG_LEVEL_INFO);
	log_info("control", "verb %s", "x\nntkd: helper: forged");
	CU_ASSERT_STRING_EQUAL(last.line, "control: verb x\\x0antkd: helper: forged");
}

static void
test_long(void)
{
	char text[5000];

	memset(text, '\n', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	start(LOG_LEVEL_INFO);
	log_info("control", "%s", text);
	CU_ASSERT_EQUAL(last.n, 1);
	CU_ASSERT_PTR_NULL(strchr(last.line, '\n'));
	memset(text, 'x', sizeof(text) - 1);
	errno = EPERM;
	log_warn("control", "%s", text);
	CU_ASSERT_PTR_NOT_NULL(strstr(last.line, "xxx: Operation not permitted"));
	log_info(text, "%s", text);
	CU_ASSERT_EQUAL(last.n, 3);
}

static void
test_remote(void)
{
	uint64_t second = 1000000, now = 100 * second;

	start(LOG_LEVEL_INFO);
	for (int i = 0; i < 100; i++)
		log_remote(now, "control", "bad request %d", i);
	CU_ASSERT_EQUAL(last.n, LOG_REMOTE_BURST);
	CU_ASSERT_EQUAL(log_suppressed(), 100 - LOG_REMOTE_BURST);
	CU_ASSERT_EQUAL(last.level, LOG_LEVEL_WARNING);
	log_remote(now + second, "radar", "bad packet");
	CU_ASSERT_EQUAL(last.n, LOG_REMOTE_BURST + 1);
	CU_ASSERT_STRING_EQUAL(last.line, "radar: bad packet (80 lines held back before this one)");
	log_remote(now + 2 * second, "radar", "bad packet");
	CU_ASSERT_STRING_EQUAL(last.line, "radar: bad packet");
	CU_ASSERT_EQUAL(log_suppressed(), 80);
	/* Lines of our own are never held back. */
	for (int i = 0; i < 100; i++)
		log_warnx("helper", "x");
	CU_ASSERT_EQUAL(last.n, LOG_REMOTE_BURST + 2 + 100);
}

/* What SINK writes to standard error for one line. */
static void
captured(enum log_sink sink, char *out, size_t size)
{
	char name[] = "/tmp/test_log.XXXXXX";
	int file = mkstemp(name), saved = dup(STDERR_FILENO);
	ssize_t n;

	CU_ASSERT_FATAL(file >= 0 && saved >= 0);
	unlink(name);
	dup2(file, STDERR_FILENO);
	log_open("ntkd", sink, LOG_LEVEL_INFO);
	log_set_hook(NULL, NULL);
	log_warnx("helper", "odd");
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = pread(file, out, size - 1, 0);
	out[n > 0 ? n : 0] = '\0';
	close(file);
}

static void
test_sinks(void)
{
	char out[200];

	captured(LOG_STDERR, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "ntkd: helper: odd\n");
	captured(LOG_STDERR_PRIORITY, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "<4>helper: odd\n");
	/* Nothing of it on standard error. */
	captured(LOG_SYSLOG, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "");
	log_open("ntkd", LOG_STDERR, LOG_LEVEL_INFO);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "token, text and errno", test_lines },
		{ "levels", test_levels },
		{ "nothing from outside forges a line", test_escape },
		{ "long lines keep their end", test_long },
		{ "few lines that outsiders cause", test_remote },
		{ "sinks", test_sinks },
	};

	return TAP_RUN(tests);
}
