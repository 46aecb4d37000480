/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/log.h"
#include "ntkd/io/events.h"
#include "ntkd/io/watch.h"
#include "tests/unit/ctlworld.h"
#include "tests/unit/tap.h"

#define ARC_GAMMA "{\"dev\":\"eth1\",\"peer_mac\":\"00:16:3e:5b:78:d5\"," \
	"\"peer_linklocal\":\"169.254.94.223\",\"qspn\":true,\"peer_address\":\"2.1.1.0\"}"
#define ARC_GAMMA_ELSEWHERE "{\"dev\":\"eth1\",\"peer_mac\":\"00:16:3e:5b:78:d5\"," \
	"\"peer_linklocal\":\"169.254.94.222\",\"qspn\":true,\"peer_address\":\"2.1.1.0\"}"
#define ARC_ALFA "{\"dev\":\"eth2\",\"peer_mac\":\"00:16:3e:fd:e2:aa\"," \
	"\"peer_linklocal\":\"169.254.69.30\",\"qspn\":true,\"peer_address\":\"3.0.1.0\"}"
#define STATE(address, ns, arcs) "{\"version\":1,\"topology\":\"4.2.2.2\",\"address\":\"" address "\"," \
	"\"main\":false,\"namespace\":" ns ",\"arcs\":[" arcs "],\"paths\":[{\"dst\":[0,0],\"arc\":0," \
	"\"hops\":[[0,0]],\"cost\":10000}]}"
#define BETA STATE("2.1.1.3", "1", ARC_GAMMA)
#define LOAD(state) "{\"verb\":\"load_state\",\"args\":[" state "]}"

static struct world world;

static void
begin(bool manual)
{
	CU_ASSERT_TRUE_FATAL(world_begin(&world, manual));
}

/* The answer to LINE of somebody with RIGHTS, a waiting one after the wait. */
static struct answer
ask(enum ctl_access rights, const char *line)
{
	struct answer a;

	request_run(&world.d, rights, line, strlen(line), &a);
	return a;
}

/* LINE is refused with this code and field, and nothing changes. */
static void
refused(enum ctl_access rights, const char *line, const char *code, const char *field)
{
	size_t n = node_identities(world.d.node);
	struct answer a = ask(rights, line);

	if (a.code == NULL || strcmp(a.code, code) != 0 || strcmp(a.field, field) != 0)
		tap_note("%.200s: code %s, field %s, %s", line, a.code != NULL ? a.code : "none",
		    a.field, a.message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a.code);
	CU_ASSERT_STRING_EQUAL(a.code, code);
	CU_ASSERT_STRING_EQUAL(a.field, field);
	CU_ASSERT(a.message[0] != '\0');
	CU_ASSERT_PTR_NULL(a.result);
	CU_ASSERT_FALSE(a.waits);
	CU_ASSERT_EQUAL(node_identities(world.d.node), n);
	answer_free(&a);
}

/* The result of LINE, which must be good. */
static json_t *
result(const char *line)
{
	struct answer a = ask(CTL_WRITING, line);

	if (a.code != NULL)
		tap_note("%.200s: code %s, field %s, %s", line, a.code, a.field, a.message);
	CU_ASSERT_PTR_NULL(a.code);
	daemon_pump(&world.d);
	return a.result;
}

/* --- rights --------------------------------------------------------------- */

static void
test_rights(void)
{
	enum { NONE = -1, CONTROL = 100, OPERATOR = 200, OTHER = 300 };
	static const gid_t none[] = { OTHER }, control[] = { OTHER, CONTROL }, op[] = { OPERATOR, OTHER };
	static const struct {
		uid_t uid;
		gid_t gid;
		const gid_t *groups;
		size_t n;
		int control;
		int op;
		enum ctl_access want;
	} rows[] = {
		{ 0, 0, NULL, 0, NONE, NONE, CTL_WRITING },
		{ 0, OTHER, NULL, 0, CONTROL, OPERATOR, CTL_WRITING },
		{ 1000, 0, NULL, 0, NONE, NONE, CTL_NOTHING },
		{ 1000, 0, NULL, 0, CONTROL, OPERATOR, CTL_NOTHING },
		{ 1000, OTHER, none, 1, CONTROL, OPERATOR, CTL_NOTHING },
		{ 1000, CONTROL, NULL, 0, CONTROL, OPERATOR, CTL_READING },
		{ 1000, OTHER, control, 2, CONTROL, OPERATOR, CTL_READING },
		{ 1000, OTHER, control, 1, CONTROL, OPERATOR, CTL_NOTHING },
		{ 1000, OPERATOR, NULL, 0, CONTROL, OPERATOR, CTL_WRITING },
		{ 1000, OTHER, op, 2, CONTROL, OPERATOR, CTL_WRITING },
		{ 1000, CONTROL, op, 2, CONTROL, OPERATOR, CTL_WRITING },
		{ 1000, OPERATOR, control, 2, CONTROL, NONE, CTL_READING },
		{ 1000, CONTROL, NULL, 0, NONE, OPERATOR, CTL_NOTHING },
		{ 1000, CONTROL, NULL, 0, CONTROL, CONTROL, CTL_WRITING },
		/* Credentials that could not be read are nobody's, whatever the groups. */
		{ (uid_t)-1, (gid_t)-1, NULL, 0, NONE, NONE, CTL_NOTHING },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ctl_peer peer = { rows[i].uid, rows[i].gid, rows[i].groups, rows[i].n };
		enum ctl_access got = ctl_rights(&peer, (gid_t)rows[i].control, (gid_t)rows[i].op);

		if (got != rows[i].want)
			tap_note("row %zu: %d", i, got);
		CU_ASSERT_EQUAL(got, rows[i].want);
	}
}

/* Every verb, asked by everybody who has too few rights for it. */
static void
test_denied(void)
{
	char line[128];

	begin(false);
	for (size_t i = 0; i < CTL_N_VERBS; i++) {
		snprintf(line, sizeof(line), "{\"verb\":\"%s\",\"args\":[\"0\"]}", ctl_verbs[i].name);
		refused(CTL_NOTHING, line, "denied", "verb");
		if (ctl_verbs[i].access == CTL_WRITING)
			refused(CTL_READING, line, "denied", "verb");
		/* Rights come before mode, mode before arguments. */
		if (ctl_verbs[i].mode == CTL_MANUAL_MODE)
			refused(CTL_WRITING, line, "mode", "verb");
	}
	world_end(&world);
}

/* --- requests ------------------------------------------------------------- */

static void
test_bad_requests(void)
{
	static const struct {
		const char *line;
		const char *code;
		const char *field;
	} rows[] = {
		{ "", "usage", "" },
		{ " ", "usage", "" },
		{ "status", "usage", "" },
		{ "42", "usage", "" },
		{ "null", "usage", "" },
		{ "\"status\"", "usage", "" },
		{ "[]", "usage", "" },
		{ "[{\"verb\":\"status\"}]", "usage", "" },
		{ "{", "usage", "" },
		{ "{\"verb\":\"status\"", "usage", "" },
		{ "{\"verb\":\"status\"}}", "usage", "" },
		{ "{\"verb\":\"status\"} {\"verb\":\"status\"}", "usage", "" },
		{ "{\"verb\":\"status\",\"verb\":\"status\"}", "usage", "" },
		{ "{\"verb\":\"stat\xff\"}", "usage", "" },
		{ "{\"verb\":\"status\\u0000\"}", "usage", "" },
		{ "{\"verb\":\"log\",\"args\":[1e999]}", "usage", "" },
		{ "{\"verb\":\"log\",\"args\":[99999999999999999999]}", "usage", "" },
		{ "{}", "usage", "verb" },
		{ "{\"verb\":1}", "usage", "verb" },
		{ "{\"verb\":null}", "usage", "verb" },
		{ "{\"verb\":\"\"}", "usage", "verb" },
		{ "{\"verb\":\"nonsense\"}", "usage", "verb" },
		{ "{\"verb\":\"STATUS\"}", "usage", "verb" },
		{ "{\"verb\":\"status\",\"id\":1}", "usage", "id" },
		{ "{\"verb\":\"status\",\"args\":\"\"}", "usage", "args" },
		{ "{\"verb\":\"status\",\"args\":null}", "usage", "args" },
		{ "{\"verb\":\"status\",\"args\":[\"1\"]}", "usage", "args" },
		{ "{\"verb\":\"status\",\"args\":{\"identity\":\"1\"}}", "usage", "identity" },
		{ "{\"verb\":\"show_routes\"}", "usage", "identity" },
		{ "{\"verb\":\"show_routes\",\"args\":{}}", "usage", "identity" },
		{ "{\"verb\":\"show_routes\",\"args\":{\"id\":\"0\"}}", "usage", "id" },
		{ "{\"verb\":\"show_routes\",\"args\":{\"identity\":\"0\",\"identity\":\"0\"}}", "usage", "" },
		{ "{\"verb\":\"show_routes\",\"args\":[\"\"]}", "usage", "identity" },
		{ "{\"verb\":\"show_routes\",\"args\":[\"-1\"]}", "usage", "identity" },
		{ "{\"verb\":\"show_routes\",\"args\":[-1]}", "usage", "identity" },
		{ "{\"verb\":\"show_routes\",\"args\":[4294967296]}", "usage", "identity" },
		{ "{\"verb\":\"show_routes\",\"args\":[0.5]}", "usage", "args" },
		{ "{\"verb\":\"show_routes\",\"args\":[[0]]}", "usage", "args" },
		{ "{\"verb\":\"show_routes\",\"args\":[true]}", "usage", "args" },
		{ "{\"verb\":\"show_routes\",\"args\":{\"identity\":null}}", "usage", "identity" },
		{ "{\"verb\":\"show_routes\",\"args\":[{}]}", "usage", "identity" },
		{ "{\"verb\":\"show_routes\",\"args\":[\"0\",\"0\"]}", "usage", "args" },
		{ "{\"verb\":\"show_routes\",\"args\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]}",
		    "usage", "args" },
		{ "{\"verb\":\"show_routes\",\"args\":[7]}", "unknown_identity", "identity" },
		{ "{\"verb\":\"show_qspn_data\",\"args\":[\"4294967295\"]}", "unknown_identity", "identity" },
		{ "{\"verb\":\"remove_identity\",\"args\":[1]}", "unknown_identity", "identity" },
		{ "{\"verb\":\"remove_identity\",\"args\":[0]}", "is_main", "identity" },
		{ "{\"verb\":\"log\",\"args\":[\"loud\"]}", "usage", "level" },
		{ "{\"verb\":\"log\",\"args\":[0]}", "usage", "level" },
		{ "{\"verb\":\"load_state\",\"args\":[\"/etc/passwd\"]}", "usage", "state" },
		{ "{\"verb\":\"load_state\",\"args\":[7]}", "usage", "state" },
		{ "{\"verb\":\"load_state\",\"args\":[{}]}", "usage", "version" },
		{ LOAD(STATE("2.1.1.3", "1", "{}")), "usage", "arcs[0].dev" },
		{ LOAD(STATE("2.1.1", "1", ARC_GAMMA)), "wrong_address", "address" },
		{ LOAD(STATE("2.1.1.3", "0", ARC_GAMMA)), "usage", "namespace" },
	};

	begin(true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(CTL_WRITING, rows[i].line, rows[i].code, rows[i].field);
	world_end(&world);
}

static void
test_nul_and_depth(void)
{
	static const char nul[] = "{\"verb\":\"status\"}\0";
	char deep[4000];
	struct answer a;

	begin(true);
	request_run(&world.d, CTL_WRITING, nul, sizeof(nul) - 1, &a);
	CU_ASSERT_STRING_EQUAL(a.code, "usage");
	CU_ASSERT_PTR_NOT_NULL(strstr(a.message, "NUL"));
	answer_free(&a);
	request_run(&world.d, CTL_WRITING, "{\"verb\":\"\\\0\"}", 14, &a);
	CU_ASSERT_STRING_EQUAL(a.code, "usage");
	answer_free(&a);
	memset(deep, '[', sizeof(deep));
	request_run(&world.d, CTL_WRITING, deep, sizeof(deep), &a);
	CU_ASSERT_STRING_EQUAL(a.code, "usage");
	CU_ASSERT_PTR_NOT_NULL(strstr(a.message, "deep"));
	answer_free(&a);
	/* Brackets in a string do not count. */
	refused(CTL_WRITING, "{\"verb\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[\"}", "usage", "verb");
	world_end(&world);
}

/* What is hostile in a request comes back printable, and the answer is JSON. */
static void
test_escaping(void)
{
	struct answer a;
	json_t *json;
	char *line;
	size_t len;

	begin(true);
	a = ask(CTL_WRITING, "{\"verb\":\"\\u001b[31m\\u202e\\n\xc3\xa4\",\"x\":1}");
	CU_ASSERT_STRING_EQUAL(a.field, "x");
	answer_free(&a);
	a = ask(CTL_WRITING, "{\"verb\":\"\\u001b[31m\\u202e\\n\xc3\xa4\"}");
	for (const char *c = a.message; *c != '\0'; c++)
		CU_ASSERT(*c >= 0x20 && *c <= 0x7e);
	line = answer_print(&a, &len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_EQUAL(line[len - 1], '\n');
	json = json_loadb(line, len, 0, NULL);
	CU_ASSERT_TRUE(json_is_false(json_object_get(json, "ok")));
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_object_get(json, "error"), "code")),
	    "usage");
	json_decref(json);
	free(line);
	answer_free(&a);
	world_end(&world);
}

/* --- results -------------------------------------------------------------- */

/* The members of OBJECT are columns of V in LIST, or lists that columns name. */
static void
has_columns(const struct ctl_verb *v, const char *list, const json_t *object)
{
	const char *key;
	json_t *value;

	CU_ASSERT_TRUE(json_is_object(object));
	json_object_foreach((json_t *)object, key, value) {
		bool found = false;
		json_t *row;
		size_t i;

		for (const struct ctl_column *c = v->columns; c->key != NULL; c++)
			found = found || (strcmp(c->list, list) == 0 && strcmp(c->key, key) == 0) ||
			    (list[0] == '\0' && strcmp(c->list, key) == 0);
		if (!found)
			tap_note("%s: %s%s is not in the table", v->name, list, key);
		CU_ASSERT_TRUE(found);
		if ((v->shape == CTL_OBJECT_SHAPE || v->shape == CTL_MAP_SHAPE) && json_is_array(value) &&
		    list[0] == '\0') {
			/* This system may be alone. */
			CU_ASSERT(json_array_size(value) > 0 || strcmp(key, "addresses") == 0 ||
			    v->shape == CTL_MAP_SHAPE);
			json_array_foreach(value, i, row)
				has_columns(v, key, row);
		}
	}
}

static void
has_shape(const struct ctl_verb *v, const json_t *json)
{
	json_t *row;
	size_t i;

	switch (v->shape) {
	case CTL_LIST_SHAPE:
	case CTL_RECORDS_SHAPE:
		CU_ASSERT_TRUE(json_is_array(json));
		/* This system is alone, and nothing was ordered. */
		CU_ASSERT(json_array_size(json) > 0 || strcmp(v->name, "show_operations") == 0 ||
		    strstr(v->name, "arcs") != NULL);
		json_array_foreach(json, i, row)
			has_columns(v, "", row);
		break;
	case CTL_OBJECT_SHAPE:
	case CTL_VALUE_SHAPE:
	case CTL_MAP_SHAPE:
		has_columns(v, "", json);
		break;
	case CTL_JSON_SHAPE:
		CU_ASSERT_TRUE(json_is_object(json));
		break;
	case CTL_NO_SHAPE:
	case CTL_STREAM_SHAPE:
		CU_ASSERT_PTR_NULL(json);
	}
}

/* Loads beta and waits for the kernel. */
static void
load_beta(void)
{
	struct answer a = ask(CTL_WRITING, LOAD(BETA));

	CU_ASSERT_PTR_NULL_FATAL(a.code);
	CU_ASSERT_TRUE(a.waits);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(a.result, "index")), 1);
	answer_free(&a);
	daemon_pump(&world.d);
	CU_ASSERT_EQUAL(node_identities(world.d.node), 2);
}

static void
test_shapes(void)
{
	char line[128];

	begin(true);
	load_beta();
	for (size_t i = 0; i < CTL_N_VERBS; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];
		json_t *json;

		if (v->access != CTL_READING)
			continue;
		snprintf(line, sizeof(line), i == CTL_VERB_explain ?
		    "{\"verb\":\"%s\",\"args\":[\"10.0.0.60\",\"from\",\"00:16:3e:5b:78:d5\"]}" :
		    v->args[0].key != NULL ?
		    "{\"verb\":\"%s\",\"args\":{\"identity\":\"1\"}}" : "{\"verb\":\"%s\"}", v->name);
		json = result(line);
		has_shape(v, json);
		json_decref(json);
	}
	world_end(&world);
}

static const json_t *
member(const json_t *json, size_t i, const char *key)
{
	return json_object_get(json_is_array(json) ? json_array_get(json, i) : json, key);
}

#define TEXT_IS(json, key, text) \
	CU_ASSERT_STRING_EQUAL(json_string_value(member(json, 0, key)) != NULL ? \
	    json_string_value(member(json, 0, key)) : "none", text)
#define NUMBER_IS(json, key, number) \
	CU_ASSERT_EQUAL(json_integer_value(member(json, 0, key)), number)

static void
test_values(void)
{
	json_t *json;

	begin(true);
	load_beta();
	json = result("{\"verb\":\"status\"}");
	TEXT_IS(json, "mode", "manual");
	TEXT_IS(json, "topology", "4.2.2.2");
	TEXT_IS(json, "range", "10.0.0.0/8");
	TEXT_IS(json, "address", "1.0.1.0");
	TEXT_IS(json, "helper", "idle");
	NUMBER_IS(json, "identities", 2);
	NUMBER_IS(json, "interfaces", 2);
	/* 51 and 1024, of which the one neighbour has one. */
	NUMBER_IS(json, "free_tables", 51 + 1024 - 1);
	json_decref(json);
	json = result("{\"verb\":\"show_identity_arcs\",\"args\":[1]}");
	CU_ASSERT_EQUAL(json_array_size(json), 1);
	TEXT_IS(json, "dev", "eth1");
	TEXT_IS(json, "peer_mac", "00:16:3e:5b:78:d5");
	TEXT_IS(json, "peer_linklocal", "169.254.94.223");
	TEXT_IS(json, "peer_address", "2.1.1.0");
	NUMBER_IS(json, "identity", 1);
	NUMBER_IS(json, "table", 250);
	CU_ASSERT_TRUE(json_is_true(member(json, 0, "rule")));
	json_decref(json);
	json = result("{\"verb\":\"show_tables\"}");
	CU_ASSERT_EQUAL(json_array_size(json), 2);
	TEXT_IS(json, "name", "ntk");
	NUMBER_IS(json, "table", 251);
	CU_ASSERT_STRING_EQUAL(json_string_value(member(json, 1, "name")), "ntk_from_00:16:3E:5B:78:D5");
	json_decref(json);
	json = result("{\"verb\":\"show_qspn_data\",\"args\":[1]}");
	CU_ASSERT_EQUAL(json_integer_value(member(json_object_get(json, "paths"), 0, "cost")), 10000);
	CU_ASSERT_TRUE(json_is_true(member(json_object_get(json, "paths"), 0, "best")));
	json_decref(json);
	json = result("{\"verb\":\"map\"}");
	has_shape(ctl_verb_find("map"), json);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "topology")), "4.2.2.2");
	TEXT_IS(json_object_get(json, "identities"), "address", "1.0.1.0");
	CU_ASSERT_STRING_EQUAL(json_string_value(member(json_object_get(json, "identities"), 1, "address")),
	    "2.1.1.3");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "gnodes")), 1);
	NUMBER_IS(json_object_get(json, "gnodes"), "identity", 1);
	NUMBER_IS(json_object_get(json, "gnodes"), "cost", 10000);
	NUMBER_IS(json_object_get(json, "gnodes"), "paths", 1);
	NUMBER_IS(json_object_get(json, "gnodes"), "arc", 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "arcs")), 1);
	TEXT_IS(json_object_get(json, "arcs"), "peer_address", "2.1.1.0");
	TEXT_IS(json_object_get(json, "arcs"), "peer_mac", "00:16:3e:5b:78:d5");
	json_decref(json);
	json = result("{\"verb\":\"show_ntkaddress\",\"args\":[0]}");
	CU_ASSERT_STRING_EQUAL(json_string_value(member(json_object_get(json, "addresses"), 0, "ip")),
	    "10.0.0.10");
	json_decref(json);
	world_end(&world);
}

/* Member KEY of what explain says of ADDRESS in the namespace of identity I. */
static const char *
explained(size_t i, const char *args, const char *key)
{
	static char text[1200];
	char line[200];
	const json_t *value;
	json_t *json;
	char *printed;

	snprintf(line, sizeof(line), "{\"verb\":\"explain\",\"args\":[%s]}", args);
	json = result(line);
	value = member(json, i, key);
	printed = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	snprintf(text, sizeof(text), "%s", printed != NULL ? printed : "none");
	free(printed);
	json_decref(json);
	return text;
}

#define GAMMA "\"from\",\"00:16:3e:5b:78:d5\""
#define EXPLAIN(args) "{\"verb\":\"explain\",\"args\":[" args "]}"

/* Row by row what is told of a packet: beta, 1.0.1.0 without paths, and 2.1.1.3 with one. */
static void
test_explain(void)
{
	static const struct {
		size_t i;
		const char *args;
		const char *key;
		const char *want;
	} rows[] = {
		{ 0, "\"10.0.0.10\"", "type", "\"local\"" },
		{ 0, "\"10.0.0.10\"", "class", "\"global\"" },
		{ 0, "\"10.0.0.10\"", "name", "none" },
		{ 0, "\"10.0.0.29\"", "type", "\"unreachable\"" },
		{ 0, "\"10.0.0.29\"", "dst", "[3,3]" },
		{ 0, "\"10.0.0.29\"", "table", "251" },
		{ 0, "\"10.0.0.29\"", "paths", "0" },
		{ 0, "\"10.0.0.29\"", "state", "\"applied\"" },
		{ 0, "\"192.0.2.1\"", "type", "\"none\"" },
		{ 0, "\"192.0.2.1\"", "class", "none" },
		/* A neighbour that the main identity has no arc with: as our own. */
		{ 0, "\"10.0.0.29\"," GAMMA, "name", "\"ntk\"" },
		{ 0, "\"10.0.0.29\"," GAMMA, "avoid", "none" },
		/* From the only neighbour nothing goes back to it. */
		{ 1, "\"10.0.0.40\"," GAMMA, "type", "\"unreachable\"" },
		{ 1, "\"10.0.0.40\"," GAMMA, "name", "\"ntk_from_00:16:3E:5B:78:D5\"" },
		{ 1, "\"10.0.0.40\"," GAMMA, "table", "250" },
		{ 1, "\"10.0.0.40\"," GAMMA, "avoid", "[0,0]" },
		{ 1, "\"10.0.0.40\"," GAMMA, "paths", "1" },
		{ 1, "\"10.0.0.40\"," GAMMA, "hops", "none" },
		{ 1, "\"10.0.0.40\"", "type", "\"none\"" },
		{ 1, "\"169.254.94.223\"", "type", "\"unicast\"" },
		{ 1, "\"169.254.94.223\"", "name", "\"main\"" },
		{ 1, "\"169.254.94.223\"", "dev", "\"eth1\"" },
		{ 1, "\"169.254.94.223\"", "via", "none" },
		/* Which rule leads there, and who is next. */
		{ 0, "\"10.0.0.10\"", "rule", "\"0: from all lookup local\"" },
		{ 0, "\"10.0.0.10\"", "about", "\"packet\"" },
		{ 0, "\"10.0.0.10\"", "identity_address", "\"1.0.1.0\"" },
		{ 0, "\"10.0.0.29\"", "rule", "\"10001: from all lookup ntk\"" },
		{ 0, "\"10.0.0.29\"", "gnode", "\"3\"" },
		{ 0, "\"10.0.0.29\"", "peer_mac", "none" },
		{ 0, "\"10.0.0.29\"", "others", "none" },
		{ 0, "\"192.0.2.1\"", "rule", "\"32766: from all lookup main\"" },
		{ 1, "\"10.0.0.40\"", "rule", "none" },
		{ 1, "\"10.0.0.40\"," GAMMA, "rule",
		    "\"10000: from all fwmark 0xfa/0x3fff lookup ntk_from_00:16:3E:5B:78:D5\"" },
		{ 1, "\"10.0.0.40\"," GAMMA, "gnode", "\"2.1.1.0\"" },
		{ 1, "\"10.0.0.40\"," GAMMA, "others", "[{\"arc\":0,\"dev\":\"eth1\",\"peer_linklocal\":"
		    "\"169.254.94.223\",\"peer_address\":\"2.1.1.0\",\"cost\":10000,\"hops\":[[0,0]],"
		    "\"why\":\"goes through the sender's g-node\"}]" },
		{ 1, "\"169.254.94.223\"", "rule", "\"32766: from all lookup main\"" },
		{ 1, "\"169.254.94.223\"", "peer_mac", "\"00:16:3e:5b:78:d5\"" },
		{ 1, "\"169.254.94.223\"", "peer_address", "\"2.1.1.0\"" },
		{ 1, "\"169.254.94.223\"", "arc", "0" },
		/* The sender by its link-local. */
		{ 1, "\"10.0.0.40\",\"from\",\"169.254.94.223\"", "table", "250" },
		/* About the neighbour: behind the packets to it, and alone. */
		{ 2, "\"169.254.94.223\"", "about", "\"identity_arc\"" },
		{ 0, "\"00:16:3e:5B:78:d5\"", "about", "\"identity_arc\"" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "identity", "1" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "identity_address", "\"2.1.1.3\"" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "peer_linklocal", "\"169.254.94.223\"" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "peer_address", "\"2.1.1.0\"" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "qspn", "true" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "table", "250" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "mark", "\"0xfa/0x3fff\"" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "avoid", "[0,0]" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "unicast", "0" },
		{ 0, "\"00:16:3e:5b:78:d5\"", "paths", "1" },
		{ 1, "\"00:16:3e:5b:78:d5\"", "about", "none" },
	};

	begin(true);
	load_beta();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got = explained(rows[i].i, rows[i].args, rows[i].key);

		if (strcmp(got, rows[i].want) != 0)
			tap_note("%s of %s at %zu: %s", rows[i].key, rows[i].args, rows[i].i, got);
		CU_ASSERT_STRING_EQUAL(got, rows[i].want);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(explained(0, "\"10.0.0.29\"", "why"), "no path to the g-node"));
	CU_ASSERT_PTR_NOT_NULL(strstr(explained(0, "\"00:16:3e:5b:78:d5\"", "why"), "never back through"));
	CU_ASSERT_PTR_NOT_NULL(strstr(explained(0, "\"00:16:3e:5b:78:d5\"", "namespace"), "\"ntkv"));
	CU_ASSERT_PTR_NOT_NULL(strstr(explained(0, "\"00:16:3e:5b:78:d5\"", "ns_dev"), "_0\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(explained(1, "\"169.254.94.223\"", "ns_dev"), "_0\""));
	/* Nobody is meant, or nothing can be. */
	refused(CTL_READING, EXPLAIN("\"00:16:3e:00:00:09\""), "unknown_arc", "address");
	refused(CTL_READING, EXPLAIN("\"10.0.0.40\",\"from\",\"169.254.1.1\""), "unknown_arc", "from");
	refused(CTL_READING, EXPLAIN("\"00:16:3e:5b:78:d5\"," GAMMA), "usage", "from");
	refused(CTL_READING, EXPLAIN("\"169.254.94\""), "usage", "address");
	CU_ASSERT_PTR_NOT_NULL(strstr(explained(1, "\"10.0.0.40\"," GAMMA, "why"),
	    "every known path to the g-node (1)"));
	/* While the kernel has not followed, what it does is told, and that it will change. */
	world.hold = true;
	json_decref(result(LOAD(STATE("2.1.1.3", "1", ARC_GAMMA_ELSEWHERE))));
	CU_ASSERT_STRING_EQUAL(explained(1, "\"169.254.94.223\"", "state"), "\"surplus\"");
	CU_ASSERT_STRING_EQUAL(explained(1, "\"169.254.94.222\"", "state"), "\"missing\"");
	CU_ASSERT_PTR_NOT_NULL(strstr(explained(1, "\"169.254.94.222\"", "why"), "about to be told"));
	CU_ASSERT_PTR_NOT_NULL(strstr(explained(0, "\"00:16:3e:5b:78:d5\"", "why"), "about to be given the route"));
	world.hold = false;
	world_helper(&world);
	CU_ASSERT_STRING_EQUAL(explained(1, "\"169.254.94.222\"", "state"), "\"applied\"");
	world_end(&world);
}

/* Each reason that is counted is an item of ntkctl(8). */
static void
test_reasons(void)
{
	static const char *const lists[] = { "arcs_lost", "refusals", "connections_ended" };
	static char page[1 << 18];
	char path[512];
	json_t *all, *row;
	size_t i, n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/man/ntkctl.8", tap_srcdir());
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	n = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	CU_ASSERT(n > 0 && n < sizeof(page) - 1);
	begin(true);
	all = result("{\"verb\":\"show_counters\"}");
	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		CU_ASSERT(json_array_size(json_object_get(all, lists[k])) > 5);
		json_array_foreach(json_object_get(all, lists[k]), i, row) {
			const char *reason = json_string_value(json_object_get(row, "reason"));
			char item[80];

			snprintf(item, sizeof(item), "\n.It Li %s\n", reason);
			if (strstr(page, item) == NULL)
				tap_note("%s: the page has no item for %s", lists[k], reason);
			CU_ASSERT_PTR_NOT_NULL(strstr(page, item));
		}
	}
	CU_ASSERT_EQUAL(json_array_size(json_object_get(all, "radar")), 2);
	json_decref(all);
	world_end(&world);
}

#define BRANCHES "{\"version\":1,\"topology\":\"4.2.2.2\",\"address\":\"2.1.1.3\",\"main\":false," \
	"\"namespace\":1,\"arcs\":[" ARC_GAMMA "," ARC_ALFA "],\"paths\":[" \
	"{\"dst\":[3,3],\"arc\":1,\"hops\":[[3,3]],\"cost\":5000}," \
	"{\"dst\":[3,3],\"arc\":0,\"hops\":[[0,0],[3,3]],\"cost\":21000}]}"
#define ALFA "\"from\",\"00:16:3e:fd:e2:aa\""

/* Of two paths one is taken, and the other told of with what it is worse for. */
static void
test_explain_paths(void)
{
	static const struct {
		const char *from, *key, *want;
	} rows[] = {
		{ GAMMA, "peer_mac", "\"00:16:3e:fd:e2:aa\"" },
		{ GAMMA, "peer_address", "\"3.0.1.0\"" },
		{ GAMMA, "arc", "1" },
		{ GAMMA, "dev", "\"eth2\"" },
		{ GAMMA, "cost", "5000" },
		{ GAMMA, "paths", "2" },
		{ GAMMA, "others", "[{\"arc\":0,\"dev\":\"eth1\",\"peer_linklocal\":\"169.254.94.223\","
		    "\"peer_address\":\"2.1.1.0\",\"cost\":21000,\"hops\":[[0,0],[3,3]],"
		    "\"why\":\"goes through the sender's g-node\"}]" },
	};

	begin(true);
	json_decref(result(LOAD(BRANCHES)));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char args[100];

		snprintf(args, sizeof(args), "\"10.0.0.24\",%s", rows[i].from);
		if (strcmp(explained(1, args, rows[i].key), rows[i].want) != 0)
			tap_note("%s: %s", rows[i].key, explained(1, args, rows[i].key));
		CU_ASSERT_STRING_EQUAL(explained(1, args, rows[i].key), rows[i].want);
	}
	/* Nothing may go back to where it came from, by any of the two. */
	CU_ASSERT_STRING_EQUAL(explained(1, "\"10.0.0.24\"," ALFA, "type"), "\"unreachable\"");
	world_end(&world);
}

/* Number of routes of identity 1 in STATE. */
static size_t
routes_in(const char *state)
{
	json_t *json = result("{\"verb\":\"show_routes\",\"args\":[1]}");
	json_t *row;
	size_t i, n = 0;

	json_array_foreach(json, i, row)
		n += strcmp(json_string_value(json_object_get(row, "state")), state) == 0;
	json_decref(json);
	return n;
}

static void
test_routes(void)
{
	struct answer a;
	size_t all;

	begin(true);
	world.hold = true;
	a = ask(CTL_WRITING, LOAD(STATE("2.1.1.3", "1", ARC_GAMMA "," ARC_ALFA)));
	answer_free(&a);
	daemon_pump(&world.d);
	CU_ASSERT(routes_in("missing") > 1);
	CU_ASSERT_EQUAL(routes_in("applied"), 0);
	world.hold = false;
	world_helper(&world);
	CU_ASSERT(routes_in("applied") > 1);
	CU_ASSERT_EQUAL(routes_in("missing") + routes_in("surplus") + routes_in("different"), 0);
	all = routes_in("applied");
	/* The neighbour at another place: routes change, come and go. */
	world.hold = true;
	a = ask(CTL_WRITING, LOAD(STATE("2.1.1.3", "1", ARC_GAMMA_ELSEWHERE "," ARC_ALFA)));
	answer_free(&a);
	daemon_pump(&world.d);
	CU_ASSERT(routes_in("different") > 0);
	CU_ASSERT_EQUAL(routes_in("applied") + routes_in("different") + routes_in("surplus"), all);
	world.refuse = true;
	world.hold = false;
	world_helper(&world);
	world.refuse = false;
	world.hold = true;
	a = ask(CTL_WRITING, "{\"verb\":\"remove_identity\",\"args\":[1]}");
	CU_ASSERT_TRUE(a.waits);
	answer_free(&a);
	daemon_pump(&world.d);
	CU_ASSERT(routes_in("surplus") > 1);
	CU_ASSERT_EQUAL(routes_in("applied"), 0);
	/* While it goes, nothing else is done to it. */
	refused(CTL_WRITING, "{\"verb\":\"remove_identity\",\"args\":[1]}", "busy", "");
	world.hold = false;
	world_helper(&world);
	refused(CTL_WRITING, "{\"verb\":\"show_routes\",\"args\":[1]}", "unknown_identity", "identity");
	world_end(&world);
}

/* What dump_state gives, load_state takes, and then it is the same. */
static void
test_dump_and_load(void)
{
	json_t *first, *again, *request;
	char *line;

	begin(true);
	load_beta();
	first = result("{\"verb\":\"dump_state\",\"args\":[\"1\"]}");
	json_object_set_new(first, "namespace", json_integer(2));
	request = json_pack("{s:s, s:{s:O}}", "verb", "load_state", "args", "state", first);
	line = json_dumps(request, JSON_COMPACT);
	json_decref(result(line));
	again = result("{\"verb\":\"dump_state\",\"args\":[\"2\"]}");
	CU_ASSERT_TRUE(json_equal(first, again));
	json_decref(first);
	json_decref(again);
	json_decref(request);
	free(line);
	world_end(&world);
}

static void
test_log_verb(void)
{
	enum log_level before = log_get_level();

	begin(false);
	json_decref(result("{\"verb\":\"log\",\"args\":[\"error\"]}"));
	CU_ASSERT_EQUAL(log_get_level(), LOG_LEVEL_ERROR);
	json_decref(result("{\"verb\":\"log\",\"args\":{\"level\":\"debug\"}}"));
	CU_ASSERT_EQUAL(log_get_level(), LOG_LEVEL_DEBUG);
	log_set_level(before);
	world_end(&world);
}

/* --- the socket ----------------------------------------------------------- */

static char path[108];

static void
serve(bool manual)
{
	char err[CONF_ERROR] = "";
	evutil_socket_t fd;

	begin(manual);
	/* Who runs the tests may ask, root or not. */
	world.d.operator_gid = getegid();
	fd = ctl_listen(path, (gid_t)-1, (gid_t)-1, err);
	CU_ASSERT_STRING_EQUAL(err, "");
	CU_ASSERT_FATAL(fd >= 0);
	world.d.ctl = ctl_new(&world.d, fd);
	CU_ASSERT_PTR_NOT_NULL_FATAL(world.d.ctl);
}

static int
client_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, path, sizeof(path));
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void
turn(void)
{
	event_base_loop(world.d.base, EVLOOP_NONBLOCK);
}

/* Sends all of it, the loop turning meanwhile; false when the daemon has hung up. */
static bool
client_send(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			return false;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		turn();
	}
	return true;
}

static bool
client_say(int fd, const char *text)
{
	return client_send(fd, text, strlen(text));
}

/* The next answer line in a static buffer; "" at the end; NULL when nothing comes. */
static const char *
client_hear(int fd)
{
	static char line[1 << 20];
	size_t n = 0;

	for (unsigned i = 0; i < 2000; i++) {
		ssize_t got = recv(fd, line + n, 1, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return n == 0 ? "" : NULL;
		if (got < 0) {
			turn();
			if (i > 100)
				usleep(1000);
			continue;
		}
		i = 0;
		if (line[n] == '\n') {
			line[n] = '\0';
			return line;
		}
		if (++n == sizeof(line))
			return NULL;
	}
	return NULL;
}

static void
hears(int fd, const char *part)
{
	const char *line = client_hear(fd);

	if (line == NULL || strstr(line, part) == NULL)
		tap_note("heard %.200s, not %s", line != NULL ? line : "nothing", part);
	CU_ASSERT(line != NULL && strstr(line, part) != NULL);
}

static void
hears_end(int fd)
{
	const char *line = client_hear(fd);

	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_STRING_EQUAL(line, "");
	close(fd);
}

static void
still_serves(void)
{
	int fd = client_connect();

	client_say(fd, "{\"verb\":\"status\"}\n");
	hears(fd, "\"ok\":true");
	close(fd);
	turn();
}

static void
test_socket(void)
{
	int fd;

	serve(true);
	fd = client_connect();
	client_say(fd, "{\"verb\":\"status\"}\n");
	hears(fd, "{\"ok\":true,\"result\":{\"version\":");
	client_say(fd, "nonsense\n");
	hears(fd, "{\"ok\":false,\"error\":{\"code\":\"usage\"");
	/* A refused request does not end the connection. */
	client_say(fd, "{\"verb\":\"show_tables\",\"args\":[]}\n");
	hears(fd, "\"ok\":true");
	close(fd);
	still_serves();
	world_end(&world);
}

/* Several requests at once are answered in their order; split ones when they are whole. */
static void
test_framing(void)
{
	static const char two[] = "{\"verb\":\"status\"}\n{\"verb\":\"show_tables\"}\n{\"verb\":\"x\"}\n{\"ver";
	int fd;

	serve(true);
	fd = client_connect();
	client_say(fd, two);
	hears(fd, "topology");
	hears(fd, "\"name\":\"ntk\"");
	hears(fd, "unknown verb");
	for (const char *c = "b\":\"status\"}\n"; *c != '\0'; c++)
		client_send(fd, c, 1);
	hears(fd, "topology");
	/* An end after a whole request: it is answered first. */
	client_say(fd, "{\"verb\":\"status\"}\n{\"verb\":\"status\"}\n");
	shutdown(fd, SHUT_WR);
	hears(fd, "topology");
	hears(fd, "topology");
	hears_end(fd);
	fd = client_connect();
	client_say(fd, "{\"verb\":\"status\"}");
	shutdown(fd, SHUT_WR);
	hears(fd, "newline");
	hears_end(fd);
	fd = client_connect();
	shutdown(fd, SHUT_WR);
	hears_end(fd);
	still_serves();
	world_end(&world);
}

static void
test_garbage(void)
{
	struct rng rng;
	char bytes[4096];

	serve(true);
	rng_init(&rng, 7);
	for (unsigned round = 0; round < 200; round++) {
		int fd = client_connect();

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)rng_below(&rng, round % 2 == 0 ? 256 : 128);
		client_send(fd, bytes, rng_below(&rng, sizeof(bytes)));
		close(fd);
		turn();
	}
	still_serves();
	world_end(&world);
}

static void
test_oversize(void)
{
	char *long_line = malloc(CTL_REQUEST_MAX + 2);
	int fd;

	CU_ASSERT_PTR_NOT_NULL_FATAL(long_line);
	serve(true);
	/* As long as can be: read whole, and found wrong. */
	memset(long_line, ' ', CTL_REQUEST_MAX + 2);
	long_line[CTL_REQUEST_MAX] = '\n';
	fd = client_connect();
	CU_ASSERT_TRUE(client_send(fd, long_line, CTL_REQUEST_MAX + 1));
	hears(fd, "not a JSON object");
	client_say(fd, "{\"verb\":\"status\"}\n");
	hears(fd, "\"ok\":true");
	close(fd);
	/* One byte more: told, and hung up on. */
	long_line[CTL_REQUEST_MAX] = ' ';
	fd = client_connect();
	client_send(fd, long_line, CTL_REQUEST_MAX + 1);
	hears(fd, "longer than 4194304 bytes");
	hears_end(fd);
	still_serves();
	world_end(&world);
	free(long_line);
}

static void
test_flood(void)
{
	int fds[CTL_CLIENTS + 8];
	size_t n = sizeof(fds) / sizeof(fds[0]);
	size_t room = geteuid() == 0 ? CTL_CLIENTS : CTL_USER_CLIENTS;

	serve(true);
	for (size_t i = 0; i < n; i++) {
		fds[i] = client_connect();
		turn();
	}
	for (size_t i = 0; i < room; i++) {
		client_say(fds[i], "{\"verb\":\"status\"}\n");
		hears(fds[i], "\"ok\":true");
	}
	for (size_t i = room; i < n; i++) {
		hears(fds[i], "exhausted");
		hears_end(fds[i]);
	}
	CU_ASSERT_EQUAL(ctl_counters(world.d.ctl).clients, room);
	CU_ASSERT_EQUAL(ctl_counters(world.d.ctl).clients_refused, n - room);
	for (size_t i = 0; i < room; i++)
		close(fds[i]);
	for (unsigned i = 0; i < 10; i++)
		turn();
	still_serves();
	world_end(&world);
}

static void
test_idle(void)
{
	int half, silent, deaf, busy;
	char got;

	serve(true);
	ctl_set_idle(world.d.ctl, 300);
	half = client_connect();
	silent = client_connect();
	deaf = client_connect();
	client_say(half, "{\"verb\":");
	/* Asks and asks and never reads. */
	for (unsigned i = 0; i < 20000; i++)
		if (send(deaf, "{\"verb\":\"status\"}\n", 18, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		else if (i % 16 == 0)
			turn();
	/* More of the half request gives it no more time. */
	for (unsigned i = 0; i < 40 && recv(half, &got, 1, MSG_DONTWAIT | MSG_PEEK) < 0; i++) {
		client_say(half, " ");
		usleep(50000);
	}
	CU_ASSERT(recv(half, &got, 1, MSG_DONTWAIT | MSG_PEEK) == 1);
	busy = client_connect();
	client_say(busy, "{\"verb\":\"status\"}\n");
	hears(busy, "\"ok\":true");
	hears(half, "not complete in time");
	hears_end(half);
	hears_end(silent);
	client_say(busy, "{\"verb\":\"show_counters\"}\n");
	hears(busy, "\"ok\":true");
	usleep(310000);
	turn();
	for (unsigned i = 0; i < 100; i++)
		turn();
	CU_ASSERT(send(deaf, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0);
	CU_ASSERT_EQUAL(errno, EPIPE);
	close(deaf);
	hears_end(busy);
	still_serves();
	world_end(&world);
}

static void
test_waiting(void)
{
	int fd;

	serve(true);
	world.hold = true;
	fd = client_connect();
	client_say(fd, LOAD(BETA) "\n{\"verb\":\"status\"}\n");
	for (unsigned i = 0; i < 20; i++)
		turn();
	/* Nothing before the kernel has answered, not even to the second request. */
	CU_ASSERT(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT) < 0);
	still_serves();
	world.hold = false;
	world_helper(&world);
	hears(fd, "{\"ok\":true,\"result\":{\"index\":1}}");
	hears(fd, "topology");
	world.refuse = true;
	client_say(fd, LOAD(STATE("2.1.1.2", "2", ARC_GAMMA)) "\n");
	hears(fd, "\"code\":\"kernel\"");
	CU_ASSERT_EQUAL(node_identities(world.d.node), 2);
	world.refuse = false;
	client_say(fd, "{\"verb\":\"remove_identity\",\"args\":[\"1\"]}\n");
	hears(fd, "{\"ok\":true,\"result\":null}");
	CU_ASSERT_EQUAL(node_identities(world.d.node), 1);
	close(fd);
	turn();
	world_end(&world);
}

static void
be_quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

/* The verb check: what is found is told to whoever asked, and by an event; once in the log. */
static size_t log_lines;
static char log_last[2048];

static void
log_count(enum log_level level, const char *line, void *arg)
{
	(void)arg;
	if (level != LOG_LEVEL_WARNING)
		return;
	log_lines++;
	snprintf(log_last, sizeof(log_last), "%s", line);
}

/* What the helper finds from now on. */
static void
find(enum priv_fate fate, int error, const char *object)
{
	struct priv_difference *d = &world.differences[0];

	world.n_differences = 1;
	*d = (struct priv_difference){ .fate = (uint8_t)fate, .error = error, .kind = "route" };
	snprintf(d->object, sizeof(d->object), "%s", object);
	world.checked = (struct priv_checked){
		.compared = 9,
		.repaired = fate == PRIV_FATE_REPAIRED,
		.failed = fate == PRIV_FATE_FAILED,
		.removed = fate == PRIV_FATE_REMOVED,
		.foreign = fate == PRIV_FATE_FOREIGN,
	};
}

/* What the client hears next, which must be good; *JSON is the result, the one before is released. */
static void
hears_result(int fd, json_t **json)
{
	const char *line = client_hear(fd);
	json_t *answer;

	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	answer = json_loads(line, 0, NULL);
	CU_ASSERT_TRUE_FATAL(json_is_true(json_object_get(answer, "ok")));
	json_decref(*json);
	*json = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
}

#define CHECK "{\"verb\":\"check\"}\n"

static void
check_again(int fd, json_t **json)
{
	client_say(fd, CHECK);
	hears_result(fd, json);
}

static void
test_check(void)
{
	json_t *json = NULL;
	int fd;

	world_stop_clock();
	serve(true);
	load_beta();
	fd = client_connect();
	log_set_hook(log_count, NULL);
	log_lines = 0;
	check_again(fd, &json);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "namespaces")), 2);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "differences")), 0);
	CU_ASSERT_EQUAL(world.checks, 2);
	CU_ASSERT_EQUAL(log_lines, 0);

	/* Once for each namespace, and not again. */
	find(PRIV_FATE_FAILED, ENETDOWN, "10.0.0.8/29 ntk");
	check_again(fd, &json);
	has_shape(&ctl_verbs[CTL_VERB_check], json);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "differences")), 2);
	TEXT_IS(json_object_get(json, "differences"), "fate", "failed");
	TEXT_IS(json_object_get(json, "differences"), "object", "10.0.0.8/29 ntk");
	TEXT_IS(json_object_get(json, "differences"), "error", "Network is down");
	CU_ASSERT_EQUAL(log_lines, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(log_last, "identity 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(log_last, "10.0.0.8/29 ntk (Network is down)"));
	check_again(fd, &json);
	CU_ASSERT_EQUAL(log_lines, 2);

	/* Another one is told; a repair is told each time, without what is known. */
	find(PRIV_FATE_FOREIGN, 0, "10.0.0.16/29 ntk");
	check_again(fd, &json);
	CU_ASSERT_EQUAL(log_lines, 4);
	CU_ASSERT_PTR_NOT_NULL(strstr(log_last, "left alone"));
	find(PRIV_FATE_REPAIRED, 0, "10.0.0.24/29 ntk");
	check_again(fd, &json);
	check_again(fd, &json);
	CU_ASSERT_EQUAL(log_lines, 8);
	CU_ASSERT_PTR_NOT_NULL(strstr(log_last, "1 put back: route 10.0.0.24/29 ntk"));
	CU_ASSERT_PTR_NULL(strstr(log_last, "left alone"));
	json_decref(json);
	json = result("{\"verb\":\"status\"}");
	NUMBER_IS(json, "checks", 12);
	NUMBER_IS(json, "repaired", 4);
	NUMBER_IS(json, "failed", 0);
	NUMBER_IS(json, "foreign", 0);
	json_decref(json);
	log_set_hook(be_quiet, NULL);
	close(fd);
	turn();
	world_end(&world);
}

/* Whoever asks waits until the last namespace was compared, however it ends. */
static void
test_check_waits(void)
{
	json_t *json = NULL;
	int fd, other;

	world_stop_clock();
	serve(true);
	load_beta();
	fd = client_connect();
	/* Too often: it is done a second later. */
	world.refuse = true;
	client_say(fd, CHECK);
	CU_ASSERT_EQUAL(world.checks, 2);
	world.refuse = false;
	world_turn_clock(1000000);
	hears_result(fd, &json);
	CU_ASSERT_EQUAL(world.checks, 4);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "namespaces")), 2);
	/* Asked while it is under way: that one may have passed by already. */
	world.hold = true;
	client_say(fd, CHECK);
	other = client_connect();
	client_say(other, CHECK);
	for (unsigned i = 0; i < 20; i++)
		turn();
	CU_ASSERT_EQUAL(world.checks, 5);
	world.hold = false;
	world_helper(&world);
	hears_result(fd, &json);
	hears_result(other, &json);
	CU_ASSERT_EQUAL(world.checks, 8);
	close(other);
	/* One of the namespaces goes meanwhile; a client too. */
	world.hold = true;
	other = client_connect();
	client_say(other, CHECK);
	close(other);
	turn();
	client_say(fd, CHECK);
	result("{\"verb\":\"remove_identity\",\"args\":[1]}");
	world.hold = false;
	world_helper(&world);
	for (unsigned i = 0; i < 20; i++)
		turn();
	hears_result(fd, &json);
	CU_ASSERT_EQUAL(node_identities(world.d.node), 1);
	CU_ASSERT(json_array_size(json_object_get(json, "namespaces")) >= 1);
	still_serves();
	/* The end comes first. */
	world.hold = true;
	client_say(fd, CHECK);
	turn();
	json_decref(json);
	close(fd);
	world_end(&world);
}

static void
test_check_text(void)
{
	static struct priv_difference v[5];
	struct kernel_found f = { .ok = true, .v = v, .n = 5 };
	char text[WATCH_TEXT];

	CU_ASSERT_STRING_EQUAL(watch_print(&(struct kernel_found){ .ok = true }, true, text), "");
	for (size_t i = 0; i < f.n; i++) {
		v[i].fate = PRIV_FATE_REPAIRED;
		snprintf(v[i].kind, sizeof(v[i].kind), "rule");
		snprintf(v[i].object, sizeof(v[i].object), "%zu", i);
	}
	v[1].fate = PRIV_FATE_FAILED;
	v[1].error = EPERM;
	f.total = (struct priv_checked){ .repaired = 90, .failed = 1 };
	CU_ASSERT_STRING_EQUAL(watch_print(&f, true, text), "90 put back: rule 0, rule 2, rule 3 and "
	    "87 more; 1 cannot be put back now, which will be tried again: rule 1 (Operation not "
	    "permitted)");
	CU_ASSERT_STRING_EQUAL(watch_print(&f, false, text), "90 put back: rule 0, rule 2, rule 3 and "
	    "87 more");
	for (size_t i = 0; i < f.n; i++)
		memset(v[i].object, 'x', sizeof(v[i].object) - 1);
	f.total.foreign = f.total.removed = UINT32_MAX;
	CU_ASSERT(strlen(watch_print(&f, true, text)) < WATCH_TEXT);
}

/* A client that hangs up while its verb waits, at once or only half. */
static void
test_disconnect_while_waiting(void)
{
	int gone, half;

	serve(true);
	world.hold = true;
	gone = client_connect();
	half = client_connect();
	client_say(gone, LOAD(BETA) "\n");
	client_say(half, LOAD(STATE("2.1.1.3", "2", ARC_GAMMA)) "\n");
	for (unsigned i = 0; i < 20; i++)
		turn();
	close(gone);
	shutdown(half, SHUT_WR);
	for (unsigned i = 0; i < 20; i++)
		turn();
	world.hold = false;
	world_helper(&world);
	hears(half, "{\"ok\":true,\"result\":{\"index\":2}}");
	hears_end(half);
	/* The change itself was made. */
	CU_ASSERT_EQUAL(node_identities(world.d.node), 3);
	still_serves();
	world_end(&world);
}

/* The control socket goes while a verb waits; the kernel answers afterwards. */
/* A listener that has heard that it is one. */
static int
listener_connect(void)
{
	int fd = client_connect();

	client_say(fd, "{\"verb\":\"events\"}\n");
	hears(fd, "{\"ok\":true,\"result\":null}");
	return fd;
}

static json_t *
counters(void)
{
	return result("{\"verb\":\"show_counters\"}");
}

static json_int_t
counter(const char *key)
{
	json_t *json = counters();
	json_int_t n = json_integer_value(json_object_get(json, key));

	json_decref(json);
	return n;
}

static void
test_events(void)
{
	int fd, asker;

	serve(true);
	asker = client_connect();
	/* Nobody listens: nothing is kept. */
	client_say(asker, "{\"verb\":\"log\",\"args\":[\"info\"]}\n");
	hears(asker, "true");
	CU_ASSERT_EQUAL(counter("events"), 0);
	fd = listener_connect();
	CU_ASSERT_EQUAL(counter("listeners"), 1);
	client_say(asker, LOAD(BETA) "\n");
	hears(asker, "true");
	hears(fd, "\"event\":\"transaction_done\",\"identity\":1,\"address\":\"2.1.1.3\"");
	hears(fd, "\"event\":\"identity_made\",\"identity\":1");
	world.refuse = true;
	client_say(asker, LOAD(STATE("2.1.1.3", "1", ARC_GAMMA_ELSEWHERE)) "\n");
	hears(asker, "false");
	hears(fd, "\"event\":\"transaction_refused\",\"identity\":1,");
	world.refuse = false;
	client_say(asker, "{\"verb\":\"remove_identity\",\"args\":[1]}\n");
	hears(asker, "true");
	hears(fd, "\"event\":\"transaction_done\"");
	hears(fd, "\"event\":\"identity_removed\",\"identity\":1");
	client_say(asker, "{\"verb\":\"log\",\"args\":[\"info\"]}\n");
	hears(asker, "true");
	hears(fd, "\"event\":\"log_changed\",\"text\":\"info\"");
	CU_ASSERT_EQUAL(counter("events"), 6);
	/* A listener asks nothing more; another one that hangs up is forgotten. */
	client_say(fd, "x");
	hears(fd, "nothing more is asked");
	hears_end(fd);
	close(fd);
	CU_ASSERT_EQUAL(counter("listeners"), 0);
	close(listener_connect());
	turn();
	CU_ASSERT_EQUAL(counter("listeners"), 0);
	/* What came together with the question is a mistake as well. */
	fd = client_connect();
	client_say(fd, "{\"verb\":\"events\"}\n{\"verb\":\"status\"}\n");
	hears(fd, "true");
	hears(fd, "nothing more is asked");
	hears_end(fd);
	close(fd);
	/* At the end what is to be told is told. */
	fd = listener_connect();
	events_daemon(&world.d, CTL_EVENT_stopping, "as asked");
	ctl_free(world.d.ctl);
	hears(fd, "\"event\":\"stopping\"");
	hears_end(fd);
	close(fd);
	close(asker);
	world_end(&world);
}

/* Who does not read loses the oldest events, hears how many, and keeps nobody waiting. */
static void
test_slow_listener(void)
{
	enum { MANY = 5000 };
	int slow, quick;
	uint64_t heard = 0, lost = 0;
	const char *line;

	serve(true);
	ctl_set_idle(world.d.ctl, 20);
	slow = listener_connect();
	quick = listener_connect();
	for (int i = 0; i < MANY; i++) {
		events_daemon(&world.d, CTL_EVENT_log_changed, "x");
		hears(quick, "log_changed");
	}
	/* Silence is no reason to close, neither is an unread event. */
	usleep(50000);
	turn();
	CU_ASSERT_EQUAL(counter("listeners"), 2);
	while ((line = client_hear(slow)) != NULL && line[0] != '\0') {
		const char *count = strstr(line, "\"lost\":");

		if (count != NULL)
			lost += strtoull(count + 7, NULL, 10);
		else
			heard++;
		if (heard + lost == MANY)
			break;
	}
	CU_ASSERT_EQUAL(heard + lost, MANY);
	CU_ASSERT(lost > 0 && heard >= EVENTS_KEPT);
	CU_ASSERT_EQUAL(counter("events_lost"), (json_int_t)lost);
	close(slow);
	close(quick);
	world_end(&world);
}

/* Strangers at the door cannot drown what else is told. */
static void
test_event_flood(void)
{
	json_int_t told, held;
	int fd;

	serve(true);
	fd = listener_connect();
	for (int i = 0; i < 1000; i++)
		events_client(&world.d, CTL_EVENT_client_denied, 1000, "is not allowed to ask");
	told = counter("events");
	held = counter("events_suppressed");
	CU_ASSERT(told >= EVENTS_REMOTE_BURST && told <= EVENTS_REMOTE_BURST + 5);
	CU_ASSERT_EQUAL(told + held, 1000);
	hears(fd, "\"event\":\"client_denied\",\"user\":1000,\"text\":\"is not allowed to ask\"");
	close(fd);
	world_end(&world);
}

/* Lines about arcs have a share per interface; what is held back is counted. */
static void
test_line_flood(void)
{
	unsigned written = 0;

	serve(true);
	for (int i = 0; i < 1000; i++)
		written += events_may_log(&world.d, 0);
	CU_ASSERT(written >= EVENTS_LINES_BURST && written <= EVENTS_LINES_BURST + 5);
	CU_ASSERT_TRUE(events_may_log(&world.d, 1));
	CU_ASSERT_EQUAL(events_counters(world.d.events).lines_held, 1000 - written);
	CU_ASSERT_EQUAL(counter("log_suppressed"), (json_int_t)(log_suppressed() + 1000 - written));
	world_end(&world);
}

static void
test_stop_while_waiting(void)
{
	int fd;

	serve(true);
	world.hold = true;
	fd = client_connect();
	client_say(fd, LOAD(BETA) "\n");
	for (unsigned i = 0; i < 20; i++)
		turn();
	ctl_free(world.d.ctl);
	CU_ASSERT_PTR_NULL(world.d.ctl);
	hears(fd, "the daemon stops");
	hears_end(fd);
	world.hold = false;
	world_helper(&world);
	CU_ASSERT_EQUAL(node_identities(world.d.node), 2);
	world_end(&world);
}

/* --- phase 1: the answer comes after the kernel's ---------------------------- */

#define PREPARE "{\"verb\":\"prepare_enter_net_phase_1\",\"args\":[\"0\",\"0\",\"1\",\"2.1.1\",\"0.0.0\"," \
	"\"2\",\"1\",\"1\",\"2\",\"2\",\"1\",\"[]\",\"77\",\"null\"]}\n"
#define PHASE_1 "{\"verb\":\"enter_net_phase_1\",\"args\":[\"0\",\"77\"]}\n"

/* Somebody has given phase 1, and the helper takes its time. */
static int
phase_1_waits(void)
{
	int fd;

	serve(true);
	fd = client_connect();
	client_say(fd, PREPARE);
	hears(fd, "{\"ok\":true,\"result\":null}");
	world.hold = true;
	client_say(fd, PHASE_1);
	for (unsigned i = 0; i < 20; i++)
		turn();
	CU_ASSERT_PTR_NOT_NULL(world.operated);
	CU_ASSERT_EQUAL(node_identities(world.d.node), 1);
	return fd;
}

static void
test_phase_1(void)
{
	char c;
	int fd = phase_1_waits();

	CU_ASSERT_EQUAL(recv(fd, &c, 1, MSG_DONTWAIT), -1);
	still_serves();
	world.hold = false;
	world_helper(&world);
	hears(fd, "{\"ok\":true,\"result\":{\"index\":1}}");
	CU_ASSERT_EQUAL(node_identities(world.d.node), 2);
	close(fd);
	world_end(&world);
}

static void
test_phase_1_refused(void)
{
	int fd;

	serve(true);
	fd = client_connect();
	client_say(fd, PREPARE);
	hears(fd, "true");
	world.refuse = true;
	client_say(fd, PHASE_1);
	hears(fd, "{\"ok\":false,\"error\":{\"code\":\"kernel\"");
	world.refuse = false;
	CU_ASSERT_EQUAL(node_identities(world.d.node), 1);
	client_say(fd, PHASE_1);
	hears(fd, "unknown_operation");
	close(fd);
	world_end(&world);
}

/* Who asked goes away meanwhile: the operation goes on, and nobody is told. */
static void
test_phase_1_alone(void)
{
	int fd = phase_1_waits();

	close(fd);
	for (unsigned i = 0; i < 20; i++)
		turn();
	world.hold = false;
	world_helper(&world);
	CU_ASSERT_EQUAL(node_identities(world.d.node), 2);
	CU_ASSERT_PTR_NULL(world.operated);
	still_serves();
	world_end(&world);
}

static void
test_quit(void)
{
	int fd;

	serve(false);
	fd = client_connect();
	client_say(fd, "{\"verb\":\"quit\",\"args\":[1]}\n");
	hears(fd, "usage");
	CU_ASSERT_FALSE(world.stopped);
	client_say(fd, "{\"verb\":\"quit\"}\n");
	hears(fd, "{\"ok\":true,\"result\":null}");
	CU_ASSERT_TRUE(world.stopped);
	CU_ASSERT_EQUAL(world.d.exit_status, 0);
	close(fd);
	world_end(&world);
}

/*
 * Somebody else: a process with another user and groups, who asks REQUEST and should hear PART; NULL: should
 * not be let in by the file's mode.
 */
static void
stranger(gid_t gid, gid_t group, const char *request, const char *part)
{
	enum { HEARD, HEARD_NOT, LET_NOT_IN, LOST };
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct sockaddr_un addr = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		char buf[4096] = "";
		size_t n = 0;
		ssize_t got = 0;

		memcpy(addr.sun_path, path, sizeof(path));
		if (setgroups(1, &group) < 0 || setresgid(gid, gid, gid) < 0 ||
		    setresuid(12345, 12345, 12345) < 0)
			_exit(LOST);
		if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
			_exit(errno == EACCES ? LET_NOT_IN : LOST);
		send(fd, request, strlen(request), MSG_NOSIGNAL);
		while (n < sizeof(buf) - 1 && strchr(buf, '\n') == NULL &&
		    (got = recv(fd, buf + n, sizeof(buf) - 1 - n, 0)) > 0)
			n += (size_t)got;
		_exit(part != NULL && strstr(buf, part) != NULL ? HEARD : HEARD_NOT);
	}
	CU_ASSERT_FATAL(pid > 0);
	for (unsigned i = 0; i < 5000 && waitpid(pid, &status, WNOHANG) == 0; i++) {
		turn();
		usleep(1000);
	}
	CU_ASSERT_TRUE(WIFEXITED(status));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), part != NULL ? HEARD : LET_NOT_IN);
}

/* Whether the file system at `path` knows access lists. */
static bool
has_lists(void)
{
	return getxattr(path, "system.posix_acl_access", NULL, 0) >= 0 || errno != EOPNOTSUPP;
}

static void
test_strangers(void)
{
	enum { CONTROL = 23456, OPERATOR = 23457, OTHER = 23458 };
	char err[CONF_ERROR] = "", reader_max[CTL_READER_MAX + 32];
	evutil_socket_t fd;

	if (geteuid() != 0) {
		tap_skip("only root can become somebody else");
		return;
	}
	begin(true);
	world.d.control_gid = CONTROL;
	world.d.operator_gid = OPERATOR;
	fd = ctl_listen(path, CONTROL, OPERATOR, err);
	CU_ASSERT_FATAL(fd >= 0);
	world.d.ctl = ctl_new(&world.d, fd);
	if (has_lists())
		stranger(OTHER, OTHER, "{\"verb\":\"status\"}\n", NULL);
	stranger(CONTROL, OTHER, "{\"verb\":\"status\"}\n", "\"ok\":true");
	stranger(OTHER, CONTROL, "{\"verb\":\"status\"}\n", "\"ok\":true");
	stranger(OTHER, CONTROL, "{\"verb\":\"quit\"}\n", "\"code\":\"denied\"");
	CU_ASSERT_FALSE(world.stopped);
	memset(reader_max, ' ', sizeof(reader_max));
	reader_max[sizeof(reader_max) - 1] = '\0';
	stranger(OTHER, CONTROL, reader_max, "longer than 4096 bytes");
	stranger(OTHER, OPERATOR, "{\"verb\":\"log\",\"args\":[\"info\"]}\n", "\"ok\":true");
	/* With the file's mode out of the way the credentials count. */
	CU_ASSERT_EQUAL(chmod(path, 0666), 0);
	stranger(OTHER, OTHER, "{\"verb\":\"status\"}\n", "\"code\":\"denied\"");
	CU_ASSERT_FALSE(world.stopped);
	stranger(OPERATOR, OTHER, "{\"verb\":\"quit\"}\n", "\"ok\":true");
	CU_ASSERT_TRUE(world.stopped);
	CU_ASSERT_EQUAL(ctl_counters(world.d.ctl).clients_refused, 1);
	world_end(&world);
}

static void
test_listen(void)
{
	static const struct {
		gid_t control, op, owner;
		mode_t mode;
	} rows[] = {
		{ (gid_t)-1, (gid_t)-1, (gid_t)-1, 0600 },
		{ 23456, (gid_t)-1, 23456, 0660 },
		{ (gid_t)-1, 23457, 23457, 0660 },
		{ 23457, 23457, 23457, 0660 },
		{ 23456, 23457, 23457, 0660 },
	};
	char err[CONF_ERROR], too_long[200];
	struct stat st;
	bool two;
	int fd;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (i > 0 && geteuid() != 0)
			break;
		/* Each finds the socket of the one before in its place. */
		fd = ctl_listen(path, rows[i].control, rows[i].op, err);
		CU_ASSERT_FATAL(fd >= 0);
		CU_ASSERT_EQUAL(stat(path, &st), 0);
		two = rows[i].control != (gid_t)-1 && rows[i].op != (gid_t)-1 &&
		    rows[i].control != rows[i].op;
		CU_ASSERT_EQUAL(st.st_mode & 07777, two && !has_lists() ? 0666 : rows[i].mode);
		if (rows[i].owner != (gid_t)-1)
			CU_ASSERT_EQUAL(st.st_gid, rows[i].owner);
		CU_ASSERT(fcntl(fd, F_GETFL) & O_NONBLOCK);
		CU_ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
	unlink(path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	err[0] = '\0';
	CU_ASSERT_EQUAL(ctl_listen(path, (gid_t)-1, (gid_t)-1, err), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "no socket"));
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	unlink(path);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	CU_ASSERT_EQUAL(ctl_listen(too_long, (gid_t)-1, (gid_t)-1, err), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "199 bytes"));
	CU_ASSERT_EQUAL(ctl_listen("", (gid_t)-1, (gid_t)-1, err), -1);
	CU_ASSERT_EQUAL(ctl_listen("/nonexistent/control", (gid_t)-1, (gid_t)-1, err), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/nonexistent/control"));
}

/* Without descriptors, accepting waits a second instead of spinning. */
static void
test_no_descriptors(void)
{
	struct rlimit before, none;
	int fd, copy;

	serve(true);
	fd = client_connect();
	client_say(fd, "{\"verb\":\"status\"}\n");
	copy = dup(fd);
	close(copy);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &before), 0);
	close(fd);
	turn();
	turn();
	fd = client_connect();
	none = before;
	none.rlim_cur = (rlim_t)fd + 1;
	while ((copy = open("/dev/null", O_RDONLY)) >= 0 && copy < fd)
		;
	close(copy);
	setrlimit(RLIMIT_NOFILE, &none);
	turn();
	setrlimit(RLIMIT_NOFILE, &before);
	CU_ASSERT_EQUAL(ctl_counters(world.d.ctl).clients, 1);
	turn();
	CU_ASSERT_EQUAL(ctl_counters(world.d.ctl).clients, 1);
	usleep(1010000);
	client_say(fd, "{\"verb\":\"status\"}\n");
	hears(fd, "\"ok\":true");
	CU_ASSERT_EQUAL(ctl_counters(world.d.ctl).clients, 2);
	close(fd);
	world_end(&world);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "who may do what, row by row", test_rights },
		{ "every verb is denied to who has too few rights", test_denied },
		{ "requests that are wrong", test_bad_requests },
		{ "NUL bytes and deep nesting", test_nul_and_depth },
		{ "hostile bytes come back escaped", test_escaping },
		{ "results are as the table of verbs says", test_shapes },
		{ "results hold what is", test_values },
		{ "reasons of counters", test_reasons },
		{ "explain", test_explain },
		{ "explain: the paths that are not taken", test_explain_paths },
		{ "show_routes tells what the kernel has and lacks", test_routes },
		{ "load_state takes what dump_state gives", test_dump_and_load },
		{ "log", test_log_verb },
		{ "a listening socket and what may be in its place", test_listen },
		{ "requests and answers", test_socket },
		{ "lines in one piece, in many, and many in one", test_framing },
		{ "garbage", test_garbage },
		{ "too long requests", test_oversize },
		{ "a flood of connections", test_flood },
		{ "half requests, silence and unread answers end", test_idle },
		{ "a verb that waits for the kernel", test_waiting },
		{ "check tells what was found, the log once", test_check },
		{ "check waits for every namespace", test_check_waits },
		{ "what was found, in words", test_check_text },
		{ "clients that hang up while waiting", test_disconnect_while_waiting },
		{ "events", test_events },
		{ "a listener that reads slowly", test_slow_listener },
		{ "events that strangers cause", test_event_flood },
		{ "lines that neighbours cause", test_line_flood },
		{ "the end while a verb waits", test_stop_while_waiting },
		{ "phase 1 is answered after the kernel", test_phase_1 },
		{ "phase 1 that the kernel refuses", test_phase_1_refused },
		{ "phase 1 of somebody who has gone", test_phase_1_alone },
		{ "quit", test_quit },
		{ "other users", test_strangers },
		{ "no descriptors left", test_no_descriptors },
	};
	char dir[] = "/tmp/test_ctl.XXXXXX";
	int rc;

	if (mkdtemp(dir) == NULL || chmod(dir, 0755) < 0)
		return 99;
	snprintf(path, sizeof(path), "%s/control", dir);
	log_set_hook(be_quiet, NULL);
	rc = TAP_RUN(tests);
	unlink(path);
	rmdir(dir);
	return rc;
}
