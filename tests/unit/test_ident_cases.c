/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The worked examples and test cases of spec/identities 9 and 13, on systems that talk to each
 * other.
 */

#include <stdio.h>
#include <string.h>

#include "tests/unit/identbed.h"
#include "tests/unit/tap.h"

enum { MS = 1000, SEC = 1000000 };	/* µs */
enum { A, B, C, D, E };

static const struct ibed_pace steady = { MS, MS, MS, MS, 0 };
static struct ibed *b;

static void
begin(unsigned systems)
{
	b = ibed_new(systems, 1, &steady);
}

static void
rest(void)
{
	bool ok = ibed_rest(b, 100 * (uint64_t)SEC) && ibed_check(b);

	if (!ok)
		tap_note("%s", b->why);
	CU_ASSERT_TRUE(ok);
}

static void
end(void)
{
	rest();
	ibed_free(b);
	b = NULL;
}

static void
same(const char *have, const char *want, int line)
{
	if (strcmp(have, want) != 0)
		tap_note("line %d: have \"%s\", want \"%s\"", line, have, want);
	CU_ASSERT_STRING_EQUAL(have, want);
}
#define STATE(s, text) same(ibed_state(b, s), text, __LINE__)
#define ROUTES(s, index, text) same(ibed_routes(b, s, index), text, __LINE__)
#define PLACES(s, text) same(ibed_places(b, s), text, __LINE__)
#define LOG(s, text) same(ibed_log(b, s), text, __LINE__)

static void
prepare(unsigned s, uint32_t index, uint32_t m)
{
	CU_ASSERT_EQUAL(ibed_prepare(b, s, index, m), IDENT_OK);
}

static void
duplicate(unsigned s, uint32_t index, uint32_t m)
{
	CU_ASSERT_EQUAL(ibed_duplicate(b, s, index, m), IDENT_OK);
}

/* One identity alone, and then rest. */
static void
alone(unsigned s, uint32_t index, uint32_t m)
{
	prepare(s, index, m);
	duplicate(s, index, m);
	rest();
}

/* --- section 9 and E1 to E6 -------------------------------------------------------- */

/* E1, case 1: the neighbour stays. */
static void
test_e1(void)
{
	begin(2);
	ibed_link(b, A, 0, B, 0);
	rest();
	STATE(A, "a0-b0@R* ");
	STATE(B, "b0-a0@R* ");
	ROUTES(A, 0, "bR ");
	LOG(A, "added a0-b0@R ");
	LOG(B, "added b0-a0@R ");
	alone(A, 0, 555);
	LOG(A, "duplicated a0-a1 added a1-b0@R(a0-b0) complete a0-a1 ");
	LOG(B, "changed b0-a0@P0 added b0-a1@R ");
	STATE(A, "a0-b0@R a1-b0@R* ");
	STATE(B, "b0-a0@P0 b0-a1@R* ");
	PLACES(A, "a0@P0 a1@R* ");
	ROUTES(A, 0, "bR ");
	ROUTES(A, 1, "bR ");
	ROUTES(B, 0, "aR aP0 ");
	CU_ASSERT_EQUAL(ibed_remove(b, A, 0), IDENT_OK);
	rest();
	LOG(A, "gone a0 ");
	LOG(B, "removing b0-a0@P0 removed b0-a0@P0 ");
	ROUTES(B, 0, "aR ");
	PLACES(A, "a1@R* ");
	end();
}

/* E2: two together, a third stays (a is delta, b mu, c gamma). */
static void
test_e2(void)
{
	begin(3);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, A, 0, C, 0);
	rest();
	prepare(A, 0, 7);
	prepare(B, 0, 7);
	duplicate(B, 0, 7);
	duplicate(A, 0, 7);
	rest();
	STATE(A, "a0-b0@P0 a0-c0@R a1-b1@R* a1-c0@R* ");
	STATE(B, "b0-a0@P0 b1-a1@R* ");
	STATE(C, "c0-a0@P0 c0-a1@R* ");
	ROUTES(A, 0, "bP0 cR ");
	ROUTES(B, 0, "aP0 ");
	ROUTES(C, 0, "aR aP0 ");
	CU_ASSERT_EQUAL(b->s[A].complete, 1);
	CU_ASSERT_EQUAL(b->s[C].complete, 0);
	end();
}

/* E3: a neighbour with two identities, none of which migrates: one call. */
static void
test_e3(void)
{
	begin(4);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, A, 0, C, 0);
	ibed_link(b, A, 0, D, 0);
	rest();
	alone(D, 0, 1);
	STATE(D, "d0-a0@R d1-a0@R* ");
	ibed_forget(b);
	alone(A, 0, 2);
	CU_ASSERT_EQUAL(b->s[A].calls[PEER_match_duplication], 3);
	STATE(D, "d0-a0@P0 d0-a1@R d1-a0@P0 d1-a1@R* ");
	LOG(D, "changed d0-a0@P0 added d0-a1@R changed d1-a0@P0 added d1-a1@R ");
	ROUTES(A, 0, "bR cR dR dP0 ");
	ROUTES(A, 1, "bR cR dR dP0 ");
	ROUTES(B, 0, "aR aP0 ");
	ROUTES(D, 0, "aR aP0 ");
	ROUTES(D, 1, "aR aP0 ");
	end();
}

/*
 * E4: a's connectivity identity takes part, its main one does not (b epsilon, c gamma, d delta,
 * e lambda).
 */
static void
test_e4(void)
{
	begin(5);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, A, 0, C, 0);
	ibed_link(b, C, 0, D, 0);
	ibed_link(b, B, 0, E, 0);
	rest();
	alone(A, 0, 1);
	alone(E, 0, 2);
	PLACES(A, "a0@P0 a1@R* ");
	prepare(A, 0, 3);
	prepare(B, 0, 3);
	prepare(C, 0, 3);
	duplicate(C, 0, 3);
	duplicate(A, 0, 3);
	duplicate(B, 0, 3);
	rest();
	PLACES(A, "a0@P1 a1@R* a2@P0 ");
	STATE(A, "a0-b0@P0 a0-c0@P0 a1-b0@P0 a1-c0@P0 a1-c1@R* a1-b1@R* a2-b1@R a2-c1@R ");
	ROUTES(B, 0, "aR aP1 eR eP0 ");
	ROUTES(A, 0, "bP0 cP0 ");
	ROUTES(A, 1, "bR bP0 cR cP0 ");
	ROUTES(C, 0, "aR aP1 dR ");
	ROUTES(E, 0, "bR bP0 ");
	ROUTES(E, 1, "bR bP0 ");
	ROUTES(D, 0, "cR cP0 ");
	/* The outer ones go. */
	CU_ASSERT_EQUAL(ibed_iarc_remove(b, 0, B, "b0", "a1"), IDENT_OK);
	CU_ASSERT_EQUAL(ibed_iarc_remove(b, 1, C, "c0", "a1"), IDENT_OK);
	rest();
	ROUTES(B, 0, "aP1 eR eP0 ");
	ROUTES(C, 0, "aP1 dR ");
	ROUTES(A, 1, "bR cR ");
	end();
}

static void
e5_start(void)
{
	begin(5);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, A, 0, C, 0);
	ibed_link(b, A, 0, D, 0);
	ibed_link(b, B, 0, C, 0);
	ibed_link(b, B, 0, E, 0);
	rest();
	ROUTES(A, 0, "bR cR dR ");
	ibed_forget(b);
}

static void
e5_migrate(void)
{
	prepare(A, 0, 7777);
	prepare(B, 0, 7777);
	LOG(A, "");
	duplicate(A, 0, 7777);
	duplicate(B, 0, 7777);
	rest();
}

static void
test_e5(void)
{
	e5_start();
	e5_migrate();
	CU_ASSERT_EQUAL(b->s[A].calls[PEER_match_duplication], 3);
	CU_ASSERT_EQUAL(b->s[B].calls[PEER_match_duplication], 3);
	CU_ASSERT_EQUAL(b->s[C].calls[PEER_match_duplication], 0);
	STATE(A, "a0-b0@P0 a0-c0@R a0-d0@R a1-b1@R* a1-c0@R* a1-d0@R* ");
	STATE(B, "b0-a0@P0 b0-c0@R b0-e0@R b1-a1@R* b1-c0@R* b1-e0@R* ");
	STATE(C, "c0-a0@P0 c0-b0@P0 c0-a1@R* c0-b1@R* ");
	STATE(D, "d0-a0@P0 d0-a1@R* ");
	STATE(E, "e0-b0@P0 e0-b1@R* ");
	LOG(A, "duplicated a0-a1 added a1-b1@R(a0-b0 both) changed a0-b0@P0 both "
	    "added a1-c0@R(a0-c0) added a1-d0@R(a0-d0) complete a0-a1 ");
	LOG(C, "changed c0-a0@P0 added c0-a1@R changed c0-b0@P0 added c0-b1@R ");
	LOG(D, "changed d0-a0@P0 added d0-a1@R ");
	LOG(E, "changed e0-b0@P0 added e0-b1@R ");
	ROUTES(A, 0, "bP0 cR dR ");
	ROUTES(B, 0, "aP0 cR eR ");
	ROUTES(C, 0, "aR aP0 bR bP0 ");
	end();
}

/* E5 steps 4 to 6: the table of section 4.4. */
static void
test_signals(void)
{
	e5_start();
	e5_migrate();
	ibed_forget(b);
	CU_ASSERT_EQUAL(ibed_iarc_remove(b, 4, B, "b0", "e0"), IDENT_OK);
	STATE(B, "b0-a0@P0 b0-c0@R b0-e0@R~ b1-a1@R* b1-c0@R* b1-e0@R* ");
	ROUTES(B, 0, "aP0 cR eR ");
	rest();
	LOG(B, "removed b0-e0@R ");
	LOG(E, "removing e0-b0@P0 removed e0-b0@P0 ");
	ROUTES(E, 0, "bR ");
	ROUTES(B, 0, "aP0 cR ");
	CU_ASSERT_EQUAL(ibed_remove(b, B, 0), IDENT_OK);
	rest();
	LOG(B, "gone b0 ");
	LOG(A, "removing a0-b0@P0 removed a0-b0@P0 ");
	LOG(C, "removing c0-b0@P0 removed c0-b0@P0 ");
	ROUTES(A, 0, "cR dR ");
	CU_ASSERT_EQUAL(b->s[B].calls[PEER_iarc_removed], 3);
	/* An arc that the caller takes away. */
	ibed_cut(b, 2);
	rest();
	LOG(A, "removing a0-d0@R removed a0-d0@R removing a1-d0@R removed a1-d0@R ");
	LOG(D, "removing d0-a0@P0 removed d0-a0@P0 removing d0-a1@R removed d0-a1@R ");
	CU_ASSERT_EQUAL(b->s[A].broken, 0);
	end();
}

/* E6: different migrations at once; the same whatever the order and the ids. */
static void
test_e6(void)
{
	unsigned waited = 0;

	for (unsigned seed = 0; seed < 400; seed++) {
		const struct ibed_pace pace = { 100, 50 * MS, 100, (seed % 5 + 1) * 20 * MS, 0 };
		uint32_t ma = seed % 2 != 0 ? 5000 : 6000, mb = seed % 2 != 0 ? 6000 : 5000;

		b = ibed_new(2, seed, &pace);
		ibed_link(b, A, 0, B, 0);
		rest();
		prepare(A, 0, ma);
		prepare(B, 0, mb);
		ibed_duplicate_at(b, b->now + rng_below(&b->rng, 100 * MS), A, 0, ma);
		ibed_duplicate_at(b, b->now + rng_below(&b->rng, 100 * MS), B, 0, mb);
		rest();
		CU_ASSERT_EQUAL(ident_iarcs(b->s[A].x, ident_main(b->s[A].x), NULL, 0), 2);
		for (unsigned s = A; s <= B; s++) {
			/* The order of the two is that of the exchanges. */
			const char *have = ibed_state(b, s);

			CU_ASSERT_PTR_NOT_NULL(strstr(have, s == A ? "a0-b0@P0 " : "b0-a0@P0 "));
			CU_ASSERT_PTR_NOT_NULL(strstr(have, s == A ? "a0-b1@R " : "b0-a1@R "));
			CU_ASSERT_PTR_NOT_NULL(strstr(have, s == A ? "a1-b0@P0 " : "b1-a0@P0 "));
			CU_ASSERT_PTR_NOT_NULL(strstr(have, s == A ? "a1-b1@R* " : "b1-a1@R* "));
			waited += ident_stats(b->s[s].x)->deferred != 0;
		}
		ROUTES(A, 0, "bR bP0 ");
		ROUTES(A, 1, "bR bP0 ");
		ROUTES(B, 0, "aR aP0 ");
		ROUTES(B, 1, "aR aP0 ");
		end();
	}
	CU_ASSERT_TRUE(waited > 20);
}

/* Case 5: of b's two identities one takes part. */
static void
test_case5(void)
{
	begin(2);
	ibed_link(b, A, 0, B, 0);
	rest();
	alone(B, 0, 1);
	STATE(B, "b0-a0@R b1-a0@R* ");
	prepare(A, 0, 2);
	prepare(B, 0, 2);
	duplicate(A, 0, 2);
	duplicate(B, 0, 2);
	rest();
	/* b1 stays, b0 became b2. */
	STATE(A, "a0-b0@P1 a0-b1@R a1-b2@P0 a1-b1@R* ");
	STATE(B, "b0-a0@P0 b1-a0@P0 b1-a1@R* b2-a1@R ");
	end();
}

/* Case 3: b is prepared, and its namespace takes 9 s (T9), or for ever. */
static void
test_late(void)
{
	uint64_t since;

	begin(2);
	ibed_link(b, A, 0, B, 0);
	rest();
	prepare(A, 0, 1);
	prepare(B, 0, 1);
	b->s[B].kernel_stopped = true;
	duplicate(A, 0, 1);
	duplicate(B, 0, 1);
	since = b->now;
	ibed_run(b, since + 9 * SEC);
	STATE(A, "a0-b0@R ");
	ibed_kernel(b, B);
	rest();
	STATE(A, "a0-b0@P0 a1-b1@R* ");
	STATE(B, "b0-a0@P0 b1-a1@R* ");
	/* Never: neighbours are patient for 60 s, then the arc is given up. */
	prepare(A, 0, 2);
	prepare(B, 0, 2);
	duplicate(A, 0, 2);
	since = b->now;
	ibed_forget(b);
	ibed_run(b, since + 59 * SEC);
	LOG(A, "duplicated a0-a2 ");
	ibed_run(b, since + 63 * SEC);
	LOG(A, "added a2-b0@P0(a0-b0) complete a0-a2 removing a0-b0@P0 removed a0-b0@P0 "
	    "removing a1-b1@R removed a1-b1@R removing a2-b0@P0 removed a2-b0@P0 broken ");
	CU_ASSERT_EQUAL(ibed_duplicate(b, B, 0, 2), IDENT_OK);
	end();
}

/* Case 3 c: b did everything long ago, its record still answers. */
static void
test_early(void)
{
	begin(3);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, B, 0, C, 0);
	rest();
	prepare(A, 0, 1);
	prepare(B, 0, 1);
	duplicate(B, 0, 1);
	ibed_run(b, b->now + 50 * (uint64_t)SEC);
	STATE(B, "b0-a0@R b0-c0@R b1-c0@R* ");
	CU_ASSERT_EQUAL(b->s[B].complete, 0);
	duplicate(A, 0, 1);
	rest();
	STATE(A, "a0-b0@P0 a1-b1@R* ");
	STATE(B, "b0-a0@P0 b0-c0@R b1-a1@R* b1-c0@R* ");
	CU_ASSERT_EQUAL(b->s[B].complete, 1);
	CU_ASSERT_EQUAL(b->s[B].settled, 1);
	end();
}

/* --- T1 to T11 ------------------------------------------------------------------------- */

static void
test_t1(void)
{
	begin(2);
	ibed_link(b, A, 0, B, 0);
	ibed_run(b, 4 * SEC);
	LOG(A, "added a0-b0@R ");
	ibed_cut(b, 0);
	rest();
	LOG(A, "removing a0-b0@R removed a0-b0@R ");
	LOG(B, "added b0-a0@R removing b0-a0@R removed b0-a0@R ");
	end();
}

static void
test_t2(void)
{
	begin(1);
	ibed_dev_add(b, A, 0);
	ibed_dev_add(b, A, 1);
	PLACES(A, "a0@R* ");
	alone(A, 0, 555);
	PLACES(A, "a0@P0 a1@R* ");
	CU_ASSERT_TRUE(b->s[A].place[0].nic[0].present && b->s[A].place[0].nic[1].present);
	alone(A, 0, 333);
	PLACES(A, "a0@P1 a1@R* a2@P0 ");
	CU_ASSERT_EQUAL(ibed_remove(b, A, 0), IDENT_OK);
	rest();
	PLACES(A, "a1@R* a2@P0 ");
	CU_ASSERT_TRUE(b->s[A].place[1].gone && !b->s[A].place[0].gone);
	CU_ASSERT_EQUAL(ibed_remove(b, A, 2), IDENT_OK);
	rest();
	PLACES(A, "a1@R* ");
	alone(A, 1, 545);
	PLACES(A, "a1@P2 a3@R* ");
	CU_ASSERT_EQUAL(ibed_remove(b, A, 1), IDENT_OK);
	rest();
	PLACES(A, "a3@R* ");
	/* T11 */
	CU_ASSERT_EQUAL(ibed_remove(b, A, 3), IDENT_IS_MAIN);
	CU_ASSERT_EQUAL(ibed_remove(b, A, 1), IDENT_UNKNOWN_IDENTITY);
	end();
}

/* T3: a triangle; two migrate and both remove their old ones at once. */
static void
test_t3(void)
{
	begin(3);
	ibed_link(b, A, 0, C, 1);
	ibed_link(b, A, 1, B, 0);
	ibed_link(b, B, 1, C, 0);
	rest();
	prepare(A, 0, 1);
	prepare(B, 0, 1);
	duplicate(A, 0, 1);
	duplicate(B, 0, 1);
	rest();
	ROUTES(C, 0, "aR aP0 bR bP0 ");
	CU_ASSERT_EQUAL(ibed_remove(b, A, 0), IDENT_OK);
	CU_ASSERT_EQUAL(ibed_remove(b, B, 0), IDENT_OK);
	rest();
	ROUTES(C, 0, "aR bR ");
	STATE(A, "a1-c0@R* a1-b1@R* ");
	end();
}

/*
 * T4: a new arc while there are two identities: the main ones alone; the old one's end is not
 * told there.
 */
static void
test_t4(void)
{
	begin(3);
	ibed_link(b, A, 0, B, 0);
	rest();
	alone(A, 0, 555);
	ibed_link(b, A, 0, C, 0);
	rest();
	STATE(C, "c0-a1@R* ");
	STATE(A, "a0-b0@R a1-b0@R* a1-c0@R* ");
	ibed_forget(b);
	CU_ASSERT_EQUAL(ibed_remove(b, A, 0), IDENT_OK);
	rest();
	CU_ASSERT_EQUAL(b->s[A].calls[PEER_iarc_removed], 1);
	LOG(C, "");
	LOG(B, "removing b0-a0@P0 removed b0-a0@P0 ");
	end();
}

static void
test_t5(void)
{
	begin(3);
	ibed_link(b, A, 0, B, 0);
	rest();
	ibed_dev_add(b, A, 1);
	ibed_link(b, A, 1, C, 0);
	rest();
	ibed_forget(b);
	ibed_dev_remove(b, A, 0);
	LOG(A, "removing a0-b0@R removed a0-b0@R ");
	rest();
	STATE(A, "a0-c0@R* ");
	end();
}

/* T6, and 14.10: what a connectivity identity has when devices come and go. */
static void
test_t6(void)
{
	struct ident_nic nic;

	begin(1);
	ibed_dev_add(b, A, 0);
	alone(A, 0, 1);
	ibed_dev_add(b, A, 1);
	CU_ASSERT_TRUE(ident_nic(b->s[A].x, ibed_id(b, "a1"), 1, &nic));
	CU_ASSERT_FALSE(ident_nic(b->s[A].x, ibed_id(b, "a0"), 1, &nic));
	CU_ASSERT_TRUE(ident_nic(b->s[A].x, ibed_id(b, "a0"), 0, &nic));
	CU_ASSERT_EQUAL(ibed_remove(b, A, 0), IDENT_OK);
	rest();
	PLACES(A, "a1@R* ");
	alone(A, 1, 2);
	ibed_forget(b);
	ibed_dev_remove(b, A, 1);
	LOG(A, "");
	ibed_dev_remove(b, A, 0);
	LOG(A, "without-nics a1 ");
	PLACES(A, "a1@P1 a2@R* ");
	end();
}

/* T7: the neighbour dies before it is asked. */
static void
test_t7(void)
{
	uint64_t since;

	begin(2);
	ibed_link(b, A, 0, B, 0);
	rest();
	ibed_forget(b);
	b->s[B].dead = true;
	prepare(A, 0, 1);
	duplicate(A, 0, 1);
	since = b->now;
	ibed_run(b, since + 9 * SEC);
	LOG(A, "duplicated a0-a1 ");
	ibed_run(b, since + 11 * SEC);
	LOG(A, "added a1-b0@R(a0-b0) complete a0-a1 removing a0-b0@R removed a0-b0@R "
	    "removing a1-b0@R removed a1-b0@R broken ");
	CU_ASSERT_EQUAL(b->s[A].settled, 1);
	end();
}

/* T8: two dead ones take no longer than one, and no time from the one that lives. */
static void
test_t8(void)
{
	uint64_t since;

	begin(4);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, A, 0, C, 0);
	ibed_link(b, A, 0, D, 0);
	rest();
	b->s[B].dead = b->s[C].dead = true;
	prepare(A, 0, 1);
	duplicate(A, 0, 1);
	since = b->now;
	ibed_run(b, since + SEC);
	STATE(A, "a0-b0@R a0-c0@R a0-d0@R a1-d0@R* ");
	CU_ASSERT_EQUAL(b->s[A].complete, 0);
	ibed_run(b, since + 10 * SEC + 100 * MS);
	STATE(A, "a0-d0@R a1-d0@R* ");
	CU_ASSERT_EQUAL(b->s[A].complete, 1);
	end();
}

/* A dead neighbour does not hold up the end of an identity for more than 500 ms. */
static void
test_dead_removal(void)
{
	uint64_t since;

	begin(3);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, A, 0, C, 0);
	rest();
	alone(A, 0, 1);
	b->s[B].dead = true;
	ibed_forget(b);
	CU_ASSERT_EQUAL(ibed_remove(b, A, 0), IDENT_OK);
	CU_ASSERT_EQUAL(ibed_remove(b, A, 0), IDENT_BUSY);
	since = b->now;
	ibed_run(b, since + 3999 * MS);
	LOG(A, "");
	LOG(C, "removing c0-a0@P0 removed c0-a0@P0 ");
	ibed_run(b, since + 4010 * MS);
	LOG(A, "gone a0 ");
	b->s[B].dead = false;
	ibed_cut(b, 0);
	end();
}

/* --- section 14 ---------------------------------------------------------------------------- */

/* 14.2: a principal one that is removed comes again, at both ends. */
static void
test_principal_again(void)
{
	begin(2);
	ibed_link(b, A, 0, B, 0);
	rest();
	ibed_forget(b);
	CU_ASSERT_EQUAL(ibed_iarc_remove(b, 0, A, "a0", "b0"), IDENT_OK);
	ibed_run(b, b->now + 900 * MS);
	LOG(A, "removed a0-b0@R ");
	LOG(B, "removing b0-a0@R removed b0-a0@R ");
	ibed_run(b, b->now + 200 * MS);
	LOG(A, "added a0-b0@R ");
	LOG(B, "added b0-a0@R ");
	end();
}

/* 14.18: the kernel refuses; a member that waits for us hears that we do not take part. */
static void
test_refused(void)
{
	begin(2);
	ibed_link(b, A, 0, B, 0);
	rest();
	prepare(A, 0, 1);
	prepare(B, 0, 1);
	duplicate(A, 0, 1);
	ibed_run(b, b->now + SEC);
	ibed_forget(b);
	b->pace.refuse = 1000;
	duplicate(B, 0, 1);
	CU_ASSERT_EQUAL(ibed_duplicate(b, B, 0, 1), IDENT_OK);
	rest();
	LOG(B, "given-up b0 changed b0-a0@P0 added b0-a1@R ");
	STATE(A, "a0-b0@R a1-b0@R* ");
	PLACES(B, "b0@R* ");
	CU_ASSERT_EQUAL(ibed_duplicate(b, B, 0, 1), IDENT_UNKNOWN_OPERATION);
	/* Nothing of it is left: it can be done again. */
	b->pace.refuse = 0;
	alone(B, 0, 2);
	PLACES(B, "b0@P1 b1@R* ");
	end();
}

/* Migrations one after the other in adjacent systems without waiting, then all old ones go. */
static void
test_path(void)
{
	begin(4);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, B, 0, C, 0);
	ibed_link(b, C, 0, D, 0);
	rest();
	for (unsigned s = A; s <= D; s++)
		prepare(s, 0, 900 - s);
	for (unsigned s = A; s <= D; s++)
		duplicate(s, 0, 900 - s);
	rest();
	for (unsigned s = A; s <= D; s++)
		CU_ASSERT_EQUAL(ibed_remove(b, s, 0), IDENT_OK);
	rest();
	STATE(A, "a1-b1@R* ");
	STATE(D, "d1-c1@R* ");
	end();
}

/* --- devices in the middle of it -------------------------------------------------------------- */

static void
test_pulled(void)
{
	begin(3);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, A, 1, C, 0);
	rest();
	/* While the namespace is made. */
	prepare(A, 0, 1);
	b->s[A].kernel_stopped = true;
	duplicate(A, 0, 1);
	ibed_dev_remove(b, A, 1);
	ibed_kernel(b, A);
	rest();
	STATE(A, "a0-b0@R a1-b0@R* ");
	/* While the neighbours are asked. */
	ibed_dev_add(b, A, 1);
	ibed_link(b, A, 1, C, 0);
	rest();
	prepare(A, 1, 2);
	b->s[C].dead = true;
	duplicate(A, 1, 2);
	ibed_run(b, b->now + SEC);
	STATE(A, "a0-b0@R a1-b0@R a1-c0@R a2-b0@R* ");
	ibed_forget(b);
	ibed_dev_remove(b, A, 1);
	LOG(A, "removing a1-c0@R removed a1-c0@R complete a1-a2 ");
	b->s[C].dead = false;
	/* The last one: nothing is left to ask. */
	prepare(A, 2, 3);
	b->s[A].kernel_stopped = true;
	duplicate(A, 2, 3);
	ibed_dev_remove(b, A, 0);
	ibed_kernel(b, A);
	rest();
	PLACES(A, "a0@P0 a1@P1 a2@P2 a3@R* ");
	CU_ASSERT_EQUAL(b->s[A].without_nics, 3);
	end();
}

/* A device and an arc that come while the namespace is made: they are the new identity's. */
static void
test_new_device(void)
{
	begin(3);
	ibed_link(b, A, 0, B, 0);
	rest();
	prepare(A, 0, 1);
	b->s[A].kernel_stopped = true;
	duplicate(A, 0, 1);
	ibed_link(b, A, 1, C, 0);
	ibed_link(b, A, 0, C, 1);
	ibed_run(b, b->now + SEC);
	STATE(A, "a0-b0@R* a0-c0@R* a0-c0@R* ");
	ibed_kernel(b, A);
	rest();
	STATE(A, "a0-b0@R a0-c0@R a1-b0@R* a1-c0@R* a1-c0@R* ");
	STATE(C, "c0-a0@P0 c0-a1@R* c0-a1@R* ");
	end();
}

/* An arc that fails in the middle takes its exchange with it; the others go on. */
static void
test_cut(void)
{
	begin(3);
	ibed_link(b, A, 0, B, 0);
	ibed_link(b, A, 0, C, 0);
	rest();
	prepare(A, 0, 1);
	prepare(B, 0, 1);
	duplicate(A, 0, 1);
	ibed_run(b, b->now + SEC);
	STATE(A, "a0-b0@R a0-c0@R a1-c0@R* ");
	ibed_cut(b, 0);
	ibed_run(b, b->now + 3 * SEC);
	STATE(A, "a0-c0@R a1-c0@R* ");
	CU_ASSERT_EQUAL(b->s[A].complete, 1);
	ibed_again(b, 0);
	ibed_run(b, b->now + SEC);
	STATE(A, "a0-c0@R a1-c0@R* a1-b0@R* ");
	duplicate(B, 0, 1);
	rest();
	STATE(A, "a0-c0@R a1-c0@R* a1-b0@P0 a1-b1@R* ");
	end();
}

/* Equal seeds: equal actions. */
static void
test_determinism(void)
{
	static char first[IBED_TEXT + 16];

	for (unsigned i = 0; i < 2; i++) {
		const struct ibed_pace pace = { 100, 30 * MS, 100, 30 * MS, 100 };

		b = ibed_new(3, 77, &pace);
		ibed_link(b, A, 0, B, 0);
		ibed_link(b, B, 0, C, 0);
		ibed_link(b, A, 0, C, 0);
		ibed_run(b, SEC);
		for (uint32_t s = A; s <= C; s++) {
			CU_ASSERT_EQUAL(ibed_prepare(b, s, 0, 1 + s % 2), IDENT_OK);
			ibed_duplicate_at(b, b->now + rng_below(&b->rng, 50 * MS), s, 0, 1 + s % 2);
		}
		rest();
		if (i == 0)
			snprintf(first, sizeof(first), "%u %s", ident_main(b->s[A].x), b->s[A].log);
		else {
			char second[IBED_TEXT + 16];

			snprintf(second, sizeof(second), "%u %s", ident_main(b->s[A].x),
			    b->s[A].log);
			CU_ASSERT_STRING_EQUAL(first, second);
		}
		end();
	}
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "E1, case 1: one enters, the neighbour stays", test_e1 },
		{ "E2: two together, a third stays", test_e2 },
		{ "E3: a neighbour with two identities", test_e3 },
		{ "E4: a migrating and a bystanding identity of one system", test_e4 },
		{ "E5: five systems", test_e5 },
		{ "E5, 4.4: which removal says what", test_signals },
		{ "E6: different migrations at once", test_e6 },
		{ "case 5: one of a neighbour's identities takes part", test_case5 },
		{ "case 3: a neighbour that is late, or never begins (T9)", test_late },
		{ "case 3: a neighbour that did it long ago", test_early },
		{ "T1: an arc comes and goes", test_t1 },
		{ "T2, T11: namespaces of identities", test_t2 },
		{ "T3: a triangle", test_t3 },
		{ "T4: an arc after an identity", test_t4 },
		{ "T5: a device comes and goes", test_t5 },
		{ "T6, 14.10: devices of connectivity identities", test_t6 },
		{ "T7: a neighbour that died", test_t7 },
		{ "T8: two neighbours that died", test_t8 },
		{ "a dead neighbour and the end of an identity", test_dead_removal },
		{ "14.2: a principal identity-arc comes again", test_principal_again },
		{ "14.18: the kernel refuses", test_refused },
		{ "a path of migrations, each of its own", test_path },
		{ "a device pulled in the middle of a duplication", test_pulled },
		{ "a device and arcs that come in the middle", test_new_device },
		{ "a connection that fails in the middle", test_cut },
		{ "equal seeds, equal actions", test_determinism },
	};

	return TAP_RUN(tests);
}
