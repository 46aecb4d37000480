/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/txn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/kerntest.h"
#include "tests/unit/tap.h"

static struct conf conf;
static struct rig rig;

/* A neighbour of the tests: its MAC ends with N. */
static ntk_mac_t
mac(uint8_t n)
{
	return (ntk_mac_t){ { 2, 0, 0, 0, 0, n } };
}

static void
add(struct kset *s, struct kobj o)
{
	kset_add(s, &o);
}

/* The least there can be: the namespace and an interface with a link-local. */
static void
begin(struct kset *s)
{
	kset_init(s);
	add(s, (struct kobj){ .kind = KOBJ_NS });
	add(s, (struct kobj){ .kind = KOBJ_DEV });
	add(s, (struct kobj){ .kind = KOBJ_ADDR, .addr = 0xa9fe0a01 });
}

/* A neighbour with a mark, a table of one route, and a rule. */
static void
add_neighbour(struct kset *s, uint8_t n)
{
	add(s, (struct kobj){ .kind = KOBJ_NEIGH, .addr = 0xa9fe1400U + n, .src = 0xa9fe0a01 });
	add(s, (struct kobj){ .kind = KOBJ_ROUTE, .mac = mac(n), .addr = 0x0a000000, .len = 29,
	    .type = PRIV_ROUTE_UNICAST, .via = 0xa9fe1400U + n });
	add(s, (struct kobj){ .kind = KOBJ_MARK, .mac = mac(n) });
	add(s, (struct kobj){ .kind = KOBJ_RULE, .mac = mac(n) });
}

static void
start(void)
{
	CU_ASSERT_TRUE_FATAL(rig_init(&rig, &conf));
}

static void
end(void)
{
	CU_ASSERT_FALSE(rig.failed);
	CU_ASSERT_PTR_NULL(fakekern_fault(rig.fake));
	if (fakekern_fault(rig.fake) != NULL)
		tap_note("%s", fakekern_fault(rig.fake));
	rig_free(&rig);
}

/* Sorts S, wants it for NS and runs. */
static bool
bring(unsigned ns, struct kset *s)
{
	CU_ASSERT_TRUE(kset_sort(s));
	return rig_bring(&rig, ns, s);
}

static size_t
peers(struct kernel_peer *v, size_t size)
{
	return kernel_peers(rig.kernel, v, size);
}

/* --- hello --- */

static void
test_hello(void)
{
	uint8_t buf[PRIV_MSG_MAX];

	start();
	CU_ASSERT_FALSE(kernel_is_up(rig.kernel));
	CU_ASSERT_FALSE(kernel_is_busy(rig.kernel));
	CU_ASSERT_TRUE(rig_step(&rig));
	CU_ASSERT_TRUE(kernel_is_up(rig.kernel));
	CU_ASSERT_FALSE(kernel_is_busy(rig.kernel));
	CU_ASSERT_EQUAL(kernel_next(rig.kernel, buf), 0);
	CU_ASSERT_TRUE(kernel_device(rig.kernel, 0, 0).present);
	CU_ASSERT_EQUAL(kernel_device(rig.kernel, 0, 0).ifindex, 2);
	CU_ASSERT_EQUAL(kernel_device(rig.kernel, 0, 0).mac.b[5], 1);
	CU_ASSERT_FALSE(kernel_device(rig.kernel, 0, conf.n_interfaces).present);
	CU_ASSERT_FALSE(kernel_device(rig.kernel, 1, 0).present);
	CU_ASSERT_FALSE(kernel_device(rig.kernel, KERNEL_NAMESPACES, 0).present);
	CU_ASSERT_EQUAL(kernel_ns_number(rig.kernel, KERNEL_NAMESPACES), 0);
	end();
}

static void
test_want_before_hello(void)
{
	struct kset s;

	start();
	begin(&s);
	CU_ASSERT_TRUE(bring(0, &s));
	CU_ASSERT_TRUE(rig_has(&rig, 0, &s));
	kset_free(&s);
	end();
}

/* --- namespaces --- */

static void
test_namespace(void)
{
	struct kset s, none;
	struct kernel_counters c;

	start();
	begin(&s);
	CU_ASSERT_TRUE(bring(0, &s));
	add_neighbour(&s, 1);
	CU_ASSERT_TRUE(bring(3, &s));
	CU_ASSERT_TRUE(rig_has(&rig, 3, &s));
	CU_ASSERT_EQUAL(kernel_ns_number(rig.kernel, 3), 1);
	CU_ASSERT_EQUAL(kernel_ns_called(rig.kernel, 1 + FAKEKERN_ID), 3);
	CU_ASSERT_EQUAL(kernel_ns_called(rig.kernel, 1), KERNEL_NAMESPACES);
	CU_ASSERT_EQUAL(kernel_ns_called(rig.kernel, 0), KERNEL_NAMESPACES);
	CU_ASSERT_TRUE(kernel_device(rig.kernel, 3, 0).present);
	CU_ASSERT_NOT_EQUAL(kernel_device(rig.kernel, 3, 0).ifindex,
	    kernel_device(rig.kernel, 0, 0).ifindex);
	c = kernel_counters(rig.kernel);
	CU_ASSERT_EQUAL(c.transactions, 2);
	CU_ASSERT_EQUAL(c.operations, 3 + 1 + 7);
	CU_ASSERT_EQUAL(c.refused, 0);

	kset_init(&none);
	CU_ASSERT_TRUE(bring(3, &none));
	CU_ASSERT_EQUAL(kernel_applied(rig.kernel, 3)->n, 0);
	CU_ASSERT_EQUAL(kernel_ns_number(rig.kernel, 3), 0);
	CU_ASSERT_EQUAL(kernel_ns_called(rig.kernel, 1 + FAKEKERN_ID), KERNEL_NAMESPACES);
	CU_ASSERT_FALSE(kernel_device(rig.kernel, 3, 0).present);
	CU_ASSERT_EQUAL(fakekern_namespaces(rig.fake), 0);
	CU_ASSERT_EQUAL(fakekern_peers(rig.fake), 0);

	/* The place is used again, with other handles and another number. */
	CU_ASSERT_TRUE(bring(3, &s));
	CU_ASSERT_TRUE(rig_has(&rig, 3, &s));
	CU_ASSERT_EQUAL(kernel_ns_number(rig.kernel, 3), 2);
	kset_free(&s);
	end();
}

static void
test_default_stays(void)
{
	struct kset s, none;
	char text[KERNEL_REFUSAL_TEXT];

	start();
	begin(&s);
	CU_ASSERT_TRUE(bring(0, &s));
	kset_init(&none);
	CU_ASSERT_FALSE(bring(0, &none));
	CU_ASSERT_EQUAL(rig.n_refused, 1);
	CU_ASSERT_STRING_EQUAL(rig.last.refusal.operation, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(kernel_refusal_text(&rig.last.refusal, text),
	    "default namespace"));
	CU_ASSERT_TRUE(rig_has(&rig, 0, &s));
	kset_free(&s);
	end();
}

static void
test_nothing_to_do(void)
{
	struct kset s, none;
	size_t messages;

	start();
	begin(&s);
	CU_ASSERT_TRUE(bring(0, &s));
	messages = rig.messages;
	CU_ASSERT_TRUE(bring(0, &s));
	CU_ASSERT_EQUAL(rig.messages, messages);
	kset_init(&none);
	CU_ASSERT_TRUE(bring(5, &none));
	CU_ASSERT_EQUAL(rig.messages, messages);
	kset_free(&s);
	end();
}

/* A state that is wanted while another is under way comes after it; one that waits is replaced. */
static void
test_wants_follow(void)
{
	struct kset a, b, c, copy;
	uint8_t buf[PRIV_MSG_MAX], answer[PRIV_MSG_MAX];
	struct msg_error err;
	size_t len;
	int n;

	start();
	rig_run(&rig);
	begin(&a);
	CU_ASSERT_TRUE(kset_sort(&a));
	begin(&b);
	add_neighbour(&b, 1);
	CU_ASSERT_TRUE(kset_sort(&b));
	begin(&c);
	add_neighbour(&c, 2);
	CU_ASSERT_TRUE(kset_sort(&c));
	CU_ASSERT_TRUE(kset_copy(&copy, &a));
	kernel_want(rig.kernel, 0, &copy, 0);
	CU_ASSERT_EQUAL(copy.n, 0);
	len = kernel_next(rig.kernel, buf);
	CU_ASSERT_TRUE(kernel_is_busy(rig.kernel));
	kernel_want(rig.kernel, 0, &b, 0);
	CU_ASSERT_TRUE(kset_copy(&copy, &c));
	kernel_want(rig.kernel, 0, &copy, 0);
	CU_ASSERT_EQUAL(kernel_next(rig.kernel, answer), 0);
	n = fakekern_message(rig.fake, buf, len, answer);
	CU_ASSERT_TRUE(kernel_answer(rig.kernel, answer, (size_t)n, &err));
	CU_ASSERT_EQUAL(rig.n_done, 1);
	CU_ASSERT_TRUE(rig_has(&rig, 0, &a));
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_done, 2);
	CU_ASSERT_TRUE(rig_has(&rig, 0, &c));
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(1)), 0);
	kset_free(&a);
	kset_free(&c);
	end();
}

/* --- limits of the border --- */

/* More than fits into one message, and more than fits into one transaction. */
static void
test_parts(void)
{
	enum { ROUTES = PRIV_TXN_OPS + 5000 };
	struct kset s, less;

	start();
	begin(&s);
	begin(&less);
	for (uint32_t i = 0; i < ROUTES; i++)
		add(i < 5000 ? &less : &s, (struct kobj){ .kind = KOBJ_ROUTE, .mac = mac((uint8_t)(1 + i % 3)),
		    .addr = 0x0a000000 + i, .len = 32, .type = PRIV_ROUTE_BLACKHOLE });
	CU_ASSERT_TRUE(bring(0, &less));
	CU_ASSERT_TRUE(rig.messages > 3);
	CU_ASSERT_EQUAL(rig.transactions, 2);
	CU_ASSERT_TRUE(rig_has(&rig, 0, &less));
	CU_ASSERT_TRUE(bring(0, &s));
	CU_ASSERT_EQUAL(rig.transactions, 4);
	CU_ASSERT_TRUE(rig_has(&rig, 0, &s));
	CU_ASSERT_EQUAL(kernel_counters(rig.kernel).operations, 3 + 3 + 5000 + ROUTES);
	kset_free(&s);
	kset_free(&less);
	end();
}

/* A second transaction that is refused takes the first one back. */
static void
test_retreat(void)
{
	enum { ROUTES = PRIV_TXN_OPS + 100 };
	struct kset s, before;
	size_t transactions;

	start();
	begin(&before);
	add_neighbour(&before, 9);
	CU_ASSERT_TRUE(bring(0, &before));
	begin(&s);
	for (uint32_t i = 0; i < ROUTES; i++)
		add(&s, (struct kobj){ .kind = KOBJ_ROUTE, .mac = mac(1), .addr = 0x0a000000 + i,
		    .len = 32, .type = PRIV_ROUTE_BLACKHOLE });
	CU_ASSERT_TRUE(kset_sort(&s));
	kernel_want(rig.kernel, 0, &s, 0);
	transactions = rig.transactions;
	while (rig.transactions == transactions && rig_step(&rig))
		;
	CU_ASSERT_EQUAL(rig.n_done, 1);
	fakekern_refuse(rig.fake, 10, PRIV_R_KERNEL);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_done, 2);
	CU_ASSERT_FALSE(rig.last.ok);
	CU_ASSERT_EQUAL(rig.last.refusal.reason, PRIV_R_KERNEL);
	CU_ASSERT_TRUE(rig_has(&rig, 0, &before));
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(1)), 0);
	CU_ASSERT_EQUAL(fakekern_peers(rig.fake), 1);
	kset_free(&before);
	end();
}

/* A way back that is refused, too: what stands is what is applied, and can be left again. */
static void
test_no_retreat(void)
{
	enum { ROUTES = PRIV_TXN_OPS + 100 };
	struct kset s, before, there;
	size_t transactions;

	start();
	begin(&before);
	CU_ASSERT_TRUE(bring(0, &before));
	begin(&s);
	for (uint32_t i = 0; i < ROUTES; i++)
		add(&s, (struct kobj){ .kind = KOBJ_ROUTE, .mac = mac(1), .addr = 0x0a000000 + i,
		    .len = 32, .type = PRIV_ROUTE_BLACKHOLE });
	CU_ASSERT_TRUE(kset_sort(&s));
	kernel_want(rig.kernel, 0, &s, 0);
	for (int i = 0; i < 2; i++) {
		transactions = rig.transactions;
		while (rig.transactions == transactions && rig_step(&rig))
			;
		fakekern_refuse(rig.fake, 10 + (size_t)i, PRIV_R_KERNEL);
	}
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_done, 2);
	CU_ASSERT_FALSE(rig.last.ok);
	CU_ASSERT_EQUAL(rig.last.refusal.op, 10);
	kset_init(&there);
	CU_ASSERT_TRUE(fakekern_state(rig.fake, 0, &there));
	CU_ASSERT_TRUE(kset_equal(&there, kernel_applied(rig.kernel, 0)));
	CU_ASSERT_EQUAL(there.n, 3 + PRIV_TXN_OPS - 1);
	CU_ASSERT_TRUE(bring(0, &before));
	CU_ASSERT_TRUE(rig_has(&rig, 0, &before));
	kset_free(&there);
	kset_free(&before);
	end();
}

/* Nothing may follow a removed interface: each has a transaction of its own. */
static void
test_interfaces_go(void)
{
	struct kset all, one;

	start();
	begin(&all);
	begin(&one);
	add(&all, (struct kobj){ .kind = KOBJ_DEV, .dev = 1 });
	add(&all, (struct kobj){ .kind = KOBJ_DEV, .dev = 2 });
	add(&all, (struct kobj){ .kind = KOBJ_ADDR, .dev = 2, .addr = 0xa9fe0a03 });
	CU_ASSERT_TRUE(bring(0, &all));
	CU_ASSERT_TRUE(bring(1, &all));
	CU_ASSERT_TRUE(rig_has(&rig, 1, &all));
	CU_ASSERT_EQUAL(rig.transactions, 3);
	CU_ASSERT_TRUE(bring(1, &one));
	CU_ASSERT_EQUAL(rig.transactions, 5);
	CU_ASSERT_TRUE(rig_has(&rig, 1, &one));
	CU_ASSERT_FALSE(kernel_device(rig.kernel, 1, 1).present);
	CU_ASSERT_TRUE(kernel_device(rig.kernel, 0, 1).present);
	/* A real one stays prepared. */
	CU_ASSERT_TRUE(bring(0, &one));
	CU_ASSERT_TRUE(rig_has(&rig, 0, &one));
	CU_ASSERT_TRUE(bring(0, &all));
	CU_ASSERT_TRUE(rig_has(&rig, 0, &all));
	kset_free(&all);
	kset_free(&one);
	end();
}

/* What the helper would take for an attack is not sent. */
static void
test_invalid_stays_here(void)
{
	struct kset s, good;
	size_t messages;

	start();
	begin(&good);
	CU_ASSERT_TRUE(bring(0, &good));
	messages = rig.messages;
	begin(&s);
	add(&s, (struct kobj){ .kind = KOBJ_ROUTE, .addr = 0, .len = 0,
	    .type = PRIV_ROUTE_BLACKHOLE });
	CU_ASSERT_FALSE(bring(0, &s));
	CU_ASSERT_EQUAL(rig.last.refusal.reason, PRIV_R_SHAPE);
	CU_ASSERT_EQUAL(rig.messages, messages);
	CU_ASSERT_TRUE(rig_has(&rig, 0, &good));
	kset_free(&s);
	kset_free(&good);
	end();
}

/* --- table numbers --- */

/* In the order in which neighbours first appeared, whatever their MACs. */
static void
test_numbers(void)
{
	static const uint8_t order[] = { 7, 3, 9, 1 };
	struct kernel_peer v[8];
	struct kset s;

	start();
	begin(&s);
	for (size_t i = 0; i < sizeof(order); i++)
		add_neighbour(&s, order[i]);
	CU_ASSERT_TRUE(bring(0, &s));
	for (size_t i = 0; i < sizeof(order); i++) {
		CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(order[i])), 250 - i);
		CU_ASSERT_EQUAL(fakekern_table(rig.fake, mac(order[i])), 250 - i);
	}
	CU_ASSERT_EQUAL(peers(v, 8), 4);
	CU_ASSERT_EQUAL(v[0].mac.b[5], 1);
	CU_ASSERT_EQUAL(v[0].table, 247);
	CU_ASSERT_EQUAL(v[0].references, 3);
	CU_ASSERT_EQUAL(peers(v, 0), 4);
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, KOBJ_NTK), 0);
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(99)), 0);
	kset_free(&s);
	end();
}

/* One number per MAC for the whole system; given back when the last namespace lets it go. */
static void
test_shared_number(void)
{
	struct kset with, without;
	struct kernel_peer v[2];
	size_t transactions;

	start();
	begin(&with);
	begin(&without);
	add_neighbour(&with, 1);
	CU_ASSERT_TRUE(bring(0, &with));
	CU_ASSERT_TRUE(bring(1, &with));
	CU_ASSERT_EQUAL(peers(v, 2), 1);
	CU_ASSERT_EQUAL(v[0].references, 6);
	transactions = rig.transactions;
	CU_ASSERT_TRUE(bring(0, &without));
	CU_ASSERT_EQUAL(rig.transactions, transactions + 1);
	CU_ASSERT_EQUAL(peers(v, 2), 1);
	CU_ASSERT_EQUAL(v[0].references, 3);
	CU_ASSERT_TRUE(bring(1, &without));
	CU_ASSERT_EQUAL(rig.transactions, transactions + 3);
	CU_ASSERT_EQUAL(peers(v, 2), 0);
	CU_ASSERT_EQUAL(fakekern_peers(rig.fake), 0);
	kset_free(&with);
	kset_free(&without);
	end();
}

/* A peer that changes its MAC has the new number before it loses the old one. */
static void
test_changed_mac(void)
{
	struct kset a, b;

	start();
	begin(&a);
	begin(&b);
	add_neighbour(&a, 1);
	add_neighbour(&b, 2);
	CU_ASSERT_TRUE(bring(0, &a));
	CU_ASSERT_TRUE(bring(0, &b));
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(2)), 249);
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(1)), 0);
	CU_ASSERT_TRUE(bring(0, &a));
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(1)), 250);
	kset_free(&a);
	kset_free(&b);
	end();
}

/* What one namespace lets go and another wants keeps its number. */
static void
test_moved_mac(void)
{
	struct kset with, without, copy;

	start();
	begin(&with);
	begin(&without);
	add_neighbour(&with, 1);
	CU_ASSERT_TRUE(bring(0, &without));
	CU_ASSERT_TRUE(bring(1, &with));
	CU_ASSERT_TRUE(kset_sort(&without));
	CU_ASSERT_TRUE(kset_copy(&copy, &without));
	kernel_want(rig.kernel, 1, &copy, 0);
	CU_ASSERT_TRUE(kset_copy(&copy, &with));
	kernel_want(rig.kernel, 0, &copy, 0);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_done, 4);
	CU_ASSERT_EQUAL(rig.transactions, 1 + 4);
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(1)), 250);
	kset_free(&with);
	kset_free(&without);
	end();
}

/* No number is left: the change is refused, and others go on. */
static void
test_exhausted(void)
{
	struct conf few = conf;
	struct kset two, three;

	few.tables = (struct conf_tables){ 251, 250 };
	few.more_tables = (struct conf_tables){ 10000, 10000 };
	CU_ASSERT_TRUE_FATAL(rig_init(&rig, &few));
	begin(&two);
	add_neighbour(&two, 1);
	add_neighbour(&two, 2);
	begin(&three);
	for (uint8_t i = 1; i <= 3; i++)
		add_neighbour(&three, i);
	CU_ASSERT_TRUE(bring(0, &two));
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(1)), 250);
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(2)), 10000);
	CU_ASSERT_FALSE(bring(0, &three));
	CU_ASSERT_EQUAL(rig.last.refusal.reason, PRIV_R_EXHAUSTED);
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(3)), 0);
	CU_ASSERT_TRUE(rig_has(&rig, 0, &two));
	CU_ASSERT_TRUE(bring(1, &two));
	kset_free(&two);
	kset_free(&three);
	end();
}

/* A number that the helper does not take back stays known, and can be used. */
static void
test_not_taken_back(void)
{
	struct kset with, without;

	start();
	begin(&with);
	begin(&without);
	add_neighbour(&with, 1);
	add_neighbour(&with, 2);
	CU_ASSERT_TRUE(bring(0, &with));
	CU_ASSERT_TRUE(kset_sort(&without));
	kernel_want(rig.kernel, 0, &without, 0);
	rig_step(&rig);
	fakekern_refuse(rig.fake, 1, PRIV_R_KERNEL);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_refused, 0);
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(1)), 0);
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(2)), 249);
	CU_ASSERT_TRUE(bring(0, &with));
	CU_ASSERT_EQUAL(kernel_table(rig.kernel, mac(2)), 249);
	begin(&without);
	CU_ASSERT_TRUE(bring(0, &without));
	CU_ASSERT_EQUAL(fakekern_peers(rig.fake), 0);
	kset_free(&with);
	kset_free(&without);
	end();
}

/* --- refusals --- */

/* Whichever operation is refused: nothing changed, and the same can be asked again. */
static void
refusals_of(const struct kset *main, const struct kset *a, const struct kset *b, unsigned ns)
{
	struct kset copy;
	bool refused = true;

	for (size_t k = 0; refused; k++) {
		start();
		CU_ASSERT_TRUE(ns == 0 || rig_bring(&rig, 0, main));
		CU_ASSERT_TRUE(rig_bring(&rig, ns, a));
		fakekern_refuse(rig.fake, k, PRIV_R_KERNEL);
		CU_ASSERT_TRUE(kset_copy(&copy, b));
		kernel_want(rig.kernel, ns, &copy, 0);
		while (rig.n_done < 2 + (ns != 0) && rig_step(&rig))
			;
		refused = !rig.last.ok;
		if (refused) {
			CU_ASSERT_EQUAL(rig.last.refusal.op, k);
			CU_ASSERT_EQUAL(rig.last.refusal.reason, PRIV_R_KERNEL);
			CU_ASSERT_TRUE(rig_has(&rig, ns, a));
			CU_ASSERT_TRUE(rig_bring(&rig, ns, b));
		}
		CU_ASSERT_TRUE(rig_has(&rig, ns, b));
		end();
	}
}

static void
test_refusals(void)
{
	struct kset sets[3];
	struct wanted_settings settings = kerntest_settings(&conf);
	struct facts f, g;
	struct rng r;

	for (uint64_t seed = 1; seed <= 12; seed++) {
		rng_init(&r, seed);
		for (size_t i = 0; i < 3; i++)
			kset_init(&sets[i]);
		kerntest_invent(&r, &conf, true, &f);
		CU_ASSERT_TRUE(wanted_state(&settings, &f, &sets[0]));
		facts_free(&f);
		kerntest_invent(&r, &conf, seed % 2 == 0, &f);
		kerntest_vary(&r, &conf, &f, &g);
		CU_ASSERT_TRUE(wanted_state(&settings, &f, &sets[1]));
		CU_ASSERT_TRUE(wanted_state(&settings, &g, &sets[2]));
		refusals_of(&sets[0], &sets[1], &sets[2], seed % 2 == 0 ? 0 : 1);
		facts_free(&f);
		facts_free(&g);
		for (size_t i = 0; i < 3; i++)
			kset_free(&sets[i]);
	}
}

static void
test_refusal_text(void)
{
	struct priv_refusal r = { .op = 4, .reason = PRIV_R_NEIGHBOUR, .operation = "route_set",
		.field = "via", .value = "169.254.3.4", .text = "eth1" };
	char text[KERNEL_REFUSAL_TEXT];

	CU_ASSERT_STRING_EQUAL(kernel_refusal_text(&r, text), "route_set, operation 4: via "
	    "169.254.3.4 has no neighbour route on that interface: eth1");
	r = (struct priv_refusal){ .reason = PRIV_R_KERNEL, .error = ENETUNREACH,
		.operation = "addr_add" };
	CU_ASSERT_STRING_EQUAL(kernel_refusal_text(&r, text), "addr_add, operation 0: was refused by "
	    "the kernel (Network is unreachable)");
	memset(&r, 'x', sizeof(r));
	r.operation[sizeof(r.operation) - 1] = r.field[sizeof(r.field) - 1] = '\0';
	r.value[sizeof(r.value) - 1] = r.text[sizeof(r.text) - 1] = '\0';
	CU_ASSERT_TRUE(strlen(kernel_refusal_text(&r, text)) < KERNEL_REFUSAL_TEXT);
}

/* --- rehearsal --- */

static void
test_rehearsal(void)
{
	struct kset s, copy, there;
	struct kernel_peer v[2];

	start();
	begin(&s);
	add_neighbour(&s, 1);
	CU_ASSERT_TRUE(kset_sort(&s));
	CU_ASSERT_TRUE(kset_copy(&copy, &s));
	kernel_rehearse(rig.kernel, 0, &copy);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_done, 1);
	CU_ASSERT_TRUE(rig.last.ok);
	kset_init(&there);
	CU_ASSERT_TRUE(fakekern_state(rig.fake, 0, &there));
	CU_ASSERT_EQUAL(there.n, 0);
	CU_ASSERT_EQUAL(kernel_applied(rig.kernel, 0)->n, 0);
	CU_ASSERT_EQUAL(peers(v, 2), 0);
	CU_ASSERT_EQUAL(fakekern_peers(rig.fake), 0);

	fakekern_refuse(rig.fake, 5, PRIV_R_KERNEL);
	CU_ASSERT_TRUE(kset_copy(&copy, &s));
	kernel_rehearse(rig.kernel, 2, &copy);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_done, 2);
	CU_ASSERT_EQUAL(rig.ns, 2);
	CU_ASSERT_FALSE(rig.last.ok);
	CU_ASSERT_EQUAL(fakekern_namespaces(rig.fake), 0);

	CU_ASSERT_TRUE(rig_bring(&rig, 0, &s));
	CU_ASSERT_TRUE(rig_has(&rig, 0, &s));
	kset_free(&there);
	kset_free(&s);
	end();
}

/* Rehearsals come before what was wanted after them. */
static void
test_rehearsal_first(void)
{
	struct kset s, copy;

	start();
	begin(&s);
	add_neighbour(&s, 1);
	CU_ASSERT_TRUE(kset_sort(&s));
	CU_ASSERT_TRUE(kset_copy(&copy, &s));
	kernel_rehearse(rig.kernel, 0, &copy);
	CU_ASSERT_TRUE(kset_copy(&copy, &s));
	kernel_rehearse(rig.kernel, 1, &copy);
	CU_ASSERT_TRUE(kset_copy(&copy, &s));
	kernel_want(rig.kernel, 0, &copy, 0);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_done, 3);
	CU_ASSERT_TRUE(rig.last.ok);
	CU_ASSERT_TRUE(rig_has(&rig, 0, &s));
	/* A namespace cannot be rehearsed before the real interfaces were introduced, but this one was. */
	CU_ASSERT_EQUAL(rig.n_refused, 0);
	kset_free(&s);
	end();
}

/* --- answers that no healthy helper gives --- */

/* An answer in the making. */
struct answer {
	struct wr w;
	uint8_t buf[4096];
};

static void
answer_frame(struct answer *a, uint8_t type, uint32_t seq, uint8_t flags, uint16_t count)
{
	struct priv_frame f = { PRIV_MAGIC, PRIV_VERSION, type, seq, flags, count };

	wr_init(&a->w, a->buf, sizeof(a->buf));
	msg_encode(&priv_frame_desc, &f, &a->w);
}

static bool
gives(struct answer *a)
{
	struct msg_error err;

	return kernel_answer(rig.kernel, a->buf, a->w.len, &err);
}

static void
answer_results(struct answer *a, size_t n, const struct priv_result *v)
{
	for (size_t i = 0; i < n; i++)
		msg_encode(&priv_result_desc, &v[i], &a->w);
}

static void
test_bad_welcome(void)
{
	struct priv_welcome w = { PRIV_HANDLE(PRIV_H_NS, 0, 0) };
	struct priv_interface in = { .dev = PRIV_HANDLE(PRIV_H_PEER, 0, 0), .name = "lo" };
	struct answer a;
	uint8_t buf[PRIV_MSG_MAX];

	start();
	CU_ASSERT_TRUE(kernel_next(rig.kernel, buf) > 0);
	answer_frame(&a, PRIV_WELCOME, 0, 0, 1);
	CU_ASSERT_FALSE(gives(&a));
	answer_frame(&a, PRIV_DONE, 0, 0, 0);
	CU_ASSERT_FALSE(gives(&a));
	answer_frame(&a, PRIV_WELCOME, 1, 0, 4);
	CU_ASSERT_FALSE(gives(&a));
	answer_frame(&a, PRIV_WELCOME, 0, 0, 4);
	msg_encode(&priv_welcome_desc, &w, &a.w);
	CU_ASSERT_FALSE(gives(&a));
	for (int i = 0; i < 4; i++)
		msg_encode(&priv_interface_desc, &in, &a.w);
	CU_ASSERT_FALSE(gives(&a));
	CU_ASSERT_FALSE(kernel_is_up(rig.kernel));
	end();
}

/* An interface that does not exist has no handle; lo always has. */
static void
test_absent_interface(void)
{
	struct priv_welcome w = { PRIV_HANDLE(PRIV_H_NS, 0, 0) };
	struct priv_interface in = { .dev = PRIV_HANDLE(PRIV_H_DEV, 0, 0), .name = "lo" };
	struct answer a;
	uint8_t buf[PRIV_MSG_MAX];

	start();
	CU_ASSERT_TRUE(kernel_next(rig.kernel, buf) > 0);
	answer_frame(&a, PRIV_WELCOME, 0, 0, 4);
	msg_encode(&priv_welcome_desc, &w, &a.w);
	msg_encode(&priv_interface_desc, &in, &a.w);
	for (uint32_t i = 1; i <= 3; i++) {
		in.dev = i == 2 ? 0 : PRIV_HANDLE(PRIV_H_DEV, 0, i);
		msg_encode(&priv_interface_desc, &in, &a.w);
	}
	CU_ASSERT_TRUE(gives(&a));
	CU_ASSERT_TRUE(kernel_is_up(rig.kernel));
	CU_ASSERT_TRUE(kernel_device(rig.kernel, 0, 0).present);
	CU_ASSERT_FALSE(kernel_device(rig.kernel, 0, 1).present);
	CU_ASSERT_TRUE(kernel_device(rig.kernel, 0, 2).present);
	rig_free(&rig);
}

/* --- interfaces that come and go --- */

static bool
is_number(size_t i, uint32_t ifindex)
{
	struct kernel_dev d = kernel_device(rig.kernel, 0, i);

	return d.present ? d.ifindex == ifindex : ifindex == 0;
}

/* S on interface I instead. */
static void
move(struct kset *s, uint8_t i)
{
	for (size_t n = 0; n < s->n; n++) {
		if (s->v[n].kind == KOBJ_DEV || s->v[n].kind == KOBJ_ADDR || s->v[n].kind == KOBJ_NEIGH)
			s->v[n].dev = i;
		if (s->v[n].kind == KOBJ_ROUTE)
			s->v[n].via_dev = i;
	}
}

static void
only_namespace(struct kset *s)
{
	kset_init(s);
	add(s, (struct kobj){ .kind = KOBJ_NS });
}

/* It was made again: let go when the last thing on it went, in whatever namespace. */
static void
test_let_go(void)
{
	struct kset s, none, empty;
	uint64_t transactions;

	start();
	begin(&s);
	add_neighbour(&s, 1);
	only_namespace(&none);
	kset_init(&empty);
	CU_ASSERT_TRUE(bring(0, &s) && bring(3, &s));
	fakekern_name(rig.fake, 0, 50);
	transactions = kernel_counters(rig.kernel).transactions;
	kernel_let_go(rig.kernel, 0);
	CU_ASSERT_TRUE(is_number(0, 0));
	rig_run(&rig);
	/* Asked meanwhile, the helper tells what it was. */
	kernel_look(rig.kernel);
	rig_run(&rig);
	CU_ASSERT(rig.n_looked == 1 && rig.n_looked_refused == 0);
	CU_ASSERT_TRUE(is_number(0, 0));
	CU_ASSERT_EQUAL(kernel_counters(rig.kernel).transactions, transactions);
	CU_ASSERT_TRUE(bring(0, &none));
	CU_ASSERT(is_number(0, 0) && rig.n_looked == 1);
	CU_ASSERT_TRUE(bring(3, &empty));
	CU_ASSERT(is_number(0, 50) && rig.n_looked == 2);
	CU_ASSERT_TRUE(rig_has(&rig, 0, &none));
	/* As if nothing had been. */
	CU_ASSERT_TRUE(bring(0, &s) && bring(3, &s));
	CU_ASSERT_TRUE(rig_has(&rig, 0, &s) && rig_has(&rig, 3, &s));
	CU_ASSERT(is_number(0, 50) && is_number(1, 3));
	CU_ASSERT_EQUAL(rig.n_looked, 2);
	kset_free(&s);
	kset_free(&none);
	end();
}

/* One that is away keeps its place, whatever is made on others meanwhile. */
static void
test_comes_later(void)
{
	struct kset s, other, empty;

	start();
	fakekern_name(rig.fake, 0, 0);
	rig_run(&rig);
	CU_ASSERT(is_number(0, 0) && is_number(1, 3));
	begin(&s);
	kset_init(&empty);
	begin(&other);
	move(&other, 1);
	CU_ASSERT_TRUE(bring(0, &other) && bring(3, &other));
	fakekern_name(rig.fake, 0, 60);
	kernel_look(rig.kernel);
	rig_run(&rig);
	CU_ASSERT_TRUE_FATAL(is_number(0, 60));
	CU_ASSERT_TRUE(bring(4, &s));
	CU_ASSERT_TRUE(bring(3, &empty));
	CU_ASSERT_TRUE(rig_has(&rig, 4, &s) && rig_has(&rig, 0, &other));
	kset_free(&s);
	kset_free(&other);
	kset_free(&empty);
	end();
}

/* Without anything on it there is nothing to let go; and somebody has to come. */
static void
test_comes(void)
{
	struct kset s;

	start();
	fakekern_name(rig.fake, 1, 0);
	rig_run(&rig);
	CU_ASSERT(is_number(0, 2) && is_number(1, 0));
	begin(&s);
	CU_ASSERT_TRUE(bring(0, &s));
	kernel_look(rig.kernel);
	rig_run(&rig);
	CU_ASSERT(is_number(1, 0) && rig.n_looked == 1);
	fakekern_name(rig.fake, 1, 60);
	kernel_look(rig.kernel);
	kernel_look(rig.kernel);
	rig_run(&rig);
	CU_ASSERT(is_number(1, 60) && rig.n_looked == 2);
	move(&s, 1);
	CU_ASSERT_TRUE(bring(4, &s));
	/* One that was never prepared goes and comes. */
	fakekern_name(rig.fake, 2, 70);
	kernel_let_go(rig.kernel, 2);
	CU_ASSERT_TRUE(is_number(2, 0));
	rig_run(&rig);
	CU_ASSERT(is_number(2, 70) && rig.n_looked == 3);
	kernel_let_go(rig.kernel, conf.n_interfaces);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_looked, 3);
	kset_free(&s);
	end();
}

static void
test_change_names(void)
{
	struct kset s, both, none;

	start();
	begin(&both);
	add(&both, (struct kobj){ .kind = KOBJ_DEV, .dev = 1 });
	add(&both, (struct kobj){ .kind = KOBJ_ADDR, .dev = 1, .addr = 0xa9fe0a02 });
	begin(&s);
	only_namespace(&none);
	CU_ASSERT_TRUE(bring(0, &both));
	fakekern_name(rig.fake, 0, 3);
	fakekern_name(rig.fake, 1, 2);
	move(&s, 1);
	kernel_let_go(rig.kernel, 0);
	s.v[2].addr = 0xa9fe0a02;
	CU_ASSERT_TRUE(bring(0, &s));
	CU_ASSERT(is_number(0, 0) && is_number(1, 3));
	kernel_let_go(rig.kernel, 1);
	CU_ASSERT_TRUE(bring(0, &none));
	CU_ASSERT(is_number(0, 3) && is_number(1, 2));
	CU_ASSERT_TRUE(bring(0, &both));
	CU_ASSERT_TRUE(rig_has(&rig, 0, &both));
	kset_free(&s);
	kset_free(&both);
	kset_free(&none);
	end();
}

/* What is refused is not asked again and again, but when something else has changed. */
static void
test_let_go_refused(void)
{
	struct kset s, none;
	struct kernel_counters c;

	start();
	begin(&s);
	only_namespace(&none);
	CU_ASSERT_TRUE(bring(0, &s));
	c = kernel_counters(rig.kernel);
	fakekern_name(rig.fake, 0, 50);
	CU_ASSERT_TRUE(bring(0, &none));
	fakekern_refuse(rig.fake, 0, PRIV_R_KERNEL);
	kernel_let_go(rig.kernel, 0);
	rig_run(&rig);
	CU_ASSERT_EQUAL(kernel_counters(rig.kernel).refused, c.refused + 1);
	CU_ASSERT(is_number(0, 0) && rig.n_looked == 0);
	rig_run(&rig);
	CU_ASSERT_EQUAL(kernel_counters(rig.kernel).refused, c.refused + 1);
	add(&none, (struct kobj){ .kind = KOBJ_ADDR, .dev = KOBJ_LO, .addr = 0x0a000020 });
	CU_ASSERT_TRUE(bring(0, &none));
	CU_ASSERT(is_number(0, 50) && rig.n_looked == 1);
	CU_ASSERT_EQUAL(kernel_counters(rig.kernel).refused, c.refused + 1);
	kset_free(&s);
	kset_free(&none);
	end();
}

/* The answer to a second hello: interfaces 1 to 3 have these handles. */
static void
looked(struct answer *a, uint32_t ns, const uint32_t devs[3])
{
	struct priv_welcome w = { ns };
	struct priv_interface in = { .dev = PRIV_HANDLE(PRIV_H_DEV, 0, 0), .name = "lo" };

	answer_frame(a, PRIV_WELCOME, 2, 0, 4);
	msg_encode(&priv_welcome_desc, &w, &a->w);
	msg_encode(&priv_interface_desc, &in, &a->w);
	for (uint32_t i = 0; i < 3; i++) {
		in.dev = devs[i];
		in.ifindex = 80 + i;
		msg_encode(&priv_interface_desc, &in, &a->w);
	}
}

/* Interface 0 is in use when the helper is asked again, the number of whose question is 2. */
static void
begin_look(void)
{
	uint8_t buf[PRIV_MSG_MAX];
	struct priv_frame f;
	struct msg_error err;
	struct kset s;
	struct rd r;
	size_t n;

	start();
	begin(&s);
	CU_ASSERT_TRUE(bring(0, &s));
	kset_free(&s);
	CU_ASSERT_EQUAL(kernel_next(rig.kernel, buf), 0);
	kernel_look(rig.kernel);
	n = kernel_next(rig.kernel, buf);
	rd_init(&r, buf, n);
	CU_ASSERT_FATAL(msg_decode(&priv_frame_desc, &r, &f, &err) && rd_done(&r));
	CU_ASSERT(f.type == PRIV_HELLO && f.seq == 2 && f.count == 0 && f.flags == 0);
	CU_ASSERT(kernel_is_up(rig.kernel) && kernel_is_busy(rig.kernel));
	/* One question at a time. */
	kernel_look(rig.kernel);
	CU_ASSERT_EQUAL(kernel_next(rig.kernel, buf), 0);
}

static void
test_look_answers(void)
{
	const uint32_t ns = PRIV_HANDLE(PRIV_H_NS, 0, 0), used = PRIV_HANDLE(PRIV_H_DEV, 0, 1);
	const uint32_t good[] = { used, 0, PRIV_HANDLE(PRIV_H_DEV, 1, 3) };
	const uint32_t other[] = { PRIV_HANDLE(PRIV_H_DEV, 1, 1), 0, 0 };
	const uint32_t gone[] = { 0, 0, 0 }, kind[] = { used, PRIV_HANDLE(PRIV_H_PEER, 0, 2), 0 };
	struct priv_refusal why = { .reason = PRIV_R_RATE, .operation = "hello" };
	uint8_t buf[PRIV_MSG_MAX];
	struct answer a;

	begin_look();
	looked(&a, ns, good);
	CU_ASSERT_TRUE(gives(&a));
	CU_ASSERT(rig.n_looked == 1 && rig.n_looked_refused == 0 && !kernel_is_busy(rig.kernel));
	CU_ASSERT(is_number(0, 80) && is_number(1, 0) && is_number(2, 82));
	CU_ASSERT_TRUE(kernel_next(rig.kernel, buf) > 0);
	rig_free(&rig);
	/* Too often: nothing is another one. */
	begin_look();
	answer_frame(&a, PRIV_REFUSED, 2, 0, 0);
	msg_encode(&priv_refusal_desc, &why, &a.w);
	CU_ASSERT_TRUE(gives(&a));
	CU_ASSERT(rig.n_looked == 1 && rig.n_looked_refused == 1 && !kernel_is_busy(rig.kernel));
	CU_ASSERT(is_number(0, 2) && is_number(1, 3) && is_number(2, 4));
	rig_free(&rig);
	for (int i = 0; i < 6; i++) {
		begin_look();
		if (i == 4)
			answer_frame(&a, PRIV_DONE, 2, 0, 0);
		else if (i == 5)
			answer_frame(&a, PRIV_REFUSED, 2, 0, 0);
		else
			looked(&a, i == 3 ? PRIV_HANDLE(PRIV_H_NS, 1, 0) : ns,
			    i == 0 ? other : i == 1 ? gone : i == 2 ? kind : good);
		CU_ASSERT_FALSE(gives(&a));
		CU_ASSERT_EQUAL(rig.n_looked, 0);
		rig_free(&rig);
	}
}

/* Begins the transaction that makes two neighbours and returns its number. */
static uint32_t
begin_two(void)
{
	uint8_t buf[PRIV_MSG_MAX];
	struct priv_frame f;
	struct msg_error err;
	struct kset s;
	struct rd r;

	start();
	rig_run(&rig);
	begin(&s);
	add_neighbour(&s, 1);
	add_neighbour(&s, 2);
	CU_ASSERT_TRUE(kset_sort(&s));
	kernel_want(rig.kernel, 0, &s, 0);
	rd_init(&r, buf, kernel_next(rig.kernel, buf));
	CU_ASSERT_TRUE(msg_decode(&priv_frame_desc, &r, &f, &err));
	return f.seq;
}

static void
test_bad_answers(void)
{
	struct priv_result good[] = {
		{ .handle = PRIV_HANDLE(PRIV_H_PEER, 0, 1), .number = 250 },
		{ .handle = PRIV_HANDLE(PRIV_H_PEER, 0, 2), .number = 249 },
	};
	struct priv_refusal refusal = { .op = 13, .reason = PRIV_R_KERNEL };
	struct priv_result bad[2];
	struct answer a;
	uint32_t seq = begin_two();

	wr_init(&a.w, a.buf, sizeof(a.buf));
	CU_ASSERT_FALSE(gives(&a));				/* nothing at all */
	answer_frame(&a, PRIV_WELCOME, seq, 0, 0);
	CU_ASSERT_FALSE(gives(&a));				/* of another request */
	answer_frame(&a, PRIV_APPLY, seq, 0, 0);
	CU_ASSERT_FALSE(gives(&a));				/* no answer */
	answer_frame(&a, PRIV_DONE, seq + 1, 0, 2);
	answer_results(&a, 2, good);
	CU_ASSERT_FALSE(gives(&a));				/* wrong number */
	answer_frame(&a, PRIV_DONE, seq, PRIV_MORE, 2);
	answer_results(&a, 2, good);
	CU_ASSERT_FALSE(gives(&a));				/* a flag */
	answer_frame(&a, PRIV_DONE, seq, 0, 1);
	answer_results(&a, 1, good);
	CU_ASSERT_FALSE(gives(&a));				/* too few */
	answer_frame(&a, PRIV_DONE, seq, 0, 2);
	answer_results(&a, 1, good);
	CU_ASSERT_FALSE(gives(&a));				/* cut off */
	answer_frame(&a, PRIV_DONE, seq, 0, 2);
	answer_results(&a, 2, good);
	wr_u8(&a.w, 0);
	CU_ASSERT_FALSE(gives(&a));				/* left over */
	answer_frame(&a, PRIV_REFUSED, seq, 0, 1);
	CU_ASSERT_FALSE(gives(&a));				/* no refusal in it */
	msg_encode(&priv_refusal_desc, &refusal, &a.w);
	CU_ASSERT_FALSE(gives(&a));				/* of an operation that was not */
	memcpy(bad, good, sizeof(bad));
	bad[0].handle = PRIV_HANDLE(PRIV_H_NS, 0, 1);
	answer_frame(&a, PRIV_DONE, seq, 0, 2);
	answer_results(&a, 2, bad);
	CU_ASSERT_FALSE(gives(&a));				/* of another kind */
	bad[0] = good[0];
	bad[0].number = 0;
	answer_frame(&a, PRIV_DONE, seq, 0, 2);
	answer_results(&a, 2, bad);
	CU_ASSERT_FALSE(gives(&a));				/* without table */
	CU_ASSERT_EQUAL(rig.n_done, 0);
	end();
}

static void
test_one_table_for_two(void)
{
	struct priv_result bad[] = {
		{ .handle = PRIV_HANDLE(PRIV_H_PEER, 0, 1), .number = 250 },
		{ .handle = PRIV_HANDLE(PRIV_H_PEER, 0, 2), .number = 250 },
	};
	struct answer a;
	uint32_t seq = begin_two();

	answer_frame(&a, PRIV_DONE, seq, 0, 2);
	answer_results(&a, 2, bad);
	CU_ASSERT_FALSE(gives(&a));
	end();
}

static void
test_unasked_answer(void)
{
	struct answer a;

	start();
	answer_frame(&a, PRIV_WELCOME, 0, 0, 4);
	CU_ASSERT_FALSE(gives(&a));
	rig_run(&rig);
	answer_frame(&a, PRIV_DONE, 0, 0, 0);
	CU_ASSERT_FALSE(gives(&a));
	end();
}

/* --- checks --- */

/* A namespace with a neighbour, and one without. */
static void
begin_checks(void)
{
	struct kset s;

	start();
	begin(&s);
	CU_ASSERT_TRUE(bring(0, &s));
	add_neighbour(&s, 1);
	CU_ASSERT_TRUE(bring(3, &s));
	kset_free(&s);
}

static void
check(unsigned ns)
{
	size_t before = rig.n_checked;

	kernel_check(rig.kernel, ns);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_checked, before + 1);
	CU_ASSERT_EQUAL(rig.checked_ns, ns);
}

static void
test_check(void)
{
	struct kobj route = { .kind = KOBJ_ROUTE, .mac = mac(1), .addr = 0x0a000000, .len = 29 };
	struct kobj mark = { .kind = KOBJ_MARK, .mac = mac(1) };
	struct kobj rule = { .kind = KOBJ_RULE, .mac = mac(1) };
	uint32_t number;
	struct kset before;

	begin_checks();
	number = kernel_ns_number(rig.kernel, 3);
	kset_copy(&before, kernel_applied(rig.kernel, 3));
	check(3);
	CU_ASSERT_TRUE(rig.found.ok);
	CU_ASSERT_EQUAL(rig.found.total.compared, before.n);
	CU_ASSERT_EQUAL(rig.found.n, 0);

	CU_ASSERT_TRUE(fakekern_harm(rig.fake, number, &route, FAKEKERN_LOST));
	CU_ASSERT_TRUE(fakekern_harm(rig.fake, number, &mark, FAKEKERN_STUCK));
	CU_ASSERT_TRUE(fakekern_harm(rig.fake, number, &rule, FAKEKERN_TAKEN));
	fakekern_litter(rig.fake, number, 2);
	CU_ASSERT_FALSE(rig_has(&rig, 3, &before));
	check(0);
	CU_ASSERT_EQUAL(rig.found.n, 0);
	check(3);
	CU_ASSERT_EQUAL(rig.found.total.repaired, 1);
	CU_ASSERT_EQUAL(rig.found.total.failed, 1);
	CU_ASSERT_EQUAL(rig.found.total.foreign, 1);
	CU_ASSERT_EQUAL(rig.found.total.removed, 2);
	CU_ASSERT_EQUAL(rig.found.n, 5);
	CU_ASSERT_TRUE(kset_equal(kernel_applied(rig.kernel, 3), &before));

	CU_ASSERT_TRUE(fakekern_harm(rig.fake, number, &mark, FAKEKERN_LOST));
	CU_ASSERT_TRUE(fakekern_harm(rig.fake, number, &rule, FAKEKERN_LOST));
	check(3);
	CU_ASSERT_EQUAL(rig.found.total.repaired, 2);
	CU_ASSERT_EQUAL(rig.found.n, 2);
	CU_ASSERT_TRUE(rig_has(&rig, 3, &before));
	CU_ASSERT_EQUAL(kernel_counters(rig.kernel).checks, 4);
	kset_free(&before);
	end();
}

/* All that is wrong is counted; the first are told. */
static void
test_check_many(void)
{
	begin_checks();
	fakekern_litter(rig.fake, 0, 1000);
	check(0);
	CU_ASSERT_TRUE(rig.found.ok);
	CU_ASSERT_EQUAL(rig.found.total.removed, 1000);
	CU_ASSERT_EQUAL(rig.found.n, PRIV_DIFFERENCES);
	end();
}

/* In turn with states; not while there is no namespace. */
static void
test_check_turn(void)
{
	struct kset s, none;

	begin_checks();
	begin(&s);
	add_neighbour(&s, 2);
	CU_ASSERT_TRUE(kset_sort(&s));
	kset_init(&none);
	kernel_check(rig.kernel, 5);
	kernel_check(rig.kernel, 3);
	kernel_want(rig.kernel, 5, &s, 0);
	kernel_check(rig.kernel, 5);
	kernel_want(rig.kernel, 3, &none, 0);
	kernel_check(rig.kernel, 3);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_checked, 2);
	CU_ASSERT_EQUAL(rig.checked_ns, 3);
	CU_ASSERT_TRUE(rig.found.ok);

	kernel_check(rig.kernel, 5);
	rig_run(&rig);
	CU_ASSERT_TRUE(rig.found.ok);
	kernel_want(rig.kernel, 5, &none, 0);
	kernel_check(rig.kernel, 5);
	rig_run(&rig);
	CU_ASSERT_EQUAL(rig.n_checked, 4);
	CU_ASSERT_FALSE(rig.found.ok);
	CU_ASSERT_EQUAL(rig.found.refusal.reason, PRIV_R_ABSENT);
	CU_ASSERT_EQUAL(kernel_counters(rig.kernel).checks, 2);
	end();
}

static void
test_check_refused(void)
{
	begin_checks();
	fakekern_refuse_check(rig.fake, PRIV_R_RATE);
	check(0);
	CU_ASSERT_FALSE(rig.found.ok);
	CU_ASSERT_EQUAL(rig.found.refusal.reason, PRIV_R_RATE);
	CU_ASSERT_EQUAL(kernel_counters(rig.kernel).checks_refused, 1);
	CU_ASSERT_EQUAL(kernel_counters(rig.kernel).refused, 0);
	check(0);
	CU_ASSERT_TRUE(rig.found.ok);
	end();
}

/* Sends a check and returns its number. */
static uint32_t
check_sent(void)
{
	uint8_t buf[PRIV_MSG_MAX];
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	begin_checks();
	kernel_check(rig.kernel, 0);
	rd_init(&r, buf, kernel_next(rig.kernel, buf));
	CU_ASSERT_TRUE(msg_decode(&priv_frame_desc, &r, &f, &err));
	CU_ASSERT_EQUAL(f.type, PRIV_CHECK);
	CU_ASSERT_TRUE(kernel_is_busy(rig.kernel));
	CU_ASSERT_EQUAL(kernel_next(rig.kernel, buf), 0);
	return f.seq;
}

static void
answer_checked(struct answer *a, uint32_t seq, uint16_t count, const struct priv_checked *total,
    const struct priv_difference *v, size_t n)
{
	answer_frame(a, PRIV_CHECKED, seq, 0, count);
	msg_encode(&priv_checked_desc, total, &a->w);
	for (size_t i = 0; i < n; i++)
		msg_encode(&priv_difference_desc, &v[i], &a->w);
}

static void
test_bad_checked(void)
{
	struct priv_difference d[] = {
		{ .fate = PRIV_FATE_REPAIRED, .kind = "route", .object = "one" },
		{ .fate = PRIV_FATE_FAILED, .error = ENETDOWN, .kind = "route", .object = "two" },
	};
	struct priv_checked one = { .compared = 9, .repaired = 1 };
	struct priv_checked two = { .compared = 9, .repaired = 1, .failed = 1 };
	struct priv_checked many = { .compared = 9, .repaired = UINT32_MAX, .failed = UINT32_MAX };
	uint32_t seq = check_sent();
	struct answer a;

	/* Not an answer to a check; another number; too few and too many records. */
	answer_frame(&a, PRIV_DONE, seq, 0, 0);
	CU_ASSERT_FALSE(gives(&a));
	answer_checked(&a, seq + 1, 2, &one, d, 1);
	CU_ASSERT_FALSE(gives(&a));
	answer_checked(&a, seq, 0, &one, d, 1);
	CU_ASSERT_FALSE(gives(&a));
	answer_checked(&a, seq, 1, &one, d, 1);
	CU_ASSERT_FALSE(gives(&a));
	answer_checked(&a, seq, 2, &one, d, 2);
	CU_ASSERT_FALSE(gives(&a));
	answer_checked(&a, seq, 3, &two, d, 1);
	CU_ASSERT_FALSE(gives(&a));
	answer_checked(&a, seq, PRIV_DIFFERENCES + 2, &many, d, 2);
	CU_ASSERT_FALSE(gives(&a));
	/* Totals that do not agree with what is told. */
	answer_checked(&a, seq, 1, &one, d, 0);
	CU_ASSERT_FALSE(gives(&a));
	answer_checked(&a, seq, 2, &two, d, 1);
	CU_ASSERT_FALSE(gives(&a));
	answer_checked(&a, seq, 3, &many, d, 2);
	CU_ASSERT_FALSE(gives(&a));
	answer_checked(&a, seq, 2, &one, &d[1], 1);
	CU_ASSERT_FALSE(gives(&a));
	/* A fate that does not exist; errors that do not go with the fate. */
	answer_checked(&a, seq, 2, &one, d, 1);
	a.buf[msg_wire_max(&priv_frame_desc) + msg_wire_max(&priv_checked_desc)] = PRIV_FATE_LAST + 1;
	CU_ASSERT_FALSE(gives(&a));
	d[0].error = EPERM;
	answer_checked(&a, seq, 2, &one, d, 1);
	CU_ASSERT_FALSE(gives(&a));
	d[0].error = 0;
	d[1].error = -1;
	answer_checked(&a, seq, 3, &two, d, 2);
	CU_ASSERT_FALSE(gives(&a));
	d[1].error = ENETDOWN;
	/* Cut off anywhere. */
	answer_checked(&a, seq, 3, &two, d, 2);
	for (size_t whole = a.w.len; --a.w.len > 0; )
		CU_ASSERT_FALSE(gives(&a) || whole == 0);
	CU_ASSERT_EQUAL(rig.n_checked, 0);
	answer_checked(&a, seq, 3, &two, d, 2);
	CU_ASSERT_TRUE(gives(&a));
	CU_ASSERT_EQUAL(rig.n_checked, 1);
	end();
}

/* Nobody asked: no transaction is answered so. */
static void
test_unasked_checked(void)
{
	struct priv_checked none = { .compared = 1 };
	struct answer a;
	uint32_t seq = begin_two();

	answer_checked(&a, seq, 1, &none, NULL, 0);
	CU_ASSERT_FALSE(gives(&a));
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "hello introduces the interfaces", test_hello },
		{ "a state may be wanted before hello", test_want_before_hello },
		{ "a namespace comes and goes, its place is used again", test_namespace },
		{ "the default namespace stays", test_default_stays },
		{ "nothing to do sends nothing", test_nothing_to_do },
		{ "states follow one another, one that waits is replaced", test_wants_follow },
		{ "large transactions go in parts, larger ones in several", test_parts },
		{ "a refused second transaction takes the first one back", test_retreat },
		{ "a refused way back leaves what stands", test_no_retreat },
		{ "each interface that goes ends a transaction", test_interfaces_go },
		{ "what the border does not carry is not sent", test_invalid_stays_here },
		{ "table numbers in the order of appearance", test_numbers },
		{ "one number per neighbour, counted over namespaces", test_shared_number },
		{ "a changed MAC takes its number first", test_changed_mac },
		{ "a MAC that moves to another namespace keeps its number", test_moved_mac },
		{ "numbers run out", test_exhausted },
		{ "a number that is not taken back stays known", test_not_taken_back },
		{ "refused at every operation: nothing stands", test_refusals },
		{ "a refusal is a sentence", test_refusal_text },
		{ "a rehearsal changes nothing", test_rehearsal },
		{ "rehearsals come first", test_rehearsal_first },
		{ "bad welcomes", test_bad_welcome },
		{ "an interface that is not there", test_absent_interface },
		{ "an interface is made again", test_let_go },
		{ "an interface comes", test_comes },
		{ "an interface comes back when others have pseudo-interfaces", test_comes_later },
		{ "two interfaces change names", test_change_names },
		{ "an interface that cannot be let go", test_let_go_refused },
		{ "answers to a second hello", test_look_answers },
		{ "bad answers", test_bad_answers },
		{ "one table for two neighbours", test_one_table_for_two },
		{ "answers nobody asked for", test_unasked_answer },
		{ "a check tells what it found, and changes nothing here", test_check },
		{ "a check that finds much tells the first", test_check_many },
		{ "checks come in turn, not without a namespace", test_check_turn },
		{ "a refused check", test_check_refused },
		{ "bad answers to a check", test_bad_checked },
		{ "an answer to a check that was none", test_unasked_checked },
	};

	kerntest_conf(&conf, "4.2.2.2", 3);
	return TAP_RUN(tests);
}
