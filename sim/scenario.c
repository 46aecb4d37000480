/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lines.h"

enum { WORDS = 6 };

struct reader {
	struct scenario *s;
	struct scenario_link *links;
	size_t n_links;
	size_t links_size;
	size_t steps_size;
	struct lines l;
};

static bool
node(struct reader *r, const char *word, uint32_t *out)
{
	for (*out = 0; *out < r->s->n_nodes; ++*out)
		if (strcmp(r->s->names[*out], word) == 0)
			return true;
	return lines_bad(&r->l, "%.40s: there is no such node above this line", word);
}

/* --- the world ----------------------------------------------------------------------- */

static bool
do_topology(struct reader *r)
{
	char why[200];

	if (r->s->topo.levels != 0)
		return lines_bad(&r->l, "the topology stands above already");
	return topo_parse(r->l.word[1], &r->s->topo, why, sizeof(why)) || lines_bad(&r->l, "%s", why);
}

static bool
name_is_good(struct reader *r, const char *word)
{
	if (!lines_name(&r->l, word, SCENARIO_NAME))
		return false;
	for (uint32_t i = 0; i < r->s->n_nodes; i++)
		if (strcmp(r->s->names[i], word) == 0)
			return lines_bad(&r->l, "%s: this node stands above already", word);
	return true;
}

static bool
do_node(struct reader *r)
{
	struct scenario *s = r->s;
	struct naddr address;
	char why[200];

	if (s->topo.levels == 0)
		return lines_bad(&r->l, "the topology must stand above the first node");
	if (s->n_nodes == SCENARIO_NODES)
		return lines_bad(&r->l, "more than %u nodes", SCENARIO_NODES);
	if (!name_is_good(r, r->l.word[1]))
		return false;
	memset(&address, 0, sizeof(address));
	if (!naddr_parse(&s->topo, r->l.word[2], &address, why, sizeof(why)))
		return lines_bad(&r->l, "%s", why);
	if (!naddr_real(&s->topo, &address, 0, s->topo.levels))
		return lines_bad(&r->l, "%.40s: every position must be real", r->l.word[2]);
	for (uint32_t i = 0; i < s->n_nodes; i++)
		if (naddr_equal(&s->topo, &s->addresses[i], &address))
			return lines_bad(&r->l, "%.40s: that is the address of %s", r->l.word[2], s->names[i]);
	snprintf(s->names[s->n_nodes], SCENARIO_NAME, "%s", r->l.word[1]);
	s->addresses[s->n_nodes++] = address;
	return true;
}

static bool
do_link(struct reader *r)
{
	struct scenario *s = r->s;
	struct scenario_link l = { .given = { 0, 0 } };
	struct scenario_link *v;

	if (!node(r, r->l.word[1], &l.a) || !node(r, r->l.word[2], &l.b) ||
	    !lines_number(&r->l, r->l.word[3], 1, 1000000000, &l.given.cost) ||
	    (r->l.n == 5 && !lines_milliseconds(&r->l, r->l.word[4], &l.given.latency)))
		return false;
	if (l.a == l.b)
		return lines_bad(&r->l, "a link needs two nodes");
	if (l.a > l.b) {
		uint32_t a = l.a;

		l.a = l.b;
		l.b = a;
	}
	for (size_t i = 0; i < r->n_links; i++)
		if (r->links[i].a == l.a && r->links[i].b == l.b)
			return lines_bad(&r->l, "%s and %s are linked already", s->names[l.a], s->names[l.b]);
	v = lines_grow(r->links, r->n_links, &r->links_size, sizeof(*v));
	if (v == NULL)
		return lines_bad(&r->l, "memory is exhausted");
	r->links = v;
	v[r->n_links++] = l;
	return true;
}

/* --- the course ------------------------------------------------------------------------ */

static bool
add_step(struct reader *r, const struct scenario_step *step)
{
	struct scenario_step *v;

	if (r->s->n_steps == SCENARIO_STEPS)
		return lines_bad(&r->l, "more than %u steps", SCENARIO_STEPS);
	v = lines_grow(r->s->steps, r->s->n_steps, &r->steps_size, sizeof(*v));
	if (v == NULL)
		return lines_bad(&r->l, "memory is exhausted");
	r->s->steps = v;
	v[r->s->n_steps] = *step;
	v[r->s->n_steps++].line = r->l.line;
	return true;
}

static bool
do_rest(struct reader *r)
{
	return add_step(r, &(struct scenario_step){ .kind = STEP_REST });
}

static bool
do_run(struct reader *r)
{
	struct scenario_step step = { .kind = STEP_RUN };

	return lines_milliseconds(&r->l, r->l.word[1], &step.value) && add_step(r, &step);
}

/* Events of nodes and links; the link's number is known only when all links are. */
static bool
do_event(struct reader *r)
{
	struct scenario_step step = { .kind = STEP_EVENT };
	bool of_link;

	if (!course_kind_parse(r->l.word[0], &step.event.kind))
		return lines_bad(&r->l, "%.40s: no such statement", r->l.word[0]);
	of_link = step.event.kind <= COURSE_COST;
	if (!node(r, r->l.word[1], &step.a) || (of_link && !node(r, r->l.word[2], &step.b)))
		return false;
	if (step.event.kind == COURSE_COST && !lines_number(&r->l, r->l.word[3], 1, 1000000000, &step.event.cost))
		return false;
	step.event.what = of_link ? UINT32_MAX : step.a;
	for (uint32_t i = 0; of_link && i < r->n_links; i++)
		if ((r->links[i].a == step.a && r->links[i].b == step.b) ||
		    (r->links[i].a == step.b && r->links[i].b == step.a))
			step.event.what = i;
	if (step.event.what == UINT32_MAX)
		return lines_bad(&r->l, "%s and %s are not linked above this line", r->l.word[1], r->l.word[2]);
	return add_step(r, &step);
}

static bool
do_expect(struct reader *r)
{
	struct scenario_step step;

	memset(&step, 0, sizeof(step));
	if (strcmp(r->l.word[1], "reach") == 0 && r->l.n == 4)
		step.kind = STEP_EXPECT_REACH;
	else if (strcmp(r->l.word[1], "dead") == 0 && r->l.n == 4)
		step.kind = STEP_EXPECT_DEAD;
	else if (strcmp(r->l.word[1], "cost") == 0 && r->l.n == 5)
		step.kind = STEP_EXPECT_COST;
	else
		return lines_bad(&r->l, "expect reach A B, expect dead A B or expect cost A B MICROSECONDS");
	return node(r, r->l.word[2], &step.a) && node(r, r->l.word[3], &step.b) &&
	    (step.kind != STEP_EXPECT_COST || lines_number(&r->l, r->l.word[4], 1, UINT64_MAX, &step.value)) &&
	    add_step(r, &step);
}

static const struct {
	const char *word;
	unsigned min;		/* words, the first included */
	unsigned max;
	bool (*run)(struct reader *r);
	const char *form;
} statements[] = {
	{ "topology", 2, 2, do_topology, "topology 4.2.2.2" },
	{ "node", 3, 3, do_node, "node NAME ADDRESS" },
	{ "link", 4, 5, do_link, "link A B MICROSECONDS [MILLISECONDS]" },
	{ "rest", 1, 1, do_rest, "rest" },
	{ "run", 2, 2, do_run, "run MILLISECONDS" },
	{ "cut", 3, 3, do_event, "cut A B" },
	{ "join", 3, 3, do_event, "join A B" },
	{ "cost", 4, 4, do_event, "cost A B MICROSECONDS" },
	{ "die", 2, 2, do_event, "die NODE" },
	{ "return", 2, 2, do_event, "return NODE" },
	{ "freeze", 2, 2, do_event, "freeze NODE" },
	{ "thaw", 2, 2, do_event, "thaw NODE" },
	{ "expect", 4, 5, do_expect, "expect reach|dead A B, expect cost A B MICROSECONDS" },
};

static bool
statement(struct lines *l, void *arg)
{
	size_t n = sizeof(statements) / sizeof(statements[0]), i = 0;
	struct reader *r = arg;

	while (i < n && strcmp(statements[i].word, l->word[0]) != 0)
		i++;
	if (i == n)
		return lines_bad(l, "%.40s: no such statement", l->word[0]);
	if (l->n < statements[i].min || l->n > statements[i].max)
		return lines_bad(l, "it is written: %s", statements[i].form);
	return statements[i].run(r);
}

/* Where link L is among the graph's, which are sorted as it sorts them. */
static uint32_t
link_place(const struct graph *g, const struct scenario_link *l)
{
	uint32_t i = 0;

	while (g->links[i].a != l->a || g->links[i].b != l->b)
		i++;
	return i;
}

/* The graph sorts its links: costs, latencies and events follow it. */
static bool
finish(struct reader *r)
{
	struct scenario *s = r->s;
	bool ok = graph_init(&s->graph, s->n_nodes);

	s->given = calloc(r->n_links + 1, sizeof(*s->given));
	ok = ok && s->given != NULL;
	for (size_t i = 0; ok && i < r->n_links; i++)
		ok = graph_link(&s->graph, r->links[i].a, r->links[i].b);
	if (!ok || !graph_finish(&s->graph))
		return lines_bad(&r->l, "memory is exhausted");
	for (size_t i = 0; i < r->n_links; i++)
		s->given[link_place(&s->graph, &r->links[i])] = r->links[i].given;
	for (size_t i = 0; i < s->n_steps; i++) {
		struct course_event *e = &s->steps[i].event;

		if (s->steps[i].kind == STEP_EVENT && e->kind <= COURSE_COST)
			e->what = link_place(&s->graph, &r->links[e->what]);
	}
	return true;
}

bool
scenario_parse(struct scenario *s, const char *name, const char *text, size_t len, char *why,
    size_t why_size)
{
	struct reader r = { .s = s, .l = { .name = name, .line = 1, .why = why, .why_size = why_size,
		.max = WORDS } };

	memset(s, 0, sizeof(*s));
	s->names = calloc(SCENARIO_NODES, sizeof(*s->names));
	s->addresses = calloc(SCENARIO_NODES, sizeof(*s->addresses));
	if (s->names == NULL || s->addresses == NULL)
		lines_bad(&r.l, "memory is exhausted");
	else if (lines_each(&r.l, text, len, statement, &r) &&
	    (s->n_nodes != 0 || lines_bad(&r.l, "there is no node")) && finish(&r)) {
		free(r.links);
		return true;
	}
	free(r.links);
	scenario_free(s);
	return false;
}

bool
scenario_read(struct scenario *s, const char *file, char *why, size_t why_size)
{
	size_t len;
	char *text = lines_file(file, &len, why, why_size);
	bool ok = text != NULL;

	memset(s, 0, sizeof(*s));
	ok = ok && scenario_parse(s, file, text, len, why, why_size);
	free(text);
	return ok;
}

void
scenario_free(struct scenario *s)
{
	free(s->names);
	free(s->addresses);
	free(s->given);
	free(s->steps);
	graph_free(&s->graph);
	memset(s, 0, sizeof(*s));
}
