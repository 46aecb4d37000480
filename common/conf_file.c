/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf_int.h"

/*
 * libconfuse reads the syntax.  All values are texts to it; its callbacks tell us
 * each one with its line.
 */

/* What a callback of libconfuse, which passes no argument of ours, works on. */
static struct {
	struct conf_build *build;
	unsigned brace_lines[CONF_INTERFACES + 1];
	size_t sections;
} now;

static struct conf_place
at_line(unsigned line)
{
	return (struct conf_place){ CONF_FROM_FILE, line };
}

/* The line of the brace that opened section N: libconfuse knows the closing one's. */
static unsigned
section_line(size_t n)
{
	size_t last = sizeof(now.brace_lines) / sizeof(now.brace_lines[0]) - 1;

	return now.brace_lines[n < last ? n : last];
}

/* libconfuse reports an error. */
static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	unsigned line = cfg->line > 0 ? (unsigned)cfg->line : 0;
	char text[128];

	if (strcmp(fmt, "no such option '%s'") == 0) {
		conf_fail_unknown(now.build, va_arg(ap, const char *), at_line(line));
		return;
	}
	if (strcmp(fmt, "found duplicate title '%s'") == 0) {
		conf_fail_twice(now.build, va_arg(ap, const char *),
		    at_line(section_line(now.sections)));
		return;
	}
	vsnprintf(text, sizeof(text), fmt, ap);
	for (char *p = text; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	conf_fail_syntax(now.build, line, "%s; allowed: KEY = VALUE, or interface NAME { }; "
	    "ntkd.conf(5) has examples", text);
}

/* libconfuse has read a value, or a whole section; not 0 ends the reading. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *name = cfg_opt_name(opt);
	unsigned line = (unsigned)cfg->line;
	const char *value;

	if (strcmp(name, "interface") == 0) {
		value = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));
		line = section_line(now.sections++);
	} else {
		value = cfg_opt_getnstr(opt, 0);
	}
	return conf_set(now.build, name, value, at_line(line)) ? 0 : -1;
}

/* The syntax as libconfuse shall know it: texts, and sections without content. */
static cfg_t *
syntax_new(void)
{
	cfg_opt_t none[] = { CFG_END() };
	cfg_opt_t opts[CONF_IDS + 1];
	cfg_t *cfg;

	for (unsigned i = 0; i < CONF_IDS; i++)
		if (i == CONF_ID_INTERFACE)
			opts[i] = (cfg_opt_t)CFG_SEC("interface", none,
			    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
		else
			opts[i] = (cfg_opt_t)CFG_STR(conf_keys[i].name, NULL, CFGF_NONE);
	opts[CONF_IDS] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	for (unsigned i = 0; i < CONF_IDS; i++)
		cfg_set_validate_func(cfg, conf_keys[i].name, on_value);
	return cfg;
}

/* Lets libconfuse read CLEAN. */
static bool
syntax_read(struct conf_build *b, const char *clean)
{
	cfg_t *cfg = syntax_new();
	int rc;

	if (cfg == NULL)
		return conf_fail_syntax(b, 0, "not enough memory");
	rc = cfg_parse_buf(cfg, clean);
	cfg_free(cfg);
	if (rc != CFG_SUCCESS && !b->failed)
		return conf_fail_syntax(b, 0, "not readable as a configuration; allowed: "
		    "KEY = VALUE, or interface NAME { }; ntkd.conf(5) has examples");
	return rc == CFG_SUCCESS && !b->failed;
}

bool
conf_file_parse(struct conf_build *b, const char *text, size_t len)
{
	char *clean;
	bool ok;

	if (len > CONF_FILE_MAX)
		return conf_fail_syntax(b, 0, "the file is too long; allowed: at most %d bytes; "
		    "remove comments", CONF_FILE_MAX);
	clean = malloc(len + 1);
	if (clean == NULL)
		return conf_fail_syntax(b, 0, "not enough memory");
	memset(&now, 0, sizeof(now));
	now.build = b;
	ok = conf_scan(b, text, len, clean, now.brace_lines,
	    sizeof(now.brace_lines) / sizeof(now.brace_lines[0])) && syntax_read(b, clean);
	now.build = NULL;
	free(clean);
	return ok;
}

/* --- the open file ------------------------------------------------------ */

static bool __attribute__((format(printf, 3, 4)))
fail(char *err, const char *name, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(err, CONF_ERROR, "%.200s: ", name);

	va_start(ap, fmt);
	vsnprintf(err + n, CONF_ERROR - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static bool
check_file(int fd, const char *name, bool check_owner, char *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(err, name, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(err, name, "is no regular file; allowed: a regular file owned by root; "
		    "name another one with -c");
	if (st.st_size > CONF_FILE_MAX)
		return fail(err, name, "has %lld bytes; allowed: at most %d; remove comments",
		    (long long)st.st_size, CONF_FILE_MAX);
	if (check_owner && st.st_uid != 0)
		return fail(err, name, "is owned by user %u; allowed: root alone, because it "
		    "decides what ntkd-priv does; chown root the file", (unsigned)st.st_uid);
	if (check_owner && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return fail(err, name, "has mode %04o; allowed: writable by root alone; chmod go-w "
		    "the file", (unsigned)st.st_mode & 07777U);
	return true;
}

/* Reads from the start without moving the offset, which another process shares. */
static bool
read_file(int fd, const char *name, char *buf, size_t size, size_t *len, char *err)
{
	*len = 0;
	while (*len < size) {
		ssize_t n = pread(fd, buf + *len, size - *len, (off_t)*len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, name, "%s", strerror(errno));
		if (n == 0)
			return true;
		*len += (size_t)n;
	}
	return true;
}

bool
conf_read(int fd, const char *name, bool check_owner, const struct conf_override *overrides,
    size_t n, struct conf *c, char *err)
{
	char *buf;
	size_t len;
	bool ok;

	if (!check_file(fd, name, check_owner, err))
		return false;
	buf = malloc(CONF_FILE_MAX + 1);
	if (buf == NULL)
		return fail(err, name, "not enough memory");
	/* One byte more than allowed, so that a file that has grown is noticed. */
	ok = read_file(fd, name, buf, CONF_FILE_MAX + 1, &len, err) &&
	    conf_parse(buf, len, name, overrides, n, c, err);
	free(buf);
	return ok;
}
