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

enum { OURS = 15, FORMER = 77, THEIRS = 4, PRIORITY = 10000, MESSAGE = 128, MESSAGES = 400 };
enum { OWN = 0x0a000010, LINKLOCAL = 0xa9fe5e01, ELSEWHERE = 0x0b000010 };

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
	size_t removals;	/* messages in them */
	int refusal;		/* what the kernel says to removals, or 0 */
	int refused_type;	/* of those alone; 0: of all */
	bool all;		/* whatever is asked, everything is listed */
	int unlisted;		/* errno of dumps of UNLISTED_TYPE */
	int unlisted_type;
	size_t interrupted;	/* so many dumps are interrupted at their end */
	int table_error;
	unsigned tables, forwarding, interfaces;
	unsigned silenced, names;
	bool name_stays;
	bool ending, restored;	/* in reap_at_end() */
} k;

static struct nl_sock *
dump_socket(void)
{
	return (struct nl_sock *)&socket_dump;
}

/* --- in the place of the helper's ------------------------------------------------ */

int __wrap_nlq_dump(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg);
int __wrap_nlq_dump_once(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg);
int __wrap_nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg,
    struct nlq_error *err);
int __wrap_x_nft_remove_table(struct nl_sock *nft);
void __wrap_x_sysctl_restore(const struct ledger *l, enum journal_kind kind, int ifindex);
bool __wrap_x_netns_remove_name(uint32_t number, dev_t dev, ino_t ino);
void __wrap_x_netns_silence_former(const struct ledger *l, uint32_t number, dev_t dev, ino_t ino);

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

/* What labels are looked for in. */
int
__wrap_nlq_dump_once(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg)
{
	int error = __wrap_nlq_dump(sk, m, each, arg);

	if (k.interrupted == 0)
		return error;
	k.interrupted--;
	return EAGAIN;
}

/* Does what NLH asks for; 0 or errno. */
static int
request(const struct nlmsghdr *nlh)
{
	if (k.refusal != 0 && (k.refused_type == 0 || k.refused_type == nlh->nlmsg_type))
		return k.refusal;
	for (size_t i = k.n; i-- > 0; )
		if (message(i)->nlmsg_type == nlh->nlmsg_type - 1 &&
		    message(i)->nlmsg_len == nlh->nlmsg_len && memcmp(nlmsg_data(message(i)),
		    nlmsg_data(nlh), nlh->nlmsg_len - NLMSG_HDRLEN) == 0) {
			memcpy(k.v[i], k.v[--k.n], MESSAGE);
			return 0;
		}
	return ESRCH;
}

int
__wrap_nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg, struct nlq_error *err)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)q->buf;

	CU_ASSERT(ack_each && done != NULL && err == NULL && q->sk == dump_socket());
	k.sends += q->n != 0;
	k.removals += q->n;
	for (size_t i = 0; i < q->n; i++) {
		struct nlq_error e = { request(nlh), false, q->steps[i], "" };

		done(arg, q->steps[i], e.error != 0 ? &e : NULL);
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

/* What was noted last, first. */
void
__wrap_x_sysctl_restore(const struct ledger *l, enum journal_kind kind, int ifindex)
{
	CU_ASSERT(l == &ledger && ifindex == 0);
	k.restored = true;
	if (k.ending) {
		CU_ASSERT_EQUAL(kind, JOURNAL_INTERFACE);
		return;
	}
	if (kind == JOURNAL_INTERFACE)
		CU_ASSERT_EQUAL(k.interfaces++, k.forwarding);
	if (kind == JOURNAL_FORWARDING)
		CU_ASSERT_EQUAL(++k.forwarding, k.interfaces);
}

bool
__wrap_x_netns_remove_name(uint32_t number, dev_t dev, ino_t ino)
{
	CU_ASSERT(number == 7 && dev == 8 && ino == 9);
	CU_ASSERT(k.removals == 0);	/* they do not wait for what carries labels */
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

	nlq_put_u32(m, FRA_DST, htonl(OWN));
	nlq_put_u32(m, FRA_PRIORITY, priority);
	nlq_put_u8(m, FRA_PROTOCOL, protocol);
	put(m);
}

static void
put_address(uint8_t protocol, ntk_ip_t addr)
{
	const struct ifaddrmsg head = { .ifa_family = AF_INET, .ifa_prefixlen = NTK_IP_BITS };
	struct nl_msg *m = nlq_message(RTM_NEWADDR, 0, &head, sizeof(head));

	nlq_put_u32(m, IFA_LOCAL, htonl(addr));
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
	conf.rule_priority = PRIORITY;
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

/* Settings of interfaces that were let go are tried once more. */
static void
ends(void)
{
	k.ending = true;
	k.restored = false;
	reap_at_end(&ledger);
	CU_ASSERT_TRUE(k.restored);
	k.ending = false;
}

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
	ends();
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 0);
}

static void
leave(uint8_t protocol, uint32_t table, uint32_t priority)
{
	put_route(protocol, table, OWN, 30, 1);
	put_rule(protocol, priority);
	put_address(protocol, LINKLOCAL);
}

static void
test_leftovers(void)
{
	begin();
	leave(THEIRS, conf.tables.first, PRIORITY);
	leave(OURS, conf.tables.first, PRIORITY);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT_EQUAL(k.n, 3);
	/* Each list is removed from before the next is asked for, and none is looked through twice. */
	CU_ASSERT(k.sends == 3 && k.removals == 3);
	CU_ASSERT(all_dumped(1));
	CU_ASSERT(said("removed 3 addresses, routes and rules that a previous life left"));
	CU_ASSERT(k.tables == 1 && k.forwarding == 1 && k.interfaces == 1);
	/* The label is more than the number: what others made with that stays. */
	begin();
	leave(OURS, 252, PRIORITY + 2);
	put_route(OURS, RT_TABLE_MAIN, OWN, 32, 1);
	put_address(OURS, ELSEWHERE);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 4 && k.removals == 1);
	put_route(OURS, RT_TABLE_MAIN, LINKLOCAL, 32, 1);
	put_rule(OURS, PRIORITY + 1);
	put_address(OURS, OWN);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 4 && k.removals == 4);
}

/* More than a batch, and more than are told one by one. */
static void
test_many(void)
{
	enum { MANY = NLQ_BATCH + PRIV_DIFFERENCES + 3 };
	char text[64];

	begin();
	for (uint32_t i = 0; i < MANY; i++)
		put_route(OURS, conf.tables.first, i << 8, 24, 1);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 0 && k.sends == 1 && k.removals == MANY);
	CU_ASSERT(all_dumped(1));
	snprintf(text, sizeof(text), "removed %d addresses, routes and rules that", MANY);
	CU_ASSERT(said(text));
}

/* What does not go is told, is not tried for ever, and is no obstacle. */
static void
test_stays(void)
{
	begin();
	leave(OURS, conf.tables.first, PRIORITY);
	k.refusal = EBUSY;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 3 && k.removals == 3 && all_dumped(1));
	CU_ASSERT_PTR_NULL(strstr(lines, "addresses, routes and rules"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "3 that a previous life left cannot be removed"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "not removed: rule 10.0.0.16/0 table 0: Device or"));
	CU_ASSERT(said("not removed: address 169.254.94.1/32: Device or resource busy"));
	CU_ASSERT(k.tables == 1 && k.forwarding == 1 && k.interfaces == 1);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
	/* The kernel was quicker. */
	begin();
	leave(OURS, conf.tables.first, PRIORITY);
	k.refusal = ESRCH;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT_PTR_NULL(strstr(lines, "cannot"));
	CU_ASSERT(said("removed 3 addresses, routes and rules that"));
}

/* A list that changes while it is told is asked for again, and counts for nothing until then. */
static void
test_interrupted(void)
{
	begin();
	leave(OURS, conf.tables.first, PRIORITY);
	k.interrupted = NLQ_DUMP_ATTEMPTS - 1;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 0 && k.removals == 3);
	CU_ASSERT_EQUAL(k.dumps[DUMPED(RTM_GETADDR)], NLQ_DUMP_ATTEMPTS);
	CU_ASSERT(said("removed 3 addresses, routes and rules that"));
	begin();
	leave(OURS, conf.tables.first, PRIORITY);
	k.interrupted = NLQ_DUMP_ATTEMPTS;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), EAGAIN);
	CU_ASSERT_EQUAL(k.dumps[DUMPED(RTM_GETADDR)], NLQ_DUMP_ATTEMPTS);
	CU_ASSERT(k.n == 1 && k.removals == 2 && k.tables == 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "removed 2 addresses, routes and rules that"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "1 that a previous life left cannot be removed"));
	CU_ASSERT(said("not removed: address cannot be listed: "));
}

/* A start that cannot see what is left, or cannot note what it will leave, is none. */
static void
test_blind(void)
{
	static const struct {
		int type;
		const char *kind;
	} lists[] = { { RTM_GETRULE, "rule" }, { RTM_GETROUTE, "route" }, { RTM_GETADDR, "address" } };
	char text[64];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		begin();
		k.unlisted_type = lists[i].type;
		k.unlisted = EIO;
		leave(OURS, conf.tables.first, PRIORITY);
		CU_ASSERT_EQUAL(reap(&ledger, &conf), EIO);
		/* What can be seen goes nevertheless; the other may have been told in part. */
		CU_ASSERT(all_dumped(1) && k.removals == 2);
		CU_ASSERT(k.n == 1 && message(0)->nlmsg_type == lists[i].type - 2);
		snprintf(text, sizeof(text), "%s cannot be listed: Input/output error", lists[i].kind);
		k.n = 0;
		lines[0] = '\0';
		CU_ASSERT_EQUAL(reap(&ledger, &conf), EIO);
		CU_ASSERT(said(text));
		CU_ASSERT(k.tables == 0 && k.forwarding == 0 && k.interfaces == 0);
		CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 0);
	}
	begin();
	k.table_error = EBUSY;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), EBUSY);
	CU_ASSERT(k.forwarding == 0 && k.interfaces == 0);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 0);
	begin();
	close(PRIV_FD_JOURNAL);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), EBADF);
}

static const struct journal_record former = { .kind = JOURNAL_LABELS, .value = FORMER,
	.rule_priority = 500, .tables = { 150, 140 }, .more_tables = { 3000, 3100 },
	.range = { 0x0b000000, 8 } };

/* The configuration had other labels then. */
static void
test_former(void)
{
	begin();
	CU_ASSERT(journal_add(&former));
	leave(FORMER, 145, 500);
	leave(FORMER, 3050, 501);
	put_address(FORMER, ELSEWHERE);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 0 && k.removals == 7 && all_dumped(2));
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
	/* Theirs with their own, not with ours. */
	begin();
	CU_ASSERT(journal_add(&former));
	put_route(FORMER, conf.tables.first, 0, 24, 1);
	put_rule(FORMER, PRIORITY);
	put_address(FORMER, OWN);
	put_route(OURS, 145, 0, 24, 1);
	put_rule(OURS, 500);
	put_address(OURS, ELSEWHERE);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 6 && k.removals == 0);
	CU_ASSERT_STRING_EQUAL(lines, "");
	/* Not seen, not forgotten. */
	begin();
	CU_ASSERT(journal_add(&former));
	k.unlisted_type = RTM_GETROUTE;
	k.unlisted = EIO;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), EIO);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
}

/* It is known until it is gone, to the next life and to those after it. */
static void
test_former_stays(void)
{
	begin();
	CU_ASSERT(journal_add(&former));
	leave(FORMER, 145, 500);
	k.refusal = EBUSY;
	k.refused_type = RTM_DELRULE;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 1 && records(JOURNAL_LABELS) == 2);
	/* What is told is what stays, not what was found first. */
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "removed 2 addresses, routes and rules that"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "1 that a previous life left cannot be removed"));
	CU_ASSERT_PTR_NULL(strstr(lines, "not removed: address"));
	CU_ASSERT_PTR_NULL(strstr(lines, "not removed: route"));
	CU_ASSERT(said("not removed: rule 10.0.0.16/0 table 0: Device or resource busy"));
	ends();
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 1 && records(JOURNAL_LABELS) == 2);
	k.refusal = 0;
	ends();
	CU_ASSERT(k.n == 0 && records(JOURNAL_LABELS) == 0);
	/* Nothing of our own that stays is forgotten, either; nor what cannot be seen. */
	leave(OURS, conf.tables.first, PRIORITY);
	k.refusal = EBUSY;
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	ends();
	CU_ASSERT(k.n == 1 && records(JOURNAL_LABELS) == 1);
	k.refusal = 0;
	k.unlisted_type = RTM_GETRULE;
	k.unlisted = EIO;
	ends();
	CU_ASSERT(k.n == 1 && records(JOURNAL_LABELS) == 1);
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
	ends();
	CU_ASSERT(k.silenced == 2 && k.names == 2);
	CU_ASSERT_EQUAL(records(JOURNAL_NAMESPACE), 1);
	k.name_stays = false;
	ends();
	CU_ASSERT_EQUAL(records(JOURNAL_NAMESPACE), 0);
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 0);
	CU_ASSERT_EQUAL(records(JOURNAL_FORWARDING), 1);
}

/* Of a kernel's or an administrator's own; of no configuration. */
static void
test_impossible(void)
{
	struct journal_record r[7];

	for (size_t i = 0; i < 7; i++)
		r[i] = former;
	r[0].value = RTPROT_STATIC;
	r[1].value = UINT8_MAX + 1;
	r[2].range.len = NTK_IP_BITS + 1;
	r[3].tables = (struct conf_tables){ RT_TABLE_DEFAULT, 200 };
	r[4].tables = (struct conf_tables){ 1000, RT_TABLE_LOCAL };
	r[5].more_tables = (struct conf_tables){ RT_TABLE_MAIN, RT_TABLE_MAIN };
	r[6].more_tables = (struct conf_tables){ 0, UINT32_MAX };
	begin();
	for (size_t i = 0; i < 7; i++)
		CU_ASSERT(journal_add(&r[i]));
	leave(RTPROT_STATIC, 145, 500);
	put_route(FORMER, RT_TABLE_MAIN, OWN, 24, 1);
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(k.n == 4 && k.removals == 0 && all_dumped(1));
	CU_ASSERT(said("7 records of the journal make no sense; dropped"));
	CU_ASSERT_EQUAL(records(JOURNAL_LABELS), 1);
	/* At the border: possible. */
	r[0].value = RTPROT_STATIC + 1;
	r[1].value = UINT8_MAX;
	r[2].range.len = NTK_IP_BITS;
	r[3].tables.first = RT_TABLE_DEFAULT - 1;
	r[4].tables.last = RT_TABLE_LOCAL + 1;
	begin();
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT(journal_add(&r[i]));
	CU_ASSERT_EQUAL(reap(&ledger, &conf), 0);
	CU_ASSERT(all_dumped(6));
	CU_ASSERT_STRING_EQUAL(lines, "");
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
	put(nlq_message(RTM_NEWNEIGH, 0, &head, sizeof(head)));
	put_address(THEIRS, OWN);
	put_rule(THEIRS, PRIORITY);
	((struct fib_rule_hdr *)nlmsg_data(message(k.n - 1)))->dst_len = 24;
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
		{ "very much is left", test_many },
		{ "what is left and does not go", test_stays },
		{ "a list that changes while it is told", test_interrupted },
		{ "what cannot be seen or noted ends the start", test_blind },
		{ "labels of another configuration", test_former },
		{ "and what stays of them", test_former_stays },
		{ "namespaces of a previous life", test_namespaces },
		{ "labels that no configuration has", test_impossible },
		{ "records that make no sense", test_nonsense },
		{ "what the host routes in the range", test_host },
		{ "what is no route of IPv4", test_host_malformed },
		{ "the host's own subnet", test_host_subnet },
		{ "more routes than there is room for", test_host_many },
	};

	return TAP_RUN(tests);
}
