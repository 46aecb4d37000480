/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/identbed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"

enum event_kind {
	EV_MESSAGE,		/* arrives */
	EV_FAIL,		/* the end of a call over a cut link */
	EV_ARC_GONE,
	EV_ARC_UP,
	EV_NS_MADE,
	EV_NS_REFUSED,
	EV_NS_COMPLETE,
	EV_NS_GONE,
	EV_DUPLICATE,
};

struct ibed_event {
	uint64_t when;
	uint64_t seq;
	enum event_kind kind;
	unsigned s;		/* whom it is for */
	unsigned link;
	uint32_t life;
	uint8_t type;		/* of a message, and its kind */
	uint8_t what;
	uint8_t error;
	uint32_t call;
	uint8_t *body;
	size_t size;
	unsigned ns;
	uint32_t index, migration;
};

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void __attribute__((format(printf, 2, 3)))
wrong(struct ibed *b, const char *fmt, ...)
{
	va_list ap;

	if (b->why[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
}

static uint64_t
between(struct ibed *b, uint64_t min, uint64_t max)
{
	return min + (max > min ? rng_u64(&b->rng) % (max - min + 1) : 0);
}

/* --- events: a heap by time, then by number --------------------------------------------- */

static bool
before(const struct ibed_event *a, const struct ibed_event *b)
{
	return a->when != b->when ? a->when < b->when : a->seq < b->seq;
}

static void
event_add(struct ibed *b, struct ibed_event e)
{
	struct ibed_event *v;
	size_t i = b->n_events;

	v = b->event = need(grow(b->event, b->n_events, 1, &b->events_size, sizeof(*v)));
	e.seq = b->seq++;
	b->n_events++;
	while (i > 0 && before(&e, &v[(i - 1) / 2])) {
		v[i] = v[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	v[i] = e;
}

static struct ibed_event
event_take(struct ibed *b)
{
	struct ibed_event *v = b->event, first = v[0], last = v[--b->n_events];
	size_t i = 0;

	for (size_t c = 1; c < b->n_events; c = 2 * i + 1) {
		if (c + 1 < b->n_events && before(&v[c + 1], &v[c]))
			c++;
		if (!before(&v[c], &last))
			break;
		v[i] = v[c];
		i = c;
	}
	v[i] = last;
	return first;
}

/* --- names and places --------------------------------------------------------------------- */

static void
name_add(struct ibed *b, unsigned s, uint32_t id, uint32_t index)
{
	for (unsigned i = 0; i < b->n_names; i++)
		if (b->name_id[i] == id)
			return;
	if (b->n_names == IBED_NAMES)
		return;
	b->name_id[b->n_names] = id;
	snprintf(b->name[b->n_names++], sizeof(b->name[0]), "%c%u", 'a' + (int)s, index % 10000);
}

static void
names_learn(struct ibed *b, unsigned s)
{
	for (size_t i = 0; i < ident_identities(b->s[s].x); i++) {
		struct ident_identity id = ident_identity_at(b->s[s].x, i);

		name_add(b, s, id.id, id.index);
	}
}

const char *
ibed_name(const struct ibed *b, uint32_t id)
{
	for (unsigned i = 0; i < b->n_names; i++)
		if (b->name_id[i] == id)
			return b->name[i];
	return "?";
}

uint32_t
ibed_id(const struct ibed *b, const char *name)
{
	for (unsigned i = 0; i < b->n_names; i++)
		if (strcmp(b->name[i], name) == 0)
			return b->name_id[i];
	return 0;
}

/* "R", "P3": where on which system LINKLOCAL, with MAC unless NULL, is. */
static const char *
place(const struct ibed *b, ntk_ip_t linklocal, const ntk_mac_t *mac, unsigned *system)
{
	static char text[16];

	for (unsigned s = 0; s < b->n; s++) {
		*system = s;
		for (unsigned d = 0; d < CONF_INTERFACES; d++)
			if (linklocal != 0 && b->s[s].linklocal[d] == linklocal &&
			    (mac == NULL || mac_cmp(b->s[s].mac[d], *mac) == 0))
				return "R";
		for (unsigned p = 0; p < b->s[s].n_places; p++)
			for (unsigned d = 0; d < CONF_INTERFACES; d++) {
				const struct ident_nic *nic = &b->s[s].place[p].nic[d];

				if (!nic->present || nic->linklocal != linklocal ||
				    (mac != NULL && mac_cmp(nic->mac, *mac) != 0))
					continue;
				snprintf(text, sizeof(text), "P%u", p);
				return text;
			}
	}
	*system = 0;
	return "?";
}

static struct ibed_place *
place_of_ns(struct ibed *b, unsigned s, unsigned ns)
{
	for (unsigned p = b->s[s].n_places; p-- > 0; )
		if (b->s[s].place[p].ns == ns && !b->s[s].place[p].gone)
			return &b->s[s].place[p];
	return NULL;
}

/* --- what a manager wants --------------------------------------------------------------------- */

static unsigned
link_of(const struct ibed *b, unsigned s, uint32_t arc, unsigned *side)
{
	for (unsigned l = 0; l < b->n_links; l++)
		for (*side = 0; *side < 2; ++*side)
			if (b->link[l].system[*side] == s && b->link[l].arc[*side] == arc)
				return l;
	return IBED_LINKS;
}

static void __attribute__((format(printf, 3, 4)))
note(struct ibed *b, unsigned s, const char *fmt, ...)
{
	char *log = b->s[s].log;
	size_t len = strlen(log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(log + len, IBED_TEXT - len, fmt, ap);
	va_end(ap);
}

static const char *
iarc_text(const struct ibed *b, const struct ident_iarc *i)
{
	static char text[64];
	unsigned system;

	snprintf(text, sizeof(text), "%s-%s@%s", ibed_name(b, i->id), ibed_name(b, i->peer),
	    place(b, i->peer_linklocal, &i->peer_mac, &system));
	return text;
}

static void
note_added(struct ibed *b, unsigned s, const struct ident_iarc *i)
{
	struct ident_iarc prev;

	note(b, s, "added %s", iarc_text(b, i));
	if (i->prev == 0 || !ident_iarc(b->s[s].x, i->prev, &prev))
		note(b, s, " ");
	else
		note(b, s, "(%s-%s%s) ", ibed_name(b, prev.id), ibed_name(b, prev.peer),
		    i->both ? " both" : "");
}

static enum peer_kind
kind_of(enum ident_action_kind kind)
{
	switch (kind) {
	case IDENT_CALL:
		return PEER_CALL;
	case IDENT_RESULT:
		return PEER_RESULT;
	case IDENT_ERROR:
		return PEER_ERROR;
	default:
		return PEER_WAIT;
	}
}

/*
 * It leaves after the kernel, in the order of decisions; then it takes its time.  Over a link that
 * is cut a call fails.
 */
static void
send(struct ibed *b, unsigned s, const struct ident_action *a, uint64_t leaves)
{
	unsigned side, l = link_of(b, s, a->arc, &side);
	struct ibed_event e = { .kind = EV_MESSAGE, .call = a->call, .error = a->error };
	struct ibed_link *k = &b->link[l];
	struct wr w;

	if (l == IBED_LINKS)
		return;
	e.link = l;
	e.life = k->life;
	e.what = (uint8_t)kind_of(a->kind);
	if (a->kind == IDENT_CALL && a->msg->type < 16)
		b->s[s].calls[a->msg->type]++;
	if (!k->up) {
		if (a->kind != IDENT_CALL)
			return;
		e.kind = EV_FAIL;
		e.s = s;
		e.when = leaves + between(b, 0, 1000000);
		event_add(b, e);
		return;
	}
	if (a->msg != NULL) {
		e.type = a->msg->type;
		e.size = peer_msg_size(a->msg);
		e.body = need(malloc(e.size + 1));
		wr_init(&w, e.body, e.size);
		peer_msg_write(a->msg, &w);
		if (!wr_ok(&w))
			wrong(b, "a message that cannot be encoded");
	}
	e.s = k->system[1 - side];
	e.when = leaves + between(b, b->pace.net_min, b->pace.net_max);
	if (e.when < k->last[1 - side])
		e.when = k->last[1 - side];
	k->last[1 - side] = e.when;
	b->messages++;
	event_add(b, e);
}

static void
kernel_event(struct ibed *b, unsigned s, enum event_kind kind, unsigned ns)
{
	event_add(b, (struct ibed_event){ .kind = kind, .s = s, .ns = ns,
	    .when = b->now + between(b, b->pace.kernel_min, b->pace.kernel_max) });
}

static void
ns_make(struct ibed *b, unsigned s, unsigned ns)
{
	struct ibed_system *y = &b->s[s];
	struct ibed_place *p;
	struct ident_ns wanted;

	if (y->n_places == IBED_PLACES)
		abort();
	p = &y->place[y->n_places];
	if (!ident_ns(y->x, ns, &wanted) || wanted.made)
		wrong(b, "%c makes namespace %u, which is no new one", 'a' + (int)s, ns);
	if (place_of_ns(b, s, ns) != NULL)
		wrong(b, "%c makes namespace %u, which is there", 'a' + (int)s, ns);
	p->ns = ns;
	memcpy(p->nic, wanted.nic, sizeof(p->nic));
	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		p->nic[d].mac = (ntk_mac_t){ { 0x4e, 0xa0, (uint8_t)s, (uint8_t)(y->n_places >> 8),
		    (uint8_t)y->n_places, (uint8_t)d } };
	y->n_places++;
	kernel_event(b, s,
	    rng_below(&b->rng, 1000) < b->pace.refuse ? EV_NS_REFUSED : EV_NS_MADE, ns);
}

static void
link_down(struct ibed *b, unsigned l)
{
	struct ibed_link *k = &b->link[l];

	if (!k->up)
		return;
	k->up = false;
	k->life++;
	for (unsigned side = 0; side < 2; side++)
		event_add(b, (struct ibed_event){ .kind = EV_ARC_GONE, .s = k->system[side],
		    .link = l, .life = k->life, .when = b->now + between(b, 0, 2000000) });
	if (b->relink)
		event_add(b, (struct ibed_event){ .kind = EV_ARC_UP, .link = l, .life = k->life,
		    .when = b->now + between(b, 2000001, 5000000) });
}

static void
act(struct ibed *b, unsigned s, const struct ident_action *a, uint64_t leaves)
{
	struct ibed_system *y = &b->s[s];
	unsigned side, l;

	switch (a->kind) {
	case IDENT_CALL:
	case IDENT_RESULT:
	case IDENT_ERROR:
	case IDENT_WAIT:
		send(b, s, a, leaves);
		return;
	case IDENT_NS_MAKE:
		ns_make(b, s, a->ns);
		return;
	case IDENT_NS_DROP:
		kernel_event(b, s, EV_NS_GONE, a->ns);
		return;
	case IDENT_DUPLICATED:
		names_learn(b, s);
		if (b->n_dups < IBED_NAMES)
			b->dup[b->n_dups++] = (struct ibed_dup){ s, a->migration, a->id, a->other };
		note(b, s, "duplicated %s-%s ", ibed_name(b, a->id), ibed_name(b, a->other));
		kernel_event(b, s, EV_NS_COMPLETE, a->ns);
		return;
	case IDENT_COMPLETE:
		y->complete++;
		note(b, s, "complete %s-%s ", ibed_name(b, a->id), ibed_name(b, a->other));
		return;
	case IDENT_SETTLED:
		y->settled++;
		return;
	case IDENT_GIVEN_UP:
		y->given_up++;
		note(b, s, "given-up %s%s ", ibed_name(b, a->id), a->expired ? " expired" : "");
		return;
	case IDENT_REMOVED:
		y->removed++;
		note(b, s, "gone %s ", ibed_name(b, a->id));
		return;
	case IDENT_WITHOUT_NICS:
		y->without_nics++;
		note(b, s, "without-nics %s ", ibed_name(b, a->id));
		return;
	case IDENT_IARC_ADDED:
		note_added(b, s, &a->iarc);
		return;
	case IDENT_IARC_CHANGED:
		note(b, s, "changed %s%s ", iarc_text(b, &a->iarc),
		    a->only_neighbour ? "" : " both");
		return;
	case IDENT_IARC_REMOVING:
		note(b, s, "removing %s ", iarc_text(b, &a->iarc));
		return;
	case IDENT_IARC_REMOVED:
		note(b, s, "removed %s ", iarc_text(b, &a->iarc));
		return;
	case IDENT_ARC_BROKEN:
		y->broken++;
		note(b, s, "broken ");
		l = link_of(b, s, a->arc, &side);
		if (l != IBED_LINKS)
			link_down(b, l);
		return;
	}
	wrong(b, "an unknown action");
}

/* After a call of S's manager. */
static void
done(struct ibed *b, unsigned s, struct ident_out *out)
{
	struct ibed_system *y = &b->s[s];
	uint64_t leaves = b->now + between(b, b->pace.kernel_min, b->pace.kernel_max);
	char why[256];

	if (ident_failed(y->x))
		abort();
	if (!ident_invariant(y->x, why, sizeof(why)))
		wrong(b, "%c: %s", 'a' + (int)s, why);
	/* As the daemon does: nothing overtakes what an earlier event sends. */
	if (leaves < y->sent_last)
		leaves = y->sent_last;
	if (out->n != 0)
		y->sent_last = leaves;
	for (size_t i = 0; i < out->n; i++)
		act(b, s, &out->v[i], leaves);
	ident_out_free(out);
}

/*
 * --- what happens
 * -------------------------------------------------------------------------------
 */

static void
arc_up(struct ibed *b, unsigned l)
{
	struct ibed_link *k = &b->link[l];

	k->up = true;
	k->life++;
	for (unsigned side = 0; side < 2; side++) {
		struct ibed_system *y = &b->s[k->system[side]];
		unsigned o = 1 - side;
		struct ident_out out;

		ident_out_init(&out);
		k->arc[side] = ++y->next_arc;
		if (!ident_arc_add(y->x, b->now, k->arc[side], k->dev[side],
		    b->s[k->system[o]].mac[k->dev[o]],
		    b->s[k->system[o]].linklocal[k->dev[o]], &out))
			wrong(b, "an arc of %c was refused", 'a' + (int)k->system[side]);
		done(b, k->system[side], &out);
	}
}

static bool
has_devs(const struct ibed *b, unsigned l)
{
	const struct ibed_link *k = &b->link[l];

	return b->s[k->system[0]].linklocal[k->dev[0]] != 0 &&
	    b->s[k->system[1]].linklocal[k->dev[1]] != 0;
}

static void
arc_gone(struct ibed *b, const struct ibed_event *e)
{
	struct ibed_link *k = &b->link[e->link];
	unsigned side = k->system[0] == e->s ? 0 : 1;
	struct ident_out out;

	if (k->life != e->life)
		return;
	ident_out_init(&out);
	ident_arc_remove(b->s[e->s].x, b->now, k->arc[side], &out);
	k->arc[side] = 0;
	done(b, e->s, &out);
}

static bool
decode(struct ibed *b, const struct ibed_event *e, struct peer_msg *m, struct msg_arena *arena)
{
	struct msg_error err;
	struct rd r;

	rd_init(&r, e->body, e->size);
	if (peer_msg_read(e->type, &r, arena, m, &err))
		return true;
	wrong(b, "%s %s %s", err.message, err.field, err.why);
	return false;
}

static void
arrive(struct ibed *b, struct ibed_event *e)
{
	struct ibed_link *k = &b->link[e->link];
	uint32_t arc = k->arc[k->system[0] == e->s ? 0 : 1];
	struct ident *x = b->s[e->s].x;
	struct msg_arena arena = { .size = PEER_EXPANSION * e->size + 256 };
	struct peer_msg m;
	struct ident_out out;

	if (k->life != e->life || b->s[e->s].dead)
		return;
	arena.buf = need(malloc(arena.size));
	ident_out_init(&out);
	if (e->body == NULL || decode(b, e, &m, &arena)) {
		switch (e->what) {
		case PEER_CALL:
			ident_receive(x, b->now, arc, e->call, &m, &out);
			break;
		case PEER_RESULT:
			ident_answer(x, b->now, arc, e->call, IDENT_ANSWERED, 0, &m, &out);
			break;
		case PEER_ERROR:
			ident_answer(x, b->now, arc, e->call, IDENT_REFUSED, e->error, NULL, &out);
			break;
		case PEER_WAIT:
			ident_waiting(x, b->now, arc, e->call, &out);
			break;
		}
	}
	done(b, e->s, &out);
	free(arena.buf);
}

static void
fail(struct ibed *b, const struct ibed_event *e)
{
	struct ibed_link *k = &b->link[e->link];
	struct ident_out out;

	if (k->life != e->life)
		return;
	ident_out_init(&out);
	ident_answer(b->s[e->s].x, b->now, k->arc[k->system[0] == e->s ? 0 : 1], e->call,
	    IDENT_LINK_FAILED, 0, NULL, &out);
	done(b, e->s, &out);
}

static void
kernel(struct ibed *b, const struct ibed_event *e)
{
	struct ibed_system *y = &b->s[e->s];
	struct ibed_place *p = place_of_ns(b, e->s, e->ns);
	ntk_mac_t mac[CONF_INTERFACES];
	struct ident_out out;

	ident_out_init(&out);
	switch (e->kind) {
	case EV_NS_MADE:
		for (unsigned d = 0; d < CONF_INTERFACES; d++)
			mac[d] = p->nic[d].mac;
		ident_ns_made(y->x, b->now, e->ns, mac, &out);
		break;
	case EV_NS_REFUSED:
		p->gone = true;
		ident_ns_refused(y->x, b->now, e->ns, &out);
		break;
	case EV_NS_COMPLETE:
		ident_ns_complete(y->x, b->now, e->ns, &out);
		break;
	default:
		if (p == NULL)
			wrong(b, "%c drops namespace %u, which is not there", 'a' + (int)e->s,
			    e->ns);
		else
			p->gone = true;
		ident_ns_gone(y->x, b->now, e->ns, &out);
		break;
	}
	done(b, e->s, &out);
}

static void
happen(struct ibed *b, struct ibed_event *e)
{
	switch (e->kind) {
	case EV_MESSAGE:
		arrive(b, e);
		break;
	case EV_FAIL:
		fail(b, e);
		break;
	case EV_ARC_GONE:
		arc_gone(b, e);
		break;
	case EV_ARC_UP:
		if (!b->link[e->link].up && b->link[e->link].life == e->life &&
		    has_devs(b, e->link))
			arc_up(b, e->link);
		break;
	case EV_NS_MADE:
	case EV_NS_REFUSED:
	case EV_NS_COMPLETE:
	case EV_NS_GONE:
		/* A stopped kernel: looked at again in a while. */
		if (b->s[e->s].kernel_stopped) {
			e->when = b->now + 10000;
			event_add(b, *e);
			return;
		}
		kernel(b, e);
		break;
	case EV_DUPLICATE:
		/* As the daemon does: again when it is free. */
		if (ibed_duplicate(b, e->s, e->index, e->migration) == IDENT_BUSY)
			ibed_duplicate_at(b, b->now + 100000, e->s, e->index, e->migration);
		break;
	}
	free(e->body);
}

/* The earliest deadline of all systems, and whose. */
static uint64_t
next_deadline(const struct ibed *b, unsigned *s)
{
	uint64_t t = UINT64_MAX;

	for (unsigned i = 0; i < b->n; i++)
		if (ident_deadline(b->s[i].x) < t) {
			t = ident_deadline(b->s[i].x);
			*s = i;
		}
	return t;
}

static void
step(struct ibed *b)
{
	unsigned s = 0;
	uint64_t t = next_deadline(b, &s);
	struct ident_out out;
	struct ibed_event e;

	if (b->n_events != 0 && b->event[0].when <= t) {
		e = event_take(b);
		if (e.when > b->now)
			b->now = e.when;
		happen(b, &e);
		return;
	}
	if (t > b->now)
		b->now = t;
	ident_out_init(&out);
	ident_tick(b->s[s].x, b->now, &out);
	done(b, s, &out);
	if (ident_deadline(b->s[s].x) <= b->now)
		wrong(b, "%c: a tick does not end its deadline", 'a' + (int)s);
}

static uint64_t
next_time(const struct ibed *b)
{
	unsigned s;
	uint64_t t = next_deadline(b, &s);

	return b->n_events != 0 && b->event[0].when < t ? b->event[0].when : t;
}

void
ibed_run(struct ibed *b, uint64_t until)
{
	while (b->why[0] == '\0' && next_time(b) <= until)
		step(b);
	if (until > b->now)
		b->now = until;
}

static bool
is_quiet(const struct ibed *b)
{
	for (unsigned s = 0; s < b->n; s++)
		if (!ident_is_quiet(b->s[s].x))
			return false;
	return b->n_events == 0;
}

bool
ibed_rest(struct ibed *b, uint64_t limit)
{
	uint64_t until = b->now + limit;

	while (b->why[0] == '\0' && !is_quiet(b)) {
		if (next_time(b) > until) {
			wrong(b, "no rest after %llu ms", (unsigned long long)(limit / 1000));
			return false;
		}
		step(b);
	}
	return b->why[0] == '\0';
}

/*
 * --- life and commands
 * ------------------------------------------------------------------------------
 */

/* Link-locals collide so often that the cases in which they do are tests of their own. */
static bool
is_taken(ntk_ip_t linklocal, void *arg)
{
	const struct ibed *b = arg;
	unsigned system;

	if (b->crowded)
		return linklocal % 1021 != 0;
	return place(b, linklocal, NULL, &system)[0] != '?';
}

struct ibed *
ibed_new(unsigned systems, uint64_t seed, const struct ibed_pace *pace)
{
	struct ibed *b = need(calloc(1, sizeof(*b)));

	rng_init(&b->rng, seed);
	ident_params_default(&b->p);
	b->pace = *pace;
	b->n = systems;
	for (unsigned s = 0; s < systems; s++) {
		struct rng rng;

		rng_init(&rng, rng_u64(&b->rng));
		b->s[s].x = need(ident_new(&b->p, &rng, is_taken, b));
		b->s[s].next_arc = 100 * s;
		names_learn(b, s);
	}
	return b;
}

void
ibed_free(struct ibed *b)
{
	for (unsigned s = 0; s < b->n; s++)
		ident_free(b->s[s].x);
	for (size_t i = 0; i < b->n_events; i++)
		free(b->event[i].body);
	free(b->event);
	free(b);
}

void
ibed_dev_add(struct ibed *b, unsigned s, unsigned dev)
{
	struct ibed_system *y = &b->s[s];
	struct ident_out out;

	ident_out_init(&out);
	y->mac[dev] = (ntk_mac_t){ { 0, 0x16, 0x3e, 0, (uint8_t)(0x0a + s), (uint8_t)dev } };
	y->linklocal[dev] = 0xa9fe0000 | (1 + s) << 8 | (1 + dev);
	if (!ident_dev_add(y->x, b->now, dev, y->mac[dev], y->linklocal[dev], &out))
		wrong(b, "device %u of %c was refused", dev, 'a' + (int)s);
	done(b, s, &out);
}

void
ibed_dev_remove(struct ibed *b, unsigned s, unsigned dev)
{
	struct ibed_system *y = &b->s[s];
	struct ident_out out;

	for (unsigned l = 0; l < b->n_links; l++)
		for (unsigned side = 0; side < 2; side++)
			if (b->link[l].system[side] == s && b->link[l].dev[side] == dev)
				link_down(b, l);
	ident_out_init(&out);
	if (!ident_dev_remove(y->x, b->now, dev, &out))
		wrong(b, "%c has no device %u to lose", 'a' + (int)s, dev);
	y->linklocal[dev] = 0;
	done(b, s, &out);
}

unsigned
ibed_link(struct ibed *b, unsigned s, unsigned s_dev, unsigned t, unsigned t_dev)
{
	unsigned l = b->n_links++;

	if (l >= IBED_LINKS)
		abort();
	if (b->s[s].linklocal[s_dev] == 0)
		ibed_dev_add(b, s, s_dev);
	if (b->s[t].linklocal[t_dev] == 0)
		ibed_dev_add(b, t, t_dev);
	b->link[l] = (struct ibed_link){ .system = { s, t }, .dev = { s_dev, t_dev } };
	arc_up(b, l);
	return l;
}

void
ibed_cut(struct ibed *b, unsigned link)
{
	link_down(b, link);
}

void
ibed_again(struct ibed *b, unsigned link)
{
	if (!b->link[link].up)
		arc_up(b, link);
}

static uint32_t
id_at(const struct ibed *b, unsigned s, uint32_t index)
{
	struct ident_identity id;

	return ident_find_index(b->s[s].x, index, &id) ? id.id : 0;
}

enum ident_result
ibed_prepare(struct ibed *b, unsigned s, uint32_t index, uint32_t migration)
{
	struct ident_out out;
	enum ident_result r;

	ident_out_init(&out);
	r = ident_prepare(b->s[s].x, b->now, migration, id_at(b, s, index), &out);
	done(b, s, &out);
	return r;
}

enum ident_result
ibed_duplicate(struct ibed *b, unsigned s, uint32_t index, uint32_t migration)
{
	struct ident_out out;
	enum ident_result r;

	ident_out_init(&out);
	r = ident_duplicate(b->s[s].x, b->now, migration, id_at(b, s, index), NULL, &out);
	done(b, s, &out);
	return r;
}

void
ibed_duplicate_at(struct ibed *b, uint64_t when, unsigned s, uint32_t index, uint32_t migration)
{
	event_add(b, (struct ibed_event){ .kind = EV_DUPLICATE, .when = when, .s = s,
	    .index = index, .migration = migration });
}

enum ident_result
ibed_remove(struct ibed *b, unsigned s, uint32_t index)
{
	struct ident_out out;
	enum ident_result r;

	ident_out_init(&out);
	r = ident_remove(b->s[s].x, b->now, id_at(b, s, index), &out);
	done(b, s, &out);
	return r;
}

enum ident_result
ibed_iarc_remove(struct ibed *b, unsigned link, unsigned s, const char *id, const char *peer)
{
	unsigned side = b->link[link].system[0] == s ? 0 : 1;
	struct ident_out out;
	enum ident_result r;

	ident_out_init(&out);
	r = ident_iarc_remove(b->s[s].x, b->now, b->link[link].arc[side], ibed_id(b, id),
	    ibed_id(b, peer), true, &out);
	done(b, s, &out);
	return r;
}

void
ibed_kernel(struct ibed *b, unsigned s)
{
	b->s[s].kernel_stopped = false;
}

/*
 * --- what there is
 * ------------------------------------------------------------------------------------
 */

enum { IARCS = 1024 };

const char *
ibed_state(struct ibed *b, unsigned s)
{
	static char text[IBED_TEXT];
	static struct ident_iarc v[IARCS];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ident_identities(b->s[s].x); i++) {
		size_t n = ident_iarcs(b->s[s].x, ident_identity_at(b->s[s].x, i).id, v, IARCS);

		for (size_t k = 0; k < n && k < IARCS && len < sizeof(text); k++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s ",
			    iarc_text(b, &v[k]), v[k].principal ? "*" : "",
			    v[k].closing ? "~" : "");
	}
	return text;
}

const char *
ibed_routes(struct ibed *b, unsigned s, uint32_t index)
{
	static char text[IBED_TEXT];
	static struct ident_neighbour v[IARCS];
	size_t len = 0, n = ident_neighbours(b->s[s].x, id_at(b, s, index), v, IARCS);

	text[0] = '\0';
	/* By name, since link-locals are drawn. */
	for (unsigned t = 0; t < b->n; t++)
		for (unsigned at = 0; at <= b->s[t].n_places; at++)
			for (size_t i = 0; i < n && i < IARCS; i++) {
				unsigned system;
				const char *p = place(b, v[i].linklocal, NULL, &system);

				if (system != t || (at == 0) != (p[0] != 'P') ||
				    (at != 0 && (unsigned)atoi(p + 1) != at - 1))
					continue;
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%c%s ",
				    'a' + (int)t, p);
			}
	return text;
}

const char *
ibed_places(struct ibed *b, unsigned s)
{
	static char text[IBED_TEXT];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ident_identities(b->s[s].x); i++) {
		struct ident_identity id = ident_identity_at(b->s[s].x, i);
		const struct ibed_place *p = place_of_ns(b, s, id.ns);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s@", ibed_name(b, id.id));
		if (id.ns == 0)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "R");
		else if (p != NULL)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "P%d",
			    (int)(p - b->s[s].place));
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ", id.main ? "*" : "");
	}
	return text;
}

const char *
ibed_log(struct ibed *b, unsigned s)
{
	static char text[IBED_TEXT];

	snprintf(text, sizeof(text), "%s", b->s[s].log);
	b->s[s].log[0] = '\0';
	return text;
}

void
ibed_forget(struct ibed *b)
{
	for (unsigned s = 0; s < b->n; s++) {
		b->s[s].log[0] = '\0';
		memset(b->s[s].calls, 0, sizeof(b->s[s].calls));
	}
}

/*
 * --- both ends
 * --------------------------------------------------------------------------------------------
 */

/* The other end of identity-arc I of S, over link L, is there and is where I says. */
static void
check_iarc(struct ibed *b, unsigned l, unsigned side, const struct ident_iarc *i)
{
	const struct ibed_link *k = &b->link[l];
	unsigned t = k->system[1 - side];
	struct ident_iarc o;
	struct ident_nic nic;

	if (!ident_iarc_between(b->s[t].x, k->arc[1 - side], i->peer, i->id, &o))
		wrong(b, "%s has no other end", iarc_text(b, i));
	else if (!ident_nic(b->s[t].x, i->peer, k->dev[1 - side], &nic))
		wrong(b, "%s: the peer has no such device", iarc_text(b, i));
	else if (nic.linklocal != i->peer_linklocal || mac_cmp(nic.mac, i->peer_mac) != 0)
		wrong(b, "%s: the peer is elsewhere", iarc_text(b, i));
	if (i->closing)
		wrong(b, "%s is closing at rest", iarc_text(b, i));
}

static void
check_routes(struct ibed *b, unsigned s, const struct ident_iarc *i)
{
	static struct ident_neighbour v[IARCS];
	size_t n = ident_neighbours(b->s[s].x, i->id, v, IARCS);
	bool found = false;

	for (size_t k = 0; k < n && k < IARCS; k++)
		found = found || (v[k].dev == i->dev && v[k].linklocal == i->peer_linklocal);
	if (!found)
		wrong(b, "%s has no route", iarc_text(b, i));
}

static void
check_end(struct ibed *b, unsigned l, unsigned side)
{
	static struct ident_iarc v[IARCS];
	const struct ibed_link *k = &b->link[l];
	unsigned s = k->system[side];
	struct ident *x = b->s[s].x;
	unsigned principal = 0;

	for (size_t i = 0; i < ident_identities(x); i++) {
		size_t n = ident_iarcs(x, ident_identity_at(x, i).id, v, IARCS);

		for (size_t q = 0; q < n && q < IARCS; q++) {
			if (v[q].arc != k->arc[side])
				continue;
			check_iarc(b, l, side, &v[q]);
			check_routes(b, s, &v[q]);
			if (!v[q].principal)
				continue;
			principal++;
			if (v[q].peer != ident_main(b->s[k->system[1 - side]].x))
				wrong(b, "%s is principal", iarc_text(b, &v[q]));
		}
	}
	if (principal != 1)
		wrong(b, "link %u has %u principal identity-arcs at %c", l, principal,
		    'a' + (int)s);
}

bool
ibed_check(struct ibed *b)
{
	for (unsigned l = 0; l < b->n_links; l++)
		for (unsigned side = 0; side < 2 && b->link[l].up; side++)
			check_end(b, l, side);
	return b->why[0] == '\0';
}
