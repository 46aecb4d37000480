/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/snap.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/priv/claim.h"

#define NAMES "/run/netns"

static void __attribute__((noreturn))
give_up(const char *what)
{
	perror(what);
	abort();
}

/* --- lines ----------------------------------------------------------------- */

void
snap_add(struct snap *s, enum snap_owner owner, const char *fmt, ...)
{
	char *text;
	va_list ap;

	if (s->n == s->size) {
		s->size = s->size != 0 ? s->size * 2 : 4096;
		s->v = realloc(s->v, s->size * sizeof(s->v[0]));
		if (s->v == NULL)
			give_up("snapshot");
	}
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		give_up("snapshot");
	va_end(ap);
	s->v[s->n++] = (struct snap_line){ text, owner };
}

static int
line_cmp(const void *a, const void *b)
{
	return strcmp(((const struct snap_line *)a)->text, ((const struct snap_line *)b)->text);
}

void
snap_free(struct snap *s)
{
	for (size_t i = 0; s != NULL && i < s->n; i++)
		free(s->v[i].text);
	if (s != NULL)
		free(s->v);
	free(s);
}

size_t
snap_ours(const struct snap *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].owner == SNAP_OURS;
	return n;
}

/* --- taking one ------------------------------------------------------------ */

/* What has a name, but for the directory itself. */
static void
named_namespace(struct snap *s, const char *name, int home)
{
	char path[300], where[300];
	struct statfs st;
	int fd;

	snprintf(path, sizeof(path), NAMES "/%s", name);
	snprintf(where, sizeof(where), "netns '%s' ", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	if (fstatfs(fd, &st) == 0 && st.f_type == NSFS_MAGIC) {
		if (setns(fd, CLONE_NEWNET) != 0)
			give_up(path);
		snap_network(s, where, claim_file(path, true) == SNAP_OURS, SNAP_ALL);
		if (setns(home, CLONE_NEWNET) != 0)
			give_up("setns");
	}
	close(fd);
}

static void
named_namespaces(struct snap *s)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	DIR *d = opendir(NAMES);
	const struct dirent *e;

	if (home < 0)
		give_up("/proc/self/ns/net");
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			named_namespace(s, e->d_name, home);
	if (d != NULL)
		closedir(d);
	close(home);
}

struct snap *
snap_take(enum snap_scope scope)
{
	struct snap *s = calloc(1, sizeof(*s));

	if (s == NULL)
		give_up("snapshot");
	snap_network(s, "", false, scope);
	if (scope == SNAP_ALL)
		named_namespaces(s);
	snap_files(s);
	qsort(s->v, s->n, sizeof(s->v[0]), line_cmp);
	return s;
}

/* --- comparing two --------------------------------------------------------- */

/* What was there may vanish only where it is a setting of which we have another value. */
static bool
may_go(const struct snap_line *l, enum snap_rule rule)
{
	return rule == SNAP_LIFE && (l->owner == SNAP_SETTING || l->owner == SNAP_SETTING_OTHER);
}

static bool
may_come(const struct snap_line *l, enum snap_rule rule)
{
	return rule == SNAP_LIFE && (l->owner == SNAP_OURS || l->owner == SNAP_SETTING);
}

size_t
snap_compare(const struct snap *before, const struct snap *now, enum snap_rule rule,
    snap_difference *each, void *arg)
{
	size_t i = 0, j = 0, n = 0;

	while (i < before->n || j < now->n) {
		int c = i == before->n ? 1 : j == now->n ? -1 : line_cmp(&before->v[i], &now->v[j]);
		const struct snap_line *l = c < 0 ? &before->v[i] : &now->v[j];

		i += c <= 0;
		j += c >= 0;
		if (c == 0 || (c < 0 ? may_go(l, rule) : may_come(l, rule)))
			continue;
		n++;
		if (each != NULL)
			each(c < 0 ? '-' : '+', l->text, arg);
	}
	return n;
}
