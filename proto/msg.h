/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_PROTO_MSG_H
#define NTK_PROTO_MSG_H

/*
 * The message table language.
 *
 * A message is a C struct and a table that tells, field by field, where each
 * value lies in the struct, how it travels and what it may be.  Both come from
 * one list in a .tab file (see privmsg.tab), so they cannot disagree.  Encoder,
 * decoder, validator, printer and the dictionaries of the fuzzers read the
 * table; no message has code of its own.
 *
 * On the wire fields follow each other without padding, integers in network
 * byte order, a string as one byte of length and its characters.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/rd.h"
#include "proto/wr.h"

#ifdef __cplusplus
extern "C" {
#endif

enum msg_kind {
	MSG_U8,			/* uint8_t */
	MSG_U16,		/* uint16_t */
	MSG_U32,		/* uint32_t */
	MSG_S32,		/* int32_t, two's complement; min and max do not apply */
	MSG_IP4,		/* uint32_t in host byte order, printed as 10.0.0.1 */
	MSG_HANDLE,		/* uint32_t, printed in hexadecimal */
	MSG_MAC,		/* uint8_t[6]; min 1: neither all zeroes nor multicast */
	MSG_STR,		/* char[size], NUL-terminated, printable ASCII, maybe empty */
};

struct msg_field {
	const char *name;
	const char *doc;	/* one phrase; unit where there is one */
	enum msg_kind kind;
	size_t offset;		/* in the message's struct */
	size_t size;		/* of the struct's member, bytes */
	uint64_t min;		/* smallest and greatest allowed value */
	uint64_t max;
};

struct msg_desc {
	const char *name;
	const char *doc;
	uint8_t type;		/* number on the wire, unique within its table */
	size_t size;		/* of the struct, bytes */
	size_t n_fields;
	const struct msg_field *fields;
};

/* What is wrong with a message, for an answer or a log line. */
struct msg_error {
	const char *message;	/* name of the message, static */
	const char *field;	/* name of the field, static; "" when it is the whole */
	const char *why;	/* static phrase: "above the maximum", "truncated", … */
	uint64_t value;		/* the offending value, 0 where there is none */
};

/*
 * Reads one message from R into OUT, a struct of D's kind, which is zeroed
 * first.  False on truncated input or a value outside its bounds; ERR (never
 * NULL) then tells which.  Bytes after the message are left in R.
 */
bool msg_decode(const struct msg_desc *d, struct rd *r, void *out, struct msg_error *err);

/* Checks the values of IN as msg_decode() would. */
bool msg_valid(const struct msg_desc *d, const void *in, struct msg_error *err);

/* Appends IN to W.  The caller has valid values; W tells if it did not fit. */
void msg_encode(const struct msg_desc *d, const void *in, struct wr *w);

/*
 * Writes "name field=value field=value" to BUF, cut to SIZE bytes including
 * the NUL.  Returns the length that the whole text has, as snprintf() does.
 */
int msg_print(const struct msg_desc *d, const void *in, char *buf, size_t size);

/* Fewest and most bytes of such a message on the wire. */
size_t msg_wire_min(const struct msg_desc *d);
size_t msg_wire_max(const struct msg_desc *d);

/* The description with number TYPE among the N at D, NULL if there is none. */
const struct msg_desc *msg_find(const struct msg_desc *d, size_t n, uint8_t type);

#ifdef __cplusplus
}
#endif

#endif
