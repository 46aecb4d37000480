#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the tests bite?

Takes each check out of the code that judges and decodes, one at a time, and runs the tests: a
condition is inverted, made always or never true, or loses one of its parts; a bound is moved by
one; a comparison is turned; `return false` says true; a refusal is left out; a statement is
deleted.  Each such change is a mutant.  For each it is printed which test noticed.  A mutant that
nobody notices is a hole in the tests, unless the list of explained mutants says why it means the
same as the original.

    mutate.py [-j N] [--border] [--list] [--only TEXT] [--fresh | --keep] SOURCE BUILD EXPLAINED

SOURCE is the top of the source tree, BUILD a finished build of it.  Everything made here lies in
a scratch directory, but for BUILD/mutation.cache: what was found out is not asked again while
the mutant, its tests and all that both are made of are the same.  While tests are being written,
--keep also believes that what was noticed before is noticed still.  Exit status: 0 when all mutants
were noticed or explained, and every explanation is still of use.

The quick unit tests are asked first, then the same with sanitizers; about mutants that none of them
noticed, those programs of tests/priv that attack the whole helper, which need root and up to a
minute for each mutant: only with --border.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

# What is mutated, and the tests that are asked, the one most likely to notice first.
BORDER, CHECK, FAULTS = "test_border", "test_check", "test_faults"
FILES = {
    "ntkd-priv/policy.c": ["test_policy", "test_ledger", BORDER],
    "ntkd-priv/ledger.c": ["test_ledger", "test_policy", BORDER],
    "ntkd-priv/journal.c": ["test_journal", BORDER],
    "ntkd-priv/serve.c": ["test_serve", BORDER],
    "ntkd-priv/txn.c": ["test_privtxn", "fuzz_txn", BORDER, FAULTS],
    "ntkd-priv/check.c": ["test_privcheck", "test_privreap", CHECK],
    "ntkd-priv/label.c": ["test_label", CHECK, BORDER],
    "ntkd-priv/names.c": ["test_privfiles"],
    "ntkd-priv/print.c": ["test_privtxn", CHECK, FAULTS],
    "ntkd-priv/reap.c": ["test_privreap", BORDER, FAULTS],
    "ntkd-priv/x_link.c": ["test_privlink", "test_netns", "test_privfiles", BORDER, CHECK, FAULTS],
    "ntkd-priv/x_netns.c": ["test_netns", BORDER, CHECK, FAULTS],
    "ntkd-priv/x_nft.c": ["test_privnft", CHECK, BORDER, FAULTS],
    "ntkd-priv/x_route.c": ["test_label", CHECK, BORDER],
    "ntkd-priv/x_sysctl.c": ["test_privfiles", BORDER, CHECK, FAULTS],
    "proto/rd.c": ["test_msg", "test_peermsg", BORDER],
    "proto/msg.c": ["test_msg", "test_peermsg", BORDER],
    "proto/privmsg.c": ["test_msg", "test_policy", BORDER],
    "proto/ctlmsg.c": ["test_ctlmsg"],
    "common/conf.c": ["test_conf"],
    "common/conf_file.c": ["test_conf"],
    "common/conf_scan.c": ["test_conf"],
    "common/conf_user.c": ["test_conf"],
    "common/conf_value.c": ["test_conf"],
}
# A file of the helper that stands neither there nor here is mutated, too, and judged by the
# border alone: nobody has to remember.
LEFT_OUT = {
    "ntkd-priv/main.c": "the start: no request reaches it",
    "ntkd-priv/sandbox.c": "a table; tests/unit/test_privsandbox probes it call by call",
}
# Of these files, which carry out what was judged, only the functions that check something.
ONLY = {
    "ntkd-priv/x_link.c": {"settings_are_right", "x_link_read", "x_link_find", "real_prepare",
                           "pseudo_make", "pseudo_remove", "x_link_change", "x_link_each",
                           "x_link_silence"},
    "ntkd-priv/x_netns.c": {"cannot", "is_our_empty_file", "record_is_of", "x_netns_name_look",
                            "x_netns_remove_name", "x_netns_settings_check",
                            "x_netns_silence_former"},
    "ntkd-priv/x_nft.c": {"table_look", "is_content", "digest_elements",
                          "digest_rule_place", "digest_take", "digest_try", "digest",
                          "x_nft_check"},
    "ntkd-priv/x_route.c": {"dev_in", "peer_of", "address_place", "route_place", "x_route_place",
                            "attributes_cover", "is_same", "x_route_compare", "x_route_is_gone"},
}
# Tests on executors that need no kernel: of the build's tests, what is linked besides.  A fuzz
# target runs its corpus, and its first object is its own.
FAKE_KERNEL = ["fuzz/fakex.o", "fuzz/libopgen.a", "unit/libkerntest.a",
               "../sim/libsim.a", "../ntkd/libkernel.a"]
FUZZ = {"fuzz_txn": ["fuzz/fuzz_txn.o", *FAKE_KERNEL, "fuzz/libplain.a"]}
PARTS = {**FUZZ, "test_privtxn": [*FAKE_KERNEL, "unit/libtap.a"],
         "test_privnft": [*FAKE_KERNEL[1:], "unit/libtap.a"],
         "test_privreap": [*FAKE_KERNEL[1:], "unit/libtap.a"]}
# Functions that the linker replaces, as Makefile.am has it for the test.
WRAPS = {test: f"NTK_{test.removeprefix('test_').upper()}_LDFLAGS"
         for test in ("test_netns", "test_privcheck", "test_privfiles", "test_privlink",
                      "test_privnft", "test_privreap", "test_serve")}
# Ask the whole helper, and need root.
ROOT = {BORDER, CHECK, FAULTS}
HELPER = "ntkd-priv"
CACHE = "mutation.cache"
NO_PROGRAM = "the compiler"
UNCHANGED = "unchanged"
# A mutant that does not end was noticed.  Time of the processor is a measure that other work on
# the machine does not change.
CPU_SECONDS = 4
TIMEOUT = 60            # seconds
ROOT_TIMEOUT = 900
PATIENCE = 6            # seconds after which a helper will not answer any more
TURNED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<directive>^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<number>\b(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*\b)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~!<>=?:;,.(){}\[\]])
  | (?P<space>\s+)
""", re.X | re.S | re.M)
OPENING = {"(": ")", "[": "]", "{": "}"}
TYPES = {"const", "static", "struct", "enum", "union", "unsigned", "extern", "va_list",
         "_Static_assert"}
LOOPS = {"LIST_FOREACH", "TAILQ_FOREACH", "TAILQ_FOREACH_REVERSE"}
# Their answer is always false; left out, the refusal is none.
REFUSALS = re.compile(r"(refuse\w*|fail\w*|judge_\w+|come|go|is_\w+|the_\w+|malformed|not_expected"
                      r"|conf_why\w*|conf_fail\w*)\(")

Token = collections.namedtuple("Token", "kind text start end")
Mutant = collections.namedtuple("Mutant", "file line start end new key")


def flat(text):
    return re.sub(r"\s+", " ", text).strip()


class Source:
    """A file of C as tokens, and the mutants that can be made of it."""

    def __init__(self, top, name):
        self.name = name
        with open(os.path.join(top, name), encoding="utf-8") as f:
            self.text = f.read()
        self.tokens = []
        at = 0
        while at < len(self.text):
            m = TOKEN.match(self.text, at)
            if m is None:
                raise SystemExit(f"{name}: cannot read {self.text[at:at + 20]!r}")
            if m.lastgroup not in ("comment", "space", "directive"):
                self.tokens.append(Token(m.lastgroup, m.group(), m.start(), m.end()))
            at = m.end()
        self.mutants = []
        self.seen = collections.Counter()
        self.edits = set()

    def close(self, i):
        """The index of the bracket that closes the one at I."""
        stack = []
        while i < len(self.tokens):
            t = self.tokens[i].text
            if t in OPENING:
                stack.append(OPENING[t])
            elif stack and t == stack[-1]:
                stack.pop()
                if not stack:
                    return i
            i += 1
        raise SystemExit(f"{self.name}: brackets do not match")

    def add(self, first, last, new, whole=None):
        """Tokens FIRST up to, not including, LAST become NEW; WHOLE is the expression to show."""
        start, end = self.tokens[first].start, self.tokens[last - 1].end
        if (start, end, new) in self.edits:
            return
        self.edits.add((start, end, new))
        a, b = whole or (first, last)
        a, b = self.tokens[a].start, self.tokens[b - 1].end
        old = flat(self.text[a:b])
        now = flat(self.text[a:start] + new + self.text[end:b])
        what = f"{os.path.basename(self.name)} {self.function}: {old} => {now}"
        self.seen[what] += 1
        if self.seen[what] > 1:
            what += f" #{self.seen[what]}"
        line = self.text.count("\n", 0, start) + 1
        self.mutants.append(Mutant(self.name, line, start, end, new, what))

    def split(self, first, last, ops):
        """Positions of the operators OPS in FIRST … LAST that lie in no bracket."""
        found = []
        i = first
        while i < last:
            if self.tokens[i].text in OPENING:
                i = self.close(i)
            elif self.tokens[i].text in ops:
                found.append(i)
            i += 1
        return found

    def colon(self, question, last):
        """The one that belongs to the QUESTION mark."""
        depth = 0
        for i in self.split(question, last, {"?", ":"}):
            depth += 1 if self.tokens[i].text == "?" else -1
            if depth == 0:
                return i
        raise SystemExit(f"{self.name}: a question without an alternative")

    def source(self, first, last):
        return self.text[self.tokens[first].start:self.tokens[last - 1].end]

    def parts(self, first, last, ops, neutral):
        """Each operand of a chain of && or || is left out."""
        cuts = [first - 1] + ops + [last]
        for a, b in zip(cuts, cuts[1:]):
            self.add(a + 1, b, neutral)
            self.condition(a + 1, b)

    def condition(self, first, last):
        """What can be done to an expression that is true or false."""
        while self.tokens[first].text == "!" and first + 1 < last:
            first += 1
        if self.tokens[first].text == "(" and self.close(first) == last - 1:
            self.condition(first + 1, last - 1)
            return
        question = self.split(first, last, {"?"})
        if question:
            if not self.is_equality(first, question[0]):
                self.add(first, question[0], f"!({self.source(first, question[0])})")
            self.condition(first, question[0])
            colon = self.colon(question[0], last)
            self.condition(question[0] + 1, colon)
            self.condition(colon + 1, last)
            return
        for op, neutral in (("||", "0"), ("&&", "1")):
            found = self.split(first, last, {op})
            if found:
                self.parts(first, last, found, neutral)
                return
        for i in self.split(first, last, set(TURNED)):
            self.add(i, i + 1, TURNED[self.tokens[i].text], (first, last))
        self.inner(first, last)

    def inner(self, first, last):
        """Numbers that are added; conditions within brackets."""
        for i in range(first, last):
            t = self.tokens[i]
            if t.text in ("+", "-") and i + 1 < last and i > first and \
                    re.fullmatch("1U?", self.tokens[i + 1].text) and \
                    self.tokens[i - 1].kind in ("word", "number"):
                self.add(i, i + 2, "", (first, last))
            if t.text == "?" or (t.text in ("&&", "||", *TURNED) and i > first):
                continue
            if t.text == "(":
                end = self.close(i)
                if end < last and self.split(i + 1, end, {"&&", "||", "?", *TURNED}):
                    for a, b in self.arguments(i + 1, end):
                        self.condition(a, b)

    def arguments(self, first, last):
        cuts = [first - 1] + self.split(first, last, {","}) + [last]
        return [(a + 1, b) for a, b in zip(cuts, cuts[1:]) if b > a + 1]

    def is_boolean(self, first, last):
        return bool(self.split(first, last, {"&&", "||", "?", *TURNED}))

    def is_equality(self, first, last):
        """Inverting it is the same as turning its only comparison."""
        return not self.split(first, last, {"&&", "||", "?", "<", ">", "<=", ">="}) and \
            len(self.split(first, last, {"==", "!="})) == 1

    def is_declaration(self, i):
        """TYPE NAME or TYPE *NAME; products are never a whole statement here."""
        kinds = [t.kind for t in self.tokens[i:i + 3]]
        return self.tokens[i].text in TYPES or kinds[:2] == ["word", "word"] or \
            (kinds[0] == "word" and self.tokens[i + 1].text == "*" and kinds[2] == "word")

    def returned(self, first, last):
        text = self.source(first, last)
        if text in ("true", "false"):
            self.add(first, last, "false" if text == "true" else "true")
        elif self.is_boolean(first, last):
            self.condition(first, last)
        else:
            if REFUSALS.match(text) and self.returns_bool:
                self.add(first, last, "true")
            self.inner(first, last)

    def statement(self, i):
        """Mutates the simple statement at I; returns the index behind it."""
        end = i
        while self.tokens[end].text != ";":
            end = self.close(end) + 1 if self.tokens[end].text in OPENING else end + 1
        words = {t.text for t in self.tokens[i:end] if t.kind == "word"}
        first = self.tokens[i].text
        if first == "return":
            if end > i + 1:
                self.returned(i + 1, end)
        elif first in ("break", "continue"):
            if first == "continue":
                self.add(i, end, "(void)0")
        elif self.is_declaration(i):
            assigned = self.split(i, end, {"="})
            if assigned and not self.tokens[assigned[0] + 1].text == "{":
                value = assigned[0] + 1
                for a, b in self.arguments(value, end):
                    if self.is_boolean(a, b):
                        self.condition(a, b)
                    else:
                        self.inner(a, b)
            elif assigned:
                self.inner(assigned[0] + 1, end)
        elif first != "va_end" and "va_start" not in words and \
                not self.source(i, end).startswith("(void)"):
            self.add(i, end, "(void)0")
            assigned = self.split(i, end, {"=", "+=", "-=", "|="})
            self.inner(i, end)
            if assigned and self.is_boolean(assigned[0] + 1, end):
                self.condition(assigned[0] + 1, end)
        return end + 1

    def loop(self, i):
        """The head of a `for` whose bracket is at I."""
        end = self.close(i)
        a, b = self.split(i + 1, end, {";"})
        start = [k for k in self.split(i + 1, a, {"="})]
        if start and self.tokens[a - 1].kind == "number":
            number = int(self.tokens[a - 1].text.rstrip("uUlL"), 0)
            self.add(a - 1, a, str(number + 1), (i + 1, a))
        elif start:
            self.inner(start[0] + 1, a)
        if b > a + 1:
            self.condition(a + 1, b)
        return end + 1

    def body(self, i, last):
        while i < last:
            t = self.tokens[i].text
            if t in ("{", "}", ";"):
                i += 1
            elif t in ("if", "while"):
                end = self.close(i + 1)
                if t == "if":
                    if not self.is_equality(i + 2, end):
                        self.add(i + 2, end, f"!({self.source(i + 2, end)})")
                    self.add(i + 2, end, "0")
                    self.add(i + 2, end, "1")
                self.condition(i + 2, end)
                i = end + 1
            elif t == "for" or t in LOOPS:
                i = self.loop(i + 1) if t == "for" else self.close(i + 1) + 1
            elif t == "switch":
                i = self.close(i + 1) + 1
            elif t in ("else", "do"):
                i += 1
            elif t in ("case", "default"):
                while self.tokens[i].text != ":":
                    i += 1
                i += 1
            else:
                i = self.statement(i)

    def collect(self):
        """Functions: NAME ( … ) {  at the top level."""
        i = 0
        while i < len(self.tokens):
            t = self.tokens[i]
            if t.text == "(":
                end = self.close(i)
                if end + 1 < len(self.tokens) and self.tokens[end + 1].text == "{" and \
                        self.tokens[i - 1].kind == "word":
                    self.function = self.tokens[i - 1].text
                    self.returns_bool = self.tokens[i - 2].text == "bool"
                    stop = self.close(end + 1)
                    if self.function in ONLY.get(self.name, {self.function}):
                        self.body(end + 2, stop)
                    end = stop
                i = end + 1
            elif t.text in OPENING:
                i = self.close(i) + 1
            else:
                i += 1
        self.mutants.sort(key=lambda m: (m.start, m.end))
        return self.mutants


class Runner:
    """Compiles mutants and asks the tests."""

    def __init__(self, options, scratch):
        self.source = options.source
        self.build = options.build
        self.scratch = scratch
        self.cc = shlex.split(os.environ.get("NTK_CC", "cc"))
        self.cppflags = shlex.split(os.environ.get("NTK_CPPFLAGS", "-D_GNU_SOURCE"))
        self.libs = shlex.split(os.environ.get("NTK_TEST_LIBS", ""))
        self.wraps = shlex.split(os.environ.get("NTK_REFUSED_LDFLAGS", ""))
        self.env = dict(os.environ, NTK_SRCDIR=self.source, ASAN_OPTIONS="abort_on_error=0")

    def archives(self, tag):
        names = ["ntkd-priv/libpriv.a", "common/libbase.a", "proto/libproto.a"]
        if tag:
            return [os.path.join(self.scratch, f"all{tag}.a")]
        return [os.path.join(self.build, n) for n in names]

    def run_cc(self, words):
        return subprocess.run(self.cc + words, capture_output=True, text=True, check=False)

    def compile(self, source, out, flags):
        run = self.run_cc(["-std=gnu11", "-w", "-O0", "-I", self.source, "-I", self.build,
                           *self.cppflags, *flags, "-c", source, "-o", out])
        return run.stderr if run.returncode else None

    def prepare_archive(self, flags, tag):
        """All that is linked with a mutant once more, so that the sanitizers see its borders."""
        objects = []
        for directory in ("common", "proto", HELPER):
            for name in sorted(os.listdir(os.path.join(self.source, directory))):
                if name.endswith(".c") and name not in ("main.c", "dict.c"):
                    objects.append((os.path.join(self.source, directory, name),
                                    os.path.join(self.scratch, f"{directory}-{name}{tag}.o")))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for error in pool.map(lambda o: self.compile(*o, flags), objects):
                if error:
                    raise SystemExit(error)
        subprocess.run(["ar", "rc", *self.archives(tag), *[o for _, o in objects]], check=True)

    def prepare(self, flags, tag):
        """What is compiled once."""
        if tag:
            self.prepare_archive(flags, tag)
        for test in sorted({t for tests in FILES.values() for t in tests} - {*ROOT, *FUZZ}):
            out = os.path.join(self.scratch, f"{test}{tag}.o")
            error = self.compile(os.path.join(self.source, "tests/unit", f"{test}.c"), out, flags)
            if error:
                raise SystemExit(f"{test}: {error}")

    def link(self, out, words, tag=""):
        run = self.run_cc([*words, *self.archives(tag), *self.libs, "-o", out])
        return run.stderr.strip() if run.returncode else None

    def first_failure(self, command, place, seconds, env):
        """Runs a test until it fails; what failed, None when all went well."""
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL, env=env, cwd=place) as run:
            alarm = threading.Timer(seconds, run.kill)
            alarm.start()
            began = time.monotonic()
            failed = None
            for line in run.stdout:
                if line.startswith(b"not ok"):
                    failed = line.decode(errors="replace").strip().split(" - ", 1)[-1]
                    run.kill()
                    break
            run.wait()
            alarm.cancel()
        if failed is None and run.returncode:
            failed = "does not end" if run.returncode == -signal.SIGXCPU or \
                time.monotonic() - began >= seconds else f"ends with status {run.returncode}"
        return failed

    def ask_unit(self, test, place, obj, flags, tag):
        """None when TEST is content with the object, else what it did not like."""
        program = os.path.join(place, test)
        parts = [os.path.join(self.build, "tests", name)
                 for name in PARTS.get(test, ["unit/libtap.a"])]
        if test not in FUZZ:
            parts.insert(0, os.path.join(self.scratch, f"{test}{tag}.o"))
        wraps = shlex.split(os.environ[WRAPS[test]]) if test in WRAPS else []
        error = self.link(program, [*flags, *wraps, obj, *parts], tag)
        if error:
            raise SystemExit(f"{test}: {error}")
        failed = self.first_failure(["prlimit", f"--cpu={CPU_SECONDS}:{CPU_SECONDS + 1}", program],
                                    place, TIMEOUT, self.env)
        os.unlink(program)
        return f"{test}: {failed}" if failed else None

    def link_helper(self, place, obj):
        """The helper, and the one that the kernel refuses something."""
        for path, objects, flags in (
                ("ntkd-priv/ntkd-priv", ["ntkd-priv/ntkd_priv-main.o"], []),
                ("tests/priv/refused-helper", ["ntkd-priv/main.o", "tests/priv/refuse.o"],
                 self.wraps)):
            out = os.path.join(place, path)
            os.makedirs(os.path.dirname(out), exist_ok=True)
            error = self.link(out, [*flags, *[os.path.join(self.build, o) for o in objects], obj])
            if error:
                raise SystemExit(f"{path}: {error}")
        os.chmod(place, 0o755)

    def ask_root(self, test, place, obj):
        """The same with the whole helper; whatever it starts ends with it."""
        if not os.path.exists(os.path.join(place, HELPER)):
            self.link_helper(place, obj)
        failed = self.first_failure(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc",
             os.path.join(self.build, "tests/priv", test)], place, ROOT_TIMEOUT,
            dict(self.env, NTK_BUILD=place, NTK_CLIENT_WAIT=str(PATIENCE)))
        return f"{test}: {failed}" if failed else None

    def try_one(self, text, mutant, tests, flags, tag):
        """Which of TESTS noticed MUTANT of the file's TEXT, and what; None when none did."""
        place = tempfile.mkdtemp(dir=self.scratch)
        try:
            source = os.path.join(place, os.path.basename(mutant.file))
            with open(source, "w", encoding="utf-8") as f:
                f.write(text[:mutant.start] + mutant.new + text[mutant.end:])
            obj = os.path.join(place, "mutant.o")
            if self.compile(source, obj, flags):
                return NO_PROGRAM
            for test in tests:
                who = self.ask_root(test, place, obj) if test in ROOT else \
                    self.ask_unit(test, place, obj, flags, tag)
                if who:
                    return who
            return None
        finally:
            shutil.rmtree(place)


class Cache:
    """What was found out before: a fingerprint of all that matters -> who noticed.

    A line for each, so that several runs can add to it at once."""

    def __init__(self, options):
        self.path = os.path.join(options.build, CACHE)
        self.source = options.source
        self.keep = options.keep
        self.known = {}
        self.texts = {}
        if options.fresh or not os.path.exists(self.path):
            return
        with open(self.path, encoding="utf-8") as f:
            for line in f:
                key, who = line.rstrip("\n").split(" ", 1)
                self.known[key] = who or None

    def text(self, directory, tests):
        """All sources of a directory; of tests, of the unit tests only those asked."""
        key = (directory, tuple(tests))
        if key not in self.texts:
            h = hashlib.sha256()
            top = os.path.join(self.source, directory)
            for name in sorted(os.listdir(top)):
                stem, kind = os.path.splitext(name)
                if kind in (".c", ".h", ".tab") and (not stem.startswith("test_") or stem in tests):
                    with open(os.path.join(top, name), "rb") as f:
                        h.update(name.encode() + f.read())
            self.texts[key] = h.digest()
        return self.texts[key]

    def key(self, text, mutant, tests, tag):
        """Two keys: of the mutant alone, and of all that matters."""
        alone = f"{mutant.key} {'+'.join(tests)} {tag}".encode()
        h = hashlib.sha256(alone)
        h.update((text[:mutant.start] + mutant.new + text[mutant.end:]).encode())
        faked = any(t in PARTS for t in tests)
        for directory in ("common", "proto", HELPER, "tests/unit", *["tests/fuzz"] * faked):
            h.update(self.text(directory, tests))
        if any(t in ROOT for t in tests):
            h.update(self.text("tests/priv", tests))
        return hashlib.sha256(alone).hexdigest(), h.hexdigest()

    def get(self, keys):
        """Whether it is known, and who noticed."""
        alone, exact = keys
        if exact in self.known:
            return True, self.known[exact]
        if self.keep and self.known.get(alone):
            return True, self.known[alone]
        return False, None

    def put(self, keys, who):
        with open(self.path, "a", encoding="utf-8") as f:
            f.write("".join(f"{key} {who or ''}\n" for key in keys))


def explained_read(path):
    """KEY lines, each followed by an indented reason."""
    reasons, key = {}, None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if not line.strip() or line.startswith("#"):
                continue
            if not line[0].isspace():
                key = line.strip()
                if key in reasons:
                    raise SystemExit(f"{path}:{number}: stands twice")
                reasons[key] = ""
            elif key is None:
                raise SystemExit(f"{path}:{number}: a reason without a mutant")
            else:
                reasons[key] = (reasons[key] + " " + line.strip()).strip()
    for key, reason in reasons.items():
        if not reason:
            raise SystemExit(f"{path}: no reason for {key}")
    return reasons


def options_read():
    p = argparse.ArgumentParser(description="Mutation test of policy, ledger and decoders.")
    p.add_argument("source")
    p.add_argument("build")
    p.add_argument("explained")
    p.add_argument("-j", type=int, default=os.cpu_count() or 1, help="mutants at once")
    p.add_argument("--border", action="store_true", help="ask the programs of tests/priv, "
                   "too; needs root")
    p.add_argument("--fresh", action="store_true", help="forget what earlier runs found out")
    p.add_argument("--keep", action="store_true", help="believe earlier runs that a mutant was "
                   "noticed, though tests have changed since")
    p.add_argument("--list", action="store_true", help="only list the mutants")
    p.add_argument("--only", default="", help="mutants whose line holds this text")
    o = p.parse_args()
    o.source = os.path.abspath(o.source)
    o.build = os.path.abspath(o.build)
    return o


def files_find(options):
    """FILES and the rest of the helper, but for what is left out."""
    for name in sorted(os.listdir(os.path.join(options.source, HELPER))):
        name = f"{HELPER}/{name}"
        if name.endswith(".c") and name not in LEFT_OUT:
            FILES.setdefault(name, [BORDER])
    for test in FUZZ:
        if not os.path.exists(os.path.join(options.source, "tests/fuzz", f"{test}.c")):
            print(f"{test}: not in this tree")
            for tests in FILES.values():
                if test in tests:
                    tests.remove(test)
    for name in (*FILES, *LEFT_OUT):
        if not os.path.exists(os.path.join(options.source, name)):
            raise SystemExit(f"there is no {name}")
    if options.border and os.geteuid() != 0:
        raise SystemExit("--border needs root")


def one_round(options, runner, cache, sources, left, tests_of, flags, tag):
    """Asks TESTS_OF(file) about each of LEFT; mutant -> who noticed."""
    def ask(m):
        text, tests = sources[m.file].text, tests_of(m.file)
        if not tests:
            return m, None
        keys = cache.key(text, m, tests, tag)
        known, who = cache.get(keys)
        if not known:
            who = runner.try_one(text, m, tests, flags, tag)
            # That a file unchanged is noticed is an error of the day, which --keep must not keep.
            if m.key != UNCHANGED or not who:
                cache.put(keys, who)
        return m, who

    # The unchanged files must pass, or what follows would mean nothing.
    for name in sorted({m.file for m in left}):
        _, who = ask(Mutant(name, 0, 0, 0, "", UNCHANGED))
        if who:
            raise SystemExit(f"{name} unchanged: {who}")
    verdicts = {}
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for done in concurrent.futures.as_completed([pool.submit(ask, m) for m in left]):
            m, who = done.result()
            verdicts[m] = f"{who} ({tag})" if who and tag and who != NO_PROGRAM else who
            if who and who != NO_PROGRAM:
                print(f"{m.file}:{m.line}: {m.key.split(' ', 1)[1]}\n\t{verdicts[m]}", flush=True)
    return verdicts


def rounds(options, runner, sources, mutants):
    """Unit tests, then for those left with sanitizers, then the border."""
    def unit(name):
        return [t for t in FILES[name] if t not in ROOT]

    def root(k):
        """Of a file's tests that need root only the one at place K."""
        return lambda name: [t for t in FILES[name] if t in ROOT][k:k + 1]

    cache = Cache(options)
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    plan = [(unit, [], ""), (unit, sanitizers, "sanitizers")]
    if options.border:
        plan += [(root(k), [], "") for k in range(len(ROOT))]
    verdicts = {m: None for m in mutants}
    for tests_of, flags, tag in plan:
        left = [m for m in mutants if not verdicts[m]]
        if left:
            runner.prepare(flags, tag)
            verdicts.update(one_round(options, runner, cache, sources, left, tests_of, flags, tag))
    return {m: who for m, who in verdicts.items() if who != NO_PROGRAM}


def report(verdicts, reasons, whole, seconds):
    """The last lines; True when nothing is left to explain."""
    tests = collections.Counter()
    open_, explained = [], []
    for m, who in verdicts.items():
        if who:
            tests[who.split(":", 1)[0]] += 1
        elif m.key in reasons:
            explained.append(m)
        else:
            open_.append(m)
    alive = {m.key for m in explained}
    stale = [key for key in reasons if key not in alive] if whole else []
    for title, some in (("not noticed, explained", explained), ("not noticed", open_)):
        print(f"\n{title}: {len(some)}")
        for m in some:
            print(f"{m.file}:{m.line}: {m.key}")
            if m.key in reasons:
                print(f"\t{reasons[m.key]}")
    if stale:
        print(f"\nexplained, but noticed or no longer there: {len(stale)}")
        for key in stale:
            print(key)
    print()
    for name, why in sorted(LEFT_OUT.items()):
        print(f"{name}: left out: {why}")
    for name in sorted(FILES):
        of = [m for m in verdicts if m.file == name]
        print(f"{name}: {len(of)} mutants, {sum(1 for m in of if verdicts[m])} noticed, "
              f"{sum(1 for m in of if m in explained)} explained")
    for test, n in tests.most_common():
        print(f"noticed by {test}: {n}")
    print(f"mutants {len(verdicts)}, noticed {sum(tests.values())}, explained {len(explained)}, "
          f"not noticed {len(open_)}; {seconds:.0f} s")
    return not open_ and not stale


def main():
    options = options_read()
    files_find(options)
    for name in sorted(FILES):
        if all(t in ROOT for t in FILES[name]) and not options.border:
            print(f"{name}: not asked, needs --border (and root)")
            del FILES[name]
    sources = {name: Source(options.source, name) for name in sorted(FILES)}
    mutants = [m for s in sources.values() for m in s.collect()
               if options.only in f"{m.file}:{m.line}: {m.key}"]
    if options.list:
        for m in mutants:
            print(f"{m.file}:{m.line}: {m.key}")
        return 0
    if not mutants:
        raise SystemExit("no mutants")
    reasons = explained_read(options.explained)
    # Of what is not asked this time nothing can be said.
    asked = {os.path.basename(name) for name in FILES}
    reasons = {key: why for key, why in reasons.items() if key.split(" ", 1)[0] in asked}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ntk-mutation-") as scratch:
        os.chmod(scratch, 0o755)
        verdicts = rounds(options, Runner(options, scratch), sources, mutants)
    whole = not options.only
    return 0 if report(verdicts, reasons, whole, time.monotonic() - began) else 1


if __name__ == "__main__":
    sys.exit(main())
