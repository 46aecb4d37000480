/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identities whose facts come from state files: no QSPN, no neighbours (spec/manual-mode 8). */
#include "ntkd/core/node/int.h"

#include <stdio.h>
#include <string.h>

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

		if (id->place == PLACE_IDENTITY && id->loaded && id->file_ns == file_ns)
			return ns;
		if (id->place == PLACE_FREE)
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

			for (size_t d = 0; n->ids[ns].place == PLACE_IDENTITY && d < n->conf->n_interfaces; d++) {
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
	if (id->place != PLACE_IDENTITY)
		return false;
	if (id->change != CHANGE_NONE) {
		fail(err, "busy", "", "identity %u waits for the kernel to finish its last change; "
		    "try again", id->index);
		return true;
	}
	return false;
}

/* The main identity gives its place to what a file tells only while it is alone. */
static bool
main_has_neighbours(const struct node *n, bool main, struct node_error *err)
{
	struct ident_identity view;

	if (!main || n->ids[0].loaded)
		return false;
	if (ident_find(n->ident, n->ids[0].id, &view) && view.busy) {
		fail(err, "busy", "namespace", "the main identity is being duplicated");
		return true;
	}
	if (ident_arcs(n->ident) == 0 && n->n_routes == 0)
		return false;
	fail(err, "busy", "namespace", "the main identity has neighbours; take its arcs back with "
	    "remove_real_arc first");
	return true;
}

static void
interfaces_keep(struct facts *f, const struct facts *from)
{
	memcpy(f->has_dev, from->has_dev, sizeof(f->has_dev));
	memcpy(f->linklocal, from->linklocal, sizeof(f->linklocal));
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

/* A NodeID that no identity has, drawn: nobody is told of it. */
static uint32_t
id_draw(struct node *n)
{
	uint32_t id;

	do
		id = 1 + rng_below(&n->rng, IDENT_ID_MAX);
	while (identity_by_id(n, id) != NULL);
	return id;
}

static bool
load_begin(struct node *n, unsigned *ns)
{
	struct identity *id;
	uint32_t index;

	if (!ident_reserve(n->ident, ns, &index))
		return false;
	id = &n->ids[*ns];
	id->place = PLACE_IDENTITY;
	id->id = id_draw(n);
	id->index = index;
	id->change = CHANGE_MAKE;
	id->born = n->now;
	n->n++;
	return true;
}

/* Makes FACTS, with its wanted state, that of the identity at NS; both are taken. */
static bool
load_commit(struct node *n, unsigned *ns, struct facts *f, struct kset *want, uint32_t file_ns)
{
	struct identity *id = &n->ids[*ns];

	if (id->place == PLACE_IDENTITY) {
		id->before = id->facts;
		id->before_file_ns = id->file_ns;
		id->before_loaded = id->loaded;
		id->change = CHANGE_REPLACE;
	} else if (load_begin(n, ns)) {
		id = &n->ids[*ns];
	} else {
		return false;
	}
	id->facts = *f;
	id->file_ns = file_ns;
	id->loaded = true;
	id->dirty = false;
	id->ready = true;
	kset_swap(&id->want, want);
	facts_init(f);
	return true;
}

static void
load_exhausted(struct node_error *err)
{
	fail(err, "exhausted", "namespace", "there are %d identities already; remove one "
	    "with remove_identity", NODE_IDENTITIES);
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
		load_exhausted(err);
		goto out;
	}
	if (load_busy(&n->ids[ns], err) || main_has_neighbours(n, f->main, err))
		goto out;
	if (n->ids[ns].place == PLACE_IDENTITY)
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
	ok = load_commit(n, &ns, f, &want, file_ns);
	if (ok)
		*index = n->ids[ns].index;
	else
		load_exhausted(err);
out:
	kset_free(&want);
	want_numbers(n);
	return ok;
}


bool
node_remove(struct node *n, uint64_t now, unsigned index, struct node_error *err)
{
	struct identity *id = identity_by_index(n, index);
	char list[160];
	bool ok;

	*err = (struct node_error){ .code = "" };
	if (now > n->now)
		n->now = now;
	if (!manual_only(n, err))
		return false;
	if (id == NULL) {
		indices_print(n, list, sizeof(list));
		fail(err, "unknown_identity", "identity", "there is no identity %u; there are %s",
		    index, list);
		return false;
	}
	if (id->main) {
		fail(err, "is_main", "identity", "identity %u is the main one; it goes when the "
		    "daemon stops", index);
		return false;
	}
	if (!id->loaded) {
		ok = remove_connectivity(n, index, err);
		settle(n);
		return ok;
	}
	if (load_busy(id, err))
		return false;
	id->change = CHANGE_REMOVE;
	id->ready = true;
	want_numbers(n);
	return true;
}

/* The number of the namespace is free again. */
static void
load_end(struct node *n, unsigned ns)
{
	struct ident_out out;

	identity_end(n, ns);
	ident_out_init(&out);
	ident_ns_gone(n->ident, n->now, ns, &out);
	ident_carry_out(n, &out);
	ident_out_free(&out);
}

static void
change_commit(struct node *n, unsigned ns)
{
	struct identity *id = &n->ids[ns];

	switch (id->change) {
	case CHANGE_REMOVE:
		load_end(n, ns);
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
}

static void
change_undo(struct node *n, unsigned ns)
{
	struct identity *id = &n->ids[ns];

	switch (id->change) {
	case CHANGE_MAKE:
		/* Without its main identity there is no system: who drives us decides. */
		if (!id->main) {
			load_end(n, ns);
			return;
		}
		break;
	case CHANGE_REPLACE:
		facts_free(&id->facts);
		id->facts = id->before;
		id->file_ns = id->before_file_ns;
		id->loaded = id->before_loaded;
		facts_init(&id->before);
		/* What was asked for last is not what it has: it is asked for again. */
		dirty(n, id);
		break;
	case CHANGE_REMOVE:
	case CHANGE_NONE:
		break;
	}
	id->change = CHANGE_NONE;
}

void
commit_or_undo(struct node *n, unsigned ns, bool ok)
{
	n->ids[ns].change_asked = false;
	if (ok)
		change_commit(n, ns);
	else
		change_undo(n, ns);
}
