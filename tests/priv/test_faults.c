/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel says no.  For every kind of transaction each single thing that the helper
 * asks of the kernel is refused in turn: nothing of the transaction stands then, and
 * the answer names operation, errno and object.  Or the helper could do without that
 * thing: then all of it stands.
 *
 * tests/priv/refuse.h tells how the kernel is made to refuse; the last tests put real
 * obstacles in the way instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/priv/place.h"
#include "tests/priv/refuse.h"
#include "tests/unit/tap.h"

/* Lines about what was refused on purpose; made before the first dump. */
#define HELPER_LOG "/run/helper.log"

enum {
	STEPS = 192,
	POSITIONS = 2000,	/* more than any transaction here has: a bound */
	TRIES = 25,
	REFUSAL = ENOMEM,	/* what an honest kernel may say to anything */
};

static struct refuse *refuse;
static char refused_helper[PATH_MAX];
static struct place *at;	/* where requests are made now */

/* One operation, and what the answer calls its object. */
struct step {
	struct priv_op op;
	const char *object;
};

struct kind {
	const char *name;
	bool build;		/* in a place that has things already */
	size_t (*steps)(struct step *v);
};

/* How the positions of one kind ended. */
struct tally {
	unsigned seen[CLIENT_GONE + 1];
	unsigned bad;
};

/* What a transaction of a kind finds and leaves. */
struct states {
	char *virgin;		/* without a helper */
	char *before;
	char *after;
};

/* --- transactions -------------------------------------------------------------- */

#define STEP(v, n, object_, verb, ...) \
	((v)[(n)++] = (struct step){ OPV(verb, __VA_ARGS__), (object_) })

/* What every ntkd asks for first. */
static size_t
prepare(struct step *v)
{
	size_t n = 0;

	STEP(v, n, "namespace 0", ns_prepare, at->ns);
	STEP(v, n, "eth1", dev_prepare, at->eth1);
	STEP(v, n, "eth2", dev_prepare, at->eth2);
	STEP(v, n, "169.254.94.1 dev eth1", addr_add, at->eth1, OWN_LL);
	STEP(v, n, "169.254.94.2 dev eth2", addr_add, at->eth2, OTHER_LL);
	STEP(v, n, "10.0.0.22 dev eth1", addr_add, at->eth1, GLOBAL);
	STEP(v, n, "10.0.0.32 dev lo", addr_add, at->lo, NET(32));
	STEP(v, n, "table 251", rule_on, at->ns, 0);
	STEP(v, n, "10.0.0.64/27", nat_set, at->ns, SOURCE_NAT, 0, 0, NET(64), 27, GLOBAL, 32);
	return n;
}

/* A namespace with everything that an identity has. */
static size_t
create(struct step *v)
{
	const uint32_t ns = PRIV_HANDLE_NEW(0), dev1 = PRIV_HANDLE_NEW(1);
	const uint32_t dev2 = PRIV_HANDLE_NEW(2), peer = PRIV_HANDLE_NEW(3);
	size_t n = 0;

	STEP(v, n, "namespace 2", ns_create, 9);
	STEP(v, n, "eth1", dev_create, ns, at->eth1);
	STEP(v, n, "eth2", dev_create, ns, at->eth2);
	STEP(v, n, "169.254.94.2 dev ntkv2_1", addr_add, dev2, OTHER_LL);
	STEP(v, n, "169.254.94.1 dev ntkv2_0", addr_add, dev1, OWN_LL);
	STEP(v, n, "169.254.69.30 dev ntkv2_1", neigh_set, dev2, PEER_LL, OTHER_LL);
	STEP(v, n, "", peer_take, MAC_2);
	STEP(v, n, "10.0.0.16/30 table 249", route_set, ns, peer, DST, UNICAST, dev2, PEER_LL, 0);
	STEP(v, n, "10.0.0.0/29 table 249", route_set, ns, peer, NET(0), 29, UNREACHABLE, 0, 0, 0);
	STEP(v, n, "10.0.0.48/31 table 249", route_set, ns, peer, NET(48), 31, BLACKHOLE, 0, 0, 0);
	STEP(v, n, "table 249", mark_on, ns, peer);
	STEP(v, n, "table 249", rule_on, ns, peer);
	return n;
}

/* A neighbour, routes, address translation in the default namespace. */
static size_t
fill(struct step *v)
{
	const uint32_t peer = PRIV_HANDLE_NEW(0);
	size_t n = 0;

	STEP(v, n, "169.254.69.31 dev eth2", neigh_set, at->eth2, NOBODY_LL, OTHER_LL);
	STEP(v, n, "", peer_take, MAC_2);
	STEP(v, n, "table 249", mark_on, at->ns, peer);
	STEP(v, n, "10.0.0.16/30 table 249", route_set, at->ns, peer, DST, UNICAST, at->eth2,
	    NOBODY_LL, 0);
	STEP(v, n, "10.0.0.16/30 table 251", route_set, at->ns, 0, DST, UNICAST, at->eth1, PEER_LL,
	    GLOBAL);
	STEP(v, n, "10.0.0.0/29 table 251", route_set, at->ns, 0, NET(0), 29, UNREACHABLE, 0, 0, 0);
	STEP(v, n, "table 249", rule_on, at->ns, peer);
	STEP(v, n, "table 251", rule_on, at->ns, 0);
	STEP(v, n, "10.0.0.50/31", nat_set, at->ns, PRIV_NAT_MAP_IN, 0, 0, NET(50), 31, NET(40), 31);
	STEP(v, n, "10.0.0.48/30", nat_set, at->ns, PRIV_NAT_MAP_OUT, NET(40), 31, NET(48), 30,
	    NET(50), 31);
	return n;
}

/* What is there becomes something else, without being gone in between. */
static size_t
replace(struct step *v)
{
	size_t n = 0;

	STEP(v, n, "10.0.0.16/30 table 250", route_set, at->ns, at->peer, DST, BLACKHOLE, 0, 0, 0);
	STEP(v, n, "169.254.94.3 dev eth1", addr_add, at->eth1, LL(94, 3));
	STEP(v, n, "169.254.69.30 dev eth1", neigh_set, at->eth1, PEER_LL, LL(94, 3));
	STEP(v, n, "10.0.0.20 dev eth1", addr_add, at->eth1, NET(20));
	STEP(v, n, "10.0.0.16/30 table 250", route_set, at->ns, at->peer, DST, UNICAST, at->eth1,
	    PEER_LL, GLOBAL);
	STEP(v, n, "10.0.0.64/27", nat_set, at->ns, SOURCE_NAT, 0, 0, NET(64), 27, NET(20), 32);
	STEP(v, n, "10.0.0.16/30 table 250", route_set, at->ns, at->peer, DST, UNREACHABLE, 0, 0, 0);
	return n;
}

static size_t
take_away(struct step *v)
{
	size_t n = 0;

	STEP(v, n, "table 250", rule_off, at->ns, at->peer);
	STEP(v, n, "table 250", mark_off, at->ns, at->peer);
	STEP(v, n, "10.0.0.16/30 table 250", route_drop, at->ns, at->peer, DST);
	STEP(v, n, "169.254.69.30 dev eth1", neigh_drop, at->eth1, PEER_LL);
	STEP(v, n, "10.0.0.64/27", nat_drop, at->ns, SOURCE_NAT, 0, 0, NET(64), 27);
	STEP(v, n, "10.0.0.22 dev eth1", addr_drop, at->eth1, GLOBAL);
	STEP(v, n, "169.254.94.2 dev eth2", addr_drop, at->eth2, OTHER_LL);
	STEP(v, n, "", peer_give, at->peer);
	return n;
}

/* An interface goes, last of its transaction. */
static size_t
drop_interface(struct step *v)
{
	size_t n = 0;

	STEP(v, n, "10.0.0.16/30 table 250", route_set, at->ns, at->peer, DST, BLACKHOLE, 0, 0, 0);
	STEP(v, n, "10.0.0.0/29 table 251", route_set, at->ns, 0, NET(0), 29, UNREACHABLE, 0, 0, 0);
	STEP(v, n, "169.254.94.1 dev ntkv1_0", addr_drop, at->dev2, OWN_LL);
	STEP(v, n, "eth1", dev_drop, at->dev2);
	return n;
}

/* A managed interface is let go: its settings are put back. */
static size_t
let_go(struct step *v)
{
	size_t n = 0;

	STEP(v, n, "10.0.0.0/29 table 251", route_set, at->ns, 0, NET(0), 29, UNREACHABLE, 0, 0, 0);
	STEP(v, n, "169.254.94.2 dev eth2", addr_drop, at->eth2, OTHER_LL);
	STEP(v, n, "eth2", dev_drop, at->eth2);
	return n;
}

static size_t
drop_namespace(struct step *v)
{
	size_t n = 0;

	STEP(v, n, "10.0.0.16/30 table 250", route_drop, at->ns, at->peer, DST);
	STEP(v, n, "table 250", rule_off, at->ns, at->peer);
	STEP(v, n, "table 250", mark_off, at->ns, at->peer);
	STEP(v, n, "namespace 1", ns_drop, at->ns2);
	return n;
}

/* Neighbours change places: numbers of tables are given back and taken. */
static size_t
peers(struct step *v)
{
	const uint32_t first = PRIV_HANDLE_NEW(0), second = PRIV_HANDLE_NEW(1);
	size_t n = 0;

	STEP(v, n, "", peer_take, MAC_2);
	STEP(v, n, "table 249", mark_on, at->ns, first);
	STEP(v, n, "table 249", rule_on, at->ns, first);
	STEP(v, n, "table 250", rule_off, at->ns, at->peer);
	STEP(v, n, "10.0.0.16/30 table 250", route_drop, at->ns, at->peer, DST);
	STEP(v, n, "table 250", mark_off, at->ns, at->peer);
	STEP(v, n, "", peer_give, at->peer);
	STEP(v, n, "", peer_take, { 0, 0x16, 0x3e, 0xfd, 0xe2, 0xab });
	STEP(v, n, "table 250", mark_on, at->ns, second);
	STEP(v, n, "table 250", rule_on, at->ns, second);
	return n;
}

/* More routes than go to the kernel at once; objects stay the same. */
static size_t
many_routes(struct step *v)
{
	static char objects[STEPS][40];
	size_t n = 0;

	for (unsigned i = 0; i < 24; i++) {
		uint32_t host = i;

		snprintf(objects[i], sizeof(objects[i]), "10.0.0.%u/32 table 251", host);
		STEP(v, n, objects[i], route_set, at->ns, 0, NET(host), 32, UNICAST, at->eth1,
		    PEER_LL, GLOBAL);
	}
	for (unsigned i = 0; i < 24; i++) {
		snprintf(objects[24 + i], sizeof(objects[0]), "10.0.0.%u/32 table 250", i);
		STEP(v, n, objects[24 + i], route_set, at->ns, at->peer, NET(i), 32, UNREACHABLE, 0,
		    0, 0);
	}
	for (unsigned i = 0; i < 24; i++)
		STEP(v, n, objects[24 + i], route_set, at->ns, at->peer, NET(i), 32, BLACKHOLE, 0,
		    0, 0);
	return n;
}

static const struct kind kinds[] = {
	{ "prepare", false, prepare },
	{ "create a namespace", true, create },
	{ "fill the default namespace", true, fill },
	{ "replace", true, replace },
	{ "take away", true, take_away },
	{ "drop an interface", true, drop_interface },
	{ "let an interface go", true, let_go },
	{ "drop a namespace", true, drop_namespace },
	{ "take and give neighbours", true, peers },
	{ "more routes than a batch", true, many_routes },
};

/* --- one position ----------------------------------------------------------------- */

static void
refuse_set(uint32_t position, uint32_t times)
{
	memset(refuse, 0, sizeof(*refuse));
	refuse->at = position;
	refuse->times = times;
	refuse->error = REFUSAL;
	refuse->armed = position != 0;
}

static enum client_end
commit(const struct step *v, size_t n)
{
	client_begin(&at->c);
	for (size_t i = 0; i < n; i++)
		client_add(&at->c, &v[i].op);
	return client_commit(&at->c, 0);
}

/*
 * The same, and what a dropped namespace leaves to do, which is done before the next request is
 * read (ntkd-priv/x_netns.h): the end of an empty transaction tells that it was.
 */
static enum client_end
commit_and_settle(const struct step *v, size_t n)
{
	enum client_end end = commit(v, n);

	if (end != CLIENT_DONE)
		return end;
	client_begin(&at->c);
	return client_commit(&at->c, 0);
}

/* Pseudo-interfaces have other hardware addresses each time. */
static void
macs_mask(char *text)
{
	static const char before[] = "link/ether ";
	enum { MAC_LEN = 17 };

	for (char *s = text; (s = strstr(s, before)) != NULL; s++)
		if (strlen(s) > strlen(before) + MAC_LEN)
			memset(s + strlen(before), 'x', MAC_LEN);
}

/* Each chain and map of the ruleset becomes one line: their order in the table means nothing. */
static void
blocks_join(char *text)
{
	bool inside = false;

	for (char *s = text, *end; (end = strchr(s, '\n')) != NULL; s = end + 1) {
		const char *nft = strstr(s, "nft: \t");

		if (nft != NULL && nft < end && nft[strlen("nft: \t")] != '\t')
			inside = nft[strlen("nft: \t")] != '}';
		if (inside)
			*end = ' ';
	}
}

static int
line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
lines_sort(char *text)
{
	enum { LINES = 20000 };
	static char *lines[LINES];
	char *sorted = malloc(strlen(text) + 2), *to = sorted;
	size_t n = 0;

	for (char *save, *s = strtok_r(text, "\n", &save); s != NULL; s = strtok_r(NULL, "\n", &save))
		if (n < LINES && strcmp(s, "nft: ") != 0)
			lines[n++] = s;
	if (sorted == NULL || n == LINES)
		abort();
	qsort(lines, n, sizeof(lines[0]), line_cmp);
	for (size_t i = 0; i < n; i++)
		to += sprintf(to, "%s\n", lines[i]);
	free(text);
	return sorted;
}

/* Everything, without what differs between two states that are the same to everybody. */
static char *
state_dump(void)
{
	char *text = run_dump();

	macs_mask(text);
	blocks_join(text);
	return lines_sort(text);
}

/* Prints the first lines in which HAVE, sorted, differs from WANT. */
static void
difference_note(const char *want, const char *have)
{
	for (int i = 0; i < 6 && (*want != '\0' || *have != '\0'); ) {
		int want_len = (int)strcspn(want, "\n"), have_len = (int)strcspn(have, "\n");
		int cmp = *want == '\0' ? 1 : *have == '\0' ? -1 :
		    want_len == have_len ? memcmp(want, have, (size_t)want_len) :
		    strcmp(want, have);

		if (cmp < 0)
			tap_note("-%.*s", want_len < 160 ? want_len : 160, want);
		if (cmp > 0)
			tap_note("+%.*s", have_len < 160 ? have_len : 160, have);
		i += cmp != 0;
		want += cmp <= 0 ? want_len + (want[want_len] != '\0') : 0;
		have += cmp >= 0 ? have_len + (have[have_len] != '\0') : 0;
	}
}

/* The state is WANT, now or soon. */
static bool
state_is(const char *want)
{
	char *now = NULL;
	bool is = false;

	for (int i = 0; i < TRIES && !is; i++) {
		if (i != 0)
			usleep(SETTLE_MS * 1000 / TRIES);
		free(now);
		now = state_dump();
		is = strcmp(now, want) == 0;
	}
	if (!is)
		difference_note(want, now);
	free(now);
	return is;
}

/*
 * What may be done without: names of tables are for people; the name of a namespace that
 * is gone otherwise is removed at the end, with another try; so are settings of an interface that was
 * let go.
 */
static bool
is_left_for_later(void)
{
	return strstr(refuse->what, "rt_tables") != NULL || strcmp(refuse->what, "write") == 0 ||
	    strstr(refuse->what, " ntkv") != NULL || strstr(refuse->what, "open to write ") != NULL ||
	    strcmp(refuse->what, "look at interface ") == 0;
}

/* libnl does not tell what the kernel said to a dump; it has its own numbers. */
static bool
errno_is_lost(int error)
{
	return strcmp(refuse->what, "list interfaces") == 0 && error == EIO;
}

static bool
answer_is_right(const struct step *v, size_t n, const char *kind)
{
	const struct priv_refusal *r = &at->c.refusal;
	bool ok = r->reason == PRIV_R_KERNEL && r->op < n;

	ok = ok && strcmp(r->operation, priv_op_name(v[r->op].op.type)) == 0 &&
	    strcmp(r->value, v[r->op].object) == 0 && (r->error == REFUSAL || errno_is_lost(r->error));
	if (!ok)
		tap_note("%s: %s refused: operation %u %s, object \"%s\", reason %u, %s: %s", kind,
		    refuse->what, r->op, r->operation, r->value, r->reason, strerror(r->error),
		    r->text);
	return ok;
}

static bool
place_again(struct place *p, const struct kind *k)
{
	const struct client_setup with = { .helper = refused_helper, .config = PLACE_CONFIG,
		.run_dir = "/run/ntkd", .level = LOG_LEVEL_ERROR, .log = HELPER_LOG };

	at = p;
	refuse_set(0, 0);
	return place_open_with(p, &with) && (!k->build || place_build(p));
}

/* Ends the helper, which leaves nothing (killed: once a next one has begun), and starts anew. */
static bool
starts_anew(const struct kind *k, const struct states *s)
{
	bool later = is_left_for_later(), ended = client_stop(&at->c) == 0;

	if (ended && later && !state_is(s->virgin))
		return false;
	CU_ASSERT_FATAL(place_again(at, k));
	return ended || state_is(s->before);
}

/* Refuses one thing, so many times; false when there is no such thing, else how it ENDED. */
static bool
position_try(const struct kind *k, uint32_t i, uint32_t times, const struct states *s, struct tally *t,
    enum client_end *ended)
{
	struct step v[STEPS];
	size_t n = k->steps(v);
	enum client_end end;
	bool ok;

	refuse_set(i, times);
	*ended = end = commit_and_settle(v, n);
	refuse->armed = false;
	if (refuse->hits == 0)
		return false;
	if (end == CLIENT_REFUSED)
		ok = state_is(s->before) && answer_is_right(v, n, k->name);
	else if (end == CLIENT_DONE)
		ok = is_left_for_later() || state_is(s->after);
	else
		/* Back to the default namespace or nowhere: x_netns.c gives up. */
		ok = strcmp(refuse->what, "setns") == 0;
	if (!ok)
		tap_note("%s: position %u, %s, refused %ux: %s %s", k->name, i, refuse->what,
		    times, end == CLIENT_REFUSED ? "refused" :
		    end == CLIENT_DONE ? "done" : "ended", at->c.error);
	t->bad += !ok;
	t->seen[end]++;
	if ((end != CLIENT_REFUSED || !ok) && !starts_anew(k, s)) {
		tap_note("%s: position %u, %s: something is left", k->name, i, refuse->what);
		t->bad++;
	}
	return true;
}

/* Every position of one kind, and what the whole leaves in the end: nothing. */
static void
kind_try(const struct kind *k)
{
	struct tally once = { 0 }, twice = { 0 };
	struct step v[STEPS];
	struct states s;
	struct place p;
	uint32_t i;

	s.virgin = state_dump();
	CU_ASSERT_FATAL(place_again(&p, k));
	s.before = state_dump();
	CU_ASSERT_EQUAL(commit_and_settle(v, k->steps(v)), CLIENT_DONE);
	if (p.c.refusal.reason != 0)
		tap_note("%s: operation %u: %s %s", k->name, p.c.refusal.op,
		    priv_reason_name(p.c.refusal.reason), p.c.refusal.field);
	s.after = state_dump();
	CU_ASSERT_STRING_NOT_EQUAL(s.before, s.after);
	CU_ASSERT(place_close(&p));
	CU_ASSERT(state_is(s.virgin));
	CU_ASSERT_FATAL(place_again(&p, k));
	for (i = 1; i < POSITIONS; i++) {
		enum client_end end;

		if (!position_try(k, i, 1, &s, &once, &end))
			break;
		if (end == CLIENT_DONE)
			position_try(k, i, 2, &s, &twice, &end);
	}
	tap_note("%-28s %9u %8u %6u %6u %10u %6u", k->name, i - 1, once.seen[CLIENT_REFUSED],
	    once.seen[CLIENT_DONE], once.seen[CLIENT_GONE], twice.seen[CLIENT_REFUSED],
	    twice.seen[CLIENT_DONE]);
	CU_ASSERT(i > 1 && i < POSITIONS);
	/* A second refusal is tried where the helper had found another way round the first. */
	CU_ASSERT_EQUAL(once.bad + twice.bad, 0);
	CU_ASSERT(place_close(&p));
	CU_ASSERT(state_is(s.virgin));
	free(s.virgin);
	free(s.before);
	free(s.after);
}

static void
test_positions(void)
{
	const char *only = getenv("NTK_FAULTS");

	if (!usable)
		return not_usable();
	tap_note("%-28s %9s %8s %6s %6s %10s %6s", "", "", "refused once:", "", "", "twice:", "");
	tap_note("%-28s %9s %8s %6s %6s %10s %6s", "transaction", "positions", "refused", "done",
	    "ended", "refused", "done");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (only == NULL || strstr(kinds[i].name, only) != NULL)
			kind_try(&kinds[i]);
}

/* --- real obstacles ---------------------------------------------------------------- */

/* What somebody else does, how it is taken back, and the one operation that it stops. */
struct obstacle {
	const char *put;
	const char *clear;
	int error;
	struct step step;
};

/* The operation with K others before it and one behind: as before, and told. */
static void
obstacle_try(const struct obstacle *o, size_t k)
{
	struct step v[8];
	size_t n = 0;
	char *before;
	bool ok;

	for (size_t i = 0; i < k; i++)
		STEP(v, n, "", route_set, at->ns, at->peer, NET(i), 32, UNICAST, at->eth1, PEER_LL, 0);
	v[n++] = o->step;
	STEP(v, n, "", route_set, at->ns, 0, DST, UNREACHABLE, 0, 0, 0);
	before = state_dump();
	ok = commit(v, n) == CLIENT_REFUSED;
	ok = ok && at->c.refusal.reason == PRIV_R_KERNEL && at->c.refusal.op == k &&
	    at->c.refusal.error == o->error && strcmp(at->c.refusal.value, o->step.object) == 0 &&
	    strcmp(at->c.refusal.operation, priv_op_name(o->step.op.type)) == 0;
	if (k == 0 || !ok)
		tap_note("%s: %s %s: %s: %s", o->put, at->c.refusal.operation, at->c.refusal.value,
		    strerror(at->c.refusal.error), at->c.refusal.text);
	CU_ASSERT(ok);
	CU_ASSERT(state_is(before));
	free(before);
}

#define OBSTACLE(put_, clear_, error_, object_, verb, ...) \
	{ (put_), (clear_), (error_), { OPV(verb, __VA_ARGS__), (object_) } }

/* Carrier goes and comes a little later. */
#define UNTIL(state) "; until ip link show far2 | grep -q '" state "'; do sleep 0.02; done"

static void
obstacles_try(const struct obstacle *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(system(v[i].put), 0);
		for (size_t k = 0; k < 3; k++)
			obstacle_try(&v[i], k);
		CU_ASSERT_EQUAL(system(v[i].clear), 0);
	}
}

static void
test_obstacles(void)
{
	const struct kind built = { "obstacles", true, NULL };
	char *virgin;
	struct place p;

	if (!usable)
		return not_usable();
	virgin = state_dump();
	CU_ASSERT_FATAL(place_again(&p, &built));
	{
		const struct obstacle v[] = {
			OBSTACLE("ip route add blackhole 10.0.0.8/29 table 251 metric 1",
			    "ip route del blackhole 10.0.0.8/29 table 251 metric 1", EEXIST,
			    "10.0.0.8/29 table 251", route_set, p.ns, 0, NET(8), 29, UNREACHABLE,
			    0, 0, 0),
			/* One with another protocol would stand beside ours. */
			OBSTACLE("ip rule add pref 10001 lookup 251 protocol 15",
			    "ip rule del pref 10001 lookup 251 protocol 15", EEXIST, "table 251", rule_on, p.ns, 0),
			OBSTACLE("ip address add 10.0.0.20/32 dev eth2",
			    "ip address del 10.0.0.20/32 dev eth2", EEXIST, "10.0.0.20 dev eth2",
			    addr_add, p.eth2, NET(20)),
			OBSTACLE("ip route add 169.254.69.31 dev eth2 metric 2 scope link",
			    "ip route del 169.254.69.31 dev eth2 metric 2 scope link", EEXIST,
			    "169.254.69.31 dev eth2", neigh_set, p.eth2, NOBODY_LL, OTHER_LL),
			OBSTACLE("ip netns exec ntkv1 nft add table ip ntkd",
			    "ip netns exec ntkv1 nft delete table ip ntkd", EEXIST, "table 250",
			    mark_on, p.ns2, p.peer),
			OBSTACLE("ip -n ntkv1 link add ntkv1_1 type bridge",
			    "ip -n ntkv1 link del ntkv1_1", EEXIST, "eth2", dev_create, p.ns2, p.eth2),
			OBSTACLE("ip link add br9 type bridge && ip link set eth2 master br9",
			    "ip link del br9", EBUSY, "eth2", dev_create, p.ns2, p.eth2),
			OBSTACLE("ip link set eth2 down" UNTIL("LOWERLAYERDOWN"),
			    "ip link set eth2 up" UNTIL("state UP"), ENETDOWN,
			    "169.254.69.31 dev eth2", neigh_set, p.eth2, NOBODY_LL, OTHER_LL),
			OBSTACLE("ip -n ntkv1 address del 169.254.94.1/32 dev ntkv1_0",
			    "ip -n ntkv1 address add 169.254.94.1/32 dev ntkv1_0 scope link",
			    EINVAL, "169.254.69.31 dev ntkv1_0", neigh_set, p.dev2, NOBODY_LL, OWN_LL),
		};

		obstacles_try(v, sizeof(v) / sizeof(v[0]));
	}
	CU_ASSERT(place_close(&p));
	CU_ASSERT(state_is(virgin));
	free(virgin);
}

/* The neighbour's route, then the whole interface, is taken away by somebody. */
static void
test_gone(void)
{
	const struct kind built = { "gone", true, NULL };
	struct place p;

	if (!usable)
		return not_usable();
	CU_ASSERT_FATAL(place_again(&p, &built));
	{
		const struct obstacle v[] = {
			OBSTACLE("ip -n ntkv1 link del ntkv1_0", "true", ENODEV, "169.254.94.9 dev ntkv1_0",
			    addr_add, p.dev2, LL(94, 9)),
			OBSTACLE("ip link del eth2", "true", ENODEV, "eth2", dev_create, p.ns2, p.eth2),
		};

		obstacles_try(v, sizeof(v) / sizeof(v[0]));
	}
	CU_ASSERT(place_close(&p));
	CU_ASSERT_EQUAL(system("test $(ls /run/netns | wc -l) -eq 0 &&"
	    " test -z \"$(ip route show table all proto ntk)\""), 0);
}

/* What cannot be put back now is not forgotten: the next life does it. */
static void
test_later(void)
{
	static const char *const refused[] = { "look at interface", "open to write ipv4", "umount",
		"unlink ntkv", "stat ntkv" };
	const struct kind empty = { "later", false, NULL };
	struct step v[STEPS];
	struct place p;
	char *virgin, *left;

	if (!usable)
		return not_usable();
	/* The test before took eth2 away. */
	CU_ASSERT_EQUAL(system("ip link add eth2 type veth peer name far2 && ip link set far2 up &&"
	    " ip link set eth2 up && echo 1 >/proc/sys/net/ipv4/conf/eth2/rp_filter" UNTIL("state UP")),
	    0);
	virgin = state_dump();
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CU_ASSERT_FATAL(place_again(&p, &empty));
		CU_ASSERT_EQUAL(commit(v, prepare(v)), CLIENT_DONE);
		CU_ASSERT(done(&p.c, OP(ns_create, 3)));
		refuse->error = ENOMEM;
		snprintf(refuse->only, sizeof(refuse->only), "%s", refused[i]);
		client_stop(&p.c);
		left = state_dump();
		CU_ASSERT_STRING_NOT_EQUAL(left, virgin);
		free(left);
		CU_ASSERT_FATAL(place_again(&p, &empty));
		CU_ASSERT(place_close(&p));
		if (!state_is(virgin)) {
			tap_note("%s refused at the end: something is left", refused[i]);
			CU_FAIL("something is left");
		}
	}
	free(virgin);
}

/* --- the stage ------------------------------------------------------------------- */

static bool
refuse_file_make(void)
{
	int log = open(HELPER_LOG, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int fd = open(REFUSE_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *map;

	close(log);
	if (fd < 0 || log < 0 || ftruncate(fd, sizeof(*refuse)) != 0)
		return false;
	map = mmap(NULL, sizeof(*refuse), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	refuse = map;
	return map != MAP_FAILED;
}

static bool
refused_helper_find(void)
{
	const char *build = getenv("NTK_BUILD");
	char near[PATH_MAX];

	snprintf(near, sizeof(near), "%s/tests/priv/refused-helper", build != NULL ? build : ".");
	return realpath(near, refused_helper) != NULL;
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "whatever is refused: all or nothing, and the answer says what", test_positions },
		{ "what stands in the way stays, and nothing of ours does", test_obstacles },
		{ "so it is when what is needed has gone", test_gone },
		{ "what cannot be put back at the end is put back by the next one", test_later },
	};

	place_stage();
	if (usable && !(refuse_file_make() && refused_helper_find())) {
		fputs("tests/priv/refused-helper is not built\n", stderr);
		return 99;
	}
	return TAP_RUN(tests);
}
