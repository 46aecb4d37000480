/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_OPTIONS_H
#define NTKD_IO_OPTIONS_H

/* The command line of ntkd(8). */

#include <stdbool.h>
#include <stddef.h>

#include "common/conf.h"
#include "common/scfilter.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OPTIONS_OVERRIDES = 64 };	/* -o on one command line */

/* Texts point into argv. */
struct options {
	const char *config;	/* -c */
	const char *helper;	/* --helper; NULL: the installed one */
	bool foreground;	/* -f, -d */
	bool debug;		/* -d */
	bool check;		/* -t */
	enum sc_mode filter;	/* -k */
	struct conf_override overrides[OPTIONS_OVERRIDES];	/* -o */
	size_t n_overrides;
};

/*
 * Reads the command line into O.  False when main() shall end with STATUS now:
 * 0 after -V and -h, 2 after a wrong command line; what there is to say is printed.
 */
bool options_parse(int argc, char **argv, struct options *o, int *status);

#ifdef __cplusplus
}
#endif

#endif
