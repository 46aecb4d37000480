/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_REQUEST_H
#define NTKD_IO_REQUEST_H

/*
 * From the bytes of a line to an answer: parsing, rights, mode, arguments, verb.
 * Knows nothing of sockets; fuzzers and tests call it directly.
 */

#include <jansson.h>

#include "ntkd/kernel/txn.h"
#include "proto/ctlmsg.h"

#ifdef __cplusplus
extern "C" {
#endif

struct daemon;

enum { REQUEST_DEPTH = 16 };	/* nested objects and lists; a state file in a request has 7 */

/* What becomes of a request. */
struct answer {
	json_t *result;		/* owned; NULL is null */
	const char *code;	/* static, of spec/manual-mode 3 or "denied"; NULL: all is well */
	char field[48];
	char message[KERNEL_REFUSAL_TEXT + 48];	/* printable ASCII */
	bool waits;		/* holds once the kernel has brought `ns` to its wanted state */
	unsigned ns;
	bool checks;		/* holds once every namespace was checked, and what was found is in it */
	bool operates;		/* holds once phase 1 of `operation` of `identity` is done, which completes it */
	unsigned identity;
	uint32_t operation;
	bool stream;		/* the client is told events from now on */
	bool stop;		/* the daemon ends once it was sent */
};

/*
 * Judges and runs the request in the LEN bytes at LINE (without its newline),
 * from somebody with RIGHTS.  A is initialised here; the caller ends with answer_free().
 */
void request_run(struct daemon *d, enum ctl_access rights, const char *line, size_t len,
    struct answer *a);

/* Makes A an error; what it held is released.  What FMT makes is escaped. */
void answer_refuse(struct answer *a, const char *code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Ends the waiting of A: an error when RESULT is a refusal. */
void answer_kernel(struct answer *a, const struct kernel_result *result);

/*
 * The line to send, newline included, allocated by malloc(); LEN its length.
 * NULL when memory is exhausted.
 */
char *answer_print(const struct answer *a, size_t *len);

void answer_free(struct answer *a);

#ifdef __cplusplus
}
#endif

#endif
