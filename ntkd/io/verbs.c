/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/verbs.h"

#include <stdio.h>

#include "common/log.h"
#include "ntkd/io/daemon.h"
#include "ntkd/io/events.h"
#include "ntkd/io/state.h"

verb_function *const verbs[CTL_N_VERBS] = {
#define VERB(verb, access, mode, shape, doc) verb_##verb,
#include "proto/ctlmsg.tab"
};

/* Tells the identities there are (spec/manual-mode 3: the message lists them). */
static void
refuse_identity(const struct node *n, unsigned index, struct answer *a)
{
	char list[200] = "";
	size_t at = 0;

	for (size_t i = 0; i < node_identities(n); i++) {
		int len = snprintf(list + at, sizeof(list) - at, " %u", node_identity(n, i).index);

		if (len < 0 || (size_t)len >= sizeof(list) - at)
			break;
		at += (size_t)len;
	}
	answer_refuse(a, "unknown_identity", "identity", "no identity %u; there are:%s",
	    index, list);
}

bool
verb_identity(const struct call *c, struct answer *a, struct node_identity *id)
{
	unsigned index = (unsigned)c->args[0].number;

	if (node_find(c->d->node, index, id))
		return true;
	refuse_identity(c->d->node, index, a);
	return false;
}

void
verb_dump_state(const struct call *c, struct answer *a)
{
	struct node_identity id;

	if (verb_identity(c, a, &id))
		a->result = state_write(&c->d->conf, id.facts, id.file_ns);
}

/* The answer stands; it holds once the kernel has followed. */
static void
answer_later(struct answer *a, unsigned ns)
{
	a->waits = true;
	a->ns = ns;
}

void
verb_load_state(const struct call *c, struct answer *a)
{
	struct node_identity id;
	struct facts_error wrong;
	struct node_error err;
	const char *code;
	struct facts f;
	uint32_t file_ns;
	unsigned index;

	facts_init(&f);
	if (!state_read(c->object, &c->d->conf, &f, &file_ns, &code, &wrong))
		answer_refuse(a, code, wrong.field, "%s", wrong.text);
	else if (!node_load(c->d->node, &f, file_ns, &index, &err))
		answer_refuse(a, err.code, err.field, "%s", err.message);
	else {
		a->result = json_pack("{s:I}", "index", (json_int_t)index);
		if (node_find(c->d->node, index, &id))
			answer_later(a, id.ns);
	}
	facts_free(&f);
}

void
verb_remove_identity(const struct call *c, struct answer *a)
{
	struct node_identity id;
	struct node_error err;

	if (!verb_identity(c, a, &id))
		return;
	if (!node_remove(c->d->node, daemon_now(), id.index, &err))
		answer_refuse(a, err.code, err.field, "%s", err.message);
	else
		answer_later(a, id.ns);
}

/* The table's choices are log's words. */
void
verb_log(const struct call *c, struct answer *a)
{
	enum log_level level = (enum log_level)c->args[0].number;

	log_set_level(level);
	log_info("control", "log level is %s", log_level_name(level));
	events_daemon(c->d, CTL_EVENT_log_changed, log_level_name(level));
	(void)a;
}

void
verb_events(const struct call *c, struct answer *a)
{
	a->stream = true;
	(void)c;
}

/* What is found comes into the result while the client waits. */
void
verb_check(const struct call *c, struct answer *a)
{
	a->result = json_pack("{s:[], s:[]}", "namespaces", "differences");
	a->checks = true;
	(void)c;
}

void
verb_quit(const struct call *c, struct answer *a)
{
	log_info("control", "asked to stop");
	a->stop = true;
	(void)c;
}
