/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/reap.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "common/log.h"
#include "common/nlq.h"
#include "ntkd-priv/check.h"
#include "ntkd-priv/journal.h"
#include "ntkd-priv/label.h"
#include "ntkd-priv/x_netns.h"
#include "ntkd-priv/x_nft.h"
#include "ntkd-priv/x_sysctl.h"

static bool
namespace_remove(const struct journal_record *r, void *arg)
{
	if (r->kind != JOURNAL_NAMESPACE)
		return false;
	x_netns_silence_former(arg, r->value, (dev_t)r->dev, (ino_t)r->ino);
	return x_netns_remove_name(r->value, (dev_t)r->dev, (ino_t)r->ino);
}

/*
 * Everything that carries the labels of configuration C, while nothing is in the ledger.
 * Returns how many stay; ERROR is why they cannot even be listed, or 0.
 */
static uint32_t
labelled_remove(struct ledger *l, const struct conf *c, int *error)
{
	static struct findings f;

	*error = check_labels(c, l, &f);
	if (f.totals.removed != 0)
		log_info("reap", "removed %u addresses, routes and rules that a previous life left",
		    f.totals.removed);
	if (f.totals.failed != 0)
		log_warnx("reap", "%u that a previous life left cannot be removed", f.totals.failed);
	for (unsigned i = 0; i < f.n; i++)
		if (f.v[i].fate == PRIV_FATE_FAILED)
			log_warnx("reap", "not removed: %s %s: %s", f.v[i].kind, f.v[i].object,
			    strerror(f.v[i].error));
	return f.totals.failed;
}

/* A previous life may have had another configuration, and so other labels. */
static const struct conf *
former_conf(const struct journal_record *r)
{
	static struct conf former;

	former.routing_protocol = (uint8_t)r->value;
	former.rule_priority = r->rule_priority;
	former.tables = r->tables;
	former.more_tables = r->more_tables;
	former.map.range = r->range;
	return &former;
}

static bool
former_labels_remove(const struct journal_record *r, void *arg)
{
	int ignored;

	return r->kind == JOURNAL_LABELS && labelled_remove(arg, former_conf(r), &ignored) == 0;
}

static bool
labels_note(const struct conf *c)
{
	const struct journal_record r = { .kind = JOURNAL_LABELS, .value = c->routing_protocol,
		.rule_priority = c->rule_priority, .tables = c->tables,
		.more_tables = c->more_tables, .range = c->map.range };

	return journal_add(&r);
}

/* What could not be removed before: once more.  What stays is known to the next life. */
void
reap_at_end(struct ledger *l)
{
	journal_walk(namespace_remove, l);
	journal_walk(former_labels_remove, l);
	x_sysctl_restore(l, JOURNAL_INTERFACE, 0);
}

/* No configuration has those of the kernel or of an administrator: theirs would be taken away. */
static bool
labels_are_possible(const struct journal_record *r)
{
	for (uint32_t table = RT_TABLE_DEFAULT; table <= RT_TABLE_LOCAL; table++)
		if (label_table_is_ours(former_conf(r), table))
			return false;
	return r->value > RTPROT_STATIC && r->value <= UINT8_MAX && r->range.len <= NTK_IP_BITS;
}

/* Nothing of ours: the file was damaged.  Kept, such records would stay for ever. */
static bool
is_nonsense(const struct journal_record *r, void *arg)
{
	size_t *n = arg;
	bool is = r->kind > JOURNAL_LABELS ||
	    (r->kind == JOURNAL_LABELS && !labels_are_possible(r));

	*n += is;
	return is;
}

int
reap(struct ledger *l, const struct conf *c)
{
	size_t nonsense = 0;
	int error;

	journal_walk(is_nonsense, &nonsense);
	if (nonsense != 0)
		log_warnx("reap", "%zu records of the journal make no sense; dropped", nonsense);
	journal_walk(namespace_remove, l);
	journal_walk(former_labels_remove, l);
	labelled_remove(l, c, &error);
	if (error == 0)
		error = x_nft_remove_table(l->ns[NS_DEFAULT].nft);
	if (error != 0)
		return error;
	x_sysctl_restore(l, JOURNAL_INTERFACE, 0);
	x_sysctl_restore(l, JOURNAL_FORWARDING, 0);
	return labels_note(c) ? 0 : errno;
}

/* --- what the host routes ------------------------------------------------------------ */

struct walk {
	const struct conf *conf;
	const struct ledger *ledger;
	struct host *host;
	int error;
};

/*
 * Routes of length 0 and 1 are ways to the Internet, not to anything in the range.  What the host
 * routes to its own private subnet is behind us.
 */
static void
host_route_look(const struct nlmsghdr *nlh, void *arg)
{
	struct walk *w = arg;
	ntk_prefix_t p, subnet;
	struct seen s;

	if (!label_read(nlh, &s) || s.kind != OBJ_ROUTE || s.len <= 1 ||
	    s.len > NTK_IP_BITS || dev_is_managed(w->ledger, (int)s.ifindex))
		return;
	p = (ntk_prefix_t){ s.addr, s.len };
	if (!(p.len > label_linklocal.len && prefix_has(label_linklocal, p)) &&
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
