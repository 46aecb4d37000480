/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ctlmsg.h"
#include "tests/unit/tap.h"

/* A verb with every kind of argument, and with optional ones. */
static const struct ctl_arg all_args[] = {
	{ "cost", "", CTL_NUMBER, CTL_NEEDED, 1, 2147483647, NULL },
	{ "peer-mac", "", CTL_MAC, CTL_NEEDED, 0, 0, NULL },
	{ "arcs", "", CTL_LIST, CTL_NEEDED, 0, 999, NULL },
	{ "level", "", CTL_CHOICE, CTL_OPTIONAL, 0, 0, "low|middle|high" },
	{ "state", "", CTL_OBJECT, CTL_OPTIONAL, 0, 0, NULL },
	{ NULL, NULL, CTL_NUMBER, CTL_NEEDED, 0, 0, NULL },
};
static const struct ctl_verb all = { "all", "", CTL_WRITING, CTL_ANY_MODE, CTL_NO_SHAPE, all_args, NULL };

/* And the phrase, whose key may stand before it. */
static const struct ctl_arg phrase_args[] = {
	{ "address", "", CTL_IP, CTL_NEEDED, 0, 0, NULL },
	{ "from", "", CTL_MAC, CTL_PHRASE, 0, 0, NULL },
	{ NULL, NULL, CTL_NUMBER, CTL_NEEDED, 0, 0, NULL },
};
static const struct ctl_verb phrase = { "phrase", "", CTL_READING, CTL_ANY_MODE, CTL_NO_SHAPE,
	phrase_args, NULL };

#define MAC "00:16:3e:EC:a3:e1"

/* Checks texts (NULL ends them; "{}" is an object) against V; the error's field, "" when all is well. */
static const char *
check(const struct ctl_verb *v, struct ctl_values *out, const char *const *texts)
{
	static struct ctl_error err;
	struct ctl_word words[CTL_ARGS + 1];
	size_t n = 0;

	for (; texts[n] != NULL; n++) {
		ctl_word_split(texts[n], &words[n]);
		words[n].object = strcmp(words[n].text, "{}") == 0;
	}
	memset(&err, 0, sizeof(err));
	if (ctl_check(v, words, n, out, &err)) {
		CU_ASSERT_STRING_EQUAL(err.message, "");
		return "";
	}
	CU_ASSERT_STRING_NOT_EQUAL(err.message, "");
	for (const char *c = err.message; *c != '\0'; c++)
		CU_ASSERT(*c >= 0x20 && *c <= 0x7e);
	return err.field;
}

#define CHECK(out, ...) check(&all, out, (const char *const[]){ __VA_ARGS__, NULL })
#define REFUSED(field, ...) do { \
	struct ctl_values ignored_; \
	CU_ASSERT_STRING_EQUAL(CHECK(&ignored_, __VA_ARGS__), field); \
} while (0)

static void
test_table(void)
{
	for (size_t i = 0; i < CTL_N_VERBS; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];
		bool optional = false, object = false;

		CU_ASSERT_PTR_EQUAL(ctl_verb_find(v->name), v);
		CU_ASSERT(v->access == CTL_READING || v->access == CTL_WRITING);
		CU_ASSERT(v->doc[0] != '\0' && v->doc[strlen(v->doc) - 1] != '.');
		CU_ASSERT(ctl_verb_n_args(v) <= CTL_ARGS);
		for (const struct ctl_arg *a = v->args; a->key != NULL; a++) {
			CU_ASSERT(!(optional && a->need == CTL_NEEDED));
			CU_ASSERT(!(object && a->kind == CTL_OBJECT));
			CU_ASSERT(a->min <= a->max);
			CU_ASSERT((a->choices != NULL) == (a->kind == CTL_CHOICE));
			CU_ASSERT_EQUAL(strspn(a->key, "abcdefghijklmnopqrstuvwxyz-"), strlen(a->key));
			optional = optional || a->need == CTL_OPTIONAL;
			object = object || a->kind == CTL_OBJECT;
		}
		CU_ASSERT((v->shape == CTL_NO_SHAPE || v->shape == CTL_JSON_SHAPE) ==
		    (v->columns[0].key == NULL));
	}
	CU_ASSERT_PTR_NULL(ctl_verb_find("show"));
	CU_ASSERT_PTR_NULL(ctl_verb_find(""));
	CU_ASSERT_PTR_NULL(ctl_verb_find("statusx"));
}

static void
test_usage(void)
{
	/* What follows the word is named by its kind. */
	static const struct {
		enum ctl_kind kind;
		const char *usage;
	} phrases[] = {
		{ CTL_MAC, "v [by MAC]" }, { CTL_IP_OR_MAC, "v [by ADDRESS]" }, { CTL_DEV, "v [by VALUE]" },
	};
	char buf[CTL_TEXT], small[8];

	CU_ASSERT_STRING_EQUAL(ctl_verb_usage(&all, buf, sizeof(buf)),
	    "all COST PEER-MAC ARCS [LEVEL] [STATE]");
	CU_ASSERT_STRING_EQUAL(ctl_verb_usage(&phrase, buf, sizeof(buf)), "phrase ADDRESS [from MAC]");
	CU_ASSERT_STRING_EQUAL(ctl_verb_usage(&all, small, sizeof(small)), "all COS");
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		const struct ctl_arg args[] = { { .key = "by", .kind = phrases[i].kind, .need = CTL_PHRASE },
			{ .key = NULL } };
		const struct ctl_verb v = { .name = "v", .args = args };

		CU_ASSERT_STRING_EQUAL(ctl_verb_usage(&v, buf, sizeof(buf)), phrases[i].usage);
	}
}

static void
test_positions(void)
{
	struct ctl_values v;

	CU_ASSERT_STRING_EQUAL(CHECK(&v, "2147483647", MAC, "[0,999]", "middle", "{}"), "");
	CU_ASSERT_EQUAL(v.v[0].number, 2147483647);
	CU_ASSERT_EQUAL(memcmp(v.v[1].mac, "\x00\x16\x3e\xec\xa3\xe1", 6), 0);
	CU_ASSERT_EQUAL(v.v[3].number, 1);
	CU_ASSERT_TRUE(v.v[4].given);
	CU_ASSERT_EQUAL(v.v[4].word, 4);
	CU_ASSERT_STRING_EQUAL(CHECK(&v, "1", MAC, "[]"), "");
	CU_ASSERT_FALSE(v.v[3].given);
	REFUSED("args", "1", MAC, "[]", "low", "{}", "7");
	REFUSED("arcs", "1", MAC);
	REFUSED("cost", NULL);
}

static void
test_keys(void)
{
	struct ctl_values v;

	CU_ASSERT_STRING_EQUAL(CHECK(&v, "arcs=[3]", "level=high", "peer-mac=" MAC, "cost=10"), "");
	CU_ASSERT_EQUAL(v.v[0].number, 10);
	CU_ASSERT_EQUAL(v.v[0].word, 3);
	CU_ASSERT_EQUAL(v.v[3].number, 2);
	REFUSED("costs", "costs=1", "peer-mac=" MAC, "arcs=[]");
	REFUSED("cos", "cos=1", "peer-mac=" MAC, "arcs=[]");
	REFUSED("cost", "cost=1", "cost=1", "peer-mac=" MAC, "arcs=[]");
	REFUSED("peer-mac", "cost=1", "arcs=[]");
	REFUSED("peer-mac", "cost=1", MAC, "[]");
	REFUSED("peer-mac", "1", "peer-mac=" MAC, "[]");
}

static const char *
check_phrase(struct ctl_values *out, const char *a, const char *b, const char *c, const char *d)
{
	return check(&phrase, out, (const char *const[]){ a, b, c, d, NULL });
}

static void
test_phrase(void)
{
	struct ctl_values v;

	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.0.40", NULL, NULL, NULL), "");
	CU_ASSERT_FALSE(v.v[1].given);
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.0.40", "from", MAC, NULL), "");
	CU_ASSERT_TRUE(v.v[1].given);
	CU_ASSERT_EQUAL(v.v[1].word, 2);
	CU_ASSERT_EQUAL(memcmp(v.v[1].mac, "\x00\x16\x3e\xec\xa3\xe1", 6), 0);
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.0.40", MAC, NULL, NULL), "");
	CU_ASSERT_EQUAL(v.v[1].word, 1);
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "from=" MAC, "address=10.0.0.40", NULL, NULL), "");
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.0.40", "from", NULL, NULL), "from");
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.0.40", "from", "from", MAC), "from");
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.0.40", "from", MAC, MAC), "args");
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.0.40", "to", MAC, NULL), "from");
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "from", "10.0.0.40", NULL, NULL), "address");
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "{}", NULL, NULL, NULL), "address");
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.0.40", "{}", NULL, NULL), "from");
}

static void
test_ip(void)
{
	static const char *const wrong[] = { "", ".", "10.0.0", "10.0.0.", "10.0.0.256", "10.0.0.1.",
		"10.0.0.1.2", "010.0.0.1", "10.0.0.00", "10..0.1", "-1.0.0.1", "10.0.0.1 ", " 10.0.0.1",
		"10.0.0.x", "10,0,0,1", "99999999999999999999.0.0.1" };
	struct ctl_values v;

	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "255.255.255.255", NULL, NULL, NULL), "");
	CU_ASSERT_EQUAL(v.v[0].number, 0xffffffff);
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "0.0.0.0", NULL, NULL, NULL), "");
	CU_ASSERT_EQUAL(v.v[0].number, 0);
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.2.40", NULL, NULL, NULL), "");
	CU_ASSERT_EQUAL(v.v[0].number, 0x0a000228);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_STRING_EQUAL(check_phrase(&v, wrong[i], NULL, NULL, NULL), "address");
}

/* --- single words as a client of another kind may send them ------------------- */

/* A verb with one argument of KIND between MIN and MAX. */
static const struct ctl_verb *
verb_of(enum ctl_kind kind, uint64_t min, uint64_t max)
{
	static struct ctl_arg args[2];
	static struct ctl_verb v;

	args[0] = (struct ctl_arg){ "x", "", kind, CTL_NEEDED, min, max, NULL };
	args[1] = (struct ctl_arg){ NULL, NULL, CTL_NUMBER, CTL_NEEDED, 0, 0, NULL };
	v = (struct ctl_verb){ "v", "", CTL_READING, CTL_ANY_MODE, CTL_NO_SHAPE, args, NULL };
	return &v;
}

static bool
takes(const struct ctl_verb *verb, const char *text, struct ctl_values *v)
{
	return check(verb, v, (const char *const[]){ text, NULL })[0] == '\0';
}

/* The bounds themselves, and one beyond; also where the bound is below a digit. */
static void
test_small_bounds(void)
{
	struct ctl_values v;

	CU_ASSERT(takes(verb_of(CTL_NUMBER, 2, 5), "2", &v) && v.v[0].number == 2);
	CU_ASSERT(takes(verb_of(CTL_NUMBER, 2, 5), "5", &v) && v.v[0].number == 5);
	CU_ASSERT_FALSE(takes(verb_of(CTL_NUMBER, 2, 5), "1", &v));
	CU_ASSERT_FALSE(takes(verb_of(CTL_NUMBER, 2, 5), "6", &v));
	CU_ASSERT_FALSE(takes(verb_of(CTL_NUMBER, 2, 5), "9", &v));
	CU_ASSERT(takes(verb_of(CTL_LIST, 2, 5), "[2,5]", &v));
	CU_ASSERT_FALSE(takes(verb_of(CTL_LIST, 2, 5), "[2,1]", &v));
	CU_ASSERT_FALSE(takes(verb_of(CTL_LIST, 2, 5), "[6,5]", &v));
}

static void
test_mac_digits(void)
{
	static const char *const wrong[] = { "g0:16:3e:ec:a3:e1", "0g:16:3e:ec:a3:e1",
		"00:16:3e:ec:a3:1g", "00:16:3e:ec:a3:/0", "00:16:3e:ec:a3:0/", "00:16:3e:ec:a3:@0",
		"00:16:3e:ec:a3:0:", "00:16:3e:ec:a3:G0", "00:16:3e:ec:a3:0`", "00:16:3e:ec:a3 e1" };
	struct ctl_values v;

	CU_ASSERT(takes(verb_of(CTL_MAC, 0, 0), "9a:bc:de:f0:AF:CF", &v));
	CU_ASSERT_EQUAL(memcmp(v.v[0].mac, "\x9a\xbc\xde\xf0\xaf\xcf", 6), 0);
	CU_ASSERT(takes(verb_of(CTL_MAC, 0, 0), "09:90:aA:fF:Af:Fa", &v));
	CU_ASSERT_EQUAL(memcmp(v.v[0].mac, "\x09\x90\xaa\xff\xaf\xfa", 6), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CU_ASSERT_FALSE(takes(verb_of(CTL_MAC, 0, 0), wrong[i], &v));
		CU_ASSERT_FALSE(takes(verb_of(CTL_IP_OR_MAC, 0, 0), wrong[i], &v));
	}
	CU_ASSERT(takes(verb_of(CTL_IP_OR_MAC, 0, 0), "09:90:aA:fF:Af:Fa", &v));
	CU_ASSERT_TRUE(v.v[0].is_mac);
	CU_ASSERT(takes(verb_of(CTL_IP_OR_MAC, 0, 0), "169.254.1.2", &v));
	CU_ASSERT_FALSE(v.v[0].is_mac);
	CU_ASSERT_EQUAL(v.v[0].number, 0xa9fe0102);
	CU_ASSERT_FALSE(takes(verb_of(CTL_IP_OR_MAC, 0, 0), "169.254.1", &v));
}

/* A word that is an object is nothing else, whatever its text. */
static bool
takes_object(enum ctl_kind kind, const char *text)
{
	const struct ctl_word word = { .text = text, .len = strlen(text), .object = true };
	struct ctl_error err;
	struct ctl_values v;

	return ctl_check(verb_of(kind, 0, 9), &word, 1, &v, &err);
}

static void
test_levels(void)
{
	static const char *const right[] = { "-", "2", "5", "2.5", "2.3.4.5" };
	static const char *const wrong[] = { "", "x", "-2", "--", ".", "2.", ".2", "2..3", "2,3", "2.1",
		"6.2", "2.3x" };
	struct ctl_values v;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		CU_ASSERT(takes(verb_of(CTL_LEVELS, 2, 5), right[i], &v));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_FALSE(takes(verb_of(CTL_LEVELS, 2, 5), wrong[i], &v));
	CU_ASSERT_FALSE(takes_object(CTL_LEVELS, "2.5"));
}

static void
test_nullable(void)
{
	static const char *const wrong[] = { "", "nul", "nullx", "Null", "nulL", "1", "x" };
	struct ctl_values v;

	CU_ASSERT(takes(verb_of(CTL_NULLABLE, 2, 5000), "null", &v) && v.v[0].null);
	CU_ASSERT(takes(verb_of(CTL_NULLABLE, 2, 5000), "1234", &v));
	CU_ASSERT(!v.v[0].null && v.v[0].number == 1234);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_FALSE(takes(verb_of(CTL_NULLABLE, 2, 5000), wrong[i], &v));
	CU_ASSERT_FALSE(takes_object(CTL_NULLABLE, "7"));
}

static void
test_dev(void)
{
	static const char *const right[] = { "a", "eth1", "fifteen-bytes-x", "!", "~", "br.1@0" };
	static const char *const wrong[] = { "", "sixteen-bytes-xx", "a b", " a", "/a", "a/", "\x7f", "a\x1f",
		"\xc3\xa9" };
	struct ctl_values v;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		CU_ASSERT(takes(verb_of(CTL_DEV, 0, 0), right[i], &v));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_FALSE(takes(verb_of(CTL_DEV, 0, 0), wrong[i], &v));
	CU_ASSERT_FALSE(takes_object(CTL_DEV, "eth1"));
}

/* How many numbers are in TEXT, the first of which go to OUT; behind it nothing may be read. */
static size_t
numbers(const char *text, uint32_t *out, size_t size)
{
	struct ctl_value v = { .len = strlen(text) };
	char *copy = malloc(v.len + (v.len == 0));
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	memcpy(copy, text, v.len);
	v.text = copy;
	n = ctl_numbers(&v, out, size);
	free(copy);
	return n;
}

static void
test_numbers(void)
{
	uint32_t out[3] = { 7, 7, 7 };
	struct ctl_values v;

	CU_ASSERT_EQUAL(numbers("[0,90,4294967295]", out, 2), 3);
	CU_ASSERT(out[0] == 0 && out[1] == 90 && out[2] == 7);
	CU_ASSERT_EQUAL(numbers("2.1.10", out, 3), 3);
	CU_ASSERT(out[0] == 2 && out[1] == 1 && out[2] == 10);
	CU_ASSERT_EQUAL(numbers("[1,2]", NULL, 0), 2);
	CU_ASSERT_EQUAL(numbers("-", out, 3), 0);
	CU_ASSERT_EQUAL(numbers("[]", out, 3), 0);
	CU_ASSERT_EQUAL(numbers("", out, 3), 0);
	/* What was not checked ends at the first that is too great, and may stand anyhow. */
	CU_ASSERT_EQUAL(numbers("1,4294967296,2", out, 3), 1);
	CU_ASSERT_EQUAL(numbers("[[8", out, 3), 1);
	CU_ASSERT_EQUAL(out[0], 8);
	/* And as it is checked. */
	CU_ASSERT(takes(verb_of(CTL_LIST, 2, 5), "[5,4]", &v));
	CU_ASSERT(ctl_numbers(&v.v[0], out, 3) == 2 && out[0] == 5 && out[1] == 4);
}

/* A word ends where its length says, whatever stands behind it. */
static void
test_word_end(void)
{
	const struct ctl_word word = { .text = "1234", .len = 2 };
	struct ctl_error err;
	struct ctl_values v;

	CU_ASSERT(ctl_check(verb_of(CTL_NUMBER, 0, 9999), &word, 1, &v, &err));
	CU_ASSERT_EQUAL(v.v[0].number, 12);
}

/* What is said of TEXT, an object or not, as the second word of the phrase. */
static const char *
said(const char *text, bool object)
{
	static struct ctl_error err;
	struct ctl_word words[2];
	struct ctl_values v;

	ctl_word_split("10.0.0.40", &words[0]);
	ctl_word_split(text, &words[1]);
	words[1].object = object;
	CU_ASSERT_FALSE(ctl_check(&phrase, words, 2, &v, &err));
	CU_ASSERT_STRING_EQUAL(err.field, "from");
	return err.message;
}

static void
test_said(void)
{
	static const char mac_like[] = " where a hardware address like 00:16:3e:5b:78:d5 is expected";
	char want[CTL_TEXT];

	CU_ASSERT_STRING_EQUAL(said("from", false),
	    "nothing stands after it; expected: phrase ADDRESS [from MAC]");
	snprintf(want, sizeof(want), "an object%s", mac_like);
	CU_ASSERT_STRING_EQUAL(said("from", true), want);
	snprintf(want, sizeof(want), "\"form\"%s", mac_like);
	CU_ASSERT_STRING_EQUAL(said("form", false), want);
	snprintf(want, sizeof(want), "\"a ~??z\"%s", mac_like);
	CU_ASSERT_STRING_EQUAL(said("a ~\x7f\x1fz", false), want);
}

/* The word that announces an argument does so for phrases alone. */
static void
test_announced(void)
{
	struct ctl_values v;

	REFUSED("cost", "cost", "1", MAC, "[]");
	CU_ASSERT_STRING_EQUAL(check_phrase(&v, "10.0.0.40", "form", MAC, NULL), "from");
}

/* Which argument a word stands for. */
static void
test_word_arg(void)
{
	struct ctl_word words[4];

	ctl_word_split("10.0.0.40", &words[0]);
	ctl_word_split("from", &words[1]);
	ctl_word_split(MAC, &words[2]);
	ctl_word_split("more", &words[3]);
	for (size_t i = 0; i < 4; i++)
		words[i].object = false;
	CU_ASSERT_PTR_EQUAL(ctl_word_arg(&phrase, words, 0), &phrase_args[0]);
	CU_ASSERT_PTR_NULL(ctl_word_arg(&phrase, words, 1));
	CU_ASSERT_PTR_EQUAL(ctl_word_arg(&phrase, words, 2), &phrase_args[1]);
	CU_ASSERT_PTR_NULL(ctl_word_arg(&phrase, words, 3));
	ctl_word_split("from=" MAC, &words[0]);
	CU_ASSERT_PTR_EQUAL(ctl_word_arg(&phrase, words, 0), &phrase_args[1]);
	ctl_word_split("to=" MAC, &words[0]);
	CU_ASSERT_PTR_NULL(ctl_word_arg(&phrase, words, 0));
}

/* Usage lines never leave their buffer, and letters alone change. */
static void
test_usage_room(void)
{
	static const struct ctl_arg args[] = {
		{ "az{", "", CTL_NUMBER, CTL_NEEDED, 0, 0, NULL },
		{ NULL, NULL, CTL_NUMBER, CTL_NEEDED, 0, 0, NULL },
	};
	static const struct ctl_verb v = { "verb", "", CTL_READING, CTL_ANY_MODE, CTL_NO_SHAPE, args, NULL };
	char buf[16];

	for (size_t size = 1; size < 10; size++) {
		memset(buf, 'x', sizeof(buf));
		ctl_verb_usage(&v, buf, size);
		CU_ASSERT_EQUAL(strncmp(buf, "verb AZ{", size - 1), 0);
		CU_ASSERT_EQUAL(buf[size - 1], '\0');
		CU_ASSERT_EQUAL(buf[size], 'x');
	}
}

static void
test_events(void)
{
	for (size_t i = 0; i < CTL_N_EVENTS; i++) {
		CU_ASSERT(ctl_events[i].doc[0] != '\0');
		CU_ASSERT_EQUAL(strspn(ctl_events[i].name, "abcdefghijklmnopqrstuvwxyz_"),
		    strlen(ctl_events[i].name));
	}
	CU_ASSERT_STRING_EQUAL(ctl_events[CTL_EVENT_lost].name, "lost");
}

static void
test_split(void)
{
	struct ctl_word w;

	ctl_word_split("peer-mac=a=b", &w);
	CU_ASSERT_EQUAL(w.key_len, 8);
	CU_ASSERT_STRING_EQUAL(w.text, "a=b");
	ctl_word_split("./a=b", &w);
	CU_ASSERT_PTR_NULL(w.key);
	CU_ASSERT_STRING_EQUAL(w.text, "./a=b");
	ctl_word_split("=b", &w);
	CU_ASSERT_PTR_NULL(w.key);
	ctl_word_split("", &w);
	CU_ASSERT_PTR_NULL(w.key);
	CU_ASSERT_EQUAL(w.len, 0);
}

static void
test_number(void)
{
	static const char *const wrong[] = { "", "0", "-1", "+1", "1 ", " 1", "1.0", "0x1", "1e3",
		"2147483648", "4294967297", "18446744073709551617", "99999999999999999999999",
		"one", "\xff", "{}" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		REFUSED("cost", wrong[i], MAC, "[]");
}

/* The greatest bound there can be must not overflow on the way. */
static void
test_number_max(void)
{
	static const struct ctl_arg args[] = {
		{ "n", "", CTL_NUMBER, CTL_NEEDED, 0, UINT64_MAX, NULL },
		{ NULL, NULL, CTL_NUMBER, CTL_NEEDED, 0, 0, NULL },
	};
	static const struct ctl_verb verb = { "v", "", CTL_READING, CTL_ANY_MODE, CTL_NO_SHAPE, args, NULL };
	struct ctl_values v;

	CU_ASSERT_STRING_EQUAL(check(&verb, &v, (const char *const[]){ "18446744073709551615", NULL }), "");
	CU_ASSERT_EQUAL(v.v[0].number, UINT64_MAX);
	CU_ASSERT_STRING_EQUAL(check(&verb, &v, (const char *const[]){ "18446744073709551616", NULL }), "n");
}

static void
test_mac(void)
{
	static const char *const wrong[] = { "", "00:16:3e:ec:a3", "00:16:3e:ec:a3:e1:", "00-16-3e-ec-a3-e1",
		"00:16:3e:ec:a3:g1", "0016:3e:ec:a3:e1:", "00:16:3e:ec:a3:1", "{}" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		REFUSED("peer-mac", "1", wrong[i], "[]");
}

static void
test_list(void)
{
	static const char *const wrong[] = { "", "[", "]", "0", "[0", "0]", "[,]", "[0,]", "[,0]", "[0,,1]",
		"[0, 1]", "[1;2]", "[1.2]", "[-1]", "[1000]", "[0]]", "[[0]", "[a]", "{}" };
	struct ctl_values v;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		REFUSED("arcs", "1", MAC, wrong[i]);
	CU_ASSERT_STRING_EQUAL(CHECK(&v, "1", MAC, "[7]"), "");
	CU_ASSERT_STRING_EQUAL(CHECK(&v, "1", MAC, "[7,7,0]"), "");
}

static void
test_choice_and_object(void)
{
	static const char *const wrong[] = { "", "lo", "lower", "Low", "low|middle", "|", "{}" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		REFUSED("level", "1", MAC, "[]", wrong[i]);
	REFUSED("state", "1", MAC, "[]", "low", "file");
}

/* What came from outside is quoted short and printable. */
static void
test_message(void)
{
	char text[5000];

	memset(text, 0x1b, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	REFUSED("cost", text, MAC, "[]");
	memset(text, 'k', sizeof(text) - 1);
	text[4000] = '=';
	CU_ASSERT_EQUAL(strlen(CHECK(&(struct ctl_values){ 0 }, text)), 47);
}

/* All of FILE, for a look at its text. */
static char *
read_file(const char *name)
{
	char path[512];
	size_t size = 1 << 18, n;
	char *text = calloc(1, size);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", tap_srcdir(), name);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	n = fread(text, 1, size - 1, f);
	CU_ASSERT(n > 0 && n < size - 1);
	fclose(f);
	return text;
}

/* ntkctl(8) has an item for each verb, with its arguments, and names what is in its result. */
static void
test_manual(void)
{
	char *page = read_file("man/ntkctl.8");
	char line[CTL_TEXT];

	for (size_t i = 0; i < CTL_N_VERBS; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];
		int n = snprintf(line, sizeof(line), ".It Cm %s", v->name);
		char *item, *end;

		for (const struct ctl_arg *a = v->args; a->key != NULL; a++)
			n += snprintf(line + n, sizeof(line) - (size_t)n, a->need == CTL_PHRASE ?
			    " Op Cm %s Ar address" : a->need == CTL_OPTIONAL ? " Op Ar %s" : " Ar %s",
			    a->key);
		snprintf(line + n, sizeof(line) - (size_t)n, "\n");
		item = strstr(page, line);
		CU_ASSERT_PTR_NOT_NULL(item);
		if (item == NULL) {
			tap_note("no item in the page: %s", line);
			continue;
		}
		end = strstr(item, "\n.It Cm ");
		for (const struct ctl_column *c = v->columns; c->key != NULL; c++) {
			char *at;

			snprintf(line, sizeof(line), "\n.Cm %s", c->key);
			at = strstr(item, line);
			if (at == NULL || (end != NULL && at > end))
				tap_note("%s: the page does not name %s", v->name, c->key);
			CU_ASSERT(at != NULL && (end == NULL || at < end));
		}
	}
	free(page);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "the table of verbs is sound", test_table },
		{ "usage lines", test_usage },
		{ "arguments by position", test_positions },
		{ "arguments by key", test_keys },
		{ "words of the command line", test_split },
		{ "numbers", test_number },
		{ "the greatest number", test_number_max },
		{ "hardware addresses", test_mac },
		{ "lists", test_list },
		{ "choices and objects", test_choice_and_object },
		{ "messages quote little and only printable bytes", test_message },
		{ "ntkctl(8) describes every verb, argument and result", test_manual },
		{ "an argument that its key announces", test_phrase },
		{ "addresses", test_ip },
		{ "bounds below a digit", test_small_bounds },
		{ "every digit of a hardware address", test_mac_digits },
		{ "levels", test_levels },
		{ "a number or null", test_nullable },
		{ "names of interfaces", test_dev },
		{ "the numbers of lists and levels", test_numbers },
		{ "a word ends where its length says", test_word_end },
		{ "what is said of a wrong word", test_said },
		{ "only a phrase is announced, and only by its key", test_announced },
		{ "which argument a word stands for", test_word_arg },
		{ "usage lines stay in their buffer", test_usage_room },
		{ "events", test_events },
	};

	return TAP_RUN(tests);
}
