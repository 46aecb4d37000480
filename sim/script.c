/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntkd/core/verb.h"
#include "sim/lines.h"

enum { SPAN = 60000000 };	/* µs: so long something may take by itself */

struct reader {
	struct script *s;
	struct lines l;
	size_t steps_size;
	bool begun;		/* "systems" was read */
};

static bool
exhausted(struct reader *r)
{
	return lines_bad(&r->l, "memory is exhausted");
}

/* --- names ---------------------------------------------------------------------------------- */

static bool
system_at(struct reader *r, const char *word, size_t *out)
{
	for (*out = 0; *out < r->s->n_systems; ++*out)
		if (strcmp(r->s->systems[*out].name, word) == 0)
			return true;
	return lines_bad(&r->l, "%.40s: there is no such system above this line", word);
}

static bool
dev_at(struct reader *r, size_t i, const char *word, unsigned *out)
{
	const struct conf *c = &r->s->systems[i].conf;

	for (*out = 0; *out < c->n_interfaces; ++*out)
		if (strcmp(c->interfaces[*out].name, word) == 0)
			return true;
	return lines_bad(&r->l, "%.40s: %s has no such interface above this line", word,
	    r->s->systems[i].name);
}

static bool
segment_at(struct reader *r, const char *word, unsigned *out)
{
	for (*out = 0; *out < r->s->n_segments; ++*out)
		if (strcmp(r->s->segments[*out].name, word) == 0)
			return true;
	return lines_bad(&r->l, "%.40s: there is no such segment above this line", word);
}

static bool
mac_at(struct reader *r, const char *word, ntk_mac_t *out)
{
	return mac_parse(word, out) ||
	    lines_bad(&r->l, "%.40s: a hardware address is wanted, as 00:16:3e:5b:78:d5", word);
}

static bool
ip_at(struct reader *r, const char *word, ntk_ip_t *out)
{
	return ip_parse(word, out) || lines_bad(&r->l, "%.40s: an address is wanted, as 10.0.0.40", word);
}

static bool
u32_at(struct reader *r, const char *word, uint32_t *out)
{
	uint64_t v = 0;
	bool ok = lines_number(&r->l, word, 0, UINT32_MAX, &v);

	*out = (uint32_t)v;
	return ok;
}

/* --- configurations ------------------------------------------------------------------------- */

/*
 * The configuration of system S, or of any one with the settings so far: what ntkd would say of it, in the line
 * that makes it wrong.
 */
static bool
configure(struct reader *r, const struct script_system *s, const char *dev, struct conf *out)
{
	struct conf_override v[SCRIPT_SETTINGS + 2];
	char text[CONF_INTERFACES * 40], address[TOPO_TEXT + 16], err[CONF_ERROR];
	size_t n = s != NULL ? s->n_settings : r->s->n_settings, len = 0;

	v[0].text = "mode=manual";
	for (size_t i = 0; i < n; i++)
		v[i + 1].text = r->s->settings[i];
	n++;
	if (s != NULL) {
		snprintf(address, sizeof(address), "address=%s", s->address);
		v[n++].text = address;
	}
	for (size_t i = 0; s != NULL && i < s->conf.n_interfaces; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "interface %s { }\n",
		    s->conf.interfaces[i].name);
	snprintf(text + len, sizeof(text) - len, "interface %s { }\n", dev);
	return conf_parse(text, strlen(text), s != NULL ? s->name : "set", v, n, out, err) ||
	    lines_bad(&r->l, "%s", err);
}

static bool
do_set(struct reader *r)
{
	struct script *s = r->s;
	struct conf c;
	char *text;
	size_t size = strlen(r->l.word[1]) + strlen(r->l.word[2]) + 2;

	if (strcmp(r->l.word[1], "address") == 0 || strcmp(r->l.word[1], "interface") == 0)
		return lines_bad(&r->l, "%s: it has a statement of its own", r->l.word[1]);
	if (s->n_settings == SCRIPT_SETTINGS)
		return lines_bad(&r->l, "more than %u settings", SCRIPT_SETTINGS);
	text = malloc(size);
	if (text == NULL)
		return exhausted(r);
	snprintf(text, size, "%s=%s", r->l.word[1], r->l.word[2]);
	s->settings[s->n_settings++] = text;
	return configure(r, NULL, "eth0", &c);
}

/* --- the town ------------------------------------------------------------------------------- */

static bool
do_systems(struct reader *r)
{
	if (r->begun)
		return lines_bad(&r->l, "that stands above already");
	return r->begun = true;
}

static bool
segment_word(struct reader *r, struct script_segment *g, const char *key, const char *value)
{
	struct town_segment *t = &g->given;

	if (strcmp(key, "latency") == 0)
		return (g->has_latency = true) && lines_milliseconds(&r->l, value, &t->latency);
	if (strcmp(key, "jitter") == 0)
		return (g->has_jitter = true) && lines_milliseconds(&r->l, value, &t->jitter);
	if (strcmp(key, "loss") == 0)
		return (g->has_loss = true) && lines_percent(&r->l, value, &t->loss);
	if (strcmp(key, "twice") == 0)
		return (g->has_twice = true) && lines_percent(&r->l, value, &t->twice);
	return lines_bad(&r->l, "%.40s: latency MS, jitter MS, loss PERCENT or twice PERCENT is wanted", key);
}

static bool
do_segment(struct reader *r)
{
	struct script *s = r->s;
	struct script_segment *g = &s->segments[s->n_segments];

	if (s->n_segments == TOWN_SEGMENTS)
		return lines_bad(&r->l, "more than %u segments", TOWN_SEGMENTS);
	if (!lines_name(&r->l, r->l.word[1], SCRIPT_NAME))
		return false;
	for (size_t i = 0; i < s->n_segments; i++)
		if (strcmp(s->segments[i].name, r->l.word[1]) == 0)
			return lines_bad(&r->l, "%s: this segment stands above already", r->l.word[1]);
	memset(g, 0, sizeof(*g));
	for (unsigned i = 2; i < r->l.n; i += 2)
		if (i + 1 == r->l.n)
			return lines_bad(&r->l, "%.40s: it needs a value", r->l.word[i]);
		else if (!segment_word(r, g, r->l.word[i], r->l.word[i + 1]))
			return false;
	if (g->given.latency > SPAN || g->given.jitter > SPAN)
		return lines_bad(&r->l, "a message takes at most %d ms", SPAN / 1000);
	snprintf(g->name, sizeof(g->name), "%s", r->l.word[1]);
	s->n_segments++;
	return true;
}

static bool
do_system(struct reader *r)
{
	struct script *s = r->s;
	struct script_system *t = &s->systems[s->n_systems];
	struct conf c;

	if (s->n_systems == TOWN_SYSTEMS)
		return lines_bad(&r->l, "more than %u systems", TOWN_SYSTEMS);
	if (!lines_name(&r->l, r->l.word[1], SCRIPT_NAME))
		return false;
	if (strcmp(r->l.word[1], "all") == 0)
		return lines_bad(&r->l, "all: that means every system");
	for (size_t i = 0; i < s->n_systems; i++)
		if (strcmp(s->systems[i].name, r->l.word[1]) == 0)
			return lines_bad(&r->l, "%s: this system stands above already", r->l.word[1]);
	if (strlen(r->l.word[2]) >= sizeof(t->address))
		return lines_bad(&r->l, "%.40s…: that is no address", r->l.word[2]);
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", r->l.word[1]);
	snprintf(t->address, sizeof(t->address), "%s", r->l.word[2]);
	t->n_settings = s->n_settings;
	t->line = r->l.line;
	if (!configure(r, t, "eth0", &c))
		return false;
	if (s->n_systems == 0)
		s->topo = c.map.topo;
	if (!topo_equal(&c.map.topo, &s->topo))
		return lines_bad(&r->l, "%s: it has another topology than those above", t->name);
	s->n_systems++;
	return true;
}

/* Neither another name of an interface nor its MAC stands above already. */
static bool
is_new(struct reader *r, size_t i, const char *dev, ntk_mac_t mac)
{
	const struct script *s = r->s;

	for (size_t k = 0; k < s->n_systems; k++)
		for (size_t d = 0; d < s->systems[k].conf.n_interfaces; d++) {
			if (mac_cmp(s->systems[k].mac[d], mac) == 0)
				return lines_bad(&r->l, "%s: %s of %s has this hardware address", r->l.word[3],
				    s->systems[k].conf.interfaces[d].name, s->systems[k].name);
			if (k == i && strcmp(s->systems[k].conf.interfaces[d].name, dev) == 0)
				return lines_bad(&r->l, "%s: this interface stands above already", dev);
		}
	return true;
}

static bool
do_interface(struct reader *r)
{
	struct script_system *t;
	struct conf c;
	unsigned segment;
	ntk_mac_t mac;
	size_t i, d;

	if (!system_at(r, r->l.word[1], &i) || !lines_name(&r->l, r->l.word[2], CONF_IFNAME) ||
	    !mac_at(r, r->l.word[3], &mac) || !segment_at(r, r->l.word[4], &segment) ||
	    !is_new(r, i, r->l.word[2], mac))
		return false;
	t = &r->s->systems[i];
	if (t->conf.n_interfaces == CONF_INTERFACES)
		return lines_bad(&r->l, "more than %u interfaces", CONF_INTERFACES);
	if (!configure(r, t, r->l.word[2], &c))
		return false;
	d = c.n_interfaces - 1;
	t->conf = c;
	t->mac[d] = mac;
	t->segment[d] = segment;
	return true;
}

static bool
do_listed(struct reader *r)
{
	struct script_listed *l;
	unsigned dev;
	size_t i;

	if (!system_at(r, r->l.word[1], &i) || !dev_at(r, i, r->l.word[2], &dev))
		return false;
	l = &r->s->systems[i].listed[dev];
	if (r->l.n == 4)
		return ip_at(r, r->l.word[3], &l->linklocal);
	return ip_at(r, r->l.word[3], &l->connectivity_linklocal) &&
	    mac_at(r, r->l.word[4], &l->connectivity_mac);
}

/* --- the course ----------------------------------------------------------------------------- */

/* Takes what STEP holds in memory, also when it fails. */
static bool
add_step(struct reader *r, struct script_step *step)
{
	struct script_step *v = r->s->n_steps < SCRIPT_STEPS ?
	    lines_grow(r->s->steps, r->s->n_steps, &r->steps_size, sizeof(*v)) : NULL;

	if (v == NULL) {
		free(step->text);
		free(step->ips);
		return r->s->n_steps < SCRIPT_STEPS ? exhausted(r) :
		    lines_bad(&r->l, "more than %u statements", SCRIPT_STEPS);
	}
	r->s->steps = v;
	v[r->s->n_steps] = *step;
	v[r->s->n_steps++].line = r->l.line;
	return true;
}

/* The words from FROM on, with C between them, as text of STEP. */
static bool
keep_words(struct reader *r, unsigned from, char c, struct script_step *step)
{
	size_t len = 0;

	step->text = calloc(1, LINES_LENGTH);
	if (step->text == NULL)
		return exhausted(r);
	step->n_words = r->l.n - from;
	for (unsigned i = from; i < r->l.n; i++) {
		if (i > from)
			step->text[len++] = c;
		len += (size_t)snprintf(step->text + len, LINES_LENGTH - len, "%s", r->l.word[i]);
	}
	return true;
}

static bool
keep_ips(struct reader *r, unsigned from, struct script_step *step)
{
	step->ips = calloc(r->l.n - from + 1, sizeof(*step->ips));
	if (step->ips == NULL)
		return exhausted(r);
	for (unsigned i = from; i < r->l.n; i++)
		if (!ip_at(r, r->l.word[i], &step->ips[step->n_ips++])) {
			free(step->ips);
			return false;
		}
	return true;
}

static bool
do_step(struct reader *r)
{
	struct script_step step = { .kind = SCRIPT_STEP };

	return keep_words(r, 1, ' ', &step) && add_step(r, &step);
}

static bool
do_start(struct reader *r)
{
	struct script_step step = { .kind = SCRIPT_START, .a = SCRIPT_ALL };

	return (strcmp(r->l.word[1], "all") == 0 || system_at(r, r->l.word[1], &step.a)) &&
	    (r->l.n == 2 || lines_milliseconds(&r->l, r->l.word[2], &step.value)) && add_step(r, &step);
}

static bool
do_die(struct reader *r)
{
	struct script_step step = { .kind = SCRIPT_DIE };

	return system_at(r, r->l.word[1], &step.a) && add_step(r, &step);
}

static bool
do_carrier(struct reader *r)
{
	struct script_step step = { .kind = SCRIPT_CARRIER, .value = strcmp(r->l.word[3], "up") == 0 };

	if (!system_at(r, r->l.word[1], &step.a) || !dev_at(r, step.a, r->l.word[2], &step.dev))
		return false;
	if (!step.value && strcmp(r->l.word[3], "down") != 0)
		return lines_bad(&r->l, "%.40s: up or down is wanted", r->l.word[3]);
	return add_step(r, &step);
}

static bool
do_span(struct reader *r)
{
	struct script_step step = { .kind = r->l.word[0][0] == 'k' ? SCRIPT_KERNEL :
		r->l.word[0][0] == 't' ? SCRIPT_THINK : SCRIPT_RUN };

	if (!lines_milliseconds(&r->l, r->l.word[1], &step.value))
		return false;
	if (step.kind != SCRIPT_RUN && step.value > SPAN)
		return lines_bad(&r->l, "%.40s: at most %d ms", r->l.word[1], SPAN / 1000);
	return add_step(r, &step);
}

static bool
do_refuse(struct reader *r)
{
	struct script_step step = { .kind = SCRIPT_REFUSE };

	return system_at(r, r->l.word[1], &step.a) && lines_number(&r->l, r->l.word[2], 1, 1000, &step.value) &&
	    add_step(r, &step);
}

static bool
do_plain(struct reader *r)
{
	struct script_step step = { .kind = r->l.word[0][0] == 'r' ? SCRIPT_REST : SCRIPT_UNWATCH };

	return add_step(r, &step);
}

static bool
do_watch(struct reader *r)
{
	struct script_step step = { .kind = SCRIPT_WATCH };

	return system_at(r, r->l.word[1], &step.a) && system_at(r, r->l.word[2], &step.b) &&
	    keep_ips(r, 3, &step) && add_step(r, &step);
}

/* The operator's words from word FROM on: a verb and its arguments, checked as ntkctl does. */
static bool
words_are_good(struct reader *r, unsigned from, enum ctl_verb_id *verb)
{
	const struct ctl_verb *v = ctl_verb_find(r->l.word[from]);
	struct ctl_word words[LINES_WORDS];
	struct ctl_values values;
	struct ctl_error err;

	if (v == NULL || !node_verb_is_known((enum ctl_verb_id)(v - ctl_verbs)))
		return lines_bad(&r->l, "%.40s: no verb of manual mode that a system can be told", r->l.word[from]);
	for (unsigned i = from + 1; i < r->l.n; i++)
		ctl_word_split(r->l.word[i], &words[i - from - 1]);
	*verb = (enum ctl_verb_id)(v - ctl_verbs);
	return ctl_check(v, words, r->l.n - from - 1, &values, &err) ||
	    lines_bad(&r->l, "%s: %s: %s", v->name, err.field, err.message);
}

static bool
do_tell(struct reader *r)
{
	struct script_step step = { .kind = SCRIPT_TELL };

	return system_at(r, r->l.word[0], &step.a) && words_are_good(r, 1, &step.verb) &&
	    keep_words(r, 1, '\0', &step) && add_step(r, &step);
}

static bool
do_join(struct reader *r)
{
	struct script_step step = { .kind = SCRIPT_JOIN };

	return system_at(r, r->l.word[1], &step.a) && u32_at(r, r->l.word[2], &step.identity) && add_step(r, &step);
}

/* expect refused SYSTEM CODE VERB ARGUMENTS */
static bool
expect_refused(struct reader *r)
{
	struct script_step step = { .kind = SCRIPT_TELL };

	if (r->l.n < 5)
		return lines_bad(&r->l, "it is written: expect refused SYSTEM CODE VERB [ARGUMENT ...]");
	if (!system_at(r, r->l.word[2], &step.a) || !words_are_good(r, 4, &step.verb) ||
	    !keep_words(r, 3, '\0', &step))
		return false;
	step.code = step.text;
	return add_step(r, &step);
}

/* --- conditions ------------------------------------------------------------------------------ */

static bool
op_state(struct reader *r, const char *word, enum node_op_state *out)
{
	for (*out = NODE_OP_PREPARED; *out <= NODE_OP_DONE; ++*out)
		if (strcmp(node_op_state_name(*out), word) == 0)
			return true;
	return lines_bad(&r->l, "%.40s: prepared, making, running, waiting or done is wanted", word);
}

static bool
address_at(struct reader *r, size_t i, const char *word, struct naddr *out)
{
	char why[200];

	return naddr_parse(&r->s->systems[i].conf.map.topo, word, out, why, sizeof(why)) ||
	    lines_bad(&r->l, "%s", why);
}

static bool
on_pair(struct reader *r, struct script_step *step)
{
	return system_at(r, r->l.word[2], &step->a) && system_at(r, r->l.word[3], &step->b);
}

static bool
on_pair_number(struct reader *r, struct script_step *step)
{
	return on_pair(r, step) && lines_number(&r->l, r->l.word[4], 0, UINT32_MAX, &step->value);
}

static bool
on_pair_ips(struct reader *r, struct script_step *step)
{
	return on_pair(r, step) && keep_ips(r, 4, step);
}

static bool
on_system_number(struct reader *r, struct script_step *step)
{
	return system_at(r, r->l.word[2], &step->a) &&
	    lines_number(&r->l, r->l.word[3], 0, UINT32_MAX, &step->value);
}

static bool
on_identity_number(struct reader *r, struct script_step *step)
{
	return system_at(r, r->l.word[2], &step->a) && u32_at(r, r->l.word[3], &step->identity) &&
	    lines_number(&r->l, r->l.word[4], 0, UINT32_MAX, &step->value);
}

static bool
on_operation(struct reader *r, struct script_step *step)
{
	return system_at(r, r->l.word[2], &step->a) && u32_at(r, r->l.word[3], &step->identity) &&
	    u32_at(r, r->l.word[4], &step->operation) && op_state(r, r->l.word[5], &step->state);
}

static bool
on_address(struct reader *r, struct script_step *step)
{
	return system_at(r, r->l.word[2], &step->a) && u32_at(r, r->l.word[3], &step->identity) &&
	    address_at(r, step->a, r->l.word[4], &step->address);
}

static bool
on_text(struct reader *r, struct script_step *step)
{
	return keep_words(r, 2, ' ', step);
}

static const struct {
	const char *word;
	unsigned min, max;	/* words of the line */
	bool (*read)(struct reader *r, struct script_step *step);
	const char *form;
} conditions[] = {
	[SCRIPT_HEAR] = { "hear", 4, 4, on_pair, "hear A B" },
	[SCRIPT_ARCS] = { "arcs", 5, 5, on_pair_number, "arcs A B NUMBER" },
	[SCRIPT_IARCS] = { "iarcs", 5, 5, on_identity_number, "iarcs SYSTEM IDENTITY NUMBER" },
	[SCRIPT_IDENTITIES] = { "identities", 4, 4, on_system_number, "identities SYSTEM NUMBER" },
	[SCRIPT_OPERATION] = { "operation", 6, 6, on_operation, "operation SYSTEM IDENTITY OPERATION STATE" },
	[SCRIPT_ADDRESS] = { "address", 5, 5, on_address, "address SYSTEM IDENTITY ADDRESS" },
	[SCRIPT_REACH] = { "reach", 4, LINES_WORDS, on_pair_ips, "reach A B [IP ...]" },
	[SCRIPT_DEAD] = { "dead", 4, LINES_WORDS, on_pair_ips, "dead A B [IP ...]" },
	[SCRIPT_COST] = { "cost", 5, 5, on_pair_number, "cost A B MICROSECONDS" },
	[SCRIPT_KERNELS] = { "kernels", 3, 3, on_text, "kernels PREFIX" },
};

/* wait CONDITION, expect CONDITION */
static bool
do_condition(struct reader *r)
{
	size_t n = sizeof(conditions) / sizeof(conditions[0]), i = 0;
	struct script_step step = { .kind = r->l.word[0][0] == 'w' ? SCRIPT_WAIT : SCRIPT_EXPECT };

	if (step.kind == SCRIPT_EXPECT && strcmp(r->l.word[1], "refused") == 0)
		return expect_refused(r);
	while (i < n && strcmp(conditions[i].word, r->l.word[1]) != 0)
		i++;
	if (i == n)
		return lines_bad(&r->l, "%.40s: hear, arcs, iarcs, identities, operation, address, reach, dead, "
		    "cost or kernels is wanted", r->l.word[1]);
	if (r->l.n < conditions[i].min || r->l.n > conditions[i].max)
		return lines_bad(&r->l, "it is written: %s %s", r->l.word[0], conditions[i].form);
	step.condition = (enum script_condition)i;
	/* Files are not read after every event. */
	if (step.kind == SCRIPT_WAIT && step.condition == SCRIPT_KERNELS)
		return lines_bad(&r->l, "kernels: to be expected, not waited for");
	return conditions[i].read(r, &step) && add_step(r, &step);
}

/* --- statements ------------------------------------------------------------------------------ */

static const struct {
	const char *word;
	unsigned min, max;	/* words, the first included */
	bool (*run)(struct reader *r);
	const char *form;
} statements[] = {
	{ "systems", 1, 1, do_systems, "systems" },
	{ "set", 3, 3, do_set, "set KEY VALUE" },
	{ "segment", 2, 10, do_segment, "segment NAME [latency MS] [jitter MS] [loss PERCENT] [twice PERCENT]" },
	{ "system", 3, 3, do_system, "system NAME ADDRESS" },
	{ "interface", 5, 5, do_interface, "interface SYSTEM DEV MAC SEGMENT" },
	{ "listed", 4, 5, do_listed, "listed SYSTEM DEV LINKLOCAL [MAC]" },
	{ "step", 2, LINES_WORDS, do_step, "step TITLE" },
	{ "start", 2, 3, do_start, "start SYSTEM|all [MILLISECONDS]" },
	{ "die", 2, 2, do_die, "die SYSTEM" },
	{ "carrier", 4, 4, do_carrier, "carrier SYSTEM DEV up|down" },
	{ "kernel", 2, 2, do_span, "kernel MILLISECONDS" },
	{ "think", 2, 2, do_span, "think MILLISECONDS" },
	{ "refuse", 3, 3, do_refuse, "refuse SYSTEM NUMBER" },
	{ "join", 3, 3, do_join, "join SYSTEM IDENTITY" },
	{ "run", 2, 2, do_span, "run MILLISECONDS" },
	{ "rest", 1, 1, do_plain, "rest" },
	{ "watch", 4, LINES_WORDS, do_watch, "watch FROM TO IP ..." },
	{ "unwatch", 1, 1, do_plain, "unwatch" },
	{ "wait", 2, LINES_WORDS, do_condition, "wait CONDITION" },
	{ "expect", 2, LINES_WORDS, do_condition, "expect CONDITION" },
};

/* "NAME:" is a system that is told something. */
static bool
is_told(struct lines *l)
{
	size_t len = strlen(l->word[0]);

	if (len < 2 || l->word[0][len - 1] != ':')
		return false;
	l->word[0][len - 1] = '\0';
	return true;
}

static bool
statement(struct lines *l, void *arg)
{
	size_t n = sizeof(statements) / sizeof(statements[0]), i = 0;
	struct reader *r = arg;

	if (is_told(l))
		return l->n > 1 ? do_tell(r) :
		    lines_bad(l, "it is written: SYSTEM: VERB [ARGUMENT ...]");
	while (i < n && strcmp(statements[i].word, l->word[0]) != 0)
		i++;
	if (i == n)
		return lines_bad(l, "%.40s: no such statement among systems", l->word[0]);
	if (!r->begun && i != 0)
		return lines_bad(l, "\"systems\" must stand above everything else");
	if (l->n < statements[i].min || l->n > statements[i].max)
		return lines_bad(l, "it is written: %s", statements[i].form);
	return statements[i].run(r);
}

/* Every system has an interface. */
static bool
finish(struct reader *r)
{
	for (size_t i = 0; i < r->s->n_systems; i++)
		if (r->s->systems[i].conf.n_interfaces == 0) {
			r->l.line = r->s->systems[i].line;
			return lines_bad(&r->l, "%s has no interface", r->s->systems[i].name);
		}
	return r->s->n_systems != 0 || lines_bad(&r->l, "there is no system");
}

static bool
first_word(struct lines *r, void *arg)
{
	*(bool *)arg = strcmp(r->word[0], "systems") == 0;
	return false;
}

bool
script_is(const char *text, size_t len)
{
	char why[8];
	struct lines r = { .name = "", .why = why, .why_size = sizeof(why), .max = LINES_WORDS };
	bool is = false;

	lines_each(&r, text, len, first_word, &is);
	return is;
}

bool
script_parse(struct script *s, const char *name, const char *text, size_t len, char *why,
    size_t why_size)
{
	struct reader r = { .s = s, .l = { .name = name, .line = 1, .why = why, .why_size = why_size,
		.max = LINES_WORDS } };

	memset(s, 0, sizeof(*s));
	s->name = name;
	s->segments = calloc(TOWN_SEGMENTS, sizeof(*s->segments));
	s->systems = calloc(TOWN_SYSTEMS, sizeof(*s->systems));
	if (s->segments == NULL || s->systems == NULL)
		exhausted(&r);
	else if (lines_each(&r.l, text, len, statement, &r) && finish(&r))
		return true;
	script_free(s);
	return false;
}

void
script_free(struct script *s)
{
	for (size_t i = 0; i < s->n_settings; i++)
		free(s->settings[i]);
	for (size_t i = 0; i < s->n_steps; i++) {
		free(s->steps[i].text);
		free(s->steps[i].ips);
	}
	free(s->segments);
	free(s->systems);
	free(s->steps);
	memset(s, 0, sizeof(*s));
}
