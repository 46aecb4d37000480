/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/state.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/kerntest.h"
#include "tests/unit/tap.h"

static struct conf conf;

/* A state file that is right in every way. */
static const char good[] =
	"{ 'version': 1, 'topology': '4.2.2.2', 'address': '2.1.1.3', 'main': false, 'namespace': 1,"
	"  'arcs': ["
	"    { 'dev': 'eth1', 'peer_mac': '00:16:3e:5b:78:d5', 'peer_linklocal': '169.254.94.223',"
	"      'qspn': true, 'peer_address': '2.1.1.0' },"
	"    { 'dev': 'eth2', 'peer_mac': '00:16:3e:fd:e2:aa', 'peer_linklocal': '169.254.69.30',"
	"      'qspn': true, 'peer_address': '2.0.1.0' },"
	"    { 'dev': 'eth1', 'peer_mac': '00:16:3e:3c:14:33', 'peer_linklocal': '169.254.163.36',"
	"      'qspn': false } ],"
	"  'paths': ["
	"    { 'dst': [2, 0], 'arc': 1, 'hops': [[2, 0]], 'cost': 10000 },"
	"    { 'dst': [1, 0], 'arc': 0, 'hops': [[0, 0], [1, 0]], 'cost': 21000 } ] }";

enum { TEXT = 4096 };

/* JSON written with apostrophes. */
static json_t *
json(const char *text)
{
	char buf[TEXT];
	json_error_t err;
	json_t *j;

	snprintf(buf, sizeof(buf), "%s", text);
	for (char *p = buf; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(buf, JSON_DECODE_ANY | JSON_ALLOW_NUL, &err);
	if (j == NULL)
		tap_note("%s: %s", buf, err.text);
	return j;
}

/* The good file with the first FROM replaced by TO. */
static json_t *
with(const char *from, const char *to)
{
	char buf[TEXT];
	const char *at = strstr(good, from);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	snprintf(buf, sizeof(buf), "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	return json(buf);
}

static void
test_good(void)
{
	json_t *j = json(good);
	struct facts_error err;
	const char *code;
	struct facts f;
	uint32_t ns;

	CU_ASSERT_TRUE_FATAL(state_read(j, &conf, &f, &ns, &code, &err));
	CU_ASSERT_STRING_EQUAL(code, "");
	CU_ASSERT_EQUAL(ns, 1);
	CU_ASSERT_FALSE(f.main);
	CU_ASSERT_EQUAL(f.address.pos[0], 3);
	CU_ASSERT_EQUAL(f.address.pos[3], 2);
	CU_ASSERT_TRUE(f.has_dev[0] && f.has_dev[1] && !f.has_dev[2]);
	CU_ASSERT_EQUAL(f.linklocal[0], 0);
	CU_ASSERT_EQUAL_FATAL(f.n_arcs, 3);
	CU_ASSERT_EQUAL(f.arcs[1].dev, 1);
	CU_ASSERT_EQUAL(f.arcs[1].peer_mac.b[5], 0xaa);
	CU_ASSERT_EQUAL(f.arcs[1].peer_linklocal, 0xa9fe451e);
	CU_ASSERT_TRUE(f.arcs[1].qspn && f.arcs[1].known && !f.arcs[1].closing);
	CU_ASSERT_EQUAL(f.arcs[1].peer.pos[2], 0);
	CU_ASSERT_FALSE(f.arcs[2].qspn || f.arcs[2].known);
	CU_ASSERT_EQUAL_FATAL(f.n_paths, 2);
	CU_ASSERT_EQUAL(f.paths[1].cost, 21000);
	CU_ASSERT_EQUAL(f.paths[1].n_hops, 2);
	CU_ASSERT_EQUAL(f.hops[f.paths[1].first_hop + 1].level, 1);
	facts_free(&f);
	json_decref(j);
}

/* Every key that is missing, and every value that is wrong, is named. */
static void
test_bad(void)
{
	static const struct {
		const char *from;
		const char *to;
		const char *code;
		const char *field;
	} cases[] = {
		{ "'version': 1,", "", "usage", "version" },
		{ "'version': 1", "'version': 2", "usage", "version" },
		{ "'version': 1", "'version': 1.0", "usage", "version" },
		{ "'version': 1", "'version': '1'", "usage", "version" },
		{ "'version': 1", "'version': null", "usage", "version" },
		{ "'version': 1", "'version': 1, 'more': 2", "usage", "" },
		{ "'topology': '4.2.2.2',", "", "usage", "topology" },
		{ "'topology': '4.2.2.2'", "'topology': '4.2.2'", "wrong_address", "topology" },
		{ "'topology': '4.2.2.2'", "'topology': '4.2.2.3'", "wrong_address", "topology" },
		{ "'topology': '4.2.2.2'", "'topology': '4.2.2.2\\u0000'", "usage", "topology" },
		{ "'topology': '4.2.2.2'", "'topology': 4", "usage", "topology" },
		{ "'address': '2.1.1.3',", "", "usage", "address" },
		{ "'address': '2.1.1.3'", "'address': '2.1.1'", "wrong_address", "address" },
		{ "'address': '2.1.1.3'", "'address': '2.1.1.x'", "wrong_address", "address" },
		{ "'address': '2.1.1.3'", "'address': '2.1.1.1'", "wrong_address", "address" },
		{ "'address': '2.1.1.3'", "'address': '2.1.1.2147483648'", "wrong_address", "address" },
		{ "'main': false,", "", "usage", "main" },
		{ "'main': false", "'main': 0", "usage", "main" },
		{ "'main': false", "'main': true", "usage", "namespace" },
		{ "'namespace': 1,", "", "usage", "namespace" },
		{ "'namespace': 1", "'namespace': 0", "usage", "namespace" },
		{ "'namespace': 1", "'namespace': -1", "usage", "namespace" },
		{ "'namespace': 1", "'namespace': 4294967296", "usage", "namespace" },
		{ "'arcs':", "'arks':", "usage", "" },
		{ "'arcs': [", "'arcs': {}, 'x': [", "usage", "" },
		{ "'dev': 'eth1',", "", "usage", "arcs[0].dev" },
		{ "'dev': 'eth2'", "'dev': 'eth3'", "unknown_arc", "arcs[1].dev" },
		{ "'dev': 'eth2'", "'dev': 'lo'", "unknown_arc", "arcs[1].dev" },
		{ "'dev': 'eth2'", "'dev': 2", "usage", "arcs[1].dev" },
		{ "'peer_mac': '00:16:3e:5b:78:d5',", "", "usage", "arcs[0].peer_mac" },
		{ "'00:16:3e:5b:78:d5'", "'00:16:3e:5b:78'", "usage", "arcs[0].peer_mac" },
		{ "'00:16:3e:5b:78:d5'", "'01:16:3e:5b:78:d5'", "usage", "arcs[0].peer_mac" },
		{ "'00:16:3e:fd:e2:aa'", "'00:16:3E:5B:78:D5'", "usage", "arcs[1].peer_mac" },
		{ "'169.254.94.223'", "'169.254.94.256'", "usage", "arcs[0].peer_linklocal" },
		{ "'169.254.94.223'", "'10.0.0.1'", "usage", "arcs[0].peer_linklocal" },
		{ "'169.254.163.36'", "'169.254.94.223'", "usage", "arcs[2].peer_linklocal" },
		{ "'qspn': false", "'qspn': 'no'", "usage", "arcs[2].qspn" },
		{ "'qspn': false", "'qspn': false, 'peer_address': '2.1.1.1'", "usage",
			"arcs[2].peer_address" },
		{ "'qspn': false", "'qspn': false, 'closing': true", "usage", "arcs[2].closing" },
		{ "'qspn': false", "'quack': false", "usage", "arcs[2]" },
		{ "'peer_address': '2.1.1.0'", "'peer_address': '2.1.1.3'", "usage",
			"arcs[0].peer_address" },
		{ "'peer_address': '2.1.1.0'", "'peer_address': '2.1'", "wrong_address",
			"arcs[0].peer_address" },
		{ "'peer_address': '2.1.1.0'", "'peer_address': null", "usage", "arcs[0].peer_address" },
		{ "'dst': [2, 0]", "'dst': [2]", "usage", "paths[0].dst" },
		{ "'dst': [2, 0]", "'dst': [4, 0]", "usage", "paths[0].dst" },
		{ "'dst': [2, 0]", "'dst': [-1, 0]", "usage", "paths[0].dst" },
		{ "'dst': [2, 0]", "'dst': [2, 2147483648]", "usage", "paths[0].dst" },
		{ "'dst': [2, 0]", "'dst': [2, 1]", "usage", "paths[0].dst" },
		{ "'dst': [2, 0]", "'dst': '2,0'", "usage", "paths[0].dst" },
		{ "'arc': 1", "'arc': 3", "usage", "paths[0].arc" },
		{ "'arc': 1", "'arc': 1000", "usage", "paths[0].arc" },
		{ "'arc': 1", "'arc': 2", "usage", "paths[0].arc" },
		{ "'hops': [[2, 0]]", "'hops': []", "usage", "paths[0].hops" },
		{ "'hops': [[2, 0]]", "'hops': [[2, 2]]", "usage", "paths[0].hops" },
		{ "'hops': [[2, 0]]", "'hops': [[2]]", "usage", "paths[0].hops[0]" },
		{ "'hops': [[2, 0]]", "'hops': {}", "usage", "paths[0].hops" },
		{ "[[0, 0], [1, 0]]", "[[0, 0], [1, true]]", "usage", "paths[1].hops[1]" },
		{ "'cost': 10000", "'cost': 0", "usage", "paths[0].cost" },
		{ "'cost': 10000", "'cost': 4294967296", "usage", "paths[0].cost" },
		{ "'cost': 10000", "'cost': 1e4", "usage", "paths[0].cost" },
		{ ", 'cost': 21000", "", "usage", "paths[1].cost" },
		{ ", 'cost': 21000", ", 'cost': 21000, 'price': 1", "usage", "paths[1]" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *j = with(cases[i].from, cases[i].to);
		struct facts_error err;
		const char *code;
		struct facts f;
		uint32_t ns;

		CU_ASSERT_FALSE(state_read(j, &conf, &f, &ns, &code, &err));
		CU_ASSERT_STRING_EQUAL(code, cases[i].code);
		CU_ASSERT_STRING_EQUAL(err.field, cases[i].field);
		if (strcmp(err.field, cases[i].field) != 0 || strcmp(code, cases[i].code) != 0)
			tap_note("%s: %s: %s %s", cases[i].to, code, err.field, err.text);
		CU_ASSERT_NOT_EQUAL(err.text[0], '\0');
		CU_ASSERT_PTR_NULL(f.arcs);
		json_decref(j);
	}
}

static void
test_no_object(void)
{
	static const char *const texts[] = { "[]", "1", "null", "'x'", "{}" };
	struct facts_error err;
	const char *code;
	struct facts f;
	uint32_t ns;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *j = json(texts[i]);

		CU_ASSERT_FALSE(state_read(j, &conf, &f, &ns, &code, &err));
		CU_ASSERT_STRING_EQUAL(code, "usage");
		json_decref(j);
	}
}

/*
 * A key that does not exist is named, with those that do, wherever it stands.  It may be
 * anything: an error repeats only what may stand in a line.
 */
static void
test_unknown_key(void)
{
	static const char file[] = "version, topology, address, main, namespace, arcs, paths";
	static const char arc[] = "dev, peer_mac, peer_linklocal, qspn, peer_address, closing";
	static const char path[] = "dst, arc, hops, cost";
	static const struct {
		const char *from;
		const char *to;
		const char *field;
		const char *named;
		const char *keys;
	} cases[] = {
		{ "'version': 1", "'version': 1, 'more': 2", "", "more", file },
		{ "'arcs':", "'arks':", "", "arks", file },
		{ "'qspn': false", "'qspn': false, 'close': true", "arcs[2]", "close", arc },
		{ "'cost': 21000", "'cost': 21000, 'dest': 1", "paths[1]", "dest", path },
		{ "'version': 1", "'version': 1, 'a\\u001b[2J\\n': 1", "", "a", file },
		{ "'version': 1", "'version': 1, '\\u001b': 1", "", "", file },
		{ "'version': 1", "'version': 1, '0123456789-0123456789-0123456789': 1", "",
			"0123456789-0123456789-0123456789", file },
	};
	char text[sizeof(((struct facts_error *)0)->text)];
	struct facts_error err;
	const char *code;
	struct facts f;
	uint32_t ns;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *j = with(cases[i].from, cases[i].to);

		snprintf(text, sizeof(text), "has an unknown key \"%.32s\"; there are %s",
		    cases[i].named, cases[i].keys);
		CU_ASSERT_FALSE(state_read(j, &conf, &f, &ns, &code, &err));
		CU_ASSERT_STRING_EQUAL(code, "usage");
		CU_ASSERT_STRING_EQUAL(err.field, cases[i].field);
		CU_ASSERT_STRING_EQUAL(err.text, text);
		json_decref(j);
	}
}

static void
test_closing(void)
{
	json_t *j = with("'peer_address': '2.1.1.0' }", "'peer_address': '2.1.1.0', 'closing': true }");
	struct facts_error err;
	const char *code;
	struct facts f;
	uint32_t ns;

	/* No path leads over it any more. */
	CU_ASSERT_FALSE(state_read(j, &conf, &f, &ns, &code, &err));
	CU_ASSERT_STRING_EQUAL(err.field, "paths[1].arc");
	json_array_remove(json_object_get(j, "paths"), 1);
	CU_ASSERT_TRUE_FATAL(state_read(j, &conf, &f, &ns, &code, &err));
	CU_ASSERT_TRUE(f.arcs[0].closing && !f.arcs[1].closing);
	facts_free(&f);
	json_decref(j);
	j = with("'peer_address': '2.1.1.0'", "'peer_address': '2.1.1.0', 'closing': 1");
	CU_ASSERT_FALSE(state_read(j, &conf, &f, &ns, &code, &err));
	CU_ASSERT_STRING_EQUAL(err.field, "arcs[0].closing");
	json_decref(j);
}

static void
test_too_many(void)
{
	json_t *j = json(good);
	json_t *arcs = json_object_get(j, "arcs");
	struct facts_error err;
	const char *code;
	struct facts f;
	uint32_t ns;

	while (json_array_size(arcs) <= FACTS_ARCS)
		json_array_append(arcs, json_array_get(arcs, 0));
	CU_ASSERT_FALSE(state_read(j, &conf, &f, &ns, &code, &err));
	CU_ASSERT_STRING_EQUAL(err.field, "arcs");
	json_decref(j);
}

/* What is written is read back as it was, closing arcs included. */
static void
test_round_trip(void)
{
	struct rng r;

	for (uint64_t seed = 0; seed < 300; seed++) {
		struct facts_error err;
		struct facts f, g;
		json_t *once, *twice;
		const char *code;
		uint32_t ns;
		bool ok;

		rng_init(&r, seed);
		kerntest_invent(&r, &conf, seed % 2 == 0, &f);
		f.has_dev[0] = f.has_dev[1] = true;
		once = state_write(&conf, &f, f.main ? 0 : 4294967295U);
		CU_ASSERT_PTR_NOT_NULL_FATAL(once);
		ok = state_read(once, &conf, &g, &ns, &code, &err);
		CU_ASSERT_TRUE(ok);
		if (!ok)
			tap_note("seed %u: %s %s", (unsigned)seed, err.field, err.text);
		CU_ASSERT_EQUAL(ns, f.main ? 0 : 4294967295U);
		twice = state_write(&conf, &g, ns);
		CU_ASSERT_TRUE(json_equal(once, twice));
		CU_ASSERT_EQUAL(f.n_arcs, g.n_arcs);
		CU_ASSERT_EQUAL(f.n_paths, g.n_paths);
		json_decref(once);
		json_decref(twice);
		facts_free(&f);
		facts_free(&g);
	}
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "reads a good file", test_good },
		{ "names what is wrong", test_bad },
		{ "no object, or an empty one", test_no_object },
		{ "an unknown key is named, with those there are", test_unknown_key },
		{ "an arc that is closing", test_closing },
		{ "too many arcs", test_too_many },
		{ "round trip", test_round_trip },
	};

	kerntest_conf(&conf, "4.2.2.2", 2);
	return TAP_RUN(tests);
}
