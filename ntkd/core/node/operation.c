/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that the operator orders: records, and the verbs that make and use them (spec/manual-mode 5). */
#include "ntkd/core/node/int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"

const char *
node_op_state_name(enum node_op_state s)
{
	static const char *const names[NODE_OP_STATES] = {
		[NODE_OP_PREPARED] = "prepared",
		[NODE_OP_MAKING] = "making",
		[NODE_OP_RUNNING] = "running",
		[NODE_OP_WAITING] = "waiting",
		[NODE_OP_DONE] = "done",
		[NODE_OP_FAILED] = "failed",
	};

	return s < NODE_OP_STATES ? names[s] : "?";
}

/* --- records ---------------------------------------------------------------------------------- */

struct operation *
operation_find(struct node *n, unsigned index, uint32_t number)
{
	for (size_t i = 0; i < n->n_ops; i++)
		if (n->ops[i].identity == index && n->ops[i].number == number)
			return &n->ops[i];
	return NULL;
}

struct operation *
operation_of(struct node *n, uint32_t migration, uint32_t old)
{
	for (size_t i = 0; i < n->n_ops; i++)
		if (n->ops[i].old == old && n->ops[i].number == migration)
			return &n->ops[i];
	return NULL;
}

struct operation *
operation_made(struct node *n, uint32_t made)
{
	for (size_t i = 0; made != 0 && i < n->n_ops; i++)
		if (n->ops[i].made == made)
			return &n->ops[i];
	return NULL;
}

void
operation_state(struct node *n, struct operation *op, enum node_op_state s, const char *why)
{
	struct node_event *e = story_add(n, NODE_E_OPERATION);

	op->state = s;
	e->identity = op->identity;
	e->other = op->made_index;
	e->number = op->number;
	snprintf(e->text, sizeof(e->text), "%s%s%s", node_op_state_name(s), *why != '\0' ? ": " : "",
	    why);
}

void
operation_free(struct operation *op)
{
	free(op->arcs);
}

static void
operation_remove(struct node *n, struct operation *op)
{
	operation_free(op);
	n->n_ops--;
	memmove(op, op + 1, (size_t)(&n->ops[n->n_ops] - op) * sizeof(*op));
}

/*
 * Records stay visible until their new identity is gone, and the old one has been seen to: what is left behind
 * goes at its time, whatever has become of what was made (spec/identities 12.8).
 */
void
operations_forget(struct node *n, uint32_t made)
{
	for (size_t i = n->n_ops; i-- > 0; ) {
		struct operation *op = &n->ops[i];

		if (op->made != made)
			continue;
		op->made = 0;
		if (op->handover == NEVER)
			operation_remove(n, op);
	}
}

/* Those of which nothing is left to be done, nor to be seen. */
void
operations_sweep(struct node *n)
{
	for (size_t i = n->n_ops; i-- > 0; )
		if (n->ops[i].state >= NODE_OP_WAITING && n->ops[i].made == 0 && n->ops[i].handover == NEVER)
			operation_remove(n, &n->ops[i]);
}

uint64_t
operations_deadline(const struct node *n)
{
	uint64_t t = NEVER;

	for (size_t i = 0; i < n->n_ops; i++)
		if (n->ops[i].handover < t)
			t = n->ops[i].handover;
	return t;
}

static struct node_operation
operation_view(const struct operation *op)
{
	return (struct node_operation){
		.enter = op->enter,
		.identity = op->identity,
		.operation = op->number,
		.state = op->state,
		.waits = op->waits,
		.after = op->after,
		.has_new = op->made != 0,
		.new_identity = op->made_index,
	};
}

size_t
node_operations(const struct node *n, struct node_operation *v, size_t size)
{
	for (size_t i = 0; i < n->n_ops && i < size; i++)
		v[i] = operation_view(&n->ops[i]);
	return n->n_ops;
}

bool
node_operation(const struct node *n, unsigned identity, uint32_t operation,
    struct node_operation *out)
{
	for (size_t i = 0; i < n->n_ops; i++)
		if (n->ops[i].identity == identity && n->ops[i].number == operation) {
			*out = operation_view(&n->ops[i]);
			return true;
		}
	return false;
}

/* --- what a plan must be (spec/manual-mode 5.1) --------------------------------------------------- */

static bool
judge_levels(const struct node *n, const struct node_plan *p, struct node_error *err)
{
	unsigned levels = TOPO(n)->levels;

	if (p->guest_level >= p->host_level || p->host_level > levels) {
		fail(err, "wrong_level", p->host_level > levels ? "host-level" : "guest-level",
		    "the guest's level must be below the host's, which is %u at most", levels);
		return false;
	}
	if (p->n_host_address != levels - p->host_level) {
		fail(err, "wrong_address", "host-address", "needs %u positions, from level %u down to "
		    "level %u", levels - p->host_level, levels - 1, p->host_level);
		return false;
	}
	if (p->n_host_elderships != p->n_host_address) {
		fail(err, "wrong_address", "host-elderships", "needs %zu elderships, one for each "
		    "position of the host", p->n_host_address);
		return false;
	}
	return true;
}

static bool
judge_number(uint32_t v, uint32_t low, uint32_t high, const char *code, const char *field,
    struct node_error *err)
{
	if (v >= low && v <= high)
		return true;
	fail(err, code, field, "must be %u to %u", low, high);
	return false;
}

static bool
judge_positions(const struct node *n, const struct node_plan *p, struct node_error *err)
{
	uint32_t inner = topo_gsize(TOPO(n), p->host_level - 1);
	uint32_t guest = topo_gsize(TOPO(n), p->guest_level);

	for (size_t i = 0; i < p->n_host_address; i++) {
		unsigned level = TOPO(n)->levels - 1 - (unsigned)i;

		if (p->host_address[i] >= topo_gsize(TOPO(n), level)) {
			fail(err, "not_real", "host-address", "position %u of level %u: real ones are "
			    "below %u", p->host_address[i], level, topo_gsize(TOPO(n), level));
			return false;
		}
		if (!judge_number(p->host_elderships[i], 0, INT32_MAX, "usage", "host-elderships", err))
			return false;
	}
	return judge_number(p->temporary_position, inner, TOPO_POS_MAX, "not_virtual",
	    "temporary-position", err) &&
	    judge_number(p->temporary_eldership, 0, INT32_MAX, "usage", "temporary-eldership", err) &&
	    judge_number(p->position, 0, inner - 1, "not_real", "position", err) &&
	    judge_number(p->eldership, 0, INT32_MAX, "usage", "eldership", err) &&
	    judge_number(p->connectivity_position, guest, TOPO_POS_MAX, "not_virtual",
	    "connectivity-position", err) &&
	    judge_number(p->connectivity_eldership, 0, INT32_MAX, "usage", "connectivity-eldership",
	    err) &&
	    judge_number(p->operation, 1, UINT32_MAX, "usage", "operation", err);
}

/* The highest level at which the host differs from where ME is; -1 when it contains ME. */
static int
differs_at(const struct node *n, const struct node_plan *p, const struct naddr *me)
{
	for (size_t i = 0; i < p->n_host_address; i++) {
		unsigned level = TOPO(n)->levels - 1 - (unsigned)i;

		if (p->host_address[i] != me->pos[level])
			return (int)level;
	}
	return -1;
}

/* A host to migrate to must be seen from here; what is entered is in another network. */
static bool
judge_host(const struct node *n, const struct node_plan *p, const struct identity *id,
    struct node_error *err)
{
	int at = differs_at(n, p, qspn_address(id->qspn));
	struct coord c;

	if (p->enter)
		return true;
	if (p->n_host_address == 0) {
		if (p->position != qspn_address(id->qspn)->pos[p->host_level - 1])
			return true;
		fail(err, "position_taken", "position", "it is that of identity %u already", id->index);
		return false;
	}
	if (at < 0) {
		fail(err, "wrong_address", "host-address", "identity %u is in that g-node already",
		    id->index);
		return false;
	}
	c.level = (uint8_t)at;
	c.pos = p->host_address[TOPO(n)->levels - 1 - (unsigned)at];
	if (qspn_is_known(id->qspn, c))
		return true;
	fail(err, "wrong_address", "host-address", "no g-node is known at level %u, position %u",
	    c.level, c.pos);
	return false;
}

/* Can the g-node of level GUEST leave, and its position become CONNECTIVITY? */
static bool
judge_identity(const struct node *n, const struct identity *id, unsigned guest, uint32_t connectivity,
    const char *field, struct node_error *err)
{
	const struct naddr *me = qspn_address(id->qspn);
	struct coord c = { (uint8_t)guest, connectivity };

	for (unsigned i = guest; i < TOPO(n)->levels; i++)
		if (!naddr_real_at(TOPO(n), me, i)) {
			fail(err, "not_real", "identity", "identity %u has a virtual position at level "
			    "%u", id->index, i);
			return false;
		}
	if (qspn_is_known(id->qspn, c)) {
		fail(err, "position_taken", field, "a g-node is known at level %u, position %u",
		    c.level, c.pos);
		return false;
	}
	return true;
}

/* An identity whose last duplication, entry or state file is not through yet can begin nothing. */
static bool
judge_rest(const struct node *n, const struct identity *id, struct node_error *err)
{
	struct ident_identity view;

	if (id->qspn != NULL && id->change == CHANGE_NONE && !id->doomed &&
	    qspn_is_bootstrapped(id->qspn) && !(ident_find(n->ident, id->id, &view) && view.busy))
		return true;
	fail(err, "busy", "identity", "identity %u is being duplicated, or enters a network",
	    id->index);
	return false;
}

static bool
is_in(const struct operation *op, uint32_t number)
{
	for (size_t i = 0; i < op->n_arcs; i++)
		if (op->arcs[i] == number)
			return true;
	return false;
}

/* Indices of identity-arcs become their numbers: those that are there and no qspn-arcs. */
static bool
arcs_take(struct node *n, const struct node_plan *p, struct identity *id, struct operation *op,
    struct node_error *err)
{
	size_t count = ident_iarcs(n->ident, id->id, NULL, 0);
	struct ident_iarc *v = calloc(count + 1, sizeof(*v));
	bool ok = v != NULL;

	op->arcs = calloc(count + 1, sizeof(*op->arcs));
	if (v == NULL || op->arcs == NULL) {
		free(v);
		return fail_memory(err);
	}
	ident_iarcs(n->ident, id->id, v, count);
	for (size_t i = 0; ok && i < p->n_arcs; i++) {
		size_t k = 0;

		while (k < count && v[k].index != p->arcs[i])
			k++;
		if (k == count) {
			fail(err, "unknown_arc", "arcs", "identity %u has no identity-arc %u; see "
			    "show_identity_arcs", id->index, p->arcs[i]);
			ok = false;
		} else if (qarc_find(id, v[k].number) != NULL) {
			fail(err, "exists", "arcs", "identity-arc %u is a qspn-arc already", p->arcs[i]);
			ok = false;
		} else if (!is_in(op, v[k].number)) {
			op->arcs[op->n_arcs++] = v[k].number;
		}
	}
	free(v);
	return ok;
}

/* Addresses and elderships of the new identity (spec/manual-mode 5.2). */
static void
address_make(const struct node *n, const struct node_plan *p, const struct identity *id,
    struct operation *op)
{
	unsigned levels = TOPO(n)->levels;

	op->address = *qspn_address(id->qspn);
	for (size_t i = 0; i < p->n_host_address; i++) {
		op->address.pos[levels - 1 - i] = p->host_address[i];
		op->eld[levels - 1 - i] = (int32_t)p->host_elderships[i];
	}
	op->position = p->position;
	op->eldership = (int32_t)p->eldership;
	op->address.pos[p->host_level - 1] = p->waits ? p->temporary_position : p->position;
	op->eld[p->host_level - 1] = p->waits ? FP_NULL : op->eldership;
}

static bool
refused_by_ident(enum ident_result r, unsigned index, struct node_error *err)
{
	if (r == IDENT_OK)
		return true;
	fail(err, ident_result_name(r), r == IDENT_EXHAUSTED ? "" : "operation",
	    r == IDENT_EXHAUSTED ? "a limit of the identities module is reached (identity %u)" :
	    "identity %u cannot do that now", index);
	return false;
}

static bool
prepare(struct node *n, const struct node_plan *p, struct identity *id, struct operation *op,
    struct node_error *err)
{
	struct ident_out out;
	bool ok;

	*op = (struct operation){
		.enter = p->enter, .identity = id->index, .old = id->id,
		.placed = !p->waits, .waits = p->waits, .number = p->operation, .after = p->after,
		.guest = (uint8_t)p->guest_level, .host = (uint8_t)p->host_level,
		.connectivity = p->connectivity_position, .handover = NEVER,
	};
	if (!arcs_take(n, p, id, op, err)) {
		operation_free(op);
		return false;
	}
	address_make(n, p, id, op);
	ident_out_init(&out);
	ok = refused_by_ident(ident_prepare(n->ident, n->now, op->number, op->old, &out), id->index,
	    err);
	ident_carry_out(n, &out);
	ident_out_free(&out);
	if (!ok)
		operation_free(op);
	return ok;
}

/* Room for one more record: the oldest one that has ended goes when there are too many. */
static bool
make_room(struct node *n, struct node_error *err)
{
	struct operation *v;

	for (size_t i = 0; n->n_ops >= NODE_OPERATIONS && i < n->n_ops; i++)
		if ((n->ops[i].state == NODE_OP_DONE || n->ops[i].state == NODE_OP_FAILED) &&
		    n->ops[i].handover == NEVER)
			operation_remove(n, &n->ops[i]);
	if (n->n_ops >= NODE_OPERATIONS) {
		fail(err, "exhausted", "operation", "there are %d operations under way", NODE_OPERATIONS);
		return false;
	}
	v = grow(n->ops, n->n_ops, 1, &n->ops_size, sizeof(*v));
	if (v == NULL)
		return fail_memory(err);
	n->ops = v;
	return true;
}

bool
node_prepare(struct node *n, uint64_t now, const struct node_plan *p, struct node_error *err)
{
	struct identity *id = identity_for_verb(n, p->identity, err);
	bool ok;

	if (now > n->now)
		n->now = now;
	if (id == NULL || !judge_levels(n, p, err) || !judge_positions(n, p, err) ||
	    !judge_rest(n, id, err) || !judge_identity(n, id, p->guest_level, p->connectivity_position,
	    "connectivity-position", err) || !judge_host(n, p, id, err))
		return false;
	if (operation_find(n, p->identity, p->operation) != NULL) {
		fail(err, "exists", "operation", "identity %u has an operation %u already", p->identity,
		    p->operation);
		return false;
	}
	if (!make_room(n, err))
		return false;
	ok = prepare(n, p, id, &n->ops[n->n_ops], err);
	if (ok) {
		operation_state(n, &n->ops[n->n_ops++], NODE_OP_PREPARED, "");
		qspn_operation_prepared(id->qspn, n->now, p->guest_level);
	}
	settle(n);
	return ok;
}

/* The record for phase 1 or 2; NULL with ERR. */
static struct operation *
record(struct node *n, bool enter, unsigned identity, uint32_t number, struct node_error *err)
{
	struct operation *op = operation_find(n, identity, number);

	*err = (struct node_error){ .code = "" };
	if (!manual_only(n, err))
		return NULL;
	if (op == NULL || op->enter != enter) {
		fail(err, "unknown_operation", "operation", op == NULL ? "identity %u has no operation "
		    "%u; see show_operations" : "operation %2$u of identity %1$u is of the other kind",
		    identity, number);
		return NULL;
	}
	return op;
}

bool
node_phase_1(struct node *n, uint64_t now, bool enter, unsigned identity, uint32_t operation,
    struct node_error *err)
{
	struct operation *op = record(n, enter, identity, operation, err);
	struct identity *id;
	struct ident_out out;
	bool ok;

	if (now > n->now)
		n->now = now;
	id = op != NULL ? identity_for_verb(n, identity, err) : NULL;
	if (id == NULL)
		return false;
	if (op->state != NODE_OP_PREPARED) {
		fail(err, "unknown_operation", "operation", "operation %u of identity %u is not prepared: "
		    "it is %s", operation, identity, node_op_state_name(op->state));
		return false;
	}
	/* Another operation may have moved the identity since. */
	if (!judge_rest(n, id, err) ||
	    !judge_identity(n, id, op->guest, op->connectivity, "operation", err))
		return false;
	op->state = NODE_OP_MAKING;
	ident_out_init(&out);
	ok = refused_by_ident(ident_duplicate(n->ident, n->now, operation, op->old, NULL, &out),
	    identity, err);
	if (ok)
		operation_state(n, op, NODE_OP_MAKING, "");
	else
		op->state = NODE_OP_PREPARED;
	ident_carry_out(n, &out);
	ident_out_free(&out);
	settle(n);
	return ok;
}

static bool
judge_phase_2(struct node *n, const struct operation *op, const struct identity *made,
    struct node_error *err)
{
	struct coord c = { (uint8_t)(op->host - 1), op->position };

	if (!op->waits || op->placed) {
		fail(err, "unknown_operation", "operation", op->waits ? "phase 2 was done" :
		    "this operation waits for nothing: it has no phase 2");
		return false;
	}
	if (!op->complete || made == NULL || made->qspn == NULL ||
	    made->loaded || made->leaving) {
		fail(err, "busy", "operation", "its new identity is not there (yet)");
		return false;
	}
	if (qspn_is_known(made->qspn, c)) {
		fail(err, "position_taken", "operation", "the g-node that was to leave is still seen at level "
		    "%u, position %u; try again", c.level, c.pos);
		return false;
	}
	(void)n;
	return true;
}

bool
node_phase_2(struct node *n, uint64_t now, bool enter, unsigned identity, uint32_t operation,
    struct node_error *err)
{
	struct operation *op = record(n, enter, identity, operation, err);
	struct identity *made;
	struct qspn_out out;
	bool ok;

	if (now > n->now)
		n->now = now;
	if (op == NULL)
		return false;
	made = identity_by_id(n, op->made);
	if (!judge_phase_2(n, op, made, err))
		return false;
	qspn_out_init(&out);
	ok = qspn_make_real(made->qspn, n->now, op->host - 1U, op->position, op->eldership, &out);
	if (ok) {
		op->placed = true;
		address_event(n, made);
		if (op->state == NODE_OP_WAITING)
			operation_state(n, op, NODE_OP_DONE, "");
	} else {
		fail(err, "position_taken", "operation", "the position cannot be taken now; try again");
	}
	qspn_carry_out(n, made, &out);
	qspn_out_free(&out);
	dirty(n, made);
	settle(n);
	return ok;
}
