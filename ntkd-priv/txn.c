/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/txn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/must.h"
#include "ntkd-priv/print.h"
#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_netns.h"
#include "ntkd-priv/x_route.h"
#include "ntkd-priv/x_sysctl.h"

/* Above this many the list of steps is given back when the transaction ends. */
enum { STEPS_KEPT = 1024 };

void
txn_init(struct txn *t, const struct policy *p, struct ledger *l)
{
	memset(t, 0, sizeof(*t));
	t->policy = p;
	t->ledger = l;
	tbf_init(&t->namespaces, TXN_NS_BURST, TXN_NS_RATE, mono_now());
	tbf_init(&t->devs, TXN_DEV_BURST, TXN_DEV_RATE, mono_now());
}

void
txn_begin(struct txn *t)
{
	t->n = 0;
	t->ops = 0;
	t->n_results = 0;
	t->open = true;
	t->failed = false;
	t->undoing = false;
	t->last_seen = false;
	t->peers_changed = false;
}

/* --- refusals ------------------------------------------------------------------ */

/* The first failure is the one that is answered. */
static void
fail(struct txn *t, uint32_t op, uint8_t type, enum priv_reason reason, const char *field)
{
	t->failed = true;
	memset(&t->refusal, 0, sizeof(t->refusal));
	t->refusal.op = op;
	t->refusal.reason = (uint16_t)reason;
	snprintf(t->refusal.operation, sizeof(t->refusal.operation), "%s", priv_op_name(type));
	snprintf(t->refusal.field, sizeof(t->refusal.field), "%s", field);
}

static void
fail_policy(struct txn *t, const struct priv_op *op, const struct ruling *r)
{
	char ip[IP_TEXT], text[MAC_TEXT];
	ntk_mac_t mac;

	fail(t, t->ops, op->type, r->reason, r->field);
	memcpy(mac.b, op->peer_take.mac, sizeof(mac.b));
	if (r->value_is_ip)
		snprintf(t->refusal.value, sizeof(t->refusal.value), "%s", ip_print(r->value, ip));
	else if (strcmp(r->field, "mac") == 0)
		snprintf(t->refusal.value, sizeof(t->refusal.value), "%s", mac_print(mac, text));
	else if (r->field[0] != '\0')
		snprintf(t->refusal.value, sizeof(t->refusal.value), "0x%x", r->value);
}

static void
fail_kernel(struct txn *t, const struct step *s, const struct nlq_error *err)
{
	if (t->failed)
		return;
	fail(t, s->op, s->type, PRIV_R_KERNEL, "");
	print_object(t->ledger, change_subject(&s->change), t->refusal.value,
	    sizeof(t->refusal.value));
	t->refusal.error = err->error;
	log_escape(err->text, strlen(err->text), t->refusal.text, sizeof(t->refusal.text));
}

/* An undo that the kernel refuses cannot be answered, only told. */
static void
undo_failed(const struct txn *t, const struct step *s, const struct nlq_error *err)
{
	const struct obj *o = change_subject(&s->change);
	char text[PRINT_OBJECT];

	print_object(t->ledger, o, text, sizeof(text));
	log_remote(mono_now(), "undo", "%s %s: %s %s", print_kind(o->kind), text,
	    strerror(err->error), err->text);
}

/* --- making a change -------------------------------------------------------------- */

/*
 * What was sent and not answered may have been done: undo shall try, and not mind.  Not so
 * for addresses, which the kernel removes whoever made them.
 */
static void
step_ended(void *arg, uint32_t i, const struct nlq_error *err)
{
	struct txn *t = arg;
	struct step *s = &t->steps[i];
	bool removal = s->change.has_to == t->undoing && s->change.has_from != t->undoing;

	if (err != NULL && removal && x_route_is_gone(err->error))
		err = NULL;
	if (t->undoing && err != NULL)
		undo_failed(t, s, err);
	if (t->undoing)
		return;
	s->state = err == NULL || (err->unanswered && change_subject(&s->change)->kind != OBJ_ADDR) ?
	    STEP_DONE : STEP_FAILED;
	if (err != NULL)
		fail_kernel(t, s, err);
}

static void
rt_flush(struct txn *t)
{
	nlq_send(&t->rt, true, step_ended, t, NULL);
}

static void
nft_flush(struct txn *t)
{
	const struct step *s;
	struct nlq_error err;
	unsigned ns = t->nft.ns;

	if (!t->nft.open)
		return;
	if (x_nft_commit(&t->nft, t->ledger, &err) != 0) {
		s = &t->steps[err.step < t->n ? err.step : t->n - 1];
		if (t->undoing)
			undo_failed(t, s, &err);
		else
			fail_kernel(t, s, &err);
		return;
	}
	if (t->undoing)
		return;
	for (size_t i = 0; i < t->n; i++) {
		const struct obj *o = change_subject(&t->steps[i].change);

		if (x_nft_has(o->kind) && o->ns == ns && t->steps[i].state == STEP_PENDING)
			t->steps[i].state = STEP_DONE;
	}
}

/* What is collected has an answer to come about O. */
static bool
is_under_way(const struct txn *t, const struct obj *o)
{
	for (size_t i = 0; i < t->rt.n; i++)
		if (obj_is_same(change_subject(&t->steps[t->rt.steps[i]].change), o))
			return true;
	return false;
}

/*
 * An object that comes and is changed or goes again in one batch: had the kernel refused
 * it because somebody else's is in its place, that one would be changed, or would go.
 */
static void
make_route(struct txn *t, const struct change *ch, const struct obj *o, uint32_t i)
{
	struct nl_sock *sk = t->ledger->ns[o->ns].rt;

	if (t->rt.n == NLQ_BATCH || (t->rt.n != 0 && t->rt.sk != sk) ||
	    (ch->has_from && is_under_way(t, o)))
		rt_flush(t);
	if (t->failed && !t->undoing)
		return;
	t->rt.sk = sk;
	nlq_add(&t->rt, x_route_message(t->policy->conf, t->ledger, ch), i);
}

static void
make_nft(struct txn *t, const struct change *ch, const struct obj *o, uint32_t i)
{
	if (t->nft.open && t->nft.ns != o->ns)
		nft_flush(t);
	if (!t->nft.open)
		x_nft_begin(&t->nft, t->policy->conf, t->ledger, o->ns);
	x_nft_change(&t->nft, ch, i);
}

/* A neighbour is nothing but its slot. */
static void
make_peer(struct txn *t, const struct change *ch, const struct obj *o)
{
	struct peer *p = &t->ledger->peer[o->peer];

	t->peers_changed = true;
	if (!ch->has_to) {
		ledger_release(t->ledger, o);
		return;
	}
	p->slot = (struct slot){ true, o->generation };
	p->mac = o->mac;
	p->table = o->number;
}

static int
make_default_ns(struct txn *t, const struct change *ch)
{
	int error = ch->has_to ? x_sysctl_prepare(t->ledger->ns[NS_DEFAULT].rt) : 0;

	if (!ch->has_to || error != 0)
		x_sysctl_restore(t->ledger, JOURNAL_FORWARDING, 0);
	return error;
}

/* What cannot wait in a batch: everything collected before goes out first. */
static void
make_at_once(struct txn *t, const struct change *ch, const struct obj *o, uint32_t i)
{
	struct nlq_error err = { .error = 0 };

	rt_flush(t);
	if (!ch->has_to)
		nft_flush(t);
	if (t->failed && !t->undoing)
		return;
	if (o->kind == OBJ_PEER)
		make_peer(t, ch, o);
	else if (o->kind == OBJ_DEV)
		err.error = x_link_change(t->ledger, ch, &err);
	else if (o->ns == NS_DEFAULT)
		err.error = make_default_ns(t, ch);
	else
		err.error = x_netns_change(t->ledger, ch, &err);
	step_ended(t, i, err.error != 0 ? &err : NULL);
}

static void
make(struct txn *t, const struct change *ch, uint32_t i)
{
	const struct obj *o = change_subject(ch);

	if (x_route_has(o->kind))
		make_route(t, ch, o, i);
	else if (x_nft_has(o->kind))
		make_nft(t, ch, o, i);
	else
		make_at_once(t, ch, o, i);
}

/* --- operations --------------------------------------------------------------------- */

/* PRIV_HANDLE_NEW(n) becomes the handle of what this transaction made as n-th. */
static void
references_resolve(const struct txn *t, struct priv_op *op)
{
	const struct msg_desc *d = msg_find(priv_ops, priv_n_ops, op->type);

	for (size_t i = 0; i < d->n_fields; i++) {
		uint8_t *at = (uint8_t *)&op->ns_prepare + d->fields[i].offset;
		uint32_t h;

		if (d->fields[i].kind != MSG_HANDLE)
			continue;
		memcpy(&h, at, sizeof(h));
		if (PRIV_HANDLE_KIND(h) == PRIV_H_NEW && PRIV_HANDLE_INDEX(h) < t->n_results &&
		    PRIV_HANDLE_GENERATION(h) == 0)
			memcpy(at, &t->results[PRIV_HANDLE_INDEX(h)].handle, sizeof(h));
	}
}

static struct step *
step_add(struct txn *t, uint8_t type, const struct change *ch)
{
	if (t->n == t->size) {
		t->size = t->size != 0 ? t->size * 2 : NLQ_BATCH;
		t->steps = must(realloc(t->steps, t->size * sizeof(*t->steps)));
	}
	t->steps[t->n] = (struct step){ t->ops, type, STEP_PENDING, *ch };
	return &t->steps[t->n++];
}

/* What ntkd will call the object that was just made. */
static void
result_note(struct txn *t, const struct obj *o)
{
	const struct ledger *l = t->ledger;
	struct priv_result *r = &t->results[t->n_results++];

	memset(r, 0, sizeof(*r));
	if (o->kind == OBJ_NS) {
		r->handle = ledger_handle(l, PRIV_H_NS, o->ns);
		r->number = l->ns[o->ns].number;
		r->id = l->ns[o->ns].id;
	} else if (o->kind == OBJ_DEV) {
		r->handle = ledger_handle(l, PRIV_H_DEV, o->dev);
		r->number = (uint32_t)l->dev[o->dev].ifindex;
		memcpy(r->mac, l->dev[o->dev].mac.b, sizeof(r->mac));
	} else {
		r->handle = ledger_handle(l, PRIV_H_PEER, o->peer);
		r->number = l->peer[o->peer].table;
		memcpy(r->mac, l->peer[o->peer].mac.b, sizeof(r->mac));
	}
}

static bool
is_too_often(struct txn *t, uint8_t type)
{
	return (type == PRIV_OP_ns_create && !tbf_pass(&t->namespaces, mono_now())) ||
	    (type == PRIV_OP_dev_create && !tbf_pass(&t->devs, mono_now()));
}

static void
op_do(struct txn *t, const struct priv_op *op)
{
	struct ruling r;

	policy_judge(t->policy, t->ledger, op, &r);
	if (r.reason == PRIV_R_OK && t->last_seen)
		r.reason = PRIV_R_ORDER;
	if (r.reason == PRIV_R_OK && (t->ops >= PRIV_TXN_OPS ||
	    (priv_op_makes(op->type) && t->n_results == PRIV_TXN_RESULTS)))
		r.reason = PRIV_R_LIMIT;
	if (r.reason == PRIV_R_OK && is_too_often(t, op->type))
		r.reason = PRIV_R_RATE;
	if (r.reason != PRIV_R_OK) {
		fail_policy(t, op, &r);
		return;
	}
	ledger_apply(t->ledger, &r.change);
	step_add(t, op->type, &r.change);
	t->last_seen = priv_op_is_last(op->type);
	if (!t->last_seen)
		make(t, &r.change, (uint32_t)(t->n - 1));
	if (!t->failed && priv_op_makes(op->type))
		result_note(t, &r.change.to);
}

void
txn_op(struct txn *t, struct priv_op *op)
{
	if (!t->failed) {
		references_resolve(t, op);
		op_do(t, op);
	}
	t->ops++;
}

static void
undo(struct txn *t)
{
	struct change back;

	nlq_drop(&t->rt);
	t->nft.open = false;
	t->undoing = true;
	for (size_t i = t->n; i-- > 0; ) {
		const struct step *s = &t->steps[i];

		back = change_reversed(&s->change);
		ledger_apply(t->ledger, &back);
		if (s->state == STEP_DONE)
			make(t, &back, (uint32_t)i);
	}
	rt_flush(t);
	nft_flush(t);
	t->undoing = false;
}

/* What cannot be undone is done when nothing else can fail any more. */
static void
last_make(struct txn *t)
{
	const struct change ch = t->steps[t->n - 1].change;

	make(t, &ch, (uint32_t)(t->n - 1));
}

void
txn_end(struct txn *t, bool rehearse)
{
	rt_flush(t);
	if (!t->failed)
		nft_flush(t);
	if (!t->failed && !rehearse && t->last_seen)
		last_make(t);
	if (t->failed || rehearse)
		undo(t);
	t->open = false;
	t->n = 0;
	if (t->size > STEPS_KEPT) {
		free(t->steps);
		t->steps = NULL;
		t->size = 0;
	}
}

/* --- the end -------------------------------------------------------------------------- */

/* As if O had been made by a step that is undone now; in batches that take no memory. */
static void
remove_one(struct txn *t, const struct obj *o)
{
	const struct change made = { .has_to = true, .to = *o };
	const struct change back = change_reversed(&made);

	if (t->n == NLQ_BATCH) {
		rt_flush(t);
		nft_flush(t);
		t->n = 0;
	}
	step_add(t, 0, &made)->state = STEP_DONE;
	ledger_apply(t->ledger, &back);
	make(t, &back, (uint32_t)(t->n - 1));
}

/* The newest object of a namespace of ours, with which its contents go. */
static const struct node *
newest_namespace(const struct ledger *l)
{
	const struct node *n;

	TAILQ_FOREACH_REVERSE(n, &l->order, node_list, order)
		if (n->obj.kind == OBJ_NS && n->obj.ns != NS_DEFAULT)
			return n;
	return NULL;
}

void
txn_undo_all(struct txn *t)
{
	const struct node *n;
	struct obj o;

	if (t->open)
		txn_end(t, true);
	txn_begin(t);
	t->undoing = true;
	while ((n = newest_namespace(t->ledger)) != NULL) {
		o = n->obj;
		remove_one(t, &o);
	}
	x_netns_close(t->ledger);
	while ((n = TAILQ_LAST(&t->ledger->order, node_list)) != NULL) {
		o = n->obj;
		remove_one(t, &o);
	}
	rt_flush(t);
	nft_flush(t);
	x_nft_remove_table(t->ledger->ns[NS_DEFAULT].nft);
}
