/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operator's verbs as the daemon is asked for them (spec/manual-mode): what each requires, the code and field of
 * each refusal, and that a refused one changes nothing.  A neighbour on eth1 is a node of its own.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/rd.h"
#include "proto/wr.h"
#include "tests/unit/ctlworld.h"
#include "tests/unit/tap.h"

enum { MSEC = 1000, PIPES = 64, LETTERS = 4096, CALLS = 4096, TURNS = 60000 };

#define OUR_MAC "02:00:00:00:00:01"
#define OUR_OTHER "02:00:00:00:00:02"
#define FAR_MAC "00:16:3e:5b:78:d5"
#define NO_MAC "00:16:3e:00:00:01"

static struct world world;
static const ntk_mac_t far_mac = { { 0x00, 0x16, 0x3e, 0x5b, 0x78, 0xd5 } };

/* --- the neighbour ------------------------------------------------------------------------- */

enum { HERE, FAR, ENDS };

/* What is on its way to an end. */
struct letter {
	enum { HELLO, CONNECT, CONNECTED, CLOSED, MESSAGE } kind;
	unsigned to;
	ntk_ip_t ip;
	unsigned pipe;
	enum peer_kind peer_kind;
	uint32_t call, source, destination;
	uint8_t type, error;
	uint8_t *bytes;
	size_t n;
};

static struct {
	struct conf conf;
	struct node *node;
	unsigned made;
	uint32_t pipe[PIPES][ENDS];	/* connections, 0: closed */
	bool hold[PIPES][ENDS];
	unsigned n_pipes;
	struct {
		uint64_t token;
		uint8_t type;
	} call[CALLS];
	unsigned n_calls;
	struct letter letter[LETTERS];
	size_t n;
	bool silent;			/* it says nothing any more */
} town;

static struct node *
node_at(unsigned end)
{
	return end == HERE ? world.d.node : town.node;
}

static unsigned
pipe_of(unsigned end, uint32_t connection)
{
	for (unsigned i = town.n_pipes; i-- > 0; )
		if (town.pipe[i][end] == connection)
			return i;
	return PIPES;
}

static struct letter *
post(struct letter l)
{
	CU_ASSERT_FATAL(town.n < LETTERS);
	town.letter[town.n] = l;
	return &town.letter[town.n++];
}

static void
put_in(struct letter *l, const struct peer_msg *m)
{
	struct wr w;

	if (m == NULL)
		return;
	l->type = m->type;
	l->n = peer_msg_size(m);
	l->bytes = malloc(l->n + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l->bytes);
	wr_init(&w, l->bytes, l->n);
	peer_msg_write(m, &w);
}

static void
say(unsigned from, const struct node_action *a, enum peer_kind kind)
{
	unsigned pipe = pipe_of(from, a->connection);
	struct letter *l;

	if (pipe == PIPES)
		return;
	l = post((struct letter){ .kind = MESSAGE, .to = !from, .pipe = pipe, .peer_kind = kind,
	    .call = a->call, .source = a->source, .destination = a->destination, .error = a->error });
	put_in(l, a->msg);
	if (kind == PEER_CALL) {
		CU_ASSERT_FATAL(town.n_calls + 1 < CALLS);
		l->call = ++town.n_calls;
		town.call[l->call].token = a->token;
		town.call[l->call].type = l->type;
	}
}

static void
act(unsigned end, const struct node_action *a)
{
	unsigned pipe = pipe_of(end, a->connection);

	if (end == FAR && town.silent)
		return;
	switch (a->kind) {
	case NODE_HELLO:
		if (a->dev == 0)
			put_in(post((struct letter){ .kind = HELLO, .to = !end, .ip = a->address }), a->msg);
		break;
	case NODE_CONNECT:
		CU_ASSERT_FATAL(town.n_pipes < PIPES);
		town.pipe[town.n_pipes][end] = a->connection;
		post((struct letter){ .kind = CONNECT, .to = !end, .ip = a->address, .pipe = town.n_pipes++ });
		break;
	case NODE_HOLD:
		if (pipe < PIPES)
			town.hold[pipe][end] = a->hold;
		break;
	case NODE_NOTICE:
		say(end, a, PEER_NOTICE);
		break;
	case NODE_CALL:
		say(end, a, PEER_CALL);
		break;
	case NODE_RESULT:
		say(end, a, PEER_RESULT);
		break;
	case NODE_ERROR:
		say(end, a, PEER_ERROR);
		break;
	case NODE_WAIT:
		say(end, a, PEER_WAIT);
		break;
	case NODE_CLOSE:
		if (pipe < PIPES) {
			town.pipe[pipe][end] = 0;
			post((struct letter){ .kind = CLOSED, .to = !end, .pipe = pipe });
		}
		break;
	default:
		break;
	}
}

static void
said_here(struct world *w, const struct node_action *a)
{
	(void)w;
	act(HERE, a);
}

/* The neighbour's kernel does everything at once. */
static void
far_pump(void)
{
	struct node_action a;
	struct kset want;
	uint32_t label;
	unsigned ns;

	kset_init(&want);
	while (node_next_want(town.node, &ns, &want, &label)) {
		ntk_mac_t mac[CONF_INTERFACES] = { { { 0 } } };

		mac[0] = ns == 0 ? far_mac : (ntk_mac_t){ { 0x4e, 1, 0, 0, 0, (uint8_t)++town.made } };
		node_kernel_done(town.node, daemon_now(), ns, true, mac);
		kset_free(&want);
		kset_init(&want);
	}
	kset_free(&want);
	while (node_next(town.node, &a)) {
		act(FAR, &a);
		if (a.kind == NODE_LISTEN)
			node_listening(town.node, daemon_now(), a.dev, a.address, true);
	}
}

static void
message(const struct letter *l)
{
	struct msg_arena arena = { .size = l->n * PEER_EXPANSION + 1 };
	const struct peer_msg *m = NULL;
	struct peer_msg space;
	struct msg_error err;
	struct rd r;

	arena.buf = malloc(arena.size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(arena.buf);
	if (l->bytes != NULL) {
		rd_init(&r, l->bytes, l->n);
		CU_ASSERT_FATAL(peer_msg_read(l->type, &r, &arena, &space, &err));
		m = &space;
	}
	if (l->kind == HELLO)
		node_datagram(node_at(l->to), daemon_now(), 0, l->ip, m);
	else if (l->peer_kind == PEER_CALL || l->peer_kind == PEER_NOTICE)
		node_message(node_at(l->to), daemon_now(), town.pipe[l->pipe][l->to], l->call, l->source,
		    l->destination, m);
	else
		node_answered(node_at(l->to), daemon_now(), town.pipe[l->pipe][l->to],
		    town.call[l->call].token, town.call[l->call].type, l->peer_kind == PEER_RESULT ?
		    NODE_ANSWERED : l->peer_kind == PEER_ERROR ? NODE_REFUSED : NODE_PATIENCE, l->error, m);
	free(arena.buf);
}

static void
arrive(const struct letter *l)
{
	struct node *n = node_at(l->to);
	uint32_t *end = town.pipe[l->pipe];

	switch (l->kind) {
	case HELLO:
		message(l);
		break;
	case CONNECT:
		end[l->to] = node_accepted(n, daemon_now(), 0, l->ip);
		post((struct letter){ .kind = end[l->to] != 0 ? CONNECTED : CLOSED, .to = !l->to,
		    .pipe = l->pipe });
		break;
	case CONNECTED:
		if (end[l->to] != 0)
			node_connected(n, daemon_now(), end[l->to]);
		break;
	case CLOSED:
		if (end[l->to] != 0) {
			uint32_t c = end[l->to];

			end[l->to] = 0;
			node_closed(n, daemon_now(), c);
		}
		break;
	case MESSAGE:
		if (end[l->to] != 0)
			message(l);
		break;
	}
}

/* A millisecond passes: what was on its way arrives, and both go on. */
static void
turn(void)
{
	size_t count = town.n;
	char why[200];

	world_turn_clock(MSEC);
	for (size_t i = 0; i < count; i++) {
		struct letter l = town.letter[i];

		if ((l.kind == MESSAGE || l.kind == CLOSED) && town.hold[l.pipe][l.to]) {
			post(l);
			continue;
		}
		arrive(&l);
		free(l.bytes);
		if (l.to == HERE)
			daemon_pump(&world.d);
		else
			far_pump();
	}
	town.n -= count;
	memmove(town.letter, town.letter + count, town.n * sizeof(town.letter[0]));
	if (node_deadline(world.d.node) <= daemon_now())
		node_tick(world.d.node, daemon_now());
	daemon_pump(&world.d);
	if (node_deadline(town.node) <= daemon_now())
		node_tick(town.node, daemon_now());
	far_pump();
	if (!node_invariant(world.d.node, why, sizeof(why))) {
		tap_note("%s", why);
		CU_FAIL_FATAL("the node is not sound");
	}
}

static void
pass(uint64_t us)
{
	uint64_t until = daemon_now() + us;

	while (daemon_now() < until)
		turn();
}

/* A world in manual mode with a clock of its own, and a neighbour that is not running yet. */
static void
begin(void)
{
	static const char text[] = "topology = \"4.2.2.2\"\naddress = \"2.1.1.0\"\nmode = \"manual\"\n"
	    "interface eth1 { }\nhandover-delay = 1000\n";
	char err[CONF_ERROR];
	struct rng rng;

	memset(&town, 0, sizeof(town));
	CU_ASSERT_TRUE_FATAL(world_begin(&world, true));
	world.d.conf.handover_delay = 1000;
	world_stop_clock();
	world.said = said_here;
	CU_ASSERT_TRUE_FATAL(conf_parse(text, strlen(text), "far", NULL, 0, &town.conf, err));
	rng_init(&rng, 7);
	town.node = node_new(&town.conf, &rng, daemon_now());
	CU_ASSERT_PTR_NOT_NULL_FATAL(town.node);
	far_pump();
}

static void
end(void)
{
	for (size_t i = 0; i < town.n; i++)
		free(town.letter[i].bytes);
	node_free(town.node);
	world_end(&world);
}

/* --- asking -------------------------------------------------------------------------------- */

static char asked[4096];

/* {"verb":VERB,"args":[…]}: the words by position, quoted. */
static const char *
by_position(const char *verb, const char *words)
{
	size_t len = (size_t)snprintf(asked, sizeof(asked), "{\"verb\":\"%s\",\"args\":[", verb);
	char copy[1024], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		len += (size_t)snprintf(asked + len, sizeof(asked) - len, "%s\"%s\"",
		    asked[len - 1] == '[' ? "" : ",", w);
	snprintf(asked + len, sizeof(asked) - len, "]}");
	return asked;
}

/* The same words by their keys, in the opposite order. */
static const char *
by_key(const char *verb, const char *words)
{
	const struct ctl_verb *v = ctl_verb_find(verb);
	char copy[1024], *save = NULL, *word[CTL_ARGS];
	size_t n = 0, len = (size_t)snprintf(asked, sizeof(asked), "{\"verb\":\"%s\",\"args\":{", verb);

	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok_r(copy, " ", &save); w != NULL && n < CTL_ARGS; w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	while (n-- > 0)
		len += (size_t)snprintf(asked + len, sizeof(asked) - len, "\"%s\":\"%s\"%s",
		    v->args[n].key, word[n], n > 0 ? "," : "");
	snprintf(asked + len, sizeof(asked) - len, "}}");
	return asked;
}

static struct answer
ask(const char *line)
{
	struct answer a;

	request_run(&world.d, CTL_WRITING, line, strlen(line), &a);
	return a;
}

/* Everything that verbs can change, as one text. */
static char *
all_state(void)
{
	static const char *const shows[] = { "show_real_arcs", "show_operations", "show_local_identities",
		"show_neighborhood_arcs", "show_tables" };
	json_t *all = json_array();
	char line[200], *text;

	for (size_t i = 0; i < sizeof(shows) / sizeof(shows[0]); i++) {
		struct answer a;

		snprintf(line, sizeof(line), "{\"verb\":\"%s\"}", shows[i]);
		a = ask(line);
		json_array_append(all, a.result);
		answer_free(&a);
	}
	for (size_t i = 0; i < node_identities(world.d.node); i++) {
		struct answer a;

		snprintf(line, sizeof(line), "{\"verb\":\"show_identity_arcs\",\"args\":[%u]}",
		    node_identity(world.d.node, i).index);
		a = ask(line);
		json_array_append(all, a.result);
		answer_free(&a);
	}
	text = json_dumps(all, JSON_SORT_KEYS);
	json_decref(all);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	return text;
}

static void
refused_line(const char *line, const char *code, const char *field)
{
	char *before = all_state(), *after;
	struct answer a = ask(line);

	if (a.code == NULL || strcmp(a.code, code) != 0 || strcmp(a.field, field) != 0)
		tap_note("%.300s: code %s, field %s, %s", line, a.code != NULL ? a.code : "none", a.field,
		    a.message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a.code);
	CU_ASSERT_STRING_EQUAL(a.code, code);
	CU_ASSERT_STRING_EQUAL(a.field, field);
	CU_ASSERT(a.message[0] != '\0' && a.result == NULL && !a.waits && !a.operates && !a.checks);
	answer_free(&a);
	after = all_state();
	CU_ASSERT_STRING_EQUAL(before, after);
	free(before);
	free(after);
}

/* VERB with these words, by position and by key, is refused with CODE and FIELD, and nothing changes. */
static void
refused(const char *verb, const char *words, const char *code, const char *field)
{
	char line[4096];

	snprintf(line, sizeof(line), "%s", by_position(verb, words));
	refused_line(line, code, field);
	snprintf(line, sizeof(line), "%s", by_key(verb, words));
	refused_line(line, code, field);
}

/* It is accepted; its result, which the caller releases. */
static json_t *
result(const char *verb, const char *words)
{
	char line[4096];
	struct answer a;

	snprintf(line, sizeof(line), "%s", by_position(verb, words));
	a = ask(line);
	if (a.code != NULL)
		tap_note("%.300s: code %s, field %s, %s", line, a.code, a.field, a.message);
	CU_ASSERT_PTR_NULL_FATAL(a.code);
	daemon_pump(&world.d);
	return a.result;
}

static void
accepted(const char *verb, const char *words)
{
	json_decref(result(verb, words));
}

static void
accepted_by_key(const char *verb, const char *words)
{
	char line[4096];
	struct answer a;

	snprintf(line, sizeof(line), "%s", by_key(verb, words));
	a = ask(line);
	if (a.code != NULL)
		tap_note("%.300s: code %s, field %s, %s", line, a.code, a.field, a.message);
	CU_ASSERT_PTR_NULL_FATAL(a.code);
	answer_free(&a);
	daemon_pump(&world.d);
}

static json_t *
show(const char *verb, const char *words)
{
	json_t *v = result(verb, words);

	CU_ASSERT_TRUE_FATAL(json_is_array(v));
	return v;
}

static size_t
count_of(const char *verb, const char *words)
{
	json_t *v = show(verb, words);
	size_t n = json_array_size(v);

	json_decref(v);
	return n;
}

static char *
member_of(const char *verb, const char *words, size_t i, const char *key)
{
	static char text[100];
	json_t *v = show(verb, words);
	json_t *m = json_object_get(json_array_get(v, i), key);

	if (json_is_string(m))
		snprintf(text, sizeof(text), "%s", json_string_value(m));
	else if (json_is_boolean(m))
		snprintf(text, sizeof(text), "%s", json_is_true(m) ? "true" : "false");
	else if (json_is_integer(m))
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(m));
	else
		snprintf(text, sizeof(text), "%s", m == NULL ? "none" : "?");
	json_decref(v);
	return text;
}

typedef bool condition(void);

static void
wait_for(condition *c, const char *what)
{
	for (unsigned i = 0; i < TURNS; i++) {
		if (c())
			return;
		turn();
	}
	CU_FAIL_FATAL(what);
	(void)what;
}

/* --- a neighbour is there ------------------------------------------------------------------- */

static bool
is_heard(void)
{
	struct nbh_entry e;
	struct nbh_nic nic;

	return nbh_entry_find(node_nbh(world.d.node), 0, far_mac, &e) && e.state >= NBH_READY &&
	    nbh_nic(node_nbh(world.d.node), 0, &nic) &&
	    nbh_entry_find(node_nbh(town.node), 0, nic.mac, &e) && e.state >= NBH_READY;
}

static bool
has_iarc(void)
{
	return node_iarcs(world.d.node, 0, NULL, 0) == 1 && node_iarcs(town.node, 0, NULL, 0) == 1;
}

static ntk_mac_t
our_mac(void)
{
	struct nbh_nic nic;

	CU_ASSERT_TRUE_FATAL(nbh_nic(node_nbh(world.d.node), 0, &nic));
	return nic.mac;
}

static void
far_begins(void)
{
	node_nic_up(town.node, daemon_now(), 0, far_mac);
	far_pump();
	wait_for(is_heard, "the neighbour is heard");
}

static void
far_accepts(void)
{
	struct node_error err;
	bool noted;

	CU_ASSERT_TRUE_FATAL(node_add_real_arc(town.node, daemon_now(), far_mac, our_mac(), 11000, &noted, &err));
	far_pump();
}

/* An arc, and the identity-arc of the main identities. */
static void
joined(void)
{
	begin();
	far_begins();
	accepted("add_real_arc", OUR_MAC " " FAR_MAC " 10000");
	far_accepts();
	wait_for(has_iarc, "an identity-arc");
}

/* The N-th counter of LIST called REASON; of the result itself when LIST is NULL. */
static json_int_t
counter(const char *list, const char *reason)
{
	json_t *all = result("show_counters", ""), *row;
	json_int_t n = -1;
	size_t i;

	if (list == NULL)
		n = json_integer_value(json_object_get(all, reason));
	json_array_foreach(json_object_get(all, list != NULL ? list : ""), i, row)
		if (strcmp(json_string_value(json_object_get(row, "reason")), reason) == 0)
			n = json_integer_value(json_object_get(row, "times"));
	json_decref(all);
	return n;
}

/* What neighbours do is counted, by reason where it is refused or ends. */
static void
test_counters(void)
{
	struct nbh_entry e;
	struct peer_msg m = { .type = PEER_hello };

	begin();
	CU_ASSERT_EQUAL(counter(NULL, "hellos_in"), 0);
	far_begins();
	CU_ASSERT(counter(NULL, "hellos_in") >= 2);
	CU_ASSERT(counter(NULL, "hellos_out") >= 2);
	CU_ASSERT(counter(NULL, "round_trips") >= 1);
	CU_ASSERT_EQUAL(counter(NULL, "neighbours_made"), 1);
	accepted("add_real_arc", OUR_MAC " " FAR_MAC " 10000");
	far_accepts();
	wait_for(has_iarc, "an identity-arc");
	CU_ASSERT_EQUAL(counter(NULL, "arcs_made"), 1);
	CU_ASSERT_EQUAL(counter(NULL, "connects") + counter(NULL, "accepts"), 1);
	/* Somebody else with the neighbour's address. */
	CU_ASSERT_TRUE_FATAL(nbh_entry_find(node_nbh(world.d.node), 0, far_mac, &e));
	m.hello = (struct peer_hello){ .node = e.node + 1, .mac = { 2, 0, 0, 0, 0, 9 },
		.address = e.address, .interval = 1000 };
	node_datagram(world.d.node, daemon_now(), 0, e.address, &m);
	CU_ASSERT_EQUAL(counter("refusals", "shared_address"), 1);
	CU_ASSERT_EQUAL(counter("refusals", "other_node"), 0);
	accepted("remove_real_arc", OUR_MAC " " FAR_MAC);
	CU_ASSERT_EQUAL(counter(NULL, "arcs_gone"), 1);
	CU_ASSERT_EQUAL(counter("arcs_lost", "order"), 1);
	CU_ASSERT_EQUAL(counter("arcs_lost", "silent"), 0);
	end();
}

static void
test_real_arcs(void)
{
	json_t *v;

	begin();
	CU_ASSERT_EQUAL(count_of("show_neighborhood_arcs", ""), 0);
	refused("add_real_arc", OUR_MAC " " FAR_MAC " 10000", "unknown_arc", "peer-mac");
	far_begins();
	CU_ASSERT_EQUAL(count_of("show_neighborhood_arcs", ""), 1);
	CU_ASSERT_STRING_EQUAL(member_of("show_neighborhood_arcs", "", 0, "peer_mac"), FAR_MAC);
	CU_ASSERT_STRING_EQUAL(member_of("show_neighborhood_arcs", "", 0, "mac"), OUR_MAC);
	CU_ASSERT_STRING_EQUAL(member_of("show_neighborhood_arcs", "", 0, "dev"), "eth1");
	CU_ASSERT_STRING_EQUAL(member_of("show_neighborhood_arcs", "", 0, "accepted"), "false");
	refused("add_real_arc", NO_MAC " " FAR_MAC " 10000", "unknown_arc", "mac");
	refused("add_real_arc", OUR_MAC " " NO_MAC " 10000", "unknown_arc", "peer-mac");
	refused("add_real_arc", OUR_OTHER " " FAR_MAC " 10000", "unknown_arc", "peer-mac");
	refused("add_real_arc", OUR_MAC " " FAR_MAC " 0", "usage", "cost");
	refused("add_real_arc", OUR_MAC " " FAR_MAC " 2147483648", "usage", "cost");
	refused("add_real_arc", OUR_MAC " " FAR_MAC " null", "usage", "cost");
	refused("add_real_arc", "eth1 " FAR_MAC " 1", "usage", "mac");
	refused("change_real_arc", OUR_MAC " " FAR_MAC " 1", "unknown_arc", "peer-mac");
	refused("change_real_arc", NO_MAC " " FAR_MAC " 1", "unknown_arc", "mac");
	refused("remove_real_arc", OUR_MAC " " FAR_MAC, "unknown_arc", "peer-mac");
	refused("remove_real_arc", NO_MAC " " FAR_MAC, "unknown_arc", "mac");
	/* Accepted at one end only: it waits. */
	accepted_by_key("add_real_arc", OUR_MAC " 00:16:3E:5B:78:D5 10000");
	pass(2000 * MSEC);
	CU_ASSERT_STRING_EQUAL(member_of("show_real_arcs", "", 0, "state"), "waiting");
	CU_ASSERT_STRING_EQUAL(member_of("show_neighborhood_arcs", "", 0, "accepted"), "true");
	CU_ASSERT_EQUAL(count_of("show_identity_arcs", "0"), 0);
	/* Once more: a note, and the cost stays. */
	v = result("add_real_arc", OUR_MAC " " FAR_MAC " 5");
	CU_ASSERT_PTR_NOT_NULL(json_object_get(v, "note"));
	json_decref(v);
	CU_ASSERT_STRING_EQUAL(member_of("show_real_arcs", "", 0, "cost"), "10000");
	far_accepts();
	wait_for(has_iarc, "an identity-arc");
	CU_ASSERT_STRING_EQUAL(member_of("show_real_arcs", "", 0, "state"), "up");
	CU_ASSERT_STRING_EQUAL(member_of("show_identity_arcs", "0", 0, "peer_mac"), FAR_MAC);
	CU_ASSERT_STRING_EQUAL(member_of("show_identity_arcs", "0", 0, "qspn"), "false");
	accepted("change_real_arc", OUR_MAC " " FAR_MAC " 2147483647");
	CU_ASSERT_STRING_EQUAL(member_of("show_real_arcs", "", 0, "cost"), "2147483647");
	refused("change_real_arc", OUR_MAC " " FAR_MAC " 0", "usage", "cost");
	/* Taken back: gone at both ends, and the other end keeps its acceptance. */
	accepted_by_key("remove_real_arc", OUR_MAC " " FAR_MAC);
	pass(1000 * MSEC);
	CU_ASSERT_EQUAL(count_of("show_real_arcs", ""), 0);
	CU_ASSERT_EQUAL(count_of("show_identity_arcs", "0"), 0);
	CU_ASSERT_EQUAL(node_iarcs(town.node, 0, NULL, 0), 0);
	CU_ASSERT_EQUAL(node_real_arcs(town.node, NULL, 0), 1);
	refused("remove_real_arc", OUR_MAC " " FAR_MAC, "unknown_arc", "peer-mac");
	wait_for(is_heard, "the neighbour is heard again");
	accepted("add_real_arc", OUR_MAC " " FAR_MAC " 7");
	wait_for(has_iarc, "the arc is back");
	end();
}

/* What explain says of the neighbour at each step; what it is asked by does not matter. */
static void
test_explain(void)
{
	char linklocal[100];

	begin();
	refused("explain", FAR_MAC, "unknown_arc", "address");
	far_begins();
	CU_ASSERT_EQUAL(count_of("explain", FAR_MAC), 1);
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 0, "about"), "neighbour");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 0, "arc_state"), "ready");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 0, "mac"), OUR_MAC);
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 0, "dev"), "eth1");
	snprintf(linklocal, sizeof(linklocal), "%s", member_of("explain", FAR_MAC, 0, "peer_linklocal"));
	accepted("add_real_arc", OUR_MAC " " FAR_MAC " 10000");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 0, "arc_state"), "wanted");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 0, "peer_wants"), "false");
	far_accepts();
	wait_for(has_iarc, "an identity-arc");
	CU_ASSERT_EQUAL(count_of("explain", FAR_MAC), 2);
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 0, "arc_state"), "up");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 1, "about"), "identity_arc");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 1, "namespace"), "default");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 1, "ns_dev"), "eth1");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 1, "qspn"), "false");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 1, "table"), "none");
	/* By its link-local: where packets to it go, and the same. */
	CU_ASSERT_EQUAL(count_of("explain", linklocal), 3);
	CU_ASSERT_STRING_EQUAL(member_of("explain", linklocal, 0, "about"), "packet");
	CU_ASSERT_STRING_EQUAL(member_of("explain", linklocal, 0, "peer_mac"), FAR_MAC);
	CU_ASSERT_STRING_EQUAL(member_of("explain", linklocal, 1, "arc_state"), "up");
	CU_ASSERT_STRING_EQUAL(member_of("explain", linklocal, 2, "about"), "identity_arc");
	/* Silent for so long that it is forgotten, it is still accepted. */
	town.silent = true;
	pass(6000 * MSEC);
	CU_ASSERT_EQUAL(count_of("explain", FAR_MAC), 1);
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 0, "arc_state"), "unheard");
	refused("explain", NO_MAC, "unknown_arc", "address");
	end();
}

/* --- what a plan must be ----------------------------------------------------------------------- */

#define ENTER "prepare_enter_net_phase_1"
#define MIGRATE "prepare_migrate_phase_1"

/* Words of a plan; each argument can be another one. */
static const char *
plan(bool enter, unsigned which, const char *other)
{
	static const char *const good[14] = { "0", "0", "1", "2.1.1", "0.0.0", "2", "1", "1", "2", "2",
		"1", "[]", "77", "null" };
	static char text[600];
	size_t len = 0;

	for (unsigned i = 0; i < 14; i++)
		if (enter || i != 11)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len > 0 ? " " : "",
			    i == which ? other : good[i]);
	return text;
}

static void
test_plans(void)
{
	static const struct {
		unsigned which;
		const char *value, *code, *field;
	} rows[] = {
		{ 0, "1", "unknown_identity", "identity" },
		{ 0, "-1", "usage", "identity" },
		{ 0, "null", "usage", "identity" },
		{ 1, "1", "wrong_level", "guest-level" },
		{ 1, "24", "wrong_level", "guest-level" },
		{ 1, "25", "usage", "guest-level" },
		{ 2, "0", "wrong_level", "guest-level" },
		{ 2, "5", "wrong_level", "host-level" },
		{ 2, "2", "wrong_address", "host-address" },
		{ 3, "2.1", "wrong_address", "host-address" },
		{ 3, "2.1.1.0", "wrong_address", "host-address" },
		{ 3, "-", "wrong_address", "host-address" },
		{ 3, "4.1.1", "not_real", "host-address" },
		{ 3, "2.2.1", "not_real", "host-address" },
		{ 3, "2.1.2", "not_real", "host-address" },
		{ 3, "2.1.", "usage", "host-address" },
		{ 3, "2..1", "usage", "host-address" },
		{ 4, "0.0", "wrong_address", "host-elderships" },
		{ 4, "0.0.0.0", "wrong_address", "host-elderships" },
		{ 4, "0.0.2147483648", "usage", "host-elderships" },
		{ 5, "1", "not_virtual", "temporary-position" },
		{ 5, "2147483648", "usage", "temporary-position" },
		{ 6, "x", "usage", "temporary-eldership" },
		{ 7, "2", "not_real", "position" },
		{ 8, "-1", "usage", "eldership" },
		{ 9, "1", "not_virtual", "connectivity-position" },
		{ 10, "2147483648", "usage", "connectivity-eldership" },
		{ 11, "[0]", "unknown_arc", "arcs" },
		{ 11, "[0,]", "usage", "arcs" },
		{ 12, "0", "usage", "operation" },
		{ 12, "4294967296", "usage", "operation" },
		{ 12, "null", "usage", "operation" },
		{ 13, "0", "usage", "after" },
		{ 13, "nul", "usage", "after" },
	};

	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		refused(ENTER, plan(true, rows[i].which, rows[i].value), rows[i].code, rows[i].field);
		if (rows[i].which != 11)
			refused(MIGRATE, plan(false, rows[i].which, rows[i].value), rows[i].code,
			    rows[i].field);
	}
	refused_line(by_position(ENTER, "0 0 1"), "usage", "host-address");
	/* A host to migrate to must be seen, and not be the one we are in. */
	refused(MIGRATE, plan(false, 14, ""), "wrong_address", "host-address");
	refused(MIGRATE, plan(false, 3, "1.0.1"), "wrong_address", "host-address");
	/* The highest: the whole network takes in, its list is empty. */
	refused(MIGRATE, "0 0 4 - - 4 0 1 0 2 0 9 null", "position_taken", "position");
	accepted(MIGRATE, "0 0 4 - - 4 0 2 0 2 0 9 null");
	accepted(ENTER, plan(true, 14, ""));
	refused(ENTER, plan(true, 14, ""), "exists", "operation");
	accepted_by_key(ENTER, plan(true, 12, "4294967295"));
	CU_ASSERT_EQUAL(count_of("show_operations", ""), 3);
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 0, "kind"), "migrate");
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 1, "state"), "prepared");
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 2, "operation"), "4294967295");
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 2, "new_identity"), "none");
	/* Unused, they are dropped. */
	world_turn_clock(601 * UINT64_C(1000000));
	pass(10 * MSEC);
	CU_ASSERT_EQUAL(count_of("show_operations", ""), 0);
	refused("enter_net_phase_1", "0 77", "unknown_operation", "operation");
	end();
}

/* Every verb of manual mode, in a daemon that decides by itself. */
static void
test_mode(void)
{
	unsigned n = 0;

	CU_ASSERT_TRUE_FATAL(world_begin(&world, false));
	for (size_t i = 0; i < CTL_N_VERBS; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];
		struct answer a;

		if (v->mode != CTL_MANUAL_MODE)
			continue;
		n++;
		a = ask(by_position(v->name, ""));
		CU_ASSERT_PTR_NOT_NULL_FATAL(a.code);
		CU_ASSERT_STRING_EQUAL(a.code, "mode");
		answer_free(&a);
	}
	CU_ASSERT(n >= 14);
	world_end(&world);
}

/* --- operations --------------------------------------------------------------------------------- */

static unsigned told;
static bool told_ok;
static unsigned told_index;

static void
on_operated(struct daemon *d, const struct node_operation *o, const char *why, void *arg)
{
	(void)d;
	(void)arg;
	told++;
	told_ok = o != NULL;
	told_index = o != NULL ? o->new_identity : 0;
	CU_ASSERT(o != NULL || why[0] != '\0');
}

/* Phase 1 is accepted; who asked is told on_operated(). */
static void
begin_phase_1(const char *verb, const char *words)
{
	struct answer a = ask(by_position(verb, words));

	if (a.code != NULL)
		tap_note("%s %s: %s, %s: %s", verb, words, a.code, a.field, a.message);
	CU_ASSERT_PTR_NULL_FATAL(a.code);
	CU_ASSERT_TRUE(a.operates);
	told = 0;
	daemon_wait_operation(&world.d, a.identity, a.operation, on_operated, NULL);
	answer_free(&a);
	daemon_pump(&world.d);
}

static bool
is_done(void)
{
	struct node_operation o;

	return node_operation(world.d.node, 0, 77, &o) && o.state >= NODE_OP_WAITING;
}

static bool
is_gone(void)
{
	struct node_identity id;

	return !node_find(world.d.node, 0, &id);
}

static void
test_phases(void)
{
	begin();
	refused("enter_net_phase_1", "0 77", "unknown_operation", "operation");
	refused("enter_net_phase_2", "0 77", "unknown_operation", "operation");
	refused("enter_net_phase_1", "0", "usage", "operation");
	refused("migrate_phase_1", "x 77", "usage", "identity");
	accepted(ENTER, plan(true, 13, "78"));
	refused("migrate_phase_1", "0 77", "unknown_operation", "operation");
	refused("migrate_phase_2", "0 77", "unknown_operation", "operation");
	refused("enter_net_phase_2", "0 77", "busy", "operation");
	/* The answer comes after the kernel's. */
	world.hold = true;
	begin_phase_1("enter_net_phase_1", "0 77");
	CU_ASSERT_EQUAL(told, 0);
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 0, "state"), "making");
	refused("enter_net_phase_1", "0 77", "unknown_operation", "operation");
	refused(ENTER, plan(true, 12, "79"), "busy", "identity");
	world.hold = false;
	world_helper(&world);
	CU_ASSERT_EQUAL(told, 1);
	CU_ASSERT(told_ok && told_index == 1);
	CU_ASSERT_EQUAL(count_of("show_local_identities", ""), 2);
	/* The new one is what the old one was; nobody may begin anything with it before its time. */
	CU_ASSERT_STRING_EQUAL(member_of("show_local_identities", "", 1, "main"), "true");
	CU_ASSERT_STRING_EQUAL(member_of("show_local_identities", "", 1, "from"), "0");
	refused("remove_identity", "1", "is_main", "identity");
	refused("remove_outer_arcs", "1", "not_connectivity", "identity");
	refused("check_connectivity", "1", "not_connectivity", "identity");
	wait_for(is_done, "the entry ends");
	end();
}

/* What may not be asked of an identity in the middle of its duplication. */
static void
test_busy(void)
{
	joined();
	accepted(ENTER, plan(true, 14, ""));
	begin_phase_1("enter_net_phase_1", "0 77");
	/* The namespace is there, and the neighbour has not answered yet. */
	CU_ASSERT(told == 1 && told_ok);
	refused(ENTER, "1 0 1 2.1.1 0.0.0 2 1 1 2 2 1 [] 80 null", "busy", "identity");
	refused(MIGRATE, "1 0 1 2.1.1 0.0.0 2 1 1 2 2 1 80 null", "busy", "identity");
	refused(ENTER, "0 0 1 2.1.1 0.0.0 2 1 1 2 2 1 [] 80 null", "busy", "identity");
	refused("remove_identity", "0", "busy", "identity");
	refused("remove_outer_arcs", "0", "busy", "identity");
	refused("check_connectivity", "0", "busy", "identity");
	wait_for(is_done, "the entry ends");
	end();
}

/* The helper refuses the new namespace: all is as before, and the record is gone. */
static void
test_kernel(void)
{
	begin();
	accepted(ENTER, plan(true, 14, ""));
	world.refuse = true;
	begin_phase_1("enter_net_phase_1", "0 77");
	world.refuse = false;
	CU_ASSERT_EQUAL(told, 1);
	CU_ASSERT_FALSE(told_ok);
	CU_ASSERT_EQUAL(count_of("show_operations", ""), 0);
	CU_ASSERT_EQUAL(count_of("show_local_identities", ""), 1);
	CU_ASSERT_STRING_EQUAL(member_of("show_local_identities", "", 0, "state"), "running");
	refused("enter_net_phase_1", "0 77", "unknown_operation", "operation");
	/* And it can be tried again, with an index of its own. */
	accepted(ENTER, plan(true, 14, ""));
	begin_phase_1("enter_net_phase_1", "0 77");
	CU_ASSERT(told == 1 && told_ok && told_index == 1);
	end();
}

/* Two operations are prepared; the first moves the identity, and the second is judged anew. */
static void
test_second_operation(void)
{
	joined();
	accepted(ENTER, plan(true, 14, ""));
	accepted(ENTER, plan(true, 12, "78"));
	begin_phase_1("enter_net_phase_1", "0 77");
	CU_ASSERT(told == 1 && told_ok);
	refused("enter_net_phase_1", "0 78", "busy", "identity");
	wait_for(is_done, "the entry ends");
	refused("enter_net_phase_1", "0 78", "not_real", "identity");
	end();
}

/* Without anybody to answer the entry fails, and what it left can be removed. */
static void
test_failed_entry(void)
{
	struct node_operation o;

	joined();
	accepted(ENTER, plan(true, 11, "[0]"));
	begin_phase_1("enter_net_phase_1", "0 77");
	CU_ASSERT(told == 1 && told_ok);
	wait_for(is_done, "the entry ends");
	pass(5000 * MSEC);
	CU_ASSERT_TRUE_FATAL(node_operation(world.d.node, 0, 77, &o));
	CU_ASSERT_EQUAL(o.state, NODE_OP_FAILED);
	CU_ASSERT_FALSE(is_gone());
	CU_ASSERT_STRING_EQUAL(member_of("show_local_identities", "", 0, "main"), "false");
	refused("remove_identity", "5", "unknown_identity", "identity");
	accepted("remove_identity", "0");
	refused("remove_identity", "0", "busy", "identity");
	refused("check_connectivity", "0", "busy", "identity");
	wait_for(is_gone, "the identity goes");
	refused("remove_identity", "0", "unknown_identity", "identity");
	refused("check_connectivity", "0", "unknown_identity", "identity");
	end();
}

static bool
far_has_two(void)
{
	return node_iarcs(town.node, 0, NULL, 0) == 2;
}

/* Enters the neighbour's network, as p1 of the scenario does. */
static void
enter(void)
{
	struct node_error err;

	joined();
	accepted(ENTER, "0 0 1 2.1.1 0.0.0 2 1 1 2 2 1 [0] 77 null");
	begin_phase_1("enter_net_phase_1", "0 77");
	CU_ASSERT(told == 1 && told_ok);
	wait_for(far_has_two, "a second identity-arc");
	CU_ASSERT_TRUE_FATAL(node_add_qspn_arc(town.node, daemon_now(), 0, 0, our_mac(), &err));
	far_pump();
	wait_for(is_done, "the entry is done");
}

static void
test_entry(void)
{
	enter();
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 0, "state"), "done");
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 0, "new_identity"), "1");
	CU_ASSERT_STRING_EQUAL(member_of("show_identity_arcs", "1", 0, "qspn"), "true");
	CU_ASSERT_STRING_EQUAL(member_of("show_identity_arcs", "1", 0, "peer_address"), "2.1.1.0");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 0, "about"), "neighbour");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 2, "identity"), "1");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 2, "peer_address"), "2.1.1.0");
	CU_ASSERT_STRING_EQUAL(member_of("explain", FAR_MAC, 2, "cost"), "10000");
	CU_ASSERT_STRING_EQUAL(member_of("explain", "10.0.0.40 from " FAR_MAC, 1, "type"), "unreachable");
	/* By itself, handover-delay later, the old one goes. */
	wait_for(is_gone, "the old identity goes");
	/* What is a qspn-arc already can be neither listed nor added. */
	refused("add_qspn_arc", "1 eth1 " FAR_MAC, "exists", "peer-mac");
	refused("add_qspn_arc", "1 eth2 " FAR_MAC, "unknown_arc", "peer-mac");
	refused("add_qspn_arc", "1 eth9 " FAR_MAC, "unknown_arc", "dev");
	refused("add_qspn_arc", "1 eth1 " NO_MAC, "unknown_arc", "peer-mac");
	refused("add_qspn_arc", "0 eth1 " FAR_MAC, "unknown_identity", "identity");
	refused("add_qspn_arc", "1 a/b " FAR_MAC, "usage", "dev");
	refused(ENTER, "1 0 1 3.1.1 0.0.0 2 1 1 2 2 1 [0] 80 null", "exists", "arcs");
	refused(ENTER, "1 0 1 3.1.1 0.0.0 2 1 1 2 2 1 [1] 80 null", "unknown_arc", "arcs");
	/* Inside the network: the g-node that we are in, and one that nobody knows. */
	refused(MIGRATE, "1 0 1 2.1.1 0.0.0 2 1 0 2 2 1 80 null", "wrong_address", "host-address");
	refused(MIGRATE, "1 0 1 2.0.1 0.0.0 2 1 0 2 2 1 80 null", "wrong_address", "host-address");
	refused("enter_net_phase_2", "0 77", "unknown_operation", "operation");
	/* Its arc lost and back it is a neighbour, and no qspn-arc any more. */
	accepted("remove_real_arc", OUR_MAC " " FAR_MAC);
	pass(1000 * MSEC);
	CU_ASSERT_EQUAL(count_of("show_identity_arcs", "1"), 0);
	refused("add_qspn_arc", "1 eth1 " FAR_MAC, "unknown_arc", "peer-mac");
	end();
}

/* The real position is still seen to be taken when phase 2 is given; later it is free. */
static void
test_phase_2(void)
{
	struct node_error err;

	joined();
	/* The position 0 is that of the neighbour itself. */
	accepted(ENTER, "0 0 1 2.1.1 0.0.0 2 1 0 2 2 1 [0] 77 78");
	begin_phase_1("enter_net_phase_1", "0 77");
	CU_ASSERT(told == 1 && told_ok);
	wait_for(far_has_two, "a second identity-arc");
	CU_ASSERT_TRUE_FATAL(node_add_qspn_arc(town.node, daemon_now(), 0, 0, our_mac(), &err));
	far_pump();
	wait_for(is_done, "it is there");
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 0, "state"), "waiting");
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 0, "after"), "78");
	wait_for(is_gone, "the old identity goes");
	refused("enter_net_phase_2", "0 77", "position_taken", "operation");
	refused("enter_net_phase_2", "1 77", "unknown_operation", "operation");
	refused("migrate_phase_2", "0 77", "unknown_operation", "operation");
	/* A virtual position at its level: it cannot move as it is. */
	refused(ENTER, "1 0 1 3.1.1 0.0.0 2 1 1 2 2 1 [] 80 null", "not_real", "identity");
	accepted("remove_real_arc", OUR_MAC " " FAR_MAC);
	pass(1000 * MSEC);
	accepted("enter_net_phase_2", "0 77");
	CU_ASSERT_STRING_EQUAL(member_of("show_operations", "", 0, "state"), "done");
	refused("enter_net_phase_2", "0 77", "unknown_operation", "operation");
	end();
}

/* A neighbour that asks 10 s for what nobody gives it is refused, and so is who comes later. */
static void
test_too_late(void)
{
	struct node_error err;
	struct node_plan p = { .enter = true, .guest_level = 0, .host_level = 1, .n_host_address = 3,
		.host_address = { 1, 0, 1 }, .n_host_elderships = 3, .temporary_position = 2,
		.position = 1, .connectivity_position = 2, .operation = 5 };
	const uint32_t arcs[1] = { 0 };

	joined();
	p.arcs = arcs;
	p.n_arcs = 1;
	CU_ASSERT_TRUE_FATAL(node_prepare(town.node, daemon_now(), &p, &err));
	CU_ASSERT_TRUE_FATAL(node_phase_1(town.node, daemon_now(), true, 0, 5, &err));
	far_pump();
	pass(9000 * MSEC);
	CU_ASSERT_EQUAL(count_of("show_identity_arcs", "0"), 2);
	pass(3000 * MSEC);
	refused("add_qspn_arc", "0 eth1 " FAR_MAC, "too_late", "peer-mac");
	pass(61000 * MSEC);
	accepted("add_qspn_arc", "0 eth1 " FAR_MAC);
	end();
}

/* The kernel is asked, and an identity that a file made has no neighbours. */
static void
test_loaded(void)
{
	static const char state[] = "{\"verb\":\"load_state\",\"args\":[{\"version\":1,\"topology\":\"4.2.2.2\","
	    "\"address\":\"2.1.1.3\",\"main\":%s,\"namespace\":%d,\"arcs\":[],\"paths\":[]}]}";
	char line[400];
	struct answer a;

	begin();
	/* Not while the main identity is being duplicated. */
	accepted(ENTER, plan(true, 14, ""));
	world.hold = true;
	begin_phase_1("enter_net_phase_1", "0 77");
	snprintf(line, sizeof(line), state, "true", 0);
	refused_line(line, "busy", "namespace");
	world.hold = false;
	world_helper(&world);
	wait_for(is_done, "the entry ends");
	snprintf(line, sizeof(line), state, "false", 9);
	a = ask(line);
	CU_ASSERT_PTR_NULL_FATAL(a.code);
	answer_free(&a);
	daemon_pump(&world.d);
	refused("add_qspn_arc", "2 eth1 " FAR_MAC, "busy", "identity");
	refused("check_connectivity", "2", "busy", "identity");
	refused("remove_outer_arcs", "2", "busy", "identity");
	refused(ENTER, "2 0 1 2.1.1 0.0.0 2 1 1 2 2 1 [] 80 null", "busy", "identity");
	accepted("remove_identity", "2");
	end();
}

/* As many as there may be, and one more. */
static void
test_exhausted(void)
{
	char words[200];
	unsigned n = 0;
	struct answer a;

	begin();
	do {
		snprintf(words, sizeof(words), "%u", 1000 + n);
		a = ask(by_position(ENTER, plan(true, 12, words)));
		if (a.code != NULL)
			CU_ASSERT_STRING_EQUAL(a.code, "exhausted");
		n += a.code == NULL;
		answer_free(&a);
	} while (n < NODE_OPERATIONS + 1 && a.code == NULL);
	CU_ASSERT(n > 0 && n <= NODE_OPERATIONS);
	CU_ASSERT_EQUAL(count_of("show_operations", ""), n);
	refused(ENTER, plan(true, 12, "5"), "exhausted", n == NODE_OPERATIONS ? "operation" : "");
	end();
}

/* What spec/manual-mode 7 says of a connectivity identity. */
static void
test_connectivity(void)
{
	json_t *v;

	enter();
	wait_for(is_gone, "the old identity goes");
	/* The whole network takes us in elsewhere: the old one supports levels 1 to 3. */
	accepted(MIGRATE, "1 0 4 - - 4 0 3 0 2 0 90 null");
	begin_phase_1("migrate_phase_1", "1 90");
	CU_ASSERT(told == 1 && told_ok && told_index == 2);
	wait_for(is_gone, "nothing");
	pass(15000 * MSEC);
	refused("check_connectivity", "1 3", "wrong_level", "level");
	refused("check_connectivity", "2", "not_connectivity", "identity");
	v = result("check_connectivity", "1");
	CU_ASSERT_TRUE(json_is_boolean(json_object_get(v, "removable")));
	json_decref(v);
	v = result("check_connectivity", "1 1");
	CU_ASSERT_TRUE(json_is_boolean(json_object_get(v, "removable")));
	json_decref(v);
	refused("remove_outer_arcs", "2", "not_connectivity", "identity");
	v = result("remove_outer_arcs", "1");
	CU_ASSERT_TRUE(json_is_integer(json_object_get(v, "removed")));
	json_decref(v);
	refused("remove_identity", "2", "is_main", "identity");
	accepted("remove_identity", "1");
	pass(2000 * MSEC);
	CU_ASSERT_EQUAL(count_of("show_local_identities", ""), 1);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "real arcs", test_real_arcs },
		{ "counters", test_counters },
		{ "explain, asked about a neighbour", test_explain },
		{ "what a plan must be", test_plans },
		{ "manual mode only", test_mode },
		{ "phase 1 answers after the kernel, phases in their order", test_phases },
		{ "an identity in the middle of its duplication", test_busy },
		{ "the kernel refuses the new namespace", test_kernel },
		{ "a second operation on what the first has moved", test_second_operation },
		{ "an entry that nobody answers", test_failed_entry },
		{ "an entry, and arcs", test_entry },
		{ "phase 2", test_phase_2 },
		{ "too late", test_too_late },
		{ "identities from files", test_loaded },
		{ "operations are exhausted", test_exhausted },
		{ "connectivity identities", test_connectivity },
	};

	return TAP_RUN(tests);
}
