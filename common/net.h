/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_NET_H
#define NTK_COMMON_NET_H

/*
 * Value types of the network: IPv4 addresses, prefixes, hardware addresses.
 * They are compared, copied and passed by value.  Addresses are in host byte
 * order everywhere in this project; only sockets and netlink see the other one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The word in which addresses are computed; its width is all that an IPv6 mapping would change. */
typedef uint32_t ntk_ip_t;
#define NTK_IP_BITS 32

typedef struct {
	uint8_t b[6];
} ntk_mac_t;

typedef struct {
	ntk_ip_t addr;		/* no bits set below len */
	uint8_t len;		/* bits, 0 to 32 */
} ntk_prefix_t;

/* Room for the printed forms, NUL included. */
enum {
	IP_TEXT = 16,		/* 255.255.255.255 */
	PREFIX_TEXT = 19,	/* 255.255.255.255/32 */
	MAC_TEXT = 18,		/* 00:16:3e:5b:78:d5 */
};

/* The mask of a prefix of LEN bits; LEN 0 to 32. */
ntk_ip_t prefix_mask(uint8_t len);

/* True when ADDR, or all of INNER, lies in OUTER. */
bool prefix_has_ip(ntk_prefix_t outer, ntk_ip_t addr);
bool prefix_has(ntk_prefix_t outer, ntk_prefix_t inner);

/* True when the two share an address. */
bool prefix_overlaps(ntk_prefix_t a, ntk_prefix_t b);

/* True when no bit is set below the length, which is 0 to 32. */
bool prefix_is_aligned(ntk_prefix_t p);

/* Orders as memcmp() does: by address, then by length; MACs by their bytes. */
int prefix_cmp(ntk_prefix_t a, ntk_prefix_t b);
int mac_cmp(ntk_mac_t a, ntk_mac_t b);

/* Strict dotted quad without leading zeroes; strict "a.b.c.d/len", host bits clear. */
bool ip_parse(const char *text, ntk_ip_t *out);
bool prefix_parse(const char *text, ntk_prefix_t *out);

/* Six pairs of hexadecimal digits joined by colons, upper or lower case. */
bool mac_parse(const char *text, ntk_mac_t *out);

/* True for an address that an interface may have: not zero, not multicast. */
bool mac_is_unicast(ntk_mac_t mac);

/*
 * Print to BUF, which has room for the *_TEXT above; return BUF.  mac_print()
 * writes lower case, mac_print_upper() upper case (names of tables).
 */
char *ip_print(ntk_ip_t addr, char *buf);
char *prefix_print(ntk_prefix_t p, char *buf);
char *mac_print(ntk_mac_t mac, char *buf);
char *mac_print_upper(ntk_mac_t mac, char *buf);

/*
 * True for a link-local address that a system may give itself or meet:
 * in 169.254.1.0 – 169.254.254.255 (RFC 3927 2.1 keeps the first and last 256),
 * last octet 1 to 254 (spec/daemon 21), and not 169.254.169.254, where clouds
 * keep their metadata service.
 */
bool linklocal_is_usable(ntk_ip_t addr);

#ifdef __cplusplus
}
#endif

#endif
