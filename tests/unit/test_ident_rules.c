/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One manager, call by call: the rules of spec/identities 11.3 for requests that cross,
 * recommendations of section 14, records, limits, and neighbours that lie.
 */

#include <stdio.h>
#include <string.h>

#include "ntkd/core/ident/ident.h"
#include "tests/unit/tap.h"

enum { MS = 1000, SEC = 1000000, TEXT = 4096 };
enum { ARC_1 = 11, ARC_2 = 22, PEER = 501, PEER_2 = 502, NEW = 601, OTHER = 777 };

#define MAC_OF(n) ((ntk_mac_t){ { 0, 0x16, 0x3e, 0, 0, (uint8_t)(n) } })
#define LL_OF(n) (0xa9fe0100U + (uint32_t)(n))	/* 169.254.1.n */

static struct ident_params params;
static struct ident *x;
static struct ident_out out;
static uint64_t now;
static char text[TEXT];

static void
begin(void)
{
	struct rng rng;

	rng_init(&rng, 3);
	now = SEC;
	ident_params_default(&params);
	ident_out_init(&out);
	x = ident_new(&params, &rng, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	CU_ASSERT_EQUAL(ident_deadline(x), UINT64_MAX);
	CU_ASSERT_TRUE(ident_is_quiet(x));
	CU_ASSERT_TRUE(ident_dev_add(x, now, 0, MAC_OF(1), LL_OF(1), &out));
	CU_ASSERT_TRUE(ident_dev_add(x, now, 1, MAC_OF(2), LL_OF(2), &out));
}

static void
check(void)
{
	char why[200];
	bool ok = ident_invariant(x, why, sizeof(why));

	if (!ok)
		tap_note("%s", why);
	CU_ASSERT_TRUE(ok);
	CU_ASSERT_FALSE(ident_failed(x));
}

static void
end(void)
{
	check();
	ident_out_free(&out);
	ident_free(x);
}

/* --- what was asked for ------------------------------------------------------------ */

/* NodeIDs of ours as "0", "1" by index, of others as they are. */
static const char *
name(uint32_t id)
{
	static char names[4][16];
	static unsigned next;
	struct ident_identity i;
	char *n = names[next++ % 4];

	if (ident_find(x, id, &i))
		snprintf(n, sizeof(names[0]), "#%u", i.index);
	else
		snprintf(n, sizeof(names[0]), "%u", id);
	return n;
}

static size_t
print_msg(char *at, size_t room, const struct peer_msg *m)
{
	size_t len = 0;

	switch (m->type) {
	case PEER_get_main_id:
		return (size_t)snprintf(at, room, "who %s ", name(m->get_main_id.main));
	case PEER_main_id:
		return (size_t)snprintf(at, room, "main %s ", name(m->main_id.main));
	case PEER_iarc_removed:
		return (size_t)snprintf(at, room, "removed %s %s ", name(m->iarc_removed.from),
		    name(m->iarc_removed.to));
	case PEER_iarc_gone:
		return (size_t)snprintf(at, room, "gone ");
	case PEER_match_duplication:
		len = (size_t)snprintf(at, room, "match %u %s>%s", m->match_duplication.migration,
		    name(m->match_duplication.old), name(m->match_duplication.made));
		for (size_t i = 0; i < m->match_duplication.peers.n && len < room; i++)
			len += (size_t)snprintf(at + len, room - len, " %s",
			    name(m->match_duplication.peers.v[i]));
		break;
	case PEER_matched:
		len = (size_t)snprintf(at, room, "matched");
		for (size_t i = 0; i < m->matched.matches.n && len < room; i++)
			len += (size_t)snprintf(at + len, room - len, " %s:%u",
			    name(m->matched.matches.v[i].peer), m->matched.matches.v[i].status);
		break;
	}
	return len + (size_t)snprintf(at + len, room - len, "; ");
}

static size_t
print_action(char *at, size_t room, const struct ident_action *a)
{
	static const char *const iarcs[] = { "+", "~", "-", "x" };
	size_t len = 0;

	switch (a->kind) {
	case IDENT_CALL:
	case IDENT_RESULT:
		return print_msg(at, room, a->msg);
	case IDENT_ERROR:
		return (size_t)snprintf(at, room, "error %s ", peer_error_name(a->error));
	case IDENT_WAIT:
		return (size_t)snprintf(at, room, "wait %u ", a->call);
	case IDENT_NS_MAKE:
		return (size_t)snprintf(at, room, "make %u ", a->ns);
	case IDENT_NS_DROP:
		return (size_t)snprintf(at, room, "drop %u ", a->ns);
	case IDENT_DUPLICATED:
		return (size_t)snprintf(at, room, "duplicated %s ", name(a->other));
	case IDENT_COMPLETE:
		return (size_t)snprintf(at, room, "complete ");
	case IDENT_SETTLED:
		return (size_t)snprintf(at, room, "settled ");
	case IDENT_GIVEN_UP:
		return (size_t)snprintf(at, room, "given-up%s ", a->expired ? "-expired" : "");
	case IDENT_REMOVED:
		return (size_t)snprintf(at, room, "identity-removed ");
	case IDENT_WITHOUT_NICS:
		return (size_t)snprintf(at, room, "without-nics ");
	case IDENT_IARC_ADDED:
	case IDENT_IARC_CHANGED:
	case IDENT_IARC_REMOVING:
	case IDENT_IARC_REMOVED:
		len = (size_t)snprintf(at, room, "%s%s-%s", iarcs[a->kind - IDENT_IARC_ADDED],
		    name(a->iarc.id), name(a->iarc.peer));
		return len + (size_t)snprintf(at + len, room - len, "@%u ",
		    a->iarc.peer_linklocal & 0xff);
	case IDENT_ARC_BROKEN:
		return (size_t)snprintf(at, room, "broken ");
	}
	return 0;
}

static void
did(const char *want, int line)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < out.n && len < TEXT; i++)
		len += print_action(text + len, TEXT - len, &out.v[i]);
	if (strcmp(text, want) != 0)
		tap_note("line %d: have \"%s\", want \"%s\"", line, text, want);
	CU_ASSERT_STRING_EQUAL(text, want);
	ident_out_empty(&out);
	check();
}
#define DID(want) did(want, __LINE__)

/* The number of the last call that was asked for, or 0; to be taken before DID(). */
static uint32_t
last_call(void)
{
	for (size_t i = out.n; i-- > 0; )
		if (out.v[i].kind == IDENT_CALL)
			return out.v[i].call;
	return 0;
}

static void
later(uint64_t by)
{
	uint64_t until = now + by;

	while (ident_deadline(x) <= until) {
		uint64_t t = ident_deadline(x);

		now = t > now ? t : now;
		ident_tick(x, now, &out);
		CU_ASSERT_TRUE_FATAL(ident_deadline(x) > now);
	}
	now = until;
}

/* --- what neighbours say --------------------------------------------------------------- */

static void
receive(uint32_t arc, uint32_t call, const struct peer_msg *m)
{
	ident_receive(x, now, arc, call, m, &out);
}

static void
receive_who(uint32_t arc, uint32_t call, uint32_t main)
{
	const struct peer_msg m = { .type = PEER_get_main_id, .get_main_id = { main } };

	receive(arc, call, &m);
}

static void
receive_removed(uint32_t arc, uint32_t call, uint32_t from, uint32_t to)
{
	const struct peer_msg m = { .type = PEER_iarc_removed, .iarc_removed = { from, to } };

	receive(arc, call, &m);
}

static struct peer_msg
match_msg(uint32_t migration, uint32_t old, uint32_t made, unsigned place, const uint32_t *peers,
    uint16_t n)
{
	struct peer_msg m = { .type = PEER_match_duplication };
	const ntk_mac_t mac = MAC_OF(place);

	m.match_duplication = (struct peer_match_duplication){ .migration = migration, .old = old,
	    .made = made, .linklocal = LL_OF(place), .peers = { peers, n } };
	memcpy(m.match_duplication.mac, mac.b, 6);
	return m;
}

/* Call 7: OLD became MADE and is at PLACE now; asks about PEER of ours. */
static void
receive_match(uint32_t arc, uint32_t migration, uint32_t old, uint32_t made, unsigned place,
    uint32_t peer)
{
	const struct peer_msg m = match_msg(migration, old, made, place, &peer, 1);

	receive(arc, 7, &m);
}

static void
answer_main(uint32_t arc, uint32_t call, uint32_t main)
{
	const struct peer_msg m = { .type = PEER_main_id, .main_id = { main } };

	ident_answer(x, now, arc, call, IDENT_ANSWERED, 0, &m, &out);
}

static void
answer_error(uint32_t arc, uint32_t call, uint8_t error)
{
	ident_answer(x, now, arc, call, IDENT_REFUSED, error, NULL, &out);
}

static void
answer_gone(uint32_t arc, uint32_t call)
{
	const struct peer_msg m = { .type = PEER_iarc_gone };

	ident_answer(x, now, arc, call, IDENT_ANSWERED, 0, &m, &out);
}

static void
answer_matched(uint32_t arc, uint32_t call, const struct peer_match *v, uint16_t n)
{
	const struct peer_msg m = { .type = PEER_matched, .matched = { .matches = { v, n } } };

	ident_answer(x, now, arc, call, IDENT_ANSWERED, 0, &m, &out);
}

static void
answer_match(uint32_t arc, uint32_t call, uint32_t peer, uint8_t status, uint32_t made,
    unsigned place)
{
	struct peer_match e = { .peer = peer, .status = status, .made = made };
	const ntk_mac_t mac = MAC_OF(place);

	if (status == PEER_MATCH_MOVED) {
		memcpy(e.mac, mac.b, 6);
		e.linklocal = LL_OF(place);
	}
	answer_matched(arc, call, &e, 1);
}

/* --- usual beginnings ----------------------------------------------------------------------- */

static uint32_t
own(uint32_t index)
{
	struct ident_identity i;

	return ident_find_index(x, index, &i) ? i.id : 0;
}

/* Device 0 is joined with PEER at place 101, device 1 (ARC_2) with PEER_2 at 102. */
static void
join(uint32_t arc)
{
	unsigned dev = arc == ARC_1 ? 0 : 1;
	uint32_t call;

	CU_ASSERT_TRUE(ident_arc_add(x, now, arc, dev, MAC_OF(101 + dev), LL_OF(101 + dev), &out));
	call = last_call();
	ident_out_empty(&out);
	answer_main(arc, call, PEER + dev);
	ident_out_empty(&out);
}

/* Up to the moment in which the neighbours are asked; the call over ARC_1. */
static uint32_t
duplicate_prepared(uint32_t migration, uint32_t index)
{
	ntk_mac_t mac[CONF_INTERFACES];
	unsigned ns;
	uint32_t call;

	CU_ASSERT_EQUAL(ident_duplicate(x, now, migration, own(index), NULL, &out), IDENT_OK);
	ns = out.v[out.n - 1].ns;
	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		mac[d] = (ntk_mac_t){ { 0x4e, 0, 0, (uint8_t)migration, (uint8_t)index,
		    (uint8_t)d } };
	ident_ns_made(x, now, ns, mac, &out);
	ident_out_empty(&out);
	ident_ns_complete(x, now, ns, &out);
	call = out.n != 0 ? out.v[0].call : 0;
	return call;
}

/* The same from the beginning. */
static uint32_t
duplicate(uint32_t migration, uint32_t index)
{
	CU_ASSERT_EQUAL(ident_prepare(x, now, migration, own(index), &out), IDENT_OK);
	return duplicate_prepared(migration, index);
}

/* --- section 11.3 ----------------------------------------------------------------------------- */

/* Q2: the smaller migration first; the larger one waits, and its caller is told so every 3 s. */
static void
test_q2(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	call = duplicate(5000, 0);
	DID("match 5000 #0>#1 501; ");
	receive_match(ARC_1, 6000, PEER, NEW, 103, own(0));
	DID("");
	later(2999 * MS);
	DID("");
	later(MS);
	DID("wait 7 ");
	later(3 * SEC);
	DID("wait 7 ");
	answer_match(ARC_1, call, PEER, PEER_MATCH_STAYED, 0, 0);
	DID("+#1-501@101 ~#0-501@103 +#0-601@101 ~#1-501@103 +#1-601@101 matched #0:1 #1:1; "
	    "complete settled ");
	CU_ASSERT_EQUAL(ident_stats(x)->deferred, 1);
	end();
}

/* The other way round it is answered at once, and equal ids never wait for each other. */
static void
test_q2_smaller(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	call = duplicate(6000, 0);
	ident_out_empty(&out);
	receive_match(ARC_1, 5000, PEER, NEW, 103, own(0));
	DID("~#0-501@103 +#0-601@101 matched #0:1; ");
	/* The answer to ours names the one that came meanwhile as well. */
	answer_matched(ARC_1, call, (const struct peer_match[]){ { .peer = PEER, .status = 1 },
	    { .peer = NEW, .status = 1 } }, 2);
	DID("+#1-501@103 +#1-601@101 complete settled ");
	end();
	begin();
	join(ARC_1);
	call = duplicate(6000, 0);
	ident_out_empty(&out);
	receive_match(ARC_1, 6000, PEER, NEW, 103, own(0));
	DID("matched #0:2; ");
	answer_match(ARC_1, call, PEER, PEER_MATCH_MOVED, NEW, 103);
	DID("+#1-601@101 ~#0-501@103 complete settled ");
	end();
}

/* Q1: it knows our new identity, so it has answered us, and the answer is still under way. */
static void
test_q1(void)
{
	uint32_t call, ours;
	struct peer_msg m;

	begin();
	join(ARC_1);
	call = duplicate(6000, 0);
	ident_out_empty(&out);
	ours = own(1);
	m = match_msg(5000, PEER, NEW, 103, (const uint32_t[]){ own(0), ours }, 2);
	receive(ARC_1, 8, &m);
	DID("");
	answer_match(ARC_1, call, PEER, PEER_MATCH_STAYED, 0, 0);
	DID("+#1-501@101 ~#0-501@103 +#0-601@101 ~#1-501@103 +#1-601@101 matched #0:1 #1:1; "
	    "complete settled ");
	end();
}

/* Q3: a member that is not ready waits; given up, it counts as none. */
static void
test_q3(void)
{
	begin();
	join(ARC_1);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 9, own(0), &out), IDENT_OK);
	receive_match(ARC_1, 9, PEER, NEW, 103, own(0));
	DID("");
	CU_ASSERT_EQUAL(ident_give_up(x, now, 9, own(0), &out), IDENT_OK);
	DID("given-up ~#0-501@103 +#0-601@101 matched #0:1; ");
	end();
	begin();
	join(ARC_1);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 9, own(0), &out), IDENT_OK);
	later(595 * (uint64_t)SEC);
	receive_match(ARC_1, 9, PEER, NEW, 103, own(0));
	later(6 * SEC);
	DID("wait 7 given-up-expired ~#0-501@103 +#0-601@101 matched #0:1; ");
	end();
}

/* It is prepared and cannot begin, for it is busy: the neighbour is told to ask again. */
static void
test_busy(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	join(ARC_2);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 9, own(0), &out), IDENT_OK);
	call = duplicate(8, 0);
	answer_match(ARC_1, call, PEER, PEER_MATCH_STAYED, 0, 0);
	ident_out_empty(&out);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 9, own(0), NULL, &out), IDENT_BUSY);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 10, own(0), &out), IDENT_BUSY);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 10, own(1), &out), IDENT_BUSY);
	CU_ASSERT_EQUAL(ident_remove(x, now, own(0), &out), IDENT_BUSY);
	receive_match(ARC_1, 9, PEER, NEW, 103, own(0));
	DID("error busy ");
	/* As the caller: again after 500 ms. */
	CU_ASSERT_EQUAL(ident_stats(x)->refused_in, 0);
	end();
	begin();
	join(ARC_1);
	call = duplicate(8, 0);
	ident_out_empty(&out);
	for (unsigned i = 0; i < 3; i++) {
		answer_error(ARC_1, call, PEER_E_BUSY);
		DID("");
		later(499 * MS);
		DID("");
		later(MS);
		call = last_call();
		DID("match 8 #0>#1 501; ");
	}
	answer_match(ARC_1, call, PEER, PEER_MATCH_STAYED, 0, 0);
	DID("+#1-501@101 complete settled ");
	CU_ASSERT_EQUAL(ident_stats(x)->again, 3);
	end();
}

/* Waits keep the call alive, 60 s at most; without them 10 s are all. */
static void
test_waits(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	call = duplicate(8, 0);
	ident_out_empty(&out);
	for (unsigned i = 0; i < 7; i++) {
		later(8 * SEC);
		ident_waiting(x, now, ARC_1, call, &out);
		DID("");
	}
	later(3999 * MS);
	DID("");
	later(MS);
	DID("+#1-501@101 complete settled ");
	later(10 * MS);
	DID("-#0-501@101 x#0-501@101 -#1-501@101 x#1-501@101 broken ");
	/* An answer after all that is nobody's. */
	answer_match(ARC_1, call, PEER, PEER_MATCH_STAYED, 0, 0);
	DID("");
	end();
	begin();
	join(ARC_1);
	duplicate(8, 0);
	ident_out_empty(&out);
	later(9999 * MS);
	DID("");
	later(MS);
	DID("+#1-501@101 complete settled ");
	end();
}

/* What the neighbour does not know ends; the principal one goes on with the new identity (11.3). */
static void
test_unknown(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	DID("+#0-777@109 ");
	call = duplicate(8, 0);
	DID("match 8 #0>#1 501 777; ");
	answer_matched(ARC_1, call, (const struct peer_match[]){ { .peer = PEER },
	    { .peer = OTHER } }, 2);
	DID("-#0-501@101 x#0-501@101 +#1-501@101 -#0-777@109 x#0-777@109 complete settled ");
	end();
}

/* Identity-arcs that came while the call was under way are asked about in another. */
static void
test_repeat(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	call = duplicate(8, 0);
	ident_out_empty(&out);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	ident_out_empty(&out);
	answer_match(ARC_1, call, PEER, PEER_MATCH_STAYED, 0, 0);
	call = last_call();
	DID("+#1-501@101 match 8 #0>#1 777; ");
	answer_match(ARC_1, call, OTHER, PEER_MATCH_STAYED, 0, 0);
	DID("+#1-777@109 complete settled ");
	end();
}

/* The neighbour changed identity-arcs that we do not have: it is told. */
static void
test_remainder(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	call = duplicate(8, 0);
	ident_out_empty(&out);
	answer_matched(ARC_1, call, (const struct peer_match[]){ { .peer = PEER, .status = 1 },
	    { .peer = OTHER, .status = 1 } }, 2);
	DID("+#1-501@101 removed #0 777 removed #1 777 complete settled ");
	end();
}

/* Complete when the one that takes part has asked; 10 s after we were ready at the latest. */
static void
test_complete(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	call = duplicate(8, 0);
	ident_out_empty(&out);
	answer_match(ARC_1, call, PEER, PEER_MATCH_MOVED, NEW, 103);
	DID("+#1-601@101 ~#0-501@103 ");
	receive_match(ARC_1, 8, PEER, NEW, 103, own(0));
	DID("matched #0:2; complete settled ");
	end();
	begin();
	join(ARC_1);
	call = duplicate(8, 0);
	ident_out_empty(&out);
	later(SEC);
	answer_match(ARC_1, call, PEER, PEER_MATCH_MOVED, NEW, 103);
	ident_out_empty(&out);
	later(8999 * MS);
	DID("");
	later(MS);
	DID("complete ");
	CU_ASSERT_EQUAL(ident_remove(x, now, own(0), &out), IDENT_BUSY);
	/* One that says so and never asks keeps it busy for a while, not for ever. */
	later(61 * SEC);
	DID("settled ");
	end();
}

/*
 * --- section 14 and 8
 * ---------------------------------------------------------------------------
 */

/* 14.3: the neighbour's main identity is another one than we heard. */
static void
test_stale(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	receive_who(ARC_1, 5, NEW);
	DID("main #0 ");
	later(14999 * MS);
	DID("");
	later(MS);
	call = last_call();
	DID("who #0 ");
	answer_main(ARC_1, call, NEW);
	DID("-#0-501@101 x#0-501@101 +#0-601@101 ");
	CU_ASSERT_EQUAL(ident_stats(x)->stale, 1);
	later(100 * (uint64_t)SEC);
	DID("");
	/* A request for the duplication comes in time: nothing was stale. */
	receive_who(ARC_1, 5, OTHER);
	receive_match(ARC_1, 3, NEW, OTHER, 104, own(0));
	DID("main #0 ~#0-601@104 +#0-777@101 matched #0:1; ");
	later(100 * (uint64_t)SEC);
	DID("");
	/* It says one thing and then the other. */
	receive_who(ARC_1, 5, PEER);
	later(15 * SEC);
	call = last_call();
	DID("main #0 who #0 ");
	answer_main(ARC_1, call, OTHER);
	later(100 * (uint64_t)SEC);
	DID("");
	end();
}

/*
 * Our main identity changed while we asked who is theirs: they formed theirs with the former
 * one.
 */
static void
test_told_other(void)
{
	uint32_t call, match;

	begin();
	join(ARC_2);
	CU_ASSERT_TRUE(ident_arc_add(x, now, ARC_1, 0, MAC_OF(101), LL_OF(101), &out));
	call = last_call();
	DID("who #0 ");
	match = duplicate(3, 0);
	DID("match 3 #0>#1 502; ");
	answer_main(ARC_1, call, PEER);
	call = last_call();
	DID("+#1-501@101 who #1 ");
	answer_main(ARC_1, call, PEER);
	DID("");
	answer_match(ARC_2, match, PEER_2, PEER_MATCH_STAYED, 0, 0);
	DID("+#1-502@102 complete settled ");
	end();
}

/* 14.4: no answer in 10 s; 14.6: an error is an answer. */
static void
test_who(void)
{
	uint32_t call;

	begin();
	CU_ASSERT_TRUE(ident_arc_add(x, now, ARC_1, 0, MAC_OF(101), LL_OF(101), &out));
	call = last_call();
	DID("who #0 ");
	answer_error(ARC_1, call, PEER_E_NOT_ACCEPTED);
	DID("");
	later(SEC);
	call = last_call();
	DID("who #0 ");
	answer_match(ARC_1, call, 1, 0, 0, 0);		/* not what was asked */
	later(10 * MS);
	DID("broken ");
	CU_ASSERT_EQUAL(ident_arcs(x), 0);
	CU_ASSERT_FALSE(ident_arc_remove(x, now, ARC_1, &out));
	CU_ASSERT_TRUE(ident_arc_add(x, now, ARC_1 + 1, 0, MAC_OF(101), LL_OF(101), &out));
	ident_out_empty(&out);
	later(9999 * MS);
	DID("");
	later(11 * MS);
	DID("broken ");
	end();
}

/* 14.5: calls over an arc that is not here. */
static void
test_nowhere(void)
{
	struct peer_msg odd = { .type = PEER_destroy };

	begin();
	receive_who(99, 5, PEER);
	receive_match(99, 8, PEER, NEW, 103, own(0));
	receive_removed(99, 5, PEER, own(0));
	DID("main #0 matched #0:0; gone ");
	receive(99, 5, &odd);
	DID("error malformed ");
	join(ARC_1);
	receive(ARC_1, 5, &odd);
	DID("error malformed ");
	/* T10 */
	receive_removed(ARC_1, 5, OTHER, own(0));
	receive_removed(ARC_1, 5, PEER, OTHER);
	DID("gone gone ");
	end();
}

/* 14.6: an error to a duplication is as "does not take part", and the arc stays. */
static void
test_error(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	call = duplicate(8, 0);
	ident_out_empty(&out);
	answer_error(ARC_1, call, PEER_E_MALFORMED);
	DID("+#1-501@101 complete settled ");
	later(100 * (uint64_t)SEC);
	DID("");
	CU_ASSERT_EQUAL(ident_arcs(x), 1);
	CU_ASSERT_EQUAL(ident_stats(x)->refused_out, 1);
	end();
}

/* Answers that cannot be: the arc is broken. */
static void
test_malformed(void)
{
	const struct peer_match wrong[][2] = {
		{ { .peer = PEER, .status = PEER_MATCH_MOVED, .made = NEW,
		    .linklocal = LL_OF(103) } },
		{ { .peer = PEER, .status = PEER_MATCH_MOVED, .made = NEW, .mac = { 0, 1 } } },
		{ { .peer = PEER, .status = PEER_MATCH_MOVED, .mac = { 0, 1 },
		    .linklocal = LL_OF(103) } },
		{ { .peer = PEER, .status = 1 }, { .peer = PEER, .status = 1 } },
		{ { .peer = OTHER, .status = 1 }, { .peer = NEW, .status = 1 } },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint32_t call;

		begin();
		join(ARC_1);
		call = duplicate(8, 0);
		ident_out_empty(&out);
		answer_matched(ARC_1, call, wrong[i], wrong[i][1].peer != 0 ? 2 : 1);
		later(10 * MS);
		DID("+#1-501@101 complete settled -#0-501@101 x#0-501@101 -#1-501@101 x#1-501@101 "
		    "broken ");
		end();
	}
	/* Nothing about what was asked. */
	begin();
	join(ARC_1);
	answer_matched(ARC_1, duplicate(8, 0), NULL, 0);
	CU_ASSERT_EQUAL(ident_stats(x)->broken, 1);
	end();
}

/* 14.12: repeated commands; records and their lives. */
static void
test_records(void)
{
	struct ident_record v[4];
	uint32_t call, made = 1;

	begin();
	join(ARC_1);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 8, own(0), &made, &out), IDENT_UNKNOWN_OPERATION);
	CU_ASSERT_EQUAL(made, 0);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 0, own(0), &out), IDENT_INVALID);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 8, OTHER, &out), IDENT_UNKNOWN_IDENTITY);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 8, OTHER, NULL, &out), IDENT_UNKNOWN_IDENTITY);
	CU_ASSERT_EQUAL(ident_give_up(x, now, 8, own(0), &out), IDENT_UNKNOWN_OPERATION);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 8, own(0), &out), IDENT_OK);
	later(500 * (uint64_t)SEC);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 8, own(0), &out), IDENT_OK);
	later(599 * (uint64_t)SEC);
	DID("");
	CU_ASSERT_EQUAL(ident_records(x, v, 4), 1);
	CU_ASSERT_EQUAL(v[0].state, IDENT_PREPARED);
	call = duplicate(8, 0);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 8, own(0), &made, &out), IDENT_OK);
	CU_ASSERT_EQUAL(made, own(1));
	CU_ASSERT_EQUAL(ident_give_up(x, now, 8, own(0), &out), IDENT_BUSY);
	answer_match(ARC_1, call, PEER, PEER_MATCH_MOVED, NEW, 103);
	ident_out_empty(&out);
	/* A late neighbour is still told, and once more; after 600 s it is not. */
	later(400 * (uint64_t)SEC);
	ident_out_empty(&out);
	CU_ASSERT_EQUAL(ident_records(x, v, 4), 1);
	CU_ASSERT_EQUAL(v[0].state, IDENT_DONE);
	CU_ASSERT_EQUAL(v[0].made, own(1));
	receive_match(ARC_1, 8, PEER, NEW, 103, own(0));
	DID("matched #0:2; ");
	receive_match(ARC_1, 8, PEER, NEW, 103, own(0));
	DID("matched #0:2; ");
	later(201 * (uint64_t)SEC);
	DID("");
	CU_ASSERT_EQUAL(ident_records(x, v, 4), 0);
	end();
}

/* 14.12: its 600 s are over before the neighbour's silence is: it goes at once, and no time in the past is named. */
static void
test_late_record(void)
{
	struct ident_record v[4];

	begin();
	join(ARC_1);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 8, own(0), &out), IDENT_OK);
	later(595 * (uint64_t)SEC);
	duplicate_prepared(8, 0);
	CU_ASSERT_EQUAL(ident_records(x, v, 4), 1);
	later(params.exchange_cap);
	CU_ASSERT_EQUAL(ident_records(x, v, 4), 0);
	end();
}

/* A record goes with either of its identities. */
static void
test_record_of_removed(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	call = duplicate(8, 0);
	answer_match(ARC_1, call, PEER, PEER_MATCH_STAYED, 0, 0);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 9, own(0), &out), IDENT_OK);
	ident_out_empty(&out);
	CU_ASSERT_EQUAL(ident_remove(x, now, own(0), &out), IDENT_OK);
	call = last_call();
	DID("removed #0 501 ");
	receive_match(ARC_1, 9, PEER, NEW, 103, own(0));
	DID("~#1-501@103 +#1-601@101 matched #1:1 #0:0; ");
	answer_gone(ARC_1, call);
	DID("given-up drop 1 identity-removed ");
	CU_ASSERT_EQUAL(ident_records(x, NULL, 0), 0);
	end();
}

/*
 * One that leaves carries what neighbours send to it.  Who asks it to end an identity-arc has turned away, and is
 * answered when all the others have, or had their time: only then nothing comes from here.
 */
static void
leaves(bool answered)
{
	uint32_t call, last;

	begin();
	join(ARC_1);
	call = duplicate(8, 0);
	answer_match(ARC_1, call, PEER, PEER_MATCH_STAYED, 0, 0);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(109), &out), IDENT_OK);
	ident_out_empty(&out);
	CU_ASSERT_EQUAL(ident_remove(x, now, own(0), &out), IDENT_OK);
	last = last_call();
	DID("removed #0 501 removed #0 777 ");
	receive_removed(ARC_1, 4, PEER, own(0));
	DID("");
	/* No call is left open by another one. */
	receive_removed(ARC_1, 5, PEER, own(0));
	CU_ASSERT(out.n == 1 && out.v[0].call == 4);
	DID("gone ");
	CU_ASSERT_FALSE(ident_is_quiet(x));
	if (answered) {
		answer_gone(ARC_1, last);
	} else {
		later(params.notify - 1);
		DID("");
		later(1);
	}
	DID("gone drop 1 identity-removed ");
	/* Asked once more, and a late answer: it is not there. */
	receive_removed(ARC_1, 6, PEER, 501);
	DID("gone ");
	answer_gone(ARC_1, last);
	DID("");
	end();
}

static void
test_leaving(void)
{
	leaves(true);
	leaves(false);
}

/* A request once more changes nothing. */
static void
test_repeated_request(void)
{
	begin();
	join(ARC_1);
	receive_match(ARC_1, 8, PEER, NEW, 103, own(0));
	DID("~#0-501@103 +#0-601@101 matched #0:1; ");
	receive_match(ARC_1, 8, PEER, NEW, 103, own(0));
	DID("matched #0:1; ");
	CU_ASSERT_EQUAL(ident_iarcs(x, own(0), NULL, 0), 2);
	end();
}

/* Both ends remove the same one at once, and orders about what is not there. */
static void
test_remove_iarc(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	ident_out_empty(&out);
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, ARC_1, own(0), OTHER, true, &out), IDENT_OK);
	call = last_call();
	DID("removed #0 777 ");
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, ARC_1, own(0), OTHER, true, &out), IDENT_OK);
	DID("");
	/* The other end may be one that leaves and still carries packets here: its answer to us tells when it does not. */
	receive_removed(ARC_1, 5, OTHER, own(0));
	DID("gone ");
	CU_ASSERT_EQUAL(ident_iarcs(x, own(0), NULL, 0), 2);
	answer_gone(ARC_1, call);
	DID("x#0-777@109 ");
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, ARC_1, own(0), OTHER, true, &out),
	    IDENT_UNKNOWN_ARC);
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, 99, own(0), PEER, true, &out), IDENT_UNKNOWN_ARC);
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, ARC_1, 1, PEER, true, &out),
	    IDENT_UNKNOWN_IDENTITY);
	/* Without telling: at once.  No answer: after 500 ms. */
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, ARC_1, own(0), OTHER, false, &out), IDENT_OK);
	DID("+#0-777@109 x#0-777@109 ");
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, ARC_1, own(0), OTHER, true, &out), IDENT_OK);
	ident_out_empty(&out);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_BUSY);
	later(params.notify - MS);
	DID("");
	later(MS);
	DID("x#0-777@109 ");
	end();
}

static void
test_add_iarc(void)
{
	struct ident_iarc i;

	begin();
	join(ARC_1);
	join(ARC_2);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), PEER, MAC_OF(101), LL_OF(101), &out),
	    IDENT_EXISTS);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, 1, OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_UNKNOWN_IDENTITY);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, 99, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_UNKNOWN_ARC);
	/* Zero, ours, another's, no address of a neighbour. */
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), 0, MAC_OF(109), LL_OF(109), &out),
	    IDENT_INVALID);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(1), &out),
	    IDENT_INVALID);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(2), LL_OF(109), &out),
	    IDENT_INVALID);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(101), &out),
	    IDENT_INVALID);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(102), LL_OF(109), &out),
	    IDENT_INVALID);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), 0x0a000001, &out),
	    IDENT_INVALID);
	DID("");
	/* The same link-local through another device is another neighbour. */
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(102), &out),
	    IDENT_OK);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	DID("+#0-777@102 ~#0-777@109 ");
	CU_ASSERT_TRUE(ident_iarc_between(x, ARC_1, own(0), OTHER, &i));
	CU_ASSERT_TRUE(i.index == 2 && !i.principal && !i.closing && i.prev == 0);
	CU_ASSERT_TRUE(ident_iarc(x, i.number, &i) && i.peer == OTHER);
	CU_ASSERT_FALSE(ident_iarc(x, i.number + 1, &i));
	end();
}

/*
 * Neighbours that have a connectivity identity with ours are asked first: what the moved one sends from its new
 * place is dropped there before they know it.  The others wait for their answers, and not for ever.
 */
static void
test_ahead(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	join(ARC_2);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_2, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	call = duplicate(8, 0);
	DID("match 8 #0>#1 502 777; ");
	later(params.ahead - 1);
	DID("");
	CU_ASSERT_EQUAL(ident_deadline(x), now + 1);
	later(1);
	DID("match 8 #0>#1 501; ");
	answer_matched(ARC_2, call, (const struct peer_match[]){ { .peer = OTHER, .status = 1 },
	    { .peer = PEER_2, .status = 1 } }, 2);
	DID("+#1-777@109 +#1-502@102 ");
	end();
	/* An end of that arc is as good as an answer. */
	begin();
	join(ARC_1);
	join(ARC_2);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_2, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	duplicate(8, 0);
	ident_out_empty(&out);
	CU_ASSERT_TRUE(ident_arc_remove(x, now, ARC_2, &out));
	DID("-#0-502@102 x#0-502@102 -#0-777@109 x#0-777@109 match 8 #0>#1 501; ");
	end();
}

/*
 * Copies come first among the identity-arcs of the new one, whoever answers first (manual-mode
 * 2).
 */
static void
test_indices(void)
{
	struct ident_iarc v[8];
	uint32_t call, first;

	begin();
	join(ARC_1);
	join(ARC_2);
	/* A peer for connectivity: this neighbour goes first. */
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_2, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	first = duplicate(8, 0);
	DID("match 8 #0>#1 502 777; ");
	/* A new arc of the new identity is there before any copy. */
	CU_ASSERT_TRUE(ident_arc_add(x, now, 33, 1, MAC_OF(111), LL_OF(111), &out));
	answer_main(33, last_call(), 888);
	ident_out_empty(&out);
	answer_matched(ARC_2, first, (const struct peer_match[]){ { .peer = OTHER, .status = 1 },
	    { .peer = PEER_2, .status = 1 } }, 2);
	call = last_call();
	DID("+#1-777@109 +#1-502@102 match 8 #0>#1 501; ");
	answer_match(ARC_1, call, PEER, PEER_MATCH_STAYED, 0, 0);
	DID("+#1-501@101 complete settled ");
	CU_ASSERT_EQUAL(ident_iarcs(x, own(1), v, 8), 4);
	CU_ASSERT_TRUE(v[0].peer == PEER && v[1].peer == PEER_2 && v[2].peer == OTHER &&
	    v[3].peer == 888);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(v[i].index, i);
	/* Fewer than there are: the first ones. */
	CU_ASSERT_EQUAL(ident_iarcs(x, own(1), v, 2), 4);
	CU_ASSERT_TRUE(v[0].peer == PEER && v[1].peer == PEER_2);
	end();
}

/*
 * --- namespaces
 * ------------------------------------------------------------------------------------
 */

static bool
all_taken(ntk_ip_t linklocal, void *arg)
{
	(void)linklocal;
	return *(const bool *)arg;
}

static void
test_namespaces(void)
{
	ntk_mac_t mac[CONF_INTERFACES] = { MAC_OF(50), MAC_OF(51) };
	struct ident_ns n;
	bool taken = true;
	struct rng rng;
	unsigned ns;
	uint32_t index;

	begin();
	ident_free(x);
	rng_init(&rng, 3);
	x = ident_new(&params, &rng, all_taken, &taken);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	CU_ASSERT_TRUE(ident_dev_add(x, now, 0, MAC_OF(1), LL_OF(1), &out));
	CU_ASSERT_TRUE(ident_dev_add(x, now, 1, MAC_OF(2), LL_OF(2), &out));
	CU_ASSERT_TRUE(ident_reserve(x, &ns, &index) && ns == 1 && index == 1);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 8, own(0), &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 8, own(0), NULL, &out), IDENT_EXHAUSTED);
	DID("");
	taken = false;
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 8, own(0), NULL, &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 8, own(0), NULL, &out), IDENT_OK);
	DID("make 2 ");
	CU_ASSERT_TRUE(ident_ns(x, 2, &n) && !n.made && n.id == own(0));
	CU_ASSERT_TRUE(n.nic[0].present && n.nic[1].present && !n.nic[2].present);
	CU_ASSERT_TRUE(linklocal_is_usable(n.nic[0].linklocal) &&
	    n.nic[0].linklocal != n.nic[1].linklocal);
	CU_ASSERT_FALSE(ident_ns(x, 1, &n) || ident_ns(x, 3, &n) || ident_ns(x, 1000, &n));
	/* A MAC that is known already: the namespace goes again. */
	mac[1] = MAC_OF(1);
	ident_ns_made(x, now, 2, mac, &out);
	DID("drop 2 given-up ");
	CU_ASSERT_TRUE(ident_ns(x, 2, &n) && n.leaving && n.id == own(0));
	CU_ASSERT_EQUAL(ident_prepare(x, now, 9, own(0), &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 9, own(0), NULL, &out), IDENT_OK);
	DID("make 3 ");
	ident_ns_refused(x, now, 3, &out);
	DID("given-up ");
	ident_ns_gone(x, now, 2, &out);
	ident_ns_gone(x, now, 1, &out);
	ident_ns_gone(x, now, 0, &out);
	ident_ns_gone(x, now, 7, &out);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 10, own(0), &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 10, own(0), NULL, &out), IDENT_OK);
	DID("make 1 ");
	mac[1] = MAC_OF(51);
	ident_ns_made(x, now, 1, mac, &out);
	CU_ASSERT_EQUAL(own(1), 0);
	CU_ASSERT_TRUE(ident_ns(x, 1, &n) && n.made && n.id == own(0));
	CU_ASSERT_EQUAL(mac_cmp(n.nic[1].mac, MAC_OF(51)), 0);
	CU_ASSERT_TRUE(ident_ns(x, 0, &n) && n.id == own(2) && n.id == ident_main(x));
	/* Answers nobody waits for. */
	ident_ns_made(x, now, 1, mac, &out);
	ident_ns_refused(x, now, 1, &out);
	ident_out_empty(&out);
	ident_ns_complete(x, now, 2, &out);
	DID("");
	ident_ns_complete(x, now, 1, &out);
	DID("complete settled ");
	end();
}

/*
 * --- limits and lies
 * -----------------------------------------------------------------------------------
 */

static void
test_limits(void)
{
	unsigned refused = 0;

	begin();
	join(ARC_1);
	for (uint32_t i = 1; i <= params.max_records; i++)
		CU_ASSERT_EQUAL(ident_prepare(x, now, i, own(0), &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 1000, own(0), &out), IDENT_EXHAUSTED);
	/* Requests that wait for them. */
	for (uint32_t i = 1; i <= 64; i++)
		receive_match(ARC_1, i, PEER, NEW, 103, own(0));
	DID("");
	receive_match(ARC_1, 65, PEER, NEW, 103, own(0));
	DID("error busy ");
	end();
	/* One neighbour that invents identities for ever. */
	begin();
	join(ARC_1);
	join(ARC_2);
	for (uint32_t i = 0; i < 200; i++) {
		struct peer_msg m = match_msg(1, 1000 + i, 1001 + i, 0, (const uint32_t[]){ 1 }, 1);

		m.match_duplication.old = i == 0 ? PEER : 1000 + i;
		m.match_duplication.linklocal = 0xa9fe0a01 + (i / 200) * 256 + i % 200;
		m.match_duplication.mac[0] = 2;
		m.match_duplication.mac[5] = (uint8_t)i;
		receive(ARC_1, 7, &m);
		refused += out.v[out.n - 1].kind == IDENT_ERROR;
		ident_out_empty(&out);
		check();
	}
	CU_ASSERT_EQUAL(ident_iarcs(x, own(0), NULL, 0), 64 + 1);
	CU_ASSERT_EQUAL(ident_stats(x)->refused_in, 1);
	CU_ASSERT_EQUAL(refused, 1);	/* later ones are about identities that we never heard of */
	end();
	/* Arcs. */
	begin();
	params.max_arcs = 2;
	CU_ASSERT_FALSE(ident_arc_add(x, now, 0, 0, MAC_OF(101), LL_OF(101), &out));
	CU_ASSERT_FALSE(ident_arc_add(x, now, 1, 2, MAC_OF(101), LL_OF(101), &out));
	CU_ASSERT_FALSE(ident_arc_add(x, now, 1, 99, MAC_OF(101), LL_OF(101), &out));
	CU_ASSERT_FALSE(ident_arc_add(x, now, 1, 0, MAC_OF(1), LL_OF(101), &out));
	CU_ASSERT_FALSE(ident_arc_add(x, now, 1, 0, MAC_OF(101), LL_OF(2), &out));
	CU_ASSERT_FALSE(ident_arc_add(x, now, 1, 0, MAC_OF(101), 1, &out));
	CU_ASSERT_TRUE(ident_arc_add(x, now, 1, 0, MAC_OF(101), LL_OF(101), &out));
	CU_ASSERT_FALSE(ident_arc_add(x, now, 1, 1, MAC_OF(102), LL_OF(102), &out));
	CU_ASSERT_FALSE(ident_arc_add(x, now, 2, 0, MAC_OF(102), LL_OF(101), &out));
	CU_ASSERT_FALSE(ident_arc_add(x, now, 2, 1, MAC_OF(101), LL_OF(102), &out));
	CU_ASSERT_TRUE(ident_arc_add(x, now, 2, 1, MAC_OF(102), LL_OF(101), &out));
	CU_ASSERT_FALSE(ident_arc_add(x, now, 3, 1, MAC_OF(103), LL_OF(103), &out));
	CU_ASSERT_FALSE(ident_dev_add(x, now, 0, MAC_OF(3), LL_OF(3), &out));
	CU_ASSERT_FALSE(ident_dev_add(x, now, 99, MAC_OF(3), LL_OF(3), &out));
	CU_ASSERT_FALSE(ident_dev_remove(x, now, 5, &out));
	ident_out_empty(&out);
	end();
}

static void
test_identities_limit(void)
{
	begin();
	params.max_identities = 3;
	duplicate(1, 0);
	duplicate(2, 1);
	ident_out_empty(&out);
	CU_ASSERT_EQUAL(ident_identities(x), 3);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 3, own(0), &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 3, own(0), NULL, &out), IDENT_EXHAUSTED);
	DID("");
	end();
	/* All namespaces are taken. */
	begin();
	for (unsigned i = 1; i < IDENT_NAMESPACES; i++) {
		unsigned ns;
		uint32_t index;

		CU_ASSERT_TRUE(ident_reserve(x, &ns, &index));
		CU_ASSERT_TRUE(ns == i && index == i);
	}
	CU_ASSERT_EQUAL(ident_prepare(x, now, 3, own(0), &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 3, own(0), NULL, &out), IDENT_EXHAUSTED);
	DID("");
	end();
}

/* 14.21: a place that is ours, or another neighbour's: only the liar's identity-arc goes. */
static void
test_lies(void)
{
	unsigned places[] = { 1, 102 };

	for (size_t i = 0; i < 2; i++) {
		begin();
		join(ARC_1);
		join(ARC_2);
		receive_match(ARC_1, 8, PEER, NEW, places[i], own(0));
		DID("-#0-501@101 x#0-501@101 +#0-601@101 matched #0:3; ");
		CU_ASSERT_EQUAL(ident_stats(x)->dropped, 1);
		end();
	}
	/*
	 * The same in an answer of one that takes part: it is told when it must have its own
	 * end.
	 */
	begin();
	join(ARC_1);
	answer_match(ARC_1, duplicate(8, 0), PEER, PEER_MATCH_MOVED, NEW, 1);
	ident_out_empty(&out);
	later(SEC);
	/* Another duplication of it meanwhile: we do not know where it was. */
	receive_match(ARC_1, 20, PEER, OTHER, 104, own(0));
	DID("matched #0:0; ");
	receive_match(ARC_1, 8, PEER, NEW, 103, own(0));
	DID("matched #0:2; complete settled removed #0 501 ");
	later(params.notify);
	DID("x#0-501@101 ");
	end();
	/* As the caller, of a neighbour that cannot use our place. */
	begin();
	join(ARC_1);
	answer_match(ARC_1, duplicate(8, 0), PEER, PEER_MATCH_DROPPED, 0, 0);
	ident_out_empty(&out);
	CU_ASSERT_EQUAL(ident_iarcs(x, own(0), NULL, 0), 0);
	CU_ASSERT_EQUAL(ident_iarcs(x, own(1), NULL, 0), 1);
	end();
	/* A request that cannot be. */
	begin();
	join(ARC_1);
	receive_match(ARC_1, 8, PEER, PEER, 103, own(0));
	DID("error malformed ");
	end();
}

/* Somebody's identity claimed the address of a neighbour that comes later: it makes way. */
static void
test_make_way(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	receive_match(ARC_1, 8, PEER, NEW, 103, own(0));
	ident_out_empty(&out);
	CU_ASSERT_TRUE(ident_arc_add(x, now, 33, 0, MAC_OF(104), LL_OF(103), &out));
	call = last_call();
	ident_out_empty(&out);
	answer_main(33, call, OTHER);
	DID("-#0-501@103 x#0-501@103 removed #0 501 +#0-777@103 ");
	end();
}

/* Real interfaces of one card may share a MAC; nothing else is shared. */
static void
test_devices(void)
{
	struct ident_nic nic;

	begin();
	duplicate(8, 0);
	ident_out_empty(&out);
	CU_ASSERT_TRUE(ident_nic(x, own(0), 0, &nic));
	CU_ASSERT_FALSE(ident_dev_add(x, now, 2, MAC_OF(3), LL_OF(1), &out));
	CU_ASSERT_FALSE(ident_dev_add(x, now, 2, MAC_OF(3), nic.linklocal, &out));
	CU_ASSERT_FALSE(ident_dev_add(x, now, 2, nic.mac, LL_OF(3), &out));
	CU_ASSERT_FALSE(ident_dev_add(x, now, 2, MAC_OF(3), 0x7f000001, &out));
	CU_ASSERT_TRUE(ident_dev_add(x, now, 2, MAC_OF(1), LL_OF(3), &out));
	DID("");
	CU_ASSERT_TRUE(ident_nic(x, own(1), 2, &nic));
	CU_ASSERT_FALSE(ident_nic(x, own(0), 2, &nic));
	CU_ASSERT_FALSE(ident_nic(x, OTHER, 0, &nic));
	/* What is being made counts as well. */
	CU_ASSERT_EQUAL(ident_prepare(x, now, 9, own(1), &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 9, own(1), NULL, &out), IDENT_OK);
	{
		struct ident_ns ns;

		CU_ASSERT_TRUE(ident_ns(x, 2, &ns) && !ns.made);
		CU_ASSERT_FALSE(ident_dev_add(x, now, 3, MAC_OF(4), ns.nic[0].linklocal, &out));
		join(ARC_1);
		CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(1), OTHER, MAC_OF(109),
		    ns.nic[0].linklocal, &out), IDENT_INVALID);
	}
	end();
}

/* Whoever has to turn something over is told from where and to where. */
static void
test_former(void)
{
	begin();
	join(ARC_1);
	receive_match(ARC_1, 8, PEER, NEW, 103, own(0));
	CU_ASSERT_EQUAL_FATAL(out.n, 3);
	CU_ASSERT_EQUAL(out.v[0].kind, IDENT_IARC_CHANGED);
	CU_ASSERT_TRUE(out.v[0].only_neighbour);
	CU_ASSERT_EQUAL(out.v[0].former_linklocal, LL_OF(101));
	CU_ASSERT_EQUAL(mac_cmp(out.v[0].former_mac, MAC_OF(101)), 0);
	CU_ASSERT_EQUAL(out.v[0].iarc.peer_linklocal, LL_OF(103));
	CU_ASSERT_EQUAL(mac_cmp(out.v[0].iarc.peer_mac, MAC_OF(103)), 0);
	CU_ASSERT_TRUE(!out.v[0].iarc.principal && out.v[1].iarc.principal);
	CU_ASSERT_TRUE(out.v[2].kind == IDENT_RESULT && out.v[2].call == 7 && out.v[2].arc == ARC_1);
	end();
	begin();
	join(ARC_1);
	answer_match(ARC_1, duplicate(8, 0), PEER, PEER_MATCH_MOVED, NEW, 103);
	CU_ASSERT_EQUAL_FATAL(out.n, 3);
	CU_ASSERT_TRUE(out.v[0].kind == IDENT_CALL && out.v[0].limit == 10 * SEC);
	CU_ASSERT_TRUE(out.v[1].iarc.both && out.v[1].iarc.prev == out.v[2].iarc.number);
	CU_ASSERT_FALSE(out.v[2].only_neighbour);
	CU_ASSERT_EQUAL(out.v[2].former_linklocal, LL_OF(101));
	end();
}

/* The arc fails after the identities changed places and before the neighbours may be asked. */
static void
test_broken_early(void)
{
	ntk_mac_t mac[CONF_INTERFACES] = { MAC_OF(50), MAC_OF(51) };
	uint32_t call;

	begin();
	join(ARC_1);
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, ARC_1, own(0), PEER, false, &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(109), LL_OF(109), &out),
	    IDENT_OK);
	CU_ASSERT_EQUAL(ident_prepare(x, now, 9, own(0), &out), IDENT_OK);
	later(SEC);
	call = last_call();
	DID("x#0-501@101 +#0-777@109 who #0 ");
	CU_ASSERT_EQUAL(ident_duplicate(x, now, 9, own(0), NULL, &out), IDENT_OK);
	ident_ns_made(x, now, 1, mac, &out);
	ident_out_empty(&out);
	ident_answer(x, now, ARC_1, call, IDENT_LINK_FAILED, 0, NULL, &out);
	/* Nothing is asked or answered over it any more, as if it were gone. */
	receive_match(ARC_1, 7, OTHER, NEW, 103, own(0));
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(110), LL_OF(110), &out),
	    IDENT_UNKNOWN_ARC);
	ident_ns_complete(x, now, 1, &out);
	DID("matched #0:0; +#1-777@109 complete settled ");
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, ARC_1, own(0), OTHER, true, &out), IDENT_OK);
	later(10 * MS);
	DID("x#0-777@109 -#1-777@109 x#1-777@109 broken ");
	end();
}

/* Two neighbours whose main identities cannot be told apart: the second waits. */
static void
test_doubled(void)
{
	uint32_t call;

	begin();
	join(ARC_1);
	/* PEER_2 claims, through an order, what ARC_1's neighbour has on the other device. */
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_1, own(0), OTHER, MAC_OF(102), LL_OF(109), &out),
	    IDENT_OK);
	CU_ASSERT_TRUE(ident_arc_add(x, now, ARC_2, 1, MAC_OF(102), LL_OF(102), &out));
	call = last_call();
	ident_out_empty(&out);
	answer_main(ARC_2, call, PEER_2);
	DID("-#0-777@109 x#0-777@109 removed #0 777 +#0-502@102 ");
	/* Told to be elsewhere by order, it is put where a main identity must be. */
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, ARC_2, own(0), PEER_2, MAC_OF(120), LL_OF(120), &out),
	    IDENT_OK);
	later(SEC);
	call = last_call();
	DID("~#0-502@120 who #0 ");
	answer_main(ARC_2, call, PEER_2);
	DID("-#0-502@120 x#0-502@120 +#0-502@102 ");
	/* No room for it: asked again every second. */
	params.max_iarcs = 2;
	CU_ASSERT_TRUE(ident_arc_add(x, now, 33, 1, MAC_OF(103), LL_OF(103), &out));
	call = last_call();
	ident_out_empty(&out);
	answer_main(33, call, 900);
	CU_ASSERT_EQUAL(ident_iarc_add(x, now, 33, own(0), OTHER, MAC_OF(130), LL_OF(130), &out),
	    IDENT_EXHAUSTED);
	DID("");
	params.max_iarcs = 3;
	later(SEC);
	call = last_call();
	DID("who #0 ");
	answer_main(33, call, 900);
	DID("+#0-900@103 ");
	end();
}

static void
test_queries(void)
{
	struct ident_neighbour v[4];
	struct ident_identity id;
	struct ident_iarc i;
	struct ident_arc a;

	begin();
	join(ARC_2);
	join(ARC_1);
	CU_ASSERT_EQUAL(ident_arcs(x), 2);
	a = ident_arc_at(x, 0);
	CU_ASSERT_TRUE(a.arc == ARC_1 && a.dev == 0 && a.peer_linklocal == LL_OF(101));
	CU_ASSERT_EQUAL(mac_cmp(a.peer_mac, MAC_OF(101)), 0);
	CU_ASSERT_EQUAL(ident_arc_at(x, 2).arc, 0);
	CU_ASSERT_TRUE(ident_arc_find(x, ARC_2, &a) && a.dev == 1);
	CU_ASSERT_FALSE(ident_arc_find(x, 99, &a));
	CU_ASSERT_EQUAL(ident_identity_at(x, 1).id, 0);
	CU_ASSERT_FALSE(ident_find(x, OTHER, &id));
	CU_ASSERT_FALSE(ident_find_index(x, 1, &id));
	CU_ASSERT_FALSE(ident_iarc_between(x, 99, own(0), PEER, &i));
	CU_ASSERT_FALSE(ident_iarc_between(x, ARC_1, OTHER, PEER, &i));
	CU_ASSERT_FALSE(ident_iarc_between(x, ARC_1, own(0), PEER_2, &i));
	CU_ASSERT_EQUAL(ident_neighbours(x, OTHER, v, 4), 0);
	CU_ASSERT_EQUAL(ident_neighbours(x, own(0), v, 4), 2);
	CU_ASSERT_TRUE(v[0].dev == 0 && v[0].linklocal == LL_OF(101) && v[1].dev == 1);
	/* That of an arc is there before anybody is known at its other end. */
	CU_ASSERT_EQUAL(ident_iarc_remove(x, now, ARC_1, own(0), PEER, false, &out), IDENT_OK);
	CU_ASSERT_EQUAL(ident_neighbours(x, own(0), v, 1), 2);
	CU_ASSERT_FALSE(ident_is_quiet(x));
	end();
}

static void
test_names(void)
{
	CU_ASSERT_STRING_EQUAL(ident_result_name(IDENT_UNKNOWN_OPERATION), "unknown_operation");
	CU_ASSERT_STRING_EQUAL(ident_result_name((enum ident_result)99), "?");
	for (unsigned t = 0; t < 256; t++)
		CU_ASSERT_EQUAL(ident_is_message((uint8_t)t), t >= 8 && t <= 13);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "Q2: the smaller migration first, and waits", test_q2 },
		{ "Q2: a smaller or an equal one does not wait", test_q2_smaller },
		{ "Q1: its answer is still under way", test_q1 },
		{ "Q3: a member that is not ready", test_q3 },
		{ "a member that is busy: asked again", test_busy },
		{ "limits of an exchange", test_waits },
		{ "identity-arcs that the neighbour does not have", test_unknown },
		{ "identity-arcs that come during an exchange", test_repeat },
		{ "identity-arcs that we do not have", test_remainder },
		{ "when a duplication is complete", test_complete },
		{ "14.3: the neighbour's main identity is another one", test_stale },
		{ "14.3: ours is another one than we said", test_told_other },
		{ "14.4, 14.6: who is main", test_who },
		{ "14.5, T10: calls about what is not here", test_nowhere },
		{ "14.6: an error is an answer", test_error },
		{ "14.6: answers that cannot be", test_malformed },
		{ "14.12: records and repeated commands", test_records },
		{ "a record that settles late", test_late_record },
		{ "records of identities that go", test_record_of_removed },
		{ "an identity that leaves answers when all have turned away", test_leaving },
		{ "a request once more", test_repeated_request },
		{ "the end of one identity-arc", test_remove_iarc },
		{ "one identity-arc by order", test_add_iarc },
		{ "connectivity identities are asked first", test_ahead },
		{ "indices of copies", test_indices },
		{ "namespaces: reserved, refused, with a MAC that is known", test_namespaces },
		{ "limits: records, requests, peers, arcs", test_limits },
		{ "limits: identities, namespaces", test_identities_limit },
		{ "14.21: places that cannot be a neighbour's", test_lies },
		{ "a claimed address and its owner", test_make_way },
		{ "devices that share something", test_devices },
		{ "what is told of a change", test_former },
		{ "an arc that fails before the neighbours are asked", test_broken_early },
		{ "main identities whose addresses are taken", test_doubled },
		{ "queries", test_queries },
		{ "names and numbers", test_names },
	};

	return TAP_RUN(tests);
}
