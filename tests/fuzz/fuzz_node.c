/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The daemon's assembly: bytes become whatever can happen to one system that has a healthy neighbour: datagrams,
 * connections, messages of every kind with values that hit something, answers, kernels that refuse, interfaces
 * that come and go, verbs, time.  The bed asks both nodes after every event whether they are sound, and their
 * kernels whether the order of things was kept; nothing may be left allocated.
 */

#include <string.h>

#include "ntkd/core/node/token.h"
#include "proto/rd.h"
#include "proto/wr.h"
#include "tests/fuzz/fuzz.h"
#include "sim/town.h"

enum { SEC = 1000000, MSEC = 1000, STEPS = 200, NOTED = 16, BODY = 512 };
enum { US, PEER, SYSTEMS };

static struct town b;
static const uint8_t *data;
static size_t left;
static uint32_t noted[NOTED];	/* connections that we accepted */
static size_t n_noted;
static uint32_t calls;

static unsigned
byte(unsigned n)
{
	unsigned v;

	if (left == 0)
		return 0;
	v = *data++ % n;
	left--;
	return v;
}

static uint32_t
word(void)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v = v << 8 | byte(256);
	return v;
}

static struct node *
us(void)
{
	return b.sys[US].node;
}

/* --- values that hit something ----------------------------------------------------------------- */

static ntk_mac_t
mac_of(size_t i, unsigned dev)
{
	return (ntk_mac_t){ { 0, 0x16, 0x3e, 0, (uint8_t)dev, (uint8_t)(i + 1) } };
}

static ntk_mac_t
some_mac(void)
{
	unsigned i = byte(8);

	if (i < 4)
		return mac_of(i & 1, i >> 1);
	if (i == 4)
		return b.sys[byte(2)].pseudo[1 + byte(4)][byte(2)];
	return (ntk_mac_t){ { (uint8_t)byte(4), 1, 2, 3, 4, (uint8_t)byte(8) } };
}

static ntk_ip_t
some_linklocal(void)
{
	unsigned i = byte(4);

	if (i < 2)
		return b.sys[i].address[byte(2)];
	return i == 2 ? 0xa9fe0100 + byte(8) : word();
}

/* NodeIDs of identities of both, and of nobody. */
static uint32_t
some_id(void)
{
	const struct node *n = b.sys[byte(2)].node;

	if (byte(4) == 0 || n == NULL)
		return byte(8);
	return node_identity(n, byte(256) % node_identities(n)).id;
}

static uint32_t
some_connection(void)
{
	struct nbh_entry e;
	unsigned i = byte(4);

	if (i == 0)
		return byte(16);
	if (i == 1 && n_noted > 0)
		return noted[byte(256) % (n_noted < NOTED ? n_noted : NOTED)];
	i = byte(4);
	return nbh_entry_at(node_nbh(us()), i, &e) ? e.connection : 1;
}

static unsigned
some_index(void)
{
	return byte(6);
}

/* The next bytes as the body of a message of TYPE; false when that is malformed. */
static bool
read_body(uint8_t type, struct peer_msg *m, struct msg_error *err)
{
	static uint64_t memory[BODY * PEER_EXPANSION / 8 + 8];
	struct msg_arena arena = { .buf = (uint8_t *)memory, .size = sizeof(memory) };
	size_t n = byte(256);
	struct rd r;
	bool ok;

	n = n > left ? left : n;
	rd_init(&r, data, n);
	ok = peer_msg_read(type, &r, &arena, m, err);
	data += n;
	left -= n;
	return ok;
}

static void
address_make(struct peer_addr *a, uint8_t gexp[4], uint32_t pos[4])
{
	static const uint8_t real[4] = { 1, 1, 1, 2 };

	for (unsigned i = 0; i < 4; i++) {
		gexp[i] = byte(16) == 0 ? (uint8_t)byte(8) : real[i];
		pos[i] = byte(8) == 0 ? byte(8) : byte(2);
	}
	a->gexp.v = gexp;
	a->gexp.n = 4;
	a->pos.v = pos;
	a->pos.n = 4;
}

/* A message of TYPE in M and the static memory it points to; false: there is none. */
static bool
message_fill(uint8_t type, struct peer_msg *m)
{
	static uint8_t gexp[4];
	static uint32_t pos[4], peers[4], nodes[5], eld[5][4];
	static struct peer_fp fps[5];
	static struct peer_match matches[4];
	static struct peer_path paths[2];
	static struct peer_hop hops[2];
	static uint32_t arcs[2];
	struct msg_error err;
	ntk_mac_t mac;

	memset(m, 0, sizeof(*m));
	m->type = type;
	if (byte(4) == 0)
		return read_body(type, m, &err);
	switch (type) {
	case PEER_get_main_id:
		m->get_main_id.main = some_id();
		return true;
	case PEER_main_id:
		m->main_id.main = some_id();
		return true;
	case PEER_match_duplication:
		m->match_duplication.migration = 1 + byte(3);
		m->match_duplication.old = some_id();
		m->match_duplication.made = some_id();
		mac = some_mac();
		memcpy(m->match_duplication.mac, mac.b, sizeof(mac.b));
		m->match_duplication.linklocal = some_linklocal();
		m->match_duplication.peers.n = (uint16_t)(1 + byte(3));
		for (unsigned i = 0; i < 4; i++)
			peers[i] = some_id();
		m->match_duplication.peers.v = peers;
		return true;
	case PEER_matched:
		m->matched.matches.n = (uint16_t)byte(4);
		for (unsigned i = 0; i < 4; i++) {
			mac = some_mac();
			matches[i] = (struct peer_match){ .peer = some_id(), .status = (uint8_t)byte(4),
				.made = some_id(), .linklocal = some_linklocal() };
			memcpy(matches[i].mac, mac.b, sizeof(mac.b));
		}
		m->matched.matches.v = matches;
		return true;
	case PEER_iarc_removed:
		m->iarc_removed.from = some_id();
		m->iarc_removed.to = some_id();
		return true;
	case PEER_full_request:
		address_make(&m->full_request.requester, gexp, pos);
		return true;
	case PEER_prepare_destroy:
		m->prepare_destroy.level = (uint8_t)byte(4);
		return true;
	case PEER_destroy:
		return true;
	case PEER_close:
		m->close.reason = (uint8_t)(1 + byte(3));
		return true;
	case PEER_alive:
		m->alive.ask = (uint8_t)byte(2);
		return true;
	case PEER_etp:
		m->etp.incarnation = byte(3);
		m->etp.seq = byte(8);
		m->etp.full = (uint8_t)byte(2);
		address_make(&m->etp.sender, gexp, pos);
		m->etp.fps.n = 5;
		m->etp.nodes.n = 5;
		for (unsigned i = 0; i < 5; i++) {
			for (unsigned k = 0; k < 4; k++)
				eld[i][k] = byte(3);
			fps[i] = (struct peer_fp){ .id = 1 + byte(4), .level = (uint8_t)i };
			fps[i].eld.v = (const void *)eld[i];
			fps[i].eld.n = (uint16_t)(4 - i);
			nodes[i] = i == 0 ? 1 : 1 + byte(3);
		}
		m->etp.fps.v = fps;
		m->etp.nodes.v = nodes;
		m->etp.reports.v = fps;
		m->etp.reports.n = 5;
		for (unsigned i = 0; i < 2; i++) {
			hops[i] = (struct peer_hop){ (uint8_t)byte(4), byte(4) };
			arcs[i] = 1 + byte(8);
			paths[i] = (struct peer_path){ .cost_kind = (uint8_t)byte(3), .cost = 1 + byte(200),
				.fp = byte(5), .nodes = 1 };
			paths[i].hops.v = &hops[i];
			paths[i].hops.n = 1;
			paths[i].arcs.v = (const void *)&arcs[i];
			paths[i].arcs.n = 1;
		}
		m->etp.paths.v = paths;
		m->etp.paths.n = (uint16_t)byte(3);
		return true;
	default:
		return read_body(type, m, &err);
	}
}

/* As it comes out of a connection: what the table does not allow does not come. */
static bool
message_make(uint8_t type, struct peer_msg *m)
{
	static uint64_t memory[4 * BODY * PEER_EXPANSION / 8 + 8];
	static uint8_t body[4 * BODY];
	struct msg_arena arena = { .buf = (uint8_t *)memory, .size = sizeof(memory) };
	struct peer_msg filled;
	struct msg_error err;
	struct wr w;
	struct rd r;

	if (!message_fill(type, &filled) || peer_msg_size(&filled) > sizeof(body))
		return false;
	wr_init(&w, body, sizeof(body));
	peer_msg_write(&filled, &w);
	rd_init(&r, body, w.len);
	return peer_msg_read(type, &r, &arena, m, &err);
}

/* --- from the network ------------------------------------------------------------------------------ */

static uint8_t
some_type(void)
{
	static const uint8_t types[] = { PEER_hello, PEER_open, PEER_close, PEER_opened, PEER_alive,
		PEER_get_main_id, PEER_main_id, PEER_match_duplication, PEER_matched, PEER_iarc_removed,
		PEER_iarc_gone, PEER_etp, PEER_full_request, PEER_prepare_destroy, PEER_destroy };

	return types[byte(sizeof(types))];
}

static void
message(void)
{
	uint32_t connection = some_connection(), call = byte(2) != 0 ? TOWN_FORGED + ++calls : 0;
	uint32_t source = 0, destination = 0;
	struct peer_msg m;
	uint8_t type = some_type();

	if (type >= PEER_etp || byte(8) == 0) {
		source = some_id();
		destination = some_id();
	}
	if (message_make(type, &m))
		node_message(us(), b.now, connection, call, source, destination, &m);
}

static void
answer(void)
{
	static const enum node_outcome outcomes[] = { NODE_ANSWERED, NODE_REFUSED, NODE_UNANSWERED,
		NODE_PATIENCE };
	enum node_outcome o = outcomes[byte(4)];
	uint64_t token = token_make((enum token_module)(byte(8) == 0 ? byte(8) : 1 + byte(3)), 1 + byte(32));
	uint8_t type = some_type();
	struct peer_msg m;

	if (o != NODE_ANSWERED)
		node_answered(us(), b.now, some_connection(), token, type, o, (uint8_t)byte(8), NULL);
	else if (peer_answer_type(type) != 0 && message_make(peer_answer_type(type), &m))
		node_answered(us(), b.now, some_connection(), token, type, o, 0, &m);
}

static void
network(void)
{
	struct peer_msg m;

	switch (byte(8)) {
	case 0:
		if (message_make(PEER_hello, &m))
			node_datagram(us(), b.now, byte(2), some_linklocal(), &m);
		break;
	case 1:
		noted[n_noted++ % NOTED] = node_accepted(us(), b.now, byte(2), some_linklocal());
		break;
	case 2:
		node_connected(us(), b.now, some_connection());
		break;
	case 3:
		node_closed(us(), b.now, some_connection());
		break;
	case 4:
		answer();
		break;
	default:
		message();
		break;
	}
	town_poke(&b, US);
}

/* --- what else happens ----------------------------------------------------------------------------- */

static void
interface(void)
{
	unsigned dev = byte(2);

	switch (byte(5)) {
	case 0:
		node_nic_gone(us(), b.now, dev);
		break;
	case 1:
		node_carrier(us(), b.now, dev, byte(2) != 0);
		break;
	case 2:
		node_listening(us(), b.now, dev, some_linklocal(), byte(2) != 0);
		break;
	case 3:
		node_nic_up(us(), b.now, dev, byte(4) == 0 ? some_mac() : mac_of(US, dev));
		break;
	default:
		node_nic_up(us(), b.now, dev, mac_of(US, dev));
		break;
	}
	town_poke(&b, US);
}

static void
prepare(size_t i)
{
	static const uint32_t homes[SYSTEMS][4] = { { 0, 1, 0, 1 }, { 0, 1, 1, 2 } };
	struct node_plan p = { .enter = byte(2) != 0, .identity = some_index(), .guest_level = byte(3),
		.temporary_position = 4 + byte(2), .eldership = byte(4), .connectivity_position = 4 + byte(8),
		.operation = 1 + byte(3), .waits = byte(3) == 0, .after = 9 };
	struct node_error err;
	uint32_t arcs[3];

	p.host_level = p.guest_level + 1 + byte(2) + (byte(16) == 0 ? 2 : 0);
	p.position = byte(3);
	for (unsigned l = 4; l-- > p.host_level; ) {
		p.host_address[p.n_host_address] = byte(8) == 0 ? byte(4) : homes[!i][l];
		p.host_elderships[p.n_host_address++] = byte(3);
	}
	p.n_host_elderships = p.n_host_address;
	p.n_arcs = byte(4);
	for (unsigned k = 0; k < 3; k++)
		arcs[k] = byte(4);
	p.arcs = arcs;
	node_prepare(b.sys[i].node, b.now, &p, &err);
}

static void
load(size_t i)
{
	struct node_error err;
	struct facts_arc a = { .dev = (uint8_t)byte(2), .qspn = true, .known = true };
	struct facts f;
	unsigned index;

	facts_init(&f);
	f.main = byte(4) == 0;
	for (unsigned l = 0; l < 4; l++)
		f.address.pos[l] = byte(2);
	a.peer = f.address;
	a.peer.pos[byte(4)] ^= 1;
	a.peer_mac = some_mac();
	a.peer_linklocal = some_linklocal();
	if (byte(2) == 0 || facts_add_arc(&f, &a))
		node_load(b.sys[i].node, &f, f.main ? 0 : 1 + byte(3), &index, &err);
	facts_free(&f);
}

static void
verb(void)
{
	size_t i = byte(4) == 0 ? PEER : US, removed;
	struct node *n = b.sys[i].node;
	struct node_error err;
	bool flag;

	if (n == NULL)
		return;
	switch (byte(12)) {
	case 0:
		node_add_real_arc(n, b.now, mac_of(i, byte(2)), mac_of(!i, byte(2)), 1 + byte(250), &flag, &err);
		break;
	case 1:
		node_change_real_arc(n, b.now, mac_of(i, byte(2)), mac_of(!i, byte(2)), byte(250), &err);
		break;
	case 2:
		node_remove_real_arc(n, b.now, mac_of(i, byte(2)), mac_of(!i, byte(2)), &err);
		break;
	case 3:
	case 4:
		prepare(i);
		break;
	case 5:
	case 6:
		node_phase_1(n, b.now, byte(2) != 0, some_index(), 1 + byte(3), &err);
		break;
	case 7:
		node_phase_2(n, b.now, byte(2) != 0, some_index(), 1 + byte(3), &err);
		break;
	case 8:
		node_add_qspn_arc(n, b.now, some_index(), byte(2), byte(4) == 0 ? some_mac() :
		    mac_of(!i, byte(2)), &err);
		break;
	case 9:
		if (byte(2) != 0)
			node_remove_outer_arcs(n, b.now, some_index(), &removed, &err);
		else
			node_check_connectivity(n, some_index(), byte(2) != 0, byte(5), &flag, &err);
		break;
	case 10:
		node_remove(n, b.now, some_index(), &err);
		break;
	default:
		load(i);
		break;
	}
	town_poke(&b, i);
}

static void
surroundings(void)
{
	switch (byte(5)) {
	case 0:
		b.sys[US].refuse = byte(8);
		break;
	case 1:
		b.kernel_delay = byte(256) * 2 * MSEC;
		b.segment[0].loss = byte(4) * 100000;
		break;
	case 2:
		b.sys[PEER].cut = byte(2) != 0;
		break;
	case 3:
		if (b.sys[PEER].node != NULL)
			town_kill(&b, PEER);
		else
			must(town_start(&b, PEER));
		break;
	default:
		b.segment[0].latency = byte(256) * MSEC;
		break;
	}
}

static void
step(void)
{
	switch (byte(8)) {
	case 0:
		town_run(&b, b.now + byte(256) * MSEC);
		break;
	case 1:
		town_run(&b, b.now + byte(32) * SEC);
		break;
	case 2:
	case 3:
		network();
		break;
	case 4:
		interface();
		break;
	case 5:
	case 6:
		verb();
		break;
	default:
		surroundings();
		break;
	}
}

static void
begin(void)
{
	static const char *const addresses[] = { "1.0.1.0", "2.1.1.0" };
	static const char *const modes[] = { "manual", "auto" };
	unsigned mode = byte(8) == 7;

	town_init(&b, byte(256));
	for (size_t i = 0; i < SYSTEMS; i++) {
		ntk_mac_t macs[2] = { mac_of(i, 0), mac_of(i, 1) };
		char text[300];

		snprintf(text, sizeof(text), "topology = \"4.2.2.2\"\naddress = \"%s\"\nmode = \"%s\"\n"
		    "interface eth1 { }\ninterface eth2 { }\nhandover-delay = 1000\n", addresses[i],
		    modes[mode]);
		town_add_text(&b, i == US ? "us" : "peer", text, macs);
		must(town_start(&b, i));
	}
	town_run(&b, b.now + 4 * (uint64_t)SEC);
	/* Mostly the course is meant to be further than the first hello. */
	if (mode == 0 && byte(8) != 0) {
		struct node_error err;
		bool noted_already;

		for (size_t i = 0; i < SYSTEMS; i++) {
			node_add_real_arc(b.sys[i].node, b.now, mac_of(i, 0), mac_of(!i, 0), 10000,
			    &noted_already, &err);
			town_poke(&b, i);
		}
		town_run(&b, b.now + 3 * (uint64_t)SEC);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *d, size_t size)
{
	data = d;
	left = size;
	n_noted = 0;
	calls = 0;
	begin();
	for (unsigned i = 0; i < STEPS && left > 0 && b.fault == NULL; i++)
		step();
	if (b.fault == NULL)
		town_run(&b, b.now + 30 * (uint64_t)SEC);
	if (b.fault != NULL)
		fprintf(stderr, "%s\n", b.fault);
	must(b.fault == NULL);
	town_free(&b);
	return 0;
}
