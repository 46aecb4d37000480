/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/attack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/priv/stage.h"
#include "tests/unit/tap.h"

enum { SETTLE_MS = 10000, TOLD = 20, TRIES = 400, MALFORMED_STATUS = 3 };

const char *
attack_kind_name(enum attack_kind kind)
{
	static const char *const names[ATTACK_KINDS] = { [ATTACK_VALID] = "valid",
		[ATTACK_VALUE] = "hostile value", [ATTACK_BOUNDS] = "value out of bounds",
		[ATTACK_TRUNCATED] = "truncated", [ATTACK_PADDED] = "padded",
		[ATTACK_FRAME] = "hostile frame", [ATTACK_DESCRIPTORS] = "with descriptors",
		[ATTACK_PHASE] = "wrong phase", [ATTACK_TOO_MANY] = "too many",
		[ATTACK_UNREAD] = "answer never read", [ATTACK_REPEATED] = "repeated",
		[ATTACK_RANDOM] = "random half-valid" };

	return names[kind];
}

void
attack_found(struct attack *a, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tap_note("FOUND: %s", text);
	a->broken = true;
}

/* --- comparisons ----------------------------------------------------------- */

static void
difference_note(char sign, const char *text, void *arg)
{
	unsigned *n = arg;

	if ((*n)++ < TOLD)
		tap_note("%c%.300s", sign, text);
}

static void
memory_note(struct attack *a)
{
	char path[64];
	unsigned long size, resident;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)a->c.pid);
	f = fopen(path, "r");
	if (f != NULL && fscanf(f, "%lu %lu", &size, &resident) == 2 &&
	    resident * (unsigned long)sysconf(_SC_PAGESIZE) > a->most_memory)
		a->most_memory = resident * (unsigned long)sysconf(_SC_PAGESIZE);
	if (f != NULL)
		fclose(f);
}

void
attack_compare(struct attack *a, const char *what)
{
	struct snap *now = snap_take(SNAP_ALL);
	unsigned told = 0;

	if (snap_compare(a->all, now, SNAP_LIFE, NULL, NULL) != 0) {
		attack_found(a, "in life, after %s", what);
		snap_compare(a->all, now, SNAP_LIFE, difference_note, &told);
	}
	a->life_compared++;
	a->lines += now->n;
	if (snap_ours(now) > a->most_ours)
		a->most_ours = snap_ours(now);
	if (a->open)
		memory_note(a);
	snap_free(now);
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The kernel takes namespaces down a little later. */
static void
end_compare(struct attack *a, enum snap_scope scope, const char *what)
{
	const struct snap *before = scope == SNAP_ALL ? a->all : a->quick;
	const struct timespec pause = { 0, 10000000 };
	uint64_t limit = now_ms() + SETTLE_MS;
	struct snap *now;
	unsigned told = 0;

	while (now = snap_take(scope), snap_compare(before, now, SNAP_STRICT, NULL, NULL) != 0 &&
	    now_ms() < limit) {
		snap_free(now);
		nanosleep(&pause, NULL);
	}
	if (snap_compare(before, now, SNAP_STRICT, NULL, NULL) != 0) {
		attack_found(a, "left behind, after %s", what);
		snap_compare(before, now, SNAP_STRICT, difference_note, &told);
	}
	a->end_compared++;
	a->lines += now->n;
	snap_free(now);
}

/* --- lives ----------------------------------------------------------------- */

bool
attack_open(struct attack *a, const char *override, bool greet)
{
	/* Thousands of refusals are no news. */
	const char *log = getenv("NTK_HELPER_LOG");
	const struct client_setup setup = { .helper = stage_helper(), .config = "/run/hostile.conf",
		.run_dir = "/run/ntkd", .log = log != NULL ? log : "/dev/null",
		.level = LOG_LEVEL_ERROR, .overrides = { override } };

	a->lives++;
	a->open = client_start(&a->c, &setup) && (!greet || client_hello(&a->c));
	if (!a->open) {
		attack_found(a, "no helper: %s", a->c.error);
		return false;
	}
	model_begin(&a->m, &a->c, override != NULL && strcmp(override, "allow-overlap=true") == 0);
	return true;
}

void
attack_close(struct attack *a, enum snap_scope scope)
{
	int status;

	if (!a->open)
		return;
	a->open = false;
	memory_note(a);
	status = client_stop(&a->c);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		attack_found(a, "the helper ended with wait status %d: %s", status, a->c.error);
	end_compare(a, scope, "the end");
}

void
attack_leave(struct attack *a, enum snap_scope scope, const char *what)
{
	int status;

	a->open = false;
	memory_note(a);
	status = client_stop(&a->c);
	if (!WIFEXITED(status) ||
	    (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != MALFORMED_STATUS))
		attack_found(a, "%s: the helper ended with wait status %d: %s", what, status,
		    a->c.error);
	end_compare(a, scope, what);
}

void
attack_ended(struct attack *a, enum snap_scope scope, const char *what)
{
	int status;

	a->open = false;
	a->ended++;
	status = client_reap(&a->c);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != MALFORMED_STATUS)
		attack_found(a, "%s: the helper ended with wait status %d: %s", what, status,
		    a->c.error);
	end_compare(a, scope, what);
}

/* --- operations ------------------------------------------------------------ */

void
attack_verdict(struct attack *a, enum client_end end)
{
	if (end == CLIENT_DONE)
		a->verdicts[PRIV_R_OK]++;
	if (end == CLIENT_REFUSED && a->c.refusal.reason <= PRIV_R_LAST)
		a->verdicts[a->c.refusal.reason]++;
	if (end == CLIENT_REFUSED && a->c.refusal.reason == PRIV_R_KERNEL &&
	    a->c.refusal.error > 0 && a->c.refusal.error < ATTACK_ERRORS)
		if (a->kernel_errors[a->c.refusal.error]++ == 0)
			tap_note("refused by the kernel, first of its kind: %s %s: %s; %s",
			    a->c.refusal.operation, a->c.refusal.value,
			    strerror(a->c.refusal.error), a->c.refusal.text);
	if (end == CLIENT_GONE) {
		attack_found(a, "the helper is gone: %s", a->c.error);
		a->open = false;
		client_reap(&a->c);
	}
}

enum client_end
attack_do(struct attack *a, enum attack_kind kind, const struct priv_op *op)
{
	enum client_end end;

	if (!a->open)
		return CLIENT_GONE;
	end = client_do(&a->c, op);
	a->sent[kind]++;
	attack_verdict(a, end);
	if (end == CLIENT_DONE) {
		model_apply(&a->m, op);
		model_settle(&a->m, a->c.results, a->c.n_results);
	}
	return end;
}

void
attack_build(struct attack *a, unsigned n)
{
	static const uint8_t verbs[] = { PRIV_OP_ns_prepare, PRIV_OP_ns_create, PRIV_OP_dev_prepare,
		PRIV_OP_dev_create, PRIV_OP_addr_add, PRIV_OP_neigh_set, PRIV_OP_peer_take,
		PRIV_OP_mark_on, PRIV_OP_route_set, PRIV_OP_rule_on, PRIV_OP_nat_set };
	static struct model before;
	enum client_end end;
	struct priv_op op;
	char text[400];

	if (!a->open)
		return;
	before = a->m;
	client_begin(&a->c);
	for (unsigned tries = 0; n > 0 && tries < TRIES; tries++) {
		if (!model_valid(&a->m, &a->rng, verbs[rng_below(&a->rng, sizeof(verbs))], &op))
			continue;
		client_add(&a->c, &op);
		model_apply(&a->m, &op);
		a->sent[ATTACK_VALID]++;
		n--;
	}
	end = client_commit(&a->c, 0);
	attack_verdict(a, end);
	if (end == CLIENT_DONE) {
		model_settle(&a->m, a->c.results, a->c.n_results);
		return;
	}
	a->m = before;
	if (end == CLIENT_REFUSED && a->c.refusal.reason != PRIV_R_KERNEL &&
	    a->c.refusal.reason != PRIV_R_RATE) {
		snprintf(text, sizeof(text), "%s %s=%s: %s", a->c.refusal.operation, a->c.refusal.field,
		    a->c.refusal.value, priv_reason_text((enum priv_reason)a->c.refusal.reason));
		attack_found(a, "a valid request was refused: %s", text);
	}
}

void
attack_example(struct attack *a, uint8_t verb, struct priv_op *op)
{
	const struct msg_desc *d;

	for (unsigned i = 0; i < TRIES; i++)
		if (model_valid(&a->m, &a->rng, verb, op))
			return;
	d = pool_desc(op);
	for (size_t i = 0; i < d->n_fields; i++)
		if (d->fields[i].kind == MSG_HANDLE && pool_get(&d->fields[i], pool_body(op)) == 0)
			pool_set(&d->fields[i], pool_body(op), a->m.ns);
		else if (pool_get(&d->fields[i], pool_body(op)) < d->fields[i].min)
			pool_set(&d->fields[i], pool_body(op), d->fields[i].min);
}

void
attack_check(struct attack *a, uint32_t ns)
{
	static uint8_t buf[PRIV_MSG_MAX];
	struct priv_checked checked;
	struct priv_frame f;
	struct msg_error err;
	struct wr w;
	struct rd r;
	ssize_t n;

	if (!a->open || !a->knows_check)
		return;
	wr_init(&w, buf, sizeof(buf));
	client_frame(&w, PRIV_CHECK, 1, 0, 1);
	msg_encode(&priv_check_desc, &(struct priv_check){ ns }, &w);
	if (!client_send_raw(&a->c, buf, w.len, -1) ||
	    (n = client_receive(&a->c, buf, sizeof(buf))) <= 0) {
		attack_found(a, "a check is not answered");
		return;
	}
	rd_init(&r, buf, (size_t)n);
	if (!msg_decode(&priv_frame_desc, &r, &f, &err) || f.type != PRIV_CHECKED)
		return;		/* refused: too often */
	a->checks++;
	if (!msg_decode(&priv_checked_desc, &r, &checked, &err))
		attack_found(a, "a check is answered by something malformed");
	else if (checked.repaired != 0 || checked.failed != 0 || checked.removed != 0)
		attack_found(a, "a check of 0x%x found %u repaired, %u failed, %u removed", ns,
		    checked.repaired, checked.failed, checked.removed);
}

void
attack_hello(struct attack *a)
{
	if (!a->open)
		return;
	if (client_hello(&a->c)) {
		a->hellos++;
		if (!model_greeted(&a->m, &a->c))
			attack_found(a, "a hello gave handles of interfaces that are not as they must be");
	} else if (a->c.refusal.reason != PRIV_R_RATE) {
		attack_found(a, "another hello: %s", a->c.error);
	}
}

/* --- counts ---------------------------------------------------------------- */

void
attack_tell(const struct attack *a)
{
	uint64_t total = 0, verdicts = 0;

	for (int i = 0; i < ATTACK_KINDS; i++)
		total += a->sent[i];
	tap_note("requests: %ju", (uintmax_t)total);
	for (int i = 0; i < ATTACK_KINDS; i++)
		tap_note("  %-20s %ju", attack_kind_name((enum attack_kind)i), (uintmax_t)a->sent[i]);
	for (int i = 0; i <= PRIV_R_LAST; i++)
		verdicts += a->verdicts[i];
	tap_note("verdicts over transactions: %ju", (uintmax_t)verdicts);
	for (int i = 0; i <= PRIV_R_LAST; i++)
		tap_note("  %-20s %ju", priv_reason_name((enum priv_reason)i),
		    (uintmax_t)a->verdicts[i]);
	for (int i = 0; i < ATTACK_ERRORS; i++)
		if (a->kernel_errors[i] != 0)
			tap_note("  kernel: %-12s %ju", strerror(i), (uintmax_t)a->kernel_errors[i]);
	tap_note("checks answered: %ju; hellos in the middle: %ju", (uintmax_t)a->checks,
	    (uintmax_t)a->hellos);
	tap_note("lives of the helper: %ju; ended by a message: %ju", (uintmax_t)a->lives,
	    (uintmax_t)a->ended);
	tap_note("comparisons: %ju in life, %ju after an end; %ju lines; at most %ju lines were ours",
	    (uintmax_t)a->life_compared, (uintmax_t)a->end_compared, (uintmax_t)a->lines,
	    (uintmax_t)a->most_ours);
	tap_note("memory of a helper: at most %ju KiB", (uintmax_t)a->most_memory / 1024);
}
