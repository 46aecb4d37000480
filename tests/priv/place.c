/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/place.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/priv/stage.h"
#include "tests/unit/tap.h"

#define BEFORE	"/run/border.before"

enum {
	DUMP_MAX = 1 << 20,
};

bool usable;
static char dumper[4096];

/* --- dumps ----------------------------------------------------------------- */

char *
run_dump(void)
{
	char command[4200], *text = calloc(1, DUMP_MAX);
	FILE *p;
	size_t n;

	snprintf(command, sizeof(command), "bash '%s'", dumper);
	p = popen(command, "r");
	if (p == NULL || text == NULL)
		abort();
	n = fread(text, 1, DUMP_MAX - 1, p);
	CU_ASSERT_FATAL(n > 0 && n < DUMP_MAX - 1);
	CU_ASSERT_EQUAL(pclose(p), 0);
	return text;
}

static void
note_difference(const char *before)
{
	char command[4300], line[400];
	FILE *f = fopen(BEFORE, "w"), *p;

	fputs(before, f);
	fclose(f);
	snprintf(command, sizeof(command), "bash '%s' | diff -U0 %s - | grep '^[-+][^-+]' |"
	    " grep -v border.before | head -n 20 | cut -c1-300", dumper, BEFORE);
	p = popen(command, "r");
	while (p != NULL && fgets(line, sizeof(line), p) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		tap_note("%s", line);
	}
	if (p != NULL)
		pclose(p);
	unlink(BEFORE);
}

static unsigned
since_ms(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)((now.tv_sec - start->tv_sec) * 1000 +
	    (now.tv_nsec - start->tv_nsec) / 1000000);
}

/* The dump is BEFORE, now or within MS. */
bool
unchanged(const char *before, unsigned ms)
{
	const struct timespec pause = { 0, 20000000 };
	struct timespec start;
	bool same;
	char *text;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		text = run_dump();
		same = strcmp(text, before) == 0;
		free(text);
		if (same || since_ms(&start) >= ms)
			break;
		nanosleep(&pause, NULL);
	}
	if (!same)
		note_difference(before);
	return same;
}

bool
changed(const char *before)
{
	char *now = run_dump();
	bool is = strcmp(now, before) != 0;

	free(now);
	return is;
}

/* --- a helper and what it made --------------------------------------------- */

/* Does it, and fails the test with the reason when that does not work. */
bool
done(struct client *c, const struct priv_op *op)
{
	enum client_end end = client_do(c, op);
	char text[400];

	if (end == CLIENT_DONE)
		return true;
	priv_op_print(op, text, sizeof(text));
	if (end == CLIENT_REFUSED)
		tap_note("%s: %s %s=%s: %s", text, priv_reason_name(c->refusal.reason),
		    c->refusal.field, c->refusal.value, c->refusal.text);
	else
		tap_note("%s: %s", text, c->error);
	return false;
}

void
not_usable(void)
{
	tap_skip("needs root and the right to make namespaces");
}

struct client_setup
setup_with(const char *override)
{
	return (struct client_setup){ .helper = stage_helper(), .config = PLACE_CONFIG,
		.run_dir = "/run/ntkd", .level = LOG_LEVEL_ERROR, .overrides = { override } };
}

/* Ends the helper of a test that was given up half way. */
static void
end_abandoned(pid_t helper)
{
	if (helper > 0 && waitpid(helper, NULL, WNOHANG) == 0) {
		kill(helper, SIGKILL);
		waitpid(helper, NULL, 0);
	}
}

bool
place_open_with(struct place *p, const struct client_setup *setup)
{
	static pid_t last;

	memset(p, 0, sizeof(*p));
	if (!usable) {
		not_usable();
		return false;
	}
	end_abandoned(last);
	if (!client_start(&p->c, setup) || !client_hello(&p->c)) {
		tap_note("%s", p->c.error);
		CU_FAIL("no helper");
		return false;
	}
	last = p->c.pid;
	p->ns = p->c.welcome.ns;
	p->lo = client_dev(&p->c, "lo");
	p->eth1 = client_dev(&p->c, "eth1");
	p->eth2 = client_dev(&p->c, "eth2");
	CU_ASSERT_EQUAL(p->c.n_devs, 3);
	CU_ASSERT(p->ns != 0 && p->lo != 0 && p->eth1 != 0 && p->eth2 != 0);
	return true;
}

bool
place_open(struct place *p, const char *override)
{
	const struct client_setup setup = setup_with(override);

	return place_open_with(p, &setup);
}

bool
place_fill(struct place *p)
{
	struct client *c = &p->c;
	bool ok = true;

	ok &= done(c, OP(dev_prepare, p->eth1));
	ok &= done(c, OP(addr_add, p->eth1, OWN_LL));
	ok &= done(c, OP(addr_add, p->eth1, GLOBAL));
	ok &= done(c, OP(neigh_set, p->eth1, PEER_LL, OWN_LL));
	ok &= done(c, OP(route_set, p->ns, p->peer, DST, UNICAST, p->eth1, PEER_LL, 0));
	ok &= done(c, OP(nat_set, p->ns, SOURCE_NAT, 0, 0, NET(64), 27, GLOBAL, 32));
	ok &= done(c, OP(dev_create, p->ns2, p->eth1));
	p->dev2 = client_made(c, 0);
	ok &= done(c, OP(addr_add, p->dev2, OWN_LL));
	return ok;
}

bool
place_build(struct place *p)
{
	struct client *c = &p->c;
	bool ok = true;

	ok &= done(c, OP(ns_prepare, p->ns));
	ok &= done(c, OP(peer_take, MAC_1));
	p->peer = client_made(c, 0);
	ok &= done(c, OP(mark_on, p->ns, p->peer));
	ok &= done(c, OP(ns_create, 7));
	p->ns2 = client_made(c, 0);
	ok &= place_fill(p);
	ok &= done(c, OP(dev_prepare, p->eth2));
	ok &= done(c, OP(addr_add, p->eth2, OTHER_LL));
	ok &= done(c, OP(rule_on, p->ns, p->peer));
	CU_ASSERT_FATAL(ok);
	return ok;
}

bool
place_close(struct place *p)
{
	int status = client_stop(&p->c);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	tap_note("helper ended with wait status %d: %s", status, p->c.error);
	return false;
}

/* --- the stage ------------------------------------------------------------- */

static const char config[] =
    "topology = \"4.2.2.2\"\nrange = \"10.0.0.0/8\"\naddress = \"2.1.1.0\"\nmode = \"manual\"\n"
    "accept-anonymous = true\nanonymize-others = true\nsubnet-level = 1\n"
    "user = \"64100\"\nhelper-user = \"64101\"\ninterface eth1 { }\ninterface eth2 { }\n";

/* Interfaces eth1 and eth2; what the host routes by itself. */
static const char commands[] =
    "set -e; f=/proc/sys/net/ipv6/conf/default/accept_dad; [ ! -e $f ] || echo 0 >$f;"
    "mkdir -p /run/netns; ip link set lo up;"
    "for i in 0 1 2; do ip link add eth$i type veth peer name far$i;"
    " ip link set far$i up; ip link set eth$i up; done;"
    /* Or a dump before the carrier is there would differ from every later one. */
    "n=0; while ip -o link | grep -q LOWERLAYERDOWN; do [ $n -lt 500 ]; n=$((n + 1)); sleep 0.02; done;"
    "ip route add 169.254.77.0/24 dev eth0; ip route add 10.0.0.24/29 dev eth0";

void
place_stage(void)
{
	snprintf(dumper, sizeof(dumper), "%s/tests/integration/dump", tap_srcdir());
	usable = stage_make(commands, PLACE_CONFIG, config);
}
