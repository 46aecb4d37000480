/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/playreport.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "common/log.h"

/* --- for people ----------------------------------------------------------------------------- */

static void
print_part(const struct play_part *q, const char *title, FILE *f)
{
	fprintf(f, "%-30.30s %9.3f %9" PRIu64 " %7" PRIu64 " %10" PRIu64 " %7" PRIu64 " %10" PRIu64 " %9" PRIu64
	    " %5" PRIu64 "\n", title, (double)q->virtual_us / 1e6, q->count.messages, q->count.datagrams,
	    q->count.bytes, q->count.lost + q->count.resent, q->count.operations, q->packets, q->packets_lost);
}

bool
playreport_text(const struct play *p, uint64_t cpu_us, FILE *f)
{
	const struct town_count *c = &p->all.count;

	fprintf(f, "systems       %zu on %zu segment%s, seed %" PRIu64 "\n", p->script->n_systems,
	    p->script->n_segments, p->script->n_segments == 1 ? "" : "s", p->settings.seed);
	if ((c->lost | c->twice | c->resent | c->broken | c->unanswered) != 0)
		fprintf(f, "faults        %" PRIu64 " hellos not heard, %" PRIu64 " heard twice, %" PRIu64
		    " messages sent again, %" PRIu64 " connections lost, %" PRIu64 " calls given up\n", c->lost,
		    c->twice, c->resent, c->broken, c->unanswered);
	fprintf(f, "all           %.3f s of virtual time, %.3f s of CPU, hash %016" PRIx64 "\n\n",
	    (double)p->all.virtual_us / 1e6, (double)cpu_us / 1e6, p->town->hash);
	fprintf(f, "%-30s %9s %9s %7s %10s %7s %10s %9s %5s\n", "step", "time, s", "messages", "hellos", "bytes",
	    "faults", "operations", "packets", "lost");
	for (size_t i = 0; i < p->n_parts; i++)
		print_part(&p->parts[i], p->parts[i].title, f);
	print_part(&p->all, "all", f);
	return fflush(f) == 0 && ferror(f) == 0;
}

/* --- for programs ---------------------------------------------------------------------------- */

/* Adds V, which is taken, to O; false when memory is exhausted. */
static bool
put(json_t *o, const char *key, json_t *v)
{
	return json_object_set_new(o, key, v) == 0;
}

static json_t *
json_u64(uint64_t v)
{
	return json_integer((json_int_t)v);
}

/* What a scenario says need not be UTF-8, nor what a complaint cuts: then all but ASCII becomes \xNN. */
static json_t *
json_text(const char *text)
{
	char plain[4 * PLAY_WHY];
	json_t *v = json_string(text);

	return v != NULL ? v : json_string(log_escape(text, strlen(text), plain, sizeof(plain)));
}

static bool
put_part(json_t *o, const struct play_part *q)
{
	const struct town_count *c = &q->count;

	return put(o, "virtual_ms", json_real((double)q->virtual_us / 1000)) &&
	    put(o, "messages", json_u64(c->messages)) &&
	    put(o, "hellos", json_u64(c->datagrams)) &&
	    put(o, "bytes", json_u64(c->bytes)) &&
	    put(o, "hellos_lost", json_u64(c->lost)) &&
	    put(o, "hellos_twice", json_u64(c->twice)) &&
	    put(o, "sent_again", json_u64(c->resent)) &&
	    put(o, "connections_lost", json_u64(c->broken)) &&
	    put(o, "calls_given_up", json_u64(c->unanswered)) &&
	    put(o, "arcs_removed", json_u64(c->arcs_removed)) &&
	    put(o, "operations", json_u64(c->operations)) &&
	    put(o, "packets", json_u64(q->packets)) &&
	    put(o, "packets_lost", json_u64(q->packets_lost));
}

/* NULL when memory is exhausted. */
static json_t *
parts_json(const struct play *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_parts; i++) {
		json_t *o = json_object();

		if (!put(o, "step", json_text(p->parts[i].title)) ||
		    !put(o, "line", json_integer((json_int_t)p->parts[i].line)) ||
		    !put_part(o, &p->parts[i]) || json_array_append(list, o) != 0) {
			json_decref(o);
			json_decref(list);
			return NULL;
		}
		json_decref(o);
	}
	return list;
}

bool
playreport_json(const struct play *p, uint64_t cpu_us, FILE *f)
{
	json_t *o = json_object();
	char hash[20];
	bool ok;

	snprintf(hash, sizeof(hash), "%016" PRIx64, p->town->hash);
	ok = put(o, "seed", json_u64(p->settings.seed)) &&
	    put(o, "systems", json_u64(p->script->n_systems)) &&
	    put(o, "segments", json_u64(p->script->n_segments)) &&
	    put_part(o, &p->all) &&
	    put(o, "cpu_ms", json_real((double)cpu_us / 1000)) &&
	    put(o, "event_hash", json_string(hash)) &&
	    put(o, "broken", p->broken ? json_text(p->why) : json_null()) &&
	    put(o, "steps", parts_json(p)) &&
	    json_dumpf(o, f, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', f) != EOF &&
	    fflush(f) == 0;
	json_decref(o);
	return ok;
}
