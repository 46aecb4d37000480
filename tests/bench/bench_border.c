/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the border costs.  First, how fast routes come into the kernel through the whole border (encode, socket,
 * the filtered helper with its policy and ledger, kernel, answer) beside other ways, in
 * one run and in turns, so that what disturbs one disturbs all.
 *
 * Every way adds the same N routes (gateway, device, table 250, protocol 15) to
 * an empty table.  They are removed again between two turns, untimed.
 * Then: many routes at once, and their comparison with the kernel; the end of a namespace.
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/priv/client.h"
#include "tests/priv/stage.h"

#define CONFIG	"/run/bench.conf"
#define BATCH	"/run/bench.batch"
#define IP(a, b, c, d)	((uint32_t)(a) << 24 | (uint32_t)((b) << 16 | (c) << 8 | (d)))

enum {
	MOST = 1000,		/* routes */
	MANY = 25000,		/* routes of a large network */
	MANY_TURNS = 15,
	DROPS = 40,		/* of a namespace */
	DROP_ROUTES = 50,
	DROP_PEERS = 4,
	DEVS = 4,		/* managed interfaces */
	TABLE = 250,
	PROTOCOL = 15,
	PER_SEND = 64,		/* messages in one sendmsg() */
	MSG_ROOM = 128,		/* bytes of one route message, more than it needs */
	CHANGES = 10000,	/* of one route, for the latencies */
	ECHO_MOST = 256,	/* bytes of such a request, more than it needs, and of its answer */
	ECHO_ANSWER = 11,
};

#define OP(verb, ...) (&(const struct priv_op){ .type = PRIV_OP_##verb, .verb = { __VA_ARGS__ } })

#define OWN	IP(169, 254, 94, 1)
#define PEER	IP(169, 254, 69, 30)
#define FIRST	IP(10, 0, 0, 0)

struct bench {
	struct client c;
	uint32_t ns;
	uint32_t dev;
	uint32_t devs[DEVS];	/* the first is dev */
	uint32_t peer;
	uint32_t peers[DROP_PEERS];
	int ifindex;
	int raw;		/* rtnetlink socket */
	uint32_t seq;
	struct nl_sock *nl;
	size_t n;		/* routes in this comparison */
};

static void
die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The P-th percentile; sorts V. */
static double
percentile(double *v, size_t n, unsigned p)
{
	qsort(v, n, sizeof(*v), compare_doubles);
	return v[(n - 1) * p / 100];
}

/* --- the border ------------------------------------------------------------ */

static void
must(struct bench *b, const struct priv_op *op)
{
	enum client_end end = client_do(&b->c, op);
	char text[400];

	if (end == CLIENT_DONE)
		return;
	priv_op_print(op, text, sizeof(text));
	fprintf(stderr, "bench: %s: %s %s %s\n", text, end == CLIENT_REFUSED ?
	    priv_reason_name(b->c.refusal.reason) : b->c.error, b->c.refusal.field,
	    b->c.refusal.text);
	exit(1);
}

static struct priv_op
route_op(const struct bench *b, size_t i, enum priv_route_type type)
{
	bool unicast = type == PRIV_ROUTE_UNICAST;

	return (struct priv_op){ .type = PRIV_OP_route_set, .route_set = {
		.ns = b->ns, .peer = b->peer, .dst = FIRST + (uint32_t)i, .len = 32,
		.type = (uint8_t)type, .dev = unicast ? b->dev : 0, .via = unicast ? PEER : 0 } };
}

static void
add_border(struct bench *b)
{
	client_begin(&b->c);
	for (size_t i = 0; i < b->n; i++) {
		const struct priv_op op = route_op(b, i, PRIV_ROUTE_UNICAST);

		client_add(&b->c, &op);
	}
	if (client_commit(&b->c, 0) != CLIENT_DONE)
		die("the helper refused");
}

static void
remove_border(struct bench *b)
{
	client_begin(&b->c);
	for (size_t i = 0; i < b->n; i++)
		client_add(&b->c, OP(route_drop, b->ns, b->peer, FIRST + (uint32_t)i, 32));
	if (client_commit(&b->c, 0) != CLIENT_DONE)
		die("the helper refused to remove");
}

/* --- raw rtnetlink --------------------------------------------------------- */

static void
put(struct nlmsghdr *h, unsigned short type, uint32_t value)
{
	struct rtattr *a = (struct rtattr *)(void *)((char *)h + NLMSG_ALIGN(h->nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(sizeof(value));
	memcpy(RTA_DATA(a), &value, sizeof(value));
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len);
}

/* One route message at BUF; its length. */
static size_t
raw_route(struct bench *b, void *buf, size_t i, unsigned short type, unsigned short flags)
{
	struct nlmsghdr *h = buf;
	struct rtmsg *m = NLMSG_DATA(h);

	memset(buf, 0, NLMSG_SPACE(sizeof(*m)));
	h->nlmsg_len = NLMSG_LENGTH(sizeof(*m));
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++b->seq;
	*m = (struct rtmsg){ .rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = TABLE,
		.rtm_protocol = PROTOCOL, .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST };
	put(h, RTA_DST, htonl(FIRST + (uint32_t)i));
	put(h, RTA_GATEWAY, htonl(PEER));
	put(h, RTA_OIF, (uint32_t)b->ifindex);
	return h->nlmsg_len;
}

static void
raw_acks(struct bench *b, size_t n)
{
	_Alignas(struct nlmsghdr) char buf[65536];

	while (n > 0) {
		ssize_t got = recv(b->raw, buf, sizeof(buf), 0);
		size_t left = got > 0 ? (size_t)got : 0;
		struct nlmsghdr *h = (void *)buf;

		if (got <= 0)
			die("no acknowledgement");
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			if (h->nlmsg_type != NLMSG_ERROR || e->error != 0 || n-- == 0)
				die("the kernel refused a raw message");
		}
	}
}

/* PER_SEND messages for each sendmsg(), each or only the last of them acknowledged. */
static void
raw_batches(struct bench *b, unsigned short type, unsigned short flags, bool ack_each)
{
	static _Alignas(struct nlmsghdr) char buf[PER_SEND * MSG_ROOM];

	for (size_t i = 0; i < b->n;) {
		size_t len = 0, in = 0;

		for (; in < PER_SEND && i < b->n; in++, i++) {
			bool ack = ack_each || in + 1 == PER_SEND || i + 1 == b->n;
			int all = flags | (ack ? NLM_F_ACK : 0);

			len += raw_route(b, buf + len, i, type, (unsigned short)all);
		}
		if (send(b->raw, buf, len, 0) != (ssize_t)len)
			die("send");
		raw_acks(b, ack_each ? in : 1);
	}
}

static void
add_raw_each(struct bench *b)
{
	raw_batches(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, true);
}

static void
add_raw_last(struct bench *b)
{
	raw_batches(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, false);
}

static void
remove_raw(struct bench *b)
{
	raw_batches(b, RTM_DELROUTE, 0, true);
}

/* --- libnl ----------------------------------------------------------------- */

static void
add_libnl(struct bench *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct rtnl_route *r = rtnl_route_alloc();
		struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
		uint32_t dst = htonl(FIRST + (uint32_t)i), via = htonl(PEER);
		struct nl_addr *d = nl_addr_build(AF_INET, &dst, sizeof(dst));
		struct nl_addr *g = nl_addr_build(AF_INET, &via, sizeof(via));

		if (r == NULL || nh == NULL || d == NULL || g == NULL)
			die("memory");
		rtnl_route_set_family(r, AF_INET);
		rtnl_route_set_dst(r, d);
		rtnl_route_set_table(r, TABLE);
		rtnl_route_set_protocol(r, PROTOCOL);
		rtnl_route_nh_set_gateway(nh, g);
		rtnl_route_nh_set_ifindex(nh, b->ifindex);
		rtnl_route_add_nexthop(r, nh);
		if (rtnl_route_add(b->nl, r, NLM_F_CREATE | NLM_F_EXCL) < 0)
			die("libnl was refused");
		nl_addr_put(d);
		nl_addr_put(g);
		rtnl_route_put(r);
	}
}

/* --- ip -------------------------------------------------------------------- */

static void
run(const char *const *argv)
{
	extern char **environ;
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		die(argv[0]);
}

static void
route_text(size_t i, char *buf, size_t size)
{
	uint32_t a = FIRST + (uint32_t)i;

	snprintf(buf, size, "%u.%u.%u.%u/32", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

static void
write_batch(size_t n)
{
	FILE *f = fopen(BATCH, "w");
	char dst[32];

	for (size_t i = 0; f != NULL && i < n; i++) {
		route_text(i, dst, sizeof(dst));
		fprintf(f, "route add %s via 169.254.69.30 dev eth1 table %d proto %d\n", dst,
		    TABLE, PROTOCOL);
	}
	if (f == NULL || fclose(f) != 0)
		die(BATCH);
}

static void
add_ip_batch(struct bench *b)
{
	(void)b;
	run((const char *const[]){ "ip", "-batch", BATCH, NULL });
}

static void
add_ip_each(struct bench *b)
{
	char dst[32];

	for (size_t i = 0; i < b->n; i++) {
		route_text(i, dst, sizeof(dst));
		run((const char *const[]){ "ip", "route", "add", dst, "via", "169.254.69.30",
		    "dev", "eth1", "table", "250", "proto", "15", NULL });
	}
}

/* --- the comparison -------------------------------------------------------- */

static const struct way {
	const char *name;
	void (*add)(struct bench *b);
	void (*remove)(struct bench *b);
	size_t turns[3];	/* for 1, 100 and 1000 routes */
} ways[] = {
	{ "ntkd-priv, one transaction", add_border, remove_border, { 3000, 300, 60 } },
	{ "raw, 64 per sendmsg, each acknowledged", add_raw_each, remove_raw, { 3000, 300, 60 } },
	{ "raw, 64 per sendmsg, last acknowledged", add_raw_last, remove_raw, { 3000, 300, 60 } },
	{ "libnl, one by one", add_libnl, remove_raw, { 3000, 300, 60 } },
	{ "ip -batch", add_ip_batch, remove_raw, { 60, 40, 20 } },
	{ "one ip process for each route", add_ip_each, remove_raw, { 60, 4, 1 } },
};

enum {
	WAYS = sizeof(ways) / sizeof(ways[0]),
	TURNS = 3000,
	BORDER = 0,
	RAW = 1,
};

static const size_t sizes[] = { 1, 100, 1000 };

/* Processor time of the helper so far, ms; a busy machine does not lengthen that. */
static double
helper_ms(const struct bench *b)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)b->c.pid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%llu", &ns) != 1)
		die(path);
	fclose(f);
	return (double)ns / 1e6;
}

/* The same of both processes, µs; of processes that we start, nothing. */
static double
both_us(const struct bench *b)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3 + helper_ms(b) * 1e3;
}

/* Median µs of each way, in turns; and of the processors' time for it. */
static void
compare(struct bench *b, size_t size, double *median, double *cpu)
{
	static double took[WAYS][TURNS], worked[WAYS][TURNS];

	b->n = sizes[size];
	write_batch(b->n);
	for (size_t turn = 0; turn < TURNS; turn++) {
		for (size_t w = 0; w < WAYS; w++) {
			double start, before;

			if (turn >= ways[w].turns[size])
				continue;
			before = both_us(b);
			start = now_us();
			ways[w].add(b);
			took[w][turn] = now_us() - start;
			worked[w][turn] = both_us(b) - before;
			ways[w].remove(b);
		}
	}
	for (size_t w = 0; w < WAYS; w++) {
		median[w] = percentile(took[w], ways[w].turns[size], 50);
		cpu[w] = percentile(worked[w], ways[w].turns[size], 50);
	}
}

static void
print_comparison(size_t n, const double *median, const double *cpu)
{
	printf("\n%4zu route%-36s%11s%14s%16s\n", n, n == 1 ? "" : "s", "median µs", "routes/s",
	    "the border is");
	for (size_t w = 0; w < WAYS; w++)
		printf("  %-42s%9.1f%14.0f%9.2f times as fast\n", ways[w].name, median[w],
		    (double)n / median[w] * 1e6, median[w] / median[BORDER]);
	if (n == MOST)
		printf("  aim: at least 0.50 times as fast as raw batches: %.2f; by the processors' time, which\n"
		    "  other work on the machine does not lengthen: %.2f (%.0f µs of %.0f)\n",
		    median[RAW] / median[BORDER], cpu[RAW] / cpu[BORDER], cpu[RAW], cpu[BORDER]);
}

/* --- one change -------------------------------------------------------------- */

/* A process that answers and does nothing: what the way there and back costs alone. */
struct echo {
	int fd;
	pid_t pid;
};

static void
echo_start(struct echo *e)
{
	char buf[ECHO_MOST], answer[ECHO_ANSWER] = "";
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 || (e->pid = fork()) < 0)
		die("no process that answers");
	close(pair[e->pid == 0 ? 0 : 1]);
	e->fd = pair[0];
	if (e->pid != 0)
		return;
	while (recv(pair[1], buf, sizeof(buf), 0) > 0 &&
	    send(pair[1], answer, sizeof(answer), 0) == (ssize_t)sizeof(answer))
		;
	_exit(0);
}

static void
echo_ask(const struct echo *e, size_t len)
{
	struct pollfd p = { e->fd, POLLIN, 0 };
	char buf[ECHO_MOST] = "";

	if (len > sizeof(buf) || send(e->fd, buf, len, 0) != (ssize_t)len ||
	    poll(&p, 1, -1) != 1 || recv(e->fd, buf, sizeof(buf), 0) != ECHO_ANSWER)
		die("no answer from a process that answers");
}

static void
echo_stop(struct echo *e)
{
	close(e->fd);
	waitpid(e->pid, NULL, 0);
}

static void
raw_change(struct bench *b)
{
	static _Alignas(struct nlmsghdr) char buf[MSG_ROOM];
	size_t len = raw_route(b, buf, 1, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK);

	if (send(b->raw, buf, len, 0) != (ssize_t)len)
		die("send");
	raw_acks(b, 1);
}

/*
 * One route goes to and fro between two types; then only the way to another process and back;
 * then another route by one raw replace.  In turns.
 */
static void
changes(struct bench *b, const struct echo *e, const char *where)
{
	static double border[CHANGES], way[CHANGES], raw[CHANGES];
	double start;

	for (size_t i = 0; i < CHANGES; i++) {
		const struct priv_op op = route_op(b, 0, i % 2 == 0 ? PRIV_ROUTE_UNREACHABLE :
		    PRIV_ROUTE_UNICAST);

		start = now_us();
		must(b, &op);
		border[i] = now_us() - start;
		start = now_us();
		echo_ask(e, b->c.w.len);
		way[i] = now_us() - start;
		start = now_us();
		raw_change(b);
		raw[i] = now_us() - start;
	}
	printf("  %-30s%10.1f%10.1f%14.1f%10.1f%12.1f\n", where, percentile(border, CHANGES, 50),
	    percentile(border, CHANGES, 99), percentile(way, CHANGES, 50),
	    percentile(way, CHANGES, 99), percentile(raw, CHANGES, 50));
}

/* The N-th processor that we may use, or -1. */
static int
processor(const cpu_set_t *all, int n)
{
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, all) && n-- == 0)
			return i;
	return -1;
}

static void
pin(pid_t pid, int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(pid, sizeof(one), &one) < 0)
		die("a process cannot be bound to a processor");
}

static void
latency(struct bench *b)
{
	struct echo e;
	cpu_set_t all;

	echo_start(&e);
	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		die("no processors");
	b->n = 2;
	printf("\none route changed, %d times; µs %22s%24s%12s\n", CHANGES, "ntkd-priv", "only the way",
	    "raw");
	printf("  %-30s%10s%10s%14s%10s%12s\n", "the two processes run", "median", "p99", "median",
	    "p99", "median");
	changes(b, &e, "where the kernel puts them");
	pin(0, processor(&all, 0));
	pin(b->c.pid, processor(&all, 0));
	pin(e.pid, processor(&all, 0));
	changes(b, &e, "on one processor");
	if (processor(&all, 1) >= 0) {
		pin(b->c.pid, processor(&all, 1));
		pin(e.pid, processor(&all, 1));
		changes(b, &e, "on two processors");
	}
	sched_setaffinity(0, sizeof(all), &all);
	sched_setaffinity(b->c.pid, sizeof(all), &all);
	echo_stop(&e);
	printf("  aim: under 100 µs median, wherever they run\n"
	    "  Only the way: as many bytes to a process that answers at once and does nothing.  On\n"
	    "  two processors each direction wakes one that sleeps; on one the two take turns.  An idle\n"
	    "  machine mostly runs them on two, a busy one on one.\n");
}

/* --- many routes: one transaction, and the comparison with the kernel ------- */

/* Reads every IPv4 route of the kernel once and looks at none. */
static void
dump_raw(struct bench *b)
{
	static _Alignas(struct nlmsghdr) char buf[65536];
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
	} ask = { { sizeof(ask), RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, ++b->seq, 0 },
		{ .rtm_family = AF_INET } };

	if (send(b->raw, &ask, sizeof(ask), 0) != (ssize_t)sizeof(ask))
		die("send");
	for (;;) {
		ssize_t got = recv(b->raw, buf, sizeof(buf), 0);
		size_t left = got > 0 ? (size_t)got : 0;

		if (got <= 0)
			die("no dump");
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			if (h->nlmsg_type == NLMSG_DONE)
				return;
	}
}

static void
check_border(struct bench *b, uint32_t repaired)
{
	const struct priv_checked *c = &b->c.checked;

	if (client_check(&b->c, b->ns) != CLIENT_DONE || c->compared < b->n ||
	    c->repaired != repaired || c->failed + c->removed + c->foreign != 0)
		die("a check went wrong");
}

static void
check_same(struct bench *b)
{
	check_border(b, 0);
}

static void
check_lost(struct bench *b)
{
	check_border(b, (uint32_t)b->n);
}

static void
many(struct bench *b)
{
	static const struct {
		const char *name;
		void (*what)(struct bench *b);
		int beside;	/* in the table, -1 for nothing */
	} parts[] = {
		{ "raw batches, each acknowledged", add_raw_each, -1 },
		{ "raw removal", remove_raw, -1 },
		{ "ntkd-priv, one transaction", add_border, 0 },
		{ "a plain dump", dump_raw, -1 },
		{ "check, nothing is wrong (aim 30 ms)", check_same, 3 },
		{ "(all of them lost)", remove_raw, -1 },
		{ "check, all of them put back", check_lost, 0 },
		{ "ntkd-priv, one transaction that removes", remove_border, 1 },
	};
	enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
	static double took[PARTS][MANY_TURNS], helper[PARTS][MANY_TURNS];
	double median[PARTS], start, before;

	must(b, OP(route_drop, b->ns, b->peer, FIRST, 32));
	run((const char *const[]){ "ip", "route", "flush", "table", "250", NULL });
	b->n = MANY;
	for (size_t turn = 0; turn < MANY_TURNS; turn++)
		for (size_t i = 0; i < PARTS; i++) {
			before = helper_ms(b);
			start = now_us();
			parts[i].what(b);
			took[i][turn] = (now_us() - start) / 1e3;
			helper[i][turn] = helper_ms(b) - before;
		}
	printf("\n%d routes, %d times%28s%18s\n", MANY, MANY_TURNS, "median ms", "helper's CPU ms");
	for (size_t i = 0; i < PARTS; i++) {
		median[i] = percentile(took[i], MANY_TURNS, 50);
		if (parts[i].beside < 0)
			printf("  %-42s%9.2f\n", parts[i].name, median[i]);
		else
			printf("  %-42s%9.2f%18.2f   %.2f times %s\n", parts[i].name, median[i],
			    percentile(helper[i], MANY_TURNS, 50),
			    median[i] / median[parts[i].beside], parts[parts[i].beside].name);
	}
}

/* --- the end of an identity ------------------------------------------------ */

/* A namespace with N pseudo-interfaces, a few neighbours and their tables. */
static uint32_t
namespace_make(struct bench *b, unsigned n)
{
	struct client *c = &b->c;
	uint32_t ns = PRIV_HANDLE_NEW(0), dev = PRIV_HANDLE_NEW(1);

	client_begin(c);
	client_add(c, OP(ns_create, 7));
	for (unsigned i = 0; i < n; i++)
		client_add(c, OP(dev_create, ns, b->devs[i]));
	for (unsigned i = 0; i < n; i++)
		client_add(c, OP(addr_add, PRIV_HANDLE_NEW(1 + i), OWN + i));
	client_add(c, OP(neigh_set, dev, PEER, OWN));
	for (unsigned i = 0; i < DROP_PEERS; i++) {
		client_add(c, OP(mark_on, ns, b->peers[i]));
		client_add(c, OP(rule_on, ns, b->peers[i]));
	}
	for (unsigned i = 0; i < DROP_ROUTES; i++)
		client_add(c, OP(route_set, ns, b->peers[i % DROP_PEERS], FIRST + i, 32,
		    PRIV_ROUTE_UNICAST, dev, PEER, 0));
	if (client_commit(c, 0) != CLIENT_DONE)
		die("no namespace");
	return client_made(c, 0);
}

static void
dismissal(struct bench *b)
{
	static double took[DROPS], next[DROPS];
	const unsigned sizes_of[] = { 1, DEVS };

	for (unsigned i = 0; i < DROP_PEERS; i++) {
		must(b, OP(peer_take, { 2, 0, 0, 0, 1, (uint8_t)i }));
		b->peers[i] = client_made(&b->c, 0);
	}
	printf("\na namespace dropped, %d times%24s%14s%16s\n", DROPS, "median ms", "p90 ms",
	    "next request");
	for (size_t s = 0; s < sizeof(sizes_of) / sizeof(sizes_of[0]); s++) {
		for (size_t i = 0; i < DROPS; i++) {
			uint32_t ns = namespace_make(b, sizes_of[s]);
			double start = now_us();

			must(b, OP(ns_drop, ns));
			took[i] = (now_us() - start) / 1e3;
			start = now_us();
			must(b, OP(mark_on, b->ns, b->peers[0]));
			next[i] = (now_us() - start) / 1e3;
			must(b, OP(mark_off, b->ns, b->peers[0]));
		}
		printf("  %u pseudo-interface%-25s%9.2f%14.2f%16.2f\n", sizes_of[s],
		    sizes_of[s] == 1 ? "" : "s", percentile(took, DROPS, 50),
		    percentile(took, DROPS, 90), percentile(next, DROPS, 50));
	}
	printf("  aim: under 5 ms as the caller sees it.  The next request, a mark in the default\n"
	    "  namespace, waits until the helper has silenced the dropped one and removed its name;\n"
	    "  the kernel takes it down meanwhile.\n");
}

/* --- the stage ------------------------------------------------------------- */

static const char config[] =
    "topology = \"64.256.256\"\nrange = \"10.0.0.0/8\"\naddress = \"1.1.1\"\nmode = \"manual\"\n"
    "user = \"64100\"\nhelper-user = \"64101\"\ninterface eth1 { }\n"
    "interface eth2 { }\ninterface eth3 { }\ninterface eth4 { }\n";

static const char commands[] =
    "set -e; mkdir -p /run/netns; ip link set lo up; for i in 1 2 3 4; do"
    " ip link add eth$i type veth peer name far$i; ip link set far$i up; ip link set eth$i up; done";

static void
open_sockets(struct bench *b)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	b->ifindex = (int)if_nametoindex("eth1");
	b->raw = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (b->raw < 0 || connect(b->raw, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		die("rtnetlink");
	b->nl = nl_socket_alloc();
	if (b->nl == NULL || nl_connect(b->nl, NETLINK_ROUTE) < 0)
		die("libnl");
}

static void
open_border(struct bench *b)
{
	const struct client_setup setup = { .helper = stage_helper(), .config = CONFIG,
		.run_dir = "/run/ntkd", .level = LOG_LEVEL_WARNING };

	if (!client_start(&b->c, &setup) || !client_hello(&b->c))
		die(b->c.error);
	b->ns = b->c.welcome.ns;
	for (size_t i = 0; i < DEVS; i++)
		b->devs[i] = b->c.devs[1 + i].dev;
	b->dev = b->devs[0];
	must(b, OP(ns_prepare, b->ns));
	must(b, OP(dev_prepare, b->dev));
	must(b, OP(addr_add, b->dev, OWN));
	must(b, OP(neigh_set, b->dev, PEER, OWN));
	must(b, OP(peer_take, { 2, 0, 0, 0, 0, 1 }));
	b->peer = client_made(&b->c, 0);
	if (b->c.results[0].number != TABLE)
		die("the neighbour's table is not 250");
}

int
main(void)
{
	static struct bench b;
	double median[WAYS], cpu[WAYS];

	if (!stage_make(commands, CONFIG, config))
		die("needs root and the right to make namespaces");
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_sockets(&b);
	open_border(&b);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		compare(&b, i, median, cpu);
		print_comparison(sizes[i], median, cpu);
	}
	latency(&b);
	many(&b);
	dismissal(&b);
	if (client_stop(&b.c) != 0)
		die("the helper did not end well");
	nl_socket_free(b.nl);
	close(b.raw);
	return 0;
}
