/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ntk-sim: the daemon's routing in simulated worlds.  See ntk-sim(1). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report.h"

static bool
write_file(const char *name, const struct run *r, bool (*report)(const struct run *, FILE *))
{
	FILE *f = fopen(name, "w");
	bool ok = f != NULL && report(r, f);

	if (f != NULL && fclose(f) != 0)
		ok = false;
	if (!ok)
		fprintf(stderr, "ntk-sim: %s: %s\n", name, strerror(errno));
	return ok;
}

static bool
write_reports(const struct sim_options *o, const struct run *r)
{
	bool ok = o->json ? report_json(r, stdout) : o->dot ? report_dot(r, stdout) :
	    report_text(r, stdout);

	if (o->svg != NULL && r->world->n_nodes > REPORT_DRAWN) {
		fprintf(stderr, "ntk-sim: --svg: more than %d nodes are not drawn\n", REPORT_DRAWN);
		return false;
	}
	return (o->svg == NULL || write_file(o->svg, r, report_svg)) && ok;
}

static void
shrink(const struct run *r)
{
	struct course_event *v;
	uint32_t n = run_shrink(r, &v);
	char text[COURSE_TEXT];

	if (v == NULL) {
		fprintf(stderr, "ntk-sim: memory is exhausted\n");
		return;
	}
	fprintf(stderr, "ntk-sim: of %u events these %u break it:", r->n_events, n);
	for (uint32_t i = 0; i < n; i++)
		fprintf(stderr, "%s %s", i != 0 ? "," : "", course_print(r->world, &v[i], text));
	fprintf(stderr, "\n");
	free(v);
}

/* What broke, and how to see it again. */
static void
tell_broken(const struct sim_options *o, const struct run *r)
{
	char command[OPTIONS_TEXT];

	fprintf(stderr, "ntk-sim: %s\nntk-sim: again with: %s\n", r->check.why, options_print(o,
	    o->scenario != NULL ? o->events : r->n_events, command));
	if (o->shrink && o->scenario == NULL)
		shrink(r);
}

static int
simulate(const struct sim_options *o)
{
	struct run r;
	int status = 0;

	if (!run_world(&r, o, NULL, 0)) {
		fprintf(stderr, "ntk-sim: %s\n", r.why);
		run_free(&r);
		return 2;
	}
	if (!write_reports(o, &r))
		status = 2;
	if (r.broken) {
		tell_broken(o, &r);
		status = 1;
	}
	run_free(&r);
	return status;
}

int
main(int argc, char **argv)
{
	struct sim_options o;
	char why[300];

	if (!options_read(argc, argv, &o, why, sizeof(why))) {
		fprintf(stderr, "ntk-sim: %s\nntk-sim --help lists the options\n", why);
		return 2;
	}
	if (o.help)
		fputs(options_usage, stdout);
	else if (o.version)
		puts("ntk-sim " PACKAGE_VERSION);
	else
		return simulate(&o);
	return fflush(stdout) != 0;
}
