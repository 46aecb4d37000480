/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "ntkd/io/link_int.h"
#include "ntkd/io/peersock.h"
#include "tests/unit/ownnet.h"
#include "tests/unit/tap.h"

/*
 * Two ends in one process, at 127.0.0.1 and 127.0.0.2 of the loopback interface, and a third address
 * from which a program with a bare socket connects: that one is hostile.
 */
enum {
	LO = 1,
	A_ADDR = 0x7f000001,
	B_ADDR = 0x7f000002,
	HOSTILE = 0x7f000003,
	NIC = 3,
	LOG = 20000,
	PATIENCE = 20000,	/* ms, for what is waited for */
	AGREED = 5000,		/* ms, a timeout of connections */
};

enum what { NOTHING, ACCEPTED, CONNECTED, MESSAGE, ANSWERED, CLOSED };

struct event_seen {
	enum what what;
	uint32_t conn;
	uint32_t call, source, destination;
	uint8_t type, level, error;
	enum link_answer_kind kind;
	uint64_t token;
	enum link_reason reason;
	int code;
};

struct end {
	struct links *l;
	struct event_seen seen[LOG];
	size_t n, looked;
	uint32_t number;	/* of the next that is accepted */
	bool refuses;		/* accepts nothing */
	bool confirms;		/* at once */
	uint32_t close_at;	/* closes the connection at the message of that level */
	uint32_t hold_at;	/* holds it */
};

static struct event_base *base;
static struct end a, b;

static struct event_seen *
note(struct end *e, enum what what, uint32_t conn)
{
	struct event_seen *s = &e->seen[e->n];

	CU_ASSERT_FATAL(e->n < LOG);
	e->n++;
	*s = (struct event_seen){ .what = what, .conn = conn };
	return s;
}

static uint32_t
on_accepted(const struct link_ends *ends, uint64_t now, void *arg)
{
	struct end *e = arg;

	(void)now;
	CU_ASSERT_EQUAL(ends->nic, NIC);
	CU_ASSERT_FALSE(ends->has_mac);
	if (e->refuses)
		return 0;
	note(e, ACCEPTED, ++e->number)->source = ends->peer;
	return e->number;
}

static void
on_connected(uint32_t conn, const struct link_ends *ends, uint64_t now, void *arg)
{
	(void)now;
	note(arg, CONNECTED, conn)->source = ends->peer;
	CU_ASSERT_EQUAL(ends->local, A_ADDR);
}

static void
on_message(uint32_t conn, const struct link_message *m, uint64_t now, void *arg)
{
	struct end *e = arg;
	struct event_seen *s = note(e, MESSAGE, conn);

	(void)now;
	s->call = m->call;
	s->source = m->source;
	s->destination = m->destination;
	s->type = m->msg->type;
	if (s->type != PEER_prepare_destroy)
		return;
	s->level = m->msg->prepare_destroy.level;
	if (s->level != 0 && s->level == e->close_at)
		CU_ASSERT_TRUE(link_close(e->l, conn, false));
	if (s->level != 0 && s->level == e->hold_at)
		CU_ASSERT_TRUE(link_hold(e->l, conn, true));
}

static void
on_answered(uint32_t conn, const struct link_answer *answer, uint64_t now, void *arg)
{
	struct event_seen *s = note(arg, ANSWERED, conn);

	(void)now;
	s->kind = answer->kind;
	s->token = answer->token;
	s->type = answer->type;
	s->error = answer->error;
	CU_ASSERT_EQUAL(answer->kind == LINK_RESULT, answer->msg != NULL);
}

static void
on_closed(uint32_t conn, enum link_reason reason, int error, uint64_t now, void *arg)
{
	struct event_seen *s = note(arg, CLOSED, conn);

	(void)now;
	s->reason = reason;
	s->code = error;
}

static const struct link_handlers handlers = {
	on_accepted, on_connected, on_message, on_answered, on_closed,
};

static void
end_start(struct end *e, ntk_ip_t addr)
{
	memset(e, 0, sizeof(*e));
	e->number = 100;
	e->l = links_new(base, &handlers, e);
	CU_ASSERT_FATAL(e->l != NULL);
	CU_ASSERT_TRUE_FATAL(links_listen(e->l, NIC, "lo", LO, addr));
}

static bool
start(void)
{
	if (!ownnet_enter())
		return false;
	base = event_base_new();
	CU_ASSERT_FATAL(base != NULL);
	end_start(&a, A_ADDR);
	end_start(&b, B_ADDR);
	return true;
}

static void
finish(void)
{
	links_free(a.l);
	links_free(b.l);
	event_base_free(base);
}

/* Lets the loop turn once, for 20 ms at most. */
static void
turn(void)
{
	struct timeval tv = { 0, 20000 };

	event_base_loopexit(base, &tv);
	event_base_loop(base, EVLOOP_ONCE);
}

/* The next thing that E is told, which must be WHAT; waits for it. */
static const struct event_seen *
expect(struct end *e, enum what what)
{
	static const struct event_seen nothing = { .what = NOTHING };
	uint64_t until = mono_now() + PATIENCE * UINT64_C(1000);

	while (e->looked == e->n && mono_now() < until)
		turn();
	if (e->looked == e->n) {
		CU_FAIL_FATAL("nothing was told");
		return &nothing;
	}
	CU_ASSERT_EQUAL(e->seen[e->looked].what, what);
	return &e->seen[e->looked++];
}

/* Nothing is told to E for MS. */
static void
quiet(struct end *e, unsigned ms)
{
	uint64_t until = mono_now() + ms * UINT64_C(1000);

	while (mono_now() < until)
		turn();
	CU_ASSERT_EQUAL(e->looked, e->n);
}

/* A connection 1 of A, 101 of B, confirmed at both ends. */
static void
pair(void)
{
	CU_ASSERT_TRUE_FATAL(link_connect(a.l, 1, NIC, B_ADDR));
	CU_ASSERT_EQUAL(expect(&a, CONNECTED)->source, B_ADDR);
	CU_ASSERT_EQUAL(expect(&b, ACCEPTED)->source, A_ADDR);
	CU_ASSERT_TRUE(link_confirm(a.l, 1, AGREED));
	CU_ASSERT_TRUE(link_confirm(b.l, 101, AGREED));
}

static const uint8_t gexps[] = { 1, 1 };
static const uint32_t positions[] = { 1, 0 };
static const struct peer_msg request = {
	.type = PEER_full_request,
	.full_request = { .requester = { { gexps, 2 }, { positions, 2 } } },
};
static const struct peer_fp fingerprint = { .id = 1 };

static const struct peer_msg *
leveled(unsigned level)
{
	static struct peer_msg m;

	m = (struct peer_msg){ .type = PEER_prepare_destroy };
	m.prepare_destroy.level = (uint8_t)level;
	return &m;
}

/* An ETP with N paths; seven bytes each on the wire. */
static const struct peer_msg *
etp(uint16_t n)
{
	static struct peer_path paths[65535];
	static struct peer_msg m;

	m = (struct peer_msg){ .type = PEER_etp };
	m.etp.sender = request.full_request.requester;
	m.etp.fps = (struct peer_fp_list){ &fingerprint, 1 };
	m.etp.nodes = (struct peer_count_list){ positions, 1 };
	m.etp.paths = (struct peer_path_list){ paths, n };
	return &m;
}

/* --- what is said ----------------------------------------------------------------- */

static void
test_talk(void)
{
	const struct event_seen *s;
	struct link_info info;

	if (!start())
		return;
	pair();
	CU_ASSERT_TRUE(link_notice(a.l, 1, 7, 8, leveled(1)));
	CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, leveled(2)));
	s = expect(&b, MESSAGE);
	CU_ASSERT(s->conn == 101 && s->call == 0 && s->source == 7 && s->destination == 8);
	CU_ASSERT_EQUAL(s->level, 1);
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, 2);

	/* Both call at the same time; answered in the other order. */
	CU_ASSERT_TRUE(link_call(a.l, 1, 5, 6, &request, 71, 5000));
	CU_ASSERT_TRUE(link_call(a.l, 1, 5, 6, &request, 72, 5000));
	CU_ASSERT_TRUE(link_call(b.l, 101, 0, 0, &request, 73, 5000));
	CU_ASSERT_EQUAL(expect(&a, MESSAGE)->call, 1);
	s = expect(&b, MESSAGE);
	CU_ASSERT(s->call == 1 && s->type == PEER_full_request && s->source == 5);
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->call, 2);
	CU_ASSERT_TRUE(link_wait(b.l, 101, 1));
	CU_ASSERT_TRUE(link_error(b.l, 101, 2, PEER_E_BOOTSTRAP));
	CU_ASSERT_TRUE(link_result(b.l, 101, 1, etp(3)));
	CU_ASSERT_TRUE(link_result(a.l, 1, 1, etp(1)));
	s = expect(&a, ANSWERED);
	CU_ASSERT(s->kind == LINK_WAITING && s->token == 71 && s->type == PEER_full_request);
	s = expect(&a, ANSWERED);
	CU_ASSERT(s->kind == LINK_ERROR && s->token == 72 && s->error == PEER_E_BOOTSTRAP);
	s = expect(&a, ANSWERED);
	CU_ASSERT(s->kind == LINK_RESULT && s->token == 71 && s->type == PEER_full_request);
	CU_ASSERT_EQUAL(expect(&b, ANSWERED)->token, 73);

	/* An answer is given once, to what was asked, in the way it was asked. */
	CU_ASSERT_FALSE(link_result(b.l, 101, 1, etp(3)));
	CU_ASSERT_FALSE(link_error(b.l, 101, 2, PEER_E_MALFORMED));
	CU_ASSERT_FALSE(link_wait(b.l, 101, 9));
	CU_ASSERT_FALSE(link_call(b.l, 101, 0, 0, leveled(1), 1, 1));
	CU_ASSERT_TRUE(links_info(a.l, 0, &info));
	CU_ASSERT(info.conn == 1 && info.stands && info.confirmed && !info.accepted);
	CU_ASSERT(info.messages_out == 5 && info.messages_in == 4 && info.calls_open == 0);
	CU_ASSERT(links_counters(a.l).messages_out == 5 && links_counters(a.l).messages_in == 4);
	CU_ASSERT(links_counters(a.l).bytes_out == info.bytes_out &&
	    links_counters(a.l).bytes_in == info.bytes_in && info.bytes_in > 0);
	CU_ASSERT_FALSE(links_info(a.l, 1, &info));
	finish();
}

static void
test_timeout(void)
{
	const struct event_seen *s;

	if (!start())
		return;
	pair();
	CU_ASSERT_TRUE(link_call(a.l, 1, 0, 0, &request, 9, 50));
	s = expect(&a, ANSWERED);
	CU_ASSERT(s->kind == LINK_TIMEOUT && s->token == 9 && s->type == PEER_full_request);
	expect(&b, MESSAGE);
	/* A late answer is no mistake of the other end's. */
	CU_ASSERT_TRUE(link_result(b.l, 101, 1, etp(1)));
	quiet(&a, 100);
	CU_ASSERT_EQUAL(links_counters(a.l).late, 1);
	CU_ASSERT_EQUAL(links_counters(a.l).timeouts, 1);
	finish();
}

/* Everything arrives that was sent before, and then the end; nothing is told to who closed. */
static void
test_close(void)
{
	enum { PATHS = 60000, MESSAGES = 8 };
	size_t size = peer_msg_size(etp(PATHS));

	if (!start())
		return;
	pair();
	CU_ASSERT(size * MESSAGES > 2 << 20 && size * MESSAGES < LINK_QUEUE);
	for (unsigned i = 0; i < MESSAGES; i++)
		CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, etp(PATHS)));
	CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, leveled(5)));
	CU_ASSERT_TRUE(link_close(a.l, 1, true));
	CU_ASSERT_FALSE(link_close(a.l, 1, true));
	CU_ASSERT_FALSE(link_notice(a.l, 1, 0, 0, leveled(6)));
	CU_ASSERT_EQUAL(links_leaving(a.l), 1);
	/* Its number is free; and what comes from the other end now is in nobody's way. */
	CU_ASSERT_TRUE(link_notice(b.l, 101, 0, 0, etp(PATHS)));
	for (unsigned i = 0; i < MESSAGES; i++)
		CU_ASSERT_EQUAL(expect(&b, MESSAGE)->type, PEER_etp);
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, 5);
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_ENDED);
	quiet(&a, 50);
	CU_ASSERT_EQUAL(links_leaving(a.l), 0);
	CU_ASSERT_EQUAL(links_counters(a.l).open, 0);
	CU_ASSERT_EQUAL(links_counters(a.l).in_memory, 0);
	CU_ASSERT_EQUAL(links_counters(a.l).out_memory, 0);
	b.number = 100;
	pair();
	finish();
}

/* A message handler closes the connection while more is there. */
static void
test_close_inside(void)
{
	if (!start())
		return;
	pair();
	b.close_at = 3;
	for (unsigned i = 1; i <= 6; i++)
		CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, leveled(i)));
	for (unsigned i = 1; i <= 3; i++)
		CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, i);
	expect(&a, CLOSED);
	quiet(&b, 50);
	finish();
}

static void
test_hold(void)
{
	if (!start())
		return;
	pair();
	b.hold_at = 2;
	for (unsigned i = 1; i <= 5; i++)
		CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, leveled(i)));
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, 1);
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, 2);
	quiet(&b, 50);
	CU_ASSERT_TRUE(link_close(a.l, 1, true));
	quiet(&b, 50);
	CU_ASSERT_TRUE(link_hold(b.l, 101, false));
	for (unsigned i = 3; i <= 5; i++)
		CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, i);
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_ENDED);
	finish();
}

/* --- beginnings ---------------------------------------------------------------------- */

static void
test_no_connection(void)
{
	const struct event_seen *s;

	if (!start())
		return;
	errno = 0;
	CU_ASSERT_FALSE(link_connect(a.l, 1, NIC + 1, B_ADDR));
	CU_ASSERT_EQUAL(errno, ENODEV);
	CU_ASSERT_FALSE(link_connect(a.l, 0, NIC, B_ADDR));
	CU_ASSERT_TRUE(link_connect(a.l, 1, NIC, HOSTILE));
	CU_ASSERT_FALSE(link_connect(a.l, 1, NIC, B_ADDR));
	CU_ASSERT_EQUAL(errno, EEXIST);
	/* Nobody listens there. */
	CU_ASSERT_FALSE(link_notice(a.l, 1, 0, 0, leveled(1)));
	s = expect(&a, CLOSED);
	CU_ASSERT(s->reason == LINK_NOT_MADE && s->code == ECONNREFUSED && s->conn == 1);
	/* It was given up before it stood. */
	CU_ASSERT_TRUE(link_connect(a.l, 1, NIC, B_ADDR));
	CU_ASSERT_TRUE(link_close(a.l, 1, true));
	quiet(&a, 50);
	/* The other end does not want it. */
	b.refuses = true;
	b.looked = b.n;
	CU_ASSERT_TRUE(link_connect(a.l, 2, NIC, B_ADDR));
	expect(&a, CONNECTED);
	expect(&a, CLOSED);
	CU_ASSERT_EQUAL(links_counters(b.l).unwanted, 1);
	quiet(&b, 10);
	finish();
}

static void
test_silent(void)
{
	uint64_t began;

	if (!start())
		return;
	began = mono_now();
	CU_ASSERT_TRUE(link_connect(a.l, 1, NIC, B_ADDR));
	expect(&a, CONNECTED);
	expect(&b, ACCEPTED);
	CU_ASSERT_TRUE(link_confirm(a.l, 1, AGREED));
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_SILENT);
	CU_ASSERT(mono_now() - began >= LINK_CONFIRM_MS * UINT64_C(1000));
	CU_ASSERT_EQUAL(expect(&a, CLOSED)->conn, 1);
	finish();
}

static void
test_large_first(void)
{
	struct link_info info;

	if (!start())
		return;
	CU_ASSERT_TRUE(link_connect(a.l, 1, NIC, B_ADDR));
	expect(&a, CONNECTED);
	expect(&b, ACCEPTED);
	CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, leveled(1)));
	CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, etp(60000)));
	CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, leveled(2)));
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, 1);
	quiet(&b, 100);
	CU_ASSERT(links_counters(b.l).in_memory <= 8 * FRAMES_STEP);
	CU_ASSERT_TRUE(links_info(b.l, 0, &info));
	CU_ASSERT(info.accepted && !info.confirmed);
	CU_ASSERT_TRUE(link_confirm(b.l, 101, AGREED));
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->type, PEER_etp);
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, 2);
	finish();
}

/* --- hostile ones ------------------------------------------------------------------------ */

/* A bare connection from ADDR to B, which is told of it. */
static int
intrude(ntk_ip_t addr)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = { htonl(addr) } };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PEER_PORT),
		.sin_addr = { htonl(B_ADDR) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
	CU_ASSERT_FATAL(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	return fd;
}

/* The same, confirmed by B. */
static int
intrude_further(void)
{
	int fd = intrude(HOSTILE);

	CU_ASSERT_TRUE(link_confirm(b.l, expect(&b, ACCEPTED)->conn, AGREED));
	return fd;
}

static size_t
compose(uint8_t *buf, size_t size, uint8_t type, uint8_t kind, uint32_t call,
    const struct peer_msg *body)
{
	struct peer_frame frame = { .type = type, .kind = kind, .call = call };
	struct wr w;

	wr_init(&w, buf, size);
	frames_write(&frame, body, PEER_E_MALFORMED, &w);
	CU_ASSERT_TRUE_FATAL(wr_ok(&w));
	return w.len;
}

static void
say(int fd, const void *data, size_t len)
{
	CU_ASSERT_EQUAL_FATAL(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
test_pieces(void)
{
	uint8_t buf[256];
	size_t len;
	int fd;

	if (!start())
		return;
	fd = intrude_further();
	len = compose(buf, sizeof(buf), PEER_full_request, PEER_CALL, 77, &request);
	for (size_t i = 0; i < len; i++) {
		CU_ASSERT_EQUAL(b.looked, b.n);
		say(fd, buf + i, 1);
		turn();
	}
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->call, 77);
	close(fd);
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_ENDED);
	finish();
}

static void
line_dropped(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static void
test_garbage(void)
{
	static const uint8_t noise[64] = { 0x47, 0x45, 0x54, 0x20 };
	uint8_t buf[256];
	size_t len;

	if (!start())
		return;
	log_set_hook(line_dropped, NULL);
	pair();
	for (unsigned i = 0; i < 7; i++) {
		int fd = intrude_further();

		len = compose(buf, sizeof(buf), PEER_full_request, PEER_CALL, 1, &request);
		switch (i) {
		case 0:		/* no frame */
			memcpy(buf, noise, len = sizeof(noise));
			break;
		case 1:		/* longer than allowed */
			buf[17] = 0x7f;
			break;
		case 2:		/* a body with a byte too many */
			buf[len++] = 0;
			buf[20]++;
			break;
		case 3:		/* the same call twice */
			memcpy(buf + len, buf, len);
			len *= 2;
			break;
		case 4:		/* an answer to a call of another type: none was made at all … */
			CU_ASSERT_TRUE(link_call(b.l, b.number, 0, 0, &request, 1, 5000));
			len = compose(buf, sizeof(buf), PEER_full_request, PEER_ERROR, 1, NULL);
			buf[12] = 9;	/* … from such an identity */
			break;
		case 5:		/* of another version */
			buf[2]++;
			break;
		case 6:		/* a type that nobody knows */
			buf[3] = 0xfe;
			break;
		}
		say(fd, buf, len);
		if (i == 3)
			CU_ASSERT_EQUAL(expect(&b, MESSAGE)->call, 1);
		CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_MALFORMED);
		/* It cannot go on. */
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			continue;
		close(fd);
	}
	/* Others are not concerned. */
	CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, leveled(9)));
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, 9);
	CU_ASSERT_EQUAL(links_counters(b.l).closed[LINK_MALFORMED], 7);
	/* Each is counted once, as what it was. */
	CU_ASSERT_EQUAL(links_counters(b.l).unreadable, 5);
	CU_ASSERT_EQUAL(links_counters(b.l).many_calls, 1);
	CU_ASSERT_EQUAL(links_counters(b.l).wrong_answers, 1);
	log_set_hook(NULL, NULL);
	finish();
}

static void
test_many_calls(void)
{
	uint8_t buf[256];
	int fd;

	if (!start())
		return;
	log_set_hook(line_dropped, NULL);
	fd = intrude_further();
	for (uint32_t i = 1; i <= CALLS_OPEN + 1; i++)
		say(fd, buf, compose(buf, sizeof(buf), PEER_full_request, PEER_CALL, i, &request));
	for (uint32_t i = 1; i <= CALLS_OPEN; i++)
		CU_ASSERT_EQUAL(expect(&b, MESSAGE)->call, i);
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_MALFORMED);
	close(fd);
	/* We do not either. */
	b.number = 100;
	pair();
	for (uint32_t i = 1; i <= CALLS_OPEN; i++)
		CU_ASSERT_TRUE(link_call(a.l, 1, 0, 0, &request, i, 5000));
	CU_ASSERT_FALSE(link_call(a.l, 1, 0, 0, &request, 1, 5000));
	log_set_hook(NULL, NULL);
	finish();
}

/* More messages than a second may bring: all come, in time, and others' come between. */
static void
test_flood(void)
{
	enum { MESSAGES = 5000 };
	static uint8_t buf[MESSAGES * 32];
	uint64_t began;
	size_t len = 0, left, seen = 0, friendly = 0;
	int fd;

	if (!start())
		return;
	pair();
	fd = intrude_further();
	CU_ASSERT_EQUAL(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (unsigned i = 0; i < MESSAGES; i++)
		len += compose(buf + len, sizeof(buf) - len, PEER_prepare_destroy, PEER_NOTICE, 0,
		    leveled(1));
	began = mono_now();
	left = len;
	while (seen < MESSAGES && mono_now() - began < PATIENCE * UINT64_C(1000)) {
		ssize_t n = left > 0 ? send(fd, buf + len - left, left, MSG_NOSIGNAL) : 0;

		left -= n > 0 ? (size_t)n : 0;
		if (friendly == 0 && seen > 600)
			CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, leveled(++friendly + 1)));
		turn();
		while (b.looked < b.n) {
			const struct event_seen *s = &b.seen[b.looked++];

			CU_ASSERT_EQUAL(s->what, MESSAGE);
			seen += s->level == 1;
			if (s->level == 2)
				CU_ASSERT(seen < MESSAGES);
			friendly += s->level == 2;
		}
	}
	CU_ASSERT_EQUAL(seen, MESSAGES);
	CU_ASSERT_EQUAL(friendly, 2);
	CU_ASSERT(mono_now() - began >= (MESSAGES - LINK_BURST) * UINT64_C(1000000) / LINK_RATE);
	CU_ASSERT(links_counters(b.l).pauses > 10);
	close(fd);
	finish();
}

/* Somebody does not read: what waits for it is bounded, and it goes. */
static void
test_slow(void)
{
	unsigned sent = 0;
	size_t most = 0;
	struct link_info info;
	int fd;

	if (!start())
		return;
	pair();
	fd = intrude_further();
	while (link_notice(b.l, b.number, 0, 0, etp(60000)) && sent++ < 1000) {
		turn();
		most = links_info(b.l, 1, &info) && info.queued > most ? info.queued : most;
		CU_ASSERT(links_counters(b.l).out_memory <= 2 * LINK_QUEUE);
	}
	CU_ASSERT(sent > 10 && sent < 1000);
	CU_ASSERT(most <= LINK_QUEUE && most > LINK_QUEUE / 2);
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_SLOW);
	CU_ASSERT_EQUAL(links_counters(b.l).queue_full, 1);
	CU_ASSERT_EQUAL(links_counters(b.l).out_memory, 0);
	CU_ASSERT_TRUE(link_notice(b.l, 101, 0, 0, leveled(3)));
	CU_ASSERT_EQUAL(expect(&a, MESSAGE)->level, 3);
	close(fd);
	finish();
}

/* The connection of E called CONN. */
static struct conn *
conn_of(struct end *e, uint32_t number)
{
	for (size_t i = 0; i < e->l->n_table; i++)
		if (e->l->table[i]->number == number)
			return e->l->table[i];
	return NULL;
}

/* A message that is begun and never ended; a minute is not waited for. */
static void
test_stalled(void)
{
	uint8_t buf[256];
	struct conn *c;
	int fd;

	if (!start())
		return;
	fd = intrude_further();
	say(fd, buf, compose(buf, sizeof(buf), PEER_full_request, PEER_CALL, 77, &request) - 1);
	c = conn_of(&b, b.number);
	CU_ASSERT_FATAL(c != NULL);
	while (c->partial == LINK_NEVER)
		turn();
	CU_ASSERT(c->partial <= mono_now());
	quiet(&b, 50);
	c->partial -= LINK_MESSAGE_MS * UINT64_C(1000);
	conn_arm(c, mono_now());
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_STALLED);
	close(fd);
	finish();
}

/* Those who connect and say nothing make room for those who come after them. */
static void
test_crowd(void)
{
	int fds[LINK_UNCONFIRMED + 1];

	if (!start())
		return;
	for (unsigned i = 0; i <= LINK_UNCONFIRMED; i++) {
		fds[i] = intrude(HOSTILE + i);
		CU_ASSERT_EQUAL(expect(&b, ACCEPTED)->source, HOSTILE + i);
		/* However slow this machine is, none shall go for its silence. */
		conn_of(&b, b.number)->limit = LINK_NEVER;
	}
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->conn, 101);
	CU_ASSERT_EQUAL(b.seen[b.looked - 1].reason, LINK_CROWDED);
	CU_ASSERT_EQUAL(links_counters(b.l).open, LINK_UNCONFIRMED);
	for (unsigned i = 0; i <= LINK_UNCONFIRMED; i++)
		close(fds[i]);
	finish();
}

static void
test_crowd_of_one(void)
{
	int fds[LINK_UNCONFIRMED_PEER + 1];
	uint32_t first = 0;
	unsigned accepted = 0, closed = 0;

	if (!start())
		return;
	for (unsigned i = 0; i <= LINK_UNCONFIRMED_PEER; i++)
		fds[i] = intrude(HOSTILE);
	while (accepted <= LINK_UNCONFIRMED_PEER || closed < 1) {
		while (b.looked == b.n)
			turn();
		accepted += b.seen[b.looked].what == ACCEPTED;
		if (b.seen[b.looked].what == CLOSED && closed++ == 0) {
			first = b.seen[b.looked].conn;
			CU_ASSERT_EQUAL(b.seen[b.looked].reason, LINK_CROWDED);
		}
		b.looked++;
	}
	CU_ASSERT_EQUAL(first, 101);
	CU_ASSERT_EQUAL(links_counters(b.l).open, LINK_UNCONFIRMED_PEER);
	for (unsigned i = 0; i <= LINK_UNCONFIRMED_PEER; i++)
		close(fds[i]);
	finish();
}

/* --- ends -------------------------------------------------------------------------------- */

static void
test_reset(void)
{
	const struct linger now = { 1, 0 };
	int fd;

	if (!start())
		return;
	fd = intrude_further();
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_FAILED);
	CU_ASSERT_EQUAL(b.seen[b.looked - 1].code, ECONNRESET);
	finish();
}

static void
test_device(void)
{
	if (!start())
		return;
	pair();
	/* The same again changes nothing. */
	CU_ASSERT_TRUE(links_listen(b.l, NIC, "lo", LO, B_ADDR));
	CU_ASSERT_TRUE(link_notice(a.l, 1, 0, 0, leveled(3)));
	CU_ASSERT_EQUAL(expect(&b, MESSAGE)->level, 3);
	links_unlisten(b.l, NIC);
	CU_ASSERT_FALSE(links_listens(b.l, NIC));
	CU_ASSERT_FALSE(link_notice(b.l, 101, 0, 0, leveled(3)));
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_DEVICE);
	CU_ASSERT_EQUAL(expect(&a, CLOSED)->reason, LINK_ENDED);
	/* It has no such address. */
	errno = 0;
	CU_ASSERT_FALSE(links_listen(b.l, NIC, "lo", LO, 0x0a000001));
	CU_ASSERT_EQUAL(errno, EADDRNOTAVAIL);
	CU_ASSERT_FALSE(links_listens(b.l, NIC));
	/* An interface that is gone already is found out when it is used. */
	CU_ASSERT_TRUE(links_listen(b.l, NIC, "gone", 4711, B_ADDR));
	CU_ASSERT_FALSE(link_connect(b.l, 1, NIC, A_ADDR));
	CU_ASSERT_EQUAL(errno, ENODEV);
	links_unlisten(b.l, NIC);
	CU_ASSERT_TRUE(links_listen(b.l, NIC, "lo", LO, B_ADDR));
	b.number = 100;
	pair();
	/* Another address: connections from the former one end. */
	CU_ASSERT_TRUE(links_listen(b.l, NIC, "lo", LO, HOSTILE));
	CU_ASSERT_EQUAL(expect(&b, CLOSED)->reason, LINK_DEVICE);
	finish();
}

/* No descriptor is left for what comes: it is taken in later, and nothing spins. */
static void
test_no_descriptors(void)
{
	struct rlimit before, few;
	int fd;

	if (!start())
		return;
	log_set_hook(line_dropped, NULL);
	fd = intrude(HOSTILE);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)fd + 1;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &few), 0);
	quiet(&b, 200);
	CU_ASSERT_EQUAL(event_pending(b.l->listeners[NIC].acceptable, EV_READ, NULL), 0);
	CU_ASSERT_FALSE(link_connect(a.l, 1, NIC, B_ADDR));
	CU_ASSERT_EQUAL(errno, EMFILE);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &before), 0);
	expect(&b, ACCEPTED);
	close(fd);
	log_set_hook(NULL, NULL);
	finish();
}

/* What is open when everything ends leaks nothing (the sanitizers tell). */
static void
test_free(void)
{
	if (!start())
		return;
	pair();
	CU_ASSERT_TRUE(link_call(a.l, 1, 0, 0, &request, 9, 50));
	CU_ASSERT_TRUE(link_notice(b.l, 101, 0, 0, etp(60000)));
	CU_ASSERT_TRUE(link_close(b.l, 101, true));
	CU_ASSERT_TRUE(link_connect(a.l, 2, NIC, HOSTILE));
	finish();
	links_free(NULL);
	for (int i = 0; i < LINK_REASONS; i++) {
		CU_ASSERT(strlen(link_reason_name((enum link_reason)i)) > 3);
		CU_ASSERT(strlen(link_reason_text((enum link_reason)i)) > 10);
	}
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "notices, calls and their answers, both ways", test_talk },
		{ "a call that is not answered; a late answer", test_timeout },
		{ "closed in good order, everything arrives", test_close },
		{ "closed by the handler of a message", test_close_inside },
		{ "held and let go", test_hold },
		{ "connections that are not made", test_no_connection },
		{ "whoever connects and is silent", test_silent },
		{ "large messages wait for the confirmation", test_large_first },
		{ "a message byte for byte", test_pieces },
		{ "garbage ends a connection, and no other", test_garbage },
		{ "too many open calls", test_many_calls },
		{ "a flood is slowed down", test_flood },
		{ "one that does not read is given up", test_slow },
		{ "a message that is never ended", test_stalled },
		{ "a crowd that says nothing", test_crowd },
		{ "the same from one address", test_crowd_of_one },
		{ "a connection that is reset", test_reset },
		{ "an interface that goes, or gets another address", test_device },
		{ "no descriptors left", test_no_descriptors },
		{ "all at once is freed", test_free },
	};

	return TAP_RUN(tests);
}
