/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/features.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/tap.h"

static void
probe_make(struct kset *out, const char *topology, unsigned nic)
{
	char text[256], err[CONF_ERROR] = "";
	struct conf c;

	snprintf(text, sizeof(text), "topology = \"%s\"\ninterface eth1 { }\ninterface eth2 { }\n", topology);
	if (!conf_parse(text, strlen(text), "test", NULL, 0, &c, err)) {
		tap_note("%s", err);
		CU_FAIL_FATAL("the configuration of the test is wrong");
	}
	kset_init(out);
	CU_ASSERT_FATAL(features_probe(&c, nic, out));
}

static size_t
count(const struct kset *s, enum kobj_kind kind, uint8_t type)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].kind == kind && (type == 0 || s->v[i].type == type);
	return n;
}

/* Each kind of object, also in the smallest topology there is. */
static void
test_probe(void)
{
	static const char *const topologies[] = { "2", "4.2.2.2", "64.65536" };

	for (size_t i = 0; i < sizeof(topologies) / sizeof(topologies[0]); i++) {
		struct kset want;

		probe_make(&want, topologies[i], (unsigned)i % 2);
		for (size_t o = 0; o < want.n; o++) {
			CU_ASSERT(want.v[o].kind > KOBJ_NEIGH || want.v[o].kind == KOBJ_NS || want.v[o].dev == i % 2);
			CU_ASSERT(want.v[o].type != PRIV_ROUTE_UNICAST || want.v[o].via_dev == i % 2);
		}
		CU_ASSERT_EQUAL(count(&want, KOBJ_NS, 0), 1);
		CU_ASSERT_EQUAL(count(&want, KOBJ_DEV, 0), 1);
		CU_ASSERT_EQUAL(count(&want, KOBJ_ADDR, 0), 1);
		CU_ASSERT_EQUAL(count(&want, KOBJ_NEIGH, 0), 1);
		CU_ASSERT_EQUAL(count(&want, KOBJ_MARK, 0), 1);
		CU_ASSERT_EQUAL(count(&want, KOBJ_RULE, 0), 1);
		CU_ASSERT_EQUAL(count(&want, KOBJ_ROUTE, PRIV_ROUTE_UNICAST), 1);
		CU_ASSERT_EQUAL(count(&want, KOBJ_ROUTE, PRIV_ROUTE_UNREACHABLE), 1);
		CU_ASSERT_EQUAL(count(&want, KOBJ_ROUTE, PRIV_ROUTE_BLACKHOLE), 1);
		kset_free(&want);
	}
}

static const struct {
	const char *operation;
	int error;
	const char *says;	/* NULL: no missing feature */
} cases[] = {
	{ "ns_create", EINVAL, "CONFIG_NET_NS" },
	{ "ns_create", EPERM, "in a container" },
	{ "ns_prepare", EROFS, "/proc/sys/net" },
	{ "ns_create", EROFS, "/proc/sys/net" },
	{ "dev_create", EOPNOTSUPP, "modprobe macvlan" },
	{ "rule_on", EAFNOSUPPORT, "CONFIG_IP_MULTIPLE_TABLES" },
	{ "mark_on", EOPNOTSUPP, "modprobe nf_tables" },
	{ "nat_set", ENOENT, "anonymize-others = false" },
	{ "dev_create", EINVAL, "passthru" },
	{ "dev_create", EBUSY, "a bridge" },
	{ "route_set", EINVAL, NULL },
	{ "dev_create", ENOMEM, NULL },
	{ "addr_add", EOPNOTSUPP, NULL },
};

static void
test_explain(void)
{
	char text[FEATURES_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct priv_refusal r = { .reason = PRIV_R_KERNEL, .error = cases[i].error,
			.text = "as the kernel says" };
		const char *says;

		snprintf(r.operation, sizeof(r.operation), "%s", cases[i].operation);
		says = features_explain(&r, text);
		tap_note("%s: %s", cases[i].operation, says != NULL ? says : "-");
		if (cases[i].says == NULL) {
			CU_ASSERT_PTR_NULL(says);
			continue;
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(says);
		CU_ASSERT_PTR_NOT_NULL(strstr(says, cases[i].says));
		CU_ASSERT_PTR_NOT_NULL(strstr(says, "as the kernel says"));
	}
}

static void
test_policy(void)
{
	struct priv_refusal r = { .reason = PRIV_R_RANGE, .error = EINVAL, .operation = "route_set" };
	char text[FEATURES_TEXT];

	CU_ASSERT_PTR_NULL(features_explain(&r, text));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "probes everything a namespace can hold", test_probe },
		{ "names the feature that is missing", test_explain },
		{ "does not take a refusal by policy for a missing feature", test_policy },
	};

	return TAP_RUN(tests);
}
