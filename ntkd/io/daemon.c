/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/daemon.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "ntkd/io/ctl.h"
#include "ntkd/io/events.h"
#include "ntkd/io/features.h"
#include "ntkd/io/helper.h"
#include "ntkd/io/takeup.h"
#include "ntkd/io/watch.h"
#include "ntkd/io/wire.h"

enum {
	PROBE_NS = 1,		/* rehearsals happen in a namespace that exists for nobody else */
	UNDO_SECONDS = 10,	/* for the helper, at the end */
	FAREWELL_MS = 200,	/* for what neighbours are told at the end */
};

/* Signals we act on, and those we take note of. */
static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

enum phase {
	PHASE_PROBE,		/* a rehearsal is under way */
	PHASE_MAIN,		/* the main identity's state is under way */
	PHASE_RUN,
};

struct waiter {
	STAILQ_ENTRY(waiter) next;
	unsigned ns;
	daemon_waiter *what;
	void *arg;
};
STAILQ_HEAD(waiters, waiter);

/* Somebody who waits for phase 1 of an operation. */
struct watcher {
	STAILQ_ENTRY(watcher) next;
	unsigned identity;
	uint32_t operation;
	daemon_operated *what;
	void *arg;
};
STAILQ_HEAD(watchers, watcher);

/* The whole of it; what parts of io/ share comes first. */
struct life {
	struct daemon d;
	struct daemon_setup setup;
	enum phase phase;
	bool stopped;
	bool pumping;
	bool pump_again;
	struct waiters waiters;
	struct watchers watchers;
	char given_up[160];	/* why the last operation was */
	struct event *signal[SIGNALS];
};

static struct life *
life_of(struct daemon *d)
{
	return (struct life *)d;
}

uint64_t
daemon_now(void)
{
	return mono_now();
}

void
daemon_stop(struct daemon *d, int status)
{
	struct life *l = life_of(d);

	/* The first reason counts; what follows is its consequence. */
	if (l->stopped)
		return;
	l->stopped = true;
	d->exit_status = status;
	event_base_loopbreak(d->base);
}

static void
wants_hand_over(struct daemon *d)
{
	struct kset want;
	uint32_t label;
	unsigned ns;

	kset_init(&want);
	while (node_next_want(d->node, &ns, &want, &label))
		kernel_want(d->kernel, ns, &want, label);
	kset_free(&want);
}

void
daemon_wait_operation(struct daemon *d, unsigned identity, uint32_t operation,
    daemon_operated *what, void *arg)
{
	struct watcher *w = malloc(sizeof(*w));

	if (w == NULL) {
		what(d, NULL, "memory is exhausted; the operation itself goes on", arg);
		return;
	}
	*w = (struct watcher){ .identity = identity, .operation = operation, .what = what, .arg = arg };
	STAILQ_INSERT_TAIL(&life_of(d)->watchers, w, next);
}

/* Tells who waits for an operation that has come that far, or is no more. */
static void
watchers_call(struct life *l)
{
	struct node_operation o;
	struct watcher *w, *next;

	for (w = STAILQ_FIRST(&l->watchers); w != NULL; w = next) {
		bool there = node_operation(l->d.node, w->identity, w->operation, &o);

		next = STAILQ_NEXT(w, next);
		if (there && o.state < NODE_OP_RUNNING)
			continue;
		STAILQ_REMOVE(&l->watchers, w, watcher, next);
		w->what(&l->d, there ? &o : NULL, l->given_up[0] != '\0' ? l->given_up :
		    "the operation was given up", w->arg);
		free(w);
	}
}

static void
network_carry_out(struct life *l)
{
	struct daemon *d = &l->d;
	struct node_action a;

	while (!l->stopped && node_next(d->node, &a)) {
		if (a.kind != NODE_EVENT) {
			wire_act(d->wire, &a);
			continue;
		}
		if (a.event.kind == NODE_E_OPERATION)
			memcpy(l->given_up, a.event.text, sizeof(l->given_up));
		events_node(d, &a.event);
	}
}

/*
 * What comes back from the kernel object may call us again: that is remembered
 * and done in the same round, so that no handler runs inside another.
 */
void
daemon_pump(struct daemon *d)
{
	struct life *l = life_of(d);

	l->pump_again = true;
	if (l->pumping)
		return;
	l->pumping = true;
	while (l->pump_again && !l->stopped) {
		l->pump_again = false;
		if (l->phase != PHASE_PROBE)
			wants_hand_over(d);
		helper_flush(d->helper);
		if (l->phase == PHASE_RUN)
			network_carry_out(l);
		watchers_call(l);
	}
	l->pumping = false;
	if (l->stopped)
		return;
	if (node_failed(d->node)) {
		log_error("node", "memory is exhausted");
		daemon_stop(d, 3);
		return;
	}
	if (l->phase == PHASE_RUN)
		wire_arm(d->wire);
}

void
daemon_wait_kernel(struct daemon *d, unsigned ns, daemon_waiter *what, void *arg)
{
	static const struct kernel_result no_memory = {
		.ok = false,
		.refusal = { .reason = PRIV_R_LIMIT, .operation = "wait", .text =
		    "memory is exhausted; the change itself goes on" },
	};
	struct waiter *w = malloc(sizeof(*w));

	if (w == NULL) {
		what(d, &no_memory, arg);
		return;
	}
	*w = (struct waiter){ .ns = ns, .what = what, .arg = arg };
	STAILQ_INSERT_TAIL(&life_of(d)->waiters, w, next);
}

/* Takes the first waiter for NS out of the list; NULL when there is none. */
static struct waiter *
waiter_take(struct life *l, unsigned ns)
{
	struct waiter *w;

	STAILQ_FOREACH(w, &l->waiters, next)
		if (w->ns == ns) {
			STAILQ_REMOVE(&l->waiters, w, waiter, next);
			return w;
		}
	return NULL;
}

static void
waiters_call(struct life *l, unsigned ns, const struct kernel_result *result)
{
	struct waiters now = STAILQ_HEAD_INITIALIZER(now);
	struct waiter *w;

	/* Those that come while others are called wait for the next result. */
	while ((w = waiter_take(l, ns)) != NULL)
		STAILQ_INSERT_TAIL(&now, w, next);
	while ((w = STAILQ_FIRST(&now)) != NULL) {
		STAILQ_REMOVE_HEAD(&now, next);
		w->what(&l->d, result, w->arg);
		free(w);
	}
}

/* The system cannot start: tells what is missing, or what else was refused. */
static void
start_refused(struct daemon *d, const struct priv_refusal *r)
{
	char text[FEATURES_TEXT];
	const char *missing = features_explain(r, text);

	log_error("start", "%s", missing != NULL ? missing : kernel_refusal_text(r, text));
	daemon_stop(d, 1);
}

static void
log_main_identity(const struct daemon *d)
{
	struct node_identity id = node_identity(d->node, 0);
	char address[TOPO_TEXT], ip[IP_TEXT], mac[MAC_TEXT];

	log_info("identity", "%u is main, address %s", id.index,
	    naddr_print(&d->conf.map.topo, &id.facts->address, address));
	for (size_t i = 0; i < d->conf.n_interfaces; i++)
		if (id.facts->has_dev[i])
			log_info("identity", "%s has %s, %s", d->conf.interfaces[i].name,
			    mac_print(kernel_device(d->kernel, 0, i).mac, mac),
			    ip_print(id.facts->linklocal[i], ip));
}

static void
ready(struct life *l)
{
	struct daemon *d = &l->d;

	d->ctl = ctl_new(d, l->setup.control_fd);
	if (d->ctl == NULL) {
		log_error("start", "memory is exhausted");
		daemon_stop(d, 1);
		return;
	}
	l->setup.control_fd = -1;
	l->phase = PHASE_RUN;
	/* First, since in the background log lines go elsewhere from then on. */
	l->setup.tell(DAEMON_READY, l->setup.arg);
	log_main_identity(d);
	if (!takeup_watch(d->takeup))
		log_warnx("start", "interfaces that come, go, or lose their carrier are not noticed");
	watch_start(d->watch);
	if (d->conf.mode == CONF_AUTO)
		log_warnx("start", "mode is auto, but this release enters no network by itself yet: arcs "
		    "come up, and this system stays a network of its own");
	log_info("start", "ready, control socket %s", d->conf.control_socket);
}

static void
node_hears_kernel(struct daemon *d, unsigned ns, bool ok)
{
	ntk_mac_t mac[CONF_INTERFACES] = { { { 0 } } };

	for (size_t i = 0; i < d->conf.n_interfaces; i++)
		mac[i] = kernel_device(d->kernel, ns, i).mac;
	node_kernel_done(d->node, daemon_now(), ns, ok, mac);
}

static void
on_kernel(unsigned ns, const struct kernel_result *result, void *arg)
{
	struct life *l = arg;
	char text[KERNEL_REFUSAL_TEXT];

	if (l->phase != PHASE_RUN && !result->ok) {
		start_refused(&l->d, &result->refusal);
		return;
	}
	switch (l->phase) {
	case PHASE_PROBE:
		l->phase = PHASE_MAIN;
		takeup_begin(l->d.takeup);
		break;
	case PHASE_MAIN:
		node_hears_kernel(&l->d, ns, true);
		ready(l);
		break;
	case PHASE_RUN:
		if (!result->ok)
			log_warnx("kernel", "change of namespace %u refused: %s", ns,
			    kernel_refusal_text(&result->refusal, text));
		else
			log_debug("kernel", "namespace %u has its wanted state, %zu objects", ns,
			    kernel_applied(l->d.kernel, ns)->n);
		/* An interface that has gone, of which the kernel told before it refused: the node shall know. */
		if (!result->ok)
			watch_catch_up(l->d.watch);
		events_kernel(&l->d, ns, result);
		node_hears_kernel(&l->d, ns, result->ok);
		watch_namespace(l->d.watch, ns);
		waiters_call(l, ns, result);
		break;
	}
	daemon_pump(&l->d);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	if (sig == SIGHUP) {
		log_info("signal", "SIGHUP ignored: the configuration is read at start only");
		return;
	}
	log_info("signal", "%s, stopping", sig == SIGTERM ? "SIGTERM" : "SIGINT");
	daemon_stop(d, 0);
}

static bool
signals_add(struct life *l)
{
	for (unsigned i = 0; i < SIGNALS; i++) {
		l->signal[i] = evsignal_new(l->d.base, signals[i], on_signal, &l->d);
		if (l->signal[i] == NULL || event_add(l->signal[i], NULL) != 0)
			return false;
	}
	return true;
}

static void
on_event_log(int severity, const char *text)
{
	if (severity == EVENT_LOG_WARN || severity == EVENT_LOG_ERR)
		log_warnx("event", "%s", text);
}

struct daemon *
daemon_new(const struct daemon_setup *s)
{
	struct life *l = calloc(1, sizeof(*l));
	struct daemon *d;

	if (l == NULL)
		return NULL;
	d = &l->d;
	l->setup = *s;
	STAILQ_INIT(&l->waiters);
	STAILQ_INIT(&l->watchers);
	d->conf = *s->conf;
	d->control_gid = s->control_gid;
	d->operator_gid = s->operator_gid;
	d->helper_pid = s->helper_pid;
	d->started = daemon_now();
	event_set_log_callback(on_event_log);
	d->base = event_base_new();
	d->node = node_new(&d->conf, &s->rng, daemon_now());
	d->kernel = kernel_new(d->conf.n_interfaces, on_kernel, l);
	if (d->base == NULL || d->node == NULL || d->kernel == NULL)
		goto fail;
	d->wire = wire_new(d);
	d->watch = watch_new(d);
	d->takeup = takeup_new(d);
	if (d->wire == NULL || d->watch == NULL || d->takeup == NULL || !watch_listen(d->watch, &s->notices, s->notice_fds))
		goto fail;
	d->helper = helper_new(d, s->helper_fd);
	if (d->helper == NULL || !helper_signal_block() || !signals_add(l))
		goto fail;
	return d;
fail:
	daemon_free(d);
	return NULL;
}

/* Starts the rehearsal; its end starts everything else. */
static void
probe(struct life *l)
{
	struct kset want;

	kset_init(&want);
	if (features_probe(&l->d.conf, l->setup.first_nic, &want)) {
		kernel_rehearse(l->d.kernel, PROBE_NS, &want);
		daemon_pump(&l->d);
	} else {
		log_error("start", "memory is exhausted");
		daemon_stop(&l->d, 1);
	}
	kset_free(&want);
}

/* The helper's end: it has undone everything when its status is 0. */
static void
helper_end(struct daemon *d)
{
	int status;

	helper_free(d->helper);
	d->helper = NULL;
	if (!helper_wait(d->helper_pid, UNDO_SECONDS, &status))
		log_warnx("helper", "ntkd-priv (process %ld) has not ended after %d s; it goes on "
		    "putting things back by itself", (long)d->helper_pid, UNDO_SECONDS);
	else if (WIFSIGNALED(status))
		log_warnx("helper", "ntkd-priv was ended by signal %d; the next start puts back "
		    "what it left", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		log_warnx("helper", "ntkd-priv ended with status %d", WEXITSTATUS(status));
}

/* Neighbours hear that we go: what we say to them leaves while the helper puts things back. */
static void
farewell(struct life *l)
{
	struct daemon *d = &l->d;
	struct timeval limit = { .tv_sec = 0, .tv_usec = FAREWELL_MS * 1000 };
	uint64_t until = daemon_now() + FAREWELL_MS * 1000;
	struct node_action a;

	if (l->phase != PHASE_RUN)
		return;
	node_stop(d->node, daemon_now());
	while (node_next(d->node, &a))
		if (a.kind != NODE_LISTEN && a.kind != NODE_UNLISTEN && a.kind != NODE_EVENT)
			wire_act(d->wire, &a);
	while (wire_leaving(d->wire) > 0 && daemon_now() < until) {
		event_base_loopexit(d->base, &limit);
		if (event_base_loop(d->base, EVLOOP_ONCE) != 0)
			break;
	}
}

int
daemon_run(struct daemon *d)
{
	struct life *l = life_of(d);

	probe(l);
	/* A stop before the loop began would be forgotten by it. */
	if (!l->stopped && event_base_dispatch(d->base) != 0 && !l->stopped) {
		log_error("event", "the event loop failed");
		d->exit_status = 1;
	}
	l->setup.tell(DAEMON_STOPPING, l->setup.arg);
	farewell(l);
	events_daemon(d, CTL_EVENT_stopping, d->exit_status == 0 ? "as asked" : "after an error");
	ctl_free(d->ctl);
	d->ctl = NULL;
	helper_end(d);
	log_info("start", "stopped");
	return d->exit_status;
}

void
daemon_free(struct daemon *d)
{
	struct life *l = life_of(d);
	struct waiter *w;

	if (d == NULL)
		return;
	ctl_free(d->ctl);
	takeup_free(d->takeup);
	watch_free(d->watch);
	wire_free(d->wire);
	helper_free(d->helper);
	while ((w = STAILQ_FIRST(&l->waiters)) != NULL) {
		STAILQ_REMOVE_HEAD(&l->waiters, next);
		free(w);
	}
	while (!STAILQ_EMPTY(&l->watchers)) {
		struct watcher *e = STAILQ_FIRST(&l->watchers);

		STAILQ_REMOVE_HEAD(&l->watchers, next);
		free(e);
	}
	for (unsigned i = 0; i < SIGNALS; i++)
		if (l->signal[i] != NULL)
			event_free(l->signal[i]);
	kernel_free(d->kernel);
	node_free(d->node);
	if (d->base != NULL)
		event_base_free(d->base);
	free(l);
}
