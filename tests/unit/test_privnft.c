/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether our nftables table is as we wrote it, on a kernel that lists what was sent to it.
 * Functions are replaced by the linker (--wrap); that the real kernel lists what it was sent is
 * tests/priv/test_check's to show.
 */
#include "ntkd-priv/x_nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "tests/unit/kerntest.h"
#include "tests/unit/tap.h"

enum { MESSAGE = 2048, MESSAGES = 64 };

static struct conf conf;
static struct ledger ledger;
static struct nft_batch batch;
static char nft;			/* in the place of a socket */

static struct {
	_Alignas(struct nlmsghdr) uint8_t v[MESSAGES][MESSAGE];
	size_t n;
	uint16_t generation;
	size_t dumps, sends;
	size_t changes;		/* so many lists are followed by a change */
	int unlisted;		/* errno, of requests of UNLISTED_TYPE */
	int unlisted_type;	/* -1: of all */
	int refusal;
} k;

/* --- in the place of the helper's ------------------------------------------------ */

int __wrap_nlq_dump_once(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg);
int __wrap_nlq_dump(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg);
int __wrap_nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg,
    struct nlq_error *err);

static struct nlmsghdr *
message(size_t i)
{
	return (struct nlmsghdr *)k.v[i];
}

static int
kind(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_type & 0xff;
}

/* NFT_MSG_GET… follows NFT_MSG_NEW…. */
int
__wrap_nlq_dump_once(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg)
{
	int type = kind(nlmsg_hdr(m)) - 1;
	bool fails = k.unlisted != 0 && (k.unlisted_type == -1 || k.unlisted_type == type);

	CU_ASSERT((char *)sk == &nft);
	nlmsg_free(m);
	k.dumps++;
	for (size_t i = 0; i < k.n && !fails; i++)
		if (kind(message(i)) == type) {
			/* Behind one that is too short stands something else. */
			((struct nfgenmsg *)nlmsg_data(message(i)))->res_id =
			    htons(k.generation + (message(i)->nlmsg_len < NLMSG_SPACE(1)));
			each(message(i), arg);
		}
	if (k.changes > 0) {
		k.changes--;
		k.generation++;
	}
	return fails ? k.unlisted : 0;
}

int
__wrap_nlq_dump(struct nl_sock *sk, struct nl_msg *m, nlq_each *each, void *arg)
{
	return __wrap_nlq_dump_once(sk, m, each, arg);
}

int
__wrap_nlq_send(struct nlq *q, bool ack_each, nlq_done *done, void *arg, struct nlq_error *err)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)q->buf;

	(void)ack_each;
	(void)done;
	(void)arg;
	k.sends++;
	for (size_t i = 0; i < q->n && k.refusal == 0; i++) {
		if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE))
			k.n = 0;
		else if (nlh->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES && kind(nlh) % 3 == 0) {
			CU_ASSERT_FATAL(k.n < MESSAGES && nlh->nlmsg_len <= MESSAGE - 64);
			memset(k.v[k.n], 0, MESSAGE);
			memcpy(k.v[k.n++], nlh, nlh->nlmsg_len);
		}
		nlh = (const struct nlmsghdr *)(const void *)((const uint8_t *)nlh +
		    NLMSG_ALIGN(nlh->nlmsg_len));
	}
	k.generation += k.refusal == 0;
	nlq_drop(q);
	if (err != NULL)
		*err = (struct nlq_error){ .error = k.refusal, .step = NLQ_NO_STEP };
	return k.refusal;
}

/* --- the world -------------------------------------------------------------------- */

static const struct obj objects[] = {
	{ .kind = OBJ_MARK, .peer = 1 },
	{ .kind = OBJ_MARK, .peer = 2 },
	{ .kind = OBJ_NAT, .nat = PRIV_NAT_SOURCE, .addr = 0x0a000040, .len = 27,
	    .src = 0x0a000016 },
	{ .kind = OBJ_NAT, .nat = PRIV_NAT_SOURCE, .addr = 0x0a000060, .len = 27,
	    .src = 0x0a000016 },
	{ .kind = OBJ_NAT, .nat = PRIV_NAT_SOURCE, .addr = 0x0a000070, .len = 28,
	    .src = 0x0a000016 },
};

/* A look; what it finds. */
static void
finds(uint8_t fate, int error, size_t sends)
{
	int have = -1;
	size_t before = k.sends;

	CU_ASSERT_EQUAL(x_nft_check(&conf, &ledger, NS_DEFAULT, &have), fate);
	CU_ASSERT_EQUAL(have, error);
	CU_ASSERT_EQUAL(k.sends - before, sends);
}

static void
begin(void)
{
	struct nlq_error err;

	memset(&k, 0, sizeof(k));
	kerntest_conf(&conf, "4.2.2.2", 1);
	ledger_init(&ledger, &conf);
	ledger.ns[NS_DEFAULT].nft = (struct nl_sock *)&nft;
	ledger.seed = 99;
	for (uint16_t i = 1; i <= 2; i++)
		ledger.peer[i] = (struct peer){ .slot = { true, 1 }, .table = 251U - i,
			.mac = { { 2, 0, 0, 0, 0, (uint8_t)i } } };
	x_nft_begin(&batch, &conf, &ledger, NS_DEFAULT);
	for (uint32_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		const struct change ch = { .has_to = true, .to = objects[i] };

		ledger_apply(&ledger, &ch);
		x_nft_change(&batch, &ch, i);
	}
	CU_ASSERT_EQUAL(x_nft_commit(&batch, &ledger, &err), 0);
	CU_ASSERT(ledger.ns[NS_DEFAULT].nft_table && k.sends == 1);
	/* How the kernel lists it is learnt by writing it once more; then it is known. */
	CU_ASSERT_EQUAL(x_nft_check(&conf, &ledger, NS_DEFAULT, &(int){ 0 }) & ~PRIV_FATE_REPAIRED, 0);
	finds(0, 0, 0);
}

static void
end(void)
{
	for (size_t i = sizeof(objects) / sizeof(objects[0]); i-- > 0; ) {
		const struct change ch = { .has_from = true, .from = objects[i] };

		ledger_apply(&ledger, &ch);
	}
}

static void
append(size_t i, int type, const void *data, size_t size)
{
	struct nlattr *a = (struct nlattr *)(void *)(k.v[i] + NLMSG_ALIGN(message(i)->nlmsg_len));

	a->nla_type = (uint16_t)type;
	a->nla_len = (uint16_t)nla_attr_size((int)size);
	memcpy(nla_data(a), data, size);
	message(i)->nlmsg_len = NLMSG_ALIGN(message(i)->nlmsg_len) +
	    (uint32_t)nla_total_size((int)size);
}

static struct nlattr *
attr(size_t i, int type)
{
	return nlmsg_find_attr(message(i), sizeof(struct nfgenmsg), type);
}

static size_t
find(int type, size_t from)
{
	for (size_t i = from; i < k.n; i++)
		if (kind(message(i)) == type)
			return i;
	CU_FAIL_FATAL("no such message");
	return 0;
}

static struct nlattr *
last_attr(size_t i)
{
	int left = nlmsg_attrlen(message(i), sizeof(struct nfgenmsg));
	struct nlattr *last = NULL;

	for (struct nlattr *a = nlmsg_attrdata(message(i), sizeof(struct nfgenmsg)); nla_ok(a, left);
	    a = nla_next(a, &left))
		last = a;
	CU_ASSERT_FATAL(last != NULL);
	return last;
}

/* --- tests -------------------------------------------------------------------------- */

/* Whatever is gone, or told twice: the table is written anew, and then known again. */
static void
test_lost(void)
{
	size_t all;

	begin();
	all = k.n;
	CU_ASSERT_FATAL(all > 8);
	for (size_t i = 0; i < all; i++) {
		/* All else goes with the table. */
		if (kind(message(i)) == NFT_MSG_NEWTABLE)
			continue;
		memmove(k.v[i], k.v[i + 1], (k.n - i - 1) * MESSAGE);
		k.n--;
		finds(PRIV_FATE_REPAIRED, 0, 1);
		CU_ASSERT_EQUAL(k.n, all);
		finds(0, 0, 0);
		memcpy(k.v[k.n++], k.v[i], MESSAGE);
		finds(PRIV_FATE_REPAIRED, 0, 1);
		finds(0, 0, 0);
	}
	end();
}

/*
 * Attributes of each part, but for those that are the kernel's own, even if they look like a list of
 * elements.
 */
static void
test_altered(void)
{
	static const struct nlattr handle[2] = { { 2 * sizeof(handle[0]), 1 }, { 2, 3 } };
	static const struct {
		int type, attr;
		bool ours;
	} cases[] = {
		{ NFT_MSG_NEWTABLE, NFTA_TABLE_USE, false },
		{ NFT_MSG_NEWTABLE, NFTA_TABLE_HANDLE, false },
		{ NFT_MSG_NEWCHAIN, NFTA_CHAIN_HANDLE, false },
		{ NFT_MSG_NEWCHAIN, NFTA_CHAIN_USE, false },
		{ NFT_MSG_NEWCHAIN, NFTA_CHAIN_FLAGS, true },
		{ NFT_MSG_NEWRULE, NFTA_RULE_HANDLE, false },
		{ NFT_MSG_NEWRULE, NFTA_RULE_POSITION, false },
		{ NFT_MSG_NEWRULE, NFTA_RULE_COMPAT, true },
		{ NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_SET_ID, false },
		{ NFT_MSG_NEWSET, NFTA_SET_HANDLE, false },
		{ NFT_MSG_NEWSET, NFTA_SET_EXPRESSIONS + 1, false },
		{ NFT_MSG_NEWSET, NFTA_SET_EXPRESSIONS, true },
	};

	begin();
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		append(find(cases[c].type, 0), cases[c].attr, handle, sizeof(handle));
		finds(cases[c].ours ? PRIV_FATE_REPAIRED : 0, 0, cases[c].ours);
	}
	for (size_t i = 0; i < k.n; i++) {
		if (kind(message(i)) == NFT_MSG_NEWTABLE)
			continue;
		((uint8_t *)nla_data(last_attr(i)))[0] ^= 1;
		finds(PRIV_FATE_REPAIRED, 0, 1);
		finds(0, 0, 0);
	}
	append(find(NFT_MSG_NEWTABLE, 0), NFTA_TABLE_FLAGS, handle, sizeof(handle));
	finds(PRIV_FATE_REPAIRED, 0, 1);
	end();
}

/* Only the rules of one chain have an order. */
static void
test_order(void)
{
	static uint8_t one[MESSAGE];
	unsigned same = 0;

	begin();
	for (size_t i = 0; i + 1 < k.n; i++) {
		bool rules = kind(message(i)) == NFT_MSG_NEWRULE &&
		    kind(message(i + 1)) == NFT_MSG_NEWRULE &&
		    nla_strcmp(attr(i, NFTA_RULE_CHAIN), nla_data(attr(i + 1, NFTA_RULE_CHAIN))) == 0;

		same += rules;
		memcpy(one, k.v[i], MESSAGE);
		memcpy(k.v[i], k.v[i + 1], MESSAGE);
		memcpy(k.v[i + 1], one, MESSAGE);
		finds(rules ? PRIV_FATE_REPAIRED : 0, 0, rules);
		if (rules)
			continue;
		memcpy(k.v[i + 1], k.v[i], MESSAGE);
		memcpy(k.v[i], one, MESSAGE);
	}
	CU_ASSERT(same > 1);
	/* Nor have their chains: a neighbour's may be older or younger than those of translations. */
	memcpy(k.v[k.n++], k.v[find(NFT_MSG_NEWRULE, 0)], MESSAGE);
	message(find(NFT_MSG_NEWRULE, 0))->nlmsg_type = NLMSG_NOOP;
	finds(0, 0, 0);
	end();
}

static void
test_foreign(void)
{
	size_t table, n;

	begin();
	/* Other tables are nobody's business. */
	n = k.n;
	for (size_t i = 0; i < n; i++) {
		memcpy(k.v[k.n], k.v[i], MESSAGE);
		((char *)nla_data(attr(k.n++, NFTA_TABLE_NAME)))[0] = 'x';
		finds(0, 0, 0);
	}
	k.n = n;
	/* Nor are those without our comment, or what is too short to be one. */
	table = find(NFT_MSG_NEWTABLE, 0);
	memcpy(k.v[k.n], k.v[table], MESSAGE);
	((char *)nla_data(attr(k.n, NFTA_TABLE_NAME)))[0] = 'x';
	((char *)nla_data(attr(k.n++, NFTA_TABLE_USERDATA)))[3] ^= 1;
	finds(0, 0, 0);
	message(k.n - 1)->nlmsg_len = NLMSG_HDRLEN;
	finds(0, 0, 0);
	k.n = n;
	/* With our name, but not with our comment, it is not ours. */
	((char *)nla_data(attr(table, NFTA_TABLE_USERDATA)))[3] ^= 1;
	finds(PRIV_FATE_FOREIGN, 0, 0);
	((char *)nla_data(attr(table, NFTA_TABLE_USERDATA)))[3] ^= 1;
	for (int byte = 0; byte < 2; byte++)
		for (int bit = 0; bit < 2; bit++) {
			((char *)nla_data(attr(table, NFTA_TABLE_USERDATA)))[byte] ^= (char)(1 << bit);
			finds(PRIV_FATE_FOREIGN, 0, 0);
			((char *)nla_data(attr(table, NFTA_TABLE_USERDATA)))[byte] ^= (char)(1 << bit);
		}
	attr(table, NFTA_TABLE_USERDATA)->nla_len--;
	finds(PRIV_FATE_FOREIGN, 0, 0);
	attr(table, NFTA_TABLE_USERDATA)->nla_len++;
	attr(table, NFTA_TABLE_USERDATA)->nla_type = NFTA_TABLE_USERDATA + 1;
	finds(PRIV_FATE_FOREIGN, 0, 0);
	attr(table, NFTA_TABLE_USERDATA + 1)->nla_type = NFTA_TABLE_USERDATA;
	finds(0, 0, 0);
	/* One without a name, which the kernel does not tell, is at least no harm. */
	memcpy(k.v[k.n], k.v[table], MESSAGE);
	message(k.n++)->nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	finds(PRIV_FATE_REPAIRED, 0, 1);
	finds(0, 0, 0);
	end();
}

/* A list that is torn counts for nothing. */
static void
test_torn(void)
{
	begin();
	k.changes = 4;
	finds(0, 0, 0);
	k.changes = 1000;
	k.dumps = 0;
	finds(PRIV_FATE_FAILED, EAGAIN, 0);
	CU_ASSERT_EQUAL(k.dumps, NLQ_DUMP_ATTEMPTS * 5);
	k.changes = 0;
	finds(0, 0, 0);
	/* What somebody changed while it was written anew is not known. */
	k.n--;
	k.changes = 0;
	finds(PRIV_FATE_REPAIRED, 0, 1);
	k.generation++;
	finds(0, 0, 0);
	end();
}

static void
test_unlisted(void)
{
	static const int lists[] = { NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE,
		NFT_MSG_NEWSET, NFT_MSG_NEWSETELEM };

	begin();
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		k.unlisted = EIO;
		k.unlisted_type = lists[i];
		k.dumps = 0;
		finds(PRIV_FATE_FAILED, EIO, 0);
		CU_ASSERT_EQUAL(k.dumps, i + 1);
	}
	/* Where we have no table that is nothing to us. */
	ledger.ns[NS_DEFAULT].nft_table = false;
	finds(0, EIO, 0);
	ledger.ns[NS_DEFAULT].nft_table = true;
	/* The map is gone: so are its elements, and all is written anew. */
	k.unlisted = 0;
	k.refusal = EPERM;
	k.n--;
	finds(PRIV_FATE_FAILED, EPERM, 1);
	k.refusal = 0;
	finds(PRIV_FATE_REPAIRED, 0, 1);
	k.unlisted = ENOENT;
	CU_ASSERT_EQUAL(x_nft_check(&conf, &ledger, NS_DEFAULT, &(int){ 0 }), 0);
	end();
}

/* We have no table: ours of another life goes, somebody else's stays. */
static void
test_none(void)
{
	begin();
	ledger.ns[NS_DEFAULT].nft_table = false;
	k.refusal = EBUSY;
	finds(PRIV_FATE_FAILED, EBUSY, 1);
	k.refusal = 0;
	finds(PRIV_FATE_REMOVED, 0, 1);
	CU_ASSERT_EQUAL(k.n, 0);
	finds(0, 0, 0);
	ledger.ns[NS_DEFAULT].nft_table = true;
	finds(PRIV_FATE_REPAIRED, 0, 1);
	/* Of nothing no generation was told: written once more, to know that it was alone. */
	finds(0, 0, 1);
	finds(0, 0, 0);
	ledger.ns[NS_DEFAULT].nft_table = false;
	((char *)nla_data(attr(find(NFT_MSG_NEWTABLE, 0), NFTA_TABLE_USERDATA)))[3] ^= 1;
	finds(0, 0, 0);
	CU_ASSERT(k.n > 0);
	end();
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "what is lost, and what is there twice", test_lost },
		{ "what is altered", test_altered },
		{ "rules have an order", test_order },
		{ "other tables, and others' table of our name", test_foreign },
		{ "a list that changes while it is told", test_torn },
		{ "a list that is not told", test_unlisted },
		{ "no table of ours", test_none },
	};

	return TAP_RUN(tests);
}
