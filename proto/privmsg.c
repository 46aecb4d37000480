/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/privmsg.h"

#include <string.h>

/* Field tables: one array for each record of privmsg.tab. */
#define FIELD(m, f, kind, min, max, doc) \
	{ #f, doc, kind, offsetof(struct priv_##m, f), sizeof(((struct priv_##m *)0)->f), min, max, NULL },
#define MSG(m, number, doc) static const struct msg_field m##_fields[] = {
#define U8(m, f, min, max, doc) FIELD(m, f, MSG_U8, min, max, doc)
#define U16(m, f, min, max, doc) FIELD(m, f, MSG_U16, min, max, doc)
#define U32(m, f, min, max, doc) FIELD(m, f, MSG_U32, min, max, doc)
#define S32(m, f, doc) FIELD(m, f, MSG_S32, 0, UINT32_MAX, doc)
#define IP4(m, f, doc) FIELD(m, f, MSG_IP4, 0, UINT32_MAX, doc)
#define HANDLE(m, f, doc) FIELD(m, f, MSG_HANDLE, 0, UINT32_MAX, doc)
#define MAC(m, f, min, doc) FIELD(m, f, MSG_MAC, min, UINT64_MAX, doc)
#define STR(m, f, size, doc) FIELD(m, f, MSG_STR, 0, 0, doc)
#define MSG_END(m) };
#define PRIV_WANT_MSGS
#define PRIV_WANT_OPS
#include "proto/privmsg.tab"
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

#define U8(m, f, min, max, doc)
#define U16(m, f, min, max, doc)
#define U32(m, f, min, max, doc)
#define S32(m, f, doc)
#define IP4(m, f, doc)
#define HANDLE(m, f, doc)
#define MAC(m, f, min, doc)
#define STR(m, f, size, doc)
#define DESC(m, number, doc) \
	{ #m, doc, number, sizeof(struct priv_##m), sizeof(m##_fields) / sizeof(m##_fields[0]), m##_fields }

#define MSG(m, number, doc) const struct msg_desc priv_##m##_desc = DESC(m, number, doc);
#define MSG_END(m)
#undef PRIV_WANT_OPS
#include "proto/privmsg.tab"
#undef PRIV_WANT_MSGS
#define PRIV_WANT_OPS

const struct msg_desc priv_ops[] = {
#define OP(m, number, doc) DESC(m, number, doc),
#define OP_END(m)
#include "proto/privmsg.tab"
};
const size_t priv_n_ops = sizeof(priv_ops) / sizeof(priv_ops[0]);

const char *
priv_op_name(uint8_t type)
{
	const struct msg_desc *d = msg_find(priv_ops, priv_n_ops, type);

	return d != NULL ? d->name : "?";
}

/* Every record begins at the same place: that of the union. */
static void *
op_body(struct priv_op *op)
{
	return &op->ns_prepare;
}

static const void *
op_body_const(const struct priv_op *op)
{
	return &op->ns_prepare;
}

bool
priv_op_read(struct rd *r, struct priv_op *op, struct msg_error *err)
{
	const struct msg_desc *d;

	memset(op, 0, sizeof(*op));
	op->type = rd_u8(r);
	d = msg_find(priv_ops, priv_n_ops, op->type);
	if (d == NULL) {
		*err = (struct msg_error){ "operation", "type",
			r->failed ? "truncated" : "unknown", op->type };
		return false;
	}
	return msg_decode(d, r, op_body(op), err);
}

void
priv_op_write(const struct priv_op *op, struct wr *w)
{
	const struct msg_desc *d = msg_find(priv_ops, priv_n_ops, op->type);

	if (d == NULL) {
		w->failed = true;
		return;
	}
	wr_u8(w, op->type);
	msg_encode(d, op_body_const(op), w);
}

int
priv_op_print(const struct priv_op *op, char *buf, size_t size)
{
	const struct msg_desc *d = msg_find(priv_ops, priv_n_ops, op->type);

	if (d == NULL) {
		if (size != 0)
			buf[0] = '\0';
		return 0;
	}
	return msg_print(d, op_body_const(op), buf, size);
}

bool
priv_op_makes(uint8_t type)
{
	return type == PRIV_OP_ns_create || type == PRIV_OP_dev_create ||
	    type == PRIV_OP_peer_take;
}

bool
priv_op_is_last(uint8_t type)
{
	return type == PRIV_OP_ns_drop || type == PRIV_OP_dev_drop;
}

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
	[PRIV_R_OK] = { "ok", "allowed" },
	[PRIV_R_HANDLE] = { "handle", "names no object that exists" },
	[PRIV_R_KIND] = { "kind", "names an object of another kind" },
	[PRIV_R_PLACE] = { "place", "is in another namespace" },
	[PRIV_R_RANGE] = { "range", "is outside what the configuration allows" },
	[PRIV_R_ALIGN] = { "align", "has bits set below its prefix length" },
	[PRIV_R_LINKLOCAL] = { "linklocal", "is not a usable link-local address" },
	[PRIV_R_HOST] = { "host", "is routed by the host itself" },
	[PRIV_R_EXISTS] = { "exists", "is there already" },
	[PRIV_R_ABSENT] = { "absent", "is not there" },
	[PRIV_R_IN_USE] = { "in_use", "is still used by other objects" },
	[PRIV_R_NEIGHBOUR] = { "neighbour", "has no neighbour route on that interface" },
	[PRIV_R_SOURCE] = { "source", "is no own address there" },
	[PRIV_R_SHAPE] = { "shape", "does not fit the type of the object" },
	[PRIV_R_CONFIG] = { "config", "is not allowed by the configuration" },
	[PRIV_R_ORDER] = { "order", "follows an operation that must be the last" },
	[PRIV_R_LIMIT] = { "limit", "would exceed a limit" },
	[PRIV_R_EXHAUSTED] = { "exhausted", "found no free table number: give up other "
	    "neighbours, or widen more-tables in ntkd.conf and start again" },
	[PRIV_R_KERNEL] = { "kernel", "was refused by the kernel" },
	[PRIV_R_RATE] = { "rate", "comes too often; again a little later it is taken" },
};

_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == PRIV_R_LAST + 1, "a sentence for every reason");

const char *
priv_reason_name(enum priv_reason reason)
{
	return (unsigned)reason <= PRIV_R_LAST ? reasons[reason].name : "?";
}

const char *
priv_reason_text(enum priv_reason reason)
{
	return (unsigned)reason <= PRIV_R_LAST ? reasons[reason].text : "?";
}
