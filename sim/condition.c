/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/condition.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/kernlist.h"
#include "sim/townwalk.h"

static bool __attribute__((format(printf, 2, 3)))
no(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, CONDITION_WHY, fmt, ap);
	va_end(ap);
	return false;
}

static bool
main_of(const struct town *b, size_t i, struct node_identity *out)
{
	for (size_t k = 0; k < node_identities(b->sys[i].node); k++) {
		*out = node_identity(b->sys[i].node, k);
		if (out->main)
			return true;
	}
	return false;
}

/* --- neighbours ----------------------------------------------------------------------------- */

static bool
shares(const struct town *b, size_t i, unsigned dev, size_t k, unsigned d)
{
	const struct town_system *s = &b->sys[i], *t = &b->sys[k];

	return s->segment[dev] == t->segment[d] && !s->unplugged[dev] && !t->unplugged[d];
}

static bool
hears(const struct town *b, const struct script_step *step, char *why)
{
	const struct town_system *s = &b->sys[step->a], *t = &b->sys[step->b];
	struct nbh_entry e;
	bool any = false;

	for (unsigned d = 0; d < s->conf.n_interfaces; d++)
		for (unsigned k = 0; k < t->conf.n_interfaces; k++) {
			if (!shares(b, step->a, d, step->b, k))
				continue;
			any = true;
			if (!nbh_entry_find(node_nbh(s->node), d, t->mac[k], &e) || e.state < NBH_READY)
				return no(why, "%s does not hear %s of %s", s->conf.interfaces[d].name,
				    t->conf.interfaces[k].name, t->name);
		}
	return any || no(why, "they have no segment in common");
}

static bool
is_up(const struct town *b, size_t i, unsigned dev, ntk_mac_t mac)
{
	struct nbh_entry e;

	return nbh_entry_find(node_nbh(b->sys[i].node), dev, mac, &e) && e.state == NBH_UP;
}

/* Arcs that both ends have; no interface may have two to the same neighbour (spec/neighborhood 10). */
static bool
are_joined(const struct town *b, const struct script_step *step, char *why)
{
	const struct town_system *s = &b->sys[step->a], *t = &b->sys[step->b];
	unsigned there[CONF_INTERFACES] = { 0 };
	uint64_t n = 0;

	if (t->node == NULL)
		return no(why, "%s does not run", t->name);
	for (unsigned d = 0; d < s->conf.n_interfaces; d++) {
		unsigned here = 0;

		for (unsigned k = 0; k < t->conf.n_interfaces; k++) {
			bool up = is_up(b, step->a, d, t->mac[k]);

			if (up != is_up(b, step->b, k, s->mac[d]))
				return no(why, "one end alone has the arc from %s to %s",
				    s->conf.interfaces[d].name, t->conf.interfaces[k].name);
			n += up;
			here += up;
			there[k] += up;
			if (here > 1 || there[k] > 1)
				return no(why, "an interface has two arcs to the same neighbour");
		}
	}
	return n == step->value || no(why, "there are %llu", (unsigned long long)n);
}

/* --- identities ------------------------------------------------------------------------------- */

static bool
has_iarcs(const struct town *b, const struct script_step *step, char *why)
{
	size_t n = node_iarcs(b->sys[step->a].node, step->identity, NULL, 0);

	return n == step->value || no(why, "there are %zu", n);
}

static bool
has_identities(const struct town *b, const struct script_step *step, char *why)
{
	size_t n = node_identities(b->sys[step->a].node);

	return n == step->value || no(why, "there are %zu", n);
}

static bool
is_so_far(const struct town *b, const struct script_step *step, char *why)
{
	struct node_operation op;

	if (!node_operation(b->sys[step->a].node, step->identity, step->operation, &op))
		return no(why, "there is no such operation");
	return (op.state >= step->state && op.state != NODE_OP_FAILED) ||
	    no(why, "it is %s", node_op_state_name(op.state));
}

static bool
has_address(const struct town *b, const struct script_step *step, char *why)
{
	const struct topo *t = &b->sys[step->a].conf.map.topo;
	struct node_identity id;
	char text[TOPO_TEXT];

	if (!node_find(b->sys[step->a].node, step->identity, &id))
		return no(why, "there is no such identity");
	return naddr_equal(t, &id.facts->address, &step->address) ||
	    no(why, "it has %s", naddr_print(t, &id.facts->address, text));
}

static bool
costs(const struct town *b, const struct script_step *step, char *why)
{
	struct node_identity a, z;
	struct qspn_path best;
	struct coord d;

	if (b->sys[step->b].node == NULL || !main_of(b, step->a, &a) || !main_of(b, step->b, &z) ||
	    a.qspn == NULL || !naddr_coord(&b->sys[step->a].conf.map.topo, &a.facts->address,
	    &z.facts->address, &d) || !qspn_best(a.qspn, d, &best))
		return no(why, "there is no path");
	return best.cost == step->value || no(why, "it is %llu", (unsigned long long)best.cost);
}

/* --- packets ------------------------------------------------------------------------------------ */

/* The N-th class of addresses that X and Y may have in common; false when there are no more. */
static bool
class_at(const struct topo *t, const struct naddr *x, const struct naddr *y, unsigned n,
    struct map4_class *out)
{
	unsigned common = t->levels;

	while (common != 0 && x->pos[common - 1] == y->pos[common - 1])
		common--;
	if (n < 2)
		*out = (struct map4_class){ n == 0 ? MAP4_GLOBAL : MAP4_ANONYMIZING, 0 };
	else
		*out = (struct map4_class){ MAP4_INTERNAL, (uint8_t)(common + n - 2) };
	return n < 2 || (out->level != 0 && out->level < t->levels);
}

struct tally {
	unsigned sent, arrived;
	char why[TOWN_WALK_WHY];	/* of the last one that did not */
	char ip[IP_TEXT];
};

static void
send_one(const struct town *b, const struct script_step *step, ntk_ip_t ip, struct tally *t)
{
	char why[TOWN_WALK_WHY];

	t->sent++;
	if (town_walk(b, step->a, step->b, ip, why)) {
		t->arrived++;
		return;
	}
	snprintf(t->why, sizeof(t->why), "%s", why);
	ip_print(ip, t->ip);
}

static void
send_all(const struct town *b, const struct script_step *step, struct tally *t)
{
	const struct map4 *map = &b->sys[step->a].conf.map;
	struct node_identity x, y;
	struct map4_class c;
	ntk_ip_t ip;

	for (size_t i = 0; i < step->n_ips; i++)
		send_one(b, step, step->ips[i], t);
	if (step->n_ips != 0 || b->sys[step->b].node == NULL || !main_of(b, step->a, &x) ||
	    !main_of(b, step->b, &y))
		return;
	for (unsigned i = 0; class_at(&map->topo, &x.facts->address, &y.facts->address, i, &c); i++)
		if ((c.kind != MAP4_ANONYMIZING || b->sys[step->b].conf.accept_anonymous) &&
		    map4_node(map, &y.facts->address, c, &ip))
			send_one(b, step, ip, t);
}

static bool
reaches(const struct town *b, const struct script_step *step, char *why)
{
	struct tally t = { .sent = 0 };

	send_all(b, step, &t);
	if (t.sent == 0)
		return no(why, "there is no address to send to");
	return t.arrived == t.sent || no(why, "%u of %u packets do not arrive; %s: %s", t.sent - t.arrived,
	    t.sent, t.ip, t.why);
}

static bool
is_dead(const struct town *b, const struct script_step *step, char *why)
{
	struct tally t = { .sent = 0 };

	send_all(b, step, &t);
	if (t.sent == 0)
		return no(why, "there is no address to send to");
	return t.arrived == 0 || no(why, "%u of %u packets arrive", t.arrived, t.sent);
}

bool
condition_holds(const struct script *s, const struct town *b, const struct script_step *step,
    char why[CONDITION_WHY])
{
	if (step->condition == SCRIPT_KERNELS)
		return kernlist_compare(s, b, step->text, why, CONDITION_WHY);
	if (b->sys[step->a].node == NULL)
		return no(why, "%s does not run", b->sys[step->a].name);
	switch (step->condition) {
	case SCRIPT_HEAR:
		return hears(b, step, why);
	case SCRIPT_ARCS:
		return are_joined(b, step, why);
	case SCRIPT_IARCS:
		return has_iarcs(b, step, why);
	case SCRIPT_IDENTITIES:
		return has_identities(b, step, why);
	case SCRIPT_OPERATION:
		return is_so_far(b, step, why);
	case SCRIPT_ADDRESS:
		return has_address(b, step, why);
	case SCRIPT_REACH:
		return reaches(b, step, why);
	case SCRIPT_DEAD:
		return is_dead(b, step, why);
	case SCRIPT_COST:
		return costs(b, step, why);
	case SCRIPT_KERNELS:
		break;
	}
	return false;
}
