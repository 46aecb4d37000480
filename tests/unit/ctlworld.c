/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/ctlworld.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ntkd/io/events.h"
#include "ntkd/io/takeup.h"
#include "ntkd/io/watch.h"

enum { FIRST_TABLE = 250 };

static struct world *
world_of(struct daemon *d)
{
	return (struct world *)d;
}

static uint64_t stopped_at;	/* 0: the clock goes */

void
world_stop_clock(void)
{
	stopped_at = daemon_now();
}

void
world_turn_clock(uint64_t us)
{
	stopped_at += us;
}

uint64_t
daemon_now(void)
{
	struct timespec t;

	if (stopped_at != 0)
		return stopped_at;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
daemon_stop(struct daemon *d, int status)
{
	world_of(d)->stopped = true;
	d->exit_status = status;
}

void
daemon_wait_kernel(struct daemon *d, unsigned ns, daemon_waiter *what, void *arg)
{
	struct world *w = world_of(d);

	if (w->n_waiters == WORLD_WAITERS)
		abort();
	w->waiters[w->n_waiters].ns = ns;
	w->waiters[w->n_waiters].what = what;
	w->waiters[w->n_waiters++].arg = arg;
}

void
daemon_wait_operation(struct daemon *d, unsigned identity, uint32_t operation,
    daemon_operated *what, void *arg)
{
	struct world *w = world_of(d);

	if (w->operated != NULL)
		abort();
	w->operated = what;
	w->operated_arg = arg;
	w->identity = identity;
	w->operation = operation;
}

/* Tells who waits for phase 1 that it is done, or given up. */
static void
operated(struct world *w)
{
	daemon_operated *what = w->operated;
	struct node_operation o;
	bool there = node_operation(w->d.node, w->identity, w->operation, &o);

	if (what == NULL || (there && o.state < NODE_OP_RUNNING))
		return;
	w->operated = NULL;
	what(&w->d, there ? &o : NULL, "it was given up", w->operated_arg);
}

/* Sockets open at once; what is said is lost when nobody is out there. */
static void
network(struct daemon *d)
{
	struct world *w = world_of(d);
	struct node_action a;

	while (node_next(d->node, &a)) {
		if (w->said != NULL)
			w->said(w, &a);
		if (a.kind == NODE_LISTEN)
			node_listening(d->node, daemon_now(), a.dev, a.address, true);
		else if (a.kind == NODE_EVENT)
			events_node(d, &a.event);
	}
}

/* What the kernel gives interfaces: those of pseudo-interfaces differ from all others. */
static void
macs(const struct world *w, unsigned ns, ntk_mac_t *mac)
{
	for (unsigned i = 0; i < w->d.conf.n_interfaces; i++)
		mac[i] = (ntk_mac_t){ { ns == 0 ? 0x02 : 0x4e, 0, 0, 0, (uint8_t)ns, (uint8_t)(i + 1) } };
}

/* An end of the kernel object's transaction. */
static void
on_kernel(unsigned ns, const struct kernel_result *result, void *arg)
{
	struct world *w = arg;
	size_t n = w->n_waiters;
	ntk_mac_t mac[CONF_INTERFACES] = { { { 0 } } };

	events_kernel(&w->d, ns, result);
	macs(w, ns, mac);
	node_kernel_done(w->d.node, daemon_now(), ns, result->ok, mac);
	watch_namespace(w->d.watch, ns);
	for (size_t i = 0; i < n; i++)
		if (w->waiters[i].ns == ns && w->waiters[i].what != NULL) {
			daemon_waiter *what = w->waiters[i].what;

			w->waiters[i].what = NULL;
			what(&w->d, result, w->waiters[i].arg);
		}
	while (w->n_waiters > 0 && w->waiters[w->n_waiters - 1].what == NULL)
		w->n_waiters--;
}

static void
put_frame(struct wr *out, uint8_t type, uint32_t seq, uint16_t count)
{
	struct priv_frame f = { PRIV_MAGIC, PRIV_VERSION, type, seq, 0, count };

	msg_encode(&priv_frame_desc, &f, out);
}

static void
put_welcome(struct world *w, uint32_t seq, struct wr *out)
{
	struct priv_welcome welcome = { PRIV_HANDLE(PRIV_H_NS, 1, 0) };
	size_t n = w->d.conf.n_interfaces;

	put_frame(out, PRIV_WELCOME, seq, (uint16_t)(n + 1));
	msg_encode(&priv_welcome_desc, &welcome, out);
	for (size_t i = 0; i <= n; i++) {
		struct priv_interface in = {
			.dev = PRIV_HANDLE(PRIV_H_DEV, 1, i),
			.ifindex = (uint32_t)i + 1,
			.mac = { 0x02, 0, 0, 0, 0, (uint8_t)i },
		};

		snprintf(in.name, sizeof(in.name), "%s", i == 0 ? "lo" :
		    w->d.conf.interfaces[i - 1].name);
		msg_encode(&priv_interface_desc, &in, out);
	}
}

/* Notes what the operation makes. */
static void
op_result(struct world *w, const struct priv_op *op)
{
	struct priv_result *r = &w->results[w->n_results];
	uint32_t index = ++w->handles;

	if (!priv_op_makes(op->type))
		return;
	w->n_results++;
	*r = (struct priv_result){ .number = index };
	if (op->type == PRIV_OP_peer_take) {
		r->handle = PRIV_HANDLE(PRIV_H_PEER, 1, index);
		r->number = w->table--;
	} else if (op->type == PRIV_OP_dev_create) {
		r->handle = PRIV_HANDLE(PRIV_H_DEV, 1, index);
		memcpy(r->mac, "\x02\x01\x00\x00\x00\x01", sizeof(r->mac));
	} else {
		r->handle = PRIV_HANDLE(PRIV_H_NS, 1, index);
	}
}

static void
put_verdict(struct world *w, uint32_t seq, struct wr *out)
{
	struct priv_refusal refusal = { .reason = PRIV_R_RANGE, .operation = "route_set",
		.field = "dst", .value = "192.0.2.0" };

	put_frame(out, w->refuse ? PRIV_REFUSED : PRIV_DONE, seq, w->refuse ? 0 : w->n_results);
	if (w->refuse)
		msg_encode(&priv_refusal_desc, &refusal, out);
	else
		for (size_t i = 0; i < w->n_results; i++)
			msg_encode(&priv_result_desc, &w->results[i], out);
	w->n_results = 0;
}

static void
put_checked(struct world *w, uint32_t seq, struct wr *out)
{
	struct priv_refusal refusal = { .reason = PRIV_R_RATE, .operation = "check" };

	w->checks++;
	put_frame(out, w->refuse ? PRIV_REFUSED : PRIV_CHECKED, seq,
	    w->refuse ? 0 : (uint16_t)(1 + w->n_differences));
	if (w->refuse) {
		msg_encode(&priv_refusal_desc, &refusal, out);
		return;
	}
	msg_encode(&priv_checked_desc, &w->checked, out);
	for (size_t i = 0; i < w->n_differences; i++)
		msg_encode(&priv_difference_desc, &w->differences[i], out);
}

/* The helper reads one message; an answer, if it is time for one, is left in `held`. */
static void
helper_message(struct world *w, const uint8_t *buf, size_t len)
{
	struct priv_frame f;
	struct msg_error err;
	struct wr out;
	struct rd r;

	rd_init(&r, buf, len);
	wr_init(&out, w->held, sizeof(w->held));
	if (!msg_decode(&priv_frame_desc, &r, &f, &err))
		abort();
	if (f.type == PRIV_HELLO)
		put_welcome(w, f.seq, &out);
	for (size_t i = 0; f.type == PRIV_APPLY && i < f.count; i++) {
		struct priv_op op;

		if (!priv_op_read(&r, &op, &err))
			abort();
		op_result(w, &op);
	}
	if (f.type == PRIV_APPLY && (f.flags & PRIV_MORE) == 0)
		put_verdict(w, f.seq, &out);
	if (f.type == PRIV_CHECK)
		put_checked(w, f.seq, &out);
	w->n_held = out.len;
}

void
world_helper(struct world *w)
{
	struct msg_error err;
	size_t n = w->n_held;

	w->n_held = 0;
	if (n > 0 && !kernel_answer(w->d.kernel, w->held, n, &err))
		abort();
	daemon_pump(&w->d);
}

void
daemon_pump(struct daemon *d)
{
	struct world *w = world_of(d);
	struct kset want;
	uint8_t *buf = malloc(PRIV_MSG_MAX);
	uint32_t label;
	unsigned ns;
	size_t len;

	if (buf == NULL)
		abort();
	kset_init(&want);
	while (node_next_want(d->node, &ns, &want, &label))
		kernel_want(d->kernel, ns, &want, label);
	kset_free(&want);
	while (w->n_held == 0 && (len = kernel_next(d->kernel, buf)) > 0) {
		helper_message(w, buf, len);
		if (w->n_held > 0 && !w->hold) {
			world_helper(w);
			break;	/* which came here again */
		}
	}
	free(buf);
	network(d);
	operated(w);
}

static bool
conf_begin(struct conf *c, bool manual)
{
	static const char text[] = "topology = \"4.2.2.2\"\naddress = \"1.0.1.0\"\n"
	    "interface eth1 { }\ninterface eth2 { }\nmode = \"%s\"\n";
	char file[256], err[CONF_ERROR];
	int n = snprintf(file, sizeof(file), text, manual ? "manual" : "auto");

	if (conf_parse(file, (size_t)n, "world", NULL, 0, c, err))
		return true;
	fprintf(stderr, "%s\n", err);
	return false;
}

bool
world_begin(struct world *w, bool manual)
{
	struct rng rng;

	memset(w, 0, sizeof(*w));
	rng_init(&rng, 1);
	w->table = FIRST_TABLE;
	w->d.started = daemon_now();
	w->d.control_gid = w->d.operator_gid = (gid_t)-1;
	w->d.helper_pid = 1;
	if (!conf_begin(&w->d.conf, manual))
		return false;
	w->d.base = event_base_new();
	w->d.node = node_new(&w->d.conf, &rng, daemon_now());
	w->d.kernel = kernel_new(w->d.conf.n_interfaces, on_kernel, w);
	if (w->d.base == NULL || w->d.node == NULL || w->d.kernel == NULL)
		return false;
	w->d.watch = watch_new(&w->d);
	w->d.takeup = takeup_new(&w->d);
	if (w->d.watch == NULL || w->d.takeup == NULL)
		return false;
	daemon_pump(&w->d);
	takeup_begin(w->d.takeup);
	for (unsigned i = 0; i < w->d.conf.n_interfaces; i++) {
		ntk_mac_t mac[CONF_INTERFACES];

		macs(w, 0, mac);
		node_nic_up(w->d.node, daemon_now(), i, mac[i]);
		daemon_pump(&w->d);
	}
	watch_start(w->d.watch);
	return kernel_is_up(w->d.kernel);
}

void
world_end(struct world *w)
{
	ctl_free(w->d.ctl);
	takeup_free(w->d.takeup);
	watch_free(w->d.watch);
	kernel_free(w->d.kernel);
	node_free(w->d.node);
	event_base_free(w->d.base);
	stopped_at = 0;
}
