/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a daemon while it lives: messages that come too early, kernels that refuse, neighbours and
 * interfaces that go in the middle of a duplication, several duplications at once.  After every event the bed
 * asks each node and each kernel whether it is sound.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/town.h"
#include "sim/townwalk.h"
#include "tests/unit/tap.h"

enum { SEC = 1000000, MSEC = 1000 };
enum { A, B, C };

static struct town b;

static ntk_mac_t
mac_of(size_t i)
{
	return (ntk_mac_t){ { 0, 0x16, 0x3e, 0, 1, (uint8_t)i } };
}

static bool second_interface;	/* systems have another one */

/* One interface each, these addresses, and DELAY ms until a handover. */
static void
begin_slow(uint64_t seed, const char *const *addresses, unsigned delay)
{
	town_init(&b, seed);
	b.talk = getenv("NTK_TALK") != NULL ? stdout : NULL;
	for (size_t i = 0; addresses[i] != NULL; i++) {
		static const char *const names[] = { "A", "B", "C", "D" };
		const ntk_mac_t m[] = { mac_of(i), { { 0, 0x16, 0x3e, 0, 2, (uint8_t)i } } };
		char text[300];

		snprintf(text, sizeof(text), "topology = \"4.2.2.2\"\naddress = \"%s\"\nmode = \"manual\"\n"
		    "interface eth1 { }\n%shandover-delay = %u\n", addresses[i],
		    second_interface ? "interface eth2 { }\n" : "", delay);
		CU_ASSERT_EQUAL(town_add_text(&b, names[i], text, m), i);
		CU_ASSERT_TRUE_FATAL(town_start(&b, i));
	}
}

static void
begin(uint64_t seed, const char *const *addresses)
{
	begin_slow(seed, addresses, 1000);
}

static void
end(void)
{
	if (b.fault != NULL) {
		tap_note("%s", b.fault);
		CU_FAIL("a node or a kernel is not sound");
	}
	town_free(&b);
}

static void
pass(uint64_t us)
{
	town_run(&b, b.now + us);
}

static void
wait_for(town_done *done, void *arg, const char *what)
{
	if (town_wait(&b, done, arg, 90 * (uint64_t)SEC))
		return;
	tap_note("%s: %s", what, b.fault != NULL ? b.fault : "did not come within 90 s");
	CU_FAIL_FATAL(what);
}

static void
must(bool ok, const struct node_error *err, const char *verb)
{
	if (ok)
		return;
	tap_note("%s: %s: %s: %s", verb, err->code, err->field, err->message);
	CU_FAIL_FATAL(verb);
}

/* --- states to wait for ------------------------------------------------------------------------ */

struct pair {
	size_t a, b;
	unsigned id_a, id_b;
	size_t n;
};

static bool
is_heard(struct town *t, void *arg)
{
	const struct pair *p = arg;
	struct nbh_entry e;

	return t->sys[p->a].node != NULL &&
	    nbh_entry_find(node_nbh(t->sys[p->a].node), 0, mac_of(p->b), &e) && e.state >= NBH_READY;
}

/* The arc from A's interface to B's is up at A; its number and connection. */
static bool
arc_of(size_t from, size_t to, struct nbh_entry *e)
{
	return b.sys[from].node != NULL && nbh_entry_find(node_nbh(b.sys[from].node), 0, mac_of(to), e) &&
	    e->state == NBH_UP;
}

static bool
are_up(struct town *t, void *arg)
{
	const struct pair *p = arg;
	struct nbh_entry e;

	(void)t;
	return arc_of(p->a, p->b, &e) && arc_of(p->b, p->a, &e);
}

static bool
are_down(struct town *t, void *arg)
{
	const struct pair *p = arg;
	struct nbh_entry e;

	(void)t;
	return !arc_of(p->a, p->b, &e) && !arc_of(p->b, p->a, &e);
}

static bool
have_iarcs(struct town *t, void *arg)
{
	const struct pair *p = arg;

	return t->sys[p->a].node != NULL && node_iarcs(t->sys[p->a].node, p->id_a, NULL, 0) >= p->n;
}

struct op {
	size_t sys;
	unsigned identity;
	uint32_t number;
	enum node_op_state state;
};

static bool
op_is(struct town *t, void *arg)
{
	const struct op *o = arg;
	struct node_operation v;

	return node_operation(t->sys[o->sys].node, o->identity, o->number, &v) && v.state >= o->state;
}

static bool
op_ended(struct town *t, void *arg)
{
	const struct op *o = arg;
	struct node_operation v;

	return !node_operation(t->sys[o->sys].node, o->identity, o->number, &v) || v.state >= NODE_OP_WAITING;
}

static bool
identity_gone(struct town *t, void *arg)
{
	const struct op *o = arg;
	struct node_identity id;

	return !node_find(t->sys[o->sys].node, o->identity, &id);
}

/* --- verbs ------------------------------------------------------------------------------------- */

static void
accept_one(size_t i, size_t peer, uint32_t cost)
{
	struct node_error err = { .code = "" };
	struct pair p = { .a = i, .b = peer };
	bool noted;

	wait_for(is_heard, &p, "a neighbour is heard");
	must(node_add_real_arc(b.sys[i].node, b.now, mac_of(i), mac_of(peer), cost, &noted, &err), &err,
	    "add_real_arc");
	town_poke(&b, i);
}

static size_t
iarcs(size_t i, unsigned id)
{
	return node_iarcs(b.sys[i].node, id, NULL, 0);
}

static void
arc(size_t i, unsigned id_i, size_t k, unsigned id_k)
{
	struct pair pi = { .a = i, .id_a = id_i, .n = iarcs(i, id_i) + 1 };
	struct pair pk = { .a = k, .id_a = id_k, .n = iarcs(k, id_k) + 1 };

	accept_one(i, k, 10000);
	accept_one(k, i, 11000);
	wait_for(have_iarcs, &pi, "an identity-arc");
	wait_for(have_iarcs, &pk, "an identity-arc at the other end");
}

static void
prepare(size_t i, struct node_plan p)
{
	struct node_error err = { .code = "" };

	p.n_host_elderships = p.n_host_address;
	must(node_prepare(b.sys[i].node, b.now, &p, &err), &err, "prepare");
	town_poke(&b, i);
}

static void
phase_1(size_t i, bool enter, unsigned identity, uint32_t operation)
{
	struct node_error err = { .code = "" };

	must(node_phase_1(b.sys[i].node, b.now, enter, identity, operation, &err), &err, "phase 1");
	town_poke(&b, i);
}

static void
add_qspn_arc(size_t i, unsigned identity, size_t peer, size_t n)
{
	struct pair p = { .a = i, .id_a = identity, .n = n };
	struct node_error err = { .code = "" };

	wait_for(have_iarcs, &p, "one more identity-arc");
	must(node_add_qspn_arc(b.sys[i].node, b.now, identity, 0, mac_of(peer), &err), &err, "add_qspn_arc");
	town_poke(&b, i);
}

/* Identity 0 of I enters the g-node HOST of level H, at POS, over its identity-arc ARC. */
static struct node_plan
entry(const uint32_t *host, size_t n, uint32_t position, const uint32_t *arcs, size_t n_arcs, uint32_t number)
{
	struct node_plan p = { .enter = true, .host_level = (uint32_t)(4 - n), .n_host_address = n,
		.temporary_position = 4, .position = position, .eldership = 1,
		.connectivity_position = 2, .arcs = arcs, .n_arcs = n_arcs, .operation = number };

	memcpy(p.host_address, host, n * sizeof(*host));
	return p;
}

static const uint32_t first[1] = { 0 };
static const uint32_t host_211[3] = { 2, 1, 1 };

/* B, in 1.0.1.0, enters A's 2.1.1 as 2.1.1.1; its old identity is there still. */
static void
b_comes(void)
{
	struct op o = { B, 0, 7, NODE_OP_DONE };
	size_t n;

	arc(A, 0, B, 0);
	n = iarcs(A, 0);
	prepare(B, entry(host_211, 3, 1, first, 1, 7));
	phase_1(B, true, 0, 7);
	add_qspn_arc(A, 0, B, n + 1);
	wait_for(op_is, &o, "B has entered");
}

static void
b_enters(void)
{
	struct op o = { B, 0, 7, NODE_OP_DONE };

	b_comes();
	wait_for(identity_gone, &o, "B's old identity goes");
}

/* B's identity 1 moves on to 3.1.1.1: from then on it is one for connectivity. */
static void
b_moves(void)
{
	struct node_plan p = { .identity = 1, .guest_level = 0, .host_level = 4, .temporary_position = 4, .position = 3,
		.connectivity_position = 2, .operation = 50 };
	size_t n = iarcs(A, 0);

	prepare(B, p);
	phase_1(B, false, 1, 50);
	add_qspn_arc(A, 0, B, n + 1);
}

static void
b_migrates(void)
{
	struct op o = { B, 1, 50, NODE_OP_DONE };

	b_moves();
	wait_for(op_is, &o, "B has migrated");
}

static const char *const two[] = { "2.1.1.0", "1.0.1.0", NULL };
static const char *const three[] = { "2.1.1.0", "1.0.1.0", "3.0.0.0", NULL };

/* --- held messages ------------------------------------------------------------------------------- */

static void
forge(size_t i, size_t peer, uint32_t call, uint32_t source, uint32_t destination, const struct peer_msg *m)
{
	struct nbh_entry e;

	CU_ASSERT_TRUE_FATAL(arc_of(i, peer, &e));
	node_message(b.sys[i].node, b.now, e.connection, call, source, destination, m);
	town_poke(&b, i);
}

static struct peer_msg
request(void)
{
	static const uint8_t gexp[4] = { 1, 1, 1, 2 };
	static const uint32_t pos[4] = { 1, 1, 1, 2 };	/* 2.1.1.1: B's, when it has entered */
	struct peer_msg m = { .type = PEER_full_request };

	m.full_request.requester.gexp.v = gexp;
	m.full_request.requester.gexp.n = 4;
	m.full_request.requester.pos.v = pos;
	m.full_request.requester.pos.n = 4;
	return m;
}

static void
test_held(void)
{
	struct peer_msg m = request();
	size_t before;

	begin(1, two);
	arc(A, 0, B, 0);
	/* As many as there may be wait; one more, and the oldest is answered. */
	for (uint32_t i = 0; i < NODE_HELD; i++)
		forge(A, B, TOWN_FORGED + i, 11, 12, &m);
	CU_ASSERT_EQUAL(b.n_answers, 0);
	forge(A, B, TOWN_FORGED + 1000, 11, 12, &m);
	CU_ASSERT_EQUAL_FATAL(b.n_answers, 1);
	CU_ASSERT_EQUAL(b.answer[0].call, TOWN_FORGED);
	CU_ASSERT_EQUAL(b.answer[0].kind, PEER_ERROR);
	CU_ASSERT_EQUAL(b.answer[0].error, PEER_E_NOT_ACCEPTED);
	/* Notices wait with them, and nobody is answered for those. */
	m.type = PEER_destroy;
	m.destroy.none = 0;
	forge(A, B, 0, 11, 12, &m);
	CU_ASSERT_EQUAL(b.n_answers, 2);
	/* After 10 s, not before, what is left is answered. */
	pass(NODE_HELD_TIME - 100 * MSEC);
	CU_ASSERT_EQUAL(b.n_answers, 2);
	pass(200 * MSEC);
	CU_ASSERT_EQUAL(b.n_answers, NODE_HELD + 1);
	for (size_t i = 0; i < b.n_answers; i++)
		CU_ASSERT(b.answer[i].kind == PEER_ERROR && b.answer[i].error == PEER_E_NOT_ACCEPTED);
	/* What comes from nobody or is for nobody does not wait, nor what identities do not know. */
	m = request();
	before = b.n_answers;
	forge(A, B, TOWN_FORGED + 2000, 0, 12, &m);
	forge(A, B, TOWN_FORGED + 2001, 11, 0, &m);
	m.type = PEER_get_main_id;
	m.get_main_id.main = 5;
	forge(A, B, TOWN_FORGED + 2002, 11, 12, &m);
	CU_ASSERT_EQUAL(b.n_answers, before + 3);
	/* With the arc they go, without a word. */
	m = request();
	forge(A, B, TOWN_FORGED + 3000, 11, 12, &m);
	before = b.n_answers;
	town_kill(&b, B);
	pass(15 * (uint64_t)SEC);
	CU_ASSERT_EQUAL(b.n_answers, before);
	end();
}

static void
test_held_bytes(void)
{
	enum { REPORTS = 8000 };
	struct peer_fp *fps = calloc(REPORTS, sizeof(*fps));
	struct peer_msg m = { .type = PEER_etp };
	static const uint32_t one[1] = { 1 };
	struct peer_msg r = request();
	size_t size;

	CU_ASSERT_PTR_NOT_NULL_FATAL(fps);
	for (size_t i = 0; i < REPORTS; i++)
		fps[i].id = 1;
	m.etp.sender = r.full_request.requester;
	m.etp.fps.v = fps;
	m.etp.fps.n = 1;
	m.etp.nodes.v = one;
	m.etp.nodes.n = 1;
	m.etp.reports.v = fps;
	m.etp.reports.n = REPORTS;
	size = peer_msg_size(&m);
	begin(2, two);
	arc(A, 0, B, 0);
	/* As many as there is memory for. */
	for (uint32_t i = 0; i < NODE_HELD_BYTES / size; i++)
		forge(A, B, TOWN_FORGED + i, 11, 12, &m);
	CU_ASSERT_EQUAL(b.n_answers, 0);
	forge(A, B, TOWN_FORGED + 1000, 11, 12, &m);
	CU_ASSERT_EQUAL(b.n_answers, 1);
	CU_ASSERT_EQUAL(b.answer[0].call, TOWN_FORGED);
	/* A small one fits where a large one does not. */
	forge(A, B, TOWN_FORGED + 1001, 11, 12, &r);
	CU_ASSERT_EQUAL(b.n_answers, 1);
	free(fps);
	end();
}

/* --- kernels that refuse --------------------------------------------------------------------------- */

/* A is asked something that does not concern its kernel; how long until it has answered? */
static uint64_t
answer_time(uint32_t call)
{
	struct peer_msg m = { .type = PEER_get_main_id };
	size_t before = b.n_answers;
	uint64_t from = b.now;

	m.get_main_id.main = 5;
	forge(A, B, call, 0, 0, &m);
	while (b.n_answers == before && b.now < from + 10 * (uint64_t)SEC)
		pass(MSEC);
	return b.now - from;
}

static void
test_refused(void)
{
	struct pair p = { .a = A, .b = B };
	struct node_error err;
	unsigned told;

	begin(3, two);
	b_enters();
	CU_ASSERT(answer_time(TOWN_FORGED + 1) < 100 * MSEC);
	/* A's helper refuses what the end of the arc leads to: said, and tried again. */
	told = b.sys[A].events[NODE_E_KERNEL];
	b.sys[A].refuse = 4;
	must(node_remove_real_arc(b.sys[B].node, b.now, mac_of(B), mac_of(A), &err), &err, "remove_real_arc");
	town_poke(&b, B);
	wait_for(are_down, &p, "the arc goes");
	pass(20 * (uint64_t)SEC);
	CU_ASSERT_EQUAL(b.sys[A].refuse, 0);
	CU_ASSERT_EQUAL(b.sys[A].events[NODE_E_KERNEL], told + 4);
	CU_ASSERT_EQUAL(fakekern_peers(b.sys[A].fake), 0);
	/* A route that is refused: the arc is not made now, and later it is. */
	b.sys[A].refuse = 1;
	accept_one(B, A, 10000);
	wait_for(are_up, &p, "the arc comes all the same");
	CU_ASSERT_EQUAL(b.sys[A].refuse, 0);
	end();
}

/* A transaction of several messages is one. */
static void
test_refused_parts(void)
{
	enum { NS = 5, ROUTES = 5000 };
	struct kset s;

	begin(5, two);
	kset_init(&s);
	b.sys[A].refuse = 1;
	for (unsigned times = 0; times < 2; times++) {
		CU_ASSERT_EQUAL(kernel_applied(b.sys[A].kernel, NS)->n, 0);
		kset_add(&s, &(struct kobj){ .kind = KOBJ_NS });
		for (uint32_t i = 0; i < ROUTES; i++)
			kset_add(&s, &(struct kobj){ .kind = KOBJ_ROUTE, .addr = 0x0a000000 + i, .len = 32,
				.type = PRIV_ROUTE_BLACKHOLE });
		CU_ASSERT_TRUE_FATAL(kset_sort(&s));
		kernel_want(b.sys[A].kernel, NS, &s, 7);
		town_poke(&b, A);
		CU_ASSERT_EQUAL(b.sys[A].refuse, 0);
	}
	CU_ASSERT_EQUAL(kernel_applied(b.sys[A].kernel, NS)->n, ROUTES + 1);
	kset_free(&s);
	end();
}

/*
 * A state is with the kernel, and what is said meanwhile waits for the one after it.  When the first is refused there
 * is none for a while: what was said goes out, and does not wait for what is tried again.
 */
static void
test_refused_next(void)
{
	struct pair p = { .a = A, .b = C };
	struct peer_msg m = request();
	struct node_error err;
	uint64_t from;

	begin(4, three);
	b_enters();
	arc(A, 0, C, 0);
	pass(5 * (uint64_t)SEC);
	b.kernel_delay = 300 * MSEC;
	b.sys[A].refuse = 1000;
	must(node_remove_real_arc(b.sys[C].node, b.now, mac_of(C), mac_of(A), &err), &err, "remove_real_arc");
	town_poke(&b, C);
	wait_for(are_down, &p, "the arc goes");
	CU_ASSERT_EQUAL(b.sys[A].events[NODE_E_KERNEL], 0);
	/* What B asks of A's identity may change what A wants. */
	from = b.now;
	forge(A, B, TOWN_FORGED + 1, node_identity(b.sys[B].node, 0).id, node_identity(b.sys[A].node, 0).id,
	    &m);
	CU_ASSERT_EQUAL(b.n_answers, 0);
	while (b.n_answers == 0 && b.now < from + 20 * (uint64_t)SEC)
		pass(MSEC);
	CU_ASSERT(b.now - from < 400 * MSEC);
	CU_ASSERT_EQUAL(b.answer[0].kind, PEER_RESULT);
	CU_ASSERT(b.sys[A].events[NODE_E_KERNEL] > 0);
	/* As long as it is refused nothing else waits either. */
	for (uint32_t i = 0; i < 20; i++) {
		pass(2 * (uint64_t)SEC);
		CU_ASSERT(answer_time(TOWN_FORGED + 10 + i) < 400 * MSEC);
	}
	b.sys[A].refuse = 0;
	pass(70 * (uint64_t)SEC);
	end();
}

/* The new namespace is refused: the operation is gone, and everything is as before. */
static void
test_refused_phase_1(void)
{
	struct op o = { B, 0, 7, NODE_OP_RUNNING };
	struct node_operation v;
	struct node_identity id;

	begin(5, two);
	arc(A, 0, B, 0);
	prepare(B, entry(host_211, 3, 1, first, 1, 7));
	b.sys[B].refuse = 1;
	phase_1(B, true, 0, 7);
	wait_for(op_ended, &o, "the operation ends");
	CU_ASSERT_FALSE(node_operation(b.sys[B].node, 0, 7, &v));
	CU_ASSERT_EQUAL(node_identities(b.sys[B].node), 1);
	CU_ASSERT_TRUE_FATAL(node_find(b.sys[B].node, 0, &id));
	CU_ASSERT(id.main && id.state == NODE_RUNNING && id.ns == 0);
	CU_ASSERT_EQUAL(iarcs(B, 0), 1);
	CU_ASSERT_EQUAL(fakekern_namespaces(b.sys[B].fake), 0);
	pass(5 * (uint64_t)SEC);
	/* And the same once more, taken. */
	prepare(B, entry(host_211, 3, 1, first, 1, 7));
	phase_1(B, true, 0, 7);
	add_qspn_arc(A, 0, B, 2);
	o.state = NODE_OP_DONE;
	wait_for(op_is, &o, "B has entered");
	end();
}

/* --- what goes in the middle of a duplication -------------------------------------------------------- */

/* Accepted arcs come back by themselves; identity-arcs of the main identities with them. */
static void
comes_back(size_t i, size_t k)
{
	struct pair p = { .a = i, .b = k };
	struct node_identity id;
	struct pair q = { .a = k };

	accept_one(i, k, 10000);
	wait_for(are_up, &p, "the arc is taken up again");
	for (size_t n = 0; n < node_identities(b.sys[k].node); n++) {
		id = node_identity(b.sys[k].node, n);
		if (id.main)
			q.id_a = id.index;
	}
	q.n = 1;
	wait_for(have_iarcs, &q, "and its identity-arc");
}

/*
 * B begins to enter, and US later A is gone: B stands alone at its new address.  A comes back, and is taken up again.
 */
static void
killed_after(uint64_t seed, uint64_t us, size_t victim)
{
	struct op o = { B, 0, 7, NODE_OP_DONE };
	struct pair p = { .a = A, .b = B };
	size_t n = 0;

	begin(seed, two);
	b.kernel_delay = 10 * MSEC;
	arc(A, 0, B, 0);
	prepare(B, entry(host_211, 3, 1, first, 1, 7));
	phase_1(B, true, 0, 7);
	pass(us);
	town_kill(&b, victim);
	wait_for(are_down, &p, "the other one drops it");
	pass(20 * (uint64_t)SEC);
	if (victim == A)
		CU_ASSERT_TRUE(op_ended(&b, &o));
	CU_ASSERT_TRUE_FATAL(town_start(&b, victim));
	comes_back(victim, victim == A ? B : A);
	pass(20 * (uint64_t)SEC);
	/* Nobody is left without an end: one identity, or the one that the failed entry left. */
	n = node_identities(b.sys[B].node);
	CU_ASSERT(n == 1 || n == 2);
	end();
}

static void
test_kill(void)
{
	for (uint64_t us = 0; us < 400 * MSEC; us += 17 * MSEC)
		for (size_t victim = A; victim <= B; victim++)
			killed_after(100 + us, us, victim);
}

static bool
connects(struct town *t, void *arg)
{
	size_t *who = arg;

	for (*who = A; *who <= B; ++*who) {
		struct nbh_entry e;

		if (nbh_entry_find(node_nbh(t->sys[*who].node), 0, mac_of(*who == A ? B : A), &e) &&
		    e.state == NBH_OPENING)
			return true;
	}
	return false;
}

/* Whoever connects dies before that has come: the other one accepts, and hears that it was closed. */
static void
test_kill_connecting(void)
{
	size_t victim, other;

	begin(60, two);
	accept_one(A, B, 10000);
	accept_one(B, A, 11000);
	wait_for(connects, &victim, "somebody connects");
	other = victim == A ? B : A;
	CU_ASSERT_EQUAL(nbh_stats(node_nbh(b.sys[other].node))->accepts, 0);
	town_kill(&b, victim);
	pass(100 * MSEC);
	CU_ASSERT_EQUAL(nbh_stats(node_nbh(b.sys[other].node))->accepts, 1);
	for (uint32_t c = 1; c < 100; c++)
		CU_ASSERT_EQUAL(nbh_connection(node_nbh(b.sys[other].node), c, NULL, NULL), NBH_C_NONE);
	end();
}

/* A life has pseudo-interfaces of its own, as a kernel draws them. */
static void
test_killed_pseudo(void)
{
	ntk_mac_t mac;
	unsigned ns;

	begin(61, two);
	b_comes();
	for (ns = 1; ns < KERNEL_NAMESPACES && !kernel_device(b.sys[B].kernel, ns, 0).present; ns++)
		;
	CU_ASSERT_FATAL(ns < KERNEL_NAMESPACES);
	mac = b.sys[B].pseudo[ns][0];
	CU_ASSERT_TRUE(mac_is_unicast(mac));
	town_kill(&b, A);
	town_kill(&b, B);
	CU_ASSERT_TRUE_FATAL(town_start(&b, A) && town_start(&b, B));
	b_comes();
	CU_ASSERT_TRUE(kernel_device(b.sys[B].kernel, ns, 0).present);
	CU_ASSERT_NOT_EQUAL(mac_cmp(mac, b.sys[B].pseudo[ns][0]), 0);
	end();
}

/* The interface goes in the middle: what has no device left goes as soon as it may. */
static void
interface_goes_after(uint64_t seed, uint64_t us)
{
	struct pair p = { .a = A, .b = B };
	struct node_identity id;

	begin(seed, two);
	b.kernel_delay = 10 * MSEC;
	arc(A, 0, B, 0);
	prepare(B, entry(host_211, 3, 1, first, 1, 7));
	phase_1(B, true, 0, 7);
	pass(us);
	b.sys[B].cut = true;
	node_nic_gone(b.sys[B].node, b.now, 0);
	town_poke(&b, B);
	wait_for(are_down, &p, "the arc goes at both ends");
	pass(30 * (uint64_t)SEC);
	/* Given up before it was made: all as it was; else the old identity has gone. */
	CU_ASSERT_EQUAL(node_identities(b.sys[B].node), 1);
	CU_ASSERT_EQUAL(fakekern_namespaces(b.sys[B].fake), 0);
	CU_ASSERT_TRUE_FATAL(node_identities(b.sys[B].node) > 0);
	id = node_identity(b.sys[B].node, 0);
	CU_ASSERT_TRUE(id.main);
	/* And back: the operator's word lasts. */
	b.sys[B].cut = false;
	node_nic_up(b.sys[B].node, b.now, 0, mac_of(B));
	town_poke(&b, B);
	wait_for(are_up, &p, "the arc is back");
	end();
}

static void
test_interface(void)
{
	for (uint64_t us = 0; us < 200 * MSEC; us += 5 * MSEC)
		interface_goes_after(300 + us, us);
}

/*
 * The kernel refuses the namespace of the old identity: because an interface has gone of which the node hears only
 * now.  With those that are left the duplication goes on; without any it is given up.
 */
static void
refused_for_interface(unsigned gone)
{
	const struct kobj eth1 = { .kind = KOBJ_DEV, .dev = 0 }, eth2 = { .kind = KOBJ_DEV, .dev = 1 };
	struct op o = { B, 0, 7, NODE_OP_RUNNING };
	struct node_operation v;

	second_interface = true;
	begin_slow(400, two, 30000);
	second_interface = false;
	b.kernel_delay = 10 * MSEC;
	arc(A, 0, B, 0);
	prepare(B, entry(host_211, 3, 1, first, 1, 7));
	b.sys[B].refuse = 1;
	phase_1(B, true, 0, 7);
	CU_ASSERT_EQUAL_FATAL(b.sys[B].refuse, 0);
	for (unsigned d = 2; d-- > 0; )
		if ((gone >> d & 1) != 0) {
			node_nic_gone(b.sys[B].node, b.now, d);
			town_poke(&b, B);
		}
	if (gone == 2) {
		wait_for(op_is, &o, "it goes on");
		CU_ASSERT_TRUE(node_operation(b.sys[B].node, 0, 7, &v) && v.state != NODE_OP_FAILED);
		CU_ASSERT_EQUAL(fakekern_namespaces(b.sys[B].fake), 1);
		CU_ASSERT_TRUE(fakekern_find(b.sys[B].fake, 1, &eth1, NULL));
		CU_ASSERT_FALSE(fakekern_find(b.sys[B].fake, 1, &eth2, NULL));
	} else {
		wait_for(op_ended, &o, "it ends");
		CU_ASSERT(!node_operation(b.sys[B].node, 0, 7, &v) || v.state == NODE_OP_FAILED);
		CU_ASSERT_EQUAL(fakekern_namespaces(b.sys[B].fake), 0);
	}
	end();
}

static void
test_refused_for_interface(void)
{
	refused_for_interface(2);
	refused_for_interface(0);
	refused_for_interface(3);
}

/* --- several at once ------------------------------------------------------------------------------- */

/* Every identity-arc of one end has its counterpart at the other. */
static void
ends_agree(size_t i, size_t k)
{
	struct node_iarc v[32], w[32];

	for (size_t x = 0; x < node_identities(b.sys[i].node); x++) {
		struct node_identity id = node_identity(b.sys[i].node, x);
		size_t n = node_iarcs(b.sys[i].node, id.index, v, 32);

		for (size_t a = 0; a < n && a < 32; a++) {
			bool found = false, here = false;

			for (size_t y = 0; y < node_identities(b.sys[k].node); y++) {
				struct node_identity other = node_identity(b.sys[k].node, y);
				size_t m = node_iarcs(b.sys[k].node, other.index, w, 32);

				if (other.id != v[a].peer)
					continue;
				here = true;
				for (size_t c = 0; c < m && c < 32; c++)
					found = found || (w[c].peer == id.id && w[c].qspn == v[a].qspn);
			}
			if (here)
				CU_ASSERT_TRUE(found);
		}
	}
}

/* B and C, neighbours of each other and of A, migrate at the same time. */
static void
two_migrations(uint64_t seed)
{
	static const uint32_t host_21[2] = { 2, 1 };
	static const uint32_t arcs_c[2] = { 0, 1 };
	struct node_plan p = { .identity = 1, .guest_level = 0, .host_level = 4, .temporary_position = 4, .position = 3,
		.connectivity_position = 2, .operation = 50 };
	struct op ob = { B, 1, 50, NODE_OP_DONE }, oc = { C, 1, 60, NODE_OP_DONE };
	struct op entered = { C, 0, 8, NODE_OP_DONE };
	size_t a, n;

	begin(seed, three);
	b.segment[0].jitter = 3 * MSEC;
	b.kernel_delay = 10 * MSEC;
	b_enters();
	arc(A, 0, C, 0);
	arc(B, 1, C, 0);
	a = iarcs(A, 0);
	n = iarcs(B, 1);
	prepare(C, entry(host_21, 2, 0, arcs_c, 2, 8));
	phase_1(C, true, 0, 8);
	add_qspn_arc(A, 0, C, a + 1);
	add_qspn_arc(B, 1, C, n + 1);
	wait_for(op_is, &entered, "C has entered");
	wait_for(identity_gone, &entered, "C's old identity goes");
	a = iarcs(A, 0);
	prepare(B, p);
	p.position = 1;
	p.operation = 60;
	prepare(C, p);
	phase_1(B, false, 1, 50);
	pass(rng_below(&b.rng, 30 * MSEC));
	phase_1(C, false, 1, 60);
	add_qspn_arc(A, 0, B, a + 2);
	add_qspn_arc(A, 0, C, a + 2);
	wait_for(op_is, &ob, "B has migrated");
	wait_for(op_is, &oc, "C has migrated");
	pass(20 * (uint64_t)SEC);
	CU_ASSERT_EQUAL(node_identities(b.sys[B].node), 2);
	CU_ASSERT_EQUAL(node_identities(b.sys[C].node), 2);
	ends_agree(A, B);
	ends_agree(A, C);
	end();
}

static void
test_two_migrations(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		two_migrations(seed);
}

/* --- connectivity identities, costs ------------------------------------------------------------------ */

static void
test_connectivity(void)
{
	struct op o = { B, 1, 50, NODE_OP_DONE };
	struct node_error err = { .code = "" };
	struct node_iarc v[8];
	bool removable = false;
	size_t removed = 99;

	begin(6, two);
	b_enters();
	b_migrates();
	pass(10 * (uint64_t)SEC);
	/* Its outer arcs went by themselves; the neighbour inside level 1 stays. */
	must(node_remove_outer_arcs(b.sys[B].node, b.now, 1, &removed, &err), &err, "remove_outer_arcs");
	town_poke(&b, B);
	CU_ASSERT_EQUAL(removed, 0);
	CU_ASSERT_EQUAL(node_iarcs(b.sys[B].node, 1, v, 8), 1);
	CU_ASSERT(v[0].qspn && !v[0].closing);
	must(node_check_connectivity(b.sys[B].node, 1, false, 0, &removable, &err), &err, "check_connectivity");
	/* Nobody needs it: A is all there is. */
	CU_ASSERT_TRUE(removable);
	must(node_remove(b.sys[B].node, b.now, 1, &err), &err, "remove_identity");
	town_poke(&b, B);
	wait_for(identity_gone, &o, "it goes");
	pass(5 * (uint64_t)SEC);
	CU_ASSERT_EQUAL(fakekern_namespaces(b.sys[B].fake), 0);
	CU_ASSERT_EQUAL(node_iarcs(b.sys[A].node, 0, NULL, 0), 1);
	end();
}

/* Everything that any kernel does: A and C reach each other. */
static void
still_there(struct fakekern *fk, const struct priv_op *op, void *arg)
{
	unsigned *walks = arg;
	char why[TOWN_WALK_WHY];

	(void)fk;
	(void)op;
	(*walks)++;
	if (town_walk(&b, A, C, 0x0a000014, why) && town_walk(&b, C, A, 0x0a000016, why))
		return;
	if (b.fault == NULL)
		tap_note("%s", why);
	b.fault = "a packet is lost";
}

/*
 * A and C are neighbours over a slow link, and have B's connectivity identity between them, which is quick.  When it
 * is dismissed they turn to the slow link, and nothing is lost at any moment.
 */
static void
dismissed_in_use(uint64_t seed)
{
	static const uint32_t host_21[2] = { 2, 1 };
	static const uint32_t arcs_c[2] = { 0, 1 };
	struct op entered = { C, 0, 8, NODE_OP_DONE }, o = { B, 1, 50, NODE_OP_DONE };
	struct node_error err = { .code = "" };
	unsigned walks = 0;
	size_t a, k;

	begin(seed, three);
	b_enters();
	arc(A, 0, C, 0);
	must(node_change_real_arc(b.sys[A].node, b.now, mac_of(A), mac_of(C), 900000, &err), &err, "change_real_arc");
	must(node_change_real_arc(b.sys[C].node, b.now, mac_of(C), mac_of(A), 900000, &err), &err, "change_real_arc");
	arc(B, 1, C, 0);
	a = iarcs(A, 0);
	k = iarcs(B, 1);
	prepare(C, entry(host_21, 2, 0, arcs_c, 2, 8));
	phase_1(C, true, 0, 8);
	add_qspn_arc(A, 0, C, a + 1);
	add_qspn_arc(B, 1, C, k + 1);
	wait_for(op_is, &entered, "C has entered");
	wait_for(identity_gone, &entered, "C's old identity goes");
	k = iarcs(C, 1);
	b_moves();
	add_qspn_arc(C, 1, B, k + 1);
	wait_for(op_is, &o, "B has migrated");
	pass(20 * (uint64_t)SEC);
	b.segment[0].latency = 1 + rng_below(&b.rng, 20 * MSEC);
	b.segment[0].jitter = 1 + rng_below(&b.rng, 20 * MSEC);
	b.kernel_delay = 1 + rng_below(&b.rng, 20 * MSEC);
	for (size_t i = A; i <= C; i++)
		fakekern_watch(b.sys[i].fake, still_there, &walks);
	must(node_remove(b.sys[B].node, b.now, 1, &err), &err, "remove_identity");
	town_poke(&b, B);
	wait_for(identity_gone, &o, "it goes");
	pass(5 * (uint64_t)SEC);
	CU_ASSERT(walks > 10);
	CU_ASSERT_EQUAL(fakekern_namespaces(b.sys[B].fake), 0);
	end();
}

static void
test_dismissed_in_use(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		dismissed_in_use(seed);
}

/*
 * The identity that an entry made is gone before what it was duplicated from shall go: that goes all the same,
 * when it is time.
 */
static void
test_handover(void)
{
	struct op first_op = { B, 0, 7, NODE_OP_DONE }, made = { B, 1, 50, NODE_OP_DONE };
	struct node_error err = { .code = "" };
	struct node_operation v;
	struct node_identity id;
	uint64_t entered;

	begin_slow(9, two, 30000);
	b_comes();
	entered = b.now;
	b_migrates();
	must(node_remove(b.sys[B].node, b.now, 1, &err), &err, "remove_identity");
	town_poke(&b, B);
	wait_for(identity_gone, &made, "the identity that was made goes");
	CU_ASSERT(b.now < entered + 25 * (uint64_t)SEC);
	/* The operator sees that something is still to come. */
	CU_ASSERT_TRUE(node_operation(b.sys[B].node, 0, 7, &v));
	CU_ASSERT_FALSE(node_phase_2(b.sys[B].node, b.now, true, 0, 7, &err));
	town_run(&b, entered + 29 * (uint64_t)SEC);
	CU_ASSERT_TRUE(node_find(b.sys[B].node, 0, &id));
	wait_for(identity_gone, &first_op, "and the one that was left");
	CU_ASSERT(b.now < entered + 35 * (uint64_t)SEC);
	CU_ASSERT_FALSE(node_operation(b.sys[B].node, 0, 7, &v));
	CU_ASSERT_EQUAL(node_identities(b.sys[B].node), 1);
	end();
}

static unsigned
told(size_t i, enum node_event_kind k)
{
	return b.sys[i].events[k];
}

/* Each step of an entry, of a migration, and of an end is told, once, by the node itself. */
static void
test_told(void)
{
	struct node_plan p = { .identity = 1, .guest_level = 0, .host_level = 4, .temporary_position = 4, .position = 3,
		.connectivity_position = 2, .operation = 50 };
	struct op o = { B, 1, 50, NODE_OP_DONE };
	struct node_error err = { .code = "" };
	size_t a;

	begin(6, two);
	arc(A, 0, B, 0);
	prepare(B, entry(host_211, 3, 1, first, 1, 7));
	CU_ASSERT_EQUAL(told(B, NODE_E_OPERATION), 1);
	phase_1(B, true, 0, 7);
	a = iarcs(A, 0);
	wait_for(op_is, &(struct op){ B, 0, 7, NODE_OP_RUNNING }, "B has duplicated");
	/* Prepared, making, running. */
	CU_ASSERT_EQUAL(told(B, NODE_E_OPERATION), 3);
	CU_ASSERT_EQUAL(told(B, NODE_E_NAMESPACE), 1);
	CU_ASSERT_EQUAL(told(B, NODE_E_IDENTITY), 1);
	CU_ASSERT_EQUAL(told(B, NODE_E_PRESENT), 0);
	add_qspn_arc(A, 0, B, a + 1);
	CU_ASSERT_EQUAL(told(A, NODE_E_QARC), 1);
	wait_for(op_is, &(struct op){ B, 0, 7, NODE_OP_DONE }, "B has entered");
	CU_ASSERT_EQUAL(told(B, NODE_E_OPERATION), 4);
	CU_ASSERT_EQUAL(told(B, NODE_E_HANDED_OVER), 1);
	CU_ASSERT_EQUAL(told(B, NODE_E_ADDRESS), 2);
	CU_ASSERT_EQUAL(told(B, NODE_E_QARC), 1);
	CU_ASSERT_EQUAL(told(B, NODE_E_PRESENT), 1);
	CU_ASSERT_EQUAL(told(B, NODE_E_GONE), 0);
	pass(10 * (uint64_t)SEC);
	CU_ASSERT_EQUAL(told(B, NODE_E_IDENTITY_REMOVED), 1);
	CU_ASSERT_EQUAL(told(B, NODE_E_GONE), 1);
	CU_ASSERT_EQUAL(told(B, NODE_E_OUTER), 0);
	a = iarcs(A, 0);
	prepare(B, p);
	phase_1(B, false, 1, 50);
	add_qspn_arc(A, 0, B, a + 1);
	wait_for(op_is, &o, "B has migrated");
	pass(10 * (uint64_t)SEC);
	CU_ASSERT_EQUAL(told(B, NODE_E_OPERATION), 8);
	CU_ASSERT_EQUAL(told(B, NODE_E_NAMESPACE), 2);
	CU_ASSERT_EQUAL(told(B, NODE_E_HANDED_OVER), 2);
	CU_ASSERT_EQUAL(told(B, NODE_E_ADDRESS), 4);
	CU_ASSERT_EQUAL(told(B, NODE_E_OUTER), 1);
	CU_ASSERT_EQUAL(told(B, NODE_E_QARC), 2);
	CU_ASSERT_EQUAL(told(B, NODE_E_QARC_REMOVED), 0);
	must(node_remove(b.sys[B].node, b.now, 1, &err), &err, "remove_identity");
	town_poke(&b, B);
	pass(15 * (uint64_t)SEC);
	CU_ASSERT_EQUAL(told(B, NODE_E_GONE), 2);
	/* The arc goes, and with it what paths went over. */
	node_carrier(b.sys[B].node, b.now, 0, false);
	town_poke(&b, B);
	CU_ASSERT_EQUAL(told(B, NODE_E_QARC_REMOVED), 1);
	end();
}

static void
test_cost(void)
{
	struct node_error err = { .code = "" };
	struct node_iarc v[8];

	begin(7, two);
	b_enters();
	CU_ASSERT_EQUAL_FATAL(node_iarcs(b.sys[B].node, 1, v, 8), 1);
	CU_ASSERT(v[0].qspn && v[0].cost == 11000);
	must(node_change_real_arc(b.sys[B].node, b.now, mac_of(B), mac_of(A), 77, &err), &err, "change_real_arc");
	town_poke(&b, B);
	CU_ASSERT_EQUAL_FATAL(node_iarcs(b.sys[B].node, 1, v, 8), 1);
	CU_ASSERT_EQUAL(v[0].cost, 77);
	/* One end's cost is its own. */
	CU_ASSERT_EQUAL_FATAL(node_iarcs(b.sys[A].node, 0, v, 8), 1);
	CU_ASSERT_EQUAL(v[0].cost, 10000);
	end();
}

/* It stops: neighbours hear it at once, what it still says needs no kernel, and nothing is left to be done. */
static void
test_stop(void)
{
	struct pair p = { .a = A, .b = B };
	struct node_action a;
	unsigned closed = 0;
	struct nbh_entry e;
	char why[200] = "";

	begin(8, two);
	b_enters();
	b_migrates();
	b.sys[B].refuse = 1000;
	node_stop(b.sys[B].node, b.now);
	/* What the bed would do: only that the close is among what is said. */
	while (node_next(b.sys[B].node, &a))
		closed += a.kind == NODE_CLOSE;
	CU_ASSERT_EQUAL(closed, 1);
	if (!node_invariant(b.sys[B].node, why, sizeof(why))) {
		tap_note("%s", why);
		CU_FAIL("what has stopped is not sound");
	}
	town_kill(&b, B);
	pass(SEC);
	CU_ASSERT_FALSE(arc_of(p.a, p.b, &e));
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "messages that are for nobody yet", test_held },
		{ "and their memory", test_held_bytes },
		{ "a kernel that refuses", test_refused },
		{ "nothing waits for what is refused and tried again", test_refused_next },
		{ "a refusal of what takes several messages", test_refused_parts },
		{ "a kernel that refuses the new namespace", test_refused_phase_1 },
		{ "what is told of a migration", test_told },
		{ "killed in the middle of an entry", test_kill },
		{ "killed while it connects", test_kill_connecting },
		{ "killed, and another life", test_killed_pseudo },
		{ "an interface that goes in the middle of an entry", test_interface },
		{ "a namespace that is refused for an interface that has gone", test_refused_for_interface },
		{ "two migrations of neighbours at once", test_two_migrations },
		{ "a connectivity identity", test_connectivity },
		{ "a connectivity identity that is in use goes", test_dismissed_in_use },
		{ "an identity goes before what it came from", test_handover },
		{ "costs", test_cost },
		{ "the end", test_stop },
	};

	return TAP_RUN(tests);
}
