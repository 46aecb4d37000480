/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_PROTO_PEERMSG_H
#define NTK_PROTO_PEERMSG_H

/*
 * Messages between nodes: ntkd-protocol(7).
 *
 * Every message is a frame record and a body.  The frame tells the type of the message,
 * its kind (call, notice; result, error or wait, which answer a call), who speaks to
 * whom and how long the body is.  Bodies are the messages of peermsg.tab; the result of a
 * call has the type of the call in its frame and the body of the message that answers
 * it, as peer_answer_type() tells; the body of an error is one byte, enum peer_error;
 * a wait has none.
 *
 * What stands in a message is within the bounds of the table once it is decoded; what it
 * must be in a given topology is checked by the module that it is for.
 */

#include "proto/msg.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	PEER_MAGIC = 0x4e4b,
	PEER_VERSION = 1,
	PEER_BODY_MAX = 1 << 20,	/* bytes (spec/neighborhood 19.6) */
	PEER_LEVELS = 24,
	PEER_HOPS = 255,		/* of one path (spec/qspn 1.11) */
	PEER_PATHS = 65535,		/* in one ETP */
	PEER_HEARD = 50,		/* in one hello (spec/neighborhood 19.2) */
	PEER_NODE_MAX = 0x7ffffffe,	/* greatest NeighborhoodNodeID (spec/neighborhood 3) */
	PEER_IDENTITIES = 64,		/* of one system */
	PEER_EXPANSION = 12,		/* a decoded body needs at most so many times its bytes on the wire */
};

enum peer_kind {
	PEER_CALL = 1,
	PEER_NOTICE = 2,
	PEER_RESULT = 3,
	PEER_ERROR = 4,
	PEER_WAIT = 5,
};

enum peer_cost {
	PEER_COST_MEASURED = 0,
	PEER_COST_NULL = 1,	/* the destination is the sender itself */
	PEER_COST_DEAD = 2,
};

/* In a match. */
enum peer_match_status {
	PEER_MATCH_UNKNOWN = 0,		/* no identity-arc between the two */
	PEER_MATCH_STAYED = 1,		/* identity-arcs with the old and the new one */
	PEER_MATCH_MOVED = 2,		/* duplicated in the same migration */
	PEER_MATCH_DROPPED = 3,		/* an identity-arc with the new one alone: the old one's new
					   link-local cannot be used there */
};

/* Why a call was not done (spec/neighborhood 17.2 and 19.4). */
enum peer_error {
	PEER_E_NOT_ACCEPTED = 1,	/* no such recipient: node, identity or identity-arc */
	PEER_E_NOT_WANTED = 2,		/* there is no such arc, and none is wanted */
	PEER_E_UNKNOWN = 3,		/* no such call */
	PEER_E_MALFORMED = 4,
	PEER_E_BUSY = 5,		/* not now: a limit is reached, or something stands in the way */
	PEER_E_TOPOLOGY = 6,		/* the networks are of different topology or range */
	PEER_E_BOOTSTRAP = 7,		/* still entering: ask later */
	PEER_E_VERSION = 8,		/* of the protocol: not ours */
	PEER_E_LAST = PEER_E_VERSION,
};

/* Why a node closes an arc in good order. */
enum peer_close_reason {
	PEER_CLOSE_ORDER = 1,		/* this arc is given up; the node is still there */
	PEER_CLOSE_LEAVING = 2,		/* the interface is given up, or the daemon stops */
};

/* Bits of a heard record. */
enum peer_heard_flag {
	PEER_HEARD_WANT = 1,		/* the sender wants the arc */
	PEER_HEARD_SHARED = 2,		/* it hears another interface with the same link-local */
	PEER_HEARD_REFUSED = 4,		/* with SHARED: and this one it does not take for a neighbour */
	PEER_HEARD_FLAGS = 7,
};

/* The structs: lists first, as each record needs those of its elements. */
#define ELEM(m, type, kind, min, max, doc) struct peer_##m##_list { const type *v; uint16_t n; };
#define REC(m, doc) struct peer_##m {
#define U8(m, f, min, max, doc) uint8_t f;
#define U16(m, f, min, max, doc) uint16_t f;
#define U32(m, f, min, max, doc) uint32_t f;
#define U64(m, f, min, max, doc) uint64_t f;
#define V32(m, f, min, max, doc) uint32_t f;
#define V64(m, f, min, max, doc) uint64_t f;
#define IP4(m, f, min, max, doc) uint32_t f;
#define MAC(m, f, unicast, doc) uint8_t f[6];
#define RECORD(m, f, of, doc) struct peer_##of f;
#define LIST(m, f, of, min, max, doc) struct peer_##of##_list f;
#define REC_END(m) }; struct peer_##m##_list { const struct peer_##m *v; uint16_t n; };
#define MSG(m, number, doc) struct peer_##m {
#define MSG_END(m) };
#define PEER_WANT_RECS
#define PEER_WANT_MSGS
#include "proto/peermsg.tab"
#undef PEER_WANT_RECS
#undef PEER_WANT_MSGS
#undef ELEM
#undef REC
#undef U8
#undef U16
#undef U32
#undef U64
#undef V32
#undef V64
#undef IP4
#undef MAC
#undef RECORD
#undef LIST
#undef REC_END
#undef MSG
#undef MSG_END

#define ELEM(m, type, kind, min, max, doc)
#define REC(m, doc)
#define REC_END(m)
#define U8(m, f, min, max, doc)
#define U16(m, f, min, max, doc)
#define U32(m, f, min, max, doc)
#define U64(m, f, min, max, doc)
#define V32(m, f, min, max, doc)
#define V64(m, f, min, max, doc)
#define IP4(m, f, min, max, doc)
#define MAC(m, f, unicast, doc)
#define RECORD(m, f, of, doc)
#define LIST(m, f, of, min, max, doc)
#define PEER_WANT_MSGS

/* Numbers of the messages: PEER_etp, … */
enum peer_type {
#define MSG(m, number, doc) PEER_##m = number,
#define MSG_END(m)
#include "proto/peermsg.tab"
#undef MSG
};

/* One message, decoded. */
struct peer_msg {
	uint8_t type;		/* enum peer_type */
	union {
#define MSG(m, number, doc) struct peer_##m m;
#include "proto/peermsg.tab"
	};
};
#undef PEER_WANT_MSGS
#undef MSG
#undef MSG_END
#undef ELEM
#undef REC
#undef REC_END
#undef U8
#undef U16
#undef U32
#undef U64
#undef V32
#undef V64
#undef IP4
#undef MAC
#undef RECORD
#undef LIST

/* The tables: messages; parts of them, the frame among these; elements of lists of numbers. */
extern const struct msg_desc peer_msgs[];
extern const size_t peer_n_msgs;
extern const struct msg_desc peer_frame_desc, peer_addr_desc, peer_hop_desc, peer_fp_desc,
    peer_path_desc, peer_mark_desc, peer_inside_desc, peer_heard_desc, peer_match_desc;
extern const struct msg_desc peer_gexp_desc, peer_pos_desc, peer_eldership_desc, peer_arc_desc,
    peer_count_desc, peer_nodeid_desc;

/* All parts, in the order of the table: elements and records, the frame among these. */
extern const struct msg_desc *const peer_parts[];
extern const size_t peer_n_parts;

/* Name of a message, "?" for an unknown number; static. */
const char *peer_msg_name(uint8_t type);

/* The type of the message that answers calls of TYPE; 0 when TYPE is no call. */
uint8_t peer_answer_type(uint8_t type);

/* Name of an error ("bootstrap") and its sentence; static, never NULL. */
const char *peer_error_name(uint8_t error);
const char *peer_error_text(uint8_t error);

/* Bytes of M's body on the wire; bytes of a frame, which always has the same. */
size_t peer_msg_size(const struct peer_msg *m);
size_t peer_frame_size(void);

/* Appends the body of M, whose values are valid; W tells if it did not fit. */
void peer_msg_write(const struct peer_msg *m, struct wr *w);

/*
 * Reads the body of a message of TYPE, which must end with R.  Lists are decoded into A, for
 * which PEER_EXPANSION times the body's bytes suffice; M is valid as long as A's memory.
 * False when it is malformed (unknown type, truncated, bytes left over, a value outside the
 * table's bounds): ERR tells what.
 */
bool peer_msg_read(uint8_t type, struct rd *r, struct msg_arena *a, struct peer_msg *m,
    struct msg_error *err);

/* As msg_print(). */
int peer_msg_print(const struct peer_msg *m, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
