/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start and the end of the helper's life on a kernel that is a list of messages: what a
 * previous life left, and what the host routes.  Functions are replaced by the linker
 * (--wrap); that the real kernel takes it so is tests/priv/test_border's to show.
 */
#include "ntkd-priv/reap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/nlq.h"
#include "common/privfd.h"
#include "ntkd-priv/journal.h"
#include "ntkd-priv/x_netns.h"
#include "ntkd-priv/x_nft.h"
#include "ntkd-priv/x_sysctl.h"
#include "tests/unit/kerntest.h"
#include "tests/unit/tap.h"

enum { OURS = 15, FORMER = 77, THEIRS = 4, MESSAGE = 128, MESSAGES = 400, PASSES = 64 };

/* Of a request to list something. */
#define DUMPED(type) (((type) - RTM_GETADDR) / 4)

static struct conf conf;
static struct ledger ledger;
static struct host host;
static char lines[4000];
static char socket_dump;

static struct {
	_Alignas(struct nlmsghdr) uint8_t v[MESSAGES][MESSAGE];
	size_t n;
	size_t dumps[4];	/* by DUMPED(type) */
	size_t sends;		/* that are not empty */
	size_t largest;
	bool stubborn;		/* what is removed stays */
	bool all;		/* whatever is asked, everything is listed */
	int unlisted;		/* errno of dumps of UNLISTED_TYPE */
	int unlisted_type;
	int unopened;		/* errno of nlq_open() */
	int table_error;
	unsigned tables, forwarding, interfaces;
	unsigned silenced, names;
	bool name_stays;
} k;

static struct nl_sock *
dump_socket(void)
{
	return (struct nl_sock *)&socket_dump;
}

/* --- in the place of the helper's ------------------------------------------------ */

struct nl_sock *__wrap_nlq_open(int protocol, int buffer);
int __wrap_nlq_dump(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg);
int __wrap_nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg,
    struct nlq_error *err);
int __wrap_x_nft_remove_table(struct nl_sock *nft);
void __wrap_x_sysctl_restore_forwarding(struct ledger *l);
void __wrap_x_sysctl_restore_interface(struct ledger *l, int ifindex);
bool __wrap_x_netns_remove_name(uint32_t number, dev_t dev, ino_t ino);
void __wrap_x_netns_silence_former(const struct ledger *l, uint32_t number, dev_t dev, ino_t ino);

struct nl_sock *
__wrap_nlq_open(int protocol, int buffer)
{
	CU_ASSERT(protocol == NETLINK_ROUTE && buffer > 0);
	errno = k.unopened;
	return k.unopened != 0 ? NULL : nl_socket_alloc();
}

static struct nlmsghdr *
message(size_t i)
{
	return (struct nlmsghdr *)k.v[i];
}

/* Other messages come, too: who reads must look. */
int
__wrap_nlq_dump(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg)
{
	int type = nlmsg_hdr(m)->nlmsg_type;

	CU_ASSERT(sk == dump_socket());
	nlmsg_free(m);
	k.dumps[DUMPED(type)]++;
	for (size_t i = 0; i < k.n; i++)
		if (k.all || message(i)->nlmsg_type == type - 2)
			each(message(i), arg);
	return type == k.unlisted_type ? k.unlisted : 0;
}

int
__wrap_nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg, struct nlq_error *err)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)q->buf;

	CU_ASSERT(ack_each && done == NULL && arg == NULL && err == NULL);
	CU_ASSERT(q->sk != NULL && q->sk != dump_socket());
	k.sends += q->n != 0;
	k.largest = q->n > k.largest ? q->n : k.largest;
	for (size_t s = 0; s < q->n; s++) {
		for (size_t i = k.n; i-- > 0 && !k.stubborn; )
			if (message(i)->nlmsg_type == nlh->nlmsg_type - 1 &&
			    message(i)->nlmsg_len == nlh->nlmsg_len && memcmp(nlmsg_data(message(i)),
			    nlmsg_data(nlh), nlh->nlmsg_len - NLMSG_HDRLEN) == 0) {
				memcpy(k.v[i], k.v[--k.n], MESSAGE);
				break;
			}
		nlh = (const struct nlmsghdr *)(const void *)((const uint8_t *)nlh +
		    NLMSG_ALIGN(nlh->nlmsg_len));
	}
	nlq_drop(q);
	return 0;
}

int
__wrap_x_nft_remove_table(struct nl_sock *nft)
{
	CU_ASSERT(nft == ledger.ns[NS_DEFAULT].nft);
	k.tables++;
	return k.table_error;
}

void
__wrap_x_sysctl_restore_forwarding(struct ledger *l)
{
	CU_ASSERT(l == &ledger);
	k.forwarding++;
}

void
__wrap_x_sysctl_restore_interface(struct ledger *l, int ifindex)
{
	CU_ASSERT(l == &ledger && ifindex == 0);
	k.interfaces++;
}

bool
__wrap_x_netns_remove_name(uint32_t number, dev_t dev, ino_t ino)
{
	CU_ASSERT(number == 7 && dev == 8 && ino == 9);
	/* Silent first, then without a name. */
	CU_ASSERT_EQUAL(k.silenced, ++k.names);
	return !k.name_stays;
}

void
__wrap_x_netns_silence_former(const struct ledger *l, uint32_t number, dev_t dev, ino_t ino)
{
	CU_ASSERT(l == &ledger && number == 7 && dev == 8 && ino == 9);
	k.silenced++;
}

/* --- the world -------------------------------------------------------------------- */

static void
on_line(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	strncat(lines, line, sizeof(lines) - strlen(lines) - 1);
}

static void
put(struct nl_msg *m)
{
	CU_ASSERT_FATAL(k.n < MESSAGES && nlmsg_hdr(m)->nlmsg_len <= MESSAGE);
	memset(k.v[k.n], 0, MESSAGE);
	memcpy(k.v[k.n++], nlmsg_hdr(m), nlmsg_hdr(m)->nlmsg_len);
	nlmsg_free(m);
}

static void
put_route(uint8_t protocol, uint32_t table, ntk_ip_t dst, uint8_t len, uint32_t ifindex)
{
	const struct rtmsg head = { .rtm_family = AF_INET, .rtm_protocol = protocol,
		.rtm_dst_len = len };
	struct nl_msg *m = nlq_message(RTM_NEWROUTE, 0, &head, sizeof(head));

	nlq_put_u32(m, RTA_TABLE, table);
	nlq_put_u32(m, RTA_DST, htonl(dst));
	nlq_put_u32(m, RTA_OIF, ifindex);
	put(m);
}

static void
put_rule(uint8_t protocol, uint32_t priority)
{
	const struct fib_rule_hdr head = { .family = AF_INET };
	struct nl_msg *m = nlq_message(RTM_NEWRULE, 0, &head, sizeof(head));

	nlq_put_u32(m, FRA_PRIORITY, priority);
	nlq_put_u8(m, FRA_PROTOCOL, protocol);
	put(m);
}

static void
put_address(uint8_t protocol)
{
	const struct ifaddrmsg head = { .ifa_family = AF_INET };
	struct nl_msg *m = nlq_message(RTM_NEWADDR, 0, &head, sizeof(head));

	nlq_put_u32(m, IFA_ADDRESS, 1);
	nlq_put_u8(m, IFA_PROTO, protocol);
	put(m);
}

static void
begin(void)
{
	char journal[] = "/tmp/ntk-reap.XXXXXX";
	int fd = mkstemp(journal);

	CU_ASSERT_FATAL(fd >= 0 && dup2(fd, PRIV_FD_JOURNAL) == PRIV_FD_JOURNAL);
	if (fd != PRIV_FD_JOURNAL)
		close(fd);
	unlink(journal);
	memset(&k, 0, sizeof(k));
	lines[0] = '\0';
	log_set_hook(on_line, NULL);
	kerntest_conf(&conf, "4.2.2.2", 2);
	conf.routing_protocol = OURS;
	ledger_init(&ledger, &conf);
	ledger.ns[NS_DEFAULT].rt = dump_socket();
}

static unsigned
records(enum journal_kind kind)
{
	struct journal_record r;
	unsigned n = 0;

	for (off_t at = 0; pread(PRIV_FD_JOURNAL, &r, sizeof(r), at) == (ssize_t)sizeof(r);
	    at += (off_t)sizeof(r))
		n += r.kind == kind;
	return n;
}

/* Each kind N times. */
static bool
all_dumped(size_t n)
{
	return k.dumps[DUMPED(RTM_GETADDR)] == n && k.dumps[DUMPED(RTM_GETROUTE)] == n &&
	    k.dumps[DUMPED(RTM_GETRULE)] == n;
}

static bool
said(const char *text)
{
	bool is = strstr(lines, text) != NULL;

	lines[0] = '\0';
	return is;
}

/* --- what a previous life left ------------------------------------------------------ */

static void
test_clean(void)
{
	begin();
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(all_dumped(1) && k.sends == 0);
	CU_ASSERT(k.tables == 1 && k.forwarding == 1 && k.interfaces == 1);
	CU_ASSERT_STRING_EQUAL(lines, "");
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
	/* The next life finds these labels, and leaves only its own. */
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT_EQUAL(k.dumps[DUMPED(RTM_GETADDR)], 3);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
	reap_at_end(&ledger);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 0);
}

static void
leave(uint8_t protocol, uint32_t table, uint32_t priority)
{
	put_route(protocol, table, 0x0a000010, 30, 1);
	put_rule(protocol, priority);
	put_address(protocol);
}

static void
test_leftovers(void)
{
	begin();
	leave(THEIRS, conf.tables.first, conf.rule_priority);
	leave(OURS, conf.tables.first, conf.rule_priority);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT_EQUAL(k.n, 3);
	CU_ASSERT_EQUAL(k.sends, 3);
	CU_ASSERT(all_dumped(2));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "removed 1 rules that"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "removed 1 routes that"));
	CU_ASSERT(said("removed 1 addresses that"));
	/* More than a batch: of acknowledgements more would not fit. */
	for (uint32_t i = 0; i < NLQ_BATCH + 3; i++)
		put_route(OURS, conf.tables.first, i << 8, 24, 1);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT_EQUAL(k.largest, NLQ_BATCH);
	CU_ASSERT_EQUAL(k.n, 3);
	CU_ASSERT(said("removed 67 routes that"));
	/* What does not go is not tried for ever. */
	put_route(OURS, conf.tables.first, 0, 24, 1);
	k.stubborn = true;
	reap_at_end(&ledger);
	k.dumps[DUMPED(RTM_GETROUTE)] = 0;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT_EQUAL(k.dumps[DUMPED(RTM_GETROUTE)], PASSES);
	CU_ASSERT(said("removed 64 routes that"));
}

/* A start that cannot see what is left, or cannot note what it will leave, is none. */
static void
test_blind(void)
{
	static const int types[] = { RTM_GETRULE, RTM_GETROUTE, RTM_GETADDR };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		begin();
		leave(OURS, conf.tables.first, conf.rule_priority);
		k.stubborn = true;
		k.unlisted_type = types[i];
		k.unlisted = EIO;
		CU_ASSERT_EQUAL(reap(&ledger, &conf), EIO);
		CU_ASSERT_EQUAL(k.dumps[DUMPED(types[i])], 1);
		/* Nothing is asked behind it. */
		CU_ASSERT(i > 0 || k.dumps[DUMPED(RTM_GETROUTE)] == 0);
		CU_ASSERT(i > 1 || k.dumps[DUMPED(RTM_GETADDR)] == 0);
		CU_ASSERT(k.tables == 0 && k.forwarding == 0 && k.interfaces == 0);
		CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 0);
	}
	begin();
	k.unopened = EMFILE;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), EMFILE);
	begin();
	k.table_error = EBUSY;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), EBUSY);
	CU_ASSERT(k.forwarding == 0 && k.interfaces == 0);
	begin();
	close(PRIV_FD_JOURNAL);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), EBADF);
}

/* The configuration had other labels then. */
static void
test_former(void)
{
	struct journal_record former = { .kind = JOURNAL_LABELS, .value = FORMER,
		.rule_priority = 500, .tables = { 150, 140 }, .more_tables = { 3000, 3100 } };

	begin();
	CU_ASSERT(journal_add(&former));
	leave(FORMER, 145, 500);
	leave(FORMER, 3050, 501);
	put_route(FORMER, conf.tables.first, 0, 24, 1);
	put_rule(FORMER, conf.rule_priority);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT_EQUAL(k.n, 2);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
	/* Not removed, not forgotten. */
	begin();
	CU_ASSERT(journal_add(&former));
	k.unlisted_type = RTM_GETROUTE;
	k.unlisted = EIO;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), EIO);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
}

static void
test_namespaces(void)
{
	const struct journal_record ns = { .kind = JOURNAL_NAMESPACE, .value = 7, .dev = 8, .ino = 9 };
	const struct journal_record setting = { .kind = JOURNAL_FORWARDING, .path = "x" };

	begin();
	k.name_stays = true;
	CU_ASSERT(journal_add(&ns) && journal_add(&setting));
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.silenced == 1 && k.names == 1);
	CU_ASSERT_EQUAL(records(JOURNAL_NAMESPACE), 1);
	reap_at_end(&ledger);
	CU_ASSERT(k.silenced == 2 && k.names == 2);
	CU_ASSERT_EQUAL(records(JOURNAL_NAMESPACE), 1);
	k.name_stays = false;
	reap_at_end(&ledger);
	CU_ASSERT_EQUAL(records(JOURNAL_NAMESPACE), 0);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 0);
	CU_ASSERT_EQUAL(records(JOURNAL_FORWARDING), 1);
}

static void
test_nonsense(void)
{
	struct journal_record r = { .kind = JOURNAL_LABELS + 1 };

	begin();
	CU_ASSERT(journal_add(&r));
	r.kind = UINT32_MAX;
	CU_ASSERT(journal_add(&r));
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(said("2 records of the journal make no sense; dropped"));
	CU_ASSERT(records(JOURNAL_LABELS + 1) == 0 && records(UINT32_MAX) == 0);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT_STRING_EQUAL(lines, "");
}

/* --- what the host routes -------------------------------------------------------------- */

static void
looks(size_t n)
{
	CU_ASSERT_EQUAL(host_look(&ledger, &conf, &host), 0);
	CU_ASSERT_EQUAL(host.n, n);
	if (host.n != n)
		tap_note("%zu instead of %zu", host.n, n);
	k.n = 0;
}

static void
test_host(void)
{
	begin();
	ledger.dev[1].slot.used = ledger.dev[CONF_INTERFACES].slot.used = true;
	ledger.dev[1].ifindex = 5;
	ledger.dev[CONF_INTERFACES].ifindex = 6;
	ledger.dev[2].ifindex = 9;
	put_route(THEIRS, 254, 0x0a010000, 16, 3);
	put_route(THEIRS, 254, 0x0a010000, 16, 4);
	put_route(THEIRS, 254, 0x0a010000, 17, 3);
	put_route(THEIRS, 254, 0x0a020000, 16, 3);
	looks(3);
	CU_ASSERT(host.v[0].addr == 0x0a010000 && host.v[0].len == 16);
	CU_ASSERT(host.v[1].len == 17 && host.v[2].addr == 0x0a020000);
	/* Towards a managed interface; 9 is that of one that is not. */
	put_route(THEIRS, 254, 0x0a010000, 16, 5);
	put_route(THEIRS, 254, 0x0a010000, 16, 6);
	looks(0);
	put_route(THEIRS, 254, 0x0a010000, 16, 9);
	looks(1);
	/* Not in the range, ways to the Internet; but what the range lies in. */
	put_route(THEIRS, 254, 0x0b000000, 8, 3);
	put_route(THEIRS, 254, 0, 0, 3);
	put_route(THEIRS, 254, 0, 1, 3);
	looks(0);
	put_route(THEIRS, 254, 0x08000000, 5, 3);
	put_route(THEIRS, 254, 0, 2, 3);
	looks(2);
	/* All of the link-local prefix says nothing. */
	put_route(THEIRS, 254, 0xa9fe0000, 16, 3);
	put_route(THEIRS, 254, 0xa9ff0000, 17, 3);
	looks(0);
	put_route(THEIRS, 254, 0xa9fe0000, 17, 3);
	put_route(THEIRS, 254, 0xa9fe0101, 32, 3);
	looks(2);
}

static void
test_host_malformed(void)
{
	const struct rtmsg head = { .rtm_family = AF_INET, .rtm_dst_len = 2 };

	begin();
	put_route(THEIRS, 254, 0x0a010000, 33, 3);
	put_route(THEIRS, 254, 0x0a010000, 16, 3);
	((struct rtmsg *)nlmsg_data(message(1)))->rtm_family = AF_INET6;
	put(nlq_message(RTM_NEWROUTE, 0, &head, 4));
	put(nlq_message(RTM_NEWRULE, 0, &head, sizeof(head)));
	k.all = true;
	looks(0);
	put_route(THEIRS, 254, 0x0a010001, 32, 3);
	looks(1);
	k.unlisted_type = RTM_GETROUTE;
	k.unlisted = EIO;
	CU_ASSERT_EQUAL(host_look(&ledger, &conf, &host), EIO);
}

static void
test_host_subnet(void)
{
	ntk_prefix_t subnet;

	begin();
	conf.subnet_level = 1;
	CU_ASSERT_FATAL(conf_subnet(&conf, &subnet));
	put_route(THEIRS, 254, subnet.addr, (uint8_t)subnet.len, 3);
	put_route(THEIRS, 254, subnet.addr, 32, 3);
	looks(0);
	put_route(THEIRS, 254, subnet.addr & 0xffffff00, 24, 3);
	looks(1);
	conf.subnet_level = 0;
	put_route(THEIRS, 254, subnet.addr, (uint8_t)subnet.len, 3);
	looks(1);
}

static void
test_host_many(void)
{
	begin();
	for (uint32_t i = 0; i < HOST_ROUTES; i++)
		put_route(THEIRS, 254, 0x0a000000 + i, 32, 3);
	CU_ASSERT_EQUAL(host_look(&ledger, &conf, &host), 0);
	CU_ASSERT_EQUAL(host.n, HOST_ROUTES);
	put_route(THEIRS, 254, 0x0a010000, 16, 3);
	CU_ASSERT_EQUAL(host_look(&ledger, &conf, &host), ENOSPC);
	CU_ASSERT_EQUAL(host.n, HOST_ROUTES);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "nothing is left: nothing is done", test_clean },
		{ "what carries our labels goes", test_leftovers },
		{ "what cannot be seen or noted ends the start", test_blind },
		{ "labels of another configuration", test_former },
		{ "namespaces of a previous life", test_namespaces },
		{ "records that make no sense", test_nonsense },
		{ "what the host routes in the range", test_host },
		{ "what is no route of IPv4", test_host_malformed },
		{ "the host's own subnet", test_host_subnet },
		{ "more routes than there is room for", test_host_many },
	};

	return TAP_RUN(tests);
}
