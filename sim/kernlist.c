/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/kernlist.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lines.h"

enum { LINE = 256, PATH = 4096 };

/* Lines, sorted. */
struct list {
	char (*v)[LINE];
	size_t n, size;
};

static bool
add(struct list *l, const char *line)
{
	char (*v)[LINE] = lines_grow(l->v, l->n, &l->size, sizeof(*v));

	if (v == NULL)
		return false;
	l->v = v;
	snprintf(v[l->n++], LINE, "%s", line);
	return true;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
sort(struct list *l)
{
	if (l->n != 0)
		qsort(l->v, l->n, sizeof(*l->v), compare);
}

/* --- what is in a kernel ------------------------------------------------------------------------- */

/* Every IS in LINE, a whole word, becomes BE. */
static void
replace(char *line, const char *is, const char *be)
{
	char *at = line, rest[LINE];

	while (strcmp(is, be) != 0 && (at = strstr(at, is)) != NULL) {
		size_t room = LINE - (size_t)(at - line);

		if (!isdigit((unsigned char)at[strlen(is)])) {
			snprintf(rest, sizeof(rest), "%s", at + strlen(is));
			snprintf(at, room, "%s%.*s", be, (int)room, rest);
		}
		at++;
	}
}

/* What system I calls DEV in the namespace of identity ID becomes a mark, or a mark what lists call it. */
static void
rename_one(const struct town *b, size_t i, const struct script_listed *l, unsigned dev,
    const struct node_identity *id, bool marks, char *line)
{
	const ntk_ip_t listed = id->main ? l->linklocal : l->connectivity_linklocal;
	char mark[32], text[MAC_TEXT], be[MAC_TEXT];

	if (listed == 0)
		return;
	snprintf(mark, sizeof(mark), "#%zu.%u.%s", i, dev, id->main ? "m" : "c");
	if (!marks) {
		replace(line, mark, ip_print(listed, text));
		return;
	}
	replace(line, ip_print(id->facts->linklocal[dev], text), mark);
	if (!id->main)
		replace(line, mac_print(b->sys[i].pseudo[id->ns][dev], text),
		    mac_print(l->connectivity_mac, be));
}

/* By way of marks, since a drawn name may be what another is called. */
static void
rename_all(const struct script *s, const struct town *b, char *line)
{
	for (unsigned marks = 2; marks-- > 0; )
		for (size_t i = 0; i < b->n; i++)
			for (size_t k = 0; b->sys[i].node != NULL && k < node_identities(b->sys[i].node); k++) {
				struct node_identity id = node_identity(b->sys[i].node, k);

				for (unsigned d = 0; d < b->sys[i].conf.n_interfaces; d++)
					rename_one(b, i, &s->systems[i].listed[d], d, &id, marks != 0, line);
			}
}

static bool
list_kernel(const struct script *s, const struct town *b, size_t i, uint32_t number, struct list *l)
{
	struct kset set;
	bool ok;

	kset_init(&set);
	ok = fakekern_state(b->sys[i].fake, number, &set);
	for (size_t k = 0; ok && k < set.n; k++) {
		char line[LINE];

		kobj_print(&set.v[k], line);
		rename_all(s, b, line);
		ok = add(l, line);
	}
	kset_free(&set);
	sort(l);
	return ok;
}

/* --- what is written -------------------------------------------------------------------------------- */

/* PREFIX is seen from where the script is. */
static void
file_name(const struct script *s, const char *prefix, const char *system, unsigned k, char *path)
{
	const char *slash = strrchr(s->name, '/');
	int dir = prefix[0] != '/' && slash != NULL ? (int)(slash - s->name) + 1 : 0;

	snprintf(path, PATH, "%.*s%s-%s-n%u.txt", dir, s->name, prefix, system, k);
}

/* The lines of PATH; NULL, or why it cannot be read. */
static const char *
list_file(const char *path, struct list *l)
{
	FILE *f = fopen(path, "r");
	const char *wrong = NULL;
	char line[LINE];

	if (f == NULL)
		return strerror(errno);
	while (wrong == NULL && fgets(line, sizeof(line), f) != NULL) {
		size_t n = strcspn(line, "\n");

		if (line[n] == '\0' && n == sizeof(line) - 1)
			wrong = "a line of more than 254 characters, which no object has";
		line[n] = '\0';
		if (wrong == NULL && !add(l, line))
			wrong = "memory is exhausted";
	}
	if (wrong == NULL && ferror(f) != 0)
		wrong = strerror(errno);
	fclose(f);
	sort(l);
	return wrong;
}

/* --- both -------------------------------------------------------------------------------------------- */

/* How many lines only one of them has; FIRST gets the first such line. */
static size_t
differences(const struct list *is, const struct list *be, char *first, size_t size)
{
	size_t a = 0, z = 0, wrong = 0;

	while (a < is->n || z < be->n) {
		int c = a == is->n ? 1 : z == be->n ? -1 : strcmp(is->v[a], be->v[z]);

		if (c != 0 && wrong++ == 0)
			snprintf(first, size, "%s \"%s\"", c < 0 ? "too much:" : "missing:",
			    c < 0 ? is->v[a] : be->v[z]);
		a += c <= 0;
		z += c >= 0;
	}
	return wrong;
}

static bool
compare_one(const struct script *s, const struct town *b, const char *prefix, size_t i, uint32_t number,
    unsigned k, char *why, size_t why_size)
{
	struct list is = { .n = 0 }, be = { .n = 0 };
	char path[PATH], first[LINE + 32];
	const char *unread;
	size_t wrong = 1;

	file_name(s, prefix, b->sys[i].name, k, path);
	unread = list_file(path, &be);
	if (unread != NULL)
		snprintf(why, why_size, "%.200s: %s", path, unread);
	else if (!list_kernel(s, b, i, number, &is))
		snprintf(why, why_size, "%s: namespace %u cannot be read", b->sys[i].name, k);
	else if ((wrong = differences(&is, &be, first, sizeof(first))) != 0)
		snprintf(why, why_size, "%s, namespace %u: %zu lines differ, the first is %s", b->sys[i].name,
		    k, wrong, first);
	free(is.v);
	free(be.v);
	return wrong == 0;
}

static bool
has_no_more(const struct script *s, const struct town *b, const char *prefix, size_t i, unsigned k,
    char *why, size_t why_size)
{
	char path[PATH];
	FILE *f;

	file_name(s, prefix, b->sys[i].name, k, path);
	f = fopen(path, "r");
	if (f != NULL)
		fclose(f);
	if (f != NULL)
		snprintf(why, why_size, "%s: there is no namespace for %.200s", b->sys[i].name, path);
	else if (fakekern_namespaces(b->sys[i].fake) != k - 1)
		snprintf(why, why_size, "%s has %zu namespaces for %u identities", b->sys[i].name,
		    fakekern_namespaces(b->sys[i].fake), k - 1);
	else
		return true;
	return false;
}

static bool
compare_system(const struct script *s, const struct town *b, const char *prefix, size_t i, char *why,
    size_t why_size)
{
	const struct town_system *t = &b->sys[i];
	bool ok = compare_one(s, b, prefix, i, 0, 0, why, why_size);
	unsigned k = 1;

	for (size_t n = 0; ok && n < node_identities(t->node); n++) {
		struct node_identity id = node_identity(t->node, n);

		if (!id.main)
			ok = compare_one(s, b, prefix, i, kernel_ns_number(t->kernel, id.ns), k++, why, why_size);
	}
	return ok && has_no_more(s, b, prefix, i, k, why, why_size);
}

bool
kernlist_compare(const struct script *s, const struct town *b, const char *prefix, char *why,
    size_t why_size)
{
	bool ok = true;

	for (size_t i = 0; ok && i < b->n; i++)
		if (b->sys[i].node != NULL)
			ok = compare_system(s, b, prefix, i, why, why_size);
	return ok;
}
