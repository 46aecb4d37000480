/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/nldump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 1 << 17, BODY_MAX = 512, TRIES = 50 };

static bool
ask(int fd, uint16_t type, const void *body, size_t len)
{
	union {
		struct nlmsghdr head;
		uint8_t room[NLMSG_HDRLEN + BODY_MAX];
	} m;

	if (len > BODY_MAX)
		return false;
	memset(&m, 0, sizeof(m));
	m.head.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len);
	m.head.nlmsg_type = type;
	m.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memcpy(m.room + NLMSG_HDRLEN, body, len);
	return send(fd, &m, m.head.nlmsg_len, 0) == (ssize_t)m.head.nlmsg_len;
}

enum answer { ANSWER_MORE, ANSWER_END, ANSWER_AGAIN, ANSWER_BAD };

/* One datagram of the answer. */
static enum answer
datagram(const uint8_t *buf, size_t n, bool *interrupted, nldump_each *each, void *arg)
{
	const struct nlmsghdr *nlh;

	for (; n >= NLMSG_HDRLEN; buf += NLMSG_ALIGN(nlh->nlmsg_len), n -= NLMSG_ALIGN(nlh->nlmsg_len)) {
		nlh = (const struct nlmsghdr *)(const void *)buf;
		if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > n)
			return ANSWER_BAD;
		*interrupted |= (nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return ANSWER_BAD;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return *interrupted ? ANSWER_AGAIN : ANSWER_END;
		each(nlh, arg);
		if (NLMSG_ALIGN(nlh->nlmsg_len) >= n)
			break;
	}
	return ANSWER_MORE;
}

static enum answer
dump_once(int protocol, uint16_t type, const void *body, size_t len, nldump_each *each, void *arg)
{
	static uint8_t buf[BUFFER] __attribute__((aligned(8)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	enum answer end = ANSWER_MORE;
	bool interrupted = false;
	ssize_t n;

	if (fd < 0)
		return ANSWER_BAD;
	if (!ask(fd, type, body, len))
		end = ANSWER_BAD;
	while (end == ANSWER_MORE) {
		n = recv(fd, buf, sizeof(buf), MSG_TRUNC);
		end = n <= 0 || n > BUFFER ? ANSWER_BAD :
		    datagram(buf, (size_t)n, &interrupted, each, arg);
	}
	close(fd);
	return end;
}

bool
nldump(int protocol, uint16_t type, const void *body, size_t len, nldump_each *each, void *arg)
{
	enum answer end = ANSWER_AGAIN;

	for (int i = 0; i < TRIES && end == ANSWER_AGAIN; i++) {
		if (i > 0)
			each(NULL, arg);
		end = dump_once(protocol, type, body, len, each, arg);
	}
	return end == ANSWER_END;
}

bool
nla_step(const void *data, size_t len, size_t *at, struct nla *out)
{
	struct nlattr a;

	if (*at + NLA_HDRLEN > len)
		return false;
	memcpy(&a, (const uint8_t *)data + *at, sizeof(a));
	if (a.nla_len < NLA_HDRLEN || *at + a.nla_len > len)
		return false;
	out->type = a.nla_type & NLA_TYPE_MASK;
	out->data = (const uint8_t *)data + *at + NLA_HDRLEN;
	out->len = (size_t)a.nla_len - NLA_HDRLEN;
	*at += NLA_ALIGN(a.nla_len);
	return true;
}

bool
nla_find(const void *data, size_t len, unsigned type, struct nla *out)
{
	for (size_t at = 0; nla_step(data, len, &at, out); )
		if (out->type == type)
			return true;
	return false;
}

uint32_t
nla_find_u32(const void *data, size_t len, unsigned type, uint32_t fallback)
{
	struct nla a;
	uint32_t value;

	if (!nla_find(data, len, type, &a) || a.len != sizeof(value))
		return fallback;
	memcpy(&value, a.data, sizeof(value));
	return value;
}
