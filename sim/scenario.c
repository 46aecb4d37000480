/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/scenario.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 6, LINE = 512, FILE_MAX = 16 << 20 };

struct reader {
	struct scenario *s;
	const char *name;
	unsigned line;
	char *why;
	size_t why_size;
	char *word[WORDS];
	unsigned n_words;
	struct scenario_link *links;
	size_t n_links;
	size_t links_size;
	size_t steps_size;
};

static bool __attribute__((format(printf, 2, 3)))
bad(struct reader *r, const char *fmt, ...)
{
	int n = snprintf(r->why, r->why_size, "%s:%u: ", r->name, r->line);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < r->why_size)
		vsnprintf(r->why + n, r->why_size - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static bool
number(struct reader *r, const char *word, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(word, &end, 10);
	return (word[0] >= '0' && word[0] <= '9' && *end == '\0' && errno == 0 && *out >= min &&
	    *out <= max) || bad(r, "%.40s: a number from %llu to %llu is wanted", word,
	    (unsigned long long)min, (unsigned long long)max);
}

/* Milliseconds with a fraction, as µs. */
static bool
milliseconds(struct reader *r, const char *word, uint64_t *out)
{
	char *end;
	double v = strtod(word, &end);

	*out = v >= 0 && v <= 1e10 ? (uint64_t)(v * 1000 + 0.5) : 0;
	return (end != word && *end == '\0' && v >= 0 && v <= 1e10) ||
	    bad(r, "%.40s: milliseconds are wanted, as 1500 or 2.5", word);
}

static bool
node(struct reader *r, const char *word, uint32_t *out)
{
	for (*out = 0; *out < r->s->n_nodes; ++*out)
		if (strcmp(r->s->names[*out], word) == 0)
			return true;
	return bad(r, "%.40s: there is no such node above this line", word);
}

/* Room for one more element of SIZE bytes in V, which has N and room for *ROOM. */
static void *
grow(void *v, size_t n, size_t *room, size_t size)
{
	size_t more = *room != 0 ? *room * 2 : 64;
	void *new;

	if (n < *room)
		return v;
	new = realloc(v, more * size);
	if (new != NULL)
		*room = more;
	return new;
}

/* --- the world ----------------------------------------------------------------------- */

static bool
do_topology(struct reader *r)
{
	char why[200];

	if (r->s->topo.levels != 0)
		return bad(r, "the topology stands above already");
	return topo_parse(r->word[1], &r->s->topo, why, sizeof(why)) || bad(r, "%s", why);
}

static bool
name_is_good(struct reader *r, const char *word)
{
	uint32_t i;
	size_t len = strlen(word);

	if (len >= SCENARIO_NAME || strspn(word, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != len)
		return bad(r, "%.40s: a name has up to %u letters, digits, _ and -", word,
		    SCENARIO_NAME - 1U);
	for (i = 0; i < r->s->n_nodes; i++)
		if (strcmp(r->s->names[i], word) == 0)
			return bad(r, "%s: this node stands above already", word);
	return true;
}

static bool
do_node(struct reader *r)
{
	struct scenario *s = r->s;
	struct naddr address;
	char why[200];

	if (s->topo.levels == 0)
		return bad(r, "the topology must stand above the first node");
	if (s->n_nodes == SCENARIO_NODES)
		return bad(r, "more than %u nodes", SCENARIO_NODES);
	if (!name_is_good(r, r->word[1]))
		return false;
	memset(&address, 0, sizeof(address));
	if (!naddr_parse(&s->topo, r->word[2], &address, why, sizeof(why)))
		return bad(r, "%s", why);
	if (!naddr_real(&s->topo, &address, 0, s->topo.levels))
		return bad(r, "%.40s: every position must be real", r->word[2]);
	for (uint32_t i = 0; i < s->n_nodes; i++)
		if (naddr_equal(&s->topo, &s->addresses[i], &address))
			return bad(r, "%.40s: that is the address of %s", r->word[2], s->names[i]);
	snprintf(s->names[s->n_nodes], SCENARIO_NAME, "%s", r->word[1]);
	s->addresses[s->n_nodes++] = address;
	return true;
}

static bool
do_link(struct reader *r)
{
	struct scenario *s = r->s;
	struct scenario_link l = { .given = { 0, 0 } };
	struct scenario_link *v;

	if (!node(r, r->word[1], &l.a) || !node(r, r->word[2], &l.b) ||
	    !number(r, r->word[3], 1, 1000000000, &l.given.cost) ||
	    (r->n_words == 5 && !milliseconds(r, r->word[4], &l.given.latency)))
		return false;
	if (l.a == l.b)
		return bad(r, "a link needs two nodes");
	if (l.a > l.b) {
		uint32_t a = l.a;

		l.a = l.b;
		l.b = a;
	}
	for (size_t i = 0; i < r->n_links; i++)
		if (r->links[i].a == l.a && r->links[i].b == l.b)
			return bad(r, "%s and %s are linked already", s->names[l.a], s->names[l.b]);
	v = grow(r->links, r->n_links, &r->links_size, sizeof(*v));
	if (v == NULL)
		return bad(r, "memory is exhausted");
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
		return bad(r, "more than %u steps", SCENARIO_STEPS);
	v = grow(r->s->steps, r->s->n_steps, &r->steps_size, sizeof(*v));
	if (v == NULL)
		return bad(r, "memory is exhausted");
	r->s->steps = v;
	v[r->s->n_steps] = *step;
	v[r->s->n_steps++].line = r->line;
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

	return milliseconds(r, r->word[1], &step.value) && add_step(r, &step);
}

/* Events of nodes and links; the link's number is known only when all links are. */
static bool
do_event(struct reader *r)
{
	struct scenario_step step = { .kind = STEP_EVENT };
	bool of_link;

	if (!course_kind_parse(r->word[0], &step.event.kind))
		return bad(r, "%.40s: no such statement", r->word[0]);
	of_link = step.event.kind <= COURSE_COST;
	if (!node(r, r->word[1], &step.a) || (of_link && !node(r, r->word[2], &step.b)))
		return false;
	if (step.event.kind == COURSE_COST && !number(r, r->word[3], 1, 1000000000, &step.event.cost))
		return false;
	step.event.what = of_link ? UINT32_MAX : step.a;
	for (uint32_t i = 0; of_link && i < r->n_links; i++)
		if ((r->links[i].a == step.a && r->links[i].b == step.b) ||
		    (r->links[i].a == step.b && r->links[i].b == step.a))
			step.event.what = i;
	if (step.event.what == UINT32_MAX)
		return bad(r, "%s and %s are not linked above this line", r->word[1], r->word[2]);
	return add_step(r, &step);
}

static bool
do_expect(struct reader *r)
{
	struct scenario_step step;

	memset(&step, 0, sizeof(step));
	if (strcmp(r->word[1], "reach") == 0 && r->n_words == 4)
		step.kind = STEP_EXPECT_REACH;
	else if (strcmp(r->word[1], "dead") == 0 && r->n_words == 4)
		step.kind = STEP_EXPECT_DEAD;
	else if (strcmp(r->word[1], "cost") == 0 && r->n_words == 5)
		step.kind = STEP_EXPECT_COST;
	else
		return bad(r, "expect reach A B, expect dead A B or expect cost A B MICROSECONDS");
	return node(r, r->word[2], &step.a) && node(r, r->word[3], &step.b) &&
	    (step.kind != STEP_EXPECT_COST || number(r, r->word[4], 1, UINT64_MAX, &step.value)) &&
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

/* --- lines -------------------------------------------------------------------------------- */

static bool
split(struct reader *r, char *line)
{
	char *at = line, *comment = strchr(line, '#');

	if (comment != NULL)
		*comment = '\0';
	r->n_words = 0;
	for (;;) {
		at += strspn(at, " \t\r");
		if (*at == '\0')
			return true;
		if (r->n_words == WORDS)
			return bad(r, "too many words");
		r->word[r->n_words++] = at;
		at += strcspn(at, " \t\r");
		if (*at != '\0')
			*at++ = '\0';
	}
}

static bool
statement(struct reader *r)
{
	size_t n = sizeof(statements) / sizeof(statements[0]), i = 0;

	if (r->n_words == 0)
		return true;
	while (i < n && strcmp(statements[i].word, r->word[0]) != 0)
		i++;
	if (i == n)
		return bad(r, "%.40s: no such statement", r->word[0]);
	if (r->n_words < statements[i].min || r->n_words > statements[i].max)
		return bad(r, "it is written: %s", statements[i].form);
	return statements[i].run(r);
}

static bool
lines(struct reader *r, const char *text, size_t len)
{
	char line[LINE];

	for (size_t at = 0; at < len; r->line++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - text) - at : len - at;

		if (n >= sizeof(line))
			return bad(r, "a line of more than %d characters", LINE - 1);
		if (memchr(text + at, '\0', n) != NULL)
			return bad(r, "a zero byte");
		memcpy(line, text + at, n);
		line[n] = '\0';
		if (!split(r, line) || !statement(r))
			return false;
		at += n + 1;
	}
	return r->s->n_nodes != 0 || bad(r, "there is no node");
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
		return bad(r, "memory is exhausted");
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
	struct reader r = { .s = s, .name = name, .line = 1, .why = why, .why_size = why_size };

	memset(s, 0, sizeof(*s));
	s->names = calloc(SCENARIO_NODES, sizeof(*s->names));
	s->addresses = calloc(SCENARIO_NODES, sizeof(*s->addresses));
	if (s->names == NULL || s->addresses == NULL)
		bad(&r, "memory is exhausted");
	else if (lines(&r, text, len) && finish(&r)) {
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
	FILE *f = fopen(file, "rb");
	char *text = malloc(FILE_MAX + 1);
	size_t n = 0;
	bool ok = f != NULL && text != NULL;

	memset(s, 0, sizeof(*s));
	if (!ok)
		snprintf(why, why_size, "%s: %s", file, strerror(errno));
	if (ok)
		n = fread(text, 1, FILE_MAX + 1, f);
	if (ok && (ferror(f) != 0 || n > FILE_MAX)) {
		snprintf(why, why_size, "%s: %s", file, n > FILE_MAX ? "more than 16 MiB" :
		    "it cannot be read");
		ok = false;
	}
	ok = ok && scenario_parse(s, file, text, n, why, why_size);
	free(text);
	if (f != NULL)
		fclose(f);
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
