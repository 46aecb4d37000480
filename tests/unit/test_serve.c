/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's side of the border: what it answers and what ends it.  In the place of
 * transactions and checks stands a recorder, so only serve.c is under test.
 */
#include "ntkd-priv/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privfd.h"
#include "ntkd-priv/check.h"
#include "ntkd-priv/names.h"
#include "ntkd-priv/x_link.h"
#include "tests/unit/tap.h"

#define NS0	PRIV_HANDLE(PRIV_H_NS, 0, NS_DEFAULT)

static struct conf conf;
static struct ledger ledger;
static struct txn txn;
static char record[200];	/* what the recorder was told, a letter each */
static char lines[2000];	/* of the log */
static bool will_fail;
static int fail_errno = ENOMEM;
static bool will_change_peers;
static uint32_t will_make;
static uint16_t will_find;
static unsigned hellos;
static unsigned checks;
static unsigned checked_ns;	/* by the last of them */
static uint64_t now;		/* stands still, but for a second after so many checks */
static unsigned pause_at;
static int far = -1;		/* ntkd's end of the socket */

/* --- the recorder ----------------------------------------------------------------- */

static void
note(const char *what)
{
	strncat(record, what, sizeof(record) - strlen(record) - 1);
}

void
txn_begin(struct txn *t)
{
	note("(");
	t->open = true;
	t->failed = false;
	t->peers_changed = false;
	t->n_results = 0;
}

void
txn_op(struct txn *t, struct priv_op *op)
{
	(void)t;
	note(op->type == PRIV_OP_rule_off ? "r" : "o");
}

void
txn_end(struct txn *t, bool rehearse)
{
	note(rehearse ? "?)" : ")");
	t->open = false;
	t->failed = will_fail;
	t->peers_changed = will_change_peers;
	t->n_results = will_make;
	for (uint32_t i = 0; i < will_make; i++)
		t->results[i] = (struct priv_result){ .handle = 100 + i, .number = i,
			.id = 200 + i };
	t->refusal = (struct priv_refusal){ .op = 3, .reason = PRIV_R_KERNEL, .error = fail_errno,
		.operation = "rule_on" };
}

void
names_write(const struct ledger *l)
{
	(void)l;
	note("n");
}

/* The second hello finds that an interface has become another one, and a new one. */
void __wrap_x_link_find(struct ledger *l, const struct conf *c);

void
__wrap_x_link_find(struct ledger *l, const struct conf *c)
{
	CU_ASSERT(c == &conf && l == &ledger);
	if (++hellos != 2)
		return;
	ledger_take(l, PRIV_H_DEV, 1);
	l->dev[1].ifindex = 78;
	ledger_take(l, PRIV_H_DEV, 2);
	l->dev[2].ifindex = 79;
	memset(l->dev[2].mac.b, 6, sizeof(l->dev[2].mac.b));
}

uint64_t
mono_now(void)
{
	return now;
}

static struct priv_difference
difference(unsigned i)
{
	struct priv_difference d = { .fate = (uint8_t)(PRIV_FATE_REPAIRED + i % PRIV_FATE_LAST),
		.error = i, .kind = "route" };

	snprintf(d.object, sizeof(d.object), "object %u", i);
	return d;
}

void
check_namespace(const struct conf *c, struct ledger *l, unsigned ns, struct findings *out)
{
	CU_ASSERT(c == &conf && l == &ledger);
	note("k");
	checks++;
	checked_ns = ns;
	now += checks == pause_at ? 1000000 : 0;
	out->totals = (struct priv_checked){ .compared = 1000, .repaired = 2, .removed = 3,
		.foreign = 4, .failed = 5 };
	out->n = will_find;
	for (unsigned i = 0; i < will_find; i++)
		out->v[i] = difference(i);
}

static void
on_line(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	strncat(lines, line, sizeof(lines) - strlen(lines) - 1);
	strncat(lines, "\n", sizeof(lines) - strlen(lines) - 1);
}

/* --- the far end --------------------------------------------------------------------- */

/* A new socket in the helper's place; lo, an interface that exists and one that does not. */
static void
border_open(void)
{
	int ends[2], size = 1 << 20;

	if (far >= 0)
		close(far);
	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
	far = fcntl(ends[0], F_DUPFD, PRIV_FD_END);
	CU_ASSERT_FATAL(far >= 0 && dup2(ends[1], PRIV_FD_SOCKET) == PRIV_FD_SOCKET);
	if (ends[0] != PRIV_FD_SOCKET)
		close(ends[0]);
	if (ends[1] != PRIV_FD_SOCKET)
		close(ends[1]);
	setsockopt(far, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(PRIV_FD_SOCKET, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	memset(&conf, 0, sizeof(conf));
	conf.n_interfaces = 2;
	memcpy(conf.interfaces[0].name, "eth1", sizeof("eth1"));
	memcpy(conf.interfaces[1].name, "eth2", sizeof("eth2"));
	ledger_init(&ledger, &conf);
	ledger.dev[1].slot.used = true;
	ledger.dev[1].ifindex = 77;
	memset(ledger.dev[1].mac.b, 5, sizeof(ledger.dev[1].mac.b));
	memset(&txn, 0, sizeof(txn));
	memset(record, 0, sizeof(record));
	memset(lines, 0, sizeof(lines));
	will_fail = will_change_peers = false;
	will_make = 0;
	will_find = 0;
	hellos = checks = 0;
	checked_ns = LEDGER_NAMESPACES;
	pause_at = 0;
	now += 3600 * UINT64_C(1000000);	/* what the log held back is forgotten */
	log_set_hook(on_line, NULL);
}

static void
say(const void *data, size_t len)
{
	CU_ASSERT(send(far, data, len, MSG_NOSIGNAL) == (ssize_t)len);
}

static void
frame_write(struct wr *w, uint8_t type, uint8_t flags, uint16_t count)
{
	const struct priv_frame f = { PRIV_MAGIC, PRIV_VERSION, type, 42, flags, count };

	msg_encode(&priv_frame_desc, &f, w);
}

static void
ops_write(struct wr *w, unsigned n)
{
	const struct priv_op op = { .type = PRIV_OP_rule_off };

	while (n-- > 0)
		priv_op_write(&op, w);
}

/* A frame that tells COUNT records, N of which follow, and EXTRA bytes. */
static void
say_frame(uint8_t type, uint8_t flags, uint16_t count, unsigned n, size_t extra)
{
	uint8_t buf[1024] = { 0 };
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	frame_write(&w, type, flags, count);
	ops_write(&w, n);
	say(buf, w.len + extra);
}

static void
say_hello(void)
{
	say_frame(PRIV_HELLO, 0, 0, 0, 0);
}

static void
say_ops(uint8_t flags, uint16_t n)
{
	say_frame(PRIV_APPLY, flags, n, n, 0);
}

/* A check frame that tells COUNT records, with one, and CHANGE bytes more or less. */
static void
say_check_frame(uint8_t flags, uint16_t count, uint32_t ns, int change)
{
	const struct priv_check q = { .ns = ns };
	uint8_t buf[64] = { 0 };
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	frame_write(&w, PRIV_CHECK, flags, count);
	msg_encode(&priv_check_desc, &q, &w);
	say(buf, (size_t)((int)w.len + change));
}

static void
say_check(uint32_t ns)
{
	say_check_frame(0, 1, ns, 0);
}

/* Serves what was said. */
static bool
served(void)
{
	shutdown(far, SHUT_WR);
	return serve(&conf, &ledger, &txn);
}

/* The next answer's frame; its type 0 when there is none. */
static struct priv_frame
answer(struct rd *r)
{
	static uint8_t buf[PRIV_MSG_MAX];
	struct priv_frame f = { 0 };
	struct msg_error err;
	ssize_t n = recv(far, buf, sizeof(buf), MSG_DONTWAIT);

	rd_init(r, buf, n > 0 ? (size_t)n : 0);
	if (n > 0) {
		CU_ASSERT(msg_decode(&priv_frame_desc, r, &f, &err));
		CU_ASSERT_EQUAL(f.seq, 42);
		CU_ASSERT_EQUAL(f.flags, 0);
	}
	return f;
}

static uint8_t
answer_type(void)
{
	struct rd r;

	return answer(&r).type;
}

static void
welcomed(void)
{
	CU_ASSERT_EQUAL(answer_type(), PRIV_WELCOME);
}

/* Serves; it ends in disorder, for WHY, without another answer, and after RECORD. */
static void
ends_for(const char *why, const char *before)
{
	CU_ASSERT_FALSE(served());
	CU_ASSERT_EQUAL(answer_type(), 0);
	CU_ASSERT_STRING_EQUAL(record, before);
	if (strstr(lines, why) == NULL) {
		tap_note("\"%s\" not in: %s", why, lines);
		CU_FAIL("the reason is another");
	}
}

/* --- what is answered -------------------------------------------------------------------- */

static void
interface_is(struct rd *r, const char *name, uint32_t dev, uint32_t ifindex, uint8_t mac)
{
	struct priv_interface i;
	struct msg_error err;

	CU_ASSERT_FATAL(msg_decode(&priv_interface_desc, r, &i, &err));
	CU_ASSERT_STRING_EQUAL(i.name, name);
	CU_ASSERT_EQUAL(i.dev, dev);
	CU_ASSERT_EQUAL(i.ifindex, ifindex);
	CU_ASSERT(i.mac[0] == mac && i.mac[5] == mac);
}

static void
test_hello(void)
{
	struct priv_welcome welcome;
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	border_open();
	say_hello();
	CU_ASSERT_TRUE(served());
	f = answer(&r);
	CU_ASSERT_EQUAL(f.type, PRIV_WELCOME);
	CU_ASSERT_EQUAL(f.count, 3);	/* interfaces, lo among them */
	CU_ASSERT(msg_decode(&priv_welcome_desc, &r, &welcome, &err));
	CU_ASSERT_EQUAL(welcome.ns, NS0);
	interface_is(&r, "lo", ledger_handle(&ledger, PRIV_H_DEV, DEV_LO), 0, 0);
	interface_is(&r, "eth1", ledger_handle(&ledger, PRIV_H_DEV, 1), 77, 5);
	interface_is(&r, "eth2", 0, 0, 0);
	CU_ASSERT(rd_done(&r));
	CU_ASSERT_STRING_EQUAL(lines, "");
}

/* They are looked for at each hello, and then told. */
static void
test_hello_again(void)
{
	struct priv_welcome welcome;
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	border_open();
	say_hello();
	say_ops(0, 1);
	say_hello();
	CU_ASSERT_TRUE(served());
	CU_ASSERT_EQUAL(hellos, 2);
	welcomed();
	CU_ASSERT_EQUAL(answer_type(), PRIV_DONE);
	f = answer(&r);
	CU_ASSERT(f.type == PRIV_WELCOME && f.count == 3);
	CU_ASSERT(msg_decode(&priv_welcome_desc, &r, &welcome, &err));
	CU_ASSERT_EQUAL(welcome.ns, NS0);
	interface_is(&r, "lo", ledger_handle(&ledger, PRIV_H_DEV, DEV_LO), 0, 0);
	interface_is(&r, "eth1", PRIV_HANDLE(PRIV_H_DEV, 1, 1), 78, 5);
	interface_is(&r, "eth2", PRIV_HANDLE(PRIV_H_DEV, 1, 2), 79, 6);
	CU_ASSERT(rd_done(&r));
	CU_ASSERT_STRING_EQUAL(lines, "");
}

static void
test_apply(void)
{
	border_open();
	say_hello();
	say_ops(0, 2);
	say_ops(PRIV_REHEARSE, 1);
	say_ops(0, 0);
	CU_ASSERT_TRUE(served());
	CU_ASSERT_STRING_EQUAL(record, "(rr)(r?)()");
	welcomed();
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(answer_type(), PRIV_DONE);
	CU_ASSERT_EQUAL(answer_type(), 0);
	CU_ASSERT_STRING_EQUAL(lines, "");
}

/* Several parts are one transaction, answered once. */
static void
test_parts(void)
{
	border_open();
	say_hello();
	say_ops(PRIV_MORE, 1);
	say_ops(PRIV_MORE | PRIV_REHEARSE, 1);
	say_ops(0, 1);
	CU_ASSERT_TRUE(served());
	CU_ASSERT_STRING_EQUAL(record, "(rrr)");
	welcomed();
	CU_ASSERT_EQUAL(answer_type(), PRIV_DONE);
	CU_ASSERT_EQUAL(answer_type(), 0);
}

static void
test_results(void)
{
	struct priv_result result;
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	border_open();
	will_make = 3;
	/* What a transaction dropped is removed when it has been answered. */
	ledger.ns[2].closing = true;
	ledger.ns[2].fd = -1;
	say_hello();
	say_ops(0, 1);
	CU_ASSERT_TRUE(served());
	CU_ASSERT_FALSE(ledger.ns[2].closing);
	welcomed();
	f = answer(&r);
	CU_ASSERT_EQUAL(f.type, PRIV_DONE);
	CU_ASSERT_EQUAL(f.count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		CU_ASSERT(msg_decode(&priv_result_desc, &r, &result, &err));
		CU_ASSERT(result.handle == 100 + i && result.number == i && result.id == 200 + i);
	}
	CU_ASSERT(rd_done(&r));
}

static void
test_refusal(void)
{
	struct priv_refusal refusal;
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	border_open();
	will_fail = true;
	will_make = 1;
	say_hello();
	say_ops(0, 1);
	CU_ASSERT_TRUE(served());
	welcomed();
	f = answer(&r);
	CU_ASSERT_EQUAL(f.type, PRIV_REFUSED);
	CU_ASSERT_EQUAL(f.count, 0);
	CU_ASSERT(msg_decode(&priv_refusal_desc, &r, &refusal, &err));
	CU_ASSERT(refusal.op == 3 && refusal.error == ENOMEM);
	CU_ASSERT(rd_done(&r));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "refused rule_on (operation 3)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, strerror(ENOMEM)));
}

/* The errno 0 of a refusal by policy is not told as a success. */
static void
test_refusal_words(void)
{
	border_open();
	say_hello();
	say_ops(0, 1);
	will_fail = true;
	fail_errno = 0;
	CU_ASSERT_TRUE(served());
	fail_errno = ENOMEM;
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "refused rule_on"));
	CU_ASSERT_PTR_NULL(strstr(lines, strerror(0)));
}

static void
test_names(void)
{
	border_open();
	will_change_peers = true;
	say_hello();
	say_ops(0, 1);
	CU_ASSERT_TRUE(served());
	CU_ASSERT_STRING_EQUAL(record, "(r)n");
}

static void
is_checked(uint16_t n)
{
	struct priv_difference d, is;
	struct priv_checked totals;
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	f = answer(&r);
	CU_ASSERT_EQUAL(f.type, PRIV_CHECKED);
	CU_ASSERT_EQUAL(f.count, n + 1);
	CU_ASSERT(msg_decode(&priv_checked_desc, &r, &totals, &err));
	CU_ASSERT(totals.compared == 1000 && totals.repaired == 2 && totals.removed == 3 &&
	    totals.foreign == 4 && totals.failed == 5);
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_FATAL(msg_decode(&priv_difference_desc, &r, &d, &err));
		is = difference(i);
		CU_ASSERT(d.fate == is.fate && d.error == is.error);
		CU_ASSERT_STRING_EQUAL(d.kind, is.kind);
		CU_ASSERT_STRING_EQUAL(d.object, is.object);
	}
	CU_ASSERT(rd_done(&r));
}

static void
test_check(void)
{
	static const uint16_t finds[] = { 0, 1, PRIV_DIFFERENCES };

	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
		border_open();
		will_find = finds[i];
		say_hello();
		say_check(NS0);
		CU_ASSERT_TRUE(served());
		welcomed();
		is_checked(finds[i]);
		CU_ASSERT_EQUAL(answer_type(), 0);
		CU_ASSERT_EQUAL(checked_ns, NS_DEFAULT);
		/* The one who asked tells what was found. */
		CU_ASSERT_STRING_EQUAL(lines, "");
	}
	/* Another namespace, between transactions, which it is none of. */
	border_open();
	ledger_take(&ledger, PRIV_H_NS, LEDGER_NAMESPACES - 1);
	say_hello();
	say_ops(0, 1);
	say_check(ledger_handle(&ledger, PRIV_H_NS, LEDGER_NAMESPACES - 1));
	say_ops(0, 1);
	CU_ASSERT_TRUE(served());
	CU_ASSERT_STRING_EQUAL(record, "(r)k(r)");
	CU_ASSERT_EQUAL(checked_ns, LEDGER_NAMESPACES - 1);
	welcomed();
	CU_ASSERT_EQUAL(answer_type(), PRIV_DONE);
	is_checked(0);
	CU_ASSERT_EQUAL(answer_type(), PRIV_DONE);
}

/* The next answer refuses a check, of handle NS. */
static void
is_refused(enum priv_reason reason, uint32_t ns)
{
	char value[sizeof("0x12345678")];
	struct priv_refusal refusal;
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	f = answer(&r);
	CU_ASSERT(f.type == PRIV_REFUSED && f.count == 0);
	CU_ASSERT_FATAL(msg_decode(&priv_refusal_desc, &r, &refusal, &err));
	CU_ASSERT(rd_done(&r));
	CU_ASSERT_EQUAL(refusal.reason, reason);
	CU_ASSERT(refusal.error == 0 && refusal.op == 0);
	CU_ASSERT_STRING_EQUAL(refusal.operation, "check");
	CU_ASSERT_STRING_EQUAL(refusal.field, "ns");
	snprintf(value, sizeof(value), "0x%x", ns);
	CU_ASSERT_STRING_EQUAL(refusal.value, value);
	CU_ASSERT_STRING_EQUAL(refusal.text, "");
}

/* A handle that names no namespace is refused, and is no end. */
static void
test_check_handles(void)
{
	enum { FREED = 5 };
	uint32_t stale;

	border_open();
	ledger_take(&ledger, PRIV_H_NS, FREED);
	stale = ledger_handle(&ledger, PRIV_H_NS, FREED);
	ledger_release(&ledger, &(struct obj){ .kind = OBJ_NS, .ns = FREED });
	ledger_take(&ledger, PRIV_H_NS, FREED);

	const struct {
		uint32_t ns;
		enum priv_reason reason;
	} cases[] = {
		{ 0, PRIV_R_HANDLE },
		{ UINT32_MAX, PRIV_R_HANDLE },
		{ stale, PRIV_R_HANDLE },
		{ PRIV_HANDLE(PRIV_H_NS, 0, FREED + 1), PRIV_R_HANDLE },
		{ PRIV_HANDLE(PRIV_H_NS, 0, LEDGER_NAMESPACES), PRIV_R_HANDLE },
		{ PRIV_HANDLE_NEW(0), PRIV_R_HANDLE },
		{ ledger_handle(&ledger, PRIV_H_DEV, DEV_LO), PRIV_R_KIND },
		{ PRIV_HANDLE(PRIV_H_PEER, 0, 1), PRIV_R_KIND },
	};

	say_hello();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		say_check(cases[i].ns);
	say_check(NS0);
	CU_ASSERT_TRUE(served());
	welcomed();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_refused(cases[i].reason, cases[i].ns);
	is_checked(0);
	CU_ASSERT_EQUAL(checks, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "refused check (operation 0): ns 0x0"));
	CU_ASSERT_PTR_NULL(strstr(lines, strerror(0)));
}

/* So many checks at once, and so many a second; what is refused for its handle does not count. */
static void
test_check_rate(void)
{
	enum { BURST = SERVE_LOOK_BURST - 1 };	/* hello was one */

	for (int pause = 0; pause < 2; pause++) {
		unsigned passed = pause ? BURST + SERVE_LOOK_RATE : BURST;

		border_open();
		pause_at = pause ? BURST : 0;
		say_hello();
		say_check(0);
		for (unsigned i = 0; i < passed + 2; i++)
			say_check(NS0);
		say_check(0);
		CU_ASSERT_TRUE(served());
		CU_ASSERT_EQUAL(checks, passed);
		welcomed();
		is_refused(PRIV_R_HANDLE, 0);
		for (unsigned i = 0; i < passed; i++)
			CU_ASSERT_EQUAL(answer_type(), PRIV_CHECKED);
		is_refused(PRIV_R_RATE, NS0);
		is_refused(PRIV_R_RATE, NS0);
		is_refused(PRIV_R_HANDLE, 0);
		CU_ASSERT_EQUAL(answer_type(), 0);
	}
}

/* They count with the checks; one that is refused looks for nothing, and greets nobody. */
static void
test_hello_rate(void)
{
	struct priv_refusal refusal;
	struct msg_error err;
	struct rd r;

	border_open();
	for (unsigned i = 0; i < SERVE_LOOK_BURST - 2; i++)
		say_hello();
	say_check(NS0);
	say_hello();
	say_hello();
	say_check(NS0);
	CU_ASSERT_TRUE(served());
	CU_ASSERT_EQUAL(hellos, SERVE_LOOK_BURST - 1);
	for (unsigned i = 0; i < SERVE_LOOK_BURST - 2; i++)
		welcomed();
	is_checked(0);
	welcomed();
	CU_ASSERT_EQUAL(answer(&r).type, PRIV_REFUSED);
	CU_ASSERT(msg_decode(&priv_refusal_desc, &r, &refusal, &err) && rd_done(&r));
	CU_ASSERT(refusal.reason == PRIV_R_RATE && refusal.op == 0);
	CU_ASSERT_STRING_EQUAL(refusal.operation, "hello");
	is_refused(PRIV_R_RATE, NS0);
	CU_ASSERT_EQUAL(answer_type(), 0);
}

/* --- what ends it ---------------------------------------------------------------------- */

static void
test_phase(void)
{
	border_open();
	say_ops(0, 1);
	ends_for("a transaction before hello", "");
	border_open();
	say_hello();
	say_ops(PRIV_MORE, 1);
	say_hello();
	CU_ASSERT_FALSE(served());
	welcomed();
	CU_ASSERT_EQUAL(answer_type(), 0);
	CU_ASSERT_EQUAL(hellos, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "hello inside a transaction"));
}

static void
test_hello_with_more(void)
{
	border_open();
	say_frame(PRIV_HELLO, 0, 1, 0, 0);
	ends_for("hello with something in it", "");
	border_open();
	say_frame(PRIV_HELLO, PRIV_MORE, 0, 0, 0);
	ends_for("hello with something in it", "");
	border_open();
	say_frame(PRIV_HELLO, 0, 0, 0, 1);
	ends_for("bytes after hello", "");
}

/* After hello: FRAME with these, and what was done before the end was noticed. */
static void
after_hello(uint8_t type, uint16_t count, unsigned n, size_t extra, const char *why,
    const char *before)
{
	border_open();
	say_hello();
	say_frame(type, 0, count, n, extra);
	CU_ASSERT_FALSE(served());
	welcomed();
	CU_ASSERT_EQUAL(answer_type(), 0);
	CU_ASSERT_STRING_EQUAL(record, before);
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "undoing everything"));
}

static void
test_leftovers(void)
{
	after_hello(PRIV_APPLY, 1, 1, 1, "bytes after the last operation", "(r");
	after_hello(PRIV_APPLY, 1, 2, 0, "bytes after the last operation", "(r");
	after_hello(PRIV_APPLY, 0, 1, 0, "bytes after the last operation", "(");
	after_hello(PRIV_APPLY, 2, 1, 0, "malformed", "(r");
	after_hello(PRIV_APPLY, 1, 0, 1, "malformed", "(");
}

/* After hello: such a frame ends it for WHY; nothing was checked. */
static void
check_ends(uint8_t flags, uint16_t count, int change, const char *why)
{
	border_open();
	say_hello();
	say_check_frame(flags, count, NS0, change);
	say_check(NS0);
	CU_ASSERT_FALSE(served());
	welcomed();
	CU_ASSERT_EQUAL(answer_type(), 0);
	CU_ASSERT_STRING_EQUAL(record, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "undoing everything"));
}

static void
test_check_malformed(void)
{
	static const char shape[] = "a check with flags, or not of one namespace";
	const int size = (int)msg_wire_min(&priv_check_desc);

	border_open();
	say_check(NS0);
	ends_for("a check before hello, or inside a transaction", "");
	border_open();
	say_hello();
	say_ops(PRIV_MORE, 1);
	say_check(NS0);
	CU_ASSERT_FALSE(served());
	welcomed();
	CU_ASSERT_EQUAL(answer_type(), 0);
	CU_ASSERT_STRING_EQUAL(record, "(r");
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "a check before hello, or inside a transaction"));
	check_ends(0, 0, -size, shape);
	check_ends(0, 0, 0, shape);
	check_ends(0, 2, size, shape);
	check_ends(0, UINT16_MAX, 0, shape);
	check_ends(PRIV_MORE, 1, 0, shape);
	check_ends(PRIV_REHEARSE, 1, 0, shape);
	check_ends(0, 1, -size, "malformed check");
	check_ends(0, 1, -1, "malformed check");
	check_ends(0, 1, 1, "bytes after the check");
	check_ends(0, 1, size, "bytes after the check");
}

static void
test_type(void)
{
	after_hello(PRIV_WELCOME, 0, 0, 0, "an unknown type", "");
	after_hello(PRIV_DONE, 0, 0, 0, "an unknown type", "");
	after_hello(250, 0, 0, 0, "an unknown type", "");
	border_open();
	say("x", 1);
	ends_for("malformed", "");
}

static void
test_descriptor(void)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int)) } };
	uint8_t buf[64];
	struct wr w;
	struct iovec iov = { .iov_base = buf };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	const int fd = STDOUT_FILENO;

	border_open();
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	wr_init(&w, buf, sizeof(buf));
	frame_write(&w, PRIV_HELLO, 0, 0);
	iov.iov_len = w.len;
	CU_ASSERT(sendmsg(far, &msg, MSG_NOSIGNAL) == (ssize_t)w.len);
	ends_for("a descriptor attached", "");
}

/* The longest message there may be, and one byte more, and many. */
static void
test_length(void)
{
	static uint8_t buf[2 * PRIV_MSG_MAX];
	const struct priv_op small = { .type = PRIV_OP_ns_prepare };
	uint16_t n = 0;
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	frame_write(&w, PRIV_APPLY, 0, 0);
	/* One kind of operation is 9 bytes long, the other 5. */
	for (; (PRIV_MSG_MAX - w.len) % 9 != 0; n++)
		priv_op_write(&small, &w);
	for (; w.len < PRIV_MSG_MAX; n++)
		ops_write(&w, 1);
	CU_ASSERT_EQUAL_FATAL(w.len, PRIV_MSG_MAX);
	wr_patch_u16(&w, msg_wire_min(&priv_frame_desc) - sizeof(n), n);
	border_open();
	say_hello();
	say(buf, w.len);
	CU_ASSERT_TRUE(served());
	welcomed();
	CU_ASSERT_EQUAL(answer_type(), PRIV_DONE);
	for (size_t more = 1; more <= 1000; more += 999) {
		border_open();
		say_hello();
		say(buf, w.len + more);
		CU_ASSERT_FALSE(served());
		CU_ASSERT_PTR_NOT_NULL(strstr(lines, "too many bytes"));
		CU_ASSERT_STRING_EQUAL(record, "");
	}
}

/* An empty message is what the end looks like. */
static void
test_empty(void)
{
	border_open();
	say("", 0);
	say_hello();
	CU_ASSERT_TRUE(served());
	CU_ASSERT_EQUAL(answer_type(), 0);
}

static void
test_nobody_listens(void)
{
	border_open();
	say_hello();
	say_ops(0, 1);
	close(far);
	far = -1;
	CU_ASSERT_FALSE(serve(&conf, &ledger, &txn));
	CU_ASSERT_STRING_EQUAL(record, "");
}

static void
test_socket_fails(void)
{
	int fd = open("/dev/null", O_RDONLY);

	border_open();
	CU_ASSERT_FATAL(fd >= 0 && dup2(fd, PRIV_FD_SOCKET) == PRIV_FD_SOCKET);
	close(fd);
	CU_ASSERT_FALSE(serve(&conf, &ledger, &txn));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "the socket to ntkd failed"));
}

static void
on_alarm(int sig)
{
	(void)sig;
	shutdown(far, SHUT_WR);
}

/* A signal in between is no end. */
static void
test_interrupted(void)
{
	const struct sigaction act = { .sa_handler = on_alarm };
	const struct itimerval soon = { .it_value = { 0, 50000 } };

	border_open();
	CU_ASSERT_FATAL(sigaction(SIGALRM, &act, NULL) == 0);
	CU_ASSERT_FATAL(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	CU_ASSERT_TRUE(serve(&conf, &ledger, &txn));
	CU_ASSERT_STRING_EQUAL(lines, "");
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "hello is welcomed with namespace and interfaces", test_hello },
		{ "a second hello tells what has changed", test_hello_again },
		{ "a transaction is begun, done, ended and answered", test_apply },
		{ "parts make one transaction", test_parts },
		{ "what was made is told", test_results },
		{ "a refusal is told, and logged", test_refusal },
		{ "a refusal of policy names no error of the kernel", test_refusal_words },
		{ "names of tables are written when neighbours changed", test_names },
		{ "what a check found is told", test_check },
		{ "a check of what is no namespace", test_check_handles },
		{ "checks that come too often", test_check_rate },
		{ "hellos that come too often", test_hello_rate },
		{ "hello comes first, and between transactions", test_phase },
		{ "hello is nothing but hello", test_hello_with_more },
		{ "count and length agree", test_leftovers },
		{ "a check is one namespace, after hello, between transactions", test_check_malformed },
		{ "unknown types end it", test_type },
		{ "a descriptor ends it", test_descriptor },
		{ "the longest message, and longer ones", test_length },
		{ "an empty message is the end", test_empty },
		{ "an answer that nobody takes ends it", test_nobody_listens },
		{ "a socket that fails ends it", test_socket_fails },
		{ "a signal does not end it", test_interrupted },
	};

	return TAP_RUN(tests);
}
