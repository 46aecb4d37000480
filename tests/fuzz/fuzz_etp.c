/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bodies of messages between nodes: the first byte is the type.  What decodes is valid, fits
 * the memory that was promised to suffice, prints, and encodes again to the same bytes, or
 * to shorter ones that mean the same (numbers of variable length may be written long).  It is
 * then given to a manager that knows a small network: whatever it says, the manager stays sound.
 */

#include <stdlib.h>
#include <string.h>

#include "ntkd/core/qspn/qspn.h"
#include "proto/peermsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool what)
{
	if (!what)
		abort();
}

/* Decodes into memory of its own; NULL: it is malformed. */
static uint8_t *
decode(uint8_t type, const uint8_t *data, size_t size, struct peer_msg *m)
{
	struct msg_arena a = { .size = PEER_EXPANSION * size + 256 };
	struct msg_error err = { "", "", "", 0 };
	struct rd r;

	a.buf = malloc(a.size);
	must(a.buf != NULL);
	rd_init(&r, data, size);
	if (peer_msg_read(type, &r, &a, m, &err)) {
		must(a.used <= a.size);
		return a.buf;
	}
	must(err.why[0] != '\0' && strcmp(err.why, "too large") != 0);
	free(a.buf);
	return NULL;
}

static uint8_t *
encode(const struct peer_msg *m, size_t *size)
{
	uint8_t *out;
	struct wr w;

	*size = peer_msg_size(m);
	out = malloc(*size + 1);
	must(out != NULL);
	wr_init(&w, out, *size);
	peer_msg_write(m, &w);
	return out;
}

static void
write_and_read(const struct peer_msg *m, const uint8_t *data, size_t size)
{
	size_t once_size, twice_size;
	uint8_t *once = encode(m, &once_size), *memory, *twice;
	struct peer_msg again;

	must(once_size <= size);
	must(once_size < size || memcmp(once, data, size) == 0);
	memory = decode(m->type, once, once_size, &again);
	must(memory != NULL);
	twice = encode(&again, &twice_size);
	must(once_size == twice_size && memcmp(once, twice, once_size) == 0);
	free(twice);
	free(memory);
	free(once);
}

/* A manager at 0.0 of 4.4 with two arcs, of which M comes over the first. */
static void
give(const struct peer_msg *m)
{
	struct naddr me = { .pos = { 0, 0 } };
	const int32_t eld[TOPO_LEVELS] = { 0, 0 };
	struct fingerprint fp;
	struct qspn_params p;
	struct qspn_out out;
	struct topo t;
	struct qspn *q;
	struct rng rng;
	char why[200];

	must(topo_parse("4.4", &t, why, sizeof(why)));
	qspn_params_default(&p, &t);
	rng_init(&rng, 1);
	qspn_out_init(&out);
	fp = fingerprint_node(t.levels, 77, eld);
	q = qspn_create_net(&p, &rng, 0, &me, &fp, &out);
	must(q != NULL && qspn_arc_add(q, 1, 1, 1000, &out) && qspn_arc_add(q, 2, 2, 1000, &out));
	qspn_receive(q, 1000, 1, 5, m, &out);
	must(qspn_invariant(q, why, sizeof(why)));
	qspn_receive(q, 2000, 2, 6, m, &out);
	qspn_tick(q, 500000, &out);
	must(qspn_invariant(q, why, sizeof(why)) && !qspn_failed(q));
	qspn_out_free(&out);
	qspn_free(q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peer_msg m;
	uint8_t *memory;
	char text[300];

	if (size == 0)
		return 0;
	memory = decode(data[0], data + 1, size - 1, &m);
	if (memory == NULL)
		return 0;
	must(m.type == data[0] && peer_msg_print(&m, text, sizeof(text)) > 0);
	write_and_read(&m, data + 1, size - 1);
	give(&m);
	free(memory);
	return 0;
}
