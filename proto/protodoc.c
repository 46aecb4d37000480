/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A tool of the build: prints what the tables of peermsg.tab say about the messages between
 * nodes.
 *
 *	protodoc TOPIC	a part of ntkd-protocol(7), as its source has it; TOPIC is elements,
 *			records, messages, errors or limits
 *	protodoc json	all of it for programs: tests/make-vectors
 */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/peermsg.h"

static const char *
kind_name(enum msg_kind kind)
{
	static const char *const names[] = {
		[MSG_U8] = "u8", [MSG_U16] = "u16", [MSG_U32] = "u32", [MSG_S32] = "s32",
		[MSG_IP4] = "ip4", [MSG_HANDLE] = "u32", [MSG_MAC] = "mac", [MSG_STR] = "string",
		[MSG_U64] = "u64", [MSG_V32] = "v32", [MSG_V64] = "v64", [MSG_N32] = "n32",
		[MSG_REC] = "record", [MSG_LIST] = "list",
	};

	return names[kind];
}

/* --- the manual --------------------------------------------------------------------- */

/* One sentence of a phrase, on a line of its own that no formatter takes for a request. */
static void
print_phrase(const char *phrase)
{
	if (*phrase == '.' || *phrase == '\'')
		printf("\\&");
	for (const char *p = phrase; *p != '\0'; p++)
		if (*p == '\\')
			printf("\\e");
		else if (*p == '-' && p[1] >= '0' && p[1] <= '9')
			printf("\\-");
		else
			putchar(p == phrase ? toupper((unsigned char)*p) : *p);
	printf(".\n");
}

static void
print_range(uint64_t min, uint64_t max)
{
	if (min == max)
		printf("%" PRIu64, min);
	else
		printf("%" PRIu64 " to %" PRIu64, min, max);
}

/* What a field is and may be, on the line of its name. */
static void
print_kind(const struct msg_field *f)
{
	switch (f->kind) {
	case MSG_LIST:
		printf("list of ");
		print_range(f->min, f->max);
		printf(" %s", f->of->name);
		break;
	case MSG_REC:
		printf("record %s", f->of->name);
		break;
	case MSG_STR:
		printf("string of up to %zu bytes", f->size - 1);
		break;
	case MSG_MAC:
		printf("mac%s", f->min != 0 ? ", of one station, not zeroes" : "");
		break;
	case MSG_N32:
		printf("n32, \\-1 to %d", INT32_MAX);
		break;
	case MSG_S32:
	case MSG_IP4:
	case MSG_HANDLE:
		printf("%s", kind_name(f->kind));
		break;
	case MSG_U8:
	case MSG_U16:
	case MSG_U32:
	case MSG_U64:
	case MSG_V32:
	case MSG_V64:
		printf("%s, ", kind_name(f->kind));
		print_range(f->min, f->max);
		break;
	}
}

static void
print_field(const struct msg_field *f)
{
	printf(".It Va %s No ( ", f->name);
	print_kind(f);
	printf(" )\n");
	print_phrase(f->doc);
}

static void
print_size(const struct msg_desc *d)
{
	size_t min = msg_wire_min(d);

	printf("%s%zu byte%s.\n", msg_wire_max(d) == min ? "" : "At least ", min, min == 1 ? "" : "s");
}

static void
print_fields(const struct msg_desc *d)
{
	printf(".Bl -tag -width Ds -compact\n");
	for (size_t i = 0; i < d->n_fields; i++)
		print_field(&d->fields[i]);
	printf(".El\n");
}

static bool
is_element(const struct msg_desc *d)
{
	return d->n_fields == 1 && strcmp(d->name, d->fields[0].name) == 0;
}

static void
print_elements(void)
{
	printf(".Bl -tag -width Ds -compact\n");
	for (size_t i = 0; i < peer_n_parts; i++)
		if (is_element(peer_parts[i]))
			print_field(&peer_parts[i]->fields[0]);
	printf(".El\n");
}

static void
print_records(void)
{
	for (size_t i = 0; i < peer_n_parts; i++) {
		if (is_element(peer_parts[i]))
			continue;
		printf(".Ss The record %s\n", peer_parts[i]->name);
		print_phrase(peer_parts[i]->doc);
		print_size(peer_parts[i]);
		print_fields(peer_parts[i]);
	}
}

static void
print_answers(uint8_t type)
{
	uint8_t answer = peer_answer_type(type);

	if (answer != 0)
		printf("The body of its result is that of %s.\n", peer_msg_name(answer));
}

static void
print_messages(void)
{
	for (size_t i = 0; i < peer_n_msgs; i++) {
		printf(".Ss Message %u: %s\n", peer_msgs[i].type, peer_msgs[i].name);
		print_phrase(peer_msgs[i].doc);
		print_answers(peer_msgs[i].type);
		print_size(&peer_msgs[i]);
		print_fields(&peer_msgs[i]);
	}
}

static void
print_errors(void)
{
	printf(".Bl -tag -width Ds -compact\n");
	for (unsigned e = 1; e <= PEER_E_LAST; e++) {
		printf(".It %u Pq Li %s\n", e, peer_error_name((uint8_t)e));
		print_phrase(peer_error_text((uint8_t)e));
	}
	printf(".El\n");
}

static void
print_limits(void)
{
	static const struct {
		const char *what;
		unsigned value;
	} limits[] = {
		{ "Bytes of a body", PEER_BODY_MAX },
		{ "Levels", PEER_LEVELS },
		{ "Hops of a path", PEER_HOPS },
		{ "Paths in one message", PEER_PATHS },
	};

	printf(".Bl -column \"Paths in one message\" \"1048576\" -compact\n");
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		printf(".It %s Ta %u\n", limits[i].what, limits[i].value);
	printf(".El\n");
}

/* --- for programs ---------------------------------------------------------------------- */

/* Text of the tables is plain ASCII; what JSON wants escaped is. */
static void
print_string(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('"');
}

/* 64 bits do not fit into the numbers of many readers of JSON: bounds are strings. */
static void
print_json_field(const struct msg_field *f)
{
	printf("      { \"name\": ");
	print_string(f->name);
	printf(", \"kind\": \"%s\", \"size\": %zu, \"min\": \"%" PRIu64 "\", \"max\": \"%" PRIu64 "\"",
	    kind_name(f->kind), f->size, f->min, f->max);
	if (f->of != NULL)
		printf(", \"of\": \"%s\"", f->of->name);
	printf(" }");
}

static void
print_json_desc(const struct msg_desc *d, bool last)
{
	printf("    { \"name\": \"%s\", \"number\": %u, \"answer\": \"%s\", \"fields\": [\n", d->name,
	    d->type, d->type != 0 ? peer_msg_name(peer_answer_type(d->type)) : "?");
	for (size_t i = 0; i < d->n_fields; i++) {
		print_json_field(&d->fields[i]);
		printf(i + 1 < d->n_fields ? ",\n" : "\n");
	}
	printf("    ] }%s\n", last ? "" : ",");
}

static void
print_json(void)
{
	printf("{\n  \"parts\": [\n");
	for (size_t i = 0; i < peer_n_parts; i++)
		print_json_desc(peer_parts[i], i + 1 == peer_n_parts);
	printf("  ],\n  \"messages\": [\n");
	for (size_t i = 0; i < peer_n_msgs; i++)
		print_json_desc(&peer_msgs[i], i + 1 == peer_n_msgs);
	printf("  ],\n  \"errors\": [");
	for (unsigned e = 1; e <= PEER_E_LAST; e++)
		printf("%s \"%s\"", e > 1 ? "," : "", peer_error_name((uint8_t)e));
	printf(" ]\n}\n");
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} topics[] = {
		{ "elements", print_elements }, { "records", print_records },
		{ "messages", print_messages }, { "errors", print_errors },
		{ "limits", print_limits }, { "json", print_json },
	};

	for (size_t i = 0; argc == 2 && i < sizeof(topics) / sizeof(topics[0]); i++)
		if (strcmp(argv[1], topics[i].name) == 0) {
			topics[i].print();
			return fflush(stdout) != 0 || ferror(stdout) != 0;
		}
	fprintf(stderr, "usage: protodoc elements | records | messages | errors | limits | json\n");
	return 2;
}
