/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages come in (spec/qspn 4.5 to 4.7 with A5). */
#include "ntkd/core/qspn/int.h"

/*
 * While members of our g-node change their common position one after the other, that
 * position is read as our own in what comes from inside (spec 3.8, 3.9).
 */
struct naddr
peer_as_read(const struct qspn *q, const struct arc *a, struct naddr n)
{
	unsigned level = q->prepared - 1;

	if (q->prepared == 0 || !a->known || a->at.level >= level)
		return n;
	for (unsigned i = 0; i < q->levels; i++)
		if (i != level && a->peer.pos[i] != n.pos[i])
			return n;
	n.pos[level] = q->me.pos[level];
	return n;
}

/* --- numbers ---------------------------------------------------------------------- */

/* Asks for a full ETP, at most once a second for each arc. */
static void
ask_again(struct qspn *q, struct arc *a)
{
	if (a->asked != NEVER && q->now - a->asked < SECOND) {
		a->ask_at = a->asked + SECOND;
		return;
	}
	a->asked = q->now;
	arc_ask(q, a, WHY_NEWS);
}

/*
 * Is M newer than what was processed?  One that is older was overtaken, and may have told
 * what the newer one did not: the whole is asked for.  The same one again is nothing.
 */
static bool
is_newer(struct qspn *q, struct arc *a, const struct peer_etp *m)
{
	if (!amended(q, QSPN_A5_NUMBERS))
		return true;
	if (!a->numbered || a->incarnation != m->incarnation || m->seq > a->seq) {
		a->numbered = true;
		a->late = 0;
		a->incarnation = m->incarnation;
		a->seq = m->seq;
		return true;
	}
	q->stats.old_numbers++;
	if (m->seq != a->seq)
		ask_again(q, a);
	return false;
}

/*
 * An answer may be overtaken by a newer ETP.  A second one in a row, asked for a second
 * later, is not: then the number that it is compared with never was the neighbour's.
 */
static bool
is_late_again(struct arc *a, const struct peer_etp *m)
{
	if (m->seq == a->seq || ++a->late < 2)
		return false;
	a->late = 0;
	a->seq = m->seq;
	return true;
}

/* --- ETPs ------------------------------------------------------------------------- */

void
etp_process(struct qspn *q, struct arc *a, const struct peer_etp *m, const struct naddr *sender,
    bool tell)
{
	struct coord *hops = scratch_take(&q->scratch, (m->hops.n + 1U) * sizeof(*hops));
	size_t n_hops;
	struct cands c = { 0 };

	if (hops == NULL) {
		q->failed = true;
		return;
	}
	if (!revise(q, a, m, sender, &c, hops, &n_hops)) {
		cands_forget(q, &c);
		return;
	}
	map_update(q, &c, NULL);
	own_refresh(q);
	if (tell) {
		news_publish(q, a, hops, n_hops);
	} else {
		news_forget(q);
		q->n_flood = 0;
	}
}

static void
count_etp(struct qspn *q, const struct peer_etp *m)
{
	q->stats.etps_in++;
	q->stats.etps_full_in += m->full;
}

/*
 * Does M tell of the sender's g-node that we see?  What was composed for us alone does not when the
 * sender has not heard yet that our address changed.
 */
static bool
is_for_us(const struct qspn *q, const struct peer_etp *m, const struct naddr *sender)
{
	struct coord at;

	naddr_coord(q->topo, &q->me, sender, &at);
	return m->fps.n > 1 || m->fps.v[0].level == at.level;
}

static void
receive_etp(struct qspn *q, struct arc *a, const struct peer_etp *m)
{
	struct naddr sender;

	count_etp(q, m);
	if (!validate_etp(q, a, m, &sender)) {
		arc_fail(q, a, false);
		return;
	}
	if (!is_for_us(q, m, &sender))
		ask_again(q, a);
	else if (!is_bootstrapped(q))
		boot_etp(q, a, m, &sender);
	else if (is_newer(q, a, m))
		etp_process(q, a, m, &sender, true);
}

static void
accept_answer(struct qspn *q, struct arc *a, unsigned why, const struct peer_etp *m,
    const struct naddr *sender)
{
	if (!is_bootstrapped(q)) {
		boot_answer(q, a, m, sender);
		return;
	}
	if (is_newer(q, a, m) || is_late_again(a, m))
		etp_process(q, a, m, sender, q->boot == BOOT_DONE);
	if ((why & WHY_ADDED) != 0)
		send_full(q, a);
	if ((why & WHY_BOOT) != 0)
		boot_next(q);
}

static void
answered(struct qspn *q, struct arc *a, const struct peer_msg *m)
{
	struct naddr sender;
	unsigned why = a->why;

	if (m == NULL || m->type != PEER_etp || !m->etp.full) {
		q->stats.refused[QSPN_BAD_ANSWER]++;
		arc_fail(q, a, false);
		return;
	}
	count_etp(q, &m->etp);
	if (!validate_etp(q, a, &m->etp, &sender)) {
		arc_fail(q, a, false);
		return;
	}
	a->why = 0;
	accept_answer(q, a, why, &m->etp, &sender);
}

static void
was_busy(struct qspn *q, struct arc *a)
{
	bool boot = (a->why & WHY_BOOT) != 0;

	a->why = 0;
	if (boot)
		boot_next(q);
}

void
qspn_answer(struct qspn *q, uint64_t now, uint32_t number, uint32_t call,
    enum qspn_outcome outcome, const struct peer_msg *m, struct qspn_out *out)
{
	struct arc *a = arc_find(q, number);

	if (q->failed || a == NULL || call == 0 || a->call != call)
		return;
	call_begin(q, now, out);
	a->call = 0;
	if (outcome == QSPN_ANSWERED)
		answered(q, a, m);
	else if (outcome == QSPN_BUSY)
		was_busy(q, a);
	else
		arc_fail(q, a, outcome == QSPN_LINK_FAILED);
	call_end(q);
}

/* --- requests ----------------------------------------------------------------------- */

/* The neighbour's address, and what follows when it is not what it was (A6, A27). */
static void
learn_requester(struct qspn *q, struct arc *a, const struct naddr *requester)
{
	struct cands c = { 0 };

	arc_learn_peer(q, a, requester, false, &c);
	if (c.n == 0 && !q->unserved)
		return;
	map_update(q, &c, NULL);
	own_refresh(q);
	news_publish(q, NULL, NULL, 0);
}

static void
receive_request(struct qspn *q, struct arc *a, uint32_t call, const struct peer_full_request *m)
{
	struct naddr requester;
	struct qspn_msg *answer = NULL;

	q->stats.requests_in++;
	if (!validate_request(q, a, &m->requester, &requester)) {
		arc_fail(q, a, false);
		return;
	}
	if (is_bootstrapped(q)) {
		learn_requester(q, a, &requester);
		answer = compose_for(q, a);
		if (answer == NULL)
			return;
		told(q, a, answer);
	}
	act_message(q, QSPN_RESULT, a->number, call, answer);
}

/* --- what comes ------------------------------------------------------------------------ */

static void
receive(struct qspn *q, struct arc *a, uint32_t call, const struct peer_msg *m)
{
	switch (m->type) {
	case PEER_etp:
		receive_etp(q, a, &m->etp);
		return;
	case PEER_full_request:
		receive_request(q, a, call, &m->full_request);
		return;
	case PEER_prepare_destroy:
		identity_told_to_go(q, a, m->prepare_destroy.level);
		return;
	case PEER_destroy:
		arc_fail(q, a, false);
		return;
	}
	q->stats.refused[QSPN_BAD_ANSWER]++;
}

void
qspn_receive(struct qspn *q, uint64_t now, uint32_t number, uint32_t call,
    const struct peer_msg *m, struct qspn_out *out)
{
	struct arc *a = arc_find(q, number);

	if (q->failed)
		return;
	call_begin(q, now, out);
	if (a != NULL) {
		receive(q, a, call, m);
	} else if (m->type == PEER_full_request) {
		struct qspn_action *x = act(q, QSPN_ERROR);

		x->arc = number;
		x->call = call;
	}
	call_end(q);
}
