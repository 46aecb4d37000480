/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_HELPER = 256 };

static const struct option long_options[] = {
	{ "helper", required_argument, NULL, OPTION_HELPER },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
print_usage(FILE *out)
{
	fprintf(out,
	    "usage: ntkd [-dft] [-c FILE] [-k kill|trap] [-o KEY=VALUE]... [--helper PATH]\n"
	    "       ntkd -h | -V\n"
	    "  -c FILE        configuration (" NTK_SYSCONFDIR "/ntkd.conf)\n"
	    "  -f             stay in the foreground, log to standard error\n"
	    "  -d             as -f, with debug log\n"
	    "  -t             check the configuration, print it, exit\n"
	    "  -o KEY=VALUE   override one key of the configuration\n"
	    "  -k kill|trap   what a forbidden system call does (kill)\n"
	    "  --helper PATH  the helper, instead of the installed one\n"
	    "  -h, -V         this text; the version\n"
	    "See ntkd(8).\n");
}

static bool
usage(int *status)
{
	fprintf(stderr, "Try \"ntkd -h\".\n");
	*status = 2;
	return false;
}

static bool
filter_parse(const char *text, enum sc_mode *mode)
{
	if (strcmp(text, "kill") == 0)
		*mode = SC_KILL;
	else if (strcmp(text, "trap") == 0)
		*mode = SC_TRAP;
	else
		return false;
	return true;
}

static bool
override_add(struct options *o, const char *text)
{
	if (o->n_overrides == OPTIONS_OVERRIDES) {
		fprintf(stderr, "ntkd: more than %d times -o\n", OPTIONS_OVERRIDES);
		return false;
	}
	o->overrides[o->n_overrides++].text = text;
	return true;
}

/* Takes option C; false when it ends the program with STATUS. */
static bool
option_take(struct options *o, int c, int *status)
{
	switch (c) {
	case 'c':
		o->config = optarg;
		return true;
	case 'd':
		o->debug = true;
		o->foreground = true;
		return true;
	case 'f':
		o->foreground = true;
		return true;
	case 't':
		o->check = true;
		return true;
	case 'k':
		if (filter_parse(optarg, &o->filter))
			return true;
		fprintf(stderr, "ntkd: -k \"%s\": must be kill or trap\n", optarg);
		return usage(status);
	case 'o':
		return override_add(o, optarg) || usage(status);
	case OPTION_HELPER:
		o->helper = optarg;
		return true;
	case 'V':
		printf("ntkd %s\n", PACKAGE_VERSION);
		return false;
	case 'h':
		print_usage(stdout);
		return false;
	default:
		return usage(status);
	}
}

bool
options_parse(int argc, char **argv, struct options *o, int *status)
{
	int c;

	memset(o, 0, sizeof(*o));
	o->config = NTK_SYSCONFDIR "/ntkd.conf";
	o->filter = SC_KILL;
	*status = 0;
	while ((c = getopt_long(argc, argv, "c:dfhk:o:tV", long_options, NULL)) != -1)
		if (!option_take(o, c, status))
			return false;
	if (optind < argc) {
		fprintf(stderr, "ntkd: argument \"%s\": none is expected\n", argv[optind]);
		return usage(status);
	}
	return true;
}
