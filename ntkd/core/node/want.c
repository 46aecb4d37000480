/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what changed to states for the kernel.  Of each namespace one state is asked for at a time; what changes
 * meanwhile is computed when that was answered, so many events become one state.
 *
 * States are numbered when the event that they belong to is over; what that event makes us say waits for all
 * numbers up to its own.
 */
#include "ntkd/core/node/int.h"

#include <stdlib.h>
#include <string.h>

static void
dirty_one(struct identity *id)
{
	if (id->place == PLACE_IDENTITY && !id->loaded)
		id->dirty = true;
}

/* So is who forwards by its paths, over its arcs. */
void
dirty(struct node *n, struct identity *id)
{
	dirty_one(id);
	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		if (n->ids[ns].shadow != 0 && n->ids[ns].shadow == id->id)
			dirty_one(&n->ids[ns]);
}

void
dirty_all(struct node *n)
{
	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		dirty_one(&n->ids[ns]);
}

void
want_numbers(struct node *n)
{
	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		/* What was refused is tried again by and by; nothing waits for that. */
		if ((n->ids[ns].dirty || n->ids[ns].ready) && n->ids[ns].next_seq == 0 &&
		    n->ids[ns].retry == NEVER)
			n->ids[ns].next_seq = ++n->seq;
}

bool
want_settled(const struct node *n, uint64_t seq)
{
	for (unsigned ns = 0; ns < NAMESPACES; ns++) {
		const struct identity *id = &n->ids[ns];

		if ((id->asked_seq != 0 && id->asked_seq <= seq) ||
		    (id->next_seq != 0 && id->next_seq <= seq))
			return false;
	}
	return true;
}

/* NS has, or could not get, all that was wanted up to now: who waited for that goes on. */
static void
at_rest(struct node *n, unsigned ns, bool ok)
{
	struct identity *id = &n->ids[ns];

	if (id->asked || id->ready || (id->dirty && id->retry == NEVER))
		return;
	for (size_t i = 0; ns == 0 && i < n->n_routes; i++)
		if (n->routes[i].wanted) {
			n->routes[i].wanted = false;
			n->routes[i].answered = true;
			n->routes[i].ok = ok;
			task_add(n, (struct task){ .kind = TASK_ROUTE, .arc = n->routes[i].arc });
		}
	if (id->place == PLACE_IDENTITY && id->completing) {
		id->completing = false;
		task_add(n, (struct task){ .kind = TASK_COMPLETED, .ns = ns });
	}
}

/* The state that ID's facts lead to, in ID->want; false when it is what was asked for last. */
static bool
compute(struct node *n, struct identity *id)
{
	struct facts f;

	if (!facts_of(n, id, &f) || !wanted_state(&n->settings, &f, &id->want)) {
		n->failed = true;
		facts_free(&f);
		return false;
	}
	facts_free(&id->facts);
	id->facts = f;
	return id->retry != NEVER || !kset_equal(&id->want, &id->last);
}

static void
hand_out(struct node *n, unsigned ns, struct kset *out, uint32_t *label)
{
	struct identity *id = &n->ids[ns];

	id->ready = false;
	id->dirty = false;
	id->asked = true;
	id->asked_seq = id->next_seq;
	id->next_seq = 0;
	id->retry = NEVER;
	id->change_asked = id->change != CHANGE_NONE;
	kset_free(&id->last);
	kset_init(&id->last);
	if (!kset_copy(&id->last, &id->want))
		n->failed = true;
	*label = id->index;
	kset_swap(out, &id->want);
}

/* Identities in the order of their indices, then namespaces without one in that of their numbers. */
static unsigned
next_place(const struct node *n, unsigned ns, bool *identities)
{
	if (*identities) {
		ns = next_by_index(n, ns == NAMESPACES ? 0 : n->ids[ns].index + 1);
		if (ns < NAMESPACES)
			return ns;
		*identities = false;
		ns = NAMESPACES;
	}
	for (ns = ns == NAMESPACES ? 0 : ns + 1; ns < NAMESPACES; ns++)
		if (n->ids[ns].place == PLACE_MAKING || n->ids[ns].place == PLACE_DROPPING)
			return ns;
	return NAMESPACES;
}

static bool
next_want(struct node *n, unsigned *ns, struct kset *out, uint32_t *label)
{
	bool identities = true;
	unsigned at = NAMESPACES;

	while ((at = next_place(n, at, &identities)) < NAMESPACES) {
		struct identity *id = &n->ids[at];

		if (id->asked || (id->retry != NEVER && id->retry > n->now))
			continue;
		if (id->ready || (id->dirty && id->change == CHANGE_NONE && compute(n, id))) {
			hand_out(n, at, out, label);
			*ns = at;
			return true;
		}
		if (id->dirty && id->change == CHANGE_NONE) {
			id->dirty = false;
			id->next_seq = 0;
			at_rest(n, at, true);
		}
	}
	return false;
}

bool
node_next_want(struct node *n, unsigned *ns, struct kset *out, uint32_t *label)
{
	while (!n->failed) {
		if (next_want(n, ns, out, label))
			return true;
		if (n->n_tasks == 0)
			return false;
		settle(n);
	}
	return false;
}

static void
refused(struct node *n, unsigned ns)
{
	struct identity *id = &n->ids[ns];

	id->patience = id->patience == 0 ? RETRY_FIRST : id->patience * 2;
	if (id->patience > RETRY_LAST)
		id->patience = RETRY_LAST;
	id->retry = n->now + id->patience;
	id->next_seq = 0;	/* who waited for the state that comes next does not wait for this one */
	if (id->place == PLACE_IDENTITY) {
		id->dirty = true;
		story_add(n, NODE_E_KERNEL)->identity = id->index;
	} else {
		id->ready = true;
	}
}

/* Something happened to namespace NS, which is ID's, or will be. */
static void
namespace_event(struct node *n, enum node_event_kind kind, unsigned ns, unsigned index)
{
	struct node_event *e = story_add(n, kind);

	e->identity = index;
	e->number = ns;
}

static void
made(struct node *n, unsigned ns, bool ok, const ntk_mac_t *mac)
{
	struct identity *id;
	struct ident_ns view;
	struct ident_out out;

	if (!ok && ns_make_again(n, ns))
		return;
	ident_out_init(&out);
	if (ok) {
		id = ident_ns(n->ident, ns, &view) ? identity_by_id(n, view.id) : NULL;
		if (id != NULL)
			namespace_event(n, NODE_E_NAMESPACE, ns, id->index);
		ident_ns_made(n->ident, n->now, ns, mac, &out);
	} else {
		identity_end(n, ns);
		ident_ns_refused(n->ident, n->now, ns, &out);
	}
	ident_carry_out(n, &out);
	ident_out_free(&out);
}

static void
dropped(struct node *n, unsigned ns, bool ok)
{
	struct ident_out out;

	if (!ok) {
		refused(n, ns);
		return;
	}
	namespace_event(n, NODE_E_GONE, ns, n->ids[ns].index);
	identity_end(n, ns);
	ident_out_init(&out);
	ident_ns_gone(n->ident, n->now, ns, &out);
	ident_carry_out(n, &out);
	ident_out_free(&out);
}

void
node_kernel_done(struct node *n, uint64_t now, unsigned ns, bool ok, const ntk_mac_t *mac)
{
	static const ntk_mac_t none[CONF_INTERFACES];
	struct identity *id;

	/* Answers to what the node did not ask (a rehearsal) change nothing. */
	if (ns >= NAMESPACES || !n->ids[ns].asked)
		return;
	if (now > n->now)
		n->now = now;
	id = &n->ids[ns];
	id->asked = false;
	id->asked_seq = 0;
	if (ok)
		id->patience = 0;
	/* The answer to what an identity wanted that is gone by now. */
	if (id->place == PLACE_DROPPING && id->ready) {
		settle(n);
		return;
	}
	switch (id->place) {
	case PLACE_MAKING:
		made(n, ns, ok, mac != NULL ? mac : none);
		break;
	case PLACE_DROPPING:
		dropped(n, ns, ok);
		break;
	case PLACE_IDENTITY:
		if (id->change_asked)
			commit_or_undo(n, ns, ok);
		else if (!ok && id->change == CHANGE_NONE)
			refused(n, ns);
		at_rest(n, ns, ok);
		break;
	case PLACE_FREE:
		break;
	}
	settle(n);
}

uint64_t
want_deadline(const struct node *n)
{
	uint64_t t = NEVER;

	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		if (n->ids[ns].place != PLACE_FREE && n->ids[ns].retry < t)
			t = n->ids[ns].retry;
	return t;
}

