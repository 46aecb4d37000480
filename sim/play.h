/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_SIM_PLAY_H
#define NTK_SIM_PLAY_H

/* A script of whole systems is played: a town is made, its statements are carried out one after the other. */

#include "sim/condition.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	PLAY_WAIT = 60000000,	/* µs that a condition may take to come true */
	PLAY_STILL = 5000000,	/* µs without an operation of any kernel: rest */
	PLAY_WHY = 1024,
};

struct play_settings {
	uint64_t seed;
	struct town_segment segment;	/* where the script does not say otherwise */
	uint64_t rest_limit;		/* µs */
	uint64_t longest;		/* µs that one statement may take, UINT64_MAX: as long as it does */
};

/* What happened from one statement "step" to the next. */
struct play_part {
	const char *title;
	unsigned line;
	uint64_t virtual_us;
	struct town_count count;
	uint64_t packets;	/* followed */
	uint64_t packets_lost;
};

struct play_flow {
	size_t from, to;
	ntk_ip_t ip;
};

struct play {
	const struct script *script;
	struct play_settings settings;
	struct town *town;
	struct play_part *parts;
	size_t n_parts;
	struct play_flow *flows;	/* watched now */
	size_t n_flows, flows_size;
	uint64_t think;			/* µs */
	unsigned line;			/* of the statement that is carried out */
	struct play_part all;
	bool broken;
	char why[PLAY_WHY];		/* "FILE:LINE: what broke" */
};

/* Makes the town; nothing runs.  SCRIPT must outlive P.  False: memory is exhausted. */
bool play_open(struct play *p, const struct script *script, const struct play_settings *s);
void play_close(struct play *p);

/* Carries STEP out; false when something broke now or before. */
bool play_step(struct play *p, const struct script_step *step);

/* All of the script, until something breaks; fills the parts. */
bool play_run(struct play *p);

#ifdef __cplusplus
}
#endif

#endif
