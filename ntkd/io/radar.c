/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/radar.h"

#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/tbf.h"
#include "ntkd/io/peersock.h"

/* A neighbour with a share of its own. */
struct known {
	ntk_ip_t source;
	struct tbf share;
};

struct radar_nic {
	struct radar *r;
	char dev[IF_NAMESIZE];
	ntk_ip_t addr;
	int hearing;		/* -1: not open */
	int speaking;
	struct event *readable;
	struct tbf strangers;
	struct known *known;	/* by address */
	size_t n_known;
	uint64_t told;		/* when, µs; 0: never */
	struct radar_counters counters;
};

struct radar {
	struct event_base *base;
	radar_hear *hear;
	void *arg;
	struct radar_nic nics[RADAR_NICS];
	uint8_t out[RADAR_DATAGRAM];
	_Alignas(16) uint8_t memory[RADAR_DATAGRAM * PEER_EXPANSION + 256];
};

/* --- who may be heard ---------------------------------------------------------- */

static int
known_cmp(const void *key, const void *element)
{
	ntk_ip_t a = *(const ntk_ip_t *)key, b = ((const struct known *)element)->source;

	return a < b ? -1 : a > b;
}

static struct known *
known_find(const struct radar_nic *n, ntk_ip_t source)
{
	return n->n_known == 0 ? NULL :
	    bsearch(&source, n->known, n->n_known, sizeof(*n->known), known_cmp);
}

static void
known_remove(struct radar_nic *n, struct known *k)
{
	size_t at = (size_t)(k - n->known);

	n->n_known--;
	memmove(k, k + 1, (n->n_known - at) * sizeof(*k));
}

static void
known_add(struct radar_nic *n, ntk_ip_t source)
{
	struct known *grown;
	size_t at = 0;

	if (n->n_known >= RADAR_KNOWN_MAX)
		return;
	grown = realloc(n->known, (n->n_known + 1) * sizeof(*grown));
	/* Without memory it is treated as a stranger. */
	if (grown == NULL)
		return;
	n->known = grown;
	while (at < n->n_known && grown[at].source < source)
		at++;
	memmove(grown + at + 1, grown + at, (n->n_known - at) * sizeof(*grown));
	grown[at].source = source;
	tbf_init(&grown[at].share, RADAR_KNOWN_BURST, RADAR_KNOWN, mono_now());
	n->n_known++;
}

void
radar_know(struct radar *r, size_t nic, ntk_ip_t source, bool known)
{
	struct radar_nic *n = &r->nics[nic];
	struct known *k = known_find(n, source);

	if (known && k == NULL && n->hearing >= 0)
		known_add(n, source);
	else if (!known && k != NULL)
		known_remove(n, k);
}

static bool
may_speak(struct radar_nic *n, ntk_ip_t source, uint64_t now)
{
	struct known *k = known_find(n, source);

	return tbf_pass(k != NULL ? &k->share : &n->strangers, now);
}

/* --- hearing --------------------------------------------------------------------- */

/* Tells of what cannot be read, and counts it at COUNTER. */
static void
unreadable(struct radar_nic *n, uint64_t *counter, uint64_t now, ntk_ip_t source,
    const struct msg_error *err)
{
	char ip[IP_TEXT];

	(*counter)++;
	if (n->told != 0 && now - n->told < RADAR_TOLD_SECONDS * UINT64_C(1000000))
		return;
	n->told = now;
	log_remote(now, "radar", "%s: a datagram from %s cannot be read: %s %s %s (%llu); counted "
	    "from now on, and told once a minute at most", n->dev, ip_print(source, ip),
	    err->message, err->field, err->why, (unsigned long long)err->value);
}

/* The message of LEN bytes at BUF. */
static void
datagram_read(struct radar_nic *n, const uint8_t *buf, size_t len, ntk_ip_t source, uint64_t now)
{
	struct radar *r = n->r;
	struct msg_arena arena = { .buf = r->memory, .size = sizeof(r->memory) };
	struct msg_error err = { "frame", "length", "not that of the datagram", 0 };
	struct frames_msg m;
	struct rd rd;

	rd_init(&rd, buf, len);
	if (!msg_decode(&peer_frame_desc, &rd, &m.frame, &err)) {
		unreadable(n, &n->counters.no_frame, now, source, &err);
		return;
	}
	err.value = m.frame.length;
	if (m.frame.length != rd.left) {
		unreadable(n, &n->counters.no_notice, now, source, &err);
		return;
	}
	err = (struct msg_error){ "frame", "kind", "no notice to every node", m.frame.kind };
	if (m.frame.kind != PEER_NOTICE || m.frame.source != 0 || m.frame.destination != 0) {
		unreadable(n, &n->counters.no_notice, now, source, &err);
		return;
	}
	if (!frames_decode(&m, &rd, &arena, &err)) {
		unreadable(n, &n->counters.malformed, now, source, &err);
		return;
	}
	n->counters.heard++;
	r->hear(&(struct radar_heard){ (size_t)(n - r->nics), source, now, &m.body }, r->arg);
}

/* Reads one; false when there is none now. */
static bool
hear_one(struct radar_nic *n)
{
	static const struct msg_error too_long = { "datagram", "", "too long", 0 };
	uint8_t buf[RADAR_DATAGRAM];
	ntk_ip_t source;
	uint16_t port;
	int len = peersock_hear(n->hearing, buf, sizeof(buf), &source, &port);
	uint64_t now = mono_now();

	/* An error of the interface (ENETDOWN) is told once, and is over then. */
	if (len < 0)
		return errno != EAGAIN && errno != EBADF;
	if (source == n->addr)
		n->counters.own++;
	else if (port != PEER_PORT || source == 0 || source == PEER_BROADCAST)
		n->counters.odd_source++;
	else if (!may_speak(n, source, now))
		n->counters.dropped++;
	else if ((size_t)len > sizeof(buf))
		unreadable(n, &n->counters.too_long, now, source, &too_long);
	else
		datagram_read(n, buf, (size_t)len, source, now);
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct radar_nic *n = arg;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < RADAR_AT_ONCE && n->hearing >= 0 && hear_one(n); i++)
		continue;
}

/* --- speaking ---------------------------------------------------------------------- */

bool
radar_say(struct radar *r, size_t nic, const struct peer_msg *m)
{
	struct radar_nic *n = &r->nics[nic];
	struct peer_frame frame = { .type = m->type, .kind = PEER_NOTICE };
	struct wr w;
	ssize_t sent;

	if (n->speaking < 0) {
		errno = ENODEV;
		return false;
	}
	wr_init(&w, r->out, sizeof(r->out));
	frames_write(&frame, m, 0, &w);
	if (!wr_ok(&w)) {
		n->counters.unsaid++;
		errno = EMSGSIZE;
		return false;
	}
	do
		sent = send(n->speaking, r->out, w.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	n->counters.said += sent >= 0;
	n->counters.unsaid += sent < 0;
	return sent >= 0;
}

/* --- opening and closing ----------------------------------------------------------- */

struct radar *
radar_new(struct event_base *base, radar_hear *hear, void *arg)
{
	struct radar *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->base = base;
	r->hear = hear;
	r->arg = arg;
	for (size_t i = 0; i < RADAR_NICS; i++)
		r->nics[i] = (struct radar_nic){ .r = r, .hearing = -1, .speaking = -1 };
	return r;
}

void
radar_close(struct radar *r, size_t nic)
{
	struct radar_nic *n = &r->nics[nic];

	if (n->readable != NULL)
		event_free(n->readable);
	if (n->hearing >= 0)
		close(n->hearing);
	if (n->speaking >= 0)
		close(n->speaking);
	free(n->known);
	n->readable = NULL;
	n->hearing = n->speaking = -1;
	n->known = NULL;
	n->n_known = 0;
}

void
radar_free(struct radar *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < RADAR_NICS; i++)
		radar_close(r, i);
	free(r);
}

bool
radar_open(struct radar *r, size_t nic, const char *dev, uint32_t ifindex, ntk_ip_t addr)
{
	struct peersock_nic sock = { .ifindex = ifindex, .addr = addr };
	struct radar_nic *n = &r->nics[nic];
	int error;

	radar_close(r, nic);
	strncpy(n->dev, dev, sizeof(n->dev) - 1);
	n->addr = addr;
	tbf_init(&n->strangers, RADAR_STRANGERS_BURST, RADAR_STRANGERS, mono_now());
	n->hearing = peersock_open(PEERSOCK_HEARING, &sock);
	n->speaking = n->hearing < 0 ? -1 : peersock_open(PEERSOCK_SPEAKING, &sock);
	error = errno;
	if (n->speaking >= 0) {
		n->readable = event_new(r->base, n->hearing, EV_READ | EV_PERSIST, on_readable, n);
		if (n->readable != NULL && event_add(n->readable, NULL) == 0)
			return true;
		error = ENOMEM;
	}
	radar_close(r, nic);
	errno = error;
	return false;
}

bool
radar_is_open(const struct radar *r, size_t nic)
{
	return r->nics[nic].hearing >= 0;
}

struct radar_counters
radar_counters(const struct radar *r, size_t nic)
{
	return r->nics[nic].counters;
}
