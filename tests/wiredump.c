/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wiredump INTERFACE...: what neighbours say to each other there, one line per message, decoded by
 * the tables of proto/ and no other knowledge.
 *
 *	SECONDS udp SOURCE > DESTINATION ttl N kind type call N ID > ID body
 *	SECONDS tcp SOURCE:PORT > DESTINATION:PORT ttl N ...
 *
 * Streams are put together from their beginning; what was sent twice is passed over.  Ended by
 * SIGTERM or SIGINT it prints how many packets, messages and undecodable ones there were, the
 * largest TTL of those that carried something or wanted a connection (the kernel refuses and takes
 * leave with its own), and what was lost; its exit status is 1 when something was not decoded.
 * Needs CAP_NET_RAW, so it is no part of the daemon.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/net.h"
#include "ntkd/io/frames.h"
#include "ntkd/io/peersock.h"

enum { INTERFACES = 16, FLOWS = 1024, PACKET = 65536, RECEIVE = 8 << 20 };

/* One direction of a connection. */
struct flow {
	ntk_ip_t src, dst;
	uint16_t sport, dport;
	uint32_t next;		/* sequence number of the byte that comes next */
	bool known;		/* its beginning was seen, and nothing was missed since */
	struct frames frames;
};

static struct {
	uint64_t packets, messages, undecoded, gaps, lost;
	unsigned ttl;
} total;
static struct flow flows[FLOWS];
static size_t n_flows;
static struct msg_arena arena;
static volatile sig_atomic_t ended;

static void
on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

static const char *
kind_name(uint8_t kind)
{
	static const char *const names[] = { "?", "call", "notice", "result", "error", "wait" };

	return names[kind <= PEER_WAIT ? kind : 0];
}

static void
print_head(const char *transport, const struct iphdr *ip, uint16_t sport, uint16_t dport)
{
	struct timespec now;
	char src[IP_TEXT], dst[IP_TEXT];

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%jd.%06ld %s %s:%u > %s:%u ttl %u ", (intmax_t)now.tv_sec, now.tv_nsec / 1000,
	    transport, ip_print(ntohl(ip->saddr), src), sport, ip_print(ntohl(ip->daddr), dst), dport,
	    ip->ttl);
}

static void
print_message(const struct frames_msg *m)
{
	const struct peer_frame *f = &m->frame;

	total.messages++;
	printf("%s %s call %" PRIu32 " %" PRIu32 " > %" PRIu32, kind_name(f->kind),
	    peer_msg_name(f->type), f->call, f->source, f->destination);
	if (f->kind == PEER_ERROR)
		printf(" error %u %s", m->error, peer_error_name(m->error));
	if (f->kind < PEER_ERROR) {
		int n = peer_msg_print(&m->body, NULL, 0);
		char *text = malloc((size_t)n + 1);

		if (text != NULL) {
			peer_msg_print(&m->body, text, (size_t)n + 1);
			printf(" %s", text);
		}
		free(text);
	}
	putchar('\n');
}

static void
print_undecoded(const struct msg_error *err)
{
	total.undecoded++;
	printf("UNDECODED %s %s %s (%" PRIu64 ")\n", err->message, err->field, err->why, err->value);
}

static void
ttl_note(const struct iphdr *ip)
{
	total.ttl = ip->ttl > total.ttl ? ip->ttl : total.ttl;
}

static void
read_udp(const struct iphdr *ip, const uint8_t *data, size_t len)
{
	const struct udphdr *udp = (const struct udphdr *)(const void *)data;
	struct msg_error err = { "datagram", "", "more or less than a message", 0 };
	struct frames_msg m;
	struct frames f;
	uint8_t *to;
	size_t room;

	if (len < sizeof(*udp) || ntohs(udp->dest) != PEER_PORT || ntohs(udp->len) < sizeof(*udp) ||
	    ntohs(udp->len) > len)
		return;
	ttl_note(ip);
	len = ntohs(udp->len) - sizeof(*udp);
	print_head("udp", ip, ntohs(udp->source), ntohs(udp->dest));
	frames_init(&f, PEER_BODY_MAX);
	for (size_t at = 0; at < len && (to = frames_room(&f, &room)) != NULL; at += room) {
		room = room < len - at ? room : len - at;
		memcpy(to, data + sizeof(*udp) + at, room);
		frames_put(&f, room);
	}
	if (frames_next(&f, &arena, &m, &err) == FRAMES_MESSAGE && !frames_partial(&f))
		print_message(&m);
	else
		print_undecoded(&err);
	frames_free(&f);
}

static struct flow *
flow_find(const struct iphdr *ip, const struct tcphdr *tcp)
{
	struct flow key = { .src = ntohl(ip->saddr), .dst = ntohl(ip->daddr),
		.sport = ntohs(tcp->source), .dport = ntohs(tcp->dest) };

	for (size_t i = 0; i < n_flows; i++)
		if (flows[i].src == key.src && flows[i].dst == key.dst && flows[i].sport == key.sport &&
		    flows[i].dport == key.dport)
			return &flows[i];
	if (n_flows == FLOWS)
		return NULL;
	frames_init(&key.frames, PEER_BODY_MAX);
	flows[n_flows] = key;
	return &flows[n_flows++];
}

static void
flow_feed(struct flow *f, const struct iphdr *ip, const uint8_t *data, size_t len)
{
	struct msg_error err = { "", "", "", 0 };
	enum frames_next next;
	struct frames_msg m;
	uint8_t *to;
	size_t room;

	for (size_t at = 0; at < len && (to = frames_room(&f->frames, &room)) != NULL; at += room) {
		room = room < len - at ? room : len - at;
		memcpy(to, data + at, room);
		frames_put(&f->frames, room);
	}
	while ((next = frames_next(&f->frames, &arena, &m, &err)) == FRAMES_MESSAGE) {
		print_head("tcp", ip, f->sport, f->dport);
		print_message(&m);
	}
	if (next != FRAMES_BROKEN)
		return;
	print_head("tcp", ip, f->sport, f->dport);
	print_undecoded(&err);
	f->known = false;
}

static void
read_tcp(const struct iphdr *ip, const uint8_t *data, size_t len)
{
	const struct tcphdr *tcp = (const struct tcphdr *)(const void *)data;
	struct flow *f;
	uint32_t seq;
	size_t head;

	if (len < sizeof(*tcp) || (ntohs(tcp->dest) != PEER_PORT && ntohs(tcp->source) != PEER_PORT) ||
	    (head = tcp->doff * 4U) < sizeof(*tcp) || head > len || (f = flow_find(ip, tcp)) == NULL)
		return;
	seq = ntohl(tcp->seq);
	if (tcp->syn || len > head)
		ttl_note(ip);
	if (tcp->syn) {
		frames_free(&f->frames);
		frames_init(&f->frames, PEER_BODY_MAX);
		f->next = seq + 1;
		f->known = true;
		return;
	}
	data += head;
	len -= head;
	if (!f->known || len == 0 || (int32_t)(seq + (uint32_t)len - f->next) <= 0)
		return;
	if ((int32_t)(seq - f->next) > 0) {
		total.gaps++;
		f->known = false;
		print_head("tcp", ip, f->sport, f->dport);
		printf("something was missed; not followed any further\n");
		return;
	}
	data += f->next - seq;
	len -= f->next - seq;
	f->next += (uint32_t)len;
	flow_feed(f, ip, data, len);
}

static void
read_packet(const uint8_t *data, size_t len)
{
	const struct iphdr *ip = (const struct iphdr *)(const void *)data;
	size_t head, whole;

	if (len < sizeof(*ip) || ip->version != 4 || (head = ip->ihl * 4U) < sizeof(*ip) ||
	    (whole = ntohs(ip->tot_len)) < head || whole > len)
		return;
	if (ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP)
		return;
	total.packets++;
	if (ip->protocol == IPPROTO_UDP)
		read_udp(ip, data + head, whole - head);
	else
		read_tcp(ip, data + head, whole - head);
}

static int
sniff(const char *dev)
{
	/* All, since of a port of a bridge the others are never told. */
	struct sockaddr_ll place = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(dev) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL)), size = RECEIVE;

	if (fd < 0 || place.sll_ifindex == 0 ||
	    bind(fd, (struct sockaddr *)&place, sizeof(place)) != 0) {
		fprintf(stderr, "wiredump: %s: %s\n", dev, strerror(errno));
		exit(2);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

/* Reads one that waits at FD. */
static void
receive(int fd)
{
	static _Alignas(8) uint8_t buf[PACKET];
	struct sockaddr_ll from = { .sll_protocol = 0 };
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	if (n > 0 && from.sll_protocol == htons(ETH_P_IP))
		read_packet(buf, (size_t)n);
}

static void
count_lost(int fd)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		total.lost += stats.tp_drops;
}

int
main(int argc, char **argv)
{
	struct pollfd fds[INTERFACES];
	struct sigaction act = { .sa_handler = on_signal };
	int n = argc - 1;

	if (n < 1 || n > INTERFACES) {
		fputs("usage: wiredump INTERFACE...\n", stderr);
		return 2;
	}
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = sniff(argv[i + 1]), .events = POLLIN };
	puts("listening");
	while (!ended) {
		if (poll(fds, (nfds_t)n, -1) < 0)
			continue;
		for (int i = 0; i < n; i++)
			if ((fds[i].revents & POLLIN) != 0)
				receive(fds[i].fd);
	}
	for (int i = 0; i < n; i++)
		count_lost(fds[i].fd);
	printf("packets %" PRIu64 " messages %" PRIu64 " undecoded %" PRIu64 " ttl %u gaps %" PRIu64
	    " lost %" PRIu64 "\n", total.packets, total.messages, total.undecoded, total.ttl,
	    total.gaps, total.lost);
	return total.undecoded > 0;
}
