/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/kmon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "ntkd/io/daemon.h"
#include "ntkd/kernel/drift.h"

enum {
	RECEIVE_BYTES = 4 << 20,	/* of notifications that wait for us */
	DATAGRAM = 32768,		/* the kernel's own limit for one is below that */
	AT_ONCE = 64,			/* read before others have their turn */
	LOST_SECONDS = 60,		/* between two lines about lost ones */
	ASK_SECONDS = 1,		/* until the kernel is asked again, when it had no answer */
};

struct kmon;

struct source {
	struct kmon *m;
	int fd;			/* -1: none */
	int protocol;
	struct event *readable;
};

struct kmon {
	struct daemon *d;
	struct knote_rules rules;
	struct knote_links links;
	kmon_told *tell;
	struct nics nics;
	nics_told *tell_nics;	/* NULL: nobody wants to know */
	void *nics_arg;
	struct event *ask_again;
	struct source sources[KMON_SOCKETS];
	uint64_t lost_told;	/* when, µs; 0: never */
	struct kmon_counters counters;
	_Alignas(struct nlmsghdr) uint8_t buf[DATAGRAM];
};

static const int protocols[KMON_SOCKETS] = { NETLINK_ROUTE, NETLINK_NETFILTER };

/* IPv4 only: nothing of ours is IPv6. */
static const int route_groups[] = {
	RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE,
	RTNLGRP_IPV4_NETCONF, 0,
};
static const int nft_groups[] = { NFNLGRP_NFTABLES, 0 };

/* --- while root --------------------------------------------------------------- */

bool
kmon_filter(int fd, const struct knote_rules *rules)
{
	enum {
		TYPE = offsetof(struct nlmsghdr, nlmsg_type),
		PORT = offsetof(struct nlmsghdr, nlmsg_pid),
		LENGTH = NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_dst_len),
		TABLE = NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_table),
		PROTOCOL = NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol),
	};
	/* Loads are big-endian.  Jumps count the instructions that are passed over. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 13),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PORT),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, htonl(KNOTE_PORT)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(rules->helper & KNOTE_PORT), 11, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, PROTOCOL),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rules->protocol, 8, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TABLE),
		/* A number that does not fit is looked at later. */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_COMPAT, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_MAIN, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, rules->more_tables.first, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, rules->tables.last, 0, 4),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, rules->tables.first, 3, 2),
		/* Neighbour routes, which others' may stand in the place of. */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, LENGTH),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NTK_IP_BITS, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static bool
option_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* -1 with errno. */
static int
source_open(int protocol, const int *groups)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	bool ok = fd >= 0 && option_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES) &&
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;

	for (; ok && *groups != 0; groups++)
		ok = option_set(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, *groups);
	if (ok || fd < 0)
		return fd;
	close(fd);
	return -1;
}

void
kmon_open(const struct knote_rules *rules, int fds[KMON_SOCKETS])
{
	fds[0] = source_open(protocols[0], route_groups);
	if (fds[0] < 0)
		log_warn("kernel", "changes of routes, rules, addresses and links by others are "
		    "noticed once a minute only");
	else if (!kmon_filter(fds[0], rules))
		log_warn("kernel", "routes of other tables keep us awake");
	fds[1] = source_open(protocols[1], nft_groups);
	if (fds[1] < 0)
		log_warn("kernel", "changes of nftables by others are noticed once a minute only");
	for (size_t i = 0; i < KMON_SOCKETS; i++)
		if (fds[i] >= 0 && !option_set(fds[i], SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1)) {
			log_warn("kernel", "changes by others in namespaces of our own are noticed "
			    "once a minute only");
			break;
		}
}

/* --- in the loop ---------------------------------------------------------------- */

/* What is ours changes with the interfaces: those that came have other numbers. */
static void
devs_set(struct kmon *m)
{
	m->rules.n_devs = 0;
	for (size_t i = 0; i < m->d->conf.n_interfaces; i++) {
		struct kernel_dev dev = kernel_device(m->d->kernel, 0, i);
		const struct nic_state *now = &m->nics.v[i].now;

		if (m->tell_nics != NULL && now->present)
			m->rules.devs[m->rules.n_devs++] = now->ifindex;
		else if (dev.present)
			m->rules.devs[m->rules.n_devs++] = dev.ifindex;
	}
}

static void
on_nic(size_t nic, enum nic_news news, const struct nic_state *now, void *arg)
{
	struct kmon *m = arg;

	devs_set(m);
	m->tell_nics(nic, news, now, m->nics_arg);
}

/* Asks which interfaces there are. */
static void
nics_send(struct kmon *m)
{
	static const struct timeval later = { ASK_SECONDS, 0 };
	_Alignas(struct nlmsghdr) uint8_t buf[NICS_REQUEST];
	size_t len;

	if (m->tell_nics == NULL)
		return;
	len = nics_ask(&m->nics, buf);
	if (len == 0 || send(m->sources[0].fd, buf, len, MSG_DONTWAIT) == (ssize_t)len)
		return;
	m->nics.seq = 0;
	event_add(m->ask_again, &later);
}

static void
on_ask_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	nics_send(arg);
}

static void
nics_take(struct kmon *m, size_t len)
{
	static const struct timeval later = { ASK_SECONDS, 0 };

	if (m->tell_nics == NULL)
		return;
	if (nics_read(&m->nics, m->buf, len))
		nics_send(m);
	else if (m->nics.failed)
		event_add(m->ask_again, &later);
}

static int32_t
message_nsid(struct msghdr *msg)
{
	int32_t nsid = KNOTE_HERE;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID &&
		    c->cmsg_len == CMSG_LEN(sizeof(nsid)))
			memcpy(&nsid, CMSG_DATA(c), sizeof(nsid));
	return nsid;
}

/* A real interface carries the pseudo-interfaces of every namespace. */
static void
message_read(struct source *s, struct msghdr *msg, size_t len)
{
	struct kmon *m = s->m;
	int32_t nsid = message_nsid(msg);
	unsigned ns = nsid == KNOTE_HERE ? 0 : kernel_ns_called(m->d->kernel, (uint32_t)nsid);
	struct knote note;

	if (ns == KERNEL_NAMESPACES)
		return;
	if ((msg->msg_flags & MSG_TRUNC) != 0)
		note = (struct knote){ KNOTE_TOUCHED, "something long" };
	else
		note = knote_read(&m->rules, &m->links, s->protocol, nsid, m->buf, len);
	/* First what was noted: an interface that is gone is ours until then. */
	if (note.what != KNOTE_NOTHING)
		m->tell(m->d, note.what == KNOTE_LINKED && ns == 0 ? DRIFT_ALL : ns, note);
	if (nsid == KNOTE_HERE && s->protocol == NETLINK_ROUTE && (msg->msg_flags & MSG_TRUNC) == 0)
		nics_take(m, len);
}

/* The kernel had no room to tell us everything, so everything must be looked at. */
static void
lost(struct kmon *m)
{
	uint64_t now = daemon_now();

	m->counters.lost++;
	if (m->lost_told == 0 || now - m->lost_told >= LOST_SECONDS * UINT64_C(1000000)) {
		m->lost_told = now;
		log_warnx("kernel", "notifications came faster than they could be read, and some "
		    "are lost; everything is compared");
	}
	m->tell(m->d, DRIFT_ALL, (struct knote){ KNOTE_TOUCHED, "lost notifications" });
	nics_send(m);
}

/* Reads one datagram; false when there is none now. */
static bool
source_read(struct source *s)
{
	struct kmon *m = s->m;
	struct sockaddr_nl from = { .nl_pid = 1 };
	struct iovec iov = { m->buf, sizeof(m->buf) };
	union {
		struct cmsghdr head;
		uint8_t buf[CMSG_SPACE(sizeof(int32_t))];
	} control;
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT);

	if (n < 0 && errno == ENOBUFS) {
		lost(m);
		return true;
	}
	if (n < 0)
		return errno == EINTR;
	m->counters.read++;
	/* Only the kernel has port 0. */
	if (from.nl_family == AF_NETLINK && from.nl_pid == 0)
		message_read(s, &msg, (size_t)n);
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct source *s = arg;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < AT_ONCE && source_read(s); i++)
		continue;
}

void
kmon_catch_up(struct kmon *m)
{
	if (m->sources[0].fd >= 0 && m->tell_nics != NULL)
		on_readable(m->sources[0].fd, 0, &m->sources[0]);
}

struct kmon *
kmon_new(struct daemon *d, const struct knote_rules *rules, const int fds[KMON_SOCKETS],
    kmon_told *tell)
{
	struct kmon *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->d = d;
	m->rules = *rules;
	m->tell = tell;
	for (size_t i = 0; i < KMON_SOCKETS; i++) {
		struct source *s = &m->sources[i];

		*s = (struct source){ .m = m, .fd = -1, .protocol = protocols[i] };
		if (fds[i] < 0)
			continue;
		s->readable = event_new(d->base, fds[i], EV_READ | EV_PERSIST, on_readable, s);
		if (s->readable == NULL) {
			kmon_free(m);
			return NULL;
		}
	}
	for (size_t i = 0; i < KMON_SOCKETS; i++)
		m->sources[i].fd = fds[i];
	return m;
}

void
kmon_free(struct kmon *m)
{
	if (m == NULL)
		return;
	if (m->ask_again != NULL)
		event_free(m->ask_again);
	for (size_t i = 0; i < KMON_SOCKETS; i++) {
		if (m->sources[i].readable != NULL)
			event_free(m->sources[i].readable);
		if (m->sources[i].fd >= 0)
			close(m->sources[i].fd);
	}
	free(m);
}

bool
kmon_on_nics(struct kmon *m, nics_told *tell, void *arg)
{
	if (m->sources[0].fd < 0)
		return false;
	m->ask_again = evtimer_new(m->d->base, on_ask_again, m);
	if (m->ask_again == NULL)
		return false;
	nics_init(&m->nics, &m->d->conf, on_nic, m);
	m->tell_nics = tell;
	m->nics_arg = arg;
	return true;
}

const struct nic_state *
kmon_nic(const struct kmon *m, size_t nic)
{
	return m->tell_nics != NULL ? &m->nics.v[nic].now : NULL;
}

void
kmon_start(struct kmon *m)
{
	devs_set(m);
	nics_send(m);
	for (size_t i = 0; i < KMON_SOCKETS; i++)
		if (m->sources[i].readable != NULL)
			event_add(m->sources[i].readable, NULL);
}

struct kmon_counters
kmon_counters(const struct kmon *m)
{
	return m != NULL ? m->counters : (struct kmon_counters){ 0 };
}
