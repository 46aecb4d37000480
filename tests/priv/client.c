/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/privfd.h"
#include "ntkd/io/lock.h"
#include "ntkd/io/netnsdir.h"
#include "ntkd/io/rundir.h"
#include "ntkd/io/spawn.h"

static bool fail(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool
fail(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, ap);
	va_end(ap);
	return false;
}

static bool
fail_errno(struct client *c, const char *what)
{
	return fail(c, "%s: %s", what, strerror(errno));
}

/* --- starting it, with the very parts by which ntkd does --- */

static bool
read_config(struct client *c, const struct client_setup *setup, struct spawn *s)
{
	char why[CONF_ERROR];

	s->fds[PRIV_FD_CONFIG] = open(setup->config, O_RDONLY | O_CLOEXEC);
	if (s->fds[PRIV_FD_CONFIG] < 0)
		return fail_errno(c, setup->config);
	return conf_read(s->fds[PRIV_FD_CONFIG], setup->config, true, s->overrides, s->n_overrides,
	    &c->conf, why) || fail(c, "%s", why);
}

/* Directories and journal; waits until an earlier helper has let go of that. */
static bool
prepare(struct client *c, const struct client_setup *setup, struct spawn *s)
{
	char why[CONF_ERROR];
	uid_t uid;
	gid_t gid;
	int dir;

	if (!conf_user(c->conf.helper_user, &uid, &gid, why))
		return fail(c, "%s", why);
	dir = rundir_open(setup->run_dir, why);
	if (dir < 0)
		return fail(c, "%s", why);
	s->fds[PRIV_FD_RUN] = rundir_sub(dir, "priv", uid, gid, 0755, why);
	s->fds[PRIV_FD_JOURNAL] = rundir_journal(dir, why);
	close(dir);
	s->fds[PRIV_FD_NAMES] = netnsdir_open(gid, why);
	s->fds[PRIV_FD_SYSCTL] = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
	s->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->fds[PRIV_FD_RUN] < 0 || s->fds[PRIV_FD_JOURNAL] < 0 || s->fds[PRIV_FD_NAMES] < 0)
		return fail(c, "%s", why);
	if (s->fds[PRIV_FD_SYSCTL] < 0 || s->null < 0)
		return fail_errno(c, "open");
	return lock_wait(s->fds[PRIV_FD_JOURNAL], CLIENT_WAIT_S, why) || fail(c, "%s", why);
}

/* The helper writes its lines where our standard error leads at that moment. */
static bool
spawn_with_log(struct client *c, const struct client_setup *setup, const struct spawn *s)
{
	char why[CONF_ERROR];
	int kept = -1, log = -1;

	if (setup->log != NULL) {
		log = open(setup->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
		if (log < 0 || kept < 0 || dup2(log, STDERR_FILENO) < 0)
			return fail_errno(c, setup->log);
		close(log);
	}
	c->pid = spawn_helper(s, why);
	if (kept >= 0) {
		dup2(kept, STDERR_FILENO);
		close(kept);
	}
	return c->pid > 0 || fail(c, "%s", why);
}

bool
client_start(struct client *c, const struct client_setup *setup)
{
	struct conf_override overrides[CLIENT_OVERRIDES];
	struct spawn s = { .path = setup->helper, .sink = LOG_STDERR, .level = setup->level,
		.filter = SC_KILL, .overrides = overrides, .null = -1 };
	int pair[2] = { -1, -1 };
	bool ok;

	memset(c, 0, sizeof(*c));
	c->pid = -1;
	while (s.n_overrides < CLIENT_OVERRIDES && setup->overrides[s.n_overrides] != NULL) {
		overrides[s.n_overrides].text = setup->overrides[s.n_overrides];
		s.n_overrides++;
	}
	for (int i = 0; i < PRIV_FD_END; i++)
		s.fds[i] = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail_errno(c, "socketpair");
	c->fd = pair[0];
	s.fds[PRIV_FD_SOCKET] = pair[1];
	ok = read_config(c, setup, &s) && prepare(c, setup, &s) && spawn_with_log(c, setup, &s);
	for (int i = 0; i < PRIV_FD_END; i++)
		if (s.fds[i] >= 0)
			close(s.fds[i]);
	if (s.null >= 0)
		close(s.null);
	if (!ok) {
		close(c->fd);
		c->fd = -1;
	}
	return ok;
}

/* --- messages --- */

bool
client_send_fds(struct client *c, const void *data, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr hdr;
		char room[CMSG_SPACE(CLIENT_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > CLIENT_FDS)
		return fail(c, "%zu descriptors in one message", n);
	if (n > 0) {
		control.hdr.cmsg_level = SOL_SOCKET;
		control.hdr.cmsg_type = SCM_RIGHTS;
		control.hdr.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.hdr), fds, n * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	if (sendmsg(c->fd, &msg, MSG_NOSIGNAL) < 0)
		return fail_errno(c, "send");
	return true;
}

/* CLIENT_WAIT_S, or fewer where many helpers are tried that will not answer. */
static int
patience_s(void)
{
	const char *text = getenv("NTK_CLIENT_WAIT");
	int s = text != NULL ? atoi(text) : 0;

	return s > 0 ? s : CLIENT_WAIT_S;
}

bool
client_send_raw(struct client *c, const void *data, size_t len, int fd)
{
	return client_send_fds(c, data, len, &fd, fd >= 0 ? 1 : 0);
}

ssize_t
client_receive(struct client *c, void *buf, size_t size)
{
	struct pollfd p = { c->fd, POLLIN, 0 };

	if (poll(&p, 1, patience_s() * 1000) <= 0) {
		fail(c, "no answer");
		return -1;
	}
	return recv(c->fd, buf, size, 0);
}

void
client_frame(struct wr *w, uint8_t type, uint32_t seq, uint8_t flags, uint16_t count)
{
	const struct priv_frame f = { .magic = PRIV_MAGIC, .version = PRIV_VERSION, .type = type,
		.seq = seq, .flags = flags, .count = count };

	msg_encode(&priv_frame_desc, &f, w);
}

/* Receives an answer; its frame in F, and what follows in R. */
static bool
receive_answer(struct client *c, struct priv_frame *f, struct rd *r)
{
	struct msg_error err;
	ssize_t n = client_receive(c, c->buf, sizeof(c->buf));

	if (n <= 0)
		return n == 0 ? fail(c, "the helper has closed its end") : false;
	rd_init(r, c->buf, (size_t)n);
	if (!msg_decode(&priv_frame_desc, r, f, &err))
		return fail(c, "answer: %s %s", err.field, err.why);
	return true;
}

bool
client_hello(struct client *c)
{
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	wr_init(&c->w, c->buf, sizeof(c->buf));
	client_frame(&c->w, PRIV_HELLO, ++c->seq, 0, 0);
	memset(&c->refusal, 0, sizeof(c->refusal));
	if (!client_send_raw(c, c->buf, c->w.len, -1) || !receive_answer(c, &f, &r))
		return false;
	if (f.type == PRIV_REFUSED && msg_decode(&priv_refusal_desc, &r, &c->refusal, &err))
		return fail(c, "hello was refused");
	if (f.type != PRIV_WELCOME || f.count > CLIENT_DEVS)
		return fail(c, "answer of type %u with %u records to hello", f.type, f.count);
	if (!msg_decode(&priv_welcome_desc, &r, &c->welcome, &err))
		return fail(c, "welcome: %s %s", err.field, err.why);
	for (c->n_devs = 0; c->n_devs < f.count; c->n_devs++)
		if (!msg_decode(&priv_interface_desc, &r, &c->devs[c->n_devs], &err))
			return fail(c, "interface: %s %s", err.field, err.why);
	return rd_done(&r) || fail(c, "bytes behind the welcome");
}

/* A new message; its frame is written when it is sent. */
static void
open_part(struct client *c)
{
	c->count = 0;
	wr_init(&c->w, c->buf, sizeof(c->buf));
	client_frame(&c->w, PRIV_APPLY, 0, 0, 0);
}

static void
send_part(struct client *c, uint8_t flags)
{
	struct wr head;

	wr_init(&head, c->buf, sizeof(c->buf));
	client_frame(&head, PRIV_APPLY, c->seq, flags, c->count);
	if (!wr_ok(&c->w) || !client_send_raw(c, c->buf, c->w.len, -1))
		c->broken = true;
}

void
client_begin(struct client *c)
{
	c->seq++;
	c->broken = false;
	c->n_results = 0;
	memset(&c->refusal, 0, sizeof(c->refusal));
	c->error[0] = '\0';
	open_part(c);
}

void
client_part(struct client *c)
{
	send_part(c, PRIV_MORE);
	open_part(c);
}

void
client_add(struct client *c, const struct priv_op *op)
{
	enum { OP_ROOM = 64 };	/* more than any operation takes */

	if (wr_room(&c->w) < OP_ROOM)
		client_part(c);
	priv_op_write(op, &c->w);
	c->count++;
}

static enum client_end
take_results(struct client *c, const struct priv_frame *f, struct rd *r)
{
	struct msg_error err;

	if (f->count > PRIV_TXN_RESULTS)
		goto bad;
	for (c->n_results = 0; c->n_results < f->count; c->n_results++)
		if (!msg_decode(&priv_result_desc, r, &c->results[c->n_results], &err))
			goto bad;
	if (rd_done(r))
		return CLIENT_DONE;
bad:
	fail(c, "results are malformed");
	return CLIENT_GONE;
}

static enum client_end
take_findings(struct client *c, const struct priv_frame *f, struct rd *r)
{
	struct msg_error err;

	if (f->count == 0 || f->count - 1 > PRIV_DIFFERENCES ||
	    !msg_decode(&priv_checked_desc, r, &c->checked, &err))
		goto bad;
	for (c->n_differences = 0; c->n_differences < f->count - 1U; c->n_differences++)
		if (!msg_decode(&priv_difference_desc, r, &c->differences[c->n_differences], &err))
			goto bad;
	if (rd_done(r))
		return CLIENT_DONE;
bad:
	fail(c, "findings are malformed");
	return CLIENT_GONE;
}

/* What is answered to the request that was just sent. */
static enum client_end
take_answer(struct client *c)
{
	struct priv_frame f;
	struct msg_error err;
	struct rd r;

	/* An end that was closed may hold an answer to an earlier part. */
	if (!receive_answer(c, &f, &r) || c->broken)
		return CLIENT_GONE;
	if (f.seq != c->seq) {
		fail(c, "answer to %u, asked %u", f.seq, c->seq);
		return CLIENT_GONE;
	}
	if (f.type == PRIV_DONE)
		return take_results(c, &f, &r);
	if (f.type == PRIV_CHECKED)
		return take_findings(c, &f, &r);
	if (f.type == PRIV_REFUSED && msg_decode(&priv_refusal_desc, &r, &c->refusal, &err) &&
	    rd_done(&r))
		return CLIENT_REFUSED;
	fail(c, "answer of type %u is malformed", f.type);
	return CLIENT_GONE;
}

enum client_end
client_check(struct client *c, uint32_t ns)
{
	const struct priv_check check = { ns };

	client_begin(c);
	wr_init(&c->w, c->buf, sizeof(c->buf));
	client_frame(&c->w, PRIV_CHECK, c->seq, 0, 1);
	msg_encode(&priv_check_desc, &check, &c->w);
	c->broken = !client_send_raw(c, c->buf, c->w.len, -1);
	return take_answer(c);
}

enum client_end
client_commit(struct client *c, unsigned flags)
{
	send_part(c, (uint8_t)flags);
	return take_answer(c);
}

enum client_end
client_do(struct client *c, const struct priv_op *op)
{
	client_begin(c);
	client_add(c, op);
	return client_commit(c, 0);
}

uint32_t
client_made(const struct client *c, size_t i)
{
	return i < c->n_results ? c->results[i].handle : 0;
}

uint32_t
client_dev(const struct client *c, const char *name)
{
	for (size_t i = 0; i < c->n_devs; i++)
		if (strcmp(c->devs[i].name, name) == 0)
			return c->devs[i].dev;
	return 0;
}

/* --- the end --- */

int
client_reap(struct client *c)
{
	const struct timespec pause = { 0, 2000000 };
	int status = -1;
	pid_t done = 0;

	for (int i = 0; i < patience_s() * 500 && done == 0; i++) {
		done = waitpid(c->pid, &status, WNOHANG);
		if (done == 0)
			nanosleep(&pause, NULL);
	}
	if (done == 0) {
		fail(c, "the helper does not end");
		kill(c->pid, SIGKILL);
		waitpid(c->pid, &status, 0);
		status = -1;
	}
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->pid = -1;
	return status;
}

int
client_stop(struct client *c)
{
	close(c->fd);
	c->fd = -1;
	return client_reap(c);
}
