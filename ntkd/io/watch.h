/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_WATCH_H
#define NTKD_IO_WATCH_H

/*
 * Watches over what was made in the kernel: takes its notifications (kmon.h), asks for checks
 * when it is time (drift.h), and tells the operator what they found.  What is told once is
 * not told again while it stays the same.
 */

#include <jansson.h>

#include "ntkd/io/kmon.h"
#include "ntkd/kernel/txn.h"

#ifdef __cplusplus
extern "C" {
#endif

struct watch;

/* One for D, whose kernel object and loop exist; NULL when memory is exhausted. */
struct watch *watch_new(struct daemon *d);
void watch_free(struct watch *w);

/*
 * Listens to the notification sockets FDS (kmon.h), which are taken.  False when memory is exhausted;
 * FDS are then still the caller's.
 */
bool watch_listen(struct watch *w, const struct knote_rules *rules, const int fds[KMON_SOCKETS]);

/* kmon_on_nics(), kmon_catch_up(), kmon_nic() of its notification sockets. */
bool watch_on_nics(struct watch *w, nics_told *tell, void *arg);
void watch_catch_up(struct watch *w);
const struct nic_state *watch_nic(const struct watch *w, size_t nic);

/* The kernel has the main identity's state: it is watched from now on. */
void watch_start(struct watch *w);

/* A change of namespace NS has ended: whether it is there or not shows in the kernel object. */
void watch_namespace(struct watch *w, unsigned ns);

/*
 * Checks every namespace now.  Puts into RESULT, the result of the verb check, what is found, and
 * calls WHAT when all have been, from the loop; RESULT is borrowed until then.  False when
 * memory is exhausted: WHAT is not called then.
 */
typedef void watch_done(struct daemon *d, bool ok, void *arg);
bool watch_ask(struct watch *w, json_t *result, watch_done *what, void *arg);

struct watch_counters {
	uint64_t checks;
	uint64_t repaired;	/* since the start */
	uint64_t removed;	/* since the start */
	uint64_t failed;	/* at the last check of each namespace */
	uint64_t foreign;	/* at the last check of each namespace */
	struct kmon_counters notices;
};

/* Of W, zeroes for NULL. */
struct watch_counters watch_counters(const struct watch *w);

/*
 * What FOUND says for people: "2 put back: route a, route b; ...".  With ALL false only what was
 * put back or removed.  Returns BUF, of WATCH_TEXT bytes.
 */
enum { WATCH_TEXT = 1024 };
char *watch_print(const struct kernel_found *found, bool all, char *buf);

#ifdef __cplusplus
}
#endif

#endif
