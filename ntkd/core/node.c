/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/kernel/wanted.h"

enum {
	NAMESPACES = NODE_IDENTITIES + 1,	/* numbers 0 … 63; 0 is the main identity's */
	DRAWS = 4096,				/* attempts at a link-local nobody has */
	LINKLOCAL_NET = 0xa9fe0000,		/* 169.254.0.0 */
};

/* What the kernel has not answered yet. */
enum change {
	CHANGE_NONE,
	CHANGE_MAKE,		/* the identity is new */
	CHANGE_REPLACE,		/* it has new facts; the former ones are in `before` */
	CHANGE_REMOVE,
};

struct identity {
	bool used;
	bool main;
	bool loaded;
	bool asked;		/* the change was handed out by node_next_want() */
	bool before_loaded;
	unsigned index;
	uint32_t id;
	uint32_t file_ns;
	uint32_t before_file_ns;
	enum change change;
	struct facts facts;
	struct facts before;
	struct kset want;	/* of a change that was not handed out yet */
};

struct node {
	const struct conf *conf;
	struct wanted_settings settings;
	struct rng rng;
	unsigned next_index;
	size_t n;
	struct identity ids[NAMESPACES];	/* at the number of its namespace */
};

static void __attribute__((format(printf, 4, 5)))
fail(struct node_error *err, const char *code, const char *field, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	snprintf(err->field, sizeof(err->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
}

static bool
fail_memory(struct node_error *err)
{
	fail(err, "exhausted", "", "memory is exhausted");
	return false;
}

static void
identity_free(struct identity *id)
{
	facts_free(&id->facts);
	facts_free(&id->before);
	kset_free(&id->want);
	memset(id, 0, sizeof(*id));
}

static void
identity_init(struct identity *id)
{
	memset(id, 0, sizeof(*id));
	facts_init(&id->facts);
	facts_init(&id->before);
	kset_init(&id->want);
}

/* True when an interface of ours in any namespace has LINKLOCAL, or a neighbour of F. */
static bool
linklocal_is_taken(const struct node *n, const struct facts *f, ntk_ip_t linklocal)
{
	for (size_t ns = 0; ns < NAMESPACES; ns++)
		for (size_t i = 0; n->ids[ns].used && i < n->conf->n_interfaces; i++)
			if (n->ids[ns].facts.linklocal[i] == linklocal)
				return true;
	for (size_t i = 0; i < n->conf->n_interfaces; i++)
		if (f->linklocal[i] == linklocal)
			return true;
	for (size_t i = 0; i < f->n_arcs; i++)
		if (f->arcs[i].peer_linklocal == linklocal)
			return true;
	return false;
}

static bool
linklocal_draw(struct node *n, const struct facts *f, ntk_ip_t *out)
{
	for (unsigned i = 0; i < DRAWS; i++) {
		ntk_ip_t ip = LINKLOCAL_NET | rng_below(&n->rng, 65536);

		if (!linklocal_is_usable(ip) || linklocal_is_taken(n, f, ip))
			continue;
		*out = ip;
		return true;
	}
	return false;
}

/* F gets every managed interface, with link-locals of its own. */
static bool
interfaces_draw(struct node *n, struct facts *f)
{
	memset(f->has_dev, 0, sizeof(f->has_dev));
	memset(f->linklocal, 0, sizeof(f->linklocal));
	for (size_t i = 0; i < n->conf->n_interfaces; i++) {
		f->has_dev[i] = true;
		if (!linklocal_draw(n, f, &f->linklocal[i]))
			return false;
	}
	return true;
}

static void
interfaces_keep(struct facts *f, const struct facts *from)
{
	memcpy(f->has_dev, from->has_dev, sizeof(f->has_dev));
	memcpy(f->linklocal, from->linklocal, sizeof(f->linklocal));
}

/* A NodeID that no identity has; drawn, since they must differ in the whole network. */
static uint32_t
id_draw(struct node *n)
{
	uint32_t id;
	bool taken;

	do {
		id = (uint32_t)rng_u64(&n->rng);
		taken = id == 0;
		for (size_t ns = 0; ns < NAMESPACES; ns++)
			taken = taken || (n->ids[ns].used && n->ids[ns].id == id);
	} while (taken);
	return id;
}

static void
address_draw(struct node *n, struct naddr *out)
{
	const struct topo *t = &n->settings.map.topo;

	memset(out, 0, sizeof(*out));
	for (unsigned i = t->levels; i-- > 0; )
		out->pos[i] = rng_below(&n->rng, topo_gsize(t, i));
}

static void
identity_begin(struct node *n, unsigned ns)
{
	struct identity *id = &n->ids[ns];
	uint32_t drawn = id_draw(n);

	identity_init(id);
	id->used = true;
	id->main = ns == 0;
	id->id = drawn;
	id->index = n->next_index++;
	id->change = CHANGE_MAKE;
	n->n++;
}

static void
identity_end(struct node *n, unsigned ns)
{
	identity_free(&n->ids[ns]);
	n->n--;
}

static bool
main_begin(struct node *n)
{
	struct identity *id = &n->ids[0];

	identity_begin(n, 0);
	id->facts.main = true;
	if (n->conf->has_address)
		id->facts.address = n->conf->address;
	else
		address_draw(n, &id->facts.address);
	return interfaces_draw(n, &id->facts) &&
	    wanted_state(&n->settings, &id->facts, &id->want);
}

struct node *
node_new(const struct conf *c, const struct rng *rng)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->conf = c;
	n->rng = *rng;
	n->settings.map = c->map;
	n->settings.anonymize_others = c->anonymize_others;
	n->settings.accept_anonymous = c->accept_anonymous;
	n->settings.subnet_level = c->subnet_level;
	if (!main_begin(n)) {
		node_free(n);
		return NULL;
	}
	return n;
}

void
node_free(struct node *n)
{
	if (n == NULL)
		return;
	for (size_t ns = 0; ns < NAMESPACES; ns++)
		if (n->ids[ns].used)
			identity_free(&n->ids[ns]);
	free(n);
}

size_t
node_identities(const struct node *n)
{
	return n->n;
}

static enum node_state
identity_state(const struct identity *id)
{
	switch (id->change) {
	case CHANGE_MAKE:
		return NODE_STARTING;
	case CHANGE_REMOVE:
		return NODE_LEAVING;
	case CHANGE_NONE:
	case CHANGE_REPLACE:
		break;
	}
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
		.ns = ns,
		.file_ns = id->file_ns,
		.state = identity_state(id),
		.facts = &id->facts,
	};
}

/* The namespace of the identity with the lowest index from FROM on; NAMESPACES: none. */
static unsigned
next_by_index(const struct node *n, unsigned from)
{
	unsigned best = NAMESPACES;

	for (unsigned ns = 0; ns < NAMESPACES; ns++)
		if (n->ids[ns].used && n->ids[ns].index >= from &&
		    (best == NAMESPACES || n->ids[ns].index < n->ids[best].index))
			best = ns;
	return best;
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
	if (ns >= NAMESPACES || !n->ids[ns].used)
		return false;
	*out = identity_view(n, ns);
	return true;
}

static bool
manual_only(const struct node *n, struct node_error *err)
{
	if (n->conf->mode == CONF_MANUAL)
		return true;
	fail(err, "mode", "", "this verb exists in manual mode only: mode = \"manual\" in the "
	    "configuration");
	return false;
}

/*
 * Where facts with FILE_NS go: an identity that was loaded with the same number, or
 * a free namespace.  NAMESPACES when there is none.
 */
static unsigned
load_place(const struct node *n, bool main, uint32_t file_ns)
{
	unsigned place = NAMESPACES;

	if (main)
		return 0;
	for (unsigned ns = NAMESPACES - 1; ns >= 1; ns--) {
		const struct identity *id = &n->ids[ns];

		if (id->used && id->loaded && id->file_ns == file_ns)
			return ns;
		if (!id->used)
			place = ns;
	}
	return place;
}

/* A neighbour with one of our link-locals would take its packets away from us. */
static bool
peers_differ(const struct node *n, const struct facts *f, struct node_error *err)
{
	char field[48];

	for (size_t i = 0; i < f->n_arcs; i++) {
		for (size_t ns = 0; ns < NAMESPACES; ns++) {
			const struct facts *own = &n->ids[ns].facts;

			for (size_t d = 0; n->ids[ns].used && d < n->conf->n_interfaces; d++) {
				if (own->linklocal[d] != f->arcs[i].peer_linklocal)
					continue;
				snprintf(field, sizeof(field), "arcs[%zu].peer_linklocal", i);
				fail(err, "conflict", field, "is a link-local address of this "
				    "system");
				return false;
			}
		}
	}
	return true;
}

static bool
load_check(const struct node *n, const struct facts *f, uint32_t file_ns, struct node_error *err)
{
	struct facts_error why;

	if (!manual_only(n, err))
		return false;
	if (f->main != (file_ns == 0)) {
		fail(err, "usage", "namespace", f->main ? "must be 0 for a main identity" :
		    "must not be 0 for an identity that is not main");
		return false;
	}
	if (!peers_differ(n, f, err))
		return false;
	if (!facts_check(f, &n->conf->map.topo, n->conf->n_interfaces, &why)) {
		fail(err, "usage", why.field, "%s", why.text);
		return false;
	}
	return true;
}

static bool
load_busy(const struct identity *id, struct node_error *err)
{
	if (!id->used || id->change == CHANGE_NONE)
		return false;
	fail(err, "busy", "", "identity %u waits for the kernel to finish its last change; "
	    "try again", id->index);
	return true;
}

/* Makes FACTS, with its wanted state, that of the identity at NS; both are taken. */
static void
load_commit(struct node *n, unsigned ns, struct facts *f, struct kset *want, uint32_t file_ns)
{
	struct identity *id = &n->ids[ns];

	if (id->used) {
		id->before = id->facts;
		id->before_file_ns = id->file_ns;
		id->before_loaded = id->loaded;
		id->change = CHANGE_REPLACE;
		id->asked = false;
	} else {
		identity_begin(n, ns);
	}
	id->facts = *f;
	id->file_ns = file_ns;
	id->loaded = true;
	kset_swap(&id->want, want);
	facts_init(f);
}

bool
node_load(struct node *n, struct facts *f, uint32_t file_ns, unsigned *index,
    struct node_error *err)
{
	unsigned ns = load_place(n, f->main, file_ns);
	struct kset want;
	bool ok = false;

	*err = (struct node_error){ .code = "" };
	kset_init(&want);
	if (ns == NAMESPACES) {
		fail(err, "exhausted", "namespace", "there are %d identities already; remove one "
		    "with remove_identity", NODE_IDENTITIES);
		goto out;
	}
	if (load_busy(&n->ids[ns], err))
		goto out;
	if (n->ids[ns].used)
		interfaces_keep(f, &n->ids[ns].facts);
	else if (!interfaces_draw(n, f)) {
		fail(err, "exhausted", "", "no link-local address is free");
		goto out;
	}
	if (!load_check(n, f, file_ns, err))
		goto out;
	if (!wanted_state(&n->settings, f, &want)) {
		fail_memory(err);
		goto out;
	}
	load_commit(n, ns, f, &want, file_ns);
	*index = n->ids[ns].index;
	ok = true;
out:
	kset_free(&want);
	return ok;
}

/* "0, 2, 5" of the identities that there are, for error messages. */
static void
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

bool
node_remove(struct node *n, unsigned index, struct node_error *err)
{
	unsigned ns = next_by_index(n, index);
	struct identity *id;
	char list[160];

	*err = (struct node_error){ .code = "" };
	if (!manual_only(n, err))
		return false;
	if (ns == NAMESPACES || n->ids[ns].index != index) {
		indices_print(n, list, sizeof(list));
		fail(err, "unknown_identity", "identity", "there is no identity %u; there are %s",
		    index, list);
		return false;
	}
	id = &n->ids[ns];
	if (id->main) {
		fail(err, "is_main", "identity", "identity %u is the main one; it goes when the "
		    "daemon stops", index);
		return false;
	}
	if (load_busy(id, err))
		return false;
	id->change = CHANGE_REMOVE;
	id->asked = false;
	return true;
}

bool
node_next_want(struct node *n, unsigned *ns, struct kset *out, uint32_t *label)
{
	unsigned at = next_by_index(n, 0);

	while (at < NAMESPACES && (n->ids[at].change == CHANGE_NONE || n->ids[at].asked))
		at = next_by_index(n, n->ids[at].index + 1);
	if (at == NAMESPACES)
		return false;
	n->ids[at].asked = true;
	*ns = at;
	*label = n->ids[at].index;
	kset_swap(out, &n->ids[at].want);
	return true;
}

static void
change_commit(struct node *n, unsigned ns)
{
	struct identity *id = &n->ids[ns];

	switch (id->change) {
	case CHANGE_REMOVE:
		identity_end(n, ns);
		return;
	case CHANGE_REPLACE:
		facts_free(&id->before);
		facts_init(&id->before);
		break;
	case CHANGE_MAKE:
	case CHANGE_NONE:
		break;
	}
	id->change = CHANGE_NONE;
	id->asked = false;
}

static void
change_undo(struct node *n, unsigned ns)
{
	struct identity *id = &n->ids[ns];

	switch (id->change) {
	case CHANGE_MAKE:
		/* Without its main identity there is no system: who drives us decides. */
		if (!id->main) {
			identity_end(n, ns);
			return;
		}
		break;
	case CHANGE_REPLACE:
		facts_free(&id->facts);
		id->facts = id->before;
		id->file_ns = id->before_file_ns;
		id->loaded = id->before_loaded;
		facts_init(&id->before);
		break;
	case CHANGE_REMOVE:
	case CHANGE_NONE:
		break;
	}
	id->change = CHANGE_NONE;
	id->asked = false;
}

void
node_kernel_done(struct node *n, unsigned ns, bool ok)
{
	/* Answers to what the node did not ask (a rehearsal) change nothing. */
	if (ns >= NAMESPACES || !n->ids[ns].used || !n->ids[ns].asked)
		return;
	if (ok)
		change_commit(n, ns);
	else
		change_undo(n, ns);
}
