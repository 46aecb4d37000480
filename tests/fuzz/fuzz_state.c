/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * State files: bytes → JSON → facts → wanted state → transactions → a fake kernel that
 * must then hold what was wanted, having seen no rule of kernel-state 8 broken.
 * What was accepted is written and read again and must stay the same.
 */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/io/state.h"
#include "tests/unit/kerntest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool what)
{
	if (!what)
		abort();
}

/* The configuration that a file's topology asks for, when it is one of these. */
static void
configure(struct conf *c, const json_t *json)
{
	static const char *const topologies[] = { "4.2.2.2", "16.4", "2", "8.2.2.2.2.2", "4.16.16" };
	const char *text = json_string_value(json_object_get(json, "topology"));

	kerntest_conf(c, topologies[0], 2);
	for (size_t i = 0; text != NULL && i < sizeof(topologies) / sizeof(topologies[0]); i++)
		if (strcmp(text, topologies[i]) == 0)
			kerntest_conf(c, topologies[i], 2);
}

static void
write_and_read(const struct conf *c, const struct facts *f, uint32_t ns)
{
	json_t *once = state_write(c, f, ns);
	struct facts_error err;
	const char *code;
	struct facts again;
	json_t *twice;
	uint32_t number = 0;

	must(once != NULL && state_read(once, c, &again, &number, &code, &err));
	twice = state_write(c, &again, number);
	must(twice != NULL && json_equal(once, twice));
	json_decref(once);
	json_decref(twice);
	facts_free(&again);
}

/* Gives F what a running daemon adds; false when a neighbour has our link-local. */
static bool
complete(const struct conf *c, struct facts *f)
{
	struct facts_error err;

	f->linklocal[0] = 0xa9fe0a01;
	f->linklocal[1] = 0xa9fe0a02;
	return facts_check(f, &c->map.topo, c->n_interfaces, &err);
}

static void
bring(const struct conf *c, const struct facts *f)
{
	struct wanted_settings settings = kerntest_settings(c);
	struct kset main, want, none;
	struct facts plain;
	struct rig rig;
	unsigned ns = f->main ? 0 : 1;

	facts_init(&plain);
	kset_init(&main);
	kset_init(&want);
	kset_init(&none);
	plain.main = plain.has_dev[0] = plain.has_dev[1] = true;
	plain.linklocal[0] = 0xa9fe0a01;
	plain.linklocal[1] = 0xa9fe0a02;
	must(rig_init(&rig, c));
	must(wanted_state(&settings, &plain, &main) && rig_bring(&rig, 0, &main));
	must(wanted_state(&settings, f, &want));
	must(rig_bring(&rig, ns, &want) && rig_has(&rig, ns, &want));
	must(ns == 0 ? rig_bring(&rig, 0, &main) && rig_has(&rig, 0, &main) :
	    rig_bring(&rig, ns, &none) && fakekern_namespaces(rig.fake) == 0);
	must(fakekern_peers(rig.fake) == 0 && fakekern_fault(rig.fake) == NULL);
	rig_free(&rig);
	kset_free(&main);
	kset_free(&want);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_error_t where;
	json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
	struct facts_error err;
	const char *code;
	struct facts f;
	struct conf c;
	uint32_t ns;

	if (json == NULL)
		return 0;
	configure(&c, json);
	c.subnet_level = size % 7 == 0 ? (uint8_t)(c.map.topo.levels - 1) : 0;
	if (state_read(json, &c, &f, &ns, &code, &err)) {
		write_and_read(&c, &f, ns);
		if (complete(&c, &f))
			bring(&c, &f);
		facts_free(&f);
	} else {
		must(*code != '\0' && err.text[0] != '\0');
	}
	json_decref(json);
	return 0;
}
