/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_NICS_H
#define NTKD_IO_NICS_H

/*
 * The managed interfaces as the kernel has them: there or not, up or not, with or without a
 * carrier.  Messages of rtnetlink in, news out; no socket (kmon.h has it).
 *
 * An interface is the one that has the name now.  One that is renamed is gone under its former
 * name, and another one that gets the name is that interface from then on; index and MAC may
 * differ.  All news follow from the state before and after, so a notification that comes twice,
 * or tells of something else, is none.
 *
 * Notifications tell of changes only, and the kernel may lose them.  So the whole is asked for,
 * at the start and after each loss: nics_ask().  What its answer does not name is gone.
 */

#include "common/conf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An interface. */
struct nic_state {
	bool present;
	uint32_t ifindex;
	ntk_mac_t mac;
	bool up;		/* an administrator set it up */
	bool carrier;		/* and something is at the other end, as far as it can tell */
	const char *problem;	/* why it cannot be used although all that is so; static, else NULL */
};

enum nic_news {
	NIC_UP,			/* it can be used from now on */
	NIC_DOWN,		/* it cannot any more, or not yet: down, no carrier, a problem */
	NIC_GONE,		/* there is none any more; first, too, when MAC or index differ */
};

/* Of interface NIC, by its place in the configuration; NOW is its state. */
typedef void nics_told(size_t nic, enum nic_news news, const struct nic_state *now, void *arg);

struct nics {
	struct nic {
		char name[CONF_IFNAME];
		struct nic_state now;
		bool seen;		/* named since the last question */
	} v[CONF_INTERFACES];
	size_t n;
	nics_told *tell;
	void *arg;
	uint32_t seq;		/* of the question under way; 0: none is */
	uint32_t last_seq;
	bool again;		/* its answer is not enough */
	bool failed;		/* the kernel had none: ask again after a while */
};

enum { NICS_REQUEST = 64 };	/* bytes, at most, of a question */

/* The interfaces of C, none of which is there as far as is known. */
void nics_init(struct nics *n, const struct conf *c, nics_told *tell, void *arg);

/*
 * Puts the question for all interfaces, to be sent to the kernel, into BUF (NICS_REQUEST bytes,
 * aligned as struct nlmsghdr) and returns its length.  0: one is under way, after which this
 * must be called again (nics_read() tells).
 */
size_t nics_ask(struct nics *n, void *buf);

/*
 * Reads a datagram of LEN bytes at BUF, aligned as struct nlmsghdr, that the kernel sent about
 * the default namespace: notifications or answers.  True when nics_ask() should be called now:
 * the answer was interrupted by changes, or something was lost meanwhile.
 */
bool nics_read(struct nics *n, const void *buf, size_t len);

/* True when packets can go both ways. */
bool nic_is_usable(const struct nic_state *s);

/*
 * Why pseudo-interfaces cannot be made on an interface of ARP type TYPE with FLAGS (linux/if.h),
 * which is a port of another one or not.  Static; NULL when they can.
 */
const char *nic_problem(uint16_t type, uint32_t flags, bool is_port);

#ifdef __cplusplus
}
#endif

#endif
