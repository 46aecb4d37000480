/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_PLACE_H
#define NTK_TESTS_PRIV_PLACE_H

/*
 * A helper with something made through it, the words in which tests write requests,
 * and the view of everything by which they judge.
 *
 * "Nothing changed" always means that tests/integration/dump prints the same bytes.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tests/priv/client.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	SETTLE_MS = 5000,	/* the kernel takes namespaces down later */
};

/* The configuration that place_stage() writes. */
#define PLACE_CONFIG "/run/border.conf"

#define IP(a, b, c, d)	((uint32_t)(a) << 24 | (uint32_t)((b) << 16 | (c) << 8 | (d)))
#define NET(d)		IP(10, 0, 0, d)
#define LL(c, d)	IP(169, 254, c, d)
#define OP(verb, ...)	(&(const struct priv_op){ .type = PRIV_OP_##verb, .verb = { __VA_ARGS__ } })
#define OPV(verb_, ...)	{ .type = PRIV_OP_##verb_, .verb_ = { __VA_ARGS__ } }

/* Topology 4.2.2.2, address 2.1.1.0; a neighbour; a second namespace. */
#define GLOBAL		NET(22)
#define OWN_LL		LL(94, 1)
#define OTHER_LL	LL(94, 2)
#define PEER_LL		LL(69, 30)
#define NOBODY_LL	LL(69, 31)
#define DST		NET(16), 30
#define UNICAST		PRIV_ROUTE_UNICAST
#define UNREACHABLE	PRIV_ROUTE_UNREACHABLE
#define BLACKHOLE	PRIV_ROUTE_BLACKHOLE
#define SOURCE_NAT	PRIV_NAT_SOURCE
#define MAC_1		{ 0, 0x16, 0x3e, 0xfd, 0xe2, 0xaa }
#define MAC_2		{ 0, 0x16, 0x3e, 0x3c, 0x14, 0x33 }

struct place {
	struct client c;
	uint32_t ns;		/* handles of the default namespace and its interfaces */
	uint32_t lo;
	uint32_t eth1;
	uint32_t eth2;
	uint32_t peer;		/* of MAC_1 */
	uint32_t ns2;		/* of a namespace with the pseudo-interface dev2 on eth1 */
	uint32_t dev2;
};

/* Root, and namespaces of our own: what place_stage() found. */
extern bool usable;

/*
 * Makes the namespaces: interfaces eth0 to eth2, of which the configuration has the last
 * two, and what the host routes by itself.  Sets usable.
 */
void place_stage(void);

/* Skips the running test, since nothing is usable. */
void not_usable(void);

/* How a helper of these tests is started; OVERRIDE of its configuration may be NULL. */
struct client_setup setup_with(const char *override);

/* A helper that was greeted and has made nothing; one started in another way. */
bool place_open(struct place *p, const char *override);
bool place_open_with(struct place *p, const struct client_setup *setup);

/* The default namespace with interface, addresses, a neighbour, its table; a second namespace. */
bool place_build(struct place *p);

/* Of that, what is on eth1 or leads through it, its pseudo-interface included; the rest is there. */
bool place_fill(struct place *p);

/* Ends the helper; false with a note when it does not end well. */
bool place_close(struct place *p);

/* Does OP; false with a note of the reason when that does not work. */
bool done(struct client *c, const struct priv_op *op);

/* Everything that could have been changed, as text; owned by the caller. */
char *run_dump(void);

/* The dump is BEFORE, now or within MS milliseconds; a note of the difference when not. */
bool unchanged(const char *before, unsigned ms);

/* The dump is not BEFORE now. */
bool changed(const char *before);

#ifdef __cplusplus
}
#endif

#endif
