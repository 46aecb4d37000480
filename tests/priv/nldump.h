/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_NLDUMP_H
#define NTK_TESTS_PRIV_NLDUMP_H

/*
 * Reads what the kernel has, by plain sockets and the kernel's headers alone: what judges
 * the helper shares no line with it, neither ours nor a library's.
 */

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An attribute as it lies in a message. */
struct nla {
	unsigned type;		/* without the flags of nesting and byte order */
	const uint8_t *data;
	size_t len;
};

typedef void nldump_each(const struct nlmsghdr *nlh, void *arg);

/*
 * Asks PROTOCOL in the calling process's namespace for a dump of TYPE with the request
 * body BODY, and calls EACH for every message; again from the start when the list changed
 * meanwhile, after a call of EACH with NULL.  False when there is no such dump or no socket.
 */
bool nldump(int protocol, uint16_t type, const void *body, size_t len, nldump_each *each,
    void *arg);

/* Steps through the attributes in the LEN bytes at DATA; *AT begins with 0. */
bool nla_step(const void *data, size_t len, size_t *at, struct nla *out);

/* Finds the attribute TYPE among them; its 32 bits as they lie there, else FALLBACK. */
bool nla_find(const void *data, size_t len, unsigned type, struct nla *out);
uint32_t nla_find_u32(const void *data, size_t len, unsigned type, uint32_t fallback);

#ifdef __cplusplus
}
#endif

#endif
