/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judges messages that are within the format (spec/qspn 4.8 with A19).  All of a
 * message is looked at before anything is done, and a refusal is counted by its reason.
 */
#include "ntkd/core/qspn/int.h"

const char *
qspn_refusal_name(enum qspn_refusal r)
{
	static const char *const name[QSPN_REFUSALS] = {
		[QSPN_BAD_TOPOLOGY] = "topology", [QSPN_BAD_SENDER] = "sender",
		[QSPN_BAD_HOPS] = "hops", [QSPN_BAD_PATH] = "path",
		[QSPN_BAD_FINGERPRINT] = "fingerprint", [QSPN_BAD_IGNORE] = "ignore",
		[QSPN_BAD_LIST] = "list", [QSPN_BAD_REPEAT] = "repeat", [QSPN_BAD_COST] = "cost",
		[QSPN_BAD_SIZE] = "size", [QSPN_BAD_ANSWER] = "answer",
	};

	return (unsigned)r < QSPN_REFUSALS ? name[r] : "?";
}

static bool
refuse(struct qspn *q, enum qspn_refusal r)
{
	q->stats.refused[r]++;
	return false;
}

/* --- the sender --------------------------------------------------------------- */

static bool
topology_is_ours(const struct topo *t, const struct peer_addr *m)
{
	if (m->gexp.n != t->levels || m->pos.n != t->levels)
		return false;
	for (unsigned i = 0; i < t->levels; i++)
		if (m->gexp.v[i] != t->gexp[i] || m->pos.v[i] > TOPO_POS_MAX)
			return false;
	return true;
}

/* A neighbour changes one position at a time (spec 3.8, 3.9). */
static bool
is_plausible(const struct qspn *q, const struct arc *a, const struct naddr *n)
{
	unsigned differ = 0;

	for (unsigned i = 0; i < q->levels && a->known; i++)
		differ += a->peer.pos[i] != n->pos[i];
	return differ <= 1 && !naddr_equal(q->topo, &q->me, n);
}

static bool
validate_sender(struct qspn *q, const struct arc *a, const struct peer_addr *m, struct naddr *out)
{
	struct naddr n = { .pos = { 0 } };

	if (!topology_is_ours(q->topo, m))
		return refuse(q, QSPN_BAD_TOPOLOGY);
	for (unsigned i = 0; i < q->levels; i++)
		n.pos[i] = m->pos.v[i];
	*out = peer_as_read(q, a, n);
	return is_plausible(q, a, out) || refuse(q, QSPN_BAD_SENDER);
}

bool
validate_request(struct qspn *q, const struct arc *a, const struct peer_addr *from,
    struct naddr *requester)
{
	return validate_sender(q, a, from, requester);
}

/* --- fingerprints and counts ----------------------------------------------------- */

static bool
elderships_can_be(const struct peer_eldership_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] < FP_NULL)
			return false;
	return true;
}

static bool
fingerprint_can_be(const struct qspn *q, const struct peer_fp *f)
{
	return f->id != 0 && f->level <= q->levels && f->eld.n == q->levels - f->level &&
	    f->seed.n == f->level && elderships_can_be(&f->eld) && elderships_can_be(&f->seed);
}

/* All of the sender's g-nodes have the elderships of the sender. */
static bool
own_elderships_agree(const struct peer_fp *low, const struct peer_fp *f)
{
	for (size_t i = 0; i < f->eld.n; i++)
		if (f->eld.v[i] != low->eld.v[f->level + i])
			return false;
	return true;
}

/* Of every level, and of the network or not; what changed may come with the one that we see. */
static bool
is_own_list(const struct qspn *q, const struct peer_etp *m)
{
	return m->fps.n == q->levels || m->fps.n == q->levels + 1 || (m->fps.n == 1 && !m->full);
}

static bool
validate_own_fingerprints(struct qspn *q, const struct peer_etp *m)
{
	const struct peer_fp_list *l = &m->fps;
	unsigned first;

	if (!is_own_list(q, m))
		return refuse(q, QSPN_BAD_LIST);
	first = l->n == 1 ? l->v[0].level : 0;
	if (first >= q->levels)
		return refuse(q, QSPN_BAD_FINGERPRINT);
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].level != first + i || !fingerprint_can_be(q, &l->v[i]) ||
		    (i > 0 && !own_elderships_agree(&l->v[0], &l->v[i])))
			return refuse(q, QSPN_BAD_FINGERPRINT);
	return true;
}

static bool
nodes_can_be(const struct qspn *q, unsigned level, uint32_t nodes)
{
	unsigned bits = topo_shift(q->topo, level);

	return bits >= 32 || nodes <= UINT32_C(1) << bits;
}

/* A g-node has at least the nodes of any that it is made of; one of connectivity has none. */
static bool
validate_own_nodes(struct qspn *q, const struct peer_etp *m)
{
	const struct peer_count_list *l = &m->nodes;

	if (l->n != m->fps.n)
		return refuse(q, QSPN_BAD_LIST);
	for (unsigned i = 0; i < l->n; i++)
		if (!nodes_can_be(q, m->fps.v[i].level, l->v[i]) || (i > 0 && l->v[i] != 0 && l->v[i] < l->v[i - 1]))
			return refuse(q, QSPN_BAD_LIST);
	return true;
}

static bool
validate_reports(struct qspn *q, const struct peer_fp_list *l)
{
	if (l->n > q->p->max_paths_all)
		return refuse(q, QSPN_BAD_SIZE);
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].level >= q->levels || !fingerprint_can_be(q, &l->v[i]))
			return refuse(q, QSPN_BAD_FINGERPRINT);
	return true;
}

/* --- hops and paths -------------------------------------------------------------- */

static bool
hops_can_be(const struct qspn *q, const struct peer_hop_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].level >= q->levels || l->v[i].pos > TOPO_POS_MAX ||
		    (i > 0 && l->v[i].level < l->v[i - 1].level))
			return false;
	return true;
}

/*
 * A coordinate twice, or one of the sender's own: those that it says it has, even where we
 * read them differently (peer_as_read()).
 */
static bool
hops_repeat(const struct peer_hop_list *l, const struct peer_addr *sender)
{
	for (size_t i = 0; i < l->n; i++) {
		if (sender->pos.v[l->v[i].level] == l->v[i].pos)
			return true;
		for (size_t j = i; j-- > 0 && l->v[j].level == l->v[i].level; )
			if (l->v[j].pos == l->v[i].pos)
				return true;
	}
	return false;
}

/* Bits above the destination's level are set, others beyond the topology and of level 0 are not. */
static bool
ignore_can_be(const struct qspn *q, uint32_t ignore, unsigned level)
{
	uint32_t all = (UINT32_C(1) << q->levels) - 1;
	uint32_t above = all & ~((UINT32_C(2) << level) - 1);

	return (ignore & ~all) == 0 && (ignore & 1) == 0 && (ignore & above) == above;
}

/* What comes from afar has a cost, and with our arc's it must still be one. */
static bool
cost_can_be(const struct peer_path *p)
{
	uint64_t cost;

	return cost_read(p->cost_kind, p->cost, &cost) && cost != COST_NULL;
}

static bool
validate_path(struct qspn *q, const struct peer_etp *m, const struct peer_path *p)
{
	unsigned level;

	if (p->hops.n == 0 || p->hops.n != p->arcs.n)
		return refuse(q, QSPN_BAD_PATH);
	if (p->hops.n > PEER_HOPS)
		return refuse(q, QSPN_BAD_SIZE);
	if (!hops_can_be(q, &p->hops))
		return refuse(q, QSPN_BAD_HOPS);
	level = p->hops.v[p->hops.n - 1].level;
	for (size_t i = 0; i < p->arcs.n; i++)
		if (p->arcs.v[i] == 0)
			return refuse(q, QSPN_BAD_PATH);
	if (p->fp >= m->reports.n || m->reports.v[p->fp].level != level)
		return refuse(q, QSPN_BAD_FINGERPRINT);
	if (!ignore_can_be(q, p->ignore, level))
		return refuse(q, QSPN_BAD_IGNORE);
	if (!nodes_can_be(q, level, p->nodes))
		return refuse(q, QSPN_BAD_LIST);
	if (hops_repeat(&p->hops, &m->sender))
		return refuse(q, QSPN_BAD_REPEAT);
	return cost_can_be(p) || refuse(q, QSPN_BAD_COST);
}

static bool
validate_paths(struct qspn *q, const struct peer_etp *m)
{
	if (m->paths.n > q->p->max_paths_all || m->hops.n > PEER_HOPS)
		return refuse(q, QSPN_BAD_SIZE);
	if (!hops_can_be(q, &m->hops))
		return refuse(q, QSPN_BAD_HOPS);
	for (size_t i = 0; i < m->paths.n; i++)
		if (!validate_path(q, m, &m->paths.v[i]))
			return false;
	return true;
}

static bool
mark_can_be(const struct qspn *q, const struct peer_mark *m)
{
	return m->to.level < q->levels && m->to.pos <= TOPO_POS_MAX;
}

static bool
validate_inside(struct qspn *q, const struct peer_inside *i)
{
	if (!mark_can_be(q, &i->path))
		return refuse(q, QSPN_BAD_HOPS);
	return nodes_can_be(q, i->path.to.level, i->nodes) || refuse(q, QSPN_BAD_LIST);
}

/* A full ETP tells whole paths only. */
static bool
validate_marks(struct qspn *q, const struct peer_etp *m)
{
	if (m->insides.n > q->p->max_paths_all || m->gone.n > q->p->max_paths_all)
		return refuse(q, QSPN_BAD_SIZE);
	if (m->full && m->insides.n + m->gone.n > 0)
		return refuse(q, QSPN_BAD_LIST);
	for (size_t i = 0; i < m->insides.n; i++)
		if (!validate_inside(q, &m->insides.v[i]))
			return false;
	for (size_t i = 0; i < m->gone.n; i++)
		if (!mark_can_be(q, &m->gone.v[i]))
			return refuse(q, QSPN_BAD_HOPS);
	return true;
}

bool
validate_etp(struct qspn *q, const struct arc *a, const struct peer_etp *m, struct naddr *sender)
{
	return validate_sender(q, a, &m->sender, sender) &&
	    validate_own_fingerprints(q, m) && validate_own_nodes(q, m) &&
	    validate_reports(q, &m->reports) && validate_paths(q, m) && validate_marks(q, m);
}
