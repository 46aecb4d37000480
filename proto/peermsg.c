/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/peermsg.h"

#include <string.h>

/* Field tables: one array for each record and message of peermsg.tab. */
#define FIELD(m, f, kind, min, max, of, doc) \
	{ #f, doc, kind, offsetof(struct peer_##m, f), sizeof(((struct peer_##m *)0)->f), min, max, of },
#define ELEM(m, type, kind, min, max, doc) \
	static const struct msg_field m##_fields[] = { { #m, doc, kind, 0, sizeof(type), min, max, NULL } };
#define REC(m, doc) static const struct msg_field m##_fields[] = {
#define REC_END(m) };
#define MSG(m, number, doc) static const struct msg_field m##_fields[] = {
#define MSG_END(m) };
#define U8(m, f, min, max, doc) FIELD(m, f, MSG_U8, min, max, NULL, doc)
#define U16(m, f, min, max, doc) FIELD(m, f, MSG_U16, min, max, NULL, doc)
#define U32(m, f, min, max, doc) FIELD(m, f, MSG_U32, min, max, NULL, doc)
#define U64(m, f, min, max, doc) FIELD(m, f, MSG_U64, min, max, NULL, doc)
#define V32(m, f, min, max, doc) FIELD(m, f, MSG_V32, min, max, NULL, doc)
#define V64(m, f, min, max, doc) FIELD(m, f, MSG_V64, min, max, NULL, doc)
#define IP4(m, f, min, max, doc) FIELD(m, f, MSG_IP4, min, max, NULL, doc)
#define MAC(m, f, unicast, doc) FIELD(m, f, MSG_MAC, unicast, 0, NULL, doc)
#define RECORD(m, f, of, doc) FIELD(m, f, MSG_REC, 0, 0, &peer_##of##_desc, doc)
#define LIST(m, f, of, min, max, doc) FIELD(m, f, MSG_LIST, min, max, &peer_##of##_desc, doc)
#define PEER_WANT_RECS
#define PEER_WANT_MSGS
#include "proto/peermsg.tab"
#undef ELEM
#undef REC
#undef REC_END
#undef MSG
#undef MSG_END
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
#define REC_END(m)
#define MSG_END(m)
#define DESC(m, number, doc) \
	{ #m, doc, number, sizeof(struct peer_##m), sizeof(m##_fields) / sizeof(m##_fields[0]), m##_fields }

#define ELEM(m, type, kind, min, max, doc) \
	const struct msg_desc peer_##m##_desc = { #m, doc, 0, sizeof(type), 1, m##_fields };
#define REC(m, doc) const struct msg_desc peer_##m##_desc = DESC(m, 0, doc);
#undef PEER_WANT_MSGS
#include "proto/peermsg.tab"
#undef ELEM
#undef REC

const struct msg_desc *const peer_parts[] = {
#define ELEM(m, type, kind, min, max, doc) &peer_##m##_desc,
#define REC(m, doc) &peer_##m##_desc,
#include "proto/peermsg.tab"
};
const size_t peer_n_parts = sizeof(peer_parts) / sizeof(peer_parts[0]);
#undef PEER_WANT_RECS
#define PEER_WANT_MSGS

const struct msg_desc peer_msgs[] = {
#define MSG(m, number, doc) DESC(m, number, doc),
#include "proto/peermsg.tab"
};
const size_t peer_n_msgs = sizeof(peer_msgs) / sizeof(peer_msgs[0]);

const char *
peer_msg_name(uint8_t type)
{
	const struct msg_desc *d = msg_find(peer_msgs, peer_n_msgs, type);

	return d != NULL ? d->name : "?";
}

uint8_t
peer_answer_type(uint8_t type)
{
	switch (type) {
	case PEER_open:
		return PEER_opened;
	case PEER_get_main_id:
		return PEER_main_id;
	case PEER_match_duplication:
		return PEER_matched;
	case PEER_iarc_removed:
		return PEER_iarc_gone;
	case PEER_full_request:
		return PEER_etp;
	default:
		return 0;
	}
}

static const struct {
	const char *name;
	const char *text;
} errors[] = {
	[0] = { "?", "unknown error" },
	[PEER_E_NOT_ACCEPTED] = { "not_accepted", "there is no such node, identity or identity-arc" },
	[PEER_E_NOT_WANTED] = { "not_wanted", "there is no such arc, and none is wanted" },
	[PEER_E_UNKNOWN] = { "unknown", "there is no such call" },
	[PEER_E_MALFORMED] = { "malformed", "the call cannot be read" },
	[PEER_E_BUSY] = { "busy", "not possible now; ask later" },
	[PEER_E_TOPOLOGY] = { "topology", "the networks have different topologies or ranges" },
	[PEER_E_BOOTSTRAP] = { "bootstrap", "still entering the network; ask later" },
	[PEER_E_VERSION] = { "version", "the versions of the protocol do not fit" },
};

_Static_assert(sizeof(errors) / sizeof(errors[0]) == PEER_E_LAST + 1, "a sentence for every error");

const char *
peer_error_name(uint8_t error)
{
	return errors[error <= PEER_E_LAST ? error : 0].name;
}

const char *
peer_error_text(uint8_t error)
{
	return errors[error <= PEER_E_LAST ? error : 0].text;
}

/* Every message begins at the same place: that of the union. */
static const void *
body_const(const struct peer_msg *m)
{
	return &m->etp;
}

size_t
peer_msg_size(const struct peer_msg *m)
{
	struct wr w;

	wr_count(&w);
	peer_msg_write(m, &w);
	return w.len;
}

size_t
peer_frame_size(void)
{
	return msg_wire_min(&peer_frame_desc);
}

void
peer_msg_write(const struct peer_msg *m, struct wr *w)
{
	const struct msg_desc *d = msg_find(peer_msgs, peer_n_msgs, m->type);

	if (d == NULL)
		w->failed = true;
	else
		msg_encode(d, body_const(m), w);
}

bool
peer_msg_read(uint8_t type, struct rd *r, struct msg_arena *a, struct peer_msg *m,
    struct msg_error *err)
{
	const struct msg_desc *d = msg_find(peer_msgs, peer_n_msgs, type);

	memset(m, 0, sizeof(*m));
	m->type = type;
	if (d == NULL) {
		*err = (struct msg_error){ "message", "type", "unknown", type };
		return false;
	}
	if (!msg_decode_in(d, r, &m->etp, a, err))
		return false;
	if (rd_done(r))
		return true;
	*err = (struct msg_error){ d->name, "", "bytes are left over", r->left };
	return false;
}

int
peer_msg_print(const struct peer_msg *m, char *buf, size_t size)
{
	const struct msg_desc *d = msg_find(peer_msgs, peer_n_msgs, m->type);

	if (d != NULL)
		return msg_print(d, body_const(m), buf, size);
	if (size != 0)
		buf[0] = '\0';
	return 0;
}
