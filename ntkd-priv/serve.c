/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privfd.h"
#include "common/tbf.h"
#include "ntkd-priv/check.h"
#include "ntkd-priv/names.h"
#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_netns.h"

/* One message in, one out; static: the stack of a privileged process stays small. */
static uint8_t in[PRIV_MSG_MAX + 1], out[PRIV_MSG_MAX];

struct server {
	const struct conf *conf;
	struct ledger *ledger;
	struct txn *txn;
	struct tbf looks;	/* at the kernel: checks, hellos */
	bool greeted;		/* hello was answered: the only phase but the first */
};

static bool
malformed(const struct msg_error *err)
{
	log_warnx("border", "malformed %s: %s %s (%llu); undoing everything", err->message,
	    err->field, err->why, (unsigned long long)err->value);
	return false;
}

static bool
not_expected(const char *what, uint64_t value)
{
	const struct msg_error err = { "message", "frame", what, value };

	return malformed(&err);
}

/* --- answers --------------------------------------------------------------------- */

static void
answer_begin(struct wr *w, enum priv_type type, uint32_t seq, size_t count)
{
	const struct priv_frame f = { PRIV_MAGIC, PRIV_VERSION, (uint8_t)type, seq, 0,
		(uint16_t)count };

	wr_init(w, out, sizeof(out));
	msg_encode(&priv_frame_desc, &f, w);
}

/* False when nobody is there any more to hear it. */
static bool
answer_send(const struct wr *w)
{
	return wr_ok(w) && send(PRIV_FD_SOCKET, out, w->len, MSG_NOSIGNAL) == (ssize_t)w->len;
}

static void
refusal_log(const struct priv_refusal *r)
{
	log_remote(mono_now(), "border", "refused %s (operation %u): %s %s %s %s %s", r->operation,
	    r->op, r->field, r->value, priv_reason_text((enum priv_reason)r->reason),
	    r->error != 0 ? strerror(r->error) : "", r->text);
}

static bool
answer_refused(const struct priv_refusal *refusal, uint32_t seq)
{
	struct wr w;

	refusal_log(refusal);
	answer_begin(&w, PRIV_REFUSED, seq, 0);
	msg_encode(&priv_refusal_desc, refusal, &w);
	return answer_send(&w);
}

static bool
answer_findings(const struct findings *f, uint32_t seq)
{
	struct wr w;

	answer_begin(&w, PRIV_CHECKED, seq, 1U + f->n);
	msg_encode(&priv_checked_desc, &f->totals, &w);
	for (unsigned i = 0; i < f->n; i++)
		msg_encode(&priv_difference_desc, &f->v[i], &w);
	return answer_send(&w);
}

static bool
answer_txn(const struct txn *t, uint32_t seq)
{
	struct wr w;

	if (t->failed)
		return answer_refused(&t->refusal, seq);
	answer_begin(&w, PRIV_DONE, seq, t->n_results);
	for (uint32_t i = 0; i < t->n_results; i++)
		msg_encode(&priv_result_desc, &t->results[i], &w);
	return answer_send(&w);
}

/* --- requests --------------------------------------------------------------------- */

static void
interface_tell(struct server *s, unsigned i, struct wr *w)
{
	struct dev *d = &s->ledger->dev[i];
	struct priv_interface record;

	memset(&record, 0, sizeof(record));
	memcpy(record.name, d->name, sizeof(record.name));
	if (d->slot.used) {
		record.dev = ledger_handle(s->ledger, PRIV_H_DEV, i);
		record.ifindex = (uint32_t)d->ifindex;
		memcpy(record.mac, d->mac.b, sizeof(record.mac));
	}
	msg_encode(&priv_interface_desc, &record, w);
}

static bool
hello(struct server *s, const struct priv_frame *f)
{
	const struct priv_welcome welcome = { ledger_handle(s->ledger, PRIV_H_NS, NS_DEFAULT) };
	const struct priv_refusal too_often = { .reason = PRIV_R_RATE, .operation = "hello" };
	struct wr w;

	if (s->txn->open)
		return not_expected("hello inside a transaction", f->seq);
	if (f->count != 0 || f->flags != 0)
		return not_expected("hello with something in it", f->count);
	if (!tbf_pass(&s->looks, mono_now()))
		return answer_refused(&too_often, f->seq);
	s->greeted = true;
	x_link_find(s->ledger, s->conf);
	answer_begin(&w, PRIV_WELCOME, f->seq, 1 + s->conf->n_interfaces);
	msg_encode(&priv_welcome_desc, &welcome, &w);
	for (unsigned i = 0; i <= s->conf->n_interfaces; i++)
		interface_tell(s, i, &w);
	return answer_send(&w);
}

static bool
apply(struct server *s, const struct priv_frame *f, struct rd *r)
{
	struct txn *t = s->txn;
	struct msg_error err;
	struct priv_op op;
	bool told;

	if (!s->greeted)
		return not_expected("a transaction before hello", f->seq);
	if (!t->open)
		txn_begin(t);
	for (unsigned i = 0; i < f->count; i++) {
		if (!priv_op_read(r, &op, &err))
			return malformed(&err);
		txn_op(t, &op);
	}
	if (!rd_done(r))
		return not_expected("bytes after the last operation", r->left);
	if ((f->flags & PRIV_MORE) != 0)
		return true;
	txn_end(t, (f->flags & PRIV_REHEARSE) != 0);
	if (t->peers_changed)
		names_write(s->ledger);
	told = answer_txn(t, f->seq);
	x_netns_close(s->ledger);
	return told;
}

static bool
check_refuse(enum priv_reason reason, const struct priv_check *q, uint32_t seq)
{
	struct priv_refusal r = { .reason = (uint16_t)reason, .operation = "check", .field = "ns" };

	snprintf(r.value, sizeof(r.value), "0x%x", q->ns);
	return answer_refused(&r, seq);
}

static bool
check(struct server *s, const struct priv_frame *f, struct rd *r)
{
	static struct findings findings;
	struct msg_error err;
	struct priv_check q;
	enum priv_reason why;
	int ns;

	if (!s->greeted || s->txn->open)
		return not_expected("a check before hello, or inside a transaction", f->seq);
	if (f->count != 1 || f->flags != 0)
		return not_expected("a check with flags, or not of one namespace", f->count);
	if (!msg_decode(&priv_check_desc, r, &q, &err))
		return malformed(&err);
	if (!rd_done(r))
		return not_expected("bytes after the check", r->left);
	ns = ledger_find_handle(s->ledger, PRIV_H_NS, q.ns, &why);
	if (ns < 0)
		return check_refuse(why, &q, f->seq);
	if (!tbf_pass(&s->looks, mono_now()))
		return check_refuse(PRIV_R_RATE, &q, f->seq);
	check_namespace(s->conf, s->ledger, (unsigned)ns, &findings);
	return answer_findings(&findings, f->seq);
}

static bool
request(struct server *s, size_t len)
{
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	rd_init(&r, in, len);
	if (!msg_decode(&priv_frame_desc, &r, &f, &err))
		return malformed(&err);
	if (f.type == PRIV_HELLO)
		return rd_done(&r) ? hello(s, &f) : not_expected("bytes after hello", r.left);
	if (f.type == PRIV_APPLY)
		return apply(s, &f, &r);
	if (f.type == PRIV_CHECK)
		return check(s, &f, &r);
	return not_expected("an unknown type", f.type);
}

/*
 * No room for control data: a descriptor that somebody attaches is never installed,
 * and shows as MSG_CTRUNC.
 */
static ssize_t
message_receive(int *flags)
{
	struct iovec iov = { .iov_base = in, .iov_len = sizeof(in) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do
		n = recvmsg(PRIV_FD_SOCKET, &msg, 0);
	while (n < 0 && errno == EINTR);
	*flags = msg.msg_flags;
	return n;
}

bool
serve(const struct conf *c, struct ledger *l, struct txn *t)
{
	struct server s = { .conf = c, .ledger = l, .txn = t };
	int flags = 0;
	ssize_t n;

	tbf_init(&s.looks, SERVE_LOOK_BURST, SERVE_LOOK_RATE, mono_now());
	while ((n = message_receive(&flags)) > 0) {
		if ((flags & MSG_CTRUNC) != 0)
			return not_expected("a descriptor attached", 0);
		if ((size_t)n > PRIV_MSG_MAX || (flags & MSG_TRUNC) != 0)
			return not_expected("too many bytes", (uint64_t)n);
		if (!request(&s, (size_t)n))
			return false;
	}
	if (n < 0)
		log_warn("border", "the socket to ntkd failed");
	return n == 0;
}
