/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "ntkctl/client.h"
#include "ntkctl/fmt.h"
#include "ntkctl/help.h"
#include "ntkctl/table.h"
#include "ntkctl/verbs.h"
#include "tests/unit/tap.h"

static char printed[65536];

static FILE *
print_begin(void)
{
	FILE *f;

	memset(printed, 0, sizeof(printed));
	f = fmemopen(printed, sizeof(printed) - 1, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f;
}

/* What the result TEXT of VERB looks like to people, in `printed`. */
static bool
table(const char *verb, const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	FILE *f = print_begin();
	bool ok;

	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	ok = table_result(f, ctl_verb_find(verb), json);
	fclose(f);
	json_decref(json);
	return ok;
}

static void
cell_is(const char *text, const char *want)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	char *cell = fmt_cell(json);

	CU_ASSERT_PTR_NOT_NULL_FATAL(cell);
	CU_ASSERT_STRING_EQUAL(cell, want);
	free(cell);
	json_decref(json);
}

static void
test_cells(void)
{
	static const char *const rows[][2] = {
		{ "true", "yes" }, { "false", "no" }, { "null", "-" }, { "7", "7" }, { "-7", "-7" },
		{ "\"eth1\"", "eth1" }, { "\"\"", "-" }, { "[]", "-" }, { "[2,0]", "(2,0)" },
		{ "[[2,0],[3,1]]", "(2,0) (3,1)" }, { "[\"a\",\"b\"]", "\"a\" \"b\"" },
		{ "[{\"a\":1,\"h\":[[2,0],[3,1]]},{\"a\":\"\\n\"}]", "a 1, h (2,0) (3,1); a \\x0a" },
		{ "[{\"a\":[{\"b\":1}]},2]", "a ...; 2" },
		{ "{\"a\":1}", "{\"a\":1}" }, { "[[[[1]]]]", "[[[1]]]" },
		{ "\"\\u001b[2J\\u202e\\n\\u007f\\\\\"", "\\x1b[2J\\xe2\\x80\\xae\\x0a\\x7f\\x5c" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cell_is(rows[i][0], rows[i][1]);
}

static void
test_tables(void)
{
	CU_ASSERT_TRUE(table("show_tables", "[{\"table\":251,\"name\":\"ntk\"},"
	    "{\"table\":10000,\"name\":\"x\",\"mac\":\"m\",\"references\":2}]"));
	CU_ASSERT_STRING_EQUAL(printed,
	    "TABLE  NAME  MAC  REFERENCES\n"
	    "251    ntk   -    -\n"
	    "10000  x     m    2\n");
	CU_ASSERT_TRUE(table("show_tables", "[]"));
	CU_ASSERT_STRING_EQUAL(printed, "none\n");
	CU_ASSERT_TRUE(table("show_ntkaddress", "{\"address\":\"1.0.1.0\",\"addresses\":[]}"));
	CU_ASSERT_STRING_EQUAL(printed, "address     1.0.1.0\nelderships  -\n\naddresses:\nnone\n");
	CU_ASSERT_TRUE(table("load_state", "{\"index\":3}"));
	CU_ASSERT_STRING_EQUAL(printed, "3\n");
	CU_ASSERT_TRUE(table("quit", "null"));
	CU_ASSERT_STRING_EQUAL(printed, "");
}

/* Records show what is there, in the table's order; events are a line each. */
static void
test_records(void)
{
	json_t *json = json_loads("{\"text\":\"in words\",\"event\":\"identity_made\",\"identity\":1,"
	    "\"time\":\"T\",\"other\":2}", 0, NULL);
	FILE *f;

	CU_ASSERT_TRUE(table("explain", "[{\"type\":\"none\",\"identity\":0},{\"identity\":1}]"));
	CU_ASSERT_STRING_EQUAL(printed, "identity          0\ntype              none\n\nidentity          1\n");
	CU_ASSERT_FALSE(table("explain", "{}"));
	CU_ASSERT_FALSE(table("explain", "[1]"));
	CU_ASSERT_TRUE(table("events", "null"));
	CU_ASSERT_STRING_EQUAL(printed, "");
	f = print_begin();
	CU_ASSERT_TRUE(table_event(f, ctl_verb_find("events"), json));
	CU_ASSERT_FALSE(table_event(f, ctl_verb_find("events"), NULL));
	fclose(f);
	CU_ASSERT_STRING_EQUAL(printed, "T  identity_made        identity=1 in words\n");
	json_decref(json);
}

/* A daemon that is not healthy: nothing it says crashes us, or gets to the terminal as it is. */
static void
test_strange_results(void)
{
	static const char *const texts[] = { "null", "1", "\"x\"", "[]", "{}", "[1,null,[],{}]",
		"{\"address\":{},\"addresses\":{},\"arcs\":1,\"index\":[],\"a\":[[1]]}",
		"[{\"table\":\"\\u001b]0;x\\u0007\",\"name\":[\"\\u001b\"],\"mac\":{\"\\u009b\":\"\\u009b\"}}]" };

	for (size_t v = 0; v < CTL_N_VERBS; v++)
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
			table(ctl_verbs[v].name, texts[i]);
			for (const char *c = printed; *c != '\0'; c++)
				CU_ASSERT(*c == '\n' || (*c >= 0x20 && *c <= 0x7e));
		}
	CU_ASSERT_FALSE(table("show_tables", "{}"));
	CU_ASSERT_FALSE(table("status", "[]"));
	CU_ASSERT_FALSE(table("show_qspn_data", "{\"arcs\":[],\"paths\":1}"));
	CU_ASSERT_FALSE(table("dump_state", "[]"));
}

/* JSON is escaped, and is still the same JSON. */
static void
test_json(void)
{
	json_t *json = json_pack("{s:s}", "k\x1b", "a\x7f\xc3\xa4\x1b");
	json_t *again;
	FILE *f = print_begin();

	CU_ASSERT_TRUE(fmt_json(f, json));
	fclose(f);
	for (const char *c = printed; *c != '\0'; c++)
		CU_ASSERT((*c >= 0x20 && *c <= 0x7e) || (*c == '\n' && c[1] == '\0'));
	again = json_loads(printed, 0, NULL);
	CU_ASSERT_TRUE(json_equal(json, again));
	json_decref(json);
	json_decref(again);
}

static void
test_state(void)
{
	static const char want[] = "{\n  \"version\": 1,\n  \"arcs\": [\n    {\"dev\": \"eth1\"},\n"
	    "    {\"dev\": \"eth2\"}\n  ],\n  \"paths\": []\n}\n";

	CU_ASSERT_TRUE(table("dump_state",
	    "{\"version\":1,\"arcs\":[{\"dev\":\"eth1\"},{\"dev\":\"eth2\"}],\"paths\":[]}"));
	CU_ASSERT_STRING_EQUAL(printed, want);
}

/* The request for words, or the error's field. */
static void
request_is(const char *verb, char *const *words, size_t n, const char *want)
{
	struct ctl_error err;
	json_t *json = verbs_request(ctl_verb_find(verb), words, n, &err);
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : strdup(err.field);

	CU_ASSERT_STRING_EQUAL(text, want);
	free(text);
	json_decref(json);
}

#define REQUEST_IS(verb, want, ...) do { \
	static char *const words_[] = { __VA_ARGS__ }; \
	request_is(verb, words_, sizeof(words_) / sizeof(words_[0]), want); \
} while (0)

static void
test_requests(void)
{
	request_is("status", NULL, 0, "{\"verb\":\"status\",\"args\":[]}");
	REQUEST_IS("show_routes", "{\"verb\":\"show_routes\",\"args\":[\"1\"]}", "1");
	REQUEST_IS("show_routes", "{\"verb\":\"show_routes\",\"args\":{\"identity\":\"1\"}}", "identity=1");
	REQUEST_IS("show_routes", "identity", "");
	REQUEST_IS("explain", "{\"verb\":\"explain\",\"args\":[\"10.0.0.1\",\"from\",\"00:16:3e:00:00:01\"]}",
	    "10.0.0.1", "from", "00:16:3e:00:00:01");
	REQUEST_IS("explain", "from", "10.0.0.1", "from");
	REQUEST_IS("show_routes", "args", "1", "2");
	REQUEST_IS("show_routes", "args", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12",
	    "13", "14", "15", "16", "17", "18");
	REQUEST_IS("load_state", "state", "/nonexistent/file");
	REQUEST_IS("load_state", "state", "/");
}

/* Writes TEXT to a file and reads it as a state; true when it is an object. */
static bool
file_is_object(const char *text, size_t len, struct ctl_error *err)
{
	char path[] = "/tmp/test_ntkctl.XXXXXX";
	int fd = mkstemp(path);
	json_t *json;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, len), (ssize_t)len);
	close(fd);
	memset(err, 0, sizeof(*err));
	json = verbs_read_object(path, err);
	unlink(path);
	json_decref(json);
	return json != NULL;
}

static void
test_files(void)
{
	static const struct {
		const char *text;
		const char *where;
	} rows[] = {
		{ "", ":1:0: " }, { "{", ":1:1: " }, { "{\n \"a\": 1,\n \"a\": 2\n}\n", ":3:4: " },
		{ "[]", ":1:1: " }, { "{} {}", ":1:" }, { "{\"a\": \"\xff\"}", ":1:" }, { "\x1b", "near '\\x1b'" },
	};
	size_t size = (16 << 20) + 1;
	char *big = malloc(size);
	struct ctl_error err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(big);
	CU_ASSERT_TRUE(file_is_object("{\"version\": 1}\n", 15, &err));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_FALSE(file_is_object(rows[i].text, strlen(rows[i].text), &err));
		if (strstr(err.message, rows[i].where) == NULL)
			tap_note("%zu: %s", i, err.message);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.message, rows[i].where));
		CU_ASSERT_STRING_EQUAL(err.field, "state");
	}
	memset(big, ' ', size);
	memcpy(big, "{}", 2);
	CU_ASSERT_TRUE(file_is_object(big, size - 1, &err));
	CU_ASSERT_FALSE(file_is_object(big, size, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "longer than"));
	free(big);
}

static void
test_help(void)
{
	FILE *f = print_begin();

	help_all(f);
	fclose(f);
	for (size_t i = 0; i < CTL_N_VERBS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n  %s ", ctl_verbs[i].name);
		CU_ASSERT_PTR_NOT_NULL(strstr(printed, line));
	}
	f = print_begin();
	help_verb(f, ctl_verb_find("log"));
	fclose(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "usage: ntkctl log LEVEL\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "one of error|warning|info|debug"));
}

/* Both sides look in the same place. */
static void
test_socket(void)
{
	size_t found = 0;

	for (size_t i = 0; i < conf_n_keys; i++)
		if (strcmp(conf_keys[i].name, "control-socket") == 0) {
			found++;
			CU_ASSERT_PTR_NOT_NULL(strstr(conf_keys[i].fallback, CLIENT_SOCKET));
		}
	CU_ASSERT_EQUAL(found, 1);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "cells", test_cells },
		{ "tables", test_tables },
		{ "records and events", test_records },
		{ "strange results", test_strange_results },
		{ "JSON for programs", test_json },
		{ "state files for people", test_state },
		{ "requests", test_requests },
		{ "files", test_files },
		{ "help", test_help },
		{ "the default socket is the daemon's", test_socket },
	};

	return TAP_RUN(tests);
}
