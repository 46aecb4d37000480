/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/fakex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_netns.h"
#include "ntkd-priv/x_nft.h"
#include "ntkd-priv/x_route.h"
#include "ntkd-priv/x_sysctl.h"
#include "tests/fuzz/fuzz.h"

enum { KEY_SIZE = offsetof(struct obj, type) };

struct thing {
	struct obj o;
	bool foreign;
};

static struct {
	struct ledger *ledger;
	const bool *undoing;
	struct thing *v;
	size_t n;
	size_t size;
	size_t operations;
	struct fakex_counts counts;
	enum fakex_failure how;
	size_t fail_at;
	bool failed;
	bool lost;		/* answers, ever: addresses may be there that nobody removes */
	/* collected, in the order of nlq_add() and of x_nft_change() */
	struct change rt[NLQ_BATCH];
	struct change *nft;
	uint32_t *nft_steps;
	size_t n_nft;
	size_t nft_size;
} fx;

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* Only its address matters: what is sent must go to the right namespace. */
static struct nl_sock *
socket_of(unsigned ns)
{
	static char sockets[LEDGER_NAMESPACES];

	return (struct nl_sock *)&sockets[ns];
}

void
fakex_begin(struct ledger *l, const bool *undoing)
{
	static char sockets[LEDGER_NAMESPACES];

	for (size_t i = 0; i < LEDGER_NAMESPACES; i++)
		l->ns[i].rt = (struct nl_sock *)&sockets[i];
	fx.ledger = l;
	fx.undoing = undoing;
	fx.n = fx.n_nft = fx.operations = 0;
	fx.how = FAKEX_NONE;
	fx.failed = fx.lost = false;
	memset(&fx.counts, 0, sizeof(fx.counts));
	l->ns[NS_DEFAULT].rt = socket_of(NS_DEFAULT);
}

void
fakex_end(void)
{
	free(fx.v);
	free(fx.nft);
	free(fx.nft_steps);
	memset(&fx, 0, sizeof(fx));
}

void
fakex_fail(enum fakex_failure how, unsigned k)
{
	for (size_t i = fx.n; i-- > 0; )
		if (fx.v[i].foreign)
			fx.v[i] = fx.v[--fx.n];
	fx.how = how;
	fx.fail_at = fx.operations + k;
	fx.failed = false;
}

bool
fakex_has_failed(void)
{
	return fx.failed;
}

size_t
fakex_operations(void)
{
	return fx.operations;
}

const struct fakex_counts *
fakex_counts(void)
{
	return &fx.counts;
}

const struct obj *
fakex_objects(size_t *n)
{
	static struct obj *list;
	static size_t size;

	if (size < fx.n + 1) {
		size = fx.n + 1;
		list = need(realloc(list, size * sizeof(*list)));
	}
	*n = 0;
	for (size_t i = 0; i < fx.n; i++)
		if (!fx.v[i].foreign)
			list[(*n)++] = fx.v[i].o;
	return list;
}

/* --- the kernel ----------------------------------------------------------------- */

static struct thing *
find(const struct obj *key)
{
	for (size_t i = 0; i < fx.n; i++)
		if (memcmp(&fx.v[i].o, key, KEY_SIZE) == 0)
			return &fx.v[i];
	return NULL;
}

static void
put(const struct obj *o, bool foreign)
{
	if (fx.n == fx.size) {
		fx.size = fx.size * 2 + 64;
		fx.v = need(realloc(fx.v, fx.size * sizeof(*fx.v)));
	}
	fx.v[fx.n++] = (struct thing){ *o, foreign };
}

/* Counts an operation; true when it is the one that shall fail. */
static bool
is_the_one(void)
{
	bool is = fx.how != FAKEX_NONE && !*fx.undoing && fx.operations == fx.fail_at;

	fx.operations++;
	fx.failed = fx.failed || is;
	return is;
}

/*
 * Makes change CH; 0 or errno.  The kernel tells routes and rules of others from ours by their
 * label, addresses it does not: who removes somebody else's has made a mistake.
 */
static int
kernel_change(const struct change *ch)
{
	const struct obj *o = change_subject(ch);
	struct thing *t = find(o);

	if (!ch->has_to) {
		if (t != NULL && t->foreign)
			must(o->kind != OBJ_ADDR);
		if (t == NULL || t->foreign)
			return o->kind == OBJ_ADDR ? EADDRNOTAVAIL : ESRCH;
		*t = fx.v[--fx.n];
		return 0;
	}
	/* Only what is in the ledger may be replaced. */
	must(!ch->has_from || memcmp(&ch->from, &ch->to, KEY_SIZE) == 0);
	if (t == NULL) {
		put(&ch->to, false);
		return 0;
	}
	if (t->foreign || !ch->has_from)
		return EEXIST;
	t->o = ch->to;
	return 0;
}

/* The same, unless this is the operation that fails. */
static int
change_or_fail(const struct change *ch)
{
	if (!is_the_one())
		return kernel_change(ch);
	if (fx.how == FAKEX_FOREIGN && ch->has_to && !ch->has_from && find(&ch->to) == NULL) {
		put(&ch->to, true);
		return EEXIST;
	}
	return fx.how == FAKEX_GONE ? ENODEV : EPERM;
}

/* Whatever lies in namespace NS goes with it. */
static void
kernel_forget_ns(unsigned ns)
{
	for (size_t i = fx.n; i-- > 0; )
		if (fx.v[i].o.ns == ns)
			fx.v[i] = fx.v[--fx.n];
}

static bool
lies_on(const struct obj *o, uint16_t dev)
{
	return ((o->kind == OBJ_ADDR || o->kind == OBJ_NEIGH) && o->dev == dev) ||
	    (o->kind == OBJ_DEV && o->via_dev == dev) ||
	    (o->kind == OBJ_ROUTE && o->type == PRIV_ROUTE_UNICAST && o->via_dev == dev);
}

/* Nothing is on DEV any more, but for addresses about which an answer was lost: they go with a pseudo-interface. */
static void
kernel_leave_dev(uint16_t dev)
{
	for (size_t i = fx.n; i-- > 0; ) {
		if (fx.v[i].foreign || !lies_on(&fx.v[i].o, dev))
			continue;
		must(fx.lost && fx.v[i].o.kind == OBJ_ADDR);
		if (!dev_is_real(dev))
			fx.v[i] = fx.v[--fx.n];
	}
}

/* --- x_route.h and nlq.h -------------------------------------------------------------- */

bool
x_route_has(uint8_t kind)
{
	return kind == OBJ_ADDR || kind == OBJ_NEIGH || kind == OBJ_ROUTE || kind == OBJ_RULE;
}

/* The message is the change itself. */
struct nl_msg *
x_route_message(const struct conf *c, const struct ledger *l, const struct change *ch)
{
	struct change *copy = need(malloc(sizeof(*copy)));

	must(c != NULL && l == fx.ledger && x_route_has(change_subject(ch)->kind));
	*copy = *ch;
	return (struct nl_msg *)copy;
}

bool
x_route_is_gone(int error)
{
	return error == ESRCH || error == ENOENT || error == EADDRNOTAVAIL || error == ENODEV;
}

void
nlq_add(struct nlq *q, struct nl_msg *m, uint32_t step)
{
	must(q->n < NLQ_BATCH);
	if (q->steps == NULL)
		q->steps = need(calloc(NLQ_BATCH, sizeof(*q->steps)));
	memcpy(&fx.rt[q->n], m, sizeof(fx.rt[0]));
	must(q->sk == fx.ledger->ns[change_subject(&fx.rt[q->n])->ns].rt);
	q->steps[q->n++] = step;
	free(m);
}

void
nlq_drop(struct nlq *q)
{
	q->n = 0;
}

void
nlq_free(struct nlq *q)
{
	free(q->steps);
	memset(q, 0, sizeof(*q));
}

/* True when the operation that fails is among the N that follow, and fails so. */
static bool
will_fail(enum fakex_failure how, size_t n)
{
	return fx.how == how && !*fx.undoing && fx.fail_at >= fx.operations && fx.fail_at < fx.operations + n;
}

int
nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg, struct nlq_error *err)
{
	const struct nlq_error unsent = { ENOBUFS, true, NLQ_NO_STEP, "" };
	const struct nlq_error unheard = { EIO, true, NLQ_NO_STEP, "acknowledgements were lost" };
	struct nlq_error e = { 0, false, NLQ_NO_STEP, "no \"route\"" };
	bool silent = will_fail(FAKEX_UNSENT, q->n), lost = false;
	size_t n = q->n;

	must(ack_each && done != NULL && err == NULL);
	q->n = 0;
	fx.counts.batches += n != 0;
	for (size_t i = 0; i < n; i++)
		must(q->sk == socket_of(change_subject(&fx.rt[i])->ns));
	if (silent) {
		fx.operations += n;
		fx.failed = true;
	}
	for (size_t i = 0; !silent && i < n; i++) {
		if (will_fail(FAKEX_UNHEARD, 1))
			lost = fx.lost = fx.failed = true;
		if (lost) {
			fx.operations++;
			kernel_change(&fx.rt[i]);
			continue;
		}
		e.error = change_or_fail(&fx.rt[i]);
		done(arg, q->steps[i], e.error != 0 ? &e : NULL);
		q->steps[i] = NLQ_NO_STEP;
	}
	for (size_t i = 0; i < n; i++)
		if (q->steps[i] != NLQ_NO_STEP)
			done(arg, q->steps[i], silent ? &unsent : &unheard);
	return silent || lost ? EIO : 0;
}

/* --- x_nft.h ------------------------------------------------------------------------------ */

bool
x_nft_has(uint8_t kind)
{
	return kind == OBJ_MARK || kind == OBJ_NAT;
}

void
x_nft_begin(struct nft_batch *b, const struct conf *c, const struct ledger *l, unsigned ns)
{
	*b = (struct nft_batch){ .conf = c, .ledger = l, .ns = ns, .open = true };
	fx.n_nft = 0;
}

void
x_nft_change(struct nft_batch *b, const struct change *ch, uint32_t step)
{
	must(b->open && change_subject(ch)->ns == b->ns);
	if (fx.n_nft == fx.nft_size) {
		fx.nft_size = fx.nft_size * 2 + 64;
		fx.nft = need(realloc(fx.nft, fx.nft_size * sizeof(*fx.nft)));
		fx.nft_steps = need(realloc(fx.nft_steps, fx.nft_size * sizeof(*fx.nft_steps)));
	}
	b->nat_changed = b->nat_changed || change_subject(ch)->kind == OBJ_NAT;
	fx.nft[fx.n_nft] = *ch;
	fx.nft_steps[fx.n_nft++] = step;
}

/* Translations are written anew from the ledger. */
static void
nat_rewrite(const struct ledger *l, unsigned ns)
{
	const struct node *n;

	for (size_t i = fx.n; i-- > 0; )
		if (fx.v[i].o.kind == OBJ_NAT && fx.v[i].o.ns == ns)
			fx.v[i] = fx.v[--fx.n];
	TAILQ_FOREACH(n, &l->order, order)
		if (n->obj.kind == OBJ_NAT && n->obj.ns == ns)
			put(&n->obj, false);
}

/* All of it or nothing; the kernel may name the change that it did not like. */
int
x_nft_commit(struct nft_batch *b, struct ledger *l, struct nlq_error *err)
{
	must(b->open && fx.n_nft > 0);
	fx.counts.commits++;
	b->open = false;
	if (is_the_one()) {
		*err = (struct nlq_error){ EBUSY, false, NLQ_NO_STEP, "" };
		if (fx.how != FAKEX_UNHEARD)
			err->step = fx.nft_steps[fx.operations % fx.n_nft];
		return EBUSY;
	}
	for (size_t i = 0; i < fx.n_nft; i++)
		if (change_subject(&fx.nft[i])->kind == OBJ_MARK)
			must(kernel_change(&fx.nft[i]) == 0);
	if (b->nat_changed)
		nat_rewrite(l, b->ns);
	return 0;
}

int
x_nft_remove_table(struct nl_sock *nft)
{
	must(nft == fx.ledger->ns[NS_DEFAULT].nft);
	fx.counts.tables++;
	for (size_t i = 0; i < fx.n; i++)
		must(fx.failed || fx.v[i].foreign || fx.v[i].o.ns != NS_DEFAULT ||
		    !x_nft_has(fx.v[i].o.kind));
	return 0;
}

/* --- x_link.h, x_netns.h, x_sysctl.h ------------------------------------------------------- */

static void
pseudo_take(struct ledger *l, const struct obj *o)
{
	struct dev *d = &l->dev[o->dev];

	*d = (struct dev){ .slot = d->slot, .ns = o->ns, .parent = o->via_dev,
		.ifindex = 100 + o->dev, .mac = { { 2, 0, 0, 0, 1, (uint8_t)o->dev } } };
	ledger_take(l, PRIV_H_DEV, o->dev);
	snprintf(d->name, sizeof(d->name), "ntkv%u_%u", o->ns, o->via_dev);
}

int
x_link_change(struct ledger *l, const struct change *ch, struct nlq_error *err)
{
	const struct obj *o = change_subject(ch);
	bool pseudo = !dev_is_real(o->dev);

	if (pseudo && ch->has_to)
		pseudo_take(l, o);
	/* What needs nothing prepared may be older, and is undone later. */
	if (!ch->has_to && (pseudo || !*fx.undoing))
		kernel_leave_dev(o->dev);
	err->error = change_or_fail(ch);
	if (pseudo && (ch->has_to ? err->error != 0 : err->error == 0))
		ledger_release(l, o);
	return err->error;
}

/* Each time the interfaces are others. */
void
x_link_find(struct ledger *l, const struct conf *c)
{
	must(l == fx.ledger);
	for (unsigned i = DEV_LO; i <= c->n_interfaces; i++)
		if (dev_is_free(l, i))
			ledger_take(l, PRIV_H_DEV, i);
}

int
x_netns_change(struct ledger *l, const struct change *ch, struct nlq_error *err)
{
	const struct obj *o = change_subject(ch);

	must(o->ns != NS_DEFAULT);
	err->error = 0;
	if (ch->has_to) {
		ledger_take(l, PRIV_H_NS, o->ns);
		l->ns[o->ns].number = o->ns;
		l->ns[o->ns].id = FAKEX_ID + o->ns;
		l->ns[o->ns].rt = socket_of(o->ns);
		err->error = change_or_fail(ch);
		if (err->error == 0)
			return 0;
	}
	kernel_forget_ns(o->ns);
	ledger_forget_ns(l, o->ns);
	ledger_release(l, o);
	return err->error;
}

/* Nothing waits here. */
void
x_netns_close(struct ledger *l)
{
	must(l == fx.ledger);
	fx.counts.closed++;
}

int
x_sysctl_prepare(struct nl_sock *rt)
{
	const struct change ch = { .has_to = true, .to = { .kind = OBJ_NS } };

	must(rt == fx.ledger->ns[NS_DEFAULT].rt);
	return change_or_fail(&ch);
}

void
x_sysctl_restore(const struct ledger *l, enum journal_kind kind, int ifindex)
{
	const struct change ch = { .has_from = true, .from = { .kind = OBJ_NS } };

	must(l == fx.ledger && kind == JOURNAL_FORWARDING && ifindex == 0);
	fx.counts.restored++;
	kernel_change(&ch);
	fx.counts.restored_among = fx.n;
}

/* --- for the policy alone --------------------------------------------------------------------- */

void
fakex_slots(struct ledger *l, const struct change *ch)
{
	const struct obj *o = change_subject(ch);

	if (!ch->has_to) {
		ledger_release(l, o);
		if (o->kind == OBJ_NS)
			ledger_forget_ns(l, o->ns);
	} else if (o->kind == OBJ_NS && o->ns != NS_DEFAULT) {
		ledger_take(l, PRIV_H_NS, o->ns);
	} else if (o->kind == OBJ_DEV && !dev_is_real(o->dev)) {
		pseudo_take(l, o);
	} else if (o->kind == OBJ_PEER) {
		l->peer[o->peer].slot = (struct slot){ true, o->generation };
		l->peer[o->peer].mac = o->mac;
		l->peer[o->peer].table = o->number;
	}
}
