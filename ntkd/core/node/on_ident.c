/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the identities module reports (spec/daemon 7.2). */
#include "ntkd/core/node/int.h"

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/node/token.h"

/* --- messages ----------------------------------------------------------------------------- */

static void
send(struct node *n, enum node_action_kind kind, struct ident_action *a)
{
	struct nbh_entry e;
	struct outgoing *o;

	/* An arc that has gone meanwhile: the module hears of that as well. */
	if (!nbh_arc_find(n->nbh, a->arc, &e) || e.connection == 0)
		return;
	o = queue_add(n, kind);
	o->a.connection = e.connection;
	o->a.call = a->call;
	o->a.error = a->error;
	o->a.token = token_make(TOKEN_IDENT, a->call);
	o->a.limit = a->limit;
	o->own = a->msg;
	a->msg = NULL;
}

/* --- namespaces ----------------------------------------------------------------------------- */

/* What a new namespace is begun with: its devices and their link-locals. */
static void
ns_state(struct node *n, struct identity *at, const struct identity *id, const struct ident_ns *ns)
{
	struct facts f;

	facts_init(&f);
	f.address = id->facts.address;
	for (unsigned d = 0; d < n->conf->n_interfaces; d++) {
		f.has_dev[d] = ns->nic[d].present;
		f.linklocal[d] = ns->nic[d].linklocal;
	}
	at->ready = wanted_state(&n->settings, &f, &at->want);
	n->failed = n->failed || !at->ready;
	facts_free(&f);
}

static void
on_ns_make(struct node *n, const struct ident_action *a)
{
	struct identity *id = identity_by_id(n, a->id), *at = &n->ids[a->ns];
	struct ident_ns ns;

	if (id == NULL || !ident_ns(n->ident, a->ns, &ns))
		return;
	at->place = PLACE_MAKING;
	at->index = id->index;
	ns_state(n, at, id, &ns);
}

bool
ns_make_again(struct node *n, unsigned ns_at)
{
	struct kobj dev = { .kind = KOBJ_DEV };
	bool lost = false, left = false;
	struct identity *id;
	struct ident_ns ns;

	if (!ident_ns(n->ident, ns_at, &ns) || (id = identity_by_id(n, ns.id)) == NULL)
		return false;
	for (unsigned d = 0; d < n->conf->n_interfaces; d++) {
		dev.dev = (uint8_t)d;
		left |= ns.nic[d].present;
		lost |= !ns.nic[d].present && kset_find(&n->ids[ns_at].last, &dev) != NULL;
	}
	if (!lost || !left)
		return false;
	ns_state(n, &n->ids[ns_at], id, &ns);
	return true;
}

/* Only the namespace is left, and goes. */
static void
on_ns_drop(struct node *n, const struct ident_action *a)
{
	struct identity *at = &n->ids[a->ns];
	struct identity was = *at;

	identity_end(n, a->ns);
	at->place = PLACE_DROPPING;
	at->index = was.index;
	at->asked = was.asked;
	at->asked_seq = was.asked_seq;
	at->ready = true;
}

/* --- identity-arcs --------------------------------------------------------------------------- */

void
iarc_event(struct node *n, enum node_event_kind kind, const struct ident_iarc *a)
{
	const struct identity *id = identity_by_id(n, a->id);
	struct node_event *e = story_add(n, kind);

	e->identity = id != NULL ? id->index : 0;
	e->number = a->index;
	e->dev = a->dev;
	e->mac = a->peer_mac;
	e->peer = a->peer_linklocal;
}

static void
on_iarc(struct node *n, enum node_event_kind kind, const struct ident_action *a)
{
	struct identity *id = identity_by_id(n, a->iarc.id);

	iarc_event(n, kind, &a->iarc);
	if (id == NULL)
		return;
	dirty(n, id);
	if (kind == NODE_E_IARC_REMOVED)
		qarc_drop(id, a->iarc.number);
}

/*
 * An end that we did not order: table, mark and rule go with the paths, in one state, and are not kept as those of
 * an arc that closes, for nobody sends over it any more.  A neighbour that ended it, or the whole arc in good order,
 * has turned its routes away before it told us, and our answer follows our kernel (spec/kernel-state 8.7, 8.8).
 * Over an arc that broke nothing comes.  And one that is given up in a duplication is where the neighbour's old
 * identity was: it has left that place before it answered.
 */
static void
on_iarc_removing(struct node *n, const struct ident_action *a)
{
	struct identity *id = identity_by_id(n, a->iarc.id);

	if (id != NULL)
		qspn_end_arc(n, id, &a->iarc);
}

static void
on_removed(struct node *n, const struct ident_action *a)
{
	operations_forget(n, a->id);
	questions_drop(n, a->id, 0);
}

/* Its duplication is over: what was to happen to it then happens. */
static void
on_free(struct node *n, uint32_t id)
{
	const struct identity *i = identity_by_id(n, id);

	if (i != NULL && i->doomed)
		task_add(n, (struct task){ .kind = TASK_DISMISS, .id = id });
}

static void
on_without_nics(struct node *n, const struct ident_action *a)
{
	task_add(n, (struct task){ .kind = TASK_DISMISS, .id = a->id });
}

static void
carry_out(struct node *n, struct ident_action *a)
{
	switch (a->kind) {
	case IDENT_CALL:
		send(n, NODE_CALL, a);
		break;
	case IDENT_RESULT:
		send(n, NODE_RESULT, a);
		break;
	case IDENT_ERROR:
		send(n, NODE_ERROR, a);
		break;
	case IDENT_WAIT:
		send(n, NODE_WAIT, a);
		break;
	case IDENT_NS_MAKE:
		on_ns_make(n, a);
		break;
	case IDENT_NS_DROP:
		on_ns_drop(n, a);
		break;
	case IDENT_DUPLICATED:
		duplicated(n, a);
		break;
	case IDENT_COMPLETE:
		completed(n, a);
		break;
	case IDENT_SETTLED:
		on_free(n, a->id);
		on_free(n, a->other);
		break;
	case IDENT_GIVEN_UP:
		given_up(n, a);
		on_free(n, a->id);
		break;
	case IDENT_REMOVED:
		on_removed(n, a);
		break;
	case IDENT_WITHOUT_NICS:
		on_without_nics(n, a);
		break;
	case IDENT_IARC_ADDED:
		on_iarc(n, NODE_E_IARC, a);
		break;
	case IDENT_IARC_CHANGED:
		on_iarc(n, NODE_E_IARC_CHANGED, a);
		break;
	case IDENT_IARC_REMOVING:
		on_iarc_removing(n, a);
		break;
	case IDENT_IARC_REMOVED:
		on_iarc(n, NODE_E_IARC_REMOVED, a);
		break;
	case IDENT_ARC_BROKEN:
		task_add(n, (struct task){ .kind = TASK_ARC_REMOVE, .arc = a->arc });
		break;
	}
}

void
ident_carry_out(struct node *n, struct ident_out *out)
{
	n->failed = n->failed || out->failed;
	for (size_t i = 0; i < out->n; i++)
		carry_out(n, &out->v[i]);
	ident_out_empty(out);
}

/* --- views ------------------------------------------------------------------------------------- */

static struct node_iarc
iarc_view(const struct identity *id, const struct ident_iarc *a)
{
	struct qspn_arc_info info;
	struct node_iarc v = {
		.index = a->index,
		.peer = a->peer,
		.arc = a->arc,
		.dev = a->dev,
		.peer_mac = a->peer_mac,
		.peer_linklocal = a->peer_linklocal,
		.closing = a->closing,
	};

	for (size_t i = 0; i < id->n_qarcs; i++) {
		const struct qarc *q = &id->qarcs[i];

		if (q->number != a->number)
			continue;
		v.qspn = true;
		v.closing = v.closing || !q->in_qspn;
		if (id->qspn != NULL && q->in_qspn && qspn_arc_find(id->qspn, q->number, &info)) {
			v.known = info.known;
			v.peer_address = info.peer;
			v.cost = info.cost;
		} else {
			v.known = q->known;
			v.peer_address = q->peer;
		}
	}
	return v;
}

size_t
node_iarcs(const struct node *n, unsigned index, struct node_iarc *v, size_t size)
{
	unsigned ns = next_by_index(n, index);
	const struct identity *id;
	struct ident_iarc *list;
	size_t count;

	if (ns == NAMESPACES || n->ids[ns].index != index || n->ids[ns].loaded)
		return 0;
	id = &n->ids[ns];
	count = ident_iarcs(n->ident, id->id, NULL, 0);
	list = size > 0 ? calloc(count + 1, sizeof(*list)) : NULL;
	if (list == NULL)
		return count;
	ident_iarcs(n->ident, id->id, list, count);
	for (size_t i = 0; i < count && i < size; i++)
		v[i] = iarc_view(id, &list[i]);
	free(list);
	return count;
}
