/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ntkd-priv: the privileged half of ntkd.  See ntkd-priv(8).
 *
 * Started as root by ntkd with the descriptors of common/privfd.h.  From top to
 * bottom: read the configuration, open what needs root, drop everything, clean up
 * after a previous life, serve, undo.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privfd.h"
#include "ntkd-priv/names.h"
#include "ntkd-priv/reap.h"
#include "ntkd-priv/sandbox.h"
#include "ntkd-priv/serve.h"
#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_netns.h"

enum { OVERRIDES = 64 };

struct options {
	enum log_sink sink;
	enum log_level level;
	enum sc_mode mode;
	struct conf_override overrides[OVERRIDES];
	size_t n_overrides;
};

static bool
options_read(int argc, char **argv, struct options *o)
{
	int c;

	memset(o, 0, sizeof(*o));
	o->level = LOG_LEVEL_INFO;
	while ((c = getopt(argc, argv, "l:v:k:o:")) != -1) {
		if (c == 'l' && log_sink_parse(optarg, &o->sink))
			continue;
		if (c == 'v' && log_level_parse(optarg, &o->level))
			continue;
		if (c == 'k' && (strcmp(optarg, "trap") == 0 || strcmp(optarg, "kill") == 0)) {
			o->mode = optarg[0] == 't' ? SC_TRAP : SC_KILL;
			continue;
		}
		if (c != 'o' || o->n_overrides == OVERRIDES)
			return false;
		o->overrides[o->n_overrides++].text = optarg;
	}
	return optind == argc;
}

/* Ends with ntkd, by its socket, not by signals that are meant for the whole service. */
static void
signals_ignore(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2,
		SIGXFSZ };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

static bool
fail(const char *what, int error)
{
	log_error("start", "%s: %s", what, strerror(error));
	return false;
}

/* After the drop: a clean kernel, and what the host does with our range. */
static bool
life_begin(struct ledger *l, struct policy *p)
{
	int error;

	if ((error = reap(l, p->conf)) != 0)
		return fail("cannot clean up after a previous life", error);
	x_link_find(l, p->conf);
	if ((error = host_look(l, p->conf, &p->host)) != 0)
		return fail("cannot see what the host routes (more than 256 routes in the range?)",
		    error);
	names_write(l);
	return true;
}

static void
life_end(struct txn *t)
{
	txn_undo_all(t);
	names_remove();
	reap_at_end(t->ledger);
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	static struct ledger ledger;
	static struct policy policy;
	static struct txn txn;
	struct options options;
	char err[CONF_ERROR];
	const char *why = "";
	uid_t uid;
	gid_t gid;
	int error;
	bool ok;

	if (!options_read(argc, argv, &options) || fcntl(PRIV_FD_JOURNAL, F_GETFD) < 0) {
		fputs("ntkd-priv is started by ntkd(8), never by hand; see ntkd-priv(8)\n", stderr);
		return 2;
	}
	clearenv();
	tzset();
	log_open("ntkd-priv", options.sink, options.level);
	signals_ignore();
	if (!conf_read(PRIV_FD_CONFIG, "the configuration", true, options.overrides,
	    options.n_overrides, &conf, err) || !conf_user(conf.helper_user, &uid, &gid, err)) {
		log_error("start", "%s", err);
		return 1;
	}
	ledger_init(&ledger, &conf);
	policy.conf = &conf;
	txn_init(&txn, &policy, &ledger);
	if ((error = x_netns_open_default(&ledger)) != 0) {
		fail("cannot open netlink sockets", error);
		return 1;
	}
	if (!sandbox_enter(uid, gid, options.mode, &why)) {
		log_error("start", "cannot give up rights: %s", why);
		return 1;
	}
	if (!life_begin(&ledger, &policy))
		return 1;
	ok = serve(&conf, &ledger, &txn);
	life_end(&txn);
	log_info("end", "everything that was made is undone");
	return ok ? 0 : 3;
}
