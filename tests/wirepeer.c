/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wirepeer UID DEV=ADDRESS...: a neighbour without a protocol, for tests of what is below it:
 * radar, connections and interfaces as in ntkd, with the daemon's system call filter and without
 * any right.
 *
 * On every interface that can be used it says hello ten times a second and connects to whomever
 * it hears that has the higher address; over each connection it calls ten times a second.
 * SIGTERM: it takes leave of everybody in good order, and exits with status 0.  What happens is
 * printed, one line each, with the time of day (s):
 *
 *	ready
 *	nic DEV up MAC | down | gone
 *	open DEV | closed DEV
 *	heard DEV SOURCE			the first time since it was opened
 *	connected | accepted DEV PEER MAC
 *	ended DEV PEER REASON [ERROR]
 *	answered DEV PEER			the first of a connection
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/creds.h"
#include "common/mono.h"
#include "ntkd/io/link.h"
#include "ntkd/io/nics.h"
#include "ntkd/io/radar.h"
#include "ntkd/sandbox.h"

enum { TICK_MS = 100, PEERS = 64, LIMIT_MS = 2000, TIMEOUT_MS = 3500, CHUNK = 32768 };

/* Somebody heard. */
struct peer {
	size_t nic;
	ntk_ip_t addr;
	uint32_t conn;		/* 0: none */
	bool heard;
	bool stands;
	bool answered;
};

static struct conf conf;
static ntk_ip_t addrs[CONF_INTERFACES];
static struct nics nics;
static struct radar *radar;
static struct links *links;
static struct event_base *base;
static struct peer peers[PEERS];
static size_t n_peers;
static uint32_t last_conn;
static int netlink_fd;
static bool lost;		/* the interfaces must be asked for */
static bool leaving;

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	struct timeval now;
	va_list ap;

	gettimeofday(&now, NULL);
	printf("%jd.%06ld ", (intmax_t)now.tv_sec, (long)now.tv_usec);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "wirepeer: %s: %s\n", what, strerror(errno));
	exit(2);
}

static const char *
dev(size_t nic)
{
	return conf.interfaces[nic].name;
}

/* --- neighbours ------------------------------------------------------------------- */

static struct peer *
peer_find(size_t nic, ntk_ip_t addr)
{
	for (size_t i = 0; i < n_peers; i++)
		if (peers[i].nic == nic && peers[i].addr == addr)
			return &peers[i];
	if (n_peers == PEERS)
		return NULL;
	peers[n_peers] = (struct peer){ .nic = nic, .addr = addr };
	return &peers[n_peers++];
}

static struct peer *
peer_of(uint32_t conn)
{
	for (size_t i = 0; i < n_peers; i++)
		if (peers[i].conn == conn)
			return &peers[i];
	abort();
}

static void
on_heard(const struct radar_heard *h, void *arg)
{
	char ip[IP_TEXT];
	struct peer *p = peer_find(h->nic, h->source);

	(void)arg;
	if (p == NULL)
		return;
	if (!p->heard)
		say("heard %s %s", dev(h->nic), ip_print(h->source, ip));
	p->heard = true;
	radar_know(radar, h->nic, h->source, true);
	if (p->conn == 0 && h->source > addrs[h->nic] &&
	    link_connect(links, last_conn + 1, h->nic, h->source))
		p->conn = ++last_conn;
}

static void
begin(const char *what, uint32_t conn, const struct link_ends *ends)
{
	struct peer *p = peer_find(ends->nic, ends->peer);
	char ip[IP_TEXT], mac[MAC_TEXT];

	p->conn = conn;
	p->stands = true;
	p->answered = false;
	say("%s %s %s %s", what, dev(ends->nic), ip_print(ends->peer, ip),
	    ends->has_mac ? mac_print(ends->mac, mac) : "unknown");
}

static void
on_connected(uint32_t conn, const struct link_ends *ends, uint64_t now, void *arg)
{
	(void)now;
	(void)arg;
	begin("connected", conn, ends);
	link_confirm(links, conn, TIMEOUT_MS);
}

static uint32_t
on_accepted(const struct link_ends *ends, uint64_t now, void *arg)
{
	struct peer *p = peer_find(ends->nic, ends->peer);

	(void)now;
	(void)arg;
	if (p == NULL)
		return 0;
	if (p->conn != 0)
		link_close(links, p->conn, false);
	begin("accepted", ++last_conn, ends);
	return last_conn;
}

static void
on_message(uint32_t conn, const struct link_message *m, uint64_t now, void *arg)
{
	(void)now;
	(void)arg;
	link_confirm(links, conn, TIMEOUT_MS);
	link_error(links, conn, m->call, PEER_E_NOT_ACCEPTED);
}

static void
on_answered(uint32_t conn, const struct link_answer *a, uint64_t now, void *arg)
{
	struct peer *p = peer_of(conn);
	char ip[IP_TEXT];

	(void)now;
	(void)arg;
	if (!p->answered && a->kind == LINK_ERROR)
		say("answered %s %s", dev(p->nic), ip_print(p->addr, ip));
	p->answered = true;
}

static void
on_ended(uint32_t conn, enum link_reason reason, int error, uint64_t now, void *arg)
{
	struct peer *p = peer_of(conn);
	char ip[IP_TEXT];

	(void)now;
	(void)arg;
	say("ended %s %s %s %s", dev(p->nic), ip_print(p->addr, ip), link_reason_name(reason),
	    error != 0 ? strerrorname_np(error) : "");
	p->conn = 0;
	p->stands = false;
}

/* --- interfaces --------------------------------------------------------------------- */

static void
nic_close(size_t nic)
{
	size_t kept = 0;

	if (radar_is_open(radar, nic))
		say("closed %s", dev(nic));
	radar_close(radar, nic);
	for (size_t i = 0; i < n_peers; i++)
		if (peers[i].nic == nic && peers[i].conn != 0)
			link_close(links, peers[i].conn, false);
	links_unlisten(links, nic);
	for (size_t i = 0; i < n_peers; i++)
		if (peers[i].nic != nic)
			peers[kept++] = peers[i];
	n_peers = kept;
}

/* As soon as it has its address. */
static void
nic_open(size_t nic)
{
	const struct nic_state *s = &nics.v[nic].now;

	if (radar_is_open(radar, nic) || !nic_is_usable(s))
		return;
	if (radar_open(radar, nic, dev(nic), s->ifindex, addrs[nic]) &&
	    links_listen(links, nic, dev(nic), s->ifindex, addrs[nic]))
		say("open %s", dev(nic));
	else
		radar_close(radar, nic);
}

static void
on_nic(size_t nic, enum nic_news news, const struct nic_state *now, void *arg)
{
	static const char *const words[] = { "up", "down", "gone" };
	char mac[MAC_TEXT];

	(void)arg;
	say("nic %s %s %s", dev(nic), words[news], news == NIC_UP ? mac_print(now->mac, mac) : "");
	if (news == NIC_UP)
		nic_open(nic);
	else
		nic_close(nic);
}

static void
nics_send(void)
{
	_Alignas(struct nlmsghdr) uint8_t buf[NICS_REQUEST];
	size_t len = nics_ask(&nics, buf);

	lost = len != 0 && send(netlink_fd, buf, len, MSG_DONTWAIT) != (ssize_t)len;
}

static void
on_netlink(evutil_socket_t fd, short what, void *arg)
{
	static _Alignas(struct nlmsghdr) uint8_t buf[CHUNK];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)what;
	(void)arg;
	if (n < 0 ? errno == ENOBUFS : nics_read(&nics, buf, (size_t)n))
		nics_send();
}

/* --- time ----------------------------------------------------------------------------- */

/* Of nobody in particular, and to nobody. */
static void
hello(size_t nic)
{
	struct peer_msg m = { .type = PEER_hello };

	m.hello.node = 1;
	memcpy(m.hello.mac, nics.v[nic].now.mac.b, sizeof(m.hello.mac));
	m.hello.address = addrs[nic];
	m.hello.interval = TICK_MS;
	m.hello.timestamp = (uint32_t)mono_now();
	if (radar_is_open(radar, nic))
		radar_say(radar, nic, &m);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	static const uint8_t gexp = 1;
	static const uint32_t pos;
	struct peer_msg call = { .type = PEER_full_request };

	(void)fd;
	(void)what;
	(void)arg;
	if (leaving && links_leaving(links) == 0)
		event_base_loopbreak(base);
	if (leaving)
		return;
	if (lost || nics.failed)
		nics_send();
	call.full_request.requester = (struct peer_addr){ { &gexp, 1 }, { &pos, 1 } };
	for (size_t i = 0; i < conf.n_interfaces; i++) {
		nic_open(i);
		hello(i);
	}
	for (size_t i = 0; i < n_peers; i++)
		if (peers[i].stands)
			link_call(links, peers[i].conn, 1, 2, &call, 0, LIMIT_MS);
}

static void
on_term(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)arg;
	leaving = true;
	for (size_t i = 0; i < n_peers; i++)
		if (peers[i].conn != 0)
			link_close(links, peers[i].conn, true);
	for (size_t i = 0; i < conf.n_interfaces; i++)
		radar_close(radar, i);
}

static void
confine(const char *uid)
{
	const char *why = "";

	if (!creds_drop((uid_t)atoi(uid), (gid_t)atoi(uid), NULL, 0, &why) ||
	    !creds_limit(RLIM_INFINITY, NTKD_SANDBOX_NOFILE, &why) ||
	    !ntkd_sandbox_enter(SC_TRAP, &why)) {
		fprintf(stderr, "wirepeer: %s\n", why);
		exit(2);
	}
}

static void
netlink_open(void)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	netlink_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (netlink_fd < 0 || bind(netlink_fd, (struct sockaddr *)&any, sizeof(any)) != 0)
		die("netlink");
}

static void
arguments(int argc, char **argv)
{
	for (int i = 2; i < argc && conf.n_interfaces < CONF_INTERFACES; i++) {
		char *at = strchr(argv[i], '=');

		errno = EINVAL;
		if (at == NULL || at - argv[i] >= CONF_IFNAME ||
		    !ip_parse(at + 1, &addrs[conf.n_interfaces]))
			die(argv[i]);
		memcpy(conf.interfaces[conf.n_interfaces++].name, argv[i], (size_t)(at - argv[i]));
	}
	if (conf.n_interfaces == 0) {
		fputs("usage: wirepeer UID DEV=ADDRESS...\n", stderr);
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	static const struct link_handlers handlers = {
		on_accepted, on_connected, on_message, on_answered, on_ended,
	};
	static const struct timeval tick = { 0, TICK_MS * 1000 };
	struct event *readable, *timer, *term;

	setvbuf(stdout, NULL, _IOLBF, 0);
	arguments(argc, argv);
	netlink_open();
	base = event_base_new();
	radar = base != NULL ? radar_new(base, on_heard, NULL) : NULL;
	links = base != NULL ? links_new(base, &handlers, NULL) : NULL;
	readable = event_new(base, netlink_fd, EV_READ | EV_PERSIST, on_netlink, NULL);
	timer = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	term = evsignal_new(base, SIGTERM, on_term, NULL);
	if (radar == NULL || links == NULL || readable == NULL || timer == NULL || term == NULL)
		die("memory");
	event_add(term, NULL);
	event_add(readable, NULL);
	event_add(timer, &tick);
	nics_init(&nics, &conf, on_nic, NULL);
	say("ready");
	confine(argv[1]);
	nics_send();
	event_base_dispatch(base);
	_exit(leaving ? 0 : 1);
}
