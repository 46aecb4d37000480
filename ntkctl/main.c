/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
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
#include "ntkctl/map.h"
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
	enum map_form form;
	const char *file;	/* that a drawing goes to; NULL: standard output */
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

/*
 * Puts LEN bytes into the file that was asked for.  It is opened when all is drawn already: a daemon
 * that does not answer takes no older drawing away.
 */
static bool
write_file(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(name, "we");
	bool ok = f != NULL && fwrite(text, 1, len, f) == len && fflush(f) == 0;

	return (f == NULL || fclose(f) == 0) && ok;
}

/* The result in memory, as it shall be printed; NULL when it cannot be. */
static char *
render(const struct options *o, const struct ctl_verb *v, const json_t *result, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);
	bool ok;

	if (f == NULL)
		return NULL;
	if (o->form != MAP_TEXT)
		ok = map_print(f, o->form, result);
	else
		ok = o->json && v->shape != CTL_STREAM_SHAPE ? fmt_json(f, result) :
		    table_result(f, v, result);
	if (fclose(f) == 0 && ok)
		return text;
	free(text);
	return NULL;
}

static enum status
report_result(const struct options *o, const struct ctl_verb *v, const json_t *result)
{
	size_t len = 0;
	char *text = render(o, v, result, &len);
	bool ok;

	if (text == NULL) {
		complain(v->name, "the result is not as expected, or memory is exhausted", NULL,
		    NULL);
		return STATUS_REFUSED;
	}
	ok = o->file != NULL ? write_file(o->file, text, len) :
	    fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0;
	if (!ok)
		complain(o->file != NULL ? o->file : v->name, strerror(errno), NULL, NULL);
	free(text);
	return ok ? STATUS_DONE : STATUS_REFUSED;
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

/* A drawing may go to a file, which the last word names; of other verbs nothing is drawn. */
static const char *
drawing(struct options *o, const struct ctl_verb *v, int *argc, char **argv)
{
	if (v->shape != CTL_MAP_SHAPE)
		return "only the map is drawn";
	if (o->json)
		return "-j, --dot and --svg exclude each other";
	if (*argc == 2 && strcmp(argv[1], "-") != 0)
		o->file = argv[1];
	if (*argc == 2)
		*argc = 1;
	return NULL;
}

static enum status
verb(struct options *o, int argc, char **argv)
{
	const struct ctl_verb *v = ctl_verb_find(argv[0]);
	struct ctl_error err;
	enum status status;
	const char *wrong;
	json_t *request;

	if (v == NULL)
		return usage(argv[0], "unknown verb");
	if (o->watch && (v->access != CTL_READING || v->shape == CTL_STREAM_SHAPE))
		return usage(argv[0], "only a verb that shows something once can be watched");
	wrong = o->form != MAP_TEXT ? drawing(o, v, &argc, argv) : NULL;
	if (wrong != NULL)
		return usage(argv[0], wrong);
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

/* --dot and --svg, of which there is one at most. */
static bool
option_form(struct options *o, enum map_form form)
{
	bool first = o->form == MAP_TEXT || o->form == form;

	o->form = form;
	if (!first)
		fputs("ntkctl: --dot and --svg exclude each other\n", stderr);
	return first;
}

static bool
options_read(struct options *o, int argc, char **argv)
{
	enum { DOT = 256, SVG };
	static const struct option words[] = {
		{ "dot", no_argument, NULL, DOT },
		{ "svg", no_argument, NULL, SVG },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct options){ .socket = CLIENT_SOCKET };
	while ((c = getopt_long(argc, argv, "hjs:wV", words, NULL)) != -1)
		switch (c) {
		case DOT:
		case SVG:
			if (!option_form(o, c == DOT ? MAP_DOT : MAP_SVG))
				return false;
			break;
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
