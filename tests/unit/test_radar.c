/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/radar.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "ntkd/io/peersock.h"
#include "tests/unit/ownnet.h"
#include "tests/unit/tap.h"

/*
 * A radar at 127.0.0.1 of the loopback interface, which lets its broadcasts come back, and bare
 * sockets at other addresses.
 */
enum { LO = 1, NIC = 2, ME = 0x7f000001, OTHER = 0x7f000002, THIRD = 0x7f000003 };

static struct event_base *base;
static struct radar *radar;
static unsigned heard, heard_from[4];
static uint8_t last_level;
static unsigned lines;

static void
on_heard(const struct radar_heard *h, void *arg)
{
	CU_ASSERT_PTR_EQUAL(arg, &base);
	CU_ASSERT_EQUAL(h->nic, NIC);
	CU_ASSERT(h->now <= mono_now());
	CU_ASSERT_EQUAL(h->msg->type, PEER_prepare_destroy);
	last_level = h->msg->prepare_destroy.level;
	heard++;
	heard_from[h->source & 3]++;
}

static void
on_line(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	tap_note("%s", line);
	lines++;
}

static bool
start(void)
{
	if (!ownnet_enter())
		return false;
	base = event_base_new();
	CU_ASSERT_FATAL(base != NULL);
	radar = radar_new(base, on_heard, &base);
	CU_ASSERT_FATAL(radar != NULL);
	CU_ASSERT_TRUE_FATAL(radar_open(radar, NIC, "lo", LO, ME));
	heard = lines = 0;
	memset(heard_from, 0, sizeof(heard_from));
	log_set_hook(on_line, NULL);
	return true;
}

static void
finish(void)
{
	log_set_hook(NULL, NULL);
	radar_free(radar);
	event_base_free(base);
}

/* Everything that was sent is there at once: loopback has no delay. */
static void
settle(void)
{
	for (unsigned i = 0; i < 100; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

/* A speaking socket of somebody else. */
static int
speaker(ntk_ip_t addr)
{
	struct peersock_nic nic = { LO, addr, 1000 };
	int fd = peersock_open(PEERSOCK_SPEAKING, &nic);

	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

static size_t
compose(uint8_t *buf, size_t size, uint8_t level)
{
	struct peer_frame frame = { .type = PEER_prepare_destroy, .kind = PEER_NOTICE };
	struct peer_msg m = { .type = PEER_prepare_destroy };
	struct wr w;

	m.prepare_destroy.level = level;
	wr_init(&w, buf, size);
	frames_write(&frame, &m, 0, &w);
	CU_ASSERT_TRUE_FATAL(wr_ok(&w));
	return w.len;
}

static void
say(int fd, const void *buf, size_t len)
{
	CU_ASSERT_EQUAL(send(fd, buf, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
test_hear(void)
{
	uint8_t buf[100];
	size_t len = compose(buf, sizeof(buf), 7);
	int fd;

	if (!start())
		return;
	fd = speaker(OTHER);
	say(fd, buf, len);
	settle();
	CU_ASSERT(heard == 1 && heard_from[2] == 1 && last_level == 7);
	CU_ASSERT_EQUAL(radar_counters(radar, NIC).heard, 1);
	CU_ASSERT_EQUAL(radar_counters(radar, NIC + 1).heard, 0);
	close(fd);
	finish();
}

static void
test_say(void)
{
	struct peer_msg m = { .type = PEER_prepare_destroy };
	static struct peer_path paths[300];
	const uint8_t gexp = 1;
	const uint32_t pos = 0;
	const struct peer_fp fp = { .id = 1 };
	struct peer_msg big = { .type = PEER_etp };

	if (!start())
		return;
	m.prepare_destroy.level = 4;
	CU_ASSERT_TRUE(radar_say(radar, NIC, &m));
	settle();
	/* It hears itself, and does not mind. */
	CU_ASSERT_EQUAL(heard, 0);
	CU_ASSERT_EQUAL(radar_counters(radar, NIC).own, 1);
	CU_ASSERT_EQUAL(radar_counters(radar, NIC).said, 1);
	errno = 0;
	CU_ASSERT_FALSE(radar_say(radar, NIC + 1, &m));
	CU_ASSERT_EQUAL(errno, ENODEV);
	big.etp.sender = (struct peer_addr){ { &gexp, 1 }, { &pos, 1 } };
	big.etp.fps = (struct peer_fp_list){ &fp, 1 };
	big.etp.nodes = (struct peer_count_list){ &pos, 1 };
	big.etp.paths = (struct peer_path_list){ paths, 300 };
	CU_ASSERT_FALSE(radar_say(radar, NIC, &big));
	CU_ASSERT_EQUAL(errno, EMSGSIZE);
	CU_ASSERT_EQUAL(radar_counters(radar, NIC).unsaid, 1);
	finish();
}

/* Everything that cannot be read has its counter, and one line for all. */
static void
test_unreadable(void)
{
	uint8_t buf[RADAR_DATAGRAM + 1] = { 0 };
	struct radar_counters c;
	size_t len;
	int fd;

	if (!start())
		return;
	fd = speaker(OTHER);
	say(fd, buf, 0);
	say(fd, buf, 30);			/* no magic */
	len = compose(buf, sizeof(buf), 7);
	say(fd, buf, 20);			/* shorter than a frame */
	buf[2]++;
	say(fd, buf, len);			/* another version */
	buf[2]--;
	say(fd, buf, len - 1);			/* shorter than it says */
	say(fd, buf, len + 1);			/* longer */
	buf[4] = PEER_CALL;
	say(fd, buf, len);
	buf[4] = PEER_NOTICE;
	buf[12] = 1;				/* from an identity */
	say(fd, buf, len);
	buf[12] = 0;
	buf[16] = 1;				/* to an identity */
	say(fd, buf, len);
	buf[16] = 0;
	buf[8] = 1;				/* a notice with a number */
	say(fd, buf, len);
	buf[8] = 0;
	buf[len - 1] = 0xff;			/* no such level */
	say(fd, buf, len);
	buf[3] = 0xfe;				/* no such message */
	say(fd, buf, len);
	say(fd, buf, sizeof(buf));		/* too long */
	settle();
	c = radar_counters(radar, NIC);
	CU_ASSERT_EQUAL(heard, 0);
	CU_ASSERT_EQUAL(c.no_frame, 4);
	CU_ASSERT_EQUAL(c.no_notice, 5);
	CU_ASSERT_EQUAL(c.malformed, 3);
	CU_ASSERT_EQUAL(c.too_long, 1);
	CU_ASSERT_EQUAL(c.heard + c.dropped + c.odd_source + c.own, 0);
	CU_ASSERT_EQUAL(lines, 1);
	compose(buf, sizeof(buf), 7);
	say(fd, buf, len);
	settle();
	CU_ASSERT_EQUAL(heard, 1);
	close(fd);
	finish();
}

/* From another port, and to one of our addresses instead of to everybody. */
static void
test_other_ways(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PEER_PORT) };
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = { htonl(OTHER) } };
	const int yes = 1;
	uint8_t buf[100];
	size_t len = compose(buf, sizeof(buf), 7);
	int fd, any;

	if (!start())
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)), 0);
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	to.sin_addr.s_addr = htonl(PEER_BROADCAST);
	CU_ASSERT_EQUAL(sendto(fd, buf, len, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)len);
	settle();
	CU_ASSERT_EQUAL(heard, 0);
	CU_ASSERT_EQUAL(radar_counters(radar, NIC).odd_source, 1);
	close(fd);
	any = speaker(OTHER);
	to.sin_addr.s_addr = htonl(ME);
	CU_ASSERT_EQUAL(sendto(any, buf, len, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)len);
	settle();
	CU_ASSERT_EQUAL(heard, 0);
	/* Not even seen. */
	CU_ASSERT_EQUAL(radar_counters(radar, NIC).odd_source, 1);
	CU_ASSERT_EQUAL(radar_counters(radar, NIC).no_frame, 0);
	close(any);
	finish();
}

/* A flood of strangers is cut off, and those who are known are still heard; they are limited too. */
static void
test_flood(void)
{
	uint8_t buf[100];
	size_t len = compose(buf, sizeof(buf), 7);
	struct radar_counters c;
	uint64_t began;
	int stranger, known;

	if (!start())
		return;
	stranger = speaker(OTHER);
	known = speaker(THIRD);
	radar_know(radar, NIC, THIRD, true);
	radar_know(radar, NIC, THIRD, true);
	began = mono_now();
	for (unsigned i = 0; i < 3 * RADAR_STRANGERS_BURST; i++) {
		say(stranger, buf, len);
		if (i % 100 == 99)
			settle();
	}
	c = radar_counters(radar, NIC);
	CU_ASSERT(c.dropped > 0 && c.heard >= RADAR_STRANGERS_BURST);
	CU_ASSERT(c.heard <= RADAR_STRANGERS_BURST + 1 +
	    (mono_now() - began) * RADAR_STRANGERS / 1000000);
	CU_ASSERT_EQUAL(c.heard + c.dropped, 3 * RADAR_STRANGERS_BURST);
	for (unsigned i = 0; i < 10; i++)
		say(known, buf, len);
	settle();
	CU_ASSERT_EQUAL(heard_from[3], 10);
	for (unsigned i = 0; i < 3 * RADAR_KNOWN_BURST; i++)
		say(known, buf, len);
	settle();
	CU_ASSERT(heard_from[3] >= RADAR_KNOWN_BURST && heard_from[3] < 2 * RADAR_KNOWN_BURST);
	/* One that is known no longer is a stranger again. */
	radar_know(radar, NIC, THIRD, false);
	radar_know(radar, NIC, THIRD, false);
	CU_ASSERT_EQUAL(lines, 0);
	close(stranger);
	close(known);
	finish();
}

static void
test_known(void)
{
	if (!start())
		return;
	for (uint32_t i = 0; i < RADAR_KNOWN_MAX + 5; i++)
		radar_know(radar, NIC, OTHER + i * 7919 % 4096, true);
	for (uint32_t i = 0; i < RADAR_KNOWN_MAX + 5; i++)
		radar_know(radar, NIC, OTHER + i * 7919 % 4096, false);
	radar_know(radar, NIC, OTHER, true);
	/* Of an interface that is not open nobody is known. */
	radar_know(radar, NIC + 1, OTHER, true);
	finish();
}

static void
test_open(void)
{
	uint8_t buf[100];
	size_t len = compose(buf, sizeof(buf), 7);
	int fd;

	if (!start())
		return;
	fd = speaker(OTHER);
	CU_ASSERT_TRUE(radar_is_open(radar, NIC));
	CU_ASSERT_TRUE(radar_open(radar, NIC, "lo", LO, ME));
	say(fd, buf, len);
	settle();
	CU_ASSERT_EQUAL(heard, 1);
	errno = 0;
	CU_ASSERT_FALSE(radar_open(radar, NIC, "lo", LO, 0x0a000001));
	CU_ASSERT_EQUAL(errno, EADDRNOTAVAIL);
	CU_ASSERT_FALSE(radar_is_open(radar, NIC));
	CU_ASSERT_FALSE(radar_open(radar, NIC, "gone", 4711, ME));
	CU_ASSERT_EQUAL(errno, ENODEV);
	CU_ASSERT_FALSE(radar_is_open(radar, NIC));
	CU_ASSERT_TRUE(radar_open(radar, NIC, "lo", LO, ME));
	/* Somebody else on the same interface finds the port taken. */
	CU_ASSERT_FALSE(radar_open(radar, NIC + 1, "lo", LO, THIRD));
	CU_ASSERT_EQUAL(errno, EADDRINUSE);
	radar_close(radar, NIC);
	say(fd, buf, len);
	settle();
	CU_ASSERT_EQUAL(heard, 1);
	close(fd);
	finish();
	radar_free(NULL);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "hears a broadcast, and who sent it", test_hear },
		{ "speaks", test_say },
		{ "counts what cannot be read, and tells it once", test_unreadable },
		{ "hears nothing that was not broadcast, or from another port", test_other_ways },
		{ "a flood of strangers does not silence those who are known", test_flood },
		{ "so many are known, and no more", test_known },
		{ "opened, opened anew, closed", test_open },
	};

	return TAP_RUN(tests);
}
