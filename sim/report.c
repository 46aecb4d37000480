/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/report.h"

#include <inttypes.h>
#include <jansson.h>

struct sums {
	uint64_t bytes_per_node;	/* sent until the first rest */
	uint64_t memory_per_node;
	double paths_per_destination;
	uint64_t degree_thousandths;
};

static struct sums
sums_of(const struct run *r)
{
	uint64_t n = r->world->n_nodes;

	return (struct sums){ r->rest.count.bytes / n, r->bytes_held / n, r->destinations != 0 ?
	    (double)r->paths / (double)r->destinations : 0, 2000 * (uint64_t)r->world->n_links / n };
}

static const char *const part_name[WORLD_PARTS] = { "heads", "paths", "fingerprints", "marks" };

/* --- for people ---------------------------------------------------------------------- */

static void
print_check(const struct run *r, FILE *f)
{
	const struct check_count *c = &r->check.count;

	if (r->o->check == CHECK_NONE) {
		fprintf(f, "checks        none\n");
		return;
	}
	fprintf(f, "pairs         %" PRIu64 ", connected %" PRIu64 "\n", c->pairs, c->reachable);
	fprintf(f, "packets       %" PRIu64 " sent: %" PRIu64 " reached, %" PRIu64 " loops, %" PRIu64
	    " wrong, %" PRIu64 " dead\n", c->walks, c->ends[WALK_REACHED], c->ends[WALK_LOOP],
	    c->ends[WALK_WRONG], c->ends[WALK_DEAD]);
	fprintf(f, "paths         %" PRIu64 " exist and cost what they must; %" PRIu64 " pairs are as "
	    "disjoint as they must\n", c->paths, c->disjoint);
	if (c->open != 0)
		fprintf(f, "open          %" PRIu64 " destinations lack a path around a neighbour that "
		    "another one offers\n", c->open);
	if (r->late != 0)
		fprintf(f, "late          %" PRIu64 " destinations had the paths that they must after the next "
		    "periodic update only\n", r->late);
	fprintf(f, "costs         %" PRIu64 " first paths within the bound, at most %.3f times the "
	    "true cost (%" PRIu64 " not comparable)\n", c->costs, (double)c->stretch / 1000,
	    c->costs_incomparable);
	if (r->check.loops_on_the_way != 0)
		fprintf(f, "on the way    %" PRIu64 " packets went round before the world was at rest\n",
		    r->check.loops_on_the_way);
}

static void
print_events(const struct run *r, FILE *f)
{
	char text[COURSE_TEXT];

	if (r->n_events != 0)
		fprintf(f, "\n%-28s %10s %10s %12s %8s\n", "event", "rest, ms", "messages", "bytes",
		    "nodes");
	for (uint32_t i = 0; i < r->n_events; i++)
		fprintf(f, "%-28s %10.1f %10" PRIu64 " %12" PRIu64 " %8u\n",
		    course_print(r->world, &r->events[i].event, text),
		    (double)r->events[i].virtual_us / 1000, r->events[i].messages, r->events[i].bytes,
		    r->events[i].nodes_told);
}

static void
print_parts(const struct world_count *c, FILE *f)
{
	double all = c->bytes > 0 ? (double)c->bytes : 1;

	fprintf(f, "of bytes     ");
	for (int i = 0; i < WORLD_PARTS; i++)
		fprintf(f, " %s %.0f %%%s", part_name[i], 100 * (double)c->part[i] / all,
		    i + 1 < WORLD_PARTS ? "," : ";");
	fprintf(f, " full ETPs and requests %.0f %%\n", 100 * (double)c->bytes_full / all);
}

static void
print_faults(const struct world_count *c, FILE *f)
{
	if ((c->vanished | c->resent | c->twice | c->overtaken | c->corrupted) != 0)
		fprintf(f, "faults        %" PRIu64 " sent again (%" PRIu64 " connections lost), %"
		    PRIu64 " vanished, %" PRIu64 " twice, %" PRIu64 " overtaken, %" PRIu64 " corrupted (%" PRIu64
		    " connections ended by it)\n", c->resent, c->lost, c->vanished, c->twice, c->overtaken,
		    c->corrupted, c->unreadable);
}

bool
report_text(const struct run *r, FILE *f)
{
	const struct world *w = r->world;
	struct sums s = sums_of(r);
	char topo[TOPO_TEXT];

	fprintf(f, "world         %u nodes, %u links, levels %s, seed %" PRIu64 "\n", w->n_nodes,
	    w->n_links, topo_print(&w->settings.params.topo, topo), w->settings.seed);
	fprintf(f, "first rest    after %.3f s of virtual time, %.3f s of CPU\n",
	    (double)r->rest.virtual_us / 1e6, (double)r->rest.cpu_us / 1e6);
	fprintf(f, "messages      %" PRIu64 " (%.1f a node), %" PRIu64 " bytes (%" PRIu64 " a node)\n",
	    r->rest.count.messages, (double)r->rest.count.messages / w->n_nodes, r->rest.count.bytes,
	    s.bytes_per_node);
	print_parts(&r->rest.count, f);
	fprintf(f, "memory        %" PRIu64 " bytes a node, %.2f paths to a destination\n",
	    s.memory_per_node, s.paths_per_destination);
	fprintf(f, "routes        %zu on the busiest node\n", r->check.walk.routes_max);
	print_faults(&w->count, f);
	if ((r->splits_true | r->splits) != 0)
		fprintf(f, "splits        %" PRIu64 " reported, and %" PRIu64 " that were none\n",
		    r->splits_true, r->splits);
	print_check(r, f);
	fprintf(f, "all           %.3f s of virtual time, %.3f s of CPU, %.3f s for checks, hash "
	    "%016" PRIx64 "\n", (double)r->virtual_us / 1e6, (double)r->cpu_us / 1e6,
	    (double)r->check_us / 1e6, r->hash);
	print_events(r, f);
	return fflush(f) == 0 && ferror(f) == 0;
}

/* --- for programs ------------------------------------------------------------------------ */

static json_t *
json_u64(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *
events_json(const struct run *r)
{
	json_t *list = json_array();
	char text[COURSE_TEXT];

	for (uint32_t i = 0; i < r->n_events; i++) {
		const struct run_event *e = &r->events[i];

		json_array_append_new(list, json_pack("{ss, ss, sf, so, so, sI}", "kind",
		    course_kind_name(e->event.kind), "event", course_print(r->world, &e->event, text),
		    "virtual_ms", (double)e->virtual_us / 1000, "messages", json_u64(e->messages),
		    "bytes", json_u64(e->bytes), "nodes_told", (json_int_t)e->nodes_told));
	}
	return list;
}

static void
put(json_t *o, const char *key, json_t *v)
{
	json_object_set_new(o, key, v);
}

static void
put_check(json_t *o, const struct run *r)
{
	const struct check_count *c = &r->check.count;

	put(o, "pairs", json_u64(c->pairs));
	put(o, "reachable_pairs", json_u64(c->reachable));
	put(o, "packets", json_u64(c->walks));
	put(o, "reached", json_u64(c->ends[WALK_REACHED]));
	put(o, "loops", json_u64(c->ends[WALK_LOOP]));
	put(o, "wrong", json_u64(c->ends[WALK_WRONG]));
	put(o, "dead", json_u64(c->ends[WALK_DEAD]));
	put(o, "loops_on_the_way", json_u64(r->check.loops_on_the_way));
	put(o, "paths", json_u64(c->paths));
	put(o, "disjoint", json_u64(c->disjoint));
	put(o, "open", json_u64(c->open));
	put(o, "late", json_u64(r->late));
	put(o, "costs", json_u64(c->costs));
	put(o, "costs_incomparable", json_u64(c->costs_incomparable));
	put(o, "stretch", json_real((double)c->stretch / 1000));
}

static void
put_parts(json_t *o, const struct world_count *c)
{
	json_t *parts = json_object();

	for (int i = 0; i < WORLD_PARTS; i++)
		put(parts, part_name[i], json_u64(c->part[i]));
	put(o, "bytes_of", parts);
	put(o, "bytes_full", json_u64(c->bytes_full));
}

bool
report_json(const struct run *r, FILE *f)
{
	const struct world *w = r->world;
	struct sums s = sums_of(r);
	json_t *o = json_object();
	char topo[TOPO_TEXT], hash[20];
	bool ok;

	snprintf(hash, sizeof(hash), "%016" PRIx64, r->hash);
	put(o, "seed", json_u64(w->settings.seed));
	put(o, "nodes", json_u64(w->n_nodes));
	put(o, "links", json_u64(w->n_links));
	put(o, "gsizes", json_string(topo_print(&w->settings.params.topo, topo)));
	put(o, "virtual_ms", json_real((double)r->rest.virtual_us / 1000));
	put(o, "cpu_ms", json_real((double)r->rest.cpu_us / 1000));
	put(o, "messages", json_u64(r->rest.count.messages));
	put(o, "bytes", json_u64(r->rest.count.bytes));
	put(o, "bytes_per_node", json_u64(s.bytes_per_node));
	put_parts(o, &r->rest.count);
	put(o, "memory_per_node", json_u64(s.memory_per_node));
	put(o, "routes_max", json_u64(r->check.walk.routes_max));
	put_check(o, r);
	put(o, "paths_per_destination", json_real(s.paths_per_destination));
	put(o, "splits", json_u64(r->splits_true));
	put(o, "splits_false", json_u64(r->splits));
	put(o, "all_virtual_ms", json_real((double)r->virtual_us / 1000));
	put(o, "all_cpu_ms", json_real((double)r->cpu_us / 1000));
	put(o, "event_hash", json_string(hash));
	put(o, "broken", r->broken ? json_string(r->check.why) : json_null());
	put(o, "events", events_json(r));
	ok = json_dumpf(o, f, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', f) != EOF &&
	    fflush(f) == 0;
	json_decref(o);
	return ok;
}
