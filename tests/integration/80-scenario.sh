#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The whole reference scenario on running daemons: six systems find each other, and by the operator's
# verbs they enter, move and leave connectivity identities behind.  The kernel of each is the
# project's own fixture at every quiet moment, and the reference's measured one.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"
. "$NTK_SRCDIR/tests/integration/course.sh"

compare_fixture()
{
	local name
	wait_for 20 is_quiet "$1"
	for name in "${SCENARIO[@]}"; do
		is "$1: $name: addresses, routes, rules, NAT" "$(made_names "$name")" "$(expected "$1" "$name")"
	done
}

compare_reference()
{
	local name args=() out phase=$1 golden=$2 how=("${@:3}")
	if [[ -z $NTK_REFERENCE ]]; then
		skip "$phase: no difference from the reference" 'the reference material is not here (NTK_REFERENCE)'
		return
	fi
	for name in "${SCENARIO[@]}"; do
		args+=("$name=${SYS_PID[$name]}")
	done
	python3 "$NTK_REFERENCE/kstate.py" snapshot "${args[@]}" >"$WORK/$phase.json"
	out=$(python3 "$NTK_REFERENCE/kstate.py" compare "${how[@]}" \
		"$NTK_REFERENCE/golden/$golden.json" "$WORK/$phase.json" 2>&1)
	diag "$phase: kstate.py compare, six systems: $(tail -n 1 <<<"$out")"
	is "$phase: no difference from the reference" "$(sed '/^$/d' <<<"$out")" '0 differences'
}

# pings_arrive TEXT FILE: one test; each line of the file is "FROM ADDRESS…"
pings_arrive()
{
	local text=$1 from addresses=() count=0 lost=''
	while read -r -a addresses <&3; do
		from=${addresses[0]}
		addresses=("${addresses[@]:1}")
		((count += ${#addresses[@]}))
		lost+=$(silent "$from" "${addresses[@]}" | sed "s/^/$from /;s/$/,/")
	done 3<"$2"
	is "$text: $count pings arrive" "$lost" ''
}

# Those of our own list, which has both ways, and those of the reference, which were measured.
ping_all()
{
	local phase=$1 golden=$2
	if ! command -v ping >/dev/null; then
		skip "$phase: pings arrive" 'ping is not installed'
		return
	fi
	reachable "$phase" | cut -d ' ' -f 1,3- >"$WORK/pings"
	[[ -s $WORK/pings ]] || bail "nothing can be reached at $phase?"
	pings_arrive "$phase" "$WORK/pings"
	if [[ -z $NTK_REFERENCE ]]; then
		skip "$phase: the pings of the reference arrive" 'the reference material is not here (NTK_REFERENCE)'
		return
	fi
	python3 -c 'import json, sys
pings = json.load(open(sys.argv[1])).get("reachable", [])
for name in sorted({p[0] for p in pings}):
    print(name, *(p[1] for p in pings if p[0] == name))' "$NTK_REFERENCE/golden/$golden.json" >"$WORK/pings"
	pings_arrive "$phase, the list of the reference" "$WORK/pings"
}

phase()
{
	compare_fixture "$1"
	compare_reference "$@"
	[[ $1 == p0 ]] || ping_all "$1" "$2"
}

# map_has NAME LINE…: the map of the system has these lines, however they are indented
map_has()
{
	local line text
	text=$(ntk "$1" map | sed 's/^ *//') || return 1
	for line in "${@:2}"; do
		grep -qxF "$line" <<<"$text" || return 1
	done
}

check_map()
{
	if wait_for 20 map_has "${@:2}"; then
		ok "$1: the map of $2"
	else
		not_ok "$1: the map of $2" "not all of"$'\n'"$(printf '%s\n' "${@:3}")"$'\nin\n'"$(ntk "$2" map)"
	fi
}

# check_drawings PHASE NAME G-NODE…: both drawings name them, and the picture is XML
check_drawings()
{
	local gnode wrong= file=$WORK/$1-$2.svg
	ntk "$2" map --svg "$file" 2>&1 || wrong+='no picture '
	ntk "$2" map --dot >"$WORK/$1-$2.dot" 2>&1 || wrong+='no graph '
	for gnode in "${@:3}"; do
		grep -qF ">$gnode</text>" "$file" || wrong+="$gnode is not in the picture "
		grep -qF "[label=\"$gnode\\n" "$WORK/$1-$2.dot" || wrong+="$gnode is not in the graph "
	done
	is "$1: $2: the map drawn" "$wrong" ''
	if command -v python3 >/dev/null; then
		check "$1: $2: the picture is XML" python3 -c \
			'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$file"
	else
		skip "$1: $2: the picture is XML" 'no python3'
	fi
	if command -v dot >/dev/null; then
		check "$1: $2: dot understands the graph" dot -Tsvg -o /dev/null "$WORK/$1-$2.dot"
	else
		skip "$1: $2: dot understands the graph" 'no graphviz'
	fi
}

for name in "${SCENARIO[@]}"; do
	system_new "$name" "eth1=${SCENARIO_MAC[$name]}"
	system_config "$name" "address = \"${SCENARIO_ADDRESS[$name]}\"" 'handover-delay = 1000'
	system_dump "$name" >"$WORK/$name.before"
	system_launch "$name"
done
for name in "${SCENARIO[@]}"; do
	system_await "$name" || bail "$name does not start"
done
phase p0 p0-start --ignore ''

# listen NAME…: what each tells from now on goes to $WORK/NAME.told
listen()
{
	local name
	for name; do
		nsenter -t "${SYS_PID[$name]}" -m -n -- "$NTKCTL" -s /run/ntkd/control events \
			</dev/null >"$WORK/$name.told" 2>&1 &
		LISTENERS+=($!)
		wait_for 10 listens "$name" || bail "no events of $name"
	done
}
listens()
{
	[[ $(ntk "$1" -j show_counters | grep -o '"listeners":[0-9]*') == '"listeners":1' ]]
}
unlisten()
{
	kill "${LISTENERS[@]}"
	wait "${LISTENERS[@]}" 2>/dev/null
	LISTENERS=()
}
LISTENERS=()

# tells NAME LINE…: has told lines with these words, in this order, whatever stands between
tells()
{
	local name=$1 line want=("${@:2}") at=0
	while read -r line; do
		line=$(tr -s ' ' <<<"${line#* }")
		[[ " $line " != *" ${want[at]} "* ]] || ((++at == ${#want[@]})) && return
	done <"$WORK/$name.told"
	echo "$name does not tell: ${want[at]}"
	cat "$WORK/$name.told"
	return 1
}
check_story()
{
	local text=$1
	shift
	wait_for 5 tells "$@"
	check "events: $text: $1" tells "$@"
}

listen beta gamma
course_p1
check_story 'an entry, from its preparation to the end of the old identity' beta \
	'operation identity=0 operation=4379845 prepared' 'operation identity=0 operation=4379845 making' \
	'namespace_made identity=0 namespace=ntkv1' 'identity identity=1 from=0 operation=4379845' \
	'operation identity=0 operation=4379845 running' 'namespace=ntkv1' 'identity_arc identity=1 index=0' \
	'qspn_arc identity=1 index=0' 'handed_over identity=1 from=0 1 arcs to neighbours that stay, 0' \
	'address identity=1 address=2.1.1.1' 'address=2.1.1.1 namespace=default' 'bootstrapped identity=1' \
	'present identity=1' 'operation identity=0 operation=4379845 done' 'identity_leaving identity=0' \
	'identity_removed identity=0'
check_story 'the neighbour of one that enters' gamma 'identity_arc_changed identity=0 index=0' \
	'identity_arc identity=0 index=1' 'qspn_arc identity=0 index=1' 'transaction_done identity=0' \
	'identity_arc_removed identity=0 index=0'
unlisten
phase p1 p1-beta-entered --ignore ''
course_p2
phase p2 p2-mu-entered --ignore ''
course_p3
phase p3 p3-gnode-entered --ignore ''
course_p4
phase p4 p4-alfa-entered --ignore ''
check_map p4 gamma 'network 4.2.2.2: 5 nodes' '2: own, 5 nodes' '2.1: own, 4 nodes' '2.1.1.0: this identity' \
	'2.1.1.1: 1 node, cost 11000 us by arc 1' \
	'2.1.0: 2 nodes, cost 11000 us by arc 3' \
	'2.0: 1 node, cost 21000 us by arc 1 over 2.1.1.1'
check_drawings p4 gamma 2.0 2.1.0 2.1.1.1
course_p5a
listen beta gamma
course_p5b
check_story 'a migration, and what stays behind' beta \
	'operation identity=1 operation=262359 prepared' 'operation identity=1 operation=262359 making' \
	'namespace_made identity=1' 'identity identity=2 from=1 operation=262359' \
	'operation identity=1 operation=262359 running' 'transaction_done identity=1 address=2.1.1.3' \
	'identity_arc identity=2' 'qspn_arc identity=2' 'handed_over identity=2 from=1 3 arcs to neighbours that stay, 0' \
	'address identity=2 address=2.0.1.1' 'address identity=1 address=2.1.1.3' \
	'transaction_done identity=2 address=2.0.1.1 namespace=default' 'bootstrapped identity=2' \
	'present identity=2' 'operation identity=1 operation=262359 done' 'outer_arcs_removed identity=1 times=1' \
	'qspn_arc_removed identity=1' 'identity_arc_removed identity=1'
check_story 'the neighbour of one that migrates' gamma 'identity_arc_changed identity=0' \
	'identity_arc identity=0' 'transaction_done identity=0' 'qspn_arc identity=0' 'transaction_done identity=0'
unlisten
# Where it is quiet already; table numbers from here on are those of spec/kernel-state 7, by which a
# MAC that moves takes a new one, and not the measured ones.
compare_reference p5 p5-beta-migrated --only alfa,gamma,delta,mu
ping_all p5 p5-beta-migrated
listen epsilon
course_p6
check_story 'a real position is taken' epsilon 'address identity=1 address=2.1.1.1' \
	'operation identity=0 operation=4958850 done' 'transaction_done identity=1 address=2.1.1.1'
unlisten
phase p6 p6-epsilon-entered

# explained NAME WORD…: what explain has rows about, and where the identity-arcs lead
explained()
{
	ntk "$1" -j explain "${@:2}" | grep -oE '"(about|arc_state)":"[a-z_]*"|"namespace":"(default|ntkv[0-9]*)"' |
		cut -d'"' -f4 | paste -sd' '
}
# Beta has two identities, so its neighbour has two identity-arcs with it, and beta itself has one in each namespace.
is 'explain: the neighbour with two identities' "$(explained gamma "${SCENARIO_MAC[beta]}")" \
	'neighbour up identity_arc default identity_arc default'
is 'explain: by its pseudo-interface' "$(explained gamma "$(other_mac)")" \
	'neighbour up identity_arc default'
is 'explain: by its link-local, which is a destination as well' "$(explained gamma "$(other_linklocal)")" \
	'packet default neighbour up identity_arc default'
is 'explain: in two namespaces' "$(explained beta "${SCENARIO_MAC[gamma]}")" \
	"neighbour up identity_arc $(system_namespaces beta) identity_arc default"
is 'explain: a packet from it, in each' "$(explained beta 10.0.0.40 from "${SCENARIO_MAC[gamma]}")" \
	"packet $(system_namespaces beta) packet default"

for name in "${SCENARIO[@]}"; do
	system_end "$name"
	is "$name: exit status" $? 0
	check_unchanged "$name: nothing is left" "$name" "$WORK/$name.before"
done
done_testing
