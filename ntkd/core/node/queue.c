/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes out: in order, and after the kernel where it must (spec/kernel-state 8.7). */
#include "ntkd/core/node/int.h"

#include <stdlib.h>
#include <string.h>

#define UNNUMBERED UINT64_MAX

const char *
node_event_name(enum node_event_kind k)
{
	static const char *const names[NODE_EVENTS] = {
		[NODE_E_ARC] = "arc",
		[NODE_E_ARC_REMOVED] = "arc_removed",
		[NODE_E_IDENTITY] = "identity",
		[NODE_E_IDENTITY_REMOVED] = "identity_leaving",
		[NODE_E_IARC] = "identity_arc",
		[NODE_E_IARC_CHANGED] = "identity_arc_changed",
		[NODE_E_IARC_REMOVED] = "identity_arc_removed",
		[NODE_E_QARC] = "qspn_arc",
		[NODE_E_QARC_REMOVED] = "qspn_arc_removed",
		[NODE_E_NAMESPACE] = "namespace_made",
		[NODE_E_GONE] = "identity_removed",
		[NODE_E_ADDRESS] = "address",
		[NODE_E_HANDED_OVER] = "handed_over",
		[NODE_E_OUTER] = "outer_arcs_removed",
		[NODE_E_PRESENT] = "present",
		[NODE_E_BOOTSTRAPPED] = "bootstrapped",
		[NODE_E_OPERATION] = "operation",
		[NODE_E_SPLIT] = "split",
		[NODE_E_KERNEL] = "refused_state",
		[NODE_E_LINKLOCAL] = "linklocal",
		[NODE_E_REFUSED] = "refused",
	};

	return k < NODE_EVENTS ? names[k] : "?";
}

/* Where things go when there is no room: the node has failed, and nothing is given out any more. */
static struct outgoing lost;

struct outgoing *
queue_add(struct node *n, enum node_action_kind kind)
{
	struct outgoing *v;

	if (n->first > 0 && n->first == n->n_queue)
		n->first = n->n_queue = 0;
	v = more(n, n->queue, n->n_queue, &n->queue_size, sizeof(*v));
	if (v == NULL)
		return &lost;
	n->queue = v;
	v += n->n_queue++;
	*v = (struct outgoing){ .a = { .kind = kind }, .after = UNNUMBERED };
	return v;
}

struct node_event *
story_add(struct node *n, enum node_event_kind kind)
{
	struct outgoing *o = queue_add(n, NODE_EVENT);

	o->a.event = (struct node_event){ .kind = kind };
	return &o->a.event;
}

void
queue_number(struct node *n, uint64_t seq)
{
	for (size_t i = n->n_queue; i-- > n->first; ) {
		if (seq != 0 && n->queue[i].after != UNNUMBERED)
			break;
		n->queue[i].after = seq;
	}
}

static void
outgoing_free(struct outgoing *o)
{
	free(o->own);
	if (o->shared != NULL)
		qspn_msg_unref(o->shared);
	*o = (struct outgoing){ .after = 0 };
}

void
queue_free(struct node *n)
{
	for (size_t i = n->first; i < n->n_queue; i++)
		outgoing_free(&n->queue[i]);
	outgoing_free(&n->given);
	free(n->queue);
}

/* Hellos, events and sockets do not wait for states of the kernel that come later than they do. */
static bool
may_overtake(const struct outgoing *o)
{
	return o->a.kind == NODE_HELLO || o->a.kind == NODE_EVENT;
}

static void
give(struct node *n, size_t i, struct node_action *out)
{
	outgoing_free(&n->given);
	n->given = n->queue[i];
	if (i == n->first) {
		n->first++;
	} else {
		n->n_queue--;
		memmove(&n->queue[i], &n->queue[i + 1], (n->n_queue - i) * sizeof(*n->queue));
	}
	*out = n->given.a;
	out->msg = n->given.shared != NULL ? qspn_msg_get(n->given.shared) : n->given.own;
}

bool
node_next(struct node *n, struct node_action *out)
{
	if (n->failed)
		return false;
	if (n->first < n->n_queue && want_settled(n, n->queue[n->first].after)) {
		give(n, n->first, out);
		return true;
	}
	for (size_t i = n->first; i < n->n_queue; i++)
		if (may_overtake(&n->queue[i])) {
			give(n, i, out);
			return true;
		}
	outgoing_free(&n->given);
	return false;
}
