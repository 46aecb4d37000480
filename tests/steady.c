/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A steady stream of packets, and what became of each:
 *
 *	steady ping ADDRESS [INTERVAL_US]	echo requests
 *	steady take PORT			the receiving end of a connection
 *	steady give ADDRESS PORT [INTERVAL_US]	the sending end: a piece of data per interval
 *
 * Each goes on until SIGTERM, then waits for what is on its way and prints what it has counted.  Times are
 * microseconds of the time of day.  The first line is "ready" ("give", "ping": something came back).
 *
 *	ready
 *	lost FIRST COUNT SINCE UNTIL WHY	of a ping: pings without an answer, one after another
 *	ping sent N answered N lost N overflow N pause US rtt US
 *	take bytes N wrong N pause US at US
 *	give bytes N confirmed N retransmitted N spurious N error WORDS
 *
 * WHY is why they could not be sent, or who says that they cannot be delivered, or "silence".  "overflow"
 * counts what the kernel had for us and no room: answers that came and that we did not read in time, so up to
 * as many of the lost are not lost.  "pause" is the longest time between two sends (of "take": between two
 * arrivals): when nobody let us run, nothing was tried.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	INTERVAL_US = 10000,
	PINGS = 1000000,
	LAST_WAIT_US = 2000000,		/* for what is on its way at the end */
	CONNECTION_WAIT_US = 10000000,
	PIECE = 2000,			/* bytes of a connection per interval */
	ROOM = 8 << 20,			/* bytes, of a socket's buffer */
	REASON = 100,
};

struct ping {
	uint64_t sent;		/* µs */
	uint32_t rtt;		/* µs, 0: no answer */
	int error;		/* of sending */
	uint32_t told_by;	/* who says that it cannot be delivered; network byte order */
	uint8_t type, code;
};

/* What goes over the wire after the ICMP header; its first octets are ours, not another stream's. */
struct payload {
	uint64_t mine;
	uint64_t seq;
};

static volatile sig_atomic_t ended;

static void
on_term(int sig)
{
	(void)sig;
	ended = 1;
}

static void
die(const char *what)
{
	fprintf(stderr, "steady: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
usage(void)
{
	fprintf(stderr, "usage: steady ping ADDRESS [INTERVAL_US] | take PORT | give ADDRESS PORT [INTERVAL_US]\n");
	exit(2);
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* We do little and want to do it in time, however many others want to run. */
static void
be_punctual(void)
{
	struct sched_param p = { .sched_priority = 1 };

	sched_setscheduler(0, SCHED_RR, &p);
}

static struct sockaddr_in
address(const char *text, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
		usage();
	return a;
}

static uint64_t
number(const char *text, uint64_t max)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || n == 0 || n > max)
		usage();
	return n;
}

/* Waits until FD has something to read or UNTIL has come. */
static bool
readable(int fd, uint64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = now_us(), left = until > now ? until - now : 0;
	struct timespec t = { (time_t)(left / 1000000), (long)(left % 1000000) * 1000 };

	return ppoll(&p, 1, &t, NULL) > 0;
}

static void
say_ready(void)
{
	printf("ready\n");
	fflush(stdout);
}

/* --- ping ------------------------------------------------------------------------------------- */

static struct ping *pings;
static uint64_t n_pings;
static uint32_t overflow;
static uint64_t mine;

static int
ping_socket(void)
{
	/* Bits are what is not wanted. */
	struct icmp_filter f = { ~(1U << ICMP_ECHOREPLY | 1U << ICMP_DEST_UNREACH |
	    1U << ICMP_TIME_EXCEEDED) };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	int room = ROOM, on = 1;

	if (fd < 0 || setsockopt(fd, SOL_RAW, ICMP_FILTER, &f, sizeof(f)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		die("socket");
	return fd;
}

static uint16_t
checksum(const void *buf, size_t n)
{
	const uint8_t *b = buf;
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~(sum + (sum >> 16)));
}

static void
ping_send(int fd, const struct sockaddr_in *to)
{
	struct {
		struct icmphdr h;
		struct payload p;
	} m = { .h = { .type = ICMP_ECHO } };
	struct ping *p = &pings[n_pings];

	m.h.un.echo.id = htons((uint16_t)mine);
	m.h.un.echo.sequence = htons((uint16_t)n_pings);
	m.p = (struct payload){ mine, n_pings };
	m.h.checksum = checksum(&m, sizeof(m));
	*p = (struct ping){ .sent = now_us() };
	n_pings++;
	if (sendto(fd, &m, sizeof(m), 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		p->error = errno;
}

static void
answered(const uint8_t *b, size_t n, uint64_t now)
{
	struct payload p;

	if (n < sizeof(struct icmphdr) + sizeof(p))
		return;
	memcpy(&p, b + sizeof(struct icmphdr), sizeof(p));
	if (p.mine != mine || p.seq >= n_pings || pings[p.seq].rtt != 0)
		return;
	pings[p.seq].rtt = now > pings[p.seq].sent ? (uint32_t)(now - pings[p.seq].sent) : 1;
}

/* FROM says that a ping cannot be delivered; B is its header, then the beginning of the ping. */
static void
told(const struct icmphdr *h, uint32_t from, const uint8_t *b, size_t n)
{
	struct iphdr ip;
	struct icmphdr inner;
	uint64_t seq;

	if (n < sizeof(ip) + sizeof(inner))
		return;
	memcpy(&ip, b, sizeof(ip));
	if (n < ip.ihl * 4U + sizeof(inner))
		return;
	memcpy(&inner, b + ip.ihl * 4U, sizeof(inner));
	if (ip.protocol != IPPROTO_ICMP || inner.type != ICMP_ECHO ||
	    inner.un.echo.id != htons((uint16_t)mine) || n_pings == 0)
		return;
	seq = n_pings - 1;
	seq -= (uint16_t)(seq - ntohs(inner.un.echo.sequence));
	if (seq >= n_pings)
		return;
	pings[seq].told_by = from;
	pings[seq].type = h->type;
	pings[seq].code = h->code;
}

static void
received(const uint8_t *b, size_t n, uint32_t from, uint64_t now)
{
	struct iphdr ip;
	struct icmphdr h;

	if (n < sizeof(ip))
		return;
	memcpy(&ip, b, sizeof(ip));
	if (n < ip.ihl * 4U + sizeof(h))
		return;
	b += ip.ihl * 4U;
	n -= ip.ihl * 4U;
	memcpy(&h, b, sizeof(h));
	if (h.type == ICMP_ECHOREPLY)
		answered(b, n, now);
	else
		told(&h, from, b + sizeof(h), n - sizeof(h));
}

static void
ping_receive(int fd)
{
	for (;;) {
		uint8_t buf[512], control[CMSG_SPACE(sizeof(uint32_t))];
		struct sockaddr_in from;
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
			.msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(fd, &m, 0);

		if (n < 0)
			return;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
				memcpy(&overflow, CMSG_DATA(c), sizeof(overflow));
		received(buf, (size_t)n, from.sin_addr.s_addr, now_us());
	}
}

static void
why(const struct ping *p, char *out, size_t size)
{
	char by[INET_ADDRSTRLEN];

	if (p->error != 0) {
		snprintf(out, size, "not sent: %s", strerror(p->error));
	} else if (p->told_by != 0) {
		inet_ntop(AF_INET, &p->told_by, by, sizeof(by));
		snprintf(out, size, "%s: type %u code %u", by, p->type, p->code);
	} else {
		snprintf(out, size, "silence");
	}
}

/* Where pings end that were lost one after another from FIRST on, all for the same reason, which is in REASON. */
static uint64_t
lost_until(uint64_t first, char *reason, size_t size)
{
	uint64_t end = first;
	char other[REASON];

	why(&pings[first], reason, size);
	while (++end < n_pings && pings[end].rtt == 0) {
		why(&pings[end], other, sizeof(other));
		if (strcmp(reason, other) != 0)
			break;
	}
	return end;
}

static uint64_t
print_lost(void)
{
	uint64_t lost = 0, i = 0;

	while (i < n_pings) {
		char reason[REASON];
		uint64_t end;

		if (pings[i].rtt != 0) {
			i++;
			continue;
		}
		end = lost_until(i, reason, sizeof(reason));
		printf("lost %llu %llu %llu %llu %s\n", (unsigned long long)i,
		    (unsigned long long)(end - i), (unsigned long long)pings[i].sent,
		    (unsigned long long)pings[end - 1].sent, reason);
		lost += end - i;
		i = end;
	}
	return lost;
}

static void
ping_report(void)
{
	uint64_t pause = 0, lost = print_lost();
	uint32_t rtt = 0;

	for (uint64_t i = 0; i < n_pings; i++) {
		if (i > 0 && pings[i].sent - pings[i - 1].sent > pause)
			pause = pings[i].sent - pings[i - 1].sent;
		if (pings[i].rtt > rtt)
			rtt = pings[i].rtt;
	}
	printf("ping sent %llu answered %llu lost %llu overflow %u pause %llu rtt %u\n",
	    (unsigned long long)n_pings, (unsigned long long)(n_pings - lost), (unsigned long long)lost,
	    overflow, (unsigned long long)pause, rtt);
}

static int
run_ping(const struct sockaddr_in *to, uint64_t interval)
{
	int fd = ping_socket();
	uint64_t next = now_us();
	bool ready = false;

	pings = calloc(PINGS, sizeof(*pings));
	if (pings == NULL)
		die("memory");
	mine = now_us() << 16 | (uint16_t)getpid();
	while (!ended && n_pings < PINGS) {
		if (readable(fd, next))
			ping_receive(fd);
		if (!ready && n_pings > 0 && pings[0].rtt != 0) {
			ready = true;
			say_ready();
		}
		if (now_us() < next)
			continue;
		ping_send(fd, to);
		/* What could not be sent in time is not made up for: see "pause". */
		while (next <= now_us())
			next += interval;
	}
	next = now_us() + LAST_WAIT_US;
	while (now_us() < next && n_pings > 0 && pings[n_pings - 1].rtt == 0)
		if (readable(fd, next))
			ping_receive(fd);
	ping_receive(fd);
	ping_report();
	close(fd);
	free(pings);
	return 0;
}

/* --- connections --------------------------------------------------------------------------------- */

/* What stands at place I of the data. */
static uint8_t
octet(uint64_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16);
}

static int
run_take(uint16_t port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	uint64_t bytes = 0, wrong = 0, pause = 0, at = 0, last = 0;
	uint8_t buf[1 << 16];
	ssize_t n = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0 || listen(fd, 1) != 0)
		die("listen");
	say_ready();
	peer = accept(fd, NULL, NULL);
	if (peer < 0)
		die("accept");
	/* The other end ends it. */
	while ((n = read(peer, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)) {
		uint64_t now = now_us();

		if (last != 0 && now - last > pause) {
			pause = now - last;
			at = last;
		}
		last = now;
		for (ssize_t i = 0; i < n; i++)
			wrong += buf[i] != octet(bytes + (uint64_t)i);
		bytes += n > 0 ? (uint64_t)n : 0;
	}
	if (n < 0)
		fprintf(stderr, "steady: read: %s\n", strerror(errno));
	else if (write(peer, &bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		fprintf(stderr, "steady: write: %s\n", strerror(errno));
	printf("take bytes %llu wrong %llu pause %llu at %llu\n", (unsigned long long)bytes,
	    (unsigned long long)wrong, (unsigned long long)pause, (unsigned long long)at);
	close(peer);
	close(fd);
	return n < 0;
}

static int
give_report(int fd, uint64_t bytes, int error)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);
	uint64_t confirmed = 0;

	memset(&info, 0, sizeof(info));
	if (error == 0 && shutdown(fd, SHUT_WR) != 0)
		error = errno;
	if (error == 0 && readable(fd, now_us() + CONNECTION_WAIT_US) &&
	    read(fd, &confirmed, sizeof(confirmed)) < 0)
		error = errno;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		error = error != 0 ? error : errno;
	printf("give bytes %llu confirmed %llu retransmitted %u spurious %u error %s\n",
	    (unsigned long long)bytes, (unsigned long long)confirmed, info.tcpi_total_retrans,
	    info.tcpi_dsack_dups, error != 0 ? strerror(error) : "none");
	return error != 0 || bytes != confirmed;
}

static int
run_give(const struct sockaddr_in *to, uint64_t interval)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;
	uint64_t bytes = 0, next;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0)
		die("connect");
	say_ready();
	next = now_us();
	while (!ended && error == 0) {
		uint8_t buf[PIECE];
		ssize_t n;

		/* Nothing is said to us before the end: only the time passes here. */
		if (readable(fd, next))
			break;
		if (now_us() < next)
			continue;
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = octet(bytes + i);
		n = send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			bytes += (uint64_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			error = errno;
		next += interval;
	}
	error = give_report(fd, bytes, error);
	close(fd);
	return error;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	struct sockaddr_in to;

	sigaction(SIGTERM, &sa, NULL);
	be_punctual();
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "ping") == 0) {
		to = address(argv[2], 0);
		return run_ping(&to, argc == 4 ? number(argv[3], 60000000) : INTERVAL_US);
	}
	if (argc == 3 && strcmp(argv[1], "take") == 0)
		return run_take((uint16_t)number(argv[2], 65535));
	if ((argc == 4 || argc == 5) && strcmp(argv[1], "give") == 0) {
		to = address(argv[2], (uint16_t)number(argv[3], 65535));
		return run_give(&to, argc == 5 ? number(argv[4], 60000000) : INTERVAL_US);
	}
	usage();
}
