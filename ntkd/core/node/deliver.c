/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages: for whom they are, those that are for nobody yet (spec/daemon 6.3), and answers.
 */
#include "ntkd/core/node/int.h"

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/node/token.h"
#include "proto/rd.h"
#include "proto/wr.h"

static void
now_is(struct node *n, uint64_t now)
{
	if (now > n->now)
		n->now = now;
}

static void
answer_error(struct node *n, uint32_t connection, uint32_t call, uint32_t source,
    uint32_t destination, uint8_t error)
{
	struct outgoing *o;

	if (call == 0)
		return;
	o = queue_add(n, NODE_ERROR);
	o->a.connection = connection;
	o->a.call = call;
	o->a.error = error;
	/* As the answering side sees it. */
	o->a.source = destination;
	o->a.destination = source;
}

/* --- to an identity ------------------------------------------------------------------------- */

/* The identity and identity-arc that a message is for; false when there is none (yet). */
static bool
recipient(struct node *n, uint32_t arc, uint32_t source, uint32_t destination,
    struct identity **id, struct ident_iarc *a)
{
	struct qarc *q;

	*id = identity_by_id(n, destination);
	if (*id == NULL || (*id)->qspn == NULL ||
	    !ident_iarc_between(n->ident, arc, destination, source, a))
		return false;
	q = qarc_find(*id, a->number);
	return q != NULL && q->in_qspn;
}

static void
to_qspn(struct node *n, struct identity *id, uint32_t number, uint32_t call,
    const struct peer_msg *m)
{
	struct qspn_out out;

	qspn_out_init(&out);
	qspn_receive(id->qspn, n->now, number, call, m, &out);
	qspn_carry_out(n, id, &out);
	qspn_out_free(&out);
	/* The first message over an arc tells the neighbour's address, which nothing reports. */
	dirty(n, id);
}

/* --- held messages ------------------------------------------------------------------------------ */

static void
held_remove(struct node *n, size_t i)
{
	free(n->held[i].bytes);
	n->n_held--;
	memmove(&n->held[i], &n->held[i + 1], (n->n_held - i) * sizeof(*n->held));
}

static uint32_t
connection_of(const struct node *n, uint32_t arc)
{
	struct nbh_entry e;

	return nbh_arc_find(n->nbh, arc, &e) ? e.connection : 0;
}

/* Where the next one goes: once for each pair of identities; when there are too many the oldest is forgotten. */
static struct late *
late_place(struct node *n, const struct ident_iarc *a)
{
	size_t oldest = 0;
	struct late *v;

	for (size_t i = 0; i < n->n_late; i++) {
		v = &n->late[i];
		if (v->id == a->id && v->peer == a->peer && v->dev == a->dev &&
		    mac_cmp(v->mac, a->peer_mac) == 0)
			return v;
		if (v->until < n->late[oldest].until)
			oldest = i;
	}
	if (n->n_late >= LATE)
		return &n->late[oldest];
	v = more(n, n->late, n->n_late, &n->late_size, sizeof(*v));
	if (v == NULL)
		return NULL;
	n->late = v;
	return &v[n->n_late++];
}

static void
late_add(struct node *n, const struct ident_iarc *a)
{
	struct late *v = late_place(n, a);

	if (v != NULL)
		*v = (struct late){ .id = a->id, .peer = a->peer, .dev = a->dev, .mac = a->peer_mac,
			.until = n->now + NODE_LATE_TIME };
}

/* Nobody came for it: the caller is told, and so is who comes too late (spec/manual-mode 6). */
static void
held_refuse(struct node *n, size_t i)
{
	const struct held *h = &n->held[i];
	struct ident_iarc a;

	answer_error(n, connection_of(n, h->arc), h->call, h->source, h->destination,
	    PEER_E_NOT_ACCEPTED);
	if (h->call != 0 && ident_iarc_between(n->ident, h->arc, h->destination, h->source, &a))
		late_add(n, &a);
	held_remove(n, i);
}

/* Makes room: what waits longest over ARC goes when there is too much. */
static void
held_limit(struct node *n, uint32_t arc, size_t bytes)
{
	for (;;) {
		size_t count = 0, sum = bytes, oldest = n->n_held;

		for (size_t i = n->n_held; i-- > 0; )
			if (n->held[i].arc == arc) {
				count++;
				sum += n->held[i].n;
				oldest = i;
			}
		if (oldest == n->n_held || (count < NODE_HELD && sum <= NODE_HELD_BYTES))
			return;
		held_refuse(n, oldest);
	}
}

static void
hold(struct node *n, uint32_t arc, uint32_t connection, uint32_t call, uint32_t source,
    uint32_t destination, const struct peer_msg *m)
{
	size_t size = peer_msg_size(m);
	struct held *v;
	struct wr w;

	if (size > NODE_HELD_BYTES) {
		answer_error(n, connection, call, source, destination, PEER_E_NOT_ACCEPTED);
		return;
	}
	held_limit(n, arc, size);
	v = more(n, n->held, n->n_held, &n->held_size, sizeof(*v));
	if (v == NULL)
		return;
	n->held = v;
	v += n->n_held;
	*v = (struct held){ .arc = arc, .call = call, .source = source,
		.destination = destination, .type = m->type,
		.until = n->now + NODE_HELD_TIME, .bytes = malloc(size + 1), .n = size };
	if (v->bytes == NULL) {
		n->failed = true;
		return;
	}
	wr_init(&w, v->bytes, size);
	peer_msg_write(m, &w);
	n->n_held++;
}

/* Delivers the held message H, which was decoded once before. */
static void
held_deliver(struct node *n, const struct held *h, struct identity *id, uint32_t number)
{
	struct msg_arena arena = { .size = h->n * PEER_EXPANSION + 1 };
	struct msg_error err;
	struct peer_msg m;
	struct rd r;

	arena.buf = malloc(arena.size);
	if (arena.buf == NULL) {
		n->failed = true;
		return;
	}
	rd_init(&r, h->bytes, h->n);
	if (peer_msg_read(h->type, &r, &arena, &m, &err))
		to_qspn(n, id, number, h->call, &m);
	free(arena.buf);
}

bool
held_offer(struct node *n)
{
	bool any = false;

	for (size_t i = 0; i < n->n_held; ) {
		struct identity *id;
		struct ident_iarc a;
		struct held h = n->held[i];

		if (!recipient(n, h.arc, h.source, h.destination, &id, &a)) {
			i++;
			continue;
		}
		n->held[i].bytes = NULL;
		held_remove(n, i);
		held_deliver(n, &h, id, a.number);
		free(h.bytes);
		any = true;
	}
	return any;
}

void
held_tick(struct node *n)
{
	while (n->n_held > 0 && n->held[0].until <= n->now)
		held_refuse(n, 0);
	for (size_t i = 0; i < n->n_late; )
		if (n->late[i].until <= n->now)
			n->late[i] = n->late[--n->n_late];
		else
			i++;
}

uint64_t
held_deadline(const struct node *n)
{
	return n->n_held > 0 ? n->held[0].until : NEVER;
}

void
held_drop_arc(struct node *n, uint32_t arc)
{
	for (size_t i = n->n_held; i-- > 0; )
		if (n->held[i].arc == arc)
			held_remove(n, i);
}

bool
was_late(const struct node *n, uint32_t id, uint32_t peer, unsigned dev, ntk_mac_t mac)
{
	for (size_t i = 0; i < n->n_late; i++)
		if (n->late[i].id == id && (peer == 0 || n->late[i].peer == peer) && n->late[i].dev == dev &&
		    mac_cmp(n->late[i].mac, mac) == 0 &&
		    n->late[i].until > n->now)
			return true;
	return false;
}

/* --- what comes in -------------------------------------------------------------------------------- */

static void
to_nbh(struct node *n, uint32_t connection, enum peer_kind kind, uint32_t call, uint8_t called,
    const struct peer_msg *m, uint8_t error)
{
	struct nbh_out out;

	nbh_out_init(&out);
	nbh_receive(n->nbh, n->now, connection, kind, call, called, m, error, &out);
	nbh_carry_out(n, &out);
	nbh_out_free(&out);
}

static void
to_ident(struct node *n, uint32_t arc, uint32_t call, const struct peer_msg *m)
{
	struct ident_out out;

	ident_out_init(&out);
	ident_receive(n->ident, n->now, arc, call, m, &out);
	ident_carry_out(n, &out);
	ident_out_free(&out);
}

static void
to_system(struct node *n, uint32_t connection, uint32_t arc, uint32_t call,
    const struct peer_msg *m)
{
	if (nbh_takes(m->type))
		to_nbh(n, connection, call != 0 ? PEER_CALL : PEER_NOTICE, call, m->type, m, 0);
	else if (arc != 0 && call != 0 && ident_is_message(m->type))
		to_ident(n, arc, call, m);
	else
		answer_error(n, connection, call, 0, 0, PEER_E_UNKNOWN);
}

static bool
is_qspn_message(uint8_t type)
{
	return type == PEER_etp || type == PEER_full_request || type == PEER_prepare_destroy ||
	    type == PEER_destroy;
}

static void
to_identity(struct node *n, uint32_t connection, uint32_t arc, uint32_t call, uint32_t source,
    uint32_t destination, const struct peer_msg *m)
{
	struct identity *id;
	struct ident_iarc a;

	if (arc == 0 || source == 0 || destination == 0)
		answer_error(n, connection, call, source, destination, PEER_E_NOT_ACCEPTED);
	else if (!is_qspn_message(m->type))
		answer_error(n, connection, call, source, destination, PEER_E_UNKNOWN);
	else if (recipient(n, arc, source, destination, &id, &a))
		to_qspn(n, id, a.number, call, m);
	else
		hold(n, arc, connection, call, source, destination, m);
}

void
node_message(struct node *n, uint64_t now, uint32_t connection, uint32_t call,
    uint32_t source, uint32_t destination, const struct peer_msg *m)
{
	enum nbh_connection_state state;
	uint32_t arc = 0;

	now_is(n, now);
	state = nbh_connection(n->nbh, connection, &arc, NULL);
	if (state != NBH_C_UP)
		arc = 0;
	if (source == 0 && destination == 0)
		to_system(n, connection, arc, call, m);
	else
		to_identity(n, connection, arc, call, source, destination, m);
	settle(n);
}

/* --- answers ---------------------------------------------------------------------------------------- */

void
questions_drop(struct node *n, uint32_t id, uint32_t number)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n_questions; i++)
		if (n->questions[i].id != id || (number != 0 && n->questions[i].number != number))
			n->questions[kept++] = n->questions[i];
	n->n_questions = kept;
}

static bool
question_take(struct node *n, uint64_t token, struct question *out)
{
	for (size_t i = 0; i < n->n_questions; i++)
		if (n->questions[i].token == token) {
			*out = n->questions[i];
			n->n_questions--;
			memmove(&n->questions[i], &n->questions[i + 1],
			    (n->n_questions - i) * sizeof(*n->questions));
			return true;
		}
	return false;
}

static enum qspn_outcome
qspn_outcome_of(enum node_outcome outcome, uint8_t error)
{
	if (outcome == NODE_ANSWERED)
		return QSPN_ANSWERED;
	return outcome == NODE_REFUSED && error == PEER_E_BOOTSTRAP ? QSPN_BUSY : QSPN_PEER_FAILED;
}

static void
answer_qspn(struct node *n, uint64_t token, enum node_outcome outcome, uint8_t error,
    const struct peer_msg *m)
{
	struct question q;
	struct identity *id;
	struct qspn_out out;

	if (outcome == NODE_PATIENCE || !question_take(n, token, &q))
		return;
	id = identity_by_id(n, q.id);
	if (id == NULL || id->qspn == NULL)
		return;
	qspn_out_init(&out);
	qspn_answer(id->qspn, n->now, q.number, q.call, qspn_outcome_of(outcome, error), m, &out);
	qspn_carry_out(n, id, &out);
	qspn_out_free(&out);
	dirty(n, id);
}

static void
answer_ident(struct node *n, uint32_t connection, uint32_t call, enum node_outcome outcome,
    uint8_t error, const struct peer_msg *m)
{
	struct ident_out out;
	uint32_t arc;

	if (nbh_connection(n->nbh, connection, &arc, NULL) != NBH_C_UP)
		return;
	ident_out_init(&out);
	switch (outcome) {
	case NODE_PATIENCE:
		ident_waiting(n->ident, n->now, arc, call, &out);
		break;
	case NODE_ANSWERED:
		ident_answer(n->ident, n->now, arc, call, IDENT_ANSWERED, 0, m, &out);
		break;
	case NODE_REFUSED:
		ident_answer(n->ident, n->now, arc, call, IDENT_REFUSED, error, NULL, &out);
		break;
	case NODE_UNANSWERED:
		ident_answer(n->ident, n->now, arc, call, IDENT_LINK_FAILED, 0, NULL, &out);
		break;
	}
	ident_carry_out(n, &out);
	ident_out_free(&out);
}

static void
answer_nbh(struct node *n, uint32_t connection, uint32_t call, uint8_t type,
    enum node_outcome outcome, uint8_t error, const struct peer_msg *m)
{
	switch (outcome) {
	case NODE_ANSWERED:
		to_nbh(n, connection, PEER_RESULT, call, type, m, 0);
		break;
	case NODE_REFUSED:
		to_nbh(n, connection, PEER_ERROR, call, type, NULL, error);
		break;
	case NODE_PATIENCE:
		to_nbh(n, connection, PEER_WAIT, call, type, NULL, 0);
		break;
	case NODE_UNANSWERED:	/* the module has a limit of its own */
		break;
	}
}

void
node_answered(struct node *n, uint64_t now, uint32_t connection, uint64_t token,
    uint8_t type, enum node_outcome outcome, uint8_t error, const struct peer_msg *m)
{
	now_is(n, now);
	switch (token_module(token)) {
	case TOKEN_NBH:
		answer_nbh(n, connection, (uint32_t)token_number(token), type, outcome, error, m);
		break;
	case TOKEN_IDENT:
		answer_ident(n, connection, (uint32_t)token_number(token), outcome, error, m);
		break;
	case TOKEN_QSPN:
		answer_qspn(n, token_number(token), outcome, error, m);
		break;
	default:
		break;
	}
	settle(n);
}
