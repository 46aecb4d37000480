/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map as ntkctl draws it: from what a daemon answers, and from what none should.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkctl/map.h"
#include "tests/unit/tap.h"
#include "tests/unit/xmlcheck.h"

#define DIRTY "\\u001b[31m<b a=\\\"1\\\" c='2'>&\\\\n\\u202e]]>"

/*
 * A network of three levels of two: here 1.0.1, with a neighbour inside its g-node of level 1, one
 * outside that is to be reached directly, one behind it.  The connectivity identity has a neighbour whose position
 * is virtual, so that no path leads there.
 */
#define MAP(dev) "{\"topology\":\"2.2.2\",\"identities\":[" \
	"{\"index\":0,\"main\":true,\"address\":\"1.0.1\",\"namespace\":\"default\",\"state\":\"running\"," \
	"\"nodes_inside\":[1,2,3,5]}," \
	"{\"index\":3,\"main\":false,\"address\":\"0.2.1\",\"namespace\":\"" dev "\",\"state\":\"running\"," \
	"\"ranges\":\"2-2\",\"nodes_inside\":[1]}]," \
	"\"gnodes\":[" \
	"{\"identity\":0,\"dst\":[0,0],\"nodes\":1,\"paths\":1,\"cost\":1000,\"arc\":0,\"hops\":[[0,0]]}," \
	"{\"identity\":0,\"dst\":[2,0],\"nodes\":2,\"paths\":2,\"cost\":31000,\"arc\":1," \
	"\"hops\":[[1,1],[2,0]]}," \
	"{\"identity\":0,\"dst\":[1,1],\"nodes\":1,\"paths\":1,\"cost\":10000,\"arc\":1,\"hops\":[[1,1]]}]," \
	"\"arcs\":[" \
	"{\"identity\":0,\"index\":0,\"dev\":\"eth1\",\"peer_mac\":\"00:16:3e:00:00:01\",\"qspn\":true," \
	"\"peer_linklocal\":\"169.254.1.1\"," \
	"\"peer_address\":\"1.0.0\",\"cost\":1000,\"closing\":false}," \
	"{\"identity\":0,\"index\":1,\"dev\":\"" dev "\",\"peer_mac\":\"00:16:3e:00:00:02\",\"qspn\":true," \
	"\"peer_address\":\"1.1.0\",\"cost\":10000,\"closing\":false}," \
	"{\"identity\":0,\"index\":4,\"dev\":\"eth2\",\"peer_mac\":\"" dev "\",\"qspn\":false," \
	"\"closing\":false}," \
	"{\"identity\":3,\"index\":0,\"dev\":\"eth1\",\"peer_mac\":\"00:16:3e:00:00:01\",\"qspn\":true," \
	"\"peer_address\":\"0.3.0\",\"cost\":1000,\"closing\":true}]}"

/* TEXT drawn, to be freed; NULL when it is refused, and then nothing was printed. */
static char *
drawn(enum map_form form, const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);
	bool ok;

	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	ok = map_print(f, form, json);
	fclose(f);
	json_decref(json);
	if (ok)
		return out;
	CU_ASSERT_EQUAL(len, 0);
	free(out);
	return NULL;
}

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != '\n' && *text != '\t' && (*text < 0x20 || *text > 0x7e))
			return false;
	return true;
}

static void
has(enum map_form form, const char *map, const char *want)
{
	char *text = drawn(form, map);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	if (strstr(text, want) == NULL)
		tap_note("no \"%s\" in:\n%s", want, text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, want));
	free(text);
}

static void
test_text(void)
{
	static const char want[] =
	    "identity 0, default, running\n"
	    "  network 2.2.2: 5 nodes\n"
	    "    0: 2 nodes, cost 31000 us by arc 1 over 1.1 (2 paths)\n"
	    "    1: own, 3 nodes\n"
	    "      1.0: own, 2 nodes\n"
	    "        1.0.0: 1 node, cost 1000 us by arc 0\n"
	    "        1.0.1: this identity\n"
	    "      1.1: 1 node, cost 10000 us by arc 1\n"
	    "  arcs\n"
	    "    0: eth1 to 1.0.0, 00:16:3e:00:00:01, 169.254.1.1, cost 1000 us\n"
	    "    1: ntkv0 to 1.1.0, 00:16:3e:00:00:02, cost 10000 us\n"
	    "    4: eth2 to ntkv0, no paths exchanged\n"
	    "\n"
	    "identity 3, ntkv0, running, keeps levels 2-2\n"
	    "  network 2.2.2\n"
	    "    0: own\n"
	    "      0.2: own\n"
	    "        0.2.1: this identity\n"
	    "      0.3: virtual, no path\n"
	    "  arcs\n"
	    "    0: eth1 to 0.3.0, 00:16:3e:00:00:01, cost 1000 us, closing\n";
	char *text = drawn(MAP_TEXT, MAP("ntkv0"));

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	if (strcmp(text, want) != 0)
		tap_note("%s", text);
	CU_ASSERT_STRING_EQUAL(text, want);
	free(text);
}

static void
test_dot(void)
{
	static const char *const want[] = {
		"graph map {\n",
		"subgraph cluster_i0_3 {\n\tlabel=\"identity 0, default, running: 5 nodes\";\n\ti0_2_0 [label=\"0\\n2 nodes\\n31000 us\"",
		"subgraph cluster_i0_2 {\n\tlabel=\"1: 3 nodes\";\n\ti0_1_1 [label=\"1.1\\n1 node\\n10000 us\"",
		"subgraph cluster_i0_1 {\n\tlabel=\"1.0: 2 nodes\";\n\ti0_0_0 [label=\"1.0.0\\n1 node\\n1000 us\"",
		"\ti0 [label=\"1.0.1\", penwidth=2];\n\t}\n\t}\n\t}\n",
		"\ti0 -- i0_0_0 [label=\"eth1\\n1000 us\"];\n",
		"\ti0 -- i0_1_1 [label=\"ntkv0\\n10000 us\"];\n",
		"\ti0 -- i0_arc2 [label=\"eth2\", style=dotted];\n",
		"\ti0_2_0 -- i0_1_1 [style=dashed",
		"\ti3 -- i3_1_3 [label=\"eth1\\n1000 us\", style=dotted];\n",
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		has(MAP_DOT, MAP("ntkv0"), want[i]);
}

/* --- the picture -------------------------------------------------------------------------- */

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* The judge says no to each. */
static void
test_judge(void)
{
	static const char *const bad[] = { "", "<a/>", XML, XML "<a>", XML "</a>", XML "<a></b>",
		XML "<a/><a/>", XML "<a>&</a>", XML "<a>&nbsp;</a>", XML "<a b=\"<\"/>", XML "<a b='1'/>",
		XML "<a b>", XML "<a b=\"1/>", XML "<a><</a>", XML "x<a/>", XML "<a b=\"&\"/>" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(is_xml(bad[i]));
	CU_ASSERT_TRUE(is_xml(XML "<a b=\"1&quot;\" c=\"\"><d/>x &lt; y<e>z</e></a>\n"));
}

static void
test_svg(void)
{
	static const char *const want[] = { ">network: 5 nodes</text>", ">1: 3 nodes</text>",
		">1.0: 2 nodes</text>", ">1.0.1</text>", ">1.0.0</text>", ">best 31000 us</text>",
		">eth1 1000 us</text>", ">ntkv0 10000 us</text>", ">no paths exchanged</text>",
		">no path</text>", ">virtual</text>", ">identity 3, ntkv0, running, keeps levels 2-2</text>",
		"<path class=\"l\"", "<path class=\"a\"", "<path class=\"a c\"" };
	char *text = drawn(MAP_SVG, MAP("ntkv0"));

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_TRUE(is_xml(text));
	free(text);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		has(MAP_SVG, MAP("ntkv0"), want[i]);
}

/* Every box lies in the frame that it belongs to, and no two overlap. */
struct box {
	double x, y, w, h;
};

static bool
lies_in(const struct box *a, const struct box *b)
{
	return a->x >= b->x && a->y >= b->y && a->x + a->w <= b->x + b->w && a->y + a->h <= b->y + b->h;
}

static bool
apart(const struct box *a, const struct box *b)
{
	return a->x + a->w <= b->x || b->x + b->w <= a->x || a->y + a->h <= b->y || b->y + b->h <= a->y;
}

static size_t
boxes(const char *svg, struct box *v, size_t size)
{
	size_t n = 0;

	for (const char *p = strstr(svg, "<rect class="); p != NULL; p = strstr(p + 1, "<rect class=")) {
		const char *x = strstr(p, " x=");

		CU_ASSERT_FATAL(n < size);
		CU_ASSERT_EQUAL(sscanf(x, " x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"", &v[n].x, &v[n].y,
		    &v[n].w, &v[n].h), 4);
		n++;
	}
	return n;
}

/* An identity in 16 levels, with N other g-nodes in each. */
static json_t *
large_map(unsigned n)
{
	json_t *gnodes = json_array();

	for (json_int_t level = 0; level < 16; level++)
		for (json_int_t i = 1; i <= n; i++)
			json_array_append_new(gnodes, json_pack("{s:i, s:[I,I], s:I, s:i, s:I, s:i, s:[[I,I]]}",
			    "identity", 0, "dst", level, i, "nodes", i << level, "paths", 1, "cost", 1000 * i, "arc", 0,
			    "hops", level, i));
	return json_pack("{s:s, s:[{s:i, s:s}], s:o, s:[]}", "topology",
	    "16.16.16.16.16.16.16.16.16.16.16.16.16.16.16.16", "identities", "index", 0, "address",
	    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0", "gnodes", gnodes, "arcs");
}

static void
test_places(void)
{
	for (unsigned n = 0; n < 16; n++) {
		static struct box v[16 * 17 + 1];
		json_t *json = large_map(n);
		char *line = json_dumps(json, 0), *text = drawn(MAP_SVG, line);
		size_t count;

		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		CU_ASSERT_TRUE(is_xml(text));
		count = boxes(text, v, sizeof(v) / sizeof(v[0]));
		CU_ASSERT_EQUAL(count, 16 + 16 * n + 1);
		/* Frames first, each within the one before; then boxes, highest level first; then ourselves. */
		for (size_t i = 1; i < 16; i++)
			CU_ASSERT_TRUE(lies_in(&v[i], &v[i - 1]));
		for (size_t i = 0; i < 16 * n; i++) {
			size_t frame = i / n;

			CU_ASSERT_TRUE(lies_in(&v[16 + i], &v[frame]));
			CU_ASSERT_TRUE(apart(&v[16 + i], frame < 15 ? &v[frame + 1] : &v[count - 1]));
			for (size_t k = frame * n; k < i; k++)
				CU_ASSERT_TRUE(apart(&v[16 + i], &v[16 + k]));
		}
		CU_ASSERT_TRUE(lies_in(&v[count - 1], &v[15]));
		free(text);
		free(line);
		json_decref(json);
	}
}

/* --- what no daemon should say ------------------------------------------------------------------ */

static void
test_dirty(void)
{
	for (enum map_form form = MAP_TEXT; form <= MAP_SVG; form++) {
		char *text = drawn(form, MAP(DIRTY));

		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		CU_ASSERT_TRUE(is_printable(text));
		if (form == MAP_SVG) {
			CU_ASSERT_TRUE(is_xml(text));
			CU_ASSERT_PTR_NULL(strstr(text, "<b "));
		}
		free(text);
	}
	has(MAP_TEXT, MAP(DIRTY), "\\x1b[31m<b a=\"1\" c='2'>&\\x5cn\\xe2\\x80\\xae]]>");
	has(MAP_SVG, MAP(DIRTY), "\\x1b[31m&lt;b a=&quot;1&quot; c=");
	/* A quote is dot's own escape; what looks like an escape of dot is none. */
	has(MAP_DOT, MAP(DIRTY), "\\\\x1b[31m<b a=\\\"1\\\" c='2'>&\\\\x5cn\\\\xe2\\\\x80\\\\xae]]>");
}

#define ID "\"identities\":[{\"index\":0,\"address\":\"1.1\"}]"
#define GNODE(text) "{\"topology\":\"2.2\"," ID ",\"arcs\":[],\"gnodes\":[" text "]}"
#define ARC(text) "{\"topology\":\"2.2\"," ID ",\"gnodes\":[],\"arcs\":[" text "]}"
#define GOOD "{\"identity\":0,\"dst\":[1,0],\"paths\":1,\"cost\":1,\"hops\":[[1,0]]}"

static void
test_refused(void)
{
	static const char *const bad[] = {
		"null", "1", "[]", "{}", "{\"topology\":\"2.2\"}",
		"{\"topology\":\"2.3\"," ID ",\"gnodes\":[],\"arcs\":[]}",
		"{\"topology\":2," ID ",\"gnodes\":[],\"arcs\":[]}",
		"{\"topology\":\"2.2\",\"identities\":[1],\"gnodes\":[],\"arcs\":[]}",
		"{\"topology\":\"2.2\",\"identities\":[{\"index\":0,\"address\":\"1.1.1\"}],\"gnodes\":[],\"arcs\":[]}",
		"{\"topology\":\"2.2\",\"identities\":[{\"index\":-1,\"address\":\"1.1\"}],\"gnodes\":[],\"arcs\":[]}",
		"{\"topology\":\"2.2\",\"identities\":[{\"address\":\"1.1\"}],\"gnodes\":[],\"arcs\":[]}",
		GNODE(GOOD "," GOOD),
		GNODE("{\"identity\":0}"),
		GNODE("{\"identity\":0,\"dst\":[2,0],\"paths\":1,\"cost\":1,\"hops\":[[2,0]]}"),
		GNODE("{\"identity\":0,\"dst\":[-1,0],\"paths\":1,\"cost\":1,\"hops\":[[-1,0]]}"),
		GNODE("{\"identity\":0,\"dst\":[1,2147483648],\"paths\":1,\"cost\":1,\"hops\":[[1,2147483648]]}"),
		GNODE("{\"identity\":0,\"dst\":[1],\"paths\":1,\"cost\":1,\"hops\":[[1]]}"),
		GNODE("{\"identity\":0,\"dst\":[1,0],\"paths\":1,\"cost\":1,\"hops\":[]}"),
		GNODE("{\"identity\":0,\"dst\":[1,0],\"paths\":1,\"cost\":1,\"hops\":[[0,0]]}"),
		GNODE("{\"identity\":0,\"dst\":[1,0],\"paths\":1,\"cost\":1,\"hops\":[7,[1,0]]}"),
		GNODE("{\"identity\":0,\"dst\":[1,0],\"paths\":1,\"cost\":-1,\"hops\":[[1,0]]}"),
		GNODE("{\"identity\":0,\"dst\":[1,0],\"paths\":1,\"cost\":\"1\",\"hops\":[[1,0]]}"),
		GNODE("{\"identity\":0,\"dst\":[1,0],\"paths\":0,\"cost\":1,\"hops\":[[1,0]]}"),
		ARC("{\"identity\":0}"),
		ARC("{\"identity\":0,\"index\":-1}"),
		ARC("{\"identity\":0,\"index\":0,\"cost\":[]}"),
		ARC("{\"identity\":0,\"index\":0,\"qspn\":true,\"peer_address\":\"x\"}"),
	};

	for (enum map_form form = MAP_TEXT; form <= MAP_SVG; form++) {
		char *good = drawn(form, GNODE(GOOD));

		CU_ASSERT_PTR_NOT_NULL(good);
		free(good);
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			char *text = drawn(form, bad[i]);

			if (text != NULL)
				tap_note("drawn: %s", bad[i]);
			CU_ASSERT_PTR_NULL(text);
			free(text);
		}
	}
}

/* What is strange, but can be drawn: our own place as another's, a neighbour with our own address. */
static void
test_strange(void)
{
	static const char *const texts[] = {
		GNODE("{\"identity\":0,\"dst\":[1,1],\"paths\":1,\"cost\":1,\"hops\":[[0,1],[1,1]]}"),
		GNODE("{\"identity\":9,\"dst\":\"x\"}"),
		ARC("{\"identity\":0,\"index\":0,\"qspn\":true,\"peer_address\":\"1.1\"}"),
		ARC("{\"identity\":0,\"index\":9223372036854775807,\"cost\":9223372036854775807}"),
		"{\"topology\":\"2.2\",\"identities\":[],\"gnodes\":[],\"arcs\":[]}",
	};

	for (enum map_form form = MAP_TEXT; form <= MAP_SVG; form++)
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
			char *text = drawn(form, texts[i]);

			CU_ASSERT_PTR_NOT_NULL_FATAL(text);
			CU_ASSERT_TRUE(is_printable(text));
			CU_ASSERT_TRUE(form != MAP_SVG || is_xml(text));
			free(text);
		}
}

/* More than any daemon has is not drawn, however little each is. */
static void
test_limits(void)
{
	json_t *arcs = json_array(), *json;
	char *line, *text;

	for (int i = 0; i <= MAP_ARCS; i++)
		json_array_append_new(arcs, json_pack("{s:i, s:i}", "identity", 0, "index", i));
	json = json_pack("{s:s, s:[{s:i, s:s}], s:[], s:o}", "topology", "2.2", "identities", "index", 0,
	    "address", "1.1", "gnodes", "arcs", arcs);
	line = json_dumps(json, 0);
	text = drawn(MAP_SVG, line);
	CU_ASSERT_PTR_NULL(text);
	free(text);
	free(line);
	json_array_remove(arcs, 0);
	line = json_dumps(json, 0);
	text = drawn(MAP_SVG, line);
	CU_ASSERT_PTR_NOT_NULL(text);
	free(text);
	free(line);
	json_decref(json);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "lines", test_text },
		{ "a graph for dot", test_dot },
		{ "what is not XML is noticed", test_judge },
		{ "a picture", test_svg },
		{ "no two boxes overlap", test_places },
		{ "texts that would break out", test_dirty },
		{ "what is no map is refused", test_refused },
		{ "what is strange is drawn", test_strange },
		{ "limits", test_limits },
	};

	return TAP_RUN(tests);
}
