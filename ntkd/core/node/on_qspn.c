/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the routing managers report (spec/daemon 7.3), and their arcs. */
#include "ntkd/core/node/int.h"

#include <stdio.h>
#include <string.h>

#include "ntkd/core/node/token.h"

/* --- qspn-arcs ----------------------------------------------------------------------------- */

struct qarc *
qarc_find(struct identity *id, uint32_t number)
{
	for (size_t i = 0; i < id->n_qarcs; i++)
		if (id->qarcs[i].number == number)
			return &id->qarcs[i];
	return NULL;
}

bool
qarc_add(struct node *n, struct identity *id, uint32_t number, uint32_t arc)
{
	struct qarc *v = more(n, id->qarcs, id->n_qarcs, &id->qarcs_size, sizeof(*v));
	size_t at = id->n_qarcs;

	if (v == NULL)
		return false;
	id->qarcs = v;
	while (at > 0 && v[at - 1].number > number)
		at--;
	memmove(&v[at + 1], &v[at], (id->n_qarcs - at) * sizeof(*v));
	v[at] = (struct qarc){ .number = number, .arc = arc, .in_qspn = true };
	id->n_qarcs++;
	return true;
}

void
qarc_drop(struct identity *id, uint32_t number)
{
	struct qarc *q = qarc_find(id, number);

	if (q == NULL)
		return;
	id->n_qarcs--;
	memmove(q, q + 1, (size_t)(&id->qarcs[id->n_qarcs] - q) * sizeof(*q));
}

bool
qspn_begin_arc(struct node *n, struct identity *id, const struct ident_iarc *a)
{
	struct qspn_out out;
	bool ok;

	if (id->qspn == NULL || !qarc_add(n, id, a->number, a->arc))
		return false;
	qspn_out_init(&out);
	ok = qspn_arc_add(id->qspn, n->now, a->number, arc_cost(n, a->arc), &out);
	if (ok)
		iarc_event(n, NODE_E_QARC, a);
	else
		qarc_drop(id, a->number);
	qspn_carry_out(n, id, &out);
	qspn_out_free(&out);
	dirty(n, id);
	return ok;
}

/* What was known of the neighbour, which QSPN does not tell of an arc that it gave up by itself. */
static void
remember_peer(struct node *n, struct identity *id, struct qarc *q)
{
	struct qspn_arc_info info;
	struct ident_iarc a;

	if (id->qspn != NULL && qspn_arc_find(id->qspn, q->number, &info)) {
		q->known = info.known;
		q->peer = info.peer;
		return;
	}
	if (!ident_iarc(n->ident, q->number, &a))
		return;
	for (size_t i = 0; i < id->facts.n_arcs; i++) {
		const struct facts_arc *f = &id->facts.arcs[i];

		if (f->qspn && f->dev == a.dev && f->peer_linklocal == a.peer_linklocal) {
			q->known = f->known;
			q->peer = f->peer;
		}
	}
}

void
qspn_end_arc(struct node *n, struct identity *id, const struct ident_iarc *a)
{
	struct qarc *q = qarc_find(id, a->number);
	struct qspn_out out;

	if (q == NULL)
		return;
	if (q->in_qspn)
		iarc_event(n, NODE_E_QARC_REMOVED, a);
	qarc_drop(id, a->number);
	questions_drop(n, id->id, a->number);
	if (id->qspn != NULL) {
		qspn_out_init(&out);
		qspn_arc_remove(id->qspn, n->now, a->number, &out);
		qspn_carry_out(n, id, &out);
		qspn_out_free(&out);
	}
	dirty(n, id);
}

void
address_event(struct node *n, const struct identity *id)
{
	struct node_event *e = story_add(n, NODE_E_ADDRESS);
	char text[TOPO_TEXT];

	e->identity = id->index;
	snprintf(e->text, sizeof(e->text), "%s", naddr_print(TOPO(n), qspn_address(id->qspn), text));
}

/* --- reports ---------------------------------------------------------------------------------- */

/* The envelope of what ID says over the identity-arc NUMBER; NULL when there is no way any more. */
static struct outgoing *
envelope(struct node *n, enum node_action_kind kind, const struct identity *id, uint32_t number)
{
	struct ident_iarc a;
	struct nbh_entry e;
	struct outgoing *o;

	if (!ident_iarc(n->ident, number, &a) || !nbh_arc_find(n->nbh, a.arc, &e) ||
	    e.connection == 0)
		return NULL;
	o = queue_add(n, kind);
	o->a.connection = e.connection;
	o->a.source = id->id;
	o->a.destination = a.peer;
	return o;
}

static void
send(struct node *n, enum node_action_kind kind, const struct identity *id,
    const struct qspn_action *a)
{
	struct outgoing *o = envelope(n, kind, id, a->arc);

	if (o == NULL)
		return;
	o->a.call = a->call;
	if (a->msg != NULL)
		o->shared = qspn_msg_ref(a->msg);
}

static void
call(struct node *n, const struct identity *id, const struct qspn_action *a)
{
	struct outgoing *o = envelope(n, NODE_CALL, id, a->arc);
	struct question *v;

	if (o == NULL)
		return;
	o->a.token = token_make(TOKEN_QSPN, ++n->tokens);
	o->a.limit = CALL_LIMIT;
	o->shared = qspn_msg_ref(a->msg);
	v = more(n, n->questions, n->n_questions, &n->questions_size, sizeof(*v));
	if (v == NULL)
		return;
	n->questions = v;
	v[n->n_questions++] = (struct question){ .token = n->tokens, .id = id->id,
		.number = a->arc, .call = a->call };
}

static void
refuse(struct node *n, const struct identity *id, const struct qspn_action *a, uint8_t error)
{
	struct outgoing *o = envelope(n, NODE_ERROR, id, a->arc);

	if (o == NULL)
		return;
	o->a.call = a->call;
	o->a.error = error;
}

static void
on_arc_removed(struct node *n, struct identity *id, const struct qspn_action *a)
{
	struct qarc *q = qarc_find(id, a->arc);
	struct ident_iarc i;
	bool there;

	if (q == NULL || !q->in_qspn)
		return;
	remember_peer(n, id, q);
	q->in_qspn = false;
	questions_drop(n, id->id, a->arc);
	dirty(n, id);
	there = ident_iarc(n->ident, a->arc, &i);
	if (there)
		iarc_event(n, NODE_E_QARC_REMOVED, &i);
	if (a->bad_link)
		task_add(n, (struct task){ .kind = TASK_ARC_REMOVE, .arc = q->arc });
	else if (there)
		task_add(n, (struct task){ .kind = TASK_IARC_REMOVE, .arc = i.arc, .id = i.id,
		    .other = i.peer });
}

static void
on_split(struct node *n, const struct identity *id, const struct qspn_action *a)
{
	struct node_event *e = story_add(n, NODE_E_SPLIT);
	struct ident_iarc i;

	e->identity = id->index;
	if (ident_iarc(n->ident, a->arc, &i)) {
		e->number = i.index;
		e->dev = i.dev;
		e->mac = i.peer_mac;
		e->peer = i.peer_linklocal;
	}
	snprintf(e->text, sizeof(e->text), "the neighbour is in a younger island of the g-node at level %u, "
	    "position %u", a->dest.level, a->dest.pos);
}

static void
carry_out(struct node *n, struct identity *id, const struct qspn_action *a)
{
	switch (a->kind) {
	case QSPN_SEND:
		send(n, NODE_NOTICE, id, a);
		break;
	case QSPN_CALL:
		call(n, id, a);
		break;
	case QSPN_RESULT:
		if (a->msg != NULL)
			send(n, NODE_RESULT, id, a);
		else
			refuse(n, id, a, PEER_E_BOOTSTRAP);
		break;
	case QSPN_ERROR:
		refuse(n, id, a, PEER_E_NOT_ACCEPTED);
		break;
	case QSPN_ARC_REMOVED:
		on_arc_removed(n, id, a);
		break;
	case QSPN_BOOTSTRAPPED:
		bootstrapped(n, id, a->timed_out);
		dirty(n, id);
		break;
	case QSPN_PRESENT:
		presence(n, id);
		break;
	case QSPN_DEST_ADDED:
	case QSPN_DEST_REMOVED:
	case QSPN_PATHS_CHANGED:
		dirty(n, id);
		break;
	case QSPN_FINGERPRINT:
	case QSPN_NODES_INSIDE:
		break;
	case QSPN_SPLIT:
		on_split(n, id, a);
		break;
	case QSPN_REMOVE_IDENTITY:
		task_add(n, (struct task){ .kind = TASK_DISMISS, .id = id->id });
		break;
	}
}

void
qspn_carry_out(struct node *n, struct identity *id, struct qspn_out *out)
{
	n->failed = n->failed || out->failed;
	for (size_t i = 0; i < out->n; i++)
		carry_out(n, id, &out->v[i]);
	/* An ETP may have told the address of a neighbour and nothing else. */
	if (out->n > 0)
		dirty(n, id);
	qspn_out_empty(out);
}
