/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_PROTO_PRIVMSG_H
#define NTK_PROTO_PRIVMSG_H

/*
 * The border between ntkd and ntkd-priv.
 *
 * SOCK_SEQPACKET; every message is a frame record and, by its type:
 *
 *   hello    nothing.  First, and again when interfaces may have come or gone.
 *   apply    frame.count operations: one byte of number, then its fields.
 *   welcome  a welcome record, then frame.count interface records.
 *   done     frame.count result records: what the transaction made.
 *   refused  one refusal record: nothing of the transaction stands.
 *   check    one check record.  Like hello never between the parts of a transaction.
 *   checked  a checked record, then frame.count - 1 difference records.
 *
 * A transaction is one apply, or several of which all but the last carry
 * PRIV_MORE.  It is answered once, after its last part: all of it was done, or
 * the first operation that could not be is named and nothing of it stands.
 * An empty message counts as the end, like a closed socket.
 *
 * With PRIV_REHEARSE on the last part everything is done, then undone, and
 * answered as if it stood (its handles are dead): so ntkd learns at start
 * whether this kernel can do what will be asked of it.
 *
 * A check compares everything that was made in one namespace with what the kernel
 * has, puts back what is missing or altered, removes what carries our label and
 * was not made here, and leaves alone what is somebody else's.  Nothing that ntkd
 * knows changes by it.  It is refused with PRIV_R_RATE when it comes too often.
 *
 * Interfaces are those of the configuration, found by name at each hello.  One that was
 * prepared, or that pseudo-interfaces are on, stays what it was when it was found, whatever
 * became of it, until dev_drop; each hello gives every other one a new handle, or none when
 * it does not exist.  It is refused as a check is when it comes too often.
 *
 * Objects are named by handles.  A handle that the same transaction will make
 * is named PRIV_HANDLE_NEW(n), n counting from 0 the results it makes.
 *
 * What is malformed (see priv_op_read(), and any frame the receiver does not
 * expect) is not answered: the helper undoes everything and exits.
 *
 * Addresses are in host byte order in the structs.
 */

#include "proto/msg.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	PRIV_MAGIC = 0x4e54,
	PRIV_VERSION = 1,
	PRIV_MSG_MAX = 65536,		/* bytes in one message */
	PRIV_TXN_OPS = 65536,		/* operations in one transaction */
	PRIV_TXN_RESULTS = 1024,	/* objects one transaction makes */
	PRIV_PEERS = 2047,		/* neighbours with a table number at once */
	PRIV_DIFFERENCES = 64,		/* told one by one in an answer to check */
};

enum priv_flag {
	PRIV_MORE = 1,
	PRIV_REHEARSE = 2,
};

enum priv_type {
	PRIV_HELLO = 1,
	PRIV_APPLY = 2,
	PRIV_CHECK = 3,
	PRIV_WELCOME = 65,
	PRIV_DONE = 66,
	PRIV_REFUSED = 67,
	PRIV_CHECKED = 68,
};

/* What became of an object that was not as it shall be. */
enum priv_fate {
	PRIV_FATE_REPAIRED = 1,
	PRIV_FATE_FAILED = 2,
	PRIV_FATE_REMOVED = 3,
	PRIV_FATE_FOREIGN = 4,
	PRIV_FATE_LAST = PRIV_FATE_FOREIGN,
};

enum priv_route_type {
	PRIV_ROUTE_UNICAST = 1,
	PRIV_ROUTE_UNREACHABLE = 2,
	PRIV_ROUTE_BLACKHOLE = 3,
};

enum priv_nat_kind {
	PRIV_NAT_SOURCE = 1,
	PRIV_NAT_MAP_IN = 2,
	PRIV_NAT_MAP_OUT = 3,
};

/* Why the helper refuses; priv_reason_text() gives the sentence. */
enum priv_reason {
	PRIV_R_OK = 0,
	PRIV_R_HANDLE,		/* no such object, or one of an earlier life */
	PRIV_R_KIND,		/* the handle names an object of another kind */
	PRIV_R_PLACE,		/* the two objects are in different namespaces */
	PRIV_R_RANGE,		/* address or prefix outside what the configuration allows */
	PRIV_R_ALIGN,		/* host bits set below the prefix length */
	PRIV_R_LINKLOCAL,	/* not a usable link-local address */
	PRIV_R_HOST,		/* the host routes this by itself */
	PRIV_R_EXISTS,		/* it is there already */
	PRIV_R_ABSENT,		/* it is not there */
	PRIV_R_IN_USE,		/* other objects still need it */
	PRIV_R_NEIGHBOUR,	/* gateway without a neighbour route on that interface */
	PRIV_R_SOURCE,		/* source is no own address there */
	PRIV_R_SHAPE,		/* a field that must be empty for this type is not, or the reverse */
	PRIV_R_CONFIG,		/* the configuration does not allow this kind at all */
	PRIV_R_ORDER,		/* something follows an operation that must be last */
	PRIV_R_LIMIT,		/* a stated number is reached */
	PRIV_R_EXHAUSTED,	/* no table number is free */
	PRIV_R_KERNEL,		/* the kernel said no: see error and text */
	PRIV_R_RATE,		/* it comes too often */
	PRIV_R_LAST = PRIV_R_RATE,
};

/* The name of a reason ("range") and its sentence; static, never NULL. */
const char *priv_reason_name(enum priv_reason reason);
const char *priv_reason_text(enum priv_reason reason);

/*
 * A handle: four bits of kind, twelve of generation, sixteen of index.  The
 * generation changes whenever an index is used again.  0 is no handle; where
 * a peer is asked for it means the table ntk.
 */
enum priv_handle_kind {
	PRIV_H_NONE = 0,
	PRIV_H_NS = 1,
	PRIV_H_DEV = 2,
	PRIV_H_PEER = 3,
	PRIV_H_NEW = 15,	/* index counts the results of this transaction */
};

#define PRIV_HANDLE(kind, generation, index) \
	((uint32_t)(kind) << 28 | ((uint32_t)(generation) & 0xfffU) << 16 | ((uint32_t)(index) & 0xffffU))
#define PRIV_HANDLE_KIND(h)		((enum priv_handle_kind)((h) >> 28))
#define PRIV_HANDLE_GENERATION(h)	((h) >> 16 & 0xfffU)
#define PRIV_HANDLE_INDEX(h)		((h) & 0xffffU)
#define PRIV_HANDLE_NEW(n)		PRIV_HANDLE(PRIV_H_NEW, 0, n)

/* The structs: struct priv_frame, struct priv_route_set, … from the table. */
#define MSG(m, number, doc) struct priv_##m {
#define U8(m, f, min, max, doc) uint8_t f;
#define U16(m, f, min, max, doc) uint16_t f;
#define U32(m, f, min, max, doc) uint32_t f;
#define S32(m, f, doc) int32_t f;
#define IP4(m, f, doc) uint32_t f;
#define HANDLE(m, f, doc) uint32_t f;
#define MAC(m, f, min, doc) uint8_t f[6];
#define STR(m, f, size, doc) char f[size];
#define MSG_END(m) };
#define PRIV_WANT_MSGS
#define PRIV_WANT_OPS
#include "proto/privmsg.tab"
#undef PRIV_WANT_MSGS
#undef MSG
#undef MSG_END
#undef U8
#undef U16
#undef U32
#undef S32
#undef IP4
#undef HANDLE
#undef MAC
#undef STR

/* Numbers of the operations: PRIV_OP_route_set, … */
#define U8(m, f, min, max, doc)
#define U16(m, f, min, max, doc)
#define U32(m, f, min, max, doc)
#define S32(m, f, doc)
#define IP4(m, f, doc)
#define HANDLE(m, f, doc)
#define MAC(m, f, min, doc)
#define STR(m, f, size, doc)
enum priv_op_type {
#define OP(m, number, doc) PRIV_OP_##m = number,
#define OP_END(m)
#include "proto/privmsg.tab"
};

/* One operation, decoded. */
struct priv_op {
	uint8_t type;		/* enum priv_op_type */
	union {
#define OP(m, number, doc) struct priv_##m m;
#define OP_END(m)
#include "proto/privmsg.tab"
	};
};
#undef PRIV_WANT_OPS
#undef U8
#undef U16
#undef U32
#undef S32
#undef IP4
#undef HANDLE
#undef MAC
#undef STR

/* The tables: operations, and each of the other records. */
extern const struct msg_desc priv_ops[];
extern const size_t priv_n_ops;
extern const struct msg_desc priv_frame_desc;
extern const struct msg_desc priv_welcome_desc;
extern const struct msg_desc priv_interface_desc;
extern const struct msg_desc priv_result_desc;
extern const struct msg_desc priv_refusal_desc;
extern const struct msg_desc priv_check_desc;
extern const struct msg_desc priv_checked_desc;
extern const struct msg_desc priv_difference_desc;

/* Name of an operation, "?" for an unknown number; static. */
const char *priv_op_name(uint8_t type);

/*
 * Reads one operation from R into OP.  False when it is malformed (unknown
 * number, truncated, a value outside the table's bounds): ERR tells what.
 */
bool priv_op_read(struct rd *r, struct priv_op *op, struct msg_error *err);

/* Appends OP to W; W tells if it did not fit. */
void priv_op_write(const struct priv_op *op, struct wr *w);

/* As msg_print(). */
int priv_op_print(const struct priv_op *op, char *buf, size_t size);

/* True when OP makes an object, and so a result. */
bool priv_op_makes(uint8_t type);

/* True when nothing may follow OP in its transaction. */
bool priv_op_is_last(uint8_t type);

#ifdef __cplusplus
}
#endif

#endif
