/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of the control socket on a whole daemon but for its sockets.  The first byte says who
 * asks and how the helper behaves; the rest are lines.  Somebody listens to events meanwhile.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ntkd/io/events.h"
#include "tests/unit/ctlworld.h"

enum choice {
	AUTO = 1,		/* not in manual mode */
	READER = 2,		/* who may only read */
	REFUSE = 4,		/* the helper refuses what the second line on ask */
	SLOW = 8,		/* the helper answers at the end only */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
be_quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static void
require(bool what)
{
	if (!what)
		abort();
}

/* Every answer is one line of JSON, which says either what or why not. */
static void
check_answer(const struct answer *a)
{
	size_t len;
	char *line = answer_print(a, &len);
	json_t *json, *error;

	require(line != NULL && len > 0 && memchr(line, '\n', len) == line + len - 1);
	json = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	error = json_object_get(json, "error");
	require(json_is_boolean(json_object_get(json, "ok")));
	require(json_is_true(json_object_get(json, "ok")) == (a->code == NULL));
	if (a->code != NULL) {
		require(a->result == NULL && !a->waits && !a->checks && !a->stop);
		require(json_is_string(json_object_get(error, "message")));
	}
	json_decref(json);
	free(line);
}

/* Every event is one line of JSON that has a name. */
static void
hear(struct events *e, struct events_place *at)
{
	json_t *json;
	size_t len;
	char *line;

	while (events_pending(e, at)) {
		line = events_take(e, at, &len);
		require(line != NULL && len > 0 && memchr(line, '\n', len) == line + len - 1);
		json = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
		require(json_is_string(json_object_get(json_object_get(json, "result"), "event")));
		json_decref(json);
		free(line);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct events_place place;
	const char *at = (const char *)data + 1, *end = (const char *)data + size;
	enum choice choice = size > 0 ? data[0] : 0;
	struct answer a;

	if (size == 0)
		return 0;
	log_set_hook(be_quiet, NULL);
	require(world_begin(&w, (choice & AUTO) == 0));
	w.d.events = events_new();
	require(w.d.events != NULL);
	events_join(w.d.events, &place);
	w.hold = (choice & SLOW) != 0;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		if (stop == NULL)
			stop = end;
		request_run(&w.d, (choice & READER) != 0 ? CTL_READING : CTL_WRITING, at,
		    (size_t)(stop - at), &a);
		check_answer(&a);
		answer_free(&a);
		daemon_pump(&w.d);
		hear(w.d.events, &place);
		w.refuse = (choice & REFUSE) != 0;
		at = stop < end ? stop + 1 : end;
	}
	w.hold = false;
	world_helper(&w);
	hear(w.d.events, &place);
	events_leave(w.d.events);
	events_free(w.d.events);
	w.d.events = NULL;
	world_end(&w);
	return 0;
}
