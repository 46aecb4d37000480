/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The helper's answers as ntkd reads them: real requests, whose true answers a fake helper
 * makes; the bytes say where they are falsified.  A true answer is taken; a false one is refused
 * with a reason unless it could be true, that is, differs only in names and numbers that
 * are the helper's to choose.  After a refusal nothing is sent any more, as in the daemon.
 */

#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/kerntest.h"

enum { STEPS = 64, STATES = 8 };

/* How an answer is falsified. */
enum lie {
	LIE_NONE,
	LIE_BYTE,
	LIE_CUT,
	LIE_LONGER,
	LIE_FRAME,
	LIE_REFUSAL,
	LIE_WHOLE,
	LIE_TWICE,
	LIE_CHECKED,
	LIES,
};

static struct {
	struct conf conf;
	struct rig rig;
	uint8_t request[PRIV_MSG_MAX];
	uint8_t answer[PRIV_MSG_MAX];
	uint8_t lie[PRIV_MSG_MAX + 32];
	size_t ops;		/* of the transaction under way, over its parts */
	bool open;		/* more parts are to come */
	bool checking;		/* it is no transaction but a check */
	bool lied;		/* something false was believed, which the truth may contradict */
} f;

/* --- what a false answer looks like -------------------------------------------------- */

static size_t
lie_refusal(struct rd *r, uint8_t *buf)
{
	struct priv_frame frame;
	uint8_t op = rd_u8(r), reason = rd_u8(r), error = rd_u8(r);
	struct priv_refusal refusal = { .op = op, .reason = (uint16_t)(1 + reason % PRIV_R_LAST),
		.error = error, .operation = "route_set", .text = "no" };
	struct msg_error err;
	struct rd head;
	struct wr w;

	rd_init(&head, buf, PRIV_MSG_MAX);
	must(msg_decode(&priv_frame_desc, &head, &frame, &err));
	frame.type = PRIV_REFUSED;
	frame.count = 0;
	wr_init(&w, buf, PRIV_MSG_MAX);
	msg_encode(&priv_frame_desc, &frame, &w);
	msg_encode(&priv_refusal_desc, &refusal, &w);
	must(wr_ok(&w));
	return w.len;
}

/* Differences and totals, which agree or not. */
static size_t
lie_checked(struct rd *r, uint8_t *buf)
{
	struct priv_frame frame;
	struct priv_checked total = { .compared = 9 };
	struct priv_difference d = { .kind = "route", .object = "10.0.0.0/29 table 251" };
	uint32_t *const totals[] = { &total.repaired, &total.failed, &total.removed, &total.foreign };
	uint8_t n = rd_u8(r) % (PRIV_DIFFERENCES + 2), odd = rd_u8(r), fates = rd_u8(r);
	struct msg_error err;
	struct rd head;
	struct wr w;

	rd_init(&head, buf, PRIV_MSG_MAX);
	must(msg_decode(&priv_frame_desc, &head, &frame, &err));
	frame.type = PRIV_CHECKED;
	frame.count = (uint16_t)(n + 1 + (odd == 0xff));
	for (unsigned i = 0; i < n; i++)
		++*totals[(fates >> 2 * (i & 3)) & 3];
	if ((odd & 0x70) == 0x70)
		*totals[odd & 3] += (odd & 4) != 0 ? 200 : UINT32_MAX;
	wr_init(&w, buf, PRIV_MSG_MAX);
	msg_encode(&priv_frame_desc, &frame, &w);
	msg_encode(&priv_checked_desc, &total, &w);
	for (unsigned i = 0; i < n; i++) {
		d.fate = (uint8_t)(1 + ((fates >> 2 * (i & 3)) & 3));
		d.error = d.fate == PRIV_FATE_FAILED || (odd & 0x18) == 0x18 ? EEXIST : 0;
		msg_encode(&priv_difference_desc, &d, &w);
	}
	must(wr_ok(&w));
	return w.len;
}

/* Falsifies the LEN bytes at BUF; their new number. */
static size_t
falsify(struct rd *r, enum lie how, uint8_t *buf, size_t len)
{
	size_t n;

	switch (how) {
	case LIE_BYTE:
		n = rd_u16(r) % len;
		buf[n] = rd_u8(r);
		return len;
	case LIE_CUT:
		return rd_u16(r) % len;
	case LIE_LONGER:
		n = rd_u8(r) % 32;
		rd_bytes(r, buf + len, n);
		return len + n;
	case LIE_FRAME:
		n = rd_u8(r) % 11;
		buf[n] ^= (uint8_t)(1 << rd_u8(r) % 8);
		return len;
	case LIE_REFUSAL:
		return lie_refusal(r, buf);
	case LIE_CHECKED:
		return lie_checked(r, buf);
	case LIE_WHOLE:
		n = rd_u8(r);
		n = n < r->left ? n : r->left;
		rd_bytes(r, buf, n);
		return n;
	default:
		return len;
	}
}

/* --- what could be true ------------------------------------------------------------------ */

static bool
frame_read(const uint8_t *buf, size_t len, struct priv_frame *frame, struct rd *r)
{
	struct msg_error err;

	rd_init(r, buf, len);
	return msg_decode(&priv_frame_desc, r, frame, &err);
}

/* The results differ at most in handles of the same kind, numbers and hardware addresses. */
static bool
results_could_be(struct rd *a, struct rd *b, size_t n)
{
	static uint32_t tables[PRIV_TXN_RESULTS];
	struct priv_result x, y;
	struct msg_error err;
	size_t n_tables = 0;

	for (size_t i = 0; i < n; i++) {
		if (!msg_decode(&priv_result_desc, a, &x, &err) ||
		    !msg_decode(&priv_result_desc, b, &y, &err) ||
		    PRIV_HANDLE_KIND(x.handle) != PRIV_HANDLE_KIND(y.handle))
			return false;
		if (PRIV_HANDLE_KIND(x.handle) != PRIV_H_PEER)
			continue;
		for (size_t k = 0; k < n_tables; k++)
			if (tables[k] == y.number)
				return false;
		if (y.number == 0)
			return false;
		tables[n_tables++] = y.number;
	}
	return rd_done(a) && rd_done(b);
}

static bool
welcome_could_be(struct rd *r, size_t n)
{
	struct priv_welcome welcome;
	struct priv_interface in;
	struct msg_error err;

	if (!msg_decode(&priv_welcome_desc, r, &welcome, &err) ||
	    PRIV_HANDLE_KIND(welcome.ns) != PRIV_H_NS)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!msg_decode(&priv_interface_desc, r, &in, &err) ||
		    ((i == 0 || in.dev != 0) && PRIV_HANDLE_KIND(in.dev) != PRIV_H_DEV))
			return false;
	return rd_done(r);
}

/* Differences are told one by one up to a number, and the totals count them all. */
static bool
checked_could_be(struct rd *r, size_t n)
{
	size_t told[PRIV_FATE_LAST + 1] = { 0 };
	struct priv_checked total;
	struct priv_difference d;
	struct msg_error err;
	uint64_t all;

	if (n > PRIV_DIFFERENCES || !msg_decode(&priv_checked_desc, r, &total, &err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!msg_decode(&priv_difference_desc, r, &d, &err) ||
		    (d.error != 0 && (d.error < 0 || d.fate != PRIV_FATE_FAILED)))
			return false;
		told[d.fate]++;
	}
	all = (uint64_t)total.repaired + total.failed + total.removed + total.foreign;
	return rd_done(r) && n == (all < PRIV_DIFFERENCES ? all : PRIV_DIFFERENCES) &&
	    told[PRIV_FATE_REPAIRED] <= total.repaired && told[PRIV_FATE_FAILED] <= total.failed &&
	    told[PRIV_FATE_REMOVED] <= total.removed && told[PRIV_FATE_FOREIGN] <= total.foreign;
}

/* The N bytes at LIE could answer the request that the LEN bytes at f.answer answer truly. */
static bool
could_be_true(const uint8_t *lie, size_t n, size_t len)
{
	struct priv_refusal refusal;
	struct priv_frame a, b;
	struct msg_error err;
	struct rd ra, rb;

	must(frame_read(f.answer, len, &a, &ra));
	if (!frame_read(lie, n, &b, &rb) || b.seq != a.seq || b.flags != 0)
		return false;
	if (a.type == PRIV_WELCOME)
		return b.type == PRIV_WELCOME && b.count == a.count && welcome_could_be(&rb, a.count);
	if (b.type == PRIV_REFUSED)
		return msg_decode(&priv_refusal_desc, &rb, &refusal, &err) && rd_done(&rb) &&
		    refusal.op < f.ops;
	if (f.checking)
		return b.type == PRIV_CHECKED && b.count > 0 && checked_could_be(&rb, b.count - 1U);
	/* Told as done what the fake refused: it cannot be compared with what was true. */
	if (a.type == PRIV_REFUSED)
		return true;
	return b.type == PRIV_DONE && b.count == a.count && results_could_be(&ra, &rb, a.count);
}

/* --- the conversation ---------------------------------------------------------------------- */

static void
count_ops(const uint8_t *request, size_t len)
{
	struct priv_frame frame;
	struct rd r;

	must(frame_read(request, len, &frame, &r));
	f.ops = f.open ? f.ops + frame.count : frame.count;
	f.checking = frame.type == PRIV_CHECK;
	f.open = (frame.flags & PRIV_MORE) != 0;
}

/* A block of exactly N bytes, so that a sanitizer sees every read past its end. */
static bool
answer_give(const uint8_t *answer, size_t n, struct msg_error *err)
{
	uint8_t *copy = malloc(n + 1);
	bool taken;

	must(copy != NULL);
	memcpy(copy + 1, answer, n);
	taken = kernel_answer(f.rig.kernel, copy + 1, n, err);
	free(copy);
	return taken;
}

/* Gives the answer of LEN bytes, falsified or not; false when the helper is trusted no more. */
static bool
tell(struct rd *r, size_t len)
{
	enum lie how = (enum lie)(rd_u8(r) % (2 * LIES));
	struct msg_error err = { NULL, NULL, NULL, 0 };
	size_t n;
	bool taken, truth;

	memcpy(f.lie, f.answer, len);
	n = how < LIES ? falsify(r, how, f.lie, len) : len;
	truth = n == len && memcmp(f.lie, f.answer, len) == 0;
	taken = answer_give(f.lie, n, &err);
	must(taken || (err.message != NULL && err.field != NULL && err.why[0] != '\0'));
	must(taken || !truth || f.lied);
	f.lied = f.lied || !truth;
	must(!taken || truth || could_be_true(f.lie, n, len));
	if (taken && how == LIE_TWICE) {
		must(!answer_give(f.lie, n, &err));
		return false;
	}
	return taken;
}

static bool
step(struct rd *r)
{
	size_t len = kernel_next(f.rig.kernel, f.request);
	uint8_t refuse;
	int n;

	if (len == 0)
		return false;
	count_ops(f.request, len);
	refuse = rd_u8(r);
	if (refuse >= 0xf0 && f.checking)
		fakekern_refuse_check(f.rig.fake, PRIV_R_RATE);
	else if (refuse >= 0xe0)
		fakekern_refuse(f.rig.fake, refuse & 0x1f, PRIV_R_KERNEL);
	n = fakekern_message(f.rig.fake, f.request, len, f.answer);
	/* Having been told lies, ntkd may ask for nonsense. */
	return n >= 0 && (n == 0 || tell(r, (size_t)n));
}

static void
want(struct rd *r, bool rehearse)
{
	struct wanted_settings settings = kerntest_settings(&f.conf);
	uint8_t ns = rd_u8(r) % 4;
	struct kset want;
	struct facts facts;
	struct rng rng;

	rng_init(&rng, rd_u8(r));
	kerntest_invent(&rng, &f.conf, ns == 0, &facts);
	kset_init(&want);
	must(wanted_state(&settings, &facts, &want));
	facts_free(&facts);
	if (rehearse)
		kernel_rehearse(f.rig.kernel, ns, &want);
	else
		kernel_want(f.rig.kernel, ns, &want, ns);
}

/* A check, of something that somebody touched. */
static void
check(struct rd *r)
{
	uint8_t ns = rd_u8(r) % 4, which = rd_u8(r), how = rd_u8(r);
	const struct kset *s = kernel_applied(f.rig.kernel, ns);

	if (s->n > 0)
		fakekern_harm(f.rig.fake, kernel_ns_number(f.rig.kernel, ns), &s->v[which % s->n],
		    (enum fakekern_harm)(how % (FAKEKERN_TAKEN + 1)));
	fakekern_litter(f.rig.fake, kernel_ns_number(f.rig.kernel, ns), how >> 3);
	kernel_check(f.rig.kernel, ns);
}

/* Whatever was believed, what is asked for shows holds together. */
static void
look(void)
{
	struct kernel_peer peers[64];
	size_t n = kernel_peers(f.rig.kernel, peers, 64);

	for (size_t i = 0; i < n && i < 64; i++) {
		must(peers[i].table != 0 && kernel_table(f.rig.kernel, peers[i].mac) == peers[i].table);
		for (size_t k = 0; k < i; k++)
			must(peers[k].table != peers[i].table);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r;
	bool going = true;
	uint8_t what;

	if (size > 4096)
		return 0;
	rd_init(&r, data, size);
	kerntest_conf(&f.conf, rd_u8(&r) % 2 == 0 ? "4.2.2.2" : "2.2", 2);
	must(rig_init(&f.rig, &f.conf));
	f.open = f.lied = false;
	for (int i = 0; i < STATES && going && r.left > 0 && !r.failed; i++) {
		what = rd_u8(&r) & 7;
		if (what >= 5)
			check(&r);
		else
			want(&r, what == 4);
		for (int k = 0; k < STEPS && (going = step(&r)); k++)
			look();
		going = !kernel_is_busy(f.rig.kernel);
	}
	rig_free(&f.rig);
	return 0;
}
