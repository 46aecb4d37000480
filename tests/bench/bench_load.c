/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_load SOCKET STATE-FILE NTKCTL daemon|ntkctl TURNS
 *
 * Time from "load_state" to the complete namespace of that identity (ntkd answers when the
 * kernel has it all): asked over an open connection (daemon), which is what the daemon itself
 * takes, or by a new ntkctl process each, which is what somebody at a terminal waits for.
 * After the first turn the identity of the turn before is removed first, in the same way.  One
 * line a turn, in milliseconds: the loading; the removal and the loading, in the first turn "-".
 * The last identity is removed at the end.
 */
#include <jansson.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static FILE *
connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(to.sun_path))
		die("the path of the socket is too long");
	memcpy(to.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("no daemon");
	return fdopen(fd, "r+");
}

/* One line each way; the result of a good answer, a new reference. */
static json_t *
ask(FILE *daemon, const char *line)
{
	static char answer[65536];
	json_t *json, *result;

	if (fprintf(daemon, "%s\n", line) < 0 || fflush(daemon) != 0 ||
	    fgets(answer, sizeof(answer), daemon) == NULL)
		die("the daemon went away");
	json = json_loads(answer, 0, NULL);
	if (!json_is_true(json_object_get(json, "ok")))
		die(answer);
	result = json_incref(json_object_get(json, "result"));
	json_decref(json);
	return result;
}

static char *
request(const char *verb, json_t *arg)
{
	json_t *json = json_pack("{s:s, s:[o]}", "verb", verb, "args", arg);
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	if (text == NULL)
		die("memory");
	json_decref(json);
	return text;
}

/* The identity that was loaded last, as a word. */
static const char *
last_index(FILE *daemon)
{
	static char word[24];
	json_t *list = ask(daemon, "{\"verb\": \"show_local_identities\", \"args\": []}");
	json_int_t index = -1;
	json_t *id;
	size_t i;

	json_array_foreach(list, i, id)
		index = json_integer_value(json_object_get(id, "index"));
	json_decref(list);
	snprintf(word, sizeof(word), "%" JSON_INTEGER_FORMAT, index);
	return word;
}

static void
run(const char *const *argv)
{
	extern char **environ;
	posix_spawn_file_actions_t quiet;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", 1, 0);
	if (posix_spawn(&pid, argv[0], &quiet, NULL, (char *const *)argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		die("ntkctl failed");
	posix_spawn_file_actions_destroy(&quiet);
}

/* --- the two ways ------------------------------------------------------------ */

struct bench {
	FILE *daemon;
	const char *socket;
	const char *file;
	const char *ntkctl;
	char *load;		/* the request */
	bool by_process;
};

static void
load(const struct bench *b)
{
	if (b->by_process)
		run((const char *const[]){ b->ntkctl, "-s", b->socket, "load_state", b->file, NULL });
	else
		json_decref(ask(b->daemon, b->load));
}

static void
identity_remove(const struct bench *b, const char *index)
{
	char *line = request("remove_identity", json_string(index));

	if (b->by_process)
		run((const char *const[]){ b->ntkctl, "-s", b->socket, "remove_identity", index, NULL });
	else
		json_decref(ask(b->daemon, line));
	free(line);
}

static void
turn(const struct bench *b, bool first)
{
	const char *index = first ? "" : last_index(b->daemon);
	double start = now_ms(), loading, end;

	if (!first)
		identity_remove(b, index);
	loading = now_ms();
	load(b);
	end = now_ms();
	if (first)
		printf("%.3f -\n", end - loading);
	else
		printf("%.3f %.3f\n", end - loading, end - start);
}

int
main(int argc, char **argv)
{
	size_t turns = argc == 6 ? strtoul(argv[5], NULL, 10) : 0;
	struct bench b;
	json_t *state;

	if (turns == 0 || (strcmp(argv[4], "daemon") != 0 && strcmp(argv[4], "ntkctl") != 0))
		die("usage: bench_load SOCKET STATE-FILE NTKCTL daemon|ntkctl TURNS");
	b = (struct bench){ connect_to(argv[1]), argv[1], argv[2], argv[3], NULL,
		strcmp(argv[4], "ntkctl") == 0 };
	state = json_load_file(b.file, 0, NULL);
	if (state == NULL)
		die("the state file cannot be read");
	b.load = request("load_state", state);
	for (size_t i = 0; i < turns; i++)
		turn(&b, i == 0);
	identity_remove(&b, last_index(b.daemon));
	fclose(b.daemon);
	free(b.load);
	return 0;
}
