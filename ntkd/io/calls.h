/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_CALLS_H
#define NTKD_IO_CALLS_H

/*
 * The calls of one connection: which answers are awaited, and which are owed.  No socket; the
 * time is handed in.
 *
 * Numbers count per direction (spec/neighborhood 19.6): ours from 1 up, past 0; the other end's
 * as it likes, as long as no two that are open are equal.  An answer that nobody awaits (any
 * more: it came after its time) is told apart from one of the wrong type, which no healthy end
 * sends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CALLS_OPEN = 256,	/* that await an answer, in each direction */
	CALLS_WAITS = 1000,	/* a call may be told to wait so many times */
};

#define CALLS_NEVER UINT64_MAX

struct calls {
	struct call_out {
		uint32_t id;
		uint8_t type;
		uint16_t waits;
		uint32_t source;	/* identities: who called */
		uint32_t destination;	/* and whom */
		uint64_t token;		/* the caller's */
		uint64_t limit;		/* µs from the call, or the last wait, to its end */
		uint64_t deadline;
	} *out;
	size_t n_out, size_out;
	struct call_in {
		uint32_t id;
		uint8_t type;
		uint32_t source;
		uint32_t destination;
	} *in;
	size_t n_in, size_in;
	uint32_t last_id;
};

void calls_init(struct calls *c);
void calls_free(struct calls *c);

/*
 * O, whose type, source, destination, token and limit are set, goes out at NOW (µs).  Its
 * number; 0 when CALLS_OPEN await an answer, or memory is exhausted.
 */
uint32_t calls_begin(struct calls *c, const struct call_out *o, uint64_t now);

enum calls_match {
	CALLS_MATCH,		/* it is over: *TOKEN */
	CALLS_WAIT,		/* it goes on, its time begins anew: *TOKEN */
	CALLS_UNKNOWN,		/* nobody awaits it */
	CALLS_WRONG,		/* of another type, or between others; or one wait too many */
};

/* The answer A came, whose type is that of the call; WAIT: it only asks for patience. */
enum calls_match calls_end(struct calls *c, const struct call_in *a, bool wait, uint64_t now,
    uint64_t *token);

/* The call ID was not sent after all. */
void calls_forget(struct calls *c, uint32_t id);

/* When the next call's time is over, CALLS_NEVER when none is open. */
uint64_t calls_deadline(const struct calls *c);

/*
 * Takes out one whose time is over at NOW, in the order of their deadlines; false when there is
 * none.
 */
bool calls_expire(struct calls *c, uint64_t now, uint8_t *type, uint64_t *token);

/*
 * The other end calls.  False when its number is open already, or too many are; memory exhausted
 * likewise.
 */
bool calls_received(struct calls *c, const struct call_in *i);

/*
 * The call ID of the other end, valid until the next call of a function of C; NULL when none is
 * open.
 */
const struct call_in *calls_owed(const struct calls *c, uint32_t id);

/* It is answered; false when no such call is open. */
bool calls_answered(struct calls *c, uint32_t id);

#ifdef __cplusplus
}
#endif

#endif
