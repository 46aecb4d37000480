/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference scenario: state files of every namespace at its quiet moments
 * (tests/fixtures/states), and what must be in the kernel then, twice: as lists that
 * follow from spec/kernel-state (tests/fixtures/expected), and as measured from
 * the original's commands (golden files of the reference material, where it is there).
 */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/io/state.h"
#include "tests/unit/kerntest.h"
#include "tests/unit/tap.h"

enum { NAME = 64, PATH = 512, LINES = 4096 };

/* Who the systems are (reference scenario); a namespace of its own has link-locals of its own. */
static const struct {
	const char *system;
	unsigned n;
	const char *linklocal;
} systems[] = {
	{ "alfa", 0, "169.254.69.30" },
	{ "beta", 0, "169.254.96.141" },
	{ "beta", 1, "169.254.27.218" },
	{ "gamma", 0, "169.254.94.223" },
	{ "delta", 0, "169.254.253.216" },
	{ "mu", 0, "169.254.119.176" },
	{ "epsilon", 0, "169.254.163.36" },
};

static const struct {
	const char *phase;
	const char *golden;
	size_t namespaces;	/* in the golden file */
} phases[] = {
	{ "p0", "p0-start", 6 },
	{ "p1", "p1-beta-entered", 6 },
	{ "p2", "p2-mu-entered", 6 },
	{ "p3", "p3-gnode-entered", 6 },
	{ "p4", "p4-alfa-entered", 6 },
	{ "p6", "p6-epsilon-entered", 7 },
	{ "seed-page", "seed-page", 1 },
};
enum { PHASES = sizeof(phases) / sizeof(phases[0]) };

static struct conf conf;

static ntk_ip_t
linklocal_of(const char *system, unsigned n)
{
	ntk_ip_t ip = 0;

	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (strcmp(systems[i].system, system) == 0 && systems[i].n == n)
			ip_parse(systems[i].linklocal, &ip);
	return ip;
}

/* --- the wanted state of a state file --- */

static bool
facts_of(const char *name, ntk_ip_t linklocal, struct facts *f)
{
	char path[PATH];
	const char *code;
	struct facts_error err;
	json_error_t where;
	json_t *json;
	uint32_t ns;
	bool ok;

	snprintf(path, sizeof(path), "%s/tests/fixtures/states/%s.json", tap_srcdir(), name);
	json = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	ok = state_read(json, &conf, f, &ns, &code, &err);
	json_decref(json);
	if (!ok)
		tap_note("%s: %s: %s %s", path, code, err.field, err.text);
	f->linklocal[0] = linklocal;
	return ok;
}

static bool
wanted_of(const char *phase, const char *system, unsigned n, struct kset *want)
{
	struct wanted_settings settings = kerntest_settings(&conf);
	char name[NAME];
	struct facts f;
	bool ok;

	snprintf(name, sizeof(name), "%s-%s-n%u", phase, system, n);
	facts_init(&f);
	ok = facts_of(name, linklocal_of(system, n), &f) && wanted_state(&settings, &f, want);
	facts_free(&f);
	return ok;
}

/* --- the expected lists --- */

/* Compares WANT, printed, with the lines of the file. */
static size_t
differences(const char *name, const struct kset *want)
{
	char path[PATH], line[KOBJ_TEXT + 2], text[KOBJ_TEXT];
	FILE *in;
	size_t i = 0, wrong = 0;

	snprintf(path, sizeof(path), "%s/tests/fixtures/expected/%s.txt", tap_srcdir(), name);
	in = fopen(path, "r");
	if (in == NULL)
		return LINES;
	for (; fgets(line, sizeof(line), in) != NULL; i++) {
		line[strcspn(line, "\n")] = '\0';
		if (i < want->n && strcmp(line, kobj_print(&want->v[i], text)) == 0)
			continue;
		tap_note("%s: line %zu: expected \"%s\", is \"%s\"", name, i + 1, line,
		    i < want->n ? kobj_print(&want->v[i], text) : "");
		wrong++;
	}
	fclose(in);
	return wrong + (i != want->n);
}

static void
test_expected(void)
{
	struct kset want;
	char name[NAME];
	size_t n = 0;

	kset_init(&want);
	for (size_t p = 0; p < PHASES; p++)
		for (size_t s = 0; s < sizeof(systems) / sizeof(systems[0]); s++) {
			bool page = strcmp(phases[p].phase, "seed-page") == 0;
			bool own = systems[s].n == 1;

			if (own ? strcmp(phases[p].phase, "p6") != 0 && !page : page)
				continue;
			snprintf(name, sizeof(name), "%s-%s-n%u", phases[p].phase,
			    systems[s].system, systems[s].n);
			CU_ASSERT_TRUE(wanted_of(phases[p].phase, systems[s].system,
			    systems[s].n, &want));
			CU_ASSERT_EQUAL(differences(name, &want), 0);
			n++;
		}
	CU_ASSERT_EQUAL(n, 38);
	kset_free(&want);
}

/* --- the golden files --- */

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static ntk_ip_t
ip_of(const char *text)
{
	ntk_ip_t ip = 0;

	if (*text != '\0' && !ip_parse(text, &ip))
		CU_FAIL("no address in the golden file");
	return ip;
}

static ntk_prefix_t
prefix_of(const char *text)
{
	ntk_prefix_t p = { 0, 0 };

	if (!prefix_parse(text, &p))
		CU_FAIL("no prefix in the golden file");
	return p;
}

/* "ntk", or "ntk_from_00:16:3E:…" */
static ntk_mac_t
table_of(const char *name)
{
	ntk_mac_t mac = KOBJ_NTK;

	if (strcmp(name, "ntk") != 0 && (strncmp(name, "ntk_from_", 9) != 0 ||
	    !mac_parse(name + 9, &mac)))
		CU_FAIL("no table in the golden file");
	return mac;
}

static void
golden_addresses(const json_t *ns, struct kset *out)
{
	const char *dev;
	json_t *list, *text;
	size_t i;

	json_object_foreach(json_object_get(ns, "addresses"), dev, list)
		json_array_foreach(list, i, text) {
			ntk_prefix_t p = { 0, 0 };
			bool lo = strcmp(dev, "lo") == 0;

			if (strcmp(json_string_value(text), "127.0.0.1/8") == 0)
				continue;
			p = prefix_of(json_string_value(text));
			CU_ASSERT_EQUAL(p.len, 32);
			kset_add(out, &(struct kobj){ .kind = KOBJ_ADDR,
			    .dev = lo ? KOBJ_LO : 0, .addr = p.addr });
		}
}

static struct kobj
golden_route(const char *table, const json_t *measured)
{
	struct kobj o = { .kind = KOBJ_ROUTE, .mac = table_of(table) };
	json_t *r = json_deep_copy(measured);
	const char *type;
	ntk_prefix_t p;

	json_object_update(r, json_object_get(r, "by_rule"));
	p = prefix_of(text_of(r, "dst"));
	o.addr = p.addr;
	o.len = p.len;
	type = text_of(r, "type");
	o.type = strcmp(type, "unicast") == 0 ? PRIV_ROUTE_UNICAST :
	    strcmp(type, "blackhole") == 0 ? PRIV_ROUTE_BLACKHOLE : PRIV_ROUTE_UNREACHABLE;
	o.via = ip_of(text_of(r, "via"));
	o.src = ip_of(text_of(r, "src"));
	json_decref(r);
	return o;
}

static void
golden_tables(const json_t *ns, struct kset *out)
{
	const char *table;
	json_t *routes, *route;
	size_t i;

	json_object_foreach(json_object_get(ns, "tables"), table, routes)
		json_array_foreach(routes, i, route) {
			struct kobj o;

			if (strcmp(table, "main") == 0)
				o = (struct kobj){ .kind = KOBJ_NEIGH,
				    .addr = prefix_of(text_of(route, "dst")).addr,
				    .src = ip_of(text_of(route, "src")) };
			else
				o = golden_route(table, route);
			kset_add(out, &o);
		}
}

/* A rule selects the mark that packets of its table's neighbour get. */
static void
golden_rules(const json_t *ns, struct kset *out)
{
	json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(ns, "rules"), i, rule) {
		struct kobj o = { .kind = KOBJ_RULE, .mac = table_of(text_of(rule, "table")) };
		char mac[MAC_TEXT];
		json_t *mark = json_object_get(json_object_get(ns, "marks"),
		    mac_print(o.mac, mac));

		CU_ASSERT_TRUE(json_equal(json_object_get(rule, "fwmark"),
		    mark != NULL ? mark : json_null()));
		kset_add(out, &o);
	}
}

static void
golden_marks(const json_t *ns, struct kset *out)
{
	const char *mac;
	json_t *number;

	json_object_foreach(json_object_get(ns, "marks"), mac, number) {
		struct kobj o = { .kind = KOBJ_MARK };

		CU_ASSERT_TRUE(mac_parse(mac, &o.mac));
		kset_add(out, &o);
	}
}

static void
golden_nat(const json_t *ns, struct kset *out)
{
	json_t *entry;
	size_t i;

	CU_ASSERT_EQUAL(json_array_size(json_object_get(ns, "netmap")), 0);
	json_array_foreach(json_object_get(ns, "snat"), i, entry) {
		ntk_prefix_t dst = prefix_of(text_of(entry, "dst"));

		kset_add(out, &(struct kobj){ .kind = KOBJ_NAT, .nat = PRIV_NAT_SOURCE,
		    .addr = dst.addr, .len = dst.len, .via = ip_of(text_of(entry, "to")),
		    .to_len = 32 });
	}
}

/* The settings that objects of kind KOBJ_NS and KOBJ_DEV stand for. */
static void
golden_settings(const json_t *ns, struct kset *out)
{
	json_t *links = json_object_get(ns, "links");
	json_t *sysctls = json_object_get(ns, "sysctls");
	const char *dev;
	json_t *link;
	char key[128];

	CU_ASSERT_STRING_EQUAL(text_of(sysctls, "net/ipv4/ip_forward"), "1");
	CU_ASSERT_STRING_EQUAL(text_of(sysctls, "net/ipv4/conf/all/rp_filter"), "0");
	kset_add(out, &(struct kobj){ .kind = KOBJ_NS });
	json_object_foreach(links, dev, link) {
		CU_ASSERT_TRUE(json_is_true(json_object_get(link, "up")));
		snprintf(key, sizeof(key), "net/ipv4/conf/%s/arp_ignore", dev);
		CU_ASSERT_STRING_EQUAL(text_of(sysctls, key), "1");
		snprintf(key, sizeof(key), "net/ipv4/conf/%s/arp_announce", dev);
		CU_ASSERT_STRING_EQUAL(text_of(sysctls, key), "2");
		snprintf(key, sizeof(key), "net/ipv4/conf/%s/rp_filter", dev);
		CU_ASSERT_STRING_EQUAL(text_of(sysctls, key), "0");
		kset_add(out, &(struct kobj){ .kind = KOBJ_DEV });
	}
}

static void
golden_read(const json_t *ns, struct kset *out)
{
	kset_empty(out);
	golden_settings(ns, out);
	golden_addresses(ns, out);
	golden_tables(ns, out);
	golden_rules(ns, out);
	golden_marks(ns, out);
	golden_nat(ns, out);
	CU_ASSERT_TRUE(kset_sort(out));
}

/* Notes what is in A and not, or not the same, in B. */
static size_t
note_missing(const char *name, const char *what, const struct kset *a, const struct kset *b)
{
	char text[KOBJ_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++) {
		const struct kobj *o = kset_find(b, &a->v[i]);

		if (o != NULL && kobj_same_value(o, &a->v[i]))
			continue;
		tap_note("%s: %s: %s", name, what, kobj_print(&a->v[i], text));
		n++;
	}
	return n;
}

static void
compare_namespace(const char *phase, const char *system, unsigned n, const json_t *ns)
{
	struct kset want, golden;
	char name[NAME];

	kset_init(&want);
	kset_init(&golden);
	snprintf(name, sizeof(name), "%s %s n%u", phase, system, n);
	golden_read(ns, &golden);
	CU_ASSERT_TRUE(wanted_of(phase, system, n, &want));
	CU_ASSERT_EQUAL(note_missing(name, "only golden", &golden, &want), 0);
	CU_ASSERT_EQUAL(note_missing(name, "only wanted", &want, &golden), 0);
	kset_free(&want);
	kset_free(&golden);
}

/* Namespaces are numbered as kstate.py does: the default one 0, others from 1 in their order. */
static size_t
compare_phase(const char *phase, const json_t *state)
{
	const char *system, *space;
	json_t *spaces, *ns;
	size_t compared = 0;

	json_object_foreach((json_t *)state, system, spaces) {
		unsigned n = 1;

		json_object_foreach(spaces, space, ns) {
			bool by_default = strcmp(space, "default") == 0;

			compare_namespace(phase, system, by_default ? 0 : n, ns);
			n += !by_default;
			compared++;
		}
	}
	return compared;
}

static void
test_golden(void)
{
	const char *reference = tap_reference();
	char path[PATH];
	json_error_t err;

	if (reference == NULL) {
		tap_skip("no reference material: NTK_REFERENCE is not set and there is none "
		    "beside the source tree");
		return;
	}
	for (size_t p = 0; p < PHASES; p++) {
		json_t *json;

		snprintf(path, sizeof(path), "%s/golden/%s.json", reference, phases[p].golden);
		json = json_load_file(path, 0, &err);
		CU_ASSERT_PTR_NOT_NULL(json);
		CU_ASSERT_EQUAL(compare_phase(phases[p].phase, json_object_get(json, "state")),
		    phases[p].namespaces);
		json_decref(json);
	}
}

/* --- the seed page --- */

/* One line of the page's final routes: neighbour, destination, "unreachable" or "via ADDRESS". */
static struct kobj
page_route(const char *mac, const char *dst, const char *word, const char *via)
{
	ntk_prefix_t p = prefix_of(dst);
	struct kobj o = { .kind = KOBJ_ROUTE, .addr = p.addr, .len = p.len };

	CU_ASSERT_TRUE(mac_parse(mac, &o.mac));
	o.type = strcmp(word, "via") == 0 ? PRIV_ROUTE_UNICAST :
	    strcmp(word, "blackhole") == 0 ? PRIV_ROUTE_BLACKHOLE : PRIV_ROUTE_UNREACHABLE;
	o.via = ip_of(via);
	return o;
}

static size_t
page_read(struct kset *out)
{
	char path[PATH], line[128], mac[32], dst[32], word[32], via[32];
	FILE *in;

	snprintf(path, sizeof(path), "%s/tests/fixtures/seed-page-routes.txt", tap_srcdir());
	in = fopen(path, "r");
	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		struct kobj o;

		via[0] = '\0';
		CU_ASSERT_TRUE(sscanf(line, "%31s %31s %31s %31s", mac, dst, word, via) >= 3);
		o = page_route(mac, dst, word, via);
		kset_add(out, &o);
	}
	if (in != NULL)
		fclose(in);
	return kset_sort(out) ? out->n : 0;
}

static size_t
count(const struct kset *s, enum kobj_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].kind == kind;
	return n;
}

/* All 69 routes of the page, three marks, two rules, three neighbours, and not one more. */
static void
test_page(void)
{
	struct kset page, want;

	kset_init(&page);
	kset_init(&want);
	CU_ASSERT_EQUAL(page_read(&page), 69);
	CU_ASSERT_TRUE(wanted_of("seed-page", "beta", 1, &want));
	CU_ASSERT_EQUAL(count(&want, KOBJ_ROUTE), 69);
	CU_ASSERT_EQUAL(note_missing("seed page", "only on the page", &page, &want), 0);
	CU_ASSERT_EQUAL(count(&want, KOBJ_MARK), 3);
	CU_ASSERT_EQUAL(count(&want, KOBJ_RULE), 2);
	CU_ASSERT_EQUAL(count(&want, KOBJ_NEIGH), 3);
	CU_ASSERT_EQUAL(count(&want, KOBJ_ADDR), 1);
	CU_ASSERT_EQUAL(count(&want, KOBJ_NAT), 0);
	CU_ASSERT_EQUAL(want.n, 1 + 1 + 1 + 3 + 69 + 3 + 2);
	kset_free(&page);
	kset_free(&want);
}

/* Marks 250, 249, 248, in the order of the arcs and not of the MACs. */
static void
test_page_numbers(void)
{
	static const struct {
		const char *mac;
		uint32_t table;
	} numbers[] = {
		{ "00:16:3e:5b:78:d5", 250 },
		{ "00:16:3e:fd:e2:aa", 249 },
		{ "00:16:3e:3c:14:33", 248 },
	};
	struct kset main, page;
	struct rig rig;

	kset_init(&main);
	kset_init(&page);
	CU_ASSERT_TRUE(rig_init(&rig, &conf));
	CU_ASSERT_TRUE(wanted_of("p0", "beta", 0, &main));
	CU_ASSERT_TRUE(wanted_of("seed-page", "beta", 1, &page));
	CU_ASSERT_TRUE(rig_bring(&rig, 0, &main));
	CU_ASSERT_TRUE(rig_bring(&rig, 1, &page));
	for (size_t i = 0; i < 3; i++) {
		ntk_mac_t mac;

		CU_ASSERT_TRUE(mac_parse(numbers[i].mac, &mac));
		CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac), numbers[i].table);
		CU_ASSERT_EQUAL(fakekern_table(rig.fake, mac), numbers[i].table);
	}
	CU_ASSERT_TRUE(rig_has(&rig, 0, &main));
	CU_ASSERT_TRUE(rig_has(&rig, 1, &page));
	CU_ASSERT_PTR_NULL(fakekern_fault(rig.fake));
	rig_free(&rig);
	kset_free(&main);
	kset_free(&page);
}

/* The page's own state file of the reference material gives the same as ours. */
static void
test_page_state(void)
{
	const char *reference = tap_reference();
	char path[PATH];
	struct facts a, b;
	const char *code;
	struct facts_error err;
	json_error_t where;
	json_t *json, *mine;
	uint32_t ns;

	if (reference == NULL) {
		tap_skip("no reference material");
		return;
	}
	snprintf(path, sizeof(path), "%s/seed-page-state.json", reference);
	json = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	CU_ASSERT_TRUE(state_read(json, &conf, &a, &ns, &code, &err));
	CU_ASSERT_EQUAL(ns, 1);
	CU_ASSERT_TRUE(facts_of("seed-page-beta-n1", 0, &b));
	mine = state_write(&conf, &b, ns);
	CU_ASSERT_TRUE(json_equal(json, mine));
	json_decref(json);
	json_decref(mine);
	facts_free(&a);
	facts_free(&b);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "scenario: wanted states follow from the rules", test_expected },
		{ "scenario: wanted states equal the measured ones", test_golden },
		{ "seed page: its 69 routes and nothing else", test_page },
		{ "seed page: table numbers in the order of the arcs", test_page_numbers },
		{ "seed page: its state file is understood", test_page_state },
	};

	kerntest_conf(&conf, "4.2.2.2", 1);
	return TAP_RUN(tests);
}
