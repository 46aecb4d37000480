/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkctl/help.h"

#include <string.h>

static void
help_list(FILE *out, const char *title, enum ctl_access access)
{
	char usage[CTL_TEXT];

	fprintf(out, "\n%s\n", title);
	for (size_t i = 0; i < CTL_N_VERBS; i++)
		if (ctl_verbs[i].access == access)
			fprintf(out, "  %-29s %s\n",
			    ctl_verb_usage(&ctl_verbs[i], usage, sizeof(usage)), ctl_verbs[i].doc);
}

void
help_all(FILE *out)
{
	fputs("usage: ntkctl [-jw] [-s SOCKET] VERB [ARGUMENT ...]\n"
	    "       ntkctl map --dot|--svg [FILE]\n"
	    "       ntkctl help [VERB]\n"
	    "\n"
	    "  -j         print the result as JSON\n"
	    "  -s SOCKET  the daemon's control socket\n"
	    "  -w         watch: ask again every second\n"
	    "  --dot      draw the map as a graph for dot(1), to FILE or standard output\n"
	    "  --svg      draw it as a picture\n"
	    "  -V, -h     version, this text\n", out);
	help_list(out, "Verbs that show something:", CTL_READING);
	help_list(out, "Verbs that change something:", CTL_WRITING);
}

static void
help_kind(FILE *out, const struct ctl_arg *a)
{
	switch (a->kind) {
	case CTL_NUMBER:
		fprintf(out, "a number from %llu to %llu", (unsigned long long)a->min,
		    (unsigned long long)a->max);
		return;
	case CTL_CHOICE:
		fprintf(out, "one of %s", a->choices);
		return;
	case CTL_MAC:
		fputs("a hardware address like 00:16:3e:5b:78:d5", out);
		return;
	case CTL_IP:
		fputs("an IPv4 address like 10.0.0.40", out);
		return;
	case CTL_IP_OR_MAC:
		fputs("an IPv4 address like 10.0.0.40, or a hardware address like 00:16:3e:5b:78:d5",
		    out);
		return;
	case CTL_LIST:
		fprintf(out, "a list like [0,3] of numbers from %llu to %llu",
		    (unsigned long long)a->min, (unsigned long long)a->max);
		return;
	case CTL_LEVELS:
		fputs("numbers like 2.1.1, from the highest level down; - for none", out);
		return;
	case CTL_NULLABLE:
		fprintf(out, "a number from %llu to %llu, or null", (unsigned long long)a->min,
		    (unsigned long long)a->max);
		return;
	case CTL_DEV:
		fputs("the name of an interface", out);
		return;
	case CTL_OBJECT:
		fputs("a file that holds a JSON object", out);
		return;
	}
}

static void
help_args(FILE *out, const struct ctl_verb *v)
{
	if (v->args[0].key != NULL)
		fputs("\nArguments, by position or as key=value:\n", out);
	for (const struct ctl_arg *a = v->args; a->key != NULL; a++) {
		fprintf(out, "  %-12s %s: ", a->key, a->doc);
		help_kind(out, a);
		fputs(a->need != CTL_NEEDED ? "; may be left out\n" : "\n", out);
	}
}

static void
help_columns(FILE *out, const struct ctl_verb *v)
{
	const char *list = NULL;

	for (const struct ctl_column *c = v->columns; c->key != NULL; c++) {
		if (list == NULL || strcmp(list, c->list) != 0)
			fprintf(out, "\nResult%s%s:\n", c->list[0] != '\0' ? ", list " : "",
			    c->list);
		list = c->list;
		fprintf(out, "  %-20s %s\n", c->key, c->doc);
	}
}

static void
help_events(FILE *out)
{
	fputs("\nEvents:\n", out);
	for (size_t i = 0; i < CTL_N_EVENTS; i++)
		fprintf(out, "  %-20s %s\n", ctl_events[i].name, ctl_events[i].doc);
}

void
help_verb(FILE *out, const struct ctl_verb *v)
{
	char usage[CTL_TEXT];

	fprintf(out, "usage: ntkctl %s\n\n%s\n", ctl_verb_usage(v, usage, sizeof(usage)), v->doc);
	if (v->mode == CTL_MANUAL_MODE)
		fputs("In manual mode only.\n", out);
	fprintf(out, "For root and members of %soperator-group.\n",
	    v->access == CTL_READING ? "control-group or " : "");
	help_args(out, v);
	help_columns(out, v);
	if (v->shape == CTL_STREAM_SHAPE)
		help_events(out);
}
