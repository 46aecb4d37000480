/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/check.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "ntkd-priv/label.h"
#include "ntkd-priv/print.h"
#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_netns.h"
#include "ntkd-priv/x_nft.h"
#include "ntkd-priv/x_route.h"

/* A step of the queues: number of the difference, and in the last bit what it does. */
enum { PUTS_BACK, REMOVES };

struct check {
	const struct conf *conf;
	struct ledger *ledger;
	unsigned ns;
	struct findings *out;
	struct nlq q;		/* what removes, then what puts back; sent when no dump is under way */
	uint32_t wrong[OBJ_KINDS];	/* objects not found as they shall be */
};

/* --- what was found ---------------------------------------------------------------- */

static uint32_t *
total_of(struct findings *f, uint8_t fate)
{
	switch ((enum priv_fate)fate) {
	case PRIV_FATE_REPAIRED:
		return &f->totals.repaired;
	case PRIV_FATE_REMOVED:
		return &f->totals.removed;
	case PRIV_FATE_FOREIGN:
		return &f->totals.foreign;
	default:
		return &f->totals.failed;
	}
}

/* Returns the number of the difference, PRIV_DIFFERENCES when it is only counted. */
static uint32_t
found(struct check *k, uint8_t fate, int error, const char *kind, const char *object)
{
	struct findings *f = k->out;
	struct priv_difference *d = &f->v[f->n];

	++*total_of(f, fate);
	if (f->n == PRIV_DIFFERENCES)
		return PRIV_DIFFERENCES;
	memset(d, 0, sizeof(*d));
	d->fate = fate;
	d->error = error;
	snprintf(d->kind, sizeof(d->kind), "%s", kind);
	snprintf(d->object, sizeof(d->object), "%s", object);
	return f->n++;
}

/* Something that was mended at once, with ERROR or 0. */
static void
mended(struct check *k, int error, const char *kind, const char *object)
{
	found(k, error != 0 ? PRIV_FATE_FAILED : PRIV_FATE_REPAIRED, error, kind, object);
}

/* A difference counts as failed until the kernel has said that it is mended. */
static void
step_ended(void *arg, uint32_t step, const struct nlq_error *err)
{
	struct check *k = arg;
	bool removes = step % 2 == REMOVES;
	int error = err == NULL || (removes && x_route_is_gone(err->error)) ? 0 : err->error;
	uint8_t fate = PRIV_FATE_FAILED;

	if (error == 0)
		fate = removes ? PRIV_FATE_REMOVED : PRIV_FATE_REPAIRED;
	else if (error == EEXIST && !removes)
		fate = PRIV_FATE_FOREIGN;
	--*total_of(k->out, PRIV_FATE_FAILED);
	++*total_of(k->out, fate);
	if (step / 2 < PRIV_DIFFERENCES) {
		k->out->v[step / 2].fate = fate;
		k->out->v[step / 2].error = fate == PRIV_FATE_FAILED ? error : 0;
	}
}

/* --- addresses, routes, rules ------------------------------------------------------- */

/* Something that carries our label and is not of this life. */
static void
extra_remove(struct check *k, const struct nlmsghdr *nlh, const struct seen *s)
{
	char text[PRINT_OBJECT];
	uint32_t i;

	label_print(s, text, sizeof(text));
	i = found(k, PRIV_FATE_FAILED, EIO, print_kind(s->kind), text);
	label_remove_like(&k->q, nlh, i * 2 + REMOVES);
}

static void
mark(struct check *k, struct node *n, enum node_found what)
{
	k->wrong[n->obj.kind] += what == NODE_SAME ? (uint32_t)-1 : what == NODE_FOREIGN;
	n->found |= (uint8_t)what;
}

/*
 * A second one of ours in the same place goes, whichever of the two is right: the
 * other is then found right, or replaced.
 */
static void
look(const struct nlmsghdr *nlh, void *arg)
{
	struct check *k = arg;
	enum x_route_match match = X_ROUTE_OTHER;
	struct node *n = NULL;
	struct seen s;
	struct obj o;
	bool ours;

	if (!label_read(nlh, &s))
		return;
	ours = label_is_ours(&s, k->conf);
	if (x_route_place(k->conf, k->ledger, k->ns, &s, &o))
		n = ledger_find_node(k->ledger, &o);
	if (n != NULL)
		match = x_route_compare(k->conf, k->ledger, &n->obj, nlh);
	if (ours && (match == X_ROUTE_OTHER || (n->found & (NODE_SAME | NODE_ALTERED)) != 0))
		extra_remove(k, nlh, &s);
	else if (match != X_ROUTE_OTHER)
		mark(k, n, !ours ? NODE_FOREIGN : match == X_ROUTE_SAME ? NODE_SAME : NODE_ALTERED);
}

/* Before the kernel is asked: nothing of these kinds was found. */
static void
forget(struct check *k, uint8_t first, uint8_t last)
{
	struct node *n;

	memset(k->wrong, 0, sizeof(k->wrong));
	TAILQ_FOREACH(n, &k->ledger->order, order) {
		if (n->obj.ns != k->ns || n->obj.kind < first || n->obj.kind > last)
			continue;
		n->found = 0;
		k->wrong[n->obj.kind]++;
	}
}

/* One dump, from the beginning again when the list changed meanwhile; a failed one tells nothing. */
static int
scan(struct check *k, int type, uint8_t first, uint8_t last)
{
	const struct priv_checked totals = k->out->totals;
	const uint16_t n = k->out->n;
	int error = EAGAIN;

	for (int i = 0; error == EAGAIN && i < NLQ_DUMP_ATTEMPTS; i++) {
		forget(k, first, last);
		error = nlq_dump_once(k->ledger->ns[k->ns].rt, label_dump_request(type), look, k);
		if (error == 0)
			break;
		nlq_drop(&k->q);
		k->out->totals = totals;
		k->out->n = n;
	}
	return error;
}

/* What is altered was seen with our label, alone in its place: replacing takes nobody's away. */
static void
put_back(struct check *k, const struct node *n)
{
	const struct change ch = { (n->found & NODE_ALTERED) != 0, true, n->obj, n->obj };
	const char *kind = print_kind(n->obj.kind);
	char text[PRINT_OBJECT];
	uint32_t i;

	print_object(k->ledger, &n->obj, text, sizeof(text));
	if ((n->found & NODE_FOREIGN) != 0) {
		found(k, PRIV_FATE_FOREIGN, 0, kind, text);
		return;
	}
	i = found(k, PRIV_FATE_FAILED, EIO, kind, text);
	nlq_add(&k->q, x_route_message(k->conf, k->ledger, &ch), i * 2 + PUTS_BACK);
	if (k->q.n == NLQ_BATCH)
		nlq_send(&k->q, true, step_ended, k, NULL);
}

/*
 * Compares what a request of TYPE lists; those kinds come in the order in which they need each
 * other.  0, or why it cannot be listed.
 */
static int
compare(struct check *k, int type, uint8_t first, uint8_t last)
{
	const struct node *n;
	int error = scan(k, type, first, last);

	if (error != 0) {
		found(k, PRIV_FATE_FAILED, error, print_kind(last), "cannot be listed");
		return error;
	}
	nlq_send(&k->q, true, step_ended, k, NULL);
	for (uint8_t kind = first; kind <= last; kind++) {
		if (k->wrong[kind] == 0)
			continue;
		TAILQ_FOREACH(n, &k->ledger->order, order)
			if (n->obj.ns == k->ns && n->obj.kind == kind && n->found != NODE_SAME)
				put_back(k, n);
		nlq_send(&k->q, true, step_ended, k, NULL);
	}
	return 0;
}

static int
compare_all(struct check *k)
{
	int addresses = compare(k, RTM_GETADDR, OBJ_ADDR, OBJ_ADDR);
	int routes = compare(k, RTM_GETROUTE, OBJ_NEIGH, OBJ_ROUTE);
	int rules = compare(k, RTM_GETRULE, OBJ_RULE, OBJ_RULE);

	return addresses != 0 ? addresses : routes != 0 ? routes : rules;
}

/* --- what is not listed --------------------------------------------------------------- */

static void
interface_check(struct check *k, const struct obj *o)
{
	const struct dev *d = &k->ledger->dev[o->dev];
	struct nl_sock *rt = k->ledger->ns[k->ns].rt;
	struct nlq_error err;
	struct link_facts f;
	unsigned what = 0;

	if (x_link_read(rt, d->ifindex, NULL, &f) != 0) {
		found(k, PRIV_FATE_FAILED, ENODEV, print_kind(OBJ_DEV), d->name);
		return;
	}
	if (!f.settings)
		what |= LINK_SETTINGS;
	if (!f.up && !dev_is_real(o->dev))
		what |= LINK_UP;
	if (what != 0)
		mended(k, x_link_set(rt, d->ifindex, what, NULL, &err), print_kind(OBJ_DEV), d->name);
}

static void
namespace_check(struct check *k)
{
	struct ns *n = &k->ledger->ns[k->ns];
	char name[NETNS_NAME];
	struct nlq_error err;
	struct link_facts f;
	bool right;
	int error = x_netns_settings_check(k->ledger, k->ns, &right);

	if (!right)
		mended(k, error, print_kind(OBJ_NS), "forwarding");
	if (k->ns == NS_DEFAULT)
		return;
	if (x_link_read(n->rt, NETNS_LO, NULL, &f) == 0 && !f.up)
		mended(k, x_link_set(n->rt, NETNS_LO, LINK_UP, NULL, &err), print_kind(OBJ_DEV), "lo");
	x_netns_name(n->number, name);
	error = x_netns_name_look(n);
	if (error != 0)
		found(k, PRIV_FATE_FAILED, error, "name", name);
}

/* Kinds that no dump is compared with; and how much there is. */
static void
each_check(struct check *k)
{
	const struct node *n;

	TAILQ_FOREACH(n, &k->ledger->order, order) {
		if (n->obj.ns != k->ns || n->obj.kind == OBJ_PEER)
			continue;
		k->out->totals.compared++;
		if (n->obj.kind == OBJ_NS)
			namespace_check(k);
		else if (n->obj.kind == OBJ_DEV)
			interface_check(k, &n->obj);
	}
}

static void
nft_check(struct check *k)
{
	int error;
	uint8_t fate = x_nft_check(k->conf, k->ledger, k->ns, &error);

	if (fate != 0)
		found(k, fate, error, "nftables", X_NFT_TABLE);
}

static void
begin(struct check *k)
{
	k->out->n = 0;
	memset(&k->out->totals, 0, sizeof(k->out->totals));
	k->q.sk = k->ledger->ns[k->ns].rt;
}

void
check_namespace(const struct conf *c, struct ledger *l, unsigned ns, struct findings *out)
{
	struct check k = { .conf = c, .ledger = l, .ns = ns, .out = out };

	begin(&k);
	each_check(&k);
	compare_all(&k);
	nft_check(&k);
	nlq_free(&k.q);
}

int
check_labels(const struct conf *c, struct ledger *l, struct findings *out)
{
	struct check k = { .conf = c, .ledger = l, .ns = NS_DEFAULT, .out = out };
	int error;

	begin(&k);
	error = compare_all(&k);
	nlq_free(&k.q);
	return error;
}
