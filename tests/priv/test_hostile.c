/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A taken-over ntkd against a real ntkd-priv, on a machine full of other people's things
 * (tests/priv/canary.c).  Whatever is asked, how often and in whatever shape: but for what the
 * manual promises to such an enemy the machine stays as it was, and after the helper's end it
 * is as it was, byte for byte (tests/priv/snap.h).
 *
 * NTK_SEED and NTK_REQUESTS of the environment choose the random stream, NTK_HELPER_LOG
 * a file for what the helpers say.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/priv/attack.h"
#include "tests/priv/canary.h"
#include "tests/priv/claim.h"
#include "tests/priv/stage.h"
#include "tests/priv/stream.h"
#include "tests/unit/tap.h"

enum {
	REQUESTS = 1000000,
	COMPARISONS = 40,
	CASES_EACH = 100,	/* hostile values between two comparisons in life */
	BUILD = 60,		/* operations of a life that has something to lose */
	SETTLE_MS = 5000,
};

static bool usable;
static struct attack attack;
static struct snap *virgin;	/* before the first life of a helper */

static bool
not_usable(void)
{
	if (!usable)
		tap_skip("needs root and the right to make namespaces");
	return !usable;
}

static double
seconds(void)
{
	static struct timespec last;
	struct timespec now, was = last;

	clock_gettime(CLOCK_MONOTONIC, &now);
	last = now;
	return (double)(now.tv_sec - was.tv_sec) + (double)(now.tv_nsec - was.tv_nsec) / 1e9;
}

/* A test fails when the attack found something. */
static void
judge(void)
{
	if (attack.open)
		attack_close(&attack, SNAP_ALL);
	CU_ASSERT_FALSE(attack.broken);
	attack.broken = false;
	tap_note("%.1f s", seconds());
}

/* --- the oracle ------------------------------------------------------------ */

struct told {
	const char *word;
	unsigned n;
	bool met;
};

static void
told_look(char sign, const char *text, void *arg)
{
	struct told *t = arg;

	(void)sign;
	t->n++;
	t->met |= strstr(text, t->word) != NULL;
}

/* Comes to rest on BEFORE again: namespaces and IPv6 take a moment. */
static bool
settles(const struct snap *before)
{
	const struct timespec pause = { 0, 10000000 };
	size_t n = 1;

	for (int i = 0; n != 0 && i < SETTLE_MS / 10; i++) {
		struct snap *now = snap_take(SNAP_ALL);

		n = snap_compare(before, now, SNAP_STRICT, NULL, NULL);
		snap_free(now);
		if (n != 0)
			nanosleep(&pause, NULL);
	}
	return n == 0;
}

static void
note_line(char sign, const char *text, void *arg)
{
	(void)arg;
	tap_note("%c%.300s", sign, text);
}

static void
change_is_told(const struct canary_change *c, bool own)
{
	struct snap *before = snap_take(SNAP_ALL), *now;
	struct told strict = { .word = c->told }, life = { .word = c->told };
	bool ok;

	CU_ASSERT_FATAL(canary_run(c->apply));
	now = snap_take(SNAP_ALL);
	snap_compare(before, now, SNAP_STRICT, told_look, &strict);
	snap_compare(before, now, SNAP_LIFE, told_look, &life);
	ok = strict.met && (own ? life.n == 0 : life.met);
	if (!ok) {
		tap_note("%s: %u lines, %u in life", c->apply, strict.n, life.n);
		snap_compare(before, now, own ? SNAP_LIFE : SNAP_STRICT, note_line, NULL);
	}
	CU_ASSERT(ok);
	snap_free(now);
	CU_ASSERT_FATAL(canary_run(c->undo));
	if (!settles(before)) {
		tap_note("%s: not as before", c->undo);
		now = snap_take(SNAP_ALL);
		snap_compare(before, now, SNAP_STRICT, note_line, NULL);
		snap_free(now);
		CU_FAIL("the machine does not come to rest");
	}
	snap_free(before);
}

static void
test_oracle(void)
{
	unsigned n = 0;

	if (not_usable())
		return;
	for (const struct canary_change *c = canary_changes; c->apply != NULL; c++, n++)
		change_is_told(c, false);
	for (const struct canary_change *c = canary_own_changes; c->apply != NULL; c++, n++)
		change_is_told(c, true);
	tap_note("%u kinds of changes were made and told; %.1f s", n, seconds());
}

/* What a first life leaves, and ntkd(8) says so: directories, an empty journal, our mount. */
static bool
is_documented(const char *line)
{
	static const char *const known[] = { "file /run/netns ", "file /run/ntkd " , "file /run/ntkd/priv ",
		"file /run/ntkd/journal " };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(line, known[i], strlen(known[i])) == 0)
			return true;
	return false;
}

static void
first_look(char sign, const char *text, void *arg)
{
	(void)arg;
	if (!is_documented(text))
		attack_found(&attack, "the first life left %c%.300s", sign, text);
}

static void
test_first_life(void)
{
	if (not_usable())
		return;
	virgin = snap_take(SNAP_ALL);
	tap_note("the machine: %zu lines", virgin->n);
	/* With an empty baseline the end of this life would be compared with nothing. */
	attack.all = snap_take(SNAP_ALL);
	if (attack_open(&attack, NULL, true)) {
		attack_build(&attack, BUILD);
		CU_ASSERT_EQUAL(client_stop(&attack.c), 0);
		attack.open = false;
	}
	snap_free(attack.all);
	for (int i = 0; i < 50; i++) {
		attack.all = snap_take(SNAP_ALL);
		if (snap_compare(virgin, attack.all, SNAP_STRICT, NULL, NULL) <= 5)
			break;
		if (i < 49)
			snap_free(attack.all);
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	}
	attack.quick = snap_take(SNAP_QUICK);
	snap_compare(virgin, attack.all, SNAP_STRICT, first_look, NULL);
	judge();
}

/* --- hostile values -------------------------------------------------------- */

/* A life with something to lose. */
static bool
life(void)
{
	if (attack.open)
		return true;
	if (!attack_open(&attack, NULL, true))
		return false;
	for (unsigned i = 0; i < 5; i++)
		attack_build(&attack, BUILD);
	return attack.open;
}

static void
field_attack(uint8_t verb, size_t i, unsigned *cases)
{
	static struct pool pool;
	static struct pool_handles handles;
	struct priv_op op;
	char text[400];

	attack_example(&attack, verb, &op);
	model_handles(&attack.m, &handles);
	pool_fill(&pool, &pool_desc(&op)->fields[i], pool_get(&pool_desc(&op)->fields[i],
	    pool_body(&op)), &handles);
	for (size_t v = 0; v < pool.n && life(); v++) {
		/* Some of what is hit is gone then. */
		if (v % 32 == 0)
			attack_build(&attack, 10);
		attack_example(&attack, verb, &op);
		pool_set(&pool_desc(&op)->fields[i], pool_body(&op), pool.v[v]);
		if (!pool_passes(&op))
			continue;
		attack_do(&attack, ATTACK_VALUE, &op);
		/* At once the same again, which is another question now. */
		attack_do(&attack, ATTACK_REPEATED, &op);
		if (++*cases % CASES_EACH != 0)
			continue;
		priv_op_print(&op, text, sizeof(text));
		attack_compare(&attack, text);
	}
}

static void
test_values(void)
{
	unsigned cases = 0;

	if (not_usable())
		return;
	for (size_t d = 0; d < priv_n_ops; d++) {
		for (size_t i = 0; i < priv_ops[d].n_fields && life(); i++)
			field_attack(priv_ops[d].type, i, &cases);
		/* Models that are full are no model. */
		attack_close(&attack, SNAP_ALL);
	}
	tap_note("%zu operations: %u hostile values of single fields", priv_n_ops, cases);
	judge();
}

/* What the configuration leaves out, asked for in all the ways that it would be granted. */
static void
test_configuration(void)
{
	static const char *const without[] = { "anonymize-others=false", "accept-anonymous=false",
		"subnet-level=0" };
	static const uint8_t verbs[] = { PRIV_OP_addr_add, PRIV_OP_nat_set };
	struct priv_op op;

	if (not_usable())
		return;
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		uint64_t before = attack.verdicts[PRIV_R_CONFIG];

		if (!attack_open(&attack, without[i], true))
			break;
		for (unsigned n = 0; n < 200 && attack.open; n++) {
			/* A global address is what translations need. */
			attack_example(&attack, n == 0 ? PRIV_OP_dev_prepare : verbs[n % 2], &op);
			attack_do(&attack, ATTACK_VALUE, &op);
		}
		attack_compare(&attack, without[i]);
		CU_ASSERT(attack.verdicts[PRIV_R_CONFIG] > before);
		attack_close(&attack, SNAP_ALL);
	}
	judge();
}

/* --- messages that end the helper ------------------------------------------- */

/* Small, so that hundreds of lives take seconds: one thing of each kind but namespaces. */
static bool
small_life(void)
{
	struct attack *a = &attack;

	if (a->open)
		return true;
	if (!attack_open(a, NULL, true))
		return false;
	client_begin(&a->c);
	client_add(&a->c, &(struct priv_op){ .type = PRIV_OP_ns_prepare, .ns_prepare = { a->m.ns } });
	client_add(&a->c, &(struct priv_op){ .type = PRIV_OP_dev_prepare,
	    .dev_prepare = { a->m.eth[0] } });
	client_add(&a->c, &(struct priv_op){ .type = PRIV_OP_addr_add,
	    .addr_add = { a->m.eth[0], 0x0a000016 } });
	client_add(&a->c, &(struct priv_op){ .type = PRIV_OP_route_set, .route_set = { a->m.ns, 0,
	    0x0a000010, 30, PRIV_ROUTE_BLACKHOLE, 0, 0, 0 } });
	client_add(&a->c, &(struct priv_op){ .type = PRIV_OP_rule_on, .rule_on = { a->m.ns, 0 } });
	a->sent[ATTACK_VALID] += 5;
	attack_verdict(a, client_commit(&a->c, 0));
	return a->open;
}

/* What a message did that may be well formed. */
enum reaction { REACTION_ANSWER, REACTION_END, REACTION_NONE };

static enum reaction
react(const uint8_t *buf, size_t len, const int *fds, size_t n_fds, int ms)
{
	struct pollfd p = { attack.c.fd, POLLIN, 0 };
	uint8_t answer[PRIV_MSG_MAX];

	if (!client_send_fds(&attack.c, buf, len, fds, n_fds))
		return REACTION_END;
	if (poll(&p, 1, ms) <= 0)
		return REACTION_NONE;
	return recv(attack.c.fd, answer, sizeof(answer), 0) > 0 ? REACTION_ANSWER : REACTION_END;
}

/* This one is malformed: the helper must say nothing, undo and end. */
static void
must_end(enum attack_kind kind, const struct wr *w, const int *fds, size_t n_fds, const char *what)
{
	enum reaction r;

	if (!attack.open)
		return;
	attack.sent[kind]++;
	r = react(w->start, w->len, fds, n_fds, CLIENT_WAIT_S * 1000);
	if (r == REACTION_END) {
		attack_ended(&attack, SNAP_QUICK, what);
		return;
	}
	attack_found(&attack, "%s: %s instead of the end", what,
	    r == REACTION_ANSWER ? "an answer" : "silence");
	attack_close(&attack, SNAP_QUICK);
}

static void
one_op(struct wr *w, uint8_t *buf, size_t size, const struct priv_op *op)
{
	wr_init(w, buf, size);
	client_frame(w, PRIV_APPLY, 77, 0, 1);
	priv_op_write(op, w);
}

static void
test_bounds(void)
{
	static struct pool pool;
	struct pool_handles none = { .n = 0 };
	uint8_t buf[256];
	struct priv_op op;
	struct wr w;

	if (not_usable())
		return;
	for (size_t d = 0; d < priv_n_ops; d++)
		for (size_t i = 0; i < priv_ops[d].n_fields && small_life(); i++) {
			attack_example(&attack, priv_ops[d].type, &op);
			pool_fill(&pool, &priv_ops[d].fields[i],
			    pool_get(&priv_ops[d].fields[i], pool_body(&op)), &none);
			for (size_t v = 0; v < pool.n; v++) {
				pool_set(&priv_ops[d].fields[i], pool_body(&op), pool.v[v]);
				if (pool_passes(&op) || !small_life())
					continue;
				one_op(&w, buf, sizeof(buf), &op);
				must_end(ATTACK_BOUNDS, &w, NULL, 0, priv_ops[d].name);
			}
		}
	judge();
}

/* Cut at each length: those that reach into the frame once, those behind it for each verb. */
static void
test_truncated(void)
{
	const size_t frame = msg_wire_min(&priv_frame_desc);
	uint8_t buf[256];
	char what[64];
	struct priv_op op;
	struct wr w;

	if (not_usable())
		return;
	for (size_t d = 0; d < priv_n_ops && small_life(); d++) {
		attack_example(&attack, priv_ops[d].type, &op);
		one_op(&w, buf, sizeof(buf), &op);
		for (size_t len = d == 0 ? 1 : frame, all = w.len; len < all && small_life(); len++) {
			w.len = len;
			snprintf(what, sizeof(what), "%s cut to %zu bytes", priv_ops[d].name, len);
			must_end(ATTACK_TRUNCATED, &w, NULL, 0, what);
		}
	}
	judge();
}

static void
test_padded(void)
{
	static const size_t more[] = { 1, 4, 200 };
	static const uint8_t zeroes[200];
	uint8_t buf[512];
	struct priv_op op;
	struct wr w;

	if (not_usable())
		return;
	for (size_t d = 0; d < priv_n_ops; d++)
		for (size_t i = 0; i < sizeof(more) / sizeof(more[0]) && small_life(); i++) {
			attack_example(&attack, priv_ops[d].type, &op);
			one_op(&w, buf, sizeof(buf), &op);
			wr_bytes(&w, zeroes, more[i]);
			must_end(ATTACK_PADDED, &w, NULL, 0, priv_ops[d].name);
		}
	judge();
}

/* --- frames ----------------------------------------------------------------- */

/*
 * A well-formed frame of which the helper may think what it likes: it answers, waits for
 * more parts or ends.  In each case the machine is all right.
 */
static void
any_reaction(enum attack_kind kind, const struct wr *w, bool waits, const char *what)
{
	attack.sent[kind]++;
	switch (react(w->start, w->len, NULL, 0, waits ? 50 : CLIENT_WAIT_S * 1000)) {
	case REACTION_END:
		attack_ended(&attack, SNAP_QUICK, what);
		break;
	case REACTION_NONE:
		if (!waits)
			attack_found(&attack, "%s: the helper is silent", what);
		/* It waits for more, or a busy machine has not let it read this yet. */
		attack_leave(&attack, SNAP_QUICK, what);
		break;
	case REACTION_ANSWER:
		attack_close(&attack, SNAP_QUICK);
	}
}

static void
frame_attack(uint8_t type, const struct msg_desc *body)
{
	static struct pool pool;
	struct pool_handles none = { .n = 0 };
	uint8_t buf[256], nothing[64] = { 0 };
	struct priv_frame f;
	char what[64];
	struct wr w;

	for (size_t i = 0; i < priv_frame_desc.n_fields; i++) {
		const struct msg_field *field = &priv_frame_desc.fields[i];

		f = (struct priv_frame){ PRIV_MAGIC, PRIV_VERSION, type, 99, 0, body != NULL };
		pool_fill(&pool, field, pool_get(field, &f), &none);
		for (size_t v = 0; v < pool.n && small_life(); v++) {
			pool_set(field, &f, pool.v[v]);
			wr_init(&w, buf, sizeof(buf));
			msg_encode(&priv_frame_desc, &f, &w);
			if (body != NULL)
				wr_bytes(&w, nothing, msg_wire_min(body));
			snprintf(what, sizeof(what), "frame of type %u with %s %llu", type, field->name,
			    (unsigned long long)pool.v[v]);
			any_reaction(ATTACK_FRAME, &w, (f.flags & PRIV_MORE) != 0, what);
		}
	}
}

static void
test_frames(void)
{
	uint8_t buf[64];
	struct wr w;

	if (not_usable())
		return;
	frame_attack(PRIV_HELLO, NULL);
	frame_attack(PRIV_APPLY, NULL);
	frame_attack(PRIV_CHECK, &priv_check_desc);
	/* Every type that there is not: answers, and numbers that nobody gave. */
	for (unsigned type = 0; type < 256 && small_life(); type++) {
		if (type == PRIV_HELLO || type == PRIV_APPLY || type == PRIV_CHECK)
			continue;
		wr_init(&w, buf, sizeof(buf));
		client_frame(&w, (uint8_t)type, 5, 0, 0);
		must_end(ATTACK_FRAME, &w, NULL, 0, "unknown type");
	}
	judge();
}

/* --- check ------------------------------------------------------------------ */

static void
check_message(struct wr *w, uint8_t *buf, size_t size, uint32_t ns)
{
	wr_init(w, buf, size);
	client_frame(w, PRIV_CHECK, 123, 0, 1);
	msg_encode(&priv_check_desc, &(struct priv_check){ ns }, w);
}

/* Whatever it may be asked to check: what it repairs or removes is ours. */
static void
test_check(void)
{
	static struct pool pool;
	static struct pool_handles handles;
	uint8_t buf[64];
	struct wr w;
	enum reaction r;

	if (not_usable() || !life())
		return;
	check_message(&w, buf, sizeof(buf), attack.m.ns);
	r = react(buf, w.len, NULL, 0, CLIENT_WAIT_S * 1000);
	attack.sent[ATTACK_VALUE]++;
	if (r == REACTION_END) {
		attack_ended(&attack, SNAP_ALL, "a check");
		tap_note("this helper knows no check");
		judge();
		return;
	}
	attack.knows_check = true;
	model_handles(&attack.m, &handles);
	pool_fill(&pool, &priv_check_desc.fields[0], attack.m.ns, &handles);
	for (size_t v = 0; v < pool.n && (attack.open || life()); v++) {
		check_message(&w, buf, sizeof(buf), (uint32_t)pool.v[v]);
		attack.sent[ATTACK_VALUE]++;
		r = react(buf, w.len, NULL, 0, CLIENT_WAIT_S * 1000);
		if (r == REACTION_END)
			attack_ended(&attack, SNAP_ALL, "a check");
		else if (r == REACTION_NONE)
			attack_found(&attack, "a check is not answered");
		if (attack.open && v % CASES_EACH == 0)
			attack_compare(&attack, "checks");
	}
	judge();
}

/* --- phases, descriptors ----------------------------------------------------- */

static void
test_phases(void)
{
	const struct priv_op op = { .type = PRIV_OP_ns_create, .ns_create = { 1 } };
	uint8_t buf[256], answer[64];
	struct wr w;

	if (not_usable())
		return;
	for (unsigned type = PRIV_APPLY; type <= PRIV_CHECK; type++) {
		if (!attack_open(&attack, NULL, false))
			return judge();
		if (type == PRIV_APPLY)
			one_op(&w, buf, sizeof(buf), &op);
		else
			check_message(&w, buf, sizeof(buf), PRIV_HANDLE(PRIV_H_NS, 1, 0));
		must_end(ATTACK_PHASE, &w, NULL, 0, "a request before hello");
	}
	/* Hello, and a check, between the parts of a transaction. */
	for (unsigned i = 0; i < 2 && life(); i++) {
		wr_init(&w, buf, sizeof(buf));
		client_frame(&w, PRIV_APPLY, 9, PRIV_MORE, 1);
		priv_op_write(&op, &w);
		CU_ASSERT(client_send_raw(&attack.c, buf, w.len, -1));
		if (i == 0) {
			wr_init(&w, buf, sizeof(buf));
			client_frame(&w, PRIV_HELLO, 10, 0, 0);
		} else {
			check_message(&w, buf, sizeof(buf), attack.m.ns);
		}
		must_end(ATTACK_PHASE, &w, NULL, 0, "hello or check at the wrong time");
	}
	/* Nothing at all is how a closed socket looks: the end, and no error. */
	if (life() && client_send_raw(&attack.c, buf, 0, -1)) {
		attack.sent[ATTACK_PHASE]++;
		CU_ASSERT_EQUAL(client_receive(&attack.c, answer, sizeof(answer)), 0);
		attack_close(&attack, SNAP_ALL);
	}
	judge();
}

static void
test_descriptors(void)
{
	static const size_t counts[] = { 1, 2, CLIENT_FDS };
	int fds[CLIENT_FDS];
	uint8_t buf[256];
	struct wr w;

	if (not_usable())
		return;
	for (size_t i = 0; i < CLIENT_FDS; i++)
		fds[i] = STDOUT_FILENO;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (unsigned type = PRIV_HELLO; type <= PRIV_APPLY; type++) {
			if (!attack_open(&attack, NULL, type != PRIV_HELLO))
				return judge();
			wr_init(&w, buf, sizeof(buf));
			client_frame(&w, (uint8_t)type, 1, 0, 0);
			must_end(ATTACK_DESCRIPTORS, &w, fds, counts[i], "descriptors");
		}
	judge();
}

/* --- too many, too big, too often --------------------------------------------- */

static void
refused_for(enum client_end end, enum priv_reason reason)
{
	attack_verdict(&attack, end);
	if (end != CLIENT_REFUSED || attack.c.refusal.reason != (uint16_t)reason)
		attack_found(&attack, "too many: %s instead of %s", end == CLIENT_DONE ? "done" :
		    priv_reason_name((enum priv_reason)attack.c.refusal.reason),
		    priv_reason_name(reason));
}

/* The same operation over and over: more than a transaction may have, and makes. */
static void
test_too_many_in_one(void)
{
	struct attack *a = &attack;
	struct priv_op op = { .type = PRIV_OP_route_set };
	uint8_t *buf;
	struct wr w;

	if (not_usable() || !small_life())
		return;
	op.route_set = (struct priv_route_set){ a->m.ns, 0, 0x0a000010, 30, PRIV_ROUTE_BLACKHOLE, 0, 0, 0 };
	client_begin(&a->c);
	for (unsigned i = 0; i <= PRIV_TXN_OPS; i++)
		client_add(&a->c, &op);
	a->sent[ATTACK_TOO_MANY] += PRIV_TXN_OPS + 1;
	refused_for(client_commit(&a->c, 0), PRIV_R_LIMIT);
	op = (struct priv_op){ .type = PRIV_OP_peer_take };
	client_begin(&a->c);
	for (unsigned i = 0; i <= PRIV_TXN_RESULTS; i++) {
		op.peer_take = (struct priv_peer_take){ { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } };
		client_add(&a->c, &op);
	}
	a->sent[ATTACK_TOO_MANY] += PRIV_TXN_RESULTS + 1;
	refused_for(client_commit(&a->c, 0), PRIV_R_LIMIT);
	attack_compare(a, "too many in one transaction");
	/* A message above the size, which would be well formed. */
	buf = calloc(1, 2 * PRIV_MSG_MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(buf);
	wr_init(&w, buf, 2 * PRIV_MSG_MAX);
	client_frame(&w, PRIV_APPLY, 7, 0, PRIV_MSG_MAX / 4);
	while (w.len <= PRIV_MSG_MAX)
		priv_op_write(&(struct priv_op){ .type = PRIV_OP_rule_off,
		    .rule_off = { a->m.ns, 0 } }, &w);
	must_end(ATTACK_TOO_MANY, &w, NULL, 0, "a message too long");
	free(buf);
	judge();
}

/* Namespaces, neighbours, and objects until the ledger is full; all of it goes again. */
static void
test_too_many_at_all(void)
{
	struct attack *a = &attack;
	struct priv_op op = { .type = PRIV_OP_ns_create };
	static uint32_t peers[2048], spaces[128];
	size_t n_peers = 0, n_spaces = 0;
	uint64_t objects = 0;
	enum client_end end = CLIENT_DONE;

	if (not_usable() || !small_life())
		return;
	while (n_spaces < 128 && (end = client_do(&a->c, &op)) == CLIENT_DONE) {
		spaces[n_spaces++] = client_made(&a->c, 0);
		attack_verdict(a, end);
	}
	refused_for(end, PRIV_R_LIMIT);
	op = (struct priv_op){ .type = PRIV_OP_peer_take };
	for (end = CLIENT_DONE; n_peers < 2048 && end == CLIENT_DONE; ) {
		op.peer_take = (struct priv_peer_take){ { 2, 0, 0, 0, (uint8_t)(n_peers >> 8),
		    (uint8_t)n_peers } };
		end = client_do(&a->c, &op);
		if (end == CLIENT_DONE) {
			peers[n_peers++] = client_made(&a->c, 0);
			attack_verdict(a, end);
		}
	}
	refused_for(end, PRIV_R_EXHAUSTED);
	attack_compare(a, "too many namespaces and neighbours");
	/* Every table in every namespace, until there is no room. */
	for (size_t ns = 0; ns < n_spaces && end != CLIENT_GONE; ns++) {
		for (unsigned dst = 0; dst < 24; dst++) {
			client_begin(&a->c);
			for (size_t p = 0; p < n_peers; p++)
				client_add(&a->c, &(struct priv_op){ .type = PRIV_OP_route_set,
				    .route_set = { spaces[ns], peers[p], 0x0a000000 + dst, 32,
				    PRIV_ROUTE_BLACKHOLE, 0, 0, 0 } });
			a->sent[ATTACK_TOO_MANY] += n_peers;
			end = client_commit(&a->c, 0);
			if (end != CLIENT_DONE)
				goto full;
			attack_verdict(a, end);
			objects += n_peers;
		}
	}
full:
	refused_for(end, PRIV_R_LIMIT);
	tap_note("%zu namespaces, %zu neighbours, %ju routes, then refused", n_spaces, n_peers,
	    (uintmax_t)objects);
	a->sent[ATTACK_TOO_MANY] += n_spaces + n_peers + 2;
	judge();
}

/* The same sequence number for everything, the same transaction as often as it goes. */
static void
test_repeated(void)
{
	enum { TIMES = 5000 };
	uint8_t buf[128];
	struct wr w;

	if (not_usable() || !life())
		return;
	wr_init(&w, buf, sizeof(buf));
	client_frame(&w, PRIV_APPLY, 0, PRIV_REHEARSE, 1);
	priv_op_write(&(struct priv_op){ .type = PRIV_OP_route_set, .route_set = { attack.m.ns, 0,
	    0x0a000000, 29, PRIV_ROUTE_UNREACHABLE, 0, 0, 0 } }, &w);
	for (unsigned i = 0; i < TIMES && !attack.broken; i++)
		if (react(buf, w.len, NULL, 0, CLIENT_WAIT_S * 1000) != REACTION_ANSWER)
			attack_found(&attack, "no answer to repetition %u", i);
	attack.sent[ATTACK_REPEATED] += TIMES;
	attack_compare(&attack, "repetitions");
	judge();
}

/* --- answers never read --------------------------------------------------------- */

/* Asks until the helper does not listen any more; the number of requests that it took. */
static unsigned
ask_without_reading(const struct wr *w)
{
	struct pollfd p = { attack.c.fd, POLLOUT, 0 };
	unsigned n = 0;

	/* Neither side's buffer has room: both are waiting. */
	while (poll(&p, 1, 500) > 0 && send(attack.c.fd, w->start, w->len,
	    MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		n++;
	return n;
}

static void
test_unread(void)
{
	enum { MEMORY = 64 << 20 };
	uint8_t buf[128];
	struct wr w;
	unsigned n;

	if (not_usable())
		return;
	for (unsigned killed = 0; killed < 2 && life(); killed++) {
		wr_init(&w, buf, sizeof(buf));
		client_frame(&w, PRIV_APPLY, 8, 0, 1);
		priv_op_write(&(struct priv_op){ .type = PRIV_OP_route_set, .route_set = {
		    attack.m.ns, 0, 0x0a000000, 29, PRIV_ROUTE_UNREACHABLE, 0, 0, 0 } }, &w);
		n = ask_without_reading(&w);
		attack.sent[ATTACK_UNREAD] += n;
		tap_note("%u requests until the helper waited for its answers to be read", n);
		attack_compare(&attack, "answers never read");
#ifndef __SANITIZE_ADDRESS__
		CU_ASSERT(attack.most_memory < MEMORY);
#endif
		/* Our end is its order to undo, whatever it is waiting for: that send fails. */
		close(attack.c.fd);
		attack.c.fd = -1;
		attack_ended(&attack, SNAP_ALL, "answers never read");
	}
	judge();
}

/* --- the random stream ------------------------------------------------------------ */

static uint64_t
number_of(const char *variable, uint64_t fallback)
{
	const char *text = getenv(variable);

	return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : fallback;
}

static double
cpu(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void
test_stream(void)
{
	uint64_t requests = number_of("NTK_REQUESTS", REQUESTS);
	uint64_t seed = number_of("NTK_SEED", 0x6e746b64);
	struct rusage from, to;

	if (not_usable())
		return;
	tap_note("NTK_SEED=0x%jx NTK_REQUESTS=%ju", (uintmax_t)seed, (uintmax_t)requests);
	rng_init(&attack.rng, seed);
	getrusage(RUSAGE_CHILDREN, &from);
	stream_run(&attack, requests, COMPARISONS);
	getrusage(RUSAGE_CHILDREN, &to);
	tap_note("the helpers took %.1f s of the processor for themselves, %.1f s in the kernel",
	    cpu(&to.ru_utime) - cpu(&from.ru_utime), cpu(&to.ru_stime) - cpu(&from.ru_stime));
	judge();
}

/* After everything: but for what ntkd(8) says, the machine of before the first life. */
static void
test_after_all(void)
{
	struct rusage self, helpers;
	struct snap *now;

	if (not_usable())
		return;
	now = snap_take(SNAP_ALL);
	snap_compare(virgin, now, SNAP_STRICT, first_look, NULL);
	CU_ASSERT_EQUAL(snap_compare(attack.all, now, SNAP_STRICT, note_line, NULL), 0);
	snap_free(now);
	judge();
	attack_tell(&attack);
	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &helpers);
	tap_note("processor: %.1f s here, %.1f s in the helpers",
	    cpu(&self.ru_utime) + cpu(&self.ru_stime),
	    cpu(&helpers.ru_utime) + cpu(&helpers.ru_stime));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "the oracle tells one change of each kind", test_oracle },
		{ "a first life leaves what the manual says", test_first_life },
		{ "every field of every operation at hostile values", test_values },
		{ "what the configuration leaves out", test_configuration },
		{ "values out of bounds end the helper", test_bounds },
		{ "so do messages cut at any length", test_truncated },
		{ "so do padded ones", test_padded },
		{ "frames at hostile values, and every unknown type", test_frames },
		{ "checks of whatever namespace", test_check },
		{ "requests in the wrong phase", test_phases },
		{ "descriptors attached", test_descriptors },
		{ "too much in one transaction or message", test_too_many_in_one },
		{ "too many namespaces, neighbours, objects", test_too_many_at_all },
		{ "repeated as often as it goes", test_repeated },
		{ "answers that are never read", test_unread },
		{ "a random stream of valid and half-valid operations", test_stream },
		{ "after all of that the machine is as it was", test_after_all },
	};

	(void)seconds();
	rng_init(&attack.rng, 1);
	usable = stage_make(canary_commands, "/run/hostile.conf", canary_config);
	return TAP_RUN(tests);
}
