/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference scenario, p0 to p6 (reference/scenario.md, spec/manual-mode 10), by six systems that find
 * each other, exchange messages and move, on a fake kernel each.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/townwalk.h"
#include "sim/town.h"
#include "tests/unit/tap.h"

enum { ALFA, BETA, GAMMA, DELTA, MU, EPSILON, SYSTEMS };
enum { LINES = 2048, SEC = 1000000 };

static const struct {
	const char *name;
	const char *address;
	const char *mac;
	const char *linklocal;		/* as the expected lists call it */
} systems[SYSTEMS] = {
	{ "alfa", "3.0.1.0", "00:16:3e:fd:e2:aa", "169.254.69.30" },
	{ "beta", "1.0.1.0", "00:16:3e:ec:a3:e1", "169.254.96.141" },
	{ "gamma", "2.1.1.0", "00:16:3e:5b:78:d5", "169.254.94.223" },
	{ "delta", "3.1.0.1", "00:16:3e:1a:c4:45", "169.254.253.216" },
	{ "mu", "1.0.1.1", "00:16:3e:2d:8d:de", "169.254.119.176" },
	{ "epsilon", "3.1.0.0", "00:16:3e:3c:14:33", "169.254.163.36" },
};

static ntk_mac_t
mac_of(size_t i)
{
	ntk_mac_t m;

	mac_parse(systems[i].mac, &m);
	return m;
}

static void
town_make(struct town *b, uint64_t seed)
{
	town_init(b, seed);
	b->talk = getenv("NTK_TALK") != NULL ? stdout : NULL;
	for (size_t i = 0; i < SYSTEMS; i++) {
		ntk_mac_t m = mac_of(i);
		char text[512];

		snprintf(text, sizeof(text), "topology = \"4.2.2.2\"\naddress = \"%s\"\nmode = \"manual\"\n"
		    "interface eth1 { }\nanonymize-others = true\naccept-anonymous = true\n"
		    "handover-delay = 1000\n", systems[i].address);
		CU_ASSERT_EQUAL(town_add_text(b, systems[i].name, text, &m), i);
		CU_ASSERT_TRUE_FATAL(town_start(b, i));
	}
}

/* How long the operator thinks before each verb, up to so many µs. */
static uint32_t thinks;

/* --- waiting --------------------------------------------------------------------------------- */

struct heard {
	size_t a, b;
};

static bool
is_heard(struct town *b, void *arg)
{
	const struct heard *h = arg;
	struct nbh_entry e;

	return nbh_entry_find(node_nbh(b->sys[h->a].node), 0, mac_of(h->b), &e) && e.state >= NBH_READY;
}

struct count {
	size_t sys;
	unsigned identity;
	size_t n;	/* identity-arcs at least */
};

static bool
has_iarcs(struct town *b, void *arg)
{
	const struct count *c = arg;

	return node_iarcs(b->sys[c->sys].node, c->identity, NULL, 0) >= c->n;
}

struct op {
	size_t sys;
	unsigned identity;
	uint32_t number;
	enum node_op_state state;
	bool gone;	/* and the old identity is */
};

static bool
op_is(struct town *b, void *arg)
{
	const struct op *o = arg;
	struct node_operation v;
	struct node_identity id;

	return node_operation(b->sys[o->sys].node, o->identity, o->number, &v) && v.state >= o->state &&
	    (!o->gone || !node_find(b->sys[o->sys].node, o->identity, &id));
}

static void
wait_for(struct town *b, town_done *done, void *arg, const char *what)
{
	if (town_wait(b, done, arg, 60 * (uint64_t)SEC))
		return;
	tap_note("%s: %s", what, b->fault != NULL ? b->fault : "did not come within 60 s");
	CU_FAIL(what);
}

/* --- verbs -------------------------------------------------------------------------------------- */

static void
think(struct town *b)
{
	if (thinks > 0)
		town_run(b, b->now + rng_below(&b->rng, thinks));
}

static void
must(struct town *b, bool ok, const struct node_error *err, const char *verb)
{
	if (!ok && b->fault == NULL) {
		tap_note("%s: %s: %s: %s", verb, err->code, err->field, err->message);
		CU_FAIL(verb);
	}
}

static void
accept_one(struct town *b, size_t i, size_t peer, uint32_t cost)
{
	struct heard h = { i, peer };
	struct node_error err = { .code = "" };
	bool noted;

	wait_for(b, is_heard, &h, "a neighbour is heard");
	must(b, node_add_real_arc(b->sys[i].node, b->now, mac_of(i), mac_of(peer), cost, &noted, &err), &err,
	    "add_real_arc");
	town_poke(b, i);
}

/* Both accept; until both main identities have one more identity-arc. */
static void
arc(struct town *b, size_t i, unsigned id_i, uint32_t cost_i, size_t k, unsigned id_k, uint32_t cost_k)
{
	struct count ci = { i, id_i, node_iarcs(b->sys[i].node, id_i, NULL, 0) + 1 };
	struct count ck = { k, id_k, node_iarcs(b->sys[k].node, id_k, NULL, 0) + 1 };

	accept_one(b, i, k, cost_i);
	accept_one(b, k, i, cost_k);
	wait_for(b, has_iarcs, &ci, "an identity-arc");
	wait_for(b, has_iarcs, &ck, "an identity-arc at the other end");
}

static void
numbers(const char *text, uint32_t *v, size_t *n)
{
	*n = 0;
	while (*text != '\0' && *text != '-') {
		v[(*n)++] = (uint32_t)strtoul(text, (char **)&text, 10);
		if (*text == '.')
			text++;
	}
}

/* In the order of the verb: guest, host, address, elderships, temporary, position, connectivity. */
static void
prepare(struct town *b, size_t i, bool enter, unsigned identity, uint32_t guest, uint32_t host,
    const char *address, const char *elds, const uint32_t six[6], const uint32_t *arcs, size_t n_arcs,
    uint32_t operation, uint32_t after)
{
	struct node_plan p = { .enter = enter, .identity = identity, .guest_level = guest,
		.host_level = host, .temporary_position = six[0], .temporary_eldership = six[1],
		.position = six[2], .eldership = six[3], .connectivity_position = six[4],
		.connectivity_eldership = six[5], .arcs = arcs, .n_arcs = n_arcs,
		.operation = operation, .waits = after != 0, .after = after };
	struct node_error err = { .code = "" };

	numbers(address, p.host_address, &p.n_host_address);
	numbers(elds, p.host_elderships, &p.n_host_elderships);
	must(b, node_prepare(b->sys[i].node, b->now, &p, &err), &err, "prepare");
	town_poke(b, i);
}

static void
phase_1(struct town *b, size_t i, bool enter, unsigned identity, uint32_t operation)
{
	struct node_error err = { .code = "" };

	think(b);
	must(b, node_phase_1(b->sys[i].node, b->now, enter, identity, operation, &err), &err, "phase 1");
	town_poke(b, i);
}

static void
add_qspn_arc(struct town *b, size_t i, unsigned identity, size_t peer, size_t n)
{
	struct count c = { i, identity, n };
	struct node_error err = { .code = "" };

	wait_for(b, has_iarcs, &c, "a second identity-arc");
	think(b);
	must(b, node_add_qspn_arc(b->sys[i].node, b->now, identity, 0, mac_of(peer), &err), &err, "add_qspn_arc");
	town_poke(b, i);
}

static void
until(struct town *b, size_t i, unsigned identity, uint32_t operation, enum node_op_state s, bool gone)
{
	struct op o = { i, identity, operation, s, gone };

	wait_for(b, op_is, &o, "the operation goes on");
}

/* --- what is in the kernels ------------------------------------------------------------------------ */

static int
line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every IS in LINE, a whole word, becomes BE. */
static void
replace(char *line, const char *is, const char *be)
{
	char *at = line, rest[256];

	while (strcmp(is, be) != 0 && (at = strstr(at, is)) != NULL) {
		if (!isdigit((unsigned char)at[strlen(is)])) {
			snprintf(rest, sizeof(rest), "%s", at + strlen(is));
			snprintf(at, 255 - (size_t)(at - line), "%s%s", be, rest);
		}
		at++;
	}
}

/*
 * Link-locals and pseudo-MACs are free: they become those of the lists, by way of marks, since a drawn
 * one may be what another is called there.
 */
static void
rename_all(struct town *b, char *line)
{
	char mark[16], text[MAC_TEXT];

	for (size_t i = 0; i < SYSTEMS; i++)
		for (size_t k = 0; k < node_identities(b->sys[i].node); k++) {
			struct node_identity id = node_identity(b->sys[i].node, k);

			snprintf(mark, sizeof(mark), "#%zu%c", i, id.main ? 'm' : 'c');
			replace(line, ip_print(id.facts->linklocal[0], text), mark);
			if (!id.main)
				replace(line, mac_print(b->sys[i].pseudo[id.ns][0], text),
				    "00:16:3e:ee:af:d1");
		}
	for (size_t i = 0; i < SYSTEMS; i++) {
		snprintf(mark, sizeof(mark), "#%zum", i);
		replace(line, mark, systems[i].linklocal);
		snprintf(mark, sizeof(mark), "#%zuc", i);
		replace(line, mark, "169.254.27.218");
	}
}

static size_t
lines_of(struct town *b, size_t i, unsigned number, char **v)
{
	struct kset s;
	size_t n;

	kset_init(&s);
	CU_ASSERT_TRUE(fakekern_state(b->sys[i].fake, number, &s));
	for (n = 0; n < s.n && n < LINES; n++) {
		v[n] = malloc(256);
		kobj_print(&s.v[n], v[n]);
		rename_all(b, v[n]);
	}
	kset_free(&s);
	qsort(v, n, sizeof(*v), line_cmp);
	return n;
}

static size_t
lines_read(const char *phase, size_t i, unsigned ns, char **v)
{
	char path[512], line[256];
	size_t n = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/tests/fixtures/expected/%s-%s-n%u.txt", tap_srcdir(), phase,
	    systems[i].name, ns);
	in = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(in);
	while (n < LINES && fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		v[n] = malloc(256);
		snprintf(v[n++], 256, "%s", line);
	}
	fclose(in);
	qsort(v, n, sizeof(*v), line_cmp);
	return n;
}

static size_t
differences(const char *phase, size_t i, char **is, size_t n_is, char **be, size_t n_be)
{
	size_t a = 0, z = 0, wrong = 0;

	while (a < n_is || z < n_be) {
		int c = a == n_is ? 1 : z == n_be ? -1 : strcmp(is[a], be[z]);

		if (c != 0 && wrong++ < 12)
			tap_note("%s, %s: %s \"%s\"", phase, systems[i].name, c < 0 ? "too much:" :
			    "missing:", c < 0 ? is[a] : be[z]);
		a += c <= 0;
		z += c >= 0;
	}
	return wrong;
}

static void
compare_namespace(struct town *b, const char *phase, size_t i, unsigned number, unsigned ns)
{
	static char *is[LINES], *be[LINES];
	size_t n_is = lines_of(b, i, number, is), n_be = lines_read(phase, i, ns, be);

	CU_ASSERT_EQUAL(differences(phase, i, is, n_is, be, n_be), 0);
	for (size_t k = 0; k < n_is; k++)
		free(is[k]);
	for (size_t k = 0; k < n_be; k++)
		free(be[k]);
}

static void
compare(struct town *b, const char *phase)
{
	/* What is on its way arrives. */
	town_run(b, b->now + 5 * (uint64_t)SEC);
	if (b->fault != NULL) {
		tap_note("%s: %s", phase, b->fault);
		CU_FAIL(phase);
		return;
	}
	for (size_t i = 0; i < SYSTEMS; i++)
		compare_namespace(b, phase, i, 0, 0);
	for (size_t i = 0; i < SYSTEMS; i++)
		CU_ASSERT_EQUAL(fakekern_namespaces(b->sys[i].fake),
		    strcmp(phase, "p6") == 0 && i == BETA ? 1 : 0);
	if (strcmp(phase, "p6") == 0)
		compare_namespace(b, phase, BETA, kernel_ns_number(b->sys[BETA].kernel,
		    node_identity(b->sys[BETA].node, 0).ns), 1);
}

/* --- the course --------------------------------------------------------------------------------------- */

static void
p1(struct town *b)
{
	static const uint32_t six[6] = { 2, 1, 1, 2, 2, 1 }, arcs[1] = { 0 };

	arc(b, BETA, 0, 10000, GAMMA, 0, 11000);
	prepare(b, BETA, true, 0, 0, 1, "2.1.1", "0.0.0", six, arcs, 1, 4379845, 0);
	phase_1(b, BETA, true, 0, 4379845);
	add_qspn_arc(b, GAMMA, 0, BETA, 2);
	until(b, BETA, 0, 4379845, NODE_OP_DONE, true);
}

static void
p2(struct town *b)
{
	static const uint32_t six[6] = { 2, 1, 0, 2, 2, 1 }, arcs[1] = { 0 };

	arc(b, MU, 0, 10000, DELTA, 0, 11000);
	prepare(b, MU, true, 0, 0, 1, "3.1.0", "0.0.0", six, arcs, 1, 3069540, 0);
	phase_1(b, MU, true, 0, 3069540);
	add_qspn_arc(b, DELTA, 0, MU, 2);
	until(b, MU, 0, 3069540, NODE_OP_DONE, true);
}

static void
p3(struct town *b)
{
	static const uint32_t six[6] = { 2, 1, 0, 2, 2, 1 };
	struct node_iarc v[8];
	size_t n, gamma;
	uint32_t k = 0;

	arc(b, DELTA, 0, 10000, GAMMA, 0, 11000);
	n = node_iarcs(b->sys[DELTA].node, 0, v, 8);
	for (size_t i = 0; i < n; i++)
		if (mac_cmp(v[i].peer_mac, mac_of(GAMMA)) == 0)
			k = v[i].index;
	gamma = node_iarcs(b->sys[GAMMA].node, 0, NULL, 0);
	prepare(b, DELTA, true, 0, 1, 2, "2.1", "0.0", six, &k, 1, 8191409, 0);
	prepare(b, MU, true, 1, 1, 2, "2.1", "0.0", six, NULL, 0, 8191409, 0);
	phase_1(b, DELTA, true, 0, 8191409);
	phase_1(b, MU, true, 1, 8191409);
	add_qspn_arc(b, GAMMA, 0, DELTA, gamma + 1);
	until(b, DELTA, 0, 8191409, NODE_OP_DONE, true);
	until(b, MU, 1, 8191409, NODE_OP_DONE, true);
}

static void
p4(struct town *b)
{
	static const uint32_t six[6] = { 2, 1, 0, 2, 2, 1 }, arcs[1] = { 0 };
	size_t beta;

	arc(b, ALFA, 0, 10000, BETA, 1, 10000);
	beta = node_iarcs(b->sys[BETA].node, 1, NULL, 0);
	prepare(b, ALFA, true, 0, 0, 3, "2", "0", six, arcs, 1, 90256060, 0);
	phase_1(b, ALFA, true, 0, 90256060);
	add_qspn_arc(b, BETA, 1, ALFA, beta + 1);
	until(b, ALFA, 0, 90256060, NODE_OP_DONE, true);
}

static void
p5(struct town *b)
{
	static const uint32_t enter[6] = { 2, 3, 1, 4, 2, 1 }, migrate[6] = { 2, 3, 1, 4, 3, 3 };
	static const uint32_t arcs[1] = { 0 };
	size_t beta, alfa, gamma, epsilon;

	arc(b, EPSILON, 0, 10000, BETA, 1, 9000);
	beta = node_iarcs(b->sys[BETA].node, 1, NULL, 0);
	prepare(b, EPSILON, true, 0, 0, 1, "2.1.1", "0.0.0", enter, arcs, 1, 4958850, 262359);
	phase_1(b, EPSILON, true, 0, 4958850);
	add_qspn_arc(b, BETA, 1, EPSILON, beta + 1);
	until(b, EPSILON, 0, 4958850, NODE_OP_WAITING, true);
	alfa = node_iarcs(b->sys[ALFA].node, 1, NULL, 0);
	gamma = node_iarcs(b->sys[GAMMA].node, 0, NULL, 0);
	epsilon = node_iarcs(b->sys[EPSILON].node, 1, NULL, 0);
	prepare(b, BETA, false, 1, 0, 1, "2.0.1", "0.2.0", migrate, NULL, 0, 262359, 0);
	phase_1(b, BETA, false, 1, 262359);
	add_qspn_arc(b, ALFA, 1, BETA, alfa + 1);
	add_qspn_arc(b, GAMMA, 0, BETA, gamma + 1);
	add_qspn_arc(b, EPSILON, 1, BETA, epsilon + 1);
	until(b, BETA, 1, 262359, NODE_OP_DONE, false);
}

static void
p6(struct town *b)
{
	struct node_error err = { .code = "" };
	struct op o = { EPSILON, 0, 4958850, NODE_OP_DONE, true };

	town_run(b, b->now + 3 * (uint64_t)SEC);
	must(b, node_phase_2(b->sys[EPSILON].node, b->now, true, 0, 4958850, &err), &err, "phase 2");
	town_poke(b, EPSILON);
	wait_for(b, op_is, &o, "epsilon has its place");
}

static void
course(struct town *b)
{
	static void (*const steps[])(struct town *) = { NULL, p1, p2, p3, p4, p5, p6 };
	static const char *const phases[] = { "p0", "p1", "p2", "p3", "p4", "p5", "p6" };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i] != NULL)
			steps[i](b);
		/* p5 depends on when the first ETPs come (reference/scenario.md). */
		if (steps[i] != p5)
			compare(b, phases[i]);
		if (b->fault != NULL)
			return;
	}
}

static void
test_scenario(void)
{
	struct town b;

	town_make(&b, 1);
	course(&b);
	town_free(&b);
}

/* Other delays, hellos lost, slow kernels: other orders, the same end states. */
static void
test_orders(void)
{
	const char *text = getenv("NTK_ORDERS");
	unsigned long n = text != NULL ? strtoul(text, NULL, 10) : 100;

	for (uint64_t seed = 1; seed <= n; seed++) {
		unsigned before = CU_get_number_of_failures();
		struct town b;

		town_make(&b, seed);
		b.segment[0].latency = 100 + rng_below(&b.rng, 5000);
		b.segment[0].jitter = 1 + rng_below(&b.rng, 40000);
		b.kernel_delay = 1 + rng_below(&b.rng, 20000);
		b.segment[0].loss = rng_below(&b.rng, 200000);
		course(&b);
		town_free(&b);
		if (CU_get_number_of_failures() != before) {
			tap_note("seed %llu", (unsigned long long)seed);
			return;
		}
	}
	tap_note("%lu orders", n);
}

/* --- nothing is lost ---------------------------------------------------------------------------------- */

/* Who must reach whom by which address after every single operation of any kernel, while watched. */
struct flow {
	size_t from, to;
	const char *address;
};

static const struct flow block[] = {
	{ DELTA, MU, "10.0.0.40" }, { MU, DELTA, "10.0.0.41" },
	{ DELTA, MU, "10.0.0.48" }, { MU, DELTA, "10.0.0.49" },
	{ DELTA, MU, "10.0.0.60" }, { MU, DELTA, "10.0.0.61" },
};
static const struct flow migration[] = {
	{ ALFA, GAMMA, "10.0.0.22" }, { GAMMA, ALFA, "10.0.0.18" },
	{ ALFA, DELTA, "10.0.0.21" }, { DELTA, ALFA, "10.0.0.18" },
	{ ALFA, MU, "10.0.0.20" }, { MU, ALFA, "10.0.0.18" },
	{ ALFA, GAMMA, "10.0.0.62" }, { GAMMA, ALFA, "10.0.0.58" },
	{ ALFA, MU, "10.0.0.60" }, { MU, ALFA, "10.0.0.58" },
	{ GAMMA, MU, "10.0.0.48" }, { MU, GAMMA, "10.0.0.50" },
};

struct watch {
	struct town *b;
	const struct flow *flows;	/* NULL: not watched now */
	size_t n;
	uint64_t walks;
	bool lost;
};

static void
on_operation(struct town *b, size_t at, void *arg)
{
	struct watch *w = arg;
	char why[TOWN_WALK_WHY];

	(void)b;
	for (size_t i = 0; w->flows != NULL && i < w->n && !w->lost; i++) {
		const struct flow *f = &w->flows[i];
		ntk_ip_t dst = 0;

		ip_parse(f->address, &dst);
		w->walks++;
		if (town_walk(w->b, f->from, f->to, dst, why))
			continue;
		tap_note("at %llu µs, by an operation at %s: %s to %s, %s: %s",
		    (unsigned long long)w->b->now, systems[at].name, systems[f->from].name,
		    systems[f->to].name, f->address, why);
		CU_FAIL("a packet is lost");
		w->lost = true;
	}
}

static void
watched(struct watch *w, const struct flow *flows, size_t n, void (*step)(struct town *))
{
	w->flows = flows;
	w->n = n;
	step(w->b);
	town_run(w->b, w->b->now + 5 * (uint64_t)SEC);
	w->flows = NULL;
}

static void
p5_p6(struct town *b)
{
	p5(b);
	p6(b);
}

static void
course_watched(struct watch *w)
{
	w->b->watch = on_operation;
	w->b->watch_arg = w;
	p1(w->b);
	p2(w->b);
	watched(w, block, sizeof(block) / sizeof(block[0]), p3);
	p4(w->b);
	watched(w, migration, sizeof(migration) / sizeof(migration[0]), p5_p6);
}

static void
test_nothing_lost(void)
{
	const char *text = getenv("NTK_WATCHED");
	unsigned long n = text != NULL ? strtoul(text, NULL, 10) : 60;
	uint64_t walks = 0;

	for (uint64_t seed = 1; seed <= n; seed++) {
		unsigned before = CU_get_number_of_failures();
		uint32_t scale;
		struct town b;
		struct watch w = { .b = &b };

		town_make(&b, seed);
		/* From quick systems on a quick link to slow ones on a slow link. */
		scale = 1U << rng_below(&b.rng, 9);
		b.segment[0].latency = 20 * scale;
		b.segment[0].jitter = 1 + rng_below(&b.rng, 200 * scale);
		b.kernel_delay = 1 + rng_below(&b.rng, 100 * scale);
		thinks = 1 + rng_below(&b.rng, 200000);
		course_watched(&w);
		town_free(&b);
		walks += w.walks;
		if (CU_get_number_of_failures() != before) {
			tap_note("seed %llu", (unsigned long long)seed);
			if (getenv("NTK_GO_ON") == NULL)
				return;
		}
	}
	CU_ASSERT_TRUE(walks > n * 1000);
	tap_note("%lu orders, %llu walks", n, (unsigned long long)walks);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "p0 to p6: every kernel as expected", test_scenario },
		{ "in random orders, with losses and slow kernels", test_orders },
		{ "nothing is lost at any moment of steps 4 and 6, in random orders", test_nothing_lost },
	};

	return TAP_RUN(tests);
}
