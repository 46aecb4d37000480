/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_usage[] =
"usage: ntk-sim [options]\n"
"\n"
"  the world\n"
"    --topology SHAPE      line ring grid tree complete random geometric clustered (random)\n"
"    --scenario FILE       nodes, links and a course of events from a file instead\n"
"    --nodes N             how many (35)\n"
"    --gsizes 4.4.4        sizes of the levels, highest first (levels of 4, with room)\n"
"    --degree D            mean number of links of a node (4)\n"
"    --seed S              everything random comes from it (1)\n"
"    --latency MS          of each link, one way (1)\n"
"    --jitter MS           added to each message, from 0 up to it (0)\n"
"    --costs LOW-HIGH      costs of links are drawn from this, in microseconds\n"
"                          (twice the latency and up to 999 more)\n"
"\n"
"  what goes wrong, in percent of messages\n"
"    --loss P              a segment is lost and sent again\n"
"    --vanish P            a notice is lost for good\n"
"    --twice P             a notice comes twice\n"
"    --overtake P          later messages pass it\n"
"    --corrupt P           a byte is changed\n"
"\n"
"  what happens, after the first rest\n"
"    --events N            so many random events (0)\n"
"    --kinds cut,cost,…    of these kinds: cut join cost die return freeze thaw (all)\n"
"    --break               events may tear g-nodes apart\n"
"\n"
"  the protocol\n"
"    --pacing MS           of partial ETPs; 0: at once\n"
"    --pacing-first yes|no the first change after a quiet time goes out at once\n"
"    --max-paths N         to one destination\n"
"    --without a1,a4,…     amendments to switch off; o: all of them\n"
"\n"
"  what is shown\n"
"    --check all|rest|none invariants: after every event, at rest, never (rest)\n"
"    --limit S             seconds of virtual time to come to rest in (3600)\n"
"    --json                one object on standard output\n"
"    --dot, --svg FILE     draws the network with its g-nodes\n"
"    --progress            a line a second on standard error; of systems, what they tell\n"
"    --shrink              when an invariant breaks, look for fewer events that break it\n"
"    -h, --help  -V, --version\n";

static const uint64_t REST_LIMIT = UINT64_C(3600000000);	/* µs */

enum {
	OPT_TOPOLOGY = 256,
	OPT_SCENARIO,
	OPT_NODES,
	OPT_GSIZES,
	OPT_DEGREE,
	OPT_SEED,
	OPT_LATENCY,
	OPT_JITTER,
	OPT_COSTS,
	OPT_LOSS,
	OPT_VANISH,
	OPT_TWICE,
	OPT_OVERTAKE,
	OPT_CORRUPT,
	OPT_EVENTS,
	OPT_KINDS,
	OPT_BREAK,
	OPT_PACING,
	OPT_PACING_FIRST,
	OPT_MAX_PATHS,
	OPT_WITHOUT,
	OPT_CHECK,
	OPT_LIMIT,
	OPT_JSON,
	OPT_DOT,
	OPT_SVG,
	OPT_PROGRESS,
	OPT_SHRINK,
};

static const struct option longs[] = {
	{ "topology", required_argument, NULL, OPT_TOPOLOGY },
	{ "scenario", required_argument, NULL, OPT_SCENARIO },
	{ "nodes", required_argument, NULL, OPT_NODES },
	{ "gsizes", required_argument, NULL, OPT_GSIZES },
	{ "degree", required_argument, NULL, OPT_DEGREE },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "latency", required_argument, NULL, OPT_LATENCY },
	{ "jitter", required_argument, NULL, OPT_JITTER },
	{ "costs", required_argument, NULL, OPT_COSTS },
	{ "loss", required_argument, NULL, OPT_LOSS },
	{ "vanish", required_argument, NULL, OPT_VANISH },
	{ "twice", required_argument, NULL, OPT_TWICE },
	{ "overtake", required_argument, NULL, OPT_OVERTAKE },
	{ "corrupt", required_argument, NULL, OPT_CORRUPT },
	{ "events", required_argument, NULL, OPT_EVENTS },
	{ "kinds", required_argument, NULL, OPT_KINDS },
	{ "break", no_argument, NULL, OPT_BREAK },
	{ "pacing", required_argument, NULL, OPT_PACING },
	{ "pacing-first", required_argument, NULL, OPT_PACING_FIRST },
	{ "max-paths", required_argument, NULL, OPT_MAX_PATHS },
	{ "without", required_argument, NULL, OPT_WITHOUT },
	{ "check", required_argument, NULL, OPT_CHECK },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "dot", no_argument, NULL, OPT_DOT },
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "progress", no_argument, NULL, OPT_PROGRESS },
	{ "shrink", no_argument, NULL, OPT_SHRINK },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const struct {
	const char *name;
	uint32_t bits;
} amendments[] = {
	{ "a1", QSPN_A1_CLOSURE }, { "a2", QSPN_A2_CYCLIC }, { "a3", QSPN_A3_SENDER },
	{ "a4", QSPN_A4_PACING }, { "a5", QSPN_A5_NUMBERS }, { "a6", QSPN_A6_RETIRE },
	{ "a9", QSPN_A9_EXPOSURE }, { "a11", QSPN_A11_SCOPE }, { "a14", QSPN_A14_WHOLE },
	{ "a15", QSPN_A15_SWEEP }, { "a25", QSPN_A25_HOLD }, { "a26", QSPN_A26_OUTSIDE },
	{ "a27", QSPN_A27_SPARE }, { "a28", QSPN_A28_MARKS }, { "a29", QSPN_A29_MEMORY },
	{ "a30", QSPN_A30_DEARER }, { "a31", QSPN_A31_PATIENCE }, { "a32", QSPN_A32_ALL_VIRTUAL },
	{ "o", QSPN_PROFILE_R },
};

/* Where a complaint goes. */
struct parse {
	char *why;
	size_t size;
	const char *option;
	const char *value;
};

static bool
bad(const struct parse *p, const char *allowed)
{
	snprintf(p->why, p->size, "--%s %s: %s", p->option, p->value, allowed);
	return false;
}

static bool
number(const struct parse *p, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end, allowed[80];
	unsigned long long v;

	errno = 0;
	v = strtoull(p->value, &end, 10);
	*out = v;
	if (p->value[0] >= '0' && p->value[0] <= '9' && *end == '\0' && errno == 0 && v >= min &&
	    v <= max)
		return true;
	snprintf(allowed, sizeof(allowed), "a number from %llu to %llu is wanted",
	    (unsigned long long)min, (unsigned long long)max);
	return bad(p, allowed);
}

/* A decimal number times SCALE, rounded: milliseconds to µs, percent to millionths. */
static bool
decimal(const struct parse *p, double max, double scale, uint64_t *out)
{
	char *end, allowed[80];
	double v = strtod(p->value, &end);

	if (end != p->value && *end == '\0' && v >= 0 && v <= max) {
		*out = (uint64_t)llround(v * scale);
		return true;
	}
	snprintf(allowed, sizeof(allowed), "a number from 0 to %g is wanted", max);
	return bad(p, allowed);
}

static bool
u32(const struct parse *p, uint64_t min, uint64_t max, uint32_t *out)
{
	uint64_t v = 0;
	bool ok = number(p, min, max, &v);

	*out = (uint32_t)v;
	return ok;
}

static bool
percent(const struct parse *p, uint32_t *out)
{
	uint64_t v = 0;
	bool ok = decimal(p, 100, WORLD_PER_CENT / 100.0, &v);

	*out = (uint32_t)v;
	return ok;
}

static bool
costs(const struct parse *p, struct world_settings *w)
{
	unsigned long long low, high;
	int end = 0;

	if (sscanf(p->value, "%llu-%llu%n", &low, &high, &end) != 2 || p->value[end] != '\0' ||
	    low < 1 || high < low || high > 1000000000)
		return bad(p, "two costs from 1 to 1000000000 are wanted, the lower first: 500-5000");
	w->cost_low = low;
	w->cost_high = high;
	return true;
}

/* The words of a list, one after the other; false at its end.  AT moves on. */
static bool
next_word(const char **at, char *word, size_t size)
{
	size_t len = strcspn(*at, ",");

	if (**at == '\0')
		return false;
	snprintf(word, size, "%.*s", (int)(len < size ? len : size - 1), *at);
	*at += len + ((*at)[len] == ',');
	return true;
}

static bool
kinds(const struct parse *p, unsigned *out)
{
	const char *at = p->value;
	enum course_kind k;
	char word[16];

	*out = 0;
	while (next_word(&at, word, sizeof(word))) {
		if (!course_kind_parse(word, &k))
			return bad(p, "kinds are cut join cost die return freeze thaw");
		*out |= 1U << k;
	}
	return *out != 0 || bad(p, "at least one kind is wanted");
}

static bool
without(const struct parse *p, uint32_t *out)
{
	const char *at = p->value;
	char word[16];

	while (next_word(&at, word, sizeof(word))) {
		size_t i = 0, n = sizeof(amendments) / sizeof(amendments[0]);

		while (i < n && strcmp(amendments[i].name, word) != 0)
			i++;
		if (i == n)
			return bad(p, "amendments are a1 a2 a3 a4 a5 a6 a9 a11 a14 a15 a25 a26 a27 a28 a29 a30 a31 a32, or o for all");
		*out &= ~amendments[i].bits;
	}
	return true;
}

static bool
check_word(const struct parse *p, enum check_when *out)
{
	static const char *const words[] = { "none", "rest", "all" };

	for (unsigned i = 0; i < 3; i++)
		if (strcmp(p->value, words[i]) == 0) {
			*out = (enum check_when)i;
			return true;
		}
	return bad(p, "all, rest or none is wanted");
}

static bool
yes_no(const struct parse *p, bool *out)
{
	*out = strcmp(p->value, "yes") == 0;
	return *out || strcmp(p->value, "no") == 0 || bad(p, "yes or no is wanted");
}

static bool
gsizes(const struct parse *p, struct sim_options *o)
{
	char why[200];

	o->has_topo = true;
	return topo_parse(p->value, &o->topo, why, sizeof(why)) || bad(p, why);
}

static bool
take_world(const struct parse *p, int c, struct sim_options *o, bool *ok)
{
	struct world_settings *w = &o->world;
	uint64_t v = 0;

	switch (c) {
	case OPT_TOPOLOGY:
		*ok = graph_shape_parse(p->value, &o->shape) ||
		    bad(p, "shapes are line ring grid tree complete random geometric clustered");
		return true;
	case OPT_SCENARIO:
		o->scenario = p->value;
		return true;
	case OPT_NODES:
		*ok = u32(p, 1, GRAPH_NODES, &o->nodes);
		return true;
	case OPT_GSIZES:
		*ok = gsizes(p, o);
		return true;
	case OPT_DEGREE:
		*ok = decimal(p, 1000, 1000, &v);
		o->degree = (double)v / 1000;
		return true;
	case OPT_SEED:
		*ok = number(p, 0, UINT64_MAX, &w->seed);
		return true;
	case OPT_LATENCY:
		*ok = decimal(p, 60000, 1000, &w->latency);
		return true;
	case OPT_JITTER:
		*ok = decimal(p, 60000, 1000, &w->jitter);
		return true;
	case OPT_COSTS:
		*ok = costs(p, w);
		return true;
	default:
		return false;
	}
}

static bool
take_faults(const struct parse *p, int c, struct world_faults *f, bool *ok)
{
	uint32_t *const where = c == OPT_LOSS ? &f->loss : c == OPT_VANISH ? &f->vanish :
	    c == OPT_TWICE ? &f->twice : c == OPT_OVERTAKE ? &f->overtake :
	    c == OPT_CORRUPT ? &f->corrupt : NULL;

	if (where != NULL)
		*ok = percent(p, where);
	return where != NULL;
}

static bool
take_protocol(const struct parse *p, int c, struct qspn_params *q, bool *ok)
{
	uint64_t v = 0;

	switch (c) {
	case OPT_PACING:
		*ok = decimal(p, 60000, 1000, &q->pacing);
		return true;
	case OPT_PACING_FIRST:
		*ok = yes_no(p, &q->pacing_first);
		return true;
	case OPT_MAX_PATHS:
		*ok = number(p, 1, 100, &v);
		q->max_paths = (uint16_t)v;
		return true;
	case OPT_WITHOUT:
		*ok = without(p, &q->amendments);
		return true;
	default:
		return false;
	}
}

static bool
take_rest(const struct parse *p, int c, struct sim_options *o)
{
	switch (c) {
	case OPT_EVENTS:
		return u32(p, 0, 1000000, &o->events);
	case OPT_KINDS:
		return kinds(p, &o->kinds);
	case OPT_BREAK:
		o->keep_whole = false;
		return true;
	case OPT_CHECK:
		return check_word(p, &o->check);
	case OPT_LIMIT:
		return decimal(p, 1e7, 1e6, &o->rest_limit);
	case OPT_JSON:
		return o->json = true;
	case OPT_DOT:
		return o->dot = true;
	case OPT_SVG:
		o->svg = p->value;
		return true;
	case OPT_PROGRESS:
		return o->progress = true;
	case OPT_SHRINK:
		return o->shrink = true;
	case 'V':
		return o->version = true;
	default:
		return o->help = true;
	}
}

/* Options that mean something to a scenario of whole systems. */
static bool
is_for_systems(int c)
{
	static const int those[] = { OPT_SCENARIO, OPT_SEED, OPT_LATENCY, OPT_JITTER, OPT_LOSS, OPT_TWICE,
		OPT_LIMIT, OPT_JSON, OPT_PROGRESS, 'h', 'V' };

	for (size_t i = 0; i < sizeof(those) / sizeof(those[0]); i++)
		if (c == those[i])
			return true;
	return false;
}

bool
options_fit_systems(const struct sim_options *o, char *why, size_t why_size)
{
	if (o->not_systems == NULL)
		return true;
	snprintf(why, why_size, "--%s: it means nothing to a scenario of whole systems", o->not_systems);
	return false;
}

/* As many levels of 4 as four times the nodes need, so that every g-node finds connected places. */
static void
default_topo(struct sim_options *o)
{
	o->topo.levels = 2;
	while (o->topo.levels < 11 && UINT64_C(1) << 2 * o->topo.levels < UINT64_C(4) * o->nodes)
		o->topo.levels++;
	for (unsigned i = 0; i < o->topo.levels; i++)
		o->topo.gexp[i] = 2;
}

static void
defaults(struct sim_options *o)
{
	memset(o, 0, sizeof(*o));
	o->shape = GRAPH_RANDOM;
	o->nodes = 35;
	o->world.seed = 1;
	o->world.latency = 1000;
	o->kinds = (1U << COURSE_KINDS) - 1;
	o->keep_whole = true;
	o->check = CHECK_REST;
	o->rest_limit = REST_LIMIT;
	topo_default(&o->topo);
	qspn_params_default(&o->world.params, &o->topo);
}

bool
options_read(int argc, char **argv, struct sim_options *o, char *why, size_t why_size)
{
	struct parse p = { why, why_size, NULL, NULL };
	bool ok = true;
	int c, at = 0;

	defaults(o);
	opterr = 0;
	optind = 1;
	while (ok && (c = getopt_long(argc, argv, ":hV", longs, &at)) != -1) {
		if (c == '?' || c == ':') {
			snprintf(why, why_size, "%s: %s", argv[optind - 1], c == '?' ?
			    "no such option" : "it needs a value");
			return false;
		}
		p.option = c >= OPT_TOPOLOGY ? longs[c - OPT_TOPOLOGY].name : "";
		p.value = optarg != NULL ? optarg : "";
		if (o->not_systems == NULL && !is_for_systems(c))
			o->not_systems = p.option;
		if (!take_world(&p, c, o, &ok) && !take_faults(&p, c, &o->world.faults, &ok) &&
		    !take_protocol(&p, c, &o->world.params, &ok))
			ok = take_rest(&p, c, o);
	}
	if (ok && optind != argc) {
		snprintf(why, why_size, "%s: no argument is wanted", argv[optind]);
		return false;
	}
	if (!o->has_topo)
		default_topo(o);
	o->world.params.topo = o->topo;
	return ok;
}

/* --- the command that repeats a run ----------------------------------------------------- */

struct text {
	char *buf;
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, OPTIONS_TEXT - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len = t->len + (size_t)n < OPTIONS_TEXT ? t->len + (size_t)n : OPTIONS_TEXT - 1;
}

static void
add_percent(struct text *t, const char *name, uint32_t millionths)
{
	if (millionths != 0)
		add(t, " --%s %g", name, millionths / (WORLD_PER_CENT / 100.0));
}

static void
add_list(struct text *t, const struct sim_options *o)
{
	const char *sep = " --kinds ";
	uint32_t off = QSPN_PROFILE_R & ~o->world.params.amendments;

	if (o->kinds != (1U << COURSE_KINDS) - 1)
		for (unsigned i = 0; i < COURSE_KINDS; i++)
			if ((o->kinds >> i & 1) != 0) {
				add(t, "%s%s", sep, course_kind_name((enum course_kind)i));
				sep = ",";
			}
	sep = " --without ";
	for (size_t i = 0; i + 1 < sizeof(amendments) / sizeof(amendments[0]); i++)
		if ((off & amendments[i].bits) != 0) {
			add(t, "%s%s", sep, amendments[i].name);
			sep = ",";
		}
}

char *
options_print(const struct sim_options *o, uint32_t events, char *buf)
{
	static const char *const checks[] = { "none", "rest", "all" };
	const struct world_settings *w = &o->world;
	struct text t = { buf, 0 };
	char topo[TOPO_TEXT];

	add(&t, "ntk-sim");
	if (o->scenario != NULL)
		add(&t, " --scenario %s", o->scenario);
	else
		add(&t, " --topology %s --nodes %u --gsizes %s", graph_shape_name(o->shape), o->nodes,
		    topo_print(&o->topo, topo));
	if (o->degree > 0)
		add(&t, " --degree %g", o->degree);
	add(&t, " --seed %llu --latency %g", (unsigned long long)w->seed, (double)w->latency / 1000);
	if (w->jitter != 0)
		add(&t, " --jitter %g", (double)w->jitter / 1000);
	if (w->cost_high != 0)
		add(&t, " --costs %llu-%llu", (unsigned long long)w->cost_low,
		    (unsigned long long)w->cost_high);
	add_percent(&t, "loss", w->faults.loss);
	add_percent(&t, "vanish", w->faults.vanish);
	add_percent(&t, "twice", w->faults.twice);
	add_percent(&t, "overtake", w->faults.overtake);
	add_percent(&t, "corrupt", w->faults.corrupt);
	add(&t, " --events %u", events);
	add_list(&t, o);
	add(&t, "%s --pacing %g --pacing-first %s --max-paths %u --check %s", o->keep_whole ? "" :
	    " --break", (double)w->params.pacing / 1000, w->params.pacing_first ? "yes" : "no",
	    w->params.max_paths, checks[o->check]);
	return buf;
}

char *
options_print_systems(const struct sim_options *o, char *buf)
{
	const struct world_settings *w = &o->world;
	struct text t = { buf, 0 };

	add(&t, "ntk-sim --scenario %s --seed %llu --latency %g", o->scenario, (unsigned long long)w->seed,
	    (double)w->latency / 1000);
	if (w->jitter != 0)
		add(&t, " --jitter %g", (double)w->jitter / 1000);
	add_percent(&t, "loss", w->faults.loss);
	add_percent(&t, "twice", w->faults.twice);
	if (o->rest_limit != REST_LIMIT)
		add(&t, " --limit %g", (double)o->rest_limit / 1e6);
	return buf;
}
