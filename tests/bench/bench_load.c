/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_load SOCKET STATE-FILE NTKCTL TURNS
 *
 * Time from "load_state" to the complete namespace of that identity (ntkd answers when the
 * kernel has it all): asked over an open connection, which is what the daemon itself
 * takes, and by a new ntkctl process, which is what somebody at a terminal waits for.  In turns;
 * the identity is removed after each, untimed.
 */
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TURNS_MAX = 1000 };

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

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
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

static void
remove_index(FILE *daemon, json_int_t index)
{
	char number[24], *line;

	snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, index);
	line = request("remove_identity", json_string(number));
	json_decref(ask(daemon, line));
	free(line);
}

/* The identity that was loaded last. */
static json_int_t
last_index(FILE *daemon)
{
	json_t *list = ask(daemon, "{\"verb\": \"show_local_identities\", \"args\": []}");
	json_int_t index = -1;
	json_t *id;
	size_t i;

	json_array_foreach(list, i, id)
		index = json_integer_value(json_object_get(id, "index"));
	json_decref(list);
	return index;
}

static double
load_by_connection(FILE *daemon, const char *line)
{
	double start = now_ms(), took;
	json_t *result = ask(daemon, line);

	took = now_ms() - start;
	remove_index(daemon, json_integer_value(json_object_get(result, "index")));
	json_decref(result);
	return took;
}

static double
load_by_process(FILE *daemon, const char *const *argv)
{
	extern char **environ;
	double start = now_ms(), took;
	posix_spawn_file_actions_t quiet;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", 1, 0);
	if (posix_spawn(&pid, argv[0], &quiet, NULL, (char *const *)argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		die("ntkctl failed");
	took = now_ms() - start;
	posix_spawn_file_actions_destroy(&quiet);
	remove_index(daemon, last_index(daemon));
	return took;
}

int
main(int argc, char **argv)
{
	static double connection[TURNS_MAX], process[TURNS_MAX];
	size_t turns = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
	json_t *state;
	FILE *daemon;
	char *line;

	if (turns == 0 || turns > TURNS_MAX)
		die("usage: bench_load SOCKET STATE-FILE NTKCTL TURNS");
	state = json_load_file(argv[2], 0, NULL);
	if (state == NULL)
		die("the state file cannot be read");
	line = request("load_state", state);
	daemon = connect_to(argv[1]);
	for (size_t i = 0; i < turns; i++) {
		const char *const command[] = {
			argv[3], "-s", argv[1], "load_state", argv[2], NULL
		};

		connection[i] = load_by_connection(daemon, line);
		process[i] = load_by_process(daemon, command);
	}
	qsort(connection, turns, sizeof(*connection), compare_doubles);
	qsort(process, turns, sizeof(*process), compare_doubles);
	printf("daemon %.3f\nntkctl %.3f\n", connection[turns / 2], process[turns / 2]);
	fclose(daemon);
	free(line);
	return 0;
}
