/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/play.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/verb.h"
#include "sim/lines.h"
#include "sim/townwalk.h"

/* The first thing that breaks is kept. */
static bool __attribute__((format(printf, 2, 3)))
broken(struct play *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (p->broken)
		return false;
	p->broken = true;
	n = snprintf(p->why, sizeof(p->why), "%s:%u: ", p->script->name, p->line);
	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof(p->why))
		vsnprintf(p->why + n, sizeof(p->why) - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static const char *
name_of(const struct play *p, size_t i)
{
	return p->script->systems[i].name;
}

/* --- the town ------------------------------------------------------------------------------- */

static struct town_segment
segment_of(const struct script_segment *g, const struct town_segment *fallback)
{
	return (struct town_segment){
		.latency = g->has_latency ? g->given.latency : fallback->latency,
		.jitter = g->has_jitter ? g->given.jitter : fallback->jitter,
		.loss = g->has_loss ? g->given.loss : fallback->loss,
		.twice = g->has_twice ? g->given.twice : fallback->twice,
	};
}

bool
play_open(struct play *p, const struct script *script, const struct play_settings *s)
{
	memset(p, 0, sizeof(*p));
	p->script = script;
	p->settings = *s;
	p->town = malloc(sizeof(*p->town));
	p->parts = calloc(script->n_steps + 1, sizeof(*p->parts));
	if (p->town == NULL || p->parts == NULL)
		return false;
	town_init(p->town, s->seed);
	for (size_t i = 0; i < script->n_segments; i++)
		p->town->segment[i] = segment_of(&script->segments[i], &s->segment);
	for (size_t i = 0; i < script->n_systems; i++) {
		const struct script_system *t = &script->systems[i];

		memcpy(p->town->sys[town_add(p->town, t->name, &t->conf, t->mac)].segment, t->segment,
		    sizeof(t->segment));
	}
	return true;
}

void
play_close(struct play *p)
{
	if (p->town != NULL)
		town_free(p->town);
	free(p->town);
	free(p->parts);
	free(p->flows);
	memset(p, 0, sizeof(*p));
}

/* --- time ----------------------------------------------------------------------------------- */

static uint64_t
at_most(const struct play *p, uint64_t us)
{
	return us < p->settings.longest ? us : p->settings.longest;
}

static void
pass(struct play *p, uint64_t us)
{
	town_run(p->town, p->town->now + at_most(p, us));
}

static bool
rest(struct play *p)
{
	struct town *b = p->town;
	uint64_t until = b->now + at_most(p, p->settings.rest_limit);

	while (b->fault == NULL && b->changed + PLAY_STILL > b->now && b->now < until)
		town_run(b, b->changed + PLAY_STILL < until ? b->changed + PLAY_STILL : until);
	return b->changed + PLAY_STILL <= b->now || broken(p, "no rest after %.0f s",
	    (double)p->settings.rest_limit / 1e6);
}

/* --- systems come and go ---------------------------------------------------------------------- */

static bool
start_one(struct play *p, size_t i)
{
	if (p->town->sys[i].node != NULL)
		return broken(p, "%s runs already", name_of(p, i));
	return town_start(p->town, i) || broken(p, "memory is exhausted");
}

/* Each at a moment of its own. */
static bool
start_all(struct play *p, uint64_t within)
{
	uint64_t at[TOWN_SYSTEMS];
	size_t n = p->town->n;

	for (size_t i = 0; i < n; i++)
		at[i] = p->town->now + (within > 0 ? rng_u64(&p->town->rng) % within : 0);
	for (size_t k = 0; k < n; k++) {
		size_t next = 0;

		for (size_t i = 1; i < n; i++)
			if (at[i] < at[next])
				next = i;
		town_run(p->town, at[next]);
		at[next] = UINT64_MAX;
		if (p->town->sys[next].node == NULL && !start_one(p, next))
			return false;
	}
	return true;
}

static bool
start(struct play *p, const struct script_step *step)
{
	uint64_t within = at_most(p, step->value);

	if (step->a == SCRIPT_ALL)
		return start_all(p, within);
	if (within > 0)
		pass(p, rng_u64(&p->town->rng) % within);
	return start_one(p, step->a);
}

static bool
die(struct play *p, const struct script_step *step)
{
	if (p->town->sys[step->a].node == NULL)
		return broken(p, "%s does not run", name_of(p, step->a));
	town_kill(p->town, step->a);
	return true;
}

/* --- the operator's words ----------------------------------------------------------------------- */

static const char *
next_word(const char *word)
{
	return word + strlen(word) + 1;
}

static bool
tell(struct play *p, const struct script_step *step)
{
	struct town_system *s = &p->town->sys[step->a];
	const struct ctl_verb *v = &ctl_verbs[step->verb];
	const char *word = step->code != NULL ? next_word(step->text) : step->text;
	unsigned n = step->n_words - (step->code != NULL ? 2 : 1);
	struct ctl_word words[LINES_WORDS];
	struct ctl_values values;
	struct verb_result result;
	struct ctl_error usage;
	struct node_error err;
	bool ok;

	if (p->think > 0)
		pass(p, rng_u64(&p->town->rng) % p->think);
	if (s->node == NULL)
		return broken(p, "%s does not run", s->name);
	for (unsigned i = 0; i < n; i++) {
		word = next_word(word);
		ctl_word_split(word, &words[i]);
	}
	if (!ctl_check(v, words, n, &values, &usage))
		return broken(p, "%s: %s: %s", v->name, usage.field, usage.message);
	ok = node_verb(s->node, &s->conf, p->town->now, step->verb, values.v, &result, &err);
	town_poke(p->town, step->a);
	if (ok)
		return step->code == NULL || broken(p, "%s accepts it, instead of %s", s->name, step->code);
	return (step->code != NULL && strcmp(step->code, err.code) == 0) ||
	    broken(p, "%s refuses it: %s: %s: %s", s->name, err.code, err.field, err.message);
}

/* As an operator who adds each identity-arc that he is shown; one whose neighbour was quicker is one already. */
static bool
join(struct play *p, const struct script_step *step)
{
	enum { MOST = 64 };
	struct town_system *s = &p->town->sys[step->a];
	struct node_iarc v[MOST];
	struct node_error err;
	size_t n;

	if (s->node == NULL)
		return broken(p, "%s does not run", s->name);
	n = node_iarcs(s->node, step->identity, v, MOST);
	for (size_t i = 0; i < n && i < MOST; i++)
		if (!v[i].qspn && !v[i].closing && !node_add_qspn_arc(s->node, p->town->now, step->identity, v[i].dev,
		    v[i].peer_mac, &err))
			return broken(p, "%s refuses identity-arc %u: %s: %s", s->name, v[i].index, err.code, err.message);
	town_poke(p->town, step->a);
	return n > 0 || broken(p, "%s has no identity-arc of identity %u", s->name, step->identity);
}

/* --- packets --------------------------------------------------------------------------------------- */

static void
follow(struct town *b, size_t i, void *arg)
{
	struct play *p = arg;
	char why[TOWN_WALK_WHY], ip[IP_TEXT];

	for (size_t k = 0; k < p->n_flows; k++) {
		const struct play_flow *f = &p->flows[k];

		p->all.packets++;
		if (town_walk(b, f->from, f->to, f->ip, why))
			continue;
		p->all.packets_lost++;
		broken(p, "at %.3f ms, by an operation at %s, a packet from %s to %s, %s, is lost: %s",
		    (double)b->now / 1000, b->sys[i].name, name_of(p, f->from), name_of(p, f->to),
		    ip_print(f->ip, ip), why);
	}
}

static bool
watch(struct play *p, const struct script_step *step)
{
	for (size_t i = 0; i < step->n_ips; i++) {
		struct play_flow *v = lines_grow(p->flows, p->n_flows, &p->flows_size, sizeof(*v));

		if (v == NULL)
			return broken(p, "memory is exhausted");
		p->flows = v;
		v[p->n_flows++] = (struct play_flow){ step->a, step->b, step->ips[i] };
	}
	p->town->watch = follow;
	p->town->watch_arg = p;
	return true;
}

static bool
unwatch(struct play *p)
{
	p->n_flows = 0;
	p->town->watch = NULL;
	return true;
}

/* --- conditions --------------------------------------------------------------------------------------- */

struct waiting {
	const struct script *s;
	const struct script_step *step;
	char why[CONDITION_WHY];
};

static bool
has_come(struct town *b, void *arg)
{
	struct waiting *w = arg;

	return condition_holds(w->s, b, w->step, w->why);
}

static bool
wait_for(struct play *p, const struct script_step *step)
{
	struct waiting w = { .s = p->script, .step = step };

	return town_wait(p->town, has_come, &w, at_most(p, PLAY_WAIT)) ||
	    (p->town->fault == NULL && broken(p, "it did not come true within %u s: %s", PLAY_WAIT / 1000000,
	    w.why));
}

static bool
expect(struct play *p, const struct script_step *step)
{
	char why[CONDITION_WHY];

	return condition_holds(p->script, p->town, step, why) || broken(p, "it is not so: %s", why);
}

/* --- statements --------------------------------------------------------------------------------------- */

static struct town_count
count_minus(const struct town_count *a, const struct town_count *b)
{
	return (struct town_count){
		.messages = a->messages - b->messages, .datagrams = a->datagrams - b->datagrams,
		.bytes = a->bytes - b->bytes, .lost = a->lost - b->lost, .twice = a->twice - b->twice,
		.resent = a->resent - b->resent, .broken = a->broken - b->broken,
		.unanswered = a->unanswered - b->unanswered,
		.arcs_removed = a->arcs_removed - b->arcs_removed, .operations = a->operations - b->operations,
	};
}

/* The part under way ends: until now it holds what there was at its beginning. */
static void
end_part(struct play *p)
{
	struct play_part *part = p->n_parts > 0 ? &p->parts[p->n_parts - 1] : NULL;

	if (part == NULL)
		return;
	part->virtual_us = p->town->now - part->virtual_us;
	part->count = count_minus(&p->town->count, &part->count);
	part->packets = p->all.packets - part->packets;
	part->packets_lost = p->all.packets_lost - part->packets_lost;
}

static bool
begin_part(struct play *p, const struct script_step *step)
{
	end_part(p);
	p->parts[p->n_parts++] = (struct play_part){ step->text, step->line, p->town->now, p->town->count,
		p->all.packets, p->all.packets_lost };
	return true;
}

static bool
carry_out(struct play *p, const struct script_step *step)
{
	struct town *b = p->town;

	switch (step->kind) {
	case SCRIPT_STEP:
		return begin_part(p, step);
	case SCRIPT_START:
		return start(p, step);
	case SCRIPT_DIE:
		return die(p, step);
	case SCRIPT_CARRIER:
		town_carrier(b, step->a, step->dev, step->value != 0);
		return true;
	case SCRIPT_KERNEL:
		b->kernel_delay = at_most(p, step->value);
		return true;
	case SCRIPT_THINK:
		p->think = step->value;
		return true;
	case SCRIPT_REFUSE:
		b->sys[step->a].refuse = (unsigned)step->value;
		return true;
	case SCRIPT_TELL:
		return tell(p, step);
	case SCRIPT_JOIN:
		return join(p, step);
	case SCRIPT_RUN:
		pass(p, step->value);
		return true;
	case SCRIPT_REST:
		return rest(p);
	case SCRIPT_WATCH:
		return watch(p, step);
	case SCRIPT_UNWATCH:
		return unwatch(p);
	case SCRIPT_WAIT:
		return wait_for(p, step);
	case SCRIPT_EXPECT:
		return expect(p, step);
	}
	return false;
}

bool
play_step(struct play *p, const struct script_step *step)
{
	bool ok;

	if (p->broken)
		return false;
	p->line = step->line;
	ok = carry_out(p, step);
	if (p->town->fault != NULL)
		return broken(p, "%s", p->town->fault);
	return ok && !p->broken;
}

bool
play_run(struct play *p)
{
	uint64_t start = p->town->now;
	bool ok = true;

	for (size_t i = 0; ok && i < p->script->n_steps; i++)
		ok = play_step(p, &p->script->steps[i]);
	end_part(p);
	p->all.virtual_us = p->town->now - start;
	p->all.count = p->town->count;
	return ok;
}
