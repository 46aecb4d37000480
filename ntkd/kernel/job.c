/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
job_clear(struct job *j)
{
	kset_free(&j->goal);
	kset_free(&j->then);
	kset_free(&j->base);
	kdiff_free(&j->diff);
	free(j->macs);
	*j = (struct job){ .kind = JOB_NONE };
}

/* Takes the end of a finished job to whoever asked for it. */
static void
job_end(struct kernel *k, const struct priv_refusal *why)
{
	struct kernel_result result = { .ok = why == NULL };
	bool asked = k->job.kind == JOB_STATE || k->job.kind == JOB_REHEARSAL;
	unsigned ns = k->job.ns;

	if (why != NULL)
		result.refusal = *why;
	job_clear(&k->job);
	if (asked)
		k->done(ns, &result, k->arg);
}

/* A refusal of our own. */
static struct priv_refusal
own_refusal(enum priv_reason reason, const char *text)
{
	struct priv_refusal r = { .reason = (uint16_t)reason };

	snprintf(r.text, sizeof(r.text), "%s", text);
	return r;
}

static struct priv_refusal
no_memory(void)
{
	return own_refusal(PRIV_R_LIMIT, "memory is exhausted");
}

void
job_op(const struct kernel *k, size_t i, struct priv_op *op)
{
	const struct job *j = &k->job;
	struct kop_context x = { j->ns == 0, j->label, &k->spaces[j->ns].place,
		&k->spaces[0].place, &k->peers };

	memset(op, 0, sizeof(*op));
	if (i >= j->n_macs) {
		kop_make(&x, &j->diff.v[i - j->n_macs], op);
	} else if (j->kind == JOB_GIVE) {
		op->type = PRIV_OP_peer_give;
		op->peer_give.peer = peers_find(&k->peers, j->macs[i])->handle;
	} else {
		op->type = PRIV_OP_peer_take;
		memcpy(op->peer_take.mac, j->macs[i].b, sizeof(op->peer_take.mac));
	}
}

size_t
job_n_ops(const struct job *j)
{
	return j->n_macs + j->diff.n;
}

/* Neighbours of the goal that have no number, in the order in which they get one. */
static bool
plan_takes(struct kernel *k)
{
	struct job *j = &k->job;

	j->macs = malloc((j->goal.n_macs + 1) * sizeof(*j->macs));
	for (size_t i = 0; j->macs != NULL && i < j->goal.n_macs; i++) {
		if (peers_find(&k->peers, j->goal.macs[i]) != NULL)
			continue;
		if (!peers_add(&k->peers, j->goal.macs[i]))
			return false;
		j->macs[j->n_macs++] = j->goal.macs[i];
	}
	return j->macs != NULL;
}

static bool
has_namespace(const struct kset *s)
{
	return kset_find(s, &(struct kobj){ .kind = KOBJ_NS }) != NULL;
}

/*
 * A real interface stays prepared until the helper ends (kernel-state 3), so there is no
 * operation that undoes it: what is applied stays in the goal.
 */
static bool
plan_keep_interfaces(struct kernel *k)
{
	struct kset *goal = &k->job.goal;
	struct kobj o = { .kind = KOBJ_DEV };
	bool ok = true;

	for (size_t i = 0; ok && i < k->n_devs; i++) {
		o.dev = (uint8_t)i;
		if (kset_find(&k->spaces[0].applied, &o) == NULL || kset_find(goal, &o) != NULL)
			continue;
		kset_add(goal, &o);
		ok = kset_sort(goal);
	}
	return ok;
}

/* From what is applied to the goal.  False with WHY. */
static bool
plan_state(struct kernel *k, struct priv_refusal *why)
{
	struct job *j = &k->job;

	if (j->ns == 0 && !has_namespace(&j->goal)) {
		*why = own_refusal(PRIV_R_KIND, "the default namespace cannot be removed");
		return false;
	}
	if ((j->ns == 0 && !plan_keep_interfaces(k)) ||
	    !kdiff_make(&j->diff, &k->spaces[j->ns].applied, &j->goal) || !plan_takes(k)) {
		*why = no_memory();
		return false;
	}
	return true;
}

/* True when the border carries OP; what it does not would end the helper. */
static bool
op_is_valid(const struct priv_op *op)
{
	const struct msg_desc *d = msg_find(priv_ops, priv_n_ops, op->type);
	struct msg_error err;

	return msg_valid(d, &op->ns_prepare, &err);
}

/* Puts the end of the next transaction where the limits of the border are reached. */
static bool
cut_end(struct kernel *k, struct priv_refusal *why)
{
	struct job *j = &k->job;
	size_t limit = job_n_ops(j) - j->done < PRIV_TXN_OPS ? job_n_ops(j) :
	    j->done + PRIV_TXN_OPS;
	size_t results = 0;
	struct priv_op op = { .type = 0 };

	for (j->end = j->done; j->end < limit && !priv_op_is_last(op.type); j->end++) {
		job_op(k, j->end, &op);
		if (!op_is_valid(&op)) {
			*why = own_refusal(PRIV_R_SHAPE, "an operation has a value that the "
			    "helper does not take");
			return false;
		}
		results += priv_op_makes(op.type);
		if (results > PRIV_TXN_RESULTS)
			break;
	}
	return true;
}

/* The changes of the transaction under way. */
static const struct kchange *
cut_changes(const struct job *j, size_t *n)
{
	size_t from = j->done > j->n_macs ? j->done - j->n_macs : 0;
	size_t to = j->end > j->n_macs ? j->end - j->n_macs : 0;

	*n = to - from;
	return *n != 0 ? j->diff.v + from : NULL;
}

/* Prepares what is applied when a transaction is done that is not the last. */
static bool
cut_then(struct kernel *k)
{
	struct job *j = &k->job;
	const struct kset *applied = &k->spaces[j->ns].applied;
	struct kset changed = { .v = NULL };
	size_t n;
	const struct kchange *c = cut_changes(j, &n);
	bool ok;

	kset_empty(&j->then);
	for (size_t i = 0; i < n; i++) {
		kset_add(&changed, c[i].to != NULL ? c[i].to : c[i].from);
		if (c[i].to != NULL)
			kset_add(&j->then, c[i].to);
	}
	ok = kset_sort(&changed);
	for (size_t i = 0; ok && i < applied->n; i++)
		if (kset_find(&changed, &applied->v[i]) == NULL)
			kset_add(&j->then, &applied->v[i]);
	kset_free(&changed);
	return ok && kset_sort(&j->then);
}

/* Makes everything ready for the next transaction, so that its answer needs no memory. */
static bool
cut(struct kernel *k, struct priv_refusal *why)
{
	struct job *j = &k->job;

	j->sent = j->done;
	j->results = 0;
	if (!cut_end(k, why))
		return false;
	if (j->end == job_n_ops(j) || j->kind == JOB_GIVE)
		return true;
	if (j->kind == JOB_REHEARSAL) {
		*why = own_refusal(PRIV_R_LIMIT, "too much for one transaction");
		return false;
	}
	*why = no_memory();
	return cut_then(k);
}

/* Handles of what a transaction would have made mean nothing when it did not. */
static void
forget_new_handles(struct kernel *k)
{
	struct kplace *p = &k->spaces[k->job.ns].place;

	peers_remove_untaken(&k->peers);
	if (PRIV_HANDLE_KIND(p->ns) == PRIV_H_NEW)
		p->ns = 0;
	for (size_t i = 0; i <= UINT8_MAX; i++)
		if (PRIV_HANDLE_KIND(p->dev[i]) == PRIV_H_NEW)
			p->dev[i] = 0;
}

void
job_fail(struct kernel *k, const struct priv_refusal *why)
{
	struct job *j = &k->job;
	struct priv_refusal first = j->retreating ? j->why : *why;
	struct priv_refusal second;

	forget_new_handles(k);
	k->counters.refused++;
	if (j->kind == JOB_LET_GO)
		k->leaving[j->let_go] = LEAVING_REFUSED;
	if (j->has_base && !j->retreating) {
		struct job back = { .kind = j->kind, .ns = j->ns, .label = j->label,
			.retreating = true, .why = first };

		kset_swap(&back.goal, &j->base);
		job_clear(j);
		*j = back;
		if (plan_state(k, &second) && cut(k, &second))
			return;
		forget_new_handles(k);
	}
	job_end(k, &first);
}

void
job_checked(struct kernel *k, const struct kernel_found *found)
{
	unsigned ns = k->job.ns;

	job_clear(&k->job);
	if (k->checked != NULL)
		k->checked(ns, found, k->checked_arg);
}

/* The slot that waits longest, or NULL. */
static struct slot *
next_slot(struct kernel *k, unsigned *ns)
{
	struct slot *best = NULL;

	for (unsigned i = 0; i < KERNEL_NAMESPACES; i++) {
		struct slot *slots[] = { &k->spaces[i].trial, &k->spaces[i].want,
			&k->spaces[i].check };

		for (size_t s = 0; s < sizeof(slots) / sizeof(slots[0]); s++) {
			if (!slots[s]->waiting || (best != NULL &&
			    slots[s]->ticket > best->ticket))
				continue;
			best = slots[s];
			*ns = i;
		}
	}
	return best;
}

static bool
is_waited_for(const struct kernel *k, ntk_mac_t mac)
{
	for (size_t i = 0; i < KERNEL_NAMESPACES; i++) {
		const struct slot *s = &k->spaces[i].want;

		for (size_t m = 0; s->waiting && m < s->state.n_macs; m++)
			if (mac_cmp(s->state.macs[m], mac) == 0)
				return true;
	}
	return false;
}

/* Begins to give back what nobody needs; false when there is nothing to give. */
static bool
begin_give(struct kernel *k)
{
	struct job *j = &k->job;

	j->kind = JOB_GIVE;
	j->macs = malloc((k->peers.n + 1) * sizeof(*j->macs));
	for (size_t i = 0; j->macs != NULL && i < k->peers.n; i++) {
		const struct peer *p = &k->peers.v[i];

		if (p->references == 0 && !p->kept && !is_waited_for(k, p->mac))
			j->macs[j->n_macs++] = p->mac;
	}
	if (j->n_macs != 0)
		return true;
	job_clear(j);
	return false;
}

static bool
is_on(const struct kobj *o, size_t i)
{
	return ((o->kind == KOBJ_ADDR || o->kind == KOBJ_NEIGH) && o->dev == i) ||
	    (o->kind == KOBJ_ROUTE && o->type == PRIV_ROUTE_UNICAST && o->via_dev == i);
}

/* Something is on managed interface I: pseudo-interfaces, and what the default namespace has. */
static bool
is_laden(const struct kernel *k, size_t i)
{
	const struct kset *s = &k->spaces[0].applied;

	for (size_t ns = 1; ns < KERNEL_NAMESPACES; ns++)
		if (k->spaces[ns].place.dev[i] != 0)
			return true;
	for (size_t n = 0; n < s->n; n++)
		if (is_on(&s->v[n], i))
			return true;
	return false;
}

static bool
is_prepared(const struct kernel *k, size_t i)
{
	const struct kobj o = { .kind = KOBJ_DEV, .dev = (uint8_t)i };

	return kset_find(&k->spaces[0].applied, &o) != NULL;
}

bool
job_has_dev(const struct kernel *k, size_t i)
{
	return is_prepared(k, i) || is_laden(k, i);
}

/* The goal is what is applied, without interface I. */
static bool
plan_let_go(struct kernel *k, size_t i)
{
	const struct kset *applied = &k->spaces[0].applied;
	struct job *j = &k->job;

	j->kind = JOB_LET_GO;
	j->let_go = (uint8_t)i;
	for (size_t n = 0; n < applied->n; n++)
		if (applied->v[n].kind != KOBJ_DEV || applied->v[n].dev != i)
			kset_add(&j->goal, &applied->v[n]);
	return kset_sort(&j->goal) && kdiff_make(&j->diff, applied, &j->goal);
}

/* Begins to let an interface go that shall be and can be; false when there is none.  OK: it was planned. */
static bool
begin_let_go(struct kernel *k, bool *ok)
{
	for (size_t i = 0; i < k->n_devs; i++) {
		if (k->leaving[i] != LEAVING_WANTED || is_laden(k, i))
			continue;
		if (is_prepared(k, i)) {
			*ok = plan_let_go(k, i);
			return true;
		}
		k->leaving[i] = LEAVING_NOT;
		k->look = true;
	}
	return false;
}

/* The namespace may have gone, or may never have come, while the check waited. */
static void
begin_check(struct kernel *k, unsigned ns)
{
	struct kernel_found gone = { .ok = false };

	k->spaces[ns].check.waiting = false;
	k->job.kind = JOB_CHECK;
	k->job.ns = ns;
	k->job.end = 1;
	if (k->spaces[ns].place.ns != 0)
		return;
	gone.refusal = own_refusal(PRIV_R_ABSENT, "the namespace is gone");
	job_checked(k, &gone);
}

static void
begin_state(struct kernel *k, unsigned ns, struct slot *s, struct priv_refusal *why, bool *ok)
{
	struct job *j = &k->job;

	j->kind = s == &k->spaces[ns].trial ? JOB_REHEARSAL : JOB_STATE;
	j->ns = ns;
	j->label = s->label;
	kset_swap(&j->goal, &s->state);
	s->waiting = false;
	*ok = plan_state(k, why);
}

uint32_t *
job_made_handle(struct kernel *k, size_t i)
{
	struct job *j = &k->job;
	const struct kobj *o;

	if (i < j->n_macs)
		return &peers_find(&k->peers, j->macs[i])->handle;
	o = j->diff.v[i - j->n_macs].to;
	return o->kind == KOBJ_NS ? &k->spaces[j->ns].place.ns :
	    &k->spaces[j->ns].place.dev[o->dev];
}

/* Objects of O's neighbour: one more, or one less. */
static void
reference(struct kernel *k, const struct kobj *o, bool more)
{
	struct peer *p = peers_find(&k->peers, o->mac);

	if (p == NULL)
		return;
	if (more) {
		p->references++;
		p->kept = false;
	} else {
		p->references--;
	}
}

/* Counts what the transaction that was done changed in who needs which neighbour. */
static void
count_references(struct kernel *k)
{
	const struct kset *applied = &k->spaces[k->job.ns].applied;
	size_t n;
	const struct kchange *c = cut_changes(&k->job, &n);

	for (size_t i = 0; i < n; i++) {
		if (c[i].from == NULL)
			reference(k, c[i].to, true);
		else if (c[i].to == NULL && c[i].from->kind != KOBJ_NS)
			reference(k, c[i].from, false);
		else if (c[i].to == NULL)
			for (size_t a = 0; a < applied->n; a++)
				reference(k, &applied->v[a], false);
	}
}

/* Forgets the handles of what the transaction removed. */
static void
forget_removed(struct kernel *k)
{
	struct space *s = &k->spaces[k->job.ns];
	size_t n;
	const struct kchange *c = cut_changes(&k->job, &n);

	for (size_t i = 0; i < n; i++) {
		if (c[i].to != NULL)
			continue;
		if (c[i].from->kind == KOBJ_DEV) {
			s->place.dev[c[i].from->dev] = 0;
			s->dev[c[i].from->dev] = (struct kernel_dev){ .present = false };
		} else if (c[i].from->kind == KOBJ_NS) {
			s->place = (struct kplace){ .ns = 0 };
			s->number = 0;
			memset(s->dev, 0, sizeof(s->dev));
		}
	}
}

/* What was applied stays as it was for the rest of the job, whose changes point into it. */
static void
applied_advance(struct kernel *k)
{
	struct job *j = &k->job;
	struct kset *applied = &k->spaces[j->ns].applied;

	if (j->end == job_n_ops(j)) {
		kset_swap(applied, &j->goal);
		return;
	}
	kset_swap(applied, &j->then);
	if (!j->has_base)
		kset_swap(&j->base, &j->then);
	j->has_base = true;
}

/* Something changed: what could not be let go is tried once more. */
static void
refused_again(struct kernel *k)
{
	for (size_t i = 0; i < k->n_devs; i++)
		if (k->leaving[i] == LEAVING_REFUSED)
			k->leaving[i] = LEAVING_WANTED;
}

static void
give_finish(struct kernel *k)
{
	for (size_t i = k->job.done; i < k->job.end; i++)
		peers_remove(&k->peers, k->job.macs[i]);
}

void
job_advance(struct kernel *k)
{
	struct job *j = &k->job;
	struct priv_refusal why;

	if (j->kind == JOB_REHEARSAL) {
		forget_new_handles(k);
		job_end(k, NULL);
		return;
	}
	if (j->kind == JOB_GIVE) {
		give_finish(k);
	} else {
		count_references(k);
		forget_removed(k);
		applied_advance(k);
		refused_again(k);
	}
	if (j->kind == JOB_LET_GO) {
		k->leaving[j->let_go] = LEAVING_NOT;
		k->look = true;
	}
	j->done = j->end;
	if (j->done == job_n_ops(j))
		job_end(k, j->retreating ? &j->why : NULL);
	else if (!cut(k, &why))
		job_fail(k, &why);
}

bool
job_begin(struct kernel *k)
{
	struct priv_refusal why = no_memory();
	struct slot *s;
	unsigned ns;
	bool ok = true;

	if (!begin_give(k) && !begin_let_go(k, &ok)) {
		if (k->look)
			return true;
		s = next_slot(k, &ns);
		if (s == NULL)
			return false;
		if (s == &k->spaces[ns].check) {
			begin_check(k, ns);
			return true;
		}
		begin_state(k, ns, s, &why, &ok);
	}
	if (!ok || !cut(k, &why))
		job_fail(k, &why);
	else if (job_n_ops(&k->job) == 0)
		job_advance(k);
	return true;
}
