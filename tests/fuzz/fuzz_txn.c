/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Transactions of the helper on a kernel that is a list (fakex.h) and fails where the bytes say.
 * After each transaction ledger and kernel hold the same, counters and slots are those of
 * the objects; a transaction that failed, or was rehearsed, has left no trace; at the end
 * everything is undone.
 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ntkd-priv/txn.h"
#include "tests/fuzz/fakex.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/opgen.h"

enum { TRANSACTIONS = 64 };

struct list {
	struct obj *v;
	size_t n;
};

static struct {
	struct conf conf;
	struct policy policy;
	struct ledger ledger;
	struct txn txn;
	struct opgen gen;
	struct list before;
	bool lossy;	/* answers were lost: whether addresses are there, nobody knows */
} f;

static void
be_quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

/* --- comparisons ------------------------------------------------------------------ */

static int
obj_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct obj));
}

/* What the ledger holds; WITH_PEERS: of that, what the kernel knows nothing of, too. */
static struct list
ledger_list(bool with_peers)
{
	struct list l = { NULL, 0 };
	const struct node *n;

	l.v = calloc(f.ledger.objects + 1, sizeof(*l.v));
	must(l.v != NULL);
	TAILQ_FOREACH(n, &f.ledger.order, order) {
		must(l.n < f.ledger.objects);
		if (with_peers || n->obj.kind != OBJ_PEER)
			l.v[l.n++] = n->obj;
	}
	qsort(l.v, l.n, sizeof(*l.v), obj_cmp);
	return l;
}

/* Addresses count for nothing once an answer about one was lost. */
static void
without_addresses(struct list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].kind != OBJ_ADDR)
			l->v[n++] = l->v[i];
	l->n = n;
}

static bool
list_equal(const struct list *a, const struct list *b)
{
	return a->n == b->n && memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0;
}

static void
list_print(const char *what, const struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct obj *o = &l->v[i];

		fprintf(stderr, "%s: kind %u ns %u dev %u peer %u addr %08x/%u via %08x src %08x\n",
		    what, o->kind, o->ns, o->dev, o->peer, o->addr, o->len, o->via, o->src);
	}
}

static void
check_kernel(void)
{
	struct list ours = ledger_list(false), kernel = { NULL, 0 };
	const struct obj *there = fakex_objects(&kernel.n);

	kernel.v = calloc(kernel.n + 1, sizeof(*kernel.v));
	must(kernel.v != NULL);
	memcpy(kernel.v, there, kernel.n * sizeof(*kernel.v));
	qsort(kernel.v, kernel.n, sizeof(*kernel.v), obj_cmp);
	if (f.lossy) {
		without_addresses(&ours);
		without_addresses(&kernel);
	}
	if (!list_equal(&ours, &kernel)) {
		list_print("ledger", &ours);
		list_print("kernel", &kernel);
	}
	must(list_equal(&ours, &kernel));
	free(ours.v);
	free(kernel.v);
}

/* A slot that can be given out is used exactly while its object is there. */
static void
check_slots(void)
{
	static uint8_t ns[LEDGER_NAMESPACES], dev[LEDGER_DEVS], peer[LEDGER_PEERS];
	const struct ledger *l = &f.ledger;
	const struct node *n;

	memset(ns, 0, sizeof(ns));
	memset(dev, 0, sizeof(dev));
	memset(peer, 0, sizeof(peer));
	TAILQ_FOREACH(n, &l->order, order) {
		const struct obj *o = &n->obj;

		ns[o->ns] |= o->kind == OBJ_NS;
		dev[o->dev] |= o->kind == OBJ_DEV;
		peer[o->peer] |= o->kind == OBJ_PEER;
		must(o->kind != OBJ_DEV || l->dev[o->dev].ns == o->ns);
		must(o->kind != OBJ_PEER || (o->number == l->peer[o->peer].table &&
		    mac_cmp(o->mac, l->peer[o->peer].mac) == 0));
	}
	for (size_t i = NS_DEFAULT + 1; i < LEDGER_NAMESPACES; i++)
		must(l->ns[i].slot.used == ns[i]);
	for (size_t i = CONF_INTERFACES + 1; i < LEDGER_DEVS; i++)
		must(l->dev[i].slot.used == dev[i]);
	for (size_t i = PEER_NTK + 1; i < LEDGER_PEERS; i++)
		must(l->peer[i].slot.used == peer[i]);
}

/* The counters say what counting says. */
static void
check_counters(void)
{
	static uint32_t dev[LEDGER_DEVS], peer[LEDGER_PEERS];
	const struct node *n;
	size_t all = 0;

	memset(dev, 0, sizeof(dev));
	memset(peer, 0, sizeof(peer));
	TAILQ_FOREACH(n, &f.ledger.order, order) {
		const struct obj *o = &n->obj;

		all++;
		must(ledger_find(&f.ledger, o) == o);
		if (o->kind == OBJ_ADDR || o->kind == OBJ_NEIGH)
			dev[o->dev]++;
		if (o->kind == OBJ_DEV || (o->kind == OBJ_ROUTE && o->type == PRIV_ROUTE_UNICAST))
			dev[o->via_dev]++;
		if (o->kind == OBJ_ROUTE || o->kind == OBJ_RULE || o->kind == OBJ_MARK)
			peer[o->peer]++;
	}
	must(all == f.ledger.objects);
	for (size_t i = 0; i < LEDGER_DEVS; i++)
		must(f.ledger.dev[i].objects == dev[i]);
	for (size_t i = 0; i < LEDGER_PEERS; i++)
		must(f.ledger.peer[i].objects == peer[i]);
}

static void
check_all(void)
{
	check_counters();
	check_slots();
	check_kernel();
}

static void
check_refusal(const struct priv_refusal *r, uint32_t ops)
{
	struct msg_error err;

	must(msg_valid(&priv_refusal_desc, r, &err));
	must(r->op < ops && r->operation[0] != '\0' && r->operation[0] != '?');
	must((r->reason == PRIV_R_KERNEL) == (r->error != 0));
}

/* --- transactions -------------------------------------------------------------------- */

static void
results_note(void)
{
	for (uint32_t i = 0; i < f.txn.n_results; i++)
		opgen_note(&f.gen, f.txn.results[i].handle);
}

/* HOW an operation failed in the transaction: were answers lost? */
static void
losses_note(uint8_t how)
{
	if (fakex_has_failed() && how % FAKEX_FAILURES >= FAKEX_UNHEARD)
		f.lossy = true;
}

static void
transaction(struct rd *r)
{
	uint8_t head = rd_u8(r), how = rd_u8(r), at = rd_u8(r);
	uint32_t ops = head & 63U;
	bool rehearse = (head & 0xc0) == 0x40, stop = (head & 0xc0) == 0xc0;
	struct priv_op op;
	struct list now;

	f.before = ledger_list(true);
	fakex_fail((enum fakex_failure)(how % FAKEX_FAILURES), at & 31);
	txn_begin(&f.txn);
	for (uint32_t i = 0; i < ops && r->left > 0 && !r->failed; i++)
		if (opgen_next(&f.gen, r, &op))
			txn_op(&f.txn, &op);
	if (!stop || r->left > 0) {
		txn_end(&f.txn, rehearse);
		must(!f.txn.open);
		losses_note(how);
		if (f.txn.failed)
			check_refusal(&f.txn.refusal, f.txn.ops);
		now = ledger_list(true);
		must((!f.txn.failed && !rehearse) || list_equal(&f.before, &now));
		free(now.v);
		if (!f.txn.failed)
			results_note();
		fakex_fail(FAKEX_NONE, 0);
		check_all();
	} else {
		losses_note(how);
	}
	free(f.before.v);
}

static void
start(struct rd *r)
{
	struct nlq rt = f.txn.rt;

	log_set_hook(be_quiet, NULL);
	opgen_settings(r, &f.conf, &f.policy.host);
	f.policy.conf = &f.conf;
	ledger_init(&f.ledger, &f.conf);
	for (unsigned i = 1; i <= f.conf.n_interfaces; i++)
		f.ledger.dev[i].slot.used = true;
	free(f.txn.steps);
	txn_init(&f.txn, &f.policy, &f.ledger);
	f.txn.rt = rt;
	f.txn.rt.n = 0;
	f.lossy = false;
	fakex_begin(&f.ledger, &f.txn.undoing);
	opgen_init(&f.gen, &f.conf, &f.policy.host, &f.ledger);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r;

	if (size > 8192)
		return 0;
	rd_init(&r, data, size);
	start(&r);
	for (int i = 0; i < TRANSACTIONS && r.left > 0 && !r.failed; i++)
		transaction(&r);
	fakex_fail(FAKEX_NONE, 0);
	txn_undo_all(&f.txn);
	must(f.ledger.objects == 0 && TAILQ_EMPTY(&f.ledger.order));
	check_all();
	return 0;
}
