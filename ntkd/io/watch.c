/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/watch.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/log.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/events.h"
#include "ntkd/io/value.h"
#include "ntkd/kernel/drift.h"

enum {
	NAMED = 3,		/* objects of each fate that are told by name */
	PLACE = 64,		/* "namespace ntkv12 (identity 34)" */
};

/* What was found in a namespace last. */
struct last {
	uint32_t failed;
	uint32_t foreign;
	uint64_t told;		/* digest of what stays wrong; 0: nothing does */
};

/* The check of a namespace that somebody waits for. */
enum asked {
	ASKED_NOTHING,		/* or it was answered */
	ASKED_WAITS,		/* what is under way may have passed by what just happened */
	ASKED_RUNS,
};

/* Somebody who asked for checks. */
struct asker {
	TAILQ_ENTRY(asker) next;
	json_t *result;		/* a reference of our own */
	enum asked asked[KERNEL_NAMESPACES];
	watch_done *what;
	void *arg;
	bool failed;		/* memory ran out */
};

struct watch {
	struct daemon *d;
	struct kmon *kmon;
	struct event *timer;
	struct drift drift;
	struct last last[KERNEL_NAMESPACES];
	TAILQ_HEAD(, asker) askers;
	struct watch_counters counters;
};

/* --- what was found, for people ------------------------------------------------ */

/* Text that grows as far as there is room. */
struct text {
	char *buf;
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, WATCH_TEXT - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < WATCH_TEXT - t->len ? (size_t)n : WATCH_TEXT - t->len - 1;
}

static void
put_difference(struct text *t, const struct priv_difference *d)
{
	put(t, "%s %s", d->kind, d->object);
	if (d->error != 0)
		put(t, " (%s)", strerror(d->error));
}

static void
put_fate(struct text *t, const struct kernel_found *f, enum priv_fate fate, uint32_t total,
    const char *phrase)
{
	uint32_t told = 0;

	if (total == 0)
		return;
	put(t, "%s%u %s", t->len > 0 ? "; " : "", (unsigned)total, phrase);
	for (size_t i = 0; i < f->n && told < NAMED; i++) {
		if (f->v[i].fate != fate)
			continue;
		put(t, "%s", told == 0 ? ": " : ", ");
		put_difference(t, &f->v[i]);
		told++;
	}
	if (told > 0 && total > told)
		put(t, " and %u more", (unsigned)(total - told));
}

char *
watch_print(const struct kernel_found *found, bool all, char *buf)
{
	const struct priv_checked *c = &found->total;
	struct text t = { .buf = buf };

	buf[0] = '\0';
	put_fate(&t, found, PRIV_FATE_REPAIRED, c->repaired, "put back");
	put_fate(&t, found, PRIV_FATE_REMOVED, c->removed,
	    "removed that carried our label and was not made by us");
	put_fate(&t, found, PRIV_FATE_FAILED, all ? c->failed : 0,
	    "cannot be put back now, which will be tried again");
	put_fate(&t, found, PRIV_FATE_FOREIGN, all ? c->foreign : 0,
	    "of somebody else in the place of ours, left alone (remove it, and ours comes back)");
	return buf;
}

/* "the default namespace", "namespace ntkv3 (identity 2)"; returns BUF. */
static char *
place_print(const struct daemon *d, unsigned ns, char buf[PLACE])
{
	unsigned number = kernel_ns_number(d->kernel, ns);
	struct node_identity id;

	if (ns == 0)
		snprintf(buf, PLACE, "the default namespace");
	else if (node_find_ns(d->node, ns, &id))
		snprintf(buf, PLACE, "namespace ntkv%u (identity %u)", number, id.index);
	else
		snprintf(buf, PLACE, "namespace ntkv%u", number);
	return buf;
}

/* FNV-1a. */
static uint64_t
digest_add(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Of what stays wrong, 0 when nothing does: by this it is seen whether it was told already. */
static uint64_t
digest(const struct kernel_found *f)
{
	const uint32_t counts[] = { f->total.failed, f->total.foreign };
	uint64_t h = digest_add(UINT64_C(0xcbf29ce484222325), counts, sizeof(counts));

	if (f->total.failed == 0 && f->total.foreign == 0)
		return 0;
	for (size_t i = 0; i < f->n; i++) {
		const struct priv_difference *d = &f->v[i];

		if (d->fate != PRIV_FATE_FAILED && d->fate != PRIV_FATE_FOREIGN)
			continue;
		h = digest_add(h, &d->fate, sizeof(d->fate));
		h = digest_add(h, &d->error, sizeof(d->error));
		h = digest_add(h, d->kind, strlen(d->kind));
		h = digest_add(h, d->object, strlen(d->object));
	}
	return h != 0 ? h : 1;
}

/* One line for a check that found something which was not told yet. */
static void
tell(struct watch *w, unsigned ns, const struct kernel_found *f)
{
	uint64_t wrong = digest(f), before = w->last[ns].told;
	bool news = wrong != 0 && wrong != before;
	char place[PLACE], text[WATCH_TEXT];

	w->last[ns].told = wrong;
	if (f->total.repaired != 0 || f->total.removed != 0 || news) {
		log_warnx("kernel", "%s was not as it shall be: %s", place_print(w->d, ns, place),
		    watch_print(f, news, text));
		events_drift(w->d, ns, text);
	} else if (wrong == 0 && before != 0) {
		log_info("kernel", "%s is as it shall be again", place_print(w->d, ns, place));
	}
}

/* --- who asked ------------------------------------------------------------------- */

static json_t *
fate_name(uint8_t fate)
{
	static const char *const names[] = {
		[PRIV_FATE_REPAIRED] = "repaired",
		[PRIV_FATE_FAILED] = "failed",
		[PRIV_FATE_REMOVED] = "removed",
		[PRIV_FATE_FOREIGN] = "foreign",
	};

	return json_string(names[fate]);
}

/* The identity whose namespace NS is; NULL when there is none any more. */
static json_t *
value_identity(const struct daemon *d, unsigned ns)
{
	struct node_identity id;

	return node_find_ns(d->node, ns, &id) ? json_integer((json_int_t)id.index) : NULL;
}

static json_t *
value_place(const struct daemon *d, unsigned ns)
{
	return ns == 0 ? json_string("default") :
	    json_sprintf("ntkv%u", (unsigned)kernel_ns_number(d->kernel, ns));
}

static json_t *
json_namespace(const struct daemon *d, unsigned ns, const struct kernel_found *f)
{
	char text[KERNEL_REFUSAL_TEXT];

	if (!f->ok)
		return json_pack("{s:o*, s:o, s:s}", "identity", value_identity(d, ns),
		    "namespace", value_place(d, ns),
		    "refused", kernel_refusal_text(&f->refusal, text));
	return json_pack("{s:o*, s:o, s:I, s:I, s:I, s:I, s:I}",
	    "identity", value_identity(d, ns),
	    "namespace", value_place(d, ns),
	    "compared", (json_int_t)f->total.compared,
	    "repaired", (json_int_t)f->total.repaired,
	    "removed", (json_int_t)f->total.removed,
	    "failed", (json_int_t)f->total.failed,
	    "foreign", (json_int_t)f->total.foreign);
}

static json_t *
json_difference(const struct daemon *d, unsigned ns, const struct priv_difference *v)
{
	return json_pack("{s:o*, s:o, s:o, s:s, s:s, s:s*}",
	    "identity", value_identity(d, ns),
	    "namespace", value_place(d, ns),
	    "fate", fate_name(v->fate),
	    "kind", v->kind,
	    "object", v->object,
	    "error", v->error != 0 ? strerror(v->error) : NULL);
}

static void
asker_add(const struct daemon *d, struct asker *a, unsigned ns, const struct kernel_found *f)
{
	json_t *spaces = json_object_get(a->result, "namespaces");
	json_t *differences = json_object_get(a->result, "differences");

	a->failed |= json_array_append_new(spaces, json_namespace(d, ns, f)) != 0;
	for (size_t i = 0; f->ok && i < f->n; i++)
		a->failed |= json_array_append_new(differences,
		    json_difference(d, ns, &f->v[i])) != 0;
}

static bool
asker_waits(const struct asker *a)
{
	for (unsigned ns = 0; ns < KERNEL_NAMESPACES; ns++)
		if (a->asked[ns] != ASKED_NOTHING)
			return true;
	return false;
}

static void
asker_free(struct watch *w, struct asker *a)
{
	TAILQ_REMOVE(&w->askers, a, next);
	json_decref(a->result);
	free(a);
}

/* Answers those who have all they asked for; whom they call may ask again. */
static void
askers_answer(struct watch *w)
{
	struct asker *a = TAILQ_FIRST(&w->askers);

	while (a != NULL) {
		watch_done *what = a->what;
		void *arg = a->arg;
		bool failed = a->failed;

		if (asker_waits(a)) {
			a = TAILQ_NEXT(a, next);
			continue;
		}
		asker_free(w, a);
		what(w->d, !failed, arg);
		a = TAILQ_FIRST(&w->askers);
	}
}

static void
askers_turn(struct watch *w, unsigned ns, enum asked from, enum asked to)
{
	struct asker *a;

	TAILQ_FOREACH(a, &w->askers, next)
		if (a->asked[ns] == from)
			a->asked[ns] = to;
}

static void
askers_tell(struct watch *w, unsigned ns, const struct kernel_found *f)
{
	struct asker *a;

	/* What comes too often is repeated by itself, so that one is waited for. */
	if (!f->ok && f->refusal.reason == PRIV_R_RATE) {
		askers_turn(w, ns, ASKED_RUNS, ASKED_WAITS);
		return;
	}
	TAILQ_FOREACH(a, &w->askers, next) {
		if (a->asked[ns] != ASKED_RUNS)
			continue;
		a->asked[ns] = ASKED_NOTHING;
		/* What has gone meanwhile has nothing to tell. */
		if (f->ok || f->refusal.reason != PRIV_R_ABSENT)
			asker_add(w->d, a, ns, f);
	}
}

/* --- when ------------------------------------------------------------------------- */

static void
timer_set(struct watch *w)
{
	uint64_t at = drift_deadline(&w->drift), now = daemon_now();
	uint64_t left = at > now ? at - now : 0;
	struct timeval tv = { (time_t)(left / 1000000), (suseconds_t)(left % 1000000) };

	if (at == DRIFT_NEVER)
		event_del(w->timer);
	else
		event_add(w->timer, &tv);
}

/* Hands over what is due; who calls pumps afterwards. */
static void
checks_begin(struct watch *w)
{
	unsigned ns;

	while (drift_next(&w->drift, daemon_now(), &ns)) {
		kernel_check(w->d->kernel, ns);
		askers_turn(w, ns, ASKED_WAITS, ASKED_RUNS);
	}
	timer_set(w);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	(void)fd;
	(void)what;
	checks_begin(w);
	daemon_pump(w->d);
}

static void
on_checked(unsigned ns, const struct kernel_found *f, void *arg)
{
	struct watch *w = arg;
	char text[KERNEL_REFUSAL_TEXT], place[PLACE];

	drift_checked(&w->drift, ns, f, daemon_now());
	if (f->ok) {
		w->counters.checks++;
		w->counters.repaired += f->total.repaired;
		w->counters.removed += f->total.removed;
		w->last[ns].failed = f->total.failed;
		w->last[ns].foreign = f->total.foreign;
		tell(w, ns, f);
	} else if (f->refusal.reason != PRIV_R_ABSENT && f->refusal.reason != PRIV_R_RATE) {
		log_warnx("kernel", "%s cannot be compared: %s", place_print(w->d, ns, place),
		    kernel_refusal_text(&f->refusal, text));
	}
	askers_tell(w, ns, f);
	timer_set(w);
	askers_answer(w);
}

static void
on_notice(struct daemon *d, unsigned ns, struct knote note)
{
	struct watch *w = d->watch;

	log_debug("kernel", "told of a change in %s: %s",
	    ns == 0 ? "the default namespace" : ns == DRIFT_ALL ? "all namespaces" : "one of ours",
	    note.why);
	if (note.what == KNOTE_LINKED)
		drift_linked(&w->drift, ns, daemon_now());
	else
		drift_touched(&w->drift, ns, daemon_now());
	timer_set(w);
}

struct watch *
watch_new(struct daemon *d)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->d = d;
	TAILQ_INIT(&w->askers);
	drift_init(&w->drift, DRIFT_PERIOD);
	w->timer = evtimer_new(d->base, on_timer, w);
	if (w->timer == NULL) {
		free(w);
		return NULL;
	}
	kernel_on_checked(d->kernel, on_checked, w);
	return w;
}

bool
watch_listen(struct watch *w, const struct knote_rules *rules, const int fds[KMON_SOCKETS])
{
	w->kmon = kmon_new(w->d, rules, fds, on_notice);
	return w->kmon != NULL;
}

bool
watch_on_nics(struct watch *w, nics_told *told, void *arg)
{
	return w->kmon != NULL && kmon_on_nics(w->kmon, told, arg);
}

void
watch_catch_up(struct watch *w)
{
	if (w->kmon != NULL)
		kmon_catch_up(w->kmon);
}

const struct nic_state *
watch_nic(const struct watch *w, size_t nic)
{
	return w->kmon != NULL ? kmon_nic(w->kmon, nic) : NULL;
}

void
watch_start(struct watch *w)
{
	drift_began(&w->drift, 0, daemon_now());
	if (w->kmon != NULL)
		kmon_start(w->kmon);
	timer_set(w);
}

void
watch_namespace(struct watch *w, unsigned ns)
{
	if (ns == 0 || kernel_ns_number(w->d->kernel, ns) != 0) {
		drift_began(&w->drift, ns, daemon_now());
	} else {
		drift_gone(&w->drift, ns);
		w->last[ns] = (struct last){ .told = 0 };
		askers_turn(w, ns, ASKED_WAITS, ASKED_NOTHING);
		askers_turn(w, ns, ASKED_RUNS, ASKED_NOTHING);
	}
	timer_set(w);
	askers_answer(w);
}

bool
watch_ask(struct watch *w, json_t *result, watch_done *what, void *arg)
{
	struct asker *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return false;
	a->result = json_incref(result);
	a->what = what;
	a->arg = arg;
	for (unsigned ns = 0; ns < KERNEL_NAMESPACES; ns++)
		if (w->drift.spaces[ns].present)
			a->asked[ns] = ASKED_WAITS;
	TAILQ_INSERT_TAIL(&w->askers, a, next);
	drift_asked(&w->drift, DRIFT_ALL, daemon_now());
	checks_begin(w);
	return true;
}

void
watch_free(struct watch *w)
{
	struct asker *a;

	if (w == NULL)
		return;
	while ((a = TAILQ_FIRST(&w->askers)) != NULL)
		asker_free(w, a);
	kernel_on_checked(w->d->kernel, NULL, NULL);
	kmon_free(w->kmon);
	event_free(w->timer);
	free(w);
}

struct watch_counters
watch_counters(const struct watch *w)
{
	struct watch_counters c = w != NULL ? w->counters : (struct watch_counters){ 0 };

	for (unsigned ns = 0; w != NULL && ns < KERNEL_NAMESPACES; ns++) {
		c.failed += w->last[ns].failed;
		c.foreign += w->last[ns].foreign;
	}
	if (w != NULL)
		c.notices = kmon_counters(w->kmon);
	return c;
}
