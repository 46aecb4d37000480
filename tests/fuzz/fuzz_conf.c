/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The configuration: the input is a file; behind the first NUL stand overrides,
 * each ended by a NUL.  (The whole input, NULs included, is read as a file too.)
 * What is accepted is printed and read back; what is refused has an error of one line; and
 * neither changes what the next file means.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"

enum { OVERRIDES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
check_error(const char *err)
{
	size_t len = strnlen(err, CONF_ERROR);

	check(len > 0 && len < CONF_ERROR);
	for (size_t i = 0; i < len; i++)
		check(err[i] >= 0x20 && err[i] <= 0x7e);
}

static void
check_values(const struct conf *c)
{
	unsigned host_bits = (unsigned)NTK_IP_BITS - c->map.range.len;
	char why[200];

	check(topo_check(&c->map.topo, host_bits, false, why, sizeof(why)));
	check(c->n_interfaces >= 1 && c->n_interfaces <= CONF_INTERFACES);
	check(c->subnet_level < c->map.topo.levels);
	check(c->max_paths >= 1 && c->max_paths <= 20);
	check(strlen(c->runtime_dir) < CONF_PATH && strlen(c->control_socket) < CONF_PATH);
	check(strlen(c->user) < CONF_NAME && strlen(c->helper_user) < CONF_NAME);
	check(strcmp(c->user, c->helper_user) != 0);
	check(c->tables.first > c->tables.last && c->tables.first <= c->mark_mask);
	check(c->more_tables.last >= c->more_tables.first + 999);
	check(c->more_tables.last <= c->mark_mask);
	check((c->mark_mask & (c->mark_mask + 1)) == 0);
	check(!c->has_address || naddr_highest_virtual(&c->map.topo, &c->address) < 0);
}

static void
check_print(const struct conf *c)
{
	char err[CONF_ERROR], *text = NULL;
	struct conf again;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	check(f != NULL);
	conf_print(c, f);
	fclose(f);
	check(conf_parse(text, len, "printed", NULL, 0, &again, err));
	check(memcmp(c, &again, sizeof(again)) == 0);
	free(text);
}

static void
run(const char *text, size_t len, const struct conf_override *o, size_t n)
{
	char err[CONF_ERROR];
	struct conf c;

	memset(&c, 0xa5, sizeof(c));
	if (conf_parse(text, len, "fuzz", o, n, &c, err)) {
		check_values(&c);
		check_print(&c);
	} else {
		check_error(err);
	}
}

/* libconfuse keeps state between two files; it must not show. */
static void
check_memory(void)
{
	static const char good[] = "# a\nmax-paths = 3\ninterface eth1 { }\n";
	char err[CONF_ERROR];
	struct conf c;

	check(conf_parse(good, sizeof(good) - 1, "good", NULL, 0, &c, err));
	check(c.max_paths == 3 && c.n_interfaces == 1 && c.radar_interval == 1000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_override o[OVERRIDES];
	char *text = malloc(size + 1);
	size_t len, n = 0;

	check(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	len = strlen(text);
	for (size_t at = len + 1; at < size && n < OVERRIDES; at += strlen(text + at) + 1)
		o[n++].text = text + at;
	run(text, size, NULL, 0);
	if (len < size)
		run(text, len, o, n);
	check_memory();
	free(text);
	return 0;
}
