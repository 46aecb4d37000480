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
 * byte order or, where the kind says so, in a variable number of bytes (rd_var()), a
 * string as one byte of length and its characters, a list as its length (variable) and its
 * elements, a record within a record as its fields.
 *
 * Lists are decoded into memory that the caller provides (struct msg_arena).  The length of
 * a list is believed only if it is within the table's bound and so many elements can
 * still follow in what was received.
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
	MSG_U64,		/* uint64_t */
	MSG_V32,		/* uint32_t, of variable length on the wire */
	MSG_V64,		/* uint64_t, of variable length on the wire */
	MSG_N32,		/* int32_t from -1 up; on the wire one more, of variable length */
	MSG_REC,		/* a record, `of` */
	MSG_LIST,		/* struct msg_list of `of` records; min and max count them */
};

struct msg_desc;

/*
 * A list in a message's struct.  The tables make typed ones of the same layout (an
 * element pointer, a count); the elements are borrowed from whoever made the message.
 */
struct msg_list {
	const void *v;
	uint16_t n;
};

/* Memory that lists are decoded into: SIZE bytes at BUF, aligned for any object, USED of them taken. */
struct msg_arena {
	uint8_t *buf;
	size_t size;
	size_t used;
};

struct msg_field {
	const char *name;
	const char *doc;	/* one phrase; unit where there is one */
	enum msg_kind kind;
	size_t offset;		/* in the message's struct */
	size_t size;		/* of the struct's member, bytes */
	uint64_t min;		/* smallest and greatest allowed value */
	uint64_t max;
	const struct msg_desc *of;	/* of MSG_REC and MSG_LIST, else NULL */
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

/* The same for messages with lists, which go to A ("too large" when it is full). */
bool msg_decode_in(const struct msg_desc *d, struct rd *r, void *out, struct msg_arena *a,
    struct msg_error *err);

/* Checks the values of IN as msg_decode() would. */
bool msg_valid(const struct msg_desc *d, const void *in, struct msg_error *err);

/* Appends IN to W.  The caller has valid values; W tells if it did not fit. */
void msg_encode(const struct msg_desc *d, const void *in, struct wr *w);

/*
 * Writes "name field=value field=value" to BUF, cut to SIZE bytes including
 * the NUL.  Returns the length that the whole text has, as snprintf() does.
 */
int msg_print(const struct msg_desc *d, const void *in, char *buf, size_t size);

/* Fewest and most bytes of such a message on the wire (most: SIZE_MAX with lists of lists). */
size_t msg_wire_min(const struct msg_desc *d);
size_t msg_wire_max(const struct msg_desc *d);

/* The description with number TYPE among the N at D, NULL if there is none. */
const struct msg_desc *msg_find(const struct msg_desc *d, size_t n, uint8_t type);

#ifdef __cplusplus
}
#endif

#endif
