/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/reap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include "common/log.h"
#include "common/nlq.h"
#include "ntkd-priv/journal.h"
#include "ntkd-priv/label.h"
#include "ntkd-priv/x_netns.h"
#include "ntkd-priv/x_nft.h"
#include "ntkd-priv/x_sysctl.h"

/* A dump may pass over entries while others are removed; so it is repeated. */
enum { PASSES = 64, BUFFER = 1 << 20 };

static const ntk_prefix_t linklocal = { 0xa9fe0000, 16 };

/* What a walk over a dump works with. */
struct walk {
	const struct conf *conf;
	const struct ledger *ledger;
	struct nlq removals;	/* on a socket of its own: a dump is under way on the other */
	size_t removed;
	struct host *host;
	int error;
};

static void
leftover_look(const struct nlmsghdr *nlh, void *arg)
{
	struct walk *w = arg;

	if (!label_is_ours(nlh, w->conf))
		return;
	label_remove_like(&w->removals, nlh, NLQ_NO_STEP);
	w->removed++;
	if (w->removals.n == NLQ_BATCH)
		nlq_send(&w->removals, true, NULL, NULL, NULL);
}

/* Removes what is ours among the objects that a request of TYPE lists. */
static int
leftovers_remove(struct walk *w, struct nl_sock *rt, int type, const char *what)
{
	size_t total = 0;
	int error = 0;

	w->removed = 1;
	for (int pass = 0; error == 0 && w->removed != 0 && pass < PASSES; pass++) {
		w->removed = 0;
		error = nlq_dump(rt, label_dump_request(type), leftover_look, w);
		nlq_send(&w->removals, true, NULL, NULL, NULL);
		total += w->removed;
	}
	if (total != 0)
		log_info("reap", "removed %zu %s that a previous life left", total, what);
	return error;
}

static bool
namespace_remove(const struct journal_record *r, void *arg)
{
	if (r->kind != JOURNAL_NAMESPACE)
		return false;
	x_netns_silence_former(arg, r->value, (dev_t)r->dev, (ino_t)r->ino);
	return x_netns_remove_name(r->value, (dev_t)r->dev, (ino_t)r->ino);
}

/* Everything that carries the labels of configuration C. */
static int
labelled_remove(struct nl_sock *rt, const struct conf *c)
{
	struct walk w = { .conf = c };
	int error;

	w.removals.sk = nlq_open(NETLINK_ROUTE, BUFFER);
	if (w.removals.sk == NULL)
		return errno;
	error = leftovers_remove(&w, rt, RTM_GETRULE, "rules");
	if (error == 0)
		error = leftovers_remove(&w, rt, RTM_GETROUTE, "routes");
	if (error == 0)
		error = leftovers_remove(&w, rt, RTM_GETADDR, "addresses");
	nl_socket_free(w.removals.sk);
	nlq_free(&w.removals);
	return error;
}

/* A previous life may have had another configuration, and so other labels. */
static bool
former_labels_remove(const struct journal_record *r, void *arg)
{
	static struct conf former;

	if (r->kind != JOURNAL_LABELS)
		return false;
	former.routing_protocol = (uint8_t)r->value;
	former.rule_priority = r->rule_priority;
	former.tables = r->tables;
	former.more_tables = r->more_tables;
	return labelled_remove(arg, &former) == 0;
}

static bool
labels_note(const struct conf *c)
{
	const struct journal_record r = { .kind = JOURNAL_LABELS, .value = c->routing_protocol,
		.rule_priority = c->rule_priority, .tables = c->tables,
		.more_tables = c->more_tables };

	return journal_add(&r);
}

static bool
is_labels(const struct journal_record *r, void *arg)
{
	(void)arg;
	return r->kind == JOURNAL_LABELS;
}

void
reap_at_end(struct ledger *l)
{
	/* Names that could not be removed with their namespaces: once more. */
	journal_walk(namespace_remove, l);
	journal_walk(is_labels, NULL);
}

/* Nothing of ours: the file was damaged.  Kept, such records would stay for ever. */
static bool
is_nonsense(const struct journal_record *r, void *arg)
{
	size_t *n = arg;
	bool is = r->kind > JOURNAL_LABELS;

	*n += is;
	return is;
}

int
reap(struct ledger *l, const struct conf *c)
{
	struct nl_sock *rt = l->ns[NS_DEFAULT].rt;
	size_t nonsense = 0;
	int error;

	journal_walk(is_nonsense, &nonsense);
	if (nonsense != 0)
		log_warnx("reap", "%zu records of the journal make no sense; dropped", nonsense);
	journal_walk(namespace_remove, l);
	journal_walk(former_labels_remove, rt);
	error = labelled_remove(rt, c);
	if (error == 0)
		error = x_nft_remove_table(l->ns[NS_DEFAULT].nft);
	if (error != 0)
		return error;
	x_sysctl_restore_interface(l, 0);
	x_sysctl_restore_forwarding(l);
	return labels_note(c) ? 0 : errno;
}

/* --- what the host routes ------------------------------------------------------------ */

static bool
dev_is_managed(const struct ledger *l, uint32_t ifindex)
{
	for (unsigned i = 1; i <= CONF_INTERFACES; i++)
		if (l->dev[i].slot.used && l->dev[i].ifindex == (int)ifindex)
			return true;
	return false;
}

/*
 * Routes of length 0 and 1 are ways to the Internet, not to anything in the range.  What the host
 * routes to its own private subnet is behind us.
 */
static void
host_route_look(const struct nlmsghdr *nlh, void *arg)
{
	struct walk *w = arg;
	const struct rtmsg *r = nlmsg_data(nlh);
	ntk_prefix_t p, subnet;

	if (nlh->nlmsg_type != RTM_NEWROUTE || !nlmsg_valid_hdr(nlh, sizeof(*r)) ||
	    r->rtm_family != AF_INET || r->rtm_dst_len <= 1 || r->rtm_dst_len > NTK_IP_BITS ||
	    dev_is_managed(w->ledger, label_u32(nlh, sizeof(*r), RTA_OIF, 0)))
		return;
	p = (ntk_prefix_t){ ntohl(label_u32(nlh, sizeof(*r), RTA_DST, 0)), r->rtm_dst_len };
	if (!(p.len > linklocal.len && prefix_has(linklocal, p)) &&
	    !prefix_overlaps(p, w->conf->map.range))
		return;
	if (conf_subnet(w->conf, &subnet) && prefix_has(subnet, p))
		return;
	for (size_t i = 0; i < w->host->n; i++)
		if (prefix_cmp(w->host->v[i], p) == 0)
			return;
	if (w->host->n == HOST_ROUTES)
		w->error = ENOSPC;
	else
		w->host->v[w->host->n++] = p;
}

int
host_look(struct ledger *l, const struct conf *c, struct host *h)
{
	struct walk w = { .conf = c, .ledger = l, .host = h };
	int error;

	h->n = 0;
	error = nlq_dump(l->ns[NS_DEFAULT].rt, label_dump_request(RTM_GETROUTE), host_route_look, &w);
	return error != 0 ? error : w.error;
}
