/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/node.h"

#include <string.h>

#include "ntkd/kernel/wanted.h"
#include "tests/unit/tap.h"

static const char config[] =
    "topology = \"4.2.2.2\"\naddress = \"1.0.1.0\"\nmode = \"manual\"\n"
    "interface eth1 { }\ninterface eth2 { }\n";

static const ntk_mac_t peer_mac = { { 0x00, 0x16, 0x3e, 0x5b, 0x78, 0xd5 } };

static void
conf_make(struct conf *c, const char *more)
{
	char err[CONF_ERROR] = "", text[1024];

	snprintf(text, sizeof(text), "%s%s", config, more);
	if (!conf_parse(text, strlen(text), "test", NULL, 0, c, err)) {
		tap_note("%s", err);
		CU_FAIL_FATAL("the configuration of the test is wrong");
	}
}

static struct node *
node_make(const struct conf *c, uint64_t seed)
{
	struct rng rng;
	struct node *n;

	rng_init(&rng, seed);
	n = node_new(c, &rng, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	return n;
}

/* Answers everything the node asks; returns how much that was. */
static unsigned
settle(struct node *n, bool ok)
{
	struct kset want;
	uint32_t label;
	unsigned ns, count = 0;

	kset_init(&want);
	while (node_next_want(n, &ns, &want, &label)) {
		count++;
		node_kernel_done(n, 0, ns, ok, NULL);
		kset_free(&want);
		kset_init(&want);
	}
	kset_free(&want);
	return count;
}

/* The facts of an identity at ADDRESS with one arc to gamma. */
static void
facts_make(struct facts *f, const struct conf *c, const char *address, bool main)
{
	struct facts_arc arc = { .dev = 0, .peer_mac = peer_mac, .peer_linklocal = 0xa9fe5edf,
		.qspn = true, .known = true };
	char why[128];

	facts_init(f);
	f->main = main;
	CU_ASSERT_FATAL(naddr_parse(&c->map.topo, address, &f->address, why, sizeof(why)));
	CU_ASSERT_FATAL(naddr_parse(&c->map.topo, "2.1.1.0", &arc.peer, why, sizeof(why)));
	CU_ASSERT_FATAL(facts_add_arc(f, &arc));
}

static bool
load(struct node *n, const struct conf *c, const char *address, uint32_t file_ns, unsigned *index,
    struct node_error *err)
{
	struct facts f;
	bool ok;

	facts_make(&f, c, address, file_ns == 0);
	ok = node_load(n, &f, file_ns, index, err);
	facts_free(&f);
	return ok;
}

static void
test_first(void)
{
	struct conf c;
	struct node *n;
	struct node_identity id;
	char text[TOPO_TEXT];

	conf_make(&c, "");
	n = node_make(&c, 1);
	CU_ASSERT_EQUAL(node_identities(n), 1);
	CU_ASSERT_FATAL(node_find(n, 0, &id));
	CU_ASSERT(id.main && !id.loaded && id.ns == 0 && id.file_ns == 0);
	CU_ASSERT_EQUAL(id.state, NODE_STARTING);
	CU_ASSERT_NOT_EQUAL(id.id, 0);
	CU_ASSERT_STRING_EQUAL(naddr_print(&c.map.topo, &id.facts->address, text), "1.0.1.0");
	CU_ASSERT(id.facts->has_dev[0] && id.facts->has_dev[1] && !id.facts->has_dev[2]);
	CU_ASSERT(linklocal_is_usable(id.facts->linklocal[0]));
	CU_ASSERT(linklocal_is_usable(id.facts->linklocal[1]));
	CU_ASSERT_NOT_EQUAL(id.facts->linklocal[0], id.facts->linklocal[1]);
	CU_ASSERT_FALSE(node_find(n, 1, &id));
	CU_ASSERT(node_find_ns(n, 0, &id) && id.main);
	CU_ASSERT_FALSE(node_find_ns(n, 1, &id));
	CU_ASSERT_FALSE(node_find_ns(n, NODE_IDENTITIES + 1, &id));
	node_free(n);
}

/* The state handed out is the function of kernel-state 4, nothing else. */
static void
test_first_want(void)
{
	struct conf c;
	struct node *n;
	struct kset want, expected;
	struct wanted_settings s;
	struct node_identity id;
	uint32_t label = 99;
	unsigned ns = 99;

	conf_make(&c, "");
	n = node_make(&c, 1);
	s = (struct wanted_settings){ c.map, c.anonymize_others, c.accept_anonymous,
		c.subnet_level };
	kset_init(&want);
	kset_init(&expected);
	CU_ASSERT_FATAL(node_next_want(n, &ns, &want, &label));
	CU_ASSERT(ns == 0 && label == 0);
	id = node_identity(n, 0);
	CU_ASSERT_FATAL(wanted_state(&s, id.facts, &expected));
	CU_ASSERT_FATAL(want.n == expected.n && want.n > 0);
	for (size_t i = 0; i < want.n; i++)
		CU_ASSERT(kobj_cmp(&want.v[i], &expected.v[i]) == 0 &&
		    kobj_same_value(&want.v[i], &expected.v[i]));
	kset_free(&want);
	CU_ASSERT_FALSE(node_next_want(n, &ns, &want, &label));
	node_kernel_done(n, 0, 0, true, NULL);
	CU_ASSERT_EQUAL(node_identity(n, 0).state, NODE_RUNNING);
	CU_ASSERT_FALSE(node_next_want(n, &ns, &want, &label));
	kset_free(&expected);
	node_free(n);
}

/* The next state has interface D; none is asked for: false. */
static bool
wants_dev(struct node *n, uint64_t now, unsigned d)
{
	const struct kobj dev = { .kind = KOBJ_DEV, .dev = (uint8_t)d };
	struct kset want;
	uint32_t label;
	unsigned ns;
	bool has;

	kset_init(&want);
	has = node_next_want(n, &ns, &want, &label) && kset_find(&want, &dev) != NULL;
	node_kernel_done(n, now, 0, true, NULL);
	kset_free(&want);
	return has;
}

/* One that is missing at the start, and comes. */
static void
test_missing_interface(void)
{
	static const ntk_mac_t mac = { { 2, 0, 0, 0, 0, 2 } };
	struct conf c;
	struct node *n;

	conf_make(&c, "");
	n = node_make(&c, 1);
	node_nic_gone(n, 0, 1);
	node_nic_gone(n, 0, 2);
	CU_ASSERT(node_identity(n, 0).facts->has_dev[0] && !node_identity(n, 0).facts->has_dev[1]);
	CU_ASSERT_FALSE(wants_dev(n, 0, 1));
	CU_ASSERT_EQUAL(node_identity(n, 0).state, NODE_RUNNING);
	node_nic_up(n, 1, 1, mac);
	CU_ASSERT_TRUE(wants_dev(n, 1, 1));
	node_nic_gone(n, 2, 0);
	CU_ASSERT_FALSE(wants_dev(n, 2, 0));
	node_free(n);
}

/* One goes that could not be listened on, and has no address at that moment. */
static void
test_deaf_interface(void)
{
	static const ntk_mac_t mac = { { 2, 0, 0, 0, 0, 2 } };
	struct node_action a;
	struct conf c;
	struct node *n;
	bool listens = false;

	conf_make(&c, "");
	n = node_make(&c, 1);
	settle(n, true);
	node_nic_up(n, 1, 1, mac);
	settle(n, true);
	while (!listens && node_next(n, &a))
		listens = a.kind == NODE_LISTEN;
	CU_ASSERT_FATAL(listens && a.dev == 1);
	node_listening(n, 2, 1, a.address, false);
	settle(n, true);
	node_nic_gone(n, 3, 1);
	CU_ASSERT_FALSE(wants_dev(n, 3, 1));
	CU_ASSERT_FALSE(node_identity(n, 0).facts->has_dev[1]);
	CU_ASSERT_TRUE(node_identity(n, 0).facts->has_dev[0]);
	node_free(n);
}

static void
test_random(void)
{
	struct conf c;
	struct node *a, *b;
	struct node_identity one, two;
	unsigned differ = 0;

	conf_make(&c, "");
	c.has_address = false;
	for (uint64_t seed = 0; seed < 64; seed++) {
		a = node_make(&c, seed);
		b = node_make(&c, seed);
		one = node_identity(a, 0);
		two = node_identity(b, 0);
		CU_ASSERT(naddr_real(&c.map.topo, &one.facts->address, 0, c.map.topo.levels));
		CU_ASSERT(naddr_equal(&c.map.topo, &one.facts->address, &two.facts->address));
		CU_ASSERT_EQUAL(one.facts->linklocal[0], two.facts->linklocal[0]);
		CU_ASSERT_EQUAL(one.id, two.id);
		node_free(b);
		b = node_make(&c, seed + 1000);
		two = node_identity(b, 0);
		differ += !naddr_equal(&c.map.topo, &one.facts->address, &two.facts->address);
		node_free(a);
		node_free(b);
	}
	CU_ASSERT(differ > 32);
}

static void
test_load(void)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	struct node_identity id;
	unsigned index = 99;

	conf_make(&c, "");
	n = node_make(&c, 1);
	settle(n, true);
	CU_ASSERT_FATAL(load(n, &c, "2.1.1.3", 7, &index, &err));
	CU_ASSERT_EQUAL(index, 1);
	CU_ASSERT_STRING_EQUAL(err.code, "");
	CU_ASSERT_FATAL(node_find(n, 1, &id));
	CU_ASSERT(!id.main && id.loaded && id.ns == 1 && id.file_ns == 7);
	CU_ASSERT(node_find_ns(n, 1, &id) && id.index == 1);
	CU_ASSERT_EQUAL(id.state, NODE_STARTING);
	CU_ASSERT_EQUAL(id.facts->n_arcs, 1);
	CU_ASSERT(id.facts->has_dev[1] && linklocal_is_usable(id.facts->linklocal[1]));
	CU_ASSERT_NOT_EQUAL(id.facts->linklocal[0], node_identity(n, 0).facts->linklocal[0]);
	CU_ASSERT_EQUAL(settle(n, true), 1);
	CU_ASSERT_EQUAL(node_identity(n, 1).state, NODE_RUNNING);
	/* Another number is another identity. */
	CU_ASSERT_FATAL(load(n, &c, "2.1.1.3", 8, &index, &err));
	CU_ASSERT_EQUAL(index, 2);
	settle(n, true);
	CU_ASSERT_EQUAL(node_identities(n), 3);
	node_free(n);
}

static void
test_replace(void)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	struct node_identity id;
	ntk_ip_t linklocal;
	char text[TOPO_TEXT];
	unsigned index;

	conf_make(&c, "");
	n = node_make(&c, 1);
	settle(n, true);
	CU_ASSERT_FATAL(load(n, &c, "2.1.1.3", 7, &index, &err));
	settle(n, true);
	linklocal = node_identity(n, 1).facts->linklocal[0];
	CU_ASSERT_FATAL(load(n, &c, "2.1.3.0", 7, &index, &err));
	CU_ASSERT_EQUAL(index, 1);
	CU_ASSERT_EQUAL(node_identities(n), 2);
	id = node_identity(n, 1);
	CU_ASSERT_STRING_EQUAL(naddr_print(&c.map.topo, &id.facts->address, text), "2.1.3.0");
	CU_ASSERT_EQUAL(id.facts->linklocal[0], linklocal);
	/* Refused: the former facts are back. */
	CU_ASSERT_EQUAL(settle(n, false), 1);
	id = node_identity(n, 1);
	CU_ASSERT_STRING_EQUAL(naddr_print(&c.map.topo, &id.facts->address, text), "2.1.1.3");
	CU_ASSERT_EQUAL(id.state, NODE_RUNNING);
	CU_ASSERT_EQUAL(id.facts->linklocal[0], linklocal);
	/* Accepted: the new ones stay. */
	CU_ASSERT_FATAL(load(n, &c, "2.1.3.0", 7, &index, &err));
	settle(n, true);
	id = node_identity(n, 1);
	CU_ASSERT_STRING_EQUAL(naddr_print(&c.map.topo, &id.facts->address, text), "2.1.3.0");
	node_free(n);
}

static void
test_replace_main(void)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	struct node_identity id;
	ntk_ip_t linklocal;
	char text[TOPO_TEXT];
	unsigned index = 99;

	conf_make(&c, "");
	n = node_make(&c, 1);
	settle(n, true);
	linklocal = node_identity(n, 0).facts->linklocal[0];
	CU_ASSERT_FATAL(load(n, &c, "2.1.1.1", 0, &index, &err));
	CU_ASSERT_EQUAL(index, 0);
	settle(n, false);
	id = node_identity(n, 0);
	CU_ASSERT(id.main && !id.loaded);
	CU_ASSERT_STRING_EQUAL(naddr_print(&c.map.topo, &id.facts->address, text), "1.0.1.0");
	CU_ASSERT_FATAL(load(n, &c, "2.1.1.1", 0, &index, &err));
	settle(n, true);
	id = node_identity(n, 0);
	CU_ASSERT(id.main && id.loaded && id.ns == 0);
	CU_ASSERT_STRING_EQUAL(naddr_print(&c.map.topo, &id.facts->address, text), "2.1.1.1");
	CU_ASSERT_EQUAL(id.facts->linklocal[0], linklocal);
	CU_ASSERT_EQUAL(node_identities(n), 1);
	node_free(n);
}

/*
 * A file is loaded while the kernel has still to answer for what was wanted before: that answer decides nothing about
 * it, its own does.
 */
static void
loaded_in_between(bool before, bool own)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	struct node_identity id;
	struct kset want;
	char text[TOPO_TEXT], why[200] = "";
	unsigned index = 99, ns;
	uint32_t label;

	conf_make(&c, "");
	n = node_make(&c, 1);
	settle(n, true);
	kset_init(&want);
	node_nic_gone(n, 1, 1);
	CU_ASSERT_FATAL(node_next_want(n, &ns, &want, &label));
	CU_ASSERT_EQUAL(ns, 0);
	CU_ASSERT_FATAL(load(n, &c, "2.1.1.1", 0, &index, &err));
	CU_ASSERT_FALSE(node_next_want(n, &ns, &want, &label));
	node_kernel_done(n, 1, 0, before, NULL);
	id = node_identity(n, 0);
	CU_ASSERT(id.loaded);
	CU_ASSERT_FATAL(node_next_want(n, &ns, &want, &label));
	CU_ASSERT_FALSE(node_next_want(n, &ns, &want, &label));
	node_kernel_done(n, 1, 0, own, NULL);
	id = node_identity(n, 0);
	CU_ASSERT_EQUAL(id.loaded, own);
	CU_ASSERT_STRING_EQUAL(naddr_print(&c.map.topo, &id.facts->address, text), own ? "2.1.1.1" : "1.0.1.0");
	/* What was refused left the kernel as it was, and that is asked for again. */
	CU_ASSERT_EQUAL(node_next_want(n, &ns, &want, &label), !own);
	if (!own)
		node_kernel_done(n, 1, 0, true, NULL);
	CU_ASSERT_TRUE(node_invariant(n, why, sizeof(why)));
	if (why[0] != '\0')
		tap_note("%s", why);
	kset_free(&want);
	node_free(n);
}

static void
test_loaded_in_between(void)
{
	for (unsigned i = 0; i < 4; i++)
		loaded_in_between(i & 1, i & 2);
}

static void
test_refused_new(void)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	unsigned index;

	conf_make(&c, "");
	n = node_make(&c, 1);
	settle(n, true);
	CU_ASSERT_FATAL(load(n, &c, "2.1.1.3", 7, &index, &err));
	settle(n, false);
	CU_ASSERT_EQUAL(node_identities(n), 1);
	/* Indices are never used again, namespaces are. */
	CU_ASSERT_FATAL(load(n, &c, "2.1.1.3", 7, &index, &err));
	CU_ASSERT_EQUAL(index, 2);
	CU_ASSERT_EQUAL(node_identity(n, 1).ns, 1);
	node_free(n);
}

static void
test_busy(void)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	unsigned index = 99;

	conf_make(&c, "");
	n = node_make(&c, 1);
	CU_ASSERT_FALSE(load(n, &c, "2.1.1.1", 0, &index, &err));
	CU_ASSERT_STRING_EQUAL(err.code, "busy");
	settle(n, true);
	CU_ASSERT(load(n, &c, "2.1.1.3", 7, &index, &err));
	CU_ASSERT_FALSE(load(n, &c, "2.1.3.0", 7, &index, &err));
	CU_ASSERT_STRING_EQUAL(err.code, "busy");
	CU_ASSERT_FALSE(node_remove(n, 0, 1, &err));
	CU_ASSERT_STRING_EQUAL(err.code, "busy");
	/* Others go on meanwhile. */
	CU_ASSERT(load(n, &c, "2.1.3.0", 8, &index, &err));
	CU_ASSERT_EQUAL(settle(n, true), 2);
	node_free(n);
}

static void
test_remove(void)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	struct kset want;
	uint32_t label;
	unsigned index, ns = 99;

	conf_make(&c, "");
	n = node_make(&c, 1);
	settle(n, true);
	CU_ASSERT_FATAL(load(n, &c, "2.1.1.3", 7, &index, &err));
	settle(n, true);
	kset_init(&want);
	CU_ASSERT(node_remove(n, 0, 1, &err));
	CU_ASSERT_EQUAL(node_identity(n, 1).state, NODE_LEAVING);
	CU_ASSERT(node_next_want(n, &ns, &want, &label));
	CU_ASSERT(ns == 1 && want.n == 0);
	node_kernel_done(n, 0, 1, false, NULL);
	CU_ASSERT_EQUAL(node_identity(n, 1).state, NODE_RUNNING);
	CU_ASSERT(node_remove(n, 0, 1, &err));
	settle(n, true);
	CU_ASSERT_EQUAL(node_identities(n), 1);
	CU_ASSERT_FALSE(node_remove(n, 0, 1, &err));
	CU_ASSERT_STRING_EQUAL(err.code, "unknown_identity");
	CU_ASSERT_STRING_EQUAL(err.field, "identity");
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "there are 0"));
	CU_ASSERT_FALSE(node_remove(n, 0, 0, &err));
	CU_ASSERT_STRING_EQUAL(err.code, "is_main");
	kset_free(&want);
	node_free(n);
}

/* Whatever is refused at once leaves the node as it was. */
static void
test_refusals(void)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	struct facts f;
	unsigned index = 99;

	conf_make(&c, "");
	n = node_make(&c, 1);
	settle(n, true);
	facts_make(&f, &c, "2.1.1.3", false);
	CU_ASSERT_FALSE(node_load(n, &f, 0, &index, &err));
	CU_ASSERT_STRING_EQUAL(err.field, "namespace");
	f.main = true;
	CU_ASSERT_FALSE(node_load(n, &f, 3, &index, &err));
	CU_ASSERT_STRING_EQUAL(err.field, "namespace");
	f.main = false;
	f.arcs[0].peer_linklocal = node_identity(n, 0).facts->linklocal[1];
	CU_ASSERT_FALSE(node_load(n, &f, 3, &index, &err));
	CU_ASSERT_STRING_EQUAL(err.code, "conflict");
	CU_ASSERT_STRING_EQUAL(err.field, "arcs[0].peer_linklocal");
	f.arcs[0].peer_linklocal = 0xa9fea9fe;
	CU_ASSERT_FALSE(node_load(n, &f, 3, &index, &err));
	CU_ASSERT_STRING_EQUAL(err.field, "arcs[0].peer_linklocal");
	facts_free(&f);
	CU_ASSERT_EQUAL(settle(n, true), 0);
	CU_ASSERT_EQUAL(node_identities(n), 1);
	CU_ASSERT_EQUAL(index, 99);
	node_free(n);
}

static void
test_auto(void)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	unsigned index;

	conf_make(&c, "");
	c.mode = CONF_AUTO;
	n = node_make(&c, 1);
	settle(n, true);
	CU_ASSERT_FALSE(load(n, &c, "2.1.1.3", 7, &index, &err));
	CU_ASSERT_STRING_EQUAL(err.code, "mode");
	CU_ASSERT_FALSE(node_remove(n, 0, 0, &err));
	CU_ASSERT_STRING_EQUAL(err.code, "mode");
	node_free(n);
}

static void
test_limit(void)
{
	struct conf c;
	struct node *n;
	struct node_error err;
	unsigned index;

	conf_make(&c, "");
	n = node_make(&c, 1);
	settle(n, true);
	for (uint32_t i = 1; i <= NODE_IDENTITIES; i++) {
		CU_ASSERT(load(n, &c, "2.1.1.3", i, &index, &err));
		CU_ASSERT_EQUAL(node_identity(n, i).ns, i);
	}
	CU_ASSERT_FALSE(load(n, &c, "2.1.1.3", 1000, &index, &err));
	CU_ASSERT_STRING_EQUAL(err.code, "exhausted");
	CU_ASSERT_EQUAL(settle(n, true), NODE_IDENTITIES);
	CU_ASSERT_EQUAL(node_identities(n), NODE_IDENTITIES + 1);
	/* No two interfaces of this system may have one link-local. */
	for (size_t i = 0; i < node_identities(n); i++)
		for (size_t j = 0; j < i; j++)
			for (unsigned d = 0; d < 4; d++)
				CU_ASSERT_NOT_EQUAL(node_identity(n, i).facts->linklocal[d & 1],
				    node_identity(n, j).facts->linklocal[d >> 1]);
	node_free(n);
}

/* Answers nobody waits for, a rehearsal's above all, change nothing. */
static void
test_stray_answers(void)
{
	struct conf c;
	struct node *n;

	conf_make(&c, "");
	n = node_make(&c, 1);
	node_kernel_done(n, 0, 0, true, NULL);
	CU_ASSERT_EQUAL(node_identity(n, 0).state, NODE_STARTING);
	node_kernel_done(n, 0, 1, true, NULL);
	node_kernel_done(n, 0, 4711, false, NULL);
	CU_ASSERT_EQUAL(settle(n, true), 1);
	node_kernel_done(n, 0, 0, false, NULL);
	CU_ASSERT_EQUAL(node_identity(n, 0).state, NODE_RUNNING);
	node_free(n);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "begins with one main identity", test_first },
		{ "wants the kernel state of that identity", test_first_want },
		{ "an interface is missing at the start", test_missing_interface },
		{ "an interface goes that could not be listened on", test_deaf_interface },
		{ "draws addresses from the given randomness alone", test_random },
		{ "loads an identity into a namespace of its own", test_load },
		{ "replaces a loaded identity, or takes that back", test_replace },
		{ "loads while the kernel is busy with something else", test_loaded_in_between },
		{ "replaces the main identity's facts, or takes that back", test_replace_main },
		{ "forgets a new identity that the kernel refused", test_refused_new },
		{ "refuses a change while one is under way", test_busy },
		{ "removes an identity", test_remove },
		{ "refuses wrong facts and changes nothing", test_refusals },
		{ "refuses the operator's verbs in automatic mode", test_auto },
		{ "keeps to the limit of identities", test_limit },
		{ "is not moved by answers nobody asked for", test_stray_answers },
	};

	return TAP_RUN(tests);
}
