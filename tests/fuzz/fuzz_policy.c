/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The helper's policy against a second one (oracle_policy.h): both judge the same stream of
 * requests under the same configuration, what is allowed is entered in both, and
 * every verdict, with its reason, field and value, and every change must be the same.
 * A first byte of 1 reads the operations from the bytes as they would come over the wire.
 */

#include <string.h>

#include "tests/fuzz/fakex.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/opgen.h"
#include "tests/fuzz/oracle_policy.h"

static struct {
	struct conf conf;
	struct policy policy;
	struct ledger ledger;
	struct oracle oracle;
	struct opgen gen;
} f;

static bool
same_obj(const struct obj *a, const struct obj *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void
compare(const struct ruling *a, const struct ruling *b)
{
	must(a->reason == b->reason);
	must(a->field != NULL && strcmp(a->field, b->field) == 0);
	must(a->value == b->value && a->value_is_ip == b->value_is_ip);
	if (a->reason != PRIV_R_OK)
		return;
	must(a->change.has_from == b->change.has_from && a->change.has_to == b->change.has_to);
	must(!a->change.has_from || same_obj(&a->change.from, &b->change.from));
	must(!a->change.has_to || same_obj(&a->change.to, &b->change.to));
}

/* The handle of what was made, as the helper would answer it. */
static void
note_made(const struct obj *o)
{
	if (o->kind == OBJ_NS)
		opgen_note(&f.gen, ledger_handle(&f.ledger, PRIV_H_NS, o->ns));
	else if (o->kind == OBJ_DEV)
		opgen_note(&f.gen, ledger_handle(&f.ledger, PRIV_H_DEV, o->dev));
	else
		opgen_note(&f.gen, ledger_handle(&f.ledger, PRIV_H_PEER, o->peer));
}

static void
judge(const struct priv_op *op)
{
	struct ruling a, b;

	policy_judge(&f.policy, &f.ledger, op, &a);
	oracle_judge(&f.oracle, op, &b);
	compare(&a, &b);
	if (a.reason != PRIV_R_OK)
		return;
	ledger_apply(&f.ledger, &a.change);
	fakex_slots(&f.ledger, &a.change);
	oracle_enter(&f.oracle, &a.change);
	must(f.ledger.objects == f.oracle.n);
	if (priv_op_makes(op->type))
		note_made(&a.change.to);
}

static void
start(struct rd *r)
{
	unsigned present;

	opgen_settings(r, &f.conf, &f.policy.host);
	f.policy.conf = &f.conf;
	ledger_init(&f.ledger, &f.conf);
	present = rd_u8(r);
	present = present >= 0xf0 ? present & 7 : 7;
	for (unsigned i = 0; i < f.conf.n_interfaces; i++)
		f.ledger.dev[i + 1].slot.used = (present >> i & 1) != 0;
	oracle_init(&f.oracle, &f.conf, &f.policy.host, present);
	opgen_init(&f.gen, &f.conf, &f.policy.host, &f.ledger);
}

static void
end(void)
{
	struct node *n;

	while ((n = TAILQ_FIRST(&f.ledger.order)) != NULL) {
		TAILQ_REMOVE(&f.ledger.order, n, order);
		free(n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_error err;
	struct priv_op op;
	struct rd r;
	bool raw;

	if (size > 8192)
		return 0;
	rd_init(&r, data, size);
	raw = rd_u8(&r) == 1;
	start(&r);
	while (r.left > 0 && !r.failed)
		if (raw ? priv_op_read(&r, &op, &err) : opgen_next(&f.gen, &r, &op))
			judge(&op);
	end();
	return 0;
}
