#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What explain says is what the kernel does: for every destination of the seed page and
# every neighbour compared with "ip route get"; and what events tells.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

command -v python3 >/dev/null || skip_all 'needs python3'

GAMMA=${SCENARIO_MAC[gamma]} ALFA=${SCENARIO_MAC[alfa]} EPSILON=${SCENARIO_MAC[epsilon]}
STRANGER=00:16:3e:00:00:09

scenario_system beta
system_dump beta >"$WORK/before"
system_start_or_bail beta

# -- events: three listeners, of which one never reads ------------------------------

in_system beta "$NTKCTL" -s /run/ntkd/control -j events >"$WORK/events.json" 2>"$WORK/events.err" &
listener=$!
in_system beta "$NTKCTL" -s /run/ntkd/control events >"$WORK/events.txt" 2>&1 &
reader=$!
listeners()
{
	[[ $(ntk beta -j show_counters | grep -o '"listeners":[0-9]*') == "\"listeners\":$1" ]]
}
check 'two listeners' wait_for 5 listeners 2

ntk beta load_state "$FIXTURES/states/p6-beta-n0.json" >/dev/null || bail 'the main identity cannot be loaded'
index=$(ntk beta load_state "$SEED_STATE") || bail 'load_state fails'
ns=$(system_namespaces beta)

# -- explain against the kernel -------------------------------------------------------

# Prints a line "ADDRESS TYPE VIA DEV" for one address at either end of each destination, and
# for some of nobody, to DIR/said as explain has it and to DIR/does as the kernel does.
cat >"$WORK/compare.py" <<'END'
import ipaddress, json, re, socket, subprocess, sys

where, index, mac, out = sys.argv[1:]
s = socket.socket(socket.AF_UNIX)
s.connect("/run/ntkd/control")
lines = s.makefile()

def ask(verb, *args):
    s.sendall(json.dumps({"verb": verb, "args": args}).encode() + b"\n")
    answer = json.loads(lines.readline())
    assert answer["ok"], answer
    return answer["result"]

def ip(*args):
    ns = [] if where == "default" else ["-n", where]
    return subprocess.run(["ip", "-4", *ns, *args], capture_output=True, text=True)

# The mark of the neighbour's packets, if a rule selects by it.
mark = []
for row in ask("show_tables"):
    if row.get("mac") == mac and f"fwmark {row['table']:#x}/" in ip("rule", "show").stdout:
        mark = ["mark", str(row["table"])]

rules_told = set()

def said(address):
    for row in ask("explain", address, *(["from", mac] if mac else [])):
        if row["namespace"] == where:
            rules_told.add(row.get("rule"))
            return row["type"], row.get("via", "-"), row.get("ns_dev", "-")

def does(address):
    r = ip("route", "get", address, *mark)
    for text, kind in (("unreachable", "none"), ("No route to host", "unreachable"),
                       ("Invalid argument", "blackhole")):
        if text in r.stderr:
            return kind, "-", "-"
    via, dev = re.search(r" via (\S+)", r.stdout), re.search(r" dev (\S+)", r.stdout)
    if r.stdout.startswith("local"):
        return "local", "-", "-"
    return "unicast", via[1] if via else "-", dev[1]

addresses = {"10.0.0.10", "10.0.0.19", "10.0.0.29", "10.0.0.31", "10.0.0.41", "10.0.0.83",
             "10.0.0.96", "10.0.0.192", "10.255.255.255", "192.0.2.1", "169.254.1.1"}
for row in ask("show_routes", index):
    net = ipaddress.ip_network(row["prefix"])
    addresses |= {str(net[0]), str(net[-1])}
kinds = {}
with open(out + "/said", "w") as f, open(out + "/does", "w") as g:
    for a in sorted(addresses, key=ipaddress.ip_address):
        print(a, *said(a), file=f)
        print(a, *does(a), file=g)
        kind = does(a)[0]
        kinds[kind] = kinds.get(kind, 0) + 1
# Each rule that was told of is one that the kernel has, in the same words.
rules = {re.sub(r" proto \S+", "", re.sub(r":\s+", ": ", line)).strip()
         for line in ip("rule", "show").stdout.splitlines()}
with open(out + "/said", "a") as f, open(out + "/does", "a") as g:
    for rule in sorted(rules_told - {None}):
        print("rule", rule, file=f)
        print("rule", rule if rule in rules else "there is none", file=g)
print(len(addresses), "addresses,", "marked:" if mark else "not marked:",
      ", ".join(f"{n} {k}" for k, n in sorted(kinds.items())))
END

# compare NAMESPACE INDEX [MAC]
compare()
{
	local title="$1${3:+ from $3}: as the kernel does" out
	rm -f "$WORK/said" "$WORK/does"
	if out=$(in_system beta python3 "$WORK/compare.py" "$1" "$2" "${3:-}" "$WORK" 2>&1); then
		is "$title ($out)" "$(<"$WORK/said")" "$(<"$WORK/does")"
	else
		not_ok "$title" "$out"
	fi
}

compare default 0
compare "$ns" "$index"
for mac in "$GAMMA" "$ALFA" "$EPSILON" "$STRANGER"; do
	compare default 0 "$mac"
	compare "$ns" "$index" "$mac"
done

# -- explain in words ----------------------------------------------------------------

# why REGEX INDEX ADDRESS [from MAC]: the reason in that identity's namespace
why()
{
	local regex=$1 index=$2
	shift 2
	like "why: $*" "$(ntk beta -j explain "$@" | python3 -c 'import json, sys
print(*(row["why"] for row in json.load(sys.stdin) if row["identity"] == int(sys.argv[1])))' "$index")" "^$regex"
}
why 'number 1 of 1 known paths to the g-node: the best' 0 10.0.0.40
why 'every known path to the g-node \(1\) goes through' 1 10.0.0.40 from "$GAMMA"
why 'internal to level 1, and the sender' 0 10.0.0.40 from "$GAMMA"
why 'no path to the g-node is known' 1 10.0.0.0 from "$ALFA"
why 'an address of this system' 0 10.0.0.19
why 'outside the range' 0 192.0.2.1
why 'no table: nothing begins' 1 10.0.0.40
why 'no table: this neighbour has no known arc' 1 10.0.0.40 from "$STRANGER"
why 'no g-node that this identity can name' 0 10.255.255.255
why 'number 1 of 2 known paths to the g-node: the best; told by' 0 10.0.0.20

# -- explain, asked about a neighbour ----------------------------------------------------

# Of every neighbour in every namespace: table, mark and rule are the kernel's, and so is the number of
# routes of each type; asked by its link-local it is the same one, behind the packets to that address.
cat >"$WORK/neighbours.py" <<'END'
import json, re, socket, subprocess

s = socket.socket(socket.AF_UNIX)
s.connect("/run/ntkd/control")
lines = s.makefile()

def ask(verb, *args):
    s.sendall(json.dumps({"verb": verb, "args": args}).encode() + b"\n")
    answer = json.loads(lines.readline())
    assert answer["ok"], answer
    return answer["result"]

def run(ns, *args):
    inside = [] if ns == "default" else ["ip", "netns", "exec", ns]
    return subprocess.run([*inside, *args], capture_output=True, text=True).stdout

seen = 0
for identity in ask("show_local_identities"):
    for arc in ask("show_identity_arcs", identity["index"]):
        rows = [r for r in ask("explain", arc["peer_mac"]) if r["identity"] == identity["index"]]
        assert len(rows) == 1 and rows[0]["about"] == "identity_arc", rows
        row, ns, seen = rows[0], rows[0]["namespace"], seen + 1
        about = [r for r in ask("explain", arc["peer_linklocal"]) if r["identity"] == identity["index"]]
        assert [r["about"] for r in about] == ["packet", "identity_arc"] and about[1] == row, about
        assert about[0]["peer_mac"] == arc["peer_mac"] and about[0]["type"] == "unicast", about
        links = run(ns, "ip", "-o", "link", "show", "dev", row["ns_dev"])
        assert row["mac"] in links, (row, links)
        assert row["linklocal"] in run(ns, "ip", "-4", "-o", "address", "show", "dev", row["ns_dev"]), row
        if not arc["qspn"]:
            assert "table" not in row and "mark" not in row, row
            continue
        mark, mask = row["mark"].split("/")
        rule = re.sub(r":\s+", ": ", run(ns, "ip", "-4", "rule", "show"))
        assert ("rule" in row) == arc["rule"] and row.get("rule", "") in rule, (row, rule)
        assert int(mark, 16) == row["table"] == arc["table"], row
        assert row["peer_mac"] in run(ns, "nft", "list", "ruleset"), row
        routes = run(ns, "ip", "-4", "-N", "route", "show", "table", str(row["table"])).splitlines()
        kinds = {"unicast": 0, "unreachable": 0, "blackhole": 0}
        for line in routes:
            word = line.split()[0]
            kinds[{"unreachable": "unreachable", "7": "unreachable", "blackhole": "blackhole",
                   "6": "blackhole"}.get(word, "unicast")] += 1
        assert kinds == {k: row[k] for k in kinds}, (kinds, row)
print(seen, "identity-arcs")
END
check 'neighbours: as the kernel has them' in_system beta python3 "$WORK/neighbours.py"
diag "neighbours: $(in_system beta python3 "$WORK/neighbours.py" 2>&1 | tail -n 1)"
like 'for people: the paths that are not taken' \
	"$(ntk beta explain 10.0.0.40 from "$GAMMA")" $'\nothers +arc 0, dev eth1, .*hops .*why goes through the sender'
ntk beta explain "$STRANGER" >/dev/null 2>"$WORK/err"
is 'no neighbour: exit status' $? 1
like 'no neighbour: it says so' "$(<"$WORK/err")" "$STRANGER is no neighbour's address; .*code unknown_arc, field address"
ntk beta explain 10.0.0.40 from 169.254.1.1 2>"$WORK/err" >/dev/null
is 'no sender: exit status' $? 1
like 'no sender: which' "$(<"$WORK/err")" 'code unknown_arc, field from'
is 'the sender by its link-local' "$(ntk beta -j explain 10.0.0.40 from 169.254.94.223)" \
	"$(ntk beta -j explain 10.0.0.40 from "$GAMMA")"
is 'the same by key' "$(ntk beta -j explain "from=$GAMMA" address=10.0.0.40)" \
	"$(ntk beta -j explain 10.0.0.40 from "$GAMMA")"
like 'for people: one member a line' "$(ntk beta explain 10.0.0.40)" $'\ntype +unicast\n'
for wrong in '' '10.0.0' '10.0.0.256' '010.0.0.1' '10.0.0.1 from' '10.0.0.1 from from' '10.0.0.1 to '"$GAMMA"; do
	# shellcheck disable=SC2086
	ntk beta explain $wrong >/dev/null 2>&1
	is "refused: explain $wrong" $? 2
done

# -- events ----------------------------------------------------------------------------

# told TITLE WANT: the listener has heard exactly these events since the last time
heard=0
has_heard()
{
	(($(wc -l <"$WORK/events.json") >= heard + $1))
}
told()
{
	local n have
	n=$(wc -w <<<"$2")
	wait_for 5 has_heard "$n"
	have=$(tail -n +$((heard + 1)) "$WORK/events.json" | grep -o '"event":"[^"]*' | cut -d'"' -f4 | paste -sd' ')
	heard=$(wc -l <"$WORK/events.json")
	is "events: $1" "$have" "$2"
}
told 'two states were loaded' 'transaction_done identity_changed transaction_done identity_made'
ntk beta log debug
ntk beta log info
told 'the level of the log' 'log_changed log_changed'
sed 's/"peer_linklocal": "169.254.69.30"/"peer_linklocal": "169.254.1.1"/' "$SEED_STATE" >"$WORK/wrong.json"
# Like the neighbour route that there is, but somebody else's.
read -r -a like < <(in_system beta ip -4 -n "$ns" route show 169.254.69.30 | grep -oE '(dev|metric) [^ ]+' | paste -sd' ')
in_system beta ip -n "$ns" route add 169.254.1.1/32 "${like[@]}" protocol 99 || bail 'cannot put a route in the way'
ntk beta load_state "$WORK/wrong.json" >/dev/null 2>&1
is 'the kernel refuses a change' $? 1
told 'a refused change' transaction_refused
like 'a refused change: which' "$(tail -n 1 "$WORK/events.json")" '"identity":1,.*"namespace":"ntkv1".*"text":"neigh'
ntk beta remove_identity "$index"
told 'an identity goes' 'transaction_done identity_removed'
cp "$NTKCTL" "$WORK/bin/ntkctl-copy"
in_system beta setpriv --reuid 64200 --regid 64200 --clear-groups "$WORK/bin/ntkctl-copy" \
	-s /run/ntkd/control status >/dev/null 2>&1
is 'a stranger is refused' $? 1
kill -INT "$(pgrep -P "$reader" -x ntkctl || echo "$reader")"
wait "$reader"
is 'a listener that is interrupted: exit status' $? 0
check 'one listener' wait_for 5 listeners 1
like 'for people: one line each' "$(<"$WORK/events.txt")" \
	$'[0-9TZ:.-]+  identity_made +identity=1 address=2.1.1.3 namespace=ntkv1\n'
system_end beta
is 'exit status' $? 0
told 'the end' stopping
wait "$listener"
is 'a listener when the daemon ends: exit status' $? 3
like 'it says why' "$(<"$WORK/events.err")" 'went away'
check_unchanged 'nothing is left' beta "$WORK/before"
done_testing
