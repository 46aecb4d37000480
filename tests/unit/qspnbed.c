/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/qspnbed.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

struct bed_event {
	uint64_t when, number;
	unsigned link, side;		/* the side it goes to */
	enum qspn_action_kind kind;	/* SEND, CALL, RESULT, ERROR */
	uint32_t call;
	struct qspn_msg *msg;
	uint64_t give_up;		/* until then a receiver that is not there is waited for */
};

static struct qspn_out out;

static void take(struct bed *b, unsigned n);

/* --- text ----------------------------------------------------------------------- */

struct text {
	char *buf;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3)))
say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
	if (t->len >= t->size)
		t->len = t->size - 1;
}

static const char *
arc_name(struct bed *b, uint32_t id)
{
	for (unsigned i = 0; i < b->n_names; i++)
		if (b->arc_name[i].id == id)
			return b->arc_name[i].name;
	return "??";
}

/* Of a path's or message's hops: "(0,1)(1,2)". */
static void
say_hop(struct text *t, unsigned level, uint32_t pos)
{
	say(t, "(%u,%" PRIu32 ")", level, pos);
}

static void
say_path(struct bed *b, struct text *t, const struct path *p)
{
	for (size_t i = 0; i < p->n; i++)
		say_hop(t, p->hops[i].to.level, p->hops[i].to.pos);
	say(t, " / ");
	for (size_t i = 0; i < p->n; i++)
		say(t, "%s%s", i > 0 ? "," : "", arc_name(b, p->hops[i].id));
	say(t, " / %" PRIu64 "%s", path_total(p), p->exposed ? "" : "*");
}

static char map_text[BED_MAP];

static void
say_dest(struct bed *b, struct text *t, const struct dest *d)
{
	for (size_t i = 0; i < d->n; i++) {
		say(t, "%s", i > 0 ? "; " : "");
		say_path(b, t, d->v[i]);
	}
}

const char *
bed_map(struct bed *b, unsigned n)
{
	struct text t = { map_text, sizeof(map_text), 0 };
	const struct qspn *q = b->node[n].q;

	map_text[0] = '\0';
	for (unsigned l = 0; l < q->levels; l++)
		for (size_t i = 0; i < q->level[l].n; i++) {
			say_dest(b, &t, q->level[l].v[i]);
			say(&t, "\n");
		}
	return map_text;
}

const char *
bed_paths(struct bed *b, unsigned n, unsigned level, uint32_t pos)
{
	struct text t = { map_text, sizeof(map_text), 0 };
	const struct dest *d = map_find(b->node[n].q, (struct coord){ (uint8_t)level, pos });

	map_text[0] = '\0';
	if (d != NULL)
		say_dest(b, &t, d);
	return map_text;
}

const char *
bed_nodes(struct bed *b, unsigned n)
{
	struct text t = { map_text, sizeof(map_text), 0 };

	for (unsigned i = 0; i <= b->node[n].q->levels; i++)
		say(&t, "%s%" PRIu32, i > 0 ? "," : "", b->node[n].q->nodes[i]);
	return map_text;
}

const char *
bed_ids(struct bed *b, unsigned n)
{
	struct text t = { map_text, sizeof(map_text), 0 };

	for (unsigned i = 0; i <= b->node[n].q->levels; i++)
		say(&t, "%s%" PRIu64, i > 0 ? "," : "", b->node[n].q->fp[i].id);
	return map_text;
}

static void
say_etp_path(struct bed *b, struct text *t, const struct peer_etp *m, const struct peer_path *p)
{
	for (size_t i = 0; i < p->hops.n; i++)
		say_hop(t, p->hops.v[i].level, p->hops.v[i].pos);
	say(t, " / ");
	for (size_t i = 0; i < p->arcs.n; i++)
		say(t, "%s%s", i > 0 ? "," : "", arc_name(b, p->arcs.v[i]));
	if (p->cost_kind == PEER_COST_DEAD)
		say(t, " / dead");
	else
		say(t, " / %" PRIu64, p->cost);
	say(t, " / fp %" PRIu64 " / nn %" PRIu32 " / ", m->reports.v[p->fp].id, p->nodes);
	for (size_t i = 0; i < m->sender.pos.n; i++)
		say(t, "%s", (p->ignore >> i & 1) != 0 ? "T" : "F");
}

static void
say_mark(struct text *t, const char *what, const struct peer_mark *m)
{
	say(t, "\n%s ", what);
	say_hop(t, m->to.level, m->to.pos);
	say(t, " / %" PRIu32, m->sum);
}

void
bed_etp_print(struct bed *b, const struct peer_msg *msg, char *buf, size_t size)
{
	const struct peer_etp *m = &msg->etp;
	struct text t = { buf, size, 0 };

	say(&t, "%s node ", m->full ? "full" : "part");
	for (size_t i = m->sender.pos.n; i-- > 0; )
		say(&t, "%" PRIu32 "%s", m->sender.pos.v[i], i > 0 ? "." : "");
	say(&t, " fps ");
	for (size_t i = 0; i < m->fps.n; i++)
		say(&t, "%s%" PRIu64, i > 0 ? "," : "", m->fps.v[i].id);
	say(&t, " nn ");
	for (size_t i = 0; i < m->nodes.n; i++)
		say(&t, "%s%" PRIu32, i > 0 ? "," : "", m->nodes.v[i]);
	say(&t, " hops ");
	for (size_t i = 0; i < m->hops.n; i++)
		say_hop(&t, m->hops.v[i].level, m->hops.v[i].pos);
	for (size_t i = 0; i < m->paths.n; i++) {
		say(&t, "\n");
		say_etp_path(b, &t, m, &m->paths.v[i]);
	}
	for (size_t i = 0; i < m->insides.n; i++) {
		say_mark(&t, "inside", &m->insides.v[i].path);
		say(&t, " / nn %" PRIu32, m->insides.v[i].nodes);
	}
	for (size_t i = 0; i < m->gone.n; i++)
		say_mark(&t, "gone", &m->gone.v[i]);
}

/* --- what is sent ----------------------------------------------------------------- */

static bool
before(const struct bed_event *x, const struct bed_event *y)
{
	return x->when != y->when ? x->when < y->when : x->number < y->number;
}

static void
event_push(struct bed *b, struct bed_event e)
{
	size_t i;

	if (b->n_events == b->events_size) {
		b->events_size = b->events_size == 0 ? 256 : 2 * b->events_size;
		b->event = realloc(b->event, b->events_size * sizeof(e));
		if (b->event == NULL)
			abort();
	}
	for (i = b->n_events++; i > 0 && before(&e, &b->event[(i - 1) / 2]); i = (i - 1) / 2)
		b->event[i] = b->event[(i - 1) / 2];
	b->event[i] = e;
}

static struct bed_event
event_pop(struct bed *b)
{
	struct bed_event first = b->event[0], last = b->event[--b->n_events];
	size_t i = 0;

	for (;;) {
		size_t c = 2 * i + 1;

		if (c + 1 < b->n_events && before(&b->event[c + 1], &b->event[c]))
			c++;
		if (c >= b->n_events || !before(&b->event[c], &last))
			break;
		b->event[i] = b->event[c];
		i = c;
	}
	if (b->n_events > 0)
		b->event[i] = last;
	return first;
}

/* Arc numbers: link 3 has 7 at its first node and 8 at its second. */
uint32_t
bed_arc(const struct bed *b, unsigned link, unsigned node)
{
	return 2 * link + 1 + (b->link[link].node[1] == node);
}

static void
record(struct bed *b, unsigned from, unsigned to, const struct qspn_action *a)
{
	char buf[BED_MAP] = "";
	struct bed_said *s;

	if (a->msg == NULL || qspn_msg_get(a->msg)->type != PEER_etp || !b->record)
		return;
	if (b->n_said == b->said_size) {
		b->said_size = b->said_size == 0 ? 64 : 2 * b->said_size;
		b->said = realloc(b->said, b->said_size * sizeof(*b->said));
		if (b->said == NULL)
			abort();
	}
	bed_etp_print(b, qspn_msg_get(a->msg), buf, sizeof(buf));
	s = &b->said[b->n_said++];
	*s = (struct bed_said){ b->now, from, to, a->kind, strdup(buf) };
}

const char *
bed_said(struct bed *b, unsigned x, unsigned y, enum qspn_action_kind kind, unsigned i)
{
	for (size_t j = 0; j < b->n_said; j++)
		if (b->said[j].from == x && b->said[j].to == y && b->said[j].kind == kind && i-- == 0)
			return b->said[j].text;
	return "";
}

static void
transmit(struct bed *b, const struct qspn_action *a)
{
	unsigned link = (a->arc - 1) / 2, side = (a->arc - 1) % 2;
	struct bed_link *l;
	struct bed_event e = { .number = b->n_made++, .link = link, .side = 1 - side,
	    .kind = a->kind, .call = a->call, .msg = a->msg };

	/* An arc that the test plays itself is no link. */
	if (link >= b->n_links || (a->kind == QSPN_SEND && ++b->n_sent == b->drop))
		return;
	l = &b->link[link];
	record(b, l->node[side], l->node[1 - side], a);
	e.when = b->now + l->cost / 2;
	if (e.when < l->last[side])
		e.when = l->last[side];
	l->last[side] = e.when;
	e.give_up = e.when + 10 * SECOND;
	if (e.msg != NULL)
		qspn_msg_ref(e.msg);
	event_push(b, e);
}

/* --- signals ------------------------------------------------------------------------ */

static void
note(struct bed *b, unsigned n, const struct qspn_action *a)
{
	struct bed_node *x = &b->node[n];
	struct text t = { x->events, sizeof(x->events), strlen(x->events) };

	switch (a->kind) {
	case QSPN_ARC_REMOVED:
		x->arcs_removed++;
		x->bad_links += a->bad_link;
		say(&t, "a%s ", a->bad_link ? "!" : "");
		break;
	case QSPN_BOOTSTRAPPED:
		x->bootstrapped++;
		x->timed_out += a->timed_out;
		say(&t, "boot%s ", a->timed_out ? "!" : "");
		break;
	case QSPN_PRESENT:
		x->present++;
		say(&t, "present ");
		break;
	case QSPN_DEST_ADDED:
		x->dest_added++;
		say(&t, "+(%u,%" PRIu32 ") ", a->dest.level, a->dest.pos);
		break;
	case QSPN_DEST_REMOVED:
		x->dest_removed++;
		say(&t, "-(%u,%" PRIu32 ") ", a->dest.level, a->dest.pos);
		break;
	case QSPN_PATHS_CHANGED:
		x->paths_added += a->added;
		x->paths_changed += a->changed;
		x->paths_removed += a->removed;
		say(&t, "p(%u,%" PRIu32 ")+%u~%u-%u ", a->dest.level, a->dest.pos, a->added, a->changed,
		    a->removed);
		break;
	case QSPN_FINGERPRINT:
		x->fingerprints++;
		say(&t, "f%u ", a->level);
		break;
	case QSPN_NODES_INSIDE:
		x->nodes_inside++;
		say(&t, "n%u ", a->level);
		break;
	case QSPN_SPLIT:
		say(&t, "split[%" PRIu64 " %s (%u,%" PRIu32 ") %" PRIu64 "] ", b->now,
		    arc_name(b, arc_find(x->q, a->arc)->id), a->dest.level, a->dest.pos,
		    a->fingerprint.id);
		break;
	case QSPN_REMOVE_IDENTITY:
		x->removed++;
		say(&t, "remove ");
		break;
	default:
		transmit(b, a);
	}
}

static void
check(struct bed *b, unsigned n)
{
	char why[200] = "";

	if (!b->checked || b->broken || b->node[n].q == NULL)
		return;
	b->broken = !qspn_invariant(b->node[n].q, why, sizeof(why));
	if (b->broken)
		tap_note("node %c at %" PRIu64 ": %s", b->node[n].name, b->now, why);
	CU_ASSERT_FALSE(b->broken);
	CU_ASSERT_FALSE(qspn_failed(b->node[n].q));
}

static void
take(struct bed *b, unsigned n)
{
	for (size_t i = 0; i < out.n; i++)
		note(b, n, &out.v[i]);
	qspn_out_empty(&out);
	check(b, n);
}

struct qspn_out *
bed_out(struct bed *b)
{
	(void)b;
	return &out;
}

void
bed_done(struct bed *b, unsigned n)
{
	take(b, n);
}

void
bed_forget(struct bed *b)
{
	for (unsigned i = 0; i < b->n_nodes; i++)
		b->node[i] = (struct bed_node){ .name = b->node[i].name, .q = b->node[i].q };
	for (size_t i = 0; i < b->n_said; i++)
		free(b->said[i].text);
	b->n_said = 0;
	b->n_sent = 0;
}

/* --- making ------------------------------------------------------------------------- */

void
bed_init(struct bed *b, const char *topo, uint64_t seed)
{
	struct topo t;
	char why[100];

	memset(b, 0, sizeof(*b));
	if (!topo_parse(topo, &t, why, sizeof(why)))
		abort();
	qspn_params_default(&b->p, &t);
	b->p.amendments &= ~(uint32_t)QSPN_A4_PACING;
	b->checked = true;
	rng_init(&b->rng, seed);
	qspn_out_init(&out);
}

void
bed_free(struct bed *b)
{
	for (unsigned i = 0; i < b->n_nodes; i++)
		qspn_free(b->node[i].q);
	while (b->n_events > 0) {
		struct bed_event e = event_pop(b);

		if (e.msg != NULL)
			qspn_msg_unref(e.msg);
	}
	bed_forget(b);
	free(b->said);
	free(b->event);
	qspn_out_free(&out);
}

unsigned
bed_reserve(struct bed *b, char name)
{
	if (b->n_nodes == BED_NODES)
		abort();
	b->node[b->n_nodes].name = name;
	return b->n_nodes++;
}

static struct rng
fork_rng(struct bed *b)
{
	struct rng r;

	rng_init(&r, rng_u64(&b->rng));
	return r;
}

static struct naddr
address(const struct bed *b, const char *text)
{
	struct naddr a;
	char why[100];

	if (!naddr_parse(&b->p.topo, text, &a, why, sizeof(why)))
		abort();
	return a;
}

unsigned
bed_node(struct bed *b, char name, const char *text, uint64_t id, const int32_t *eld)
{
	unsigned n = bed_reserve(b, name);
	struct naddr a = address(b, text);
	struct fingerprint fp = fingerprint_node(b->p.topo.levels, id, eld);
	struct rng r = fork_rng(b);

	b->node[n].q = qspn_create_net(&b->p, &r, b->now, &a, &fp, &out);
	take(b, n);
	return n;
}

unsigned
bed_plain(struct bed *b, char name, const char *text)
{
	struct naddr a = address(b, text);
	int32_t eld[TOPO_LEVELS];

	for (unsigned i = 0; i < b->p.topo.levels; i++)
		eld[i] = (int32_t)a.pos[i];
	return bed_node(b, name, text, b->n_nodes + 1, eld);
}

unsigned
bed_wire(struct bed *b, unsigned x, unsigned y, uint64_t cost)
{
	if (b->n_links == BED_LINKS)
		abort();
	b->link[b->n_links] = (struct bed_link){ .node = { x, y }, .cost = cost, .up = true };
	return b->n_links++;
}

static void
name_arc(struct bed *b, unsigned link, unsigned side)
{
	struct bed_link *l = &b->link[link];
	const struct arc *a = arc_find(b->node[l->node[side]].q, 2 * link + 1 + side);
	char name[8] = { b->node[l->node[side]].name, b->node[l->node[1 - side]].name };

	if (a == NULL || strcmp(arc_name(b, a->id), "??") != 0)
		return;
	for (unsigned i = 0; i < b->n_names; i++)
		if (strcmp(b->arc_name[i].name, name) == 0 && strlen(name) < sizeof(name) - 1)
			strcat(name, "'");
	b->arc_name[b->n_names].id = a->id;
	strcpy(b->arc_name[b->n_names++].name, name);
}

void
bed_arc_add(struct bed *b, unsigned link, unsigned node)
{
	unsigned side = b->link[link].node[1] == node;

	qspn_arc_add(b->node[node].q, b->now, 2 * link + 1 + side, b->link[link].cost, &out);
	name_arc(b, link, side);
	take(b, node);
}

void
bed_arc_remove(struct bed *b, unsigned link, unsigned node)
{
	if (b->node[node].q == NULL)
		return;
	qspn_arc_remove(b->node[node].q, b->now, bed_arc(b, link, node), &out);
	take(b, node);
}

unsigned
bed_link(struct bed *b, unsigned x, unsigned y, uint64_t cost)
{
	unsigned l = bed_wire(b, x, y, cost);

	bed_arc_add(b, l, x);
	bed_arc_add(b, l, y);
	return l;
}

void
bed_cut(struct bed *b, unsigned link)
{
	b->link[link].up = false;
	bed_arc_remove(b, link, b->link[link].node[0]);
	bed_arc_remove(b, link, b->link[link].node[1]);
}

void
bed_cost(struct bed *b, unsigned link, uint64_t cost)
{
	struct bed_link *l = &b->link[link];

	l->cost = cost;
	for (unsigned side = 0; side < 2; side++) {
		qspn_arc_changed(b->node[l->node[side]].q, b->now, 2 * link + 1 + side, cost, &out);
		take(b, l->node[side]);
	}
}

void
bed_kill(struct bed *b, unsigned n)
{
	qspn_free(b->node[n].q);
	b->node[n].q = NULL;
	for (unsigned i = 0; i < b->n_links; i++)
		if (b->link[i].node[0] == n || b->link[i].node[1] == n)
			b->link[i].up = false;
}

void
bed_enter(struct bed *b, unsigned n, unsigned prev, const struct bed_entry *e)
{
	struct qspn_internal_arc in[8];
	struct qspn_external_arc ex[8];
	struct qspn_entry q = { .address = address(b, e->address), .guest_level = e->guest,
	    .host_level = e->host, .internal = in, .n_internal = e->n_internal, .external = ex,
	    .n_external = e->n_external };
	struct rng r = fork_rng(b);
	const char *err = NULL;

	q.fp0 = fingerprint_node(b->p.topo.levels, b->node[prev].q->fp[0].id, e->eld);
	for (size_t i = 0; i < e->n_internal; i++)
		in[i] = (struct qspn_internal_arc){ bed_arc(b, e->internal[i][0], n),
		    bed_arc(b, e->internal[i][1], prev), b->link[e->internal[i][0]].cost,
		    address(b, e->internal_peer[i]) };
	for (size_t i = 0; i < e->n_external; i++)
		ex[i] = (struct qspn_external_arc){ bed_arc(b, e->external[i], n),
		    b->link[e->external[i]].cost };
	b->node[n].q = qspn_enter_net(&b->p, &r, b->now, b->node[prev].q, &q, &out, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->node[n].q);
	for (size_t i = 0; i < e->n_external; i++)
		name_arc(b, e->external[i], b->link[e->external[i]].node[1] == n);
	take(b, n);
}

/* --- messages by hand --------------------------------------------------------------------- */

static void
fp_fill(struct peer_fp *f, unsigned levels, unsigned level, uint64_t id, int32_t *eld,
    int32_t *seed, int32_t eldership)
{
	for (unsigned i = 0; i < levels; i++)
		eld[i] = seed[i] = eldership;
	*f = (struct peer_fp){ .id = id, .level = (uint8_t)level,
	    .eld = { eld, (uint16_t)(levels - level) }, .seed = { seed, (uint16_t)level } };
}

void
bed_etp(const struct bed *b, struct bed_etp *e, const char *text, uint64_t id, bool full,
    uint64_t seq)
{
	uint16_t l = b->p.topo.levels;
	struct naddr a = address(b, text);

	memset(e, 0, sizeof(*e));
	e->msg.type = PEER_etp;
	e->m = &e->msg.etp;
	memcpy(e->gexp, b->p.topo.gexp, sizeof(e->gexp));
	memcpy(e->pos, a.pos, sizeof(e->pos));
	for (unsigned i = 0; i <= l; i++) {
		fp_fill(&e->fps[i], l, i, id, e->eld[i], e->seed[i], 1);
		e->nodes[i] = 1;
	}
	*e->m = (struct peer_etp){ .incarnation = id, .seq = seq, .full = full,
	    .sender = { { e->gexp, l }, { e->pos, l } }, .fps = { e->fps, l }, .nodes = { e->nodes, l },
	    .hops = { e->own_hops, 0 }, .reports = { e->reports, 0 }, .paths = { e->paths, 0 } };
}

struct peer_path *
bed_etp_path(const struct bed *b, struct bed_etp *e, const char *hops, const char *arcs,
    uint64_t cost, uint64_t fp, int32_t seed, uint32_t nodes)
{
	unsigned i = e->m->paths.n, n = 0, level = 0;
	struct peer_path *p = &e->paths[i];
	char *end;

	for (const char *s = hops; *s != '\0'; s = end) {
		level = (unsigned)strtoul(s, &end, 10);
		e->hops[i][n].level = (uint8_t)level;
		e->hops[i][n++].pos = (uint32_t)strtoul(end + 1, &end, 10);
	}
	p->hops.v = e->hops[i];
	p->hops.n = (uint16_t)n;
	n = 0;
	for (const char *s = arcs; *s != '\0'; s = end)
		e->arcs[i][n++] = (uint32_t)strtoul(s, &end, 10);
	p->arcs.v = e->arcs[i];
	p->arcs.n = (uint16_t)n;
	cost_write(cost, &p->cost_kind, &p->cost);
	p->fp = i;
	p->nodes = nodes;
	p->ignore = ((UINT32_C(1) << b->p.topo.levels) - 1) & ~((UINT32_C(2) << level) - 1);
	fp_fill(&e->reports[i], b->p.topo.levels, level, fp, e->report_eld[i], e->report_seed[i], seed);
	e->m->paths.n = e->m->reports.n = (uint16_t)(i + 1);
	return p;
}

void
bed_receive(struct bed *b, unsigned n, uint32_t arc, const struct bed_etp *e)
{
	qspn_receive(b->node[n].q, b->now, arc, 0, &e->msg, &out);
	take(b, n);
}

/* --- time ------------------------------------------------------------------------------ */

static bool
is_answer(const struct bed_event *e)
{
	return e->kind == QSPN_RESULT || e->kind == QSPN_ERROR;
}

static void
hand_over(struct bed *b, const struct bed_event *e, unsigned n, uint32_t arc)
{
	struct qspn *q = b->node[n].q;
	const struct peer_msg *m = e->msg == NULL ? NULL : qspn_msg_get(e->msg);

	if (!is_answer(e))
		qspn_receive(q, b->now, arc, e->call, m, &out);
	else
		qspn_answer(q, b->now, arc, e->call, e->kind == QSPN_ERROR ? QSPN_PEER_FAILED :
		    m == NULL ? QSPN_BUSY : QSPN_ANSWERED, m, &out);
	take(b, n);
}

static void
deliver(struct bed *b, struct bed_event *e)
{
	const struct bed_link *l = &b->link[e->link];
	unsigned n = l->node[e->side];
	uint32_t arc = 2 * e->link + 1 + e->side;

	if (!l->up)
		return;
	if (b->node[n].q != NULL && (is_answer(e) || arc_find(b->node[n].q, arc) != NULL)) {
		hand_over(b, e, n, arc);
	} else if (b->now < e->give_up) {
		struct bed_event later = *e;

		later.when = b->now + MS;
		if (later.msg != NULL)
			qspn_msg_ref(later.msg);
		event_push(b, later);
	} else if (b->node[n].q != NULL) {
		hand_over(b, e, n, arc);
	}
}

static uint64_t
next_time(const struct bed *b)
{
	uint64_t when = b->n_events > 0 ? b->event[0].when : NEVER;

	for (unsigned i = 0; i < b->n_nodes; i++)
		if (b->node[i].q != NULL && qspn_deadline(b->node[i].q) < when)
			when = qspn_deadline(b->node[i].q);
	return when;
}

/* Everything of one moment: messages in the order of sending, then timers by node. */
static void
step(struct bed *b, uint64_t when)
{
	b->now = when > b->now ? when : b->now;
	while (b->n_events > 0 && b->event[0].when <= b->now) {
		struct bed_event e = event_pop(b);

		deliver(b, &e);
		if (e.msg != NULL)
			qspn_msg_unref(e.msg);
	}
	for (unsigned i = 0; i < b->n_nodes; i++)
		if (b->node[i].q != NULL && qspn_deadline(b->node[i].q) <= b->now) {
			qspn_tick(b->node[i].q, b->now, &out);
			take(b, i);
		}
}

void
bed_run(struct bed *b, uint64_t us)
{
	uint64_t end = b->now + us;

	while (next_time(b) <= end)
		step(b, next_time(b));
	b->now = end;
}

static bool
is_quiet(const struct bed *b)
{
	for (unsigned i = 0; i < b->n_nodes; i++)
		if (b->node[i].q != NULL && !qspn_is_quiet(b->node[i].q))
			return false;
	return b->n_events == 0;
}

bool
bed_settle(struct bed *b)
{
	uint64_t end = b->now + 2000 * SECOND;

	while (!is_quiet(b)) {
		uint64_t when = next_time(b);

		if (when == NEVER || when > end)
			return false;
		step(b, when);
	}
	return true;
}

bool
bed_agree(const struct bed *b)
{
	char why[200];

	for (unsigned i = 0; i < b->n_links; i++)
		for (unsigned side = 0; side < 2 && b->link[i].up; side++) {
			unsigned x = b->link[i].node[side], y = b->link[i].node[!side];

			if (b->node[x].q == NULL || b->node[y].q == NULL ||
			    qspn_agree(b->node[x].q, bed_arc(b, i, x), b->node[y].q, bed_arc(b, i, y), why,
			    sizeof(why)))
				continue;
			tap_note("what %c tells %c: %s", b->node[x].name, b->node[y].name, why);
			return false;
		}
	return true;
}
