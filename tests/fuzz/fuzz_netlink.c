/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What comes back over netlink: requests and dumps of common/nlq.h, and those who walk over what
 * a dump lists (the removal of leftovers, the comparison with the ledger, the look at the
 * host's routes, interfaces and addresses).  The socket calls are defined here, so what is received is made of the
 * bytes: messages whose length, sequence number, port, flags and attributes are as
 * they should be or not.  The journal is defined here, too.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/nlq.h"
#include "ntkd-priv/check.h"
#include "ntkd-priv/journal.h"
#include "ntkd-priv/reap.h"
#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_nft.h"
#include "ntkd/io/netdump.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/kerntest.h"

enum { PORT = 4242, DATAGRAM = 4096, RECEIVES = 512, BATCH = 5 };

static struct {
	struct rd r;
	struct conf conf;
	struct ledger ledger;
	uint32_t seq;		/* of the last message that was sent */
	uint32_t port;		/* ours, as libnl chose it */
	size_t receives;
	bool peeked;		/* the datagram in BUF was looked at and not taken */
	uint8_t buf[DATAGRAM];
	size_t len;
	bool from_kernel;
	size_t acks;		/* acknowledgements made that are as they should be */
} f;

/*
 * libnl forgets a link that it was told when something else comes behind it in the same answer,
 * and no call of it gets that link.
 */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:nl_object_alloc\n";
}

/* --- messages from bytes ----------------------------------------------------------- */

static size_t
put(size_t at, const void *data, size_t len)
{
	if (at + len > DATAGRAM)
		return at;
	if (len > 0)
		memcpy(f.buf + at, data, len);
	return at + len;
}

static size_t
put_bytes(size_t at, size_t len)
{
	uint8_t bytes[256] = { 0 };

	rd_bytes(&f.r, bytes, len);
	return put(at, bytes, len);
}

static size_t
align(size_t at)
{
	static const uint8_t zero[4];

	return put(at, zero, -at & 3U);
}

/* An attribute: of a fitting length or not, of an honest one or not. */
static size_t
put_attribute(size_t at)
{
	static const uint8_t texts[][4] = { "eth1", "eth2", "lo\0\0", "ntkd" };
	uint8_t how = rd_u8(&f.r), len = rd_u8(&f.r);
	struct nlattr a = { .nla_type = rd_u8(&f.r) & 0x3fU };
	size_t payload = (how & 3) == 0 ? 4 : (how & 3) == 1 ? 1 : (how & 3) == 2 ? len & 0x1fU : 5;

	a.nla_len = (uint16_t)(NLA_HDRLEN + payload);
	if ((how & 0x1c) == 0x1c)
		a.nla_len = len;
	if ((how & 0xe0) == 0xe0)
		a.nla_type |= NLA_F_NESTED;
	at = put(at, &a, sizeof(a));
	if ((how & 3) == 3) {
		at = put(at, texts[len % 4], 4);
		return align(put_bytes(at, 1));
	}
	return align(put_bytes(at, payload));
}

/* What stands in front of the attributes of a message of TYPE. */
static size_t
put_head(size_t at, uint16_t type)
{
	uint8_t len = rd_u8(&f.r), table = rd_u8(&f.r), number = rd_u8(&f.r), index = rd_u8(&f.r);
	uint16_t flags = rd_u16(&f.r);
	const struct rtmsg route = { .rtm_family = AF_INET, .rtm_dst_len = len, .rtm_table = table,
		.rtm_protocol = 84, .rtm_type = RTN_UNICAST };
	const struct ifaddrmsg addr = { .ifa_family = AF_INET, .ifa_prefixlen = number,
		.ifa_index = index };
	const struct ifinfomsg link = { .ifi_index = number, .ifi_type = 1, .ifi_flags = flags };
	const struct nfgenmsg nft = { .nfgen_family = AF_INET };

	switch (type) {
	case RTM_NEWROUTE:
	case RTM_NEWRULE:
		return put(at, &route, sizeof(route));
	case RTM_NEWADDR:
		return put(at, &addr, sizeof(addr));
	case RTM_NEWLINK:
		return put(at, &link, sizeof(link));
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE:
		return put(at, &nft, sizeof(nft));
	default:
		return put_bytes(at, number % 24U);
	}
}

static size_t
put_error(size_t at, const struct nlmsghdr *of, bool *good)
{
	static const int errors[] = { 0, 0, 0, -EEXIST, -ESRCH, -EPERM, EINVAL, INT32_MIN };
	struct nlmsgerr e = { .error = errors[rd_u8(&f.r) % 8], .msg = *of };

	*good = e.error == 0;
	e.msg.nlmsg_type = RTM_NEWROUTE;
	return put(at, &e, sizeof(e));
}

static size_t
put_message(size_t at)
{
	static const uint16_t types[] = { RTM_NEWROUTE, RTM_NEWRULE, RTM_NEWADDR, RTM_NEWLINK,
		NLMSG_ERROR, NLMSG_DONE, NLMSG_ERROR, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE,
		RTM_DELROUTE, NLMSG_NOOP, NLMSG_OVERRUN, RTM_NEWROUTE };
	uint8_t how = rd_u8(&f.r), flags = rd_u8(&f.r), odd = rd_u8(&f.r);
	struct nlmsghdr h = { .nlmsg_type = types[how % 12], .nlmsg_seq = f.seq - (odd & 7),
		.nlmsg_pid = f.port };
	size_t start = at, end;
	bool good = false;

	h.nlmsg_flags = (flags & 1) == 0 ? NLM_F_MULTI : 0;
	h.nlmsg_flags |= (flags & 0x1e) == 0x1e ? NLM_F_DUMP_INTR : 0;
	h.nlmsg_flags |= (flags & 0x20) != 0 ? NLM_F_ACK_TLVS | NLM_F_CAPPED : 0;
	if (odd >= 0xf8)
		h.nlmsg_seq = rd_u32(&f.r);
	if ((odd & 0xfc) == 0xf4)
		h.nlmsg_pid++;
	at = put(at, &h, sizeof(h));
	if (h.nlmsg_type == NLMSG_ERROR || h.nlmsg_type == NLMSG_DONE)
		at = put_error(at, &h, &good);
	else
		at = put_head(at, h.nlmsg_type);
	for (unsigned n = flags >> 6; n > 0; n--)
		at = put_attribute(at);
	end = at;
	if ((odd & 0xfc) == 0xf0)
		end = start + rd_u8(&f.r);
	h.nlmsg_len = (uint32_t)(end - start);
	if (start + sizeof(h) <= DATAGRAM)
		memcpy(f.buf + start, &h, sizeof(h));
	f.acks += h.nlmsg_type == NLMSG_ERROR && good;
	return align(at);
}

/* Makes the next datagram; false when the socket has none, errno then says why. */
static bool
datagram_make(void)
{
	static const int errors[] = { ENOBUFS, EAGAIN, EINTR, ENOBUFS, EIO };
	uint8_t how = rd_u8(&f.r);

	if (++f.receives > RECEIVES || f.r.failed || f.r.left == 0) {
		errno = EAGAIN;
		return false;
	}
	if (how >= 0xf0) {
		errno = errors[how % 5];
		return false;
	}
	f.from_kernel = how < 0xe0;
	f.len = 0;
	for (unsigned n = how & 3U; ; n--) {
		f.len = put_message(f.len);
		if (n == 0)
			break;
	}
	if ((how & 0x1c) == 0x1c)
		f.len = rd_u8(&f.r) % (f.len + 1);
	return true;
}

/* --- the socket calls ------------------------------------------------------------------ */

int
socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int
setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)value;
	(void)len;
	return 0;
}

int
bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)fd;
	(void)len;
	f.port = ((const struct sockaddr_nl *)(const void *)addr)->nl_pid;
	return 0;
}

int
getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	const struct sockaddr_nl us = { .nl_family = AF_NETLINK, .nl_pid = PORT };

	(void)fd;
	f.port = PORT;
	memcpy(addr, &us, sizeof(us));
	*len = sizeof(us);
	return 0;
}

/* Remembers the number of the last message among the LEN bytes at DATA. */
static void
sent(const void *data, size_t len)
{
	struct nlmsghdr h;

	for (size_t at = 0; at + sizeof(h) <= len; at += NLMSG_ALIGN(h.nlmsg_len)) {
		memcpy(&h, (const uint8_t *)data + at, sizeof(h));
		must(h.nlmsg_len >= sizeof(h) && at + h.nlmsg_len <= len);
		f.seq = h.nlmsg_seq;
	}
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	(void)fd;
	(void)flags;
	sent(data, len);
	if (rd_u8(&f.r) == 0xff) {
		errno = ENOBUFS;
		return -1;
	}
	return (ssize_t)len;
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return send(fd, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	const struct sockaddr_nl from = { .nl_family = AF_NETLINK, .nl_pid = f.from_kernel ? 0 : 7 };
	size_t n;

	(void)fd;
	if (!f.peeked && !datagram_make())
		return -1;
	f.peeked = (flags & MSG_PEEK) != 0;
	n = msg->msg_iov[0].iov_len < f.len ? msg->msg_iov[0].iov_len : f.len;
	if (n > 0)
		memcpy(msg->msg_iov[0].iov_base, f.buf, n);
	if (msg->msg_name != NULL && msg->msg_namelen >= sizeof(from)) {
		memcpy(msg->msg_name, &from, sizeof(from));
		((struct sockaddr_nl *)msg->msg_name)->nl_pid = f.from_kernel ? 0 : 7;
		msg->msg_namelen = sizeof(from);
	}
	msg->msg_controllen = 0;
	msg->msg_flags = n < f.len ? MSG_TRUNC : 0;
	return (ssize_t)((flags & MSG_TRUNC) != 0 ? f.len : n);
}

ssize_t
recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *len)
{
	struct iovec iov = { buf, size };
	struct msghdr msg = { .msg_name = addr, .msg_namelen = *len, .msg_iov = &iov,
		.msg_iovlen = 1 };
	ssize_t n = recvmsg(fd, &msg, flags);

	*len = msg.msg_namelen;
	return n;
}

/* --- the journal ------------------------------------------------------------------------- */

bool
journal_add(const struct journal_record *r)
{
	must(r->kind == JOURNAL_LABELS);
	return true;
}

void
journal_walk(journal_each *each, void *arg)
{
	const struct journal_record labels = { .kind = JOURNAL_LABELS, .value = 84,
		.rule_priority = 1, .tables = { 251, 200 }, .more_tables = { 10000, 11000 } };

	each(&labels, arg);
}

/* --- what is tried -------------------------------------------------------------------------- */

static void
be_quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	for (size_t i = 0; line[i] != '\0'; i++)
		must(line[i] >= 0x20 && line[i] <= 0x7e);
}

static void
step_told(void *arg, uint32_t step, const struct nlq_error *err)
{
	size_t *told = arg;

	must(step >= 100 && step < 100 + BATCH);
	must(err == NULL || (err->error != 0 && memchr(err->text, 0, sizeof(err->text)) != NULL));
	(*told)++;
}

static void
try_send(struct nl_sock *sk)
{
	static struct nlq q;
	const struct rtmsg head = { .rtm_family = AF_INET };
	struct nlq_error err;
	bool each = (rd_u8(&f.r) & 1) == 0;
	size_t told = 0;
	int error;

	q.sk = sk;
	f.acks = 0;
	for (uint32_t i = 0; i < BATCH; i++)
		nlq_add(&q, nlq_message(RTM_NEWROUTE, 0, &head, sizeof(head)), 100 + i);
	error = nlq_send(&q, each, step_told, &told, &err);
	must(error == err.error && q.n == 0);
	must(error != 0 || f.acks >= (each ? BATCH : 1));
	must(told <= BATCH && ((!each && error != 0) || told >= (each ? BATCH : 1)));
}

static void
look(const struct nlmsghdr *nlh, void *arg)
{
	size_t *n = arg;

	must(nlh->nlmsg_len >= sizeof(*nlh));
	(*n)++;
}

static void
try_dump(struct nl_sock *sk)
{
	const struct rtmsg head = { .rtm_family = AF_INET };
	size_t n = 0;
	int error = nlq_dump(sk, nlq_message(RTM_GETROUTE, 0, &head, sizeof(head)), look, &n);

	must(error == 0 || error == EIO);
}

static void
check_error(const char *err)
{
	size_t len = strnlen(err, CONF_ERROR);

	must(len > 0 && len < CONF_ERROR);
}

static void
try_netdump(bool interfaces)
{
	const struct overlap_rules rules = { .range = f.conf.map.range };
	uint32_t devs[CONF_INTERFACES];
	char err[CONF_ERROR] = "";

	if (interfaces ? netdump_interfaces(&f.conf, devs, err) : netdump_overlap(&rules, err))
		must(err[0] == '\0');
	else
		check_error(err);
}

/* A route, a rule, addresses and a mark, as if they had been made. */
static const struct obj objects[] = {
	{ .kind = OBJ_PEER, .peer = 1, .number = 250, .generation = 1 },
	{ .kind = OBJ_DEV, .dev = 1 },
	{ .kind = OBJ_ADDR, .dev = 1, .addr = 0xa9fe0101 },
	{ .kind = OBJ_NEIGH, .dev = 1, .addr = 0xa9fe0102, .src = 0xa9fe0101 },
	{ .kind = OBJ_ROUTE, .peer = 1, .addr = 0x0a000000, .len = 29,
	    .type = PRIV_ROUTE_UNREACHABLE },
	{ .kind = OBJ_RULE, .peer = 1 },
	{ .kind = OBJ_MARK, .peer = 1 },
};

static void
objects_enter(bool enter)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		struct change ch = { .has_to = true, .to = objects[i] };

		if (!enter)
			ch = change_reversed(&ch);
		ledger_apply(&f.ledger, &ch);
	}
}

/* What is told and the totals agree, whatever the kernel said. */
static void
check_findings(const struct findings *found)
{
	const struct priv_checked *t = &found->totals;
	uint64_t all = (uint64_t)t->repaired + t->failed + t->removed + t->foreign;
	struct msg_error err;

	must(found->n == (all < PRIV_DIFFERENCES ? all : PRIV_DIFFERENCES));
	must(msg_valid(&priv_checked_desc, t, &err));
	for (size_t i = 0; i < found->n; i++) {
		must(msg_valid(&priv_difference_desc, &found->v[i], &err));
		must((found->v[i].error != 0) <= (found->v[i].fate == PRIV_FATE_FAILED));
	}
}

static void
try_check(void)
{
	static struct findings found;

	f.ledger.dev[1].slot.used = true;
	f.ledger.dev[1].ifindex = 1;
	f.ledger.peer[1].slot = (struct slot){ true, 1 };
	f.ledger.peer[1].table = 250;
	f.ledger.ns[0].nft_table = true;
	objects_enter(true);
	check_namespace(&f.conf, &f.ledger, 0, &found);
	check_findings(&found);
	objects_enter(false);
	must(f.ledger.objects == 0);
}

static void
try_helper(uint8_t which)
{
	static struct host host;
	struct link_facts facts;
	int error;

	switch (which) {
	case 0:
		reap(&f.ledger, &f.conf);
		break;
	case 1:
		error = host_look(&f.ledger, &f.conf, &host);
		must(host.n <= HOST_ROUTES && (error == 0 || error == EIO || error == ENOSPC));
		break;
	case 2:
		if (x_link_read(f.ledger.ns[0].rt, 0, "eth1", &facts) == 0)
			must(memchr(facts.name, 0, sizeof(facts.name)) != NULL);
		break;
	case 3:
		x_nft_remove_table(f.ledger.ns[0].nft);
		break;
	default:
		try_check();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t what;

	if (size > 8192)
		return 0;
	log_set_hook(be_quiet, NULL);
	rd_init(&f.r, data, size);
	f.receives = 0;
	f.peeked = false;
	what = rd_u8(&f.r) % 10;
	kerntest_conf(&f.conf, "4.2.2.2", 2);
	f.conf.routing_protocol = 84;
	ledger_init(&f.ledger, &f.conf);
	f.ledger.ns[0].rt = nlq_open(NETLINK_ROUTE, 4096);
	f.ledger.ns[0].nft = nlq_open(NETLINK_NETFILTER, 4096);
	must(f.ledger.ns[0].rt != NULL && f.ledger.ns[0].nft != NULL);
	if (what == 0)
		try_send(f.ledger.ns[0].rt);
	else if (what == 1)
		try_dump(f.ledger.ns[0].rt);
	else if (what < 4)
		try_netdump(what == 2);
	else
		try_helper(what - 4);
	nl_socket_free(f.ledger.ns[0].rt);
	nl_socket_free(f.ledger.ns[0].nft);
	return 0;
}
