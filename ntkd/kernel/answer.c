/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/job.h"

#include <string.h>

static bool
bad(struct msg_error *err, const char *message, const char *field, const char *why, uint64_t value)
{
	*err = (struct msg_error){ message, field, why, value };
	return false;
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

	*job_made_handle(k, i) = r->handle;
	if (op->type == PRIV_OP_peer_take) {
		peers_find(&k->peers, k->job.macs[i])->table = r->number;
	} else if (op->type == PRIV_OP_ns_create) {
		s->number = r->number;
		s->id = r->id;
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
	job_advance(k);
	return true;
}

static bool
read_refused(struct kernel *k, struct rd *r, struct msg_error *err)
{
	struct job *j = &k->job;
	struct kernel_found found = { .ok = false };
	struct priv_refusal why;

	if (!msg_decode(&priv_refusal_desc, r, &why, err))
		return false;
	if (!rd_done(r))
		return bad(err, "refusal", "", "bytes are left over", r->left);
	if (why.op >= j->end - j->done)
		return bad(err, "refusal", "op", "was not in the transaction", why.op);
	if (j->kind == JOB_CHECK) {
		found.refusal = why;
		k->counters.checks_refused++;
		job_checked(k, &found);
		return true;
	}
	k->counters.transactions++;
	if (j->kind == JOB_GIVE)
		peers_find(&k->peers, j->macs[j->done + why.op])->kept = true;
	job_fail(k, &why);
	return true;
}

/* How many of the N differences have FATE. */
static size_t
count_fate(const struct priv_difference *v, size_t n, enum priv_fate fate)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += v[i].fate == fate;
	return count;
}

/* All are told when there are few; the first PRIV_DIFFERENCES when there are many. */
static bool
totals_check(const struct kernel_found *f, struct msg_error *err)
{
	const struct {
		const char *field;
		uint32_t total;
		enum priv_fate fate;
	} kinds[] = {
		{ "repaired", f->total.repaired, PRIV_FATE_REPAIRED },
		{ "failed", f->total.failed, PRIV_FATE_FAILED },
		{ "removed", f->total.removed, PRIV_FATE_REMOVED },
		{ "foreign", f->total.foreign, PRIV_FATE_FOREIGN },
	};
	uint64_t all = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		all += kinds[i].total;
		if (count_fate(f->v, f->n, kinds[i].fate) > kinds[i].total)
			return bad(err, "checked", kinds[i].field, "is less than what is told",
			    kinds[i].total);
	}
	if (f->n != (all < PRIV_DIFFERENCES ? all : PRIV_DIFFERENCES))
		return bad(err, "frame", "count", "is not the number of differences", f->n);
	return true;
}

static bool
read_difference(struct priv_difference *out, struct rd *r, struct msg_error *err)
{
	if (!msg_decode(&priv_difference_desc, r, out, err))
		return false;
	if (out->error < 0 || (out->error != 0 && out->fate != PRIV_FATE_FAILED))
		return bad(err, "difference", "error", "does not go with the fate",
		    (uint64_t)(uint32_t)out->error);
	return true;
}

static bool
read_checked(struct kernel *k, const struct priv_frame *f, struct rd *r, struct msg_error *err)
{
	struct kernel_found found = { .ok = true, .v = k->differences };

	if (f->count == 0 || f->count - 1 > PRIV_DIFFERENCES)
		return bad(err, "frame", "count", "is no number of records", f->count);
	if (!msg_decode(&priv_checked_desc, r, &found.total, err))
		return false;
	for (found.n = 0; found.n < (size_t)f->count - 1; found.n++)
		if (!read_difference(&k->differences[found.n], r, err))
			return false;
	if (!rd_done(r))
		return bad(err, "checked", "", "bytes are left over", r->left);
	if (!totals_check(&found, err))
		return false;
	k->counters.checks++;
	job_checked(k, &found);
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
	if (i != 0 && job_has_dev(k, dev) && in.dev != s->place.dev[dev])
		return bad(err, "interface", "dev", "is another one than that which is in use", in.dev);
	if (i != 0 && in.dev == 0) {
		s->place.dev[dev] = 0;
		s->dev[dev] = (struct kernel_dev){ .present = false };
		return true;
	}
	if (PRIV_HANDLE_KIND(in.dev) != PRIV_H_DEV)
		return bad(err, "interface", "dev", "is of another kind", in.dev);
	s->place.dev[dev] = in.dev;
	/* What is to be let go is no interface any more. */
	if (i != 0 && k->leaving[dev] != LEAVING_NOT)
		return true;
	s->dev[dev] = (struct kernel_dev){ .present = true, .ifindex = in.ifindex };
	memcpy(s->dev[dev].mac.b, in.mac, sizeof(in.mac));
	return true;
}

/* Too often: what was known stays. */
static bool
read_refused_look(struct kernel *k, struct rd *r, struct msg_error *err)
{
	struct priv_refusal why;

	if (!msg_decode(&priv_refusal_desc, r, &why, err))
		return false;
	if (!rd_done(r))
		return bad(err, "refusal", "", "bytes are left over", r->left);
	k->phase = PHASE_UP;
	if (k->looked != NULL)
		k->looked(false, k->looked_arg);
	return true;
}

static bool
read_welcome(struct kernel *k, const struct priv_frame *f, struct rd *r, struct msg_error *err)
{
	struct priv_welcome w;
	bool again;

	if (f->count != k->n_devs + 1)
		return bad(err, "frame", "count", "is not the number of interfaces", f->count);
	if (!msg_decode(&priv_welcome_desc, r, &w, err))
		return false;
	if (PRIV_HANDLE_KIND(w.ns) != PRIV_H_NS)
		return bad(err, "welcome", "ns", "is of another kind", w.ns);
	if (k->phase == PHASE_LOOKING && w.ns != k->spaces[0].place.ns)
		return bad(err, "welcome", "ns", "is not what it was", w.ns);
	for (size_t i = 0; i < f->count; i++)
		if (!read_interface(k, i, r, err))
			return false;
	if (!rd_done(r))
		return bad(err, "welcome", "", "bytes are left over", r->left);
	k->spaces[0].place.ns = w.ns;
	again = k->phase == PHASE_LOOKING;
	k->phase = PHASE_UP;
	if (again && k->looked != NULL)
		k->looked(true, k->looked_arg);
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
	if ((k->phase == PHASE_GREETING || k->phase == PHASE_LOOKING) && f.type == PRIV_WELCOME)
		return read_welcome(k, &f, &r, err);
	if (k->phase == PHASE_LOOKING && f.type == PRIV_REFUSED)
		return read_refused_look(k, &r, err);
	if (k->phase == PHASE_UP && f.type == PRIV_CHECKED && k->job.kind == JOB_CHECK)
		return read_checked(k, &f, &r, err);
	if (k->phase == PHASE_UP && f.type == PRIV_DONE && k->job.kind != JOB_CHECK)
		return read_done(k, &f, &r, err);
	if (k->phase == PHASE_UP && f.type == PRIV_REFUSED)
		return read_refused(k, &r, err);
	return bad(err, "frame", "type", "is no answer to the request", f.type);
}
