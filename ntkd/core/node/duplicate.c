/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The course of an operation from the new namespace to the end of the old identity
 * (spec/manual-mode 5.3, spec/daemon 10 to 12, spec/kernel-state 8.5).
 */
#include "ntkd/core/node/int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"

/* --- (a), (b): identities change places -------------------------------------------------------- */

/* What belongs to the namespace and not to the identity in it. */
static void
keep_namespace(struct identity *to, const struct identity *from)
{
	to->asked = from->asked;
	to->ready = from->ready;
	to->next_seq = from->next_seq;
	to->asked_seq = from->asked_seq;
	to->want = from->want;
	to->last = from->last;
	to->retry = from->retry;
	to->patience = from->patience;
}

/* The identity at FROM lives at TO from now on, where there was none; FROM is left without one. */
static void
move(struct identity *from, struct identity *to)
{
	struct identity moved = *from;

	keep_namespace(&moved, to);
	memset(from, 0, sizeof(*from));
	keep_namespace(from, &(struct identity){ .retry = NEVER });
	*to = moved;
}

void
duplicated(struct node *n, const struct ident_action *a)
{
	struct operation *op = operation_of(n, a->migration, a->id);
	struct identity *from = identity_by_id(n, a->id), *to = &n->ids[a->ns];
	struct identity kept, *made;
	struct ident_identity view;
	struct node_event *e;

	if (from == NULL || op == NULL || !ident_find(n->ident, a->other, &view))
		return;
	kept = *from;
	move(from, to);
	made = from;
	keep_namespace(made, &kept);
	made->place = PLACE_IDENTITY;
	made->main = to->main;
	made->index = view.index;
	made->id = a->other;
	made->has_from = true;
	made->from = to->index;
	made->born = n->now;
	made->shadow = to->id;
	facts_init(&made->facts);
	facts_init(&made->before);
	if (!facts_copy(&made->facts, &to->facts))
		n->failed = true;
	n->n++;
	to->place = PLACE_IDENTITY;
	to->main = false;
	to->virtual_level = true;
	to->level = op->guest;
	to->virtual_pos = op->connectivity;
	to->completing = true;
	dirty(n, to);
	dirty(n, made);
	op->made = made->id;
	op->made_index = made->index;
	e = story_add(n, NODE_E_IDENTITY);
	e->identity = made->index;
	e->other = to->index;
	e->number = op->number;
	operation_state(n, op, NODE_OP_RUNNING, "");
}

void
given_up(struct node *n, const struct ident_action *a)
{
	struct operation *op = operation_of(n, a->migration, a->id);

	if (op == NULL)
		return;
	operation_state(n, op, NODE_OP_FAILED, a->expired ? "not used within 600 s" :
	    op->state == NODE_OP_PREPARED ? "its identity is gone" :
	    "its namespace could not be made");
	operation_free(op);
	n->n_ops--;
	memmove(op, op + 1, (size_t)(&n->ops[n->n_ops] - op) * sizeof(*op));
}

/* --- (d): the new identity begins ------------------------------------------------------------------ */

/* Arcs of the new identity, as QSPN is given them. */
struct entry_arcs {
	struct qspn_internal_arc *internal;
	struct qspn_external_arc *external;
	size_t n_internal, n_external;
};

static bool
is_listed(const struct operation *op, uint32_t number)
{
	for (size_t i = 0; i < op->n_arcs; i++)
		if (op->arcs[i] == number)
			return true;
	return false;
}

/*
 * Is PEER another member of the guest?  One that was quicker has its position for connectivity already.
 */
static bool
is_member(const struct node *n, const struct operation *op, const struct naddr *me,
    const struct naddr *peer)
{
	bool differs = false;

	for (unsigned i = 0; i < TOPO(n)->levels; i++) {
		if (i < op->guest)
			differs = differs || peer->pos[i] != me->pos[i];
		else if (peer->pos[i] != me->pos[i] &&
		    (i > op->guest || peer->pos[i] != op->connectivity))
			return false;
	}
	return differs;
}

/* That the neighbour takes part is its own word; an address that follows from ours have members only. */
static bool
moves_with_us(const struct node *n, const struct operation *op, const struct identity *old,
    const struct ident_iarc *a, struct qspn_arc_info *info)
{
	return a->both && qspn_arc_find(old->qspn, a->prev, info) && info->known &&
	    is_member(n, op, qspn_address(old->qspn), &info->peer);
}

/* The class of the pair that A, a copy, ends (spec/manual-mode 9). */
static void
classify(struct node *n, const struct operation *op, struct identity *old,
    const struct ident_iarc *a, struct entry_arcs *arcs)
{
	const struct qarc *w0 = qarc_find(old, a->prev);
	bool was = w0 != NULL && w0->in_qspn;
	struct qspn_arc_info info;

	if (arcs->n_internal + arcs->n_external >= n->qspn_params.max_arcs)
		return;
	if (was && moves_with_us(n, op, old, a, &info)) {
		struct qspn_internal_arc in = { .arc = a->number, .prev = a->prev,
			.cost = arc_cost(n, a->arc), .peer = info.peer };

		for (unsigned i = op->guest; i < TOPO(n)->levels; i++)
			in.peer.pos[i] = i + 1U < op->host ? qspn_address(old->qspn)->pos[i] :
			    op->address.pos[i];
		arcs->internal[arcs->n_internal++] = in;
	} else if (!a->both && (op->enter ? !was && is_listed(op, a->prev) : was)) {
		arcs->external[arcs->n_external++] = (struct qspn_external_arc){
			.arc = a->number, .cost = arc_cost(n, a->arc) };
	}
}

/* The fingerprint of the old identity, with the new elderships. */
static struct fingerprint
fingerprint_of(const struct node *n, const struct operation *op, const struct identity *old)
{
	struct fingerprint fp = { .levels = TOPO(n)->levels };
	int32_t eld[TOPO_LEVELS];

	qspn_fingerprint(old->qspn, 0, &fp);
	for (unsigned i = 0; i < TOPO(n)->levels; i++) {
		if (i < op->guest)
			eld[i] = fingerprint_eld(&fp, i);
		else if (i < op->host - 1U)
			eld[i] = 0;
		else
			eld[i] = op->eld[i];
	}
	return fingerprint_node(TOPO(n)->levels, fp.id, eld);
}

static struct qspn *
manager_make(struct node *n, const struct operation *op, const struct identity *old,
    const struct entry_arcs *arcs, struct qspn_out *out, const char **err)
{
	struct qspn_entry entry = {
		.address = op->address,
		.fp0 = fingerprint_of(n, op, old),
		.guest_level = op->guest,
		.host_level = op->host,
		.internal = arcs->internal,
		.n_internal = arcs->n_internal,
		.external = arcs->external,
		.n_external = arcs->n_external,
	};
	struct rng rng;

	/* Below the guest's level the address is the one of now. */
	for (unsigned i = 0; i + 1U < op->host; i++)
		entry.address.pos[i] = qspn_address(old->qspn)->pos[i];
	rng_init(&rng, rng_u64(&n->rng));
	return qspn_enter_net(&n->qspn_params, &rng, n->now, old->qspn, &entry, out, err);
}

/* The highest level at which the two addresses differ. */
static unsigned
highest_difference(const struct node *n, const struct naddr *a, const struct naddr *b)
{
	struct coord c = { 0, 0 };

	return naddr_coord(TOPO(n), a, b, &c) ? c.level : 0;
}

static void
make_connectivity(struct node *n, const struct operation *op, struct identity *old)
{
	unsigned to = op->enter ? TOPO(n)->levels :
	    highest_difference(n, qspn_address(old->qspn), &op->address);
	struct qspn_out out;

	qspn_out_init(&out);
	if (qspn_make_connectivity(old->qspn, n->now, op->guest + 1U, to, op->connectivity, &out))
		old->virtual_level = false;
	old->left = op->enter;
	qspn_carry_out(n, old, &out);
	qspn_out_free(&out);
}

/* What was listed and is not there any more, or not of the kind that was listed, is left out. */
static void
tell_left_out(struct node *n, const struct operation *op, const struct ident_iarc *v, size_t count,
    const struct entry_arcs *arcs)
{
	size_t left = 0;

	for (size_t i = 0; i < op->n_arcs; i++) {
		bool used = false;

		for (size_t k = 0; k < count; k++)
			for (size_t e = 0; v[k].prev == op->arcs[i] && e < arcs->n_external; e++)
				used = used || arcs->external[e].arc == v[k].number;
		left += !used;
	}
	if (left > 0) {
		struct node_event *e = story_add(n, NODE_E_OPERATION);

		e->identity = op->identity;
		e->other = op->made_index;
		e->number = op->number;
		snprintf(e->text, sizeof(e->text), "%zu of the listed identity-arcs are gone, or not what "
		    "they were: they are left out", left);
	}
}

static void
tell_handed_over(struct node *n, const struct identity *made, const struct identity *old,
    const struct entry_arcs *arcs)
{
	struct node_event *e = story_add(n, NODE_E_HANDED_OVER);

	e->identity = made->index;
	e->other = old->index;
	snprintf(e->text, sizeof(e->text), "%zu arcs to neighbours that stay, %zu to such that move as well",
	    arcs->n_external, arcs->n_internal);
	address_event(n, made);
}

static void
begin(struct node *n, struct operation *op, struct identity *old, struct identity *made)
{
	size_t count = ident_iarcs(n->ident, made->id, NULL, 0);
	struct ident_iarc *v = calloc(count + 1, sizeof(*v));
	struct entry_arcs arcs = {
		.internal = calloc(count + 1, sizeof(*arcs.internal)),
		.external = calloc(count + 1, sizeof(*arcs.external)),
	};
	const char *err = NULL;
	struct qspn_out out;

	qspn_out_init(&out);
	if (v == NULL || arcs.internal == NULL || arcs.external == NULL) {
		n->failed = true;
		goto out;
	}
	ident_iarcs(n->ident, made->id, v, count);
	for (size_t i = 0; i < count; i++)
		classify(n, op, old, &v[i], &arcs);
	tell_left_out(n, op, v, count, &arcs);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < arcs.n_internal + arcs.n_external; k++) {
			uint32_t number = k < arcs.n_internal ? arcs.internal[k].arc :
			    arcs.external[k - arcs.n_internal].arc;

			if (number == v[i].number && qarc_add(n, made, number, v[i].arc))
				iarc_event(n, NODE_E_QARC, &v[i]);
		}
	made->qspn = manager_make(n, op, old, &arcs, &out, &err);
	if (made->qspn == NULL) {
		if (err == NULL)
			n->failed = true;
		else
			operation_state(n, op, NODE_OP_FAILED, err);
		goto out;
	}
	made->shadow = 0;
	op->complete = true;
	tell_handed_over(n, made, old, &arcs);
	make_connectivity(n, op, old);
	address_event(n, old);
	qspn_carry_out(n, made, &out);
	dirty(n, old);
	dirty(n, made);
out:
	qspn_out_free(&out);
	free(v);
	free(arcs.internal);
	free(arcs.external);
}

void
completed(struct node *n, const struct ident_action *a)
{
	struct operation *op = operation_of(n, a->migration, a->id);
	struct identity *old = identity_by_id(n, a->id), *made = identity_by_id(n, a->other);

	if (op != NULL && old != NULL && made != NULL && old->qspn != NULL && !op->complete)
		begin(n, op, old, made);
}

/* --- what comes of it ---------------------------------------------------------------------------------- */

void
bootstrapped(struct node *n, struct identity *id, bool timed_out)
{
	struct operation *op = operation_made(n, id->id);

	story_add(n, NODE_E_BOOTSTRAPPED)->identity = id->index;
	if (op != NULL && timed_out && op->enter)
		operation_state(n, op, NODE_OP_FAILED, "nobody of the network entered has answered; the "
		    "identity is a network by itself");
}

void
presence(struct node *n, struct identity *id)
{
	struct operation *op = operation_made(n, id->id);

	story_add(n, NODE_E_PRESENT)->identity = id->index;
	if (op == NULL || op->state != NODE_OP_RUNNING)
		return;
	operation_state(n, op, op->placed ? NODE_OP_DONE : NODE_OP_WAITING, "");
	op->handover = n->now + (uint64_t)n->conf->handover_delay * 1000;
}

static size_t
remove_outer_arcs(struct node *n, struct identity *id)
{
	struct node_event *e = story_add(n, NODE_E_OUTER);
	struct qspn_out out;
	size_t removed = 0;

	qspn_out_init(&out);
	qspn_remove_outer_arcs(id->qspn, n->now, &out);
	for (size_t i = 0; i < out.n; i++)
		removed += out.v[i].kind == QSPN_ARC_REMOVED;
	e->identity = id->index;
	e->number = removed;
	qspn_carry_out(n, id, &out);
	qspn_out_free(&out);
	return removed;
}

/* The old identity has done its duty: after an entry it goes, after a migration its outer arcs do. */
static void
hand_over(struct node *n, struct operation *op)
{
	struct identity *old = identity_by_id(n, op->old);
	struct ident_identity view;

	op->handover = NEVER;
	if (old == NULL || old->leaving || old->main || old->qspn == NULL)
		return;
	if (ident_find(n->ident, old->id, &view) && view.busy) {
		op->handover = n->now + SECOND;
		return;
	}
	if (op->enter) {
		dismiss(n, old);
		return;
	}
	remove_outer_arcs(n, old);
}

/* The first that is due; NULL when none is. */
static struct operation *
due(struct node *n)
{
	for (size_t i = 0; i < n->n_ops; i++)
		if (n->ops[i].handover <= n->now)
			return &n->ops[i];
	return NULL;
}

void
operations_tick(struct node *n)
{
	struct operation *op;

	/* A handover may end records, and its own identity's. */
	while ((op = due(n)) != NULL)
		hand_over(n, op);
	operations_sweep(n);
}

/*
 * What ID's namespace does at this moment, it does to its end: packets come until all neighbours have turned away, and
 * these hear of it after the kernel has been asked (spec/kernel-state 8.7, 8.8).
 */
static void
facts_keep(struct node *n, struct identity *id)
{
	struct facts f;

	if (!facts_of(n, id, &f)) {
		n->failed = true;
		return;
	}
	facts_free(&id->facts);
	id->facts = f;
}

/* Neighbours hear that it goes; what serves packets on their way stays until they agree. */
void
dismiss(struct node *n, struct identity *id)
{
	struct ident_identity view;
	struct ident_out out;
	struct qspn_out bye;

	if (ident_find(n->ident, id->id, &view) && view.busy) {
		id->doomed = true;
		return;
	}
	qspn_out_init(&bye);
	ident_out_init(&out);
	id->doomed = false;
	facts_keep(n, id);
	id->leaving = true;
	if (id->qspn != NULL) {
		qspn_destroy(id->qspn, n->now, &bye);
		qspn_carry_out(n, id, &bye);
		for (size_t i = 0; i < id->n_qarcs; i++) {
			struct qspn_arc_info info;

			if (!id->qarcs[i].in_qspn || !qspn_arc_find(id->qspn, id->qarcs[i].number, &info))
				continue;
			id->qarcs[i].in_qspn = false;
			id->qarcs[i].known = info.known;
			id->qarcs[i].peer = info.peer;
		}
		qspn_free(id->qspn);
		id->qspn = NULL;
	}
	questions_drop(n, id->id, 0);
	story_add(n, NODE_E_IDENTITY_REMOVED)->identity = id->index;
	dirty(n, id);
	ident_remove(n->ident, n->now, id->id, &out);
	ident_carry_out(n, &out);
	qspn_out_free(&bye);
	ident_out_free(&out);
}

/* --- verbs of spec/manual-mode 6 and 7 -------------------------------------------------------------------- */

/* The identity-arc over DEV whose peer has this MAC at this moment. */
static bool
iarc_by_mac(const struct node *n, const struct identity *id, unsigned dev, ntk_mac_t mac,
    struct ident_iarc *out)
{
	size_t count = ident_iarcs(n->ident, id->id, NULL, 0);
	struct ident_iarc *v = calloc(count + 1, sizeof(*v));
	bool found = false;

	if (v == NULL)
		return false;
	ident_iarcs(n->ident, id->id, v, count);
	for (size_t i = 0; i < count && !found; i++)
		if (v[i].dev == dev && mac_cmp(v[i].peer_mac, mac) == 0) {
			*out = v[i];
			found = true;
		}
	free(v);
	return found;
}

bool
node_add_qspn_arc(struct node *n, uint64_t now, unsigned identity, unsigned dev, ntk_mac_t peer,
    struct node_error *err)
{
	struct identity *id = identity_for_verb(n, identity, err);
	struct ident_iarc a;
	char text[MAC_TEXT];
	bool there;

	if (now > n->now)
		n->now = now;
	if (id == NULL)
		return false;
	there = iarc_by_mac(n, id, dev, peer, &a);
	if ((!there || qarc_find(id, a.number) == NULL) && was_late(n, id->id,
	    there ? a.peer : 0, dev, peer)) {
		fail(err, "too_late", "peer-mac", "a request of %s to identity %u waited 10 s and was "
		    "refused; in a minute both ends may try again", mac_print(peer, text), identity);
		return false;
	}
	if (!there) {
		fail(err, "unknown_arc", "peer-mac", "identity %u has no identity-arc to %s over this "
		    "interface; see show_identity_arcs", identity, mac_print(peer, text));
		return false;
	}
	if (qarc_find(id, a.number) != NULL) {
		fail(err, "exists", "peer-mac", "identity-arc %u is a qspn-arc already: has the neighbour "
		    "duplicated yet?", a.index);
		return false;
	}
	if (id->qspn == NULL) {
		fail(err, "busy", "identity", "identity %u is being duplicated", identity);
		return false;
	}
	if (!qspn_begin_arc(n, id, &a)) {
		fail(err, "exhausted", "", "identity %u can have no more qspn-arcs", identity);
		return false;
	}
	settle(n);
	return true;
}

/* The identity, when it is one for connectivity; NULL with ERR. */
static struct identity *
connectivity(struct node *n, unsigned index, struct node_error *err)
{
	struct identity *id = identity_for_verb(n, index, err);

	if (id == NULL)
		return NULL;
	if (id->main) {
		fail(err, "not_connectivity", "identity", "identity %u is the main one: it supports no "
		    "g-node", index);
		return NULL;
	}
	if (id->qspn == NULL || id->virtual_level) {
		fail(err, "busy", "identity", "identity %u is being duplicated", index);
		return NULL;
	}
	return id;
}

static bool
is_connectivity(const struct identity *id, unsigned *from, struct node_error *err)
{
	unsigned to;

	qspn_range(id->qspn, from, &to);
	if (*from != 0)
		return true;
	fail(err, "not_connectivity", "identity", "identity %u supports no g-node", id->index);
	return false;
}

bool
node_remove_outer_arcs(struct node *n, uint64_t now, unsigned identity, size_t *removed,
    struct node_error *err)
{
	struct identity *id = connectivity(n, identity, err);
	unsigned from;

	if (now > n->now)
		n->now = now;
	if (id == NULL || !is_connectivity(id, &from, err))
		return false;
	*removed = remove_outer_arcs(n, id);
	settle(n);
	return true;
}

bool
node_check_connectivity(struct node *n, unsigned identity, bool has_level, unsigned level,
    bool *removable, struct node_error *err)
{
	struct identity *id = connectivity(n, identity, err);
	unsigned from;

	if (id == NULL || !is_connectivity(id, &from, err))
		return false;
	if (!qspn_is_bootstrapped(id->qspn)) {
		fail(err, "busy", "identity", "identity %u is entering a network", identity);
		return false;
	}
	if (has_level && !qspn_supports(id->qspn, level)) {
		fail(err, "wrong_level", "level", "identity %u has no range that begins at level %u",
		    identity, level);
		return false;
	}
	*removable = qspn_check_connectivity(id->qspn, has_level ? level : from);
	return true;
}

bool
remove_connectivity(struct node *n, unsigned index, struct node_error *err)
{
	struct identity *id = connectivity(n, index, err);
	struct ident_identity view;
	struct qspn_out out;
	unsigned from;

	if (id == NULL || !is_connectivity(id, &from, err))
		return false;
	if (ident_find(n->ident, id->id, &view) && view.busy) {
		fail(err, "busy", "identity", "identity %u is being duplicated", index);
		return false;
	}
	if (from == 1 || id->left) {
		dismiss(n, id);
		return true;
	}
	qspn_out_init(&out);
	qspn_prepare_destroy(id->qspn, n->now, from - 1, &out);
	qspn_carry_out(n, id, &out);
	qspn_out_free(&out);
	return true;
}
