/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/features.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ntkd/kernel/txn.h"

/* Invented; nobody meets them, since the namespace they are in is undone at once. */
enum {
	PROBE_OWN = 0xa9fe0101,		/* 169.254.1.1 */
	PROBE_PEER = 0xa9fe0102,
};
static const ntk_mac_t probe_mac = { { 0x02, 0, 0, 0, 0, 0x01 } };

static void
probe_route(struct kset *out, ntk_prefix_t dst, enum priv_route_type type, uint8_t dev)
{
	struct kobj o = { .kind = KOBJ_ROUTE, .mac = probe_mac, .addr = dst.addr, .len = dst.len,
		.type = (uint8_t)type };

	if (type == PRIV_ROUTE_UNICAST) {
		o.via = PROBE_PEER;
		o.via_dev = dev;
	}
	kset_add(out, &o);
}

bool
features_probe(const struct conf *c, unsigned nic, struct kset *out)
{
	const uint8_t dev = (uint8_t)nic;
	const struct kobj objects[] = {
		{ .kind = KOBJ_NS },
		{ .kind = KOBJ_DEV, .dev = dev },
		{ .kind = KOBJ_ADDR, .dev = dev, .addr = PROBE_OWN },
		{ .kind = KOBJ_NEIGH, .dev = dev, .addr = PROBE_PEER, .src = PROBE_OWN },
		{ .kind = KOBJ_MARK, .mac = probe_mac },
		{ .kind = KOBJ_RULE, .mac = probe_mac },
	};
	const struct map4_class global = { MAP4_GLOBAL, 0 };
	ntk_prefix_t all, one, other;

	if (!map4_all(&c->map, global, &all))
		return false;
	one = (ntk_prefix_t){ all.addr, NTK_IP_BITS };
	other = (ntk_prefix_t){ all.addr + 1, NTK_IP_BITS };
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		kset_add(out, &objects[i]);
	probe_route(out, one, PRIV_ROUTE_UNICAST, dev);
	probe_route(out, other, PRIV_ROUTE_UNREACHABLE, dev);
	probe_route(out, all, PRIV_ROUTE_BLACKHOLE, dev);
	return kset_sort(out);
}

/* What an operation needs of the kernel; the first line that fits counts. */
static const struct feature {
	const char *operation;	/* name in privmsg.tab; NULL: any */
	int error;		/* 0: any by which a kernel says that it does not have something */
	const char *what;
	const char *remedy;
} features[] = {
	/* Only sysctls are files that somebody may have made read-only. */
	{ NULL, EROFS, "IPv4 forwarding and other settings",
	    "it must be allowed to write /proc/sys/net (in a container: mount it writable)" },
	{ "ns_prepare", 0, "IPv4 forwarding and other settings",
	    "it must be allowed to write /proc/sys/net (in a container: mount it writable)" },
	{ "ns_create", EINVAL, "network namespaces (CONFIG_NET_NS)", "boot a kernel with them" },
	{ "ns_create", 0, "network namespaces (CONFIG_NET_NS)",
	    "boot a kernel with them; in a container, allow unshare and mount" },
	{ "dev_prepare", 0, "the settings it needs on the managed interface",
	    "see that the interface is still there" },
	{ "dev_create", EINVAL, "pseudo-interfaces on the managed interface",
	    "see that no other program has it for itself (a macvlan of mode passthru)" },
	{ "dev_create", EBUSY, "pseudo-interfaces on the managed interface",
	    "see that no other program has it for itself (a bridge, a bond, a capture program)" },
	{ "dev_create", 0, "pseudo-interfaces (CONFIG_MACVLAN)",
	    "load the module macvlan (modprobe macvlan), or boot a kernel with it" },
	{ "route_set", 0, "routing tables of one's own (CONFIG_IP_MULTIPLE_TABLES)",
	    "boot a kernel with them" },
	{ "rule_on", 0, "policy routing (CONFIG_IP_MULTIPLE_TABLES, CONFIG_IP_ROUTE_FWMARK)",
	    "boot a kernel with it" },
	{ "mark_on", 0, "nftables (CONFIG_NF_TABLES, CONFIG_NF_TABLES_IPV4)",
	    "load the module nf_tables (modprobe nf_tables), or boot a kernel with it" },
	{ "nat_set", 0, "address translation by nftables (CONFIG_NFT_NAT, CONFIG_NF_NAT)",
	    "load the modules nft_nat and nft_chain_nat, boot a kernel with them, or do without: "
	    "anonymize-others = false, subnet-level = 0" },
};

static bool
is_missing(int error)
{
	switch (error) {
	case ENOSYS:
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case EPFNOSUPPORT:
	case ENOENT:
	case ENODEV:
	case EPERM:
	case EACCES:
		return true;
	}
	return false;
}

static const struct feature *
feature_find(const struct priv_refusal *r)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *f = &features[i];

		if (f->operation != NULL && strcmp(f->operation, r->operation) != 0)
			continue;
		if (f->error == r->error || (f->error == 0 && is_missing(r->error)))
			return f;
	}
	return NULL;
}

char *
features_explain(const struct priv_refusal *r, char *buf)
{
	char text[KERNEL_REFUSAL_TEXT];
	const struct feature *f;

	if (r->reason != PRIV_R_KERNEL)
		return NULL;
	f = feature_find(r);
	if (f == NULL)
		return NULL;
	snprintf(buf, FEATURES_TEXT, "ntkd cannot have %s: %s. (%s)", f->what, f->remedy,
	    kernel_refusal_text(r, text));
	return buf;
}
