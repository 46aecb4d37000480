/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The helper's end of the border: messages in any order and of any make against the real loop,
 * policy, ledger and transactions, on a kernel that is a list (fakex.h).  What the bytes
 * make is mostly in order, and then it is known what must come of it: an answer of a certain
 * kind, none yet, or the end of the helper.  At the end, however it came, everything is undone.
 * The socket calls, the comparison with the kernel and the names of tables are defined here.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/privfd.h"
#include "ntkd-priv/check.h"
#include "ntkd-priv/names.h"
#include "ntkd-priv/serve.h"
#include "tests/fuzz/fakex.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/opgen.h"

enum { MESSAGES = 64 };

/* What must come of a message. */
enum outcome {
	NO_ANSWER,
	IS_WELCOMED,
	IS_APPLIED,		/* done, or refused */
	IS_CHECKED,		/* or refused */
	ENDS,
	UNKNOWN,		/* bytes that nobody made sense of */
};

static struct {
	struct rd r;
	struct conf conf;
	struct policy policy;
	struct ledger ledger;
	struct txn txn;
	struct opgen gen;
	size_t messages;
	/* of the last message */
	uint8_t buf[PRIV_MSG_MAX];
	size_t len;
	uint32_t seq;
	enum outcome expected;
	unsigned answers;
	/* of the conversation */
	bool greeted;
	bool open;
} f;

/* --- messages ------------------------------------------------------------------------- */

static void
frame_put(struct wr *w, uint8_t type, uint8_t flags, size_t count)
{
	const struct priv_frame frame = { PRIV_MAGIC, PRIV_VERSION, type, ++f.seq, flags,
		(uint16_t)count };

	wr_init(w, f.buf, sizeof(f.buf));
	msg_encode(&priv_frame_desc, &frame, w);
}

static enum outcome
make_hello(uint8_t odd)
{
	bool wrong = odd >= 0xf0;
	struct wr w;

	frame_put(&w, PRIV_HELLO, wrong ? odd & 3 : 0, wrong ? odd & 4 : 0);
	if (wrong && (odd & 7) == 0)
		wr_u8(&w, 0);
	f.len = w.len;
	if (f.open || wrong)
		return ENDS;
	f.greeted = true;
	return IS_WELCOMED;
}

static enum outcome
make_apply(uint8_t odd)
{
	uint8_t n = rd_u8(&f.r) & 15, flags = rd_u8(&f.r);
	bool good = f.greeted;
	struct priv_op op;
	struct wr w;

	flags = (flags & 0xc0) == 0xc0 ? flags & 3 : 0;
	frame_put(&w, PRIV_APPLY, flags, n + (odd >= 0xfc));
	for (unsigned i = 0; i < n; i++) {
		good = opgen_next(&f.gen, &f.r, &op) && good;
		priv_op_write(&op, &w);
	}
	if (odd >= 0xf8 && odd < 0xfc)
		wr_u8(&w, odd);
	must(wr_ok(&w));
	f.len = w.len;
	if (!good || odd >= 0xf8)
		return ENDS;
	f.open = (flags & PRIV_MORE) != 0;
	return f.open ? NO_ANSWER : IS_APPLIED;
}

static enum outcome
make_check(uint8_t odd)
{
	uint8_t which = rd_u8(&f.r);
	struct priv_check check = { f.gen.handles[PRIV_H_NS].v[which % f.gen.handles[PRIV_H_NS].n] };
	struct wr w;

	if (which >= 0xf0)
		check.ns = rd_u32(&f.r);
	frame_put(&w, PRIV_CHECK, odd >= 0xfc ? odd & 3 : 0, 1 + (odd == 0xf8));
	msg_encode(&priv_check_desc, &check, &w);
	f.len = odd == 0xf9 ? w.len - 1 : w.len;
	if (odd == 0xfa)
		f.buf[f.len++] = 0;
	return !f.greeted || f.open || (odd >= 0xf8 && odd <= 0xfa) || odd >= 0xfd ? ENDS : IS_CHECKED;
}

static enum outcome
make_raw(void)
{
	uint8_t n = rd_u8(&f.r);

	f.len = n < f.r.left ? n : f.r.left;
	rd_bytes(&f.r, f.buf, f.len);
	return f.len == 0 ? NO_ANSWER : UNKNOWN;
}

/* The next message; false when there is none. */
static bool
make(void)
{
	uint8_t what, odd;

	if (f.r.left == 0 || f.r.failed || f.messages++ == MESSAGES || f.expected == UNKNOWN)
		return false;
	what = rd_u8(&f.r);
	odd = rd_u8(&f.r);
	switch (f.greeted || what >= 0xe0 ? what & 7 : 0) {
	case 0:
		f.expected = make_hello(odd);
		break;
	case 6:
		f.expected = make_check(odd);
		break;
	case 7:
		f.expected = make_raw();
		break;
	default:
		f.expected = make_apply(odd);
	}
	return f.len > 0;
}

/* --- answers ---------------------------------------------------------------------------- */

static bool
read_all(const struct msg_desc *d, struct rd *r, void *out, size_t n, size_t size)
{
	struct msg_error err;

	for (size_t i = 0; i < n; i++)
		if (!msg_decode(d, r, (uint8_t *)out + i * size, &err))
			return false;
	return true;
}

static void
check_records(const struct priv_frame *frame, struct rd *r)
{
	static struct priv_result results[PRIV_TXN_RESULTS];
	static struct priv_interface interfaces[CONF_INTERFACES + 1];
	static struct priv_difference differences[PRIV_DIFFERENCES];
	struct priv_welcome welcome;
	struct priv_refusal refusal;
	struct priv_checked checked;

	switch (frame->type) {
	case PRIV_WELCOME:
		must(frame->count == f.conf.n_interfaces + 1);
		must(read_all(&priv_welcome_desc, r, &welcome, 1, sizeof(welcome)));
		must(read_all(&priv_interface_desc, r, interfaces, frame->count, sizeof(interfaces[0])));
		for (size_t i = 0; i < frame->count; i++)
			opgen_note(&f.gen, interfaces[i].dev);
		break;
	case PRIV_DONE:
		must(frame->count <= PRIV_TXN_RESULTS);
		must(read_all(&priv_result_desc, r, results, frame->count, sizeof(results[0])));
		for (size_t i = 0; i < frame->count; i++)
			opgen_note(&f.gen, results[i].handle);
		break;
	case PRIV_REFUSED:
		must(frame->count == 0);
		must(read_all(&priv_refusal_desc, r, &refusal, 1, sizeof(refusal)));
		must(refusal.operation[0] != '\0');
		break;
	default:
		must(frame->type == PRIV_CHECKED && frame->count == 2);
		must(read_all(&priv_checked_desc, r, &checked, 1, sizeof(checked)));
		must(read_all(&priv_difference_desc, r, differences, 1, sizeof(differences[0])));
	}
	must(rd_done(r));
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	struct priv_frame frame;
	struct msg_error err;
	struct rd r;

	must(fd == PRIV_FD_SOCKET && flags == MSG_NOSIGNAL && len <= PRIV_MSG_MAX);
	rd_init(&r, data, len);
	must(msg_decode(&priv_frame_desc, &r, &frame, &err));
	must(frame.flags == 0 && (f.expected == UNKNOWN || frame.seq == f.seq));
	f.answers++;
	check_records(&frame, &r);
	must(f.expected == UNKNOWN ||
	    (f.expected == IS_WELCOMED && frame.type == PRIV_WELCOME) ||
	    (f.expected == IS_APPLIED && frame.type == PRIV_DONE) ||
	    (f.expected == IS_CHECKED && frame.type == PRIV_CHECKED) ||
	    (f.expected != IS_WELCOMED && frame.type == PRIV_REFUSED));
	return (ssize_t)len;
}

/* Called when the last message has been worked off, and the helper still serves. */
ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	uint8_t how;

	must(fd == PRIV_FD_SOCKET && flags == 0 && msg->msg_control == NULL);
	must(f.expected != ENDS);
	must(f.expected == UNKNOWN || f.answers == (f.expected != NO_ANSWER));
	f.expected = f.expected == UNKNOWN ? UNKNOWN : NO_ANSWER;
	f.answers = 0;
	msg->msg_flags = 0;
	how = rd_u8(&f.r);
	if (how >= 0xf0)
		f.expected = ENDS;
	if (how >= 0xfc) {
		errno = ECONNRESET;
		return -1;
	}
	if (how >= 0xf8)
		return PRIV_MSG_MAX + 1;
	if (how >= 0xf0) {
		msg->msg_flags = how & 1 ? MSG_CTRUNC : MSG_TRUNC;
		return 1;
	}
	if (!make())
		return 0;
	must(msg->msg_iovlen == 1 && msg->msg_iov[0].iov_len > f.len);
	memcpy(msg->msg_iov[0].iov_base, f.buf, f.len);
	return (ssize_t)f.len;
}

/* --- what else the loop calls --------------------------------------------------------------- */

void
names_write(const struct ledger *l)
{
	must(l == &f.ledger);
}

void
check_namespace(const struct conf *c, struct ledger *l, unsigned ns, struct findings *out)
{
	must(c == &f.conf && l == &f.ledger && ns < LEDGER_NAMESPACES && l->ns[ns].slot.used);
	must(!f.txn.open);
	out->totals = (struct priv_checked){ .compared = 1, .repaired = 1 };
	out->v[0] = (struct priv_difference){ .fate = PRIV_FATE_REPAIRED, .kind = "rule" };
	out->n = 1;
}

static void
be_quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static void
start(void)
{
	struct nlq rt = f.txn.rt;

	log_set_hook(be_quiet, NULL);
	opgen_settings(&f.r, &f.conf, &f.policy.host);
	f.policy.conf = &f.conf;
	ledger_init(&f.ledger, &f.conf);
	for (unsigned i = 1; i <= f.conf.n_interfaces; i++)
		f.ledger.dev[i].slot.used = true;
	free(f.txn.steps);
	txn_init(&f.txn, &f.policy, &f.ledger);
	f.txn.rt = rt;
	f.txn.rt.n = 0;
	fakex_begin(&f.ledger, &f.txn.undoing);
	fakex_fail(FAKEX_REFUSED, rd_u8(&f.r));
	opgen_init(&f.gen, &f.conf, &f.policy.host, &f.ledger);
	f.messages = f.answers = 0;
	f.expected = NO_ANSWER;
	f.greeted = f.open = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t left;
	bool ended;

	if (size > 8192)
		return 0;
	rd_init(&f.r, data, size);
	start();
	ended = serve(&f.conf, &f.ledger, &f.txn);
	must(f.expected == UNKNOWN || ended == (f.expected != ENDS));
	fakex_fail(FAKEX_NONE, 0);
	txn_undo_all(&f.txn);
	fakex_objects(&left);
	must(f.ledger.objects == 0 && left == 0);
	return 0;
}
