/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The check that all other tests of the identities module rely on sees each thing that it looks for. */

#include "ntkd/core/ident/int.h"
#include "tests/unit/tap.h"

static struct ident_params params;
static struct ident *x;
static struct ident_out out;

static ntk_mac_t
mac_of(unsigned n)
{
	return (ntk_mac_t){ { 2, 0, 0, 0, 0, (uint8_t)n } };
}

static void
answer_main(uint32_t arc, uint32_t main)
{
	const struct peer_msg m = { .type = PEER_main_id, .main_id = { main } };
	uint32_t call = out.v[out.n - 1].call;

	ident_answer(x, 0, arc, call, IDENT_ANSWERED, 0, &m, &out);
}

/* Two identities, two arcs, three identity-arcs. */
static void
begin(void)
{
	ntk_mac_t mac[CONF_INTERFACES] = { mac_of(50), mac_of(51) };
	char why[200];
	struct rng rng;

	rng_init(&rng, 1);
	ident_params_default(&params);
	ident_out_init(&out);
	x = ident_new(&params, &rng, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	ident_dev_add(x, 0, 0, mac_of(1), 0xa9fe0101, &out);
	ident_dev_add(x, 0, 1, mac_of(2), 0xa9fe0102, &out);
	ident_prepare(x, 0, 5, ident_main(x), &out);
	ident_duplicate(x, 0, 5, ident_main(x), NULL, &out);
	ident_ns_made(x, 0, 1, mac, &out);
	ident_ns_complete(x, 0, 1, &out);
	ident_arc_add(x, 0, 1, 0, mac_of(101), 0xa9fe0201, &out);
	answer_main(1, 501);
	ident_arc_add(x, 0, 2, 1, mac_of(102), 0xa9fe0202, &out);
	answer_main(2, 502);
	ident_iarc_add(x, 0, 1, ident_main(x), 503, mac_of(103), 0xa9fe0203, &out);
	CU_ASSERT_TRUE_FATAL(ident_invariant(x, why, sizeof(why)));
	CU_ASSERT_EQUAL_FATAL(x->n_ids, 2);
	CU_ASSERT_EQUAL_FATAL(x->arc[0]->n, 2);
	CU_ASSERT_EQUAL_FATAL(x->arc[1]->n, 1);
}

static void
end(void)
{
	ident_out_free(&out);
	ident_free(x);
}

/* WHAT is done to a sound manager, seen, and undone. */
#define SEEN(thing, wrong_value) do { \
	__typeof__(thing) was = (thing); \
	char why_[200] = ""; \
	(thing) = (wrong_value); \
	if (ident_invariant(x, why_, sizeof(why_)) || why_[0] == '\0') \
		tap_note("line %d: not seen", __LINE__); \
	CU_ASSERT_FALSE(ident_invariant(x, why_, sizeof(why_))); \
	CU_ASSERT_TRUE(why_[0] != '\0'); \
	(thing) = was; \
	CU_ASSERT_TRUE(ident_invariant(x, why_, sizeof(why_))); \
} while (0)

static void
test_identities(void)
{
	begin();
	SEEN(x->main, x->id[0]);
	SEEN(x->main->nic[0].linklocal, 0xa9fe0105);
	SEEN(x->main->nic[1].present, false);
	SEEN(x->dev[3].present, true);
	SEEN(x->id[0]->index, 7);
	SEEN(x->id[0]->id, 0);
	SEEN(x->id[0]->id, x->id[1]->id);
	SEEN(x->id[0]->ns, 0);
	SEEN(x->id[0]->ns, 9);
	SEEN(x->id[0]->nic[0].linklocal, 0xa9fe0101);
	SEEN(x->id[0]->nic[0].mac, mac_of(51));
	SEEN(x->ns[5], NS_USED);
	SEEN(x->ns[5], NS_MAKING);
	end();
}

static void
test_arcs(void)
{
	struct identity stranger = { .id = 3 };

	begin();
	SEEN(x->arc[0]->number, 3);
	SEEN(x->arc[0]->dev, 5);
	SEEN(x->arc[0]->iarc[0]->id, &stranger);
	SEEN(x->arc[0]->iarc[0]->peer, 0);
	SEEN(x->arc[0]->iarc[0]->peer, 503);
	SEEN(x->arc[0]->iarc[0]->number, x->arc[1]->iarc[0]->number);
	SEEN(x->arc[0]->iarc[0]->index, x->arc[1]->iarc[0]->index);
	SEEN(x->arc[0]->iarc[0]->linklocal, 0xa9fe0203);
	SEEN(x->arc[0]->iarc[0]->linklocal, 1);
	SEEN(x->arc[0]->iarc[0]->mac, mac_of(102));
	SEEN(x->arc[0]->iarc[0]->mac.b[0], 1);
	SEEN(x->arc[0]->iarc[0]->closing, CLOSING_OVER);
	SEEN(x->arc[0]->iarc[0]->owed, 9);
	SEEN(x->arc[0]->iarc[0]->id->leaving, true);
	SEEN(x->main->n_iarcs, 2);
	SEEN(x->arc[0]->n_requests, 65);
	SEEN(params.max_peers, 1);
	SEEN(params.max_iarcs, 2);
	end();
}

static void
test_records(void)
{
	struct identity stranger = { .id = 3 };

	begin();
	CU_ASSERT_EQUAL_FATAL(x->n_recs, 1);
	SEEN(x->rec[0]->id, &stranger);
	SEEN(x->rec[0]->made, &stranger);
	SEEN(x->rec[0]->made, NULL);
	SEEN(x->rec[0]->state, IDENT_PREPARED);
	SEEN(params.max_records, 0);
	end();
}

/* Numbers begin anew when there are no more, and pass over those in use. */
static void
test_numbers(void)
{
	char why[200];

	begin();
	ident_out_empty(&out);
	/* Open calls 1 and 2: a question, an end.  3: an exchange. */
	x->last_call = 0;
	ident_arc_add(x, 0, 3, 0, mac_of(104), 0xa9fe0204, &out);
	ident_iarc_remove(x, 0, 1, ident_main(x), 503, true, &out);
	ident_prepare(x, 0, 6, ident_main(x), &out);
	ident_duplicate(x, 0, 6, ident_main(x), NULL, &out);
	ident_ns_made(x, 0, 2, (ntk_mac_t[CONF_INTERFACES]){ mac_of(52), mac_of(53) }, &out);
	ident_ns_complete(x, 0, 2, &out);
	CU_ASSERT_EQUAL(x->arc[2]->call, 1);
	CU_ASSERT_EQUAL(x->arc[0]->iarc[1]->call, 2);
	CU_ASSERT_EQUAL(x->arc[0]->exchange[0]->call, 3);
	CU_ASSERT_EQUAL(x->arc[1]->exchange[0]->call, 4);
	x->last_call = UINT32_MAX - 1;
	ident_out_empty(&out);
	ident_arc_add(x, 0, 4, 0, mac_of(105), 0xa9fe0205, &out);
	ident_arc_add(x, 0, 5, 0, mac_of(106), 0xa9fe0206, &out);
	CU_ASSERT_EQUAL(out.n, 2);
	CU_ASSERT_EQUAL(out.v[0].call, UINT32_MAX);
	CU_ASSERT_EQUAL(out.v[1].call, 5);
	/* Identity-arcs: 1 to 3 are there. */
	x->last_number = UINT32_MAX;
	ident_iarc_add(x, 0, 1, x->id[0]->id, 504, mac_of(107), 0xa9fe0207, &out);
	CU_ASSERT_EQUAL(x->last_number, 4);
	CU_ASSERT_TRUE(ident_invariant(x, why, sizeof(why)));
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "identities, devices, namespaces", test_identities },
		{ "arcs and identity-arcs", test_arcs },
		{ "records", test_records },
		{ "numbers that were used up", test_numbers },
	};

	return TAP_RUN(tests);
}
