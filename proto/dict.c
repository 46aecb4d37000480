/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A tool of the build: prints what the message tables say.
 *
 *	dict priv	libFuzzer dictionary of the messages of ntkd and ntkd-priv
 *	dict ctl	libFuzzer dictionary of the verbs of the control socket
 *	dict peer	libFuzzer dictionary of the messages between nodes
 *	dict -m		the messages of ntkd and ntkd-priv as tables in Markdown
 */

#include <stdio.h>
#include <string.h>

#include "proto/ctlmsg.h"
#include "proto/peermsg.h"
#include "proto/privmsg.h"

enum { RECORD_MAX = 512 };

/* --- dictionaries ------------------------------------------------------- */

static void
print_entry(const char *name, const char *what, const uint8_t *data, size_t len)
{
	printf("%s_%s=\"", name, what);
	for (size_t i = 0; i < len; i++)
		printf("\\x%02x", data[i]);
	printf("\"\n");
}

/* Puts the smallest or the greatest allowed value into an integer field; others stay zero. */
static void
put_bound(const struct msg_field *f, uint8_t *msg, bool greatest)
{
	uint64_t v = greatest ? f->max : f->min;
	uint8_t v8 = (uint8_t)v;
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	switch (f->kind) {
	case MSG_U8:
		memcpy(msg + f->offset, &v8, sizeof(v8));
		break;
	case MSG_U64:
	case MSG_V64:
		memcpy(msg + f->offset, &v, sizeof(v));
		break;
	case MSG_U16:
		memcpy(msg + f->offset, &v16, sizeof(v16));
		break;
	case MSG_U32:
	case MSG_S32:
	case MSG_IP4:
	case MSG_HANDLE:
	case MSG_V32:
	case MSG_N32:
		memcpy(msg + f->offset, &v32, sizeof(v32));
		break;
	case MSG_MAC:
		msg[f->offset + 5] = 1;
		break;
	case MSG_STR:
	case MSG_REC:
	case MSG_LIST:
		break;
	}
}

/* One whole record with every field at one of its bounds; TYPE, unless 0, goes before it. */
static void
print_record(const struct msg_desc *d, uint8_t type, bool greatest)
{
	uint8_t msg[RECORD_MAX] = { 0 }, wire[RECORD_MAX];
	struct wr w;

	if (d->size > sizeof(msg))
		return;
	for (size_t i = 0; i < d->n_fields; i++)
		put_bound(&d->fields[i], msg, greatest);
	wr_init(&w, wire, sizeof(wire));
	if (type != 0)
		wr_u8(&w, type);
	msg_encode(d, msg, &w);
	if (wr_ok(&w))
		print_entry(d->name, greatest ? "max" : "min", wire, w.len);
}

/* The head of each type of message. */
static void
print_frames(void)
{
	static const struct {
		const char *name;
		uint8_t type;
	} types[] = {
		{ "hello", PRIV_HELLO }, { "apply", PRIV_APPLY }, { "welcome", PRIV_WELCOME },
		{ "done", PRIV_DONE }, { "refused", PRIV_REFUSED },
		{ "check", PRIV_CHECK }, { "checked", PRIV_CHECKED },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct priv_frame f = {
			.magic = PRIV_MAGIC, .version = PRIV_VERSION, .type = types[i].type,
			.count = types[i].type != PRIV_HELLO && types[i].type != PRIV_REFUSED,
		};
		uint8_t wire[RECORD_MAX];
		struct wr w;

		wr_init(&w, wire, sizeof(wire));
		msg_encode(&priv_frame_desc, &f, &w);
		print_entry("frame", types[i].name, wire, w.len);
	}
}

static const struct msg_desc *const records[] = {
	&priv_frame_desc, &priv_welcome_desc, &priv_interface_desc, &priv_result_desc,
	&priv_refusal_desc, &priv_check_desc, &priv_checked_desc, &priv_difference_desc,
};

static void
print_priv(void)
{
	print_frames();
	for (size_t i = 1; i < sizeof(records) / sizeof(records[0]); i++) {
		print_record(records[i], 0, false);
		print_record(records[i], 0, true);
	}
	for (size_t i = 0; i < priv_n_ops; i++) {
		print_record(&priv_ops[i], priv_ops[i].type, false);
		print_record(&priv_ops[i], priv_ops[i].type, true);
	}
}

/* Messages between nodes: their frames, and bodies whose lists are empty. */
static void
print_peer(void)
{
	for (size_t i = 0; i < peer_n_msgs; i++) {
		struct peer_frame f = { .magic = PEER_MAGIC, .version = PEER_VERSION,
			.type = peer_msgs[i].type, .kind = PEER_NOTICE };
		uint8_t wire[RECORD_MAX];
		struct wr w;

		wr_init(&w, wire, sizeof(wire));
		msg_encode(&peer_frame_desc, &f, &w);
		print_entry("frame", peer_msgs[i].name, wire, w.len);
		print_record(&peer_msgs[i], 0, false);
		print_record(&peer_msgs[i], 0, true);
	}
	print_record(&peer_heard_desc, 0, true);
	print_record(&peer_hop_desc, 0, true);
	print_record(&peer_path_desc, 0, false);
	print_record(&peer_path_desc, 0, true);
	print_record(&peer_fp_desc, 0, true);
	print_record(&peer_match_desc, 0, true);
}

/* Words as they stand in JSON, their quotes escaped for the dictionary. */
static void
print_ctl(void)
{
	printf("\"\\\"verb\\\":\"\n\"\\\"args\\\":\"\n");
	for (size_t i = 0; i < CTL_N_VERBS; i++) {
		printf("\"\\\"%s\\\"\"\n", ctl_verbs[i].name);
		for (const struct ctl_arg *a = ctl_verbs[i].args; a->key != NULL; a++)
			printf("\"\\\"%s\\\":\"\n", a->key);
	}
}

/* --- tables ------------------------------------------------------------- */

static const char *
kind_name(enum msg_kind kind)
{
	static const char *const names[] = {
		[MSG_U8] = "u8", [MSG_U16] = "u16", [MSG_U32] = "u32", [MSG_S32] = "s32",
		[MSG_IP4] = "IPv4 address", [MSG_HANDLE] = "handle", [MSG_MAC] = "hardware address",
		[MSG_STR] = "string", [MSG_U64] = "u64", [MSG_V32] = "v32", [MSG_V64] = "v64",
		[MSG_N32] = "n32", [MSG_REC] = "record", [MSG_LIST] = "list",
	};

	return names[kind];
}

static void
print_range(const struct msg_field *f)
{
	switch (f->kind) {
	case MSG_U8:
	case MSG_U16:
	case MSG_U32:
	case MSG_U64:
	case MSG_V32:
	case MSG_V64:
		if (f->min == f->max)
			printf("%llu", (unsigned long long)f->min);
		else
			printf("%llu to %llu", (unsigned long long)f->min,
			    (unsigned long long)f->max);
		break;
	case MSG_MAC:
		printf("%s", f->min != 0 ? "one station, not zeroes" : "any");
		break;
	case MSG_STR:
		printf("at most %zu printable characters", f->size - 1);
		break;
	case MSG_S32:
	case MSG_IP4:
	case MSG_HANDLE:
		printf("any");
		break;
	case MSG_N32:
		printf("-1 to %d", INT32_MAX);
		break;
	case MSG_REC:
		printf("%s", f->of->name);
		break;
	case MSG_LIST:
		printf("%llu to %llu of %s", (unsigned long long)f->min,
		    (unsigned long long)f->max, f->of->name);
		break;
	}
}

static void
print_table(const struct msg_desc *d)
{
	printf("### %s", d->name);
	if (d->type != 0)
		printf(" (%u)", d->type);
	printf("\n\n%s. ", d->doc);
	if (msg_wire_min(d) == msg_wire_max(d))
		printf("%zu bytes.\n\n", msg_wire_min(d));
	else
		printf("%zu to %zu bytes.\n\n", msg_wire_min(d), msg_wire_max(d));
	printf("| field | kind | range | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < d->n_fields; i++) {
		printf("| %s | %s | ", d->fields[i].name, kind_name(d->fields[i].kind));
		print_range(&d->fields[i]);
		printf(" | %s |\n", d->fields[i].doc);
	}
	printf("\n");
}

static void
print_tables(void)
{
	printf("## Records\n\n");
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		print_table(records[i]);
	printf("## Operations\n\n");
	for (size_t i = 0; i < priv_n_ops; i++)
		print_table(&priv_ops[i]);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "priv") == 0)
		print_priv();
	else if (argc == 2 && strcmp(argv[1], "ctl") == 0)
		print_ctl();
	else if (argc == 2 && strcmp(argv[1], "peer") == 0)
		print_peer();
	else if (argc == 2 && strcmp(argv[1], "-m") == 0)
		print_tables();
	else {
		fprintf(stderr, "usage: dict priv | ctl | peer | -m\n");
		return 2;
	}
	return fflush(stdout) != 0 || ferror(stdout) != 0;
}
