/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ntk-sim: the daemon's routing in simulated worlds.  See ntk-sim(1). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/lines.h"
#include "sim/playreport.h"
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

/* --- whole systems ---------------------------------------------------------------------- */

static uint64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int
play(const struct sim_options *o, const struct script *script)
{
	const struct world_settings *w = &o->world;
	struct play_settings s = { .seed = w->seed, .segment = { w->latency, w->jitter, w->faults.loss,
		w->faults.twice }, .rest_limit = o->rest_limit, .longest = UINT64_MAX };
	char command[OPTIONS_TEXT];
	struct play p;
	int status = 2;

	if (!play_open(&p, script, &s)) {
		fprintf(stderr, "ntk-sim: memory is exhausted\n");
	} else {
		p.town->talk = o->progress ? stderr : NULL;
		play_run(&p);
		if (o->json ? playreport_json(&p, cpu_us(), stdout) : playreport_text(&p, cpu_us(), stdout))
			status = p.broken;
		else
			fprintf(stderr, "ntk-sim: the report cannot be written: %s\n", strerror(errno));
		if (p.broken)
			fprintf(stderr, "ntk-sim: %s\nntk-sim: again with: %s\n", p.why,
			    options_print_systems(o, command));
	}
	play_close(&p);
	return status;
}

/* A scenario of whole systems, or one of nodes. */
static int
simulate_scenario(const struct sim_options *o)
{
	struct script script;
	char why[PLAY_WHY] = "";
	size_t len;
	char *text = lines_file(o->scenario, &len, why, sizeof(why));
	int status = 2;

	if (text != NULL && !script_is(text, len)) {
		free(text);
		return simulate(o);
	}
	if (text != NULL && options_fit_systems(o, why, sizeof(why)) &&
	    script_parse(&script, o->scenario, text, len, why, sizeof(why))) {
		status = play(o, &script);
		script_free(&script);
	} else {
		fprintf(stderr, "ntk-sim: %s\n", why);
	}
	free(text);
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
		return o.scenario != NULL ? simulate_scenario(&o) : simulate(&o);
	return fflush(stdout) != 0;
}
