/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_TESTS_PRIV_CLIENT_H
#define NTK_TESTS_PRIV_CLIENT_H

/*
 * Plays ntkd against a real ntkd-priv: prepares what common/privfd.h promises in
 * the network and mount namespace of the caller (root, and both namespaces its own),
 * starts the helper with ntkd's own parts for that, and talks to it.  Unlike ntkd it
 * can be told to say anything at all.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/conf.h"
#include "common/log.h"
#include "proto/privmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CLIENT_DEVS = 1 + CONF_INTERFACES,
	CLIENT_ERROR = 256,
	CLIENT_OVERRIDES = 8,
	CLIENT_FDS = 253,	/* as many as the kernel lets through with one message */
	CLIENT_WAIT_S = 20,	/* an answer or an end that takes longer counts as none */
};

struct client_setup {
	const char *helper;	/* path of ntkd-priv */
	const char *config;	/* path of a configuration that conf_read() takes */
	const char *run_dir;	/* made when it is not there; for journal and names of tables */
	const char *log;	/* file for the helper's lines; NULL: our standard error */
	enum log_level level;
	const char *overrides[CLIENT_OVERRIDES];	/* "KEY=VALUE"; ended by NULL */
};

struct client {
	int fd;			/* to the helper */
	pid_t pid;		/* of the helper */
	struct conf conf;
	struct priv_welcome welcome;
	struct priv_interface devs[CLIENT_DEVS];	/* lo first */
	size_t n_devs;
	struct priv_result results[PRIV_TXN_RESULTS];	/* of the last transaction */
	size_t n_results;
	struct priv_refusal refusal;	/* of the last transaction or hello */
	struct priv_checked checked;	/* of the last check */
	struct priv_difference differences[PRIV_DIFFERENCES];
	size_t n_differences;
	char error[CLIENT_ERROR];	/* what went wrong here */
	/* the message under way */
	uint32_t seq;
	struct wr w;
	uint16_t count;
	bool broken;		/* a part could not be sent */
	uint8_t buf[PRIV_MSG_MAX];
};

/* How a transaction ended. */
enum client_end {
	CLIENT_DONE,
	CLIENT_REFUSED,
	CLIENT_GONE,		/* the helper closed its end, or no valid answer came; see error */
};

/* Starts the helper.  False with C->error; nothing is left open then. */
bool client_start(struct client *c, const struct client_setup *setup);

/* Says hello and takes the welcome.  False with C->error; C->refusal tells when it was refused. */
bool client_hello(struct client *c);

/* Begins a transaction; adds an operation (sending a part when a message is full); ends it. */
void client_begin(struct client *c);
void client_add(struct client *c, const struct priv_op *op);
enum client_end client_commit(struct client *c, unsigned flags);

/* Sends what was added so far as a part of its own. */
void client_part(struct client *c);

/* A transaction of one operation. */
enum client_end client_do(struct client *c, const struct priv_op *op);

/* Checks the namespace with this handle; CLIENT_DONE fills C's checked and differences. */
enum client_end client_check(struct client *c, uint32_t ns);

/* The handle of the I-th object that the last transaction made, 0 when there is none. */
uint32_t client_made(const struct client *c, size_t i);

/* The handle of the interface NAME of the welcome, 0 when there is none. */
uint32_t client_dev(const struct client *c, const char *name);

/*
 * Sends LEN bytes as they are, with the descriptor FD attached unless it is -1, or with N.
 * client_frame() writes a frame's bytes, to W, for such messages.
 */
bool client_send_raw(struct client *c, const void *data, size_t len, int fd);
bool client_send_fds(struct client *c, const void *data, size_t len, const int *fds, size_t n);
void client_frame(struct wr *w, uint8_t type, uint32_t seq, uint8_t flags, uint16_t count);

/*
 * Waits for the helper to say something: its length, 0 when it has closed its end,
 * -1 when nothing came in time.
 */
ssize_t client_receive(struct client *c, void *buf, size_t size);

/* Closes our end.  Waits for the helper's end; its wait status, or -1 when it does not end. */
int client_stop(struct client *c);

/* The same without closing before: for a helper that was killed or ends by itself. */
int client_reap(struct client *c);

#ifdef __cplusplus
}
#endif

#endif
