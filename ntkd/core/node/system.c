/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system's life, what comes from outside, and views of identities. */
#include "ntkd/core/node/int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/grow.h"

enum {
	DRAWS = 4096,				/* attempts at a link-local nobody has */
	LINKLOCAL_NET = 0xa9fe0000,		/* 169.254.0.0 */
	ROUNDS = 1000,				/* of settle(): more is a fault of ours */
};

void
fail(struct node_error *err, const char *code, const char *field, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	snprintf(err->field, sizeof(err->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
}

bool
fail_memory(struct node_error *err)
{
	fail(err, "exhausted", "", "memory is exhausted");
	return false;
}

void *
more(struct node *n, void *v, size_t count, size_t *size, size_t element)
{
	void *moved = grow(v, count, 1, size, element);

	if (moved == NULL)
		n->failed = true;
	return moved;
}

bool
manual_only(const struct node *n, struct node_error *err)
{
	if (n->conf->mode == CONF_MANUAL)
		return true;
	fail(err, "mode", "", "this verb exists in manual mode only: mode = \"manual\" in the "
	    "configuration");
	return false;
}

/* --- identities -------------------------------------------------------------------- */

struct identity *
identity_by_id(struct node *n, uint32_t id)
{
	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		if (n->ids[ns].place == PLACE_IDENTITY && n->ids[ns].id == id)
			return &n->ids[ns];
	return NULL;
}

unsigned
next_by_index(const struct node *n, unsigned from)
{
	unsigned best = NAMESPACES;

	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		if (n->ids[ns].place == PLACE_IDENTITY && n->ids[ns].index >= from &&
		    (best == NAMESPACES || n->ids[ns].index < n->ids[best].index))
			best = ns;
	return best;
}

struct identity *
identity_by_index(struct node *n, unsigned index)
{
	unsigned ns = next_by_index(n, index);

	return ns < NAMESPACES && n->ids[ns].index == index ? &n->ids[ns] : NULL;
}

unsigned
identity_ns(const struct node *n, const struct identity *id)
{
	return (unsigned)(id - n->ids);
}

/* Everything that an identity owns; what its namespace owns as well. */
static void
identity_free(struct identity *id)
{
	facts_free(&id->facts);
	facts_free(&id->before);
	kset_free(&id->want);
	kset_free(&id->last);
	qspn_free(id->qspn);
	free(id->qarcs);
	memset(id, 0, sizeof(*id));
	id->retry = NEVER;
}

void
identity_end(struct node *n, unsigned ns)
{
	if (n->ids[ns].place == PLACE_IDENTITY)
		n->n--;
	identity_free(&n->ids[ns]);
}

/* "0, 2, 5" of the identities that there are, for error messages. */
void
indices_print(const struct node *n, char *buf, size_t size)
{
	unsigned ns = next_by_index(n, 0);
	size_t len = 0;

	buf[0] = '\0';
	while (ns < NAMESPACES && len < size) {
		int k = snprintf(buf + len, size - len, "%s%u", len == 0 ? "" : ", ",
		    n->ids[ns].index);

		len += k > 0 ? (size_t)k : 0;
		ns = next_by_index(n, n->ids[ns].index + 1);
	}
}

struct identity *
identity_for_verb(struct node *n, unsigned index, struct node_error *err)
{
	struct identity *id = identity_by_index(n, index);
	char list[160];

	*err = (struct node_error){ .code = "" };
	if (!manual_only(n, err))
		return NULL;
	if (id == NULL) {
		indices_print(n, list, sizeof(list));
		fail(err, "unknown_identity", "identity", "there is no identity %u; there are %s",
		    index, list);
		return NULL;
	}
	if (id->loaded || id->leaving) {
		fail(err, "busy", "identity", id->loaded ? "identity %u came from a state file: it "
		    "has no neighbours" : "identity %u is being dismissed", index);
		return NULL;
	}
	return id;
}

/* --- life ----------------------------------------------------------------------------- */

/* Asked by the identities module whenever it draws a link-local. */
static bool
linklocal_is_taken(ntk_ip_t linklocal, void *arg)
{
	const struct node *n = arg;

	if (nbh_address_known(n->nbh, linklocal))
		return true;
	for (unsigned ns = 0; ns < NAMESPACES; ns++) {
		const struct identity *id = &n->ids[ns];

		if (id->place != PLACE_IDENTITY)
			continue;
		for (size_t i = 0; i < n->conf->n_interfaces; i++)
			if (id->facts.linklocal[i] == linklocal)
				return true;
		for (size_t i = 0; id->loaded && i < id->facts.n_arcs; i++)
			if (id->facts.arcs[i].peer_linklocal == linklocal)
				return true;
	}
	for (size_t i = 0; i < n->conf->n_interfaces; i++)
		if (n->linklocal[i] == linklocal)
			return true;
	return false;
}

bool
linklocal_draw(struct node *n, const struct facts *f, ntk_ip_t *out)
{
	for (unsigned tries = 0; tries < DRAWS; tries++) {
		ntk_ip_t ip = LINKLOCAL_NET | rng_below(&n->rng, 65536);
		bool taken = !linklocal_is_usable(ip) || linklocal_is_taken(ip, n);

		for (size_t i = 0; f != NULL && i < n->conf->n_interfaces; i++)
			taken = taken || f->linklocal[i] == ip;
		for (size_t i = 0; f != NULL && i < f->n_arcs; i++)
			taken = taken || f->arcs[i].peer_linklocal == ip;
		if (taken)
			continue;
		*out = ip;
		return true;
	}
	return false;
}

static bool
linklocals_draw(struct node *n)
{
	for (size_t i = 0; i < n->conf->n_interfaces; i++) {
		if (!linklocal_draw(n, NULL, &n->linklocal[i]))
			return false;
		n->has_dev[i] = true;
	}
	return true;
}

static void
address_draw(struct node *n, struct naddr *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = TOPO(n)->levels; i-- > 0; )
		out->pos[i] = rng_below(&n->rng, topo_gsize(TOPO(n), i));
}

static struct rng
rng_of(struct node *n)
{
	struct rng r;

	rng_init(&r, rng_u64(&n->rng));
	return r;
}

/* The first state that the kernel is asked for. */
static bool
main_state(struct node *n, struct identity *id)
{
	facts_free(&id->facts);
	id->ready = facts_of(n, id, &id->facts) && wanted_state(&n->settings, &id->facts, &id->want);
	return id->ready;
}

/* The first identity: its address, a fingerprint of its own, a network of its own. */
static bool
main_begin(struct node *n)
{
	struct identity *id = &n->ids[0];
	int32_t eld[TOPO_LEVELS] = { 0 };
	struct qspn_out out;
	struct fingerprint fp;
	struct rng rng;
	struct naddr address;

	id->place = PLACE_IDENTITY;
	n->n = 1;
	id->main = true;
	id->id = ident_main(n->ident);
	id->change = CHANGE_MAKE;
	id->born = n->now;
	if (n->conf->has_address)
		address = n->conf->address;
	else
		address_draw(n, &address);
	do
		fp = fingerprint_node(TOPO(n)->levels, rng_u64(&n->rng) >> 1, eld);
	while (fp.id == 0);
	rng = rng_of(n);
	qspn_out_init(&out);
	id->qspn = qspn_create_net(&n->qspn_params, &rng, n->now, &address, &fp, &out);
	if (id->qspn != NULL && linklocals_draw(n))
		qspn_carry_out(n, id, &out);
	qspn_out_free(&out);
	return id->qspn != NULL && main_state(n, id);
}

static void
params_make(struct node *n)
{
	const struct conf *c = n->conf;

	n->settings.map = c->map;
	n->settings.anonymize_others = c->anonymize_others;
	n->settings.accept_anonymous = c->accept_anonymous;
	n->settings.subnet_level = c->subnet_level;
	nbh_params_default(&n->nbh_params, &c->map.topo, c->map.range);
	n->nbh_params.automatic = c->mode == CONF_AUTO;
	n->nbh_params.interval = c->radar_interval;
	ident_params_default(&n->ident_params);
	qspn_params_default(&n->qspn_params, &c->map.topo);
	n->qspn_params.max_paths = c->max_paths;
}

struct node *
node_new(const struct conf *c, const struct rng *rng, uint64_t now)
{
	struct node *n = calloc(1, sizeof(*n));
	struct rng r;

	if (n == NULL)
		return NULL;
	n->conf = c;
	n->rng = *rng;
	n->now = now;
	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		n->ids[ns].retry = NEVER;
	params_make(n);
	r = rng_of(n);
	n->nbh = nbh_create(&n->nbh_params, &r);
	r = rng_of(n);
	if (n->nbh != NULL)
		n->ident = ident_new(&n->ident_params, &r, linklocal_is_taken, n);
	if (n->ident == NULL || !main_begin(n)) {
		node_free(n);
		return NULL;
	}
	want_numbers(n);
	return n;
}

void
node_free(struct node *n)
{
	if (n == NULL)
		return;
	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		identity_free(&n->ids[ns]);
	for (size_t i = 0; i < n->n_ops; i++)
		operation_free(&n->ops[i]);
	for (size_t i = 0; i < n->n_held; i++)
		free(n->held[i].bytes);
	queue_free(n);
	ident_free(n->ident);
	nbh_free(n->nbh);
	free(n->routes);
	free(n->wishes);
	free(n->ops);
	free(n->held);
	free(n->questions);
	free(n->tasks);
	free(n->late);
	free(n);
}

bool
node_failed(const struct node *n)
{
	bool failed = n->failed || nbh_failed(n->nbh) || ident_failed(n->ident);

	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		failed = failed || (n->ids[ns].qspn != NULL && qspn_failed(n->ids[ns].qspn));
	return failed;
}

/* --- after every call from outside -------------------------------------------------------- */

void
task_add(struct node *n, struct task t)
{
	struct task *v = more(n, n->tasks, n->n_tasks, &n->tasks_size, sizeof(*v));

	if (v == NULL)
		return;
	n->tasks = v;
	v[n->n_tasks++] = t;
}

static void
task_do(struct node *n, const struct task *t)
{
	struct nbh_out from_nbh;
	struct ident_out from_ident;
	struct identity *id;

	nbh_out_init(&from_nbh);
	ident_out_init(&from_ident);
	switch (t->kind) {
	case TASK_ARC_REMOVE:
		nbh_remove_arc(n->nbh, n->now, t->arc, false, &from_nbh);
		break;
	case TASK_IARC_REMOVE:
		ident_iarc_remove(n->ident, n->now, t->arc, t->id, t->other, true, &from_ident);
		break;
	case TASK_DISMISS:
		id = identity_by_id(n, t->id);
		if (id != NULL && !id->main && !id->leaving)
			dismiss(n, id);
		break;
	case TASK_ROUTE:
		route_done(n, t->arc, &from_nbh);
		break;
	case TASK_COMPLETED:
		ident_ns_complete(n->ident, n->now, t->ns, &from_ident);
		break;
	}
	nbh_carry_out(n, &from_nbh);
	ident_carry_out(n, &from_ident);
	nbh_out_free(&from_nbh);
	ident_out_free(&from_ident);
}

void
settle(struct node *n)
{
	for (unsigned round = 0; (n->n_tasks > 0 || held_offer(n)) && round < ROUNDS; round++) {
		struct task t;

		if (n->n_tasks == 0)
			continue;
		t = n->tasks[0];
		n->n_tasks--;
		memmove(n->tasks, n->tasks + 1, n->n_tasks * sizeof(*n->tasks));
		task_do(n, &t);
	}
	want_numbers(n);
	queue_number(n, n->seq);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
node_deadline(const struct node *n)
{
	uint64_t t = earlier(nbh_deadline(n->nbh), ident_deadline(n->ident));

	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		if (n->ids[ns].qspn != NULL)
			t = earlier(t, qspn_deadline(n->ids[ns].qspn));
	t = earlier(t, held_deadline(n));
	t = earlier(t, want_deadline(n));
	return earlier(t, operations_deadline(n));
}

static void
now_is(struct node *n, uint64_t now)
{
	if (now > n->now)
		n->now = now;
}

/* QSPN managers in the order of their identities' indices; handlers may make and end identities. */
static void
qspns_tick(struct node *n)
{
	for (unsigned ns = next_by_index(n, 0); ns < NAMESPACES; ) {
		struct identity *id = &n->ids[ns];
		unsigned index = id->index;
		struct qspn_out out;

		if (id->qspn != NULL && qspn_deadline(id->qspn) <= n->now) {
			qspn_out_init(&out);
			qspn_tick(id->qspn, n->now, &out);
			qspn_carry_out(n, id, &out);
			qspn_out_free(&out);
		}
		ns = next_by_index(n, index + 1);
	}
}

void
node_tick(struct node *n, uint64_t now)
{
	struct nbh_out from_nbh;
	struct ident_out from_ident;

	now_is(n, now);
	nbh_out_init(&from_nbh);
	ident_out_init(&from_ident);
	if (nbh_deadline(n->nbh) <= n->now)
		nbh_tick(n->nbh, n->now, &from_nbh);
	nbh_carry_out(n, &from_nbh);
	if (ident_deadline(n->ident) <= n->now)
		ident_tick(n->ident, n->now, &from_ident);
	ident_carry_out(n, &from_ident);
	qspns_tick(n);
	held_tick(n);
	operations_tick(n);
	nbh_out_free(&from_nbh);
	ident_out_free(&from_ident);
	settle(n);
}

void
node_stop(struct node *n, uint64_t now)
{
	struct nbh_out out;

	now_is(n, now);
	for (unsigned ns = next_by_index(n, 0); ns < NAMESPACES;
	    ns = next_by_index(n, n->ids[ns].index + 1)) {
		struct identity *id = &n->ids[ns];
		struct qspn_out bye;

		if (id->qspn == NULL)
			continue;
		qspn_out_init(&bye);
		qspn_destroy(id->qspn, n->now, &bye);
		qspn_carry_out(n, id, &bye);
		qspn_out_free(&bye);
	}
	nbh_out_init(&out);
	nbh_stop(n->nbh, n->now, &out);
	nbh_carry_out(n, &out);
	nbh_out_free(&out);
	/*
	 * Identities that have lost their last device by it, and what else the end of the arcs leads to: nobody is
	 * there to be told, and the helper undoes all there is.
	 */
	n->n_tasks = 0;
	queue_number(n, 0);
}

/* --- from the network ------------------------------------------------------------------------ */

/* Calls of the neighbourhood: all have this shape. */
#define WITH_NBH(n, now_, call) do { \
		struct nbh_out out_; \
		now_is(n, now_); \
		nbh_out_init(&out_); \
		call; \
		nbh_carry_out(n, &out_); \
		nbh_out_free(&out_); \
		settle(n); \
	} while (0)

void
node_nic_up(struct node *n, uint64_t now, unsigned dev, ntk_mac_t mac)
{
	if (dev >= n->conf->n_interfaces)
		return;
	WITH_NBH(n, now, nbh_nic_up(n->nbh, n->now, dev, n->conf->interfaces[dev].name, mac,
	    n->has_dev[dev] ? n->linklocal[dev] : 0, &out_));
}

void
node_carrier(struct node *n, uint64_t now, unsigned dev, bool up)
{
	WITH_NBH(n, now, nbh_carrier(n->nbh, n->now, dev, up, &out_));
}

/*
 * Every interface is counted on from the start, before the neighbourhood has heard of it; and it says
 * nothing more of one that could not be listened on.
 */
static void
not_counted_on(struct node *n, unsigned dev)
{
	struct identity *id = &n->ids[0];

	if (!n->has_dev[dev])
		return;
	n->has_dev[dev] = false;
	if (id->change != CHANGE_MAKE || !id->ready)
		dirty_all(n);
	else if (!main_state(n, id))
		n->failed = true;
}

void
node_nic_gone(struct node *n, uint64_t now, unsigned dev)
{
	struct nbh_out out;

	if (dev >= n->conf->n_interfaces)
		return;
	now_is(n, now);
	nbh_out_init(&out);
	nbh_nic_gone(n->nbh, n->now, dev, &out);
	nbh_carry_out(n, &out);
	nbh_out_free(&out);
	not_counted_on(n, dev);
	settle(n);
}

/* The identities module hears of a device when it can be used. */
void
node_listening(struct node *n, uint64_t now, unsigned dev, ntk_ip_t address, bool ok)
{
	struct ident_out out;
	struct nbh_nic nic;

	now_is(n, now);
	if (ok && nbh_nic(n->nbh, dev, &nic) && nic.address == address) {
		ident_out_init(&out);
		ident_dev_add(n->ident, n->now, dev, nic.mac, address, &out);
		ident_carry_out(n, &out);
		ident_out_free(&out);
		dirty(n, &n->ids[0]);
	}
	WITH_NBH(n, now, nbh_address_done(n->nbh, n->now, dev, address, ok, &out_));
}

void
node_datagram(struct node *n, uint64_t now, unsigned dev, ntk_ip_t source,
    const struct peer_msg *m)
{
	if (m->type != PEER_hello)
		return;
	WITH_NBH(n, now, nbh_hello(n->nbh, n->now, dev, source, NULL, &m->hello, &out_));
}

uint32_t
node_accepted(struct node *n, uint64_t now, unsigned dev, ntk_ip_t peer)
{
	uint32_t connection;

	WITH_NBH(n, now, connection = nbh_accepted(n->nbh, n->now, dev, peer, &out_));
	return connection;
}

void
node_connected(struct node *n, uint64_t now, uint32_t connection)
{
	WITH_NBH(n, now, nbh_connected(n->nbh, n->now, connection, &out_));
}

void
node_closed(struct node *n, uint64_t now, uint32_t connection)
{
	WITH_NBH(n, now, nbh_closed(n->nbh, n->now, connection, &out_));
}

/* --- views ---------------------------------------------------------------------------------- */

size_t
node_identities(const struct node *n)
{
	return n->n;
}

static enum node_state
identity_state(const struct identity *id)
{
	if (id->leaving || id->change == CHANGE_REMOVE)
		return NODE_LEAVING;
	if (id->change == CHANGE_MAKE)
		return NODE_STARTING;
	if (!id->loaded && (id->qspn == NULL || !qspn_is_bootstrapped(id->qspn)))
		return NODE_BOOTSTRAP;
	return NODE_RUNNING;
}

static struct node_identity
identity_view(const struct node *n, unsigned ns)
{
	const struct identity *id = &n->ids[ns];

	return (struct node_identity){
		.index = id->index,
		.id = id->id,
		.main = id->main,
		.loaded = id->loaded,
		.has_from = id->has_from,
		.from = id->from,
		.ns = ns,
		.file_ns = id->file_ns,
		.state = identity_state(id),
		.facts = &id->facts,
		.qspn = id->loaded ? NULL : id->qspn,
	};
}

struct node_identity
node_identity(const struct node *n, size_t i)
{
	unsigned ns = next_by_index(n, 0);

	while (i-- > 0 && ns < NAMESPACES)
		ns = next_by_index(n, n->ids[ns].index + 1);
	if (ns == NAMESPACES)
		return (struct node_identity){ 0 };
	return identity_view(n, ns);
}

bool
node_find(const struct node *n, unsigned index, struct node_identity *out)
{
	unsigned ns = next_by_index(n, index);

	if (ns == NAMESPACES || n->ids[ns].index != index)
		return false;
	*out = identity_view(n, ns);
	return true;
}

bool
node_find_ns(const struct node *n, unsigned ns, struct node_identity *out)
{
	if (ns >= NAMESPACES || n->ids[ns].place != PLACE_IDENTITY)
		return false;
	*out = identity_view(n, ns);
	return true;
}

const struct nbh *
node_nbh(const struct node *n)
{
	return n->nbh;
}

const struct ident *
node_ident(const struct node *n)
{
	return n->ident;
}

static bool
whole(bool ok, char *why, size_t size, const char *what)
{
	if (!ok)
		snprintf(why, size, "%s", what);
	return ok;
}

/* Was everything asked for that the facts of namespace NS lead to, unless it is known that it was not? */
static bool
asks_for_all(const struct node *n, unsigned ns)
{
	const struct identity *id = &n->ids[ns];
	struct node copy = *n;	/* what facts are put together from is only read; a failure is nobody's business */
	struct kset want;
	struct facts f;
	bool ok = true;

	if (id->dirty || id->loaded || id->change != CHANGE_NONE || id->retry != NEVER || n->failed)
		return true;
	kset_init(&want);
	if (facts_of(&copy, &copy.ids[ns], &f)) {
		ok = !wanted_state(&n->settings, &f, &want) || kset_equal(&want, id->ready ? &id->want : &id->last);
		facts_free(&f);
	}
	kset_free(&want);
	return ok;
}

bool
node_invariant(const struct node *n, char *why, size_t why_size)
{
	size_t count = 0, mains = 0;

	for (unsigned ns = 0; ns < NAMESPACES; ns++) {
		const struct identity *id = &n->ids[ns];
		struct ident_identity view;

		if (id->place != PLACE_IDENTITY)
			continue;
		count++;
		mains += id->main;
		if (!whole(id->main == (ns == 0), why, why_size,
		    "the main identity is the one of the default namespace") ||
		    (id->qspn != NULL && !qspn_invariant(id->qspn, why, why_size)))
			return false;
		if (!id->loaded && !whole(ident_find(n->ident, id->id, &view) && view.ns == ns &&
		    view.index == id->index, why, why_size, "identities are where their module has them"))
			return false;
		if (!whole(asks_for_all(n, ns), why, why_size, "what the kernel is asked for follows the facts"))
			return false;
	}
	return whole(count == n->n, why, why_size, "identities are counted") &&
	    whole(mains == 1, why, why_size, "there is one main identity") &&
	    whole(n->n_tasks == 0, why, why_size, "nothing is left undone") &&
	    nbh_invariant(n->nbh, why, why_size) && ident_invariant(n->ident, why, why_size);
}
