/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scrules ntkd|ntkd-priv TRACE... : counts, for each rule of that program's system call
 * filter, the calls in the traces that it lets through, and what none lets through: by name,
 * with the first trace and line that has it.
 *
 * A trace is the file of one process by "strace -ff -e raw='!execve'".  What came before
 * the filter was loaded does not count; nor does a trace in which it never was.
 */
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd-priv/sandbox.h"
#include "ntkd/sandbox.h"

enum { RULES = 128, ARGS = 6, OTHERS = 64, NAME = 32 };

struct call {
	char name[NAME];
	uint64_t args[ARGS];
	unsigned n_args;
	bool done;		/* returned 0 */
};

struct tally {
	const struct sc_rule *rules;
	size_t n;
	uint64_t seen[RULES];
	struct {
		char name[NAME];
		const char *file;
		unsigned line;
	} other[OTHERS];
	size_t n_others;
	const char *file;	/* that is being read, and its line */
	unsigned line;
	unsigned traces;
};

/* "name(0x1, 0x2) = 0x3"; false for lines that tell something else. */
static bool
call_read(const char *line, struct call *c)
{
	size_t n = strcspn(line, "(");
	const char *at = line + n, *result;
	char *end;

	if (line[n] != '(' || n == 0 || n >= NAME || strspn(line,
	    "abcdefghijklmnopqrstuvwxyz_0123456789") != n)
		return false;
	memset(c, 0, sizeof(*c));
	memcpy(c->name, line, n);
	while (c->n_args < ARGS && at != NULL && *at != ')') {
		c->args[c->n_args] = strtoull(at + 1, &end, 0);
		if (end == at + 1)
			break;
		c->n_args++;
		at = *end == ',' ? end : NULL;
	}
	result = strrchr(line, '=');
	c->done = result != NULL && strtoull(result + 1, &end, 0) == 0 && end > result + 1;
	return true;
}

static bool
argument_fits(const struct scmp_arg_cmp *a, const struct call *c)
{
	if (a->arg >= c->n_args)
		return false;
	return a->op == SCMP_CMP_MASKED_EQ ? (c->args[a->arg] & a->datum_a) == a->datum_b :
	    a->op == SCMP_CMP_EQ && c->args[a->arg] == a->datum_a;
}

static bool
rule_fits(const struct sc_rule *r, const struct call *c)
{
	if (strcmp(r->name, c->name) != 0)
		return false;
	for (unsigned i = 0; i < r->n_args; i++)
		if (!argument_fits(&r->args[i], c))
			return false;
	return true;
}

static void
other_add(struct tally *t, const char *name)
{
	for (size_t i = 0; i < t->n_others; i++)
		if (strcmp(t->other[i].name, name) == 0)
			return;
	if (t->n_others == OTHERS)
		return;
	memcpy(t->other[t->n_others].name, name, NAME);
	t->other[t->n_others].file = t->file;
	t->other[t->n_others++].line = t->line;
}

static void
call_count(struct tally *t, const struct call *c)
{
	bool found = false;

	for (size_t i = 0; i < t->n; i++)
		if (rule_fits(&t->rules[i], c)) {
			t->seen[i]++;
			found = true;
		}
	if (!found)
		other_add(t, c->name);
}

static bool
trace_read(struct tally *t, const char *file)
{
	FILE *f = fopen(file, "re");
	bool filtered = false;
	char *line = NULL;
	size_t size = 0;
	struct call c;

	if (f == NULL) {
		perror(file);
		return false;
	}
	t->file = file;
	for (t->line = 1; getline(&line, &size, f) > 0; t->line++) {
		if (!call_read(line, &c))
			continue;
		if (filtered)
			call_count(t, &c);
		else if (strcmp(c.name, "seccomp") == 0 && c.done &&
		    c.args[0] == SECCOMP_SET_MODE_FILTER)
			filtered = true;
	}
	free(line);
	fclose(f);
	t->traces += filtered;
	return true;
}

static void
rule_print(const struct sc_rule *r, uint64_t seen)
{
	char args[128] = "";
	size_t at = 0;

	for (unsigned i = 0; i < r->n_args; i++)
		at += (size_t)snprintf(args + at, sizeof(args) - at, r->args[i].op ==
		    SCMP_CMP_MASKED_EQ ? " [%u]&%#" PRIx64 "==%#" PRIx64 : " [%u]==%#" PRIx64,
		    r->args[i].arg, (uint64_t)r->args[i].datum_a, (uint64_t)r->args[i].datum_b);
	printf("%-8s %9" PRIu64 "  %s%s: %s\n", seen > 0 ? "used" : "never", seen, r->name, args,
	    r->why);
}

int
main(int argc, char **argv)
{
	static struct tally t;
	bool priv = argc > 1 && strcmp(argv[1], "ntkd-priv") == 0;

	if (argc < 2 || (!priv && strcmp(argv[1], "ntkd") != 0)) {
		fputs("usage: scrules ntkd|ntkd-priv TRACE...\n", stderr);
		return 2;
	}
	t.rules = priv ? sandbox_rules : ntkd_sandbox_rules;
	t.n = priv ? sandbox_n_rules : ntkd_sandbox_n_rules;
	if (t.n > RULES)
		return 1;
	for (int i = 2; i < argc; i++)
		if (!trace_read(&t, argv[i]))
			return 1;
	printf("processes %u\n", t.traces);
	for (size_t i = 0; i < t.n; i++)
		rule_print(&t.rules[i], t.seen[i]);
	for (size_t i = 0; i < t.n_others; i++)
		printf("unlisted            %s: first in %s, line %u\n", t.other[i].name, t.other[i].file,
		    t.other[i].line);
	return 0;
}
