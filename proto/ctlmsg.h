/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_PROTO_CTLMSG_H
#define NTK_PROTO_CTLMSG_H

/*
 * The verbs of the control socket (ctlmsg.tab), and the check of a request's
 * arguments against them: the same one in ntkctl, before it asks, and in ntkd.
 *
 * Requests travel as JSON; this file knows nothing of that.  Both sides turn
 * arguments into words: texts with or without a key.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CTL_ARGS = 16,		/* most arguments of a verb */
	CTL_REQUEST_MAX = 4194304,	/* bytes of one request: a state file fits */
	CTL_TEXT = 512,		/* room for a usage line, NUL included */
	CTL_DEV_MAX = 15,	/* bytes of the name of an interface */
};

enum ctl_access {
	CTL_NOTHING,		/* no verb asks for this: the rights of strangers */
	CTL_READING,		/* changes nothing */
	CTL_WRITING,
};

enum ctl_mode {
	CTL_ANY_MODE,
	CTL_MANUAL_MODE,	/* mode = "manual" only */
};

/* What the result of a verb is, which tells ntkctl how to print it. */
enum ctl_shape {
	CTL_NO_SHAPE,		/* null: nothing is printed */
	CTL_LIST_SHAPE,		/* a list of objects: a table */
	CTL_OBJECT_SHAPE,	/* an object, maybe with lists of objects in it */
	CTL_VALUE_SHAPE,	/* an object with one member: its bare value */
	CTL_JSON_SHAPE,		/* printed as the JSON it is */
	CTL_RECORDS_SHAPE,	/* a list of objects, too wide for a table: each as its members */
	CTL_MAP_SHAPE,		/* an object with lists of objects, which is drawn */
	CTL_STREAM_SHAPE,	/* null, then an object for each event until the connection ends */
};

enum ctl_kind {
	CTL_NUMBER,		/* decimal, min … max */
	CTL_CHOICE,		/* one of `choices` */
	CTL_MAC,		/* 00:16:3e:5b:78:d5, any case */
	CTL_IP,			/* 10.0.0.40 */
	CTL_IP_OR_MAC,		/* either of the two: `is_mac` tells which */
	CTL_LIST,		/* [0,3]: numbers min … max, no spaces; [] is empty */
	CTL_LEVELS,		/* 2.1.1: numbers min … max, from the highest level down; - is none */
	CTL_NULLABLE,		/* a number min … max, or null */
	CTL_DEV,		/* name of an interface */
	CTL_OBJECT,		/* a JSON object; for people the file that holds it */
};

enum ctl_need {
	CTL_NEEDED,
	CTL_OPTIONAL,		/* only after the needed ones */
	CTL_PHRASE,		/* optional; by position its key may stand before it: "from MAC" */
};

struct ctl_arg {
	const char *key;	/* NULL ends a list */
	const char *doc;
	enum ctl_kind kind;
	enum ctl_need need;
	uint64_t min;
	uint64_t max;
	const char *choices;	/* "error|warning", else NULL */
};

struct ctl_column {
	const char *list;	/* member of the result that is a list, "" for the result itself */
	const char *key;	/* NULL ends a list */
	const char *doc;
};

struct ctl_verb {
	const char *name;
	const char *doc;
	enum ctl_access access;
	enum ctl_mode mode;
	enum ctl_shape shape;
	const struct ctl_arg *args;		/* ended by a NULL key */
	const struct ctl_column *columns;	/* ended by a NULL key */
};

/* What the verb events tells: CTL_EVENT_identity_made, … */
enum ctl_event_id {
#define EVENT(event, doc) CTL_EVENT_##event,
#include "proto/ctlmsg.tab"
	CTL_N_EVENTS,
};

struct ctl_event {
	const char *name;
	const char *doc;
};

extern const struct ctl_event ctl_events[CTL_N_EVENTS];

/* Numbers of the verbs: CTL_VERB_status, … */
enum ctl_verb_id {
#define VERB(verb, access, mode, shape, doc) CTL_VERB_##verb,
#include "proto/ctlmsg.tab"
	CTL_N_VERBS,
};

extern const struct ctl_verb ctl_verbs[CTL_N_VERBS];

/* The verb called NAME, NULL when there is none. */
const struct ctl_verb *ctl_verb_find(const char *name);

/* Number of arguments a verb can have. */
size_t ctl_verb_n_args(const struct ctl_verb *v);

/* "verb IDENTITY [LEVEL]" to BUF, which has SIZE bytes; returns BUF. */
char *ctl_verb_usage(const struct ctl_verb *v, char *buf, size_t size);

/* One argument as it came; borrowed texts, not NUL-terminated. */
struct ctl_word {
	const char *key;	/* NULL: by its position */
	size_t key_len;
	const char *text;
	size_t len;
	bool object;		/* a JSON object; text is then not looked at */
};

/*
 * Makes a word of "key=value" or of a value: what stands before the first '=' is a
 * key when it is made of lower-case letters and '-' only.
 */
void ctl_word_split(const char *text, struct ctl_word *w);

/* The argument of V that word I stands for, NULL when there is none. */
const struct ctl_arg *ctl_word_arg(const struct ctl_verb *v, const struct ctl_word *words,
    size_t i);

/* A checked argument. */
struct ctl_value {
	bool given;
	size_t word;		/* which word it was */
	uint64_t number;	/* CTL_NUMBER; CTL_CHOICE: which, from 0; CTL_IP, CTL_IP_OR_MAC, host order */
	bool null;		/* CTL_NULLABLE: it is */
	bool is_mac;		/* CTL_MAC, CTL_IP_OR_MAC: it is `mac`, not `number` */
	uint8_t mac[6];
	const char *text;	/* the word's, borrowed, not NUL-terminated */
	size_t len;
};

struct ctl_values {
	struct ctl_value v[CTL_ARGS];	/* in the order of the verb's arguments */
};

/*
 * The numbers of V, a checked CTL_LIST or CTL_LEVELS that is given: fills up to SIZE of OUT, returns how many
 * there are.
 */
size_t ctl_numbers(const struct ctl_value *v, uint32_t *out, size_t size);

/* Why a request is refused, always with code "usage". */
struct ctl_error {
	char field[48];		/* the key; "args" when there are too many arguments */
	char message[CTL_TEXT];	/* printable ASCII */
};

/*
 * Checks N words against V.  Either all words have keys or none has.  False with
 * ERR on the first that is wrong: unknown, missing, twice, not of its kind, out of range.
 */
bool ctl_check(const struct ctl_verb *v, const struct ctl_word *words, size_t n,
    struct ctl_values *out, struct ctl_error *err);

#ifdef __cplusplus
}
#endif

#endif
