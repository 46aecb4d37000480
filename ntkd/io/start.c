/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/start.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/creds.h"
#include "common/log.h"
#include "ntkd/io/ctl.h"
#include "ntkd/io/daemonize.h"
#include "ntkd/io/helper.h"
#include "ntkd/io/lock.h"
#include "ntkd/io/netdump.h"
#include "ntkd/io/netnsdir.h"
#include "ntkd/io/notify.h"
#include "ntkd/io/rundir.h"
#include "ntkd/io/spawn.h"
#include "ntkd/sandbox.h"

/* The installed helper; configure may name another one. */
#ifndef NTKD_HELPER
#define NTKD_HELPER NTK_LIBEXECDIR "/ntkd-priv"
#endif

enum {
	UNDO_SECONDS = 10,		/* for the helper of an earlier life */
	SOCKET_BYTES = 1 << 20,		/* room for messages in either direction */
};

static bool
fail(char *err, const char *what)
{
	snprintf(err, CONF_ERROR, "%s: %s", what, strerror(errno));
	return false;
}

static void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
start_init(struct start *s, const struct options *o)
{
	memset(s, 0, sizeof(*s));
	s->options = *o;
	s->level = o->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	s->sink = LOG_STDERR;
	s->null = s->low = s->config = s->notify_fd = s->ready_fd = s->rundir = s->lock = -1;
	s->journal = s->names = s->sysctl = s->priv = s->empty = s->control = s->helper = -1;
}

bool
start_environment(struct start *s, char *err)
{
	const char *notify = getenv("NOTIFY_SOCKET");
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	log_open("ntkd", LOG_STDERR, s->level);
	if (notify != NULL && strlen(notify) < sizeof(s->notify))
		snprintf(s->notify, sizeof(s->notify), "%s", notify);
	/* libconfuse expands variables; and the clock's zone is the system's, read once. */
	if (clearenv() != 0 || setenv("TZ", ":/etc/localtime", 1) != 0)
		return fail(err, "emptying the environment");
	tzset();
	umask(022);
	if (sigaction(SIGPIPE, &ignore, NULL) != 0)
		return fail(err, "ignoring SIGPIPE");
	/* What the caller left open is none of our business, nor of the helper's. */
	if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		return fail(err, "closing inherited descriptors");
	/* Whoever closed 0, 1 or 2 shall not have our files there. */
	do
		s->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (s->null >= 0 && s->null <= STDERR_FILENO);
	/* See socket_lower(). */
	s->low = s->null < 0 ? -1 : fcntl(s->null, F_DUPFD_CLOEXEC, 0);
	return s->low >= 0 || fail(err, "/dev/null");
}

bool
start_config(struct start *s, char *err)
{
	const struct options *o = &s->options;

	/* A link to a file of root's is fine: what it leads to is checked. */
	s->config = open(o->config, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (s->config < 0) {
		snprintf(err, CONF_ERROR, "configuration %s: %s", o->config, strerror(errno));
		return false;
	}
	return conf_read(s->config, o->config, geteuid() == 0, o->overrides, o->n_overrides,
	    &s->conf, err);
}

/* Root in a container may lack what the helper shall keep. */
static bool
has_capabilities(char *err)
{
	static const int needed[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (prctl(PR_CAPBSET_READ, needed[i], 0, 0, 0) == 1)
			continue;
		snprintf(err, CONF_ERROR, "the capability %s is missing, which ntkd-priv(8) needs: in "
		    "a container or service, add it to those allowed", needed[i] == CAP_NET_ADMIN ?
		    "CAP_NET_ADMIN" : "CAP_SYS_ADMIN");
		return false;
	}
	return true;
}

bool
start_rights(struct start *s, char *err)
{
	const struct conf *c = &s->conf;

	if (getuid() != 0 || geteuid() != 0) {
		snprintf(err, CONF_ERROR, "must be started by root, whose rights it gives up at "
		    "once: try sudo");
		return false;
	}
	if (!has_capabilities(err))
		return false;
	if (!conf_user(c->user, &s->uid, &s->gid, err) ||
	    !conf_user(c->helper_user, &s->helper_uid, &s->helper_gid, err) ||
	    !conf_group(c->control_group, &s->control_gid, err) ||
	    !conf_group(c->operator_group, &s->operator_gid, err))
		return false;
	if (s->uid == s->helper_uid || s->gid == s->helper_gid) {
		snprintf(err, CONF_ERROR, "user \"%s\" and helper-user \"%s\" are the same user or "
		    "group: they must differ, or the one could stop the other", c->user,
		    c->helper_user);
		return false;
	}
	return true;
}

bool
start_background(struct start *s, char *err)
{
	if (s->notify[0] != '\0') {
		s->notify_fd = notify_open(s->notify);
		if (s->notify_fd < 0)
			return fail(err, "NOTIFY_SOCKET");
	}
	if (s->options.foreground)
		return true;
	if (s->notify[0] != '\0') {
		s->sink = LOG_STDERR_PRIORITY;
		log_open("ntkd", s->sink, s->level);
		return true;
	}
	s->background = true;
	s->sink = LOG_SYSLOG;
	s->ready_fd = daemonize_begin();
	if (s->ready_fd < 0)
		return fail(err, "going into the background");
	daemonize_syslog("ntkd");
	return true;
}

bool
start_lock(struct start *s, char *err)
{
	s->rundir = rundir_open(s->conf.runtime_dir, err);
	if (s->rundir < 0)
		return false;
	s->lock = lock_take(s->rundir, err);
	if (s->lock < 0)
		return false;
	s->journal = rundir_journal(s->rundir, err);
	return s->journal >= 0 && lock_wait(s->journal, UNDO_SECONDS, err);
}

bool
start_host(struct start *s, char *err)
{
	struct overlap_rules rules = {
		.range = s->conf.map.range,
		.protocol = s->conf.routing_protocol,
		.localhost = map4_localhost(&s->conf.map),
		.n_managed = s->conf.n_interfaces,
	};

	rules.has_subnet = conf_subnet(&s->conf, &rules.subnet);
	if (!netdump_interfaces(&s->conf, rules.managed, err))
		return false;
	while (rules.managed[s->first_nic] == 0)
		s->first_nic++;
	return s->conf.allow_overlap || netdump_overlap(&rules, err);
}

bool
start_directories(struct start *s, char *err)
{
	s->empty = rundir_sub(s->rundir, "empty", 0, 0, 0555, err);
	if (s->empty < 0)
		return false;
	s->priv = rundir_sub(s->rundir, "priv", s->helper_uid, s->helper_gid, 0755, err);
	if (s->priv < 0)
		return false;
	s->names = netnsdir_open(s->helper_gid, err);
	if (s->names < 0)
		return false;
	s->sysctl = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->sysctl < 0)
		return fail(err, "/proc/sys/net");
	if (!rundir_publish_tables(s->conf.runtime_dir, err))
		log_warnx("start", "names of tables are not shown by ip: %s", err);
	return true;
}

bool
start_control(struct start *s, char *err)
{
	s->control = ctl_listen(s->conf.control_socket, s->control_gid, s->operator_gid, err);
	return s->control >= 0;
}

/* Room for large transactions; less than asked for will do. */
static void
socket_enlarge(int fd)
{
	int bytes = SOCKET_BYTES;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

static bool
socket_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return false;
	socket_enlarge(fds[0]);
	socket_enlarge(fds[1]);
	return fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0;
}

static bool
helper_begin(struct start *s, char *err)
{
	struct spawn spawn = {
		.path = s->options.helper != NULL ? s->options.helper : NTKD_HELPER,
		.sink = s->sink,
		.level = s->level,
		.filter = s->options.filter,
		.overrides = s->options.overrides,
		.n_overrides = s->options.n_overrides,
		.null = s->null,
	};
	int fds[2];

	if (!socket_pair(fds))
		return fail(err, "the socket to the helper");
	s->helper = fds[0];
	spawn.fds[PRIV_FD_SOCKET] = fds[1];
	spawn.fds[PRIV_FD_CONFIG] = s->config;
	spawn.fds[PRIV_FD_NAMES] = s->names;
	spawn.fds[PRIV_FD_SYSCTL] = s->sysctl;
	spawn.fds[PRIV_FD_RUN] = s->priv;
	spawn.fds[PRIV_FD_JOURNAL] = s->journal;
	s->helper_pid = spawn_helper(&spawn, err);
	close(fds[1]);
	return s->helper_pid >= 0;
}

/*
 * Gives the helper's socket a number below those of all other sockets.  What a killed process had
 * open the kernel closes from the highest number down (it is task work, last in, first out, since
 * Linux 4.3): so the connections with neighbours end before the helper hears of it and takes away
 * the address their last segment is sent from.  Else that segment is perhaps never sent, and
 * neighbours have to find our silence.
 */
static bool
socket_lower(struct start *s, char *err)
{
	if (dup3(s->helper, s->low, O_CLOEXEC) < 0)
		return fail(err, "the socket to the helper");
	close(s->helper);
	s->helper = s->low;
	s->low = -1;
	return true;
}

/* A helper that nobody asks for anything: it cleans up and ends. */
static bool
helper_clean(struct start *s, char *err)
{
	int status;

	if (!helper_begin(s, err))
		return false;
	fd_close(&s->helper);
	if (!helper_signal_block() || !helper_wait(s->helper_pid, UNDO_SECONDS, &status)) {
		snprintf(err, CONF_ERROR, "the helper (process %ld) still cleans up after an earlier "
		    "ntkd after %d s: wait for it to end, then start again", (long)s->helper_pid,
		    UNDO_SECONDS);
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	snprintf(err, CONF_ERROR, "the helper could not clean up after an earlier ntkd; its lines "
	    "above tell why");
	return false;
}

bool
start_recover(struct start *s, char *err)
{
	struct stat st;
	bool ok;

	if (fstat(s->journal, &st) != 0)
		return fail(err, "the file journal in runtime-dir");
	if (st.st_size == 0)
		return true;
	log_info("start", "an earlier ntkd was killed; cleaning up after it");
	ok = start_directories(s, err) && helper_clean(s, err);
	fd_close(&s->empty);
	fd_close(&s->priv);
	fd_close(&s->names);
	fd_close(&s->sysctl);
	return ok;
}

bool
start_helper(struct start *s, char *err)
{
	bool ok = helper_begin(s, err) && socket_lower(s, err);

	fd_close(&s->config);
	fd_close(&s->names);
	fd_close(&s->sysctl);
	fd_close(&s->priv);
	fd_close(&s->journal);
	fd_close(&s->rundir);
	return ok;
}

static void
tell(enum daemon_news news, void *arg)
{
	struct start *s = arg;

	switch (news) {
	case DAEMON_READY:
		notify_send(s->notify_fd, "READY=1");
		if (!s->background)
			break;
		log_open("ntkd", s->sink, log_get_level());
		daemonize_ready(s->ready_fd, s->null);
		s->ready_fd = -1;
		break;
	case DAEMON_STOPPING:
		notify_send(s->notify_fd, "STOPPING=1");
		break;
	}
}

/* What of the kernel's notifications is ours, as far as it is known before the helper speaks. */
static struct knote_rules
notice_rules(const struct start *s)
{
	return (struct knote_rules){
		.helper = (uint32_t)s->helper_pid,
		.protocol = s->conf.routing_protocol,
		.tables = s->conf.tables,
		.more_tables = s->conf.more_tables,
		.rule_priority = s->conf.rule_priority,
	};
}

bool
start_daemon(struct start *s, char *err)
{
	struct daemon_setup setup = {
		.conf = &s->conf,
		.first_nic = s->first_nic,
		.notices = notice_rules(s),
		.helper_fd = s->helper,
		.control_fd = s->control,
		.helper_pid = s->helper_pid,
		.control_gid = s->control_gid,
		.operator_gid = s->operator_gid,
		.tell = tell,
		.arg = s,
	};
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return fail(err, "random numbers");
	rng_init(&setup.rng, seed);
	kmon_open(&setup.notices, setup.notice_fds);
	s->daemon = daemon_new(&setup);
	if (s->daemon == NULL) {
		snprintf(err, CONF_ERROR, "memory is exhausted");
		return false;
	}
	return true;
}

/* A limit on file sizes would kill us at the next log line where the log is a file. */
static bool
log_is_file(void)
{
	struct stat st;

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			return true;
	return false;
}

bool
start_confine(struct start *s, char *err)
{
	const char *why;

	if (fchdir(s->empty) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return fail(err, "making the empty directory the root directory");
	fd_close(&s->empty);
	if (!creds_drop(s->uid, s->gid, NULL, 0, &why) ||
	    !creds_limit(log_is_file() ? RLIM_INFINITY : 0, NTKD_SANDBOX_NOFILE, &why) ||
	    !ntkd_sandbox_enter(s->options.filter, &why)) {
		snprintf(err, CONF_ERROR, "giving up rights: %s", why);
		return false;
	}
	return true;
}
