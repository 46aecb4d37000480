/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From two identities to kernel state and back: facts are invented from the bytes (the random
 * source is defined here and reads them), then varied; wanted state, differences, order and
 * transactions bring a fake kernel there, which checks the rules of kernel-state 8 after
 * every operation.  The same requests go to the helper's own policy, ledger and transactions
 * on a kernel that is a list: it refuses none of them, and holds the same in the end.
 */

#include <string.h>

#include "common/log.h"
#include "ntkd-priv/txn.h"
#include "tests/fuzz/fakex.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/kerntest.h"

enum { MOVES = 12, SPACES = 3 };

static struct {
	struct rd r;
	struct conf conf;
	struct rig rig;			/* ntkd and the fake kernel */
	struct kernel *kernel;		/* ntkd and the helper's parts */
	struct policy policy;
	struct ledger ledger;
	struct txn txn;
	bool refused;			/* by the helper's parts, for want of table numbers */
	struct facts facts[SPACES];
	bool has[SPACES];
} f;

/* --- the random source ------------------------------------------------------------ */

void
rng_init(struct rng *r, uint64_t seed)
{
	r->s[0] = seed;
}

/* Bytes while there are any, then something that goes on changing. */
uint64_t
rng_u64(struct rng *r)
{
	if (f.r.left > 0)
		return rd_u8(&f.r);
	r->s[0] = r->s[0] * 0x5851f42d4c957f2dU + 1;
	return r->s[0] >> 33;
}

uint32_t
rng_below(struct rng *r, uint32_t n)
{
	uint64_t v = rng_u64(r);

	if (n > 256 && f.r.left > 0)
		v = v << 8 | rng_u64(r);
	return (uint32_t)(v % n);
}

/* --- the helper's parts -------------------------------------------------------------- */

static void
be_quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static void
frame_write(struct wr *w, uint8_t *buf, uint8_t type, uint32_t seq, size_t count)
{
	const struct priv_frame frame = { PRIV_MAGIC, PRIV_VERSION, type, seq, 0, (uint16_t)count };

	wr_init(w, buf, PRIV_MSG_MAX);
	msg_encode(&priv_frame_desc, &frame, w);
}

static size_t
helper_welcome(uint32_t seq, uint8_t *out)
{
	const struct priv_welcome welcome = { ledger_handle(&f.ledger, PRIV_H_NS, NS_DEFAULT) };
	struct wr w;

	frame_write(&w, out, PRIV_WELCOME, seq, f.conf.n_interfaces + 1);
	msg_encode(&priv_welcome_desc, &welcome, &w);
	for (unsigned i = 0; i <= f.conf.n_interfaces; i++) {
		struct priv_interface in = { .dev = ledger_handle(&f.ledger, PRIV_H_DEV, i),
			.ifindex = i + 1, .mac = { 2, 0, 0, 0, 0, (uint8_t)i }, .name = "eth" };

		msg_encode(&priv_interface_desc, &in, &w);
	}
	return w.len;
}

static size_t
helper_end(uint32_t seq, uint8_t *out)
{
	const struct txn *t = &f.txn;
	struct wr w;

	txn_end(&f.txn, false);
	if (t->failed) {
		if (t->refusal.reason != PRIV_R_EXHAUSTED)
			fprintf(stderr, "refused %s %s %s: %s\n", t->refusal.operation, t->refusal.field,
			    t->refusal.value, priv_reason_name((enum priv_reason)t->refusal.reason));
		must(t->refusal.reason == PRIV_R_EXHAUSTED);
		f.refused = true;
		frame_write(&w, out, PRIV_REFUSED, seq, 0);
		msg_encode(&priv_refusal_desc, &t->refusal, &w);
		return w.len;
	}
	frame_write(&w, out, PRIV_DONE, seq, t->n_results);
	for (uint32_t i = 0; i < t->n_results; i++)
		msg_encode(&priv_result_desc, &t->results[i], &w);
	must(wr_ok(&w));
	return w.len;
}

/* The answer to the LEN bytes at IN; 0 when more parts must come first. */
static size_t
helper_message(const uint8_t *in, size_t len, uint8_t *out)
{
	struct priv_frame frame;
	struct msg_error err;
	struct priv_op op;
	struct rd r;

	rd_init(&r, in, len);
	must(msg_decode(&priv_frame_desc, &r, &frame, &err));
	if (frame.type == PRIV_HELLO)
		return helper_welcome(frame.seq, out);
	if (!f.txn.open)
		txn_begin(&f.txn);
	for (unsigned i = 0; i < frame.count; i++) {
		must(priv_op_read(&r, &op, &err));
		txn_op(&f.txn, &op);
	}
	must(rd_done(&r));
	return (frame.flags & PRIV_MORE) != 0 ? 0 : helper_end(frame.seq, out);
}

static void
helper_run(void)
{
	static uint8_t request[PRIV_MSG_MAX], answer[PRIV_MSG_MAX];
	struct msg_error err;
	size_t len, n;

	while ((len = kernel_next(f.kernel, request)) != 0) {
		n = helper_message(request, len, answer);
		must(n == 0 || kernel_answer(f.kernel, answer, n, &err));
	}
}

static void
helper_done(unsigned ns, const struct kernel_result *result, void *arg)
{
	(void)ns;
	(void)arg;
	f.refused = f.refused || !result->ok;
}

/* --- moves --------------------------------------------------------------------------------- */

static void
check_rig(unsigned ns, const struct kset *want)
{
	if (fakekern_fault(f.rig.fake) != NULL)
		fprintf(stderr, "%s\n", fakekern_fault(f.rig.fake));
	must(fakekern_fault(f.rig.fake) == NULL);
	must(!f.rig.failed);
	must(rig_has(&f.rig, ns, want));
}

/* All that the ledger holds but neighbours is what ntkd thinks is applied. */
static void
check_helper(void)
{
	size_t n = 0, things, peers = kernel_peers(f.kernel, NULL, 0);

	for (unsigned ns = 0; ns < KERNEL_NAMESPACES; ns++)
		n += kernel_applied(f.kernel, ns)->n;
	must(f.ledger.objects == n + peers);
	fakex_objects(&things);
	must(things == n);
}

static void
bring(unsigned ns, const struct kset *want)
{
	struct kset copy;
	size_t k = rd_u8(&f.r);
	bool refuse = k >= 0xe0 && f.r.left > 0;

	if (refuse) {
		struct kset before;

		must(kset_copy(&before, kernel_applied(f.rig.kernel, ns)));
		fakekern_refuse(f.rig.fake, k & 0x1f, PRIV_R_EXHAUSTED);
		if (!rig_bring(&f.rig, ns, want))
			check_rig(ns, &before);
		fakekern_refuse(f.rig.fake, SIZE_MAX, PRIV_R_EXHAUSTED);
		kset_free(&before);
	}
	must(rig_bring(&f.rig, ns, want));
	check_rig(ns, want);
	if (f.refused)
		return;
	must(kset_copy(&copy, want));
	kernel_want(f.kernel, ns, &copy, ns);
	helper_run();
	check_helper();
	must(f.refused || kset_equal(kernel_applied(f.kernel, ns), kernel_applied(f.rig.kernel, ns)));
}

static void
forget(unsigned ns)
{
	if (f.has[ns])
		facts_free(&f.facts[ns]);
	f.has[ns] = false;
}

static void
move(struct rng *rng)
{
	struct wanted_settings settings = kerntest_settings(&f.conf);
	uint8_t how = rd_u8(&f.r);
	unsigned ns = how % SPACES;
	struct facts_error err;
	struct facts next;
	struct kset want;

	kset_init(&want);
	if (ns != 0 && (how & 0xf0) == 0xf0) {
		forget(ns);
		bring(ns, &want);
		return;
	}
	if (f.has[ns] && (how & 0x80) == 0)
		kerntest_vary(rng, &f.conf, &f.facts[ns], &next);
	else
		kerntest_invent(rng, &f.conf, ns == 0, &next);
	must(facts_check(&next, &f.conf.map.topo, f.conf.n_interfaces, &err));
	forget(ns);
	f.facts[ns] = next;
	f.has[ns] = true;
	must(wanted_state(&settings, &next, &want));
	bring(ns, &want);
	kset_free(&want);
}

static void
start(void)
{
	static const char *const topologies[] = { "4.2.2.2", "2", "2.2", "4.4.4" };
	struct nlq rt = f.txn.rt;
	uint8_t flags = rd_u8(&f.r);

	log_set_hook(be_quiet, NULL);
	kerntest_conf(&f.conf, topologies[flags & 3], 1 + (flags >> 2 & 1));
	f.conf.anonymize_others = (flags & 8) == 0;
	f.conf.accept_anonymous = (flags & 16) == 0;
	f.conf.subnet_level = (uint8_t)((flags >> 5) % f.conf.map.topo.levels);
	f.conf.mark_mask = 0x3fff;
	f.policy.conf = &f.conf;
	ledger_init(&f.ledger, &f.conf);
	for (unsigned i = 1; i <= f.conf.n_interfaces; i++)
		f.ledger.dev[i].slot.used = true;
	free(f.txn.steps);
	txn_init(&f.txn, &f.policy, &f.ledger);
	f.txn.rt = rt;
	fakex_begin(&f.ledger, &f.txn.undoing);
	f.refused = false;
	must(rig_init(&f.rig, &f.conf));
	f.kernel = kernel_new(f.conf.n_interfaces, helper_done, NULL);
	must(f.kernel != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wanted_settings settings;
	struct facts none;
	struct kset main;
	struct rng rng;

	if (size > 4096)
		return 0;
	rd_init(&f.r, data, size);
	rng_init(&rng, size);
	start();
	/* What is there before anything is known: interfaces with their link-locals. */
	settings = kerntest_settings(&f.conf);
	facts_init(&none);
	none.main = true;
	for (size_t i = 0; i < f.conf.n_interfaces; i++) {
		none.has_dev[i] = true;
		none.linklocal[i] = 0xa9fe0a01 + (ntk_ip_t)i;
	}
	kset_init(&main);
	must(wanted_state(&settings, &none, &main));
	bring(0, &main);
	kset_free(&main);
	for (int i = 0; i < MOVES && f.r.left > 0; i++)
		move(&rng);
	for (unsigned ns = 0; ns < SPACES; ns++)
		forget(ns);
	txn_undo_all(&f.txn);
	must(f.ledger.objects == 0);
	kernel_free(f.kernel);
	rig_free(&f.rig);
	return 0;
}
