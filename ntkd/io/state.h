/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_IO_STATE_H
#define NTKD_IO_STATE_H

/*
 * The state file (ntkctl dump_state, load_state; ntkctl(8)) as JSON: facts of one identity to
 * and from jansson objects.  The daemon opens no file: the object comes over the
 * control socket.
 */

#include <jansson.h>

#include "common/conf.h"
#include "ntkd/kernel/facts.h"

/*
 * Reads JSON into F (initialised by the caller) and FILE_NS.  Interface names are
 * looked up in C.  Everything is checked: types, unknown and missing keys, bounds,
 * version, topology equal to C's, and facts_check().  False with ERR, whose
 * field is the path in the file ("arcs[1].peer_mac"); F is then empty.
 * CODE (static) is the code of spec/manual-mode 3 that fits: "usage", "unknown_arc",
 * "wrong_address".
 */
bool state_read(const json_t *json, const struct conf *c, struct facts *f, uint32_t *file_ns,
    const char **code, struct facts_error *err);

/* The mirror; a new reference, or NULL when memory is exhausted. */
json_t *state_write(const struct conf *c, const struct facts *f, uint32_t file_ns);

#endif
