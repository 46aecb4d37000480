/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/snap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/priv/claim.h"
#include "tests/priv/nldump.h"

enum {
	TEXT = 16384, VALUE = 4096, SETS = 256, DROPS = 8,
	BR_FDB_N_LEARNED = 48,	/* what Linux 6.7 counts; older headers have no name for it */
};

/* Where lines go, and what is being read. */
struct part {
	struct snap *s;
	const char *where;
	bool ours;		/* the whole namespace */
	bool claims;		/* the default one: what is ours there is asked line by line */
	size_t start;		/* of this dump, in S */
	const char *kind;
	size_t head;		/* bytes before the attributes */
	unsigned drop[DROPS];	/* attributes that count or tell time; ended by 0 */
	/* sets met in nftables, whose elements are dumped after */
	struct {
		uint8_t family;
		char table[64];
		char name[64];
	} sets[SETS];
	size_t n_sets;
};

struct text {
	char v[TEXT];
	size_t n;
};

static void
put(struct text *t, const char *s)
{
	size_t len = strlen(s);

	if (t->n + len < TEXT) {
		memcpy(t->v + t->n, s, len + 1);
		t->n += len;
	}
}

static void
put_hex(struct text *t, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	if (t->n + 2 * len >= TEXT)
		abort();	/* a difference must not hide behind the edge */
	for (size_t i = 0; i < len; i++) {
		t->v[t->n++] = digits[data[i] >> 4];
		t->v[t->n++] = digits[data[i] & 15];
	}
	t->v[t->n] = '\0';
}

static void
put_attr(struct text *t, const struct nla *a)
{
	char number[16];

	snprintf(number, sizeof(number), " %u:", a->type);
	put(t, number);
	put_hex(t, a->data, a->len);
}

static bool
is_dropped(const unsigned *drop, unsigned type)
{
	for (; *drop != 0; drop++)
		if (*drop == type)
			return true;
	return false;
}

static void
put_attrs(struct text *t, const uint8_t *data, size_t len, const unsigned *drop)
{
	struct nla a;

	for (size_t at = 0; nla_step(data, len, &at, &a); )
		if (!is_dropped(drop, a.type))
			put_attr(t, &a);
}

static void
line(struct part *p, enum snap_owner owner, const struct text *t)
{
	snap_add(p->s, p->ours ? SNAP_OURS : owner, "%s%s %s", p->where, p->kind, t->v);
}

/* A dump that begins again forgets what it said. */
static bool
again(struct part *p, const struct nlmsghdr *nlh)
{
	if (nlh != NULL)
		return false;
	while (p->s->n > p->start)
		free(p->s->v[--p->s->n].text);
	return true;
}

/* --- rtnetlink ------------------------------------------------------------- */

static void
object(const struct nlmsghdr *nlh, void *arg)
{
	struct part *p = arg;
	struct text t = { .n = 0 };
	const uint8_t *data;
	size_t len, head;

	if (again(p, nlh))
		return;
	data = NLMSG_DATA(nlh);
	len = nlh->nlmsg_len - NLMSG_HDRLEN;
	head = NLMSG_ALIGN(p->head);
	if (len < head)
		return;
	put_hex(&t, data, p->head);
	put_attrs(&t, data + head, len - head, p->drop);
	line(p, p->claims && claim_message(nlh) ? SNAP_OURS : SNAP_FOREIGN, &t);
}

/* Timers of a bridge and of its ports lie two levels deep. */
static void
put_linkinfo(struct text *t, const struct nla *info)
{
	static const unsigned none[] = { 0 };
	static const unsigned bridge[] = { IFLA_BR_HELLO_TIMER, IFLA_BR_TCN_TIMER,
		IFLA_BR_TOPOLOGY_CHANGE_TIMER, IFLA_BR_GC_TIMER, BR_FDB_N_LEARNED, 0 };
	static const unsigned port[] = { IFLA_BRPORT_MESSAGE_AGE_TIMER,
		IFLA_BRPORT_FORWARD_DELAY_TIMER, IFLA_BRPORT_HOLD_TIMER, 0 };
	struct nla a, kind;
	bool is_bridge = nla_find(info->data, info->len, IFLA_INFO_KIND, &kind) &&
	    kind.len >= 6 && memcmp(kind.data, "bridge", 6) == 0;

	for (size_t at = 0; nla_step(info->data, info->len, &at, &a); ) {
		if (a.type == IFLA_INFO_XSTATS)
			continue;
		if (a.type != IFLA_INFO_DATA && a.type != IFLA_INFO_SLAVE_DATA) {
			put_attr(t, &a);
			continue;
		}
		put(t, " {");
		put_attrs(t, a.data, a.len, a.type == IFLA_INFO_SLAVE_DATA ? port :
		    is_bridge ? bridge : none);
		put(t, " }");
	}
}

/* Settings of IPv4 in a line of their own: they are sysctls, too. */
static void
put_spec(struct part *p, int ifindex, struct text *t, const struct nla *spec)
{
	static const unsigned v6[] = { IFLA_INET6_STATS, IFLA_INET6_ICMP6STATS, IFLA_INET6_CACHEINFO, 0 };
	struct text own = { .n = 0 };
	char number[32];
	struct nla a;

	for (size_t at = 0; nla_step(spec->data, spec->len, &at, &a); ) {
		if (a.type == AF_INET) {
			snprintf(number, sizeof(number), "settings of %d", ifindex);
			put(&own, number);
			put_attr(&own, &a);
			line(p, SNAP_SETTING, &own);
		} else {
			put(t, " {");
			put_attrs(t, a.data, a.len, v6);
			put(t, " }");
		}
	}
}

/* Macvlans make their parent listen to more: in a line of its own. */
static void
promiscuity(struct part *p, int ifindex, const struct nla *a)
{
	struct text t = { .n = 0 };
	char number[48];

	snprintf(number, sizeof(number), "promiscuity of %d", ifindex);
	put(&t, number);
	put_attr(&t, a);
	line(p, p->claims && claim_managed((unsigned)ifindex) ? SNAP_SETTING : SNAP_FOREIGN, &t);
}

static void
link_line(const struct nlmsghdr *nlh, void *arg)
{
	static const unsigned drop[] = { IFLA_STATS, IFLA_STATS64, IFLA_CARRIER_CHANGES,
		IFLA_CARRIER_UP_COUNT, IFLA_CARRIER_DOWN_COUNT, IFLA_PROTINFO, 0 };
	struct part *p = arg;
	struct text t = { .n = 0 };
	const struct ifinfomsg *head;
	const uint8_t *attrs;
	struct nla a;
	size_t len;

	if (again(p, nlh) || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*head)))
		return;
	head = NLMSG_DATA(nlh);
	attrs = (const uint8_t *)(head + 1);
	len = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(*head));
	if (nla_find(attrs, len, IFLA_IFNAME, &a) && memchr(a.data, 0, a.len) != NULL)
		put(&t, (const char *)a.data);
	put(&t, " ");
	put_hex(&t, (const uint8_t *)head, sizeof(*head));
	for (size_t at = 0; nla_step(attrs, len, &at, &a); ) {
		if (is_dropped(drop, a.type))
			continue;
		if (a.type == IFLA_PROMISCUITY)
			promiscuity(p, head->ifi_index, &a);
		else if (a.type == IFLA_LINKINFO)
			put_linkinfo(&t, &a);
		else if (a.type == IFLA_AF_SPEC && head->ifi_family == AF_UNSPEC)
			put_spec(p, head->ifi_index, &t, &a);
		else
			put_attr(&t, &a);
	}
	line(p, SNAP_FOREIGN, &t);
}

/*
 * What somebody entered stays; how fresh the rest is tells time, and groups are joined by the
 * kernel itself.
 */
static void
neighbour(const struct nlmsghdr *nlh, void *arg)
{
	struct part *p = arg;
	const struct ndmsg *n = nlh != NULL ? NLMSG_DATA(nlh) : NULL;

	unsigned entered = NUD_PERMANENT;

	/* What is "static" for a bridge needs no ARP in its words. */
	if (n != NULL && n->ndm_family == AF_BRIDGE)
		entered |= NUD_NOARP;
	if (n != NULL && (n->ndm_type == RTN_MULTICAST || (n->ndm_state & entered) == 0))
		return;
	object(nlh, p);
}

static void
rt(struct part *p, const char *kind, uint16_t type, uint8_t family, size_t head,
    const unsigned *drop, nldump_each *each)
{
	const uint8_t body[32] = { family };	/* more than any of the heads */

	p->kind = kind;
	p->head = head;
	p->start = p->s->n;
	memset(p->drop, 0, sizeof(p->drop));
	for (size_t i = 0; drop != NULL && drop[i] != 0; i++)
		p->drop[i] = drop[i];
	nldump(NETLINK_ROUTE, type, body, head, each, p);
}

static void
rtnetlink(struct part *p, enum snap_scope scope)
{
	static const unsigned address[] = { IFA_CACHEINFO, 0 };
	static const unsigned route[] = { RTA_CACHEINFO, RTA_EXPIRES, 0 };
	static const unsigned near[] = { NDA_CACHEINFO, NDA_PROBES, 0 };
	static const unsigned queue[] = { TCA_STATS, TCA_STATS2, 0 };

	/* Addresses first: see claim.h. */
	rt(p, "address", RTM_GETADDR, AF_UNSPEC, sizeof(struct ifaddrmsg), address, object);
	rt(p, "route", RTM_GETROUTE, AF_UNSPEC, sizeof(struct rtmsg), route, object);
	rt(p, "rule", RTM_GETRULE, AF_UNSPEC, sizeof(struct fib_rule_hdr), NULL, object);
	if (scope == SNAP_QUICK)
		return;
	rt(p, "link", RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), NULL, link_line);
	rt(p, "neighbour", RTM_GETNEIGH, AF_UNSPEC, sizeof(struct ndmsg), near, neighbour);
	rt(p, "forwarding", RTM_GETNEIGH, AF_BRIDGE, sizeof(struct ndmsg), near, neighbour);
	rt(p, "queue", RTM_GETQDISC, AF_UNSPEC, sizeof(struct tcmsg), queue, object);
}

/* --- nftables -------------------------------------------------------------- */

static void
string_of(const struct nla *a, char *buf, size_t size)
{
	snprintf(buf, size, "%.*s", (int)a->len, (const char *)a->data);
}

/* In every kind of nftables object attribute 1 is the table. */
static void
nft_object(const struct nlmsghdr *nlh, void *arg)
{
	static const unsigned none[] = { 0 };
	struct part *p = arg;
	struct text t = { .n = 0 };
	const struct nfgenmsg *head;
	const uint8_t *attrs;
	char family[32], table[64] = "";
	struct nla a;
	size_t len;

	if (nlh == NULL) {
		p->n_sets = p->head == NFT_MSG_GETSET ? 0 : p->n_sets;
		again(p, nlh);
		return;
	}
	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*head)))
		return;
	head = NLMSG_DATA(nlh);
	attrs = (const uint8_t *)(head + 1);
	len = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(*head));
	if (nla_find(attrs, len, 1, &a))
		string_of(&a, table, sizeof(table));
	snprintf(family, sizeof(family), "family %u ", head->nfgen_family);
	put(&t, family);
	put(&t, table);
	put_attrs(&t, attrs, len, none);
	line(p, p->claims && claim_nft(head->nfgen_family, table) ? SNAP_OURS : SNAP_FOREIGN, &t);
	if (p->head == NFT_MSG_GETSET && p->n_sets < SETS && nla_find(attrs, len, NFTA_SET_NAME, &a)) {
		p->sets[p->n_sets].family = head->nfgen_family;
		snprintf(p->sets[p->n_sets].table, sizeof(p->sets[0].table), "%s", table);
		string_of(&a, p->sets[p->n_sets++].name, sizeof(p->sets[0].name));
	}
}

static void
attr_write(uint8_t *buf, size_t *len, uint16_t type, const char *text)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + strlen(text) + 1), .nla_type = type };

	memcpy(buf + *len, &a, sizeof(a));
	strcpy((char *)buf + *len + NLA_HDRLEN, text);
	*len += NLA_ALIGN(a.nla_len);
}

static void
nft(struct part *p, const char *kind, unsigned type, size_t set)
{
	uint8_t body[256] = { 0 };
	size_t len = sizeof(struct nfgenmsg);

	p->kind = kind;
	p->head = type;
	p->start = p->s->n;
	if (type == NFT_MSG_GETSETELEM) {
		body[0] = p->sets[set].family;
		attr_write(body, &len, NFTA_SET_ELEM_LIST_TABLE, p->sets[set].table);
		attr_write(body, &len, NFTA_SET_ELEM_LIST_SET, p->sets[set].name);
	}
	nldump(NETLINK_NETFILTER, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), body, len, nft_object, p);
}

static void
nftables(struct part *p)
{
	p->n_sets = 0;
	nft(p, "nft table", NFT_MSG_GETTABLE, 0);
	nft(p, "nft chain", NFT_MSG_GETCHAIN, 0);
	nft(p, "nft rule", NFT_MSG_GETRULE, 0);
	nft(p, "nft set", NFT_MSG_GETSET, 0);
	nft(p, "nft object", NFT_MSG_GETOBJ, 0);
	nft(p, "nft flowtable", NFT_MSG_GETFLOWTABLE, 0);
	for (size_t i = 0; i < p->n_sets; i++)
		nft(p, "nft element", NFT_MSG_GETSETELEM, i);
}

/* --- sysctls --------------------------------------------------------------- */

/* Values that count what happens. */
static bool
is_counter(const char *path)
{
	return strcmp(path, "netfilter/nf_conntrack_count") == 0;
}

static void
sysctl_file(struct part *p, int dir, const char *name, const char *path)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char value[VALUE] = "";
	ssize_t n = -1;

	if (is_counter(path)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (fd >= 0)
		n = read(fd, value, sizeof(value) - 1);
	if (n < 0)
		snprintf(value, sizeof(value), "(%s)", strerror(errno));
	else
		value[n] = '\0';
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; value[i] != '\0'; i++)
		if (value[i] == '\n' || value[i] == '\t')
			value[i] = value[i + 1] != '\0' ? ' ' : '\0';
	snap_add(p->s, p->ours ? SNAP_OURS : p->claims ? claim_sysctl(path, value) : SNAP_FOREIGN,
	    "%ssysctl %s = %s", p->where, path, value);
}

static void
sysctls(struct part *p, int parent, const char *name, const char *path)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	char below[512];
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s%s%s", path, *path != '\0' ? "/" : "", e->d_name);
		if (e->d_type == DT_DIR)
			sysctls(p, fd, e->d_name, below);
		else
			sysctl_file(p, fd, e->d_name, below);
	}
	if (d != NULL)
		closedir(d);
}

void
snap_network(struct snap *s, const char *where, bool ours, enum snap_scope scope)
{
	static struct part p;

	memset(&p, 0, sizeof(p));
	p.s = s;
	p.where = where;
	p.ours = ours;
	p.claims = *where == '\0';
	if (p.claims)
		claim_begin();
	rtnetlink(&p, scope);
	nftables(&p);
	if (scope == SNAP_ALL)
		sysctls(&p, AT_FDCWD, "/proc/sys/net", "");
}
