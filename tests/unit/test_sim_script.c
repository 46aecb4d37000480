/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/playreport.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/tap.h"

#define MAC_A "00:16:3e:00:00:01"
#define MAC_B "00:16:3e:00:00:02"
#define TOWN \
	"systems\nset topology 4.2.2.2\nset handover-delay 1000\nsegment s\n" \
	"system a 2.1.1.0\ninterface a eth1 " MAC_A " s\n" \
	"system b 1.0.1.0\ninterface b eth1 " MAC_B " s\n"
/* Eight lines; the ninth is what a test adds first. */

#define JOINED TOWN "start all\nwait hear a b\nwait hear b a\n" \
	"a: add_real_arc " MAC_A " " MAC_B " 11000\nb: add_real_arc " MAC_B " " MAC_A " 10000\n" \
	"wait iarcs a 0 1\nwait iarcs b 0 1\n"
#define ENTERED JOINED "b: prepare_enter_net_phase_1 0 0 1 2.1.1 0.0.0 2 1 1 2 2 1 [0] 7 null\n" \
	"b: enter_net_phase_1 0 7\nwait iarcs a 0 2\na: add_qspn_arc 0 eth1 " MAC_B "\n" \
	"wait operation b 0 7 done\nwait identities b 1\nrest\n"

static bool
parse(struct script *s, const char *text, char *why, size_t size)
{
	memset(why, 0, size);
	return script_parse(s, "file", text, strlen(text), why, size);
}

static void
test_good(void)
{
	struct script s;
	char why[400];

	CU_ASSERT_TRUE_FATAL(parse(&s, "# a town\n" TOWN
	    "segment t latency 2.5 jitter 3 loss 5 twice 0.5\ninterface a eth2 00:16:3e:00:01:01 t\n"
	    "listed a eth2 169.254.1.1\nlisted a eth2 169.254.1.2 00:16:3e:00:02:02\n"
	    "step one two\nstart all 500\nstart a\ndie b\ncarrier a eth2 down\nkernel 20\nthink 1.5\n"
	    "refuse a 3\nb: enter_net_phase_1 operation=7 identity=0\nrun 10\nrest\n"
	    "watch a b 10.0.0.1 10.0.0.2\nunwatch\nwait hear a b\nwait arcs a b 2\nwait iarcs a 0 1\n"
	    "expect identities a 1\nexpect operation a 0 7 waiting\nexpect address a 0 2.1.1.3\n"
	    "expect reach a b\nexpect dead a b 10.0.0.9\nexpect cost a b 11000\nexpect kernels some/p0\n"
	    "expect refused a unknown_identity remove_identity 5\n", why, sizeof(why)));
	CU_ASSERT_EQUAL_FATAL(s.n_systems, 2);
	CU_ASSERT_EQUAL(s.systems[0].conf.n_interfaces, 2);
	CU_ASSERT_EQUAL(s.systems[0].conf.handover_delay, 1000);
	CU_ASSERT_EQUAL(s.systems[0].conf.mode, CONF_MANUAL);
	CU_ASSERT_EQUAL(s.systems[0].segment[1], 1);
	CU_ASSERT_EQUAL(s.systems[0].listed[1].connectivity_mac.b[5], 2);
	CU_ASSERT_EQUAL(s.segments[1].given.latency, 2500);
	CU_ASSERT_EQUAL(s.segments[1].given.loss, 50000);
	CU_ASSERT_EQUAL(s.segments[1].given.twice, 5000);
	CU_ASSERT_FALSE(s.segments[0].has_loss);
	CU_ASSERT_EQUAL_FATAL(s.n_steps, 24);
	CU_ASSERT_STRING_EQUAL(s.steps[0].text, "one two");
	CU_ASSERT_EQUAL(s.steps[1].a, SCRIPT_ALL);
	CU_ASSERT_EQUAL(s.steps[1].value, 500000);
	CU_ASSERT_EQUAL(s.steps[4].dev, 1);
	CU_ASSERT_EQUAL(s.steps[6].value, 1500);
	CU_ASSERT_EQUAL(s.steps[8].verb, CTL_VERB_enter_net_phase_1);
	CU_ASSERT_EQUAL(s.steps[8].line, 22);
	CU_ASSERT_EQUAL(s.steps[11].n_ips, 2);
	CU_ASSERT_EQUAL(s.steps[17].state, NODE_OP_WAITING);
	CU_ASSERT_EQUAL(s.steps[18].address.pos[0], 3);
	CU_ASSERT_EQUAL(s.steps[22].condition, SCRIPT_KERNELS);
	CU_ASSERT_STRING_EQUAL(s.steps[23].code, "unknown_identity");
	script_free(&s);
}

/* Every complaint, with the line it is about. */
static void
test_errors(void)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{ "systems\n", "file:2: there is no system" },
		{ "segment s\n", "file:1: \"systems\" must stand above everything else" },
		{ "systems\nsystems\n", "file:2: that stands above already" },
		{ "systems now\n", "file:1: it is written: systems" },
		{ "systems\nset topology 4.3\n", "file:2: " },
		{ "systems\nset no-such-key 4\n", "file:2: " },
		{ "systems\nset address 1.0.0.0\n", "file:2: address: it has a statement of its own" },
		{ "systems\nset handover-delay soon\n", "file:2: " },
		{ "systems\nsystem a 2.1.1.0\n", "file:2: " },	/* sixteen levels by default */
		{ TOWN "node c 0.0\n", "file:9: node: no such statement among systems" },
		{ TOWN "segment s\n", "file:9: s: this segment stands above already" },
		{ TOWN "segment t!\n", "file:9: t!: a name has up to 31 letters" },
		{ TOWN "segment t latency\n", "file:9: latency: it needs a value" },
		{ TOWN "segment t speed 5\n", "file:9: speed: latency MS, jitter MS" },
		{ TOWN "segment t loss 101\n", "file:9: 101: percent are wanted" },
		{ TOWN "segment t jitter 70000\n", "file:9: a message takes at most 60000 ms" },
		{ TOWN "system a 1.0.0.0\n", "file:9: a: this system stands above already" },
		{ TOWN "system all 1.0.0.0\n", "file:9: all: that means every system" },
		{ TOWN "system c 9.0.0.0\n", "file:9: " },
		{ TOWN "system c 1.0.0.0\n", "file:9: c has no interface" },
		{ TOWN "set topology 2.2\nsystem c 1.0\n", "file:10: c: it has another topology" },
		{ TOWN "interface c eth1 00:16:3e:00:00:09 s\n", "file:9: c: there is no such system above" },
		{ TOWN "interface a eth1 00:16:3e:00:00:09 s\n", "file:9: eth1: this interface stands above" },
		{ TOWN "interface a eth2 " MAC_B " s\n", "file:9: " MAC_B ": eth1 of b has this hardware" },
		{ TOWN "interface a eth2 zz s\n", "file:9: zz: a hardware address is wanted" },
		{ TOWN "interface a eth2 00:16:3e:00:00:09 t\n", "file:9: t: there is no such segment" },
		{ TOWN "interface a e{} 00:16:3e:00:00:09 s\n", "file:9: e{}: a name has up to 15" },
		{ TOWN "listed a eth7 169.254.1.1\n", "file:9: eth7: a has no such interface" },
		{ TOWN "listed a eth1 x\n", "file:9: x: an address is wanted" },
		{ TOWN "start c\n", "file:9: c: there is no such system" },
		{ TOWN "start a b\n", "file:9: b: milliseconds are wanted" },
		{ TOWN "join a\n", "file:9: it is written: join SYSTEM IDENTITY" },
		{ TOWN "join z 0\n", "file:9: z" },
		{ TOWN "join a x\n", "file:9: x: a number from 0 to 4294967295 is wanted" },
		{ TOWN "join a 4294967296\n", "file:9: 4294967296: a number" },
		{ TOWN "carrier a eth1 sideways\n", "file:9: sideways: up or down is wanted" },
		{ TOWN "run 0x10\n", "file:9: 0x10: milliseconds are wanted" },
		{ TOWN "run +1\n", "file:9: +1: milliseconds are wanted" },
		{ TOWN "segment t loss 0x1\n", "file:9: 0x1: percent are wanted" },
		{ TOWN "step \033[2J\n", "file:9: byte 0x1b, which is no text" },
		{ TOWN "step a\177\n", "file:9: byte 0x7f, which is no text" },
		{ TOWN "kernel 60001\n", "file:9: 60001: at most 60000 ms" },
		{ TOWN "refuse a 0\n", "file:9: 0: a number from 1 to 1000 is wanted" },
		{ TOWN "watch a b 1.2.3\n", "file:9: 1.2.3: an address is wanted" },
		{ TOWN "watch a b\n", "file:9: it is written: watch FROM TO IP ..." },
		{ TOWN "c: remove_identity 1\n", "file:9: c: there is no such system" },
		{ TOWN "a:\n", "file:9: it is written: SYSTEM: VERB" },
		{ TOWN "a: explode 1\n", "file:9: explode: no verb of manual mode" },
		{ TOWN "a: quit\n", "file:9: quit: no verb of manual mode" },
		{ TOWN "a: remove_identity\n", "file:9: remove_identity: identity: " },
		{ TOWN "a: remove_identity -1\n", "file:9: remove_identity: identity: " },
		{ TOWN "a: remove_identity 1 2\n", "file:9: remove_identity: args: " },
		{ TOWN "a: add_real_arc " MAC_A " " MAC_B " 0\n", "file:9: add_real_arc: cost: " },
		{ TOWN "wait joy a b\n", "file:9: joy: hear, arcs, iarcs" },
		{ TOWN "wait hear a\n", "file:9: it is written: wait hear A B" },
		{ TOWN "wait arcs a b x\n", "file:9: x: a number from 0 to" },
		{ TOWN "wait operation a 0 7 soon\n", "file:9: soon: prepared, making, running" },
		{ TOWN "expect address a 0 1.2\n", "file:9: " },
		{ TOWN "wait kernels p0\n", "file:9: kernels: to be expected, not waited for" },
		{ TOWN "expect refused a x\n", "file:9: it is written: expect refused SYSTEM CODE" },
		{ TOWN "step a b c d e f g h i j k l m n o p q r s t u v w x y\n", "file:9: too many words" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct script s;
		char why[700];

		CU_ASSERT_FALSE(parse(&s, bad[i].text, why, sizeof(why)));
		CU_ASSERT_PTR_NULL(s.systems);
		tap_complaint(i, why, bad[i].why, "");
	}
}

static void
test_is(void)
{
	CU_ASSERT_TRUE(script_is("# c\n\n systems\n", 14));
	CU_ASSERT_FALSE(script_is("topology 4.4\nsystems\n", 21));
	CU_ASSERT_FALSE(script_is("", 0));
	CU_ASSERT_FALSE(script_is("a\0systems", 9));
}

/* --- played -------------------------------------------------------------------------------------- */

static const struct play_settings settings = { .seed = 5, .segment = { .latency = 1000, .jitter = 3000 },
	.rest_limit = 60000000, .longest = UINT64_MAX };

static void
play(struct play *p, struct script *s, const char *text, uint64_t seed)
{
	struct play_settings with = settings;
	char why[700];

	with.seed = seed;
	if (!parse(s, text, why, sizeof(why)))
		tap_note("%s", why);
	CU_ASSERT_FATAL(s->systems != NULL);
	CU_ASSERT_TRUE_FATAL(play_open(p, s, &with));
	play_run(p);
}

static void
ended_well(const struct play *p)
{
	CU_ASSERT_FALSE(p->broken);
	if (p->broken)
		tap_note("%s", p->why);
}

static void
end(struct play *p, struct script *s)
{
	play_close(p);
	script_free(s);
}

static void
test_entry(void)
{
	struct script s;
	struct play p;

	play(&p, &s, ENTERED "step entered\nexpect address b 1 2.1.1.1\nexpect reach a b\nexpect reach b a\n"
	    "expect cost a b 11000\nexpect cost b a 10000\nexpect arcs a b 1\nexpect iarcs b 1 1\n"
	    "step left\nb: remove_real_arc " MAC_B " " MAC_A "\nrest\n"
	    "expect dead a b\nexpect arcs a b 0\n", 2);
	ended_well(&p);
	CU_ASSERT_EQUAL_FATAL(p.n_parts, 2);
	CU_ASSERT_EQUAL(p.parts[0].virtual_us, 0);
	CU_ASSERT_TRUE(p.parts[1].virtual_us >= PLAY_STILL);
	CU_ASSERT_TRUE(p.parts[1].count.bytes > 0 && p.parts[1].count.bytes < p.all.count.bytes);
	CU_ASSERT_TRUE(p.parts[1].count.operations > 0);
	end(&p, &s);
}

/* Each of these breaks, in its last line, and says why. */
static void
test_breaks(void)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{ TOWN "expect hear a b\n", "a does not run" },
		{ TOWN "a: remove_identity 3\n", "a does not run" },
		{ TOWN "die a\n", "a does not run" },
		{ TOWN "join a 0\n", "a does not run" },
		{ TOWN "start all\njoin a 0\n", "a has no identity-arc of identity 0" },
		{ TOWN "start all\njoin a 7\n", "a has no identity-arc of identity 7" },
		{ TOWN "start all\nstart a\n", "a runs already" },
		{ TOWN "start all\nexpect hear a b\n", "eth1 does not hear eth1 of b" },
		{ TOWN "segment t\nsystem c 0.0.0.0\ninterface c eth1 00:16:3e:00:00:03 t\nstart all\nrest\n"
		    "wait hear a c\n", "they have no segment in common" },
		{ TOWN "start all\nrest\nexpect arcs a b 1\n", "it is not so: there are 0" },
		{ TOWN "start all\nrest\nwait arcs a b 1\n", "it did not come true within 60 s: there are 0" },
		{ TOWN "start all\nexpect identities a 2\n", "there are 1" },
		{ TOWN "start all\nexpect operation a 0 7 done\n", "there is no such operation" },
		{ TOWN "start all\nexpect address a 0 2.1.1.1\n", "it has 2.1.1.0" },
		{ TOWN "start all\nexpect address a 3 2.1.1.1\n", "there is no such identity" },
		{ TOWN "start all\nrest\nexpect reach a b\n", "1 of 1 packets do not arrive" },
		{ TOWN "start all\nrest\ndie b\nexpect dead a b\n", "there is no address to send to" },
		{ TOWN "start all\nrest\nexpect cost a b 5\n", "there is no path" },
		{ TOWN "start all\nexpect kernels none/p0\n", "none/p0-a-n0.txt: No such file" },
		{ TOWN "start all\nrest\na: remove_identity 3\n", "a refuses it: unknown_identity: identity: " },
		{ TOWN "start all\nrest\nexpect refused a is_main remove_identity 3\n",
		    "a refuses it: unknown_identity" },
		{ JOINED "expect refused a exists remove_real_arc " MAC_A " " MAC_B "\n",
		    "a accepts it, instead of exists" },
		{ JOINED "expect dead a a 10.0.0.22\n", "1 of 1 packets arrive" },
		{ ENTERED "expect dead a b\n", "packets arrive" },
		{ ENTERED "expect cost a b 11001\n", "it is 11000" },
		{ ENTERED "watch a b 10.0.0.23\nb: remove_real_arc " MAC_B " " MAC_A "\nrun 1000\n",
		    "a packet from a to b, 10.0.0.23, is lost: " },
		{ TOWN "carrier a eth1 down\nstart all\nrun 5000\nexpect hear a b\n", "no segment in common" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct script s;
		struct play p;
		unsigned lines = 0;
		char where[40];

		for (const char *c = bad[i].text; *c != '\0'; c++)
			lines += *c == '\n';
		snprintf(where, sizeof(where), "file:%u: ", lines);
		play(&p, &s, bad[i].text, 3);
		CU_ASSERT_TRUE(p.broken);
		tap_complaint(i, p.why, where, bad[i].why);
		end(&p, &s);
	}
}

/* Lists of kernel state that cannot be read, or are none. */
static void
test_bad_lists(void)
{
	static char dir[] = "/tmp/ntk-lists-XXXXXX";
	char text[sizeof(TOWN) + 200], file[100];
	struct script s;
	struct play p;
	FILE *f;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(text, sizeof(text), TOWN "start a\nrest\nexpect kernels %s/p\n", dir);
	snprintf(file, sizeof(file), "%s/p-a-n0.txt", dir);
	CU_ASSERT_EQUAL(mkdir(file, 0700), 0);
	for (unsigned i = 0; i < 2; i++) {
		play(&p, &s, text, 1);
		CU_ASSERT_TRUE(p.broken);
		tap_complaint(i, p.why, "file:11: ", i == 0 ? "n0.txt: Is a directory" :
		    "n0.txt: a line of more than 254");
		end(&p, &s);
		if (i == 0) {
			CU_ASSERT_EQUAL(rmdir(file), 0);
			f = fopen(file, "w");
			CU_ASSERT_PTR_NOT_NULL_FATAL(f);
			fprintf(f, "%0255d\n", 0);
			fclose(f);
		}
	}
	unlink(file);
	rmdir(dir);
}

/* The report for programs is whole, whatever bytes the scenario has. */
static void
test_report(void)
{
	struct script s;
	struct play p;
	json_t *all, *step;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	play(&p, &s, TOWN "step caf\xc3\xa9\nstep caf\xe9\nstart all\nexpect kernels caf\xe9\n", 1);
	CU_ASSERT_TRUE(p.broken);
	CU_ASSERT_TRUE(playreport_json(&p, 5000, f));
	fclose(f);
	all = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(all, "steps")), 2);
	step = json_array_get(json_object_get(all, "steps"), 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(step, "step")), "caf\xc3\xa9");
	step = json_array_get(json_object_get(all, "steps"), 1);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(step, "step")), "caf\\xe9");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(step, "line")), 10);
	CU_ASSERT_EQUAL(json_object_size(step), 15);
	CU_ASSERT_EQUAL(json_object_size(all), 20);
	CU_ASSERT_PTR_NOT_NULL(json_string_value(json_object_get(all, "broken")));
	json_decref(all);
	free(text);
	/* What is full is told. */
	f = fopen("/dev/full", "w");
	if (f != NULL) {
		CU_ASSERT_FALSE(playreport_json(&p, 5000, f));
		fclose(f);
	}
	end(&p, &s);
}

/* Packets take another interface on their way, as far as segments and carriers let them. */
static void
test_two_segments(void)
{
	struct script s;
	struct play p;

	play(&p, &s, TOWN "segment t\ninterface b eth2 00:16:3e:00:01:02 t\n"
	    "system c 3.0.0.0\ninterface c eth1 00:16:3e:00:00:03 t\n"
	    "start all\nwait hear a b\nwait hear b a\nwait hear b c\nwait hear c b\n"
	    "a: add_real_arc " MAC_A " " MAC_B " 11000\nb: add_real_arc " MAC_B " " MAC_A " 10000\n"
	    "wait iarcs b 0 1\n"
	    "b: prepare_enter_net_phase_1 0 0 1 2.1.1 0.0.0 2 1 1 2 2 1 [0] 7 null\nb: enter_net_phase_1 0 7\n"
	    "wait iarcs a 0 2\na: add_qspn_arc 0 eth1 " MAC_B "\nwait operation b 0 7 done\n"
	    "wait identities b 1\nrest\n"
	    "b: add_real_arc 00:16:3e:00:01:02 00:16:3e:00:00:03 5000\n"
	    "c: add_real_arc 00:16:3e:00:00:03 00:16:3e:00:01:02 6000\nwait iarcs c 0 1\n"
	    "c: prepare_enter_net_phase_1 0 0 2 2.1 0.0 2 1 0 2 2 1 [0] 8 null\nc: enter_net_phase_1 0 8\n"
	    "wait iarcs b 1 3\nb: add_qspn_arc 1 eth2 00:16:3e:00:00:03\nwait operation c 0 8 done\nrest\n"
	    "expect address c 1 2.1.0.0\nexpect arcs b c 1\nexpect arcs a c 0\nexpect reach a c\n"
	    "expect reach c a\nexpect cost a c 16000\ncarrier b eth2 down\nexpect dead a c\nexpect reach a b\n",
	    9);
	ended_well(&p);
	end(&p, &s);
}

/* What the helper refuses is tried again; lost carriers and dead neighbours are noticed. */
static void
test_faults(void)
{
	struct script s;
	struct play p;

	play(&p, &s, ENTERED "refuse a 2\ncarrier b eth1 down\nwait arcs a b 0\nexpect dead a b\nrest\n"
	    "carrier b eth1 up\nwait arcs a b 1\ndie b\nwait iarcs a 0 0\nstart b 100\nwait hear b a\n"
	    "b: add_real_arc " MAC_B " " MAC_A " 10000\nwait arcs a b 1\n"
	    "expect address b 0 1.0.1.0\n", 4);
	ended_well(&p);
	CU_ASSERT_EQUAL(p.town->sys[0].refuse, 0);
	end(&p, &s);
}

/* A call that is not answered in time, by a system whose kernel takes very long, is given up; then it is answered. */
static void
test_unanswered(void)
{
	struct script s;
	struct play p;

	play(&p, &s, TOWN "start all\nwait hear a b\nwait hear b a\nkernel 60000\n"
	    "a: add_real_arc " MAC_A " " MAC_B " 11000\nb: add_real_arc " MAC_B " " MAC_A " 10000\n"
	    "run 120000\nkernel 1\nrun 70000\nwait arcs a b 1\n", 2);
	ended_well(&p);
	CU_ASSERT_TRUE(p.all.count.unanswered > 0);
	end(&p, &s);
}

/* One seed, one course, to the byte. */
static void
test_same_seed(void)
{
	uint64_t hash[3];

	for (unsigned i = 0; i < 3; i++) {
		struct script s;
		struct play p;

		play(&p, &s, ENTERED, i < 2 ? 6 : 7);
		hash[i] = p.town->hash;
		end(&p, &s);
	}
	CU_ASSERT_EQUAL(hash[0], hash[1]);
	CU_ASSERT_NOT_EQUAL(hash[0], hash[2]);
}

/* On a bad segment messages are lost, sent again and heard twice, and it ends the same. */
static void
test_bad_segment(void)
{
	static const char whole[] = ENTERED "expect reach a b\n", of[] = "segment s";
	const char *at = strstr(whole, of) + strlen(of);
	static char text[sizeof(whole) + 40];
	struct script s;
	struct play p;

	snprintf(text, sizeof(text), "%.*s loss 10 twice 10%s", (int)(at - whole), whole, at);
	play(&p, &s, text, 8);
	ended_well(&p);
	CU_ASSERT_TRUE(p.all.count.lost > 0 && p.all.count.twice > 0 && p.all.count.resent > 0);
	end(&p, &s);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "every statement", test_good },
		{ "every mistake is told with its line", test_errors },
		{ "which scenarios are of systems", test_is },
		{ "a system enters a network and leaves it", test_entry },
		{ "whatever is not as it is said breaks", test_breaks },
		{ "lists that are none", test_bad_lists },
		{ "the report for programs", test_report },
		{ "packets over two segments", test_two_segments },
		{ "refusals, carriers, deaths", test_faults },
		{ "calls that are not answered in time", test_unanswered },
		{ "one seed, one course", test_same_seed },
		{ "a bad segment", test_bad_segment },
	};

	return TAP_RUN(tests);
}
