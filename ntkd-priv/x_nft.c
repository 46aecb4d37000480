/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/x_nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/must.h"

static const char table_name[] = "ntkd";
/* As nft writes it into a table's user data: a comment (0) of 18 bytes, its NUL included. */
static const char table_comment[] = "\0\x12" "made by ntkd-priv";
static const char marks_chain[] = "prerouting";
static const char peers_map[] = "peers";
static const char in_chain[] = "dstnat";
static const char out_chain[] = "srcnat";

enum {
	MESSAGE_MAX = 4096,	/* bytes; libnftnl builds without knowing the room */
	MAC_OFFSET = 6,		/* of the source in an Ethernet header */
	SADDR_OFFSET = 12,	/* in an IPv4 header */
	DADDR_OFFSET = 16,
	KEY_ETHER_ADDR = 9,	/* nft's number of the type: so that it prints the map */
	NAME_MAX_LEN = 24,
};

bool
x_nft_has(uint8_t kind)
{
	return kind == OBJ_MARK || kind == OBJ_NAT;
}

/* --- messages --------------------------------------------------------------- */

/* Begins a message of TYPE in Q.  Each kind of thing has three numbers: new, get, delete. */
static struct nlmsghdr *
message(struct nlq *q, uint16_t type)
{
	uint16_t flags = type % 3 != 0 ? 0 : type == NFT_MSG_NEWRULE ? NLM_F_CREATE | NLM_F_APPEND :
	    NLM_F_CREATE | NLM_F_EXCL;

	return nftnl_nlmsg_build_hdr(nlq_room(q, MESSAGE_MAX), type, NFPROTO_IPV4, flags, 0);
}

/* The messages that open and close a batch; they name the subsystem. */
static void
bracket(struct nlq *q, uint16_t type)
{
	const struct nfgenmsg head = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES) };

	nlq_add(q, nlq_message(type, 0, &head, sizeof(head)), NLQ_NO_STEP);
}

static void
table_message(struct nlq *q, uint16_t type, uint32_t step)
{
	struct nlmsghdr *nlh = message(q, type);
	struct nftnl_table *t = must(nftnl_table_alloc());

	must_be(nftnl_table_set_str(t, NFTNL_TABLE_NAME, table_name) == 0);
	if (type == NFT_MSG_NEWTABLE)
		must_be(nftnl_table_set_data(t, NFTNL_TABLE_USERDATA, table_comment,
		    sizeof(table_comment)) == 0);
	nftnl_table_nlmsg_build_payload(nlh, t);
	nlq_take(q, step);
	nftnl_table_free(t);
}

struct hook {
	const char *type;
	uint32_t number;
	int32_t priority;
};

/* Adds or removes a chain; HOOK is NULL for one that is only jumped to. */
static void
chain_message(struct nlq *q, uint16_t type, const char *name, const struct hook *hook, uint32_t step)
{
	struct nlmsghdr *nlh = message(q, type);
	struct nftnl_chain *c = must(nftnl_chain_alloc());

	must_be(nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table_name) == 0);
	must_be(nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name) == 0);
	if (hook != NULL) {
		must_be(nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, hook->type) == 0);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook->number);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, hook->priority);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	nftnl_chain_nlmsg_build_payload(nlh, c);
	nlq_take(q, step);
	nftnl_chain_free(c);
}

static struct nftnl_rule *
rule_of(const char *chain)
{
	struct nftnl_rule *r = must(nftnl_rule_alloc());

	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_IPV4);
	must_be(nftnl_rule_set_str(r, NFTNL_RULE_TABLE, table_name) == 0);
	must_be(nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain) == 0);
	return r;
}

/* Sends rule R, which is freed: appended; or NFT_MSG_DELRULE: all rules of its chain removed. */
static void
rule_message(struct nlq *q, uint16_t type, struct nftnl_rule *r, uint32_t step)
{
	struct nlmsghdr *nlh = message(q, type);

	nftnl_rule_nlmsg_build_payload(nlh, r);
	nlq_take(q, step);
	nftnl_rule_free(r);
}

/* --- expressions ------------------------------------------------------------- */

/* An attribute of an expression; the list ends with one of type 0. */
struct attr {
	uint16_t type;
	uint32_t value;
};

/* Appends a new expression NAME with 32-bit attributes to R. */
static struct nftnl_expr *
expr(struct nftnl_rule *r, const char *name, const struct attr *attrs)
{
	struct nftnl_expr *e = must(nftnl_expr_alloc(name));

	for (; attrs->type != 0; attrs++)
		nftnl_expr_set_u32(e, attrs->type, attrs->value);
	nftnl_rule_add_expr(r, e);
	return e;
}
#define EXPR(r, name, ...) expr(r, name, (const struct attr[]){ __VA_ARGS__, { 0, 0 } })

static void
put_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len)
{
	EXPR(r, "payload", { NFTNL_EXPR_PAYLOAD_BASE, base },
	    { NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1 }, { NFTNL_EXPR_PAYLOAD_OFFSET, offset },
	    { NFTNL_EXPR_PAYLOAD_LEN, len });
}

static void
put_cmp(struct nftnl_rule *r, const void *data, uint32_t len)
{
	struct nftnl_expr *e = EXPR(r, "cmp", { NFTNL_EXPR_CMP_SREG, NFT_REG_1 },
	    { NFTNL_EXPR_CMP_OP, NFT_CMP_EQ });

	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

/* Register 1 becomes (register 1 & MASK) ^ XOR, both as they lie in memory. */
static void
put_bitwise(struct nftnl_rule *r, uint32_t mask, uint32_t xor)
{
	EXPR(r, "bitwise", { NFTNL_EXPR_BITWISE_SREG, NFT_REG_1 },
	    { NFTNL_EXPR_BITWISE_DREG, NFT_REG_1 }, { NFTNL_EXPR_BITWISE_LEN, sizeof(mask) },
	    { NFTNL_EXPR_BITWISE_MASK, mask }, { NFTNL_EXPR_BITWISE_XOR, xor });
}

static void
put_match(struct nftnl_rule *r, uint32_t offset, ntk_ip_t addr, uint8_t len)
{
	ntk_ip_t net = htonl(addr);

	put_payload(r, NFT_PAYLOAD_NETWORK_HEADER, offset, sizeof(net));
	if (len < NTK_IP_BITS)
		put_bitwise(r, htonl(prefix_mask(len)), 0);
	put_cmp(r, &net, sizeof(net));
}

static void
put_address(struct nftnl_rule *r, uint32_t reg, ntk_ip_t addr)
{
	EXPR(r, "immediate", { NFTNL_EXPR_IMM_DREG, reg }, { NFTNL_EXPR_IMM_DATA, htonl(addr) });
}

/* --- marks ------------------------------------------------------------------ */

static struct nftnl_set *
map_of_peers(void)
{
	struct nftnl_set *s = must(nftnl_set_alloc());

	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_IPV4);
	must_be(nftnl_set_set_str(s, NFTNL_SET_TABLE, table_name) == 0);
	must_be(nftnl_set_set_str(s, NFTNL_SET_NAME, peers_map) == 0);
	nftnl_set_set_u32(s, NFTNL_SET_ID, 1);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_MAP);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, KEY_ETHER_ADDR);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, sizeof(ntk_mac_t));
	nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
	return s;
}

static void
map_add(struct nlq *q, uint32_t step)
{
	struct nlmsghdr *nlh = message(q, NFT_MSG_NEWSET);
	struct nftnl_set *s = map_of_peers();

	nftnl_set_nlmsg_build_payload(nlh, s);
	nlq_take(q, step);
	nftnl_set_free(s);
}

/* ether saddr vmap @peers, behind the comparison that makes nft print it so. */
static struct nftnl_rule *
lookup_rule(void)
{
	struct nftnl_rule *r = rule_of(marks_chain);
	uint16_t ether = ARPHRD_ETHER;
	struct nftnl_expr *e;

	EXPR(r, "meta", { NFTNL_EXPR_META_KEY, NFT_META_IIFTYPE },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	put_cmp(r, &ether, sizeof(ether));
	put_payload(r, NFT_PAYLOAD_LL_HEADER, MAC_OFFSET, sizeof(ntk_mac_t));
	e = EXPR(r, "lookup", { NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1 },
	    { NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT }, { NFTNL_EXPR_LOOKUP_SET_ID, 1 });
	must_be(nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, peers_map) == 0);
	return r;
}

/* What the first change in a namespace needs. */
static void
table_need(struct nft_batch *b, uint32_t step)
{
	const struct hook hook = { "filter", NF_INET_PRE_ROUTING, -150 };

	if (b->table)
		return;
	b->table = true;
	table_message(&b->q, NFT_MSG_NEWTABLE, step);
	map_add(&b->q, step);
	chain_message(&b->q, NFT_MSG_NEWCHAIN, marks_chain, &hook, step);
	rule_message(&b->q, NFT_MSG_NEWRULE, lookup_rule(), step);
}

/* Adds or removes MAC -> goto CHAIN. */
static void
element_message(struct nlq *q, uint16_t type, ntk_mac_t mac, const char *chain, uint32_t step)
{
	struct nlmsghdr *nlh = message(q, type);
	struct nftnl_set *s = map_of_peers();
	struct nftnl_set_elem *e = must(nftnl_set_elem_alloc());

	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, mac.b, sizeof(mac.b));
	if (type == NFT_MSG_NEWSETELEM) {
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_GOTO);
		must_be(nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, chain) == 0);
	}
	nftnl_set_elem_add(s, e);
	nftnl_set_elems_nlmsg_build_payload(nlh, s);
	nlq_take(q, step);
	nftnl_set_free(s);
}

/* meta mark set mark & ~mask | table */
static struct nftnl_rule *
mark_rule(const char *chain, uint32_t mask, uint32_t table)
{
	struct nftnl_rule *r = rule_of(chain);

	EXPR(r, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	put_bitwise(r, ~mask, table);
	EXPR(r, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK },
	    { NFTNL_EXPR_META_SREG, NFT_REG_1 });
	return r;
}

static void
mark_change(struct nft_batch *b, const struct change *ch, uint32_t step)
{
	const struct peer *p = &b->ledger->peer[change_subject(ch)->peer];
	char chain[NAME_MAX_LEN];

	snprintf(chain, sizeof(chain), "peer_%u", p->table);
	if (ch->has_to) {
		chain_message(&b->q, NFT_MSG_NEWCHAIN, chain, NULL, step);
		rule_message(&b->q, NFT_MSG_NEWRULE, mark_rule(chain, b->conf->mark_mask, p->table),
		    step);
		element_message(&b->q, NFT_MSG_NEWSETELEM, p->mac, chain, step);
	} else {
		element_message(&b->q, NFT_MSG_DELSETELEM, p->mac, chain, step);
		rule_message(&b->q, NFT_MSG_DELRULE, rule_of(chain), step);
		chain_message(&b->q, NFT_MSG_DELCHAIN, chain, NULL, step);
	}
}

/* --- address translation ----------------------------------------------------- */

static struct nftnl_rule *
nat_rule(const struct obj *o)
{
	bool out = o->nat != PRIV_NAT_MAP_IN, map = o->nat != PRIV_NAT_SOURCE;
	struct nftnl_rule *r = rule_of(out ? out_chain : in_chain);
	struct nftnl_expr *e;

	if (o->nat == PRIV_NAT_MAP_OUT)
		put_match(r, SADDR_OFFSET, o->match, o->match_len);
	put_match(r, DADDR_OFFSET, o->addr, o->len);
	put_address(r, NFT_REG_1, o->via);
	if (map)
		put_address(r, NFT_REG_2, o->via | ~prefix_mask(o->to_len));
	e = EXPR(r, "nat", { NFTNL_EXPR_NAT_TYPE, out ? NFT_NAT_SNAT : NFT_NAT_DNAT },
	    { NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4 }, { NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1 });
	if (map) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MAX, NFT_REG_2);
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_MAP_IPS |
		    NF_NAT_RANGE_NETMAP);
	}
	return r;
}

/* Writes the translations of the namespace that are of kind NAT. */
static void
nat_rules(struct nft_batch *b, uint8_t nat)
{
	const struct node *n;

	TAILQ_FOREACH(n, &b->ledger->order, order)
		if (n->obj.kind == OBJ_NAT && n->obj.ns == b->ns && n->obj.nat == nat)
			rule_message(&b->q, NFT_MSG_NEWRULE, nat_rule(&n->obj), b->nat_step);
}

/*
 * The translations are few, and their order counts (mappings of a private subnet
 * win over source NAT, spec/kernel-state 4): their chains are written anew, and are
 * there only while needed, since they bring connection tracking with them.
 */
static void
nat_rewrite(struct nft_batch *b)
{
	const struct hook in = { "nat", NF_INET_PRE_ROUTING, -100 };
	const struct hook out = { "nat", NF_INET_POST_ROUTING, 100 };
	bool need = b->ledger->ns[b->ns].translations != 0;

	if (b->nat) {
		rule_message(&b->q, NFT_MSG_DELRULE, rule_of(in_chain), b->nat_step);
		rule_message(&b->q, NFT_MSG_DELRULE, rule_of(out_chain), b->nat_step);
	}
	if (b->nat != need) {
		uint16_t type = need ? NFT_MSG_NEWCHAIN : NFT_MSG_DELCHAIN;

		chain_message(&b->q, type, in_chain, need ? &in : NULL, b->nat_step);
		chain_message(&b->q, type, out_chain, need ? &out : NULL, b->nat_step);
	}
	b->nat = need;
	nat_rules(b, PRIV_NAT_MAP_IN);
	nat_rules(b, PRIV_NAT_MAP_OUT);
	nat_rules(b, PRIV_NAT_SOURCE);
}

/* --- whose table it is --------------------------------------------------------- */

/* Whose the table with our name is. */
enum whose {
	NOBODYS,
	OURS,
	FOREIGN,
};

/* Not with libnftnl, which ends the process when an attribute is not as it expects. */
static void
table_look(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[NFTA_TABLE_MAX + 1];
	enum whose *whose = arg;

	if (nlmsg_parse((struct nlmsghdr *)(uintptr_t)nlh, sizeof(struct nfgenmsg), tb,
	    NFTA_TABLE_MAX, NULL) < 0 || tb[NFTA_TABLE_NAME] == NULL ||
	    nla_strcmp(tb[NFTA_TABLE_NAME], table_name) != 0)
		return;
	*whose = tb[NFTA_TABLE_USERDATA] != NULL && nla_memcmp(tb[NFTA_TABLE_USERDATA],
	    table_comment, sizeof(table_comment)) == 0 ? OURS : FOREIGN;
}

/* A request for everything of one TYPE in family ip, of our table if it can be asked so. */
static struct nl_msg *
list_request(uint16_t type)
{
	const struct nfgenmsg head = { .nfgen_family = NFPROTO_IPV4, .version = NFNETLINK_V0 };
	struct nl_msg *m = nlq_message(NFNL_SUBSYS_NFTABLES << 8 | type, 0, &head, sizeof(head));

	must_be(nla_put_string(m, NFTA_TABLE_NAME, table_name) == 0);
	if (type == NFT_MSG_GETSETELEM)
		must_be(nla_put_string(m, NFTA_SET_ELEM_LIST_SET, peers_map) == 0);
	return m;
}

static int
table_find(struct nl_sock *nft, enum whose *whose)
{
	*whose = NOBODYS;
	return nlq_dump(nft, list_request(NFT_MSG_GETTABLE), table_look, whose);
}

/* --- what is in it ------------------------------------------------------------ */

/* Of a table's content: a sum, because the order of its parts means nothing. */
struct digest {
	uint64_t sum;
	uint64_t chain;		/* of the chain whose rules are being told */
	uint64_t place;		/* of the rule in it: there order means something */
	uint64_t seed;
	enum whose whose;
	uint16_t generation;	/* of the ruleset; each commit makes a new one */
	bool any;		/* something was told at all */
	bool torn;		/* it changed meanwhile */
};

static uint64_t
mix(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ p[i]) * 0x9e3779b97f4a7c15U;
		h ^= h >> 29;
	}
	return h;
}

/* Attributes that are not content: numbers and counts that the kernel gives. */
static bool
is_content(uint8_t type, int attr)
{
	switch (type) {
	case NFT_MSG_NEWTABLE:
		return attr <= NFTA_TABLE_FLAGS;
	case NFT_MSG_NEWCHAIN:
		return attr != NFTA_CHAIN_HANDLE && attr != NFTA_CHAIN_USE;
	case NFT_MSG_NEWRULE:
		return attr != NFTA_RULE_HANDLE && attr != NFTA_RULE_POSITION;
	default:
		return attr != NFTA_SET_HANDLE && attr <= NFTA_SET_EXPRESSIONS;
	}
}

static void
digest_elements(struct digest *d, const struct nlattr *list)
{
	int left = nla_len(list);

	for (struct nlattr *a = nla_data(list); nla_ok(a, left); a = nla_next(a, &left))
		d->sum += mix(d->seed, nla_data(a), (size_t)nla_len(a));
}

static void
digest_rule_place(struct digest *d, const struct nlattr *chain)
{
	uint64_t h = mix(d->seed, nla_data(chain), (size_t)nla_len(chain));

	d->place = h == d->chain ? d->place + 1 : 0;
	d->chain = h;
}

static void
digest_take(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *g = nlmsg_data(nlh);
	uint8_t type = (uint8_t)NFNL_MSG_TYPE(nlh->nlmsg_type);
	int left = nlmsg_attrlen(nlh, sizeof(*g));
	struct digest *d = arg;
	uint64_t h = mix(d->seed, &type, sizeof(type));

	if (!nlmsg_valid_hdr(nlh, sizeof(*g)))
		return;
	d->torn = d->torn || (d->any && d->generation != ntohs(g->res_id));
	d->generation = ntohs(g->res_id);
	d->any = true;
	if (type == NFT_MSG_NEWTABLE)
		table_look(nlh, &d->whose);
	for (struct nlattr *a = nlmsg_attrdata(nlh, sizeof(*g)); nla_ok(a, left);
	    a = nla_next(a, &left)) {
		if (nla_type(a) == NFTA_TABLE_NAME && nla_strcmp(a, table_name) != 0)
			return;
		if (type == NFT_MSG_NEWSETELEM && nla_type(a) == NFTA_SET_ELEM_LIST_ELEMENTS)
			digest_elements(d, a);
		if (type == NFT_MSG_NEWRULE && nla_type(a) == NFTA_RULE_CHAIN)
			digest_rule_place(d, a);
		if (is_content(type, nla_type(a)))
			h = mix(h, &a->nla_type, (size_t)nla_len(a) + sizeof(a->nla_type));
	}
	if (type == NFT_MSG_NEWRULE)
		h = mix(h, &d->place, sizeof(d->place));
	if (type != NFT_MSG_NEWSETELEM)
		d->sum += h;
}

static int
digest_try(struct nl_sock *nft, struct digest *d)
{
	static const uint16_t lists[] = { NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE,
		NFT_MSG_GETSET, NFT_MSG_GETSETELEM };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		int error = nlq_dump_once(nft, list_request(lists[i]), digest_take, d);

		/* Without its map the table is not ours any more, but a table. */
		if (error != 0 && error != ENOENT)
			return error;
		if (d->whose != OURS)
			return 0;
	}
	return d->torn ? EAGAIN : 0;
}

static int
digest(const struct ledger *l, unsigned ns, struct digest *d)
{
	int error = EAGAIN;

	for (int i = 0; error == EAGAIN && i < NLQ_DUMP_ATTEMPTS; i++) {
		*d = (struct digest){ .seed = l->seed };
		error = digest_try(l->ns[ns].nft, d);
	}
	return error;
}

/* --- batches ------------------------------------------------------------------ */

void
x_nft_begin(struct nft_batch *b, const struct conf *c, const struct ledger *l, unsigned ns)
{
	struct nlq q = b->q;

	*b = (struct nft_batch){ .q = q, .conf = c, .ledger = l, .ns = ns, .open = true,
		.table = l->ns[ns].nft_table, .nat = l->ns[ns].nft_nat };
	nlq_drop(&b->q);
	b->q.sk = l->ns[ns].nft;
	bracket(&b->q, NFNL_MSG_BATCH_BEGIN);
}

void
x_nft_change(struct nft_batch *b, const struct change *ch, uint32_t step)
{
	table_need(b, step);
	if (change_subject(ch)->kind == OBJ_MARK) {
		mark_change(b, ch, step);
	} else {
		b->nat_changed = true;
		b->nat_step = step;
	}
}

static int
batch_send(struct nft_batch *b, struct ledger *l, struct nlq_error *err)
{
	int error;

	bracket(&b->q, NFNL_MSG_BATCH_END);
	error = nlq_send(&b->q, false, NULL, NULL, err);
	if (error == 0) {
		l->ns[b->ns].nft_table = b->table;
		l->ns[b->ns].nft_nat = b->nat;
		l->ns[b->ns].nft_known = false;
	}
	return error;
}

/* The whole table from the ledger, in the place of what is there of ours. */
static int
rewrite(struct nft_batch *b, struct ledger *l)
{
	const struct node *n;
	struct change ch = { .has_to = true };
	enum whose whose;

	if (table_find(l->ns[b->ns].nft, &whose) != 0)
		return EIO;
	x_nft_begin(b, b->conf, l, b->ns);
	b->open = b->table = b->nat = false;
	if (whose == OURS)
		table_message(&b->q, NFT_MSG_DELTABLE, NLQ_NO_STEP);
	table_need(b, NLQ_NO_STEP);
	TAILQ_FOREACH(n, &l->order, order) {
		ch.to = n->obj;
		if (n->obj.kind == OBJ_MARK && n->obj.ns == b->ns)
			mark_change(b, &ch, NLQ_NO_STEP);
	}
	b->nat_step = NLQ_NO_STEP;
	nat_rewrite(b);
	return batch_send(b, l, NULL);
}

int
x_nft_commit(struct nft_batch *b, struct ledger *l, struct nlq_error *err)
{
	int error;

	b->open = false;
	if (b->nat_changed)
		nat_rewrite(b);
	error = batch_send(b, l, err);
	if (error == 0 || rewrite(b, l) != 0)
		return error;
	/* A firewall reload, say, took the table away. */
	log_remote(mono_now(), "nft", "our table was not as we left it (%s); written anew",
	    strerror(error));
	return 0;
}

/* Writes the table and takes its digest, which is ours when nobody else wrote in between. */
static uint8_t
renew(const struct conf *c, struct ledger *l, unsigned ns, const struct digest *before, int *error)
{
	static struct nft_batch b;
	struct ns *n = &l->ns[ns];
	struct digest after;

	b.conf = c;
	b.ns = ns;
	*error = rewrite(&b, l);
	if (*error == 0)
		*error = digest(l, ns, &after);
	if (*error != 0)
		return PRIV_FATE_FAILED;
	n->nft_known = before->any && after.generation == (uint16_t)(before->generation + 1);
	n->nft_digest = after.sum;
	return before->sum == after.sum ? 0 : PRIV_FATE_REPAIRED;
}

uint8_t
x_nft_check(const struct conf *c, struct ledger *l, unsigned ns, int *error)
{
	const struct ns *n = &l->ns[ns];
	struct digest before;

	*error = digest(l, ns, &before);
	if (*error != 0)
		return n->nft_table ? PRIV_FATE_FAILED : 0;
	if (!n->nft_table && before.whose == OURS) {
		*error = x_nft_remove_table(n->nft);
		return *error != 0 ? PRIV_FATE_FAILED : PRIV_FATE_REMOVED;
	}
	if (!n->nft_table || (n->nft_known && before.sum == n->nft_digest))
		return 0;
	return before.whose == FOREIGN ? PRIV_FATE_FOREIGN : renew(c, l, ns, &before, error);
}

int
x_nft_remove_table(struct nl_sock *nft)
{
	struct nlq q = { .sk = nft };
	enum whose whose;
	int error = table_find(nft, &whose);

	if (error != 0 || whose != OURS)
		return error;
	bracket(&q, NFNL_MSG_BATCH_BEGIN);
	table_message(&q, NFT_MSG_DELTABLE, NLQ_NO_STEP);
	bracket(&q, NFNL_MSG_BATCH_END);
	error = nlq_send(&q, false, NULL, NULL, NULL);
	nlq_free(&q);
	return error;
}
