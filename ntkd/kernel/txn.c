/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/txn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/job.h"

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

void
kernel_on_checked(struct kernel *k, kernel_checked *what, void *arg)
{
	k->checked = what;
	k->checked_arg = arg;
}

void
kernel_on_looked(struct kernel *k, kernel_looked *what, void *arg)
{
	k->looked = what;
	k->looked_arg = arg;
}

void
kernel_look(struct kernel *k)
{
	k->look = true;
}

void
kernel_let_go(struct kernel *k, size_t i)
{
	if (i >= k->n_devs)
		return;
	k->spaces[0].dev[i] = (struct kernel_dev){ .present = false };
	k->leaving[i] = LEAVING_WANTED;
}

/* What waits already keeps its place in the queue. */
static void
slot_queue(struct kernel *k, struct slot *s)
{
	if (!s->waiting)
		s->ticket = k->tickets++;
	s->waiting = true;
}

static void
slot_fill(struct kernel *k, struct slot *s, struct kset *state, uint32_t label)
{
	slot_queue(k, s);
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

void
kernel_check(struct kernel *k, unsigned ns)
{
	assert(ns < KERNEL_NAMESPACES);
	slot_queue(k, &k->spaces[ns].check);
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
			*job_made_handle(k, j->sent) = PRIV_HANDLE_NEW(j->results++);
		priv_op_write(&op, &w);
		frame.count++;
	}
	if (j->sent < j->end)
		frame.flags = PRIV_MORE;
	else if (j->kind == JOB_REHEARSAL)
		frame.flags = PRIV_REHEARSE;
	return frame_write(k, buf, frame, w.len);
}

static size_t
check_write(struct kernel *k, uint8_t *buf)
{
	struct priv_check check = { .ns = k->spaces[k->job.ns].place.ns };
	struct wr w;

	k->seq++;
	k->job.sent = k->job.end;
	wr_init(&w, buf + frame_size(), PRIV_MSG_MAX - frame_size());
	msg_encode(&priv_check_desc, &check, &w);
	return frame_write(k, buf, (struct priv_frame){ .type = PRIV_CHECK, .count = 1 }, w.len);
}

static size_t
look_write(struct kernel *k, uint8_t *buf)
{
	k->phase = PHASE_LOOKING;
	k->look = false;
	k->seq++;
	return frame_write(k, buf, (struct priv_frame){ .type = PRIV_HELLO }, 0);
}

bool
kernel_is_up(const struct kernel *k)
{
	return k->phase >= PHASE_UP;
}

bool
kernel_is_busy(const struct kernel *k)
{
	const struct job *j = &k->job;

	return k->phase == PHASE_GREETING || k->phase == PHASE_LOOKING ||
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
		if (k->job.kind == JOB_CHECK)
			return check_write(k, buf);
		if (k->job.kind != JOB_NONE)
			return part_write(k, buf);
		if (k->look)
			return look_write(k, buf);
		if (!job_begin(k))
			break;
	}
	return 0;
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

unsigned
kernel_ns_called(const struct kernel *k, uint32_t id)
{
	unsigned ns = 1;

	while (ns < KERNEL_NAMESPACES && (k->spaces[ns].number == 0 || k->spaces[ns].id != id))
		ns++;
	return ns;
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
