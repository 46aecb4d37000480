/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bytes become events of a small neighbourhood: two real nodes with two interfaces each, in which
 * time passes, links fail, operators change their minds, kernels refuse, and a third party on the
 * link says whatever the bytes make it say.  After every call the invariants hold, and actions come
 * in an order that a caller can carry out (tests/unit/nbhbed.h).
 */

#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/nbhbed.h"

enum { NODES = 2, DEVS = 2, STEPS = 200, CONNECTIONS = 8 };

static struct bed b;
static const uint8_t *data;
static size_t left;
static uint32_t accepted[CONNECTIONS];
static unsigned n_accepted;

/* The next byte, 0 behind the end; its rest below N. */
static unsigned
byte(unsigned n)
{
	unsigned v = 0;

	if (left != 0) {
		v = *data++;
		left--;
	}
	return v % n;
}

static uint32_t
word(void)
{
	uint32_t v = byte(256);

	v = v << 8 | byte(256);
	v = v << 8 | byte(256);
	return v << 8 | byte(256);
}

static bool
runs(unsigned x)
{
	return b.node[x].n != NULL;
}

/* --- what somebody on the link can say ------------------------------------------------------ */

static uint32_t
some_node(void)
{
	switch (byte(6)) {
	case 0:
		return b.node[0].n != NULL ? b.node[0].n->node : 1;
	case 1:
		return b.node[1].n != NULL ? b.node[1].n->node : 1;
	case 2:
		return 1 + byte(3);		/* leads everybody */
	case 3:
		return PEER_NODE_MAX - byte(3);	/* follows */
	default:
		return 1 + word() % PEER_NODE_MAX;
	}
}

static ntk_ip_t
some_address(void)
{
	switch (byte(4)) {
	case 0:
		return b.nic[nbed_nic_of(byte(NODES), byte(DEVS))].address;
	case 1:
		return word();
	default:
		return 0xa9fe0101 + byte(8);
	}
}

static void
some_mac(uint8_t mac[6])
{
	const ntk_mac_t invented = { { 2, 0, 0, 0, 0, (uint8_t)byte(8) } };

	memcpy(mac, byte(3) == 0 ? b.nic[nbed_nic_of(byte(NODES), byte(DEVS))].mac.b :
	    invented.b, 6);
}

static void
forge(void)
{
	unsigned x = byte(NODES), dev = byte(NBH_DEVS + 1);
	struct peer_heard heard[4];
	struct peer_hello h = { .node = some_node(), .address = some_address(),
		.interval = (uint16_t)(100 + byte(256) * 20), .timestamp = word(),
		.heard = { heard, (uint16_t)byte(5) } };

	some_mac(h.mac);
	for (unsigned i = 0; i < h.heard.n; i++) {
		heard[i] = (struct peer_heard){ .node = some_node(), .timestamp = word(),
			.received = h.timestamp - byte(256), .flags = byte(2) };
		some_mac(heard[i].mac);
		if (runs(x) && byte(2) != 0)
			heard[i].timestamp = b.node[x].n->nic[dev % NBH_DEVS].stamps[byte(STAMPS)];
	}
	if (runs(x))
		nbed_forge(&b, x, dev, &h);
}

/* A body as it came: what decodes is heard. */
static void
raw_hello(void)
{
	static uint8_t memory[PEER_EXPANSION * 4096];
	struct msg_arena a = { memory, sizeof(memory), 0 };
	struct peer_msg m;
	struct msg_error err;
	size_t len = byte(256);
	struct rd r;

	if (len > left)
		len = left;
	rd_init(&r, data, len);
	data += len;
	left -= len;
	if (peer_msg_read(PEER_hello, &r, &a, &m, &err) && runs(0))
		nbed_forge(&b, 0, byte(DEVS), &m.hello);
}

static uint32_t
some_connection(unsigned x)
{
	const struct nbh *n = b.node[x].n;

	if (byte(2) != 0 || n->n_connections == 0)
		return accepted[byte(CONNECTIONS)];
	return n->connection[byte(256) % n->n_connections]->number;
}

static void
talk(void)
{
	unsigned x = byte(NODES);
	struct peer_msg m = { .type = (uint8_t)(1 + byte(6)) };
	const struct topo *t = &b.node[x].p.topo;
	uint32_t connection;

	if (!runs(x))
		return;
	connection = some_connection(x);
	if (m.type == PEER_open) {
		m.open = (struct peer_open){ .protocol = byte(8) == 0 ? 2 : PEER_VERSION,
			.node = some_node(), .address = some_address(), .peer_node = some_node(),
			.peer_address = some_address(), .range = 0x0a000000, .range_len = 8,
			.gexp = { t->gexp, byte(8) == 0 ? 1 : t->levels } };
		some_mac(m.open.mac);
		some_mac(m.open.peer_mac);
	} else if (m.type == PEER_opened) {
		m.opened = (struct peer_opened){ PEER_VERSION, some_node() };
	} else if (m.type == PEER_close) {
		m.close.reason = (uint8_t)(1 + byte(2));
	} else if (m.type == PEER_alive) {
		m.alive.ask = (uint8_t)byte(2);
	}
	nbed_say(&b, x, connection, (enum peer_kind)(1 + byte(5)), byte(3), m.type,
	    byte(4) != 0 ? &m : NULL, (uint8_t)byte(10));
}

static void
accept_one(void)
{
	unsigned x = byte(NODES), dev = byte(DEVS);

	if (runs(x))
		accepted[n_accepted++ % CONNECTIONS] = nbed_accept(&b, x, dev, some_address());
}

/* --- what else happens ------------------------------------------------------------------------ */

static void
operator_says(void)
{
	unsigned x = byte(NODES), dev = byte(DEVS), nic = nbed_nic_of(1 - x, byte(DEVS));

	if (!runs(x))
		return;
	switch (byte(3)) {
	case 0:
		nbed_want(&b, x, dev, nic);
		return;
	case 1:
		nbed_unwant(&b, x, dev, nic);
		return;
	default:
		if (b.node[x].n_arcs != 0)
			nbed_remove(&b, x, b.node[x].arc[byte(256) % b.node[x].n_arcs].arc,
			    byte(2) != 0);
		return;
	}
}

static void
interface_does(void)
{
	unsigned x = byte(NODES), dev = byte(DEVS);

	if (!runs(x))
		return;
	switch (byte(5)) {
	case 0:
		nbed_down(&b, x, dev);
		return;
	case 1:
		nbed_gone(&b, x, dev);
		return;
	case 2:
		nbed_carrier(&b, x, dev, false);
		return;
	case 3:
		nbed_carrier(&b, x, dev, true);
		return;
	default:
		nbed_up(&b, x, dev);
		return;
	}
}

static void
links_do(void)
{
	unsigned a = nbed_nic_of(0, byte(DEVS)), c = nbed_nic_of(1, byte(DEVS));

	nbed_join(&b, a, c, byte(2) != 0);
	b.loss = byte(4) * 100;
	b.copies = byte(4) * 100;
	b.connect_fails = byte(4) * 300;
	b.deaf = byte(8) == 0;
	b.kernel_max = byte(256) * 20000;
}

static void
node_does(void)
{
	unsigned x = byte(NODES);

	switch (byte(4)) {
	case 0:
		b.node[x].no_routes = byte(2) != 0;
		return;
	case 1:
		b.node[x].no_addresses = byte(2) != 0;
		return;
	case 2:
		if (runs(x)) {
			byte(2) != 0 ? nbed_stop(&b, x) : nbed_kill(&b, x, byte(2) != 0);
			return;
		}
		nbed_start(&b, x);
		for (unsigned dev = 0; dev < DEVS; dev++)
			nbed_up(&b, x, dev);
		return;
	default:
		if (runs(x))
			nbed_hang_up(&b, x, some_connection(x));
		return;
	}
}

static void
step(void)
{
	switch (byte(10)) {
	case 0:
	case 1:
		nbed_run(&b, byte(256) * 1000);
		return;
	case 2:
		nbed_run(&b, byte(256) * 20000);
		return;
	case 3:
		forge();
		return;
	case 4:
		raw_hello();
		return;
	case 5:
		accept_one();
		return;
	case 6:
		talk();
		return;
	case 7:
		operator_says();
		return;
	case 8:
		interface_does();
		return;
	default:
		byte(2) != 0 ? links_do() : node_does();
		return;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *d, size_t size)
{
	unsigned mode;

	data = d;
	left = size;
	n_accepted = 0;
	memset(accepted, 0, sizeof(accepted));
	nbed_init(&b, byte(256));
	mode = byte(16);
	for (unsigned x = 0; x < NODES; x++) {
		nbed_node(&b, x, 0);
		b.node[x].p.automatic = (mode >> x & 1) == 0;
		b.node[x].p.max_entries = 6;
		b.node[x].p.max_arcs = (mode & 4) != 0 ? 2 : 5;
		b.node[x].p.max_opening = (mode & 8) != 0 ? 1 : 3;
		b.node[x].p.max_wishes = 3;
		nbed_start(&b, x);
	}
	nbed_segment(&b, 3, DEVS);
	for (unsigned x = 0; x < NODES; x++)
		for (unsigned dev = 0; dev < DEVS; dev++)
			nbed_up(&b, x, dev);
	for (unsigned i = 0; i < STEPS && left != 0 && b.wrong[0] == '\0'; i++)
		step();
	if (b.wrong[0] != '\0')
		fprintf(stderr, "%s\n", b.wrong);
	must(b.wrong[0] == '\0');
	nbed_free(&b);
	return 0;
}
