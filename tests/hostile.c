/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile SECONDS MODE DEV ADDRESS [PEER]: one that shares a link with daemons and means them ill, for
 * tests.  It writes frames of Ethernet itself (CAP_NET_RAW), so that it can be anybody; ADDRESS is its own
 * link-local, which the interface must have where PEER, the address of a daemon, is connected to.
 *
 *	noise		datagrams of random bytes
 *	absurd		datagrams that are frames, with random values within the bounds of the protocol's tables
 *	crowd N		hellos of N invented neighbours, each with node id, MAC and address of its own (PEER is N)
 *	copy		its own hellos, ten a second, with PEER's address, from PEER's address
 *	drown		the same as often as the link takes it, so that PEER's own are not heard
 *	flood		one hello as often as the link takes it
 *	dial		connections to PEER: random bytes over each
 *	stall		connections to PEER, as many as it can have: silent ones, and such as begin a frame
 *	guest		becomes PEER's neighbour, with a low node id, and speaks: calls, notices and answers
 *			with random values, frames of unknown types, and pieces of frames
 *	flap		becomes PEER's neighbour and leaves, again and again
 *	spoof		answers of ARP that nobody asked for: PEER's address is at its own MAC
 *	greedy		as guest, but only calls, as fast as it can, and reads no answer
 *
 * At the end it prints what it did: "sent N connected N".  The same at every run, but for the kernel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mono.h"
#include "common/net.h"
#include "common/rng.h"
#include "ntkd/io/frames.h"
#include "ntkd/io/peersock.h"

enum {
	BODY = 1472,		/* of a datagram */
	POOL = 1 << 16,
	LIST = 8,		/* elements of a random list */
	CONNS = 400,
	MS = 1000,		/* µs */
};

static struct rng rng;
static int raw, wire_index;
static const char *dev;
static ntk_ip_t own, peer;
static uint32_t ours;		/* our node id, a low one: we lead */
static uint8_t own_mac[6];
static uint8_t pool[POOL];
static size_t pool_used;
static struct peer_hello victim;	/* the last hello of PEER; node 0: none */
static uint64_t victim_at;		/* when it came */
static unsigned long sent, connected;

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "hostile: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- random messages, within the bounds of the tables ------------------------------------ */

static void record(const struct msg_desc *d, uint8_t *out);

static uint64_t
value(const struct msg_field *f)
{
	if (f->kind == MSG_N32)
		return (uint64_t)rng_below(&rng, 5) - 1;
	switch (rng_below(&rng, 4)) {
	case 0:
		return f->min;
	case 1:
		return f->max;
	default:
		return f->max - f->min == UINT64_MAX ? rng_u64(&rng) :
		    f->min + rng_u64(&rng) % (f->max - f->min + 1);
	}
}

static void
store(const struct msg_field *f, uint8_t *at, uint64_t v)
{
	const uint16_t v16 = (uint16_t)v;
	const uint32_t v32 = (uint32_t)v;

	if (f->kind == MSG_MAC)
		for (unsigned i = 0; i < 6; i++)
			at[i] = i == 0 ? 2 : (uint8_t)rng_u64(&rng);
	else if (f->size == 1)
		*at = (uint8_t)v;
	else
		memcpy(at, f->size == 2 ? (const void *)&v16 : f->size == 4 ? (const void *)&v32 : &v,
		    f->size);
}

static void
list(const struct msg_field *f, uint8_t *at)
{
	uint64_t most = f->max < f->min + LIST ? f->max : f->min + LIST;
	size_t n = f->min + rng_below(&rng, (uint32_t)(most - f->min + 1));
	struct msg_list l = { .n = (uint16_t)n };
	uint8_t *v = pool + (pool_used + 15) / 16 * 16;

	pool_used = (size_t)(v - pool) + n * f->of->size;
	if (pool_used > sizeof(pool))
		die("a message is too long");
	for (size_t i = 0; i < n; i++)
		record(f->of, v + i * f->of->size);
	l.v = n != 0 ? v : NULL;
	memcpy(at, &l, sizeof(l));
}

static void
record(const struct msg_desc *d, uint8_t *out)
{
	memset(out, 0, d->size);
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct msg_field *f = &d->fields[i];

		if (f->kind == MSG_LIST)
			list(f, out + f->offset);
		else if (f->kind == MSG_REC)
			record(f->of, out + f->offset);
		else
			store(f, out + f->offset, value(f));
	}
}

static void
random_msg(struct peer_msg *m)
{
	const struct msg_desc *d = &peer_msgs[rng_below(&rng, (uint32_t)peer_n_msgs)];

	pool_used = 0;
	m->type = d->type;
	record(d, (uint8_t *)&m->hello);
}

static void
random_bytes(uint8_t *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = (uint8_t)rng_u64(&rng);
}

/* --- datagrams ------------------------------------------------------------------------------ */

static uint16_t
ip_sum(const uint16_t *v, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

/* LEN bytes as a datagram from ADDRESS at MAC to everybody. */
static void
datagram(const uint8_t mac[6], ntk_ip_t address, const uint8_t *body, size_t len)
{
	struct {
		struct ethhdr eth;
		struct iphdr ip;
		struct udphdr udp;
		uint8_t body[BODY];
	} __attribute__((packed)) f;
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 1, .protocol = IPPROTO_UDP,
		.tot_len = htons((uint16_t)(sizeof(ip) + sizeof(f.udp) + len)),
		.saddr = htonl(address), .daddr = UINT32_MAX };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = wire_index, .sll_halen = 6 };

	memset(f.eth.h_dest, 0xff, 6);
	memset(to.sll_addr, 0xff, 6);
	memcpy(f.eth.h_source, mac, 6);
	f.eth.h_proto = htons(ETH_P_IP);
	ip.check = ip_sum((const uint16_t *)(const void *)&ip, sizeof(ip) / 2);
	f.ip = ip;
	f.udp = (struct udphdr){ .source = htons(PEER_PORT), .dest = htons(PEER_PORT),
		.len = htons((uint16_t)(sizeof(f.udp) + len)) };
	memcpy(f.body, body, len);
	sent += sendto(raw, &f, sizeof(f) - BODY + len, 0, (struct sockaddr *)&to, sizeof(to)) > 0;
}

/* M as a notice in a datagram. */
static void
say(const uint8_t mac[6], ntk_ip_t address, const struct peer_msg *m, uint8_t kind)
{
	struct peer_frame frame = { .type = m->type, .kind = kind };
	uint8_t buf[BODY];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	frames_write(&frame, m, 0, &w);
	if (wr_ok(&w))
		datagram(mac, address, buf, w.len);
}

/* A hello of NODE; it hears PEER when that was heard, and wants it. */
static void
hello(uint32_t node, const uint8_t mac[6], ntk_ip_t address)
{
	struct peer_heard heard = { .node = victim.node, .timestamp = victim.timestamp,
		.received = (uint32_t)victim_at, .flags = PEER_HEARD_WANT };
	struct peer_msg m = { .type = PEER_hello };

	m.hello.node = node;
	memcpy(m.hello.mac, mac, 6);
	memcpy(heard.mac, victim.mac, 6);
	m.hello.address = address;
	m.hello.interval = 1000;
	m.hello.timestamp = (uint32_t)mono_now();
	if (victim.node != 0) {
		m.hello.heard.v = &heard;
		m.hello.heard.n = 1;
	}
	say(mac, address, &m, PEER_NOTICE);
}

/* Reads what is on the link, until a hello of PEER came or MS passed. */
static void
listen_for(int ms)
{
	uint64_t until = mono_now() + (uint64_t)ms * MS;
	static _Alignas(16) uint8_t memory[BODY * PEER_EXPANSION + 256];
	uint8_t buf[2048];

	while (mono_now() < until) {
		struct pollfd p = { .fd = raw, .events = POLLIN };
		size_t head = sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr);
		struct msg_arena arena = { .buf = memory, .size = sizeof(memory) };
		struct msg_error err;
		struct frames_msg m;
		struct rd rd;
		ssize_t n;

		if (poll(&p, 1, 20) <= 0)
			continue;
		n = recv(raw, buf, sizeof(buf), MSG_DONTWAIT);
		if (n <= (ssize_t)head || buf[23] != IPPROTO_UDP)
			continue;
		rd_init(&rd, buf + head, (size_t)n - head);
		if (!msg_decode(&peer_frame_desc, &rd, &m.frame, &err) || m.frame.type != PEER_hello ||
		    m.frame.length != rd.left || !frames_decode(&m, &rd, &arena, &err) ||
		    m.body.hello.address != peer || m.body.hello.node == ours)
			continue;
		victim = m.body.hello;
		victim.heard.n = 0;
		victim_at = mono_now();
		return;
	}
}

/* --- connections ------------------------------------------------------------------------------- */

static int
dial(void)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(own) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(peer),
		.sin_port = htons(PEER_PORT) };
	struct pollfd p = { .events = POLLOUT };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev, (socklen_t)strlen(dev)) != 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		die("socket");
	p.fd = fd;
	if ((connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) ||
	    poll(&p, 1, 1000) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 ||
	    error != 0) {
		close(fd);
		return -1;
	}
	connected++;
	return fd;
}

/* All of it, within a second; false when the other end does not take it. */
static bool
put(int fd, const uint8_t *buf, size_t len)
{
	while (len > 0) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0 && (errno != EAGAIN || poll(&p, 1, 1000) != 1))
			return false;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
	sent++;
	return true;
}

static bool
put_msg(int fd, const struct peer_msg *m, uint8_t kind, uint32_t call, uint32_t ids)
{
	static uint8_t buf[POOL];
	struct peer_frame frame = { .type = m->type, .kind = kind, .call = call, .source = ids,
		.destination = ids };
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	frames_write(&frame, m, PEER_E_BUSY, &w);
	return !wr_ok(&w) || put(fd, buf, w.len);
}

/* Waits for the answer to our OPEN; what it says is the daemon's business. */
static bool
opened(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[256];
	ssize_t n = poll(&p, 1, 2000) == 1 ? recv(fd, buf, sizeof(buf), 0) : -1;

	/* The fifth byte of a frame is its kind. */
	return n > 4 && buf[4] == PEER_RESULT;
}

/* Becomes PEER's neighbour; -1: not now. */
static int
enter(void)
{
	static const uint8_t sizes[] = { 1, 1, 1, 2 };	/* 4.2.2.2, lowest first */
	struct peer_msg m = { .type = PEER_open };
	int fd;

	listen_for(victim.node == 0 ? 2000 : 0);
	if (victim.node == 0)
		return -1;
	hello(ours, own_mac, own);
	usleep(20 * MS);
	fd = dial();
	m.open.protocol = PEER_VERSION;
	m.open.node = ours;
	memcpy(m.open.mac, own_mac, 6);
	m.open.address = own;
	m.open.peer_node = victim.node;
	memcpy(m.open.peer_mac, victim.mac, 6);
	m.open.peer_address = peer;
	m.open.range = 0x0a000000;
	m.open.range_len = 8;
	m.open.gexp = (struct peer_gexp_list){ sizes, sizeof(sizes) };
	if (fd >= 0 && put_msg(fd, &m, PEER_CALL, 1, 0) && opened(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* --- what it does ---------------------------------------------------------------------------------- */

static void
noise(void)
{
	uint8_t buf[BODY];
	size_t n = rng_below(&rng, BODY + 1);

	random_bytes(buf, n);
	datagram(own_mac, own, buf, n);
	usleep(MS);
}

static void
absurd(void)
{
	struct peer_msg m;

	random_msg(&m);
	/* Most are what a hello can be. */
	if (rng_below(&rng, 4) != 0) {
		pool_used = 0;
		m.type = PEER_hello;
		record(&peer_msgs[0], (uint8_t *)&m.hello);
		if (rng_below(&rng, 2) == 0)
			m.hello.address = own;
	}
	say(own_mac, own, &m, (uint8_t)(1 + rng_below(&rng, PEER_WAIT)));
	say(own_mac, own, &m, PEER_NOTICE);
	usleep(MS);
}

static void
crowd(unsigned long n)
{
	static unsigned long next;
	unsigned long i = next++ % n;
	uint8_t mac[6] = { 2, 0x66, 0, 0, (uint8_t)(i >> 8), (uint8_t)i };

	hello((uint32_t)(1000 + i), mac, 0xa9fe0000 | ((uint32_t)(1 + i / 250) << 8) |
	    (uint32_t)(1 + i % 250));
	if (next % 16 == 0)
		usleep(MS);
}

static void
stall(void)
{
	static const uint8_t begun[] = { PEER_MAGIC >> 8, PEER_MAGIC & 0xff, PEER_VERSION, PEER_open,
		PEER_CALL, 0, 0, 0, 1 };
	static int fds[CONNS];
	static size_t next;
	int *fd = &fds[next++ % CONNS];

	if (*fd > 0)
		close(*fd);
	*fd = dial();
	if (*fd > 0 && next % 2 == 0)
		put(*fd, begun, sizeof(begun));
	usleep(2 * MS);
	if (next % 500 == 0)
		hello(ours, own_mac, own);
}

static void
babble(void)
{
	uint8_t buf[4096];
	int fd = dial();

	random_bytes(buf, sizeof(buf));
	while (fd >= 0 && put(fd, buf, 1 + rng_below(&rng, sizeof(buf))) && rng_below(&rng, 4) != 0)
		random_bytes(buf, sizeof(buf));
	if (fd >= 0)
		close(fd);
	usleep(5 * MS);
}

static void
guest(void)
{
	int fd = enter();
	uint8_t buf[64];
	struct peer_msg m;

	for (unsigned i = 0; fd >= 0 && i < 200; i++) {
		random_msg(&m);
		/* A message in its place, mostly; identities that may be. */
		if (!put_msg(fd, &m, peer_answer_type(m.type) != 0 ? PEER_CALL : PEER_NOTICE,
		    peer_answer_type(m.type) != 0 ? i + 2 : 0, rng_below(&rng, 2) == 0 ? 0 :
		    (uint32_t)rng_u64(&rng)))
			break;
		if (rng_below(&rng, 50) == 0 && (random_msg(&m), !put_msg(fd, &m,
		    (uint8_t)(1 + rng_below(&rng, PEER_WAIT)), rng_below(&rng, 8), 0)))
			break;
		if (rng_below(&rng, 100) == 0 && (random_bytes(buf, sizeof(buf)), !put(fd, buf, sizeof(buf))))
			break;
		usleep(MS);
	}
	if (fd >= 0)
		close(fd);
}

static void
greedy(uint64_t until)
{
	struct peer_msg m = { .type = PEER_get_main_id };
	uint64_t said = 0;
	int fd = enter();

	m.get_main_id.main = 1;
	for (uint32_t call = 2; fd >= 0 && put_msg(fd, &m, PEER_CALL, call, 0) && mono_now() < until; call++)
		if (mono_now() - said > 500 * MS) {
			said = mono_now();
			hello(ours, own_mac, own);
		}
	if (fd >= 0)
		close(fd);
}

/* An arc that comes and goes. */
static void
flap(void)
{
	int fd = enter();

	if (fd >= 0)
		close(fd);
}

/* Says to everybody that PEER's address is at our MAC. */
static void
spoof(void)
{
	struct {
		struct ethhdr eth;
		struct arphdr arp;
		uint8_t from_mac[6];
		uint32_t from;
		uint8_t to_mac[6];
		uint32_t to;
	} __attribute__((packed)) f = { .arp = { htons(ARPHRD_ETHER), htons(ETH_P_IP), 6, 4,
		htons(ARPOP_REPLY) } };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = wire_index, .sll_halen = 6 };

	memset(f.eth.h_dest, 0xff, 6);
	memset(to.sll_addr, 0xff, 6);
	memset(f.to_mac, 0xff, 6);
	memcpy(f.eth.h_source, own_mac, 6);
	memcpy(f.from_mac, own_mac, 6);
	f.eth.h_proto = htons(ETH_P_ARP);
	f.from = f.to = htonl(peer);
	sent += sendto(raw, &f, sizeof(f), 0, (struct sockaddr *)&to, sizeof(to)) > 0;
	usleep(50 * MS);
}

static void
act(const char *mode, unsigned long n, uint64_t until)
{
	if (strcmp(mode, "noise") == 0) {
		noise();
	} else if (strcmp(mode, "absurd") == 0) {
		absurd();
	} else if (strcmp(mode, "crowd") == 0) {
		crowd(n);
	} else if (strcmp(mode, "copy") == 0) {
		hello(ours, own_mac, peer);
		usleep(100 * MS);
	} else if (strcmp(mode, "flood") == 0) {
		hello(ours, own_mac, own);
	} else if (strcmp(mode, "drown") == 0) {
		hello(ours, own_mac, peer);
	} else if (strcmp(mode, "dial") == 0) {
		babble();
	} else if (strcmp(mode, "stall") == 0) {
		stall();
	} else if (strcmp(mode, "guest") == 0) {
		guest();
	} else if (strcmp(mode, "flap") == 0) {
		flap();
	} else if (strcmp(mode, "spoof") == 0) {
		spoof();
	} else if (strcmp(mode, "greedy") == 0) {
		greedy(until);
	} else {
		errno = EINVAL;
		die(mode);
	}
}

static void
open_wire(void)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	struct ifreq r = { 0 };

	raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));
	wire_index = (int)if_nametoindex(dev);
	at.sll_ifindex = wire_index;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", dev);
	if (raw < 0 || bind(raw, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    ioctl(raw, SIOCGIFHWADDR, &r) != 0)
		die(dev);
	memcpy(own_mac, r.ifr_hwaddr.sa_data, 6);
}

int
main(int argc, char **argv)
{
	uint64_t until = mono_now() + (argc > 1 ? strtoul(argv[1], NULL, 10) : 0) * 1000 * MS;
	unsigned long n = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;

	if (argc < 5 || !ip_parse(argv[4], &own) || (argc > 5 && !ip_parse(argv[5], &peer) && n == 0)) {
		fputs("usage: hostile SECONDS MODE DEV ADDRESS [PEER]\n", stderr);
		return 2;
	}
	dev = argv[3];
	ours = 1 + (own & 0xff);
	rng_init(&rng, 1);
	open_wire();
	while (mono_now() < until)
		act(argv[2], n, until);
	printf("sent %lu connected %lu\n", sent, connected);
	return 0;
}
