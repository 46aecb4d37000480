/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/txn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/ops.h"
#include "ntkd/kernel/peers.h"

/* A state that waits to be brought about; TICKET is its place in the queue. */
struct slot {
	bool waiting;
	uint64_t ticket;
	uint32_t label;
	struct kset state;
};

struct space {
	struct kplace place;
	uint32_t number;			/* in the helper's name for it */
	struct kernel_dev dev[UINT8_MAX + 1];
	struct kset applied;
	struct slot want;
	struct slot trial;			/* a rehearsal */
};

enum job_kind {
	JOB_NONE,
	JOB_STATE,
	JOB_REHEARSAL,
	JOB_GIVE,		/* of table numbers nobody needs any more */
};

/*
 * What is being done.  Its operations are numbered: first one for each of MACS,
 * which are taken (or given), then one for each change of DIFF, whose objects lie in
 * GOAL and in what was applied when the job began.  Those below DONE are done; up to
 * END reaches the transaction under way; those below SENT have been sent.
 */
struct job {
	enum job_kind kind;
	unsigned ns;
	uint32_t label;
	struct kset goal;
	struct kset then;	/* applied when the transaction under way is done */
	struct kset base;	/* applied when the job began, once it had a second transaction */
	ntk_mac_t *macs;	/* owned */
	size_t n_macs;
	struct kdiff diff;
	size_t done;
	size_t end;
	size_t sent;
	uint32_t results;	/* objects made by what was sent of this transaction */
	bool has_base;
	bool retreating;	/* refused for the reason WHY: on the way back to BASE */
	struct priv_refusal why;
};

enum phase {
	PHASE_SILENT,
	PHASE_GREETING,		/* hello was sent */
	PHASE_UP,
};

struct kernel {
	size_t n_devs;
	kernel_done *done;
	void *arg;
	enum phase phase;
	uint32_t seq;
	uint64_t tickets;
	struct space spaces[KERNEL_NAMESPACES];
	struct peers peers;
	struct job job;
	struct kernel_counters counters;
	struct priv_result results[PRIV_TXN_RESULTS];	/* of the answer being read */
};

struct kernel *
kernel_new(size_t n_devs, kernel_done *done, void *arg)
{
	struct kernel *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->n_devs = n_devs;
	k->done = done;
	k->arg = arg;
	return k;
}

/* Frees what the job holds; no job remains. */
static void
job_clear(struct job *j)
{
	kset_free(&j->goal);
	kset_free(&j->then);
	kset_free(&j->base);
	kdiff_free(&j->diff);
	free(j->macs);
	*j = (struct job){ .kind = JOB_NONE };
}

void
kernel_free(struct kernel *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < KERNEL_NAMESPACES; i++) {
		kset_free(&k->spaces[i].applied);
		kset_free(&k->spaces[i].want.state);
		kset_free(&k->spaces[i].trial.state);
	}
	job_clear(&k->job);
	peers_free(&k->peers);
	free(k);
}

/* A state that replaces one that waits keeps its place in the queue. */
static void
slot_fill(struct kernel *k, struct slot *s, struct kset *state, uint32_t label)
{
	if (!s->waiting)
		s->ticket = k->tickets++;
	s->waiting = true;
	s->label = label;
	kset_swap(&s->state, state);
	kset_free(state);
}

void
kernel_want(struct kernel *k, unsigned ns, struct kset *want, uint32_t label)
{
	assert(ns < KERNEL_NAMESPACES);
	slot_fill(k, &k->spaces[ns].want, want, label);
}

void
kernel_rehearse(struct kernel *k, unsigned ns, struct kset *want)
{
	assert(ns < KERNEL_NAMESPACES);
	slot_fill(k, &k->spaces[ns].trial, want, 0);
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

/* Operation I of the job. */
static void
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

static size_t
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
	return j->diff.v + from;
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

/*
 * The job cannot go on.  When earlier transactions of it stand, they are walked back;
 * when that fails too, what stands stays, and is what is applied.
 */
static void
job_fail(struct kernel *k, const struct priv_refusal *why)
{
	struct job *j = &k->job;
	struct priv_refusal first = j->retreating ? j->why : *why;
	struct priv_refusal second;

	forget_new_handles(k);
	k->counters.refused++;
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

/* The slot that waits longest, or NULL. */
static struct slot *
next_slot(struct kernel *k, unsigned *ns)
{
	struct slot *best = NULL;

	for (unsigned i = 0; i < KERNEL_NAMESPACES; i++) {
		struct slot *slots[] = { &k->spaces[i].trial, &k->spaces[i].want };

		for (size_t s = 0; s < 2; s++) {
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
begin_slot(struct kernel *k, struct priv_refusal *why, bool *ok)
{
	struct job *j = &k->job;
	unsigned ns;
	struct slot *s = next_slot(k, &ns);

	if (s == NULL)
		return false;
	j->kind = s == &k->spaces[ns].trial ? JOB_REHEARSAL : JOB_STATE;
	j->ns = ns;
	j->label = s->label;
	kset_swap(&j->goal, &s->state);
	s->waiting = false;
	*ok = plan_state(k, why);
	return true;
}

static void job_finish_transaction(struct kernel *k);

/* Begins the next job; false when there is none.  It may have ended on the spot. */
static bool
job_begin(struct kernel *k)
{
	struct priv_refusal why;
	bool ok = true;

	if (!begin_give(k) && !begin_slot(k, &why, &ok))
		return false;
	if (!ok || !cut(k, &why))
		job_fail(k, &why);
	else if (job_n_ops(&k->job) == 0)
		job_finish_transaction(k);
	return true;
}

static size_t
frame_size(void)
{
	return msg_wire_max(&priv_frame_desc);
}

/* Writes the frame at BUF, before BODY bytes that are there already; returns the whole length. */
static size_t
frame_write(const struct kernel *k, uint8_t *buf, struct priv_frame frame, size_t body)
{
	struct wr w;

	frame.magic = PRIV_MAGIC;
	frame.version = PRIV_VERSION;
	frame.seq = k->seq;
	wr_init(&w, buf, frame_size());
	msg_encode(&priv_frame_desc, &frame, &w);
	return frame_size() + body;
}

static size_t
op_size_max(void)
{
	size_t max = 0;

	for (size_t i = 0; i < priv_n_ops; i++)
		if (msg_wire_max(&priv_ops[i]) > max)
			max = msg_wire_max(&priv_ops[i]);
	return max + 1;
}

/* Where the handle is kept of what operation I makes. */
static uint32_t *
made_handle(struct kernel *k, size_t i)
{
	struct job *j = &k->job;
	const struct kobj *o;

	if (i < j->n_macs)
		return &peers_find(&k->peers, j->macs[i])->handle;
	o = j->diff.v[i - j->n_macs].to;
	return o->kind == KOBJ_NS ? &k->spaces[j->ns].place.ns :
	    &k->spaces[j->ns].place.dev[o->dev];
}

/* Writes one part of the transaction under way. */
static size_t
part_write(struct kernel *k, uint8_t *buf)
{
	struct job *j = &k->job;
	struct priv_frame frame = { .type = PRIV_APPLY };
	struct priv_op op;
	struct wr w;
	size_t op_size = op_size_max();

	if (j->sent == j->done)
		k->seq++;
	wr_init(&w, buf + frame_size(), PRIV_MSG_MAX - frame_size());
	for (; j->sent < j->end && frame.count < UINT16_MAX && wr_room(&w) >= op_size; j->sent++) {
		job_op(k, j->sent, &op);
		if (priv_op_makes(op.type))
			*made_handle(k, j->sent) = PRIV_HANDLE_NEW(j->results++);
		priv_op_write(&op, &w);
		frame.count++;
	}
	if (j->sent < j->end)
		frame.flags = PRIV_MORE;
	else if (j->kind == JOB_REHEARSAL)
		frame.flags = PRIV_REHEARSE;
	return frame_write(k, buf, frame, w.len);
}

bool
kernel_is_up(const struct kernel *k)
{
	return k->phase == PHASE_UP;
}

bool
kernel_is_busy(const struct kernel *k)
{
	const struct job *j = &k->job;

	return k->phase == PHASE_GREETING ||
	    (j->kind != JOB_NONE && j->sent != j->done && j->sent == j->end);
}

size_t
kernel_next(struct kernel *k, uint8_t *buf)
{
	if (k->phase == PHASE_SILENT) {
		k->phase = PHASE_GREETING;
		return frame_write(k, buf, (struct priv_frame){ .type = PRIV_HELLO }, 0);
	}
	while (!kernel_is_busy(k)) {
		if (k->job.kind != JOB_NONE)
			return part_write(k, buf);
		if (!job_begin(k))
			break;
	}
	return 0;
}

static bool
bad(struct msg_error *err, const char *message, const char *field, const char *why, uint64_t value)
{
	*err = (struct msg_error){ message, field, why, value };
	return false;
}

/* Objects of O's neighbour: one more, or one less. */
static void
reference(struct kernel *k, const struct kobj *o, bool more)
{
	struct peer *p = peers_find(&k->peers, o->mac);

	if (p == NULL)
		return;
	p->references += more ? 1 : (size_t)-1;
	if (more)
		p->kept = false;
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

static void
give_finish(struct kernel *k)
{
	for (size_t i = k->job.done; i < k->job.end; i++)
		peers_remove(&k->peers, k->job.macs[i]);
}

/* The transaction under way is done, all of it. */
static void
job_finish_transaction(struct kernel *k)
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
	}
	j->done = j->end;
	if (j->done == job_n_ops(j))
		job_end(k, j->retreating ? &j->why : NULL);
	else if (!cut(k, &why))
		job_fail(k, &why);
}

/* The kind of handle that operation OP is answered with. */
static enum priv_handle_kind
made_kind(const struct priv_op *op)
{
	switch (op->type) {
	case PRIV_OP_ns_create:
		return PRIV_H_NS;
	case PRIV_OP_dev_create:
		return PRIV_H_DEV;
	case PRIV_OP_peer_take:
		return PRIV_H_PEER;
	default:
		return PRIV_H_NONE;
	}
}

static bool
result_check(const struct kernel *k, const struct priv_op *op, const struct priv_result *r,
    struct msg_error *err)
{
	if (PRIV_HANDLE_KIND(r->handle) != made_kind(op))
		return bad(err, "result", "handle", "is of another kind than what was made",
		    r->handle);
	if (op->type != PRIV_OP_peer_take)
		return true;
	if (r->number == 0)
		return bad(err, "result", "number", "is no table", 0);
	if (peers_have_table(&k->peers, r->number))
		return bad(err, "result", "number", "is another neighbour's table", r->number);
	return true;
}

/* Enters what operation I made. */
static void
result_enter(struct kernel *k, size_t i, const struct priv_op *op, const struct priv_result *r)
{
	struct space *s = &k->spaces[k->job.ns];
	struct kernel_dev dev = { .present = true, .ifindex = r->number };

	*made_handle(k, i) = r->handle;
	if (op->type == PRIV_OP_peer_take) {
		peers_find(&k->peers, k->job.macs[i])->table = r->number;
	} else if (op->type == PRIV_OP_ns_create) {
		s->number = r->number;
	} else {
		memcpy(dev.mac.b, r->mac, sizeof(dev.mac.b));
		s->dev[k->job.diff.v[i - k->job.n_macs].to->dev] = dev;
	}
}

/* Two neighbours with one number would be caught here, since each is entered before the next. */
static bool
results_enter(struct kernel *k, struct msg_error *err)
{
	struct job *j = &k->job;
	struct priv_op op;
	size_t n = 0;

	for (size_t i = j->done; n < j->results; i++) {
		job_op(k, i, &op);
		if (!priv_op_makes(op.type))
			continue;
		if (!result_check(k, &op, &k->results[n], err))
			return false;
		if (j->kind != JOB_REHEARSAL)
			result_enter(k, i, &op, &k->results[n]);
		n++;
	}
	return true;
}

static bool
read_done(struct kernel *k, const struct priv_frame *f, struct rd *r, struct msg_error *err)
{
	if (f->count != k->job.results)
		return bad(err, "frame", "count", "is not the number of objects made", f->count);
	for (size_t i = 0; i < f->count; i++)
		if (!msg_decode(&priv_result_desc, r, &k->results[i], err))
			return false;
	if (!rd_done(r))
		return bad(err, "done", "", "bytes are left over", r->left);
	if (!results_enter(k, err))
		return false;
	k->counters.transactions++;
	k->counters.operations += k->job.end - k->job.done;
	job_finish_transaction(k);
	return true;
}

static bool
read_refused(struct kernel *k, struct rd *r, struct msg_error *err)
{
	struct job *j = &k->job;
	struct priv_refusal why;

	if (!msg_decode(&priv_refusal_desc, r, &why, err))
		return false;
	if (!rd_done(r))
		return bad(err, "refusal", "", "bytes are left over", r->left);
	if (why.op >= j->end - j->done)
		return bad(err, "refusal", "op", "was not in the transaction", why.op);
	k->counters.transactions++;
	if (j->kind == JOB_GIVE)
		peers_find(&k->peers, j->macs[j->done + why.op])->kept = true;
	job_fail(k, &why);
	return true;
}

static bool
read_interface(struct kernel *k, size_t i, struct rd *r, struct msg_error *err)
{
	struct priv_interface in;
	struct space *s = &k->spaces[0];
	size_t dev = i == 0 ? KOBJ_LO : i - 1;

	if (!msg_decode(&priv_interface_desc, r, &in, err))
		return false;
	if (in.dev == 0 && i != 0)
		return true;
	if (PRIV_HANDLE_KIND(in.dev) != PRIV_H_DEV)
		return bad(err, "interface", "dev", "is of another kind", in.dev);
	s->place.dev[dev] = in.dev;
	s->dev[dev] = (struct kernel_dev){ .present = true, .ifindex = in.ifindex };
	memcpy(s->dev[dev].mac.b, in.mac, sizeof(in.mac));
	return true;
}

static bool
read_welcome(struct kernel *k, const struct priv_frame *f, struct rd *r, struct msg_error *err)
{
	struct priv_welcome w;

	if (f->count != k->n_devs + 1)
		return bad(err, "frame", "count", "is not the number of interfaces", f->count);
	if (!msg_decode(&priv_welcome_desc, r, &w, err))
		return false;
	if (PRIV_HANDLE_KIND(w.ns) != PRIV_H_NS)
		return bad(err, "welcome", "ns", "is of another kind", w.ns);
	for (size_t i = 0; i < f->count; i++)
		if (!read_interface(k, i, r, err))
			return false;
	if (!rd_done(r))
		return bad(err, "welcome", "", "bytes are left over", r->left);
	k->spaces[0].place.ns = w.ns;
	k->phase = PHASE_UP;
	return true;
}

bool
kernel_answer(struct kernel *k, const uint8_t *buf, size_t len, struct msg_error *err)
{
	struct priv_frame f;
	struct rd r;

	rd_init(&r, buf, len);
	if (!msg_decode(&priv_frame_desc, &r, &f, err))
		return false;
	if (!kernel_is_busy(k))
		return bad(err, "frame", "type", "nothing was asked", f.type);
	if (f.seq != k->seq)
		return bad(err, "frame", "seq", "is not that of the request", f.seq);
	if (f.flags != 0)
		return bad(err, "frame", "flags", "has a flag of requests", f.flags);
	if (k->phase == PHASE_GREETING && f.type == PRIV_WELCOME)
		return read_welcome(k, &f, &r, err);
	if (k->phase == PHASE_UP && f.type == PRIV_DONE)
		return read_done(k, &f, &r, err);
	if (k->phase == PHASE_UP && f.type == PRIV_REFUSED)
		return read_refused(k, &r, err);
	return bad(err, "frame", "type", "is no answer to the request", f.type);
}

struct kernel_dev
kernel_device(const struct kernel *k, unsigned ns, size_t i)
{
	if (ns >= KERNEL_NAMESPACES || i >= k->n_devs)
		return (struct kernel_dev){ .present = false };
	return k->spaces[ns].dev[i];
}

uint32_t
kernel_ns_number(const struct kernel *k, unsigned ns)
{
	return ns < KERNEL_NAMESPACES ? k->spaces[ns].number : 0;
}

uint32_t
kernel_table(const struct kernel *k, ntk_mac_t mac)
{
	const struct peer *p = peers_find(&k->peers, mac);

	return p != NULL ? p->table : 0;
}

size_t
kernel_peers(const struct kernel *k, struct kernel_peer *v, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < k->peers.n; i++) {
		const struct peer *p = &k->peers.v[i];

		if (p->table == 0)
			continue;
		if (n < size)
			v[n] = (struct kernel_peer){ p->mac, p->table, p->references };
		n++;
	}
	return n;
}

const struct kset *
kernel_applied(const struct kernel *k, unsigned ns)
{
	assert(ns < KERNEL_NAMESPACES);
	return &k->spaces[ns].applied;
}

struct kernel_counters
kernel_counters(const struct kernel *k)
{
	return k->counters;
}

char *
kernel_refusal_text(const struct priv_refusal *r, char *buf)
{
	int n = 0;

	if (r->operation[0] != '\0')
		n = snprintf(buf, KERNEL_REFUSAL_TEXT, "%s, operation %u: %s%s%s%s", r->operation,
		    (unsigned)r->op, r->field, r->field[0] != '\0' ? " " : "", r->value,
		    r->value[0] != '\0' ? " " : "");
	n += snprintf(buf + n, (size_t)(KERNEL_REFUSAL_TEXT - n), "%s",
	    priv_reason_text((enum priv_reason)r->reason));
	if (r->error != 0)
		n += snprintf(buf + n, (size_t)(KERNEL_REFUSAL_TEXT - n), " (%s)",
		    strerror(r->error));
	if (r->text[0] != '\0')
		snprintf(buf + n, (size_t)(KERNEL_REFUSAL_TEXT - n), ": %s", r->text);
	return buf;
}
