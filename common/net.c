/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/net.h"

#include <stdio.h>
#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads a decimal number of 0 to MAX, below 1000, without leading zeroes; moves *AT behind it. */
static bool
small_parse(const char **at, unsigned max, unsigned *out)
{
	const char *p = *at;
	unsigned v = 0;

	if (!is_digit(*p) || (p[0] == '0' && is_digit(p[1])))
		return false;
	for (int n = 0; is_digit(*p); p++, n++) {
		if (n == 3)
			return false;
		v = v * 10 + (unsigned)(*p - '0');
	}
	if (v > max)
		return false;
	*at = p;
	*out = v;
	return true;
}

static bool
quad_parse(const char **at, ntk_ip_t *out)
{
	ntk_ip_t addr = 0;
	unsigned octet;

	for (int i = 0; i < 4; i++) {
		if (i != 0 && *(*at)++ != '.')
			return false;
		if (!small_parse(at, 255, &octet))
			return false;
		addr = addr << 8 | (ntk_ip_t)octet;
	}
	*out = addr;
	return true;
}

ntk_ip_t
prefix_mask(uint8_t len)
{
	return len == 0 ? 0 : ~(ntk_ip_t)0 << (NTK_IP_BITS - len);
}

bool
prefix_has_ip(ntk_prefix_t outer, ntk_ip_t addr)
{
	return ((addr ^ outer.addr) & prefix_mask(outer.len)) == 0;
}

bool
prefix_has(ntk_prefix_t outer, ntk_prefix_t inner)
{
	return inner.len >= outer.len && prefix_has_ip(outer, inner.addr);
}

bool
prefix_overlaps(ntk_prefix_t a, ntk_prefix_t b)
{
	return prefix_has(a, b) || prefix_has(b, a);
}

bool
prefix_is_aligned(ntk_prefix_t p)
{
	return p.len <= NTK_IP_BITS && (p.addr & ~prefix_mask(p.len)) == 0;
}

int
prefix_cmp(ntk_prefix_t a, ntk_prefix_t b)
{
	if (a.addr != b.addr)
		return a.addr < b.addr ? -1 : 1;
	return (a.len > b.len) - (a.len < b.len);
}

int
mac_cmp(ntk_mac_t a, ntk_mac_t b)
{
	return memcmp(a.b, b.b, sizeof(a.b));
}

bool
ip_parse(const char *text, ntk_ip_t *out)
{
	ntk_ip_t addr;

	if (!quad_parse(&text, &addr) || *text != '\0')
		return false;
	*out = addr;
	return true;
}

bool
prefix_parse(const char *text, ntk_prefix_t *out)
{
	ntk_prefix_t p;
	unsigned len;

	if (!quad_parse(&text, &p.addr) || *text++ != '/')
		return false;
	if (!small_parse(&text, NTK_IP_BITS, &len) || *text != '\0')
		return false;
	p.len = (uint8_t)len;
	if (!prefix_is_aligned(p))
		return false;
	*out = p;
	return true;
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
mac_parse(const char *text, ntk_mac_t *out)
{
	ntk_mac_t mac;

	for (size_t i = 0; i < sizeof(mac.b); i++) {
		int high, low;

		if (i != 0 && *text++ != ':')
			return false;
		high = hex_value(text[0]);
		if (high < 0)
			return false;
		low = hex_value(text[1]);
		if (low < 0)
			return false;
		mac.b[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text != '\0')
		return false;
	*out = mac;
	return true;
}

bool
mac_is_unicast(ntk_mac_t mac)
{
	static const ntk_mac_t zero;

	return (mac.b[0] & 1) == 0 && mac_cmp(mac, zero) != 0;
}

char *
ip_print(ntk_ip_t addr, char *buf)
{
	snprintf(buf, IP_TEXT, "%u.%u.%u.%u", (unsigned)(addr >> 24 & 255),
	    (unsigned)(addr >> 16 & 255), (unsigned)(addr >> 8 & 255), (unsigned)(addr & 255));
	return buf;
}

char *
prefix_print(ntk_prefix_t p, char *buf)
{
	char ip[IP_TEXT];

	snprintf(buf, PREFIX_TEXT, "%s/%u", ip_print(p.addr, ip), p.len & 63U);
	return buf;
}

static char *
mac_format(ntk_mac_t mac, const char *digits, char *buf)
{
	char *p = buf;

	for (size_t i = 0; i < sizeof(mac.b); i++) {
		if (i != 0)
			*p++ = ':';
		*p++ = digits[mac.b[i] >> 4];
		*p++ = digits[mac.b[i] & 15];
	}
	*p = '\0';
	return buf;
}

char *
mac_print(ntk_mac_t mac, char *buf)
{
	return mac_format(mac, "0123456789abcdef", buf);
}

char *
mac_print_upper(ntk_mac_t mac, char *buf)
{
	return mac_format(mac, "0123456789ABCDEF", buf);
}

bool
linklocal_is_usable(ntk_ip_t addr)
{
	unsigned third = (unsigned)(addr >> 8 & 255);
	unsigned last = (unsigned)(addr & 255);

	if (addr >> 16 != 0xa9fe)
		return false;
	if (third < 1 || third > 254 || last < 1 || last > 254)
		return false;
	return !(third == 169 && last == 254);
}
