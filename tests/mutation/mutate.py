#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the tests bite?

Takes each check out of the code that judges and decodes, one at a time, and runs the quick unit
tests: a condition is inverted, made always or never true, or loses one of its parts; a bound is
moved by one; a comparison is turned; `return false` says true; a refusal is left out; a statement
is deleted.  Each such change is a mutant.  For each it is printed which test noticed.  A mutant
that nobody notices is a hole in the tests, unless the list of explained mutants says why it means
the same as the original.

    mutate.py [-j N] [--border] [--list] [--only TEXT] SOURCE BUILD EXPLAINED

SOURCE is the top of the source tree, BUILD a finished build of it.  Everything made here lies in
a scratch directory.  Exit status: 0 when all mutants were noticed or explained, and every
explanation is still of use.
"""

import argparse
import collections
import concurrent.futures
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

# What is mutated, and the tests that are asked, the one most likely to notice first.
FILES = {
    "ntkd-priv/policy.c": ["test_policy", "test_ledger"],
    "ntkd-priv/ledger.c": ["test_ledger", "test_policy"],
    "proto/rd.c": ["test_msg"],
    "proto/msg.c": ["test_msg"],
    "proto/privmsg.c": ["test_msg", "test_policy"],
}
TIMEOUT = 20            # seconds; a mutant that does not end was noticed
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
TYPES = {"const", "static", "struct", "enum", "union", "unsigned", "int", "bool", "char", "void",
         "size_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "va_list", "extern",
         "ntk_ip_t", "ntk_prefix_t", "ntk_mac_t"}

Token = collections.namedtuple("Token", "kind text start end")
Mutant = collections.namedtuple("Mutant", "file line start end new key")


def flat(text):
    return re.sub(r"\s+", " ", text).strip()


class Source:
    """A file of C as tokens, and the mutants that can be made of it."""

    def __init__(self, top, name):
        self.name = name
        with open(os.path.join(top, name), encoding="ascii") as f:
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
            colon = self.split(question[0], last, {":"})
            self.condition(question[0] + 1, colon[-1])
            self.condition(colon[-1] + 1, last)
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

    def returned(self, first, last):
        text = self.source(first, last)
        if text in ("true", "false"):
            self.add(first, last, "false" if text == "true" else "true")
        elif self.is_boolean(first, last):
            self.condition(first, last)
        else:
            called = re.match(r"(refuse|refuse_ip|fail|judge_\w+|come|go|is_\w+|the_\w+)\(", text)
            if called and self.returns_bool:
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
        elif first in TYPES:
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
        elif first != "va_end" and "va_start" not in words:
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
            elif t in ("for", "LIST_FOREACH", "TAILQ_FOREACH"):
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
        self.env = dict(os.environ, NTK_SRCDIR=self.source, ASAN_OPTIONS="abort_on_error=0")
        self.helpers = {}

    def archives(self):
        names = ["tests/unit/libtap.a", "ntkd-priv/libpriv.a", "common/libbase.a",
                 "proto/libproto.a"]
        return [os.path.join(self.build, n) for n in names]

    def compile(self, source, out, flags):
        run = subprocess.run(self.cc + ["-std=gnu11", "-w", "-O1", "-I", self.source, "-I",
                             self.build, *self.cppflags, *flags, "-c", source, "-o", out],
                             capture_output=True, text=True)
        return run.stderr if run.returncode else None

    def prepare(self, flags, tag):
        """Objects of the tests, compiled once."""
        for test in sorted({t for tests in FILES.values() for t in tests}):
            out = os.path.join(self.scratch, f"{test}{tag}.o")
            error = self.compile(os.path.join(self.source, "tests/unit", f"{test}.c"), out, flags)
            if error:
                raise SystemExit(f"{test}: {error}")

    def ask(self, test, place, obj, flags, tag):
        """None when TEST is content with the object, else what it did not like."""
        program = os.path.join(place, test)
        link = subprocess.run(self.cc + [*flags, obj, os.path.join(self.scratch, f"{test}{tag}.o"),
                              *self.archives(), *self.libs, "-o", program],
                              capture_output=True, text=True)
        if link.returncode:
            return f"does not link: {link.stderr.strip().splitlines()[-1]}"
        try:
            run = subprocess.run([program], capture_output=True, text=True, errors="replace",
                                 timeout=TIMEOUT, env=self.env, cwd=place)
        except subprocess.TimeoutExpired:
            return f"{test}: does not end"
        finally:
            os.unlink(program)
        failed = [line for line in run.stdout.splitlines() if line.startswith("not ok")]
        if failed:
            return f"{test}: {failed[0].split(' - ', 1)[-1]}"
        if run.returncode:
            return f"{test}: ends with status {run.returncode}"
        return None

    def try_one(self, text, mutant, flags, tag):
        """Who noticed MUTANT of the file's TEXT, None when nobody did."""
        place = tempfile.mkdtemp(dir=self.scratch)
        try:
            source = os.path.join(place, os.path.basename(mutant.file))
            with open(source, "w", encoding="ascii") as f:
                f.write(text[:mutant.start] + mutant.new + text[mutant.end:])
            obj = os.path.join(place, "mutant.o")
            error = self.compile(source, obj, flags)
            if error:
                return "the compiler"
            for test in FILES[mutant.file]:
                who = self.ask(test, place, obj, flags, tag)
                if who:
                    return who
            return None
        finally:
            shutil.rmtree(place)

    def border(self, text, mutant):
        """The same with the whole helper and tests/priv/test_border, which needs root."""
        place = tempfile.mkdtemp(dir=self.scratch)
        try:
            source = os.path.join(place, os.path.basename(mutant.file))
            with open(source, "w", encoding="ascii") as f:
                f.write(text[:mutant.start] + mutant.new + text[mutant.end:])
            obj = os.path.join(place, "mutant.o")
            build = os.path.join(place, "build")
            os.makedirs(os.path.join(build, "ntkd-priv"))
            if self.compile(source, obj, []):
                return "the compiler"
            helper = os.path.join(build, "ntkd-priv/ntkd-priv")
            main = os.path.join(self.build, "ntkd-priv/ntkd_priv-main.o")
            link = subprocess.run(self.cc + [main, obj, *self.archives()[1:], *self.libs, "-o",
                                  helper], capture_output=True, text=True)
            if link.returncode:
                raise SystemExit(link.stderr)
            run = subprocess.run([os.path.join(self.build, "tests/priv/test_border")],
                                 capture_output=True, text=True, errors="replace", timeout=300,
                                 env=dict(self.env, NTK_BUILD=build))
            failed = [line for line in run.stdout.splitlines() if line.startswith("not ok")]
            return f"test_border: {failed[0].split(' - ', 1)[-1]}" if failed else None
        finally:
            shutil.rmtree(place)


def explained_read(path):
    """KEY lines, each followed by an indented reason."""
    reasons, key = {}, None
    with open(path, encoding="ascii") as f:
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
    p.add_argument("--border", action="store_true", help="ask tests/priv/test_border about "
                   "those nobody noticed; needs root")
    p.add_argument("--list", action="store_true", help="only list the mutants")
    p.add_argument("--only", default="", help="mutants whose line holds this text")
    o = p.parse_args()
    o.source = os.path.abspath(o.source)
    o.build = os.path.abspath(o.build)
    return o


def baseline(runner, sources, flags, tag):
    """The unchanged files must pass, or what follows would mean nothing."""
    for name, source in sources.items():
        nothing = Mutant(name, 0, 0, 0, "", "")
        who = runner.try_one(source.text, nothing, flags, tag)
        if who:
            raise SystemExit(f"{name} unchanged: {who}")


def rounds(options, runner, sources, mutants):
    """First without, then for those left with sanitizers: mutant -> who noticed."""
    verdicts = {}
    left = mutants
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    for flags, tag in (([], ""), (sanitizers, "-sanitized")):
        if not left:
            break
        runner.prepare(flags, tag)
        baseline(runner, sources, flags, tag)
        with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
            found = pool.map(lambda m: runner.try_one(sources[m.file].text, m, flags, tag), left)
            for m, who in zip(left, found):
                if who and tag:
                    who += " (sanitizers)"
                verdicts[m] = who
                if who:
                    print(f"{m.file}:{m.line}: {m.key.split(' ', 1)[1]}\n\t{who}", flush=True)
        left = [m for m in left if not verdicts[m]]
    if options.border:
        for m in left:
            verdicts[m] = runner.border(sources[m.file].text, m)
            if verdicts[m]:
                print(f"{m.file}:{m.line}: {m.key.split(' ', 1)[1]}\n\t{verdicts[m]}", flush=True)
    return verdicts


def report(verdicts, reasons, whole):
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
    for name in FILES:
        of = [m for m in verdicts if m.file == name]
        print(f"{name}: {len(of)} mutants, {sum(1 for m in of if verdicts[m])} noticed, "
              f"{sum(1 for m in of if m in explained)} explained")
    for test, n in tests.most_common():
        print(f"noticed by {test}: {n}")
    print(f"mutants {len(verdicts)}, noticed {sum(tests.values())}, explained {len(explained)}, "
          f"not noticed {len(open_)}")
    return not open_ and not stale


def main():
    options = options_read()
    sources = {name: Source(options.source, name) for name in FILES}
    mutants = [m for s in sources.values() for m in s.collect()
               if options.only in f"{m.file}:{m.line}: {m.key}"]
    if options.list:
        for m in mutants:
            print(f"{m.file}:{m.line}: {m.key}")
        return 0
    if not mutants:
        raise SystemExit("no mutants")
    reasons = explained_read(options.explained)
    with tempfile.TemporaryDirectory(prefix="ntk-mutation-") as scratch:
        verdicts = rounds(options, Runner(options, scratch), sources, mutants)
    return 0 if report(verdicts, reasons, not options.only) else 1


if __name__ == "__main__":
    sys.exit(main())
