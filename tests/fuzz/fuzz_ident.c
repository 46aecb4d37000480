/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The identities module.  The first byte tells what is tried: one manager, to whom neighbours,
 * kernel and caller do anything in any order, which stays sound and comes to rest when they
 * stop; or a few systems that talk to each other, given commands at any time, at the end of
 * which both ends of every arc agree.
 */

#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/identbed.h"

enum { SEC = 1000000, CALLS = 64 };

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t
byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static unsigned
below(struct input *in, unsigned n)
{
	return byte(in) % n;
}

/* --- one manager ---------------------------------------------------------------------- */

struct lone {
	struct ident *x;
	struct ident_params p;
	struct ident_out out;
	uint64_t now;
	struct {
		uint32_t arc, call;
	} call[CALLS];		/* the last ones that were asked for */
	unsigned n_calls;
	unsigned ns;		/* the last that was asked for */
};

static void
look(struct lone *l)
{
	char why[256];

	for (size_t i = 0; i < l->out.n; i++) {
		const struct ident_action *a = &l->out.v[i];

		must((a->kind == IDENT_CALL || a->kind == IDENT_RESULT) == (a->msg != NULL));
		if (a->kind == IDENT_CALL) {
			l->call[l->n_calls % CALLS].arc = a->arc;
			l->call[l->n_calls++ % CALLS].call = a->call;
		}
		if (a->msg != NULL)
			must(peer_msg_size(a->msg) <= PEER_BODY_MAX);
		if (a->kind == IDENT_NS_MAKE || a->kind == IDENT_NS_DROP ||
		    a->kind == IDENT_DUPLICATED)
			l->ns = a->ns;
	}
	ident_out_empty(&l->out);
	must(!ident_failed(l->x));
	if (!ident_invariant(l->x, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
}

/* NodeIDs that hit something often: ours, a few of neighbours. */
static uint32_t
some_id(struct lone *l, struct input *in)
{
	unsigned n = byte(in);

	if (n < 128)
		return 1000 + n % 16;
	return ident_identity_at(l->x, n % ident_identities(l->x)).id;
}

static ntk_mac_t
some_mac(struct input *in)
{
	ntk_mac_t mac = { { 0 } };

	mac.b[0] = byte(in) % 16 == 0 ? 1 : 2;
	mac.b[5] = byte(in) % 64;
	return mac;
}

static ntk_ip_t
some_linklocal(struct input *in)
{
	unsigned n = byte(in);

	return n == 255 ? byte(in) : 0xa9fe0100 + n % 64;
}

static void
receive(struct lone *l, struct input *in)
{
	struct peer_msg m = { .type = (uint8_t)(PEER_get_main_id + below(in, 7)) };
	uint32_t peers[PEER_IDENTITIES];
	uint32_t arc = below(in, 6);
	struct peer_match_duplication *d = &m.match_duplication;
	ntk_mac_t mac;

	if (m.type == PEER_get_main_id) {
		m.get_main_id.main = some_id(l, in);
	} else if (m.type == PEER_iarc_removed) {
		m.iarc_removed.from = some_id(l, in);
		m.iarc_removed.to = some_id(l, in);
	} else if (m.type == PEER_match_duplication) {
		d->migration = 1 + below(in, 4);
		d->old = some_id(l, in);
		d->made = some_id(l, in);
		mac = some_mac(in);
		mac.b[0] &= 0xfe;
		memcpy(d->mac, mac.b, sizeof(d->mac));
		d->linklocal = some_linklocal(in);
		d->peers.n = (uint16_t)(1 + below(in, 4));
		for (unsigned i = 0; i < d->peers.n; i++)
			peers[i] = some_id(l, in);
		d->peers.v = peers;
	}
	ident_receive(l->x, l->now, arc, byte(in), &m, &l->out);
}

static void
answer(struct lone *l, struct input *in)
{
	unsigned n = l->n_calls < CALLS ? l->n_calls : CALLS;
	unsigned c = n != 0 ? byte(in) % n : 0, what = byte(in);
	struct peer_msg m = { .type = (uint8_t)(PEER_main_id + 2 * (what % 3)) };
	struct peer_match e[8];
	enum ident_outcome outcome = what % 16 == 15 ? IDENT_LINK_FAILED :
	    what % 16 == 14 ? IDENT_REFUSED : IDENT_ANSWERED;

	if (n == 0)
		return;
	if (what >= 250) {
		ident_waiting(l->x, l->now, l->call[c].arc, l->call[c].call, &l->out);
		return;
	}
	if (m.type == PEER_main_id) {
		m.main_id.main = some_id(l, in);
	} else if (m.type == PEER_matched) {
		m.matched.matches.v = e;
		m.matched.matches.n = (uint16_t)below(in, 8);
		for (unsigned i = 0; i < m.matched.matches.n; i++) {
			ntk_mac_t mac = some_mac(in);

			/* One after the other: a corpus means the same to every compiler. */
			e[i].peer = some_id(l, in);
			e[i].status = (uint8_t)below(in, 4);
			e[i].made = below(in, 8) == 0 ? 0 : some_id(l, in);
			e[i].linklocal = some_linklocal(in);
			memcpy(e[i].mac, mac.b, sizeof(e[i].mac));
		}
	}
	ident_answer(l->x, l->now, l->call[c].arc, l->call[c].call, outcome,
	    (uint8_t)(1 + below(in, 4)), outcome == IDENT_ANSWERED ? &m : NULL, &l->out);
}

static void
kernel(struct lone *l, struct input *in)
{
	ntk_mac_t mac[CONF_INTERFACES];
	unsigned what = byte(in), ns = what < 192 ? l->ns : byte(in) % 80;

	for (unsigned d = 0; d < CONF_INTERFACES; d++)
		mac[d] = (ntk_mac_t){ { 2, 0, 0, 1, what & 16 ? 0 : byte(in), (uint8_t)d } };
	switch (what % 8) {
	case 0:
	case 1:
	case 2:
		ident_ns_made(l->x, l->now, ns, mac, &l->out);
		return;
	case 3:
	case 4:
	case 5:
		ident_ns_complete(l->x, l->now, ns, &l->out);
		return;
	case 6:
		ident_ns_gone(l->x, l->now, ns, &l->out);
		return;
	case 7:
		ident_ns_refused(l->x, l->now, ns, &l->out);
		return;
	}
}

static void
command(struct lone *l, struct input *in)
{
	uint32_t id = some_id(l, in), m = 1 + below(in, 4), index, arc, peer;
	ntk_mac_t mac;
	unsigned ns;

	switch (below(in, 7)) {
	case 0:
		ident_prepare(l->x, l->now, m, id, &l->out);
		return;
	case 1:
		ident_duplicate(l->x, l->now, m, id, NULL, &l->out);
		return;
	case 2:
		ident_give_up(l->x, l->now, m, id, &l->out);
		return;
	case 3:
		ident_remove(l->x, l->now, id, &l->out);
		return;
	case 4:
		arc = below(in, 6);
		peer = some_id(l, in);
		mac = some_mac(in);
		ident_iarc_add(l->x, l->now, arc, id, peer, mac, some_linklocal(in), &l->out);
		return;
	case 5:
		arc = below(in, 6);
		peer = some_id(l, in);
		ident_iarc_remove(l->x, l->now, arc, id, peer, below(in, 2) != 0, &l->out);
		return;
	case 6:
		if (below(in, 8) == 0)
			ident_reserve(l->x, &ns, &index);
		return;
	}
}

static void
surroundings(struct lone *l, struct input *in)
{
	unsigned what = byte(in), dev = below(in, 3);
	uint32_t arc = what < 160 ? below(in, 6) : 0;
	ntk_mac_t mac = { { 0 } };

	if (what < 120 || (what >= 160 && what < 230))
		mac = some_mac(in);
	if (what < 120)
		ident_arc_add(l->x, l->now, arc, dev, mac, some_linklocal(in), &l->out);
	else if (what < 160)
		ident_arc_remove(l->x, l->now, arc, &l->out);
	else if (what < 230)
		ident_dev_add(l->x, l->now, dev, mac, some_linklocal(in), &l->out);
	else
		ident_dev_remove(l->x, l->now, dev, &l->out);
}

static void
pass(struct lone *l, uint64_t until)
{
	while (ident_deadline(l->x) <= until) {
		uint64_t t = ident_deadline(l->x);

		l->now = t > l->now ? t : l->now;
		ident_tick(l->x, l->now, &l->out);
		must(ident_deadline(l->x) > l->now);
		look(l);
	}
	l->now = until;
}

/* Nobody says anything any more, and the kernel does what it was asked for. */
static void
stop(struct lone *l)
{
	struct ident_record v[256];
	ntk_mac_t mac[CONF_INTERFACES];
	struct ident_ns ns;

	while (ident_arcs(l->x) != 0) {
		ident_arc_remove(l->x, l->now, ident_arc_at(l->x, 0).arc, &l->out);
		look(l);
	}
	for (unsigned n = 1; n < IDENT_NAMESPACES; n++) {
		for (unsigned d = 0; d < CONF_INTERFACES; d++)
			mac[d] = (ntk_mac_t){ { 2, 0, 0, 2, (uint8_t)n, (uint8_t)d } };
		ident_ns_made(l->x, l->now, n, mac, &l->out);
		ident_ns_complete(l->x, l->now, n, &l->out);
		look(l);
	}
	pass(l, l->now + 700 * (uint64_t)SEC);
	must(ident_is_quiet(l->x) && ident_records(l->x, v, 256) == 0);
	for (unsigned n = 1; n < IDENT_NAMESPACES; n++)
		ident_ns_gone(l->x, l->now, n, &l->out);
	/* Each identity goes, and with the last of them every namespace. */
	while (ident_identities(l->x) > 1) {
		uint32_t id = ident_identity_at(l->x, 0).id;

		if (id == ident_main(l->x))
			id = ident_identity_at(l->x, 1).id;
		must(ident_remove(l->x, l->now, id, &l->out) == IDENT_OK);
		look(l);
		ident_ns_gone(l->x, l->now, l->ns, &l->out);
	}
	for (unsigned n = 1; n < IDENT_NAMESPACES; n++)
		must(!ident_ns(l->x, n, &ns));
}

static void
alone(struct input *in)
{
	struct lone l = { .now = SEC };
	struct rng rng;

	rng_init(&rng, 1);
	ident_params_default(&l.p);
	l.p.max_peers = 6;
	l.p.max_iarcs = 12;
	l.p.max_records = 8;
	l.p.max_deferred = 4;
	l.p.max_identities = 8;
	ident_out_init(&l.out);
	l.x = ident_new(&l.p, &rng, NULL, NULL);
	must(l.x != NULL);
	ident_dev_add(l.x, l.now, 0, (ntk_mac_t){ { 2, 0, 0, 0, 0, 61 } }, 0xa9fe013d, &l.out);
	while (in->left != 0) {
		switch (below(in, 8)) {
		case 0:
			surroundings(&l, in);
			break;
		case 1:
		case 2:
			receive(&l, in);
			break;
		case 3:
		case 4:
			answer(&l, in);
			break;
		case 5:
			kernel(&l, in);
			break;
		case 6:
			command(&l, in);
			break;
		case 7:
			pass(&l, l.now + (uint64_t)byte(in) * byte(in) * 5000);
			break;
		}
		look(&l);
	}
	stop(&l);
	ident_out_free(&l.out);
	ident_free(l.x);
}

/* --- systems that talk to each other ------------------------------------------------------ */

static void
remove_iarc(struct ibed *b, struct input *in, unsigned l, unsigned side)
{
	struct ident_iarc v[64];
	unsigned s = b->link[l].system[side];
	uint32_t id = ident_identity_at(b->s[s].x, byte(in) % ident_identities(b->s[s].x)).id;
	size_t n = ident_iarcs(b->s[s].x, id, v, 64);
	const struct ident_iarc *i = n != 0 ? &v[byte(in) % (n < 64 ? n : 64)] : NULL;

	if (i != NULL && i->arc == b->link[l].arc[side])
		ibed_iarc_remove(b, l, s, ibed_name(b, i->id), ibed_name(b, i->peer));
}

static bool
is_prepared(const struct ibed *b, unsigned s, uint32_t index)
{
	struct ident_record v[64];
	struct ident_identity id;
	size_t n = ident_records(b->s[s].x, v, 64);

	if (!ident_find_index(b->s[s].x, index, &id))
		return true;
	for (size_t i = 0; i < n && i < 64; i++)
		if (v[i].id == id.id && v[i].state == IDENT_PREPARED)
			return true;
	return ident_identities(b->s[s].x) > 6;
}

/* Some identities of some systems take part; all are prepared, and begin when they like. */
static void
migrate(struct ibed *b, struct input *in, uint32_t m)
{
	unsigned who = byte(in);

	for (unsigned s = 0; s < b->n; s++) {
		uint32_t index = below(in, 4);

		if ((who >> s & 1) == 0 || is_prepared(b, s, index) ||
		    ibed_prepare(b, s, index, m) != IDENT_OK)
			continue;
		ibed_duplicate_at(b, b->now + (uint64_t)byte(in) * 10000, s, index, m);
	}
}

static void
together(struct input *in)
{
	uint64_t slowest = 1000 + (uint64_t)byte(in) * 2000, kernel = 100 + (uint64_t)byte(in) * 1000;
	const struct ibed_pace pace = { 100, slowest, 50, kernel, below(in, 200) };
	unsigned n = 2 + below(in, 3);
	struct ibed *b = ibed_new(n, 7 + byte(in), &pace);
	uint32_t m = 1;

	b->relink = true;
	for (unsigned s = 1; s < b->n; s++)
		ibed_link(b, s - 1, s % 2, s, s % 2);
	if (b->n > 2 && below(in, 2) != 0)
		ibed_link(b, 0, 1, b->n - 1, 0);
	while (in->left > 1 && m < 40 && b->why[0] == '\0') {
		unsigned what = byte(in), l = below(in, b->n_links), side = below(in, 2);

		if (what < 110)
			migrate(b, in, what % 2 != 0 ? m++ : 1000 - m++);
		else if (what < 150)
			ibed_remove(b, b->link[l].system[side], below(in, 8));
		else if (what < 180)
			remove_iarc(b, in, l, side);
		else if (what < 200)
			ibed_cut(b, l);
		ibed_run(b, b->now + (uint64_t)byte(in) * 20000);
	}
	if (!ibed_rest(b, 600 * (uint64_t)SEC) || !ibed_check(b)) {
		fprintf(stderr, "%s\n", b->why);
		abort();
	}
	ibed_free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (size == 0 || size > 4096)
		return 0;
	if (byte(&in) % 2 == 0)
		alone(&in);
	else
		together(&in);
	return 0;
}
