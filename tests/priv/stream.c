/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/stream.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/tap.h"

enum {
	REPLAYS = 64,
	TRIES = 8,		/* for a valid operation of a verb; then another verb */
	OPS_MOST = 600,		/* of one transaction */
	LIFE = 40000,		/* operations of one life, about */
};

struct stream {
	struct attack *a;
	struct priv_op old[REPLAYS];	/* operations that were valid once */
	unsigned n_old;
	uint32_t mood;			/* verbs of this transaction, by their place in the table */
	unsigned hostile;		/* operations of this transaction that may fail */
	uint64_t judged;
	uint64_t transactions;
	uint64_t rehearsals;
	uint64_t parts;
};

/* --- one operation --------------------------------------------------------- */

/* How often a verb comes: what makes the kernel wait comes seldom. */
static unsigned
weight(uint8_t verb)
{
	switch (verb) {
	case PRIV_OP_ns_create:
	case PRIV_OP_ns_drop:
	case PRIV_OP_dev_drop:
		return 1;
	case PRIV_OP_dev_create:
	case PRIV_OP_nat_set:
	case PRIV_OP_nat_drop:
		return 4;
	case PRIV_OP_route_set:
		return 100;
	default:
		return 40;
	}
}

static uint8_t
any_verb(struct stream *s)
{
	struct rng *r = &s->a->rng;
	size_t i;

	do
		i = rng_below(r, (uint32_t)priv_n_ops);
	while ((priv_ops[i].type != PRIV_OP_route_set && (s->mood >> (i % 32) & 1) == 0) ||
	    rng_below(r, 100) >= weight(priv_ops[i].type));
	return priv_ops[i].type;
}

static bool
valid(struct stream *s, struct priv_op *op)
{
	for (int i = 0; i < TRIES; i++)
		if (model_valid(&s->a->m, &s->a->rng, any_verb(s), op))
			return true;
	return false;
}

/* One field, or with ALL each, becomes a hostile value that the bounds let through. */
static void
spoil(struct stream *s, struct priv_op *op, bool all)
{
	static struct pool pool;
	static struct pool_handles handles;
	const struct msg_desc *d = pool_desc(op);
	struct rng *r = &s->a->rng;
	size_t only = rng_below(r, (uint32_t)d->n_fields);

	model_handles(&s->a->m, &handles);
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct msg_field *f = &d->fields[i];
		uint64_t was = pool_get(f, pool_body(op));

		if (!all && i != only)
			continue;
		pool_fill(&pool, f, was, &handles);
		for (int tries = 0; pool.n != 0 && tries < TRIES; tries++) {
			pool_set(f, pool_body(op), pool.v[rng_below(r, (uint32_t)pool.n)]);
			if (pool_passes(op))
				break;
			pool_set(f, pool_body(op), was);
		}
	}
}

static void
half_valid(struct stream *s, struct priv_op *op)
{
	struct rng *r = &s->a->rng;
	uint32_t way = rng_below(r, 10);

	if (way < 2 && s->n_old != 0)
		*op = s->old[rng_below(r, s->n_old < REPLAYS ? s->n_old : REPLAYS)];
	else
		attack_example(s->a, any_verb(s), op);
	if (way >= 1)
		spoil(s, op, way >= 8);
}

static void
add(struct stream *s, const struct priv_op *op, enum attack_kind kind)
{
	client_add(&s->a->c, op);
	s->a->sent[kind]++;
	/* If it fails the whole model is as before. */
	model_apply(&s->a->m, op);
	s->old[s->n_old++ % REPLAYS] = *op;
}

/* --- one transaction ------------------------------------------------------- */

static unsigned
any_size(struct rng *r)
{
	uint32_t way = rng_below(r, 20);

	return way < 16 ? 1 + rng_below(r, 6) : way < 18 ? 1 + rng_below(r, 60) :
	    1 + rng_below(r, OPS_MOST);
}

static unsigned
fill(struct stream *s, unsigned size)
{
	struct attack *a = s->a;
	struct rng *r = &a->rng;
	/* What follows a refused operation is not looked at: small ones are mostly hostile. */
	bool hostile = rng_below(r, 4) < (size <= 6 ? 3 : 1);
	unsigned n = 0, bad = hostile ? rng_below(r, size) : size;
	struct priv_op op;

	s->hostile = 0;
	for (; n < size; n++) {
		bool is_bad = n == bad || (s->hostile != 0 && rng_below(r, 30) == 0);

		if (is_bad)
			half_valid(s, &op);
		else if (!valid(s, &op))
			break;
		s->hostile += is_bad;
		add(s, &op, is_bad ? ATTACK_RANDOM : ATTACK_VALID);
		if (rng_below(r, 300) == 0) {
			client_part(&a->c);
			s->parts++;
		}
		/* What must be last is, unless somebody is hostile. */
		if (priv_op_is_last(op.type) && s->hostile == 0)
			return n + 1;
	}
	return n;
}

static void
refused(struct stream *s)
{
	const struct priv_refusal *f = &s->a->c.refusal;

	if (s->hostile == 0 && f->reason != PRIV_R_KERNEL && f->reason != PRIV_R_RATE)
		attack_found(s->a, "transaction %ju: a valid request was refused: operation %u: %s "
		    "%s=%s: %s", (uintmax_t)s->transactions, f->op, f->operation, f->field, f->value,
		    priv_reason_text((enum priv_reason)f->reason));
}

static void
transaction(struct stream *s)
{
	static struct model before;
	struct attack *a = s->a;
	bool rehearse = rng_below(&a->rng, 10) == 0;
	enum client_end end;
	unsigned n;

	before = a->m;
	/* Three quarters of the verbs, and always routes. */
	s->mood = (uint32_t)(rng_u64(&a->rng) | rng_u64(&a->rng));
	client_begin(&a->c);
	n = fill(s, any_size(&a->rng));
	end = client_commit(&a->c, rehearse ? PRIV_REHEARSE : 0);
	attack_verdict(a, end);
	s->transactions++;
	s->rehearsals += rehearse;
	s->judged += end == CLIENT_DONE ? n : end == CLIENT_REFUSED ? a->c.refusal.op + 1 : 0;
	if (end == CLIENT_DONE && !rehearse)
		model_settle(&a->m, a->c.results, a->c.n_results);
	else
		a->m = before;
	if (end == CLIENT_REFUSED)
		refused(s);
}

/* --- lives ----------------------------------------------------------------- */

/* Random bytes behind a good beginning, in the middle of whatever stands. */
static void
malformed(struct stream *s)
{
	struct attack *a = s->a;
	uint8_t buf[600], answer[16];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	client_frame(&w, PRIV_APPLY, (uint32_t)rng_u64(&a->rng), 0, 1 + (uint16_t)rng_below(&a->rng, 3));
	for (uint32_t n = rng_below(&a->rng, 500); n > 0; n--)
		wr_u8(&w, (uint8_t)rng_u64(&a->rng));
	wr_u8(&w, 255);
	a->sent[ATTACK_FRAME]++;
	if (!client_send_raw(&a->c, buf, w.len, -1))
		attack_found(a, "%s", a->c.error);
	/* Once in a blue moon they are well formed. */
	if (client_receive(&a->c, answer, sizeof(answer)) > 0)
		attack_close(a, SNAP_ALL);
	else
		attack_ended(a, SNAP_ALL, "random bytes");
}

static bool
life(struct stream *s, uint64_t until, uint64_t each)
{
	struct attack *a = s->a;
	uint64_t next = s->judged + each;

	/* Every other life may have what the host routes, and meets the host's own there. */
	if (!attack_open(a, a->lives % 2 == 0 ? "allow-overlap=true" : NULL, true))
		return false;
	while (s->judged < until && a->open && !a->broken) {
		transaction(s);
		if (rng_below(&a->rng, 100) == 0)
			attack_check(a, rng_below(&a->rng, 2) == 0 || a->m.n[MODEL_NS] == 0 ? a->m.ns :
			    a->m.v[MODEL_NS][0].a);
		if (rng_below(&a->rng, 200) == 0)
			attack_hello(a);
		if (s->judged >= next && a->open) {
			attack_compare(a, "a part of the random stream");
			next = s->judged + each;
		}
	}
	if (!a->open)
		return false;
	if (rng_below(&a->rng, 2) == 0)
		malformed(s);
	else
		attack_close(a, SNAP_ALL);
	return true;
}

void
stream_run(struct attack *a, uint64_t requests, unsigned comparisons)
{
	static struct stream s;
	uint64_t each = requests / comparisons + 1, until = 0;

	memset(&s, 0, sizeof(s));
	s.a = a;
	while (s.judged < requests && !a->broken) {
		until = s.judged + LIFE < requests ? s.judged + LIFE : requests;
		if (!life(&s, until, each))
			break;
	}
	tap_note("random stream: %ju operations judged in %ju transactions, %ju of them rehearsals, "
	    "%ju parts apart", (uintmax_t)s.judged, (uintmax_t)s.transactions,
	    (uintmax_t)s.rehearsals, (uintmax_t)s.parts);
	if (s.judged < requests)
		attack_found(a, "the random stream ended early");
}
