/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ntkd(8).  Start order, nothing else.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "ntkd/io/start.h"

/* Before -t is served: nothing here needs rights or changes anything. */
static start_step *const reading[] = {
	start_environment,	/* first: no variable reaches a parser or the helper */
	start_config,
};

static start_step *const starting[] = {
	start_rights,
	start_background,	/* before anything that belongs to a process */
	start_lock,		/* before anything is looked at that another ntkd may change */
	start_recover,		/* even if nothing more comes of this start */
	start_host,		/* before anything is changed */
	start_directories,
	start_control,		/* with a queue: clients may connect, and wait */
	start_helper,		/* by exec, while we may still start programs */
	start_daemon,		/* opens what the loop needs */
	start_confine,		/* from here on: no rights, no files, no way back */
};

static bool
run(start_step *const *steps, size_t n, struct start *s)
{
	char err[CONF_ERROR];

	for (size_t i = 0; i < n; i++)
		if (!steps[i](s, err)) {
			log_error("start", "%s", err);
			return false;
		}
	return true;
}

#define RUN(steps, s) run((steps), sizeof(steps) / sizeof((steps)[0]), (s))

int
main(int argc, char **argv)
{
	static struct start s;
	struct options options;
	int status;

	if (!options_parse(argc, argv, &options, &status))
		return status;
	start_init(&s, &options);
	if (!RUN(reading, &s))
		return 1;
	if (options.check) {
		conf_print(&s.conf, stdout);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (!RUN(starting, &s))
		return 1;
	status = daemon_run(s.daemon);
	daemon_free(s.daemon);
	return status;
}
