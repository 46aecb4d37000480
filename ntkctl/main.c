/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ntkctl/client.h"
#include "ntkctl/fmt.h"
#include "ntkctl/help.h"
#include "ntkctl/table.h"
#include "ntkctl/verbs.h"
#include "proto/ctlmsg.h"

/* INTERFACE: exit status. */
enum status {
	STATUS_DONE,
	STATUS_REFUSED,
	STATUS_USAGE,
	STATUS_NO_DAEMON,
};

struct options {
	const char *socket;
	bool json;
	bool watch;
	bool help;
	bool version;
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* "ntkctl: VERB: message (code CODE, field FIELD)" */
static void
complain(const char *verb, const char *message, const char *code, const char *field)
{
	fputs("ntkctl: ", stderr);
	if (verb != NULL) {
		fmt_text(stderr, verb);
		fputs(": ", stderr);
	}
	fmt_text(stderr, message);
	if (code != NULL) {
		fputs(" (code ", stderr);
		fmt_text(stderr, code);
		if (field[0] != '\0') {
			fputs(", field ", stderr);
			fmt_text(stderr, field);
		}
		fputc(')', stderr);
	}
	fputc('\n', stderr);
}

static enum status
usage(const char *verb, const char *message)
{
	complain(verb, message, NULL, NULL);
	fputs("Try: ntkctl help\n", stderr);
	return STATUS_USAGE;
}

/* A member of the error in an answer; a daemon that is not healthy may leave it out. */
static const char *
error_member(const json_t *answer, const char *key)
{
	const json_t *error = json_object_get(answer, "error");
	const char *text = json_string_value(json_object_get(error, key));

	return text != NULL ? text : "";
}

static enum status
report_refusal(const struct ctl_verb *v, const json_t *answer)
{
	const char *code = error_member(answer, "code");

	complain(v->name, error_member(answer, "message"), code, error_member(answer, "field"));
	return strcmp(code, "usage") == 0 ? STATUS_USAGE : STATUS_REFUSED;
}

static enum status
report_result(const struct options *o, const struct ctl_verb *v, const json_t *result)
{
	bool ok = o->json && v->shape != CTL_STREAM_SHAPE ? fmt_json(stdout, result) : table_result(stdout, v, result);

	if (!ok)
		complain(v->name, "the result is not as expected, or memory is exhausted", NULL,
		    NULL);
	else if (fflush(stdout) != 0 || ferror(stdout))
		complain(v->name, strerror(errno), NULL, NULL);
	else
		return STATUS_DONE;
	return STATUS_REFUSED;
}

/* A connection to the daemon. */
struct connection {
	int fd;
	struct client_input in;
};

static enum status
ask(const struct options *o, const struct ctl_verb *v, struct connection *c,
    const json_t *request)
{
	char why[CLIENT_ERROR];
	json_t *answer = client_ask(c->fd, &c->in, request, why);
	enum status status;

	if (answer == NULL) {
		if (interrupted)
			return STATUS_DONE;
		complain(v->name, why, NULL, NULL);
		return STATUS_NO_DAEMON;
	}
	if (o->watch && !o->json && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	if (json_is_true(json_object_get(answer, "ok")))
		status = report_result(o, v, json_object_get(answer, "result"));
	else
		status = report_refusal(v, answer);
	json_decref(answer);
	return status;
}

/* Signals end what would go on for ever, and that is no error. */
static void
signals_catch(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* Asks again every second until a signal comes or the daemon goes. */
static enum status
watch(const struct options *o, const struct ctl_verb *v, struct connection *c,
    const json_t *request)
{
	const struct timespec second = { .tv_sec = 1 };
	enum status status;

	signals_catch();
	do {
		status = ask(o, v, c, request);
		if (status == STATUS_DONE && !interrupted)
			nanosleep(&second, NULL);
	} while (status == STATUS_DONE && !interrupted);
	return status;
}

static enum status
report_event(const struct options *o, const struct ctl_verb *v, const json_t *event)
{
	bool ok = o->json ? fmt_json(stdout, event) : table_event(stdout, v, event);

	if (!ok)
		complain(v->name, "the event is not as expected, or memory is exhausted", NULL,
		    NULL);
	else if (fflush(stdout) != 0 || ferror(stdout))
		complain(v->name, strerror(errno), NULL, NULL);
	else
		return STATUS_DONE;
	return STATUS_REFUSED;
}

/* One object of the stream; WHY is empty unless there was none. */
static enum status
listen_once(const struct options *o, const struct ctl_verb *v, struct connection *c, char *why)
{
	json_t *answer = client_next(c->fd, &c->in, why);
	enum status status;

	if (answer == NULL)
		return interrupted ? STATUS_DONE : STATUS_NO_DAEMON;
	why[0] = '\0';
	status = json_is_true(json_object_get(answer, "ok")) ?
	    report_event(o, v, json_object_get(answer, "result")) : report_refusal(v, answer);
	json_decref(answer);
	return status;
}

/* Prints what comes until a signal comes or the daemon goes. */
static enum status
listen_for(const struct options *o, const struct ctl_verb *v, struct connection *c,
    const json_t *request)
{
	char why[CLIENT_ERROR] = "";
	enum status status;

	signals_catch();
	status = ask(o, v, c, request);
	while (status == STATUS_DONE && !interrupted)
		status = listen_once(o, v, c, why);
	if (status == STATUS_NO_DAEMON && why[0] != '\0')
		complain(v->name, "the daemon went away", NULL, NULL);
	return status;
}

static enum status
run(const struct options *o, const struct ctl_verb *v, const json_t *request)
{
	char why[CLIENT_ERROR];
	struct connection c = { .fd = client_connect(o->socket, why) };
	enum status status;

	if (c.fd < 0) {
		status = errno == EACCES || errno == EPERM ? STATUS_REFUSED : STATUS_NO_DAEMON;
		complain(NULL, why, NULL, NULL);
		return status;
	}
	if (v->shape == CTL_STREAM_SHAPE)
		status = listen_for(o, v, &c, request);
	else
		status = o->watch ? watch(o, v, &c, request) : ask(o, v, &c, request);
	client_input_free(&c.in);
	close(c.fd);
	return status;
}

static enum status
verb(const struct options *o, int argc, char **argv)
{
	const struct ctl_verb *v = ctl_verb_find(argv[0]);
	struct ctl_error err;
	enum status status;
	json_t *request;

	if (v == NULL)
		return usage(argv[0], "unknown verb");
	if (o->watch && (v->access != CTL_READING || v->shape == CTL_STREAM_SHAPE))
		return usage(argv[0], "only a verb that shows something once can be watched");
	request = verbs_request(v, argv + 1, (size_t)argc - 1, &err);
	if (request == NULL) {
		complain(v->name, err.message, "usage", err.field);
		return STATUS_USAGE;
	}
	status = run(o, v, request);
	json_decref(request);
	return status;
}

static enum status
help(int argc, char **argv)
{
	const struct ctl_verb *v;

	if (argc > 1)
		return usage("help", "one verb at most");
	if (argc == 0) {
		help_all(stdout);
		return STATUS_DONE;
	}
	v = ctl_verb_find(argv[0]);
	if (v == NULL)
		return usage(argv[0], "unknown verb");
	help_verb(stdout, v);
	return STATUS_DONE;
}

static bool
options_read(struct options *o, int argc, char **argv)
{
	int c;

	*o = (struct options){ .socket = CLIENT_SOCKET };
	while ((c = getopt(argc, argv, "hjs:wV")) != -1)
		switch (c) {
		case 'h':
			o->help = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'w':
			o->watch = true;
			break;
		case 'V':
			o->version = true;
			break;
		default:
			return false;
		}
	return true;
}

int
main(int argc, char **argv)
{
	struct options o;

	if (!options_read(&o, argc, argv)) {
		fputs("Try: ntkctl help\n", stderr);
		return STATUS_USAGE;
	}
	argc -= optind;
	argv += optind;
	if (o.version) {
		puts("ntkctl " PACKAGE_VERSION);
		return STATUS_DONE;
	}
	if (o.help)
		return help(0, NULL);
	if (argc == 0)
		return usage(NULL, "no verb given");
	if (strcmp(argv[0], "help") == 0)
		return help(argc - 1, argv + 1);
	return verb(&o, argc, argv);
}
