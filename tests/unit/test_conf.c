/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/conf_int.h"
#include "common/rng.h"
#include "tests/unit/tap.h"

#define NAME "test.conf"
#define ONE "interface eth1 { }\n"

static char err[CONF_ERROR];

static bool
parse_len(const char *text, size_t len, const char *override, struct conf *c)
{
	struct conf_override o = { override };

	memset(err, 'x', sizeof(err));
	return conf_parse(text, len, NAME, &o, override != NULL, c, err);
}

static bool
parse(const char *text, struct conf *c)
{
	return parse_len(text, strlen(text), NULL, c);
}

static bool
has(const char *whole, const char *part)
{
	if (strstr(whole, part) != NULL)
		return true;
	tap_note("\"%s\" lacks \"%s\"", whole, part);
	return false;
}

/* TEXT is refused, at LINE (0: no line), with PART in the error; one line of text. */
static void
refused(const char *text, size_t len, unsigned line, const char *part)
{
	struct conf c;
	char at[64];

	if (parse_len(text, len, NULL, &c)) {
		tap_note("accepted: %s", text);
		CU_FAIL("it is refused");
		return;
	}
	if (line != 0)
		snprintf(at, sizeof(at), NAME ":%u: ", line);
	else
		snprintf(at, sizeof(at), NAME ": ");
	CU_ASSERT_TRUE(has(err, part));
	if (strncmp(err, at, strlen(at)) != 0) {
		tap_note("not at line %u: %s", line, err);
		CU_FAIL("the error begins with file and line");
	}
	CU_ASSERT_PTR_NULL(strpbrk(err, "\n\r\033"));
	CU_ASSERT_TRUE(has(err, "allowed: "));
	CU_ASSERT_TRUE(strlen(err) < CONF_ERROR - 1);
}

static const struct conf_key *
key_of(const char *name)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		if (strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	return NULL;
}

/* --- what is accepted --------------------------------------------------- */

static void
test_defaults(void)
{
	struct conf c;
	struct topo t;

	topo_default(&t);
	CU_ASSERT_TRUE_FATAL(parse(ONE, &c));
	CU_ASSERT_TRUE(topo_equal(&c.map.topo, &t));
	CU_ASSERT_EQUAL(c.map.range.addr, 0x0a000000);
	CU_ASSERT_EQUAL(c.map.range.len, 8);
	CU_ASSERT_FALSE(c.has_address);
	CU_ASSERT_EQUAL(c.mode, CONF_AUTO);
	CU_ASSERT_EQUAL(c.n_interfaces, 1);
	CU_ASSERT_STRING_EQUAL(c.interfaces[0].name, "eth1");
	CU_ASSERT_TRUE(c.anonymize_others);
	CU_ASSERT_FALSE(c.accept_anonymous);
	CU_ASSERT_EQUAL(c.subnet_level, 0);
	CU_ASSERT_EQUAL(c.max_paths, 5);
	CU_ASSERT_STRING_EQUAL(c.runtime_dir, "/run/ntkd");
	CU_ASSERT_STRING_EQUAL(c.control_socket, "/run/ntkd/control");
	CU_ASSERT_STRING_EQUAL(c.user, "ntkd");
	CU_ASSERT_STRING_EQUAL(c.helper_user, "ntkd-priv");
	CU_ASSERT_STRING_EQUAL(c.control_group, "");
	CU_ASSERT_STRING_EQUAL(c.operator_group, "");
	CU_ASSERT_EQUAL(c.routing_protocol, 15);
	CU_ASSERT_TRUE(c.tables.first == 251 && c.tables.last == 200);
	CU_ASSERT_TRUE(c.more_tables.first == 10000 && c.more_tables.last == 11023);
	CU_ASSERT_EQUAL(c.mark_mask, 0x3fff);
	CU_ASSERT_FALSE(c.allow_overlap);
	CU_ASSERT_EQUAL(c.rule_priority, 10000);
	CU_ASSERT_EQUAL(c.radar_interval, 1000);
	CU_ASSERT_EQUAL(c.handover_delay, 30000);
}

/* Every key with a value that is not its default. */
static const char other[] =
    "topology = \"4.2.2.2\"\n"
    "range = \"172.20.4.0/22\"\n"
    "address = \"1.0.1.1\"\n"
    "mode = \"manual\"\n"
    "interface wlan0 { }\n"
    "interface eth0.100 { }\n"
    "interface \"a+b@c~!\" { }\n"
    "anonymize-others = false\n"
    "accept-anonymous = true\n"
    "subnet-level = 3\n"
    "max-paths = 20\n"
    "runtime-dir = \"/run/ntk_2\"\n"
    "control-socket = \"/run/x/c.sock\"\n"
    "user = \"nobody\"\n"
    "helper-user = \"901\"\n"
    "routing-protocol = 200\n"
    "tables = \"120-60\"\n"
    "more-tables = \"1000-1999\"\n"
    "mark-mask = 0x7ff\n"
    "allow-overlap = true\n"
    "rule-priority = 1\n"
    "control-group = \"adm\"\n"
    "operator-group = \"0\"\n"
    "radar-interval = 60000\n"
    "handover-delay = 0\n";

static void
test_every_key(void)
{
	struct conf c;
	char buf[TOPO_TEXT];

	for (size_t i = 0; i < conf_n_keys; i++)
		CU_ASSERT_TRUE(has(other, conf_keys[i].name));
	CU_ASSERT_TRUE_FATAL(parse(other, &c));
	CU_ASSERT_STRING_EQUAL(topo_print(&c.map.topo, buf), "4.2.2.2");
	CU_ASSERT_EQUAL(c.map.range.addr, 0xac140400);
	CU_ASSERT_EQUAL(c.map.range.len, 22);
	CU_ASSERT_TRUE(c.has_address);
	CU_ASSERT_STRING_EQUAL(naddr_print(&c.map.topo, &c.address, buf), "1.0.1.1");
	CU_ASSERT_EQUAL(c.mode, CONF_MANUAL);
	CU_ASSERT_EQUAL(c.n_interfaces, 3);
	CU_ASSERT_STRING_EQUAL(c.interfaces[0].name, "wlan0");
	CU_ASSERT_STRING_EQUAL(c.interfaces[1].name, "eth0.100");
	CU_ASSERT_STRING_EQUAL(c.interfaces[2].name, "a+b@c~!");
	CU_ASSERT_FALSE(c.anonymize_others);
	CU_ASSERT_TRUE(c.accept_anonymous);
	CU_ASSERT_EQUAL(c.subnet_level, 3);
	CU_ASSERT_EQUAL(c.max_paths, 20);
	CU_ASSERT_STRING_EQUAL(c.runtime_dir, "/run/ntk_2");
	CU_ASSERT_STRING_EQUAL(c.control_socket, "/run/x/c.sock");
	CU_ASSERT_STRING_EQUAL(c.user, "nobody");
	CU_ASSERT_STRING_EQUAL(c.helper_user, "901");
	CU_ASSERT_STRING_EQUAL(c.control_group, "adm");
	CU_ASSERT_STRING_EQUAL(c.operator_group, "0");
	CU_ASSERT_EQUAL(c.routing_protocol, 200);
	CU_ASSERT_TRUE(c.tables.first == 120 && c.tables.last == 60);
	CU_ASSERT_TRUE(c.more_tables.first == 1000 && c.more_tables.last == 1999);
	CU_ASSERT_EQUAL(c.mark_mask, 0x7ff);
	CU_ASSERT_TRUE(c.allow_overlap);
	CU_ASSERT_EQUAL(c.rule_priority, 1);
	CU_ASSERT_EQUAL(c.radar_interval, 60000);
	CU_ASSERT_EQUAL(c.handover_delay, 0);
}

/* Forms in which people write the same. */
static void
test_forms(void)
{
	static const char *const same[] = {
		"interface eth1 { }\nmax-paths = 3\n",
		"interface eth1 { }\nmax-paths = 3",
		"interface eth1{}max-paths=3",
		"max-paths='3' interface 'eth1' {\n\n}",
		"\t max-paths\t=\n\t\"3\"\n\n\ninterface\neth1\n{\n}\n",
		"# a\n// b\n/* c\n d */ max-paths = 3 # e\ninterface eth1 { /* f } */ } // g",
		"max-paths = 0x3\ninterface eth1 { # }\n}",
		"# \xc3\xa4 in a comment\nmax-paths = 0X03\ninterface \"eth1\" { }\n",
		"address = \"\" control-group = '' max-paths=3 interface eth1 { }",
		"/* \xc3\xa4 \\ | */ max-paths = 3 interface eth1 { }",
		"max-paths = 3 /**/ interface eth1 { } /***/ /* / */ /*/ */",
	};
	struct conf first, c;

	CU_ASSERT_TRUE_FATAL(parse(same[0], &first));
	CU_ASSERT_EQUAL(first.max_paths, 3);
	for (size_t i = 1; i < sizeof(same) / sizeof(same[0]); i++) {
		bool ok = parse(same[i], &c);

		if (!ok)
			tap_note("%s: %s", same[i], err);
		CU_ASSERT_TRUE(ok && memcmp(&c, &first, sizeof(c)) == 0);
	}
}

/* The numbers that ALLOWED, "a number from 5 to 20…", names. */
static bool
bounds_of(const char *allowed, unsigned long *min, unsigned long *max)
{
	return sscanf(allowed, "a number from %lu to %lu", min, max) == 2;
}

/* The bounds that are told are those that count. */
static void
test_bounds(void)
{
	unsigned numbers = 0;

	for (size_t i = 0; i < conf_n_keys; i++) {
		unsigned long min, max;
		char text[128];
		struct conf c;

		if (!bounds_of(conf_keys[i].allowed, &min, &max))
			continue;
		numbers++;
		CU_ASSERT_EQUAL(strcmp(conf_keys[i].kind, "number"), 0);
		snprintf(text, sizeof(text), ONE "%s = %lu", conf_keys[i].name, min);
		CU_ASSERT_TRUE(parse(text, &c));
		/* A level's greatest number needs as many levels. */
		snprintf(text, sizeof(text), ONE "%s = %lu", conf_keys[i].name,
		    max == 23 ? 15 : max);
		CU_ASSERT_TRUE(parse(text, &c));
		snprintf(text, sizeof(text), ONE "%s = %lu", conf_keys[i].name, max + 1);
		refused(text, strlen(text), 2, conf_keys[i].allowed);
		CU_ASSERT_TRUE(has(err, ": above "));
		snprintf(text, sizeof(text), ONE "%s = %ld", conf_keys[i].name, (long)min - 1);
		refused(text, strlen(text), 2, conf_keys[i].allowed);
	}
	CU_ASSERT_EQUAL(numbers, 6);
}

static void
test_subnet_level(void)
{
	ntk_prefix_t p;
	struct conf c;

	/* The greatest number that any topology has room for. */
	CU_ASSERT_FALSE(parse(ONE "topology = \"4.2.2.2\" subnet-level = 4", &c));
	CU_ASSERT_TRUE(parse(ONE "topology = \"4.2.2.2\" subnet-level = 3", &c));
	CU_ASSERT_EQUAL(c.subnet_level, 3);
	/* As its own hosts call it (kernel-state 4); without a level there is none. */
	CU_ASSERT_TRUE(parse(ONE "topology = \"4.2.2.2\" subnet-level = 1", &c));
	CU_ASSERT_TRUE(conf_subnet(&c, &p));
	CU_ASSERT(p.addr == 0x0a000028 && p.len == 31);
	CU_ASSERT_TRUE(parse(ONE "topology = \"4.2.2.2\" subnet-level = 0", &c));
	CU_ASSERT_FALSE(conf_subnet(&c, &p));
}

/* Every routing protocol number. */
static void
test_protocols(void)
{
	static const unsigned taken[] = {
		8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 42, 99, 186, 187, 188, 189, 192,
	};
	size_t next = 0, n = sizeof(taken) / sizeof(taken[0]);

	for (unsigned v = 5; v <= 255; v++) {
		bool is_taken = next < n && v == taken[next];
		char text[80];
		struct conf c;

		next += is_taken;
		snprintf(text, sizeof(text), ONE "routing-protocol = %u", v);
		CU_ASSERT_EQUAL(parse(text, &c), !is_taken);
		if (!is_taken)
			CU_ASSERT_EQUAL(c.routing_protocol, v);
	}
	CU_ASSERT_EQUAL(next, n);
}

static void
test_masks(void)
{
	for (unsigned bits = 1; bits <= 32; bits++) {
		uint32_t mask = (uint32_t)((UINT64_C(1) << bits) - 1);
		char text[80];
		struct conf c;

		snprintf(text, sizeof(text), ONE "mark-mask = 0x%x", mask);
		CU_ASSERT_EQUAL(parse(text, &c), bits >= 14);
		if (bits >= 14)
			CU_ASSERT_EQUAL(c.mark_mask, mask);
		snprintf(text, sizeof(text), ONE "mark-mask = %u", mask);
		CU_ASSERT_EQUAL(parse(text, &c), bits >= 14);
	}
}

/* Side by side, and at the ends of what there is. */
static void
test_tables(void)
{
	static const char *const good[] = {
		"tables = \"1500-1400\" more-tables = \"400-1399\"",
		"tables = \"1500-1400\" more-tables = \"1501-2500\"",
		"tables = \"2-1\"", "tables = \"252-251\"", "tables = \"257-256\"",
		"tables = \"16383-12000\"", "more-tables = \"256-1255\"",
		"more-tables = \"15384-16383\"", "tables = \"0xfb-0xc8\"",
		"mark-mask = 0xffffffff more-tables = \"4294966296-4294967295\"",
		"mark-mask = 0xffffffff tables = \"4294967295-4294967294\"",
		"mark-mask = 0xffffffff more-tables = \"256-4294967295\"",
	};
	struct conf c;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), ONE "%s", good[i]);
		if (!parse(text, &c)) {
			tap_note("%s", err);
			CU_FAIL("these go together");
		}
	}
}

/* The longest paths there may be, and one byte more. */
static void
test_paths(void)
{
	static const struct {
		const char *key;
		size_t max;
	} keys[] = { { "runtime-dir", 91 }, { "control-socket", 107 } };
	struct conf c;

	CU_ASSERT_EQUAL(sizeof(((struct sockaddr_un *)NULL)->sun_path), CONF_PATH);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char path[200], text[300];

		memset(path, 'p', sizeof(path));
		path[0] = '/';
		path[keys[i].max] = '\0';
		snprintf(text, sizeof(text), ONE "%s = \"%s\"", keys[i].key, path);
		CU_ASSERT_TRUE(parse(text, &c));
		CU_ASSERT_STRING_EQUAL(i == 0 ? c.runtime_dir : c.control_socket, path);
		path[keys[i].max] = 'p';
		path[keys[i].max + 1] = '\0';
		snprintf(text, sizeof(text), ONE "%s = \"%s\"", keys[i].key, path);
		refused(text, strlen(text), 2, key_of(keys[i].key)->allowed);
	}
	/* The socket follows the directory, the longest one too. */
	CU_ASSERT_TRUE(parse(ONE "runtime-dir = \"/run/a\"", &c));
	CU_ASSERT_STRING_EQUAL(c.control_socket, "/run/a/control");
	CU_ASSERT_TRUE(parse("control-socket = /run/s runtime-dir = \"/run/a\"" ONE, &c));
	CU_ASSERT_STRING_EQUAL(c.control_socket, "/run/s");
}

/* The first and the last of each range of characters, and their neighbours. */
static void
test_characters(void)
{
	static const struct {
		const char *line;
		bool good;
	} cases[] = {
		{ "user = z", true }, { "user = a", true }, { "user = A", true }, { "user = Z", true },
		{ "user = \"a~\"", false }, { "user = \"a{\"", false }, { "user = \"a[\"", false },
		{ "user = \"a`\"", false }, { "user = \"a@\"", false }, { "user = \"~a\"", false },
		{ "rule-priority = 0xabc", true }, { "rule-priority = 0xdef", true },
		{ "rule-priority = 0xABC", true }, { "rule-priority = 0xDEF", true },
		{ "rule-priority = 0x1g", false }, { "rule-priority = 0x1G", false },
		{ "rule-priority = \"0x1`\"", false }, { "rule-priority = \"0x1@\"", false },
		{ "rule-priority = 1A", false }, { "rule-priority = 1a", false },
		{ "runtime-dir = /a", true }, { "runtime-dir = /", false },
		{ "runtime-dir = /run/.x", true }, { "runtime-dir = /run/..x", true },
		{ "runtime-dir = /run/.x/y", true }, { "runtime-dir = /run/.", false },
		{ "runtime-dir = /run/..", false }, { "runtime-dir = /../run", false },
		{ "runtime-dir = \"//run\"", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[128];
		struct conf c;

		snprintf(text, sizeof(text), ONE "%s\n", cases[i].line);
		if (parse(text, &c) != cases[i].good) {
			tap_note("%s: %s", cases[i].line, err);
			CU_FAIL("the verdict is another");
		}
	}
}

static void
test_hexadecimal(void)
{
	static const char *const same[] = { "43981", "0xabcd", "0XABCD", "0xAbCd" };
	struct conf c;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), ONE "handover-delay = %s", same[i]);
		CU_ASSERT_TRUE(parse(text, &c));
		CU_ASSERT_EQUAL(c.handover_delay, 43981);
	}
	CU_ASSERT_TRUE(parse(ONE "handover-delay = 0xef", &c));
	CU_ASSERT_EQUAL(c.handover_delay, 239);
	CU_ASSERT_TRUE(parse(ONE "handover-delay = 0xEF", &c));
	CU_ASSERT_EQUAL(c.handover_delay, 239);
}

/* Two configurations are compared byte for byte: what was longer before leaves nothing behind. */
static void
test_no_traces(void)
{
	struct conf c;

	CU_ASSERT_TRUE(parse(ONE "runtime-dir = /a", &c));
	for (size_t i = strlen(c.control_socket); i < sizeof(c.control_socket); i++)
		CU_ASSERT_EQUAL(c.control_socket[i], '\0');
	CU_ASSERT_STRING_EQUAL(err, "");
}

/* --- what is refused ---------------------------------------------------- */

static void
test_syntax(void)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *part;
	} cases[] = {
		{ "", 0, "interface: none is given" },
		{ "# nothing\n", 0, "interface: none is given" },
		{ ONE "\nmax-path = 5\n", 3, "unknown key \"max-path\"" },
		{ ONE "Max-Paths = 5\n", 2, "unknown key \"Max-Paths\"" },
		{ ONE "interface = \"eth2\"\n", 2, "missing title" },
		{ ONE "max-paths 5\n", 2, "missing equal sign" },
		{ ONE "max-paths = \n", 3, "premature end of file" },
		{ ONE "max-paths\n", 3, "" },
		{ ONE "max-paths += 5\n", 2, "append" },
		{ ONE "max-paths = {5}\n", 2, "unexpected token" },
		{ ONE "max-paths = 5; user = \"x\"\n", 2, "something follows the number" },
		{ ONE "= 5\n", 2, "unexpected token" },
		{ ONE "include(\"/etc/passwd\")\n", 2, "unknown key \"include\"" },
		{ ONE "function() = 3\n", 2, "unknown key" },
		{ ONE "max-paths = \"5\n", 2, "quote that does not end" },
		{ ONE "max-paths = \"5", 2, "quote that does not end" },
		{ ONE "max-paths = '5\n", 2, "quote that does not end" },
		{ ONE "user = *x\n", 2, "\"*\" outside quotes" },
		{ ONE "user = x*\n", 2, "\"*\" outside quotes" },
		{ ONE "user = \"*x\"\n", 2, "a character that no name may have" },
		{ ONE "runtime-dir = /run//x\n", 2, "has an empty component" },
		{ "\n/* begins\n\n" ONE, 2, "comment that does not end" },
		{ ONE "/*/", 2, "comment that does not end" },
		{ ONE "interface eth2 {", 2, "section that does not end" },
		{ ONE "interface eth2 {\n\n\n", 2, "section that does not end" },
		{ ONE "interface eth2 { /* x", 2, "comment that does not end" },
		{ ONE "interface eth2", 2, "premature end of file" },
		{ ONE "interface", 2, "premature end of file" },
		{ ONE "interface eth2 }", 2, "} without {" },
		{ ONE "}\n", 2, "} without {" },
		{ ONE "interface eth2 { interface eth3 { } }", 2,
		    "section within the section of line 2" },
		{ ONE "interface eth2 { max-paths = 5 }", 2, "unknown key \"max-paths\"" },
		{ ONE "interface { }", 2, "missing title" },
		{ ONE "interface eth2 eth3 { }", 2, "missing opening brace" },
		{ ONE "other x { }", 2, "unknown key \"other\"" },
		{ "interface\n\neth1 {\n}\n\ninterface eth1\n{\n\n}", 7,
		    "given twice, first on line 3" },
		{ "interface\nlo\n\n{\n\n}\n", 4, "no interface that can be managed" },
		{ ONE "\nmax-paths = 5\n\nmax-paths = 5\n", 5, "given twice, first on line 3" },
		{ ONE "user = \"${HOME}\"\n", 2, "environment variables are not expanded" },
		{ ONE "user = ${HOME}\n", 2, "environment variables are not expanded" },
		{ ONE "# ${HOME}\n", 2, "environment variables are not expanded" },
		{ ONE "user = \"a\\x41\"\n", 2, "backslash" },
		{ ONE "user = a\\\n", 2, "backslash" },
		{ ONE "interface|eth1 = 3\n", 2, "\"|\"" },
		{ ONE "user = \"a\tb\"\n", 2, "a character that no name may have" },
		{ ONE "user = \"a\001b\"\n", 2, "control character 0x01" },
		{ ONE "# \033[2J\n", 2, "control character 0x1b" },
		{ ONE "\x7f\n", 2, "control character 0x7f" },
		{ ONE "max-paths = 5\r\n", 2, "carriage return" },
		{ ONE "user = \"\xc3\xa4\"\n", 2, "byte 0xc3" },
		{ "\xef\xbb\xbf" ONE, 1, "byte 0xef" },
		{ "# one\n/* two\nthree */\n// four\nmax-paths = 99\n" ONE, 5, "above 20" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].part);
}

static void
test_nul(void)
{
	static const char in_value[] = ONE "user = \"ntkd\0x\"\n";
	static const char in_comment[] = ONE "# \0\n";
	static const char at_end[] = ONE "\0";
	static const char first[] = "\0" ONE;

	refused(in_value, sizeof(in_value) - 1, 2, "control character 0x00");
	refused(in_comment, sizeof(in_comment) - 1, 2, "control character 0x00");
	refused(at_end, sizeof(at_end) - 1, 2, "control character 0x00");
	refused(first, sizeof(first) - 1, 1, "control character 0x00");
}

/* A file cut off within a text or a section is refused, and for that reason. */
static void
test_truncated(void)
{
	bool quote = false, section = false;
	unsigned refusals = 0;
	struct conf c;

	for (size_t len = 0; len < sizeof(other) - 1; len++) {
		bool ok = parse_len(other, len, NULL, &c);

		if (quote || section) {
			CU_ASSERT_FALSE(ok);
			CU_ASSERT_TRUE(has(err, quote ? "quote that does not end" :
			    "section that does not end"));
			refusals++;
		}
		quote ^= other[len] == '"';
		section = other[len] == '{' || (section && other[len] != '}');
	}
	CU_ASSERT_TRUE(refusals > 100);
}

/* However many sections follow, the first one too many is told, with its line. */
static void
many_sections(int n)
{
	char text[64 * 32] = "";

	for (int i = 0; i < n; i++)
		snprintf(text + strlen(text), 32, "interface eth%d { }\n", i);
	refused(text, strlen(text), 17, "is one more than 16");
	memcpy(strstr(text, "eth2 "), "eth0 ", 5);
	refused(text, strlen(text), 3, "given twice, first on line 1");
}

static void
test_many(void)
{
	static char text[CONF_FILE_MAX + 2];
	char many[17 * 32] = "";
	struct conf c;
	size_t len;

	for (int i = 0; i < 16; i++)
		snprintf(many + strlen(many), 32, "interface eth%d { }\n", i);
	CU_ASSERT_TRUE(parse(many, &c));
	CU_ASSERT_EQUAL(c.n_interfaces, 16);
	snprintf(many + strlen(many), 32, "interface eth16 {\n}\n");
	refused(many, strlen(many), 17, "is one more than 16");
	CU_ASSERT_TRUE(has(err, "interface = \"eth16\""));
	many_sections(40);
	/* The longest file there may be, and one byte more. */
	memset(text, '\n', sizeof(text));
	len = strlen(ONE);
	memcpy(text, ONE, len);
	CU_ASSERT_TRUE(parse_len(text, CONF_FILE_MAX, NULL, &c));
	CU_ASSERT_FALSE(parse_len(text, CONF_FILE_MAX + 1, NULL, &c));
	CU_ASSERT_TRUE(has(err, "at most 65536 bytes"));
}

/* The longest value that is looked at, and one byte more. */
static void
test_longest_value(void)
{
	char text[400], value[290];
	struct conf c;

	memset(value, '2', sizeof(value));
	for (size_t n = 287; n <= 288; n++) {
		value[n] = '\0';
		snprintf(text, sizeof(text), ONE "topology = \"%s\"", value);
		value[n] = '2';
		CU_ASSERT_FALSE(parse(text, &c));
		CU_ASSERT_EQUAL(strstr(err, "is longer than any value") != NULL, n == 288);
	}
}

/* What stands behind the end of the text is not looked at. */
static void
test_end(void)
{
	static const char text[] = ONE "/*";

	refused(text, sizeof(text) - 2, 2, "");
	CU_ASSERT_PTR_NULL(strstr(err, "comment"));
}

/* No line is noted for which there is no room. */
static void
test_section_lines(void)
{
	static const char text[] = "interface a { }\ninterface b { }\ninterface c { }\n";
	static struct conf_build b;
	char clean[sizeof(text)];
	unsigned lines[3] = { 77, 77, 77 };

	b.name = NAME;
	b.err = err;
	CU_ASSERT_TRUE(conf_scan(&b, text, sizeof(text) - 1, clean, lines, 2));
	CU_ASSERT(lines[0] == 1 && lines[1] == 2 && lines[2] == 77);
}

/* Which of two reasons is told. */
static void
test_reasons(void)
{
	static const struct {
		const char *line;
		const char *part;
	} cases[] = {
		{ "tables = 251x200", "something follows the number" },
		{ "tables = x-5", "is no number" },
		{ "tables = 251", "is not of the form" },
		{ "more-tables = 5000-5000", "does not count up" },
		{ "range = \"10.0.0.0/30\"", "is too small for any topology" },
	};
	struct conf c;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[128];

		snprintf(text, sizeof(text), ONE "%s\n", cases[i].line);
		refused(text, strlen(text), 2, cases[i].part);
	}
	parse(ONE "range = \"10.0.0.0/29\"", &c);
	CU_ASSERT_PTR_NULL(strstr(err, "is too small for any topology"));
}

/* Values of any length and kind make an error of one whole line. */
static void
test_long_values(void)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		for (size_t n = 1; n < 3000; n = n * 2 + 1) {
			char text[4096], value[3001];
			struct conf c;

			memset(value, '7', n);
			value[n] = '\0';
			if (strcmp(conf_keys[i].name, "interface") == 0)
				snprintf(text, sizeof(text), "interface \"%s\" { }", value);
			else
				snprintf(text, sizeof(text), ONE "%s = \"%s\"",
				    conf_keys[i].name, value);
			if (parse(text, &c))
				continue;
			CU_ASSERT_TRUE(has(err, conf_keys[i].allowed));
			CU_ASSERT_TRUE(has(err, conf_keys[i].name));
			CU_ASSERT_TRUE(strlen(err) < CONF_ERROR - 1);
			if (n > 100)
				CU_ASSERT_TRUE(has(err, "7777..."));
		}
}

/* A name of a file that would forge or break a line. */
static void
test_file_name(void)
{
	char name[600];
	struct conf c;

	CU_ASSERT_FALSE(conf_parse("x", 1, "a\nb\033", NULL, 0, &c, err));
	CU_ASSERT_EQUAL(strncmp(err, "a\\x0ab\\x1b:1: ", 14), 0);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	CU_ASSERT_FALSE(conf_parse("mode = 3", 8, name, NULL, 0, &c, err));
	CU_ASSERT_TRUE(has(err, "n:1: mode = \"3\": is no mode; allowed: auto or manual"));
}

/* --- overrides ---------------------------------------------------------- */

static void
test_overrides(void)
{
	struct conf_override o[] = {
		{ "max-paths=3" }, { "interface=eth2" }, { "max-paths=7" }, { "control-group=" },
		{ "mode=manual" }, { "topology=4.2.2.2" }, { "address=1.0.1.0" },
	};
	static const char text[] = ONE "max-paths = 9\ncontrol-group = \"adm\"\n";
	size_t n = sizeof(o) / sizeof(o[0]);
	struct conf c;

	CU_ASSERT_TRUE_FATAL(conf_parse(text, strlen(text), NAME, o, n, &c, err));
	CU_ASSERT_EQUAL(c.max_paths, 7);
	CU_ASSERT_EQUAL(c.n_interfaces, 2);
	CU_ASSERT_STRING_EQUAL(c.interfaces[1].name, "eth2");
	CU_ASSERT_STRING_EQUAL(c.control_group, "");
	CU_ASSERT_EQUAL(c.mode, CONF_MANUAL);
	CU_ASSERT_TRUE(c.has_address);
	/* Nothing is left of what they take the place of. */
	CU_ASSERT_TRUE(parse_len(other, strlen(other), "address=", &c));
	CU_ASSERT_FALSE(c.has_address);
	CU_ASSERT_TRUE(parse_len(other, strlen(other), "mode=auto", &c));
	CU_ASSERT_EQUAL(c.mode, CONF_AUTO);
	CU_ASSERT_STRING_EQUAL(err, "");
	CU_ASSERT_TRUE(parse_len("", 0, "interface=eth3", &c));
	CU_ASSERT_STRING_EQUAL(c.interfaces[0].name, "eth3");
	CU_ASSERT_TRUE(parse_len(ONE "user = \"x\"", strlen(ONE) + 10, "user=y", &c));
	CU_ASSERT_STRING_EQUAL(c.user, "y");
}

static void
test_bad_overrides(void)
{
	static const struct {
		const char *text;
		const char *part;
	} cases[] = {
		{ "max-paths=21", "max-paths = \"21\": above 20; allowed: a number from 1 to 20" },
		{ "max-paths", "no key and value" },
		{ "=5", "no key and value" },
		{ "", "no key and value" },
		{ "max-paths =5", "unknown key \"max-paths \"" },
		{ "max-path=5", "unknown key \"max-path\"" },
		{ "a-key-of-exactly-as-many-as-32-b=5", "no key and value" },
		{ "interface=/a", "holds a character" },
		{ "interface=a\x7f", "holds a character" },
		{ "a-key-that-is-far-longer-than-any-key=5", "no key and value" },
		{ "max-paths=\"5\"", "is no number" },
		{ "interface=eth1", "given twice, first on line 1" },
		{ "interface=", "is empty" },
		{ "user=${HOME}", "a character that no name may have" },
		{ "user=a\nb", "user = \"a\\x0ab\"" },
		{ "runtime-dir=/run/\033", "holds a character" },
		{ "subnet-level=16", "the levels 0 to 15" },
		{ "range=10.0.0.0/16", "the range has 16" },
		{ "range=255.255.255.2555/8", "is no prefix" },
		{ "topology=2.2.2", "the highest level" },
		{ "user=ntkd-priv", "user and helper-user are the same" },
		{ "tables=10100-9000", "tables and more-tables share numbers" },
		{ "mark-mask=0xff", "does not fit" },
		{ "control-socket=/run/ntkd", "is runtime-dir itself" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf c;

		CU_ASSERT_FALSE(parse_len(ONE, strlen(ONE), cases[i].text, &c));
		CU_ASSERT_EQUAL(strncmp(err, "option -o: ", 11), 0);
		CU_ASSERT_TRUE(has(err, cases[i].part));
		CU_ASSERT_TRUE(has(err, "allowed: "));
	}
}

/* A wrong value in the file counts even if an override takes its place. */
static void
test_override_order(void)
{
	static const char text[] = ONE "max-paths = 99\n";
	struct conf c;

	CU_ASSERT_FALSE(parse_len(text, strlen(text), "max-paths=5", &c));
	CU_ASSERT_TRUE(has(err, NAME ":2: max-paths"));
}

/* --- print -------------------------------------------------------------- */

/* C prints as a file that is read as C again. */
static void
prints_back(const struct conf *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct conf again;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	conf_print(c, f);
	fclose(f);
	for (size_t i = 0; i < conf_n_keys; i++)
		if (c->has_address || strcmp(conf_keys[i].name, "address") != 0)
			CU_ASSERT_TRUE(has(text, conf_keys[i].name));
	if (!parse_len(text, len, NULL, &again))
		tap_note("%s", err);
	CU_ASSERT_EQUAL(memcmp(c, &again, sizeof(again)), 0);
	free(text);
}

static void
test_print(void)
{
	struct conf c;

	CU_ASSERT_TRUE(parse(ONE, &c));
	prints_back(&c);
	CU_ASSERT_TRUE(parse(other, &c));
	prints_back(&c);
}

/* Configurations of random good values, for all keys that need no others to agree. */
static void
test_print_random(void)
{
	static const char name_chars[] = "abcXYZ0189._-+@=,~!^&*()[]<>;?#`";
	struct rng r;

	rng_init(&r, 11);
	for (int round = 0; round < 300; round++) {
		char text[1024];
		int len = 0;
		struct conf c;

		for (unsigned i = 1 + rng_below(&r, 15); i > 0; i--) {
			char name[CONF_IFNAME] = "";

			snprintf(name, sizeof(name), "%c%u", 'a' + (int)i, i);
			for (size_t n = strlen(name); n < 4 + rng_below(&r, 11); n++)
				name[n] = name_chars[rng_below(&r, sizeof(name_chars) - 1)];
			len += snprintf(text + len, sizeof(text) - (size_t)len,
			    "interface \"%s\" { }\n", name);
		}
		len += snprintf(text + len, sizeof(text) - (size_t)len,
		    "max-paths = %u radar-interval = %u handover-delay = %u rule-priority = %u "
		    "mark-mask = 0x%x mode = %s anonymize-others = %s user = %u\n",
		    1 + rng_below(&r, 20), 100 + rng_below(&r, 59901), rng_below(&r, 3600001),
		    1 + rng_below(&r, 32764), (1U << (14 + rng_below(&r, 18))) - 1,
		    rng_below(&r, 2) != 0 ? "auto" : "manual",
		    rng_below(&r, 2) != 0 ? "true" : "false",
		    1 + rng_below(&r, UINT32_MAX - 2));
		if (!parse(text, &c))
			tap_note("%s", err);
		prints_back(&c);
	}
}

/* --- open files --------------------------------------------------------- */

/* A file of root's with TEXT, mode MODE; the caller closes it. */
static int
file_with(const char *text, mode_t mode)
{
	char name[] = "/tmp/test_conf.XXXXXX";
	int fd = mkstemp(name);

	CU_ASSERT_FATAL(fd >= 0);
	unlink(name);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	CU_ASSERT_EQUAL(fchmod(fd, mode), 0);
	return fd;
}

static bool
read_fd(int fd, bool check_owner)
{
	struct conf c;

	return conf_read(fd, NAME, check_owner, NULL, 0, &c, err);
}

static void
test_read(void)
{
	int fd = file_with(ONE "max-paths = 3\n", 0644);
	struct conf_override o = { "radar-interval=200" };
	struct conf c;
	off_t before = lseek(fd, 0, SEEK_CUR);

	/* Twice, as two processes with one descriptor do. */
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(conf_read(fd, NAME, false, &o, 1, &c, err));
		CU_ASSERT_EQUAL(c.max_paths, 3);
		CU_ASSERT_EQUAL(c.radar_interval, 200);
		CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_CUR), before);
	}
	close(fd);
	fd = file_with(ONE "max-paths = 33\n", 0644);
	CU_ASSERT_FALSE(read_fd(fd, false));
	CU_ASSERT_TRUE(has(err, NAME ":2: max-paths = \"33\": above 20"));
	close(fd);
}

static void
test_kinds(void)
{
	int fd, pair[2];

	fd = open("/", O_RDONLY | O_DIRECTORY);
	CU_ASSERT_FALSE(read_fd(fd, false));
	CU_ASSERT_TRUE(has(err, NAME ": is no regular file"));
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	CU_ASSERT_FALSE(read_fd(fd, false));
	CU_ASSERT_TRUE(has(err, "is no regular file"));
	close(fd);
	CU_ASSERT_EQUAL_FATAL(pipe(pair), 0);
	CU_ASSERT_FALSE(read_fd(pair[0], true));
	CU_ASSERT_TRUE(has(err, "is no regular file"));
	close(pair[0]);
	close(pair[1]);
	CU_ASSERT_FALSE(read_fd(-1, true));
	CU_ASSERT_TRUE(has(err, "Bad file descriptor"));
	fd = file_with(ONE, 0600);
	CU_ASSERT_EQUAL(ftruncate(fd, CONF_FILE_MAX + 1), 0);
	CU_ASSERT_FALSE(read_fd(fd, false));
	CU_ASSERT_TRUE(has(err, "has 65537 bytes; allowed: at most 65536"));
	close(fd);
}

static void
test_sizes(void)
{
	static char text[CONF_FILE_MAX + 1];
	int fd;

	memset(text, '\n', CONF_FILE_MAX);
	memcpy(text, ONE, strlen(ONE));
	fd = file_with(text, 0600);
	/* What errno was before does not matter. */
	errno = EINTR;
	CU_ASSERT_TRUE(read_fd(fd, false));
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_END), CONF_FILE_MAX);
	close(fd);
	/* A file that is longer than it says it is. */
	fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		tap_note("no /proc/kallsyms: a file that grew is not tried");
		return;
	}
	CU_ASSERT_FALSE(read_fd(fd, false));
	CU_ASSERT_TRUE(has(err, "the file is too long; allowed: at most 65536 bytes"));
	close(fd);
}

/* A file that cannot be read. */
static void
test_unreadable(void)
{
	char path[] = "/tmp/ntk-conf.XXXXXX";
	int fd = mkstemp(path), blind;

	CU_ASSERT_FATAL(fd >= 0);
	blind = open(path, O_WRONLY | O_CLOEXEC);
	unlink(path);
	CU_ASSERT_FATAL(blind >= 0);
	CU_ASSERT_FALSE(read_fd(blind, false));
	CU_ASSERT_TRUE(has(err, NAME ": Bad file descriptor"));
	close(blind);
	close(fd);
}

/* --- without memory ----------------------------------------------------- */

#if !defined(__SANITIZE_ADDRESS__)

enum { SPARE = 8 };

/* Takes all memory there is, from now on, but for the SPARE pieces. */
static void
memory_exhaust(void *spare[SPARE], const size_t size[SPARE])
{
	const struct rlimit none = { 0, 0 };

	for (size_t i = 0; i < SPARE; i++) {
		spare[i] = malloc(size[i]);
		/* So that no two pieces become one. */
		if (spare[i] == NULL || malloc(4096) == NULL)
			_exit(2);
	}
	if (setrlimit(RLIMIT_AS, &none) != 0)
		_exit(2);
	for (size_t n = 1 << 20; n >= 16; n -= n > 64 ? n / 8 : 8)
		while (malloc(n) != NULL)
			;
}

/* In a process of its own: how many pieces of memory are needed before reading works. */
static int
without_memory(int fd)
{
	static const char text[] = ONE;
	const size_t size[SPARE] = { sizeof(struct conf_build), sizeof(text) };
	size_t sizes[SPARE];
	void *spare[SPARE];
	struct conf c;

	for (size_t i = 0; i < SPARE; i++)
		sizes[i] = size[i] != 0 ? size[i] : 64;
	memory_exhaust(spare, sizes);
	if (conf_read(fd, NAME, false, NULL, 0, &c, err) || !has(err, NAME ": not enough memory"))
		return 3;
	for (size_t i = 0; i < 3; i++) {
		err[0] = '\0';
		if (conf_parse(text, sizeof(text) - 1, NAME, NULL, 0, &c, err) ||
		    strcmp(err, NAME ": not enough memory") != 0)
			return 4 + (int)i;
		free(spare[i]);
	}
	return 0;
}

static void
test_memory(void)
{
	int fd = file_with(ONE, 0600), status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(without_memory(fd));
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT(waitpid(pid, &status, 0) == pid);
	CU_ASSERT_EQUAL(status, 0);
	if (status != 0)
		tap_note("wait status %x", (unsigned)status);
	close(fd);
}

#else

static void
test_memory(void)
{
	tap_skip("the address sanitizer ends a process without memory");
}

#endif

static void
test_owner(void)
{
	static const mode_t bad[] = { 0664, 0646, 0666, 0620, 0602, 0777 };
	static const mode_t good[] = { 0644, 0600, 0400, 0755, 0444 };
	int fd = file_with(ONE, 0644);

	if (geteuid() != 0) {
		CU_ASSERT_FALSE(read_fd(fd, true));
		CU_ASSERT_TRUE(has(err, "is owned by user"));
		CU_ASSERT_TRUE(read_fd(fd, false));
		close(fd);
		tap_skip("only root can make files of root's");
		return;
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(fchmod(fd, bad[i]), 0);
		CU_ASSERT_FALSE(read_fd(fd, true));
		CU_ASSERT_TRUE(has(err, "allowed: writable by root alone"));
		CU_ASSERT_TRUE(read_fd(fd, false));
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CU_ASSERT_EQUAL(fchmod(fd, good[i]), 0);
		CU_ASSERT_TRUE(read_fd(fd, true));
	}
	CU_ASSERT_EQUAL(fchown(fd, 12345, 0), 0);
	CU_ASSERT_FALSE(read_fd(fd, true));
	CU_ASSERT_TRUE(has(err, "is owned by user 12345; allowed: root alone"));
	CU_ASSERT_TRUE(read_fd(fd, false));
	close(fd);
}

/* --- users and groups --------------------------------------------------- */

static void
test_users(void)
{
	const struct passwd *pw;
	uid_t uid;
	gid_t gid;

	CU_ASSERT_TRUE(conf_user("4242", &uid, &gid, err));
	CU_ASSERT_EQUAL(uid, 4242);
	CU_ASSERT_EQUAL(gid, 4242);
	CU_ASSERT_FALSE(conf_user("root", &uid, &gid, err));
	CU_ASSERT_TRUE(has(err, "user \"root\": is root"));
	CU_ASSERT_FALSE(conf_user("0", &uid, &gid, err));
	CU_ASSERT_FALSE(conf_user("4294967295", &uid, &gid, err));
	CU_ASSERT_FALSE(conf_user("no-such-user-here", &uid, &gid, err));
	CU_ASSERT_TRUE(has(err, "user \"no-such-user-here\": there is no such user"));
	setpwent();
	while ((pw = getpwent()) != NULL)
		if (pw->pw_uid != 0 && pw->pw_gid != 0)
			break;
	if (pw != NULL) {
		char name[CONF_NAME];
		uid_t want_uid = pw->pw_uid;
		gid_t want_gid = pw->pw_gid;

		snprintf(name, sizeof(name), "%s", pw->pw_name);
		CU_ASSERT_TRUE(conf_user(name, &uid, &gid, err));
		CU_ASSERT_EQUAL(uid, want_uid);
		CU_ASSERT_EQUAL(gid, want_gid);
	}
	endpwent();
}

/*
 * Users that no system should have; the others are looked up as always.  Takes the place of
 * the C library's function.
 */
struct passwd *
getpwnam(const char *name)
{
	static struct passwd odd[] = {
		{ .pw_name = (char *)"odd-uid-0", .pw_uid = 0, .pw_gid = 5 },
		{ .pw_name = (char *)"odd-gid-0", .pw_uid = 5, .pw_gid = 0 },
		{ .pw_name = (char *)"odd-uid-none", .pw_uid = (uid_t)-1, .pw_gid = 5 },
		{ .pw_name = (char *)"odd-gid-none", .pw_uid = 5, .pw_gid = (gid_t)-1 },
	};
	static struct passwd found;
	static char buf[4096];
	struct passwd *result = NULL;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (strcmp(name, odd[i].pw_name) == 0)
			return &odd[i];
	getpwnam_r(name, &found, buf, sizeof(buf), &result);
	return result;
}

static void
test_odd_users(void)
{
	uid_t uid;
	gid_t gid;

	CU_ASSERT_FALSE(conf_user("odd-uid-0", &uid, &gid, err));
	CU_ASSERT_TRUE(has(err, "is root or in root's group"));
	CU_ASSERT_FALSE(conf_user("odd-gid-0", &uid, &gid, err));
	CU_ASSERT_TRUE(has(err, "is root or in root's group"));
	CU_ASSERT_FALSE(conf_user("odd-uid-none", &uid, &gid, err));
	CU_ASSERT_TRUE(has(err, "means nobody at all"));
	CU_ASSERT_FALSE(conf_user("odd-gid-none", &uid, &gid, err));
	CU_ASSERT_TRUE(has(err, "means nobody at all"));
	/* What looks like a number is none. */
	CU_ASSERT_FALSE(conf_user("", &uid, &gid, err));
	CU_ASSERT_TRUE(has(err, "there is no such user"));
	CU_ASSERT_FALSE(conf_user("42x", &uid, &gid, err));
	/* What errno was before does not matter. */
	errno = EIO;
	CU_ASSERT_FALSE(conf_user("no-such-user-here", &uid, &gid, err));
	CU_ASSERT_TRUE(has(err, "there is no such user"));
	errno = EIO;
	CU_ASSERT_FALSE(conf_group("no-such-group-here", &gid, err));
	CU_ASSERT_TRUE(has(err, "there is no such group"));
}

static void
test_groups(void)
{
	const struct group *gr = getgrgid(1);
	gid_t gid = 7;

	CU_ASSERT_TRUE(conf_group("", &gid, err));
	CU_ASSERT_EQUAL(gid, (gid_t)-1);
	CU_ASSERT_TRUE(conf_group("0", &gid, err));
	CU_ASSERT_EQUAL(gid, 0);
	CU_ASSERT_TRUE(conf_group("4242", &gid, err));
	CU_ASSERT_EQUAL(gid, 4242);
	CU_ASSERT_FALSE(conf_group("no-such-group-here", &gid, err));
	CU_ASSERT_TRUE(has(err, "group \"no-such-group-here\": there is no such group"));
	if (gr != NULL) {
		char name[CONF_NAME];

		snprintf(name, sizeof(name), "%s", gr->gr_name);
		CU_ASSERT_TRUE(conf_group(name, &gid, err));
		CU_ASSERT_EQUAL(gid, 1);
	}
}

/* --- documents ---------------------------------------------------------- */

/* The whole file below the source tree; the caller frees it. */
static char *
source_text(const char *name)
{
	static char path[4096];
	char *text = calloc(1, 1 << 18);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", tap_srcdir(), name);
	f = fopen(path, "r");
	if (f == NULL || text == NULL) {
		tap_note("cannot read %s", path);
		CU_FAIL_FATAL("the file is there");
		return text;
	}
	text[fread(text, 1, (1 << 18) - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* Takes mdoc's escapes out of TEXT and makes one space of all white space. */
static void
plain(char *text)
{
	static const struct {
		const char *escape;
		char c;
	} escapes[] = { { "\\e", '\\' }, { "\\(aq", '\'' }, { "\\(dq", '"' }, { "\\-", '-' } };
	char *out = text;

	while (*text != '\0') {
		size_t i, n = sizeof(escapes) / sizeof(escapes[0]);

		for (i = 0; i < n; i++)
			if (strncmp(text, escapes[i].escape, strlen(escapes[i].escape)) == 0)
				break;
		if (i < n) {
			*out++ = escapes[i].c;
			text += strlen(escapes[i].escape);
		} else if (*text == '\n' || *text == ' ') {
			*out++ = ' ';
			text += strspn(text, "\n ");
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* The page has every key with its default and what is allowed, in the words of the errors. */
static void
test_page(void)
{
	char *page = source_text("man/ntkd.conf.5");

	plain(page);
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *k = &conf_keys[i];
		char item[64], fallback[128], allowed[256], *at, *next;

		snprintf(item, sizeof(item), " .It Ic %s ", k->name);
		snprintf(fallback, sizeof(fallback), " Default: %s",
		    k->fallback[0] != '\0' ? k->fallback :
		    strcmp(k->kind, "section") == 0 ? "none" : "empty");
		snprintf(allowed, sizeof(allowed), " Allowed: %s.", k->allowed);
		at = strstr(page, item);
		if (at == NULL) {
			tap_note("no item for %s", k->name);
			CU_FAIL("every key is in the page");
			continue;
		}
		next = strstr(at + 1, " .It Ic ");
		if (next != NULL)
			*next = '\0';
		CU_ASSERT_TRUE(has(at, fallback));
		CU_ASSERT_TRUE(has(at, allowed));
		if (strstr(k->name, "interval") != NULL || strstr(k->name, "delay") != NULL)
			CU_ASSERT_TRUE(has(at, "Unit: milliseconds."));
		if (next != NULL)
			*next = ' ';
	}
	free(page);
}

/*
 * The last key and value of LINE: "a = 1 b = "x y"" gives b and "x y", "interface
 * eth1 { }" gives interface and eth1.
 */
static void
last_setting(const char *line, char *key, char *value, size_t size)
{
	const char *p = line;

	while (*(p += strspn(p, " {}")) != '\0') {
		size_t len = strcspn(p, " ");

		snprintf(key, size, "%.*s", (int)len, p);
		p += len;
		p += strspn(p, " =");
		len = *p == '"' ? strcspn(p + 1, "\"") : strcspn(p, " ");
		p += *p == '"';
		snprintf(value, size, "%.*s", (int)len, p);
		p += len;
		p += *p == '"';
	}
}

/* One line of the page's lists: "setting   # reason". */
static void
refused_line(const char *line)
{
	const char *reason = strstr(line, " # ");
	char setting[512], text[600], key[256], value[256], shown[80], want[400];

	if (reason == NULL) {
		tap_note("no reason: %s", line);
		CU_FAIL("every line of the list has a reason");
		return;
	}
	snprintf(setting, sizeof(setting), "%.*s", (int)(reason - line), line);
	last_setting(setting, key, value, sizeof(key));
	if (key_of(key) == NULL) {
		tap_note("no key %s: %s", key, line);
		CU_FAIL("every line of the list has a key");
		return;
	}
	snprintf(text, sizeof(text), "%s%s\n", strcmp(key, "interface") == 0 ? "\n" : ONE, line);
	refused(text, strlen(text), 2, reason + 3);
	CU_ASSERT_TRUE(has(err, key_of(key)->allowed));
	snprintf(shown, sizeof(shown), "%.56s", value);
	snprintf(want, sizeof(want), "%s = \"%s", key, shown);
	CU_ASSERT_TRUE(has(err, want));
}

/* Everything that the page calls refused is, where, and for the reason that it gives. */
static void
test_refused(void)
{
	char *page = source_text("man/ntkd.conf.5");
	char *section = strstr(page, "\n.Sh WHAT IS REFUSED\n");
	char *end = section != NULL ? strstr(section + 1, "\n.Sh ") : NULL;
	bool inside = false;
	unsigned lines = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(end);
	*end = '\0';
	for (size_t i = 0; i < conf_n_keys; i++) {
		char start[64];

		snprintf(start, sizeof(start), "\n%s ", conf_keys[i].name);
		CU_ASSERT_TRUE(strstr(section, start) != NULL ||
		    (snprintf(start, sizeof(start), " %s = ", conf_keys[i].name) > 0 &&
		    has(section, start)));
	}
	for (char *line = strtok(section, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (strncmp(line, ".Bd", 3) == 0 || strncmp(line, ".Ed", 3) == 0) {
			inside = line[1] == 'B';
			continue;
		}
		if (!inside)
			continue;
		refused_line(line);
		lines++;
	}
	CU_ASSERT_TRUE(lines > 130);
	free(page);
}

/* The example as it is, and with what is commented out: both are the defaults. */
static void
test_example(void)
{
	char *text = source_text("contrib/ntkd.conf");
	struct conf c, again;
	unsigned settings = 0;

	CU_ASSERT_TRUE_FATAL(parse(text, &c));
	for (char *p = text; p != NULL && *p != '\0'; p = strchr(p, '\n'), p += p != NULL)
		if (p[0] == '#' && p[1] >= 'a' && p[1] <= 'z') {
			p[0] = ' ';
			settings++;
		}
	if (!parse(text, &again))
		tap_note("%s", err);
	CU_ASSERT_EQUAL(memcmp(&c, &again, sizeof(c)), 0);
	/* All keys but address and interface. */
	CU_ASSERT_EQUAL(settings, conf_n_keys - 2);
	CU_ASSERT_TRUE(has(text, "\n# address = "));
	CU_ASSERT_TRUE(parse(ONE, &again));
	CU_ASSERT_EQUAL(memcmp(&c, &again, sizeof(c)), 0);
	free(text);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "defaults", test_defaults },
		{ "every key", test_every_key },
		{ "forms of the same", test_forms },
		{ "bounds of numbers are those that are told", test_bounds },
		{ "subnet-level and topology", test_subnet_level },
		{ "every routing protocol", test_protocols },
		{ "every mask", test_masks },
		{ "tables side by side", test_tables },
		{ "longest paths", test_paths },
		{ "characters, each at the end of its range", test_characters },
		{ "hexadecimal numbers", test_hexadecimal },
		{ "nothing is left of a longer value", test_no_traces },
		{ "wrong syntax, with its line", test_syntax },
		{ "NUL bytes", test_nul },
		{ "cut off anywhere", test_truncated },
		{ "too many interfaces, too long a file", test_many },
		{ "values of any length", test_long_values },
		{ "the longest value", test_longest_value },
		{ "nothing is read behind the end", test_end },
		{ "lines of sections, as far as there is room", test_section_lines },
		{ "the reason that is told", test_reasons },
		{ "names of files cannot forge lines", test_file_name },
		{ "overrides", test_overrides },
		{ "wrong overrides", test_bad_overrides },
		{ "an override hides no error of the file", test_override_order },
		{ "prints what it reads back", test_print },
		{ "prints what it reads back, random values", test_print_random },
		{ "reads an open file twice", test_read },
		{ "kinds and sizes of files", test_kinds },
		{ "the longest file, and one that is longer than it says", test_sizes },
		{ "a file that cannot be read", test_unreadable },
		{ "no memory", test_memory },
		{ "owner and mode", test_owner },
		{ "users", test_users },
		{ "users that no system should have", test_odd_users },
		{ "groups", test_groups },
		{ "the page tells every key, default and range", test_page },
		{ "everything that the page calls refused", test_refused },
		{ "the example", test_example },
	};

	return TAP_RUN(tests);
}
